"""Graphs inside a node: what is captured, what stays inside, the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.core.dtypes import F32, I64
from agnesi.graph.body import close
from agnesi.graph.graph import rebuild
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import new_input
from agnesi.graph.types import TensorType
from agnesi.graph.verify import verify_graph
from agnesi.ops.branch import Branch
from agnesi.ops.loop import Loop
from agnesi.rules.loop_drafts import open_loop

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

_TYPES = ("f32[t, b, h]", "f32[h, h]", "f32[h, h]")


def recurrence(x: Tensor, w: Tensor, u: Tensor) -> Loop:
    start = ag.zeros((x.shape[1], x.shape[2]))
    step = new_input("step", TensorType(I64, ()))
    h, row = new_input("h", start.type), new_input("row", TensorType(F32, x.type.shape[1:]))
    new = ag.tanh(h @ w + row @ (u * 2).T)
    closed = close([step, h, row], [new, new])
    return Loop(x.type.shape[0], False, None, closed.body, (start,), (x,), closed.captured)


def test_what_does_not_change_is_captured() -> None:
    x, w, u = (ag.input(n, t) for n, t in zip("xwu", _TYPES, strict=True))
    loop = recurrence(x, w, u)
    assert loop.captured[0] is w
    # The product is computed once, and transposed outside as long as derivatives may be asked for.
    assert [type(c).__name__ for c in loop.captured[1:]] == ["Transpose"]
    verify_graph(loop.parts())
    # Then reading it transposed costs nothing and is done inside.
    opened = open_loop(loop)
    closed = close(opened.inputs, opened.roots, around=opened.around, through=True)
    assert [type(c).__name__ for c in closed.captured] == ["Multiply", "Input"] or [
        type(c).__name__ for c in closed.captured
    ] == ["Input", "Multiply"]


def test_reference_and_new_sizes() -> None:
    x, w, u = (ag.input(n, t) for n, t in zip("xwu", _TYPES, strict=True))
    last, states = recurrence(x, w, u).parts()
    rng = np.random.default_rng(0)
    xs, ws, us = (rng.normal(size=s).astype("f4") * 0.3 for s in ((5, 2, 4), (4, 4), (4, 4)))
    expected: Any = np.zeros((2, 4), "f4")
    for row in xs:
        expected = np.tanh(expected @ ws + row @ (us * 2).T)
    found = interpret([last, states], {x: xs, w: ws, u: us})
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    np.testing.assert_allclose(found[1][-1], expected, rtol=1e-5)
    other = ag.input("other", "f32[t2, b, 4]")
    sizes: Any = dict(zip(x.type.shape, other.type.shape, strict=True))
    (fresh,) = rebuild([states], {x: other}, sizes)
    assert str(fresh.type) == "f32[t2, b, 4]"
    np.testing.assert_allclose(
        interpret([fresh], {other: xs, w: ws, u: us})[0], found[1], rtol=1e-6
    )


def test_a_size_that_is_a_value_is_captured() -> None:
    n = ag.input("n", "i64[]")
    start = ag.zeros((n,))
    step, carry = new_input("step", TensorType(I64, ())), new_input("carry", start.type)
    closed = close([step, carry], [carry + ag.ones((n,))])
    assert closed.captured == (n,)
    loop = Loop(3, False, None, closed.body, (start,), (), closed.captured)
    (last,) = loop.parts()
    assert last.type is start.type
    np.testing.assert_array_equal(interpret([last], {n: np.array(4)})[0], np.full(4, 3, "f4"))


def test_condition_ends_a_loop() -> None:
    limit = ag.input("limit", "f32[]")
    start = ag.constant(1.0)
    step, carry = new_input("step", TensorType(I64, ())), new_input("carry", start.type)
    both = close([step, carry], [carry * 2, carry < limit])
    body, condition = (type(both.body)(both.body.inputs, (o,)) for o in both.body.outputs)
    loop = Loop(None, False, condition, body, (start,), (), both.captured)
    found = interpret([loop, *loop.parts()], {limit: np.array(100, "f4")})
    assert (found[0], found[1]) == (7, 128.0)


def test_one_branch_is_computed() -> None:
    x, k = ag.input("x", "f32[n]"), ag.input("k", "i64[]")
    closed = close([], [x + 1, x * 10])
    bodies = tuple(type(closed.body)(closed.body.inputs, (o,)) for o in closed.body.outputs)
    (part,) = Branch(k, bodies, closed.captured).parts()
    assert part.type is x.type
    for given, expected in ((-3, 2.0), (0, 2.0), (1, 10.0), (9, 10.0)):
        assert interpret([part], {x: np.ones(1, "f4"), k: np.array(given)})[0] == expected

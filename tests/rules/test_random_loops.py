"""Random loops: the interpreter says the same after the rules for loops as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

import agnesi as ag
from agnesi.core.dtypes import I64
from agnesi.graph.body import close, in_bodies
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import new_input
from agnesi.graph.text import graph_text
from agnesi.graph.types import TensorType
from agnesi.graph.verify import verify_graph
from agnesi.ops.loop import Loop
from agnesi.rewrite.trace import Trace
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.loops import loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Tensor

# All values are [b, n] in a step, with b = n at run time, so that everything fits everything.
X, Y = ag.input("x", "f64[t, n, n]"), ag.input("y", "f64[t, n, n]")
W, H = ag.input("w", "f64[n, n]"), ag.input("h", "f64[n, n]")
N = 3
# Some rules want to know sizes.
KX, KW, KH = ag.input("x", "f64[t, 3, 3]"), ag.input("w", "f64[3, 3]"), ag.input("h", "f64[3, 3]")

UNARY: tuple[Callable[[Any], Any], ...] = (
    lambda a: ag.tanh(a),
    lambda a: -a,
    lambda a: a * 0.5,
    lambda a: a.T,
    lambda a: ag.broadcast_to(a.sum(0), a.shape) * 0.1,
    lambda a: a[:, 0][:, None] + a,
    lambda a: ag.exp(-a * a),
    lambda a: a * a * 0.1,
)
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b * 0.1,
    lambda a, b: a @ b * 0.1,
    lambda a, b: a.T @ b * 0.1,
    lambda a, b: ag.where(a < b, a, b),
)


def expression(draw: Any, leaves: Sequence[Any], depth: int) -> Any:
    kind = draw(st.integers(0, 5)) if depth else 0
    if kind < 2:
        return draw(st.sampled_from(list(leaves)))
    if kind == 2:
        return draw(st.sampled_from(UNARY))(expression(draw, leaves, depth - 1))
    a, b = (expression(draw, leaves, depth - 1) for _ in range(2))
    return draw(st.sampled_from(BINARY))(a, b)


def random_loop(draw: Any, states: Sequence[Any], arrays: Sequence[Any]) -> Loop:
    number = new_input("step", TensorType(I64, ()))
    inits = [draw(st.sampled_from(list(states))) for _ in range(draw(st.integers(0, 3)))]
    sequences = [draw(st.sampled_from(list(arrays))) for _ in range(draw(st.integers(1, 3)))]
    carries = [new_input(f"c{k}", init.type) for k, init in enumerate(inits)]
    rows = [
        new_input(f"r{k}", TensorType(s.dtype, s.type.shape[1:])) for k, s in enumerate(sequences)
    ]
    leaves = [*carries, *rows, W, H, ag.broadcast_to(number.astype("f64"), H.shape) * 0.1]
    nexts: list[Any] = []
    for carry in carries:
        kind = draw(st.integers(0, 5))
        new = expression(draw, leaves, 3)
        if kind == 0:
            new = carry
        elif kind < 3:
            # Often a sum over the steps, which others may read or not.
            new = carry + expression(draw, [*rows, *carries, W], 2)
        nexts.append(new)
    others = [expression(draw, [*leaves, *nexts], 3) for _ in range(draw(st.integers(0, 2)))]
    collected = [*others, *draw(st.lists(st.sampled_from([*carries, *nexts, *rows]), max_size=2))]
    # A step gives what has the type of what is carried in, as far as the types tell.
    nexts = [n if n.type.shape == c.type.shape else c for n, c in zip(nexts, carries, strict=True)]
    closed = close([number, *carries, *rows], [*nexts, *collected])
    length, reverse = X.type.shape[0], draw(st.booleans())
    return Loop(length, reverse, None, closed.body, tuple(inits), tuple(sequences), closed.captured)


@st.composite
def graphs(draw: Any) -> list[Tensor]:
    states: list[Any] = [H, W, ag.zeros_like(H)]
    arrays: list[Any] = [X, Y, X * 2.0, X + Y[::-1], ag.broadcast_to(H, X.shape)]
    found: list[Tensor] = []
    for _ in range(draw(st.integers(1, 3))):
        made = random_loop(draw, states, arrays)
        parts = made.parts()
        first = len(made.inits)
        states += parts[:first]
        arrays += [*parts[first:], *(p * 0.5 for p in parts[first:])]
        found += [*parts[:first], *(p if draw(st.booleans()) else p[-1] for p in parts[first:])]
    outputs = draw(st.lists(st.sampled_from(found), min_size=1, max_size=4)) if found else []
    return [H, *outputs]


def canonical(outputs: Sequence[Tensor]) -> list[Tensor]:
    return in_bodies(canonicalize(outputs, Trace()), canonical)


@given(outputs=graphs(), steps=st.integers(1, 4))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rules_for_loops_keep_values(outputs: list[Tensor], steps: int):
    rng = np.random.default_rng(steps)
    arrays: dict[Tensor, Any] = {s: rng.normal(size=(steps, N, N)) * 0.5 for s in (X, Y)}
    arrays |= {m: rng.normal(size=(N, N)) * 0.5 for m in (W, H)}
    after = loops(canonical(outputs), Trace())
    verify_graph(after)
    for old, new in zip(interpret(outputs, arrays), interpret(after, arrays), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-9, err_msg=graph_text(*outputs))
    again = loops(after, Trace())
    for old, new in zip(interpret(after, arrays), interpret(again, arrays), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-9)


@st.composite
def gradients(draw: Any) -> list[Tensor]:
    """Return a cost over random loops, of loops of their states, and its gradients."""
    array: Any = KX
    cost: Any = 0.0
    start = draw(st.sampled_from([KH, ag.zeros_like(KH)]))
    for _ in range(draw(st.integers(1, 2))):

        def step(state: Any, row: Any) -> Any:
            leaves = [state, row, KW, KH]
            new = ag.tanh(state @ KW * 0.3 + expression(draw, leaves, 3) * 0.5)
            return new, expression(draw, leaves, 3) + new

        reverse, checkpoint = draw(st.booleans()), draw(st.sampled_from([None, None, 2]))
        last, ys = ag.scan(step, start, array, reverse=reverse, checkpoint=checkpoint)
        kind = draw(st.integers(0, 3))
        cost += (last * KW).sum() if kind == 0 else (ys[-1] ** 2).sum() if kind == 1 else ys.sum()
        array = ys
    return [cost, *ag.grad(cost, [KW, KH, KX], disconnected="zero")]


@given(outputs=gradients(), steps=st.integers(1, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rules_for_loops_keep_gradients(outputs: list[Tensor], steps: int):
    rng = np.random.default_rng(steps)
    arrays: dict[Tensor, Any] = {KX: rng.normal(size=(steps, N, N)) * 0.5}
    arrays |= {m: rng.normal(size=(N, N)) * 0.5 for m in (KW, KH)}
    after = loops(canonical(outputs), Trace())
    verify_graph(after)
    for old, new in zip(interpret(outputs, arrays), interpret(after, arrays), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-8, atol=1e-8)

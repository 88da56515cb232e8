"""Loops and branches as a user writes them: what they mean, and what is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.errors import GraphTypeError
from agnesi.graph.interpret import interpret
from agnesi.graph.verify import verify_graph
from agnesi.ops.loop import Loop
from agnesi.ops.trees import flatten

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor


def value(outputs: Any, given: dict[Any, Any] | None = None) -> Any:
    """Compute a tree of expressions in NumPy."""
    leaves, tree = flatten(outputs)
    verify_graph(leaves)
    values = {k: np.asarray(v, k.dtype.numpy) for k, v in (given or {}).items()}
    return tree.build(interpret(leaves, values))


def loop_of(part: Tensor) -> Loop:
    node: Any = part
    while not isinstance(node, Loop):
        node = node.operands[0]
    return node


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass
class State:
    h: Any
    steps: Any = 0


def test_scan_is_the_loop_in_python() -> None:
    x, w = ag.matrix("x"), ag.matrix("w")
    h0 = ag.vector("h0")

    def step(h: Any, row: Any) -> Any:
        new = ag.tanh(h @ (w * 2) + row)
        return new, (new, {"sum": new.sum()})

    last, (states, sums) = ag.scan(step, h0, x)
    rng = np.random.default_rng(0)
    xs, ws, h = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
    found = value((last, states, sums["sum"]), {x: xs, w: ws, h0: h})
    rows = []
    for row in xs.astype("f4"):
        h = np.tanh(h.astype("f4") @ (ws.astype("f4") * 2) + row)
        rows.append(h)
    np.testing.assert_allclose(found[0], h, rtol=1e-5)
    np.testing.assert_allclose(found[1], rows, rtol=1e-5)
    np.testing.assert_allclose(found[2], np.sum(rows, 1), rtol=1e-4, atol=1e-6)
    # The product by 2 does not change from step to step.
    assert [type(c).__name__ for c in loop_of(last).captured] == ["Multiply"]


@pytest.mark.parametrize("reverse", [False, True])
def test_trees_of_all_kinds(reverse: bool) -> None:
    x = ag.input("x", "f32[n]")

    def step(carry: Any, row: Any) -> Any:
        a, rest = carry["pair"]
        state = carry["state"]
        new = Pair(a + row["x"], [rest[0], None])
        return {"state": State(state.h * 2, state.steps + 1), "pair": new}, State(row["x"], a)

    init = {"pair": Pair(0.0, [np.ones(2, "f4"), None]), "state": State(1.0)}
    carry, ys = ag.scan(step, init, {"x": x}, reverse=reverse)
    assert isinstance(carry["pair"], Pair)
    assert isinstance(ys, State)
    assert carry["pair"].right[1] is None
    assert carry["state"].steps.dtype == "i64"
    found = value((carry["pair"].left, carry["state"].h, ys.steps), {x: [1, 2, 4]})
    assert (found[0], found[1]) == (7, 8)
    np.testing.assert_array_equal(found[2], [6, 4, 0] if reverse else [0, 1, 3])


def test_numbers_take_the_dtype_of_the_step() -> None:
    for dtype in ("f32", "f64", "bf16", "c64"):
        x = ag.input("x", f"{dtype}[n]")
        last, ys = ag.scan(lambda c, r: (c + r, c * 2), 0.0, x)
        assert last.dtype == dtype, dtype
        assert ys.dtype == dtype, dtype
    x = ag.input("x", "f64[n]")
    # One number takes its dtype from another.
    (a, b), _ = ag.scan(lambda c, r: ((c[0] + c[1], c[1] + r), None), (0, 0.0), x)
    assert (a.dtype, b.dtype) == ("f64", "f64")
    last, _ = ag.scan(lambda c, _: (c + 1, None), x.shape[0], length=3)
    assert last.dtype == "i64"
    assert value(last, {x: [0, 0]}) == 5
    # An array is what it is.
    with pytest.raises(ag.GraphTypeError, match="changes its type: f32\\[\\] before a step, f64"):
        ag.scan(lambda c, r: (c + r, None), ag.constant(0.0), x)


def test_until_ends_after_the_step() -> None:
    x = ag.input("x", "f32[n]")
    last, ys = ag.scan(lambda c, r: (c + r, c), 0.0, x, until=lambda c: c > 4)
    found = value((last, ys), {x: [1, 2, 3, 4]})
    assert found[0] == 6
    np.testing.assert_array_equal(found[1], [0, 1, 3])
    found = value((last, ys), {x: [1, 2]})
    np.testing.assert_array_equal(found[1], [0, 1])
    _, ys = ag.scan(lambda c, r: (c + r, r), 0.0, x, reverse=True, until=lambda c, y: y < 2)
    np.testing.assert_array_equal(value(ys, {x: [5, 1, 3, 4]}), [1, 3, 4])


def test_length_alone_and_none() -> None:
    n = ag.input("n", "i64[]")
    last, ys = ag.scan(lambda c, _: (c * 2, c), ag.constant(1.0), length=n)
    found = value((last, ys), {n: 4})
    assert found[0] == 16
    np.testing.assert_array_equal(found[1], [1, 2, 4, 8])
    found = value((last, ys), {n: 0})
    assert found[0] == 1
    assert found[1].shape == (0,)
    with pytest.raises(ag.ShapeError, match="number of steps"):
        value(ys, {n: -1})
    # Fewer steps than rows are the first of them.
    x = ag.input("x", "f32[m]")
    last, _ = ag.scan(lambda c, r: (c + r, None), 0.0, x, length=n)
    assert value(last, {x: [1, 2, 4], n: 2}) == 3
    with pytest.raises(ag.ShapeError, match="sequence 0"):
        value(last, {x: [1, 2, 4], n: 5})


def test_sizes_that_may_agree_are_checked_in_a_call() -> None:
    x, y = ag.input("x", "f32[n]"), ag.input("y", "f32[m]")
    both = ag.scan(lambda c, r: (c + r[0] * r[1], None), 0.0, (x, y))[0]
    assert value(both, {x: [1, 2], y: [3, 4]}) == 11
    with pytest.raises(ag.ShapeError):
        value(both, {x: [1, 2], y: [3, 4, 5]})
    grown = ag.scan(lambda c, _: (y + c.sum(), None), x, length=2)[0]
    assert grown.type == x.type
    np.testing.assert_array_equal(value(grown, {x: [1, 2], y: [0, 0]}), [6, 6])
    with pytest.raises(ag.ShapeError):
        value(grown, {x: [1, 2], y: [0, 0, 0]})


def test_map_and_folds() -> None:
    x = ag.matrix("x")
    found = ag.map(lambda a, b: (a.max() - b, b), x, x[:, 0])
    got = value(found, {x: [[1, 5], [7, 2]]})
    np.testing.assert_array_equal(got[0], [4, 0])
    np.testing.assert_array_equal(got[1], [1, 7])
    v = ag.vector("v")
    assert value(ag.foldl(lambda a, b: a * 10 + b, v, 0.0), {v: [1, 2, 3]}) == 123
    assert value(ag.foldr(lambda a, b: a * 10 + b, v, 0.0), {v: [1, 2, 3]}) == 321
    assert value(ag.reduce(lambda a, b: ag.maximum(a, b), v, -np.inf), {v: [1, 9, 3]}) == 9


def test_while_loop() -> None:
    x = ag.scalar("x")
    value_, steps = ag.while_loop(lambda c: c[0] > 1, lambda c: (c[0] / 2, c[1] + 1), (x, 0))
    assert value((value_, steps), {x: 100}) == (0.78125, 7)
    assert value((value_, steps), {x: 0.5}) == (0.5, 0)


def test_one_branch_is_computed() -> None:
    x, k = ag.vector("x"), ag.input("k", "i64[]")
    outer = ag.exp(x)
    y = ag.cond(x.sum() > 0, lambda v: (ag.sqrt(v), 1), lambda v: (v * outer, 0.5), x)
    node = y[0].operands[0]
    # What the functions build is inside; what was there before is computed once.
    assert [type(c).__name__ for c in node.captured] == ["Input", "Exp"]
    assert y[1].dtype == "f32"
    np.testing.assert_allclose(value(y, {x: [4, 9]})[0], [2, 3])
    np.testing.assert_allclose(value(y, {x: [-1, 0]})[0], [-np.exp(-1), 0], rtol=1e-6)
    z = ag.switch_case(k, [lambda: x, lambda: x * 2, lambda: x * 3])
    for given, factor in ((-1, 1), (1, 2), (7, 3)):
        np.testing.assert_array_equal(value(z, {x: [1, 2], k: given}), np.array([1, 2]) * factor)


def test_loops_in_branches_in_loops() -> None:
    x = ag.matrix("x")

    def step(c: Any, row: Any) -> Any:
        new = ag.cond(
            row[0] > 0,
            lambda: c + ag.scan(lambda a, b: (a + b * c, None), 0.0, row)[0],
            lambda: c - 1,
        )
        return new, new

    _, ys = ag.scan(step, 1.0, x)
    np.testing.assert_array_equal(value(ys, {x: [[1, 2], [-1, 5], [0.5, 0.5]]}), [4, 3, 6])


def test_closures_over_shared_variables() -> None:
    w = ag.shared(np.array([2.0, 3.0], "f4"))
    last, _ = ag.scan(lambda c, _: (c * w, None), ag.ones(2), length=3)
    np.testing.assert_array_equal(value(last), [8, 27])


def test_a_size_of_what_branches_return_may_be_computed_in_them() -> None:
    v, k = ag.vector("v"), ag.input("k", "i64[]")
    y = ag.map(lambda r: ag.cond(r > 2, lambda: v[: k + 1] * r, lambda: ag.ones((k + 1,))), v)
    f = ag.function([v, k], [y, ag.grad((y**2).sum(), v)])
    found, slope = f([1, 3, 5], 1)
    np.testing.assert_array_equal(found, [[1, 1], [3, 9], [5, 15]])
    np.testing.assert_array_equal(slope, [2 * 9 + 2 * 25, 6 * 9 + 6 * 25 + 6 * 10, 10 * 10])


def test_an_integer_to_begin_with_becomes_a_float_if_a_step_makes_one() -> None:
    last, _ = ag.scan(lambda c, _: (c * 0.5, None), 1, length=2)
    assert last.dtype == "f32"
    np.testing.assert_array_equal(value(last), 0.25)
    (a, b), _ = ag.scan(lambda c, _: ((c[0] + 1, c[0] / 2 + c[1]), None), (0, 0), length=3)
    assert (a.dtype, b.dtype) == ("i64", "f64")
    np.testing.assert_array_equal(value(b), 1.5)


MATRIX, VECTOR = ag.matrix("m"), ag.vector("v")
BAD = {
    "two things": lambda: ag.scan(lambda c, r: c, 0.0, VECTOR),
    "no sequences and no length": lambda: ag.scan(lambda c, r: (c, c), 0.0),
    "cannot be negative, but length is -1": lambda: ag.scan(lambda c, r: (c, c), 0.0, length=-1),
    "different lengths": lambda: ag.scan(lambda c, r: (c, c), 0.0, (ag.zeros(3), ag.zeros((4, 2)))),
    "read past the end of xs": lambda: ag.scan(lambda c, r: (c, c), 0.0, ag.zeros(3), length=5),
    "until gives one bool, but this is f32": lambda: ag.scan(
        lambda c, r: (c + r, c), 0.0, VECTOR, until=lambda c: c
    ),
    "until gives one bool, but this is bool\\[3\\]": lambda: ag.scan(
        lambda c, r: (c, None), ag.zeros(3), VECTOR, until=lambda c: c > 0
    ),
    "the carry is a tuple of 1, where it was a tuple of 2": lambda: ag.scan(
        lambda c, r: ((c[0],), None), (0.0, 1.0), VECTOR
    ),
    "carry\\['a'\\] changes its type: f32\\[\\] before a step, f32\\[": lambda: ag.scan(
        lambda c, r: ({"a": c["a"] + r}, None), {"a": 0.0}, MATRIX
    ),
    "list or tuple is several sequences": lambda: ag.scan(lambda c, r: (c, r), 0.0, [1.0, 2.0]),
    "xs is a scalar": lambda: ag.scan(lambda c, r: (c, None), 0.0, 1.0),
    "scan: init\\[0\\]: 'a'": lambda: ag.scan(lambda c, r: (c, None), ("a",), VECTOR),
    "the condition gives one bool": lambda: ag.while_loop(lambda c: c, lambda c: c, 1.0),
    "different types": lambda: ag.cond(True, lambda: ag.zeros(3), lambda: ag.zeros(4)),
    "different types for \\['a'\\]": lambda: ag.cond(
        True, lambda: {"a": VECTOR}, lambda: {"a": VECTOR.astype("f64")}
    ),
    "an array, where it was a tuple of 2": lambda: ag.cond(
        True, lambda: VECTOR, lambda: (VECTOR, VECTOR)
    ),
    "the predicate is one bool": lambda: ag.cond(VECTOR[0], lambda: 1, lambda: 2),
    "the predicate is a scalar": lambda: ag.cond(VECTOR > 0, lambda: 1, lambda: 2),
    "the index is an integer": lambda: ag.switch_case(0.5, [lambda: 1]),
    "no branches": lambda: ag.switch_case(0, []),
    "on_false is a function, to be called if it is taken": lambda: ag.cond(
        True,
        VECTOR,  # pyright: ignore[reportArgumentType]
        VECTOR,  # pyright: ignore[reportArgumentType]
    ),
    "taps: a sequence has rows": lambda: ag.taps(VECTOR[0], [-1, 0]),
    "map: y has another shape in each step": lambda: ag.map(lambda r: VECTOR[VECTOR > r], VECTOR),
    "scan: y\\['a'\\] has another shape in each step": lambda: ag.scan(
        lambda c, i: (c, {"a": VECTOR[:i]}), 0.0, ag.arange(3)
    ),
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input(words: str) -> None:
    with pytest.raises(ag.GraphTypeError, match=words):
        BAD[words]()


def test_sequences_of_different_lengths_in_a_call() -> None:
    other = ag.input("other", "f32[k]")
    f = ag.function([VECTOR, other], ag.map(lambda a, b: a * b, VECTOR, other))
    with pytest.raises(
        ag.ShapeError, match="sequences of one loop have as many rows each"
    ) as caught:
        f([1, 2, 3], [1, 2])
    assert "test_loops.py" in str(caught.value)


def test_errors_show_the_line() -> None:
    with pytest.raises(ag.GraphTypeError) as caught:
        ag.scan(lambda c, r: (c + r, None), ag.ones(()), MATRIX)
    assert "test_loops.py" in str(caught.value)
    assert "ag.ones(())" in str(caught.value)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("checkpoint", [1, 3, 4, 20, True])
@pytest.mark.parametrize("until", [None, lambda c: c > 20])
def test_a_loop_in_segments_is_the_same_loop(reverse: bool, checkpoint: Any, until: Any) -> None:
    x = ag.input("x", "f32[n]")

    def step(c: Any, row: Any) -> Any:
        return c + row, (c, row)

    rows = np.arange(8, dtype="f4")
    how: Any = {"reverse": reverse, "until": until}
    plain = value(ag.scan(step, 0.0, x, **how), {x: rows})
    cut = ag.scan(step, 0.0, x, checkpoint=checkpoint, **how)
    known = ag.scan(step, 0.0, rows, checkpoint=checkpoint, **how)
    for found in (value(cut, {x: rows}), value(known)):
        assert found[0] == plain[0]
        np.testing.assert_array_equal(found[1][0], plain[1][0])
        np.testing.assert_array_equal(found[1][1], plain[1][1])
    assert value(cut, {x: []})[0] == 0


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("truncate", [0, 3, 9])
def test_a_truncated_loop_is_the_same_loop(reverse: bool, truncate: int) -> None:
    x = ag.input("x", "f32[n]")

    def step(c: Any, row: Any) -> Any:
        return c + row, (c, row)

    rows = np.arange(8, dtype="f4")
    plain = value(ag.scan(step, 0.0, x, reverse=reverse), {x: rows})
    cut = ag.scan(step, 0.0, x, reverse=reverse, truncate=truncate, checkpoint=2)
    found = value(cut, {x: rows})
    assert found[0] == plain[0]
    np.testing.assert_array_equal(found[1], plain[1])


def test_taps_are_shifted_sequences() -> None:
    x, n = ag.input("x", "f32[n]"), np.arange(5, dtype="f4")
    shifted = ag.taps(x, [-2, 0, 1])
    assert len({t.type for t in shifted}) == 1
    for found, start in zip(value(shifted, {x: n}), (0, 2, 3), strict=True):
        np.testing.assert_array_equal(found, n[start : start + 2])
    assert value(ag.taps(x, [3])[0], {x: n[:2]}).shape == (0,)
    with pytest.raises(ag.GraphTypeError, match="shifted by integers"):
        ag.taps(x, [0.5])  # type: ignore[list-item]


def test_native_loops_and_branches() -> None:
    """The same in machine code: nested, with conditions, sizes that only a call tells."""
    x, n, k = ag.input("x", "f32[t, 3]"), ag.input("n", "i64[]"), ag.input("k", "i64[]")

    def step(c: Any, row: Any) -> Any:
        new = ag.switch_case(
            k,
            [
                lambda: c + row,
                lambda: ag.scan(lambda a, b: (a * 0.5 + b * c, None), c, row)[0],
                lambda: ag.while_loop(lambda v: v.sum() > 1, lambda v: v / 2, c + row),
            ],
        )
        return new, (new, row.sum())

    last, (states, sums) = ag.scan(step, ag.ones(3), x, length=n, until=lambda c: c.sum() > 100)
    gradient = ag.grad((states * states).sum() + last.sum(), x)
    outputs = [last, states, sums, gradient]
    function = ag.function([x, n, k], outputs)
    xs = np.random.default_rng(0).normal(size=(6, 3)).astype("f4")
    for taken, scale in ((0, 1), (0, 30), (1, 1), (2, 1)):
        for count in (0, 1, 6):
            given = (xs * np.float32(scale), np.array(count), np.array(taken))
            expected = interpret(outputs, dict(zip((x, n, k), given, strict=True)))
            for a, b in zip(function(*given), expected, strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
    with pytest.raises(ag.ShapeError, match=r"7 steps read past the end of sequence 0.* 6 rows"):
        function(xs, 7, 0)
    with pytest.raises(ag.ShapeError, match=r"test_loops\.py"):
        function(xs, -1, 0)


SCAN: Any = ag.scan
MAP: Any = ag.map
WHILE: Any = ag.while_loop


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda x: SCAN(3, 0.0, x),
            "step is a function, called as step(carry, x), but this is 3",
        ),
        (lambda x: SCAN(lambda c: c, 0.0, x), "step is called as step(carry, x), but too many"),
        (
            lambda x: MAP(lambda a, b: a, x),
            "function is called as function(*elements), but miss",
        ),
        (lambda _: WHILE(bool, lambda: 1, 0.0), "body is called as body(carry), but too"),
    ],
)
def test_a_step_that_cannot_be_called(wrong: Any, words: str) -> None:
    x = ag.input("x", "f32[n]")
    with pytest.raises(GraphTypeError, match=re.escape(words)):
        wrong(x)

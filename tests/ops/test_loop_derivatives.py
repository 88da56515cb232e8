"""Derivatives of loops and branches, and loops of many examples, in NumPy's evaluation."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.graph.body import Several
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.graph.verify import verify_graph
from agnesi.ops.loop import Loop, Segments
from agnesi.ops.trees import flatten
from agnesi.testing import check_gradient
from agnesi.testing.evaluators import interpreted

check = partial(check_gradient, evaluator=interpreted)


def value(outputs: Any, given: dict[Any, Any] | None = None) -> Any:
    leaves, tree = flatten(outputs)
    verify_graph(leaves)
    values = {k: np.asarray(v, k.dtype.numpy) for k, v in (given or {}).items()}
    return tree.build(interpret(leaves, values))


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape) * 0.5


def loops(*outputs: Any) -> list[Loop]:
    return [node for node in toposort(outputs) if isinstance(node, Loop)]


def recurrence(x: Any, w: Any, u: Any, h: Any, **how: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        h, count = carry
        new = ag.tanh(h @ w + row @ u)
        return (new, count + 1), ((new * new).sum(-1), row * 2, count)

    (last, _), (sums, twice, _) = ag.scan(step, (h, 0), x, **how)
    return ag.concatenate([last.flatten(), sums.flatten(), twice.flatten()])


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"reverse": True},
        {"length": 3},
        {"length": 3, "reverse": True},
        {"checkpoint": 2},
        {"checkpoint": 3, "reverse": True},
        {"checkpoint": True},
        {"length": 0},
    ],
    ids=str,
)
def test_recurrence(how: dict[str, Any]) -> None:
    check(partial(recurrence, **how), normal(5, 2, 3), normal(4, 4), normal(3, 4), normal(2, 4))


def test_it_is_that_of_the_unrolled_graph() -> None:
    x, w = ag.input("x", "f64[4, 3]"), ag.input("w", "f64[3, 3]")

    def step(h: Any, row: Any) -> Any:
        new = ag.special.expit(h @ w) * ag.tanh(row + h)
        return new, ag.exp(-new)

    last, ys = ag.scan(step, ag.zeros(3, "f64"), x)
    h, rows = ag.zeros(3, "f64"), []
    for k in range(4):
        h, y = step(h, x[k])
        rows.append(y)
    one = ag.grad(last.sum() + (ys * ys).sum(), [x, w])
    other = ag.grad(h.sum() + sum(((y * y).sum() for y in rows), ag.constant(0.0)), [x, w])
    given = {x: normal(4, 3), w: normal(3, 3)}
    for a, b in zip(value(one, given), value(other, given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_loops_that_a_condition_ends() -> None:
    check(
        lambda x: ag.while_loop(lambda c: (c * c).sum() < 50, lambda c: c * 1.5 + ag.sin(c), x),
        normal(3),
    )
    for how in ({}, {"checkpoint": 2}, {"reverse": True}):

        def until(x: Any, w: Any, how: Any = how) -> Any:
            last, ys = ag.scan(
                lambda c, r: (c * w + r, c * r), 0.0, x, until=lambda c: c > 1.5, **how
            )
            return ag.concatenate([last[None], ys])

        check(until, np.abs(normal(8)), np.array(1.1))


def test_loops_and_branches_in_loops_and_branches() -> None:
    def nested(x: Any, w: Any) -> Any:
        def outer(c: Any, row: Any) -> Any:
            d, ys = ag.scan(lambda a, b: (ag.sin(a * w) + b * c, a), c, row)
            return d, ys.sum()

        return ag.scan(outer, 0.3, x)[1]

    check(nested, normal(3, 4), np.array(0.7))

    def branched(x: Any, w: Any) -> Any:
        def step(c: Any, row: Any) -> Any:
            new = ag.cond(
                row > 0,
                lambda: ag.sin(c * w) + row,
                lambda: ag.scan(lambda a, b: (a * ag.cos(b) * w, None), c, ag.stack([row, c]))[0],
            )
            return new, new

        return ag.scan(step, 0.5, x)[1]

    check(branched, normal(5), np.array(0.7))

    def uneven(x: Any) -> Any:
        def outer(c: Any, row: Any) -> Any:
            last, ys = ag.scan(
                lambda a, b: (ag.sin(a) + b * b + c, a * a), 0.1, row, until=lambda a: a > 2
            )
            return last, ys.sum()

        return ag.scan(outer, 0.3, x)[1]

    check(uneven, np.abs(normal(4, 6)))


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_branches(taken: int) -> None:
    def chosen(x: Any, w: Any) -> Any:
        k = ag.constant(taken)
        a, b = ag.switch_case(
            k,
            [
                lambda: (ag.sin(x) * w, x),
                lambda: (x * 2, x * w),
                lambda: (ag.ones(3, x.dtype), x * x),
            ],
        )
        return a * b

    if taken == 2:
        check(lambda x: chosen(x, 1.0), normal(3))
    else:
        check(chosen, normal(3), np.array(0.7))


def test_truncated() -> None:
    x, w = ag.input("x", "f64[n]"), ag.input("w", "f64[]")

    def step(c: Any, r: Any) -> Any:
        return ag.tanh(c * w + r), c * w

    given = {x: normal(6), w: 0.9}
    for reverse in (False, True):
        last, ys = ag.scan(step, 0.5, x, truncate=2, reverse=reverse)
        found = value(ag.grad(last + ys.sum(), w), given)
        rows = [x[k] for k in (range(5, -1, -1) if reverse else range(6))]
        c: Any = ag.constant(np.float64(0.5))
        for row in rows[:4]:
            c = step(c, row)[0]
        c = ag.stop_gradient(c)
        cost: Any = 0.0
        for row in rows[4:]:
            c, y = step(c, row)
            cost = cost + y
        np.testing.assert_allclose(found, value(ag.grad(c + cost, w), given), rtol=1e-12)
        assert value(ag.grad(last, w), given) != value(
            ag.grad(ag.scan(step, 0.5, x, reverse=reverse)[0], w), given
        )
    with pytest.raises(ag.GraphTypeError, match="truncate counts steps from the end"):
        ag.scan(step, 0.5, x, truncate=2, until=lambda c: c > 1)


def test_only_what_is_asked_for_is_computed() -> None:
    x, w, h = (ag.input(n, t) for n, t in (("x", "f32[t, 4]"), ("w", "f32[4, 4]"), ("h", "f32[4]")))
    last, _ = ag.scan(lambda c, r: (ag.tanh(c @ w + r), c), h, x)
    _, saving, back = loops(ag.grad(last.sum(), x), last)[-3:]
    del saving
    # The state after the step is kept; neither the weights nor the first state are asked about.
    assert len(back.inits) == 1
    assert len(back.sequences) == 1
    weights = loops(ag.grad(last.sum(), w))[-1]
    # Of the states only those before the steps are rows; the one after is handed on.
    assert len(weights.sequences) == 1
    assert [i.name for i in weights.carries] == ["out", "ct", "sum"]


def test_gates_are_computed_again_from_what_goes_into_them() -> None:
    x, w = ag.input("x", "f32[t, 2, 12]"), ag.input("w", "f32[3, 12]")

    def step(carry: Any, row: Any) -> Any:
        h, c = carry
        z = row + h @ w
        i, f, g, o = (z[:, k * 3 : k * 3 + 3] for k in range(4))
        c = ag.special.expit(f) * c + ag.special.expit(i) * ag.tanh(g)
        return (ag.special.expit(o) * ag.tanh(c), c), None

    start = ag.zeros((2, 3))
    (h, _), _ = ag.scan(step, (start, start), x)
    saving = loops(ag.grad(h.sum(), w))[0]
    shapes = sorted(str(p) for p in saving.part_types[2:])
    assert shapes == ["f32[t, 2, 12]", "f32[t, 2, 3]", "f32[t, 2, 3]"]


def test_checkpoints_keep_one_state_for_a_segment() -> None:
    x, w = ag.input("x", "f32[100, 7]"), ag.input("w", "f32[7, 7]")
    last, _ = ag.scan(lambda c, r: (ag.tanh(c @ w + r), None), ag.zeros(7), x, checkpoint=10)
    outer = loops(ag.grad(last.sum(), w))
    assert all(isinstance(loop, Segments) for loop in outer)
    kept = [str(kind) for loop in outer for kind in loop.part_types if len(kind.shape) > 2]
    # Nothing has a row for each step.
    assert kept == []
    assert "f32[10, 7]" in [str(kind) for loop in outer for kind in loop.part_types]


def test_no_derivative_inside() -> None:
    x = ag.input("x", "f32[n]")
    y = ag.scan(lambda c, r: (c + ag.undefined_gradient(r), None), 0.0, x)[0]
    with pytest.raises(ag.GradientError, match="undefined_gradient"):
        ag.grad(y, x)
    z = ag.cond(x[0] > 0, lambda: ag.undefined_gradient(x), lambda: x)
    with pytest.raises(ag.GradientError, match="undefined_gradient"):
        ag.grad(z.sum(), x)
    held = ag.scan(lambda c, r: (ag.stop_gradient(c) + r, None), 0.0, x)[0]
    np.testing.assert_array_equal(value(ag.grad(held, x), {x: [1, 2, 3]}), [0, 0, 1])


def test_complex_numbers() -> None:
    def step(c: Any, r: Any) -> Any:
        return c * r + ag.exp(c), ag.absolute(c)

    check(
        lambda x: ag.scan(step, 0.1 + 0.2j, x)[1], (normal(4) + 1j * normal(5)[:4]) * 0.5, order=1
    )


def each(f: Any, in_axes: Any, *arrays: Any) -> None:
    """Hold a vectorised function against the function of each example."""
    got = value(ag.vectorize(f, in_axes=in_axes)(*map(ag.constant, arrays)))
    count = next(a.shape[0] for a, axis in zip(arrays, in_axes, strict=True) if axis is not None)
    for k in range(count):
        pairs = zip(arrays, in_axes, strict=True)
        one = value(f(*(ag.constant(a if axis is None else a[k]) for a, axis in pairs)))
        for a, b in zip(got, one, strict=True):
            np.testing.assert_allclose(a[k], b, rtol=1e-12)


def results(x: Any, w: Any, h: Any) -> Any:
    last, ys = ag.scan(
        lambda c, r: ((ag.tanh(c[0] @ w + r), c[1] + 1), (c[0].sum(), r, c[1])), (h, 0), x
    )
    return (*last, *ys)


@pytest.mark.parametrize("in_axes", [(0, None, None), (None, 0, None), (0, None, 0), (None, 0, 0)])
def test_many_examples(in_axes: Any) -> None:
    shapes = [(5, 3), (3, 3), (3,)]
    arrays = [
        normal(*shape) if axis is None else normal(4, *shape)
        for shape, axis in zip(shapes, in_axes, strict=True)
    ]
    each(results, in_axes, *arrays)
    each(lambda *a: tuple(ag.grad(results(*a)[0].sum(), list(a))), in_axes, *arrays)


def test_examples_that_take_other_ways() -> None:
    # Each example has its own number of steps; done is what keeps its value.
    each(
        lambda x: ag.while_loop(lambda c: c[0] < 30, lambda c: (c[0] * 2, c[1] + 1), (x, 0)),
        (0,),
        np.array([1.0, 5.0, 40.0]),
    )

    def chosen(x: Any, k: Any) -> Any:
        return ag.switch_case(k, [lambda: (ag.sin(x), x), lambda: (x * 2, x), lambda: (x, x * 3)])

    each(chosen, (0, None), normal(4, 3), np.array(1))
    each(chosen, (None, 0), normal(3), np.array([1, -1, 2, 5]))
    each(chosen, (0, 0), normal(4, 3), np.array([1, -1, 2, 5]))

    # All examples stop after as many steps, which is a size.
    def stopped(k: Any) -> Any:
        numbers = ag.constant(np.arange(9.0))
        last, (a, b) = ag.scan(
            lambda c, r: (c + r, (c, k * c)), 0.0, numbers, until=lambda c: c > 9
        )
        return last, a, b, ag.arange(a.shape[0]) * k

    each(stopped, (0,), normal(4))
    with pytest.raises(ag.GraphTypeError, match="differs between examples"):
        ag.vectorize(lambda x: ag.scan(lambda c, r: (c + r, c), 0.0, x, until=lambda c: c > 1)[1])(
            ag.input("x", "f64[b, n]")
        )


def test_bodies_are_closed() -> None:
    x, n = ag.input("x", "f64[t, k]"), ag.input("n", "i64[]")
    last, _ = ag.scan(
        lambda c, r: (ag.sin(c[: r.shape[0]]) + r, c.sum()), ag.ones(n, "f64")[: x.shape[1]], x
    )
    grads = ag.grad(last.sum(), x)
    ahead = ag.jvp(grads, x, x)
    for node in toposort([grads, ahead]):
        if isinstance(node, Several):
            for body in node.bodies:
                verify_graph(body.outputs, body.inputs, body.symbols)


@pytest.mark.parametrize("how", [{}, {"checkpoint": 2}, {"reverse": True}], ids=str)
def test_random_numbers_are_the_same_going_back(how: dict[str, Any]) -> None:
    stream = ag.random.Stream(3)
    x, w = ag.input("x", "f64[t, 3]"), ag.input("w", "f64[3, 3]")

    def step(c: Any, r: Any) -> Any:
        noise = stream.normal((3,), dtype="f64")
        kept = ag.where(stream.uniform((3,)) < 0.7, c @ w, 0.0)
        return ag.tanh(kept + r + noise * 0.3), noise

    last, ys = ag.scan(step, ag.zeros(3, "f64"), x, **how)
    cost = (last * ys.sum(0)).sum()
    rows, weights, along = normal(7, 3), normal(3, 3), normal(3, 4)[:, 1:]
    drawn, slope = value((ys, ag.grad(cost, w)), {x: rows, w: weights})
    assert len(np.unique(drawn)) == drawn.size
    ahead, behind = (value(cost, {x: rows, w: weights + s * along}) for s in (1e-6, -1e-6))
    np.testing.assert_allclose((slope * along).sum(), (ahead - behind) / 2e-6, rtol=1e-6)


def test_gradients_by_what_loops_and_branches_read_moved():
    """A transposed matrix that a step reads, and that is read outside as well."""
    w, h0 = ag.input("w", "f64[2, 2]"), ag.input("h0", "f64[2]")
    turned = w.T
    last, _ = ag.scan(lambda h, _: (ag.tanh(turned @ h), h), h0, None, 3)
    chosen = ag.cond(h0[0] > 0, lambda: turned @ h0, lambda: h0)
    cost = last.sum() + (turned * turned).sum() + chosen.sum()
    plain = ag.input("turned", "f64[2, 2]")
    again, _ = ag.scan(lambda h, _: (ag.tanh(plain @ h), h), h0, None, 3)
    chosen = ag.cond(h0[0] > 0, lambda: plain @ h0, lambda: h0)
    expected = again.sum() + (plain * plain).sum() + chosen.sum()
    a, b = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.5, 0.6])
    found = ag.grad(cost, turned).eval({w: a, h0: b})
    np.testing.assert_allclose(found, ag.grad(expected, plain).eval({plain: a.T, h0: b}))


def test_gradients_of_branches_whose_results_differ_in_size():
    flag = ag.input("flag", "bool[]")
    x, y = ag.input("x", "f64[n]"), ag.input("y", "f64[m]")
    size = ag.cond(flag, lambda: x.shape[0] * 1, lambda: y.shape[0] * 1)
    made = ag.cond(
        flag, lambda: ag.specify_shape(x * 2, (size,)), lambda: ag.specify_shape(y * 3, (size,))
    )
    f = ag.function([flag, x, y], [made, *ag.grad(made.sum(), [x, y])])
    for chosen, expected in (
        (True, ([2] * 3, [2] * 3, [0] * 2)),
        (False, ([3] * 2, [0] * 3, [3] * 2)),
    ):
        found = f(chosen, np.ones(3), np.ones(2))
        assert [r.tolist() for r in found] == [list(e) for e in expected]

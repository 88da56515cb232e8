"""Public functions that are not one op each, against NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import assert_close, check_gradient, interpreted
from agnesi.testing.evaluators import native

if TYPE_CHECKING:
    from collections.abc import Callable

NAN, INF = float("nan"), float("inf")
AXES = (None, 0, 1, -1, (0, 2), (1, 2), (2, 0), (0, 1, 2), ())
REDUCTIONS = ("sum", "prod", "max", "min", "any", "all", "mean")


def _check(ours: Callable[..., Any], numpys: Callable[..., Any], *arrays: np.ndarray) -> None:
    inputs = [ag.constant(a) for a in arrays]
    leaves = [ag.input(f"x{k}", str(c.type)) for k, c in enumerate(inputs)]
    with np.errstate(all="ignore"):
        expected = np.asarray(numpys(*arrays))
    for evaluate in (interpreted, native):
        found = evaluate(leaves, [ours(*leaves)])(arrays)[0]
        assert_close(found, expected, 8, what=evaluate.__name__)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_over_any_axes(name: str):
    array = np.random.default_rng(0).uniform(0.5, 2, (2, 3, 4))
    x = ag.tensor3("x", dtype="f64")
    expressions, expected = [], []
    for axis in AXES:
        for keepdims in (False, True):
            expressions.append(getattr(ag, name)(x, axis=axis, keepdims=keepdims))
            expected.append(np.asarray(getattr(np, name)(array, axis=axis, keepdims=keepdims)))
            assert getattr(x, name)(axis, keepdims=keepdims) is expressions[-1]
    for evaluate in (interpreted, native):
        for found, wanted in zip(evaluate([x], expressions)([array]), expected, strict=True):
            assert_close(found, wanted, 8)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_over_any_axes(name: str):
    array = np.random.default_rng(0).integers(0, 5, (2, 3, 4))
    x = ag.tensor3("x", dtype="i64")
    expressions, expected = [], []
    for axis in AXES[:-1]:
        kept = [k for k in range(3) if axis is not None and k not in np.atleast_1d(axis) % 3]
        line = array.transpose(*kept, *(k for k in range(3) if k not in kept))
        line = line.reshape(*(array.shape[k] for k in kept), -1)
        wanted = getattr(np, name)(line, axis=-1)
        ones = tuple(array.shape[k] if k in kept else 1 for k in range(3))
        for keepdims in (False, True):
            expressions.append(getattr(ag, name)(x, axis=axis, keepdims=keepdims))
            expected.append(np.asarray(wanted.reshape(ones) if keepdims else wanted))
    for evaluate in (interpreted, native):
        for found, wanted in zip(evaluate([x], expressions)([array]), expected, strict=True):
            assert_close(found, wanted)


def test_an_empty_axis():
    x = ag.matrix("x")
    empty = np.zeros((3, 0), np.float32)
    run = ag.function([x], [x.sum(1), x.prod(1), x.any(1), x.all(1), ag.logsumexp(x, 1)])
    for found, value in zip(run(empty), (0, 1, False, True, -INF), strict=True):
        assert found.shape == (3,) and (found == value).all()
    for name in ("max", "min", "argmax", "argmin"):
        with pytest.raises(ag.ShapeError, match="elements"):
            interpreted([x], [getattr(x, name)(1)])([empty])
        with pytest.raises(ag.ShapeError, match="elements"):
            ag.function([x], getattr(x, name)(1))(empty)
        with pytest.raises(ag.GraphTypeError, match="no elements"):
            getattr(ag.input("x", "f32[3, 0]"), name)(1)
    assert np.isnan(ag.mean(ag.constant(empty), axis=1).eval()).all()


SPECIAL = np.array([0.0, -0.0, 1.5, -2.5, INF, -INF, NAN], np.float32)


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
@pytest.mark.parametrize("array", [SPECIAL, SPECIAL.astype(np.float64), np.arange(3)], ids=str)
def test_kinds_of_numbers(name: str, array: np.ndarray):
    _check(getattr(ag, name), getattr(np, name), array)


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_logic_of_numbers(name: str):
    _check(getattr(ag, name), getattr(np, name), np.array([0.0, 1.0, NAN]), np.array([0, 2, 0]))


def test_rectifier_and_its_gradient():
    assert ag.relu(ag.constant(SPECIAL)).eval()[:6].tolist() == [0, 0, 1.5, 0, INF, 0]
    assert np.isnan(ag.relu(ag.constant(SPECIAL)).eval()[6])
    x = ag.vector("x")
    slope = ag.grad(ag.relu(x).sum(), x)
    assert slope.eval({x: [-1.0, 0.0, 2.0]}).tolist() == [0, 0, 1]


def test_reciprocal():
    _check(ag.reciprocal, np.reciprocal, np.array([0.5, -4.0, 0.0]))
    assert ag.reciprocal(ag.constant([2, 4])).eval().tolist() == [0.5, 0.25]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (None, 1), (0, None), (-1.5, 1.5)])
def test_clip(low: float | None, high: float | None):
    array = np.array([-2.0, -0.5, 0.5, 2.0], np.float32)
    _check(lambda x: ag.clip(x, low, high), lambda x: np.clip(x, low, high), array)


def test_fills():
    x = ag.matrix("x")
    array = np.zeros((2, 3), np.float32)
    cases: list[tuple[ag.Tensor, np.ndarray]] = [
        (ag.zeros(3), np.zeros(3, np.float32)),
        (ag.ones((2, 3), "i8"), np.ones((2, 3), np.int8)),
        (ag.full((), 2), np.full((), 2)),
        (ag.full((2, 2), [1, 2]), np.full((2, 2), [1, 2])),
        (ag.full((2,), 2.5, "f64"), np.full((2,), 2.5)),
        (ag.full((2,), True), np.full((2,), True)),
        (ag.zeros_like(x), array),
        (ag.ones_like(x, "bool"), array == 0),
        (ag.full_like(x, 7), array + 7),
    ]
    found = ag.function([x], [expression for expression, _ in cases])(array)
    for actual, (_, expected) in zip(found, cases, strict=True):
        assert_close(actual, expected)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack(axis: int):
    a, b = np.arange(6.0).reshape(2, 3), -np.arange(6.0).reshape(2, 3)
    _check(lambda x, y: ag.stack([x, y], axis), lambda x, y: np.stack([x, y], axis), a, b)


def test_joined_parts_may_be_numbers():
    assert ag.stack([ag.constant(np.float32(1)), 2]).eval().tolist() == [1, 2]
    assert ag.concatenate([ag.constant([1.0]), np.array([2])]).dtype.numpy == np.float64


DOTS = [((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4))]
DOTS += [((2, 3, 4), (4,)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3))]  # pyright: ignore[reportConstantRedefinition]


@pytest.mark.parametrize(("a", "b"), DOTS, ids=str)
def test_dot_is_numpys(a: tuple[int, ...], b: tuple[int, ...]):
    random = np.random.default_rng(0)
    first = np.asarray(random.integers(-3, 4, a).astype(np.float64))
    second = np.asarray(random.integers(-3, 4, b).astype(np.float64))
    _check(ag.dot, np.dot, first, second)
    check_gradient(ag.dot, first, second, evaluator=interpreted)


def test_products_with_numbers():
    x = ag.vector("x")
    assert ag.dot(2, x) is 2 * x
    assert (x.dot(x)).type.shape == ()


def test_softmax_of_extremes():
    big = ag.constant(np.array([[1e30, 1e30], [-1e30, 0.0], [-INF, 0.0]], np.float32))
    expected = np.array([[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]], np.float32)
    assert_close(ag.softmax(big).eval(), expected)
    assert ag.log_softmax(big).eval()[:, 1].tolist() == [np.log(np.float32(0.5)), 0, 0]
    assert ag.logsumexp(ag.constant([-INF, -INF])).eval() == -INF
    assert ag.logsumexp(ag.constant([INF, 0.0])).eval() == INF


def test_cross_entropy_of_probabilities_is_that_of_labels():
    random = np.random.default_rng(0)
    logits, labels = random.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    one_hot = np.eye(4)[labels]
    x, y, p = ag.matrix("x", dtype="f64"), ag.vector("y", dtype="i64"), ag.matrix("p", dtype="f64")
    hard, soft = ag.cross_entropy(x, y), ag.cross_entropy(x, p)
    outputs = [hard, soft, ag.grad(hard.sum(), x), ag.grad(soft.sum(), x)]
    for evaluate in (interpreted, native):
        found = evaluate([x, y, p], outputs)([logits, labels, one_hot])
        assert_close(found[0], found[1], 16, scale=1.0)
        assert_close(found[2], found[3], 16, scale=1.0)


def test_an_impossible_class_costs_nothing():
    logits = ag.constant(np.array([[0.0, -INF]]))
    assert ag.cross_entropy(logits, ag.constant(np.array([[1.0, 0.0]]))).eval() == 0


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [2**40, 0]])
def test_labels_are_checked(labels: list[int]):
    x, y = ag.matrix("x"), ag.vector("y", dtype="i64")
    loss = ag.cross_entropy(x, y)
    arrays = [np.zeros((2, 3), np.float32), np.array(labels)]
    with pytest.raises(ag.IndexOutOfBounds):
        interpreted([x, y], [loss])(arrays)
    with pytest.raises(ag.IndexOutOfBounds):
        ag.function([x, y], loss)(*arrays)
    with pytest.raises(ag.IndexOutOfBounds):
        ag.function([x, y], ag.grad(loss.mean(), x))(*arrays)

"""Gradients: the walk back, and the points where a derivative needs a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import Evaluator, check_gradient, interpreted, native

if TYPE_CHECKING:
    from collections.abc import Callable

both = pytest.mark.parametrize("evaluator", [interpreted, native])


def _value(expression: ag.Tensor, leaf: ag.Tensor, array: object) -> np.ndarray:
    return interpreted([leaf], [expression])([np.asarray(array)])[0]


@both
def test_agnesis_curve(evaluator: Evaluator):
    check_gradient(lambda x: 1 / (1 + x**2), np.linspace(-3, 3, 7), order=3, evaluator=evaluator)


def test_parts_add_up():
    x = ag.vector("x", dtype="f64")
    y = x * x
    (gx, gy) = ag.grad((y * x + y).sum(), [x, y])
    at = np.array([1.0, 2.0])
    assert _value(gy, x, at).tolist() == (at + 1).tolist()
    assert _value(gx, x, at).tolist() == (3 * at**2 + 2 * at).tolist()


def test_gradient_has_the_type_of_the_variable():
    x = ag.matrix("x")
    for cost in (x.sum(), ag.exp(x).mean(), (x @ x.T).sum(), x[0].sum(), x.reshape(-1).max()):
        assert ag.grad(cost, x).type is x.type


def test_the_cost_by_itself_is_1():
    x = ag.scalar("x")
    assert ag.grad(x, x).eval() == 1


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (lambda x: x.max(), [1.0, 3.0, 3.0, 2.0], [0, 0.5, 0.5, 0]),
        (lambda x: x.min(), [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0]),
        (lambda x: ag.maximum(x, 2.0).sum(), [1.0, 2.0, 3.0, -1.0], [0, 0.5, 1, 0]),
        (lambda x: ag.minimum(2.0, x).sum(), [1.0, 2.0, 3.0, -1.0], [1, 0.5, 0, 1]),
        (lambda x: abs(x).sum(), [1.0, 0.0, -3.0, -0.0], [1, 0, -1, 0]),
        (lambda x: ag.relu(x).sum(), [1.0, 0.0, -3.0, -0.0], [1, 0, 0, 0]),
        (lambda x: x.prod(), [2.0, 0.0, 3.0, 5.0], [0, 30, 0, 0]),
        (lambda x: x.prod(), [0.0, 0.0, 3.0, 5.0], [0, 0, 0, 0]),
        (lambda x: (x**2).sum(), [0.0, -0.0, 3.0, -5.0], [0, 0, 6, -10]),
        (lambda x: (x**0).sum(), [0.0, 1.0, 3.0, -5.0], [0, 0, 0, 0]),
        (lambda x: (x ** ag.zeros(4)).sum(), [0.0, 1.0, 3.0, -5.0], [0, 0, 0, 0]),
        (lambda x: (0.0**x).sum(), [1.0, 2.0, 3.0, 5.0], [0, 0, 0, 0]),
        (lambda x: ag.sign(x).sum() + ag.floor(x).sum(), [1.0, 2.0, 3.0, 5.0], [0, 0, 0, 0]),
        (lambda x: x.sum(axis=()).sum(), [1.0, 2.0, 3.0, 5.0], [1, 1, 1, 1]),
        (lambda x: ag.where(x > 2, x, -x).sum(), [1.0, 2.0, 3.0, 5.0], [-1, -1, 1, 1]),
        (lambda x: x[::-2].sum(), [1.0, 2.0, 3.0, 5.0], [0, 1, 0, 1]),
        (lambda x: x.astype("f32").astype("f64").sum(), [1.0, 2.0, 3.0, 5.0], [1, 1, 1, 1]),
        (lambda x: x.astype("i32").astype("f64").sum(), [1.0, 2.0, 3.0, 5.0], [0, 0, 0, 0]),
    ],
)
def test_decided_slopes(
    function: Callable[[ag.Tensor], ag.Tensor], at: list[float], slope: list[float]
):
    x = ag.vector("x", dtype="f64")
    found = ag.grad(function(x), x)
    np.testing.assert_allclose(_value(found, x, at), slope)
    np.testing.assert_allclose(ag.function([x], found)(at), slope)


@both
@pytest.mark.parametrize("zeros", [(), (1,), (1, 3), (0, 1, 3)])
def test_products_with_zeros_have_right_derivatives(zeros: tuple[int, ...], evaluator: Evaluator):
    line = np.array([1.5, -0.5, 2.0, 0.7])
    line[list(zeros)] = 0
    check_gradient(lambda x: x.prod(), line, order=3, evaluator=evaluator)
    block = np.stack([line, line[::-1] + 1])
    check_gradient(lambda x: x.prod(1) + x.prod(1) ** 2, block, evaluator=evaluator)
    if evaluator is interpreted:
        check_gradient(lambda x: x.prod((0, 2)), block.reshape(2, 2, 2), evaluator=evaluator)


def test_powers_of_variables():
    check_gradient(lambda x, y: x**y, np.array([0.5, 1.0, 2.0]), np.array([0.0, -1.5, 2.0]))
    check_gradient(lambda x: 2.0**x, np.array([0.5, 1.0, -2.0]))
    check_gradient(lambda x: x**3 + x**-1 + x**0.5, np.array([0.5, 1.0, 2.0]))


def test_a_model():
    random = np.random.default_rng(0)
    x, w, b = random.standard_normal((5, 4)), random.standard_normal((4, 3)), np.zeros(3)
    labels = np.array([0, 1, 2, 1, 0])

    def loss(x: ag.Tensor, w: ag.Tensor, b: ag.Tensor, labels: ag.Tensor) -> ag.Tensor:
        return ag.cross_entropy(ag.tanh(x @ w) + b, labels).mean()

    for evaluator in (interpreted, native):
        check_gradient(loss, x, w, b, labels, evaluator=evaluator)


def test_unknown_sizes():
    x, y = ag.matrix("x", dtype="f64"), ag.vector("y", dtype="f64")
    cost = ((x * y).sum(0) / x.shape[0]).max() + (x[1:] - x[:-1]).prod()
    gx, gy = ag.grad(cost, [x, y])
    arrays = [np.random.default_rng(0).standard_normal((3, 2)), np.array([0.5, -0.5])]
    first = interpreted([x, y], [gx, gy])(arrays)
    second = native([x, y], [gx, gy])(arrays)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b)


def test_empty_arrays_have_empty_gradients():
    x = ag.matrix("x")
    costs = [x.sum(), x.prod(), ag.exp(x).mean(), ag.logsumexp(x, 0).sum(), (x @ x.T).sum()]
    grads = ag.function([x], [ag.grad(cost, x) for cost in costs])(np.zeros((0, 3), np.float32))
    assert [g.shape for g in grads] == [(0, 3)] * len(costs)


def test_what_the_cost_does_not_depend_on():
    x, y = ag.vector("x"), ag.matrix("y")
    with pytest.raises(ag.GradientError, match="does not depend on"):
        ag.grad(x.sum(), y)
    zero = ag.grad(x.sum(), [x, y], disconnected="zero")[1]
    assert zero.type is y.type
    assert ag.grad((x > 0).astype("f32").sum(), x).eval({x: [1.0]}).tolist() == [0]


def test_a_long_chain_does_not_recurse():
    x = ag.scalar("x", dtype="f64")
    y = x
    for _ in range(3000):
        y = y * 1.0001
    assert _value(ag.grad(y, x), x, 1.0) == pytest.approx(1.0001**3000)


class TestCheckGradient:
    def test_finds_a_wrong_derivative(self):
        # The floor's slope is taken as 0, but the function jumps here.
        with pytest.raises(AssertionError, match="derivative 1 along a random direction"):
            check_gradient(ag.floor, np.array([1.0]), evaluator=interpreted)

    def test_finds_a_wrong_second_derivative(self):
        with pytest.raises(AssertionError, match="derivative 2"):
            check_gradient(lambda x: abs(x) * x, np.array([1e-9]), evaluator=interpreted)

    def test_holds_what_is_not_float(self):
        check_gradient(lambda x, k: x * k, np.array([1.0, 2.0]), np.array([3, 4]))

    def test_is_as_the_evaluator_says(self):
        calls: list[int] = []

        def counting(inputs, outputs, /):
            run = interpreted(inputs, outputs)

            def counted(arrays):
                calls.append(1)
                return run(arrays)

            return counted

        check_gradient(ag.exp, np.array([1.0]), evaluator=counting)
        assert len(calls) == 9

"""Activations against their formulas, and their derivatives against differences."""

from __future__ import annotations

from math import erf
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import check_gradient

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

SELU = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softplus(x: Array) -> Array:
    return np.logaddexp(x, 0)


def elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


SLOPES = np.array([0.1, -0.2, 0.3])
FORMULAS: list[tuple[Callable[[Any], Any], Callable[[Array], Array]]] = [
    (ag.nn.relu, lambda x: np.maximum(x, 0)),
    (ag.nn.leaky_relu, lambda x: np.where(x > 0, x, 0.01 * x)),
    (lambda x: ag.nn.prelu(x, SLOPES), lambda x: np.where(x > 0, x, SLOPES[:, None] * x)),
    (ag.nn.elu, elu),
    (lambda x: ag.nn.elu(x, 0.5), lambda x: elu(x, 0.5)),
    (ag.nn.selu, lambda x: SELU[0] * elu(x, SELU[1])),
    (lambda x: ag.nn.celu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x / 0.5))),
    (ag.nn.gelu, lambda x: x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2),
    (
        lambda x: ag.nn.gelu(x, approximate=True),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    (ag.nn.silu, lambda x: x * sigmoid(x)),
    (ag.nn.mish, lambda x: x * np.tanh(softplus(x))),
    (ag.nn.softplus, softplus),
    (ag.nn.softsign, lambda x: x / (1 + abs(x))),
    (ag.nn.hard_sigmoid, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    (lambda x: ag.nn.hard_sigmoid(x, 1 / 6), lambda x: np.clip(x + 3, 0, 6) / 6),
    (ag.nn.hard_swish, lambda x: x * np.clip(x + 3, 0, 6) / 6),
    (ag.nn.hard_tanh, lambda x: np.clip(x, -1, 1)),
    (lambda x: ag.nn.hard_tanh(x, -2.0, 0.5), lambda x: np.clip(x, -2, 0.5)),
    (ag.nn.relu6, lambda x: np.clip(x, 0, 6)),
    (ag.nn.tanhshrink, lambda x: x - np.tanh(x)),
    (ag.nn.softshrink, lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0)),
    (lambda x: ag.nn.hardshrink(x, 1.5), lambda x: np.where(abs(x) > 1.5, x, 0)),
    (lambda x: ag.nn.threshold(x, 0.3, -7.0), lambda x: np.where(x > 0.3, x, -7)),
    (ag.nn.log_sigmoid, lambda x: -softplus(-x)),
    (ag.nn.scaled_tanh, lambda x: 1.7159 * np.tanh(2 * x / 3)),
    (ag.nn.glu, lambda x: x[..., :4] * sigmoid(x[..., 4:])),
    (lambda x: ag.nn.glu(x, 0), lambda x: x[:1] * sigmoid(x[1:])),
    (lambda x: ag.nn.maxout(x, 4), lambda x: x.reshape(2, 3, 2, 4).max(-1)),
    (lambda x: ag.nn.maxout(x, 3, axis=1), lambda x: x.max(1, keepdims=True)),
]


def points() -> Array:
    """Away from corners, on both sides of each; no two neighbours are equal."""
    x = np.random.default_rng(0).permutation(np.linspace(-4.03, 7.04, 48)).reshape(2, 3, 8)
    return np.where(abs(abs(x) - 0.5) < 0.05, x + 0.1, x)


def test_values():
    x = ag.input("x", "f64[a, 3, b]")
    f = ag.function([x], [made(x) for made, _ in FORMULAS])
    for k, (got, (_, formula)) in enumerate(zip(f(points()), FORMULAS, strict=True)):
        np.testing.assert_allclose(got, formula(points()), rtol=1e-12, atol=1e-15, err_msg=f"{k}")


def test_derivatives():
    weights = np.random.default_rng(1).normal(size=len(FORMULAS))

    def together(x: ag.Tensor) -> ag.Tensor:
        sums = [w * made(x).sum() for w, (made, _) in zip(weights, FORMULAS, strict=True)]
        return ag.stack(sums)

    check_gradient(together, points(), tolerance=1e-5)


def test_dtypes_and_extremes():
    """Float32 stays, integers become floats, and nothing far out is NaN, nor its derivative."""
    x = ag.vector("x")
    alone = [made for k, (made, _) in enumerate(FORMULAS) if k != 2]
    results = [made(x.reshape((2, 3, 4)) if k > 23 else x) for k, made in enumerate(alone)]
    assert {str(result.dtype) for result in results} == {"f32"}
    slopes = [ag.grad(result.sum(), x) for result in results]
    far = np.repeat(np.array([-1e4, -100, -20, 0, 20, 100, 1e4, 3e4], np.float32), 3)
    for k, values in enumerate(ag.function([x], [*results, *slopes])(far)):
        assert np.isfinite(values).all(), k
    assert ag.nn.mish(ag.constant([1, 2])).dtype.is_float


def test_what_does_not_fit():
    x = ag.input("x", "f32[n, 6]")
    with pytest.raises(ag.GraphTypeError, match="units of 4 pieces do not fill axis 1"):
        ag.nn.maxout(x, 4)
    with pytest.raises(ag.GraphTypeError, match="prelu: slopes are one number, or one for each"):
        ag.nn.prelu(x, ag.matrix("alpha"))
    odd = ag.input("y", "f32[n]")
    with pytest.raises(ag.ShapeError):
        ag.function([odd], ag.nn.maxout(odd, 2))(np.ones(3, np.float32))

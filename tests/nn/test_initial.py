"""Initial weights: what their papers say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi import nn

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(0)


def test_glorot_keeps_within_its_bounds():
    weights = nn.glorot(RNG, 300, 200)
    assert weights.dtype == np.float32
    reach = np.sqrt(6 / 500)
    assert 0.999 * reach < abs(weights).max() <= np.float32(reach)
    np.testing.assert_allclose(weights.std(), np.sqrt(2 / 500), rtol=0.01)


def test_orthogonal_matrices_differ_and_have_both_signs():
    matrices = [nn.orthogonal(RNG, 2, np.float64) for _ in range(400)]
    for q in matrices:
        np.testing.assert_allclose(q @ q.T, np.eye(2), atol=1e-14)
    # Uniformly distributed: the first column points anywhere, half of the determinants are -1.
    assert abs(np.mean([q[:, 0] for q in matrices])) < 0.1
    assert 0.4 < np.mean([np.linalg.det(q) > 0 for q in matrices]) < 0.6


def test_weights_of_layers():
    lstm = nn.lstm_weights(RNG, 3, 4, dtype="f8", name="a")
    assert [part.name for part in lstm] == ["a_w", "a_u", "a_b"]
    assert [str(part.type) for part in lstm] == ["f64[3, 16]", "f64[4, 16]", "f64[16]"]
    np.testing.assert_array_equal(lstm.b.get_value().reshape(4, 4)[:, 0], [0, 1, 0, 0])
    for block in np.split(lstm.u.get_value(), 4, axis=1):
        np.testing.assert_allclose(block @ block.T, np.eye(4), atol=1e-13)
    gru = nn.gru_weights(RNG, 3, 4)
    assert [part.get_value().shape for part in gru] == [(3, 12), (4, 8), (4, 4), (12,)]
    irnn = nn.irnn_weights(RNG, 300, 40, scale=0.5)
    np.testing.assert_array_equal(irnn.u.get_value(), 0.5 * np.eye(40))
    np.testing.assert_allclose(irnn.w.get_value().std(), 0.001, rtol=0.05)
    assert not irnn.b.get_value().any()


# A shape, its layout, fan in and fan out.
FANS = [
    ((300, 200), None, 300, 200),
    ((200, 300), "oi", 300, 200),
    ((64, 32, 3, 5), None, 480, 960),
    ((3, 5, 32, 64), "hwio", 480, 960),
    ((16, 8, 9), None, 72, 144),
    ((40, 20, 2, 3, 4), None, 480, 960),
]


@pytest.mark.parametrize(("shape", "layout", "fan_in", "fan_out"), FANS)
def test_variances_follow_the_fans(shape: Any, layout: Any, fan_in: int, fan_out: int):
    assert nn.fans(shape, layout) == (fan_in, fan_out)
    made: list[tuple[Callable[..., Any], dict[str, Any], float]] = [
        (nn.glorot_uniform, {}, 2 / (fan_in + fan_out)),
        (nn.glorot_normal, {"gain": 3.0}, 18 / (fan_in + fan_out)),
        (nn.he_uniform, {"slope": 0.5}, 1.6 / fan_in),
        (nn.he_normal, {}, 2 / fan_in),
        (nn.lecun_uniform, {}, 1 / fan_in),
        (nn.lecun_normal, {}, 1 / fan_in),
    ]
    for initial, settings, variance in made:
        rng = np.random.default_rng(5)
        weights = initial(rng, shape, layout=layout, dtype=np.float64, **settings)
        assert weights.shape == shape and weights.dtype == np.float64
        # The variance of so many numbers is known to some standard errors of it.
        assert abs(weights.var() / variance - 1) < 5 * np.sqrt(2 / weights.size)
        if "uniform" in initial.__name__:
            assert abs(weights).max() <= np.sqrt(3 * variance)
        again = initial(np.random.default_rng(5), shape, layout=layout, dtype="f8", **settings)
        np.testing.assert_array_equal(weights, again)


@pytest.mark.parametrize(("shape", "layout", "fan_in", "fan_out"), FANS)
def test_orthogonal_weights_of_any_shape(shape: Any, layout: Any, fan_in: int, fan_out: int):
    weights = nn.orthogonal(RNG, shape, np.float64, gain=2.0, layout=layout)
    assert weights.shape == shape and weights.flags.c_contiguous
    place = (layout or ("io" if len(shape) == 2 else "oi...")).index("o")
    units = np.moveaxis(weights, place, 0).reshape(shape[place], -1)
    product = units @ units.T if len(units) <= units.shape[1] else units.T @ units
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_identity():
    np.testing.assert_array_equal(nn.identity((2, 3), 0.5), [[0.5, 0, 0], [0, 0.5, 0]])
    kernel = nn.identity((3, 3, 2, 2), layout="hwio")
    assert kernel[1, 1, 0, 0] == kernel[1, 1, 1, 1] == 1 and kernel.sum() == 2
    np.testing.assert_array_equal(nn.identity((2, 2, 3, 3)), kernel.transpose(3, 2, 0, 1))


def test_simple_ones():
    assert nn.gaussian(RNG, (3, 4, 5), 0.1).shape == (3, 4, 5)
    np.testing.assert_allclose(nn.gaussian(RNG, (300, 300), 0.1).std(), 0.1, rtol=0.02)
    weights = nn.uniform(RNG, (300, 300), -1.0, 3.0)
    assert -1 <= weights.min() < -0.99 and 2.99 < weights.max() <= 3
    weights = nn.constant((2, 3), [1, 2, 3], np.float16)
    np.testing.assert_array_equal(weights, [[1, 2, 3], [1, 2, 3]])
    assert weights.dtype == np.float16
    weights = nn.sparse(RNG, (10, 400), connections=4, scale=0.5, dtype=np.float64)
    np.testing.assert_array_equal((weights != 0).sum(axis=0), 4)
    np.testing.assert_allclose(weights[weights != 0].std(), 0.5, rtol=0.1)
    assert ((weights != 0).sum(axis=1) > 100).all()


def test_weights_of_data():
    scales = np.array([3.0, 0.5, 2.0, 1.0])
    data = RNG.normal(size=(2000, 4)) * scales + 7
    directions = nn.principal(data, 3, dtype=np.float64)
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(abs(directions).argmax(axis=0), [0, 2, 3])
    whitened = (data - data.mean(axis=0)) @ nn.principal(data, 4, whiten=True, dtype=np.float64)
    np.testing.assert_allclose(np.cov(whitened.T, bias=True), np.eye(4), atol=1e-9)
    weights = nn.exemplars(np.random.default_rng(3), data, 10, scale=2.0, dtype=np.float64)
    np.testing.assert_allclose(np.linalg.norm(weights, axis=0), 2)
    likeness = weights.T @ data.T / np.linalg.norm(data, axis=1) / 2
    np.testing.assert_allclose(likeness.max(axis=1), 1)
    assert nn.exemplars(RNG, data[:3], 10).shape == (4, 10)


def test_layers_scaled_by_data():
    x = RNG.normal(size=(500, 30)).astype(np.float32)
    weights = [ag.shared(nn.orthogonal(RNG, 30, gain=g), f"w{g}") for g in (5.0, 0.01)]
    h: ag.Tensor = ag.constant(x)
    for w in weights:
        h = ag.relu(h @ w)
        layer = ag.function([], h)
        reached = nn.data_scaled(w, layer, scale=0.7)
        assert abs(reached - 0.7) <= 0.01
        np.testing.assert_allclose(layer().std(), reached, rtol=1e-4)


def test_what_does_not_fit():
    with pytest.raises(ag.FunctionError, match="a layout 'io' for weights of shape"):
        nn.he_normal(RNG, (3, 3, 8, 16), layout="io")
    with pytest.raises(ag.FunctionError, match="a letter for each axis"):
        nn.glorot_uniform(RNG, (5,))
    with pytest.raises(ag.FunctionError, match="principal: 9 directions"):
        nn.principal(np.ones((20, 4)), 9)
    with pytest.raises(ag.FunctionError, match="exemplars: data is"):
        nn.exemplars(RNG, np.ones(4), 2)
    w = ag.shared(np.zeros((2, 2), np.float32), "w")
    with pytest.raises(ag.FunctionError, match=r"standard deviation 0\.0"):
        nn.data_scaled(w, lambda: w.get_value())

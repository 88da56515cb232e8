"""Dropout and its kin: how much is left out, how the rest is scaled, where noise comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag

KEY = ag.random.key(7)
ONES = np.ones((40, 50), np.float32)


def test_dropout_and_its_gradient_are_one_mask():
    x, stream = ag.input("x", "f64[n, m]"), ag.random.Stream(1)
    y = ag.nn.dropout(x, stream, 0.3)
    f = ag.function([x], [y, ag.grad((y * y).sum() / 2, x)])
    value = np.random.default_rng(0).normal(size=(60, 70))
    y1, slope = f(value)
    kept = y1 != 0
    assert 0.67 < kept.mean() < 0.73
    np.testing.assert_allclose(y1, np.where(kept, value / 0.7, 0))
    np.testing.assert_allclose(slope, np.where(kept, value / 0.7**2, 0))
    assert (f(value)[0] != y1).any()


def test_a_key_gives_the_same_units_in_any_dtype():
    masks = [ag.nn.dropout(ONES.astype(d), KEY, 0.5).eval() for d in ("f2", "f4", "f8")]
    assert [mask.dtype for mask in masks] == [np.float16, np.float32, np.float64]
    assert all((mask == masks[0]).all() for mask in masks)
    assert set(np.unique(masks[1])) == {0, 2}


def test_rates_of_examples_and_extremes():
    x, rates = ag.input("x", "f32[n, m]"), ag.input("rates", "f32[n, 1]")
    y = ag.nn.dropout(x, KEY, rates)
    f = ag.function([x, rates], [y, ag.grad(y.sum(), x)])
    given = np.array([0, 0.25, 0.5, 1], np.float32)[:, None]
    y1, slope = f(np.ones((4, 4000), np.float32), given)
    np.testing.assert_array_equal(y1, slope)
    assert (y1[0] == 1).all() and (y1[3] == 0).all()
    np.testing.assert_allclose(y1.mean(axis=1), [1, 1, 1, 0], atol=0.06)
    np.testing.assert_allclose((y1 == 0).mean(axis=1), given[:, 0], atol=0.03)


def test_a_rate_of_one_leaves_all_out():
    x = ag.input("x", "f32[n]")
    y = ag.nn.dropout(x, KEY, 1.0)
    for values in ag.function([x], [y, ag.grad(y.sum(), x)])(np.ones(5, np.float32)):
        assert not values.any()


@pytest.mark.parametrize("axes", [1, (2, 3), (0, -1)])
def test_units_left_out_together(axes: Any):
    y = ag.nn.dropout(np.ones((6, 7, 8, 9), np.float32), KEY, 0.5, broadcast_axes=axes).eval()
    np.testing.assert_array_equal(np.broadcast_to(y.max(axes, keepdims=True), y.shape), y)
    assert 0.25 < (y > 0).mean() < 0.75


def test_training_is_static_or_asked_in_each_call():
    x, training = ag.input("x", "f32[n, m]"), ag.scalar("training", dtype="bool")
    stream = ag.random.Stream(1)
    assert ag.nn.dropout(x, stream, 0.5, training=False) is x
    assert ag.nn.dropout(x, stream, 0.5, training=np.bool_(False)) is x  # pyright: ignore
    assert ag.nn.dropout(x, stream, 0.0) is x
    noisy = [
        ag.nn.dropout(x, stream, 0.5, training=training),
        ag.nn.gaussian_dropout(x, stream, 0.5, training=training),
        ag.nn.alpha_dropout(x, stream, 0.5, training=training),
        ag.nn.rrelu(-x, stream, training=training),
    ]
    f = ag.function([x, training], noisy)
    for got in f(ONES, False)[:3]:
        np.testing.assert_array_equal(got, ONES)
    np.testing.assert_allclose(f(ONES, False)[3], -11 / 48, rtol=1e-6)
    for got in f(ONES, True):
        assert len(np.unique(got)) > 1


def test_moments():
    """Mean and variance are those that each promises, within some standard errors."""
    x = np.random.default_rng(0).normal(size=200_000)
    y = ag.nn.alpha_dropout(x, KEY, 0.3).eval()
    assert abs(y.mean()) < 0.01 and abs(y.var() - 1) < 0.02
    y = ag.nn.gaussian_dropout(np.ones(200_000), KEY, ag.constant(0.25)).eval()
    assert abs(y.mean() - 1) < 0.01 and abs(y.var() - 1 / 3) < 0.01
    slopes = -ag.nn.rrelu(-np.ones(200_000), KEY, 0.1, 0.3).eval()
    assert 0.1 <= slopes.min() and slopes.max() <= 0.3 and abs(slopes.mean() - 0.2) < 0.001


def test_the_rate_of_gaussian_dropout_can_be_learnt():
    rate = ag.scalar("rate", dtype="f64")
    y = ag.nn.gaussian_dropout(np.ones(50), KEY, rate).sum()
    f = ag.function([rate], [y, ag.grad(y, rate)])
    slope = (f(0.3 + 1e-6)[0] - f(0.3 - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(f(0.3)[1], slope, rtol=1e-6)


def test_what_does_not_fit():
    x = ag.input("x", "f32[n]")
    for dropout, rate in ((ag.nn.dropout, -0.1), (ag.nn.dropout, 1.5), (ag.nn.alpha_dropout, 1.0)):
        with pytest.raises(ag.GraphTypeError, match="a rate lies between 0 and 1"):
            dropout(x, KEY, rate)
    with pytest.raises(ag.GraphTypeError, match="a key is u32"):
        ag.nn.dropout(x, 5)
    with pytest.raises(ag.GraphTypeError, match="no axis 1"):
        ag.nn.dropout(x, KEY, broadcast_axes=1)
    with pytest.raises(ag.GraphTypeError, match="training is a bool or a scalar"):
        ag.nn.dropout(x, KEY, training=x)
    with pytest.raises(ag.GraphTypeError, match="training is True, False or a scalar"):
        ag.nn.dropout(x, KEY, training="no")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("units", [64, 192, 100, 16])
def test_products_are_left_out_where_they_are_made(units: int):
    """The same units by the same key; no mask is stored where rows are whole strips of 64."""
    rng = np.random.default_rng(0)
    x, w = ag.input("x", "f32[n, 30]"), ag.shared(rng.normal(size=(30, units)).astype("f4"), "w")
    h = ag.nn.dropout(ag.relu(x @ w), KEY, 0.5)
    loss = (h * h).sum()
    f = ag.function([x], [h, *ag.grad(loss, [w])])
    if units % 64 == 0:
        buffers = f.explain().split("\nbuffers")[1].split("\nsteps")[0]
        assert "bool[" not in buffers, buffers
    value = rng.normal(size=(101, 30)).astype("f4")
    mask = ag.nn.dropout(np.ones((101, units), "f4"), KEY, 0.5).eval()
    expected = np.maximum(value @ w.get_value(), 0) * mask
    got, slope = f(value)
    np.testing.assert_array_equal(got != 0, expected != 0)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(slope, value.T @ (2 * expected * mask), rtol=1e-4, atol=1e-3)

"""What is drawn has the distribution it should; small draws here, large ones in bench/random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import agnesi as ag
from agnesi.testing import check_gradient, interpreted

KEY = ag.input("key", "u32[2]")
GIVEN = np.array([2024, 6], np.uint32)
N = 20_000

# Draws and their distributions.
CONTINUOUS: dict[str, tuple[Any, Any]] = {
    "uniform": (lambda k, d: ag.random.uniform(k, (N,), dtype=d), stats.uniform()),
    "uniform from -2 to 3": (
        lambda k, d: ag.random.uniform(k, (N,), -2, 3, dtype=d),
        stats.uniform(-2, 5),
    ),
    "normal": (lambda k, d: ag.random.normal(k, (N,), dtype=d), stats.norm()),
    "normal of mean 3": (
        lambda k, d: ag.random.normal(k, (N,), 3.0, 0.5, dtype=d),
        stats.norm(3, 0.5),
    ),
    "exponential": (lambda k, d: ag.random.exponential(k, (N,), 2.0, dtype=d), stats.expon(0, 2)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_numbers_pass_kolmogorov_and_smirnov(name: str):
    draw, law = CONTINUOUS[name]
    f = ag.function([KEY], [draw(KEY, "f32"), draw(KEY, "f64")])
    for values in f(GIVEN):
        assert stats.kstest(values.astype(np.float64), law.cdf).pvalue > 1e-3
        mean, variance = values.mean(dtype=np.float64), values.var(dtype=np.float64)
        assert abs(mean - law.mean()) < 4.5 * law.std() / np.sqrt(N)
        assert abs(variance / law.var() - 1) < 0.06


def test_uniform_numbers_are_multiples_below_1():
    f = ag.function([KEY], [ag.random.uniform(KEY, (N,), dtype=d) for d in ("f32", "f64")])
    for values, bits in zip(f(GIVEN), (24, 53), strict=True):
        steps = values.astype(np.float64) * 2.0**bits
        assert (steps == np.rint(steps)).all()
        assert 0 <= values.min() and values.max() < 1
        assert (steps % 2).mean() == pytest.approx(0.5, abs=0.02)


def test_normal_numbers_are_even_around_the_circle():
    f = ag.function([KEY], ag.random.normal(KEY, (4 * N,), dtype="f64"))
    pairs = f(GIVEN).reshape(-1, 2, 16)
    x, y = pairs[:, 0].ravel(), pairs[:, 1].ravel()
    turns = np.arctan2(y, x) / (2 * np.pi) % 1
    assert stats.kstest(turns, stats.uniform().cdf).pvalue > 1e-3
    assert stats.kstest((x * x + y * y) / 2, stats.expon().cdf).pvalue > 1e-3


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_halves_are_rounded_f32(dtype: str):
    f = ag.function(
        [KEY],
        [
            ag.random.normal(KEY, (50,), 1.0, 3.0, dtype=dtype),
            ag.random.normal(KEY, (50,), 1.0, 3.0).astype(dtype),
        ],
    )
    half, rounded = f(GIVEN)
    assert half.dtype == rounded.dtype
    assert (half == rounded).all()


def test_parameters_broadcast_and_give_the_dtype():
    loc, scale = ag.input("loc", "f64[n, 1]"), ag.input("scale", "f64[3]")
    z = ag.random.normal(KEY, None, loc, scale)
    assert str(z.type) == "f64[n, 3]"
    assert str(ag.random.normal(KEY, (4, 3), 0, scale).type) == "f64[4, 3]"
    assert str(ag.random.normal(KEY, None, 0, ag.input("s", "i64[3]")).type) == "f32[3]"
    assert str(ag.random.uniform(KEY).type) == "f32[]"
    f = ag.function([KEY, loc, scale], z)
    found = f(GIVEN, [[1e6], [-1e6]], [0, 1, 1])
    assert found.shape == (2, 3)
    assert found[0, 0] == 1e6
    assert (np.sign(found) == [[1] * 3, [-1] * 3]).all()


def test_gradients_are_those_of_the_formula():
    loc, scale = np.array([0.5, -1.0, 2.0]), np.array([1.5, 0.3, 2.0])
    key = ag.random.key(5)
    for draw in (ag.random.normal, ag.random.uniform):
        check_gradient(lambda a, b, draw=draw: draw(key, (4, 3), a, b), loc, scale)
    check_gradient(lambda b: ag.random.exponential(key, (3,), b), scale)
    s = ag.input("s", "f64[]")
    mean = ag.grad(ag.random.normal(key, (100,), 0.0, s).mean(), s)
    z = ag.random.normal(key, (100,), dtype="f64").eval()
    run = interpreted([s], [mean])
    assert run([np.array(2.0)])[0] == pytest.approx(z.mean())


def test_a_bad_parameter_is_refused_or_gives_nan():
    x = ag.input("x", "f32[3]")
    with pytest.raises(ag.GraphTypeError, match="scale is at least 0"):
        ag.random.normal(KEY, (3,), 0.0, [1.0, -1.0, 1.0])
    with pytest.raises(ag.GraphTypeError, match="do not broadcast"):
        ag.random.normal(KEY, None, x, ag.input("y", "f32[4]"))
    with pytest.raises(ag.GraphTypeError, match="normal"):
        ag.random.normal(KEY, (4,), x)
    with pytest.raises(ag.GraphTypeError, match="real"):
        ag.random.normal(KEY, (4,), 1j)
    f = ag.function([KEY, x], ag.random.normal(KEY, None, 0.0, x))
    assert np.isnan(f(GIVEN, [1, -1, 0])).tolist() == [False, True, False]

"""What is drawn has the distribution it should; small draws here, large ones in bench/random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

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
    "laplace": (lambda k, d: ag.random.laplace(k, (N,), 1, 2, dtype=d), stats.laplace(1, 2)),
    "gumbel": (lambda k, d: ag.random.gumbel(k, (N,), -1, 2, dtype=d), stats.gumbel_r(-1, 2)),
    "truncated normal": (
        lambda k, d: ag.random.truncated_normal(k, 0, 5, (N,), loc=3, scale=2, dtype=d),
        stats.truncnorm(-1.5, 1, 3, 2),
    ),
    "upper tail": (
        lambda k, d: ag.random.truncated_normal(k, 9.0, np.inf, (N,), dtype=d),
        stats.truncnorm(9, np.inf),
    ),
    "lower tail": (
        lambda k, d: ag.random.truncated_normal(k, -9.0, -8.0, (N,), dtype=d),
        stats.truncnorm(-9, -8),
    ),
    "gamma of 0.3": (lambda k, d: ag.random.gamma(k, 0.3, (N,), dtype=d), stats.gamma(0.3)),
    "gamma of 1": (lambda k, d: ag.random.gamma(k, 1.0, (N,), dtype=d), stats.gamma(1.0)),
    "gamma of 50": (
        lambda k, d: ag.random.gamma(k, 50.0, (N,), 2.0, dtype=d),
        stats.gamma(50.0, scale=2),
    ),
    "beta": (lambda k, d: ag.random.beta(k, 0.5, 2.0, (N,), dtype=d), stats.beta(0.5, 2)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_numbers_pass_kolmogorov_and_smirnov(name: str):
    draw, law = CONTINUOUS[name]
    f = ag.function([KEY], [draw(KEY, "f32"), draw(KEY, "f64")])
    for values in f(GIVEN):
        assert stats.kstest(values.astype(np.float64), law.cdf).pvalue > 1e-3
        mean, variance = values.mean(dtype=np.float64), values.var(dtype=np.float64)
        assert abs(mean - law.mean()) < 4.5 * law.std() / np.sqrt(N)
        assert abs(variance / law.var() - 1) < 0.1


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


def test_a_dirichlet_vector_adds_up_to_1():
    f = ag.function([KEY], ag.random.dirichlet(KEY, [0.5, 2.0, 3.0], (N // 4,), dtype="f64"))
    found = f(GIVEN)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-14)
    for column, a in enumerate((0.5, 2.0, 3.0)):
        assert stats.kstest(found[:, column], stats.beta(a, 5.5 - a).cdf).pvalue > 1e-3
    # Where all numbers would be 0 the vectors are still good.
    tiny = ag.random.dirichlet(ag.random.key(1), [1e-3, 1e-3], (50,), dtype="f64").eval()
    np.testing.assert_allclose(tiny.sum(1), 1, rtol=1e-14)
    assert set(np.round(tiny[:, 0])) == {0, 1}
    batch = ag.input("alpha", "f32[m, n]")
    assert str(ag.random.dirichlet(KEY, batch).type) == "f32[m, n]"


def test_gamma_numbers_keep_their_quantile_as_the_shape_moves():
    a = ag.input("a", "f64[n]")
    x = ag.random.gamma(KEY, a)
    logs = ag.random.loggamma(KEY, a)
    f = ag.function([KEY, a], [x, ag.grad(x.sum(), a), ag.grad(logs.sum(), a)])
    given = np.array([0.01, 0.3, 1.0, 2.5, 50.0, 1000.0])
    for seed in range(3):
        numbers, slopes, log_slopes = f(np.array([seed, 5], np.uint32), given)
        h = 1e-6 * given
        change = special.gammainc(given + h, numbers) - special.gammainc(given - h, numbers)
        expected = -change / (2 * h) / stats.gamma(given).pdf(numbers)
        np.testing.assert_allclose(slopes, expected, rtol=1e-5)
        np.testing.assert_allclose(log_slopes * numbers, slopes, rtol=1e-9)


def test_expectations_have_the_derivatives_of_their_formulas():
    a, b = ag.input("a", "f64[]"), ag.input("b", "f64[]")
    x = ag.random.gamma(KEY, a, (N,))
    y = ag.random.beta(KEY, a, b, (N,))
    f = ag.function(
        [KEY, a, b],
        [ag.grad((x**2).mean(), a), *(ag.grad(y.mean(), p) for p in (a, b))],
    )
    square, first, second = f(GIVEN, 2.0, 3.0)
    assert square == pytest.approx(5, rel=0.03)
    assert first == pytest.approx(3 / 25, rel=0.03)
    assert second == pytest.approx(-2 / 25, rel=0.03)


def test_truncated_normal_numbers_stay_within_bounds():
    low, high = ag.input("low", "f64[n]"), ag.input("high", "f64[n]")
    f = ag.function([KEY, low, high], ag.random.truncated_normal(KEY, low, high))
    lows = np.array([-1.0, 50.0, -60.0, 2.0, 3.0, -np.inf, 0.0])
    highs = np.array([-0.9, 51.0, -50.0, 2.0, 1.0, np.inf, 1e-12])
    found = f(GIVEN, lows, highs)
    assert np.isnan(found[4])
    inside = (lows <= found) & (found <= highs)
    assert inside.tolist() == [True, True, True, True, False, True, True]
    check_gradient(
        lambda a, b: ag.random.truncated_normal(ag.random.key(1), a, b, (5,)),
        np.array([-1.0, 0.2, -3.0, 0.5, -1.0]),
        np.array([2.0, 0.7, -1.0, 3.0, 9.0]),
    )


def test_samples_are_counted_for_each_key():
    keys, a = ag.input("keys", "u32[n, 2]"), ag.input("a", "f64[n, 4]")
    given = [np.array([[1, 2], [3, 4]], np.uint32), np.array([[0.5, 1, 2, 3], [3, 1, 1, 1]])]
    rows = ag.vectorize(ag.random.gamma)(keys, a)
    shared = ag.vectorize(lambda p: ag.random.gamma(ag.random.key(1), p))(a)
    f = ag.function([keys, a], [rows, shared])
    found, same = f(*given)
    one = ag.function([KEY, a[0]], ag.random.gamma(KEY, a[0]))
    for k in range(2):
        assert (found[k] == one(given[0][k], given[1][k])).all()
        assert (same[k] == one(np.array([1, 0], np.uint32), given[1][k])).all()


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
    for draw in (ag.random.gamma, ag.random.loggamma, ag.random.dirichlet):
        with pytest.raises(ag.GraphTypeError, match="is at least 0"):
            draw(KEY, [1.0, -1.0])
    with pytest.raises(ag.GraphTypeError, match="vector"):
        ag.random.dirichlet(KEY, 1.0)
    results = [
        ag.random.normal(KEY, None, 0.0, x),
        ag.random.laplace(KEY, None, 0.0, x),
        ag.random.gamma(KEY, x),
        ag.random.gamma(KEY, 1.0, None, x),
        ag.random.beta(KEY, x, 1.0),
        ag.random.truncated_normal(KEY, -1.0, 1.0, scale=x),
    ]
    f = ag.function([KEY, x], results)
    for found in f(GIVEN, [1, -1, 2]):
        assert np.isnan(found).tolist() == [False, True, False]

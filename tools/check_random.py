"""Test random numbers with large samples: what ``tests/random`` does with small ones.

    python tools/check_random.py            # 1e7 of each, a few minutes
    python tools/check_random.py 1000000    # other sizes

Each line is a test with its p-value: Kolmogorov and Smirnov's for continuous distributions,
chi-squared for counts, mean and variance by the normal distribution, and correlations (across
streams, counters, draws, lags and shapes) by theirs.  Of so many p-values the smallest should not
be less than about one over their number: the last line says how likely a smaller one was.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]

stats: Any = importlib.import_module("scipy.stats")
KEY = ag.input("key", "u32[2]")


def kolmogorov(values: Array, law: Any) -> float:
    """Return the p-value of the largest distance from a distribution function."""
    ordered = np.sort(values.astype(np.float64))
    n = ordered.size
    expected = law.cdf(ordered)
    steps = np.arange(n + 1) / n
    distance = max((steps[1:] - expected).max(), (expected - steps[:-1]).max())
    return float(stats.kstwobign.sf(distance * np.sqrt(n)))


def chi_squared(values: Array, law: Any) -> float:
    """Return the p-value of counts."""
    low, high = int(law.ppf(1e-5)), int(law.ppf(1 - 1e-5))
    inner = np.unique(np.floor(np.linspace(low, high, min(500, high - low + 2))))
    edges = np.array([-np.inf, *inner, np.inf])
    expected = np.diff(law.cdf(edges)) * values.size
    found, _ = np.histogram(values, np.array([-np.inf, *(inner + 0.5), np.inf]))
    few = expected < 20
    found = np.append(found[~few], found[few].sum())
    expected = np.append(expected[~few], expected[few].sum())
    some = expected > 0
    return float(stats.chisquare(found[some], expected[some], sum_check=False).pvalue)


def moments(values: Array, law: Any) -> list[float]:
    """Return the p-values of mean and variance."""
    n = values.size
    wide = values.astype(np.float64)
    mean, variance, kurtosis = (float(m) for m in law.stats(moments="mvk"))
    first = (wide.mean() - mean) / np.sqrt(variance / n)
    second = (((wide - mean) ** 2).mean() - variance) / np.sqrt(variance**2 * (kurtosis + 2) / n)
    return [float(2 * stats.norm.sf(abs(z))) for z in (first, second)]


def correlation(x: Array, y: Array) -> float:
    """Return the p-value of a correlation."""
    return float(2 * stats.norm.sf(abs(np.corrcoef(x, y)[0, 1]) * np.sqrt(x.size)))


def continuous(n: int) -> dict[str, tuple[Callable[[str], ag.Tensor], Any]]:
    """Return draws by dtype, with their distributions."""
    r, shape = ag.random, (n,)
    return {
        "uniform": (lambda d: r.uniform(KEY, shape, dtype=d), stats.uniform()),
        "normal": (lambda d: r.normal(KEY, shape, dtype=d), stats.norm()),
        "exponential": (lambda d: r.exponential(KEY, shape, dtype=d), stats.expon()),
        "laplace": (lambda d: r.laplace(KEY, shape, dtype=d), stats.laplace()),
        "gumbel": (lambda d: r.gumbel(KEY, shape, dtype=d), stats.gumbel_r()),
        "truncated_normal": (
            lambda d: r.truncated_normal(KEY, -1.0, 2.0, shape, dtype=d),
            stats.truncnorm(-1, 2),
        ),
        "truncated tail": (
            lambda d: r.truncated_normal(KEY, 8.0, np.inf, shape, dtype=d),
            stats.truncnorm(8, np.inf),
        ),
        **{
            f"gamma {a}": (lambda d, a=a: r.gamma(KEY, a, shape, dtype=d), stats.gamma(a))
            for a in (0.2, 1.0, 2.5, 1000.0)
        },
        "beta": (lambda d: r.beta(KEY, 0.5, 3.0, shape, dtype=d), stats.beta(0.5, 3)),
        "dirichlet": (
            lambda d: r.dirichlet(KEY, [0.5, 1.0, 2.0], (n // 3,), dtype=d)[:, 0],
            stats.beta(0.5, 3),
        ),
    }


def discrete(n: int) -> dict[str, tuple[Callable[[], ag.Tensor], Any]]:
    """Return draws of counts, with their distributions."""
    r, shape = ag.random, (n,)
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    law = stats.rv_discrete(values=(range(4), weights))
    return {
        "bernoulli": (lambda: r.bernoulli(KEY, 0.3, shape, dtype="i64"), stats.bernoulli(0.3)),
        "integers": (lambda: r.integers(KEY, -5, 1000, shape), stats.randint(-5, 1000)),
        "integers i32": (
            lambda: r.integers(KEY, 0, 77, shape, dtype="i32"),
            stats.randint(0, 77),
        ),
        **{
            f"poisson {m:g}": (lambda m=m: r.poisson(KEY, m, shape), stats.poisson(m))
            for m in (0.5, 9.0, 11.0, 100.0, 1e7)
        },
        **{
            f"binomial {k} {p:g}": (
                lambda k=k, p=p: r.binomial(KEY, k, p, shape),
                stats.binom(k, p),
            )
            for k, p in ((12, 0.7), (40, 0.4), (1000, 0.5), (10**8, 0.3))
        },
        "multinomial": (
            lambda: r.multinomial(KEY, 20, weights, (n // 4,))[:, 2],
            stats.binom(20, 0.3),
        ),
        "categorical": (lambda: r.categorical(KEY, np.log(weights), (n // 4,)), law),
        "choice": (lambda: r.choice(KEY, 4, shape, p=weights), law),
        "permutation": (
            lambda: r.permutation(KEY, n)[: n // 100] * 100 // n,
            stats.randint(0, 100),
        ),
    }


def independent(n: int) -> Iterator[tuple[str, float]]:
    """Yield p-values of correlations between draws that should have nothing in common."""
    stream, other = ag.random.Stream(1), ag.random.Stream(2)
    draws = [stream.normal((n,)), stream.normal((n,)), other.normal((n,))]
    f = ag.function([], draws)
    first, second, third = f()
    again = f()[0]
    yield "two draws of a stream", correlation(first, second)
    yield "two streams", correlation(first, third)
    yield "two calls", correlation(first, again)
    for lag in (1, 2, 15, 16, 17, 32, 48, 64, 1024):
        yield f"lag {lag}", correlation(first[lag:], first[:-lag])
        yield f"squares, lag {lag}", correlation(first[lag:] ** 2, first[:-lag] ** 2)
    key = ag.random.key(3)
    keys = [key, ag.random.fold_in(key, 0), ag.random.split(key, 2)[0], ag.random.key(4)]
    rows = ag.function([], [ag.random.uniform(k, (n,)) for k in keys])()
    for k in range(1, len(keys)):
        yield f"key 0 and key {k}", correlation(rows[0], rows[k])
    wide = ag.function([], ag.random.uniform(keys[1], (n // 100, 100)))()
    yield "rows of a shape", correlation(wide[1:].ravel(), wide[:-1].ravel())
    yield "columns of a shape", correlation(wide[:, 1:].ravel(), wide[:, :-1].ravel())
    same = "the same" if (wide.ravel() == rows[1][: wide.size]).all() else "OTHER"
    print(f"numbers of two shapes: {same}")


def bits(n: int) -> Iterator[tuple[str, float]]:
    """Yield p-values of single bits, and of bytes."""
    words = ag.function([KEY], ag.random.bits(KEY, (n,)))(np.array([5, 5], np.uint32))
    ones = sum(int(((words >> np.uint32(k)) & np.uint32(1)).sum()) for k in range(32))
    yield "ones among bits", float(stats.binomtest(ones, 32 * n).pvalue)
    for k in range(4):
        found = np.bincount((words >> np.uint32(8 * k)) & np.uint32(255), minlength=256)
        yield f"byte {k}", float(stats.chisquare(found).pvalue)
    pairs = (words[1::2] & np.uint32(255)) << np.uint32(8) | (words[::2] & np.uint32(255))
    yield "pairs of bytes", float(stats.chisquare(np.bincount(pairs, minlength=65536)).pvalue)


def tests(n: int) -> Iterator[tuple[str, float]]:
    """Yield every test."""
    yield from bits(n)
    given = np.array([2026, 11], np.uint32)
    for name, (draw, law) in continuous(n).items():
        for dtype in ("f32", "f64"):
            values = ag.function([KEY], draw(dtype))(given)
            yield f"{name} {dtype}, distribution", kolmogorov(values, law)
            for what, p in zip(("mean", "variance"), moments(values, law), strict=True):
                yield f"{name} {dtype}, {what}", p
    for k, (name, (make, law)) in enumerate(discrete(n).items()):
        values = ag.function([KEY], make())(given + np.uint32(k))
        yield f"{name}, counts", chi_squared(values, law)
        for what, p in zip(("mean", "variance"), moments(values, law), strict=True):
            yield f"{name}, {what}", p
    yield from independent(n)


def main(n: int) -> None:
    """Print every test."""
    least, count = 1.0, 0
    for name, p in tests(n):
        print(f"{p:8.5f}  {name}", flush=True)
        least, count = min(least, p), count + 1
    print(f"{count} tests of {n}: the smallest p-value is {least:.2g}; ", end="")
    print(f"one as small comes with probability {-np.expm1(count * np.log1p(-least)):.2g}")


if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**7)

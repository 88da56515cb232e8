"""Measure the error of every special function: a section of ``docs/math-accuracy.md``.

As ``measure_ulp.py``, with exact values from mpmath for f64, and for f32 from SciPy in f64.

    python tools/measure_special.py          # all, writes the section
    python tools/measure_special.py gamma    # some, prints their rows
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special as sp
from fit_special import inverse
from measure_ulp import (
    F32,
    F64,
    PAGE,
    RANDOM,
    SPECIAL,
    TINY,
    UNIT,
    Array,
    Draw,
    Kind,
    around,
    between,
    in_ulps,
    sizes,
)

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

mp: Any = importlib.import_module("mpmath")  # it has no types
COUNT = {F32: 100_000, F64: 700}
HEAD = """
`python tools/measure_special.py` writes this section. f32 results are computed in f64 and rounded
once. "Beside 1" (or the amplitude) means that units are those of 1 (of the amplitude of the waves)
where the exact value is smaller: near a zero the absolute error is small, not the relative one.

Known bounds:

- `lgamma` and `digamma` of negative numbers, and `jv` and `iv` of negative orders, have small
  absolute errors only near their many zeros; the table has positive arguments.
- `jv` and `iv` lose some digits where the order is above 50 (hundreds of units at orders of some
  hundreds); orders or arguments of `jv` beyond four million, unless x is beyond half the square of
  the order or far below it, give NaN.
- `gammainc` and `gammaincc` for a above 700, `beta` and `betainc` for parameters above 80: results
  have errors in proportion to their logarithm (`exp(-300)` means some 300 units).
- `j0`, `j1` and `jv` rest on `sin`, and mean nothing beyond 2^45.

| function | dtype | sampled | samples | max ulp | at | mean ulp |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Subject:
    """A function; SciPy's and mpmath's; where to sample it, in words and as draws of arguments."""

    name: str
    in_scipy: Callable[..., Any]
    in_mpmath: Callable[..., Any]
    sampled: str
    draws: tuple[tuple[Draw, ...], ...]
    least: Callable[..., Array] | None = None  # errors are counted in units of this or more


def exactly(function: Callable[..., Any]) -> Callable[..., Array]:
    """Return a function of mpmath on arrays, in 80-bit floats."""

    def exact(*xs: Array) -> Array:
        with mp.workdps(60):
            rows = zip(*xs, strict=True)
            values = [mp.re(function(*(mp.mpf(float(x)) for x in row))) for row in rows]
            return np.array([np.longdouble(mp.nstr(v, 25)) for v in values])

    return exact


def by_kind(f32: tuple[float, float], f64: tuple[float, float]) -> Draw:
    """Draw evenly, from another interval for each dtype."""

    def draw(kind: Kind, count: int) -> Array:
        return RANDOM.uniform(*(f32 if kind is F32 else f64), count).astype(kind.numpy)

    return draw


def whole(low: int, high: int) -> Draw:
    """Draw integers."""
    return lambda kind, count: RANDOM.integers(low, high, count).astype(kind.numpy)


def erfcinv(y: Any) -> Any:
    """Return the inverse of erfc."""
    if y > 1:
        return -erfcinv(2 - y)
    return mp.erfinv(1 - y) if y > 0.01 else inverse(y)


def erfinv(x: Any) -> Any:
    """Return the inverse of erf."""
    return mp.erfinv(x) if abs(x) <= 1 else mp.nan


def erfcx(x: Any) -> Any:
    """Return the scaled erfc."""
    return mp.exp(x * x) * mp.erfc(x)


def ndtr(x: Any) -> Any:
    """Return the normal distribution function."""
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_ndtr(x: Any) -> Any:
    """Return its logarithm."""
    return mp.log1p(-ndtr(-x)) if x > 3 else mp.log(ndtr(x))


def amplitude(*xs: Array) -> Array:
    """Return the height of the waves of Bessel functions."""
    return np.minimum(1, np.sqrt(2 / (np.pi * np.abs(xs[-1]))))


def one(*xs: Array) -> Array:
    """Return 1."""
    return np.ones_like(xs[0])


def scaled_i(order: int) -> Callable[[Any], Any]:
    """Return a scaled modified Bessel function."""
    return lambda x: mp.besseli(order, x) * mp.exp(-abs(x))


def subjects() -> Iterable[Subject]:
    """Yield what is measured."""
    text = "[-1, 1], all sizes, near 1"
    yield Subject("erfinv", sp.erfinv, erfinv, text, UNIT)
    ends = ((between(0, 2),), (sizes(-1000, 0, signed=False),))
    yield Subject("erfcinv", sp.erfcinv, erfcinv, "[0, 2], all sizes", ends)
    whole_bell = (by_kind((-9, 9), (-26, 26)),), (between(-2, 2),), (sizes(-60, 12, signed=False),)
    yield Subject("erfcx", sp.erfcx, erfcx, "where finite", whole_bell)
    bell = (by_kind((-12, 5), (-37, 8)),), (TINY,)
    yield Subject("ndtr", sp.ndtr, ndtr, "where not 0 or 1, all sizes below 2", bell)
    bell = (between(-1000, 5),), (between(-3, 3),)
    yield Subject("log_ndtr", sp.log_ndtr, log_ndtr, "[-1000, 5], [-3, 3]", bell)
    ends = ((between(0, 1),), (sizes(-1000, 0, signed=False),))
    quantile = Subject("ndtri", sp.ndtri, lambda y: -mp.sqrt(2) * erfcinv(2 * y), "[0, 1]", ends)
    yield quantile
    positive = (sizes(-100, 3, signed=False),), (by_kind((0, 34), (0, 171)),)
    negative = (by_kind((-20, 0), (-100, 0)),)
    yield Subject("gamma", sp.gamma, mp.gamma, "where finite", (*positive, negative))
    positive = (sizes(-100, 100, signed=False),), (between(0, 10),), (around(1),), (around(2),)
    text = "all sizes, [0, 10], near 1 and 2"
    yield Subject("lgamma", sp.gammaln, mp.loggamma, text, positive)
    positive = (sizes(-100, 100, signed=False),), (between(0, 20),)
    yield Subject("digamma", sp.digamma, mp.digamma, "all sizes, [0, 20]", positive)
    positive = (sizes(-60, 100, signed=False),), (between(0, 20),)
    text = "all sizes, [0, 20]"
    yield Subject("trigamma", by_order(1), lambda x: mp.polygamma(1, x), text, positive)
    draws = (whole(2, 20), between(0.5, 50))
    text = "orders 2 to 19, [0.5, 50]"
    yield Subject("polygamma", sp.polygamma, lambda n, x: mp.polygamma(int(n), x), text, (draws,))
    draws = (between(1.01, 30), between(0.05, 100))
    yield Subject("zeta", sp.zeta, hurwitz, "[1.01, 30], [0.05, 100]", (draws,))
    draws = (between(0.01, 70), between(0.01, 70))
    yield Subject("beta", sp.beta, mp.beta, "[0.01, 70]", (draws,))
    draws = (between(0.01, 1000), between(0.01, 1000)), (between(0.01, 3), between(0.01, 3))
    logarithm = lambda a, b: mp.log(mp.beta(a, b))  # noqa: E731
    yield Subject("betaln", sp.betaln, logarithm, "[0.01, 1000], beside 1", draws, one)
    draws = (between(0.1, 70), between(0.1, 70), between(0, 1))
    text = "parameters [0.1, 70]"
    yield Subject(
        "betainc", sp.betainc, lambda a, b, x: mp.betainc(a, b, 0, x, True), text, (draws,)
    )
    draws = (between(0, 1), between(0, 1)), (between(0.1, 100), between(0.1, 150))
    near = (between(100, 600), between(100, 600))
    text = "both in [0, 1], [0.1, 150], [100, 600]"
    lower = lambda a, x: mp.gammainc(a, 0, x, True)  # noqa: E731
    upper = lambda a, x: mp.gammainc(a, x, mp.inf, True)  # noqa: E731
    yield Subject("gammainc", sp.gammainc, lower, text, (*draws, near))
    yield Subject("gammaincc", sp.gammaincc, upper, text, (*draws, near))
    waves = (between(-30, 30),), (sizes(5, 30),)
    for n, function in ((0, sp.j0), (1, sp.j1)):
        text = "[-30, 30], sizes to 2^30, beside the amplitude"
        order = lambda x, n=n: mp.besselj(n, x)  # noqa: E731
        yield Subject(f"j{n}", function, order, text, waves, amplitude)
    text = "orders [0, 10], [0, 60], beside the amplitude"
    draws = ((between(0, 10), between(0, 60)),)
    yield Subject("jv", sp.jv, mp.besselj, text, draws, amplitude)
    rising = (by_kind((-80, 80), (-700, 700)),), (between(-12, 12),)
    text = "where finite, [-12, 12]"
    yield Subject("i0", sp.i0, lambda x: mp.besseli(0, x), text, rising)
    yield Subject("i1", sp.i1, lambda x: mp.besseli(1, x), text, rising)
    yield Subject("i0e", sp.i0e, scaled_i(0), text, rising)
    yield Subject("i1e", sp.i1e, scaled_i(1), text, rising)
    draws = ((between(0, 10), between(0, 60)),)
    yield Subject("iv", sp.iv, mp.besseli, "orders [0, 10], [0, 60]", draws)
    ends = ((between(0, 1),), (sizes(-100, 0, signed=False),))
    yield Subject("logit", sp.logit, lambda x: mp.log(x / (1 - x)), "[0, 1], all sizes", ends)
    text = "where finite, all sizes below 2"
    rising = (by_kind((-80, 88), (-700, 709)),), (TINY,)
    yield Subject("exprel", sp.exprel, lambda x: mp.expm1(x) / x, text, rising)
    pair = ((between(0, 5), between(0, 5)),)
    divergence = lambda x, y: x * mp.log(x / y) - x + y  # noqa: E731
    yield Subject("rel_entr", sp.rel_entr, lambda x, y: x * mp.log(x / y), "[0, 5]", pair)
    yield Subject("kl_div", in_longdouble, divergence, "[0, 5]", pair)


def by_order(n: int) -> Callable[[Array], Array]:
    """Return SciPy's polygamma of an order."""
    return lambda x: sp.polygamma(n, x)


def hurwitz(s: Any, q: Any) -> Any:
    """Return the zeta function, in digits enough for small values of it."""
    with mp.workdps(160):
        return mp.zeta(s, q)


def in_longdouble(x: Array, y: Array) -> Array:
    """Return the divergence, for SciPy's cancels."""
    wide, other = x.astype(np.longdouble), y.astype(np.longdouble)
    return wide * np.log(wide / other) - wide + other


def measure(subject: Subject, kind: Kind) -> str:
    """Return the row of one function and dtype."""
    exact = subject.in_scipy if kind is F32 else exactly(subject.in_mpmath)
    drawn = [tuple(draw(kind, COUNT[kind]) for draw in draws) for draws in subject.draws]
    inputs = [ag.input(f"x{i}", f"{kind.name}[n]") for i in range(len(drawn[0]))]
    compiled = getattr(ag.special, subject.name)(*inputs)
    function: Any = ag.function(inputs, compiled)
    worst, where, total, samples = -1.0, "", 0.0, 0
    for arguments in drawn:
        wide = [x.astype(kind.wide if kind is F64 else np.float64) for x in arguments]
        with np.errstate(all="ignore"):
            wanted = np.asarray(exact(*wide)).astype(kind.wide)
        least = None if subject.least is None else subject.least(*wide).astype(kind.wide)
        errors = in_ulps(function(*arguments), wanted, kind, least)
        place = int(np.argmax(errors))
        if errors[place] > worst:
            worst = float(errors[place])
            where = ", ".join(f"{float(x[place]):.9g}" for x in arguments)
        total += float(errors.sum())
        samples += errors.size
    mean = total / samples
    return (
        f"| `{subject.name}` | {kind.name} | {subject.sampled} | {samples:,} "
        f"| {worst:.2f} | {where} | {mean:.3f} |"
    )


def main(names: list[str]) -> None:
    """Measure the named functions, or all."""
    rows: list[str] = []
    for subject in subjects():
        if names and subject.name not in names:
            continue
        for kind in (F32, F64):
            rows.append(measure(subject, kind))
            print(rows[-1], flush=True)
    if not names:
        before = PAGE.read_text(encoding="utf-8").split(SPECIAL)[0].rstrip("\n")
        PAGE.write_text(f"{before}\n\n{SPECIAL}\n{HEAD}" + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Print the polynomial coefficients that ``agnesi.loops.math`` holds.

Each fit asks for the polynomial ``P`` that makes ``base(t) + sum(c[k] * t**powers[k])`` closest to
``f(t)`` on an interval, in the sense of the largest error relative to ``scale(t)``.  The exchange
algorithm of Remez finds it in 60-digit arithmetic.  Coefficients are then rounded to the working
precision one at a time, lowest power first; after each, the remaining ones are fitted again, so
that they make up for what the rounding lost.

    python tools/fit_polynomials.py            # all
    python tools/fit_polynomials.py exp sin    # those whose name contains one of the words
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

mp: Any = importlib.import_module("mpmath")  # it has no types
mp.mp.dps = 60
Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Fit:
    """One polynomial to find; ``bits`` is the precision its coefficients are rounded to.

    The first ``double`` of them have twice that, as sums of two numbers.
    """

    name: str
    f: Function
    scale: Function
    low: Any
    high: Any
    powers: tuple[int, ...]
    bits: int
    double: int = 0


def chebyshev_points(low: Any, high: Any, count: int) -> list[Any]:
    """Return points in rising order that lie dense at the ends."""
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * (k + mp.mpf("0.5")) / count) for k in range(count)]


class Samples:
    """A function and its scale on a dense grid, evaluated once."""

    def __init__(self, fit: Fit) -> None:
        low, high = mp.mpf(fit.low), mp.mpf(fit.high)
        self.points = chebyshev_points(low, high, 24 * (len(fit.powers) + 2))
        self.scales = [abs(fit.scale(t)) for t in self.points]
        self.wanted = [fit.f(t) for t in self.points]


def equioscillate(samples: Samples, wanted: list[Any], powers: tuple[int, ...]) -> list[Any]:
    """Return the coefficients with the smallest largest weighted error on the grid (Remez).

    The lowest power is divided out, for its sign may change inside the interval.
    """
    n, grid, lowest = len(powers), samples.points, powers[0]
    goal = [value / t**lowest for value, t in zip(wanted, grid, strict=True)]
    weights = [abs(t) ** lowest / s for t, s in zip(grid, samples.scales, strict=True)]
    basis = [[t ** (p - lowest) for p in powers] for t in grid]
    chosen = [round((k + 0.5) * len(grid) / (n + 1) - 0.5) for k in range(n + 1)]
    coefficients: list[Any] = []
    for _ in range(20):
        rows, right = mp.matrix(n + 1, n + 1), mp.matrix(n + 1, 1)
        for row, at in enumerate(chosen):
            for column in range(n):
                rows[row, column] = basis[at][column] * weights[at]
            rows[row, n] = (-1) ** row
            right[row] = goal[at] * weights[at]
        solution = mp.lu_solve(rows, right)
        coefficients = [solution[k] for k in range(n)]
        errors = [
            (mp.fdot(coefficients, values) - value) * weight
            for values, value, weight in zip(basis, goal, weights, strict=True)
        ]
        if max(abs(e) for e in errors) <= abs(solution[n]) * mp.mpf("1.001"):
            break
        chosen = alternation(errors, n + 1) or chosen
    return coefficients


def alternation(errors: list[Any], count: int) -> list[int] | None:
    """Return ``count`` places of extreme errors with alternating signs, or None."""
    peaks: list[int] = []
    for place, error in enumerate(errors):
        if peaks and (errors[peaks[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = place
        else:
            peaks.append(place)
    while len(peaks) > count:
        sizes = [abs(errors[p]) for p in peaks]
        least = min(range(len(peaks)), key=sizes.__getitem__)
        if len(peaks) == count + 1:
            peaks.pop(0 if sizes[0] < sizes[-1] else -1)
        elif least in (0, len(peaks) - 1):
            peaks.pop(least)
        else:  # its neighbours have one sign: keep the larger
            other = least + 1 if sizes[least + 1] < sizes[least - 1] else least - 1
            del peaks[min(least, other) : max(least, other) + 1]
    return peaks if len(peaks) == count else None


def rounded(value: Any, bits: int) -> Any:
    """Round to the nearest number with this many bits."""
    with mp.workprec(bits):
        return +mp.mpf(value)


def solve(fit: Fit) -> tuple[list[Any], Any]:
    """Return rounded coefficients and the largest weighted error that they leave."""
    samples = Samples(fit)
    wanted, powers = list(samples.wanted), list(fit.powers)
    fixed: list[Any] = []
    while powers:
        bits = 2 * fit.bits if len(fixed) < fit.double else fit.bits
        coefficient = rounded(equioscillate(samples, wanted, tuple(powers))[0], bits)
        fixed.append(coefficient)
        wanted = [
            value - coefficient * t ** powers[0]
            for value, t in zip(wanted, samples.points, strict=True)
        ]
        powers.pop(0)
    errors = [value / scale for value, scale in zip(wanted, samples.scales, strict=True)]
    return fixed, max(abs(e) for e in errors)


def report(fit: Fit) -> None:
    """Print one fit as Python source."""
    coefficients, error = solve(fit)
    print(
        f"# {fit.name}: [{mp.nstr(mp.mpf(fit.low), 6)}, {mp.nstr(mp.mpf(fit.high), 6)}], "
        f"powers {fit.powers[0]}..{fit.powers[-1]}, error 2^{mp.nstr(mp.log(error, 2), 4)}"
    )
    print("(")
    for place, c in enumerate(coefficients):
        high = rounded(c, fit.bits)
        pair = f"({float(high)!r}, {float(c - high)!r})"
        print(f"    {pair if place < fit.double else repr(float(c))},")
    print(")", flush=True)


def steps(first: int, last: int, step: int = 1) -> tuple[int, ...]:
    """Return ``first, first + step, ... last``."""
    return tuple(range(first, last + 1, step))


LN2 = mp.log(2)
ROOT = mp.sqrt(2)


def exponentials() -> list[Fit]:
    """Return the fits of exp on (-ln 2, ln 2) and (-ln 2 / 2, ln 2 / 2), and of 2**t."""

    def tail(t: Any) -> Any:
        return mp.exp(t) - 1 - t

    def tail2(t: Any) -> Any:
        return mp.expm1(t * LN2)

    half = LN2 / 2 * mp.mpf("1.0001")
    fits = [Fit("exp wide f24", tail, mp.exp, -2 * half, 2 * half, steps(2, 7), 24)]
    for bits, narrow in ((24, 6), (53, 11)):
        top = narrow + (bits == 53)
        fits += [
            Fit(f"exp narrow f{bits}", tail, mp.exp, -half, half, steps(2, narrow), bits),
            Fit(f"expm1 f{bits}", tail, mp.expm1, -half, half, steps(2, top), bits),
            Fit(f"exp2 narrow f{bits}", tail2, two_to, -0.5, 0.5, steps(1, narrow), bits),
        ]
    return fits


def two_to(t: Any) -> Any:
    """Return a power of 2."""
    return mp.mpf(2) ** t


def logarithms() -> list[Fit]:
    """Return the fits of logarithms of 1 + t."""

    def log(t: Any) -> Any:
        return mp.log1p(t)

    fits = odd("2 atanh", lambda s: 2 * mp.atanh(s), lambda s: 2 * s, 3 - 2 * ROOT, {24: 7, 53: 15})
    for bits, top in ((24, 10), (53, 21)):
        fits.append(
            Fit(f"log1p unit f{bits}", lambda t: log(t) - t, log, 0, 1, steps(2, top), bits)
        )
    return fits


def odd(name: str, f: Function, base: Function, high: Any, tops: dict[int, int]) -> list[Fit]:
    """Return the fits of an odd function as ``base(t) + t**3 * P(t*t)``, by bits."""
    return [
        Fit(f"{name} f{bits}", lambda t: f(t) - base(t), f, 0, high, steps(3, top, 2), bits)
        for bits, top in tops.items()
    ]


def itself(t: Any) -> Any:
    """Return the argument."""
    return t


def hyperbolic() -> list[Fit]:
    """Return the fits for tanh, and of sinh and cosh within half of ln 2."""
    half = LN2 / 2 * mp.mpf("1.0001")

    def above(t: Any) -> Any:
        return mp.cosh(t) - 1

    def rising(t: Any) -> Any:
        return mp.expm1(2 * t) / 2

    def tail(t: Any) -> Any:
        return rising(t) - t

    return [
        *(
            Fit(f"tanh f{bits}", tail, rising, -half / 4, half * 3 / 4, steps(2, top), bits)
            for bits, top in ((24, 6), (53, 11))
        ),
        *odd("sinh", mp.sinh, itself, half, {24: 7, 53: 11}),
        Fit("cosh f24", above, mp.cosh, 0, half, steps(2, 6, 2), 24),
        Fit("cosh f53", above, mp.cosh, 0, half, steps(2, 10, 2), 53),
    ]


def trigonometric() -> list[Fit]:
    """Return the fits of sin on half a turn, tan on a quarter, and their inverses."""
    half = mp.pi / 2 * mp.mpf("1.0001")
    return [
        *odd("sin", mp.sin, itself, half, {24: 9, 53: 19}),
        *odd("tan", mp.tan, itself, half / 2, {24: 13, 53: 29}),
        *odd("asin", mp.asin, itself, mp.mpf("0.5"), {24: 11, 53: 25}),
        *odd("atan", mp.atan, itself, 1, {24: 17, 53: 41}),
    ]


def eighths() -> list[Fit]:
    """Return the fits of sin and cos on an eighth of a turn to each side."""
    end = mp.pi / 4 * mp.mpf("1.0001")

    def tail(t: Any) -> Any:
        return mp.cos(t) - 1 + t * t / 2

    return [
        *odd("sin eighth", mp.sin, itself, end, {24: 7, 53: 13}),
        Fit("cos eighth f24", tail, mp.cos, 0, end, steps(4, 8, 2), 24),
        Fit("cos eighth f53", tail, mp.cos, 0, end, steps(4, 14, 2), 53),
    ]


def error_functions() -> list[Fit]:
    """Return the fits of erf below and above 1, and of (1 + 2 x) exp(x*x) erfc(x)."""

    def near(t: Any) -> Any:
        return mp.erf(t) - t

    def fourth_root(w: Any) -> Any:
        return mp.root(mp.erfc(w + mp.mpf("2.5625")), 4)

    def fourth_root_scale(w: Any) -> Any:
        return fourth_root(w) ** -3 / 4

    def log_erfc(w: Any) -> Any:
        return mp.log(mp.erfc(w + mp.mpf("3.59375"))) / LN2

    def log_scale(w: Any) -> Any:
        return 1 / (mp.erfc(w + mp.mpf("3.59375")) * LN2)

    def scaled(middle: int, minus: int) -> Function:
        def function(w: Any) -> Any:
            x = middle * (1 + w) / (1 - w)
            return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x) - minus

        return function

    far24, far53 = mp.mpf("10.1"), mp.mpf("27.3")
    top24, top53 = (far24 - 3) / (far24 + 3), (far53 - 4) / (far53 + 4)
    return [
        Fit("erf f24", near, mp.erf, 0, 1.1875, steps(1, 13, 2), 24),
        Fit("erf f53", near, mp.erf, 0, 1.1875, steps(1, 25, 2), 53),
        Fit("erf beyond f24", fourth_root, fourth_root_scale, -1.375, 1.375, steps(0, 8), 24),
        Fit("erf beyond f53", log_erfc, log_scale, -2.40625, 2.40625, steps(0, 18), 53),
        Fit("erfcx f24", scaled(3, 1), scaled(3, 0), -1, top24, steps(0, 10), 24),
        Fit("erfcx f53", scaled(4, 1), scaled(4, 0), -1, top53, steps(0, 23), 53),
    ]


def powers() -> list[Fit]:
    """Return the fits for pow and cbrt."""

    def inverse_root(t: Any) -> Any:
        return (1 - t) ** (-mp.mpf(1) / 3)

    def above(t: Any) -> Any:
        return inverse_root(t) - 1

    def log2_of_quotient(s: Any) -> Any:
        return 2 * mp.atanh(s) / LN2

    def series(z: Any) -> Any:
        """Return what follows 2 s + 2/3 s**3 in log2((1+s)/(1-s)), over s**5, with z = s*s."""
        s = mp.sqrt(z)
        return (2 * mp.atanh(s) / LN2 - (2 * s + 2 * s**3 / 3) / LN2) / s**5

    def series_scale(z: Any) -> Any:
        return 1 / z**2

    largest = 3 - 2 * ROOT
    near = mp.mpf("0.1065")
    return [
        Fit("log2 for pow", log2_of_quotient, log2_of_quotient, 0, largest, steps(1, 9, 2), 53),
        Fit("exp2 for pow", lambda t: two_to(t) - 1, two_to, -0.5, 0.5, steps(1, 6), 53),
        Fit("atanh for pow", series, series_scale, largest**2 / 10**4, largest**2, steps(0, 7), 53),
        Fit("inverse cbrt", above, inverse_root, -near, near, steps(1, 3), 53),
    ]


def all_fits() -> list[Fit]:
    """Return every fit, in the order of the files that use them."""
    return [
        *exponentials(),
        *logarithms(),
        *hyperbolic(),
        *trigonometric(),
        *eighths(),
        *error_functions(),
        *powers(),
    ]


def main(words: list[str]) -> None:
    """Print the fits whose name contains one of the words, or all."""
    for fit in all_fits():
        if not words or any(word in fit.name for word in words):
            report(fit)


if __name__ == "__main__":
    main(sys.argv[1:])

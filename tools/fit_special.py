"""Print ``src/agnesi/loops/special/tables.py``: the polynomials behind special functions.

A smooth factor of each function is interpolated at Chebyshev points of pieces of an interval, in
40-digit arithmetic, with as few points as leave an error below 2^-57; the polynomial is then
written in powers of the distance from the middle of the piece.

    python tools/fit_special.py > src/agnesi/loops/special/tables.py
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from typing import Any

mp: Any = importlib.import_module("mpmath")  # it has no types
mp.mp.dps = 40
Function = Callable[[Any], Any]
GOAL = mp.mpf(2) ** -57


def interpolate(f: Function, low: Any, high: Any, count: int) -> list[Any]:
    """Return coefficients of the Chebyshev interpolant in powers of ``x - middle``."""
    middle, half = (low + high) / 2, (high - low) / 2
    angles = [mp.pi * (k + mp.mpf(1) / 2) / count for k in range(count)]
    values = [f(middle + half * mp.cos(a)) for a in angles]
    chebyshev = [
        2 * mp.fsum(v * mp.cos(j * a) for v, a in zip(values, angles, strict=True)) / count
        for j in range(count)
    ]
    chebyshev[0] /= 2
    # T[j+1] = 2 t T[j] - T[j-1], by coefficients of t = (x - middle) / half
    powers = [mp.mpf(0)] * count
    older, old = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    for j, weight in enumerate(chebyshev):
        now = older if j == 0 else old
        for k, c in enumerate(now):
            powers[k] += weight * c
        if j:
            new = [mp.mpf(0), *(2 * c for c in old)]
            for k, c in enumerate(older):
                new[k] -= c
            older, old = old, new
    return [c / half**k for k, c in enumerate(powers)]


def worst(f: Function, low: Any, high: Any, coefficients: list[Any]) -> Any:
    """Return the largest error, relative to the largest value."""
    middle = (low + high) / 2
    points = [low + (high - low) * k / mp.mpf(61) for k in range(62)]
    exact = [f(x) for x in points]
    off = [
        abs(mp.polyval(coefficients[::-1], x - middle) - e)
        for x, e in zip(points, exact, strict=True)
    ]
    return max(off) / max(abs(e) for e in exact)


def piece(f: Function, low: float, high: float) -> tuple[list[Any], Any]:
    """Return the shortest polynomial that is good enough, and its error."""
    low, high = mp.mpf(low), mp.mpf(high)
    seen: dict[Any, Any] = {}

    def known(x: Any) -> Any:
        if x not in seen:
            seen[x] = f(x)
        return seen[x]

    for count in range(4, 40):
        coefficients = interpolate(known, low, high, count)
        error = worst(known, low, high, coefficients)
        if error < GOAL:
            return coefficients, error
    raise SystemExit(f"no polynomial of 40 terms on [{low}, {high}]: error {error}")


def report(name: str, what: str, f: Function, *ends: float) -> None:
    """Print a table of pieces."""
    print(f"\n# {what}")
    print(f"{name} = (")
    for low, high in itertools.pairwise(ends):
        coefficients, error = piece(f, low, high)
        print(f"    # error 2^{mp.nstr(mp.log(error, 2), 4)}")
        print(f"    Piece({float(low)!r}, {float(high)!r}, (")
        for c in coefficients:
            print(f"        {float(c)!r},")
        print("    )),", flush=True)
    print(")", flush=True)


ZERO = mp.findroot(mp.digamma, mp.mpf("1.46163214496836"))


def log_gamma(z: Any) -> Any:
    """Return ``log(gamma(2 + z)) / z``."""
    return mp.loggamma(2 + z) / z if z else mp.digamma(2)


def digamma(x: Any) -> Any:
    """Return the digamma function without its zero."""
    return mp.digamma(x) / (x - ZERO) if x != ZERO else mp.polygamma(1, x)


def inverse(y: Any) -> Any:
    """Return the inverse of erfc by Newton's method for its logarithm."""
    w = -mp.log(y)
    x = mp.sqrt(w) * mp.mpf("0.9") if y < 0.5 else (1 - y) * mp.mpf("0.88")
    for _ in range(60):
        scaled = mp.erfc(x) * mp.exp(x * x)
        step = (mp.log(scaled) - x * x + w) * mp.sqrt(mp.pi) * scaled / 2
        x += step
        if abs(step) < abs(x) * mp.mpf(10) ** -38:
            break
    return x


def erfinv(w: Any) -> Any:
    """Return ``erfinv(x) / x`` of ``w = -log(1 - x*x)``."""
    if not w:
        return mp.sqrt(mp.pi) / 2
    x = mp.sqrt(-mp.expm1(-w))
    return mp.erfinv(x) / x


def erfcinv(s: Any) -> Any:
    """Return ``erfcinv(exp(-s*s)) / s``."""
    return inverse(mp.exp(-s * s)) / s


def hankel(order: int, part: int, w: Any) -> Any:
    """Return the modulating functions P and ``x Q`` of Bessel functions, of ``(8 / x)**2``."""
    if not w:
        return mp.mpf(1) if part == 0 else mp.mpf(4 * order * order - 1) / 8
    x = 8 / mp.sqrt(w)
    phase = x - (2 * order + 1) * mp.pi / 4
    scale = mp.sqrt(mp.pi * x / 2)
    j, y = mp.besselj(order, x), mp.bessely(order, x)
    if part == 0:
        return scale * (j * mp.cos(phase) + y * mp.sin(phase))
    return scale * (y * mp.cos(phase) - j * mp.sin(phase)) * x


def scaled_i(order: int, x: Any) -> Any:
    """Return ``exp(-x) I(x)``, for the order 1 without the factor x."""
    if order and not x:
        return mp.mpf(1) / 2
    return mp.exp(-x) * mp.besseli(order, x) / (x if order else 1)


def far_i(order: int, w: Any) -> Any:
    """Return ``sqrt(x) exp(-x) I(x)`` of ``10 / x``."""
    if not w:
        return 1 / mp.sqrt(2 * mp.pi)
    x = 10 / w
    return mp.sqrt(x) * mp.exp(-x) * mp.besseli(order, x)


def j_over_x(x: Any) -> Any:
    """Return ``J1(sqrt(z)) / sqrt(z)``."""
    return mp.besselj(1, mp.sqrt(x)) / mp.sqrt(x) if x else mp.mpf(1) / 2


def main() -> None:
    """Print the module."""
    print('"""Polynomials for special functions; written by ``tools/fit_special.py``."""\n')
    print("from __future__ import annotations\n")
    print("from agnesi.loops.special.pieces import Piece\n")
    high = float(ZERO)
    print("# The zero of the digamma function, in two parts")
    print(f"DIGAMMA_ZERO = ({high!r}, {float(ZERO - mp.mpf(high))!r})")
    report("LOG_GAMMA", "log(gamma(2 + z)) / z of z", log_gamma, -0.5, 0.5)
    report("GAMMA", "gamma(2 + z) of z", lambda z: mp.gamma(2 + z), -0.5, 0.5)
    report("DIGAMMA", "digamma(x) / (x - zero) of x", digamma, 1.0, 2.0)
    report("ERFINV", "erfinv(x) / x of -log(1 - x*x)", erfinv, 0.0, 1.0)
    report("ERFCINV", "erfcinv(exp(-s*s)) / s of s", erfcinv, 1.125, 1.75, 3.0, 6.0, 12.0, 28.0)
    report("J0", "J0(sqrt(z)) of z", lambda z: mp.besselj(0, mp.sqrt(z)), 0.0, 16.0)
    report("J0_MIDDLE", "J0(x) of x", lambda x: mp.besselj(0, x), 4.0, 8.0)
    report("J1", "J1(sqrt(z)) / sqrt(z) of z", j_over_x, 0.0, 16.0)
    report("J1_MIDDLE", "J1(x) of x", lambda x: mp.besselj(1, x), 4.0, 8.0)
    for n in (0, 1):
        what = "of (8 / x)**2"
        report(f"J{n}_P", f"P of J{n}, {what}", lambda w, n=n: hankel(n, 0, w), 0.0, 0.375, 1.0)
        report(f"J{n}_Q", f"x Q of J{n}, {what}", lambda w, n=n: hankel(n, 1, w), 0.0, 0.375, 1.0)
    report("I0", "exp(-x) I0(x) of x", lambda x: scaled_i(0, x), 0.0, 2.0, 5.0, 10.0)
    report("I0_FAR", "sqrt(x) exp(-x) I0(x) of 10 / x", lambda w: far_i(0, w), 0.0, 0.375, 1.0)
    report("I1", "exp(-x) I1(x) / x of x", lambda x: scaled_i(1, x), 0.0, 2.0, 5.0, 10.0)
    report("I1_FAR", "sqrt(x) exp(-x) I1(x) of 10 / x", lambda w: far_i(1, w), 0.0, 0.375, 1.0)


if __name__ == "__main__":
    main()

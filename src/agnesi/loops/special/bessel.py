"""Bessel functions of the first kind.

Orders 0 and 1 are polynomials: of x up to 8 (10), and of 1/x beyond, where J is
``sqrt(2 / (pi x)) (P cos(t) - Q sin(t))`` and I is ``exp(x) / sqrt(x) R``.

Any order: the power series where its terms do not cancel, Hankel's expansion where x is large
beside the square of the order, and between them the recurrence from high orders down, which is
scaled by a sum that is known (small x) or by Hankel's expansion of the orders near 0.

Near their zeros the functions J have a small absolute error only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.loops.math.bits import between, copysign
from agnesi.loops.math.polynomial import fma
from agnesi.loops.nodes import select
from agnesi.loops.procedures import choose, double
from agnesi.loops.special import primitives as p
from agnesi.loops.special import tables as t
from agnesi.loops.special.gamma import gamma, lgamma, stirling
from agnesi.loops.special.pieces import evaluate
from agnesi.loops.special.primitives import EPSILON, INF, NAN, PI

if TYPE_CHECKING:
    from agnesi.loops.nodes import Scalar
    from agnesi.loops.procedures import Code
    from agnesi.loops.special.pieces import Piece

# Orders and arguments beyond this would take seconds for one number; the result is NaN.
_MOST_STEPS = 2.0**22
# e, and what it exceeds that by
_E = (2.718281828459045, 1.4456468917292502e-16)


@double
def j0(code: Code, x: Scalar) -> Scalar:
    """The Bessel function of order 0."""
    size = code.let("size", abs(x))
    sine, cosine = p.sin(size), p.cos(size)
    main, side = _modulation(size, t.J0_P, t.J0_Q)
    far = (main * (cosine + sine) - side * (sine - cosine)) / p.sqrt(size * PI)
    far = choose(size.equals(INF), 0.0, far)
    middle = choose(size < 8.0, evaluate(size, t.J0_MIDDLE), far)
    return choose(size < 4.0, evaluate(size * size, t.J0), middle)


@double
def j1(code: Code, x: Scalar) -> Scalar:
    """The Bessel function of order 1."""
    size = code.let("size", abs(x))
    sine, cosine = p.sin(size), p.cos(size)
    main, side = _modulation(size, t.J1_P, t.J1_Q)
    far = (main * (sine - cosine) + side * (sine + cosine)) / p.sqrt(size * PI)
    far = choose(size.equals(INF), 0.0, far)
    middle = choose(size < 8.0, evaluate(size, t.J1_MIDDLE), far)
    middle = select(x < 0.0, -middle, middle)
    return choose(size < 4.0, x * evaluate(size * size, t.J1), middle)


def _modulation(
    x: Scalar, main: tuple[Piece, ...], side: tuple[Piece, ...]
) -> tuple[Scalar, Scalar]:
    w = (8.0 / x) * (8.0 / x)
    return evaluate(w, main), evaluate(w, side) / x


@double
def i0e(code: Code, x: Scalar) -> Scalar:
    """The modified Bessel function of order 0, times ``exp(-|x|)``."""
    size = code.let("size", abs(x))
    far = evaluate(10.0 / size, t.I0_FAR) / p.sqrt(size)
    return choose(size < 10.0, evaluate(size, t.I0), far)


@double
def i1e(code: Code, x: Scalar) -> Scalar:
    """The modified Bessel function of order 1, times ``exp(-|x|)``."""
    size = code.let("size", abs(x))
    far = evaluate(10.0 / size, t.I1_FAR) / p.sqrt(size)
    return choose(size < 10.0, x * evaluate(size, t.I1), copysign(far, x))


@double
def i0(code: Code, x: Scalar) -> Scalar:
    """The modified Bessel function of order 0."""
    return _unscaled(x, i0e(x))


@double
def i1(code: Code, x: Scalar) -> Scalar:
    """The modified Bessel function of order 1."""
    return _unscaled(x, i1e(x))


def _unscaled(x: Scalar, scaled: Scalar) -> Scalar:
    """Return ``scaled exp(|x|)``, which overflows after the exponential."""
    size = abs(x)
    half = p.exp(size * 0.5)
    late = choose(size < 720.0, scaled * half * half, copysign(x.like(INF), scaled))
    return choose(size < 700.0, scaled * p.exp(size), select(x.equals(x), late, x))


@double
def power_over_gamma(code: Code, v: Scalar, h: Scalar) -> Scalar:
    """``h**v / gamma(v + 1)``."""
    result = code.variable("result", p.power(h, v) / gamma(v + 1.0))
    with code.when(v >= 8.0):
        # (e h / v)**v / sqrt(2 pi v) by Stirling; the base needs twice the digits.
        ratio = code.let("ratio", h / v)
        base = code.let("base", ratio * _E[0])
        rest = fma(ratio, _E[0], -base) + (ratio * _E[1] + fma(-ratio, v, h) / v * _E[0])
        change = between(select(base > 0.0, v * (rest / base), 0.0), -1.0, 1.0)
        tail = p.exp(change - stirling(v))
        code.set(result, p.power(base, v) * tail / p.sqrt(v * (2 * PI)))
    with code.when(v <= -100.0):
        sign = p.parity(p.floor(v + 1.0))
        code.set(result, sign * p.exp(v * p.log(h) - lgamma(v + 1.0)))
    return result


def _series(code: Code, v: Scalar, h: Scalar, sign: float) -> Scalar:
    """Return the sum of ``(sign h**2)**k / (k! (v+1)(v+2)...(v+k))``."""
    z = code.let("z", h * h * sign)
    lost = code.let("lost", select(z.equals(0.0), 0.0, fma(h * sign, h, -z) / z))
    k, term = code.variable("k", h.like(0.0)), code.variable("term", h.like(1.0))
    # What the rounding of z does to z**k counts in long sums.
    total, slope = code.variable("sum", h.like(1.0)), code.variable("slope", h.like(0.0))
    # Of a negative order, terms rise again where a factor v + k is small.
    with code.repeat((abs(term) > abs(total) * EPSILON) | (k + v < 1.0)):
        code.set(k, k + 1.0)
        code.set(term, term * (z / (k * (v + k))))
        code.set(total, total + term)
        code.set(slope, slope + k * term)
    return select(abs(total) < INF, fma(slope, lost, total), total)


@double
def hankel_j(code: Code, v: Scalar, x: Scalar) -> Scalar:
    """J by Hankel's expansion, for x above 25 and ``v**2 / 2``."""
    main, side = code.variable("main", x.like(1.0)), code.variable("side", x.like(0.0))
    term, k = code.variable("term", x.like(1.0)), code.variable("k", x.like(0.0))
    with code.repeat((abs(term) > EPSILON * 0.25) & (k < 60.0)):
        for target, sign in ((side, 1.0), (main, -1.0)):
            code.set(k, k + 1.0)
            odd = 2.0 * k - 1.0
            code.set(term, term * ((2.0 * v - odd) * (2.0 * v + odd) / (8.0 * k * x)) * sign)
            code.set(target, target + term)
    # cos and sin of x - (v/2 + 1/4) pi
    turn = v * 0.5 + 0.25
    c, s = p.cos_pi(turn), p.sin_pi(turn)
    cosine = p.cos(x) * c + p.sin(x) * s
    sine = p.sin(x) * c - p.cos(x) * s
    return (main * cosine - side * sine) * p.sqrt(2 / PI / x)


@double
def descending_j(code: Code, v: Scalar, x: Scalar) -> Scalar:
    """J by its recurrence from an order that is so high that J vanishes."""
    n = code.let("n", p.floor(v))
    fraction = code.let("fraction", v - n)
    top = p.maximum(abs(v), x)
    k = code.variable("k", p.floor(top + 30.0 + 13.0 * p.power(top, x.like(1 / 3))))
    down = code.let("down", select(n < 0.0, n, 0.0))
    above, here = code.variable("above", x.like(0.0)), code.variable("here", x.like(1e-250))
    found = code.variable("found", x.like(0.0))
    zeroth, first = code.variable("zeroth", x.like(0.0)), code.variable("first", x.like(0.0))
    # sum of (f + 2j) gamma(f + j) / j! J[f + 2j] = (x / 2)**f, with the weight of j in `weight`
    # up to a factor, which is known when j = 1 is reached.
    weight, total = code.variable("weight", x.like(1.0)), code.variable("total", x.like(0.0))
    last = code.variable("last", x.like(1.0))
    with code.repeat(k >= down):
        order = fraction + k
        with code.when(k.equals(n)):
            code.set(found, here)
        with code.when(k.equals(0.0)):
            code.set(zeroth, here)
            code.set(first, above)
        with code.when((k > 0.0) & p.is_whole(k * 0.5)):
            j = k * 0.5
            code.set(total, total + order * weight * here)
            code.set(last, weight)
            code.set(weight, weight * (j / (fraction + j - 1.0)))
        below = code.let("below", order * 2.0 / x * here - above)
        code.set(above, here)
        code.set(here, below)
        code.set(k, k - 1.0)
        with code.when(abs(here) > 1e200):
            for kept in (above, here, found, zeroth, first, total):
                code.set(kept, kept * 1e-200)
    scale = code.variable("scale", x.like(1.0))
    with code.when(x <= 25.0):
        known = gamma(fraction + 1.0)
        whole = total * (known / last) + known * zeroth
        code.set(scale, p.power(x * 0.5, fraction) / whole)
    with code.when(x > 25.0):
        use = abs(zeroth) > abs(first)
        at_zeroth = hankel_j(fraction, x) / zeroth
        code.set(scale, choose(use, at_zeroth, hankel_j(fraction + 1.0, x) / first))
    return found * scale


def _to_positive(code: Code, v: Scalar, x: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Return the order, ``|x|`` and a sign; integer orders may become positive, NaN as sign."""
    whole = p.is_whole(v)
    flip = whole & (v < 0.0)
    sign = select(x < 0.0, select(whole, p.parity(v), NAN), 1.0)
    order = code.let("order", select(flip, -v, v))
    return order, code.let("size", abs(x)), code.let("sign", sign)


@double
def jv(code: Code, v: Scalar, x: Scalar) -> Scalar:
    """The Bessel function of a real order."""
    order, size, sign = _to_positive(code, v, x)
    with code.when(p.is_whole(v) & (v < 0.0)):
        code.set(sign, sign * p.parity(v))
    result = code.variable("result", v + x)
    z = size * size * 0.25
    small = code.let("small", z <= abs(order) + 1.0)
    far = code.let("far", ~small & (size > 25.0) & (size > order * order * 0.5))
    between = ~small & ~far
    with code.when(small):
        total = _series(code, order, size * 0.5, -1.0)
        code.set(result, power_over_gamma(order, size * 0.5) * total)
    with code.when(far):
        code.set(result, choose(size.equals(INF), 0.0, hankel_j(order, size)))
    with code.when(between & (p.maximum(abs(order), size) < _MOST_STEPS)):
        code.set(result, descending_j(order, size))
    with code.when(between & (p.maximum(abs(order), size) >= _MOST_STEPS)):
        code.set(result, NAN)
    return result * sign


@double
def iv(code: Code, v: Scalar, x: Scalar) -> Scalar:
    """The modified Bessel function of a real order."""
    order, size, sign = _to_positive(code, v, x)
    result = code.variable("result", v + x)
    far = code.let("far", (size > 30.0) & (size > order * order * 0.5))
    with code.when(far):
        total, term = code.variable("total", x.like(1.0)), code.variable("term", x.like(1.0))
        k = code.variable("k", x.like(0.0))
        with code.repeat((abs(term) > EPSILON * 0.25) & (k < 60.0)):
            code.set(k, k + 1.0)
            odd = 2.0 * k - 1.0
            change = (2.0 * order - odd) * (2.0 * order + odd) / (8.0 * k * size)
            code.set(term, term * -change)
            code.set(total, total + term)
        scaled = total / p.sqrt(size * (2 * PI))
        half = p.exp(size * 0.5)
        code.set(result, choose(size < 1400.0, scaled * half * half, INF))
    with code.when(~far & (size <= 30.0 + order * order * 0.5)):
        start = code.let("start", power_over_gamma(order, size * 0.5))
        total = _series(code, order, size * 0.5, 1.0)
        code.set(result, start * total)
    return result * sign

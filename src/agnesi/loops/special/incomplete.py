"""The incomplete gamma and beta functions.

``P(a, x)`` and ``Q = 1 - P`` of the gamma function: the power series of P for x below a + 1, the
continued fraction of Q above, a series of Q itself where both a and x are below 1, and Temme's
expansion for large a with x nearby.  Whichever of the two is computed is the smaller, or nearly so.

All share ``x**a exp(-x) / gamma(a + 1)``.  For a of many hundreds that is an exponential, so that
tails lose digits in proportion to their logarithm.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from agnesi.loops.math.bits import at_most, copysign
from agnesi.loops.math.polynomial import horner
from agnesi.loops.nodes import apply, select
from agnesi.loops.prims import Prim
from agnesi.loops.procedures import choose, double
from agnesi.loops.special import primitives as p
from agnesi.loops.special.bessel import power_over_gamma
from agnesi.loops.special.gamma import beta, betaln, digamma, stirling
from agnesi.loops.special.normal import erfcx
from agnesi.loops.special.pieces import evaluate
from agnesi.loops.special.primitives import EPSILON, INF, NAN, PI, bernoulli
from agnesi.loops.special.tables import LOG_GAMMA

if TYPE_CHECKING:
    from agnesi.loops.nodes import Scalar
    from agnesi.loops.procedures import Code

# From here on Temme's expansion is good for |x - a| < 0.3 a.
_LARGE = 30.0
_ORDERS, _TERMS = 10, 18
# Keeps the divisions of a continued fraction away from 0.
_TINY = 1e-290


@double
def log1pmx(code: Code, x: Scalar) -> Scalar:
    """``log(1 + x) - x``, accurate near 0."""
    # log(1 + x) = 2 atanh(r); 2 r - x = -x r
    r = x / (x + 2.0)
    terms = tuple(2.0 / (2 * k + 3) for k in range(18))
    w = r * r
    near = r * (w * horner(w, terms) - x)
    return choose(abs(x) < 0.4, near, p.log1p(x) - x)


@cache
def temme() -> tuple[tuple[float, ...], ...]:
    """Return the coefficients of Temme's functions C_k as series in eta.

    With ``mu = x/a - 1`` and ``eta**2 / 2 = mu - log(1 + mu)``: ``C_0 = 1/mu - 1/eta`` and
    ``eta C_k = C_{k-1}' + (-1)**k g_k eta/mu``, where ``g_k`` are those of Stirling's expansion of
    the gamma function in ``1/a``.
    """
    count = _TERMS + 2 * _ORDERS + 2
    # mu = sum m[i] eta**i, from mu mu' = eta (1 + mu)
    m = [Fraction(0), Fraction(1)]
    for i in range(2, count + 2):
        known = sum((m[j] * (i + 1 - j) * m[i + 1 - j] for j in range(2, i)), Fraction(0))
        m.append((m[i - 1] - known) / (i + 1))
    # eta / mu
    inverse = [Fraction(1)]
    for i in range(1, count):
        inverse.append(-sum((m[j + 1] * inverse[i - j] for j in range(1, i + 1)), Fraction(0)))
    stirlings = [Fraction(1)]
    for i in range(1, _ORDERS):
        odd = (j for j in range(1, i + 1, 2))
        parts = (bernoulli(j + 1) / (j + 1) * stirlings[i - j] for j in odd)
        stirlings.append(sum(parts, Fraction(0)) / i)
    series = [inverse[1:]]
    for k in range(1, _ORDERS):
        last = series[-1]
        slope = [(i + 1) * last[i + 1] for i in range(len(last) - 1)]
        g = (-1) ** k * stirlings[k]
        series.append([s + g * r for s, r in zip(slope, inverse, strict=False)][1:])
    return tuple(tuple(map(float, c[:_TERMS])) for c in series)


@double
def density(code: Code, a: Scalar, x: Scalar) -> Scalar:
    """``x**a exp(-x) / gamma(a + 1)`` for positive a and x."""
    half = p.exp(x * -0.5)
    direct = power_over_gamma(a, x) * half * half
    mu = (x - a) / a
    exponent = choose(abs(mu) < 0.4, log1pmx(mu), p.log(x / a) - mu)
    large = p.exp(a * exponent - stirling(a)) / p.sqrt(a * (2 * PI))
    # Where neither factor of `direct` leaves the range of numbers.
    within = (abs(a * (p.log(x / a) + 1.0)) < 690.0) & (x < 1400.0)
    faded = choose(x < 1400.0, direct, 0.0)
    return choose(within, direct, choose(a < 10.0, faded, large))


def _gamma(code: Code, a: Scalar, x: Scalar, *, upper: bool) -> Scalar:
    """Return Q (upper) or P."""
    result = code.variable("result", a + x)
    # What is computed, and whether that is Q.
    part, is_upper = code.variable("part", x), code.variable("upper", x < 0.0)
    mu = code.let("mu", (x - a) / a)
    valid = code.let("valid", (a > 0.0) & (x > 0.0) & (a < INF) & (x < INF))
    near = code.let("near", valid & (a > _LARGE) & (abs(mu) < 0.3))
    tiny = code.let("tiny", valid & (a < 1.0) & (x < 1.0)) if upper else None
    below = valid & ~near & (x < p.maximum(a + 1.0, x.like(1.0)))
    below = code.let("below", below if tiny is None else below & ~tiny)
    above = valid & ~near & ~(x < p.maximum(a + 1.0, x.like(1.0)))
    with code.when(near):
        _temme(code, a, mu, part, is_upper)
    with code.when(below):
        term, total = code.variable("term", x.like(1.0)), code.variable("sum", x.like(1.0))
        n = code.variable("n", a)
        with code.repeat(term > total * EPSILON):
            code.set(n, n + 1.0)
            code.set(term, term * (x / n))
            code.set(total, total + term)
        code.set(part, density(a, x) * total)
        code.set(is_upper, x < 0.0)
    with code.when(above):
        code.set(part, density(a, x) * (a * _fraction(code, a, x)[0]))
        code.set(is_upper, x > 0.0)
    if tiny is not None:
        with code.when(tiny):
            code.set(part, _tiny(code, a, x))
            code.set(is_upper, x > 0.0)
    with code.when(valid):
        code.set(part, at_most(part, 1.0))
        code.set(result, select(is_upper, part, 1.0 - part) if upper else part)
        if not upper:
            code.set(result, select(is_upper, 1.0 - part, part))
    # At the ends: P is 0 at x = 0, and 1 at infinity and for a = 0.
    none, whole = (1.0, 0.0) if upper else (0.0, 1.0)
    with code.when((x.equals(0.0) & (a > 0.0)) | (a.equals(INF) & (x >= 0.0) & (x < INF))):
        code.set(result, none)
    with code.when((a.equals(0.0) & (x > 0.0)) | (x.equals(INF) & (a >= 0.0) & (a < INF))):
        code.set(result, whole)
    undefined = (a < 0.0) | (x < 0.0) | (a.equals(0.0) & x.equals(0.0))
    with code.when(undefined | (a.equals(INF) & x.equals(INF))):
        code.set(result, NAN)
    return result


def _temme(code: Code, a: Scalar, mu: Scalar, part: Scalar, is_upper: Scalar) -> None:
    """Set Q if x is above a, else P."""
    exponent = code.let("exponent", -log1pmx(mu))
    eta = code.let("eta", copysign(p.sqrt(exponent * 2.0), mu))
    value: Scalar = a.like(0.0)
    for coefficients in reversed(temme()):
        value = value / a + horner(eta, coefficients)
    rest = select(mu < 0.0, -value, value) / p.sqrt(a * (2 * PI))
    scaled = erfcx(p.sqrt(a * exponent)) * 0.5 + rest
    code.set(part, p.exp(-(a * exponent)) * scaled)
    code.set(is_upper, mu >= 0.0)


def _fraction(code: Code, a: Scalar, x: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``Q gamma(a) / (x**a exp(-x))`` and the derivative of its logarithm by a.

    The continued fraction by Lentz's method, each step with its derivative.
    """
    zero = x.like(0.0)
    b = code.variable("b", x - a + 1.0)
    c, dc = code.variable("c", x.like(1 / _TINY)), code.variable("dc", zero)
    d, dd = code.variable("d", 1.0 / b), code.variable("dd", 1.0 / (b * b))
    value = code.variable("value", d)
    slope = code.variable("slope", dd / d)
    change, turn = code.variable("change", zero), code.variable("turn", x.like(1.0))
    k = code.variable("k", zero)
    with code.repeat(((abs(change - 1.0) > EPSILON) | (abs(turn) > EPSILON)) & (k < 1e5)):
        code.set(k, k + 1.0)
        top = code.let("top", k * (a - k))
        code.set(b, b + 2.0)
        # d = 1 / (b + top d) and c = b + top / c; b falls by a, top grows by k a.
        code.set(dd, k * d + top * dd - 1.0)
        code.set(d, 1.0 / (b + top * d))
        code.set(dd, -dd * d * d)
        code.set(dc, (k - top * dc / c) / c - 1.0)
        code.set(c, b + top / c)
        code.set(change, c * d)
        code.set(turn, dc / c + dd / d)
        code.set(value, value * change)
        code.set(slope, slope + turn)
    return value, slope


def _tiny(code: Code, a: Scalar, x: Scalar) -> Scalar:
    """Return Q for a and x below 1: nothing of it cancels.

    ``P = u (1 + a sum((-x)**k / (k! (a + k))))`` with ``u = x**a / gamma(1 + a)``.
    """
    # log(gamma(1 + a))
    z = select(a < 0.5, a, a - 1.0)
    low = a * evaluate(a, LOG_GAMMA) - p.log1p(a)
    high = z * evaluate(z, LOG_GAMMA)
    exponent = a * p.log(x) - choose(a < 0.5, low, high + 0.0)
    k, term = code.variable("k", x.like(0.0)), code.variable("term", x.like(1.0))
    total = code.variable("sum", x.like(0.0))
    with code.repeat((abs(term) > abs(total) * EPSILON) & (k < 30.0)):
        code.set(k, k + 1.0)
        code.set(term, term * (-x / k))
        code.set(total, total + term / (a + k))
    gone = apply(Prim.EXPM1, exponent)
    return -gone - (gone + 1.0) * a * total


@double
def gammainc(code: Code, a: Scalar, x: Scalar) -> Scalar:
    """The regularised lower incomplete gamma function P."""
    return _gamma(code, a, x, upper=False)


@double
def gammaincc(code: Code, a: Scalar, x: Scalar) -> Scalar:
    """The regularised upper incomplete gamma function Q."""
    return _gamma(code, a, x, upper=True)


@double
def gammainc_slope(code: Code, a: Scalar, x: Scalar) -> Scalar:
    """The derivative of P by a."""
    result = code.variable("result", x.like(NAN))
    valid = (a > 0.0) & (x > 0.0) & (a < INF) & (x < INF)
    below = code.let("below", valid & (x < a + 1.0))
    above = code.let("above", valid & (x >= a + 1.0))
    with code.when(below):
        # P is a sum of density(a + k, x); that of density(a) has the logarithm's slope
        # log(x) - digamma(a + 1).
        slope = code.variable("slope", p.log(x) - digamma(a + 1.0))
        term, n = code.variable("term", x.like(1.0)), code.variable("n", a)
        total, size = code.variable("sum", slope), code.variable("size", abs(slope))
        with code.repeat(term * p.maximum(abs(slope), x.like(1.0)) > size * EPSILON):
            code.set(n, n + 1.0)
            code.set(term, term * (x / n))
            code.set(slope, slope - 1.0 / n)
            code.set(total, total + term * slope)
            code.set(size, size + term * abs(slope))
        code.set(result, density(a, x) * total)
    with code.when(above):
        value, slope = _fraction(code, a, x)
        slope = slope + (p.log(x) - digamma(a))
        code.set(result, -(density(a, x) * (a * value) * slope))
    # Far from the other, none of the two matters.
    far = (x.equals(0.0) & (a > 0.0)) | (x.equals(INF) & (a > 0.0) & (a < INF))
    with code.when(far | (a.equals(INF) & (x >= 0.0) & (x < INF))):
        code.set(result, 0.0)
    return result


@double
def betainc(code: Code, a: Scalar, b: Scalar, x: Scalar) -> Scalar:
    """The regularised incomplete beta function, by its continued fraction."""
    # For x beyond the mean, that of the other end.
    turned = code.let("turned", x * (a + b + 2.0) > a + 1.0)
    y = code.let("y", 1.0 - x)
    q, r = code.let("q", select(turned, b, a)), code.let("r", select(turned, a, b))
    at, rest = code.let("at", select(turned, y, x)), code.let("rest", select(turned, x, y))
    one = x.like(1.0)
    c, d = code.variable("c", one), code.variable("d", 1.0 / (1.0 - (q + r) * at / (q + 1.0)))
    value, change = code.variable("value", d), code.variable("change", one.like(0.0))
    k = code.variable("k", one.like(0.0))
    valid = (a > 0.0) & (b > 0.0) & (x >= 0.0) & (x <= 1.0) & (a < INF) & (b < INF)
    with code.repeat(valid & (abs(change - 1.0) > EPSILON) & (k < 1e5)):
        code.set(k, k + 1.0)
        even = k * (r - k) * at / ((q + 2.0 * k - 1.0) * (q + 2.0 * k))
        odd = -(q + k) * (q + r + k) * at / ((q + 2.0 * k) * (q + 2.0 * k + 1.0))
        for top in (even, odd):
            held = code.let("top", top)
            code.set(d, 1.0 / (1.0 + held * d))
            code.set(c, 1.0 + held / c)
            code.set(change, c * d)
            code.set(value, value * change)
    # What 1 - x lost: the part of it that is not in `at` or `rest`.
    lost = code.let("lost", (1.0 - y) - x)
    shift = select(turned, lost * q / at, lost * r / rest)
    direct = p.power(at, q) * p.power(rest, r) * (1.0 + shift) / beta(q, r)
    large = p.exp(q * p.log(at) + r * choose(turned, p.log(rest), p.log1p(-at)) - betaln(q, r))
    front = choose((q < 80.0) & (r < 80.0), direct, large) / q
    part = code.let("part", at_most(front * value, 1.0))
    part = choose(at > 0.0, part, 0.0)
    # Of a parameter that is 0, all is at one end.
    end = select(x.equals(0.0), 0.0, select(x.equals(1.0) | a.equals(0.0), x.like(1.0), 0.0))
    known = (a >= 0.0) & (b >= 0.0) & (a + b > 0.0) & (a + b < INF) & (x >= 0.0) & (x <= 1.0)
    return choose(valid, select(turned, 1.0 - part, part), select(known, end, NAN))

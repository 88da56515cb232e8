"""The gamma function, its logarithm and derivatives, the Hurwitz zeta and the beta function.

Between 1.5 and 2.5 a polynomial stands for the function, below and in between recurrences lead
there, from 8 (10) on there are Stirling's series and its derivatives, and negative arguments are
reflected: ``gamma(-y) = -pi / (y sin(pi y) gamma(y))``.

Negative arguments near a zero of ``lgamma`` or ``digamma`` have a small absolute error only.
"""

from __future__ import annotations

from math import factorial, log, sqrt
from typing import TYPE_CHECKING

from agnesi.loops.math.bits import at_most
from agnesi.loops.math.polynomial import horner
from agnesi.loops.nodes import select
from agnesi.loops.procedures import choose, double
from agnesi.loops.special import primitives as p
from agnesi.loops.special.pieces import evaluate
from agnesi.loops.special.primitives import INF, NAN, PI, bernoulli
from agnesi.loops.special.tables import DIGAMMA, DIGAMMA_ZERO, GAMMA, LOG_GAMMA

if TYPE_CHECKING:
    from agnesi.loops.nodes import Scalar
    from agnesi.loops.procedures import Code

_HALF_LOG_2PI = log(2 * PI) / 2


def stirling(x: Scalar) -> Scalar:
    """Return what Stirling's series adds to ``(x-1/2) log x - x + log(2 pi)/2``, from 8 on."""
    terms = [bernoulli(2 * k) / (2 * k * (2 * k - 1)) for k in range(1, 11)]
    return horner(1.0 / (x * x), tuple(map(float, terms))) / x


def _descend(code: Code, y: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``y - n`` between 1.5 and 2.5, and ``(y-1)(y-2)...(y-n)``."""
    at = code.variable("at", y)
    product = code.variable("product", y.like(1.0))
    with code.repeat(at > 2.5):
        code.set(at, at - 1.0)
        code.set(product, product * at)
    return at, product


@double
def gamma(code: Code, x: Scalar) -> Scalar:
    """The gamma function."""
    # gamma(|x|) is first * second, for one number would overflow where 1 / gamma(|x|) does not.
    size = code.let("size", at_most(abs(x), 200.0))
    result = code.variable("result", x)
    first, second = code.variable("first", x), code.variable("second", x.like(1.0))
    with code.when(size < 0.5):
        code.set(result, evaluate(x, GAMMA) / (x * (x + 1.0)))
    with code.when((size >= 0.5) & (size < 1.5)):
        code.set(first, evaluate(size - 1.0, GAMMA) / size)
    with code.when((size >= 1.5) & (size < 8.0)):
        at, product = _descend(code, size)
        code.set(first, evaluate(at - 2.0, GAMMA) * product)
    with code.when(size >= 8.0):
        root = code.let("root", p.power(size, size * 0.5 - 0.25))
        scale = p.exp(-size) * (sqrt(2 * PI) * p.exp(stirling(size)))
        code.set(first, root * scale)
        code.set(second, root)
    with code.when(x >= 0.5):
        code.set(result, first * second)
    with code.when(x <= -0.5):
        reflected = -PI / (size * p.sin_pi(size)) / first / second
        code.set(result, choose(p.is_whole(x), NAN, reflected))
    return result


@double
def lgamma(code: Code, x: Scalar) -> Scalar:
    """The logarithm of the absolute value of the gamma function."""
    size = code.let("size", abs(x))
    result = code.variable("result", x)
    with code.when(size < 0.5):
        code.set(result, x * evaluate(x, LOG_GAMMA) - p.log1p(x) - p.log(size))
    with code.when((size >= 0.5) & (size < 1.5)):
        z = size - 1.0
        code.set(result, z * evaluate(z, LOG_GAMMA) - p.log1p(z))
    with code.when((size >= 1.5) & (size < 8.0)):
        at, product = _descend(code, size)
        z = at - 2.0
        code.set(result, z * evaluate(z, LOG_GAMMA) + p.log(product))
    with code.when(size >= 8.0):
        main = (size - 0.5) * (p.log(size) - 1.0) + (_HALF_LOG_2PI - 0.5)
        code.set(result, main + stirling(size))
    with code.when(x <= -0.5):
        reflected = p.log(PI / abs(size * p.sin_pi(size))) - result
        code.set(result, choose(p.is_whole(x), INF, reflected))
    return result


@double
def digamma(code: Code, x: Scalar) -> Scalar:
    """The derivative of ``lgamma``."""
    # For a negative x, that of 1 - x.
    y = code.let("y", select(x < 0.0, 1.0 - x, x))
    result = code.variable("result", x)
    with code.when(y < 10.0):
        at, total = code.variable("at", y), code.variable("total", x.like(0.0))
        with code.repeat(at > 2.0):
            code.set(at, at - 1.0)
            code.set(total, total + 1.0 / at)
        with code.when(at < 1.0):
            code.set(total, -1.0 / at)
            code.set(at, at + 1.0)
        high, low = DIGAMMA_ZERO
        code.set(result, (at - high - low) * evaluate(at, DIGAMMA) + total)
    with code.when(y >= 10.0):
        w = 1.0 / (y * y)
        terms = tuple(float(bernoulli(2 * k) / (2 * k)) for k in range(1, 10))
        code.set(result, p.log(y) - 0.5 / y - w * horner(w, terms))
    with code.when(x < 0.0):
        nearest = p.rint(x)
        angle = (x - nearest) * PI
        reflected = result - PI * (p.cos(angle) / p.sin(angle))
        code.set(result, choose(p.is_whole(x), NAN, reflected))
    return result


@double
def trigamma(code: Code, x: Scalar) -> Scalar:
    """The second derivative of ``lgamma``."""
    y = code.let("y", select(x < 0.0, 1.0 - x, x))
    at, total = code.variable("at", y), code.variable("total", x.like(0.0))
    with code.repeat(at < 10.0):
        code.set(total, total + 1.0 / (at * at))
        code.set(at, at + 1.0)
    w = code.let("w", 1.0 / at)
    terms = tuple(float(bernoulli(2 * k)) for k in range(1, 11))
    tail = w + w * w * (0.5 + w * horner(w * w, terms))
    positive = code.let("positive", total + tail)
    sine = p.sin_pi(x)
    reflected = (PI / sine) * (PI / sine) - positive
    return choose(x < 0.0, choose(p.is_whole(x), INF, reflected), positive)


@double
def hurwitz(code: Code, s: Scalar, q: Scalar) -> Scalar:
    """The zeta function of Hurwitz for s > 1 and q > 0, by Euler and Maclaurin's formula."""
    at, total = code.variable("at", q), code.variable("total", s.like(0.0))
    count = code.variable("count", s.like(0.0))
    with code.repeat(count < 10.0):
        code.set(total, total + p.power(at, -s))
        code.set(at, at + 1.0)
        code.set(count, count + 1.0)
    last = code.let("last", p.power(at, -s))
    code.set(total, total + p.power(at, 1.0 - s) / (s - 1.0) + last * 0.5)
    factor = code.variable("factor", last * s / at)
    for k in range(1, 13):
        code.set(total, total + factor * float(bernoulli(2 * k) / factorial(2 * k)))
        code.set(factor, factor * (s + (2.0 * k - 1.0)) / at * (s + 2.0 * k) / at)
    # Beyond the range of numbers a factor may be 0 * inf, where it counts for nothing.
    beyond = total.differs(total) & s.equals(s) & q.equals(q)
    return select(beyond, p.power(q, -s), total)


@double
def zeta(code: Code, s: Scalar, q: Scalar) -> Scalar:
    """The zeta function of Hurwitz for s > 1, the sum of ``(q + k)**-s``."""
    result = code.variable("result", s + q)
    with code.when(q > 0.0):
        code.set(result, hurwitz(s, q))
    with code.when(q <= 0.0):
        # In the sum over all k from minus to plus infinity only the fraction counts.
        r = q - p.rint(q)
        left = hurwitz(s, 1.0 - r) - hurwitz(s, 1.0 - q)
        whole = p.power(r, -s) + hurwitz(s, r + 1.0) + p.parity(s) * left
        code.set(result, choose(p.is_whole(s), whole, NAN))
        with code.when(p.is_whole(q)):
            code.set(result, INF)
    with code.when(s.equals(1.0)):
        code.set(result, INF)
    with code.when(s < 1.0):
        code.set(result, NAN)
    with code.when(q.equals(INF) & (s > 1.0)):
        code.set(result, 0.0)
    with code.when(s.equals(INF) & q.equals(q)):
        code.set(result, choose(q > 1.0, 0.0, choose(q.equals(1.0), s.like(1.0), INF)))
    return result


@double
def polygamma(code: Code, n: Scalar, x: Scalar) -> Scalar:
    """The derivative of order n of ``digamma``."""
    result = code.variable("result", n + x)
    with code.when(n.equals(0.0)):
        code.set(result, digamma(x))
    with code.when(n.equals(1.0)):
        code.set(result, trigamma(x))
    with code.when(n > 1.0):
        code.set(result, -p.parity(n) * gamma(n + 1.0) * zeta(n + 1.0, x))
    with code.when((n < 0.0) | ~p.is_whole(n)):
        code.set(result, NAN)
    return result


@double
def betaln(code: Code, a: Scalar, b: Scalar) -> Scalar:
    """The logarithm of the absolute value of the beta function."""
    low = code.let("low", select(a < b, a, b))
    high = code.let("high", select(a < b, b, a))
    both = code.let("both", a + b)
    result = code.variable("result", lgamma(low) + (lgamma(high) - lgamma(both)))
    # Where high is large, its logarithm and that of the sum have most in common.
    with code.when((high >= 10.0) & (both >= 10.0)):
        ratio = low / both
        change = stirling(high) - stirling(both)
        with code.when(low < 10.0):
            rest = low - low * p.log(both) + (high - 0.5) * p.log1p(-ratio)
            code.set(result, lgamma(low) + (change + rest))
        with code.when(low >= 10.0):
            rest = (low - 0.5) * p.log(ratio) + high * p.log1p(-ratio)
            ends = _HALF_LOG_2PI - 0.5 * p.log(high) + (stirling(low) + change)
            code.set(result, ends + rest)
    return select(low.equals(0.0) & (high >= 0.0), p.INF, result)


@double
def beta(code: Code, a: Scalar, b: Scalar) -> Scalar:
    """The beta function, ``gamma(a) gamma(b) / gamma(a + b)``."""
    both = code.let("both", a + b)
    near = (abs(a) < 80.0) & (abs(b) < 80.0)
    # What rounding the sum lost; the derivative of log(gamma(x)) is near to log(x).
    part = both - a
    lost = (a - (both - part)) + (b - part)
    change = 1.0 + lost * p.log(p.maximum(abs(both), a.like(1.0)))
    direct = gamma(a) / (gamma(both) * change) * gamma(b)
    at_pole = (select(a < b, a, b)).equals(0.0) & (both >= 0.0)
    sign = _sign(a) * _sign(b) * _sign(both)
    return choose(near & ~at_pole, direct, sign * p.exp(betaln(a, b)))


def _sign(x: Scalar) -> Scalar:
    """Return the sign of ``gamma(x)``."""
    return select(x < 0.0, p.parity(p.floor(x)), 1.0)

"""What belongs to erf: scaled, inverted, and as the normal distribution.

``ndtr(x) = erfcx(|x| / sqrt(2)) exp(-x**2 / 2) / 2`` for a negative x, where the square is taken in
two parts, so that the tail is as accurate as the middle.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from agnesi.loops.math.bits import at_most, copysign
from agnesi.loops.math.error_function import scaled_erfc
from agnesi.loops.math.exponential import exp_of_negative
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import select
from agnesi.loops.procedures import choose, double
from agnesi.loops.special import primitives as p
from agnesi.loops.special.pieces import evaluate
from agnesi.loops.special.primitives import INF, NAN, PI
from agnesi.loops.special.tables import ERFCINV, ERFINV

if TYPE_CHECKING:
    from agnesi.loops.nodes import Scalar
    from agnesi.loops.procedures import Code

# erfcx(x) sqrt(pi) x = 1 - 1/(2x^2) + 1*3/(2x^2)^2 - ..., from 27 on
_FAR = (1.0, -0.5, 0.75, -1.875, 6.5625, -29.53125, 162.421875)


@double
def erfcx(code: Code, x: Scalar) -> Scalar:
    """The scaled complementary error function, ``exp(x**2) erfc(x)``."""
    size = abs(x)
    far = horner(1.0 / (size * size), _FAR) * (1 / sqrt(PI)) / size
    positive = select(size < 27.0, scaled_erfc(at_most(size, 27.0)), far)
    near = at_most(size, 27.0)
    square = near * near
    grown = p.exp(square) * (2.0 + 2.0 * fma(near, near, -square))
    return select(x < 0.0, select(x < -27.0, x.like(INF), grown - positive), positive)


@double
def ndtr(code: Code, x: Scalar) -> Scalar:
    """The normal distribution function."""
    size = at_most(abs(x), 39.0)
    square = size * size
    fall = exp_of_negative(square * -0.5, fma(size, size, -square) * -0.5)
    tail = scaled_erfc(size * sqrt(0.5)) * fall * 0.5
    return select(x < 0.0, tail, 1.0 - tail)


@double
def log_ndtr(code: Code, x: Scalar) -> Scalar:
    """The logarithm of the normal distribution function."""
    left = p.log(erfcx(x * -sqrt(0.5)) * 0.5) - x * x * 0.5
    return choose(x < -1.0, left, p.log1p(-ndtr(-x)))


def _from_middle(x: Scalar) -> Scalar:
    """Return erfinv for ``|x| <= 3/4``."""
    return x * evaluate(-p.log1p(-(x * x)), ERFINV)


def _from_end(y: Scalar) -> Scalar:
    """Return erfcinv for ``0 <= y <= 1/4``."""
    s = p.sqrt(-p.log(y))
    return select(y.equals(0.0), y.like(INF), s * evaluate(s, ERFCINV))


@double
def erfinv(code: Code, x: Scalar) -> Scalar:
    """The inverse of the error function."""
    size = abs(x)
    far = copysign(choose(size <= 1.0, _from_end(1.0 - size), NAN), x)
    return choose(size <= 0.75, _from_middle(x), far)


@double
def erfcinv(code: Code, y: Scalar) -> Scalar:
    """The inverse of the complementary error function."""
    nearer = select(y > 1.0, 2.0 - y, y)
    far = choose(nearer >= 0.0, _from_end(nearer), NAN)
    return choose(nearer >= 0.25, _from_middle(1.0 - y), select(y > 1.0, -far, far))


@double
def ndtri(code: Code, y: Scalar) -> Scalar:
    """The inverse of the normal distribution function."""
    left = erfcinv(y * 2.0) * -sqrt(2.0)
    return choose(y < 0.5, left, erfcinv((1.0 - y) * 2.0) * sqrt(2.0))

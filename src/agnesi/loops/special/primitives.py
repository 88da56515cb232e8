"""Primitives under their names, and numbers that many functions use."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import comb, inf, nan, pi

from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim

INF, NAN, PI = inf, nan, pi
EPSILON = 2.0**-53


def exp(x: Scalar) -> Scalar:
    """Return e to a power."""
    return apply(Prim.EXP, x)


def log(x: Scalar) -> Scalar:
    """Return the natural logarithm."""
    return apply(Prim.LOG, x)


def log1p(x: Scalar) -> Scalar:
    """Return ``log(1 + x)``."""
    return apply(Prim.LOG1P, x)


def power(x: Scalar, y: Scalar) -> Scalar:
    """Return ``x**y``."""
    return apply(Prim.POW, x, y)


def sqrt(x: Scalar) -> Scalar:
    """Return the square root."""
    return apply(Prim.SQRT, x)


def sin(x: Scalar) -> Scalar:
    """Return the sine."""
    return apply(Prim.SIN, x)


def cos(x: Scalar) -> Scalar:
    """Return the cosine."""
    return apply(Prim.COS, x)


def floor(x: Scalar) -> Scalar:
    """Round down."""
    return apply(Prim.FLOOR, x)


def rint(x: Scalar) -> Scalar:
    """Round to the nearest integer."""
    return apply(Prim.RINT, x)


def maximum(x: Scalar, y: Scalar) -> Scalar:
    """Return the larger."""
    return apply(Prim.MAX, x, y)


def is_whole(x: Scalar) -> Scalar:
    """Whether a number is an integer."""
    return x.equals(floor(x))


def parity(n: Scalar) -> Scalar:
    """Return ``(-1)**n`` of an integer in a float."""
    half = n * 0.5
    return select(half.equals(floor(half)), n.like(1.0), -1.0)


def sin_pi(x: Scalar) -> Scalar:
    """Return ``sin(pi x)``, exactly 0 at integers."""
    nearest = rint(x)
    return parity(nearest) * sin((x - nearest) * PI)


def cos_pi(x: Scalar) -> Scalar:
    """Return ``cos(pi x)``."""
    nearest = rint(x)
    return parity(nearest) * cos((x - nearest) * PI)


@cache
def bernoulli(n: int) -> Fraction:
    """Return a Bernoulli number."""
    if n == 0:
        return Fraction(1)
    return -sum((comb(n + 1, k) * bernoulli(k) for k in range(n)), Fraction(0)) / (n + 1)

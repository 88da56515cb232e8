"""fmod: what remains of x after taking away y as often as it goes, with the sign of x.

A multiple of ``2**k * y`` that is nearest to what is left is taken away, from large to small ``k``.
An estimate of the multiple of at most 51 bits has an error of less than one, so that the fused step
that takes it away is exact.  f32 does so in f64, where six steps cover every pair of finite
numbers.  In f64 one step does for quotients below ``2**50``; others are left to a loop.
"""

from __future__ import annotations

from math import inf, nan

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.bits import at_most, copysign, exponent_of, rint, scaled
from agnesi.loops.math.polynomial import fma
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.loops.procedures import Code, choose, double

_STEP = 50


def fmod(x: Scalar, y: Scalar) -> Scalar:
    """Return the remainder with the sign of x."""
    if x.dtype is F32:
        value = _reduce(abs(x).cast(F64), at_most(abs(y).cast(F64), 2.0**200), 6).cast(F32)
        return copysign(value, x)
    rest, size = abs(x), abs(y)
    times = rest / size
    far = (times >= 2.0**_STEP) & (rest < inf) & (size > 0.0)
    return copysign(choose(far, long_division(rest, size), short_division(rest, size, times)), x)


def short_division(rest: Scalar, size: Scalar, times: Scalar) -> Scalar:
    """Return ``rest`` modulo ``size``, given their quotient, below ``2**53``.

    Both are positive.  NaN comes out where the quotient is infinite or none.
    """
    return select(rest < size, rest, _without(rest, size, apply(Prim.TRUNC, times)))


def _without(rest: Scalar, unit: Scalar, count: Scalar) -> Scalar:
    """Return ``rest - count*unit``, where the count may be one too many."""
    left = fma(-count, unit, rest)
    return select(left < 0.0, left + unit, left)


@double
def long_division(code: Code, rest: Scalar, size: Scalar) -> Scalar:
    """What is left of ``rest``, however often ``size`` goes into it; both are positive."""
    with code.repeat(rest >= size):
        more = exponent_of(rest) - exponent_of(size) - _STEP
        unit = code.let("unit", scaled(size, apply(Prim.MAX, more, more.like(0))))
        code.set(rest, _without(rest, unit, apply(Prim.TRUNC, rest / unit)))
    return rest


def _reduce(rest: Scalar, size: Scalar, steps: int) -> Scalar:
    """Return ``rest`` modulo ``size``, both positive and f64, or NaN for too large a ratio."""
    inverse = 1.0 / size
    known = rest * inverse < 2.0 ** (_STEP * steps)
    for step in reversed(range(steps)):
        scale = 2.0 ** (_STEP * step)
        count = rint(rest * (inverse * (1.0 / scale)))
        rest = fma(-count, size * scale, rest)
    return select(known, select(rest < 0.0, rest + size, rest), nan)

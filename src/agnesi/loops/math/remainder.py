"""fmod: what remains of x after taking away y as often as it goes, with the sign of x.

From large to small ``i``, the multiple of ``2**(50 i) y`` nearest to what is left is taken away.
The estimate of the multiple has at most 51 bits, so that its error is less than one and the fused
step that takes it away is exact.  f32 does so in f64 and covers every pair of finite numbers in
six steps.  f64 has five steps: exact while ``|x / y| < 2**250``; beyond, the result is NaN.
"""

from __future__ import annotations

from math import nan

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.bits import at_most, copysign, rint
from agnesi.loops.math.polynomial import fma
from agnesi.loops.nodes import Scalar, select

_STEP = 50


def fmod(x: Scalar, y: Scalar) -> Scalar:
    """Return the remainder with the sign of x."""
    if x.dtype is F32:
        value = _reduce(abs(x).cast(F64), at_most(abs(y).cast(F64), 2.0**200), 6).cast(F32)
        return copysign(value, x)
    rest, size = abs(x), abs(y)
    # Away from the ends of the range, where reciprocals and multiples would overflow.
    tiny, huge = size < 2.0**-400, size > 2.0**400
    scale = select(tiny, 2.0**600, select(huge, x.like(2.0**-500), 1.0))
    back = select(tiny, 2.0**-600, select(huge, x.like(2.0**500), 1.0))
    value = _reduce(rest * scale, at_most(size * scale, 2.0**700), 5)
    return copysign(select(rest < size, rest, value * back), x)


def _reduce(rest: Scalar, size: Scalar, steps: int) -> Scalar:
    """Return ``rest`` modulo ``size``, both positive and f64, or NaN for too large a ratio."""
    inverse = 1.0 / size
    known = rest * inverse < 2.0 ** (_STEP * steps)
    for step in reversed(range(steps)):
        scale = 2.0 ** (_STEP * step)
        count = rint(rest * (inverse * (1.0 / scale)))
        rest = fma(-count, size * scale, rest)
    return select(known, select(rest < 0.0, rest + size, rest), nan)

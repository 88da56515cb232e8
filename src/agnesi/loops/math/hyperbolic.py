"""tanh, sinh, cosh and their inverses.

``tanh`` is ``h / (h + 1)`` with ``h = (exp(2 |x|) - 1) / 2``, of which a polynomial (errors 2^-26.0
and 2^-55.4) gives small values to full precision.  It is computed as ``b - b b / (h + 1)`` with
``b = min(h, 1)``, where the rounding errors of sum and quotient fade for small and large ``h``.
The reduction begins later than at half a step, for what is added to the polynomial is cancelled
there in part.

``sinh`` and ``cosh`` use the addition theorems: with ``|x| = n ln 2 + t`` and ``|t| <= ln(2) / 2``,
``sinh(x) = cosh(t) sinh(n ln 2) + sinh(t) cosh(n ln 2)``, where ``2**n`` gives the functions of
``n ln 2`` and two short polynomials those of ``t`` (errors 2^-34.3, 2^-33.3 in f32 and 2^-61.7,
2^-58.0 in f64).  Nothing of a small ``x`` is lost.

The inverses are ``log1p`` of the textbook's argument less 1; where its square would overflow,
``log(2 x)``.
"""

from __future__ import annotations

from math import nan

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.bits import at_most, copysign, layout, multiples, power_of_two, sqrt
from agnesi.loops.math.exponential import LN2, LOG2_E
from agnesi.loops.math.logarithm import log_of_one_plus
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# (exp(2 t) - 1) / 2 = t + t**2 * P(t) for t from -ln(2) / 8 to 3/8 ln(2)
_HALF_EXPM1 = {
    F32: (
        1.0000001192092896,
        0.6666730642318726,
        0.3332882225513458,
        0.13257628679275513,
        0.05114614591002464,
    ),
    F64: (
        1.0000000000000009,
        0.666666666666643,
        0.33333333333251774,
        0.13333333334941713,
        0.04444444457381925,
        0.012698409310002953,
        0.0031746098876129967,
        0.0007056606857888479,
        0.00013956468323188297,
        3.0041172536885006e-05,
    ),
}
# How much later than at half of ln(2) / 2 the reduction begins.
_LATER = 0.0866
_TANH_IS_ONE = {F32: 10.0, F64: 20.0}

# sinh(t) = t + t**3 * P(t**2) for |t| <= ln(2) / 2
_SINH = {
    F32: (
        0.1666666716337204,
        0.00833317544311285,
        0.0001997408107854426,
    ),
    F64: (
        0.16666666666666677,
        0.008333333333321376,
        0.00019841269886867698,
        2.755724337507842e-06,
        2.510935586341027e-08,
    ),
}
# cosh(t) = 1 + t**2 * P(t**2) for |t| <= ln(2) / 2
_COSH = {
    F32: (
        0.5,
        0.041666459292173386,
        0.0013935453025624156,
    ),
    F64: (
        0.5000000000000012,
        0.04166666666651926,
        0.0013888888946106996,
        2.480149080843897e-05,
        2.7630992263525216e-07,
    ),
}
_OVERFLOWS = {F32: 89.5, F64: 710.6}
# 2**-n makes no difference to 2**n beyond this n.
_ONE_SIDED = 40
_NEGLIGIBLE = {F32: 2.0**-13, F64: 2.0**-28}
# Beyond this, x * x + 1 is x * x.
_LARGE = {F32: 2.0**30, F64: 2.0**60}


def tanh(x: Scalar) -> Scalar:
    """Return the hyperbolic tangent."""
    size = at_most(abs(x), _TANH_IS_ONE[x.dtype])
    n, bits = multiples(size - _LATER, 2 * LOG2_E)
    t = fma(n, -0.5 * LN2[x.dtype][0], size)
    tail = fma(t * t, horner(t, _HALF_EXPM1[x.dtype]), t)
    h = fma(tail, power_of_two(bits, x.dtype), power_of_two(bits, x.dtype, -1) - 0.5)
    base = at_most(h, 1.0)
    return copysign(fma(-base, base / (h + 1.0), base), x)


def sinh(x: Scalar) -> Scalar:
    """Return the hyperbolic sine."""
    size = abs(x)
    t, sinh_n, cosh_n = _reduce(size)
    square = t * t
    odd = fma(t * square, horner(square, _SINH[x.dtype]), t)
    even = square * horner(square, _COSH[x.dtype])
    half = sinh_n + fma(odd, cosh_n, even * sinh_n)
    value = select(size < _NEGLIGIBLE[x.dtype], size, half + half)
    return copysign(value, x)


def cosh(x: Scalar) -> Scalar:
    """Return the hyperbolic cosine."""
    t, sinh_n, cosh_n = _reduce(abs(x))
    square = t * t
    odd = fma(t * square, horner(square, _SINH[x.dtype]), t)
    even = fma(square, horner(square, _COSH[x.dtype]), 1.0)
    half = fma(even, cosh_n, odd * sinh_n)
    return half + half


def _reduce(size: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Return ``size - n ln 2`` and halves of sinh and cosh of ``n ln 2``."""
    size = at_most(size, _OVERFLOWS[size.dtype])
    high, low = LN2[size.dtype]
    n, bits = multiples(size, LOG2_E)
    t = fma(n, -low, fma(n, -high, size))
    fewer = at_most(bits, layout(size).magic_bits + _ONE_SIDED)
    growing = power_of_two(bits, size.dtype, -2)
    fading = power_of_two(-fewer, size.dtype, -2)
    return t, growing - fading, growing + fading


def asinh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic sine."""
    size = abs(x)
    square = size * size
    value = _log1p_or_large(size, size + square / (sqrt(square + 1.0) + 1.0))
    return copysign(value, x)


def acosh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic cosine."""
    above = x - 1.0
    value = _log1p_or_large(x, above + sqrt(above * (above + 2.0)))
    return select(x < 1.0, nan, value)


def _log1p_or_large(x: Scalar, argument: Scalar) -> Scalar:
    """Return ``log(1 + argument)``, or ``log(2 x)`` where x is large."""
    large = x > _LARGE[x.dtype]
    return log_of_one_plus(select(large, x, argument), select(large, x.like(1.0), 0.0))


def atanh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic tangent."""
    size = abs(x)
    argument = (size + size) / (1.0 - size)
    value = log_of_one_plus(argument, closely=x.dtype is F64) * 0.5
    return copysign(value, x)

"""tanh, sinh, cosh and their inverses.

``tanh`` is an odd polynomial below 5/8 (errors 2^-27.7 and 2^-56.4) and
``1 - 2 / (exp(2 |x|) + 1)`` above.

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
from agnesi.loops.math.exponential import LN2, LOG2_E, exp2_fraction
from agnesi.loops.math.logarithm import log1p, log_of_one_plus
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# tanh(t) = t + t**3 * P(t**2) for |t| <= 5/8
_TANH = {
    F32: (
        -0.3333328068256378,
        0.13331405818462372,
        -0.05373651534318924,
        0.020628169178962708,
        -0.005692301318049431,
    ),
    F64: (
        -0.33333333333332854,
        0.1333333333326193,
        -0.05396825393119149,
        0.021869487574330455,
        -0.008863220979269807,
        0.0035919889833645534,
        -0.001454957890066065,
        0.0005863132726823735,
        -0.00022855754107113798,
        7.713671243268731e-05,
        -1.6068793504052822e-05,
    ),
}
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
    size = abs(x)
    square = size * size
    near = size * fma(square, horner(square, _TANH[x.dtype]), 1.0)
    bounded = at_most(size, _TANH_IS_ONE[x.dtype])
    n, bits = multiples(bounded, 2 * LOG2_E)
    t = fma(bounded, 2 * LOG2_E, -n)
    far = 1.0 - 2.0 / fma(exp2_fraction(t), power_of_two(bits, x.dtype), 1.0)
    return copysign(select(size < 0.625, near, far), x)


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
    value = log1p((size + size) / (1.0 - size)) * 0.5
    return copysign(value, x)

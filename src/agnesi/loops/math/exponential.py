"""exp, exp2 and expm1.

``exp``: with ``n`` the integer nearest to ``x / ln 2`` and ``t = x - n ln 2``, which two fused
steps give to full precision, ``exp(x) = exp(t) * 2**n``.  The polynomial for ``exp(t) - 1 - t``
starts at ``t**2``.  As ``2**n`` may overflow or be subnormal where the result is neither, it is two
factors.  f64 splits ``n`` into halves (error 2^-57.9 of ``exp(t)`` on ``|t| <= ln(2) / 2``); f32
reduces by twice ln 2, so that both factors are the same (error 2^-26.0 on ``|t| <= ln 2``): one
term more takes less time than the splitting.

``exp_of_negative`` cannot overflow and reduces by ln 2 (errors 2^-28.3 and 2^-57.9),
for rounding errors are smaller there.  ``exp2`` reduces to ``|t| <= 1/2``, so that integers are
exact (errors 2^-28.3 and 2^-57.8).

``expm1``: with ``exp(t) - 1 = t + t**2 Q(t)`` on ``|t| <= ln(2)/2`` (errors 2^-26.1 and 2^-61.6),
``expm1(x) = 2**n * (exp(t) - 1) + (2**n - 1)``, where the last bracket is exact as long as it
matters.
"""

from __future__ import annotations

from agnesi.core.dtypes import F32, F64
from agnesi.core.record import record
from agnesi.loops.math.bits import (
    at_least,
    between,
    multiples,
    power_of_two,
    times_power_of_two,
)
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

LOG2_E = 1.4426950408889634
# Keeps exponents of results that cannot overflow away from those of subnormal numbers.
_SHIFT = 64
# ln 2 in two parts, the second the rest; by dtype.
LN2 = {
    F32: (0.693147182464599609375, -1.9046542121259336e-09),
    F64: (0.6931471805599453, 2.3190468138462996e-17),
}


@record(frozen=True)
class _Limits:
    """Arguments beyond which results no longer change."""

    exp: tuple[float, float]
    exp2: tuple[float, float]
    expm1: tuple[float, float]
    negligible: float  # expm1(x) = x below


_LIMITS = {
    F32: _Limits((-105.0, 89.0), (-151.0, 129.0), (-18.0, 89.0), 2.0**-25),
    F64: _Limits((-746.0, 710.0), (-1076.0, 1025.0), (-38.0, 710.0), 2.0**-54),
}

# exp(t) = 1 + t + t**2 * P(t) for |t| <= ln 2, in f32
_EXP_WIDE = (
    0.5000003576278687,
    0.166666179895401,
    0.041661228984594345,
    0.008335931226611137,
    0.0014104772126302123,
    0.00019630638416856527,
)

# exp(t) = 1 + t + t**2 * P(t) for |t| <= ln(2) / 2, by the error of exp(t)
_EXP_NARROW = {
    F32: (
        0.4999999403953552,
        0.1666652113199234,
        0.041668254882097244,
        0.008368662558495998,
        0.0013821468455716968,
    ),
    F64: (
        0.5000000000000011,
        0.16666666666666463,
        0.04166666666652867,
        0.008333333333471426,
        0.0013888888943749801,
        0.00019841269544401447,
        2.480149311101527e-05,
        2.755755961557588e-06,
        2.763021819096479e-07,
        2.5006984233309407e-08,
    ),
}

# exp(t) = 1 + t + t**2 * P(t) for |t| <= ln(2) / 2, by the error of exp(t) - 1
_EXPM1 = {
    F32: (
        0.4999999701976776,
        0.1666654646396637,
        0.04166744276881218,
        0.008366257883608341,
        0.0013869800604879856,
    ),
    F64: (
        0.5,
        0.16666666666666677,
        0.041666666666666685,
        0.008333333333321728,
        0.001388888888888846,
        0.00019841269885490447,
        2.4801587293970707e-05,
        2.7557245061417026e-06,
        2.7557315367393046e-07,
        2.5108698292728988e-08,
        2.0898334348929584e-09,
    ),
}

# 2**t = 1 + t * P(t) for |t| <= 1/2
_EXP2 = {
    F32: (
        0.6931471824645996,
        0.24022647738456726,
        0.05550359934568405,
        0.009618505835533142,
        0.0013390806270763278,
        0.00015326474385801703,
    ),
    F64: (
        0.6931471805599453,
        0.24022650695910108,
        0.05550410866482173,
        0.009618129107601606,
        0.001333355814654478,
        0.00015403530449033487,
        1.525273363525691e-05,
        1.3215438837568053e-06,
        1.0178159576482611e-07,
        7.073232725195905e-09,
        4.4389259260219286e-10,
    ),
}


def exp(x: Scalar) -> Scalar:
    """Return e to the power x."""
    x = between(x, *_LIMITS[x.dtype].exp)
    if x.dtype is F64:
        t, bits = reduce(x)
        half = bits >> 1
        scale, other = power_of_two(half, F64), power_of_two(bits - half, F64)
        polynomial = _EXP_NARROW[F64]
    else:
        high, low = LN2[F32]
        m, bits = multiples(x, LOG2_E / 2)
        t = fma(m, -2 * low, fma(m, -2 * high, x))
        scale = other = power_of_two(bits, F32)
        polynomial = _EXP_WIDE
    return fma(fma(t * t, horner(t, polynomial), t), scale, scale) * other


def exp_of_negative(x: Scalar, rest: Scalar | None = None) -> Scalar:
    """Return e to the power ``x + rest`` for an ``x`` that is not positive.

    ``rest`` is no larger than the spacing of numbers at ``x``.
    """
    t, bits = reduce(at_least(x, _LIMITS[x.dtype].exp[0]))
    if rest is not None:
        t = t + rest
    value = fma(t * t, horner(t, _EXP_NARROW[x.dtype]), t) + 1.0
    return value * power_of_two(bits, x.dtype, _SHIFT) * 2.0**-_SHIFT


def reduce(x: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``x - n ln 2`` and ``n``, the latter in the low bits of an integer."""
    high, low = LN2[x.dtype]
    n, bits = multiples(x, LOG2_E)
    return fma(n, -low, fma(n, -high, x)), bits


def exp2_fraction(t: Scalar) -> Scalar:
    """Return 2 to the power t for ``|t| <= 1/2``."""
    return fma(t, horner(t, _EXP2[t.dtype]), 1.0)


def exp2(x: Scalar) -> Scalar:
    """Return 2 to the power x."""
    x = between(x, *_LIMITS[x.dtype].exp2)
    n, bits = multiples(x, 1.0)
    t = x - n
    return times_power_of_two(exp2_fraction(t), bits)


def expm1(x: Scalar) -> Scalar:
    """Return ``exp(x) - 1``, accurate for small x."""
    limits = _LIMITS[x.dtype]
    t, bits = reduce(between(x, *limits.expm1))
    # Half of the result first, for 2**n may overflow where the result does not.
    half = power_of_two(bits, x.dtype, -1)
    tail = t * t * horner(t, _EXPM1[x.dtype])
    value = fma(tail, half, fma(t, half, half - 0.5))
    return select(abs(x) < limits.negligible, x, value + value)

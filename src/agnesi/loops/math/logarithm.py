"""log, log2, log10 and log1p.

A positive ``x`` is ``2**k * (1 + r)`` with ``1 + r`` between the square roots of 1/2 and 2; both
come from the bits of ``x`` by integer operations, and ``r`` is exact.  With ``s = r / (2 + r)``,
``log(1 + r) = 2 atanh(s) = r - s (r - s**2 P(s**2))`` (errors 2^-30.2 of the result in f32 and
2^-59.5 in f64): a division takes less time than the longer polynomial in ``r`` would.  For other
bases the factor of ``r`` is in two parts.

``log1p`` takes ``k`` from the rounded ``1 + x`` and has ``r = 2**-k x + (2**-k - 1)`` in one fused
step, so that nothing of a small ``x`` is lost.
"""

from __future__ import annotations

from math import inf

from agnesi.core.dtypes import F32, F64, DType
from agnesi.core.record import record
from agnesi.loops.math.bits import LAYOUTS, copysign, layout
from agnesi.loops.math.exponential import LN2
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# The bits of the square root of 1/2.
_ROOT = {F32: 0x3F3504F3, F64: 0x3FE6A09E667F3BCD}


@record(frozen=True)
class _Base:
    """A base of logarithms: ``one + one_rest`` is that of e, ``two + two_rest`` that of 2."""

    one: float
    one_rest: float
    two: float
    two_rest: float


_LOG = {F32: _Base(1.0, 0.0, *LN2[F32]), F64: _Base(1.0, 0.0, *LN2[F64])}
_LOG2 = {
    F32: _Base(1.4426950216293335, 1.925963033500011e-08, 1.0, 0.0),
    F64: _Base(1.4426950408889634, 2.0355273740931033e-17, 1.0, 0.0),
}
_LOG10 = {
    F32: _Base(
        0.4342944920063019, -1.0103049952192578e-08, 0.3010300099849701, -1.432098883924482e-08
    ),
    F64: _Base(
        0.4342944819032518, 1.098319650216765e-17, 0.3010299956639812, -2.8037281277851704e-18
    ),
}

# 2 atanh(s) = 2 s + s**3 * P(s**2) for |s| <= 3 - sqrt(8)
_ATANH = {
    F32: (
        0.6666677594184875,
        0.399775892496109,
        0.29870566725730896,
    ),
    F64: (
        0.6666666666666734,
        0.3999999999941707,
        0.28571428741886284,
        0.22222198622356984,
        0.18183561862260636,
        0.15314111696159824,
        0.14795353669526595,
    ),
}


def log(x: Scalar) -> Scalar:
    """Return the natural logarithm."""
    return _logarithm(x, _LOG[x.dtype])


def log2(x: Scalar) -> Scalar:
    """Return the logarithm to base 2."""
    return _logarithm(x, _LOG2[x.dtype])


def log10(x: Scalar) -> Scalar:
    """Return the logarithm to base 10."""
    return _logarithm(x, _LOG10[x.dtype])


def log1p(x: Scalar) -> Scalar:
    """Return ``log(1 + x)``, accurate for small x."""
    return copysign(log_of_one_plus(x), x)


def log_of_one_plus(x: Scalar, doublings: Scalar | None = None, *, closely: bool = False) -> Scalar:
    """Return ``log(1 + x)``, with any sign of zero, plus as many times the logarithm of 2.

    ``closely`` adds the rounding error of the reduced argument, for what has errors of its own.
    """
    bits = layout(x)
    above = x + 1.0
    biased = _biased(above)
    k = _exponent(biased, x.dtype) - _shift(x.dtype)
    if doublings is not None:
        k = k + doublings
    # 4 * 2**-k, for 2**-k may be subnormal.
    powers = ((1 << bits.unsigned.bits) - 1) ^ ((1 << bits.mantissa) - 1)
    scale = (-(biased & powers) + ((2 * bits.bias + 2) << bits.mantissa)).bitcast(x.dtype)
    r = fma(x, scale, scale - 4.0)
    lost = fma(x, scale, (scale - 4.0) - r) * 0.25 if closely else None
    return _with_limits(_combine(k, r * 0.25, _LOG[x.dtype], lost), x, above)


def split(x: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``k`` and ``r`` with ``x = 2**k * (1 + r)``; x is positive, finite and normal."""
    biased = _biased(x)
    return _exponent(biased, x.dtype) - _shift(x.dtype), _fraction(biased, x.dtype)


def log_of_parts(k: Scalar, r: Scalar) -> Scalar:
    """Return the logarithm of ``2**k * (1 + r)``, as ``split`` has it."""
    return _combine(k, r, _LOG[r.dtype])


def _logarithm(x: Scalar, base: _Base) -> Scalar:
    bits = layout(x)
    small = x < bits.tiny
    biased = _biased(select(small, x * 2.0**bits.mantissa, x))
    shift = _shift(x.dtype)
    k = _exponent(biased, x.dtype) - select(small, x.like(shift + bits.mantissa), shift)
    return _with_limits(_combine(k, _fraction(biased, x.dtype), base), x, x)


def _shift(dtype: DType) -> float:
    return 2.0 ** LAYOUTS[dtype].mantissa + LAYOUTS[dtype].bias


def _biased(x: Scalar) -> Scalar:
    """Return an integer with ``k + bias`` above the mantissa and the rest of ``x`` in it."""
    bits = layout(x)
    return x.bitcast(bits.unsigned) + (bits.one - _ROOT[x.dtype])


def _exponent(biased: Scalar, dtype: DType) -> Scalar:
    """Return ``k + bias + 2**mantissa`` as a float: spaced 1 there, its low bits are an integer."""
    bits = LAYOUTS[dtype]
    return ((biased >> bits.mantissa) | ((bits.bias + bits.mantissa) << bits.mantissa)).bitcast(
        dtype
    )


def _fraction(biased: Scalar, dtype: DType) -> Scalar:
    """Return ``r``."""
    mask = (1 << LAYOUTS[dtype].mantissa) - 1
    return ((biased & mask) + _ROOT[dtype]).bitcast(dtype) - 1.0


def _combine(k: Scalar, r: Scalar, base: _Base, lost: Scalar | None = None) -> Scalar:
    """Return ``k log(2) + log(1 + r + lost)``, adding small parts first."""
    s = r / (r + 2.0)
    square = s * s
    rest = fma(-square, horner(square, _ATANH[r.dtype]), r)
    if base.one == 1.0:
        if r.dtype is F32 and lost is None:
            # The logarithm of 2 is nearly a float.
            return fma(k, base.two, fma(-s, rest, r))
        small = fma(k, base.two_rest, -(s * rest))
        return fma(k, base.two, r + (small + lost if lost else small))
    small = r * base.one_rest
    if base.two_rest:
        small = fma(k, base.two_rest, small)
    return fma(k, base.two, fma(r, base.one, fma(s * rest, -base.one, small)))


def _with_limits(value: Scalar, x: Scalar, above: Scalar) -> Scalar:
    """Return the logarithm, but what has to be where ``x``, or what is above the pole, is special.

    -inf at the pole, NaN before it, and infinity at infinity.  Additions and integer operations do
    most of it, for a machine has few units for comparisons, which multiplications need too.
    """
    bits = layout(x)
    negative = above.bitcast(bits.signed) >> (bits.signed.bits - 1)
    # A number with all bits set is NaN.
    beyond = (x.bitcast(bits.signed) | negative).bitcast(x.dtype) - bits.huge
    value = select(value > beyond, value, beyond)
    return select(above.equals(0.0), -inf, value)

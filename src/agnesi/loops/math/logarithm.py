"""log, log2, log10 and log1p.

A positive ``x`` is ``2**k * (1 + r)`` with ``1 + r`` between the square roots of 1/2 and 2; both
come from the bits of ``x`` by integer operations, and ``r`` is exact.  ``log(1 + r)`` is
``r - r**2/2 + r**3 P(r)``, with errors 2^-27.4 (f32) and 2^-56.6 (f64) relative to the result.  A
polynomial of that length is cheaper than the usual division by ``2 + r``.  Logarithms to other
bases have polynomials of their own and the factor of ``r`` in two parts.

``log1p`` takes ``k`` from the rounded ``1 + x`` and has ``r = 2**-k x + (2**-k - 1)`` in one fused
step, so that nothing of a small ``x`` is lost.  f64 adds the rounding error of that step back;
f32 is accurate enough without.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

from agnesi.core.dtypes import F32, F64, DType
from agnesi.loops.math.bits import LAYOUTS, copysign, layout
from agnesi.loops.math.exponential import LN2
from agnesi.loops.math.polynomial import Coefficients, fma, horner
from agnesi.loops.nodes import Scalar, select

# The bits of the square root of 1/2.
_ROOT = {F32: 0x3F3504F3, F64: 0x3FE6A09E667F3BCD}


@dataclass(frozen=True)
class _Base:
    """A base of logarithms.

    ``log(1 + r) = r * (one + one_rest) + r**2 * P(r)``; ``two + two_rest`` is the logarithm of 2.
    """

    one: float
    one_rest: float
    two: float
    two_rest: float
    tail: Coefficients


# |1 + r| between the square roots of 1/2 and 2
_LOG = {
    F32: _Base(
        1.0,
        0.0,
        *LN2[F32],
        (
            -0.5,
            0.3333333134651184,
            -0.2500081956386566,
            0.2000124305486679,
            -0.1662341207265854,
            0.1420154869556427,
            -0.1315954029560089,
            0.1276237964630127,
            -0.07636822760105133,
        ),
    ),
    F64: _Base(
        1.0,
        0.0,
        *LN2[F64],
        (
            -0.5,
            0.3333333333333314,
            -0.24999999999987993,
            0.20000000000066823,
            -0.16666666669822847,
            0.1428571428007198,
            -0.12499999691647454,
            0.1111111114866781,
            -0.10000015199527297,
            0.09090923891155062,
            -0.08332913651197398,
            0.0769153064474384,
            -0.0714943886361932,
            0.06684579464640328,
            -0.06196673317753245,
            0.05668435381347807,
            -0.056778740975081,
            0.06503381450994848,
            -0.05981353636477185,
            0.026148704986363826,
        ),
    ),
}

_LOG2 = {
    F32: _Base(
        1.4426950216293335,
        1.925963033500011e-08,
        1.0,
        0.0,
        (
            -0.7213473320007324,
            0.4808982014656067,
            -0.3606986701488495,
            0.28857141733169556,
            -0.2395673394203186,
            0.20448654890060425,
            -0.19139106571674347,
            0.18708869814872742,
            -0.11025573313236237,
        ),
    ),
    F64: _Base(
        1.4426950408889634,
        2.0355273740931033e-17,
        1.0,
        0.0,
        (
            -0.7213475204444822,
            0.4808983469629834,
            -0.3606737602218801,
            0.2885390081790217,
            -0.24044917354901998,
            0.2060992914675583,
            -0.18033687441194235,
            0.16029944882284,
            -0.14426976269238248,
            0.13115435895536412,
            -0.12021782017880392,
            0.11096393477740948,
            -0.1031517679736573,
            0.09645751702188524,
            -0.0893658377530698,
            0.08164250956547227,
            -0.08191856596782815,
            0.09419945076477983,
            -0.08664628127655095,
            0.03775941798174717,
        ),
    ),
}

_LOG10 = {
    F32: _Base(
        0.4342944920063019,
        -1.0103049952192578e-08,
        0.3010300099849701,
        -1.432098883924482e-08,
        (
            -0.21714718639850616,
            0.14476478099822998,
            -0.10858089476823807,
            0.08686868846416473,
            -0.07212284207344055,
            0.06155923381447792,
            -0.05756496265530586,
            0.05628203600645065,
            -0.03327154368162155,
        ),
    ),
    F64: _Base(
        0.4342944819032518,
        1.098319650216765e-17,
        0.3010299956639812,
        -2.8037281277851704e-18,
        (
            -0.21714724095162607,
            0.14476482730108262,
            -0.10857362047570543,
            0.08685889638102039,
            -0.07238241367074277,
            0.062042068816745156,
            -0.054286808529440685,
            0.04825494239335985,
            -0.0434295258154567,
            0.03948139567968748,
            -0.03618917381335769,
            0.033403483015822605,
            -0.031051738896861282,
            0.02903647358534992,
            -0.026901939395815696,
            0.02457772210752488,
            -0.024660259817264066,
            0.0283546324140639,
            -0.02608014635470197,
            0.011365750400489249,
        ),
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


def log_of_one_plus(x: Scalar, doublings: Scalar | None = None) -> Scalar:
    """Return ``log(1 + x)``, with any sign of zero, plus as many times the logarithm of 2."""
    bits = layout(x)
    biased = _biased(x + 1.0)
    k = _exponent(biased, x.dtype) - _shift(x.dtype)
    if doublings is not None:
        k = k + doublings
    # 4 * 2**-k, for 2**-k may be subnormal.
    powers = ((1 << bits.unsigned.bits) - 1) ^ ((1 << bits.mantissa) - 1)
    scale = (-(biased & powers) + ((2 * bits.bias + 2) << bits.mantissa)).bitcast(x.dtype)
    r = fma(x, scale, scale - 4.0)
    lost = fma(x, scale, (scale - 4.0) - r) * 0.25 if x.dtype is F64 else None
    return _with_limits(_combine(k, r * 0.25, _LOG[x.dtype], lost), x, -1.0)


def split(x: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``k`` and ``r`` with ``x = 2**k * (1 + r)``; x is positive, finite and normal."""
    biased = _biased(x)
    return _exponent(biased, x.dtype) - _shift(x.dtype), _fraction(biased, x.dtype)


def _logarithm(x: Scalar, base: _Base) -> Scalar:
    bits = layout(x)
    small = x < bits.tiny
    biased = _biased(select(small, x * 2.0**bits.mantissa, x))
    shift = _shift(x.dtype)
    k = _exponent(biased, x.dtype) - select(small, x.like(shift + bits.mantissa), shift)
    return _with_limits(_combine(k, _fraction(biased, x.dtype), base), x, 0.0)


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
    tail = horner(r, base.tail)
    if base.one == 1.0:
        value = r + fma(k, base.two_rest, lost) if lost else fma(k, base.two_rest, r)
        return fma(k, base.two, fma(r * r, tail, value))
    rest = r * base.one_rest
    if base.two_rest:
        rest = fma(k, base.two_rest, rest)
    return fma(k, base.two, fma(r, base.one, fma(r * r, tail, rest)))


def _with_limits(value: Scalar, x: Scalar, pole: float) -> Scalar:
    """Return the value, but -inf at the pole, NaN before it and infinity at infinity."""
    value = select(x < inf, value, x)
    return select(x > pole, value, select(x.equals(pole), x.like(-inf), nan))

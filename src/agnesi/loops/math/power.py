"""pow and cbrt.

``pow`` is ``2**(y log2|x|)``, then C's table of signs and exceptions.  The logarithm needs more
precision than the result, for its product with ``y`` may be as large as 150 in f32 and 1075 in
f64, and its error becomes the result's relative error.

f32 takes all of it in f64, where plain arithmetic has bits to spare; the last cast rounds once,
also where the result is subnormal or too large.

f64 keeps two numbers for each (a value and the rounding error of it).  With ``|x| = 2**k m`` and
``s = (m - 1) / (m + 1)``, ``log2(m) = s (A + B z + z**2 P(z))`` with ``z = s**2``; all but ``P``
(error 2^-71.9 of the logarithm over s) is in two parts.

``cbrt`` scales ``x`` by a power of 8 into ``[0.35, 2.83]``, takes a polynomial of degree 5 for the
inverse cube root ``r`` (error 2^-17.4), improves it by a step of fourth order in f64, and corrects
``y = x r**2`` by ``(x - y**3) r**2 / 3``.  No division.
"""

from __future__ import annotations

from math import inf, nan

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.bits import (
    between,
    copysign,
    is_finite,
    layout,
    multiples,
    power_of_two,
    rint,
    times_power_of_two,
)
from agnesi.loops.math.exponential import exp2_fraction
from agnesi.loops.math.logarithm import split
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# log2(1 + r) = r * P(r) in f64, for f32's pow
_LOG2 = (
    1.4426950408865744,
    -0.7213475203275788,
    0.48089834880289983,
    -0.3606737931338133,
    0.28853879573074126,
    -0.2404464338087022,
    0.20610712309886522,
    -0.18043674366647808,
    0.16021665727796014,
    -0.1424987244582177,
    0.1302758348469614,
    -0.13462901789184956,
    0.1325107130793128,
    -0.06973808940370166,
)

# 2**t = 1 + t * P(t) in f64 for |t| <= 1/2, for f32's pow
_EXP2 = (
    0.6931472028515522,
    0.24022647908930936,
    0.055503324799204085,
    0.009618437936963362,
    0.001339887098138446,
    0.00015353205671747716,
)

# 2 log2(e) and 2/3 log2(e) in two parts, and P
_A = (2.8853900817779268, 4.0710547481862066e-17)
_B = (0.9617966939259756, 5.0577616648125907e-17)
_TAIL = (
    0.5770780163555851,
    0.4121985831113457,
    0.3205988979127804,
    0.2623081986589963,
    0.2219522702385057,
    0.19240132872269258,
    0.16845134526223812,
    0.17281901504609942,
)

# (1 + r)**(-1/3)
_INVERSE_CBRT = (
    1.0000038482857252,
    -0.33326096721324705,
    0.22160518556090605,
    -0.17581849707918287,
    0.16041632145027412,
    -0.10806416955085561,
)
_CBRT_2 = 1.2599210498948732


def power(x: Scalar, y: Scalar) -> Scalar:
    """Return ``x ** y`` by C's rules."""
    of_size = _power_f32 if x.dtype is F32 else _power_f64
    return _with_rules(of_size(abs(x), y), x, y)


def _power_f32(size: Scalar, y: Scalar) -> Scalar:
    """Return the power of a size."""
    y = between(y, -layout(y).huge, layout(y).huge)
    k, r = split(size.cast(F64))
    logarithm = fma(r, horner(r, _LOG2), k)
    logarithm = select(size < inf, logarithm, size.cast(F64))
    logarithm = select(size.equals(0.0), -inf, logarithm)
    product = between(y.cast(F64) * logarithm, -200.0, 200.0)
    n, bits = multiples(product, 1.0)
    t = product - n
    return (fma(t, horner(t, _EXP2), 1.0) * power_of_two(bits, F64)).cast(F32)


def _power_f64(size: Scalar, y: Scalar) -> Scalar:
    """Return the power of a size."""
    y = between(y, -(2.0**65), 2.0**65)
    high, low = _log2_in_two_parts(size)
    product = y * high
    rest = fma(y, low, fma(y, high, -product))
    rest = select(abs(product) < 1100.0, rest, 0.0)
    product = between(product, -1100.0, 1100.0)
    n, bits = multiples(product, 1.0)
    return times_power_of_two(exp2_fraction((product - n) + rest), bits)


def _log2_in_two_parts(size: Scalar) -> tuple[Scalar, Scalar]:
    """Return the logarithm as a number and what is missing."""
    bits = layout(size)
    small = size < bits.tiny
    k, r = split(select(small, size * 2.0**bits.mantissa, size))
    k = k - select(small, size.like(float(bits.mantissa)), 0.0)
    # s = r / (2 + r)
    sum_ = r + 2.0
    sum_rest = r - (sum_ - 2.0)
    inverse = 1.0 / sum_
    s = r * inverse
    s_rest = fma(-s, sum_rest, fma(-s, sum_, r)) * inverse
    # z = s * s
    z = s * s
    z_rest = fma(s, s, -z) + (s + s) * s_rest
    # c = B + z * P(z)
    tail = z * horner(z, _TAIL)
    c = tail + _B[0]
    c_rest = (tail - (c - _B[0])) + _B[1]
    # d = z * c
    d = z * c
    d_rest = fma(z, c, -d) + fma(z, c_rest, z_rest * c)
    # e = A + d
    e = d + _A[0]
    e_rest = (d - (e - _A[0])) + (d_rest + _A[1])
    # logarithm = k + s * e
    f = s * e
    f_rest = fma(s, e, -f) + fma(s, e_rest, s_rest * e)
    high = k + f
    low = (f - (high - k)) + f_rest
    high = select(size < inf, high, size)
    return select(size.equals(0.0), -inf, high), low


def _with_rules(value: Scalar, x: Scalar, y: Scalar) -> Scalar:
    """Return a power of ``|x|`` with the sign and the exceptions of C's table."""
    whole = rint(y).equals(y)
    half = y * 0.5
    odd = whole & rint(half).differs(half)
    value = copysign(value, select(odd, x, 1.0))
    value = select((x < 0.0) & ~whole & is_finite(x), nan, value)
    return select(x.equals(1.0) | y.equals(0.0), 1.0, value)


def cbrt(x: Scalar) -> Scalar:
    """Return the cube root."""
    bits = layout(x)
    size = abs(x)
    small = size < bits.tiny
    scale = 2.0 ** (3 * (bits.mantissa // 3 + 1))
    normal = select(small, size * scale, size)
    k, r = split(normal)
    third, count = multiples(k, 1.0 / 3.0)
    left = fma(third, -3.0, k)
    # normal * 8**-third, and the inverse cube root of it
    reduced = (r + 1.0) * select(left > 0.0, 2.0, select(left < 0.0, x.like(0.5), 1.0))
    factor = select(left > 0.0, 1.0 / _CBRT_2, select(left < 0.0, x.like(_CBRT_2), 1.0))
    root = horner(r, _INVERSE_CBRT) * factor
    if x.dtype is F64:
        miss = fma(-(root * root) * root, reduced, 1.0)
        root = fma(root * miss, horner(miss, (1 / 3, 2 / 9, 14 / 81)), root)
    square = root * root
    value = reduced * square
    miss = fma(-(value * value), value, reduced)
    value = fma(miss, square * (1.0 / 3.0), value)
    value = value * power_of_two(count, x.dtype)
    value = select(small, value * 2.0 ** -(bits.mantissa // 3 + 1), value)
    return copysign(select(is_finite(x) & size.differs(0.0), value, size), x)

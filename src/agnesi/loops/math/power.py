"""pow and cbrt.

``pow`` is ``2**(y log2|x|)``, then C's table of signs and exceptions.  The logarithm needs more
precision than the result, for its product with ``y`` may be as large as 150 in f32 and 1075 in
f64, and its error becomes the result's relative error.  With ``|x| = 2**k (1 + r)`` and
``s = r / (2 + r)``:

- f32 is computed in f64, where polynomials can be short (``log2(1 + r) = s P(s**2)`` with error
  2^-37.8, and that of the power 2^-28.9), and rounded once.
- f64 carries a number and its *rest*, what is missing from it, through the leading terms: with
  ``z = s**2``, ``log2(1 + r) = s (A + B z + z**2 P(z))`` (error 2^-71.9, over s), where all but
  ``P`` have rests.

``cbrt`` takes the inverse cube root from the bits of ``x`` to 3.6 %, improves it by a step of
fourth order (error 2^-18.3), in f64 by another of second order, and corrects ``y = x r**2`` by
``(x - y**3) r**2 / 3``.  No division.
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

# For f32 in f64: log2((1 + s) / (1 - s)) = s * P(s**2) for |s| <= 3 - sqrt(8), and
# 2**t = 1 + t * P(t) for |t| <= 1/2
_LOG2 = (
    2.885390081790085,
    0.9617966733378048,
    0.5770835857375558,
    0.4116726722147653,
    0.3407310078738004,
)
_EXP2 = (
    0.6931472028515522,
    0.24022647908930936,
    0.055503324799204085,
    0.009618437936963362,
    0.001339887098138446,
    0.00015353205671747716,
)

# 2 log2(e) and 2/3 log2(e) with rests, and P, in f64
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
# Beyond these exponents of 2, results overflow or vanish.
_LIMIT = {F32: 160.0, F64: 1100.0}

# (1 - t)**(-1/3) = 1 + t * P(t) for |t| <= 0.1065
_INVERSE_CBRT = (
    0.3333292026276821,
    0.22358589732092649,
    0.17453736326224742,
)
# Where ``_near_inverse_cbrt`` begins.
_START = {F32: 5546486.0, F64: 2999318136608099.0}


def power(x: Scalar, y: Scalar) -> Scalar:
    """Return ``x ** y`` by C's rules."""
    # Finite, so that pow(1, inf) is not NaN.
    bounded = between(y, -layout(y).huge, layout(y).huge)
    value = _power_f32(abs(x), bounded) if x.dtype is F32 else _power_f64(abs(x), bounded)
    return _with_rules(value, x, y)


def _power_f32(size: Scalar, y: Scalar) -> Scalar:
    """Return ``size ** y``, computed in f64."""
    wide = size.cast(F64)
    k, r = split(wide)
    s = r / (r + 2.0)
    logarithm = fma(s, horner(s * s, _LOG2), k)
    # Infinity and NaN, which adding a number does not change.
    beyond = wide - 2.0**1000
    logarithm = select(logarithm > beyond, logarithm, beyond)
    logarithm = select(size.equals(0.0), -inf, logarithm)
    product = between(y.cast(F64) * logarithm, -_LIMIT[F32], _LIMIT[F32])
    n, bits = multiples(product, 1.0)
    t = product - n
    return (fma(t, horner(t, _EXP2), 1.0) * power_of_two(bits, F64)).cast(F32)


def _power_f64(size: Scalar, y: Scalar) -> Scalar:
    """Return ``size ** y`` by a logarithm with a rest."""
    logarithm, missing = _log2(size)
    product = y * logarithm
    rest = fma(y, missing, fma(y, logarithm, -product))
    limit = _LIMIT[F64]
    rest = select(abs(product) < limit, rest, 0.0)
    product = between(product, -limit, limit)
    n, bits = multiples(product, 1.0)
    return times_power_of_two(exp2_fraction((product - n) + rest), bits)


def _log2(size: Scalar) -> tuple[Scalar, Scalar]:
    """Return the logarithm to base 2 and its rest, in f64."""
    bits = layout(size)
    small = size < bits.tiny
    k, r = split(select(small, size * 2.0**bits.mantissa, size))
    k = k - select(small, size.like(float(bits.mantissa)), 0.0)
    value, rest = _log2_f64(k, r)
    value = select(size < inf, value, size)
    return select(size.equals(0.0), -inf, value), rest


def _log2_f64(k: Scalar, r: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``k + log2(1 + r)`` and its rest by a division and a short series."""
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
    # k + s * e
    f = s * e
    f_rest = fma(s, e, -f) + fma(s, e_rest, s_rest * e)
    total = k + f
    return total, (f - (total - k)) + f_rest


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
    # What is missing from the cube has to be a normal number.
    small = size < bits.tiny * 2.0**bits.mantissa
    shrunk = bits.mantissa // 3 + 1
    normal = select(small, size * 2.0 ** (3 * shrunk), size)
    root = _near_inverse_cbrt(normal)
    miss = fma(-(root * root) * root, normal, 1.0)
    root = fma(root * miss, horner(miss, _INVERSE_CBRT), root)
    if x.dtype is F64:
        miss = fma(-(root * root) * root, normal, 1.0)
        root = fma(root * miss, 1 / 3, root)
    square = root * root
    value = normal * square
    miss = fma(-(value * value), value, normal)
    value = fma(miss, square * (1.0 / 3.0), value)
    value = select(small, value * 2.0**-shrunk, value)
    return copysign(select(is_finite(x) & size.differs(0.0), value, size), x)


def _near_inverse_cbrt(x: Scalar) -> Scalar:
    """Return ``x**(-1/3)`` to 3.6 %: read as an integer, a float is nearly its logarithm.

    The integer is divided as a float that has it in its mantissa, without its lowest bits.
    """
    bits = layout(x)
    lowest = bits.signed.bits - bits.mantissa - 1
    unit = 2.0**bits.mantissa  # numbers are spaced 1 from here
    unit_bits = (bits.bias + bits.mantissa) << bits.mantissa
    upper = ((x.bitcast(bits.unsigned) >> lowest) | unit_bits).bitcast(x.dtype)
    third = fma(upper, -1 / 3, unit + unit / 3 + _START[x.dtype]).bitcast(bits.unsigned)
    return ((third - unit_bits) << lowest).bitcast(x.dtype)

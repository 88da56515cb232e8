"""pow and cbrt.

``pow`` is ``2**(y log2|x|)``, then C's table of signs and exceptions.  The logarithm needs more
precision than the result, for its product with ``y`` may be as large as 150 in f32 and 1075 in
f64, and its error becomes the result's relative error.  So a number and its *rest*, what is
missing from it, are carried through the leading terms:

- f32, with ``|x| = 2**k (1 + r)``: a polynomial in ``r`` with three such terms and nine plain ones
  (error 2^-33.2).
- f64, with ``s = r / (2 + r)`` and ``z = s**2``: ``log2(1 + r) = s (A + B z + z**2 P(z))`` (error
  2^-71.9, over s), where all but ``P`` have rests.

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

# log2(1 + r) = r * P(r) in f32; the leading coefficients with rests, then the others
_LOG2 = (
    (1.4426950216293335, 1.9310007814965502e-08),
    (-0.7213475108146667, -1.4397301129065454e-08),
    (0.48089832067489624, 5.0892623448817176e-11),
)
_LOG2_TAIL = (
    -0.36067280173301697,
    0.28854063153266907,
    -0.24050410091876984,
    0.20609664916992188,
    -0.17904849350452423,
    0.1589975357055664,
    -0.15696918964385986,
    0.15486958622932434,
    -0.08638280630111694,
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
    size = abs(x)
    logarithm, missing = _log2(size)
    # Finite, so that pow(1, inf) is not NaN.
    bounded = between(y, -layout(y).huge, layout(y).huge)
    product = bounded * logarithm
    rest = fma(bounded, missing, fma(bounded, logarithm, -product))
    limit = _LIMIT[x.dtype]
    rest = select(abs(product) < limit, rest, 0.0)
    product = between(product, -limit, limit)
    n, bits = multiples(product, 1.0)
    return _with_rules(times_power_of_two(exp2_fraction((product - n) + rest), bits), x, y)


def _log2(size: Scalar) -> tuple[Scalar, Scalar]:
    """Return the logarithm to base 2 and its rest."""
    bits = layout(size)
    small = size < bits.tiny
    k, r = split(select(small, size * 2.0**bits.mantissa, size))
    k = k - select(small, size.like(float(bits.mantissa)), 0.0)
    value, rest = _log2_f32(k, r) if size.dtype is F32 else _log2_f64(k, r)
    value = select(size < inf, value, size)
    return select(size.equals(0.0), -inf, value), rest


def _log2_f32(k: Scalar, r: Scalar) -> tuple[Scalar, Scalar]:
    """Return ``k + log2(1 + r)`` and its rest by Horner's scheme on pairs."""
    value, rest = horner(r, _LOG2_TAIL), None
    for coefficient, its_rest in reversed(_LOG2):
        total = fma(r, value, coefficient)
        lost = fma(r, value, coefficient - total)
        rest = lost + (fma(r, rest, its_rest) if rest else its_rest)
        value = total
    total = fma(r, value, k)
    lost = fma(r, value, k - total)
    return total, fma(r, rest, lost) if rest else lost


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

"""Pieces that several functions share: float layouts, clamps, rounding, powers of two.

Powers of two are made by shifting integers into the exponent field.  The integers come from the
low bits of ``x + 1.5 * 2**m``, where ``m`` is the number of mantissa bits: that sum has unit
spacing, so that it rounds ``x`` to an integer and holds it in its bits without a conversion
between float and integer, which AVX2 lacks for 64 bits.
"""

from __future__ import annotations

from math import inf

from agnesi.core.dtypes import F32, F64, I32, I64, U32, U64, DType
from agnesi.core.record import record
from agnesi.loops.math.polynomial import fma
from agnesi.loops.nodes import Number, Scalar, apply, select
from agnesi.loops.prims import Prim


@record(frozen=True)
class Layout:
    """The bits of a float dtype."""

    signed: DType
    unsigned: DType
    mantissa: int
    bias: int
    tiny: float  # the smallest normal number
    huge: float  # the largest finite number

    @property
    def magic(self) -> float:
        """A number that is spaced 1 from its neighbours."""
        return 1.5 * 2.0**self.mantissa

    @property
    def magic_bits(self) -> int:
        """The bits of it."""
        return ((self.bias + self.mantissa) << self.mantissa) + (1 << (self.mantissa - 1))

    @property
    def one(self) -> int:
        """The bits of 1.0."""
        return self.bias << self.mantissa

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << (self.signed.bits - 1)


LAYOUTS = {
    F32: Layout(I32, U32, 23, 127, 2.0**-126, 2.0**128 - 2.0**104),
    F64: Layout(I64, U64, 52, 1023, 2.0**-1022, (2.0 - 2.0**-52) * 2.0**1023),
}


def layout(x: Scalar) -> Layout:
    """Return the layout of the scalar's dtype."""
    return LAYOUTS[x.dtype]


def at_most(x: Scalar, high: Number) -> Scalar:
    """Return the smaller; NaN stays NaN."""
    return select(x > high, high, x)


def at_least(x: Scalar, low: Number) -> Scalar:
    """Return the larger; NaN stays NaN."""
    return select(x < low, low, x)


def between(x: Scalar, low: Number, high: Number) -> Scalar:
    """Return the nearest number of the interval; NaN stays NaN."""
    return at_least(at_most(x, high), low)


def copysign(x: Scalar, sign: Scalar) -> Scalar:
    """Return ``x`` with another's sign."""
    return apply(Prim.COPYSIGN, x, sign)


def sqrt(x: Scalar) -> Scalar:
    """Return the square root."""
    return apply(Prim.SQRT, x)


def rint(x: Scalar) -> Scalar:
    """Round to the nearest integer."""
    return apply(Prim.RINT, x)


def is_finite(x: Scalar) -> Scalar:
    """Tell whether the number is neither infinite nor NaN."""
    return abs(x) < inf


def multiples(x: Scalar, per_unit: Number) -> tuple[Scalar, Scalar]:
    """Return the integer nearest to ``x * per_unit``, as a float and in the low bits of an int."""
    magic = layout(x).magic
    shifted = fma(x, per_unit, magic)
    return shifted - magic, shifted.bitcast(layout(x).signed)


def power_of_two(exponent: Scalar, dtype: DType, shift: int = 0) -> Scalar:
    """Return ``2**(exponent + shift)`` as a float; the high bits of ``exponent`` do not matter.

    The result has to be a normal number.
    """
    bits = LAYOUTS[dtype]
    return ((exponent << bits.mantissa) + (bits.one + (shift << bits.mantissa))).bitcast(dtype)


def times_power_of_two(x: Scalar, exponent: Scalar) -> Scalar:
    """Return ``x * 2**exponent``, overflowing and underflowing as it should.

    Two factors reach past the range of exponents of one; the first product is exact.
    """
    half = exponent >> 1
    return x * power_of_two(half, x.dtype) * power_of_two(exponent - half, x.dtype)


def exponent_of(x: Scalar) -> Scalar:
    """Return the integer ``e`` with ``2**(e-1) <= abs(x) < 2**e``, 0 if there is none."""
    size, bits = abs(x), layout(x)
    shift = bits.mantissa + 1
    small = size < bits.tiny
    field = select(small, size * 2.0**shift, size).bitcast(bits.signed) >> bits.mantissa
    exponent = field - select(small, field.like(bits.bias - 1 + shift), bits.bias - 1)
    return select((size > 0.0) & (size < inf), exponent, 0)


def scaled(x: Scalar, exponent: Scalar) -> Scalar:
    """Return ``x * 2**exponent`` rounded once; f32 is exact in f64 until it is rounded."""
    if x.dtype is F32:
        power = power_of_two(_limited(exponent, -400, 400).cast(I64), F64)
        return (x.cast(F64) * power).cast(F32)
    # Two steps bring the exponent near; the last product alone rounds.  Steps down leave 53 bits
    # to go, so that what a step rounds is too small to be seen.
    rest = _limited(exponent, -4000, 4000).cast(I64)
    for _ in range(2):
        far = (rest < -1022) | (rest > 1023)
        step = select(far, _limited(rest, -969, 1023), 0)
        x, rest = x * power_of_two(step, F64), rest - step
    return x * power_of_two(_limited(rest, -1022, 1023), F64)


def _limited(x: Scalar, low: int, high: int) -> Scalar:
    return apply(Prim.MIN, apply(Prim.MAX, x, x.like(low)), x.like(high))

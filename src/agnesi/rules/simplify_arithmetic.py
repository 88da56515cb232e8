"""Arithmetic that does nothing, or that a cheaper op does.

before: add(multiply(x, 1.0), negative(y))
after:  subtract(x, y)
with:   x: f32[n], y: f32[n]

Values stay the same down to the sign of zero and where NaN comes up: ``x + 0.0`` is kept, since it
makes 0.0 of -0.0, and so is ``x * 0.0``.  What differs is marked, with the reason.  Signs go
towards the output, where they meet and cancel.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import finfo, keeps_values
from agnesi.graph.graph import with_operands
from agnesi.ops.arithmetic import Divide, Multiply, absolute, maximum, minimum, negative, sign
from agnesi.ops.choice import Cast, where
from agnesi.ops.comparison import equal, greater, greater_equal, less, less_equal, not_equal
from agnesi.ops.complex_parts import Imag, MakeComplex, Real, conj, imag, real
from agnesi.ops.families import Elementwise
from agnesi.ops.gradients import Marker
from agnesi.ops.logic import bitwise_invert, logical_not
from agnesi.ops.powers import sqrt, square
from agnesi.ops.rounding import ceil, floor, round, trunc
from agnesi.rewrite.rule import rewrite
from agnesi.rules.notation import constant, fast, identities, positive
from agnesi.rules.tensors import aligned, filled, literal

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.graph.tensor import Tensor
    from agnesi.rules.notation import Bool, Complex, Float, Integer, Number, Pairs, Signed


@identities
def UNITS(x: Number) -> Pairs:
    """What leaves a number as it is."""
    return [
        (x * 1, x),
        (x + -0.0, x),
        (x - 0, x),
        (x**1, x),
        (x**0, 1),
        (x**2, square(x)),
        (x * x, square(x)),
        (x + x, x * 2),
        (-0.0 - x, -x),
        (maximum(x, x), x),
        (minimum(x, x), x),
        (less(x, x), False),
        (greater(x, x), False),
    ]


@identities
def FLOAT_UNITS(x: Float) -> Pairs:
    """What leaves a float as it is, and powers that are cheaper by another name."""
    return [
        (x / 1, x),
        (x / -1, -x),
        (x**-1, 1 / x),
        (x**0.5, sqrt(x), fast("as NumPy's ** does: -0.0 stays -0.0, -inf gives NaN")),
        (x**3, x * square(x), fast("rounds twice")),
        (x**-2, 1 / square(x), fast("rounds twice; the square may overflow or underflow")),
        (x**-0.5, 1 / sqrt(x), fast("rounds twice; -0.0 gives -inf, -inf gives NaN")),
        (x + 0.0, x, positive(x)),
        (absolute(x), x, positive(x)),
    ]


@identities
def INTEGER_UNITS(x: Integer, y: Integer, c: Integer, d: Integer) -> Pairs:
    """What holds of integers, which wrap, but not of floats."""
    return [
        (x * 0, 0),
        (x - x, 0),
        (x + (y - x), y),
        ((x + y) - y, x),
        (-(x - y), y - x),
        ((x + c) + d, x + (c + d), constant(c, d)),
        ((x * c) * d, x * (c * d), constant(c, d)),
        (equal(x, x), True),
        (not_equal(x, x), False),
        (less_equal(x, x), True),
        (greater_equal(x, x), True),
        (x**3, x * square(x)),
    ]


@identities
def SIGNS(x: Number, y: Number, c: Number) -> Pairs:
    """Signs meet and cancel."""
    return [
        (negative(-x), x),
        (x * -1, -x),
        (x + -y, x - y),
        (x - -y, x + y),
        (-x * -y, x * y),
        (-(x * c), x * -c, constant(c)),
        (-x * y, -(x * y)),
        (square(-x), square(x)),
    ]


@identities
def COMPLEX_UNITS(x: Complex, y: Complex) -> Pairs:
    """Signs and conjugates, which change each part by itself; and what is cheaper by its name."""
    return [
        (negative(-x), x),
        (x + -y, x - y),
        (x - -y, x + y),
        (conj(conj(x)), x),
        (conj(-x), -conj(x)),
        (x**1, x, fast("without an exponential and a logarithm")),
        (x**2, square(x), fast("without an exponential and a logarithm")),
        (x * x, square(x)),
        (absolute(-x), absolute(x)),
        (absolute(conj(x)), absolute(x)),
        (real(conj(x)), real(x)),
        (imag(conj(x)), -imag(x)),
        (real(-x), -real(x)),
        (imag(-x), -imag(x)),
        (real(x + y), real(x) + real(y)),
        (imag(x + y), imag(x) + imag(y)),
        (real(x - y), real(x) - real(y)),
        (imag(x - y), imag(x) - imag(y)),
    ]


@rewrite(Real, Imag)
def take_part(node: Real | Imag) -> Tensor | None:
    """A part of what was put together of parts is that part.

    before: real(make_complex(x, y))
    after:  x
    with:   x: f32[n], y: f32[n]
    """
    match node.x:
        case MakeComplex(re, im) if aligned(node.x):
            return re if isinstance(node, Real) else im
        case Cast(x) if isinstance(node, Real) and x.dtype is node.dtype:
            return x
        case _:
            return None


@identities
def FLOAT_SIGNS(x: Float, y: Float, c: Float) -> Pairs:
    """Signs of quotients."""
    return [
        (-x / -y, x / y),
        (-(x / c), x / -c, constant(c)),
        (-(c / x), -c / x, constant(c)),
        (-x / y, -(x / y)),
        (x / -y, -(x / y)),
    ]


@identities
def SIGNED_UNITS(x: Signed) -> Pairs:
    """Absolute values of signed integers."""
    return [
        (absolute(-x), absolute(x)),
        (absolute(absolute(x)), absolute(x), fast("the least integer is its own absolute value")),
        (square(absolute(x)), square(x)),
    ]


@identities
def ABSOLUTES(x: Float) -> Pairs:
    """Absolute values of floats, and rounding what is round."""
    return [
        (absolute(-x), absolute(x)),
        (square(absolute(x)), square(x)),
        (sign(sign(x)), sign(x)),
        (floor(floor(x)), floor(x)),
        (ceil(ceil(x)), ceil(x)),
        (trunc(trunc(x)), trunc(x)),
        (round(round(x)), round(x)),
    ]


@identities
def BITS(x: Integer) -> Pairs:
    """What leaves the bits of an integer as they are."""
    return [
        (x & x, x),
        (x | x, x),
        (x ^ x, 0),
        (x & 0, 0),
        (x | 0, x),
        (x ^ 0, x),
        (x << 0, x),
        (x >> 0, x),
        (~(~x), x),
    ]


@identities
def LOGIC(c: Bool, d: Bool) -> Pairs:
    """Bools have one and, one or, one not."""
    return [
        (c * d, c & d),
        (c + d, c | d),
        (minimum(c, d), c & d),
        (maximum(c, d), c | d),
        (bitwise_invert(c), logical_not(c)),
        (logical_not(logical_not(c)), c),
        (c & c, c),
        (c | c, c),
        (c ^ c, False),
        (c & True, c),
        (c & False, False),
        (c | True, True),
        (c | False, c),
        (c ^ True, logical_not(c)),
        (c ^ False, c),
    ]


@identities
def COMPARISONS(x: Tensor, y: Tensor) -> Pairs:
    """The opposite of equal; others are not opposites where there is NaN."""
    return [
        (logical_not(equal(x, y)), not_equal(x, y)),
        (logical_not(not_equal(x, y)), equal(x, y)),
    ]


@identities
def CHOICES(c: Bool, x: Tensor, y: Tensor, z: Tensor) -> Pairs:
    """Choices that are made already."""
    return [
        (where(c, x, x), x),
        (where(True, x, y), x),
        (where(False, x, y), y),
        (where(logical_not(c), x, y), where(c, y, x)),
        (where(c, where(c, x, y), z), where(c, x, z)),
        (where(c, x, where(c, y, z)), where(c, x, z)),
    ]


@identities
def BOOL_CHOICES(c: Bool) -> Pairs:
    """A choice between true and false is the condition."""
    return [(where(c, True, False), c), (where(c, False, True), logical_not(c))]


@rewrite(Elementwise)
def sink_number(node: Elementwise) -> Tensor | None:
    """A number stands second where the order does not matter.

    before: multiply(2.0, x)
    after:  multiply(x, 2.0)
    with:   x: f32[n]
    """
    if not node.commutative or not aligned(node):
        return None
    x, y = node.operands
    turned = literal(x) is not None and literal(y) is None
    return with_operands(node, (y, x)) if turned else None


@rewrite(Divide)
def lift_power_of_two(node: Divide) -> Tensor | None:
    """A quotient by a power of two is a product, to the last bit.

    before: divide(x, 4.0)
    after:  multiply(x, 0.25)
    with:   x: f32[n]
    """
    divisor = literal(node.y)
    if divisor is None or literal(node.x) is not None or not aligned(node):
        return None
    if not node.dtype.is_float:
        return None
    value = float(divisor.value)
    if not _is_normal(value, node.dtype) or abs(math.frexp(value)[0]) != 0.5:
        return None
    inverse = 1 / value
    if not _is_normal(inverse, node.dtype):
        return None
    return Multiply(node.x, filled(inverse, node.dtype, node.type.shape))


def _is_normal(value: float, dtype: DType) -> bool:
    limits = finfo(dtype)
    return bool(float(limits.tiny) <= abs(value) <= float(limits.max))


@rewrite(Multiply)
def merge_factors(node: Multiply) -> Tensor | None:
    """Two numbers multiplied into a float are one, where their product is exact.

    before: multiply(multiply(x, 3.0), 0.5)
    after:  multiply(x, 1.5)
    with:   x: f32[n]

    Fast: rounds once instead of twice, and nothing overflows in between.
    """
    outer = literal(node.y)
    if outer is None or not node.dtype.is_float or not aligned(node):
        return None
    match node.x:
        case Multiply(x, y) if (inner := literal(y)) is not None and aligned(node.x):
            a, b = float(inner.value), float(outer.value)
            if not (_is_normal(a, node.dtype) and _is_normal(b, node.dtype)):
                return None
            with np.errstate(all="ignore"):
                factor = float(node.dtype.numpy.type(a * b))
            if not _is_normal(factor, node.dtype) or Fraction(a) * Fraction(b) != factor:
                return None
            return Multiply(x, filled(factor, node.dtype, node.type.shape))
        case _:
            return None


@rewrite(Cast)
def merge_casts(node: Cast) -> Tensor | None:
    """A conversion that loses nothing is left out before another; one to the same is nothing.

    before: cast(cast(x, i64), f32)
    after:  cast(x, f32)
    with:   x: i32[n]
    """
    if node.x.dtype is node.to:
        return node.x
    match node.x:
        case Cast(x) if keeps_values(x.dtype, node.x.dtype):
            return x if x.dtype is node.to else Cast(x, node.to)
        case _:
            return None


@rewrite(Marker)
def drop_marker(node: Marker) -> Tensor | None:
    """What only derivatives see is nothing once they are taken.

    before: stop_gradient(x)
    after:  x
    with:   x: f32[n]
    """
    return None if node.requirements() or node.x.type is not node.type else node.x


SIMPLIFY = (
    drop_marker,
    sink_number,
    lift_power_of_two,
    merge_factors,
    merge_casts,
    UNITS,
    FLOAT_UNITS,
    INTEGER_UNITS,
    SIGNS,
    COMPLEX_UNITS,
    take_part,
    FLOAT_SIGNS,
    SIGNED_UNITS,
    ABSOLUTES,
    BITS,
    LOGIC,
    COMPARISONS,
    CHOICES,
    BOOL_CHOICES,
)

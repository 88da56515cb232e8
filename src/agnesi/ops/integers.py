"""Functions of integers: divisors, multiples, numbers of bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import BOOL, INTEGERS, U8, U16, U32, U64
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.ops.families import Domain, Elementwise, Op
from agnesi.ops.functions import binary, unary

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.graph.tensor import Tensor

__all__ = ["bitwise_count", "gcd", "lcm"]

_UNSIGNED = {dtype.bits: dtype for dtype in (U8, U16, U32, U64)}
_WHOLE = Domain(-99, 99, special=(0, 1, -1, 2, 6, 12, -90, 97, 120))


def _magnitude(x: Scalar) -> Scalar:
    """Return the absolute value, unsigned, so that the least number has one too."""
    if x.dtype.is_unsigned:
        return x
    return apply(Prim.ABS, x).bitcast(_UNSIGNED[x.dtype.bits])


class BitwiseCount(Elementwise):
    """Number of ones among the bits of the absolute value, as u8."""

    x: Tensor

    public = "bitwise_count"
    dtypes = (BOOL, *INTEGERS)
    reference = np.bitwise_count
    domain = (Domain(-99, 99, special=(0, 1, -1, 85, 127)),)
    differentiable = False

    def result_dtype(self, operand: DType) -> DType:
        """NumPy's."""
        return U8

    def scalar(self, *operands: Scalar) -> Scalar:
        """Count in pairs of bits, then fours, then bytes; a product adds the bytes up."""
        x = operands[0].cast(U8) if operands[0].dtype is BOOL else _magnitude(operands[0])
        bits = x.dtype.bits
        every = (1 << bits) - 1
        x = x - ((x >> 1) & (every // 3))
        x = (x & (every // 5)) + ((x >> 2) & (every // 5))
        x = (x + (x >> 4)) & (every // 17)
        return ((x * (every // 255)) >> (bits - 8)).cast(U8)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class Gcd(Elementwise):
    """Greatest common divisor of the absolute values; that of 0 and x is x."""

    x: Tensor
    y: Tensor

    public = "gcd"
    commutative = True
    expensive = True
    dtypes = INTEGERS
    reference = np.gcd
    domain = (_WHOLE, _WHOLE)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """The unsigned divisor."""
        x, y = operands
        return _divisor(_magnitude(x), _magnitude(y)).cast(x.dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None


class Lcm(Elementwise):
    """Least common multiple of the absolute values; 0 if either is 0."""

    x: Tensor
    y: Tensor

    public = "lcm"
    commutative = True
    expensive = True
    dtypes = INTEGERS
    reference = np.lcm
    domain = (_WHOLE, _WHOLE)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """The product over the divisor; the product of the parts does not overflow needlessly."""
        x, y = map(_magnitude, operands)
        # Division by 0 gives 0, which is the answer for two zeros.
        whole = apply(Prim.FLOORDIV, x, _divisor(x, y)) * y
        return whole.cast(operands[0].dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None


def _divisor(x: Scalar, y: Scalar) -> Scalar:
    """Return the greatest common divisor of unsigned numbers.

    Halving and subtracting: each step takes at least one of the bits of ``odd`` and ``rest``
    together, and there is no division, so that several elements go at once.
    """
    both = x | y
    twos = both & -both
    odd, rest = _odd_part(x), y
    for _ in range(2 * x.dtype.bits - 1):
        even = (rest & 1).equals(0)
        less = apply(Prim.MIN, odd, rest)
        halved = select(even, rest, apply(Prim.MAX, odd, rest) - less) >> 1
        odd, rest = select(even, odd, less), halved
    return select(x.equals(0), y, select(y.equals(0), x, odd * twos))


def _odd_part(x: Scalar) -> Scalar:
    """Return x without its factors of two."""
    width = x.dtype.bits // 2
    while width:
        x = select((x & ((1 << width) - 1)).equals(0), x >> width, x)
        width //= 2
    return x


bitwise_count = unary(BitwiseCount)
gcd = binary(Gcd)
lcm = binary(Lcm)

OPS: tuple[type[Op], ...] = (BitwiseCount, Gcd, Lcm)

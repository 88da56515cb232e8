"""Bits of integers, and logic of bools."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.core.dtypes import BOOL, INTEGERS
from agnesi.loops.nodes import Scalar, apply
from agnesi.loops.prims import Prim
from agnesi.ops.families import ANY, Domain, Elementwise, Op
from agnesi.ops.functions import as_bool, binary, unary

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "invert",
    "left_shift",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "right_shift",
]


class Bitwise(Elementwise):
    """What the bitwise ops share: bool and integers, no gradient."""

    x: Tensor
    y: Tensor

    dtypes = (BOOL, *INTEGERS)
    differentiable = False
    domain = (Domain(-99, 99), Domain(-99, 99))
    prim: ClassVar[Prim]

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(type(self).prim, *operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None


class BitwiseAnd(Bitwise):
    """Bitwise and; logical on bool."""

    public = "bitwise_and"
    commutative = True
    prim = Prim.AND
    reference = np.bitwise_and


class BitwiseOr(Bitwise):
    """Bitwise or; logical on bool."""

    public = "bitwise_or"
    commutative = True
    prim = Prim.OR
    reference = np.bitwise_or


class BitwiseXor(Bitwise):
    """Bitwise exclusive or; logical on bool."""

    public = "bitwise_xor"
    commutative = True
    prim = Prim.XOR
    reference = np.bitwise_xor


class BitwiseLeftShift(Bitwise):
    """``x << y``; 0 for shifts by the width or more."""

    public = "bitwise_left_shift"
    prim = Prim.SHL
    dtypes = INTEGERS
    domain = (Domain(-99, 99), Domain(0, 9, special=(31, 32, 63, 64)))
    reference = np.left_shift


class BitwiseRightShift(Bitwise):
    """``x >> y``; the sign is kept, and is all that is left of shifts by the width or more."""

    public = "bitwise_right_shift"
    prim = Prim.SHR
    dtypes = INTEGERS
    domain = (Domain(-99, 99), Domain(0, 9, special=(31, 32, 63, 64)))
    reference = np.right_shift


class BitwiseInvert(Elementwise):
    """Every bit flipped; logical not on bool."""

    x: Tensor

    public = "bitwise_invert"
    dtypes = (BOOL, *INTEGERS)
    domain = (Domain(-99, 99),)
    differentiable = False
    reference = np.invert

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return ~operands[0]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class LogicalNot(Elementwise):
    """Whether each element is 0."""

    x: Tensor

    public = "logical_not"
    dtype_rule = "logical"
    dtypes = (BOOL,)
    domain = (ANY,)
    differentiable = False
    reference = np.logical_not

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return ~operands[0]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


bitwise_and = binary(BitwiseAnd)
bitwise_or = binary(BitwiseOr)
bitwise_xor = binary(BitwiseXor)
bitwise_left_shift = binary(BitwiseLeftShift)
bitwise_right_shift = binary(BitwiseRightShift)
bitwise_invert = unary(BitwiseInvert)
logical_not = unary(LogicalNot)
bitwise_not = invert = bitwise_invert
left_shift, right_shift = bitwise_left_shift, bitwise_right_shift


def logical_and(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Whether both are not 0.

    >>> ag.logical_and(ag.constant([0, 1, 2]), True).eval()
    array([False,  True,  True])
    """
    return bitwise_and(as_bool(x), as_bool(y))


def logical_or(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Whether either is not 0."""
    return bitwise_or(as_bool(x), as_bool(y))


def logical_xor(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Whether exactly one is not 0."""
    return bitwise_xor(as_bool(x), as_bool(y))


OPS: tuple[type[Op], ...] = (
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
    BitwiseLeftShift,
    BitwiseRightShift,
    BitwiseInvert,
    LogicalNot,
)

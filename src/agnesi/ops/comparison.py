"""Comparisons, element by element: bool arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.loops.nodes import Scalar, apply
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import absolute
from agnesi.ops.families import ANY, Elementwise, Op
from agnesi.ops.functions import binary
from agnesi.ops.lift import as_tensor

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = [
    "equal",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "not_equal",
]


class Comparison(Elementwise):
    """What comparisons share: operands of one dtype, a bool result, no gradient.

    Note: u64 beside a signed integer is compared in float64, where NumPy compares exactly.
    """

    x: Tensor
    y: Tensor

    dtype_rule = "compare"
    differentiable = False
    domain = (ANY, ANY)
    prim: ClassVar[Prim]

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(type(self).prim, *operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None


class Equal(Comparison):
    """``x == y``, element by element."""

    public = "equal"
    commutative = True
    prim = Prim.EQ
    reference = np.equal


class NotEqual(Comparison):
    """``x != y``, element by element."""

    public = "not_equal"
    commutative = True
    prim = Prim.NE
    reference = np.not_equal


class Less(Comparison):
    """``x < y``, element by element."""

    public = "less"
    prim = Prim.LT
    reference = np.less


class LessEqual(Comparison):
    """``x <= y``, element by element."""

    public = "less_equal"
    prim = Prim.LE
    reference = np.less_equal


class Greater(Comparison):
    """``x > y``, element by element."""

    public = "greater"
    prim = Prim.GT
    reference = np.greater


class GreaterEqual(Comparison):
    """``x >= y``, element by element."""

    public = "greater_equal"
    prim = Prim.GE
    reference = np.greater_equal


equal = binary(Equal)
not_equal = binary(NotEqual)
less = binary(Less)
less_equal = binary(LessEqual)
greater = binary(Greater)
greater_equal = binary(GreaterEqual)


def isnan(x: TensorLike, /) -> Tensor:
    """Whether each element is NaN.

    >>> ag.isnan(ag.constant([0.0, np.nan])).eval()
    array([False,  True])
    """
    tensor = as_tensor(x)
    return not_equal(tensor, tensor)


def isinf(x: TensorLike, /) -> Tensor:
    """Whether each element is infinite, of either sign."""
    tensor = as_tensor(x)
    if not tensor.dtype.is_float:
        return not_equal(tensor, tensor)
    return equal(absolute(tensor), np.inf)


def isfinite(x: TensorLike, /) -> Tensor:
    """Whether each element is neither infinite nor NaN."""
    tensor = as_tensor(x)
    if not tensor.dtype.is_float:
        return equal(tensor, tensor)
    return less(absolute(tensor), np.inf)


OPS: tuple[type[Op], ...] = (Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual)

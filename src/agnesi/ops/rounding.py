"""Rounding of floats to whole numbers; integers are themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.core.dtypes import F64, FLOATS, INTEGERS
from agnesi.core.errors import GraphTypeError
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.ops.families import HALVES, IEEE, Domain, Elementwise, Op
from agnesi.ops.functions import as_float, prepare, unary
from agnesi.ops.lift import is_integer

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = ["around", "ceil", "fix", "floor", "rint", "round", "round_half_away_from_zero", "trunc"]


# More is no power of ten that a float holds.
_DECIMALS = 308


class Rounding(Elementwise):
    """What the ways of rounding share."""

    x: Tensor

    differentiable = False
    domain = (Domain(special=(*IEEE, *HALVES)),)
    prim: ClassVar[Prim]

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive; integers are themselves."""
        (x,) = operands
        return apply(type(self).prim, x) if x.dtype.is_float else x

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere."""
        return (None,)


class Floor(Rounding):
    """Largest whole number not above."""

    public = "floor"
    prim = Prim.FLOOR
    reference = np.floor


class Ceil(Rounding):
    """Smallest whole number not below."""

    public = "ceil"
    prim = Prim.CEIL
    reference = np.ceil


class Trunc(Rounding):
    """Whole part, towards 0."""

    public = "trunc"
    prim = Prim.TRUNC
    reference = np.trunc


class Round(Rounding):
    """Nearest whole number; halves go to the even one."""

    public = "round"
    prim = Prim.RINT
    dtypes = (*INTEGERS, *FLOATS)
    reference = np.round


def _away(x: Array) -> Array:
    if x.dtype.kind != "f":
        return x
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(1, x), whole).astype(x.dtype)


class RoundHalfAwayFromZero(Rounding):
    """Nearest whole number; halves go to the one that is farther from 0."""

    public = "round_half_away_from_zero"
    prim = Prim.TRUNC
    dtypes = (*INTEGERS, *FLOATS)
    reference = staticmethod(_away)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The whole part, and one more where half or more is left; integers are themselves."""
        (x,) = operands
        if not x.dtype.is_float:
            return x
        whole = apply(Prim.TRUNC, x)
        farther = whole + apply(Prim.COPYSIGN, x.like(1.0), x)
        return select(abs(x - whole) >= 0.5, farther, whole)


floor = unary(Floor)
ceil = unary(Ceil)
trunc = unary(Trunc)
round_half_away_from_zero = unary(RoundHalfAwayFromZero)
fix = trunc


def round(x: TensorLike, /, decimals: int = 0) -> Tensor:
    """Round to a number of decimals, as ``numpy.round``: halves go to the even neighbour.

    As in NumPy, ``x * 10**decimals`` is rounded and divided again, so that a last digit may be off
    where the product is not exact.  Integers are rounded by negative ``decimals`` only.

    Args:
        x: numbers.
        decimals: a known integer; negative for places before the point.

    Raises:
        GraphTypeError: bools, or ``decimals`` that are no integer.

    >>> ag.round(ag.constant([1.25, -0.75]), 1).eval()
    array([ 1.2, -0.8], dtype=float32)
    >>> ag.round(ag.constant([15, 25, 31]), -1).eval()
    array([20, 20, 30])
    """
    if not is_integer(decimals) or abs(decimals) > _DECIMALS:
        raise GraphTypeError(
            f"round: decimals is a known integer from {-_DECIMALS} to {_DECIMALS}, "
            f"but this is {decimals!r}"
        )
    (tensor,) = prepare(Round, [x])
    if decimals == 0 or (decimals > 0 and not tensor.dtype.is_float):
        return Round(tensor)
    if not tensor.dtype.is_float:
        return round(tensor.astype(F64), decimals).astype(tensor.dtype)
    scale = 10.0 ** abs(decimals)
    return Round(tensor * scale) / scale if decimals > 0 else Round(tensor / scale) * scale


around = round


def rint(x: TensorLike, /) -> Tensor:
    """Round to the nearest whole number, as a float; halves go to the even one."""
    return Round(as_float(x))


OPS: tuple[type[Op], ...] = (Floor, Ceil, Trunc, Round, RoundHalfAwayFromZero)

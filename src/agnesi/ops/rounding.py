"""Rounding of floats to whole numbers; integers are themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.core.dtypes import FLOATS, INTEGERS
from agnesi.loops.nodes import Scalar, apply
from agnesi.loops.prims import Prim
from agnesi.ops.families import HALVES, IEEE, Domain, Elementwise, Op
from agnesi.ops.functions import unary

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

__all__ = ["ceil", "floor", "round", "trunc"]


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


floor = unary(Floor)
ceil = unary(Ceil)
trunc = unary(Trunc)
round = unary(Round)

OPS: tuple[type[Op], ...] = (Floor, Ceil, Trunc, Round)

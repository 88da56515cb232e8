"""Comparisons, element by element: bool arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.core.dtypes import ALL, I64, U64
from agnesi.loops.nodes import Scalar, apply
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import absolute, add, multiply
from agnesi.ops.choice import where
from agnesi.ops.families import ANY, Elementwise, Op
from agnesi.ops.functions import BinaryFunction, binary
from agnesi.ops.lift import (
    as_tensor,
    cast,
    common_dtype,
    is_number,
    lift,
    lift_all,
    strong_dtypes,
)
from agnesi.ops.reductions import all as every

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.graph.tensor import Tensor, TensorLike
    from agnesi.ops.lift import Number

__all__ = [
    "allclose",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "less",
    "less_equal",
    "nan_to_num",
    "not_equal",
]


class Comparison(Elementwise):
    """What comparisons share: operands of one dtype, a bool result, no gradient.

    Attributes:
        prim: the primitive.
        below: the answer where ``x`` is less than ``y``.
        above: the answer where ``x`` is greater.
    """

    x: Tensor
    y: Tensor

    dtype_rule = "compare"
    differentiable = False
    domain = (ANY, ANY)
    prim: ClassVar[Prim]
    below: ClassVar[bool]
    above: ClassVar[bool]

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(type(self).prim, *operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None


class Equal(Comparison):
    """``x == y``, element by element."""

    public = "equal"
    dtypes = ALL
    commutative = True
    prim = Prim.EQ
    below, above = False, False
    reference = np.equal


class NotEqual(Comparison):
    """``x != y``, element by element."""

    public = "not_equal"
    dtypes = ALL
    commutative = True
    prim = Prim.NE
    below, above = True, True
    reference = np.not_equal


class Less(Comparison):
    """``x < y``, element by element."""

    public = "less"
    prim = Prim.LT
    below, above = True, False
    reference = np.less


class LessEqual(Comparison):
    """``x <= y``, element by element."""

    public = "less_equal"
    prim = Prim.LE
    below, above = True, False
    reference = np.less_equal


class Greater(Comparison):
    """``x > y``, element by element."""

    public = "greater"
    prim = Prim.GT
    below, above = False, True
    reference = np.greater


class GreaterEqual(Comparison):
    """``x >= y``, element by element."""

    public = "greater_equal"
    prim = Prim.GE
    below, above = False, True
    reference = np.greater_equal


def _exact(op: type[Comparison]) -> BinaryFunction:
    """Return the public function: u64 beside signed integers is compared exactly, as in NumPy.

    No integer dtype holds both.  A negative number is below all of u64; another fits it.
    """

    def mixed(x: Tensor | Number, y: Tensor | Number) -> Tensor | None:
        kinds = _integer_kind(x), _integer_kind(y)
        if kinds[0] is U64 and kinds[1] is not None and kinds[1].is_signed:
            signed, outcome = as_tensor(y), op.above
            same = op.call(x, signed.astype(U64))
        elif kinds[1] is U64 and kinds[0] is not None and kinds[0].is_signed:
            signed, outcome = as_tensor(x), op.below
            same = op.call(signed.astype(U64), y)
        else:
            return None
        return (signed < 0) | same if outcome else (signed >= 0) & same

    return binary(op, mixed)


def _integer_kind(value: Tensor | Number) -> DType | None:
    """Return the dtype of an integer that keeps it; Python's positive numbers fit u64."""
    if is_number(value):
        return I64 if isinstance(value, int) and value < 0 else None
    return value.dtype if value.dtype.is_integer and strong_dtypes((value,)) else None


equal = _exact(Equal)
not_equal = _exact(NotEqual)
less = _exact(Less)
less_equal = _exact(LessEqual)
greater = _exact(Greater)
greater_equal = _exact(GreaterEqual)


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
    if not tensor.dtype.is_inexact:
        return not_equal(tensor, tensor)
    return equal(absolute(tensor), np.inf)


def isfinite(x: TensorLike, /) -> Tensor:
    """Whether each element is neither infinite nor NaN."""
    tensor = as_tensor(x)
    if not tensor.dtype.is_inexact:
        return equal(tensor, tensor)
    return less(absolute(tensor), np.inf)


def isposinf(x: TensorLike, /) -> Tensor:
    """Whether each element is positive infinity."""
    tensor = as_tensor(x)
    return equal(tensor, np.inf) if tensor.dtype.is_float else isinf(tensor)


def isneginf(x: TensorLike, /) -> Tensor:
    """Whether each element is negative infinity."""
    tensor = as_tensor(x)
    return equal(tensor, -np.inf) if tensor.dtype.is_float else isinf(tensor)


def isclose(
    x: TensorLike,
    y: TensorLike,
    /,
    rtol: TensorLike = 1e-5,
    atol: TensorLike = 1e-8,
    equal_nan: bool = False,
) -> Tensor:
    """Whether each ``x`` is near ``y``: ``abs(x - y) <= atol + rtol * abs(y)``, as NumPy.

    Infinities are near themselves only.

    Args:
        x: numbers.
        y: numbers that they are held against.
        rtol: allowed difference for each unit of ``y``.
        atol: allowed difference besides.
        equal_nan: whether NaN is near NaN.

    Raises:
        GraphTypeError: the shapes do not broadcast.

    >>> ag.isclose(ag.constant([1.0, 1.1]), 1.000001).eval()
    array([ True, False])
    """
    given = lift_all("isclose", (x, y))
    dtype = common_dtype([*given, 1.0])
    a, b = (cast(value, dtype) for value in given)
    allowed = add(atol, multiply(rtol, absolute(b)))
    near = (absolute(a - b) <= allowed) & isfinite(b) | (a == b)
    return near | isnan(a) & isnan(b) if equal_nan else near


def allclose(
    x: TensorLike,
    y: TensorLike,
    /,
    rtol: TensorLike = 1e-5,
    atol: TensorLike = 1e-8,
    equal_nan: bool = False,
) -> Tensor:
    """Whether every ``x`` is near ``y``: a bool scalar; see :func:`agnesi.isclose`."""
    return every(isclose(x, y, rtol, atol, equal_nan))


def nan_to_num(
    x: TensorLike,
    /,
    *,
    nan: TensorLike = 0.0,
    posinf: TensorLike | None = None,
    neginf: TensorLike | None = None,
) -> Tensor:
    """Replace NaN and infinities by numbers, as ``numpy.nan_to_num``; integers are as they are.

    Args:
        x: array.
        nan: in place of NaN.
        posinf: in place of infinity; by default the largest number of the dtype.
        neginf: in place of minus infinity; by default the least number of the dtype.

    Raises:
        GraphTypeError: the shapes do not broadcast.

    >>> ag.nan_to_num(ag.constant([np.nan, 1.0, np.inf]), posinf=9).eval()
    array([0., 1., 9.], dtype=float32)
    """
    tensor = as_tensor(x)
    if not tensor.dtype.is_float:
        return tensor
    ends = np.finfo(tensor.dtype.numpy)
    high = float(ends.max) if posinf is None else posinf
    low = float(ends.min) if neginf is None else neginf
    result = where(isnan(tensor), cast(lift(nan), tensor.dtype), tensor)
    result = where(isposinf(tensor), cast(lift(high), tensor.dtype), result)
    return where(isneginf(tensor), cast(lift(low), tensor.dtype), result)


OPS: tuple[type[Op], ...] = (Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual)

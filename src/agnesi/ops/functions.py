"""Public functions of ops: from what a user passes to the op's node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from agnesi.core.dtypes import BOOL, DEFAULT_FLOAT, F64, floating
from agnesi.core.errors import GraphTypeError
from agnesi.graph.tensor import Tensor, TensorLike
from agnesi.ops.lift import (
    as_tensor,
    broadcast_shape,
    cast,
    cast_all,
    common_dtype,
    fold_sizes,
    is_number,
    lift,
    lift_all,
    operand_lines,
    strong_dtypes,
)
from agnesi.ops.movement import broadcast, restore_axes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.ops.families import Elementwise, Op, Reduction
    from agnesi.ops.lift import Number


def prepare(op: type[Elementwise], values: Sequence[Any]) -> list[Tensor]:
    """Return operands of the dtype and shape that the op computes in.

    Raises:
        GraphTypeError: dtypes the op is not defined for, or shapes that do not broadcast.
    """
    lifted = lift_all(op.public, values)
    if op.dtype_rule == "logical":
        tensors = [as_bool(v) for v in lifted]
    else:
        dtype = _operand_dtype(op, lifted)
        tensors = cast_all(lifted, dtype)
    if len(tensors) == 1:
        return tensors
    shape = broadcast_shape(op.public, op.fields, tensors, lifted)
    return [broadcast(t, shape) for t in tensors]


def _operand_dtype(op: type[Elementwise], values: list[Tensor | Number]) -> DType:
    if op.dtype_rule == "compare":
        values = [_comparable(v, values) for v in values]
    try:
        dtype = common_dtype(values)
    except GraphTypeError as error:
        raise GraphTypeError(f"{op.public}: {error}\n{operand_lines(op.fields, values)}") from None
    if op.dtype_rule in ("floating", "quotient") and not dtype.is_inexact:
        if not strong_dtypes(values):
            sized = any(isinstance(value, Tensor) for value in values)
            dtype = F64 if sized else DEFAULT_FLOAT
        else:
            dtype = F64 if op.dtype_rule == "quotient" else common_dtype(values, floating)
    if dtype not in op.dtypes:
        known = ", ".join(map(str, op.dtypes))
        raise GraphTypeError(
            f"{op.public}: is not defined for {dtype}\n{operand_lines(op.fields, values)}\n"
            f"  it takes {known}; convert with .astype(...)"
        )
    return dtype


def _comparable(value: Tensor | Number, partners: list[Tensor | Number]) -> Tensor | Number:
    """Return an integer that no partner's dtype holds as a constant."""
    if isinstance(value, int) and is_number(value):
        try:
            common_dtype([value, *(p for p in partners if isinstance(p, Tensor))])
        except GraphTypeError:
            return as_tensor(value)
    return value


def as_float(value: Any) -> Tensor:
    """Return the value in the dtype that a floating function computes it in."""
    lifted = lift(value)
    strong = strong_dtypes((lifted,))
    return cast(lifted, floating(strong[0]) if strong else DEFAULT_FLOAT)


def as_bool(value: Any) -> Tensor:
    """Return whether each element is not zero."""
    tensor = as_tensor(value)
    return tensor if tensor.dtype is BOOL else tensor != 0


class UnaryFunction(Protocol):
    """A function of one array."""

    def __call__(self, x: TensorLike, /) -> Tensor:
        """Return the function of each element."""
        ...


class BinaryFunction(Protocol):
    """A function of two arrays that broadcast."""

    def __call__(self, x: TensorLike, y: TensorLike, /) -> Tensor:
        """Return the function of each pair of elements."""
        ...


def unary(op: type[Elementwise]) -> UnaryFunction:
    """Return the public function of an element-wise op of one operand."""

    def function(x: TensorLike, /) -> Tensor:
        folded = fold_sizes(op.size_rule, (x,))
        return op(*prepare(op, [x])) if folded is None else folded

    return _public(op, function)


def binary(
    op: type[Elementwise],
    instead: Callable[[Tensor | Number, Tensor | Number], Tensor | None] | None = None,
) -> BinaryFunction:
    """Return the public function of an element-wise op of two operands.

    Args:
        op: the op.
        instead: is asked first, and may answer by another expression.
    """

    def function(x: TensorLike, y: TensorLike, /) -> Tensor:
        folded = fold_sizes(op.size_rule, (x, y))
        if folded is None and instead is not None:
            folded = instead(*lift_all(op.public, (x, y)))
        return op(*prepare(op, [x, y])) if folded is None else folded

    return _public(op, function)


_F = TypeVar("_F", bound="Callable[..., Tensor]")


def _public(op: type[Op], function: _F) -> _F:
    """Name the function as a user calls it; it stands beside the op's class."""
    function.__name__ = function.__qualname__ = op.public
    function.__module__ = op.__module__
    function.__doc__ = op.__doc__
    return function


def spread_back(reduction: Reduction, reduced: Tensor) -> Tensor:
    """Return a tensor of the reduction's result shape, broadcast to its operand's shape."""
    whole = reduction.x.type.shape
    return broadcast(restore_axes(reduced, reduction.axes) if reduced.ndim else reduced, whole)

"""Arrays made from a shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import DEFAULT_FLOAT, DEFAULT_INTEGER, F64, I64, DType, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, sub
from agnesi.dims.simplify import ceildiv, maximum
from agnesi.graph.tensor import Array, Reader, Sizes, SizeValue, Tensor, TensorLike
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Scalar, index_scalar
from agnesi.ops.choice import astype
from agnesi.ops.families import Op, Reject, Sample
from agnesi.ops.lift import (
    Number,
    as_shape,
    as_size,
    as_tensor,
    cast,
    common_dtype,
    is_integer,
    is_number,
    lift,
    operand_lines,
)
from agnesi.ops.movement import repeat
from agnesi.ops.rounding import ceil

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


class Arange(Op):
    """Integers ``0, 1, ...`` along an axis of a shape."""

    target: Shape
    axis: int

    public = "arange"
    reference = np.arange
    differentiable = False
    samples = (
        Sample((), (5,)),
        Sample((), (2, 7)),
        Sample((), (7, 2, -2)),
        Sample((), (0,)),
        Sample((), (3, 1)),
        Sample((), (-4, 11, 3)),
        Sample((), (4,), {"dtype": np.dtype("float32")}),
    )
    rejects = (
        Reject((), "not 0", (0, 5, 0)),
        Reject((), "finite", (float("inf"),)),
        Reject((), "finite", (0.0, float("nan"))),
        Reject(("f32[2]",), "scalar"),
        Reject(("bool[]",), "scalar"),
        Reject((), "number", ("a",)),
    )

    def infer(self) -> TensorType:
        """i64 in the shape asked for."""
        return TensorType(I64, self.target)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The index itself."""
        return index_scalar(index[self.axis])

    def index_limit(self) -> Size | None:
        """The size of the axis."""
        return self.target[self.axis]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No operands."""
        return ()

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Broadcast NumPy's arange."""
        shape = tuple(map(sizes, self.target))
        along = [1] * len(shape)
        along[self.axis] = shape[self.axis]
        return np.broadcast_to(np.arange(shape[self.axis]).reshape(along), shape)


def arange(
    start: int | float | Tensor,
    /,
    stop: int | float | Tensor | None = None,
    step: int | float | Tensor = 1,
    dtype: Any = None,
) -> Tensor:
    """Return numbers from ``start`` up to (not including) ``stop``, as ``numpy.arange``.

    There are ``ceil((stop - start) / step)`` of them; with a float step, rounding decides whether
    the last one is there, and :func:`agnesi.linspace` is the better choice.

    Args:
        start: first number; alone it is ``stop``, and the first is 0.
        stop: where to end.
        step: distance between neighbours, not 0.
        dtype: element type; by default int64 for integers, else the floats' own, float32 for
            Python floats.

    Each number may be a symbolic scalar.

    Raises:
        GraphTypeError: an argument that is not a finite number or a numeric scalar.

    >>> ag.arange(2, 11, 3).eval()
    array([2, 5, 8])
    >>> ag.arange(0.0, 1.0, 0.25).eval()
    array([0.  , 0.25, 0.5 , 0.75], dtype=float32)
    >>> x = ag.vector("x")
    >>> ag.arange(x.shape[0]).eval({x: [0.5, 0.5, 0.5]})
    array([0, 1, 2])
    """
    first, end = (0, start) if stop is None else (start, stop)
    given = [_number(value) for value in (first, end, step)]
    if is_number(given[2]) and given[2] == 0:
        raise GraphTypeError(f"arange: the step is not 0, but this is {step!r}")
    kind = _arange_dtype(given) if dtype is None else as_dtype(dtype)
    if all(is_integer(v) or (isinstance(v, Tensor) and v.dtype.is_integer) for v in given):
        return _whole_numbers(given, kind)
    return _ramp(given, _count(given), kind)


def _number(value: Any) -> Number | Tensor:
    if isinstance(value, Tensor):
        if value.ndim or value.dtype.is_bool or value.dtype.is_complex:
            raise GraphTypeError(
                "arange: start, stop and step are integers or scalar floats\n"
                f"{operand_lines(('given',), (value,))}"
            )
        return value
    number = value.item() if issubclass(type(value), np.generic) else value
    if not is_number(number) or isinstance(number, bool | complex):
        raise GraphTypeError(
            f"arange: start, stop and step are numbers, but this is {value!r}"
            f" ({type(number).__name__})"
        )
    if not math.isfinite(number):
        raise GraphTypeError(
            f"arange: start, stop and step are finite numbers, but this is {value!r}"
        )
    return as_tensor(value) if isinstance(value, np.floating) else number


def _arange_dtype(given: Sequence[Number | Tensor]) -> DType:
    floats = [v for v in given if isinstance(v, Tensor) and not v.dtype.is_integer]
    if floats:
        return common_dtype(floats)
    return DEFAULT_FLOAT if any(isinstance(v, float) for v in given) else DEFAULT_INTEGER


def _whole_numbers(given: Sequence[Any], dtype: DType) -> Tensor:
    """Return a ramp of integers, which the algebra of sizes counts."""
    low, high = as_size(given[0], "arange"), as_size(given[1], "arange")
    step = given[2]
    if isinstance(step, Tensor):
        return _ramp(given, _count(given), dtype)
    span = sub(high, low) if step > 0 else sub(low, high)
    count = maximum(0, ceildiv(span, abs(step)))
    ramp: Tensor = Arange((count,), 0)
    if step != 1:
        ramp = ramp * int(step)
    if low != 0:
        ramp = ramp + SizeValue(low)
    return ramp.astype(dtype)


def _count(given: Sequence[Any]) -> Size:
    """Return how many numbers there are, as a call finds out."""
    start, stop, step = given
    if all(is_number(v) for v in given):
        return max(0, math.ceil((stop - start) / step))
    if all(is_integer(v) or (isinstance(v, Tensor) and v.dtype.is_integer) for v in given):
        # Integers divide exactly, rounding down: -(-a // b) is a / b rounded up, for either sign.
        down = [cast(v, I64) for v in given]
        return maximum(0, as_size(-((down[0] - down[1]) // down[2]), "arange"))
    wide = [cast(v, F64) for v in given]
    exact = (wide[1] - wide[0]) / wide[2]
    return maximum(0, as_size(ceil(exact).astype(I64), "arange"))


def _ramp(given: Sequence[Any], count: Size, dtype: DType) -> Tensor:
    """Return ``start + k*step``; start and the step are rounded to the dtype first, as in NumPy."""
    start, _, step = given
    if is_number(start) and is_number(step):
        first = dtype.numpy.type(start)
        delta = dtype.numpy.type(start + step) - first
    else:
        wide = DType.I64 if all(_is_whole(v) for v in (start, step)) else F64
        first = cast(start, dtype)
        delta = astype(cast(start, wide) + cast(step, wide), dtype) - first
    return Arange((count,), 0).astype(dtype) * delta + first


def _is_whole(value: Number | Tensor) -> bool:
    return value.dtype.is_integer if isinstance(value, Tensor) else is_integer(value)


def full(shape: Any, fill_value: TensorLike, dtype: Any = None) -> Tensor:
    """Return an array of a shape filled with a value, as ``numpy.full``.

    Args:
        shape: sizes, each an int or a symbolic integer.
        fill_value: what to fill it with; it may be an array that broadcasts to the shape.
        dtype: element type; by default the value's, float32 for a Python float.

    Raises:
        GraphTypeError: the value does not broadcast to the shape, or does not fit the dtype.

    >>> ag.full((2, 2), 0.5).eval()
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """
    return _filled("full", shape, fill_value, dtype)


def zeros(shape: Any, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return an array of zeros, float32 by default."""
    return _filled("zeros", shape, 0, _or_float(dtype))


def ones(shape: Any, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return an array of ones, float32 by default."""
    return _filled("ones", shape, 1, _or_float(dtype))


def empty(shape: Any, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return an array whose elements do not matter: zeros, float32 by default."""
    return _filled("empty", shape, 0, _or_float(dtype))


def full_like(
    x: TensorLike, /, fill_value: TensorLike, dtype: Any = None, *, shape: Any = None
) -> Tensor:
    """Return an array filled with a value, of the shape and dtype of ``x`` unless they are given.

    Args:
        x: array.
        fill_value: what to fill it with; it may be an array that broadcasts to the shape.
        dtype: element type.
        shape: sizes, each an int or a symbolic integer.

    Raises:
        GraphTypeError: the value does not broadcast to the shape, or does not fit the dtype.
    """
    return _like("full_like", x, fill_value, dtype, shape)


def zeros_like(x: TensorLike, /, dtype: Any = None, *, shape: Any = None) -> Tensor:
    """Return zeros, of the shape and dtype of ``x`` unless they are given."""
    return _like("zeros_like", x, 0, dtype, shape)


def ones_like(x: TensorLike, /, dtype: Any = None, *, shape: Any = None) -> Tensor:
    """Return ones, of the shape and dtype of ``x`` unless they are given."""
    return _like("ones_like", x, 1, dtype, shape)


def empty_like(x: TensorLike, /, dtype: Any = None, *, shape: Any = None) -> Tensor:
    """Return zeros: an array like ``x`` whose elements do not matter."""
    return _like("empty_like", x, 0, dtype, shape)


def _like(op: str, x: TensorLike, value: TensorLike, dtype: Any, shape: Any) -> Tensor:
    tensor = as_tensor(x)
    element = _element(value, tensor.dtype if dtype is None else dtype)
    target = tensor.type.shape if shape is None else as_shape(op, shape)
    return repeat(op, element, target)


def _or_float(dtype: Any) -> Any:
    return DEFAULT_FLOAT if dtype is None else dtype


def _filled(op: str, shape: Any, value: TensorLike, dtype: Any) -> Tensor:
    return repeat(op, _element(value, dtype), as_shape(op, shape))


def _element(value: TensorLike, dtype: Any) -> Tensor:
    element = lift(value)
    return cast(element, common_dtype([element]) if dtype is None else as_dtype(dtype))


OPS: tuple[type[Op], ...] = (Arange,)

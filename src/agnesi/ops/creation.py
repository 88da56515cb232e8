"""Arrays made from a shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import DEFAULT_FLOAT, DEFAULT_INTEGER, I64, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, sub
from agnesi.dims.simplify import ceildiv, maximum
from agnesi.graph.tensor import Array, Reader, Sizes, SizeValue, Tensor, TensorLike
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Scalar, index_scalar
from agnesi.ops.families import Op, Reject, Sample
from agnesi.ops.lift import as_shape, as_size, as_tensor, cast, common_dtype, is_integer, lift
from agnesi.ops.movement import repeat

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["arange", "full", "full_like", "ones", "ones_like", "zeros", "zeros_like"]


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
        Reject((), "integer", (2.5,)),
        Reject(("f32[]",), "integer scalar"),
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
    start: int | Tensor,
    /,
    stop: int | Tensor | None = None,
    step: int = 1,
    dtype: Any = DEFAULT_INTEGER,
) -> Tensor:
    """Return the integers from ``start`` up to (not including) ``stop``, as ``numpy.arange``.

    Args:
        start: first integer; alone it is ``stop``, and the first is 0.
        stop: where to end, an int or a symbolic integer.
        step: known distance between neighbours, not 0.
        dtype: element type.

    Raises:
        GraphTypeError: an argument that is not an integer.

    >>> ag.arange(2, 11, 3).eval()
    array([2, 5, 8])
    >>> x = ag.vector("x")
    >>> ag.arange(x.shape[0]).eval({x: [0.5, 0.5, 0.5]})
    array([0, 1, 2])
    """
    first, end = (0, start) if stop is None else (start, stop)
    low, high = as_size(first, "arange"), as_size(end, "arange")
    if not is_integer(step) or step == 0:
        raise GraphTypeError(f"arange: the step is a known integer, not 0, but this is {step!r}")
    span = sub(high, low) if step > 0 else sub(low, high)
    count = maximum(0, ceildiv(span, abs(step)))
    ramp: Tensor = Arange((count,), 0)
    if step != 1:
        ramp = ramp * int(step)
    if low != 0:
        ramp = ramp + SizeValue(low)
    return ramp.astype(dtype)


def full(shape: Any, value: TensorLike, dtype: Any = None) -> Tensor:
    """Return an array of a shape filled with a value, as ``numpy.full``.

    Args:
        shape: sizes, each an int or a symbolic integer.
        value: what to fill it with; it may be an array that broadcasts to the shape.
        dtype: element type; by default the value's, float32 for a Python float.

    Raises:
        GraphTypeError: the value does not broadcast to the shape, or does not fit the dtype.

    >>> ag.full((2, 2), 0.5).eval()
    array([[0.5, 0.5],
           [0.5, 0.5]], dtype=float32)
    """
    return _filled("full", shape, value, dtype)


def zeros(shape: Any, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return an array of zeros, float32 by default."""
    return _filled("zeros", shape, 0, dtype)


def ones(shape: Any, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return an array of ones, float32 by default."""
    return _filled("ones", shape, 1, dtype)


def full_like(x: TensorLike, /, value: TensorLike, dtype: Any = None) -> Tensor:
    """Return an array of the shape (and dtype, by default) of ``x`` filled with a value."""
    tensor = as_tensor(x)
    element = _element(value, tensor.dtype if dtype is None else dtype)
    return repeat("full_like", element, tensor.type.shape)


def zeros_like(x: TensorLike, /, dtype: Any = None) -> Tensor:
    """Return zeros of the shape (and dtype, by default) of ``x``."""
    return full_like(x, 0, dtype)


def ones_like(x: TensorLike, /, dtype: Any = None) -> Tensor:
    """Return ones of the shape (and dtype, by default) of ``x``."""
    return full_like(x, 1, dtype)


def _filled(op: str, shape: Any, value: TensorLike, dtype: Any) -> Tensor:
    return repeat(op, _element(value, dtype), as_shape(op, shape))


def _element(value: TensorLike, dtype: Any) -> Tensor:
    element = lift(value)
    return cast(element, common_dtype([element]) if dtype is None else as_dtype(dtype))


OPS: tuple[type[Op], ...] = (Arange,)

"""Ops that move elements without changing them: their code is an index map."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, divide_exactly, mul, product, sub
from agnesi.dims.simplify import at_least, floordiv, is_nonnegative, mod
from agnesi.graph.leaves import Constant, scalar_constant
from agnesi.graph.tensor import Array, Axes, Reader, Requirement, Sizes, Tensor, TensorLike
from agnesi.graph.types import TensorType, shape_text
from agnesi.ops.families import Movement, Op, Reject, Sample, keep, same_shapes, without_axes
from agnesi.ops.lift import (
    as_axes,
    as_axis,
    as_items,
    as_shape,
    as_size,
    as_tensor,
    is_integer,
    operand_lines,
    unify,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.loops.nodes import Scalar

__all__ = [
    "broadcast_to",
    "expand_dims",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "reshape",
    "specify_shape",
    "squeeze",
    "swapaxes",
    "transpose",
]


class BroadcastTo(Movement):
    """Repeat axes of size 1, and add axes in front, to reach a shape."""

    x: Tensor
    target: Shape

    public = "broadcast_to"
    moves = True
    repeats = True
    reference = np.broadcast_to
    samples = (
        Sample(((3,),), ((2, 3),)),
        Sample(((2, 1, 4),), ((2, 3, 4),)),
        Sample(((),), ((2, 2),)),
        Sample(((1, 1),), ((0, 3),)),
    )
    rejects = (
        Reject(("f32[3]",), "cannot be broadcast", ((2, 4),)),
        Reject(("f32[2, 3]",), "cannot be broadcast", ((3,),)),
    )

    def infer(self) -> TensorType:
        """The shape asked for."""
        return TensorType(self.x.dtype, self.target)

    def source_index(self, index: Shape) -> Shape:
        """Repeated axes read element 0."""
        own = self.x.type.shape
        inner = index[len(index) - len(own) :]
        return tuple(0 if s == 1 else i for s, i in zip(own, inner, strict=True))

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Axes that the operand lacks come behind that of the examples."""
        missing = tuple(range(1, 1 + self.ndim - self.x.ndim))
        return BroadcastTo(restore_axes(operands[0], missing), (size, *self.target))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Sum over the axes that were repeated."""
        own, shape = self.x.type.shape, self.type.shape
        front = len(shape) - len(own)
        repeated = [k for k, s in enumerate(own) if s == 1 and shape[front + k] != 1]
        axes = (*range(front), *(front + k for k in repeated))
        return (restore_axes(ct.sum(axes), tuple(repeated)) if axes else ct,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.broadcast_to(operands[0], tuple(map(sizes, self.type.shape)))

    def requirements(self) -> tuple[Requirement, ...]:
        """Axes that are not repeated keep their size."""
        own = self.x.type.shape
        target = self.type.shape[self.ndim - len(own) :]
        kept = tuple(s if s == 1 else t for s, t in zip(own, target, strict=True))
        return same_shapes((self.x,), kept) + no_negative_sizes(self.type.shape)


def broadcast(x: Tensor, shape: Shape) -> Tensor:
    """Return ``x`` repeated to a shape that it is known to broadcast to."""
    own = x.type.shape
    if len(own) == len(shape) and all(s == t or s != 1 for s, t in zip(own, shape, strict=True)):
        return x
    return BroadcastTo(x, shape)


def filled_like(x: Tensor, value: bool | int | float) -> Tensor:
    """Return a number repeated over the shape of a tensor, of its dtype."""
    return broadcast(scalar_constant(value, x.dtype), x.type.shape)


def uniform_value(x: Tensor) -> bool | int | float | complex | None:
    """Return the number that every element is seen to be, if it is."""
    while isinstance(x, BroadcastTo):
        x = x.x
    return x.number if isinstance(x, Constant) and not x.ndim else None


def broadcast_to(x: TensorLike, shape: Any) -> Tensor:
    """Repeat an array to a shape, as ``numpy.broadcast_to``.

    Args:
        x: array whose sizes equal the last ones of ``shape`` or are 1.
        shape: sizes, each an int or a symbolic integer.

    Raises:
        GraphTypeError: the array does not broadcast to this shape.

    >>> ag.broadcast_to(ag.constant([1.0, 2.0]), (3, 2)).type
    f32[3, 2]
    """
    return repeat("broadcast_to", as_tensor(x), as_shape("broadcast_to", shape))


def specify_shape(x: TensorLike, shape: Any) -> Tensor:
    """Return the array with more known of its shape; each call checks that it is so.

    Args:
        x: the array.
        shape: for each axis its size (an int or a symbolic integer), or None for what is known.

    Raises:
        GraphTypeError: another number of axes, or a size that is known to be another.
        ShapeError: in a call, a size is another.

    >>> x = ag.matrix("x")
    >>> (ag.specify_shape(x, (None, 1)) + ag.zeros((1, 3))).ndim
    2
    """
    tensor = as_tensor(x)
    given = as_items(shape)
    if len(given) != tensor.ndim:
        raise GraphTypeError(
            f"specify_shape: {len(given)} sizes for an array of {tensor.ndim} axes\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    own = tensor.type.shape
    pairs = list(zip(own, given, strict=True))
    wanted = tuple(size if g is None else as_size(g, "specify_shape") for size, g in pairs)
    if any(unify(a, b) is None for a, b in zip(own, wanted, strict=True)):
        raise GraphTypeError(
            f"specify_shape: the shape {shape_text(own)} is not {shape_text(wanted)}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    return tensor if own == wanted else BroadcastTo(tensor, wanted)


def repeat(op: str, tensor: Tensor, target: Shape) -> Tensor:
    """Return a tensor repeated to a shape, for the public function of this name.

    Raises:
        GraphTypeError: the array does not broadcast to this shape.
    """
    own = tensor.type.shape
    fits = len(own) <= len(target) and all(
        s == 1 or unify(s, t) is not None
        for s, t in zip(own, target[len(target) - len(own) :], strict=True)
    )
    if not fits:
        raise GraphTypeError(
            f"{op}: {shape_text(own)} cannot be broadcast to {shape_text(target)}\n"
            f"{operand_lines(('x',), (tensor,))}\n"
            "  each size has to be 1 or equal to the one asked for, counted from the last axis"
        )
    return tensor if own == target else BroadcastTo(tensor, target)


class Transpose(Movement):
    """Axes in another order: axis ``k`` of the result is axis ``order[k]`` of the operand."""

    x: Tensor
    order: tuple[int, ...]

    public = "transpose"
    moves = True
    reference = np.transpose
    samples = (
        Sample(((2, 3),)),
        Sample(((2, 3, 4),), ((1, 2, 0),)),
        Sample(((),)),
        Sample(((0, 3),), ((1, 0),)),
    )
    rejects = (Reject(("f32[2, 3]",), "each axis once", ((0, 0),)),)

    def infer(self) -> TensorType:
        """The sizes in the new order."""
        return TensorType(self.x.dtype, tuple(self.x.type.shape[k] for k in self.order))

    def source_index(self, index: Shape) -> Shape:
        """Put each index back at its own axis."""
        return tuple(index[self.order.index(k)] for k in range(len(self.order)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The inverse order."""
        inverse = tuple(self.order.index(k) for k in range(len(self.order)))
        return (Transpose(ct, inverse),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.transpose(operands[0], self.order)


def transpose(x: TensorLike, *axes: Any) -> Tensor:
    """Reorder axes, as ``numpy.transpose``: reversed, or in the order given.

    Raises:
        GraphTypeError: the order does not name each axis once.

    >>> ag.transpose(ag.input("x", "f32[2, 3]")).type
    f32[3, 2]
    """
    tensor = as_tensor(x)
    if not axes or axes == (None,):
        order = tuple(range(tensor.ndim))[::-1]
    else:
        given = as_items(axes[0]) if len(axes) == 1 else axes
        order = tuple(as_axis("transpose", a, tensor.ndim, tensor) for a in given)
        if sorted(order) != list(range(tensor.ndim)):
            raise GraphTypeError(
                f"transpose: the order {given} has to name each axis once\n"
                f"{operand_lines(('x',), (tensor,))}"
            )
    return tensor if order == tuple(range(tensor.ndim)) else Transpose(tensor, order)


def permute_dims(x: TensorLike, axes: tuple[int, ...]) -> Tensor:
    """Reorder axes; the array API's name of :func:`transpose`."""
    return transpose(x, axes)


def matrix_transpose(x: TensorLike) -> Tensor:
    """Exchange the last two axes."""
    return swapaxes(x, -1, -2)


def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """Exchange two axes."""
    tensor = as_tensor(x)
    order = list(range(tensor.ndim))
    a, b = (as_axis("swapaxes", k, tensor.ndim, tensor) for k in (axis1, axis2))
    order[a], order[b] = b, a
    return transpose(tensor, tuple(order))


def moveaxis(x: TensorLike, source: Any, destination: Any) -> Tensor:
    """Move axes to new positions, as ``numpy.moveaxis``; the others keep their order.

    Raises:
        GraphTypeError: axes that are not there, named twice, or of unequal number.
    """
    tensor = as_tensor(x)
    moved, places = (
        [as_axis("moveaxis", a, tensor.ndim, tensor) for a in as_items(v)]
        for v in (source, destination)
    )
    if len(moved) != len(places) or len(set(moved)) < len(moved) or len(set(places)) < len(places):
        raise GraphTypeError(
            f"moveaxis: source {source} and destination {destination} have to name "
            "the same number of axes, each once"
        )
    order = [k for k in range(tensor.ndim) if k not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        order.insert(place, axis)
    return transpose(tensor, tuple(order))


class ExpandDims(Movement):
    """Insert axes of size 1 at these positions of the result."""

    x: Tensor
    axes: tuple[int, ...]

    public = "expand_dims"
    moves = True
    reference = np.expand_dims
    samples = (Sample(((2, 3),), (0,)), Sample(((2,),), ((0, 2),)), Sample(((),), (-1,)))
    rejects = (Reject(("f32[2]",), "no axis 3", (3,)),)

    def infer(self) -> TensorType:
        """Ones at the new axes."""
        rest = iter(self.x.type.shape)
        ndim = self.x.ndim + len(self.axes)
        shape = tuple(1 if k in self.axes else next(rest) for k in range(ndim))
        return TensorType(self.x.dtype, shape)

    def source_index(self, index: Shape) -> Shape:
        """Drop the new axes."""
        return without_axes(index, self.axes)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Drop the new axes."""
        return (Squeeze(ct, self.axes),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.expand_dims(operands[0], self.axes)


def restore_axes(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return ``x`` with axes of size 1 at these positions of the result."""
    return ExpandDims(x, axes) if axes else x


def expand_dims(x: TensorLike, axis: Any = 0) -> Tensor:
    """Insert axes of size 1, as ``numpy.expand_dims``.

    Raises:
        GraphTypeError: a position that the result does not have.
    """
    tensor = as_tensor(x)
    axes = as_axes("expand_dims", axis, tensor.ndim + len(as_items(axis)))
    return restore_axes(tensor, axes)


class Squeeze(Movement):
    """Drop axes of size 1."""

    x: Tensor
    axes: tuple[int, ...]

    public = "squeeze"
    moves = True
    reference = np.squeeze
    samples = (Sample(((2, 1, 3, 1),)), Sample(((1, 2),), (0,)), Sample(((1,),), (-1,)))
    rejects = (Reject(("f32[2, 1]",), "size 1", (0,)), Reject(("f32[n, 1]",), "size 1", (0,)))

    def infer(self) -> TensorType:
        """The other sizes."""
        return TensorType(self.x.dtype, without_axes(self.x.type.shape, self.axes))

    def source_index(self, index: Shape) -> Shape:
        """Element 0 of the dropped axes."""
        rest = iter(index)
        return tuple(0 if k in self.axes else next(rest) for k in range(self.x.ndim))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Insert the axes again."""
        return (ExpandDims(ct, self.axes),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.squeeze(operands[0], self.axes)


def squeeze(x: TensorLike, axis: Axes = None) -> Tensor:
    """Drop axes of size 1: those named, or all whose size is known to be 1.

    Raises:
        GraphTypeError: an axis named is not known to be of size 1.
    """
    tensor = as_tensor(x)
    shape = tensor.type.shape
    if axis is None:
        axes = tuple(k for k, s in enumerate(shape) if s == 1)
    else:
        axes = as_axes("squeeze", axis, tensor.ndim, tensor)
        if any(shape[k] != 1 for k in axes):
            raise GraphTypeError(
                f"squeeze: axes {axis} are not all known to be of size 1\n"
                f"{operand_lines(('x',), (tensor,))}\n  take an element instead: x[:, 0]"
            )
    return Squeeze(tensor, axes) if axes else tensor


class Reshape(Op):
    """The same elements, in C order, in another shape."""

    x: Tensor
    target: Shape

    dtypes = ALL
    keeps_halves = True

    public = "reshape"
    linear = True
    reference = np.reshape
    samples = (
        Sample(((2, 6),), ((3, 4),)),
        Sample(((2, 3, 4),), ((-1, 4),)),
        Sample(((4,),), ((2, 1, 2),)),
        Sample(((),), ((1, 1),)),
        Sample(((0, 3),), ((3, 0),)),
        Sample(((6,),), (-1,)),
    )
    rejects = (
        Reject(("f32[2, 3]",), "6 elements", ((4, 2),)),
        Reject(("f32[2, 3]",), "only one", ((-1, -1),)),
        Reject(("f32[2, 3]",), "6 elements", ((4, -1),)),
    )

    def infer(self) -> TensorType:
        """The shape asked for."""
        return TensorType(self.x.dtype, self.target)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The element at the same position in C order."""
        flat = ravel(index, self.type.shape)
        return read(0, unravel(flat, self.x.type.shape))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The old shape again."""
        return (Reshape(ct, self.x.type.shape),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.reshape(operands[0], tuple(map(sizes, self.type.shape)))

    def requirements(self) -> tuple[Requirement, ...]:
        """As many elements as before."""
        old, new = self.x.type.size, self.type.size
        signs = no_negative_sizes(self.type.shape)
        if old == new:
            return signs
        words = f"elements of {self.x.type} against {shape_text(self.type.shape)}"
        return (*signs, Requirement("equal", old, new, words))


def no_negative_sizes(shape: Shape) -> tuple[Requirement, ...]:
    """Return the requirement that sizes a user computes are not negative."""
    return tuple(
        Requirement("at_most", 0, size, f"size {k} of {shape_text(shape)}")
        for k, size in enumerate(shape)
        if not is_nonnegative(size)
    )


def ravel(index: Shape, shape: Shape) -> Size:
    """Return the position in C order of an index into a shape."""
    flat: Size = 0
    for i, size in zip(index, shape, strict=True):
        flat = add(mul(flat, size), i)
    return flat


def unravel(flat: Size, shape: Shape) -> Shape:
    """Return the index into a shape of a position in C order."""
    index: list[Size] = []
    for axis in range(len(shape) - 1, 0, -1):
        if shape[axis] in (0, 1):
            index.append(0)
            continue
        index.append(mod(flat, shape[axis]))
        flat = floordiv(flat, shape[axis])
    return (flat, *index[::-1]) if shape else ()


def reshape(x: TensorLike, *shape: Any) -> Tensor:
    """Give the same elements another shape, as ``numpy.reshape`` in C order.

    Args:
        x: array.
        *shape: sizes, or one tuple of them; one may be -1 and is found from the rest.

    Raises:
        GraphTypeError: the numbers of elements are known to differ, or two sizes are -1.

    >>> ag.reshape(ag.input("x", "f32[n, 28, 28]"), (-1, 784)).type
    f32[n, 784]
    """
    tensor = as_tensor(x)
    given = as_items(shape[0]) if len(shape) == 1 else shape
    unknown = [k for k, s in enumerate(given) if is_integer(s) and s == -1]
    if len(unknown) > 1:
        raise GraphTypeError(
            f"reshape: only one size may be -1, but the shape is {given}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    target = list(as_shape("reshape", tuple(1 if k in unknown else s for k, s in enumerate(given))))
    total, rest = tensor.type.size, product(target)
    mismatch = isinstance(total, int) and isinstance(rest, int) and total != rest
    if unknown and rest == 0:
        mismatch = True  # any size would do
    elif unknown and isinstance(total, int) and isinstance(rest, int):
        mismatch = total % rest != 0
    if mismatch:
        raise GraphTypeError(
            f"reshape: {total} elements do not fill the shape {given}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    if unknown:
        quotient, left = divide_exactly(total, rest)
        target[unknown[0]] = quotient if left == 0 else floordiv(total, rest)
    result = tuple(target)
    return tensor if result == tensor.type.shape else Reshape(tensor, result)


class Flip(Movement):
    """Reverse the order of elements along axes."""

    x: Tensor
    axes: tuple[int, ...]

    public = "flip"
    reference = np.flip
    samples = (Sample(((2, 3),)), Sample(((2, 3),), (1,)), Sample(((0, 3),), ((0, 1),)))
    rejects = (Reject(("f32[2]",), "no axis 1", (1,)),)

    def infer(self) -> TensorType:
        """The type of the operand."""
        return self.x.type

    def source_index(self, index: Shape) -> Shape:
        """Count from the end."""
        shape = self.x.type.shape
        return tuple(
            sub(add(shape[k], -1), i) if k in self.axes else i for k, i in enumerate(index)
        )

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flip back."""
        return (Flip(ct, self.axes),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.flip(operands[0], self.axes)


def flip(x: TensorLike, axis: Axes = None) -> Tensor:
    """Reverse the order of elements along axes, all by default."""
    tensor = as_tensor(x)
    axes = as_axes("flip", axis, tensor.ndim, tensor)
    return Flip(tensor, axes) if axes else tensor


def _first(x: Array, *rest: Any) -> Array:
    return x


class Nonempty(Movement):
    """What it is given, where there are elements of something."""

    x: Tensor
    count: Size
    words: str

    public = "nonempty"
    rebuilds_sizes = True
    leading = MappingProxyType({"count": keep})
    reference = staticmethod(_first)
    samples = (Sample(((3,),), (1, "elements")), Sample(((2, 0),), (2, "elements")))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def source_index(self, index: Shape) -> Shape:
        """The same."""
        return index

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent."""
        return (ct,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The operand."""
        return operands[0]

    def requirements(self) -> tuple[Requirement, ...]:
        """There is at least one."""
        if at_least(self.count, 1):
            return ()
        return (Requirement("at_most", 1, self.count, self.words),)


def nonempty(x: Tensor, count: Size, words: str) -> Tensor:
    """Return ``x``; each call checks that a size is not 0.

    Args:
        x: the tensor.
        count: the size, which may be unknown, but is not known to be 0.
        words: what there would be none of, for the error.
    """
    return x if at_least(count, 1) else Nonempty(x, count, words)


OPS: tuple[type[Op], ...] = (
    BroadcastTo,
    Transpose,
    ExpandDims,
    Squeeze,
    Reshape,
    Flip,
    Nonempty,
)

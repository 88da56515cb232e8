"""Repeating and rotating elements along an axis, as index maps: nothing is stored."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import I64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, mul, product, sub
from agnesi.dims.simplify import ceildiv, floordiv, maximum, minimum, mod
from agnesi.graph.tensor import Array, Axes, Requirement, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.ops.creation import zeros
from agnesi.ops.families import Movement, Op, Reject, Sample, keep
from agnesi.ops.lift import (
    as_axis,
    as_items,
    as_shape,
    as_size,
    as_tensor,
    operand_lines,
)
from agnesi.ops.movement import Reshape, broadcast, no_negative_sizes, reshape, restore_axes
from agnesi.ops.movement import repeat as spread_to
from agnesi.ops.padding import Extend
from agnesi.ops.reductions import Sum
from agnesi.ops.searching import repeat_each

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["repeat", "resize", "roll", "tile"]


class Repeat(Movement):
    """Each element along an axis several times: ``a a b b c c``."""

    x: Tensor
    count: Size
    axis: int

    public = "repeat"
    repeats = True
    leading = MappingProxyType({"count": keep})
    reference = np.repeat
    samples = (
        Sample(((2, 3),), (2,)),
        Sample(((2, 3),), (3, 0)),
        Sample(((2, 3),), (2, -1)),
        Sample(((),), (4,)),
        Sample(((3, 0),), (2, 1)),
        Sample(((3, 2),), (0, 0)),
        Sample(((3, 2),), (1, 0)),
    )
    rejects = (
        Reject(("f32[2]",), "no axis 1", (2, 1)),
        Reject(("f32[2]",), "negative", (-1,)),
        Reject(("f32[2]",), "cannot be broadcast", ((1, 2, 3),)),
        Reject(("f32[2]", "f32[2]"), "counts are a vector of integers"),
    )

    def infer(self) -> TensorType:
        """The axis grows by the factor."""
        shape = list(self.x.type.shape)
        shape[self.axis] = mul(shape[self.axis], self.count)
        return TensorType(self.x.dtype, tuple(shape))

    def source_index(self, index: Shape) -> Shape:
        """The index divided by the factor."""
        own = floordiv(index[self.axis], self.count)
        return (*index[: self.axis], own, *index[self.axis + 1 :])

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Sum over the copies of each element."""
        shape = list(self.x.type.shape)
        shape.insert(self.axis + 1, self.count)
        return (Sum(Reshape(ct, tuple(shape)), (self.axis + 1,)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.repeat(operands[0], sizes(self.count), self.axis)

    def requirements(self) -> tuple[Requirement, ...]:
        """The number of copies is not negative."""
        return no_negative_sizes((self.count,))


def repeat(x: TensorLike, /, repeats: TensorLike, axis: int | None = None) -> Tensor:
    """Repeat each element along an axis, as ``numpy.repeat``.

    Args:
        x: array.
        repeats: how many times, an int or a symbolic integer; or a vector with a number for each
            element, so that only a call knows the size of the result.
        axis: the axis; None repeats the flattened array.

    Returns:
        Array whose size along ``axis`` is ``repeats`` times that of ``x``, or their sum.

    Raises:
        GraphTypeError: there is no such axis, or ``repeats`` are no integers, or negative.
        IndexOutOfBounds: in a call, one of several numbers is negative.

    >>> ag.repeat(ag.constant([1, 2]), 2).eval()
    array([1, 1, 2, 2])
    """
    tensor = as_tensor(x)
    if isinstance(repeats, tuple | list | np.ndarray | Tensor):
        counts = as_tensor(repeats)
        if counts.ndim:
            return _each(tensor, counts, axis)
    count = as_size(repeats, "repeat")
    if isinstance(count, int) and count < 0:
        raise GraphTypeError(
            f"repeat: the number of copies cannot be negative, but this is {count}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    if axis is None:
        tensor, axis = reshape(tensor, -1), 0
    along = as_axis("repeat", axis, tensor.ndim, tensor)
    if count == 1:
        return tensor
    if count == 0:
        return tensor[(*(slice(None),) * along, slice(0, 0))]
    return Repeat(tensor, count, along)


def _each(x: Tensor, counts: Tensor, axis: int | None) -> Tensor:
    """Repeat each element as often as its own number says."""
    if axis is None:
        x, axis = reshape(x, -1), 0
    along = as_axis("repeat", axis, x.ndim, x)
    if counts.ndim > 1 or not (counts.dtype.is_integer or counts.dtype.is_bool):
        raise GraphTypeError(
            "repeat: counts are a vector of integers\n"
            f"{operand_lines(('x', 'repeats'), (x, counts))}"
        )
    size = x.type.shape[along]
    return repeat_each(x, spread_to("repeat", counts.astype(I64), (size,)), along)


def tile(x: TensorLike, /, reps: Any) -> Tensor:
    """Repeat a whole array along its axes, as ``numpy.tile``.

    Args:
        x: array.
        reps: how many times along each axis, counted from the last; integers, also symbolic.
            Axes are added in front of ``x`` where there are more numbers than axes.

    Raises:
        GraphTypeError: a number that is not an integer, or is negative.

    >>> ag.tile(ag.constant([1, 2]), (2, 2)).eval()
    array([[1, 2, 1, 2],
           [1, 2, 1, 2]])
    """
    result = as_tensor(x)
    counts = as_shape("tile", reps)
    counts = (1,) * (result.ndim - len(counts)) + counts
    result = restore_axes(result, tuple(range(len(counts) - result.ndim)))
    for axis, count in enumerate(counts):
        result = _repeated(result, axis, count)
    return result


def _repeated(x: Tensor, axis: int, count: Size) -> Tensor:
    shape = x.type.shape
    if count == 1:
        return x
    if count == 0:
        return x[(*(slice(None),) * axis, slice(0, 0))]
    if shape[axis] == 1:
        return broadcast(x, (*shape[:axis], count, *shape[axis + 1 :]))
    return x if shape[axis] == 0 else Extend(x, axis, 0, mul(shape[axis], count), "wrap")


def resize(x: TensorLike, /, new_shape: Any) -> Tensor:
    """Return an array of a new shape, repeating the elements as often as needed.

    As ``numpy.resize``: elements are taken in C order, and an array without elements gives zeros.

    Args:
        x: array; its number of elements has to be known to be none or not none.
        new_shape: sizes, each an int or a symbolic integer.

    Raises:
        GraphTypeError: a size that is not an integer, or is negative.

    >>> ag.resize(ag.constant([1, 2, 3]), (2, 4)).eval()
    array([[1, 2, 3, 1],
           [2, 3, 1, 2]])
    """
    tensor, shape = as_tensor(x), as_shape("resize", new_shape)
    wanted, flat = product(shape), reshape(tensor, -1)
    own = flat.type.shape[0]
    if own == 0:
        return zeros(shape, tensor.dtype)
    if wanted != own:
        flat = _repeated(flat, 0, maximum(1, ceildiv(wanted, own)))
        flat = flat[slice(0, scalar_of(wanted))]
    return reshape(flat, tuple(map(scalar_of, shape)))


class Roll(Movement):
    """Elements shifted along axes; those that leave at one end come in at the other.

    ``shifts`` lie between 0 and the size of their axis.
    """

    x: Tensor
    shifts: Shape
    axes: tuple[int, ...]

    public = "roll"
    leading = MappingProxyType({"shifts": keep})
    reference = np.roll
    samples = (
        Sample(((5,),), (2,)),
        Sample(((5,),), (-7,)),
        Sample(((2, 3),), (1,)),
        Sample(((2, 3),), (2, 1)),
        Sample(((2, 3, 4),), ((1, -2), (0, 2))),
        Sample(((4, 3),), (1, (0, 1))),
        Sample(((4,),), ((1, 2), 0)),
        Sample(((0, 3),), (2, 0)),
        Sample(((),), (2,)),
    )
    rejects = (
        Reject(("f32[2]",), "no axis 1", (2, 1)),
        Reject(("f32[2, 3]",), "as many shifts as axes", ((1, 2, 3), (0, 1))),
        Reject(("f32[2, 3]",), "integer", (0.5,)),
    )

    def infer(self) -> TensorType:
        """The type of the operand."""
        return self.x.type

    def source_index(self, index: Shape) -> Shape:
        """Go back by the shift; from before the first element to the end."""
        own = list(index)
        for axis, shift in zip(self.axes, self.shifts, strict=True):
            # One axis length is added where the index is below 0.
            below = minimum(1, maximum(0, sub(shift, index[axis])))
            back = sub(index[axis], shift)
            own[axis] = add(back, mul(self.x.type.shape[axis], below))
        return tuple(own)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Shift the other way."""
        shape = self.x.type.shape
        back = tuple(sub(shape[a], s) for a, s in zip(self.axes, self.shifts, strict=True))
        return (Roll(ct, back, self.axes),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.roll(operands[0], tuple(map(sizes, self.shifts)), self.axes)


def roll(x: TensorLike, /, shift: Any, axis: Axes = None) -> Tensor:
    """Shift elements along axes; those that leave at one end come in at the other.

    As ``numpy.roll``.

    Args:
        x: array.
        shift: by how many places, of either sign: an int or a symbolic integer, or one for each
            axis.
        axis: the axis or axes; None shifts the flattened array.

    Raises:
        GraphTypeError: there is no such axis, or not as many shifts as axes.

    >>> ag.roll(ag.constant([1, 2, 3, 4]), 1).eval()
    array([4, 1, 2, 3])
    """
    tensor = as_tensor(x)
    if axis is None:
        return reshape(roll(reshape(tensor, -1), shift, 0), tensor.shape)
    axes, given = as_items(axis), as_items(shift)
    if len(axes) != len(given) and 1 not in (len(axes), len(given)):
        raise GraphTypeError(
            f"roll: takes as many shifts as axes, or one, but these are {shift} and {axis}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    count = max(len(axes), len(given)) if axes and given else 0
    total: dict[int, Size] = {}
    for k in range(count):
        along = as_axis("roll", axes[k % len(axes)], tensor.ndim, tensor)
        total[along] = add(total.get(along, 0), as_size(given[k % len(given)], "roll"))
    shape = tensor.type.shape
    shifts = {a: mod(s, shape[a]) for a, s in sorted(total.items()) if shape[a] not in (0, 1)}
    shifts = {a: s for a, s in shifts.items() if s != 0}
    return Roll(tensor, tuple(shifts.values()), tuple(shifts)) if shifts else tensor


OPS: tuple[type[Op], ...] = (Repeat, Roll)

"""What slices and integers take of an array, and the placing that is their transpose."""

from __future__ import annotations

import operator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, INTEGERS
from agnesi.core.errors import GraphIndexError, GraphTypeError
from agnesi.core.record import record
from agnesi.dims.dim import Shape, Size, add, mul, neg, sub
from agnesi.dims.simplify import ceildiv, floordiv, is_nonnegative, maximum, minimum, mod
from agnesi.graph.leaves import scalar_constant
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Guard, Scalar, index_scalar, literal
from agnesi.ops.families import LEADING, Domain, Movement, Op, Reject, Sample
from agnesi.ops.lift import as_size, is_integer, operand_lines
from agnesi.ops.movement import Squeeze, broadcast, restore_axes

if TYPE_CHECKING:
    from collections.abc import Sequence


# Beyond the end of any axis.
_FAR = 2**60


class Slice(Movement):
    """Elements ``start + step*k`` for ``k < size`` along each axis."""

    x: Tensor
    starts: Shape
    steps: tuple[int, ...]
    extents: Shape

    public = "getitem"
    reference = operator.getitem
    samples = (
        Sample(((5, 4),), ((slice(1, 4), slice(None)),)),
        Sample(((7,),), (slice(None, None, -2),)),
        Sample(((5, 6),), ((slice(-3, None), slice(4, 0, -1)),)),
        Sample(((3, 4),), ((2, slice(None, None, 2)),)),
        Sample(((3, 4),), ((Ellipsis, -1),)),
        Sample(((4,),), ((None, slice(10, 20)),)),
        Sample(((2, 3, 4),), ((1, 2, 3),)),
    )
    rejects = (
        Reject(("f32[3]",), "out of bounds", (3,)),
        Reject(("f32[3]",), "too many", ((0, 0),)),
        Reject(("f32[3]",), "step", (slice(None, None, 0),)),
        Reject(("f32[3]",), "integer", ("a",)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Index with brackets."""
        return operands[0][operands[1]]

    def infer(self) -> TensorType:
        """The numbers of elements taken."""
        return TensorType(self.x.dtype, self.extents)

    def source_index(self, index: Shape) -> Shape:
        """``start + step*k``."""
        triples = zip(self.starts, self.steps, index, strict=True)
        return tuple(add(start, mul(i, step)) for start, step, i in triples)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Put the cotangent back where the elements came from, zero elsewhere."""
        return (Place(ct, self.starts, self.steps, self.x.type.shape),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Index with NumPy's slices."""
        return operands[0][_numpy_slices(self.starts, self.steps, self.extents, sizes)]


def _numpy_slices(
    starts: Shape, steps: tuple[int, ...], extents: Shape, sizes: Sizes
) -> tuple[slice, ...]:
    slices: list[slice] = []
    for start, step, extent in zip(starts, steps, extents, strict=True):
        first, count = sizes(start), sizes(extent)
        if not count:
            slices.append(slice(0, 0))
            continue
        stop = first + step * count
        slices.append(slice(first, None if stop < 0 else stop, step))
    return tuple(slices)


class Indexed(Slice):
    """A slice some of whose starts are integer indices that a call has to find within bounds."""

    indexed: tuple[int, ...]

    leading = MappingProxyType({"indexed": LEADING["axes"]})
    samples = (Sample(((5, 4), ())), Sample(((3,), ())))
    rejects = (Reject(("f32[2]", "f32[]"), "an index is an integer"),)
    domain = (Domain(), Domain(-3, 2, dtypes=INTEGERS))

    def requirements(self) -> tuple[Requirement, ...]:
        """Each index lies in its axis."""
        return _starts_within(self.x, self.starts, self.indexed)


def _number(size: Size) -> int:
    return int(str(size))


def _place(x: Array, starts: Shape, steps: tuple[int, ...], target: tuple[int, ...]) -> Array:
    result = np.zeros(target, x.dtype)
    result[_numpy_slices(starts, steps, x.shape, _number)] = x
    return result


class Place(Op):
    """Zeros of a shape with the operand's elements at ``start + step*k``: the slice's transpose."""

    x: Tensor
    starts: Shape
    steps: tuple[int, ...]
    target: Shape

    public = "place"
    linear = True
    dtypes = ALL
    keeps_halves = True
    reference = staticmethod(_place)
    samples = (
        Sample(((2, 3),), ((1, 0), (2, 1), (5, 3))),
        Sample(((3,),), ((4,), (-2,), (5,))),
        Sample(((0, 2),), ((3, 1), (1, 1), (2, 4))),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """The shape asked for."""
        return TensorType(self.x.dtype, self.target)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The operand's element if this index was taken, else zero."""
        inside, where = _taken(self, self.x.type.shape, index)
        return Guard(inside, read(0, where), literal(0, self.dtype))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Take the elements out again."""
        return (Slice(ct, self.starts, self.steps, self.x.type.shape),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Assign into zeros."""
        starts = tuple(map(sizes, self.starts))
        return _place(operands[0], starts, self.steps, tuple(map(sizes, self.target)))


def _taken(node: Place | Replace, sizes: Shape, index: Shape) -> tuple[Scalar, Shape]:
    """Return whether a slice takes the element at an index, and where it puts it."""
    inside: Scalar = literal(True, BOOL)
    where: list[Size] = []
    for i, start, step, size, whole in zip(
        index, node.starts, node.steps, sizes, node.type.shape, strict=True
    ):
        if start == 0 and step == 1 and size == whole:
            where.append(i)
            continue
        offset = sub(i, start) if step > 0 else sub(start, i)
        k = floordiv(offset, abs(step))
        where.append(k)
        at = index_scalar(offset)
        inside = inside & (at >= 0) & (index_scalar(k) < index_scalar(size))
        if abs(step) > 1:
            inside = inside & index_scalar(mod(offset, abs(step))).equals(0)
    return inside, tuple(where)


def _replace(x: Array, y: Array, starts: Shape, steps: tuple[int, ...]) -> Array:
    result = x.copy()
    result[_numpy_slices(starts, steps, y.shape, _number)] = y
    return result


class Replace(Op):
    """``x`` with the elements of ``y`` in place of those at ``start + step*k``.

    Attributes:
        indexed: axes whose start is an integer index, which a call has to find within bounds.
    """

    x: Tensor
    y: Tensor
    starts: Shape
    steps: tuple[int, ...]
    indexed: tuple[int, ...]

    public = "replace"
    leading = MappingProxyType({"indexed": LEADING["axes"]})
    linear = True
    reference = staticmethod(_replace)
    samples = (
        Sample(((5, 3), (2, 3)), ((1, 0), (2, 1))),
        Sample(((5,), (3,)), ((4,), (-2,))),
        Sample(((2, 4), (0, 2)), ((3, 1), (1, 1))),
        Sample(((3, 2), (3, 2)), ((0, 0), (1, 1))),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        x, y, starts, steps = operands
        return cls(x, y, starts, steps, ())

    def infer(self) -> TensorType:
        """The type of ``x``."""
        return self.x.type

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The element of ``y`` if this index was taken, else that of ``x``."""
        inside, where = _taken(self, self.y.type.shape, index)
        return Guard(inside, read(1, where), read(0, index))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the one that is there."""
        zeros = broadcast(scalar_constant(0, self.dtype), self.y.type.shape)
        kept = self.replace(x=ct, y=zeros)
        return kept, Slice(ct, self.starts, self.steps, self.y.type.shape)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Assign into a copy."""
        x, y = operands
        return _replace(x, y, tuple(map(sizes, self.starts)), self.steps)

    def requirements(self) -> tuple[Requirement, ...]:
        """Each index lies in its axis."""
        return _starts_within(self.x, self.starts, self.indexed)


def _starts_within(x: Tensor, starts: Shape, axes: tuple[int, ...]) -> tuple[Requirement, ...]:
    shape = x.type.shape
    return tuple(
        Requirement("index", starts[k], shape[k], f"axis {k} of {x.type}", wrapped=True)
        for k in axes
        if not _is_within(starts[k], shape[k])
    )


@record(frozen=True)
class Window:
    """What slices and integers take of an array.

    Attributes:
        starts: of each axis.
        steps: of each axis.
        extents: how many elements are taken.
        dropped: axes that an integer took one element of.
    """

    starts: Shape
    steps: tuple[int, ...]
    extents: Shape
    dropped: tuple[int, ...]

    def unsafe(self, x: Tensor) -> tuple[int, ...]:
        """Return the axes whose index only a call can check."""
        shape = x.type.shape
        return tuple(k for k in self.dropped if not _is_within(self.starts[k], shape[k]))

    def is_whole(self, x: Tensor) -> bool:
        """Whether everything is taken as it is."""
        moves = any(s != 0 for s in self.starts) or any(s != 1 for s in self.steps)
        return not moves and self.extents == x.type.shape

    def take(self, x: Tensor) -> Tensor:
        """Return the elements, without the dropped axes."""
        result = x
        if not self.is_whole(x):
            fields = (x, self.starts, self.steps, self.extents)
            unsafe = self.unsafe(x)
            result = Indexed(*fields, self.dropped) if unsafe else Slice(*fields)
        return Squeeze(result, self.dropped) if self.dropped else result

    def put(self, x: Tensor, y: Tensor) -> Tensor:
        """Return ``x`` with these elements, which have no dropped axes, in place of its own."""
        whole = restore_axes(y, self.dropped)
        if self.is_whole(x):
            return whole
        return Replace(x, whole, self.starts, self.steps, self.unsafe(x))


def window(x: Tensor, items: Sequence[Any]) -> Window:
    """Return what integers and slices, one for each axis, take; they may be symbolic.

    Raises:
        GraphTypeError: a key that cannot be, or an integer known to be out of bounds.
    """
    starts: list[Size] = []
    steps: list[int] = []
    extents: list[Size] = []
    dropped: list[int] = []
    for axis, (item, size) in enumerate(zip(items, x.type.shape, strict=True)):
        if isinstance(item, slice):
            start, step, extent = slice_range(cast("slice[Any, Any, Any]", item), size)
        else:
            start, step, extent = _integer_index(x, item, axis), 1, 1
            dropped.append(axis)
        starts.append(start)
        steps.append(step)
        extents.append(extent)
    return Window(tuple(starts), tuple(steps), tuple(extents), tuple(dropped))


def _is_within(start: Size, size: Size) -> bool:
    # Of a node that was built anew for known sizes it may be known that it is not.
    return isinstance(start, int) and isinstance(size, int) and 0 <= start < size


def _integer_index(x: Tensor, key: Any, axis: int) -> Size:
    index = as_size(key, "getitem")
    size = x.type.shape[axis]
    most = size if isinstance(size, int) else _FAR
    if isinstance(index, int) and not -most <= index < most:
        raise GraphIndexError(
            f"getitem: index {index} is out of bounds for axis {axis} of size {size}\n"
            f"{operand_lines(('x',), (x,))}"
        )
    return wrap(index, size)


def wrap(index: Size, size: Size) -> Size:
    """Return an index that counts from the front, from one that may be negative."""
    if isinstance(index, int):
        return index if index >= 0 else add(size, index)
    if is_nonnegative(index) or index is sub(size, 1):
        # The last index, size - 1, is negative only where the axis is empty.
        return index
    negative = minimum(1, maximum(0, neg(index)))
    return add(index, mul(negative, size))


def slice_range(key: slice[Any, Any, Any], size: Size) -> tuple[Size, int, Size]:
    """Return start, step and number of elements of a slice of an axis, as Python has it.

    A start that lies beyond the end is left there where there are no elements, so that ``x[1:]``
    and ``x[:-1]`` are seen to have equal sizes, ``max(0, n - 1)``.
    """
    step: Any = 1 if key.step is None else key.step
    if not is_integer(step) or step == 0:
        shown = step if is_integer(step) else repr(step)
        raise GraphTypeError(
            f"getitem: the step of a slice is a known integer, not 0, but this is {shown}"
        )
    step = int(step)
    last = sub(size, 1)

    def bound(value: Any) -> Size | None:
        if value is None:
            return None
        given = as_size(value, "getitem")
        place = wrap(min(max(given, -_FAR), _FAR) if isinstance(given, int) else given, size)
        if isinstance(place, int) or not place.values:
            return place
        # A call may bring any integer: near the axis, differences of two do not overflow.
        low, high = (0, size) if step > 0 else (-1, last)
        return minimum(high, maximum(low, place))

    start, stop = bound(key.start), bound(key.stop)
    if step > 0:
        start = 0 if start is None else maximum(0, start)
        span = sub(size if stop is None else minimum(size, stop), start)
    else:
        start = last if start is None else minimum(last, start)
        span = sub(start, -1 if stop is None else maximum(-1, stop))
    return start, step, maximum(0, ceildiv(span, abs(step)))


OPS: tuple[type[Op], ...] = (Slice, Indexed, Place, Replace)

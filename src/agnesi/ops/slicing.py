"""Basic indexing: slices and integers, and the placing that is their transpose."""

from __future__ import annotations

import operator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from agnesi.core.dtypes import BOOL, INTEGERS
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, mul, neg, sub
from agnesi.dims.simplify import ceildiv, floordiv, is_nonnegative, maximum, minimum, mod
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Guard, Scalar, index_scalar, literal
from agnesi.ops.families import LEADING, Domain, Movement, Op, Reject, Sample
from agnesi.ops.lift import as_items, as_size, is_integer, operand_lines
from agnesi.ops.movement import Squeeze, restore_axes

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
        shape = self.x.type.shape
        return tuple(
            Requirement("index", self.starts[k], shape[k], f"axis {k} of {self.x.type}")
            for k in self.indexed
            if not _is_known(self.starts[k], shape[k])
        )


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
        inside: Scalar = literal(True, BOOL)
        where: list[Size] = []
        for i, start, step, size, whole in zip(
            index, self.starts, self.steps, self.x.type.shape, self.type.shape, strict=True
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
        return Guard(inside, read(0, tuple(where)), literal(0, self.dtype))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Take the elements out again."""
        return (Slice(ct, self.starts, self.steps, self.x.type.shape),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Assign into zeros."""
        starts = tuple(map(sizes, self.starts))
        return _place(operands[0], starts, self.steps, tuple(map(sizes, self.target)))


def getitem(x: Tensor, key: Any) -> Tensor:
    """Index with integers, slices, ``...`` and ``None``; bounds and indices may be symbolic.

    Raises:
        GraphTypeError: a key that cannot be, or an integer known to be out of bounds.
    """
    starts: list[Size] = []
    steps: list[int] = []
    extents: list[Size] = []
    dropped: list[int] = []
    added: list[int] = []
    for item in _full_key(x, key):
        if item is None:
            added.append(len(extents) - len(dropped) + len(added))
            continue
        axis = len(extents)
        size = x.type.shape[axis]
        if isinstance(item, slice):
            start, step, extent = slice_range(cast("slice[Any, Any, Any]", item), size)
        else:
            start, step, extent = _integer_index(x, item, axis), 1, 1
            dropped.append(axis)
        starts.append(start)
        steps.append(step)
        extents.append(extent)
    result = x
    moves = any(s != 0 for s in starts) or any(s != 1 for s in steps)
    if moves or tuple(extents) != x.type.shape:
        fields = (x, tuple(starts), tuple(steps), tuple(extents))
        safe = all(_is_known(starts[k], x.type.shape[k]) for k in dropped)
        result = Slice(*fields) if safe else Indexed(*fields, tuple(dropped))
    result = Squeeze(result, tuple(dropped)) if dropped else result
    return restore_axes(result, tuple(added))


def _full_key(x: Tensor, key: Any) -> list[Any]:
    """Return one item for each axis, and None for each new axis."""
    keys: list[Any] = list(as_items(key)) if isinstance(key, tuple) else [key]
    consumed = sum(k is not None and k is not Ellipsis for k in keys)
    dots = [place for place, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise GraphTypeError("getitem: only one ... may stand in an index")
    if consumed > x.ndim:
        raise GraphTypeError(
            f"getitem: too many indices, {consumed} for {x.ndim} axes\n"
            f"{operand_lines(('x',), (x,))}"
        )
    place = dots[0] if dots else len(keys)
    keys[place : place + 1] = [slice(None)] * (x.ndim - consumed)
    return keys


def _is_known(start: Size, size: Size) -> bool:
    return isinstance(start, int) and isinstance(size, int)


def _integer_index(x: Tensor, key: Any, axis: int) -> Size:
    symbolic = isinstance(key, Tensor) and not key.ndim and key.dtype.is_integer
    if not (symbolic or is_integer(key)):
        shown = str(key.type) if isinstance(key, Tensor) else repr(key)
        chooses = isinstance(key, Tensor) and key.dtype.is_bool
        hint = "\n  choose by a condition with ag.where(condition, x, y)" if chooses else ""
        raise GraphTypeError(
            f"getitem: an index is an integer, a slice, ... or None, but this is {shown}\n"
            f"{operand_lines(('x',), (x,))}" + hint
        )
    index = as_size(key, "getitem")
    size = x.type.shape[axis]
    most = size if isinstance(size, int) else _FAR
    if isinstance(index, int) and not -most <= index < most:
        raise GraphTypeError(
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


OPS: tuple[type[Op], ...] = (Slice, Indexed, Place)

"""Reading and writing elements at indices that are themselves computed: gather and scatter.

The integers are good when they get here: ``bounds.within_bounds`` has seen to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, I64, INTEGERS
from agnesi.core.errors import GraphTypeError
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Assign,
    FromIndex,
    Literal,
    Read,
    Scalar,
    Statement,
    apply,
    fresh_local,
    index_of,
)
from agnesi.loops.prims import Prim
from agnesi.ops.bounds import within_bounds
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange, full
from agnesi.ops.families import (
    Domain,
    LoopOp,
    Memory,
    Op,
    Reject,
    Sample,
    all_in_front,
    same_shapes,
    without_axes,
)
from agnesi.ops.lift import broadcast_sizes, operand_lines
from agnesi.ops.movement import broadcast, moveaxis, reshape
from agnesi.ops.nests import loop_indices, nest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Index, Shape, Size


SIGNED = tuple(d for d in INTEGERS if d.is_signed)


def _index(axes: tuple[int, ...], indices: Sequence[Array]) -> tuple[Any, ...]:
    """Return NumPy's index of the view that has these axes in front."""
    return tuple(i.astype(np.int64) for i in indices[: len(axes)])


def _front(x: Array, axes: tuple[int, ...]) -> Array:
    return np.moveaxis(x, axes, range(len(axes)))


def _gather(x: Array, *rest: Any) -> Array:
    *indices, axes, place = rest
    taken = _front(x, axes)[_index(axes, indices)]
    count = indices[0].ndim
    return np.moveaxis(taken, range(count), range(place, place + count))


class Gather(Op):
    """Elements at integers along some axes; the axes of the integers begin at ``place``."""

    x: Tensor
    indices: tuple[Tensor, ...]
    axes: tuple[int, ...]
    place: int

    public = "gather"
    linear = True
    dtypes = ALL
    keeps_halves = True
    reference = staticmethod(_gather)
    domain = (Domain(), Domain(-3, 2, dtypes=SIGNED))
    samples = (
        Sample(((5, 4), (3,)), ((0,), 0)),
        Sample(((3,), (2, 2)), ((0,), 0)),
        Sample(((2, 3, 4), (6,)), ((1,), 1)),
        Sample(((4, 2, 3), (2, 1), (1, 2)), ((0, 2), 0)),
        Sample(((3, 4), (5,), (5,)), ((1, 0), 0)),
        Sample(((3, 0), (2,)), ((0,), 1)),
        Sample(((3, 2), (0,)), ((0,), 0)),
        Sample(((4,), ()), ((0,), 0)),
    )
    rejects = (Reject(("f32[2]", "f32[1]"), "not defined for f32", ((0,), 0)),)

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node, its integers checked; it has no public function."""
        x, *indices, axes, place = operands
        return gather(x, checked(x, indices, axes), axes, place)

    def infer(self) -> TensorType:
        """The axes of the integers in place of those that they run along."""
        return TensorType(self.x.dtype, _result_shape(self.x, self.indices, self.axes, self.place))

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Read at the integers."""
        end = self.place + self.indices[0].ndim
        inner, rest = index[self.place : end], iter(index[: self.place] + index[end:])
        numbers = {a: index_of(read(k + 1, inner)) for k, a in enumerate(self.axes)}
        found = [numbers[a] if a in numbers else next(rest) for a in range(self.x.ndim)]
        return read(0, tuple(found))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Add the cotangents up where the elements came from."""
        zeros = full(self.x.shape, 0, self.x.dtype)
        spread = Scatter(zeros, self.indices, ct, self.axes, self.place, "add")
        return (spread, *(None for _ in self.indices))

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Integers that are the same for all examples gather along other axes of all of them."""
        x, *indices = operands
        if not any(batched[1:]):
            return Gather(x, tuple(indices), _further(self.axes), self.place + 1)
        spread, axes = all_in_front(indices, batched[1:], size), self.axes
        if batched[0]:
            spread, axes = (_examples(spread[0]), *spread), (0, *_further(axes))
        return moveaxis(Gather(x, spread, axes, self.place), self.place, 0)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return _gather(*operands, self.axes, self.place)

    def index_limit(self) -> Size | None:
        """The operand's."""
        return self.x.index_limit() if isinstance(self.x, Op) else None

    def requirements(self) -> tuple[Requirement, ...]:
        """Integers of one shape."""
        return same_shapes(self.indices, _common(self.indices))


def _further(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axis + 1 for axis in axes)


def _examples(index: Tensor) -> Tensor:
    """Return the number of the example for each integer."""
    return Arange(index.type.shape, 0)


def _common(indices: Sequence[Tensor]) -> Shape:
    return broadcast_sizes([i.type.shape for i in indices]) or ()


def _result_shape(x: Tensor, indices: Sequence[Tensor], axes: tuple[int, ...], place: int) -> Shape:
    rest = without_axes(x.type.shape, axes)
    return rest[:place] + _common(indices) + rest[place:]


def checked(x: Tensor, indices: Sequence[Tensor], axes: Sequence[int]) -> tuple[Tensor, ...]:
    """Return indices of these axes as integers of one shape that are good.

    Raises:
        GraphTypeError: they are no integers, or known to be out of bounds.
    """
    good = [
        within_bounds(i, x.type.shape[a], f"axis {a} of {x.type}", wraps=True)
        for i, a in zip(indices, axes, strict=True)
    ]
    return tuple(broadcast(i, _common(good)) for i in good)


def gather(x: Tensor, indices: tuple[Tensor, ...], axes: tuple[int, ...], place: int) -> Tensor:
    """Return elements of ``x`` at good integers of one shape; their axes begin at ``place``."""
    return Gather(x, indices, axes, place)


# What comes takes the element's place; "set_once": gradients take it that no index recurs.
_SETS = ("set", "set_once")
# How an element and what comes to it become one.
_COMBINE = {"add": Prim.ADD, "multiply": Prim.MUL, "max": Prim.MAX, "min": Prim.MIN}
_OF_BOOL = {"add": Prim.OR, "multiply": Prim.AND, "max": Prim.OR, "min": Prim.AND}
_UFUNCS = {
    "add": np.add,
    "multiply": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def _scatter(x: Array, *rest: Any) -> Array:
    *indices, y, axes, place, how = rest
    count = indices[0].ndim
    result = x.copy()
    view, index = _front(result, axes), _index(axes, indices)
    values = np.moveaxis(y, range(place, place + count), range(count))
    with np.errstate(all="ignore"):
        if how in _SETS:
            view[index] = values
        else:
            _UFUNCS[how].at(view, index, values)
    return result


class Scatter(LoopOp):
    """``x`` with elements put in, or combined with those, at integers along some axes.

    Integers that occur more than once combine with all that comes to them; the last one sets.
    """

    x: Tensor
    indices: tuple[Tensor, ...]
    y: Tensor
    axes: tuple[int, ...]
    place: int
    how: str

    public = "scatter"
    reference = staticmethod(_scatter)
    dtypes = ALL
    # Each operand is read once, however many of them there are.
    streams = tuple(range(64))
    begins_with = 0
    domain = (Domain(), Domain(-3, 2, dtypes=SIGNED), Domain())
    samples = (
        Sample(((5, 4), (3,), (3, 4)), ((0,), 0, "add")),
        Sample(((3,), (2, 4), (2, 4)), ((0,), 0, "set")),
        Sample(((2, 3, 4), (6,), (2, 6, 4)), ((1,), 1, "multiply")),
        Sample(((3, 2), (4,), (2, 4)), ((0,), 1, "max")),
        Sample(((4,), (), ()), ((0,), 0, "add")),
        Sample(((3, 0), (2,), (0, 2)), ((0,), 1, "add")),
        Sample(((3, 2), (0,), (0, 2)), ((0,), 0, "set")),
        Sample(((3, 2), (4,), (4, 2)), ((0,), 0, "min")),
        Sample(((4, 2), (3,), (3, 2)), ((0,), 0, "set")),
        Sample(((7, 2), (1,), (1, 2)), ((0,), 0, "set_once")),
    )
    rejects = (Reject(("f32[2]", "f32[1]", "f32[1]"), "not defined for f32", ((0,), 0, "add")),)
    tolerance = 16.0

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node, its integers checked; it has no public function."""
        x, *indices, y, axes, place, how = operands
        return cls(x, checked(x, indices, axes), y, axes, place, how)

    def infer(self) -> TensorType:
        """The type of ``x``."""
        if self.dtype_has_no_order():
            raise GraphTypeError(
                f"at: {self.how} is not defined for {self.x.dtype}\n"
                f"{operand_lines(('x', 'y'), (self.x, self.y))}"
            )
        return self.x.type

    def dtype_has_no_order(self) -> bool:
        """Whether an extreme is asked for of complex numbers."""
        return self.how in ("max", "min") and self.x.dtype.is_complex

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Once over what comes; each integer is found before the elements that share it."""
        outer = loop_indices(_common(self.indices))
        rest = loop_indices(without_axes(self.x.type.shape, self.axes))
        numbers: dict[int, Size] = {}
        found: list[Statement] = []
        for k, axis in enumerate(self.axes):
            scalar = at.read(k + 1, tuple(outer))
            if not isinstance(scalar, FromIndex | Literal):
                local = fresh_local("at", I64)
                found.append(Assign(local, scalar))
                scalar = Read(local)
            numbers[axis] = index_of(scalar)
        value = at.read(len(self.axes) + 1, self._spread(rest, outer))
        others = iter(rest)
        place = tuple(numbers[a] if a in numbers else next(others) for a in range(self.x.ndim))
        if self.how not in _SETS:
            prims = _OF_BOOL if self.dtype is BOOL else _COMBINE
            value = apply(prims[self.how], at.load(place), value)
        return [*at.begin(), *nest(outer, [*found, *nest(rest, at.store(place, value))])]

    def _spread(self, rest: Sequence[Index], inner: Sequence[Index]) -> Shape:
        return (*rest[: self.place], *inner, *rest[self.place :])

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What was overwritten gets nothing; what was combined, its share."""
        dx, dy = _SHARES[self.how](self, ct)
        return (dx, *(None for _ in self.indices), dy)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The op itself on the tangents, or the transpose of its gradient."""
        if self.how in (*_SETS, "add"):
            return self._on_tangents(tangents)
        return super().jvp(tangents)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Integers that are the same for all examples scatter along other axes of all of them."""
        x, *indices, y = all_in_front(operands, batched, size)
        if not any(batched[1:-1]):
            return self.replace(x=x, y=y, axes=_further(self.axes), place=self.place + 1)
        return self.replace(
            x=x,
            indices=(_examples(indices[0]), *indices),
            y=moveaxis(y, 0, self.place),
            axes=(0, *_further(self.axes)),
        )

    def taken(self, x: Tensor) -> Tensor:
        """Return elements of a tensor like ``x`` at the same integers."""
        return Gather(x, self.indices, self.axes, self.place)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return _scatter(*operands, self.axes, self.place, self.how)

    def requirements(self) -> tuple[Requirement, ...]:
        """Integers of one shape, and an element for each."""
        shape = _result_shape(self.x, self.indices, self.axes, self.place)
        return same_shapes(self.indices, _common(self.indices)) + same_shapes((self.y,), shape)


def _set_share(node: Scatter, ct: Tensor) -> tuple[Tensor, Tensor]:
    zeros = full(node.y.shape, 0, node.dtype)
    return node.replace(x=ct, y=zeros), where(_last(node), node.taken(ct), 0)


def _set_once_share(node: Scatter, ct: Tensor) -> tuple[Tensor, Tensor]:
    zeros = full(node.y.shape, 0, node.dtype)
    return node.replace(x=ct, y=zeros), node.taken(ct)


def _last(node: Scatter) -> Tensor:
    """Return whether each element of ``y`` is the last that comes to its place."""
    shape = node.y.type.shape
    turn = reshape(Arange((node.y.type.size,), 0), tuple(map(scalar_of, shape)))
    none = full(node.x.shape, 0, I64)
    winner = node.replace(x=none, y=turn, how="set")
    return winner.taken(winner) == turn


def _add_share(node: Scatter, ct: Tensor) -> tuple[Tensor, Tensor]:
    return ct, node.taken(ct)


def _multiply_share(node: Scatter, ct: Tensor) -> tuple[Tensor, Tensor]:
    """The product of the others, in which zeros are counted."""
    ones, none = full(node.x.shape, 1, node.dtype), full(node.x.shape, 0, node.dtype)
    zero = node.y == 0
    rest = node.replace(x=ones, y=where(zero, 1, node.y))
    zeros = node.taken(node.replace(x=none, y=zero.astype(node.dtype), how="add"))
    product = node.taken(rest)
    others = where(
        zero, where(zeros == 1, product, 0), where(zeros == 0, product / where(zero, 1, node.y), 0)
    )
    return node.replace(x=ct), node.taken(ct * node.x) * others


def _extreme_share(node: Scatter, ct: Tensor) -> tuple[Tensor, Tensor]:
    """In equal shares to those that are the extreme."""
    stays, wins = node.x == node, node.y == node.taken(node)
    count = node.replace(x=stays.astype(node.dtype), y=wins.astype(node.dtype), how="add")
    share = ct / where(count == 0, 1, count)
    return where(stays, share, 0), where(wins, node.taken(share), 0)


_SHARES = {
    "set": _set_share,
    "set_once": _set_once_share,
    "add": _add_share,
    "multiply": _multiply_share,
    "max": _extreme_share,
    "min": _extreme_share,
}

OPS: tuple[type[Op], ...] = (Gather, Scatter)

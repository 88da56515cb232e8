"""Sorting along an axis, stably, in loops of its own: by digits or by merging, and what follows.

Everything here is the order that ``ArgSort`` finds, and elements taken in that order, so that
gradients go back to where the elements came from.  NaN counts as larger than all numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import BOOL, I64, U8, DType
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Index, Shape, Size, add, fresh_index, mul, product, sub
from agnesi.dims.simplify import at_least, ceildiv, maximum, minimum
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Assign,
    Buffer,
    For,
    Guard,
    If,
    Load,
    Local,
    ParallelFor,
    Read,
    Scalar,
    Statement,
    Store,
    While,
    fresh_local,
    index_of,
    index_scalar,
    literal,
    select,
)
from agnesi.ops.arithmetic import NUMBERS
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Reject, Sample
from agnesi.ops.lift import as_axis, as_items, as_size, as_tensor, operand_lines, unify
from agnesi.ops.movement import repeat, reshape, specify_shape, unravel
from agnesi.ops.radix import Radix, sort_key
from agnesi.ops.taking import take_along_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Sizes, Tensor, TensorLike

__all__ = ["argpartition", "argsort", "lexsort", "partition", "sort", "topk"]

# Elements that are brought in order by insertion, before runs of them are merged.
_RUN = 8
# Lines up to this length are merged; lines at most this many are sorted at once.
_SHORT, _PARTS = 64, 32


def _argsort(x: Array, axis: int = -1, descending: bool = False) -> Array:
    if not descending:
        return np.argsort(x, axis, kind="stable")
    last = x.shape[axis] - 1
    return last - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)


class ArgSort(LoopOp):
    """Positions of the elements along an axis in order; those of equal elements stay in order."""

    x: Tensor
    axis: int
    descending: bool

    public = "argsort"
    reference = staticmethod(_argsort)
    streams = (0,)
    dtypes = (*NUMBERS, BOOL)
    domain = (Domain(-9, 9),)
    differentiable = False
    samples = (
        Sample(((7,),)),
        Sample(((40,),)),
        Sample(((3, 21),)),
        Sample(((21, 3),), (0,)),
        Sample(((2, 9, 2),), (1,), {"descending": True}),
        Sample(((33,),), (), {"descending": True}),
        Sample(((0,),)),
        Sample(((3, 0),), (0,)),
        Sample(((1, 1),)),
        Sample(((2, 130),)),
        Sample(((70, 2),), (0,), {"descending": True}),
    )
    rejects = (
        Reject(("f32[]",), "no axis"),
        Reject(("f32[3]",), "no axis 1", (1,)),
    )

    def infer(self) -> TensorType:
        """An integer for each element."""
        return TensorType(I64, self.x.type.shape)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Lines in scratch memory: long ones by digits, short ones by merging.

        As many lines as there are parts are sorted at once, each part one after the other.
        """
        shape = self.x.type.shape
        count = shape[self.axis]
        others = tuple(size for k, size in enumerate(shape) if k != self.axis)
        lines = product(others)
        parts = minimum(_PARTS, lines)
        part = fresh_index("part", parts)
        each = ceildiv(lines, maximum(1, parts))
        start = mul(part, each)
        within = fresh_index("i", minimum(each, sub(lines, start)))
        where = unravel(add(start, within), others)

        def place(index: Size) -> Shape:
            return (*where[: self.axis], index, *where[self.axis :])

        def put(index: Index, found: Scalar) -> tuple[Statement, ...]:
            return at.store(place(index), found)

        body: list[Statement] = []
        if not at_least(_SHORT, count):
            radix = Radix(at, self.x.dtype, count, (parts, part))
            by_digits = radix.loops(
                lambda i: sort_key(at.read(0, place(i)), descending=self.descending), put
            )
            if at_least(count, _SHORT + 1):
                return (ParallelFor(part, (For(within, tuple(by_digits)),)),)
            body.append(If(index_scalar(count) > _SHORT, tuple(by_digits)))
        here, last = (fresh_index("k", minimum(count, _SHORT)) for _ in range(2))
        kind = U8 if self.x.dtype is BOOL else self.x.dtype
        line = _Line(at, kind, count, (parts, part), self.before)
        key = at.read(0, place(here)).cast(kind)
        merged: tuple[Statement, ...] = (
            For(here, line.insert(key, index_scalar(here))),
            *line.merge(),
            For(last, put(last, line.place_at(index_scalar(last)))),
        )
        body += [If(index_scalar(count) <= _SHORT, merged)] if body else merged
        return (ParallelFor(part, (For(within, tuple(body)),)),)

    def before(self, x: Scalar, y: Scalar) -> Scalar:
        """Return whether ``x`` has to come before ``y``."""
        return precedes(y, x) if self.descending else precedes(x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own, which is stable too."""
        return _argsort(operands[0], self.axis, self.descending)

    def index_limit(self) -> Size | None:
        """The size of the axis."""
        return self.x.type.shape[self.axis]


def precedes(x: Scalar, y: Scalar) -> Scalar:
    """Return whether ``x`` is less than ``y``, or ``y`` alone is NaN."""
    if x.dtype is BOOL:
        return y & ~x
    less = x < y
    return less | (x.equals(x) & y.differs(y)) if x.dtype.is_float else less


class _Line:
    """One line being sorted: keys and their positions, twice, since merging needs a target."""

    def __init__(
        self, at: Memory, kind: DType, count: Size, share: tuple[Size, Size], before: Any
    ) -> None:
        lines, line = share
        self.count, self.before = index_scalar(minimum(count, _SHORT)), before
        size = mul(2, minimum(count, _SHORT))
        self.base = mul(line, size)
        self.keys: Buffer = at.scratch("short_keys", kind, mul(lines, size))
        self.order: Buffer = at.scratch("short_order", I64, mul(lines, size))
        names = "source target width low middle end left right out step"
        self.local = {name: fresh_local(name, I64) for name in names.split()}
        self.key, self.other = fresh_local("key", kind), fresh_local("other", kind)

    def read(self, name: str) -> Scalar:
        """Return the present value of one of the integers."""
        return Read(self.local[name])

    def let(self, name: str, value: Scalar | int) -> Statement:
        """Set one of the integers."""
        local: Local = self.local[name]
        return Assign(local, value if isinstance(value, Scalar) else literal(value, I64))

    def key_at(self, place: Scalar) -> Scalar:
        """Return the key at a place of the memory."""
        return Load(self.keys, add(self.base, index_of(place)))

    def order_at(self, place: Scalar) -> Scalar:
        """Return the position at a place of the memory."""
        return Load(self.order, add(self.base, index_of(place)))

    def place_at(self, place: Scalar) -> Scalar:
        """Return the position that came out at a place of the line."""
        return self.order_at(self.read("source") + place)

    def put(self, place: Scalar, key: Scalar, position: Scalar) -> tuple[Statement, ...]:
        """Store a key and its position."""
        offset = add(self.base, index_of(place))
        return Store(self.keys, offset, key), Store(self.order, offset, position)

    def insert(self, key: Scalar, i: Scalar) -> tuple[Statement, ...]:
        """Insert the next key into its run."""
        out, low = self.read("out"), self.read("low")
        ahead = self.before(Read(self.key), self.key_at(out - 1))
        shift = (
            *self.put(out, self.key_at(out - 1), self.order_at(out - 1)),
            self.let("out", out - 1),
        )
        return (
            Assign(self.key, key),
            self.let("out", i),
            self.let("low", i & -_RUN),
            While(Guard(out > low, ahead, literal(False, BOOL)), shift),
            *self.put(out, Read(self.key), i),
        )

    def merge(self) -> tuple[Statement, ...]:
        """Merge runs, from one half of the memory to the other, until one is left."""
        width, source, target = self.read("width"), self.read("source"), self.read("target")
        one_pass = (
            self.let("low", 0),
            While(self.read("low") < self.count, self.merge_two()),
            self.let("step", source),
            self.let("source", target),
            self.let("target", self.read("step")),
            self.let("width", width * 2),
        )
        return (
            self.let("source", 0),
            self.let("target", self.count),
            self.let("width", _RUN),
            While(width < self.count, one_pass),
        )

    def merge_two(self) -> tuple[Statement, ...]:
        """Merge the run from ``low`` on with the next; of equal keys the left one comes first."""
        low, width = self.read("low"), self.read("width")
        middle, end, out = self.read("middle"), self.read("end"), self.read("out")
        left, right, step = self.read("left"), self.read("right"), self.read("step")
        source, target = self.read("source"), self.read("target")

        def at_most_all(x: Scalar) -> Scalar:
            return select(x < self.count, x, self.count)

        def rest(name: str, limit: Scalar) -> Statement:
            at = self.read(name)
            body = (
                *self.put(target + out, self.key_at(source + at), self.order_at(source + at)),
                self.let(name, at + 1),
                self.let("out", out + 1),
            )
            return While(at < limit, body)

        # No branch on which of the two is less: it could not be foreseen.
        taken = select(step.differs(0), right, left)
        one = (
            Assign(self.key, self.key_at(source + left)),
            Assign(self.other, self.key_at(source + right)),
            self.let("step", self.before(Read(self.other), Read(self.key)).cast(I64)),
            *self.put(
                target + out,
                select(step.differs(0), Read(self.other), Read(self.key)),
                self.order_at(source + taken),
            ),
            self.let("left", left + 1 - step),
            self.let("right", right + step),
            self.let("out", out + 1),
        )
        return (
            self.let("middle", at_most_all(low + width)),
            self.let("end", at_most_all(low + width * 2)),
            self.let("left", low),
            self.let("right", middle),
            self.let("out", low),
            While((left < middle) & (right < end), one),
            rest("left", middle),
            rest("right", end),
            self.let("low", end),
        )


def _line_of(op: str, x: TensorLike, axis: int | None) -> tuple[Tensor, int]:
    tensor = as_tensor(x)
    if axis is None:
        tensor, axis = reshape(tensor, -1), 0
    return tensor, as_axis(op, axis, tensor.ndim, tensor)


def argsort(
    x: TensorLike,
    /,
    axis: int | None = -1,
    kind: str | None = None,
    *,
    descending: bool = False,
    stable: bool = True,
) -> Tensor:
    """Return the positions of the elements in order along an axis, as ``numpy.argsort``.

    Args:
        x: array.
        axis: along which; None sorts the flattened array.
        kind: NumPy's name of a method; all of them are the stable one here.
        descending: largest first.
        stable: equal elements keep their order, in any case.

    Returns:
        i64 of the shape of ``x``.  NaN counts as larger than all numbers.

    Raises:
        GraphTypeError: there is no such axis.

    >>> ag.argsort(ag.constant([3, 1, 2])).eval()
    array([1, 2, 0])
    """
    tensor, along = _line_of("argsort", x, axis)
    return ArgSort(tensor, along, descending)


def sort(
    x: TensorLike,
    /,
    axis: int | None = -1,
    kind: str | None = None,
    *,
    descending: bool = False,
    stable: bool = True,
) -> Tensor:
    """Return the elements in order along an axis, as ``numpy.sort``; arguments as ``argsort``'s.

    >>> ag.sort(ag.constant([3.0, 1.0, 2.0])).eval()
    array([1., 2., 3.], dtype=float32)
    """
    tensor, along = _line_of("sort", x, axis)
    return take_along_axis(tensor, ArgSort(tensor, along, descending), along)


def topk(
    x: TensorLike, k: int | Tensor, /, axis: int = -1, *, largest: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the largest elements along an axis, in order, and their positions.

    Args:
        x: array.
        k: how many; an int or a symbolic integer, not more than there are.
        axis: along which.
        largest: the largest; else the smallest.

    Returns:
        values and positions, with ``k`` for the size of the axis.

    Raises:
        GraphTypeError: there is no such axis, or ``k`` is known to be too large.
        ShapeError: in a call, ``k`` is too large.

    >>> values, positions = ag.topk(ag.constant([3.0, 1.0, 2.0]), 2)
    >>> values.eval(), positions.eval()
    (array([3., 2.], dtype=float32), array([0, 2]))
    """
    tensor, along = _line_of("topk", x, axis)
    count, size = as_size(k, "topk"), tensor.type.shape[along]
    if isinstance(count, int) and (count < 0 or (isinstance(size, int) and count > size)):
        raise GraphTypeError(
            f"topk: {count} elements of {size} are asked for\n{operand_lines(('x',), (tensor,))}"
        )
    order = ArgSort(tensor, along, largest)
    first = order[(*(slice(None),) * along, slice(0, k))]
    if not isinstance(count, int) or not isinstance(size, int):
        first = specify_shape(first, [k if a == along else None for a in range(tensor.ndim)])
    return take_along_axis(tensor, first, along), first


def argpartition(x: TensorLike, kth: Any, /, axis: int | None = -1) -> Tensor:
    """Return positions such that element ``kth`` is where sorting would put it.

    As ``numpy.argpartition``; the elements before and after it are in order here, too.
    """
    tensor, along = _line_of("argpartition", x, axis)
    _check_kth("argpartition", tensor, kth, along)
    return ArgSort(tensor, along, False)


def partition(x: TensorLike, kth: Any, /, axis: int | None = -1) -> Tensor:
    """Return the elements with those less than element ``kth`` before it, the others after it.

    As ``numpy.partition``; the elements before and after it are in order here, too.
    """
    tensor, along = _line_of("partition", x, axis)
    _check_kth("partition", tensor, kth, along)
    return take_along_axis(tensor, ArgSort(tensor, along, False), along)


def _check_kth(op: str, x: Tensor, kth: Any, axis: int) -> None:
    size = x.type.shape[axis]
    for k in as_items(kth):
        place = as_size(k, op)
        if isinstance(place, int) and isinstance(size, int) and not -size <= place < size:
            raise GraphTypeError(
                f"{op}: kth {place} is out of bounds for axis {axis} of size {size}\n"
                f"{operand_lines(('x',), (x,))}"
            )


def _may_have_shape(x: Tensor, shape: Shape) -> bool:
    own = x.type.shape
    return len(own) == len(shape) and all(
        unify(a, b) is not None for a, b in zip(own, shape, strict=True)
    )


def lexsort(keys: Any, /, axis: int = -1) -> Tensor:
    """Return the order by several keys, the last of which comes first, as ``numpy.lexsort``.

    Args:
        keys: a list of arrays of one shape, or an array along whose first axis they lie.
        axis: along which.

    Raises:
        GraphTypeError: no keys, or keys of several shapes.
        ShapeError: in a call, keys of several shapes.

    >>> ag.lexsort([ag.constant([1, 0, 0]), ag.constant([0, 1, 0])]).eval()
    array([2, 0, 1])
    """
    several = as_items(keys) if isinstance(keys, tuple | list) else tuple(as_tensor(keys))
    tensors = [as_tensor(key) for key in several]
    if not tensors:
        raise GraphTypeError("lexsort: takes at least one key")
    shape = tensors[0].type.shape
    if any(not _may_have_shape(key, shape) for key in tensors):
        names = [f"key {k}" for k in range(len(tensors))]
        raise GraphTypeError(f"lexsort: the keys have one shape\n{operand_lines(names, tensors)}")
    # Sizes that are not known to be equal are checked in the call.
    tensors = [repeat("lexsort", key, shape) for key in tensors]
    along = as_axis("lexsort", axis, tensors[0].ndim, tensors[0])
    order = ArgSort(tensors[0], along, False)
    for key in tensors[1:]:
        again = ArgSort(take_along_axis(key, order, along), along, False)
        order = take_along_axis(order, again, along)
    return order


OPS: tuple[type[Op], ...] = (ArgSort,)

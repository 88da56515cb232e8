"""What loop nests of reductions have in common: what is combined, in what, over which loops."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, C64, C128, F32, F64, DType
from agnesi.core.record import field, record
from agnesi.dims.dim import FloorDiv, Index, Mod, fresh_index, mul, product
from agnesi.loops.nodes import Apply, Assign, Load, apply, fresh_local, literal, parts_of
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import sizes_in, substitute_sizes, walk_scalars
from agnesi.lower.elements import loops, store
from agnesi.ops.movement import ravel, unravel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Dim, Shape, Size
    from agnesi.loops.nodes import Buffer, Scalar, Statement
    from agnesi.lower.elements import Writer
    from agnesi.ops.families import Reduction

# Partial sums of this many elements are added up in a wider (or at least another) variable, so
# that a long float sum is about as accurate as pairwise summation.
SUM_BLOCK = 128
# What long sums are cut into, to be added up at once: the parts are added up afterwards.
CHUNK = 1 << 15
WIDER = {F32: F64, C64: C128}
_COMBINE_BOOL = {Prim.ADD: Prim.OR, Prim.MUL: Prim.AND, Prim.MAX: Prim.OR, Prim.MIN: Prim.AND}


@record()
class Room:
    """Memory that a kernel wants besides what it is given.

    Attributes:
        scratch: memory of the program, with how many elements.
        private: memory of one iteration of a parallel loop.
    """

    scratch: dict[Buffer, Size] = field(default_factory=dict["Buffer", "Size"])
    private: dict[Buffer, int] = field(default_factory=dict["Buffer", int])


class Combination:
    """Elements that are combined over some of their loops.

    Attributes:
        indices: a loop for each axis of the operand.
        axes: those that are combined.
        value: the element there.
        prim: what combines.
    """

    def __init__(
        self, node: Reduction, writer: Writer, targets: Sequence[Buffer], room: Room
    ) -> None:
        self.node, self.targets, self.room = node, targets, room
        self.indices = loops(node.x.type.shape)
        self.axes = node.axes
        self.value = writer.element(node.x, tuple(self.indices))
        self.prim = combination(node)

    @property
    def dtype(self) -> DType:
        """The dtype of the elements, and of the result."""
        return self.value.dtype

    @property
    def wide(self) -> DType:
        """The dtype in which many elements are combined."""
        return WIDER.get(self.dtype, self.dtype) if self.prim is Prim.ADD else self.dtype

    @property
    def unit(self) -> Scalar:
        """The value that changes nothing, of the wide dtype."""
        return literal(0, self.wide) if self.wide is not self.dtype else self.node.unit()

    @property
    def kept(self) -> list[Index]:
        """Loops of the axes that stay."""
        return [i for k, i in enumerate(self.indices) if k not in self.axes]

    @cached_property
    def weight(self) -> int:
        """How many operations and loads an element takes."""
        every = walk_scalars(parts_of(self.value))
        return sum(isinstance(s, Apply | Load) for s in every)

    def combine(self, x: Scalar, y: Scalar) -> Scalar:
        """Return two values as one."""
        return apply(self.prim, x, y)

    def unroll(self, indices: Sequence[Index]) -> Scalar:
        """Return the value of all turns of some loops, whose numbers are known, in one."""
        values = [self.value]
        for index in indices:
            every = range(int(str(index.extent)))
            values = [substitute_sizes(v, {index: k}) for v in values for k in every]
        return self.all_of(values) if values else self.node.unit()

    def all_of(self, values: Sequence[Scalar]) -> Scalar:
        """Return several values as one, pair by pair."""
        values = list(values)
        while len(values) > 1:
            odd = values[len(values) & ~1 :]
            values = [self.combine(x, y) for x, y in zip(values[::2], values[1::2], strict=False)]
            values += odd
        return values[0]

    def put(self, where: dict[Dim, Size], value: Scalar) -> list[Statement]:
        """Return the stores of a result, given what the loops of the kept axes are."""
        index: Shape = tuple(where.get(i, i) for i in self.kept)
        offset = ravel(index, self.node.type.shape)
        return [s for buffer in self.targets for s in store(buffer, offset, value)]


def combination(node: Reduction) -> Prim:
    """Return the primitive that combines the elements of a reduction's operand."""
    if node.x.dtype is BOOL:
        return _COMBINE_BOOL.get(node.combine, node.combine)
    return node.combine


@record()
class Flat:
    """Loops as one, where they walk through memory as one does.

    Attributes:
        indices: loops; the last is what some of the given ones are now.
        where: what the given loops are.
        value: an expression, in terms of ``indices``.
    """

    indices: list[Index]
    where: dict[Dim, Size]
    value: Scalar


def flatten(indices: Sequence[Index], value: Scalar) -> Flat:
    """Return one loop instead of several, from the innermost on, as far as offsets allow."""
    left, where = list(indices), dict["Dim", "Size"]()
    while len(left) > 1:
        outer, inner = left[-2:]
        flat = fresh_index(inner.name, mul(outer.extent, inner.extent))
        first, second = unravel(flat, (outer.extent, inner.extent))
        found = substitute_sizes(value, {outer: first, inner: second})
        sizes = sizes_in([Assign(fresh_local("v", v.dtype), v) for v in parts_of(found)])
        if any(divides(size, flat) for size in sizes):
            break
        left[-2:], value = [flat], found
    here = left[-1:]
    for index, place in zip(
        indices[len(left) - 1 :],
        unravel(here[0], tuple(i.extent for i in indices[len(left) - 1 :])) if here else (),
        strict=True,
    ):
        where[index] = place
    return Flat(left, where, value)


def divides(size: Size, index: Index) -> bool:
    """Whether an offset mentions a quotient or remainder of an index."""
    atoms = () if isinstance(size, int) else size.atoms
    return any(isinstance(a, FloorDiv | Mod) and index in a.atoms for a in atoms)


def is_long(indices: Sequence[Index], most: int = SUM_BLOCK) -> bool:
    """Whether the loops together may run over more elements than are added up in one variable."""
    count = product(index.extent for index in indices)
    return not isinstance(count, int) or count > most

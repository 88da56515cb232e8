"""Rows: what one kernel can compute for each row while the row is in the cache.

A kernel over rows has loops over some axes (the *rows*) around loops over the others (the
*columns*), of which the last axis is one.  Its members are reductions over just the columns,
element-wise nodes with a value for each row, and element-wise nodes with a value for each element.
Members read each other within a row only.

   max(x, -1), exp(x - max), sum(exp, -1), exp / sum:    three loops over the columns of each row

Mostly the columns are the trailing axes.  In a batch of images with channels first, [n, c, h, w], a
channel is a row with the columns (n, h, w): what batch norm does to it is done in the cache.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.core.record import record
from agnesi.dims.dim import product
from agnesi.graph.text import op_name
from agnesi.loops.nodes import (
    Apply,
    Buffer,
    Call,
    Complex,
    FromIndex,
    Guard,
    Load,
    Local,
    Read,
    Scalar,
    fresh_buffer,
    fresh_local,
)
from agnesi.loops.prims import MATH, Prim
from agnesi.loops.traverse import children_of, walk_scalars
from agnesi.lower.elements import Writer, loops
from agnesi.ops.families import Reduction
from agnesi.ops.movement import ravel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Tensor

# With fewer rows than this, long ones are left to reductions that several threads can share.
_FEW_ROWS, _LONG_ROW = 16, 1 << 15
# Shorter stretches of a row that is apart in memory are left to reductions of several at once.
_STRETCH = 64
# Costs in additions of a function, a quotient, a procedure.
_FUNCTION, _QUOTIENT, _PROCEDURE = 12, 4, 50
# What costs no more is computed again rather than kept.
CHEAP = 4


class Kind(Enum):
    """What a member of a group of rows is."""

    REDUCTION = "reduction"  # of the columns
    ROW = "row"  # a number for each row
    ELEMENT = "element"  # a number for each element


@record()
class Member:
    """A node that a kernel over rows computes.

    Attributes:
        node: which.
        kind: what it is.
        value: its value, of a reduction its operand's, at the row and column of the kernel.
        parts: the variables that hold it: for the row, or for the element in a loop.
        needs: members that the value reads.
        loop: the first of the loops over columns that can compute it; after which it is there, of
            a number for each row.
    """

    node: Tensor
    kind: Kind
    value: Scalar
    parts: tuple[Local, ...]
    needs: tuple[Member, ...] = ()
    loop: int = 0

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def read(self) -> Scalar:
        """The value of the variables."""
        first, *rest = map(Read, self.parts)
        return Complex(first, rest[0], self.node.dtype) if rest else first


class _UnalignedError(Exception):
    """A member is read at another row or column than the kernel's."""


class Rows:
    """Members of one kernel over rows, in a valid order.

    Attributes:
        shape: of an element.
        over: the axes that are columns.
        rows: sizes of the other axes.
        columns: sizes of the axes that are columns.
        row: the index of the kernel's row.
        column: the index of the kernel's column.
        members: by node.
        owners: members by their variables.
        read: buffers that members read along the columns.
    """

    def __init__(
        self, shape: Shape, over: tuple[int, ...], buffers: Mapping[Tensor, Buffer]
    ) -> None:
        self.shape, self.over = shape, over
        self.rows, self.columns = self.split(shape)
        self.members: dict[Tensor, Member] = {}
        # An axis of size 1 is read at 0.
        self.whole: Shape = tuple(0 if i.extent == 1 else i for i in loops(shape))
        self.row, self.column = self.split(self.whole)
        self.writer = _RowWriter(buffers, self)
        self.owners: dict[Local, Member] = {}
        self.read: set[Buffer] = set()

    def split(self, whole: Shape) -> tuple[Shape, Shape]:
        """Return the parts of a shape or an index that belong to rows and to columns."""
        own = tuple(s for k, s in enumerate(whole) if k not in self.over)
        return own, tuple(whole[k] for k in self.over)

    def on(self, nodes: Iterable[Tensor], buffers: Mapping[Tensor, Buffer]) -> Rows:
        """Return the same rows over other memory.

        Raises:
            CompilerBug: a node does not fit among the others.
        """
        found = Rows(self.shape, self.over, buffers)
        for node in nodes:
            if found.admit(node) is None:
                raise CompilerBug(f"{node!r} is no member of rows {self.rows} of {self.columns}")
        return found

    def kind_of(self, node: Tensor) -> Kind | None:
        """Return what a node could be here."""
        if isinstance(node, Reduction):
            mine = node.x.type.shape == self.shape and node.axes == self.over
            paired = node.dtype.is_complex and node.combine is not Prim.ADD
            return Kind.REDUCTION if mine and not paired else None
        if node.type.shape == self.shape:
            return Kind.ELEMENT
        kept = tuple(1 if k in self.over else s for k, s in enumerate(self.shape))
        return Kind.ROW if node.type.shape in (self.rows, kept) else None

    def place(self, kind: Kind, node: Tensor) -> Shape:
        """Return the index of the element of a node that belongs to the kernel's place."""
        if kind is Kind.ELEMENT:
            return self.whole
        if node.ndim == len(self.row):
            return self.row
        return tuple(0 if k in self.over else i for k, i in enumerate(self.whole))

    def offset(self, member: Member) -> Size:
        """Return where the kernel's element of a member lies."""
        return ravel(self.place(member.kind, member.node), member.node.type.shape)

    def admit(self, node: Tensor) -> Member | None:
        """Take a node as a member, if it reads the others within a row only."""
        member = self.draft(node)
        if member is not None:
            self.take(member)
        return member

    def take(self, member: Member) -> None:
        """Make a draft a member."""
        self.members[member.node] = member
        self.owners.update(dict.fromkeys(member.parts, member))
        self.read |= self.streams(member)

    def draft(self, node: Tensor) -> Member | None:
        """Return what a node would be as a member."""
        kind = self.kind_of(node)
        if kind is None:
            return None
        try:
            value = self.value(kind, node)
        except _UnalignedError:
            return None
        read = dict.fromkeys(
            self.owners[s.local]
            for s in walk_scalars([value])
            if isinstance(s, Read) and s.local in self.owners
        )
        if kind is Kind.ROW and any(m.kind is Kind.ELEMENT for m in read):
            return None
        after = max((m.loop for m in read if m.kind is not Kind.ELEMENT), default=0)
        within = max((m.loop for m in read if m.kind is Kind.ELEMENT), default=1)
        loop = after if kind is Kind.ROW else max(after + 1, within)
        count = 2 if node.dtype.is_complex else 1
        name = op_name(node)
        parts = tuple(fresh_local(name, node.dtype.real) for _ in range(count))
        return Member(node, kind, value, parts, tuple(read), loop)

    def value(self, kind: Kind, node: Tensor) -> Scalar:
        """Return the value of a node, of a reduction its operand's."""
        if isinstance(node, Reduction):
            return self.writer.element(node.x, self.whole)
        place = self.place(kind, node)
        self.writer.inside = frozenset({node})
        value = self.writer.element(node, place)
        # Others are to read the variable.
        del self.writer.known[node, place]
        return value

    def streams(self, member: Member) -> set[Buffer]:
        """Return the buffers that a member reads along the columns."""
        return {
            s.buffer
            for s in walk_scalars([member.value])
            if isinstance(s, Load) and _mentions(s.offset, self.column)
        }

    def cost(self, member: Member) -> int:
        """Return about how many additions computing a member takes for each column."""
        return cost_of(member.value, self.varies)

    def varies(self, scalar: Scalar) -> bool:
        """Whether a leaf of an expression is another one in each column."""
        match scalar:
            case Load(_, offset):
                return _mentions(offset, self.column)
            case FromIndex(size):
                return _mentions(size, self.column)
            case Read(local):
                owner = self.owners.get(local)
                return owner is not None and owner.kind is Kind.ELEMENT
            case _:
                return False


class _RowWriter(Writer):
    """A writer that reads members from variables, at the kernel's row and column."""

    def __init__(self, buffers: Mapping[Tensor, Buffer], rows: Rows) -> None:
        super().__init__(buffers)
        self.rows = rows

    def given(self, node: Tensor, where: Shape) -> Scalar | None:
        member = self.rows.members.get(node)
        if member is None:
            return super().given(node, where)
        if where == self.rows.place(member.kind, node):
            return member.read
        if member.kind is Kind.REDUCTION or self.rows.cost(member) > CHEAP:
            raise _UnalignedError
        return None


def cost_of(value: Scalar, varies: Callable[[Scalar], bool]) -> int:
    """Return about how many additions the part of an expression takes that is not constant."""
    total = 0
    changing: dict[Scalar, bool] = {}
    stack = [value]
    while stack:
        scalar = stack[-1]
        if scalar in changing:
            stack.pop()
            continue
        waiting = [c for c in children_of(scalar) if c not in changing]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        changing[scalar] = varies(scalar) or any(changing[c] for c in children_of(scalar))
        total += _weight(scalar) if changing[scalar] else 0
    return total


def _weight(scalar: Scalar) -> int:
    match scalar:
        case Call():
            return _PROCEDURE
        case Apply(prim, _, _):
            quotient = prim in (Prim.DIV, Prim.SQRT, Prim.FLOORDIV, Prim.MOD)
            return _FUNCTION if prim in MATH else _QUOTIENT if quotient else 1
        case Guard():
            return 1
        case _:
            return 0


def _mentions(size: Size, indices: Shape) -> bool:
    return not isinstance(size, int) and any(i in size.atoms for i in indices)


class StandIns(dict["Tensor", Buffer]):
    """Buffers of nodes, before memory is given out: each node that has memory gets one."""

    def __init__(self, has_memory: Callable[[Tensor], bool]) -> None:
        super().__init__()
        self.has_memory = has_memory

    def __contains__(self, node: object) -> bool:
        return super().__contains__(node) or self.has_memory(node)  # type: ignore[arg-type]

    def __missing__(self, node: Tensor) -> Buffer:
        self[node] = buffer = fresh_buffer("?", node.dtype.real)
        return buffer


def rows_of(
    node: Reduction, has_memory: Callable[[Tensor], bool], before: Iterable[Tensor] = ()
) -> Rows | None:
    """Return rows that end with a reduction, where it is one over the last axis.

    Args:
        node: the reduction.
        has_memory: whether a node is stored.
        before: members that come before it, some of which it reads.
    """
    shape, axes = node.x.type.shape, node.axes
    if len(axes) == len(shape) or not axes or axes[-1] != len(shape) - 1:
        return None
    found = Rows(shape, axes, StandIns(has_memory))
    if all(c == 1 for c in found.columns) or not _worth_it(found):
        return None
    every = [*before, node]
    return found if all(found.admit(member) is not None for member in every) else None


def _worth_it(rows: Rows) -> bool:
    many, long = product(rows.rows), product(rows.columns)
    few = isinstance(many, int) and many < _FEW_ROWS
    if few and not (isinstance(long, int) and long <= _LONG_ROW):
        return False
    first = len(rows.shape)
    while first - 1 in rows.over:
        first -= 1
    stretch = product(rows.shape[first:])
    apart = rows.over[0] < first
    return not apart or not isinstance(stretch, int) or stretch >= _STRETCH

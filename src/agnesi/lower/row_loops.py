"""Write the loop nest of a kernel over rows.

before: softmax as max, exp, sum, divide, each over all of memory
after:  for i < n:
          for j < m: top max= x[i, j]
          for j < m: exp = exp(x[i, j] - top); out[i, j] = exp; sum += exp
          for j < m: out[i, j] = out[i, j] / sum

A loop over columns computes what needs no later row value; an element that a later loop needs again
is computed again where that is cheap, else kept: in its own memory, in the memory of a result that
it leads to, or in memory of the row.  Rows of few columns are written out, so that the loop over
rows is the innermost one and takes the vectors.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64
from agnesi.core.errors import CompilerBug
from agnesi.core.record import record
from agnesi.dims.dim import Dim, Index, add, fresh_index, mul, product
from agnesi.dims.simplify import ceildiv, minimum, substitute
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    Complex,
    For,
    Load,
    ParallelFor,
    Read,
    Scalar,
    Statement,
    apply,
    fresh_buffer,
    fresh_local,
    literal,
    parts_of,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import (
    map_statement,
    rebuild_scalar,
    sizes_in,
    substitute_sizes,
    walk_scalars,
)
from agnesi.lower.combine import SUM_BLOCK, Room, combination, divides, is_long
from agnesi.lower.elements import load, nest, store
from agnesi.lower.rows import CHEAP, Kind, Member, Rows
from agnesi.ops.families import Reduction
from agnesi.ops.movement import ravel, unravel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Tensor
    from agnesi.loops.nodes import Buffer, Local

# Rows of as many columns are written out, where that is no more work than this in all.
SHORT, _WRITTEN_OUT = 16, 1000
# Bytes of a row's own memory, all of which should stay in the first cache.
_OWN = 1 << 14


def write_rows(
    rows: Rows,
    nodes: Sequence[Tensor],
    buffers: Mapping[Tensor, Buffer],
    targets: Mapping[Tensor, Sequence[Buffer]],
    room: Room,
) -> tuple[Statement, ...]:
    """Return the loops of a group of rows.

    Args:
        rows: of the group, as it was put together.
        nodes: its members.
        buffers: memory of every stored node and leaf.
        targets: buffers that members are written to; none of those that only members read.
        room: takes the memory that is wanted besides.
    """
    plan = Plan(rows.on(nodes, buffers), targets, room)
    short = is_short(plan.rows)
    body = plan.written_out() if short else plan.looped()
    return _over_rows([i for i in plan.rows.row if isinstance(i, Index)], body, short=short)


def _over_rows(
    indices: list[Index], body: list[Statement], *, short: bool
) -> tuple[Statement, ...]:
    """Return parallel loops over rows around a body: no row touches what another one writes."""
    if not indices:
        return tuple(body)
    if len(indices) > 1:
        indices, body = _as_one(indices, body)
    if len(indices) > 1 and not short:
        extents = tuple(i.extent for i in indices)
        flat = fresh_index("row", product(extents))
        where = unravel(flat, extents)
        body = _moved(body, dict(zip(indices, where, strict=True)))
        indices = [flat]
    return (ParallelFor(indices[0], nest(indices[1:], body)),)


def is_short(rows: Rows) -> bool:
    """Whether the columns are written out."""
    columns = product(rows.columns)
    if not isinstance(columns, int) or not 0 < columns <= SHORT:
        return False
    return columns * sum(rows.cost(m) for m in rows.members.values()) <= _WRITTEN_OUT


def may_write_over(
    rows: Rows,
    nodes: Sequence[Tensor],
    buffers: Mapping[Tensor, Buffer],
    targets: Mapping[Tensor, Sequence[Buffer]],
    written: tuple[Tensor, Buffer],
) -> bool:
    """Whether a member may be written over what a buffer holds, as far as its own kernel goes."""
    plan = Plan(rows.on(nodes, buffers), targets, Room())
    return plan.may_write_over(plan.rows.members[written[0]], written[1])


class Plan:
    """Which loop computes what, and where elements wait for a later one.

    Attributes:
        rows: the members.
        targets: buffers that members are written to.
        room: takes the memory that is wanted besides.
        used: the loops that need each element; the one that computes a reduction.
        kept: the buffer that holds an element for later loops.
        hosting: memory of results that holds other elements before.
        loaded: buffers that are read besides.
    """

    def __init__(self, rows: Rows, targets: Mapping[Tensor, Sequence[Buffer]], room: Room) -> None:
        self.rows, self.targets, self.room = rows, targets, room
        self.used: dict[Member, set[int]] = {}
        self.kept: dict[Member, Buffer] = {}
        self.hosting: set[Buffer] = set()
        self.members = list(self.rows.members.values())
        self.elements = [m for m in self.members if m.kind is Kind.ELEMENT]
        self.loaded = {
            s.buffer for m in self.members for s in walk_scalars([m.value]) if isinstance(s, Load)
        }
        self.decide()

    def decide(self) -> None:
        """Go through the members from the last to the first."""
        for member in self.members:
            if member.kind is Kind.REDUCTION:
                self.used[member] = {member.loop}
                self.use(member.needs, {member.loop})
        for member in reversed(self.elements):
            loops = self.used.setdefault(member, set())
            if self.written(member):
                self.kept[member] = self.written(member)[0]
                loops.add(member.loop)
            elif len(loops) > 1 and self.rows.cost(member) > CHEAP:
                self.keep(member, loops)
            self.use(member.needs, {min(loops)} if member in self.kept and loops else loops)

    def written(self, member: Member) -> Sequence[Buffer]:
        """Return the buffers that a member is written to."""
        return self.targets.get(member.node, ())

    def use(self, members: Iterable[Member], loops: set[int]) -> None:
        """Note that elements are needed in loops."""
        for member in members:
            if member.kind is Kind.ELEMENT:
                self.used.setdefault(member, set()).update(loops)

    def keep(self, member: Member, loops: set[int]) -> None:
        """Find memory that holds an element until the last of the loops."""
        host = next((m for m in self.elements if self.hosts(m, member, max(loops))), None)
        if host is not None:
            self.kept[member] = self.written(host)[0]
            self.hosting.add(self.kept[member])
            return
        numbers = len(member.parts)
        columns = product(self.rows.columns)
        buffer = fresh_buffer(f"{member.parts[0].name}s", member.node.dtype.real)
        own = isinstance(columns, int) and columns * numbers * buffer.element.bytes <= _OWN
        if own and isinstance(columns, int):
            self.room.private[buffer] = columns * numbers
        else:
            self.room.scratch[buffer] = mul(product((*self.rows.rows, columns)), numbers)
        self.kept[member] = buffer

    def hosts(self, host: Member, guest: Member, last: int) -> bool:
        """Whether a result's memory can hold another element until the result is written."""
        buffers = self.written(host)
        return bool(
            buffers
            and host.node.dtype is guest.node.dtype
            and host.loop >= last
            and buffers[0] not in self.loaded
            and buffers[0] not in self.hosting
        )

    def place(self, member: Member) -> Size:
        """Return where an element waits in the buffer that keeps it."""
        if self.kept[member] in self.room.private:
            return ravel(self.rows.column, self.rows.columns)
        return self.rows.offset(member)

    def is_computed(self, member: Member, loop: int) -> bool:
        """Whether a loop computes an element, rather than load it."""
        return member not in self.kept or loop == min(self.used[member])

    def may_write_over(self, member: Member, own: Buffer) -> bool:
        """Whether a buffer is read only where and before a member is written there."""
        if member.kind is not Kind.ELEMENT:
            return False
        for other in self.members:
            loads = [s for s in walk_scalars([other.value]) if isinstance(s, Load)]
            if all(s.buffer is not own for s in loads):
                continue
            if any(s.offset != self.rows.offset(member) for s in loads if s.buffer is own):
                return False
            loops = self.used.get(other, {other.loop})
            if any(n > member.loop for n in loops if self.is_computed(other, n)):
                return False
        return True

    # -- rows of many columns ----------------------------------------------------------------

    def looped(self) -> list[Statement]:
        """Return what is done for a row: loops over columns, and row values between them."""
        last = max((m.loop for m in self.members), default=0)
        body: list[Statement] = []
        for loop in range(last + 1):
            if loop:
                self.loop(loop, body)
            for member in self.members:
                if member.kind is Kind.ROW and member.loop == loop:
                    body += assigned(member.parts, member.value)
                    body += self.stores(member)
        return body

    def stores(self, member: Member) -> list[Statement]:
        """Return the statements that write a member."""
        offset = self.rows.offset(member)
        return [s for b in self.written(member) for s in store(b, offset, member.read)]

    def loop(self, number: int, into: list[Statement]) -> None:
        """Append a loop over columns."""
        body: list[Statement] = []
        stores: list[Statement] = []
        for member in self.elements:
            if number not in self.used[member]:
                continue
            if not self.is_computed(member, number):
                at = self.place(member)
                body += assigned(member.parts, load(self.kept[member], at, member.node.dtype))
                continue
            body += assigned(member.parts, member.value)
            stores += self.stores(member)
            if member in self.kept and self.kept[member] not in self.written(member):
                stores += store(self.kept[member], self.place(member), member.read)
        sums = [Sum.of(m) for m in self.members if m.kind is Kind.REDUCTION and m.loop == number]
        if not body and not sums:
            return
        indices = [i for i in self.rows.column if isinstance(i, Index)]
        over_columns(indices, body, sums, stores, into)
        for each in sums:
            into += assigned(each.member.parts, each.result)
            into += self.stores(each.member)

    # -- rows of few columns -----------------------------------------------------------------

    def written_out(self) -> list[Statement]:
        """Return what is done for a row without a loop."""
        columns = [c for c in self.rows.columns if isinstance(c, int)]
        places = list(itertools.product(*map(range, columns)))
        copies = {
            local: [fresh_local(f"{local.name}_{k}", local.element) for k in range(len(places))]
            for member in self.elements
            for local in member.parts
        }
        body: list[Statement] = []
        for member in self.members:
            if member.kind is Kind.ROW:
                body += assigned(member.parts, member.value)
                body += self.stores(member)
                continue
            values = [self.at(member.value, copies, k, place) for k, place in enumerate(places)]
            if member.kind is Kind.REDUCTION:
                body += assigned(member.parts, _combined(member, values))
                body += self.stores(member)
                continue
            for k, value in enumerate(values):
                body += assigned([copies[part][k] for part in member.parts], value)
        for member in self.elements:
            for k, place in enumerate(places):
                for statement in self.stores(member):
                    body.append(self.statement_at(statement, copies, k, place))
        return body

    def at(
        self, value: Scalar, copies: Mapping[Local, list[Local]], k: int, place: tuple[int, ...]
    ) -> Scalar:
        """Return a value at a column."""
        moved = substitute_sizes(value, _numbers(self.rows.column, place))
        return rebuild_scalar(moved, lambda leaf: _copied(leaf, copies, k))

    def statement_at(
        self,
        statement: Statement,
        copies: Mapping[Local, list[Local]],
        k: int,
        place: tuple[int, ...],
    ) -> Statement:
        """Return a statement at a column."""
        numbers = _numbers(self.rows.column, place)
        return map_statement(
            statement,
            lambda value: self.at(value, copies, k, place),
            lambda size: substitute(size, numbers.get),
        )


def _numbers(column: Shape, place: tuple[int, ...]) -> dict[Dim, Size]:
    return {i: n for i, n in zip(column, place, strict=True) if isinstance(i, Index)}


def _copied(leaf: Scalar, copies: Mapping[Local, list[Local]], k: int) -> Scalar:
    match leaf:
        case Read(local) if local in copies:
            return Read(copies[local][k])
        case _:
            return leaf


def _combined(member: Member, values: list[Scalar]) -> Scalar:
    """Return the values of a row combined, neighbours first."""
    assert isinstance(member.node, Reduction)
    prim = combination(member.node)
    while len(values) > 1:
        pairs = [apply(prim, a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = [*pairs, *values[len(pairs) * 2 :]]
    return values[0]


def assigned(parts: Sequence[Local], value: Scalar) -> list[Statement]:
    """Return the statements that put a number into its variables."""
    return [Assign(part, v) for part, v in zip(parts, parts_of(value), strict=True)]


@record()
class Sum:
    """A reduction while its loop is written.

    Attributes:
        member: the reduction.
        prim: what combines.
        steps: the values that are combined, one for each part of a complex number.
        units: what changes nothing.
        result: read after the loop.
    """

    member: Member
    prim: Prim
    steps: tuple[Scalar, ...]
    units: tuple[Scalar, ...]
    result: Scalar

    @staticmethod
    def of(member: Member) -> Sum:
        """Return a reduction ready to be written."""
        node = member.node
        if not isinstance(node, Reduction):
            raise CompilerBug(f"{node!r} is no reduction")
        steps, units = parts_of(member.value), parts_of(node.unit())
        return Sum(member, combination(node), steps, units, member.read)

    @property
    def in_blocks(self) -> bool:
        """Whether a long sum of these has to be added up in blocks."""
        return self.prim is Prim.ADD and self.steps[0].dtype.is_float


def over_columns(
    indices: list[Index],
    body: list[Statement],
    sums: Sequence[Sum],
    stores: Sequence[Statement],
    into: list[Statement],
) -> None:
    """Append a loop over columns that runs the body, accumulates and then stores.

    Long sums of floats go in blocks, as those of a reduction on its own.
    """
    accumulators: list[list[Local]] = []
    for each in sums:
        kinds = [v.dtype for v in each.steps]
        accumulators.append([fresh_local("acc", kind) for kind in kinds])
        steps = zip(accumulators[-1], each.steps, strict=True)
        body += [Accumulate(local, each.prim, value) for local, value in steps]
    indices, body = _as_one(indices, [*body, *stores])
    blocks = [each.in_blocks and is_long(indices) for each in sums]
    if not any(blocks):
        for locals_, each in zip(accumulators, sums, strict=True):
            into += [Assign(v, u) for v, u in zip(locals_, each.units, strict=True)]
            each.result = _whole(each, [Read(v) for v in locals_])
        into += nest(indices, body)
        return
    last = indices[-1]
    block = fresh_index("block", ceildiv(last.extent, SUM_BLOCK))
    start = mul(block, SUM_BLOCK)
    within = fresh_index(last.name, minimum(SUM_BLOCK, add(last.extent, mul(start, -1))))
    before: list[Statement] = []
    after: list[Statement] = []
    for locals_, each, blocked in zip(accumulators, sums, blocks, strict=True):
        if not blocked:
            into += [Assign(v, u) for v, u in zip(locals_, each.units, strict=True)]
            each.result = _whole(each, [Read(v) for v in locals_])
            continue
        wide = [F64 if v.element is F32 else v.element for v in locals_]
        totals = [fresh_local("total", kind) for kind in wide]
        into += [Assign(t, literal(0.0, t.element)) for t in totals]
        before += [Assign(v, u) for v, u in zip(locals_, each.units, strict=True)]
        pairs = zip(totals, locals_, strict=True)
        after += [Accumulate(t, Prim.ADD, Read(v).cast(t.element)) for t, v in pairs]
        kinds = [v.element for v in locals_]
        each.result = _whole(
            each, [Read(t).cast(kind) for t, kind in zip(totals, kinds, strict=True)]
        )
    shifted = _moved(body, {last: add(start, within)})
    into += nest([*indices[:-1], block], [*before, For(within, tuple(shifted)), *after])


def _whole(each: Sum, parts: Sequence[Scalar]) -> Scalar:
    dtype = each.member.node.dtype
    return parts[0] if len(parts) == 1 else Complex(parts[0], parts[1], dtype)


def _moved(body: Sequence[Statement], sizes: Mapping[Dim, Size]) -> list[Statement]:
    """Return statements with indices replaced."""
    return [
        map_statement(
            statement,
            lambda value: substitute_sizes(value, sizes),
            lambda size: substitute(size, sizes.get),
        )
        for statement in body
    ]


def _as_one(indices: Sequence[Index], body: list[Statement]) -> tuple[list[Index], list[Statement]]:
    """Return one loop instead of several where it walks through memory as they do.

    All indices are new ones: each loop over the columns has its own.
    """
    own = [fresh_index(i.name, i.extent) for i in indices]
    body = _moved(body, dict(zip(indices, own, strict=True)))
    while len(own) > 1:
        outer, inner = own[-2:]
        flat = fresh_index(inner.name, mul(outer.extent, inner.extent))
        first, second = unravel(flat, (outer.extent, inner.extent))
        found = _moved(body, {outer: first, inner: second})
        if any(divides(size, flat) for size in sizes_in(found)):
            break
        own[-2:], body = [flat], found
    return own, body

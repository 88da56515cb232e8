"""Take loops apart that do something else for each stretch of their indices.

before: for i < n: out[i] = select(i // 16 % 4 == 0, a(i), select(i // 16 % 4 == 1, b(i), ...))
after:  for s < n // 64:
            for k < 16:
                out[64*s + k] = a(64*s + k)
                out[64*s + 16 + k] = b(64*s + 16 + k)
                ...
        for r < n % 64: out[n // 64 * 64 + r] = ...

What elements of different stretches have in common is then computed once for all of them: four
random numbers are made of one block of bits (``loops/philox.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agnesi.core.record import replace
from agnesi.dims.dim import FloorDiv, Index, Mod, Size, add, fresh_index, mul
from agnesi.dims.simplify import floordiv, linear_in, mod
from agnesi.dims.simplify import substitute as substitute_size
from agnesi.loops.nodes import (
    Accumulate,
    Apply,
    Assign,
    For,
    If,
    Kernel,
    Literal,
    Load,
    Read,
    Scalar,
    Statement,
    Store,
    While,
    fresh_local,
    literal,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import (
    assigned_in,
    map_statement,
    rebuild_scalar,
    scalars_in,
    sizes_in,
    substitute_sizes,
    walk_scalars,
)

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Dim
    from agnesi.loops.nodes import Buffer, Local


# A loop that is one stretch has at most so many parts.
_PARTS = 4


class _Pattern(NamedTuple):
    """``index // lanes % parts`` is asked for."""

    lanes: int
    parts: int

    @property
    def stretch(self) -> int:
        return self.lanes * self.parts


def strips(kernel: Kernel) -> Kernel:
    """Take every loop apart that asks in which of a few stretches its index lies."""
    body = tuple(new for s in kernel.body for new in _strips(s))
    return kernel if body == kernel.body else replace(kernel, body=body)


def _strips(statement: Statement) -> tuple[Statement, ...]:
    if isinstance(statement, If | While):
        inner = tuple(new for s in statement.body for new in _strips(s))
        return (type(statement)(statement.condition, inner),)
    if not isinstance(statement, For):
        return (statement,)
    if any(isinstance(s, For | If | While) for s in statement.body):
        inner = tuple(new for s in statement.body for new in _strips(s))
        same = inner == statement.body
        return (statement if same else type(statement)(statement.index, inner),)
    pattern = _pattern(statement)
    if pattern is None or not _any_order(statement):
        return (statement,)
    return _apart(statement, pattern)


def _pattern(loop: For) -> _Pattern | None:
    """Return which stretches a loop asks for; of several, the most of the same length."""
    extent = loop.index.extent
    found: list[_Pattern] = []
    for size in dict.fromkeys(sizes_in(loop.body)):
        if isinstance(size, int):
            continue
        for atom in size.atoms:
            match atom:
                case Mod(FloorDiv(x, int(lanes)), int(count)) if _steps(x, loop.index, lanes):
                    found.append(_Pattern(lanes, count))
                case FloorDiv(x, int(lanes)) if x is loop.index and isinstance(extent, int):
                    # The loop may be one stretch, as over a block of a product.
                    if extent % lanes == 0 and 1 < extent // lanes <= _PARTS:
                        found.append(_Pattern(lanes, extent // lanes))
                case _:
                    pass
    fits = [p for p in found if not isinstance(extent, int) or extent >= p.stretch]
    return max(fits, key=lambda p: p.parts, default=None)


def _steps(size: Size, index: Index, lanes: int) -> bool:
    """Whether a size is the index, and multiples of the stretch."""
    rest = add(size, mul(index, -1))
    return (not isinstance(rest, int) and index not in rest.atoms and mod(rest, lanes) == 0) or (
        isinstance(rest, int) and rest % lanes == 0
    )


def _any_order(loop: For) -> bool:
    """Whether the iterations may be done in any order, also several side by side.

    They may if each has elements and variables of its own, but for sums, which nobody reads.
    """
    if not all(isinstance(s, Store | Assign | Accumulate) for s in loop.body):
        return False
    places: dict[Buffer, Size] = {}
    for statement in loop.body:
        if isinstance(statement, Store):
            place = places.setdefault(statement.buffer, statement.offset)
            if place != statement.offset or not _moves(place, loop.index):
                return False
    scalars = walk_scalars(v for s in loop.body for v in scalars_in(s))
    loads = (s for s in scalars if isinstance(s, Load))
    return all(s.offset == places.get(s.buffer, s.offset) for s in loads) and _keeps(loop)


def _keeps(loop: For) -> bool:
    """Whether no iteration reads a variable that another one has set."""
    changed = assigned_in(loop.body)
    own: set[Local] = set()
    for statement in loop.body:
        read = {s.local for s in walk_scalars(scalars_in(statement)) if isinstance(s, Read)}
        if read & changed - own:
            return False
        if isinstance(statement, Assign):
            own.add(statement.local)
    sums = {s.local for s in loop.body if isinstance(s, Accumulate)}
    return not sums & own


def _moves(offset: Size, index: Index) -> bool:
    """Whether an offset is another one for each index."""
    parts = linear_in(offset, index)
    return parts is not None and isinstance(parts[0], int) and parts[0] != 0


def _apart(loop: For, pattern: _Pattern) -> tuple[Statement, ...]:
    extent, stretch = loop.index.extent, pattern.stretch
    alone = extent == stretch
    strip = fresh_index("s", floordiv(extent, stretch))
    lane = fresh_index("k", pattern.lanes)
    body: list[Statement] = []
    for part in range(pattern.parts):
        where = add(0 if alone else mul(strip, stretch), part * pattern.lanes, lane)
        body.extend(_at(loop, where, part > 0))
    inner = For(lane, tuple(body))
    whole = inner if alone else For(strip, (inner,))
    left = mod(extent, stretch)
    if left == 0:
        return (whole,)
    rest = fresh_index("r", left)
    begin = add(mul(floordiv(extent, stretch), stretch), rest)
    return whole, For(rest, tuple(_at(loop, begin, True)))


def _at(loop: For, where: Size, fresh: bool) -> list[Statement]:
    """Return the body of a loop at an index, with variables of its own if asked for."""
    at: dict[Dim, Size] = {loop.index: where}
    own: dict[Local, Local] = {}
    if fresh:
        for statement in loop.body:
            if isinstance(statement, Assign):
                own[statement.local] = fresh_local(statement.local.name, statement.local.element)

    def leaf(scalar: Scalar) -> Scalar:
        mine = own.get(scalar.local) if isinstance(scalar, Read) else None
        return scalar if mine is None else Read(mine)

    def scalar(value: Scalar) -> Scalar:
        return rebuild_scalar(substitute_sizes(value, at), leaf, _folded)

    found: list[Statement] = []
    for statement in loop.body:
        new = map_statement(statement, scalar, lambda size: substitute_size(size, at.get))
        if isinstance(new, Assign):
            new = Assign(own.get(new.local, new.local), new.value)
        found.append(new)
    return found


def _folded(prim: Prim, operands: tuple[Scalar, ...], to: DType) -> Scalar:
    """Return a primitive, of numbers that are known now its value where that chooses."""
    first = operands[0]
    if prim is Prim.SELECT and isinstance(first, Literal):
        return operands[1] if first.value else operands[2]
    if isinstance(first, Literal) and all(isinstance(o, Literal) for o in operands):
        if prim is Prim.EQ:
            return literal(first is operands[1], to)
        if prim is Prim.NE:
            return literal(first is not operands[1], to)
    return Apply(prim, operands, to)

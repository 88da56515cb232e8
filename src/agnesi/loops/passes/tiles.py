"""Read what lies the other way a tile at a time, through memory that stays near.

before: for i < 2048: for j < 2048: out[2048*i + j] = x[2048*j + i]
after:  for i by 16: for j by 16:
            for jj < 16: for ii < 16: tile[16*ii + jj] = x[2048*(j + jj) + i + ii]
            for ii < 16: for jj < 16: out[2048*(i + ii) + j + jj] = tile[16*ii + jj]

As it was, each element read brings a line of the cache along, of which the next element is asked
for when the line is long gone.  In a tile all of a line is used at once, and what is computed runs
along memory in all arrays.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from agnesi.core.record import record, replace
from agnesi.dims.dim import Index, add, fresh_index, mul
from agnesi.dims.simplify import linear_in, substitute
from agnesi.loops.nodes import (
    Assign,
    Buffer,
    For,
    Guard,
    Kernel,
    Load,
    ParallelFor,
    Store,
    dynamic_scalars,
    fresh_buffer,
)
from agnesi.loops.traverse import (
    children_of,
    map_statement,
    rebuild_scalar,
    scalars_in,
    substitute_sizes,
    walk_scalars,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Dim, Size
    from agnesi.loops.nodes import Scalar, Statement

# Elements of a tile's side, bytes of a line of a cache, iterations after which a line is gone.
_SIDE, _LINE, _GONE = 16, 64, 512
# Shorter loops than this are not worth it; tiles of a kernel.
_SHORT, _MOST = 8, 4


def tiles(kernel: Kernel) -> Kernel:
    """Read the loads of element-wise loops that run across memory by tiles."""
    private = {buffer for buffer, _ in kernel.private}
    body: list[Statement] = []
    own: list[tuple[Buffer, int]] = []
    for statement in kernel.body:
        plan = _plan(statement, private) if isinstance(statement, For) else None
        if plan is None:
            body.append(statement)
        else:
            body += plan.written()
            own += plan.memory
    if not own:
        return kernel
    return replace(kernel, body=tuple(body), private=(*kernel.private, *own))


@record()
class _Plan:
    """Loops of which some loads run across memory.

    Attributes:
        loops: from the outermost to the innermost.
        body: of the innermost.
        along: the loop whose next iteration reads the next element.
        across: the loads.
        memory: a tile for each, and its elements.
    """

    loops: list[Index]
    body: tuple[Statement, ...]
    along: Index
    across: list[Load]
    memory: list[tuple[Buffer, int]]

    def written(self) -> list[Statement]:
        """Return the loops by tiles."""
        result: list[Statement] = []
        for outer, start, size in _blocks(self.along):
            # Each loop has an index of its own.
            others = [i for i in self.loops[:-1] if i is not self.along]
            new: dict[Dim, Size] = {i: fresh_index(i.name, i.extent) for i in others}
            inner: list[Statement] = []
            for block, first, width in _blocks(self.loops[-1]):
                tile = self._tile(new, start, size, first, width)
                inner += tile if block is None else [For(block, tuple(tile))]
            nest = tuple(inner)
            left = [outer if i is self.along else new[i] for i in self.loops[:-1]]
            left = [index for index in left if isinstance(index, Index)]
            for k, index in reversed(list(enumerate(left))):
                nest = ((ParallelFor if k == 0 else For)(index, nest),)
            result += nest
        return result

    def _tile(
        self, new: dict[Dim, Size], start: Size, size: int, first: Size, width: int
    ) -> list[Statement]:
        last = self.loops[-1]
        j, i = fresh_index("jj", width), fresh_index("ii", size)
        env = {**new, self.along: add(start, i), last: add(first, j)}
        place = add(mul(i, width), j)
        fill: list[Statement] = []
        near: dict[Scalar, Scalar] = {}
        for load, (buffer, _) in zip(self.across, self.memory, strict=True):
            far = substitute_sizes(load, env)
            fill.append(Store(buffer, place, far))
            near[far] = Load(buffer, place)
        gather = For(j, (For(i, tuple(fill)),))
        n, m = fresh_index("ii", size), fresh_index("jj", width)
        back: dict[Dim, Size] = {i: n, j: m}

        def scalar(value: Scalar) -> Scalar:
            here = rebuild_scalar(substitute_sizes(value, env), lambda s: near.get(s, s))
            return substitute_sizes(here, back)

        def offset(size: Size) -> Size:
            return substitute(substitute(size, env.get), back.get)

        body = tuple(map_statement(s, scalar, offset) for s in self.body)
        return [gather, For(n, (For(m, body),))]


def _blocks(index: Index) -> list[tuple[Index | None, Size, int]]:
    """Return the loop over blocks of an index, where each starts, its size; then the rest."""
    extent = index.extent
    assert isinstance(extent, int)
    if extent <= 2 * _SIDE:
        return [(None, 0, extent)]
    whole, rest = divmod(extent, _SIDE)
    block = fresh_index(index.name, whole)
    found: list[tuple[Index | None, Size, int]] = [(block, mul(block, _SIDE), _SIDE)]
    if rest:
        found.append((None, whole * _SIDE, rest))
    return found


def _plan(loop: For, private: set[Buffer]) -> _Plan | None:
    loops, body = [loop.index], loop.body
    while len(body) == 1 and isinstance(body[0], For):
        loops.append(body[0].index)
        body = body[0].body
    if len(loops) < 2 or not all(isinstance(s, Store | Assign) for s in body):
        return None
    last = loops[-1]
    if not _long(last):
        return None
    reads = _always_read(body)
    stores = {s.buffer for s in body if isinstance(s, Store)}
    if reads is None or stores & private or any(load.buffer in private for load in reads):
        return None
    for statement in body:
        if isinstance(statement, Store) and _stride(statement.offset, last) != 1:
            return None
    across = [load for load in reads if _is_across(load, last)]
    if not across or len(across) > _MOST or any(load.buffer in stores for load in across):
        return None
    along = [i for i in loops[:-1] if all(_stride(load.offset, i) == 1 for load in across)]
    if len(along) != 1 or not _long(along[0]):
        return None
    inside = [i.extent for i in loops[loops.index(along[0]) + 1 :]]
    counts = [extent for extent in inside if isinstance(extent, int)]
    if len(counts) < len(inside) or prod(counts) <= _GONE:
        return None
    # What is left outside of a tile, for threads to share.
    left = [i for i in loops[:-1] if i is not along[0] or _blocks(i)[0][0] is not None]
    if not left or not _any_order(body, loops):
        return None
    count = prod(_blocks(i)[0][2] for i in (along[0], last))
    memory = [(fresh_buffer(f"tile{k}", load.dtype), count) for k, load in enumerate(across)]
    return _Plan(loops, body, along[0], across, memory)


def _any_order(body: Sequence[Statement], loops: Sequence[Index]) -> bool:
    """Whether every turn of the loops touches elements of its own among those that are written."""
    written = {s.buffer: s.offset for s in body if isinstance(s, Store)}
    stores = [s for s in body if isinstance(s, Store)]
    if any(written[s.buffer] != s.offset for s in stores):
        return False
    scalars = walk_scalars(scalar for s in body for scalar in scalars_in(s))
    loads = [s for s in scalars if isinstance(s, Load) and s.buffer in written]
    if any(load.offset != written[load.buffer] for load in loads):
        return False
    return all(_is_injective(offset, loops) for offset in written.values())


def _is_injective(offset: Size, loops: Sequence[Index]) -> bool:
    """Whether no two turns have the same offset: each stride is longer than all below it reach."""
    pairs: list[tuple[int, Size]] = []
    for index in loops:
        stride = _stride(offset, index)
        if not isinstance(stride, int) or stride < 1:
            return False
        pairs.append((stride, index.extent))
    pairs.sort(key=lambda pair: pair[0])
    reach = 0
    for k, (stride, extent) in enumerate(pairs):
        if stride <= reach:
            return False
        if not isinstance(extent, int):
            # However far the longest reaches.
            return k == len(pairs) - 1
        reach += stride * (extent - 1)
    return True


def _long(index: Index) -> bool:
    return isinstance(index.extent, int) and index.extent >= _SHORT


def _stride(offset: Size, index: Index) -> Size | None:
    """Return how far apart elements of two turns are; None where that is not one distance."""
    parts = linear_in(offset, index)
    return None if parts is None else parts[0]


def _is_across(load: Load, last: Index) -> bool:
    stride = _stride(load.offset, last)
    return isinstance(stride, int) and abs(stride) * load.dtype.bytes >= _LINE


def _always_read(body: Sequence[Statement]) -> list[Load] | None:
    """Return the loads that do not depend on a choice; None where an offset is a value."""
    found: dict[Load, None] = {}
    stack = [scalar for statement in body for scalar in scalars_in(statement)]
    if any(isinstance(s, Store) and dynamic_scalars(s.offset) for s in body):
        return None
    seen: set[Scalar] = set()
    while stack:
        scalar = stack.pop()
        if scalar in seen:
            continue
        seen.add(scalar)
        if isinstance(scalar, Load):
            if dynamic_scalars(scalar.offset):
                return None
            found[scalar] = None
        stack += [scalar.condition] if isinstance(scalar, Guard) else children_of(scalar)
    return list(found)

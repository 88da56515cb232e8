"""Loop nests of the positions of extremes along an axis.

Along the last axis: the extreme of each block of a row, in vectors; then, in the block that has the
best, the first element that is as good.

    for i < rows:
      for b < blocks: most = max of the block; if most > best: best, begin = most, 128*b
      position = begin + first j of the block there with x[i, begin + j] = best

Along another axis: row by row, the best and its position so far of each column of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, I32, I64
from agnesi.dims.dim import add, fresh_index, mul, sub, value_of
from agnesi.dims.simplify import ceildiv, floordiv, minimum, mod
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    For,
    Read,
    Store,
    apply,
    fresh_buffer,
    fresh_local,
    index_scalar,
    literal,
    select,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import substitute_sizes
from agnesi.lower.combine import flatten
from agnesi.lower.elements import Writer, load, loops, store
from agnesi.ops.movement import ravel, unravel
from agnesi.ops.nests import parallel
from agnesi.ops.scans import extreme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Dim, Index, Size
    from agnesi.loops.nodes import Buffer, Scalar, Statement
    from agnesi.lower.combine import Room
    from agnesi.ops.reductions import ArgExtreme

# Elements whose extreme is taken before it is compared with the best.
BLOCK = 256
# Columns whose best elements are kept at hand.
COLUMNS = 1024


def arg_extreme(
    node: ArgExtreme, writer: Writer, targets: Sequence[Buffer], room: Room
) -> tuple[Statement, ...]:
    """Return the loops of the position of an extreme: of the first one, or of the first NaN."""
    indices = loops(node.x.type.shape)
    value = writer.element(node.x, tuple(indices))
    if node.axis == len(indices) - 1:
        return _along_rows(node, indices, value, targets)
    return _down_columns(node, indices, value, targets, room)


def _along_rows(
    node: ArgExtreme, indices: list[Index], value: Scalar, targets: Sequence[Buffer]
) -> tuple[Statement, ...]:
    *kept, here = indices
    where, loop = parallel(kept)
    value = substitute_sizes(value, where)
    offset = ravel(tuple(where[i] for i in kept), node.type.shape)
    count, unit, prim = here.extent, _worst(node, value), _combining(node, value)
    best, most = (fresh_local(name, value.dtype) for name in ("best", "most"))
    begin, position = fresh_local("begin", I64), fresh_local("position", I32)

    def block(start: Size, size: Size) -> list[Statement]:
        """Compare the extreme of a block with the best so far."""
        inside = fresh_index("j", size)
        step = Accumulate(most, prim, _at(value, here, add(start, inside)))
        # No branch: it could not be foreseen.
        beats = compare(node.better, Read(most), Read(best))
        chosen = Assign(begin, select(beats, index_scalar(start), Read(begin)))
        better = Assign(best, select(beats, Read(most), Read(best)))
        return [Assign(most, unit), For(inside, (step,)), chosen, better]

    body: list[Statement] = [Assign(best, unit), Assign(begin, literal(0, I64))]
    full = fresh_index("b", floordiv(count, BLOCK))
    if full.extent != 0:
        body.append(For(full, tuple(block(mul(full, BLOCK), BLOCK))))
    # The last block ends with the row, and may begin within the one before.
    size = minimum(BLOCK, count)
    if mod(count, BLOCK) != 0:
        body += block(sub(count, size), size)
    again = fresh_index("k", size)
    candidate = _at(value, here, add(value_of(Read(begin)), again))
    hit = candidate.equals(Read(best))
    if value.dtype.is_float:
        hit = hit | candidate.differs(candidate)
    place = select(hit, index_scalar(again).cast(I32), literal(BLOCK, I32))
    body += [
        Assign(position, literal(BLOCK, I32)),
        For(again, (Accumulate(position, Prim.MIN, place),)),
    ]
    result = Read(begin) + Read(position).cast(I64)
    body += [s for buffer in targets for s in store(buffer, offset, result)]
    return loop(body)


def _at(value: Scalar, index: Index, place: Size) -> Scalar:
    return substitute_sizes(value, {index: place})


def _down_columns(
    node: ArgExtreme,
    indices: list[Index],
    value: Scalar,
    targets: Sequence[Buffer],
    room: Room,
) -> tuple[Statement, ...]:
    here = indices[node.axis]
    flat = flatten(indices[node.axis + 1 :], value)
    *middle, column = flat.indices
    outer = [*indices[: node.axis], *middle]
    width = column.extent
    size = _columns(width)
    tile = fresh_index("t", ceildiv(width, size))
    around = [*outer, *([] if tile.extent == 1 else [tile])]
    where, loop = parallel(around)
    start: Size = 0 if tile.extent == 1 else mul(where[tile], size)
    value = substitute_sizes(flat.value, where)
    best = fresh_buffer("best", value.dtype)
    found = fresh_buffer("found", I64)
    room.private.update({best: size, found: size})

    def across() -> Index:
        return fresh_index("j", minimum(size, sub(width, start)))

    first, each, last = across(), across(), across()
    candidate = substitute_sizes(value, {column: add(start, each)})
    so_far = load(best, each, value.dtype)
    better = compare(node.better, candidate, so_far)
    places: dict[Dim, Size] = {i: where.get(i, i) for i in outer}
    inside = [i for i in indices if i in flat.where]
    at = unravel(add(start, last), tuple(i.extent for i in inside))
    places.update(zip(inside, at, strict=True))
    offset = ravel(tuple(places[i] for i in indices if i is not here), node.type.shape)
    body: list[Statement] = [
        For(first, (Store(best, first, _worst(node, value)), Store(found, first, literal(0, I64)))),
        For(
            here,
            (
                For(
                    each,
                    (
                        Store(
                            found,
                            each,
                            select(better, index_scalar(here), load(found, each, I64)),
                        ),
                        Store(best, each, select(better, candidate, so_far)),
                    ),
                ),
            ),
        ),
        For(last, tuple(s for b in targets for s in store(b, offset, load(found, last, I64)))),
    ]
    return loop(body)


def _columns(width: Size) -> int:
    """Return how many columns to go down together: not all, that there are parts to share out."""
    if not isinstance(width, int):
        return COLUMNS
    return min(COLUMNS, max(COLUMNS // 4, -(-width // (2 * 64)) * 64))


def _combining(node: ArgExtreme, value: Scalar) -> Prim:
    """Return what combines elements to the extreme."""
    if value.dtype is BOOL:
        return Prim.OR if node.better is Prim.GT else Prim.AND
    return Prim.MAX if node.better is Prim.GT else Prim.MIN


def _worst(node: ArgExtreme, value: Scalar) -> Scalar:
    """Return what no element is worse than."""
    if value.dtype is BOOL:
        return literal(node.better is not Prim.GT, BOOL)
    return extreme(value.dtype, lowest=node.better is Prim.GT)


def compare(better: Prim, value: Scalar, best: Scalar) -> Scalar:
    """Return whether a value beats the best so far; NaN beats all but NaN."""
    if value.dtype is BOOL:
        return value & ~best if better is Prim.GT else best & ~value
    wins = apply(better, value, best)
    if not value.dtype.is_float:
        return wins
    return wins | (value.differs(value) & best.equals(best))

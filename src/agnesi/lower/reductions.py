"""Loop nests of reductions, and of the positions of extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.dims.dim import (
    Index,
    add,
    fresh_index,
    mul,
    product,
    sub,
)
from agnesi.dims.simplify import ceildiv, maximum, minimum
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    Buffer,
    Complex,
    For,
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
    substitute_sizes,
)
from agnesi.lower.columns import by_columns
from agnesi.lower.combine import CHUNK, SUM_BLOCK, WIDER, Combination, flatten, is_long
from agnesi.lower.elements import Writer, hold, load, nest, store
from agnesi.ops.movement import ravel
from agnesi.ops.nests import parallel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.core.dtypes import DType
    from agnesi.lower.combine import Room
    from agnesi.ops.families import Reduction


# So few elements in a row are combined in one expression.
_SHORT = 8
# Fewer results are not worked out side by side.
_FEW_RESULTS = 8
# Rows of unknown length that make a chunk.
_CHUNK_ROWS = 16


def reduction(
    node: Reduction, writer: Writer, targets: Sequence[Buffer], room: Room
) -> tuple[Statement, ...]:
    """Return the loop nest of a reduction, as suits the axes that are combined."""
    job = Combination(node, writer, targets, room)
    if not node.axes:
        return nest(job.indices, hold(job.put({}, job.value)))
    trailing = len(job.indices)
    while trailing and trailing - 1 in node.axes:
        trailing -= 1
    if node.axes[0] < trailing:
        inside = job.indices[trailing:]
        count = product(i.extent for i in inside)
        if isinstance(count, int) and count <= _SHORT and job.weight * count <= 8 * _SHORT:
            # A few elements in a row are one: the last axis is one that stays.
            job.value = job.unroll(inside)
            job.indices, job.axes = job.indices[:trailing], node.axes[: -len(inside) or None]
            return by_columns(job)
    return _by_rows(job)


def _by_rows(job: Combination) -> tuple[Statement, ...]:
    """Combine trailing axes, for each element that is kept, in a variable."""
    indices = [i for k, i in enumerate(job.indices) if k in job.axes]
    if _worth_cutting(job, indices):
        return _in_chunks(job, indices)
    inner: list[Statement] = []
    total = _accumulate(job.prim, job.node.unit(), job.value, indices, inner).cast(job.dtype)
    return nest(job.kept, [*inner, *job.put({}, total)])


def _worth_cutting(job: Combination, indices: Sequence[Index]) -> bool:
    """Whether there are few results, of many elements each."""
    kept = product(i.extent for i in job.kept)
    if job.dtype.is_complex and job.prim is not Prim.ADD:
        return False
    return isinstance(kept, int) and 0 < kept < _FEW_RESULTS and is_long(indices, 2 * CHUNK)


def _in_chunks(job: Combination, indices: Sequence[Index]) -> tuple[Statement, ...]:
    """Combine what chunks come to, each on its own; where they begin depends on sizes alone."""
    flat = flatten(indices, job.value)
    first, *others = flat.indices
    inside = product(i.extent for i in others)
    size = max(1, CHUNK // max(1, inside)) if isinstance(inside, int) else _CHUNK_ROWS
    chunk = fresh_index("c", maximum(1, ceildiv(first.extent, size)))
    where, loop = parallel([*job.kept, chunk])
    start = mul(where[chunk], size)
    here = fresh_index(first.name, minimum(size, sub(first.extent, start)))
    value = substitute_sizes(flat.value, {**where, first: add(start, here)})
    inner: list[Statement] = []
    total = _accumulate(job.prim, job.node.unit(), value, [here, *others], inner).cast(job.wide)
    row = ravel(tuple(where[i] for i in job.kept), tuple(i.extent for i in job.kept))
    partial = fresh_buffer("partial", job.wide.real)
    numbers = 2 if job.dtype.is_complex else 1
    results = product(i.extent for i in job.kept)
    job.room.scratch[partial] = mul(numbers, mul(results, chunk.extent))
    inner += store(partial, add(mul(row, chunk.extent), where[chunk]), total)
    again = [fresh_index(i.name, i.extent) for i in job.kept]
    row = ravel(tuple(again), tuple(i.extent for i in again))
    each = fresh_index("c", chunk.extent)
    outer: list[Statement] = []
    part = load(partial, add(mul(row, chunk.extent), each), job.wide)
    whole = _accumulate(job.prim, job.unit, part, [each], outer).cast(job.dtype)
    outer += job.put(dict(zip(job.kept, again, strict=True)), whole)
    return (*loop(inner), *nest(again, outer))


def _accumulate(
    prim: Prim, unit: Scalar, value: Scalar, indices: Sequence[Index], into: list[Statement]
) -> Scalar:
    """Append statements that combine the value over loops; return the result, perhaps wider."""
    if value.dtype.is_complex and prim is not Prim.ADD:
        return _product_of_pairs(prim, unit, value, indices, into)
    # The parts of a complex sum are two sums.
    units, values = parts_of(unit), parts_of(value)
    if prim is not Prim.ADD or not value.dtype.is_inexact or not is_long(indices):
        held = [fresh_local("acc", v.dtype) for v in values]
        into.extend(Assign(v, u) for v, u in zip(held, units, strict=True))
        steps = [Accumulate(local, prim, v) for local, v in zip(held, values, strict=True)]
        into.extend(nest(indices, steps))
        return _whole([Read(local) for local in held], value.dtype)
    flat = flatten(indices, value)
    indices, values = flat.indices, parts_of(flat.value)
    last = indices[-1]
    kind = value.dtype.real
    wide = WIDER.get(kind, kind)
    totals = [fresh_local("total", wide) for _ in values]
    parts = [fresh_local("part", kind) for _ in values]
    around = indices[:-1]
    if is_long([last]):
        block = fresh_index("block", ceildiv(last.extent, SUM_BLOCK))
        start = mul(block, SUM_BLOCK)
        within = fresh_index(last.name, minimum(SUM_BLOCK, add(last.extent, mul(start, -1))))
        values = tuple(substitute_sizes(v, {last: add(start, within)}) for v in values)
        around, last = [*around, block], within
    inner = tuple(Accumulate(p, prim, v) for p, v in zip(parts, values, strict=True))
    chunk: list[Statement] = [
        *(Assign(p, u) for p, u in zip(parts, units, strict=True)),
        For(last, inner),
        *(Accumulate(t, prim, Read(p).cast(wide)) for t, p in zip(totals, parts, strict=True)),
    ]
    into.extend(Assign(t, literal(0.0, wide)) for t in totals)
    into.extend(nest(around, chunk))
    return _whole([Read(t) for t in totals], WIDER.get(value.dtype, value.dtype))


def _whole(parts: Sequence[Scalar], dtype: DType) -> Scalar:
    """Return the number that has these parts."""
    return Complex(parts[0], parts[1], dtype) if dtype.is_complex else parts[0]


def _product_of_pairs(
    prim: Prim, unit: Scalar, value: Scalar, indices: Sequence[Index], into: list[Statement]
) -> Scalar:
    """Combine complex numbers of which each part needs both parts so far."""
    kind = value.dtype.real
    held = [fresh_local(name, kind) for name in ("re", "im")]
    following = [fresh_local("next", kind) for _ in held]
    so_far = _whole([Read(local) for local in held], value.dtype)
    combined = parts_of(apply(prim, so_far, value))
    into.extend(Assign(v, part) for v, part in zip(held, parts_of(unit), strict=True))
    steps = [Assign(v, part) for v, part in zip(following, combined, strict=True)]
    steps += [Assign(v, Read(new)) for v, new in zip(held, following, strict=True)]
    into.extend(nest(indices, steps))
    return so_far

"""Loop nests of reductions, and of the positions of extremes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, F32, F64, I64
from agnesi.dims.dim import (
    FloorDiv,
    Index,
    Mod,
    add,
    fresh_index,
    mul,
    product,
)
from agnesi.dims.simplify import ceildiv, minimum
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    Buffer,
    Complex,
    For,
    Load,
    Read,
    Scalar,
    Statement,
    Store,
    apply,
    fresh_buffer,
    fresh_local,
    index_scalar,
    literal,
    parts_of,
    select,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import (
    sizes_in,
    substitute_sizes,
)
from agnesi.lower.elements import Writer, hold, load, loops, nest, store
from agnesi.ops.movement import ravel, unravel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Size
    from agnesi.ops.families import Reduction
    from agnesi.ops.reductions import ArgExtreme


# Partial sums of this many elements are added up in a wider (or at least another) variable, so
# that a long float sum is about as accurate as pairwise summation.
SUM_BLOCK = 128
# As many rows of float32 are added up in float32; more of them, in memory of float64.
ROW_BLOCK = 16


_COMBINE_BOOL = {Prim.ADD: Prim.OR, Prim.MUL: Prim.AND, Prim.MAX: Prim.OR, Prim.MIN: Prim.AND}


def reduction(
    node: Reduction, writer: Writer, targets: Sequence[Buffer], scratch: dict[Buffer, Size]
) -> tuple[Statement, ...]:
    """Loops in the operand's order: trailing reduced axes into a variable, others into memory.

    Sums of float32 over leading axes are added up in memory of float64.
    """
    shape = node.x.type.shape
    indices = loops(shape)
    kept = [k for k in range(len(shape)) if k not in node.axes]
    trailing = len(shape)
    while trailing and (trailing - 1) in node.axes:
        trailing -= 1
    leading = [k for k in node.axes if k < trailing]
    value = writer.element(node.x, tuple(indices))
    prim = (
        _COMBINE_BOOL[node.combine]
        if value.dtype is BOOL and node.combine in _COMBINE_BOOL
        else node.combine
    )
    offset = ravel(tuple(indices[k] for k in kept), node.type.shape)
    first, *others = targets
    inner: list[Statement] = []
    total: Scalar = value
    if trailing < len(shape):
        total = _accumulate(prim, node.unit(), value, indices[trailing:], inner)
    if not leading:
        stores = [s for buffer in targets for s in store(buffer, offset, total)]
        return nest([indices[k] for k in kept], [*inner, *stores])
    if prim is Prim.ADD and node.dtype is F32 and _long([indices[k] for k in leading], ROW_BLOCK):
        first = fresh_buffer("wide", F64)
        scratch[first] = node.type.size
        cleared = loops(node.type.shape)
        nothing = Store(first, ravel(tuple(cleared), node.type.shape), literal(0.0, F64))
        clear = nest(cleared, [nothing])
        inner.append(Store(first, offset, Load(first, offset) + total.cast(F64)))
        into = loops(node.type.shape)
        place = ravel(tuple(into), node.type.shape)
        stores = [Store(buffer, place, Load(first, place).cast(F32)) for buffer in targets]
        return (*clear, *nest(indices[:trailing], inner), *nest(into, stores))
    fresh = loops(node.type.shape)
    clear = nest(fresh, store(first, ravel(tuple(fresh), node.type.shape), node.unit()))
    combined = apply(prim, load(first, offset, node.dtype), total)
    inner += hold(store(first, offset, combined))
    result = (*clear, *nest(indices[:trailing], inner))
    if others:
        again = loops(node.type.shape)
        where = ravel(tuple(again), node.type.shape)
        whole = load(first, where, node.dtype)
        result += nest(again, [s for b in others for s in store(b, where, whole)])
    return result


def _accumulate(
    prim: Prim, unit: Scalar, value: Scalar, indices: Sequence[Index], into: list[Statement]
) -> Scalar:
    """Append statements that combine the value over loops; return the result."""
    if value.dtype.is_complex and prim is not Prim.ADD:
        return _product_of_pairs(prim, unit, value, indices, into)
    # The parts of a complex sum are two sums.
    units, values = parts_of(unit), parts_of(value)
    if prim is not Prim.ADD or not value.dtype.is_inexact or not _long(indices):
        held = [fresh_local("acc", v.dtype) for v in values]
        into.extend(Assign(v, u) for v, u in zip(held, units, strict=True))
        steps = [Accumulate(local, prim, v) for local, v in zip(held, values, strict=True)]
        into.extend(nest(indices, steps))
        return _whole([Read(local) for local in held], value.dtype)
    indices, values = _as_one(indices, values)
    last = indices[-1]
    kind = value.dtype.real
    wide = F64 if kind is F32 else kind
    totals = [fresh_local("total", wide) for _ in values]
    parts = [fresh_local("part", kind) for _ in values]
    block = fresh_index("block", ceildiv(last.extent, SUM_BLOCK))
    start = mul(block, SUM_BLOCK)
    within = fresh_index(last.name, minimum(SUM_BLOCK, add(last.extent, mul(start, -1))))
    shifted = [substitute_sizes(v, {last: add(start, within)}) for v in values]
    inner = tuple(Accumulate(p, prim, v) for p, v in zip(parts, shifted, strict=True))
    chunk: list[Statement] = [
        *(Assign(p, u) for p, u in zip(parts, units, strict=True)),
        For(within, inner),
        *(Accumulate(t, prim, Read(p).cast(wide)) for t, p in zip(totals, parts, strict=True)),
    ]
    into.extend(Assign(t, literal(0.0, wide)) for t in totals)
    into.extend(nest([*indices[:-1], block], chunk))
    return _whole([Read(t).cast(kind) for t in totals], value.dtype)


def _long(indices: Sequence[Index], most: int = SUM_BLOCK) -> bool:
    """Whether the loops together may run over more elements than are added up in one variable."""
    count = product(index.extent for index in indices)
    return not isinstance(count, int) or count > most


def _as_one(
    indices: Sequence[Index], values: tuple[Scalar, ...]
) -> tuple[Sequence[Index], tuple[Scalar, ...]]:
    """Return one loop instead of several, where it walks through memory as they do."""
    indices = list(indices)
    while len(indices) > 1:
        outer, inner = indices[-2:]
        flat = fresh_index(inner.name, mul(outer.extent, inner.extent))
        first, second = unravel(flat, (outer.extent, inner.extent))
        found = tuple(substitute_sizes(v, {outer: first, inner: second}) for v in values)
        sizes = sizes_in([Assign(fresh_local("v", v.dtype), v) for v in found])
        if any(_divides(size, flat) for size in sizes):
            break
        indices[-2:], values = [flat], found
    return indices, values


def _divides(size: Size, index: Index) -> bool:
    """Whether an offset mentions a quotient or remainder of an index."""
    atoms = () if isinstance(size, int) else size.atoms
    return any(isinstance(a, FloorDiv | Mod) and index in a.atoms for a in atoms)


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


def arg_extreme(
    node: ArgExtreme, writer: Writer, targets: Sequence[Buffer]
) -> tuple[Statement, ...]:
    """Loops of the position of an extreme along an axis: of the first one, or of the first NaN."""
    shape = node.x.type.shape
    indices = loops(shape)
    kept = [i for k, i in enumerate(indices) if k != node.axis]
    here = indices[node.axis]
    value = writer.element(node.x, tuple(indices))
    start = writer.element(node.x, tuple(0 if k == node.axis else i for k, i in enumerate(indices)))
    best, position = fresh_local("best", value.dtype), fresh_local("position", I64)
    better = compare(node.better, value, Read(best))
    body = [
        Assign(best, start),
        Assign(position, literal(0, I64)),
        For(
            here,
            (
                Assign(position, select(better, index_scalar(here), Read(position))),
                Assign(best, select(better, value, Read(best))),
            ),
        ),
        *(Store(b, ravel(tuple(kept), node.type.shape), Read(position)) for b in targets),
    ]
    return nest(kept, body)


def compare(better: Prim, value: Scalar, best: Scalar) -> Scalar:
    """Return whether a value beats the best so far; NaN beats all but NaN."""
    if value.dtype is BOOL:
        return value & ~best if better is Prim.GT else best & ~value
    wins = apply(better, value, best)
    if not value.dtype.is_float:
        return wins
    return wins | (value.differs(value) & best.equals(best))

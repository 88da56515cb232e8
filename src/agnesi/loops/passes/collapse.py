"""Merge nested loops that walk through memory as one.

before: for i < n: for j < 3: out[3*i + j] = x[3*i + j] + 1
after:  for ij < 3*n: out[ij] = x[ij] + 1

The inner loop of what is left is as long as it can be, which is what vectorising wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import replace
from agnesi.dims.dim import (
    FloorDiv,
    Index,
    Mod,
    Size,
    Terms,
    add,
    divide_exactly,
    fresh_index,
    from_terms,
    mul,
    sub,
    terms_of,
)
from agnesi.dims.simplify import floordiv, mod, substitute
from agnesi.loops.nodes import For, If, Kernel, ParallelFor, Statement, While, dynamic_scalars
from agnesi.loops.traverse import map_statement, sizes_in, substitute_sizes, walk_statements

if TYPE_CHECKING:
    from agnesi.dims.dim import Dim
    from agnesi.loops.nodes import Scalar


def collapse(kernel: Kernel) -> Kernel:
    """Merge loops wherever every offset allows it."""
    body = tuple(_collapse(s) for s in kernel.body)
    return kernel if body == kernel.body else replace(kernel, body=body)


def _collapse(statement: Statement) -> Statement:
    if isinstance(statement, If | While):
        return type(statement)(statement.condition, tuple(_collapse(s) for s in statement.body))
    if not isinstance(statement, For):
        return statement
    body = tuple(_collapse(s) for s in statement.body)
    outer = statement.index
    # A loop inside of a parallel one may have to run in order, on its private memory.
    if len(body) == 1 and isinstance(body[0], For) and not isinstance(statement, ParallelFor):
        merged = _merge(outer, body[0])
        if merged is not None:
            return merged
    return statement if body == statement.body else type(statement)(outer, body)


def _merge(outer: Index, loop: For) -> For | None:
    inner = loop.index
    if isinstance(inner.extent, Index) or _mentions(inner.extent, outer):
        return None
    loops = [s.index for s in walk_statements([loop]) if isinstance(s, For)]
    if any(dynamic_scalars(index.extent) for index in loops):
        return None
    both = fresh_index(outer.name + inner.name, mul(outer.extent, inner.extent))
    changed: dict[Size, Size] = {}
    for size in sizes_in(loop.body):
        if _mentions(size, outer) or _mentions(size, inner):
            new = _as_one(size, outer, inner, both)
            if new is None:
                return None
            changed[size] = new

    def scalar(value: Scalar) -> Scalar:
        return substitute_sizes(value, changed)  # type: ignore[arg-type]

    body = tuple(map_statement(s, scalar, lambda size: changed.get(size, size)) for s in loop.body)
    return For(both, body)


def _mentions(size: Size, index: Index) -> bool:
    return not isinstance(size, int) and index in size.atoms


def _as_one(size: Size, outer: Index, inner: Index, both: Index) -> Size | None:
    """Return ``a*outer*extent + a*inner + rest`` as ``a*both + rest``; None if it is not so."""
    found = _slopes(_inside(size, outer, inner, both), outer, inner)
    if found is None:
        return None
    steep, slope, rest = found
    if steep != mul(slope, inner.extent):
        return None
    return add(rest, mul(slope, both))


def _slopes(size: Size, outer: Index, inner: Index) -> tuple[Size, Size, Size] | None:
    """Return ``a, b, rest`` of ``a*outer + b*inner + rest``; None if it is not so."""
    slopes: dict[Index, Terms] = {outer: {}, inner: {}}
    rest: Terms = {}
    for monomial, factor in terms_of(size).items():
        here = [i for i in (outer, inner) if any(i in atom.atoms for atom in monomial)]
        if not here:
            rest[monomial] = factor
            continue
        if len(here) > 1 or monomial.count(here[0]) != 1:
            return None
        others = tuple(a for a in monomial if a is not here[0])
        if any(here[0] in a.atoms for a in others):
            return None
        slopes[here[0]][others] = factor
    return from_terms(slopes[outer]), from_terms(slopes[inner]), from_terms(rest)


def _inside(size: Size, outer: Index, inner: Index, both: Index) -> Size:
    """Return the size with quotients and remainders of both indices as those of one.

    Whole multiples of the divisor stand outside of a quotient: with an inner loop of 500, that of
    16 is ``31*outer + (4*outer + inner) // 16``.
    """

    def replace(part: Dim) -> Size | None:
        if not isinstance(part, FloorDiv | Mod):
            return None
        found = _slopes(_inside(part.a, outer, inner, both), outer, inner)
        if found is None:
            return part
        steep, slope, rest = found
        times, left = divide_exactly(sub(mul(slope, inner.extent), steep), part.b)
        if left != 0:
            return part
        new = add(rest, mul(slope, both))
        if isinstance(part, Mod):
            return mod(new, part.b)
        return sub(floordiv(new, part.b), mul(times, outer))

    return substitute(size, replace)

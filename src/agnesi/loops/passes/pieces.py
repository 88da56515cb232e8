"""Take loops apart whose elements are chosen by where they are, as in what is joined or padded.

before: for j < 800: out[j] = a[j] if j < 200 else b[j - 200]
after:  for j < 200: out[j] = a[j]
        for j < 600: out[j + 200] = b[j]

A branch for each element takes longer than what it chooses from, and keeps loops from vectors.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL
from agnesi.core.record import replace
from agnesi.dims.dim import add, fresh_index
from agnesi.dims.simplify import linear_in, substitute
from agnesi.loops.nodes import (
    Apply,
    For,
    FromIndex,
    Guard,
    If,
    Kernel,
    Literal,
    Load,
    Scalar,
    Statement,
    Store,
    While,
    index_scalar,
    literal,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import map_statement, rebuild_scalar, scalars_in, walk_scalars

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Index, Size

# Pieces at most, and turns of a loop at least.
_MOST, _LEAST = 8, 16
_ORDERS = frozenset({Prim.LT, Prim.LE, Prim.GT, Prim.GE})


def pieces(kernel: Kernel) -> Kernel:
    """Take apart the loops of a kernel whose choices depend on the index alone."""
    body = tuple(each for s in kernel.body for each in storing_loops(s, _pieces))
    return kernel if body == kernel.body else replace(kernel, body=body)


def storing_loops(
    statement: Statement, change: Callable[[For], list[Statement]]
) -> list[Statement]:
    """Return a statement with its loops that only store replaced; by nothing, they stay."""
    if isinstance(statement, If | While):
        body = tuple(each for s in statement.body for each in storing_loops(s, change))
        return [statement if body == statement.body else type(statement)(statement.condition, body)]
    if not isinstance(statement, For):
        return [statement]
    if type(statement) is For and all(isinstance(s, Store) for s in statement.body):
        return change(statement) or [statement]
    body = tuple(each for s in statement.body for each in storing_loops(s, change))
    return [statement if body == statement.body else type(statement)(statement.index, body)]


def _pieces(loop: For) -> list[Statement]:
    """Return the loops that a loop becomes; none where it stays as it is."""
    index, extent = loop.index, loop.index.extent
    if not isinstance(extent, int) or extent < _LEAST:
        return []
    scalars = walk_scalars(s for statement in loop.body for s in scalars_in(statement))
    if not any(isinstance(s, Guard) for s in scalars):
        return []
    ends = {end for s in scalars if (end := _turning_point(s, index, extent))}
    if not 0 < len(ends) < _MOST:
        return []
    cuts = [0, *sorted(ends), extent]
    return [_piece(loop, first, last) for first, last in pairwise(cuts)]


def holds(scalar: Scalar, index: Index | None, at: int) -> bool | None:
    """Return whether a comparison of an index with a number holds at a turn; None of others."""
    if not isinstance(scalar, Apply) or scalar.prim not in _ORDERS:
        return None
    values: list[int] = []
    for operand in scalar.operands:
        if isinstance(operand, Literal) and operand.dtype.is_integer:
            values.append(int(operand.value))
            continue
        if index is None or not isinstance(operand, FromIndex):
            return None
        parts = linear_in(operand.size, index)
        if parts is None or not isinstance(parts[0], int) or not isinstance(parts[1], int):
            return None
        values.append(parts[0] * at + parts[1])
    a, b = values
    match scalar.prim:
        case Prim.LT:
            return a < b
        case Prim.LE:
            return a <= b
        case Prim.GT:
            return a > b
        case _:
            return a >= b


def _turning_point(scalar: Scalar, index: Index, extent: int) -> int:
    """Return the first turn at which a comparison is another than at first; 0 where none is."""
    first = holds(scalar, index, 0)
    if first is None or holds(scalar, index, extent - 1) == first:
        return 0
    low, high = 0, extent - 1
    while high - low > 1:
        middle = (low + high) // 2
        if holds(scalar, index, middle) == first:
            low = middle
        else:
            high = middle
    return high


def _piece(loop: For, first: int, last: int) -> Statement:
    """Return a loop over some turns, in which all choices are made."""
    index = loop.index
    here = fresh_index(index.name, last - first)
    there = add(here, first)

    def moved(size: Size) -> Size:
        return substitute(size, lambda part: there if part is index else None)

    def leaf(scalar: Scalar) -> Scalar:
        match scalar:
            case Load(buffer, offset):
                return Load(buffer, moved(offset))
            case FromIndex(size):
                return index_scalar(moved(size))
            case _:
                return scalar

    def chosen(scalar: Scalar) -> Scalar:
        known = {
            s: literal(known_to, BOOL)
            for s in walk_scalars([scalar])
            if (known_to := holds(s, index, first)) is not None
        }
        return rebuild_scalar(scalar, leaf, folded, guard=guarded, known=known)

    body = tuple(map_statement(s, chosen, moved) for s in loop.body)
    return For(here, body)


def folded(prim: Prim, operands: tuple[Scalar, ...], to: DType) -> Scalar:
    """Apply a primitive; what is known of conditions is made use of."""
    if prim in (Prim.AND, Prim.OR) and to is BOOL:
        for one, other in (operands, operands[::-1]):
            if isinstance(one, Literal):
                absorbs = bool(one.bits) is (prim is Prim.OR)
                return one if absorbs else other
    if prim is Prim.NOT and to is BOOL and isinstance(operands[0], Literal):
        return literal(not operands[0].bits, BOOL)
    if prim is Prim.SELECT and isinstance(operands[0], Literal):
        return operands[1] if operands[0].bits else operands[2]
    return Apply(prim, operands, to)


def guarded(condition: Scalar, value: Scalar, otherwise: Scalar) -> Scalar:
    """Choose between two values; where the condition is known, now."""
    if isinstance(condition, Literal):
        return value if condition.bits else otherwise
    return Guard(condition, value, otherwise)

"""How long loops take on one thread, about: what decides whether several threads pay.

A rough measure that any machine is near to: what is counted are the ticks of work that vectorises
well, of which about ``PER_NANOSECOND`` pass in a nanosecond on a CPU with wide vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.dims.dim import Index, Min, add, mul, product
from agnesi.dims.simplify import maximum, substitute
from agnesi.loops.nodes import (
    Accumulate,
    Apply,
    Call,
    Contract,
    For,
    Foreign,
    If,
    Load,
    Store,
    While,
    dynamic_scalars,
)
from agnesi.loops.prims import MATH, Prim
from agnesi.loops.traverse import walk_fresh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.dims.dim import Dim, Size
    from agnesi.loops.nodes import Scalar, Statement

PER_NANOSECOND = 256
_BYTE = 4  # of a load or store in order
_GATHER = 300  # a load from a place that is computed
_OPERATION = 3  # on 32 bits
_DIVISION = 30  # of 32 bits
_FUNCTION = 20 * _OPERATION
_PROCEDURE = 30 * PER_NANOSECOND
_CALL = 50_000 * PER_NANOSECOND  # of a C function: LAPACK's, mostly
_TURNS = 16  # of a loop whose number is not known
_FREE = frozenset({Prim.BITCAST, Prim.AND, Prim.OR, Prim.XOR, Prim.NOT})


def work(statements: Iterable[Statement]) -> Size:
    """Return the ticks that statements take, as a formula of sizes; no loop index is in it."""
    seen: set[Scalar] = set()
    return add(0, *(_statement(s, seen) for s in statements))


def _statement(statement: Statement, seen: set[Scalar]) -> Size:
    fresh = walk_fresh(statement, seen)
    own: Size = sum(map(_scalar, fresh))
    match statement:
        case For(index, body):
            return add(own, mul(_turns(index), work(body)))
        case While(_, body):
            return mul(_TURNS, add(own, work(body)))
        case If(_, body):
            return add(own, *(_statement(s, seen) for s in body))
        case Store(buffer, offset, _):
            return add(own, _access(buffer.element.bytes, offset))
        case Foreign():
            return add(own, _CALL)
        case Contract(target, _, _, rows, columns, depth, _, around):
            sizes = (rows, columns, depth, *(loop.extent for loop in around))
            return mul(_BYTE * target.buffer.element.bytes // 4, product(map(_most, sizes)))
        case Accumulate(local, _, _):
            return add(own, _OPERATION * local.element.bytes // 4)
        case _:
            return own


def _turns(index: Index) -> Size:
    """Return how often a loop runs: at most, where that depends on the loops around it."""
    return _most(index.extent)


def _most(size: Size) -> Size:
    if dynamic_scalars(size):
        return _TURNS
    if isinstance(size, int) or not any(isinstance(a, Index) for a in size.atoms):
        return size
    # Remembered at the size itself: tiles of one loop have many loops of the same extents.
    known: Size | None = size.__dict__.get("most")
    if known is None:
        known = size.__dict__["most"] = _at_most(size)
    return known


def _at_most(size: Dim) -> Size:
    first = substitute(size, lambda d: 0 if isinstance(d, Index) else None)
    if isinstance(size, Min):
        # What is left of a block of this size: most in the first one.
        return first if isinstance(first, int) or first == size else _most(first)
    last = substitute(size, lambda d: d.extent if isinstance(d, Index) else None)
    # An extent can in turn mention an index.
    return maximum(*(s if isinstance(s, int) or s == size else _most(s) for s in (first, last)))


def _access(bytes_: int, offset: Size) -> int:
    return _GATHER if dynamic_scalars(offset) else _BYTE * bytes_


def _scalar(scalar: Scalar) -> int:
    if isinstance(scalar, Call):
        return _PROCEDURE
    if isinstance(scalar, Load):
        return _access(scalar.buffer.element.bytes, scalar.offset)
    if not isinstance(scalar, Apply) or scalar.prim in _FREE:
        return 0
    kind = scalar.operands[-1].dtype
    cost = _FUNCTION if scalar.prim in MATH else _OPERATION
    if scalar.prim in (Prim.FLOORDIV, Prim.MOD):
        return 8 * _DIVISION
    if scalar.prim in (Prim.DIV, Prim.SQRT):
        cost = _DIVISION // 2
    return cost * max(kind.bytes, 4) // 4

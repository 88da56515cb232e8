"""Unroll loops that read every second or third time on: each remainder has a statement of its own.

before: for l < 2*n: out[l] = x[l // 2] if l % 2 == 0 else 0
after:  for o < n: out[2*o] = x[o]
                   out[2*o + 1] = 0

Quotients of the index are neither side by side nor evenly spaced, so that vectors of them would be
gathered one by one; what is left reads and writes elements that are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL
from agnesi.core.record import replace
from agnesi.dims.dim import FloorDiv, Index, Mod, add, fresh_index, mul, sub
from agnesi.dims.simplify import floordiv, substitute
from agnesi.loops.nodes import (
    For,
    FromIndex,
    Kernel,
    Load,
    Scalar,
    Statement,
    index_scalar,
    literal,
)
from agnesi.loops.passes.pieces import folded, guarded, holds, storing_loops
from agnesi.loops.traverse import map_statement, rebuild_scalar, scalars_in, walk_scalars

if TYPE_CHECKING:
    from agnesi.dims.dim import Dim, Size

# Divisors that are worth it, and turns of the loop that remains.
_MOST, _LEAST = 4, 4


def residues(kernel: Kernel) -> Kernel:
    """Unroll the loops of a kernel that read at quotients of their index."""
    body = tuple(each for s in kernel.body for each in storing_loops(s, _by_remainder))
    return kernel if body == kernel.body else replace(kernel, body=body)


def _divisor(loop: For) -> int:
    """Return what the index is divided by where the loop reads; 0 where there is nothing to do."""
    index = loop.index
    found: set[int] = set()
    for scalar in walk_scalars(s for statement in loop.body for s in scalars_in(statement)):
        if isinstance(scalar, Load) and not isinstance(scalar.offset, int):
            found |= {_by(atom, index) for atom in scalar.offset.atoms} - {0}
    if len(found) != 1 or not 1 < (divisor := found.pop()) <= _MOST:
        return 0
    return divisor if isinstance(index.extent, int) and index.extent >= _LEAST * divisor else 0


def _by(atom: Dim, index: Index) -> int:
    """Return by which number a quotient divides an expression of an index; 0 of anything else."""
    if not isinstance(atom, FloorDiv | Mod) or index not in atom.atoms:
        return 0
    return atom.b if isinstance(atom.b, int) else _MOST + 1


def _by_remainder(loop: For) -> list[Statement]:
    """Return the loop over whole multiples of the divisor, and what is left over."""
    index, extent, divisor = loop.index, loop.index.extent, _divisor(loop)
    if not divisor:
        return []
    outer = fresh_index(index.name, floordiv(extent, divisor))
    body = [
        each for rest in range(divisor) for each in _at(loop, add(mul(outer, divisor), rest), outer)
    ]
    done = mul(divisor, outer.extent)
    left = sub(extent, done)
    assert isinstance(left, int)
    after = [each for rest in range(left) for each in _at(loop, add(done, rest), None)]
    return [For(outer, tuple(body)), *after]


def _at(loop: For, place: Size, outer: Index | None) -> list[Statement]:
    """Return the body at a turn of the loop, choices made where the turn alone tells."""
    index = loop.index

    def moved(size: Size) -> Size:
        return substitute(size, lambda part: place if part is index else None)

    def leaf(scalar: Scalar) -> Scalar:
        match scalar:
            case Load(buffer, offset):
                return Load(buffer, moved(offset))
            case FromIndex(size):
                return index_scalar(moved(size))
            case _:
                return scalar

    def chosen(scalar: Scalar) -> Scalar:
        here = rebuild_scalar(scalar, leaf)
        known: dict[Scalar, Scalar] = {}
        for part in walk_scalars([here]):
            first = holds(part, outer, 0)
            last = first if outer is None else holds(part, outer, _last(outer))
            if first is not None and first == last:
                known[part] = literal(first, BOOL)
        return rebuild_scalar(here, apply=folded, guard=guarded, known=known)

    return [map_statement(statement, chosen, moved) for statement in loop.body]


def _last(index: Index) -> int:
    assert isinstance(index.extent, int)
    return index.extent - 1

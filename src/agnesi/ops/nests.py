"""Loops around a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.dims.dim import Index, Shape, fresh_index, product
from agnesi.loops.nodes import For, ParallelFor, Statement
from agnesi.ops.movement import unravel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Dim, Size

# Iterations enough for a parallel loop.
_ENOUGH = 16


def nest(indices: Sequence[Index], body: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return loops over the indices, the first outermost, around the body."""
    result = tuple(body)
    for index in reversed(indices):
        result = (For(index, result),)
    return result


def loop_indices(shape: Shape) -> list[Index]:
    """Return an index for each axis."""
    return [fresh_index("ijklmnpq"[k] if k < 8 else f"i{k}", s) for k, s in enumerate(shape)]


def parallel(
    indices: Sequence[Index],
) -> tuple[dict[Dim, Size], Callable[[Sequence[Statement]], tuple[Statement, ...]]]:
    """Return a parallel loop around a body for several loops, and what their indices are in it."""
    if not indices:
        return {}, tuple
    first, rest = indices[0], list(indices[1:])
    if rest and not (isinstance(first.extent, int) and first.extent >= _ENOUGH):
        first, rest = fresh_index("p", product(i.extent for i in indices)), []
        where = unravel(first, tuple(i.extent for i in indices))
    else:
        where = tuple(indices)
    found: dict[Dim, Size] = dict(zip(indices, where, strict=True))
    return found, lambda body: (ParallelFor(first, nest(rest, body)),)

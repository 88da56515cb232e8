"""Loops that run in vectors: how many lanes they have, and what LLVM's vectoriser is told.

A loop becomes two, where vectors can be loaded and stored under a mask:

before: for i < n: y[i] = f(x[i])
after:  for i < n - n % 32: y[i] = f(x[i])          two vectors of 16 an iteration, no rest
        for i from n - n % 32 to n: y[i] = f(x[i])  one vector an iteration, the last under a mask

So the rest of a loop takes as long as a vector does, not as long as 15 elements.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agnesi.core.record import record
from agnesi.dims.dim import terms_of
from agnesi.loops.nodes import Accumulate, Apply, Call, Guard, Load, Store
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import children_of, scalars_in, walk_scalars

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.core.machine import Machine
    from agnesi.dims.dim import Index, Size
    from agnesi.loops.nodes import For, Scalar

# Waiting instructions among which a machine finds what it can do at once, and how many it does in a
# cycle.
_WINDOW, _AT_ONCE = 150, 2
# Cycles until a result is there: of most operations, of divisions and roots, of moving bits.
_LATENCY, _LONG, _SHORT = 4, 12, 1
_MOVES = frozenset({Prim.SELECT, Prim.BITCAST, Prim.AND, Prim.OR, Prim.XOR, Prim.NOT, Prim.NEG,
                    Prim.ABS, Prim.COPYSIGN})  # fmt: skip
# An elementary function takes at least as many instructions; two copies of it are 5 % faster.
_FUNCTION = 12
# More copies of a body than this make LLVM slow.
_MOST_COPIES, _MOST_WORK = 8, 2500
# Stores of a body that is not copied, and for which elements that lie apart are gathered: LLVM does
# as well there, but takes twice as long as all the rest of the kernel.
_MANY = 8

# Loops of fewer turns are as well unrolled; those of more, LLVM does not unroll altogether.
_LEAST, _SHORT_LOOP = 16, 512
# Loops that are made such that they are whole vectors.
_STRIPS = frozenset({4, 8, 16, 32})
# So few turns of a scan are better unrolled, even if elements are gathered then.
_FEW = 6


@record(frozen=True)
class VectorShape:
    """How many elements a vector has, and how many vectors one iteration computes."""

    lanes: int
    copies: int

    @property
    def chunk(self) -> int:
        """How many elements one iteration computes."""
        return self.lanes * self.copies


def vector_shape(loop: For, machine: Machine) -> VectorShape | None:
    """Return how a loop runs in vectors; None if that is LLVM's affair, or not at all.

    It does if all it does is store elements that lie side by side, computed without branches from
    others that do, or that do not depend on the index; those of many stores may lie evenly apart.

    Args:
        loop: with elementary functions expanded.
        machine: what the code is for.
    """
    if not machine.masks:
        return None
    widest = 1
    many = len(loop.body) >= _MANY
    roots: list[Scalar] = []
    for statement in loop.body:
        if not isinstance(statement, Store) or slope_of(statement.offset, loop.index) != 1:
            return None
        widest = max(widest, statement.buffer.element.bytes)
        roots.extend(scalars_in(statement))
    scalars = walk_scalars(roots)
    for scalar in scalars:
        if isinstance(scalar, Guard | Call):
            return None
        if isinstance(scalar, Load):
            slope = slope_of(scalar.offset, loop.index)
            if slope not in (0, 1) and (slope is None or not many):
                return None
            widest = max(widest, scalar.buffer.element.bytes)
    work = sum(
        max(1, scalar.dtype.bytes // widest) for scalar in scalars if isinstance(scalar, Apply)
    )
    # Of many stores enough is independent, and more than registers hold.
    lanes, copies = machine.vector_bytes // widest, 1 if many else _copies(work, _depth(roots))
    extent = loop.index.extent
    # Whole vectors, where all there is are as few elements as that.
    while isinstance(extent, int) and copies > 1 and extent < lanes * copies:
        copies //= 2
    while isinstance(extent, int) and extent in _STRIPS and extent < lanes:
        lanes //= 2
    return VectorShape(lanes, copies)


def slope_of(offset: Size, index: Index) -> int | None:
    """Return by how many elements an offset grows with the index, if always by as many."""
    if isinstance(offset, int) or index not in offset.atoms:
        return 0
    slope = 0
    for monomial, factor in terms_of(offset).items():
        if monomial == (index,):
            slope = factor
        elif any(index in atom.atoms for atom in monomial):
            return None
    return slope


def _copies(work: int, depth: int) -> int:
    """Return how many vectors one iteration should compute: a power of two.

    What follows one after the other in one vector leaves a machine idle, unless it has others to
    work on.  It finds them in the next iterations, if the window in which it looks reaches there.

    Args:
        work: instructions for one vector.
        depth: cycles of the longest chain of them.
    """
    if not work:
        return 1
    # Twice what would do, for LLVM does not mix the copies evenly.
    wanted = 2 * depth * _AT_ONCE / work
    found = max(1.0, _WINDOW / work)
    copies = 2 if work >= _FUNCTION else 1
    while copies < _MOST_COPIES and 2 * copies <= min(wanted / found, _MOST_WORK / work):
        copies *= 2
    return copies


def _depth(roots: Iterable[Scalar]) -> int:
    """Return the cycles of the longest chain of operations."""
    depth: dict[Scalar, int] = {}
    stack = list(roots)
    while stack:
        scalar = stack[-1]
        children = children_of(scalar)
        waiting = [c for c in children if c not in depth]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        depth[scalar] = _latency(scalar) + max((depth[c] for c in children), default=0)
    return max((depth[root] for root in roots), default=0)


def _latency(scalar: Scalar) -> int:
    if not isinstance(scalar, Apply):
        return 0
    if scalar.prim in (Prim.DIV, Prim.SQRT):
        return _LONG
    return _SHORT if scalar.prim in _MOVES else _LATENCY


def is_short(loop: For) -> bool:
    """Whether a loop has so few turns that LLVM would unroll it before it looks for vectors.

    What it then finds are vectors across turns of the loop around, gathered one by one.
    """
    extent = loop.index.extent
    return isinstance(extent, int) and _LEAST <= extent <= _SHORT_LOOP


def sum_shape(loop: For, machine: Machine) -> VectorShape | None:
    """Return how a short loop that accumulates runs in vectors; None if that is LLVM's affair."""
    extent = loop.index.extent
    sums = [s for s in loop.body if isinstance(s, Accumulate)]
    if len(sums) < len(loop.body) or not isinstance(extent, int) or not is_short(loop):
        return None
    every = walk_scalars(s.value for s in sums)
    if any(isinstance(s, Guard | Call) for s in every):
        return None
    slopes = [slope_of(s.offset, loop.index) for s in every if isinstance(s, Load)]
    if any(slope not in (0, 1) for slope in slopes):
        return None
    lanes = machine.vector_bytes // max(s.dtype.bytes for s in every)
    # A sum waits for the addition before: several sums do not wait for each other.
    fits = [n for n in (4, 2) if extent >= 16 * lanes or extent % (n * lanes) == 0]
    return VectorShape(lanes, fits[0] if fits else 1)


def scan_hint(loop: For) -> str:
    """Return a hint for a loop that stores what it accumulates: there are no vectors to find."""
    kinds = {type(s) for s in loop.body}
    extent = loop.index.extent
    if not {Accumulate, Store} <= kinds or not isinstance(extent, int):
        return ""
    return ", !llvm.loop !<0 0 0 1>" if _FEW < extent <= _SHORT_LOOP else ""


def no_unrolling() -> str:
    """Return a hint for a loop that is written out already."""
    return ", !llvm.loop !<0 0 0 1>"


def hint(shape: VectorShape, *, rest: bool, short: bool = False) -> str:
    """Return what to write at the jump back of a loop; ``with_metadata`` makes it LLVM's."""
    copies = 1 if rest else shape.copies
    return f", !llvm.loop !<{shape.lanes} {copies} {int(rest)} {int(short)}>"


def with_metadata(text: str) -> str:
    """Replace the hints in a module's text by numbers of metadata, and append that."""
    nodes: list[str] = []

    def number(match: re.Match[str]) -> str:
        lanes, copies, rest, short = match.groups()
        own = len(nodes)
        hints: list[str] = []
        if lanes != "0":
            hints += [
                f'!{{!"llvm.loop.vectorize.width", i32 {lanes}}}',
                f'!{{!"llvm.loop.interleave.count", i32 {copies}}}',
                f'!{{!"llvm.loop.vectorize.predicate.enable", i1 {rest}}}',
            ]
        if short != "0":
            hints.append('!{!"llvm.loop.unroll.disable"}')
        following = range(own + 1, own + 1 + len(hints))
        # Each loop has a node of its own, which it begins with.
        nodes.append(f"!{own} = distinct !{{!{own}, {', '.join(f'!{k}' for k in following)}}}")
        nodes.extend(f"!{k} = {h}" for k, h in zip(following, hints, strict=True))
        return f"!{own}"

    text = re.sub("!<([0-9]+) ([0-9]+) ([0-9]+) ([0-9]+)>", number, text)
    return "\n".join([text, "", *nodes]) if nodes else text

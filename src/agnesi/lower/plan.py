"""Place temporary buffers in one arena, so that buffers that do not live together share memory.

before: t0, t1 = f(t0), t2 = f(t1) of one size       after: t0 and t2 in slot 0, t1 in slot 1
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from agnesi.core.record import field, record, replace
from agnesi.dims.dim import Dim, Size, Value, mul, product
from agnesi.dims.simplify import at_least
from agnesi.lower.program import (
    BindValue,
    CallHost,
    Clear,
    Copy,
    MultiplyMatrices,
    Program,
    RunBranch,
    RunKernel,
    RunLoop,
    Space,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.loops.nodes import Buffer


@record()
class _Slots:
    """Slots of the arena.  Those of one size are kept together, so that few sizes are compared.

    Attributes:
        sizes: bytes of each slot.
        waiting: by size, when slots become free, and which: a heap.
        holds: whether a slot of the first size is seen to hold the second.
    """

    sizes: list[Size] = field(default_factory=list["Size"])
    waiting: dict[Size, list[tuple[int, int]]] = field(
        default_factory=dict["Size", "list[tuple[int, int]]"]
    )
    holds: dict[tuple[Size, Size], bool] = field(default_factory=dict["tuple[Size, Size]", bool])

    def take(self, size: Size, first: int, last: int) -> int:
        """Return the smallest slot for this size that is free from ``first`` to ``last``."""
        best = size if self.is_free(size, first) else None
        if best is None:
            for other in self.waiting:
                if self.is_free(other, first) and self.at_least(other, size):
                    best = other if best is None or self.at_least(best, other) else best
        if best is None:
            best, position = size, len(self.sizes)
            self.sizes.append(size)
        else:
            position = heappop(self.waiting[best])[1]
        heappush(self.waiting.setdefault(best, []), (last, position))
        return position

    def is_free(self, size: Size, first: int) -> bool:
        """Whether a slot of just this size is free from a step on."""
        heap = self.waiting.get(size)
        return bool(heap) and heap[0][0] < first

    def at_least(self, a: Size, b: Size) -> bool:
        """Whether ``a >= b`` is seen."""
        pair = (a, b)
        if pair not in self.holds:
            self.holds[pair] = at_least(a, b)
        return self.holds[pair]


def accesses(step: Step) -> tuple[tuple[Buffer, ...], tuple[Buffer, ...]]:
    """Return the buffers whose contents a step needs, and those it writes."""
    match step:
        case RunKernel(kernel=kernel):
            return tuple(b for b in kernel.buffers if b not in kernel.written), tuple(
                b for b in kernel.buffers if b in kernel.written
            )
        case MultiplyMatrices(a=a, b=b, c=c):
            return (a, b, *step.scalars, *((c,) if step.adds else ())), (c,)
        case CallHost(_, operands, result):
            return operands, (result,)
        case BindValue(buffer=buffer):
            return (buffer,), ()
        case Copy(source, target):
            return (source,), (target,)
        case Clear(target):
            return (), (target,)
        case RunLoop() | RunBranch():
            return _inside(step)
        case _:
            return (), ()


def _inside(step: RunLoop | RunBranch) -> tuple[tuple[Buffer, ...], tuple[Buffer, ...]]:
    """Return what steps inside of a step read and write: the memory, where that is a view."""
    inner = [accesses(each) for part in step.parts for each in part]
    reads = dict.fromkeys([*step.own, *(b for found, _ in inner for b in found)])
    writes = dict.fromkeys(b for _, found in inner for b in found)
    if isinstance(step, RunBranch):
        writes |= dict.fromkeys(() if step.taken is None else (step.taken,))
        return tuple(reads), tuple(writes)
    writes |= dict.fromkeys(b for b in (step.number, step.done) if b is not None)
    writes |= {row.base: None for row in step.rows if row.buffer in writes}
    if any(each.buffer in writes for each in step.carried):
        views = set(step.views)
        writes |= {c.first: None for c in step.carried if c.then not in views or c.then in writes}
    views = set(step.views)
    return tuple(b for b in reads if b not in views), tuple(b for b in writes if b not in views)


def touched(step: Step) -> tuple[Buffer, ...]:
    """Return the buffers that a step reads or writes, and those that steps inside of it do."""
    return tuple(dict.fromkeys(b for part in accesses(step) for b in part))


def plan_buffers(program: Program) -> None:
    """Give each temporary buffer of the program its slot, or leave it to be allocated late."""
    lives = _Lives()
    lives.steps(program.steps, ())
    early = _entry_values(program)
    slots = _Slots()
    late = 0
    for buffer, (first, last) in sorted(lives.found().items(), key=lambda item: item[1][0]):
        storage = program.storage[buffer]
        if storage.space is not Space.ARENA:
            continue
        size = mul(product(storage.shape), storage.dtype.bytes)
        if isinstance(size, Dim) and any(
            isinstance(atom, Value) and atom not in early for atom in size.atoms
        ):
            program.storage[buffer] = replace(storage, space=Space.LATE, position=late)
            late += 1
            continue
        position = slots.take(size, first, last)
        program.storage[buffer] = replace(storage, position=position)
    program.slots = slots.sizes


@record()
class _Span:
    """From when to when a step with steps inside runs."""

    step: RunLoop | RunBranch
    first: int
    last: int = 0


@record()
class _Lives:
    """Finds from when to when each buffer holds something.

    Time goes on with every step, also inside of others.  What belongs to one turn of a loop lives
    in it no longer than anywhere; what is used around a loop, too, lives all the time that it runs.
    """

    now: int = 0
    seen: dict[Buffer, list[tuple[int, tuple[_Span, ...]]]] = field(
        default_factory=dict["Buffer", "list[tuple[int, tuple[_Span, ...]]]"]
    )

    def steps(self, steps: Iterable[Step], around: tuple[_Span, ...]) -> None:
        """Note what steps touch."""
        for step in steps:
            self.now += 1
            if not isinstance(step, RunLoop | RunBranch):
                self.note(touched(step), around)
                continue
            self.note(step.own, around)
            span = _Span(step, self.now)
            for part in step.parts:
                self.steps(part, (*around, span))
            self.now += 1
            span.last = self.now
            self.note(step.own, around)

    def note(self, buffers: Iterable[Buffer], around: tuple[_Span, ...]) -> None:
        """Note that buffers are used now."""
        for buffer in buffers:
            self.seen.setdefault(buffer, []).append((self.now, around))

    def found(self) -> dict[Buffer, tuple[int, int]]:
        """Return the first and the last time of each buffer."""
        result: dict[Buffer, tuple[int, int]] = {}
        for buffer, uses in self.seen.items():
            depth = len(self.around(buffer))
            ends = [
                (around[depth].first, around[depth].last) if len(around) > depth else (now, now)
                for now, around in uses
            ]
            result[buffer] = min(a for a, _ in ends), max(b for _, b in ends)
        return result

    def around(self, buffer: Buffer) -> tuple[_Span, ...]:
        """Return the steps around all uses of a buffer."""
        first, *others = (around for _, around in self.seen[buffer])
        for other in others:
            shared = [a for a, b in zip(first, other, strict=False) if a is b]
            first = tuple(shared)
        return first


def turn_buffers(program: Program) -> dict[int, list[Buffer]]:
    """Return the temporary buffers of one turn of a step with steps inside, by its ``id``."""
    lives = _Lives()
    lives.steps(program.steps, ())
    found: dict[int, list[Buffer]] = {}
    for buffer in lives.seen:
        around = lives.around(buffer)
        if around and program.storage[buffer].space in (Space.ARENA, Space.LATE):
            found.setdefault(id(around[-1].step), []).append(buffer)
    return found


def _entry_values(program: Program) -> set[Dim]:
    """Return the values that are bound before anything is computed."""
    found: set[Dim] = set()
    for step in program.steps:
        if isinstance(step, RunKernel | MultiplyMatrices | CallHost | RunLoop | RunBranch):
            break
        if isinstance(step, BindValue):
            found.add(step.value)
    return found

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
    Copy,
    MultiplyMatrices,
    Program,
    RunKernel,
    Space,
    Step,
)

if TYPE_CHECKING:
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
        case _:
            return (), ()


def touched(step: Step) -> tuple[Buffer, ...]:
    """Return the buffers that a step reads or writes."""
    reads, writes = accesses(step)
    return reads + writes


def plan_buffers(program: Program) -> None:
    """Give each temporary buffer of the program its slot, or leave it to be allocated late."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    early = _entry_values(program)
    for k, step in enumerate(program.steps):
        for buffer in touched(step):
            first.setdefault(buffer, k)
            last[buffer] = k
    slots = _Slots()
    late = 0
    for buffer in sorted(first, key=first.__getitem__):
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
        position = slots.take(size, first[buffer], last[buffer])
        program.storage[buffer] = replace(storage, position=position)
    program.slots = slots.sizes


def _entry_values(program: Program) -> set[Dim]:
    """Return the values that are bound before anything is computed."""
    found: set[Dim] = set()
    for step in program.steps:
        if isinstance(step, RunKernel | MultiplyMatrices | CallHost):
            break
        if isinstance(step, BindValue):
            found.add(step.value)
    return found

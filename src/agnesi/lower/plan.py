"""Place temporary buffers in one arena, so that buffers that do not live together share memory.

before: t0, t1 = f(t0), t2 = f(t1) of one size       after: t0 and t2 in slot 0, t1 in slot 1
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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


@dataclass
class _Slot:
    bytes: Size
    free_after: int


def accesses(step: Step) -> tuple[tuple[Buffer, ...], tuple[Buffer, ...]]:
    """Return the buffers whose contents a step needs, and those it writes."""
    match step:
        case RunKernel(kernel=kernel):
            return tuple(b for b in kernel.buffers if b not in kernel.written), tuple(
                b for b in kernel.buffers if b in kernel.written
            )
        case MultiplyMatrices(a=a, b=b, c=c):
            return (a, b), (c,)
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
    slots: list[_Slot] = []
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
        position = _fitting(slots, size, first[buffer])
        if position is None:
            position = len(slots)
            slots.append(_Slot(size, -1))
        slots[position].free_after = last[buffer]
        program.storage[buffer] = replace(storage, position=position)
    program.slots = [slot.bytes for slot in slots]


def _fitting(slots: list[_Slot], size: Size, start: int) -> int | None:
    """Return the smallest free slot that holds this size, None if there is none."""
    best: int | None = None
    for k, slot in enumerate(slots):
        if slot.free_after >= start or not at_least(slot.bytes, size):
            continue
        if best is None or at_least(slots[best].bytes, slot.bytes):
            best = k
    return best


def _entry_values(program: Program) -> set[Dim]:
    """Return the values that are bound before anything is computed."""
    found: set[Dim] = set()
    for step in program.steps:
        if isinstance(step, RunKernel | MultiplyMatrices | CallHost):
            break
        if isinstance(step, BindValue):
            found.add(step.value)
    return found

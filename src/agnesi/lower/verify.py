"""What must hold of a program: good kernels, memory for every buffer, nothing read unwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.loops.verify import verify_kernel
from agnesi.lower.plan import accesses, touched
from agnesi.lower.program import Require, RunKernel, Space

if TYPE_CHECKING:
    from agnesi.loops.nodes import Buffer
    from agnesi.lower.program import Program

_GIVEN = (Space.INPUT, Space.SHARED, Space.CONSTANT)


def verify_program(program: Program, *, native: bool = False) -> None:
    """Check a program.

    Args:
        program: lowered, with its buffers planned.
        native: whether elementary functions have to be expanded.

    Raises:
        CompilerBug: something does not hold.
    """
    storage = program.storage
    elements = {buffer: s.numbers for buffer, s in storage.items()}
    written: set[Buffer] = {b for b, s in storage.items() if s.space in _GIVEN}
    # Which buffer a slot of the arena holds at present.
    tenants: dict[int, Buffer] = {}
    for step in program.steps:
        missing = [b for b in touched(step) if b not in storage]
        if missing:
            raise CompilerBug(f"{program.name}: {missing} have no memory, in {step}")
        if isinstance(step, Require):
            # It may never hold, and what comes after it never run, on whatever sizes.
            elements = {}
        if isinstance(step, RunKernel):
            verify_kernel(step.kernel, elements, native=native)
        reads, writes = accesses(step)
        for buffer in reads:
            slot = storage[buffer].position
            lost = storage[buffer].space is Space.ARENA and tenants.get(slot) is not buffer
            if buffer not in written or lost:
                raise CompilerBug(f"{program.name}: {buffer} is read before it is written, {step}")
        for buffer in writes:
            place = storage[buffer]
            if place.space in (Space.INPUT, Space.CONSTANT):
                raise CompilerBug(f"{program.name}: the {place.space.value} {buffer} is written")
            if place.space is Space.SHARED and place.position not in program.updated:
                raise CompilerBug(f"{program.name}: {buffer} is written but not updated")
            if place.space is Space.ARENA:
                tenants[place.position] = buffer
            written.add(buffer)
    for buffer in (*program.outputs, *program.renewed.values()):
        if buffer not in written:
            raise CompilerBug(f"{program.name}: {buffer} is never written")

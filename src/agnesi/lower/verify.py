"""What must hold of a program: good kernels, memory for every buffer, nothing read unwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.loops.nodes import Buffer
from agnesi.loops.verify import verify_kernel
from agnesi.lower.plan import accesses, touched
from agnesi.lower.program import Copy, Require, RunBranch, RunKernel, RunLoop, Space

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.lower.program import Program, Step

_GIVEN = (Space.INPUT, Space.SHARED, Space.CONSTANT)


def verify_program(program: Program, *, native: bool = False) -> None:
    """Check a program.

    Args:
        program: lowered, with its buffers planned.
        native: whether elementary functions have to be expanded.

    Raises:
        CompilerBug: something does not hold.
    """
    check = _Check(program, native)
    check.steps(program.steps)
    for buffer in (*program.outputs, *program.renewed.values()):
        if buffer not in check.written:
            raise CompilerBug(f"{program.name}: {buffer} is never written")


class _Check:
    """Walks through steps in order, knowing what is written and which memory is whose."""

    def __init__(self, program: Program, native: bool) -> None:
        self.program, self.storage, self.native = program, program.storage, native
        self.elements = {buffer: s.numbers for buffer, s in self.storage.items()}
        self.written: set[Buffer] = {b for b, s in self.storage.items() if s.space in _GIVEN}
        # Which buffer a slot of the arena holds at present.
        self.tenants: dict[int, Buffer] = {}

    def steps(self, steps: Iterable[Step]) -> None:
        """Check steps that run one after the other."""
        for step in steps:
            match step:
                case RunLoop():
                    self.loop(step)
                case RunBranch():
                    self.branch(step)
                case _:
                    self.step(step)

    def step(self, step: Step) -> None:
        """Check one step."""
        missing = [b for b in touched(step) if b not in self.storage]
        if missing:
            raise CompilerBug(f"{self.program.name}: {missing} have no memory, in {step}")
        if isinstance(step, Require):
            # It may never hold, and what comes after it never run, on whatever sizes.
            self.elements = {}
        if isinstance(step, RunKernel):
            verify_kernel(step.kernel, self.elements, native=self.native)
        reads, writes = accesses(step)
        self.read(reads, step)
        self.write(writes)

    def read(self, buffers: Iterable[Buffer], step: Step) -> None:
        """Check that buffers hold what was written to them."""
        for buffer in buffers:
            place = self.storage[buffer]
            lost = place.space is Space.ARENA and self.tenants.get(place.position) is not buffer
            if buffer not in self.written or lost:
                words = f"{buffer} is read before it is written"
                raise CompilerBug(f"{self.program.name}: {words}, {step}")

    def write(self, buffers: Iterable[Buffer]) -> None:
        """Note that buffers hold something."""
        name = self.program.name
        for buffer in buffers:
            place = self.storage[buffer]
            if place.space in (Space.INPUT, Space.CONSTANT):
                raise CompilerBug(f"{name}: the {place.space.value} {buffer} is written")
            if place.space is Space.SHARED and place.position not in self.program.updated:
                raise CompilerBug(f"{name}: {buffer} is written but not updated")
            if place.space is Space.ARENA:
                self.tenants[place.position] = buffer
            self.written.add(buffer)

    def loop(self, loop: RunLoop) -> None:
        """Check two turns of a loop: the second one finds what the first left behind."""
        # Of memory that takes turns some is written over before it is read.
        spares = loop.spares
        full = [c for c in loop.carried if c not in spares]
        self.written |= {c.buffer for c in full if c.first in self.written}
        self.written -= {c.buffer for c in spares}
        self.write(c.first for c in spares)
        self.read(loop.kept, loop)
        self.read((c.first for c in full), loop)
        before = set(self.written)
        # Rows are written one by one.
        stored = {b for step in loop.steps for b in accesses(step)[1]}
        collected = [row.base for row in loop.rows if row.buffer in stored]
        self.write(collected)
        views = {row.buffer: row.base for row in loop.rows}
        self.written -= set(views)
        self.written |= {v for v, base in views.items() if v not in stored and base in self.written}
        for _ in range(2):
            self.write(b for b in (loop.number,) if b is not None)
            self.steps(loop.first)
            self.steps(loop.condition)
            self.read((b for b in (loop.go,) if b is not None), loop)
            self.steps(loop.steps)
            self.read(loop.kept, loop)
            self.read((c.then for c in loop.carried), loop)
            self.read((c.first for c in loop.carried), loop)
            self.written |= {c.buffer for c in loop.carried}
        self.read(collected, loop)
        self.steps(loop.last)
        ended = {copy.target for copy in loop.last if isinstance(copy, Copy)}
        self.written = before | set(collected) | ended
        self.write(b for b in (loop.done,) if b is not None)

    def branch(self, branch: RunBranch) -> None:
        """Check each list by itself; after it only what all of them wrote is there."""
        self.read((b for b in (branch.index,) if isinstance(b, Buffer)), branch)
        before, tenants = set(self.written), dict(self.tenants)
        ends: list[tuple[set[Buffer], dict[int, Buffer]]] = []
        for part in branch.parts:
            self.written, self.tenants = set(before), dict(tenants)
            self.steps(part)
            ends.append((self.written, self.tenants))
        self.written = {b for b in ends[0][0] if all(b in written for written, _ in ends)}
        self.tenants = {
            slot: holder
            for slot, holder in ends[0][1].items()
            if all(held.get(slot) is holder for _, held in ends)
        }
        self.write(b for b in (branch.taken,) if b is not None)

"""A loop of small kernels as one kernel, so that a step takes what it computes and nothing else.

before: loop n times: k0(x[t], c -> z); k1(z -> c')
after:  for t < n:
            own z[i] = ... x[t*m + i] ... c[i]
            c[i] = ... z[i]

What a step makes and forgets, and what is carried from one memory to another, is memory of the
kernel, on the stack or in registers.  LLVM sees it all: what is in registers stays there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64
from agnesi.dims.dim import Size, add, fresh_index, mul, sub
from agnesi.dims.simplify import maximum
from agnesi.loops.nodes import (
    Buffer,
    Contract,
    For,
    Foreign,
    If,
    Load,
    Matrix,
    ParallelFor,
    Scalar,
    Statement,
    Store,
    While,
    dynamic_scalars,
    index_scalar,
)
from agnesi.loops.traverse import map_statement, rebuild_scalar, walk_scalars, walk_statements
from agnesi.loops.work import PER_NANOSECOND, work
from agnesi.lower.kernels import close_kernel
from agnesi.lower.program import NOTHING, ONE, Copy, MultiplyMatrices, RunKernel, Space

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from agnesi.lower.program import RunLoop, Step, Storage

# A step that takes longer, in ticks, gains nothing by it, and may be worth several threads.
_LONG = 4_000 * PER_NANOSECOND
# Bytes of memory of its own that the nearest cache holds besides what a step reads.
_OWN = 1 << 14


def as_kernel(
    loop: RunLoop, storage: Mapping[Buffer, Storage], fresh: Collection[Buffer], name: str
) -> RunKernel | None:
    """Return one kernel that does what a loop does; None if it is not small enough.

    Args:
        loop: of kernels and copies.
        storage: of all buffers.
        fresh: buffers that nothing outside of the loop knows.
        name: of the kernel.
    """
    if loop.condition or loop.length is None or not _are_kernels(loop.steps):
        return None
    whole = _Whole(loop, storage, fresh)
    return whole.kernel(name) if whole.fits() else None


def _are_kernels(steps: Iterable[Step]) -> bool:
    for step in steps:
        if isinstance(step, RunKernel):
            # C functions may use threads.
            every = list(walk_statements(step.kernel.body))
            if any(isinstance(s, Foreign | While) for s in every):
                return False
        elif not isinstance(step, Copy) and not _is_block(step):
            return False
    return True


def _is_block(step: Step) -> bool:
    """Whether a library's product may as well be a block of a kernel."""
    if not isinstance(step, MultiplyMatrices) or step.node.dtype not in (F32, F64):
        return False
    plain = step.batch == 1 and step.alpha == ONE and step.beta in (ONE, NOTHING)
    return plain and step.c not in (step.a, step.b)


class _Whole:
    """Writes one kernel."""

    def __init__(
        self, loop: RunLoop, storage: Mapping[Buffer, Storage], fresh: Collection[Buffer]
    ) -> None:
        self.loop, self.storage = loop, storage
        self.private: dict[Buffer, Size] = {}
        kernels = [s.kernel for s in loop.steps if isinstance(s, RunKernel)]
        for kernel in kernels:
            self.private |= dict(kernel.private)
        kept = {*loop.kept, *(b for b in (loop.number, loop.done) if b is not None)}
        touched = dict.fromkeys(b for kernel in kernels for b in kernel.buffers)
        for step in loop.steps:
            if isinstance(step, Copy):
                touched |= dict.fromkeys((step.source, step.target))
            elif isinstance(step, MultiplyMatrices):
                touched |= dict.fromkeys((step.a, step.b, step.c))
        for buffer in touched:
            if buffer in fresh and buffer not in kept and storage[buffer].space is Space.ARENA:
                self.private[buffer] = storage[buffer].numbers
        for each in loop.carried:
            self.private[each.buffer] = storage[each.buffer].numbers
        self.index = fresh_index("t", loop.length if loop.length is not None else 0)
        self.turn = self.index if not loop.reverse else sub(add(self.index.extent, -1), self.index)
        self.places: dict[Buffer, tuple[Buffer, Size]] = {
            row.buffer: (row.base, add(row.start, mul(row.stride, self.turn))) for row in loop.rows
        }

    def fits(self) -> bool:
        """Whether all sizes are known, and small."""
        counts = list(self.private.values())
        if not all(isinstance(n, int) for n in counts):
            return False
        room = sum(n * b.element.bytes for b, n in self.private.items() if isinstance(n, int))
        if room > _OWN:
            return False
        bodies = [s.kernel.body for s in self.loop.steps if isinstance(s, RunKernel)]
        bodies += [(self.block(s),) for s in self.loop.steps if isinstance(s, MultiplyMatrices)]
        amount = add(0, *map(work, bodies))
        return isinstance(amount, int) and amount < _LONG and not any(map(self.counts, bodies))

    def counts(self, body: Iterable[Statement]) -> bool:
        """Whether how often something is done depends on what changes its place."""
        moved = {*self.places, self.loop.number}
        for statement in walk_statements(body):
            if isinstance(statement, For):
                scalars = walk_scalars(dynamic_scalars(statement.index.extent))
                if any(isinstance(s, Load) and s.buffer in moved for s in scalars):
                    return True
        return False

    def kernel(self, name: str) -> RunKernel:
        """Return it."""
        loop = self.loop
        body: list[Statement] = []
        nodes = [loop.node, *(n for s in loop.steps if isinstance(s, RunKernel) for n in s.nodes)]
        for step in loop.steps:
            if isinstance(step, RunKernel):
                body += map(self.moved, map(_in_order, step.kernel.body))
            elif isinstance(step, Copy):
                body.append(self.copy(step.source, step.target))
            elif isinstance(step, MultiplyMatrices):
                body.append(self.block(step))
        body += self.turned()
        spares = self.spares()
        before = [self.copy(c.first, c.buffer) for c in loop.carried if c.buffer not in spares]
        whole: list[Statement] = [*before, For(self.index, tuple(body))]
        if loop.done is not None:
            whole.append(Store(loop.done, 0, index_scalar(maximum(self.index.extent, 0))))
        whole += [self.copy(s.source, s.target) for s in loop.last if isinstance(s, Copy)]
        private = {b: n for b, n in self.private.items() if isinstance(n, int)}
        return RunKernel(close_kernel(name, tuple(whole), private), tuple(nodes))

    def spares(self) -> set[Buffer]:
        """Return the views that hold nothing at first: each gives its memory for another's."""
        found: set[Buffer] = set()
        then = {c.buffer: c.then for c in self.loop.carried}
        for view, other in then.items():
            if then.get(other) is view and view not in found:
                found.add(other)
        return found

    def turned(self) -> list[Statement]:
        """Return what takes the place of views that change their memory: copies."""
        spares = self.spares()
        return [self.copy(c.then, c.buffer) for c in self.loop.carried if c.buffer not in spares]

    def copy(self, source: Buffer, target: Buffer) -> Statement:
        """Return how a buffer gets into another one."""
        (from_, a), (to, b) = self.place(source), self.place(target)
        numbers = self.storage[target].numbers
        if numbers == 1:
            return Store(to, b, Load(from_, a))
        i = fresh_index("i", numbers)
        return For(i, (Store(to, add(b, i), Load(from_, add(a, i))),))

    def block(self, step: MultiplyMatrices) -> Statement:
        """Return a library's product as one of the kernel's."""
        m, n, k = step.m, step.n, step.k
        a = Matrix(step.a, 0, 1, m) if step.transpose_a else Matrix(step.a, 0, k, 1)
        b = Matrix(step.b, 0, 1, k) if step.transpose_b else Matrix(step.b, 0, n, 1)
        target = Matrix(step.c, 0, n, 1)
        return self.rehomed(Contract(target, a, b, m, n, k, step.adds))

    def place(self, buffer: Buffer) -> tuple[Buffer, Size]:
        """Return what memory a buffer is, and where in it."""
        return self.places.get(buffer, (buffer, 0))

    def moved(self, statement: Statement) -> Statement:
        """Return a statement of a step with its views as parts of what they are views of."""
        return self.rehomed(map_statement(statement, self.scalar))

    def scalar(self, root: Scalar) -> Scalar:
        """Return an expression with its loads moved, and the number of the step as the index."""
        return rebuild_scalar(root, self.leaf)

    def leaf(self, scalar: Scalar) -> Scalar:
        """Return a load moved."""
        if not isinstance(scalar, Load):
            return scalar
        if scalar.buffer is self.loop.number:
            return index_scalar(self.turn)
        buffer, start = self.place(scalar.buffer)
        return Load(buffer, add(start, scalar.offset))

    def rehomed(self, statement: Statement) -> Statement:
        """Return a statement that stores where views are."""
        match statement:
            case For(index, body):
                return For(index, tuple(map(self.rehomed, body)))
            case If(condition, body):
                return If(condition, tuple(map(self.rehomed, body)))
            case Store(buffer, offset, value):
                home, start = self.place(buffer)
                return Store(home, add(start, offset), value)
            case Contract(_, _, _, rows, columns, depth, adds):
                target, a, b = map(self.matrix, statement.matrices)
                return Contract(target, a, b, rows, columns, depth, adds)
            case _:
                return statement

    def matrix(self, matrix: Matrix) -> Matrix:
        """Return a matrix where it is."""
        buffer, start = self.place(matrix.buffer)
        return Matrix(buffer, add(start, matrix.offset), matrix.row, matrix.column)


def _in_order(statement: Statement) -> Statement:
    """Return a loop that was parallel as one whose turns run in order."""
    return For(statement.index, statement.body) if isinstance(statement, ParallelFor) else statement

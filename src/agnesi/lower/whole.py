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
from agnesi.dims.dim import Dim, Size, Symbol, add, divide_exactly, fresh_index, mul, sub
from agnesi.dims.simplify import floordiv, maximum, substitute
from agnesi.loops.nodes import (
    Apply,
    Buffer,
    Call,
    Contract,
    For,
    Foreign,
    Guard,
    If,
    Load,
    Matrix,
    ParallelFor,
    Scalar,
    Statement,
    Store,
    While,
    dynamic_scalars,
    fresh_buffer,
    index_scalar,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import (
    map_statement,
    rebuild_scalar,
    scalars_in,
    substitute_sizes,
    walk_scalars,
    walk_statements,
)
from agnesi.loops.work import PER_NANOSECOND, work
from agnesi.lower.kernels import close_kernel
from agnesi.lower.program import NOTHING, ONE, Copy, MultiplyMatrices, RunKernel, Space
from agnesi.lower.split import Split, part_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from agnesi.lower.program import RunLoop, Step, Storage

# A step that takes longer, in ticks, gains nothing by it, and may be worth several threads.
_LONG = 4_000 * PER_NANOSECOND
# A step of rows that go their own way takes no longer than this, and at least so long.
_LONG_ROWS, _SHORT_ROWS = 25_000 * PER_NANOSECOND, 50 * PER_NANOSECOND
# Bytes of memory of its own that the nearest cache holds besides what a step reads, and of matrices
# that the next one holds: every part reads them in each step.
_OWN, _NEAR = 1 << 14, 1 << 18
# Expressions of a step: LLVM takes longer over one large function than over several.
_MOST = 2000
# Numbers of a state that stay in registers one by one, if little is done to each.
_FEW, _OPERATIONS = 16, 6
_CHEAP = frozenset({Prim.ADD, Prim.SUB, Prim.MUL, Prim.NEG, Prim.ABS, Prim.MIN, Prim.MAX, Prim.FMA})


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
    if not whole.is_known() or not whole.is_short():
        return None
    return whole.in_rows(name) or whole.in_order(name)


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
        places = {
            row.buffer: (row.base, add(row.start, mul(row.stride, self.turn))) for row in loop.rows
        }
        self.places = _Places(places, loop.number, self.turn)
        states = [*loop.kept, *(c.buffer for c in loop.carried)]
        shapes = [storage[b].shape[:1] for b in states]
        # Rows of what is carried, if all of that has as many.
        same = len(set(shapes)) == 1 and bool(shapes[0])
        rows = shapes[0][0] if same else 0
        self.rows: Size = rows if isinstance(rows, int | Symbol) else 0

    def is_known(self) -> bool:
        """Whether it is known how often things are done."""
        return not any(map(self.counts, self.bodies()))

    def is_short(self) -> bool:
        """Whether the text of a step is short enough for one function."""
        every = [s for body in self.bodies() for s in walk_statements(body)]
        return len(walk_scalars(x for s in every for x in scalars_in(s))) <= _MOST

    def bodies(self) -> list[tuple[Statement, ...]]:
        """Return what kernels do."""
        return [s.kernel.body for s in self.loop.steps if isinstance(s, RunKernel)]

    def room(self, private: Mapping[Buffer, Size]) -> int:
        """Return the bytes of memory of its own; more than there may be if that is not known."""
        if not all(isinstance(n, int) for n in private.values()):
            return _OWN + 1
        return sum(n * b.element.bytes for b, n in private.items() if isinstance(n, int))

    def counts(self, body: Iterable[Statement]) -> bool:
        """Whether how often something is done depends on what changes its place."""
        moved = {*self.places.places, self.loop.number}
        for statement in walk_statements(body):
            if isinstance(statement, For):
                scalars = walk_scalars(dynamic_scalars(statement.index.extent))
                if any(isinstance(s, Load) and s.buffer in moved for s in scalars):
                    return True
        return False

    def statements(self) -> list[Statement]:
        """Return what is done in a step, before views are seen through."""
        body: list[Statement] = []
        for step in self.loop.steps:
            if isinstance(step, RunKernel):
                body += map(_in_order, step.kernel.body)
            elif isinstance(step, Copy):
                body.append(self.copy(step.source, step.target))
            elif isinstance(step, MultiplyMatrices):
                body.append(_block(step))
        return [*body, *self.turned()]

    def in_order(self, name: str) -> RunKernel | None:
        """Return the kernel that does it all on one thread, if that is little."""
        body = self.statements()
        amount = work(body)
        if self.room(self.private) > _OWN or not isinstance(amount, int) or amount >= _LONG:
            return None
        body = [
            each for statement in map(self.places.moved, body) for each in self.unrolled(statement)
        ]
        whole = [*self.before(), For(self.index, tuple(body)), *self.last()]
        return self.kernel(name, whole, self.private)

    def unrolled(self, statement: Statement) -> list[Statement]:
        """Return a loop over a few numbers of a state as statements: they stay in registers.

        Of more than a few operations a vector of them is done sooner.
        """
        if not isinstance(statement, For) or not isinstance(statement.index.extent, int):
            return [statement]
        stores = [s for s in statement.body if isinstance(s, Store)]
        if statement.index.extent > _FEW or len(stores) < len(statement.body):
            return [statement]
        scalars = walk_scalars(scalar for s in stores for scalar in scalars_in(s))
        loaded = {s.buffer for s in scalars if isinstance(s, Load)}
        dear = [s for s in scalars if isinstance(s, Apply | Call | Guard)]
        plain = all(isinstance(s, Apply) and s.prim in _CHEAP for s in dear)
        state = any(
            (s.buffer in loaded or s.buffer in self.private) and not self.moves(s.offset)
            for s in stores
        )
        if not plain or not state or len(dear) > _OPERATIONS:
            return [statement]
        turns: list[dict[Dim, Size]] = [{statement.index: k} for k in range(statement.index.extent)]
        return [_at(store, turn) for turn in turns for store in stores]

    def moves(self, offset: Size) -> bool:
        """Whether an offset differs from step to step."""
        return not isinstance(offset, int) and self.index in offset.atoms

    def in_rows(self, name: str) -> RunKernel | None:
        """Return the kernel in which a few rows at a time go through all steps, if they can."""
        if self.rows in (0, 1):
            return None
        body = self.statements()
        part = part_of(self.rows)
        amount = work(body)
        if isinstance(self.rows, int):
            amount = floordiv(mul(amount, part), self.rows)
        else:
            amount = substitute(amount, lambda size: part if size is self.rows else None)
        if not isinstance(amount, int) or not _SHORT_ROWS <= amount < _LONG_ROWS:
            return None
        matrices = {s.b.buffer for s in body if isinstance(s, Contract)}
        sizes = [self.storage[b].numbers for b in matrices if b in self.storage]
        if not all(isinstance(n, int) and 4 * n <= _NEAR for n in sizes):
            return None
        # States are copied: two threads that write the same line of a cache wait for each other.
        own = {b: fresh_buffer(b.name, b.element) for b in self.loop.kept}
        body = list(map(_Places({b: (c, 0) for b, c in own.items()}, None, 0).moved, body))
        before = [*(self.copy(b, c) for b, c in own.items()), *self.before()]
        last = [*self.last(), *(self.copy(c, b) for b, c in own.items())]
        numbers = {b: s.numbers for b, s in self.storage.items()} | self.private
        private = self.private | {c: numbers[b] for b, c in own.items()}
        every = [*before, *body, *last]
        split = Split(every, numbers | private, private, self.of_turns(), self.rows)
        private = {b: split.room(b, n) for b, n in private.items()}
        if not split.part or self.room(private) > _OWN:
            return None
        inner: list[Statement] = [
            *map(split.taken, before),
            For(self.index, tuple(self.places.moved(split.taken(s)) for s in body)),
            *map(split.taken, last),
        ]
        return self.kernel(name, [ParallelFor(split.index, tuple(inner))], private)

    def of_turns(self) -> set[Buffer]:
        """Return private memory of turns of a kernel's loop: what is in it is not kept."""
        found: set[Buffer] = set()
        for step in self.loop.steps:
            if isinstance(step, RunKernel) and isinstance(step.kernel.body[0], ParallelFor):
                found.update(buffer for buffer, _ in step.kernel.private)
        return found

    def kernel(
        self, name: str, whole: list[Statement], private: Mapping[Buffer, Size]
    ) -> RunKernel:
        """Return the kernel of these statements."""
        loop = self.loop
        if loop.done is not None:
            whole.append(Store(loop.done, 0, index_scalar(maximum(self.index.extent, 0))))
        own = {b: n for b, n in private.items() if isinstance(n, int)}
        nodes = [loop.node, *(n for s in loop.steps if isinstance(s, RunKernel) for n in s.nodes)]
        return RunKernel(close_kernel(name, tuple(whole), own), tuple(nodes))

    def before(self) -> list[Statement]:
        """Return how what is carried gets to where it is in the first step."""
        spares = {each.buffer for each in self.loop.spares}
        return [self.copy(c.first, c.buffer) for c in self.loop.carried if c.buffer not in spares]

    def last(self) -> list[Statement]:
        """Return how what was carried at last gets to where it is wanted."""
        return [self.copy(s.source, s.target) for s in self.loop.last if isinstance(s, Copy)]

    def turned(self) -> list[Statement]:
        """Return what takes the place of views that change their memory: copies."""
        spares = {each.buffer for each in self.loop.spares}
        return [self.copy(c.then, c.buffer) for c in self.loop.carried if c.buffer not in spares]

    def copy(self, source: Buffer, target: Buffer) -> Statement:
        """Return how a buffer gets into another one, row by row."""
        numbers = self.storage[target if target in self.storage else source].numbers
        if numbers == 1:
            return Store(target, 0, Load(source, 0))
        each, rest = (0, 1) if self.rows == 0 else divide_exactly(numbers, self.rows)
        if rest != 0 or each == 1 or self.rows == 1:
            i = fresh_index("i", numbers)
            return For(i, (Store(target, i, Load(source, i)),))
        i, j = fresh_index("i", self.rows), fresh_index("j", each)
        place = add(mul(i, each), j)
        return For(i, (For(j, (Store(target, place, Load(source, place)),)),))


class _Places:
    """Says what memory buffers are, and rewrites statements so.

    Attributes:
        places: of buffers that are other memory: that, and where in it they begin.
        number: the buffer that holds the number of the step, or None.
        turn: what that number is.
    """

    def __init__(
        self, places: Mapping[Buffer, tuple[Buffer, Size]], number: Buffer | None, turn: Size
    ) -> None:
        self.places, self.number, self.turn = places, number, turn

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
        if scalar.buffer is self.number:
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
            case Contract():
                target, a, b = map(self.matrix, statement.matrices)
                return statement.replace(target=target, a=a, b=b)
            case _:
                return statement

    def matrix(self, matrix: Matrix) -> Matrix:
        """Return a matrix where it is."""
        buffer, start = self.place(matrix.buffer)
        return Matrix(buffer, add(start, matrix.offset), matrix.row, matrix.column)


def _at(store: Store, index: Mapping[Dim, Size]) -> Store:
    """Return what a turn of a loop stores."""
    offset = substitute(store.offset, index.get)
    return Store(store.buffer, offset, substitute_sizes(store.value, index))


def _block(step: MultiplyMatrices) -> Statement:
    """Return a library's product as one of a kernel's."""
    m, n, k = step.m, step.n, step.k
    a = Matrix(step.a, 0, 1, m) if step.transpose_a else Matrix(step.a, 0, k, 1)
    b = Matrix(step.b, 0, 1, k) if step.transpose_b else Matrix(step.b, 0, n, 1)
    return Contract(Matrix(step.c, 0, n, 1), a, b, m, n, k, step.adds, ())


def _in_order(statement: Statement) -> Statement:
    """Return a loop that was parallel as one whose turns run in order."""
    return For(statement.index, statement.body) if isinstance(statement, ParallelFor) else statement

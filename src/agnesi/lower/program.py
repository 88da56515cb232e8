"""A program: steps in order over buffers, ready for code generation or the loop interpreter.

A *storage* says where a buffer's memory comes from; a *step* is one thing done.  Everything is
in program order; requirements stand before whatever must not happen when they fail.

Loops and branches are steps with steps inside.  Their buffers are the program's: what is in memory
outside is read where it lies.  A *view* has no memory of its own: it is a row of another buffer, or
each of several in turn.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from agnesi.core.record import field, record, replace
from agnesi.dims.dim import mul, product
from agnesi.loops.nodes import Buffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Dim, Shape, Size, Value
    from agnesi.graph.leaves import Constant, Leaf
    from agnesi.graph.tensor import Requirement, Tensor
    from agnesi.loops.nodes import Kernel
    from agnesi.ops.branch import Branch
    from agnesi.ops.families import HostOp
    from agnesi.ops.linear import MatMul
    from agnesi.ops.loop import Loop


class Space(Enum):
    """Where memory comes from."""

    INPUT = "input"  # an argument's array
    SHARED = "shared"  # a shared variable's array
    CONSTANT = "constant"
    OUTPUT = "output"  # a fresh array that is returned
    RENEWED = "renewed"  # a fresh array that becomes a shared variable's
    ARENA = "arena"  # kept between calls, shared by buffers that do not live together
    LATE = "late"  # of a size that is known only midway
    VIEW = "view"  # that of other buffers, as the loop says that is around


@record(frozen=True)
class Storage:
    """The memory of one buffer.

    Attributes:
        space: where it comes from.
        position: which input, shared variable, constant or output; which slot of the arena.
        dtype: element type.
        shape: logical shape, in C order.
    """

    space: Space
    position: int
    dtype: DType
    shape: Shape

    @property
    def numbers(self) -> Size:
        """How many numbers lie there: two for each complex element."""
        return mul(product(self.shape), 2 if self.dtype.is_complex else 1)


@record(frozen=True)
class RunKernel:
    """Run a loop nest."""

    kernel: Kernel
    nodes: tuple[Tensor, ...]


@record(frozen=True)
class Scale:
    """A number times scalars in memory."""

    number: float
    scalars: tuple[Buffer, ...] = ()


ONE, NOTHING = Scale(1.0), Scale(0.0)


@record(frozen=True)
class MultiplyMatrices:
    """Matrix products by BLAS: ``c[b] = alpha * a[b] @ b[b] + beta * c[b]`` for each of a stack."""

    node: Tensor
    a: Buffer
    b: Buffer
    c: Buffer
    transpose_a: bool
    transpose_b: bool
    batch: Size
    m: Size
    n: Size
    k: Size
    alpha: Scale = ONE
    beta: Scale = NOTHING

    @property
    def adds(self) -> bool:
        """Whether it adds to what is there."""
        return bool(self.beta.scalars) or self.beta.number != 0

    @property
    def scalars(self) -> tuple[Buffer, ...]:
        """The numbers in memory that it reads."""
        return (*self.alpha.scalars, *self.beta.scalars)


@record(frozen=True)
class CallHost:
    """Have Python compute a node from buffers into a buffer."""

    node: HostOp
    operands: tuple[Buffer, ...]
    result: Buffer


@record(frozen=True)
class BindValue:
    """Learn the number behind a symbolic value from an integer scalar."""

    value: Value
    buffer: Buffer


@record(frozen=True)
class Require:
    """Stop with an error unless this holds."""

    need: Requirement
    node: Tensor


@record(frozen=True)
class SizeCheck:
    """A size of an argument or shared variable that has to agree with another seen before."""

    leaf: Leaf
    axis: int
    expected: Size


@record(frozen=True)
class Copy:
    """Copy a whole buffer to another of the same type."""

    source: Buffer
    target: Buffer


@record(frozen=True)
class Clear:
    """Fill a whole buffer with zeros."""

    target: Buffer


@record(frozen=True)
class Row:
    """A view of a part of another buffer, a different one in each step of a loop.

    Attributes:
        buffer: the view.
        base: what it is a part of.
        start: where the part of step 0 begins, in numbers.
        stride: from the part of one step to that of the next.
    """

    buffer: Buffer
    base: Buffer
    start: Size
    stride: Size


@record(frozen=True)
class Carried:
    """A view that passes from memory to memory: what is carried from step to step.

    Attributes:
        buffer: the view.
        first: the memory that it is in the first step.
        then: the memory that it is in the step after one, as that is at the end of the one.
    """

    buffer: Buffer
    first: Buffer
    then: Buffer


@record(frozen=True)
class RunLoop:
    """Run steps again and again.

    Attributes:
        node: what it computes.
        length: how often; None where the condition alone ends it.
        reverse: whether numbers of steps count down.
        number: takes the number of the step, if something reads it.
        done: takes how many steps were taken, if something reads it.
        rows: views of a step.
        carried: views that change their memory after a step, all at once.
        kept: buffers that hold from one step what the next one reads.
        first: checks made once, if there is a step.
        condition: steps that find out whether there is another step.
        go: where they say so.
        steps: what is done in a step.
        last: what is done after the last one.
    """

    node: Loop
    length: Size | None
    reverse: bool
    number: Buffer | None
    done: Buffer | None
    rows: tuple[Row, ...]
    carried: tuple[Carried, ...]
    kept: tuple[Buffer, ...]
    first: tuple[Step, ...]
    condition: tuple[Step, ...]
    go: Buffer | None
    steps: tuple[Step, ...]
    last: tuple[Step, ...]

    @property
    def views(self) -> tuple[Buffer, ...]:
        """The buffers that are views."""
        return (*(r.buffer for r in self.rows), *(c.buffer for c in self.carried))

    @property
    def spares(self) -> tuple[Carried, ...]:
        """The views that hold nothing at first: each gives its memory for that of another."""
        found: dict[Buffer, Carried] = {}
        by_view = {each.buffer: each for each in self.carried}
        for each in self.carried:
            other = by_view.get(each.then)
            if other is not None and other.then is each.buffer and each.buffer not in found:
                found[other.buffer] = other
        return tuple(found.values())

    @property
    def own(self) -> tuple[Buffer, ...]:
        """The buffers that it needs from its beginning to its end, besides those of its steps."""
        found = [*self.kept, *(r.base for r in self.rows), *(c.first for c in self.carried)]
        return (*found, *(b for b in (self.number, self.done) if b is not None))

    @property
    def parts(self) -> tuple[tuple[Step, ...], ...]:
        """The lists of steps inside, in the order in which they first run."""
        return self.first, self.condition, self.steps, self.last


@record(frozen=True)
class RunBranch:
    """Run one of several lists of steps.

    Attributes:
        node: what it computes.
        index: which one, an i64 in memory, or a size; the nearest there is.
        taken: takes which one was run, if something reads it.
        parts: the lists.
    """

    node: Branch | MatMul
    index: Buffer | Size
    taken: Buffer | None
    parts: tuple[tuple[Step, ...], ...]

    @property
    def views(self) -> tuple[Buffer, ...]:
        """No buffers are views."""
        return ()

    @property
    def own(self) -> tuple[Buffer, ...]:
        """The buffers that it needs besides those of its steps."""
        return tuple(b for b in (self.index, self.taken) if isinstance(b, Buffer))


Step: TypeAlias = (
    RunKernel
    | MultiplyMatrices
    | CallHost
    | BindValue
    | Require
    | Copy
    | Clear
    | RunLoop
    | RunBranch
)


def walk_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield every step, also those inside others, outer before inner."""
    for step in steps:
        yield step
        if isinstance(step, RunLoop | RunBranch):
            for part in step.parts:
                yield from walk_steps(part)


def map_kernels(steps: Iterable[Step], change: Callable[[Kernel], Kernel]) -> list[Step]:
    """Return the steps with all kernels changed, also those of steps inside."""

    def inside(part: Iterable[Step]) -> tuple[Step, ...]:
        return tuple(map_kernels(part, change))

    found: list[Step] = []
    for step in steps:
        match step:
            case RunKernel(kernel, nodes):
                found.append(RunKernel(change(kernel), nodes))
            case RunLoop():
                first, condition, body, last = map(inside, step.parts)
                found.append(replace(step, first=first, condition=condition, steps=body, last=last))
            case RunBranch():
                found.append(replace(step, parts=tuple(map(inside, step.parts))))
            case _:
                found.append(step)
    return found


@record()
class Program:
    """All of one function, ready to be interpreted or compiled.

    Attributes:
        name: of the function.
        inputs: its parameters in order.
        shareds: shared variables it reads or updates.
        constants: arrays it holds.
        outputs: buffer of each output.
        renewed: buffers that become the arrays of shared variables, by position.
        updated: positions of shared variables written.
        storage: where each buffer lives.
        slots: size in bytes of each slot of the arena.
        steps: what to do.
        symbols: every size learnt from the shapes of inputs and shared variables.
        told: by position and axis of an input, the requirement that its known size comes from.
    """

    name: str
    inputs: tuple[Leaf, ...]
    shareds: tuple[Leaf, ...]
    constants: tuple[Constant, ...]
    outputs: tuple[Buffer, ...] = ()
    renewed: dict[int, Buffer] = field(default_factory=dict[int, "Buffer"])
    updated: frozenset[int] = frozenset()
    storage: dict[Buffer, Storage] = field(default_factory=dict["Buffer", Storage])
    slots: list[Size] = field(default_factory=list["Size"])
    steps: list[Step] = field(default_factory=list["Step"])
    symbols: tuple[Dim, ...] = ()
    told: dict[tuple[int, int], Require] = field(default_factory=dict["tuple[int, int]", Require])

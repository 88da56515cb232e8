"""A program: steps in order over buffers, ready for code generation or the loop interpreter.

A *storage* says where a buffer's memory comes from; a *step* is one thing done.  Everything is
in program order; requirements stand before whatever must not happen when they fail.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from agnesi.core.record import field, record
from agnesi.dims.dim import mul, product

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Dim, Shape, Size, Value
    from agnesi.graph.leaves import Constant, Leaf
    from agnesi.graph.tensor import Requirement, Tensor
    from agnesi.loops.nodes import Buffer, Kernel
    from agnesi.ops.families import HostOp


class Space(Enum):
    """Where memory comes from."""

    INPUT = "input"  # an argument's array
    SHARED = "shared"  # a shared variable's array
    CONSTANT = "constant"
    OUTPUT = "output"  # a fresh array that is returned
    RENEWED = "renewed"  # a fresh array that becomes a shared variable's
    ARENA = "arena"  # kept between calls, shared by buffers that do not live together
    LATE = "late"  # of a size that is known only midway


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


Step: TypeAlias = RunKernel | MultiplyMatrices | CallHost | BindValue | Require | Copy


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

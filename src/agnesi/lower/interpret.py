"""A program run step by step with the kernel interpreter: what its machine code is held against.

The arena is laid out as planned and starts as rubbish, so that a buffer that is read before it is
written, or shares memory with one that is still wanted, gives wrong results here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from agnesi.core.errors import CompilerBug, IndexOutOfBounds, LinAlgError, ShapeError
from agnesi.dims.dim import Size, Symbol, evaluate
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import Buffer
from agnesi.lower.plan import turn_buffers
from agnesi.lower.program import (
    BindValue,
    CallHost,
    Clear,
    Copy,
    MultiplyMatrices,
    Program,
    Require,
    RunBranch,
    RunKernel,
    RunLoop,
    Scale,
    SizeCheck,
    Space,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Dim, Shape
    from agnesi.graph.leaves import Leaf

Array: TypeAlias = "np.ndarray[Any, Any]"
Failed: TypeAlias = "Callable[[Require | SizeCheck, int, int], Exception]"

_RUBBISH = 0xFF


def plain_failure(what: Require | SizeCheck, a: int, b: int) -> Exception:
    """Return a plain exception for what does not hold."""
    if isinstance(what, SizeCheck):
        return ShapeError(f"axis {what.axis} of {what.leaf!r}: {a}, but {what.expected} is {b}")
    kinds = {"index": IndexOutOfBounds, "sound": LinAlgError}
    kind = kinds.get(what.need.kind, ShapeError)
    return kind(f"{what.node!r}: {what.need.kind} {a}, {b}: {what.need.words}")


def interpret_program(
    program: Program,
    arguments: Sequence[Array],
    shareds: Sequence[Array],
    failed: Failed = plain_failure,
) -> tuple[list[Array], dict[int, Array]]:
    """Run a program.

    Args:
        program: lowered; its kernels may have been through kernel passes or not.
        arguments: one array for each input, of its dtype, in any memory layout.
        shareds: present values of ``program.shareds``; they are not changed.
        failed: makes the exception of a requirement that does not hold, given its two numbers.

    Returns:
        The outputs, and the new values of updated shared variables by position.
    """
    run = _Run(program, failed)
    run.leaves(Space.INPUT, program.inputs, arguments)
    run.leaves(Space.SHARED, program.shareds, shareds)
    run.leaves(Space.CONSTANT, program.constants, [c.value for c in program.constants])
    run.steps(program.steps)
    return run.results()


class _Run:
    """The state of one run: memory by buffer, and the numbers of sizes."""

    def __init__(self, program: Program, failed: Failed) -> None:
        self.program, self.failed = program, failed
        self.memory: dict[Buffer, Array] = {}
        self.slots: dict[int, Array] = {}
        self.sizes: dict[Dim, int] = {}
        self.fleeting = turn_buffers(program)

    def leaves(self, space: Space, leaves: Sequence[Leaf], arrays: Sequence[Array]) -> None:
        """Learn sizes from arrays, and take what will not be written, or a copy."""
        by_position = {s.position: b for b, s in self.program.storage.items() if s.space is space}
        for position, (leaf, array) in enumerate(zip(leaves, arrays, strict=True)):
            told = {
                axis: require
                for (k, axis), require in self.program.told.items()
                if space is Space.INPUT and k == position
            }
            self.learn(leaf, array, told)
            if position in by_position:
                self.memory[by_position[position]] = _flat(array, leaf.dtype)

    def learn(self, leaf: Leaf, array: Array, told: Mapping[int, Require]) -> None:
        """Bind the sizes that an array tells, or check them."""
        if array.dtype != leaf.dtype.numpy or array.ndim != leaf.ndim:
            raise CompilerBug(f"{leaf!r} was given {array.dtype}{list(array.shape)}")
        for axis, (size, actual) in enumerate(zip(leaf.type.shape, array.shape, strict=True)):
            if isinstance(size, Symbol) and size not in self.sizes:
                self.sizes[size] = actual
            elif self.number(size) != actual and axis in told:
                need = told[axis].need
                a, b = (s if isinstance(s, int) else actual for s in (need.a, need.b))
                raise self.failed(told[axis], a, b)
            elif self.number(size) != actual:
                raise self.failed(SizeCheck(leaf, axis, size), actual, self.number(size))

    def number(self, size: Size) -> int:
        """Return the number of a size."""
        return evaluate(size, self.sizes)

    def numbers(self, shape: Shape) -> tuple[int, ...]:
        """Return the numbers of a shape."""
        return tuple(map(self.number, shape))

    def at(self, buffer: Buffer) -> Array:
        """Return the memory of a buffer, which is there from its first use on."""
        if buffer not in self.memory:
            storage = self.program.storage[buffer]
            count, kind = self.number(storage.numbers), storage.dtype.real
            if storage.space is Space.ARENA:
                slot = self.slot(storage.position)
                if count * kind.bytes > slot.size:
                    raise CompilerBug(f"slot {storage.position} is too small for {buffer!r}")
                self.memory[buffer] = slot[: count * kind.bytes].view(kind.numpy)
            elif storage.space in (Space.OUTPUT, Space.RENEWED, Space.LATE):
                rubbish = np.full(count * kind.bytes, _RUBBISH, np.uint8)
                self.memory[buffer] = rubbish.view(kind.numpy)
            else:
                raise CompilerBug(f"{buffer!r} of {storage} has no memory")
        return self.memory[buffer]

    def slot(self, position: int) -> Array:
        """Return the bytes of a slot of the arena."""
        if position not in self.slots:
            size = self.number(self.program.slots[position])
            self.slots[position] = np.full(size, _RUBBISH, np.uint8)
        return self.slots[position]

    def step(self, step: Step) -> None:
        """Do one thing."""
        match step:
            case RunKernel(kernel=kernel):
                memory = {buffer: self.at(buffer) for buffer in kernel.buffers}
                interpret(kernel, memory, {s: self.number(s) for s in kernel.sizes})
            case MultiplyMatrices():
                self.multiply(step)
            case CallHost(node, operands, result):
                pairs = zip(operands, node.operands, strict=True)
                arrays = [
                    self.at(b).view(o.dtype.numpy).reshape(self.numbers(o.type.shape))
                    for b, o in pairs
                ]
                found = np.asarray(node.numpy(arrays, self.number))
                self.at(result)[:] = _flat(found, node.dtype)
            case BindValue(value, buffer):
                # More than 63 bits hold is out of bounds of everything, as its stand-in is.
                self.sizes[value] = min(int(self.at(buffer)[0]), 2**63 - 1)
            case Require(need=need):
                a, b = self.number(need.a), self.number(need.b)
                holds = {
                    "equal": a == b,
                    "at_most": a <= b,
                    "index": 0 <= a < b,
                    "sound": a == 0,
                    "divides": b != 0 and a % b == 0,
                }
                if not holds[need.kind]:
                    raise self.failed(step, a, b)
            case Copy(source, target):
                self.at(target)[:] = self.at(source)
            case Clear(target):
                self.at(target)[:] = 0
            case RunLoop():
                self.loop(step)
            case RunBranch(_, index, taken, parts):
                number = self.at(index)[0] if isinstance(index, Buffer) else self.number(index)
                which = min(max(int(number), 0), len(parts) - 1)
                if taken is not None:
                    self.at(taken)[:] = which
                self.forget(step)
                self.steps(parts[which])

    def steps(self, steps: Iterable[Step]) -> None:
        """Do one thing after the other."""
        for step in steps:
            self.step(step)

    def loop(self, loop: RunLoop) -> None:
        """Do the same again and again."""
        length = None if loop.length is None else max(self.number(loop.length), 0)
        for each in loop.carried:
            self.memory[each.buffer] = self.at(each.first)
        done = 0
        while length is None or done < length:
            t = length - 1 - done if loop.reverse and length is not None else done
            if done == 0:
                self.steps(loop.first)
            self.forget(loop)
            if loop.number is not None:
                self.at(loop.number)[:] = t
            self.steps(loop.condition)
            if loop.go is not None and not self.at(loop.go)[0]:
                break
            for row in loop.rows:
                start = self.number(row.start) + t * self.number(row.stride)
                count = self.number(self.program.storage[row.buffer].numbers)
                part = self.at(row.base)[start : start + count]
                if start < 0 or len(part) != count:
                    raise CompilerBug(f"row {t} of {row.base!r} lies outside of it")
                self.memory[row.buffer] = part
            self.steps(loop.steps)
            turned = {each.buffer: self.at(each.then) for each in loop.carried}
            self.memory.update(turned)
            done += 1
        if loop.done is not None:
            self.at(loop.done)[:] = done
        self.steps(loop.last)

    def forget(self, step: RunLoop | RunBranch) -> None:
        """Let memory that belongs to one turn be rubbish, and as large as it has to be now."""
        for buffer in self.fleeting.get(id(step), ()):
            self.memory.pop(buffer, None)

    def multiply(self, step: MultiplyMatrices) -> None:
        """Multiply a stack of matrices."""
        batch, m, n, k = self.numbers((step.batch, step.m, step.n, step.k))
        kind = self.program.storage[step.c].dtype.numpy
        a = self.at(step.a).view(kind).reshape((batch, k, m) if step.transpose_a else (batch, m, k))
        b = self.at(step.b).view(kind).reshape((batch, n, k) if step.transpose_b else (batch, k, n))
        a = a.swapaxes(1, 2) if step.transpose_a else a
        b = b.swapaxes(1, 2) if step.transpose_b else b
        with np.errstate(all="ignore"):
            found = np.matmul(a, b).reshape(-1) * self.scale(step.alpha)
            c = self.at(step.c).view(kind)
            c[:] = found + c * self.scale(step.beta) if step.adds else found

    def scale(self, scale: Scale) -> float:
        """Return the number of a factor."""
        return float(np.prod([scale.number, *(self.at(s)[0] for s in scale.scalars)]))

    def results(self) -> tuple[list[Array], dict[int, Array]]:
        """Return outputs and new values of shared variables, in their shapes."""
        program = self.program
        news = dict(program.renewed)
        for buffer, storage in program.storage.items():
            if storage.space is Space.SHARED and storage.position in program.updated:
                news.setdefault(storage.position, buffer)
        outputs = [self.shaped(buffer) for buffer in program.outputs]
        return outputs, {position: self.shaped(buffer) for position, buffer in news.items()}

    def shaped(self, buffer: Buffer) -> Array:
        """Return a buffer's memory in its logical shape."""
        storage = self.program.storage[buffer]
        return self.at(buffer).view(storage.dtype.numpy).reshape(self.numbers(storage.shape))


def _flat(array: Array, dtype: DType) -> Array:
    """Return a copy of the numbers of an array in C order, two for a complex one."""
    return np.array(array, order="C").reshape(-1).view(dtype.real.numpy)

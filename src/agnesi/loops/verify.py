"""What must hold of a kernel after every pass.

- every index is bound by one loop around it, every variable is assigned before it is read, every
  buffer and size is among what the kernel is given;
- dtypes fit: of each primitive's operands, of what is stored and assigned;
- only buffers noted as written, and private ones, are stored to; private ones before they are read;
- a parallel loop stands at the top level, and shares no variable with what is around it;
- where the numbers of elements are given, no access is seen to lie outside its buffer.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, F32, F64, I64
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Dim, Index, Size, Symbol, Value, sub
from agnesi.dims.simplify import at_least, is_nonnegative
from agnesi.loops.nodes import (
    MOST_PRIVATE,
    Accumulate,
    Address,
    Apply,
    Assign,
    Call,
    Contract,
    For,
    Foreign,
    FromIndex,
    Guard,
    If,
    Kernel,
    Literal,
    Load,
    ParallelFor,
    Pass,
    Read,
    Refer,
    Scalar,
    Store,
    While,
    dynamic_scalars,
)
from agnesi.loops.prims import COMPARISONS, MATH, Prim
from agnesi.loops.text import kernel_text, procedure_text
from agnesi.loops.traverse import (
    accessed_buffers,
    assigned_in,
    children_of,
    walk_statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agnesi.core.dtypes import DType
    from agnesi.loops.nodes import Argument, Buffer, Local, Matrix, Procedure, Statement


def verify_kernel(
    kernel: Kernel, elements: Mapping[Buffer, Size] | None = None, *, native: bool = False
) -> None:
    """Check a kernel.

    Args:
        kernel: the loop nest.
        elements: how many elements each buffer holds, where known.
        native: whether elementary functions have to be expanded.

    Raises:
        CompilerBug: something does not hold; the message holds the kernel's text.
    """
    try:
        _Check(kernel, elements or {}, native).body(kernel.body)
    except _Wrong as wrong:
        raise CompilerBug(f"kernel {kernel.name}: {wrong}\n{kernel_text(kernel)}") from None


@cache
def _verify_procedure(procedure: Procedure, native: bool) -> None:
    check = _Check(Kernel(procedure.name, (), (), procedure.body), {}, native)
    check.assigned.update(procedure.parameters)
    try:
        if any(isinstance(s, Foreign | ParallelFor) for s in walk_statements(procedure.body)):
            raise _Wrong("it calls a C function, or has a parallel loop")
        check.body(procedure.body)
        check.scalar(procedure.result, where=None)
    except _Wrong as wrong:
        text = procedure_text(procedure)
        raise CompilerBug(f"procedure {procedure.name}: {wrong}\n{text}") from None


class _Wrong(Exception):
    """What does not hold."""


# How many operands a primitive takes, where it is not two.
_ARITY = {
    **dict.fromkeys((Prim.NEG, Prim.ABS, Prim.NOT, Prim.CAST, Prim.BITCAST, Prim.SQRT), 1),
    **dict.fromkeys((Prim.FLOOR, Prim.CEIL, Prim.TRUNC, Prim.RINT), 1),
    **dict.fromkeys(MATH - {Prim.POW, Prim.ATAN2, Prim.FMOD}, 1),
    **dict.fromkeys((Prim.FMA, Prim.SELECT), 3),
}
_ROUNDING = {Prim.FLOOR, Prim.CEIL, Prim.TRUNC, Prim.RINT}
_FLOAT_ONLY = MATH | _ROUNDING | {Prim.DIV, Prim.FMA, Prim.COPYSIGN, Prim.SQRT}
_INTEGER_ONLY = {Prim.FLOORDIV, Prim.MOD, Prim.SHL, Prim.SHR}
_NUMBERS = {Prim.ADD, Prim.SUB, Prim.MUL, Prim.NEG, Prim.ABS}
_BITS = {Prim.AND, Prim.OR, Prim.XOR, Prim.NOT}
_ACCUMULATING = {Prim.ADD, Prim.MUL, Prim.MIN, Prim.MAX, Prim.AND, Prim.OR}


# What functions of OpenBLAS and LAPACK begin with.
_LIBRARY = "scipy_"


class _Check:
    """Walks in program order with what is bound at each place."""

    def __init__(self, kernel: Kernel, elements: Mapping[Buffer, Size], native: bool) -> None:
        self.kernel, self.native = kernel, native
        self.elements: dict[Buffer, Size] = {**elements, **dict(kernel.private)}
        self.bound: set[Dim] = set(kernel.sizes)
        self.loops: list[Index] = []
        self.used: set[Index] = set()
        self.assigned: set[Local] = set()
        self.conditions = 0
        # Expressions found good, by the innermost loop: what is bound there holds for them.
        self.good: list[set[Scalar]] = [set()]
        self.own = frozenset(b for b, _ in kernel.private)
        # Private buffers that something may have been stored to.
        self.filled: set[Buffer] = set()
        self.memory = (*kernel.buffers, *(b for b, _ in kernel.private))
        if len(set(self.memory)) != len(self.memory):
            raise _Wrong(f"a buffer is given twice: {self.memory}")
        room = sum(count * b.element.bytes for b, count in kernel.private)
        if room > MOST_PRIVATE or any(count < 1 for _, count in kernel.private):
            raise _Wrong(f"private buffers of {room} bytes: {kernel.private}")
        unknown = kernel.written - set(kernel.buffers)
        if unknown:
            raise _Wrong(f"writes {unknown}, which it is not given")

    def body(self, statements: Iterable[Statement]) -> None:
        """Check statements in order."""
        for statement in statements:
            match statement:
                case For(index, inner):
                    self.dynamic(index.extent, where=statement)
                    if isinstance(statement, ParallelFor):
                        self.parallel(statement)
                    else:
                        self.again(inner)
                        self.loop(index, inner)
                case If(condition, inner):
                    self.scalar(condition, where=statement)
                    self.expect(condition.dtype, BOOL, "a condition")
                    self.conditions += 1
                    self.branch(inner)
                    self.conditions -= 1
                case While(condition, inner):
                    self.again(inner)
                    self.scalar(condition, where=statement)
                    self.expect(condition.dtype, BOOL, "a condition")
                    self.conditions += 1
                    self.branch(inner)
                    self.conditions -= 1
                case Foreign(_, arguments, result):
                    for argument in arguments:
                        self.argument(argument, where=statement)
                    if result is not None:
                        self.assigned.add(result)
                case Contract():
                    self.contract(statement)
                case Store(buffer, offset, value):
                    self.dynamic(offset, where=statement)
                    self.scalar(value, where=statement)
                    self.expect(value.dtype, buffer.element, f"the value stored to {buffer}")
                    if not self.kernel.may_write(buffer):
                        raise _Wrong(f"stores to {buffer}, which is not noted as written")
                    self.access(buffer, offset, "stores to", certain=True)
                    self.filled.add(buffer)
                case Assign(local, value):
                    self.scalar(value, where=statement)
                    self.expect(value.dtype, local.element, f"the value of {local.name}")
                    self.assigned.add(local)
                case Accumulate(local, prim, value):
                    self.scalar(value, where=statement)
                    self.accumulate(local, prim, value.dtype)
                case _:
                    raise _Wrong(f"unknown statement {statement!r}")

    def contract(self, product: Contract) -> None:
        """Check a block of a matrix product."""
        target, a, b = product.matrices
        for size in product.sizes:
            self.dynamic(size, where=product)
            self.size(size, "a block of a product")
        for matrix in (a, b):
            self.expect(matrix.buffer.element, target.buffer.element, f"a factor {matrix.buffer}")
            if 1 not in (matrix.row, matrix.column):
                raise _Wrong(f"no elements of {matrix} follow each other")
            if matrix.buffer is target.buffer:
                raise _Wrong(f"a product of {matrix.buffer} is stored to itself")
            self.corner(matrix, "loads from", product)
            self.holds_something(matrix.buffer)
        if product.around and b.column != 1:
            raise _Wrong(f"with loops around it a product reads rows, not columns, of {b}")
        if target.buffer.element not in (F32, F64) or target.column != 1:
            raise _Wrong(f"cannot multiply into {target}")
        if not self.kernel.may_write(target.buffer):
            raise _Wrong(f"multiplies into {target.buffer}, which is not noted as written")
        if product.adds:
            self.holds_something(target.buffer)
        self.corner(target, "stores to", product)
        self.filled.add(target.buffer)

    def corner(self, matrix: Matrix, does: str, product: Contract) -> None:
        """Check the first element of a block, which exists unless it is empty."""
        turns = [loop.extent for loop in product.around]
        sizes = (product.rows, product.columns, product.depth, *turns)
        certain = all(at_least(size, 1) for size in sizes)
        self.access(matrix.buffer, matrix.offset, does, certain=certain)

    def argument(self, argument: Argument, *, where: Statement) -> None:
        """Check an argument of a C function."""
        match argument:
            case Pass(value):
                self.scalar(value, where=where)
            case Address(buffer, offset, written):
                self.dynamic(offset, where=where)
                self.size(offset, f"an offset of {buffer}")
                if buffer not in self.memory:
                    raise _Wrong(f"passes {buffer}, which it is not given")
                if written and not self.kernel.may_write(buffer):
                    raise _Wrong(f"lets {buffer} be written, which is not noted as written")
                if written:
                    self.filled.add(buffer)
                else:
                    self.holds_something(buffer)
            case Refer(local):
                self.assigned.add(local)

    def dynamic(self, size: Size, *, where: Statement) -> None:
        """Check the scalars whose values a size mentions."""
        for scalar in dynamic_scalars(size):
            self.scalar(scalar, where=where)
            self.expect(scalar.dtype, I64, "a value in an offset")

    def loop(self, index: Index, inner: Iterable[Statement]) -> None:
        """Check a loop; what is first assigned in it may never be, if it runs no times."""
        self.size(index.extent, "the extent of a loop")
        if index in self.used:
            raise _Wrong(f"the index {index} belongs to two loops")
        self.used.add(index)
        self.bound.add(index)
        self.loops.append(index)
        self.branch(inner)
        self.loops.pop()
        self.bound.discard(index)

    def parallel(self, loop: ParallelFor) -> None:
        """Check a loop whose iterations share nothing: not variables, not private buffers."""
        if len(self.good) > 1:
            raise _Wrong(f"the parallel loop over {loop.index} is inside of something")
        for statement in walk_statements(loop.body):
            if isinstance(statement, Foreign) and statement.symbol.startswith(_LIBRARY):
                # It may want threads, which this loop has, and wait for them.
                raise _Wrong(f"calls {statement.symbol} in a parallel loop")
        assigned = assigned_in(loop.body)
        if assigned & self.assigned:
            raise _Wrong(f"a parallel loop assigns what is outside of it: {assigned}")
        assigned_before, self.assigned = self.assigned, set()
        filled_before, self.filled = self.filled, set()
        self.loop(loop.index, loop.body)
        self.assigned, self.filled = assigned_before, filled_before

    def again(self, inner: Iterable[Statement]) -> None:
        """Take what a loop stores to as stored to at its beginning, too."""
        self.filled.update(accessed_buffers(inner)[1])

    def holds_something(self, buffer: Buffer) -> None:
        """Check that a private buffer is stored to before it is read."""
        if buffer in self.own and buffer not in self.filled:
            raise _Wrong(f"reads {buffer} before it is stored to")

    def branch(self, inner: Iterable[Statement]) -> None:
        """Check statements that may not run."""
        before = set(self.assigned)
        self.good.append(set())
        self.body(inner)
        self.good.pop()
        self.assigned = before

    def accumulate(self, local: Local, prim: Prim, dtype: DType) -> None:
        """Check a step of an accumulation."""
        self.expect(dtype, local.element, f"the value combined with {local.name}")
        if local not in self.assigned:
            raise _Wrong(f"accumulates in {local.name} before it is assigned")
        if prim not in _ACCUMULATING:
            raise _Wrong(f"accumulates by {prim.value}")
        self.operation(prim, (dtype, dtype), dtype)

    def expect(self, given: DType, wanted: DType, what: str) -> None:
        """Check a dtype."""
        if given is not wanted:
            raise _Wrong(f"{what} is {given}, not {wanted}")

    def size(self, size: Size, what: str) -> None:
        """Check that all a size mentions is bound."""
        if isinstance(size, int):
            return
        for atom in size.atoms:
            if isinstance(atom, Value) and isinstance(atom.term, Scalar):
                continue
            if isinstance(atom, Symbol | Value | Index) and atom not in self.bound:
                raise _Wrong(f"{what} mentions {atom}, which is not bound: {size}")

    def access(self, buffer: Buffer, offset: Size, does: str, *, certain: bool) -> None:
        """Check an offset; ``certain`` where the access happens whenever its place is reached."""
        if buffer not in self.memory:
            raise _Wrong(f"{does} {buffer}, which it is not given")
        self.size(offset, f"an offset of {buffer}")
        count = self.elements.get(buffer)
        if count is None or not certain or self.conditions:
            return
        if any(not at_least(index.extent, 1) for index in self.loops):
            return
        if is_nonnegative(sub(-1, offset)) or at_least(offset, count):
            raise _Wrong(f"{does} {buffer}[{offset}], of {count} elements")

    def scalar(self, root: Scalar, *, where: Statement | None) -> None:
        """Check an expression; arms of guards may stay unevaluated, so less is known of them."""
        stack = [(root, True)]
        seen: set[tuple[Scalar, bool]] = set()
        while stack:
            node, certain = stack.pop()
            if (node, certain) in seen or (certain and node in self.good[-1]):
                continue
            seen.add((node, certain))
            match node:
                case Literal():
                    pass
                case FromIndex(size):
                    self.size(size, "an index value")
                    self.expect(node.dtype, I64, "an index value")
                    stack += [(scalar, certain) for scalar in dynamic_scalars(size)]
                case Load(buffer, offset):
                    stack += [(scalar, certain) for scalar in dynamic_scalars(offset)]
                    self.expect(node.dtype, buffer.element, f"what is loaded from {buffer}")
                    self.access(buffer, offset, "loads from", certain=certain)
                    self.holds_something(buffer)
                case Read(local):
                    if local not in self.assigned:
                        raise _Wrong(f"reads {local.name} before it is assigned, in {where!r}")
                case Guard(condition, value, otherwise):
                    self.expect(condition.dtype, BOOL, "the condition of a guard")
                    stack += [(condition, certain), (value, False), (otherwise, False)]
                case Call(procedure, operands):
                    _verify_procedure(procedure, self.native)
                    stack += [(operand, certain) for operand in operands]
                case Apply(prim, operands, to):
                    self.operation(prim, tuple(o.dtype for o in operands), to)
                    stack += [(operand, certain) for operand in operands]
                case _:
                    raise _Wrong(f"unknown expression {node!r}")
        self.good[-1].update(node for node, certain in seen if certain and not _reads(node))

    def operation(self, prim: Prim, kinds: tuple[DType, ...], to: DType) -> None:
        """Check the dtypes of a primitive."""
        shown = f"{prim.value} of {', '.join(map(str, kinds))} to {to}"
        if len(kinds) != _ARITY.get(prim, 2):
            raise _Wrong(f"{shown}: it takes {_ARITY.get(prim, 2)} operands")
        if self.native and prim in MATH:
            raise _Wrong(f"{shown}: it was to be expanded")
        if prim is Prim.SELECT:
            self.expect(kinds[0], BOOL, "the condition of a select")
            kinds = kinds[1:]
        if any(kind is not kinds[0] for kind in kinds):
            raise _Wrong(f"{shown}: operands have to be alike")
        kind = kinds[0]
        if prim is Prim.CAST:
            return
        if kind.is_half and prim not in (Prim.SELECT, Prim.BITCAST):
            raise _Wrong(f"{shown}: halves are only moved, chosen and converted")
        if prim is Prim.BITCAST:
            fits = kind.bits == to.bits
        else:
            fits = to is (BOOL if prim in COMPARISONS else kind)
        fits = fits and not (
            (prim in _FLOAT_ONLY and not kind.is_float)
            or (prim in _INTEGER_ONLY and not kind.is_integer)
            or (prim in _NUMBERS and kind is BOOL)
            or (prim in _BITS and kind.is_float)
        )
        if not fits:
            raise _Wrong(f"{shown}: it is not defined for these")


def _reads(node: Scalar) -> bool:
    """Whether the expression itself may be good at one place and not at another."""
    return isinstance(node, Read | Apply | Call | Guard) or bool(children_of(node))

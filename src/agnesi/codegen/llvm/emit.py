"""A kernel as an LLVM function: loops over vectors, and scalar ones for LLVM's vectoriser."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from agnesi.codegen.llvm.inline import Inline, is_inlined
from agnesi.codegen.llvm.lanes import Outside, VectorLoop, arms_of, can_be_written_out
from agnesi.codegen.llvm.spell import extreme, spell
from agnesi.codegen.llvm.tile import block_of
from agnesi.codegen.llvm.vectors import (
    VectorShape,
    hint,
    is_short,
    scan_hint,
    sum_shape,
    vector_shape,
)
from agnesi.codegen.llvm.writer import Writer, literal_text, memory_type, value_type
from agnesi.core.dtypes import BOOL
from agnesi.core.errors import CompilerBug
from agnesi.core.machine import PLAIN, Machine
from agnesi.dims.dim import value_of
from agnesi.dims.simplify import is_nonnegative
from agnesi.loops.nodes import (
    Accumulate,
    Address,
    Apply,
    Assign,
    Buffer,
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
    Local,
    ParallelFor,
    Pass,
    Read,
    Refer,
    Scalar,
    Statement,
    Store,
    While,
    dynamic_scalars,
    fresh_local,
    literal,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import children_of, walk_statements
from agnesi.loops.work import work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agnesi.codegen.llvm.lanes import Arms
    from agnesi.codegen.llvm.parts import Work
    from agnesi.dims.dim import Dim, Size
    from agnesi.loops.nodes import Procedure


# What a thread has to do at least, in ticks of ``loops/work.py``: less is not worth another one.
_SHARE_BITS = 21
# Of products, which read little for what they compute, where nobody has to be woken for them.
_SMALL_BITS = 19
# A loop with loops inside has up to 4 parts for each thread, of 4 such shares at least.
_FINE_BITS = 2
# Parts of a loop without loops inside begin at multiples of this, so that no two threads write the
# same line of a cache, and every part but the last is whole vectors.
_GRAIN = 64


class KernelCode(NamedTuple):
    """A kernel's code.

    Attributes:
        text: of its functions.
        needs: declarations, and functions that they call.
        work: what LLVM has to do for it.
    """

    text: str
    needs: dict[str, None]
    work: Work


def emit_kernel(kernel: Kernel, machine: Machine = PLAIN) -> tuple[str, dict[str, None]]:
    """Return the text of a kernel's functions, and the declarations and functions they need."""
    return kernel_code(kernel, machine)[:2]


def kernel_code(kernel: Kernel, machine: Machine = PLAIN) -> KernelCode:
    """Return the code of a kernel.

    The one of the kernel's name takes a pointer for each buffer, then an i64 for each size.  A
    parallel loop that may be long is a function of its own, named ``name.part0`` and so on, which
    takes a range besides.  Functions of blocks, which it declares, are for others to provide:
    ``blocks_of``.

    Args:
        kernel: with elementary functions expanded.
        machine: what the code is for.  The module's text has to go through
            ``vectors.with_metadata``.
    """
    emitter = _Emitter(kernel, machine)
    for statement in kernel.body:
        if isinstance(statement, ParallelFor):
            emitter.fork(statement)
        else:
            emitter.statement(statement)
    text = emitter.function(kernel.name, ())
    work: Work = "loops" if emitter.needs_passes else "vectors"
    return KernelCode("\n\n".join([*emitter.outlined, text]), emitter.w.declared, work)


@cache
def emit_procedure(procedure: Procedure) -> dict[str, None]:
    """Return the text of a procedure's function, with what that in turn needs."""
    emitter = _Emitter(Kernel(procedure.name, (), (), procedure.body))
    w = emitter.w
    for k, parameter in enumerate(procedure.parameters):
        w.line(f"store {value_type(parameter.element)} %p{k}, ptr {emitter.slot(parameter)}")
    for statement in procedure.body:
        emitter.statement(statement)
    kind = value_type(procedure.result.dtype)
    w.line(f"ret {kind} {emitter.scalar(procedure.result)}")
    given = ", ".join(f"{value_type(p.element)} %p{k}" for k, p in enumerate(procedure.parameters))
    # What it is given is all that its result depends on: equal calls are made once.
    head = f"define internal {kind} @{_symbol(procedure)}({given}) nounwind willreturn memory(none)"
    allocas = [f"  {name} = alloca {kind}" for name, kind in emitter.allocas]
    text = "\n".join([f"{head} {{", "entry:", *allocas, *w.lines, "}"])
    return {**w.declared, text: None}


def _symbol(procedure: Procedure) -> str:
    return f"p_{procedure.name}"


class _Emitter:
    """Emits statements; keeps, scope by scope, the registers of what has been computed."""

    def __init__(self, kernel: Kernel, machine: Machine = PLAIN) -> None:
        self.kernel, self.machine = kernel, machine
        self.w = Writer(halves=machine.halves)
        self.pointer = {b: f"%b{k}" for k, b in enumerate(kernel.buffers)}
        self.pointer |= {b: f"%q{k}" for k, (b, _) in enumerate(kernel.private)}
        self.sizes: list[dict[Dim, str]] = [{s: f"%s{k}" for k, s in enumerate(kernel.sizes)}]
        self.scopes: list[dict[Scalar, str]] = [{}]
        self.locals: dict[Local, str] = {}
        self.extremes = _extremes(kernel.body)
        self.allocas: list[tuple[str, str]] = []
        self.volatile: dict[Scalar, bool] = {}
        self.outlined: list[str] = []
        # Loops around the present place whose turns follow each other.
        self.turns = 0
        # Whether there are loops to make vectors of, or what is better kept in registers.
        self.needs_passes = False

    def function(self, name: str, more: Sequence[str]) -> str:
        """Return the text of the function whose lines have been written."""
        kernel = self.kernel
        given = [
            f"ptr noalias nocapture {'' if b in kernel.written else 'readonly '}%b{k}"
            for k, b in enumerate(kernel.buffers)
        ]
        given += [f"i64 %s{k}" for k in range(len(kernel.sizes))]
        head = f"define internal void @{name}({', '.join([*given, *more])}) #0 {{"
        allocas = [f"  {name} = alloca {kind}" for name, kind in self.allocas]
        allocas += [
            f"  %q{k} = alloca [{count} x {memory_type(b.element)}], align 64"
            for k, (b, count) in enumerate(kernel.private)
        ]
        return "\n".join([head, "entry:", *allocas, *self.w.lines, "  ret void", "}"])

    # -- scopes ------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin a scope: what is computed in it is forgotten at its end."""
        self.scopes.append({})
        self.sizes.append(dict(self.sizes[-1]))

    def close(self) -> None:
        """End the scope."""
        self.scopes.pop()
        self.sizes.pop()

    # -- statements --------------------------------------------------------------------------

    def statement(self, statement: Statement) -> None:
        """Emit one statement."""
        w = self.w
        match statement:
            case For():
                self.loop(statement)
            case If(condition, body):
                yes, after = w.label("then"), w.label("after")
                w.branch(self.scalar(condition), yes, after)
                w.start(yes)
                self.open()
                for each in body:
                    self.statement(each)
                self.close()
                w.jump(after)
                w.start(after)
            case While():
                self.repeat(statement)
            case Foreign():
                self.foreign(statement)
            case Contract():
                self.contract(statement)
            case Store(buffer, offset, value):
                register = self.scalar(value)
                self.store(buffer, self.address(buffer, offset), register)
            case Assign(local, value):
                register = self.scalar(value)
                kind = value_type(local.element)
                w.line(f"store {kind} {register}, ptr {self.slot(local)}")
                if local in self.extremes:
                    unordered = w.let(f"fcmp uno {kind} {register}, {register}")
                    w.line(f"store i1 {unordered}, ptr {self.slot(self.extremes[local])}")
            case Accumulate(local, prim, value):
                self.accumulate(local, prim, self.scalar(value))
            case _:
                raise CompilerBug(f"no code for {statement!r}")

    def fork(self, loop: ParallelFor) -> None:
        """Emit a loop whose parts run on several threads, if there is enough to do for them."""
        w = self.w
        amount = work([loop])
        multiplies = any(isinstance(s, Contract) for s in loop.body)
        if isinstance(amount, int) and amount >> (_SMALL_BITS if multiplies else _SHARE_BITS) < 2:
            self.loop(loop)
            return
        name = f"{self.kernel.name}.part{len(self.outlined) // 2}"
        part = _Emitter(self.kernel, self.machine)
        part.loop(loop, "%begin", "%end")
        self.outlined.append(part.function(name, ("i64 %begin", "i64 %end")))
        w.declared.update(part.w.declared)
        self.needs_passes |= part.needs_passes
        buffers, sizes = len(self.kernel.buffers), len(self.kernel.sizes)
        grain = 1 if any(isinstance(s, For | While | Contract) for s in loop.body) else _GRAIN
        self.outlined.append(_task(name, buffers, sizes, grain))

        extent = self.size(loop.index.extent, {})
        if not is_nonnegative(loop.index.extent):
            extent = w.intrinsic("i64", "llvm.smax.i64", f"i64 {extent}", "i64 0")
        amount = self.size(amount, {})
        shares = w.let(f"ashr i64 {amount}, {_SHARE_BITS}")
        w.declared.setdefault("@agnesi_threads = external global i64")
        threads = w.let("load atomic i64, ptr @agnesi_threads monotonic, align 8")
        parts = self.least(shares, threads, extent)
        together, alone, after = w.label("together"), w.label("alone"), w.label("after")
        if multiplies:
            some = w.let(f"ashr i64 {amount}, {_SMALL_BITS}")
            parts = self.ask(parts, self.least(some, threads, extent), together, alone)
        else:
            w.branch(w.let(f"icmp sgt i64 {parts}, 1"), together, alone)
            w.start(together)
        if grain == 1:
            # Iterations may be unlike, and a thread may be held up: the others take more.
            fine = w.let(f"ashr i64 {shares}, {_FINE_BITS}")
            many = w.let(f"shl i64 {threads}, {_FINE_BITS}")
            fine = self.least(fine, many, extent)
            parts = w.intrinsic("i64", "llvm.smax.i64", f"i64 {parts}", f"i64 {fine}")
        context = f"%c{len(self.outlined)}"
        self.allocas.append((context, f"[{buffers + sizes + 1} x i64]"))
        given = [f"ptr %b{k}" for k in range(buffers)] + [f"i64 %s{k}" for k in range(sizes)]
        for k, argument in enumerate([f"i64 {extent}", *given]):
            place = w.let(f"getelementptr i64, ptr {context}, i64 {k}")
            w.line(f"store {argument}, ptr {place}")
        w.declare("void @agnesi_parallel(ptr, ptr, i64)")
        w.line(f"call void @agnesi_parallel(ptr @{name}.task, ptr {context}, i64 {parts})")
        w.jump(after)
        w.start(alone)
        w.line(f"call void @{name}({', '.join([*given, 'i64 0', f'i64 {extent}'])})")
        w.jump(after)
        w.start(after)

    def ask(self, parts: str, small: str, together: str, alone: str) -> str:
        """Branch: parts of a small job go to the pool only if it is awake; return their number."""
        w, maybe, awake = self.w, self.w.label("maybe"), self.w.label("awake")
        before = w.block
        w.branch(w.let(f"icmp sgt i64 {parts}, 1"), together, maybe)
        w.start(maybe)
        w.branch(w.let(f"icmp sgt i64 {small}, 1"), awake, alone)
        w.start(awake)
        w.declare("i1 @agnesi_awake()")
        w.branch(w.let("call i1 @agnesi_awake()"), together, alone)
        w.start(together)
        return w.let(f"phi i64 [ {parts}, %{before} ], [ {small}, %{awake} ]")

    def least(self, first: str, *others: str) -> str:
        """Return the least of some i64."""
        for other in others:
            first = self.w.intrinsic("i64", "llvm.smin.i64", f"i64 {first}", f"i64 {other}")
        return first

    def loop(self, loop: For, begin: str = "0", end: str | None = None) -> None:
        """Emit a counted loop, or a range of it."""
        extent = self.size(loop.index.extent, {}) if end is None else end
        shape = vector_shape(loop, self.machine)
        if shape is not None:
            if end is None and not is_nonnegative(loop.index.extent):
                extent = self.w.intrinsic("i64", "llvm.smax.i64", f"i64 {extent}", "i64 0")
            self.in_vectors(loop, shape, begin, extent)
            return
        arms = arms_of(loop)
        if arms and all(
            vector_shape(arm, self.machine) and can_be_written_out(arm) for arm in arms.loops
        ):
            self.either(arms, begin, end)
            return
        shape = sum_shape(loop, self.machine)
        hints = scan_hint(loop) if shape is None else hint(shape, rest=False, short=True)
        self.count(loop, begin, extent, hints)

    def either(self, arms: Arms, begin: str, end: str | None) -> None:
        """Emit two loops, of which one runs."""
        w = self.w
        yes, no, after = w.label("yes"), w.label("no"), w.label("after")
        w.branch(self.scalar(arms.condition), yes, no)
        for label, loop in zip((yes, no), arms.loops, strict=True):
            w.start(label)
            self.open()
            self.loop(loop, begin, end)
            self.close()
            w.jump(after)
        w.start(after)

    def in_vectors(self, loop: For, shape: VectorShape, begin: str, end: str) -> None:
        """Emit a loop over what fills whole vectors, and one over the rest, under a mask."""
        w = self.w
        if can_be_written_out(loop):
            self.open()
            outside = Outside(self.scalar, self.fixed, self.pointer)
            VectorLoop(w, loop, shape, outside).emit(begin, end)
            self.close()
            return
        self.needs_passes = True
        if begin == "0" and end.isdecimal():
            whole = str(int(end) // shape.chunk * shape.chunk)
        else:
            count = end if begin == "0" else w.let(f"sub i64 {end}, {begin}")
            whole = w.let(f"and i64 {count}, {-shape.chunk}")
            if begin != "0":
                whole = w.let(f"add nsw i64 {begin}, {whole}")
        if whole != begin:
            self.count(loop, begin, whole, hint(shape, rest=False, short=is_short(loop)))
        if whole != end:
            self.count(loop, whole, end, hint(shape, rest=True))

    def count(self, loop: For, start: str, end: str, hints: str = "") -> None:
        """Emit a loop from start to end in the form that LLVM's loop passes know best.

        Hints are for its vectoriser (``vectors.hint``).
        """
        w = self.w
        if not any(isinstance(s, For | Contract) for s in loop.body):
            self.needs_passes = True
        head, body, after = w.label("head"), w.label("body"), w.label("after")
        before = w.block
        counter, following = w.fresh(), w.fresh()
        w.jump(head)
        w.start(head)
        position = len(w.lines)
        more = w.let(f"icmp slt i64 {counter}, {end}")
        w.branch(more, body, after)
        w.start(body)
        self.open()
        self.sizes[-1][loop.index] = counter
        self.turns += not isinstance(loop, ParallelFor)
        for each in loop.body:
            self.statement(each)
        self.turns -= not isinstance(loop, ParallelFor)
        self.close()
        w.line(f"{following} = add nuw nsw i64 {counter}, 1")
        phi = f"  {counter} = phi i64 [ {start}, %{before} ], [ {following}, %{w.block} ]"
        w.lines.insert(position, phi)
        w.line(f"br label %{head}{hints}")
        w.start(after)

    def repeat(self, loop: While) -> None:
        """Emit a loop that goes on as long as its condition holds."""
        w = self.w
        head, body, after = w.label("while"), w.label("body"), w.label("after")
        w.jump(head)
        w.start(head)
        self.open()
        w.branch(self.scalar(loop.condition), body, after)
        w.start(body)
        self.open()
        for each in loop.body:
            self.statement(each)
        self.close()
        self.close()
        w.jump(head)
        w.start(after)

    def foreign(self, call: Foreign) -> None:
        """Emit a call of a C function."""
        w = self.w
        arguments: list[str] = []
        for argument in call.arguments:
            match argument:
                case Pass(value):
                    arguments.append(f"{value_type(value.dtype)} {self.scalar(value)}")
                case Refer(local):
                    arguments.append(f"ptr {self.slot(local)}")
                case Address(buffer, offset, _):
                    arguments.append(f"ptr {self.address(buffer, offset)}")
        returns = "void" if call.result is None else value_type(call.result.element)
        kinds = ", ".join(a.split(" ", 1)[0] for a in arguments)
        w.declare(f"{returns} @{call.symbol}({kinds})")
        text = f"call {returns} @{call.symbol}({', '.join(arguments)})"
        if call.result is None:
            w.line(text)
        else:
            w.line(f"store {returns} {w.let(text)}, ptr {self.slot(call.result)}")

    def contract(self, product: Contract) -> None:
        """Emit a call of the function of blocks."""
        w = self.w
        target, a, b = product.matrices
        if self.turns and is_inlined(product, self.machine):
            # What a turn leaves in memory for the next one may stay in registers.
            self.needs_passes = True
            places = [self.address(m.buffer, m.offset) for m in product.matrices]
            Inline(w, product, self.machine).emit(*places)
            return
        block = block_of(product, self.machine)
        w.declared.setdefault(block.declaration)
        across = a.row if block.order == "columns" else a.column
        distances = (target.row, across, b.row if b.column == 1 else b.column)
        given = [
            f"ptr {self.address(m.buffer, m.offset)}, i64 {self.size(distance, {})}"
            for m, distance in zip(product.matrices, distances, strict=True)
        ]
        sizes = (product.rows, product.columns, product.depth)
        given += [f"i64 {self.size(size, {})}" for size in sizes]
        given.append(f"i1 {'true' if product.adds else 'false'}")
        if product.around:
            given.append(f"ptr {self.turns_around(product)}")
        w.line(f"call void @{block.name}({', '.join(given)})")

    def turns_around(self, product: Contract) -> str:
        """Return a table of the loops around a product: turns and how far factors move."""
        w = self.w
        table = f"%around{len(self.allocas)}"
        numbers = [size for loop in product.around for size in loop.args]
        self.allocas.append((table, f"[{len(numbers)} x i64]"))
        for k, number in enumerate(numbers):
            place = w.let(f"getelementptr i64, ptr {table}, i64 {k}")
            w.line(f"store i64 {self.size(number, {})}, ptr {place}")
        return table

    def accumulate(self, local: Local, prim: Prim, value: str) -> None:
        """Emit ``local = local <prim> value``, free to be reassociated.

        Whether a NaN was among the values of an extreme is kept apart: with that, and zeros taken
        for equal, a machine has one instruction for the rest.
        """
        w, kind = self.w, local.element
        t = value_type(kind)
        old = w.let(f"load {t}, ptr {self.slot(local)}")
        if local in self.extremes:
            found = self.slot(self.extremes[local])
            unordered = w.let(f"fcmp uno {t} {value}, {value}")
            before = w.let(f"load i1, ptr {found}")
            w.line(f"store i1 {w.let(f'or i1 {before}, {unordered}')}, ptr {found}")
            new = extreme(w, prim, old, value, kind, flags="nnan nsz")
        elif kind.is_float and prim in (Prim.ADD, Prim.MUL):
            new = w.let(f"f{prim.value} reassoc {t} {old}, {value}")
        else:
            new = spell(w, prim, (old, value), kind, kind)
        w.line(f"store {t} {new}, ptr {self.slot(local)}")

    def slot(self, local: Local) -> str:
        """Return the address of a variable."""
        if local not in self.locals:
            self.needs_passes = True
            name = f"%l{len(self.locals)}"
            self.locals[local] = name
            self.allocas.append((name, value_type(local.element)))
        return self.locals[local]

    def size(self, size: Size, fleeting: dict[Scalar, str]) -> str:
        """Return an i64 operand for a size, also where it mentions the values of scalars."""
        known = self.sizes[-1]
        dynamic = dynamic_scalars(size)
        if any(self.is_volatile(s) for s in dynamic):
            # What is computed from values that change is not kept.
            known = {k: v for k, v in known.items() if not dynamic_scalars(k)}
        for scalar in dynamic:
            register = self.find(scalar, fleeting)
            known[value_of(scalar)] = self.scalar(scalar) if register is None else register
        return self.w.size(size, known)

    def fixed(self, size: Size) -> str:
        """Return an i64 operand for a size."""
        return self.size(size, {})

    def address(
        self, buffer: Buffer, offset: Size, fleeting: dict[Scalar, str] | None = None
    ) -> str:
        """Return the address of an element."""
        register = self.size(offset, fleeting or {})
        kind = memory_type(buffer.element)
        return self.w.let(
            f"getelementptr inbounds {kind}, ptr {self.pointer[buffer]}, i64 {register}"
        )

    def store(self, buffer: Buffer, address: str, value: str) -> None:
        """Store a value; bool as a byte."""
        if buffer.element is BOOL:
            value = self.w.let(f"zext i1 {value} to i8")
        self.w.line(f"store {memory_type(buffer.element)} {value}, ptr {address}")

    # -- scalars -----------------------------------------------------------------------------

    def scalar(self, root: Scalar) -> str:
        """Return the register of an expression, computing what is not there yet."""
        fleeting: dict[Scalar, str] = {}
        stack = [root]
        while stack:
            node = stack[-1]
            if self.find(node, fleeting) is not None:
                stack.pop()
                continue
            waiting = [o for o in _strict(node) if self.find(o, fleeting) is None]
            if waiting:
                stack.extend(waiting[::-1])
                continue
            register = self.compute(node, fleeting)
            (fleeting if self.is_volatile(node) else self.scopes[-1])[node] = register
            stack.pop()
        return self.find(root, fleeting) or ""

    def find(self, node: Scalar, fleeting: dict[Scalar, str]) -> str | None:
        """Return the register that holds an expression here, if there is one."""
        if isinstance(node, Literal):
            return literal_text(node)
        if node in fleeting:
            return fleeting[node]
        return next((s[node] for s in reversed(self.scopes) if node in s), None)

    def is_volatile(self, node: Scalar) -> bool:
        """Whether the value may change between statements: it reads what the kernel writes."""
        known = self.volatile.get(node)
        if known is None:
            own = isinstance(node, Read) or (
                isinstance(node, Load) and self.kernel.may_write(node.buffer)
            )
            known = own or any(self.is_volatile(c) for c in children_of(node))
            self.volatile[node] = known
        return known

    def compute(self, node: Scalar, fleeting: dict[Scalar, str]) -> str:
        """Emit one expression whose operands have registers."""
        w = self.w
        match node:
            case Apply(prim, operands, to):
                registers = [self.find(o, fleeting) or "" for o in operands]
                kind = operands[1 if prim is Prim.SELECT else 0].dtype
                return spell(w, prim, registers, kind, to)
            case Load(buffer, offset):
                address = self.address(buffer, offset, fleeting)
                kind = memory_type(buffer.element)
                value = w.let(f"load {kind}, ptr {address}")
                return w.let(f"icmp ne i8 {value}, 0") if buffer.element is BOOL else value
            case FromIndex(size):
                return self.size(size, fleeting)
            case Read(local):
                kind = value_type(local.element)
                value = w.let(f"load {kind}, ptr {self.slot(local)}")
                if local in self.extremes:
                    unordered = w.let(f"load i1, ptr {self.slot(self.extremes[local])}")
                    nan = self.find(literal(math.nan, local.element), fleeting)
                    return w.let(f"select i1 {unordered}, {kind} {nan}, {kind} {value}")
                return value
            case Call(procedure, operands):
                w.declared.update(emit_procedure(procedure))
                given = ", ".join(
                    f"{value_type(o.dtype)} {self.find(o, fleeting)}" for o in operands
                )
                kind = value_type(node.dtype)
                return w.let(f"call {kind} @{_symbol(procedure)}({given})")
            case Guard():
                return self.guard(node, fleeting)
            case _:
                raise CompilerBug(f"no code for {node!r}")

    def guard(self, node: Guard, fleeting: dict[Scalar, str]) -> str:
        """Emit a choice that evaluates one arm only."""
        w = self.w
        yes, no, after = w.label("yes"), w.label("no"), w.label("join")
        w.branch(self.find(node.condition, fleeting) or "", yes, no)
        ends: list[tuple[str, str]] = []
        for label, arm in ((yes, node.value), (no, node.otherwise)):
            w.start(label)
            self.open()
            ends.append((self.scalar(arm), w.block))
            self.close()
            w.jump(after)
        w.start(after)
        sources = ", ".join(f"[ {value}, %{block} ]" for value, block in ends)
        return w.let(f"phi {value_type(node.dtype)} {sources}")


def _extremes(body: Iterable[Statement]) -> dict[Local, Local]:
    """Return the variables that floats are brought to the extreme in, with one to note NaN in."""
    found: dict[Local, Local] = {}
    for statement in walk_statements(body):
        match statement:
            case Accumulate(local, Prim.MAX | Prim.MIN) if local.element.is_float:
                found.setdefault(local, fresh_local("nan", BOOL))
            case _:
                pass
    return found


def _task(name: str, buffers: int, sizes: int, grain: int) -> str:
    """Return the function that the pool calls: it runs one part of a loop.

    It is given the loop's extent and the arguments of its function in memory.
    """
    w = Writer("t")
    values = [
        w.let(f"load {kind}, ptr {w.let(f'getelementptr i64, ptr %context, i64 {k}')}")
        for k, kind in enumerate(["i64", *["ptr"] * buffers, *["i64"] * sizes])
    ]
    extent, *given = values
    numbers = ("%part", w.let("add i64 %part, 1"))
    if grain == 1:
        # As even as can be.
        ends = [w.let(f"udiv i64 {w.let(f'mul i64 {extent}, {n}')}, %parts") for n in numbers]
    else:
        more = w.let(f"add i64 {extent}, {w.let('sub i64 %parts, 1')}")
        chunk = w.let(f"add i64 {w.let(f'udiv i64 {more}, %parts')}, {grain - 1}")
        chunk = w.let(f"and i64 {chunk}, {-grain}")
        places = [w.let(f"mul i64 {n}, {chunk}") for n in numbers]
        ends = [
            w.intrinsic("i64", "llvm.smin.i64", f"i64 {place}", f"i64 {extent}") for place in places
        ]
    arguments = [
        *(f"ptr {r}" for r in given[:buffers]),
        *(f"i64 {r}" for r in (*given[buffers:], *ends)),
    ]
    head = f"define internal void @{name}.task(ptr %context, i64 %part, i64 %parts) #0 {{"
    call = f"  call void @{name}({', '.join(arguments)})"
    return "\n".join([head, "entry:", *w.lines, call, "  ret void", "}"])


def _strict(node: Scalar) -> tuple[Scalar, ...]:
    """Return the operands that are always evaluated."""
    return (node.condition,) if isinstance(node, Guard) else children_of(node)

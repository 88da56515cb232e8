"""The callable: a C function of CPython's fast-call form that runs a whole program.

It checks its arguments (a Python callback converts, or raises, what is not an array of the right
type), learns sizes, checks requirements, allocates the outputs, runs the steps and returns the
result.  Whatever fails does so before a shared variable is written.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

from agnesi.codegen.llvm import layout as at
from agnesi.codegen.llvm.emit import kernel_code
from agnesi.codegen.llvm.parts import Part
from agnesi.codegen.llvm.spell import cast
from agnesi.codegen.llvm.tile import block_of, emit_block
from agnesi.codegen.llvm.writer import Writer, literal_text, memory_type, value_type
from agnesi.core.dtypes import BF16, BOOL, C128, F32, F64, I64, U64, DType
from agnesi.core.errors import CompilerBug
from agnesi.core.machine import PLAIN, Machine
from agnesi.core.record import record
from agnesi.dims.dim import Dim, Symbol, Value, add, mul, product, terms_of
from agnesi.loops.nodes import Buffer, Contract, Foreign, Literal, literal
from agnesi.loops.traverse import walk_statements
from agnesi.loops.work import PER_NANOSECOND, work
from agnesi.lower.plan import accesses, touched
from agnesi.lower.program import (
    ONE,
    BindValue,
    CallHost,
    Clear,
    Copy,
    MultiplyMatrices,
    Program,
    Require,
    Row,
    RunBranch,
    RunKernel,
    RunLoop,
    Scale,
    SizeCheck,
    Space,
    Step,
    walk_steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.leaves import Leaf
    from agnesi.loops.nodes import Kernel

Form: TypeAlias = OneOf["one", "list", "dict", "none"]

# No machine has more; below this, no sum of sizes overflows.
_MOST_BYTES = 2**56


@record(frozen=True)
class Emitted:
    """A module's text and what its failure codes mean.

    Attributes:
        parts: LLVM IR, a module for each kernel and one for the callable, ``@call``.
        called: the function of each kernel, by the kernel's name.
        layout: of the words behind ``self``.
        size_checks: by code, from ``SIZES`` on.
        requirements: by code, from ``REQUIREMENT`` on.
        host_calls: by number, what Python is called for.
    """

    parts: tuple[Part, ...]
    called: Mapping[str, str]
    layout: at.Layout
    size_checks: tuple[SizeCheck, ...]
    requirements: tuple[Require, ...]
    host_calls: tuple[CallHost, ...]


def emit_program(
    program: Program,
    form: Form,
    attributes: str = "",
    machine: Machine = PLAIN,
    amounts: Sequence[tuple[Size, Size]] = (),
) -> Emitted:
    """Return the modules of a program.

    Args:
        program: lowered.
        form: what the callable returns: the output alone, a list, a dict, or None.
        attributes: of every function, such as the vector width to prefer.
        machine: what the code is for.
        amounts: bytes and floating-point operations of each step, as ``walk_steps`` gives them, for
            a callable that measures its steps; none for one that does not.
    """
    keys = len(program.outputs) if form == "dict" else 0
    meters = len(amounts) + 1 if amounts else 0
    layout = at.Layout(len(program.constants), len(program.shareds), keys, meters)
    ends = (
        f"attributes #0 = {{ nounwind noinline {attributes} }}",
        "attributes #1 = { nounwind }",
    )
    parts: dict[str, Part] = {}
    called: dict[str, str] = {}
    for step in walk_steps(program.steps):
        if isinstance(step, RunKernel):
            part = _kernel_part(step.kernel, ends, machine)
            called[step.kernel.name] = part.name
            parts[part.name] = part
            parts |= {p.name: p for p in block_parts(step.kernel, part.needs, ends, machine)}
    entry = _Entry(program, form, layout, called, amounts)
    entry.emit()
    head = "define ptr @call(ptr %self, ptr %args, i64 %nargs, ptr %kwnames) #1 {"
    body = "\n".join([head, "entry:", *entry.allocas, *entry.w.lines, "}"])
    parts["call"] = Part("call", tuple(entry.w.declared), body, ends, "calls")
    return Emitted(
        tuple(parts.values()),
        called,
        layout,
        tuple(entry.size_checks),
        tuple(entry.requires),
        tuple(entry.host_calls),
    )


def _kernel_part(kernel: Kernel, ends: tuple[str, ...], machine: Machine) -> Part:
    """Return a kernel as a part; kernels that differ only in what they are given are equal."""
    text, needs, work = kernel_code(kernel, machine)
    # Its number in this program would make it differ from the same kernel elsewhere.
    text = text.replace(f"@{kernel.name}", "@{}")
    hint = kernel.name.partition("_")[2] or "kernel"
    name = f"{hint}_{blake2b(text.encode(), digest_size=6).hexdigest()}"
    text = text.replace("define internal void @{}(", "define void @{}(", 1)
    return Part(name, tuple(needs), text.replace("@{}", f"@{name}"), ends, work)


def block_parts(
    kernel: Kernel, needs: Sequence[str], ends: tuple[str, ...], machine: Machine
) -> list[Part]:
    """Return the functions that multiply blocks for a kernel; many kernels share them.

    Args:
        kernel: with products, some of which may be written out in its own function.
        needs: what that declares.
        ends: groups of attributes.
        machine: what the code is for.
    """
    products = [s for s in walk_statements(kernel.body) if isinstance(s, Contract)]
    blocks = dict.fromkeys(block_of(product, machine) for product in products)
    declared = set(needs)
    blocks = [block for block in blocks if block.declaration in declared]
    return [Part(block.name, *emit_block(block, machine), ends, "vectors") for block in blocks]


# Has the callback raise an exception: of a code, two numbers and the place of the arguments.
FAIL = """define internal void @agnesi_fail(ptr %callback, i64 %code, i64 %a, i64 %b, ptr %given) cold noinline {
  %1 = call ptr @PyLong_FromLongLong(i64 %code)
  %2 = call ptr @PyLong_FromLongLong(i64 %a)
  %3 = call ptr @PyLong_FromLongLong(i64 %b)
  %place = ptrtoint ptr %given to i64
  %4 = call ptr @PyLong_FromLongLong(i64 %place)
  call ptr (ptr, ...) @PyObject_CallFunctionObjArgs(ptr %callback, ptr %1, ptr %2, ptr %3, ptr %4, ptr null)
  call void @Py_DecRef(ptr %1)
  call void @Py_DecRef(ptr %2)
  call void @Py_DecRef(ptr %3)
  call void @Py_DecRef(ptr %4)
  ret void
}"""  # noqa: E501

# Reads the clock, for callables that measure their steps.
NOW = f"""declare i32 @clock_gettime(i32, ptr)

define internal i64 @agnesi_now() {{
  %time = alloca [2 x i64], align 16
  call i32 @clock_gettime(i32 {getattr(time, "CLOCK_MONOTONIC", 1)}, ptr %time)
  %seconds = load i64, ptr %time
  %second = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %second
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}}"""

# From so many ticks of `loops/work.py` on, 40 us, other Python threads may run meanwhile.
_LONG = 40_000 * PER_NANOSECOND


def _work(step: Step, program: Program) -> Size:
    """Return the ticks that a step takes, about."""
    match step:
        case RunKernel(kernel=kernel):
            return work(kernel.body)
        case MultiplyMatrices(c=c, batch=batch, m=m, n=n, k=k):
            return mul(program.storage[c].dtype.bytes, product((batch, m, n, k)))
        case Copy(_, target) | Clear(target):
            storage = program.storage[target]
            return mul(4 * storage.dtype.bytes, product(storage.shape))
        case RunLoop():
            turns = _TURNS if step.length is None else step.length
            return mul(turns, _known_work((*step.condition, *step.steps), program))
        case RunBranch(_, _, _, parts):
            return add(0, *(_known_work(part, program) for part in parts))
        case _:
            return 0


# Of a loop that goes on until something holds: it may be long, so that others get to run meanwhile.
_TURNS = 1 << 24


def _known_work(steps: Sequence[Step], program: Program) -> Size:
    """Return the ticks of steps inside of a step, as far as they are known outside."""
    inside = {s.value for s in walk_steps(steps) if isinstance(s, BindValue)}
    each = [_work(step, program) for step in steps]
    return add(1, *(s for s in each if isinstance(s, int) or not s.atoms & inside))


class _Entry:
    """Writes the callable, part by part, in the order in which it runs."""

    def __init__(
        self,
        program: Program,
        form: Form,
        layout: at.Layout,
        called: Mapping[str, str],
        amounts: Sequence[tuple[Size, Size]],
    ) -> None:
        self.program, self.form, self.layout = program, form, layout
        # By the identity of a step that is measured: its meter, its bytes, its operations.
        self.meters: dict[int, tuple[int, Size, Size]] = {}
        for k, (step, amount) in enumerate(zip(walk_steps(program.steps), amounts, strict=False)):
            if not isinstance(step, BindValue | Require):
                self.meters.setdefault(id(step), (k + 1, *amount))
        # The function of each kernel, by the kernel's name.
        self.called = called
        self.w = Writer()
        self.allocas: list[str] = []
        self.variables = 0
        self.factor_pairs: dict[DType, tuple[str, str]] = {}
        self.known: dict[Dim, str] = {}
        self.pointer: dict[Buffer, str] = {}
        self.fresh_arrays: dict[Buffer, str] = {}
        self.size_checks: list[SizeCheck] = []
        self.requires: list[Require] = []
        self.to_free: list[str] = []
        self.checked: set[MultiplyMatrices] = set()
        self.host_calls: list[CallHost] = []
        self.turn = ""
        # Whether, at the present place, other Python threads may be running.
        self.away = False
        self.work = [_work(step, program) for step in program.steps]
        whole = add(0, *self.work)
        # LAPACK of OpenBLAS hangs when it runs twice at the same time: the GIL keeps calls apart.
        every = list(walk_steps(program.steps))
        alone = any(isinstance(step, RunKernel) and _calls_lapack(step) for step in every)
        self.calls_host = any(isinstance(step, CallHost) for step in every)
        # How many loops are around the present place.
        self.depth = 0
        self.leaves = not alone and (not isinstance(whole, int) or whole >= _LONG)
        # Memory of shared variables that is written while inputs may still be read.
        self.written = [
            buffer
            for buffer, storage in program.storage.items()
            if storage.space is Space.SHARED
            and storage.position in program.updated
            and storage.position not in program.renewed
        ]

    def emit(self) -> None:
        """Write everything."""
        w = self.w
        # Where the arguments are, once they have been converted.
        self.given = "null"
        self.result = self.alloca("ptr", "null")
        self.bound = self.alloca("ptr", "null")
        self.begun = self.now() if self.layout.meters else ""
        data = w.let(f"getelementptr i8, ptr %self, i64 {at.ARRAY_DATA}")
        self.words = w.let(f"load ptr, ptr {data}")
        self.by_space = {
            (s.space, s.position): b
            for b, s in self.program.storage.items()
            if s.space is not Space.ARENA
        }
        if self.leaves:
            self.python = self.alloca("ptr", "null")
        arrays = self.arguments()
        self.take_turn()
        self.shared_variables()
        self.inputs(arrays)
        self.constants()
        early = committed = False
        for k, step in enumerate(self.program.steps):
            if not early and not isinstance(step, BindValue | Require):
                self.arena()
                early = True
            if not committed and any(b in self.written for b in accesses(step)[1]):
                self.prepare(self.program.steps[k:])
                committed = True
            self.leave(k)
            for buffer in touched(step):
                self.allocate(buffer)
            self.step(step)
        self.prepare(())
        self.come_back()
        self.renew()
        self.give_back()
        self.endings()

    # -- other threads -----------------------------------------------------------------------

    def take_turn(self) -> None:
        """Wait until nobody else uses the shared variables; keep them while others may run."""
        count = len(self.program.shareds)
        if not count:
            return
        # Host code lets others run when it likes to.
        keeps = self.leaves or self.calls_host
        table = self.word_place(self.layout.first_turn)
        self.call("void", "agnesi_claim", f"ptr {table}", f"i64 {count}", f"i64 {int(keeps)}")
        if keeps:
            self.turn = self.alloca("i1", "false")
            self.w.line(f"store i1 true, ptr {self.turn}")

    def end_turn(self) -> None:
        """Let others have the shared variables, if this call has got as far as to have them."""
        if self.turn:
            w = self.w
            has, out = w.label("has"), w.label("out")
            w.branch(w.let(f"load i1, ptr {self.turn}"), has, out)
            w.start(has)
            table = self.word_place(self.layout.first_turn)
            count = len(self.program.shareds)
            self.call("void", "agnesi_end", f"ptr {table}", f"i64 {count}")
            w.jump(out)
            w.start(out)

    def leave(self, k: int) -> None:
        """Let other Python threads run during the steps from here on, if they take long.

        Up to where Python is needed: for host code, or to make an array of a size not known yet.
        """
        step = self.program.steps[k]
        if self.away or not self.leaves or not _is_long(step):
            return
        following = self.program.steps[k:]
        for each in following:
            if not _is_long(each) and not isinstance(each, Copy | Clear):
                break
            for buffer in touched(each):
                if self.is_ready(product(self.program.storage[buffer].shape)):
                    self.allocate(buffer)
        amount: Size = 0
        for each, own in zip(following, self.work[k:], strict=True):
            if _calls_host(each) or any(self.is_new_array(b) for b in touched(each)):
                break
            if self.is_ready(own):
                amount = add(amount, own)
        if isinstance(amount, int) and amount < _LONG:
            return
        self.away = True
        if isinstance(amount, int):
            self.go()
            return
        w = self.w
        go, stay = w.label("go"), w.label("stay")
        w.branch(w.let(f"icmp sge i64 {w.size(amount, self.known)}, {_LONG}"), go, stay)
        w.start(go)
        self.go()
        w.jump(stay)
        w.start(stay)

    def is_ready(self, size: Size) -> bool:
        """Whether the number of a size is known here."""
        if isinstance(size, int):
            return True
        return all(a in self.known for a in size.atoms if isinstance(a, Symbol | Value))

    def is_new_array(self, buffer: Buffer) -> bool:
        """Whether an array has yet to be made for a buffer."""
        made = self.program.storage[buffer].space in (Space.OUTPUT, Space.RENEWED)
        return made and buffer not in self.pointer

    def go(self) -> None:
        """Give the GIL away."""
        state = self.call("ptr", "agnesi_leave")
        self.w.line(f"store ptr {state}, ptr {self.python}")

    def come_back(self) -> None:
        """Get the GIL back, if it was given away."""
        if self.away:
            self.away = False
            self.restore()

    def restore(self) -> None:
        """Write code that gets the GIL back, if it was given away."""
        w = self.w
        state = w.let(f"load ptr, ptr {self.python}")
        back, here = w.label("back"), w.label("here")
        w.branch(self.is_null(state), here, back)
        w.start(back)
        w.line(f"store ptr null, ptr {self.python}")
        self.call("void", "agnesi_return", f"ptr {state}")
        w.jump(here)
        w.start(here)

    # -- small things ------------------------------------------------------------------------

    def alloca(self, kind: str, initial: str | None = None, count: int = 1) -> str:
        """Return the address of a variable of the function."""
        self.variables += 1
        name = f"%a{self.variables}"
        many = f", i64 {count}" if count > 1 else ""
        self.allocas.append(f"  {name} = alloca {kind}{many}")
        if initial is not None:
            self.allocas.append(f"  store {kind} {initial}, ptr {name}")
        return name

    def field(self, base: str, offset: int, kind: str) -> str:
        """Load a field of a structure."""
        place = self.w.let(f"getelementptr i8, ptr {base}, i64 {offset}")
        return self.w.let(f"load {kind}, ptr {place}")

    def word_place(self, index: int) -> str:
        """Return the address of a word behind ``self``."""
        return self.w.let(f"getelementptr i64, ptr {self.words}, i64 {index}")

    def word(self, index: int, kind: str = "ptr") -> str:
        """Load a word behind ``self``."""
        return self.w.let(f"load {kind}, ptr {self.word_place(index)}")

    def call(self, result: str, name: str, *arguments: str, variadic: bool = False) -> str:
        """Call an external function on ``"type value"`` arguments."""
        kinds = [a.split(" ", 1)[0] for a in arguments]
        self.w.declare(f"{result} @{name}({', '.join(['ptr', '...'] if variadic else kinds)})")
        signature = f"{result} (ptr, ...)" if variadic else result
        text = f"call {signature} @{name}({', '.join(arguments)})"
        if result == "void":
            self.w.line(text)
            return ""
        return self.w.let(text)

    def unless(self, condition: str, code: int, a: str = "0", b: str = "0") -> None:
        """Fail with a code and two numbers unless the condition holds."""
        w = self.w
        good, bad = w.label("ok"), w.label("bad")
        w.branch(condition, good, bad)
        w.start(bad)
        self.fail(code, a, b)
        w.start(good)

    def fail(self, code: int, a: str = "0", b: str = "0") -> None:
        """Have the callback raise the exception, and leave."""
        if self.away:
            self.restore()
        self.w.declare("ptr @PyLong_FromLongLong(i64)")
        self.w.declare("ptr @PyObject_CallFunctionObjArgs(ptr, ...)")
        self.w.declare("void @Py_DecRef(ptr)")
        self.w.declared.setdefault(FAIL)
        self.w.line(
            f"call void @agnesi_fail(ptr {self.word(at.FAIL)}, i64 {code}, i64 {a}, i64 {b}, "
            f"ptr {self.given})"
        )
        self.w.jump("failed")

    def is_null(self, register: str) -> str:
        """Compare a pointer with null."""
        return self.w.let(f"icmp eq ptr {register}, null")

    def must(self, register: str) -> None:
        """Leave with the exception that is set if this pointer is null."""
        good = self.w.label("ok")
        self.w.branch(self.is_null(register), "failed", good)
        self.w.start(good)

    # -- arguments ---------------------------------------------------------------------------

    def arguments(self) -> list[str]:
        """Find the arrays of the inputs; let the callback convert what does not fit as it is."""
        w = self.w
        inputs = self.program.inputs
        w.jump("begin")
        w.start("begin")
        right = w.let(f"icmp eq i64 %nargs, {len(inputs)}")
        plain = self.is_null("%kwnames")
        w.branch(w.let(f"and i1 {right}, {plain}"), "check", "arrange")
        w.start("arrange")
        arranged = self.alloca("ptr", None, max(len(inputs), 1))
        found = self.call(
            "i1", "agnesi_arrange", "ptr %args", "i64 %nargs", "ptr %kwnames",
            f"ptr {self.word(at.NAMES)}", f"i64 {len(inputs)}", f"ptr {arranged}",
        )  # fmt: skip
        w.branch(found, "check", "convert")
        w.start("convert")
        old = w.let(f"load ptr, ptr {self.bound}")
        once = w.label("once")
        again = w.label("again")
        w.branch(self.is_null(old), once, again)
        w.start(again)
        self.fail(at.NOT_BOUND)
        w.start(once)
        converter = self.word(at.BIND)
        made = self.call(
            "ptr", "PyObject_Vectorcall",
            f"ptr {converter}", "ptr %args", "i64 %nargs", "ptr %kwnames",
        )  # fmt: skip
        w.line(f"store ptr {made}, ptr {self.bound}")
        self.must(made)
        items = w.let(f"getelementptr i8, ptr {made}, i64 {at.TUPLE_ITEMS}")
        from_tuple = w.block
        w.jump("check")
        w.start("check")
        given = w.let(
            f"phi ptr [ %args, %begin ], [ {arranged}, %arrange ], [ {items}, %{from_tuple} ]"
        )
        self.given = given
        array_type = self.word(at.ARRAY_TYPE) if inputs else ""
        arrays = [self.argument(k, leaf, given, array_type) for k, leaf in enumerate(inputs)]
        for k, (leaf, array) in enumerate(zip(inputs, arrays, strict=True)):
            if leaf.ndim:
                dims = self.field(array, at.ARRAY_DIMS, "ptr")
                self.learn(leaf, dims)
                self.told(k, leaf, dims)
        return arrays

    def told(self, k: int, leaf: Leaf, dims: str) -> None:
        """Check the sizes that the program tells, with the words of what needs them."""
        for axis, size in enumerate(leaf.type.shape):
            require = self.program.told.get((k, axis))
            if require is not None:
                actual = self.field(dims, 8 * axis, "i64")
                a, b = (
                    str(size) if isinstance(s, int) else actual
                    for s in (require.need.a, require.need.b)
                )
                holds = self.w.let(f"icmp eq i64 {a}, {b}")
                self.unless(holds, at.REQUIREMENT + len(self.requires), a, b)
                self.requires.append(require)

    def inputs(self, arrays: list[str]) -> None:
        """Find the data of the inputs, in C order and apart from what will be written."""
        for k, (leaf, array) in enumerate(zip(self.program.inputs, arrays, strict=True)):
            data = self.contiguous(array, leaf) if leaf.ndim else array
            self.pointer[self.by_space[Space.INPUT, k]] = data

    def argument(self, k: int, leaf: Leaf, given: str, array_type: str) -> str:
        """Check one argument's class, rank, dtype, byte order and known sizes.

        Returns:
            The array, or where the value of a scalar has been copied to.
        """
        w = self.w
        place = w.let(f"getelementptr ptr, ptr {given}, i64 {k}")
        array = w.let(f"load ptr, ptr {place}")
        kind = self.field(array, at.OBJECT_TYPE, "ptr")
        is_array = w.let(f"icmp eq ptr {kind}, {array_type}")
        if not leaf.ndim:
            return self.scalar(leaf, array, is_array)
        self.or_convert(is_array)
        self.holds(leaf, array)
        declared = [
            (axis, size)
            for axis, size in enumerate(leaf.type.shape)
            if isinstance(size, int) and (k, axis) not in self.program.told
        ]
        if declared:
            dims = self.field(array, at.ARRAY_DIMS, "ptr")
            for axis, size in declared:
                actual = self.field(dims, 8 * axis, "i64")
                self.or_convert(w.let(f"icmp eq i64 {actual}, {size}"))
        return array

    def holds(self, leaf: Leaf, array: str) -> None:
        """Check an array's rank, dtype and byte order."""
        w = self.w
        ndim = self.field(array, at.ARRAY_NDIM, "i32")
        self.or_convert(w.let(f"icmp eq i32 {ndim}, {leaf.ndim}"))
        descr = self.field(array, at.ARRAY_DESCR, "ptr")
        number = self.field(descr, at.DESCR_TYPE_NUMBER, "i32")
        same = [w.let(f"icmp eq i32 {number}, {n}") for n in type_numbers(leaf.dtype)]
        fits = same[0] if len(same) == 1 else w.let(f"or i1 {same[0]}, {same[1]}")
        self.or_convert(fits)
        order = self.field(descr, at.DESCR_BYTEORDER, "i8")
        self.or_convert(w.let(f"icmp ne i8 {order}, {ord('>')}"))

    def scalar(self, leaf: Leaf, value: str, is_array: str) -> str:
        """Copy the value of an array, a NumPy scalar or a Python number; return where to."""
        w = self.w
        data, kind = self.alloca("i64", None, 2), memory_type(leaf.dtype.real)
        array, other, ready = w.label("array"), w.label("other"), w.label("ready")
        w.branch(is_array, array, other)
        w.start(array)
        self.holds(leaf, value)
        # Copied, whatever its alignment and whatever else shares its memory.
        given = self.field(value, at.ARRAY_DATA, "ptr")
        for part in range(2 if leaf.dtype.is_complex else 1):
            source, target = (
                w.let(f"getelementptr {kind}, ptr {p}, i64 {part}") for p in (given, data)
            )
            number = w.let(f"load {kind}, ptr {source}, align 1")
            w.line(f"store {kind} {number}, ptr {target}")
        w.jump(ready)
        w.start(other)
        w.declared.setdefault(f"@numpy_{leaf.dtype}_scalar = external global i8")
        done = self.call(
            "i1", "agnesi_scalar", f"ptr {value}", f"ptr {data}", f"ptr @numpy_{leaf.dtype}_scalar",
            f"i32 {family(leaf.dtype)}", f"i32 {leaf.dtype.bits}",
        )  # fmt: skip
        self.or_convert(done)
        w.jump(ready)
        w.start(ready)
        return data

    def or_convert(self, condition: str) -> None:
        """Go to the converting callback unless the condition holds."""
        good = self.w.label("ok")
        self.w.branch(condition, good, "convert")
        self.w.start(good)

    def learn(self, leaf: Leaf, dims: str) -> None:
        """Bind the sizes that a shape tells, or check them against what is known."""
        for axis, size in enumerate(leaf.type.shape):
            if isinstance(size, int):
                continue
            actual = self.field(dims, 8 * axis, "i64")
            if isinstance(size, Symbol) and size not in self.known:
                self.known[size] = actual
                continue
            expected = self.w.size(size, self.known)
            same = self.w.let(f"icmp eq i64 {actual}, {expected}")
            self.unless(same, at.SIZES + len(self.size_checks), actual, expected)
            self.size_checks.append(SizeCheck(leaf, axis, size))

    def contiguous(self, array: str, leaf: Leaf) -> str:
        """Return the data of an array in C order, copied if it is not or will be written over."""
        w = self.w
        dims = self.field(array, at.ARRAY_DIMS, "ptr")
        copy = self.alloca("ptr", "null")
        self.to_free.append(copy)
        flags = self.field(array, at.ARRAY_FLAGS, "i32")
        wanted = at.C_CONTIGUOUS | at.ALIGNED
        masked = w.let(f"and i32 {flags}, {wanted}")
        data = self.field(array, at.ARRAY_DATA, "ptr")
        usable = w.let(f"icmp eq i32 {masked}, {wanted}")
        apart = self.apart(data, leaf)
        for other in apart:
            usable = w.let(f"and i1 {usable}, {other}")
        before = w.block
        strided, ready = w.label("strided"), w.label("ready")
        w.branch(usable, ready, strided)
        w.start(strided)
        strides = self.field(array, at.ARRAY_STRIDES, "ptr")
        made = self.call(
            "ptr", "agnesi_contiguous",
            f"ptr {data}", f"i64 {leaf.ndim}", f"ptr {dims}", f"ptr {strides}",
            f"i64 {leaf.dtype.bytes}",
        )  # fmt: skip
        w.line(f"store ptr {made}, ptr {copy}")
        self.unless(w.let(f"icmp ne ptr {made}, null"), at.OUT_OF_MEMORY)
        after = w.block
        w.jump(ready)
        w.start(ready)
        return w.let(f"phi ptr [ {data}, %{before} ], [ {made}, %{after} ]")

    def apart(self, data: str, leaf: Leaf) -> list[str]:
        """Return whether an array in C order shares no memory with what is written, one by one."""
        w = self.w
        if not self.written:
            return []
        count = w.size(product(leaf.type.shape), self.known)
        start = w.let(f"ptrtoint ptr {data} to i64")
        end = w.let(f"add i64 {start}, {w.let(f'mul i64 {count}, {leaf.dtype.bytes}')}")
        result: list[str] = []
        for buffer in self.written:
            storage = self.program.storage[buffer]
            size = w.size(mul(product(storage.shape), storage.dtype.bytes), self.known)
            own = w.let(f"ptrtoint ptr {self.pointer[buffer]} to i64")
            below = w.let(f"icmp ule i64 {end}, {own}")
            above = w.let(f"icmp uge i64 {start}, {w.let(f'add i64 {own}, {size}')}")
            result.append(w.let(f"or i1 {below}, {above}"))
        return result

    def shared_variables(self) -> None:
        """Find the arrays of the shared variables; they are in C order."""
        for k, leaf in enumerate(self.program.shareds):
            cell = self.word(self.layout.first_shared + k)
            array = self.w.let(f"load ptr, ptr {cell}")
            buffer = self.by_space[Space.SHARED, k]
            self.pointer[buffer] = self.field(array, at.ARRAY_DATA, "ptr")
            if any(not isinstance(s, int) for s in leaf.type.shape):
                self.learn(leaf, self.field(array, at.ARRAY_DIMS, "ptr"))

    def constants(self) -> None:
        """Find the constants."""
        for k in range(len(self.program.constants)):
            buffer = self.by_space[Space.CONSTANT, k]
            self.pointer[buffer] = self.word(self.layout.first_constant + k)

    # -- memory ------------------------------------------------------------------------------

    def arena(self) -> None:
        """Make the arena large enough; a call inside a call gets one of its own."""
        w = self.w
        if not self.program.slots:
            return
        offsets: list[str] = []
        total = "0"
        for size in self.program.slots:
            offsets.append(total)
            self.sane(size)
            bytes_ = w.size(size, self.known)
            padded = w.let(f"and i64 {w.let(f'add i64 {bytes_}, 63')}, -64")
            total = w.let(f"add i64 {total}, {padded}")
        self.own_arena = self.alloca("ptr", "null")
        self.claimed = self.alloca("i64", "0")
        self.to_free.append(self.own_arena)
        busy = w.let(f"icmp ne i64 {self.word(at.BUSY, 'i64')}, 0")
        private, common, grow, have = (w.label(x) for x in ("private", "common", "grow", "have"))
        w.branch(busy, private, common)
        w.start(private)
        single = self.call("ptr", "agnesi_take", f"i64 {total}", "i64 1")
        w.line(f"store ptr {single}, ptr {self.own_arena}")
        self.unless(w.let(f"icmp ne ptr {single}, null"), at.OUT_OF_MEMORY)
        from_private = w.block
        w.jump(have)
        w.start(common)
        w.line(f"store i64 1, ptr {self.word_place(at.BUSY)}")
        w.line(f"store i64 1, ptr {self.claimed}")
        kept = self.word(at.ARENA)
        enough = w.let(f"icmp ule i64 {total}, {self.word(at.ARENA_BYTES, 'i64')}")
        from_common = w.block
        w.branch(enough, have, grow)
        w.start(grow)
        self.call("void", "agnesi_give", f"ptr {kept}")
        w.line(f"store i64 0, ptr {self.word_place(at.ARENA_BYTES)}")
        larger = self.call("ptr", "agnesi_take", f"i64 {total}", "i64 1")
        w.line(f"store ptr {larger}, ptr {self.word_place(at.ARENA)}")
        self.unless(w.let(f"icmp ne ptr {larger}, null"), at.OUT_OF_MEMORY)
        w.line(f"store i64 {total}, ptr {self.word_place(at.ARENA_BYTES)}")
        from_grow = w.block
        w.jump(have)
        w.start(have)
        sources = [(single, from_private), (kept, from_common), (larger, from_grow)]
        base = w.let("phi ptr " + ", ".join(f"[ {v}, %{b} ]" for v, b in sources))
        for buffer, storage in self.program.storage.items():
            if storage.space is Space.ARENA and storage.position >= 0:
                offset = offsets[storage.position]
                self.pointer[buffer] = w.let(f"getelementptr i8, ptr {base}, i64 {offset}")

    def sane(self, size: Size) -> None:
        """Fail unless a number of bytes, also as it was before 64 bits cut it, is one to ask for."""  # noqa: E501
        w = self.w
        if isinstance(size, int):
            return
        total = "0.0"
        for monomial, factor in terms_of(size).items():
            product_ = f"{factor}.0"
            for atom in monomial:
                number = w.let(f"sitofp i64 {w.size(atom, self.known)} to double")
                product_ = w.let(f"fmul double {product_}, {number}")
            total = w.let(f"fadd double {total}, {product_}")
        self.unless(w.let(f"fcmp olt double {total}, {float(_MOST_BYTES)}"), at.OUT_OF_MEMORY)

    def prepare(self, steps: Sequence[Step]) -> None:
        """Do what can fail in these steps and in returning: nothing can once these have begun."""
        for step in steps:
            for buffer in touched(step):
                self.allocate(buffer)
        self.check_ready(steps)
        for buffer in (*self.program.outputs, *self.program.renewed.values()):
            self.allocate(buffer)

    def allocate(self, buffer: Buffer) -> None:
        """Make sure that a buffer has memory."""
        if buffer in self.pointer:
            return
        storage = self.program.storage[buffer]
        w = self.w
        if storage.space is Space.LATE:
            if self.is_ready(product(storage.shape)):
                self.take(buffer)
            return
        if storage.space not in (Space.OUTPUT, Space.RENEWED):
            raise CompilerBug(f"buffer {buffer!r} of {storage} has no memory")
        self.come_back()
        ndim, count = len(storage.shape), product(storage.shape)
        if all(count != product(leaf.type.shape) for leaf in self.program.inputs):
            # As many elements as an argument has there may be.
            self.sane(mul(count, storage.dtype.bytes))
        dims = self.alloca("i64", None, max(ndim, 1))
        for axis, size in enumerate(storage.shape):
            place = w.let(f"getelementptr i64, ptr {dims}, i64 {axis}")
            w.line(f"store i64 {w.size(size, self.known)}, ptr {place}")
        slot = self.alloca("ptr", "null")
        maker = self.maker(mul(count, storage.dtype.bytes))
        array = w.let(
            f"call ptr {maker}(ptr {self.word(at.ARRAY_TYPE)}, i32 {ndim}, ptr {dims}, "
            f"i32 {type_numbers(storage.dtype)[0]}, ptr null, ptr null, "
            f"i32 {storage.dtype.bytes}, i32 0, ptr null)"
        )
        w.line(f"store ptr {array}, ptr {slot}")
        self.fresh_arrays[buffer] = slot
        self.must(array)
        self.pointer[buffer] = self.field(array, at.ARRAY_DATA, "ptr")

    def take(self, buffer: Buffer) -> None:
        """Get memory of a size that is known by now; in a loop, only if there is not enough yet."""
        w, storage = self.w, self.program.storage[buffer]
        size = mul(product(storage.shape), storage.dtype.bytes)
        self.sane(size)
        bytes_ = w.size(size, self.known)
        slot = self.alloca("ptr", "null")
        self.to_free.append(slot)
        more, enough = w.label("more"), w.label("enough")
        if self.depth:
            had = self.alloca("i64", "-1")
            w.branch(w.let(f"icmp slt i64 {w.let(f'load i64, ptr {had}')}, {bytes_}"), more, enough)
            w.start(more)
            self.call("void", "agnesi_give", f"ptr {w.let(f'load ptr, ptr {slot}')}")
            w.line(f"store i64 {bytes_}, ptr {had}")
        made = self.call("ptr", "agnesi_take", f"i64 {bytes_}", "i64 1")
        w.line(f"store ptr {made}, ptr {slot}")
        self.unless(w.let(f"icmp ne ptr {made}, null"), at.OUT_OF_MEMORY)
        if self.depth:
            w.jump(enough)
            w.start(enough)
            made = w.let(f"load ptr, ptr {slot}")
        self.pointer[buffer] = made

    def maker(self, size: Size) -> str:
        """Return the function that makes an array of so many bytes."""
        small, large = "@numpy_PyArray_New", "@agnesi_new_array"
        if isinstance(size, int):
            chosen = large if size >= at.LARGE else small
        else:
            big = self.w.let(f"icmp uge i64 {self.w.size(size, self.known)}, {at.LARGE}")
            chosen = self.w.let(f"select i1 {big}, ptr {large}, ptr {small}")
        for name in (small, large):
            self.w.declare(f"ptr {name}(ptr, i32, ptr, i32, ptr, ptr, i32, i32, ptr)")
        return chosen

    # -- steps -------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Write one step, and what measures it."""
        meter = self.meters.get(id(step))
        if meter is None:
            self.write(step)
            return
        begun = self.now()
        self.write(step)
        which, *amounts = meter
        self.measure(which, begun, [s if self.is_ready(s) else 0 for s in amounts])

    def now(self) -> str:
        """Return the time in nanoseconds."""
        self.w.declared.setdefault(NOW)
        return self.w.let("call i64 @agnesi_now()")

    def measure(self, meter: int, begun: str, amounts: Sequence[Size], counts: str = "1") -> None:
        """Add to a meter what has been done since a time; nothing where ``counts`` is 0."""
        w = self.w
        spent = w.let(f"mul i64 {w.let(f'sub i64 {self.now()}, {begun}')}, {counts}")
        numbers = [counts, spent, *(w.size(s, self.known) for s in amounts)]
        for k, number in enumerate(numbers):
            if number != "0":
                place = self.word_place(self.layout.first_meter + at.METER * meter + k)
                # Calls in several threads may be here at once.
                w.line(f"atomicrmw add ptr {place}, i64 {number} monotonic")

    def write(self, step: Step) -> None:
        """Write one step."""
        w = self.w
        match step:
            case RunKernel(kernel=kernel):
                pointers = [f"ptr {self.pointer[b]}" for b in kernel.buffers]
                sizes = [f"i64 {w.size(s, self.known)}" for s in kernel.sizes]
                name = self.called[kernel.name]
                kinds = ", ".join(["ptr"] * len(pointers) + ["i64"] * len(sizes))
                w.declare(f"void @{name}({kinds})")
                w.line(f"call void @{name}({', '.join(pointers + sizes)})")
            case MultiplyMatrices():
                self.multiply(step)
            case CallHost():
                self.call_host(step)
            case BindValue(value, buffer):
                register = w.let(f"load {memory_type(buffer.element)}, ptr {self.pointer[buffer]}")
                number = cast(w, register, buffer.element, I64)
                if buffer.element is U64:
                    # What 63 bits do not hold is out of bounds of everything, as their most is.
                    huge = w.let(f"icmp slt i64 {number}, 0")
                    number = w.let(f"select i1 {huge}, i64 {2**63 - 1}, i64 {number}")
                self.known[value] = number
            case Require():
                self.require(step)
            case Copy(source, target):
                bytes_ = self.bytes_in(target)
                w.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
                w.line(
                    f"call void @llvm.memcpy.p0.p0.i64(ptr {self.pointer[target]}, "
                    f"ptr {self.pointer[source]}, i64 {bytes_}, i1 false)"
                )
            case Clear(target):
                bytes_ = self.bytes_in(target)
                w.declare("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
                w.line(
                    f"call void @llvm.memset.p0.i64(ptr {self.pointer[target]}, i8 0, "
                    f"i64 {bytes_}, i1 false)"
                )
            case RunLoop():
                self.loop(step)
            case RunBranch():
                self.choose(step)

    def bytes_in(self, buffer: Buffer) -> str:
        """Return the bytes of a buffer."""
        storage = self.program.storage[buffer]
        count = self.w.size(product(storage.shape), self.known)
        return self.w.let(f"mul i64 {count}, {storage.dtype.bytes}")

    def inside(self, steps: Sequence[Step]) -> None:
        """Write steps that are inside of one."""
        for step in steps:
            for buffer in touched(step):
                self.allocate(buffer)
            self.step(step)

    def ahead(self, step: RunLoop | RunBranch) -> None:
        """Do what steps inside may need just once, where they run again and again or not at all."""
        if _calls_host(step):
            self.come_back()
        self.check_ready([step])
        for each in walk_steps([step]):
            for size in each.kernel.sizes if isinstance(each, RunKernel) else ():
                if self.is_ready(size):
                    self.w.size(size, self.known)

    def loop(self, loop: RunLoop) -> None:
        """Write a loop: its views are pointers that are carried from turn to turn."""
        self.ahead(loop)
        w = self.w
        length = None if loop.length is None else w.size(loop.length, self.known)
        strides = [self.bytes_between(row) for row in loop.rows]
        starts = [
            self.row_start(row, length if loop.reverse else None, s)
            for row, s in zip(loop.rows, strides, strict=True)
        ]
        known, pointer, checked = dict(self.known), dict(self.pointer), set(self.checked)
        head, turn, out = w.label("loop"), w.label("turn"), w.label("out")
        if loop.first and length is not None:
            some, none = w.label("some"), w.label("none")
            w.branch(w.let(f"icmp sgt i64 {length}, 0"), some, none)
            w.start(some)
            self.inside(loop.first)
            w.jump(none)
            w.start(none)
            # Nothing that was computed on this way alone is known.
            self.known = dict(known)
        moving = [w.fresh() for _ in loop.carried]
        firsts = [self.pointer[c.first] for c in loop.carried]
        done, more = w.fresh(), w.fresh()
        before = w.block
        w.jump(head)
        w.start(head)
        place = len(w.lines)
        self.depth += 1
        for each, register in zip(loop.carried, moving, strict=True):
            self.pointer[each.buffer] = register
        reach = w.label("reach")
        if length is not None:
            w.branch(w.let(f"icmp slt i64 {done}, {length}"), reach, out)
        else:
            w.jump(reach)
        w.start(reach)
        self.number(loop, done, length)
        self.inside(loop.condition)
        if loop.go is not None:
            byte = w.let(f"load i8, ptr {self.pointer[loop.go]}")
            w.branch(w.let(f"icmp ne i8 {byte}, 0"), turn, out)
        else:
            w.jump(turn)
        w.start(turn)
        for row, start, stride in zip(loop.rows, starts, strides, strict=True):
            offset = w.let(f"mul i64 {done}, {stride}")
            if loop.reverse:
                offset = w.let(f"sub i64 0, {offset}")
            self.pointer[row.buffer] = w.let(f"getelementptr i8, ptr {start}, i64 {offset}")
        self.inside(loop.steps)
        w.line(f"{more} = add nuw nsw i64 {done}, 1")
        phis = [f"{done} = phi i64 [ 0, %{before} ], [ {more}, %{w.block} ]"]
        for each, register, first in zip(loop.carried, moving, firsts, strict=True):
            then = self.pointer[each.then]
            phis.append(f"{register} = phi ptr [ {first}, %{before} ], [ {then}, %{w.block} ]")
        w.lines[place:place] = [f"  {phi}" for phi in phis]
        w.jump(head)
        w.start(out)
        self.depth -= 1
        views = dict(zip((c.buffer for c in loop.carried), moving, strict=True))
        self.known, self.pointer, self.checked = known, pointer | views, checked
        if loop.done is not None:
            w.line(f"store i64 {done}, ptr {self.pointer[loop.done]}")
        self.inside(loop.last)

    def number(self, loop: RunLoop, done: str, length: str | None) -> None:
        """Write the number of the step where it is read."""
        if loop.number is None:
            return
        w, register = self.w, done
        if loop.reverse and length is not None:
            register = w.let(f"sub i64 {w.let(f'add i64 {length}, -1')}, {done}")
        w.line(f"store i64 {register}, ptr {self.pointer[loop.number]}")

    def bytes_between(self, row: Row) -> str:
        """Return the bytes from a row to the next."""
        size = mul(row.stride, row.buffer.element.bytes)
        return self.w.size(size, self.known)

    def row_start(self, row: Row, length: str | None, stride: str) -> str:
        """Return the place of the row of the first step; ``length`` counts back from the last."""
        w = self.w
        offset = w.size(mul(row.start, row.buffer.element.bytes), self.known)
        if length is not None:
            last = w.let(f"mul i64 {w.let(f'add i64 {length}, -1')}, {stride}")
            offset = w.let(f"add i64 {offset}, {last}")
        return w.let(f"getelementptr i8, ptr {self.pointer[row.base]}, i64 {offset}")

    def choose(self, branch: RunBranch) -> None:
        """Write a choice between lists of steps."""
        self.ahead(branch)
        w = self.w
        if isinstance(branch.index, Buffer):
            number = w.let(f"load i64, ptr {self.pointer[branch.index]}")
        else:
            number = w.size(branch.index, self.known)
        low = w.intrinsic("i64", "llvm.smax.i64", f"i64 {number}", "i64 0")
        which = w.intrinsic("i64", "llvm.smin.i64", f"i64 {low}", f"i64 {len(branch.parts) - 1}")
        if branch.taken is not None:
            w.line(f"store i64 {which}, ptr {self.pointer[branch.taken]}")
        labels, after = [w.label("branch") for _ in branch.parts], w.label("join")
        cases = " ".join(f"i64 {k}, label %{label}" for k, label in enumerate(labels[1:], 1))
        w.line(f"switch i64 {which}, label %{labels[0]} [ {cases} ]")
        for label, part in zip(labels, branch.parts, strict=True):
            known, pointer, checked = dict(self.known), dict(self.pointer), set(self.checked)
            w.start(label)
            self.inside(part)
            w.jump(after)
            self.known, self.pointer, self.checked = known, pointer, checked
        w.start(after)

    def call_host(self, step: CallHost) -> None:
        """Give the callback the number of the call, then addresses and sizes of each array."""
        self.come_back()
        w = self.w
        numbers = [str(len(self.host_calls))]
        self.host_calls.append(step)
        tensors = (*step.node.operands, step.node)
        for buffer, tensor in zip((*step.operands, step.result), tensors, strict=True):
            numbers.append(w.let(f"ptrtoint ptr {self.pointer[buffer]} to i64"))
            numbers += [w.size(s, self.known) for s in tensor.type.shape]
        objects = [self.call("ptr", "PyLong_FromLongLong", f"i64 {n}") for n in numbers]
        arguments = [f"ptr {self.word(at.HOST)}", *(f"ptr {o}" for o in objects), "ptr null"]
        done = self.call("ptr", "PyObject_CallFunctionObjArgs", *arguments, variadic=True)
        for each in objects:
            self.call("void", "Py_DecRef", f"ptr {each}")
        self.must(done)
        self.call("void", "Py_DecRef", f"ptr {done}")

    def require(self, step: Require) -> None:
        """Check a requirement."""
        w = self.w
        a, b = w.size(step.need.a, self.known), w.size(step.need.b, self.known)
        match step.need.kind:
            case "equal":
                holds = w.let(f"icmp eq i64 {a}, {b}")
            case "at_most":
                holds = w.let(f"icmp sle i64 {a}, {b}")
            case "index":
                # As unsigned numbers, negative ones are beyond any size.
                holds = w.let(f"icmp ult i64 {a}, {b}")
            case "sound":
                holds = w.let(f"icmp eq i64 {a}, 0")
            case "divides":
                holds = w.let(f"icmp eq i64 {w.let(f'srem i64 {a}, {b}')}, 0")
        self.unless(holds, at.REQUIREMENT + len(self.requires), a, b)
        self.requires.append(step)

    def multiply(self, step: MultiplyMatrices) -> None:
        """Call BLAS for each matrix of the stack."""
        w = self.w
        dtype = self.program.storage[step.c].dtype
        m, n, k = (w.size(s, self.known) for s in (step.m, step.n, step.k))
        self.check_blas_sizes(step)
        batch = w.size(step.batch, self.known)
        strides = [self.bytes_of(dtype, x, y) for x, y in ((m, k), (k, n), (m, n))]
        if step.batch == 1:
            self.one_product(step, "0", (m, n, k), strides)
            return
        head, body, after = w.label("head"), w.label("body"), w.label("after")
        before = w.block
        counter, following = w.fresh(), w.fresh()
        w.jump(head)
        w.start(head)
        position = len(w.lines)
        w.branch(w.let(f"icmp slt i64 {counter}, {batch}"), body, after)
        w.start(body)
        self.one_product(step, counter, (m, n, k), strides)
        w.line(f"{following} = add nuw nsw i64 {counter}, 1")
        w.lines.insert(
            position, f"  {counter} = phi i64 [ 0, %{before} ], [ {following}, %{w.block} ]"
        )
        w.jump(head)
        w.start(after)

    def check_ready(self, steps: Iterable[Step]) -> None:
        """Check what is known by now of what BLAS is going to multiply."""
        for each in walk_steps(steps):
            if isinstance(each, MultiplyMatrices) and all(
                self.is_ready(s) for s in (each.m, each.n, each.k)
            ):
                self.check_blas_sizes(each)

    def check_blas_sizes(self, step: MultiplyMatrices) -> None:
        """Fail, once, if BLAS cannot count that far."""
        if step in self.checked:
            return
        self.checked.add(step)
        for size in (step.m, step.n, step.k):
            if not isinstance(size, int):
                register = self.w.size(size, self.known)
                fits = self.w.let(f"icmp ule i64 {register}, 2147483647")
                self.unless(fits, at.TOO_LARGE, register)

    def bytes_of(self, dtype: DType, rows: str, columns: str) -> str:
        """Return the bytes of a matrix."""
        count = self.w.let(f"mul i64 {rows}, {columns}")
        return self.w.let(f"mul i64 {count}, {dtype.bytes}")

    def one_product(
        self, step: MultiplyMatrices, which: str, sizes: tuple[str, str, str], strides: list[str]
    ) -> None:
        """Call BLAS once; of no inner elements the product is 0."""
        w = self.w
        k = sizes[2]
        pointers: list[str] = []
        for buffer, stride in zip((step.a, step.b, step.c), strides, strict=True):
            offset = w.let(f"mul i64 {which}, {stride}") if which != "0" else "0"
            pointers.append(w.let(f"getelementptr i8, ptr {self.pointer[buffer]}, i64 {offset}"))
        a, b, c = pointers
        inner, empty, done = w.label("inner"), w.label("empty"), w.label("done")
        w.branch(w.let(f"icmp ne i64 {k}, 0"), inner, empty)
        w.start(empty)
        if step.adds:
            # BLAS scales what is there.
            w.jump(inner)
        else:
            w.declare("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
            w.line(f"call void @llvm.memset.p0.i64(ptr {c}, i8 0, i64 {strides[2]}, i1 false)")
            w.jump(done)
        w.start(inner)
        m32, n32, k32 = (w.let(f"trunc i64 {s} to i32") for s in sizes)
        one = self.at_least_one
        lda = one(m32 if step.transpose_a else k32)
        ldb = one(k32 if step.transpose_b else n32)
        letter, one_, zero = self.factors(self.program.storage[step.c].dtype)
        if step.adds or step.alpha != ONE:
            kind = self.program.storage[step.c].dtype
            one_, zero = (self.scale(f, kind) for f in (step.alpha, step.beta))
        self.call(
            "void", f"scipy_cblas_{letter}gemm",
            "i32 101", f"i32 {112 if step.transpose_a else 111}",
            f"i32 {112 if step.transpose_b else 111}",
            f"i32 {m32}", f"i32 {n32}", f"i32 {k32}", one_, f"ptr {a}", f"i32 {lda}",
            f"ptr {b}", f"i32 {ldb}", zero, f"ptr {c}", f"i32 {one(n32)}",
        )  # fmt: skip
        w.jump(done)
        w.start(done)

    def factors(self, dtype: DType) -> tuple[str, str, str]:
        """Return BLAS's letter for a dtype, and the arguments 1 and 0; complex ones by pointer."""
        t = value_type(dtype.real)
        if not dtype.is_complex:
            return ("d" if dtype is F64 else "s"), f"{t} 1.0", f"{t} 0.0"
        if dtype not in self.factor_pairs:
            self.factor_pairs[dtype] = tuple(self.alloca(t, None, 2) for _ in range(2))  # type: ignore[assignment]
            for place, number in zip(self.factor_pairs[dtype], ("1.0", "0.0"), strict=True):
                self.allocas.append(f"  store {t} {number}, ptr {place}")
                second = f"{place}i"
                self.allocas.append(f"  {second} = getelementptr {t}, ptr {place}, i64 1")
                self.allocas.append(f"  store {t} 0.0, ptr {second}")
        one, zero = self.factor_pairs[dtype]
        return ("z" if dtype is C128 else "c"), f"ptr {one}", f"ptr {zero}"

    def scale(self, scale: Scale, dtype: DType) -> str:
        """Return the argument of a factor."""
        t = value_type(dtype)
        number = literal(scale.number, dtype)
        register = literal_text(number) if isinstance(number, Literal) else ""
        for buffer in scale.scalars:
            value = self.w.let(f"load {t}, ptr {self.pointer[buffer]}")
            register = self.w.let(f"fmul {t} {register}, {value}")
        return f"{t} {register}"

    def at_least_one(self, register: str) -> str:
        """Return a leading dimension that BLAS accepts."""
        return self.w.intrinsic("i32", "llvm.smax.i32", f"i32 {register}", "i32 1")

    # -- result ------------------------------------------------------------------------------

    def renew(self) -> None:
        """Put fresh arrays into the cells of shared variables; drop the old ones."""
        for position, buffer in self.program.renewed.items():
            slot = self.fresh_arrays[buffer]
            cell = self.word(self.layout.first_shared + position)
            old = self.w.let(f"load ptr, ptr {cell}")
            array = self.w.let(f"load ptr, ptr {slot}")
            self.w.line(f"store ptr {array}, ptr {cell}")
            self.w.line(f"store ptr null, ptr {slot}")
            self.call("void", "Py_DecRef", f"ptr {old}")

    def give_back(self) -> None:
        """Build the result; outputs that go into it are no longer ours to drop."""
        w = self.w
        slots = [self.fresh_arrays[b] for b in self.program.outputs]
        if self.form == "one":
            array = w.let(f"load ptr, ptr {slots[0]}")
            w.line(f"store ptr {array}, ptr {self.result}")
            w.line(f"store ptr null, ptr {slots[0]}")
        elif self.form == "list":
            made = self.call("ptr", "PyList_New", f"i64 {len(slots)}")
            w.line(f"store ptr {made}, ptr {self.result}")
            self.must(made)
            for k, slot in enumerate(slots):
                array = w.let(f"load ptr, ptr {slot}")
                w.line(f"store ptr null, ptr {slot}")
                self.call("i32", "PyList_SetItem", f"ptr {made}", f"i64 {k}", f"ptr {array}")
        elif self.form == "dict":
            made = self.call("ptr", "PyDict_New")
            w.line(f"store ptr {made}, ptr {self.result}")
            self.must(made)
            for k, slot in enumerate(slots):
                array = w.let(f"load ptr, ptr {slot}")
                key = self.word(self.layout.first_key + k)
                bad = self.call(
                    "i32", "PyDict_SetItem", f"ptr {made}", f"ptr {key}", f"ptr {array}"
                )
                good = w.label("ok")
                w.branch(w.let(f"icmp eq i32 {bad}, 0"), good, "failed")
                w.start(good)
        else:
            w.declared.setdefault("@_Py_NoneStruct = external global i8")
            self.call("void", "Py_IncRef", "ptr @_Py_NoneStruct")
            w.line(f"store ptr @_Py_NoneStruct, ptr {self.result}")
        w.jump("leave")

    def endings(self) -> None:
        """Write the two ways out: with an exception, and with the result."""
        w = self.w
        w.start("failed")
        broken = w.let(f"load ptr, ptr {self.result}")
        self.drop(broken)
        w.line(f"store ptr null, ptr {self.result}")
        w.jump("leave")
        w.start("leave")
        self.end_turn()
        for slot in self.fresh_arrays.values():
            self.drop(w.let(f"load ptr, ptr {slot}"))
        for slot in self.to_free:
            self.call("void", "agnesi_give", f"ptr {w.let(f'load ptr, ptr {slot}')}")
        self.drop(w.let(f"load ptr, ptr {self.bound}"))
        if self.program.slots:
            claimed = w.let(f"load i64, ptr {self.claimed}")
            release, out = w.label("release"), w.label("out")
            w.branch(w.let(f"icmp ne i64 {claimed}, 0"), release, out)
            w.start(release)
            w.line(f"store i64 0, ptr {self.word_place(at.BUSY)}")
            w.jump(out)
            w.start(out)
        result = w.let(f"load ptr, ptr {self.result}")
        if self.layout.meters:
            whole = w.let(f"zext i1 {w.let(f'icmp ne ptr {result}, null')} to i64")
            self.measure(0, self.begun, (), whole)
        w.line(f"ret ptr {result}")

    def drop(self, register: str) -> None:
        """Give up a reference, if there is one."""
        self.call("void", "Py_DecRef", f"ptr {register}")


def _calls_host(step: Step) -> bool:
    """Whether a step, or one inside of it, is host code."""
    return any(isinstance(each, CallHost) for each in walk_steps([step]))


def _is_long(step: Step) -> bool:
    """Whether a step may take long without Python."""
    if isinstance(step, RunLoop | RunBranch):
        return not _calls_host(step)
    return isinstance(step, RunKernel | MultiplyMatrices)


def _calls_lapack(step: RunKernel) -> bool:
    """Whether a kernel calls a C function that may use several threads."""
    return any(isinstance(s, Foreign) for s in walk_statements(step.kernel.body))


# NumPy's type numbers; a 64-bit integer has two, since C has two such types.
_NUMBERS = {
    "bool": (0,), "i8": (1,), "u8": (2,), "i16": (3,), "u16": (4,), "i32": (5,), "u32": (6,),
    "i64": (7, 9), "u64": (8, 10), "f16": (23,), "f32": (11,), "f64": (12,),
    # That of bf16 is given when ml_dtypes registers it.
    "bf16": (BF16.numpy.num,), "c64": (14,), "c128": (15,),
}  # fmt: skip


def type_numbers(dtype: DType) -> tuple[int, ...]:
    """Return NumPy's numbers of a dtype, the one for new arrays first.

    Note: on Windows ``long`` has 32 bits, and these numbers differ; see ``docs/``.
    """
    return _NUMBERS[dtype.value]


def family(dtype: DType) -> int:
    """Return which Python numbers a scalar argument of a dtype may be without host code."""
    if dtype in (F32, F64):
        return at.FLOATS
    if dtype.is_integer:
        return at.SIGNED if dtype.is_signed else at.UNSIGNED
    return at.BOOLS if dtype is BOOL else at.NONE

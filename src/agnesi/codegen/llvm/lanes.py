"""Loops over vectors, written out: each instruction for one element becomes one for a vector.

LLVM's vectoriser and the passes that clean up after it take longer than choosing instructions does.
What ``vectors.vector_shape`` finds needs neither: elements that lie side by side are loaded,
computed and stored as a vector, several vectors at once where that pays.

before: for i < n: y[i] = x[i] * a
after:  for i < n - n % 32 by 32:  y[i:i+16], y[i+16:i+32] = x[i:i+16] * a, x[i+16:i+32] * a
        for i < n by 16:           y[i:i+16] = x[i:i+16] * a, where i:i+16 is less than n
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from agnesi.codegen.llvm.spell import spell
from agnesi.codegen.llvm.vectors import no_unrolling, slope_of
from agnesi.codegen.llvm.writer import Writer, memory_type, type_of, value_type
from agnesi.core.dtypes import BOOL
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import from_terms, mul, neg, sub, terms_of
from agnesi.dims.simplify import at_least, is_nonnegative
from agnesi.loops.nodes import (
    Apply,
    Call,
    FromIndex,
    Guard,
    Literal,
    Load,
    Read,
    Store,
    dynamic_scalars,
)
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import children_of, scalars_in, walk_scalars

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.codegen.llvm.vectors import VectorShape
    from agnesi.dims.dim import Dim, Index, Size
    from agnesi.loops.nodes import Buffer, For, Scalar

# A type, or a constant as an operand.
_WORD = re.compile(
    r"(?<![%\w.@])(?:(i1|i8|i16|i32|i64|float|double)(?![\w.])"
    r"|(0x[0-9A-F]+|-?[0-9]+(?:\.[0-9]+)?|true|false)(?=,|\)|$| to))"
)
# Places in a body that are more than registers hold.
_PLACES = 16
# The end of an intrinsic's name.
_SUFFIX = re.compile(r"\.([fi])([0-9]+)$")


class _Access(NamedTuple):
    """A vector is loaded or stored: ``register`` is the result, or what is stored.

    Its elements are ``apart``: 1 where they lie side by side.
    """

    loads: bool
    register: str
    kind: str
    bytes: int
    base: int
    further: int
    apart: int


# A line of the body, or an access.  Registers that every copy has are named ``%x``.
_Line: TypeAlias = "str | _Access"


class _Lifted(Writer):
    """Writes for vectors what it is told for elements; registers that it is given are vectors."""

    def __init__(self, lanes: int) -> None:
        super().__init__("x")
        self.lanes = lanes
        self.body: list[_Line] = []

    def let(self, text: str) -> str:
        """Append an instruction for all lanes."""
        return self.as_it_is(self.lifted(text))

    def as_it_is(self, text: str) -> str:
        """Append an instruction."""
        name = self.fresh()
        self.body.append(f"  {name} = {text}")
        return name

    def intrinsic(self, result: str, name: str, *arguments: str, flags: str = "") -> str:
        """Call the intrinsic for vectors."""
        wide = _SUFFIX.sub(rf".v{self.lanes}\1\2", name)
        # The flag of the absolute value is no vector.
        given = [a if name.startswith("llvm.abs") and a == "i1 false" else self.lifted(a)
                 for a in arguments]  # fmt: skip
        self.declare(f"{self.lifted(result)} @{wide}({', '.join(map(type_of, given))})")
        call = f"call {flags} " if flags else "call "
        return self.as_it_is(f"{call}{self.lifted(result)} @{wide}({', '.join(given)})")

    def lifted(self, text: str) -> str:
        """Return an instruction, or a type and an operand, for all lanes."""
        kind = ""

        def replaced(match: re.Match[str]) -> str:
            nonlocal kind
            if match[1]:
                kind = match[1]
                return f"<{self.lanes} x {kind}>"
            return f"splat ({kind} {match[2]})"

        return _WORD.sub(replaced, text)


def can_be_written_out(loop: For) -> bool:
    """Whether vectors at once do what elements one after the other do.

    Args:
        loop: that has a ``vector_shape``.
    """
    stores = [s for s in loop.body if isinstance(s, Store)]
    places: dict[Buffer, list[Size]] = {}
    for store in stores:
        others = places.setdefault(store.buffer, [])
        if store.offset not in others:
            others.append(store.offset)
    # Stretches of a buffer that do not meet may be written in any order.
    if not all(_all_apart(offsets, loop.index) for offsets in places.values()):
        return False
    varying = _varying(loop)
    for scalar in walk_scalars(s for store in stores for s in scalars_in(store)):
        if isinstance(scalar, Load) and scalar.buffer in places:
            if len(places[scalar.buffer]) > 1:
                return False
            ahead = sub(scalar.offset, places[scalar.buffer][0])
            # A single statement may read what later turns write: whole vectors are read before.
            if ahead != 0 and not (len(stores) == 1 and is_nonnegative(sub(ahead, 1))):
                return False
        # What is gathered, or numbers that are looked up.
        computed = isinstance(scalar, Load | FromIndex)
        if computed and any(varying(child) for child in children_of(scalar)):
            return False
    return not any(varying(s) for store in stores for s in dynamic_scalars(store.offset))


class Arms(NamedTuple):
    """What a loop does where a condition holds, and where it does not."""

    condition: Scalar
    loops: tuple[For, For]


def arms_of(loop: For) -> Arms | None:
    """Return the two loops that one of a single store is, if it asks the same in each turn.

    before: for i < n: y[i] = x[i] if c else 0
    after:  if c: for i < n: y[i] = x[i]
            else: for i < n: y[i] = 0
    """
    (store, *others) = loop.body
    if others or not isinstance(store, Store) or not isinstance(store.value, Guard):
        return None
    condition, *values = store.value.args
    asked = walk_scalars([condition])
    if any(isinstance(s, Load) and s.buffer is store.buffer for s in asked):
        return None
    if _varying(loop)(condition) or any(isinstance(s, Read | Call) for s in asked):
        return None
    first, second = (
        type(loop)(loop.index, (Store(store.buffer, store.offset, value),)) for value in values
    )
    return Arms(condition, (first, second))


def _all_apart(offsets: list[Size], index: Index) -> bool:
    """Whether the elements of all turns at some offsets are different ones."""
    first, *others = offsets
    distances = [0, *(sub(other, first) for other in others)]
    known = sorted(d for d in distances if isinstance(d, int))
    if len(known) == len(offsets):
        return all(at_least(b - a, index.extent) for a, b in itertools.pairwise(known))
    return all(_apart(a, b, index) for a, b in itertools.combinations(offsets, 2))


def _apart(offset: Size, other: Size, index: Index) -> bool:
    distance = sub(offset, other)
    return at_least(distance, index.extent) or at_least(neg(distance), index.extent)


class _Depends:
    """Tells which expressions depend on something, at any depth; remembers what it found."""

    def __init__(self, own: Callable[[Scalar], bool]) -> None:
        self.own = own
        self.known: dict[Scalar, bool] = {}

    def __call__(self, root: Scalar) -> bool:
        """Whether it or anything below it does."""
        known = self.known.get(root)
        if known is not None:
            return known
        stack = [root]
        while stack:
            node = stack[-1]
            children = children_of(node)
            waiting = [c for c in children if c not in self.known]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            self.known[node] = self.own(node) or any(self.known[c] for c in children)
        return self.known[root]


def _varying(loop: For) -> _Depends:
    """Tell which expressions have different values in the turns of a loop."""

    def own(node: Scalar) -> bool:
        match node:
            case Load(_, size) | FromIndex(size):
                return _mentions(size, loop.index)
            case _:
                return False

    return _Depends(own)


def _mentions(size: Size, index: Index) -> bool:
    return not isinstance(size, int) and index in size.atoms


class Outside(NamedTuple):
    """Writes what has one value for all of a loop.

    Attributes:
        scalar: returns the register of an expression.
        size: returns that of an integer.
        pointer: the register of each buffer.
    """

    scalar: Callable[[Scalar], str]
    size: Callable[[Size], str]
    pointer: dict[Buffer, str]


class VectorLoop:
    """Writes one loop.

    Args:
        w: where to.
        loop: that can be written out.
        shape: of its vectors.
        outside: writes what does not depend on the loop's index.
    """

    def __init__(self, w: Writer, loop: For, shape: VectorShape, outside: Outside) -> None:
        self.w, self.loop, self.shape, self.outside = w, loop, shape, outside
        self.v = _Lifted(shape.lanes)
        self.known: dict[Scalar, str] = {}
        self.varies = _varying(loop)
        self.bases: dict[tuple[Buffer, Size, int], int] = {}
        self.starts: list[tuple[str, str, int]] = []
        stored = {s.buffer for s in loop.body if isinstance(s, Store)}
        self.reads_stored = _Depends(lambda s: isinstance(s, Load) and s.buffer in stored)
        every = walk_scalars(s for statement in loop.body for s in scalars_in(statement))
        self.rereads = any(isinstance(s, Load) and s.buffer in stored for s in every)

    def emit(self, begin: str, end: str) -> None:
        """Write the loop from begin to end."""
        w, chunk = self.w, self.shape.chunk
        known = begin.isdecimal() and end.isdecimal()
        if known and int(begin) >= int(end):
            return
        after = w.label("after")
        if not known:
            some = w.label("some")
            w.branch(w.let(f"icmp slt i64 {begin}, {end}"), some, after)
            w.start(some)
        for statement in self.loop.body:
            if not isinstance(statement, Store):
                raise CompilerBug(f"no vectors of {statement!r}")
            self.store(statement)
        w.declared.update(self.v.declared)
        if known:
            whole = str(int(begin) + (int(end) - int(begin)) // chunk * chunk)
        else:
            count = end if begin == "0" else w.let(f"sub i64 {end}, {begin}")
            whole = w.let(f"and i64 {count}, {-chunk}")
            if begin != "0":
                whole = w.let(f"add nsw i64 {begin}, {whole}")
        if whole != begin:
            self.turns(begin, whole, self.shape.copies, masked=False)
        if whole != end:
            self.turns(whole, end, 1, masked=True)
        if not known:
            w.jump(after)
            w.start(after)

    # -- the body ----------------------------------------------------------------------------

    def store(self, store: Store) -> None:
        """Write one statement of the body."""
        value, element = self.vector(store.value), store.buffer.element
        if element is BOOL:
            value = self.v.let(f"zext i1 {value} to i8")
        self.access(store.buffer, store.offset, value)
        # What was loaded from there has changed.
        if self.rereads and store is not self.loop.body[-1]:
            self.known = {s: r for s, r in self.known.items() if not self.reads_stored(s)}

    def vector(self, root: Scalar) -> str:
        """Return the vector of an expression, computing what is not there yet."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.known:
                stack.pop()
                continue
            if not self.varies(node):
                self.known[node] = self.spread(node)
                continue
            waiting = [c for c in children_of(node) if c not in self.known]
            if waiting and isinstance(node, Apply):
                stack.extend(waiting[::-1])
                continue
            self.known[node] = self.compute(node)
        return self.known[root]

    def spread(self, node: Scalar) -> str:
        """Return the vector with one value in all lanes: a constant, or made before the loop."""
        register = self.outside.scalar(node)
        if isinstance(node, Literal):
            return register
        return splat(self.w, value_type(node.dtype), register, self.shape.lanes)

    def compute(self, node: Scalar) -> str:
        """Write one expression whose operands are there."""
        v = self.v
        match node:
            case Apply(prim, operands, to):
                kind = operands[1 if prim is Prim.SELECT else 0].dtype
                return spell(v, prim, [self.known[o] for o in operands], kind, to)
            case Load(buffer, offset):
                value = self.access(buffer, offset)
                return v.let(f"icmp ne i8 {value}, 0") if buffer.element is BOOL else value
            case FromIndex(size):
                return self.positions(size)
            case _:
                raise CompilerBug(f"no vectors of {node!r}")

    def positions(self, size: Size) -> str:
        """Return the vector of an integer that depends on the index."""
        v, lanes = self.v, self.shape.lanes
        place = v.as_it_is("add nsw i64 %i, #0#")
        one = v.as_it_is(f"insertelement <{lanes} x i64> poison, i64 {place}, i64 0")
        order = f"<{lanes} x i32> zeroinitializer"
        all_ = v.as_it_is(f"shufflevector <{lanes} x i64> {one}, <{lanes} x i64> poison, {order}")
        numbers = ", ".join(f"i64 {k}" for k in range(lanes))
        index = v.as_it_is(f"add nsw <{lanes} x i64> {all_}, <{numbers}>")
        known: dict[Dim, str] = {self.loop.index: index}
        atoms = () if isinstance(size, int) else size.atoms
        for atom in atoms:
            if not _mentions(atom, self.loop.index):
                known[atom] = splat(self.w, "i64", self.outside.size(atom), lanes)
        return v.size(size, known)

    def access(self, buffer: Buffer, offset: Size, value: str | None = None) -> str:
        """Write a load, or the store of a value, of elements side by side or evenly apart."""
        apart = slope_of(offset, self.loop.index)
        if not apart:
            raise CompilerBug(f"no vector at {offset!r}")
        terms = terms_of(sub(offset, mul(apart, self.loop.index)))
        further = terms.pop((), 0)
        key = (buffer, from_terms(terms), apart)
        if key not in self.bases:
            self.bases[key] = len(self.bases)
            kind = memory_type(buffer.element)
            register = self.outside.size(key[1])
            place = self.outside.pointer[buffer]
            if register != "0":
                place = self.w.let(f"getelementptr {kind}, ptr {place}, i64 {register}")
            self.starts.append((kind, place, apart))
        element = buffer.element
        register = self.v.fresh() if value is None else value
        self.v.body.append(
            _Access(
                value is None,
                register,
                memory_type(element),
                element.bytes,
                self.bases[key],
                further,
                apart,
            )
        )
        return register

    # -- the loops ---------------------------------------------------------------------------

    def turns(self, start: str, end: str, copies: int, *, masked: bool) -> None:
        """Write a loop over the body, several vectors at once or under a mask."""
        w, lanes = self.w, self.shape.lanes
        step = lanes * copies
        number = w.fresh()[1:]
        known = start.isdecimal() and end.isdecimal()
        if known and int(end) - int(start) <= step:
            there = int(end) - int(start)
            mask = "" if there == step else ", ".join(f"i1 {int(k < there)}" for k in range(lanes))
            self.lines(start, number, copies, mask and f"<{mask}>")
            return
        head, body, after = w.label("head"), w.label("body"), w.label("after")
        before, counter, following = w.block, w.fresh(), w.fresh()
        w.jump(head)
        w.start(head)
        w.line(f"{counter} = phi i64 [ {start}, %{before} ], [ {following}, %{body} ]")
        w.branch(w.let(f"icmp slt i64 {counter}, {end}"), body, after)
        w.start(body)
        mask = self.mask(counter, end) if masked else ""
        # LLVM looks for the best pointers to keep, which takes longer than all else where there are
        # many places: it does not see that this is the counter, and adds it to each of them.
        places = sum(isinstance(line, _Access) for line in self.v.body)
        there = counter if places < _PLACES else w.let(f"xor i64 {counter}, 0")
        self.lines(there, number, copies, mask)
        w.line(f"{following} = add nuw nsw i64 {counter}, {step}")
        w.line(f"br label %{head}{no_unrolling()}")
        w.start(after)

    def mask(self, counter: str, end: str) -> str:
        """Return which lanes there are."""
        w, lanes = self.w, self.shape.lanes
        left = w.let(f"sub i64 {end}, {counter}")
        left = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {lanes}")
        there = splat(w, "i32", w.let(f"trunc i64 {left} to i32"), lanes)
        numbers = ", ".join(f"i32 {k}" for k in range(lanes))
        return w.let(f"icmp slt <{lanes} x i32> <{numbers}>, {there}")

    def lines(self, counter: str, number: str, copies: int, mask: str) -> None:
        """Write the body for each copy, instruction by instruction."""
        w, lanes = self.w, self.shape.lanes
        bases: list[str] = []
        for kind, start, apart in self.starts:
            place = counter if apart == 1 else w.let(f"mul nsw i64 {counter}, {apart}")
            bases.append(w.let(f"getelementptr {kind}, ptr {start}, i64 {place}"))
        names = [f"%{number}_{k}_" for k in range(copies)]
        for line in self.v.body:
            if isinstance(line, _Access):
                for k, name in enumerate(names):
                    self.touch(line, bases[line.base], k * lanes, name, mask)
            else:
                for k, name in enumerate(names):
                    text = line.replace("%x", name)
                    if "#" in text:
                        text = text.replace("%i,", f"{counter},").replace("#0#", str(k * lanes))
                    w.lines.append(text)

    def touch(self, access: _Access, base: str, further: int, name: str, mask: str) -> None:
        """Write a load or store of one copy."""
        w, lanes, kind = self.w, self.shape.lanes, access.kind
        place, far = base, access.further + further * access.apart
        if far:
            place = w.let(f"getelementptr {kind}, ptr {base}, i64 {far}")
        vector = f"<{lanes} x {kind}>"
        register = access.register.replace("%x", name)
        if not access.loads and register[0] != "%":
            register = f"splat ({kind} {register})"
        suffix = f"v{lanes}{'i' if kind[0] == 'i' else 'f'}{8 * access.bytes}"
        bits = f"<{lanes} x i1>"
        if access.apart != 1:
            numbers = ", ".join(f"i64 {k * access.apart}" for k in range(lanes))
            places = w.let(f"getelementptr {kind}, ptr {place}, <{lanes} x i64> <{numbers}>")
            pointers, all_ = f"<{lanes} x ptr>", mask or "splat (i1 true)"
            name = f"@llvm.masked.gather.{suffix}.v{lanes}p0"
            w.declare(f"{vector} {name}({pointers}, i32, {bits}, {vector})")
            given = f"{pointers} {places}, i32 {access.bytes}, {bits} {all_}"
            w.line(f"{register} = call {vector} {name}({given}, {vector} zeroinitializer)")
            return
        if not mask:
            if access.loads:
                w.line(f"{register} = load {vector}, ptr {place}, align {access.bytes}")
            else:
                w.line(f"store {vector} {register}, ptr {place}, align {access.bytes}")
            return
        if access.loads:
            w.declare(f"{vector} @llvm.masked.load.{suffix}.p0(ptr, i32, {bits}, {vector})")
            given = f"ptr {place}, i32 {access.bytes}, {bits} {mask}, {vector} zeroinitializer"
            w.line(f"{register} = call {vector} @llvm.masked.load.{suffix}.p0({given})")
        else:
            w.declare(f"void @llvm.masked.store.{suffix}.p0({vector}, ptr, i32, {bits})")
            given = f"{vector} {register}, ptr {place}, i32 {access.bytes}, {bits} {mask}"
            w.line(f"call void @llvm.masked.store.{suffix}.p0({given})")


def splat(w: Writer, kind: str, register: str, lanes: int) -> str:
    """Return a vector with one value in all lanes."""
    vector = f"<{lanes} x {kind}>"
    one = w.let(f"insertelement {vector} poison, {kind} {register}, i64 0")
    order = f"<{lanes} x i32> zeroinitializer"
    return w.let(f"shufflevector {vector} {one}, {vector} poison, {order}")

"""Nodes of the kernel language.

A *scalar* is a pure expression over loads, loop indices and primitives; a *statement* stores,
loops or branches.  Scalars are interned, so that an expression that occurs twice is one object
and is computed once in each scope.  The semantics of primitives stand in ``prims.py``.

A kernel knows no complex numbers: a ``Complex`` is a pair of scalars that stands for one while a
kernel is written, and is gone, part by part, when it is.  ``apply`` of a primitive to one gives the
pair that ``loops/complex.py`` has for it.  A half can be loaded, stored, chosen and converted.

Evaluation order between statements is program order.  A load sees the stores before it.
A reduction's order is free (``Accumulate`` may be reassociated).
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from agnesi.core.dtypes import BF16, BOOL, F16, F32, F64, I64, DType
from agnesi.core.errors import CompilerBug
from agnesi.core.record import field, record
from agnesi.core.term import Term, derived
from agnesi.dims.dim import Dim, Index, Size, add, mul, neg, value_of
from agnesi.loops.prims import COMPARISONS, Prim

if TYPE_CHECKING:
    from collections.abc import Callable

Number: TypeAlias = bool | int | float


class Scalar(Term):
    """A pure scalar expression with a dtype.

    Python's operators build expressions; a Python number beside a scalar takes its dtype.
    """

    dtype: DType = derived()

    def __add__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.ADD, self, self.like(other))

    def __radd__(self, other: Number) -> Scalar:
        return apply(Prim.ADD, self.like(other), self)

    def __sub__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.SUB, self, self.like(other))

    def __rsub__(self, other: Number) -> Scalar:
        return apply(Prim.SUB, self.like(other), self)

    def __mul__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.MUL, self, self.like(other))

    def __rmul__(self, other: Number) -> Scalar:
        return apply(Prim.MUL, self.like(other), self)

    def __truediv__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.DIV, self, self.like(other))

    def __rtruediv__(self, other: Number) -> Scalar:
        return apply(Prim.DIV, self.like(other), self)

    def __neg__(self) -> Scalar:
        return apply(Prim.NEG, self)

    def __abs__(self) -> Scalar:
        return apply(Prim.ABS, self)

    def __lt__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.LT, self, self.like(other))

    def __le__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.LE, self, self.like(other))

    def __gt__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.GT, self, self.like(other))

    def __ge__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.GE, self, self.like(other))

    def __and__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.AND, self, self.like(other))

    def __or__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.OR, self, self.like(other))

    def __xor__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.XOR, self, self.like(other))

    def __invert__(self) -> Scalar:
        return apply(Prim.NOT, self)

    def __lshift__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.SHL, self, self.like(other))

    def __rshift__(self, other: Scalar | Number) -> Scalar:
        return apply(Prim.SHR, self, self.like(other))

    def equals(self, other: Scalar | Number) -> Scalar:
        """Compare element values; ``==`` itself is identity of nodes."""
        return apply(Prim.EQ, self, self.like(other))

    def differs(self, other: Scalar | Number) -> Scalar:
        """Compare element values; ``!=`` itself is identity of nodes."""
        return apply(Prim.NE, self, self.like(other))

    def cast(self, dtype: DType) -> Scalar:
        """Convert the value."""
        return self if dtype is self.dtype else apply(Prim.CAST, self, dtype=dtype)

    def bitcast(self, dtype: DType) -> Scalar:
        """Reinterpret the bits as another dtype of the same width."""
        return self if dtype is self.dtype else apply(Prim.BITCAST, self, dtype=dtype)

    def like(self, other: Scalar | Number | complex) -> Scalar:
        """Return ``other`` as a scalar, a number with this dtype."""
        return other if isinstance(other, Scalar) else literal(other, self.dtype)


class Literal(Scalar):
    """A number.  Held as the bits of its dtype, so that -0.0 and NaN are themselves."""

    bits: int
    to: DType

    def setup(self) -> None:
        """Take the dtype from the field."""
        self.derive(dtype=self.to)

    @property
    def value(self) -> Number:
        """The number as Python has it."""
        if self.to is BOOL:
            return bool(self.bits)
        if self.to.is_float:
            if self.to is BF16:
                return float(np.array(self.bits, np.uint16).view(BF16.numpy))
            word, number = _FORMATS[self.to]
            return float(struct.unpack(number, struct.pack(word, self.bits))[0])
        if self.to.is_signed and self.bits >> (self.to.bits - 1):
            return self.bits - (1 << self.to.bits)
        return self.bits

    def __repr__(self) -> str:
        return f"{self.value}:{self.to}"


class Complex(Scalar):
    """A complex number while a kernel is written: two floats."""

    re: Scalar
    im: Scalar
    to: DType

    def setup(self) -> None:
        """Take the dtype from the field."""
        if not (self.re.dtype is self.im.dtype is self.to.real):
            raise CompilerBug(f"a {self.to} of {self.re.dtype} and {self.im.dtype}")
        self.derive(dtype=self.to)


def literal(value: Number | complex, dtype: DType) -> Scalar:
    """Return the number, rounded or wrapped to this dtype."""
    if dtype.is_complex:
        parts = literal(value.real, dtype.real), literal(value.imag, dtype.real)
        return Complex(*parts, dtype)
    if isinstance(value, complex):
        raise CompilerBug(f"the number {value} is no {dtype}")
    if dtype is BOOL:
        return Literal(int(bool(value)), dtype)
    if dtype.is_float:
        return Literal(_float_bits(float(value), dtype), dtype)
    return Literal(int(value) & ((1 << dtype.bits) - 1), dtype)


_FORMATS = {F16: ("<H", "<e"), F32: ("<I", "<f"), F64: ("<Q", "<d")}


def _float_bits(value: float, dtype: DType) -> int:
    """Return the bits of a number rounded to a float dtype."""
    if dtype is BF16:
        return int(np.float32(value).astype(BF16.numpy).view(np.uint16))
    word, number = _FORMATS[dtype]
    try:
        packed = struct.pack(number, value)
    except OverflowError:
        packed = struct.pack(number, float("inf") if value > 0 else float("-inf"))
    return int(struct.unpack(word, packed)[0])


def real_part(x: Scalar) -> Scalar:
    """Return the real part of a number."""
    return _parts(x)[0]


def imaginary_part(x: Scalar) -> Scalar:
    """Return the imaginary part of a number, 0 of a real one."""
    return _parts(x)[1]


def parts_of(x: Scalar) -> tuple[Scalar, ...]:
    """Return the scalars that a number is made of: two of a complex one, else itself."""
    return _parts(x) if x.dtype.is_complex else (x,)


def _parts(x: Scalar) -> tuple[Scalar, Scalar]:
    match x:
        case Complex(re, im):
            return re, im
        case Guard(condition, value, otherwise) if x.dtype.is_complex:
            (a, b), (c, d) = _parts(value), _parts(otherwise)
            return Guard(condition, a, c), Guard(condition, b, d)
        case _ if not x.dtype.is_complex:
            return x, literal(0, x.dtype)
        case _:
            raise CompilerBug(f"{x!r} has no parts")


# What primitives do to complex numbers: the table of ``loops/complex.py``, put here once when the
# package is imported (``agnesi/api/surface.py``).
COMPLEX_FORMULAS: dict[Prim, Callable[..., Scalar]] = {}


class Apply(Scalar):
    """A primitive applied to scalars."""

    prim: Prim
    operands: tuple[Scalar, ...]
    to: DType

    def setup(self) -> None:
        """Take the dtype from the field."""
        self.derive(dtype=self.to)


def apply(prim: Prim, *operands: Scalar, dtype: DType | None = None) -> Scalar:
    """Apply a primitive; the dtype is the operands', bool for a comparison.

    Raises:
        CompilerBug: operands of different dtypes.
    """
    if operands[-1].dtype.is_complex or (dtype is not None and dtype.is_complex):
        return _apply_complex(prim, operands, dtype)
    values = operands[1:] if prim is Prim.SELECT else operands
    if prim in (Prim.SHL, Prim.SHR):
        values = operands[:1]
    if any(value.dtype is not values[0].dtype for value in values):
        raise CompilerBug(f"{prim.value}: operands of dtypes {[o.dtype for o in operands]}")
    if dtype is None:
        dtype = BOOL if prim in COMPARISONS else values[0].dtype
    return Apply(prim, operands, dtype)


def _apply_complex(prim: Prim, operands: tuple[Scalar, ...], dtype: DType | None) -> Scalar:
    """Return the parts of a primitive's result, each a scalar of its own."""
    if prim is Prim.CAST and dtype is not None:
        re, im = _parts(operands[0])
        if not dtype.is_complex:
            return re.differs(0) | im.differs(0) if dtype is BOOL else re.cast(dtype)
        return Complex(re.cast(dtype.real), im.cast(dtype.real), dtype)
    if prim is Prim.SELECT:
        condition, (a, b), (c, d) = operands[0], *map(_parts, operands[1:])
        return Complex(select(condition, a, c), select(condition, b, d), operands[1].dtype)
    formula = COMPLEX_FORMULAS.get(prim)
    if formula is None:
        raise CompilerBug(f"{prim.value} is not defined for {[o.dtype for o in operands]}")
    return formula(*operands)


def select(condition: Scalar, yes: Scalar | Number, no: Scalar | Number) -> Scalar:
    """Return ``yes`` where the condition holds, else ``no``; both are evaluated."""
    if not isinstance(yes, Scalar):
        if not isinstance(no, Scalar):
            raise CompilerBug("select: one of the values has to be a scalar with a dtype")
        yes = no.like(yes)
    return apply(Prim.SELECT, condition, yes, yes.like(no))


class FromIndex(Scalar):
    """The value of an index expression, as i64."""

    size: Size

    def setup(self) -> None:
        """An index is always i64."""
        self.derive(dtype=I64)


class Buffer(Term):
    """A contiguous run of elements that a kernel is given.  Same uid, same memory."""

    name: str
    element: DType
    uid: int

    def __repr__(self) -> str:
        return self.name


_fresh = itertools.count(1)


def fresh_buffer(name: str, element: DType) -> Buffer:
    """Return a buffer that is no other."""
    return Buffer(name, element, next(_fresh))


class Load(Scalar):
    """The element of a buffer at an offset counted in elements."""

    buffer: Buffer
    offset: Size

    def setup(self) -> None:
        """Take the dtype of the buffer."""
        self.derive(dtype=self.buffer.element)


class Guard(Scalar):
    """``value`` where the condition holds, else ``otherwise``; only the one taken is evaluated."""

    condition: Scalar
    value: Scalar
    otherwise: Scalar

    def setup(self) -> None:
        """Both arms have one dtype."""
        if self.value.dtype is not self.otherwise.dtype:
            raise CompilerBug(f"guard: arms of {self.value.dtype} and {self.otherwise.dtype}")
        self.derive(dtype=self.value.dtype)


class Local(Term):
    """A variable of a kernel that holds one scalar."""

    name: str
    element: DType
    uid: int


def fresh_local(name: str, element: DType) -> Local:
    """Return a variable that is no other."""
    return Local(name, element, next(_fresh))


class Read(Scalar):
    """The present value of a variable."""

    local: Local

    def setup(self) -> None:
        """Take the dtype of the variable."""
        self.derive(dtype=self.local.element)


def index_of(scalar: Scalar) -> Size:
    """Return an i64 scalar as part of an offset: ``buffer[index_of(table[i])]``.

    Sums and products of loop indices stay visible to the algebra of sizes; everything else, such
    as a number that is loaded, becomes a ``Value``.

    Raises:
        CompilerBug: the scalar is not an i64.
    """
    if scalar.dtype is not I64:
        raise CompilerBug(f"an offset is an i64, not {scalar.dtype}")
    match scalar:
        case Literal():
            return int(scalar.value)
        case FromIndex(size):
            return size
        case Apply(Prim.ADD | Prim.SUB | Prim.MUL as prim, (FromIndex() | Literal() as x, y), _):
            first, second = index_of(x), index_of(y)
            if prim is Prim.MUL:
                return mul(first, second)
            return add(first, second if prim is Prim.ADD else neg(second))
        case _:
            return value_of(scalar)


def dynamic_scalars(size: Size) -> tuple[Scalar, ...]:
    """Return the scalars whose values an offset or extent mentions."""
    if isinstance(size, int) or not size.values:
        return ()
    return tuple(term for term in size.values if isinstance(term, Scalar))


class Statement(Term):
    """Something that is done."""


class Store(Statement):
    """``buffer[offset] = value``."""

    buffer: Buffer
    offset: Size
    value: Scalar


class Assign(Statement):
    """``local = value``; the first assignment declares it."""

    local: Local
    value: Scalar


class Accumulate(Statement):
    """``local = local <prim> value``, in any order of the loop's iterations.

    ``prim`` is ADD, MUL, MIN, MAX, AND or OR.
    """

    local: Local
    prim: Prim
    value: Scalar


class For(Statement):
    """Run the body for each value of the index."""

    index: Index
    body: tuple[Statement, ...]


class ParallelFor(For):
    """A loop whose iterations are independent: they may run in any order, also at once.

    It stands at the top level of a kernel.  Its body reads no variable that is assigned outside of
    it, nor is one that it assigns read after it; no iteration touches an element of a buffer that
    another one writes.  The kernel's private buffers are memory of one iteration inside of it.
    """


class If(Statement):
    """Run the body if the condition holds."""

    condition: Scalar
    body: tuple[Statement, ...]


class While(Statement):
    """Run the body as long as the condition holds; it is evaluated anew before each turn."""

    condition: Scalar
    body: tuple[Statement, ...]


class Address(Term):
    """An argument of a C function: a pointer to an element.

    Attributes:
        buffer: what it points into.
        offset: of the element.
        written: whether the function writes there.
    """

    buffer: Buffer
    offset: Size
    written: bool


class Pass(Term):
    """An argument of a C function: a number."""

    value: Scalar


class Refer(Term):
    """An argument of a C function: a pointer to a variable, which it may write."""

    local: Local


Argument: TypeAlias = Address | Pass | Refer


class Foreign(Statement):
    """Call a C function of the libraries that the runtime knows (OpenBLAS with LAPACKE).

    Attributes:
        symbol: its name.
        arguments: what it is given.
        result: the variable that takes what it returns, or None.
    """

    symbol: str
    arguments: tuple[Argument, ...]
    result: Local | None


class Matrix(Term):
    """A matrix in memory: its element ``[i, j]`` lies at ``offset + i*row + j*column``."""

    buffer: Buffer
    offset: Size
    row: Size
    column: Size

    def at(self, i: Size, j: Size) -> Size:
        """Return the offset of an element."""
        return add(self.offset, mul(i, self.row), mul(j, self.column))


class Around(Term):
    """A loop around a product, over whose turns its sums go on.

    Attributes:
        extent: how many turns.
        a: how far the first factor moves from turn to turn, in elements.
        b: how far the second one moves.
    """

    extent: Size
    a: Size
    b: Size


class Contract(Statement):
    """``target = a @ b``, or ``target += a @ b``: a block of a matrix product.

    With loops around it, the sum of the products of all their turns: a convolution sums over rows
    of an image whose parts lie as matrices do, but not at even distances all together.

    Each sum is taken in any order, and each product may be rounded or not before it is added.

    Attributes:
        target: its columns follow each other; it overlaps neither of the others.
        a: its rows or its columns follow each other.
        b: its rows or its columns follow each other.
        rows: of ``target`` and ``a``.
        columns: of ``target`` and ``b``.
        depth: columns of ``a``, rows of ``b``.
        adds: whether the product is added to what ``target`` holds.
        around: loops over more of the depth, the outermost first.
    """

    target: Matrix
    a: Matrix
    b: Matrix
    rows: Size
    columns: Size
    depth: Size
    adds: bool
    around: tuple[Around, ...]

    @property
    def matrices(self) -> tuple[Matrix, Matrix, Matrix]:
        """The target first."""
        return self.target, self.a, self.b

    @property
    def sizes(self) -> tuple[Size, ...]:
        """All sizes it mentions."""
        places = [s for m in self.matrices for s in (m.offset, m.row, m.column)]
        turns = [size for loop in self.around for size in loop.args]
        return (*places, self.rows, self.columns, self.depth, *turns)


class Procedure(Term):
    """A function of numbers that needs statements: loops, branches, variables of its own.

    It has no memory and no effects.  ``loops/procedures.py`` helps to write one.

    Attributes:
        name: one that no other procedure of a program has.
        parameters: variables that hold the arguments when it begins.
        body: statements without stores, loads and calls of C functions.
        result: evaluated at the end.
    """

    name: str
    parameters: tuple[Local, ...]
    body: tuple[Statement, ...]
    result: Scalar

    def __repr__(self) -> str:
        return self.name


class Call(Scalar):
    """The result of a procedure."""

    procedure: Procedure
    operands: tuple[Scalar, ...]

    def setup(self) -> None:
        """Take the dtype of the result; check the operands."""
        wanted = [p.element for p in self.procedure.parameters]
        given = [o.dtype for o in self.operands]
        if wanted != given:
            raise CompilerBug(f"{self.procedure.name} takes {wanted}, but was given {given}")
        self.derive(dtype=self.procedure.result.dtype)


@record(frozen=True)
class Kernel:
    """A loop nest with the buffers and sizes it is given.

    ``buffers`` are distinct memory: no two overlap.  ``sizes`` are the atoms its index
    expressions and extents mention that are not its own loop indices.

    ``private`` are buffers of its own, each with its number of elements: memory of one iteration
    inside of a ``ParallelFor``, of the kernel elsewhere.  They lie on the stack, at multiples of 64
    bytes, hold anything at first, and are together no larger than ``MOST_PRIVATE`` bytes.
    """

    name: str
    buffers: tuple[Buffer, ...]
    sizes: tuple[Dim, ...]
    body: tuple[Statement, ...]
    written: frozenset[Buffer] = field(default_factory=frozenset[Buffer])
    private: tuple[tuple[Buffer, int], ...] = ()

    def may_write(self, buffer: Buffer) -> bool:
        """Whether statements may store to a buffer."""
        return buffer in self.written or any(buffer is own for own, _ in self.private)


# What a thread's stack surely has room for.
MOST_PRIVATE = 1 << 20


def index_scalar(size: Size) -> Scalar:
    """Return an index expression as an i64 scalar."""
    return literal(size, I64) if isinstance(size, int) else FromIndex(size)


def at_end_of(index: Index) -> Size:
    """Return the last value of an index."""
    return add(index.extent, -1)

"""Kernels run statement by statement in NumPy scalars: slow, exact, and every access checked.

What native code is held against.  Sums and products are taken in program order, which native code
is free to change; everything else agrees to the last bit.  Parallel loops run backwards, and it is
an error if one iteration touches what another one writes.  Start reading at :func:`interpret`.
"""

from __future__ import annotations

import ctypes
import itertools
import math
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from agnesi.core.dtypes import BF16, BOOL, F32, DType
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import evaluate, value_of
from agnesi.loops.nodes import (
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
from agnesi.loops.prims import Prim
from agnesi.loops.traverse import children_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agnesi.dims.dim import Dim, Size
    from agnesi.loops.nodes import Around, Buffer, Kernel, Local, Matrix, Procedure, Statement

Array: TypeAlias = "np.ndarray[Any, Any]"
# A NumPy scalar of the node's dtype.
Number: TypeAlias = Any


def interpret(kernel: Kernel, buffers: Mapping[Buffer, Array], sizes: Mapping[Dim, int]) -> None:
    """Run a kernel.

    Args:
        kernel: the loop nest.
        buffers: memory of each of its buffers, one-dimensional; what it stores changes there.
        sizes: number of each of its sizes.

    Raises:
        CompilerBug: a load or store outside its buffer, or something that has no value.
    """
    for buffer in kernel.buffers:
        array = buffers[buffer]
        if array.dtype != buffer.element.numpy or array.ndim != 1:
            raise CompilerBug(
                f"kernel {kernel.name}: {buffer.name} is {buffer.element}[], "
                f"but was given {array.dtype}{list(array.shape)}"
            )
    with np.errstate(all="ignore"):
        _Run(kernel, buffers, sizes).body(kernel.body)


class _Run:
    """The state of one run: numbers of sizes and indices, and what variables hold."""

    def __init__(
        self, kernel: Kernel, buffers: Mapping[Buffer, Array], sizes: Mapping[Dim, int]
    ) -> None:
        self.kernel, self.buffers = kernel, {**buffers, **_fresh(kernel)}
        self.sizes: dict[Dim, int] = {size: sizes[size] for size in kernel.sizes}
        self.locals: dict[Local, Number] = {}
        self.statement: Statement | None = None
        self.orders: dict[Scalar, list[Scalar]] = {}
        # Of a parallel loop: the iteration that runs, and those that touched each element.
        self.iteration: int | None = None
        self.touched: dict[tuple[Buffer, int], tuple[int, bool]] = {}

    def body(self, statements: Iterable[Statement]) -> None:
        """Run statements in order."""
        for statement in statements:
            self.statement = statement
            match statement:
                case ParallelFor():
                    self.parallel(statement)
                case For(index, inner):
                    for k in range(self.number(index.extent)):
                        self.sizes[index] = k
                        self.body(inner)
                    self.sizes.pop(index, None)
                case If(condition, inner):
                    if self.value(condition):
                        self.body(inner)
                case While(condition, inner):
                    while self.value(condition):
                        self.body(inner)
                        self.statement = statement
                case Foreign():
                    self.foreign(statement)
                case Contract():
                    self.contract(statement)
                case Store(buffer, offset, value):
                    number = self.value(value)
                    array, place = self.place(buffer, offset, "stores to")
                    if not self.kernel.may_write(buffer):
                        raise self.bug(f"stores to {buffer.name}, which is only read")
                    array[place] = number
                case Assign(local, value):
                    self.locals[local] = self.value(value)
                case Accumulate(local, prim, value):
                    operands = [self.local(local), self.value(value)]
                    self.locals[local] = compute(prim, operands, local.element)
                case _:
                    raise CompilerBug(f"no meaning for the statement {statement!r}")

    def parallel(self, loop: ParallelFor) -> None:
        """Run independent iterations, each with variables and private memory of its own."""
        outside, memory = self.locals, self.buffers
        for k in reversed(range(self.number(loop.index.extent))):
            self.locals, self.buffers = {}, {**memory, **_fresh(self.kernel)}
            self.sizes[loop.index] = self.iteration = k
            self.body(loop.body)
        self.sizes.pop(loop.index, None)
        self.iteration = None
        self.touched = {}
        self.locals, self.buffers = outside, memory

    def contract(self, product: Contract) -> None:
        """Multiply two matrices."""
        if not self.kernel.may_write(product.target.buffer):
            raise self.bug(f"multiplies into {product.target.buffer.name}, which is only read")
        rows, columns, depth = map(self.number, (product.rows, product.columns, product.depth))
        target = self.matrix(product.target, rows, columns, "stores to")
        memory = self.buffers[product.target.buffer]
        total = memory[target] if product.adds else np.zeros(target.shape, memory.dtype)
        for moved_a, moved_b in self.turns(product.around):
            a = self.matrix(product.a, rows, depth, "loads from", moved_a)
            b = self.matrix(product.b, depth, columns, "loads from", moved_b)
            total = total + self.buffers[product.a.buffer][a] @ self.buffers[product.b.buffer][b]
        memory[target] = total

    def turns(self, around: tuple[Around, ...]) -> Iterator[tuple[int, int]]:
        """Yield how far the factors have moved in each turn of the loops around a product."""
        loops = [tuple(map(self.number, loop.args)) for loop in around]
        for turn in itertools.product(*(range(extent) for extent, _, _ in loops)):
            steps = [(k * a, k * b) for k, (_, a, b) in zip(turn, loops, strict=True)]
            yield sum(a for a, _ in steps), sum(b for _, b in steps)

    def matrix(self, matrix: Matrix, rows: int, columns: int, does: str, moved: int = 0) -> Array:
        """Return the positions of a matrix's elements, which are seen to lie in its buffer."""
        offset, row, column = map(self.number, (matrix.offset, matrix.row, matrix.column))
        at = moved + offset + row * np.arange(rows)[:, None] + column * np.arange(columns)
        watched = self.iteration is not None and matrix.buffer in self.kernel.written
        for place in at.ravel() if watched else (at.min(), at.max()) if at.size else ():
            self.place(matrix.buffer, int(place), does)
        return at

    def foreign(self, call: Foreign) -> None:
        """Call a C function through ctypes, as native code does."""
        given: list[Any] = []
        cells: dict[Local, Any] = {}
        for argument in call.arguments:
            match argument:
                case Pass(value):
                    given.append(_C_TYPES[value.dtype.value](self.value(value).item()))
                case Address(buffer, offset, written):
                    if written and not self.kernel.may_write(buffer):
                        raise self.bug(f"lets {call.symbol} write {buffer.name}, only read")
                    array = self.buffers[buffer]
                    start = array.ctypes.data + self.number(offset) * array.itemsize
                    given.append(ctypes.c_void_p(start))
                case Refer(local):
                    held = self.locals.get(local, 0)
                    cells[local] = _C_TYPES[local.element.value](int(held))
                    given.append(ctypes.byref(cells[local]))
        result = call.result
        returns = _C_TYPES[result.element.value] if result is not None else None
        made = ctypes.CFUNCTYPE(returns, *(_passed(g) for g in given))
        value = made(address_of(call.symbol))(*given)
        for local, cell in cells.items():
            self.locals[local] = local.element.numpy.type(cell.value)
        if result is not None:
            self.locals[result] = result.element.numpy.type(value)

    def call(self, procedure: Procedure, arguments: Sequence[Number]) -> Number:
        """Return the result of a procedure; none calls itself, so that variables are its own."""
        outer = self.statement
        self.locals.update(zip(procedure.parameters, arguments, strict=True))
        self.body(procedure.body)
        result = self.value(procedure.result)
        self.statement = outer
        return result

    def number(self, size: Size) -> int:
        """Return the number of a size, which has to fit 64 bits as it does in native code."""
        for scalar in dynamic_scalars(size):
            self.sizes[value_of(scalar)] = int(self.value(scalar))
        try:
            value = evaluate(size, self.sizes)
        except KeyError as missing:
            raise self.bug(f"mentions {missing}, which is not bound, in {size}") from missing
        if not -(2**63) <= value < 2**63:
            raise self.bug(f"computes {size} = {value}, which 64 bits do not hold")
        return value

    def place(self, buffer: Buffer, offset: Size, does: str) -> tuple[Array, int]:
        """Return the memory of a buffer and a position that is seen to lie in it."""
        own = any(buffer is b for b, _ in self.kernel.private)
        if buffer not in self.buffers or not (own or buffer in self.kernel.buffers):
            raise self.bug(f"{does} {buffer.name}, which it is not given")
        array, place = self.buffers[buffer], self.number(offset)
        if not 0 <= place < array.size:
            raise self.bug(f"{does} {buffer.name}[{offset}] = [{place}], of {array.size} elements")
        if self.iteration is not None and buffer in self.kernel.written:
            self.touch(buffer, place, does)
        return array, place

    def touch(self, buffer: Buffer, place: int, does: str) -> None:
        """Note an access of a parallel iteration to what is written; no two may share that."""
        here = self.iteration or 0
        stores = does == "stores to"
        other, stored = self.touched.get((buffer, place), (here, False))
        if other != here and (stores or stored):
            raise self.bug(f"{does} {buffer.name}[{place}], as another iteration does")
        # Of several readers none is the one that may store.
        self.touched[buffer, place] = (here if other == here else -1, stores or stored)

    def local(self, local: Local) -> Number:
        """Return what a variable holds."""
        if local not in self.locals:
            raise self.bug(f"reads {local.name} before it is assigned")
        return self.locals[local]

    def bug(self, what: str) -> CompilerBug:
        """Return the error, with the statement and the numbers at which it happened."""
        known = ", ".join(f"{size} = {number}" for size, number in self.sizes.items())
        return CompilerBug(
            f"kernel {self.kernel.name} {what}\n  where {known or 'nothing is bound'}"
            f"\n  in {str(self.statement)[:2000]}"
        )

    def value(self, root: Scalar) -> Number:
        """Return the value of an expression; of a guard only the arm that is taken is computed."""
        values: dict[Scalar, Number] = {}
        for scalar in self.order(root):
            values[scalar] = self.one(scalar, values)
        return values[root]

    def order(self, root: Scalar) -> list[Scalar]:
        """Return what an expression is made of, operands first; arms of guards stay outside."""
        known = self.orders.get(root)
        if known is not None:
            return known
        order: dict[Scalar, None] = {}
        stack = [root]
        while stack:
            waiting = [s for s in _strict(stack[-1]) if s not in order]
            if waiting:
                stack.extend(waiting)
            else:
                order[stack.pop()] = None
        self.orders[root] = list(order)
        return self.orders[root]

    def one(self, scalar: Scalar, values: Mapping[Scalar, Number]) -> Number:
        """Return the value of one node."""
        match scalar:
            case Literal():
                return from_bits(scalar.bits, scalar.dtype)
            case FromIndex(size):
                return np.int64(self.number(size))
            case Load(buffer, offset):
                array, place = self.place(buffer, offset, "loads from")
                # Memory of bools may hold any byte; what is not 0 is true.
                return array[place] if buffer.element is not BOOL else np.bool(array[place] != 0)
            case Read(local):
                return self.local(local)
            case Call(procedure, operands):
                return self.call(procedure, [values[o] for o in operands])
            case Guard(condition, value, otherwise):
                return self.value(value if values[condition] else otherwise)
            case Apply(prim, operands, to):
                return compute(prim, [values[o] for o in operands], to)
            case _:
                raise CompilerBug(f"no meaning for the expression {scalar!r}")


# What memory holds that nothing was stored to: NaN, or -1.
_RUBBISH = 0xFF


def _fresh(kernel: Kernel) -> dict[Buffer, Array]:
    """Return new memory of the private buffers."""
    return {
        b: np.full(count * b.element.bytes, _RUBBISH, np.uint8).view(b.element.numpy)
        for b, count in kernel.private
    }


def _strict(scalar: Scalar) -> tuple[Scalar, ...]:
    """Return the operands that are always evaluated."""
    return (scalar.condition,) if isinstance(scalar, Guard) else children_of(scalar)


_C_TYPES: dict[str, Any] = {
    "i8": ctypes.c_int8,
    "u8": ctypes.c_uint8,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
}


def _passed(given: Any) -> Any:
    return type(given) if isinstance(given, ctypes._SimpleCData) else ctypes.c_void_p  # pyright: ignore


# Where the C functions are that kernels call; the runtime, which knows, puts its own here.
ADDRESSES: list[Callable[[str], int]] = []


def address_of(symbol: str) -> int:
    """Return the address of a C function."""
    if not ADDRESSES:
        raise CompilerBug(f"{symbol}: no library is loaded")
    return ADDRESSES[-1](symbol)


def from_bits(bits: int, dtype: DType) -> Number:
    """Return the NumPy scalar with these bits."""
    if dtype is BOOL:
        return np.bool(bits)
    return np.frombuffer(bits.to_bytes(dtype.bytes, "little"), dtype.numpy.newbyteorder("<"))[0]


def compute(prim: Prim, operands: Sequence[Number], to: DType) -> Number:
    """Return the value of a primitive on NumPy scalars, by the semantics of ``prims.py``.

    Raises:
        CompilerBug: the primitive is not defined for these operands.
    """
    kind = operands[-1].dtype.kind
    function = _ANY.get(prim) or (
        _FLOAT if kind == "f" else _BOOL if kind == "b" else _INTEGER
    ).get(prim)
    if function is None and kind == "f":
        function = MATH_REFERENCE.get(prim)
    if prim is Prim.CAST:
        return _cast(operands[0], to)
    if prim is Prim.BITCAST:
        return operands[0].view(to.numpy)
    if prim is Prim.SELECT:
        return operands[1] if operands[0] else operands[2]
    if function is None:
        raise CompilerBug(f"{prim.value} is not defined for {[str(o.dtype) for o in operands]}")
    result = function(*operands)
    if result.dtype != to.numpy:
        raise CompilerBug(f"{prim.value} gave {result.dtype} where {to} was declared")
    return result


def _cast(x: Number, to: DType) -> Number:
    """Convert; a float that does not fit an integer becomes the nearest that does, NaN 0."""
    if to is BOOL:
        return np.bool(x != 0)
    if x.dtype == BF16.numpy:
        x = x.astype(np.float32)
    if to.is_half and x.dtype.kind in "biu":
        x = x.astype(np.float32)
    if x.dtype.kind != "f" or to.is_float:
        return x.astype(to.numpy)
    if np.isnan(x):
        return to.numpy.type(0)
    limits = np.iinfo(to.numpy)
    exact = limits.max if x > 0 else limits.min
    if np.isfinite(x):
        exact = min(max(int(x), int(limits.min)), int(limits.max))
    return to.numpy.type(exact)


def _extreme(x: Number, y: Number, *, greater: bool) -> Number:
    """The larger (smaller) of two floats; -0.0 is less than 0.0, and NaN wins over everything."""
    if np.isnan(x) or np.isnan(y):
        return x + y
    if x == y:
        return y if np.signbit(x) == greater else x
    return x if (x > y) == greater else y


def fma(a: Number, b: Number, c: Number) -> Number:
    """Return ``a*b + c`` rounded once."""
    if not (np.isfinite(a) and np.isfinite(b)):
        return a * b + c
    if not np.isfinite(c):
        return c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if not exact:
        return a * b + c
    if a.dtype == F32.numpy:
        return _round_to_f32(exact)
    try:
        return np.float64(exact.numerator / exact.denominator)
    except OverflowError:
        return np.float64(math.inf if exact > 0 else -math.inf)


def _round_to_f32(exact: Fraction) -> Number:
    """Round once, although the way leads through f64: there, an inexact last bit is made odd."""
    near = float(exact)
    if Fraction(near) != exact and not np.float64(near).view(np.int64) & 1:
        near = math.nextafter(near, math.inf if exact > Fraction(near) else -math.inf)
    return np.float32(near)


def _floordiv(x: Number, y: Number) -> Number:
    return x // y if y else x.dtype.type(0)


def _mod(x: Number, y: Number) -> Number:
    return x % y if y else x.dtype.type(0)


_ANY: dict[Prim, Callable[[Number, Number], Number]] = {
    Prim.EQ: lambda x, y: np.bool(x == y),
    Prim.NE: lambda x, y: np.bool(x != y),
    Prim.LT: lambda x, y: np.bool(x < y),
    Prim.LE: lambda x, y: np.bool(x <= y),
    Prim.GT: lambda x, y: np.bool(x > y),
    Prim.GE: lambda x, y: np.bool(x >= y),
}
_BOOL: dict[Prim, Callable[..., Number]] = {
    Prim.AND: np.logical_and,
    Prim.OR: np.logical_or,
    Prim.XOR: np.logical_xor,
    Prim.NOT: np.logical_not,
    Prim.MIN: np.logical_and,
    Prim.MAX: np.logical_or,
}
_INTEGER: dict[Prim, Callable[..., Number]] = {
    Prim.ADD: np.add,
    Prim.SUB: np.subtract,
    Prim.MUL: np.multiply,
    Prim.FLOORDIV: _floordiv,
    Prim.MOD: _mod,
    Prim.NEG: np.negative,
    Prim.ABS: np.absolute,
    Prim.MIN: np.minimum,
    Prim.MAX: np.maximum,
    Prim.AND: np.bitwise_and,
    Prim.OR: np.bitwise_or,
    Prim.XOR: np.bitwise_xor,
    Prim.NOT: np.invert,
    Prim.SHL: np.left_shift,
    Prim.SHR: np.right_shift,
}
_FLOAT: dict[Prim, Callable[..., Number]] = {
    Prim.ADD: np.add,
    Prim.SUB: np.subtract,
    Prim.MUL: np.multiply,
    Prim.DIV: np.divide,
    Prim.NEG: np.negative,
    Prim.ABS: np.absolute,
    Prim.MIN: partial(_extreme, greater=False),
    Prim.MAX: partial(_extreme, greater=True),
    Prim.FMA: fma,
    Prim.SQRT: np.sqrt,
    Prim.FLOOR: np.floor,
    Prim.CEIL: np.ceil,
    Prim.TRUNC: np.trunc,
    Prim.RINT: np.rint,
    Prim.COPYSIGN: np.copysign,
}


def _wide(function: Callable[..., Any]) -> Callable[..., Number]:
    """Evaluate a function in a wider dtype, since NumPy's own are some units off."""

    def evaluated(*operands: Number) -> Number:
        kind = operands[0].dtype.type
        wide = np.float64 if kind is np.float32 else np.longdouble
        return kind(function(*(wide(o) for o in operands)))

    return evaluated


def _sigmoid(x: Number) -> Number:
    return 1 / (1 + np.exp(-x)) if x > 0 else np.exp(x) / (1 + np.exp(x))


def _double(function: Callable[[float], float]) -> Callable[..., Number]:
    def evaluated(x: Number) -> Number:
        return x.dtype.type(function(float(x)))

    return evaluated


def _softplus(x: Number) -> Number:
    return np.logaddexp(x, x.dtype.type(0))


# Elementary functions as NumPy has them, for kernels that are not expanded yet.
MATH_REFERENCE: dict[Prim, Callable[..., Number]] = {
    Prim.EXP: _wide(np.exp),
    Prim.EXP2: _wide(np.exp2),
    Prim.EXPM1: _wide(np.expm1),
    Prim.LOG: _wide(np.log),
    Prim.LOG2: _wide(np.log2),
    Prim.LOG10: _wide(np.log10),
    Prim.LOG1P: _wide(np.log1p),
    Prim.SIN: _wide(np.sin),
    Prim.COS: _wide(np.cos),
    Prim.TAN: _wide(np.tan),
    Prim.ASIN: _wide(np.arcsin),
    Prim.ACOS: _wide(np.arccos),
    Prim.ATAN: _wide(np.arctan),
    Prim.ATAN2: _wide(np.arctan2),
    Prim.SINH: _wide(np.sinh),
    Prim.COSH: _wide(np.cosh),
    Prim.TANH: _wide(np.tanh),
    Prim.ASINH: _wide(np.arcsinh),
    Prim.ACOSH: _wide(np.arccosh),
    Prim.ATANH: _wide(np.arctanh),
    Prim.SIGMOID: _wide(_sigmoid),
    Prim.SOFTPLUS: _wide(_softplus),
    Prim.ERF: _double(math.erf),
    Prim.ERFC: _double(math.erfc),
    Prim.POW: _wide(np.power),
    Prim.CBRT: _wide(np.cbrt),
    Prim.FMOD: np.fmod,
}

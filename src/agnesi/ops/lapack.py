"""What ops that call LAPACK share: stacks of matrices, calls, and the check that they succeeded.

LAPACK counts columns first.  A matrix in C order is the transposed one to it, so that no copy is
transposed: a factor is asked for in the transposed problem, or comes out as rows.

A factorisation that fails fills its matrix with NaN.  The public function puts a :class:`Sound`
around the result, which is an error in a call, unless the user asked for NaN.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np

from agnesi.batching.graph import in_front
from agnesi.core.dtypes import C64, C128, F32, F64, I8, I32, I64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, mul
from agnesi.dims.simplify import maximum
from agnesi.graph.graph import size_of
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor
from agnesi.graph.types import shape_text
from agnesi.loops.nodes import (
    Address,
    Complex,
    Foreign,
    Guard,
    If,
    Load,
    Pass,
    Read,
    Store,
    fresh_local,
    imaginary_part,
    index_scalar,
    literal,
    real_part,
)
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import conj, real
from agnesi.ops.creation import Arange
from agnesi.ops.diagonals import tril
from agnesi.ops.families import Domain, LoopOp, Memory, Movement, Op, Sample
from agnesi.ops.lift import (
    broadcast_sizes,
    cast,
    common_dtype,
    lift_all,
    operand_lines,
    unify,
)
from agnesi.ops.movement import broadcast
from agnesi.ops.nests import loop_indices, nest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.types import TensorType
    from agnesi.loops.nodes import Argument, Buffer, Local, Scalar, Statement

OnError: TypeAlias = Literal["raise", "nan"]

REALS = (F32, F64)
COMPLEX = (C64, C128)
_PREFIX = {F32: "s", F64: "d", C64: "c", C128: "z"}
# What LAPACKE and CBLAS call their choices.
ROWS_FIRST, COLUMNS_FIRST = 101, 102
PLAIN, TRANSPOSED = 111, 112
UPPER, LOWER = 121, 122
STATED, ONES = 131, 132
LEFT = 141
# Sizes beyond this are more than its integers hold.
MOST = 2**31 - 1


def dominant(x: Tensor) -> Tensor:
    """Return a matrix that is far from singular, for tests: more on the diagonal."""
    return where(on_diagonal(x), x + 6, x) if x.ndim > 1 else x


def dominant_array(x: Array) -> Array:
    """Return what :func:`dominant` does."""
    # NumPy's linear algebra knows no float wider than 64 bits.
    kind = np.complex128 if x.dtype.kind == "c" else np.float64
    narrow = x.astype(kind) if x.dtype.itemsize > np.dtype(kind).itemsize else x
    rows, columns = x.shape[-2:]
    return narrow + 6 * np.eye(rows, columns, dtype=narrow.dtype)


class Lapack(LoopOp):
    """A function of stacks of matrices that LAPACK computes.

    Attributes:
        prepare: makes a matrix fit for the op from any, for tests.
    """

    dtypes = REALS
    tolerance = 512.0
    prepare: ClassVar[Callable[[Tensor], Tensor]] = staticmethod(dominant)

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function with a matrix that is fit for it."""
        first, *others = operands
        return cls.express(cls.prepare(first), *others, **named)

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function."""
        return super().call(*operands, **named)


def on_diagonal(x: Tensor, above: int = 0) -> Tensor:
    """Return where the diagonal of matrices of this shape is, or one so many places above."""
    shape = x.type.shape
    rows = Arange(shape, x.ndim - 2)
    return Arange(shape, x.ndim - 1) == (rows + above if above else rows)


def identity(shape: Shape, dtype: DType) -> Tensor:
    """Return identity matrices of a shape."""
    return (Arange(shape, len(shape) - 1) == Arange(shape, len(shape) - 2)).astype(dtype)


def diagonal_of(x: Tensor) -> Tensor:
    """Return the diagonals of square matrices."""
    return where(on_diagonal(x), x, 0).sum(-1)


def one_triangle(s: Tensor) -> Tensor:
    """Return the gradient with respect to the lower triangle alone, which stands for both.

    ``s`` is the one with respect to all elements of a Hermitian matrix, Hermitian or not.
    """
    return tril(where(on_diagonal(s), real_of(s), s + adjoint(s)))


def adjoint(x: Tensor) -> Tensor:
    """Return the conjugate of the transposed matrices."""
    return conj(x.mT)


def real_of(x: Tensor) -> Tensor:
    """Return the real parts in the same dtype."""
    return real(x).astype(x.dtype) if x.dtype.is_complex else x


# -- calls ---------------------------------------------------------------------------------------


def whole(number: int) -> Pass:
    """Return a C int."""
    return Pass(literal(number, I32))


def letter(text: str) -> Pass:
    """Return a C character, as wide as a register is filled."""
    return Pass(literal(ord(text), I32))


def count(size: Size) -> Pass:
    """Return a size as a C int."""
    return Pass(index_scalar(size).cast(I32))


def leading(size: Size) -> Pass:
    """Return the distance between rows of so many elements, which may not be 0."""
    return Pass(index_scalar(maximum(1, size)).cast(I32))


def lapack(name: str, dtype: DType, arguments: Sequence[Argument]) -> tuple[Foreign, Local]:
    """Return the call of a LAPACKE function, columns first, and what tells whether it failed."""
    info = fresh_local("info", I32)
    symbol = f"scipy_LAPACKE_{_PREFIX[dtype]}{name}"
    return Foreign(symbol, (whole(COLUMNS_FIRST), *arguments), info), info


def blas(name: str, dtype: DType, arguments: Sequence[Argument]) -> Foreign:
    """Return the call of a CBLAS function, rows first."""
    symbol = f"scipy_cblas_{_PREFIX[dtype]}{name}"
    return Foreign(symbol, (whole(ROWS_FIRST), *arguments), None)


def fill(at: Memory, stack: Sequence[Any], shape: Shape, value: Scalar) -> tuple[Statement, ...]:
    """Return loops that fill one matrix of the result."""
    inner = loop_indices(shape[len(stack) :])
    return nest(inner, at.store((*stack, *inner), value))


def nan_if(failed: Scalar, at: Memory, stack: Sequence[Any], node: Tensor) -> tuple[Statement, ...]:
    """Return statements that fill one matrix of the result with NaN under a condition."""
    return (If(failed, fill(at, stack, node.type.shape, literal(np.nan, node.dtype))),)


def failed(info: Local) -> Scalar:
    """Return whether LAPACK failed; it also does where it sees NaN."""
    return Read(info).differs(0)


def pick(condition: Scalar, value: Scalar) -> Scalar:
    """Return the value under a condition, else 0; it is read only then."""
    if value.dtype.is_complex:
        parts = pick(condition, real_part(value)), pick(condition, imaginary_part(value))
        return Complex(*parts, value.dtype)
    return Guard(condition, value, literal(0, value.dtype))


def widened(value: Scalar, dtype: DType) -> Scalar:
    """Return a real number as one of a dtype, which may be complex."""
    number = value.cast(dtype.real)
    return Complex(number, number.like(0), dtype) if dtype.is_complex else number


def conjugate(value: Scalar) -> Scalar:
    """Return the conjugate of an element."""
    if not value.dtype.is_complex:
        return value
    return Complex(real_part(value), -imaginary_part(value), value.dtype)


def put(buffer: Buffer, place: Size, value: Scalar) -> tuple[Statement, ...]:
    """Return what stores an element in scratch memory, where a complex one is a pair."""
    if not value.dtype.is_complex:
        return (Store(buffer, place, value),)
    first = mul(place, 2)
    return (
        Store(buffer, first, real_part(value)),
        Store(buffer, add(first, 1), imaginary_part(value)),
    )


def take(buffer: Buffer, place: Size, dtype: DType) -> Scalar:
    """Return an element of scratch memory that :func:`put` stores."""
    if not dtype.is_complex:
        return Load(buffer, place)
    first = mul(place, 2)
    return Complex(Load(buffer, first), Load(buffer, add(first, 1)), dtype)


def stated(
    at: Memory, name: str, value: int, dtype: DType
) -> tuple[Argument, tuple[Statement, ...]]:
    """Return a number as BLAS takes it, a complex one from memory, and what puts it there."""
    if not dtype.is_complex:
        return Pass(literal(value, dtype)), ()
    buffer = at.scratch(name, dtype, 1)
    parts = tuple(Store(buffer, k, literal(value * (1 - k), dtype.real)) for k in (0, 1))
    return Address(buffer, 0, written=False), parts


def each_matrix(
    function: Callable[..., Array], shape: tuple[int, ...], dtype: DType, *stacks: Array
) -> Array:
    """Apply a function of NumPy to each matrix of stacks; NaN where it fails."""
    result = np.full(shape, np.nan, dtype.numpy)
    for index in np.ndindex(shape[:-2]):
        # What fails is NaN, as in native code.
        with contextlib.suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
            result[index] = function(*(stack[index] for stack in stacks))
    return result


# -- operands ------------------------------------------------------------------------------------


def as_matrices(op: str, **given: Any) -> list[Tensor]:
    """Return operands as floats or complex numbers of one dtype, in single or double precision.

    Args:
        op: the public function.
        **given: the operands by name.

    Raises:
        GraphTypeError: one of them is no array.
    """
    lifted = lift_all(op, list(given.values()))
    dtype = common_dtype(lifted)
    if dtype not in (*REALS, *COMPLEX):
        dtype = F64 if dtype.is_integer and dtype.bits > 16 else F32
    return [cast(v, dtype) for v in lifted]


def need_matrix(op: str, x: Tensor, *, square: bool = False, name: str = "x") -> None:
    """Check that an operand is a stack of matrices.

    Raises:
        GraphTypeError: it has less than two axes, or is known not to be square.
    """
    if x.ndim < 2:
        raise GraphTypeError(
            f"{op}: takes matrices, stacked along leading axes\n{operand_lines((name,), (x,))}"
        )
    if square and unify(x.type.shape[-2], x.type.shape[-1]) is None:
        raise GraphTypeError(
            f"{op}: takes square matrices, not {shape_text(x.type.shape[-2:])}\n"
            f"{operand_lines((name,), (x,))}"
        )


def same_stack(op: str, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return two stacks of matrices with their leading axes broadcast.

    Raises:
        GraphTypeError: they do not broadcast.
    """
    stack = broadcast_sizes([x.type.shape[:-2], y.type.shape[:-2]])
    if stack is None:
        raise GraphTypeError(
            f"{op}: the stacks {shape_text(x.type.shape[:-2])} and "
            f"{shape_text(y.type.shape[:-2])} do not broadcast\n"
            f"{operand_lines(('x', 'y'), (x, y))}"
        )
    return (
        broadcast(x, (*stack, *x.type.shape[-2:])),
        broadcast(y, (*stack, *y.type.shape[-2:])),
    )


def equal_sizes(words: str, *pairs: tuple[Size, Size]) -> tuple[Requirement, ...]:
    """Return the requirements that sizes are equal, where it is not seen."""
    return tuple(Requirement("equal", a, b, words) for a, b in pairs if a != b)


def is_square(x: Tensor) -> tuple[Requirement, ...]:
    """Return the requirement that matrices are square."""
    *_, m, n = x.type.shape
    return equal_sizes(f"rows and columns of {x.type}", (m, n))


def countable(*sizes: Size) -> tuple[Requirement, ...]:
    """Return the requirements that LAPACK's integers hold these sizes."""
    words = f"size is too large for LAPACK, which takes up to {MOST}"
    return tuple(Requirement("at_most", s, MOST, words) for s in sizes if not isinstance(s, int))


# -- success -------------------------------------------------------------------------------------


def _same(x: Array, *_: Any) -> Array:
    return x


class Sound(Movement):
    """What it is given, after a call has found that nothing failed."""

    x: Tensor
    flag: Tensor
    failures: Size
    words: str

    public = "sound"
    reference = staticmethod(_same)
    rebuilds_sizes = True
    domain = (Domain(), Domain(0, 0, dtypes=(I8,)))
    samples = (Sample(((2, 3), (2,))), Sample(((0,), ())))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        x, numbers = operands
        return sound(x, numbers != 0, "raise", "test: failed")

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def source_index(self, index: Shape) -> Shape:
        """The same."""
        return index

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent, which is as little worth where something failed."""
        return Sound(ct, self.flag, self.failures, self.words), None

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Nothing failed in any example."""
        x, flag = operands
        whole = x if batched[0] else in_front(x, size)
        return sound(whole, flag, "raise", self.words)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The operand."""
        return operands[0]

    def requirements(self) -> tuple[Requirement, ...]:
        """Nothing failed."""
        if self.failures == 0:
            return ()
        return (Requirement("sound", self.failures, 0, self.words),)


def sound(x: Tensor, flags: Tensor, on_error: OnError, words: str) -> Tensor:
    """Return ``x``; in a call, any of the flags is an error with these words.

    Args:
        x: what is returned.
        flags: whether something failed, of any shape.
        on_error: "raise", or "nan" to check nothing.
        words: the function and what failed.

    Raises:
        GraphTypeError: ``on_error`` is something else.
    """
    if on_error == "nan":
        return x
    if on_error != "raise":
        op = words.split(":", maxsplit=1)[0]
        raise GraphTypeError(f'{op}: on_error is "raise" or "nan", but this is {on_error!r}')
    flag = flags.any() if flags.ndim else flags
    return Sound(x, flag, size_of(flag.astype(I64)), words)


def is_nan(x: Tensor) -> Tensor:
    """Return which elements are NaN."""
    return x != x  # noqa: PLR0124


OPS: tuple[type[Op], ...] = (Sound,)

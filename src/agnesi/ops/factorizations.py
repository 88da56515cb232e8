"""Triangular factors, and linear equations that they solve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agnesi.core.dtypes import I32, I64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, fresh_index
from agnesi.dims.simplify import minimum
from agnesi.graph.tensor import Array, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Accumulate,
    Address,
    Assign,
    For,
    If,
    Load,
    Read,
    Store,
    fresh_local,
    index_of,
    index_scalar,
    literal,
    real_part,
)
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import absolute, sign
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import MakeComplex, conj, imag, real
from agnesi.ops.creation import Arange
from agnesi.ops.diagonals import tril, triu
from agnesi.ops.elementary import log
from agnesi.ops.families import Composite, Domain, Memory, Op, Reject, Requirement, Sample
from agnesi.ops.lapack import (
    COMPLEX,
    LEFT,
    LOWER,
    ONES,
    PLAIN,
    REALS,
    STATED,
    TRANSPOSED,
    UPPER,
    Lapack,
    OnError,
    as_matrices,
    blas,
    count,
    countable,
    diagonal_of,
    dominant,
    dominant_array,
    each_matrix,
    equal_sizes,
    failed,
    identity,
    is_nan,
    is_square,
    lapack,
    leading,
    letter,
    nan_if,
    need_matrix,
    on_diagonal,
    one_triangle,
    pick,
    same_stack,
    sound,
    stated,
    whole,
    widened,
)
from agnesi.ops.lift import operand_lines, unify
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import expand_dims, filled_like
from agnesi.ops.nests import loop_indices, nest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.loops.nodes import Statement

_SQUARE = (
    Sample(((3, 3),)),
    Sample(((2, 4, 4),)),
    Sample(((1, 1),)),
    Sample(((0, 0),)),
    Sample(((0, 3, 3),)),
    Sample(((2, 2, 2, 2),)),
)
NOT_SQUARE = (
    Reject(("f32[3]",), "takes matrices"),
    Reject(("f32[2, 3]",), "square matrices, not [2, 3]"),
)
_SMALL = Domain(-1, 1)


class SlogdetResult(NamedTuple):
    """Sign and logarithm of the absolute value of determinants."""

    sign: Tensor
    logabsdet: Tensor


class LuFactorResult(NamedTuple):
    """Both factors in one matrix, and the exchanges of rows."""

    lu: Tensor
    piv: Tensor


class LuResult(NamedTuple):
    """``p @ l @ u`` is the matrix."""

    p: Tensor
    l: Tensor
    u: Tensor


# -- Cholesky ------------------------------------------------------------------------------------


def _cholesky_of(x: Array) -> Array:
    return np.linalg.cholesky(dominant_array(x))


class Cholesky(Lapack):
    """The lower Cholesky factor of a matrix, of which the lower triangle is read."""

    x: Tensor

    public = "cholesky"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_cholesky_of)
    domain = (_SMALL,)
    samples = _SQUARE
    rejects = (*NOT_SQUARE, Reject(("f32[2, 2]",), "on_error", (), {"on_error": "stop"}))

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Factor the lower triangle in place: columns first, it is the upper one."""
        shape = self.type.shape
        *stack, i, j = loop_indices(shape)
        n = shape[-1]
        below = index_scalar(j) <= index_scalar(i)
        copy = at.store((*stack, i, j), pick(below, at.read(0, (*stack, i, j))))
        first = at.result((*stack, 0, 0))
        call, info = lapack("potrf", self.dtype, (letter("U"), count(n), first, leading(n)))
        body = (*nest((i, j), copy), call, *nan_if(failed(info), at, stack, self))
        return nest(stack, body)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Through ``L^-T tril(L^T ct) conj(L)^-1``; all of it falls to the lower triangle."""
        product = tril(MatMul(self.mT, ct))
        halved = where(on_diagonal(product), product * 0.5, product)
        left = SolveTriangular(self, halved, True, True, False)
        return (one_triangle(SolveTriangular(conj(self), left.mT, True, True, False).mT),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return each_matrix(np.linalg.cholesky, operands[0].shape, self.dtype, operands[0])

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def cholesky(x: TensorLike, /, *, upper: bool = False, on_error: OnError = "raise") -> Tensor:
    """Return the Cholesky factor of each positive definite matrix, as ``numpy.linalg.cholesky``.

    Args:
        x: ``[..., n, n]``; only the lower triangle is read, with ``upper`` only the upper one.
        upper: return ``U`` with ``x = U^H @ U`` instead of ``L`` with ``x = L @ L^H``.
        on_error: what to do about a matrix that is not positive definite: ``"raise"``, or give
            ``"nan"``.

    Returns:
        ``[..., n, n]``, of floats or complex numbers; the latter with a real diagonal.

    Raises:
        GraphTypeError: no square matrices.
        LinAlgError: in a call, a matrix is not positive definite, or holds NaN.

    >>> ag.linalg.cholesky(ag.constant([[4.0, 2.0], [2.0, 5.0]])).eval()
    array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    (tensor,) = as_matrices("cholesky", x=x)
    need_matrix("cholesky", tensor, square=True)
    factor = Cholesky(tensor.mT if upper else tensor)
    words = "cholesky: a matrix is not positive definite"
    checked = sound(factor, is_nan(factor), on_error, words)
    return checked.mT if upper else checked


# -- triangular equations ------------------------------------------------------------------------


def _triangle(x: Array, low: bool, trans: int, unit: bool) -> Array:
    part = np.tril(x) if low else np.triu(x)
    if unit:
        eye = np.eye(x.shape[-1], dtype=bool)
        part = np.where(eye, x.dtype.type(1), part)
    turned = np.swapaxes(part, -1, -2) if trans else part
    return np.conj(turned) if trans == 2 else turned


def _solve_triangular_of(
    a: Array,
    b: Array,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
) -> Array:
    matrix = _triangle(dominant_array(a), lower, 2 if trans == "C" else int(trans), unit_diagonal)
    return np.linalg.solve(matrix, b)


class SolveTriangular(Lapack):
    """Solve ``a @ x = b`` where one triangle of ``a`` counts and the other is not read."""

    a: Tensor
    b: Tensor
    low: bool
    trans: bool
    unit: bool

    public = "solve_triangular"
    streams = (1,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_solve_triangular_of)
    domain = (_SMALL, Domain())
    samples = (
        Sample(((3, 3), (3, 2))),
        Sample(((3, 3), (3,)), (0, True)),
        Sample(((2, 3, 3), (2, 3, 4)), (1, True)),
        Sample(((4, 4), (4, 1)), (1,)),
        Sample(((3, 3), (3, 2)), (2,)),
        Sample(((2, 2), (2,)), ("C", True)),
        Sample(((3, 3), (3, 2)), (0, True, True)),
        Sample(((2, 1, 3, 3), (4, 3, 1)), (0, False, True)),
        Sample(((0, 0), (0, 2))),
        Sample(((2, 2), (2, 0))),
    )
    rejects = (
        Reject(("f32[2, 3]", "f32[3]"), "square matrices"),
        Reject(("f32[3, 3]", "f32[4, 2]"), "3 rows of a do not meet the 4 rows of b"),
        Reject(("f32[3, 3]", "f32[3]"), "trans", ("X",)),
        Reject(("f32[2, 3, 3]", "f32[3, 3, 1]"), "do not broadcast"),
    )

    def infer(self) -> TensorType:
        """The type of ``b``."""
        return self.b.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy ``b``, and let BLAS solve in place."""
        *stack, i, j = loop_indices(self.type.shape)
        n, m = self.type.shape[-2:]
        copy = at.store((*stack, i, j), at.read(1, (*stack, i, j)))
        one, state = stated(at, "one", 1, self.dtype)
        solve = blas(
            "trsm",
            self.dtype,
            (
                whole(LEFT),
                whole(LOWER if self.low else UPPER),
                whole(TRANSPOSED if self.trans else PLAIN),
                whole(ONES if self.unit else STATED),
                count(n),
                count(m),
                one,
                at.operand(0, (*stack, 0, 0)),
                leading(n),
                at.result((*stack, 0, 0)),
                leading(m),
            ),
        )
        return [*state, *nest(stack, (*nest((i, j), copy), solve))]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``w = a^-T ct`` for ``b``, and the triangle of ``-w @ x.T`` for ``a``."""
        w = SolveTriangular(self.a, ct, self.low, not self.trans, self.unit)
        outer = MatMul(self, w.mT) if self.trans else MatMul(w, self.mT)
        unit = int(self.unit)
        return -(tril(outer, -unit) if self.low else triu(outer, unit)), w

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's general solver, for the triangle."""
        matrix = _triangle(operands[0], self.low, int(self.trans), self.unit)
        return each_matrix(np.linalg.solve, operands[1].shape, self.dtype, matrix, operands[1])

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that fit."""
        return _equation_needs(self.a, self.b)


def _equation_needs(a: Tensor, b: Tensor) -> tuple[Requirement, ...]:
    pairs = [(a.type.shape[-1], b.type.shape[-2])]
    pairs += list(zip(a.type.shape[:-2], b.type.shape[:-2], strict=True))
    words = f"equations {a.type} and right sides {b.type}"
    return (*is_square(a), *equal_sizes(words, *pairs), *countable(b.type.shape[-1]))


def _equation(op: str, a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor, bool]:
    """Return operands of one dtype and stack, and whether the right side was a vector."""
    matrix, right = as_matrices(op, a=a, b=b)
    need_matrix(op, matrix, square=True, name="a")
    if not right.ndim:
        raise GraphTypeError(
            f"{op}: b is a vector or a matrix\n{operand_lines(('a', 'b'), (matrix, right))}"
        )
    vector = right.ndim == 1
    column = expand_dims(right, -1) if vector else right
    rows, others = matrix.type.shape[-2], column.type.shape[-2]
    if unify(rows, others) is None:
        raise GraphTypeError(
            f"{op}: the {rows} rows of a do not meet the {others} rows of b\n"
            f"{operand_lines(('a', 'b'), (matrix, right))}"
        )
    return (*same_stack(op, matrix, column), vector)


def solve_triangular(
    a: TensorLike,
    b: TensorLike,
    /,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    *,
    on_error: OnError = "raise",
) -> Tensor:
    """Solve ``a @ x = b`` for triangular matrices, as ``scipy.linalg.solve_triangular``.

    Args:
        a: ``[..., n, n]``; the other triangle is not read.
        b: ``[n]`` or ``[..., n, m]``; stacks broadcast.
        trans: 0 or ``"N"`` for ``a``; 1 or ``"T"`` for its transpose, 2 or ``"C"`` for the
            conjugate of that.
        lower: whether the lower triangle counts.
        unit_diagonal: take the diagonal as ones, unread.
        on_error: what to do about a 0 on the diagonal: ``"raise"``, or give ``"nan"``.

    Raises:
        GraphTypeError: sizes that are known not to fit.
        LinAlgError: in a call, a matrix is singular.

    >>> a = ag.constant([[2.0, 1.0], [0.0, 4.0]])
    >>> ag.linalg.solve_triangular(a, ag.constant([4.0, 8.0])).eval()
    array([1., 2.], dtype=float32)
    """
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise GraphTypeError(f'solve_triangular: trans is "N", "T" or "C", but this is {trans!r}')
    matrix, right, vector = _equation("solve_triangular", a, b)
    if trans in (2, "C"):
        matrix = conj(matrix)
    result: Tensor = SolveTriangular(matrix, right, lower, trans not in (0, "N"), unit_diagonal)
    if not unit_diagonal:
        zero = diagonal_of(matrix) == 0
        words = "solve_triangular: a matrix is singular, with 0 on its diagonal"
        bad = expand_dims(expand_dims(zero.any(-1), -1), -1)
        result = where(bad, np.nan, result) if on_error == "nan" else result
        result = sound(result, zero, on_error, words)
    return result[..., 0] if vector else result


def cho_solve(c_and_lower: tuple[TensorLike, bool], b: TensorLike, /) -> Tensor:
    """Solve ``a @ x = b`` given a Cholesky factor of ``a``, as ``scipy.linalg.cho_solve``.

    Args:
        c_and_lower: the factor and whether it is the lower one.
        b: ``[n]`` or ``[..., n, m]``.

    >>> factor = ag.linalg.cholesky(ag.constant([[4.0, 0.0], [0.0, 1.0]]))
    >>> ag.linalg.cho_solve((factor, True), ag.constant([8.0, 3.0])).eval()
    array([2., 3.], dtype=float32)
    """
    factor, is_lower = c_and_lower
    first = solve_triangular(factor, b, 0 if is_lower else "C", is_lower)
    return solve_triangular(factor, first, "C" if is_lower else 0, is_lower)


# -- LU ------------------------------------------------------------------------------------------


def _lu(x: Array) -> Array:
    """Return the transposed factors of one matrix with a row of pivots below, counted from 0."""
    m, n = x.shape
    work, steps = x.copy(), min(m, n)
    pivots = np.zeros(m, x.dtype)
    pivots[:] = np.arange(m)
    for k in range(steps):
        # LAPACK's measure of a complex number is the sum of its parts.
        column = work[k:, k]
        best = k + int(np.argmax(np.abs(column.real) + np.abs(column.imag)))
        pivots[k] = best
        work[[k, best]] = work[[best, k]]
        if work[k, k] != 0:
            work[k + 1 :, k] /= work[k, k]
            work[k + 1 :, k + 1 :] -= np.outer(work[k + 1 :, k], work[k, k + 1 :])
    return np.concatenate([work.T, pivots[None]])


def _lu_of(x: Array) -> Array:
    shape = (*x.shape[:-2], x.shape[-1] + 1, x.shape[-2])
    result = np.zeros(shape, x.dtype)
    for index in np.ndindex(x.shape[:-2]):
        result[index] = _lu(dominant_array(x)[index])
    return result


class Eliminated(Lapack):
    """What elimination with exchanges of rows leaves.

    Row ``j`` holds column ``j`` of ``U`` and, below the diagonal, of ``L``; the last row holds
    which row was exchanged with row ``k``, counted from 0, or ``k`` itself.
    """

    x: Tensor

    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_lu_of)
    domain = (_SMALL,)
    samples = (
        Sample(((3, 3),)),
        Sample(((2, 4, 4),)),
        Sample(((1, 1),)),
        Sample(((0, 0),)),
        Sample(((0, 3, 3),)),
    )

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """``[..., columns + 1, rows]``."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, add(n, 1), m))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the matrix columns first, factor it in place, and note the exchanges."""
        *stack, i, j = loop_indices(self.x.type.shape)
        m, n = self.x.type.shape[-2:]
        steps = minimum(m, n)
        pivots = at.scratch("pivots", I32, steps)
        copy = at.store((*stack, j, i), at.read(0, (*stack, i, j)))
        arguments = (
            count(m), count(n), at.result((*stack, 0, 0)), leading(m),
            Address(pivots, 0, written=True),
        )  # fmt: skip
        call, info = lapack("getrf", self.dtype, arguments)
        k, rest = fresh_index("k", steps), fresh_index("k", m)
        note = at.store((*stack, n, k), widened(Load(pivots, k) - 1, self.dtype))
        clear = at.store((*stack, n, rest), widened(index_scalar(rest), self.dtype))
        body = (
            *nest((j, i), copy),
            call,
            # A pivot of 0 is not a failure of the factorisation; what is no number is.
            *nan_if(Read(info) < 0, at, stack, self),
            For(rest, clear),
            If(Read(info) >= 0, (For(k, note),)),
        )
        return nest(stack, body)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Step by step."""
        (x,) = operands
        shape = (*x.shape[:-2], x.shape[-1] + 1, x.shape[-2])
        return each_matrix(_lu, shape, self.dtype, x)

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that LAPACK holds."""
        return countable(*self.x.type.shape[-2:])


class Lu(Eliminated):
    """The factors ``L`` and ``U`` of a matrix with its rows exchanged, packed."""

    public = "lu_packed"

    def no_derivative(self, place: int) -> str | None:
        """That of matrices that are not square is not known here."""
        *_, m, n = self.x.type.shape
        return "the matrix is not square" if unify(m, n) is None else None

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``P.T L^-T (tril(L.T ctL, -1) + triu(ctU U.T)) U^-T`` for square matrices."""
        if self.no_derivative(0) is not None:
            return (None,)
        factors, change = packed(self), ct[..., :-1, :].mT
        low, up = unit_lower(factors), triu(factors)
        below = tril(MatMul(low.mT, tril(change, -1)), -1)
        inner = below + triu(MatMul(triu(change), up.mT))
        left = SolveTriangular(factors, inner, True, True, True)
        right = SolveTriangular(factors, left.mT, False, False, False).mT
        return (MatMul(exchanged(self).mT, right),)


class Factors(Eliminated):
    """The factors of a square matrix for ops that read them and see to its gradient."""

    public = "factors"
    differentiable = False
    cuts_gradients = True

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return (*is_square(self.x), *super().requirements())


def packed(lu: Tensor) -> Tensor:
    """Return the two factors of an :class:`Lu` in one matrix, as LAPACK packs them."""
    return lu[..., :-1, :].mT


def unit_lower(factors: Tensor) -> Tensor:
    """Return the factor ``L``, with ones on the diagonal."""
    return where(on_diagonal(factors), 1, tril(factors, -1))


class Exchanges(Lapack):
    """From the exchanges of rows, one after another, to the order they leave the rows in."""

    x: Tensor

    public = "exchanges"
    streams = (0,)
    differentiable = False
    domain = (Domain(0, 0),)
    samples = (Sample(((3,),)), Sample(((2, 4),)), Sample(((0,),)))

    @staticmethod
    def reference(x: Array) -> Array:
        """Exchange."""
        order = np.zeros(x.shape, np.int64)
        order[...] = np.arange(x.shape[-1])
        for index in np.ndindex(x.shape[:-1]):
            for k, other in enumerate(x[index].astype(int)):
                order[index][[k, other]] = order[index][[other, k]]
        return order

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """Integers."""
        return TensorType(I64, self.x.type.shape)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Begin with the rows in order."""
        *stack, i = loop_indices(self.type.shape)
        k = fresh_index("k", self.type.shape[-1])
        other = at.read(0, (*stack, k)).cast(I64)
        here, there = fresh_local("here", I64), fresh_local("there", I64)
        place = fresh_local("place", I64)
        swap = (
            Assign(place, other),
            Assign(here, at.load((*stack, k))),
            Assign(there, at.load((*stack, index_of(Read(place))))),
            *at.store((*stack, k), Read(there)),
            *at.store((*stack, index_of(Read(place))), Read(here)),
        )
        start = at.store((*stack, i), index_scalar(i))
        # What is no number is no place.
        fine = (other >= 0) & (other < index_scalar(self.type.shape[-1]))
        return nest(stack, (For(i, start), For(k, (If(fine, swap),))))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return Exchanges.reference(np.nan_to_num(operands[0]))


def exchanged(lu: Tensor) -> Tensor:
    """Return the matrix ``P`` of an :class:`Lu` of square matrices, with ``P @ x = L @ U``."""
    order = Exchanges(real(lu[..., -1, :]))
    shape = (*order.type.shape, order.type.shape[-1])
    spread = expand_dims(order, -1)
    return (spread == Arange(shape, len(shape) - 1)).astype(lu.dtype)


# -- equations -----------------------------------------------------------------------------------


def _solve_of(a: Array, b: Array) -> Array:
    return np.linalg.solve(dominant_array(a), b)


class Solve(Lapack):
    """Solve ``a @ x = b``: each row of the result for a row of the operand.

    The matrix itself is an operand for its gradient; code reads its factors.
    """

    a: Tensor
    factors: Tensor
    b: Tensor
    trans: bool

    public = "solve"
    streams = (0, 2)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_solve_of)
    domain = (_SMALL, Domain())
    samples = (
        Sample(((3, 3), (3, 2))),
        Sample(((3, 3), (3,))),
        Sample(((2, 4, 4), (4, 3))),
        Sample(((3, 3), (2, 3, 1))),
        Sample(((0, 0), (0, 2))),
        Sample(((2, 2), (2, 0))),
        Sample(((1, 1), (1,))),
    )
    rejects = (
        Reject(("f32[2, 3]", "f32[3]"), "square matrices"),
        Reject(("f32[3, 3]", "f32[4, 2]"), "3 rows of a do not meet the 4 rows of b"),
        Reject(("f32[3, 3]", "f32[]"), "a vector or a matrix"),
    )

    def infer(self) -> TensorType:
        """The type of the right sides."""
        return self.b.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the right sides and let LAPACK solve in place."""
        *stack, i, j = loop_indices(self.type.shape)
        m, n = self.type.shape[-2:]
        pivots = at.scratch("pivots", I32, n)
        copy = at.store((*stack, i, j), at.read(2, (*stack, i, j)))
        k = fresh_index("k", n)
        zero = fresh_local("zero", I64)
        number = real_part(at.read(1, (*stack, n, k)))
        # A row of exchanges is NaN where the matrix was.
        known = number.equals(number)
        pivot = pick(known, number).cast(I32) + 1
        singular = at.read(1, (*stack, k, k)).equals(0) | ~known
        look = (
            Store(pivots, k, pivot),
            Accumulate(zero, Prim.ADD, singular.cast(I64)),
        )
        arguments = (
            letter("T" if self.trans else "N"), count(n), count(m),
            at.operand(1, (*stack, 0, 0)), leading(n), Address(pivots, 0, written=False),
            at.result((*stack, 0, 0)), leading(n),
        )  # fmt: skip
        call, info = lapack("getrs", self.dtype, arguments)
        body = (
            *nest((i, j), copy),
            Assign(zero, literal(0, I64)),
            For(k, look),
            If(Read(zero).equals(0), (call, *nan_if(failed(info), at, stack, self))),
            *nan_if(Read(zero).differs(0), at, stack, self),
        )
        return nest(stack, body)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``w = a^-T ct`` for ``b``, ``-w x.T`` for ``a``."""
        w = Solve(self.a, self.factors, ct, not self.trans)
        outer = MatMul(self.mT, w) if self.trans else MatMul(w.mT, self)
        return -outer, None, w

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        a, _, b = operands
        matrix = np.swapaxes(a, -1, -2) if self.trans else a
        rows = np.swapaxes(b, -1, -2)
        found = each_matrix(np.linalg.solve, rows.shape, self.dtype, matrix, rows)
        return np.ascontiguousarray(np.swapaxes(found, -1, -2))

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that fit."""
        *stack, m, n = self.b.type.shape
        pairs = [(self.a.type.shape[-1], n), *zip(self.a.type.shape[:-2], stack, strict=True)]
        words = f"equations {self.a.type} and rows {self.b.type}"
        return (*is_square(self.a), *equal_sizes(words, *pairs), *countable(m))


def solved(op: str, a: Tensor, b: Tensor, on_error: OnError) -> Tensor:
    """Return the solution of ``a @ x = b`` for stacks of matrices of one stack."""
    factors = Factors(a)
    rows = Solve(a, factors, b.mT, False)
    zero = diagonal_of(packed(factors)) == 0
    return sound(rows, zero, on_error, f"{op}: a matrix is singular").mT


def solve(a: TensorLike, b: TensorLike, /, *, on_error: OnError = "raise") -> Tensor:
    """Return the solution ``x`` of ``a @ x = b``, as ``numpy.linalg.solve``.

    Args:
        a: ``[..., n, n]``.
        b: ``[n]``, or ``[..., n, m]``; stacks broadcast.
        on_error: what to do about a singular matrix: ``"raise"``, or give ``"nan"``.

    Raises:
        GraphTypeError: sizes that are known not to fit.
        LinAlgError: in a call, a matrix is singular.

    >>> a = ag.constant([[3.0, 1.0], [1.0, 2.0]])
    >>> ag.linalg.solve(a, ag.constant([9.0, 8.0])).eval()
    array([2., 3.], dtype=float32)
    """
    matrix, right, vector = _equation("solve", a, b)
    result = solved("solve", matrix, right, on_error)
    return result[..., 0] if vector else result


def inv(x: TensorLike, /, *, on_error: OnError = "raise") -> Tensor:
    """Return the inverse of each square matrix, as ``numpy.linalg.inv``; errors as ``solve``'s.

    >>> ag.linalg.inv(ag.constant([[2.0, 0.0], [0.0, 4.0]])).eval()
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    (tensor,) = as_matrices("inv", x=x)
    need_matrix("inv", tensor, square=True)
    return solved("inv", tensor, identity(tensor.type.shape, tensor.dtype), on_error)


# -- determinants --------------------------------------------------------------------------------


def _parity(lu: Tensor) -> Tensor:
    """Return the sign of the exchanges of rows."""
    swaps = real(lu[..., -1, :])
    moved = swaps != Arange(swaps.type.shape, swaps.ndim - 1).astype(swaps.dtype)
    odd = moved.sum(-1) & 1
    return where(odd == 1, -1, 1).astype(lu.dtype)


def _det_of(x: Array) -> Array:
    return np.linalg.det(dominant_array(x))


class Det(Composite):
    """Determinant of each square matrix."""

    x: Tensor

    public = "det"
    reference = staticmethod(_det_of)
    dtypes = (*REALS, *COMPLEX)
    domain = (_SMALL,)
    tolerance = 512.0
    samples = _SQUARE
    rejects = NOT_SQUARE

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function with a matrix far from singular."""
        return det(dominant(operands[0]))

    def infer(self) -> TensorType:
        """A number for each matrix."""
        return TensorType(self.x.dtype, self.x.type.shape[:-2])

    def decompose(self) -> Tensor:
        """The product of the pivots."""
        factors = Factors(self.x)
        return diagonal_of(packed(factors)).prod(-1) * _parity(factors)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``ct * det * x^-T``."""
        return (_inverse_transposed(self.x) * _spread(ct * self),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.asarray(np.linalg.det(operands[0]), self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _spread(x: Tensor) -> Tensor:
    return expand_dims(expand_dims(x, -1), -1)


def _inverse_transposed(x: Tensor) -> Tensor:
    return Solve(x, Factors(x), identity(x.type.shape, x.dtype), False)


def _logabsdet_of(x: Array) -> Array:
    return np.linalg.slogdet(dominant_array(x)).logabsdet


class LogAbsDet(Composite):
    """Logarithm of the absolute determinant of each square matrix."""

    x: Tensor

    public = "logabsdet"
    reference = staticmethod(_logabsdet_of)
    dtypes = (*REALS, *COMPLEX)
    domain = (_SMALL,)
    tolerance = 512.0
    samples = _SQUARE

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; its public function is ``slogdet``."""
        return cls(dominant(operands[0]))

    def infer(self) -> TensorType:
        """A real number for each matrix."""
        return TensorType(self.x.dtype.real, self.x.type.shape[:-2])

    def decompose(self) -> Tensor:
        """The sum of the logarithms of the pivots."""
        return log(absolute(diagonal_of(packed(Factors(self.x))))).sum(-1)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``ct * x^-T``."""
        return (_inverse_transposed(self.x) * _spread(ct),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.asarray(np.linalg.slogdet(operands[0]).logabsdet, self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _signdet_of(x: Array) -> Array:
    return np.linalg.slogdet(dominant_array(x)).sign


class SignDet(Composite):
    """Determinant of each square matrix, divided by its absolute value."""

    x: Tensor

    public = "signdet"
    reference = staticmethod(_signdet_of)
    dtypes = (*REALS, *COMPLEX)
    differentiable = False
    domain = (_SMALL,)
    tolerance = 512.0
    samples = _SQUARE

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; its public function is ``slogdet``."""
        return cls(dominant(operands[0]))

    def infer(self) -> TensorType:
        """A number for each matrix."""
        return TensorType(self.x.dtype, self.x.type.shape[:-2])

    def decompose(self) -> Tensor:
        """The product of the signs of the pivots."""
        factors = Factors(self.x)
        return sign(diagonal_of(packed(factors))).prod(-1) * _parity(factors)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """A complex sign turns by the imaginary part of the trace of ``x^-1 dx``."""
        if not self.dtype.is_complex:
            return (None,)
        turn = imag(ct * self)
        return (_inverse_transposed(self.x) * _spread(MakeComplex(filled_like(turn, 0), turn)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.asarray(np.linalg.slogdet(operands[0]).sign, self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def det(x: TensorLike, /) -> Tensor:
    """Return the determinant of each square matrix, as ``numpy.linalg.det``.

    Note: the gradient is that of ``exp(log(det))``: it is NaN where a matrix is singular.

    Raises:
        GraphTypeError: no square matrices.

    >>> ag.linalg.det(ag.constant([[2.0, 1.0], [1.0, 3.0]])).eval()
    array(5., dtype=float32)
    """
    (tensor,) = as_matrices("det", x=x)
    need_matrix("det", tensor, square=True)
    return Det(tensor)


def slogdet(x: TensorLike, /) -> SlogdetResult:
    """Return sign and logarithm of the absolute value of each determinant.

    As ``numpy.linalg.slogdet``: 0 and ``-inf`` for a singular matrix.  The sign of a complex
    determinant is complex, of absolute value 1.

    Raises:
        GraphTypeError: no square matrices.

    >>> sign, logabsdet = ag.linalg.slogdet(ag.constant([[0.0, 1.0], [1.0, 0.0]]))
    >>> sign.eval(), logabsdet.eval()
    (array(-1., dtype=float32), array(0., dtype=float32))
    """
    (tensor,) = as_matrices("slogdet", x=x)
    need_matrix("slogdet", tensor, square=True)
    return SlogdetResult(SignDet(tensor), LogAbsDet(tensor))


def lu_factor(x: TensorLike, /) -> LuFactorResult:
    """Return the LU factors of each matrix in one, as ``scipy.linalg.lu_factor``.

    Args:
        x: ``[..., m, n]``.

    Returns:
        ``lu`` of the shape of ``x``: ``U``, and ``L`` below the diagonal without its ones; ``piv``,
        i32 ``[..., min(m, n)]``: row ``k`` was exchanged with row ``piv[k]``.

    Raises:
        GraphTypeError: no matrices.
    """
    (tensor,) = as_matrices("lu_factor", x=x)
    need_matrix("lu_factor", tensor)
    factors = Lu(tensor)
    steps = minimum(*tensor.type.shape[-2:])
    return LuFactorResult(packed(factors), real(factors[..., -1, : scalar_of(steps)]).astype(I32))


def lu(x: TensorLike, /) -> LuResult:
    """Return ``p``, ``l`` and ``u`` with ``x = p @ l @ u``, as ``scipy.linalg.lu``.

    Args:
        x: ``[..., m, n]``; with ``k = min(m, n)`` the factors are ``[..., m, m]``, ``[..., m, k]``
            with ones on the diagonal, and ``[..., k, n]``.  The derivative is known for square
            matrices only.

    Raises:
        GraphTypeError: no matrices.

    >>> p, l, u = ag.linalg.lu(ag.constant([[0.0, 2.0], [1.0, 3.0]]))
    >>> (p @ l @ u).eval()
    array([[0., 2.],
           [1., 3.]], dtype=float32)
    """
    (tensor,) = as_matrices("lu", x=x)
    need_matrix("lu", tensor)
    factors = Lu(tensor)
    both, steps = packed(factors), scalar_of(minimum(*tensor.type.shape[-2:]))
    low, up = unit_lower(both[..., :, :steps]), triu(both[..., :steps, :])
    return LuResult(exchanged(factors).mT, low, up)


OPS: tuple[type[Op], ...] = (
    Cholesky,
    SolveTriangular,
    Lu,
    Factors,
    Exchanges,
    Solve,
    Det,
    LogAbsDet,
    SignDet,
)

"""Eigenvalues and singular values, each vector in a row beside its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from agnesi.core.dtypes import complex_of
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, mul
from agnesi.dims.simplify import maximum, minimum
from agnesi.graph.tensor import Array, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Address,
    For,
    Load,
    index_scalar,
    literal,
    select,
)
from agnesi.ops.arithmetic import absolute
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import conj, real
from agnesi.ops.creation import Arange
from agnesi.ops.factorizations import Factors, Solve
from agnesi.ops.families import Domain, Memory, Op, Reject, Requirement, Sample
from agnesi.ops.joining import concatenate
from agnesi.ops.lapack import (
    COMPLEX,
    REALS,
    Lapack,
    OnError,
    adjoint,
    as_matrices,
    conjugate,
    count,
    countable,
    diagonal_of,
    each_matrix,
    failed,
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
    put,
    real_of,
    sound,
    take,
    widened,
)
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import expand_dims
from agnesi.ops.nests import loop_indices, nest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Index, Shape, Size
    from agnesi.loops.nodes import Buffer, Foreign, Local, Statement


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors in columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVDResult(NamedTuple):
    """``U @ diag(S) @ Vh`` is the matrix."""

    U: Tensor
    S: Tensor
    Vh: Tensor


_SMALL = Domain(-0.3, 0.3)


def spaced(x: Tensor) -> Tensor:
    """Return a matrix whose eigenvalues and singular values lie apart, for tests."""
    if x.ndim < 2:
        return x
    least = minimum(*x.type.shape[-2:])
    rows = scalar_of(least) - Arange(x.type.shape, x.ndim - 2)
    return where(on_diagonal(x), x + 2 * rows.astype(x.dtype), x)


def spaced_array(x: Array) -> Array:
    """Return what :func:`spaced` does."""
    m, n = x.shape[-2:]
    wide = np.zeros((m, n), x.dtype)
    for k in range(min(m, n)):
        wide[k, k] = 2 * (min(m, n) - k)
    return x + wide


def _over(difference: Tensor) -> Tensor:
    """Return the reciprocal, 0 where there is none."""
    none = difference == 0
    return where(none, 0, 1 / where(none, 1, difference))


# -- Hermitian matrices --------------------------------------------------------------------------


def _eigh(x: Array) -> Array:
    values, vectors = np.linalg.eigh(x)
    return np.concatenate([values[..., None], np.swapaxes(vectors, -1, -2)], -1)


def _eigh_of(x: Array) -> Array:
    """Return values and vectors of which one element is positive."""
    pairs = _eigh(spaced_array(x))
    n = pairs.shape[-2]
    # The values ascend, so that the k-th vector is near the axis n - 1 - k.
    turn = np.sign(pairs[..., np.arange(n), n - np.arange(n)])
    pairs[..., 1:] *= np.conj(turn)[..., None]
    return pairs


def _direction(x: Tensor) -> Tensor:
    """Return numbers other than 0 divided by their absolute values."""
    if x.dtype.is_complex:
        return x / absolute(x).astype(x.dtype)
    return where(x < 0, -1, 1).astype(x.dtype)


# LAPACK's function of real and of complex matrices.
_EIGEN = ("syevd", "heevd")


class Eigh(Lapack):
    """Eigenvalues and eigenvectors of Hermitian matrices, of which the lower triangle is read.

    Row ``k`` holds the value, as a complex number if vectors are complex, and then its vector.
    """

    x: Tensor

    public = "eigh"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_eigh_of)
    prepare = staticmethod(spaced)
    domain = (_SMALL,)
    tolerance = 2048.0
    samples = (
        Sample(((3, 3),)),
        Sample(((2, 4, 4),)),
        Sample(((1, 1),)),
        Sample(((0, 0),)),
        Sample(((0, 3, 3),)),
    )
    rejects = (
        Reject(("f32[3]",), "takes matrices"),
        Reject(("f32[2, 3]",), "square matrices, not [2, 3]"),
        Reject(("f32[2, 2]",), "UPLO", ("X",)),
    )

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function and turn the vectors so that one element is positive."""
        values, vectors = eigh(*operands, **named)
        rows = vectors.mT
        turn = conj(_direction(diagonal_of(rows[..., ::-1])))
        pairs = [expand_dims(values, -1).astype(rows.dtype), rows * expand_dims(turn, -1)]
        return concatenate(pairs, -1)

    def infer(self) -> TensorType:
        """``[..., n, 1 + n]``."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, m, add(n, 1)))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the lower triangle, columns first the upper one, and let LAPACK work in place.

        Columns first it is the transposed matrix, which is the conjugate of a Hermitian one.
        """
        *stack, i, j = loop_indices(self.x.type.shape)
        n = self.x.type.shape[-1]
        values = at.scratch("values", self.dtype.real, n)
        below = index_scalar(j) <= index_scalar(i)
        element = conjugate(pick(below, at.read(0, (*stack, i, j))))
        copy = at.store((*stack, i, add(j, 1)), element)
        arguments = (
            letter("V"), letter("U"), count(n), at.result((*stack, 0, 1)), leading(add(n, 1)),
            Address(values, 0, written=True),
        )  # fmt: skip
        call, info = lapack(_EIGEN[self.dtype.is_complex], self.dtype, arguments)
        (k,) = loop_indices((n,))
        note = at.store((*stack, k, 0), widened(Load(values, k), self.dtype))
        body = (*nest((i, j), copy), call, For(k, note), *nan_if(failed(info), at, stack, self))
        return nest(stack, body)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``conj(V) (diag(ct_w) + F * V.T ct_V) V.T`` with ``F = 1 / (w_j - w_i)``."""
        values, rows = real(self[..., 0]), self[..., 1:]
        apart = expand_dims(values, -2) - expand_dims(values, -1)
        turned = MatMul(rows, ct[..., 1:].mT) * _over(apart)
        inner = where(on_diagonal(turned), expand_dims(real_of(ct[..., 0]), -1), turned)
        return (one_triangle(MatMul(MatMul(adjoint(rows), inner), rows)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        (x,) = operands
        shape = (*x.shape[:-1], x.shape[-1] + 1)
        return each_matrix(_eigh, shape, self.dtype, x)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _eigvalsh_of(x: Array) -> Array:
    return np.linalg.eigvalsh(spaced_array(x))


class Eigvalsh(Lapack):
    """Eigenvalues of Hermitian matrices, of which the lower triangle is read."""

    x: Tensor

    public = "eigvalsh"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_eigvalsh_of)
    prepare = staticmethod(spaced)
    domain = (_SMALL,)
    samples = Eigh.samples
    rejects = Eigh.rejects

    def infer(self) -> TensorType:
        """Real, ``[..., n]``."""
        return TensorType(self.x.dtype.real, self.x.type.shape[:-1])

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Let LAPACK work on a copy; the conjugate has the same values."""
        *stack, i, j = loop_indices(self.x.type.shape)
        n, dtype = self.x.type.shape[-1], self.x.dtype
        matrix = at.scratch("matrix", dtype, mul(n, n))
        below = index_scalar(j) <= index_scalar(i)
        copy = put(matrix, add(mul(i, n), j), pick(below, at.read(0, (*stack, i, j))))
        arguments = (
            letter("N"), letter("U"), count(n), Address(matrix, 0, written=True), leading(n),
            at.result((*stack, 0)),
        )  # fmt: skip
        call, info = lapack(_EIGEN[dtype.is_complex], dtype, arguments)
        return nest(stack, (*nest((i, j), copy), call, *nan_if(failed(info), at, stack, self)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``conj(V) diag(ct) V.T``."""
        rows = Eigh(self.x)[..., 1:]
        return (one_triangle(MatMul(adjoint(rows), rows * expand_dims(ct, -1))),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        (x,) = operands

        def values(matrix: Array) -> Array:
            return np.linalg.eigvalsh(matrix)[:, None]

        return each_matrix(values, (*x.shape[:-1], 1), self.dtype, x)[..., 0]

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _symmetric(op: str, x: TensorLike, uplo: str) -> Tensor:
    (tensor,) = as_matrices(op, x=x)
    need_matrix(op, tensor, square=True)
    if uplo not in ("L", "U", "l", "u"):
        raise GraphTypeError(f'{op}: UPLO is "L" or "U", but this is {uplo!r}')
    return tensor if uplo in ("L", "l") else adjoint(tensor)


def eigh(x: TensorLike, /, UPLO: str = "L", *, on_error: OnError = "raise") -> EighResult:
    """Return eigenvalues and eigenvectors of Hermitian matrices, as ``numpy.linalg.eigh``.

    Args:
        x: ``[..., n, n]``, real (symmetric) or complex; one triangle is read.
        UPLO: the lower (``"L"``) or the upper triangle (``"U"``).
        on_error: what to do where there is no convergence, as for NaN: ``"raise"``, or give
            ``"nan"``.

    Returns:
        Eigenvalues ``[..., n]``, real and in ascending order, and eigenvectors ``[..., n, n]`` in
        columns, each up to its sign, or up to a complex factor of absolute value 1, and a gradient
        holds for what does not change with that.  The gradient with respect to vectors of equal
        eigenvalues leaves out how they turn into each other.

    Raises:
        GraphTypeError: no square matrices.
        LinAlgError: in a call, no convergence.

    >>> values, vectors = ag.linalg.eigh(ag.constant([[2.0, 0.0], [0.0, 1.0]]))
    >>> values.eval()
    array([1., 2.], dtype=float32)
    """
    pairs = Eigh(_symmetric("eigh", x, UPLO))
    checked = sound(pairs, is_nan(pairs[..., 0]), on_error, "eigh: eigenvalues did not converge")
    return EighResult(real(checked[..., 0]), checked[..., 1:].mT)


def eigvalsh(x: TensorLike, /, UPLO: str = "L", *, on_error: OnError = "raise") -> Tensor:
    """Return the eigenvalues of Hermitian matrices; arguments as :func:`eigh`'s.

    >>> ag.linalg.eigvalsh(ag.constant([[2.0, 0.0], [0.0, 1.0]])).eval()
    array([1., 2.], dtype=float32)
    """
    values = Eigvalsh(_symmetric("eigvalsh", x, UPLO))
    return sound(values, is_nan(values), on_error, "eigvalsh: eigenvalues did not converge")


# -- singular values -----------------------------------------------------------------------------


def _svd(x: Array, full: bool = False) -> Array:
    """Return what :class:`Svd` does for one matrix."""
    left, values, right = np.linalg.svd(x, full_matrices=full)
    m, n = x.shape
    result = np.zeros((max(m, n) if full else min(m, n), 1 + m + n), x.dtype)
    result[: len(values), 0] = values
    result[: left.shape[1], 1 : 1 + m] = left.T
    result[: len(right), 1 + m :] = right
    return result


def _svd_of(x: Array) -> Array:
    """Return values and vectors, with a positive element in the left ones."""
    *stack, m, n = x.shape
    result = np.zeros((*stack, min(m, n), 1 + m + n), x.dtype)
    for index in np.ndindex(*stack):
        rows = _svd(spaced_array(x[index]))
        turn = np.sign(np.diagonal(rows[:, 1:]))[:, None]
        rows[:, 1 : 1 + m] *= np.conj(turn)
        rows[:, 1 + m :] *= turn
        result[index] = rows
    return result


class Svd(Lapack):
    """Singular values and vectors.

    Row ``k`` holds the value, as a complex number if vectors are complex, its left vector and the
    conjugate of its right one.  In full there is a row for each vector, and 0 where there is no
    value or vector.
    """

    x: Tensor
    full: bool

    public = "svd"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_svd_of)
    prepare = staticmethod(spaced)
    domain = (_SMALL,)
    tolerance = 2048.0
    samples = (
        Sample(((3, 3),)),
        Sample(((4, 2),)),
        Sample(((2, 2, 4),)),
        Sample(((1, 1),)),
        Sample(((0, 3),)),
        Sample(((0, 3, 2),)),
    )
    rejects = (Reject(("f32[3]",), "takes matrices"),)

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function and turn the vectors so that one element is positive."""
        left, values, right = svd(*operands, full_matrices=False, **named)
        rows = left.mT
        turn = expand_dims(_direction(diagonal_of(rows)), -1)
        first = expand_dims(values, -1).astype(rows.dtype)
        return concatenate([first, rows * conj(turn), right * turn], -1)

    def _sizes(self) -> tuple[Size, Size, Size]:
        m, n = self.x.type.shape[-2:]
        return m, n, minimum(m, n)

    def infer(self) -> TensorType:
        """A row for each value, or for each vector."""
        m, n, least = self._sizes()
        rows = maximum(m, n) if self.full else least
        return TensorType(self.x.dtype, (*self.x.type.shape[:-2], rows, add(m, n, 1)))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Columns first it is the transposed matrix, whose left vectors are right ones here."""
        *stack, i, j = loop_indices(self.x.type.shape)
        m, n, least = self._sizes()
        wide = m if self.full else least
        matrix = at.scratch("matrix", self.dtype, mul(m, n))
        values = at.scratch("values", self.dtype.real, least)
        left = at.scratch("left", self.dtype, mul(wide, m))
        copy = put(matrix, add(mul(i, n), j), at.read(0, (*stack, i, j)))
        arguments = (
            letter("A" if self.full else "S"), count(n), count(m),
            Address(matrix, 0, written=True), leading(n), Address(values, 0, written=True),
            at.result((*stack, 0, add(m, 1))), leading(add(m, n, 1)),
            Address(left, 0, written=True), leading(wide),
        )  # fmt: skip
        call, info = lapack("gesdd", self.dtype, arguments)
        k, c = loop_indices((wide, m))
        (v,) = loop_indices((least,))
        vector = take(left, add(mul(c, wide), k), self.dtype)
        body = (
            *(self._unit_vectors(at, stack, left, wide) if self.full else ()),
            *nest((i, j), copy),
            call,
            *nest((k, c), at.store((*stack, k, add(c, 1)), vector)),
            For(v, at.store((*stack, v, 0), widened(Load(values, v), self.dtype))),
            *nan_if(failed(info), at, stack, self),
        )
        return nest(stack, body)

    def _unit_vectors(
        self, at: Memory, stack: Sequence[Index], left: Buffer, wide: Size
    ) -> tuple[Statement, ...]:
        """What the vectors of a matrix without elements are, which LAPACK does not touch."""
        m = self.x.type.shape[-2]
        r, c = loop_indices(self.type.shape[-2:])
        one, zero = (widened(literal(number, self.dtype.real), self.dtype) for number in (1, 0))
        column = index_scalar(add(c, -1))
        unit = column.equals(index_scalar(r)) | column.equals(index_scalar(add(r, m)))
        i, j = loop_indices((wide, m))
        corner = select(index_scalar(i).equals(index_scalar(j)), one, zero)
        return (
            *nest((r, c), at.store((*stack, r, c), select(unit, one, zero))),
            *nest((i, j), put(left, add(mul(i, m), j), corner)),
        )

    def no_derivative(self, place: int) -> str | None:
        """Vectors that belong to no value may turn as they like."""
        m, n, _ = self._sizes()
        if not self.full or m == n:
            return None
        return "the vectors beyond the singular values are not unique; ask for full_matrices=False"

    def parts(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return values, rows of left vectors and rows of conjugates of right vectors."""
        m = scalar_of(self.x.type.shape[-2])
        return real(rows[..., 0]), rows[..., 1 : 1 + m], rows[..., 1 + m :]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """After Townsend, with ``F = 1 / (s_j**2 - s_i**2)``.

        Of complex vectors, what turns left and right ones against each other adds to the diagonal.
        """
        if self.no_derivative(0) is not None:
            return (None,)
        values, left, right = self.parts(self)
        ct_values, ct_left, ct_right = self.parts(ct)
        row, column = expand_dims(values, -2), expand_dims(values, -1)
        over = _over((row - column) * (row + column))
        a, b = MatMul(left, ct_left.mT), conj(MatMul(right, ct_right.mT))
        a, b = a - adjoint(a), b - adjoint(b)
        inner = over * (a * row + b * column)
        straight = expand_dims(ct_values, -1)
        if self.dtype.is_complex:
            straight = (a - b) * (0.25 * _over(column)) + straight
        inner = where(on_diagonal(inner), straight, inner)
        columns, rows = adjoint(left), conj(right)
        result = MatMul(MatMul(columns, inner), rows)
        m, n, least = self._sizes()
        upside = expand_dims(_over(values), -1)
        if m != least:
            scaled = (ct_left * upside).mT
            result = result + MatMul(scaled - MatMul(columns, MatMul(left, scaled)), rows)
        if n != least:
            scaled = ct_right * upside
            rest = scaled - MatMul(MatMul(scaled, right.mT), rows)
            result = result + MatMul(columns, rest)
        return (result,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        shape = tuple(map(sizes, self.type.shape))

        def rows(matrix: Array) -> Array:
            return _svd(matrix, self.full)

        return each_matrix(rows, shape, self.dtype, operands[0])

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that LAPACK holds."""
        return countable(*self.x.type.shape[-2:])


def _svdvals_of(x: Array) -> Array:
    return np.linalg.svd(spaced_array(x), compute_uv=False)


class Svdvals(Lapack):
    """Singular values in descending order."""

    x: Tensor

    public = "svdvals"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_svdvals_of)
    prepare = staticmethod(spaced)
    domain = (_SMALL,)
    samples = Svd.samples
    rejects = Svd.rejects

    def infer(self) -> TensorType:
        """Real, as many as the smaller size."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype.real, (*stack, minimum(m, n)))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Let LAPACK work on a copy."""
        *stack, i, j = loop_indices(self.x.type.shape)
        m, n = self.x.type.shape[-2:]
        matrix = at.scratch("matrix", self.x.dtype, mul(m, n))
        copy = put(matrix, add(mul(i, n), j), at.read(0, (*stack, i, j)))
        place = Address(matrix, 0, written=True)
        arguments = (
            letter("N"), count(n), count(m), place, leading(n), at.result((*stack, 0)),
            place, leading(n), place, leading(m),
        )  # fmt: skip
        call, info = lapack("gesdd", self.x.dtype, arguments)
        return nest(stack, (*nest((i, j), copy), call, *nan_if(failed(info), at, stack, self)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``conj(U) diag(ct) V.T``."""
        whole = Svd(self.x, False)
        _, left, right = whole.parts(whole)
        return (MatMul(adjoint(left), conj(right) * expand_dims(ct, -1)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        *stack, m, n = operands[0].shape

        def values(matrix: Array) -> Array:
            return np.linalg.svd(matrix, compute_uv=False)[:, None]

        return each_matrix(values, (*stack, min(m, n), 1), self.dtype, operands[0])[..., 0]

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that LAPACK holds."""
        return countable(*self.x.type.shape[-2:])


_UNCONVERGED = "singular values did not converge"


@overload
def svd(
    x: TensorLike,
    /,
    full_matrices: bool = ...,
    compute_uv: Literal[True] = ...,
    *,
    on_error: OnError = ...,
) -> SVDResult: ...
@overload
def svd(
    x: TensorLike,
    /,
    full_matrices: bool = ...,
    *,
    compute_uv: Literal[False],
    on_error: OnError = ...,
) -> Tensor: ...
def svd(
    x: TensorLike,
    /,
    full_matrices: bool = True,
    compute_uv: bool = True,
    *,
    on_error: OnError = "raise",
) -> SVDResult | Tensor:
    """Return the singular value decomposition of each matrix, as ``numpy.linalg.svd``.

    Args:
        x: ``[..., m, n]``; with ``k = min(m, n)``:
        full_matrices: return ``U`` ``[..., m, m]`` and ``Vh`` ``[..., n, n]`` instead of
            ``[..., m, k]`` and ``[..., k, n]``; they have no gradient unless ``m == n``.
        compute_uv: False returns the singular values alone.
        on_error: what to do where there is no convergence, as for NaN: ``"raise"``, or give
            ``"nan"``.

    Returns:
        ``U``, the values ``S`` ``[..., k]``, real and in descending order, and ``Vh``; vectors are
        unique up to their sign, or up to a complex factor of absolute value 1, and a gradient
        holds for what does not change with that.

    Raises:
        GraphTypeError: no matrices.
        LinAlgError: in a call, no convergence.

    >>> u, s, vh = ag.linalg.svd(ag.constant([[3.0, 0.0], [0.0, -4.0]]))
    >>> s.eval()
    array([4., 3.], dtype=float32)
    """
    if not compute_uv:
        return svdvals(x, on_error=on_error)
    (tensor,) = as_matrices("svd", x=x)
    need_matrix("svd", tensor)
    m, n = tensor.type.shape[-2:]
    decomposed = Svd(tensor, full_matrices and m != n)
    rows = sound(decomposed, is_nan(decomposed[..., 0]), on_error, f"svd: {_UNCONVERGED}")
    values, left, right = decomposed.parts(rows)
    if decomposed.full:
        least = scalar_of(minimum(m, n))
        return SVDResult(
            left[..., : scalar_of(m), :].mT, values[..., :least], right[..., : scalar_of(n), :]
        )
    return SVDResult(left.mT, values, right)


def svdvals(x: TensorLike, /, *, on_error: OnError = "raise") -> Tensor:
    """Return the singular values of each matrix in descending order, as ``numpy.linalg.svdvals``.

    >>> ag.linalg.svdvals(ag.constant([[3.0, 0.0], [0.0, -4.0]])).eval()
    array([4., 3.], dtype=float32)
    """
    (tensor,) = as_matrices("svdvals", x=x)
    need_matrix("svdvals", tensor)
    values = Svdvals(tensor)
    return sound(values, is_nan(values), on_error, f"svdvals: {_UNCONVERGED}")


# -- matrices of any kind ------------------------------------------------------------------------


class EigResult(NamedTuple):
    """Eigenvalues in no order, and eigenvectors in columns, both complex."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _eig(x: Array) -> Array:
    values, vectors = np.linalg.eig(x)
    return np.concatenate([values[:, None], vectors.T], -1)


def _eig_of(x: Array) -> Array:
    """Return values and vectors, each with a positive element on the diagonal."""
    *stack, n, _ = x.shape
    result = np.zeros((*stack, n, n + 1), np.result_type(x, np.complex64))
    for index in np.ndindex(*stack):
        rows = _eig(spaced_array(x[index]).astype(result.dtype))
        turn = np.diagonal(rows[:, 1:])
        rows[:, 1:] *= (np.conj(turn) / np.abs(turn))[:, None]
        result[index] = rows
    return result


class Eig(Lapack):
    """Eigenvalues and eigenvectors of complex matrices.

    Row ``k`` holds the value and then its vector.
    """

    x: Tensor

    public = "eig"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_eig_of)
    prepare = staticmethod(spaced)
    domain = (_SMALL,)
    tolerance = 4096.0
    samples = Eigh.samples
    rejects = (
        Reject(("f32[3]",), "takes matrices"),
        Reject(("f32[2, 3]",), "square matrices, not [2, 3]"),
    )

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function and turn each vector so that one element is positive."""
        values, vectors = eig(*operands, **named)
        rows = vectors.mT
        turn = conj(diagonal_of(rows))
        turned = rows * expand_dims(turn / absolute(turn).astype(turn.dtype), -1)
        return concatenate([expand_dims(values, -1), turned], -1)

    def infer(self) -> TensorType:
        """``[..., n, 1 + n]``."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, m, add(n, 1)))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the matrix columns first and let LAPACK write the vectors where they belong."""
        *stack, i, j = loop_indices(self.x.type.shape)
        n = self.x.type.shape[-1]
        values = at.scratch("values", self.dtype, n)
        call, info, copy = _geev(self, at, (Address(values, 0, written=True), (*stack, 0, 1)))
        (k,) = loop_indices((n,))
        note = at.store((*stack, k, 0), take(values, k, self.dtype))
        body = (*nest((i, j), copy((*stack, i, j))), call, For(k, note))
        return nest(stack, (*body, *nan_if(failed(info), at, stack, self)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``V^-T (diag(ct_w) + F * G) V.T``, ``F = 1 / (w_j - w_i)``, ``G = V.T ct_V``.

        ``G`` is without what would change the lengths of vectors.
        """
        values, rows = self[..., 0], self[..., 1:]
        apart = expand_dims(values, -2) - expand_dims(values, -1)
        pulled = MatMul(rows, ct[..., 1:].mT)
        lengths = real(diagonal_of(pulled)).astype(self.dtype)
        pulled = pulled - MatMul(rows, conj(rows).mT) * expand_dims(lengths, -2)
        inner = where(on_diagonal(pulled), expand_dims(ct[..., 0], -1), pulled * _over(apart))
        return (_by_vectors(rows, MatMul(inner, rows)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        (x,) = operands
        return each_matrix(_eig, (*x.shape[:-1], x.shape[-1] + 1), self.dtype, x)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _by_vectors(rows: Tensor, right: Tensor) -> Tensor:
    """Solve ``V.T @ x = right``; NaN where there are not enough vectors."""
    return Solve(rows, Factors(rows), right.mT, False).mT


def _geev(
    node: Eig | Eigvals, at: Memory, places: tuple[Address, Shape | None]
) -> tuple[Foreign, Local, Callable[[Shape], tuple[Statement, ...]]]:
    """Return the call of LAPACK, whether it failed, and what copies an element of the matrix.

    Args:
        node: the op.
        at: its memory.
        places: of the values, and of the first element of the vectors in the result.
    """
    n = node.x.type.shape[-1]
    matrix = at.scratch("matrix", node.dtype, mul(n, n))
    unused = Address(matrix, 0, written=True)
    values, vectors = places
    right = unused if vectors is None else at.result(vectors)
    call, info = lapack(
        "geev",
        node.dtype,
        (
            letter("N"), letter("N" if vectors is None else "V"), count(n), unused, leading(n),
            values, unused, leading(n), right, leading(n if vectors is None else add(n, 1)),
        ),
    )  # fmt: skip

    def copy(index: Shape) -> tuple[Statement, ...]:
        *_, i, j = index
        return put(matrix, add(mul(j, n), i), at.read(0, index))

    return call, info, copy


class Eigvals(Lapack):
    """Eigenvalues of complex matrices."""

    x: Tensor

    public = "eigvals"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    prepare = staticmethod(spaced)
    domain = (_SMALL,)
    samples = Eig.samples
    rejects = Eig.rejects

    @staticmethod
    def reference(x: Array) -> Array:
        """NumPy's, complex throughout."""
        return np.linalg.eigvals(spaced_array(x).astype(np.result_type(x, np.complex64)))

    def infer(self) -> TensorType:
        """``[..., n]``."""
        return TensorType(self.x.dtype, self.x.type.shape[:-1])

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Let LAPACK work on a copy."""
        *stack, i, j = loop_indices(self.x.type.shape)
        call, info, copy = _geev(self, at, (at.result((*stack, 0)), None))
        body = (*nest((i, j), copy((*stack, i, j))), call)
        return nest(stack, (*body, *nan_if(failed(info), at, stack, self)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``V^-T diag(ct) V.T``."""
        rows = Eig(self.x)[..., 1:]
        return (_by_vectors(rows, rows * expand_dims(ct, -1)),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        (x,) = operands

        def values(matrix: Array) -> Array:
            return np.linalg.eigvals(matrix)[:, None]

        return each_matrix(values, (*x.shape[:-1], 1), self.dtype, x)[..., 0]

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _complex_square(op: str, x: TensorLike) -> Tensor:
    (tensor,) = as_matrices(op, x=x)
    need_matrix(op, tensor, square=True)
    return tensor.astype(complex_of(tensor.dtype))


def eig(x: TensorLike, /, *, on_error: OnError = "raise") -> EigResult:
    """Return eigenvalues and eigenvectors of square matrices, as ``numpy.linalg.eig``.

    Args:
        x: ``[..., n, n]``, real or complex.
        on_error: what to do where there is no convergence, as for NaN: ``"raise"``, or give
            ``"nan"``.

    Returns:
        Eigenvalues ``[..., n]`` in no order, and eigenvectors ``[..., n, n]`` of length 1 in
        columns.  They are complex, also where all are real.  A gradient holds for what does not
        change when a vector is multiplied by a number of absolute value 1; there is none where
        eigenvalues are equal.

    Raises:
        GraphTypeError: no square matrices.
        LinAlgError: in a call, no convergence.

    >>> values, vectors = ag.linalg.eig(ag.constant([[0.0, -1.0], [1.0, 0.0]]))
    >>> abs(values).eval()
    array([1., 1.], dtype=float32)
    """
    pairs = Eig(_complex_square("eig", x))
    checked = sound(pairs, is_nan(pairs[..., 0]), on_error, "eig: eigenvalues did not converge")
    return EigResult(checked[..., 0], checked[..., 1:].mT)


def eigvals(x: TensorLike, /, *, on_error: OnError = "raise") -> Tensor:
    """Return the eigenvalues of square matrices, complex and in no order; see :func:`eig`."""
    values = Eigvals(_complex_square("eigvals", x))
    return sound(values, is_nan(values), on_error, "eigvals: eigenvalues did not converge")


OPS: tuple[type[Op], ...] = (Eigh, Eigvalsh, Svd, Svdvals, Eig, Eigvals)

"""QR: a matrix as one with orthonormal columns times a triangular one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add
from agnesi.dims.simplify import at_least, minimum
from agnesi.graph.tensor import Array, Reader, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Address, For, index_scalar
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import conj
from agnesi.ops.diagonals import tril
from agnesi.ops.factorizations import SolveTriangular
from agnesi.ops.families import Domain, Memory, Op, Requirement, Sample
from agnesi.ops.joining import concatenate
from agnesi.ops.lapack import (
    COMPLEX,
    REALS,
    Lapack,
    adjoint,
    as_matrices,
    count,
    countable,
    dominant,
    dominant_array,
    each_matrix,
    failed,
    lapack,
    leading,
    nan_if,
    need_matrix,
    on_diagonal,
    pick,
    put,
    real_of,
    take,
    widened,
)
from agnesi.ops.linear import MatMul
from agnesi.ops.nests import loop_indices, nest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.loops.nodes import Scalar, Statement


class QRResult(NamedTuple):
    """``Q @ R`` is the matrix."""

    Q: Tensor
    R: Tensor


_SMALL = Domain(-1, 1)
_SAMPLES = (
    Sample(((3, 3),)),
    Sample(((4, 2),)),
    Sample(((2, 2, 4),)),
    Sample(((1, 1),)),
    Sample(((0, 3),)),
    Sample(((3, 0),)),
    Sample(((0, 3, 2),)),
)


def _raw(x: Array) -> Array:
    """Return what :class:`Householder` does for one matrix."""
    m, n = x.shape
    result = np.zeros((n + 1, m), x.dtype)
    if min(m, n):
        reflectors, factors = np.linalg.qr(x, mode="raw")
        result[:n], result[n, : min(m, n)] = reflectors, factors
    return result


def _stacked(function: Any, x: Array, shape: tuple[int, ...]) -> Array:
    result = np.zeros(shape, x.dtype)
    for index in np.ndindex(*x.shape[:-2]):
        result[index] = function(dominant_array(x[index]))
    return result


def _householder_of(x: Array) -> Array:
    *stack, m, n = x.shape
    return _stacked(_raw, x, (*stack, n + 1, m))


class Householder(Lapack):
    """The reflections that make a matrix triangular, and the triangle.

    Row ``j`` holds column ``j`` of the triangle and, below its diagonal, of the reflections; the
    last row holds their factors.  Ops that read them see to the gradient.
    """

    x: Tensor

    public = "householder"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    differentiable = False
    cuts_gradients = True
    reference = staticmethod(_householder_of)
    domain = (_SMALL,)
    samples = _SAMPLES

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """``[..., columns + 1, rows]``."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, add(n, 1), m))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the matrix columns first and let LAPACK work in place."""
        *stack, i, j = loop_indices(self.x.type.shape)
        m, n = self.x.type.shape[-2:]
        least = minimum(m, n)
        factors = at.scratch("factors", self.dtype, least)
        copy = at.store((*stack, j, i), at.read(0, (*stack, i, j)))
        arguments = (
            count(m), count(n), at.result((*stack, 0, 0)), leading(m),
            Address(factors, 0, written=True),
        )  # fmt: skip
        call, info = lapack("geqrf", self.dtype, arguments)
        (k,) = loop_indices((least,))
        (c,) = loop_indices((m,))
        clear = at.store((*stack, n, c), widened(index_scalar(0), self.dtype))
        note = at.store((*stack, n, k), take(factors, k, self.dtype))
        body = (*nest((j, i), copy), call, For(c, clear), For(k, note))
        return nest(stack, (*body, *nan_if(failed(info), at, stack, self)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return each_matrix(_raw, tuple(map(sizes, self.type.shape)), self.dtype, operands[0])

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that LAPACK holds."""
        return countable(*self.x.type.shape[-2:])


def _q_rows(x: Array, complete: bool = False) -> Array:
    return np.linalg.qr(x, mode="complete" if complete else "reduced").Q.T


def _orthogonal_of(x: Array) -> Array:
    *stack, m, n = x.shape
    return _stacked(_q_rows, x, (*stack, min(m, n), m))


class Orthogonal(Lapack):
    """The orthonormal columns of a QR decomposition, as rows.

    The matrix itself is an operand for its gradient; code reads the reflections.
    """

    x: Tensor
    reflections: Tensor
    complete: bool

    public = "orthogonal"
    streams = (0,)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_orthogonal_of)
    domain = (_SMALL,)
    samples = _SAMPLES

    @classmethod
    def express(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; its public function is ``qr``."""
        (x,) = operands
        return cls(x, Householder(x), False)

    def _sizes(self) -> tuple[Size, Size, Size]:
        m, n = self.x.type.shape[-2:]
        return m, n, minimum(m, n)

    def infer(self) -> TensorType:
        """A row for each column."""
        m, _, least = self._sizes()
        rows = m if self.complete else least
        return TensorType(self.x.dtype, (*self.x.type.shape[:-2], rows, m))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the reflections and let LAPACK multiply them."""
        *stack, i, j = loop_indices(self.type.shape)
        m, n, least = self._sizes()
        factors = at.scratch("factors", self.dtype, least)
        there = index_scalar(i) < index_scalar(least)
        copy = at.store((*stack, i, j), pick(there, at.read(1, (*stack, i, j))))
        (k,) = loop_indices((least,))
        note = put(factors, k, at.read(1, (*stack, n, k)))
        arguments = (
            count(m), count(self.type.shape[-2]), count(least), at.result((*stack, 0, 0)),
            leading(m), Address(factors, 0, written=False),
        )  # fmt: skip
        name = "ungqr" if self.dtype.is_complex else "orgqr"
        call, info = lapack(name, self.dtype, arguments)
        body = (*nest((i, j), copy), For(k, note), call)
        return nest(stack, (*body, *nan_if(failed(info), at, stack, self)))

    def no_derivative(self, place: int) -> str | None:
        """Columns that complete a basis may turn as they like."""
        m, _, least = self._sizes()
        if not self.complete or m == least:
            return None
        return 'the columns that complete the basis are not unique; ask for mode="reduced"'

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """See :func:`_qr_gradient`."""
        if self.no_derivative(0) is not None:
            return None, None
        q = Orthogonal(self.x, self.reflections, False)
        r = Triangle(self.x, self.reflections, False)
        return _qr_gradient(self.x, q.mT, r, ct.mT, None), None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""

        def rows(matrix: Array) -> Array:
            return _q_rows(matrix, self.complete)

        return each_matrix(rows, tuple(map(sizes, self.type.shape)), self.dtype, operands[0])


def _r(x: Array) -> Array:
    return np.linalg.qr(x).R


def _triangle_of(x: Array) -> Array:
    *stack, m, n = x.shape
    return _stacked(_r, x, (*stack, min(m, n), n))


class Triangle(Op):
    """The triangular factor of a QR decomposition.

    The matrix itself is an operand for its gradient; code reads the reflections.
    """

    x: Tensor
    reflections: Tensor
    complete: bool

    public = "triangle"
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_triangle_of)
    domain = (_SMALL,)
    tolerance = 1 << 16
    samples = _SAMPLES

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; its public function is ``qr``."""
        x = dominant(operands[0])
        return cls(x, Householder(x), False)

    def infer(self) -> TensorType:
        """``[..., rows, n]``."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, m if self.complete else minimum(m, n), n))

    def element(self, index: Shape, read: Reader) -> Scalar:
        """An element of the reflections, 0 below the diagonal."""
        *stack, i, j = index
        above = index_scalar(i) <= index_scalar(j)
        return pick(above, read(1, (*stack, j, i)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """See :func:`_qr_gradient`."""
        least = scalar_of(minimum(*self.x.type.shape[-2:]))
        q = Orthogonal(self.x, self.reflections, False)
        r = Triangle(self.x, self.reflections, False)
        return _qr_gradient(self.x, q.mT, r, None, ct[..., :least, :]), None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The triangle of the packed reflections."""
        factors = np.swapaxes(operands[1][..., :-1, :], -1, -2)
        shape = tuple(map(sizes, self.type.shape))
        return np.triu(factors[..., : shape[-2], :])


def _qr_gradient(
    x: Tensor, q: Tensor, r: Tensor, ct_q: Tensor | None, ct_r: Tensor | None
) -> Tensor:
    """Return the cotangent of a matrix from those of its factors.

    The first columns, as many as there are in ``q``, have ``(ct_q + conj(q copy(m))) r^-T``, where
    ``m = r ct_r.T - ct_q.T q`` and ``copy`` makes it Hermitian from its lower triangle.
    Others are ``q`` times columns of ``r``, which adds to ``ct_q``.  Complex or not, the diagonal
    of ``r`` is real.
    """
    m, n = x.type.shape[-2:]
    least = minimum(m, n)
    k = scalar_of(least)
    wide = not at_least(m, n)
    square = r[..., :, :k] if wide else r
    inner: Tensor | None = None
    rest: Tensor | None = None
    if ct_r is not None:
        inner = MatMul(square, (ct_r[..., :, :k] if wide else ct_r).mT)
        if wide:
            rest = ct_r[..., :, k:]
            more = conj(MatMul(x[..., :, k:], rest.mT))
            ct_q = more if ct_q is None else ct_q + more
    if ct_q is not None:
        part = MatMul(ct_q.mT, q)
        inner = -part if inner is None else inner - part
    assert inner is not None
    below = tril(inner, -1)
    hermitian = where(on_diagonal(inner), real_of(inner), below + adjoint(below))
    turned = conj(MatMul(q, hermitian))
    right = turned if ct_q is None else turned + ct_q
    first = SolveTriangular(square, right.mT, False, False, False).mT
    if not wide:
        return first
    others = MatMul(conj(q), rest) if rest is not None else x[..., :, k:] * 0
    return concatenate([first, others], -1)


@overload
def qr(x: TensorLike, /, mode: Literal["reduced", "complete"] = ...) -> QRResult: ...
@overload
def qr(x: TensorLike, /, mode: Literal["r"]) -> Tensor: ...
@overload
def qr(x: TensorLike, /, mode: str) -> QRResult | Tensor: ...
def qr(x: TensorLike, /, mode: str = "reduced") -> QRResult | Tensor:
    """Return the QR decomposition of each matrix, as ``numpy.linalg.qr``.

    Args:
        x: ``[..., m, n]``, real or complex; with ``k = min(m, n)``:
        mode: ``"reduced"`` for ``Q`` ``[..., m, k]`` and ``R`` ``[..., k, n]``; ``"complete"`` for
            ``Q`` ``[..., m, m]`` and ``R`` ``[..., m, n]``, where ``Q`` has no gradient if
            ``m > n``; ``"r"`` for ``R`` alone, reduced; ``"raw"`` for what LAPACK stores: the
            reflections below ``R`` with columns as rows ``[..., n, m]``, and their factors
            ``[..., k]``, both without a gradient.

    Raises:
        GraphTypeError: no matrices, or another mode.

    >>> q, r = ag.linalg.qr(ag.constant([[3.0, 1.0], [4.0, 2.0]]))
    >>> ag.round(q @ r, 5).eval()
    array([[3., 1.],
           [4., 2.]], dtype=float32)
    """
    (tensor,) = as_matrices("qr", x=x)
    need_matrix("qr", tensor)
    if mode not in ("reduced", "complete", "r", "raw"):
        raise GraphTypeError(
            f'qr: mode is "reduced", "complete", "r" or "raw", but this is {mode!r}'
        )
    reflections = Householder(tensor)
    if mode == "raw":
        m, n = tensor.type.shape[-2:]
        last = reflections[..., scalar_of(n), : scalar_of(minimum(m, n))]
        return QRResult(reflections[..., : scalar_of(n), :], last)
    complete = mode == "complete" and not at_least(tensor.type.shape[-1], tensor.type.shape[-2])
    triangle = Triangle(tensor, reflections, complete)
    if mode == "r":
        return triangle
    return QRResult(Orthogonal(tensor, reflections, complete).mT, triangle)


OPS: tuple[type[Op], ...] = (Householder, Orthogonal, Triangle)

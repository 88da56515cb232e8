"""Functions of matrices made of factorisations: pseudo-inverse, powers, exponential, norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agnesi.autodiff.forward import transposed
from agnesi.core.dtypes import I64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, mul, product, sub
from agnesi.dims.simplify import maximum, minimum
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Address,
    Assign,
    Read,
    While,
    fresh_local,
)
from agnesi.ops.arithmetic import absolute
from agnesi.ops.choice import where
from agnesi.ops.comparison import isfinite
from agnesi.ops.complex_parts import complex, conj, imag, real
from agnesi.ops.creation import zeros_like
from agnesi.ops.elementary import log2
from agnesi.ops.factorizations import Factors, Solve, inv, solve
from agnesi.ops.families import (
    Composite,
    Domain,
    Memory,
    Op,
    Reject,
    Sample,
    same_shapes,
)
from agnesi.ops.floats import ldexp
from agnesi.ops.joining import concatenate
from agnesi.ops.lapack import (
    COMPLEX,
    PLAIN,
    REALS,
    Lapack,
    OnError,
    adjoint,
    as_matrices,
    blas,
    count,
    equal_sizes,
    identity,
    is_nan,
    is_square,
    leading,
    need_matrix,
    on_diagonal,
    sound,
    stated,
    take,
    whole,
)
from agnesi.ops.lift import as_axes, as_items, as_tensor, is_integer, operand_lines, unify
from agnesi.ops.linear import MatMul, matmul
from agnesi.ops.movement import (
    broadcast,
    broadcast_to,
    expand_dims,
    moveaxis,
    reshape,
    restore_axes,
)
from agnesi.ops.nests import loop_indices, nest
from agnesi.ops.powers import sqrt
from agnesi.ops.reductions import Top
from agnesi.ops.reductions import max as largest
from agnesi.ops.reductions import min as smallest
from agnesi.ops.reductions import sum as total
from agnesi.ops.rounding import ceil
from agnesi.ops.spectral import Eigh, Svd, svdvals
from agnesi.ops.tensor_products import outer, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape
    from agnesi.graph.tensor import Axes
    from agnesi.loops.nodes import Statement


class LstsqResult(NamedTuple):
    """What ``lstsq`` finds."""

    x: Tensor
    residuals: Tensor
    rank: Tensor
    s: Tensor


# -- pseudo-inverse ------------------------------------------------------------------------------


def _pinv_of(x: Array, rcond: float, hermitian: bool = False) -> Array:
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    given = wide @ np.conj(np.swapaxes(wide, -1, -2)) if hermitian else wide
    return np.linalg.pinv(given, rcond)


class Pinv(Composite):
    """The pseudo-inverse; singular values up to a fraction of the largest count as 0."""

    x: Tensor
    rcond: Tensor
    hermitian: bool

    public = "pinv"
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_pinv_of)
    domain = (Domain(-1, 1),)
    tolerance = 1 << 18
    samples = (
        Sample(((3, 3),), (1e-6,)),
        Sample(((4, 2),), (1e-6,)),
        Sample(((2, 2, 3),), (1e-6,)),
        Sample(((0, 3),), (1e-6,)),
        Sample(((2, 4),), (1e-6, True)),
    )
    rejects = (Reject(("f32[3]",), "takes matrices", (1e-6,)),)

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Call the public function, for the product with its adjoint if it is to be Hermitian."""
        x, rcond, *hermitian = operands
        return pinv(x @ adjoint(x) if hermitian else x, rcond, hermitian=bool(hermitian))

    def infer(self) -> TensorType:
        """``[..., n, m]``."""
        *stack, m, n = self.x.type.shape
        return TensorType(self.x.dtype, (*stack, n, m))

    def decompose(self) -> Tensor:
        """By singular values, or eigenvalues."""
        if self.hermitian:
            pairs = Eigh(self.x)
            values, left = real(pairs[..., 0]), pairs[..., 1:]
            right = conj(left)
        else:
            whole = Svd(self.x, False)
            values, left, right = whole.parts(whole)
        sizes = absolute(values)
        most = Top(sizes, (sizes.ndim - 1,))
        kept = sizes > expand_dims(most * self.rcond, -1)
        over = where(kept, 1 / where(kept, values, 1), values * 0)
        return MatMul(adjoint(right), conj(left) * expand_dims(over, -1))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """After Golub and Pereyra, for a rank that does not change."""
        x, p = self.x, self
        first = -MatMul(MatMul(p.mT, ct), p.mT)
        second = MatMul(MatMul(ct.mT, p), adjoint(p))
        third = MatMul(MatMul(adjoint(p), p), ct.mT)
        second = second - MatMul(x, MatMul(p, second))
        third = third - MatMul(MatMul(third, p), x)
        return first + conj(second + third), None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        x, rcond = operands
        *stack, m, n = x.shape
        result = np.full((*stack, n, m), np.nan, self.dtype.numpy)
        for index in np.ndindex(*stack):
            if np.isfinite(x[index]).all():
                result[index] = np.linalg.pinv(x[index], rcond[index], self.hermitian)
        return result


def pinv(
    x: TensorLike,
    /,
    rcond: TensorLike | None = None,
    hermitian: bool = False,
    *,
    rtol: TensorLike | None = None,
    on_error: OnError = "raise",
) -> Tensor:
    """Return the pseudo-inverse of each matrix, as ``numpy.linalg.pinv``.

    Args:
        x: ``[..., m, n]``.
        rcond: singular values up to this times the largest count as 0; of the shape of the stack.
            By default the dtype's precision times ``max(m, n)``.
        hermitian: take the matrices as Hermitian and use eigenvalues; only the lower triangle is
            read, but the gradient is that of a Hermitian matrix.
        rtol: the array API's name of ``rcond``.
        on_error: what to do where there is no convergence, as for NaN: ``"raise"``, or give
            ``"nan"``.

    Returns:
        ``[..., n, m]``.  The gradient holds where the rank does not change.

    Raises:
        GraphTypeError: no matrices.
        LinAlgError: in a call, no convergence.
    """
    (tensor,) = as_matrices("pinv", x=x)
    need_matrix("pinv", tensor, square=hermitian)
    limit = _tolerance("pinv", tensor, rcond if rtol is None else rtol)
    result = Pinv(tensor, limit, hermitian)
    return sound(result, is_nan(result), on_error, "pinv: singular values did not converge")


def _tolerance(op: str, x: Tensor, given: TensorLike | None) -> Tensor:
    """Return a relative tolerance for each matrix of the stack, which is real."""
    stack, kind = x.type.shape[:-2], x.dtype.real
    if given is None:
        m, n = (as_tensor(s).astype(kind) for s in x.shape[-2:])
        limit = where(m > n, m, n) * float(np.finfo(kind.numpy).eps)
    else:
        limit = as_tensor(given).astype(kind)
    if limit.ndim > len(stack):
        raise GraphTypeError(f"{op}: a tolerance for each matrix\n{operand_lines(('x',), (x,))}")
    return broadcast_to(limit, tuple(map(scalar_of, stack)))


def matrix_rank(
    x: TensorLike,
    /,
    tol: TensorLike | None = None,
    hermitian: bool = False,
    *,
    rtol: TensorLike | None = None,
) -> Tensor:
    """Return the number of singular values that are not as good as 0.

    As ``numpy.linalg.matrix_rank``; a vector has the rank 1 unless it is 0.

    Args:
        x: ``[..., m, n]``, or a vector.
        tol: what is larger counts; by default ``rtol`` times the largest.
        hermitian: accepted for NumPy's sake; the absolute eigenvalues are the singular values.
        rtol: by default the dtype's precision times ``max(m, n)``.

    >>> ag.linalg.matrix_rank(ag.constant([[1.0, 2.0], [2.0, 4.0]])).eval()
    array(1)
    """
    (tensor,) = as_matrices("matrix_rank", x=x)
    if tensor.ndim < 2:
        return (tensor != 0).any().astype(I64)
    values = svdvals(tensor)
    if tol is None:
        limit = Top(values, (values.ndim - 1,)) * _tolerance("matrix_rank", tensor, rtol)
    else:
        limit = as_tensor(tol).astype(values.dtype)
    return total((values > expand_dims(limit, -1)).astype(I64), -1)


def lstsq(
    a: TensorLike, b: TensorLike, /, rcond: TensorLike | None = None, *, on_error: OnError = "raise"
) -> LstsqResult:
    """Return the least-squares solution of ``a @ x = b``, as ``numpy.linalg.lstsq``.

    Args:
        a: ``[m, n]``.
        b: ``[m]`` or ``[m, k]``.
        rcond: singular values up to this times the largest count as 0; by default the dtype's
            precision times ``max(m, n)``.
        on_error: what to do where there is no convergence, as for NaN: ``"raise"``, or give
            ``"nan"``.

    Returns:
        The solution of least norm, ``[n]`` or ``[n, k]``; the squared distances ``[1]`` or
        ``[k]``, also where NumPy leaves them out; the rank; the singular values.

    Raises:
        GraphTypeError: sizes that are known not to fit.
        LinAlgError: in a call, no convergence.
    """
    matrix, right = as_matrices("lstsq", a=a, b=b)
    if matrix.ndim != 2 or right.ndim not in (1, 2):
        raise GraphTypeError(
            f"lstsq: takes a matrix, and a vector or a matrix\n"
            f"{operand_lines(('a', 'b'), (matrix, right))}"
        )
    if unify(matrix.type.shape[0], right.type.shape[0]) is None:
        raise GraphTypeError(
            f"lstsq: the rows of a and b differ\n{operand_lines(('a', 'b'), (matrix, right))}"
        )
    columns = expand_dims(right, -1) if right.ndim == 1 else right
    x = matmul(pinv(matrix, rcond, on_error=on_error), columns)
    rest = columns - matmul(matrix, x)
    values = svdvals(matrix, on_error=on_error)
    limit = Top(values, (0,)) * _tolerance("lstsq", matrix, rcond)
    rank = total((values > limit).astype(I64))
    solution = x[:, 0] if right.ndim == 1 else x
    return LstsqResult(solution, total(real(rest * conj(rest)), 0), rank, values)


# -- powers and exponential ----------------------------------------------------------------------


def matrix_power(x: TensorLike, n: int, /, *, on_error: OnError = "raise") -> Tensor:
    """Return each square matrix to an integer power, as ``numpy.linalg.matrix_power``.

    Args:
        x: ``[..., m, m]``, of any dtype unless ``n`` is negative.
        n: known integer; negative powers are those of the inverse.
        on_error: what to do about a singular matrix: ``"raise"``, or give ``"nan"``.

    Raises:
        GraphTypeError: no square matrices, or ``n`` is not an integer.
        LinAlgError: in a call, a matrix is singular.

    >>> ag.linalg.matrix_power(ag.constant([[1, 1], [1, 0]]), 10).eval()
    array([[89, 55],
           [55, 34]])
    """
    base = as_tensor(x)
    need_matrix("matrix_power", base, square=True)
    if not is_integer(n):
        raise GraphTypeError(f"matrix_power: the power is a known integer, but this is {n!r}")
    if n < 0:
        base, n = inv(base, on_error=on_error), -n
    if not n:
        return identity(base.type.shape, base.dtype)
    result: Tensor | None = None
    while True:
        if n & 1:
            result = base if result is None else matmul(result, base)
        n >>= 1
        if not n:
            assert result is not None
            return result
        base = matmul(base, base)


def _squarings_of(x: Array, times: Array) -> Array:
    result = x.copy()
    for index in np.ndindex(x.shape[:-2]):
        for _ in range(int(times[index])):
            result[index] = result[index] @ result[index]
    return result


class Squarings(Lapack):
    """Each square matrix multiplied by itself a number of times: ``x ** (2 ** times)``."""

    x: Tensor
    times: Tensor

    public = "squarings"
    streams = (0, 1)
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_squarings_of)
    domain = (Domain(-0.5, 0.5), Domain(0, 3, dtypes=(I64,)))
    tolerance = 4096.0
    samples = (
        Sample(((3, 3), ())),
        Sample(((2, 3, 3), (2,))),
        Sample(((0, 0), ())),
        Sample(((1, 1), ())),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """The matrix's type."""
        return self.x.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Copy the matrix, and put its square in its place as often as asked for."""
        *stack, i, j = loop_indices(self.type.shape)
        n = self.type.shape[-1]
        square = at.scratch("square", self.dtype, mul(n, n))
        left = fresh_local("left", I64)
        place = at.result((*stack, 0, 0))
        one, first = stated(at, "one", 1, self.dtype)
        zero, second = stated(at, "zero", 0, self.dtype)
        multiply = blas(
            "gemm",
            self.dtype,
            (
                whole(PLAIN), whole(PLAIN), count(n), count(n), count(n),
                one, place, leading(n), place, leading(n),
                zero, Address(square, 0, written=True), leading(n),
            ),
        )  # fmt: skip
        copy = at.store((*stack, i, j), at.read(0, (*stack, i, j)))
        p, q = loop_indices((n, n))
        back = at.store((*stack, p, q), take(square, add(mul(p, n), q), self.dtype))
        turn = (multiply, *nest((p, q), back), Assign(left, Read(left) - 1))
        body = (
            *nest((i, j), copy),
            Assign(left, at.read(1, tuple(stack))),
            While(Read(left) > 0, turn),
        )
        return (*first, *second, *nest(stack, body))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The derivative at ``x.T`` along ``ct``."""
        return SquaringsAlong(self.x.mT, ct, self.times), None

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The derivative along the tangent."""
        tangent = tangents[0]
        return None if tangent is None else SquaringsAlong(self.x, tangent, self.times)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """One after another."""
        with np.errstate(all="ignore"):
            return _squarings_of(*operands)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns, and a number for each matrix."""
        pairs = zip(self.x.type.shape[:-2], self.times.type.shape, strict=True)
        words = f"matrices {self.x.type} and numbers {self.times.type}"
        return (*is_square(self.x), *equal_sizes(words, *pairs))


class Along(Composite):
    """The derivative of a function ``f`` of matrices along another matrix.

    It is the upper right quarter of ``f([[x, t], [0, x]])`` (Mathias, 1996), for power series, and
    the transpose of the derivative at ``x`` is that at ``x.T``.
    """

    x: Tensor
    t: Tensor

    dtypes = (*REALS, *COMPLEX)

    def apply(self, x: Tensor) -> Tensor:
        """The function itself."""
        raise NotImplementedError

    def decompose(self) -> Tensor:
        """A quarter of the function of four matrices in one."""
        n = scalar_of(self.x.type.shape[-1])
        return self.apply(_beside(self.x, self.t))[..., :n, n:]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """For ``t`` the derivative at ``x.T``; for ``x`` that of the four in one."""
        rest = self.args[2:]
        n = scalar_of(self.x.type.shape[-1])
        none = zeros_like(ct)
        corner = concatenate([concatenate([none, ct], -1), concatenate([none, none], -1)], -2)
        whole = type(self)(_beside(self.x, self.t).mT, corner, *rest)
        by_x = whole[..., :n, :n] + whole[..., n:, n:]
        return (by_x, type(self)(self.x.mT, ct, *rest), *(None for _ in rest))

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The transpose of ``vjp``."""
        return transposed(self, tangents)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        with np.errstate(all="ignore"):
            return type(self).reference(*operands)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns, in both."""
        return (*is_square(self.x), *same_shapes((self.t,), self.x.type.shape))


def _beside(x: Tensor, t: Tensor) -> Tensor:
    """Return ``[[x, t], [0, x]]``."""
    return concatenate([concatenate([x, t], -1), concatenate([zeros_like(x), x], -1)], -2)


def _beside_arrays(x: Array, t: Array) -> Array:
    return np.concatenate(
        [np.concatenate([x, t], -1), np.concatenate([np.zeros_like(x), x], -1)], -2
    )


def _squarings_along(x: Array, t: Array, times: Array) -> Array:
    n = x.shape[-1]
    return _squarings_of(_beside_arrays(x, t), times)[..., :n, n:]


class SquaringsAlong(Along):
    """The derivative of repeated squaring along a matrix."""

    times: Tensor

    public = "squarings_along"
    reference = staticmethod(_squarings_along)
    domain = (Domain(-0.5, 0.5), Domain(-0.5, 0.5), Domain(0, 3, dtypes=(I64,)))
    tolerance = 8192.0
    samples = (Sample(((2, 2), (2, 2), ())), Sample(((2, 2, 2), (2, 2, 2), (2,))))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def apply(self, x: Tensor) -> Tensor:
        """Repeated squaring."""
        return Squarings(x, self.times)


# Coefficients of the Padé approximant of degree 13, and the norm up to which it is exact to
# float64's precision (Higham, 2005).
_PADE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
    10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
_REACH = 5.371920351148152


def _expm_of(x: Array) -> Array:
    """Return the exponential by its series, scaled and squared."""
    size = x.shape[-1]
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape[:-2]):
        norm = float(np.abs(x[index]).sum(0).max(initial=0.0))
        times = max(0, int(np.ceil(np.log2(norm))) + 4) if 0 < norm < np.inf else 0
        part = x[index] / x.dtype.type(2) ** times
        term = made = np.eye(size, dtype=x.dtype)
        for k in range(1, 24):
            term = term @ part / x.dtype.type(k)
            made = made + term
        for _ in range(times):
            made = made @ made
        result[index] = made
    return result


def _scaled(x: Tensor, powers: Tensor) -> Tensor:
    """Return numbers times powers of 2."""
    if x.dtype.is_complex:
        return complex(ldexp(real(x), powers), ldexp(imag(x), powers))
    return ldexp(x, powers)


class Expm(Composite):
    """The exponential of each square matrix."""

    x: Tensor

    public = "expm"
    dtypes = (*REALS, *COMPLEX)
    reference = staticmethod(_expm_of)
    domain = (Domain(-2, 2),)
    tolerance = 8192.0
    samples = (
        Sample(((3, 3),)),
        Sample(((2, 4, 4),)),
        Sample(((1, 1),)),
        Sample(((0, 0),)),
    )
    rejects = (
        Reject(("f32[3]",), "takes matrices"),
        Reject(("f32[2, 3]",), "square matrices, not [2, 3]"),
    )

    def decompose(self) -> Tensor:
        """A Padé approximant of the matrix halved some times, squared as often."""
        x = self.x
        columns = total(absolute(x), -2)
        norm = Top(columns, (columns.ndim - 1,))
        large = (norm > _REACH) & isfinite(norm)
        halvings = where(large, ceil(log2(where(large, norm, 1) / _REACH)), 0).astype(I64)
        spread = expand_dims(expand_dims(halvings, -1), -1)
        small = _scaled(x, broadcast(-spread, x.type.shape))
        # Divided by the first, so that float32 holds them with room.
        b = [c / _PADE[0] for c in _PADE]
        one = identity(x.type.shape, x.dtype)
        x2 = MatMul(small, small)
        x4 = MatMul(x2, x2)
        x6 = MatMul(x4, x2)
        odd = MatMul(x6, b[13] * x6 + b[11] * x4 + b[9] * x2)
        odd = MatMul(small, odd + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
        even = MatMul(x6, b[12] * x6 + b[10] * x4 + b[8] * x2)
        even = even + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
        below = even - odd
        quotient = Solve(below, Factors(below), (even + odd).mT, False).mT
        return Squarings(quotient, halvings)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The derivative at ``x.T`` along ``ct``."""
        return (ExpmAlong(self.x.mT, ct),)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The derivative along the tangent."""
        (tangent,) = tangents
        return None if tangent is None else ExpmAlong(self.x, tangent)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        with np.errstate(all="ignore"):
            return _expm_of(operands[0])

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as columns."""
        return is_square(self.x)


def _expm_along(x: Array, t: Array) -> Array:
    n = x.shape[-1]
    return _expm_of(_beside_arrays(x, t))[..., :n, n:]


class ExpmAlong(Along):
    """The derivative of the exponential along a matrix."""

    public = "expm_along"
    reference = staticmethod(_expm_along)
    domain = (Domain(-1, 1),)
    tolerance = 8192.0
    samples = (Sample(((2, 2), (2, 2))), Sample(((2, 2, 2), (2, 2, 2))), Sample(((0, 0), (0, 0))))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def apply(self, x: Tensor) -> Tensor:
        """The exponential."""
        return Expm(x)


def expm(x: TensorLike, /) -> Tensor:
    """Return the exponential of each square matrix, as ``scipy.linalg.expm``.

    By scaling and squaring with a Padé approximant of degree 13.

    Raises:
        GraphTypeError: no square matrices.

    >>> ag.linalg.expm(ag.constant([[0.0, 1.0], [0.0, 0.0]])).eval()
    array([[1., 1.],
           [0., 1.]], dtype=float32)
    """
    (tensor,) = as_matrices("expm", x=x)
    need_matrix("expm", tensor, square=True)
    return Expm(tensor)


# -- norms ---------------------------------------------------------------------------------------


def _size(x: Tensor) -> Tensor:
    """Return the absolute values of complex numbers, which is what most norms are of."""
    return absolute(x) if x.dtype.is_complex else x


def vector_norm(
    x: TensorLike, /, *, axis: Axes = None, keepdims: bool = False, ord: Any = 2
) -> Tensor:
    """Return norms of vectors, as ``numpy.linalg.vector_norm``.

    Args:
        x: array.
        axis: along which the vectors lie; several are taken as one; by default all.
        keepdims: keep the axes with size 1.
        ord: ``inf`` (largest absolute), ``-inf`` (smallest), 0 (how many are not 0), or a number
            ``p`` for ``sum(abs(x)**p) ** (1/p)``.

    Raises:
        GraphTypeError: there is no such axis, or another ``ord``.

    >>> ag.linalg.vector_norm(ag.constant([3.0, 4.0])).eval()
    array(5., dtype=float32)
    """
    (tensor,) = as_matrices("vector_norm", x=x)
    axes = as_axes("vector_norm", axis, tensor.ndim, tensor)
    result = _vector_norm("vector_norm", tensor, axes, ord)
    return restore_axes(result, axes) if keepdims else result


def _vector_norm(op: str, x: Tensor, axes: tuple[int, ...], ord: Any) -> Tensor:
    if isinstance(ord, str) or ord is None:
        raise GraphTypeError(f"{op}: the order of a vector's norm is a number, not {ord!r}")
    x = _size(x)
    size = absolute(x)
    if ord == np.inf:
        return largest(size, axes)
    if ord == -np.inf:
        return smallest(size, axes)
    if ord == 0:
        return total((x != 0).astype(x.dtype), axes)
    if ord == 1:
        return total(size, axes)
    if ord == 2:
        return sqrt(total(x * x, axes))
    return total(size ** float(ord), axes) ** (1 / float(ord))


def matrix_norm(x: TensorLike, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Return norms of matrices, as ``numpy.linalg.matrix_norm``.

    Args:
        x: ``[..., m, n]``.
        keepdims: keep the axes with size 1.
        ord: ``"fro"``, ``"nuc"`` (sum of singular values), 1 and -1 (largest and smallest sum of
            a column's absolute values), ``inf`` and ``-inf`` (of a row's), 2 and -2 (largest and
            smallest singular value).

    Raises:
        GraphTypeError: no matrices, or another ``ord``.

    >>> ag.linalg.matrix_norm(ag.constant([[3.0, 0.0], [0.0, 4.0]]), ord="nuc").eval()
    array(7., dtype=float32)
    """
    (tensor,) = as_matrices("matrix_norm", x=x)
    need_matrix("matrix_norm", tensor)
    result = _matrix_norm("matrix_norm", tensor, ord)
    return restore_axes(result, (tensor.ndim - 2, tensor.ndim - 1)) if keepdims else result


def _matrix_norm(op: str, x: Tensor, ord: Any) -> Tensor:
    """Return the norm of the last two axes."""
    if ord == "nuc":
        return total(svdvals(x), -1)
    if ord in (2, -2):
        return (largest if ord == 2 else smallest)(svdvals(x), -1)
    x = _size(x)
    if ord == "fro" or ord is None:
        return sqrt(total(x * x, (-2, -1)))
    if ord in (1, -1, np.inf, -np.inf):
        sums = total(absolute(x), -2 if abs(ord) == 1 else -1)
        return (largest if ord > 0 else smallest)(sums, -1)
    raise GraphTypeError(
        f'{op}: the order of a matrix norm is "fro", "nuc", 1, -1, 2, -2, inf or -inf, not {ord!r}'
    )


def norm(x: TensorLike, /, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return norms of vectors or matrices, as ``numpy.linalg.norm``.

    Args:
        x: array.
        ord: of a vector, see :func:`vector_norm`; of a matrix, see :func:`matrix_norm`.  By
            default the root of the sum of squares.
        axis: one for vectors, two for matrices; by default ``x`` itself is one or the other, or,
            without ``ord``, all of it is taken as a vector.
        keepdims: keep the axes with size 1.

    Raises:
        GraphTypeError: there are no such axes, or another ``ord``.

    >>> ag.linalg.norm(ag.constant([[3.0, 4.0], [6.0, 8.0]]), axis=1).eval()
    array([ 5., 10.], dtype=float32)
    """
    (tensor,) = as_matrices("norm", x=x)
    if axis is None:
        axes = tuple(range(tensor.ndim))
        if ord is None:
            size = _size(tensor)
            result = sqrt(total(size * size, axes)) if axes else absolute(size)
            return restore_axes(result, axes) if keepdims else result
    else:
        given = as_items(axis)
        as_axes("norm", given, tensor.ndim, tensor)
        axes = tuple(int(k) % tensor.ndim for k in given)
    if len(axes) == 1:
        result = _vector_norm("norm", tensor, axes, 2 if ord is None else ord)
    elif len(axes) == 2:
        result = _matrix_norm("norm", moveaxis(tensor, axes, (-2, -1)), ord)
    else:
        raise GraphTypeError(
            f"norm: takes vectors or matrices, one axis or two\n{operand_lines(('x',), (tensor,))}"
        )
    return restore_axes(result, tuple(sorted(axes))) if keepdims else result


def cond(x: TensorLike, /, p: Any = None) -> Tensor:
    """Return the condition number of each matrix, as ``numpy.linalg.cond``.

    Args:
        x: ``[..., m, n]``; square unless ``p`` is None, 2 or -2.
        p: order of the norm; None is 2, the ratio of the outermost singular values.

    Returns:
        ``inf`` for a singular matrix.

    Raises:
        GraphTypeError: no (square) matrices, or another ``p``.
    """
    (tensor,) = as_matrices("cond", x=x)
    need_matrix("cond", tensor, square=p not in (None, 2, -2))
    if p in (None, 2, -2):
        values = svdvals(tensor)
        most, least = largest(values, -1), smallest(values, -1)
        ratio = most / least if p != -2 else least / most
        return where(is_nan(ratio), np.inf, ratio)
    inverse = inv(tensor, on_error="nan")
    ratio = _matrix_norm("cond", tensor, p) * _matrix_norm("cond", inverse, p)
    given = is_nan(tensor).any((-2, -1))
    return where(is_nan(ratio) & ~given, np.inf, ratio)


# -- equations between tensors -------------------------------------------------------------------


def tensorsolve(
    a: TensorLike, b: TensorLike, /, axes: Any = None, *, on_error: OnError = "raise"
) -> Tensor:
    """Solve ``tensordot(a, x, x.ndim) = b``, as ``numpy.linalg.tensorsolve``.

    Args:
        a: ``[*b.shape, *x.shape]``, with as many elements in both parts.
        b: array.
        axes: of ``a``, moved to its end first.
        on_error: what to do about a singular matrix: ``"raise"``, or give ``"nan"``.

    Raises:
        GraphTypeError: sizes that are known not to fit.
        LinAlgError: in a call, the matrix is singular.
    """
    left, right = as_matrices("tensorsolve", a=a, b=b)
    if axes is not None:
        moved = as_items(axes)
        left = moveaxis(left, tuple(moved), tuple(range(left.ndim - len(moved), left.ndim)))
    shape = left.type.shape[right.ndim :]
    size = product(shape)
    if unify(product(left.type.shape[: right.ndim]), size) is None:
        raise GraphTypeError(
            f"tensorsolve: the axes of a make no square matrix\n"
            f"{operand_lines(('a', 'b'), (left, right))}"
        )
    rows = scalar_of(right.type.size)
    matrix = reshape(left, (rows, scalar_of(size)))
    found = solve(matrix, reshape(right, (rows,)), on_error=on_error)
    return reshape(found, tuple(map(scalar_of, shape)))


def tensorinv(x: TensorLike, /, ind: int = 2, *, on_error: OnError = "raise") -> Tensor:
    """Return the inverse with respect to ``tensordot(a, b, ind)``, as ``numpy.linalg.tensorinv``.

    Args:
        x: the first ``ind`` sizes have the product of the others.
        ind: known positive integer.
        on_error: what to do about a singular matrix: ``"raise"``, or give ``"nan"``.

    Raises:
        GraphTypeError: sizes that are known not to fit.
        LinAlgError: in a call, the matrix is singular.
    """
    (tensor,) = as_matrices("tensorinv", x=x)
    if not is_integer(ind) or ind <= 0:
        raise GraphTypeError(f"tensorinv: ind is a positive integer, but this is {ind!r}")
    front, back = tensor.type.shape[:ind], tensor.type.shape[ind:]
    if unify(product(front), product(back)) is None:
        raise GraphTypeError(
            f"tensorinv: the axes make no square matrix\n{operand_lines(('x',), (tensor,))}"
        )
    matrix = reshape(tensor, (scalar_of(product(front)), scalar_of(product(back))))
    return reshape(inv(matrix, on_error=on_error), tuple(map(scalar_of, (*back, *front))))


def block_diag(*arrays: TensorLike) -> Tensor:
    """Return matrices one after another along the diagonal, as ``scipy.linalg.block_diag``.

    Args:
        *arrays: ``[..., m, n]``, stacks of one shape; vectors are rows.

    Raises:
        GraphTypeError: no arrays.

    >>> ag.linalg.block_diag([[1, 2]], [[3], [4]]).eval()
    array([[1, 2, 0],
           [0, 0, 3],
           [0, 0, 4]])
    """
    if not arrays:
        raise GraphTypeError("block_diag: takes at least one array")
    parts = [as_tensor(a) for a in arrays]
    blocks = [p if p.ndim > 1 else reshape(p, (1, -1)) for p in parts]
    rows: list[Tensor] = []
    for k, block in enumerate(blocks):
        row = [block if k == m else _zeros(block, other, blocks) for m, other in enumerate(blocks)]
        rows.append(concatenate(row, -1))
    return concatenate(rows, -2)


def _zeros(block: Tensor, other: Tensor, blocks: Sequence[Tensor]) -> Tensor:
    shape: Shape = (*block.type.shape[:-1], other.type.shape[-1])
    kind = concatenate([reshape(b, -1)[:1] for b in blocks]).dtype
    return broadcast_to(as_tensor(0).astype(kind), tuple(map(scalar_of, shape)))


# -- the array API's and NumPy's functions of matrices that differ from those of ``ag`` ------------


def matrix_trace(x: TensorLike, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """Return the trace of the last two axes, as ``numpy.linalg.trace``."""
    return trace(x, offset, -2, -1, dtype)


def matrix_diagonal(x: TensorLike, /, *, offset: int = 0) -> Tensor:
    """Return the diagonals of the last two axes, as ``numpy.linalg.diagonal``.

    Raises:
        GraphTypeError: no matrices.
    """
    tensor = as_tensor(x)
    need_matrix("diagonal", tensor)
    m, n = tensor.type.shape[-2:]
    width = sub(n, offset) if offset > 0 else n
    height = m if offset > 0 else add(m, offset)
    size = scalar_of(maximum(0, minimum(height, width)))
    rows, columns = max(0, -offset), max(0, offset)
    part = tensor[..., rows:, columns:][..., :size, :size]
    return total(where(on_diagonal(part), part, 0), -1).astype(tensor.dtype)


def vector_outer(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Return the outer product of two vectors, as ``numpy.linalg.outer``.

    Raises:
        GraphTypeError: they are no vectors.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim != 1 or b.ndim != 1:
        raise GraphTypeError(
            f"outer: takes two vectors\n{operand_lines(('x1', 'x2'), (a, b))}\n"
            "  ag.outer flattens others"
        )
    return outer(a, b)


OPS: tuple[type[Op], ...] = (Pinv, Squarings, SquaringsAlong, Expm, ExpmAlong)

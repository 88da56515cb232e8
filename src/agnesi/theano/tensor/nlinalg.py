"""Linear algebra of matrices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import agnesi as ag
from agnesi import linalg
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.native_op import NativeOp
from agnesi.theano.tensor.slinalg import inexact, matrix, one_triangle

as_tensor_variable, ExtractDiag = tensor.as_tensor_variable, tensor.ExtractDiag


class _OfMatrix(NativeOp):
    """An op of one matrix."""

    def convert(self, x: Any) -> list[Any]:
        """A matrix."""
        return [matrix(self.name, x)]


class MatrixPinv(_OfMatrix):
    """The Moore-Penrose inverse."""

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """In the dtype of the matrix."""
        # Theano's NumPy counts singular values up to 1e-15 times the largest as 0.
        return ag.astype(linalg.pinv(inexact(x), 1e-15), x.dtype)


class MatrixInverse(_OfMatrix):
    """The inverse."""

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """In the dtype of the matrix."""
        return ag.astype(linalg.inv(inexact(x)), x.dtype)


class Det(_OfMatrix):
    """The determinant."""

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """In the dtype of the matrix."""
        return ag.astype(linalg.det(inexact(x)), x.dtype)

    def __str__(self) -> str:
        return "Det"


pinv, matrix_inverse, det = MatrixPinv(), MatrixInverse(), Det()
inv = matrix_inverse


class AllocDiag(NativeOp):
    """The matrix with a vector as its diagonal; ``theano.tensor.AllocDiag`` is the newer one."""

    def convert(self, _x: Any) -> list[Any]:
        """A vector."""
        warnings.warn(
            "DeprecationWarning: theano.tensor.nlinalg.AllocDiag is deprecated, please use "
            "theano.tensor.AllocDiag instead.",
            DeprecationWarning,
            stacklevel=3,
        )
        x = as_tensor_variable(_x)
        if x.ndim != 1:
            raise TypeError("AllocDiag only works on vectors", _x)
        return [x]

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """With zeros elsewhere."""
        return ag.diag(x)


alloc_diag = AllocDiag()


def trace(X: Any) -> Any:
    """Return the sum of the diagonal."""
    return extract_diag(X).sum()


extract_diag = ExtractDiag()


def diag(x: Any) -> Any:
    """Return a vector as a diagonal, or the diagonal of a matrix."""
    x = as_tensor_variable(x)
    if x.ndim not in (1, 2):
        raise TypeError("diag requires vector or matrix argument", x)
    return alloc_diag(x) if x.ndim == 1 else extract_diag(x)


class Eig(_OfMatrix):
    """Eigenvalues and right eigenvectors, in the dtype of the matrix: their real parts."""

    nout = 2

    def build(self, x: ag.Tensor) -> list[ag.Tensor]:
        """Of a real matrix the real parts, as Theano's."""
        found = linalg.eig(inexact(x))
        real = not x.dtype.is_complex
        return [ag.astype(ag.real(part) if real else part, x.dtype) for part in found]


eig = Eig()


class Eigh(Eig):
    """Eigenvalues and eigenvectors of a Hermitian matrix, of which one triangle is read.

    Attributes:
        UPLO: which one: ``"L"`` or ``"U"``.
    """

    __props__ = ("UPLO",)
    nout = 2

    def __init__(self, UPLO: str = "L") -> None:
        if UPLO not in ("L", "U"):
            raise AssertionError(f"UPLO must be 'L' or 'U', not {UPLO!r}")
        self.UPLO = UPLO

    def build(self, x: ag.Tensor) -> list[ag.Tensor]:
        """In floats."""
        return list(linalg.eigh(one_triangle(inexact(x), self.UPLO == "L")))


class EighGrad(NativeOp):
    """The gradient by a matrix, given those by its eigenvalues and eigenvectors."""

    __props__ = ("UPLO",)

    def __init__(self, UPLO: str = "L") -> None:
        if UPLO not in ("L", "U"):
            raise AssertionError(f"UPLO must be 'L' or 'U', not {UPLO!r}")
        self.UPLO = UPLO

    def build(
        self, x: ag.Tensor, w: ag.Tensor, v: ag.Tensor, gw: ag.Tensor, gv: ag.Tensor
    ) -> ag.Tensor:
        """As ``Eigh`` itself is differentiated."""
        del w, v
        return ag.vjp(Eigh(self.UPLO).build(x), x, [gw, gv])


def eigh(a: Any, UPLO: str = "L") -> Any:
    """Return eigenvalues and eigenvectors of a symmetric matrix."""
    return Eigh(UPLO)(a)


_QR = {"full": "reduced", "f": "reduced"}
_MODES = ("reduced", "complete", "r", "raw", *_QR)


def _qr_mode(mode: str) -> str:
    if mode not in _MODES:
        raise ValueError(f"Unrecognized mode '{mode}'")
    return _QR.get(mode, mode)


class QRFull(_OfMatrix):
    """Both factors of a matrix, ``q`` orthonormal and ``r`` triangular.

    Attributes:
        mode: ``"reduced"``, ``"complete"``, or ``"raw"`` for reflections and their factors.
    """

    __props__ = ("mode",)
    nout = 2

    def __init__(self, mode: str) -> None:
        self.mode = mode
        _qr_mode(mode)

    def build(self, x: ag.Tensor) -> list[ag.Tensor]:
        """In floats."""
        return list(linalg.qr(inexact(x), _qr_mode(self.mode)))


class QRIncomplete(_OfMatrix):
    """The triangular factor alone.

    Attributes:
        mode: ``"r"``.
    """

    __props__ = ("mode",)

    def __init__(self, mode: str) -> None:
        self.mode = mode
        _qr_mode(mode)

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """In floats."""
        return linalg.qr(inexact(x), "r")


def qr(a: Any, mode: str = "reduced") -> Any:
    """Return the QR decomposition: both factors, or R alone for ``mode="r"``."""
    _qr_mode(mode)
    return QRIncomplete(mode)(a) if mode == "r" else QRFull(mode)(a)


class SVD(_OfMatrix):
    """The singular value decomposition.

    Attributes:
        full_matrices: whether both matrices are square.
        compute_uv: whether they are given besides the singular values.
    """

    __props__ = ("full_matrices", "compute_uv")

    def __init__(self, full_matrices: Any = True, compute_uv: Any = True) -> None:
        self.full_matrices, self.compute_uv = full_matrices, compute_uv
        self.nout = 3 if compute_uv else 1

    def build(self, x: ag.Tensor) -> Any:
        """In floats."""
        if not self.compute_uv:
            return linalg.svdvals(inexact(x))
        return list(linalg.svd(inexact(x), full_matrices=bool(self.full_matrices)))


def svd(a: Any, full_matrices: Any = 1, compute_uv: Any = 1) -> Any:
    """Return the singular value decomposition: U, singular values, V transposed."""
    return SVD(full_matrices, compute_uv)(a)


class lstsq(NativeOp):
    """The op of least squares: ``lstsq()(x, y, rcond)``.

    It gives the solution, the squared distances, the rank and the singular values.
    """

    nout = 4

    def convert(self, x: Any, y: Any, rcond: Any) -> list[Any]:
        """A matrix, a vector or matrix, and a number."""
        return [matrix("lstsq", x), as_tensor_variable(y), as_tensor_variable(rcond)]

    def build(self, x: ag.Tensor, y: ag.Tensor, rcond: ag.Tensor) -> list[ag.Tensor]:
        """As NumPy: no distances where the solution is not the only one, or is exact."""
        x, y = inexact(x), inexact(y)
        dtype = upcast(x.dtype.numpy.name, y.dtype.numpy.name)
        x, y = ag.astype(x, dtype), ag.astype(y, dtype)
        # To LAPACK a cutoff that is not between 0 and 1 is the precision of the dtype.
        cutoff, precision = ag.astype(rcond, "f64"), float(np.finfo(dtype).eps)
        limit = ag.where((cutoff > 0) & (cutoff < 1), cutoff, precision)
        solution, rest, rank, values = linalg.lstsq(x, y, limit)
        rows, columns = x.shape
        told = (rank == columns) & (ag.asarray(rows) > columns)
        return [solution, rest[: ag.astype(told, "i64") * rest.shape[0]], rank, values]


def matrix_power(M: Any, n: int) -> Any:
    """Return a matrix multiplied with itself, ``n`` times; 1 for ``n = 0``, as Theano.

    Raises:
        ValueError: ``n`` is negative, for which Theano gives 1 too.
    """
    if n < 0:
        raise ValueError(
            f"matrix_power(n={n}): n may not be negative; give matrix_inverse(M) a power"
        )
    result: Any = 1
    for _ in range(n):
        result = tensor.dot(result, M)
    return result


def matrix_dot(*args: Any) -> Any:
    """Return the product of several matrices."""
    made = args[0]
    for other in args[1:]:
        made = tensor.dot(made, other)
    return made


def norm(x: Any, ord: Any) -> Any:
    """Return the norm of a vector or matrix.

    Args:
        x: vector or matrix.
        ord: None, ``"inf"``, ``"-inf"``; of a vector 0 or any other number; of a matrix ``"fro"``,
            1 or -1.

    Raises:
        ValueError: another order, or a scalar.
        NotImplementedError: more than two axes.
    """
    x = as_tensor_variable(x)
    if x.ndim == 0:
        raise ValueError("'axis' entry is out of bounds.")
    if x.ndim > 2:
        raise NotImplementedError("We don't support norm with ndim > 2")
    if isinstance(ord, float) and np.isinf(ord):
        ord = "inf" if ord > 0 else "-inf"
    return _vector_norm(x, ord) if x.ndim == 1 else _matrix_norm(x, ord)


def _vector_norm(x: Any, ord: Any) -> Any:
    if ord is None:
        return tensor.sum(x**2) ** 0.5
    if ord in ("inf", "-inf"):
        return (tensor.max if ord == "inf" else tensor.min)(abs(x))
    if isinstance(ord, str):
        raise ValueError("Invalid norm order for vectors.")
    if isinstance(ord, int | float) and ord == 0:
        return x[x.nonzero()].shape[0]
    # Theano rewrites abs(x**ord) to this, which has values for negative elements too.
    return tensor.sum(abs(x) ** ord) ** (1.0 / ord)


def _matrix_norm(x: Any, ord: Any) -> Any:
    if ord is None or ord == "fro":
        return tensor.sum(abs(x**2)) ** 0.5
    if ord in ("inf", "-inf"):
        return (tensor.max if ord == "inf" else tensor.min)(tensor.sum(abs(x), 1))
    if ord in (1, -1):
        return (tensor.max if ord == 1 else tensor.min)(tensor.sum(abs(x), 0))
    raise ValueError(f"norm: no matrix norm of order {ord!r}")


class TensorInv(NativeOp):
    """The inverse of an array as a map of arrays.

    Attributes:
        ind: how many axes are those of what it gives.
    """

    __props__ = ("ind",)

    def __init__(self, ind: int = 2) -> None:
        self.ind = ind

    def build(self, a: ag.Tensor) -> ag.Tensor:
        """In floats."""
        return linalg.tensorinv(inexact(a), self.ind)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """Return the inverse of an array as a map of arrays."""
    return TensorInv(ind)(a)


class TensorSolve(NativeOp):
    """The array that a map of arrays takes to another one.

    Attributes:
        axes: of the map, moved to its end first.
    """

    __props__ = ("axes",)

    def __init__(self, axes: Any = None) -> None:
        self.axes = axes

    def build(self, a: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
        """In floats of both."""
        a, b = inexact(a), inexact(b)
        dtype = upcast(a.dtype.numpy.name, b.dtype.numpy.name)
        return linalg.tensorsolve(ag.astype(a, dtype), ag.astype(b, dtype), self.axes)


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Return the array that a map of arrays takes to another one."""
    return TensorSolve(axes)(a, b)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

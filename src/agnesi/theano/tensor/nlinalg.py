"""Linear algebra of matrices."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi import linalg
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.applying import apply, apply_many
from agnesi.theano.tensor.casting import to_float

as_tensor_variable = tensor.as_tensor_variable


def _matrix(what: str, x: Any) -> Any:
    x = as_tensor_variable(x)
    if x.ndim != 2:
        raise AssertionError(f"{what}: a matrix is needed, not {x.type}")
    return x.astype(to_float(x.dtype))


def matrix_inverse(x: Any) -> Any:
    """Return the inverse."""
    return apply("MatrixInverse", linalg.inv, [_matrix("matrix_inverse", x)])


inv = matrix_inverse


def pinv(x: Any) -> Any:
    """Return the Moore-Penrose inverse."""
    return apply("MatrixPinv", linalg.pinv, [_matrix("pinv", x)])


def det(x: Any) -> Any:
    """Return the determinant."""
    return apply("Det", linalg.det, [_matrix("det", x)])


def trace(X: Any) -> Any:
    """Return the sum of the diagonal."""
    return extract_diag(X).sum()


def extract_diag(x: Any) -> Any:
    """Return the diagonal of a matrix."""
    x = as_tensor_variable(x)
    if x.ndim != 2:
        raise TypeError("extract_diag: a matrix is needed", x)
    return tensor.diag(x)


def alloc_diag(x: Any) -> Any:
    """Return a matrix with a vector as its diagonal."""
    return tensor.diag(as_tensor_variable(x).flatten())


def diag(x: Any) -> Any:
    """Return a vector as a diagonal, or the diagonal of a matrix."""
    return tensor.diag(x)


def eig(x: Any) -> Any:
    """Return eigenvalues and eigenvectors, their real parts."""
    return apply_many("Eig", lambda t: [ag.real(p) for p in linalg.eig(t)], [_matrix("eig", x)], 2)


def eigh(a: Any, UPLO: str = "L") -> Any:
    """Return eigenvalues and eigenvectors of a symmetric matrix."""
    return apply_many("Eigh", lambda t: list(linalg.eigh(t, UPLO=UPLO)), [_matrix("eigh", a)], 2)


def svd(a: Any, full_matrices: Any = 1, compute_uv: Any = 1) -> Any:
    """Return the singular value decomposition."""
    x = _matrix("svd", a)
    if not compute_uv:
        return apply("SVD", linalg.svdvals, [x])
    return apply_many(
        "SVD", lambda t: list(linalg.svd(t, full_matrices=bool(full_matrices))), [x], 3
    )


def qr(a: Any, mode: str = "reduced") -> Any:
    """Return the QR decomposition: both factors, or R alone."""
    x = _matrix("qr", a)
    if mode in ("r", "raw"):
        if mode == "raw":
            raise NotImplementedError("theano.tensor.nlinalg.qr(mode='raw'): use mode='reduced'")
        return apply("QRFull", lambda t: linalg.qr(t)[1], [x])
    kind = "complete" if mode in ("complete", "full") else "reduced"
    return apply_many("QRFull", lambda t: list(linalg.qr(t, mode=kind)), [x], 2)


def lstsq(x: Any, y: Any, rcond: Any) -> Any:
    """Return solution, residuals, rank and singular values of least squares."""
    a, b = as_tensor_variable(x), as_tensor_variable(y)
    cutoff = float(getattr(rcond, "data", rcond))
    return apply_many("lstsq", lambda s, t: list(linalg.lstsq(s, t, cutoff)), [a, b], 4)


def matrix_power(M: Any, n: int) -> Any:
    """Return a matrix multiplied with itself."""
    return apply("MatrixPower", lambda t: linalg.matrix_power(t, n), [M])


def matrix_dot(*args: Any) -> Any:
    """Return the product of several matrices."""
    made = args[0]
    for other in args[1:]:
        made = tensor.dot(made, other)
    return made


def norm(x: Any, ord: Any) -> Any:
    """Return the norm of a vector or matrix."""
    x = as_tensor_variable(x)
    if x.ndim not in (1, 2):
        raise ValueError("Not implemented for more than two dimensions.")
    x = x.astype(to_float(x.dtype))
    if ord is None:
        return apply("norm", lambda t: linalg.norm(ag.reshape(t, -1)), [x])
    if ord == "inf":
        ord = float("inf")
    if ord == "-inf":
        ord = -float("inf")
    return apply("norm", lambda t: linalg.norm(t, ord=ord), [x], ord=ord)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """Return the inverse of an array as a map of arrays."""
    return apply("TensorInv", lambda t: linalg.tensorinv(t, ind), [a])


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Return the array that a map of arrays takes to another one."""
    return apply("TensorSolve", lambda s, t: linalg.tensorsolve(s, t, axes), [a, b])


def MatrixInverse() -> Any:
    """Return the op of the inverse."""
    return matrix_inverse


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Linear algebra that SciPy has: factors and solutions."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi import linalg
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.casting import DISCRETE, upcast
from agnesi.theano.tensor.native_op import NativeOp

MATRIX_STRUCTURES = (
    "general",
    "symmetric",
    "lower_triangular",
    "upper_triangular",
    "hermitian",
    "banded",
    "diagonal",
    "toeplitz",
)


def matrix(what: str, x: Any) -> Any:
    """Return a variable that is a matrix.

    Raises:
        AssertionError: it is none.
    """
    x = as_tensor_variable(x)
    if x.ndim != 2:
        raise AssertionError(f"{what}: a matrix is needed, not {x.type}")
    return x


def inexact(t: ag.Tensor) -> ag.Tensor:
    """Return numbers as floats, integers as float64: what NumPy computes in."""
    return ag.astype(t, "f64") if t.dtype.numpy.name in DISCRETE else t


def one_triangle(t: ag.Tensor, lower: bool) -> ag.Tensor:
    """Return the Hermitian matrix of which one triangle is given."""
    half = ag.tril(t, -1) if lower else ag.triu(t, 1)
    kept = ag.tril(t) if lower else ag.triu(t)
    return kept + ag.conj(ag.transpose(half))


class Cholesky(NativeOp):
    """The triangular factor of a positive definite matrix.

    Attributes:
        lower: whether ``x = dot(L, L.T)``; else ``x = dot(U.T, U)``.
        on_error: ``"raise"`` a LinAlgError for other matrices, or return ``"nan"``.
    """

    __props__ = ("lower", "destructive", "on_error")

    def __init__(self, lower: bool = True, on_error: str = "raise") -> None:
        if on_error not in ("raise", "nan"):
            raise ValueError('on_error must be one of "raise" or ""nan"')
        self.lower, self.destructive, self.on_error = lower, False, on_error

    def convert(self, x: Any) -> list[Any]:
        """A matrix."""
        return [matrix("Cholesky", x)]

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """The factor, in the dtype of the matrix."""
        how: Any = self.on_error
        given = inexact(x)
        made = linalg.cholesky(given, upper=not self.lower, on_error=how)
        if how == "nan":
            # All of the gradient is NaN then, as all of the factor.
            bad = ag.isnan(made)
            made = ag.where(bad, given * ag.where(bad, float("nan"), 1.0), made)
        return ag.astype(made, x.dtype)


cholesky = Cholesky()


class CholeskyGrad(NativeOp):
    """The gradient by a matrix, given that by its Cholesky factor."""

    __props__ = ("lower", "destructive")

    def __init__(self, lower: bool = True) -> None:
        self.lower, self.destructive = lower, False

    def convert(self, x: Any, l: Any, dz: Any) -> list[Any]:
        """The matrix, its factor, and the gradient by that."""
        given = [matrix("CholeskyGrad", v) for v in (x, l, dz)]
        op = getattr(given[1].owner, "op", None)
        if isinstance(op, Cholesky) and op.lower != self.lower:
            raise AssertionError("lower/upper mismatch between Cholesky op and CholeskyGrad op")
        return given

    def build(self, x: ag.Tensor, l: ag.Tensor, dz: ag.Tensor) -> ag.Tensor:
        """As ``Cholesky`` itself is differentiated."""
        del l
        return ag.vjp(linalg.cholesky(x, upper=not self.lower), x, dz)


class Solve(NativeOp):
    """The solution ``x`` of ``dot(A, x) = b``.

    Attributes:
        A_structure: ``"lower_triangular"`` or ``"upper_triangular"`` where only that triangle is
            read; other structures mean nothing here, as in Theano.
        lower: means nothing, as in Theano.
    """

    __props__ = ("A_structure", "lower", "overwrite_A", "overwrite_b")

    def __init__(
        self,
        A_structure: str = "general",
        lower: bool = False,
        overwrite_A: bool = False,
        overwrite_b: bool = False,
    ) -> None:
        if A_structure not in MATRIX_STRUCTURES:
            raise ValueError("Invalid matrix structure argument", A_structure)
        self.A_structure, self.lower = A_structure, lower
        self.overwrite_A, self.overwrite_b = overwrite_A, overwrite_b

    def convert(self, A: Any, b: Any) -> list[Any]:
        """A matrix, and a vector or a matrix."""
        a, b = as_tensor_variable(A), as_tensor_variable(b)
        if a.ndim != 2 or b.ndim not in (1, 2):
            raise AssertionError(f"Solve: a matrix and a vector or matrix, not {a.type}, {b.type}")
        return [a, b]

    def build(self, a: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
        """In floats of both."""
        a, b = inexact(a), inexact(b)
        dtype = upcast(a.dtype.numpy.name, b.dtype.numpy.name)
        a, b = ag.astype(a, dtype), ag.astype(b, dtype)
        if self.A_structure in ("lower_triangular", "upper_triangular"):
            return linalg.solve_triangular(a, b, lower=self.A_structure == "lower_triangular")
        return linalg.solve(a, b)


solve = Solve()
solve_lower_triangular = Solve("lower_triangular", lower=True)
solve_upper_triangular = Solve("upper_triangular", lower=False)
solve_symmetric = Solve("symmetric")


def _is_none(b: Any) -> bool:
    return b is None or getattr(b, "data", b) is None


class Eigvalsh(NativeOp):
    """Eigenvalues of ``a``, or ``l`` of ``dot(a, x) = l * dot(b, x)``: one triangle is read.

    Attributes:
        lower: which one.
    """

    __props__ = ("lower",)

    def __init__(self, lower: bool = True) -> None:
        if lower not in (True, False):
            raise AssertionError("lower must be True or False")
        self.lower = lower

    def convert(self, a: Any, b: Any = None) -> list[Any]:
        """A matrix, and another one or None."""
        return [matrix("Eigvalsh", v) for v in ([a] if _is_none(b) else [a, b])]

    def build(self, a: ag.Tensor, b: ag.Tensor | None = None) -> ag.Tensor:
        """By way of the factor of ``b``."""
        a = one_triangle(inexact(a), self.lower)
        if b is None:
            return linalg.eigvalsh(a)
        b = one_triangle(inexact(b), self.lower)
        dtype = upcast(a.dtype.numpy.name, b.dtype.numpy.name)
        factor = linalg.cholesky(ag.astype(b, dtype))
        half = linalg.solve_triangular(factor, ag.astype(a, dtype), lower=True)
        turned = ag.conj(ag.transpose(half))
        return linalg.eigvalsh(linalg.solve_triangular(factor, turned, lower=True))


class EigvalshGrad(NativeOp):
    """The gradients by both matrices of an :class:`Eigvalsh`, given that by the eigenvalues."""

    __props__ = ("lower",)
    nout = 2

    def __init__(self, lower: bool = True) -> None:
        if lower not in (True, False):
            raise AssertionError("lower must be True or False")
        self.lower = lower

    def convert(self, a: Any, b: Any, gw: Any) -> list[Any]:
        """Both matrices, and the gradient by the eigenvalues."""
        g = as_tensor_variable(gw)
        if g.ndim != 1:
            raise AssertionError(f"EigvalshGrad: a vector is needed, not {g.type}")
        return [matrix("EigvalshGrad", a), matrix("EigvalshGrad", b), g]

    def build(self, a: ag.Tensor, b: ag.Tensor, gw: ag.Tensor) -> list[ag.Tensor]:
        """As ``Eigvalsh`` itself is differentiated."""
        return list(ag.vjp(Eigvalsh(self.lower).build(a, b), [a, b], gw))


def eigvalsh(a: Any, b: Any, lower: bool = True) -> Any:
    """Return eigenvalues of a symmetric problem ``dot(a, x) = l * dot(b, x)``."""
    return Eigvalsh(lower)(a, b)


class Expm(NativeOp):
    """The exponential of a matrix."""

    def convert(self, A: Any) -> list[Any]:
        """A matrix."""
        return [matrix("Expm", A)]

    def build(self, A: ag.Tensor) -> ag.Tensor:
        """In floats."""
        return linalg.expm(inexact(A))


class ExpmGrad(NativeOp):
    """The gradient by a matrix, given that by its exponential."""

    def convert(self, A: Any, gw: Any) -> list[Any]:
        """A matrix, and the gradient by its exponential."""
        return [matrix("ExpmGrad", A), matrix("ExpmGrad", gw)]

    def build(self, A: ag.Tensor, gw: ag.Tensor) -> ag.Tensor:
        """As the exponential itself is differentiated."""
        return ag.vjp(linalg.expm(A), A, gw)


expm = Expm()


def kron(a: Any, b: Any) -> Any:
    """Return the Kronecker product, in SciPy's order.

    Raises:
        TypeError: both operands are vectors or scalars.
    """
    from agnesi.theano.tensor.basic import outer

    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.ndim + b.ndim <= 2:
        raise TypeError(
            f"kron: inputs dimensions must sum to 3 or more. You passed {a.ndim} and {b.ndim}."
        )
    sizes = [*(a.shape[k] for k in range(a.ndim)), *(b.shape[k] for k in range(b.ndim))]
    made = outer(a, b).reshape(sizes, ndim=a.ndim + b.ndim)
    if made.ndim == 3:
        return made.dimshuffle(1, 0, 2).flatten()
    rest = list(range(4, made.ndim))
    wanted = [sizes[0] * sizes[2], sizes[1] * sizes[3], *sizes[4:]]
    return made.dimshuffle(0, 2, 1, 3, *rest).reshape(wanted, ndim=made.ndim - 2)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Linear algebra that SciPy has: factors and solutions."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi import linalg
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.casting import to_float, upcast


class Cholesky:
    """The op of the Cholesky factor."""

    def __init__(self, lower: bool = True, on_error: str = "raise") -> None:
        if on_error not in ("raise", "nan"):
            raise ValueError('on_error must be one of "raise" or ""nan"')
        self.lower, self.on_error = lower, on_error

    def __call__(self, x: Any) -> Any:
        x = as_tensor_variable(x)
        if x.ndim != 2:
            raise AssertionError(f"Cholesky: a matrix is needed, not {x.type}")
        if self.on_error == "nan":
            raise NotImplementedError(
                "theano.tensor.slinalg.Cholesky(on_error='nan'): what fails is a LinAlgError"
            )

        def build(t: ag.Tensor) -> ag.Tensor:
            made = linalg.cholesky(t)
            return made if self.lower else ag.transpose(made)

        return apply("Cholesky", build, [x.astype(to_float(x.dtype))], lower=self.lower)


cholesky = Cholesky()


class Solve:
    """The op of linear equations."""

    def __init__(
        self,
        A_structure: str = "general",
        lower: bool = False,
        overwrite_A: bool = False,
        overwrite_b: bool = False,
    ) -> None:
        if A_structure not in (
            "general",
            "symmetric",
            "lower_triangular",
            "upper_triangular",
            "hermitian",
            "banded",
            "diagonal",
            "toeplitz",
        ):
            raise ValueError("Invalid matrix structure argument", A_structure)
        del overwrite_A, overwrite_b
        self.A_structure, self.lower = A_structure, lower

    def __call__(self, A: Any, b: Any) -> Any:
        a, b = as_tensor_variable(A), as_tensor_variable(b)
        if a.ndim != 2 or b.ndim not in (1, 2):
            raise AssertionError(f"Solve: a matrix and a vector or matrix, not {a.type}, {b.type}")
        dtype = to_float(upcast(a.dtype, b.dtype))

        def build(s: ag.Tensor, t: ag.Tensor) -> ag.Tensor:
            s, t = ag.astype(s, dtype), ag.astype(t, dtype)
            if self.A_structure in ("lower_triangular", "upper_triangular"):
                lower = self.A_structure == "lower_triangular"
                return linalg.solve_triangular(s, t, lower=lower)
            return linalg.solve(s, t)

        return apply("Solve", build, [a, b], A_structure=self.A_structure)


solve = Solve()
solve_lower_triangular = Solve("lower_triangular")
solve_upper_triangular = Solve("upper_triangular")
solve_symmetric = Solve("symmetric")


def eigvalsh(a: Any, b: Any, lower: bool = True) -> Any:
    """Return eigenvalues of a symmetric problem ``a x = l b x``."""
    a = as_tensor_variable(a)
    if b is None or getattr(b, "data", 0) is None:
        return apply("Eigvalsh", linalg.eigvalsh, [a])

    def build(s: ag.Tensor, t: ag.Tensor) -> ag.Tensor:
        factor = linalg.cholesky(t)
        half = linalg.solve_triangular(factor, s, lower=True)
        return linalg.eigvalsh(linalg.solve_triangular(factor, ag.transpose(half), lower=True))

    del lower
    return apply("Eigvalsh", build, [a, b])


def expm(A: Any) -> Any:
    """Return the exponential of a matrix."""
    return apply("Expm", linalg.expm, [A])


def kron(a: Any, b: Any) -> Any:
    """Return the Kronecker product."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.ndim + b.ndim <= 2:
        raise TypeError(
            f"kron: inputs dimensions must sum to 3 or more. You passed {a.ndim} and {b.ndim}."
        )
    return apply("Kron", ag.kron, [a, b])


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

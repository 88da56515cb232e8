"""Products as ops of their own, which Theano's optimiser puts into graphs and programs may use.

Agnesi's compiler finds such products itself; these ops say what they compute.
"""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable, cast
from agnesi.theano.tensor.casting import COMPLEXES, FLOATS, upcast
from agnesi.theano.tensor.native_op import NativeOp


def _alike(what: str, *given: tuple[Any, int]) -> list[Any]:
    """Return operands with so many axes and one dtype of floats or complex numbers.

    Raises:
        TypeError: they are other ones.
    """
    found = [as_tensor_variable(v) for v, _ in given]
    for v, (_, axes) in zip(found, given, strict=True):
        if v.ndim != axes:
            raise TypeError(f"{what}: an operand of {axes} axes is needed", v.type)
    dtypes = tuple(v.dtype for v in found)
    if len(set(dtypes)) != 1:
        raise TypeError(f"{what} requires matching dtypes", dtypes)
    if dtypes[0] not in (*FLOATS, *COMPLEXES):
        raise TypeError(f"{what} requires floating-point dtypes", dtypes[0])
    return found


class _InPlace(NativeOp):
    """What Theano might compute in the memory of an operand.

    Attributes:
        inplace: means nothing: agnesi decides that.
    """

    __props__ = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def __str__(self) -> str:
        return f"{self.name}{{{'inplace' if self.inplace else 'no_inplace'}}}"


class Gemm(_InPlace):
    """``b * z + a * dot(x, y)`` of matrices: ``gemm(z, a, x, y, b)``."""

    E_rank, E_scalar = "gemm only works for rank 2", "gemm requires scalar argument"
    E_mixed, E_float = "gemm requires matching dtypes", "gemm requires floating-point dtypes"
    E_z_uniq = "argument z aliased to x or y"

    def convert(self, *inputs: Any) -> list[Any]:
        """Three matrices and two scalars of one dtype."""
        if len(inputs) != 5:
            raise TypeError(f"Wrong number of inputs for {self} (expected 5, got {len(inputs)})")
        return _alike("gemm", *zip(inputs, (2, 0, 2, 2, 0), strict=True))

    def build(self, z: Any, a: Any, x: Any, y: Any, b: Any) -> ag.Tensor:
        """A product that is added."""
        return b * z + a * ag.matmul(x, y)


class Gemv(_InPlace):
    """``beta * y + alpha * dot(A, x)`` of vectors: ``gemv(y, alpha, A, x, beta)``."""

    def convert(self, y: Any, alpha: Any, A: Any, x: Any, beta: Any) -> list[Any]:
        """Two vectors, a matrix and two scalars of one dtype."""
        return _alike("gemv", (y, 1), (alpha, 0), (A, 2), (x, 1), (beta, 0))

    def build(self, y: Any, alpha: Any, A: Any, x: Any, beta: Any) -> ag.Tensor:
        """A product that is added."""
        return beta * y + alpha * ag.matmul(A, x)


class Ger(NativeOp):
    """``A + alpha * outer(x, y)``: ``ger(A, alpha, x, y)``.

    Attributes:
        destructive: means nothing: agnesi decides that.
    """

    __props__ = ("destructive",)

    def __init__(self, destructive: bool) -> None:
        self.destructive = destructive

    def convert(self, A: Any, alpha: Any, x: Any, y: Any) -> list[Any]:
        """A matrix, a scalar and two vectors of one dtype."""
        return _alike("ger", (A, 2), (alpha, 0), (x, 1), (y, 1))

    def build(self, A: Any, alpha: Any, x: Any, y: Any) -> ag.Tensor:
        """An outer product that is added."""
        return A + alpha * (x[:, None] * y)

    def __str__(self) -> str:
        return f"{self.name}{{{'destructive' if self.destructive else 'non-destructive'}}}"


class Dot22(NativeOp):
    """The product of two matrices."""

    def convert(self, x: Any, y: Any) -> list[Any]:
        """Two matrices of one dtype."""
        return _alike("dot22", (x, 2), (y, 2))

    def build(self, x: Any, y: Any) -> ag.Tensor:
        """A product."""
        return ag.matmul(x, y)


class Dot22Scalar(NativeOp):
    """The product of two matrices and a number: ``_dot22scalar(x, y, a)``."""

    def convert(self, x: Any, y: Any, a: Any) -> list[Any]:
        """Two matrices and a scalar of one dtype."""
        return _alike("dot22scalar", (x, 2), (y, 2), (a, 0))

    def build(self, x: Any, y: Any, a: Any) -> ag.Tensor:
        """A product."""
        return a * ag.matmul(x, y)


class BatchedDot(NativeOp):
    """The products of rows of two stacks: ``dot(a[i], b[i])``."""

    def convert(self, *inputs: Any) -> list[Any]:
        """Two stacks of vectors or matrices, of one dtype then.

        Raises:
            TypeError: they are other ones.
        """
        found = [as_tensor_variable(v) for v in inputs]
        if len(found) != 2:
            raise TypeError(
                f"theano.tensor.blas.BatchedDot: 2 arguments required, {len(found)} given "
            )
        for place, v in enumerate(found):
            if v.ndim not in (2, 3):
                raise TypeError(
                    f"theano.tensor.blas.BatchedDot: input {place} (0-indexed) must have ndim of 2 "
                    f"or 3, {v.ndim} given. Consider calling theano.tensor.batched_dot instead."
                )
        dtype = upcast(*(v.dtype for v in found))
        return [cast(v, dtype) for v in found]

    def build(self, x: Any, y: Any) -> ag.Tensor:
        """Vectors count as rows on the left and as columns on the right."""
        left = x[:, None, :] if x.ndim == 2 else x
        right = y[:, :, None] if y.ndim == 2 else y
        made = ag.matmul(left, right)
        made = made[..., 0] if y.ndim == 2 else made
        return made[:, 0] if x.ndim == 2 else made


gemm = gemm_no_inplace = Gemm(False)
gemm_inplace = Gemm(True)
gemv = gemv_no_inplace = Gemv(False)
gemv_inplace = Gemv(True)
ger, ger_destructive = Ger(False), Ger(True)
_dot22, _dot22scalar, batched_dot = Dot22(), Dot22Scalar(), BatchedDot()


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

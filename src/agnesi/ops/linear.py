"""Products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, I64
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.dims.dim import mul, product
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType, shape_text
from agnesi.ops.families import Domain, Op, Reject, Sample, all_in_front
from agnesi.ops.lift import broadcast_sizes, cast, common_dtype, lift_all, operand_lines, unify
from agnesi.ops.movement import (
    Reshape,
    broadcast,
    expand_dims,
    moveaxis,
    reshape,
    squeeze,
    swapaxes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size

__all__ = ["dot", "matmul"]


class MatMul(Op):
    """Matrix products over the last two axes, ``[..., m, k] @ [..., k, n]``.

    Note: floats and complex numbers go to BLAS; integers and bool are a sum of products.
    """

    x: Tensor
    y: Tensor

    public = "matmul"
    multilinear = True
    dtypes = ALL
    reference = np.matmul
    domain = (Domain(),)
    tolerance = 64.0
    samples = (
        Sample(((3, 4), (4, 5))),
        Sample(((4,), (4, 5))),
        Sample(((3, 4), (4,))),
        Sample(((4,), (4,))),
        Sample(((2, 3, 4), (2, 4, 5))),
        Sample(((2, 1, 3, 4), (5, 4, 2))),
        Sample(((0, 4), (4, 5))),
        Sample(((3, 0), (0, 5))),
        Sample(((1, 1), (1, 1))),
        Sample(((17, 33), (33, 9))),
    )
    rejects = (
        Reject(("f32[2, 3]", "f32[2, 3]"), "3 columns"),
        Reject(("f32[2, 3]", "f32[]"), "takes no scalar"),
        Reject(("f32[2, 3, 4]", "f32[3, 4, 5]"), "stacks [2] and [3] do not broadcast"),
    )

    def infer(self) -> TensorType:
        """``[..., m, n]``."""
        x, y = self.x.type.shape, self.y.type.shape
        stack = broadcast_sizes([x[:-2], y[:-2]])
        if stack is None or self.x.dtype is not self.y.dtype or len(x) != len(y):
            raise CompilerBug(f"MatMul: {self.x.type} and {self.y.type} do not fit")
        return TensorType(self.x.dtype, (*stack, x[-2], y[-1]))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``ct @ y.T`` and ``x.T @ ct``."""
        return (
            MatMul(ct, swapaxes(self.y, -1, -2)),
            MatMul(swapaxes(self.x, -1, -2), ct),
        )

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """One product for all examples where one side is the same for all, else a stack of them."""
        x, y = operands
        if self.ndim > 2 or all(batched):
            return MatMul(*all_in_front(operands, batched, size))
        if not batched[0]:
            # x @ y is the transpose of y.T @ x.T.
            return swapaxes(_stacked_rows(swapaxes(y, -1, -2), swapaxes(x, -1, -2)), -1, -2)
        return _stacked_rows(x, y)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.matmul(*operands)

    def decompose(self) -> Tensor:
        """A sum of products, for dtypes that BLAS has not."""
        m, n = self.type.shape[-2:]
        batch = self.type.shape[:-2]
        k = self.x.type.shape[-1]
        left = broadcast(expand_dims(self.x, -1), (*batch, m, k, n))
        right = broadcast(expand_dims(self.y, -3), (*batch, m, k, n))
        if self.dtype is BOOL:
            return (left & right).any(-2)
        return (left.astype(I64) * right.astype(I64)).sum(-2).astype(self.dtype)

    def requirements(self) -> tuple[Requirement, ...]:
        """Inner sizes, and those of stacks, are equal."""
        pairs = [(self.x.type.shape[-1], self.y.type.shape[-2])]
        pairs += list(zip(self.x.type.shape[:-2], self.y.type.shape[:-2], strict=True))
        words = f"sizes of {self.x.type} @ {self.y.type}"
        return tuple(Requirement("equal", a, b, words) for a, b in pairs if a != b)


def _stacked_rows(x: Tensor, y: Tensor) -> Tensor:
    """Return ``[size, m, k] @ [k, n]`` as one product of matrices."""
    size, m, k = x.type.shape
    rows = Reshape(x, (mul(size, m), k))
    return Reshape(MatMul(rows, y), (size, m, y.type.shape[-1]))


def matmul(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the matrix product, as ``numpy.matmul`` and ``@``.

    Args:
        x: ``[..., m, k]`` or ``[k]``.
        y: ``[..., k, n]`` or ``[k]``; stacks broadcast.

    Raises:
        GraphTypeError: a scalar, or sizes that are known not to fit.

    >>> x, w = ag.input("x", "f32[batch, 784]"), ag.input("w", "f32[784, 10]")
    >>> ag.matmul(x, w).type
    f32[batch, 10]
    """
    given = lift_all("matmul", (x, y))
    dtype = common_dtype(given)
    a, b = (cast(v, dtype) for v in given)
    lines = operand_lines(("x", "y"), given)
    if not a.ndim or not b.ndim:
        raise GraphTypeError(f"matmul: takes no scalar\n{lines}\n  multiply with * instead")
    row, column = a.ndim == 1, b.ndim == 1
    left = expand_dims(a, 0) if row else a
    right = expand_dims(b, 1) if column else b
    (*left_stack, m, k), (*right_stack, rows, n) = left.type.shape, right.type.shape
    if unify(k, rows) is None:
        raise GraphTypeError(
            f"matmul: the {k} columns of x do not meet the {rows} rows of y\n{lines}"
        )
    stack = broadcast_sizes([tuple(left_stack), tuple(right_stack)])
    if stack is None:
        raise GraphTypeError(
            f"matmul: the stacks {shape_text(tuple(left_stack))} and "
            f"{shape_text(tuple(right_stack))} do not broadcast\n{lines}"
        )
    result = MatMul(broadcast(left, (*stack, m, k)), broadcast(right, (*stack, rows, n)))
    axes = (*((-2,) if row else ()), *((-1,) if column else ()))
    return squeeze(result, axes) if axes else result


def dot(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the product over the last axis of ``x`` and the last but one of ``y``.

    As ``numpy.dot``: a plain product with a scalar, an inner product of vectors, a matrix product
    of matrices; for more axes all the others of ``x``, then all the others of ``y``.

    Raises:
        GraphTypeError: sizes that are known not to fit.

    >>> ag.dot(ag.constant([1.0, 2.0]), ag.constant([3.0, 4.0])).eval()
    array(11., dtype=float32)
    """
    given = lift_all("dot", (x, y))
    dtype = common_dtype(given)
    a, b = (cast(v, dtype) for v in given)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    last = max(b.ndim - 2, 0)
    columns = moveaxis(b, last, 0)
    rows = reshape(a, (scalar_of(product(a.type.shape[:-1])), a.shape[-1]))
    others = scalar_of(product(columns.type.shape[1:]))
    result = matmul(rows, reshape(columns, (columns.shape[0], others)))
    return reshape(result, (*a.shape[:-1], *columns.shape[1:]))


OPS: tuple[type[Op], ...] = (MatMul,)

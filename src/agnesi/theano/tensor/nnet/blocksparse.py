"""Products of few blocks of a matrix, chosen by indices, with few pieces of vectors."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable, constant
from agnesi.theano.tensor.casting import DISCRETE
from agnesi.theano.tensor.native_op import NativeOp


class _Blocks(NativeOp):
    """What takes pieces by indices.

    Attributes:
        inplace: means nothing.
    """

    __props__ = ("inplace",)
    registered_opts: Any = ()

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace


def _with_axes(v: Any, axes: int, what: str) -> Any:
    v = as_tensor_variable(v)
    if v.ndim != axes:
        raise TypeError(f"The {what} must be a {axes}D tensor")
    return v


def _indices(v: Any, what: str) -> Any:
    v = _with_axes(v, 2, what)
    if v.dtype not in DISCRETE:
        raise AssertionError(f"The {what} must be integers, not {v.type}")
    return v


class SparseBlockGemv(_Blocks):
    """``o[b, j] + sum over i of dot(h[b, i], W[inputIdx[b, i], outputIdx[b, j]])``.

    Operands are ``o`` ``[batch, places out, size out]``, ``W`` ``[blocks in, blocks out, size in,
    size out]``, ``h`` ``[batch, places in, size in]``, and the indices ``[batch, places in]`` and
    ``[batch, places out]``.
    """

    def convert(self, o: Any, W: Any, h: Any, inputIdx: Any, outputIdx: Any) -> list[Any]:
        """Arrays with so many axes, and integers."""
        return [
            _with_axes(o, 3, "output o"),
            _with_axes(W, 4, "weight matrix W"),
            _with_axes(h, 3, "input h"),
            _indices(inputIdx, "input indices inputIdx"),
            _indices(outputIdx, "output indices outputIdx"),
        ]

    def build(self, o: Any, W: Any, h: Any, inputs: Any, outputs: Any) -> ag.Tensor:
        """Blocks are taken where they are multiplied."""
        blocks = W[inputs[:, :, None], outputs[:, None, :]]
        return o + ag.astype(ag.einsum("bis,bijst->bjt", h, blocks), o.dtype)


class SparseBlockOuter(_Blocks):
    """``o`` with ``alpha * outer(x[b, i], y[b, j])`` added at ``[xIdx[b, i], yIdx[b, j]]``.

    Operands are ``o`` ``[blocks of x, blocks of y, size of x, size of y]``, ``x``, ``y``
    ``[batch, places, size]``, their indices, and ``alpha``, 1 by default.
    """

    def convert(self, o: Any, x: Any, y: Any, xIdx: Any, yIdx: Any, alpha: Any = None) -> list[Any]:
        """Arrays with so many axes, and integers."""
        return [
            _with_axes(o, 4, "output o"),
            _with_axes(x, 3, "input x"),
            _with_axes(y, 3, "input y"),
            _indices(xIdx, "indices xIdx"),
            _indices(yIdx, "indices yIdx"),
            constant(1.0, dtype="float32") if alpha is None else as_tensor_variable(alpha),
        ]

    def build(self, o: Any, x: Any, y: Any, xs: Any, ys: Any, alpha: Any) -> ag.Tensor:
        """The same block may be added to several times."""
        made = ag.einsum("bis,bjt->bijst", x, y) * alpha
        return o.at[xs[:, :, None], ys[:, None, :]].add(ag.astype(made, o.dtype))


sparse_block_gemv, sparse_block_gemv_inplace = SparseBlockGemv(False), SparseBlockGemv(True)
sparse_block_outer, sparse_block_outer_inplace = SparseBlockOuter(False), SparseBlockOuter(True)


def sparse_block_dot(W: Any, h: Any, inputIdx: Any, b: Any, outputIdx: Any) -> Any:
    """Return the product of some blocks of a matrix with pieces of vectors, and a bias.

    Args:
        W: ``[blocks in, blocks out, size in, size out]``.
        h: ``[batch, places in, size in]``, or one example of it.
        inputIdx: which blocks go in: ``[batch, places in]``.
        b: ``[blocks out, size out]``.
        outputIdx: which blocks come out: ``[batch, places out]``.

    Returns:
        ``[batch, places out, size out]``.
    """
    W, h, b = (as_tensor_variable(v) for v in (W, h, b))
    inputIdx, outputIdx = as_tensor_variable(inputIdx), as_tensor_variable(outputIdx)
    if inputIdx.ndim != h.ndim - 1 or outputIdx.ndim != inputIdx.ndim:
        raise AssertionError("sparse_block_dot: indices have one axis less than h")
    if h.ndim == 2:
        h = h.dimshuffle("x", 0, 1)
        inputIdx, outputIdx = inputIdx.dimshuffle("x", 0), outputIdx.dimshuffle("x", 0)
    return SparseBlockGemv()(b.take(outputIdx, axis=0), W, h, inputIdx, outputIdx)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

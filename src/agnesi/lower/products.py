"""Operands of matrix products in memory, and which products generated code computes itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64
from agnesi.dims.dim import product
from agnesi.ops.lapack import Sound
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import ExpandDims, Reshape, Squeeze, Transpose

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor


def matrix_view(node: Tensor) -> tuple[Tensor, bool]:
    """Return the node whose buffer holds a matrix operand, and whether it is read transposed."""
    matrix = node.type.shape[-2:]
    node = same_memory(node)
    last = node.ndim - 1
    # A stack of transposed matrices, reshaped into one matrix, is no transposed matrix.
    swaps = isinstance(node, Transpose) and node.order == (*range(last - 1), last, last - 1)
    if isinstance(node, Transpose) and swaps and node.type.shape[-2:] == matrix:
        inner = same_memory(node.x)
        if inner.ndim == node.ndim:
            return inner, True
    return node, False


def same_memory(node: Tensor) -> Tensor:
    """Look through ops that leave the C order of elements as it is."""
    while isinstance(node, Reshape | ExpandDims | Squeeze | Sound):
        node = node.x
    return node


# A library takes products of fewer columns.
_FEWEST = 4
# So does it those of this many steps: reading each factor often enough is then an art of its own.
_MOST = 1 << 29
# Bytes of a matrix that the nearer caches do not hold: a library that packs it reads it better.
_LARGE = 3 << 20
# A row of this many bytes, or a multiple, puts all rows into the same few places of a cache.
_CLASH = 2048


def is_computed_here(node: Tensor) -> bool:
    """Whether generated code multiplies these matrices; else a library does.

    By measurement (``docs/speed.md``): tiles win but where there are very few columns, or a factor
    or the product is very large, and for float64 whose rows get in each other's way; so do vectors.
    Of sizes that are not known, stacks of products are computed here: a library takes them one by
    one.
    """
    if not isinstance(node, MatMul) or node.dtype not in (F32, F64):
        return False
    m, n = node.type.shape[-2:]
    if n == 1:
        return m not in (0, 1)
    if not isinstance(n, int):
        return node.ndim > 2 and node.dtype is F32 and m != 1
    if n < _FEWEST or m == 0 or (m != 1 and _is_large(node)):
        return False
    steps = product((*node.type.shape, node.x.type.shape[-1]))
    if isinstance(steps, int) and steps >= _MOST and node.ndim == 2:
        return False
    return m == 1 or node.dtype is F32 or n * node.dtype.bytes % _CLASH != 0


def _is_large(node: MatMul) -> bool:
    """Whether the second factor or the result is large, for sure."""
    if node.ndim > 2:
        return False
    sizes = [product(shape) for shape in (node.y.type.shape, node.type.shape)]
    return any(isinstance(n, int) and n * node.dtype.bytes >= _LARGE for n in sizes)

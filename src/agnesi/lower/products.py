"""Operands of matrix products in memory, and which products generated code computes itself.

Also which operands it computes while it packs them, instead of reading them from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64
from agnesi.dims.dim import add, mul, product
from agnesi.dims.simplify import at_least, floordiv
from agnesi.graph.leaves import Leaf
from agnesi.ops.choice import Cast
from agnesi.ops.conv import Conv, ConvWeights
from agnesi.ops.families import Elementwise, Movement
from agnesi.ops.lapack import Sound
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import ExpandDims, Reshape, Squeeze, Transpose

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor


def matrix_view(node: Tensor) -> tuple[Tensor, bool]:
    """Return the node whose buffer holds a matrix operand, and whether it is read transposed."""
    matrix = node.type.shape[-2:]
    node = same_memory(node)
    last = node.ndim - 1
    # A stack of transposed matrices, reshaped into one matrix, is no transposed matrix.
    swaps = isinstance(node, Transpose) and node.order == (*range(last - 1), last, last - 1)
    if isinstance(node, Transpose) and swaps and node.type.shape[-2:] == matrix:
        return same_memory(node.x), True
    return node, False


def same_memory(node: Tensor) -> Tensor:
    """Look through ops that leave the C order of elements as it is."""
    while isinstance(node, Reshape | ExpandDims | Squeeze | Sound):
        node = node.x
    return node


# A library takes products of fewer columns.
_FEWEST = 4
# So does it those of very few steps, where that is not known before the call.
_LEAST = (1 << 18) + 1
# And those of this many: reading each factor often enough is then an art of its own.
_MOST = 1 << 29
# Bytes of a matrix that the nearer caches do not hold: a library that packs it reads it better.
_LARGE = 8 << 20
# The same where rows are at an unknown distance, so that nothing is packed.
_LARGE_OPEN = 3 << 20
# Nodes that are looked at behind a factor.
_CHAIN = 32
# Elements of a product that is cut along its depth; where sums are of so many.
SMALL = 1 << 13
_LONG, _DEEP = 1 << 15, 1 << 12
# Bytes of a factor that stays in a near cache.
_NEAR = 1 << 18
# A row of this many bytes, or a multiple, puts all rows into the same few places of a cache.
_CLASH = 2048


def is_computed_here(node: Tensor) -> bool:
    """Whether generated code multiplies these matrices; else a library does.

    By measurement (``docs/speed.md``): tiles win but where there are very few columns, or a factor
    or the product is very large, and for float64 whose rows get in each other's way; so do vectors.
    Of sizes that are not known, stacks of products are computed here: a library takes them one by
    one; of single products that is found out in the call (``library_index``).  So are halves of any
    sizes, of which a library wants copies as float32.
    """
    if not isinstance(node, MatMul) or node.dtype not in (F32, F64):
        return False
    m, n = node.type.shape[-2:]
    if reads_halves(node):
        return 0 not in (m, n)
    if n == 1:
        return m not in (0, 1)
    if not isinstance(n, int):
        return m != 1 and (node.ndim == 2 or node.dtype is F32)
    if n < _FEWEST or m == 0 or (m != 1 and _is_large(node)):
        return False
    steps = product((*node.type.shape, node.x.type.shape[-1]))
    if isinstance(steps, int) and steps >= _MOST and node.ndim == 2 and not _is_narrow(node):
        return False
    return m == 1 or node.dtype is F32 or not clashes(n, node.dtype)


def is_convolved_here(node: Tensor) -> bool:
    """Whether a convolution is written as blocks of products; else by its own loops."""
    match node:
        case Conv(x, w, _, _, groups):
            sizes = (*w.type.shape, groups)
        case ConvWeights(x, _, _, _, groups, _):
            sizes = (*node.type.shape, groups)
        case _:
            return False
    if x.dtype not in (F32, F64) or not all(isinstance(size, int) for size in sizes):
        return False
    return 0 not in (*sizes, *node.type.shape, *x.type.shape)


def is_in_blocks(node: Tensor) -> bool:
    """Whether generated code computes a node block by block, and at once what reads a block."""
    return is_computed_here(node) or is_convolved_here(node)


def clashes(columns: Size, dtype: DType) -> bool:
    """Whether rows of so many numbers get in each other's way in a cache."""
    return isinstance(columns, int) and columns * dtype.bytes % _CLASH == 0


def library_index(node: MatMul) -> Size | None:
    """Return a size that is 0 where generated code is to compute a product, else more.

    None where that is known already.
    """
    m, n = node.type.shape[-2:]
    if isinstance(n, int) or node.ndim > 2 or reads_halves(node):
        return None
    k = node.x.type.shape[-1]
    large = _LARGE_OPEN // node.dtype.bytes
    return add(
        floordiv(product((m, n, k)), _MOST),
        floordiv(mul(k, n), large),
        floordiv(mul(m, n), large),
        floordiv(_FEWEST, add(n, 1)),
        floordiv(_LEAST, add(product((m, n, k)), 1)),
    )


def reads_halves(node: MatMul) -> bool:
    """Whether a factor is halves made wider."""
    return any(from_half(matrix_view(x)[0]) for x in node.operands)


def _is_narrow(node: MatMul) -> bool:
    """Whether the second factor stays in a near cache, or the product does and its sums are long.

    Then other rows, or more of the depth, are read once.
    """
    (m, n), k = node.type.shape[-2:], node.x.type.shape[-1]
    held = product((k, n))
    near = isinstance(held, int) and held * node.dtype.bytes <= _NEAR
    return near or is_long(product((m, n)), k)


def is_long(count: Size, depth: Size) -> bool:
    """Whether sums are so long, and so few, that a product stays near while they are added up."""
    return isinstance(count, int) and 0 < count <= _LONG and at_least(depth, _DEEP)


def _is_large(node: MatMul) -> bool:
    """Whether the result is large, for sure, or the second factor, unless its columns are read.

    Long sums go in chunks here.
    """
    count = product(node.type.shape)
    if node.ndim > 2 or (isinstance(count, int) and count <= SMALL) or _is_narrow(node):
        return False
    shapes = [node.type.shape] if matrix_view(node.y)[1] else [node.type.shape, node.y.type.shape]
    sizes = map(product, shapes)
    return any(isinstance(n, int) and n * node.dtype.bytes >= _LARGE for n in sizes)


def from_half(node: Tensor) -> bool:
    """Whether a node is halves made wider."""
    return isinstance(node, Cast) and node.x.dtype.is_half


def packable(
    order: Iterable[Tensor], libraries: Container[Tensor]
) -> dict[Tensor, list[tuple[MatMul, int]]]:
    """Return nodes that products may compute while they pack them, if that is cheap enough.

    Not the end of a kernel that is there anyway, such as what is done to another product: stored
    by that kernel it costs next to nothing.

    Args:
        order: the graph.
        libraries: products that libraries compute although generated code could.

    Returns:
        The products that read each, with the number of the operand.
    """
    found: dict[Tensor, list[tuple[MatMul, int]]] = {}
    barred: set[Tensor] = set()
    for node in order:
        if not isinstance(node, MatMul):
            continue
        here = node not in libraries and is_computed_here(node) and library_index(node) is None
        for which, operand in enumerate(node.operands):
            held = matrix_view(operand)[0]
            if here and (from_half(held) or (not _ends_kernel(held) and not _is_thin(node))):
                found.setdefault(held, []).append((node, which))
            else:
                barred.add(held)
    return {held: products for held, products in found.items() if held not in barred}


def _is_thin(node: MatMul) -> bool:
    """Whether a factor is a vector: the time is that of reading the other one."""
    return 1 in node.type.shape[-2:]


def _ends_kernel(node: Tensor) -> bool:
    """Whether the elements of a node are made, one by one, of those of a kernel's result."""
    stack = [node]
    for _ in range(_CHAIN):
        if not stack:
            return False
        at = stack.pop()
        if isinstance(at, Elementwise | Reshape | ExpandDims | Squeeze | Sound):
            stack += at.operands
        elif not isinstance(at, Movement | Leaf) and at.ndim:
            return True
    return True

"""Diagonals and triangles: conditions on row and column numbers, so that they fuse."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import DEFAULT_FLOAT
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, neg, sub
from agnesi.dims.simplify import maximum, minimum
from agnesi.graph.leaves import constant
from agnesi.graph.tensor import Array, Sizes, SizeValue, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType, shape_text
from agnesi.ops.choice import astype, where
from agnesi.ops.creation import Arange, arange, zeros_like
from agnesi.ops.families import Movement, Op, Reject, Sample, keep
from agnesi.ops.lift import (
    as_axis,
    as_size,
    as_tensor,
    cast,
    is_integer,
    is_number,
    operand_lines,
    unify,
)
from agnesi.ops.movement import broadcast, expand_dims, moveaxis, repeat, reshape
from agnesi.ops.slicing import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "diag",
    "diag_indices",
    "diagflat",
    "diagonal",
    "eye",
    "fill_diagonal",
    "fill_diagonal_offset",
    "identity",
    "tri",
    "tril",
    "tril_indices",
    "tril_indices_from",
    "triu",
    "triu_indices",
    "triu_indices_from",
]


class Diagonal(Movement):
    """Elements of the last two axes whose column is their row plus an offset."""

    x: Tensor
    offset: Size

    public = "diagonal"
    leading = MappingProxyType({"offset": keep})
    reference = np.diagonal
    samples = (
        Sample(((3, 4),)),
        Sample(((3, 4),), (1,)),
        Sample(((4, 3),), (-2,)),
        Sample(((2, 3, 4),), (1, 0, 2)),
        Sample(((2, 3, 4),), (-1, -1, 0)),
        Sample(((3, 3),), (7,)),
        Sample(((0, 3),)),
    )
    rejects = (
        Reject(("f32[3]",), "at least two axes"),
        Reject(("f32[3, 3]",), "no axis 2", (0, 0, 2)),
        Reject(("f32[3, 3]",), "two different axes", (0, 1, -1)),
        Reject(("f32[3, 3]",), "integer", (0.5,)),
    )

    def infer(self) -> TensorType:
        """The last two axes become one."""
        *batch, rows, columns = self.x.type.shape
        length = minimum(add(rows, minimum(0, self.offset)), sub(columns, maximum(0, self.offset)))
        return TensorType(self.x.dtype, (*batch, maximum(0, length)))

    def source_index(self, index: Shape) -> Shape:
        """The row and the column."""
        row = add(index[-1], maximum(0, neg(self.offset)))
        return (*index[:-1], row, add(row, self.offset))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """A matrix with the cotangent on this diagonal."""
        return (on_diagonal(ct, self.offset, self.x.type.shape[-2:]),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.diagonal(operands[0], sizes(self.offset), -2, -1)


def on_diagonal(x: Tensor, offset: Size, shape: Shape) -> Tensor:
    """Return zeros whose last two axes have this shape, with ``x`` along a diagonal."""
    *batch, length = x.type.shape
    rows, columns = shape
    starts = (*(0 for _ in batch), maximum(0, neg(offset)))
    by_row = (
        x if starts[-1] == 0 and length == rows else Place(x, starts, (1,) * x.ndim, (*batch, rows))
    )
    whole = (*batch, rows, columns)
    spread = broadcast(expand_dims(by_row, -1), whole)
    return where(_is_diagonal(whole, offset), spread, zeros_like(spread))


def _columns_less_rows(shape: Shape) -> Tensor:
    return Arange(shape, len(shape) - 1) - Arange(shape, len(shape) - 2)


def _is_diagonal(shape: Shape, offset: Size) -> Tensor:
    return _columns_less_rows(shape) == scalar_of(offset)


def diagonal(x: TensorLike, /, offset: int | Tensor = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return a diagonal of two axes as a new last axis, as ``numpy.diagonal``.

    Args:
        x: array of at least two axes.
        offset: how far the diagonal is from the main one, above it where positive; it may be
            symbolic.
        axis1: the axis of the rows.
        axis2: the axis of the columns.

    Raises:
        GraphTypeError: fewer than two axes, or the same axis twice.

    >>> ag.diagonal(ag.constant([[1, 2], [3, 4]])).eval()
    array([1, 4])
    """
    tensor = as_tensor(x)
    _needs_matrix("diagonal", tensor)
    a, b = (as_axis("diagonal", k, tensor.ndim, tensor) for k in (axis1, axis2))
    if a == b:
        raise GraphTypeError(
            f"diagonal: takes two different axes, but these are {axis1} and {axis2}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    return Diagonal(moveaxis(tensor, (a, b), (-2, -1)), as_size(offset, "diagonal"))


def _needs_matrix(op: str, x: Tensor) -> None:
    if x.ndim < 2:
        raise GraphTypeError(
            f"{op}: takes an array of at least two axes\n{operand_lines(('x',), (x,))}"
        )


def diag(x: TensorLike, /, k: int | Tensor = 0) -> Tensor:
    """Return a diagonal of a matrix, or the matrix with a vector on its diagonal.

    Args:
        x: vector or matrix.
        k: how far the diagonal is from the main one, above it where positive.

    Raises:
        GraphTypeError: ``x`` has neither one nor two axes.

    >>> ag.diag(ag.constant([1, 2])).eval()
    array([[1, 0],
           [0, 2]])
    """
    tensor = as_tensor(x)
    if tensor.ndim == 2:
        return diagonal(tensor, k)
    if tensor.ndim != 1:
        raise GraphTypeError(
            f"diag: takes a vector or a matrix\n{operand_lines(('x',), (tensor,))}\n"
            "  ag.diagonal takes a diagonal of any two axes"
        )
    offset = as_size(k, "diag")
    size = add(tensor.type.shape[0], maximum(0, offset), maximum(0, neg(offset)))
    return on_diagonal(tensor, offset, (size, size))


def diagflat(x: TensorLike, /, k: int | Tensor = 0) -> Tensor:
    """Return a matrix with the elements of an array, in C order, on a diagonal."""
    return diag(reshape(x, -1), k)


def fill_diagonal(x: TensorLike, /, val: TensorLike, wrap: bool = False) -> Tensor:
    """Return the array with other values on its main diagonal.

    Unlike ``numpy.fill_diagonal`` it leaves ``x`` as it is and returns a new array.

    Args:
        x: array of at least two axes; with more than two, all are of one size.
        val: a scalar, or a vector with a value for each element of the diagonal.
        wrap: for a matrix with more rows than columns, begin a new diagonal after each one ends.

    Raises:
        GraphTypeError: too few axes, unequal sizes, or a value that does not fit.

    >>> ag.fill_diagonal(ag.zeros((2, 3)), 5).eval()
    array([[5., 0., 0.],
           [0., 5., 0.]], dtype=float32)
    """
    tensor, value = as_tensor(x), _filling("fill_diagonal", x, val)
    _needs_matrix("fill_diagonal", tensor)
    shape = tensor.type.shape
    if any(unify(a, b) is None for a in shape for b in shape) and tensor.ndim > 2:
        raise GraphTypeError(
            "fill_diagonal: with more than two axes all have to be of one size\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    if wrap and value.ndim:
        raise GraphTypeError(
            "fill_diagonal: wrap=True takes a scalar value\n"
            f"{operand_lines(('x', 'val'), (tensor, value))}"
        )
    length = shape[0] if tensor.ndim > 2 else minimum(*shape)
    along = _by_row(tensor, value, length, 0)
    first = Arange(shape, 0)
    if wrap and tensor.ndim == 2:
        inside = first % SizeValue(add(shape[1], 1)) == Arange(shape, 1)
        return where(inside, along, tensor)
    inside = first == Arange(shape, 1)
    for axis in range(2, tensor.ndim):
        inside = inside & (first == Arange(shape, axis))
    return where(inside, along, tensor)


def fill_diagonal_offset(x: TensorLike, /, val: TensorLike, offset: int | Tensor) -> Tensor:
    """Return the matrix with other values on a diagonal; Theano's function of this name.

    Args:
        x: matrix.
        val: a scalar, or a vector with a value for each element of the diagonal.
        offset: how far the diagonal is from the main one, above it where positive.

    Raises:
        GraphTypeError: ``x`` is no matrix, or a value that does not fit.

    >>> ag.fill_diagonal_offset(ag.zeros((2, 3)), 5, 1).eval()
    array([[0., 5., 0.],
           [0., 0., 5.]], dtype=float32)
    """
    tensor, value = as_tensor(x), _filling("fill_diagonal_offset", x, val)
    if tensor.ndim != 2:
        raise GraphTypeError(
            f"fill_diagonal_offset: takes a matrix\n{operand_lines(('x',), (tensor,))}"
        )
    away = as_size(offset, "fill_diagonal_offset")
    length = Diagonal(tensor, away).type.shape[0]
    along = _by_row(tensor, value, length, maximum(0, neg(away)))
    return where(_is_diagonal(tensor.type.shape, away), along, tensor)


def _filling(op: str, x: TensorLike, val: TensorLike) -> Tensor:
    """Return the value in the dtype of the array, as an assignment converts it."""
    dtype = as_tensor(x).dtype
    value = cast(val, dtype) if is_number(val) else astype(val, dtype)
    if value.ndim > 1:
        raise GraphTypeError(
            f"{op}: the value is a scalar or a vector\n{operand_lines(('val',), (value,))}"
        )
    return value


def _by_row(x: Tensor, value: Tensor, length: Size, start: Size) -> Tensor:
    """Return values so that each row of the first axis holds its own."""
    if not value.ndim or value.type.shape == (1,):
        return reshape(value, ())
    if unify(value.type.shape[0], length) is None:
        raise GraphTypeError(
            f"fill_diagonal: {value.type.shape[0]} values do not fill a diagonal of {length}\n"
            f"{operand_lines(('x', 'val'), (x, value))}"
        )
    rows = x.type.shape[0]
    # Where only a call can tell, this requires that the lengths are equal.
    exact = repeat("fill_diagonal", value, (length,))
    placed = exact if start == 0 and rows == length else Place(exact, (start,), (1,), (rows,))
    return broadcast(reshape(placed, (-1,) + (1,) * (x.ndim - 1)), x.type.shape)


def eye(
    n: int | Tensor,
    m: int | Tensor | None = None,
    /,
    k: int | Tensor = 0,
    dtype: Any = DEFAULT_FLOAT,
) -> Tensor:
    """Return a matrix of zeros with ones on a diagonal, as ``numpy.eye``.

    Args:
        n: number of rows.
        m: number of columns, ``n`` by default.
        k: how far the diagonal is from the main one, above it where positive.
        dtype: element type.

    Raises:
        GraphTypeError: a size that is not an integer, or is negative.

    >>> ag.eye(2).eval()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return _is_diagonal(_matrix_shape("eye", n, m), as_size(k, "eye")).astype(dtype)


def identity(n: int | Tensor, dtype: Any = DEFAULT_FLOAT) -> Tensor:
    """Return the identity matrix of ``n`` rows, as ``numpy.identity``."""
    return eye(n, dtype=dtype)


def tri(
    n: int | Tensor,
    m: int | Tensor | None = None,
    k: int | Tensor = 0,
    dtype: Any = DEFAULT_FLOAT,
) -> Tensor:
    """Return a matrix with ones at and below a diagonal, zeros above, as ``numpy.tri``.

    Arguments are those of :func:`eye`.

    >>> ag.tri(2, 3, dtype="i64").eval()
    array([[1, 0, 0],
           [1, 1, 0]])
    """
    shape = _matrix_shape("tri", n, m)
    return (_columns_less_rows(shape) <= _offset("tri", k)).astype(dtype)


def _matrix_shape(op: str, n: Any, m: Any) -> Shape:
    shape = as_size(n, op), as_size(n if m is None else m, op)
    if any(isinstance(s, int) and s < 0 for s in shape):
        raise GraphTypeError(
            f"{op}: a size cannot be negative, but the shape is {shape_text(shape)}"
        )
    return shape


def _offset(op: str, k: int | Tensor) -> int | Tensor:
    return scalar_of(as_size(k, op))


def tril(x: TensorLike, /, k: int | Tensor = 0) -> Tensor:
    """Return the lower triangle of the last two axes, zeros elsewhere, as ``numpy.tril``.

    Args:
        x: array of at least two axes (a vector is repeated to a square, as NumPy does).
        k: the last diagonal that is kept, above the main one where positive; it may be symbolic.

    Raises:
        GraphTypeError: ``x`` is a scalar.

    >>> ag.tril(ag.constant([[1, 2], [3, 4]])).eval()
    array([[1, 0],
           [3, 4]])
    """
    tensor = _square("tril", x)
    below = _columns_less_rows(tensor.type.shape) <= _offset("tril", k)
    return where(below, tensor, zeros_like(tensor))


def triu(x: TensorLike, /, k: int | Tensor = 0) -> Tensor:
    """Return the upper triangle of the last two axes, zeros elsewhere, as ``numpy.triu``.

    Args:
        x: array of at least two axes (a vector is repeated to a square, as NumPy does).
        k: the first diagonal that is kept, above the main one where positive; it may be symbolic.

    Raises:
        GraphTypeError: ``x`` is a scalar.

    >>> ag.triu(ag.constant([[1, 2], [3, 4]])).eval()
    array([[1, 2],
           [0, 4]])
    """
    tensor = _square("triu", x)
    above = _columns_less_rows(tensor.type.shape) >= _offset("triu", k)
    return where(above, tensor, zeros_like(tensor))


def _square(op: str, x: TensorLike) -> Tensor:
    tensor = as_tensor(x)
    if tensor.ndim == 1:
        return broadcast(expand_dims(tensor, 0), tensor.type.shape * 2)
    _needs_matrix(op, tensor)
    return tensor


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Tensor, Tensor]:
    """Return row and column numbers of the lower triangle, as ``numpy.tril_indices``.

    Args:
        n: number of rows, a known integer.
        k: the last diagonal of the triangle, above the main one where positive.
        m: number of columns, ``n`` by default.

    Raises:
        GraphTypeError: a number that is not a known integer.
    """
    return _triangle("tril_indices", n, k, m)


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Tensor, Tensor]:
    """Return row and column numbers of the upper triangle, as ``numpy.triu_indices``.

    Args:
        n: number of rows, a known integer.
        k: the first diagonal of the triangle, above the main one where positive.
        m: number of columns, ``n`` by default.

    Raises:
        GraphTypeError: a number that is not a known integer.
    """
    return _triangle("triu_indices", n, k, m)


def _triangle(op: str, n: Any, k: Any, m: Any) -> tuple[Tensor, Tensor]:
    given = (n, k, n if m is None else m)
    if not all(map(is_integer, given)):
        raise GraphTypeError(
            f"{op}: how many elements there are has to be known, but n, k, m are {given}\n"
            "  with symbolic sizes, use a mask: ag.tri(n, m, k, dtype=bool)"
        )
    rows, columns = getattr(np, op)(*given)
    return constant(rows), constant(columns)


def tril_indices_from(x: TensorLike, /, k: int = 0) -> tuple[Tensor, Tensor]:
    """Return row and column numbers of a matrix's lower triangle: ``numpy.tril_indices_from``.

    Raises:
        GraphTypeError: not a matrix, or its sizes are not known.
    """
    return _triangle_from("tril_indices", x, k)


def triu_indices_from(x: TensorLike, /, k: int = 0) -> tuple[Tensor, Tensor]:
    """Return row and column numbers of a matrix's upper triangle: ``numpy.triu_indices_from``.

    Raises:
        GraphTypeError: not a matrix, or its sizes are not known.
    """
    return _triangle_from("triu_indices", x, k)


def _triangle_from(op: str, x: TensorLike, k: int) -> tuple[Tensor, Tensor]:
    tensor = as_tensor(x)
    if tensor.ndim != 2:
        raise GraphTypeError(f"{op}_from: this takes a matrix\n{operand_lines(('x',), (tensor,))}")
    rows, columns = tensor.shape
    return _triangle(op, rows, k, columns)


def diag_indices(n: int | Tensor, ndim: int = 2) -> tuple[Tensor, ...]:
    """Return the indices of the main diagonal, as ``numpy.diag_indices``."""
    return (arange(n),) * ndim


OPS: tuple[type[Op], ...] = (Diagonal,)

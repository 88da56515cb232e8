"""Factors of products that generated code computes: where they lie, or what they are made of.

A factor whose elements are those of a buffer at even distances is read where it lies: slices,
transposed axes, what is repeated.  Of any other one, each block computes the part that it
multiplies, a piece of the depth at a time, into memory of its own:

before: t = x * mask;  y = t @ w
after:  for each block of y, for each piece of the depth:
            a = x * mask, of these rows and this piece;  y += a @ w

So a factor that is cheap, and wanted by nobody else, has no memory of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record
from agnesi.dims.dim import Index, Size, add, fresh_index, mul
from agnesi.dims.simplify import linear_in, substitute
from agnesi.loops.nodes import Load, Matrix, Store, dynamic_scalars, fresh_buffer
from agnesi.loops.traverse import substitute_sizes, walk_scalars
from agnesi.lower.elements import Writer, loops, nest
from agnesi.lower.products import matrix_view

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agnesi.dims.dim import Dim, Shape
    from agnesi.graph.tensor import Tensor
    from agnesi.loops.nodes import Buffer, Scalar, Statement

# Rows of a packed factor at a multiple of so many bytes would get in each other's way.
_CLASH = 2048


@record(frozen=True)
class Span:
    """A stretch of an axis.

    Attributes:
        start: where it begins.
        extent: how long it is.
        most: how long it can be.
    """

    start: Size
    extent: Size
    most: int


@record(frozen=True)
class Packed:
    """A part of a factor in memory of the block's own.

    Attributes:
        matrix: where it is.
        count: of the elements of its memory.
        statements: that compute it.
    """

    matrix: Matrix
    count: int
    statements: tuple[Statement, ...]


class Factor:
    """A factor of a product, or of a stack of them.

    Attributes:
        tensor: the operand.
        lies: where its elements are, at these indices; None if they are computed.
        turned: whether elements of one column follow each other, rather than those of one row.
    """

    def __init__(self, tensor: Tensor, buffers: Mapping[Tensor, Buffer]) -> None:
        self.tensor = tensor
        # Indices over all of it: what is known of them makes offsets simpler than a block's would.
        self.indices = tuple(loops(tensor.type.shape))
        self.scalar: Scalar | None = None
        self.lies = self._held(buffers)
        if self.lies is None:
            self.scalar = Writer(buffers).element(tensor, self.indices)
            self.lies = _view(self.scalar, self.indices[-2:])
        self.turned = self.lies.column != 1 if self.lies is not None else self._is_turned()

    def _held(self, buffers: Mapping[Tensor, Buffer]) -> Matrix | None:
        """Return where a factor lies that has memory, also if it is read transposed."""
        held, transposed = matrix_view(self.tensor)
        if held not in buffers:
            return None
        rows, columns = self.tensor.type.shape[-2:]
        number: Size = 0
        for index in self.indices[:-2]:
            number = add(mul(number, index.extent), index)
        row, column = (1, rows) if transposed else (columns, 1)
        return Matrix(buffers[held], mul(number, mul(rows, columns)), row, column)

    def _is_turned(self) -> bool:
        """Whether more of what is loaded follows along columns than along rows."""
        assert self.scalar is not None
        row, column = self.indices[-2:]
        votes = 0
        for load in walk_scalars([self.scalar]):
            if isinstance(load, Load):
                votes += _slope(load.offset, row) == 1 and row.extent != 1
                votes -= _slope(load.offset, column) == 1 and column.extent != 1
        return votes > 0

    def at(self, where: Shape, row: Size, column: Size) -> Matrix | None:
        """Return where the factor lies from a row and a column on, of the matrix at an index."""
        if self.lies is None:
            return None
        buffer, offset, down, across = self.lies.args
        stack: dict[Dim, Size] = dict(zip(self.indices[:-2], where, strict=True))
        start = substitute(offset, stack.get)
        start = add(start, mul(row, down), mul(column, across))
        return Matrix(buffer, start, down, across)

    def pack(self, where: Shape, rows: Span, columns: Span) -> Packed:
        """Return the part of some rows and columns, computed into memory of its own."""
        assert self.scalar is not None
        dtype = self.tensor.dtype
        first, second = (columns, rows) if self.turned else (rows, columns)
        distance = second.most
        if distance * dtype.bytes % _CLASH == 0:
            distance += 64 // dtype.bytes
        own = fresh_buffer("packed", dtype)
        i, j = fresh_index("i", first.extent), fresh_index("j", second.extent)
        at = (add(first.start, i), add(second.start, j))
        index: Shape = (*where, *(at[::-1] if self.turned else at))
        replaced: dict[Dim, Size] = dict(zip(self.indices, index, strict=True))
        value = substitute_sizes(self.scalar, replaced)
        body = nest((i, j), [Store(own, add(mul(i, distance), j), value)])
        places = (1, distance) if self.turned else (distance, 1)
        return Packed(Matrix(own, 0, *places), first.most * distance, body)


def _view(scalar: Scalar, indices: tuple[Index, ...]) -> Matrix | None:
    """Return where elements lie if they are those of a buffer, next to each other in some order."""
    if not isinstance(scalar, Load) or dynamic_scalars(scalar.offset):
        return None
    rest, slopes = scalar.offset, list[Size]()
    for index in indices:
        parts = linear_in(rest, index)
        if parts is None or any(_mentions(parts[0], other) for other in indices):
            return None
        slope, rest = parts
        # The distance to a second one does not matter where there is none.
        slopes.append(1 if index.extent == 1 else slope)
    row, column = slopes
    return Matrix(scalar.buffer, rest, row, column) if 1 in slopes else None


def _mentions(size: Size, index: Index) -> bool:
    return not isinstance(size, int) and index in size.atoms


def _slope(offset: Size, index: Index) -> Size | None:
    parts = None if dynamic_scalars(offset) else linear_in(offset, index)
    return None if parts is None else parts[0]

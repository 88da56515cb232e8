"""Sparse matrices as tensors: whole matrices of which what is stored is known.

A sparse matrix is a matrix like any other.  That few of its elements are stored, and where, is said
by the node that makes it: :class:`FromCompressed` of stored elements, or :class:`AsStored` of such
a one beside an expression of which it is the value, and whose derivatives it has.  Ops that look
for it, by ``stored``, read what is stored; for all others there is the whole matrix.

before: SparseDot(FromCompressed(data, indices, starts), y)
after:  CompressedDot(data, indices, starts, y)

A cotangent is a matrix too, which need not be sparse: only of what a sparse matrix stores is it
computed (``elements_at``), where it is the cotangent of stored elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.batching.graph import batch_graph
from agnesi.core.dtypes import BOOL, I64
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.dims.dim import add, mul
from agnesi.graph.graph import size_of, with_operands
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, scalar_of
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import ALL_NUMBERS, Add, Multiply, Negative
from agnesi.ops.bounds import agreeing, known_within, within_bounds
from agnesi.ops.choice import Cast, where
from agnesi.ops.compressed import (
    ELEMENTS_AT,
    CompressedDot,
    FromCompressed,
    LineNumbers,
    SampledDot,
    StoredAt,
    stored_structure,
)
from agnesi.ops.creation import Arange, full, ones_like
from agnesi.ops.families import Composite, Domain, Elementwise, Op, Sample, all_in_front
from agnesi.ops.gathering import Gather, Scatter
from agnesi.ops.gradients import Marker
from agnesi.ops.joining import concatenate
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import Transpose, broadcast, reshape, swapaxes
from agnesi.ops.nonzero import positions
from agnesi.ops.searching import SearchSorted
from agnesi.ops.sorting import ArgSort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size

DATA, INDICES, STARTS = range(3)


# -- what is stored --------------------------------------------------------------------------------


class Standing(Composite):
    """What is ``x`` to all but derivatives."""

    x: Tensor

    folds = False

    def infer(self) -> TensorType:
        """That of what it is."""
        return self.x.type

    def decompose(self) -> Tensor:
        """What it is."""
        return self.x

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """What it is."""
        return operands[0]


class AsStored(Standing):
    """A matrix by what is stored of it, with the derivatives of an expression of the same value."""

    like: Tensor

    public = "as_stored"
    dtypes = ALL_NUMBERS
    keeps_halves = True
    reference = staticmethod(np.asarray)
    samples = (Sample(((2, 3),)), Sample(((0, 2),)))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """A matrix beside itself."""
        (x,) = operands
        return cls(x, x)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent of the expression."""
        return None, ct if self.like.dtype.is_inexact else None

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The tangent of the expression."""
        return tangents[1]


def stored(x: Tensor) -> FromCompressed | None:
    """Return the node that says what of a matrix is stored; None where all of it is."""
    while isinstance(x, Standing | Marker):
        x = x.x
    return x if isinstance(x, FromCompressed) else None


class StoredPart(Composite):
    """Stored elements of a sparse matrix, their indices, or the starts of lines."""

    x: Tensor
    which: int

    dtypes = ALL_NUMBERS
    folds = False

    def part(self) -> Tensor:
        """Return what it stands for.

        Raises:
            GraphTypeError: nothing is known to be stored of the matrix.
        """
        found = stored(self.x)
        if found is None:
            raise GraphTypeError(
                f"sparse: what is stored of {self.x!r} is not known: it is the result of an op "
                "that gives whole matrices\n  make it sparse first"
            )
        return found.operands[self.which]

    def infer(self) -> TensorType:
        """The part's."""
        return self.part().type

    def decompose(self) -> Tensor:
        """The part."""
        return self.part()

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """A matrix that stores the cotangent at the same places."""
        return (with_data(self.x, ct) if self.which == DATA else None,)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The tangent's elements at the same places."""
        (tangent,) = tangents
        if tangent is None or self.which != DATA:
            return None
        return elements(tangent, self.x)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Not there: a stack of sparse matrices is a stack of whole ones."""
        raise GraphTypeError(
            f"vectorize: what is stored of {self.x!r} is not known for many examples at once"
        )

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Never asked: it is decomposed before anything runs."""
        raise CompilerBug("what is stored of a matrix cannot be seen in the whole one")

    def index_limit(self) -> Size | None:
        """The part's."""
        part = self.part()
        return part.index_limit() if isinstance(part, Op) else None


def part(x: Tensor, which: int) -> Tensor:
    """Return stored elements, indices or starts of a sparse matrix."""
    return StoredPart(x, which)


def parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return stored elements, indices and starts of a sparse matrix."""
    return part(x, DATA), part(x, INDICES), part(x, STARTS)


def _sure(x: Tensor) -> FromCompressed:
    found = stored(x)
    if found is None:
        raise GraphTypeError(f"sparse: what is stored of {x!r} is not known")
    return found


def with_data(x: Tensor, data: Tensor) -> FromCompressed:
    """Return a matrix that stores other elements at the same places."""
    own = _sure(x)
    _, indices, starts = parts(x)
    return FromCompressed(data, indices, starts, own.rows, own.columns, own.by_column)


def compressed(
    data: Tensor, indices: Tensor, starts: Tensor, rows: Size, columns: Size, *, by_column: bool
) -> FromCompressed:
    """Return the matrix of elements whose places a call checks."""
    width, lines = (rows, columns) if by_column else (columns, rows)
    del lines
    within = stored_structure(indices, starts, width, data.type.shape[0])
    return FromCompressed(data, *within, rows, columns, by_column)


# -- elements at places ----------------------------------------------------------------------------


def _resolved(x: Tensor) -> Tensor:
    """Return what a part of a sparse matrix is, however many matrices it was handed through."""
    while isinstance(x, StoredPart):
        x = x.part()
    return x


def _same_places(a: FromCompressed, b: FromCompressed) -> bool:
    return a.by_column == b.by_column and all(
        _resolved(x) is _resolved(y) for x, y in zip(a.structure, b.structure, strict=True)
    )


def elements(x: Tensor, like: Tensor) -> Tensor:
    """Return the elements of a matrix at the places that a sparse one stores, in their order."""
    found = _sure(like)
    _, indices, starts = parts(like)
    data = found.data
    return _elements_at(
        x, FromCompressed(data, indices, starts, found.rows, found.columns, found.by_column)
    )


def _elements_at(x: Tensor, where: FromCompressed) -> Tensor:
    """Return the elements of a matrix at stored places; no more of it is computed than that."""
    own = stored(x)
    if own is not None:
        if _same_places(own, where):
            return part(x, DATA)
        if isinstance(x, AsStored) and _is_worth(x.like):
            return _elements_at(x.like, where)
        where = _of_shape(where, x)
        turned = by(x, column=where.by_column)
        return StoredAt(*parts(turned), *where.structure, where.width)
    if isinstance(x, Elementwise) and _is_worth(x):
        return with_operands(x, [_elements_at(o, where) for o in x.operands])
    where = _of_shape(where, x)
    if isinstance(x, MatMul | SparseDot) and stored(x.x) is None and stored(x.y) is None:
        left, right = x.x, swapaxes(x.y, 0, 1)
        by_line, by_index = (right, left) if where.by_column else (left, right)
        return SampledDot(by_line, by_index, *where.structure)
    return Gather(x, where.positions(), (0, 1), 0)


def _of_shape(where: FromCompressed, x: Tensor) -> FromCompressed:
    """Return stored places of which a call checks that they are those of a matrix of a shape."""
    pairs = [(a, b) for a, b in zip(where.type.shape, x.type.shape, strict=True) if a != b]
    if not pairs:
        return where
    words = f"shapes of {x.type} and of what is stored of {where.type} are the same"
    found = where.replace(indices=agreeing(where.indices, where.width, pairs, words))
    assert isinstance(found, FromCompressed)
    return found


def _is_worth(x: Tensor, depth: int = 8) -> bool:
    """Whether elements of an expression are had without computing the whole of it."""
    if stored(x) is not None or isinstance(x, MatMul):
        return True
    return (
        bool(depth)
        and isinstance(x, Elementwise)
        and any(_is_worth(o, depth - 1) for o in x.operands)
    )


ELEMENTS_AT.append(_elements_at)


# -- other forms -----------------------------------------------------------------------------------


def transposed(x: Tensor) -> Tensor:
    """Return the transposed matrix, which stores the same elements by rows instead of columns."""
    own = _sure(x)
    data, indices, starts = parts(x)
    turned = FromCompressed(data, indices, starts, own.columns, own.rows, not own.by_column)
    return AsStored(turned, swapaxes(x, 0, 1))


def other_way(x: Tensor) -> FromCompressed:
    """Return the matrix stored by rows if it is by columns, and the other way round; in order."""
    own = _sure(x)
    data, indices, starts = parts(x)
    order = known_within(ArgSort(indices, 0, False), data.type.shape[0])
    line = LineNumbers(starts, data.type.shape[0])
    places = Gather(indices, (order,), (0,), 0)
    return FromCompressed(
        Gather(data, (order,), (0,), 0),
        known_within(Gather(line, (order,), (0,), 0), own.lines),
        _starts(places, own.width, data.type.shape[0]),
        own.rows,
        own.columns,
        not own.by_column,
    )


def _starts(lines: Tensor, count: Size, elements: Size) -> Tensor:
    """Return where each line begins among numbers of lines in order, and the end."""
    steps = Arange((add(count, 1),), 0)
    return known_within(SearchSorted(lines, steps, False), add(elements, 1))


def by(x: Tensor, *, column: bool) -> Tensor:
    """Return a sparse matrix stored by columns, or by rows."""
    if _sure(x).by_column == column:
        return x
    return AsStored(other_way(x), x)


def keys_of(x: Tensor) -> Tensor:
    """Return for each stored element its position among all of the matrix, line by line."""
    own = _sure(x)
    _, indices, starts = parts(x)
    line = LineNumbers(starts, indices.type.shape[0])
    return line * scalar_of(own.width) + indices


def from_keys(
    data: Tensor,
    keys: Tensor,
    rows: Size,
    columns: Size,
    *,
    by_column: bool,
    adds: bool,
    drops: bool,
) -> FromCompressed:
    """Return the matrix of elements at positions, in order.

    Args:
        data: elements.
        keys: their positions among all elements, line by line.
        rows: of the matrix.
        columns: of the matrix.
        by_column: whether lines are columns.
        adds: whether elements at the same place become one.
        drops: whether zeros are left out.
    """
    order = known_within(ArgSort(keys, 0, False), data.type.shape[0])
    data, keys = (Gather(t, (order,), (0,), 0) for t in (data, keys))
    if adds:
        begins = concatenate([ones_like(keys[:1], BOOL), keys[1:] != keys[:-1]])
        number = begins.cumsum(0) - 1
        first = positions(begins)
        count = first.type.shape[0]
        zeros = full((scalar_of(count),), 0, data.dtype)
        data = Scatter(zeros, (known_within(number, count),), data, (0,), 0, "add")
        keys = Gather(keys, (first,), (0,), 0)
    if drops:
        kept = positions(data != 0)
        data, keys = (Gather(t, (kept,), (0,), 0) for t in (data, keys))
    width, lines = (rows, columns) if by_column else (columns, rows)
    size = scalar_of(width)
    steps = Arange((add(lines, 1),), 0) * size
    starts = known_within(SearchSorted(keys, steps, False), add(data.type.shape[0], 1))
    indices = known_within(keys % size, width)
    return FromCompressed(data, indices, starts, rows, columns, by_column)


def from_whole(x: Tensor, *, by_column: bool) -> Tensor:
    """Return a matrix as a sparse one, which stores what is not 0."""
    rows, columns = x.type.shape
    flat = reshape(swapaxes(x, 0, 1) if by_column else x, -1)
    keys = positions(flat != 0)
    width, lines = (rows, columns) if by_column else (columns, rows)
    steps = Arange((add(lines, 1),), 0) * scalar_of(width)
    count = keys.type.shape[0]
    found = FromCompressed(
        Gather(flat, (known_within(keys, mul(rows, columns)),), (0,), 0),
        known_within(keys % scalar_of(width), width),
        known_within(SearchSorted(keys, steps, False), add(count, 1)),
        rows,
        columns,
        by_column,
    )
    return AsStored(found, x)


# -- arithmetic ------------------------------------------------------------------------------------


def _like(y: Tensor, x: Tensor) -> Tensor:
    return by(y, column=_sure(x).by_column)


def plus(x: Tensor, y: Tensor) -> Tensor:
    """Return the sum of two sparse matrices, stored as the first is; it stores no zeros."""
    own, other = _sure(x), _like(y, x)
    data = concatenate([part(x, DATA), part(other, DATA)])
    pairs = list(zip(x.type.shape, y.type.shape, strict=True))
    keys = agreeing(
        concatenate([keys_of(x), keys_of(other)]),
        mul(own.rows, own.columns),
        pairs,
        f"shapes of {x.type} and {y.type} are the same",
    )
    found = from_keys(
        data, keys, own.rows, own.columns, by_column=own.by_column, adds=True, drops=True
    )
    return AsStored(found, x + y)


def times(x: Tensor, y: Tensor) -> Tensor:
    """Return the product, element by element, of two sparse matrices; it stores no zeros."""
    data = part(x, DATA) * elements(_like(y, x), x)
    return AsStored(without_zeros(with_data(x, data)), x * y)


def without_zeros(x: Tensor) -> FromCompressed:
    """Return what a sparse matrix stores but for zeros, in the same order."""
    own = _sure(x)
    data, indices, starts = parts(x)
    nonzero = data != 0
    kept = positions(nonzero)
    before = concatenate([full((1,), 0, I64), nonzero.astype(I64).cumsum(0)])
    return FromCompressed(
        Gather(data, (kept,), (0,), 0),
        known_within(Gather(indices, (kept,), (0,), 0), own.width),
        known_within(Gather(before, (starts,), (0,), 0), add(kept.type.shape[0], 1)),
        own.rows,
        own.columns,
        own.by_column,
    )


def in_order(x: Tensor) -> FromCompressed:
    """Return what a sparse matrix stores, by places within each line."""
    own = _sure(x)
    return from_keys(
        part(x, DATA),
        keys_of(x),
        own.rows,
        own.columns,
        by_column=own.by_column,
        adds=False,
        drops=False,
    )


class SparseDot(Composite):
    """The product of a matrix, of which little may be stored, and a whole one."""

    x: Tensor
    y: Tensor

    public = "sparse_dot"
    dtypes = ALL_NUMBERS
    multilinear = True
    reference = np.matmul
    domain = (Domain(0.5, 2),)
    tolerance = 64.0
    samples = (Sample(((3, 4), (4, 5))), Sample(((0, 4), (4, 5))), Sample(((3, 0), (0, 5))))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """``[m, n]``."""
        return TensorType(self.x.dtype, (self.x.type.shape[0], self.y.type.shape[1]))

    def decompose(self) -> Tensor:
        """The product of what is stored, if that is known."""
        if stored(self.x) is None:
            return MatMul(self.x, self.y)
        return product(self.x, self.y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``ct @ y.T``, of which no more is computed than is asked for, and ``x.T @ ct``."""
        turned = swapaxes(self.x, 0, 1) if stored(self.x) is None else transposed(self.x)
        return MatMul(ct, swapaxes(self.y, 0, 1)), SparseDot(turned, ct)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """One product with the columns of all examples; several sparse matrices are whole ones."""
        x, y = operands
        if batched[0] or stored(x) is None:
            return MatMul(self.x, self.y).batch(operands, batched, size)
        _, rows, columns = y.type.shape
        wide = reshape(swapaxes(y, 0, 1), (scalar_of(rows), scalar_of(mul(size, columns))))
        found = SparseDot(x, wide)
        shape = (x.type.shape[0], size, columns)
        return swapaxes(reshape(found, tuple(map(scalar_of, shape))), 0, 1)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.matmul(*operands)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many columns here as rows there."""
        a, b = self.x.type.shape[1], self.y.type.shape[0]
        words = f"sizes of {self.x.type} @ {self.y.type}"
        return (Requirement("equal", a, b, words),) if a != b else ()


def product(x: Tensor, y: Tensor) -> Tensor:
    """Return the product of a sparse matrix and a whole one.

    Its derivative by the sparse matrix is that by what is stored.
    """
    own = _sure(x)
    return CompressedDot(*parts(x), y, own.width, own.by_column)


def sparse_product(x: Tensor, y: Tensor) -> Tensor:
    """Return the product of two sparse matrices, stored as the first is, in order.

    Each pair of elements that meet is multiplied; the products at the same place are added up.
    """
    own, other = _sure(x), _like(y, x)
    if own.by_column:
        # x @ y is the transpose of y.T @ x.T, whose lines are rows.
        found = _of_lines(transposed(other), transposed(x))
        flipped = FromCompressed(
            found.data, found.indices, found.starts, found.columns, found.rows, not found.by_column
        )
        return AsStored(flipped, SparseDot(x, y))
    return AsStored(_of_lines(x, other), SparseDot(x, y))


def _of_lines(x: Tensor, y: Tensor) -> FromCompressed:
    """Return the product of two matrices stored by rows."""
    a, b = _sure(x), _sure(y)
    data, indices, starts = parts(x)
    others, places, begins = parts(y)
    count = data.type.shape[0]
    words = f"sizes of {x.type} @ {y.type} fit"
    indices = agreeing(indices, b.rows, [(a.columns, b.rows)], words)
    first = Gather(begins, (indices,), (0,), 0)
    many = Gather(begins, (_next(indices, b),), (0,), 0) - first
    ends = many.cumsum(0)
    total = size_of(many.sum())
    pair = Arange((total,), 0)
    left = known_within(SearchSorted(ends, pair, True), count)
    before = Gather(ends - many, (left,), (0,), 0)
    right = known_within(Gather(first, (left,), (0,), 0) + pair - before, others.type.shape[0])
    line = Gather(LineNumbers(starts, count), (left,), (0,), 0)
    keys = line * scalar_of(b.columns) + Gather(places, (right,), (0,), 0)
    terms = Gather(data, (left,), (0,), 0) * Gather(others, (right,), (0,), 0)
    return from_keys(terms, keys, a.rows, b.columns, by_column=False, adds=True, drops=False)


def _next(indices: Tensor, b: FromCompressed) -> Tensor:
    return known_within(indices + 1, add(b.rows, 1))


def sparse_form(x: Tensor, *, by_column: bool) -> Tensor:
    """Return a matrix, such as a gradient, as a sparse one; stored as what it was made of."""
    found = _form(x)
    if found is None:
        return from_whole(x, by_column=by_column)
    return by(found, column=by_column)


def _form(x: Tensor) -> Tensor | None:
    if stored(x) is not None:
        return x
    match x:
        case Add(a, b):
            first, second = _form(a), _form(b)
            if first is None or second is None:
                return None
            return AsStored(stored_of(plus(first, second)), x)
        case Multiply(a, b):
            one = _form(a)
            one = _form(b) if one is None else one
        case Negative(a) | Cast(a, _) | Scaled(a, _, _):
            one = _form(a)
        case Transpose(a, _):
            one = _form(a)
            return None if one is None else transposed(one)
        case _:
            return None
    return None if one is None else AsStored(with_data(one, elements(x, one)), x)


# -- sums and scales -------------------------------------------------------------------------------


def _scaled(x: Array, s: Array, along: int | None) -> Array:
    return x * (s[:, None] if along == 0 else s)


class Scaled(Composite):
    """A matrix whose elements, rows (axis 0) or columns (axis 1) are multiplied by numbers.

    Of the matrix no more is computed than what is stored, also where the gradient by the numbers is
    asked for.
    """

    x: Tensor
    s: Tensor
    along: int | None

    public = "scaled"
    dtypes = ALL_NUMBERS
    multilinear = True
    reference = staticmethod(_scaled)
    domain = (Domain(0.5, 2),)
    tolerance = 16.0
    samples = (
        Sample(((3, 4), (3,)), (0,)),
        Sample(((3, 4), (4,)), (1,)),
        Sample(((3, 4), ()), (None,)),
        Sample(((0, 4), (4,)), (1,)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node."""
        return cls(*operands)

    def spread(self, s: Tensor) -> Tensor:
        """Return the numbers over the shape of the matrix."""
        return broadcast(s[:, None] if self.along == 0 else s, self.x.type.shape)

    def decompose(self) -> Tensor:
        """A product of elements."""
        return self.x * self.spread(self.s)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent scaled, and sums of what is stored times the cotangent."""
        if stored(self.x) is None:
            product = self.x * ct
            other = None if self.along is None else 1 - self.along
            by_numbers = product.sum() if other is None else product.sum(other)
        else:
            weighted = with_data(self.x, part(self.x, DATA) * elements(ct, self.x))
            by_numbers = total(weighted, None if self.along is None else 1 - self.along)
        return Scaled(ct, self.s, self.along), by_numbers.astype(self.s.dtype)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """That of the product."""
        x, s = (new_input(None, o.type) for o in self.operands)
        spread = all_in_front(operands, batched, size)
        alone = Scaled(x, s, self.along).decompose()
        return batch_graph([alone], dict(zip((x, s), spread, strict=True)), size)[0]

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        x, s = operands
        return np.asarray(_scaled(x, s, self.along), self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """A number for each row or column."""
        if self.along is None:
            return ()
        a, b = self.s.type.shape[0], self.x.type.shape[self.along]
        words = f"numbers, and axis {self.along} of {self.x.type}"
        return (Requirement("equal", a, b, words),) if a != b else ()


def total(x: Tensor, axis: int | None) -> Tensor:
    """Return the sum of what a sparse matrix stores, or the sums along an axis."""
    own, data = _sure(x), part(x, DATA)
    if axis is None:
        return data.sum(dtype=data.dtype)
    places = _positions(x)[1 - axis]
    zeros = full((scalar_of(x.type.shape[1 - axis]),), 0, data.dtype)
    del own
    return Scatter(zeros, (places,), data, (0,), 0, "add")


def _positions(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows and the columns of what is stored."""
    own = _sure(x)
    _, indices, starts = parts(x)
    line = LineNumbers(starts, indices.type.shape[0])
    return (indices, line) if own.by_column else (line, indices)


def diagonal(x: Tensor) -> Tensor:
    """Return the diagonal of a square sparse matrix."""
    rows, columns = x.type.shape
    row, column = _positions(x)
    row = agreeing(row, rows, [(rows, columns)], "rows and columns: the matrix is square")
    data = where(row == column, part(x, DATA), 0)
    zeros = full((scalar_of(rows),), 0, data.dtype)
    found = Scatter(zeros, (row,), data, (0,), 0, "add")
    index = known_within(Arange((rows,), 0), rows)
    return AsStored(found, Gather(x, (index, known_within(index, columns)), (0, 1), 0))


# -- pieces ----------------------------------------------------------------------------------------


def joined(xs: Sequence[Tensor], axis: int) -> Tensor:
    """Return sparse matrices one below the other (0) or side by side (1), stored that way."""
    owns = [by(x, column=bool(axis)) for x in xs]
    starts, so_far = [part(owns[0], STARTS)[:1]], full((), 0, I64)
    for own in owns:
        starts.append(part(own, STARTS)[1:] + so_far)
        so_far = so_far + scalar_of(part(own, DATA).type.shape[0])
    data = concatenate([part(own, DATA) for own in owns])
    lines = add(*(x.type.shape[axis] for x in xs))
    across = xs[0].type.shape[1 - axis]
    like = concatenate(list(xs), axis)
    shape = (across, lines) if axis else (lines, across)
    found = FromCompressed(
        data,
        agreeing(
            concatenate([part(own, INDICES) for own in owns]),
            across,
            [(x.type.shape[1 - axis], across) for x in xs[1:]],
            f"sizes of axis {1 - axis} of what is joined are the same",
        ),
        known_within(concatenate(starts), add(data.type.shape[0], 1)),
        *shape,
        bool(axis),
    )
    return AsStored(found, like)


def _lines_of(x: Tensor, which: Tensor) -> FromCompressed:
    """Return some lines of a sparse matrix, by their numbers, which are good."""
    own = _sure(x)
    data, indices, starts = parts(x)
    first = Gather(starts, (which,), (0,), 0)
    after = known_within(which + 1, add(own.lines, 1))
    ends = (Gather(starts, (after,), (0,), 0) - first).cumsum(0)
    begins = concatenate([full((1,), 0, I64), ends])
    count = size_of(begins[-1])
    begins = known_within(begins, add(count, 1))
    line = LineNumbers(begins, count)
    offset = first - begins[:-1]
    old = Arange((count,), 0) + Gather(offset, (line,), (0,), 0)
    old = known_within(old, data.type.shape[0])
    lines = which.type.shape[0]
    shape = (own.rows, lines) if own.by_column else (lines, own.columns)
    return FromCompressed(
        Gather(data, (old,), (0,), 0),
        known_within(Gather(indices, (old,), (0,), 0), own.width),
        begins,
        *shape,
        own.by_column,
    )


def rows_of(x: Tensor, which: Tensor) -> Tensor:
    """Return rows of a sparse matrix, by integers that may count from the end."""
    by_column = _sure(x).by_column
    good = within_bounds(which, x.type.shape[0], f"rows of {x.type}", wraps=True)
    found = by(_lines_of(by(x, column=False), good), column=by_column)
    return AsStored(stored_of(found), Gather(x, (good,), (0,), 0))


def stored_of(x: Tensor) -> FromCompressed:
    """Return the node of what is stored of a sparse matrix, its parts read through the matrix."""
    own = _sure(x)
    return own if own is x else with_data(x, part(x, DATA))


def picked(x: Tensor, rows: Tensor | None, columns: Tensor | None) -> Tensor:
    """Return rows and columns of a sparse matrix, by their numbers, which are good; None for all.

    No two of a kind are the same.
    """
    own = _sure(x)
    lines, places = (columns, rows) if own.by_column else (rows, columns)
    found: Tensor = x
    if lines is not None:
        found = _lines_of(found, known_within(lines, own.lines))
    if places is not None:
        found = _places_of(found, places)
    if found is x:
        return x
    like = x
    for axis, (which, size) in enumerate(zip((rows, columns), x.type.shape, strict=True)):
        if which is not None:
            like = Gather(like, (known_within(which, size),), (axis,), axis)
    return AsStored(stored_of(found), like)


def _places_of(x: Tensor, which: Tensor) -> FromCompressed:
    """Return some places of all lines, by their numbers, of which no two are equal."""
    own = _sure(x)
    data, indices, starts = parts(x)
    count = which.type.shape[0]
    none = full((scalar_of(own.width),), -1, I64)
    numbers = known_within(which, own.width)
    table = Scatter(none, (numbers,), Arange((count,), 0), (0,), 0, "set")
    fresh = Gather(table, (indices,), (0,), 0)
    inside = fresh >= 0
    kept = positions(inside)
    before = concatenate([full((1,), 0, I64), inside.astype(I64).cumsum(0)])
    shape = (count, own.columns) if own.by_column else (own.rows, count)
    return FromCompressed(
        Gather(data, (kept,), (0,), 0),
        known_within(Gather(fresh, (kept,), (0,), 0), count),
        known_within(Gather(before, (starts,), (0,), 0), add(kept.type.shape[0], 1)),
        *shape,
        own.by_column,
    )


def lookup(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return elements of a sparse matrix, by integers that may count from the end."""
    own = _sure(x)
    row, column = (
        within_bounds(t, size, f"axis {axis} of {x.type}", wraps=True)
        for axis, (t, size) in enumerate(zip((rows, columns), x.type.shape, strict=True))
    )
    line, place = (column, row) if own.by_column else (row, column)
    only = from_keys(
        part(x, DATA), keys_of(x), *x.type.shape, by_column=own.by_column, adds=True, drops=False
    )
    keys = keys_of(only)
    # A zero in front, for what is not stored.
    sums = concatenate([full((1,), 0, x.dtype), only.data])
    wanted = line * scalar_of(own.width) + place
    first, last = (SearchSorted(keys, wanted, right) for right in (False, True))
    limit = add(only.data.type.shape[0], 1)
    found = Gather(sums, (known_within(where(last > first, last, 0), limit),), (0,), 0)
    return AsStored(found, Gather(x, (row, column), (0, 1), 0))


OPS: tuple[type[Op], ...] = (AsStored, SparseDot, Scaled)

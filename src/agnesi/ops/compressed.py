"""Loops over matrices of which few elements are stored, line by line.

A line is a row or a column.  Element ``k`` of ``data`` lies at ``indices[k]`` in its line; those of
line ``i`` go from ``starts[i]`` up to but without ``starts[i + 1]``.  What lies twice at a place
counts together.  Lines are all that these loops know: of a matrix stored by columns they compute
the transposed one.  Indices and starts are integers within bounds (``stored_structure``).

before: y[i] += data[k] * x[indices[k]]         compressed_dot
back:   ddata[k] = dot(dy[i], x[indices[k]])    sampled_dot
        dx[indices[k]] += data[k] * dy[i]       compressed_dot, turned
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.batching.graph import batch_graph
from agnesi.core.dtypes import I64
from agnesi.dims.dim import add, sub
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    Complex,
    For,
    Load,
    Read,
    Scalar,
    Statement,
    Store,
    While,
    fresh_local,
    index_of,
    index_scalar,
    literal,
    parts_of,
)
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import ALL_NUMBERS
from agnesi.ops.bounds import agreeing, within_bounds
from agnesi.ops.creation import Arange, full
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Sample, all_in_front
from agnesi.ops.gathering import SIGNED, Gather, Scatter
from agnesi.ops.lift import as_tensor
from agnesi.ops.movement import expand_dims
from agnesi.ops.nests import loop_indices, nest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Index, Size

# Numbers that add up without cancelling, so that tests may compare their last digits.
_POSITIVE = Domain(0.5, 2)
_PLACES = Domain(0, 2, dtypes=SIGNED)


def stored_structure(
    indices: Tensor, starts: Tensor, width: Size, count: Size
) -> tuple[Tensor, Tensor]:
    """Return indices and starts as integers that a call checks.

    Args:
        indices: places within lines.
        starts: where lines begin, and the end of the last one.
        width: of a line.
        count: how many elements are stored.
    """
    within = within_bounds(indices, width, "places of stored elements")
    begins = within_bounds(starts, add(count, 1), "starts of lines of stored elements")
    first, last = size_of(begins[0]), size_of(begins[-1])
    falls = size_of((begins[1:] < begins[:-1]).any().astype(I64))
    words = "starts of lines begin with 0, do not fall, and end with the number of elements"
    pairs = [(first, 0), (last, count), (falls, 0)]
    return within, agreeing(begins, add(count, 1), pairs, words)


def even_starts(lines: int, count: Tensor | int) -> Tensor:
    """Return starts of lines that share elements evenly."""
    steps = Arange((lines + 1,), 0)
    return steps * as_tensor(count).astype(I64) // max(lines, 1)


class _Line:
    """The elements of one line, one after the other."""

    def __init__(self, at: Memory, starts: int, line: Size) -> None:
        self.place, self.end = fresh_local("k", I64), fresh_local("end", I64)
        self.k: Size = index_of(Read(self.place))
        self.begin = (
            Assign(self.place, at.read(starts, (line,))),
            Assign(self.end, at.read(starts, (add(line, 1),))),
        )

    def each(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return the loop over the elements, which lie at ``k``."""
        step = Assign(self.place, Read(self.place) + 1)
        return (*self.begin, While(Read(self.place) < Read(self.end), (*body, step)))


def _kept(name: str, value: Scalar) -> tuple[tuple[Statement, ...], Scalar]:
    """Return statements that keep a number in variables, and what reads them."""
    kept = [(fresh_local(name, part.dtype), part) for part in parts_of(value)]
    reads = [Read(local) for local, _ in kept]
    number = Complex(reads[0], reads[1], value.dtype) if value.dtype.is_complex else reads[0]
    return tuple(Assign(local, part) for local, part in kept), number


class _Compressed(LoopOp):
    """An op on compressed lines; ``plain`` says it in ordinary ops, for whatever is not fast."""

    def plain(self) -> Tensor:
        """Return the expression of ordinary ops."""
        raise NotImplementedError

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """That of the expression of ordinary ops."""
        inputs = [new_input(None, o.type) for o in self.operands]
        alone = type(self)(*self._with(inputs))
        spread = all_in_front(operands, batched, size)
        mapped: dict[Tensor, Tensor] = dict(zip(inputs, spread, strict=True))
        return batch_graph([alone.plain()], mapped, size)[0]

    def _with(self, operands: Sequence[Tensor]) -> tuple[Any, ...]:
        fresh = iter(operands)
        return tuple(next(fresh) if isinstance(a, Tensor) else a for a in self.args)


class LineNumbers(_Compressed):
    """The number of the line that each stored element lies in."""

    starts: Tensor
    count: Size

    public = "line_numbers"
    dtypes = (I64,)
    streams = (0,)
    differentiable = False
    samples = (Sample((), (3, 7)), Sample((), (1, 4)), Sample((), (5, 3)), Sample((), (2, 0)))

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """So many lines that share elements evenly."""
        lines, count = operands
        return cls(even_starts(lines, count), count)

    @staticmethod
    def reference(lines: int, count: int) -> Array:
        """As many times each as there are elements."""
        return np.repeat(np.arange(lines), np.diff(np.arange(lines + 1) * count // lines))

    def infer(self) -> TensorType:
        """An integer for each element."""
        return TensorType(I64, (self.count,))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Line by line."""
        (i,) = loop_indices((sub(self.starts.type.shape[0], 1),))
        line = _Line(at, 0, i)
        return nest([i], line.each(at.store((line.k,), index_scalar(i))))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """As many times each as there are elements."""
        (starts,) = operands
        return np.repeat(np.arange(len(starts) - 1), np.diff(starts))

    def plain(self) -> Tensor:
        """How many starts come before it: lines end where others start."""
        lines = sub(self.starts.type.shape[0], 1)
        ends = Scatter(
            full((scalar_of(add(self.count, 1)),), 0, I64),
            (within_bounds(self.starts[1:], add(self.count, 1)),),
            full((scalar_of(lines),), 1, I64),
            (0,),
            0,
            "add",
        )
        return ends[:-1].cumsum(0)

    def index_limit(self) -> Size | None:
        """The number of lines."""
        return sub(self.starts.type.shape[0], 1)


class FromCompressed(_Compressed):
    """The whole matrix of which few elements are stored; what is not stored is 0.

    It is how agnesi knows a sparse matrix: ops that can, read what is stored, and never have the
    whole matrix computed.
    """

    data: Tensor
    indices: Tensor
    starts: Tensor
    rows: Size
    columns: Size
    by_column: bool

    public = "from_compressed"
    dtypes = ALL_NUMBERS
    streams = (0, 1, 2)
    linear = True
    # What is stored would be lost.
    folds = False
    domain = (Domain(), _PLACES)
    tolerance = 16.0
    samples = (
        Sample(((7,), (7,)), (4, 3, False)),
        Sample(((7,), (7,)), (3, 5, True)),
        Sample(((0,), (0,)), (2, 3, False)),
        Sample(((5,), (5,)), (1, 3, False)),
        Sample(((0,), (0,)), (0, 3, False)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Lines that share elements evenly."""
        data, indices, rows, columns, by_column = operands
        lines, width = (columns, rows) if by_column else (rows, columns)
        (count,) = data.type.shape
        starts = even_starts(lines, scalar_of(count))
        return cls(data, *stored_structure(indices, starts, width, count), rows, columns, by_column)

    @staticmethod
    def reference(data: Array, indices: Array, rows: int, columns: int, by_column: bool) -> Array:
        """Add all elements up where they belong."""
        lines = columns if by_column else rows
        which = LineNumbers.reference(lines, len(data)) if lines else indices
        result = np.zeros((rows, columns), data.dtype)
        np.add.at(result, (indices, which) if by_column else (which, indices), data)
        return result

    @property
    def lines(self) -> Size:
        """How many lines there are."""
        return self.columns if self.by_column else self.rows

    @property
    def width(self) -> Size:
        """How long a line is."""
        return self.rows if self.by_column else self.columns

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Rows, columns, and how many elements and starts there are."""
        return self.rows, self.columns, *self.data.type.shape, *self.starts.type.shape

    @property
    def structure(self) -> tuple[Tensor, Tensor]:
        """Indices and starts."""
        return self.indices, self.starts

    def infer(self) -> TensorType:
        """The whole matrix."""
        return TensorType(self.data.dtype, (self.rows, self.columns))

    def place(self, line: Size, index: Size) -> tuple[Size, Size]:
        """Return row and column of what lies at an index of a line."""
        return (index, line) if self.by_column else (line, index)

    def positions(self) -> tuple[Tensor, Tensor]:
        """Return the rows and the columns of all elements."""
        line = LineNumbers(self.starts, self.data.type.shape[0])
        return (self.indices, line) if self.by_column else (line, self.indices)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Zeros, then line by line what is stored."""
        whole = loop_indices(self.type.shape)
        zeros = nest(whole, at.store(tuple(whole), literal(0, self.dtype)))
        (i,) = loop_indices((self.lines,))
        line = _Line(at, 2, i)
        found, index = _kept("index", at.read(1, (line.k,)))
        place = self.place(i, index_of(index))
        body = at.store(place, at.load(place) + at.read(0, (line.k,)))
        return (*zeros, *nest([i], line.each((*found, *body))))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What lies where the elements came from."""
        return elements_at(ct, self), None, None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Add all elements up where they belong."""
        data, indices, starts = operands
        line = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        result = np.zeros((sizes(self.rows), sizes(self.columns)), self.dtype.numpy)
        with np.errstate(all="ignore"):
            np.add.at(result, self.place(line, indices), data)  # type: ignore[arg-type]
        return result

    def plain(self) -> Tensor:
        """Elements scattered over zeros."""
        zeros = full(self.shape, 0, self.dtype)
        return Scatter(zeros, self.positions(), self.data, (0, 1), 0, "add")

    def requirements(self) -> tuple[Requirement, ...]:
        """An index for each element, and a start for each line and one behind them."""
        return _fits(self.data, self.indices, self.starts, self.lines)


def _fits(
    data: Tensor | None, indices: Tensor, starts: Tensor, lines: Size
) -> tuple[Requirement, ...]:
    needs: list[tuple[Size, Size, str]] = []
    if data is not None:
        needs.append((data.type.shape[0], indices.type.shape[0], "stored elements, and indices"))
    needs.append((starts.type.shape[0], add(lines, 1), "starts of lines, and lines with one more"))
    return tuple(Requirement("equal", a, b, words) for a, b, words in needs if a != b)


# Returns the elements of a matrix at the places that another one stores; put there by
# ``ops/sparse.py``, which knows what kinds of matrices there are.
ELEMENTS_AT: list[Callable[[Tensor, FromCompressed], Tensor]] = []


def elements_at(x: Tensor, where: FromCompressed) -> Tensor:
    """Return the elements of a matrix at the places that another one stores, in their order."""
    return ELEMENTS_AT[0](x, where)


class CompressedDot(_Compressed):
    """Compressed lines times the rows of a matrix; turned, the transposed lines."""

    data: Tensor
    indices: Tensor
    starts: Tensor
    y: Tensor
    width: Size
    turned: bool

    public = "compressed_dot"
    dtypes = ALL_NUMBERS
    streams = (0, 1, 2)
    multilinear = True
    domain = (_POSITIVE, _PLACES, _POSITIVE)
    tolerance = 64.0
    samples = (
        Sample(((7,), (7,), (3, 5)), (4, 3, False)),
        Sample(((7,), (7,), (4, 5)), (4, 3, True)),
        Sample(((9,), (9,), (5, 33)), (2, 5, False)),
        Sample(((9,), (9,), (2, 33)), (2, 5, True)),
        Sample(((0,), (0,), (3, 2)), (4, 3, False)),
        Sample(((5,), (5,), (3, 0)), (4, 3, False)),
        Sample(((5,), (5,), (4, 1)), (4, 3, True)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Lines that share elements evenly."""
        data, indices, y, lines, width, turned = operands
        (count,) = data.type.shape
        starts = even_starts(lines, scalar_of(count))
        return cls(data, *stored_structure(indices, starts, width, count), y, width, turned)

    @staticmethod
    def reference(data: Array, indices: Array, y: Array, *sizes: Any) -> Array:
        """The product with the whole matrix."""
        lines, width, turned = sizes
        whole = FromCompressed.reference(data, indices, lines, width, False)
        return np.asarray((whole.T if turned else whole) @ y, data.dtype)

    @property
    def lines(self) -> Size:
        """How many lines there are."""
        return sub(self.starts.type.shape[0], 1)

    def infer(self) -> TensorType:
        """A row for each line; turned, for each place in one."""
        rows = self.width if self.turned else self.lines
        return TensorType(self.data.dtype, (rows, self.y.type.shape[1]))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Line by line, adding up rows."""
        columns = self.type.shape[1]
        (i,) = loop_indices((self.lines,))
        line = _Line(at, 2, i)
        found, index = _kept("index", at.read(1, (line.k,)))
        known, number = _kept("number", at.read(0, (line.k,)))
        to, source = (index_of(index), i) if self.turned else (i, index_of(index))
        j = fresh_columns(columns)
        more = at.load((to, j)) + number * at.read(3, (source, j))
        body = line.each((*found, *known, For(j, at.store((to, j), more))))
        if not self.turned:
            z = fresh_columns(columns)
            clear = For(z, at.store((i, z), literal(0, self.dtype)))
            return nest([i], (clear, *body))
        whole = loop_indices(self.type.shape)
        zeros = nest(whole, at.store(tuple(whole), literal(0, self.dtype)))
        return (*zeros, *nest([i], body))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Products at the places stored, and the transposed lines times the cotangent."""
        by_line, by_index = (self.y, ct) if self.turned else (ct, self.y)
        return (
            SampledDot(by_line, by_index, self.indices, self.starts),
            None,
            None,
            CompressedDot(self.data, self.indices, self.starts, ct, self.width, not self.turned),
        )

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """Linear in what is stored, and in the matrix."""
        return _in_turn(self, tangents)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Line by line, in order."""
        data, indices, starts, y = operands
        rows = sizes(self.width) if self.turned else len(starts) - 1
        line = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        to, source = (indices, line) if self.turned else (line, indices)
        result = np.zeros((rows, y.shape[1]), self.dtype.numpy)
        with np.errstate(all="ignore"):
            np.add.at(result, to, data[:, None] * y[source])
        return result

    def plain(self) -> Tensor:
        """Rows gathered, multiplied, and scattered."""
        line = LineNumbers(self.starts, self.data.type.shape[0]).plain()
        to, source = (self.indices, line) if self.turned else (line, self.indices)
        terms = expand_dims(self.data, 1) * Gather(self.y, (source,), (0,), 0)
        return Scatter(full(self.shape, 0, self.dtype), (to,), terms, (0,), 0, "add")

    def requirements(self) -> tuple[Requirement, ...]:
        """As many rows as lines are long; turned, as there are lines."""
        rows = self.lines if self.turned else self.width
        own = self.y.type.shape[0]
        words = f"rows of {self.y.type}, and the stored matrix's"
        needs = (Requirement("equal", own, rows, words),) if own != rows else ()
        return (*_fits(self.data, self.indices, self.starts, self.lines), *needs)


def fresh_columns(columns: Size) -> Index:
    """Return an index of columns."""
    (j,) = loop_indices((columns,))
    return j


def _in_turn(node: Op, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
    """Return the tangent of what is linear in each of its float operands."""
    total: Tensor | None = None
    for place, tangent in enumerate(tangents):
        if tangent is not None and node.operands[place].dtype.is_inexact:
            changed = (*node.operands[:place], tangent, *node.operands[place + 1 :])
            fresh = iter(changed)
            args = tuple(next(fresh) if isinstance(a, Tensor) else a for a in node.args)
            part = type(node)(*args)
            total = part if total is None else total + part
    return total


class SampledDot(_Compressed):
    """Products of rows of two matrices, for each stored place: of its line, and of its index."""

    x: Tensor
    y: Tensor
    indices: Tensor
    starts: Tensor

    public = "sampled_dot"
    dtypes = ALL_NUMBERS
    streams = (2, 3)
    multilinear = True
    domain = (_POSITIVE, _POSITIVE, _PLACES)
    tolerance = 64.0
    samples = (
        Sample(((4, 5), (3, 5), (7,)), ()),
        Sample(((2, 33), (5, 33), (9,)), ()),
        Sample(((4, 0), (3, 0), (5,)), ()),
        Sample(((4, 2), (3, 2), (0,)), ()),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Lines that share elements evenly."""
        x, y, indices = operands
        (count,) = indices.type.shape
        lines, width = x.type.shape[0], y.type.shape[0]
        steps = Arange((add(lines, 1),), 0)
        starts = steps * as_tensor(scalar_of(count)).astype(I64) // scalar_of(lines)
        return cls(x, y, *stored_structure(indices, starts, width, count))

    @staticmethod
    def reference(x: Array, y: Array, indices: Array) -> Array:
        """Rows gathered and multiplied."""
        line = LineNumbers.reference(len(x), len(indices))
        return np.asarray((x[line] * y[indices]).sum(1), x.dtype)

    def infer(self) -> TensorType:
        """A number for each place."""
        return TensorType(self.x.dtype, self.indices.type.shape)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Line by line, a sum over columns for each place."""
        (i,) = loop_indices((sub(self.starts.type.shape[0], 1),))
        line = _Line(at, 3, i)
        found, index = _kept("index", at.read(2, (line.k,)))
        (j,) = loop_indices((self.x.type.shape[1],))
        term = at.read(0, (i, j)) * at.read(1, (index_of(index), j))
        zero, total = _kept("total", literal(0, self.dtype))
        adds = tuple(
            Accumulate(a.local, Prim.ADD, more)
            for a, more in zip(parts_of(total), parts_of(term), strict=True)
            if isinstance(a, Read)
        )
        body = (*found, *zero, For(j, adds), *at.store((line.k,), total))
        return nest([i], line.each(body))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent as stored elements, times the other matrix."""
        width = self.y.type.shape[0]
        return (
            CompressedDot(ct, self.indices, self.starts, self.y, width, False),
            CompressedDot(ct, self.indices, self.starts, self.x, width, True),
            None,
            None,
        )

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """Linear in both matrices."""
        return _in_turn(self, tangents)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Rows gathered and multiplied."""
        x, y, indices, starts = operands
        line = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        with np.errstate(all="ignore"):
            return np.asarray((x[line] * y[indices]).sum(1), self.dtype.numpy)

    def plain(self) -> Tensor:
        """Rows gathered and multiplied."""
        line = LineNumbers(self.starts, self.indices.type.shape[0]).plain()
        rows = Gather(self.x, (line,), (0,), 0) * Gather(self.y, (self.indices,), (0,), 0)
        return rows.sum(1).astype(self.dtype)

    def requirements(self) -> tuple[Requirement, ...]:
        """A row for each line, and as many columns here as there."""
        a, b = self.x.type.shape[1], self.y.type.shape[1]
        words = f"columns of {self.x.type}, and of {self.y.type}"
        needs = (Requirement("equal", a, b, words),) if a != b else ()
        return (*_fits(None, self.indices, self.starts, self.x.type.shape[0]), *needs)


class StoredAt(_Compressed):
    """Elements of one compressed matrix at the places that another one stores."""

    data: Tensor
    indices: Tensor
    starts: Tensor
    to_indices: Tensor
    to_starts: Tensor
    width: Size

    public = "stored_at"
    dtypes = ALL_NUMBERS
    linear = True
    streams = (0, 2, 4)
    domain = (_POSITIVE, _PLACES)
    tolerance = 16.0
    samples = (
        Sample(((7,), (7,), (5,)), (4, 3)),
        Sample(((3,), (3,), (9,)), (1, 3)),
        Sample(((0,), (0,), (4,)), (2, 3)),
        Sample(((4,), (4,), (0,)), (2, 3)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Lines that share elements evenly."""
        data, indices, to_indices, lines, width = operands
        counts = data.type.shape[0], to_indices.type.shape[0]
        starts = [even_starts(lines, scalar_of(c)) for c in counts]
        own = stored_structure(indices, starts[0], width, counts[0])
        return cls(data, *own, *stored_structure(to_indices, starts[1], width, counts[1]), width)

    @staticmethod
    def reference(data: Array, indices: Array, to: Array, lines: int, width: int) -> Array:
        """Read the whole matrix."""
        whole = FromCompressed.reference(data, indices, lines, width, False)
        return whole[LineNumbers.reference(lines, len(to)), to]

    def infer(self) -> TensorType:
        """A number for each place."""
        return TensorType(self.data.dtype, self.to_indices.type.shape)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Line by line: the places that matter are cleared, added to, read."""
        (i,) = loop_indices((sub(self.starts.type.shape[0], 1),))
        kinds = [self.dtype.real] * (2 if self.dtype.is_complex else 1)
        sums = [at.scratch(f"sums{k}", kind, self.width) for k, kind in enumerate(kinds)]

        def stores(index: Scalar, values: Sequence[Scalar]) -> list[Statement]:
            where = index_of(index)
            return [Store(b, where, v) for b, v in zip(sums, values, strict=True)]

        def loads(index: Scalar) -> list[Scalar]:
            return [Load(b, index_of(index)) for b in sums]

        def walk(
            starts: int, indices: int, body: Callable[[Size, Scalar], Sequence[Statement]]
        ) -> tuple[Statement, ...]:
            line = _Line(at, starts, i)
            found, index = _kept("index", at.read(indices, (line.k,)))
            return line.each((*found, *body(line.k, index)))

        zeros = [literal(0, kind) for kind in kinds]

        def added(k: Size, index: Scalar) -> list[Statement]:
            terms = parts_of(at.read(0, (k,)))
            return stores(index, [a + t for a, t in zip(loads(index), terms, strict=True)])

        def taken(k: Size, index: Scalar) -> tuple[Statement, ...]:
            parts = loads(index)
            whole = Complex(parts[0], parts[1], self.dtype) if len(parts) > 1 else parts[0]
            return at.store((k,), whole)

        body = (
            *walk(4, 3, lambda _, index: stores(index, zeros)),
            *walk(2, 1, lambda _, index: stores(index, zeros)),
            *walk(2, 1, added),
            *walk(4, 3, taken),
        )
        return nest([i], body)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The same, the other way."""
        back = StoredAt(ct, self.to_indices, self.to_starts, self.indices, self.starts, self.width)
        return (back, None, None, None, None)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Read the whole matrix."""
        data, indices, starts, to, to_starts = operands
        whole = np.zeros((len(starts) - 1, sizes(self.width)), self.dtype.numpy)
        line = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        with np.errstate(all="ignore"):
            np.add.at(whole, (line, indices), data)
        return whole[np.repeat(np.arange(len(to_starts) - 1), np.diff(to_starts)), to]

    def plain(self) -> Tensor:
        """Read the whole matrix."""
        lines = sub(self.starts.type.shape[0], 1)
        whole = FromCompressed(self.data, self.indices, self.starts, lines, self.width, False)
        line = LineNumbers(self.to_starts, self.to_indices.type.shape[0]).plain()
        return Gather(whole.plain(), (line, self.to_indices), (0, 1), 0)

    def requirements(self) -> tuple[Requirement, ...]:
        """As many lines here as there."""
        a, b = self.starts.type.shape[0], self.to_starts.type.shape[0]
        words = "lines of two stored matrices"
        needs = (Requirement("equal", a, b, words),) if a != b else ()
        lines = sub(b, 1)
        return (
            *_fits(self.data, self.indices, self.starts, lines),
            *_fits(None, self.to_indices, self.to_starts, lines),
            *needs,
        )


OPS: tuple[type[Op], ...] = (LineNumbers, FromCompressed, CompressedDot, SampledDot, StoredAt)

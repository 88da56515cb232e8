"""Loop nests of reductions whose last axis stays: sums over the rows of a matrix, above all.

A block of columns at a time: a few rows at once are combined in registers, and then with totals
in private memory, which are of a wider dtype for sums of floats.  Narrow rows are taken several
together, as one wide row.  Long columns are cut into chunks, whose totals are combined afterwards;
chunks depend on sizes alone, and so do results.

    for t < blocks of columns, and chunks of rows:
      for j: total[j] = 0
      for i < rows // 8: for j: total[j] += f64(x[8*i, j] + ... + x[8*i + 7, j])
      for i < rows % 8: for j: total[j] += f64(x[.., j])
      for j: out[j] = f32(total[j])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record
from agnesi.dims.dim import Index, add, fresh_index, mul, product, sub
from agnesi.dims.simplify import at_least, ceildiv, floordiv, maximum, minimum, mod
from agnesi.loops.nodes import Buffer, For, Scalar, Statement, fresh_buffer
from agnesi.loops.traverse import substitute_sizes
from agnesi.lower.combine import CHUNK, Combination, Flat, flatten
from agnesi.lower.elements import hold, load, nest, store
from agnesi.ops.movement import unravel
from agnesi.ops.nests import parallel

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.dims.dim import Dim, Size

# Columns whose totals are kept at hand; twice as many where there are many for sure.
BLOCK = 2048
# Rows narrower than this are taken several together.
_NARROW = 64
# Rows that are combined in registers, by how much work an element is.
_ROWS = ((4, 8), (10, 4))
# So few rows are combined in registers altogether.
_FEW = 16
# More elements than are likely to be in a cache.
_CACHED = 1 << 21
# Enough blocks of columns to work on at once.
_BLOCKS = 8
# At least so many rows have totals of their own.
_CHUNK_ROWS = 128


def by_columns(job: Combination) -> tuple[Statement, ...]:
    """Return the loop nest of a reduction whose last axis stays."""
    axes, last = job.axes, len(job.indices)
    first = max(axes) + 1
    columns = flatten(job.indices[first:], job.value)
    outer = [i for k, i in enumerate(job.indices) if k < first and k not in axes]
    outer += columns.indices[:-1]
    rows = flatten([job.indices[k] for k in axes], columns.value)
    count = product(i.extent for i in rows.indices)
    if last and isinstance(count, int) and count <= _FEW and job.weight * count <= 64:
        return _few(job, outer, columns, rows)
    return _Columns(job, outer, columns, rows).loops()


def _few(job: Combination, outer: list[Index], columns: Flat, rows: Flat) -> tuple[Statement, ...]:
    """Combine rows in registers, column by column: as any element-wise loop."""
    kept = [*outer, *columns.indices[-1:]]
    job.value = rows.value
    total = job.unroll(rows.indices)
    return nest(kept, hold(job.put(columns.where, total)))


@record()
class _Level:
    """How rows are taken: so many at once, each of them so many narrow ones together."""

    rows: int
    together: int

    @property
    def step(self) -> int:
        """How many rows that is."""
        return self.rows * self.together


class _Columns:
    """Writes the loops over one block of columns, and those around."""

    def __init__(self, job: Combination, outer: list[Index], columns: Flat, rows: Flat) -> None:
        self.job, self.outer, self.columns, self.rows = job, outer, columns, rows
        self.column, self.row = columns.indices[-1], rows.indices[-1]
        self.width, self.count = self.column.extent, self.row.extent
        self.at_once = self._at_once()
        self.outside: dict[Dim, Size] = {}
        # Rows and columns as one index, where rows follow each other in memory.
        self.whole = flatten([self.row, self.column], rows.value)
        self.together = self._together()
        self.block = self._block()
        self.chunk = self._chunk()
        parts = 2 if job.dtype.is_complex else 1
        self.total = fresh_buffer("total", job.wide.real)
        job.room.private[self.total] = parts * self.block

    def _at_once(self) -> int:
        """Return how many rows to combine in registers."""
        most = next((n for weight, n in _ROWS if self.job.weight <= weight), 1)
        every = product(i.extent for i in self.job.indices)
        if isinstance(every, int) and every > _CACHED and isinstance(self.width, int):
            # What comes from memory is not fetched ahead where several lines of a page take turns.
            return min(most, 2 if self.width <= 128 else 1 if self.width < 1024 else most)
        return most

    @property
    def may_be_far(self) -> bool:
        """Whether only a call can tell if rows come from memory and lie together in pages."""
        every = product(i.extent for i in self.job.indices)
        return not isinstance(every, int) and not at_least(self.width, 1024)

    @property
    def unless_far(self) -> Size:
        """Return 0 where it is so, else more than there are rows."""
        every = product(i.extent for i in self.job.indices)
        near = add(floordiv(self.width, 1024), floordiv(_CACHED, every))
        if self.width != 0:
            # Rows of less than a vector are not worth a loop of their own.
            near = add(near, floordiv(15, self.width))
        return mul(near, 1 << 40)

    def _together(self) -> int:
        """Return how many narrow rows to take as one."""
        width = self.width
        if len(self.whole.indices) > 1 or not isinstance(width, int) or not width:
            return 1
        return max(1, _NARROW // width)

    def _block(self) -> int:
        """Return how many columns a block has."""
        if not isinstance(self.width, int):
            return BLOCK
        return min(2 * BLOCK, max(1, self.width) * self.together)

    def _chunk(self) -> int | None:
        """Return how many rows a chunk has, where columns may be worth cutting."""
        n, m = self.count, self.width
        if self.outer or len(self.rows.indices) > 1 or at_least(m, _BLOCKS * BLOCK):
            return None
        work = mul(n, m)
        if isinstance(work, int) and work <= 2 * CHUNK:
            return None
        if not isinstance(m, int):
            return _CHUNK_ROWS
        step = self.at_once * self.together
        return step * max(1, _CHUNK_ROWS // step, CHUNK // max(1, m * step))

    def loops(self) -> tuple[Statement, ...]:
        """Return all loops."""
        tiles = ceildiv(mul(self.together, self.width), self.block)
        tile = fresh_index("t", tiles)
        around = [*self.outer, *([] if tiles == 1 else [tile])]
        if self.chunk is None:
            where, loop = parallel(around)
            self.settle(where)
            start = 0 if tiles == 1 else mul(where[tile], self.block)
            return loop(self.rows_of(start, 0, self.count, self.to_targets))
        chunk = fresh_index("c", maximum(1, ceildiv(self.count, self.chunk)))
        where, loop = parallel([chunk, *around])
        start = 0 if tiles == 1 else mul(where[tile], self.block)
        base = mul(where[chunk], self.chunk)
        count = minimum(self.chunk, sub(self.count, base))
        partial = fresh_buffer("partial", self.job.wide.real)
        numbers = 2 if self.job.dtype.is_complex else 1
        self.job.room.scratch[partial] = mul(numbers, mul(chunk.extent, self.width))

        def to_partial(column: Size, total: Scalar) -> list[Statement]:
            return store(partial, add(mul(where[chunk], self.width), column), total)

        body = self.rows_of(start, base, count, to_partial)
        return (*loop(body), *self.combine(partial, chunk.extent))

    def settle(self, where: dict[Dim, Size]) -> None:
        """Put the places of the kept axes before the rows into all expressions."""
        self.outside = {i: where[i] for i in self.outer}
        for flat in (self.rows, self.whole):
            flat.value = substitute_sizes(flat.value, self.outside)

    def rows_of(
        self,
        start: Size,
        base: Size,
        count: Size,
        finish: Callable[[Size, Scalar], list[Statement]],
    ) -> list[Statement]:
        """Combine rows, of one block of columns.

        Args:
            start: the first column.
            base: the first row.
            count: how many rows.
            finish: says what becomes of the total of a column.
        """
        job = self.job
        whole = mul(self.together, self.width)
        body: list[Statement] = []
        fresh = self._index("j", start, whole)
        body.append(For(fresh, tuple(self.keep(fresh, job.unit))))
        levels = [_Level(self.at_once, self.together), _Level(1, self.together), _Level(1, 1)]
        if isinstance(count, int):
            # What is left over is known, and taken in as few turns as can be.
            levels[1:1] = [_Level(n, self.together) for n in (4, 2) if n < self.at_once]
        done: Size = base
        left = count
        for k, level in enumerate(levels):
            if level in levels[:k]:
                continue
            steps = floordiv(left, level.step)
            if level.rows > 1 and self.may_be_far:
                steps = minimum(steps, self.unless_far)
                rest = sub(left, mul(level.step, steps))
            else:
                rest = mod(left, level.step)
            if steps != 0:
                body += self.take(level, start, done, steps)
            done, left = add(done, mul(level.step, steps)), rest
            if left == 0:
                break
        if self.together != 1:
            body += self.fold()
        last = self._index("j", start, self.width)
        total = self.kept(last).cast(job.dtype) if self.chunk is None else self.kept(last)
        body.append(For(last, tuple(hold(finish(add(start, last), total)))))
        return body

    def _index(self, name: str, start: Size, width: Size) -> Index:
        """Return a loop over the columns of a block."""
        return fresh_index(name, minimum(self.block, sub(width, start)))

    def kept(self, place: Size) -> Scalar:
        """Return the total so far at a place of the block."""
        return load(self.total, place, self.job.wide)

    def keep(self, place: Size, value: Scalar) -> list[Statement]:
        """Store a total at a place of the block."""
        return hold(store(self.total, place, value))

    def take(self, level: _Level, start: Size, base: Size, steps: Size) -> list[Statement]:
        """Return the loops that combine rows with the totals."""
        job = self.job
        again = [fresh_index(i.name, i.extent) for i in self.rows.indices[:-1]]
        before: dict[Dim, Size] = dict(zip(self.rows.indices, again, strict=False))
        whole = mul(level.together, self.width)
        step = fresh_index("r", steps)
        column = self._index("j", start, whole)
        value = self.rows_at(level, before, add(base, mul(step, level.step)), start, column)
        total = job.combine(self.kept(column), value.cast(job.wide))
        return list(nest([*again, step], [For(column, tuple(self.keep(column, total)))]))

    def rows_at(
        self, level: _Level, before: dict[Dim, Size], row: Size, start: Size, column: Index
    ) -> Scalar:
        """Return the rows of one step, combined, at a column."""
        values: list[Scalar] = []
        for k in range(level.rows):
            here = add(row, k * level.together)
            if level.together == 1:
                at = {**before, self.row: here, self.column: add(start, column)}
                values.append(substitute_sizes(self.rows.value, at))
            else:
                place = add(mul(here, self.width), start, column)
                at = {**before, self.whole.indices[-1]: place}
                values.append(substitute_sizes(self.whole.value, at))
        return self.job.all_of(values)

    def fold(self) -> tuple[Statement, ...]:
        """Combine the totals of rows that were taken together."""
        more = fresh_index("more", sub(self.together, 1))
        column = fresh_index("j", self.width)
        other = self.kept(add(mul(add(more, 1), self.width), column))
        total = self.job.combine(self.kept(column), other)
        return nest([more, column], self.keep(column, total))

    def to_targets(self, column: Size, total: Scalar) -> list[Statement]:
        """Store the total of a column."""
        return self.job.put(self.places(column), total)

    def places(self, column: Size) -> dict[Dim, Size]:
        """Return what the loops of kept axes are at a column."""
        inside = [i for i in self.job.indices if i in self.columns.where]
        where = unravel(column, tuple(i.extent for i in inside))
        return {**self.outside, **dict(zip(inside, where, strict=True))}

    def combine(self, wide: Buffer, chunks: Size) -> tuple[Statement, ...]:
        """Combine the totals of chunks, and store what comes out."""
        job = self.job
        more, column = fresh_index("more", sub(chunks, 1)), fresh_index("j", self.width)
        other = load(wide, add(mul(add(more, 1), self.width), column), job.wide)
        total = job.combine(load(wide, column, job.wide), other)
        last = fresh_index("j", self.width)
        done = load(wide, last, job.wide).cast(job.dtype)
        return (
            *nest([more, column], hold(store(wide, column, total))),
            For(last, tuple(hold(self.to_targets(last, done)))),
        )

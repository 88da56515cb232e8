"""Loops whose states are rows that do not know of each other: each few rows go their own way.

before: for t < n: for i < 32: h[i, ...] = f(x[t, i, ...], h[i, ...])
after:  parallel for p < 4: for t < n: for i < 8: h[8*p + i, ...] = ...

A thread takes its rows through all steps, and waits for nobody; what it carries stays in its cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.dims.dim import Index, add, divide_exactly, fresh_index, mul, sub
from agnesi.dims.simplify import (
    at_least,
    ceildiv,
    is_nonnegative,
    linear_in,
    minimum,
    substitute,
)
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    Contract,
    For,
    FromIndex,
    If,
    Load,
    Matrix,
    Scalar,
    Statement,
    Store,
    dynamic_scalars,
    index_scalar,
)
from agnesi.loops.traverse import (
    accessed_buffers,
    rebuild_scalar,
    scalars_in,
    walk_scalars,
    walk_statements,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.loops.nodes import Buffer

# Rows of a part at most, and where it is not known how many there are.
_MOST, _USUAL = 16, 8
_SIMPLE = (Store, Assign, Accumulate, For, If)


class Split:
    """Rows of a loop's statements in parts.

    Attributes:
        rows: how many there are.
        part: how many are taken at once; 0 where they cannot be told apart.
        index: of the parts.
    """

    def __init__(
        self,
        statements: Sequence[Statement],
        numbers: Mapping[Buffer, Size],
        private: Iterable[Buffer],
        own: Iterable[Buffer],
        rows: Size,
    ) -> None:
        """Find out.

        Args:
            statements: of a step.
            numbers: how many each buffer holds.
            private: memory of the kernel.
            own: memory of one turn of one of the statements.
            rows: how many there are.
        """
        self.rows, self.numbers, self.own = rows, numbers, set(own)
        self.private = set(private) - self.own
        self.statements = statements
        written = accessed_buffers(statements)[1]
        self.kept = {*written, *self.private} - self.own
        good = all(map(self.stride, self.kept)) and all(map(self.is_apart, statements))
        self.part = part_of(rows) if good else 0
        self.index = fresh_index("p", ceildiv(rows, max(self.part, 1)))
        self.first = mul(self.index, self.part)
        left = sub(rows, self.first)
        even = isinstance(rows, int) and self.part > 0 and rows % self.part == 0
        # Rows that there are of a part.
        self.extent: Size = self.part if even else minimum(self.part, left)

    # -- whether rows are apart --------------------------------------------------------------

    def stride(self, buffer: Buffer) -> int:
        """Return how many numbers of a buffer are of one row; 0 if it is not made of rows."""
        each, rest = divide_exactly(self.numbers.get(buffer, 0), self.rows)
        return each if isinstance(each, int) and rest == 0 else 0

    def is_apart(self, statement: Statement) -> bool:
        """Whether a statement goes from row to row."""
        match statement:
            case For(index, body):
                return index.extent == self.rows and self.keeps_to(index, body)
            case Contract(target, a, b, rows, columns, depth, _, around):
                if around or rows != self.rows or b.buffer in self.kept:
                    return False
                return self.is_row(target, columns) and self.is_row(a, depth)
            case _:
                return False

    def is_row(self, matrix: Matrix, columns: Size) -> bool:
        """Whether rows of a matrix are rows, too."""
        if matrix.buffer not in self.kept:
            return matrix.buffer not in self.own and not dynamic_scalars(matrix.offset)
        stride = self.stride(matrix.buffer)
        inside = is_nonnegative(matrix.offset) and at_least(stride, add(matrix.offset, columns))
        return matrix.row == stride and matrix.column == 1 and inside

    def keeps_to(self, index: Index, body: Sequence[Statement]) -> bool:
        """Whether a turn of a loop touches one row of what is written, or of what is kept."""
        for statement in walk_statements(body):
            if not isinstance(statement, _SIMPLE):
                return False
            if isinstance(statement, For) and _mentions(statement.index.extent, index):
                return False
            if isinstance(statement, Store) and not self.is_in_row(
                statement.buffer, statement.offset, index
            ):
                return False
            for scalar in walk_scalars(scalars_in(statement)):
                if isinstance(scalar, Load) and not self.is_in_row(
                    scalar.buffer, scalar.offset, index
                ):
                    return False
        return True

    def is_in_row(self, buffer: Buffer, offset: Size, index: Index) -> bool:
        """Whether an element lies in the row of a turn, where that matters."""
        if buffer not in self.kept:
            return True
        parts = None if dynamic_scalars(offset) else linear_in(offset, index)
        if parts is None or parts[0] != self.stride(buffer):
            return False
        return is_nonnegative(parts[1]) and at_least(parts[0], add(parts[1], 1))

    # -- the parts ---------------------------------------------------------------------------

    def taken(self, statement: Statement) -> Statement:
        """Return a statement for the rows of one part."""
        match statement:
            case For(index, body):
                here = fresh_index(index.name, self.extent)
                return For(here, tuple(_Rows(self, index, here).statement(s) for s in body))
            case Contract():
                target, a = self.matrix(statement.target), self.matrix(statement.a)
                return statement.replace(target=target, a=a, rows=self.extent)
            case _:
                return statement

    def matrix(self, matrix: Matrix) -> Matrix:
        """Return the rows of a matrix."""
        if matrix.buffer in self.private:
            return matrix
        offset = add(matrix.offset, mul(self.first, matrix.row))
        return Matrix(matrix.buffer, offset, matrix.row, matrix.column)

    def room(self, buffer: Buffer, count: Size) -> Size:
        """Return how many numbers of private memory are of one part."""
        return self.stride(buffer) * self.part if buffer in self.private else count


class _Rows:
    """Rewrites what a loop over rows does, for the rows of one part."""

    def __init__(self, split: Split, old: Index, new: Index) -> None:
        self.private = split.private
        self.old, self.new = old, new
        self.there = add(split.first, new)

    def statement(self, statement: Statement) -> Statement:
        match statement:
            case For(index, body):
                return For(index, tuple(map(self.statement, body)))
            case If(condition, body):
                return If(self.scalar(condition), tuple(map(self.statement, body)))
            case Store(buffer, offset, value):
                return Store(buffer, self.place(buffer, offset), self.scalar(value))
            case Assign(local, value):
                return Assign(local, self.scalar(value))
            case Accumulate(local, prim, value):
                return Accumulate(local, prim, self.scalar(value))
            case _:
                return statement

    def place(self, buffer: Buffer, offset: Size) -> Size:
        to = self.new if buffer in self.private else self.there
        return substitute(offset, lambda part: to if part is self.old else None)

    def scalar(self, root: Scalar) -> Scalar:
        return rebuild_scalar(root, self.leaf)

    def leaf(self, scalar: Scalar) -> Scalar:
        match scalar:
            case Load(buffer, offset):
                return Load(buffer, self.place(buffer, offset))
            case FromIndex(size):
                there = self.there
                return index_scalar(
                    substitute(size, lambda part: there if part is self.old else None)
                )
            case _:
                return scalar


def part_of(rows: Size) -> int:
    """Return how many rows are a part: of whole tiles, and all alike, if that can be."""
    if not isinstance(rows, int):
        return _USUAL
    fits = [n for n in range(1, min(_MOST, rows // 2) + 1) if rows % n == 0]
    best = max(fits, key=lambda n: (n % 8 == 0 and n == 8, n % 4 == 0 and n <= 8, n), default=0)
    return best if best >= min(4, rows // 2) else _USUAL


def _mentions(size: Size, index: Index) -> bool:
    return not isinstance(size, int) and index in size.atoms

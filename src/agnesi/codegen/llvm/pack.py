"""Pieces of a matrix copied so that the rows which a tile reads follow each other closely."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal

from agnesi.codegen.llvm.writer import Writer, value_type

if TYPE_CHECKING:
    from collections.abc import Generator

    from agnesi.core.dtypes import DType
    from agnesi.core.machine import Machine

# Bytes of a column that are asked for before they are turned.
_AHEAD = 256

# What of a matrix follows each other in memory.
Order = Literal["rows", "columns"]


@contextmanager
def steps(w: Writer, start: str, step: int, end: str, room: int) -> Generator[str]:
    """Write a loop: as long as there is room before the end, from start on; give its counter."""
    head, inside, after = w.label("head"), w.label("body"), w.label("after")
    before, counter, following = w.block, w.fresh(), w.fresh()
    w.jump(head)
    w.start(head)
    position = len(w.lines)
    w.branch(w.let(f"icmp sle i64 {w.let(f'add i64 {counter}, {room}')}, {end}"), inside, after)
    w.start(inside)
    yield counter
    w.line(f"{following} = add i64 {counter}, {step}")
    sources = f"[ {start}, %{before} ], [ {following}, %{w.block} ]"
    w.lines.insert(position, f"  {counter} = phi i64 {sources}")
    w.jump(head)
    w.start(after)


def pack_name(dtype: DType, order: Order, wide: int) -> str:
    """Return the name of a packing function."""
    return f"pack_{dtype.value}_{order}_{wide}"


@cache
def emit_pack(dtype: DType, order: Order, wide: int, machine: Machine) -> dict[str, None]:
    """Return the function that packs some columns of a matrix, and what it needs.

    It takes ``(ptr to, ptr from, i64 stride, i64 columns, i64 rows)``; ``to`` has rows of ``wide``
    numbers.  Columns beyond those that are there hold anything.

    Args:
        dtype: of the numbers.
        order: what of the matrix follows each other in memory.
        wide: columns at most.
        machine: what it is for.
    """
    pack = _Pack(dtype, wide, machine)
    if order == "columns":
        pack.copy()
    else:
        pack.turn()
    given = "ptr noalias %to, ptr readonly %from, i64 %stride, i64 %columns, i64 %rows"
    head = f"define internal void @{pack_name(dtype, order, wide)}({given}) #0 {{"
    return {**pack.w.declared, "\n".join([head, "entry:", *pack.w.lines, "  ret void", "}"]): None}


class _Pack:
    def __init__(self, dtype: DType, wide: int, machine: Machine) -> None:
        self.w, self.wide, self.bytes = Writer(), wide, dtype.bytes
        self.kind = value_type(dtype)
        self.lanes, self.masked = machine.lanes(dtype), machine.masks
        self.vector = f"<{self.lanes} x {self.kind}>"

    def place(self, base: str, offset: str) -> str:
        return self.w.let(f"getelementptr inbounds {self.kind}, ptr {base}, i64 {offset}")

    def copy(self) -> None:
        """Copy rows: whole ones as vectors."""
        w = self.w
        whole, part, done = w.label("whole"), w.label("part"), w.label("done")
        w.branch(w.let(f"icmp sge i64 %columns, {self.wide}"), whole, part)
        w.start(part)
        self.copy_rows(w.let(f"mul i64 %columns, {self.bytes}"))
        w.jump(done)
        w.start(whole)
        self.copy_rows(str(self.wide * self.bytes))
        w.jump(done)
        w.start(done)

    def copy_rows(self, count: str) -> None:
        w = self.w
        w.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        with steps(w, "0", 1, "%rows", 1) as row:
            to = self.place("%to", w.let(f"mul i64 {row}, {self.wide}"))
            source = self.place("%from", w.let(f"mul i64 {row}, %stride"))
            text = f"ptr align {self.bytes} {to}, ptr align {self.bytes} {source}"
            w.line(f"call void @llvm.memcpy.p0.p0.i64({text}, i64 {count}, i1 false)")

    def turn(self) -> None:
        """Transpose squares of vectors; what is left of the rows under masks, or one by one."""
        w = self.w
        end = w.intrinsic("i64", "llvm.smin.i64", "i64 %columns", f"i64 {self.wide}")
        last = w.let(f"sub i64 {end}, 1")
        with steps(w, "0", self.lanes, end, 1) as first:
            columns = [self.column(first, k, last) for k in range(self.lanes)]
            to = self.place("%to", first)
            room = 1 if self.masked else self.lanes
            with steps(w, "0", self.lanes, "%rows", room) as row:
                self.square(columns, to, row)
            if not self.masked:
                self.one_by_one(first, last, row)

    def column(self, first: str, which: int, last: str) -> str:
        """Return where a column begins; the last again instead of those beyond it."""
        w = self.w
        number = w.let(f"add i64 {first}, {which}")
        there = w.intrinsic("i64", "llvm.smin.i64", f"i64 {number}", f"i64 {last}")
        return self.place("%from", w.let(f"mul i64 {there}, %stride"))

    def square(self, columns: list[str], to: str, row: str) -> None:
        """Load a vector of each column from a row on, transpose them, and store them."""
        w, n = self.w, self.lanes
        mask = self.mask(row) if self.masked else ""
        places = [self.place(column, row) for column in columns]
        w.declare("void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        for place in places:
            ahead = w.let(f"getelementptr i8, ptr {place}, i64 {_AHEAD}")
            w.line(f"call void @llvm.prefetch.p0(ptr {ahead}, i32 0, i32 3, i32 1)")
        vectors = [self.load(place, mask) for place in places]
        distance = 1
        while distance < n:
            for k in (k for k in range(n) if not k & distance):
                x, y = vectors[k], vectors[k + distance]
                low = [i if not i & distance else n + i - distance for i in range(n)]
                high = [i + distance if not i & distance else n + i for i in range(n)]
                vectors[k], vectors[k + distance] = self.mix(x, y, low), self.mix(x, y, high)
            distance *= 2
        start = w.let(f"mul i64 {row}, {self.wide}")
        for k, vector in enumerate(vectors):
            place = self.place(to, w.let(f"add i64 {start}, {k * self.wide}"))
            w.line(f"store {self.vector} {vector}, ptr {place}, align {self.bytes}")

    def mix(self, x: str, y: str, order: list[int]) -> str:
        """Return a vector made of two."""
        lanes = ", ".join(f"i32 {k}" for k in order)
        text = f"{self.vector} {x}, {self.vector} {y}, <{self.lanes} x i32> <{lanes}>"
        return self.w.let(f"shufflevector {text}")

    def mask(self, row: str) -> str:
        """Return which rows from this on are there."""
        w, kind = self.w, f"<{self.lanes} x i32>"
        left = w.let(f"sub i64 %rows, {row}")
        most = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {self.lanes}")
        one = w.let(f"insertelement {kind} poison, i32 {w.let(f'trunc i64 {most} to i32')}, i64 0")
        all_ = w.let(f"shufflevector {kind} {one}, {kind} poison, {kind} zeroinitializer")
        numbers = ", ".join(f"i32 {k}" for k in range(self.lanes))
        return w.let(f"icmp slt {kind} <{numbers}>, {all_}")

    def load(self, place: str, mask: str) -> str:
        """Load a vector; what is masked out is 0."""
        if not mask:
            return self.w.let(f"load {self.vector}, ptr {place}, align {self.bytes}")
        name = f"llvm.masked.load.v{self.lanes}f{self.bytes * 8}.p0"
        bits = f"<{self.lanes} x i1>"
        self.w.declare(f"{self.vector} @{name}(ptr, i32, {bits}, {self.vector})")
        given = f"ptr {place}, i32 {self.bytes}, {bits} {mask}, {self.vector} zeroinitializer"
        return self.w.let(f"call {self.vector} @{name}({given})")

    def one_by_one(self, first: str, last: str, start: str) -> None:
        """Copy the rows that are left number by number."""
        w = self.w
        with steps(w, start, 1, "%rows", 1) as row:
            to = self.place(
                "%to", w.let(f"add i64 {w.let(f'mul i64 {row}, {self.wide}')}, {first}")
            )
            for k in range(self.lanes):
                source = self.place(self.column(first, k, last), row)
                value = w.let(f"load {self.kind}, ptr {source}, align {self.bytes}")
                w.line(
                    f"store {self.kind} {value}, ptr {self.place(to, str(k))}, align {self.bytes}"
                )

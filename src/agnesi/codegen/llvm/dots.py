"""Products of a matrix and a vector, whose time is that of reading the matrix in its order.

Where each row gives a number, a few rows are read side by side, and sums lie in lanes.  Where each
column does, a few rows are read side by side and added to the sums, which stay in the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.codegen.llvm.pack import steps
from agnesi.codegen.llvm.writer import Writer, value_type

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.core.machine import Machine

# Rows that are read side by side.
_ROWS = 8


def emit_dots(name: str, dtype: DType, machine: Machine) -> tuple[tuple[str, ...], str]:
    """Return what the function of this name needs, and its text.

    It is called as a function of blocks is, with products of one column; the columns of ``a``
    follow each other in memory, and so do the numbers of ``b``.
    """
    dots = _Dots(dtype, machine.lanes(dtype))
    w, row = dots.w, "0"
    for rows in (_ROWS, _ROWS // 2, 1):
        with steps(w, row, rows, "%m", rows) as i:
            dots.rows(i, rows)
        row = i
    given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
    head = f"define void @{name}({given}, i64 %m, i64 %n, i64 %k, i1 %adds) #0 {{"
    return tuple(w.declared), "\n".join([head, "entry:", *w.lines, "  ret void", "}"])


def emit_streams(name: str, dtype: DType, machine: Machine) -> tuple[tuple[str, ...], str]:
    """Return what the function of this name needs, and its text.

    It is called as a function of blocks is, with products of one row; the columns of ``b`` follow
    each other in memory, and so do the numbers of ``a``.
    """
    streams = _Dots(dtype, machine.lanes(dtype))
    w = streams.w
    streams.clear()
    first = "0"
    for rows in (_ROWS, 1):
        with steps(w, first, rows, "%k", rows) as k:
            streams.add(k, rows)
        first = k
    given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
    head = f"define void @{name}({given}, i64 %m, i64 %n, i64 %k, i1 %adds) #0 {{"
    return tuple(w.declared), "\n".join([head, "entry:", *w.lines, "  ret void", "}"])


class _Dots:
    def __init__(self, dtype: DType, lanes: int) -> None:
        self.w, self.lanes, self.bytes = Writer(), lanes, dtype.bytes
        self.kind = value_type(dtype)
        self.vector = f"<{lanes} x {self.kind}>"
        self.ends = {self.vector: f"v{lanes}f{dtype.bits}", self.kind: f"f{dtype.bits}"}

    def place(self, base: str, offset: str) -> str:
        return self.w.let(f"getelementptr inbounds {self.kind}, ptr {base}, i64 {offset}")

    def rows(self, first: str, count: int) -> None:
        """Write the sums of some rows: of whole vectors, then of the numbers that are left."""
        w = self.w
        starts = [self.row("%a", first, k, "%as") for k in range(count)]
        whole = w.let(f"and i64 %k, {-self.lanes}")
        vectors = self.sums(starts, ("0", str(self.lanes), whole), self.vector, None)
        name = f"llvm.vector.reduce.fadd.{self.ends[self.vector]}"
        w.declare(f"{self.kind} @{name}({self.kind}, {self.vector})")
        zero = f"{self.kind} -0.0"
        totals = [
            w.let(f"call reassoc {self.kind} @{name}({zero}, {self.vector} {x})") for x in vectors
        ]
        totals = self.sums(starts, (whole, "1", "%k"), self.kind, totals)
        for k, total in enumerate(totals):
            target = self.row("%c", first, k, "%cs")
            held = w.let(f"load {self.kind}, ptr {target}, align {self.bytes}")
            base = w.let(f"select i1 %adds, {self.kind} {held}, {self.kind} 0.0")
            value = w.let(f"fadd {self.kind} {base}, {total}")
            w.line(f"store {self.kind} {value}, ptr {target}, align {self.bytes}")

    def row(self, base: str, first: str, which: int, distance: str) -> str:
        number = self.w.let(f"add i64 {first}, {which}")
        return self.place(base, self.w.let(f"mul i64 {number}, {distance}"))

    def sums(
        self, starts: list[str], span: tuple[str, str, str], kind: str, first: list[str] | None
    ) -> list[str]:
        """Write a loop that adds products up; return the sums."""
        w = self.w
        begin, step, end = span
        head, inside, after = w.label("head"), w.label("body"), w.label("after")
        before, at, following = w.block, w.fresh(), w.fresh()
        running = [w.fresh() for _ in starts]
        w.jump(head)
        w.start(head)
        position = len(w.lines)
        w.branch(w.let(f"icmp slt i64 {at}, {end}"), inside, after)
        w.start(inside)
        x = w.let(f"load {kind}, ptr {self.place('%b', at)}, align {self.bytes}")
        name = f"llvm.fmuladd.{self.ends[kind]}"
        w.declare(f"{kind} @{name}({kind}, {kind}, {kind})")
        news: list[str] = []
        for start, total in zip(starts, running, strict=True):
            y = w.let(f"load {kind}, ptr {self.place(start, at)}, align {self.bytes}")
            news.append(w.let(f"call {kind} @{name}({kind} {x}, {kind} {y}, {kind} {total})"))
        w.line(f"{following} = add i64 {at}, {step}")
        zero = "zeroinitializer" if kind == self.vector else "0.0"
        firsts = first or [zero] * len(starts)
        w.lines[position:position] = [
            f"  {at} = phi i64 [ {begin}, %{before} ], [ {following}, %{inside} ]",
            *(
                f"  {r} = phi {kind} [ {f}, %{before} ], [ {new}, %{inside} ]"
                for r, f, new in zip(running, firsts, news, strict=True)
            ),
        ]
        w.jump(head)
        w.start(after)
        return running

    def clear(self) -> None:
        """Begin with sums of 0 unless there are some."""
        w = self.w
        clear, ready = w.label("clear"), w.label("ready")
        w.branch("%adds", ready, clear)
        w.start(clear)
        w.declare("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        count = w.let(f"mul i64 %n, {self.bytes}")
        w.line(f"call void @llvm.memset.p0.i64(ptr %c, i8 0, i64 {count}, i1 false)")
        w.jump(ready)
        w.start(ready)

    def add(self, first: str, count: int) -> None:
        """Add some rows of the matrix, each times its number, to the sums."""
        w = self.w
        numbers = [
            w.let(f"load {self.kind}, ptr {place}, align {self.bytes}")
            for place in (self.place("%a", w.let(f"add i64 {first}, {k}")) for k in range(count))
        ]
        rows = [self.row("%b", first, k, "%bs") for k in range(count)]
        spread = [self.all_lanes(number) for number in numbers]
        with steps(w, "0", self.lanes, "%n", self.lanes) as j:
            self.add_at(j, rows, spread, self.vector)
        with steps(w, j, 1, "%n", 1) as j:
            self.add_at(j, rows, numbers, self.kind)

    def all_lanes(self, number: str) -> str:
        one = self.w.let(f"insertelement {self.vector} poison, {self.kind} {number}, i64 0")
        order = f"<{self.lanes} x i32> zeroinitializer"
        return self.w.let(f"shufflevector {self.vector} {one}, {self.vector} poison, {order}")

    def add_at(self, j: str, rows: list[str], numbers: list[str], kind: str) -> None:
        w, target = self.w, self.place("%c", j)
        total = w.let(f"load {kind}, ptr {target}, align {self.bytes}")
        name = f"llvm.fmuladd.{self.ends[kind]}"
        w.declare(f"{kind} @{name}({kind}, {kind}, {kind})")
        for row, number in zip(rows, numbers, strict=True):
            x = w.let(f"load {kind}, ptr {self.place(row, j)}, align {self.bytes}")
            total = w.let(f"call {kind} @{name}({kind} {x}, {kind} {number}, {kind} {total})")
        w.line(f"store {kind} {total}, ptr {target}, align {self.bytes}")

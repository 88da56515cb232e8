"""Blocks of matrix products: sums held in vector registers while one runs along the depth.

A *tile* is a function that computes a few rows by a few vectors of the product: for each step of
the depth it loads a row of ``b`` as vectors and multiplies it by one number of each row of ``a``.
A *block* is a function that covers a product of any size with tiles, column by column of them, so
that the part of ``b`` in use stays in the nearest caches, and in pieces of the depth.

How large tiles are follows from the machine's vectors (``core/machine.py``).  What is left at the
edges goes to tiles of fewer rows, and to parts of vectors where the machine has masks, else to
tiles of fewer vectors and at last of one number.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal

from agnesi.codegen.llvm.writer import Writer, value_type
from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Generator

    from agnesi.core.dtypes import DType
    from agnesi.core.machine import Machine
    from agnesi.loops.nodes import Contract

# Steps of the depth after which sums are put away: a piece of ``b`` that high stays in the cache,
# and long sums are more exact in pieces.
DEPTH = 512
# Rows of ``a`` that are reached from one register: by nothing, by the distance, and by twice that.
_REACHED = 3
# What of ``a`` follows each other in memory.
Order = Literal["rows", "columns"]


@record(frozen=True)
class Block:
    """Which function of blocks a product calls.

    Attributes:
        dtype: float32 or float64.
        order: what of ``a`` follows each other in memory.
        narrow: whether products have no more columns than one vector.
    """

    dtype: DType
    order: Order
    narrow: bool

    @property
    def name(self) -> str:
        """The function's."""
        return f"block_{self.dtype.value}_{self.order}{'_narrow' if self.narrow else ''}"

    @property
    def declaration(self) -> str:
        """What a module that calls it says of it."""
        return f"declare void @{self.name}(ptr, i64, ptr, i64, ptr, i64, i64, i64, i64, i1)"


def block_of(product: Contract, machine: Machine) -> Block:
    """Return which function a product calls."""
    dtype = product.target.buffer.element
    few = isinstance(product.columns, int) and product.columns <= machine.lanes(dtype)
    return Block(dtype, "columns" if product.a.column == 1 else "rows", few)


@cache
def emit_block(block: Block, machine: Machine) -> tuple[tuple[str, ...], str]:
    """Return what a function of blocks needs, and its text.

    It takes ``(ptr c, i64 row, ptr a, i64 stride, ptr b, i64 row, i64 rows, i64 columns, i64 depth,
    i1 adds)``; distances count elements.
    """
    dtype, order, masked = block.dtype, block.order, machine.masks
    most, wide = machine.tile(dtype)
    lanes = machine.lanes(dtype)
    heights = sorted({most, max(2, most // 3), 1}, reverse=True)
    widths = [lanes if block.narrow else wide]
    if not masked:
        widths = sorted({*widths, lanes, 1}, reverse=True)
    needs: dict[str, None] = {}
    tiles: dict[int, list[_Tile]] = {}
    for width in widths:
        tiles[width] = [_Tile(dtype, h, width, order, masked) for h in heights]
        for tile in tiles[width]:
            needs.update(tile.emit())
    declared, text = _emit_loops(block, tiles, masked)
    return tuple({**needs, **declared}), text


@contextmanager
def _steps(w: Writer, start: str, step: int, end: str, room: int) -> Generator[str]:
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


def _emit_loops(
    block: Block, tiles: dict[int, list[_Tile]], masked: bool
) -> tuple[dict[str, None], str]:
    """Return what the function that covers a product with tiles needs, and its text."""
    w, kind, order = Writer(), value_type(block.dtype), block.order

    def place(base: str, *offsets: str) -> str:
        for offset in offsets:
            base = w.let(f"getelementptr inbounds {kind}, ptr {base}, i64 {offset}")
        return base

    def rows_of(base: str, count: str, distance: str) -> str:
        return place(base, w.let(f"mul i64 {count}, {distance}"))

    # A product of no depth is 0 all the same.
    end = w.intrinsic("i64", "llvm.smax.i64", "i64 %k", "i64 1")
    with _steps(w, "0", DEPTH, end, 1) as done:
        left = w.let(f"sub i64 %k, {done}")
        depth = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {DEPTH}")
        adds = w.let(f"or i1 %adds, {w.let(f'icmp ne i64 {done}, 0')}")
        a = place("%a", done) if order == "columns" else rows_of("%a", done, "%as")
        b = rows_of("%b", done, "%bs")
        column = "0"
        for width, high in tiles.items():
            with _steps(w, column, width, "%n", 1 if masked else width) as j:
                width_left = w.let(f"sub i64 %n, {j}")
                here, row = place(b, j), "0"
                for tile in high:
                    with _steps(w, row, tile.rows, "%m", tile.rows) as i:
                        x = rows_of(a, i, "%as") if order == "columns" else place(a, i)
                        c = place(rows_of("%c", i, "%cs"), j)
                        given = f"ptr {c}, i64 %cs, ptr {x}, i64 %as, ptr {here}, i64 %bs"
                        sizes = f"i64 {width_left}, i64 {depth}, i1 {adds}"
                        w.line(f"call void @{tile.name}({given}, {sizes})")
                    row = i
            column = j
    given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
    head = f"define void @{block.name}({given}, i64 %m, i64 %n, i64 %k, i1 %adds) #0 {{"
    return w.declared, "\n".join([head, "entry:", *w.lines, "  ret void", "}"])


class _Tile:
    """Writes a function of one tile: ``(c, row, a, stride, b, row, columns, depth, adds)``."""

    def __init__(self, dtype: DType, rows: int, columns: int, order: Order, masked: bool) -> None:
        self.w = Writer()
        self.rows, self.columns, self.order, self.masked = rows, columns, order, masked
        self.kind, self.bytes = value_type(dtype), dtype.bytes
        self.vector = f"<{columns} x {self.kind}>"
        self.suffix = f"v{columns}f{dtype.bits}"
        self.name = f"tile_{dtype.value}_{rows}x{columns}_{order}"

    def emit(self) -> dict[str, None]:
        """Return its text, and what that needs."""
        w = self.w
        self.mask = self.columns_there() if self.masked else ""
        c = self.spread("%c", self.in_bytes("%cs"), self.rows)
        stride, below = self.in_bytes("%as"), self.in_bytes("%bs")
        places, reach = self.reach(stride)
        sums = self.first_sums(c)
        before, inside, after = w.block, w.label("body"), w.label("after")
        w.branch(w.let("icmp sgt i64 %k, 0"), inside, after)
        w.start(inside)
        begin = [*sums, *places, "%b", "0"]
        kinds = [self.vector] * self.rows + ["ptr"] * (len(places) + 1) + ["i64"]
        names = [w.fresh() for _ in begin]
        position = len(w.lines)
        running, pointers, b, count = names[: self.rows], names[self.rows : -2], *names[-2:]
        row = self.load(b, self.mask)
        totals = [
            self.multiply_add(self.number(pointers, i, reach), row, running[i])
            for i in range(self.rows)
        ]
        step = str(self.bytes) if self.order == "columns" else stride
        following = [*totals, *(self.move(p, step) for p in pointers), self.move(b, below)]
        following.append(w.let(f"add nuw nsw i64 {count}, 1"))
        w.branch(w.let(f"icmp slt i64 {following[-1]}, %k"), inside, after)
        w.lines[position:position] = [
            f"  {name} = phi {kind} [ {x}, %{before} ], [ {y}, %{inside} ]"
            for name, kind, x, y in zip(names, kinds, begin, following, strict=True)
        ]
        w.start(after)
        ends = [
            w.let(f"phi {self.vector} [ {x}, %{before} ], [ {y}, %{inside} ]")
            for x, y in zip(sums, totals, strict=True)
        ]
        self.store_sums(ends, c)
        given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
        head = f"define internal void @{self.name}({given}, i64 %n, i64 %k, i1 %adds) #0 {{"
        return {**w.declared, "\n".join([head, "entry:", *w.lines, "  ret void", "}"]): None}

    def in_bytes(self, distance: str) -> str:
        """Return a distance in bytes."""
        return self.w.let(f"mul i64 {distance}, {self.bytes}")

    def move(self, pointer: str, bytes_: str) -> str:
        """Return a pointer that is moved."""
        return self.w.let(f"getelementptr inbounds i8, ptr {pointer}, i64 {bytes_}")

    def spread(self, pointer: str, distance: str, count: int) -> list[str]:
        """Return pointers that lie at equal distances."""
        found = [pointer]
        while len(found) < count:
            found.append(self.move(found[-1], distance))
        return found

    def reach(self, stride: str) -> tuple[list[str], list[str]]:
        """Return pointers into ``a`` at first, and the distances from each to its rows.

        Numbers of rows that follow each other are at known distances from one pointer.
        """
        if self.order == "rows":
            return ["%a"], [str(i * self.bytes) for i in range(self.rows)]
        few = self.w.let(f"mul i64 {stride}, {_REACHED}")
        groups = -(-self.rows // _REACHED)
        return self.spread("%a", few, groups), ["0", stride, self.w.let(f"shl i64 {stride}, 1")]

    def number(self, pointers: list[str], row: int, reach: list[str]) -> str:
        """Return the present number of a row of ``a``, in all lanes of a vector."""
        w = self.w
        group, rest = divmod(row, len(reach))
        place = self.move(pointers[group], reach[rest])
        value = w.let(f"load {self.kind}, ptr {place}, align {self.bytes}")
        return self.all_lanes(self.kind, value, self.vector)

    def all_lanes(self, kind: str, value: str, vector: str) -> str:
        """Return a vector with a value in all of its lanes."""
        one = self.w.let(f"insertelement {vector} poison, {kind} {value}, i64 0")
        order = f"<{self.columns} x i32> zeroinitializer"
        return self.w.let(f"shufflevector {vector} {one}, {vector} poison, {order}")

    def columns_there(self) -> str:
        """Return a mask of the columns that there are."""
        w, lanes = self.w, f"<{self.columns} x i32>"
        most = w.intrinsic("i64", "llvm.smin.i64", "i64 %n", f"i64 {self.columns}")
        there = self.all_lanes("i32", w.let(f"trunc i64 {most} to i32"), lanes)
        numbers = ", ".join(f"i32 {k}" for k in range(self.columns))
        return w.let(f"icmp slt {lanes} <{numbers}>, {there}")

    def first_sums(self, places: list[str]) -> list[str]:
        """Return what the sums begin with: nothing, or what the target holds."""
        w = self.w
        before, held, ready = w.block, w.label("held"), w.label("ready")
        w.branch("%adds", held, ready)
        w.start(held)
        loaded = [self.load(place, self.mask) for place in places]
        w.jump(ready)
        w.start(ready)
        return [
            w.let(f"phi {self.vector} [ zeroinitializer, %{before} ], [ {x}, %{held} ]")
            for x in loaded
        ]

    def store_sums(self, values: list[str], places: list[str]) -> None:
        """Store the sums; whole vectors by themselves, since parts of vectors take longer."""
        w = self.w
        done = w.label("done")
        if self.masked:
            whole, part = w.label("whole"), w.label("part")
            w.branch(w.let(f"icmp sge i64 %n, {self.columns}"), whole, part)
            w.start(part)
            for value, place in zip(values, places, strict=True):
                self.store_part(value, place)
            w.jump(done)
            w.start(whole)
        for value, place in zip(values, places, strict=True):
            w.line(f"store {self.vector} {value}, ptr {place}, align {self.bytes}")
        if self.masked:
            w.jump(done)
            w.start(done)

    def load(self, place: str, mask: str) -> str:
        """Load a vector; lanes that are masked out are 0."""
        if not self.masked:
            return self.w.let(f"load {self.vector}, ptr {place}, align {self.bytes}")
        return self.intrinsic(
            self.vector, "masked.load", ".p0", f"ptr {place}", f"i32 {self.bytes}",
            f"<{self.columns} x i1> {mask}", f"{self.vector} zeroinitializer",
        )  # fmt: skip

    def store_part(self, value: str, place: str) -> None:
        """Store a vector where there are columns."""
        self.intrinsic(
            "void", "masked.store", ".p0", f"{self.vector} {value}", f"ptr {place}",
            f"i32 {self.bytes}", f"<{self.columns} x i1> {self.mask}",
        )  # fmt: skip

    def multiply_add(self, x: str, y: str, z: str) -> str:
        """Return ``x*y + z``, rounded once where the machine does it at once."""
        given = (f"{self.vector} {v}" for v in (x, y, z))
        return self.intrinsic(self.vector, "fmuladd", "", *given)

    def intrinsic(self, result: str, name: str, end: str, *arguments: str) -> str:
        """Call an intrinsic of vectors."""
        full = f"llvm.{name}.{self.suffix}{end}"
        kinds = (a.rsplit(" ", 1)[0] for a in arguments)
        self.w.declare(f"{result} @{full}({', '.join(kinds)})")
        text = f"call {result} @{full}({', '.join(arguments)})"
        if result == "void":
            self.w.line(text)
            return ""
        return self.w.let(text)

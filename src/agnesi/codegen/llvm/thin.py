"""Products of few columns, that would leave much of each vector idle: the long side lies in lanes.

before: for each row: a vector of the columns, of which many are missing, per step of the depth
after:  where the columns of ``a`` follow each other, depth in lanes: each sum is a vector, whose
        lanes are added up at the end;
        where its rows do, rows in lanes: sums of each column are turned into rows at the end

No more columns are computed than there are.  Their number is known, so that sums stay in registers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agnesi.codegen.llvm.pack import emit_pack, pack_name, steps
from agnesi.codegen.llvm.writer import Writer, value_type
from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.core.machine import Machine

# Where the depth lies in lanes, at most so many rows of ``a`` are read side by side, and columns of
# ``b``: one piece of those stays in the nearest cache.
_ROWS, _COLUMNS = 4, 6
# Steps of the depth after which sums are put away: where the depth lies in lanes, and in loops.
_DEEP, _DEPTH = 1024, 512


def emit_thin(
    name: str, dtype: DType, columns: int, machine: Machine, *, packs: bool
) -> tuple[tuple[str, ...], str]:
    """Return what the function of this name needs, and its text: depth in lanes.

    It is called as a function of blocks is; the columns of ``a`` follow each other in memory.

    Args:
        name: of the function.
        dtype: of the numbers.
        columns: of the product.
        machine: what it is for.
        packs: whether the columns of ``b`` follow each other, so that it is turned first; else its
            rows do.
    """
    thin = _Across(_Form(dtype, columns, machine))
    text = thin.block(name, packs=packs)
    needs = emit_pack(dtype, "rows", thin.apart, machine) if packs else {}
    return tuple({**needs, **thin.w.declared}), text


def emit_thin_turned(
    name: str, dtype: DType, columns: int, machine: Machine
) -> tuple[tuple[str, ...], str]:
    """Return what the function of this name needs, and its text: rows in lanes.

    It is called as a function of blocks is; the rows of ``a`` and the columns of ``b`` follow each
    other in memory.
    """
    thin = _Along(_Form(dtype, columns, machine))
    text = thin.block(name)
    return tuple(thin.w.declared), text


@record(frozen=True)
class _Form:
    """What is known of a product.

    Attributes:
        dtype: of its numbers.
        columns: how many.
        machine: what it is for.
    """

    dtype: DType
    columns: int
    machine: Machine

    def groups(self, most: int = 16) -> list[tuple[int, int]]:
        """Return the first column and the number of columns of each group computed at once.

        The sums of one are the lanes of a vector at the end.
        """
        most = min(most, self.machine.lanes(self.dtype), self.machine.tile(self.dtype)[0])
        count = -(-self.columns // most)
        ends = [self.columns * k // count for k in range(count + 1)]
        return [(a, b - a) for a, b in pairwise(ends)]


class _Thin:
    """What both kinds share: addresses, vectors, and rows that are put away."""

    def __init__(self, form: _Form) -> None:
        self.w, self.form = Writer(), form
        self.kind, self.bytes = value_type(form.dtype), form.dtype.bytes
        self.lanes, self.masked = form.machine.lanes(form.dtype), form.machine.masks
        self.vector = self.of(self.lanes)

    def of(self, count: int) -> str:
        return f"<{count} x {self.kind}>"

    def text(self, name: str) -> str:
        given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
        head = f"define void @{name}({given}, i64 %m, i64 %n, i64 %k, i1 %adds) #0 {{"
        return "\n".join([head, "entry:", *self.w.lines, "  ret void", "}"])

    def pieces(self, deep: int) -> Generator[str]:
        """Write the loop over pieces of the depth; give where they begin."""
        w = self.w
        # A product of no depth is 0 all the same.
        end = w.intrinsic("i64", "llvm.smax.i64", "i64 %k", "i64 1")
        with steps(w, "0", deep, end, 1) as done:
            left = w.let(f"sub i64 %k, {done}")
            self.depth = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {deep}")
            self.adds = w.let(f"or i1 %adds, {w.let(f'icmp ne i64 {done}, 0')}")
            yield done

    def place(self, base: str, offset: str) -> str:
        return self.w.let(f"getelementptr inbounds {self.kind}, ptr {base}, i64 {offset}")

    def along(self, base: str, count: str, distance: str) -> str:
        return self.place(base, self.w.let(f"mul i64 {count}, {distance}"))

    def load(self, place: str, mask: str = "") -> str:
        """Load a vector; what is masked out is 0."""
        if not mask:
            return self.w.let(f"load {self.vector}, ptr {place}, align {self.bytes}")
        name, bits = f"llvm.masked.load.v{self.lanes}f{self.bytes * 8}.p0", f"<{self.lanes} x i1>"
        self.w.declare(f"{self.vector} @{name}(ptr, i32, {bits}, {self.vector})")
        given = f"ptr {place}, i32 {self.bytes}, {bits} {mask}, {self.vector} zeroinitializer"
        return self.w.let(f"call {self.vector} @{name}({given})")

    def mask(self, count: str) -> str:
        """Return a mask of the first lanes."""
        w, kind = self.w, f"<{self.lanes} x i32>"
        most = w.intrinsic("i64", "llvm.smin.i64", f"i64 {count}", f"i64 {self.lanes}")
        one = w.let(f"insertelement {kind} poison, i32 {w.let(f'trunc i64 {most} to i32')}, i64 0")
        all_ = w.let(f"shufflevector {kind} {one}, {kind} poison, {kind} zeroinitializer")
        numbers = ", ".join(f"i32 {k}" for k in range(self.lanes))
        return w.let(f"icmp slt {kind} <{numbers}>, {all_}")

    def all_lanes(self, number: str) -> str:
        one = self.w.let(f"insertelement {self.vector} poison, {self.kind} {number}, i64 0")
        order = f"<{self.lanes} x i32> zeroinitializer"
        return self.w.let(f"shufflevector {self.vector} {one}, {self.vector} poison, {order}")

    def multiply_add(self, x: str, y: str, z: str, kind: str = "") -> str:
        """Return ``x*y + z``, rounded once where the machine does it at once."""
        kind = kind or self.vector
        end = f"f{self.bytes * 8}"
        name = f"llvm.fmuladd.{end if kind == self.kind else f'v{self.lanes}{end}'}"
        self.w.declare(f"{kind} @{name}({kind}, {kind}, {kind})")
        return self.w.let(f"call {kind} @{name}({kind} {x}, {kind} {y}, {kind} {z})")

    def mix(self, x: str, y: str, order: Sequence[int]) -> str:
        lanes = ", ".join(f"i32 {k}" for k in order)
        text = f"{self.vector} {x}, {self.vector} {y}, <{len(order)} x i32> <{lanes}>"
        return self.w.let(f"shufflevector {text}")

    def put(self, row: str, count: int, place: str) -> None:
        """Store the first numbers of a vector, or add them to what is there: not one more."""
        w, start = self.w, 0
        while start < count:
            size = 1 << ((count - start).bit_length() - 1)
            kind = self.of(size)
            part = self.mix(row, "poison", range(start, start + size))
            to = self.place(place, str(start))
            held = w.let(f"load {kind}, ptr {to}, align {self.bytes}")
            base = w.let(f"select i1 {self.adds}, {kind} {held}, {kind} zeroinitializer")
            total = w.let(f"fadd {kind} {base}, {part}")
            w.line(f"store {kind} {total}, ptr {to}, align {self.bytes}")
            start += size

    def turned(self, vectors: list[str]) -> list[str]:
        """Return a vector for each lane: some vectors, transposed as a square of them."""
        n, distance = self.lanes, 1
        square = [*vectors, *["poison"] * (n - len(vectors))]
        while distance < n:
            for k in (k for k in range(n) if not k & distance):
                x, y = square[k], square[k + distance]
                if x == y == "poison":
                    continue
                low = [i if not i & distance else n + i - distance for i in range(n)]
                high = [i + distance if not i & distance else n + i for i in range(n)]
                square[k], square[k + distance] = self.mix(x, y, low), self.mix(x, y, high)
            distance *= 2
        return square

    def number(self, place: str) -> str:
        return self.w.let(f"load {self.kind}, ptr {place}, align {self.bytes}")


class _Across(_Thin):
    """Depth in lanes."""

    def __init__(self, form: _Form) -> None:
        super().__init__(form)
        # Columns of the turned ``b``, so far apart that they do not get in each other's way.
        self.apart = _DEEP + self.lanes

    def block(self, name: str, *, packs: bool) -> str:
        """Return the function."""
        w, form = self.w, self.form
        rows = -(-form.columns // self.lanes) * self.lanes
        if packs:
            w.line(f"%held = alloca [{rows * self.apart} x {self.kind}], align 64")
        for done in self.pieces(_DEEP):
            a = self.place("%a", done)
            self.whole = w.let(f"and i64 {self.depth}, {-self.lanes}")
            if packs:
                b, distance = "%held", str(self.apart)
                self.turn(self.along("%b", done, "%bs"))
            else:
                b, distance = self.place("%b", done), "%bs"
            if self.masked:
                self.rest = self.mask(w.let(f"sub i64 {self.depth}, {self.whole}"))
            for first, count in form.groups(_COLUMNS):
                start = self.along(b, str(first), distance)
                columns = [self.along(start, str(j), distance) for j in range(count)]
                self.group(a, columns, first)
        return self.text(name)

    def turn(self, b: str) -> None:
        """Put the columns of a piece of ``b`` where their numbers follow each other."""
        w, form = self.w, self.form
        # Squares of vectors; the last rows, which are fewer, as other blocks do.
        with steps(w, "0", self.lanes, self.whole, 1) as at:
            rows = [self.along(b, at, "%bs")]
            for _ in range(self.lanes - 1):
                rows.append(self.place(rows[-1], "%bs"))
            to = self.place("%held", at)
            for first in range(0, form.columns, self.lanes):
                count = min(self.lanes, form.columns - first)
                vectors = [self.few(self.place(row, str(first)), count) for row in rows]
                for j, vector in enumerate(self.turned(vectors)[:count]):
                    place = self.place(to, str((first + j) * self.apart))
                    w.line(f"store {self.vector} {vector}, ptr {place}, align {self.bytes}")
        rest, done = w.label("rest"), w.label("done")
        w.branch(w.let(f"icmp slt i64 {self.whole}, {self.depth}"), rest, done)
        w.start(rest)
        left = w.let(f"sub i64 {self.depth}, {self.whole}")
        places = f"ptr {self.place('%held', self.whole)}, ptr {self.along(b, self.whole, '%bs')}"
        given = f"{places}, i64 %bs, i64 {left}, i64 {form.columns}"
        w.line(f"call void @{pack_name(form.dtype, 'rows', self.apart)}({given})")
        w.jump(done)
        w.start(done)

    def few(self, place: str, count: int) -> str:
        """Load the first numbers of a vector."""
        if count == self.lanes:
            return self.load(place)
        if self.masked:
            bits = ", ".join(f"i1 {str(k < count).lower()}" for k in range(self.lanes))
            return self.load(place, f"<{bits}>")
        w, vector, start = self.w, "", 0
        while start < count:
            size = 1 << ((count - start).bit_length() - 1)
            kind = self.of(size)
            part = w.let(f"load {kind}, ptr {self.place(place, str(start))}, align {self.bytes}")
            order = [min(k, size - 1) for k in range(self.lanes)]
            lanes = ", ".join(f"i32 {k}" for k in order)
            wide = f"shufflevector {kind} {part}, {kind} poison, <{self.lanes} x i32> <{lanes}>"
            part = w.let(wide)
            at = [
                k if k < start else self.lanes + min(k - start, self.lanes - 1)
                for k in range(self.lanes)
            ]
            vector = self.mix(vector, part, at) if vector else part
            start += size
        return vector

    def group(self, a: str, columns: list[str], first: int) -> None:
        """Write the loops over rows, for some columns."""
        w, registers, row = self.w, self.form.machine.registers, "0"
        most = max(1, min(_ROWS, (registers - 4) // (len(columns) + 1)))
        for rows in sorted({most, 1}, reverse=True):
            with steps(w, row, rows, "%m", rows) as i:
                numbers = [w.let(f"add i64 {i}, {k}") for k in range(rows)]
                sources = [self.along(a, number, "%as") for number in numbers]
                targets = [
                    self.place(self.along("%c", number, "%cs"), str(first)) for number in numbers
                ]
                self.tile(sources, columns, targets)
            row = i

    def tile(self, rows: list[str], columns: list[str], targets: list[str]) -> None:
        """Write the sums of some rows and columns."""
        totals = self.sums(rows, columns)
        for k, target in enumerate(targets):
            mine = totals[k * len(columns) : (k + 1) * len(columns)]
            self.put(self.added_up(mine), len(columns), target)
        if not self.masked:
            self.one_by_one(rows, columns, targets)

    def sums(self, rows: list[str], columns: list[str]) -> list[str]:
        """Write a loop over whole vectors, and a part of one if it can be masked."""
        w = self.w
        head, inside, after = w.label("head"), w.label("body"), w.label("after")
        before, at, following = w.block, w.fresh(), w.fresh()
        running = [w.fresh() for _ in range(len(rows) * len(columns))]
        w.jump(head)
        w.start(head)
        position = len(w.lines)
        w.branch(w.let(f"icmp slt i64 {at}, {self.whole}"), inside, after)
        w.start(inside)
        news = self.step(rows, columns, at, running, "")
        w.line(f"{following} = add i64 {at}, {self.lanes}")
        w.lines[position:position] = [
            f"  {at} = phi i64 [ 0, %{before} ], [ {following}, %{inside} ]",
            *(
                f"  {x} = phi {self.vector} [ zeroinitializer, %{before} ], [ {new}, %{inside} ]"
                for x, new in zip(running, news, strict=True)
            ),
        ]
        w.jump(head)
        w.start(after)
        if not self.masked:
            return running
        part, done = w.label("part"), w.label("done")
        w.branch(w.let(f"icmp slt i64 {self.whole}, {self.depth}"), part, done)
        w.start(part)
        news = self.step(rows, columns, self.whole, running, self.rest)
        w.jump(done)
        w.start(done)
        return [
            w.let(f"phi {self.vector} [ {x}, %{after} ], [ {new}, %{part} ]")
            for x, new in zip(running, news, strict=True)
        ]

    def step(
        self, rows: list[str], columns: list[str], at: str, sums: list[str], mask: str
    ) -> list[str]:
        """Return the sums with a vector of each row, times one of each column, added."""
        xs = [self.load(self.place(row, at), mask) for row in rows]
        ys = (self.load(self.place(column, at), mask) for column in columns)
        by_column = [
            [self.multiply_add(x, y, sums[k * len(columns) + j]) for k, x in enumerate(xs)]
            for j, y in enumerate(ys)
        ]
        return [by_column[j][k] for k in range(len(rows)) for j in range(len(columns))]

    def added_up(self, sums: list[str]) -> str:
        """Return a vector whose lanes are the sums of the lanes of each vector, in their order.

        Two vectors become one whose lanes hold sums of two lanes, of one and the other by turns.
        """
        w, n, distance = self.w, self.lanes, 1
        while distance < n:
            pairs = [(sums[k], sums[min(k + 1, len(sums) - 1)]) for k in range(0, len(sums), 2)]
            own = [i if not i & distance else n + i for i in range(n)]
            other = [i ^ distance if not i & distance else n + (i ^ distance) for i in range(n)]
            sums = [
                w.let(f"fadd {self.vector} {self.mix(x, y, own)}, {self.mix(x, y, other)}")
                for x, y in pairs
            ]
            distance *= 2
        return sums[0]

    def one_by_one(self, rows: list[str], columns: list[str], targets: list[str]) -> None:
        """Add the products of the last steps of the depth, fewer than a vector holds."""
        w = self.w
        with steps(w, self.whole, 1, self.depth, 1) as at:
            xs = [self.number(self.place(row, at)) for row in rows]
            for j, column in enumerate(columns):
                y = self.number(self.place(column, at))
                for x, target in zip(xs, targets, strict=True):
                    to = self.place(target, str(j))
                    total = self.multiply_add(x, y, self.number(to), self.kind)
                    w.line(f"store {self.kind} {total}, ptr {to}, align {self.bytes}")


class _Along(_Thin):
    """Rows in lanes."""

    def block(self, name: str) -> str:
        """Return the function."""
        w = self.w
        for done in self.pieces(_DEPTH):
            a, b = self.along("%a", done, "%as"), self.along("%b", done, "%bs")
            for first, count in self.form.groups():
                here, row = self.place(b, str(first)), "0"
                for vectors in (2, 1):
                    wide = vectors * self.lanes
                    with steps(w, row, wide, "%m", wide) as i:
                        source = self.place(a, i)
                        target = self.place(self.along("%c", i, "%cs"), str(first))
                        self.tile(source, here, target, (vectors, count))
                    row = i
                self.rest(a, here, row, (first, count))
        return self.text(name)

    def rest(self, a: str, b: str, row: str, columns: tuple[int, int]) -> None:
        """Write the rows that are left."""
        w, (first, count) = self.w, columns
        if self.masked:
            with steps(w, row, self.lanes, "%m", 1) as i:
                left = w.let(f"sub i64 %m, {i}")
                target = self.place(self.along("%c", i, "%cs"), str(first))
                self.tile(self.place(a, i), b, target, (1, count), left)
            return
        with steps(w, row, 1, "%m", 1) as i:
            target = self.place(self.along("%c", i, "%cs"), str(first))
            self.single(self.place(a, i), b, target, count)

    def tile(
        self, a: str, b: str, target: str, size: tuple[int, int], left: str | None = None
    ) -> None:
        """Write the sums of a few vectors of rows, and of some columns."""
        w, (vectors, columns) = self.w, size
        mask = self.mask(left) if left is not None else ""
        head, inside, after = w.label("head"), w.label("body"), w.label("after")
        before, at, x, y = w.block, *(w.fresh() for _ in range(3))
        running = [[w.fresh() for _ in range(columns)] for _ in range(vectors)]
        w.jump(head)
        w.start(head)
        position = len(w.lines)
        w.branch(w.let(f"icmp slt i64 {at}, {self.depth}"), inside, after)
        w.start(inside)
        rows = [self.load(self.place(x, str(v * self.lanes)), mask) for v in range(vectors)]
        numbers = [self.all_lanes(self.number(self.place(y, str(j)))) for j in range(columns)]
        news = [
            [self.multiply_add(number, row, s) for number, s in zip(numbers, sums, strict=True)]
            for row, sums in zip(rows, running, strict=True)
        ]
        following = [w.let(f"add i64 {at}, 1"), self.place(x, "%as"), self.place(y, "%bs")]
        begin = [("i64", "0"), ("ptr", a), ("ptr", b)]
        w.lines[position:position] = [
            *(
                f"  {name} = phi {kind} [ {start}, %{before} ], [ {new}, %{inside} ]"
                for name, (kind, start), new in zip((at, x, y), begin, following, strict=True)
            ),
            *(
                f"  {s} = phi {self.vector} [ zeroinitializer, %{before} ], [ {new}, %{inside} ]"
                for sums, made in zip(running, news, strict=True)
                for s, new in zip(sums, made, strict=True)
            ),
        ]
        w.jump(head)
        w.start(after)
        done = w.label("done")
        for v, sums in enumerate(running):
            for r, row in enumerate(self.turned(sums)):
                number = v * self.lanes + r
                if left is not None and number:
                    more = w.label("more")
                    w.branch(w.let(f"icmp sgt i64 {left}, {number}"), more, done)
                    w.start(more)
                self.put(row, columns, self.along(target, str(number), "%cs"))
        w.jump(done)
        w.start(done)

    def single(self, a: str, b: str, target: str, columns: int) -> None:
        """Write the sums of one row, number by number."""
        w = self.w
        for j in range(columns):
            to = self.place(target, str(j))
            held = w.let(f"select i1 {self.adds}, {self.kind} {self.number(to)}, {self.kind} 0.0")
            w.line(f"store {self.kind} {held}, ptr {to}, align {self.bytes}")
        with steps(w, "0", 1, self.depth, 1) as at:
            x = self.number(self.along(a, at, "%as"))
            row = self.along(b, at, "%bs")
            for j in range(columns):
                to = self.place(target, str(j))
                y = self.number(self.place(row, str(j)))
                total = self.multiply_add(x, y, self.number(to), self.kind)
                w.line(f"store {self.kind} {total}, ptr {to}, align {self.bytes}")

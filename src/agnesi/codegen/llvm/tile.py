"""Blocks of matrix products: sums held in vector registers while one runs along the depth.

A *tile* is a function that computes a few rows by a few vectors of the product: for each step of
the depth it loads a row of ``b`` as vectors and multiplies it by one number of each row of ``a``.
A *block* is a function that covers a product of any size with tiles, column by column of them, so
that the part of ``b`` in use stays in the nearest caches, and in pieces of the depth.

What lies badly is packed first: a piece of ``b`` whose columns follow each other in memory, so that
its rows do; and pieces of matrices whose rows are at such a distance that they get in each other's
way in the cache.

How large tiles are follows from the machine's vectors (``core/machine.py``).  What is left at the
edges goes to tiles of fewer rows, and to parts of vectors where the machine has masks, else to
tiles of fewer vectors and at last of one number.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agnesi.codegen.llvm.dots import emit_dots, emit_streams
from agnesi.codegen.llvm.pack import Order, emit_pack, pack_name, steps
from agnesi.codegen.llvm.thin import emit_thin, emit_thin_turned
from agnesi.codegen.llvm.writer import Writer, value_type
from agnesi.core.record import record
from agnesi.dims.dim import Symbol, Value

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.core.machine import Machine
    from agnesi.dims.dim import Size
    from agnesi.loops.nodes import Contract

# Steps of the depth after which sums are put away: a piece of ``b`` that high stays in the cache,
# and long sums are more exact in pieces.
DEPTH = 512
# Tiles whose rows of ``a`` are copied at a time.
_COPIED = 12
# Rows of ``b`` that are asked for ahead of their use, and bytes of what comes from memory at once.
_AHEAD, _LINE = 16, 64
# The same with loops around the depth: what is near and follows each other comes by itself, but
# large kernels come from far away.
_FAR = 32
# Rows of ``a`` that are reached from one register: by nothing, by the distance, and by twice that.
_REACHED = 3


# Vectors of a row that are multiplied before it pays to add up their lanes.
_LONG = 8
# Bytes of a piece of ``a`` that are asked for before it is used.
_ASKED = 1 << 19
# Distances in bytes at which a cache has room for few rows: of ``b``, of which many are used again,
# and of ``a``, of which a tile has few.
_CLASH_B, _CLASH_A = 2048, 4096


@record(frozen=True)
class Block:
    """Which function of blocks a product calls.

    Attributes:
        dtype: float32 or float64.
        order: what of ``a`` follows each other in memory.
        narrow: whether products have no more columns than one vector.
        packs_a: whether rows of ``a`` are copied to where they are apart.
        packs_b: what of ``b`` follows each other in memory, if it is packed.
        vector: what of the matrix follows each other in memory, where the other factor is a vector:
            ``b`` one of columns, or ``a`` one of rows.
        thin: the columns of a product of which a vector would hold many more, else 0.
        any: whether it may turn out in a call how many columns there are, also very few.
        around: how many loops there are around the depth; sums stay in registers over all of them,
            and nothing is packed.
        heights: rows of tiles, the highest first; none where they follow from the machine alone.
        stride: how far apart rows of ``a`` are, if code may know; 0 if it is told.
        whole: whether columns are a multiple of those of a tile: a vector under a mask takes longer
            to load on some machines, even if all of it is there.
        follow: whether rows of ``a`` follow each other in memory: those of the next tile are asked
            for while one is computed.
    """

    dtype: DType
    order: Order
    narrow: bool = False
    packs_a: bool = False
    packs_b: Order | None = None
    vector: Order | None = None
    thin: int = 0
    any: bool = False
    around: int = 0
    heights: tuple[int, ...] = ()
    stride: int = 0
    whole: bool = False
    follow: bool = False

    @property
    def name(self) -> str:
        """The function's."""
        if self.vector is not None:
            return f"block_{self.dtype.value}_vector_{self.vector}"
        parts = [f"block_{self.dtype.value}_{self.order}"]
        parts += ["packed"] if self.packs_a else []
        parts += [f"by_{self.packs_b}"] if self.packs_b else []
        parts += [f"thin_{self.thin}"] if self.thin else []
        parts += ["any"] if self.any else []
        parts += [f"around_{self.around}"] if self.around else []
        parts += ["x".join(["of", *map(str, self.heights)])] if self.heights else []
        parts += [f"by_{self.stride}"] if self.stride else []
        parts += ["whole"] if self.whole else []
        parts += ["follow"] if self.follow else []
        return "_".join([*parts, *(["narrow"] if self.narrow else [])])

    @property
    def declaration(self) -> str:
        """What a module that calls it says of it."""
        turns = ", ptr" if self.around else ""
        return f"declare void @{self.name}(ptr, i64, ptr, i64, ptr, i64, i64, i64, i64, i1{turns})"


def block_of(product: Contract, machine: Machine) -> Block:
    """Return which function a product calls."""
    dtype = product.target.buffer.element
    lanes = machine.lanes(dtype)
    if product.around:
        return _block_around(product, machine)
    if product.columns == 1 and product.a.column == 1 and product.b.row == 1:
        return Block(dtype, "columns", vector="columns")
    if product.rows == 1 and product.a.column == 1 and product.b.column == 1:
        return Block(dtype, "columns", vector="rows")
    thin = _thin_columns(product, machine)
    if thin and product.a.column != 1:
        return Block(dtype, "rows", thin=thin)
    if thin:
        turns: Order | None = "columns" if product.b.column == 1 else None
        return Block(dtype, "columns", packs_b=turns, thin=thin)
    few = isinstance(product.columns, int) and product.columns <= lanes
    any_ = machine.masks and not _is_known(product.columns)
    packs: Order | None = None
    if product.b.column != 1:
        packs = "rows"
    elif _clashes(product.b.row, dtype, _CLASH_B) and not _is_less(product.depth, lanes):
        packs = "columns"
    whole = _is_whole(product, machine)
    if product.a.column != 1:
        return Block(dtype, "rows", few, packs_b=packs, any=any_, whole=whole)
    clashes = _clashes(product.a.row, dtype, _CLASH_A) and not _is_less(product.depth, lanes)
    return Block(dtype, "columns", few, clashes, packs, any=any_, whole=whole)


def _block_around(product: Contract, machine: Machine) -> Block:
    """Return which function a product with loops around it calls."""
    dtype = product.target.buffer.element
    lanes = machine.lanes(dtype)
    few = isinstance(product.columns, int) and product.columns <= lanes
    any_ = machine.masks and not _is_known(product.columns)
    heights: tuple[int, ...] = ()
    if isinstance(product.rows, int) and product.rows > 0:
        most, _ = machine.tile(dtype)
        high = -(-product.rows // -(-product.rows // most))
        rest = product.rows % high
        heights = (high, rest) if rest else (high,)
    order: Order = "columns" if product.a.column == 1 else "rows"
    apart = product.a.row if order == "columns" and isinstance(product.a.row, int) else 0
    return Block(
        dtype,
        order,
        few,
        any=any_,
        around=len(product.around),
        heights=heights,
        stride=apart,
        whole=_is_whole(product, machine),
        follow=apart > 0 and apart == product.depth,
    )


def _is_whole(product: Contract, machine: Machine) -> bool:
    """Whether columns are a multiple of those of a tile."""
    columns, dtype = product.columns, product.target.buffer.element
    wide = machine.tile(dtype)[1]
    return isinstance(columns, int) and columns > 0 and columns % wide == 0


def _thin_columns(product: Contract, machine: Machine) -> int:
    """Return the number of columns if the long side is better in lanes, else 0."""
    columns, dtype = product.columns, product.target.buffer.element
    if not isinstance(columns, int) or not machine.is_thin(dtype, columns):
        return 0
    if product.a.column != 1:
        return columns if product.b.column == 1 else 0
    # The depth has to be worth adding up lanes.
    lanes = machine.lanes(dtype)
    return columns if isinstance(product.depth, int) and product.depth >= _LONG * lanes else 0


def _is_known(size: Size) -> bool:
    """Whether a size depends on nothing but constants and indices of loops over known sizes."""
    return isinstance(size, int) or not any(isinstance(a, Symbol | Value) for a in size.atoms)


def _clashes(row: Size, dtype: DType, distance: int) -> bool:
    return isinstance(row, int) and row * dtype.bytes % distance == 0


def _is_less(size: Size, most: int) -> bool:
    return isinstance(size, int) and size < most


@cache
def emit_block(block: Block, machine: Machine) -> tuple[tuple[str, ...], str]:
    """Return what a function of blocks needs, and its text.

    It takes ``(ptr c, i64 row, ptr a, i64 stride, ptr b, i64 stride, i64 rows, i64 columns,
    i64 depth, i1 adds)``; distances count elements, that of what does not follow each other.
    With loops around, a pointer to their turns and distances, the outermost first, comes last.
    """
    if block.vector is not None:
        emit = emit_dots if block.vector == "columns" else emit_streams
        return emit(block.name, block.dtype, machine)
    if block.thin and block.order == "rows":
        return emit_thin_turned(block.name, block.dtype, block.thin, machine)
    if block.thin:
        packs = block.packs_b is not None
        return emit_thin(block.name, block.dtype, block.thin, machine, packs=packs)
    masked = machine.masks and not block.whole
    most, wide = machine.tile(block.dtype)
    lanes = machine.lanes(block.dtype)
    heights = block.heights or sorted({most, max(2, most // 3), 1}, reverse=True)
    widths = [lanes if block.narrow else wide, *([lanes] if block.any else [])]
    if not masked and not block.whole:
        widths = sorted({*widths, lanes, 1}, reverse=True)
    needs: dict[str, None] = {}
    tiles: dict[int, list[_Tile]] = {}
    for width in widths:
        # What is packed lies in the cache.
        form = block.dtype, width, block.order, block.packs_b is None
        tiles[width] = [
            _Tile(
                h,
                *form,
                masked=masked,
                around=block.around,
                apart=block.stride,
                follow=block.follow,
            )
            for h in heights
        ]
        for tile in tiles[width]:
            needs.update(tile.emit())
    if block.packs_b is not None:
        needs.update(emit_pack(block.dtype, block.packs_b, widths[0], machine))
    loops = _Loops(block, tiles, lanes, masked)
    text = loops.emit()
    return tuple({**needs, **loops.w.declared}), text


class _Loops:
    """Writes the function that covers a product with tiles."""

    def __init__(
        self, block: Block, tiles: dict[int, list[_Tile]], lanes: int, masked: bool
    ) -> None:
        self.w, self.block, self.tiles, self.masked = Writer(), block, tiles, masked
        self.kind = value_type(block.dtype)
        self.wide = next(iter(tiles))
        self.turns = ", ptr readonly %turns" if block.around else ""
        # What is copied is of a lesser depth, so that all of it stays in the cache; its rows lie
        # so far apart.
        self.deep = DEPTH // 2 if block.packs_a else DEPTH
        self.apart = self.deep + lanes

    def emit(self) -> str:
        """Return its text."""
        w, block = self.w, self.block
        most = _COPIED * self.tiles[self.wide][0].rows
        self.held_a = self.room("held_a", most * self.apart) if block.packs_a else ""
        self.held_b = self.room("held_b", self.deep * self.wide) if block.packs_b else ""
        if block.around:
            self.depth, self.adds = "%k", "%adds"
            self.panels("%a", "%as", "%b", "%c", "%m")
        else:
            self.pieces(most)
        given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
        given += ", i64 %m, i64 %n, i64 %k, i1 %adds" + self.turns
        head = f"define void @{block.name}({given}) #0 {{"
        return "\n".join([head, "entry:", *w.lines, "  ret void", "}"])

    def pieces(self, most: int) -> None:
        """Write the loop over pieces of the depth; at most so many rows are copied at a time."""
        w, block = self.w, self.block
        # A product of no depth is 0 all the same.
        end = w.intrinsic("i64", "llvm.smax.i64", "i64 %k", "i64 1")
        with steps(w, "0", self.deep, end, 1) as done:
            left = w.let(f"sub i64 %k, {done}")
            self.depth = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {self.deep}")
            self.adds = w.let(f"or i1 %adds, {w.let(f'icmp ne i64 {done}, 0')}")
            a = self.along("%a", done, block.order == "columns", "%as")
            b = self.along("%b", done, block.packs_b == "rows", "%bs")
            if block.order == "rows":
                self.ask_for(a)
            if block.packs_a:
                with steps(w, "0", most, "%m", 1) as i:
                    left = w.let(f"sub i64 %m, {i}")
                    rows = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {most}")
                    self.copy(self.along(a, i, False, "%as"), rows)
                    c = self.along("%c", i, False, "%cs")
                    self.panels(self.held_a, str(self.apart), b, c, rows)
            else:
                self.panels(a, "%as", b, "%c", "%m")

    def ask_for(self, a: str) -> None:
        """Ask for a piece of ``a`` in the order of memory, if a near cache has room for it.

        Tiles read a few columns of all of it, at distances that no machine fetches ahead.
        """
        w, line = self.w, _LINE // self.block.dtype.bytes
        w.declare("void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        ask, done = w.label("ask"), w.label("asked")
        w.branch(w.let(f"icmp sle i64 %m, {_ASKED // DEPTH // self.block.dtype.bytes}"), ask, done)
        w.start(ask)
        with steps(w, "0", 1, self.depth, 1) as row:
            start = self.along(a, row, False, "%as")
            with steps(w, "0", line, "%m", 1) as i:
                w.line(
                    f"call void @llvm.prefetch.p0(ptr {self.place(start, i)}, i32 0, i32 2, i32 1)"
                )
        w.jump(done)
        w.start(done)

    def copy(self, a: str, rows: str) -> None:
        """Copy rows of ``a``."""
        w = self.w
        w.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        count = w.let(f"mul i64 {self.depth}, {self.block.dtype.bytes}")
        with steps(w, "0", 1, rows, 1) as row:
            to = self.along(self.held_a, row, False, str(self.apart))
            source = self.along(a, row, False, "%as")
            w.line(
                f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {count}, i1 false)"
            )

    def panels(self, a: str, stride: str, b: str, c: str, rows: str) -> None:
        """Write the loop over as many columns as a tile is wide."""
        w, packs = self.w, self.block.packs_b
        with steps(w, "0", self.wide, "%n", 1) as j:
            left = w.let(f"sub i64 %n, {j}")
            here, distance = self.along(b, j, packs != "rows", "%bs"), "%bs"
            if packs is not None:
                given = f"ptr {self.held_b}, ptr {here}, i64 %bs, i64 {left}, i64 {self.depth}"
                w.line(f"call void @{pack_name(self.block.dtype, packs, self.wide)}({given})")
                here, distance = self.held_b, str(self.wide)
            end = w.intrinsic("i64", "llvm.smin.i64", f"i64 {left}", f"i64 {self.wide}")
            self.panel((a, stride, rows), (here, distance, end), self.place(c, j))

    def panel(self, a: tuple[str, str, str], b: tuple[str, str, str], c: str) -> None:
        """Write the tiles of a few columns."""
        w, start = self.w, "0"
        (a_place, stride, rows), (b_place, distance, columns) = a, b
        narrower = [*list(self.tiles)[1:], 0]
        for (width, high), rest in zip(self.tiles.items(), narrower, strict=True):
            # Of what is left, a part of a tile is computed if no narrower one will do.
            room = rest + 1 if self.masked else width
            with steps(w, start, width, columns, room) as j:
                left, row = w.let(f"sub i64 {columns}, {j}"), "0"
                for tile in high:
                    with steps(w, row, tile.rows, rows, tile.rows) as i:
                        x = self.along(a_place, i, self.block.order == "rows", stride)
                        to = self.place(self.along(c, i, False, "%cs"), j)
                        y = self.place(b_place, j)
                        given = f"ptr {to}, i64 %cs, ptr {x}, i64 {stride}, ptr {y}, i64 {distance}"
                        sizes = f"i64 {left}, i64 {self.depth}, i1 {self.adds}"
                        turns = self.turns.replace(" readonly", "")
                        w.line(f"call void @{tile.name}({given}, {sizes}{turns})")
                    row = i
            start = j

    def room(self, name: str, count: int) -> str:
        """Return memory of the function."""
        self.w.line(f"%{name} = alloca [{count} x {self.kind}], align 64")
        return f"%{name}"

    def place(self, base: str, offset: str) -> str:
        """Return the address of an element."""
        return self.w.let(f"getelementptr inbounds {self.kind}, ptr {base}, i64 {offset}")

    def along(self, base: str, count: str, follows: bool, distance: str) -> str:
        """Return the address of a row or column: they follow each other, or are at a distance."""
        return self.place(base, count if follows else self.w.let(f"mul i64 {count}, {distance}"))


class _Tile:
    """Writes a function of one tile: ``(c, row, a, stride, b, row, columns, depth, adds)``."""

    def __init__(
        self,
        rows: int,
        dtype: DType,
        columns: int,
        order: Order,
        ahead: bool,
        *,
        masked: bool,
        around: int = 0,
        apart: int = 0,
        follow: bool = False,
    ) -> None:
        self.follow = follow
        self.w, self.ahead, self.around, self.apart = Writer(), ahead, around, apart
        self.rows, self.columns, self.order, self.masked = rows, columns, order, masked
        self.kind, self.bytes = value_type(dtype), dtype.bytes
        self.vector = f"<{columns} x {self.kind}>"
        self.suffix = f"v{columns}f{dtype.bits}"
        self.name = f"tile_{dtype.value}_{rows}x{columns}_{order}{'_ahead' if ahead else ''}"
        self.name += f"_around_{around}" if around else ""
        self.name += f"_by_{apart}" if apart else ""
        self.name += "_follow" if follow else ""
        self.name += "" if masked else "_whole"

    def emit(self) -> dict[str, None]:
        """Return its text, and what that needs."""
        w = self.w
        self.mask = self.columns_there() if self.masked else ""
        c = self.spread("%c", self.in_bytes("%cs"), self.rows)
        self.stride, self.below = self.in_bytes("%as"), self.in_bytes("%bs")
        self.reach = self.distances()
        self.far = (
            w.let(f"mul i64 {self.below}, {_FAR if self.around else _AHEAD}") if self.ahead else ""
        )
        turns = [self.turn(k) for k in range(self.around)]
        for row in c:
            self.fetch(row, write=True)
        sums = self.first_sums(c)
        self.store_sums(self.along(turns, "%a", "%b", sums), c)
        given = "ptr noalias %c, i64 %cs, ptr readonly %a, i64 %as, ptr readonly %b, i64 %bs"
        given += ", i64 %n, i64 %k, i1 %adds" + (", ptr readonly %turns" if self.around else "")
        head = f"define internal void @{self.name}({given}) #0 {{"
        return {**w.declared, "\n".join([head, "entry:", *w.lines, "  ret void", "}"]): None}

    def turn(self, number: int) -> tuple[str, str, str]:
        """Return how often a loop around turns, and how many bytes each factor moves."""
        w, numbers = self.w, list[str]()
        for k in range(3 * number, 3 * number + 3):
            place = w.let(f"getelementptr inbounds i64, ptr %turns, i64 {k}")
            numbers.append(w.let(f"load i64, ptr {place}, align 8"))
        return numbers[0], self.in_bytes(numbers[1]), self.in_bytes(numbers[2])

    def along(
        self, turns: list[tuple[str, str, str]], a: str, b: str, sums: list[str]
    ) -> list[str]:
        """Write the loops around and the one along the depth; return the sums after them."""
        if not turns:
            return self.along_depth(a, b, sums)
        w, ((extent, step, other), *inner) = self.w, turns
        before, head, body, after = w.block, w.label("turn"), w.label("body"), w.label("after")
        w.jump(head)
        w.start(head)
        position, count, x, y = len(w.lines), w.fresh(), w.fresh(), w.fresh()
        running = [w.fresh() for _ in sums]
        w.branch(w.let(f"icmp slt i64 {count}, {extent}"), body, after)
        w.start(body)
        totals = self.along(inner, x, y, running)
        following = [
            w.let(f"add nuw nsw i64 {count}, 1"), self.move(x, step), self.move(y, other), *totals
        ]  # fmt: skip
        kinds = ["i64", "ptr", "ptr"] + [self.vector] * len(sums)
        begin = ["0", a, b, *sums]
        w.lines[position:position] = [
            f"  {name} = phi {kind} [ {start}, %{before} ], [ {new}, %{w.block} ]"
            for name, kind, start, new in zip(
                [count, x, y, *running], kinds, begin, following, strict=True
            )
        ]
        w.jump(head)
        w.start(after)
        return running

    def along_depth(self, a: str, b: str, sums: list[str]) -> list[str]:
        """Write the loop along the depth; return the sums after it."""
        w, places = self.w, self.places(a)
        below = self.move(a, str(self.rows * self.apart * self.bytes)) if self.follow else ""
        before, inside, after = w.block, w.label("body"), w.label("after")
        w.branch(w.let("icmp sgt i64 %k, 0"), inside, after)
        w.start(inside)
        begin = [*sums, *places, b, "0"]
        kinds = [self.vector] * self.rows + ["ptr"] * (len(places) + 1) + ["i64"]
        names = [w.fresh() for _ in begin]
        position = len(w.lines)
        running, pointers, y, count = names[: self.rows], names[self.rows : -2], *names[-2:]
        if self.ahead:
            self.fetch(w.let(f"getelementptr i8, ptr {y}, i64 {self.far}"), write=False)
        if self.follow:
            # A line in each step: as much as the next rows are, or a little more.
            here = w.let(f"shl i64 {count}, {_LINE.bit_length() - 1}")
            place = w.let(f"getelementptr i8, ptr {below}, i64 {here}")
            w.line(f"call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 2, i32 1)")
        row = self.load(y, self.mask)
        totals = [
            self.multiply_add(self.number(pointers, i), row, running[i]) for i in range(self.rows)
        ]
        step = str(self.bytes) if self.order == "columns" else self.stride
        following = [*totals, *(self.move(p, step) for p in pointers), self.move(y, self.below)]
        following.append(w.let(f"add nuw nsw i64 {count}, 1"))
        w.branch(w.let(f"icmp slt i64 {following[-1]}, %k"), inside, after)
        w.lines[position:position] = [
            f"  {name} = phi {kind} [ {x}, %{before} ], [ {y}, %{inside} ]"
            for name, kind, x, y in zip(names, kinds, begin, following, strict=True)
        ]
        w.start(after)
        return [
            w.let(f"phi {self.vector} [ {x}, %{before} ], [ {y}, %{inside} ]")
            for x, y in zip(sums, totals, strict=True)
        ]

    def in_bytes(self, distance: str) -> str:
        """Return a distance in bytes."""
        return self.w.let(f"mul i64 {distance}, {self.bytes}")

    def move(self, pointer: str, bytes_: str) -> str:
        """Return a pointer that is moved."""
        return self.w.let(f"getelementptr inbounds i8, ptr {pointer}, i64 {bytes_}")

    def fetch(self, place: str, *, write: bool) -> None:
        """Ask for a row of a tile, from a cache or from memory.

        Rows are at distances that machines do not see through by themselves, and a sum that is
        stored to what is not there yet waits.
        """
        self.w.declare("void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        for offset in range(0, self.columns * self.bytes, _LINE):
            # There need not be anything.
            at = self.w.let(f"getelementptr i8, ptr {place}, i64 {offset}") if offset else place
            self.w.line(f"call void @llvm.prefetch.p0(ptr {at}, i32 {int(write)}, i32 3, i32 1)")

    def spread(self, pointer: str, distance: str, count: int) -> list[str]:
        """Return pointers that lie at equal distances."""
        found = [pointer]
        while len(found) < count:
            found.append(self.move(found[-1], distance))
        return found

    def distances(self) -> list[str]:
        """Return the distances from a pointer into ``a`` to the rows that are reached from it.

        Numbers of rows that follow each other are at known distances from one pointer.
        """
        if self.order == "rows":
            return [str(i * self.bytes) for i in range(self.rows)]
        if self.apart:
            return [str(i * self.apart * self.bytes) for i in range(self.rows)]
        self.few = self.w.let(f"mul i64 {self.stride}, {_REACHED}")
        return ["0", self.stride, self.w.let(f"shl i64 {self.stride}, 1")]

    def places(self, a: str) -> list[str]:
        """Return pointers from which all rows of ``a`` are reached."""
        if self.order == "rows" or self.apart:
            return [a]
        return self.spread(a, self.few, -(-self.rows // _REACHED))

    def number(self, pointers: list[str], row: int) -> str:
        """Return the present number of a row of ``a``, in all lanes of a vector."""
        w = self.w
        group, rest = divmod(row, len(self.reach))
        place = self.move(pointers[group], self.reach[rest])
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
        return self.w.intrinsic(result, f"llvm.{name}.{self.suffix}{end}", *arguments)

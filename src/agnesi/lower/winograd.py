"""Convolutions by fewer multiplications: tiles of places, transformed (Toom, Cook, Winograd).

before: y[p, q, k] = sum over r, s, c of x[p + r, q + s, c] * w[r, s, c, k]
after:  for each tile of places, and of the image under it:  v = B x B',  once for all k
        for each of 6 * 6 numbers of a tile:                 m = v @ u,  u = G w G' made before
                                                             y = A m A'

Six points make 4 places out of 3 taps, 2 out of 5, or in the gradient by a kernel 3 taps out of 4
places and 5 out of 2, in each direction: 36 multiplications instead of 144, or of 100 (A. Lavin,
S. Gray, *Fast algorithms for convolutional neural networks*, CVPR 2016).  ``B`` is the same for
all of these.  With the points 0, 3/4, -3/4, 3/2, -3/2 and infinity its numbers are exact in binary,
and errors are about twice those of sums in order (``docs/speed.md``); 0, 1, -1, 2, -2 doubles them
again.  A number that is no number, or infinite, spreads over the tile that it is in.

Tiles are taken some at a time, so that what is between the transforms stays in a near cache.
"""

from __future__ import annotations

import operator
from fractions import Fraction
from functools import cache, reduce
from typing import TYPE_CHECKING, TypeAlias

from agnesi.core.dtypes import F32
from agnesi.core.record import record, replace
from agnesi.dims.dim import Index, Size, add, fresh_index, mul, product, sub
from agnesi.dims.simplify import at_least, ceildiv, floordiv, maximum, minimum
from agnesi.loops.nodes import (
    Around,
    Buffer,
    Contract,
    For,
    Load,
    Matrix,
    ParallelFor,
    Scalar,
    Statement,
    Store,
    apply,
    fresh_buffer,
    index_scalar,
    literal,
    select,
)
from agnesi.loops.prims import Prim
from agnesi.lower.elements import Writer, finish, nest
from agnesi.lower.image import Convolution, spans
from agnesi.lower.products import same_memory
from agnesi.ops.conv import Conv, ConvWeights
from agnesi.ops.movement import unravel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Tensor

# Numbers of a tile of the image in each direction, and the finite points.
POINTS = 6
_FINITE = (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(3, 2), Fraction(-3, 2))
# Bytes of what is between the transforms of some tiles, and of the part of a kernel beside them.
_BETWEEN, _PART = 5 << 17, 5 << 17
# Channels for which a tile of the image is transformed for each part of a kernel, and columns of
# a part where they are more.
_FEW, _COLUMNS = 64, 128
# Tiles that are transformed at a time where all are kept, and tasks.
_TILES, _TASKS = 16, 16
# Chunks of tiles, at most, whose sums are added up.
_CHUNKS = 8
# What reading a part of a kernel for the next tiles takes, near or from farther away, in rows.
_AGAIN = (1, 3)
# Kernels that are done by tiles, and channels and columns that they have at least.
_TAPS, _LEAST = ((3, 3), (5, 5)), 16
# How much slower products between transforms are than those of images, and multiplications that
# take as long as transforming a kernel, for each of its channels and columns.
_SLOWER, _FIXED = 1.7, 2000
# Images that there are if that is not known; bytes of all transformed images and cotangents, and of
# those of one image where that is not known.
_IMAGES, _MOST, _MOST_EACH = 8, 1 << 28, 1 << 22
# Bytes that may lie on the stack.
_PRIVATE = 3 << 18

Rows: TypeAlias = "tuple[tuple[Fraction, ...], ...]"


def _apart(numbers: int) -> int:
    """Return how far matrices of so many numbers lie apart, so that a cache has room for all."""
    return -(-numbers // 16) * 16 + 16


def powers(count: int) -> Rows:
    """Return the powers of each point below ``count``; of infinity the highest one alone is 1."""
    last = (Fraction(0),) * (count - 1) + (Fraction(1),)
    return (*(tuple(p**k for k in range(count)) for p in _FINITE), last)


@cache
def of_image() -> tuple[Rows, tuple[Fraction, ...]]:
    """Return ``B'``, the inverse of all powers turned, and by what its rows are multiplied.

    Rows are made of numbers with few bits; the kernel's transform is divided by the same.
    """
    rows: list[tuple[Fraction, ...]] = []
    scales: list[Fraction] = []
    for k, point in enumerate(_FINITE):
        others = [p for j, p in enumerate(_FINITE) if j != k]
        rows.append((*_expanded(others), Fraction(0)))
        scale = Fraction(1)
        for other in others:
            scale *= point - other
        scales.append(scale)
    rows.append(tuple(_expanded(_FINITE)))
    scales.append(Fraction(1))
    return tuple(rows), tuple(scales)


def _expanded(roots: Sequence[Fraction]) -> list[Fraction]:
    """Return the coefficients of the product of ``x - root``, the lowest first."""
    found = [Fraction(1)]
    for root in roots:
        lower, upper = [*(-root * c for c in found), Fraction(0)], [Fraction(0), *found]
        found = [a + b for a, b in zip(lower, upper, strict=True)]
    return found


def of_kernel(taps: int) -> Rows:
    """Return ``G``."""
    scales = of_image()[1]
    return tuple(
        tuple(x / scale for x in row) for row, scale in zip(powers(taps), scales, strict=True)
    )


def of_places(places: int) -> Rows:
    """Return ``A'``."""
    return tuple(zip(*powers(places), strict=True))


def transformed(rows: Rows, values: Sequence[Scalar]) -> list[Scalar]:
    """Return the sums of values that rows say.

    Two rows, or two columns, that differ in signs alone share what they have in common.
    """
    if len(rows) == POINTS:
        return _by_rows(rows, values)
    return _by_columns(rows, values)


def _by_rows(rows: Rows, values: Sequence[Scalar]) -> list[Scalar]:
    found: list[Scalar | None] = [None] * len(rows)
    for k, row in enumerate(rows):
        if found[k] is not None:
            continue
        other = next((j for j in range(k + 1, len(rows)) if _mirrored(row, rows[j])), None)
        if other is None:
            found[k] = _sum(row, values)
            continue
        # Of one sign in both, and of two.
        same = _sum(
            [a if a == b else Fraction(0) for a, b in zip(row, rows[other], strict=True)], values
        )
        turned = _sum(
            [a if a != b else Fraction(0) for a, b in zip(row, rows[other], strict=True)], values
        )
        found[k], found[other] = same + turned, same - turned
    return [x for x in found if x is not None]


def _by_columns(rows: Rows, values: Sequence[Scalar]) -> list[Scalar]:
    pairs = [(1, 2), (3, 4)]
    plus = {a: values[a] + values[b] for a, b in pairs}
    minus = {a: values[a] - values[b] for a, b in pairs}
    found: list[Scalar] = []
    for row in rows:
        terms: list[Scalar] = []
        factors: list[Fraction] = []
        for k in (0, 1, 3, 5):
            if row[k] == 0:
                continue
            if k in plus:
                terms.append((plus if row[k] == row[k + 1] else minus)[k])
            else:
                terms.append(values[k])
            factors.append(row[k])
        found.append(_sum(factors, terms))
    return found


def _mirrored(row: Sequence[Fraction], other: Sequence[Fraction]) -> bool:
    pairs = list(zip(row, other, strict=True))
    return all(abs(a) == abs(b) for a, b in pairs) and any(a != b for a, b in pairs)


def _sum(factors: Sequence[Fraction], values: Sequence[Scalar]) -> Scalar:
    """Return a sum of products, those by one first."""
    terms = [(f, v) for f, v in zip(factors, values, strict=True) if f]
    terms.sort(key=lambda term: abs(term[0]) != 1)
    total: Scalar | None = None
    for factor, value in terms:
        if total is None:
            total = value if factor == 1 else -value if factor == -1 else value * float(factor)
        elif abs(factor) == 1:
            total = total + value if factor == 1 else total - value
        else:
            total = apply(Prim.FMA, value, value.like(float(factor)), total)
    assert total is not None
    return total


def in_both(rows: Rows, values: Sequence[Sequence[Scalar]]) -> list[list[Scalar]]:
    """Return ``R v R'`` of a square of values."""
    half = [transformed(rows, column) for column in zip(*values, strict=True)]
    return [transformed(rows, row) for row in zip(*half, strict=True)]


def by_tiles(node: Tensor) -> bool:
    """Whether a convolution is done by tiles, which is where that takes less time.

    That depends on sizes alone; of an unknown number of images there are taken to be eight.
    """
    if not isinstance(node, Conv | ConvWeights) or node.dtype is not F32 or node.groups != 1:
        return False
    if node.taps not in _TAPS or {*node.strides, *node.dilations} != {1}:
        return False
    kernel = node.w.type.shape if isinstance(node, Conv) else node.type.shape
    out = node.type.shape[1:-1] if isinstance(node, Conv) else node.ct.type.shape[1:-1]
    sizes = [size for size in (*kernel, *out) if isinstance(size, int)]
    if len(sizes) < len(kernel) + len(out) or min(sizes[2:4]) < _LEAST:
        return False
    taps, _, channels, columns, *spaces = sizes
    side = POINTS + 1 - taps
    tiles, places = 1, 1
    for size in spaces:
        tiles, places = tiles * -(-size // side), places * size
    examples = node.x.type.shape[0]
    count = examples if isinstance(examples, int) else _IMAGES
    if isinstance(node, ConvWeights):
        room = POINTS * POINTS * tiles * (channels + columns) * node.dtype.bytes
        if room * count > _MOST if isinstance(examples, int) else room > _MOST_EACH:
            return False
    # Multiplications for each channel and column, with what moving numbers takes.
    return _SLOWER * POINTS * POINTS * tiles * count + _FIXED < places * count * taps * taps


@record(frozen=True)
class _Part:
    """What is done at a time.

    Attributes:
        tiles: so many.
        columns: of the kernel, which are whole panels but for the last.
        once: whether each tile of the image is transformed once, while parts of the kernel come
            from farther away; else once for each part, which stays near.
    """

    tiles: int
    columns: int
    once: bool


def _turns(count: int, tiles: int, high: int, more: int) -> int:
    """Return what one of two threads does for so many tiles at a time, in rows of products.

    Args:
        count: of all tiles.
        tiles: at a time.
        high: rows that are computed at once.
        more: rows that reading the kernel again takes as long as.
    """
    blocks = -(-count // tiles)
    each = -(-blocks // 2) * (tiles + -(-tiles // high) + more)
    # Rows of blocks that are alike are cut evenly; of others the rest is cut into small pieces.
    rows = -(-tiles // -(-tiles // high)) if count % tiles == 0 else high * (tiles % high == 0)
    return each * high // max(rows, 1)


@record(frozen=True)
class _Points:
    """Matrices in a row, one for each point.

    Attributes:
        buffer: they are in.
        offset: of the first.
        apart: how far apart they are.
        columns: of each.
    """

    buffer: Buffer
    offset: Size
    apart: Size
    columns: int

    def at(self, point: Size, row: Size, column: Size) -> Size:
        """Return where an element is."""
        return add(self.offset, mul(point, self.apart), mul(row, self.columns), column)

    def matrix(self, point: Size, column: Size = 0, *, turned: bool = False) -> Matrix:
        """Return the matrix of a point, from a column on."""
        places = (1, self.columns) if turned else (self.columns, 1)
        return Matrix(self.buffer, self.at(point, 0, column), *places)

    def below(self, row: Size) -> _Points:
        """Return the matrices from a row on."""
        return replace(self, offset=add(self.offset, mul(row, self.columns)))

    def stores(self, row: Size, column: Size, square: Sequence[Sequence[Scalar]]) -> list[Store]:
        """Return the stores of an element of each."""
        values = [value for values in square for value in values]
        return [Store(self.buffer, self.at(k, row, column), v) for k, v in enumerate(values)]

    def square(self, row: Size, column: Size) -> list[list[Scalar]]:
        """Return an element of each."""
        numbers = range(POINTS)
        places = [[self.at(POINTS * i + j, row, column) for j in numbers] for i in numbers]
        return [[Load(self.buffer, place) for place in places_] for places_ in places]


class _Tiles(Convolution):
    """What both kinds share.

    Attributes:
        side: places of a tile in each direction.
    """

    def count_tiles(self) -> None:
        """Note how many tiles there are."""
        self.side = POINTS + 1 - self.axes[0].taps
        self.down, self.across = (ceildiv(axis.out, self.side) for axis in self.axes)
        self.count = product((self.examples, self.down, self.across))

    def where(self, tile: Size) -> tuple[Size, list[Size]]:
        """Return the example of a tile, and where its places begin."""
        example, *tiles = unravel(tile, (self.examples, self.down, self.across))
        return example, [mul(t, self.side) for t in tiles]

    def left(self, begins: Sequence[Size]) -> list[Size]:
        """Return how many places of a tile there are in each direction."""
        return [
            self.side
            if isinstance(axis.out, int) and axis.out % self.side == 0
            else minimum(self.side, sub(axis.out, begin))
            for axis, begin in zip(self.axes, begins, strict=True)
        ]

    def image_transformed(self, first: Size, count: Size, to: _Points) -> Statement:
        """Return the loop over tiles that transforms what is under them."""
        t, c = fresh_index("t", count), fresh_index("c", self.channels)
        example, begins = self.where(add(first, t))
        offsets: list[list[Size]] = []
        for begin, tiles, axis in zip(begins, (self.down, self.across), self.axes, strict=True):
            at = [add(begin, k) for k in range(POINTS)]
            if not at_least(axis.size, add(mul(tiles, self.side), POINTS - self.side)):
                # Beyond the image anything will do: no place is made of it.
                at = [minimum(k, sub(axis.size, 1)) for k in at]
            offsets.append([mul(k, axis.stride) for k in at])
        base = add(mul(example, self.each), c)
        values = [[Load(self.image, add(base, i, j)) for j in offsets[1]] for i in offsets[0]]
        return For(t, (For(c, tuple(to.stores(t, c, in_both(of_image()[0], values)))),))


class ByTiles(_Tiles):
    """Writes the kernel of ``Conv`` by tiles of places."""

    def body(self) -> tuple[Statement, ...]:
        """Return the transform of the kernel, and the loop over tiles."""
        self.count_tiles()
        self.panels = -(-self.results // self.wide)
        # Numbers of one panel: of one point, and of all.
        self.each_point = _apart(self.channels * self.wide)
        self.panel = POINTS * POINTS * self.each_point
        self.kernel = fresh_buffer("kernel", self.node.dtype)
        self.scratch[self.kernel] = self.panels * self.panel
        part = self.part()
        self.blocks = ceildiv(self.count, part.tiles)
        each = max(1, -(-self.blocks // _TASKS)) if isinstance(self.blocks, int) else 2
        task = fresh_index("task", ceildiv(self.blocks, each))
        self.tiles, self.products = self.room(task, part)
        first = mul(task, each)
        block = fresh_index("block", minimum(each, sub(self.blocks, first)))
        tile = mul(add(first, block), part.tiles)
        even = isinstance(self.count, int) and self.count % part.tiles == 0
        here = part.tiles if even else minimum(part.tiles, sub(self.count, tile))
        image = self.image_transformed(tile, here, self.tiles)

        def columns(start: Size, wide: Size) -> list[Statement]:
            known = self.known(wide)
            products = self.multiplied(here, start, known)
            places = self.places_transformed(tile, here, start, known)
            return [products, places] if part.once else [For(block, (image, products, places))]

        inner = spans(self.results, part.columns, columns)
        body = (For(block, (image, *inner)),) if part.once else tuple(inner)
        return (self.transformed_kernel(), ParallelFor(task, body))

    def part(self) -> _Part:
        """Return what is done at a time: as much as stays near."""
        each = POINTS * POINTS * self.node.dtype.bytes
        once = self.channels > _FEW
        if once:
            columns = _COLUMNS // self.wide * self.wide
        else:
            columns = max(1, _PART // (each * self.channels * self.wide)) * self.wide
        parts = -(-self.panels * self.wide // columns)
        columns = -(-self.panels // parts) * self.wide
        most = (2 if once else 1) * _BETWEEN
        tiles = max(1, most // (each * (self.channels + columns) * self.high)) * self.high
        if isinstance(self.count, int):
            count, more = self.count, _AGAIN[once]
            most = min(tiles + tiles // 4, count)
            tiles = min(range(most, 0, -1), key=lambda t: _turns(count, t, self.high, more))
        return _Part(tiles, columns, once)

    def room(self, task: Index, part: _Part) -> list[_Points]:
        """Return memory for what is between the transforms: of a task, or on the stack."""
        found: list[_Points] = []
        names = (("image", self.channels), ("products", part.columns))
        apart = [_apart(part.tiles * columns) for _, columns in names]
        near = POINTS * POINTS * sum(apart) * self.node.dtype.bytes <= _PRIVATE
        for (name, columns), distance in zip(names, apart, strict=True):
            buffer, numbers = fresh_buffer(name, self.node.dtype), POINTS * POINTS * distance
            if near:
                self.private[buffer] = numbers
            else:
                self.scratch[buffer] = mul(task.extent, numbers)
            start = 0 if near else mul(task, numbers)
            found.append(_Points(buffer, start, distance, columns))
        return found

    def panel_from(self, start: Size) -> _Points:
        """Return the panel of the kernel that begins with a column."""
        place = mul(floordiv(start, self.wide), self.panel)
        return _Points(self.kernel, place, self.each_point, self.wide)

    def transformed_kernel(self) -> Statement:
        """Return the loop that transforms the kernel, into panels."""
        node = self.node
        assert isinstance(node, Conv)
        writer, count = Writer(self.buffers), self.axes[0].taps
        c = fresh_index("c", self.channels)

        def columns(start: Size, wide: Size) -> list[Statement]:
            j, taps = fresh_index("j", wide), range(count)
            at = add(start, j)
            values = [[writer.element(node.w, (r, s, c, at)) for s in taps] for r in taps]
            made = in_both(of_kernel(count), values)
            return [For(j, tuple(self.panel_from(start).stores(c, j, made)))]

        return ParallelFor(c, tuple(spans(self.results, self.wide, columns)))

    def multiplied(self, count: Size, start: Size, columns: int) -> Statement:
        """Return the loop over points, of a product for each."""
        point = fresh_index("point", POINTS * POINTS)

        def panel(begin: Size, wide: Size) -> list[Statement]:
            to, a = self.products.matrix(point, begin), self.tiles.matrix(point)
            b = self.panel_from(add(start, begin)).matrix(point)
            # One turn: sums stay in registers over all of the depth.
            turns = (Around(1, 0, 0),)
            return [Contract(to, a, b, count, wide, self.channels, False, turns)]

        return For(point, tuple(spans(columns, self.wide, panel)))

    def places_transformed(self, first: Size, count: Size, start: Size, columns: int) -> Statement:
        """Return the loop over tiles that makes places, and what reads them."""
        t, k = fresh_index("t", count), fresh_index("k", columns)
        example, begins = self.where(add(first, t))
        made = in_both(of_places(self.side), self.products.square(t, k))
        own = fresh_buffer("places", self.node.dtype)
        width = self.products.columns
        self.private[own] = self.side**2 * width
        values = [value for row in made for value in row]
        stores = [Store(own, add(n * width, k), value) for n, value in enumerate(values)]
        i, j = (fresh_index(name, size) for name, size in zip("ij", self.left(begins), strict=True))
        z = fresh_index("k", columns)
        value = Load(own, add(mul(add(mul(i, self.side), j), width), z))
        index = (example, add(begins[0], i), add(begins[1], j), add(start, z))
        last = finish(self.group.nodes, self.buffers, self.targets, (index, value, ()))
        return For(t, (For(k, tuple(stores)), *nest((i, j, z), last)))


class WeightsByTiles(_Tiles):
    """Writes the kernel of ``ConvWeights`` by tiles of places."""

    def body(self) -> tuple[Statement, ...]:
        """Return the transforms, the products of points, and the transform of their sums."""
        node = self.node
        assert isinstance(node, ConvWeights)
        self.count_tiles()
        self.cotangent = self.buffers[same_memory(node.ct)]
        return self.in_chunks() if self.channels <= _FEW else self.all_at_once()

    def all_at_once(self) -> tuple[Statement, ...]:
        """Return the loops of what keeps all tiles: each product is a long sum."""
        images = self.room("image", self.count, self.channels)
        others = self.room("cotangents", self.count, self.columns)
        sums = self.room("sums", self.channels, self.columns)
        part = fresh_index("part", ceildiv(self.count, _TILES))
        first = mul(part, _TILES)
        here = minimum(_TILES, sub(self.count, first))
        transforms = (
            self.image_transformed(first, here, images.below(first)),
            self.cotangents_transformed(first, here, (0, self.columns), others.below(first)),
        )
        point = fresh_index("point", POINTS * POINTS)
        a, b = images.matrix(point, turned=True), others.matrix(point)
        sizes = self.channels, self.columns, self.count
        products = Contract(sums.matrix(point), a, b, *sizes, False, ())
        last = self.sums_transformed([sums], (0, self.columns))
        by_point = ParallelFor(point, (products,))
        c = fresh_index("c", self.channels)
        return ParallelFor(part, transforms), by_point, ParallelFor(c, tuple(last(c)))

    def in_chunks(self) -> tuple[Statement, ...]:
        """Return the loops of what stays near: some tiles and columns at a time, and their sums.

        Where chunks of tiles begin depends on sizes alone.
        """
        each = POINTS * POINTS * self.node.dtype.bytes
        panels = -(-self.results // self.wide)
        most = max(1, _PART // (each * self.channels * self.wide))
        wide = -(-panels // -(-panels // most)) * self.wide
        parts = -(-self.columns // wide)
        tiles = max(1, _BETWEEN // (each * (self.channels + wide)))
        if isinstance(self.count, int):
            tiles = min(tiles, max(self.high, -(-self.count // _CHUNKS)))
        blocks = ceildiv(self.count, tiles)
        in_chunk = maximum(ceildiv(blocks, _CHUNKS), 1)
        chunks = maximum(ceildiv(blocks, in_chunk), 1)
        most_chunks = chunks if isinstance(chunks, int) else _CHUNKS
        images, others = (
            self.private_room(name, tiles, columns)
            for name, columns in (("image", self.channels), ("cotangents", wide))
        )
        apart = _apart(self.channels * wide)
        totals = fresh_buffer("totals", self.node.dtype)
        self.scratch[totals] = most_chunks * parts * POINTS * POINTS * apart

        def sums_of(chunk: Size, part: Size) -> _Points:
            number = add(mul(chunk, parts), part)
            return _Points(totals, mul(number, POINTS * POINTS * apart), apart, wide)

        task = fresh_index("task", mul(chunks, parts))
        chunk, part = unravel(task, (chunks, parts))
        sums, start = sums_of(chunk, part), mul(part, wide)
        columns = minimum(wide, sub(self.columns, start)) if self.columns % wide else wide
        first = mul(chunk, in_chunk)
        block = fresh_index("block", minimum(in_chunk, sub(blocks, first)))
        tile = mul(add(first, block), tiles)
        here = minimum(tiles, sub(self.count, tile))
        clear = fresh_index("k", POINTS * POINTS * apart)
        zero = Store(totals, add(sums.offset, clear), literal(0, self.node.dtype))
        body = (
            self.image_transformed(tile, here, images),
            self.cotangents_transformed(tile, here, (start, columns), others),
            self.products(images, others, sums, here, columns),
        )
        work = ParallelFor(task, (For(clear, (zero,)), For(block, body)))
        c, k = fresh_index("c", self.channels), fresh_index("chunk", sub(chunks, 1))
        last: list[Statement] = []
        for number in range(parts):
            width = min(wide, self.columns - number * wide)
            if isinstance(chunks, int):
                all_sums = [sums_of(each, number) for each in range(chunks)]
            else:
                all_sums = [sums_of(0, number)]
                last.append(self.added(c, k, sums_of(0, number), sums_of(add(k, 1), number), width))
                k = fresh_index("chunk", sub(chunks, 1))
            last += self.sums_transformed(all_sums, (number * wide, width))(c)
        return work, ParallelFor(c, tuple(last))

    def products(
        self, images: _Points, others: _Points, sums: _Points, count: Size, columns: Size
    ) -> Statement:
        """Return the loop over points that adds products to sums."""
        point = fresh_index("point", POINTS * POINTS)

        def panel(begin: Size, wide: Size) -> list[Statement]:
            a, b = images.matrix(point, turned=True), others.matrix(point, begin)
            turns = (Around(1, 0, 0),)
            to = sums.matrix(point, begin)
            return [Contract(to, a, b, self.channels, wide, count, True, turns)]

        return For(point, tuple(spans(columns, self.wide, panel)))

    def added(self, c: Index, chunk: Index, to: _Points, more: _Points, columns: int) -> Statement:
        """Return the loop that adds the sums of a channel of other chunks to those of the first."""
        point, k = fresh_index("point", POINTS * POINTS), fresh_index("k", columns)
        place = to.at(point, c, k)
        total = Load(to.buffer, place) + Load(more.buffer, more.at(point, c, k))
        return For(chunk, nest((point, k), [Store(to.buffer, place, total)]))

    def private_room(self, name: str, rows: int, columns: int) -> _Points:
        """Return memory on the stack for matrices of all points."""
        buffer, apart = fresh_buffer(name, self.node.dtype), _apart(rows * columns)
        self.private[buffer] = POINTS * POINTS * apart
        return _Points(buffer, 0, apart, columns)

    def room(self, name: str, rows: Size, columns: int) -> _Points:
        """Return memory for matrices of all points."""
        buffer, numbers = fresh_buffer(name, self.node.dtype), mul(rows, columns)
        apart = _apart(numbers) if isinstance(numbers, int) else add(numbers, 16)
        self.scratch[buffer] = mul(POINTS * POINTS, apart)
        return _Points(buffer, 0, apart, columns)

    def cotangents_transformed(
        self, first: Size, count: Size, some: tuple[Size, Size], to: _Points
    ) -> Statement:
        """Return the loop over tiles that transforms their cotangents; there are none beyond."""
        start, columns = some
        t, k = fresh_index("t", count), fresh_index("k", columns)
        tile, numbers = add(first, t), range(self.side)
        example, begins = self.where(tile)
        left = self.left(begins)
        down, across = (axis.out for axis in self.axes)
        values: list[list[Scalar]] = []
        for i in numbers:
            values.append([])
            for j in numbers:
                at = [add(begin, n) for begin, n in zip(begins, (i, j), strict=True)]
                outside = [
                    (n, here, size)
                    for n, here, size in zip((i, j), left, (down, across), strict=True)
                    if here != self.side
                ]
                at = [
                    place if here == self.side else minimum(place, sub(size, 1))
                    for place, here, size in zip(at, left, (down, across), strict=True)
                ]
                row = add(mul(add(mul(example, down), at[0]), across), at[1])
                value: Scalar = Load(self.cotangent, add(mul(row, self.columns), start, k))
                for n, here, _ in outside:
                    if n:
                        value = select(index_scalar(here) > n, value, 0)
                values[-1].append(value)
        made = in_both(of_kernel(self.side), values)
        return For(t, (For(k, tuple(to.stores(t, k, made))),))

    def sums_transformed(
        self, parts: Sequence[_Points], across: tuple[int, int]
    ) -> Callable[[Index], list[Statement]]:
        """Return what makes the result of a channel out of sums, and what reads it."""
        taps, (start, columns) = self.axes[0].taps, across

        def of_channel(c: Index) -> list[Statement]:
            k, z = (fresh_index("k", columns) for _ in range(2))
            squares = [part.square(c, k) for part in parts]
            totals = [
                [reduce(operator.add, same) for same in zip(*rows, strict=True)]
                for rows in zip(*squares, strict=True)
            ]
            own = fresh_buffer("taps", self.node.dtype)
            self.private[own] = taps**2 * columns
            values = [value for row in in_both(of_places(taps), totals) for value in row]
            stores = [Store(own, add(n * columns, k), value) for n, value in enumerate(values)]
            r, s = fresh_index("r", taps), fresh_index("s", taps)
            value = Load(own, add(mul(add(mul(r, taps), s), columns), z))
            index = (r, s, c, add(start, z))
            last = finish(self.group.nodes, self.buffers, self.targets, (index, value, ()))
            return [For(k, tuple(stores)), *nest((r, s, z), last)]

        return of_channel

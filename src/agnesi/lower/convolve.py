"""Convolutions in generated code: products whose factor is read where it lies in the image.

before: y[n, p, q, k] = sum over r, s, c of x[n, p + r, q + s, c] * w[r, s, c, k];  z = relu(y + b)
after:  for each row of places, for some columns k, in registers over all of the sum:
            y = x[n, p + r, q.., ..] @ w[r],  added up over r, here alone;  z = relu(y + b)

With channels last, what the taps of one row of a kernel meet lies in memory as the rows of a
matrix do, which overlap: row ``q`` begins ``stride * C`` elements after row ``q - 1``.  So nothing
is copied first, and the loops over the other taps stand around the depth of the product
(``Contract.around``).  The kernel is packed into panels as wide as a tile of registers.

The gradient by the kernel is such a product, too: its rows are taps and channels, its depth is a
row of places, and the loops around go over rows of places and images.  It is cut into chunks of
images whose totals are added up, where that is less than the sums themselves; where chunks begin
depends on sizes alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.machine import PLAIN, Machine
from agnesi.dims.dim import Size, add, fresh_index, mul, product, sub
from agnesi.dims.simplify import ceildiv, maximum, minimum
from agnesi.graph.text import op_name
from agnesi.loops.nodes import (
    Around,
    Contract,
    For,
    Kernel,
    Load,
    Matrix,
    ParallelFor,
    Statement,
    Store,
    fresh_buffer,
    literal,
)
from agnesi.lower.elements import Writer, finish, nest
from agnesi.lower.image import Axis, Convolution, spans
from agnesi.lower.kernels import close_kernel
from agnesi.lower.products import same_memory
from agnesi.lower.winograd import ByTiles, WeightsByTiles, by_tiles
from agnesi.ops.conv import Conv, ConvWeights
from agnesi.ops.movement import unravel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.graph.tensor import Tensor
    from agnesi.loops.nodes import Buffer
    from agnesi.lower.fuse import Group

# Rows of places that are a block: longer ones are cut.
_ROWS = 16
# Multiplications that are worth a task of their own, and how many tasks are wanted.
_TASK, _TASKS = 1 << 21, 16
# Bytes of a kernel that stays near, while rows of places come and go.
_NEAR_KERNEL = 1 << 18
# Bytes of an image and of cotangents that stay in a cache of a core.
_NEAR = 3 << 18
# Elements of a gradient by a kernel that is summed in chunks of images, and chunks at most.
_SMALL, _CHUNKS = 1 << 17, 8
# Panels, as many of which are tasks enough.
_PANELS = 4


def write_convolution(
    name: str,
    group: Group,
    buffers: Mapping[Tensor, Buffer],
    targets: Mapping[Tensor, Sequence[Buffer]],
    scratch: dict[Buffer, Size],
    *,
    machine: Machine = PLAIN,
) -> Kernel:
    """Return the kernel of a convolution and of the element-wise nodes that read it.

    Args:
        name: of the kernel.
        group: the convolution first.
        buffers: memory of every stored node and leaf; the convolution needs none of its own if only
            the group reads it.
        targets: buffers that each node of the group is written to.
        scratch: takes the memory that the kernel wants besides, with the number of its elements.
        machine: what the code is for.
    """
    node = group.nodes[0]
    tiles = by_tiles(node)
    if isinstance(node, Conv):
        kind = ByTiles if tiles else _Forward
    else:
        kind = WeightsByTiles if tiles else _ByWeights
    made = kind(group, buffers, targets, machine, scratch)
    names = "_".join(op_name(n) for n in group.nodes[:3])
    return close_kernel(f"{name}_{names}", made.body(), made.private)


class _Forward(Convolution):
    """Writes the kernel of ``Conv``."""

    def body(self) -> tuple[Statement, ...]:
        """Return the packing, and the loop over blocks of rows of places."""
        # Numbers of a panel, which is all rows of some columns of the kernel.
        self.panel = self.taps * self.channels * self.wide
        self.each_group = -(-self.results // self.wide) * self.panel
        self.packed = fresh_buffer("panels", self.node.dtype)
        self.scratch[self.packed] = self.groups * self.each_group
        self.shape = (self.examples, *(axis.out for axis in self.outer))
        lines = product(self.shape)
        each = self.lines(lines)
        task = fresh_index("task", ceildiv(lines, each))
        first = mul(task, each)
        even = isinstance(lines, int) and lines % each == 0
        count = each if even else minimum(each, sub(lines, first))
        return (self.pack(), ParallelFor(task, tuple(self.block(first, count))))

    def lines(self, lines: Size) -> int:
        """Return how many rows of places are a task."""
        out = self.last.out if isinstance(self.last.out, int) else _ROWS * self.high // 2
        least = -(-_TASK // (out * self.taps * self.channels * self.columns))
        if not isinstance(lines, int):
            return least
        return max(-(-lines // _TASKS), min(least, lines))

    def pack(self) -> Statement:
        """Return the loop that puts the kernel into panels."""
        node = self.node
        assert isinstance(node, Conv)
        writer, shape = Writer(self.buffers), self.kernel_shape()[:-1]
        row = fresh_index("row", product(shape))
        where = unravel(row, shape)

        def in_group(group: Size) -> list[Statement]:
            def columns(start: Size, count: Size) -> list[Statement]:
                j = fresh_index("j", count)
                value = writer.element(node.w, (*where, add(mul(group, self.results), start, j)))
                to = add(self.place_of_panel(group, start), mul(row, self.wide), j)
                return [For(j, (Store(self.packed, to, value),))]

            return spans(self.results, self.wide, columns)

        return ParallelFor(row, tuple(self.in_groups(in_group)))

    def place_of_panel(self, group: Size, start: Size) -> Size:
        """Return where the panel that begins with a column of a group lies."""
        return add(mul(group, self.each_group), mul(start, self.taps * self.channels))

    def block(self, first: Size, count: Size) -> list[Statement]:
        """Return the loops over panels, and over rows of places from one on.

        What stays near, of a small kernel all and of a large one a panel, is in the inner loop.
        """
        near = self.each_group * self.node.dtype.bytes <= _NEAR_KERNEL

        def in_group(group: Size) -> list[Statement]:
            line = fresh_index("line", count)

            def columns(start: Size, wide: Size) -> list[Statement]:
                def places(row: Size, rows: Size) -> list[Statement]:
                    at = add(first, line)
                    return self.tile(at, (row, rows), group, (start, self.known(wide)))

                found = spans(self.last.out, _ROWS * self.high, places)
                return found if near else [For(line, tuple(found))]

            every = spans(self.results, self.wide, columns)
            return [For(line, tuple(every))] if near else every

        return self.in_groups(in_group)

    def tile(
        self, line: Size, down: tuple[Size, Size], group: Size, across: tuple[Size, int]
    ) -> list[Statement]:
        """Return the statements for some places of a row, and some columns."""
        (row, rows), (start, columns) = down, across
        node, last = self.node, self.last
        example, *where = unravel(line, self.shape)
        here = self.place(mul(group, self.channels), example, (*where, row))
        a = Matrix(self.image, here, last.stride, 1)
        b = Matrix(self.packed, self.place_of_panel(group, start), self.wide, 1)
        turns = [axis for axis in self.outer if axis.taps > 1]
        turns += [] if self.folds else [last]
        around = tuple(Around(t.taps, t.dilation, t.tap * self.wide) for t in turns)
        if not around and columns >= self.wide:
            # One turn: sums stay in registers over all of the depth.
            around = (Around(1, 0, 0),)
        depth = self.channels * (last.taps if self.folds else 1)
        channel = add(mul(group, self.results), start)
        targets, rest = self.targets.get(node, ()), self.group.nodes[1:]
        if targets:
            place = add(mul(add(mul(line, last.out), row), self.columns), channel)
            sums = Matrix(targets[0], place, self.columns, 1)
        else:
            own = fresh_buffer("sums", node.dtype)
            most = rows if isinstance(rows, int) else _ROWS * self.high
            self.private[own] = most * columns
            sums = Matrix(own, 0, columns, 1)
        body: list[Statement] = [Contract(sums, a, b, rows, columns, depth, False, around)]
        if rest or len(targets) > 1:
            i, j = fresh_index("i", rows), fresh_index("j", columns)
            out = iter((*where, add(row, i)))
            places = [next(out) if any(a is k for k in self.axes) else 0 for a in self.all_axes]
            index = (example, *places, add(channel, j))
            stores = finish(
                self.group.nodes,
                self.buffers,
                self.targets,
                (index, Load(sums.buffer, sums.at(i, j)), targets[:1]),
            )
            body += nest((i, j), stores)
        return body


class _ByWeights(Convolution):
    """Writes the kernel of ``ConvWeights``."""

    def body(self) -> tuple[Statement, ...]:
        """Return the loop over chunks of the sums, or over columns, and what is done with them."""
        node = self.node
        assert isinstance(node, ConvWeights)
        self.cotangent = self.buffers[same_memory(node.ct)]
        shape = self.kernel_shape()
        self.numbers = product(shape)
        self.lines = product([axis.out for axis in self.outer])
        self.cut()
        targets, rest = self.targets.get(node, ()), self.group.nodes[1:]
        direct = self.chunks == 1 and len(targets) == 1 and not rest
        # Totals of two chunks do not share a line of a cache.
        apart = -(-self.known(self.numbers) // 16) * 16
        if direct:
            total = targets[0]
        else:
            total = fresh_buffer("totals", node.dtype)
            self.scratch[total] = apart * self.most
        chunk = fresh_index("chunk", self.chunks)
        if self.most == 1:
            first = self.in_columns(total)
        else:
            start = mul(chunk, self.in_chunk)
            count = minimum(self.in_chunk, sub(self.pieces, start))
            clear = fresh_index("k", self.numbers)
            here = mul(chunk, apart)
            zero = Store(total, add(here, clear), literal(0, node.dtype))
            piece = fresh_index("piece", count)
            each = self.piece(Matrix(total, here, self.columns, 1), add(start, piece))
            first = ParallelFor(chunk, (For(clear, (zero,)), For(piece, tuple(each))))
        return (first,) if direct else (first, *self.added(total, apart))

    def cut(self) -> None:
        """Decide how images are cut into pieces that stay near, and pieces go in chunks.

        A piece is some images, or some rows of places of one.  ``most`` is how many chunks there
        can be.
        """
        node = self.node
        assert isinstance(node, ConvWeights)
        element, examples = node.dtype.bytes, self.examples
        self.images, self.rows_of_piece = 1, self.outer[0].out if self.outer else 1
        places = product([axis.out for axis in self.axes])
        bytes_ = mul(add(self.each, mul(places, self.columns)), element)
        small = self.known(self.numbers) <= _SMALL
        wanted = _CHUNKS if small else 1
        if isinstance(bytes_, int) and isinstance(places, int):
            work = places * self.known(self.numbers)
            if isinstance(examples, int):
                wanted = max(1, min(wanted, work * examples // _TASK))
                fewest = -(-examples // wanted)
            else:
                fewest = max(1, -(-_TASK // work))
            if bytes_ <= _NEAR:
                self.images = max(1, min(_NEAR // max(bytes_, 1), fewest))
            elif self.outer and isinstance(self.rows_of_piece, int):
                parts = min(-(-bytes_ // _NEAR), self.rows_of_piece)
                self.rows_of_piece = -(-self.rows_of_piece // parts)
        across = ceildiv(self.outer[0].out, self.rows_of_piece) if self.outer else 1
        self.cuts = (ceildiv(examples, self.images), across)
        self.pieces = product(self.cuts)
        # Without images there is one chunk, of nothing.
        self.in_chunk = maximum(ceildiv(self.pieces, wanted), 1)
        self.chunks = maximum(ceildiv(self.pieces, self.in_chunk), 1) if wanted > 1 else 1
        self.most = self.chunks if isinstance(self.chunks, int) else wanted

    def in_columns(self, total: Buffer) -> Statement:
        """Return the loop over panels of columns, of which each takes all images."""
        node = self.node
        panels = -(-self.results // self.wide)
        by_taps = self.groups * panels < _PANELS
        taps = self.taps_outside() if by_taps else ()
        sizes = (*(axis.taps for axis in taps), self.groups, panels)
        task = fresh_index("task", product(sizes))
        *tap, group, panel = unravel(task, sizes)
        start = mul(panel, self.wide)
        even = self.results % self.wide == 0
        wide: Size = self.wide if even else minimum(self.wide, sub(self.results, start))
        row, j = fresh_index("row", self.rows_of(taps)), fresh_index("j", wide)
        column = add(mul(group, self.results), start)
        first = self.first_row(taps, tap)
        place = add(mul(add(first, row), self.columns), column, j)
        piece = fresh_index("piece", self.pieces)
        rows = self.contracts(
            Matrix(total, 0, self.columns, 1), piece, (taps, tap), group, (start, wide)
        )
        clear = nest((row, j), [Store(total, place, literal(0, node.dtype))])
        return ParallelFor(task, (*clear, For(piece, tuple(rows))))

    def taps_outside(self) -> tuple[Axis, ...]:
        """Return the axes whose taps are no rows of one product."""
        return (*self.outer, *([] if self.folds else [self.last]))

    def rows_of(self, taps: tuple[Axis, ...]) -> int:
        """Return how many rows of the result there are for each of some taps."""
        count = self.taps * self.channels
        for axis in taps:
            count //= axis.taps
        return count

    def first_row(self, taps: Sequence[Axis], where: Sequence[Size]) -> Size:
        """Return the first row of the result for some taps."""
        return add(0, *(mul(t, axis.tap) for t, axis in zip(where, taps, strict=True)))

    def piece(self, sums: Matrix, number: Size) -> list[Statement]:
        """Return the statements that add a piece to the sums of all columns."""

        def in_group(group: Size) -> list[Statement]:
            def columns(start: Size, wide: Size) -> list[Statement]:
                return self.contracts(sums, number, ((), ()), group, (start, wide))

            return spans(self.results, self.wide, columns)

        return self.in_groups(in_group)

    def contracts(
        self,
        sums: Matrix,
        number: Size,
        known: tuple[Sequence[Axis], Sequence[Size]],
        group: Size,
        across: tuple[Size, Size],
    ) -> list[Statement]:
        """Return the products of a piece for some columns, for all taps but those known."""
        last, (start, columns) = self.last, across
        others = [axis for axis in self.taps_outside() if axis not in known[0]]
        own = [fresh_index("tap", axis.taps) if axis.taps > 1 else 0 for axis in others]
        taps, where = (*known[0], *others), (*known[1], *own)
        example, part = unravel(number, self.cuts)
        begin, top = mul(example, self.images), mul(part, self.rows_of_piece)
        # Numbers of the cotangent for each row of places, and each example.
        line, one = mul(last.out, self.columns), product((self.lines, last.out, self.columns))
        column = add(mul(group, self.results), start)
        a = add(mul(group, self.channels), mul(begin, self.each))
        b = add(column, mul(begin, one))
        around: list[Around] = []
        images = self.left(self.examples, self.images, begin)
        if images != 1:
            around.append(Around(images, self.each, one))
        inner = self.lines
        for k, axis in enumerate(self.outer):
            extent = axis.out
            inner = product([other.out for other in self.outer[k + 1 :]])
            if k == 0:
                extent = self.left(axis.out, self.rows_of_piece, top)
                a, b = add(a, mul(top, axis.stride)), add(b, product((top, inner, line)))
            around.append(Around(extent, axis.stride, mul(inner, line)))
        a = add(a, *(mul(t, axis.dilation) for t, axis in zip(where, taps, strict=True)))
        rows = self.rows_of(self.taps_outside())
        first = self.first_row(taps, where)
        target = Matrix(
            sums.buffer, add(sums.offset, mul(first, self.columns), column), self.columns, 1
        )
        left = Matrix(self.image, a, 1, last.stride)
        right = Matrix(self.cotangent, b, self.columns, 1)
        product_ = Contract(target, left, right, rows, columns, last.out, True, tuple(around))
        return list(nest([t for t in own if not isinstance(t, int)], [product_]))

    @staticmethod
    def left(size: Size, most: Size, start: Size) -> Size:
        """Return how many of a stretch of an axis there are."""
        if most == size or (isinstance(size, int) and isinstance(most, int) and size % most == 0):
            return most
        return minimum(most, sub(size, start))

    def added(self, total: Buffer, apart: int) -> list[Statement]:
        """Return the loop over rows that adds chunks up, and does what reads the result."""
        shape = self.kernel_shape()[:-1]
        row, j = fresh_index("row", product(shape)), fresh_index("j", self.columns)
        place = add(mul(row, self.columns), j)
        value = Load(total, place)
        before: list[Statement] = []
        if isinstance(self.chunks, int):
            for k in range(1, self.chunks):
                value = value + Load(total, add(place, k * apart))
        else:
            again, k = fresh_index("chunk", sub(self.chunks, 1)), fresh_index("j", self.columns)
            here = add(mul(row, self.columns), k)
            more = Load(total, add(here, mul(add(again, 1), apart)))
            before += [For(again, nest((k,), [Store(total, here, Load(total, here) + more)]))]
        index = (*unravel(row, shape), j)
        stores = finish(self.group.nodes, self.buffers, self.targets, (index, value, ()))
        return [ParallelFor(row, (*before, *nest((j,), stores)))]

"""Matrix products in generated code: block by block, and what is done with their elements at once.

before: t = x @ w;  h = tanh(t + b)
after:  for each block of h: t = x @ w, here alone; h = tanh(t + b)

Blocks are independent, so that they can run on several threads; each takes its sums to the end.
A factor that is not in memory is computed while it is packed (``factors.py``).  A product of few
elements, each a long sum, is cut along the depth instead: totals of chunks, added up afterwards.
What a product is not computed by here, a library computes: ``is_computed_here`` chooses, by what
was measured (``docs/speed.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import CompilerBug
from agnesi.core.machine import PLAIN, Machine
from agnesi.core.record import record, replace
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
from agnesi.lower.factors import Factor, Packed, Span
from agnesi.lower.image import spans
from agnesi.lower.kernels import close_kernel
from agnesi.lower.products import SMALL, clashes, is_long
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import unravel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.dims.dim import Shape
    from agnesi.graph.tensor import Tensor
    from agnesi.loops.nodes import Buffer
    from agnesi.lower.fuse import Group

# Floating-point operations that are worth a task of their own, and how many tasks are wanted.
_TASK, _TASKS = 400_000, 16
# Bytes of sums that stay in the nearest cache beside what they are made of.
_NEAR = 1 << 13
# Bytes of the sums of few columns, and rows that are worth turning the second factor for.
_THIN, _FEW_ROWS = 1 << 14, 128
# Tiles that a block is high, and wide, at most: its sums and operands stay in the nearer caches.
# Where it packs its columns, it is higher.
_HIGH, _TALL, _WIDE = 12, 20, 8
# The same where a factor is computed, which is better done for many columns at once; a depth that
# is computed at a time; rows of what stands beside a vector, so that they stay in the nearest cache
# and pages of memory are read on; bytes of sums.
_FAR, _DEEP, _BESIDE, _SUMS = 16, 256, 8, 1 << 16
# Bytes of a factor that is computed beside few columns, at a time.
_PACKED = 1 << 17
# Products of few blocks and elements are cut along the depth; where that is not known and may be
# short, those of very few.
_FEW, _TINY = 2, 512
# Rows and columns of a product of any number of blocks that is cut, if its sums are long.
_BROAD = 32
# Sums of a product that may be one block.
_WHOLE = 1 << 15
# Rows that are worth packing the second factor once for all blocks, and turning it.
_TALL_ENOUGH, _TURNED = 1024, 8192
# What it costs to compute an element of a factor, where reading it for another block costs 1.
_MADE = 3


@record(frozen=True)
class _Blocks:
    """How a product is cut into blocks of one size; those at the edges are smaller.

    Attributes:
        rows: of a block.
        columns: of a block.
        most: rows at most, where how many there are depends on sizes.
    """

    rows: Size
    columns: int
    most: int = 0

    @property
    def high(self) -> int:
        """How many rows a block has at most."""
        return self.rows if isinstance(self.rows, int) else self.most


def cut_thin(m: Size, n: int, k: Size, unit: int, most: int) -> _Blocks:
    """Return how a product of few columns is cut: few tasks, of an even number for two threads.

    Args:
        m: rows.
        n: columns.
        k: depth.
        unit: rows that are computed at once; 1 where each task has to turn the second factor first,
            which only many rows are worth.
        most: rows of a block.
    """
    if unit == 1 and isinstance(k, int):
        # Rows are shared by two or more tasks, of as many rows as are worth one at least.
        least = min(most, -(-_TASK // (2 * n * max(k, 1))))
        rows = ceildiv(m, mul(2, ceildiv(m, 2 * _FEW_ROWS)))
        return _Blocks(minimum(most, maximum(least, rows)), n, most)
    if not isinstance(m, int):
        return _Blocks(min(most, 4 * _FEW_ROWS // unit * unit), n)
    tasks = max(1, 2 * min(_TASKS // 2, m * n * k // _TASK)) if isinstance(k, int) else 4
    return _Blocks(min(most, _up(-(-m // tasks), unit)), n)


def cut(
    stack: Size, m: Size, n: Size, k: Size, tile: tuple[int, int], *, packs: bool = False
) -> _Blocks:
    """Return how a product is cut: into enough blocks for several threads, if it is large enough.

    Args:
        stack: how many products there are.
        m: rows.
        n: columns.
        k: depth.
        tile: rows and columns that are computed at once.
        packs: whether each block packs its columns of the second factor.
    """
    high, wide = tile
    if m == 1 or n == 1:
        return _Blocks(1 if m == 1 else _share(m, 8), 1 if n == 1 else _share(n, 16 * wide))
    most_rows, most_columns = (_TALL if packs else _HIGH) * high, _WIDE * wide
    if not isinstance(n, int):
        return _Blocks(4 * high, most_columns)
    if not isinstance(m, int) or not isinstance(k, int) or not isinstance(stack, int):
        rows, columns = (_HIGH, 2) if packs else (4, 4)
        return _Blocks(rows * high, min(_up(n, wide), columns * wide))
    work = 2 * m * _up(n, wide // 2) * k
    wanted = max(1, min(_TASKS // max(stack, 1), work // _TASK))
    fewest_rows = (most_rows if packs else 2 * high) if n > wide else high
    rows = max(1, -(-m // most_rows))
    columns = max(1, -(-n // most_columns))
    rows = max(rows, min(-(-wanted // columns), m // fewest_rows))
    columns = max(columns, min(-(-wanted // rows), n // (2 * wide)))
    return _Blocks(_height(m, rows, high), _width(n, columns, rows, wide))


def _width(n: int, blocks: int, rows: int, wide: int) -> int:
    """Return how many columns about so many blocks have, so that two threads have as much to do."""
    panels = -(-n // wide)
    if rows * blocks == 1:
        return wide * panels

    def longer(each: int) -> int:
        return -(-rows * -(-panels // each) // 2) * each

    most = -(-panels // blocks)
    return wide * min(range(most, max(most // 2, 1) - 1, -1), key=longer)


def cut_made(
    stack: Size, m: Size, n: Size, k: Size, tile: tuple[int, int], *, made: tuple[bool, bool]
) -> _Blocks:
    """Return how a product is cut whose factors are computed anew for each block.

    Of the ways to cut it into as many blocks as are wanted, the one that computes least.

    Args:
        stack: how many products there are.
        m: rows.
        n: columns.
        k: depth.
        tile: rows and columns that are computed at once.
        made: which factors are computed.
    """
    high, wide = tile
    if m == 1 or n == 1:
        return _Blocks(1 if m == 1 else _BESIDE, 1 if n == 1 else 4 * _FAR * wide)
    most_rows, most_columns = _HIGH * high, _FAR * wide
    if not isinstance(n, int):
        return _Blocks((2 if made[0] else _HIGH) * high, (_FAR if made[0] else 2) * wide)
    even = _up(-(-n // -(-n // most_columns)), wide)
    if not isinstance(m, int):
        return _Blocks(4 * high, even) if made[0] else _Blocks(most_rows, 4 * wide)
    if not isinstance(k, int) or not isinstance(stack, int):
        k, stack = _DEEP, 1
    wanted = max(1, min(_TASKS // max(stack, 1), 2 * m * _up(n, wide // 2) * k // _TASK))
    found: list[tuple[int, int, _Blocks]] = []
    for down in range(max(1, -(-m // most_rows)), max(1, -(-m // high)) + 1):
        rows = _height(m, down, high)
        least = max(-(-n // most_columns), -(-wanted // -(-m // rows)))
        columns = max(2 * wide, _up(-(-n // max(least, 1)), wide)) if n > wide else _up(n, wide)
        down_, across = -(-m // rows), -(-n // columns)
        computed = (_MADE if made[0] else 1) * across * m + (_MADE if made[1] else 1) * down_ * n
        found.append((min(down_ * across, wanted), -computed, _Blocks(rows, columns)))
        if down_ >= _TASKS and made[0]:
            break
    return max(found, key=lambda each: each[:2])[2]


@record(frozen=True)
class _Chunks:
    """How the depth of a product is cut, where the product itself is too small to be cut.

    Attributes:
        deep: steps of a chunk.
        count: how many there are.
    """

    deep: Size
    count: Size


def chunks(stack: Size, m: Size, n: Size, k: Size, blocks: int) -> _Chunks | None:
    """Return how a product of so many blocks is cut along its depth; None if it is not.

    Where chunks begin depends on sizes alone, so that results do not depend on threads.
    """
    if stack != 1 or not isinstance(m, int) or not isinstance(n, int):
        return None
    long = min(m, n) >= _BROAD and is_long(m * n, k)
    if not long and (blocks > _FEW or not 0 < m * n <= SMALL):
        return None
    # A vector's time is that of reading the matrix.
    each = 8 * max(m, n) if 1 in (m, n) else 2 * m * _up(n, 16)
    if isinstance(k, int):
        many = min(_TASKS, each * k // _TASK, k // (2 * _DEEP))
        if many < 2 * blocks and not (long and many > 1):
            return None
        deep = _up(-(-k // many), 16)
        return _Chunks(deep, -(-k // deep))
    if m * n > _TINY:
        return None
    deep = maximum(max(_up(_TASK // each, 16), 2 * _DEEP), ceildiv(k, 2 * _TASKS))
    return _Chunks(deep, maximum(ceildiv(k, deep), 1))


def _share(size: Size, unit: int) -> int:
    """Return how much of a vector is a task, which reads a part of a matrix."""
    return _up(-(-size // _TASKS), unit) if isinstance(size, int) else 8 * unit


def _near(blocks: _Blocks, tile: tuple[int, int], most: int) -> _Blocks:
    """Return blocks of no more than so many sums, if they can be smaller."""
    (high, wide), rows, columns = tile, blocks.rows, blocks.columns
    if not isinstance(rows, int):
        return blocks
    while rows * columns > most and columns > 2 * wide:
        columns = _up(columns // 2, wide)
    while rows * columns > most and rows > 2 * high:
        rows = _up(rows // 2, high)
    return _Blocks(rows, columns)


def _height(m: int, blocks: int, high: int) -> int:
    """Return how many rows so many blocks have: whole tiles, unless others cost less."""
    even = -(-m // blocks)
    return min(_up(even, 4), _up(even, high), key=lambda rows: _cost(m, rows, high))


def _cost(m: int, rows: int, high: int) -> int:
    """Return what the rows of a product cost in blocks of so many; a single row counts double."""
    blocks, rest = divmod(m, rows)
    of_rows, of_rest = (r - r % high + r % high // 4 * 4 + r % high % 4 * 2 for r in (rows, rest))
    return blocks * of_rows + of_rest


def _up(number: int, unit: int) -> int:
    """Round up to a multiple."""
    return -(-number // unit) * unit


def write_contraction(
    name: str,
    group: Group,
    buffers: Mapping[Tensor, Buffer],
    targets: Mapping[Tensor, Sequence[Buffer]],
    scratch: dict[Buffer, Size],
    *,
    machine: Machine = PLAIN,
    whole: bool = False,
) -> Kernel:
    """Return the kernel of a product and of the element-wise nodes that read it.

    Args:
        name: of the kernel.
        group: the product first.
        buffers: memory of every stored node and leaf; the product needs none of its own if only the
            group reads it.
        targets: buffers that each node of the group is written to.
        scratch: takes the memory that the kernel wants besides, with the number of its elements.
        machine: what the code is for.
        whole: whether a small product is better one block.
    """
    node = group.nodes[0]
    if not isinstance(node, MatMul):
        raise CompilerBug(f"{node!r} is no matrix product")
    made = _Contraction(node, group, buffers, targets, machine)
    if whole:
        made.take_whole()
    return made.kernel(name, scratch)


class _Contraction:
    """Writes one kernel."""

    def __init__(
        self,
        node: MatMul,
        group: Group,
        buffers: Mapping[Tensor, Buffer],
        targets: Mapping[Tensor, Sequence[Buffer]],
        machine: Machine,
    ) -> None:
        self.node, self.group, self.buffers, self.targets = node, group, buffers, targets
        *stack, self.m, self.n = node.type.shape
        self.stack = tuple(stack)
        self.k = node.x.type.shape[-1]
        tile = machine.tile(node.dtype)
        self.wide = tile[1]
        self.factors = [Factor(x, buffers) for x in node.operands]
        # Rows of each of a stack of products that is one product; None where it is a stack.
        self.each: Size | None = None
        if self.is_one():
            self.each, self.m, self.stack = self.m, mul(product(stack), self.m), ()
        packs = self.factors[1].turned
        # Where a factor is a vector, the rows or columns of the other one are read in their order:
        # a product is the transpose of that of the transposes, in turn.
        self.turned = (self.n == 1 and self.factors[0].turned) or (self.m == 1 and packs)
        if self.turned:
            self.m, self.n = self.n, self.m
            self.factors.reverse()
        self.private: dict[Buffer, int] = {}
        few = isinstance(self.n, int) and machine.is_thin(node.dtype, self.n)
        self.is_thin = few and self.m != 1
        self.blocks = self.cut(tile, machine)
        high, wide = self.blocks.rows, self.blocks.columns
        self.tasks = product(self.stack), ceildiv(self.n, wide), ceildiv(self.m, high)
        count = product(self.tasks)
        sizes = product(self.stack), self.m, self.n, self.k
        self.chunks = chunks(*sizes, count) if isinstance(count, int) else None
        thin = isinstance(self.n, int) and machine.is_thin(node.dtype, self.n) and self.m != 1
        self.halves = thin and self.chunks is None and self.is_long()
        self.panels = self.shared_panels(tile[1]) if self.chunks is None else None

    def shared_panels(self, wide: int) -> Buffer | None:
        """Return memory for the second factor, packed once for all blocks; None if each does it.

        Panels are as wide as a tile.  Only many rows are worth it, the more so where the factor has
        to be turned.
        """
        m, n, k = self.m, self.n, self.k
        first, second = self.factors
        if self.stack or self.is_thin or self.turned or first.lies is None or first.turned:
            return None
        if not (isinstance(m, int) and isinstance(n, int) and isinstance(k, int)):
            return None
        if (
            n < wide
            or m < (_TURNED if second.turned else _TALL_ENOUGH)
            or clashes(k, self.node.dtype)
        ):
            return None
        return fresh_buffer("panels", self.node.dtype) if self.blocks.columns % wide == 0 else None

    def packed_once(self, panels: Buffer, scratch: dict[Buffer, Size]) -> Statement:
        """Return the loop that packs the second factor."""
        n, k, wide = self.n, self.k, self.wide
        assert isinstance(n, int) and isinstance(k, int)
        scratch[panels] = -(-n // wide) * k * wide
        row, writer = fresh_index("row", k), Writer(self.buffers)

        def columns(start: Size, count: Size) -> list[Statement]:
            j = fresh_index("j", count)
            index = (*self.no_stack(), row, add(start, j))
            place = add(mul(start, k), mul(row, wide), j)
            return [For(j, (Store(panels, place, writer.element(self.node.y, index)),))]

        return ParallelFor(row, tuple(spans(n, wide, columns)))

    def is_long(self) -> bool:
        """Whether few columns of many steps go in two halves of the depth, for a thread each.

        Each then reads its own rows of the second factor, which an update in rows has written: what
        another core has written comes slowly.
        """
        lie = all(factor.lies is not None for factor in self.factors)
        plain = lie and not self.stack and not self.factors[0].turned
        return plain and isinstance(self.k, int) and self.k >= 2 * _DEEP and not self.k % 2

    def is_one(self) -> bool:
        """Whether the rows of a stack of products follow each other, and all meet one matrix."""
        first, second = (factor.lies for factor in self.factors)
        if not self.stack or first is None or second is None:
            return False
        buffer, offset, down, across = first.args
        stack = self.factors[0].indices[:-2]
        number: Size = 0
        for index in stack:
            number = add(mul(number, index.extent), index)
        start = self.factors[0].at((0,) * len(stack), 0, 0)
        assert start is not None
        even = Matrix(buffer, add(start.offset, mul(number, mul(self.m, down))), down, across)
        others = self.factors[1].indices[:-2]
        same = isinstance(second.offset, int) or not set(others) & set(second.offset.atoms)
        return same and even.offset == offset

    def take_whole(self) -> None:
        """Let a product of a step of a loop be one block, if it is plain and small."""
        m, n = self.m, self.n
        plain = not self.stack and all(factor.lies is not None for factor in self.factors)
        if not plain or not isinstance(n, int) or n == 0:
            return
        small = 0 < m * n <= _WHOLE if isinstance(m, int) else bool(self.targets.get(self.node))
        if small:
            self.blocks = _Blocks(m, n)
            self.tasks, self.chunks, self.halves = (1, 1, 1), None, False
            self.panels = None

    def cut(self, tile: tuple[int, int], machine: Machine) -> _Blocks:
        """Return how the product is cut."""
        sizes = product(self.stack), self.m, self.n, self.k
        element = self.node.dtype
        made = self.factors[0].lies is None, self.factors[1].lies is None
        packs = self.factors[1].turned or clashes(self.n, element)
        most = (_SUMS if any(made) or packs else _NEAR) // element.bytes
        if self.is_thin and isinstance(self.n, int):
            unit = machine.lanes(element) if self.factors[0].turned else 1
            most = _THIN // element.bytes // self.n
            if made[0]:
                deep = self.deep(self.k)
                most = max(min(most, _PACKED // element.bytes // deep), unit)
            return cut_thin(self.m, self.n, self.k, unit, most // unit * unit)
        blocks = cut_made(*sizes, tile, made=made) if any(made) else cut(*sizes, tile, packs=packs)
        if self.targets.get(self.node):
            return blocks
        blocks = _near(blocks, tile, most)
        # Rows of few sums follow each other, so that loops over them are one.
        few = isinstance(self.n, int) and self.n < blocks.columns and not any(made)
        return _Blocks(blocks.rows, self.n) if few and isinstance(self.n, int) else blocks

    def kernel(self, name: str, scratch: dict[Buffer, Size]) -> Kernel:
        """Return the kernel."""
        if self.halves:
            whole = self.both_halves(scratch)
        elif self.chunks is None:
            whole = self.all_blocks()
            if self.panels is not None:
                whole = (self.packed_once(self.panels, scratch), *whole)
        else:
            whole = self.all_chunks(self.chunks, scratch)
        names = "_".join(op_name(n) for n in self.group.nodes[:3])
        return close_kernel(f"{name}_{names}", whole, self.private)

    def all_blocks(self) -> tuple[Statement, ...]:
        """Return the loop over blocks."""
        high, wide = self.blocks.rows, self.blocks.columns
        count = product(self.tasks)
        task = fresh_index("task", count)
        which, across, down = unravel(task if count != 1 else 0, self.tasks)
        self.where = unravel(which, self.stack) if self.stack else self.no_stack()
        self.matrix = which
        self.row, self.column = mul(down, high), mul(across, wide)
        self.rows = _within(high, self.row, self.m)
        self.columns = _within(wide, self.column, self.n)
        body = self.block()
        return (ParallelFor(task, tuple(body)),) if count != 1 else tuple(body)

    def all_chunks(self, cut: _Chunks, scratch: dict[Buffer, Size]) -> tuple[Statement, ...]:
        """Return the loop over chunks of the depth, and one over rows that adds them up."""
        m, n = self.m, self.n
        assert isinstance(m, int) and isinstance(n, int)
        self.where, self.matrix = self.no_stack(), 0
        self.blocks = _Blocks(m, n)
        self.row, self.column, self.rows, self.columns = 0, 0, m, n
        # Totals of two chunks do not share a line of a cache.
        total = fresh_buffer("totals", self.node.dtype)
        apart = _up(m * n, 16)
        scratch[total] = mul(apart, cut.count)
        chunk = fresh_index("chunk", cut.count)
        start = mul(chunk, cut.deep)
        depth = minimum(cut.deep, sub(self.k, start))
        body = self.product(Matrix(total, mul(chunk, apart), n, 1), Span(start, depth, 0))
        row, again = fresh_index("row", m), fresh_index("chunk", add(cut.count, -1))
        j = fresh_index("j", n)
        place = add(mul(row, n), j)
        more = Load(total, add(place, mul(add(again, 1), apart)))
        added = For(again, nest((j,), [Store(total, place, Load(total, place) + more)]))
        self.row, self.rows = row, 1
        rest = self.consumers(Matrix(total, mul(row, n), n, 1), skipped=0)
        return ParallelFor(chunk, tuple(body)), ParallelFor(row, (added, *rest))

    def both_halves(self, scratch: dict[Buffer, Size]) -> tuple[Statement, ...]:
        """Return the loop over blocks of rows of both halves, and one over rows that adds them."""
        m, n, high = self.m, self.n, 2 * _FEW_ROWS
        assert isinstance(self.k, int) and isinstance(n, int)
        total, apart, deep = fresh_buffer("totals", self.node.dtype), mul(m, n), self.k // 2
        scratch[total] = mul(2, apart)
        blocks = ceildiv(m, high)
        task = fresh_index("task", mul(2, blocks))
        half, down = unravel(task, (2, blocks))
        self.where, self.matrix, self.blocks = self.no_stack(), 0, _Blocks(high, n)
        self.row, self.column, self.columns = mul(down, high), 0, n
        self.rows = _within(high, self.row, m)
        place = add(mul(half, apart), mul(self.row, n))
        body = self.product(Matrix(total, place, n, 1), Span(mul(half, deep), deep, 0))
        row, j = fresh_index("row", m), fresh_index("j", n)
        place = add(mul(row, n), j)
        both = Load(total, place) + Load(total, add(place, apart))
        self.row, self.rows = row, 1
        rest = self.consumers(Matrix(total, mul(row, n), n, 1), skipped=0)
        added = nest((j,), [Store(total, place, both)])
        return ParallelFor(task, tuple(body)), ParallelFor(row, (*added, *rest))

    def no_stack(self) -> Shape:
        """Return where the only product is in its factors."""
        return (0,) * (self.node.ndim - 2)

    def block(self) -> list[Statement]:
        """Return the statements of one block."""
        targets = self.targets.get(self.node, ())
        rest = self.group.nodes[1:]
        if targets:
            place = add(mul(self.matrix, mul(self.m, self.n)), mul(self.row, self.n), self.column)
            sums = Matrix(targets[0], place, self.n, 1)
        else:
            own = fresh_buffer("sums", self.node.dtype)
            self.private[own] = self.blocks.high * self.blocks.columns
            sums = Matrix(own, 0, self.blocks.columns, 1)
        body = self.product(sums, Span(0, self.k, 0))
        if rest or len(targets) > 1:
            body += self.consumers(sums, skipped=1)
        return body

    def product(self, sums: Matrix, depth: Span) -> list[Statement]:
        """Return the statements that compute the sums of one block: in pieces, if need be."""
        deep = self.deep(depth.extent)
        if self.panels is not None:
            return self.by_panels(self.panels, sums)
        if all(factor.lies is not None for factor in self.factors):
            return self.piece(sums, depth, adds=False)
        if isinstance(depth.extent, int) and depth.extent <= deep:
            return self.piece(sums, replace(depth, most=depth.extent), adds=False)
        i, j = fresh_index("i", self.rows), fresh_index("j", self.columns)
        clear = Store(sums.buffer, sums.at(i, j), literal(0, self.node.dtype))
        number = fresh_index("piece", ceildiv(depth.extent, deep))
        start = mul(number, deep)
        extent = _within(deep, start, depth.extent)
        piece = self.piece(sums, Span(add(depth.start, start), extent, deep), adds=True)
        return [*nest((i, j), [clear]), For(number, tuple(piece))]

    def by_panels(self, panels: Buffer, sums: Matrix) -> list[Statement]:
        """Return the statements that multiply by what was packed once."""
        a = self.factors[0].at(self.where, self.row, 0)
        assert a is not None

        def panel(start: Size, count: Size) -> list[Statement]:
            b = Matrix(panels, mul(add(self.column, start), self.k), self.wide, 1)
            target = sums.replace(offset=add(sums.offset, start))
            # One turn: sums stay in registers over all of the depth.
            turns = (Around(1, 0, 0),)
            return [Contract(target, a, b, self.rows, count, self.k, False, turns)]

        return spans(self.columns, self.wide, panel)

    def deep(self, depth: Size) -> int:
        """Return how deep pieces are of which factors are computed."""
        most = _BESIDE if self.m == 1 else 2 * _DEEP if self.n == 1 else _DEEP
        if self.is_thin:
            # The time is that of reading rows, which goes best to their ends.
            most = 4 * _DEEP
        if isinstance(depth, int):
            # Pieces are alike, rather than a small one being left; best of one known depth.
            pieces = max(1, -(-depth // most))
            even = next((p for p in range(pieces, 2 * pieces + 1) if depth % p == 0), None)
            best = _up(-(-depth // pieces), 8) if even is None else depth // even
            most = min(most, max(best, 1))
        return most

    def piece(self, sums: Matrix, depth: Span, *, adds: bool) -> list[Statement]:
        """Return the statements that multiply a piece of the depth."""
        down = Span(self.row, self.rows, _most(self.blocks.high, self.m))
        across = Span(self.column, self.columns, _most(self.blocks.columns, self.n))
        before: list[Statement] = []
        a = self.operand(self.factors[0], down, depth, before)
        b = self.operand(self.factors[1], depth, across, before)
        contract = Contract(sums, a, b, self.rows, self.columns, depth.extent, adds, ())
        return [*before, contract]

    def operand(self, factor: Factor, down: Span, across: Span, before: list[Statement]) -> Matrix:
        """Return a factor from this row and column on; note what computes it."""
        rows, columns = (across, down) if self.turned else (down, across)
        matrix = factor.at(self.where, rows.start, columns.start)
        if matrix is None:
            packed: Packed = factor.pack(self.where, rows, columns)
            before += packed.statements
            self.private[packed.matrix.buffer] = packed.count
            matrix = packed.matrix
        return matrix.replace(row=matrix.column, column=matrix.row) if self.turned else matrix

    def consumers(self, sums: Matrix, *, skipped: int) -> tuple[Statement, ...]:
        """Return the loops that compute what reads the product.

        Of the product's own targets some hold it already.
        """
        i, j = fresh_index("i", self.rows), fresh_index("j", self.columns)
        at = (add(self.row, i), add(self.column, j))
        index: Shape = (*self.where, *(at[::-1] if self.turned else at))
        if self.each is not None:
            row, column = index[-2:]
            index = (*unravel(row, (*self.node.type.shape[:-2], self.each)), column)
        done = self.targets.get(self.node, ())[:skipped]
        element = (index, Load(sums.buffer, sums.at(i, j)), done)
        return nest((i, j), finish(self.group.nodes, self.buffers, self.targets, element))


def _most(block: int, size: Size) -> int:
    """Return how much of a block there can be."""
    return min(block, size) if isinstance(size, int) else block


def _within(most: Size, start: Size, end: Size) -> Size:
    """Return how many of a block are there."""
    if isinstance(end, int) and isinstance(most, int) and end % most == 0:
        return most
    return minimum(most, sub(end, start))

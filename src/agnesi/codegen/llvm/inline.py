"""Products of one row that are written out where they stand: no call, all sums in registers.

A step of a loop that multiplies a state of 32 numbers by a matrix takes as long as its additions
wait for each other; a function of blocks would take as long again to begin and to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.codegen.llvm.writer import value_type

if TYPE_CHECKING:
    from agnesi.codegen.llvm.writer import Writer
    from agnesi.core.machine import Machine
    from agnesi.loops.nodes import Contract

# Vectors of sums at most, and so many that an addition need not wait for the one before.
_MOST, _BUSY = 16, 8
# Multiplications of vectors that are written without a loop.
_WRITTEN = 64
# A longer sum is more exact in pieces, as functions of blocks have it.
_DEEP = 1024


def is_inlined(product: Contract, machine: Machine) -> bool:
    """Whether a product is written out rather than a function called."""
    columns, dtype = product.columns, product.target.buffer.element
    if product.around or product.rows != 1:
        return False
    if not isinstance(columns, int) or not isinstance(product.depth, int):
        return False
    if product.a.column != 1 or product.b.column != 1 or not isinstance(product.b.row, int):
        return False
    lanes = machine.lanes(dtype)
    if (columns % lanes and not machine.masks) or product.depth > _DEEP:
        return False
    return 1 < columns <= _MOST * lanes


class Inline:
    """Writes one product.

    Args:
        w: the function it is in.
        product: of one row.
        machine: what the code is for.
    """

    def __init__(self, w: Writer, product: Contract, machine: Machine) -> None:
        self.w, self.product = w, product
        dtype = product.target.buffer.element
        self.kind, self.bytes = value_type(dtype), dtype.bytes
        self.lanes = machine.lanes(dtype)
        self.vector = f"<{self.lanes} x {self.kind}>"
        self.suffix = f"v{self.lanes}f{dtype.bits}"
        self.columns, self.depth, self.row = (
            n if isinstance(n, int) else 0 for n in (product.columns, product.depth, product.b.row)
        )
        self.count = -(-self.columns // self.lanes)

    def emit(self, target: str, row: str, matrix: str) -> None:
        """Write it, given where the target, the row and the matrix begin."""
        chains = max(1, min(_BUSY // self.count, self.depth))
        sums = [["zeroinitializer"] * self.count for _ in range(chains)]
        if self.product.adds:
            sums[0] = [self.load(self.move(target, k * self.lanes), k) for k in range(self.count)]
        step = max(chains, 4)
        turns = self.depth // step if self.depth * self.count > _WRITTEN else 0
        if turns > 1:
            sums, row, matrix = self.loop(sums, row, matrix, step, turns)
        for k in range(self.depth - step * turns if turns > 1 else self.depth):
            sums[k % chains] = self.add(sums[k % chains], row, matrix, k)
        while len(sums) > 1:
            half = -(-len(sums) // 2)
            sums = [
                [self.plus(a, b) for a, b in zip(sums[k], sums[k + half], strict=True)]
                if k + half < len(sums)
                else sums[k]
                for k in range(half)
            ]
        for k, value in enumerate(sums[0]):
            self.store(value, self.move(target, k * self.lanes), k)

    def loop(
        self, begin: list[list[str]], row: str, matrix: str, step: int, turns: int
    ) -> tuple[list[list[str]], str, str]:
        """Write a loop over most of the depth; return the sums and what is left."""
        w = self.w
        before, body, after = w.block, w.label("row"), w.label("after")
        w.jump(body)
        w.start(body)
        place = len(w.lines)
        running = [[w.fresh() for _ in chain] for chain in begin]
        names = [w.fresh() for _ in range(3)]
        sums = [list(chain) for chain in running]
        for k in range(step):
            chain = k % len(sums)
            sums[chain] = self.add(sums[chain], names[0], names[1], k)
        moved = [self.move(names[0], step), self.move(names[1], step * self.row)]
        more = w.let(f"add nuw nsw i64 {names[2]}, 1")
        pairs = [
            *((n, self.vector, x, y) for ns, xs, ys in zip(running, begin, sums, strict=True)
              for n, x, y in zip(ns, xs, ys, strict=True)),
            (names[0], "ptr", row, moved[0]),
            (names[1], "ptr", matrix, moved[1]),
            (names[2], "i64", "0", more),
        ]  # fmt: skip
        w.lines[place:place] = [
            f"  {name} = phi {kind} [ {x}, %{before} ], [ {y}, %{body} ]"
            for name, kind, x, y in pairs
        ]
        w.branch(w.let(f"icmp slt i64 {more}, {turns}"), body, after)
        w.start(after)
        return sums, moved[0], moved[1]

    def add(self, sums: list[str], row: str, matrix: str, k: int) -> list[str]:
        """Return sums with one step of the depth added."""
        w = self.w
        number = w.let(f"load {self.kind}, ptr {self.move(row, k)}, align {self.bytes}")
        one = w.let(f"insertelement {self.vector} poison, {self.kind} {number}, i64 0")
        order = f"<{self.lanes} x i32> zeroinitializer"
        everywhere = w.let(f"shufflevector {self.vector} {one}, {self.vector} poison, {order}")
        return [
            self.intrinsic(
                self.vector, "fmuladd", "", f"{self.vector} {everywhere}",
                f"{self.vector} {self.load(self.move(matrix, k * self.row + n * self.lanes), n)}",
                f"{self.vector} {total}",
            )
            for n, total in enumerate(sums)
        ]  # fmt: skip

    def plus(self, x: str, y: str) -> str:
        """Return the sum of two vectors."""
        return self.w.let(f"fadd {self.vector} {x}, {y}")

    def move(self, pointer: str, count: int) -> str:
        """Return the place of a number so many further on."""
        if not count:
            return pointer
        return self.w.let(f"getelementptr inbounds {self.kind}, ptr {pointer}, i64 {count}")

    def mask(self, n: int) -> str:
        """Return the lanes that there are of a vector of the row; nothing where all are."""
        left = self.columns - n * self.lanes
        if left >= self.lanes:
            return ""
        lanes = ", ".join(f"i1 {'true' if k < left else 'false'}" for k in range(self.lanes))
        return f"<{self.lanes} x i1> <{lanes}>"

    def load(self, place: str, n: int) -> str:
        """Load a vector of a row."""
        mask = self.mask(n)
        if not mask:
            return self.w.let(f"load {self.vector}, ptr {place}, align {self.bytes}")
        return self.intrinsic(
            self.vector, "masked.load", ".p0", f"ptr {place}", f"i32 {self.bytes}", mask,
            f"{self.vector} zeroinitializer",
        )  # fmt: skip

    def store(self, value: str, place: str, n: int) -> None:
        """Store a vector of a row."""
        mask = self.mask(n)
        if not mask:
            self.w.line(f"store {self.vector} {value}, ptr {place}, align {self.bytes}")
            return
        self.intrinsic(
            "void", "masked.store", ".p0", f"{self.vector} {value}", f"ptr {place}",
            f"i32 {self.bytes}", mask,
        )  # fmt: skip

    def intrinsic(self, result: str, name: str, end: str, *arguments: str) -> str:
        """Call an intrinsic of vectors."""
        return self.w.intrinsic(result, f"llvm.{name}.{self.suffix}{end}", *arguments)

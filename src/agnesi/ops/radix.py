"""Sorting by digits: the order of a line, from the last digit of its keys to the first.

A key is a number's bits, made such that unsigned integers are in the order of the numbers.  For
each digit: how many keys have which, hence where the first of them goes; then all keys go to their
places in turn, so that equal ones stay in order.  Digits that all keys share are passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, I64, U8, U16, U32, U64, DType
from agnesi.dims.dim import add, fresh_index, mul
from agnesi.loops.nodes import (
    Assign,
    For,
    If,
    Load,
    Read,
    Store,
    apply,
    fresh_local,
    index_of,
    index_scalar,
    literal,
    select,
)
from agnesi.loops.prims import Prim

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.dims.dim import Index, Size
    from agnesi.loops.nodes import Buffer, Scalar, Statement
    from agnesi.ops.families import Memory

# A digit has so many bits.
_BITS = 8
_DIGITS = 1 << _BITS
_UNSIGNED = {8: U8, 16: U16, 32: U32, 64: U64}


def sort_key(x: Scalar, *, descending: bool) -> Scalar:
    """Return an unsigned integer for a number; NaN comes last, 0 and -0 are equal."""
    kind = _UNSIGNED[8 if x.dtype is BOOL else x.dtype.bits]
    top = literal(1 << (kind.bits - 1), kind)
    if x.dtype.is_float:
        bits = select(x.equals(0), 0.0, x).bitcast(kind)
        negative = (bits & top).differs(0)
        key = bits ^ select(negative, literal(-1, kind), top)
        key = select(x.differs(x), literal(-1, kind), key)
    elif x.dtype.is_signed:
        key = x.bitcast(kind) ^ top
    else:
        key = x.cast(kind)
    return ~key if descending else key


class Radix:
    """One line being sorted: keys and their positions, twice, and counts of digits."""

    def __init__(self, at: Memory, dtype: DType, count: Size, share: tuple[Size, Size]) -> None:
        """Take memory.

        Args:
            at: where from.
            dtype: of the numbers.
            count: how many there are.
            share: how many lines are sorted at once, each in memory of its own; which this is.
        """
        lines, line = share
        self.kind = _UNSIGNED[8 if dtype is BOOL else dtype.bits]
        self.count = count
        self.passes = self.kind.bits // _BITS
        self.base = mul(line, mul(2, count))
        self.keys: Buffer = at.scratch("keys", self.kind, mul(lines, mul(2, count)))
        self.order: Buffer = at.scratch("order", I64, mul(lines, mul(2, count)))
        tables = self.passes * _DIGITS
        self.counts: Buffer = at.scratch("counts", I64, mul(lines, tables))
        self.table = mul(line, tables)
        self.source, self.target = (fresh_local(name, I64) for name in ("source", "target"))

    def loops(
        self, key: Callable[[Index], Scalar], put: Callable[[Index, Scalar], tuple[Statement, ...]]
    ) -> list[Statement]:
        """Return the loops that sort a line.

        Args:
            key: the key of an element.
            put: says what becomes of the position that came out at a place.
        """
        clear, first, last = (
            fresh_index("d", self.passes * _DIGITS),
            fresh_index("i", self.count),
            fresh_index("i", self.count),
        )
        own = fresh_local("key", self.kind)
        count: list[Statement] = [
            Assign(own, key(first)),
            Store(self.keys, add(self.base, first), Read(own)),
            Store(self.order, add(self.base, first), index_scalar(first)),
        ]
        for k in range(self.passes):
            slot = add(
                self.table, k * _DIGITS, self.digit(Read(own), literal(k * _BITS, self.kind))
            )
            count.append(Store(self.counts, slot, Load(self.counts, slot) + 1))
        found = Load(self.order, add(self.base, last, index_of(Read(self.source))))
        return [
            For(clear, (Store(self.counts, add(self.table, clear), literal(0, I64)),)),
            For(first, tuple(count)),
            Assign(self.source, literal(0, I64)),
            Assign(self.target, index_scalar(self.count)),
            self.by_digits(),
            For(last, put(last, found)),
        ]

    def digit(self, key: Scalar, shift: Scalar) -> Size:
        """Return a digit of a key, as part of an offset."""
        return index_of((apply(Prim.SHR, key, shift) & (_DIGITS - 1)).cast(I64))

    def by_digits(self) -> Statement:
        """Return the loop over digits, from the last on."""
        turn = fresh_index("turn", self.passes)
        shift = fresh_local("shift", self.kind)
        table = add(self.table, mul(turn, _DIGITS))
        some = self.digit(Load(self.keys, self.from_source(0)), Read(shift))
        shared = Load(self.counts, add(table, some)).equals(index_scalar(self.count))
        so_far, here = fresh_local("so_far", I64), fresh_local("here", I64)
        each = fresh_index("d", _DIGITS)
        slot = add(table, each)
        starts = (
            Assign(here, Load(self.counts, slot)),
            Store(self.counts, slot, Read(so_far)),
            Assign(so_far, Read(so_far) + Read(here)),
        )
        index, own, place = (
            fresh_index("i", self.count),
            fresh_local("key", self.kind),
            fresh_local("place", I64),
        )
        slot = add(table, self.digit(Read(own), Read(shift)))
        to = add(self.base, index_of(Read(self.target)), index_of(Read(place)))
        move = (
            Assign(own, Load(self.keys, self.from_source(index))),
            Assign(place, Load(self.counts, slot)),
            Store(self.counts, slot, Read(place) + 1),
            Store(self.keys, to, Read(own)),
            Store(self.order, to, Load(self.order, self.from_source(index))),
        )
        swap = (
            Assign(here, Read(self.source)),
            Assign(self.source, Read(self.target)),
            Assign(self.target, Read(here)),
        )
        body = (Assign(so_far, literal(0, I64)), For(each, starts), For(index, move), *swap)
        return For(
            turn,
            (Assign(shift, index_scalar(mul(turn, _BITS)).cast(self.kind)), If(~shared, body)),
        )

    def from_source(self, index: Size) -> Size:
        """Return the place of a key of the line as it is now."""
        return add(self.base, index, index_of(Read(self.source)))

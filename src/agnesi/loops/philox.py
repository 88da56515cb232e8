"""Philox4x32-10: random bits as a function of where they stand.

A *block* is four words of 32 bits, a function of a counter of four words and a key of two (Salmon
et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).  There is no state: element ``e`` of a
draw is computed from ``e`` and the draw's key, by whoever comes to it, in any order.

A word is held in 64 bits, for that is what its products have.

Which word of which block an element takes is such that a vector of blocks fills whole vectors of
results: :func:`place`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from agnesi.core.dtypes import U64
from agnesi.dims.dim import add, mul
from agnesi.dims.simplify import floordiv, mod
from agnesi.loops.nodes import index_scalar, literal, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.loops.nodes import Scalar

Words: TypeAlias = "tuple[Scalar, Scalar, Scalar, Scalar]"

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
# What is added to the words of the key from round to round.
WEYL = (0x9E3779B9, 0xBB67AE85)
MASK = 0xFFFFFFFF

# So many elements next to each other take the same word of as many blocks.
LANES = 16


def philox(counter: Words, key: tuple[Scalar, Scalar]) -> Words:
    """Return a block; all words are u64 that 32 bits hold."""
    a, b, c, d = counter
    first, second = key
    for turn in range(ROUNDS):
        if turn:
            first, second = ((k + w) & MASK for k, w in zip((first, second), WEYL, strict=True))
        x, y = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (y >> 32) ^ b ^ first, y & MASK, (x >> 32) ^ d ^ second, x & MASK
    return a, b, c, d


def halves(number: Scalar) -> tuple[Scalar, Scalar]:
    """Return the low and the high word of a u64."""
    return number & MASK, number >> 32


def block(index: Scalar, key: tuple[Scalar, Scalar], attempt: Scalar | int = 0) -> Words:
    """Return a block of a draw.

    Args:
        index: u64, which one.
        key: of the draw.
        attempt: of an element that draws until something fits, how often it has: u64.
    """
    zero = literal(0, U64)
    again = literal(attempt, U64) if isinstance(attempt, int) else attempt
    return philox((*halves(index), again, zero), key)


def derived_key(
    key: tuple[Scalar, Scalar], data: Scalar, purpose: Scalar | int
) -> tuple[Scalar, Scalar]:
    """Return the two words of a key that is made of another one.

    No draw uses a counter whose last word is 1.

    Args:
        key: what it is made of.
        data: u64, a number for each of the keys made of it.
        purpose: u64 of 32 bits that keeps apart what is done with the keys.
    """
    what = literal(purpose, U64) if isinstance(purpose, int) else purpose
    first, second, _, _ = philox((*halves(data), what, literal(1, U64)), key)
    return first, second


def place(element: Size, per_block: int) -> tuple[Size, Size]:
    """Return the block of an element, and which of the block's results it is.

    Elements come in stretches of ``LANES`` times ``per_block``: the first ``LANES`` of a stretch
    are the first results of as many blocks, the next ones the second results of the same blocks.

    before: element 0 1 2 ... 15 16 17 ...
    after:  block   0 1 2 ... 15  0  1 ...
            result  0 0 0 ...  0  1  1 ...

    Args:
        element: its number.
        per_block: how many results a block has.
    """
    stretch = LANES * per_block
    number = add(mul(floordiv(element, stretch), LANES), mod(element, LANES))
    return number, mod(floordiv(element, LANES), per_block)


def pick(which: Size, values: Sequence[Scalar]) -> Scalar:
    """Return one of some values."""
    if isinstance(which, int):
        return values[which]
    number = index_scalar(which)
    *rest, chosen = values
    for k, value in reversed(list(enumerate(rest))):
        chosen = select(number.equals(k), value, chosen)
    return chosen

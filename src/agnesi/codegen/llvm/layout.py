"""What the generated callable finds behind its ``self``: one block of 64-bit words.

The callable's ``self`` is a one-dimensional int64 NumPy array of these words.  Addresses live
there and nowhere in the code, so that the code can be kept on disk.
"""

from __future__ import annotations

from agnesi.core.record import record

# CPython and NumPy structures, 64-bit.
OBJECT_TYPE = 8
TUPLE_ITEMS = 24
ARRAY_DATA, ARRAY_NDIM, ARRAY_DIMS, ARRAY_STRIDES = 16, 24, 32, 40
ARRAY_DESCR, ARRAY_FLAGS = 56, 64
DESCR_BYTEORDER, DESCR_TYPE_NUMBER = 26, 28
C_CONTIGUOUS, ALIGNED = 0x1, 0x100

ARENA, ARENA_BYTES, BUSY, BIND, FAIL, ARRAY_TYPE, HOST = 0, 1, 2, 3, 4, 5, 6
# The address of two words for each input: its keyword, an interned string, and its default; 0 where
# it has none.
NAMES, HEADER = 7, 8

# Results of so many bytes get memory from our own allocator; NumPy's is faster for smaller ones.
LARGE = 2**16

# Which Python numbers `agnesi_scalar` takes: none, those that make a float, an integer, a bool.
NONE, FLOATS, SIGNED, UNSIGNED, BOOLS = 0, 1, 2, 3, 4

# What a meter counts, a word each: how often, nanoseconds, bytes, floating-point operations.
METER = 4

# Codes that the callable hands to its FAIL callback; requirements count from REQUIREMENT on.
OUT_OF_MEMORY, TOO_LARGE, NOT_BOUND, SIZES = 0, 1, 2, 3
REQUIREMENT = 1000


@record(frozen=True)
class Layout:
    """Where each word is."""

    constants: int
    shareds: int
    keys: int
    meters: int = 0

    @property
    def first_constant(self) -> int:
        """Pointers to constants' data."""
        return HEADER

    @property
    def first_shared(self) -> int:
        """Addresses of the cells that hold shared variables' arrays."""
        return HEADER + self.constants

    @property
    def first_turn(self) -> int:
        """Addresses of the words by which calls take turns with shared variables; odd: written."""
        return self.first_shared + self.shareds

    @property
    def first_key(self) -> int:
        """Keys of the returned dict."""
        return self.first_turn + self.shareds

    @property
    def first_meter(self) -> int:
        """Meters, of ``METER`` words each: the call's own, then one for each step."""
        return self.first_key + self.keys

    @property
    def words(self) -> int:
        """How many there are."""
        return self.first_meter + METER * self.meters

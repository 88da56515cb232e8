"""What code generation has to know of a machine; the runtime finds out about its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType


@record(frozen=True)
class Machine:
    """The vectors of a machine.

    Attributes:
        vector_bytes: of one vector register.
        registers: how many there are.
        masks: whether any part of a vector is loaded and stored as fast as the whole, by masks that
            have registers of their own.
        halves: whether it converts between float16 and float32 by an instruction.
    """

    vector_bytes: int = 16
    registers: int = 16
    masks: bool = False
    halves: bool = False

    def lanes(self, dtype: DType) -> int:
        """Return how many numbers a vector holds."""
        return self.vector_bytes // dtype.bytes

    def tile(self, dtype: DType) -> tuple[int, int]:
        """Return the rows and columns of the largest block of sums that stays in registers.

        Two vectors wide, it leaves registers for a row of the second operand and one number of the
        first.
        """
        rows = (self.registers - 3) // 2
        return rows - rows % 2, 2 * self.lanes(dtype)

    def is_thin(self, dtype: DType, columns: int) -> bool:
        """Whether so many columns leave at least a fifth of the vectors idle that cover them."""
        lanes = self.lanes(dtype)
        return 1 < columns < 2 * lanes and 4 * -(-columns // lanes) * lanes >= 5 * columns


# What every machine can do.
PLAIN = Machine()
AVX2 = Machine(vector_bytes=32, registers=16)
AVX512 = Machine(vector_bytes=64, registers=32, masks=True)
NEON = Machine(vector_bytes=16, registers=32)

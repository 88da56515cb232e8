"""Who may use a shared variable now: calls that let other Python threads run take turns.

A call that updates a variable is alone with it; calls that only read it may do so together.  Each
variable has two words: how many calls read it now, or -1 for one that updates it; and whether one
waits to update it, so that new readers let it pass.  They are changed only while the GIL is held,
which makes them cost next to nothing.  A call takes all its variables or none, and holds none while
it waits, without the GIL: so there is no deadlock.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from agnesi.runtime.machine import support

if TYPE_CHECKING:
    from collections.abc import Sequence


class Turn:
    """The two words of a variable, and tables with it alone: to read it, to write it."""

    def __init__(self) -> None:
        self.words = np.zeros(4, np.int64)
        self.address = self.words.ctypes.data
        self.words[2:] = self.entry(written=False), self.entry(written=True)
        _turns.add(self)

    def entry(self, written: bool) -> int:
        """Return what stands for it in a table: its address, odd where it is to be written."""
        return self.address + written

    def held(self, written: bool) -> Held:
        """Return the context in which one has the variable to oneself, or to read."""
        return Held(self.address + (24 if written else 16), 1, self)


class Held:
    """A context in which one has variables to oneself, or to read.

    Args:
        table: its address.
        count: of variables.
        kept: what has to stay alive.
    """

    def __init__(self, table: int, count: int, kept: object) -> None:
        self.table, self.count, self.kept = table, count, kept

    def __enter__(self) -> None:
        _native()[0](self.table, self.count, 1)

    def __exit__(self, *_: object) -> None:
        _native()[1](self.table, self.count)


_turns: WeakSet[Turn] = WeakSet()


def _forget() -> None:
    """In the child of a fork, calls of other threads are not there to end."""
    for turn in _turns:
        turn.words[:2] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def turns(entries: Sequence[int]) -> Held:
    """Return the context in which one has several variables to oneself, or to read."""
    table = np.array(entries, np.int64)
    return Held(table.ctypes.data, table.size, table)


@cache
def _native() -> tuple[Any, Any]:
    """Return the functions that take a turn and end it; the GIL is held while they run."""
    found = support()
    kinds = [ctypes.c_void_p, ctypes.c_int64]
    claim = ctypes.PYFUNCTYPE(None, *kinds, ctypes.c_int64)(found["agnesi_claim"])
    return claim, ctypes.PYFUNCTYPE(None, *kinds)(found["agnesi_end"])

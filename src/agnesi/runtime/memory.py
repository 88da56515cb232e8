"""Memory of arrays as Python sees it: what is held, giving it back, arrays made with it."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from agnesi.core.record import record
from agnesi.runtime.allocator import SMALL, usual_limit
from agnesi.runtime.machine import support
from agnesi.runtime.symbols import numpy_function

if TYPE_CHECKING:
    from collections.abc import Generator

    from agnesi.runtime.builtin import Words


@record(frozen=True)
class MemoryInfo:
    """How much memory large arrays take; made by :func:`memory_info`.

    All are of buffers of 64 KiB and more: smaller ones are left to the system's own allocator.

    Attributes:
        arrays: bytes of arrays that functions returned, and of shared variables.
        scratch: bytes that functions keep for what is neither returned nor kept.
        idle: bytes whose arrays are gone, kept for new ones.
        peak: most bytes held at once, idle ones among them, since the last ``release_memory``.
        buffers: how many are in use.
        idle_buffers: how many are idle.
        limit: bytes that may be idle.
    """

    arrays: int
    scratch: int
    idle: int
    peak: int
    buffers: int
    idle_buffers: int
    limit: int


def memory_info() -> MemoryInfo:
    """Return how much memory large arrays take.

    >>> x = ag.vector("x")
    >>> double = ag.function([x], 2 * x)
    >>> y = double(np.ones(1_000_000, np.float32))
    >>> before = ag.memory_info()
    >>> del y
    >>> after = ag.memory_info()
    >>> before.arrays - after.arrays == after.idle - before.idle > 4_000_000
    True
    """
    counts = np.zeros(7, np.int64)
    _native("agnesi_memory_counts", None, ctypes.c_void_p)(counts.ctypes.data)
    return MemoryInfo(*counts.tolist())


def release_memory() -> int:
    """Give memory that nothing uses back to the system: idle buffers, scratch of functions.

    A function that is running keeps its scratch memory.  Others get new memory when they are
    called again.

    Returns:
        How many bytes were given back.

    >>> ag.release_memory() >= 0
    True
    >>> ag.memory_info().idle
    0
    """
    for kept in list(_kept):
        kept.release()
    return _native("agnesi_memory_release", ctypes.c_int64)()


def set_idle_memory(most: int | None) -> None:
    """Say how many bytes of arrays that are gone may be kept for new ones.

    The oldest go first when there are more; 0 keeps none.

    Args:
        most: bytes; None for what the environment variable ``AGNESI_IDLE_MEMORY`` says (in MiB), or
            else 1 GiB or a quarter of the machine's memory, whichever is less.

    Raises:
        ValueError: the number is negative.

    >>> ag.set_idle_memory(100_000_000)
    >>> ag.memory_info().limit
    100000000
    >>> ag.set_idle_memory(None)
    """
    if most is not None and most < 0:
        raise ValueError(f"set_idle_memory: a number of bytes or None, not {most}")
    limit = usual_limit() if most is None else most
    _native("agnesi_memory_limit", None, ctypes.c_int64)(limit)


class Kept:
    """Memory that a function keeps between calls; goes when this goes.

    Native code takes it from the allocator, and may put more in its place.

    Args:
        words: where its address is, with two more numbers.
        index: of the address.
        size: index of the number of bytes.
        busy: index of the word that is 1 while the function runs.
    """

    def __init__(self, words: Words, index: int, size: int, busy: int) -> None:
        self.words, self.index = words, index
        start = words.ctypes.data
        self.places = [start + 8 * k for k in (index, size, busy)]
        self.give = _native("agnesi_give", None, ctypes.c_void_p)
        self.take_back = _native("agnesi_arena_release", ctypes.c_int64, *[ctypes.c_void_p] * 3)
        _kept.add(self)

    def release(self) -> int:
        """Take the memory back unless the function is running; return how many bytes."""
        return self.take_back(*self.places)

    def __del__(self) -> None:
        self.give(int(self.words[self.index]))


_kept: WeakSet[Kept] = WeakSet()


def _native(name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of the allocator; the GIL is held while it runs."""
    return ctypes.PYFUNCTYPE(result, *arguments)(support()[name])


@cache
def _capsule() -> Any:
    """Return what NumPy wants of those who manage memory."""
    return _native("agnesi_memory_capsule", ctypes.py_object)()


@contextmanager
def _ours() -> Generator[None]:
    """Let NumPy make arrays with memory of the allocator inside a block."""
    choose = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(
        numpy_function("PyDataMem_SetHandler")
    )
    usual = choose(_capsule())
    try:
        yield
    finally:
        choose(usual)


def copied(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return a copy in C order, in memory of the allocator where it is large."""
    if array.size * dtype.itemsize < SMALL:
        return np.array(array, dtype=dtype, order="C", copy=True)
    with _ours():
        return np.array(array, dtype=dtype, order="C", copy=True)

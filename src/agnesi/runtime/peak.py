"""What this machine could do at best, measured: what a profile compares kernels with."""

from __future__ import annotations

import ctypes
import threading
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.record import record
from agnesi.runtime.machine import blas_on_pool
from agnesi.runtime.symbols import blas
from agnesi.runtime.threads import get_threads

if TYPE_CHECKING:
    from collections.abc import Callable

# Products of so many rows and columns take OpenBLAS near to its best, and a few milliseconds.
_ROWS = 768
# More than caches hold.
_BYTES = 2**26


@record(frozen=True)
class Peak:
    """The best of a machine with so many threads.

    Attributes:
        flops: operations on float32 in a second, as products of large matrices reach; those on
            float64 are half as many.
        bandwidth: bytes that are read or written in a second by copies of what caches do not hold.
    """

    flops: float
    bandwidth: float


def peak() -> Peak:
    """Return the machine's best with the present number of threads: measured once, in 0.2 s."""
    return _measured(get_threads())


@cache
def _measured(count: int) -> Peak:
    return Peak(_best_product(), _best_copy(count))


def _best_product() -> float:
    blas_on_pool()
    a = np.ones((_ROWS, _ROWS), np.float32)
    c = np.empty_like(a)
    multiply = blas().scipy_cblas_sgemm
    n, one, zero = _ROWS, ctypes.c_float(1), ctypes.c_float(0)
    places = [ctypes.c_void_p(x.ctypes.data) for x in (a, a, c)]

    def product() -> None:
        first, second, result = places
        multiply(101, 111, 111, n, n, n, one, first, n, second, n, zero, result, n)

    return 2 * n**3 / _least(product)


def _best_copy(count: int) -> float:
    size = _BYTES // count
    pairs = [(np.zeros(size, np.uint8), np.zeros(size, np.uint8)) for _ in range(count)]

    def copies() -> None:
        # NumPy copies without the GIL.
        others = [threading.Thread(target=np.copyto, args=pair) for pair in pairs[1:]]
        for thread in others:
            thread.start()
        np.copyto(*pairs[0])
        for thread in others:
            thread.join()

    return 2 * size * count / _least(copies)


def _least(do: Callable[[], None], times: int = 8) -> float:
    found: list[float] = []
    for _ in range(times):
        start = perf_counter()
        do()
        found.append(perf_counter() - start)
    return min(found)

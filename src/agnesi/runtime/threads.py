"""How many threads a call may use.

The environment variable ``AGNESI_THREADS`` says so; where it is not set, ``OMP_NUM_THREADS`` or
``OPENBLAS_NUM_THREADS``; where none is, the CPUs that this process may use.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any

from agnesi.core import knobs
from agnesi.runtime import groups
from agnesi.runtime.pool import MOST_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_chosen: list[int] = []
# Who has to know of the number: told now and at each change.
_listeners: list[Callable[[int], None]] = []
_OTHERS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def get_threads() -> int:
    """Return how many threads a call may use.

    >>> ag.get_threads() >= 1
    True
    """
    if not _chosen:
        _chosen.append(min(_by_environment() or available(), MOST_THREADS))
    return _chosen[0]


def set_threads(number: int) -> None:
    """Say how many threads a call may use, from the next call on; 1 is the caller's alone.

    The default are the CPUs that this process may use, or what ``AGNESI_THREADS`` says, or else
    ``OMP_NUM_THREADS`` or ``OPENBLAS_NUM_THREADS``.  Results do not depend on it.

    Raises:
        ValueError: the number is not one of 1 to 256.

    >>> before = ag.get_threads()
    >>> ag.set_threads(1)
    >>> ag.get_threads()
    1
    >>> ag.set_threads(before)
    """
    given: Any = number
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_THREADS:
        raise ValueError(f"set_threads takes a number from 1 to {MOST_THREADS}, not {given!r}")
    _chosen[:] = [given]
    for listener in _listeners:
        listener(given)


def listen(listener: Callable[[int], None]) -> None:
    """Call a function with the number of threads, now and whenever it changes."""
    _listeners.append(listener)
    listener(get_threads())


def _by_environment() -> int | None:
    """Return the number that an environment variable gives.

    Raises:
        ValueError: ``AGNESI_THREADS`` is no number of threads.
    """
    if knobs.THREADS.value:
        number = knobs.THREADS.number
        if not 1 <= number <= MOST_THREADS:
            raise ValueError(
                f"{knobs.THREADS.variable} is {number}, but takes a number from 1 to {MOST_THREADS}"
            )
        return number
    for name in _OTHERS:
        # A list, "4,2", is for nested parallelism: the first counts.
        first = os.environ.get(name, "").split(",")[0].strip()
        if first.isdigit() and int(first) > 0:
            return int(first)
    return None


@cache
def available() -> int:
    """Return how many CPUs this process may use."""
    if sys.platform == "linux":
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _quota()
    return max(1, count if quota is None else min(count, quota))


def _quota(root: str = groups.ROOT, membership: str = groups.MEMBERSHIP) -> int | None:
    """Return the CPUs that Linux control groups leave to this process, if they limit them."""
    limits = [n for folder in groups.folders(root, membership) for n in _limit(folder)]
    return ceil(min(limits)) if limits else None


def _limit(folder: Path) -> list[float]:
    """Return the CPUs that one control group allows, in the form of version 2 or 1."""
    pair = groups.words(folder / "cpu.max")
    if not pair:
        pair = [n for m in ("quota", "period") for n in groups.words(folder / f"cpu.cfs_{m}_us")]
    if len(pair) != 2 or not all(n.isdigit() for n in pair) or not int(pair[1]):
        return []
    return [int(pair[0]) / int(pair[1])]

"""Where the time of functions goes: calls, and what compiling took."""

from __future__ import annotations

import sys
import time
from typing import Any


class ProfileStats:
    """How often a function was called and how long it took.

    Attributes:
        fct_callcount: calls.
        fct_call_time: seconds in calls.
        compile_time: seconds of compiling.
    """

    def __init__(self, atexit_print: bool = False, **_: Any) -> None:
        self.atexit_print = atexit_print
        self.fct_callcount, self.fct_call_time, self.compile_time = 0, 0.0, 0.0
        self.message: str | None = None
        self._function: Any = None

    def summary(self, file: Any = None, **_: Any) -> None:
        """Print it."""
        out = file or sys.stderr
        each = self.fct_call_time / max(self.fct_callcount, 1)
        print(f"Function profiling\n==================\n  Message: {self.message}", file=out)
        print(
            f"  Time in {self.fct_callcount} calls to Function.__call__: "
            f"{self.fct_call_time:e}s\n  Time of a call: {each:e}s\n"
            f"  Total compile time: {self.compile_time:e}s",
            file=out,
        )
        if self._function is not None:
            print(self._function.fn.explain(), file=out)


class ScanProfileStats(ProfileStats):
    """The same of a scan, which is part of its function here."""


def profiled(function: Any, given: Any) -> None:
    """Have a function note its calls."""
    stats = given if isinstance(given, ProfileStats) else ProfileStats()
    stats.message, stats._function = function.name, function
    stats.compile_time += function.fn.compile_seconds
    function.profile = stats
    inner = type(function).__call__

    def called(self: Any, *args: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            native = getattr(inner, "__get__", None)
            return inner(self, *args, **named) if native else inner(*args, **named)
        finally:
            stats.fct_callcount += 1
            stats.fct_call_time += time.perf_counter() - start

    function.__class__ = type("Function", (type(function),), {"__call__": called})


def print_global_stats() -> None:
    """Nothing is kept over all functions."""
    print("agnesi keeps no statistics over all functions: use f.profile.summary()")

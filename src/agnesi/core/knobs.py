"""Knobs: what is shown, checked or kept, never what is computed.

Each reads its environment variable when asked for, and can be set for a block of code with
:func:`setting`.  The table in ``docs/debugging.md`` is made from ``KNOBS``.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Generator


@record(frozen=True)
class Knob:
    """One environment variable: its values and what it does."""

    name: str
    values: str
    does: str
    default: str = ""

    @property
    def variable(self) -> str:
        """The environment variable, such as ``AGNESI_DUMP``."""
        return "AGNESI_" + self.name.upper()

    @property
    def value(self) -> str:
        """What is in force now: the innermost ``setting``, else the environment."""
        held = _settings.get().get(self.name)
        return os.environ.get(self.variable, self.default) if held is None else held

    @property
    def number(self) -> int:
        """The value as an integer.

        Raises:
            ValueError: it is not a number.
        """
        text = self.value or "0"
        if not text.lstrip("-").isdigit():
            raise ValueError(f"{self.variable} is {text!r}, but takes {self.values}")
        return int(text)

    @property
    def words(self) -> tuple[str, ...]:
        """The value as a comma-separated list."""
        return tuple(word for word in self.value.split(",") if word)


_settings: ContextVar[dict[str, str]] = ContextVar("settings", default={})  # noqa: B039

DUMP = Knob("dump", "graph, loops, llvm, asm, all", "write each stage as a numbered text file")
DUMP_FOLDER = Knob("dump_folder", "a folder", "where AGNESI_DUMP writes", "agnesi-dump")
TRACE = Knob("trace", "rules, passes", "print each rule that fired, each pass that changed")
TIME = Knob("time", "0, 1", "print seconds and node counts of each pass", "0")
VERIFY = Knob(
    "verify",
    "0, 1, 2",
    "1 checks the graph after each pass and the program, 2 each rule as well",
    "0",
)
BISECT = Knob("bisect", "a number", "only the first n rule applications happen", "-1")
INTERPRET = Knob("interpret", "graph, loops", "run without native code")
OPTIMISE = Knob("optimise", "0, 1, 2, 3", "how much effort LLVM takes: 0 compiles soonest", "3")
THREADS = Knob("threads", "1 to 256", "how many threads a call may use (ag.set_threads)")
CHECK_NAN = Knob("check_nan", "0, 1", "name the first node that makes a NaN", "0")
IDLE_MEMORY = Knob(
    "idle_memory",
    "MiB",
    "how much memory of arrays that are gone is kept for new ones; 1024 or a quarter of the "
    "machine's, whichever is less; read when first needed",
)
CACHE = Knob("cache", "a folder, 0, 1", "where machine code is kept, if at all", "1")
CACHE_SIZE = Knob("cache_size", "MiB", "what was used longest ago goes when there is more", "256")

KNOBS = (
    DUMP,
    DUMP_FOLDER,
    TRACE,
    TIME,
    VERIFY,
    BISECT,
    INTERPRET,
    OPTIMISE,
    THREADS,
    CHECK_NAN,
    IDLE_MEMORY,
    CACHE,
    CACHE_SIZE,
)


@contextmanager
def setting(**values: str | int) -> Generator[None]:
    """Hold knobs at these values inside a block, whatever the environment says.

    Raises:
        ValueError: there is no such knob.
    """
    known = {knob.name for knob in KNOBS}
    for name in values:
        if name not in known:
            raise ValueError(f"setting: there is no knob {name!r}; there are {sorted(known)}")
    held = {name: str(value) for name, value in values.items()}
    token = _settings.set({**_settings.get(), **held})
    try:
        yield
    finally:
        _settings.reset(token)

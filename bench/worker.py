"""A process of one library: builds rows and times their calls, as it is told on its input.

One JSON object a line comes in, one goes out on what was standard output; whatever a library prints
goes to standard error.

- ``{"do": "load", "row": NAME, "tiny": false, "out": FILE}`` builds a row, saves its outputs and
  answers with the seconds of a call.
- ``{"do": "time", "calls": N}`` answers with the seconds of a call and the share of the time that
  threads waited for a core.
- ``{"do": "drop"}`` forgets the row.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench import libraries
from bench.rows import BY_NAME

TASKS = Path("/proc/self/task")
LEAD = 0.008  # seconds of calls before those that count: pools wake up, caches fill


class Worker:
    """Holds one row of one library."""

    def __init__(self, library: str, threads: int, *, realtime: bool) -> None:
        self.side = libraries.side(library, threads)
        self.realtime = realtime
        self.program: libraries.Program | None = None

    def load(self, row: str, out: str, *, tiny: bool) -> dict[str, Any]:
        """Build a row, run it once, save what came out, and see how long a call takes."""
        wanted = BY_NAME[row].tiny() if tiny else BY_NAME[row]
        start = perf_counter()
        program = self.side.build(wanted, wanted.make())
        result = program.call(*program.given)
        built = perf_counter() - start
        np.savez(out, *program.outputs(result))
        del result
        times: list[float] = []
        end = perf_counter() + (0.01 if tiny else 0.15)
        while len(times) < 3 or perf_counter() < end:
            start = perf_counter()
            program.call(*program.given)
            times.append(perf_counter() - start)
        self.program = program
        return {"seconds": max(median(times), 1e-8), "built": built}

    def time(self, calls: int) -> dict[str, Any]:
        """Time some calls."""
        assert self.program is not None
        call, given = self.program.call, self.program.given
        gc.collect()
        gc.disable()
        if self.realtime:
            schedule(os.SCHED_RR, 2)
        end = perf_counter() + LEAD
        call(*given)
        while perf_counter() < end:
            call(*given)
        waited = waiting()
        start = perf_counter()
        for _ in range(calls):
            call(*given)
        seconds = perf_counter() - start
        waited = waiting() - waited
        if self.realtime:
            schedule(os.SCHED_OTHER, 0)
        gc.enable()
        return {"seconds": seconds / calls, "waited": waited / seconds}

    def drop(self) -> dict[str, Any]:
        """Forget the row."""
        self.program = None
        gc.collect()
        return {}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked; errors are answers."""
        do = question.pop("do")
        try:
            return {"ok": True, **getattr(self, do)(**question)}
        except libraries.Missing:
            return {"ok": False, "missing": True}
        except Exception as error:
            self.program = None
            return {"ok": False, "error": f"{type(error).__name__}: {error}"[:500]}


def waiting() -> float:
    """Return the seconds that this process's threads waited for a core; 0 where none says."""
    total = 0
    for task in TASKS.glob("*/schedstat"):
        try:
            total += int(task.read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):  # a thread that ended meanwhile, a kernel that keeps none
            continue
    return total * 1e-9


def schedule(policy: int, priority: int) -> None:
    """Put every thread of this process under a scheduling policy."""
    for task in TASKS.iterdir():
        os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))


def main() -> None:
    """Answer until the input ends: ``worker LIBRARY THREADS REALTIME``."""
    library, threads, realtime = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    worker = Worker(library, int(threads), realtime=realtime == "1")
    answer: dict[str, Any] = {"ok": True, "version": worker.side.version()}
    print(json.dumps(answer), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main()

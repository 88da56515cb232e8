"""Our own benchmarks: every row of ``bench/rows.py`` beside the peers that are there.

pytest-benchmark chooses what runs, keeps the statistics of agnesi's samples and compares commits
(``--benchmark-autosave``, ``--benchmark-compare``).  Peers are timed between the samples, in turn;
what they took is in ``extra_info``.  ``python -m bench`` runs this file.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from bench.contest import CLOCK, Stage, run_fresh
from bench.libraries import LIBRARIES
from bench.machine import limits_alone
from bench.results import OURS
from bench.rows import BY_NAME, ROWS, Row

if TYPE_CHECKING:
    from pathlib import Path

measured = pytest.mark.benchmark(timer=CLOCK)
FRESH = ("call.g30", "mlp.b60")
# Peers whose fresh processes are worth the wait: the others have no caches, or compile for minutes.
FRESH_PEERS = ("numpy", "torch", "jax", "tensorflow", "drjit")


def test_limits(threads: int, pytestconfig: pytest.Config, benchmark: Any):
    """What the machine can do at most, in this run."""
    realtime = bool(pytestconfig.getoption("--realtime"))

    def limits() -> dict[str, float]:
        return limits_alone(threads, realtime=realtime)

    found = benchmark.pedantic(limits, rounds=1, iterations=1)
    benchmark.extra_info |= {"threads": threads, "limits": found}


@measured
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row, stage: Stage, threads: int, tiny: bool, benchmark: Any):
    contest = stage.load(row)
    rounds = 2 if tiny else contest.rounds()
    benchmark.pedantic(contest.ours, setup=contest.theirs, rounds=rounds, iterations=1)
    stage.unload()
    note(benchmark, row.name, threads, contest.medians(), stage)
    benchmark.extra_info |= {"noisy": contest.noisy(), "failed": contest.failed}


def note(benchmark: Any, row: str, threads: int, medians: dict[str, float], stage: Stage) -> None:
    """Keep what the page shows."""
    versions = {name: process.version for name, process in stage.processes.items()}
    benchmark.extra_info |= {
        "row": row,
        "threads": threads,
        "medians": medians,
        "versions": versions,
    }


class Fresh:
    """Fresh processes of every library, taken in turn.

    ``figure`` is what is measured of each, in seconds or bytes.  Each library has a folder for its
    caches; ``cold`` takes a new one every time.
    """

    def __init__(self, stage: Stage, row: str, figure: str, folder: Path, *, cold: bool) -> None:
        self.stage, self.row, self.figure, self.cold = stage, row, figure, cold
        self.folder, self.count = folder, 0
        self.found: dict[str, list[float]] = {}
        self.failed: dict[str, str] = {}

    def run(self, library: str) -> float | None:
        """Start one process; None if the library does not have the row."""
        self.count += 1
        home = self.folder / (f"{library}-{self.count}" if self.cold else library)
        home.mkdir(exist_ok=True)
        answer = run_fresh(self.stage, library, self.row, home)
        if not answer["ok"]:
            if not answer.get("missing"):
                self.failed[library] = answer["error"]
            return None
        self.found.setdefault(library, []).append(answer[self.figure])
        return answer[self.figure]

    def peers(self) -> list[str]:
        """Return the peers that take part."""
        known = [n for n in FRESH_PEERS if n in LIBRARIES and n in self.stage.where]
        return [n for n in known if n not in self.failed]

    def theirs(self) -> None:
        """Run every peer."""
        for library in self.peers():
            self.run(library)

    def ours(self) -> None:
        """Run agnesi; the clock goes on."""
        figure = self.run(OURS)
        assert figure is not None, self.failed
        CLOCK.now += figure


def measure_fresh(fresh: Fresh, name: str, benchmark: Any, *, tiny: bool) -> None:
    """Take some processes of each library, and keep the medians."""
    rounds = 1 if tiny else 3
    benchmark.pedantic(fresh.ours, setup=fresh.theirs, rounds=rounds, iterations=1)
    medians = {library: median(values) for library, values in fresh.found.items()}
    note(benchmark, name, fresh.stage.threads, medians, fresh.stage)
    benchmark.extra_info |= {"noisy": [], "failed": fresh.failed}


@measured
@pytest.mark.parametrize("state", ["cold", "warm"])
@pytest.mark.parametrize("row", FRESH)
def test_first_result(row: str, state: str, stage: Stage, caches: Path, tiny: bool, benchmark: Any):
    """Seconds from the start of a process to its first result."""
    assert row in BY_NAME
    fresh = Fresh(stage, row, "wall", caches, cold=state == "cold")
    if state == "warm":
        fresh.theirs()
        fresh.run(OURS)
        fresh.found.clear()
    measure_fresh(fresh, f"first.{row}.{state}", benchmark, tiny=tiny)


@measured
def test_import(stage: Stage, caches: Path, tiny: bool, benchmark: Any):
    """Seconds of importing a library, NumPy not yet there."""
    fresh = Fresh(stage, "call.add10", "imported", caches, cold=False)
    measure_fresh(fresh, "first.import", benchmark, tiny=tiny)


@measured
def test_memory(stage: Stage, caches: Path, tiny: bool, benchmark: Any):
    """Bytes by which the first call raises the process's peak: 40 MB of them are the result."""
    fresh = Fresh(stage, "chain.f32.1e7", "peak", caches, cold=False)
    measure_fresh(fresh, "memory.chain.1e7", benchmark, tiny=tiny)

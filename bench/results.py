"""Results: what one run measured on one machine, as a small JSON file that git keeps."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import exp, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench" / "results"
OURS = "agnesi"
# They compile nothing.
EAGER = {"numpy", "numpy_skx", "numexpr", "torch", "torch_cl", "torch_lib"}

Row = dict[str, float]  # a library's seconds (or bytes), by its name


@dataclass
class Results:
    """One run.

    Attributes:
        suite: "own" (``make bench``) or "shared" (the suite of ``../shared/bench``).
        date: when it ended, UTC.
        commit: of agnesi; a + says that files had changed since.
        machine: what ``bench.machine.describe`` returned in the run.
        versions: of each library.
        rows: medians by number of threads, row and library; seconds, or bytes in rows of memory.
        noisy: "threads/row/library" of medians over few undisturbed samples.
        failed: why a library has no figure, by the same keys.
        work: the least "flops" and "bytes" of a call, by row; of our own rows ``rows.py`` says it.
    """

    suite: str
    date: str
    commit: str
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: dict[str, dict[str, Row]]
    noisy: list[str] = field(default_factory=list[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    work: dict[str, Row] = field(default_factory=dict[str, Row])

    def save(self, path: Path) -> None:
        """Write the file; figures have four digits."""
        content = asdict(self)
        content["rows"] = {
            threads: {
                name: {library: float(f"{value:.4g}") for library, value in row.items()}
                for name, row in rows.items()
            }
            for threads, rows in self.rows.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf8")


def read(path: Path) -> Results:
    """Read a file."""
    return Results(**json.loads(path.read_text(encoding="utf8")))


def kept(suite: str, folder: Path = FOLDER) -> list[tuple[str, Results]]:
    """Return the kept results of a suite, each with its file's name, in the order of names."""
    found = [(path.stem, read(path)) for path in sorted(folder.glob("*.json"))]
    return [(name, results) for name, results in found if results.suite == suite]


def best_peer(name: str, row: Row, among: Iterable[str] = ()) -> str | None:
    """Return the library with the least figure but ours, None if there is none.

    In rows of first results (``first.``) only libraries that compile count.
    """
    wanted = set(among) or set(row)
    if name.startswith("first."):
        wanted -= EAGER
    peers = {n: v for n, v in row.items() if n != OURS and n in wanted}
    return min(peers, key=lambda peer: peers[peer]) if peers else None


def ratio(name: str, row: Row, among: Iterable[str] = ()) -> float | None:
    """Return the best peer's figure in ours: over 1, agnesi is ahead."""
    peer = best_peer(name, row, among)
    return None if peer is None or OURS not in row else row[peer] / row[OURS]


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean, 1 of nothing."""
    logarithms = [log(value) for value in values]
    return exp(sum(logarithms) / len(logarithms)) if logarithms else 1.0


def amount(value: float, name: str) -> str:
    """Return a figure of a row for readers."""
    if name.startswith("memory"):
        return f"{value / 1e6:.0f} MB"
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"

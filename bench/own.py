"""Runs our own benchmarks, prints them, and keeps what a whole run found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.results import FOLDER, OURS, ROOT, Results, amount, best_peer, geometric_mean, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RAW = ROOT / "build" / "bench" / "last.json"


def run(arguments: Sequence[str], raw: Path = RAW) -> tuple[int, Results | None]:
    """Run pytest on ``test_speed.py``; return its exit status and what was found."""
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", str(ROOT / "bench" / "test_speed.py")]
    command += ["-q", "-p", "no:cacheprovider", "--benchmark-quiet", f"--benchmark-json={raw}"]
    # Within a test of ours pytest-xdist would be found, and pytest-benchmark switch itself off.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run([*command, *arguments], cwd=ROOT, env=clean, check=False)
    status = done.returncode
    return status, read_raw(raw) if raw.exists() else None


def read_raw(raw: Path) -> Results:
    """Return what pytest-benchmark's file says, with this machine described."""
    content = json.loads(raw.read_text(encoding="utf8"))
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    results = Results("own", now, machine.commit(), {}, {}, {})
    results.machine = machine.describe(())
    for benchmark in content["benchmarks"]:
        take(results, benchmark["extra_info"])
    return results


def take(results: Results, info: dict[str, Any]) -> None:
    """Note one benchmark."""
    threads = str(info["threads"])
    if "limits" in info:
        results.machine["limits"][threads] = info["limits"]
        return
    row = info["row"]
    results.rows.setdefault(threads, {})[row] = info["medians"]
    results.versions |= info["versions"]
    results.noisy += [f"{threads}/{row}/{library}" for library in info["noisy"]]
    for library, why in info["failed"].items():
        results.failed[f"{threads}/{row}/{library}"] = why[:200]


def keep(results: Results, folder: Path = FOLDER) -> Path:
    """Write the results to where git keeps them, one file for a machine."""
    path = folder / f"{machine.slug(results.machine)}.json"
    results.save(path)
    return path


def show(results: Results) -> str:
    """Return a table for a terminal."""
    lines: list[str] = []
    for threads, rows in sorted(results.rows.items(), key=lambda item: -int(item[0])):
        names = sorted({n for row in rows.values() for n in row} - {OURS})
        head = f"threads: {threads}"
        lines += ["", f"{head:<22}{OURS:>10}" + "".join(f"{n:>24}" for n in names)]
        for name, row in rows.items():
            cells = [
                f"{amount(row[n], name):>14}{row[n] / row[OURS]:>8.2f} x" if n in row else " " * 24
                for n in names
            ]
            doubt = "~" if f"{threads}/{name}/{OURS}" in results.noisy else ""
            lines.append(f"{name:<22}{doubt + amount(row[OURS], name):>10}" + "".join(cells))
        ratios = [r for n, row in rows.items() if (r := ratio(n, row)) is not None]
        behind = [n for n, row in rows.items() if (ratio(n, row) or 1) < 1]
        lines.append(f"best peer's time in ours, geometric mean: {geometric_mean(ratios):.2f}")
        if behind:
            worst = (f"{n} ({best_peer(n, rows[n])} {ratio(n, rows[n]):.2f})" for n in behind)
            lines.append("behind: " + ", ".join(worst))
    lines += [f"failed: {key}: {why}" for key, why in results.failed.items()]
    return "\n".join(lines)

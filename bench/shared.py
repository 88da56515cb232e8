"""Reads what the shared suite wrote: ``out_t2.json`` and ``out_t1.json`` of its ``run.py``.

With ``latency.json`` and ``memory.json`` of its ``latency.py`` the rows of fresh processes are
there too: ``first.CASE.cold`` and ``.warm`` are seconds from the start of a process to its first
result, ``memory.CASE`` the bytes of its peak over what it held before it built anything.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.results import FOLDER, OURS, Results, Row

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read_runs(files: Iterable[Path]) -> Results:
    """Return the figures of some files of ``run.py``, each of one number of threads."""
    results = Results("shared", "", "", {}, {}, {})
    last = 0.0
    for path in files:
        content = json.loads(path.read_text(encoding="utf8"))
        threads = str(content["threads"])
        results.versions.update(content["versions"])
        rows = results.rows.setdefault(threads, {})
        for name, case in content["cases"].items():
            last = max(last, case.get("when", 0.0))
            row = rows.setdefault(name, {})
            results.work[name] = {k: case[k] for k in ("flops", "bytes") if case.get(k)}
            for library, entry in case["peers"].items():
                take(results, f"{threads}/{name}/{library}", row, library, entry)
    results.date = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M")
    return results


def take(results: Results, key: str, row: Row, library: str, entry: dict[str, Any]) -> None:
    """Note one library's figure, or why there is none."""
    if entry.get("na"):
        return
    if entry.get("err"):
        results.failed[key] = str(entry["err"])[:120]
    elif "median" in entry:
        row[library] = entry["median"]
        if entry.get("noisy"):
            results.noisy.append(key)


def read_latency(path: Path) -> dict[str, Row]:
    """Return the rows of first results."""
    rows: dict[str, Row] = {}
    for case, libraries in json.loads(path.read_text(encoding="utf8")).items():
        for library, states in libraries.items():
            for state in ("cold", "warm"):
                entry = states.get(state, {"ok": False})
                if entry["ok"]:
                    row = rows.setdefault(f"first.{case}.{state}", {})
                    row[library] = entry["wall_from_spawn_s"]
    return rows


def read_memory(path: Path) -> dict[str, Row]:
    """Return the rows of peak memory."""
    rows: dict[str, Row] = {}
    for case, libraries in json.loads(path.read_text(encoding="utf8")).items():
        for library, states in libraries.items():
            entry = states["cold"]
            if entry["ok"]:
                row = rows.setdefault(f"memory.{case}", {})
                row[library] = entry["peak_after"] - entry["rss_before"]
    return rows


def collect(
    runs: Iterable[Path],
    latency: Path | None = None,
    memory: Path | None = None,
    *,
    realtime: bool = False,
) -> Results:
    """Return all that the suite measured, with this machine described.

    Rows of libraries alone are left out: there is no ratio where agnesi has no figure.
    """
    results = read_runs(runs)
    most = str(max(map(int, results.rows)))
    if latency is not None:
        results.rows[most].update(read_latency(latency))
    if memory is not None:
        results.rows[most].update(read_memory(memory))
    for threads, rows in results.rows.items():
        results.rows[threads] = {name: row for name, row in rows.items() if OURS in row}
    shown = {name for rows in results.rows.values() for name in rows}
    results.work = {name: work for name, work in results.work.items() if name in shown}
    results.machine = machine.describe(tuple(sorted(map(int, results.rows))), realtime=realtime)
    results.commit = machine.commit()
    return results


def keep(results: Results, folder: Path = FOLDER) -> Path:
    """Write the results to where git keeps them, one file for a machine."""
    path = folder / f"shared-{machine.slug(results.machine)}.json"
    results.save(path)
    return path

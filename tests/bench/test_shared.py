"""What the shared suite wrote becomes a table, its goals beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bench import page, plots, results, shared

if TYPE_CHECKING:
    from pathlib import Path

CASES = {
    "red.softmax": {"agnesi": 2e-4, "torch": 3e-4, "numpy": 1e-3},
    "gemm.512": {"agnesi": 1e-3, "numpy": 9e-4},
    "call.add10": {"agnesi": 1e-7, "numpy": 8e-7},
    "rnn.h32": {"jax": 1e-3},
}


def case(row: dict[str, float]) -> dict[str, Any]:
    peers: dict[str, Any] = {n: {"median": s, "noisy": n == "torch"} for n, s in row.items()}
    peers |= {"tf": {"err": "check failed"}, "drjit": {"err": "no such thing", "na": True}}
    return {"peers": peers, "when": 1.76e9, "flops": None, "bytes": 4e6}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> results.Results:
    (tmp_path / "run").mkdir()
    for threads in (2, 1):
        content = {
            "threads": threads,
            "versions": {"agnesi": "agnesi 1", "numpy": "numpy 2"},
            "cases": {name: case(row) for name, row in CASES.items()},
        }
        (tmp_path / f"out_t{threads}.json").write_text(json.dumps(content))
    latency = {
        "mlp.b60": {
            "agnesi": {
                "cold": {"ok": True, "wall_from_spawn_s": 0.5},
                "warm": {"ok": True, "wall_from_spawn_s": 0.3},
            },
            "jax": {"cold": {"ok": True, "wall_from_spawn_s": 1.5}, "warm": {"ok": False}},
            "numpy": {"cold": {"ok": True, "wall_from_spawn_s": 0.1}},
        }
    }
    (tmp_path / "latency.json").write_text(json.dumps(latency))

    def described(_: tuple[int, ...], *, realtime: bool) -> dict[str, Any]:
        limits = {"fma_f32_GFLOPs": 100.0, "read_GBps": 20.0, "triad_GBps": 10.0}
        return {
            "cpu": "A CPU",
            "architecture": "znver9",
            "cores": 2,
            "caches": {"L1": 32768},
            "memory_GB": 8.0,
            "os": "Linux",
            "python": "3",
            "openblas": "OpenBLAS",
            "limits": {"1": limits, "2": limits},
        }

    monkeypatch.setattr("bench.machine.describe", described)
    runs = [tmp_path / "out_t2.json", tmp_path / "out_t1.json"]
    return shared.collect(runs, tmp_path / "latency.json")


def test_reading(measured: results.Results, tmp_path: Path):
    path = shared.keep(measured, tmp_path / "kept")
    assert path.name == "shared-a-cpu-znver9-2-cores.json"
    again = results.read(path)
    assert again.rows == measured.rows
    assert list(again.rows) == ["2", "1"]
    assert "rnn.h32" not in again.rows["2"], "no row without a figure of agnesi"
    assert again.failed["2/red.softmax/tf"] == "check failed"
    assert not any("drjit" in key for key in again.failed)
    assert again.rows["2"]["first.mlp.b60.cold"]["jax"] == 1.5
    assert set(again.rows["2"]["first.mlp.b60.warm"]) == {"agnesi"}


def test_table(measured: results.Results):
    rows = {
        line.split("`")[1]: [cell.strip() for cell in line.split("|")][2:-1]
        for line in page.goal_table(measured, "2", None).splitlines()[2:]
    }
    assert rows["red.softmax"] == [
        "200 us",
        "100% of memory",
        "torch",
        "~300 us",
        "1.50",
        "1.3",
        "yes",
    ]
    assert rows["gemm.512"] == ["1 ms", "20% of memory", "numpy", "900 us", "0.90", "1", "**no**"]
    assert rows["call.add10"] == [
        "100 ns",
        "200000% of memory",
        "numpy",
        "800 ns",
        "8.00",
        "4",
        "yes",
    ]
    assert rows["first.mlp.b60.cold"][1:] == [
        "",
        "jax",
        "1.5 s",
        "3.00",
        "2 against jax (3.00)",
        "yes",
    ]
    assert rows["first.mlp.b60.warm"][-2:] == ["at most 250 ms", "**no**"]
    mean = (1.5 * 0.9 * 8) ** (1 / 3)
    assert f"**{mean:.2f}**, ahead in 2" in page.summary(measured)
    assert "reached" not in page.goal_table(measured, "1", None)


def test_memory_is_taken_from_our_own_run(measured: results.Results):
    row = {"agnesi": 41e6, "numpy": 170e6}
    rows = {"memory.chain.1e7": row, "gemm.64": row}
    own = replace(measured, suite="own", rows={"2": rows})
    assert "gemm.64" not in page.goal_table(measured, "2", own), "one run's figures are its own"
    line = page.goal_table(measured, "2", own).splitlines()[-1]
    assert "| 41 MB |  | numpy | 170 MB | 4.15 | at most 44 MB | yes |" in line


def test_plot_has_every_row(measured: results.Results, tmp_path: Path):
    path = tmp_path / "plot.svg"
    plots.draw(measured, "2", path)
    text = path.read_text(encoding="utf8")
    for words in ("red.softmax", "1.50  torch", "gemm.512", "0.90  numpy", "3.00  jax"):
        assert words in text
    assert "first.mlp.b60.warm" not in text


def test_a_machine_has_one_file():
    for suite in ("shared", "own"):
        for name, kept in results.kept(suite):
            prefix = "shared-" if suite == "shared" else ""
            assert name.startswith(prefix)
            for threads in kept.rows:
                plot = plots.PLOTS / f"{name}-t{threads}.svg"
                text = plot.read_text(encoding="utf8")
                for row in plots.order(kept, threads):
                    peer = results.best_peer(row, kept.rows[threads][row])
                    value = results.ratio(row, kept.rows[threads][row])
                    assert row in text
                    assert f"{value:.2f}  {peer}" in text, f"{row}: run python -m bench page"

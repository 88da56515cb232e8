"""``make bench`` on a few elements, and what it makes of what it found."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench import contest, own, page, results
from bench.rows import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = {
    "cpu": "A CPU",
    "caches": {"L2": 1 << 20, "L3": 32 << 20},
    "limits": {
        "2": {
            "fma_f32_GFLOPs": 200.0,
            "read_GBps": 40.0,
            "triad_GBps": 50.0,
            "read_L2_GBps": 200.0,
            "triad_L2_GBps": 250.0,
            "read_L3_GBps": 100.0,
            "triad_L3_GBps": 100.0,
        }
    },
}


@pytest.fixture(scope="module")
def stage() -> Iterator[contest.Stage]:
    made = contest.Stage(
        {"agnesi": Path(sys.executable), "numpy": Path(sys.executable)}, 1, tiny=True
    )
    yield made
    made.close()


def test_a_run(tmp_path: Path):
    raw = tmp_path / "raw.json"
    status, found = own.run(["--tiny", "--threads=1", "-k", "add10 or embedding"], raw)
    assert status == 0
    assert found is not None
    assert set(found.rows["1"]) == {"call.add10", "embedding"}
    for row in found.rows["1"].values():
        assert 0 < row["agnesi"] < 1
        assert 0 < row["numpy"] < 1
    assert found.versions["numpy"] == f"numpy {np.__version__}"
    assert "call.add10" in own.show(found)


def test_contest_times_every_library(stage: contest.Stage):
    rounds = stage.load(BY_NAME["call.add10"])
    before = contest.CLOCK()
    for _ in range(3):
        rounds.theirs()
        rounds.ours()
    assert contest.CLOCK() - before == pytest.approx(sum(rounds.samples["agnesi"][1:]))
    assert len(rounds.samples["numpy"]) == 4
    assert set(rounds.medians()) == {"agnesi", "numpy"}
    stage.unload()


def test_what_a_library_lacks_is_told(stage: contest.Stage):
    process = stage.processes["numpy"]
    answer = process.ask({"do": "load", "row": "no such row", "out": "", "tiny": True})
    assert not answer["ok"]
    assert "no such row" in answer["error"]


def test_a_process_that_died_is_started_anew(stage: contest.Stage, tmp_path: Path):
    process = stage.processes["numpy"]
    process.process.kill()
    process.process.wait()
    out = str(tmp_path / "out.npz")
    assert process.ask({"do": "load", "row": "call.add10", "out": out, "tiny": True})["ok"]


def test_a_peer_that_dies_is_left_out(stage: contest.Stage):
    rounds = stage.load(BY_NAME["call.add10"])
    stage.processes["numpy"].process.kill()
    rounds.theirs()
    rounds.ours()
    assert "its process ended" in rounds.failed["numpy"]
    assert set(rounds.medians()) == {"agnesi"}


def test_a_library_that_does_not_start(capsys: pytest.CaptureFixture[str]):
    where = {"drjit": Path(sys.executable)}
    if find_spec("drjit"):
        pytest.skip("Dr.Jit is here")
    assert contest.Stage(where, 1).processes == {}
    assert "No module named 'drjit'" in capsys.readouterr().out


def test_fresh_process(stage: contest.Stage, tmp_path: Path):
    answer = contest.run_fresh(stage, "agnesi", "call.g30", tmp_path)
    assert answer["ok"], answer
    assert 0 < answer["imported"] < answer["wall"]
    assert answer["peak"] >= 0


def test_wrong_results_are_seen():
    right = [np.arange(4.0), np.array([1, 2])]
    assert contest.difference(right, right, 1e-3) == ""
    assert "off by" in contest.difference([right[0] * 1.01, right[1]], right, 1e-3)
    assert "differs in 50.0%" in contest.difference([right[0], right[1] + [0, 1]], right, 1e-3)
    assert "shapes" in contest.difference([right[0][:2], right[1]], right, 1e-3)
    assert "off by" in contest.difference([right[0] * np.nan, right[1]], right, 1e-3)


def test_pythons_a_user_names(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch()
    one, two = (tmp_path / name / "bin" / "python" for name in ("one", "two"))
    assert contest.pythons(str(tmp_path)) == [one, two]
    assert contest.pythons(os.pathsep.join([str(one), str(tmp_path / "two")])) == [one, two]
    with pytest.raises(FileNotFoundError, match="no Python at"):
        contest.pythons(str(tmp_path / "three"))


def test_environment_has_no_pins(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    made = contest.environment(2)
    assert "OPENBLAS_CORETYPE" not in made
    assert made["AGNESI_THREADS"] == made["OMP_NUM_THREADS"] == "2"


def test_share_of_the_limit():
    found = results.Results("own", "", "", MACHINE, {}, {})

    def share(name: str, seconds: float) -> str:
        return page.limit_share(page.work_of(found, name), seconds, MACHINE, "2")

    assert share("gemm.1024", 2 * 1024**3 / 100e9) == "50% of FMA"
    assert share("chain.f32.1e7", 80e6 / 25e9) == "50% of memory"
    assert share("row.softmax", 2 * 4096e3 / 50e9) == "50% of L3"
    assert share("call.add10", 1e-7) == ""
    assert share("first.import", 1.0) == ""


def test_own_table():
    row = {"agnesi": 1e-3, "numpy": 2e-3, "jax": 0.5e-3}
    found = results.Results("own", "", "", MACHINE, {}, {"2": {"gemm.64": row}}, ["2/gemm.64/jax"])
    lines = page.own_table(found, "2").splitlines()
    assert lines[0] == "| row | agnesi | of the limit | numpy | jax |"
    assert lines[2] == "| `gemm.64` | 1 ms | 0% of FMA | 2.00 | ~0.50 |"

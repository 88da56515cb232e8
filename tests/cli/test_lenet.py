"""``agnesi lenet``: a small run on real digits, one that is interrupted, and what goes wrong."""

from __future__ import annotations

import csv
import json
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from agnesi.cli import app as app_module
from agnesi.cli import lenet_results
from agnesi.cli.lenet import Digits, train
from agnesi.datasets import load_mnist
from agnesi.training import read

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from agnesi.training import State

PICTURES = {"learning_curve.png", "filters.png", "confusion.png"}
FILES = {"metrics.csv", "metrics.jsonl", "results.json", "checkpoints"}


def lenet(data: Path, out: Path, *options: str) -> Result:
    small = ("--epochs", "4", "--batch", "16")
    return CliRunner().invoke(
        app_module.app, ["lenet", "--data", str(data), "--out", str(out), *small, *options]
    )


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "400")
        out = tmp_path_factory.mktemp("runs") / "lenet"
        return out, lenet(data, out)


def test_small_run(whole: tuple[Path, Result]):
    out, result = whole
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == PICTURES | FILES
    for name in PICTURES:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    measured = rows(out)
    assert [row["epoch"] for row in measured] == ["1", "2", "3", "4"]
    assert float(measured[-1]["train_loss"]) < 0.5 * float(measured[0]["train_loss"])
    assert "275 for training, 25 for validation, 100 for testing" in result.output
    assert "LeNet-5, 61,706 parameters" in result.output
    summary = json.loads((out / "results.json").read_text())
    assert summary["test_error"] < 0.5
    assert f"{summary['test_error']:.2%}, " in result.output
    best = min(measured, key=lambda row: float(row["valid_error"]))
    assert summary["best_epoch"] == int(best["epoch"])
    assert summary["valid_error"] == float(best["valid_error"])


def test_a_run_that_was_interrupted_goes_on(
    data: Path, tmp_path: Path, whole: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch
):
    def press(state: State) -> None:
        if state.step == 30:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(lenet_results, "train", partial(train, after_step=press))
        result = lenet(data, tmp_path)
    assert result.exit_code == 130
    assert "stopped by Ctrl-C in epoch 2 of 4" in result.output
    assert len(rows(tmp_path)) == 1
    again = lenet(data, tmp_path)
    assert again.exit_code == 1
    assert "holds a run already" in again.output and "--resume" in again.output
    result = lenet(data, tmp_path, "--resume")
    assert result.exit_code == 0, result.output
    assert "going on from" in result.output
    assert rows(tmp_path) == rows(whole[0])
    for name in ("best.safetensors", "step-000000072.safetensors"):
        found, expected = (read(out / "checkpoints" / name)[0] for out in (tmp_path, whole[0]))
        assert {k: v.tobytes() for k, v in found.items()} == {
            k: v.tobytes() for k, v in expected.items()
        }


def test_digits_that_are_held_back_are_not_learnt_from(data: Path):
    loaded = load_mnist(data)
    digits = Digits.of(loaded, seed=3)
    learnt = {image.tobytes() for image in digits.train.images}
    assert len(digits.valid.labels) == 25
    assert not learnt & {image.tobytes() for image in digits.valid.images}
    other = Digits.of(loaded, seed=4)
    assert not np.array_equal(digits.valid.images, other.valid.images)


def test_missing_data_is_one_clean_message(tmp_path: Path):
    result = lenet(tmp_path / "nowhere", tmp_path / "out")
    assert result.exit_code == 1
    assert "MNIST" in result.output and "Traceback" not in result.output
    assert not (tmp_path / "out").exists()

"""``agnesi demo``: a small run on real digits, and what goes wrong."""

from __future__ import annotations

import csv
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from agnesi.cli import app as app_module
from agnesi.cli import results
from agnesi.cli.demo import Examples, Network, Recipe, train
from agnesi.datasets import load_mnist
from agnesi.training import Diverged, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from pathlib import Path

    from typer.testing import Result

RESULTS = {"metrics.csv", "metrics.jsonl", "learning_curve.png", "filters.png", "confusion.png"}


def demo(data: Path, out: Path, *options: str) -> Result:
    small = ("--epochs", "3", "--batch", "32", "--hidden", "24")
    return CliRunner().invoke(
        app_module.app, ["demo", "--data", str(data), "--out", str(out), *small, *options]
    )


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "metrics.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def test_small_run(data: Path, tmp_path: Path):
    """300 examples in minibatches of 32: the last one of an epoch holds 12."""
    out = tmp_path / "runs" / "demo"
    result = demo(data, out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == RESULTS
    for name in RESULTS - {"metrics.csv", "metrics.jsonl"}:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    measured = rows(out)
    assert [row["epoch"] for row in measured] == [1, 2, 3]
    assert measured[-1]["train_loss"] < 0.8 * measured[0]["train_loss"]
    assert measured[-1]["test_loss"] < measured[0]["test_loss"]
    assert all(0 <= row["test_error"] <= 1 for row in measured)
    assert "300 for training, 100 for testing" in result.output
    assert "784-24-10, 19,090 parameters" in result.output
    assert f"{measured[-1]['test_error']:.2%}" in result.output


def test_equal_seeds_give_equal_runs(data: Path, tmp_path: Path):
    runs: list[list[float]] = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert demo(data, tmp_path / name, "--epochs", "1", "--seed", seed).exit_code == 0
        runs.append([row["train_loss"] for row in rows(tmp_path / name)])
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-5)
    assert runs[0] != runs[2]


@pytest.mark.slow
def test_five_thousand_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AGNESI_DATA", raising=False)
    result = CliRunner().invoke(app_module.app, ["demo", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert rows(tmp_path)[-1]["test_error"] <= 0.05


def test_missing_data_is_one_clean_message(tmp_path: Path):
    result = demo(tmp_path / "nowhere", tmp_path / "out")
    assert result.exit_code == 1
    assert "the files of MNIST were not found" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_folder_for_results_that_cannot_be(data: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    result = demo(data, tmp_path / "file")
    assert result.exit_code == 1
    assert "the results cannot be written" in result.output


def test_without_matplotlib_nothing_starts(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def find_nothing(name: str) -> ModuleSpec | None:
        del name

    monkeypatch.setattr(app_module, "find_spec", find_nothing)
    result = demo(data, tmp_path / "out")
    assert result.exit_code == 1
    assert 'pip install "agnesi[demo]"' in result.output
    assert not (tmp_path / "out").exists()


def pressing(at: int) -> Callable[..., State]:
    """``train``, with somebody who presses Ctrl-C after so many steps."""

    def press(state: State) -> None:
        if state.step == at:
            os.kill(os.getpid(), signal.SIGINT)

    return partial(train, after_step=press)


def test_ctrl_c_leaves_what_was_measured(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(results, "train", pressing(25))
    result = demo(data, tmp_path)
    assert result.exit_code == 130
    assert "stopped by Ctrl-C in epoch 3 of 3" in result.output
    assert {path.name for path in tmp_path.iterdir()} == RESULTS
    assert len(rows(tmp_path)) == 2


def test_ctrl_c_at_once_leaves_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "train", pressing(1))
    result = demo(data, tmp_path)
    assert result.exit_code == 130
    assert "nothing is written" in result.output
    assert not list(tmp_path.iterdir())


def test_a_rate_too_high_diverges(data: Path):
    digits = load_mnist(data)
    examples = Examples.of(digits.train_images, digits.train_labels)
    recipe = Recipe(epochs=1, batch=32, rate=1e30, weight_decay=0.0, hidden=8)
    with pytest.raises(Diverged, match=r"loss is (nan|inf) in step ., minibatch . of epoch 1"):
        train(Network.build(recipe), examples, examples, recipe)


def test_divergence_is_one_clean_message(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def diverge(*_: object, **__: object) -> State:
        raise Diverged("the loss is nan in step 7")

    monkeypatch.setattr(results, "train", diverge)
    result = demo(data, tmp_path)
    assert result.exit_code == 1
    assert "the loss is nan in step 7" in result.output
    assert "Traceback" not in result.output

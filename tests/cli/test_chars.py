"""``agnesi chars``: a small run on a text of two sentences, and what goes wrong."""

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
from agnesi.cli import chars_results
from agnesi.cli.chars import Model, Recipe, Texts, measure, train, write
from agnesi.datasets import load_text
from agnesi.training import Diverged, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

RESULTS = {"metrics.csv", "metrics.jsonl", "results.json", "sample.txt", "learning_curve.png"}
LINES = ("the witch of agnesi\n", "is a curve of three letters\n")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("".join(LINES[k] for k in rng.integers(0, 2, 150)))
    return path


def chars(text: Path, out: Path, *options: str) -> Result:
    small = ("--units", "16", "--batch", "4", "--steps", "10", "--epochs", "2", "--rate", "0.02")
    return CliRunner().invoke(
        app_module.app, ["chars", "--text", str(text), "--out", str(out), *small, *options]
    )


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "metrics.csv").open() as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def test_small_run(text: Path, tmp_path: Path):
    out = tmp_path / "runs" / "chars"
    result = chars(text, out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == RESULTS
    assert (out / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    measured = rows(out)
    assert len(measured) == 8
    assert measured[-1]["characters"] == 2 * Texts.of(load_text(text), 4).train.size
    # Two sentences that take turns at random: half a bit for each, which is less than 0.1 a
    # character; without any learning it is more than 4.
    assert measured[-1]["valid_bits"] < 1.5 < measured[0]["valid_bits"]
    summary = json.loads((out / "results.json").read_text())
    assert summary["valid_bits"] == pytest.approx(measured[-1]["valid_bits"], abs=1e-3)
    written = (out / "sample.txt").read_text()
    assert len(written) == chars_results.WRITTEN
    assert set(written) <= set("".join(LINES))
    assert "1 layer of 16 lstm units" in result.output
    assert f"{summary['test_bits']:.3f} bits a character" in result.output
    assert written.splitlines()[1] in result.output


def test_states_are_carried(text: Path):
    """How a text is cut into minibatches does not matter, nor what was measured before."""
    texts = Texts.of(load_text(text), 3)
    recipe = Recipe(cell="gru", units=8, layers=2, embedding=5, columns=3)
    model = Model.build(recipe, len(texts.vocabulary))
    found = [measure(model, texts.valid, steps) for steps in (7, 50, 7)]
    np.testing.assert_allclose(found, found[0], rtol=1e-5)
    model.begin(model.states[1])
    whole = float(model.measure(texts.valid.inputs, texts.valid.targets))
    np.testing.assert_allclose(found[0], whole, rtol=1e-5)


def test_what_is_written_follows_the_model(text: Path):
    """A model that knows nothing draws from its biases; cold, it takes the likeliest."""
    texts = Texts.of(load_text(text), 3)
    recipe = Recipe(cell="irnn", units=4, embedding=5, columns=3)
    model = Model.build(recipe, len(texts.vocabulary))
    for parameter in model.parameters:
        parameter.set_value(np.zeros_like(parameter.get_value()))
    bias = np.log(np.arange(1, 1 + len(texts.vocabulary), dtype=np.float32))
    model.parameters[-1].set_value(bias)
    drawn = write(model, texts.vocabulary, 4000, 1.0)
    counts = [drawn.count(symbol) for symbol in texts.vocabulary.symbols]
    expected = 4000 * np.exp(bias) / np.exp(bias).sum()
    assert ((counts - expected) ** 2 / expected).sum() < 2 * len(counts)  # chi-squared
    assert set(write(model, texts.vocabulary, 50, 0.01)) == {texts.vocabulary.symbols[-1]}
    assert write(model, texts.vocabulary, 4000, 1.0) != drawn


def test_missing_data_is_one_clean_message(text: Path, tmp_path: Path):
    result = chars(tmp_path / "nowhere", tmp_path / "out")
    assert result.exit_code == 1
    assert "cannot be read" in result.output
    assert "Traceback" not in result.output
    result = CliRunner().invoke(app_module.app, ["chars", "--data", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "the files of Penn Treebank were not found" in result.output
    result = chars(text, tmp_path / "out", "--batch", "9999")
    assert result.exit_code == 1
    assert "cannot be cut into 9,999 streams" in result.output


def test_loss_that_is_no_number(text: Path):
    texts = Texts.of(load_text(text), 3)
    recipe = Recipe(cell="rnn", units=4, embedding=5, columns=3, epochs=1)
    model = Model.build(recipe, len(texts.vocabulary))
    model.parameters[0].set_value(np.full_like(model.parameters[0].get_value(), np.nan))
    with pytest.raises(Diverged, match="bits is nan in step 1, minibatch 1 of epoch 1"):
        train(model, texts, recipe)


@pytest.fixture(scope="module")
def built(text: Path) -> Model:
    """What the command builds for :func:`chars`."""
    texts = Texts.of(load_text(text), 4)
    return Model.build(Recipe(units=16, columns=4), len(texts.vocabulary))


@pytest.fixture
def training(built: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the command train a model that is there, by another function than its own."""

    def by(function: Callable[..., State]) -> None:
        monkeypatch.setattr(Model, "build", lambda *_: built)
        monkeypatch.setattr(chars_results, "train", function)

    return by


def test_ctrl_c_leaves_what_was_measured(text: Path, tmp_path: Path, training: Callable[..., None]):
    def press(state: State) -> None:
        if len(state.rows) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    training(partial(train, after_step=press))
    result = chars(text, tmp_path)
    assert result.exit_code == 130
    assert "stopped by Ctrl-C" in result.output
    assert {path.name for path in tmp_path.iterdir()} == RESULTS
    assert len(rows(tmp_path)) == 2


def test_divergence_and_full_disk_are_one_clean_message(
    text: Path, tmp_path: Path, training: Callable[..., None]
):
    for error, words in (
        (Diverged("the loss is nan"), "the loss is nan"),
        (OSError("no space left"), "the results cannot be written: no space left"),
    ):

        def fail(*_: object, error: Exception = error, **__: object) -> State:
            raise error

        training(fail)
        result = chars(text, tmp_path)
        assert result.exit_code == 1
        assert words in result.output
        assert "Traceback" not in result.output

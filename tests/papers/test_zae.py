"""Zero-bias autoencoders: a tiny run from end to end, stopped and gone on with, and the parts."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import agnesi as ag
from agnesi.cli import app as app_module
from agnesi.papers import Interrupted, Notebook, Request, find_paper, zae
from agnesi.papers.report import write_report
from agnesi.papers.zae import classifier, outcome
from agnesi.papers.zae.autoencoders import (
    KINDS,
    Autoencoder,
    contraction,
    first_weights,
    sparsity,
    tlin,
    trec,
)
from agnesi.papers.zae.classifier import Split, classify
from agnesi.papers.zae.experiments import WholeImages, localisation, prepare_patches
from agnesi.testing import check_gradient

if TYPE_CHECKING:
    from agnesi.datasets import LabelledImages
    from agnesi.papers.zae.recipes import Recipe

REQUEST = Request(quick=True, seeds=(0,))
SETTINGS = {"paper": "zae", "mode": "quick", "seeds": [0], "dataset": None}


def do(
    images: LabelledImages, recipe: Recipe, out: Path, *, resume: bool = False
) -> tuple[str, dict[str, Any]]:
    book = Notebook(out, SETTINGS, Console(file=io.StringIO()), resume=resume)
    found = zae.experiments(images, recipe, REQUEST, book)
    line = write_report(find_paper("zae"), REQUEST, found, book, "a machine")
    return line, json.loads((out / "results.json").read_text())


@pytest.fixture(scope="module")
def whole_run(
    stripes: LabelledImages, tiny: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("zae") / "run"
    do(stripes, tiny, out)
    return out


# -------------------------------------------------------------------------------------- the run
def test_report(whole_run: Path, tiny: Recipe):
    report = (whole_run / "report.md").read_text()
    results = json.loads((whole_run / "results.json").read_text())
    first = report.split("\n\n")
    assert first[0] == "# Zero-bias autoencoders and the benefits of co-adapting features"
    assert results["verdict"] in first[2]
    for words in ("made stripes", "--quick, seeds 0", "a machine", "not quoted"):
        assert words in report
    for picture in re.findall(r"\]\(([\w-]+\.png)\)", report):
        assert (whole_run / picture).read_bytes().startswith(b"\x89PNG")
    assert report.count(".png)") == len(tiny.patches.models) + 3
    for claim in results["claims"]:
        assert claim["quantity"] in report
        assert len(claim["values"]) == 1
        assert claim["mean"] == pytest.approx(np.mean(claim["values"]))
    held = [claim["holds"] for claim in results["claims"] if claim["gate"]]
    assert results["held"] == all(held)
    assert report.count("| **failed** |") == held.count(False)


def test_what_was_measured(whole_run: Path, tiny: Recipe):
    results = json.loads((whole_run / "results.json").read_text())
    patches = results["experiments"]["patches"]
    assert set(patches) == {model.key for model in tiny.patches.models}
    for key, seeds in patches.items():
        for record in seeds:
            assert 0 < record["error"] < 1.5, key
            assert 0.25 <= record["localisation"] <= 1
            assert len(record["drift"]["error"]) == tiny.patches.epochs
            assert ("negative" in record) == KINDS[key].biased
    for whole in tiny.wholes:
        found = results["experiments"][whole.name]
        assert set(found) == {model.key for model in whole.models}
        # Stripes are easy; four classes are a quarter by chance.
        assert max(record["accuracy"] for record in found["trec"]) > 0.5
    rows = (whole_run / "cells" / "patches" / "trec-seed0.jsonl").read_text().splitlines()
    assert len(rows) == tiny.patches.epochs


def test_stopped_by_ctrl_c_within_a_cell(
    stripes: LabelledImages,
    tiny: Recipe,
    whole_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    measured = 0
    measure = Autoencoder.measure

    def press(self: Autoencoder, x: Any) -> dict[str, float]:
        nonlocal measured
        measured += 1
        if measured == 7:  # the first epoch of the third model
            os.kill(os.getpid(), signal.SIGINT)
        return measure(self, x)

    monkeypatch.setattr(Autoencoder, "measure", press)
    with pytest.raises(Interrupted):
        do(stripes, tiny, tmp_path / "run")
    folder = tmp_path / "run" / "cells" / "patches"
    assert len(list(folder.glob("*.json"))) == 2
    assert len(list(folder.glob("denoising-seed0.checkpoints/*"))) == 1
    do(stripes, tiny, tmp_path / "run", resume=True)
    assert not list((tmp_path / "run").rglob("*.checkpoints"))
    same(tmp_path / "run", whole_run)


def test_ctrl_c_in_a_classifier_gives_no_result(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    x = rng.normal(size=(500, 3)).astype(np.float32)
    split = Split.of(x, labels, (x, labels), held_back=100)
    drawn = classifier.Minibatches.epoch

    def press(self: Any, number: int, start: int = 0) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return drawn(self, number, start)

    monkeypatch.setattr(classifier.Minibatches, "epoch", press)
    with pytest.raises(Interrupted):
        classify(split, (0.1,), classes=2, epochs=2, seed=0)


def same(run: Path, whole_run: Path) -> None:
    assert (run / "results.json").read_bytes() == (whole_run / "results.json").read_bytes()
    for path in whole_run.rglob("*.npz"):
        again = np.load(run / path.relative_to(whole_run))
        with np.load(path) as arrays:
            for name, array in arrays.items():
                np.testing.assert_array_equal(again[name], array)
        again.close()


KILLED = """
import io, os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from rich.console import Console
from tests.papers.conftest import made_images, tiny
from agnesi import training
from agnesi.papers import Notebook, Request, zae
from agnesi.training import checkpoints

saved = 0
save = training.Checkpoints.save

def save_and_die(self, *arguments):
    global saved
    saved += 1
    path = save(self, *arguments)
    if saved == {dies}:
        os.kill(os.getpid(), signal.SIGKILL)
    return path

training.Checkpoints.save = save_and_die
training.Checkpoints.is_due = lambda self, step: True
book = Notebook(Path({out!r}), {settings!r}, Console(file=io.StringIO()))
zae.experiments(made_images(), tiny.__wrapped__(), Request(True, (0,)), book)
"""


def test_killed_in_the_middle_of_an_epoch(
    stripes: LabelledImages, tiny: Recipe, whole_run: Path, tmp_path: Path
):
    root = str(Path(__file__).parents[2])
    # 2 epochs of 5 steps and one more save at the end of each cell: in the second epoch of the 3rd.
    out = str(tmp_path / "run")
    script = KILLED.format(root=root, out=out, settings=SETTINGS, dies=2 * 11 + 8)
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    folder = tmp_path / "run" / "cells" / "patches"
    assert len(list(folder.glob("*.json"))) == 2
    assert list(folder.glob("denoising-seed0.checkpoints/*"))
    do(stripes, tiny, tmp_path / "run", resume=True)
    same(tmp_path / "run", whole_run)


def test_a_claim_that_fails_is_reported_as_failed(
    stripes: LabelledImages,
    tiny: Recipe,
    whole_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The same measurements, but the claim turned round."""
    shutil.copytree(whole_run, tmp_path / "run")
    made = outcome.claims

    def turned(results: outcome.Results) -> tuple[Any, ...]:
        first, *others = made(results)
        turned = dataclasses.replace(first, relation="<=", limit=-1.0)
        return (turned, *(dataclasses.replace(claim, gate=False) for claim in others))

    monkeypatch.setattr(outcome, "claims", turned)
    line, results = do(stripes, tiny, tmp_path / "run", resume=True)
    assert line.startswith("The claim did not hold: 1 of 1 inequalities failed")
    assert results["held"] is False
    assert "| **failed** |" in (tmp_path / "run" / "report.md").read_text()


# --------------------------------------------------------------------------------- command line
def agnesi(*arguments: str) -> Any:
    return CliRunner().invoke(app_module.app, list(arguments), env={"COLUMNS": "300"})


def test_papers_are_listed():
    result = agnesi("papers")
    assert result.exit_code == 0
    assert "zae" in result.output
    assert "1402.3337" in result.output
    assert result.output.count("not there yet") == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["zea"], "Did you mean zae?"),
        (["nothing-like-it"], "There are zae,"),
        (["dvae"], "not there yet"),
        (["zae", "--quick", "--full"], "exclude each other"),
        (["zae", "--seeds", "one"], "Give numbers from 0 on"),
        (["zae", "--seeds", "1,1"], "none of them twice"),
        (["zae", "--dataset", "svhn"], "'svhn' cannot stand in"),
        (["zae", "--data", "no/such/folder"], "CIFAR-10 were not found in no/such/folder"),
    ],
)
def test_bad_calls(arguments: list[str], words: str, tmp_path: Path):
    result = agnesi("run", *arguments, "--out", str(tmp_path / "run"))
    assert result.exit_code == 1
    assert words in " ".join(result.stderr.split())


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    result = agnesi("run", "zae", "--data", str(tmp_path), "--out", str(tmp_path / "file" / "x"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_command_runs(
    stripes: LabelledImages,
    tiny: Recipe,
    whole_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(zae, "QUICK", tiny)
    monkeypatch.setitem(zae._LOADERS, "cifar10", lambda folder: stripes)
    out = tmp_path / "run"
    shutil.copytree(whole_run, out)
    for made in (*out.glob("*.png"), out / "report.md", out / "results.json"):
        made.unlink()
    shutil.rmtree(out / "cells" / "300-dimensions")
    result = agnesi("run", "zae", "--out", str(out), "--seeds", "0", "--resume")
    # So few examples do not show the claims.
    assert result.exit_code == 3, result.output
    assert "The claim did not hold" in result.output
    assert "report.md" in result.output
    same(out, whole_run)
    again = agnesi("run", "zae", "--out", str(out), "--seeds", "0")
    assert again.exit_code == 1
    assert "a finished run already" in again.stderr


# ------------------------------------------------------------------------------------- the parts
def test_units():
    a = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], np.float32)
    x = ag.input("x", "f32[n]")
    values = ag.function([x], [trec(x), tlin(x), *ag.grad((trec(x) + 3 * tlin(x)).sum(), [x])])
    rectified, linear, slope = values(a)
    np.testing.assert_array_equal(rectified, [0, 0, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(linear, [-2, 0, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(slope, [3, 0, 0, 0, 0, 0, 4])


def test_contraction_is_the_norm_of_the_jacobian():
    rng = np.random.default_rng(0)
    weights, cases = rng.normal(size=(4, 6)), rng.normal(size=(5, 4))
    x, w = ag.input("x", "f64[4]"), ag.constant(weights)
    jacobian = ag.function([x], ag.jacobian(ag.sigmoid(x @ w), x))
    expected = np.mean([np.square(jacobian(case)).sum() for case in cases])
    code = 1 / (1 + np.exp(-cases @ weights))
    made = contraction(ag.constant(code), w).eval()
    np.testing.assert_allclose(made, expected, rtol=1e-12)
    np.testing.assert_allclose(sparsity(ag.constant(code), w).eval(), code.sum(1).mean())


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_step_is_descent_with_momentum(kind: Any):
    """The first step against NumPy: forward, and the gradient by differences."""
    rng = np.random.default_rng(1)
    weights = rng.normal(0, 0.6, (5, 7)).astype(np.float32)
    x = rng.normal(size=(20, 5)).astype(np.float32)
    strength = 0.0 if kind.corrupts else 0.2  # nothing hidden: no random numbers in the reference
    made = Autoencoder.build(kind, weights, strength, seed=0)

    def cost(w: Any, b: Any, c: Any) -> float:
        a = x.astype(np.float64) @ w + b
        code = {
            "trec": a * (a > 1),
            "tlin": a * (a * a > 1),
            "sigmoid": 1 / (1 + np.exp(-a)),
            "contractive": 1 / (1 + np.exp(-a)),
        }.get(kind.name, np.maximum(a, 0))
        total = 0.5 * np.square(code @ w.T + c - x).sum(1).mean()
        if kind.name == "sparse":
            total += strength * code.sum(1).mean()
        if kind.name == "contractive":
            total += strength * (np.square(code * (1 - code)) @ np.square(w).sum(0)).mean()
        return float(total)

    zero = np.zeros(7), np.zeros(5)
    assert float(made.step(x, np.float32(0))) == pytest.approx(
        cost(weights.astype(np.float64), *zero), rel=1e-5
    )
    made.step(x, np.float32(0.5))
    moved = (weights - made.weights.get_value()) / 0.5
    tiny = 1e-6
    for row, column in ((0, 0), (3, 2), (4, 6)):
        up, down = weights.astype(np.float64), weights.astype(np.float64)
        up[row, column] += tiny
        down[row, column] -= tiny
        slope = (cost(up, *zero) - cost(down, *zero)) / (2 * tiny)
        assert moved[row, column] == pytest.approx(slope, rel=2e-3, abs=2e-4)
    assert (made.biases.get_value() != 0).any() == kind.biased


def test_denoising_hides_inputs_anew_in_each_step():
    x = np.ones((50, 4), np.float32)
    weights = np.eye(4, dtype=np.float32)
    made = Autoencoder.build(KINDS["denoising"], weights, 0.5, seed=3)
    costs = [float(made.step(x, np.float32(0))) for _ in range(6)]
    assert len(set(costs)) > 3
    # Each of 4 ones is hidden with probability 1/2, and then missed by 1: 0.5 * 4 / 2.
    assert np.mean(costs) == pytest.approx(1, abs=0.2)
    assert made.measure(x)["error"] == 0


def test_features_of_zero_bias_units_have_no_threshold():
    weights = np.eye(3, dtype=np.float32)
    made = Autoencoder.build(KINDS["tlin"], weights, 0.0, seed=0)
    x = np.array([[-2.0, 0.5, 2.0]], np.float32)
    np.testing.assert_array_equal(made.features_of(x), [[0, 0.5, 2]])
    assert made.measure(x)["active"] == pytest.approx(2 / 3)


def test_first_weights():
    x = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
    drawn = first_weights(x, 25, seed=1)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=0), 1, rtol=1e-5)
    scaled = first_weights(x, 6, seed=1, scale=0.1)
    assert all(any(np.allclose(column, 0.1 * row) for row in x) for column in scaled.T)


def test_localisation_of_a_corner_of_a_colour_picture():
    picture = np.zeros((1, 6, 6, 3))
    picture[0, 4:, :2] = 1
    assert localisation(picture) == pytest.approx(1)
    picture[0, 0, 5] = 2
    assert localisation(picture) == pytest.approx(0.5)


def test_patches_are_white(stripes: LabelledImages, tiny: Recipe):
    data = prepare_patches(stripes, tiny.patches)
    assert data.train.shape[0] == 500
    np.testing.assert_allclose(np.cov(data.train.T), np.eye(data.train.shape[1]), atol=1e-3)
    assert data.pictures(np.eye(data.train.shape[1], dtype=np.float32)).shape[1:] == (6, 6, 3)


def test_grey_images(stripes: LabelledImages, tiny: Recipe):
    grey = dataclasses.replace(
        stripes, train_images=stripes.train_images[..., 0], test_images=stripes.test_images[..., 0]
    )
    data = prepare_patches(grey, tiny.patches)
    shown = data.pictures(np.eye(data.train.shape[1], dtype=np.float32))
    assert shown.shape[1:] == (6, 6)
    assert (localisation(shown) >= 0.25).all()
    assert WholeImages(grey, 200, 9).prepare(9).pictures(np.eye(9, dtype=np.float32)).shape == (
        9,
        12,
        12,
    )


def test_fewer_dimensions_are_the_first_ones(stripes: LabelledImages):
    images = WholeImages(stripes, 200, 30)
    low, high = images.prepare(5), images.prepare(30)
    np.testing.assert_array_equal(low.train, high.train[:, :5])
    assert low.train.shape == (200, 5)
    pixels = images.prepare(None)
    assert pixels.train.shape == (200, 12 * 12 * 3)
    assert pixels.train.mean() == pytest.approx(0, abs=1e-4)
    assert pixels.train.std() == pytest.approx(1, abs=1e-3)


def test_classifier_chooses_the_decay_by_the_examples_held_back():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    x = (2.0 * np.eye(3)[labels] @ rng.normal(size=(3, 8)) + rng.normal(size=(600, 8))).astype("f4")
    split = Split.of(x[:500], labels[:500], (x[500:], labels[500:]), held_back=100)
    assert [len(part[0]) for part in (split.train, split.valid, split.test)] == [400, 100, 100]
    scores = classify(split, (0.01, 100.0), classes=3, epochs=20, seed=0)
    assert scores.decay == 0.01
    assert scores.test > 0.8


def test_gradient_of_the_units():
    a = np.array([-2.0, -0.3, 0.4, 1.7])
    check_gradient(lambda x: (trec(x) ** 2).sum() + tlin(x).sum(), a)

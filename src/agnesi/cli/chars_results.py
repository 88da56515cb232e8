"""``agnesi chars`` as it is seen: progress, table of results, written text, files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from agnesi.cli.chars import Model, Recipe, Texts, measure, train, write
from agnesi.cli.show import facts_table
from agnesi.datasets import Corpus
from agnesi.training import MetricsFiles, Progress, State, plots, write_atomically

WRITTEN = 1_000  # characters


def run(corpus: Corpus, recipe: Recipe, temperature: float, out: Path, console: Console) -> bool:
    """Train with a progress bar, show the results, write them to ``out``.

    Ctrl-C ends the training; what was measured until then is shown and written all the same.

    Returns:
        Whether the training came to its end.

    Raises:
        DatasetError: the text is too short for its streams.
        Diverged: the training loss is infinite or no number.
        OSError: ``out`` cannot be written.
    """
    texts = Texts.of(corpus, recipe.columns)
    console.print(Text(corpus.source))
    console.print(f"compiling {_network(recipe)} ...")
    model = Model.build(recipe, len(texts.vocabulary))

    shown: dict[str, Any] = {
        "metrics": MetricsFiles(out),
        "progress": Progress(console, lines=True),
    }
    state = train(model, texts, recipe, **shown)
    if not state.rows:
        console.print("nothing was measured, and nothing is written")
        return False
    _finish(_Outcome(corpus, texts, recipe, model, state), temperature, out, console)
    return state.ended == "done"


@dataclass
class _Outcome:
    """A run, at its end or where it was stopped."""

    corpus: Corpus
    texts: Texts
    recipe: Recipe
    model: Model
    state: State


def _finish(outcome: _Outcome, temperature: float, out: Path, console: Console) -> None:
    """Measure the test text, write some text, show and keep all of it."""
    model, texts, recipe = outcome.model, outcome.texts, outcome.recipe
    last = outcome.state.rows[-1]
    ended = last["step"] == outcome.state.step
    valid = last["valid_bits"] if ended else measure(model, texts.valid, recipe.steps)
    test = measure(model, texts.test, recipe.steps)
    text = write(model, texts.vocabulary, WRITTEN, temperature)
    shown = ["train_bits", "valid_bits"]
    curve = plots.learning_curves(outcome.state.rows, shown, x="characters", log=False)
    write_atomically(out / "learning_curve.png", curve)
    write_atomically(out / "sample.txt", text.encode())
    write_atomically(out / "results.json", _json(outcome, valid, test))
    console.print(Panel(Text(text), title=f"written at temperature {temperature:g}"))
    facts = _facts(outcome, valid, test)
    facts["files"] = (
        f"{out}/: metrics.csv, metrics.jsonl, results.json, sample.txt, learning_curve.png"
    )
    console.print(facts_table("agnesi chars", facts))


def _json(outcome: _Outcome, valid: float, test: float) -> bytes:
    """The results for programs: settings, and what came out."""
    summary = {
        "data": outcome.corpus.source,
        "recipe": asdict(outcome.recipe),
        "parameters": outcome.model.size,
        "characters": outcome.state.examples,
        "seconds": round(outcome.state.seconds, 2),
        "valid_bits": round(valid, 4),
        "test_bits": round(test, 4),
    }
    return f"{json.dumps(summary, indent=2)}\n".encode()


def _facts(outcome: _Outcome, valid: float, test: float) -> dict[str, str]:
    """The results in words."""
    texts, recipe, state, model = outcome.texts, outcome.recipe, outcome.state, outcome.model
    return {
        "data": outcome.corpus.source,
        "characters": f"{texts.train.size:,} for training, {texts.valid.size:,} for "
        f"validation, {texts.test.size:,} for testing; {len(texts.vocabulary)} different",
        "network": f"{_network(recipe)}, {model.size:,} parameters",
        "read": f"{state.examples:,} of {recipe.epochs * texts.train.size:,} characters, "
        f"{recipe.columns} streams of {recipe.steps} steps",
        "compilation": f"{model.step.compile_seconds:.2f} s for the training step",
        "training": f"{state.seconds:.1f} s",
        "speed": f"{state.examples_per_second:,.0f} characters/s",
        "validation": f"{valid:.3f} bits a character",
        "test": f"{test:.3f} bits a character",
    }


def _network(recipe: Recipe) -> str:
    layers = "1 layer" if recipe.layers == 1 else f"{recipe.layers} layers"
    return f"{layers} of {recipe.units} {recipe.cell} units"

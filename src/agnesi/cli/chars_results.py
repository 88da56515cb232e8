"""``agnesi chars`` as it is seen: progress, table of results, written text, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress
from rich.text import Text

from agnesi.cli import plots
from agnesi.cli.chars import Evaluation, Meter, Model, Recipe, Texts, measure, train, write
from agnesi.cli.show import csv_of, facts_table, progress_bar
from agnesi.datasets import Corpus
from agnesi.training.files import write_atomically

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

    outcome, finished = _Outcome(corpus, texts, recipe, model, Meter(), []), False
    meter, measured = outcome.meter, outcome.measured
    try:
        with progress_bar(console) as progress:
            tick = _ticker(progress, meter, recipe, texts)
            for evaluation in train(model, texts, recipe, meter=meter, tick=tick):
                measured.append(evaluation)
                write_atomically(out / "metrics.csv", csv_of(Evaluation, measured))
                progress.console.print(_line(evaluation), highlight=False, soft_wrap=True)
        finished = True
    except KeyboardInterrupt:
        console.print(
            f"stopped by Ctrl-C after {meter.characters:,} characters"
            + ("" if measured else "; nothing is written")
        )
    if measured:
        _finish(outcome, temperature, out, console)
    return finished


@dataclass
class _Outcome:
    """A run, at its end or where it was stopped."""

    corpus: Corpus
    texts: Texts
    recipe: Recipe
    model: Model
    meter: Meter
    measured: list[Evaluation]


def _finish(outcome: _Outcome, temperature: float, out: Path, console: Console) -> None:
    """Measure the test text, write some text, show and keep all of it."""
    model, texts, recipe = outcome.model, outcome.texts, outcome.recipe
    last = outcome.measured[-1]
    ended = last.characters == outcome.meter.characters
    valid = last.valid_bits if ended else measure(model, texts.valid, recipe.steps)
    test = measure(model, texts.test, recipe.steps)
    text = write(model, texts.vocabulary, WRITTEN, temperature)
    curve = plots.curve_of_bits(
        [evaluation.characters for evaluation in outcome.measured],
        [evaluation.train_bits for evaluation in outcome.measured],
        [evaluation.valid_bits for evaluation in outcome.measured],
    )
    write_atomically(out / "learning_curve.png", curve)
    write_atomically(out / "sample.txt", text.encode())
    write_atomically(out / "results.json", _json(outcome, valid, test))
    console.print(Panel(Text(text), title=f"written at temperature {temperature:g}"))
    facts = _facts(outcome, valid, test)
    facts["files"] = f"{out}/: metrics.csv, results.json, sample.txt, learning_curve.png"
    console.print(facts_table("agnesi chars", facts))


def _json(outcome: _Outcome, valid: float, test: float) -> bytes:
    """The results for programs: settings, and what came out."""
    summary = {
        "data": outcome.corpus.source,
        "recipe": asdict(outcome.recipe),
        "parameters": outcome.model.size,
        "characters": outcome.meter.characters,
        "seconds": round(outcome.meter.seconds, 2),
        "valid_bits": round(valid, 4),
        "test_bits": round(test, 4),
    }
    return f"{json.dumps(summary, indent=2)}\n".encode()


def _facts(outcome: _Outcome, valid: float, test: float) -> dict[str, str]:
    """The results in words."""
    texts, recipe, meter, model = outcome.texts, outcome.recipe, outcome.meter, outcome.model
    return {
        "data": outcome.corpus.source,
        "characters": f"{texts.train.size:,} for training, {texts.valid.size:,} for "
        f"validation, {texts.test.size:,} for testing; {len(texts.vocabulary)} different",
        "network": f"{_network(recipe)}, {model.size:,} parameters",
        "read": f"{meter.characters:,} of {recipe.epochs * texts.train.size:,} characters, "
        f"{recipe.columns} streams of {recipe.steps} steps",
        "compilation": f"{model.step.compile_seconds:.2f} s for the training step",
        "training": f"{meter.seconds:.1f} s",
        "speed": f"{meter.characters_per_second:,.0f} characters/s",
        "validation": f"{valid:.3f} bits a character",
        "test": f"{test:.3f} bits a character",
    }


def _network(recipe: Recipe) -> str:
    layers = "1 layer" if recipe.layers == 1 else f"{recipe.layers} layers"
    return f"{layers} of {recipe.units} {recipe.cell} units"


def _ticker(progress: Progress, meter: Meter, recipe: Recipe, texts: Texts) -> Callable[[], None]:
    """What moves the progress bar after each step."""
    total = recipe.epochs * texts.train.size
    task = progress.add_task("starting", total=total, state="")

    def tick() -> None:
        progress.update(
            task,
            completed=meter.characters,
            description=f"epoch {meter.epoch}/{recipe.epochs}",
            state=f"{meter.bits:.3f} bits a character  "
            f"{meter.characters_per_second:,.0f} characters/s",
        )

    return tick


def _line(evaluation: Evaluation) -> str:
    """One evaluation in words."""
    return (
        f"{evaluation.characters:,} characters, {evaluation.seconds:.1f} s: "
        f"training {evaluation.train_bits:.3f}, validation {evaluation.valid_bits:.3f} "
        "bits a character"
    )

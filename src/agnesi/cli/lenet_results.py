"""``agnesi lenet`` as it is seen: progress, table of results, files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agnesi.cli.lenet import NAMES, Digits, Network, Recipe, in_parts, train
from agnesi.cli.show import facts_table
from agnesi.datasets import LabelledImages
from agnesi.datasets.mnist import CLASSES
from agnesi.training import Progress, confusion, evaluate, plots, write_atomically


def run(data: LabelledImages, recipe: Recipe, out: Path, console: Console, *, resume: bool) -> bool:
    """Train with a progress bar, show the results, write them to ``out``.

    The test digits are looked at once, when all is learnt.  Ctrl-C ends the training; what was
    measured until then is shown and written all the same, and the run can be resumed.

    Returns:
        Whether the training came to its end.

    Raises:
        TrainingError: the run cannot begin or go on; the training loss is infinite or no number; a
            checkpoint cannot be written.
        OSError: ``out`` cannot be written.
    """
    digits = Digits.of(data, recipe.seed)
    console.print(Text(data.source))
    console.print("compiling LeNet-5 ...")
    network = Network.build(recipe)

    state = train(network, digits, recipe, out, resume=resume, progress=Progress(console))
    if state.best_row is None:
        console.print("nothing was measured; go on with --resume")
        return False
    test = evaluate(network.evaluate, in_parts(digits.test), names=NAMES)
    counts = confusion(network.read, in_parts(digits.test), CLASSES)
    best = state.rows[state.best_row]
    curve = plots.learning_curves(
        state.rows, ["train_loss", "valid_loss"], ["train_error", "valid_error"]
    )
    filters = network.parameters[0].get_value()[:, 0]
    title = "filters of the first layer (red ink, blue paper)"
    write_atomically(out / "learning_curve.png", curve)
    write_atomically(out / "filters.png", plots.filters(filters, columns=6, title=title))
    write_atomically(out / "confusion.png", plots.confusion(counts, what="test digits"))
    summary = {
        "data": data.source,
        "recipe": asdict(recipe),
        "parameters": network.size,
        "epochs": len(state.rows),
        "best_epoch": best["epoch"],
        "seconds": round(state.seconds, 2),
        "valid_error": best["valid_error"],
        "test_loss": test["loss"],
        "test_error": test["error"],
    }
    write_atomically(out / "results.json", f"{json.dumps(summary, indent=2)}\n".encode())
    wrong = int(counts.sum() - counts.trace())
    facts = {
        "data": data.source,
        "digits": f"{len(digits.train.labels):,} for training, {len(digits.valid.labels):,} for "
        f"validation, {len(digits.test.labels):,} for testing",
        "network": f"LeNet-5, {network.size:,} parameters",
        "epochs": f"{len(state.rows)} of {recipe.epochs}, minibatches of {recipe.batch}",
        "compilation": f"{network.step.compile_seconds:.2f} s for the training step",
        "training": f"{state.seconds:.1f} s",
        "speed": f"{state.examples_per_second:,.0f} digits/s",
        "validation error": f"{best['valid_error']:.2%} after epoch {best['epoch']}, the best",
        "test error": f"{test['error']:.2%}, {wrong:,} of {len(digits.test.labels):,}",
        "files": f"{out}/: metrics.csv, metrics.jsonl, results.json, learning_curve.png, "
        "filters.png, confusion.png, checkpoints/",
    }
    console.print(facts_table("agnesi lenet", facts))
    return state.ended == "done"

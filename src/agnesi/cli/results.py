"""The demo as it is seen: progress, table of results, files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from agnesi.cli import plots
from agnesi.cli.demo import PIXELS, Epoch, Examples, Meter, Network, Recipe, confusion, train
from agnesi.cli.show import csv_of, facts_table, progress_bar
from agnesi.datasets import LabelledImages
from agnesi.datasets.mnist import CLASSES, SIDE
from agnesi.training.files import write_atomically


def run(digits: LabelledImages, recipe: Recipe, out: Path, console: Console) -> bool:
    """Train with a progress bar, show the results, write them to ``out``.

    Ctrl-C ends the training; what was measured until then is shown and written all the same.

    Returns:
        Whether the training came to its end.

    Raises:
        Diverged: the training loss is infinite or no number.
        OSError: ``out`` cannot be written.
    """
    training = Examples.of(digits.train_images, digits.train_labels)
    test = Examples.of(digits.test_images, digits.test_labels)
    console.print(Text(digits.source))
    console.print(f"compiling a network of {PIXELS}-{recipe.hidden}-{CLASSES} units ...")
    network = Network.build(recipe)

    meter, measured, finished = Meter(), list[Epoch](), False
    try:
        with progress_bar(console) as progress:
            tick = _ticker(progress, meter, recipe, len(training.labels))
            for epoch in train(network, training, test, recipe, meter=meter, tick=tick):
                measured.append(epoch)
                write_atomically(out / "metrics.csv", csv_of(Epoch, measured))
                if not console.is_terminal:
                    console.print(_line(epoch))
        finished = True
    except KeyboardInterrupt:
        console.print(
            f"stopped by Ctrl-C after {len(measured)} of {recipe.epochs} epochs"
            + ("" if measured else "; nothing is written")
        )
    if measured:
        counts = confusion(network, test)
        _draw(network, measured, counts, out)
        facts = {
            "data": digits.source,
            "examples": f"{len(training.labels):,} for training, {len(test.labels):,} for testing",
            "network": f"{PIXELS}-{recipe.hidden}-{CLASSES}, {network.size:,} parameters",
            "epochs": f"{len(measured)} of {recipe.epochs}, minibatches of {recipe.batch}",
            **_outcome(network, meter, counts),
            "files": f"{out}/: metrics.csv, learning_curve.png, filters.png, confusion.png",
        }
        console.print(facts_table("agnesi demo", facts))
    return finished


def _ticker(progress: Progress, meter: Meter, recipe: Recipe, examples: int) -> Callable[[], None]:
    """What moves the progress bar after each step."""
    task = progress.add_task("starting", total=recipe.epochs * examples, state="")

    def tick() -> None:
        progress.update(
            task,
            completed=meter.examples,
            description=f"epoch {meter.epoch}/{recipe.epochs}",
            state=f"loss {meter.loss:.4f}  error {meter.error:.2%}  "
            f"{meter.examples_per_second:,.0f} examples/s",
        )

    return tick


def _line(epoch: Epoch) -> str:
    """One epoch in words, for logs and pipes."""
    return (
        f"epoch {epoch.epoch}: {epoch.seconds:.1f} s, training loss {epoch.train_loss:.4f} "
        f"error {epoch.train_error:.2%}, test loss {epoch.test_loss:.4f} "
        f"error {epoch.test_error:.2%}"
    )


def _draw(network: Network, measured: list[Epoch], counts: NDArray[np.int64], out: Path) -> None:
    """Write the three pictures."""
    curve = plots.learning_curve(
        [epoch.epoch for epoch in measured],
        ([epoch.train_loss for epoch in measured], [epoch.test_loss for epoch in measured]),
        ([epoch.train_error for epoch in measured], [epoch.test_error for epoch in measured]),
    )
    weights, outgoing = (network.parameters[place].get_value() for place in (0, 2))
    write_atomically(out / "learning_curve.png", curve)
    write_atomically(out / "filters.png", plots.filters(weights, outgoing, SIDE))
    write_atomically(out / "confusion.png", plots.confusion(counts))


def _outcome(network: Network, meter: Meter, counts: NDArray[np.int64]) -> dict[str, str]:
    """Times and the test error, which is that of the final weights, as in the picture."""
    total = int(counts.sum())
    wrong = total - int(np.trace(counts))
    return {
        "compilation": f"{network.step.compile_seconds:.2f} s for the training step",
        "training": f"{meter.seconds:.1f} s",
        "speed": f"{meter.examples_per_second:,.0f} examples/s",
        "test error": f"{wrong / total:.2%}, {wrong:,} of {total:,}",
    }

"""The demo as it is seen: progress, table of results, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from agnesi.cli.demo import PIXELS, Examples, Network, Recipe, in_parts, train
from agnesi.cli.show import facts_table
from agnesi.datasets import LabelledImages
from agnesi.datasets.mnist import CLASSES, SIDE
from agnesi.training import (
    MetricsFiles,
    Progress,
    State,
    confusion,
    plots,
    write_atomically,
)

FILTERS = 100


def run(digits: LabelledImages, recipe: Recipe, out: Path, console: Console) -> bool:
    """Train with a progress bar, show the results, write them to ``out``.

    Ctrl-C ends the training; what was measured until then is shown and written all the same.

    Returns:
        Whether the training came to its end.

    Raises:
        Diverged: the training loss is infinite or no number.
        OSError: ``out`` cannot be written.
    """
    data = Examples.of(digits.train_images, digits.train_labels)
    test = Examples.of(digits.test_images, digits.test_labels)
    console.print(Text(digits.source))
    console.print(f"compiling a network of {PIXELS}-{recipe.hidden}-{CLASSES} units ...")
    network = Network.build(recipe)

    shown: dict[str, Any] = {"metrics": MetricsFiles(out), "progress": Progress(console)}
    state = train(network, data, test, recipe, **shown)
    if not state.rows:
        console.print("nothing was measured, and nothing is written")
        return False
    counts = confusion(network.read, in_parts(test), CLASSES)
    _draw(network, state, counts, out)
    facts = {
        "data": digits.source,
        "examples": f"{len(data.labels):,} for training, {len(test.labels):,} for testing",
        "network": f"{PIXELS}-{recipe.hidden}-{CLASSES}, {network.size:,} parameters",
        "epochs": f"{len(state.rows)} of {recipe.epochs}, minibatches of {recipe.batch}",
        **_outcome(network, state, counts),
        "files": f"{out}/: metrics.csv, metrics.jsonl, learning_curve.png, filters.png, "
        "confusion.png",
    }
    console.print(facts_table("agnesi demo", facts))
    return state.ended == "done"


def _draw(network: Network, state: State, counts: NDArray[np.int64], out: Path) -> None:
    """Write the three pictures; the filters are those of the units that weigh most."""
    curve = plots.learning_curves(
        state.rows, ["train_loss", "test_loss"], ["train_error", "test_error"]
    )
    weights, outgoing = (network.parameters[place].get_value() for place in (0, 2))
    influence = np.linalg.norm(weights, axis=0) * np.linalg.norm(outgoing, axis=1)
    images = weights.T[np.argsort(-influence)[:FILTERS]].reshape(-1, SIDE, SIDE)
    title = f"what {len(images)} of {weights.shape[1]} hidden units look for (red ink, blue paper)"
    write_atomically(out / "learning_curve.png", curve)
    write_atomically(out / "filters.png", plots.filters(images, title=title))
    write_atomically(out / "confusion.png", plots.confusion(counts, what="test digits"))


def _outcome(network: Network, state: State, counts: NDArray[np.int64]) -> dict[str, str]:
    """Times and the test error, which is that of the final weights, as in the picture."""
    total = int(counts.sum())
    wrong = total - int(np.trace(counts))
    return {
        "compilation": f"{network.step.compile_seconds:.2f} s for the training step",
        "training": f"{state.seconds:.1f} s",
        "speed": f"{state.examples_per_second:,.0f} examples/s",
        "test error": f"{wrong / total:.2%}, {wrong:,} of {total:,}",
    }

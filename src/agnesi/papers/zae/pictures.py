"""Pictures of a run: filters, biases, how they went, accuracy over dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.papers.zae.autoencoders import KINDS
from agnesi.papers.zae.experiments import cell_name
from agnesi.training import plots

if TYPE_CHECKING:
    from agnesi.papers.notebook import Notebook
    from agnesi.papers.zae.outcome import Results

_FILTERS = 100


def draw(results: Results, notebook: Notebook) -> list[tuple[str, str]]:
    """Draw all pictures; return the name of each and what it shows."""
    return [
        *_filters(results, notebook),
        _biases(results, notebook),
        _drift(results, notebook),
        _accuracy(results, notebook),
    ]


def _filters(results: Results, notebook: Notebook) -> list[tuple[str, str]]:
    made: list[tuple[str, str]] = []
    seed = results.seeds[0]
    for model in results.recipe.patches.models:
        arrays = notebook.arrays(cell_name("patches", model, seed))
        pictures, title = arrays["pictures"][:_FILTERS], KINDS[model.kind].label
        name = f"filters-{model.key}.png"
        notebook.write(name, plots.filters(pictures, title=title))
        made.append((name, f"{title}: what {len(pictures)} hidden units look for, seed {seed}"))
    return made


def _biases(results: Results, notebook: Notebook) -> tuple[str, str]:
    seed = results.seeds[0]
    spread = {
        KINDS[model.kind].label: notebook.arrays(cell_name("patches", model, seed))["biases"]
        for model in results.recipe.patches.models
        if KINDS[model.kind].biased
    }
    notebook.write(
        "biases.png", plots.histogram(spread, title="hidden biases, patches", below="bias")
    )
    return "biases.png", f"how hidden biases are spread after training on patches, seed {seed}"


def _drift(results: Results, notebook: Notebook) -> tuple[str, str]:
    means: dict[str, tuple[list[int], list[float]]] = {}
    negative: dict[str, tuple[list[int], list[float]]] = {}
    for model in results.recipe.patches.models:
        if KINDS[model.kind].biased:
            drift = results.found["patches"][model.key][0]["drift"]
            epochs = list(range(1, len(drift["bias"]) + 1))
            means[KINDS[model.kind].label] = epochs, drift["bias"]
            negative[KINDS[model.kind].label] = epochs, [100 * v for v in drift["negative"]]
    picture = plots.curves(
        plots.Panel("mean of the hidden biases", means),
        plots.Panel("negative biases, %", negative),
    )
    notebook.write("drift.png", picture)
    return "drift.png", f"hidden biases while they are learnt on patches, seed {results.seeds[0]}"


def _accuracy(results: Results, notebook: Notebook) -> tuple[str, str]:
    series: dict[str, tuple[list[int], list[float]]] = {}
    for whole in results.whitened():
        for model in whole.models:
            if model.key == "sparser":
                continue
            values = results.of(whole.name, model.key, "accuracy", 100)
            places, means = series.setdefault(KINDS[model.kind].label, ([], []))
            places.append(whole.dimensions or 0)
            means.append(float(np.mean(values)))
    picture = plots.curves(plots.Panel("test accuracy, %", series, below="dimensions of the data"))
    notebook.write("accuracy.png", picture)
    return "accuracy.png", "accuracy of a linear classifier on the features, mean over the seeds"

"""The two experiments: filters and biases on patches, features of whole images classified."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.papers.zae.autoencoders import KINDS, Autoencoder, first_weights, warm_rate
from agnesi.papers.zae.classifier import Split, classify
from agnesi.preprocessing import (
    Projection,
    Standardization,
    deviations,
    normalise_cases,
    pca,
    random_patches,
)
from agnesi.training import Minibatches

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from agnesi.datasets import LabelledImages
    from agnesi.papers.notebook import Cell, Notebook
    from agnesi.papers.zae.recipes import Model, Patches, Recipe, Whole

    Floats = NDArray[np.float32]
    Measured = dict[str, Any]
    Rows = list[dict[str, float]]

_PATCH_SEED = 1402_3337  # of the patches, which are the same for all seeds
_SHOWN = 100  # filters of whole images that are kept for pictures
_WATCHED = 2_000  # examples on which a row of measurements is made
_VARIANCE_FLOOR = 1e-3  # keeps components that hardly vary from being blown up


@dataclass(frozen=True)
class Prepared:
    """Cases as networks see them.

    Attributes:
        train: f32[n, dimensions].
        test: f32[m, dimensions].
        back: f32[dimensions, pixels]: from a network's weights to pictures; None where cases are
            pixels.
        shape: of a picture.
        labels: of the training cases; none for patches.
        test_labels: of the test cases.
        classes: how many there are.
    """

    train: Floats
    test: Floats
    back: Floats | None
    shape: tuple[int, ...]
    labels: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))
    test_labels: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))
    classes: int = 0

    def pictures(self, weights: Floats) -> Floats:
        """Weights of hidden units, f32[dimensions, hidden], as pictures, [hidden, *shape]."""
        rows = weights.T if self.back is None else weights.T @ self.back
        return rows.reshape(-1, *self.shape)


class _Normalised:
    """The authors' normalisation: contrast of each case, then each feature's mean and deviation."""

    def __init__(self, train: Floats) -> None:
        self.offset = 0.1 * float(train.std())
        cases = normalise_cases(train, deviation_offset=self.offset)
        self.features = Standardization.of(cases, offset=self.offset)
        self.train = self.features.apply(cases)

    def apply(self, x: Floats) -> Floats:
        return self.features.apply(normalise_cases(x, deviation_offset=self.offset))


def prepare_patches(images: LabelledImages, recipe: Patches) -> Prepared:
    """Cut images up, normalise the patches, whiten them."""
    rng = np.random.default_rng(_PATCH_SEED)
    chosen = images.train_images[: recipe.images]
    train = random_patches(chosen, recipe.side, len(chosen) * recipe.per_image, rng)
    test = random_patches(images.test_images, recipe.side, recipe.test, rng)
    return _whitened(train, test, pca_variance=recipe.variance)


def _whitened(train: NDArray[Any], test: NDArray[Any], *, pca_variance: float) -> Prepared:
    normalised = _Normalised(_flat(train))
    made = pca(normalised.train, variance=pca_variance)
    apart = made.apply(normalised.apply(_flat(test)))
    return Prepared(made.apply(normalised.train), apart, made.inverse, train.shape[1:])


def _flat(pictures: NDArray[Any]) -> Floats:
    return pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255)


class WholeImages:
    """Whole images, of which experiments take as many principal components as they want."""

    def __init__(self, images: LabelledImages, most: int, most_dimensions: int) -> None:
        """Keep the images.

        Args:
            images: for training and for testing.
            most: training images that are used.
            most_dimensions: principal components that are wanted.
        """
        self.most_dimensions = most_dimensions
        self.train, self.test = images.train_images[:most], images.test_images
        self._labels = images.train_labels[:most], images.test_labels, len(images.classes)
        self._found: tuple[Projection, Floats, Floats] | None = None

    def prepare(self, dimensions: int | None) -> Prepared:
        """The first so many principal components of images of equal contrast, all of variance 1.

        None for the pixels less their mean, over their deviation, as the authors' code has it.
        """
        shape = self.train.shape[1:]
        if dimensions is None:
            train, test = _flat(self.train), _flat(self.test)
            mean, deviation = train.mean(dtype=np.float64), train.std(dtype=np.float64)
            scaled = [((x - mean) / deviation).astype(np.float32) for x in (train, test)]
            return Prepared(scaled[0], scaled[1], None, shape, *self._labels)
        if self._found is None:
            self._found = self._project()
        made, train, test = self._found
        cut = slice(None, dimensions)
        columns = [np.ascontiguousarray(x[:, cut]) for x in (train, test)]
        return Prepared(columns[0], columns[1], made.inverse[cut], shape, *self._labels)

    def _project(self) -> tuple[Projection, Floats, Floats]:
        train, test = _flat(self.train), _flat(self.test)
        offset = 0.1 * float(deviations(train).mean())
        train = normalise_cases(train, deviation_offset=offset)
        test = normalise_cases(test, deviation_offset=offset)
        made = pca(train, components=self.most_dimensions, epsilon=_VARIANCE_FLOOR)
        return made, made.apply(train), made.apply(test)


def localisation(pictures: NDArray[Any]) -> NDArray[np.float64]:
    """The fraction of each picture's energy that lies in the best quarter of its area.

    A picture that is the same everywhere has 1/4, one that lies in a corner has 1.

    Args:
        pictures: [n, rows, columns] or [n, rows, columns, channels].

    >>> flat, dot = np.ones((1, 4, 4)), np.zeros((1, 4, 4))
    >>> dot[0, 1, 2] = 3
    >>> localisation(flat), localisation(dot)
    (array([0.25]), array([1.]))
    """
    energy = np.square(pictures, dtype=np.float64)
    energy = energy.sum(axis=3) if energy.ndim == 4 else energy
    rows, columns = (-(-side // 2) for side in energy.shape[1:])
    windows: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(
        energy, (rows, columns), axis=(1, 2)
    )
    best = windows.sum(axis=(3, 4)).max(axis=(1, 2))
    return best / np.maximum(energy.sum(axis=(1, 2)), 1e-30)


def folder_of(where: str) -> str:
    """The folder of an experiment's cells."""
    return where.replace(" ", "-").replace(",", "")


def cell_name(where: str, model: Model, seed: int) -> str:
    """The name of a cell, and of its files."""
    return f"{folder_of(where)}/{model.key}-seed{seed}"


def on_patches(
    notebook: Notebook, recipe: Patches, model: Model, seed: int, data: Prepared
) -> Measured:
    """Train one autoencoder on patches; measure it."""
    name = cell_name("patches", model, seed)

    def work(cell: Cell) -> Measured:
        weights = first_weights(data.train, recipe.hidden, seed, recipe.scale)
        made = Autoencoder.build(KINDS[model.kind], weights, model.strength, seed)
        rows = _fit(
            cell,
            made,
            data,
            settings=asdict(model),
            seed=seed,
            batch=recipe.batch,
            epochs=recipe.epochs,
            rate=warm_rate(model.rate, recipe.warm / recipe.epochs, falls=False),
        )
        pictures = data.pictures(made.weights.get_value())
        cell.arrays = {"pictures": pictures, "biases": made.biases.get_value()}
        cell.shown = ("error", "active")
        found = localisation(pictures)
        return {
            **made.measure(data.test),
            "localisation": float(found.mean()),
            "localised": float((found >= 0.5).mean()),
            "drift": _drift(rows),
        }

    return notebook.cell(name, work)


def on_whole_images(
    notebook: Notebook, recipe: Recipe, whole: Whole, model: Model, seed: int, *, data: Prepared
) -> Measured:
    """Train one autoencoder on whole images; measure it; classify its features."""

    def work(cell: Cell) -> Measured:
        weights = first_weights(data.train, whole.hidden, seed)
        made = Autoencoder.build(KINDS[model.kind], weights, model.strength, seed)
        rows = _fit(
            cell,
            made,
            data,
            settings=asdict(model),
            seed=seed,
            batch=recipe.batch,
            epochs=whole.epochs,
            rate=warm_rate(model.rate, whole.warm / whole.epochs, falls=whole.falls),
        )
        split = Split.of(
            made.features_of(data.train),
            data.labels,
            (made.features_of(data.test), data.test_labels),
            recipe.held_back,
        )
        scores = classify(
            split,
            recipe.decays,
            classes=data.classes,
            epochs=recipe.classifier_epochs,
            seed=seed,
        )
        first = data.pictures(made.weights.get_value()[:, :_SHOWN])
        cell.arrays = {"pictures": first, "biases": made.biases.get_value()}
        cell.shown = ("error", "active", "accuracy")
        return {
            **made.measure(data.test),
            "accuracy": scores.test,
            "valid_accuracy": scores.valid,
            "train_accuracy": scores.train,
            "decay": scores.decay,
            "drift": _drift(rows),
        }

    return notebook.cell(cell_name(whole.name, model, seed), work)


def on_inputs(notebook: Notebook, recipe: Recipe, whole: Whole, data: Prepared) -> Measured:
    """Classify what the autoencoders were given, without any."""

    def work(cell: Cell) -> Measured:
        test = data.test, data.test_labels
        split = Split.of(data.train, data.labels, test, recipe.held_back)
        epochs = recipe.classifier_epochs
        scores = classify(split, recipe.decays, classes=data.classes, epochs=epochs, seed=0)
        cell.shown = ("accuracy",)
        return {"accuracy": scores.test, "valid_accuracy": scores.valid, "decay": scores.decay}

    return notebook.cell(f"{folder_of(whole.name)}/inputs", work)


def _fit(
    cell: Cell,
    made: Autoencoder,
    data: Prepared,
    *,
    settings: dict[str, Any],
    seed: int,
    batch: int,
    epochs: int,
    rate: Callable[[float], float],
) -> Rows:
    """Train; return a row for each epoch."""
    watched = data.test[:_WATCHED]
    state = cell.train(
        made.step,
        Minibatches(data.train, batch, seed=seed, prefetch=0),
        settings={**settings, "seed": seed, "epochs": epochs},
        epochs=epochs,
        rate=rate,
        measure=lambda: {f"test_{k}": v for k, v in made.measure(watched).items()},
    )
    return state.rows


def _drift(rows: Rows) -> dict[str, list[float]]:
    """How biases, error and activity went, epoch by epoch."""
    names = ("test_error", "test_active", "test_bias", "test_negative")
    return {
        name.removeprefix("test_"): [row[name] for row in rows] for name in names if name in rows[0]
    }

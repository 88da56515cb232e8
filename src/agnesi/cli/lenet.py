"""``agnesi lenet``: a convolutional network learns to read handwritten digits.

Read :meth:`Network.build` for the expressions and :func:`train` for the loop; they use agnesi as
any program would.  What is shown and written is in :mod:`agnesi.cli.lenet_results`.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document
recognition.  Proceedings of the IEEE 86 (1998), 2278-2324.  The layers and their sizes are those of
its LeNet-5; rectified units, maxima and Adam are of later years, and so is the softmax at the end.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import agnesi as ag
from agnesi import training
from agnesi.datasets import LabelledImages
from agnesi.datasets.mnist import CLASSES, SIDE
from agnesi.preprocessing import random_shift

MOST_SHIFT = 2  # pixels
NAMES = ("loss", "error")
_HELD_BACK = 12  # one digit in so many is for validation
_EVALUATION_BATCH = 500

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, besides the data.

    Attributes:
        epochs: times over the training data.
        batch: digits in a minibatch; the last of an epoch may hold fewer.
        rate: of Adam at the start; it falls to zero along half a cosine.
        seed: of the initial weights, the order of the digits, how they are shifted, and which of
            them are held back.
    """

    epochs: int = 20
    batch: int = 64
    rate: float = 2e-3
    seed: int = 0


class Part(NamedTuple):
    """Digits as the network takes them: f32[n, 1, 28, 28] between 0 and 1, i64[n]."""

    images: Floats
    labels: Labels

    @classmethod
    def of(cls, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Part:
        """Scale ink from 0..255 to 0..1."""
        scaled = images.reshape(-1, 1, SIDE, SIDE).astype(np.float32) / np.float32(255)
        return cls(scaled, labels.astype(np.int64))


@dataclass(frozen=True)
class Digits:
    """Digits to learn from, to choose the best epoch on, and to measure in the end."""

    train: Part
    valid: Part
    test: Part

    @classmethod
    def of(cls, data: LabelledImages, seed: int) -> Digits:
        """Hold back a twelfth of the digits for training, at random."""
        count = len(data.train_labels)
        kept, held = training.split(count, -(-count // _HELD_BACK), seed)
        return cls(
            Part.of(data.train_images[kept], data.train_labels[kept]),
            Part.of(data.train_images[held], data.train_labels[held]),
            Part.of(data.test_images, data.test_labels),
        )


@dataclass(frozen=True)
class Network:
    """Parameters, and the three functions compiled from them.

    Attributes:
        parameters: weights and biases of the five layers that have them.
        step: images, labels and a rate to loss and error; moves the parameters.
        evaluate: images and labels to loss and error.
        read: images to the digits that they show, i64[n].
    """

    parameters: tuple[ag.Shared, ...]
    step: ag.Function
    evaluate: ag.Function
    read: ag.Function

    @classmethod
    def build(cls, recipe: Recipe) -> Network:
        """Initialise the parameters, write the expressions down, compile the functions."""
        rng = np.random.default_rng(recipe.seed)
        x, y, rate = ag.input("x", "f32[n, 1, 28, 28]"), ag.input("y", "i64[n]"), ag.scalar("rate")
        parameters: list[ag.Shared] = []

        def layer(name: str, *shape: int) -> tuple[ag.Shared, ag.Shared]:
            units = shape[0] if len(shape) == 4 else shape[1]
            w = ag.shared(ag.nn.he_normal(rng, shape), name)
            b = ag.shared(np.zeros(units, np.float32), f"{name}.bias")
            parameters.extend((w, b))
            return w, b

        # [n, 1, 28, 28] -> [n, 6, 14, 14] -> [n, 16, 5, 5] -> 120 -> 84 -> 10
        h = ag.nn.conv2d(x, *layer("c1", 6, 1, 5, 5), padding=2)
        h = ag.relu(ag.nn.max_pool2d(h, 2))
        h = ag.nn.conv2d(h, *layer("c3", 16, 6, 5, 5))
        h = ag.relu(ag.nn.max_pool2d(h, 2))
        h = h.reshape((-1, 16 * 5 * 5))
        for name, inputs, units in (("c5", 400, 120), ("f6", 120, 84)):
            w, b = layer(name, inputs, units)
            h = ag.relu(h @ w + b)
        w, b = layer("output", 84, CLASSES)
        logits = h @ w + b

        digit = ag.argmax(logits, axis=1)
        loss, error = ag.cross_entropy(logits, y).mean(), (digit != y).mean()
        updates = ag.optim.adam(ag.grad(loss, parameters), parameters, rate)
        return cls(
            tuple(parameters),
            step=ag.function([x, y, rate], [loss, error], updates=updates, name="step"),
            evaluate=ag.function([x, y], [loss, error], name="evaluate"),
            read=ag.function([x], digit, name="read"),
        )

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(parameter.get_value().size for parameter in self.parameters)


def train(
    network: Network, digits: Digits, recipe: Recipe, out: Path, *, resume: bool, **shown: Any
) -> training.State:
    """Train for the epochs of the recipe; end with the parameters of the best one.

    Args:
        network: what is trained, in place.
        digits: those for training are learnt from, those for validation measured after each epoch,
            and the best epoch is the one that misreads fewest of them.
        recipe: epochs, minibatch, rate, seed.
        out: folder for metrics and checkpoints.
        resume: go on from the last checkpoint there.
        **shown: where it is shown, for :func:`agnesi.training.train`.

    Raises:
        TrainingError: the run cannot begin or go on; the training loss is infinite or no number; a
            checkpoint cannot be written.
        OSError: metrics cannot be written.
    """
    for part in digits.train, digits.valid, digits.test:
        training.check_labels(part.labels, CLASSES)
    batches = training.Minibatches(digits.train, recipe.batch, seed=recipe.seed, transform=_shifted)
    valid = in_parts(digits.valid)
    return training.train(
        network.step,
        batches,
        epochs=recipe.epochs,
        names=NAMES,
        rate=training.half_cosine(recipe.rate),
        measure=lambda: training.evaluate(network.evaluate, valid, names=NAMES, prefix="valid_"),
        best=training.Best("valid_error"),
        checkpoints=training.Checkpoints(out / "checkpoints", settings=asdict(recipe)),
        resume=resume,
        metrics=training.MetricsFiles(out),
        **shown,
    )


def _shifted(rng: np.random.Generator, images: Floats, labels: Labels) -> tuple[Floats, Labels]:
    """Each image moved by up to two pixels up or down, left or right."""
    return random_shift(images, MOST_SHIFT, rng, axes=(2, 3)), labels


def in_parts(part: Part) -> training.Minibatches:
    """Digits in their own order, many at a time."""
    return training.Minibatches.in_order(part, _EVALUATION_BATCH)

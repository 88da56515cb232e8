"""``agnesi demo``: a network of one hidden layer learns to read handwritten digits.

Read :meth:`Network.build` for the expressions and :func:`train` for the loop; they use agnesi as
any program would.  What is shown and written is in :mod:`agnesi.cli.results`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import agnesi as ag
from agnesi import training
from agnesi.datasets.mnist import CLASSES, SIDE

PIXELS = SIDE * SIDE
MOMENTUM = 0.9
MOST_SHIFT = 1  # pixels
NAMES = ("loss", "error")
_EVALUATION_BATCH = 1_000
_SMALL = 20_000

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, besides the data.

    Attributes:
        epochs: times over the training data.
        batch: examples in a minibatch; the last of an epoch may hold fewer.
        rate: learning rate at the start; it falls to zero along half a cosine.
        weight_decay: how strongly weights are drawn to zero, per unit of learning rate.
        hidden: hidden units.
        seed: of the initial weights and of the order of the examples.
    """

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    hidden: int = 500
    seed: int = 0

    @classmethod
    def for_examples(
        cls,
        examples: int,
        epochs: int | None = None,
        batch: int | None = None,
        hidden: int = 500,
        seed: int = 0,
    ) -> Recipe:
        """The recipe for this many training examples, settled on a part of them held back.

        >>> Recipe.for_examples(60_000).epochs, Recipe.for_examples(4_000).epochs
        (20, 40)
        """
        small = examples < _SMALL
        return cls(
            epochs=epochs or (40 if small else 20),
            batch=batch or (50 if small else 100),
            rate=0.1,
            weight_decay=5e-4 if small else 1e-4,
            hidden=hidden,
            seed=seed,
        )


@dataclass(frozen=True)
class Examples:
    """Digits as the network takes them: f32[n, 784] between 0 and 1, i64[n]."""

    images: Floats
    labels: Labels

    @classmethod
    def of(cls, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Examples:
        """Scale ink from 0..255 to 0..1 and flatten the images."""
        scaled = images.reshape(len(images), PIXELS).astype(np.float32) / np.float32(255)
        return cls(scaled, labels.astype(np.int64))


@dataclass(frozen=True)
class Network:
    """Parameters in 784-hidden-10 order, and the three functions compiled from them.

    Attributes:
        parameters: ``w1`` f32[784, hidden], ``b1`` f32[hidden], ``w2`` f32[hidden, 10],
            ``b2`` f32[10].
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
        """Initialise the parameters, write the expressions down, compile the functions.

        Weights start as K. He and others found good for rectified units (arXiv 1502.01852).
        """
        rng = np.random.default_rng(recipe.seed)
        x, y, rate = ag.input("x", f"f32[n, {PIXELS}]"), ag.input("y", "i64[n]"), ag.scalar("rate")
        w1 = ag.shared(_initial(rng, PIXELS, recipe.hidden), "w1")
        b1 = ag.shared(np.zeros(recipe.hidden, np.float32), "b1")
        w2 = ag.shared(_initial(rng, recipe.hidden, CLASSES), "w2")
        b2 = ag.shared(np.zeros(CLASSES, np.float32), "b2")
        parameters = (w1, b1, w2, b2)

        logits = ag.maximum(x @ w1 + b1, 0.0) @ w2 + b2
        digit = ag.argmax(logits, axis=1)
        loss = ag.cross_entropy(logits, y).mean()
        error = (digit != y).mean()
        updates = _descend(loss, parameters, rate, recipe.weight_decay)
        return cls(
            parameters,
            step=ag.function([x, y, rate], [loss, error], updates=updates, name="step"),
            evaluate=ag.function([x, y], [loss, error], name="evaluate"),
            read=ag.function([x], digit, name="read"),
        )

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(parameter.get_value().size for parameter in self.parameters)


def _initial(rng: np.random.Generator, inputs: int, outputs: int) -> Floats:
    scale = np.float32(math.sqrt(2 / inputs))
    return scale * rng.standard_normal((inputs, outputs), dtype=np.float32)


def _descend(
    loss: ag.Tensor, parameters: tuple[ag.Shared, ...], rate: ag.Tensor, decay: float
) -> list[tuple[ag.Shared, ag.Tensor]]:
    """Updates of gradient descent with momentum; weight decay spares the biases."""
    updates: list[tuple[ag.Shared, ag.Tensor]] = []
    for parameter, gradient in zip(parameters, ag.grad(loss, parameters), strict=True):
        speed = ag.shared(np.zeros_like(parameter.get_value()), f"speed_{parameter.name}")
        slope = gradient + decay * parameter if parameter.ndim == 2 else gradient
        new_speed = MOMENTUM * speed - rate * slope
        updates += [(speed, new_speed), (parameter, parameter + new_speed)]
    return updates


def train(
    network: Network, data: Examples, test: Examples, recipe: Recipe, **shown: Any
) -> training.State:
    """Train for the epochs of the recipe; measure the test examples after each.

    Args:
        network: what is trained, in place.
        data: seen in a new random order in each epoch.
        test: measured, and used for nothing else.
        recipe: epochs, minibatch, rate, seed.
        **shown: where it is shown and written, for :func:`agnesi.training.train`.

    Raises:
        Diverged: the training loss is infinite or no number.
    """
    batches = training.Minibatches(
        (data.images, data.labels), recipe.batch, seed=recipe.seed, transform=_shifted
    )
    measured = in_parts(test)
    return training.train(
        network.step,
        batches,
        epochs=recipe.epochs,
        names=NAMES,
        rate=training.half_cosine(recipe.rate),
        measure=lambda: training.evaluate(network.evaluate, measured, names=NAMES, prefix="test_"),
        **shown,
    )


def in_parts(examples: Examples) -> training.Minibatches:
    """Examples in their own order, many at a time."""
    return training.Minibatches.in_order((examples.images, examples.labels), _EVALUATION_BATCH)


def _shifted(rng: np.random.Generator, images: Floats, labels: Labels) -> tuple[Floats, Labels]:
    """All images moved by the same random offset of at most one pixel each way.

    What leaves on one side comes in on the other; one digit in seventy has ink so far out.
    """
    down, right = rng.integers(-MOST_SHIFT, MOST_SHIFT + 1, size=2)
    return np.roll(images, SIDE * int(down) + int(right), axis=1), labels

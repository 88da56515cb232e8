"""Multinomial logistic regression on features, its weight decay chosen on examples held back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.papers.notebook import Interrupted
from agnesi.training import Minibatches, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Labels = NDArray[Any]


@dataclass(frozen=True)
class Scores:
    """How many examples were told right.

    Attributes:
        decay: that did best on the examples held back.
        valid: fraction of these that were told right.
        test: fraction of the test examples, with that decay.
        train: fraction of the training examples.
    """

    decay: float
    valid: float
    test: float
    train: float


@dataclass(frozen=True)
class Split:
    """Examples with labels: to learn from, to choose by, and to report."""

    train: tuple[Floats, Labels]
    valid: tuple[Floats, Labels]
    test: tuple[Floats, Labels]

    @classmethod
    def of(cls, x: Floats, labels: Labels, test: tuple[Floats, Labels], held_back: int) -> Split:
        """Hold the last training examples back; standardise features by those that are left.

        Features that hardly vary stay small: a hundredth of the mean deviation is added to each.
        """
        first = len(x) - held_back
        mean = x[:first].mean(axis=0, dtype=np.float64)
        deviation = x[:first].std(axis=0, dtype=np.float64)
        scale = (1 / (deviation + 0.01 * deviation.mean())).astype(np.float32)
        centre = mean.astype(np.float32)

        def scaled(given: Floats) -> Floats:
            made = given - centre
            made *= scale
            return made

        whole, labels = scaled(x), labels.astype(np.int64)
        return cls(
            (whole[:first], labels[:first]),
            (whole[first:], labels[first:]),
            (scaled(test[0]), test[1].astype(np.int64)),
        )


def classify(
    split: Split, decays: tuple[float, ...], *, classes: int, epochs: int, seed: int
) -> Scores:
    """Learn with each weight decay, all side by side in one program; keep the best of them.

    Gradient descent with momentum on minibatches of 200, a rate that falls to zero.

    Args:
        split: the examples.
        decays: of the weights, each a candidate.
        classes: how many there are.
        epochs: times over the training examples.
        seed: of their order.

    Raises:
        Interrupted: by Ctrl-C.
        Diverged: the loss was no number.
    """
    features = split.train[0].shape[1]
    many = len(decays)
    w = ag.shared(np.zeros((features, many * classes), np.float32), "classifier_W")
    b = ag.shared(np.zeros(many * classes, np.float32), "classifier_b")
    x, y = ag.input("x", f"f32[n, {features}]"), ag.input("y", "i64[n]")
    rate = ag.scalar("rate")
    logits = (x @ w + b).reshape(-1, many, classes)
    losses = [ag.cross_entropy(logits[:, k], y).mean() for k in range(many)]
    shrinks = np.repeat(np.array(decays, np.float32), classes)
    cost = sum(losses[1:], losses[0]) + 0.5 * (shrinks * (w * w).sum(0)).sum()
    updates = ag.optim.momentum(ag.grad(cost, [w, b]), [w, b], rate, 0.9)
    step = ag.function([x, y, rate], cost, updates=updates, name="classifier_step")
    right = (logits.argmax(2) == y[:, None]).astype("f32").sum(0)
    count = ag.function([x, y], right, name="classifier_right")

    # The largest stable rate of a linear model goes with one over its number of inputs.
    highest = min(0.05, 20 / features)
    state = train(
        step,
        Minibatches(split.train, 200, seed=seed, prefetch=0),
        epochs=epochs,
        rate=lambda done: highest * 0.5 * (1 + np.cos(np.pi * done)),
    )
    if state.ended == "interrupted":  # a classifier that has not learnt its fill tells nothing
        raise Interrupted

    def rights(part: tuple[Floats, Labels]) -> NDArray[Any]:
        batches = Minibatches(part, 1000, shuffle=False, prefetch=0)
        return np.sum([count(*batch) for batch in batches.epoch(0)], axis=0) / len(part[1])

    valid = rights(split.valid)
    best = int(valid.argmax())
    return Scores(
        decay=decays[best],
        valid=float(valid[best]),
        test=float(rights(split.test)[best]),
        train=float(rights(split.train)[best]),
    )

"""What is looked at before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.graph.tensor import Tensor
from agnesi.training.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_labels(labels: NDArray[Any], outputs: Tensor | int, what: str = "labels") -> None:
    """See that labels are classes that a network has.

    Args:
        labels: numbers of classes, integers of any shape, a number for each example.
        outputs: the network's logits, whose last axis is classes; or the number of classes.
        what: the labels' name in messages.

    Raises:
        TrainingError: labels are no integers, none, below 0, or more than the network has; or the
            logits' last size is not known.

    >>> logits = ag.matrix("x") @ ag.constant(np.zeros((4, 10), np.float32))
    >>> check_labels(np.array([3, 10]), logits)
    Traceback (most recent call last):
    ...
    agnesi.training.errors.TrainingError: check_labels: labels are 3 to 10, but the network ...
    """
    classes = _classes(outputs)
    if labels.dtype.kind not in "iu":
        raise TrainingError(
            f"check_labels: {what} are {labels.dtype.name}{list(labels.shape)}\n"
            "  Give integers, the number of each example's class."
        )
    if not labels.size:
        raise TrainingError(f"check_labels: there are no {what}\n  Give at least one example.")
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= classes:
        wrong = np.unravel_index(int(np.argmax((labels < 0) | (labels >= classes))), labels.shape)
        place = ", ".join(f"{k:,}" for k in wrong)
        raise TrainingError(
            f"check_labels: {what} are {least} to {most}, but the network has {classes} outputs, "
            f"for classes 0 to {classes - 1}\n"
            f"  the first that does not fit: {int(labels[wrong])}, at position {place}\n"
            "  Give the last layer as many units as there are classes, or number them from 0."
        )


def _classes(outputs: Tensor | int) -> int:
    if not isinstance(outputs, Tensor):
        return outputs
    size = outputs.type.shape[-1] if outputs.ndim else None
    if not isinstance(size, int):
        raise TrainingError(
            f"check_labels: {outputs!r} has no known number of classes\n"
            "  Give logits whose last size is a number, or the number of classes."
        )
    return size

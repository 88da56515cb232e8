"""Images and their labels, as loaders return them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agnesi.datasets.errors import DatasetCorrupt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images for training and for testing, what they show, and where they came from.

    Grey images are ``[n, rows, columns]``, colour images ``[n, rows, columns, 3]`` (red, green,
    blue), from 0 to 255; :func:`agnesi.preprocessing.channels_first` makes what networks take.

    Attributes:
        train_images: uint8[train, rows, columns] or [train, rows, columns, 3].
        train_labels: uint8[train], the class of each image, from 0.
        test_images: as many axes.
        test_labels: uint8[test].
        classes: a name for each class.
        source: where the images were read, in words, and what to know about them.
    """

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    classes: tuple[str, ...]
    source: str


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size without labels.

    Attributes:
        images: uint8[n, rows, columns].
        source: where they were read, in words.
    """

    images: Bytes
    source: str


@dataclass(frozen=True, eq=False)
class Photographs:
    """Photographs of different sizes, without labels.

    Attributes:
        train_images: uint8[rows, columns, 3] each.
        valid_images: the same, where there are some for validation.
        test_images: the same, for testing.
        source: where they were read, in words.
    """

    train_images: tuple[Bytes, ...]
    valid_images: tuple[Bytes, ...]
    test_images: tuple[Bytes, ...]
    source: str


def check_labels(
    what: str, images: Sequence[object] | Bytes, labels: Bytes, classes: int, path: Path
) -> None:
    """Labels must be as many as images, at least one, and below the number of classes.

    Args:
        what: who asks, for messages.
        images: that the labels belong to.
        labels: uint8[n].
        classes: how many there are.
        path: of the file with the labels.

    Raises:
        DatasetCorrupt: they are not.
    """
    if len(images) != len(labels) or not len(labels):
        raise DatasetCorrupt(
            f"{what}: there must be one label for each image, and at least one\n"
            f"  {path}: {len(labels):,} labels for {len(images):,} images\n"
            "  Replace the files by a complete copy."
        )
    if labels.max() >= classes:
        raise DatasetCorrupt(
            f"{what}: labels must be 0 to {classes - 1}\n"
            f"  {path}: label {int(labels.max())} at position {int(labels.argmax()):,}\n"
            "  Put the file there that its name promises."
        )

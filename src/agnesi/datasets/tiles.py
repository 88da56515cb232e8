"""Many small images in one lossless picture, row by row, beside a list of their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.pillow import read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


def read_tiles(what: str, path: Path, rows: int, columns: int, side: int) -> Bytes:
    """The images in a picture, uint8[rows * columns, side, side, 3].

    Args:
        what: who asks, for messages.
        path: of the picture.
        rows: of images.
        columns: of images.
        side: rows and columns of an image.

    Raises:
        DatasetMissing: the file is not there, or pillow is not installed.
        DatasetCorrupt: it is no picture, or has another size.
    """
    picture = read_picture(what, path)
    expected = (rows * side, columns * side, 3)
    if picture.shape != expected:
        raise DatasetCorrupt(
            f"{what}: {path} has {picture.shape[0]} x {picture.shape[1]} pixels, but must have "
            f"{expected[0]} x {expected[1]}\n"
            f"  It is {rows} rows of {columns} images, {side} x {side} each."
        )
    tiles = picture.reshape(rows, side, columns, side, 3).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(-1, side, side, 3)


def read_labels(what: str, path: Path) -> Bytes:
    """Labels, uint8[n]: each line begins with one.

    Args:
        what: who asks, for messages.
        path: of the text file.

    Raises:
        DatasetMissing: the file may not be read.
        DatasetCorrupt: a line begins otherwise.
    """
    try:
        words = [line.split() for line in path.read_text("utf8").splitlines() if line.strip()]
        return np.array([int(word[0]) for word in words], np.uint8)
    except OSError as error:
        raise DatasetMissing(f"{what}: {path} cannot be read: {error.strerror}") from error
    except (ValueError, OverflowError) as error:
        raise DatasetCorrupt(
            f"{what}: a line of {path} does not begin with a class: {error}\n"
            "  Each begins with a number from 0 on."
        ) from error

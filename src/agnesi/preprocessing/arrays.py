"""What all of this room accepts: arrays, and float32 unless they are float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating[Any]]


def floats(x: ArrayLike) -> Floats:
    """An array as floats: float64 stays, all else becomes float32.

    Raises:
        PreprocessingError: it holds no real numbers.
    """
    array = np.asarray(x)
    if array.dtype.kind in "cOSUMm":
        raise PreprocessingError(
            f"an array of {array.dtype} cannot be prepared\n  Give an array of real numbers."
        )
    return array if array.dtype == np.float64 else array.astype(np.float32, copy=False)


def cases(what: str, x: ArrayLike, least: int = 1) -> Floats:
    """An array whose rows are cases, as floats.

    Args:
        what: who asks, for messages.
        x: [n, features].
        least: how many cases there must be.

    Raises:
        PreprocessingError: it has another number of axes, or too few cases.
    """
    array = floats(x)
    if array.ndim != 2:
        raise PreprocessingError(
            f"{what}: cases must be the rows of a matrix, [n, features], but the array has shape "
            f"{array.shape}\n"
            "  Give x.reshape(len(x), -1)."
        )
    if len(array) < least or not array.shape[1]:
        raise PreprocessingError(
            f"{what}: at least {least} cases of at least one feature are needed, but the array has "
            f"shape {array.shape}"
        )
    return array


def pictures(what: str, images: ArrayLike) -> NDArray[Any]:
    """An array of images: [n, rows, columns], or [n, rows, columns, channels].

    Args:
        what: who asks, for messages.
        images: the array, of any dtype.

    Raises:
        PreprocessingError: it has another number of axes.
    """
    array = np.asarray(images)
    if array.ndim not in {3, 4}:
        raise PreprocessingError(
            f"{what}: images must be [n, rows, columns] or [n, rows, columns, channels], but have "
            f"shape {array.shape}\n"
            "  A single image is images[None]."
        )
    return array


def pair(what: str, name: str, value: int | tuple[int, int], least: int = 1) -> tuple[int, int]:
    """Rows and columns, for which one number may stand.

    Raises:
        PreprocessingError: one of them is below ``least``.
    """
    rows, columns = (value, value) if isinstance(value, int) else value
    if rows < least or columns < least:
        raise PreprocessingError(f"{what}: {name} must be at least {least}, but is {value}")
    return rows, columns

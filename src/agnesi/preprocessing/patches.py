"""Patches of images: some at random places, or all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from agnesi.preprocessing.arrays import pair, pictures
from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def random_patches(
    images: NDArray[Any] | Sequence[NDArray[Any]],
    size: int | tuple[int, int],
    count: int,
    rng: np.random.Generator | int,
) -> NDArray[Any]:
    """Patches from random places of random images.

    An image is drawn first, each as likely, then a place in it.

    Args:
        images: [n, rows, columns] or [n, rows, columns, channels]; or a list of images of different
            sizes, [rows, columns] or [rows, columns, channels] each.
        size: rows and columns of a patch.
        count: how many.
        rng: a generator, or a seed.

    Returns:
        [count, *size] or [count, *size, channels], of the images' dtype.

    Raises:
        PreprocessingError: there are no images, or one is smaller than a patch.

    >>> images = np.arange(24).reshape(1, 4, 6)
    >>> random_patches(images, 2, count=3, rng=0).shape
    (3, 2, 2)
    """
    rows, columns = pair("random_patches", "size", size)
    draw = np.random.default_rng(rng)
    arrays = list(images) if isinstance(images, Sequence) else pictures("random_patches", images)
    if not len(arrays) or count < 0:
        raise PreprocessingError(
            f"random_patches: {count} patches of {len(arrays)} images\n"
            "  Give at least one image, and ask for at least no patch."
        )
    for number, image in enumerate(arrays):
        if image.shape[0] < rows or image.shape[1] < columns:
            raise PreprocessingError(
                f"random_patches: a patch of {rows} x {columns} does not fit image {number}, "
                f"whose shape is {image.shape}"
            )
        if image.shape[2:] != arrays[0].shape[2:] or image.ndim > 3:
            raise PreprocessingError(
                f"random_patches: image {number} has shape {image.shape}, image 0 "
                f"{arrays[0].shape}\n"
                "  All images need as many channels, as a third axis, or none."
            )
    chosen = draw.integers(0, len(arrays), count)
    heights = np.array([image.shape[0] for image in arrays])[chosen]
    widths = np.array([image.shape[1] for image in arrays])[chosen]
    top = draw.integers(0, heights - rows + 1)
    left = draw.integers(0, widths - columns + 1)
    result = np.empty((count, rows, columns, *arrays[0].shape[2:]), arrays[0].dtype)
    for k in range(count):
        y, x = top[k], left[k]
        result[k] = arrays[chosen[k]][y : y + rows, x : x + columns]
    return result


def dense_patches(
    images: ArrayLike, size: int | tuple[int, int], stride: int | tuple[int, int] = 1
) -> NDArray[Any]:
    """All patches of images, one every ``stride`` pixels, as a view that cannot be written.

    Args:
        images: [n, rows, columns] or [n, rows, columns, channels].
        size: rows and columns of a patch.
        stride: pixels from a patch to the next, down and right.

    Returns:
        [n, places down, places right, *size], and channels last.

    Raises:
        PreprocessingError: the images have another number of axes, or are smaller than a patch.

    >>> dense_patches(np.arange(6).reshape(1, 2, 3), (2, 2))[0, 0]
    array([[[0, 1],
            [3, 4]],
    <BLANKLINE>
           [[1, 2],
            [4, 5]]])
    """
    rows, columns = pair("dense_patches", "size", size)
    down, right = pair("dense_patches", "stride", stride)
    array = pictures("dense_patches", images)
    if array.shape[1] < rows or array.shape[2] < columns:
        raise PreprocessingError(
            f"dense_patches: a patch of {rows} x {columns} does not fit images of "
            f"{array.shape[1]} x {array.shape[2]}"
        )
    patches = sliding_window_view(array, (rows, columns), axis=(1, 2))[:, ::down, ::right]
    return patches if array.ndim == 3 else np.moveaxis(patches, 3, -1)

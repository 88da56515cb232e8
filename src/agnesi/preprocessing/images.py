"""Images made ready for networks, and changed at random while training.

Images are ``[n, rows, columns]`` or ``[n, rows, columns, channels]``, as
:mod:`agnesi.datasets` has them.  Functions that change them at random also take other layouts:
``axes`` says which are rows and columns, ``(2, 3)`` where channels come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.preprocessing.arrays import floats, pair, pictures
from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from agnesi.preprocessing.arrays import Floats

    Rng = np.random.Generator | int
    Axes = tuple[int, int]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def as_floats(images: ArrayLike) -> NDArray[np.float32]:
    """Bytes as float32 from 0 to 1.

    >>> as_floats(np.array([0, 51, 255], np.uint8))
    array([0. , 0.2, 1. ], dtype=float32)
    """
    return np.asarray(images).astype(np.float32) / np.float32(255)


def channels_first(images: ArrayLike) -> NDArray[Any]:
    """Images as networks take them: [n, channels, rows, columns], in C order.

    Args:
        images: [n, rows, columns] or [n, rows, columns, channels].

    Raises:
        PreprocessingError: they have another number of axes.

    >>> channels_first(np.zeros((5, 32, 32, 3))).shape, channels_first(np.zeros((5, 28, 28))).shape
    ((5, 3, 32, 32), (5, 1, 28, 28))
    """
    array = pictures("channels_first", images)
    if array.ndim == 3:
        return np.ascontiguousarray(array)[:, None]
    return np.ascontiguousarray(np.moveaxis(array, 3, 1))


def grey(images: ArrayLike) -> NDArray[Any]:
    """Colour images, [n, rows, columns, 3], as grey ones: 0.299 red + 0.587 green + 0.114 blue.

    Bytes stay bytes, rounded; float64 stays, all else becomes float32.

    Raises:
        PreprocessingError: they have no three channels.

    >>> grey(np.full((1, 1, 1, 3), 7, np.uint8))
    array([[[7]]], dtype=uint8)
    """
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[3] != 3:
        raise PreprocessingError(
            f"grey: images must be [n, rows, columns, 3], but have shape {array.shape}"
        )
    values = floats(array)
    return _like(array, values @ np.array(_LUMA, values.dtype))


def equalise(images: ArrayLike) -> NDArray[np.uint8]:
    """Histogram equalisation: each image uses all shades of grey about equally often.

    R. C. Gonzalez, R. E. Woods: Digital image processing, section 3.3.

    Args:
        images: uint8[n, rows, columns].

    Raises:
        PreprocessingError: they are no grey images of bytes.

    >>> equalise(np.array([[[10, 11], [12, 13]]], np.uint8))
    array([[[  0,  85],
            [170, 255]]], dtype=uint8)
    """
    array = np.asarray(images)
    if array.ndim != 3 or array.dtype != np.uint8:
        raise PreprocessingError(
            f"equalise: images must be uint8[n, rows, columns], but are "
            f"{array.dtype}{list(array.shape)}"
        )
    pixels = array.reshape(len(array), -1)
    result = np.empty_like(pixels)
    for row, image in zip(result, pixels, strict=True):
        below = np.cumsum(np.bincount(image, minlength=256))
        first = below[image.min()] if image.size else 0
        most = max(image.size - first, 1)
        row[:] = np.round((below - first).clip(0) * (255 / most)).astype(np.uint8)[image]
    return result.reshape(array.shape)


def resize(images: ArrayLike, size: int | tuple[int, int]) -> NDArray[Any]:
    """Images of another size: bilinear, and averaged over all pixels where they get smaller.

    The same as Pillow's ``BILINEAR``.

    Args:
        images: [n, rows, columns] or [n, rows, columns, channels].
        size: rows and columns of the results.

    Returns:
        Bytes stay bytes, rounded; float64 stays, all else becomes float32.

    Raises:
        PreprocessingError: the images have another number of axes, or no pixels.

    >>> resize(np.array([[[0, 10], [20, 30]]], np.uint8), (1, 1))
    array([[[15]]], dtype=uint8)
    """
    rows, columns = pair("resize", "size", size)
    array = pictures("resize", images)
    if not array.shape[1] or not array.shape[2]:
        raise PreprocessingError(f"resize: images of shape {array.shape} have no pixels")
    values = floats(array)
    down = _weights(array.shape[1], rows).astype(values.dtype)
    right = _weights(array.shape[2], columns).astype(values.dtype)
    planes = values if values.ndim == 3 else np.moveaxis(values, 3, 1)
    sized = down @ planes @ right.T
    return _like(array, sized if values.ndim == 3 else np.moveaxis(sized, 1, 3))


def _weights(given: int, wanted: int) -> NDArray[np.float64]:
    """Matrix whose row ``i`` has the weights of the given pixels in pixel ``i`` of the result."""
    scale = given / wanted
    support = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    distance = np.abs(np.arange(given) + 0.5 - centres[:, None]) / support
    weights = (1 - distance).clip(0)
    return weights / weights.sum(axis=1, keepdims=True)


def _like(given: NDArray[Any], values: Floats) -> NDArray[Any]:
    """Floats as bytes, if bytes were given."""
    return np.round(values).astype(np.uint8) if given.dtype == np.uint8 else values


def centre_crop(
    images: ArrayLike, size: int | tuple[int, int], *, axes: Axes = (1, 2)
) -> NDArray[Any]:
    """The middle of images, as a view.

    Args:
        images: with rows and columns among their axes.
        size: rows and columns of the results.
        axes: which axes are rows and columns.

    Raises:
        PreprocessingError: the images are smaller.

    >>> centre_crop(np.arange(5).reshape(1, 1, 5), (1, 3))
    array([[[1, 2, 3]]])
    """
    array = np.asarray(images)
    wanted = _fitting("centre_crop", array, size, axes, padding=0)
    first = [(array.shape[axis] - n) // 2 for axis, n in zip(axes, wanted, strict=True)]
    index = [slice(None)] * array.ndim
    for axis, start, n in zip(axes, first, wanted, strict=True):
        index[axis] = slice(start, start + n)
    return array[tuple(index)]


def random_crop(
    images: ArrayLike,
    size: int | tuple[int, int],
    rng: Rng,
    *,
    padding: int = 0,
    axes: Axes = (1, 2),
) -> NDArray[Any]:
    """Another part of each image, all equally likely.

    Args:
        images: [n, ...] with rows and columns among their other axes.
        size: rows and columns of the results.
        rng: a generator, or a seed.
        padding: pixels of zeros around each image before that.
        axes: which axes are rows and columns.

    Raises:
        PreprocessingError: padded images are smaller, or an axis is not there.

    >>> random_crop(np.arange(5).reshape(1, 1, 5), (1, 3), rng=0).shape
    (1, 1, 3)
    """
    array = np.asarray(images)
    rows, columns = _fitting("random_crop", array, size, axes, padding)
    planes = np.moveaxis(array, axes, (1, 2))
    if padding:
        around = [(0, 0), (padding, padding), (padding, padding), *[(0, 0)] * (array.ndim - 3)]
        planes = np.pad(planes, around)
    draw = np.random.default_rng(rng)
    top = draw.integers(0, planes.shape[1] - rows + 1, len(planes))
    left = draw.integers(0, planes.shape[2] - columns + 1, len(planes))
    result = np.empty((len(planes), rows, columns, *planes.shape[3:]), array.dtype)
    for one, image, y, x in zip(result, planes, top, left, strict=True):
        one[...] = image[y : y + rows, x : x + columns]
    return np.ascontiguousarray(np.moveaxis(result, (1, 2), axes))


def random_shift(images: ArrayLike, most: int, rng: Rng, *, axes: Axes = (1, 2)) -> NDArray[Any]:
    """Each image moved by up to ``most`` pixels up or down, left or right; zeros come in.

    Args:
        images: [n, ...] with rows and columns among their other axes.
        most: pixels.
        rng: a generator, or a seed.
        axes: which axes are rows and columns.

    Raises:
        PreprocessingError: ``most`` is negative, or an axis is not there.

    >>> random_shift(np.ones((1, 2, 2)), 0, rng=0)
    array([[[1., 1.],
            [1., 1.]]])
    """
    array = np.asarray(images)
    if most < 0:
        raise PreprocessingError(f"random_shift: most must be at least 0, but is {most}")
    _check_axes("random_shift", array, axes)
    size = array.shape[axes[0]], array.shape[axes[1]]
    return random_crop(array, size, rng, padding=most, axes=axes)


def random_flip(images: ArrayLike, rng: Rng, *, chance: float = 0.5, axis: int = 2) -> NDArray[Any]:
    """Each image mirrored with a certain chance.

    Args:
        images: [n, ...].
        rng: a generator, or a seed.
        chance: of being mirrored.
        axis: which is turned round: that of columns mirrors left and right.

    Raises:
        PreprocessingError: the chance is none, or the axis is not there.

    >>> random_flip(np.arange(3).reshape(1, 1, 3), rng=0, chance=1)
    array([[[2, 1, 0]]])
    """
    array = np.asarray(images)
    if not 0 <= chance <= 1:
        raise PreprocessingError(f"random_flip: a chance is from 0 to 1, but is {chance}")
    if not 0 < axis < array.ndim:
        raise PreprocessingError(
            f"random_flip: axis must be 1 to {array.ndim - 1}, since axis 0 counts images, "
            f"but is {axis}"
        )
    chosen = np.random.default_rng(rng).random(len(array)) < chance
    result = array.copy()
    result[chosen] = np.flip(array[chosen], axis)
    return result


def _fitting(
    what: str, array: NDArray[Any], size: int | tuple[int, int], axes: Axes, padding: int
) -> tuple[int, int]:
    """Rows and columns that are asked for, once they fit."""
    _check_axes(what, array, axes)
    rows, columns = pair(what, "size", size)
    given = tuple(array.shape[axis] + 2 * padding for axis in axes)
    if padding < 0 or rows > given[0] or columns > given[1]:
        raise PreprocessingError(
            f"{what}: {rows} x {columns} do not fit images of {given[0]} x {given[1]}, "
            f"of which {padding} on each side are padding"
        )
    return rows, columns


def _check_axes(what: str, array: NDArray[Any], axes: Axes) -> None:
    if not 0 < axes[0] < axes[1] < array.ndim:
        raise PreprocessingError(
            f"{what}: axes {axes} are no rows and columns of an array of shape {array.shape}\n"
            "  Axis 0 counts images, rows come before columns: (1, 2), or (2, 3) where channels "
            "come first."
        )

"""Means subtracted, deviations divided by: of features, of cases, of the neighbourhood of a pixel.

Arrays come in and go out; float64 stays float64, everything else becomes float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from agnesi.graph.tensor import Tensor
from agnesi.preprocessing.arrays import cases, floats, pictures
from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from agnesi.preprocessing.arrays import Floats

# Worked on at a time.
_CASES = 4096
_IMAGES = 256


@dataclass(frozen=True, eq=False)
class Standardization:
    """Each feature with mean 0 and deviation 1 over the cases it was made of.

    Attributes:
        mean: float[features].
        deviation: float[features], by which is divided.

    >>> made = Standardization.of([[1, 5], [3, 5]])
    >>> made.apply([[1, 5], [3, 6]])
    array([[-1.,  0.],
           [ 1.,  1.]], dtype=float32)
    """

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, x: ArrayLike, *, offset: float = 0.0) -> Standardization:
        """Take mean and deviation of each feature; one that is the same in all cases is kept.

        Args:
            x: [n, features].
            offset: is added to the deviations, so that small ones are blown up less.

        Raises:
            PreprocessingError: there are no cases, or they are no matrix.
        """
        array = cases("Standardization", x)
        mean = array.mean(axis=0, dtype=np.float64)
        parts = (array[first : first + _CASES] - mean for first in range(0, len(array), _CASES))
        deviation = np.sqrt(sum(np.square(part).sum(axis=0) for part in parts) / len(array))
        # What is constant but for rounding.
        constant = deviation <= 10 * np.finfo(array.dtype).eps * np.abs(mean)
        divisor = np.where(constant, 1, deviation) + offset
        return cls(mean.astype(array.dtype), divisor.astype(array.dtype))

    @overload
    def apply(self, x: Tensor) -> Tensor: ...
    @overload
    def apply(self, x: ArrayLike) -> Floats: ...
    def apply(self, x: ArrayLike | Tensor) -> Floats | Tensor:
        """Standardise cases, [..., features]; a tensor gives a tensor."""
        given = x if isinstance(x, Tensor) else floats(x)
        return (given - self.mean) / self.deviation

    @overload
    def undo(self, x: Tensor) -> Tensor: ...
    @overload
    def undo(self, x: ArrayLike) -> Floats: ...
    def undo(self, x: ArrayLike | Tensor) -> Floats | Tensor:
        """What ``apply`` made ``x`` of."""
        given = x if isinstance(x, Tensor) else floats(x)
        return given * self.deviation + self.mean


def deviations(x: ArrayLike) -> Floats:
    """Standard deviation of each case, float[n].

    Args:
        x: [n, features].

    Raises:
        PreprocessingError: there are no cases, or they are no matrix.

    >>> deviations([[1, 3], [2, 2]])
    array([1., 0.], dtype=float32)
    """
    return cases("deviations", x).std(axis=1)


def normalise_cases(
    x: ArrayLike, *, variance_offset: float = 0.0, deviation_offset: float = 0.0
) -> Floats:
    """Each case with mean 0, divided by ``sqrt(variance + variance_offset) + deviation_offset``.

    A. Coates, H. Lee, A. Y. Ng: An analysis of single-layer networks in unsupervised feature
    learning.  AISTATS (2011): patches of bytes with a variance offset of 10.  A case that is
    constant becomes zeros.

    Args:
        x: [n, features].
        variance_offset: of the same unit as ``x * x``.
        deviation_offset: of the same unit as ``x``; such as a tenth of ``deviations(x).mean()``.

    Raises:
        PreprocessingError: an offset is negative, or the cases are no matrix.

    >>> normalise_cases([[1, 3], [2, 2]])
    array([[-1.,  1.],
           [ 0.,  0.]], dtype=float32)
    """
    if variance_offset < 0 or deviation_offset < 0:
        raise PreprocessingError(
            "normalise_cases: offsets must be at least 0, but are "
            f"{variance_offset} and {deviation_offset}"
        )
    array = cases("normalise_cases", x)
    centred = array - array.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    divisor = np.sqrt(variance + array.dtype.type(variance_offset)) + deviation_offset
    return centred / _or_one(divisor, array)


def global_contrast(
    x: ArrayLike,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    by: Literal["norm", "deviation"] = "norm",
    least: float = 1e-8,
) -> Floats:
    """Global contrast normalisation: each case with mean 0, and the same length or deviation.

    ``scale * (x - mean) / sqrt(offset + sum((x - mean)**2))``, or with the variance (divided by
    the number of features less one) in place of the sum; as in Pylearn2.

    A. Coates, A. Y. Ng, H. Lee: An analysis of single-layer networks in unsupervised feature
    learning.  AISTATS (2011).

    Args:
        x: [n, features].
        scale: what the length or deviation becomes; 55 is usual for images of CIFAR-10.
        offset: under the root.
        by: ``norm``, the length of a case, or ``deviation``, its standard deviation.
        least: what is divided by is 1 where it would be less.

    Raises:
        PreprocessingError: the cases are no matrix.

    >>> global_contrast([[1, 3], [2, 2]], scale=2)
    array([[-1.4142135,  1.4142135],
           [ 0.       ,  0.       ]], dtype=float32)
    """
    array = cases("global_contrast", x)
    centred = array - array.mean(axis=1, keepdims=True)
    energy = np.square(centred).sum(axis=1, keepdims=True)
    if by == "deviation":
        energy /= max(array.shape[1] - 1, 1)
    divisor = np.sqrt(energy + array.dtype.type(offset)) / array.dtype.type(scale)
    return centred / np.where(divisor < least, array.dtype.type(1), divisor)


def local_contrast(
    images: ArrayLike,
    *,
    size: int = 9,
    deviation: float | None = None,
    across_channels: bool = False,
    edges: Literal["renormalise", "zero"] = "renormalise",
    least: float = 1e-4,
) -> Floats:
    """Local contrast normalisation: the neighbourhood's mean subtracted, its deviation divided by.

    ``v = x - sum(w * x)`` and ``y = v / max(mean(s), s)`` with ``s = sqrt(sum(w * v**2))``: sums go
    over a window around each pixel, whose weights ``w`` are a Gaussian and add up to 1; the mean
    goes over all pixels of an image.

    K. Jarrett, K. Kavukcuoglu, M. Ranzato, Y. LeCun: What is the best multi-stage architecture for
    object recognition?  ICCV (2009).

    Args:
        images: [n, rows, columns] or [n, rows, columns, channels].
        size: rows and columns of the window, odd.
        deviation: of the Gaussian in pixels; None for a quarter of ``size``.  Pylearn2's
            ``LeCunLCN`` has ``size=7, deviation=2, edges="zero"``.
        across_channels: whether sums go over all channels, as in the paper, or each channel is
            an image for itself.
        edges: what lies outside of an image: ``zero``, or nothing, the weights inside being
            normalised again.
        least: what is divided by is at least this.

    Returns:
        As many axes, float32, or float64 where the images are.

    Raises:
        PreprocessingError: the images have another number of axes, or the size is even.

    >>> flat = np.full((1, 5, 5), 7, np.uint8)
    >>> float(np.abs(local_contrast(flat, size=3)).max()) < 0.01
    True
    """
    if size < 1 or size % 2 == 0:
        raise PreprocessingError(
            f"local_contrast: size must be odd, so that a window has a middle, but is {size}"
        )
    array = floats(pictures("local_contrast", images))
    colour = array if array.ndim == 4 else array[..., None]
    channel_axes = (1, 2, 3) if across_channels else (1, 2)
    width = size / 4 if deviation is None else deviation
    rows = _window_matrix(colour.shape[1], size, width, edges).astype(array.dtype)
    columns = _window_matrix(colour.shape[2], size, width, edges).astype(array.dtype)

    def around(x: Floats) -> Floats:
        """The weighted sum over each pixel's window."""
        planes = np.moveaxis(x, 3, 1)
        sums = np.moveaxis(rows @ planes @ columns.T, 1, 3)
        return sums.mean(axis=3, keepdims=True) if across_channels else sums

    result = np.empty_like(colour)
    for first in range(0, len(colour), _IMAGES):
        part = colour[first : first + _IMAGES]
        centred = part - around(part)
        spread = np.sqrt(around(np.square(centred)))
        typical = spread.mean(axis=channel_axes, keepdims=True)
        divisor = np.maximum(np.maximum(spread, typical), array.dtype.type(least))
        result[first : first + _IMAGES] = centred / divisor
    return result.reshape(array.shape)


def _window_matrix(
    length: int, size: int, deviation: float, edges: Literal["renormalise", "zero"]
) -> Floats:
    """Matrix that sums over a window along one axis: entry ``[i, j]`` is the weight of j for i."""
    distance = np.arange(length)[:, None] - np.arange(length)
    half = size // 2
    weights = np.exp(-0.5 * np.square(distance / deviation))
    weights[np.abs(distance) > half] = 0
    whole = np.exp(-0.5 * np.square(np.arange(-half, half + 1) / deviation)).sum()
    return weights / (weights.sum(axis=1, keepdims=True) if edges == "renormalise" else whole)


def _or_one(divisor: Floats, like: Floats) -> Floats:
    """What is divided by, 1 where it is 0."""
    return np.where(divisor == 0, 1, divisor).astype(like.dtype, copy=False)

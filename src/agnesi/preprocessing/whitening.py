"""Principal components and whitening: a matrix that makes features uncorrelated.

K. Pearson: On lines and planes of closest fit to systems of points in space.  Philosophical
Magazine 2 (1901), 559-572.

A. J. Bell, T. J. Sejnowski: The "independent components" of natural scenes are edge filters.
Vision Research 37 (1997), 3327-3338: zero-phase whitening.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np

from agnesi.graph.tensor import Tensor
from agnesi.preprocessing.arrays import cases, floats
from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from agnesi.preprocessing.arrays import Floats

_ROWS = 4096  # cases that are made float64 at a time


@dataclass(frozen=True, eq=False)
class Projection:
    """``(x - mean) @ matrix``, and the way back.

    In a compiled function it is a product of matrices: ``apply`` of a tensor gives a tensor.

    Attributes:
        mean: float[features].
        matrix: float[features, m].
        inverse: float[m, features]: the way back, but for what was left out.
        variances: float64[k], of the components that were kept, the largest first.
        kept: the fraction of the variance that they have.
    """

    mean: Floats
    matrix: Floats
    inverse: Floats
    variances: NDArray[np.float64]
    kept: float

    @overload
    def apply(self, x: Tensor) -> Tensor: ...
    @overload
    def apply(self, x: ArrayLike) -> Floats: ...
    def apply(self, x: ArrayLike | Tensor) -> Floats | Tensor:
        """Project cases, [..., features] to [..., m].

        Raises:
            PreprocessingError: an array has another number of features.
        """
        return (self._fitting(x, "apply", len(self.mean)) - self.mean) @ self.matrix

    @overload
    def undo(self, x: Tensor) -> Tensor: ...
    @overload
    def undo(self, x: ArrayLike) -> Floats: ...
    def undo(self, x: ArrayLike | Tensor) -> Floats | Tensor:
        """The way back, [..., m] to [..., features].

        Raises:
            PreprocessingError: an array has another number of features.
        """
        return self._fitting(x, "undo", len(self.inverse)) @ self.inverse + self.mean

    def _fitting(self, x: ArrayLike | Tensor, what: str, features: int) -> Any:
        if isinstance(x, Tensor):
            return x
        array = floats(x)
        if array.shape[-1:] != (features,):
            raise PreprocessingError(
                f"{what}: the projection takes [..., {features}], but the array has shape "
                f"{array.shape}"
            )
        return array


def pca(
    x: ArrayLike,
    *,
    components: int | None = None,
    variance: float | None = None,
    epsilon: float = 0.0,
    whiten: bool = True,
) -> Projection:
    """Projection to the directions in which cases vary most, by default scaled to variance 1.

    The covariance is computed and taken apart in float64, and divides by n - 1.  Of the two
    directions of a component the one is taken in which its largest entry is positive.

    Args:
        x: [n, features].
        components: how many to keep, at most; None keeps all that vary.
        variance: keep as few as have this fraction of the variance.
        epsilon: is added to the variances before they are divided by.
        whiten: whether components are scaled to variance 1.

    Raises:
        PreprocessingError: a setting makes no sense, or the cases are no matrix, are less than two,
            all the same, or not finite.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4))
    >>> whitened = pca(x).apply(x)
    >>> np.allclose(np.cov(whitened.T), np.eye(4), atol=1e-5)
    True
    >>> pca(x, components=2).matrix.shape
    (4, 2)
    """
    found = _components("pca", x, components, variance, epsilon)
    scale = np.sqrt(found.variances + epsilon) if whiten else np.ones_like(found.variances)
    return _projection(found, found.vectors / scale, (found.vectors * scale).T)


def zca(
    x: ArrayLike,
    *,
    components: int | None = None,
    variance: float | None = None,
    epsilon: float = 0.0,
) -> Projection:
    """Whitening that changes cases as little as possible: images stay images.

    It is :func:`pca`, turned back to the features by the components.

    Args:
        x: [n, features].
        components: how many to keep, at most; None keeps all that vary.
        variance: keep as few as have this fraction of the variance.
        epsilon: is added to the variances before they are divided by; 0.1 is usual for images of
            variance 1.

    Raises:
        PreprocessingError: as in :func:`pca`.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4))
    >>> made = zca(x)
    >>> np.allclose(np.cov(made.apply(x).T), np.eye(4), atol=1e-5)
    True
    >>> np.allclose(made.matrix, made.matrix.T)
    True
    """
    found = _components("zca", x, components, variance, epsilon)
    scale, turn = np.sqrt(found.variances + epsilon), found.vectors.T
    return _projection(found, (found.vectors / scale) @ turn, (found.vectors * scale) @ turn)


class _Components(NamedTuple):
    """What is kept of a covariance, as in :class:`Projection`; components are columns."""

    mean: NDArray[np.float64]
    variances: NDArray[np.float64]
    vectors: NDArray[np.float64]
    kept: float
    dtype: np.dtype[Any]


def _projection(
    found: _Components, there: NDArray[np.float64], back: NDArray[np.float64]
) -> Projection:
    mean, matrix, inverse = (
        np.ascontiguousarray(each, found.dtype) for each in (found.mean, there, back)
    )
    return Projection(mean, matrix, inverse, found.variances, found.kept)


def _components(
    what: str, x: ArrayLike, components: int | None, variance: float | None, epsilon: float
) -> _Components:
    if components is not None and components < 1:
        raise PreprocessingError(f"{what}: components must be at least 1, but is {components}")
    if variance is not None and not 0 < variance <= 1:
        raise PreprocessingError(
            f"{what}: variance is a fraction, above 0 and at most 1, but is {variance}"
        )
    if epsilon < 0:
        raise PreprocessingError(f"{what}: epsilon must be at least 0, but is {epsilon}")
    array = cases(what, x, least=2)
    mean = array.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise PreprocessingError(
            f"{what}: feature {int(np.flatnonzero(~np.isfinite(mean))[0])} is not finite in a case"
        )
    values, vectors = np.linalg.eigh(_covariance(array, mean))
    values, vectors = values[::-1].clip(0), vectors[:, ::-1]
    # Below this a variance is rounding: of the other variances, or of the cases, where an error
    # that all features share (that of a mean which was subtracted) counts once for each.
    squares = values.sum() / len(values) + np.square(mean).mean()
    rounding = len(values) * max(
        values[0] * np.finfo(np.float64).eps, 4 * np.finfo(array.dtype).eps ** 2 * squares
    )
    count = int((values > rounding).sum())
    if not count:
        raise PreprocessingError(f"{what}: all cases are the same")
    shares = np.cumsum(values) / values.sum()
    if variance is not None:
        count = min(count, int(np.searchsorted(shares, variance)) + 1)
    if components is not None:
        count = min(count, components)
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(len(values))])
    kept = float(shares[count - 1])
    return _Components(mean, values[:count], vectors[:, :count], kept, array.dtype)


def _covariance(x: Floats, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros((x.shape[1], x.shape[1]))
    for first in range(0, len(x), _ROWS):
        part = x[first : first + _ROWS] - mean
        total += part.T @ part
    return total / (len(x) - 1)

"""Points near curves in the plane: what an autoencoder makes of them can be seen.

Line, circle and spiral as in D. J. Im, M. I. D. Belghazi, R. Memisevic: Conservativeness of untied
auto-encoders.  AAAI (2016); they lie within ``[-0.6, 0.6]`` in both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from agnesi.datasets.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Curve = Literal["line", "circle", "spiral", "moons"]

_TURNS = 1.75  # of the spiral


class Manifold(NamedTuple):
    """Points, and where on the curve each belongs.

    Attributes:
        points: float32[n, 2].
        parameter: float32[n], from 0 to 1, the place on the curve.
        labels: int64[n], which moon; 0 on other curves.
    """

    points: NDArray[np.float32]
    parameter: NDArray[np.float32]
    labels: NDArray[np.int64]


def manifold(
    curve: Curve, count: int, rng: np.random.Generator | int, *, noise: float = 0.0
) -> Manifold:
    """Points on a curve, evenly spaced in its parameter, moved by Gaussian noise.

    Args:
        curve: ``line``, the diagonal; ``circle`` of radius 0.4; ``spiral`` of Archimedes; or
            ``moons``, two half circles of which each reaches into the other.
        count: of points; of two moons the first has half of them, or one more.
        rng: of the noise: a generator, or a seed.
        noise: standard deviation in both directions.

    Raises:
        DatasetError: there is no such curve, or a number makes no sense.

    >>> manifold("circle", 4, rng=0).points.round(3) + 0.0
    array([[ 0.4,  0. ],
           [ 0. ,  0.4],
           [-0.4,  0. ],
           [ 0. , -0.4]], dtype=float32)
    """
    if count < 1 or not 0 <= noise < np.inf:
        raise DatasetError(
            f"manifold: {count} points, noise {noise}\n  At least one, and noise is not negative."
        )
    labels = np.zeros(count, np.int64)
    place = np.linspace(0, 1, count, endpoint=curve != "circle")
    match curve:
        case "line":
            x = y = place - 0.5
        case "circle":
            x, y = (0.4 * f(2 * np.pi * place) for f in (np.cos, np.sin))
        case "spiral":
            radius = 0.1 + 0.45 * place
            x, y = (radius * f(2 * np.pi * _TURNS * place) for f in (np.cos, np.sin))
        case "moons":
            upper = (count + 1) // 2
            labels[upper:] = 1
            place = np.concatenate([np.linspace(0, 1, upper), np.linspace(0, 1, count - upper)])
            turn = 1 - 2 * labels  # the second moon is the first, turned by half around (0, 0)
            x = turn * (0.35 * np.cos(np.pi * place) - 0.175)
            y = turn * (0.35 * np.sin(np.pi * place) - 0.0875)
        case _:
            raise DatasetError(
                f"manifold: {curve!r} is no curve\n"
                "  There are 'line', 'circle', 'spiral' and 'moons'."
            )
    points = np.stack([x, y], axis=1)
    points += noise * np.random.default_rng(rng).standard_normal(points.shape)
    return Manifold(points.astype(np.float32), place.astype(np.float32), labels)

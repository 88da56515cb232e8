"""Windows of signal processing, made from their number of points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agnesi.ops.arithmetic import absolute, clip
from agnesi.ops.choice import where
from agnesi.ops.creation import arange
from agnesi.ops.powers import sqrt
from agnesi.ops.special import i0
from agnesi.ops.trigonometric import cos

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.families import Op

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def _turn(M: int | Tensor) -> tuple[Tensor, Tensor]:
    """Return the position of each point from 0 to 1, and whether there is more than one."""
    points = arange(M).astype("f64")
    last = (points * 0 + M) - 1
    return points / where(last > 0, last, 1.0), last > 0


def _cosines(M: int | Tensor, *weights: float) -> Tensor:
    at, several = _turn(M)
    total = at * 0 + weights[0]
    for k, weight in enumerate(weights[1:], 1):
        total = total + weight * cos(2 * math.pi * k * at)
    return where(several, total, 1.0)


def bartlett(M: int | Tensor, /) -> Tensor:
    """Return the triangular window of ``M`` points in float64, as ``numpy.bartlett``.

    >>> ag.bartlett(5).eval()
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    at, several = _turn(M)
    return where(several, 1 - absolute(2 * at - 1), 1.0)


def blackman(M: int | Tensor, /) -> Tensor:
    """Return the Blackman window of ``M`` points in float64, as ``numpy.blackman``."""
    return _cosines(M, 0.42, -0.5, 0.08)


def hamming(M: int | Tensor, /) -> Tensor:
    """Return the Hamming window of ``M`` points in float64, as ``numpy.hamming``."""
    return _cosines(M, 0.54, -0.46)


def hanning(M: int | Tensor, /) -> Tensor:
    """Return the Hann window of ``M`` points in float64, as ``numpy.hanning``."""
    return _cosines(M, 0.5, -0.5)


def kaiser(M: int | Tensor, /, beta: float) -> Tensor:
    """Return the Kaiser window of ``M`` points in float64, as ``numpy.kaiser``.

    Args:
        M: number of points, an int or a symbolic integer.
        beta: shape; 0 gives a rectangle.
    """
    at, several = _turn(M)
    inside = clip(1 - (2 * at - 1) ** 2, 0.0, 1.0)
    window = i0(beta * sqrt(inside)) / i0(at * 0 + beta)
    return where(several, window, 1.0)


OPS: tuple[type[Op], ...] = ()

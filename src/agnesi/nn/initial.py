"""Weights to begin with, as NumPy arrays drawn from a NumPy generator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def glorot(
    rng: np.random.Generator, inputs: int, outputs: int, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return uniform weights that keep variances, forward and backward: [inputs, outputs].

    X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks.
    AISTATS (2010), equation 16: between ``-r`` and ``r``, ``r = sqrt(6 / (inputs + outputs))``.

    >>> weights = ag.nn.glorot(np.random.default_rng(0), 30, 20)
    >>> weights.shape, bool(abs(weights).max() <= (6 / 50) ** 0.5)
    ((30, 20), True)
    """
    reach = math.sqrt(6 / (inputs + outputs))
    return rng.uniform(-reach, reach, (inputs, outputs)).astype(dtype)


def gaussian(
    rng: np.random.Generator, inputs: int, outputs: int, scale: float, dtype: Any = np.float32
) -> NDArray[Any]:
    """Return normal weights of mean 0 and a standard deviation: [inputs, outputs].

    >>> ag.nn.gaussian(np.random.default_rng(0), 2, 3, scale=0.01).shape
    (2, 3)
    """
    return (scale * rng.standard_normal((inputs, outputs))).astype(dtype)


def orthogonal(rng: np.random.Generator, units: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Return a random orthogonal matrix, every one as likely as any other: [units, units].

    A. M. Saxe, J. L. McClelland, S. Ganguli: Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks.  ICLR (2014), arXiv 1312.6120.

    >>> q = ag.nn.orthogonal(np.random.default_rng(0), 4, np.float64)
    >>> np.allclose(q.T @ q, np.eye(4))
    True
    """
    q, r = np.linalg.qr(rng.standard_normal((units, units)))
    return (q * np.sign(np.diag(r))).astype(dtype)

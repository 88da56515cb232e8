"""Fourier transforms of the rows or columns of a matrix; ``theano.tensor.fft`` is newer."""

from __future__ import annotations

from typing import Any

import numpy as np

import agnesi as ag
from agnesi.theano.tensor.basic import as_tensor_variable, known_number
from agnesi.theano.tensor.native_op import NativeOp
from agnesi.theano.tensor.shapes import SizeValue, one_size


class FFT(NativeOp):
    """The transform of ``n`` elements along an axis: ``fft(frames, n, axis)``, complex.

    Attributes:
        half: whether only the first half is returned.
        inverse: whether it is the inverse.
    """

    __props__ = ("half", "inverse")

    def __init__(self, half: bool = False, inverse: bool = False) -> None:
        self.half, self.inverse = half, inverse

    def convert(self, frames: Any, n: Any, axis: Any) -> list[Any]:
        """A matrix, a number, and an axis.

        Raises:
            TypeError: half of the transform of complex numbers.
        """
        found = [as_tensor_variable(frames, ndim=2), as_tensor_variable(n, ndim=0)]
        if self.half and found[0].dtype.startswith("complex"):
            raise TypeError("Argument to HalfFFT must not be complex", frames)
        return [*found, as_tensor_variable(axis, ndim=0)]

    def build(self, frames: ag.Tensor, n: ag.Tensor, axis: ag.Tensor) -> ag.Tensor:
        """In complex128."""
        along = known_number(axis)
        if along is None:
            raise NotImplementedError("FFT: the axis is a known number")
        size = one_size(n)
        count: Any = size if isinstance(size, int) else SizeValue(size)
        function = ag.fft.ifft if self.inverse else ag.fft.fft
        made = function(ag.astype(frames, "c128"), count, int(along))
        if not self.half:
            return made
        if isinstance(size, int) and size % 2:
            raise ValueError("halfFFT on odd-length vectors is undefined")
        return made[: count // 2] if along == 0 else made[:, : count // 2]


fft, half_fft = FFT(False, False), FFT(True, False)
ifft, half_ifft = FFT(False, True), FFT(True, True)


def dct_matrix(rows: int, cols: int, unitary: bool = True) -> Any:
    """Return a matrix that is a discrete cosine transform.

    Args:
        rows: how many coefficients come out.
        cols: how many elements go in.
        unitary: whether it keeps lengths.
    """
    angles = np.outer(np.arange(rows), 2 * np.arange(cols) + 1) * (np.pi / (2.0 * cols))
    made = np.cos(angles) * np.sqrt(2.0 / cols)
    if unitary:
        made[0] *= np.sqrt(0.5)
    return made

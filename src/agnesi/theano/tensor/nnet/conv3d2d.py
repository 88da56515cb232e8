"""Convolution of films ``[n, time, channels, rows, columns]``, under its old path."""

from __future__ import annotations

from typing import Any

import numpy as np

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import known_number
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.native_op import NativeOp
from agnesi.theano.tensor.nnet.abstract_conv import _known, _told


class _Films(NativeOp):
    """The convolution of films with filters ``[results, time, channels, rows, columns]``.

    Attributes:
        border_mode: of time, rows and columns.
        signals_shape: sizes of films that are known.
        filters_shape: the same of filters.
    """

    __props__ = ("border_mode", "signals_shape", "filters_shape")

    def __init__(self, border_mode: Any, signals_shape: Any, filters_shape: Any) -> None:
        self.border_mode = border_mode
        self.signals_shape, self.filters_shape = signals_shape, filters_shape

    def build(self, films: ag.Tensor, filters: ag.Tensor) -> ag.Tensor:
        """With channels first, as agnesi's convolution."""
        films = _told(films, (None, *self.signals_shape[1:]))
        filters = _told(filters, self.filters_shape)
        dtype = upcast(films.dtype.numpy.name, filters.dtype.numpy.name)
        x, w = (ag.astype(ag.transpose(t, (0, 2, 1, 3, 4)), dtype) for t in (films, filters))
        widths: dict[str, Any] = {"valid": lambda n: 0, "full": lambda n: n - 1}
        widths["half"] = lambda n: n // 2
        pads = [widths[m](n) for m, n in zip(self.border_mode, w.shape[2:], strict=True)]
        made = ag.nn.conv(x, w, padding=[(p, p) for p in pads], flip=True)
        return ag.transpose(made, (0, 2, 1, 3, 4))


def conv3d(
    signals: Any,
    filters: Any,
    signals_shape: Any = None,
    filters_shape: Any = None,
    border_mode: Any = "valid",
) -> Any:
    """Return the convolution of films with filters ``[results, time, channels, rows, columns]``.

    Args:
        signals: films ``[n, time, channels, rows, columns]``.
        filters: they are flipped.
        signals_shape: sizes of films that are known.
        filters_shape: sizes of filters that are known.
        border_mode: ``"valid"``, ``"full"`` or ``"half"``; or one for time, rows and columns each.

    Raises:
        NotImplementedError: rows and columns differ in their border.
        ValueError: another border.
    """
    modes = (border_mode,) * 3 if isinstance(border_mode, str) else tuple(border_mode)
    if modes[1] != modes[2]:
        raise NotImplementedError("height and width bordermodes must match")
    for mode in modes:
        if mode not in ("valid", "full", "half"):
            raise ValueError("invalid border mode", mode)
    told = (_known(s, 5, "a shape") for s in (signals_shape, filters_shape))
    return _Films(modes, *told)(signals, filters)


# -- stripes along diagonals -----------------------------------------------------------------------


def get_diagonal_subtensor_view(x: Any, i0: Any, i1: Any) -> Any:
    """Return a stripe across a diagonal of two axes of an array; see :class:`DiagonalSubtensor`.

    Of an array of NumPy it is a view.

    Raises:
        NotImplementedError: the first axis is shorter than the second.
    """
    i0, i1 = int(i0), int(i1)
    rows, columns = x.shape[i0], x.shape[i1]
    if isinstance(rows, int) and isinstance(columns, int) and rows < columns:
        raise NotImplementedError("the stripe would not reach across the matrix")
    if not isinstance(x, ag.Tensor):
        view = x[tuple(slice(columns - 1, None) if k == i0 else slice(None) for k in range(x.ndim))]
        steps = list(view.strides)
        steps[i1] -= steps[i0]
        return np.lib.stride_tricks.as_strided(view, strides=steps)
    moved = ag.moveaxis(x, (i0, i1), (-2, -1))
    down, across = ag.arange(rows - columns + 1), ag.arange(columns)
    made = moved[..., down[:, None] + (columns - 1) - across, across[None]]
    return ag.moveaxis(made, (-2, -1), (i0, i1))


class _Stripe(NativeOp):
    """An op of a stripe across a diagonal.

    Attributes:
        inplace: means nothing.
    """

    __props__ = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def __str__(self) -> str:
        return f"{self.name}{{inplace}}" if self.inplace else self.name


class DiagonalSubtensor(_Stripe):
    """A stripe across a diagonal: ``y[t, k] = x[t + columns - 1 - k, k]`` of two axes."""

    def build(self, x: ag.Tensor, i0: ag.Tensor, i1: ag.Tensor) -> ag.Tensor:
        """The axes are known."""
        return get_diagonal_subtensor_view(x, *_axes(i0, i1))


def _axes(*axes: ag.Tensor) -> list[int]:
    found = [known_number(a) for a in axes]
    if any(a is None for a in found):
        raise NotImplementedError("DiagonalSubtensor: the axes are known numbers")
    return [int(a) for a in found]


class IncDiagonalSubtensor(_Stripe):
    """An array with something added to a stripe across a diagonal."""

    def build(self, x: ag.Tensor, i0: ag.Tensor, i1: ag.Tensor, amt: ag.Tensor) -> ag.Tensor:
        """The gradient of the stripe, added."""
        return x + ag.vjp(get_diagonal_subtensor_view(x, *_axes(i0, i1)), x, amt)


diagonal_subtensor, inc_diagonal_subtensor = DiagonalSubtensor(), IncDiagonalSubtensor()


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)


__all__ = [
    "DiagonalSubtensor",
    "IncDiagonalSubtensor",
    "conv3d",
    "diagonal_subtensor",
    "get_diagonal_subtensor_view",
    "inc_diagonal_subtensor",
]

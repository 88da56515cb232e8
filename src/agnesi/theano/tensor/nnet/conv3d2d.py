"""Convolution of films ``[n, time, channels, rows, columns]``, under its old path."""

from __future__ import annotations

from typing import Any

from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.nnet import abstract_conv


def conv3d(
    signals: Any,
    filters: Any,
    signals_shape: Any = None,
    filters_shape: Any = None,
    border_mode: Any = "valid",
) -> Any:
    """Return the convolution of films with filters ``[results, time, channels, rows, columns]``."""
    del signals_shape, filters_shape
    x, w = as_tensor_variable(signals), as_tensor_variable(filters)
    if isinstance(border_mode, str):
        mode: Any = border_mode
    else:
        pads = []
        for k, each in zip((1, 3, 4), border_mode, strict=True):
            size = w.tensor.type.shape[k]
            if each != "valid" and not isinstance(size, int):
                raise NotImplementedError(
                    "conv3d: a mixed border_mode needs filters of known sizes"
                )
            pads.append({"valid": 0, "full": size - 1, "half": size // 2}[each])
        mode = tuple(pads)
    made = abstract_conv.conv3d(
        x.dimshuffle(0, 2, 1, 3, 4), w.dimshuffle(0, 2, 1, 3, 4), border_mode=mode
    )
    return made.dimshuffle(0, 2, 1, 3, 4)

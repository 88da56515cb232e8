"""Convolution of images without channels."""

from __future__ import annotations

from typing import Any

from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.nnet import abstract_conv


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    **kargs: Any,
) -> Any:
    """Return the convolution of each image of a stack with each filter of a stack."""
    del image_shape, filter_shape, kargs
    x, w = as_tensor_variable(input), as_tensor_variable(filters)
    if x.ndim not in (2, 3) or w.ndim not in (2, 3):
        raise Exception("signal.conv2d: images and filters are matrices or stacks of them")
    images = x.dimshuffle(0, "x", 1, 2) if x.ndim == 3 else x.dimshuffle("x", "x", 0, 1)
    kernels = w.dimshuffle(0, "x", 1, 2) if w.ndim == 3 else w.dimshuffle("x", "x", 0, 1)
    made = abstract_conv.conv2d(images, kernels, border_mode=border_mode, subsample=subsample)
    if x.ndim == 2 and w.ndim == 2:
        return made[0, 0]
    if x.ndim == 2:
        return made[0]
    return made[:, 0] if w.ndim == 2 else made

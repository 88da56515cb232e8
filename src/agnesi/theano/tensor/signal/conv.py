"""Convolution of images without channels."""

from __future__ import annotations

import warnings
from typing import Any

from agnesi.theano.configparser import config
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.nnet import conv


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    **kargs: Any,
) -> Any:
    """Return the convolution of each image of a stack with each filter of a stack.

    Args:
        input: an image, or a stack of them.
        filters: a filter, or a stack of them.
        image_shape: sizes of the images.
        filter_shape: sizes of the filters.
        border_mode: ``"valid"`` or ``"full"``.
        subsample: how far apart the places of the filter are.
        **kargs: of ``theano.tensor.nnet.conv.ConvOp``.

    Returns:
        ``[images, filters, rows, columns]``, without the axis of what was no stack.
    """
    x, w = as_tensor_variable(input), as_tensor_variable(filters)
    if x.ndim not in (2, 3) or w.ndim not in (2, 3):
        raise AssertionError("signal.conv2d: images and filters are matrices or stacks of them")
    told: dict[str, Any] = {}
    if image_shape and filter_shape:
        told = {"imshp": (1, *image_shape[-2:]), "kshp": tuple(filter_shape[-2:])}
        told["nkern"] = filter_shape[0] if w.ndim == 3 else 1
    images, kernels = (
        v.dimshuffle(0, "x", 1, 2) if v.ndim == 3 else v.dimshuffle("x", "x", 0, 1) for v in (x, w)
    )
    op = conv.ConvOp(dx=subsample[0], dy=subsample[1], output_mode=border_mode, **told, **kargs)
    made = op(images, kernels)
    if x.ndim == 2 and w.ndim == 2:
        if config.warn.signal_conv2d_interface:
            warnings.warn(
                "theano.tensor.signal.conv2d() now outputs a 2d tensor when both inputs are 2d. To "
                "disable this warning, set the Theano flag warn.signal_conv2d_interface to False",
                stacklevel=3,
            )
        return made[0, 0]
    if x.ndim == 2:
        return made[0]
    return made[:, 0] if w.ndim == 2 else made


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""The old convolution: ``theano.tensor.nnet.conv.conv2d``."""

from __future__ import annotations

from typing import Any

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
    """Return the convolution of images with filters: ``theano.tensor.nnet.conv2d``.

    Sizes that the program gives are taken as known; how to unroll loops is not looked at.
    """
    if border_mode not in ("valid", "full"):
        raise ValueError(f"border_mode must be valid or full, not {border_mode!r}")
    del kargs
    return abstract_conv.conv2d(
        input, filters, image_shape, filter_shape, border_mode, subsample, filter_flip=True
    )


class ConvOp:
    """The old op; only its shapes are here."""

    @staticmethod
    def getOutputShape(
        inshp: Any, kshp: Any, stride: Any = (1, 1), mode: str = "valid"
    ) -> tuple[Any, ...]:
        """Return the size of images behind a convolution."""
        return tuple(
            abstract_conv.get_conv_shape_1axis(i, k, mode, s)
            for i, k, s in zip(inshp, kshp, stride, strict=True)
        )

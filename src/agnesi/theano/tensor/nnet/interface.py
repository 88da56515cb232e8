"""The convolutions that ``theano.tensor.nnet`` offers, with keywords of earlier days."""

from __future__ import annotations

import warnings
from typing import Any

from agnesi.theano.tensor.nnet import abstract_conv


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    image_shape: Any = None,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
    **kwargs: Any,
) -> Any:
    """Return the convolution of images ``[n, channels, rows, columns]`` with filters.

    Args:
        input: images.
        filters: ``[results, channels/num_groups, rows, columns]``; see ``unshared``.
        input_shape: sizes of the images that are known; None for those that are not.
        filter_shape: the same of the filters.
        border_mode: ``"valid"``, ``"full"``, ``"half"``, or zeros around as an integer, a pair, or
            pairs of pairs.
        subsample: how far apart the places of the filter are.
        filter_flip: a true convolution; else a correlation.
        image_shape: an old name of ``input_shape``.
        filter_dilation: how far apart the taps of the filter are.
        num_groups: into how many groups channels fall.
        unshared: whether there is a filter for each place, ``[results, rows and columns of
            results, channels/num_groups, rows, columns]``.
        **kwargs: old ones, which mean nothing; a warning says so.

    Raises:
        ValueError: images or filters with zeros between their elements, by old keywords.
    """
    if "imshp_logical" in kwargs or "kshp_logical" in kwargs:
        raise ValueError(
            "Keyword arguments 'imshp_logical' and 'kshp_logical' for conv2d are not supported "
            "anymore: conv2d_transpose and filter_dilation do that."
        )
    if kwargs:
        warnings.warn(
            f"{', '.join(kwargs)}: deprecated in tensor.nnet.conv2d, and ignored", stacklevel=2
        )
    if image_shape is not None:
        if input_shape is not None:
            raise ValueError("input_shape and image_shape should not be provided at the same time.")
        warnings.warn(
            "The `image_shape` keyword argument to `tensor.nnet.conv2d` is deprecated, it has been "
            "renamed to `input_shape`.",
            stacklevel=2,
        )
        input_shape = image_shape
    return abstract_conv.conv2d(
        input,
        filters,
        input_shape,
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    input_dilation: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """Return a transposed convolution: the gradient of a convolution by its images.

    Args:
        input: images ``[n, channels, rows, columns]``.
        filters: of that convolution: ``[channels, results/num_groups, rows, columns]``.
        output_shape: of the result; the last two sizes may be variables.
        filter_shape: sizes of the filters that are known.
        border_mode: of that convolution: by which the result is smaller.
        input_dilation: how far apart the places of the filter were.
        filter_flip: as in ``conv2d``.
        filter_dilation: as in ``conv2d``.
        num_groups: as in ``conv2d``.
        unshared: as in ``conv2d``.
    """
    return abstract_conv.conv2d_grad_wrt_inputs(
        input,
        filters,
        output_shape,
        filter_shape,
        border_mode,
        input_dilation,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )

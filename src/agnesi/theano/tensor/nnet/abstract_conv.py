"""Convolutions, with Theano's names and orders."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.gof.graph import Variable
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.applying import apply
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.casting import upcast


def _padding(border_mode: Any, space: int) -> Any:
    """Return Theano's border as agnesi's padding."""
    if border_mode in ("valid", "full", "half"):
        return border_mode
    if border_mode == "same":
        raise ValueError(
            'invalid border_mode same, which must be either "valid", "full", "half", an integer or '
            "a tuple of two integers or a pair of integers"
        )
    if isinstance(border_mode, int):
        if border_mode < 0:
            raise ValueError(f"invalid border_mode {border_mode}, which must be a non-negative")
        return border_mode
    items = tuple(border_mode)
    if len(items) != space:
        raise ValueError(f"invalid border_mode {border_mode}, which must be a tuple of {space}")
    return tuple(tuple(p) if isinstance(p, tuple | list) else int(p) for p in items)


def _steps(given: Any, space: int) -> tuple[int, ...]:
    items = (given,) * space if isinstance(given, int) else tuple(int(s) for s in given)
    if len(items) != space:
        raise ValueError(f"{space} numbers are needed, not {given}")
    return items


def _checked(what: str, input: Any, filters: Any, space: int) -> tuple[Any, Any, str]:
    x, w = as_tensor_variable(input), as_tensor_variable(filters)
    if x.ndim != space + 2:
        raise TypeError(f"{what}: img must be {space + 2}D tensor, not {x.type}")
    if w.ndim != space + 2:
        raise TypeError(f"{what}: kern must be {space + 2}D tensor, not {w.type}")
    return x, w, upcast(x.dtype, w.dtype)


def _told(t: ag.Tensor, shape: Any) -> ag.Tensor:
    """Return an array of which the program has said some sizes."""
    if shape is None:
        return t
    known = [_number(s) for s in shape]
    wanted = [
        k if k is not None and not isinstance(old, int) else old
        for k, old in zip(known, t.shape, strict=True)
    ]
    return (
        ag.specify_shape(t, wanted)
        if any(a is not b for a, b in zip(wanted, t.shape, strict=True))
        else t
    )


def _number(size: Any) -> int | None:
    if isinstance(size, Variable):
        data = getattr(size, "data", None)
        return None if data is None else int(data)
    return None if size is None else int(size)


def _conv(
    space: int,
    input: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_flip: bool,
    filter_dilation: Any,
    num_groups: int,
    unshared: bool,
) -> Any:
    if unshared:
        raise NotImplementedError(
            f"theano.tensor.nnet.conv{space}d(unshared=True): write it with images2neibs and "
            "batched_dot"
        )
    x, w, dtype = _checked(f"conv{space}d", input, filters, space)
    padding = _padding(border_mode, space)
    stride, dilation = _steps(subsample, space), _steps(filter_dilation, space)

    def build(a: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
        return ag.nn.conv(
            ag.astype(_told(a, input_shape), dtype),
            ag.astype(_told(b, filter_shape), dtype),
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=num_groups,
            flip=bool(filter_flip),
        )

    return apply(
        f"AbstractConv{space}d",
        build,
        [x, w],
        border_mode=border_mode,
        subsample=stride,
        filter_flip=bool(filter_flip),
    )


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
        filters: ``[results, channels/num_groups, rows, columns]``.
        input_shape: sizes of the images that are known; None for those that are not.
        filter_shape: the same of the filters.
        border_mode: ``"valid"``, ``"full"``, ``"half"``, or zeros around as an integer, a pair, or
            pairs of pairs.
        subsample: how far apart the places of the filter are.
        filter_flip: a true convolution; else a correlation.
        image_shape: an old name of ``input_shape``.
        filter_dilation: how far apart the taps of the filter are.
        num_groups: into how many groups channels fall.
        unshared: not there.
        **kwargs: old ones, that mean nothing.
    """
    if kwargs:
        _unknown(
            kwargs,
            (
                "imshp",
                "kshp",
                "version",
                "unroll_batch",
                "unroll_kern",
                "unroll_patch",
                "openmp",
                "nkern",
                "bsize",
                "verbose",
                "direction_hint",
            ),
        )
    if image_shape is not None and input_shape is None:
        input_shape = image_shape
    return _conv(
        2,
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


def _unknown(kwargs: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in kwargs:
        if name not in known:
            raise TypeError(f"conv2d() got an unexpected keyword argument {name!r}")


def conv3d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """Return the convolution of volumes ``[n, channels, depth, rows, columns]``; as ``conv2d``."""
    return _conv(
        3,
        input,
        filters,
        input_shape,
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        False,
    )


def causal_conv1d(
    input: Any,
    filters: Any,
    filter_shape: Any,
    input_shape: Any = None,
    subsample: int = 1,
    filter_flip: bool = True,
    filter_dilation: int = 1,
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """Return the convolution along time that sees no later element."""
    del filter_shape, input_shape
    if unshared:
        raise NotImplementedError("theano.tensor.nnet.causal_conv1d(unshared=True)")
    x, w, dtype = _checked("causal_conv1d", input, filters, 1)

    def build(a: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
        return ag.nn.conv1d(
            ag.astype(a, dtype),
            ag.astype(b, dtype),
            stride=subsample,
            padding="causal",
            dilation=filter_dilation,
            groups=num_groups,
            flip=bool(filter_flip),
        )

    return apply("CausalConv1d", build, [x, w])


def separable_conv2d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Any = None,
    depthwise_filter_shape: Any = None,
    pointwise_filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
) -> Any:
    """Return a convolution of each channel by itself, and one that mixes channels."""
    inner = conv2d(
        input,
        depthwise_filters,
        input_shape,
        depthwise_filter_shape,
        border_mode,
        subsample,
        filter_flip,
        None,
        filter_dilation,
        num_channels,
    )
    return conv2d(inner, pointwise_filters, None, pointwise_filter_shape, filter_flip=filter_flip)


def _gradient(
    by: str,
    first: Any,
    second: Any,
    shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_flip: bool,
    filter_dilation: Any,
    num_groups: int,
    space: int,
) -> Any:
    a, b, dtype = _checked(f"conv{space}d_grad_wrt_{by}", first, second, space)
    padding = _padding(border_mode, space)
    stride, dilation = _steps(subsample, space), _steps(filter_dilation, space)
    items = shapes.size_list(shape, space + 2)
    given = [as_tensor_variable(s) for s in items if isinstance(s, Variable)]

    def build(x: ag.Tensor, y: ag.Tensor, *sizes: ag.Tensor) -> ag.Tensor:
        rest = iter(sizes)
        wanted: list[Any] = []
        for s in items:
            if isinstance(s, Variable):
                size = shapes.one_size(next(rest))
                wanted.append(size if isinstance(size, int) else shapes.SizeValue(size))
            else:
                wanted.append(int(s))
        function = ag.nn.conv_input_gradient if by == "inputs" else ag.nn.conv_weight_gradient
        return function(
            ag.astype(x, dtype),
            ag.astype(y, dtype),
            tuple(wanted),
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=num_groups,
            flip=bool(filter_flip),
        )

    return apply(f"AbstractConv{space}d_grad_{by}", build, [a, b, *given])


def conv2d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """Return the gradient of a convolution by its images, of shape ``input_shape``."""
    del unshared
    filters = as_tensor_variable(filters)
    shape = _known_from(input_shape, output_grad, filters, num_groups)
    del filter_shape
    return _gradient(
        "inputs",
        output_grad,
        filters,
        shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        2,
    )


def _known_from(shape: Any, output_grad: Any, filters: Any, groups: int) -> Any:
    """Return a shape whose first two sizes, where None, are those of the other operands."""
    items = list(shapes.size_list(shape, 4)) if not isinstance(shape, list | tuple) else list(shape)
    if items[0] is None:
        items[0] = as_tensor_variable(output_grad).shape[0]
    if items[1] is None:
        items[1] = filters.shape[1] * groups
    return items


def conv2d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """Return the gradient of a convolution by its filters, of shape ``filter_shape``."""
    del input_shape, unshared
    return _gradient(
        "weights",
        input,
        output_grad,
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        2,
    )


def conv3d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Any,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """Return the gradient of a convolution by its volumes."""
    del filter_shape
    return _gradient(
        "inputs",
        output_grad,
        filters,
        input_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        3,
    )


def conv3d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Any,
    input_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """Return the gradient of a convolution by its filters."""
    del input_shape
    return _gradient(
        "weights",
        input,
        output_grad,
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        3,
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
    """Return a transposed convolution: the gradient of a convolution by its images."""
    return conv2d_grad_wrt_inputs(
        output_grad=input,
        filters=filters,
        input_shape=output_shape,
        filter_shape=filter_shape,
        border_mode=border_mode,
        subsample=input_dilation,
        filter_flip=filter_flip,
        filter_dilation=filter_dilation,
        num_groups=num_groups,
        unshared=unshared,
    )


class _ConvOp:
    """An op of a convolution with its settings, applied later."""

    space = 2

    def __init__(
        self,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = None,
        filter_flip: bool = True,
        filter_dilation: Any = None,
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        self.imshp, self.kshp, self.border_mode = imshp, kshp, border_mode
        self.subsample = subsample or (1,) * self.space
        self.filter_dilation = filter_dilation or (1,) * self.space
        self.filter_flip, self.num_groups, self.unshared = filter_flip, num_groups, unshared


class AbstractConv2d(_ConvOp):
    """Forward."""

    def __call__(self, img: Any, kern: Any) -> Any:
        return _conv(
            self.space,
            img,
            kern,
            self.imshp,
            self.kshp,
            self.border_mode,
            self.subsample,
            self.filter_flip,
            self.filter_dilation,
            self.num_groups,
            self.unshared,
        )


class AbstractConv2d_gradWeights(_ConvOp):
    """By the filters."""

    def __call__(self, img: Any, topgrad: Any, shape: Any) -> Any:
        x = as_tensor_variable(img)
        whole = list(self.kshp) if self.kshp is not None else [None] * (self.space + 2)
        spatial = shapes.size_list(shape, self.space)
        whole[0] = as_tensor_variable(topgrad).shape[1] if whole[0] is None else whole[0]
        whole[1] = x.shape[1] // self.num_groups if whole[1] is None else whole[1]
        whole[2:] = [s if s is not None else g for s, g in zip(whole[2:], spatial, strict=True)]
        return _gradient(
            "weights",
            x,
            topgrad,
            whole,
            self.border_mode,
            self.subsample,
            self.filter_flip,
            self.filter_dilation,
            self.num_groups,
            self.space,
        )


class AbstractConv2d_gradInputs(_ConvOp):
    """By the images."""

    def __call__(self, kern: Any, topgrad: Any, shape: Any) -> Any:
        w = as_tensor_variable(kern)
        whole = list(self.imshp) if self.imshp is not None else [None] * (self.space + 2)
        spatial = shapes.size_list(shape, self.space)
        whole[0] = as_tensor_variable(topgrad).shape[0] if whole[0] is None else whole[0]
        whole[1] = w.shape[1] * self.num_groups if whole[1] is None else whole[1]
        whole[2:] = [s if s is not None else g for s, g in zip(whole[2:], spatial, strict=True)]
        return _gradient(
            "inputs",
            topgrad,
            w,
            whole,
            self.border_mode,
            self.subsample,
            self.filter_flip,
            self.filter_dilation,
            self.num_groups,
            self.space,
        )


class AbstractConv3d(AbstractConv2d):
    """Forward, of volumes."""

    space = 3


class AbstractConv3d_gradWeights(AbstractConv2d_gradWeights):
    """By the filters, of volumes."""

    space = 3


class AbstractConv3d_gradInputs(AbstractConv2d_gradInputs):
    """By the volumes."""

    space = 3


# -- shapes ----------------------------------------------------------------------------------------


def get_conv_shape_1axis(
    image_shape: Any, kernel_shape: Any, border_mode: Any, subsample: Any, dilation: int = 1
) -> Any:
    """Return the size of one axis of a convolution; None where it is not known."""
    if None in (image_shape, kernel_shape, border_mode, subsample):
        return None
    reach = (kernel_shape - 1) * dilation + 1
    if border_mode == "half":
        before = after = reach // 2
    elif border_mode == "full":
        before = after = reach - 1
    elif border_mode == "valid":
        before = after = 0
    elif isinstance(border_mode, tuple):
        before, after = border_mode
    else:
        before = after = border_mode
        if border_mode < 0:
            raise ValueError("border_mode must be >= 0")
    return (image_shape + before + after - reach) // subsample + 1


def get_conv_output_shape(
    image_shape: Any,
    kernel_shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_dilation: Any = None,
) -> tuple[Any, ...]:
    """Return the shape of a convolution; None where a size is not known."""
    space = len(subsample)
    dilations = filter_dilation or (1,) * space
    modes = border_mode if isinstance(border_mode, tuple) else (border_mode,) * space
    sizes = tuple(
        get_conv_shape_1axis(
            image_shape[2 + k], kernel_shape[2 + k], modes[k], subsample[k], dilations[k]
        )
        for k in range(space)
    )
    return (image_shape[0], kernel_shape[0], *sizes)


def bilinear_kernel_1D(ratio: int, normalize: bool = True) -> Any:
    """Return the kernel of linear interpolation between elements ``ratio`` apart."""
    import numpy as np

    from agnesi.theano.configparser import config
    from agnesi.theano.tensor.basic import constant

    half = np.arange(1, ratio + 1, dtype=config.floatX)
    kernel = np.concatenate([half, half[-2::-1]])
    return constant(kernel / ratio if normalize else kernel)


def bilinear_kernel_2D(ratio: int, normalize: bool = True) -> Any:
    """Return the kernel of bilinear interpolation."""
    hkern = bilinear_kernel_1D(ratio, normalize).dimshuffle("x", 0)
    return bilinear_kernel_1D(ratio, normalize).dimshuffle(0, "x") * hkern

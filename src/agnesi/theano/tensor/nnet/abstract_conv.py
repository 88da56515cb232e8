"""Convolutions, with Theano's names and orders."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np

import agnesi as ag
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Constant, Variable
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.elementary import eq, ge, gt
from agnesi.theano.tensor.native_op import NativeOp
from agnesi.theano.tensor.opt import Assert

as_tensor_variable = tensor.as_tensor_variable


def _whole(n: Any) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool)


def _border(border_mode: Any, space: int) -> Any:
    """Return a border as Theano's ops keep it: a name, or a number or pair for each axis.

    Raises:
        ValueError: it is no border of so many axes.
        NotImplementedError: pairs, in three dimensions.
    """
    if _whole(border_mode):
        if border_mode < 0:
            raise ValueError(
                f"invalid border_mode {border_mode}, which must be a non-negative integer"
            )
        border_mode = (int(border_mode),) * space
    elif isinstance(border_mode, tuple | list):
        border_mode = tuple(_one_border(m, border_mode, space) for m in border_mode)
        if len(border_mode) != space:
            raise ValueError(
                f"invalid border_mode {border_mode}, which must be a tuple of length {space}"
            )
    elif border_mode not in ("valid", "full", "half"):
        raise ValueError(
            f'invalid border_mode {border_mode}, which must be either "valid", "full", "half", an '
            f"integer or a tuple of length {space}"
        )
    if isinstance(border_mode, tuple) and all(m in (0, (0, 0)) for m in border_mode):
        return "valid"
    return border_mode


def _one_border(mode: Any, whole: Any, space: int) -> Any:
    if _whole(mode) and mode >= 0:
        return int(mode)
    if isinstance(mode, tuple) and len(mode) == 2 and all(_whole(m) and m >= 0 for m in mode):
        if space != 2:
            raise NotImplementedError(f"Asymmetric padding not implemented for {space}D")
        return int(mode[0]) if mode[0] == mode[1] else (int(mode[0]), int(mode[1]))
    raise ValueError(
        f"invalid border mode {whole}. The tuple can only contain integers or pairs of integers"
    )


def _known(sizes: Any, count: int, what: str) -> tuple[Any, ...]:
    """Return sizes that a program has told as numbers; None for those that it has not.

    Raises:
        ValueError: a size that is computed.
    """
    if sizes is None or not len(sizes):
        return (None,) * count
    return tuple(s if s is None else _number(s, what) for s in sizes)


def _number(size: Any, what: str) -> int:
    if isinstance(size, Variable):
        if not isinstance(size, Constant):
            raise ValueError(f"{what} should be None or a tuple of constant int values")
        return int(size.data)
    return int(size)


def _told(t: ag.Tensor, sizes: tuple[Any, ...]) -> ag.Tensor:
    """Return an array of which some sizes have been told."""
    wanted = [
        old if new is None or isinstance(old, int) else new
        for new, old in zip(sizes, t.type.shape, strict=True)
    ]
    if all(a is b for a, b in zip(wanted, t.type.shape, strict=True)):
        return t
    asked = [w if isinstance(w, int) else None for w in wanted]
    return ag.specify_shape(t, asked)


class BaseAbstractConv(NativeOp):
    """What convolutions and their gradients have in common.

    Attributes:
        convdim: how many axes of space there are: 2 or 3.
        border_mode: ``"valid"``, ``"full"``, ``"half"``, or zeros around each axis, a number or a
            pair of them.
        subsample: how far apart the places of the filter are.
        filter_flip: a true convolution; else a correlation.
        imshp: sizes of images that are known; None for those that are not.
        kshp: the same of filters.
        filter_dilation: how far apart the taps of the filter are.
        num_groups: into how many groups channels fall.
        unshared: whether there is a filter for each place.
    """

    __props__ = (
        "convdim",
        "border_mode",
        "subsample",
        "filter_flip",
        "imshp",
        "kshp",
        "filter_dilation",
        "num_groups",
        "unshared",
    )
    check_broadcast = False

    def __init__(
        self,
        convdim: int,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = None,
        filter_flip: bool = True,
        filter_dilation: Any = None,
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        if convdim not in (2, 3):
            raise ValueError(f"convolution dimension {convdim} is not supported", convdim)
        subsample = (1,) * convdim if subsample is None else tuple(subsample)
        filter_dilation = (1,) * convdim if filter_dilation is None else tuple(filter_dilation)
        for what, given in (("subsample", subsample), ("filter_dilation", filter_dilation)):
            if len(given) != convdim:
                raise ValueError(f"{what} must have {convdim} elements")
        if num_groups < 1:
            raise ValueError("num_groups must have value greater than zero")
        if unshared and convdim != 2:
            raise NotImplementedError(f"Unshared convolution not implemented for {convdim}D")
        self.convdim, self.border_mode = convdim, _border(border_mode, convdim)
        self.subsample, self.filter_dilation = subsample, filter_dilation
        self.filter_flip, self.num_groups, self.unshared = filter_flip, num_groups, unshared
        self.imshp = _known(imshp, 2 + convdim, "imshp")
        self.kshp = _known(kshp, self.filter_axes, "kshp")

    @property
    def filter_axes(self) -> int:
        """How many axes filters have."""
        return 2 + self.convdim * (2 if self.unshared else 1)

    def checked(self, **given: Any) -> list[Any]:
        """Return operands as variables with so many axes as they need.

        Raises:
            TypeError: one has others.
        """
        found = {name: as_tensor_variable(v) for name, v in given.items()}
        for name, v in found.items():
            axes = self.filter_axes if name == "kern" else 2 + self.convdim
            if v.ndim != axes:
                rest = " for unshared convolution" if name == "kern" and self.unshared else ""
                raise TypeError(f"{name} must be {axes}D tensor{rest}")
        return list(found.values())

    def settings(self) -> dict[str, Any]:
        """Return what agnesi's functions take."""
        return {
            "stride": tuple(map(int, self.subsample)),
            "padding": self.border_mode,
            "dilation": tuple(map(int, self.filter_dilation)),
            "groups": int(self.num_groups),
            "flip": bool(self.filter_flip),
        }

    def forward(self, img: ag.Tensor, kern: ag.Tensor) -> ag.Tensor:
        """Return the convolution."""
        # How many examples there are is not taken from the program: Theano never minds.
        img, kern = _told(img, (None, *self.imshp[1:])), _told(kern, self.kshp)
        function = ag.nn.unshared_conv2d if self.unshared else ag.nn.conv
        return function(img, kern, **self.settings())

    def by_weights(self, img: ag.Tensor, topgrad: ag.Tensor, sizes: Any) -> ag.Tensor:
        """Return the gradient by filters of so many taps."""
        rows = topgrad.shape[2:] if self.unshared else ()
        shape = (topgrad.shape[1], *rows, img.shape[1] // self.num_groups, *sizes)
        wanted = tuple(s if k is None else k for s, k in zip(shape, self.kshp, strict=True))
        if not self.unshared:
            return ag.nn.conv_weight_gradient(img, topgrad, wanted, **self.settings())
        zeros = ag.zeros(wanted, dtype=img.dtype)
        return ag.vjp(ag.nn.unshared_conv2d(img, zeros, **self.settings()), zeros, topgrad)

    def by_inputs(self, kern: ag.Tensor, topgrad: ag.Tensor, sizes: Any) -> ag.Tensor:
        """Return the gradient by images of such a size."""
        kern = _told(kern, self.kshp)
        channels = kern.shape[-1 - self.convdim] * self.num_groups
        shape = (topgrad.shape[0], channels, *sizes)
        told = (None, *self.imshp[1:])
        wanted = tuple(s if k is None else k for s, k in zip(shape, told, strict=True))
        if not self.unshared:
            return ag.nn.conv_input_gradient(topgrad, kern, wanted, **self.settings())
        zeros = ag.zeros(wanted, dtype=kern.dtype)
        return ag.vjp(ag.nn.unshared_conv2d(zeros, kern, **self.settings()), zeros, topgrad)


def _one_dtype(*tensors: ag.Tensor) -> list[ag.Tensor]:
    dtype = upcast(*(t.dtype.numpy.name for t in tensors))
    return [ag.astype(t, dtype) for t in tensors]


def _sizes(shape: ag.Tensor, count: int) -> tuple[Any, ...]:
    found = shapes.sizes_in(shape, count)
    return tuple(n if isinstance(n, int) else shapes.SizeValue(n) for n in found)


class AbstractConv(BaseAbstractConv):
    """The convolution of images with filters."""

    def convert(self, img: Any, kern: Any) -> list[Any]:
        """Images and filters."""
        img, kern = self.checked(img=img, kern=kern)
        return [
            assert_shape(img, self.imshp, f"{_MISMATCH}image does not match given imshp."),
            assert_shape(kern, self.kshp, f"{_MISMATCH}filters does not match given kshp."),
        ]

    def build(self, img: ag.Tensor, kern: ag.Tensor) -> ag.Tensor:
        """In the dtype of both."""
        return self.forward(*_one_dtype(img, kern))

    def infer_shape(self, node: Any, input_shapes: Any) -> list[Any]:
        """Return the shape of the result; what is not known is None."""
        del node
        imshp, kshp = (
            tuple(s if k is None else k for s, k in zip(given, told, strict=True))
            for given, told in zip(input_shapes, (self.imshp, self.kshp), strict=True)
        )
        return [
            get_conv_output_shape(
                imshp, kshp, self.border_mode, self.subsample, self.filter_dilation
            )
        ]


_MISMATCH = "AbstractConv shape mismatch: shape of "


class AbstractConv_gradWeights(BaseAbstractConv):
    """The gradient by the filters, of images, that by the result, and the filters' size."""

    def convert(self, img: Any, topgrad: Any, shape: Any, add_assert_shape: bool = True) -> Any:
        """Images, the gradient by the result, and how many taps there are along each axis."""
        img, topgrad = self.checked(img=img, topgrad=topgrad)
        if add_assert_shape:
            img = assert_shape(img, self.imshp, f"{_MISMATCH}image does not match given imshp.")
        return [img, topgrad, as_tensor_variable(shape)]

    def build(self, img: ag.Tensor, topgrad: ag.Tensor, shape: ag.Tensor) -> ag.Tensor:
        """In the dtype of both."""
        x, top = _one_dtype(img, topgrad)
        return self.by_weights(x, top, _sizes(shape, self.convdim))


class AbstractConv_gradInputs(BaseAbstractConv):
    """The gradient by the images, of filters, that by the result, and the images' size."""

    def convert(self, kern: Any, topgrad: Any, shape: Any, add_assert_shape: bool = True) -> Any:
        """Filters, the gradient by the result, and the sizes of images along axes of space."""
        kern, topgrad = self.checked(kern=kern, topgrad=topgrad)
        if add_assert_shape:
            kern = assert_shape(kern, self.kshp, f"{_MISMATCH}filters does not match given kshp.")
        return [kern, topgrad, as_tensor_variable(shape)]

    def build(self, kern: ag.Tensor, topgrad: ag.Tensor, shape: ag.Tensor) -> ag.Tensor:
        """In the dtype of both."""
        w, top = _one_dtype(kern, topgrad)
        return self.by_inputs(w, top, _sizes(shape, self.convdim))


class _Plane:
    """Two axes of space."""

    def __init__(
        self,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = (1, 1),
        filter_flip: bool = True,
        filter_dilation: Any = (1, 1),
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        whole: Any = super()
        whole.__init__(
            2,
            imshp,
            kshp,
            border_mode,
            subsample,
            filter_flip,
            filter_dilation,
            num_groups,
            unshared,
        )


class _Space:
    """Three axes of space."""

    def __init__(
        self,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = (1, 1, 1),
        filter_flip: bool = True,
        filter_dilation: Any = (1, 1, 1),
        num_groups: int = 1,
    ) -> None:
        whole: Any = super()
        whole.__init__(
            3, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups
        )


class AbstractConv2d(_Plane, AbstractConv):
    """The convolution of images."""


class AbstractConv2d_gradWeights(_Plane, AbstractConv_gradWeights):
    """The gradient by the filters, of images."""


class AbstractConv2d_gradInputs(_Plane, AbstractConv_gradInputs):
    """The gradient by images."""


class AbstractConv3d(_Space, AbstractConv):
    """The convolution of volumes."""


class AbstractConv3d_gradWeights(_Space, AbstractConv_gradWeights):
    """The gradient by the filters, of volumes."""


class AbstractConv3d_gradInputs(_Space, AbstractConv_gradInputs):
    """The gradient by volumes."""


# -- functions -------------------------------------------------------------------------------------


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """Return the convolution of images ``[n, channels, rows, columns]`` with filters.

    Args:
        input: images.
        filters: ``[results, channels/num_groups, rows, columns]``; for ``unshared``
            ``[results, rows of results, columns of results, channels/num_groups, rows, columns]``.
        input_shape: sizes of the images that are known; None for those that are not.
        filter_shape: the same of the filters.
        border_mode: ``"valid"``, ``"full"``, ``"half"``, or zeros around as an integer, a pair, or
            pairs of pairs.
        subsample: how far apart the places of the filter are.
        filter_flip: a true convolution; else a correlation.
        filter_dilation: how far apart the taps of the filter are.
        num_groups: into how many groups channels fall.
        unshared: whether there is a filter for each place.
    """
    op = AbstractConv2d(
        input_shape,
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )
    return op(input, filters)


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
    op = AbstractConv3d(
        input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups
    )
    return op(input, filters)


def _separable(op: Any, second: Any, input: Any, depthwise: Any, pointwise: Any, shape: Any) -> Any:
    told = None
    if any(s is not None for s in op.imshp) and any(s is not None for s in op.kshp):
        told = op.infer_shape(None, [op.imshp, op.kshp])[0]
    return second(op(input, depthwise), pointwise, told, shape, filter_flip=op.filter_flip)


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
    """Return a convolution of each channel by itself, and then one that mixes channels."""
    op = AbstractConv2d(
        input_shape,
        depthwise_filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_channels,
    )
    return _separable(
        op, conv2d, input, depthwise_filters, pointwise_filters, pointwise_filter_shape
    )


def separable_conv3d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Any = None,
    depthwise_filter_shape: Any = None,
    pointwise_filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Any = (1, 1, 1),
) -> Any:
    """Return a convolution of each channel of volumes by itself, and then one that mixes them."""
    op = AbstractConv3d(
        input_shape,
        depthwise_filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_channels,
    )
    return _separable(
        op, conv3d, input, depthwise_filters, pointwise_filters, pointwise_filter_shape
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
    """Return the convolution along time, ``[n, channels, time]``, that sees no later element.

    Args:
        input: sequences.
        filters: ``[results, channels/num_groups, taps]``.
        filter_shape: their sizes; the number of taps has to be known.
        input_shape: sizes of sequences that are known.
        subsample: how far apart the places of the filter are.
        filter_flip: a true convolution; else a correlation.
        filter_dilation: how far apart the taps of the filter are.
        num_groups: into how many groups channels fall.
        unshared: not for sequences.
    """
    x, w = as_tensor_variable(input), as_tensor_variable(filters)
    if x.ndim != 3:
        raise ValueError("Input should be 3D for causal convolution.")
    if w.ndim != 3:
        raise ValueError("Filters should be 3D for causal convolution")
    before = filter_dilation * (_number(filter_shape[2], "filter_shape") - 1)
    made = conv2d(
        x.dimshuffle(0, 1, 2, "x"),
        w.dimshuffle(0, 1, 2, "x"),
        None if input_shape is None else (*input_shape, 1),
        (*filter_shape, 1),
        ((before, 0), 0),
        (subsample, 1),
        filter_flip,
        (filter_dilation, 1),
        num_groups,
        unshared,
    )
    return made[:, :, :, 0]


def _sizes_known(sizes: Any, computed: int) -> list[Any]:
    """Return sizes as numbers, None for the last ones where they are computed."""
    items = shapes.size_list(sizes, None) if isinstance(sizes, Variable) else list(sizes)
    first = [_constant(s) for s in items[:-computed]]
    last = [
        None if isinstance(s, Variable) and not isinstance(s, Constant) else _constant(s)
        for s in items[-computed:]
    ]
    return [*first, *last]


def _constant(size: Any) -> int | None:
    if isinstance(size, Variable) and not isinstance(size, Constant):
        raise ValueError(f"the first sizes of a shape must be constants or None, not {size}")
    return None if size is None else _number(size, "shape")


def _last(sizes: Any, count: int) -> Any:
    items = shapes.size_list(sizes, None) if isinstance(sizes, Variable) else list(sizes)
    if any(s is None for s in items[-count:]):
        raise ValueError(f"the last {count} sizes of a shape must be known, or variables")
    return shapes.make_vector([tensor.cast(s, "int64") for s in items[-count:]])


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
    """Return the gradient of a convolution by its images, of shape ``input_shape``.

    The first two sizes may be None, the last two may be variables.
    """
    if filter_shape is not None:
        wanted = 6 if unshared else 4
        if len(filter_shape) != wanted:
            raise ValueError(
                f"The length of filter_shape was {len(filter_shape)}, but we expected {wanted}."
            )
    op = AbstractConv2d_gradInputs(
        _sizes_known(input_shape, 2),
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )
    return op(filters, output_grad, _last(input_shape, 2))


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
    """Return the gradient of a convolution by its volumes, of shape ``input_shape``."""
    op = AbstractConv3d_gradInputs(
        _sizes_known(input_shape, 3),
        filter_shape,
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
    )
    return op(filters, output_grad, _last(input_shape, 3))


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
    op = AbstractConv2d_gradWeights(
        input_shape,
        _sizes_known(filter_shape, 2),
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
        unshared,
    )
    return op(input, output_grad, _last(filter_shape, 2))


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
    """Return the gradient of a convolution of volumes by its filters."""
    op = AbstractConv3d_gradWeights(
        input_shape,
        _sizes_known(filter_shape, 3),
        border_mode,
        subsample,
        filter_flip,
        filter_dilation,
        num_groups,
    )
    return op(input, output_grad, _last(filter_shape, 3))


# -- shapes ----------------------------------------------------------------------------------------


def border_mode_to_pad(mode: Any, convdim: int, kshp: Any) -> tuple[tuple[int, int], ...]:
    """Return a border as pairs of zeros before and after each axis.

    Args:
        mode: a name, or a tuple of numbers or pairs.
        convdim: how many axes of space there are.
        kshp: how far filters reach along each of them.

    Raises:
        ValueError: it is no border of so many axes.
    """
    if isinstance(mode, tuple):
        if len(mode) != convdim:
            raise ValueError(
                f"invalid border_mode {mode} which must be a tuple of length {convdim}"
            )
        return tuple(_pair(m, mode) for m in mode)
    if mode in ("full", "half", "valid"):
        widths = [_named_width(mode, kshp[k]) for k in range(convdim)]
        return tuple((width, width) for width in widths)
    raise ValueError(
        f'invalid border_mode {mode}, which must be either "valid", "full", "half", an integer or '
        f"a tuple of length {convdim}"
    )


def _pair(m: Any, mode: Any) -> tuple[int, int]:
    if _whole(m) and m >= 0:
        return m, m
    if isinstance(m, tuple) and all(_whole(b) and b >= 0 for b in m):
        if len(m) != 2:
            raise NotImplementedError(f"Asymmetric padding not implemented for {len(m)}d")
        return m[0], m[1]
    raise ValueError(
        f"invalid border mode {mode}. The tuple can only contain integers or tuples of length 2"
    )


def _margins(border_mode: Any, reach: Any) -> tuple[Any, Any]:
    """Return the zeros before and after an axis, for a filter that reaches so far.

    Raises:
        ValueError: they are negative.
    """
    if isinstance(border_mode, str):
        width = _named_width(border_mode, reach)
        return width, width
    before, after = border_mode if isinstance(border_mode, tuple) else (border_mode,) * 2
    if before < 0 or after < 0:
        raise ValueError("border_mode must be >= 0")
    return before, after


def _named_width(border_mode: str, reach: Any) -> Any:
    return {"half": lambda: reach // 2, "full": lambda: reach - 1, "valid": lambda: 0}[
        border_mode
    ]()


def _no_zero(total: Any, *more: Any) -> Any:
    """Return a sum without what is 0, so that the graph of computed sizes stays small."""
    for each in more:
        if not (_whole(each) and each == 0):
            total = total + each
    return total


def get_conv_shape_1axis(
    image_shape: Any, kernel_shape: Any, border_mode: Any, subsample: Any, dilation: Any = 1
) -> Any:
    """Return the size of one axis of a convolution; None where it is not known."""
    if any(s is None for s in (image_shape, kernel_shape, border_mode, subsample, dilation)):
        return None
    reach = (kernel_shape - 1) * dilation + 1
    size = _no_zero(image_shape - reach, *_margins(border_mode, reach))
    return (size if _whole(subsample) and subsample == 1 else size // subsample) + 1


def _modes(border_mode: Any, count: int) -> Any:
    return border_mode if isinstance(border_mode, tuple) else (border_mode,) * count


def get_conv_output_shape(
    image_shape: Any,
    kernel_shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_dilation: Any = None,
) -> tuple[Any, ...]:
    """Return the shape of a convolution; None where a size is not known."""
    space = len(subsample)
    dilations = (1,) * space if filter_dilation is None else filter_dilation
    taps = kernel_shape[-(len(image_shape) - 2) :]
    sizes = (
        get_conv_shape_1axis(image_shape[2 + k], taps[k], mode, subsample[k], dilations[k])
        for k, mode in enumerate(_modes(border_mode, space)[:space])
    )
    return (image_shape[0], kernel_shape[0], *sizes)


def get_conv_gradweights_shape_1axis(
    image_shape: Any, top_shape: Any, border_mode: Any, subsample: Any, dilation: Any
) -> Any:
    """Return how many taps a filter has along one axis; None where that is not known."""
    if any(s is None for s in (image_shape, top_shape, border_mode, subsample, dilation)):
        return None
    if subsample != 1 or border_mode == "half":
        return None
    if border_mode == "full":
        size = top_shape - image_shape
    else:
        margins = _margins(border_mode, 1)
        size = _no_zero(image_shape - top_shape, *margins)
    return (size // dilation if dilation > 1 else size) + 1


def get_conv_gradweights_shape(
    image_shape: Any,
    top_shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_dilation: Any = None,
    num_groups: int = 1,
    unshared: bool = False,
) -> tuple[Any, ...]:
    """Return the shape of filters, from those of images and results.

    It is known where places are 1 apart and the border is not ``"half"``; None elsewhere.
    """
    space = len(subsample)
    dilations = (1,) * space if filter_dilation is None else filter_dilation
    results = top_shape[1] // num_groups if num_groups > 1 else top_shape[1]
    sizes = [
        get_conv_gradweights_shape_1axis(
            image_shape[2 + k], top_shape[2 + k], mode, subsample[k], dilations[k]
        )
        for k, mode in enumerate(_modes(border_mode, space)[:space])
    ]
    rows = tuple(top_shape[2:]) if unshared else ()
    return (results, *rows, image_shape[1], *sizes)


def get_conv_gradinputs_shape_1axis(
    kernel_shape: Any, top_shape: Any, border_mode: Any, subsample: Any, dilation: Any
) -> Any:
    """Return the size of an axis of images, from filters and results; None if it is not known."""
    if any(s is None for s in (kernel_shape, top_shape, border_mode, subsample, dilation)):
        return None
    if subsample != 1:
        return None
    reach = (kernel_shape - 1) * dilation + 1
    before, after = _margins(border_mode, reach)
    return _no_zero(top_shape + reach - 1, -before, -after)


def get_conv_gradinputs_shape(
    kernel_shape: Any,
    top_shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_dilation: Any = None,
    num_groups: int = 1,
) -> tuple[Any, ...]:
    """Return the shape of images, from those of filters and results; None where it is not known."""
    space = len(subsample)
    dilations = (1,) * space if filter_dilation is None else filter_dilation
    channels = kernel_shape[1] * num_groups if num_groups > 1 else kernel_shape[1]
    taps = kernel_shape[-(len(top_shape) - 2) :]
    sizes = (
        get_conv_gradinputs_shape_1axis(taps[k], top_shape[2 + k], mode, subsample[k], dilations[k])
        for k, mode in enumerate(_modes(border_mode, space)[:space])
    )
    return (top_shape[0], channels, *sizes)


def check_conv_gradinputs_shape(
    image_shape: Any,
    kernel_shape: Any,
    output_shape: Any,
    border_mode: Any,
    subsample: Any,
    filter_dilation: Any = None,
) -> bool:
    """Whether results of such a shape may come from such images and filters, as far as is known."""
    given = [tuple(s) for s in (image_shape, kernel_shape, output_shape)]
    if len({len(s) for s in given}) != 1 or len(given[0]) - 2 != len(subsample):
        return False
    if filter_dilation is not None and len(given[0]) - 2 != len(filter_dilation):
        return False
    image, kernel, output = given
    wanted = get_conv_output_shape(image, kernel, border_mode, subsample, filter_dilation)
    return all(_may_be(a, b) for a, b in zip(output, wanted, strict=True))


def _may_be(given: Any, computed: Any) -> bool:
    if given is None or computed is None:
        return True
    try:
        return int(tensor.get_scalar_constant_value(given)) == int(
            tensor.get_scalar_constant_value(computed)
        )
    except tensor.NotScalarConstantError:
        return True


def assert_conv_shape(shape: Any) -> tuple[Any, ...]:
    """Return a shape whose sizes are checked: channels are not negative, the others positive.

    Raises:
        ValueError: a size that is known is not.
    """
    return tuple(_checked_size(k, n) for k, n in enumerate(shape))


def _checked_size(k: int, n: Any) -> Any:
    sign, least = ("<", 0) if k < 2 else ("<=", 1)
    try:
        known = tensor.get_scalar_constant_value(n)
    except tensor.NotScalarConstantError:
        words = f"The convolution would produce an invalid shape (dim[{k}] {sign} 0)."
        return Assert(words)(n, ge(n, 0) if k < 2 else gt(n, 0))
    if known < least:
        raise ValueError(
            f"The convolution would produce an invalid shape (dim[{k}]: {known} {sign} 0)."
        )
    return n


def assert_shape(x: Any, expected_shape: Any, msg: str = "Unexpected shape.") -> Any:
    """Return an array whose sizes are checked, where ``config.conv.assert_shape`` is set."""
    if expected_shape is None or not config.conv.assert_shape:
        return x
    tests = [eq(x.shape[k], s) for k, s in enumerate(expected_shape) if s is not None]
    return Assert(msg)(x, *tests) if tests else x


# -- images made larger ----------------------------------------------------------------------------


def bilinear_kernel_1D(ratio: Any, normalize: bool = True) -> Any:
    """Return the kernel of linear interpolation between elements ``ratio`` apart.

    Args:
        ratio: an integer, which may be computed.
        normalize: whether it adds up to ``ratio``.
    """
    half = tensor.arange(1, ratio + 1, dtype=config.floatX)
    kernel = tensor.concatenate([half, half[-2::-1]])
    return kernel / tensor.cast(ratio, config.floatX) if normalize else kernel


def bilinear_kernel_2D(ratio: Any, normalize: bool = True) -> Any:
    """Return the kernel of bilinear interpolation: a ratio, or one for rows and one for columns."""
    rows, columns = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    across = bilinear_kernel_1D(columns, normalize).dimshuffle("x", 0)
    return bilinear_kernel_1D(rows, normalize).dimshuffle(0, "x") * across


def _bordered(input: Any) -> Any:
    """Return images as ones of one channel, with rows and columns at borders twice."""
    x = input.reshape((-1, 1, input.shape[2], input.shape[3]), ndim=4)
    x = tensor.concatenate((x[:, :, :1, :], x, x[:, :, -1:, :]), axis=2)
    return tensor.concatenate((x[:, :, :, :1], x, x[:, :, :, -1:]), axis=3)


def frac_bilinear_upsampling(input: Any, frac_ratio: Any) -> Any:
    """Return images ``p / q`` times as large, interpolated.

    Args:
        input: ``[n, channels, rows, columns]``.
        frac_ratio: ``(p, q)``, or one such pair for rows and one for columns.

    Raises:
        ValueError: the ratio is no tuple.
    """
    if not isinstance(frac_ratio, tuple):
        raise ValueError("frac_ratio must be a tuple")
    pairs = frac_ratio if isinstance(frac_ratio[0], tuple) else (frac_ratio, frac_ratio)
    ratio = tuple(int(p) // gcd(p, q) for p, q in pairs)
    steps = tuple(int(q) // gcd(p, q) for p, q in pairs)
    input = as_tensor_variable(input)
    kernel = bilinear_kernel_2D(ratio).dimshuffle("x", "x", 0, 1)
    # Images are kernels here, whose taps are as far apart as the ratio says.
    for axis, p in enumerate(ratio):
        total = (2 * input.shape[2 + axis] - 1) * p + 1
        before = total // 2
        kernel = _with_zeros(kernel, 2 + axis, before, total - before)
    made = conv2d(kernel, _bordered(input), filter_dilation=ratio, subsample=steps)
    sizes = (input.shape[0], input.shape[1], made.shape[2], made.shape[3])
    return made.reshape(sizes, ndim=4)


def _with_zeros(x: Any, axis: int, before: Any, after: Any) -> Any:
    around = [
        tensor.zeros([n if k == axis else x.shape[k] for k in range(x.ndim)], dtype=x.dtype)
        for n in (before, after)
    ]
    return tensor.concatenate([around[0], x, around[1]], axis=axis)


def bilinear_upsampling(
    input: Any,
    ratio: Any = None,
    frac_ratio: Any = None,
    batch_size: Any = None,
    num_input_channels: Any = None,
    use_1D_kernel: bool = True,
) -> Any:
    """Return images made larger, interpolated.

    Args:
        input: ``[n, channels, rows, columns]``.
        ratio: how much larger, an integer.
        frac_ratio: instead of it a fraction: see :func:`frac_bilinear_upsampling`.
        batch_size: ``n``, if it is known.
        num_input_channels: how many channels there are, if that is known.
        use_1D_kernel: one axis after the other; not for fractions.

    Raises:
        ValueError: no ratio, two, or a fraction with ``use_1D_kernel``.
    """
    if ratio and frac_ratio:
        raise ValueError("can't use ratio and frac_ratio together")
    if not (ratio or frac_ratio):
        raise ValueError("No ratio (or frac_ratio) provided")
    input = as_tensor_variable(input)
    if frac_ratio:
        if use_1D_kernel:
            raise ValueError(
                "For fractional ratios 1D kernel method not implemented. You may want to pass "
                "use_1D_kernel as False"
            )
        return frac_bilinear_upsampling(input, frac_ratio)
    del batch_size, num_input_channels
    rows, columns = input.shape[2] * ratio, input.shape[3] * ratio
    pad = 2 * ratio - (ratio - 1) // 2 - 1
    made, kernel = _bordered(input), bilinear_kernel_1D(ratio)
    if use_1D_kernel:
        down, across = kernel.dimshuffle("x", "x", 0, "x"), kernel.dimshuffle("x", "x", "x", 0)
        wide = input.shape[3] + 2
        made = conv2d_grad_wrt_inputs(
            made, down, (None, 1, rows, wide), (1, 1, None, 1), (pad, 0), (ratio, 1)
        )
        made = conv2d_grad_wrt_inputs(
            made, across, (None, 1, rows, columns), (1, 1, 1, None), (0, pad), (1, ratio)
        )
    else:
        both = bilinear_kernel_2D(ratio).dimshuffle("x", "x", 0, 1)
        sizes, steps = (None, 1, rows, columns), (ratio, ratio)
        made = conv2d_grad_wrt_inputs(made, both, sizes, (1, 1, None, None), (pad, pad), steps)
    return made.reshape((input.shape[0], input.shape[1], rows, columns), ndim=4)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

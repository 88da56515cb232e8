"""The old convolution: ``theano.tensor.nnet.conv.conv2d``, and its op."""

from __future__ import annotations

import warnings
from typing import Any

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor.native_op import NativeOp
from agnesi.theano.tensor.nnet.abstract_conv import (
    _told,
    get_conv_output_shape,
    get_conv_shape_1axis,
)

imported_scipy_signal = True


class ConvOp(NativeOp):
    """The convolution of images with filters, whose sizes may have been told.

    Attributes:
        imshp: channels, rows and columns of images.
        kshp: rows and columns of filters.
        nkern: how many filters there are.
        bsize: how many images.
        dx: how far apart the places of the filter are, by rows.
        dy: the same by columns.
        out_mode: ``"valid"`` or ``"full"``.
        unroll_batch: this and the next two mean nothing: loops are written out by agnesi.
        unroll_kern: nothing.
        unroll_patch: nothing.
        imshp_logical: sizes of images with zeros between their elements.
        kshp_logical: sizes of filters with zeros between their elements.
        kshp_logical_top_aligned: whether a filter's first element stands in front.
    """

    __props__ = (
        "imshp",
        "kshp",
        "nkern",
        "bsize",
        "dx",
        "dy",
        "out_mode",
        "unroll_batch",
        "unroll_kern",
        "unroll_patch",
        "imshp_logical",
        "kshp_logical",
        "kshp_logical_top_aligned",
    )

    def __init__(
        self,
        imshp: Any = None,
        kshp: Any = None,
        nkern: Any = None,
        bsize: Any = None,
        dx: Any = 1,
        dy: Any = 1,
        output_mode: str = "valid",
        unroll_batch: Any = None,
        unroll_kern: Any = None,
        unroll_patch: Any = None,
        imshp_logical: Any = None,
        kshp_logical: Any = None,
        kshp_logical_top_aligned: bool = True,
        verbose: Any = 0,
        version: Any = -1,
        direction_hint: Any = "forward",
        openmp: Any = None,
    ) -> None:
        del verbose, version, direction_hint
        images = (None,) * 3 if imshp is None else tuple(imshp)
        self.imshp = (1, *images) if len(images) == 2 else images
        self.kshp = (None, None) if kshp is None else tuple(kshp)
        if len(self.imshp) != 3:
            raise ValueError(f"len(imshp) must be 2 or 3, got {len(images)}")
        if len(self.kshp) != 2:
            raise ValueError(f"len(kshp) must be 2, got {len(self.kshp)}")
        steps = [1 if d is None else d for d in (dx, dy)]
        for name, d in zip(("dx", "dy"), steps, strict=True):
            if int(d) != d:
                raise TypeError(f"ConvOp.__init__ param {name} must be an int", d)
        self.dx, self.dy = map(int, steps)
        if output_mode not in ("valid", "full"):
            raise Exception(f"Mode {output_mode} not implemented")
        self.nkern, self.bsize, self.out_mode, self.openmp = nkern, bsize, output_mode, openmp
        self.unroll_batch, self.unroll_kern = unroll_batch, unroll_kern
        self.unroll_patch = unroll_patch
        self.imshp_logical = self.imshp if imshp_logical is None else tuple(imshp_logical)
        self.kshp_logical = self.kshp if kshp_logical is None else tuple(kshp_logical)
        self.kshp_logical_top_aligned = kshp_logical_top_aligned
        sizes = (None, *self.imshp_logical), (None, None, *self.kshp_logical)
        self.outshp = get_conv_output_shape(*sizes, output_mode, (self.dx, self.dy))[2:]
        self.fulloutshp = get_conv_output_shape(*sizes, output_mode, (1, 1))[2:]
        if any(n is not None and n <= 0 for n in self.outshp):
            raise Exception(
                f"Bad size for the output shape. Verify that [post-supersampling] input shape "
                f"({self.imshp_logical}) and kern shape({self.kshp_logical}) are ok. (Hint: kerns "
                "must fit inside image in valid mode)"
            )

    def convert(self, inputs: Any, kerns: Any) -> list[Any]:
        """Images and filters of one dtype.

        Raises:
            TypeError: they have other axes.
            NotImplementedError: they have several dtypes.
        """
        images, filters = tensor.as_tensor_variable(inputs), tensor.as_tensor_variable(kerns)
        if images.ndim != 4:
            raise TypeError(
                f'ConvOp (make_node) requires input be a 4D tensor; received "{inputs}" '
                f"({images.ndim} dims)"
            )
        if filters.ndim != 4:
            raise TypeError("make_node requires 4D tensor of kernels")
        if images.dtype != filters.dtype:
            raise NotImplementedError(
                f"The image and the kernel must have the same type. inputs({images.dtype}), "
                f"kerns({filters.dtype})"
            )
        return [images, filters]

    def build(self, images: ag.Tensor, filters: ag.Tensor) -> ag.Tensor:
        """With zeros between elements first, where sizes say so."""
        images = _told(images, (None, *self.imshp))
        filters = _told(filters, (self.nkern, self.imshp[0], *self.kshp))
        if self.imshp_logical != self.imshp:
            images = _apart(images, self.imshp[1:], self.imshp_logical[1:], True)
        if self.kshp_logical != self.kshp:
            aligned = self.kshp_logical_top_aligned
            filters = _apart(filters, self.kshp, self.kshp_logical, aligned)
        return ag.nn.conv(
            images, filters, stride=(self.dx, self.dy), padding=self.out_mode, flip=True
        )

    @staticmethod
    def getOutputShape(
        inshp: Any, kshp: Any, stride: Any = (1, 1), mode: str = "valid"
    ) -> tuple[Any, ...]:
        """Return the size of images behind a convolution; an old name."""
        warnings.warn(
            "The method `getOutputShape` is deprecated use`get_conv_output_shape` instead.",
            stacklevel=2,
        )
        return tuple(
            get_conv_shape_1axis(i, k, mode, s) for i, k, s in zip(inshp, kshp, stride, strict=True)
        )


def _apart(t: ag.Tensor, sizes: Any, wanted: Any, aligned: bool) -> ag.Tensor:
    """Return an array with zeros between the elements of its last two axes."""
    if any(n is None for n in (*sizes, *wanted)):
        raise NotImplementedError("ConvOp: logical sizes need the sizes themselves")
    steps = [-(-w // n) for w, n in zip(wanted, sizes, strict=True)]
    starts = [
        0 if aligned else (w - n * s - 1 + s) % s
        for w, n, s in zip(wanted, sizes, steps, strict=True)
    ]
    key = tuple(slice(a, None, s) for a, s in zip(starts, steps, strict=True))
    return ag.zeros((*t.shape[:2], *wanted), dtype=t.dtype).at[(..., *key)].set(t)


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Any = None,
    filter_shape: Any = None,
    border_mode: Any = "valid",
    subsample: Any = (1, 1),
    **kargs: Any,
) -> Any:
    """Return the convolution of images with filters: ``theano.tensor.nnet.conv2d`` is newer.

    Args:
        input: images ``[n, channels, rows, columns]``.
        filters: ``[results, channels, rows, columns]``.
        image_shape: sizes of the images that are known.
        filter_shape: sizes of the filters that are known.
        border_mode: ``"valid"`` or ``"full"``.
        subsample: how far apart the places of the filter are.
        **kargs: of :class:`ConvOp`; how to unroll loops means nothing.
    """
    warnings.warn(
        "theano.tensor.nnet.conv.conv2d is deprecated. Use theano.tensor.nnet.conv2d instead.",
        stacklevel=2,
    )
    images, kernels = (
        _constants("image_shape", image_shape),
        _constants("filter_shape", filter_shape),
    )
    if images[1] is not None and kernels[1] is not None and images[1] != kernels[1]:
        raise AssertionError(f"channels differ: image {images}, filters {kernels}")
    op = ConvOp(
        images[1:],
        kernels[2:],
        kernels[0],
        images[0],
        subsample[0],
        subsample[1],
        border_mode,
        **kargs,
    )
    return op(input, filters)


def _constants(what: str, sizes: Any) -> list[Any]:
    """Return sizes as numbers.

    Raises:
        NotScalarConstantError: one is computed.
    """
    if sizes is None:
        return [None] * 4
    found: list[Any] = []
    for size in sizes:
        try:
            known = None if size is None else int(tensor.get_scalar_constant_value(size))
        except tensor.NotScalarConstantError:
            raise tensor.NotScalarConstantError(
                f"The convolution need that the shape information are constant values. We got "
                f"{size} for the {what} parameter"
            ) from None
        found.append(known)
    return found


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Correlations as ops of their own: Theano's convolutions by way of matrix products."""

from __future__ import annotations

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable, cast
from agnesi.theano.tensor.nnet.abstract_conv import (
    AbstractConv,
    AbstractConv_gradInputs,
    AbstractConv_gradWeights,
    BaseAbstractConv,
    get_conv_gradinputs_shape_1axis,
    get_conv_gradweights_shape_1axis,
)
from agnesi.theano.tensor.shapes import make_vector


class BaseCorr(BaseAbstractConv):
    """What correlations have in common; the filter is not flipped.

    Attributes:
        openmp: means nothing.
    """

    __props__ = ("border_mode", "subsample", "filter_dilation", "num_groups", "unshared")

    def __init__(
        self,
        convdim: int,
        border_mode: Any,
        subsample: Any,
        filter_dilation: Any,
        num_groups: int,
        unshared: bool,
        openmp: Any,
    ) -> None:
        super().__init__(
            convdim,
            None,
            None,
            border_mode,
            subsample,
            False,
            filter_dilation,
            num_groups,
            bool(unshared),
        )
        self.openmp = openmp

    @property
    def pad(self) -> Any:
        """The border, under an old name."""
        return self.border_mode


class BaseCorrMM(BaseCorr):
    """What correlations of images have in common."""

    def __init__(
        self,
        border_mode: Any = "valid",
        subsample: Any = (1, 1),
        filter_dilation: Any = (1, 1),
        num_groups: int = 1,
        unshared: bool = False,
        openmp: Any = None,
    ) -> None:
        super().__init__(2, border_mode, subsample, filter_dilation, num_groups, unshared, openmp)


def _steps_and_modes(op: Any) -> Any:
    modes = op.border_mode if isinstance(op.border_mode, tuple) else (op.border_mode,) * op.convdim
    return zip(modes, op.subsample, op.filter_dilation, strict=True)


class Forward:
    """Images and filters."""

    convert, build = AbstractConv.convert, AbstractConv.build


class ByWeights:
    """Images, the gradient by the result, and the filters' size where it cannot be told."""

    build = AbstractConv_gradWeights.build

    def convert(self: Any, img: Any, topgrad: Any, shape: Any = None) -> list[Any]:
        """Find out how many taps there are.

        Raises:
            ValueError: it cannot be told.
        """
        img, topgrad = self.checked(img=img, topgrad=topgrad)
        if shape is None:
            if set(self.subsample) != {1} or self.border_mode == "half":
                raise ValueError(
                    'shape must be given if subsample is not 1 or border_mode == "half"'
                )
            shape = [
                get_conv_gradweights_shape_1axis(
                    img.shape[2 + k], topgrad.shape[2 + k], mode, step, dilation
                )
                for k, (mode, step, dilation) in enumerate(_steps_and_modes(self))
            ]
        return [img, topgrad, sizes_of(shape, self.convdim)]


class ByInputs:
    """Filters, the gradient by the result, and the images' size where it cannot be told."""

    build = AbstractConv_gradInputs.build

    def convert(self: Any, kern: Any, topgrad: Any, shape: Any = None) -> list[Any]:
        """Find out how large images are.

        Raises:
            ValueError: it cannot be told.
        """
        kern, topgrad = self.checked(kern=kern, topgrad=topgrad)
        if shape is None:
            if set(self.subsample) != {1}:
                raise ValueError("shape must be given if subsample is not 1")
            taps = [kern.shape[kern.ndim - self.convdim + k] for k in range(self.convdim)]
            shape = [
                get_conv_gradinputs_shape_1axis(taps[k], topgrad.shape[2 + k], mode, step, dilation)
                for k, (mode, step, dilation) in enumerate(_steps_and_modes(self))
            ]
        return [kern, topgrad, sizes_of(shape, self.convdim)]


def sizes_of(shape: Any, count: int) -> Any:
    """Return sizes as a vector."""
    items = [as_tensor_variable(shape[k]) for k in range(count)]
    return make_vector([cast(s, "int64") for s in items])


class CorrMM(Forward, BaseCorrMM):
    """The correlation of images with filters."""


class CorrMM_gradWeights(ByWeights, BaseCorrMM):
    """The gradient of a correlation of images by the filters."""


class CorrMM_gradInputs(ByInputs, BaseCorrMM):
    """The gradient of a correlation by the images."""


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)


__all__ = ["BaseCorrMM", "CorrMM", "CorrMM_gradInputs", "CorrMM_gradWeights"]

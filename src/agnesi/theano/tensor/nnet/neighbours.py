"""Patches of images as rows."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.native_op import NativeOp

_MODES = ("valid", "half", "full", "wrap_centered", "ignore_borders")


def _pair(what: str, vector: ag.Tensor) -> tuple[int, int]:
    """Return two known numbers.

    Raises:
        NotImplementedError: they are computed.
    """
    rows, columns = shapes.sizes_in(vector, 2)
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise NotImplementedError(f"{what}: the sizes and steps of patches are known numbers")
    return rows, columns


class Images2Neibs(NativeOp):
    """The patches of images ``[n, channels, rows, columns]`` as rows of a matrix.

    Attributes:
        mode: ``"valid"``: patches fit exactly; ``"ignore_borders"``: what is left over is left out;
            ``"half"`` and ``"full"``: with half a patch, or all but one, of zeros around;
            ``"wrap_centered"``: a patch of odd sizes around elements, the image continued by
            itself.
    """

    __props__ = ("mode",)

    def __init__(self, mode: str = "valid") -> None:
        if mode not in _MODES:
            raise NotImplementedError(
                f"Only modes {', '.join(_MODES)} have been implemented for {type(self).__name__}"
            )
        self.mode = mode

    def convert(self, ten4: Any, neib_shape: Any, neib_step: Any = None) -> list[Any]:
        """Images, and the size and the distance of patches."""
        images, size = as_tensor_variable(ten4), as_tensor_variable(neib_shape)
        step = size if neib_step is None else as_tensor_variable(neib_step)
        if images.ndim != 4 or size.ndim != 1 or step.ndim != 1:
            raise AssertionError("Images2Neibs: images with four axes, two vectors of two numbers")
        return [images, size, step]

    def build(self, images: ag.Tensor, size: ag.Tensor, step: ag.Tensor) -> ag.Tensor:
        """All modes have gradients."""
        mode: Any = self.mode
        return ag.nn.images2neibs(images, _pair(self.name, size), _pair(self.name, step), mode=mode)

    def __str__(self) -> str:
        return f"{self.name}{{{self.mode}}}"


def images2neibs(ten4: Any, neib_shape: Any, neib_step: Any = None, mode: Any = "valid") -> Any:
    """Return the patches of images ``[n, channels, rows, columns]`` as rows of a matrix.

    Args:
        ten4: images.
        neib_shape: rows and columns of a patch.
        neib_step: how far from patch to patch; the patch by default.
        mode: see :class:`Images2Neibs`.
    """
    return Images2Neibs(mode)(ten4, neib_shape, neib_step)


class _Neibs2Images(NativeOp):
    """The images that patches beside each other came from.

    Attributes:
        mode: ``"valid"`` or ``"ignore_borders"``.
    """

    __props__ = ("mode",)

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def build(self, neibs: ag.Tensor, size: ag.Tensor, shape: ag.Tensor) -> ag.Tensor:
        """Zeros where there was no patch."""
        sizes = (
            n if isinstance(n, int) else shapes.SizeValue(n) for n in shapes.sizes_in(shape, 4)
        )
        mode: Any = self.mode
        return ag.nn.neibs2images(neibs, _pair("neibs2images", size), tuple(sizes), mode=mode)


def neibs2images(neibs: Any, neib_shape: Any, original_shape: Any, mode: Any = "valid") -> Any:
    """Return the images that patches without overlap came from.

    Args:
        neibs: patches as rows.
        neib_shape: rows and columns of a patch.
        original_shape: of the images, four sizes.
        mode: that of ``images2neibs``: ``"valid"`` or ``"ignore_borders"``.

    Raises:
        NotImplementedError: another mode.
    """
    if mode not in ("valid", "ignore_borders"):
        raise NotImplementedError(f"neibs2images do not support mode={mode}")
    return _Neibs2Images(mode)(neibs, neib_shape, original_shape)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

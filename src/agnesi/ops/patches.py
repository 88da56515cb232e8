"""Windows of an array as arrays of their own, and back: what patches of images are made of."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.dims.dim import add, mul
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import literal
from agnesi.ops.families import Op, Sample, same_shapes
from agnesi.ops.movement import ExpandDims, Squeeze
from agnesi.ops.pooling import NUMBERS, Windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor
    from agnesi.loops.nodes import Scalar


def _places(
    geometry: Sequence[Any], extents: Sequence[int], shape: Sequence[int]
) -> list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """Return each window, each index within it, and the element there, if there is one."""
    windows, starts, steps, dilations = geometry
    found: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = []
    for window in itertools.product(*map(range, extents)):
        for within in itertools.product(*map(range, windows)):
            rows = zip(starts, steps, dilations, window, within, strict=True)
            place = tuple(start + step * o + d * k for start, step, d, o, k in rows)
            if all(0 <= p < size for p, size in zip(place, shape, strict=True)):
                found.append((window, within, place))
    return found


def _take_windows(x: Array, *rest: Any) -> Array:
    *geometry, extents = rest
    result = np.zeros((*extents, *geometry[0]), x.dtype)
    for window, within, place in _places(geometry, extents, x.shape):
        result[window + within] = x[place]
    return result


def _put_windows(ct: Array, *rest: Any) -> Array:
    *geometry, target = rest
    result = np.zeros(target, ct.dtype)
    for window, within, place in _places(geometry, ct.shape[: len(target)], target):
        result[place] += ct[window + within]
    return result


_GEOMETRY = (
    ((2, 4), ((1, 2), (0, 0), (1, 2), (1, 1)), (2, 2)),
    ((5, 3), ((3, 2), (-1, 0), (2, 1), (1, 1)), (3, 2)),
    ((4, 5), ((2, 3), (-2, -1), (1, 2), (2, 1)), (5, 3)),
)


class TakeWindows(Windows):
    """All elements of all windows, 0 outside of ``x``.

    ``y[o, k] = x[start + step*o + dilation*k]``: the axes of ``x`` come twice, how many windows
    there are, and what is within each.
    """

    extents: Shape

    public = "take_windows"
    linear = True
    dtypes = NUMBERS
    reference = staticmethod(_take_windows)
    samples = tuple(Sample((shape,), (*given, extents)) for shape, given, extents in _GEOMETRY)

    def infer(self) -> TensorType:
        """The number of windows along each axis, then the sizes of one."""
        return TensorType(self.x.dtype, (*self.extents, *self.windows))

    @property
    def array(self) -> Shape:
        """The shape of ``x``."""
        return self.x.type.shape

    @property
    def count(self) -> Shape:
        """The first axes of the result."""
        return self.extents

    def element(self, index: Shape, read: Reader) -> Scalar:
        """One element of one window."""
        ndim = self.x.ndim
        rows = zip(self.starts, self.steps, self.dilations, index[:ndim], index[ndim:], strict=True)
        places = [add(start, mul(step, o), mul(d, k)) for start, step, d, o, k in rows]
        return self.inside(places, literal(0, self.dtype), lambda place: read(0, place))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Add up what each element was copied to."""
        return (PutWindows(ct, *self.geometry, self.x.type.shape),)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The examples' axis comes twice, too: within a window there is one."""
        return Squeeze(super().batch(operands, batched, size), (self.x.ndim + 1,))

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Window by window."""
        return _take_windows(*operands, *self.known(sizes), tuple(map(sizes, self.extents)))


class PutWindows(Windows):
    """All elements of all windows added up where they are from: ``TakeWindows`` transposed."""

    target: Shape

    public = "put_windows"
    linear = True
    dtypes = NUMBERS
    reference = staticmethod(_put_windows)
    samples = tuple(
        Sample(((*extents, *given[0]),), (*given, shape)) for shape, given, extents in _GEOMETRY
    )

    def infer(self) -> TensorType:
        """The shape asked for."""
        return TensorType(self.x.dtype, self.target)

    @property
    def array(self) -> Shape:
        """The shape of the result."""
        return self.target

    @property
    def count(self) -> Shape:
        """The first axes of the operand."""
        return self.x.type.shape[: len(self.target)]

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The sum over the windows that hold it."""
        unit = literal(0, self.dtype)
        return self.holders(index, lambda window, within: read(0, (*window, *within)), unit)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Take the windows."""
        return (TakeWindows(ct, *self.geometry, self.count),)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The examples' axis comes twice, too: within a window there is one."""
        ndim = len(self.target)
        spread = ExpandDims(operands[0], (ndim + 1,))
        return super().batch((spread,), batched, size)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Window by window."""
        return _put_windows(*operands, *self.known(sizes), tuple(map(sizes, self.target)))

    def requirements(self) -> tuple[Requirement, ...]:
        """Windows of the sizes that are said."""
        shape = (*self.count, *self.windows)
        return *super().requirements(), *same_shapes((self.x,), shape)


OPS: tuple[type[Op], ...] = (TakeWindows, PutWindows)

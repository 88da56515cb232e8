"""Medians and quantiles, by sorting; and the integral by trapezoids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from agnesi.core.dtypes import F64, I64, promote
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.leaves import constant
from agnesi.graph.tensor import Axes, Tensor, TensorLike, scalar_of
from agnesi.ops.arithmetic import clip
from agnesi.ops.bounds import inside_if_any
from agnesi.ops.choice import where
from agnesi.ops.comparison import isnan
from agnesi.ops.creation import Arange
from agnesi.ops.gathering import Gather
from agnesi.ops.lift import as_axes, as_axis, as_tensor, operand_lines
from agnesi.ops.movement import broadcast, moveaxis, reshape, restore_axes, transpose
from agnesi.ops.reductions import sum as total
from agnesi.ops.rounding import ceil, floor, round
from agnesi.ops.sorting import sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.dims.dim import Shape

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
    "trapezoid",
]

Method: TypeAlias = Literal[
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]


class _Lines:
    """The lines of an array along axes, sorted; NaN is last."""

    def __init__(self, op: str, x: TensorLike, axis: Axes, *, ignore_nan: bool) -> None:
        tensor = as_tensor(x)
        self.x = tensor if tensor.dtype.is_float else tensor.astype(F64)
        self.axes = as_axes(op, axis, self.x.ndim, self.x)
        self.ignore_nan = ignore_nan
        shape = self.x.type.shape
        kept = tuple(k for k in range(self.x.ndim) if k not in self.axes)
        self.rows: Shape = tuple(shape[k] for k in kept)
        self.length = product(shape[k] for k in self.axes)
        if self.length == 0:
            raise GraphTypeError(
                f"{op}: there are no elements to choose from along axes {self.axes}\n"
                f"{operand_lines(('x',), (self.x,))}"
            )
        moved = transpose(self.x, kept + self.axes)
        lines = reshape(moved, (*map(scalar_of, self.rows), scalar_of(self.length)))
        self.sorted = sort(lines, -1)
        self.count: Tensor = as_tensor(scalar_of(self.length)).astype(I64)
        if ignore_nan:
            self.count = total(~isnan(lines), -1)

    def at(self, place: Tensor, front: Shape) -> Tensor:
        """Return the element of each line at an integer, clipped to those that count.

        Args:
            place: integers of the shape ``front`` + rows, or that broadcasts to it.
            front: sizes of what there is an integer for in each line.
        """
        shape = (*front, *self.rows)
        inside = clip(place.astype(I64), 0, clip(self.count - 1, 0, None))
        words = f"elements to choose from in {self.x.type}, axes {self.axes}"
        index = inside_if_any(broadcast(inside, shape), self.length, words)
        rows = tuple(Arange(shape, len(front) + k) for k in range(len(self.rows)))
        every = tuple(range(self.sorted.ndim))
        return Gather(self.sorted, (*rows, index), every, 0)

    def finish(self, result: Tensor, front: int, *, keepdims: bool) -> Tensor:
        """Return the result, NaN where a line holds NaN, with the axes kept if they are wanted."""
        if not self.ignore_nan:
            last = self.at(self.count - 1, ())
            result = where(isnan(last), np.nan, result)
        if keepdims:
            result = restore_axes(result, tuple(front + a for a in self.axes))
        return result


def median(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the middle element in order, or the mean of the two in the middle.

    As ``numpy.median``: integers give float64; NaN where there is one.

    Args:
        x: array.
        axis: axis or axes; all by default.
        keepdims: keep the axes with size 1.

    Raises:
        GraphTypeError: there are no such axes, or no elements along them.
        IndexOutOfBounds: in a call, there are no elements along them.

    >>> ag.median(ag.constant([3.0, 1.0, 2.0, 9.0])).eval()
    array(2.5, dtype=float32)
    """
    return _median("median", x, axis, keepdims=keepdims, ignore_nan=False)


def nanmedian(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the median of the elements that are not NaN; arguments as ``median``'s."""
    return _median("nanmedian", x, axis, keepdims=keepdims, ignore_nan=True)


def _median(op: str, x: TensorLike, axis: Axes, *, keepdims: bool, ignore_nan: bool) -> Tensor:
    lines = _Lines(op, x, axis, ignore_nan=ignore_nan)
    low, high = lines.at((lines.count - 1) // 2, ()), lines.at(lines.count // 2, ())
    middle = where(low == high, low, (low + high) / 2)
    return lines.finish(middle, 0, keepdims=keepdims)


def quantile(
    x: TensorLike,
    q: TensorLike,
    /,
    axis: Axes = None,
    *,
    method: Method = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Return the elements below which fractions of all lie, as ``numpy.quantile``.

    Args:
        x: array.
        q: fractions from 0 to 1, a number or an array; its axes come first in the result.
        axis: axis or axes; all by default.
        method: how to choose between neighbours; all of NumPy's methods.
        keepdims: keep the axes with size 1.

    Raises:
        GraphTypeError: no such axes or method, no elements, or a known fraction outside 0 to 1.
        IndexOutOfBounds: in a call, there are no elements along the axes.

    >>> ag.quantile(ag.constant([0.0, 1.0, 2.0, 3.0]), [0.0, 0.5]).eval()
    array([0. , 1.5], dtype=float32)
    """
    return _quantile("quantile", x, q, axis, method=method, keepdims=keepdims)


def percentile(
    x: TensorLike,
    q: TensorLike,
    /,
    axis: Axes = None,
    *,
    method: Method = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Return quantiles for percentages from 0 to 100; see :func:`quantile`.

    >>> ag.percentile(ag.constant([0.0, 1.0, 2.0]), 50).eval()
    array(1., dtype=float32)
    """
    return _quantile("percentile", x, q, axis, method=method, keepdims=keepdims, whole=100)


def nanquantile(
    x: TensorLike,
    q: TensorLike,
    /,
    axis: Axes = None,
    *,
    method: Method = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Return quantiles of the elements that are not NaN; see :func:`quantile`."""
    return _quantile("nanquantile", x, q, axis, method=method, keepdims=keepdims, ignore_nan=True)


def nanpercentile(
    x: TensorLike,
    q: TensorLike,
    /,
    axis: Axes = None,
    *,
    method: Method = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Return quantiles, for percentages, of the elements that are not NaN; see :func:`quantile`."""
    return _quantile(
        "nanpercentile", x, q, axis, method=method, keepdims=keepdims, whole=100, ignore_nan=True
    )


def _quantile(
    op: str,
    x: TensorLike,
    q: TensorLike,
    axis: Axes,
    *,
    method: str,
    keepdims: bool,
    whole: int = 1,
    ignore_nan: bool = False,
) -> Tensor:
    if method not in get_args(Method):
        known = ", ".join(get_args(Method))
        raise GraphTypeError(f"{op}: there is no method {method!r}\n  known: {known}")
    lines = _Lines(op, x, axis, ignore_nan=ignore_nan)
    fractions, kind = _fractions(op, q, whole), lines.x.dtype
    if isinstance(q, Tensor | np.ndarray) and fractions.ndim:
        kind = promote(kind, as_tensor(q).dtype) if as_tensor(q).dtype.is_float else kind
    front = fractions.type.shape
    spread = restore_axes(fractions, tuple(range(len(front), len(front) + len(lines.rows))))
    count = lines.count.astype(F64)
    place, share = _PLACES[method](count, spread)
    first = floor(place)
    low = lines.at(first, front)
    if share is None:
        result = low
    else:
        high = lines.at(first + 1, front)
        weight = broadcast(share, low.type.shape).astype(lines.x.dtype)
        step = high - low
        near = where(weight >= 0.5, high - step * (1 - weight), low + step * weight)
        result = where(low == high, low, near)
    return lines.finish(result, len(front), keepdims=keepdims).astype(kind)


def _fractions(op: str, q: TensorLike, whole: int) -> Tensor:
    """Return the fractions as float64."""
    if isinstance(q, Tensor):
        return q.astype(F64) / whole
    known = np.asarray(q, np.float64) / whole
    if not ((known >= 0) & (known <= 1)).all():
        raise GraphTypeError(f"{op}: q lies between 0 and {whole}, but this is {q!r}")
    return constant(known)


def _between(alpha: float, beta: float) -> _Place:
    """Return a method that interpolates, by its two parameters (Hyndman and Fan 1996)."""

    def place(count: Tensor, q: Tensor) -> tuple[Tensor, Tensor | None]:
        at = count * q + (alpha + q * (1 - alpha - beta)) - 1
        return at, at - floor(at)

    return place


def _linear(count: Tensor, q: Tensor) -> tuple[Tensor, Tensor | None]:
    at = (count - 1) * q
    return at, at - floor(at)


def _inverted(count: Tensor, q: Tensor) -> tuple[Tensor, Tensor | None]:
    at = count * q - 1
    return where(at == floor(at), at, floor(at) + 1), None


def _averaged(count: Tensor, q: Tensor) -> tuple[Tensor, Tensor | None]:
    at = count * q - 1
    return at, where(at == floor(at), 0.5, as_tensor(np.float64(1)))


def _closest(count: Tensor, q: Tensor) -> tuple[Tensor, Tensor | None]:
    at = count * q - 1.5
    first = floor(at)
    return where((at == first) & (first % 2 == 1), first, first + 1), None


def _midpoint(count: Tensor, q: Tensor) -> tuple[Tensor, Tensor | None]:
    at = (count - 1) * q
    return at, where(at == floor(at), 0, as_tensor(np.float64(0.5)))


_Place: TypeAlias = "Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]"
# Where each method looks, given the number of elements and the fraction: the place of the lower
# neighbour, and the share of the upper one; None where there is only one.
_PLACES: dict[str, _Place] = {
    "inverted_cdf": _inverted,
    "averaged_inverted_cdf": _averaged,
    "closest_observation": _closest,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "linear": _linear,
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
    "lower": lambda count, q: (floor((count - 1) * q), None),
    "higher": lambda count, q: (ceil((count - 1) * q), None),
    "midpoint": _midpoint,
    "nearest": lambda count, q: (round((count - 1) * q), None),
}


def trapezoid(
    y: TensorLike, x: TensorLike | None = None, dx: TensorLike = 1.0, axis: int = -1
) -> Tensor:
    """Return the integral along an axis by the trapezoidal rule, as ``numpy.trapezoid``.

    Args:
        y: values.
        x: where they are, a vector or an array of the shape of ``y``; by default ``dx`` apart.
        dx: distance between neighbours.
        axis: along which.

    >>> ag.trapezoid(ag.constant([1.0, 2.0, 4.0])).eval()
    array(4.5, dtype=float32)
    """
    values = as_tensor(y)
    if not values.dtype.is_float:
        values = values.astype(F64)
    along = as_axis("trapezoid", axis, values.ndim, values)
    lines = moveaxis(values, along, -1)
    width: Any = dx
    if x is not None:
        points = as_tensor(x)
        points = points if points.ndim == 1 else moveaxis(points, along, -1)
        width = points[..., 1:] - points[..., :-1]
    return total(width * (lines[..., 1:] + lines[..., :-1]) / 2, -1)

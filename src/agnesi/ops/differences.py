"""Differences of neighbours along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from agnesi.core.dtypes import BOOL
from agnesi.core.errors import GraphTypeError
from agnesi.ops.choice import where
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import (
    as_axes,
    as_axis,
    as_tensor,
    cast,
    common_dtype,
    is_integer,
    is_number,
    lift,
    operand_lines,
)
from agnesi.ops.movement import repeat, reshape
from agnesi.ops.reductions import to_averaged
from agnesi.ops.scans import cumsum

if TYPE_CHECKING:
    from agnesi.graph.tensor import Axes, Tensor, TensorLike
    from agnesi.ops.families import Op

__all__ = ["diff", "ediff1d", "gradient", "unwrap"]


def diff(
    x: TensorLike,
    /,
    n: int = 1,
    axis: int = -1,
    prepend: TensorLike | None = None,
    append: TensorLike | None = None,
) -> Tensor:
    """Return each element less the one before it along an axis, as ``numpy.diff``.

    Args:
        x: array; of bools, whether neighbours differ.
        n: how many times.
        axis: along which.
        prepend: values put before ``x`` first: a scalar, or an array that fits.
        append: values put after it.

    Raises:
        GraphTypeError: no such axis, ``n`` is negative, or values that do not fit.

    >>> ag.diff(ag.constant([1, 4, 9, 16])).eval()
    array([3, 5, 7])
    """
    tensor = as_tensor(x)
    if not is_integer(n) or n < 0:
        raise GraphTypeError(f"diff: n is an integer, at least 0, but this is {n!r}")
    place = as_axis("diff", axis, tensor.ndim, tensor)
    if n == 0:
        return tensor
    parts = [_beside(tensor, place, prepend), tensor, _beside(tensor, place, append)]
    joined = concatenate([p for p in parts if p is not None], place)
    for _ in range(n):
        after, before = _part(joined, place, slice(1, None)), _part(joined, place, slice(0, -1))
        joined = after != before if joined.dtype is BOOL else after - before
    return joined


def _beside(x: Tensor, axis: int, value: TensorLike | None) -> Any:
    """Return what is put before or after ``x``: a scalar counts as one element at each place."""
    if value is None:
        return None
    lifted = lift(value)
    tensor = cast(lifted, common_dtype([x, lifted])) if is_number(lifted) else as_tensor(value)
    one = tuple(1 if k == axis else s for k, s in enumerate(x.type.shape))
    return tensor if tensor.ndim else repeat("diff", tensor, one)


def _part(x: Tensor, axis: int, key: Any) -> Tensor:
    return x[(*(slice(None),) * axis, key)]


def ediff1d(
    x: TensorLike,
    /,
    to_end: TensorLike | None = None,
    to_begin: TensorLike | None = None,
) -> Tensor:
    """Return differences of neighbours of the flattened array, as ``numpy.ediff1d``.

    Args:
        x: array.
        to_end: numbers put after the differences, in the dtype of ``x``.
        to_begin: numbers put before them.

    >>> ag.ediff1d(ag.constant([1, 2, 4]), to_begin=0).eval()
    array([0, 1, 2])
    """
    tensor = as_tensor(x).flatten()
    parts = [diff(tensor)]
    for value, first in ((to_begin, True), (to_end, False)):
        if value is not None:
            flat = as_tensor(value).astype(parts[0].dtype).flatten()
            parts = [flat, *parts] if first else [*parts, flat]
    return concatenate(parts)


def gradient(
    f: TensorLike, /, *spacing: TensorLike, axis: Axes = None, edge_order: int = 1
) -> Tensor | tuple[Tensor, ...]:
    """Return slopes by central differences, one-sided at the ends, as ``numpy.gradient``.

    The derivative of an expression is :func:`grad`; this is that of samples of a function.

    Args:
        f: samples at equal distances.
        *spacing: the distance, 1 by default; or one for each axis.
        axis: axis or axes; all by default.
        edge_order: 1 or 2, of the differences at the ends.

    Returns:
        One array for one axis, else a tuple with one for each.

    Raises:
        GraphTypeError: fewer than ``edge_order + 1`` samples, or spacings that do not fit.

    >>> ag.gradient(ag.constant([1.0, 4.0, 9.0, 16.0])).eval()
    array([3., 4., 6., 7.], dtype=float32)
    """
    tensor = to_averaged("gradient", f)
    axes = as_axes("gradient", axis, tensor.ndim, tensor)
    if isinstance(axis, tuple):
        axes = tuple(as_axis("gradient", a, tensor.ndim, tensor) for a in axis)
    steps: list[Any] = list(spacing) or [1]
    steps = steps * len(axes) if len(steps) == 1 else steps
    if len(steps) != len(axes) or any(as_tensor(s).ndim for s in steps):
        raise GraphTypeError(
            f"gradient: spacings are one number, or one for each of {len(axes)} axes\n"
            f"{operand_lines(('f',), (tensor,))}\n"
            "  positions of unequal distance are not known here"
        )
    if edge_order not in (1, 2):
        raise GraphTypeError(f"gradient: edge_order is 1 or 2, but this is {edge_order!r}")
    found = [_slope(tensor, k, h, edge_order) for k, h in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slope(f: Tensor, axis: int, step: Any, order: int) -> Tensor:
    size = f.type.shape[axis]
    if isinstance(size, int) and size < order + 1:
        raise GraphTypeError(
            f"gradient: needs {order + 1} samples along axis {axis}\n{operand_lines(('f',), (f,))}"
        )
    middle = (_part(f, axis, slice(2, None)) - _part(f, axis, slice(0, -2))) / (2 * step)
    ends = [_end(f, axis, step, order, last) for last in (False, True)]
    joined = concatenate([ends[0], middle, ends[1]], axis)
    # The size max(0, n - 2) + 2 is n where there are samples enough.
    return joined if joined.type.shape == f.type.shape else reshape(joined, f.shape)


def _end(f: Tensor, axis: int, step: Any, order: int, last: bool) -> Tensor:
    """Return the slope at one end, with the axis kept."""
    shape: list[Any] = list(f.shape)
    shape[axis] = 1

    def at(k: int) -> Tensor:
        return reshape(_part(f, axis, -1 - k if last else k), shape)

    sign = -1 if last else 1
    if order == 1:
        return (at(1) - at(0)) / step * sign
    return (at(1) * 4 - at(0) * 3 - at(2)) / (2 * step) * sign


OPS: tuple[type[Op], ...] = ()


def unwrap(
    p: TensorLike,
    /,
    discont: float | None = None,
    axis: int = -1,
    *,
    period: float = 2 * math.pi,
) -> Tensor:
    """Add periods to values so that neighbours differ by half of one at most: ``numpy.unwrap``.

    Args:
        p: array of angles, or other values that repeat.
        discont: neighbours that differ by less are left as they are; half a period by default.
        axis: along which.
        period: a Python number.

    Raises:
        GraphTypeError: there is no such axis, or a period that is not a number.

    >>> ag.unwrap(ag.constant([0, 3, 2, 1]), period=4).eval()
    array([ 0, -1, -2, -3])
    """
    tensor = as_tensor(p)
    if not is_number(period) or isinstance(period, bool | complex):
        raise GraphTypeError(f"unwrap: the period is a real number, but this is {period!r}")
    place = as_axis("unwrap", axis, tensor.ndim, tensor)
    tensor = cast(tensor, common_dtype([tensor, period]))
    half: Any
    half, odd = divmod(period, 2) if tensor.dtype.is_integer else (period / 2, 0)
    steps = diff(tensor, axis=place)
    wrapped = (steps + half) % period - half
    if not odd:
        # A step of half a period keeps its direction.
        wrapped = where((wrapped == -half) & (steps > 0), half, wrapped)
    limit = period / 2 if discont is None else discont
    correction = where(abs(steps) < limit, 0, wrapped - steps)
    first, rest = (_part(tensor, place, s) for s in (slice(None, 1), slice(1, None)))
    return concatenate([first, rest + cumsum(correction, place, correction.dtype)], place)

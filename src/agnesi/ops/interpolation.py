"""Interpolation between known points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.dtypes import floating
from agnesi.core.errors import GraphTypeError
from agnesi.ops.arithmetic import clip, remainder
from agnesi.ops.choice import where
from agnesi.ops.comparison import isnan
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import as_tensor, cast, common_dtype, lift_all, operand_lines
from agnesi.ops.searching import searchsorted
from agnesi.ops.sorting import argsort
from agnesi.ops.taking import take

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor, TensorLike
    from agnesi.ops.families import Op

__all__ = ["interp"]


def interp(  # noqa: PLR0917 - as NumPy has it
    x: TensorLike,
    xp: TensorLike,
    fp: TensorLike,
    left: TensorLike | None = None,
    right: TensorLike | None = None,
    period: float | None = None,
) -> Tensor:
    """Return the values at ``x`` of the line through the points ``(xp, fp)``.

    As ``numpy.interp``, but in the common float dtype of the arguments, where NumPy gives float64.

    Args:
        x: where to interpolate, any shape.
        xp: ``[n]``, increasing (not checked), unless there is a period.
        fp: ``[n]``, the values there.
        left: value below ``xp[0]``; ``fp[0]`` by default.
        right: value above ``xp[-1]``; ``fp[-1]`` by default.
        period: of ``x`` and ``xp``, which then may be in any order.

    Raises:
        GraphTypeError: the points are not two vectors of one length.

    >>> ag.interp(ag.constant([0.5, 3.0]), [0.0, 1.0, 2.0], [0.0, 10.0, 0.0]).eval()
    array([5., 0.], dtype=float32)
    """
    given = lift_all("interp", (x, xp, fp))
    dtype = floating(common_dtype(given))
    at, points, values = (cast(v, dtype) for v in given)
    if points.ndim != 1 or values.ndim != 1:
        lines = operand_lines(("x", "xp", "fp"), (at, points, values))
        raise GraphTypeError(f"interp: the points are two vectors of one length\n{lines}")
    if period is not None:
        if period == 0:
            raise GraphTypeError("interp: the period cannot be 0")
        length = abs(period)
        at, points = remainder(at, length), remainder(points, length)
        order = argsort(points)
        points, values = take(points, order), take(values, order)
        points = concatenate([points[-1:] - length, points, points[:1] + length])
        values = concatenate([values[-1:], values, values[:1]])
        left = right = None
    last = as_tensor(points.shape[0]) - 1
    low = clip(searchsorted(points, at, side="right") - 1, 0, last)
    high = clip(low + 1, 0, last)
    # Both ends lie inside by construction: what a bounds check would ask is known.
    x0, x1 = take(points, low, mode="clip"), take(points, high, mode="clip")
    y0, y1 = take(values, low, mode="clip"), take(values, high, mode="clip")
    width = x1 - x0
    share = where(width == 0, 0.0, (at - x0) / where(width == 0, 1.0, width))
    inner = y0 + share * (y1 - y0)
    below = values[0] if left is None else cast(as_tensor(left), dtype)
    above = values[-1] if right is None else cast(as_tensor(right), dtype)
    outer = where(at > points[-1], above, inner)
    return where(isnan(at), at, where(at < points[0], below, outer))


OPS: tuple[type[Op], ...] = ()

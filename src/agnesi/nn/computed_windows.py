"""Pooling whose windows, steps or padding only a call knows: elements of windows side by side.

It takes memory for all windows, where :mod:`agnesi.nn.pooling` takes none; it is for programs whose
windows are variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import I64
from agnesi.graph.graph import size_of
from agnesi.graph.tensor import Tensor, scalar_of
from agnesi.ops.arithmetic import maximum
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange, zeros_like
from agnesi.ops.gradients import stop_gradient
from agnesi.ops.lift import as_tensor
from agnesi.ops.movement import expand_dims, moveaxis, reshape, transpose
from agnesi.ops.reductions import argmax
from agnesi.ops.reductions import max as largest
from agnesi.ops.reductions import sum as total
from agnesi.ops.taking import take_along_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size

__all__ = ["computed_pool"]


def computed_pool(  # noqa: PLR0917 - what users say, in their order
    x: Tensor,
    along: Sequence[int],
    windows: Sequence[Size],
    steps: Sequence[Size],
    margins: Sequence[Size],
    mode: str,
    *,
    ignore_border: bool,
    count_include_pad: bool,
    ties: str,
) -> Tensor:
    """Return windows' maxima, sums or means along some axes; see :func:`agnesi.nn.pool`."""
    last = tuple(range(-len(along), 0))
    moved = moveaxis(x, tuple(along), last)
    places: list[Tensor] = []
    inside: Tensor | None = None
    counted: Tensor | None = None
    sizes = moved.type.shape[moved.ndim - len(along) :]
    for k, (size, *numbers) in enumerate(zip(sizes, windows, steps, margins, strict=True)):
        at, own, held = _places(size, *numbers, ignore_border=ignore_border)
        others = tuple(a for a in range(2 * len(along)) if a not in (2 * k, 2 * k + 1))
        at, own, held = (expand_dims(t, others) for t in (at, own, held))
        places.append(at)
        inside = own if inside is None else inside & own
        counted = held if counted is None else counted & held
    assert inside is not None and counted is not None
    taken = moved[(..., *places)]
    within = tuple(range(-2 * len(along) + 1, 0, 2))
    if mode == "max":
        made = _largest(taken, inside, within, ties)
    else:
        made = total(where(inside, taken, zeros_like(taken)), within)
        if mode == "average":
            number = total((counted if count_include_pad else inside).astype(I64), within)
            made = made / number.astype(made.dtype)
    return moveaxis(made, last, tuple(along))


def _places(size: Size, window: Size, step: Size, margin: Size, *, ignore_border: bool) -> Any:
    """Return the places of elements of windows, whether they are there, and whether in padding."""
    n, w, s, p = (as_tensor(scalar_of(v)) for v in (size, window, step, margin))
    room = n + 2 * p
    if ignore_border:
        count = maximum((room - w) // s + 1, 0)
    else:
        count = where(s >= w, (room - 1) // s + 1, maximum((room - 1 - w) // s + 1, 0) + 1)
    start = Arange((size_of(count),), 0) * s
    at = expand_dims(start, 1) + Arange((window,), 0) - p
    inside, held = (at >= 0) & (at < n), at < n + p
    return where(inside, at, 0), inside, held


def _largest(taken: Tensor, inside: Tensor, within: tuple[int, ...], ties: str) -> Tensor:
    dtype = taken.dtype.numpy
    lowest = -np.inf if taken.dtype.is_float else np.iinfo(dtype).min
    given = where(inside, taken, lowest)
    if ties == "first":
        kept = [a - given.ndim for a in range(given.ndim) if a - given.ndim not in within]
        rows = transpose(given, [*kept, *within])
        rows = reshape(rows, (*rows.shape[: len(kept)], -1))
        found = expand_dims(argmax(rows, -1), -1)
        return take_along_axis(rows, found, -1)[..., 0]
    # Each element as large as the largest hands on what is handed to the largest.
    found = stop_gradient(largest(given, within, keepdims=True))
    here = (taken == found) & inside
    change = total(where(here, taken - stop_gradient(taken), zeros_like(taken)), within)
    return stop_gradient(largest(given, within)) + change

"""Reductions and scans that pass over NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.dtypes import I64
from agnesi.ops.choice import where as where_
from agnesi.ops.comparison import isnan
from agnesi.ops.functions import as_bool
from agnesi.ops.lift import as_tensor
from agnesi.ops.powers import sqrt
from agnesi.ops.reductions import (
    all as all_of,
)
from agnesi.ops.reductions import (
    argmax,
    argmin,
    as_mask,
    highest,
    lowest,
    mean,
    prod,
    to_averaged,
    to_summed,
)
from agnesi.ops.reductions import max as max_of
from agnesi.ops.reductions import min as min_of
from agnesi.ops.reductions import sum as sum_of
from agnesi.ops.scans import cumprod, cumsum
from agnesi.ops.statistics import correction_of, of_parts, scatter

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Axes, Tensor, TensorLike
    from agnesi.ops.families import Op

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _without(x: Tensor, fill: float) -> Tensor:
    """Return ``x`` with a number for NaN."""
    return where_(isnan(x), fill, x) if x.dtype.is_inexact else x


def _known(x: Tensor, where: TensorLike) -> TensorLike:
    """Return which elements count: chosen, and not NaN."""
    if not x.dtype.is_inexact:
        return where
    return ~isnan(x) if where is True else ~isnan(x) & as_bool(where)


def nansum(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the sum over axes with NaN as 0, as ``numpy.nansum``; arguments as ``sum``'s.

    >>> ag.nansum(ag.constant([1.0, float("nan"), 2.0])).eval()
    array(3., dtype=float32)
    """
    tensor = _without(to_summed(x, dtype), 0.0)
    return sum_of(tensor, axis, tensor.dtype, keepdims=keepdims, initial=initial, where=where)


def nanprod(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the product over axes with NaN as 1, as ``numpy.nanprod``; arguments as ``sum``'s."""
    tensor = _without(to_summed(x, dtype), 1.0)
    return prod(tensor, axis, tensor.dtype, keepdims=keepdims, initial=initial, where=where)


def nanmax(
    x: TensorLike,
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the largest element but for NaN, as ``numpy.nanmax``; arguments as ``max``'s.

    Where all elements are NaN, so is the result, unless ``initial`` is given.

    >>> ag.nanmax(ag.constant([1.0, float("nan"), 2.0])).eval()
    array(2., dtype=float32)
    """
    return _extreme(max_of, x, axis, keepdims=keepdims, initial=initial, where=where)


def nanmin(
    x: TensorLike,
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the smallest element over axes but for NaN, as ``numpy.nanmin``; see ``nanmax``."""
    return _extreme(min_of, x, axis, keepdims=keepdims, initial=initial, where=where)


def _extreme(
    function: Callable[..., Tensor],
    x: TensorLike,
    axis: Axes,
    *,
    keepdims: bool,
    initial: TensorLike | None,
    where: TensorLike,
) -> Tensor:
    tensor = as_tensor(x)
    worst = lowest if function is max_of else highest
    clean = _without(tensor, float(worst(tensor.dtype)) if tensor.dtype.is_float else 0.0)
    result = function(clean, axis, keepdims=keepdims, initial=initial, where=where)
    if not tensor.dtype.is_float or initial is not None:
        return result
    return where_(all_of(isnan(tensor), axis, keepdims=keepdims), float("nan"), result)


def nanargmax(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the position of the first largest element but for NaN, as ``numpy.nanargmax``.

    Note: it is -1 where all elements are NaN, which NumPy refuses.

    >>> ag.nanargmax(ag.constant([1.0, float("nan"), 2.0])).eval()
    array(2)
    """
    return _position(argmax, x, axis, keepdims)


def nanargmin(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the position of the first smallest element but for NaN; see ``nanargmax``."""
    return _position(argmin, x, axis, keepdims)


def _position(function: Callable[..., Tensor], x: TensorLike, axis: Axes, keepdims: bool) -> Tensor:
    tensor = as_tensor(x)
    worst = lowest if function is argmax else highest
    if not tensor.dtype.is_float:
        return function(tensor, axis, keepdims=keepdims)
    result = function(_without(tensor, float(worst(tensor.dtype))), axis, keepdims=keepdims)
    none = all_of(isnan(tensor), axis, keepdims=keepdims)
    return where_(none, as_tensor(-1).astype(I64), result)


def nanmean(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    where: TensorLike = True,
) -> Tensor:
    """Return the mean over axes of what is not NaN, as ``numpy.nanmean``; arguments as ``mean``'s.

    >>> ag.nanmean(ag.constant([1.0, float("nan"), 2.0])).eval()
    array(1.5, dtype=float32)
    """
    tensor = to_averaged("nanmean", x, dtype)
    return mean(tensor, axis, keepdims=keepdims, where=_known(tensor, where))


def nanvar(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: TensorLike = True,
    mean: TensorLike | None = None,
) -> Tensor:
    """Return the variance of what is not NaN, as ``numpy.nanvar``; arguments as ``var``'s.

    Where no more than ``ddof`` elements count, it is NaN.

    >>> ag.nanvar(ag.constant([1.0, float("nan"), 3.0])).eval()
    array(1., dtype=float32)
    """
    tensor = to_averaged("nanvar", x, dtype)
    less = correction_of("nanvar", tensor, ddof, correction)
    if tensor.dtype.is_half or tensor.dtype.is_complex:
        named = {"correction": less, "keepdims": keepdims, "where": _known(tensor, where)}
        return of_parts(nanvar, tensor, axis, mean, **named)
    mask = as_mask("nanvar", _known(tensor, where), tensor)
    squares, count = scatter("nanvar", tensor, axis, keepdims=keepdims, mask=mask, centre=mean)
    free = count - less
    return where_(free > 0, squares / where_(free > 0, free, 1.0), float("nan"))


def nanstd(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: TensorLike = True,
    mean: TensorLike | None = None,
) -> Tensor:
    """Return the standard deviation over axes of what is not NaN; arguments as ``var``'s."""
    return sqrt(
        nanvar(
            x,
            axis,
            dtype,
            ddof=ddof,
            correction=correction,
            keepdims=keepdims,
            where=where,
            mean=mean,
        )
    )


def nancumsum(x: TensorLike, /, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return running sums with NaN as 0, as ``numpy.nancumsum``; arguments as ``cumsum``'s."""
    return cumsum(_without(to_summed(x, dtype), 0.0), axis, dtype)


def nancumprod(x: TensorLike, /, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return running products with NaN as 1, as ``numpy.nancumprod``; arguments as ``cumsum``'s."""
    return cumprod(_without(to_summed(x, dtype), 1.0), axis, dtype)


OPS: tuple[type[Op], ...] = ()

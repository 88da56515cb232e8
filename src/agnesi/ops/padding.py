"""Padding: an array continued beyond its ends."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np

from agnesi.core.dtypes import F64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, divide_exactly, mul, sub
from agnesi.dims.simplify import at_least, ceildiv, maximum, minimum, mod
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import maximum as greater_of
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange, full
from agnesi.ops.families import Movement, Op, Reject, Sample, keep
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import as_axis, as_items, as_size, as_tensor, is_integer, operand_lines
from agnesi.ops.movement import (
    Flip,
    Reshape,
    broadcast,
    no_negative_sizes,
    nonempty,
    restore_axes,
)
from agnesi.ops.quantiles import median
from agnesi.ops.reductions import Sum
from agnesi.ops.reductions import max as largest
from agnesi.ops.reductions import mean as average
from agnesi.ops.reductions import min as smallest
from agnesi.ops.rounding import floor
from agnesi.ops.rounding import round as to_nearest
from agnesi.ops.slicing import Place, Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["pad"]

_Continuation: TypeAlias = Literal["edge", "wrap", "reflect", "symmetric"]


class Extend(Movement):
    """An array continued along an axis beyond its first and last element.

    Element ``i`` of the result stands at ``i - before``.  Beyond the ends come the end itself
    (``edge``), the array again (``wrap``), or its mirror image without (``reflect``) or with
    (``symmetric``) the end, on and on.
    """

    x: Tensor
    axis: int
    before: Size
    extent: Size
    how: _Continuation

    public = "pad"
    repeats = True
    leading = MappingProxyType({"before": keep, "extent": keep})
    reference = np.pad
    samples = (
        Sample(((4,),), (2, "edge")),
        Sample(((4,),), (2, "reflect")),
        Sample(((4,),), (3, "symmetric")),
        Sample(((4,),), ((1, 2), "wrap")),
        Sample(((2, 3),), (((1, 2), (7, 5)), "reflect")),
        Sample(((2, 3),), (((1, 5), (7, 0)), "symmetric")),
        Sample(((2, 3),), (((3, 0), (7, 11)), "wrap")),
        Sample(((2, 3),), (((3, 0), (0, 4)), "edge")),
        Sample(((1, 2),), (2, "reflect")),
        Sample(((1, 2),), (2, "symmetric")),
        Sample(((2, 0),), (((1, 1), (0, 0)), "wrap")),
    )
    rejects = (
        Reject(("f32[2]",), "not a mode", (1, "other")),
        Reject(("f32[0]",), "no elements", (1, "edge")),
        Reject(("f32[2]",), "negative", ((-1, 0), "wrap")),
        Reject(("f32[2, 3]",), "pairs", (((1, 2), (1, 2), (3, 4)), "wrap")),
        Reject(("f32[2]",), "does not take", (1, "wrap"), {"constant_values": 2}),
        Reject(("f32[2]",), "integer", (0.5, "wrap")),
    )

    def infer(self) -> TensorType:
        """The axis gets another size."""
        return TensorType(self.x.dtype, _resized(self.x.type.shape, self.axis, self.extent))

    @property
    def period(self) -> Size:
        """After how many elements the continuation repeats itself."""
        own = self.x.type.shape[self.axis]
        match self.how:
            case "symmetric":
                return mul(2, own)
            case "reflect":
                return maximum(1, add(mul(2, own), -2))
            case _:
                return own

    def source_index(self, index: Shape) -> Shape:
        """Stop at the ends, or fold the index into one period."""
        own = self.x.type.shape[self.axis]
        here = sub(index[self.axis], self.before)
        match self.how:
            case "edge":
                here = minimum(sub(own, 1), maximum(0, here))
            case "wrap":
                here = mod(here, own)
            case "reflect":
                here = mod(here, self.period)
                here = minimum(here, sub(self.period, here))
            case "symmetric":
                here = mod(here, self.period)
                here = minimum(here, sub(sub(self.period, 1), here))
        return _resized(index, self.axis, here)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Add up what every element was copied to."""
        own = self.x.type.shape[self.axis]
        if self.how == "edge":
            after = add(self.before, own)
            ends = (
                _placed(self._total(_cut(ct, self.axis, 0, self.before)), self.axis, 0, own),
                _placed(
                    self._total(_cut(ct, self.axis, after, sub(self.extent, after))),
                    self.axis,
                    sub(own, 1),
                    own,
                ),
            )
            return (_cut(ct, self.axis, self.before, own) + ends[0] + ends[1],)
        period = self._one_period(ct)
        first = _cut(period, self.axis, 0, own)
        if self.how == "wrap":
            return (first,)
        mirrored = Flip(_cut(period, self.axis, own, sub(self.period, own)), (self.axis,))
        start = 1 if self.how == "reflect" else 0
        return (first + _placed(mirrored, self.axis, start, own),)

    def _total(self, ct: Tensor) -> Tensor:
        return restore_axes(Sum(ct, (self.axis,)), (self.axis,))

    def _one_period(self, ct: Tensor) -> Tensor:
        """Sum the cotangent over the repetitions of the period."""
        period, axis = self.period, self.axis
        start = mod(mul(self.before, -1), period)
        times = ceildiv(add(start, self.extent), period)
        whole = _placed(ct, axis, start, mul(times, period))
        shape = whole.type.shape
        rows = Reshape(whole, (*shape[:axis], times, period, *shape[axis + 1 :]))
        return Sum(rows, (axis,))

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own, cut where it is to be shorter than the array."""
        own, before = operands[0].shape[self.axis], sizes(self.before)
        extent = sizes(self.extent)
        if not own:
            return np.zeros(_replaced(operands[0].shape, self.axis, extent), operands[0].dtype)
        widths = [(0, 0)] * self.ndim
        widths[self.axis] = (before, max(0, extent - before - own))
        whole = np.pad(operands[0], widths, self.how)
        return whole[(*(slice(None),) * self.axis, slice(0, extent))]

    def requirements(self) -> tuple[Requirement, ...]:
        """Where there is something beyond the ends, there has to be an element."""
        own = self.x.type.shape[self.axis]
        if self.before == 0 and divide_exactly(self.extent, own)[1] == 0:
            return no_negative_sizes((self.extent,))  # the whole array, any number of times
        after = sub(sub(self.extent, self.before), own)
        needs: list[Requirement] = []
        for width, side in ((self.before, "before"), (after, "after")):
            if not at_least(width, 0):
                words = f"padding {side} axis {self.axis} of {self.x.type}, not negative"
                needs.append(Requirement("at_most", 0, width, words))
        if not at_least(own, 1):
            words = f"elements to continue axis {self.axis} of {self.x.type} with"
            needs.append(Requirement("at_most", minimum(1, sub(self.extent, own)), own, words))
        return tuple(needs)


def _replaced(shape: tuple[int, ...], axis: int, extent: int) -> tuple[int, ...]:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def _resized(shape: Shape, axis: int, extent: Size) -> Shape:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def _cut(x: Tensor, axis: int, start: Size, extent: Size) -> Tensor:
    """Return ``extent`` elements from ``start`` on, along an axis."""
    starts = tuple(start if k == axis else 0 for k in range(x.ndim))
    return Slice(x, starts, (1,) * x.ndim, _resized(x.type.shape, axis, extent))


def _placed(x: Tensor, axis: int, start: Size, extent: Size) -> Tensor:
    """Return zeros of this size along an axis, with ``x`` from ``start`` on."""
    starts = tuple(start if k == axis else 0 for k in range(x.ndim))
    return Place(x, starts, (1,) * x.ndim, _resized(x.type.shape, axis, extent))


# What each mode takes besides the widths.
_OPTIONS: dict[str, tuple[str, ...]] = {
    "constant": ("constant_values",),
    "edge": (),
    "empty": (),
    "linear_ramp": ("end_values",),
    "maximum": ("stat_length",),
    "mean": ("stat_length",),
    "median": ("stat_length",),
    "minimum": ("stat_length",),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
    "wrap": (),
}


def pad(x: TensorLike, /, pad_width: Any, mode: str = "constant", **options: Any) -> Tensor:
    """Continue an array beyond its ends, as ``numpy.pad``.

    Args:
        x: array.
        pad_width: how many elements to add: an integer, a pair (before, after), a pair for each
            axis, or a dict from axis to either.  Integers may be symbolic.
        mode: ``constant``, ``edge``, ``empty`` (zeros here), ``linear_ramp``, ``maximum``,
            ``mean``, ``median``, ``minimum``, ``reflect``, ``symmetric`` or ``wrap``.
        **options: ``constant_values`` (0) of constant, ``end_values`` (0) of linear_ramp, in the
            forms of ``pad_width``, or a tensor scalar; ``stat_length`` of maximum, mean and
            minimum, how many elements at each end to look at, all by default; ``reflect_type`` of
            reflect and symmetric, "even" or "odd".

    Returns:
        Array of the dtype of ``x``.

    Raises:
        GraphTypeError: a mode, option or width that cannot be, or an axis without elements in a
            mode that needs some.

    >>> ag.pad(ag.constant([1, 2, 3]), (1, 2), "reflect").eval()
    array([2, 1, 2, 3, 2, 1])
    >>> ag.pad(ag.input("x", "f32[n, 3]"), ((0, 0), (1, 1))).type
    f32[n, 5]
    """
    tensor = as_tensor(x)
    _check_mode(tensor, mode, options)
    widths = _widths(tensor, pad_width)
    each = _sides(tensor, mode, options)
    result = tensor
    for axis, (before, after) in enumerate(widths):
        if before == 0 and after == 0:
            continue
        own = tensor.type.shape[axis]
        if own == 0 and mode not in ("constant", "empty"):
            raise GraphTypeError(
                f"pad: axis {axis} has no elements to continue in mode {mode!r}\n"
                f"{operand_lines(('x',), (tensor,))}\n  mode 'constant' needs none"
            )
        if mode in ("linear_ramp", *_STATISTICS):
            words = f"elements to continue axis {axis} of {tensor.type} with, in mode {mode!r}"
            result = nonempty(result, own, words)
        result = each(result, axis, before, after)
    return result


def _check_mode(x: Tensor, mode: Any, options: Mapping[str, Any]) -> None:
    shown = operand_lines(("x",), (x,))
    if mode not in _OPTIONS:
        known = ", ".join(_OPTIONS)
        raise GraphTypeError(f"pad: {mode!r} is not a mode\n{shown}\n  known: {known}")
    for name in options:
        if name not in _OPTIONS[mode]:
            takes = ", ".join(_OPTIONS[mode]) or "no options"
            raise GraphTypeError(
                f"pad: mode {mode!r} does not take {name}\n{shown}\n  it takes {takes}"
            )
    if options.get("reflect_type", "even") not in ("even", "odd"):
        raise GraphTypeError(
            f"pad: reflect_type is 'even' or 'odd', not {options['reflect_type']!r}\n{shown}"
        )


def _widths(x: Tensor, given: Any) -> list[tuple[Size, Size]]:
    if isinstance(given, dict):
        table = cast("dict[Any, Any]", given)
        named = {as_axis("pad", axis, x.ndim, x): width for axis, width in table.items()}
        rows = [_pair(x, named.get(axis, 0)) for axis in range(x.ndim)]
    else:
        rows = _pairs(x, given)
    widths = [(as_size(a, "pad"), as_size(b, "pad")) for a, b in rows]
    if any(isinstance(w, int) and w < 0 for pair in widths for w in pair):
        raise GraphTypeError(
            f"pad: a width cannot be negative, but the widths are {given}\n"
            f"{operand_lines(('x',), (x,))}\n  cut with a slice, x[1:-1]"
        )
    return widths


def _pairs(x: Tensor, given: Any) -> list[tuple[Any, Any]]:
    """Return a pair for each axis of what is one number, one pair, or pairs."""
    items = _listed(given)
    if not any(isinstance(_listed(item), tuple) for item in _rows(items)):
        return [_pair(x, items)] * x.ndim
    rows = [_pair(x, item) for item in _rows(items)]
    if len(rows) == 1:
        return rows * x.ndim
    if len(rows) != x.ndim:
        raise _not_pairs(x, given)
    return rows


def _rows(items: Any) -> tuple[Any, ...]:
    return cast("tuple[Any, ...]", items) if isinstance(items, tuple) else ()


def _listed(value: Any) -> Any:
    plain: Any = cast("Array", value).tolist() if isinstance(value, np.ndarray) else value
    return as_items(plain) if isinstance(plain, tuple | list) else plain


def _pair(x: Tensor, given: Any) -> tuple[Any, Any]:
    items = _listed(given)
    if not isinstance(items, tuple):
        return items, items
    row = _rows(items)
    if len(row) == 1:
        return row[0], row[0]
    if len(row) != 2:
        raise _not_pairs(x, given)
    return row[0], row[1]


def _not_pairs(x: Tensor, given: Any) -> GraphTypeError:
    return GraphTypeError(
        f"pad: takes one number, a pair (before, after) or pairs for each of the {x.ndim} axes, "
        f"but this is {given!r}\n{operand_lines(('x',), (x,))}"
    )


_Side: TypeAlias = "Callable[[Tensor, int, Size, Size], Tensor]"


def _sides(x: Tensor, mode: str, options: Mapping[str, Any]) -> _Side:
    """Return what pads one axis."""
    match mode:
        case "constant":
            return partial(_constant, _pairs(x, options.get("constant_values", 0)))
        case "empty":
            return partial(_constant, [(0, 0)] * x.ndim)
        case "linear_ramp":
            return partial(_ramps, _pairs(x, options.get("end_values", 0)))
        case "maximum" | "mean" | "median" | "minimum":
            return partial(_statistics, mode, _lengths(x, options.get("stat_length")))
        case _ if options.get("reflect_type") == "odd":
            return partial(_odd, cast("_Continuation", mode))
        case _:
            return partial(_continued, cast("_Continuation", mode))


def _continued(how: _Continuation, x: Tensor, axis: int, before: Size, after: Size) -> Tensor:
    extent = add(before, x.type.shape[axis], after)
    if x.type.shape[axis] == 1:
        # Every continuation of one element is that element.
        return _checked_repeat(x, axis, before, after)
    return Extend(x, axis, before, extent, how)


def _checked_repeat(x: Tensor, axis: int, before: Size, after: Size) -> Tensor:
    if at_least(before, 0) and at_least(after, 0):
        return broadcast(x, _resized(x.type.shape, axis, add(before, 1, after)))
    return Extend(x, axis, before, add(before, 1, after), "edge")


def _odd(how: _Continuation, x: Tensor, axis: int, before: Size, after: Size) -> Tensor:
    """The mirror image turned around the end: ``2*end - image``."""
    even = Extend(x, axis, before, add(before, x.type.shape[axis], after), how)
    own, period = x.type.shape[axis], scalar_of(even.period)
    place = Arange(even.type.shape, axis) - scalar_of(before)
    last = _cut(x, axis, sub(own, 1), 1)
    rise = (last - _cut(x, axis, 0, 1)) * 2
    folded = where(place % period < scalar_of(own), even, last * 2 - even)
    return folded + rise * (place // period).astype(x.dtype)


def _constant(
    values: list[tuple[Any, Any]], x: Tensor, axis: int, before: Size, after: Size
) -> Tensor:
    known = at_least(before, 0) and at_least(after, 0)
    if known and all(is_integer(v) and v == 0 for v in values[axis]):
        return _placed(x, axis, before, add(before, x.type.shape[axis], after))
    first, last = values[axis]
    return _joined(x, axis, _filled(x, axis, before, first), _filled(x, axis, after, last))


def _filled(x: Tensor, axis: int, width: Size, value: Any) -> Tensor | None:
    if width == 0:
        return None
    shape = tuple(map(scalar_of, _resized(x.type.shape, axis, width)))
    if not isinstance(value, Tensor):
        # NumPy converts the value to the dtype of the array, whatever it is.
        with np.errstate(all="ignore"):
            value = np.asarray(value).astype(x.dtype.numpy)
    return full(shape, value, x.dtype)


def _joined(x: Tensor, axis: int, first: Tensor | None, last: Tensor | None) -> Tensor:
    parts = [part for part in (first, x, last) if part is not None]
    return concatenate(parts, axis)


def _ramps(
    values: list[tuple[Any, Any]], x: Tensor, axis: int, before: Size, after: Size
) -> Tensor:
    own = x.type.shape[axis]
    first = _ramp(values[axis][0], _cut(x, axis, 0, 1), axis, before)
    last = _ramp(values[axis][1], _cut(x, axis, sub(own, 1), 1), axis, after)
    parts = first, None if last is None else Flip(last, (axis,))
    return _joined(x, axis, *parts)


def _ramp(end: Any, edge: Tensor, axis: int, width: Size) -> Tensor | None:
    """Return numbers from the end value up to, not including, the edge."""
    if width == 0:
        return None
    dtype = edge.dtype
    exact = edge if dtype.is_float else edge.astype(F64)
    start = as_tensor(end).astype(exact.dtype)
    shape = _resized(edge.type.shape, axis, width)
    place = Arange(shape, axis).astype(exact.dtype)
    number = greater_of(1, scalar_of(width))
    line = place * ((exact - start) / as_tensor(number).astype(exact.dtype)) + start
    return line if dtype.is_float else floor(line).astype(dtype)


_STATISTICS = {"maximum": largest, "minimum": smallest, "mean": average, "median": median}


def _lengths(x: Tensor, given: Any) -> list[tuple[Size | None, Size | None]]:
    if given is None:
        return [(None, None)] * x.ndim
    pairs = [(as_size(a, "pad"), as_size(b, "pad")) for a, b in _pairs(x, given)]
    if any(isinstance(n, int) and n < 1 for pair in pairs for n in pair):
        raise GraphTypeError(
            f"pad: stat_length has to be at least 1, but it is {given}\n"
            f"{operand_lines(('x',), (x,))}"
        )
    return list(pairs)


def _statistics(  # noqa: PLR0917 - two are bound beforehand
    mode: str,
    lengths: list[tuple[Size | None, Size | None]],
    x: Tensor,
    axis: int,
    before: Size,
    after: Size,
) -> Tensor:
    own = x.type.shape[axis]
    first, last = (own if n is None else minimum(own, n) for n in lengths[axis])
    ends = (
        (before, _cut(x, axis, 0, first)),
        (after, _cut(x, axis, sub(own, last), last)),
    )
    return _joined(x, axis, *(_statistic(mode, part, axis, width) for width, part in ends))


def _statistic(mode: str, part: Tensor, axis: int, width: Size) -> Tensor | None:
    if width == 0:
        return None
    value = _STATISTICS[mode](part, axis, keepdims=True)
    if mode in ("mean", "median") and not part.dtype.is_float:
        value = to_nearest(value)
    return broadcast(value.astype(part.dtype), _resized(part.type.shape, axis, width))


OPS: tuple[type[Op], ...] = (Extend,)

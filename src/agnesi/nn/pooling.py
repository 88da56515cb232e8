"""Pooling: what a layer keeps of the windows that slide over an image, a sequence or a volume.

Arrays are ``[batch, channels, ...]``, as ``layout="NCHW"`` says, or ``[batch, ..., channels]``.
Window, strides, padding and dilation are one number for all axes or one for each.

Padding stands around the image and is never chosen as a maximum.  ``ignore_border`` is Theano's: a
window that reaches beyond the padded image is dropped (True), or kept with what it has (False;
other libraries say ``ceil_mode``), as long as it begins in the image or the padding before it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, overload

from agnesi.core.dtypes import floating
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Size, add, mul, neg, sub
from agnesi.dims.simplify import at_least, ceildiv, floordiv, maximum, minimum
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.nn.computed_windows import computed_pool
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange, full, zeros
from agnesi.ops.lift import as_axes, as_items, as_size, as_tensor, is_integer, operand_lines
from agnesi.ops.movement import expand_dims, moveaxis, reshape
from agnesi.ops.pooling import MOST_BITS, FirstInWindow, MaxPool, SumPool, Ties
from agnesi.ops.reductions import max as greatest
from agnesi.ops.reductions import mean
from agnesi.ops.taking import put_along_axis
from agnesi.ops.tensor_products import tensordot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape

__all__ = [
    "adaptive_avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "global_avg_pool",
    "global_max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "pool",
    "pool_output_shape",
    "sum_pool1d",
    "sum_pool2d",
    "sum_pool3d",
]

Mode: TypeAlias = Literal["max", "sum", "average"]
PerAxis: TypeAlias = "int | Sequence[int]"
Padding: TypeAlias = 'int | Sequence[int] | Sequence[tuple[int, int]] | Literal["valid", "same"]'

# Windows, starts, steps, dilations and how many windows there are.
_Fields: TypeAlias = "tuple[tuple[int, ...], Shape, tuple[int, ...], tuple[int, ...], Shape]"

# Windows of more elements are pooled along one axis after the other.
_MOST = 32


class _Axis(NamedTuple):
    """What is said of one axis that is pooled."""

    window: int
    step: int
    before: Size
    after: Size
    dilation: int

    @property
    def reach(self) -> int:
        """How many elements there are from a window's first to its last."""
        return (self.window - 1) * self.dilation + 1

    def windows(self, size: Size, *, partial: bool) -> Size:
        """Return how many windows there are."""
        room = sub(add(size, self.before, self.after), self.reach)
        if not partial:
            return add(floordiv(room, self.step), 1)
        last = floordiv(sub(add(size, self.before), 1), self.step)
        return add(minimum(maximum(0, ceildiv(room, self.step)), last), 1)


def pool_output_shape(
    sizes: Any,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
) -> tuple[int | Tensor, ...]:
    """Return the sizes of what pooling gives, from those of the axes that are pooled.

    Args:
        sizes: one size or several, numbers or symbolic integers.
        window: as for :func:`max_pool2d`, as all that follow.
        strides: from window to window; the window by default.
        padding: around the axes.
        dilation: from element to element of a window.
        ignore_border: whether windows that reach beyond the end are dropped.

    Raises:
        GraphTypeError: a size or number that cannot be, or no window fits.

    >>> ag.nn.pool_output_shape((13, 13), 3, 2)
    (6, 6)
    >>> ag.nn.pool_output_shape((14, 15), 3, 2, ignore_border=False)
    (7, 7)
    """
    op = "pool_output_shape"
    known = tuple(as_size(s, op) for s in as_items(sizes))
    axes = _axes(op, known, window, strides, padding, dilation, "")
    _all_hold_elements(op, axes, "")
    counts = (_count(op, a, s, ignore_border, "") for a, s in zip(axes, known, strict=True))
    return tuple(map(scalar_of, counts))


def pool(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    mode: Mode = "max",
    axes: int | tuple[int, ...] | None = None,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    count_include_pad: bool = True,
    ties: Ties = "first",
) -> Tensor:
    """Return the maxima, sums or averages of windows that slide along any axes.

    Args:
        x: array of any number of axes.
        window: how many elements along each of the axes, a number or one for each.  This and the
            next two may be symbolic integers, at the price of memory for all windows.
        strides: how far from window to window; the window by default, so that they do not overlap.
        padding: elements around the array: a number, one for each axis, a pair (before, after) for
            each axis; ``"valid"`` is 0; ``"same"`` so that there is a window for each stride begun.
        mode: ``"max"``, ``"sum"`` or ``"average"``.
        axes: which; the last ones by default, as many as ``window`` has numbers.
        dilation: how far from element to element of a window.
        ignore_border: whether a window that reaches beyond the padded array is dropped; if not, it
            has fewer elements.
        count_include_pad: whether an average counts the padding as zeros.
        ties: which of several maxima a derivative goes to: the ``"first"`` of the window, as in
            PyTorch and XLA, or ``"all"``, each in full, as in Theano.

    Returns:
        Array with as many elements along each of the axes as there are windows.  An average of
        integers is a float.

    Raises:
        GraphTypeError: an argument that cannot be, or no window fits.
        ShapeError: in a call, no window fits.

    >>> ag.nn.pool(ag.constant([1, 5, 2, 4, 3]), 2).eval()
    array([5, 4])
    >>> ag.nn.pool(ag.constant([1, 5, 2, 4, 3]), 2, ignore_border=False, mode="sum").eval()
    array([6, 6, 3])
    """
    tensor = as_tensor(x)
    number = len(as_items(window))
    chosen = tuple(range(-number, 0)) if axes is None else axes
    along = as_axes("pool", chosen, tensor.ndim, tensor)
    if any(isinstance(n, Tensor) for given in (window, strides, padding) for n in as_items(given)):
        return _computed(tensor, along, (window, strides, padding, dilation), mode, ties,
                         ignore_border, count_include_pad)  # fmt: skip
    spec = Spec("pool", tensor, along, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, mode, ties, count_include_pad=count_include_pad)


def _computed(  # noqa: PLR0917 - what users say, in their order
    x: Tensor,
    along: tuple[int, ...],
    numbers: tuple[Any, Any, Any, Any],
    mode: Mode,
    ties: Ties,
    ignore_border: bool,
    count_include_pad: bool,
) -> Tensor:
    """Return what pooling gives where only a call knows some of its numbers."""
    window, strides, padding, dilation = numbers
    if any(d != 1 for d in as_items(dilation)) or isinstance(padding, str):
        raise GraphTypeError(
            "pool: a window that is computed has no dilation, and padding is numbers\n"
            f"{operand_lines(('x',), (x,))}"
        )
    found: list[list[Size]] = []
    for name, given in (("window", window), ("strides", strides), ("padding", padding)):
        items = as_items(window if given is None else given)
        items = items * len(along) if len(items) == 1 else items
        if len(items) != len(along):
            raise GraphTypeError(
                f"pool: {name} is one number or one for each of the {len(along)} axes, but this is "
                f"{given!r}\n{operand_lines(('x',), (x,))}"
            )
        found.append([as_size(item, f"pool: {name}") for item in items])
    windows, steps, margins = found
    return computed_pool(
        x,
        along,
        windows,
        steps,
        margins,
        mode,
        ignore_border=ignore_border,
        count_include_pad=count_include_pad,
        ties=ties,
    )


class _Numbers(NamedTuple):
    """Reads what is a number, or one for each axis."""

    op: str
    axes: int
    shown: str

    def __call__(self, name: str, given: Any, least: int) -> tuple[int, ...]:
        """Return a number for each axis.

        Raises:
            GraphTypeError: no integers, too small ones, or too many.
        """
        items = as_items(given)
        if not all(is_integer(item) and item >= least for item in items):
            kind = "positive integers" if least else "integers, not negative"
            raise GraphTypeError(f"{self.op}: {name} are {kind}, but this is {given!r}{self.shown}")
        if len(items) not in (1, self.axes):
            raise GraphTypeError(
                f"{self.op}: {name} is one number or one for each of the {self.axes} axes, but "
                f"this is {given!r}{self.shown}"
            )
        return tuple(int(item) for item in (items * self.axes if len(items) == 1 else items))


def numbers_of(op: str, name: str, given: Any, along: Sequence[int], x: Tensor) -> tuple[int, ...]:
    """Return a positive integer for each of some axes, from one or as many.

    Raises:
        GraphTypeError: no integers, too small ones, or too many.
    """
    return _Numbers(op, len(along), f"\n{operand_lines(('x',), (x,))}")(name, given, 1)


def _axes(  # noqa: PLR0917 - what users say, in their order
    op: str,
    sizes: Shape,
    window: PerAxis,
    strides: PerAxis | None,
    padding: Padding,
    dilation: PerAxis,
    shown: str,
) -> tuple[_Axis, ...]:
    """Return what is said of each axis.

    Raises:
        GraphTypeError: a number that cannot be.
    """
    count = len(sizes)
    numbers = _Numbers(op, count, shown)
    windows = numbers("window", window, 1)
    steps = numbers("strides", windows if strides is None else strides, 1)
    dilations = numbers("dilation", dilation, 1)
    plain = [_Axis(w, s, 0, 0, d) for w, s, d in zip(windows, steps, dilations, strict=True)]
    pairs = _pairs(op, plain, sizes, padding, shown)
    return tuple(
        axis._replace(before=before, after=after)
        for axis, (before, after) in zip(plain, pairs, strict=True)
    )


def _all_hold_elements(op: str, axes: Sequence[_Axis], shown: str) -> None:
    """Check that no window lies in the padding.

    Raises:
        GraphTypeError: one could.
    """
    for axis in axes:
        if not all(at_least(axis.reach - 1, side) for side in (axis.before, axis.after)):
            raise GraphTypeError(
                f"{op}: a window that reaches over {axis.reach} elements can lie outside of the "
                f"array with a padding of {axis.before} and {axis.after}{shown}\n"
                "  padding has to be less than that"
            )


def _pairs(
    op: str, axes: Sequence[_Axis], sizes: Shape, padding: Any, shown: str
) -> list[tuple[Size, Size]]:
    """Return the padding before and after each axis."""
    count = len(axes)
    if isinstance(padding, str):
        if padding == "valid":
            return [(0, 0)] * count
        if padding != "same":
            raise GraphTypeError(
                f"{op}: padding is numbers, pairs, 'valid' or 'same', but this is "
                f"{padding!r}{shown}"
            )
        return [_same(axis, size) for axis, size in zip(axes, sizes, strict=True)]
    items = as_items(padding)
    if any(isinstance(item, tuple | list) for item in items):
        rows = [as_items(item) for item in items]
        if len(rows) != count or any(len(row) != 2 for row in rows):
            raise GraphTypeError(
                f"{op}: padding in pairs is a pair (before, after) for each of the {count} axes "
                f"that are pooled, but this is {padding!r}{shown}"
            )
        found = [_Numbers(op, 2, shown)("padding", row, 0) for row in rows]
        return [(row[0], row[1]) for row in found]
    return [(width, width) for width in _Numbers(op, count, shown)("padding", padding, 0)]


def _same(axis: _Axis, size: Size) -> tuple[Size, Size]:
    """Return the padding by which there is a window for each stride begun."""
    last = mul(sub(ceildiv(size, axis.step), 1), axis.step)
    whole = minimum(axis.reach - 1, maximum(0, sub(add(last, axis.reach), size)))
    before = floordiv(whole, 2)
    return before, sub(whole, before)


def _count(op: str, axis: _Axis, size: Size, ignore_border: bool, shown: str) -> Size:
    """Return how many windows there are along an axis.

    Raises:
        GraphTypeError: it is known that there is none.
    """
    count = axis.windows(size, partial=not ignore_border)
    if isinstance(count, int) and count < 1:
        raise GraphTypeError(
            f"{op}: a window that reaches over {axis.reach} elements does not fit into "
            f"{add(size, axis.before, axis.after)}{shown}\n"
            "  ignore_border=False keeps windows that reach beyond the end"
        )
    return count


class Spec:
    """What slides along which axes of an array.

    Raises:
        GraphTypeError: a number that cannot be, or no window fits.
    """

    def __init__(  # noqa: PLR0917 - what users say, in their order
        self,
        op: str,
        x: Tensor,
        along: tuple[int, ...],
        window: PerAxis,
        strides: PerAxis | None,
        padding: Padding,
        dilation: PerAxis,
        ignore_border: bool,
    ) -> None:
        self.op, self.x, self.along, self.partial = op, x, along, not ignore_border
        self.shown = f"\n{operand_lines(('x',), (x,))}"
        if x.dtype.is_bool or x.dtype.is_complex:
            raise GraphTypeError(
                f"{op}: is not defined for {x.dtype}{self.shown}\n"
                "  convert it first, for example with x.astype('f32')"
            )
        self.sizes = tuple(x.type.shape[axis] for axis in along)
        self.axes = _axes(op, self.sizes, window, strides, padding, dilation, self.shown)
        pairs = zip(self.axes, self.sizes, strict=True)
        self.counts = tuple(_count(op, a, s, ignore_border, self.shown) for a, s in pairs)

    def fields(self, x: Tensor, places: Sequence[int]) -> _Fields:
        """Return what a node says of all axes of ``x``, and the sizes of its result.

        Args:
            x: the array, some of its axes pooled already.
            places: which of the axes to pool.
        """
        windows, steps, dilations = ([1] * x.ndim for _ in range(3))
        starts: list[Size] = [0] * x.ndim
        extents = list(x.type.shape)
        for k in places:
            axis, own = self.along[k], self.axes[k]
            windows[axis], steps[axis], dilations[axis] = own.window, own.step, own.dilation
            starts[axis], extents[axis] = neg(own.before), self.counts[k]
        return tuple(windows), tuple(starts), tuple(steps), tuple(dilations), tuple(extents)

    def all_fields(self) -> _Fields:
        """Return what a node says that pools all axes at once."""
        return self.fields(self.x, range(len(self.along)))

    def stages(self) -> list[tuple[int, ...]]:
        """Return which axes are pooled at a time: large windows one after the other.

        The last axis comes first, by which the first of several maxima stays the same one.
        """
        every = tuple(range(len(self.along)))
        if math.prod(own.window for own in self.axes) <= _MOST:
            return [every]
        return [(k,) for k in reversed(every)]

    def divided(self, total: Tensor, *, count_include_pad: bool) -> Tensor:
        """Return sums of windows, each divided by the number of its elements."""
        known = 1
        for axis, own, size, count in zip(
            self.along, self.axes, self.sizes, self.counts, strict=True
        ):
            padded = own.before != 0 or own.after != 0
            if not self.partial and (count_include_pad or not padded):
                known *= own.window
                continue
            start, length = neg(own.before), size
            if count_include_pad:
                start, length = 0, add(size, own.before, own.after)
            ones = full(scalar_of(length), 1, total.dtype)
            number = SumPool(ones, (own.window,), (start,), (own.step,), (own.dilation,), (count,))
            total = total / expand_dims(number, tuple(range(1, total.ndim - axis)))
        return total / known if known > 1 else total


def _pooled(spec: Spec, mode: Mode, ties: Ties, *, count_include_pad: bool = True) -> Tensor:
    if mode not in ("max", "sum", "average"):
        raise GraphTypeError(
            f"{spec.op}: mode is 'max', 'sum' or 'average', but this is {mode!r}{spec.shown}"
        )
    if ties not in ("first", "all"):
        raise GraphTypeError(
            f"{spec.op}: ties is 'first' or 'all', but this is {ties!r}{spec.shown}"
        )
    _all_hold_elements(spec.op, spec.axes, spec.shown)
    x = spec.x.astype(floating(spec.x.dtype)) if mode == "average" else spec.x
    for places in spec.stages():
        fields = spec.fields(x, places)
        if mode != "max":
            x = SumPool(x, *fields)
        elif ties == "all" and math.prod(fields[0]) > MOST_BITS:
            raise GraphTypeError(
                f"{spec.op}: ties='all' takes windows of up to {MOST_BITS} elements{spec.shown}"
            )
        else:
            x = MaxPool(x, *fields, ties)
    return spec.divided(x, count_include_pad=count_include_pad) if mode == "average" else x


_LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


def image_axes(op: str, x: TensorLike, count: int, layout: str) -> tuple[Tensor, tuple[int, ...]]:
    """Return an array with its axes of space.

    Raises:
        GraphTypeError: it has another number of axes, or there is no such layout.
    """
    tensor = as_tensor(x)
    first, last = _LAYOUTS[count]
    if layout not in (first, last):
        raise GraphTypeError(
            f"{op}: layout is {first!r} or {last!r}, but this is {layout!r}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    if tensor.ndim != count + 2:
        raise GraphTypeError(
            f"{op}: takes arrays of {count + 2} axes, {layout}\n"
            f"{operand_lines(('x',), (tensor,))}\n"
            "  add axes with ag.expand_dims, or name the axes to pool: ag.nn.pool(x, ..., axes=...)"
        )
    start = 1 if layout == last else 2
    return tensor, tuple(range(start, start + count))


@overload
def max_pool1d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCW",
    return_indices: Literal[False] = False,
    ties: Ties = "first",
) -> Tensor: ...


@overload
def max_pool1d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCW",
    return_indices: Literal[True],
    ties: Ties = "first",
) -> tuple[Tensor, Tensor]: ...


def max_pool1d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCW",
    return_indices: bool = False,
    ties: Ties = "first",
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the largest element of each window of sequences.

    Arguments and errors are those of :func:`max_pool2d`; ``layout`` is ``"NCW"`` or ``"NWC"``.

    >>> ag.nn.max_pool1d(ag.constant([[[1.0, 4.0, 2.0, 3.0]]]), 2).eval()
    array([[[4., 3.]]], dtype=float32)
    """
    spec = _spec("max_pool1d", 1, x, layout, window, strides, padding, dilation, ignore_border)
    result = _pooled(spec, "max", ties)
    return (result, _indices(spec)) if return_indices else result


def avg_pool1d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    count_include_pad: bool = True,
    layout: str = "NCW",
) -> Tensor:
    """Return the mean of each window of sequences.

    Arguments and errors are those of :func:`max_pool1d`; ``count_include_pad`` says whether the
    padding counts as zeros or not at all.  Integers are converted to floats.
    """
    spec = _spec("avg_pool1d", 1, x, layout, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, "average", "first", count_include_pad=count_include_pad)


def sum_pool1d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCW",
) -> Tensor:
    """Return the sum of each window of sequences; arguments as :func:`max_pool1d`'s."""
    spec = _spec("sum_pool1d", 1, x, layout, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, "sum", "first")


def max_unpool1d(
    x: TensorLike,
    indices: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: int | Sequence[int] = 0,
    *,
    sizes: Sequence[int | Tensor] | None = None,
    layout: str = "NCW",
) -> Tensor:
    """Put maxima back to where they were found, zeros elsewhere.

    Arguments and errors are those of :func:`max_unpool2d`.
    """
    return _unpooled("max_unpool1d", 1, x, indices, window, strides, padding, sizes, layout)


@overload
def max_pool2d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCHW",
    return_indices: Literal[False] = False,
    ties: Ties = "first",
) -> Tensor: ...


@overload
def max_pool2d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCHW",
    return_indices: Literal[True],
    ties: Ties = "first",
) -> tuple[Tensor, Tensor]: ...


def max_pool2d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCHW",
    return_indices: bool = False,
    ties: Ties = "first",
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the largest element of each window of images.

    Args:
        x: images.
        window: height and width, or one number for both.
        strides: how far from window to window; the window by default.
        padding: around an image: a number, one for each axis, pairs (before, after), ``"valid"``
            (0) or ``"same"``.
        dilation: how far from element to element of a window.
        ignore_border: whether a window that reaches beyond the padded image is dropped.
        layout: ``"NCHW"`` or ``"NHWC"``.
        return_indices: whether to return, besides, where in its image (of ``height * width``
            elements, row by row) each maximum stands, for :func:`max_unpool2d`.
        ties: which of several maxima a derivative goes to: the ``"first"`` of the window, as in
            PyTorch and XLA, or ``"all"``, each in full, as in Theano.

    Raises:
        GraphTypeError: an argument that cannot be, or no window fits.
        ShapeError: in a call, no window fits.

    >>> x = ag.input("x", "f32[n, 3, 13, 13]")
    >>> ag.nn.max_pool2d(x, 3, 2).type
    f32[n, 3, 6, 6]
    >>> values, indices = ag.nn.max_pool2d([[[[1.0, 4.0], [2.0, 3.0]]]], 2, return_indices=True)
    >>> indices.eval()
    array([[[[1]]]])
    """
    spec = _spec("max_pool2d", 2, x, layout, window, strides, padding, dilation, ignore_border)
    result = _pooled(spec, "max", ties)
    return (result, _indices(spec)) if return_indices else result


def avg_pool2d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    count_include_pad: bool = True,
    layout: str = "NCHW",
) -> Tensor:
    """Return the mean of each window of images.

    Arguments and errors are those of :func:`max_pool2d`; ``count_include_pad`` says whether the
    padding counts as zeros or not at all.  Integers are converted to floats.

    >>> x = ag.constant(np.ones((1, 1, 3, 3), np.float32))
    >>> ag.nn.avg_pool2d(x, 2, padding=((1, 0), (0, 1)), count_include_pad=False).eval().sum()
    np.float32(4.0)
    """
    spec = _spec("avg_pool2d", 2, x, layout, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, "average", "first", count_include_pad=count_include_pad)


def sum_pool2d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCHW",
) -> Tensor:
    """Return the sum of each window of images; arguments as :func:`max_pool2d`'s."""
    spec = _spec("sum_pool2d", 2, x, layout, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, "sum", "first")


def max_unpool2d(
    x: TensorLike,
    indices: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: int | Sequence[int] = 0,
    *,
    sizes: Sequence[int | Tensor] | None = None,
    layout: str = "NCHW",
) -> Tensor:
    """Put maxima back to where they were found, zeros elsewhere.

    Args:
        x: what :func:`max_pool2d` gave, or as many other numbers.
        indices: where they go to: what ``return_indices`` gave.
        window: as for the pooling.
        strides: as for the pooling.
        padding: as for the pooling, in numbers.
        sizes: height and width of the result; ``(n - 1) * stride - 2 * padding + window`` by
            default.
        layout: ``"NCHW"`` or ``"NHWC"``.

    Raises:
        GraphTypeError: an argument that cannot be.
        IndexOutOfBounds: in a call, an index beyond the result.

    >>> x = ag.constant([[[[1.0, 4.0], [2.0, 3.0]]]])
    >>> y, indices = ag.nn.max_pool2d(x, 2, return_indices=True)
    >>> ag.nn.max_unpool2d(y, indices, 2).eval()
    array([[[[0., 4.],
             [0., 0.]]]], dtype=float32)
    """
    return _unpooled("max_unpool2d", 2, x, indices, window, strides, padding, sizes, layout)


@overload
def max_pool3d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCDHW",
    return_indices: Literal[False] = False,
    ties: Ties = "first",
) -> Tensor: ...


@overload
def max_pool3d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCDHW",
    return_indices: Literal[True],
    ties: Ties = "first",
) -> tuple[Tensor, Tensor]: ...


def max_pool3d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCDHW",
    return_indices: bool = False,
    ties: Ties = "first",
) -> Tensor | tuple[Tensor, Tensor]:
    """Return the largest element of each window of volumes.

    Arguments and errors are those of :func:`max_pool2d`; ``layout`` is ``"NCDHW"`` or ``"NDHWC"``.

    >>> ag.nn.max_pool3d(ag.input("x", "f32[n, 8, 8, 8, 3]"), 2, layout="NDHWC").type
    f32[n, 4, 4, 4, 3]
    """
    spec = _spec("max_pool3d", 3, x, layout, window, strides, padding, dilation, ignore_border)
    result = _pooled(spec, "max", ties)
    return (result, _indices(spec)) if return_indices else result


def avg_pool3d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    count_include_pad: bool = True,
    layout: str = "NCDHW",
) -> Tensor:
    """Return the mean of each window of volumes.

    Arguments and errors are those of :func:`max_pool3d`; ``count_include_pad`` says whether the
    padding counts as zeros or not at all.  Integers are converted to floats.
    """
    spec = _spec("avg_pool3d", 3, x, layout, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, "average", "first", count_include_pad=count_include_pad)


def sum_pool3d(
    x: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: Padding = 0,
    *,
    dilation: PerAxis = 1,
    ignore_border: bool = True,
    layout: str = "NCDHW",
) -> Tensor:
    """Return the sum of each window of volumes; arguments as :func:`max_pool3d`'s."""
    spec = _spec("sum_pool3d", 3, x, layout, window, strides, padding, dilation, ignore_border)
    return _pooled(spec, "sum", "first")


def max_unpool3d(
    x: TensorLike,
    indices: TensorLike,
    window: PerAxis,
    strides: PerAxis | None = None,
    padding: int | Sequence[int] = 0,
    *,
    sizes: Sequence[int | Tensor] | None = None,
    layout: str = "NCDHW",
) -> Tensor:
    """Put maxima back to where they were found, zeros elsewhere.

    Arguments and errors are those of :func:`max_unpool2d`.
    """
    return _unpooled("max_unpool3d", 3, x, indices, window, strides, padding, sizes, layout)


def _spec(  # noqa: PLR0917 - what users say, in their order
    op: str,
    count: int,
    x: TensorLike,
    layout: str,
    window: PerAxis,
    strides: PerAxis | None,
    padding: Padding,
    dilation: PerAxis,
    ignore_border: bool,
) -> Spec:
    tensor, along = image_axes(op, x, count, layout)
    return Spec(op, tensor, along, window, strides, padding, dilation, ignore_border)


def _indices(spec: Spec) -> Tensor:
    """Return where in its image each maximum stands."""
    code = FirstInWindow(spec.x, *spec.all_fields()).astype("i64")
    parts: list[Tensor] = []
    for own in reversed(spec.axes):
        parts.append(code % own.window)
        code = code // own.window
    flat: Tensor | None = None
    places = zip(spec.along, spec.axes, spec.sizes, reversed(parts), strict=True)
    for axis, own, size, part in places:
        window = Arange(part.type.shape, axis) * own.step - scalar_of(own.before)
        place = window + part * own.dilation
        if own.before != 0:
            # A window of nothing but the least number has chosen its first element, maybe padding.
            place = where(place < 0, place % own.dilation, place)
        flat = place if flat is None else flat * scalar_of(size) + place
    assert flat is not None
    return flat


def _unpooled(  # noqa: PLR0917 - what users say, in their order
    op: str,
    count: int,
    x: TensorLike,
    indices: TensorLike,
    window: PerAxis,
    strides: PerAxis | None,
    padding: int | Sequence[int],
    sizes: Sequence[int | Tensor] | None,
    layout: str,
) -> Tensor:
    tensor, along = image_axes(op, x, count, layout)
    where_to = as_tensor(indices)
    lines = f"\n{operand_lines(('x', 'indices'), (tensor, where_to))}"
    if where_to.ndim != tensor.ndim:
        raise GraphTypeError(f"{op}: there is an index for each element of x{lines}")
    numbers = _Numbers(op, count, lines)
    windows = numbers("window", window, 1)
    steps = numbers("strides", windows if strides is None else strides, 1)
    widths = numbers("padding", padding, 0)
    target: tuple[Any, ...] = tuple(
        (tensor.shape[axis] - 1) * step - 2 * width + own
        for axis, own, step, width in zip(along, windows, steps, widths, strict=True)
    )
    if sizes is not None:
        target = tuple(sizes)
        if len(target) != count:
            raise GraphTypeError(f"{op}: sizes are {count} numbers, but these are {sizes!r}{lines}")
    # The axes of space last, as one.
    ends = tuple(range(-count, 0))
    values, flat = (
        reshape(t, (*t.shape[: t.ndim - count], -1))
        for t in (moveaxis(tensor, along, ends), moveaxis(where_to, along, ends))
    )
    space: Any = 1
    for size in target:
        space = space * size
    nothing = zeros((*values.shape[:-1], space), values.dtype)
    whole = put_along_axis(nothing, flat, values, -1)
    return moveaxis(reshape(whole, (*values.shape[:-1], *target)), ends, along)


def global_max_pool(x: TensorLike, *, layout: str | None = None) -> Tensor:
    """Return the largest element of each channel: ``[batch, channels]``.

    A derivative goes to all elements that are largest, in equal shares, as that of ``ag.max``.

    Args:
        x: arrays of one, two or three axes of space.
        layout: such as ``"NCHW"``, the default, or ``"NHWC"``.

    Raises:
        GraphTypeError: another number of axes, or there is no such layout.

    >>> ag.nn.global_max_pool(ag.input("x", "f32[n, 64, 7, 7]")).type
    f32[n, 64]
    """
    tensor, along = _any_image("global_max_pool", x, layout)
    return greatest(tensor, along)


def global_avg_pool(x: TensorLike, *, layout: str | None = None) -> Tensor:
    """Return the mean of each channel: ``[batch, channels]``; as :func:`global_max_pool`.

    >>> ag.nn.global_avg_pool(ag.input("x", "f32[n, 7, 7, 64]"), layout="NHWC").type
    f32[n, 64]
    """
    tensor, along = _any_image("global_avg_pool", x, layout)
    return mean(tensor, along)


def _any_image(op: str, x: TensorLike, layout: str | None) -> tuple[Tensor, tuple[int, ...]]:
    tensor = as_tensor(x)
    count = min(3, max(1, tensor.ndim - 2))
    return image_axes(op, tensor, count, layout or _LAYOUTS[count][0])


def adaptive_avg_pool(
    x: TensorLike, sizes: int | Sequence[int], *, layout: str | None = None
) -> Tensor:
    """Return means of so many windows that cover each image, whatever its size.

    Window ``i`` of ``m`` along an axis of ``n`` elements begins at ``floor(i*n/m)`` and ends before
    ``ceil((i+1)*n/m)``, as in PyTorch.

    Args:
        x: arrays of one, two or three axes of space; their sizes may be symbolic.
        sizes: how many windows along each axis, one number or one for each.
        layout: such as ``"NCHW"``, the default, or ``"NHWC"``.

    Raises:
        GraphTypeError: an argument that cannot be.

    >>> ag.nn.adaptive_avg_pool(ag.constant([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), 2).eval()
    array([[[2., 4.]]], dtype=float32)
    """
    op = "adaptive_avg_pool"
    tensor, along = _any_image(op, x, layout)
    shown = f"\n{operand_lines(('x',), (tensor,))}"
    result = tensor.astype(floating(tensor.dtype))
    for axis, count in zip(along, _Numbers(op, len(along), shown)("sizes", sizes, 1), strict=True):
        size = result.shape[axis]
        if isinstance(size, int) and size % count == 0 and size:
            own = size // count
            result = pool(result, own, mode="average", axes=axis) if own > 1 else result
            continue
        # A sum over windows of different sizes is a product with a matrix of their weights.
        shape = (count, result.type.shape[axis])
        window, place = Arange(shape, 0), Arange(shape, 1)
        begin, end = window * size // count, ((window + 1) * size + count - 1) // count
        inside = (place >= begin) & (place < end)
        weights = where(inside, 1 / (end - begin).astype(result.dtype), 0)
        result = moveaxis(tensordot(weights, result, ([1], [axis])), 0, axis)
    return result

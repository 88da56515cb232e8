"""Arguments that functions of pictures, sounds and volumes share: layouts, strides, paddings.

Axes of *space* are those that a kernel moves along: one, two or three, width last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, mul, sub
from agnesi.dims.simplify import at_least, ceildiv, floordiv, maximum
from agnesi.graph.tensor import scalar_of
from agnesi.ops.conv import span
from agnesi.ops.lift import as_items, as_size, is_integer, operand_lines
from agnesi.ops.movement import transpose
from agnesi.ops.padding import pad
from agnesi.ops.slicing import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Tensor

# What a user may say of padding: a name, or elements of every axis, of each axis, or before and
# after each axis.  Numbers may be symbolic integers.
Padding: TypeAlias = Any

# Layouts by number of axes of space: channels first, channels last.
LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
_NAMES = '"valid", "same", "full", "half" or, in one dimension, "causal"'


def space_axes(op: str, x: Tensor, dims: int | None = None) -> int:
    """Return how many axes of space an array ``[n, *space, channels]`` has, in either order.

    Raises:
        GraphTypeError: it is not one, two or three, or not the number asked for.
    """
    found = x.ndim - 2
    if found != dims if dims else found not in LAYOUTS:
        first, last = LAYOUTS[dims] if dims else ("n, channels, *space", "n, *space, channels")
        names = f"{first} or {last}" if dims else f"[{first}] or [{last}], space of 1 to 3 axes"
        raise GraphTypeError(
            f"{op}: takes an array of axes {names}, but x has {x.ndim}\n"
            f"{operand_lines(('x',), (x,))}\n  one example gets the axis in front with x[None]"
        )
    return found


def is_last(op: str, layout: Any, dims: int) -> bool:
    """Return whether channels are the last axis, of the name of a layout; None is channels first.

    Raises:
        GraphTypeError: it is no layout of so many axes of space.
    """
    first, last = LAYOUTS[dims]
    if layout not in (None, first, last):
        raise GraphTypeError(
            f'{op}: the layout is "{first}" or "{last}", but this is {layout!r}\n'
            f"  letters: examples, channels, {'depth, ' * (dims > 2)}{'height, ' * (dims > 1)}width"
        )
    return layout == last


def to_last(x: Tensor) -> Tensor:
    """Return ``[n, *space, channels]`` of ``[n, channels, *space]``."""
    return transpose(x, (0, *range(2, x.ndim), 1))


def to_first(x: Tensor) -> Tensor:
    """Return ``[n, channels, *space]`` of ``[n, *space, channels]``."""
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def per_axis(op: str, what: str, given: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """Return a number for each axis of space, of one for all or one for each.

    Raises:
        GraphTypeError: another number of them, or one that is no integer or too small.
    """
    items = as_items(given)
    numbers = items * dims if len(items) == 1 else items
    if len(numbers) != dims or any(not is_integer(n) or n < least for n in numbers):
        raise GraphTypeError(
            f"{op}: {what} is an integer of at least {least}, or {dims} of them, one for each axis "
            f"of space, but this is {given!r}"
        )
    return tuple(map(int, numbers))


def paddings(  # noqa: PLR0917 - what is padded, and for what
    op: str,
    given: Padding,
    space: Shape,
    taps: Shape,
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[tuple[Size, Size]]:
    """Return how many elements to add before and after each axis of space.

    Args:
        op: the public function.
        given: what the user said.
        space: sizes of the axes.
        taps: sizes of the kernel, or window.
        strides: how far apart it is placed.
        dilations: how far apart its taps are.

    Raises:
        GraphTypeError: it is no padding of so many axes.
    """
    reaches = [span(t, d) for t, d in zip(taps, dilations, strict=True)]
    if isinstance(given, str):
        if given not in _BY_NAME or (given == "causal" and len(space) > 1):
            raise _not_padding(op, given, len(space))
        return list(map(_BY_NAME[given], space, reaches, strides))
    items = as_items(given)
    rows = items * len(space) if len(items) == 1 and not _is_pair(items[0]) else items
    if len(rows) != len(space):
        raise _not_padding(op, given, len(space))
    return [_both(op, row, given, len(space)) for row in rows]


def _same(size: Size, reach: Size, stride: int) -> tuple[Size, Size]:
    """As TensorFlow: as many places as strides begin, what is odd after."""
    reached = add(mul(sub(ceildiv(size, stride), 1), stride), reach)
    whole = sub(reach, 1) if stride == 1 else maximum(0, sub(reached, size))
    before = floordiv(whole, 2)
    return before, sub(whole, before)


_BY_NAME: dict[str, Callable[[Size, Size, int], tuple[Size, Size]]] = {
    "valid": lambda size, reach, stride: (0, 0),
    "same": _same,
    "full": lambda size, reach, stride: (sub(reach, 1), sub(reach, 1)),
    "half": lambda size, reach, stride: (floordiv(reach, 2), floordiv(reach, 2)),
    "causal": lambda size, reach, stride: (sub(reach, 1), 0),
}


def _is_pair(item: Any) -> bool:
    return isinstance(item, tuple | list)


def _both(op: str, row: Any, given: Any, dims: int) -> tuple[Size, Size]:
    items = as_items(row)
    if len(items) not in (1, 2) or any(_is_pair(item) or isinstance(item, str) for item in items):
        raise _not_padding(op, given, dims)
    before, after = (as_size(item, f"{op}: padding") for item in (items * 2)[:2])
    if any(isinstance(width, int) and width < 0 for width in (before, after)):
        raise GraphTypeError(f"{op}: padding cannot be negative, but this is {given!r}")
    return before, after


def _not_padding(op: str, given: Any, dims: int) -> GraphTypeError:
    pairs = ", ".join(["(before, after)"] * dims)
    return GraphTypeError(
        f"{op}: padding is {_NAMES}, or an integer, or {dims} of them, one for each axis of space, "
        f"or pairs ({pairs}{',' * (dims == 1)}), but this is {given!r}"
    )


def padded(x: Tensor, widths: Sequence[tuple[Size, Size]]) -> Tensor:
    """Return ``[n, *space, channels]`` with zeros around space."""
    if all(width == (0, 0) for width in widths):
        return x
    if not all(at_least(width, 0) for pair in widths for width in pair):
        pairs = [(scalar_of(before), scalar_of(after)) for before, after in widths]
        return pad(x, [(0, 0), *pairs, (0, 0)])  # which checks them in a call
    n, *space, channels = x.type.shape
    target = [add(before, own, after) for own, (before, after) in zip(space, widths, strict=True)]
    starts = (0, *(before for before, _ in widths), 0)
    return Place(x, starts, (1,) * x.ndim, (n, *target, channels))

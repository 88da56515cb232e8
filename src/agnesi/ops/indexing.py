"""Reading and writing with brackets: ``x[key]`` and ``x.at[key].add(y)``, with NumPy's keys.

A key is brought to one item for each axis: a slice, an integer, or an array of integers; a mask
becomes the positions where it is true, along its axes taken as one.  Slices and integers alone are
a ``Window``.  Where there are arrays, the slices are taken first, and the arrays (with the integers
among them) gather from what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from agnesi.core.dtypes import BOOL
from agnesi.core.errors import GraphIndexError, GraphTypeError
from agnesi.core.record import record
from agnesi.dims.dim import Shape, product
from agnesi.graph.leaves import constant
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.ops.arithmetic import maximum, minimum
from agnesi.ops.choice import where
from agnesi.ops.creation import full
from agnesi.ops.gathering import Scatter, checked, gather
from agnesi.ops.joining import stack
from agnesi.ops.lift import (
    as_items,
    broadcast_sizes,
    is_integer,
    is_number,
    lift,
    operand_lines,
    unify,
)
from agnesi.ops.lift import cast as convert
from agnesi.ops.movement import BroadcastTo, Squeeze, broadcast, repeat, reshape, restore_axes
from agnesi.ops.nonzero import positions
from agnesi.ops.slicing import Window, window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ALL = slice(None)


class _Gap:
    """A ``...`` that stands for no axes: it keeps arrays on its two sides apart."""


_GAP = _Gap()


def getitem(x: Tensor, key: Any) -> Tensor:
    """Index with all that NumPy indexes with; bounds, indices and masks may be symbolic.

    Integers, slices, ``...`` and ``None``; arrays of integers, which broadcast together; masks,
    arrays of bools for one or more axes, of which only a call knows how many elements they take.

    Raises:
        GraphTypeError: a key that cannot be, or an integer known to be out of bounds.
        IndexOutOfBounds: in a call, an integer outside its axis.
    """
    return select(x, key).take()


@record(frozen=True)
class Selection:
    """What a key takes of an array.

    Attributes:
        x: the array, axes that one mask covers made one.
        original: its shape before that.
        window: what slices, and integers where there are no arrays, take.
        indices: integers that are good, of one shape, to gather from the window with.
        axes: of the window, that they run along.
        place: where their axes begin in what is gathered.
        added: positions of new axes in the result.
    """

    x: Tensor
    original: Shape
    window: Window
    indices: tuple[Tensor, ...]
    axes: tuple[int, ...]
    place: int
    added: tuple[int, ...]

    def take(self) -> Tensor:
        """Return the elements."""
        taken = self.window.take(self.x)
        if self.indices:
            taken = gather(taken, self.indices, self.axes, self.place)
        return restore_axes(taken, self.added)

    def put(self, y: Tensor, how: str) -> Tensor:
        """Return the array with elements replaced by, or combined with, those of ``y``.

        Args:
            y: of the dtype of the array, and a shape that broadcasts to that of the elements.
            how: "set", "set_once", "add", "multiply", "max" or "min".
        """
        values = self.spread(y)
        if self.indices:
            base = self.window.take(self.x)
            new = Scatter(base, self.indices, values, self.axes, self.place, how)
        else:
            new = (
                values
                if how in ("set", "set_once")
                else _COMBINE[how](self.window.take(self.x), values)
            )
        changed = self.window.put(self.x, new)
        return reshape(changed, tuple(map(scalar_of, self.original)))

    def spread(self, y: Tensor) -> Tensor:
        """Return ``y`` broadcast to the elements, without new axes."""
        shape = self.take().type.shape
        extra = y.ndim - len(shape)
        if extra > 0 and all(s == 1 for s in y.type.shape[:extra]):
            y = Squeeze(y, tuple(range(extra)))
        whole = repeat("at", y, shape)
        return Squeeze(whole, self.added) if self.added else whole


def _either(x: Tensor, y: Tensor) -> Tensor:
    return x | y if x.dtype is BOOL else maximum(x, y)


def _both(x: Tensor, y: Tensor) -> Tensor:
    return x & y if x.dtype is BOOL else minimum(x, y)


_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "set": lambda x, y: y,
    "set_once": lambda x, y: y,
    "add": lambda x, y: x | y if x.dtype is BOOL else x + y,
    "multiply": lambda x, y: x & y if x.dtype is BOOL else x * y,
    "max": _either,
    "min": _both,
}


def select(x: Tensor, key: Any) -> Selection:
    """Return what a key takes of an array.

    Raises:
        GraphTypeError: a key that cannot be, or an integer known to be out of bounds.
    """
    items, original = _items(x, key), x.type.shape
    if any(_is_mask(k) and not k.ndim for k in items):
        x, items = _scalar_mask(x, items)
    merged, flat = _merge_masks(x, _full_key(x, items))
    arrays = [k for k in flat if isinstance(k, Tensor) and (k.ndim or _is_mask(k))]
    slots = [k for k in flat if not _is_no_axis(k)]
    if not arrays:
        return Selection(merged, original, window(merged, slots), (), (), 0, _added(flat, 0, 0))
    advanced = [k for k, item in enumerate(slots) if not isinstance(item, slice)]
    taken = window(merged, [_ALL if k in advanced else item for k, item in enumerate(slots)])
    indices = _good_indices(merged, slots, advanced)
    place = _place(flat)
    added = _added(flat, place, indices[0].ndim)
    before = sum(isinstance(k, slice) for k in flat[:place])
    return Selection(merged, original, taken, indices, tuple(advanced), before, added)


def _place(flat: Sequence[Any]) -> int:
    """Return how many slices and new axes stand before the axes of the arrays.

    All arrays side by side: their axes stand there; else they come first.
    """
    spots = [k for k, item in enumerate(flat) if not (_is_no_axis(item) or isinstance(item, slice))]
    together = spots[-1] - spots[0] == len(spots) - 1
    return spots[0] if together else 0


def _added(flat: Sequence[Any], place: int, count: int) -> tuple[int, ...]:
    """Return the positions of new axes in the result."""
    added: list[int] = []
    position = 0 if place else count
    for k, item in enumerate(flat):
        if place and k == place:
            position += count
        if item is None:
            added.append(position)
        position += item is None or isinstance(item, slice)
    return tuple(added)


# -- from what a user writes to items ------------------------------------------------------------


def _is_no_axis(item: Any) -> bool:
    return item is None or item is _GAP


def _is_mask(item: Any) -> bool:
    return isinstance(item, Tensor) and item.dtype is BOOL


def _items(x: Tensor, key: Any) -> list[Any]:
    """Return the items of a key: None, ..., slices, integers, and tensors for arrays."""
    keys: list[Any] = list(as_items(key)) if isinstance(key, tuple) else [key]
    return [_item(x, k) for k in keys]


def _item(x: Tensor, item: Any) -> Any:
    if item is None or item is Ellipsis or is_integer(item):
        return item
    if isinstance(item, slice):
        return cast("slice[Any, Any, Any]", item)
    tensor = _array(item)
    if tensor is None or not (tensor.dtype.is_integer or tensor.dtype is BOOL):
        shown = str(tensor.type) if tensor is not None else repr(item)
        raise GraphTypeError(
            "getitem: an index is an integer, a slice, ... or None, or an array of integers or "
            f"bools, but this is {shown}\n{operand_lines(('x',), (x,))}"
        )
    return tensor


def _array(item: Any) -> Tensor | None:
    if isinstance(item, Tensor):
        return item
    if isinstance(item, tuple | list):
        parts = as_items(item)
        if any(isinstance(p, Tensor) for p in parts):
            return stack(parts)
        if not parts:
            return constant(np.zeros(0, np.int64))
    if isinstance(item, bool | np.bool | np.ndarray | tuple | list | range):
        try:
            return constant(cast("Any", np.asarray(item)))
        except (GraphTypeError, ValueError):
            return None
    return None


def _axes_of(item: Any) -> int:
    """Return how many axes of the array an item is for."""
    if item is None or item is Ellipsis or item is _GAP:
        return 0
    return item.ndim if _is_mask(item) else 1


def _full_key(x: Tensor, keys: list[Any]) -> list[Any]:
    """Return the items with slices of everything for ``...`` and for axes at the end.

    A ``...`` that stands for no axes leaves a mark, since it keeps arrays apart.
    """
    consumed = sum(map(_axes_of, keys))
    dots = [place for place, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise GraphIndexError("getitem: only one ... may stand in an index")
    if consumed > x.ndim:
        raise GraphIndexError(
            f"getitem: too many indices, {consumed} for {x.ndim} axes\n"
            f"{operand_lines(('x',), (x,))}"
        )
    place = dots[0] if dots else len(keys)
    rest = [_ALL] * (x.ndim - consumed)
    keys[place : place + 1] = rest or ([_GAP] if dots else [])
    return keys


def _scalar_mask(x: Tensor, items: list[Any]) -> tuple[Tensor, list[Any]]:
    """Return the array with an axis of size 1 for a scalar mask, which the mask covers."""
    if len([k for k in items if k is not Ellipsis]) > 1:
        raise GraphTypeError(
            "getitem: a bool that is no array stands alone in an index\n"
            f"{operand_lines(('x',), (x,))}\n  give it an axis: mask[None]"
        )
    (mask,) = (k for k in items if k is not Ellipsis)
    return restore_axes(x, (0,)), [reshape(mask, 1)]


def _merge_masks(x: Tensor, items: list[Any]) -> tuple[Tensor, list[Any]]:
    """Return the array with the axes of each mask made one, and masks of one axis."""
    shape: list[Any] = []
    flat: list[Any] = []
    axis = 0
    for item in items:
        count = _axes_of(item)
        own = x.type.shape[axis : axis + count]
        axis += count
        if _is_mask(item):
            shape.append(scalar_of(product(own)))
            flat.append(reshape(_fitting(x, item, own), -1))
        else:
            shape.extend(map(scalar_of, own))
            flat.append(item)
    return (reshape(x, tuple(shape)) if len(shape) != x.ndim else x), flat


def _fitting(x: Tensor, mask: Tensor, own: Shape) -> Tensor:
    """Return the mask with the sizes of its axes, which a call compares where it has to."""
    for given, size in zip(mask.type.shape, own, strict=True):
        if unify(given, size) is None:
            raise GraphTypeError(
                f"getitem: the mask does not fit the axes it is for: sizes {given} and {size}\n"
                f"{operand_lines(('x', 'mask'), (x, mask))}"
            )
    if mask.type.shape == own:
        return mask
    if any(g == 1 and s != 1 for g, s in zip(mask.type.shape, own, strict=True)):
        return reshape(mask, tuple(map(scalar_of, own)))
    return BroadcastTo(mask, own)


def _good_indices(x: Tensor, slots: Sequence[Any], axes: Sequence[int]) -> tuple[Tensor, ...]:
    given = [_integers(slots[k]) for k in axes]
    shape = broadcast_sizes([i.type.shape for i in given])
    if shape is None:
        names = [f"axis {k}" for k in axes]
        raise GraphTypeError(
            "getitem: arrays of indices do not broadcast\n" + operand_lines(names, given)
        )
    try:
        return checked(x, given, axes)
    except GraphTypeError as error:
        raise GraphTypeError(f"getitem: {error}\n{operand_lines(('x',), (x,))}") from None


def _integers(item: Any) -> Tensor:
    if not isinstance(item, Tensor):
        return constant(int(item))
    return positions(item) if item.dtype is BOOL else item


# -- writing ---------------------------------------------------------------------------------------


class At:
    """``x.at``: with brackets, the elements that are to be changed."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def __getitem__(self, key: Any) -> Update:
        return Update(self.x, key)

    def __repr__(self) -> str:
        return f"{self.x!r}.at"


class Update:
    """Elements of an array; each method returns the array with these changed, ``x`` stays.

    ``y`` is converted to the dtype of ``x``, where that keeps its kind, and broadcast to the
    elements.  Where an index occurs more than once, ``add`` and its kin combine with all that comes
    to the element, and ``set`` takes the last, as in NumPy.

    >>> x = ag.constant([1.0, 2.0, 3.0])
    >>> x.at[[0, 0, 2]].add(1.0).eval()
    array([3., 2., 4.], dtype=float32)
    >>> x.at[1:].set(0).eval()
    array([1., 0., 0.], dtype=float32)
    """

    def __init__(self, x: Tensor, key: Any) -> None:
        self.x, self.key = x, key

    def __repr__(self) -> str:
        return f"{self.x!r}.at[{self.key!r}]"

    def get(self) -> Tensor:
        """Return the elements, ``x[key]``."""
        return getitem(self.x, self.key)

    def set(self, y: TensorLike, *, unique_indices: bool = False) -> Tensor:
        """Replace the elements.

        Args:
            y: what comes.
            unique_indices: whether no index recurs.  Gradients need not find out which values
                stayed then; should one recur nevertheless, each of its values gets the gradient
                of the element.
        """
        return self._put("set_once" if unique_indices else "set", y)

    def add(self, y: TensorLike) -> Tensor:
        """Add to the elements."""
        return self._put("add", y)

    def subtract(self, y: TensorLike) -> Tensor:
        """Subtract from the elements."""
        values = self._values("subtract", y)
        if values.dtype is BOOL:
            raise GraphTypeError(
                f"at: subtract is not defined for bool\n{operand_lines(('x',), (self.x,))}"
            )
        return self._put("add", -values)

    def multiply(self, y: TensorLike) -> Tensor:
        """Multiply the elements.

        Note: where several values come to one place and one of them is 0, only the first
        derivative by the values is right.
        """
        return self._put("multiply", y)

    def divide(self, y: TensorLike) -> Tensor:
        """Divide the elements, which have to be floats; by the product where an index recurs."""
        if not self.x.dtype.is_inexact:
            raise GraphTypeError(
                "at: divide gives floats, which do not fit the array\n"
                f"{operand_lines(('x', 'y'), (self.x, lift(y)))}\n  convert it first: x.astype(...)"
            )
        return self.x / self._factors("divide", y)

    def power(self, y: TensorLike) -> Tensor:
        """Raise the elements to a power; to the product of them where an index recurs."""
        return self.x ** self._factors("power", y)

    def min(self, y: TensorLike) -> Tensor:
        """Take the smaller of the elements and what comes."""
        return self._put("min", y)

    def max(self, y: TensorLike) -> Tensor:
        """Take the larger of the elements and what comes."""
        return self._put("max", y)

    def apply(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Replace the elements by a function of them, once each."""
        return self._put("set", function(self.get()))

    def _factors(self, name: str, y: TensorLike) -> Tensor:
        values = self._values(name, y)
        return Update(full(self.x.shape, 1, self.x.dtype), self.key).multiply(values)

    def _put(self, how: str, y: TensorLike) -> Tensor:
        values = self._values(how, y)
        chosen = self._chosen(values)
        if chosen is not None:
            return where(chosen, _COMBINE[how](self.x, values), self.x)
        return select(self.x, self.key).put(values, how)

    def _chosen(self, values: Tensor) -> Tensor | None:
        """Return a mask of the array's shape, where that is all there is and values broadcast.

        The number of true elements, which only a call knows, is not needed then.
        """
        items = _items(self.x, self.key)
        (mask,) = items if len(items) == 1 else (None,)
        if not isinstance(mask, Tensor) or not _is_mask(mask) or not 0 < mask.ndim <= self.x.ndim:
            return None
        rest = self.x.type.shape[mask.ndim :]
        if values.ndim > len(rest) or broadcast_sizes([values.type.shape, rest]) != rest:
            return None
        whole = reshape(
            _fitting(self.x, mask, self.x.type.shape[: mask.ndim]),
            (*self.x.shape[: mask.ndim], *(1 for _ in rest)),
        )
        return broadcast(whole, self.x.type.shape)

    def _values(self, name: str, y: TensorLike) -> Tensor:
        """Return what comes, in the dtype of the array.

        Raises:
            GraphTypeError: that would change its kind.
        """
        given, dtype = lift(y), self.x.dtype
        kind = np.min_scalar_type(given) if is_number(given) else given.dtype.numpy
        if not np.can_cast(kind, dtype.numpy, "same_kind") and not (
            isinstance(given, int) and dtype.is_integer
        ):
            raise GraphTypeError(
                f"at: {name} would change the kind of the values, {kind} to {dtype}\n"
                f"{operand_lines(('x', 'y'), (self.x, given))}\n"
                f'  convert one of them first, for example y.astype("{dtype}")'
            )
        return convert(given, dtype)

"""Cutting arrays apart, and taking out or putting in parts."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any
from typing import cast as cast_type

import numpy as np

from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, add, mul, sub
from agnesi.dims.simplify import floordiv, maximum, minimum, mod
from agnesi.ops.choice import astype
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import (
    as_axis,
    as_items,
    as_size,
    as_tensor,
    cast,
    is_integer,
    is_number,
    operand_lines,
)
from agnesi.ops.movement import Flip, expand_dims, moveaxis, repeat, reshape
from agnesi.ops.slicing import Indexed, Slice, slice_range, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = [
    "array_split",
    "delete",
    "dsplit",
    "hsplit",
    "insert",
    "split",
    "unstack",
    "vsplit",
]


def split(x: TensorLike, /, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Cut an array into parts along an axis, as ``numpy.split``.

    Args:
        x: array.
        indices_or_sections: into how many equal parts, a known integer; or where to cut, a list
            of integers, which may be symbolic.
        axis: the axis.

    Raises:
        GraphTypeError: the parts are known not to be equal, or there is no such axis.

    >>> [part.type for part in ag.split(ag.input("x", "f32[6, n]"), [1, 3])]
    [f32[1, n], f32[2, n], f32[3, n]]
    """
    tensor = as_tensor(x)
    along = _along("split", tensor, axis)
    if not _is_sections("split", indices_or_sections):
        return _cuts("split", tensor, as_items(_plain(indices_or_sections)), along)
    count = int(indices_or_sections)
    whole = tensor.type.shape[along]
    each = floordiv(whole, count)
    if isinstance(whole, int) and whole % count:
        raise GraphTypeError(
            f"split: {whole} elements do not fall into {count} equal parts\n"
            f"{operand_lines(('x',), (tensor,))}\n  ag.array_split makes unequal ones"
        )
    shape = list(tensor.type.shape)
    shape[along] = mul(each, count)
    # Where only a call can tell, this requires that the parts are equal.
    exact = repeat("split", tensor, tuple(shape))
    return [_part(exact, along, mul(each, k), each) for k in range(count)]


def array_split(x: TensorLike, /, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Cut an array into parts, the first ones longer by one where needed.

    As ``numpy.array_split``; arguments are those of :func:`split`.

    Raises:
        GraphTypeError: a bad number of parts, or there is no such axis.
    """
    tensor = as_tensor(x)
    along = _along("array_split", tensor, axis)
    if not _is_sections("array_split", indices_or_sections):
        return _cuts("array_split", tensor, as_items(_plain(indices_or_sections)), along)
    count = int(indices_or_sections)
    whole = tensor.type.shape[along]
    each, longer = floordiv(whole, count), mod(whole, count)
    edges = [add(mul(each, k), minimum(k, longer)) for k in range(count + 1)]
    return [_part(tensor, along, a, sub(b, a)) for a, b in itertools.pairwise(edges)]


def vsplit(x: TensorLike, /, indices_or_sections: Any) -> list[Tensor]:
    """Cut an array along the first axis, as ``numpy.vsplit``.

    Raises:
        GraphTypeError: fewer than two axes, or the parts are known not to be equal.
    """
    return split(_of_rank("vsplit", x, 2), indices_or_sections, 0)


def hsplit(x: TensorLike, /, indices_or_sections: Any) -> list[Tensor]:
    """Cut an array along the second axis, a vector along its only one, as ``numpy.hsplit``.

    Raises:
        GraphTypeError: a scalar, or the parts are known not to be equal.
    """
    tensor = _of_rank("hsplit", x, 1)
    return split(tensor, indices_or_sections, 1 if tensor.ndim > 1 else 0)


def dsplit(x: TensorLike, /, indices_or_sections: Any) -> list[Tensor]:
    """Cut an array along the third axis, as ``numpy.dsplit``.

    Raises:
        GraphTypeError: fewer than three axes, or the parts are known not to be equal.
    """
    return split(_of_rank("dsplit", x, 3), indices_or_sections, 2)


def _of_rank(op: str, x: TensorLike, ndim: int) -> Tensor:
    tensor = as_tensor(x)
    if tensor.ndim < ndim:
        raise GraphTypeError(
            f"{op}: takes an array of at least {ndim} axes\n{operand_lines(('x',), (tensor,))}"
        )
    return tensor


def _along(op: str, x: Tensor, axis: int) -> int:
    return as_axis(op, axis, x.ndim, x)


def _plain(value: Any) -> Any:
    return cast_type("Array", value).tolist() if isinstance(value, np.ndarray) else value


def _is_sections(op: str, value: Any) -> bool:
    sections = _plain(value)
    if isinstance(sections, tuple | list):
        return False
    if not is_integer(sections) or sections < 1:
        raise GraphTypeError(
            f"{op}: the number of parts is a known integer of at least 1, but this is {value!r}\n"
            "  give a list of places to cut at, which may be symbolic"
        )
    return True


def _cuts(op: str, x: Tensor, places: Sequence[Any], axis: int) -> list[Tensor]:
    for place in places:
        as_size(place, op)
    edges = [None, *places, None]
    return [_slice(x, axis, slice(a, b)) for a, b in itertools.pairwise(edges)]


def _slice(x: Tensor, axis: int, key: slice[Any, Any, Any]) -> Tensor:
    return x[(*(slice(None),) * axis, key)]


def _part(x: Tensor, axis: int, start: Size, extent: Size) -> Tensor:
    starts = tuple(start if k == axis else 0 for k in range(x.ndim))
    shape = _resized(x.type.shape, axis, extent)
    return x if shape == x.type.shape else Slice(x, starts, (1,) * x.ndim, shape)


def _resized(shape: Shape, axis: int, extent: Size) -> Shape:
    return (*shape[:axis], extent, *shape[axis + 1 :])


def unstack(x: TensorLike, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """Return the arrays that lie along an axis, as ``numpy.unstack``.

    Raises:
        GraphTypeError: the size of the axis is not known.

    >>> [part.type for part in ag.unstack(ag.input("x", "f32[2, n]"))]
    [f32[n], f32[n]]
    """
    tensor = as_tensor(x)
    along = _along("unstack", tensor, axis)
    size = tensor.type.shape[along]
    if not isinstance(size, int):
        raise GraphTypeError(
            f"unstack: the size of axis {along} has to be known\n"
            f"{operand_lines(('x',), (tensor,))}\n  give the input a known size there"
        )
    first = moveaxis(tensor, along, 0)
    return tuple(first[k] for k in range(size))


def delete(x: TensorLike, /, obj: Any, axis: int | None = None) -> Tensor:
    """Return the array without some of its parts along an axis, as ``numpy.delete``.

    Args:
        x: array.
        obj: an integer, which may be symbolic, a slice, or a list of known integers.
        axis: the axis; None takes the flattened array.

    Raises:
        GraphTypeError: an index that is known to be out of bounds, or is none.

    >>> ag.delete(ag.constant([1, 2, 3, 4]), 1).eval()
    array([1, 3, 4])
    """
    tensor, along = _flat_unless("delete", x, axis)
    size = tensor.type.shape[along]
    if isinstance(obj, slice):
        return _without_slice(tensor, along, cast_type("slice[Any, Any, Any]", obj))
    listed = _plain(obj)
    if isinstance(listed, tuple | list):
        return _without_known(tensor, along, as_items(listed))
    place = _element("delete", tensor, along, obj)
    after = _part(tensor, along, add(place, 1), sub(sub(size, place), 1))
    return concatenate([_up_to(tensor, along, place), after], along)


def _element(op: str, x: Tensor, axis: int, index: Any) -> Size:
    """Return the place of an element that an index means, from the front."""
    place, size = as_size(index, op), x.type.shape[axis]
    if isinstance(place, int) and isinstance(size, int) and not -size <= place < size:
        raise GraphTypeError(
            f"{op}: index {place} is out of bounds for axis {axis} of size {size}\n"
            f"{operand_lines(('x',), (x,))}"
        )
    return wrap(place, size)


def _up_to(x: Tensor, axis: int, place: Size) -> Tensor:
    """Return what stands before an element, which in each call has to be there."""
    if isinstance(place, int) and isinstance(x.type.shape[axis], int):
        return _part(x, axis, 0, place)
    starts = tuple(place if k == axis else 0 for k in range(x.ndim))
    steps = tuple(-1 if k == axis else 1 for k in range(x.ndim))
    shape = list(x.type.shape)
    shape[axis] = add(place, 1)
    # From the element back to the first: reading it is what checks the index.
    backwards = Indexed(x, starts, steps, tuple(shape), (axis,))
    return _part(Flip(backwards, (axis,)), axis, 0, place)


def _without_slice(x: Tensor, axis: int, key: slice[Any, Any, Any]) -> Tensor:
    size = x.type.shape[axis]
    start, step, extent = slice_range(key, size)
    if step < 0:
        # The same elements from the other end.
        start, step = add(start, mul(step, sub(extent, 1))), -step
        start = maximum(0, start)
    if step == 1:
        first = minimum(start, size)
        end = add(first, extent)
        parts = [_part(x, axis, 0, first), _part(x, axis, end, sub(size, end))]
        return concatenate(parts, axis)
    if not (isinstance(start, int) and isinstance(extent, int) and isinstance(size, int)):
        raise GraphTypeError(
            "delete: a slice with a step takes an axis of known size\n"
            f"{operand_lines(('x',), (x,))}"
        )
    return _without_known(x, axis, tuple(start + step * k for k in range(extent)))


def _without_known(x: Tensor, axis: int, places: tuple[Any, ...]) -> Tensor:
    size = x.type.shape[axis]
    if not isinstance(size, int) or not all(map(is_integer, places)):
        raise GraphTypeError(
            "delete: a list takes known integers and an axis of known size, "
            f"but these are {places}\n{operand_lines(('x',), (x,))}"
        )
    if any(not -size <= p < size for p in places):
        raise GraphTypeError(
            f"delete: an index of {places} is out of bounds for axis {axis} of size {size}\n"
            f"{operand_lines(('x',), (x,))}"
        )
    gone = sorted({p % size for p in places})
    edges = [(a + 1, b) for a, b in zip([-1, *gone], [*gone, size], strict=False)]
    parts = [_part(x, axis, a, b - a) for a, b in edges if b > a]
    return concatenate(parts, axis) if parts else _part(x, axis, 0, 0)


def insert(x: TensorLike, /, obj: Any, values: TensorLike, axis: int | None = None) -> Tensor:
    """Return the array with values put in before an index along an axis, as ``numpy.insert``.

    Args:
        x: array.
        obj: an integer, which may be symbolic, or a slice or a list of known integers.
        values: what to put in, converted to the dtype of ``x``; it broadcasts to the parts.
        axis: the axis; None takes the flattened array.

    Raises:
        GraphTypeError: an index that is known to be out of bounds, or is none.

    >>> ag.insert(ag.constant([1, 2, 3]), 1, 9).eval()
    array([1, 9, 2, 3])
    """
    tensor, along = _flat_unless("insert", x, axis)
    size = tensor.type.shape[along]
    new = cast(values, tensor.dtype) if is_number(values) else astype(values, tensor.dtype)
    listed = _plain(obj)
    if isinstance(listed, slice):
        start, step, extent = slice_range(cast_type("slice[Any, Any, Any]", listed), size)
        if not (isinstance(start, int) and isinstance(extent, int)):
            raise _unknown_places(tensor, obj)
        listed = tuple(start + step * k for k in range(extent))
    if isinstance(listed, tuple | list):
        return _inserted_at(tensor, along, as_items(listed), new)
    place = _gap(tensor, along, as_size(obj, "insert"))
    # A scalar index broadcasts the values along the other axes, as NumPy does.
    new = expand_dims(new, tuple(range(tensor.ndim - new.ndim)))
    if new.ndim == tensor.ndim:
        new = moveaxis(new, 0, along)
    inside = minimum(size, maximum(0, place))
    before = _part(tensor, along, 0, inside)
    after = _part(tensor, along, inside, sub(size, inside))
    if inside != place:
        # Where only a call can tell, this requires that the index is within bounds.
        before = repeat("insert", before, _resized(before.type.shape, along, place))
    return concatenate([before, _fitted(tensor, along, new, None), after], along)


def _gap(x: Tensor, axis: int, place: Size) -> Size:
    size = x.type.shape[axis]
    if isinstance(place, int) and isinstance(size, int) and not -size <= place <= size:
        raise GraphTypeError(
            f"insert: index {place} is out of bounds for axis {axis} of size {size}\n"
            f"{operand_lines(('x',), (x,))}"
        )
    return wrap(place, size)


def _fitted(x: Tensor, axis: int, values: Tensor, count: int | None) -> Tensor:
    """Return values repeated to fill the other axes, and ``count`` places of this one."""
    if values.ndim > x.ndim:
        raise GraphTypeError(
            f"insert: the values have more axes than the array\n"
            f"{operand_lines(('x', 'values'), (x, values))}"
        )
    whole = expand_dims(values, tuple(range(x.ndim - values.ndim)))
    shape = list(x.type.shape)
    shape[axis] = whole.type.shape[axis] if count is None else count
    return repeat("insert", whole, tuple(shape))


def _unknown_places(x: Tensor, given: Any) -> GraphTypeError:
    return GraphTypeError(
        "insert: a slice or a list takes known integers and an axis of known size, "
        f"but this is {given}\n{operand_lines(('x',), (x,))}"
    )


def _inserted_at(x: Tensor, axis: int, places: tuple[Any, ...], values: Tensor) -> Tensor:
    size = x.type.shape[axis]
    if not isinstance(size, int) or not all(map(is_integer, places)):
        raise _unknown_places(x, places)
    gaps = [_gap(x, axis, int(p)) for p in places]
    order = sorted(range(len(gaps)), key=lambda k: _known(gaps[k]))
    new = _fitted(x, axis, values, None if len(gaps) == 1 else len(gaps))
    parts: list[Tensor] = []
    last = 0
    for k in order:
        gap = _known(gaps[k])
        parts.append(_part(x, axis, last, gap - last))
        parts.append(new if len(gaps) == 1 else _part(new, axis, k, 1))
        last = gap
    parts.append(_part(x, axis, last, size - last))
    return concatenate(parts, axis)


def _known(size: Size) -> int:
    assert isinstance(size, int)
    return size


def _flat_unless(op: str, x: TensorLike, axis: int | None) -> tuple[Tensor, int]:
    tensor = as_tensor(x)
    if axis is None:
        return reshape(tensor, -1), 0
    return tensor, as_axis(op, axis, tensor.ndim, tensor)

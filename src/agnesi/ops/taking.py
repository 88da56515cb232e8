"""Taking and putting elements along an axis: compositions of gather and scatter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from agnesi.core.dtypes import DEFAULT_FLOAT, I64, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Shape, Size, product
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.ops.arithmetic import clip
from agnesi.ops.bounds import inside_if_any, known_within, within_bounds
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange
from agnesi.ops.functions import as_bool
from agnesi.ops.gathering import Gather, Scatter, gather
from agnesi.ops.joining import stack
from agnesi.ops.lift import (
    as_axis,
    as_items,
    as_shape,
    as_tensor,
    broadcast_sizes,
    cast,
    common_dtype,
    lift_all,
    operand_lines,
)
from agnesi.ops.movement import broadcast, moveaxis, repeat, reshape, restore_axes
from agnesi.ops.nonzero import positions

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "choose",
    "compress",
    "extract",
    "one_hot",
    "place",
    "put",
    "put_along_axis",
    "putmask",
    "ravel_multi_index",
    "take",
    "take_along_axis",
    "unravel_index",
]

Mode: TypeAlias = Literal["raise", "wrap", "clip"]


def _integers(op: str, indices: TensorLike) -> Tensor:
    empty = isinstance(indices, list | tuple) and not indices
    tensor = as_tensor(np.zeros(0, np.int64) if empty else indices)
    if not tensor.dtype.is_integer:
        raise GraphTypeError(
            f"{op}: indices are integers, but these are {tensor.type}\n"
            f"{operand_lines(('indices',), (tensor,))}"
        )
    return tensor


def _good(op: str, index: Tensor, size: Size, mode: str, words: str) -> Tensor:
    """Return indices within an axis, by checking, wrapping around or clipping."""
    if mode == "raise":
        return within_bounds(index, size, words, wraps=True)
    wide, count = index.astype(I64), scalar_of(size)
    if mode == "wrap":
        return inside_if_any(wide % count, size, words)
    if mode == "clip":
        return inside_if_any(clip(wide, 0, count - 1), size, words)
    raise GraphTypeError(f'{op}: mode is "raise", "wrap" or "clip", but this is {mode!r}')


def take(
    x: TensorLike, indices: TensorLike, /, axis: int | None = None, *, mode: Mode = "raise"
) -> Tensor:
    """Return elements at integers along an axis, as ``numpy.take``.

    Args:
        x: array.
        indices: integers of any shape, which takes the place of the axis.
        axis: along which; None takes from the flattened array.
        mode: what to do about integers outside the axis: ``"raise"`` an error in a call (those from
            ``-n`` to -1 count from the end), ``"wrap"`` around, or ``"clip"`` to the ends.

    Raises:
        GraphTypeError: there is no such axis or mode, or the indices are no integers.
        IndexOutOfBounds: in a call, with ``mode="raise"``.

    >>> ag.take(ag.constant([[1, 2, 3], [4, 5, 6]]), [0, -1], axis=1).eval()
    array([[1, 3],
           [4, 6]])
    """
    tensor, index = as_tensor(x), _integers("take", indices)
    if axis is None:
        tensor, axis = reshape(tensor, -1), 0
    along = as_axis("take", axis, tensor.ndim, tensor)
    words = f"axis {along} of {tensor.type}"
    good = _good("take", index, tensor.type.shape[along], mode, words)
    return gather(tensor, (good,), (along,), along)


def _along(
    op: str, x: Tensor, index: Tensor, axis: int
) -> tuple[Tensor, tuple[Tensor, ...], Shape]:
    """Return the array and indices of all its axes, to take or put along one of them."""
    lines = operand_lines(("x", "indices"), (x, index))
    if x.ndim != index.ndim:
        raise GraphTypeError(f"{op}: the indices have as many axes as the array\n{lines}")
    shape = broadcast_sizes(
        [(*t.type.shape[:axis], 1, *t.type.shape[axis + 1 :]) for t in (x, index)]
    )
    if shape is None:
        raise GraphTypeError(f"{op}: sizes of the other axes do not broadcast\n{lines}")
    around, behind = shape[:axis], shape[axis + 1 :]
    # Sizes that are not known to be equal are checked in the call.
    whole = repeat(op, x, (*around, x.type.shape[axis], *behind))
    spread = repeat(op, index, (*around, index.type.shape[axis], *behind))
    words = f"axis {axis} of {x.type}"
    good = within_bounds(spread, x.type.shape[axis], words, wraps=True)
    indices = tuple(good if k == axis else Arange(spread.type.shape, k) for k in range(spread.ndim))
    return whole, indices, spread.type.shape


def take_along_axis(x: TensorLike, indices: TensorLike, /, axis: int | None = -1) -> Tensor:
    """Return ``x[..., indices[..., j, ...], ...]`` along an axis, as ``numpy.take_along_axis``.

    Args:
        x: array.
        indices: integers, with as many axes; the sizes of the other axes broadcast.
        axis: along which; None takes from the flattened array.

    Raises:
        GraphTypeError: shapes that do not fit.
        IndexOutOfBounds: in a call, an integer outside the axis.

    >>> x = ag.constant([[30, 10, 20], [2, 3, 1]])
    >>> ag.take_along_axis(x, ag.argsort(x), axis=1).eval()
    array([[10, 20, 30],
           [ 1,  2,  3]])
    """
    tensor, index = as_tensor(x), _integers("take_along_axis", indices)
    if axis is None:
        tensor, axis = reshape(tensor, -1), 0
    along = as_axis("take_along_axis", axis, tensor.ndim, tensor)
    whole, good, _ = _along("take_along_axis", tensor, index, along)
    return Gather(whole, good, tuple(range(whole.ndim)), 0)


def put_along_axis(
    x: TensorLike, indices: TensorLike, values: TensorLike, /, axis: int | None = -1
) -> Tensor:
    """Return ``x`` with values put at integers along an axis, as ``numpy.put_along_axis``.

    The array itself stays as it is.  Where an index occurs more than once the last value stays.

    Args:
        x: array.
        indices: integers, with as many axes; the sizes of the other axes broadcast.
        values: what to put there; they broadcast to the shape of the indices.
        axis: along which; None puts into the flattened array, which keeps its shape.

    Raises:
        GraphTypeError: shapes that do not fit.
        IndexOutOfBounds: in a call, an integer outside the axis.

    >>> ag.put_along_axis(ag.constant([[1, 2], [3, 4]]), [[0], [1]], 9, axis=1).eval()
    array([[9, 2],
           [3, 9]])
    """
    tensor, index = as_tensor(x), _integers("put_along_axis", indices)
    flat, along = tensor, axis
    if along is None:
        flat, along = reshape(tensor, -1), 0
    along = as_axis("put_along_axis", along, flat.ndim, flat)
    whole, good, shape = _along("put_along_axis", flat, index, along)
    y = repeat("put_along_axis", cast(lift_all("put_along_axis", (values,))[0], flat.dtype), shape)
    result = Scatter(whole, good, y, tuple(range(whole.ndim)), 0, "set")
    return reshape(result, tensor.shape) if axis is None else result


def put(
    x: TensorLike, indices: TensorLike, values: TensorLike, /, *, mode: Mode = "raise"
) -> Tensor:
    """Return ``x`` with values at positions of the flattened array, as ``numpy.put``.

    The array itself stays as it is; values are repeated where there are fewer of them.

    Raises:
        GraphTypeError: the indices are no integers.
        IndexOutOfBounds: in a call, a position that is not there.

    >>> ag.put(ag.constant([1, 2, 3]), [0, -1], [7, 8]).eval()
    array([7, 2, 8])
    """
    tensor = as_tensor(x)
    flat, index = reshape(tensor, -1), reshape(_integers("put", indices), -1)
    good = _good("put", index, flat.type.shape[0], mode, f"elements of {tensor.type}")
    y = _cycled("put", values, Arange(index.type.shape, 0), flat)
    return reshape(Scatter(flat, (good,), y, (0,), 0, "set"), tensor.shape)


def _cycled(op: str, values: TensorLike, turn: Tensor, like: Tensor) -> Tensor:
    """Return values by their turn, starting again where they end."""
    flat = reshape(cast(lift_all(op, (values,))[0], like.dtype), -1)
    return take(flat, turn, mode="wrap")


def putmask(x: TensorLike, mask: TensorLike, values: TensorLike, /) -> Tensor:
    """Return ``x`` with ``values[k % len(values)]`` at each position ``k`` of a true element.

    As ``numpy.putmask``; the array itself stays as it is.
    """
    tensor, chosen = as_tensor(x), as_bool(mask)
    shape = tensor.type.shape
    turn = reshape(Arange((product(shape),), 0), tensor.shape)
    spread = repeat("putmask", chosen, shape)
    return where(spread, _cycled("putmask", values, turn, tensor), tensor)


def place(x: TensorLike, mask: TensorLike, values: TensorLike, /) -> Tensor:
    """Return ``x`` with values, one after another, where a mask is true, as ``numpy.place``.

    The array itself stays as it is; values are repeated where there are fewer of them.

    >>> ag.place(ag.constant([1, 2, 3]), ag.constant([True, False, True]), [7, 8]).eval()
    array([7, 2, 8])
    """
    tensor = as_tensor(x)
    chosen = repeat("place", as_bool(mask), tensor.type.shape)
    flat, where_true = reshape(tensor, -1), positions(chosen)
    y = _cycled("place", values, Arange(where_true.type.shape, 0), flat)
    return reshape(Scatter(flat, (where_true,), y, (0,), 0, "set"), tensor.shape)


def compress(condition: TensorLike, x: TensorLike, /, axis: int | None = None) -> Tensor:
    """Return the slices along an axis for which a vector of conditions holds.

    As ``numpy.compress``: conditions may be fewer than slices; None takes the flattened array.

    >>> ag.compress([False, True], ag.constant([[1, 2], [3, 4]]), axis=0).eval()
    array([[3, 4]])
    """
    tensor, chosen = as_tensor(x), as_bool(condition)
    if chosen.ndim != 1:
        raise GraphTypeError(
            "compress: the condition is a vector\n"
            f"{operand_lines(('condition', 'x'), (chosen, tensor))}"
        )
    return take(tensor, positions(chosen), axis)


def extract(condition: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the elements, in C order, for which a condition holds, as ``numpy.extract``.

    >>> ag.extract(
    ...     ag.constant([[True, False], [False, True]]), ag.constant([[1, 2], [3, 4]])
    ... ).eval()
    array([1, 4])
    """
    return compress(reshape(as_bool(condition), -1), reshape(as_tensor(x), -1), 0)


def choose(
    index: TensorLike, choices: Sequence[TensorLike] | Tensor, /, *, mode: Mode = "raise"
) -> Tensor:
    """Return elements of one of several arrays, which an index names, as ``numpy.choose``.

    Args:
        index: integers; all arrays and it broadcast together.
        choices: a list of arrays, or an array along whose first axis they lie.
        mode: see :func:`take`; negative integers are errors with ``"raise"``.

    >>> ag.choose(ag.constant([1, 0, 1]), [[1, 2, 3], [10, 20, 30]]).eval()
    array([10,  2, 30])
    """
    number = _integers("choose", index)
    if isinstance(choices, Tensor):
        parts: list[Tensor] = list(choices)
    else:
        lifted = lift_all("choose", as_items(choices))
        parts = [cast(c, common_dtype(lifted)) for c in lifted]
    if not parts:
        raise GraphTypeError("choose: takes at least one array to choose from")
    shape = broadcast_sizes([number.type.shape, *(p.type.shape for p in parts)])
    if shape is None:
        names = ("index", *(f"choices[{k}]" for k in range(len(parts))))
        raise GraphTypeError(
            f"choose: shapes do not broadcast\n{operand_lines(names, (number, *parts))}"
        )
    words = f"{len(parts)} choices"
    if mode == "raise":
        good = within_bounds(number, len(parts), words)
    else:
        good = _good("choose", number, len(parts), mode, words)
    every = stack([broadcast(p, shape) for p in parts])
    others = tuple(Arange(shape, k) for k in range(len(shape)))
    return Gather(every, (broadcast(good, shape), *others), tuple(range(every.ndim)), 0)


def one_hot(
    x: TensorLike, /, num_classes: int | Tensor, *, dtype: Any = DEFAULT_FLOAT, axis: int = -1
) -> Tensor:
    """Return a vector for each integer that is 1 there and 0 elsewhere.

    Args:
        x: integers; those outside ``0 <= x < num_classes`` give zeros.
        num_classes: the length of the vectors.
        dtype: of the result.
        axis: of the result, along which the vectors lie.

    >>> ag.one_hot(ag.constant([0, 2]), 3).eval()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    tensor = _integers("one_hot", x)
    (classes,) = as_shape("one_hot", num_classes)
    shape = (*tensor.type.shape, classes)
    same = broadcast(restore_axes(tensor.astype(I64), (tensor.ndim,)), shape) == Arange(
        shape, tensor.ndim
    )
    result = same.astype(as_dtype(dtype))
    return moveaxis(result, -1, axis)


def unravel_index(indices: TensorLike, /, shape: Any) -> tuple[Tensor, ...]:
    """Return the index, an array for each axis, of positions in C order in a shape.

    As ``numpy.unravel_index``.

    Raises:
        GraphTypeError: the positions are no integers.
        IndexOutOfBounds: in a call, a position that is not in the shape.

    >>> row, column = ag.unravel_index(ag.constant(5), (2, 3))
    >>> row.eval(), column.eval()
    (array(1), array(2))
    """
    sizes = as_shape("unravel_index", shape)
    index = _integers("unravel_index", indices)
    flat = within_bounds(index, product(sizes), f"elements of the shape {sizes}")
    found: list[Tensor] = []
    for axis, size in enumerate(sizes):
        inner = product(sizes[axis + 1 :])
        own = flat if inner == 1 else flat // scalar_of(inner)
        found.append(known_within(own % scalar_of(size) if axis else own, size))
    return tuple(found)


def ravel_multi_index(
    multi_index: Sequence[TensorLike], dims: Any, /, *, mode: Mode = "raise"
) -> Tensor:
    """Return the positions in C order of indices into a shape, as ``numpy.ravel_multi_index``.

    Args:
        multi_index: an array of integers for each axis; they broadcast.
        dims: the shape.
        mode: see :func:`take`; negative integers are errors with ``"raise"``.

    Raises:
        GraphTypeError: not an array for each axis.
        IndexOutOfBounds: in a call, an index outside its axis.

    >>> ag.ravel_multi_index((ag.constant([0, 1]), ag.constant([2, 2])), (2, 3)).eval()
    array([2, 5])
    """
    sizes = as_shape("ravel_multi_index", dims)
    parts = [_integers("ravel_multi_index", i) for i in as_items(multi_index)]
    if len(parts) != len(sizes) or not parts:
        raise GraphTypeError(
            f"ravel_multi_index: {len(parts)} arrays of indices for {len(sizes)} axes"
        )
    result: Tensor | None = None
    for axis, (part, size) in enumerate(zip(parts, sizes, strict=True)):
        words = f"axis {axis} of the shape {sizes}"
        if mode == "raise":
            good = within_bounds(part, size, words)
        else:
            good = _good("ravel_multi_index", part, size, mode, words)
        result = good if result is None else result * scalar_of(size) + good
    assert result is not None
    return result

"""Functions that give arrays another shape or order, made of the ops of movement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.errors import GraphTypeError
from agnesi.ops.lift import as_axis, as_items, as_tensor, broadcast_shape, is_integer, operand_lines
from agnesi.ops.movement import expand_dims, flip, moveaxis, repeat, reshape, swapaxes

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "copy",
    "fliplr",
    "flipud",
    "ravel",
    "rollaxis",
    "rot90",
]


def copy(x: TensorLike, /) -> Tensor:
    """Return the array: it never changes, so that it is its own copy."""
    return as_tensor(x)


def ravel(x: TensorLike, /) -> Tensor:
    """Return all elements in C order along one axis, as ``numpy.ravel``."""
    return reshape(x, -1)


def broadcast_arrays(*arrays: TensorLike) -> tuple[Tensor, ...]:
    """Return the arrays repeated to the shape they broadcast to, as ``numpy.broadcast_arrays``.

    Raises:
        GraphTypeError: the shapes do not broadcast.

    >>> [a.type for a in ag.broadcast_arrays(ag.zeros((3, 1)), ag.zeros(2))]
    [f32[3, 2], f32[3, 2]]
    """
    if not arrays:
        return ()
    tensors = [as_tensor(a) for a in arrays]
    names = [f"arrays[{k}]" for k in range(len(tensors))]
    shape = broadcast_shape("broadcast_arrays", names, tensors)
    return tuple(repeat("broadcast_arrays", t, shape) for t in tensors)


def _each(function: Callable[[Tensor], Tensor], arrays: tuple[TensorLike, ...]) -> Any:
    results = tuple(function(as_tensor(a)) for a in arrays)
    return results[0] if len(results) == 1 else results


def atleast_1d(*arrays: TensorLike) -> Any:
    """Return arrays with at least one axis: a tensor, or a tuple for several."""
    return _each(lambda x: x if x.ndim else reshape(x, (1,)), arrays)


def atleast_2d(*arrays: TensorLike) -> Any:
    """Return arrays with at least two axes, new ones in front: a tensor, or a tuple for several."""
    return _each(lambda x: expand_dims(x, tuple(range(2 - x.ndim))), arrays)


def atleast_3d(*arrays: TensorLike) -> Any:
    """Return arrays with at least three axes: a tensor, or a tuple for several.

    A vector lies along the middle axis, and a matrix along the first two, as NumPy has it.
    """
    places: dict[int, tuple[int, ...]] = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}
    return _each(lambda x: expand_dims(x, places.get(x.ndim, ())), arrays)


def fliplr(x: TensorLike, /) -> Tensor:
    """Reverse the order of elements along the second axis.

    Raises:
        GraphTypeError: fewer than two axes.
    """
    return flip(x, 1)


def flipud(x: TensorLike, /) -> Tensor:
    """Reverse the order of elements along the first axis.

    Raises:
        GraphTypeError: a scalar.
    """
    return flip(x, 0)


def rot90(x: TensorLike, /, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turn an array by 90 degrees in the plane of two axes, as ``numpy.rot90``.

    Args:
        x: array of at least two axes.
        k: how many times, from the first axis towards the second.
        axes: the two axes.

    Raises:
        GraphTypeError: not two different axes.

    >>> ag.rot90(ag.constant([[1, 2], [3, 4]])).eval()
    array([[2, 4],
           [1, 3]])
    """
    tensor = as_tensor(x)
    plane = [as_axis("rot90", a, tensor.ndim, tensor) for a in as_items(axes)]
    if len(set(plane)) != 2 or len(plane) != 2 or not is_integer(k):
        raise GraphTypeError(
            f"rot90: takes two different axes and an integer k, but these are {axes} and {k!r}\n"
            f"{operand_lines(('x',), (tensor,))}"
        )
    first, second = plane
    match k % 4:
        case 0:
            return tensor
        case 1:
            return swapaxes(flip(tensor, second), first, second)
        case 2:
            return flip(tensor, (first, second))
        case _:
            return flip(swapaxes(tensor, first, second), second)


def rollaxis(x: TensorLike, /, axis: int, start: int = 0) -> Tensor:
    """Move an axis back to stand before the axis ``start``, as ``numpy.rollaxis``.

    Raises:
        GraphTypeError: there is no such axis or place.
    """
    tensor = as_tensor(x)
    source = as_axis("rollaxis", axis, tensor.ndim, tensor)
    place = start
    if start != tensor.ndim:
        place = as_axis("rollaxis", start, tensor.ndim, tensor)
    return moveaxis(tensor, source, place - 1 if source < place else place)

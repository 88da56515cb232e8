"""Where an array is not zero: positions, of which only a call knows how many there are."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import BOOL, I64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Size, product
from agnesi.graph.graph import size_of
from agnesi.graph.tensor import scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Assign,
    For,
    If,
    Read,
    Statement,
    While,
    fresh_local,
    index_of,
    index_scalar,
    literal,
)
from agnesi.ops.bounds import known_within
from agnesi.ops.creation import zeros
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Sample, keep
from agnesi.ops.functions import as_bool
from agnesi.ops.joining import stack
from agnesi.ops.lift import as_size, as_tensor, operand_lines
from agnesi.ops.movement import reshape
from agnesi.ops.nests import loop_indices, nest
from agnesi.ops.reductions import sum as total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Sizes, Tensor, TensorLike

__all__ = ["argwhere", "flatnonzero", "nonzero"]


def _positions(x: Array, count: int, exact: bool = False) -> Array:
    result = np.zeros((*x.shape[:-1], count), np.int64)
    for row in np.ndindex(x.shape[:-1]):
        found = np.flatnonzero(x[row])[:count]
        result[row][: len(found)] = found
    return result


class FlatNonzero(LoopOp):
    """Positions of the first true elements along the last axis, in order, then zeros.

    Attributes:
        count: how many.
        exact: whether there are as many, so that there are no zeros to fill up with.
    """

    x: Tensor
    count: Size
    exact: bool

    public = "flatnonzero"
    reference = staticmethod(_positions)
    streams = (0,)
    dtypes = (BOOL,)
    domain = (Domain(dtypes=(BOOL,)),)
    differentiable = False
    leading = MappingProxyType({"count": keep})
    samples = (
        Sample(((7,),), (3, False)),
        Sample(((5,),), (9, False)),
        Sample(((0,),), (2, False)),
        Sample(((4,),), (0, False)),
        Sample(((2, 3, 5),), (3, False)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node, of a number that is given."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """As many integers as are asked for."""
        return TensorType(I64, (*self.x.type.shape[:-1], self.count))

    def loops(self, at: Memory) -> Sequence[Statement]:
        """One pass with a counter."""
        *rows, i = loop_indices(self.x.type.shape)
        count, found = index_scalar(self.count), fresh_local("found", I64)
        place = (*rows, index_of(Read(found)))
        more = Assign(found, Read(found) + 1)
        taken = at.read(0, (*rows, i)) & (Read(found) < count)
        line = (
            Assign(found, literal(0, I64)),
            For(i, (If(taken, (*at.store(place, index_scalar(i)), more)),)),
            While(Read(found) < count, (*at.store(place, literal(0, I64)), more)),
        )
        return nest(rows, line)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own, cut or filled up."""
        return _positions(operands[0], sizes(self.count))

    def index_limit(self) -> Size | None:
        """The number of elements, where there are no zeros to fill up with."""
        return self.x.type.shape[-1] if self.exact else None


def positions(mask: Tensor, count: Any = None) -> Tensor:
    """Return the positions, in C order, of the true elements of a mask of any shape.

    Args:
        mask: bool.
        count: how many to return, filled up with zeros; as many as there are by default.
    """
    flat = reshape(mask, -1)
    if count is not None:
        return FlatNonzero(flat, as_size(count, "nonzero"), False)
    return FlatNonzero(flat, size_of(total(flat)), True)


def flatnonzero(x: TensorLike, /) -> Tensor:
    """Return the positions in C order of the elements that are not 0, as ``numpy.flatnonzero``.

    Returns:
        i64[k]; only a call knows ``k``.

    >>> ag.flatnonzero(ag.constant([[0, 3], [1, 0]])).eval()
    array([1, 2])
    """
    return positions(as_bool(x))


def nonzero(x: TensorLike, /, *, size: int | Tensor | None = None) -> tuple[Tensor, ...]:
    """Return the indices of the elements that are not 0, as ``numpy.nonzero``.

    Args:
        x: array of at least one axis.
        size: how many to return; the first so many, or, where there are fewer, zeros after them.
            By default as many as there are, which only a call knows.

    Returns:
        For each axis of ``x`` its indices, i64[k].

    Raises:
        GraphTypeError: ``x`` is a scalar.

    >>> rows, columns = ag.nonzero(ag.constant([[0, 3], [1, 0]]))
    >>> rows.eval(), columns.eval()
    (array([0, 1]), array([1, 0]))
    """
    tensor = as_tensor(x)
    if not tensor.ndim:
        raise GraphTypeError(
            f"nonzero: a scalar has no indices\n{operand_lines(('x',), (tensor,))}\n"
            "  give it an axis with x[None]"
        )
    return unravel(positions(as_bool(tensor), size), tensor)


def unravel(flat: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """Return the indices, one array for each axis of ``x``, of positions in C order."""
    shape = x.type.shape
    if len(shape) == 1:
        return (flat,)
    found: list[Tensor] = []
    for axis, size in enumerate(shape):
        inner = product(shape[axis + 1 :])
        index = flat if inner == 1 else flat // scalar_of(inner)
        found.append(known_within(index % scalar_of(size) if axis else index, size))
    return tuple(found)


def argwhere(x: TensorLike, /) -> Tensor:
    """Return the indices of the elements that are not 0, a row for each, as ``numpy.argwhere``.

    Returns:
        i64[k, ndim]; only a call knows ``k``.

    >>> ag.argwhere(ag.constant([[0, 3], [1, 0]])).eval()
    array([[0, 1],
           [1, 0]])
    """
    tensor = as_tensor(x)
    if not tensor.ndim:
        return zeros((total(as_bool(tensor)), 0), I64)
    return stack(nonzero(tensor), -1)


OPS: tuple[type[Op], ...] = (FlatNonzero,)

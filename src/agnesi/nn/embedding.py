"""Vectors of words and other things that are numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import GraphTypeError
from agnesi.ops.bounds import within_bounds
from agnesi.ops.choice import where
from agnesi.ops.gathering import gather
from agnesi.ops.lift import as_tensor, operand_lines
from agnesi.ops.movement import expand_dims

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor, TensorLike


def embedding(table: TensorLike, indices: TensorLike, /, padding_idx: int | None = None) -> Tensor:
    """Return rows of a table.

    The gradient is zeros to which the cotangents of rows are added.  A step of
    :func:`agnesi.optim.sgd` does not make these zeros: it adds to the rows themselves, in place,
    however large the table is.

    Args:
        table: ``[entries, k]``, as a rule; further axes will do.
        indices: integers of any shape, ``0 <= index < entries``, checked in each call.
        padding_idx: an index that stands for nothing: it gives zeros, and its row is not learnt.

    Returns:
        ``[*indices.shape, k]``.

    Raises:
        GraphTypeError: no table, or no integers.
        IndexOutOfBounds: in a call, an index outside the table.

    >>> table = ag.constant([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]])
    >>> ag.nn.embedding(table, [[2, 0], [1, 1]], padding_idx=1).eval()
    array([[[2. , 2.5],
            [0. , 0.5]],
           [[0. , 0. ],
            [0. , 0. ]]], dtype=float32)
    """
    rows, index = as_tensor(table), as_tensor(indices)
    if not rows.ndim or not index.dtype.is_integer:
        raise GraphTypeError(
            "embedding: rows of a table are found by integers\n"
            f"{operand_lines(('table', 'indices'), (rows, index))}"
        )
    good = within_bounds(index, rows.type.shape[0], f"rows of the table {rows!r}")
    found = gather(rows, (good,), (0,), 0)
    if padding_idx is None:
        return found
    behind = tuple(range(index.ndim, found.ndim))
    return where(expand_dims(index == padding_idx, behind), 0, found)

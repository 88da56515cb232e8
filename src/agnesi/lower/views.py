"""Sequences whose rows lie in the memory of another array: parts of it, or all of it backwards.

x[1:], x[:-1], x[::-1], x[:m * k].reshape(m, k, n)      rows of x, no copies of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record
from agnesi.dims.dim import add, mul, product, sub
from agnesi.lower.products import same_memory
from agnesi.ops.loop import Loop
from agnesi.ops.movement import Flip
from agnesi.ops.slicing import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.body import Several
    from agnesi.graph.tensor import Tensor


@record(frozen=True)
class Rows:
    """Where the rows of a sequence lie.

    Attributes:
        base: the array that has memory.
        start: where row 0 begins, in elements.
        stride: from one row to the next.
    """

    base: Tensor
    start: Size
    stride: Size


def rows_of(sequence: Tensor) -> Rows:
    """Return where the rows of a sequence lie, looking through views of whole rows."""
    row = stride = product(sequence.type.shape[1:])
    start: Size = 0
    node = same_memory(sequence)
    # The first views may skip rows or turn them round, as long as their rows are the sequence's.
    while node.ndim and product(node.type.shape[1:]) == row:
        if isinstance(node, Flip) and node.axes == (0,):
            first, step = sub(node.type.shape[0], 1), -1
        elif type(node) is Slice and _takes_rows(node):
            first, step = node.starts[0], node.steps[0]
        else:
            break
        start = add(mul(first, row), mul(start, step))
        stride = mul(stride, step)
        node = same_memory(node.x)
    while type(node) is Slice and _takes_rows(node) and node.steps[0] == 1:
        start = add(start, mul(node.starts[0], product(node.type.shape[1:])))
        node = same_memory(node.x)
    return Rows(node, start, stride)


def _takes_rows(node: Slice) -> bool:
    """Whether a slice takes rows as they are."""
    if not node.ndim:
        return False
    own = node.x.type.shape[1:]
    return (
        all(start == 0 for start in node.starts[1:])
        and all(step == 1 for step in node.steps[1:])
        and node.extents[1:] == own
    )


def only_viewed(
    order: Sequence[Tensor], outputs: Iterable[Tensor], readers: Mapping[Tensor, int]
) -> set[Tensor]:
    """Return the nodes that are nothing but ways to the rows of another array.

    Args:
        order: the nodes of a graph, operands first.
        outputs: of the graph.
        readers: how many nodes read each.
    """
    views: dict[Tensor, int] = {}
    wanted = set(outputs)
    found: set[Tensor] = set()
    for node in reversed(order):
        if isinstance(node, Loop):
            others = {*node.inits, *node.captured}
            for sequence in set(node.sequences) - others:
                views[sequence] = views.get(sequence, 0) + 1
        elif views.get(node) == readers.get(node) and node not in wanted:
            (below,) = _through(node) or (None,)
            if below is not None:
                found.add(node)
                views[below] = views.get(below, 0) + 1
    return found


def _through(node: Tensor) -> Sequence[Tensor]:
    """Return what a way to rows leads to."""
    below = same_memory(node)
    if below is not node:
        return node.operands
    return node.operands if rows_of(node).base is not node else ()


def reads_of(node: Several) -> list[Tensor]:
    """Return what has to be in memory for a node with bodies, for each operand."""
    reads = [same_memory(operand) for operand in node.operands]
    if isinstance(node, Loop):
        first = len(node.inits)
        last = first + len(node.sequences)
        reads[first:last] = [rows_of(sequence).base for sequence in node.sequences]
    return reads

"""Put an axis in front of everything in a graph that depends on a mapped input.

before: %1 = add(%x, %w)       x: f32[3], w: f32[3]
after:  %2 = add(%X, %1)       X: f32[size, 3], %1: f32[size, 3] = broadcast_to(%w, [size, 3])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core import source
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.graph.body import Several
from agnesi.graph.graph import remake, toposort
from agnesi.graph.tensor import SURFACE, Tensor, scalar_of
from agnesi.graph.types import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agnesi.dims.dim import Size


def batch_graph(
    outputs: Iterable[Tensor],
    mapped: Mapping[Tensor, Tensor],
    size: Size,
    around: Iterable[Tensor] = (),
) -> list[Tensor]:
    """Return the outputs for many examples, along an axis in front of each.

    Args:
        outputs: expressions of one example.
        mapped: for nodes that stand for one example, all the examples along an axis in front.
        size: of that axis.
        around: tensors known to be the same for all examples: nothing below them is looked at.

    Raises:
        GraphTypeError: a size or an index is the value of what differs between examples.
    """
    outputs = list(outputs)
    new: dict[Tensor, Tensor] = dict(mapped)
    # What is another node by now, but the same for all examples: numbers of steps.
    same: dict[Tensor, Tensor] = {}
    for old in toposort(outputs, {*mapped, *around}):
        below = old.dependencies
        if old in new or not any(d in new or d in same for d in below):
            continue
        node = old
        if any(d in same for d in below):
            with source.standing_for(old):
                node = remake(old, {d: same.get(d, d) for d in below})
        if not any(d in new for d in below):
            same[old] = node
            continue
        if not node.rebuilds_sizes:
            for hidden in node.dependencies[len(node.operands) :]:
                if hidden in new:
                    raise GraphTypeError(_varies(node, hidden))
        batched = tuple(o in new for o in node.operands)
        operands = tuple(new.get(o, o) for o in node.operands)
        if isinstance(node, Several):
            with source.standing_for(old):
                own, parts = node.batch_parts(operands, batched, size)
            (new if own.ndim else same)[old] = own
            assert isinstance(old, Several)
            new.update(zip(old.parts(), parts, strict=True))
            continue
        with source.standing_for(old):
            result = node.batch(operands, batched, size)
        if result.dtype is not node.dtype or result.ndim != node.ndim + 1:
            raise CompilerBug(
                f"batch of {node!r} is {result.type}, not {node.dtype}"
                f"{shape_text((size, *node.type.shape))}"
            )
        new[old] = result
    return [new[o] if o in new else in_front(same.get(o, o), size) for o in outputs]


def in_front(x: Tensor, size: Size) -> Tensor:
    """Return the same tensor for each example."""
    return SURFACE["broadcast_to"](x, tuple(map(scalar_of, (size, *x.type.shape))))


def _varies(node: Tensor, hidden: Tensor) -> str:
    made = f"   from {node.source}" if node.source else ""
    value = f"   from {hidden.source}" if hidden.source else ""
    return (
        f"vectorize: in {node!r} a size or an index is a value that differs between examples\n"
        f"  it is:  {hidden!r}{value}\n  it is used in:  {node!r}{made}\n"
        "  all examples have to have one shape: choose with a mask, ag.where, or leave this "
        "argument unmapped (in_axes=None)\n"
        "  an index may differ where it is an array: ag.take(x, i, axis=0), x.at[i[None]].set(y)"
    )

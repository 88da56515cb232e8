"""What must hold of a graph after every pass: types as inferred, nothing free, no circles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import AgnesiError, CompilerBug
from agnesi.dims.dim import Dim, Size, Symbol
from agnesi.graph.body import Several
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Input
from agnesi.graph.text import graph_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from agnesi.graph.tensor import Tensor


def verify_graph(
    outputs: Sequence[Tensor],
    inputs: Collection[Tensor] | None = None,
    around: Collection[Size] = (),
) -> None:
    """Check a graph, and the graphs inside its nodes.

    Args:
        outputs: what is computed.
        inputs: what it may depend on; by default any inputs.
        around: sizes that the graph around this one knows.

    Raises:
        CompilerBug: something does not hold; the message holds the graph's text.
    """
    nodes = toposort(outputs, set(inputs or ()))
    place = {node: k for k, node in enumerate(nodes)}
    told: set[Size] = {
        size for node in nodes if not node.operands for size in node.type.shape if _free(size)
    }
    for leaf in inputs or ():
        told.update(size for size in leaf.type.shape if _free(size))
    told.update(around)
    # A set finds by identity; `in` on a list would ask for element-wise equality.
    given = None if inputs is None else set(inputs)
    for node in nodes:
        wrong = _wrong(node, place, given, told)
        if wrong:
            raise CompilerBug(f"graph: {node!r}: {wrong}\n{graph_text(*outputs)}")
        for body in node.bodies if isinstance(node, Several) else ():
            verify_graph(body.outputs, body.inputs, body.symbols)


def _wrong(
    node: Tensor, place: dict[Tensor, int], inputs: Collection[Tensor] | None, told: set[Size]
) -> str:
    """Return what is wrong with a node, if anything is."""
    if inputs is not None:
        if node in inputs:
            return ""
        if isinstance(node, Input):
            return "it is not among the inputs"
    if any(d not in place or place[d] >= place[node] for d in node.dependencies):
        return "it depends on itself"
    try:
        inferred = node.infer()
    except AgnesiError as error:
        return f"its type cannot be inferred: {error}"
    if inferred is not node.type:
        return f"its type would be {inferred}"
    for need in node.requirements():
        for size in (need.a, need.b):
            needed = size.values if isinstance(size, Dim) else ()
            if any(v not in place and v not in (inputs or ()) for v in needed):
                return f"it needs {need}, whose value nothing computes"
    if inputs is None:
        return ""
    sizes = [s for s in (*node.sizes_mentioned(), *node.type.shape) if isinstance(s, Dim)]
    free = {atom for size in sizes for atom in size.atoms if _free(atom)} - told
    return f"the sizes {free} cannot be told from the inputs" if free else ""


def _free(size: object) -> bool:
    return isinstance(size, Symbol)

"""Matrices that each step of a loop would read turned are turned once, before it.

before: each step: h @ c.T          after: captured c.T, in memory; each step: h @ c'

A product reads rows of its second factor as vectors; columns it would have to pack anew each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.graph.body import Body, Several, in_bodies
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import new_input
from agnesi.ops.linear import MatMul
from agnesi.ops.loop import Loop
from agnesi.ops.movement import Transpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.leaves import Input
    from agnesi.graph.tensor import Tensor


def turn_once(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the outputs with turned matrices of loops captured as such."""
    if not any(isinstance(node, Several) for node in toposort(outputs)):
        return list(outputs)

    def visit(node: Tensor) -> Tensor:
        return _loop(node) if isinstance(node, Loop) else node

    return rebuild(in_bodies(outputs, turn_once), {}, visit=visit)


def _loop(node: Loop) -> Loop:
    outside: dict[Tensor, Tensor] = dict(zip(node.stand_ins, node.captured, strict=True))
    found: dict[Tensor, Input] = {}
    turned: list[Tensor] = []
    for inner in toposort(node.body.outputs):
        wanted = [inner.y] if isinstance(inner, MatMul) else []
        wanted += inner.captured if isinstance(inner, Loop) else ()
        for matrix in wanted:
            if not isinstance(matrix, Transpose) or matrix.ndim != 2 or matrix in found:
                continue
            if matrix.x in outside:
                found[matrix] = new_input("turned", matrix.type)
                turned.append(Transpose(outside[matrix.x], matrix.order))
    if not found:
        return node
    more = tuple(found.values())
    outputs = tuple(rebuild(node.body.outputs, found))
    body = Body((*node.body.inputs, *more), outputs)
    condition = node.condition
    if condition is not None:
        condition = Body((*condition.inputs, *more), condition.outputs)
    captured = (*node.captured, *turned)
    fields = node.length, node.reverse, condition, body, node.inits, node.sequences, captured
    return Loop(*fields)

"""Composite ops become the expressions that they stand for.

before: mat_mul(x, y)
after:  any(bitwise_and(broadcast_to(expand_dims(x, [2]), [2, 3, 4]),
                        broadcast_to(expand_dims(y, [0]), [2, 3, 4])), [1])
with:   x: bool[2, 3], y: bool[3, 4]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops.families import Composite
from agnesi.ops.linear import MatMul
from agnesi.rewrite.rule import RuleSet, rewrite
from agnesi.rules.tensors import apply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace


@rewrite(Composite)
def expand_composite(node: Composite) -> Tensor | None:
    """An op that says which ops it is made of."""
    return node.decompose()


@rewrite(MatMul)
def expand_matmul(node: MatMul) -> Tensor | None:
    """A matrix product of integers or bools is a sum of products: BLAS has none."""
    return None if node.dtype.is_float else node.decompose()


DECOMPOSE = RuleSet(
    "decompose",
    "an op is only made of ops that are listed before it",
    (expand_composite, expand_matmul),
    required=True,
)


def decompose(outputs: Iterable[Tensor], trace: Trace) -> list[Tensor]:
    """Return the outputs without composite ops and without matrix products of integers."""
    return apply(outputs, DECOMPOSE, trace)

"""Composite ops become the expressions that they stand for.

before: mat_mul(x, y)
after:  any(bitwise_and(broadcast_to(expand_dims(x, [2]), [2, 3, 4]),
                        broadcast_to(expand_dims(y, [0]), [2, 3, 4])), [1])
with:   x: bool[2, 3], y: bool[3, 4]

before: exp(x)
after:  cast(exp(cast(x, f32)), f16)
with:   x: f16[n]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.graph.graph import with_operands
from agnesi.ops.choice import astype
from agnesi.ops.conv import Conv, ConvWeights
from agnesi.ops.elementary import sigmoid
from agnesi.ops.families import Composite, Op
from agnesi.ops.linear import MatMul
from agnesi.rewrite.rule import RuleSet, rewrite
from agnesi.rules.notation import fast, identities
from agnesi.rules.tensors import apply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace
    from agnesi.rules.notation import Float, Pairs

_ROUNDED = fast("exact to the rounding of 1, not of itself where the function is nearly 1")


@rewrite(Op)
def compute_halves_wide(node: Op) -> Tensor | None:
    """Arithmetic on halves is done in f32, and rounded once for each op."""
    if node.keeps_halves or not any(o.dtype.is_half for o in node.operands):
        return None
    wide = with_operands(node, [astype(o, o.dtype.arithmetic) for o in node.operands])
    return astype(wide, node.dtype)


@rewrite(Composite)
def expand_composite(node: Composite) -> Tensor | None:
    """An op that says which ops it is made of."""
    return node.decompose()


@rewrite(MatMul)
def expand_matmul(node: MatMul) -> Tensor | None:
    """A matrix product of integers or bools is a sum of products: BLAS has none."""
    return None if node.dtype.is_inexact else node.decompose()


@rewrite(Conv, ConvWeights)
def expand_depthwise(node: Conv | ConvWeights) -> Tensor | None:
    """A convolution of each channel by itself is a sum over taps, which shares a kernel."""
    return node.decompose()


@identities
def LOGISTIC_DERIVATIVE(x: Float, y: Float) -> Pairs:
    """The derivative of the logistic function from its value, which is there already."""
    return [
        (sigmoid(x) * sigmoid(-x), sigmoid(x) * (1 - sigmoid(x)), _ROUNDED),
        ((y * sigmoid(x)) * sigmoid(-x), (y * sigmoid(x)) * (1 - sigmoid(x)), _ROUNDED),
    ]


DECOMPOSE = RuleSet(
    "decompose",
    "an op is only made of ops that are listed before it",
    (compute_halves_wide, expand_composite, expand_matmul, expand_depthwise, LOGISTIC_DERIVATIVE),
    required=True,
)


def decompose(outputs: Iterable[Tensor], trace: Trace) -> list[Tensor]:
    """Return the outputs without composite ops, arithmetic on halves, products of integers."""
    return apply(outputs, DECOMPOSE, trace)

"""What is known before a call is computed before it.

before: add(exp(multiply(broadcast_to(1.0, [n]), broadcast_to(0.0, [n]))), x)
after:  add(x, broadcast_to(1.0, [n]))
with:   x: f32[n]

A number repeated over a shape stays a number and a shape.  Only what is small is held as an
array: folding may not make a program's constants much larger than the user's were.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.errors import CallError
from agnesi.dims.dim import Size, Value
from agnesi.graph.graph import with_operands
from agnesi.graph.interpret import compute, require
from agnesi.graph.leaves import Constant
from agnesi.graph.tensor import SizeValue, Tensor
from agnesi.ops.bounds import Agreeing, WithinBounds
from agnesi.ops.families import Elementwise, Op
from agnesi.ops.movement import BroadcastTo, broadcast
from agnesi.rewrite.rule import rewrite
from agnesi.rules.tensors import aligned

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array

# Constants that folding makes are not larger than this.
_MOST_BYTES = 1_000_000


@rewrite(Op)
def fold_constant(node: Op) -> Tensor | None:
    """An op on arrays that are known is an array that is known."""
    if isinstance(node, BroadcastTo | WithinBounds) or not (node.operands and node.folds):
        return None
    values = [_value(operand) for operand in node.operands]
    arrays = [value for value in values if value is not None]
    if len(arrays) < len(values) or not any(isinstance(o, Constant) for o in node.operands):
        return None
    size = node.type.size
    if not isinstance(size, int) or size * node.dtype.bytes > _MOST_BYTES:
        return None
    try:
        for need in node.requirements():
            require(need, _known(need.a), _known(need.b), node)
        with np.errstate(all="ignore"):
            result = compute(node, arrays, _known)
    except (CallError, KeyError):
        return None  # A call will say so, in the words of the user's line.
    return Constant(np.ascontiguousarray(result).tobytes(), node.type)


def _value(x: Tensor) -> Array | None:
    """Return the array that a constant is, or that a constant is repeated to."""
    if isinstance(x, Constant):
        return x.value
    if isinstance(x, BroadcastTo) and isinstance(x.x, Constant):
        shape = [size for size in x.type.shape if isinstance(size, int)]
        small = math.prod(shape) * x.dtype.bytes <= _MOST_BYTES
        if len(shape) == x.ndim and small and not x.requirements():
            return np.broadcast_to(x.x.value, shape)
    return None


def _known(size: Size) -> int:
    if isinstance(size, int):
        return size
    raise KeyError(size)


@rewrite(Constant)
def fold_uniform(node: Constant) -> Tensor | None:
    """An array of one number over and over is that number, repeated."""
    if not node.ndim or not node.data or len(node.data) > _MOST_BYTES:
        return None
    step = node.dtype.bytes
    first = node.data[:step]
    if node.data != first * (len(node.data) // step):
        return None
    return broadcast(Constant(first, node.type.replace(shape=())), node.type.shape)


@rewrite(Elementwise)
def lift_broadcast(node: Elementwise) -> Tensor | None:
    """A function of repeated values is the repeated function of the values.

    before: exp(broadcast_to(x, [n, 4]))
    after:  broadcast_to(exp(x), [n, 4])
    with:   x: f32[1, 4]
    """
    if isinstance(node, WithinBounds | Agreeing) or not node.ndim or not aligned(node):
        return None
    inner: list[Tensor] = []
    for operand in node.operands:
        if not isinstance(operand, BroadcastTo):
            return None
        inner.append(operand.x)
    own = max((x.type.shape for x in inner), key=len)
    if any(x.ndim and x.type.shape != own for x in inner):
        return None
    # Not `broadcast`, which would forget that a call has to compare sizes.
    return BroadcastTo(with_operands(node, [broadcast(x, own) for x in inner]), node.type.shape)


@rewrite(SizeValue)
def fold_size(node: SizeValue) -> Tensor | None:
    """The size that is the value of a scalar is the scalar."""
    match node.extent:
        case Value(Tensor() as scalar) if scalar.dtype is node.dtype:
            return scalar
        case _:
            return None


FOLD = (fold_uniform, fold_constant, lift_broadcast, fold_size)

"""Reductions of what needs no reduction, or less of it.

before: sum(broadcast_to(x, [3, n]), [0])
after:  multiply(x, 3.0)
with:   x: f32[n]

before: sum(sum(x, [2]), [0])
after:  sum(x, [0, 2])
with:   x: f32[2, n, 4]

Sums may be reassociated, so that these keep a sum up to rounding and the sign of zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.dims.dim import product
from agnesi.graph.tensor import SizeValue
from agnesi.ops.arithmetic import Add, Divide, Multiply, Negative
from agnesi.ops.choice import astype
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import (
    BroadcastTo,
    ExpandDims,
    Reshape,
    Squeeze,
    Transpose,
    broadcast,
    restore_axes,
)
from agnesi.ops.reductions import All, Any_, Max, Min, Prod, Sum
from agnesi.rewrite.rule import rewrite
from agnesi.rules.tensors import filled, number

if TYPE_CHECKING:
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.ops.families import Reduction

# Those of a family that may have other units, such as `Top`, are left alone.
_PLAIN = (Sum, Prod, Max, Min, Any_, All)


def _is_plain(node: object) -> bool:
    return type(node) in _PLAIN


@rewrite(*_PLAIN)
def drop_reduction(node: Reduction) -> Tensor | None:
    """A reduction over axes of size 1 only drops them."""
    sizes = [node.x.type.shape[k] for k in node.axes]
    if not _is_plain(node) or any(size != 1 for size in sizes):
        return None
    return Squeeze(node.x, node.axes) if node.axes else node.x


@rewrite(*_PLAIN)
def merge_reductions(node: Reduction) -> Tensor | None:
    """A sum of sums is a sum over the axes of both."""
    inner = node.x
    if not _is_plain(node) or type(inner) is not type(node):
        return None
    kept = [k for k in range(inner.x.ndim) if k not in inner.axes]
    axes = sorted((*inner.axes, *(kept[k] for k in node.axes)))
    return type(node)(inner.x, tuple(axes))


@rewrite(*_PLAIN)
def lift_expand_dims(node: Reduction) -> Tensor | None:
    """Axes of size 1 are added after a reduction, or not at all."""
    if not _is_plain(node):
        return None
    match node.x:
        case ExpandDims(x, added):
            old = [k for k in range(node.x.ndim) if k not in added]
            axes = tuple(old.index(k) for k in node.axes if k not in added)
            kept = [k for k in range(node.x.ndim) if k not in node.axes]
            remain = tuple(kept.index(k) for k in added if k not in node.axes)
            return restore_axes(type(node)(x, axes) if axes else x, remain)
        case _:
            return None


@rewrite(*_PLAIN)
def lift_transpose(node: Reduction) -> Tensor | None:
    """Axes are reordered after a reduction, when there are fewer."""
    if not _is_plain(node):
        return None
    match node.x:
        case Transpose(x, order):
            axes = sorted(order[k] for k in node.axes)
            kept = [order[k] for k in range(node.x.ndim) if k not in node.axes]
            rest = sorted(kept)
            result = type(node)(x, tuple(axes))
            return result if kept == rest else Transpose(result, tuple(rest.index(k) for k in kept))
        case _:
            return None


@rewrite(Sum)
def lift_negative(node: Sum) -> Tensor | None:
    """A sum is negated once, not each of its terms."""
    match node.x:
        case Negative(x) if type(node) is Sum:
            return Negative(Sum(x, node.axes))
        case _:
            return None


@rewrite(MatMul)
def lift_sign_of_product(node: MatMul) -> Tensor | None:
    """A matrix product is negated once, not each row or column.

    before: mat_mul(negative(x), transpose(negative(y), [1, 0]))
    after:  mat_mul(x, transpose(y, [1, 0]))
    with:   x: f32[n, 4], y: f32[3, 4]
    """
    x, y = _unsigned(node.x), _unsigned(node.y)
    if not node.dtype.is_inexact or (x is None and y is None):
        return None
    lifted = MatMul(node.x if x is None else x, node.y if y is None else y)
    return Negative(lifted) if x is None or y is None else lifted


@rewrite(Sum)
def sum_of_products(node: Sum) -> Tensor | None:
    """A sum of products of matrices is one product of longer matrices.

    It is what the gradient of weights is that a whole stack is multiplied by.

    before: sum(mat_mul(transpose(x, [0, 2, 1]), y), [0])
    after:  mat_mul(transpose(reshape(x, [6, 4]), [1, 0]), reshape(y, [6, 3]))
    with:   x: f32[2, 3, 4], y: f32[2, 3, 3]
    """
    match node.x:
        case MatMul(Transpose(x, order), y) if type(node) is Sum and node.dtype.is_inexact:
            last = x.ndim - 1
            stack = tuple(range(last - 1))
            (*front, k, m), n = x.type.shape, y.type.shape[-1]
            swapped = order == (*stack, last, last - 1)
            # Sizes that a call has to compare stay as they are.
            if not swapped or node.axes != stack or y.type.shape[:-1] != (*front, k):
                return None
            depth = product((*front, k))
            turned = Transpose(Reshape(x, (depth, m)), (1, 0))
            return MatMul(turned, Reshape(y, (depth, n)))
        case _:
            return None


def _unsigned(x: Tensor) -> Tensor | None:
    """Return what a tensor is the negative of, also behind a transpose."""
    match x:
        case Negative(inner):
            return inner
        case Transpose(Negative(inner), order):
            return Transpose(inner, order)
        case _:
            return None


@rewrite(Sum)
def lift_factor(node: Sum) -> Tensor | None:
    """A number that every term is multiplied by is multiplied by once.

    Note: floats less than 1 stay, with which a sum may be finite that without them is not.
    """
    match node.x:
        case Multiply(x, factor) if type(node) is Sum:
            value = number(factor)
            if value is None or isinstance(value, complex) or node.x.type.shape != x.type.shape:
                return None
            if node.dtype.is_float and not 1 <= abs(value) < np.inf:
                return None
            return Multiply(Sum(x, node.axes), filled(value, node.dtype, node.type.shape))
        case _:
            return None


@rewrite(Sum)
def sum_of_shares(node: Sum) -> Tensor | None:
    """Shares of a total add up to exactly 1, and not to what rounding each of them leaves.

    Programs compare such sums with 1. Where the total is 0 or infinite this is NaN.

    before: sum(divide(x, broadcast_to(expand_dims(sum(x, [1]), [1]), [n, 4])), [1])
    after:  divide(sum(x, [1]), sum(x, [1]))
    with:   x: f32[n, 4]
    """
    match node.x:
        case Divide(x, BroadcastTo(ExpandDims(Sum(y, axes) as total, added))) if x is y:
            whole = axes == added == node.axes
        case Divide(x, BroadcastTo(Sum(y, axes) as total)) if x is y:
            # Without axes of size 1 it stands under the last axes.
            whole = axes == node.axes == tuple(range(len(axes)))
        case _:
            return None
    return Divide(total, total) if whole and type(node) is type(total) is Sum else None


@rewrite(Max, Min)
def lift_monotone(node: Max | Min) -> Tensor | None:
    """The largest of ``x + c`` is the largest plus ``c``; the largest of ``-x``, less the smallest.

    Rounding keeps order, so that this is exact; integers that wrap around do not.
    """
    if not _is_plain(node) or not node.dtype.is_float:
        return None
    other = Min if type(node) is Max else Max
    match node.x:
        case Negative(x):
            return Negative(other(x, node.axes))
        case Add(x, addend):
            value = number(addend)
            if value is None or not np.isfinite(value) or x.type.shape != node.x.type.shape:
                return None
            # The sign of a zero: -0.0 + 0.0 is 0.0 on both sides.
            return Add(type(node)(x, node.axes), filled(value, node.dtype, node.type.shape))
        case Multiply(x, factor):
            value = number(factor)
            if value is None or isinstance(value, complex) or x.type.shape != node.x.type.shape:
                return None
            if value == 0 or not np.isfinite(value):
                return None
            op = type(node) if value > 0 else other
            return Multiply(op(x, node.axes), filled(value, node.dtype, node.type.shape))
        case _:
            return None


@rewrite(Sum, Max, Min, Any_, All)
def drop_broadcast(node: Reduction) -> Tensor | None:
    """What is repeated is reduced once; a sum of it is a product.

    Note: how often it is repeated has to be a known number, since ``0 * inf`` is not an empty sum;
    unless what is repeated is a finite number.
    """
    x = node.x
    if not _is_plain(node) or not isinstance(x, BroadcastTo) or x.requirements():
        return None
    own, shape = x.x.type.shape, x.type.shape
    front = len(shape) - len(own)
    repeated = {k for k in range(len(shape)) if k < front or (own[k - front] == 1 != shape[k])}
    gone = [k for k in node.axes if k in repeated]
    count = product(shape[k] for k in gone)
    if not gone or not _may_multiply(node, count, x.x):
        return None
    # The repeated axes that go are not repeated in the first place.
    less = Squeeze(x.x, ones) if (ones := tuple(k - front for k in gone if k >= front)) else x.x
    kept = [k for k in range(len(shape)) if k not in gone]
    spread = broadcast(less, tuple(shape[k] for k in kept))
    axes = tuple(kept.index(k) for k in node.axes if k not in gone)
    result = type(node)(spread, axes) if axes else spread
    return _times(result, count) if isinstance(node, Sum) else result


def _may_multiply(node: Reduction, count: Size, x: Tensor) -> bool:
    if isinstance(count, int):
        return count > 0
    if not isinstance(node, Sum):
        return False
    value = number(x)
    return node.dtype.is_integer or (value is not None and bool(np.isfinite(value)))


def _times(x: Tensor, count: Size) -> Tensor:
    shape = x.type.shape
    if isinstance(count, int):
        return Multiply(x, filled(count, x.dtype, shape))
    factor = astype(SizeValue(count), x.dtype)
    return Multiply(x, broadcast(factor, shape))


REDUCE = (
    drop_reduction,
    merge_reductions,
    lift_expand_dims,
    lift_transpose,
    lift_negative,
    lift_sign_of_product,
    sum_of_products,
    lift_factor,
    sum_of_shares,
    lift_monotone,
    drop_broadcast,
)

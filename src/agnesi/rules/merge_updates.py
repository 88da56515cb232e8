"""What is added at indices to zeros, and then to an array, is added to the array.

The gradient of reading at indices is zeros with something added at the same indices.  A table that
is updated with it need not be touched where nothing is added, and is changed in place.

    table - scatter(zeros, i, y) * 0.1    is    scatter(table, i, -(y * 0.1))

Sums come in another order, and -0.0 stays where adding 0.0 would have made it 0.0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL
from agnesi.ops.arithmetic import Add, Divide, Multiply, Negative, Subtract
from agnesi.ops.gathering import Scatter
from agnesi.ops.movement import BroadcastTo, broadcast
from agnesi.rewrite.rule import rewrite
from agnesi.rules.tensors import aligned, number

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor


def _spread(x: Tensor) -> Scatter | None:
    """Return a node that adds to zeros at indices, if this is one."""
    if isinstance(x, Scatter) and x.how == "add" and x.dtype is not BOOL and number(x.x) == 0:
        return x
    return None


@rewrite(Add, Subtract)
def merge_into_scatter(node: Add | Subtract) -> Tensor | None:
    """Adding what was added to zeros."""
    spread = _spread(node.y)
    base = node.x
    if spread is None and isinstance(node, Add):
        spread, base = _spread(node.x), node.y
    if spread is None or not aligned(node):
        return None
    y = -spread.y if isinstance(node, Subtract) else spread.y
    return spread.replace(x=base, y=y)


@rewrite(Multiply, Divide)
def scale_scatter(node: Multiply | Divide) -> Tensor | None:
    """A number, known or a scalar, times what was added to zeros: it scales what is added.

    A number that is not finite then makes NaN only where something is added.
    """
    if not aligned(node):
        return None
    spread, factor = _spread(node.x), node.y
    if spread is None and isinstance(node, Multiply):
        spread, factor = _spread(node.y), node.x
    scalar = _scalar(factor)
    if spread is None or scalar is None or (isinstance(node, Divide) and number(scalar) == 0):
        return None
    y = spread.y
    return spread.replace(y=type(node)(y, broadcast(scalar, y.type.shape)))


def _scalar(x: Tensor) -> Tensor | None:
    """Return the scalar that is repeated, unless it is known not to be finite."""
    value = number(x)
    if value is not None and not math.isfinite(abs(value)):
        return None
    if type(x) is BroadcastTo and not x.x.ndim:
        return x.x
    return None if x.ndim else x


@rewrite(Negative)
def negate_scatter(node: Negative) -> Tensor | None:
    """The negative of what was added to zeros."""
    spread = _spread(node.x)
    return None if spread is None else spread.replace(y=-spread.y)


UPDATES = (merge_into_scatter, scale_scatter, negate_scatter)

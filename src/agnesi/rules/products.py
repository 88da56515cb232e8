"""Products seen whole: the factors above and below the line, through signs and repetition.

``flatten`` reads ``-(a / spread(b / s)) * e`` as the sign -1, the factors ``a``, ``spread(s)`` and
``e`` above the line and ``spread(b)`` below it; ``join`` writes the product of what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record
from agnesi.graph.graph import with_operands
from agnesi.ops.arithmetic import Divide, Multiply, Negative
from agnesi.ops.elementary import Exp, Sigmoid
from agnesi.ops.movement import BroadcastTo, ExpandDims, Squeeze, Transpose
from agnesi.ops.powers import Square
from agnesi.ops.reductions import Sum
from agnesi.rules.tensors import aligned, filled

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

# Factors looked at; a product of more is seen in parts.
_MOST_FACTORS = 12
# Movements that only repeat or rename: each axis reads one axis or none.
_PLAIN = (BroadcastTo, ExpandDims, Squeeze, Transpose)


@record()
class Product:
    """Factors of one shape.

    Attributes:
        above: factors.
        below: divisors.
        negative: whether the sign is turned.
    """

    above: list[Tensor]
    below: list[Tensor]
    negative: bool = False


def flatten(node: Tensor) -> Product:
    """Return the factors of a node; the node itself where it is no product."""
    product = Product([], [])
    # Each item: a tensor, whether it stands below the line, what it is spread by.
    todo: list[tuple[Tensor, bool, tuple[Tensor, ...]]] = [(node, False, ())]
    seen = 0
    while todo:
        x, below, spreads = todo.pop()
        seen += 1
        match x:
            case Multiply(a, b) if aligned(x) and seen < _MOST_FACTORS:
                todo += [(b, below, spreads), (a, below, spreads)]
            case Divide(a, b) if aligned(x) and seen < _MOST_FACTORS:
                todo += [(b, not below, spreads), (a, below, spreads)]
            case Square(Exp() | Sigmoid() as a):
                todo += [(a, below, spreads)] * 2
            case Negative(a):
                product.negative = not product.negative
                todo.append((a, below, spreads))
            case BroadcastTo(a) | ExpandDims(a) | Squeeze(a) | Transpose(a) if _moves_product(x):
                todo.append((a, below, (*spreads, x)))
            case _:
                (product.below if below else product.above).append(_spread(x, spreads))
    return product


def _moves_product(x: Tensor) -> bool:
    while isinstance(x, _PLAIN) and not x.requirements():
        x = x.x
    return isinstance(x, Multiply | Divide | Negative)


def _spread(x: Tensor, spreads: tuple[Tensor, ...]) -> Tensor:
    for movement in reversed(spreads):
        x = with_operands(movement, (x,))
    return x


def join(product: Product, like: Tensor) -> Tensor:
    """Return the product of the factors, of the type of ``like``."""
    above = product.above or [filled(1, like.dtype, like.type.shape)]
    result = above[0]
    for factor in above[1:]:
        result = Multiply(result, factor)
    for divisor in product.below:
        result = Divide(result, divisor)
    return Negative(result) if product.negative else result


def origin(x: Tensor) -> tuple[Tensor, tuple[int | None, ...]]:
    """Return what is moved about in ``x``, and which of its axes each axis of ``x`` reads, if any.

    Seen through are repetition, new axes of size 1, dropped ones, and reordering.
    """
    axes: list[int | None] = list(range(x.ndim))
    while isinstance(x, _PLAIN) and not x.requirements():
        inside = _reads(x)
        axes = [None if k is None else inside[k] for k in axes]
        x = x.x
    return x, tuple(axes)


def _reads(x: BroadcastTo | ExpandDims | Squeeze | Transpose) -> list[int | None]:
    """Return which axis of its operand each axis of a movement reads."""
    match x:
        case BroadcastTo(inner):
            own, shape, front = inner.type.shape, x.type.shape, x.ndim - inner.ndim
            return [
                None if k < front or (own[k - front] == 1 and shape[k] != 1) else k - front
                for k in range(x.ndim)
            ]
        case ExpandDims(inner, added):
            rest = iter(range(inner.ndim))
            return [None if k in added else next(rest) for k in range(x.ndim)]
        case Squeeze(inner, dropped):
            return [k for k in range(inner.ndim) if k not in dropped]
        case Transpose(_, order):
            return list(order)


def layout(x: Tensor) -> tuple[Tensor, tuple[int | None, ...]]:
    """Return what ``origin`` does, where an axis of size 1 counts as not read."""
    core, reads = origin(x)
    shape = core.type.shape
    return core, tuple(None if k is None or shape[k] == 1 else k for k in reads)


def spread_over(x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Return the tensor that ``x`` repeats and the axes it is repeated over.

    The tensor has the other axes, in order; ``x`` itself, over no axes, where it is not like that.
    """
    core, reads = origin(x)
    if [k for k in reads if k is not None] != list(range(core.ndim)):
        return x, ()
    return core, tuple(k for k, axis in enumerate(reads) if axis is None)


def respread(x: Tensor, core: Tensor) -> Tensor:
    """Return ``x`` with its origin replaced."""
    steps: list[Tensor] = []
    while isinstance(x, _PLAIN) and not x.requirements():
        steps.append(x)
        x = x.x
    return _spread(core, tuple(steps))


def sum_of_exp(x: Tensor) -> tuple[Tensor, tuple[int, ...]] | None:
    """Return ``z`` and ``axes`` where ``x`` is ``sum(exp(z), axes)``."""
    match x:
        case Sum(Exp(z), axes):
            return z, axes
        case _:
            return None


def is_same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors are the same, or the same moved about in two ways."""
    if a is b:
        return True
    (x, reads), (y, others) = layout(a), layout(b)
    return x is y and reads == others and a.type is b.type

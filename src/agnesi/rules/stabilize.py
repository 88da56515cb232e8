"""Expressions that overflow, or lose digits, become ones that do not.

before: divide(exp(x), broadcast_to(expand_dims(sum(exp(x), [1]), [1]), [n, 10]))
after:  softmax(x, [1])
with:   x: f32[n, 10]

before: log(add(exp(x), 1.0))
after:  softplus(x)
with:   x: f32[n]

The same is seen in gradients of such expressions, where the parts of a softmax stand far apart in
a product: ``products.py`` brings them together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agnesi.graph.graph import with_operands
from agnesi.graph.tensor import SizeValue
from agnesi.ops.arithmetic import Add, Divide, Multiply, Negative, Subtract, absolute
from agnesi.ops.choice import Cast, where
from agnesi.ops.elementary import (
    Erfc,
    Exp,
    Log,
    Sigmoid,
    erf,
    erfc,
    exp,
    expm1,
    log,
    log1p,
    logaddexp,
    sigmoid,
    softplus,
)
from agnesi.ops.families import Movement
from agnesi.ops.gathering import Gather
from agnesi.ops.movement import Reshape
from agnesi.ops.powers import sqrt, square
from agnesi.ops.probability import LogSoftmax, LogSumExp, Softmax
from agnesi.ops.reductions import Sum
from agnesi.ops.special import log_ndtr
from agnesi.rewrite.rule import RuleSet, rewrite
from agnesi.rules.canonicalize import CANONICALIZE
from agnesi.rules.merge_exponentials import MERGE_EXPONENTIALS
from agnesi.rules.notation import identities, positive, stable
from agnesi.rules.products import origin, respread, spread_over, sum_of_exp
from agnesi.rules.tensors import aligned, apply, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace
    from agnesi.rules.notation import Bool, Float, Pairs

_MOVES = (Movement, Reshape, Gather)
_NEAR_0 = stable("1 + x forgets the last digits of a small x")
_NEAR_1 = stable("the digits of 1 - s are lost where s is nearly 1")
_FAR_OUT = stable("erfc is 0 for large x")
_OVERFLOW = stable("exp overflows for large x, and is 0 for small ones")


def _log_erfc(x: Float) -> Tensor:
    return log_ndtr(x * -math.sqrt(2)) + math.log(2)


@identities
def LOGARITHMS(x: Float, y: Float) -> Pairs:
    """Logarithms and exponentials of one another, and of what is near 1."""
    return [
        (log(x + 1), log1p(x), _NEAR_0),
        (log(1 - x), log1p(-x), _NEAR_0),
        (exp(x) - 1, expm1(x), _NEAR_0),
        (exp(x) + -1, expm1(x), _NEAR_0),
        (1 - exp(x), -expm1(x), _NEAR_0),
        (log1p(expm1(x)), x, _OVERFLOW),
        (log(exp(x)), x, _OVERFLOW),
        (log(exp(x) + exp(y)), logaddexp(x, y), _OVERFLOW),
        (exp(log(x)), x, positive(x), stable("the rounding of the logarithm is not blown up")),
        (sqrt(square(x)), absolute(x), stable("the square overflows for large x")),
        (1 - erf(x), erfc(x), _NEAR_1),
        (erf(x) + 1, erfc(-x), _NEAR_1),
        (erf(x) - 1, -erfc(x), _NEAR_1),
        (erf(x) + -1, -erfc(x), _NEAR_1),
        (log(erfc(x)), where(x > 1, _log_erfc(x), log1p(-erf(x))), _FAR_OUT),
    ]


@identities
def LOGISTIC(x: Float, y: Float) -> Pairs:
    """The logistic function and its logarithm."""
    return [
        (log1p(exp(x)), softplus(x), _OVERFLOW),
        (y / (exp(x) + 1), y * sigmoid(-x), _OVERFLOW),
        (1 - sigmoid(x), sigmoid(-x), _NEAR_1),
        (sigmoid(x) - 1, -sigmoid(-x), _NEAR_1),
        (sigmoid(x) + -1, -sigmoid(-x), _NEAR_1),
        (log(sigmoid(x)), -softplus(-x), stable("sigmoid(x) is 0 for small x")),
        (log1p(-sigmoid(x)), -softplus(x), _NEAR_1),
        (softplus(x) - x, softplus(-x), stable("the digits of a small difference are lost")),
        (x - softplus(x), -softplus(-x), stable("the digits of a small difference are lost")),
    ]


@identities
def CHOICES(c: Bool, x: Float, y: Float) -> Pairs:
    """Sums of what is 0 by the same choice: what they are multiplied by is chosen with them."""
    return [
        (where(c, x, 0) + where(c, y, 0), where(c, x + y, 0)),
        (where(c, 0, x) + where(c, 0, y), where(c, 0, x + y)),
        (where(c, x, 0) - where(c, y, 0), where(c, x - y, 0)),
        (where(c, 0, x) - where(c, 0, y), where(c, 0, x - y)),
    ]


@rewrite(Log)
def merge_log(node: Log) -> Tensor | None:
    """The logarithm of a sum of exponentials, or of a softmax, is an op of its own."""
    if not node.dtype.is_float:
        return None  # a complex logarithm has no largest element to start from
    match node.x:
        case Sum(Exp(x), axes):
            return LogSumExp(x, axes)
        case Softmax(x, axes):
            return LogSoftmax(x, axes)
        case _:
            return None


@rewrite(Log)
def lift_movement(node: Log) -> Tensor | None:
    """Axes are moved after the logarithm of what has a stable one.

    before: log(expand_dims(sum(exp(x), [1]), [1]))
    after:  expand_dims(log(sum(exp(x), [1])), [1])
    with:   x: f32[n, 4]
    """
    moved = node.x
    if not isinstance(moved, _MOVES) or not node.dtype.is_float:
        return None
    core: Tensor = moved
    while isinstance(core, _MOVES):
        core = core.operands[0]
    if _has_stable_log(core) or (isinstance(core, Multiply | Divide) and _split(core) is not None):
        source, *indices = moved.operands
        return with_operands(moved, (Log(source), *indices))
    return None


def _has_stable_log(x: Tensor) -> bool:
    return isinstance(x, Exp | Sigmoid | Softmax | Erfc) or sum_of_exp(x) is not None


@rewrite(Log)
def split_log(node: Log) -> Tensor | None:
    """The logarithm of a mean of exponentials.

    before: log(divide(sum(exp(x), [0]), 10.0))
    after:  subtract(log(sum(exp(x), [0])), broadcast_to(log(10.0), [4]))
    with:   x: f32[10, 4]
    """
    parts = _split(node.x) if node.dtype.is_float else None
    if parts is None:
        return None
    core, scale = parts
    return (Add if isinstance(node.x, Multiply) else Subtract)(Log(core), Log(scale))


def _split(x: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return what has a stable logarithm, and the positive number it is scaled by."""
    if not isinstance(x, Multiply | Divide) or not aligned(x):
        return None
    core = origin(x.x)[0]
    return (x.x, x.y) if _has_stable_log(core) and _is_scale(x.y) else None


def _is_scale(x: Tensor) -> bool:
    value = number(x)
    if value is not None:
        return not isinstance(value, complex) and 0 < value < float("inf")
    match origin(x)[0]:
        case Cast(SizeValue()):
            return True
        case _:
            return False


@rewrite(Subtract)
def merge_log_softmax(node: Subtract) -> Tensor | None:
    """What is left of the logits when their log-sum-exp is taken away."""
    if not aligned(node):
        return None
    for x, spread in ((node.x, node.y), (node.y, node.x)):
        match spread_over(spread):
            case LogSumExp(z, inner), axes if z is x and inner == axes:
                result = LogSoftmax(x, axes)
                return result if x is node.x else Negative(result)
            case _:
                continue
    return None


@rewrite(Exp)
def merge_exp(node: Exp) -> Tensor | None:
    """The exponential of a log-softmax is the softmax."""
    match node.x:
        case LogSoftmax(x, axes):
            return Softmax(x, axes)
        case _:
            return None


@rewrite(Softmax, LogSoftmax)
def drop_shift(node: Softmax | LogSoftmax) -> Tensor | None:
    """A softmax does not see what is the same for all its elements; it subtracts the largest."""
    match node.x:
        case Subtract(x, shift) | Add(x, shift) if aligned(node.x):
            for kept, gone in ((x, shift), (shift, x)):
                reads = origin(gone)[1]
                if all(reads[k] is None for k in node.axes):
                    kept_now = Negative(kept) if kept is not x and _is_minus(node.x) else kept
                    return type(node)(kept_now, node.axes)
        case _:
            pass
    return None


def _is_minus(x: Tensor) -> bool:
    return isinstance(x, Subtract)


@rewrite(Add)
def merge_shifted_logsumexp(node: Add) -> Tensor | None:
    """A log-sum-exp that was shifted by hand is shifted by the op itself.

    before: add(log_sum_exp(subtract(x, broadcast_to(expand_dims(y, [1]), [n, 4])), [1]), y)
    after:  log_sum_exp(x, [1])
    with:   x: f32[n, 4], y: f32[n]
    """
    if not aligned(node):
        return None
    for moved, shift in ((node.x, node.y), (node.y, node.x)):
        total, reads = origin(moved)
        match total:
            case LogSumExp(Subtract(x, spread), axes) if aligned(total.operands[0]):
                taken, over = spread_over(spread)
                same = _same_source(taken, shift, reads)
                if over == axes and same:
                    return respread(moved, LogSumExp(x, axes))
            case _:
                continue
    return None


def _same_source(taken: Tensor, shift: Tensor, reads: tuple[int | None, ...]) -> bool:
    core, own_reads = origin(shift)
    return core is taken and own_reads == reads


STABILIZE = RuleSet(
    "stabilize",
    "a stable op takes the place of several that are not; the others are those of canonicalize",
    (
        merge_log,
        lift_movement,
        split_log,
        merge_log_softmax,
        merge_exp,
        drop_shift,
        merge_shifted_logsumexp,
        *MERGE_EXPONENTIALS,
        LOGARITHMS,
        LOGISTIC,
        CHOICES,
        *CANONICALIZE.parts,
    ),
)


def stabilize(outputs: Iterable[Tensor], trace: Trace) -> list[Tensor]:
    """Return the outputs in normal form, with stable ops where they were written naively."""
    return apply(outputs, STABILIZE, trace)

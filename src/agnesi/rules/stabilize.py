"""Expressions that overflow, or lose digits, become ones that do not.

before: divide(exp(x), broadcast_to(expand_dims(sum(exp(x), [1]), [1]), [n, 10]))
after:  softmax(x, [1])

before: log(add(exp(x), broadcast_to(1.0, [n])))
after:  softplus(x)

The same is seen in gradients of such expressions, where the parts of a softmax stand far apart in
a product: ``products.py`` brings them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops.arithmetic import Add, Divide, Multiply, Negative, Sign, Subtract, Absolute
from agnesi.ops.choice import Cast
from agnesi.ops.elementary import (
    Exp,
    Log,
    Sigmoid,
    erf,
    erfc,
    exp,
    expm1,
    log,
    log1p,
    sigmoid,
    softplus,
)
from agnesi.ops.families import Movement
from agnesi.ops.movement import Reshape
from agnesi.ops.powers import sqrt, square
from agnesi.ops.arithmetic import absolute
from agnesi.ops.probability import LogSoftmax, LogSumExp, Softmax
from agnesi.ops.reductions import Sum
from agnesi.rewrite.rule import RuleSet, rewrite
from agnesi.rules.canonicalize import CANONICALIZE
from agnesi.rules.notation import identities, positive, stable
from agnesi.rules.products import (
    Product,
    flatten,
    is_same,
    join,
    spread_over,
    sum_of_exp,
)
from agnesi.rules.tensors import aligned, apply, filled, literal, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace
    from agnesi.rules.notation import Float, Pairs

_NEAR_0 = stable("1 + x forgets the last digits of a small x")
_NEAR_1 = stable("the digits of 1 - s are lost where s is nearly 1")
_OVERFLOW = stable("exp overflows for large x, and is 0 for small ones")


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
        (expm1(log1p(x)), x, positive(x), _NEAR_0),
        (log(exp(x)), x, _OVERFLOW),
        (exp(log(x)), x, positive(x), stable("the rounding of the logarithm is not blown up")),
        (exp(x) / exp(y), exp(x - y), _OVERFLOW),
        (sqrt(square(x)), absolute(x), stable("the square overflows for large x")),
        (1 - erf(x), erfc(x), _NEAR_1),
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

"""Steps down a gradient.

Each function takes gradients and the shared variables that they belong to, and returns pairs of a
shared variable and its new value.  A rate is a number or a scalar, such as an input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from agnesi.compile.shared import Shared, shared
from agnesi.core.errors import FunctionError
from agnesi.ops.elementary import expm1
from agnesi.ops.powers import sqrt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agnesi.graph.tensor import Tensor

    Updates = list[tuple[Shared, Tensor]]
    Rate = float | Tensor


def sgd(gradients: Sequence[Tensor], parameters: Sequence[Shared], rate: Rate) -> Updates:
    """Gradient descent: ``p - rate * g``.

    H. Robbins, S. Monro: A stochastic approximation method.  Annals of Mathematical Statistics 22
    (1951), 400-407.

    Args:
        gradients: of the cost, of the parameters' shapes and dtypes.
        parameters: shared variables of floats.
        rate: the learning rate.

    Raises:
        FunctionError: there are not as many gradients as parameters, or a parameter is no shared
            variable.
    """
    return [(p, p - rate * g) for g, p in _pairs("sgd", gradients, parameters)]


def momentum(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate,
    decay: float = 0.9,
    *,
    nesterov: bool = False,
) -> Updates:
    """Gradient descent with momentum: ``v = decay * v - rate * g``, ``p + v``.

    B. T. Polyak: Some methods of speeding up the convergence of iteration methods.  USSR
    Computational Mathematics and Mathematical Physics 4 (1964), 1-17.  Nesterov's in the form of
    Y. Bengio, N. Boulanger-Lewandowski, R. Pascanu: Advances in optimizing recurrent networks.
    ICASSP (2013), equation 7: ``p + decay * v - rate * g``, with the new ``v``.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate.
        decay: how much of the speed is kept.
        nesterov: look ahead.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    updates: Updates = []
    for g, p in _pairs("momentum", gradients, parameters):
        speed = _beside(p, "speed")
        new = decay * speed - rate * g
        updates += [(speed, new), (p, p + (decay * new - rate * g if nesterov else new))]
    return updates


def rmsprop(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 1e-3,
    decay: float = 0.9,
    epsilon: float = 1e-8,
) -> Updates:
    """Gradients over the root of their mean square: ``p - rate * g / (sqrt(s) + epsilon)``.

    T. Tieleman, G. Hinton: Lecture 6.5, RMSProp.  Coursera, Neural networks for machine learning
    (2012).

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate.
        decay: of the mean of squares, ``s = decay * s + (1 - decay) * g**2``.
        epsilon: keeps the quotient finite.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    updates: Updates = []
    for g, p in _pairs("rmsprop", gradients, parameters):
        square = _beside(p, "square")
        new = decay * square + (1 - decay) * g * g
        updates += [(square, new), (p, p - rate * g / (sqrt(new) + epsilon))]
    return updates


def adam(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 1e-3,
    decays: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> Updates:
    """Adam: means of gradients and of their squares, both corrected for having begun at zero.

    D. P. Kingma, J. Ba: Adam: a method for stochastic optimization.  ICLR (2015), arXiv 1412.6980,
    algorithm 1.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate, about the size of a step.
        decays: of the mean of gradients and of the mean of their squares.
        epsilon: keeps the quotient finite.

    Raises:
        FunctionError: as :func:`sgd`.

    >>> w = ag.shared(np.zeros(2, np.float32), "w")
    >>> loss = ((w - ag.constant([1.0, -3.0])) ** 2).sum()
    >>> updates = ag.optim.adam(ag.grad(loss, [w]), [w], rate=0.01)
    >>> _ = ag.function([], [], updates=updates)()
    >>> w.get_value().round(6)
    array([ 0.01, -0.01], dtype=float32)
    """
    count = shared(np.zeros((), np.int64), "adam_count")
    steps = count + 1
    updates: Updates = [(count, steps)]
    for g, p in _pairs("adam", gradients, parameters):
        mean, square = _beside(p, "mean"), _beside(p, "square")
        new_mean = decays[0] * mean + (1 - decays[0]) * g
        new_square = decays[1] * square + (1 - decays[1]) * g * g
        # 1 - decay**steps, exact also for the first steps.
        made = [-expm1(steps.astype(p.dtype) * math.log(decay)) for decay in decays]
        root = sqrt(new_square / made[1])
        step = rate * (new_mean / made[0]) / (root + epsilon)
        updates += [(mean, new_mean), (square, new_square), (p, p - step)]
    return updates


def _pairs(
    what: str, gradients: Sequence[Tensor], parameters: Sequence[Shared]
) -> Iterator[tuple[Tensor, Shared]]:
    """Gradients with their parameters."""
    if len(gradients) != len(parameters):
        raise FunctionError(
            f"{what}: {len(gradients)} gradients for {len(parameters)} parameters\n"
            "  Give one for each: ag.grad(loss, parameters)."
        )
    for parameter in parameters:
        if not isinstance(parameter, Shared):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise FunctionError(
                f"{what}: {parameter!r} is no shared variable, and cannot be updated\n"
                "  Keep what is learnt in shared variables: shared(value)."
            )
    return zip(gradients, parameters, strict=True)


def _beside(parameter: Shared, what: str) -> Shared:
    """A shared variable of zeros, of a parameter's type."""
    value = parameter.get_value(borrow=True)
    sizes = [size if isinstance(size, int) else None for size in parameter.declared.shape]
    return shared(np.zeros_like(value), f"{what}_{parameter.name or 'p'}", shape=sizes)

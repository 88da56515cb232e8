"""Steps down a gradient, with one rate for all elements.

Each function takes gradients and the shared variables that they belong to, and returns pairs of a
shared variable and its new value.  A rate is a number or a scalar, such as an input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.optim.rules import beside, pairs, scalar_of, wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Tensor
    from agnesi.optim.rules import Rate, Updates


def sgd(gradients: Sequence[Tensor], parameters: Sequence[Shared], rate: Rate) -> Updates:
    """Gradient descent: ``p - rate * g``.

    H. Robbins, S. Monro: A stochastic approximation method.  Annals of Mathematical Statistics 22
    (1951), 400-407.

    Args:
        gradients: of the cost, of the parameters' shapes and dtypes.
        parameters: shared variables of floats.
        rate: the learning rate.

    Raises:
        FunctionError: there are not as many gradients as parameters, a parameter is no shared
            variable of floats, or the rate is no scalar.
    """
    return [
        (p, p - scalar_of("sgd", rate, p.dtype) * g)
        for g, p in pairs("sgd", gradients, parameters, widen=False)
    ]


def momentum(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate,
    decay: Rate = 0.9,
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
        decay: how much of the speed is kept, a number or a scalar.
        nesterov: look ahead.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    updates: Updates = []
    for g, p in pairs("momentum", gradients, parameters):
        speed = beside(p, "speed")
        kept, step = (
            scalar_of("momentum", decay, wide(p.dtype), "decay"),
            scalar_of("momentum", rate, wide(p.dtype)) * g,
        )
        new = kept * speed - step
        moved = p + (kept * new - step if nesterov else new)
        updates += [(speed, new), (p, moved.astype(p.dtype))]
    return updates

"""Steps down a gradient, with a rate for each element by what its gradients were.

Numbers that keep quotients finite (``epsilon``) stand where the papers have them, which is not
where every library has them.  Beside parameters in half precision, all is computed and remembered
in float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agnesi.ops.arithmetic import absolute, maximum
from agnesi.ops.elementary import expm1
from agnesi.ops.powers import sqrt
from agnesi.optim.decay import decoupled_weight_decay
from agnesi.optim.rules import beside, counted, pairs, scalar_of, wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Tensor
    from agnesi.optim.rules import Rate, Updates


def adagrad(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 0.01,
    epsilon: float = 1e-8,
) -> Updates:
    """Gradients over the root of the sum of their squares so far.

    ``s = s + g**2``, ``p - rate * g / (sqrt(s) + epsilon)``.  J. Duchi, E. Hazan, Y. Singer:
    Adaptive subgradient methods for online learning and stochastic optimization.  Journal of
    Machine Learning Research 12 (2011), 2121-2159, figure 1 with diagonal matrices.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate.
        epsilon: keeps the quotient finite.

    Raises:
        FunctionError: as :func:`sgd`.

    >>> w = ag.shared(np.array([4.0, -1.0], np.float32), "w")
    >>> loss = (w**2).sum()
    >>> step = ag.function([], [], updates=ag.optim.adagrad(ag.grad(loss, [w]), [w], rate=0.5))
    >>> _ = step()
    >>> w.get_value()
    array([ 3.5, -0.5], dtype=float32)
    """
    updates: Updates = []
    for g, p in pairs("adagrad", gradients, parameters):
        total = beside(p, "total")
        new = total + g * g
        step = scalar_of("adagrad", rate, wide(p.dtype)) * g / (sqrt(new) + epsilon)
        updates += [(total, new), (p, (p - step).astype(p.dtype))]
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
    (2012).  The form of Graves, with a mean that is taken away and momentum, is
    :func:`graves_rmsprop`.

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
    for g, p in pairs("rmsprop", gradients, parameters):
        square = beside(p, "square")
        new = decay * square + (1 - decay) * g * g
        step = scalar_of("rmsprop", rate, wide(p.dtype)) * g / (sqrt(new) + epsilon)
        updates += [(square, new), (p, (p - step).astype(p.dtype))]
    return updates


def graves_rmsprop(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 1e-4,
    decay: float = 0.95,
    *,
    momentum: float = 0.9,
    epsilon: float = 1e-4,
) -> Updates:
    """Gradients over the root of their variance, with momentum.

    ::

        s = decay * s + (1 - decay) * g**2
        m = decay * m + (1 - decay) * g
        v = momentum * v - rate * g / sqrt(s - m**2 + epsilon)
        p + v

    A. Graves: Generating sequences with recurrent neural networks.  arXiv 1308.0850 (2013),
    equations 38 to 41, and its numbers.  ``s - m**2`` is taken as 0 where rounding makes it less.
    ``momentum=0`` is what is called centred RMSProp elsewhere.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate.
        decay: of the means of gradients and of their squares.
        momentum: how much of the speed is kept.
        epsilon: keeps the quotient finite; it stands under the root.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    updates: Updates = []
    for g, p in pairs("graves_rmsprop", gradients, parameters):
        square, mean, speed = beside(p, "square"), beside(p, "mean"), beside(p, "speed")
        new_square = decay * square + (1 - decay) * g * g
        new_mean = decay * mean + (1 - decay) * g
        root = sqrt(maximum(new_square - new_mean * new_mean, 0) + epsilon)
        new = momentum * speed - scalar_of("graves_rmsprop", rate, wide(p.dtype)) * g / root
        updates += [
            (square, new_square),
            (mean, new_mean),
            (speed, new),
            (p, (p + new).astype(p.dtype)),
        ]
    return updates


def adadelta(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 1.0,
    decay: float = 0.95,
    epsilon: float = 1e-6,
) -> Updates:
    """Steps as large as earlier ones were for gradients of this size; there is no rate to choose.

    ::

        s = decay * s + (1 - decay) * g**2
        d = -sqrt(u + epsilon) / sqrt(s + epsilon) * g
        u = decay * u + (1 - decay) * d**2
        p + rate * d

    M. D. Zeiler: ADADELTA: an adaptive learning rate method.  arXiv 1212.5701 (2012), algorithm 1,
    and its numbers.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: scales the steps; the paper has none.
        decay: of the means of squares of gradients and steps.
        epsilon: keeps the quotient finite, and makes the first steps.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    updates: Updates = []
    for g, p in pairs("adadelta", gradients, parameters):
        square, moved = beside(p, "square"), beside(p, "moved")
        new = decay * square + (1 - decay) * g * g
        step = sqrt(moved + epsilon) / sqrt(new + epsilon) * g
        new_moved = decay * moved + (1 - decay) * step * step
        scaled = scalar_of("adadelta", rate, wide(p.dtype)) * step
        updates += [(square, new), (moved, new_moved), (p, (p - scaled).astype(p.dtype))]
    return updates


def adam(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 1e-3,
    decays: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    *,
    amsgrad: bool = False,
) -> Updates:
    """Adam: means of gradients and of their squares, both corrected for having begun at zero.

    D. P. Kingma, J. Ba: Adam: a method for stochastic optimization.  ICLR (2015), arXiv 1412.6980,
    algorithm 1.  With ``amsgrad``, the mean of squares is the largest there was: S. J. Reddi,
    S. Kale, S. Kumar: On the convergence of Adam and beyond.  ICLR (2018), arXiv 1904.09237,
    algorithm 2, to which the correction for having begun at zero is added, as libraries have it.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate, about the size of a step.
        decays: of the mean of gradients and of the mean of their squares.
        epsilon: keeps the quotient finite.
        amsgrad: never let steps become longer again.

    Raises:
        FunctionError: as :func:`sgd`.

    >>> w = ag.shared(np.zeros(2, np.float32), "w")
    >>> loss = ((w - ag.constant([1.0, -3.0])) ** 2).sum()
    >>> updates = ag.optim.adam(ag.grad(loss, [w]), [w], rate=0.01)
    >>> _ = ag.function([], [], updates=updates)()
    >>> w.get_value().round(6)
    array([ 0.01, -0.01], dtype=float32)
    """
    count, steps = counted("adam_count")
    updates: Updates = [(count, steps)]
    for g, p in pairs("adam", gradients, parameters):
        mean, square = beside(p, "mean"), beside(p, "square")
        new_mean = decays[0] * mean + (1 - decays[0]) * g
        new_square = decays[1] * square + (1 - decays[1]) * g * g
        size = new_square
        if amsgrad:
            most = beside(p, "most")
            size = maximum(most, new_square)
            updates.append((most, size))
        root = sqrt(size / _weight(steps, decays[1], p)) + epsilon
        step = (
            scalar_of("adam", rate, wide(p.dtype))
            * (new_mean / _weight(steps, decays[0], p))
            / root
        )
        updates += [(mean, new_mean), (square, new_square), (p, (p - step).astype(p.dtype))]
    return updates


def adamw(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 1e-3,
    decays: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
    *,
    weight_decay: Rate = 0.01,
    amsgrad: bool = False,
) -> Updates:
    """Adam with weights that decay by themselves: a step of Adam, and ``-rate*weight_decay*p``.

    I. Loshchilov, F. Hutter: Decoupled weight decay regularization.  ICLR (2019), arXiv 1711.05101,
    algorithm 2.  There, ``weight_decay`` is scaled by the schedule alone; here by the rate, as in
    PyTorch and optax.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate.
        decays: as :func:`adam`.
        epsilon: as :func:`adam`.
        weight_decay: how much of a weight goes in a step, before it is scaled by the rate.
        amsgrad: as :func:`adam`.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    updates = adam(gradients, parameters, rate, decays, epsilon, amsgrad=amsgrad)
    return decoupled_weight_decay(updates, parameters, rate * weight_decay)


def adamax(
    gradients: Sequence[Tensor],
    parameters: Sequence[Shared],
    rate: Rate = 2e-3,
    decays: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> Updates:
    """Adam with the largest gradient, which is forgotten slowly, in place of the root mean square.

    ``m = decays[0] * m + (1 - decays[0]) * g``, ``u = max(decays[1] * u, abs(g))``,
    ``p - rate / (1 - decays[0]**t) * m / (u + epsilon)``.  D. P. Kingma, J. Ba: Adam: a method for
    stochastic optimization.  ICLR (2015), arXiv 1412.6980, algorithm 2, which has no ``epsilon``.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats.
        rate: the learning rate.
        decays: of the mean of gradients and of the largest.
        epsilon: keeps the quotient finite where all gradients were 0.

    Raises:
        FunctionError: as :func:`sgd`.
    """
    count, steps = counted("adamax_count")
    updates: Updates = [(count, steps)]
    for g, p in pairs("adamax", gradients, parameters):
        mean, largest = beside(p, "mean"), beside(p, "largest")
        new_mean = decays[0] * mean + (1 - decays[0]) * g
        new_largest = maximum(decays[1] * largest, absolute(g))
        scale = scalar_of("adamax", rate, wide(p.dtype)) / _weight(steps, decays[0], p)
        step = scale * new_mean / (new_largest + epsilon)
        updates += [(mean, new_mean), (largest, new_largest), (p, (p - step).astype(p.dtype))]
    return updates


def _weight(steps: Tensor, decay: float, p: Shared) -> Tensor | float:
    """``1 - decay**steps``, exact for the first steps, too: the share a mean has seen."""
    if decay == 0:
        return 1.0
    return -expm1(steps.astype(wide(p.dtype)) * math.log(decay))

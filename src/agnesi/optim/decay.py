"""Weights that are drawn to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops.arithmetic import sign
from agnesi.optim.rules import mapped, pairs, scalar_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Tensor
    from agnesi.optim.rules import Rate, Updates


def weight_decay(
    gradients: Sequence[Tensor], parameters: Sequence[Shared], l2: Rate = 0.0, l1: Rate = 0.0
) -> list[Tensor]:
    """Return the gradients of a cost to which ``l2/2 * sum(p**2) + l1 * sum(abs(p))`` is added.

    A. Krogh, J. A. Hertz: A simple weight decay can improve generalization.  NIPS 4 (1991),
    950-957; R. Tibshirani: Regression shrinkage and selection via the lasso.  Journal of the Royal
    Statistical Society B 58 (1996), 267-288.

    Args:
        gradients: of the cost.
        parameters: shared variables of floats that decay; biases as a rule do not.
        l2: of ``p`` itself, which is added to its gradient.
        l1: of the sign of ``p``.

    Returns:
        Gradients, for an optimiser; what is adaptive scales the decay, too
        (:func:`decoupled_weight_decay` does not).

    Raises:
        FunctionError: as :func:`sgd`.

    >>> w = ag.shared(np.array([2.0, -1.0], np.float32), "w")
    >>> gradients = ag.optim.weight_decay([ag.zeros(2)], [w], l2=0.5, l1=0.25)
    >>> gradients[0].eval()
    array([ 1.25, -0.75], dtype=float32)
    """
    added: list[Tensor] = []
    for g, p in pairs("weight_decay", gradients, parameters, widen=False):
        total = g
        for scale, name in ((l2, "l2"), (l1, "l1")):
            if isinstance(scale, float | int) and scale == 0:
                continue
            factor = scalar_of("weight_decay", scale, p.dtype, name)
            total = total + factor * (p if name == "l2" else sign(p))
        added.append(total)
    return added


def decoupled_weight_decay(updates: Updates, parameters: Sequence[Shared], decay: Rate) -> Updates:
    """Return updates that take a share of the old weights away besides: ``new - decay * p``.

    I. Loshchilov, F. Hutter: Decoupled weight decay regularization.  ICLR (2019), arXiv 1711.05101,
    algorithms 1 and 2.

    Args:
        updates: of an optimiser.
        parameters: those that decay.
        decay: the share that goes in a step, a number or a scalar; ``rate * decay`` where the rate
            is to scale it.

    Raises:
        FunctionError: a parameter has no update, or the decay is no scalar.

    >>> w = ag.shared(np.array([2.0], np.float32), "w")
    >>> updates = ag.optim.sgd([ag.ones(1)], [w], rate=0.5)
    >>> _ = ag.function([], [], updates=ag.optim.decoupled_weight_decay(updates, [w], 0.1))()
    >>> w.get_value()
    array([1.3], dtype=float32)
    """
    what = "decoupled_weight_decay"
    return mapped(
        what, updates, parameters, lambda p, new: new - scalar_of(what, decay, p.dtype, "decay") * p
    )

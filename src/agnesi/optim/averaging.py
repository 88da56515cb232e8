"""Averages of weights over steps, which are often better than the last weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agnesi.ops.arithmetic import maximum
from agnesi.optim.rules import counted, like, mapped, scalar_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Tensor
    from agnesi.optim.rules import Rate, Updates


class Averaged(NamedTuple):
    """Updates with those of averages, and the averages.

    Attributes:
        updates: for :func:`agnesi.function`.
        averages: shared variables, one for each parameter; ``givens=dict(zip(parameters,
            averages))`` of :func:`agnesi.function` makes a function that uses them.
    """

    updates: Updates
    averages: list[Shared]


def exponential_average(
    updates: Updates, parameters: Sequence[Shared], decay: Rate = 0.999
) -> Averaged:
    """Keep means of parameters that forget: ``a = decay * a + (1 - decay) * p``, with the new p.

    They begin at the parameters' present values.  As A. Tarvainen, H. Valpola: Mean teachers are
    better role models.  NIPS 30 (2017), arXiv 1703.01780, equation 1.

    Args:
        updates: of an optimiser.
        parameters: those that are averaged.
        decay: how much of the mean is kept in a step, a number or a scalar.

    Raises:
        FunctionError: a parameter has no update.

    >>> w = ag.shared(np.array([1.0], np.float32), "w")
    >>> updates, (mean,) = ag.optim.exponential_average([(w, w + 4.0)], [w], decay=0.75)
    >>> _ = ag.function([], [], updates=updates)()
    >>> w.get_value(), mean.get_value()
    (array([5.], dtype=float32), array([2.], dtype=float32))
    """

    def keep(mean: Shared, new: Tensor) -> Tensor:
        kept = scalar_of("exponential_average", decay, mean.dtype, "decay")
        return mean + (1 - kept) * (new - mean)

    means, averages = _beside("exponential_average", updates, parameters)
    return Averaged([*updates, *((a, keep(a, new)) for a, new in means)], averages)


def polyak_average(updates: Updates, parameters: Sequence[Shared], after: int = 0) -> Averaged:
    """Keep the mean of parameters over all steps that come after some.

    B. T. Polyak, A. B. Juditsky: Acceleration of stochastic approximation by averaging.  SIAM
    Journal on Control and Optimization 30 (1992), 838-855.

    Args:
        updates: of an optimiser.
        parameters: those that are averaged.
        after: how many steps come before the first that counts; until then the averages are the
            parameters.

    Raises:
        FunctionError: a parameter has no update.

    >>> w = ag.shared(np.array([0.0], np.float32), "w")
    >>> updates, (mean,) = ag.optim.polyak_average([(w, w + 1.0)], [w])
    >>> step = ag.function([], [], updates=updates)
    >>> _ = [step() for k in range(3)]
    >>> w.get_value(), mean.get_value()  # the mean of 1, 2 and 3
    (array([3.], dtype=float32), array([2.], dtype=float32))
    """
    means, averages = _beside("polyak_average", updates, parameters)
    count, steps = counted("polyak_count")
    counting = maximum(steps - after, 1)
    kept = [(a, a + (new - a) / counting.astype(a.dtype)) for a, new in means]
    return Averaged([*updates, (count, steps), *kept], averages)


def _beside(
    what: str, updates: Updates, parameters: Sequence[Shared]
) -> tuple[list[tuple[Shared, Tensor]], list[Shared]]:
    """Shared variables for averages with the parameters' new values, and they alone."""
    mapped(what, updates, parameters, lambda p, new: new)
    news = dict(updates)
    averages = [like(p, f"average_{p.name or 'p'}") for p in parameters]
    return [(a, news[p]) for a, p in zip(averages, parameters, strict=True)], averages

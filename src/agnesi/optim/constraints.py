"""Bounds that weights keep: functions from updates to updates, applied to new values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.core.errors import FunctionError
from agnesi.ops.arithmetic import maximum, minimum
from agnesi.ops.choice import where
from agnesi.ops.powers import sqrt
from agnesi.optim.rules import mapped, scalar_of, wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Axes, Tensor
    from agnesi.optim.rules import Rate, Updates


def max_norm(updates: Updates, parameters: Sequence[Shared], most: Rate, axes: Axes = 0) -> Updates:
    """Return updates after which no unit's weights are longer than a limit.

    N. Srebro, A. Shraibman: Rank, trace-norm and max-norm.  COLT (2005), 545-560; with dropout in
    N. Srivastava and others: Dropout: a simple way to prevent neural networks from overfitting.
    Journal of Machine Learning Research 15 (2014), 1929-1958, section 5.1.

    Args:
        updates: of an optimiser.
        parameters: those that keep the limit.
        most: the largest Euclidean norm of the weights of a unit, above 0.
        axes: those along which the weights of one unit lie: 0 for ``[inputs, units]``,
            ``(1, 2, 3)`` for kernels ``[out, in, height, width]``.

    Raises:
        FunctionError: a parameter has no update, or the limit is not above 0.

    >>> w = ag.shared(np.array([[3.0, 0.3], [4.0, 0.4]], np.float32), "w")
    >>> updates = ag.optim.sgd([ag.zeros((2, 2))], [w], rate=0.1)
    >>> _ = ag.function([], [], updates=ag.optim.max_norm(updates, [w], most=1.0))()
    >>> w.get_value()
    array([[0.6, 0.3],
           [0.8, 0.4]], dtype=float32)
    """
    if isinstance(most, float | int) and not most > 0:
        raise FunctionError(f"max_norm: the largest norm is above 0, but this is {most!r}")

    def change(p: Shared, new: Tensor) -> Tensor:
        limit = scalar_of("max_norm", most, p.dtype, "most")
        return new * (limit / maximum(_norms(new, axes), limit))

    return mapped("max_norm", updates, parameters, change)


def unit_norm(updates: Updates, parameters: Sequence[Shared], axes: Axes = 0) -> Updates:
    """Return updates after which each unit's weights have length 1; where all are 0 they stay.

    Dictionaries of sparse coding are kept so: B. A. Olshausen, D. J. Field: Sparse coding with an
    overcomplete basis set.  Vision Research 37 (1997), 3311-3325.

    Args:
        updates: of an optimiser.
        parameters: those that keep the length.
        axes: as :func:`max_norm` has them.

    Raises:
        FunctionError: a parameter has no update.
    """

    def change(p: Shared, new: Tensor) -> Tensor:
        del p
        norms = _norms(new, axes)
        return new / where(norms > 0, norms, 1)

    return mapped("unit_norm", updates, parameters, change)


def clip_weights(
    updates: Updates, parameters: Sequence[Shared], low: Rate | None, high: Rate | None
) -> Updates:
    """Return updates that keep weights in an interval.

    Args:
        updates: of an optimiser.
        parameters: those that are kept.
        low: the least value; None for no bound.
        high: the greatest value; None for no bound.

    Raises:
        FunctionError: a parameter has no update, or the least is above the greatest.
    """
    if isinstance(low, float | int) and isinstance(high, float | int) and low > high:
        raise FunctionError(f"clip_weights: nothing lies between {low!r} and {high!r}")

    def change(p: Shared, new: Tensor) -> Tensor:
        if low is not None:
            new = maximum(new, scalar_of("clip_weights", low, p.dtype, "low"))
        if high is not None:
            new = minimum(new, scalar_of("clip_weights", high, p.dtype, "high"))
        return new

    return mapped("clip_weights", updates, parameters, change)


def non_negative(updates: Updates, parameters: Sequence[Shared]) -> Updates:
    """Return updates that make 0 of weights below 0.

    Args:
        updates: of an optimiser.
        parameters: those that are kept.

    Raises:
        FunctionError: a parameter has no update.
    """
    return clip_weights(updates, parameters, 0.0, None)


def _norms(x: Tensor, axes: Any) -> Tensor:
    exact = x.astype(wide(x.dtype))
    return sqrt((exact * exact).sum(axes, keepdims=True)).astype(x.dtype)

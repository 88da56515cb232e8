"""Learning rates that change from step to step.

A schedule is a function of the number of steps made so far that gives a rate, a scalar tensor for
an optimiser.  :func:`step_counter` counts steps; an epoch that a call is given does as well.  They
are computed in float64 and given in ``dtype``, so that many steps are as exact as few.

>>> w = ag.shared(np.array([8.0], np.float32), "w")
>>> steps = ag.optim.step_counter()
>>> rate = ag.optim.exponential_decay(steps, 0.5, steps=1, factor=0.5)
>>> f = ag.function([], rate, updates=ag.optim.sgd([ag.ones(1)], [w], rate))
>>> float(f()), float(f()), float(f()), w.get_value()
(0.5, 0.25, 0.125, array([7.125], dtype=float32))
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.compile.shared import Shared, shared
from agnesi.core.dtypes import as_dtype
from agnesi.core.errors import CallError, FunctionError
from agnesi.graph.leaves import constant
from agnesi.ops.arithmetic import minimum
from agnesi.ops.choice import where
from agnesi.ops.lift import as_tensor
from agnesi.ops.rounding import floor
from agnesi.ops.trigonometric import cos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Tensor, TensorLike
    from agnesi.optim.rules import Rate


def step_counter(first: int = 0, name: str = "steps") -> Shared:
    """Return a shared integer that each call of a function which uses it counts up.

    Its default update does: a function that shows the rate only, and is not to count, is made with
    ``no_default_updates=True``.

    Args:
        first: the count before the first call.
        name: of the shared variable.

    >>> steps = ag.optim.step_counter()
    >>> f = ag.function([], steps * 10)
    >>> int(f()), int(f()), steps.get_value()
    (0, 10, array(2))
    """
    count = shared(np.asarray(first, np.int64), name)
    count.set_default_update(count + 1)
    return count


def constant_rate(count: TensorLike, rate: float, *, dtype: Any = "f32") -> Tensor:
    """Return a rate that stays.

    Args:
        count: steps so far.
        rate: the rate.
        dtype: of the result.
    """
    return (rate + 0 * _number("constant_rate", count)).astype(dtype)


def step_decay(
    count: TensorLike, rate: Rate, every: float, factor: float = 0.1, *, dtype: Any = "f32"
) -> Tensor:
    """Return a rate that is multiplied by a factor every so many steps.

    Args:
        count: steps so far.
        rate: the first rate.
        every: how many steps a rate lasts.
        factor: of a rate and the one before.
        dtype: of the result.

    Raises:
        FunctionError: ``every`` is not above 0, or ``count`` is no scalar.

    >>> [float(ag.optim.step_decay(k, 8.0, every=2, factor=0.5).eval()) for k in range(5)]
    [8.0, 8.0, 4.0, 4.0, 2.0]
    """
    times = floor(_number("step_decay", count) / _positive("step_decay", "every", every))
    return _scaled(rate, factor**times, dtype)


def exponential_decay(
    count: TensorLike, rate: Rate, steps: float, factor: float, *, dtype: Any = "f32"
) -> Tensor:
    """Return ``rate * factor**(count / steps)``.

    Args:
        count: steps so far.
        rate: the first rate.
        steps: after how many the rate has been multiplied by the factor.
        factor: above 0.
        dtype: of the result.

    Raises:
        FunctionError: ``steps`` or ``factor`` is not above 0, or ``count`` is no scalar.
    """
    _positive("exponential_decay", "factor", factor)
    part = _number("exponential_decay", count) / _positive("exponential_decay", "steps", steps)
    return _scaled(rate, factor**part, dtype)


def inverse_time_decay(
    count: TensorLike, rate: Rate, steps: float, *, dtype: Any = "f32"
) -> Tensor:
    """Return ``rate / (1 + count / steps)``, whose sum is unbounded and that of its squares is not.

    H. Robbins, S. Monro: A stochastic approximation method.  Annals of Mathematical Statistics 22
    (1951), 400-407.

    Args:
        count: steps so far.
        rate: the first rate.
        steps: after how many it is halved.
        dtype: of the result.

    Raises:
        FunctionError: ``steps`` is not above 0, or ``count`` is no scalar.
    """
    part = _number("inverse_time_decay", count) / _positive("inverse_time_decay", "steps", steps)
    return _scaled(rate, 1 / (1 + part), dtype)


def linear_decay(
    count: TensorLike, rate: float, steps: float, last: float = 0.0, *, dtype: Any = "f32"
) -> Tensor:
    """Return a rate that goes along a line from the first to the last, and stays there.

    Args:
        count: steps so far.
        rate: the first rate.
        steps: after how many the last is reached.
        last: the last rate, which may be the greater.
        dtype: of the result.

    Raises:
        FunctionError: ``steps`` is not above 0, or ``count`` is no scalar.

    >>> [float(ag.optim.linear_decay(k, 1.0, steps=4).eval()) for k in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    part = _part("linear_decay", count, steps)
    return (rate * (1 - part) + last * part).astype(dtype)


def cosine_decay(
    count: TensorLike,
    rate: float,
    steps: float,
    last: float = 0.0,
    *,
    restarts: bool = False,
    dtype: Any = "f32",
) -> Tensor:
    """Return a rate that goes down along half a period of a cosine, and stays there.

    I. Loshchilov, F. Hutter: SGDR: stochastic gradient descent with warm restarts.  ICLR (2017),
    arXiv 1608.03983, equation 5.

    Args:
        count: steps so far.
        rate: the first rate.
        steps: after how many the last is reached.
        last: the last rate.
        restarts: begin again after so many steps.
        dtype: of the result.

    Raises:
        FunctionError: ``steps`` is not above 0, or ``count`` is no scalar.

    >>> [round(float(ag.optim.cosine_decay(k, 1.0, steps=4).eval()), 3) for k in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    part = _part("cosine_decay", count, steps, turns=restarts)
    return (last + (rate - last) * (0.5 + 0.5 * cos(math.pi * part))).astype(dtype)


def piecewise_rate(
    count: TensorLike, ends: Sequence[float], rates: Sequence[float], *, dtype: Any = "f32"
) -> Tensor:
    """Return the first rate before the first end, the next before the next end, and so on.

    Args:
        count: steps so far.
        ends: counts at which the next rate begins, rising.
        rates: one more than ends.
        dtype: of the result.

    Raises:
        FunctionError: there is not one rate more than there are ends, or ends do not rise.

    >>> [float(ag.optim.piecewise_rate(k, [1, 3], [4.0, 2.0, 1.0]).eval()) for k in range(5)]
    [4.0, 2.0, 2.0, 1.0, 1.0]
    """
    if len(rates) != len(ends) + 1 or list(ends) != sorted(ends):
        raise FunctionError(
            f"piecewise_rate: rates {list(rates)} for ends {list(ends)}\n"
            "  Give rising ends, and a rate for what is before, between and behind them."
        )
    number = _number("piecewise_rate", count)
    rate: Tensor = constant(np.float64(rates[-1]))
    for end, value in zip(reversed(ends), reversed(rates[:-1]), strict=True):
        rate = where(number < end, value, rate)
    return rate.astype(dtype)


def warm_up(count: TensorLike, rate: Rate, steps: float, *, dtype: Any = "f32") -> Tensor:
    """Return a rate that is reached along a line: ``rate * min(1, (count + 1) / steps)``.

    P. Goyal and others: Accurate, large minibatch SGD: training ImageNet in 1 hour.  arXiv
    1706.02677 (2017), section 2.2.

    Args:
        count: steps so far.
        rate: what is reached; another schedule of the same count, as a rule.
        steps: how many it takes.
        dtype: of the result.

    Raises:
        FunctionError: ``steps`` is not above 0, or ``count`` or the rate is no scalar.

    >>> rates = [ag.optim.warm_up(k, 8.0, steps=4).eval() for k in range(6)]
    >>> [float(rate) for rate in rates]
    [2.0, 4.0, 6.0, 8.0, 8.0, 8.0]
    """
    made = (_number("warm_up", count) + 1) / _positive("warm_up", "steps", steps)
    return _scaled(rate, minimum(made, 1), dtype)


class ReduceOnPlateau:
    """Multiplies a shared rate by a factor when a number has not got better for some time.

    This runs in Python, between calls: give it the validation loss of each epoch.

    Attributes:
        rate: the shared variable.
        best: the best number so far.
        waited: how many numbers since were no better.

    >>> rate = ag.shared(np.float32(0.5), "rate")
    >>> plateau = ag.optim.ReduceOnPlateau(rate, factor=0.5, patience=2)
    >>> [plateau.see(loss) for loss in (3.0, 2.0, 2.1, 2.0, 1.9)]
    [False, False, False, True, False]
    >>> float(rate.get_value())
    0.25
    """

    def __init__(
        self,
        rate: Shared,
        factor: float = 0.1,
        patience: int = 10,
        *,
        least: float = 0.0,
        threshold: float = 1e-4,
        maximise: bool = False,
    ) -> None:
        """Begin.

        Args:
            rate: a shared scalar of floats.
            factor: between 0 and 1.
            patience: how many numbers in a row that are no better make the rate smaller.
            least: the rate is not made smaller than this.
            threshold: by which share of the best a number has to be better.
            maximise: larger numbers are better.

        Raises:
            FunctionError: the rate is no shared scalar of floats, or a setting makes no sense.
        """
        if not isinstance(rate, Shared) or rate.ndim or not rate.dtype.is_float:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise FunctionError(
                f"ReduceOnPlateau: the rate is a shared scalar of floats, and this is {rate!r}\n"
                "  Make one: ag.shared(np.float32(0.1), 'rate')."
            )
        if not 0 < factor < 1 or patience < 1:
            raise FunctionError(
                f"ReduceOnPlateau: factor={factor!r} and patience={patience!r}\n"
                "  The factor lies between 0 and 1, the patience is at least 1."
            )
        self.rate = rate
        self.factor, self.patience, self.least = factor, patience, least
        self.threshold, self.maximise = threshold, maximise
        self.best, self.waited = -math.inf if maximise else math.inf, 0

    def see(self, value: float) -> bool:
        """Take another number into account.

        Args:
            value: what is watched; NaN is no better than anything.

        Returns:
            Whether the rate was made smaller.
        """
        value = float(value)
        if self._is_better(value):
            self.best, self.waited = value, 0
            return False
        self.waited += 1
        if self.waited < self.patience:
            return False
        self.waited = 0
        old = self.rate.get_value()
        new = np.asarray(max(float(old) * self.factor, self.least), old.dtype)
        if new >= old:
            return False
        self.rate.set_value(new)
        return True

    def _is_better(self, value: float) -> bool:
        if math.isinf(self.best):
            return value > self.best if self.maximise else value < self.best
        margin = self.threshold * abs(self.best)
        return value > self.best + margin if self.maximise else value < self.best - margin

    def get_state(self) -> dict[str, float]:
        """Return what :meth:`set_state` takes; the rate itself is a shared variable."""
        return {"best": self.best, "waited": self.waited}

    def set_state(self, state: dict[str, float]) -> None:
        """Go on from where a state was got.

        Raises:
            CallError: this is no state.
        """
        try:
            self.best, self.waited = float(state["best"]), int(state["waited"])
        except (KeyError, TypeError, ValueError) as error:
            raise CallError(f"set_state: {state!r} is no state of a plateau: {error}") from error


def _number(what: str, count: TensorLike) -> Tensor:
    tensor = as_tensor(count)
    if tensor.ndim:
        raise FunctionError(f"{what}: a count is a scalar, and this is {tensor!r}, {tensor.type}")
    return tensor.astype("f64")


def _positive(what: str, name: str, value: float) -> float:
    if not value > 0:
        raise FunctionError(f"{what}: {name} is above 0, but this is {value!r}")
    return value


def _part(what: str, count: TensorLike, steps: float, *, turns: bool = False) -> Tensor:
    """How much of the way is made, from 0 to 1."""
    part = _number(what, count) / _positive(what, "steps", steps)
    return part - floor(part) if turns else minimum(part, 1)


def _scaled(rate: Rate, factor: Tensor, dtype: Any) -> Tensor:
    return (as_tensor(rate).astype("f64") * factor).astype(as_dtype(dtype))

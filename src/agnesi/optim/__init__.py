"""Optimisers: functions from gradients to the updates that :func:`agnesi.function` takes.

Each keeps what it remembers in shared variables that it makes, and gives their updates along with
those of the parameters.  Start at :mod:`agnesi.optim.descent`.  What comes before an optimiser maps
gradients to gradients (clipping, weight decay); what comes after it, updates to updates
(constraints, averages); rates are numbers or scalars, such as :mod:`agnesi.optim.schedules` give.

>>> w = ag.shared(np.array([1.0, -2.0], np.float32), "w")
>>> loss = (w**2).sum()
>>> step = ag.function([], loss, updates=ag.optim.sgd(ag.grad(loss, [w]), [w], rate=0.25))
>>> float(step()), w.get_value()
(5.0, array([ 0.5, -1. ], dtype=float32))
"""

from agnesi.optim.adaptive import (
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    graves_rmsprop,
    rmsprop,
)
from agnesi.optim.averaging import Averaged, exponential_average, polyak_average
from agnesi.optim.clipping import clip_by_global_norm, clip_by_norm, clip_by_value, global_norm
from agnesi.optim.constraints import clip_weights, max_norm, non_negative, unit_norm
from agnesi.optim.decay import decoupled_weight_decay, weight_decay
from agnesi.optim.descent import momentum, sgd
from agnesi.optim.schedules import (
    ReduceOnPlateau,
    constant_rate,
    cosine_decay,
    exponential_decay,
    inverse_time_decay,
    linear_decay,
    piecewise_rate,
    step_counter,
    step_decay,
    warm_up,
)

__all__ = [
    "Averaged",
    "ReduceOnPlateau",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "clip_weights",
    "constant_rate",
    "cosine_decay",
    "decoupled_weight_decay",
    "exponential_average",
    "exponential_decay",
    "global_norm",
    "graves_rmsprop",
    "inverse_time_decay",
    "linear_decay",
    "max_norm",
    "momentum",
    "non_negative",
    "piecewise_rate",
    "polyak_average",
    "rmsprop",
    "sgd",
    "step_counter",
    "step_decay",
    "unit_norm",
    "warm_up",
    "weight_decay",
]

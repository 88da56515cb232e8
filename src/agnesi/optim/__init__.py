"""Optimisers: functions from gradients to the updates that :func:`agnesi.function` takes.

Each keeps what it remembers in shared variables that it makes, and gives their updates along with
those of the parameters.  Start at :mod:`agnesi.optim.descent`.

>>> w = ag.shared(np.array([1.0, -2.0], np.float32), "w")
>>> loss = (w**2).sum()
>>> step = ag.function([], loss, updates=ag.optim.sgd(ag.grad(loss, [w]), [w], rate=0.25))
>>> float(step()), w.get_value()
(5.0, array([ 0.5, -1. ], dtype=float32))
"""

from agnesi.optim.clipping import clip_by_global_norm, global_norm
from agnesi.optim.descent import adam, momentum, rmsprop, sgd

__all__ = ["adam", "clip_by_global_norm", "global_norm", "momentum", "rmsprop", "sgd"]

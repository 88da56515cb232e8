"""A mode in which a program's functions are called before and after each application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.compile.mode import Mode
from agnesi.theano.compile.stepwise import Stepwise
from agnesi.theano.printing import debugprint

if TYPE_CHECKING:
    from collections.abc import Callable


class MonitorMode(Mode):
    """Runs a function application by application, and lets a program look on.

    Attributes:
        pre_func: called before an application is computed, with its number, the application, and
            what computes it: ``fn.inputs`` and ``fn.outputs`` are lists of one-element lists.
        post_func: called afterwards, with the same.
    """

    def __init__(
        self,
        pre_func: Callable[..., Any] | None = None,
        post_func: Callable[..., Any] | None = None,
        optimizer: Any = "default",
        linker: Any = None,
    ) -> None:
        self.pre_func, self.post_func = pre_func, post_func
        super().__init__(None, optimizer)
        if linker is not None and not isinstance(getattr(linker, "mode", None), MonitorMode):
            raise Exception(
                "MonitorMode can only use its own linker! You should not provide one.", linker
            )

    def watched(self, function: Any) -> Stepwise:
        """Return what runs a function."""
        return Stepwise(function, function.graph(), self.eval)

    def eval(self, i: int, node: Any, fn: Any) -> None:
        """Compute an application, between what the program wants to be called."""
        if self.pre_func is not None:
            self.pre_func(i, node, fn)
        fn()
        if self.post_func is not None:
            self.post_func(i, node, fn)

    def clone(self, link_kwargs: Any = None, optimizer: Any = "", **named: Any) -> MonitorMode:
        """Return a mode that calls the same functions."""
        del link_kwargs, named
        chosen = (
            self.provided_optimizer if isinstance(optimizer, str) and not optimizer else optimizer
        )
        return type(self)(self.pre_func, self.post_func, chosen)


def detect_nan(i: int, node: Any, fn: Any) -> None:
    """Print an application that gives NaN: a ``post_func`` of :class:`MonitorMode`."""
    del i
    for output in fn.outputs:
        value = output[0]
        if isinstance(value, np.random.RandomState) or not np.isnan(value).any():
            continue
        print("*** NaN detected ***")
        debugprint(node)
        print(f"Inputs : {[cell[0] for cell in fn.inputs]}")
        print(f"Outputs: {[cell[0] for cell in fn.outputs]}")
        break

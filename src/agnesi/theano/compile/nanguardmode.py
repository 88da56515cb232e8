"""A mode that looks at each result for NaN, infinity and huge numbers."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Any

import numpy as np

from agnesi.theano.compile.mode import Mode, makers
from agnesi.theano.compile.stepwise import Stepwise
from agnesi.theano.configparser import config
from agnesi.theano.gof.utils import get_variable_trace_string
from agnesi.theano.printing import debugprint

logger = logging.getLogger("theano.compile.nanguardmode")

# Numbers beyond this are huge.
_BIG = 1e10


def flatten(l: Any) -> list[Any]:
    """Return what is in lists and tuples, however nested, as one list."""
    if not isinstance(l, list | tuple | type({}.values())):
        return [l]
    found: list[Any] = []
    for each in l:
        found += flatten(each) if isinstance(each, list | tuple) else [each]
    return found


def _numbers(arr: Any, var: Any) -> Any:
    """Return a value as an array with elements; None for what has no numbers to look at."""
    if arr is None or isinstance(arr, slice | np.random.RandomState):
        return None
    if var is not None and (getattr(var.tag, "is_rng", False) or var.type.is_object):
        return None
    data = getattr(arr, "data", None)
    array = np.asarray(data if getattr(arr, "indptr", None) is not None else arr)
    return array if array.size and array.dtype.kind in "biufc" else None


def contains_nan(arr: Any, node: Any = None, var: Any = None) -> bool:
    """Whether a value has a NaN.

    Args:
        arr: the value.
        node: the application that gave it.
        var: the variable whose value it is.
    """
    del node
    array = _numbers(arr, var)
    return array is not None and array.dtype.kind in "fc" and bool(np.isnan(array).any())


def contains_inf(arr: Any, node: Any = None, var: Any = None) -> bool:
    """Whether a value has an infinity.

    Args:
        arr: the value.
        node: the application that gave it.
        var: the variable whose value it is.
    """
    del node
    array = _numbers(arr, var)
    return array is not None and array.dtype.kind in "fc" and bool(np.isinf(array).any())


def contains_big(arr: Any, node: Any = None, var: Any = None) -> bool:
    """Whether a value has a number beyond 1e10, an infinity included.

    Args:
        arr: the value.
        node: the application that gave it.
        var: the variable whose value it is.
    """
    del node
    array = _numbers(arr, var)
    # A NaN hides what is beside it, as in Theano: it is not huge.
    return array is not None and bool(np.abs(array).max() > _BIG)


class NanGuardMode(Mode):
    """Runs a function application by application, and looks at each input and result.

    A variable whose ``tag.nan_guard_mode_check`` is False is not looked at.

    Attributes:
        nan_is_error: whether NaN is looked for; by default as ``config.NanGuardMode`` says.
        inf_is_error: whether infinity is.
        big_is_error: whether numbers beyond 1e10 are.
    """

    def __init__(
        self,
        nan_is_error: bool | None = None,
        inf_is_error: bool | None = None,
        big_is_error: bool | None = None,
        optimizer: Any = "default",
        linker: Any = None,
    ) -> None:
        del linker  # As in Theano: the mode runs functions in its own way.
        super().__init__(None, optimizer)
        settings = config.NanGuardMode
        self.nan_is_error = settings.nan_is_error if nan_is_error is None else nan_is_error
        self.inf_is_error = settings.inf_is_error if inf_is_error is None else inf_is_error
        self.big_is_error = settings.big_is_error if big_is_error is None else big_is_error
        if not (self.nan_is_error or self.inf_is_error or self.big_is_error):
            raise AssertionError("NanGuardMode: nothing is an error")

    def watched(self, function: Any) -> Stepwise:
        """Return what runs a function."""
        return Stepwise(function, function.graph(), self._around, self._look_at_input)

    def _around(self, i: int, node: Any, fn: Any) -> None:
        del i
        fn()
        for variable, cell in zip(node.outputs, fn.outputs, strict=True):
            if getattr(variable.tag, "nan_guard_mode_check", True):
                self._look(cell[0], node, variable)

    def _look_at_input(self, variable: Any, value: Any) -> None:
        if getattr(variable.tag, "nan_guard_mode_check", True):
            self._look(value, None, variable)

    def _look(self, value: Any, node: Any, variable: Any) -> None:
        """Complain about a value, as ``config.NanGuardMode.action`` says."""
        looks = (
            (self.nan_is_error, contains_nan, "NaN detected"),
            (self.inf_is_error, contains_inf, "Inf detected"),
            (self.big_is_error, contains_big, "Big value detected"),
        )
        found = [words for wanted, look, words in looks if wanted and look(value, node, variable)]
        if not found:
            return
        message = _message(found, node, variable)
        action = config.NanGuardMode.action
        if action == "raise":
            raise AssertionError(message)
        if action == "pdb":
            print(message)
            breakpoint()
        elif action == "warn":
            logger.error(message)

    def clone(self, link_kwargs: Any = None, optimizer: Any = "", **named: Any) -> NanGuardMode:
        """Return a mode that looks for the same."""
        del link_kwargs, named
        chosen = (
            self.provided_optimizer if isinstance(optimizer, str) and not optimizer else optimizer
        )
        return type(self)(self.nan_is_error, self.inf_is_error, self.big_is_error, chosen)


def _message(found: list[str], node: Any, variable: Any) -> str:
    text = StringIO()
    print(*found, sep="\n", file=text)
    if node is None:
        print(f"NanGuardMode found an error in an input of the graph: {variable}", file=text)
    else:
        print("NanGuardMode found an error in the output of a node in this variable:", file=text)
        print(debugprint(node, file="str"), file=text)
    print(get_variable_trace_string(variable if node is None else node.outputs[0]), file=text)
    return text.getvalue()


makers["NanGuardMode"] = lambda: NanGuardMode(True, True, True, optimizer=config.optimizer)

"""Calls of functions that take, give or hand on what is no array."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from agnesi.graph.graph import toposort
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof import objects
from agnesi.theano.gof.graph import Constant
from agnesi.theano.gof.op import Performed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Translated:
    """A compiled function between objects and the numbers that native code has for them.

    Attributes:
        native: what is called with arrays.
        inputs: the types of what is given.
        outputs: the variables that come out.
        changed: shared objects that a call may replace.
    """

    def __init__(
        self,
        native: Callable[..., Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        changed: Sequence[Any],
    ) -> None:
        self.native, self.inputs, self.outputs = native, inputs, outputs
        self.changed = changed

    def __call__(self, *values: Any) -> list[Any]:
        """Call it; what has been made for the call alone is forgotten then."""
        with objects.Call():
            given: list[Any] = []
            for kind, v in zip(self.inputs, values, strict=True):
                if kind.members:
                    given += kind.spread(v)
                else:
                    given.append(kind.encode(v) if kind.encoded else v)
            arrays = iter(self.native(*given))
            found = [_taken(v, arrays) for v in self.outputs]
            for variable in self.changed:
                variable.take_over()
        return found


def _taken(variable: Any, arrays: Iterator[Any]) -> Any:
    """Return a value, of the next one of a function's results, or of several."""
    count = variable.type.members
    if count:
        return variable.type.gathered([next(arrays) for _ in range(count)])
    return _value(variable, next(arrays))


def _value(variable: Any, result: Any) -> Any:
    if not variable.type.encoded:
        return result
    value = variable.type.decode(result)
    # What is given or stays is not handed out itself.
    kept = variable.owner is None or isinstance(variable, SharedVariable | Constant)
    return copy.deepcopy(value) if kept and variable.type.is_object else value


def handles_objects(variables: Sequence[Any]) -> bool:
    """Whether there are objects in what variables are computed from, or among them."""
    if any(v.type.is_object for v in variables):
        return True
    return any(
        isinstance(node, Performed) and node.call_.objects
        for node in toposort([v.tensor for v in variables if v.tensor is not None])
    )

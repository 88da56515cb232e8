"""Values of single applications, for test values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.compile.shared import Shared
from agnesi.core.errors import AgnesiError
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import Interpreter
from agnesi.graph.leaves import Input
from agnesi.theano.compile.sharedvalue import SharedVariable, variable_of
from agnesi.theano.gof import objects
from agnesi.theano.gof.graph import stands_for

if TYPE_CHECKING:
    from collections.abc import Mapping


def values_of(node: Any, given: Mapping[Any, Any]) -> list[Any]:
    """Return what an application gives for values of its inputs.

    Raises:
        ValueError: the values do not fit.
        TypeError: a value is not of its variable's type.
    """
    machine = Interpreter()
    tensors = [v.tensor for v in node.outputs]
    # Sizes may be those of what lies further up.
    for leaf in _leaves(node):
        value = _told(variable_of(leaf) or stands_for(leaf))
        if value is not None:
            machine.give(leaf, value)
    for v, a in given.items():
        if v.tensor is not None:
            machine.give(v.tensor, _native(v, a))
    try:
        with objects.Call():
            made = machine.run(tensors)
            return [
                v.type.decode(a) if v.type.encoded else a
                for v, a in zip(node.outputs, made, strict=True)
            ]
    except AgnesiError as error:
        raise ValueError(f"The test values of {node} do not fit: {error}") from error


def _leaves(node: Any) -> list[Any]:
    """Return what is given and an application depends on, be it by a size."""
    ends: dict[Any, None] = {}
    seen: set[int] = set()
    stack = [*node.inputs, *node.outputs]
    while stack:
        variable = stack.pop()
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        if variable._owner is not None:
            stack += variable._owner.inputs
        elif variable.tensor is not None:
            ends[variable.tensor] = None
    return [leaf for leaf in toposort(list(ends)) if isinstance(leaf, Input | Shared)]


def _told(variable: Any) -> Any:
    """Return the test value of what is given, as native code has it; None if there is none."""
    if isinstance(variable, SharedVariable):
        return np.asarray(variable.tensor.get_value(borrow=True))
    value = getattr(variable.tag, "test_value", None)
    return None if value is None else _native(variable, value)


def _native(variable: Any, value: Any) -> Any:
    try:
        value = variable.type.filter(value)
    except TypeError as error:
        raise TypeError(
            f"For compute_test_value, one input test value does not have the requested type: "
            f"{variable}: {error}"
        ) from error
    encoded = variable.type.encode(value) if variable.type.encoded else value
    return np.asarray(encoded, variable.tensor.dtype.numpy)

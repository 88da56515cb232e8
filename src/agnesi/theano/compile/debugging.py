"""Test values: what variables are for the values that a program gave some of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.compile.shared import Shared
from agnesi.core.errors import AgnesiError
from agnesi.dims.dim import Dim, Size, Value
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import Interpreter
from agnesi.graph.leaves import Input
from agnesi.graph.tensor import Tensor
from agnesi.theano.compile.sharedvalue import SharedVariable, variable_of
from agnesi.theano.gof import objects
from agnesi.theano.gof.graph import standing, stands_for
from agnesi.theano.gof.utils import MissingTestValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import agnesi as ag


def values_of(node: Any, given: Mapping[Any, Any]) -> list[Any]:
    """Return what an application gives for values of its inputs.

    Raises:
        ValueError: the values do not fit.
        TypeError: a value is not of its variable's type.
    """
    if any(v.type.members for v in (*node.inputs, *node.outputs)):
        # What is stored of a matrix is known to compiled functions only.
        compiled = importlib.import_module("agnesi.theano.compile.function_module").function
        return compiled(list(given), node.outputs, on_unused_input="ignore")(*given.values())
    machine = Interpreter(around=_size)
    # Sizes may be those of what lies further up.
    for leaf in _leaves(node):
        value = _told(variable_of(leaf) or stands_for(leaf))
        if value is not None:
            machine.give(leaf, value)
    for v, a in given.items():
        if v.tensor is not None:
            _give(machine, v.tensor, _native(v, a))
    return _run(machine, node.outputs, node)


def value_of_derived(variable: Any) -> Any:
    """Return the test value of what a gradient or a clone made.

    Raises:
        MissingTestValue: something that it depends on has none.
        ValueError: the values do not fit.
    """
    machine = Interpreter(around=_size)
    for leaf in toposort([variable.tensor]):
        if isinstance(leaf, Input | Shared):
            given = variable_of(leaf) or stands_for(leaf)
            value = _told(given)
            if value is None:
                raise MissingTestValue(f"{given} ({given.type}) has no test value")
            machine.give(leaf, value)
    return _run(machine, [variable], variable)[0]


def _give(machine: Interpreter, tensor: ag.Tensor, value: Any) -> None:
    """Give a tensor its value; numbers that its sizes are made of become known."""
    machine.give(tensor, value)
    for size, actual in zip(tensor.type.shape, value.shape, strict=True):
        for atom in size.atoms if isinstance(size, Dim) else ():
            term = atom.term if isinstance(atom, Value) else None
            if not isinstance(term, Tensor) or term in machine.results:
                continue
            if atom is size:
                machine.results[term] = np.asarray(actual, term.dtype.numpy)
            else:
                machine.run([term])


def _size(symbol: Size) -> int:
    """Return the size of a variable that may be all that is left of it."""
    for variable in standing():
        shape = variable.tensor.type.shape if isinstance(variable.tensor, Input | Shared) else ()
        if symbol in shape:
            value = _told(variable)
            if value is not None:
                return value.shape[shape.index(symbol)]
    raise MissingTestValue(f"the variable of the size {symbol} has no test value")


def _run(machine: Interpreter, outputs: Sequence[Any], what: Any) -> list[Any]:
    """Return the values of variables."""
    try:
        with objects.Call():
            made = machine.run([v.tensor for v in outputs])
            return [
                v.type.decode(a) if v.type.encoded else a
                for v, a in zip(outputs, made, strict=True)
            ]
    except AgnesiError as error:
        raise ValueError(f"The test values of {what} do not fit: {error}") from error


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

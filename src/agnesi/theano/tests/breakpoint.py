"""A breakpoint in the midst of a compiled function."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np

from agnesi.theano.gof.graph import Apply, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.gradient import DisconnectedType
from agnesi.theano.tensor.basic import as_tensor_variable

_DEBUGGERS = ("pudb", "ipdb", "pdb")


class PdbBreakpoint(Op):
    """Gives what it is given, and stops in a debugger where a condition holds.

    ``x, y = PdbBreakpoint("x is large")(x.sum() > 100, x, y)``: one of the results has to be used,
    else nothing stops.  In the debugger the values are in the list ``monitored``; what it holds
    when the program goes on are the results.

    Attributes:
        name: what is printed when it stops.
        inp_types: types of the values.
    """

    __props__ = ("name",)
    inp_types: list[Any]

    def __init__(self, name: str) -> None:
        self.name = name

    def make_node(self, condition: Any, *monitored_vars: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application.

        Args:
            condition: a scalar.
            monitored_vars: what is looked at.
        """
        if not isinstance(condition, Variable):
            condition = as_tensor_variable(condition)
        if condition.type.ndim != 0:
            raise AssertionError(f"PdbBreakpoint: the condition is a scalar, not {condition.type}")
        made: Any = type(self)(self.name)
        made.view_map = {k: [k + 1] for k in range(len(monitored_vars))}
        made.inp_types = [v.type for v in monitored_vars]
        return Apply(made, [condition, *monitored_vars], [v.type() for v in monitored_vars])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Hand on, after the debugger if the condition holds."""
        del node, params
        condition, *values = inputs
        if condition:
            try:
                monitored = [np.asarray(value) for value in values]
            except Exception as error:
                raise ValueError(
                    f"PdbBreakpoint {self.name!r}: some of its inputs are no arrays"
                ) from error
            print(
                f"\n\nbreakpoint {self.name!r}: its condition holds.\n"
                "The values are in the list `monitored`; the function goes on with what is there."
            )
            _debugger().set_trace()
            values = [kind.filter(m) for kind, m in zip(self.inp_types, monitored, strict=True)]
        for cell, value in zip(output_storage, values, strict=True):
            cell[0] = value

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """As of the values; the condition is not connected."""
        del inputs
        return [DisconnectedType()(), *output_grads]

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """As of the values."""
        del node
        return shapes[1:]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Each value is connected to its own result."""
        count = len(node.inputs)
        return [[out == k - 1 for out in range(count - 1)] for k in range(count)]


def _debugger() -> Any:
    """Return the first debugger that is installed."""
    found = next(name for name in _DEBUGGERS if importlib.util.find_spec(name) is not None)
    return importlib.import_module(found)

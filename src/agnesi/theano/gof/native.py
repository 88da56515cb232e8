"""Ops of Theano's that agnesi computes: ``build`` says of which nodes.

A subclass that a program writes may say ``perform``, ``grad`` or ``L_op`` itself: then these are
asked, as Theano would ask them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.theano.gof.graph import Apply, _standing, scratchpad
from agnesi.theano.gof.op import Op, compute

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# Makes a variable of a tensor's type; put there by theano.tensor, which knows types.
_typed: list[Callable[[Any], Any]] = []


def says_itself(op: Any, *names: str) -> bool:
    """Whether a class below the one that says ``build`` says one of these methods."""
    for kind in type(op).__mro__:
        if "build" in kind.__dict__:
            return False
        if any(name in kind.__dict__ for name in names):
            return True
    return False


def native_apply(op: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> Apply:
    """Return the application of an op to variables, whose outputs have their tensors."""
    node = Apply.__new__(Apply)
    node.op, node.tag = op, scratchpad()
    node.inputs, node.outputs = list(inputs), list(outputs)
    node.built = True  # type: ignore[attr-defined]
    for index, output in enumerate(node.outputs):
        output._owner, output.index = node, index
    return node


def computed_as(variable: Any, tensor: Any) -> Any:
    """Return a variable whose value is computed otherwise than its owner says, to the same end."""
    variable.tensor = tensor
    _standing.setdefault(id(tensor), variable)
    return variable


class NativeOp(Op):
    """An op that agnesi computes.

    Attributes:
        nout: how many results ``build`` gives; one is given as it is, several as a list.
    """

    nout = 1

    def build(self, *tensors: Any) -> Any:
        """Return what agnesi computes from its tensors."""
        raise NotImplementedError(f"{type(self).__name__}.build")

    def given(self, *inputs: Any) -> list[Any]:
        """Return what was given as variables, checked."""
        from agnesi.theano.tensor.basic import as_tensor_variable

        return [as_tensor_variable(x) for x in inputs]

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application to variables."""
        given = self.given(*inputs)
        return self.applied(given, [v.tensor for v in given])

    def applied(self, given: Sequence[Any], tensors: Sequence[Any]) -> Apply:
        """Return the application to variables, computed from these tensors."""
        results = self._results(tensors)
        outputs = self.outputs_for(given, results)
        if says_itself(self, "perform"):
            return Apply(self, given, [v.type() for v in outputs])
        return native_apply(self, given, outputs)

    def _results(self, tensors: Sequence[Any]) -> list[Any]:
        if says_itself(self, "grad", "L_op"):
            made = _with_own_gradient(self, tensors)
        else:
            made = self.build(*tensors)
        return made if isinstance(made, list) else [made]

    def runs_in_python(self, node: Apply) -> bool:
        """Whether an application is run by ``perform``, and not by agnesi."""
        del node
        return says_itself(self, "perform")

    def _computes(self, node: Apply) -> None:
        # Of an Apply that a program made by hand.
        if self.runs_in_python(node):
            compute(node)
            return
        node.built = True  # type: ignore[attr-defined]
        made = self._results([v.tensor for v in node.inputs])
        for output, tensor in zip(node.outputs, made, strict=True):
            output.tensor = tensor
            _standing[id(tensor)] = output

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return variables for results."""
        del given
        wrap = _typed[0]
        return [wrap(t) for t in tensors]

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Compute results from arrays: what a program asks for that calls an op itself."""
        del params
        constants = [ag.constant(np.asarray(a, v.type.dtype)) for a, v in _pairs(inputs, node)]
        made = self.build(*constants)
        results: list[Any] = made if isinstance(made, list) else [made]
        for cell, result in zip(output_storage, results, strict=True):
            cell[0] = np.asarray(result.eval())

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Return the gradients by the inputs, given those by the outputs."""
        from agnesi.theano.gradient import gradients_through

        return gradients_through(self, inputs, output_grads)

    def R_op(self, inputs: Any, eval_points: Any) -> Any:
        """Return the change of the outputs, given that of the inputs."""
        from agnesi.theano.gradient import change_through

        return change_through(self, inputs, eval_points)


def _pairs(inputs: Any, node: Apply) -> Any:
    return zip(inputs, node.inputs, strict=True)


def _with_own_gradient(op: Any, tensors: Sequence[Any]) -> Any:
    """Return what an op builds, with the gradient that a program's subclass says."""
    from agnesi.theano.gradient import asked_gradient

    made = op.build(*tensors)
    if isinstance(made, list):
        raise NotImplementedError(
            f"{type(op).__name__}: a gradient of its own is there for ops with one output"
        )

    def back(ct: Any, *ts: Any) -> Any:
        return asked_gradient(op, ts, ct)

    return ag.custom_gradient(lambda *ts: op.build(*ts), back)(*tensors)

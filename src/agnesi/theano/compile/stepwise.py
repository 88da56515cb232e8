"""A function run application by application, in NumPy: what modes that look on are made of.

Each application computes from the values of its inputs; an op of a program's own has its
``perform`` called, and of an ``ifelse`` the branch that is not chosen is not computed.  Shared
variables are updated at the end.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.dims.dim import Dim, Value
from agnesi.graph.interpret import Interpreter
from agnesi.graph.tensor import Tensor
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof import op as op_module
from agnesi.theano.gof.graph import Apply, Constant, io_toposort
from agnesi.theano.gof.op import Performed
from agnesi.theano.ifelse import is_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Thunk:
    """Computes one application, from its inputs' cells into its outputs'.

    Attributes:
        inputs: a list with the value of each input.
        outputs: a list for the value of each output; None before it is there.
        node: the application.
        lazy: whether it may not need all inputs.
    """

    def __init__(self, run: Run, node: Apply) -> None:
        self.run, self.node = run, node
        self.inputs = [run.cell(v) for v in node.inputs]
        self.outputs = [run.cell(v) for v in node.outputs]
        self.lazy = is_choice(node)
        self.perform = getattr(node.op, "perform", None)

    def __call__(self) -> None:
        """Compute."""
        results = self.run.computed(self.node, [cell[0] for cell in self.inputs])
        for cell, result in zip(self.outputs, results, strict=True):
            cell[0] = result


class Graph:
    """The variables of a function, with givens in their places.

    Attributes:
        inputs: what it is given.
        outputs: what it returns, then what its inputs' stored values become.
        updates: shared variables with their new values.
        nodes: the applications, each behind what it reads.
    """

    def __init__(
        self, inputs: Sequence[Any], outputs: Sequence[Any], updates: Sequence[tuple[Any, Any]]
    ) -> None:
        self.inputs, self.outputs, self.updates = list(inputs), list(outputs), list(updates)
        self.roots = [*self.outputs, *(new for _, new in self.updates)]
        self.nodes = io_toposort(self.inputs, self.roots)
        self.lazy = any(map(is_choice, self.nodes))


class Run:
    """One call of a function, as far as it has got.

    Args:
        graph: what is computed.
        values: of the inputs, as native code is given them.
    """

    def __init__(self, graph: Graph, values: Sequence[Any]) -> None:
        self.graph = graph
        self.cells: dict[Any, list[Any]] = {}
        # The values that the interpreter knows: a program may put others into cells.
        self.known: dict[Any, Any] = {}
        self.machine = Interpreter()
        for variable, value in zip(graph.inputs, values, strict=True):
            decodes = variable.type.encoded
            self.give(variable, variable.type.decode(value) if decodes else value)

    def cell(self, variable: Any) -> list[Any]:
        """Return where a variable has its value."""
        found = self.cells.get(variable)
        if found is None:
            self.cells[variable] = found = [None]
            if isinstance(variable, Constant):
                found[0] = variable.data
            elif isinstance(variable, SharedVariable):
                found[0] = variable.get_value(borrow=True)
                self._tell(variable.tensor, variable.tensor.get_value(borrow=True))
        return found

    def give(self, variable: Any, value: Any) -> None:
        """Give a variable its value."""
        self.cell(variable)[0] = value
        if variable.tensor is not None and not isinstance(variable, Constant):
            self._tell(variable.tensor, as_native(variable, value))

    def _tell(self, tensor: Any, value: Any) -> None:
        """Let the interpreter know a value, and the sizes that it has."""
        array = np.asarray(value)
        self.machine.give(tensor, array)
        for size, actual in zip(tensor.type.shape, array.shape, strict=True):
            if isinstance(size, Value):
                self._learn(size, actual)

    def _learn(self, size: Dim, actual: int) -> None:
        term: Any = getattr(size, "term", None)
        self.machine.known[size] = actual
        if isinstance(term, Tensor) and term not in self.machine.results:
            self.machine.results[term] = np.asarray(actual, term.dtype.numpy)

    def computed(self, node: Apply, values: Sequence[Any]) -> list[Any]:
        """Return the results of an application to values."""
        for variable, value in zip(node.inputs, values, strict=True):
            if value is not self.known.get(variable):
                self.known[variable] = value
                self.give(variable, value)
        if is_choice(node):
            results = chosen(node, values)
        elif isinstance(node.outputs[0].tensor, Performed):
            results = performed(node, values)
        else:
            found = self.machine.run([v.tensor for v in node.outputs])
            results = [
                out.type.decode(r) if out.type.encoded else r
                for out, r in zip(node.outputs, found, strict=True)
            ]
        for variable, result in zip(node.outputs, results, strict=True):
            self.known[variable] = result
            self.give(variable, result)
        return results

    def order(self) -> Iterator[tuple[int, Apply]]:
        """Yield the applications with their numbers, as they are to be computed."""
        if not self.graph.lazy:
            yield from enumerate(self.graph.nodes)
            return
        number = {node: k for k, node in enumerate(self.graph.nodes)}
        given = set(self.graph.inputs)
        done: set[Any] = set()
        stack = [v.owner for v in reversed(self.graph.roots) if v not in given]
        while stack:
            node = stack[-1]
            if node is None or node in done:
                stack.pop()
                continue
            wanted = [
                v.owner
                for v in self._needs(node)
                if v not in given and v.owner is not None and v.owner not in done
            ]
            if wanted:
                stack += reversed(wanted)
                continue
            yield number[node], node
            done.add(node)
            stack.pop()

    def _needs(self, node: Apply) -> Sequence[Any]:
        """Return the inputs that an application needs, as far as that can be told."""
        if not is_choice(node):
            return node.inputs
        condition = node.inputs[0]
        value = self.cell(condition)[0]
        return [condition] if value is None else [condition, *_branch(node, node.inputs, value)]

    def values(self) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """Return the outputs as native code gives them, and shared variables with new values."""
        outputs = [as_native(v, self.cell(v)[0]) for v in self.graph.outputs]
        return outputs, [(target, self.cell(new)[0]) for target, new in self.graph.updates]


def _branch(node: Apply, of_inputs: Sequence[Any], condition: Any) -> Sequence[Any]:
    """Return what belongs to the inputs of the branch that is chosen."""
    count = len(node.outputs)
    return of_inputs[1 : 1 + count] if np.asarray(condition) else of_inputs[1 + count :]


def as_native(variable: Any, value: Any) -> Any:
    """Return a value as native code has it: what is no array is a number that stands for it."""
    return variable.type.encode(value) if variable.type.encoded else value


def chosen(node: Apply, values: Sequence[Any]) -> list[Any]:
    """Return the results of an ``ifelse``."""
    branch = _branch(node, values, values[0])
    return [
        value if out.type.encoded else np.asarray(value).astype(out.dtype, copy=False)
        for out, value in zip(node.outputs, branch, strict=True)
    ]


def performed(node: Apply, values: Sequence[Any]) -> list[Any]:
    """Return the results of an op that a program wrote."""
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    node.performed([own_copy(x, v) for x, v in zip(node.inputs, values, strict=True)], storage)
    return [
        own_copy(out, out.type.filter(cell[0], allow_downcast=None))
        for out, cell in zip(node.outputs, storage, strict=True)
    ]


def own_copy(variable: Any, value: Any) -> Any:
    """Return a value that an op may do with what it likes; objects are handed on as they are."""
    if variable.type.encoded:
        return variable.type.decode(variable.type.encode(value))
    return np.array(value) if isinstance(value, np.ndarray) else value


class Stepwise:
    """A function that is called as compiled ones are, and runs step by step.

    Args:
        function: what is called.
        graph: what it computes.
        around: is called with the number of an application, the application and its thunk, and is
            to call the thunk.
        on_input: is shown each input with its value.
    """

    def __init__(
        self,
        function: Any,
        graph: Graph,
        around: Callable[[int, Apply, Thunk], None],
        on_input: Callable[[Any, Any], None] | None = None,
    ) -> None:
        self.function, self.graph, self.around, self.on_input = function, graph, around, on_input

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run it; updates happen at the end, all at once."""
        plan = self.function.plan
        arrays = self.function.fn.request.binder(*args, **named)
        run = self.run(arrays)
        outputs, updates = run.values()
        fresh = [np.array(v) if isinstance(v, np.ndarray | np.generic) else v for v in outputs]
        for target, value in updates:
            target.set_value(own_copy(target, value), borrow=True)
        if plan.form == "one":
            return fresh[0]
        if plan.form == "dict":
            return dict(zip(self.function.request.keys, fresh, strict=True))
        return fresh

    def run(self, arrays: Sequence[Any]) -> Run:
        """Compute everything, and return what was computed; nothing is updated."""
        run = Run(self.graph, arrays)
        if self.on_input is not None:
            for variable in self.graph.inputs:
                self.on_input(variable, run.cell(variable)[0])
        profile = self.function.profile
        for number, node in run.order():
            start = perf_counter()
            thunk = Thunk(run, node)
            try:
                self.around(number, node, thunk)
            except (KeyboardInterrupt, AssertionError):
                raise
            except Exception as error:
                values = [cell[0] for cell in thunk.inputs]
                stored = {v: cell[0] for v, cell in run.cells.items()}
                op_module.failed[0](error, node, values, self.graph.nodes, stored)
                raise
            if profile is not None and profile.flag_time_thunks:
                profile.noted(self.function, node, perf_counter() - start)
        return run

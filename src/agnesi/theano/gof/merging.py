"""What is computed twice in a graph is there once."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from agnesi.theano.gof import graph, toolbox
from agnesi.theano.gof.rewrites import Optimizer
from agnesi.theano.gof.utils import InconsistencyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.theano.gof.fg import FunctionGraph


class MergeFeature:
    """Knows which applications of a graph do the same, and which constants are equal."""

    def __init__(self) -> None:
        self.waiting: deque[Any] = deque()
        self.seen: dict[Any, Any] = {}
        self.constants: dict[Any, Any] = {}

    def on_attach(self, fgraph: Any) -> None:
        """Note all applications."""
        if hasattr(fgraph, "merge_feature"):
            raise toolbox.AlreadyThere("MergeFeature is already present")
        fgraph.merge_feature = self
        self.waiting.extend(fgraph.toposort())

    def on_detach(self, fgraph: Any) -> None:
        """End."""
        del fgraph.merge_feature

    pickle_rm_attr = ("merge_feature",)

    def unpickle(self, fgraph: Any) -> None:
        """Begin again."""
        fgraph.merge_feature = self

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Note a new application."""
        self.waiting.append(node)

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Note that an application may be like others now."""
        if node != "output":
            self.waiting.append(node)

    def like(self, fgraph: Any, node: Any) -> Any:
        """Return an application that does the same as one, or that one."""
        key = _same_key(node)
        try:
            found = self.seen.get(key)
        except TypeError:
            return node
        if found is None or found not in fgraph.apply_nodes or _same_key(found) != key:
            self.seen[key] = found = node
        return found if found is node or _computes_the_same(found, node) else node

    def equal(self, fgraph: Any, constant: Any) -> Any:
        """Return a constant that is equal to one, or that one."""
        try:
            found = self.constants.setdefault(constant.merge_signature(), constant)
        except TypeError:
            return constant
        if found not in fgraph.variables:
            self.constants[constant.merge_signature()] = found = constant
        return found


def _computes_the_same(a: Any, b: Any) -> bool:
    """Whether applications of equal ops to the same variables are one computation.

    Of an op that is a function, which has no equality, what agnesi computes has to be the same.
    """
    if "build" not in getattr(a.op, "__dict__", ()):
        return True
    return all(
        graph.same_tensor(x.tensor, y.tensor) for x, y in zip(a.outputs, b.outputs, strict=True)
    )


def _same_key(node: Any) -> tuple[Any, ...]:
    return node.op, tuple(node.inputs)


class MergeOptimizer(Optimizer):
    """Lets what is computed, or constant, twice be there once."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Find what is the same."""
        if not hasattr(fgraph, "merge_feature"):
            fgraph.attach_feature(MergeFeature())

    def apply(self, fgraph: Any) -> None:
        """Merge what is new since the last time."""
        feature = fgraph.merge_feature
        while feature.waiting:
            node = feature.waiting.popleft()
            if node not in fgraph.apply_nodes:
                continue
            for variable in node.inputs:
                if isinstance(variable, graph.Constant):
                    self._merge(fgraph, [variable], [feature.equal(fgraph, variable)])
            other = feature.like(fgraph, node)
            if other is not node:
                self._merge(fgraph, node.outputs, other.outputs)

    @staticmethod
    def _merge(fgraph: Any, old: Sequence[Any], new: Sequence[Any]) -> None:
        pairs = [(a, b) for a, b in zip(old, new, strict=True) if a is not b]
        if not pairs:
            return
        for a, b in pairs:
            if a.name:
                b.name = a.name
        with contextlib.suppress(InconsistencyError):
            fgraph.replace_all_validate(pairs, "MergeOptimizer")

    def __str__(self) -> str:
        return type(self).__name__


def is_same_graph_with_merge(var1: Any, var2: Any, givens: Any = None) -> bool:
    """Whether two variables are the same computation: ``gof.graph.is_same_graph``."""
    return graph.is_same_graph(var1, var2, givens)


def pre_constant_merge(vars: Any) -> list[Any]:
    """Let equal constants below variables, outside of any graph, be one; return the variables."""
    kept: dict[Any, Any] = {}

    def merged(variable: Any) -> Any:
        if not isinstance(variable, graph.Constant):
            return variable
        try:
            return kept.setdefault(variable.signature(), variable)
        except TypeError:
            return variable

    found = [vars] if isinstance(vars, graph.Variable) else list(vars)
    variables = [v for v in found if isinstance(v, graph.Variable)]
    for node in graph._each_behind_its_inputs(variables, belongs):
        if "fgraph" not in node.__dict__:
            node.inputs[:] = [merged(v) for v in node.inputs]
    return [merged(v) for v in found]


def belongs(variable: Any) -> bool:
    """Whether a variable is one that a graph has computed."""
    return variable._owner is not None and "fgraph" in variable._owner.__dict__

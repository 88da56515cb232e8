"""The graph of a function, and programs' rewrites of it before agnesi compiles."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.configparser import change_flags
from agnesi.theano.gof import graph
from agnesi.theano.gof.fg import FunctionGraph
from agnesi.theano.gof.opt import ChangeTracker
from agnesi.theano.gof.toolbox import Feature, PreserveVariableAttributes
from agnesi.theano.gof.utils import InconsistencyError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Supervisor(Feature):
    """Says no where something is destroyed that a caller may still want.

    Args:
        protected: what is not to be destroyed.
    """

    def __init__(self, protected: Sequence[Any]) -> None:
        self.protected = list(protected)

    def validate(self, fgraph: Any) -> None:
        """Raise if it is."""
        if hasattr(fgraph, "destroyers") and fgraph.has_destroyers(self.protected):
            raise InconsistencyError("Trying to destroy a protected Variable.")


class Roots:
    """What a function computes, with givens in their places and the updates that it brings.

    Attributes:
        inputs: variables that are given.
        shareds: shared variables that are read or updated.
        outputs: what is returned.
        states: new values of inputs that keep theirs.
        changes: new values of shared variables.
    """

    def __init__(self, request: Any, plan: Any) -> None:
        self.inputs = [i.variable for i in request.inputs]
        self.shareds = list(plan.owners())
        states = [i.update for i in request.inputs if i.update is not None]
        every = [*request.outputs, *states, *plan.changes.values()]
        if request.givens:
            every = graph.copied(every, request.givens)[0]
        # Graphs mention variables whose sizes alone are needed too.
        seen = set(self.shareds)
        for v in graph.inputs(every, self.inputs):
            if isinstance(v, SharedVariable) and v not in seen:
                self.shareds.append(v)
        self.targets = list(plan.changes)
        self.cuts = len(request.outputs), len(request.outputs) + len(states)
        self.every = every
        self.specs = request.inputs
        # Whether values of what takes another's place are looked at.
        self.is_checked = hasattr(request.mode, "stability_patience")

    def fgraph(self) -> FunctionGraph:
        """Return them as a graph of copies."""
        places = [k for k, i in enumerate(self.specs) if i.update is not None]
        places += [len(self.inputs) + self.shareds.index(t) for t in self.targets]
        mapping = {self.cuts[0] + k: place for k, place in enumerate(places)}
        made = FunctionGraph([*self.inputs, *self.shareds], self.every, update_mapping=mapping)
        made.attach_feature(Supervisor(made.inputs))
        made.attach_feature(PreserveVariableAttributes())
        return made


def rewrite(request: Any, plan: Any, rewrites: Any) -> None:
    """Run rewrites on the graph of what a program asked for, which then asks for the result.

    Args:
        request: what a program asked for.
        plan: what of that is known before.
        rewrites: a rewrite of whole graphs.
    """
    roots = Roots(request, plan)
    fgraph, request.swaps = _run(roots, rewrites)
    for _ in range(getattr(request.mode, "stability_patience", 1) - 1):
        texts = [[s.text for s in swaps] for swaps in (request.swaps, _run(roots, rewrites)[1])]
        if texts[0] != texts[1]:
            raise request.mode.unstable(*texts)
    news = _outside(fgraph, [*roots.inputs, *roots.shareds])
    first, second = roots.cuts
    request.outputs, states, values = news[:first], iter(news[first:second]), news[second:]
    request.inputs = [copy.copy(i) for i in request.inputs]
    for spec in request.inputs:
        if spec.update is not None:
            spec.update = next(states)
    request.updates = dict(zip(roots.targets, values, strict=True))
    request.givens, request.no_defaults = {}, True
    request.fgraph = fgraph


class Swap(NamedTuple):
    """One variable in another one's place."""

    old: Any
    new: Any
    tensors: tuple[Any, Any]
    reason: Any
    text: str


class _Swaps(Feature):
    """Remembers what took whose place, and what both computed then."""

    def __init__(self) -> None:
        self.seen: dict[tuple[Any, Any], Swap] = {}

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Remember a change."""
        text = f"{reason}: {r} -> {new_r}"
        swap = Swap(r, new_r, (r.tensor, new_r.tensor), reason, text)
        self.seen.setdefault((r, new_r), swap)


def _run(roots: Roots, rewrites: Any) -> tuple[FunctionGraph, list[Swap]]:
    """Run rewrites on a graph; return it, and what took whose place where that is to be checked."""
    fgraph = roots.fgraph()
    swaps = _Swaps()
    if roots.is_checked:
        fgraph.attach_feature(swaps)
    with change_flags(compute_test_value="off"):
        rewrites(fgraph)
        _rewrite_bodies(fgraph, rewrites)
    return fgraph, list(swaps.seen.values())


def _rewrite_bodies(fgraph: FunctionGraph, rewrites: Any) -> None:
    """Run rewrites on the bodies of loops, and of graphs in graphs, as on functions' own."""
    for node in fgraph.toposort():
        body = getattr(node.op, "body", None)
        old = None if body is None else body()
        if old is None:
            continue
        leaves = [v for v in graph.inputs(old) if not isinstance(v, graph.Constant)]
        inner = FunctionGraph(leaves, old)
        inner.attach_feature(Supervisor(inner.inputs))
        tracker = ChangeTracker()
        inner.attach_feature(tracker)
        rewrites(inner)
        _rewrite_bodies(inner, rewrites)
        if tracker.changed:
            made = node.op.with_body(node, _outside(inner, leaves))
            fgraph.replace_all(zip(node.outputs, made, strict=True), "rewrite of a body")


def _outside(fgraph: FunctionGraph, inputs: Sequence[Any]) -> list[Any]:
    """Return a graph's outputs as variables outside of it, of the program's inputs."""
    became = dict(zip(fgraph.inputs, inputs, strict=True))

    def outside(variable: Any) -> Any:
        if variable not in became:
            became[variable] = graph.again(variable, variable.tensor)
        return became[variable]

    for node in fgraph.toposort():
        # Its tensors first: they are built of the graph's own.
        tensors = [v.tensor for v in node.outputs]
        made = copy.copy(node)
        made.__dict__.pop("fgraph", None)
        made.inputs = [outside(v) for v in node.inputs]
        made.outputs = [graph.again(v, t) for v, t in zip(node.outputs, tensors, strict=True)]
        for index, (old, new) in enumerate(zip(node.outputs, made.outputs, strict=True)):
            new._owner, new.index = made, index
            became[old] = new
    return [outside(v) for v in fgraph.outputs]

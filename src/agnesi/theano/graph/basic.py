"""Variables, applications, and walks over both."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from agnesi.theano.gof import graph as _graph
from agnesi.theano.gof.graph import Apply as Apply
from agnesi.theano.gof.graph import Constant as Constant
from agnesi.theano.gof.graph import Node as Node
from agnesi.theano.gof.graph import Variable as Variable
from agnesi.theano.gof.graph import clone as clone
from agnesi.theano.gof.graph import clone_get_equiv as clone_get_equiv
from agnesi.theano.gof.graph import general_toposort as general_toposort
from agnesi.theano.gof.graph import io_toposort as io_toposort
from agnesi.theano.gof.graph import is_in_ancestors as is_in_ancestors
from agnesi.theano.gof.graph import list_of_nodes as list_of_nodes
from agnesi.theano.gof.graph import view_roots as view_roots
from agnesi.theano.missing import submodule
from agnesi.theano.scan_module.scan_utils import equal_computations as equal_computations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def walk(
    nodes: Iterable[Any],
    expand: Callable[[Any], Any],
    bfs: bool = True,
    return_children: bool = False,
    hash_fn: Callable[[Any], Any] = id,
) -> Iterator[Any]:
    """Yield what is reached from some nodes, each once.

    Args:
        nodes: where to begin.
        expand: gives what is reached from a node, or None.
        bfs: whether what is near comes first.
        return_children: whether each node comes with what is reached from it.
        hash_fn: what is equal for nodes that count as one.
    """
    waiting = deque(nodes)
    seen: set[Any] = set()
    while waiting:
        node = waiting.popleft() if bfs else waiting.pop()
        if hash_fn(node) in seen:
            continue
        seen.add(hash_fn(node))
        more = expand(node)
        yield (node, more) if return_children else node
        waiting.extend(more or ())


def ancestors(graphs: Iterable[Any], blockers: Iterable[Any] | None = None) -> Iterator[Any]:
    """Yield the variables that some depend on, themselves included; none behind blockers."""
    yield from _graph.ancestors(graphs, blockers)


def graph_inputs(graphs: Iterable[Any], blockers: Iterable[Any] | None = None) -> Iterator[Any]:
    """Yield the variables that are not computed, constants and shared ones too."""
    yield from _graph.inputs(graphs, blockers)


def vars_between(ins: Iterable[Any], outs: Iterable[Any]) -> Iterator[Any]:
    """Yield the variables between inputs and outputs, both included."""
    yield from _graph.variables(ins, outs)


def orphans_between(ins: Iterable[Any], outs: Iterable[Any]) -> Iterator[Any]:
    """Yield the variables that outputs depend on and that are no inputs."""
    yield from _graph.orphans(ins, outs)


def applys_between(ins: Iterable[Any], outs: Iterable[Any]) -> Iterator[Any]:
    """Yield the applications between inputs and outputs."""
    yield from _graph.ops(ins, outs)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

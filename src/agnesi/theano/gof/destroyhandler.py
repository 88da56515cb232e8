"""Which applications destroy what they read, and whether the rest of a graph can live with that.

Programs' ops say so in ``destroy_map`` and ``view_map``.  Nothing is ever destroyed here: what an
op gets is a copy.  A graph with this feature still says no where Theano's would.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from agnesi.theano.gof import graph, toolbox
from agnesi.theano.gof.utils import InconsistencyError
from agnesi.theano.misc.ordered_set import OrderedSet


def _map(node: Any, name: str) -> dict[int, Any]:
    return getattr(node.op, name, None) or {}


class DestroyHandler(toolbox.Bookkeeper):
    """Says no to graphs in which something is read after it was destroyed, or destroyed twice.

    Attributes:
        destroyers: the applications that destroy one of their inputs.
    """

    pickle_rm_attr = ("destroyers", "has_destroyers")

    def __init__(self, do_imports_on_attach: bool = True, algo: str | None = None) -> None:
        del algo
        self.fgraph: Any = None
        self.do_imports_on_attach = do_imports_on_attach
        self.destroyers = OrderedSet()

    def on_attach(self, fgraph: Any) -> None:
        """Add ``destroyers`` and ``has_destroyers`` to the graph."""
        if hasattr(fgraph, "destroyers") or hasattr(fgraph, "destroy_handler"):
            raise toolbox.AlreadyThere(
                "DestroyHandler feature is already present or in conflict with another plugin."
            )
        if self.fgraph is not None:
            raise Exception("A DestroyHandler instance can only serve one FunctionGraph.")
        self.fgraph = fgraph
        self.unpickle(fgraph)
        fgraph.destroy_handler = self
        if self.do_imports_on_attach:
            super().on_attach(fgraph)

    def unpickle(self, fgraph: Any) -> None:
        """Add the methods to a graph that was read."""
        fgraph.destroyers = self._destroyers_of
        fgraph.has_destroyers = lambda variables: any(map(self._destroyers_of, variables))

    def on_detach(self, fgraph: Any) -> None:
        """Remove them."""
        if fgraph is not self.fgraph:
            raise Exception("detaching wrong fgraph", fgraph)
        del fgraph.destroyers, fgraph.has_destroyers, fgraph.destroy_handler
        self.destroyers, self.fgraph = OrderedSet(), None

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Note what destroys."""
        if _map(node, "destroy_map"):
            self.destroyers.add(node)

    def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Forget it."""
        self.destroyers.discard(node)

    def _destroyers_of(self, variable: Any) -> list[Any]:
        """Return the applications that destroy a variable, or what it is a view of."""
        root = self._root(variable)
        return [n for n in self.destroyers if any(self._root(v) is root for v in _destroyed(n))]

    @staticmethod
    def _root(variable: Any) -> Any:
        """Return the variable whose memory one has."""
        return graph.view_roots(variable)[0]

    def validate(self, fgraph: Any) -> None:
        """Raise if there is no order in which nothing is read that was destroyed.

        Raises:
            InconsistencyError: there is none.
        """
        if not self.destroyers:
            return
        try:
            graph.io_toposort(fgraph.inputs, fgraph.outputs, self.orderings(fgraph))
        except ValueError as error:
            raise InconsistencyError("Dependency graph contains cycles") from error

    def orderings(self, fgraph: Any) -> OrderedDict[Any, list[Any]]:
        """Return what has to come before each application that destroys: all that reads the same.

        Raises:
            InconsistencyError: something is destroyed twice, may not be, or is read by its
                destroyer too.
        """
        before: OrderedDict[Any, list[Any]] = OrderedDict()
        if not self.destroyers:
            return before
        sharing = self._sharing(fgraph)
        destroyed: set[Any] = set()
        for node in self.destroyers:
            readers = OrderedSet()
            for which in _map(node, "destroy_map").values():
                root = self._root(node.inputs[which[0]])
                if root in destroyed:
                    raise InconsistencyError(f"Multiple destroyers of {root}")
                destroyed.add(root)
                shared = sharing.get(root, [root])
                self._check(node, which[0], shared)
                readers.update([n for v in shared for n, _ in v.clients if n != "output"])
            readers.discard(node)
            if readers:
                before[node] = list(readers)
        return before

    def _sharing(self, fgraph: Any) -> dict[Any, list[Any]]:
        """Return the variables in the same memory, by the one that owns it."""
        found: dict[Any, list[Any]] = {}
        for variable in fgraph.variables:
            found.setdefault(self._root(variable), []).append(variable)
        return found

    @staticmethod
    def _check(node: Any, place: int, shared: list[Any]) -> None:
        """Raise if an application may not destroy its input at a place."""
        locked = [
            v
            for v in shared
            if isinstance(v, graph.Constant) or getattr(v.tag, "indestructible", False)
        ]
        if locked:
            raise InconsistencyError(f"Attempting to destroy indestructible variables: {locked}")
        op = node.op
        same = {b for a, b in getattr(op, "destroyhandler_tolerate_same", []) if a == place}
        ignored = {b for a, b in getattr(op, "destroyhandler_tolerate_aliased", []) if a == place}
        for k, variable in enumerate(node.inputs):
            if k in ignored or variable not in shared:
                continue
            if k not in same | {place} or variable is not node.inputs[place]:
                raise InconsistencyError(f"Input aliasing: {node} ({place}, {k})")


def _destroyed(node: Any) -> list[Any]:
    """Return what an application destroys."""
    return [node.inputs[k] for which in _map(node, "destroy_map").values() for k in which]


def fast_inplace_check(inputs: Any) -> list[Any]:
    """Return the variables of a graph that an op might destroy."""
    owner = inputs[0].fgraph
    return [
        v
        for v in inputs
        if not isinstance(v, graph.Constant)
        and not owner.has_destroyers([v])
        and v not in owner.outputs
    ]

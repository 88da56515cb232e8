"""Graphs of functions, as programs look at them: ``f.maker.fgraph``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.theano.gof.graph import clone_get_equiv, io_toposort, variables

if TYPE_CHECKING:
    from collections.abc import Sequence


class MissingInputError(Exception):
    """A graph depends on a variable that is not among its inputs."""


class InconsistencyError(Exception):
    """A graph cannot be ordered."""


class CachedConstantError(Exception):
    """A constant belongs to a cache; not raised here."""


class FunctionGraph:
    """Inputs, outputs, and the applications between them.

    It is for looking at: agnesi rewrites graphs of its own.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        features: Any = None,
        clone: bool = True,
        update_mapping: Any = None,
    ) -> None:
        del features
        inputs, outputs = list(inputs), list(outputs)
        if clone:
            became = clone_get_equiv(inputs, outputs)
            inputs, outputs = [became[v] for v in inputs], [became[v] for v in outputs]
        self.inputs, self.outputs = inputs, outputs
        self.update_mapping = update_mapping

    def toposort(self) -> list[Any]:
        """Return the applications, each behind what it reads."""
        return io_toposort(self.inputs, self.outputs)

    @property
    def apply_nodes(self) -> set[Any]:
        """The applications."""
        return set(self.toposort())

    @property
    def variables(self) -> set[Any]:
        """The variables."""
        return set(variables(self.inputs, self.outputs))

    def clients(self, variable: Any) -> list[tuple[Any, int]]:
        """Return where a variable is read: applications, with the number of the input."""
        found = [
            (node, k)
            for node in self.toposort()
            for k, v in enumerate(node.inputs)
            if v is variable
        ]
        return found + [("output", k) for k, v in enumerate(self.outputs) if v is variable]

    def __str__(self) -> str:
        return "[" + ", ".join(map(str, self.outputs)) + "]"

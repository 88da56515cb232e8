"""Rewrites of whole graphs: the base of all, functions as rewrites, and sequences."""

from __future__ import annotations

import importlib
import itertools
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config
from agnesi.theano.gof.destroyhandler import DestroyHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agnesi.theano.gof.fg import FunctionGraph

_logger = logging.getLogger("theano.gof.opt")
_numbers = itertools.count()


class Numbered:
    """Something that is equal to itself only, and has a hash although it may be a list."""

    def __hash__(self) -> int:
        if "_optimizer_idx" not in self.__dict__:
            self._optimizer_idx = next(_numbers)
        return self._optimizer_idx

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other


def title_of(rewrite: Any) -> Any:
    """Return what a rewrite is called."""
    return getattr(rewrite, "name", None) or getattr(rewrite, "__name__", None)


class Optimizer(Numbered):
    """Base of the rewrites of whole graphs: ``rewrite.optimize(fgraph)``."""

    name: Any = None

    def apply(self, fgraph: FunctionGraph) -> Any:
        """Change a graph that has what :meth:`add_requirements` added."""

    def optimize(self, fgraph: FunctionGraph, *args: Any, **kwargs: Any) -> Any:
        """Add what the rewrite requires to a graph, and change it."""
        self.add_requirements(fgraph)
        return self.apply(fgraph, *args, **kwargs)

    def __call__(self, fgraph: FunctionGraph) -> Any:
        return self.optimize(fgraph)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features to a graph that :meth:`apply` uses."""

    def print_summary(self, stream: Any = None, level: int = 0, depth: int = -1) -> None:
        """Print what it is made of, as deep as ``depth`` says."""
        print(f"{' ' * level}{type(self).__name__} {self.name} id={id(self)}", file=stream)
        if depth:
            for part in self._parts():
                part.print_summary(stream, level=level + 2, depth=depth - 1)

    def _parts(self) -> list[Any]:
        """Return the rewrites that it is made of."""
        return []


class FromFunctionOptimizer(Optimizer):
    """A function of a graph as a rewrite."""

    def __init__(
        self,
        fn: Callable[[FunctionGraph], Any],
        requirements: Iterable[Callable[[FunctionGraph], Any]] = (),
    ) -> None:
        self.apply: Any = fn
        self.requirements = requirements
        self.__name__ = getattr(fn, "__name__", str(fn))

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Call the requirements with the graph."""
        for requirement in self.requirements:
            requirement(fgraph)

    def __str__(self) -> str:
        return self.__name__


def optimizer(f: Callable[[FunctionGraph], Any]) -> FromFunctionOptimizer:
    """Make a function of a graph a rewrite."""
    return FromFunctionOptimizer(f)


def know_memory(fgraph: FunctionGraph) -> None:
    """Let a graph know which applications destroy what they read."""
    fgraph.attach_feature(DestroyHandler())


def inplace_optimizer(f: Callable[[FunctionGraph], Any]) -> FromFunctionOptimizer:
    """Make a function of a graph a rewrite; the graph knows what ops destroy."""
    return FromFunctionOptimizer(f, [know_memory])


class SeqOptimizer(Optimizer, list[Any]):
    """Rewrites one after the other.

    Args:
        opts: rewrites of whole graphs, or one list of them.
        failure_callback: is called with an error, this and the rewrite that raised it; by default
            the error is raised.
    """

    def __init__(self, *opts: Any, failure_callback: Any = None) -> None:
        found = opts[0] if len(opts) == 1 and isinstance(opts[0], list | tuple) else opts
        list.__init__(self, found)
        self.failure_callback = failure_callback

    __hash__ = Optimizer.__hash__

    @staticmethod
    def warn(exc: Exception, self: Any, optimizer: Any) -> None:
        """Log an error; raise it, or look at it, if ``config.on_opt_error`` says so."""
        del self
        _logger.error("SeqOptimizer apply %s", optimizer)
        _logger.error("Traceback:")
        _logger.error(traceback.format_exc())
        if config.on_opt_error == "raise":
            raise exc
        if config.on_opt_error == "pdb":
            importlib.import_module("pdb").post_mortem(sys.exc_info()[2])

    def apply(self, fgraph: FunctionGraph) -> None:
        """Run the rewrites."""
        for rewrite in self:
            try:
                rewrite.optimize(fgraph)
            except AssertionError:
                raise
            except Exception as error:
                if self.failure_callback is None:
                    raise
                self.failure_callback(error, self, rewrite)

    def _parts(self) -> list[Any]:
        return list(self)

    def __str__(self) -> str:
        return f"SeqOpt({list.__str__(self)})"

    __repr__ = list.__repr__

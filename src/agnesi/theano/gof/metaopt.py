"""Rewrites that run what others make, and take the fastest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config
from agnesi.theano.gof import graph
from agnesi.theano.gof.local import LocalOptimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class LocalMetaOptimizerSkipAssertionError(AssertionError):
    """Raised while a candidate is compiled: it does not count, and nothing is said."""


class LocalMetaOptimizer(LocalOptimizer):
    """Base of rewrites that run the results of others and take the fastest.

    Shapes come from shared variables, test values, or from :meth:`provide_inputs`.
    """

    def __init__(self) -> None:
        self.verbose = config.metaopt.verbose
        self.track_dict: dict[Any, list[Any]] = {}
        self.tag_dict: dict[str, list[Any]] = {}
        self.optimizers: list[Any] = []

    def register(self, optimizer: Any, tag_list: Iterable[str]) -> None:
        """Add a rewrite that may give the fastest."""
        self.optimizers.append(optimizer)
        for each in optimizer.tracks():
            self.track_dict.setdefault(each, []).append(optimizer)
        for tag in tag_list:
            self.tag_dict.setdefault(tag, []).append(optimizer)

    def tracks(self) -> Any:
        """Return what the rewrites look at."""
        return list(self.track_dict)

    def provide_inputs(self, node: Any, inputs: Iterable[Any]) -> dict[Any, Any]:
        """Return shared variables with values of the right shapes for an application's inputs."""
        raise NotImplementedError

    def get_opts(self, node: Any) -> list[Any]:
        """Return the rewrites to try for an application."""
        return self.track_dict.get(type(node.op), [])

    def time_call(self, fn: Callable[[], Any]) -> float:
        """Return the seconds that a call takes."""
        begun = time.perf_counter()
        fn()
        return time.perf_counter() - begun

    def transform(self, node: Any) -> Any:
        """Return the fastest of what the rewrites return."""
        givens = self._values(node)
        if givens is None:
            return None
        timed: list[tuple[float, Any]] = []
        for rewrite in self.get_opts(node):
            outputs = rewrite.transform(node)
            seconds = self._seconds(outputs, givens, rewrite) if outputs else None
            if seconds is not None:
                timed.append((seconds, outputs))
        return min(timed, key=lambda t: t[0])[1] if timed else None

    def _values(self, node: Any) -> dict[Any, Any] | None:
        """Return shared variables for the inputs; None where one has no value."""
        from agnesi.theano.compile.sharedvalue import SharedVariable, shared

        givens: dict[Any, Any] = {}
        missing: list[Any] = []
        for variable in node.inputs:
            if isinstance(variable, SharedVariable | graph.Constant):
                continue
            if hasattr(variable.tag, "test_value"):
                value = variable.type.filter(variable.tag.test_value)
                givens[variable] = shared(
                    value, variable.name, broadcastable=variable.broadcastable
                )
            else:
                missing.append(variable)
        if missing:
            givens.update(self.provide_inputs(node, missing))
        if all(v in givens for v in missing):
            return givens
        if self.verbose > 0:
            print(f"{type(self).__name__} cannot meta-optimize {node}: shapes are not known")
        return None

    def _seconds(self, outputs: Any, givens: dict[Any, Any], rewrite: Any) -> float | None:
        from agnesi.theano.compile.function_module import function

        try:
            fn = function([], outputs, givens=givens, on_unused_input="ignore")
            seconds = min(self.time_call(fn) for _ in range(2))
        except LocalMetaOptimizerSkipAssertionError:
            return None
        except Exception as error:
            if self.verbose > 0:
                print(f"* {rewrite}: exception", error)
            return None
        if self.verbose > 1:
            print(f"* {rewrite}: {seconds:.5g} sec")
        return seconds

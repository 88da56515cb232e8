"""Features of graphs: what is told about changes, and what a graph gains from that."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.configparser import config
from agnesi.theano.gof import graph
from agnesi.theano.gof.utils import InconsistencyError

if TYPE_CHECKING:
    from collections.abc import Sequence


class AlreadyThere(Exception):
    """Raised in ``on_attach`` where the graph has a feature that does the same."""


class ReplacementDidntRemovedError(Exception):
    """What a rewrite meant to remove is still there."""


class BadOptimization(Exception):
    """What replaces a variable has another type or value.

    Attributes:
        old_r: what is replaced.
        new_r: what replaces it.
        old_r_val: the value of the first.
        new_r_val: that of the second.
        reason: what wanted the change.
        old_graph: the first graph as text.
        new_graph: the second.
    """

    def __init__(
        self,
        old_r: Any,
        new_r: Any = None,
        old_r_val: Any = None,
        new_r_val: Any = None,
        reason: Any = None,
        old_graph: str | None = None,
        new_graph: str | None = None,
    ) -> None:
        super().__init__()
        self.old_r, self.new_r = old_r, new_r
        self.old_r_val, self.new_r_val = old_r_val, new_r_val
        self.reason, self.old_graph, self.new_graph = reason, old_graph, new_graph
        # A message instead of a variable: an error that is raised again.
        self.full_err = old_r if isinstance(old_r, str) else None

    def __str__(self) -> str:
        return self.str_diagnostic()

    def str_diagnostic(self) -> str:
        """Return what differs, in lines."""
        if self.full_err is not None:
            return self.full_err
        out = StringIO()
        print("BadOptimization Error", file=out)
        print("  Variable: id", id(self.new_r), self.new_r, file=out)
        print("  Op", self.new_r.owner, file=out)
        print("  Value Type:", type(self.new_r_val), file=out)
        for name, value in (("Old", self.old_r_val), ("New", self.new_r_val)):
            if isinstance(value, np.ndarray):
                said = value.shape, value.dtype, value.strides
                print(f"  {name} Value shape, dtype, strides:", *said, file=out)
            text = str(value)
            print(f"  {name} Value: ", text[:800] + ("..." if len(text) > 800 else ""), file=out)
        if isinstance(self.old_r_val, np.ndarray) and isinstance(self.new_r_val, np.ndarray):
            self._say_differences(out)
        print("  Reason: ", self.reason, file=out)
        print("  Old Graph:", self.old_graph, "  New Graph:", self.new_graph, sep="\n", file=out)
        return out.getvalue()

    def _say_differences(self, out: StringIO) -> None:
        old, new = self.old_r_val, self.new_r_val
        if old.shape != new.shape or not old.size:
            return
        gap = np.abs(new - old)
        total = np.maximum(np.abs(new) + np.abs(old), 1e-8)
        for name, found in (("Abs", gap), ("Rel", gap / total)):
            at = np.argmax(found)
            print(f"  Max {name} Diff:", np.max(found), file=out)
            print(f"  Mean {name} Diff:", np.mean(found), file=out)
            print(f"  Median {name} Diff:", np.median(found), file=out)
            print(f"  Std {name} Diff:", np.std(found), file=out)
            print("  Value at Max Diff:", (new.flat[at], old.flat[at]), file=out)


class Feature:
    """Base of what a :class:`FunctionGraph` tells about changes."""

    def on_attach(self, fgraph: Any) -> None:
        """Begin: the graph is there already, but for features given to its constructor.

        Raises:
            AlreadyThere: it has a feature that does the same.
        """

    def on_detach(self, fgraph: Any) -> None:
        """End: take back what was added to the graph."""

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """An application has become part of the graph."""

    def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
        """An application has left the graph."""

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """``node.inputs[i]``, or output ``i`` of the graph, was ``r`` and is ``new_r``."""

    def orderings(self, fgraph: Any) -> OrderedDict[Any, list[Any]]:
        """Return applications that have to come before others, by those."""
        del fgraph
        return OrderedDict()


class Bookkeeper(Feature):
    """Is told about each application of a graph, also about those of its beginning and end."""

    def on_attach(self, fgraph: Any) -> None:
        """Import what is there."""
        for node in graph.io_toposort(fgraph.inputs, fgraph.outputs):
            self.on_import(fgraph, node, "on_attach")

    def on_detach(self, fgraph: Any) -> None:
        """Prune what is there."""
        for node in graph.io_toposort(fgraph.inputs, fgraph.outputs):
            self.on_prune(fgraph, node, "Bookkeeper.detach")


class GetCheckpoint:
    """Forgets a graph's changes so far: ``fgraph.checkpoint()``."""

    def __init__(self, history: History, fgraph: Any) -> None:
        self.h, self.fgraph, self.nb = history, fgraph, 0

    def __call__(self) -> int:
        self.h.history[self.fgraph] = []
        self.nb += 1
        return self.nb


class LambdExtract:
    """Takes one change back."""

    def __init__(self, fgraph: Any, node: Any, i: int, r: Any, reason: Any = None) -> None:
        self.fgraph, self.node, self.i, self.r, self.reason = fgraph, node, i, r, reason

    def __call__(self) -> None:
        self.fgraph.change_input(self.node, self.i, self.r, reason=("Revert", self.reason))


class History(Feature):
    """Lets a graph go back: ``fgraph.checkpoint()``, then ``fgraph.revert(checkpoint)``.

    Only the last checkpoint can be gone back to.
    """

    pickle_rm_attr: Any = ("checkpoint", "revert")

    def __init__(self) -> None:
        self.history: dict[Any, list[LambdExtract] | None] = {}

    def on_attach(self, fgraph: Any) -> None:
        """Add the methods."""
        if hasattr(fgraph, "checkpoint") or hasattr(fgraph, "revert"):
            raise AlreadyThere(
                "History feature is already present or in conflict with another plugin."
            )
        History.unpickle(self, fgraph)

    def unpickle(self, fgraph: Any) -> None:
        """Add the methods to a graph that was read."""
        self.history[fgraph] = []
        fgraph.checkpoint = GetCheckpoint(self, fgraph)
        fgraph.revert = partial(self.revert, fgraph)

    def on_detach(self, fgraph: Any) -> None:
        """Remove the methods."""
        del fgraph.checkpoint, fgraph.revert, self.history[fgraph]

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Note the change."""
        changes = self.history[fgraph]
        if changes is not None:
            changes.append(LambdExtract(fgraph, node, i, r, reason))

    def revert(self, fgraph: Any, checkpoint: int) -> None:
        """Take all changes since the last checkpoint back."""
        changes = self.history[fgraph] or []
        if fgraph.checkpoint.nb != checkpoint:
            raise AssertionError("only the last checkpoint can be gone back to")
        self.history[fgraph] = None
        while changes:
            changes.pop()()
        self.history[fgraph] = changes

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "history"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.history = {}


class Validator(Feature):
    """Lets a graph ask features whether it is valid: ``fgraph.validate()``."""

    pickle_rm_attr: Any = ("validate", "consistent")

    def on_attach(self, fgraph: Any) -> None:
        """Add the methods."""
        if any(hasattr(fgraph, name) for name in ("validate", "validate_time")):
            raise AlreadyThere(
                "Validator feature is already present or in conflict with another plugin."
            )
        Validator.unpickle(self, fgraph)

    def unpickle(self, fgraph: Any) -> None:
        """Add the methods to a graph that was read."""
        fgraph.validate = partial(self.validate_, fgraph)
        fgraph.consistent = partial(self.consistent_, fgraph)

    def on_detach(self, fgraph: Any) -> None:
        """Remove the methods."""
        del fgraph.validate, fgraph.consistent

    def validate_(self, fgraph: Any) -> None:
        """Raise what a feature raises for the graph as it is."""
        begun = time.perf_counter()
        fgraph.execute_callbacks("validate")
        if fgraph.profile:
            fgraph.profile.validate_time += time.perf_counter() - begun

    def consistent_(self, fgraph: Any) -> bool:
        """Whether no feature has anything against the graph as it is."""
        try:
            fgraph.validate()
        except Exception:
            return False
        return True


class ReplaceValidate(History, Validator):
    """Replacements that are taken back where a feature says no; each graph has it.

    ``fgraph.replace_validate(r, new_r)``, ``fgraph.replace_all_validate(pairs)`` and
    ``fgraph.replace_all_validate_remove(pairs, remove)``.
    """

    _names = ("replace_validate", "replace_all_validate", "replace_all_validate_remove")
    pickle_rm_attr = (*_names, *History.pickle_rm_attr, *Validator.pickle_rm_attr)

    def on_attach(self, fgraph: Any) -> None:
        """Add the methods."""
        if any(hasattr(fgraph, name) for name in self._names):
            raise AlreadyThere(
                "ReplaceValidate feature is already present or in conflict with another plugin."
            )
        self._nodes_removed: set[Any] = set()
        self.fail_validate = False
        History.on_attach(self, fgraph)
        Validator.on_attach(self, fgraph)
        self._add(fgraph)

    def unpickle(self, fgraph: Any) -> None:
        """Add the methods to a graph that was read."""
        History.unpickle(self, fgraph)
        Validator.unpickle(self, fgraph)
        self._add(fgraph)

    def _add(self, fgraph: Any) -> None:
        for name in self._names:
            setattr(fgraph, name, partial(getattr(self, name), fgraph))

    def on_detach(self, fgraph: Any) -> None:
        """Remove the methods."""
        History.on_detach(self, fgraph)
        Validator.on_detach(self, fgraph)
        for name in self._names:
            delattr(fgraph, name)

    def replace_validate(self, fgraph: Any, r: Any, new_r: Any, reason: Any = None) -> None:
        """Replace a variable; take it back, and raise, if the graph is not valid then."""
        self.replace_all_validate(fgraph, [(r, new_r)], reason=reason)

    def replace_all_validate(
        self, fgraph: Any, replacements: Any, reason: Any = None, verbose: bool | None = None
    ) -> int:
        """Replace variables; take all back, and raise, if the graph is not valid then.

        Returns:
            The checkpoint from before.

        Raises:
            InconsistencyError: a variable would depend on itself, or a feature says no.
            BadOptimization: types differ.
        """
        before = fgraph.checkpoint()
        if verbose is None:
            verbose = config.optimizer_verbose
        try:
            for old, new in replacements:
                fgraph.replace(old, new, reason=reason, verbose=False)
            fgraph.check_cycles(fgraph._own(new) for _, new in replacements)
            fgraph.validate()
        except Exception as error:
            fgraph.revert(before)
            if verbose:
                print(f"validate failed on node {replacements}.\n Reason: {reason}, {error}")
            raise
        if verbose:
            for old, new in replacements:
                print(reason, old, new)
        return before

    def replace_all_validate_remove(
        self, fgraph: Any, replacements: Any, remove: Any, reason: Any = None, warn: bool = True
    ) -> None:
        """Replace variables; take all back too if what was to go is still there.

        Raises:
            ReplacementDidntRemovedError: it is.
        """
        before = fgraph.replace_all_validate(replacements, reason)
        self._nodes_removed.update(remove)
        for gone in remove:
            if gone not in fgraph.apply_nodes and gone not in fgraph.variables:
                continue
            fgraph.revert(before)
            if warn:
                print(
                    "WARNING: An optimization wanted to replace a Variable in the graph, but the "
                    f"replacement for it doesn't remove it. {reason} {replacements}",
                    file=sys.stderr,
                )
            raise ReplacementDidntRemovedError

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """What was removed is not to come back."""
        del fgraph, reason
        if node in self._nodes_removed:
            self.fail_validate = True

    def validate(self, fgraph: Any) -> None:
        """Raise if it has."""
        del fgraph
        if self.fail_validate:
            self.fail_validate = False
            raise InconsistencyError("Trying to reintroduce a removed node")


class NodeFinder(Bookkeeper):
    """Lets a graph find the applications of an op: ``fgraph.get_nodes(op)``."""

    def __init__(self) -> None:
        self.fgraph: Any = None
        self.d: dict[Any, list[Any]] = {}

    def on_attach(self, fgraph: Any) -> None:
        """Add the method."""
        if self.fgraph is not None:
            raise Exception("A NodeFinder instance can only serve one FunctionGraph.")
        if hasattr(fgraph, "get_nodes"):
            raise AlreadyThere("NodeFinder is already present or in conflict with another plugin.")
        self.fgraph = fgraph
        fgraph.get_nodes = partial(self.query, fgraph)
        super().on_attach(fgraph)

    def on_detach(self, fgraph: Any) -> None:
        """Remove the method."""
        if self.fgraph is not fgraph:
            raise Exception("This NodeFinder instance was not attached to the provided fgraph.")
        self.fgraph = None
        del fgraph.get_nodes
        super().on_detach(fgraph)

    pickle_rm_attr: Sequence[str] = ("get_nodes",)

    def unpickle(self, fgraph: Any) -> None:
        """Add the method to a graph that was read."""
        fgraph.get_nodes = partial(self.query, fgraph)

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Note the application; one whose op has no hash is not found."""
        try:
            self.d.setdefault(node.op, []).append(node)
        except TypeError:
            return

    def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Forget the application."""
        try:
            nodes = self.d[node.op]
        except TypeError:
            return
        nodes.remove(node)
        if not nodes:
            del self.d[node.op]

    def query(self, fgraph: Any, op: Any) -> list[Any]:
        """Return the applications of an op."""
        del fgraph
        try:
            return list(self.d.get(op, []))
        except TypeError as error:
            raise TypeError(f"{op} in unhashable and cannot be queried by the optimizer") from error


class PrintListener(Feature):
    """Prints what happens to a graph."""

    def __init__(self, active: bool = True) -> None:
        self.active = active

    def on_attach(self, fgraph: Any) -> None:
        """Print that."""
        if self.active:
            print("-- attaching to: ", fgraph)

    def on_detach(self, fgraph: Any) -> None:
        """Print that."""
        if self.active:
            print("-- detaching from: ", fgraph)

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Print that."""
        if self.active:
            print(f"-- importing: {node}, reason: {reason}")

    def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Print that."""
        if self.active:
            print(f"-- pruning: {node}, reason: {reason}")

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Print that."""
        if self.active:
            print(f"-- changing ({node}.inputs[{i}]) from {r} to {new_r}")


class PreserveNames(Feature):
    """Gives what replaces a variable its name."""

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Hand the name on."""
        if r.name is not None and new_r.name is None:
            new_r.name = r.name


class PreserveVariableAttributes(PreserveNames):
    """Gives what replaces a variable its name, and its wish to be checked for NaN."""

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Hand them on."""
        super().on_change_input(fgraph, node, i, r, new_r, reason)
        wish = getattr(r.tag, "nan_guard_mode_check", False)
        if wish and getattr(new_r.tag, "nan_guard_mode_check", False) is False:
            new_r.tag.nan_guard_mode_check = wish


class NoOutputFromInplace(Feature):
    """Says no where an output of the graph is computed in the memory of something else.

    Args:
        first_output_idx: the first output that is looked at.
        last_output_idx: the first one after it that is not.
    """

    def __init__(self, first_output_idx: int = 0, last_output_idx: int | None = None) -> None:
        self.first_idx, self.last_idx = first_output_idx, last_output_idx

    def validate(self, fgraph: Any) -> None:
        """Look at the outputs, if the graph knows about memory at all."""
        if not hasattr(fgraph, "destroyers"):
            return
        for output in list(fgraph.outputs)[self.first_idx : self.last_idx]:
            node = output.owner
            if node is not None and output.index in (getattr(node.op, "destroy_map", None) or {}):
                raise InconsistencyError(
                    "A function graph Feature has requested that outputs of the graph be "
                    "prevented from being the result of inplace operations. This has prevented "
                    f"output {output} from being computed by modifying another variable inplace."
                )

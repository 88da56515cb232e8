"""What takes rewrites of applications through graphs."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import logging
import sys
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config
from agnesi.theano.gof import graph, toolbox
from agnesi.theano.gof.local import LocalOptGroup, LocalOptimizer, Tracked
from agnesi.theano.gof.rewrites import Optimizer, title_of
from agnesi.theano.gof.utils import InconsistencyError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from agnesi.theano.gof.fg import FunctionGraph

_logger = logging.getLogger("theano.gof.opt")


class Updater:
    """Calls functions when a graph changes."""

    def __init__(self, importer: Any, pruner: Any, chin: Any, name: Any = None) -> None:
        self.importer, self.pruner, self.chin, self.name = importer, pruner, chin, name

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Tell about a new application."""
        if self.importer:
            self.importer(node)

    def on_prune(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Tell about one that has gone."""
        if self.pruner:
            self.pruner(node)

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """Tell about an application that reads something else."""
        if self.chin:
            self.chin(node, i, r, new_r, reason)

    def on_detach(self, fgraph: Any) -> None:
        """Let go of the functions."""
        self.importer = self.pruner = self.chin = None

    def __str__(self) -> str:
        return f"Updater{{{self.name}}}"


class NavigatorOptimizer(Optimizer):
    """Base of what takes local rewrites through a graph.

    Args:
        local_opt: the rewrite.
        ignore_newtrees: whether what it makes is not looked at; ``"auto"``: as its ``reentrant``
            says.
        failure_callback: is called with an error, this, the pairs of old and new variables, the
            rewrite and the application; by default the error is raised.
    """

    def __init__(
        self, local_opt: Any, ignore_newtrees: Any = "auto", failure_callback: Any = None
    ) -> None:
        self.local_opt, self.failure_callback = local_opt, failure_callback
        if ignore_newtrees == "auto":
            ignore_newtrees = not getattr(local_opt, "reentrant", True)
        self.ignore_newtrees = ignore_newtrees

    @staticmethod
    def warn(exc: Exception, nav: Any, repl_pairs: Any, local_opt: Any, node: Any) -> None:
        """Log an error; raise it, or look at it, if ``config.on_opt_error`` says so."""
        del nav, repl_pairs
        if config.on_opt_error != "ignore":
            _logger.error("Optimization failure due to: %s", local_opt)
            _logger.error("node: %s", node)
            _logger.error("TRACEBACK:")
            _logger.error(traceback.format_exc())
        if config.on_opt_error == "pdb":
            importlib.import_module("pdb").post_mortem(sys.exc_info()[2])
        elif isinstance(exc, AssertionError) or config.on_opt_error == "raise":
            # An assertion that fails is always serious.
            raise exc

    @staticmethod
    def warn_inplace(exc: Exception, nav: Any, repl_pairs: Any, local_opt: Any, node: Any) -> None:
        """As :meth:`warn`, but for a change that the graph does not allow, which is no error."""
        if not isinstance(exc, InconsistencyError):
            NavigatorOptimizer.warn(exc, nav, repl_pairs, local_opt, node)

    @staticmethod
    def warn_ignore(exc: Exception, nav: Any, repl_pairs: Any, local_opt: Any, node: Any) -> None:
        """Ignore an error."""

    def attach_updater(
        self, fgraph: Any, importer: Any, pruner: Any, chin: Any = None, name: Any = None
    ) -> Updater | None:
        """Have functions called when a graph changes; return what :meth:`detach_updater` takes."""
        if self.ignore_newtrees:
            importer = None
        if importer is None and pruner is None:
            return None
        made = Updater(importer, pruner, chin, name=name)
        fgraph.attach_feature(made)
        return made

    def detach_updater(self, fgraph: Any, u: Updater | None) -> None:
        """Have functions called no more."""
        if u is not None:
            fgraph.remove_feature(u)

    @contextlib.contextmanager
    def _watched(self, fgraph: Any, importer: Any, chin: Any = None) -> Generator[None]:
        updater = self.attach_updater(fgraph, importer, None, chin, name=title_of(self))
        try:
            yield
        finally:
            self.detach_updater(fgraph, updater)

    def process_node(self, fgraph: Any, node: Any, lopt: Any = None) -> bool:
        """Apply a rewrite to an application; return whether the graph has changed."""
        lopt = lopt or self.local_opt
        pairs: list[tuple[Any, Any]] = [(v, None) for v in node.outputs]
        try:
            made = lopt.transform(node)
        except Exception as error:
            self._failed(error, pairs, lopt, node)
            return False
        if made is False or made is None:
            return False
        pairs, remove = _pairs(lopt, node, made)
        if not pairs:
            return False
        try:
            fgraph.replace_all_validate_remove(pairs, reason=lopt, remove=remove)
        except Exception as error:
            self._failed(error, pairs, lopt, node)
            return False
        return True

    def _failed(self, error: Exception, pairs: Any, lopt: Any, node: Any) -> None:
        if self.failure_callback is None:
            raise error
        self.failure_callback(error, self, pairs, lopt, node)

    def _parts(self) -> list[Any]:
        return [self.local_opt]

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Add those of the rewrite."""
        if self.local_opt:
            self.local_opt.add_requirements(fgraph)


def _pairs(lopt: Any, node: Any, made: Any) -> tuple[list[tuple[Any, Any]], Any]:
    """Return old and new variables, and what has to be gone, for what a rewrite returned."""
    remove: Any = []
    old: Any = node.outputs
    if isinstance(made, dict):
        made = dict(made)
        remove = made.pop("remove", [])
        old, made = list(made), list(made.values())
    elif not isinstance(made, list | tuple):
        raise TypeError(
            f"Optimizer {lopt} gave wrong type of replacement. Expected list or tuple. Got {made}"
        )
    if len(old) != len(made):
        raise ValueError(f"Optimizer {lopt} gave wrong number of replacements")
    for variable, new in zip(old, made, strict=True):
        if new is None and variable.clients:
            raise ValueError("A local optimizer tried to remove a Variable that is used")
    return [(a, b) for a, b in zip(old, made, strict=True) if b is not None and b is not a], remove


class TopoOptimizer(NavigatorOptimizer):
    """Takes a rewrite through a graph once, from its inputs or from its outputs.

    Args:
        local_opt: the rewrite.
        order: ``"in_to_out"`` or ``"out_to_in"``.
        ignore_newtrees: whether what it makes is not looked at.
        failure_callback: see :class:`NavigatorOptimizer`.
    """

    def __init__(
        self,
        local_opt: Any,
        order: str = "in_to_out",
        ignore_newtrees: Any = False,
        failure_callback: Any = None,
    ) -> None:
        if order not in ("out_to_in", "in_to_out"):
            raise ValueError("order must be 'out_to_in' or 'in_to_out'")
        self.order = order
        super().__init__(local_opt, ignore_newtrees, failure_callback)

    def apply(self, fgraph: FunctionGraph, start_from: Any = None) -> None:
        """Take the rewrite through the graph, below some outputs."""
        waiting: deque[Any] = deque(
            graph.io_toposort(fgraph.inputs, fgraph.outputs if start_from is None else start_from)
        )
        current: Any = None

        def importer(node: Any) -> None:
            if node is not current:
                waiting.append(node)

        take = waiting.pop if self.order == "out_to_in" else waiting.popleft
        with self._watched(fgraph, importer):
            while waiting:
                current = take()
                if current in fgraph.apply_nodes:
                    self.process_node(fgraph, current)

    def __str__(self) -> str:
        return getattr(self, "__name__", "<TopoOptimizer instance>")


def _through(order: str, rewrites: tuple[Any, ...], named: dict[str, Any]) -> TopoOptimizer:
    name = named.pop("name", None)
    if len(rewrites) == 1:
        (rewrite,) = rewrites
        name = name or getattr(rewrite, "__name__", None)
    else:
        rewrite = LocalOptGroup(*rewrites)
    made = TopoOptimizer(rewrite, order, failure_callback=TopoOptimizer.warn_inplace, **named)
    if name:
        made.__name__ = name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return made


def out2in(*local_opts: Any, **kwargs: Any) -> TopoOptimizer:
    """Return what takes rewrites through a graph from its outputs to its inputs.

    Args:
        local_opts: rewrites of one application.
        kwargs: ``name``, and what :class:`TopoOptimizer` takes.
    """
    return _through("out_to_in", local_opts, kwargs)


def in2out(*local_opts: Any, **kwargs: Any) -> TopoOptimizer:
    """Return what takes rewrites through a graph from its inputs to its outputs.

    Args:
        local_opts: rewrites of one application.
        kwargs: ``name``, and what :class:`TopoOptimizer` takes.
    """
    return _through("in_to_out", local_opts, kwargs)


class OpKeyOptimizer(NavigatorOptimizer):
    """Takes a rewrite to all applications of its op, which ``local_opt.op_key()`` says."""

    def __init__(
        self, local_opt: Any, ignore_newtrees: Any = False, failure_callback: Any = None
    ) -> None:
        if not hasattr(local_opt, "op_key"):
            raise TypeError("LocalOptimizer for OpKeyOptimizer must have an 'op_key' method.")
        super().__init__(local_opt, ignore_newtrees, failure_callback)

    def apply(self, fgraph: Any) -> None:
        """Take the rewrite to each."""
        key = self.local_opt.op_key()
        keys = list(key) if isinstance(key, list | tuple) else [key]
        waiting = [node for k in keys for node in fgraph.get_nodes(k)]
        current: Any = None

        def importer(node: Any) -> None:
            if node is not current and any(node.op == k for k in keys):
                waiting.append(node)

        with self._watched(fgraph, importer):
            while waiting:
                current = waiting.pop()
                if current in fgraph.apply_nodes:
                    self.process_node(fgraph, current)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Find applications by their ops."""
        super().add_requirements(fgraph)
        fgraph.attach_feature(toolbox.NodeFinder())


class ChangeTracker:
    """Knows whether a graph has changed: ``fgraph.change_tracker``."""

    def __init__(self) -> None:
        self.changed = False
        self.nb_imported = 0

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """It has."""
        self.nb_imported += 1
        self.changed = True

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, r: Any, new_r: Any, reason: Any = None
    ) -> None:
        """It has."""
        self.changed = True

    def reset(self) -> None:
        """Begin again."""
        self.changed = False

    def on_attach(self, fgraph: Any) -> None:
        """Let the graph know."""
        fgraph.change_tracker = self

    def on_detach(self, fgraph: Any) -> None:
        """End."""
        del fgraph.change_tracker


def merge_dict(d1: dict[Any, Any], d2: dict[Any, Any]) -> dict[Any, Any]:
    """Return two dicts as one, with the sums of what both have."""
    return {k: d1[k] + d2[k] if k in d1 and k in d2 else {**d1, **d2}[k] for k in {**d1, **d2}}


class EquilibriumOptimizer(NavigatorOptimizer):
    """Applies rewrites until none changes the graph.

    Args:
        optimizers: local rewrites, and rewrites of whole graphs, which come first in each round.
        failure_callback: see :class:`NavigatorOptimizer`.
        ignore_newtrees: whether what they make waits for the next round.
        tracks_on_change_inputs: whether an application whose inputs change is looked at again in
            the same round.
        max_use_ratio: a rewrite may apply this many times the graph's size.
        final_optimizers: rewrites of whole graphs that come last in each round.
        cleanup_optimizers: rewrites of whole graphs that come after each change.
    """

    def __init__(
        self,
        optimizers: Iterable[Any],
        failure_callback: Any = None,
        ignore_newtrees: Any = True,
        tracks_on_change_inputs: bool = False,
        max_use_ratio: float | None = None,
        final_optimizers: Sequence[Any] | None = None,
        cleanup_optimizers: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(None, ignore_newtrees, failure_callback)
        if max_use_ratio is None:
            raise AssertionError("max_use_ratio has to be a number")
        every = list(optimizers)
        self.local_optimizers = [o for o in every if isinstance(o, LocalOptimizer)]
        self.global_optimizers = [o for o in every if not isinstance(o, LocalOptimizer)]
        self.final_optimizers = list(final_optimizers or ())
        self.cleanup_optimizers = list(cleanup_optimizers or ())
        self.tracks_on_change_inputs, self.max_use_ratio = tracks_on_change_inputs, max_use_ratio
        self._by_op = Tracked(self.local_optimizers)

    def get_local_optimizers(self) -> Iterator[Any]:
        """Yield the local rewrites."""
        yield from dict.fromkeys(self.local_optimizers)

    def _parts(self) -> list[Any]:
        rounds = [self.global_optimizers, self.get_local_optimizers()]
        return [*itertools.chain(*rounds, self.final_optimizers, self.cleanup_optimizers)]

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Add those of all rewrites."""
        for part in self._parts():
            part.add_requirements(fgraph)

    def apply(self, fgraph: FunctionGraph, start_from: Any = None) -> None:
        """Go round until nothing changes, or a rewrite has applied too often."""
        tracker = ChangeTracker()
        fgraph.attach_feature(tracker)
        uses = _Uses(self.max_use_ratio, len(fgraph.apply_nodes))
        try:
            while self._round(fgraph, tracker, uses, start_from) and uses.too_often is None:
                pass
        finally:
            fgraph.remove_feature(tracker)
        if uses.too_often is not None:
            message = (
                f"EquilibriumOptimizer max'ed out by '{title_of(uses.too_often)}'. You can safely "
                f"raise the current threshold of {config.optdb.max_use_ratio:f} with the theano "
                "flag 'optdb.max_use_ratio'."
            )
            if config.on_opt_error == "raise":
                raise AssertionError(message)
            _logger.error(message)

    def _round(self, fgraph: Any, tracker: ChangeTracker, uses: _Uses, start_from: Any) -> bool:
        """Apply each rewrite wherever it can be; return whether anything has changed."""
        changed = self._whole(fgraph, tracker, uses, self.global_optimizers)
        changed |= self._whole(fgraph, tracker, None, self.cleanup_optimizers)
        outputs = fgraph.outputs if start_from is None else start_from
        waiting = graph.io_toposort(fgraph.inputs, outputs)
        uses.graph_has(len(waiting))
        current: Any = None

        def importer(node: Any) -> None:
            if node is not current:
                waiting.append(node)

        def chin(node: Any, *_: Any) -> None:
            if node is not current and node != "output":
                waiting.append(node)

        with self._watched(fgraph, importer, chin if self.tracks_on_change_inputs else None):
            while waiting:
                current = waiting.pop()
                if current not in fgraph.apply_nodes:
                    continue
                for rewrite in self._by_op.of_all + self._by_op.named(current.op):
                    if not self.process_node(fgraph, current, rewrite):
                        continue
                    changed = True
                    self._whole(fgraph, tracker, None, self.cleanup_optimizers)
                    uses.count(rewrite)
                    if current not in fgraph.apply_nodes:
                        break
        changed |= self._whole(fgraph, tracker, uses, self.final_optimizers)
        changed |= self._whole(fgraph, tracker, None, self.cleanup_optimizers)
        return changed

    @staticmethod
    def _whole(fgraph: Any, tracker: ChangeTracker, uses: _Uses | None, rewrites: Any) -> bool:
        """Apply rewrites of whole graphs; return whether anything has changed."""
        changed = False
        for rewrite in rewrites:
            tracker.reset()
            rewrite.apply(fgraph)
            if tracker.changed:
                changed = True
                if uses is not None:
                    uses.count(rewrite)
        return changed


class _Uses:
    """How often rewrites have applied."""

    def __init__(self, ratio: float, nodes: int) -> None:
        self.ratio, self.nodes = ratio, nodes
        self.counts: dict[Any, int] = {}
        self.too_often: Any = None

    def graph_has(self, nodes: int) -> None:
        """Note the size of the graph; its largest counts."""
        self.nodes = max(self.nodes, nodes)

    def count(self, rewrite: Any) -> None:
        """Note that a rewrite has applied."""
        self.counts[rewrite] = self.counts.get(rewrite, 0) + 1
        if self.counts[rewrite] > self.ratio * self.nodes:
            self.too_often = rewrite

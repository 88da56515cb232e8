"""Rewrites that programs write: of one application, and of whole graphs.

A *local* rewrite is a function of an application that returns what takes the places of its
outputs.  A *navigator* takes local rewrites through a graph.  agnesi's own rewrites are others
(``agnesi.rules``): they run after these, on agnesi's nodes, when a function is compiled.

>>> @local_optimizer([T.exp])
... def exp_of_log(node):
...     below = node.inputs[0].owner
...     return below.inputs if below is not None and below.op == T.log else False
>>> in2out(exp_of_log).optimize(fgraph)
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import logging
import pdb
import sys
import time
import traceback
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.configparser import config as config
from agnesi.theano.gof import graph, toolbox
from agnesi.theano.gof.destroyhandler import DestroyHandler
from agnesi.theano.gof.fg import FunctionGraph, InconsistencyError
from agnesi.theano.gof.op import PureOp
from agnesi.theano.gof.utils import MethodNotDefined
from agnesi.theano.misc.ordered_set import OrderedSet
from agnesi.theano.missing import submodule

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

_logger = logging.getLogger("theano.gof.opt")
_numbers = itertools.count()


class _Numbered:
    """Something that is equal to itself only, and has a hash although it may be a list."""

    def __hash__(self) -> int:
        if "_optimizer_idx" not in self.__dict__:
            self._optimizer_idx = next(_numbers)
        return self._optimizer_idx

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other


def _title(rewrite: Any) -> Any:
    """Return what a rewrite is called."""
    return getattr(rewrite, "name", None) or getattr(rewrite, "__name__", None)


# -- rewrites of whole graphs --------------------------------------------------------------------


class Optimizer(_Numbered):
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
            for part in parts_of(self):
                part.print_summary(stream, level=level + 2, depth=depth - 1)


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


def _know_memory(fgraph: FunctionGraph) -> None:
    fgraph.attach_feature(DestroyHandler())


def inplace_optimizer(f: Callable[[FunctionGraph], Any]) -> FromFunctionOptimizer:
    """Make a function of a graph a rewrite; the graph knows what ops destroy."""
    return FromFunctionOptimizer(f, [_know_memory])


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
            pdb.post_mortem(sys.exc_info()[2])

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

    def __str__(self) -> str:
        return f"SeqOpt({list.__str__(self)})"

    __repr__ = list.__repr__


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
    for node in graph._each_behind_its_inputs(variables, _belongs):
        if "fgraph" not in node.__dict__:
            node.inputs[:] = [merged(v) for v in node.inputs]
    return [merged(v) for v in found]


def _belongs(variable: Any) -> bool:
    """Whether a variable is one that a graph has computed."""
    return variable._owner is not None and "fgraph" in variable._owner.__dict__


# -- rewrites of one application -----------------------------------------------------------------


class LocalOptimizer(_Numbered):
    """Base of the rewrites of one application."""

    name: Any = None

    def tracks(self) -> Any:
        """Return the ops, and classes of ops, that it looks at; None for all."""
        return None

    def transform(self, node: Any) -> Any:
        """Return what takes the place of an application's outputs.

        That is a list of variables, or a dict of new variables by old ones, in which
        ``"remove"`` is a list of what has to be gone afterwards; False if nothing does.
        """
        raise MethodNotDefined("transform", type(self), type(self).__name__)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the features to a graph that :meth:`transform` uses."""

    def print_summary(self, stream: Any = None, level: int = 0, depth: int = -1) -> None:
        """Print what it is made of, as deep as ``depth`` says."""
        print(f"{' ' * level}{self} id={id(self)}", file=stream)
        if depth:
            for part in parts_of(self):
                part.print_summary(stream, level=level + 2, depth=depth - 1)


class FromFunctionLocalOptimizer(LocalOptimizer):
    """A function of an application as a rewrite."""

    __name__: str

    def __init__(
        self,
        fn: Callable[[Any], Any],
        tracks: Sequence[Any] | None = None,
        requirements: Iterable[Callable[[FunctionGraph], Any]] = (),
    ) -> None:
        self.transform: Any = fn
        self._tracks, self.requirements = tracks, requirements

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Call the requirements with the graph."""
        for requirement in self.requirements:
            requirement(fgraph)

    def tracks(self) -> Any:
        """Return what was given."""
        return self._tracks

    def __str__(self) -> str:
        return getattr(self, "__name__", "<FromFunctionLocalOptimizer instance>")


def local_optimizer(
    tracks: Sequence[Any] | None,
    inplace: bool = False,
    requirements: Iterable[Callable[[FunctionGraph], Any]] = (),
) -> Callable[[Callable[[Any], Any]], FromFunctionLocalOptimizer]:
    """Return a decorator that makes a function of an application a rewrite.

    Args:
        tracks: ops, and classes of ops, that it looks at; None for all.
        inplace: whether it gives ops that destroy their inputs: the graph then knows about memory.
        requirements: functions that add features to a graph.

    Raises:
        ValueError: ``tracks`` is empty, or has something that is no op.
    """

    def decorated(f: Callable[[Any], Any]) -> FromFunctionLocalOptimizer:
        if tracks is not None and not len(tracks):
            raise ValueError(
                "Use None instead of an empty list to apply to all nodes.", f.__module__, f.__name__
            )
        for each in tracks or ():
            if not (hasattr(each, "make_node") or inspect.isclass(each)):
                raise ValueError("Tracks are op classes or instances", f.__module__, f.__name__)
        needed = [*requirements, _know_memory] if inplace else requirements
        made = FromFunctionLocalOptimizer(f, tracks, needed)
        made.__name__ = f.__name__
        made.__doc__ = f.__doc__
        return made

    return decorated


class _Tracked:
    """Rewrites of one application, by the ops that they look at."""

    def __init__(self, rewrites: Iterable[Any]) -> None:
        self.of_all: list[Any] = []
        self.of_op: dict[Any, list[Any]] = {}
        for rewrite in rewrites:
            tracks = rewrite.tracks()
            if tracks is None:
                self.of_all.append(rewrite)
            for each in tracks or ():
                self.of_op.setdefault(each, []).append(rewrite)

    def named(self, op: Any) -> list[Any]:
        """Return those that name an op's class, or the op."""
        try:
            by_op = self.of_op.get(op, [])
        except TypeError:
            by_op = []
        return self.of_op.get(type(op), []) + by_op


class LocalOptGroup(LocalOptimizer):
    """Rewrites of one application of which the first that applies counts.

    Args:
        optimizers: the rewrites, or one list of them.
        apply_all_opts: go on with what a rewrite has made, until none applies.
        profile: nothing: rewrites are not timed.
    """

    def __init__(
        self, *optimizers: Any, apply_all_opts: bool = False, profile: bool = False
    ) -> None:
        if len(optimizers) == 1 and isinstance(optimizers[0], list):
            optimizers = tuple(optimizers[0])
        self.opts, self.apply_all_opts, self.profile = optimizers, apply_all_opts, profile
        self.reentrant = any(getattr(o, "reentrant", True) for o in optimizers)
        self.retains_inputs = all(getattr(o, "retains_inputs", False) for o in optimizers)
        self._by_op = _Tracked(optimizers)

    def __str__(self) -> str:
        return getattr(self, "__name__", f"LocalOptGroup({','.join(map(str, self.opts))})")

    def tracks(self) -> Any:
        """Return what the rewrites look at; None if one looks at everything."""
        return None if self._by_op.of_all else list(self._by_op.of_op)

    def transform(self, node: Any) -> Any:
        """Return what the first rewrite that applies returns."""
        result: Any = None
        while True:
            rewrites = self._by_op.named(node.op) + self._by_op.of_all
            made: Any = next((m for r in rewrites if (m := r.transform(node))), None)
            if not made:
                return result
            result = made
            news = list(made.values()) if isinstance(made, dict) else list(made)
            owners = {v.owner for v in news if isinstance(v, graph.Variable)}
            if not self.apply_all_opts or len(owners) != 1 or None in owners:
                return result
            (node,) = owners

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Add those of the rewrites."""
        for rewrite in self.opts:
            rewrite.add_requirements(fgraph)


class OpSub(LocalOptimizer):
    """Puts one op in the place of another one, on the same inputs.

    Args:
        op1: what is replaced.
        op2: what replaces it; both take as many inputs and give as many outputs.
        transfer_tags: whether tags are copied.
    """

    reentrant = False
    retains_inputs = True

    def __init__(self, op1: Any, op2: Any, transfer_tags: bool = True) -> None:
        self.op1, self.op2, self.transfer_tags = op1, op2, transfer_tags

    def op_key(self) -> Any:
        """Return the op that is looked for."""
        return self.op1

    def tracks(self) -> Any:
        """Return the op that is looked for."""
        return [self.op1]

    def transform(self, node: Any) -> Any:
        """Return the outputs of the other op."""
        if node.op != self.op1:
            return False
        made = self.op2.make_node(*node.inputs)
        if self.transfer_tags:
            made.tag = copy.copy(node.tag)
            for old, new in zip(node.outputs, made.outputs, strict=True):
                new.tag = copy.copy(old.tag)
        return made.outputs

    def __str__(self) -> str:
        return f"{self.op1} -> {self.op2}"


class OpRemove(LocalOptimizer):
    """Takes an op away: its outputs are its inputs."""

    reentrant = False

    def __init__(self, op: Any) -> None:
        self.op = op

    def op_key(self) -> Any:
        """Return the op that is looked for."""
        return self.op

    def tracks(self) -> Any:
        """Return the op that is looked for."""
        return [self.op]

    def transform(self, node: Any) -> Any:
        """Return the inputs."""
        return node.inputs if node.op == self.op else False

    def __str__(self) -> str:
        return f"{self.op}(x) -> x"


class PatternSub(LocalOptimizer):
    """Puts one pattern of ops in the place of another one.

    A pattern is ``(op, pattern, ...)``, a name, a number, a constant, or a dict with a
    ``"pattern"`` and a ``"constraint"``, a function of a variable.  A name stands for any variable,
    the same wherever it is written.

    >>> PatternSub((T.sub, (T.add, "x", "y"), "y"), "x")
    >>> PatternSub((T.mul, "x", "x"), (T.sqr, "x"))

    Args:
        in_pattern: what is looked for; it begins with an op.
        out_pattern: what takes its place.
        allow_multiple_clients: whether what is read elsewhere too may be part of the match.
        skip_identities_fn: gives what is to be looked at instead of a variable that does not
            match, or None.
        name: of the rewrite.
        pdb: whether to stop in the debugger at a match.
        tracks: ops to look at instead of the pattern's.
        get_nodes: gives the applications to try at one of those.
        values_eq_approx: put on the tag of what is made.
    """

    def __init__(
        self,
        in_pattern: Any,
        out_pattern: Any,
        allow_multiple_clients: bool = False,
        skip_identities_fn: Callable[[Any], Any] | None = None,
        name: str | None = None,
        pdb: bool = False,
        tracks: Any = (),
        get_nodes: Callable[[Any], Any] | None = None,
        values_eq_approx: Any = None,
    ) -> None:
        self.in_pattern, self.out_pattern = in_pattern, out_pattern
        if isinstance(in_pattern, list | tuple):
            self.op = in_pattern[0]
        elif isinstance(in_pattern, dict):
            self.op = in_pattern["pattern"][0]
        else:
            raise TypeError("The pattern to search for must start with a specific Op instance.")
        if tracks != () and not get_nodes:
            raise AssertionError("PatternSub: tracks goes with get_nodes")
        self.allow_multiple_clients = allow_multiple_clients
        self.skip_identities_fn, self.pdb = skip_identities_fn, pdb
        self._tracks, self.get_nodes = tracks, get_nodes
        self.values_eq_approx = values_eq_approx
        if name:
            self.__name__ = name

    def op_key(self) -> Any:
        """Return the op that is looked for."""
        return self.op

    def tracks(self) -> Any:
        """Return the op that is looked for."""
        return [self.op] if self._tracks == () else self._tracks

    def transform(self, node: Any, get_nodes: bool = True) -> Any:
        """Return what takes the place of a match."""
        if get_nodes and self.get_nodes is not None:
            nodes = [n for n in self.get_nodes(node) if n != "output"]
            for other in nodes:
                made = self.transform(other, get_nodes=False)
                if made:
                    return dict(zip(other.outputs, made, strict=True))
        if node.op != self.op:
            return False
        names: dict[str, Any] = {}
        if not self._matches(self.in_pattern, node.out, names, True):
            return False
        if self.pdb:
            breakpoint()
        made = self._built(self.out_pattern, names)
        if self.values_eq_approx:
            made.tag.values_eq_approx = self.values_eq_approx
        return [made]

    def _matches(self, pattern: Any, variable: Any, names: dict[str, Any], many: bool) -> bool:
        """Whether a variable is like a pattern; what names stand for is added to ``names``."""
        if self._matches_here(pattern, variable, names, many):
            return True
        other = None if self.skip_identities_fn is None else self.skip_identities_fn(variable)
        return (
            other is not None and other is not False and self._matches(pattern, other, names, many)
        )

    def _matches_here(self, pattern: Any, variable: Any, names: dict[str, Any], many: bool) -> bool:
        if isinstance(pattern, list | tuple):
            node = variable.owner
            if node is None or node.op != pattern[0] or len(node.inputs) != len(pattern) - 1:
                return False
            if not many and len(variable.clients) > 1:
                return False
            below = zip(pattern[1:], node.inputs, strict=True)
            return all(self._matches(p, v, names, self.allow_multiple_clients) for p, v in below)
        if isinstance(pattern, dict):
            if "pattern" not in pattern:
                raise KeyError(f"Malformed pattern: {pattern} (expected key 'pattern')")
            if not pattern.get("constraint", lambda _: True)(variable):
                return False
            many = pattern.get("allow_multiple_clients", many)
            return self._matches(pattern["pattern"], variable, names, many)
        if isinstance(pattern, str):
            return names.setdefault(pattern, variable) is variable
        if not isinstance(variable, graph.Constant):
            return False
        if isinstance(pattern, graph.Constant):
            return pattern.equals(variable)
        return isinstance(pattern, int | float) and bool(np.all(variable.data == pattern))

    def _built(self, pattern: Any, names: dict[str, Any]) -> Any:
        if isinstance(pattern, list | tuple):
            return pattern[0](*(self._built(p, names) for p in pattern[1:]))
        if isinstance(pattern, str):
            return names[pattern]
        return pattern if isinstance(pattern, int | float) else pattern.clone()

    def __str__(self) -> str:
        if getattr(self, "__name__", None):
            return self.__name__
        return f"{_pattern_text(self.in_pattern)} -> {_pattern_text(self.out_pattern)}"

    __repr__ = __str__


def _pattern_text(pattern: Any) -> str:
    if isinstance(pattern, list | tuple):
        return f"{pattern[0]}({', '.join(map(_pattern_text, pattern[1:]))})"
    if isinstance(pattern, dict):
        constraint = pattern.get("constraint", "no conditions")
        return f"{_pattern_text(pattern['pattern'])} subject to {constraint}"
    return str(pattern)


# -- taking local rewrites through graphs ----------------------------------------------------------


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
            pdb.post_mortem(sys.exc_info()[2])
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
        updater = self.attach_updater(fgraph, importer, None, chin, name=_title(self))
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
        self._by_op = _Tracked(self.local_optimizers)

    def get_local_optimizers(self) -> Iterator[Any]:
        """Yield the local rewrites."""
        yield from dict.fromkeys(self.local_optimizers)

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Add those of all rewrites."""
        for part in parts_of(self):
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
                f"EquilibriumOptimizer max'ed out by '{_title(uses.too_often)}'. You can safely "
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


def parts_of(rewrite: Any) -> list[Any]:
    """Return the rewrites that one is made of."""
    if isinstance(rewrite, SeqOptimizer):
        return list(rewrite)
    if isinstance(rewrite, LocalOptGroup):
        return list(rewrite.opts)
    if isinstance(rewrite, EquilibriumOptimizer):
        rounds = [rewrite.global_optimizers, rewrite.get_local_optimizers()]
        return [*itertools.chain(*rounds, rewrite.final_optimizers, rewrite.cleanup_optimizers)]
    if isinstance(rewrite, NavigatorOptimizer):
        return [rewrite.local_opt]
    return []


# -- which implementation is fastest ---------------------------------------------------------------


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


# -- what rewrites use -----------------------------------------------------------------------------


def check_chain(r: Any, *chain: Any) -> bool:
    """Whether a variable is one op of another op, and so on, of first inputs.

    Args:
        r: a variable, or an application with one output.
        chain: ops, or classes of ops; None for a variable that is given.
    """
    variable: Any = r.outputs[0] if isinstance(r, graph.Apply) else r
    for wanted in chain:
        node: Any = None if variable is None else variable.owner
        if not _is_op(node, wanted):
            return False
        variable = None if node is None else node.inputs[0]
    return True


def _is_op(node: Any, wanted: Any) -> bool:
    """Whether an application is one of an op, or of a class of ops; None: there is none."""
    if wanted is None or node is None:
        return wanted is node
    if inspect.isclass(wanted):
        return isinstance(node.op, wanted)
    return isinstance(wanted, PureOp) and node.op == wanted


def pre_greedy_local_optimizer(list_optimizations: Sequence[Any], out: Any) -> Any:
    """Apply local rewrites, once each, to what a variable is made of outside of any graph.

    Returns:
        What takes the variable's place.
    """
    became: dict[Any, Any] = {}
    for node in graph._each_behind_its_inputs([out], _belongs):
        node.inputs[:] = [became.get(v, v) for v in node.inputs]
        outputs, at = node.outputs, node
        for rewrite in list_optimizations:
            made = rewrite.transform(at)
            if not made:
                continue
            if len(made) != len(node.outputs):
                raise AssertionError(f"{rewrite} gave {len(made)} of {len(node.outputs)} outputs")
            outputs, at = list(made), made[0].owner
            if at is None:
                break
        became.update(zip(node.outputs, outputs, strict=True))
    return became.get(out, out)


def copy_stack_trace(from_var: Any, to_var: Any) -> Any:
    """Add what variables' tags say about where they were made to those of others.

    Args:
        from_var: a variable, or a list of them.
        to_var: a variable, or a list of them; it is returned.
    """
    calls: list[Any] = []
    for variable in from_var if isinstance(from_var, list) else [from_var]:
        calls += getattr(variable.tag, "trace", [])
    if calls and isinstance(calls[0], tuple):
        calls = [calls]
    for variable in to_var if isinstance(to_var, list) else [to_var]:
        variable.tag.trace = getattr(variable.tag, "trace", []) + calls
    return to_var


@contextlib.contextmanager
def inherit_stack_trace(from_var: Any) -> Generator[None]:
    """A context: variables made in it were made where others were, their tags say."""
    with graph.nodes_constructed() as made:
        yield
    copy_stack_trace(from_var, made)


def check_stack_trace(
    f_or_fgraph: Any, ops_to_check: Any = "last", bug_print: str = "raise"
) -> bool:
    """Whether tags say where outputs of applications were made.

    Args:
        f_or_fgraph: a function or its graph.
        ops_to_check: ``"last"``, ``"all"``, an op, a class of ops, several of them, or a function
            of an application.
        bug_print: ``"raise"``, ``"warn"`` or ``"ignore"`` where there is no such application.
    """
    fgraph = f_or_fgraph.maker.fgraph if hasattr(f_or_fgraph, "maker") else f_or_fgraph
    if not isinstance(fgraph, FunctionGraph):
        raise ValueError("The type of f_or_fgraph is not supported")
    nodes = _nodes_of(fgraph, ops_to_check)
    if not nodes:
        message = "Provided op instances/classes are not in the graph or the graph is empty"
        if bug_print == "raise":
            raise Exception(message)
        if bug_print == "warn":
            warnings.warn(message, stacklevel=2)
        elif bug_print != "ignore":
            raise ValueError("The string bug_print is not recognised")
    return all(getattr(v.tag, "trace", None) for n in nodes for v in n.outputs)


def _nodes_of(fgraph: FunctionGraph, wanted: Any) -> list[Any]:
    """Return the applications that ``check_stack_trace`` is asked about."""
    if isinstance(wanted, str):
        if wanted == "last":
            return [v.owner for v in fgraph.outputs if v.owner is not None]
        if wanted == "all":
            return list(fgraph.apply_nodes)
        raise ValueError("The string ops_to_check is not recognised")
    if isinstance(wanted, PureOp) or inspect.isclass(wanted):
        wanted = (wanted,)
    if isinstance(wanted, list | tuple):
        classes = tuple(w for w in wanted if inspect.isclass(w))
        return [
            n
            for n in fgraph.apply_nodes
            if n.op in wanted
            or isinstance(n.op, classes)
            or isinstance(getattr(n.op, "scalar_op", None), classes)
        ]
    if callable(wanted):
        return [n for n in fgraph.apply_nodes if wanted(n)]
    raise ValueError("ops_to_check does not have the right type")


class CheckStrackTraceFeature:
    """Complains where a rewrite makes variables that do not say where they were made."""

    def on_import(self, fgraph: Any, node: Any, reason: Any) -> None:
        """Look at a new application, as ``config.check_stack_trace`` says."""
        how = config.check_stack_trace
        silent = [v for v in node.outputs if not getattr(v.tag, "trace", None)]
        if how == "off" or not silent:
            return
        message = f"Empty stack trace! The optimization that inserted this variable is {reason}"
        if how == "raise":
            raise AssertionError(message)
        for variable in silent:
            variable.tag.trace = [[("", 0, message, "")]]
        if how == "warn":
            warnings.warn(message, stacklevel=2)


class CheckStackTraceOptimization(Optimizer):
    """Has each change of a graph looked at by :class:`CheckStrackTraceFeature`."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        """Attach the feature."""
        if not hasattr(fgraph, "CheckStrackTraceFeature"):
            fgraph.attach_feature(CheckStrackTraceFeature())


__all__ = ["OrderedSet"]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

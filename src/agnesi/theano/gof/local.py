"""Rewrites of one application: functions, groups, and patterns of ops."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.gof import graph
from agnesi.theano.gof.rewrites import Numbered, know_memory
from agnesi.theano.gof.utils import MethodNotDefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agnesi.theano.gof.fg import FunctionGraph


class LocalOptimizer(Numbered):
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
            for part in self._parts():
                part.print_summary(stream, level=level + 2, depth=depth - 1)

    def _parts(self) -> list[Any]:
        """Return the rewrites that it is made of."""
        return []


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
        needed = [*requirements, know_memory] if inplace else requirements
        made = FromFunctionLocalOptimizer(f, tracks, needed)
        made.__name__ = f.__name__
        made.__doc__ = f.__doc__
        return made

    return decorated


class Tracked:
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
        self._by_op = Tracked(optimizers)

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

    def _parts(self) -> list[Any]:
        return list(self.opts)

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

    >>> import agnesi.theano.tensor as T
    >>> PatternSub((T.sub, (T.add, "x", "y"), "y"), "x")
    Elemwise{sub,no_inplace}(Elemwise{add,no_inplace}(x, y), y) -> x
    >>> PatternSub((T.mul, "x", "x"), (T.sqr, "x"))
    Elemwise{mul,no_inplace}(x, x) -> Elemwise{sqr,no_inplace}(x)

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

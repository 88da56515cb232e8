"""Rewrites that programs write: of one application, and of whole graphs.

A *local* rewrite is a function of an application that returns what takes the places of its
outputs.  A *navigator* takes local rewrites through a graph.  agnesi's own rewrites are others
(``agnesi.rules``): they run after these, on agnesi's nodes, when a function is compiled.

>>> import agnesi.theano.tensor as T
>>> @local_optimizer([T.exp])
... def exp_of_log(node):
...     below = node.inputs[0].owner
...     return below.inputs if below is not None and below.op == T.log else False
>>> x = T.dscalar("x")
>>> fgraph = FunctionGraph([x], [T.exp(T.log(x))], clone=False)
>>> _ = in2out(exp_of_log).optimize(fgraph)
>>> fgraph.outputs
[x]
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config as config
from agnesi.theano.gof import graph
from agnesi.theano.gof.fg import FunctionGraph
from agnesi.theano.gof.local import FromFunctionLocalOptimizer as FromFunctionLocalOptimizer
from agnesi.theano.gof.local import LocalOptGroup as LocalOptGroup
from agnesi.theano.gof.local import LocalOptimizer as LocalOptimizer
from agnesi.theano.gof.local import OpRemove as OpRemove
from agnesi.theano.gof.local import OpSub as OpSub
from agnesi.theano.gof.local import PatternSub as PatternSub
from agnesi.theano.gof.local import local_optimizer as local_optimizer
from agnesi.theano.gof.merging import MergeFeature as MergeFeature
from agnesi.theano.gof.merging import MergeOptimizer as MergeOptimizer
from agnesi.theano.gof.merging import belongs
from agnesi.theano.gof.merging import is_same_graph_with_merge as is_same_graph_with_merge
from agnesi.theano.gof.merging import pre_constant_merge as pre_constant_merge
from agnesi.theano.gof.metaopt import LocalMetaOptimizer as LocalMetaOptimizer
from agnesi.theano.gof.metaopt import (
    LocalMetaOptimizerSkipAssertionError as LocalMetaOptimizerSkipAssertionError,
)
from agnesi.theano.gof.navigators import ChangeTracker as ChangeTracker
from agnesi.theano.gof.navigators import EquilibriumOptimizer as EquilibriumOptimizer
from agnesi.theano.gof.navigators import NavigatorOptimizer as NavigatorOptimizer
from agnesi.theano.gof.navigators import OpKeyOptimizer as OpKeyOptimizer
from agnesi.theano.gof.navigators import TopoOptimizer as TopoOptimizer
from agnesi.theano.gof.navigators import Updater as Updater
from agnesi.theano.gof.navigators import in2out as in2out
from agnesi.theano.gof.navigators import merge_dict as merge_dict
from agnesi.theano.gof.navigators import out2in as out2in
from agnesi.theano.gof.op import PureOp
from agnesi.theano.gof.rewrites import FromFunctionOptimizer as FromFunctionOptimizer
from agnesi.theano.gof.rewrites import Numbered as Numbered
from agnesi.theano.gof.rewrites import Optimizer as Optimizer
from agnesi.theano.gof.rewrites import SeqOptimizer as SeqOptimizer
from agnesi.theano.gof.rewrites import inplace_optimizer as inplace_optimizer
from agnesi.theano.gof.rewrites import optimizer as optimizer
from agnesi.theano.missing import submodule

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


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
    for node in graph._each_behind_its_inputs([out], belongs):
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


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

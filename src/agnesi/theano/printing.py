"""Graphs as text: ``debugprint``, ``pp``, and ``Print`` in the midst of a computation."""

from __future__ import annotations

import hashlib
import sys
from collections import deque
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agnesi.theano.compile.function_module import Function
from agnesi.theano.compile.io import SymbolicInput, SymbolicOutput
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.gof.fg import FunctionGraph
from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.missing import submodule
from agnesi.theano.pretty import (
    DefaultPrinter,
    FunctionPrinter,
    IgnorePrinter,
    LeafPrinter,
    OperatorPrinter,
    PatternPrinter,
    PPrinter,
    PrinterState,
    default_printer,
    greek,
    leaf_printer,
    pp,
    pprint,
    special,
)
from agnesi.theano.tensor.var import TensorConstant

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMES = """
Timing Info
-----------
--> <time> <% time> - <total time> <% total time>'

<time>         computation time for this node
<% time>       fraction of total computation time for this node
<total time>   time for this node + total times for this node's ancestors
<% total time> total time for this node over total computation time

N.B.: an ancestor of several inputs counts for each, so that total times are upper bounds.
"""
_NO_TIMES = """
agnesi computes several applications in one step, so that single ones have no times:
f.profile.summary() says how long each step takes.
"""


def char_from_number(number: int) -> str:
    """Return a number in letters: A to Z are its 26 digits."""
    text = chr(65 + number % 26)
    while number >= 26:
        number //= 26
        text = chr(65 + number % 26) + text
    return text


# -- debugprint ----------------------------------------------------------------------------------


class _Root:
    """A variable to print, with what is known of the function that computes it."""

    def __init__(
        self, variable: Any, order: list[Any] | None = None, clients: Any = None, **known: Any
    ) -> None:
        self.variable, self.order = variable, {n: k for k, n in enumerate(order or ())}
        self.clients: dict[Any, list[Any]] = clients or {}
        self.profile: Any = known.get("profile")
        self.storage: Callable[[Any], Any] | None = known.get("storage")


class _Tree:
    """Prints graphs as trees, with what has been said before.

    Attributes:
        done: applications and inputs that are printed, with their marks.
        used: marks, also of those that are only mentioned yet.
        scans: variables that loops compute.
        outer: what the inputs of a loop's body stand for.
    """

    def __init__(
        self, file: Any, ids: str, types: bool, stop: bool, show_clients: bool, done: Any, used: Any
    ) -> None:
        self.file, self.ids, self.types, self.stop = file, ids, types, stop
        self.show_clients, self.done, self.used = show_clients, done, used
        self.scans: list[Any] = []
        self.outer: dict[Any, Any] = {}

    def mark(self, thing: Any, variable: Any, *, printed: bool = True) -> str:
        """Return what tells a thing from others."""
        thing = _same(thing)
        if thing in self.used:
            return self.used[thing]
        if isinstance(thing, str):
            text = thing
        elif self.ids == "":
            text = ""
        elif self.ids == "id":
            text = f"[id {id(variable)}]"
        elif self.ids == "int":
            text = f"[id {len(self.used)}]"
        elif self.ids == "CHAR":
            text = f"[id {char_from_number(len(self.used))}]"
        else:
            raise ValueError(f"ids is 'CHAR', 'int', 'id' or '', not {self.ids!r}")
        if printed:
            self.done[thing] = text
        self.used[thing] = text
        return text

    def show(self, root: _Root, variable: Any, depth: int, first: str = "", rest: str = "") -> None:
        """Print a variable and what is below it; what loops compute is noted."""
        waiting = [(variable, depth, first, rest)]
        while waiting:
            variable, depth, first, rest = waiting.pop()
            if _is_scan(variable):
                self.scans.append(variable)
            if depth == 0:
                continue
            node = variable.owner
            if node is None:
                self._leaf(root, variable, first)
                continue
            before = node in self.done
            print(first + self._line(root, variable, node), file=self.file)
            if before or (self.stop and variable.name is not None):
                continue
            inner, last = f"{rest} |", len(node.inputs) - 1
            below = [
                (v, depth - 1, inner, f"{rest}  " if k == last else inner)
                for k, v in enumerate(node.inputs)
            ]
            waiting += reversed(below)

    def _kind(self, variable: Any) -> str:
        return f" <{variable.type}>" if self.types else ""

    def _leaf(self, root: _Root, variable: Any, first: str) -> None:
        said = f"{first}{variable} {self.mark(variable, variable)}{self._kind(variable)}"
        if variable in self.outer:
            stands = self.outer[variable]
            said += f" -> {self.mark(stands.owner or stands, variable)}"
        elif root.storage is not None:
            said += f" {root.storage(variable)}"
        print(said, file=self.file)

    def _line(self, root: _Root, variable: Any, node: Any) -> str:
        which = f".{node.outputs.index(variable)}" if len(node.outputs) > 1 else ""
        mark = self.mark(node, variable)
        place = str(root.order[node]) if root.order else ""
        data = "" if root.storage is None else f" {root.storage(node.outputs[0])}"
        said = f"{node.op}{which} {mark}{self._kind(variable)} '{variable.name or ''}'   {place}"
        return said + data + self._clients(root, variable) + _times(root.profile, node)

    def _clients(self, root: _Root, variable: Any) -> str:
        clients = root.clients.get(variable, ())
        if not self.show_clients or len(clients) < 2:
            return ""
        shown = [
            (
                self.mark(c, variable, printed=False),
                root.order.get(c, ""),
            )
            for c in clients
        ]
        return f" clients:{shown}"


def _same(thing: Any) -> Any:
    """Return what is equal for what counts as one, as numbers near 0 do: Theano makes each once."""
    if not isinstance(thing, TensorConstant) or thing.data.size != 1:
        return thing
    if thing.data.dtype.kind not in "iuf" or not -10 <= thing.data.item() <= 10:
        return thing
    return thing.type, thing.data.tobytes()


def _is_scan(variable: Any) -> bool:
    op = getattr(variable.owner, "op", None)
    return op is not None and getattr(op, "inner_outputs", None) is not None


def _times(profile: Any, node: Any) -> str:
    if profile is None or node not in getattr(profile, "apply_time", ()):
        return ""
    whole, total = profile.fct_call_time or 1.0, profile.compute_total_times()[node]
    own = profile.apply_time[node]
    return f" --> {own:8.2e}s {own / whole * 100:4.1f}% {total:8.2e}s {total / whole * 100:4.1f}%"


def debugprint(
    obj: Any,
    depth: int = -1,
    print_type: bool = False,
    file: Any = None,
    ids: str = "CHAR",
    stop_on_name: bool = False,
    done: Any = None,
    print_storage: bool = False,
    print_clients: bool = False,
    used_ids: Any = None,
) -> Any:
    """Print a graph as a tree; the bodies of loops behind it.

    Args:
        obj: a variable, an application, a function, a graph of one, an ``In`` or ``Out``, a number
            or array, or a list of them.
        depth: how many levels; -1 for all.
        print_type: whether types are shown.
        file: where to; ``"str"`` returns the text.
        ids: ``"CHAR"``, ``"int"``, ``"id"`` or ``""``: how nodes are told apart.
        stop_on_name: whether what has a name is not looked into.
        done: a dict for several calls, so that what one has printed is not looked into again.
        print_storage: whether a function's values are shown: those of shared variables, constants
            and defaults, since others are not kept.
        print_clients: whether what has several readers says which.
        used_ids: a dict for several calls, so that they tell nodes apart in the same way.

    Returns:
        The text if ``file`` is ``"str"``, else the file.
    """
    given: Any = depth
    if not isinstance(given, int):
        raise Exception("depth parameter must be an int")
    out: Any = StringIO() if file == "str" else (file or sys.stdout)
    done, used_ids = ({} if each is None else each for each in (done, used_ids))
    tree = _Tree(out, ids, print_type, stop_on_name, print_clients, done, used_ids)
    roots: list[_Root] = []
    for each in obj if isinstance(obj, list | tuple | set) else [obj]:
        if isinstance(each, int | float | np.ndarray):
            print(each, file=out)
        else:
            roots += _roots(each, storage=print_storage)
    profiled = [r for r in roots if getattr(r.profile, "fct_callcount", 0)]
    if profiled:
        known = any(node in r.profile.apply_time for r in profiled for node in r.order)
        print(_TIMES if known else _NO_TIMES, file=out)
    for root in roots:
        tree.show(root, root.variable, depth)
    _show_bodies(tree, depth)
    if file == "str":
        return out.getvalue()
    out.flush()
    return file


def _roots(obj: Any, *, storage: bool) -> list[_Root]:
    """Return what of an object is printed.

    Raises:
        TypeError: it is none that can be.
    """
    if isinstance(obj, Variable):
        return [_Root(obj)]
    if isinstance(obj, Apply):
        return [_Root(v) for v in obj.outputs]
    if isinstance(obj, SymbolicInput | SymbolicOutput):
        return [_Root(obj.variable)]
    if isinstance(obj, Function):
        graph, stored = obj.maker.fgraph, _stored(obj) if storage else None
    elif isinstance(obj, FunctionGraph):
        graph, stored = obj, None
    else:
        raise TypeError("debugprint cannot print an object of this type", obj)
    order, clients = graph.toposort(), _clients(graph)
    profile = getattr(obj, "profile", None)
    return [_Root(v, order, clients, profile=profile, storage=stored) for v in graph.outputs]


def _clients(graph: Any) -> dict[Any, list[Any]]:
    """Return the readers of each variable: applications, and ``"output"``."""
    readers: dict[Any, list[Any]] = {}
    for node in graph.toposort():
        for variable in node.inputs:
            readers.setdefault(variable, []).append(node)
    for variable in graph.outputs:
        readers.setdefault(variable, []).append("output")
    return readers


def _stored(fct: Function) -> Callable[[Any], Any]:
    """Return a function that gives the value of a function's variable, in a list."""

    def stored(variable: Any) -> list[Any]:
        if isinstance(variable, Constant):
            return [variable.data]
        if isinstance(variable, SharedVariable):
            return [variable.get_value(borrow=True)]
        held = fct.finder.get(variable)
        return [None if held is None else held.value]

    return stored


def _show_bodies(tree: _Tree, depth: int) -> None:
    """Print the bodies of the loops that have been met, and of those in them."""
    if not tree.scans:
        return
    print("\nInner graphs of the scan ops:", file=tree.file)
    waiting = deque(tree.scans)
    while waiting:
        variable = waiting.popleft()
        node = variable.owner
        tree.scans = []
        tree.outer = dict(zip(node.op.inner_inputs, node.op.outer_inputs(node), strict=True))
        print(file=tree.file)
        root = _Root(variable)
        tree.show(root, variable, depth)
        # The loop itself is not another one.
        tree.scans.remove(variable)
        for output in node.op.inner_outputs:
            tree.show(root, output, depth, " >", " >")
        waiting.extend(tree.scans)


# -- Print ---------------------------------------------------------------------------------------


def _print_fn(op: Any, xin: Any) -> None:
    for attr in op.attrs:
        found = getattr(xin, attr)
        print(op.message, attr, "=", found() if callable(found) else found)


class Print(Op):
    """Prints a value when it is computed: ``Print("h")(h)`` is ``h``.

    Attributes:
        message: in front of the value.
        attrs: methods or attributes of the array that are printed, ``"__str__"`` by default.
        global_fn: called instead of printing, with the op and the array.
    """

    view_map: ClassVar[dict[int, list[int]]] = {0: [0]}
    __props__ = ("message", "attrs", "global_fn")

    def __init__(
        self,
        message: str = "",
        attrs: tuple[str, ...] = ("__str__",),
        global_fn: Callable[[Any, Any], Any] = _print_fn,
    ) -> None:
        self.message, self.attrs, self.global_fn = message, tuple(attrs), global_fn

    def make_node(self, xin: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        from agnesi.theano.tensor.basic import as_tensor_variable

        x = xin if isinstance(xin, Variable) else as_tensor_variable(xin)
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Print, and hand on."""
        del node, params
        output_storage[0][0] = inputs[0]
        self.global_fn(self, inputs[0])

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """As of the value."""
        del inputs
        return list(output_grads)

    def R_op(self, inputs: Any, eval_points: Any) -> Any:
        """As of the value."""
        del inputs
        return list(eval_points)

    def infer_shape(self, node: Apply, shapes: Any) -> Any:
        """As of the value."""
        del node
        return shapes


# -- short texts ---------------------------------------------------------------------------------


class _TagGenerator:
    """Gives letters, in their order."""

    def __init__(self) -> None:
        self.cur_tag_number = 0

    def get_tag(self) -> str:
        """Return the next one."""
        self.cur_tag_number += 1
        return char_from_number(self.cur_tag_number - 1)


def min_informative_str(
    obj: Any, indent_level: int = 0, _prev_obs: Any = None, _tag_generator: Any = None
) -> str:
    """Return a graph as a tree of lettered lines, down to what has a name.

    Args:
        obj: a variable.
        indent_level: how many blanks are in front of the first line.
    """
    known = {} if _prev_obs is None else _prev_obs
    tags = _tag_generator or _TagGenerator()
    indent = " " * indent_level
    if id(obj) in known:
        return f"{indent}<{known[id(obj)]}>"
    known[id(obj)] = tag = tags.get_tag()
    if hasattr(obj, "__array__"):
        said = "<ndarray>"
    elif getattr(obj, "name", None) is not None:
        said = obj.name
    elif getattr(obj, "owner", None) is not None:
        below = (min_informative_str(v, indent_level + 1, known, tags) for v in obj.owner.inputs)
        said = "\n".join([str(obj.owner.op), *below])
    else:
        said = str(obj)
    return f"{indent}{tag}. {said}"


def var_descriptor(obj: Any, _prev_obs: Any = None, _tag_generator: Any = None) -> str:
    """Return a line that says in full how a variable is computed, the same in every process."""
    known = {} if _prev_obs is None else _prev_obs
    tags = _tag_generator or _TagGenerator()
    if id(obj) in known:
        return f"<{known[id(obj)]}>"
    known[id(obj)] = tag = tags.get_tag()
    if hasattr(obj, "__array__"):
        strides = ",".join(map(str, obj.strides))
        digest = hashlib.sha256(np.ascontiguousarray(obj).tobytes()).hexdigest()
        said = f"<ndarray:strides=[{strides}],digest={digest}>"
    elif getattr(obj, "owner", None) is not None:
        below = ",".join(var_descriptor(v, known, tags) for v in obj.owner.inputs)
        said = f"{obj.owner.op}({below})"
    elif getattr(obj, "name", None) is not None:
        said = obj.name
    else:
        said = str(obj)
        if " at 0x" in said:
            said = position_independent_str(obj)
    return f"{tag}={said}"


def position_independent_str(obj: Any) -> str:
    """Return a text for a variable that does not say where in memory it is."""
    if not isinstance(obj, Variable):
        raise NotImplementedError(f"position_independent_str: of variables, not of {type(obj)}")
    return f"theano_var{{type={obj.type}}}"


def hex_digest(x: Any) -> str:
    """Return a text that is different for arrays that differ, in strides or shape too."""
    if not isinstance(x, np.ndarray):
        raise AssertionError(f"hex_digest: an array, not {type(x)}")
    strides, shape = (",".join(map(str, each)) for each in (x.strides, x.shape))
    return f"{hashlib.sha256(x.tobytes()).hexdigest()}|strides=[{strides}]|shape=[{shape}]"


__all__ = [
    "DefaultPrinter",
    "FunctionPrinter",
    "IgnorePrinter",
    "LeafPrinter",
    "OperatorPrinter",
    "PPrinter",
    "PatternPrinter",
    "Print",
    "PrinterState",
    "debugprint",
    "default_printer",
    "greek",
    "hex_digest",
    "leaf_printer",
    "min_informative_str",
    "position_independent_str",
    "pp",
    "pprint",
    "pydotprint",  # noqa: F822  # pyright: ignore[reportUnsupportedDunderAll]
    "special",
    "var_descriptor",
]


_DRAWN = ("default_colorCodes", "pydot_imported", "pydot_imported_msg", "pydotprint")


def __getattr__(name: str) -> Any:
    if name in _DRAWN:
        # Loaded when somebody draws.
        return getattr(submodule("agnesi.theano", "drawing"), name)
    return submodule(__name__, name)

"""What of a graph is drawn, and in which colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from agnesi.theano.compile.builders import OpFromGraph
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.dot_language import Dot, Edge, Node
from agnesi.theano.drawing import Drawn, places
from agnesi.theano.gof.graph import Apply, Constant
from agnesi.theano.scan_module.scan import Scan

pydot_imported, pydot_imported_msg = True, ""
_CHARACTERS = {
    "complex64": "c",
    "complex128": "z",
    "float32": "f",
    "float64": "d",
    "int8": "b",
    "int16": "w",
    "int32": "i",
    "int64": "l",
}
_PATTERNS = {
    (): "scalar",
    (False,): "vector",
    (False, True): "col",
    (True, False): "row",
    (False, False): "matrix",
}


class PyDotFormatter:
    """Makes a picture of a graph; the bodies of loops and of ``OpFromGraph`` are pictures in it.

    Attributes:
        compact: leave out variables without names between applications.
        node_colors: colours by what a variable is.
        apply_colors: colours by what an op's class is called.
        shapes: shapes by what a node is.
    """

    def __init__(self, compact: bool = True) -> None:
        self.compact = compact
        self.node_colors = {
            "input": "limegreen",
            "constant_input": "SpringGreen",
            "shared_input": "YellowGreen",
            "output": "dodgerblue",
            "unused": "lightgrey",
        }
        self.apply_colors = {
            "GpuFromHost": "red",
            "HostFromGpu": "red",
            "Scan": "yellow",
            "Shape": "cyan",
            "IfElse": "magenta",
            "Elemwise": "#FFAABB",
            "Subtensor": "#FFAAFF",
            "Alloc": "#FFAA22",
        }
        self.shapes = {"input": "box", "output": "box", "apply": "ellipse"}
        self.prefix = "n"

    def __call__(self, fct: Any, graph: Dot | None = None) -> Dot:
        """Return the picture of a function, a variable, an application or a list of variables.

        Args:
            fct: what is drawn.
            graph: a picture to add to.
        """
        self.graph = Dot() if graph is None else graph
        self.names: dict[Any, str] = {}
        self.drawn = Drawn(fct)
        for node in self.drawn.topo:
            self._apply(node)
        for new, target in self.drawn.updates.items():
            self.graph.add_edge(
                Edge(self._name(new), self._name(target), label="update", color="dodgerblue")
            )
        return self.graph

    def _name(self, thing: Any) -> str:
        return self.names.setdefault(thing, f"{self.prefix}{len(self.names) + 1}")

    def _apply(self, node: Apply) -> None:
        kind = type(node.op).__name__
        known: dict[str, Any] = {
            "label": apply_label(node),
            "node_type": "apply",
            "apply_op": kind,
            "op": str(node.op),
            "shape": self.shapes["apply"],
        }
        colours = [c for name, c in self.apply_colors.items() if name in kind]
        if colours:
            known |= {"style": "filled", "fillcolor": colours[-1], "type": "colored"}
        profile = apply_profile(node, self.drawn.profile)
        if profile is not None:
            known["profile"] = "\t".join(map(str, profile))
        self.graph.add_node(Node(self._name(node), **known))
        for k, v in enumerate(node.inputs):
            self._input(node, k, v)
        for v in node.outputs:
            self._output(node, v)
        self._inside(node)

    def _variable(self, v: Any, kind: str, colour: str) -> None:
        known = {
            "label": var_label(v),
            "node_type": kind,
            "dtype": type_to_str(v.type),
            "style": "filled",
            "fillcolor": colour,
            "shape": self.shapes["output" if kind == "output" else "input"],
        }
        tag = var_tag(v)
        if tag is not None:
            known["tag"] = "\t".join(map(str, tag))
        self.graph.add_node(Node(self._name(v), **known))

    def _input(self, node: Apply, k: int, v: Any) -> None:
        label = type_to_str(v.type)
        if len(node.inputs) > 1:
            label = f"{k} {label}"
        named = {"label": label}
        if k in places(node.op, "view_map"):
            named["color"] = self.node_colors["output"]
        elif k in places(node.op, "destroy_map"):
            named["color"] = "red"
        source = v
        if v.owner is None:
            kind = "input"
            if isinstance(v, Constant):
                kind = "constant_input"
            elif isinstance(v, SharedVariable):
                kind = "shared_input"
            self._variable(v, kind, self.node_colors[kind])
        elif not self._shown(v):
            source = v.owner
        self.graph.add_edge(Edge(self._name(source), self._name(node), **named))

    def _shown(self, v: Any) -> bool:
        """Whether a computed variable has a node of its own."""
        known = v in self.drawn.outputs or v in self.drawn.updates or not self.drawn.clients.get(v)
        return known or v.name is not None or not self.compact

    def _output(self, node: Apply, v: Any) -> None:
        if not self._shown(v):
            return
        unused = not self.drawn.clients.get(v)
        end = unused or v in self.drawn.outputs or v in self.drawn.updates
        colour = self.node_colors["unused" if unused else "output"] if end else "white"
        self._variable(v, "output" if end else "variable", colour)
        self.graph.add_edge(Edge(self._name(node), self._name(v), label=type_to_str(v.type)))

    def _inside(self, node: Apply) -> None:
        """Draw the body of a loop, or of an ``OpFromGraph``."""
        if isinstance(node.op, OpFromGraph):
            outputs, inner = node.op.local_outputs, list(node.op.local_inputs)
            outer = list(node.inputs)
        elif isinstance(node.op, Scan) and node.op.inner_outputs is not None:
            outputs, inner = list(node.op.inner_outputs), list(node.op.inner_inputs)
            outer = node.op.outer_inputs(node)
        else:
            return
        name = self._name(node)
        cluster = Dot(f"cluster_{name}")
        drawer = type(self)(self.compact)
        drawer.prefix = f"{name}_"
        drawer(outputs, cluster)
        self.graph.add_subgraph(cluster)
        pairs = [
            [self._name(a if a.owner is None or self._shown(a) else a.owner), drawer._name(b)]
            for a, b in zip(outer, inner, strict=True)
        ]
        ends = [
            [drawer._name(a), self._name(b)] for a, b in zip(outputs, node.outputs, strict=False)
        ]
        known = self.graph.node(name).attributes
        known["subg"] = cluster.name
        known["subg_map_inputs"], known["subg_map_outputs"] = str(pairs), str(ends)


def var_label(var: Any, precision: int = 3) -> str:
    """Return what is written on a variable."""
    if var.name is not None:
        return var.name
    if isinstance(var, Constant):
        value = np.asarray(var.data)
        if value.dtype.kind == "O":
            return str(var.data)
        text = np.array2string(np.atleast_1d(value), precision=precision).split("\n")[0]
        return text if value.ndim else text.strip("[]")
    return type_to_str(var.type)


def var_tag(var: Any) -> list[Any] | None:
    """Return the file, line and text of where a program made a variable, if that is kept."""
    trace = getattr(var.tag, "trace", None)
    if not trace or not trace[0]:
        return None
    last = trace[0][-1] if isinstance(trace[0][0], tuple | list) else trace[0]
    if len(last) != 4:
        return None
    path, line, _, text = last
    return [Path(path).name.replace("<", "").replace(">", ""), line, text]


def apply_label(node: Apply) -> str:
    """Return what is written on an application."""
    return type(node.op).__name__


def apply_profile(node: Apply, profile: Any) -> list[float] | None:
    """Return the time of an application and that of all calls, if they are known."""
    if not profile or not getattr(profile, "fct_call_time", 0):
        return None
    return [getattr(profile, "apply_time", {}).get(node, 0), profile.fct_call_time]


def broadcastable_to_str(b: Any) -> str:
    """Return what arrays with such axes are called; an empty text for other ones."""
    return _PATTERNS.get(tuple(b), "")


def dtype_to_char(dtype: str) -> str:
    """Return the letter of a dtype; X for one that has none."""
    return _CHARACTERS.get(dtype, "X")


def type_to_str(t: Any) -> str:
    """Return a type in short, as constructors are called: ``dmatrix``."""
    pattern = getattr(t, "broadcastable", None)
    if pattern is None:
        return str(t)
    named = broadcastable_to_str(pattern)
    return f"{dtype_to_char(t.dtype)}{named}" if named else str(t.dtype)

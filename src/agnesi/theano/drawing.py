"""``pydotprint``: a graph as a picture."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.compile.function_module import Function
from agnesi.theano.compile.sharedvalue import SharedVariable
from agnesi.theano.configparser import config
from agnesi.theano.dot_language import Dot, Edge, Node
from agnesi.theano.gof.fg import FunctionGraph
from agnesi.theano.gof.graph import Apply, Constant, Variable, inputs, io_toposort

if TYPE_CHECKING:
    from collections.abc import Mapping

# Whether Graphviz is there: ``dot`` and ``svg`` need none.
pydot_imported = shutil.which("dot") is not None
pydot_imported_msg = "" if pydot_imported else "Install Graphviz, whose program dot draws pictures."
default_colorCodes = {
    "GpuFromHost": "red",
    "HostFromGpu": "red",
    "Scan": "yellow",
    "Shape": "brown",
    "IfElse": "magenta",
    "Elemwise": "#FFAABB",
    "Subtensor": "#FFAAFF",
    "Alloc": "#FFAA22",
    "Output": "blue",
}


class Drawn:
    """What of a program is drawn.

    Attributes:
        outputs: variables that come out.
        topo: applications in their order.
        updates: shared variables by their new values.
        profile: where a function's time went, or None.
        clients: how many readers each variable has.
    """

    def __init__(self, fct: Any) -> None:
        self.profile: Any = None
        self.updates: dict[Any, Any] = {}
        if isinstance(fct, Function | FunctionGraph):
            graph = fct.maker.fgraph if isinstance(fct, Function) else fct
            self.outputs, self.topo = list(graph.outputs), list(graph.toposort())
        else:
            self.outputs = self._outputs(fct)
            self.topo = io_toposort(inputs(self.outputs), self.outputs)
        if isinstance(fct, Function):
            self.profile = fct.profile
            graph = fct.maker.fgraph
            changed = graph.update_mapping or {}
            self.updates = {graph.outputs[o]: graph.inputs[i] for o, i in changed.items()}
            self.outputs = [v for k, v in enumerate(self.outputs) if k not in changed]
        self.clients: dict[Any, int] = dict.fromkeys([*self.outputs, *self.updates], 1)
        for node in self.topo:
            for variable in node.inputs:
                self.clients[variable] = self.clients.get(variable, 0) + 1

    @staticmethod
    def _outputs(fct: Any) -> list[Any]:
        if isinstance(fct, Apply):
            return list(fct.outputs)
        found = [fct] if isinstance(fct, Variable) else list(fct)
        for variable in found:
            if not isinstance(variable, Variable):
                raise AssertionError(f"variables are drawn, not {variable!r}")
        return found

    def profile_text(self, node: Apply) -> str:
        """Return an application's share of the time, where that is known."""
        times = getattr(self.profile, "apply_time", None)
        if times is None:
            return ""
        spent, whole = times.get(node, 0), getattr(self.profile, "fct_call_time", 0)
        return f"   ({spent:.3f}s,{spent * 100 / whole if whole else 0:.3f}%)"


class _Options:
    """How a picture is drawn."""

    def __init__(
        self,
        compact: bool,
        with_ids: bool,
        high_contrast: bool,
        colours: Mapping[str, str],
        size: int,
        simple: bool,
    ) -> None:
        self.compact, self.with_ids, self.high_contrast = compact, with_ids, high_contrast
        self.colours, self.size, self.simple = colours, size, simple

    def shortened(self, text: str) -> str:
        """Return a label that is not too long."""
        return text if len(text) <= self.size else text[: self.size - 3] + "..."

    def filled(self, colour: str) -> dict[str, str]:
        """Return the attributes of a node of a colour."""
        if self.high_contrast:
            return {"style": "filled", "fillcolor": colour}
        return {"color": colour}


class _Picture:
    """A picture while it is drawn."""

    def __init__(self, drawn: Drawn, options: _Options) -> None:
        self.drawn, self.options = drawn, options
        self.dot = Dot()
        self.names: dict[Any, str] = {}
        self.labels: set[str] = set()

    def variable(self, v: Any) -> str:
        """Return the label of a variable."""
        if v not in self.names:
            self.names[v] = self.options.shortened(self._variable(v))
            self.labels.add(self.names[v])
        return self.names[v]

    def _variable(self, v: Any) -> str:
        simple, target = self.options.simple, self.drawn.updates.get(v)
        if v.name is not None:
            return v.name if simple else f"name={v.name} {v.type}"
        if isinstance(v, Constant):
            value = str(np.asarray(v.data)).split("\n", maxsplit=1)[0]
            return f"val={value} {v.type}"
        if target is not None and target.name is not None:
            return target.name + ("" if simple else str(v.type))
        return str(v.type)

    def application(self, node: Apply) -> str:
        """Return the label of an application, which no other node has."""
        if node in self.names:
            return self.names[node]
        size = self.options.size
        label = str(node.op).replace(":", "_") + self.drawn.profile_text(node)
        if label in self.labels or self.options.with_ids:
            mark = f" id={self.drawn.topo.index(node)}"
            if len(label) + len(mark) > size:
                label = label[: size - 3 - len(mark)] + mark + "..."
            else:
                label += mark
        elif len(label) > size:
            label = label[: size - 3] + "..."
            number = 1
            while label in self.labels:
                number += 1
                mark = f" id={number}"
                label = label[: size - 3 - len(mark)] + "..." + mark
        self.labels.add(label)
        self.names[node] = label
        return label

    def draw(self) -> Dot:
        """Return the picture."""
        for node in self.drawn.topo:
            self.dot.add_node(self._node(node))
            for k, v in enumerate(node.inputs):
                self._input(node, k, v)
            for k, v in enumerate(node.outputs):
                self._output(node, k, v)
        for new, target in self.drawn.updates.items():
            colour = self.options.colours["Output"]
            self.dot.add_edge(Edge(_id(new), _id(target), label="UPDATE", color=colour))
        return self.dot

    def _node(self, node: Apply) -> Node:
        label, colour = self.application(node), None
        for name, each in self.options.colours.items():
            if name in type(node.op).__name__:
                colour = each
        filled = {} if colour is None else self.options.filled(colour)
        return Node(_id(node), label=label, shape="ellipse", **filled)

    def _box(self, v: Any, colour: str | None) -> None:
        filled = {} if colour is None else self.options.filled(colour)
        self.dot.add_node(Node(_id(v), label=self.variable(v), shape="box", **filled))

    def _input(self, node: Apply, k: int, v: Any) -> None:
        label = str(k) if len(node.inputs) > 1 else ""
        named: dict[str, str] = {}
        if k in places(node.op, "view_map"):
            named["color"] = self.options.colours["Output"]
        elif k in places(node.op, "destroy_map"):
            named["color"] = "red"
        if v.owner is None:
            self._box(v, "cyan" if isinstance(v, SharedVariable) else "green")
        elif not (v.name or not self.options.compact or v in self.drawn.outputs):
            # No box of its own: the edge says what it is.
            said = self.options.shortened(f"{label} {v.type}".lstrip())
            self.dot.add_edge(Edge(_id(v.owner), _id(node), label=said, **named))
            return
        self.dot.add_edge(Edge(_id(v), _id(node), **({"label": label} if label else {}), **named))

    def _output(self, node: Apply, k: int, v: Any) -> None:
        label = str(k) if len(node.outputs) > 1 else ""
        if v in self.drawn.outputs or v in self.drawn.updates:
            colour: str | None = self.options.colours["Output"]
        elif not self.drawn.clients.get(v):
            colour = "grey"
        elif v.name or not self.options.compact:
            colour = None
            if self.options.compact:
                label = self.options.shortened(f"{label} {v.type}".lstrip())
        else:
            return
        self.dot.add_edge(Edge(_id(node), _id(v), **({"label": label} if label else {})))
        self._box(v, colour)


def _id(thing: Any) -> str:
    return str(id(thing))


def places(op: Any, name: str) -> list[int]:
    """Return the inputs that an op's map of views, or of what it writes over, names."""
    return [k for found in (getattr(op, name, None) or {}).values() for k in found]


def _highlight(dot: Dot, topo: list[Any], which: Any) -> None:
    """Frame what only one branch of an ``ifelse`` computes, and what both do."""
    found = [
        n
        for n in topo
        if n is which or (type(n.op).__name__ == "IfElse" and getattr(n.op, "name", None) == which)
    ]
    if not found:
        warnings.warn(
            "pydotprint: cond_highlight is set but there is no IfElse node in the graph",
            stacklevel=3,
        )
        return
    left, right = (set(io_toposort([], [v])) for v in found[-1].inputs[1:3])
    parts = {"Left": left - right, "Right": right - left, "Middle": left & right}
    for name, nodes in parts.items():
        cluster = Dot(f"cluster_{name}", label=name)
        for node in topo:
            if node in nodes:
                cluster.add_node(Node(_id(node)))
        dot.add_subgraph(cluster)


def pydotprint(
    fct: Any,
    outfile: Any = None,
    compact: bool = True,
    format: str = "png",
    with_ids: bool = False,
    high_contrast: bool = True,
    cond_highlight: Any = None,
    colorCodes: Any = None,
    max_label_size: int = 70,
    scan_graphs: bool = False,
    var_with_name_simple: bool = False,
    print_output_file: bool = True,
    return_image: bool = False,
) -> Any:
    """Write a graph as a picture: applications are ellipses, variables are boxes.

    Given variables are green, shared ones cyan, outputs blue, what nobody reads grey.

    Args:
        fct: a function, a graph of one, a variable, an application or a list of variables.
        outfile: the file; its name gets the format at its end unless it is there.
        compact: leave out boxes of variables without names.
        format: ``dot`` (the text that Graphviz draws) and ``svg`` can always be had; others,
            ``png`` among them, where Graphviz is installed.
        with_ids: number the applications.
        high_contrast: fill nodes with their colours, instead of drawing their rims in them.
        cond_highlight: the name, or the application, of an ``ifelse`` whose branches are framed.
        colorCodes: colours by what an op's class is called.
        max_label_size: where labels are cut off.
        scan_graphs: write the bodies of loops too, to files of their own.
        var_with_name_simple: write variables' names without their types.
        print_output_file: say where the file is.
        return_image: return the picture instead of writing a file.

    Raises:
        RuntimeError: the format needs Graphviz, which is not there.
    """
    colours = default_colorCodes if colorCodes is None else colorCodes
    options = _Options(
        compact, with_ids, high_contrast, colours, max_label_size, var_with_name_simple
    )
    drawn = Drawn(fct)
    dot = _Picture(drawn, options).draw()
    if cond_highlight is not None:
        _highlight(dot, drawn.topo, cond_highlight)
    if return_image:
        return dot.create(format=format)
    path = _path(outfile, format)
    if scan_graphs:
        for k, node in enumerate(drawn.topo):
            if getattr(node.op, "inner_outputs", None) is None:
                continue
            titles = filter(None, [getattr(node.op, "title", None)])
            name = "_".join([path.removesuffix(f".{format}"), *titles, str(k)])
            pydotprint(
                list(node.op.inner_outputs),
                name,
                compact,
                format,
                with_ids,
                high_contrast,
                None,
                colours,
                max_label_size,
                scan_graphs,
            )
    dot.write(path, format=format)
    if print_output_file:
        print("The output file is available at", path)
    return None


def _path(outfile: Any, format: str) -> str:
    if outfile is None:
        folder = Path(getattr(config, "compiledir", None) or tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        outfile = folder / f"theano.pydotprint.{config.device}.{format}"
    outfile = os.fspath(outfile)
    return outfile if outfile.endswith(f".{format}") else f"{outfile}.{format}"

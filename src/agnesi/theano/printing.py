"""Graphs as text: ``debugprint``, ``pp``, and ``Print`` in the midst of a computation."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Any

import numpy as np

from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.missing import submodule

# How pp writes ops, with how tightly they bind.
_SIGNS = {
    "add": ("+", -2),
    "sub": ("-", -2),
    "mul": ("*", -1),
    "true_div": ("/", -1),
    "int_div": ("//", -1),
    "mod": ("%", -1),
    "pow": ("**", 1),
    "lt": ("<", -3),
    "le": ("<=", -3),
    "gt": (">", -3),
    "ge": (">=", -3),
    "dot": ("\\dot", -1),
    "and_": ("&", -3),
    "or_": ("|", -3),
    "xor": ("^", -3),
}


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
    """Print a graph as a tree.

    Args:
        obj: a variable, an application, a function, or a list of them.
        depth: how many levels; -1 for all.
        print_type: whether types are shown.
        file: where to; ``"str"`` returns the text.
        ids: ``"CHAR"``, ``"int"``, ``"id"`` or ``""``: how nodes are told apart.
        stop_on_name: whether what has a name is not looked into.
        done: nothing here.
        print_storage: nothing here.
        print_clients: nothing here.
        used_ids: nothing here.
    """
    del done, print_storage, print_clients
    out: Any = StringIO() if file == "str" else (file or sys.stdout)
    names: dict[Any, str] = {} if used_ids is None else used_ids
    seen: set[Any] = set()
    for each in _roots(obj):
        _print_below(each, "", "", depth, print_type, out, ids, stop_on_name, names, seen)
    return out.getvalue() if file == "str" else file


def _roots(obj: Any) -> list[Any]:
    from agnesi.theano.compile.function_module import Function
    from agnesi.theano.gof.fg import FunctionGraph

    if isinstance(obj, list | tuple):
        return [r for item in obj for r in _roots(item)]
    if isinstance(obj, Function):
        return list(obj.maker.fgraph.outputs)
    if isinstance(obj, FunctionGraph):
        return list(obj.outputs)
    if isinstance(obj, Apply):
        return [obj.outputs[0]]
    if isinstance(obj, Variable):
        return [obj]
    raise TypeError("debugprint cannot print an object of this type", obj)


def _mark(ids: str, key: Any, names: dict[Any, str]) -> str:
    if ids == "":
        return ""
    if key not in names:
        number = len(names)
        if ids == "int":
            names[key] = f"[id {number}]"
        elif ids == "id":
            names[key] = f"[id {id(key)}]"
        else:
            text = ""
            number += 1
            while number:
                number, letter = divmod(number - 1, 26)
                text = chr(65 + letter) + text
            names[key] = f"[id {text}]"
    return f" {names[key]}"


def _print_below(
    v: Any,
    first: str,
    rest: str,
    depth: int,
    types: bool,
    out: Any,
    ids: str,
    stop: bool,
    names: dict[Any, str],
    seen: set[Any],
) -> None:
    if depth == 0:
        return
    kind = f" <{v.type}>" if types else ""
    node = v.owner
    if node is None or (stop and v.name is not None):
        print(f"{first}{v}{_mark(ids, v, names)}{kind}", file=out)
        return
    which = f".{v.index}" if node.nout > 1 else ""
    named = f" '{v.name}'" if v.name else " ''"
    print(f"{first}{node.op}{which}{_mark(ids, node, names)}{kind}{named}", file=out)
    if node in seen:
        return
    seen.add(node)
    for k, parent in enumerate(node.inputs):
        last = k == len(node.inputs) - 1
        _print_below(
            parent,
            f"{rest} |",
            rest + ("   " if last else " | "),
            depth - 1,
            types,
            out,
            ids,
            stop,
            names,
            seen,
        )


def pp(*args: Any) -> str:
    """Return an expression as mathematics would write it."""
    (variable,) = args[:1]
    return _written(variable)[0]


def _written(v: Any) -> tuple[str, int]:
    node = v.owner if isinstance(v, Variable) else None
    if getattr(v, "name", None) is not None and (node is None or isinstance(v, Constant)):
        return v.name, 1000
    if isinstance(v, Constant):
        return str(np.asarray(v.data)), 1000
    if node is None:
        return str(v), 1000
    name = getattr(node.op, "short", None) or getattr(node.op, "name", str(node.op))
    parts = [_written(i) for i in node.inputs]
    if name in _SIGNS and len(parts) >= 2:
        sign, binds = _SIGNS[name]
        inner = [text if b > binds else f"({text})" for text, b in parts]
        return f"({f' {sign} '.join(inner)})", 1000
    if name == "neg":
        return f"(-{parts[0][0]})", 1000
    if name == "Fill":
        return f"fill({', '.join(t for t, _ in parts)})", 1000
    if name.startswith("DimShuffle"):
        return parts[0]
    return f"{name}({', '.join(text for text, _ in parts)})", 1000


pprint = pp


class Print(Op):
    """Prints a value when it is computed: ``Print("h")(h)`` is ``h``.

    Attributes:
        message: in front of the value.
        attrs: methods or attributes of the array that are printed, ``"__str__"`` by default.
        global_fn: called instead of printing, with the op and the array.
    """

    def __init__(
        self, message: str = "", attrs: tuple[str, ...] = ("__str__",), global_fn: Any = None
    ) -> None:
        self.message, self.attrs = message, tuple(attrs)
        self.global_fn = global_fn or _print_fn

    def make_node(self, xin: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        from agnesi.theano.tensor.basic import as_tensor_variable

        x = as_tensor_variable(xin)
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

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)


def _print_fn(op: Any, xin: Any) -> None:
    for attr in op.attrs:
        found = getattr(xin, attr)
        print(op.message, attr, "=", found() if callable(found) else found)


def pydotprint(fct: Any, outfile: Any = None, *_: Any, **named: Any) -> None:
    """Write a graph as a picture, or as the text that ``dot`` draws.

    Raises:
        RuntimeError: a picture is asked for, and the package graphviz is not there.
    """
    from pathlib import Path

    text = _dot(fct)
    path = Path(str(outfile or "theano.pydotprint.dot"))
    wanted = named.get("format", "png") if path.suffix in ("", ".png") else path.suffix[1:]
    if path.suffix in (".dot", ".gv"):
        path.write_text(text)
        return
    try:
        import graphviz  # type: ignore[import-not-found]
    except ImportError as error:
        raise RuntimeError(
            "pydotprint: the package graphviz is not installed; give an outfile that ends in .dot, "
            "or pip install graphviz"
        ) from error
    graphviz.Source(text).render(
        outfile=str(path if path.suffix else path.with_suffix(f".{wanted}"))
    )


def _dot(fct: Any) -> str:
    from agnesi.theano.gof.graph import io_toposort, variables

    roots = _roots(fct)
    lines = ["digraph {"]
    for node in io_toposort([], roots):
        lines.append(f'  n{id(node)} [label="{node.op}", shape=ellipse];')
        for k, v in enumerate(node.inputs):
            source = f"n{id(v.owner)}" if v.owner is not None else f"v{id(v)}"
            lines.append(f'  {source} -> n{id(node)} [label="{k} {v.type}"];')
    for v in variables([], roots):
        if v.owner is None:
            lines.append(f'  v{id(v)} [label="{v}", shape=box];')
    for k, v in enumerate(roots):
        source = f"n{id(v.owner)}" if v.owner is not None else f"v{id(v)}"
        lines.append(f'  o{k} [label="output {k}", shape=box];\n  {source} -> o{k};')
    return "\n".join([*lines, "}"]) + "\n"


def min_informative_str(
    obj: Any, indent_level: int = 0, _prev_obs: Any = None, _tag: Any = None
) -> str:
    """Return a graph as letters and what is below each."""
    del _prev_obs, _tag
    names: dict[Any, str] = {}
    lines: list[str] = []

    def write(v: Any, level: int) -> None:
        known = v in names
        if not known:
            names[v] = chr(65 + len(names) % 26)
        label = "." if known else f" {v.owner.op if v.owner is not None else (v.name or v)}"
        lines.append(" " * (4 * level) + f"{names[v]}{label if not known else ''}")
        if not known and v.owner is not None:
            for parent in v.owner.inputs:
                write(parent, level + 1)

    write(obj, indent_level)
    return "\n".join(lines)


def var_descriptor(obj: Any, _prev_obs: Any = None, _tag: Any = None) -> str:
    """Return a text that is equal for equal graphs."""
    del _prev_obs, _tag
    return pp(obj) if isinstance(obj, Variable) else str(obj)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

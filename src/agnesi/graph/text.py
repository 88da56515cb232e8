"""Graphs as text: one typed line a node, operands before users."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.graph.body import Body
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Constant
from agnesi.graph.tensor import SizeValue, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


def graph_text(*outputs: Tensor, names: Sequence[str] = (), sources: bool = False) -> str:
    """Return the graph as lines ``%2: f32[n] = add(%0, %1)``.

    Args:
        *outputs: what to print, with everything below.
        names: names of the outputs, for the closing line.
        sources: append the user's line to each node.

    >>> x = ag.input("x", "f32[n]")
    >>> print(ag.exp(x * 2).text())
    %x: f32[n] = input
    %0: f32[n] = broadcast_to(2.0, [n])
    %1: f32[n] = multiply(%x, %0)
    %2: f32[n] = exp(%1)
    return %2
    """
    labels: dict[Tensor, str] = {}
    lines: list[str] = []
    used: set[str] = set()
    for node in toposort(outputs):
        if isinstance(node, Constant) and not node.ndim:
            labels[node] = repr(node.number)
            continue
        if isinstance(node, SizeValue):
            labels[node] = f"size({node.extent})"
            continue
        label = node.name if node.name and not node.operands else str(len(lines) - len(used))
        while label in used:
            label += "'"
        if not node.operands and node.name:
            used.add(label)
        labels[node] = "%" + label
        line = f"%{label}: {node.type} = {_call(node, labels)}"
        if sources and node.source:
            line = f"{line:<60} # {node.source}"
        lines.append(line)
    results = [labels[o] for o in outputs]
    named = [f"{n}={r}" for n, r in zip(names, results, strict=True)] if names else results
    return "\n".join([*lines, "return " + ", ".join(named)])


def _call(node: Tensor, labels: dict[Tensor, str]) -> str:
    if not node.operands and node.name is not None:
        return "shared" if type(node).__name__ == "Shared" else "input"
    if isinstance(node, Constant):
        shown = np.array2string(node.value, threshold=8, edgeitems=2, separator=", ")
        return f"constant({' '.join(shown.split())})"
    return f"{op_name(node)}({', '.join(_argument(a, labels) for a in node.args)})"


def op_name(node: Tensor) -> str:
    """Return the op's name in printed graphs."""
    name = type(node).__name__.rstrip("_")
    return "".join("_" + c.lower() if c.isupper() and k else c.lower() for k, c in enumerate(name))


def _argument(value: Any, labels: dict[Tensor, str]) -> str:
    if isinstance(value, Tensor):
        return labels[value]
    if isinstance(value, Body):
        inputs = ", ".join(f"%{i.name}: {i.type}" for i in value.inputs)
        inside = textwrap.indent(graph_text(*value.outputs), "    ")
        return f"({inputs}) {{\n{inside}\n}}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_argument(v, labels) for v in value) + "]"  # type: ignore[misc]
    return str(value)

"""Pictures of graphs: nodes and edges, as the text that Graphviz draws, or drawn here as SVG."""

from __future__ import annotations

import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agnesi.theano.layout import laid_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COLOURS = {"YellowGreen": "yellowgreen", "SpringGreen": "springgreen"}


class Node:
    """A node of a picture: a name, and attributes as Graphviz has them."""

    def __init__(self, name: str, **attributes: Any) -> None:
        self.name, self.attributes = name, attributes

    def get_name(self) -> str:
        """Return the name."""
        return self.name

    def get_attributes(self) -> dict[str, Any]:
        """Return the attributes."""
        return self.attributes


class Edge:
    """An edge of a picture, from one node to another."""

    def __init__(self, source: str, target: str, **attributes: Any) -> None:
        self.source, self.target, self.attributes = source, target, attributes

    def get_source(self) -> str:
        """Return the name of the node where it begins."""
        return self.source

    def get_destination(self) -> str:
        """Return the name of the node where it ends."""
        return self.target

    def get_attributes(self) -> dict[str, Any]:
        """Return the attributes."""
        return self.attributes


class Dot:
    """A picture: nodes, edges, and pictures in it.

    Attributes:
        name: of the picture.
        attributes: of the picture, by name.
    """

    def __init__(self, name: str = "G", **attributes: Any) -> None:
        self.name, self.attributes = name, attributes
        self._nodes: dict[str, Node] = {}
        self._edges: list[Edge] = []
        self._inner: list[Dot] = []

    def add_node(self, node: Node) -> None:
        """Add a node; one of the same name takes over its attributes."""
        known = self._nodes.setdefault(node.name, node)
        known.attributes.update(node.attributes)

    def add_edge(self, edge: Edge) -> None:
        """Add an edge."""
        self._edges.append(edge)

    def add_subgraph(self, graph: Dot) -> None:
        """Add a picture within."""
        self._inner.append(graph)

    def get_name(self) -> str:
        """Return the name."""
        return self.name

    def node(self, name: str) -> Node:
        """Return the node of a name."""
        return self._nodes[name]

    def get_nodes(self) -> list[Node]:
        """Return the nodes."""
        return list(self._nodes.values())

    def get_edges(self) -> list[Edge]:
        """Return the edges."""
        return list(self._edges)

    def get_subgraph_list(self) -> list[Dot]:
        """Return the pictures within."""
        return list(self._inner)

    def to_string(self) -> str:
        """Return the text that Graphviz draws."""
        return "\n".join(["digraph " + _quoted(self.name) + " {", *self._lines(), "}"]) + "\n"

    def _lines(self) -> Iterator[str]:
        if self.attributes:
            yield f"graph{_attributes(self.attributes)};"
        for node in self._nodes.values():
            yield f"{_quoted(node.name)}{_attributes(node.attributes)};"
        for edge in self._edges:
            ends = f"{_quoted(edge.source)} -> {_quoted(edge.target)}"
            yield f"{ends}{_attributes(edge.attributes)};"
        for inner in self._inner:
            yield f"subgraph {_quoted(inner.name)} {{"
            yield from inner._lines()
            yield "}"

    def create(self, prog: str = "dot", format: str = "png") -> bytes:
        """Return the picture in a format.

        Args:
            prog: Graphviz's program that draws it.
            format: ``dot`` is the text; ``svg`` is drawn here where there is no Graphviz.

        Raises:
            RuntimeError: the format needs Graphviz, which is not installed, or which fails.
        """
        if format in ("dot", "gv", "raw", "canon"):
            return self.to_string().encode()
        program = shutil.which(prog)
        if program is None and format == "svg":
            return _svg(self).encode()
        if program is None:
            raise RuntimeError(
                f"a picture as {format} needs Graphviz, whose program {prog} is not there; without "
                "it format='svg' or format='dot' can be had"
            )
        done = subprocess.run(
            [program, f"-T{format}"],
            input=self.to_string().encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{prog} -T{format}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def write(self, path: Any, prog: str = "dot", format: str = "raw") -> None:
        """Write the picture to a file in a format."""
        Path(path).write_bytes(self.create(prog, format))


def _quoted(text: Any) -> str:
    plain = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'


def _attributes(attributes: dict[str, Any]) -> str:
    if not attributes:
        return ""
    return f" [{', '.join(f'{k}={_quoted(v)}' for k, v in attributes.items())}]"


# -- drawn here ----------------------------------------------------------------------------------


def _svg(picture: Dot) -> str:
    """Return a picture as SVG; those within it are left out, as they have their own."""
    names = [n.name for n in picture.get_nodes()]
    labels = {n.name: str(n.attributes.get("label", n.name)) for n in picture.get_nodes()}
    ends = [(e.source, e.target) for e in picture.get_edges()]
    names += [n for n in dict.fromkeys(n for pair in ends for n in pair) if n not in labels]
    placed = laid_out({n: 7.2 * len(labels.get(n, n)) + 24 for n in names}, ends)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{placed.width:.0f}" '
        f'height="{placed.height:.0f}" font-family="sans-serif" font-size="12">',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z"/></marker></defs>',
    ]
    for edge, points in zip(picture.get_edges(), placed.edges, strict=True):
        parts += _edge(edge, points)
    for node in picture.get_nodes():
        parts += _node(node, labels[node.name], *placed.nodes[node.name])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _node(node: Node, label: str, x: float, y: float, width: float) -> Iterable[str]:
    filled = node.attributes.get("fillcolor", "white")
    fill = _COLOURS.get(filled, filled)
    style = f'fill="{fill}" stroke="{node.attributes.get("color", "black")}"'
    if node.attributes.get("shape") == "box":
        yield (
            f'<rect x="{x - width / 2:.1f}" y="{y - 14:.1f}" width="{width:.1f}" height="28" '
            f"{style}/>"
        )
    else:
        yield f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{width / 2:.1f}" ry="16" {style}/>'
    yield f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{escape(label)}</text>'


def _edge(edge: Edge, points: list[tuple[float, float]]) -> Iterable[str]:
    colour = edge.attributes.get("color", "black")
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<path d="{path}" fill="none" stroke="{colour}" marker-end="url(#tip)"/>'
    label = edge.attributes.get("label", "")
    if label:
        x, y = points[len(points) // 2 - 1] if len(points) > 2 else points[0]
        x, y = (x + points[-1][0]) / 2, (y + points[-1][1]) / 2
        yield (
            f'<text x="{x:.1f}" y="{y:.1f}" fill="#666" font-size="10" text-anchor="middle">'
            f"{escape(str(label))}</text>"
        )

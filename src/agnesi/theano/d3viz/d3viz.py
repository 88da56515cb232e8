"""``d3viz``: a page with a graph in it; ``d3write``: the graph as text for Graphviz."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agnesi.theano.d3viz.formatting import PyDotFormatter
from agnesi.theano.layout import laid_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agnesi.theano.dot_language import Dot, Node

_PAGE = Path(__file__).with_name("page.html")
# Letters that have room on a node.
_LONGEST = 34
# What is told of a node when the mouse is on it.
_TOLD = {"op": "op", "dtype": "type", "node_type": "node", "tag": "made at"}


def replace_patterns(x: str, replace: Mapping[Any, Any]) -> str:
    """Return a text with some parts replaced."""
    for old, new in replace.items():
        x = x.replace(str(old), str(new))
    return x


def safe_json(obj: Any) -> str:
    """Return an object as JSON that may stand in a page."""
    return json.dumps(obj).replace("<", "\\u003c")


def d3viz(fct: Any, outfile: Any, copy_deps: bool = True, *args: Any, **kwargs: Any) -> None:
    """Write a page that shows a graph.

    The page needs nothing but itself, and no network.  The wheel zooms; the background and nodes
    are moved by dragging; a double click opens the body of a loop or of an ``OpFromGraph``; what
    the mouse is on is explained.  If the function has been profiled, nodes can be coloured by time.

    Args:
        fct: a function, a graph of one, a variable, an application or a list of variables.
        outfile: the page's file; folders are made as needed.
        copy_deps: nothing: there is nothing beside the page.
        *args: those of :class:`PyDotFormatter`.
        **kwargs: those of :class:`PyDotFormatter`.
    """
    del copy_deps
    picture = PyDotFormatter(*args, **kwargs)(fct)
    path = Path(outfile)
    path.parent.mkdir(parents=True, exist_ok=True)
    page = _PAGE.read_text(encoding="utf-8")
    replace = {"%% GRAPH %%": safe_json(_placed(picture))}
    path.write_text(replace_patterns(page, replace), encoding="utf-8")


def d3write(fct: Any, path: Any, *args: Any, **kwargs: Any) -> None:
    """Write a graph as text for Graphviz.

    Args:
        fct: as of :func:`d3viz`.
        path: the file.
        *args: those of :class:`PyDotFormatter`.
        **kwargs: those of :class:`PyDotFormatter`.
    """
    Path(path).write_text(PyDotFormatter(*args, **kwargs)(fct).to_string(), encoding="utf-8")


def _placed(picture: Dot) -> dict[str, Any]:
    """Return a picture as the page wants it, with places for its nodes."""
    nodes = picture.get_nodes()
    inner = {graph.name: graph for graph in picture.get_subgraph_list()}
    edges = picture.get_edges()
    widths = {n.name: 7.0 * len(_label(n)) + 26 for n in nodes}
    placed = laid_out(widths, [(e.source, e.target) for e in edges])
    return {
        "width": placed.width,
        "height": placed.height,
        "nodes": [_node(n, *placed.nodes[n.name], inner) for n in nodes],
        "edges": [
            {
                "source": e.source,
                "target": e.target,
                "label": e.attributes.get("label", ""),
                "color": e.attributes.get("color", "#555"),
                "points": [[round(x, 1), round(y, 1)] for x, y in points[1:-1]],
            }
            for e, points in zip(edges, placed.edges, strict=True)
        ],
    }


def _label(node: Node) -> str:
    """Return what is written on a node: an op's own text, unless it is long."""
    text = node.attributes.get("op", node.attributes["label"])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _node(node: Node, x: float, y: float, width: float, inner: Mapping[str, Dot]) -> dict[str, Any]:
    known = node.attributes
    told = [f"{said}: {known[name]}" for name, said in _TOLD.items() if known.get(name)]
    share = None
    if known.get("profile"):
        spent, whole = map(float, known["profile"].split("\t"))
        share = spent / whole
        told.append(f"time: {spent:.3g} s, {100 * share:.1f} % of {whole:.3g} s")
    body = inner.get(known.get("subg", ""))
    return {
        "id": node.name,
        "label": _label(node),
        "box": known.get("shape") == "box",
        "fill": known.get("fillcolor", "#eee"),
        "told": told,
        "share": share,
        "x": round(x, 1),
        "y": round(y, 1),
        "width": round(width, 1),
        "inner": None if body is None else _placed(body),
    }

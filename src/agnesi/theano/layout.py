"""Where the nodes of a picture go: in layers from top to bottom, edges with few crossings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GAP, _ROW, _MARGIN = 18.0, 74.0, 24.0


@dataclass
class Layout:
    """Places of nodes and edges.

    Attributes:
        nodes: middle and width of each node: x, y, width.
        edges: the points that each edge goes through.
        width: of the picture.
        height: of the picture.
    """

    nodes: dict[str, tuple[float, float, float]]
    edges: list[list[tuple[float, float]]]
    width: float
    height: float


def laid_out(widths: Mapping[str, float], ends: Sequence[tuple[str, str]]) -> Layout:
    """Return places for nodes of some widths and for edges between them.

    Long edges go through a point in each layer, which takes part like a node.
    """
    layer = _layers(list(widths), ends)
    size = dict(widths)
    chains: list[list[str]] = []
    for number, (source, target) in enumerate(ends):
        step = 1 if layer[source] < layer[target] else -1
        between = [
            (f"{number}\0{at}", at) for at in range(layer[source] + step, layer[target], step)
        ]
        for name, at in between:
            layer[name], size[name] = at, 6.0
        chains.append([source, *(name for name, _ in between), target])
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name, at in layer.items():
        rows[at].append(name)
    near = _neighbours(chains, layer)
    _untangle(rows, near)
    x = _spread(rows, near, size)
    left = min((x[n] - size[n] / 2 for n in x), default=0.0) - _MARGIN
    places = {n: (x[n] - left, _MARGIN + 20 + _ROW * layer[n]) for n in x}
    lines = [_line(chain, places) for chain in chains]
    right = max((places[n][0] + size[n] / 2 for n in x), default=0.0) + _MARGIN
    nodes = {n: (*places[n], widths[n]) for n in widths}
    return Layout(nodes, lines, right, _ROW * max(len(rows) - 1, 0) + 2 * _MARGIN + 40)


def _layers(names: Sequence[str], ends: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the layer of each node: one below the lowest that it comes from; loops are cut."""
    after: dict[str, list[str]] = {n: [] for n in names}
    for source, target in ends:
        if source != target:
            after[source].append(target)
    order, state = [], dict.fromkeys(names, 0)
    cut: set[tuple[str, str]] = set()
    for root in names:
        stack = [(root, iter(after[root]))] if not state[root] else []
        if stack:
            state[root] = 1
        while stack:
            name, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                state[name] = 2
                order.append(stack.pop()[0])
            elif state[target] == 1:
                cut.add((name, target))
            elif not state[target]:
                state[target] = 1
                stack.append((target, iter(after[target])))
    layer = dict.fromkeys(names, 0)
    for name in reversed(order):
        for target in after[name]:
            if (name, target) not in cut:
                layer[target] = max(layer[target], layer[name] + 1)
    entered = {target for _, target in ends}
    for name in names:
        # What nothing leads to stands right above what it leads to.
        if name not in entered and after[name]:
            layer[name] = max(min(layer[t] for t in after[name]) - 1, 0)
    return layer


def _neighbours(
    chains: Sequence[Sequence[str]], layer: Mapping[str, int]
) -> dict[str, tuple[list[str], list[str]]]:
    """Return what each node is joined to, in the layer above and in that below."""
    near: dict[str, tuple[list[str], list[str]]] = {n: ([], []) for n in layer}
    for chain in chains:
        for a, b in pairwise(chain):
            upper, lower = (a, b) if layer[a] < layer[b] else (b, a)
            near[upper][1].append(lower)
            near[lower][0].append(upper)
    return near


def _untangle(rows: Sequence[list[str]], near: Mapping[str, tuple[list[str], list[str]]]) -> None:
    """Order each layer by where its neighbours are, downwards and upwards in turn."""
    for turn in range(8):
        place = {n: k / max(len(row), 1) for row in rows for k, n in enumerate(row)}
        for row in rows if turn % 2 == 0 else reversed(rows):
            wanted = {n: _middle([place[m] for m in near[n][turn % 2]], place[n]) for n in row}
            row.sort(key=wanted.__getitem__)
            place.update({n: k / len(row) for k, n in enumerate(row)})


def _spread(
    rows: Sequence[Sequence[str]],
    near: Mapping[str, tuple[list[str], list[str]]],
    size: Mapping[str, float],
) -> dict[str, float]:
    """Return where along its layer each node is: near its neighbours, and off the others."""
    x: dict[str, float] = {}
    for row in rows:
        at = 0.0
        for name in row:
            x[name] = at + size[name] / 2
            at += size[name] + _GAP
    for turn in range(12):
        for row in rows if turn % 2 == 0 else reversed(rows):
            wanted = [_middle([x[m] for m in (*near[n][0], *near[n][1])], x[n]) for n in row]
            ahead, back = list(wanted), list(wanted)
            for k in range(1, len(row)):
                apart = (size[row[k - 1]] + size[row[k]]) / 2 + _GAP
                ahead[k] = max(ahead[k], ahead[k - 1] + apart)
            for k in range(len(row) - 2, -1, -1):
                apart = (size[row[k + 1]] + size[row[k]]) / 2 + _GAP
                back[k] = min(back[k], back[k + 1] - apart)
            for name, a, b in zip(row, ahead, back, strict=True):
                x[name] = (a + b) / 2
    return x


def _middle(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _line(
    chain: Sequence[str], places: Mapping[str, tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the points of an edge: from the rim of one node to that of the other."""
    points = [places[n] for n in chain]
    down = 16 if points[0][1] < points[-1][1] else -16
    (x0, y0), (x1, y1) = points[0], points[-1]
    return [(x0, y0 + down), *points[1:-1], (x1, y1 - down)]

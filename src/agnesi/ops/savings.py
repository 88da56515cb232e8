"""Which values of a step are kept for the step back, and which are computed once more.

What a step back reads is kept, or computed of what is there: of rows, captured tensors, and what is
kept.  Keeping a value costs its bytes, which are written and read (what comes from a product of
matrices is written anyway).  Computing it once more costs nothing where it is a sum or a view,
about a quarter of its bytes for an elementary function or a reduction, and too much for a product.
The cheapest choice is a minimal cut:

    source --again--> (in) v (out)     v is computed once more
                      (in) --keep--> (out)      v is kept
    u (out) --endless--> (in) v        what v is computed of has to be there
    v (out) --endless--> sink          v is read

where what is on the side of the sink is there in a step back.

    sigmoid(z), sigmoid(-z) are read       z is kept
    tanh(z) is read                        tanh(z) is kept
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Dim, Value
from agnesi.graph.body import Part
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import Leaf
from agnesi.graph.tensor import SizeFloat, SizeValue
from agnesi.ops.families import Elementwise, Movement, Reduction
from agnesi.ops.joining import Concatenate
from agnesi.ops.movement import Reshape
from agnesi.ops.slicing import Place, Replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agnesi.graph.tensor import Tensor
    from agnesi.graph.types import TensorType
    from agnesi.ops.loop import Loop

# A node of the graph: where it is entered (False), and where it is left (True).
_Place: TypeAlias = "tuple[Tensor, bool]"

_CHEAP = (Movement, Reshape, Concatenate, Place, Replace, SizeValue, SizeFloat, Leaf)
# What an unknown size counts as.
_GUESS = 32
_ENDLESS = 1 << 60


def saved_values(loop: Loop, outputs: Sequence[Tensor], cts: set[Tensor]) -> list[Tensor]:
    """Return the values of a step to be kept, of those that a step back computes with.

    Args:
        loop: forwards.
        outputs: what a step back computes, of cotangents and of values of the step.
        cts: the cotangents.
    """
    stops: set[Tensor] = {*loop.body.inputs, *cts}
    order = toposort(outputs, stops)
    later: set[Tensor] = set(cts)
    for node in order:
        if any(d in later for d in node.dependencies):
            later.add(node)
    read = {d for node in order if node in later for d in node.dependencies if d not in later}
    read |= {o for o in outputs if o not in later}
    read = {_seen_through(node) for node in read}
    return _Cut(loop, order, later, read).values()


def _seen_through(node: Tensor) -> Tensor:
    """Return what a view shows, where that has no more elements."""
    while isinstance(node, (Movement, Reshape)) and node.operands:
        below = node.operands[0]
        if _bytes(below.type) > _bytes(node.type):
            break
        node = below
    return node


class _Cut:
    """The network, and what flows in it.

    Attributes:
        again: what it costs to compute a value once more, where that is not nothing.
        keep: what it costs to keep it.
        readers: which nodes of the network are computed of a node.
        operands: which nodes of the network a node is computed of.
    """

    def __init__(
        self, loop: Loop, order: Sequence[Tensor], later: set[Tensor], read: set[Tensor]
    ) -> None:
        self.told = set(loop.stand_ins)
        self.read = read
        self.only_carries = loop.keeps_carries
        self.again: dict[Tensor, int] = {}
        self.keep: dict[Tensor, int] = {}
        self.readers: dict[Tensor, list[Tensor]] = {}
        self.operands: dict[Tensor, list[Tensor]] = {}
        self.carries: set[Tensor] = set(loop.carries)
        inputs: set[Tensor] = set(loop.body.inputs)
        primal = set(toposort(loop.body.outputs, inputs))
        known = {c for c in loop.carries if c in read}
        # What was carried out is known where what was carried into the next step is.
        free = {n for c, n in zip(loop.carries, loop.nexts, strict=True) if c in known}
        for node in order:
            if node in later or (node in inputs and node not in self.carries):
                continue
            # The number of steps of a loop, which may be kept, is not all that its results need.
            needs = node.of.dependencies if isinstance(node, Part) else node.dependencies
            below = [d for d in dict.fromkeys(needs) if d in self.keep]
            again = _ENDLESS if node in self.carries else self._again(node)
            if not (again or below):
                continue  # of what is there anyway
            if again:
                self.again[node] = again
            keep = self._keep(node, node in self.carries)
            if node not in primal and again < _ENDLESS:
                keep += again  # it is computed forwards to be kept
            self.keep[node] = 1 if node in free else keep
            self.operands[node] = below
            for operand in below:
                self.readers.setdefault(operand, []).append(node)
        self.used: dict[Tensor, int] = dict.fromkeys(self.keep, 0)
        self.spent: dict[Tensor, int] = dict.fromkeys(self.again, 0)
        self.flow: dict[tuple[Tensor, Tensor], int] = {}

    def _again(self, node: Tensor) -> int:
        """Return what it costs to compute a value once more."""
        if self.only_carries or not self._is_steady(node):
            return 0
        if isinstance(node, Elementwise):
            return _bytes(node.type) // 4 if node.expensive else 0
        if isinstance(node, Reduction):
            return _bytes(node.operands[0].type) // 4
        return 0 if node.moves or isinstance(node, _CHEAP) else _ENDLESS

    def _is_steady(self, node: Tensor) -> bool:
        """Whether a value has the same shape in each step, so that it can be a row."""
        sizes = [s for s in node.type.shape if isinstance(s, Dim)]
        return all(
            not isinstance(atom, Value) or atom.term in self.told
            for size in sizes
            for atom in size.atoms
        )

    def _keep(self, node: Tensor, carried: bool) -> int:
        """Return what it costs to keep a value."""
        if not self._is_steady(node) or (self.only_carries and not carried):
            return _ENDLESS
        # A product, and what is computed of one while it is stored, is written in any case.
        parts = node.operands if isinstance(node, Elementwise) and not node.expensive else (node,)
        written = any(x not in self.carries and self.again.get(x) == _ENDLESS for x in parts)
        return _bytes(node.type) * (3 if written else 4) // 4

    def values(self) -> list[Tensor]:
        """Return the nodes to be kept, after as much has flown as can.

        Of equally good choices it is that nearest to what is read: ``x + h @ w``, not ``h @ w``.
        """
        while (path := self._path()) is not None:
            if self._push(path) >= _ENDLESS:
                raise CompilerBug(f"a step back reads {path[-1][0]!r}, which cannot be kept")
        there = self._there()
        return [n for n in self.keep if (n, True) in there and (n, False) not in there]

    def _path(self) -> list[_Place] | None:
        """Return a way along which more can flow; None if there is none."""
        seen: dict[_Place, _Place | None] = {
            (node, False): None for node, cost in self.again.items() if self.spent[node] < cost
        }
        queue = deque(seen)
        while queue:
            at = queue.popleft()
            node, left = at
            if left and node in self.read:
                path = [at]
                while (before := seen[path[-1]]) is not None:
                    path.append(before)
                return path[::-1]
            for step in self._steps(node, left):
                if step not in seen:
                    seen[step] = at
                    queue.append(step)
        return None

    def _there(self) -> set[_Place]:
        """Return the places from which something could still flow to what is read."""
        found: set[_Place] = {(node, True) for node in self.keep if node in self.read}
        queue = deque(found)
        while queue:
            node, left = queue.popleft()
            before: list[_Place] = []
            if left:
                if self.used[node] < self.keep[node]:
                    before.append((node, False))
                readers = self.readers.get(node, ())
                before += [(r, False) for r in readers if self.flow.get((node, r), 0) > 0]
            else:
                before += [(d, True) for d in self.operands[node]]
                if self.used[node] > 0:
                    before.append((node, True))
            for place in before:
                if place not in found:
                    found.add(place)
                    queue.append(place)
        return found

    def _steps(self, node: Tensor, left: bool) -> Iterator[_Place]:
        if left:
            yield from ((reader, False) for reader in self.readers.get(node, ()))
            if self.used[node] > 0:
                yield node, False
            return
        if self.used[node] < self.keep[node]:
            yield node, True
        yield from ((d, True) for d in self.operands[node] if self.flow.get((d, node), 0) > 0)

    def _push(self, path: list[_Place]) -> int:
        first, _ = path[0]
        amount = self.again[first] - self.spent[first]
        pairs = list(itertools.pairwise(path))
        for (a, out), (b, _) in pairs:
            if a is b:
                amount = min(amount, self.used[a] if out else self.keep[a] - self.used[a])
            elif not out:
                amount = min(amount, self.flow[b, a])
        self.spent[first] += amount
        for (a, out), (b, _) in pairs:
            if a is b:
                self.used[a] += -amount if out else amount
            elif out:
                self.flow[a, b] = self.flow.get((a, b), 0) + amount
            else:
                self.flow[b, a] -= amount
        return amount


def _bytes(kind: TensorType) -> int:
    count = kind.dtype.bytes
    for size in kind.shape:
        count *= size if isinstance(size, int) else _GUESS
    return max(count, 1)

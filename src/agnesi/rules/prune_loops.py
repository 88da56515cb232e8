"""What nobody reads of loops and branches is not computed.

    collected rows and last states that are not read, what is carried only for them
    captured tensors and sequences that steps do not mention
    loops and branches of which nothing is left

What one loop needs of another is known once the later one is seen to: the graph is walked from
its outputs back.  A sequence whose length a call has to check stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from agnesi.core import source
from agnesi.core.record import record
from agnesi.dims.dim import Dim
from agnesi.dims.simplify import maximum
from agnesi.graph.body import Body, Part, Several
from agnesi.graph.graph import remake, toposort
from agnesi.graph.tensor import SizeValue, Tensor
from agnesi.ops.branch import Branch
from agnesi.ops.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from agnesi.graph.leaves import Input


@record(frozen=True)
class _LoopKept:
    """What stays of a loop, by position."""

    carries: list[int]
    rows: list[int]
    captured: list[int]
    collected: list[int]


@record(frozen=True)
class _BranchKept:
    """What stays of a branch, by position."""

    captured: list[int]
    outputs: list[int]


_Kept: TypeAlias = "_LoopKept | _BranchKept | None"


def prune(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the outputs without what nobody reads of the loops and branches they depend on."""
    order = toposort(outputs)
    if not any(isinstance(node, Several) for node in order):
        return list(outputs)
    kept = _needed(order, outputs)
    new: dict[Tensor, Tensor] = {}
    for node in order:
        if node in new:
            continue
        if isinstance(node, Several) and node in kept:
            _replace(node, kept[node], new)
        elif not (isinstance(node, Part) and node.of in kept) and all(
            d in new for d in node.dependencies
        ):
            new[node] = remake(node, new)
    return [new[output] for output in outputs]


def _needed(order: Sequence[Tensor], outputs: Iterable[Tensor]) -> dict[Several, _Kept]:
    """Return what stays of each node that loses something, walking back from the outputs."""
    live: set[Tensor] = set(outputs)
    wanted: dict[Tensor, set[int]] = {}
    kept: dict[Several, _Kept] = {}
    for node in reversed(order):
        if isinstance(node, Part) and node in live:
            wanted.setdefault(node.of, set()).add(node.place)
        elif isinstance(node, Loop | Branch) and (node in live or node in wanted):
            hidden = node.dependencies[len(node.operands) :]
            live.update(hidden)
            places = wanted.get(node, set())
            found = _stays(node, places, counted=node in live)
            operands = _operands(node, found)
            live.update(operands)
            if len(operands) < len(node.operands) or len(places) < len(node.part_types):
                kept[node] = found
        elif node in live or node in wanted:
            live.update(node.dependencies)
        elif isinstance(node, Several):
            kept[node] = None
    return kept


def _stays(node: Loop | Branch, places: Collection[int], *, counted: bool) -> _Kept:
    if isinstance(node, Branch):
        return _branch_stays(node, places) if places or counted else None
    if not places and (not counted or node.condition is None):
        return None
    return _loop_stays(node, places)


def _operands(node: Loop | Branch, kept: _Kept) -> list[Tensor]:
    """Return the operands that stay."""
    if kept is None:
        return [node.index] if isinstance(node, Branch) else []
    if isinstance(kept, _BranchKept):
        assert isinstance(node, Branch)
        return [node.index, *(node.captured[k] for k in kept.captured)]
    assert isinstance(node, Loop)
    pairs = (
        (node.inits, kept.carries),
        (node.sequences, kept.rows),
        (node.captured, kept.captured),
    )
    return [tensors[k] for tensors, places in pairs for k in places]


def _loop_stays(loop: Loop, places: Collection[int]) -> _LoopKept:
    """Return what the wanted results, and the condition, lead back to."""
    first = len(loop.inits)
    reach = _Reach({loop.number, *loop.body.inputs[1:]})
    meant: dict[Tensor, Input] = {}
    if loop.condition is not None:
        others = (loop.number, *loop.carries, *loop.stand_ins)
        meant = dict(zip(loop.condition.inputs, others, strict=True))
        asked = _Reach(set(meant))
        asked.visit(loop.condition.outputs)
        reach.found.update(meant[leaf] for leaf in asked.found)
    reach.visit([loop.body.outputs[place] for place in places])
    needed = {place for place in places if place < first}
    while True:
        fresh = [k for k, c in enumerate(loop.carries) if c in reach.found and k not in needed]
        if not fresh:
            break
        needed.update(fresh)
        reach.visit([loop.nexts[k] for k in fresh])
    rows = [
        k
        for k, (leaf, sequence) in enumerate(zip(loop.rows, loop.sequences, strict=True))
        if leaf in reach.found or sequence.type.shape[0] != loop.length
    ]
    given = [*(loop.carries[k] for k in needed), *(loop.rows[k] for k in rows)]
    return _LoopKept(
        sorted(needed),
        rows,
        _captured(loop.stand_ins, reach.found, given),
        sorted(place - first for place in places if place >= first),
    )


def _branch_stays(branch: Branch, places: Collection[int]) -> _BranchKept:
    found: set[int] = set()
    for body in branch.branches:
        reach = _Reach(set(body.inputs))
        reach.visit([body.outputs[place] for place in places])
        found.update(_captured(body.inputs, reach.found, ()))
    return _BranchKept(sorted(found), sorted(places))


def _captured(
    stand_ins: Sequence[Input], found: Collection[Tensor], given: Iterable[Input]
) -> list[int]:
    """Return which captured tensors are reached, or are sizes of what stays."""
    sized = [*given, *(leaf for leaf in stand_ins if leaf in found)]
    mentioned = {
        value
        for leaf in sized
        for size in leaf.type.shape
        if isinstance(size, Dim)
        for value in size.values
    }
    return [k for k, leaf in enumerate(stand_ins) if leaf in found or leaf in mentioned]


class _Reach:
    """Which of a body's inputs were reached; each node is looked at once."""

    def __init__(self, inputs: set[Tensor]) -> None:
        self.inputs = inputs
        self.found: set[Tensor] = set()
        self.seen: set[Tensor] = set()

    def visit(self, nodes: Iterable[Tensor]) -> None:
        """Go down from these nodes."""
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if node in self.seen:
                continue
            self.seen.add(node)
            if node in self.inputs:
                self.found.add(node)
                continue
            stack.extend(node.dependencies)
            for need in node.requirements():
                sizes = (size for size in (need.a, need.b) if isinstance(size, Dim))
                stack.extend(v for size in sizes for v in size.values if isinstance(v, Tensor))


def _replace(node: Several, kept: _Kept, new: dict[Tensor, Tensor]) -> None:
    """Put the node that is left, and its parts, into ``new``."""
    with source.standing_for(node):
        if kept is None:
            if isinstance(node, Loop) and node.length is not None:
                sizes = {v for v in getattr(node.length, "values", ()) if isinstance(v, Tensor)}
                if all(value in new for value in sizes):
                    new[node] = _count(node, new)
            return
        made, places = _less(node, kept, new)
        new[node] = made
        for fresh, place in enumerate(places):
            new[Part(node, place)] = Part(made, fresh)


def _count(loop: Loop, new: dict[Tensor, Tensor]) -> Tensor:
    """Return the number of steps of a loop without a condition."""
    assert loop.length is not None
    return remake(SizeValue(maximum(loop.length, 0)), new)


def _less(node: Several, kept: _Kept, new: dict[Tensor, Tensor]) -> tuple[Several, list[int]]:
    """Return the node with less in it, on new operands, and which of its results are left."""
    if isinstance(node, Branch):
        assert isinstance(kept, _BranchKept)
        bodies = tuple(
            Body(
                tuple(body.inputs[k] for k in kept.captured),
                tuple(body.outputs[k] for k in kept.outputs),
            )
            for body in node.branches
        )
        less: Several = Branch(node.index, bodies, tuple(node.captured[k] for k in kept.captured))
        places = kept.outputs
    else:
        assert isinstance(node, Loop) and isinstance(kept, _LoopKept)
        less = _less_of_loop(node, kept)
        places = [*kept.carries, *(len(node.inits) + k for k in kept.collected)]
    remade = remake(less, new)
    assert isinstance(remade, Several)
    return remade, places


def _less_of_loop(loop: Loop, kept: _LoopKept) -> Loop:
    inputs = (
        loop.number,
        *(loop.carries[k] for k in kept.carries),
        *(loop.rows[k] for k in kept.rows),
        *(loop.stand_ins[k] for k in kept.captured),
    )
    outputs = (
        *(loop.nexts[k] for k in kept.carries),
        *(loop.collected[k] for k in kept.collected),
    )
    condition = loop.condition
    if condition is not None:
        own, first = condition.inputs, 1 + len(loop.inits)
        asked = (
            own[0],
            *(own[1 + k] for k in kept.carries),
            *(own[first + k] for k in kept.captured),
        )
        condition = Body(asked, condition.outputs)
    return Loop(
        loop.length,
        loop.reverse,
        condition,
        Body(inputs, outputs),
        tuple(loop.inits[k] for k in kept.carries),
        tuple(loop.sequences[k] for k in kept.rows),
        tuple(loop.captured[k] for k in kept.captured),
    )

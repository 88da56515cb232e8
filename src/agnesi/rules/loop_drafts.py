"""Loops taken apart: bodies that mention the tensors around them directly, while rules change them.

``open_loop`` puts into a body what it captured; ``finish`` closes it again, so that whatever has
come not to depend on the step is computed outside.  Meanwhile inputs stand for the results that the
loop is going to have: ``finals`` for what is carried last, ``stacks`` for the rows collected.

    draft.collect(d)      an input [length, ...] that stands for the values of d in all steps
    draft.results         what the loop's old parts are, as expressions in those
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import field, record
from agnesi.graph.body import Body, Part, close, outward, with_sizes
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.types import TensorType
from agnesi.ops.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor


@record()
class Draft:
    """A loop that rules change.

    Attributes:
        length: how many steps, as the loop has it.
        reverse: as the loop has it.
        number: stands for the number of the step.
        carries: stand for what is carried.
        inits: what is carried into the first step.
        nexts: what is carried on.
        rows: stand for the rows of sequences.
        sequences: tensors around.
        conditions: whether there is another step; several only while loops are merged.
        finals: outside, stand for what is carried last.
        stacks: outside, stand for the rows collected, by what is collected.
        results: what each part of the loop is; of several loops, one after the other.
        meanings: what became of finals and stacks that are no more.
        around: tensors of the graph around that bodies and results mention.
        changed: whether it is another loop by now.
    """

    length: Size | None
    reverse: bool
    number: Input
    carries: list[Input]
    inits: list[Tensor]
    nexts: list[Tensor]
    rows: list[Input]
    sequences: list[Tensor]
    conditions: list[Tensor]
    finals: list[Input]
    stacks: dict[Tensor, Input]
    results: list[Tensor]
    meanings: dict[Tensor, Tensor] = field(default_factory=dict["Tensor", "Tensor"])
    around: set[Tensor] = field(default_factory=set["Tensor"])
    changed: bool = False

    @property
    def inputs(self) -> list[Input]:
        """What stands for what is given to each step."""
        return [self.number, *self.carries, *self.rows]

    @property
    def collected(self) -> list[Tensor]:
        """What becomes rows."""
        return list(self.stacks)

    @property
    def roots(self) -> list[Tensor]:
        """All that a step computes."""
        return [*self.nexts, *self.stacks, *self.conditions]

    def nodes(self) -> list[Tensor]:
        """Return what a step mentions, operands first, the graph around by its nearest nodes."""
        return toposort(self.roots, {*self.inputs, *self.around})

    def inner(self) -> dict[Tensor, None]:
        """Return the nodes that depend on the step, operands first."""
        found: dict[Tensor, None] = dict.fromkeys(self.inputs)
        for node in self.nodes():
            if node not in found and any(d in found for d in node.dependencies):
                found[node] = None
        return found

    def collect(self, value: Tensor) -> Tensor:
        """Return what stands for the rows of a value, which is collected if it is not yet."""
        known = self.stacks.get(value)
        if known is None:
            assert self.length is not None
            kind = TensorType(value.dtype, (self.length, *value.type.shape))
            known = self.stacks[value] = new_input("rows", kind)
            self.changed = True
        return known

    def carry(self, init: Tensor, name: str) -> Input:
        """Return what stands for one more carried value, which is carried on as it is so far."""
        leaf = new_input(name, init.type)
        self.carries.append(leaf)
        self.inits.append(init)
        self.nexts.append(leaf)
        self.finals.append(new_input(name, init.type))
        self.around.add(init)
        self.changed = True
        return leaf

    def read(self, sequence: Tensor, kind: TensorType | None = None) -> Input:
        """Return what stands for a row of a sequence, which steps are given if they are not yet."""
        kind = kind or TensorType(sequence.dtype, sequence.type.shape[1:])
        for leaf, known in zip(self.rows, self.sequences, strict=True):
            if known is sequence and leaf.type is kind:
                return leaf
        leaf = new_input(sequence.name or "row", kind)
        self.rows.append(leaf)
        self.sequences.append(sequence)
        self.around.add(sequence)
        self.changed = True
        return leaf

    def substitute(self, replaced: Mapping[Tensor, Tensor]) -> None:
        """Replace nodes in all that a step computes."""
        if not replaced:
            return
        self.changed = True
        news = self.rebuilt(self.roots, replaced)
        first, second = len(self.nexts), len(self.nexts) + len(self.stacks)
        old = list(self.stacks.values())
        self.nexts, self.conditions = news[:first], news[second:]
        self.stacks = {}
        for value, stack in zip(news[first:second], old, strict=True):
            kept = self.stacks.setdefault(value, stack)
            if kept is not stack:
                self.meanings[stack] = kept

    def rebuilt(self, outputs: Iterable[Tensor], replaced: Mapping[Tensor, Tensor]) -> list[Tensor]:
        """Return expressions of a step with nodes replaced."""
        fixed: dict[Tensor, Tensor] = {tensor: tensor for tensor in self.around}
        return rebuild(outputs, fixed | dict(replaced))

    def drop_carries(self, places: Iterable[int]) -> None:
        """Take carried values out, of which nothing in a step is left."""
        gone = set(places)
        kept = [k for k in range(len(self.carries)) if k not in gone]
        self.carries = [self.carries[k] for k in kept]
        self.inits = [self.inits[k] for k in kept]
        self.nexts = [self.nexts[k] for k in kept]
        self.finals = [self.finals[k] for k in kept]
        self.changed = True

    def drop_rows(self, places: Iterable[int]) -> None:
        """Take sequences out, of whose rows nothing in a step is left."""
        gone = set(places)
        kept = [k for k in range(len(self.rows)) if k not in gone]
        self.rows = [self.rows[k] for k in kept]
        self.sequences = [self.sequences[k] for k in kept]
        self.changed = True

    def drop_stack(self, value: Tensor, meaning: Tensor) -> None:
        """Collect a value no more: its rows are found in another way."""
        self.meanings[self.stacks.pop(value)] = meaning
        self.changed = True

    def resolved(self, parts: Mapping[Tensor, Tensor]) -> list[Tensor]:
        """Return the results, given what finals and stacks are."""
        known: dict[Tensor, Tensor] = {tensor: tensor for tensor in self.around} | dict(parts)
        waiting = list(self.results)
        while waiting:
            expression = waiting[-1]
            if expression in known:
                waiting.pop()
                continue
            meaning = self.meanings.get(expression)
            if meaning is None:
                below = toposort([expression], known)
                needs = [node for node in below if node in self.meanings and node not in known]
            else:
                needs = [] if meaning in known else [meaning]
            if needs:
                waiting += needs
                continue
            if meaning is None:
                (known[expression],) = rebuild([expression], known)
            else:
                known[expression] = known[meaning]
        return [known[result] for result in self.results]


def open_loop(loop: Loop, *, fresh: bool = False) -> Draft:
    """Return a loop taken apart.

    Args:
        loop: the loop.
        fresh: whether its inputs have to be no other loop's.
    """
    outside = outward(loop.body, loop.captured)
    replaced: dict[Tensor, Tensor] = dict(zip(loop.stand_ins, loop.captured, strict=True))
    own: list[Input] = []
    for leaf in (loop.number, *loop.carries, *loop.rows):
        kind = with_sizes(leaf.type, outside)
        own.append(leaf if kind is leaf.type and not fresh else new_input(leaf.name, kind))
        replaced[leaf] = own[-1]
    outputs = rebuild(loop.body.outputs, replaced)
    conditions: list[Tensor] = []
    first, second = 1 + len(loop.inits), 1 + len(loop.inits) + len(loop.sequences)
    if loop.condition is not None:
        given = (*own[:first], *loop.captured)
        conditions = rebuild(
            loop.condition.outputs, dict(zip(loop.condition.inputs, given, strict=True))
        )
    count = len(loop.inits)
    stand_ins = [new_input("part", kind) for kind in loop.part_types]
    draft = Draft(
        loop.length,
        loop.reverse,
        own[0],
        own[1:first],
        list(loop.inits),
        outputs[:count],
        own[first:second],
        list(loop.sequences),
        conditions,
        stand_ins[:count],
        {},
        list(stand_ins),
        around={*loop.inits, *loop.sequences, *loop.captured},
    )
    for value, stack in zip(outputs[count:], stand_ins[count:], strict=True):
        known = draft.stacks.setdefault(value, stack)
        if known is not stack:
            draft.meanings[stack] = known
            draft.changed = True
    return draft


def joined(loops: Sequence[Loop]) -> Draft:
    """Return one draft that does what several loops do, step by step beside each other."""
    draft = open_loop(loops[0])
    for loop in loops[1:]:
        other = open_loop(loop, fresh=True)
        draft.around |= other.around
        draft.changed = True
        other.substitute({other.number: draft.number})
        draft.meanings.update(other.meanings)
        draft.carries += other.carries
        draft.inits += other.inits
        draft.nexts += other.nexts
        draft.rows += other.rows
        draft.sequences += other.sequences
        draft.conditions += other.conditions
        draft.finals += other.finals
        draft.results += other.results
        for value, stack in other.stacks.items():
            known = draft.stacks.setdefault(value, stack)
            if known is not stack:
                draft.meanings[stack] = known
    return draft


def finish(draft: Draft, before: Loop | None) -> tuple[Loop, list[Tensor]]:
    """Return the loop that a draft has become, and what its old results are.

    Args:
        draft: with at most one condition left.
        before: the loop as it was, which is returned if it is still the same.
    """
    closed = close(draft.inputs, draft.roots, around=draft.around, through=True)
    same = before is not None and set(closed.captured) == set(before.captured)
    if before is not None and not draft.changed and same:
        return before, list(before.parts())
    first = 1 + len(draft.carries)
    inputs, outputs = closed.body.inputs, closed.body.outputs
    condition = None
    if draft.conditions:
        asked = (*inputs[:first], *inputs[first + len(draft.rows) :])
        condition = Body(asked, outputs[-1:])
        outputs = outputs[:-1]
    loop = Loop(
        draft.length,
        draft.reverse,
        condition,
        Body(inputs, outputs),
        tuple(draft.inits),
        tuple(draft.sequences),
        closed.captured,
    )
    stand_ins = [*draft.finals, *draft.stacks.values()]
    parts: dict[Tensor, Tensor] = {leaf: Part(loop, place) for place, leaf in enumerate(stand_ins)}
    return loop, draft.resolved(parts)

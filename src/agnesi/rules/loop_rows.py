"""What steps read of sequences, and which of their rows anybody keeps.

    scan(step, 0, 2 * y)         the rows of y, doubled in the step: 2 * y is not written to memory
    scan(step, 0, ones)          a number in the step, no rows
    states[-1]                   what is carried last: no rows
    out, saved in a gradient     the states themselves, which the loop before has collected
    grad of states[-1]           0 but in the first step: part of what is carried in

A sequence that is a function of arrays, element by element, would be written by one pass over
memory to be read by the loop: the step reads the arrays themselves.  Functions as dear as ``exp``
stay outside, where all threads compute them; so does what follows a matrix product, which finishes
it while it is in the nearest cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import record
from agnesi.dims.dim import sub
from agnesi.dims.simplify import at_least, minimum
from agnesi.graph.body import Part
from agnesi.graph.graph import with_operands
from agnesi.graph.leaves import Input, Leaf
from agnesi.ops.arithmetic import Add
from agnesi.ops.families import Elementwise
from agnesi.ops.loop import Loop
from agnesi.ops.movement import BroadcastTo, ExpandDims, Squeeze, Transpose, broadcast
from agnesi.ops.reductions import Sum
from agnesi.ops.slicing import Indexed, Place, Slice
from agnesi.rules.tensors import aligned, filled

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.rules.loop_drafts import Draft

# So many ops of a sequence at most are done in the step.
_MOST_OPS = 24


@record()
class Around:
    """The graph that a loop is in, as rules want to know it.

    Attributes:
        readers: who reads each node, before anything changed.
        outputs: of the graph.
        new: what the nodes before the loop became.
    """

    readers: Mapping[Tensor, Sequence[Tensor]]
    outputs: Collection[Tensor]
    new: Mapping[Tensor, Tensor]


def sink_into_steps(draft: Draft, group: Sequence[Loop], around: Around) -> None:
    """Rows of functions of arrays become functions of rows of the arrays."""
    sunk = _Sunk(draft, around, set(group))
    old = {around.new[s]: s for loop in group for s in loop.sequences}
    gone = [
        k
        for k, (leaf, sequence) in enumerate(zip(draft.rows, draft.sequences, strict=True))
        if sequence in old
        and sequence.type.shape[1:] == leaf.type.shape
        and sunk.may(old[sequence])
    ]
    sunk.gone.update(old[draft.sequences[k]] for k in gone)
    leaves = [draft.rows[k] for k in gone]
    rows = [sunk.row(old[draft.sequences[k]]) for k in gone]
    if gone:
        draft.substitute(dict(zip(leaves, rows, strict=True)))
        draft.drop_rows(gone)


class _Sunk:
    """Nodes around a loop, computed row by row in its step.

    Attributes:
        gone: sequences of which it is decided.
    """

    def __init__(self, draft: Draft, around: Around, group: set[Loop]) -> None:
        self.draft = draft
        self.around = around
        self.group = group
        self.gone: set[Tensor] = set()
        self.rows: dict[Tensor, Tensor] = {}

    def may(self, sequence: Tensor) -> bool:
        """Whether a sequence is better computed in the step, row by row."""
        if isinstance(sequence, BroadcastTo) and self._repeated(sequence):
            return True
        if not isinstance(sequence, Elementwise) or not self._is_for_steps(sequence):
            return False
        size = sequence.type.shape[0]
        inside: set[Tensor] = {sequence}
        stack: list[Tensor] = [sequence]
        while stack:
            node = stack.pop()
            if len(inside) > _MOST_OPS:
                return False
            for operand in node.operands:
                if operand in inside or self._is_kept(operand, size):
                    continue
                own = all(reader in inside for reader in self.around.readers[operand])
                if operand in self.around.outputs or not own or not _is_cheap(operand):
                    return False
                if not isinstance(operand, BroadcastTo) or not self._repeated(operand):
                    inside.add(operand)
                    stack.append(operand)
        return _is_cheap(sequence)

    def _is_for_steps(self, sequence: Tensor) -> bool:
        if sequence in self.around.outputs:
            return False
        return all(reader in self.group for reader in self.around.readers[sequence])

    def _repeated(self, node: BroadcastTo) -> bool:
        """Whether all rows are the same."""
        if node.requirements():
            return False
        return node.x.ndim < node.ndim or (node.x.type.shape[0] == 1 != node.type.shape[0])

    def _is_kept(self, node: Tensor, size: Size) -> bool:
        """Whether a node has memory of its own, or is all alike."""
        if isinstance(node, BroadcastTo) and self._repeated(node):
            return True
        if not node.ndim or node.type.shape[0] != size:
            return False
        if isinstance(node, Leaf | Part):
            return True
        return node in self.around.outputs or (
            len(self.around.readers[node]) > 1 and not node.moves
        )

    def row(self, node: Tensor) -> Tensor:
        """Return the row of a node, of the graph before the change, in the step."""
        known = self.rows.get(node)
        if known is None:
            known = self.rows[node] = self._row(node)
        return known

    def _row(self, node: Tensor) -> Tensor:
        now = self.around.new[node]
        shape = now.type.shape[1:]
        if isinstance(now, BroadcastTo) and isinstance(node, BroadcastTo) and self._repeated(node):
            self.draft.around.add(now.x)
            inner = now.x if now.x.ndim < now.ndim else Squeeze(now.x, (0,))
            return broadcast(inner, shape)
        if node not in self.gone and self._is_kept(node, now.type.shape[0]):
            return self.draft.read(now)
        match now:
            case BroadcastTo():
                return BroadcastTo(self.row(node.operands[0]), shape)
            case Transpose(_, order):
                return Transpose(self.row(node.operands[0]), tuple(k - 1 for k in order[1:]))
            case ExpandDims(_, axes):
                return ExpandDims(self.row(node.operands[0]), tuple(k - 1 for k in axes))
            case Squeeze(_, axes):
                return Squeeze(self.row(node.operands[0]), tuple(k - 1 for k in axes))
            case _:
                return with_operands(now, [self.row(o) for o in node.operands])


def _is_cheap(node: Tensor) -> bool:
    """Whether a row of a node is found from rows of its operands, in a few operations."""
    match node:
        case Elementwise():
            return not node.expensive and aligned(node)
        case Transpose(_, order):
            return order[0] == 0
        case ExpandDims(_, axes) | Squeeze(_, axes):
            return 0 not in axes
        case BroadcastTo(x):
            return x.ndim == node.ndim and not node.requirements()
        case _:
            return False


# -- rows that are kept --------------------------------------------------------------------------


def drop_known_rows(draft: Draft) -> None:
    """Rows that are the same in all steps, or those of a sequence, are not collected."""
    if draft.length is None or draft.conditions:
        return
    inner = draft.inner()
    given = dict(zip(draft.rows, draft.sequences, strict=True))
    for value in draft.collected:
        if isinstance(value, Input) and value in given:
            draft.drop_stack(value, first_rows(given[value], draft.length))
        elif value not in inner:
            draft.around.add(value)
            shape = (draft.length, *value.type.shape)
            draft.drop_stack(value, BroadcastTo(ExpandDims(value, (0,)), shape))


def first_rows(sequence: Tensor, length: Size) -> Tensor:
    """Return as many rows of a sequence as there are steps; a call checks that it has them."""
    rows, *rest = sequence.type.shape
    if rows == length:
        return sequence
    zeros, ones = (0,) * sequence.ndim, (1,) * sequence.ndim
    if at_least(rows, length):
        return Slice(sequence, zeros, ones, (length, *rest))
    # A slice does not look where its array ends, and what the loop has required goes with it.
    there = minimum(rows, length)
    if there != rows:
        sequence = Slice(sequence, zeros, ones, (there, *rest))
    return BroadcastTo(sequence, (length, *rest))


def keep_last_alone(draft: Draft, parts: Sequence[Part], around: Around) -> None:
    """Rows of which only that of the last step is read are carried, not collected.

    Args:
        draft: the loop.
        parts: what the results of the draft were, in the graph before the change.
        around: that graph.
    """
    if draft.length is None or draft.conditions:
        return
    read: dict[Tensor, list[Part]] = {}
    for result, part in zip(draft.results, parts, strict=True):
        while result in draft.meanings:
            result = draft.meanings[result]
        read.setdefault(result, []).append(part)
    for value, stack in list(draft.stacks.items()):
        wanted = read.get(stack)
        if wanted and all(reads_last(part, around) for part in wanted):
            last = _last_of(draft, value)
            shape = (draft.length, *value.type.shape)
            draft.drop_stack(value, BroadcastTo(ExpandDims(last, (0,)), shape))


def reads_last(part: Part, around: Around) -> bool:
    """Whether all that is read of a result's rows is that of the last step."""
    loop = part.of
    if part in around.outputs or not isinstance(loop, Loop) or loop.length is None:
        return False
    last = sub(loop.length, 1)
    for reader in around.readers.get(part, ()):
        if type(reader) not in {Slice, Indexed} or not isinstance(reader, Slice):
            return False
        start, extent = reader.starts[0], reader.extents[0]
        late = start == 0 and extent == 1 if loop.reverse else at_least(start, last)
        if not late or reader.steps[0] < 0:
            return False
    return True


def _last_of(draft: Draft, value: Tensor) -> Tensor:
    """Return what stands for a value in the last step."""
    for after, final in zip(draft.nexts, draft.finals, strict=True):
        if after is value:
            return final
    draft.carry(filled(0, value.dtype, value.type.shape), "last")
    draft.nexts[-1] = value
    return draft.finals[-1]


# -- states of the loop before -----------------------------------------------------------------


@record(frozen=True)
class States:
    """What a loop carries, and both ways in which it has collected it.

    Attributes:
        init: what was carried into the first step.
        after: rows of what was carried on.
        reverse: whether the first step had the last number.
    """

    init: Tensor
    after: Tensor
    reverse: bool


def states_before(sequence: Tensor) -> tuple[Part, States] | None:
    """Return what rows of states before each step are, if they are that.

    Returns:
        What the loop carried last, and the states; None where the states after each step are not
        collected, or the loop may end early.
    """
    if not isinstance(sequence, Part) or not isinstance(sequence.of, Loop):
        return None
    loop, first = sequence.of, len(sequence.of.inits)
    if loop.condition is not None or sequence.place < first:
        return None
    value = loop.collected[sequence.place - first]
    place = next((k for k, leaf in enumerate(loop.carries) if leaf is value), None)
    if place is None:
        return None
    after = next((k for k, c in enumerate(loop.collected) if c is loop.nexts[place]), None)
    if after is None or loop.inits[place].type.shape != sequence.type.shape[1:]:
        return None
    states = States(loop.inits[place], Part(loop, first + after), loop.reverse)
    return Part(loop, place), states


def read_states(draft: Draft) -> None:
    """A loop back that carries the state before each step into the next one reads it instead.

    What it carries is the state after the step, which the loop there has collected, too.
    """
    if draft.length is None or draft.conditions:
        return
    given: dict[Tensor, Tensor] = dict(zip(draft.rows, draft.sequences, strict=True))
    replaced: dict[Tensor, Tensor] = {}
    gone: list[int] = []
    for k, (leaf, init) in enumerate(zip(list(draft.carries), draft.inits, strict=True)):
        found = states_before(given.get(draft.nexts[k], leaf))
        if found is None:
            continue
        last, states = found
        back = states.reverse is not draft.reverse and states.after.type.shape[0] == draft.length
        if not back or init is not last or states.after.type.shape[1:] != leaf.type.shape:
            continue
        replaced[leaf] = draft.read(states.after, leaf.type)
        gone.append(k)
        draft.meanings[draft.finals[k]] = states.init
        draft.around.add(states.init)
    if gone:
        draft.substitute(replaced)
        draft.drop_carries(gone)


# -- what is added in the first step alone ---------------------------------------------------------


def add_before_first_step(draft: Draft) -> None:
    """A sequence that is 0 but in the first step, where it is added to a carry, goes into init.

    The gradient of the last state is one.
    """
    if draft.length is None or draft.conditions:
        return
    replaced: dict[Tensor, Tensor] = {}
    gone: list[int] = []
    readers: dict[Tensor, list[Tensor]] = {}
    for node in draft.inner():
        for d in set(node.dependencies):
            readers.setdefault(d, []).append(node)
    roots = set(draft.roots)
    for k, (leaf, sequence) in enumerate(zip(draft.rows, draft.sequences, strict=True)):
        if not _is_first_alone(draft, sequence) or leaf in roots:
            continue
        reads = readers.get(leaf, [])
        if len(reads) != 1 or not isinstance(reads[0], Add) or not aligned(reads[0]):
            continue
        other = reads[0].y if reads[0].x is leaf else reads[0].x
        place = next((j for j, c in enumerate(draft.carries) if c is other), None)
        if place is None or len(readers[other]) != 1 or other in roots:
            continue
        row = _first_row(sequence, draft)
        draft.inits[place] = Add(draft.inits[place], row)
        draft.around.add(draft.inits[place])
        replaced[reads[0]] = other
        gone.append(k)
    if gone:
        draft.substitute(replaced)
        draft.drop_rows(gone)


def _is_first_alone(draft: Draft, sequence: Tensor) -> bool:
    if not isinstance(sequence, Place) or sequence.type.shape[0] != draft.length:
        return False
    assert draft.length is not None
    first = sub(draft.length, 1) if draft.reverse else 0
    one = sequence.x.type.shape[0] == 1 and sequence.steps[0] == 1
    return one and sequence.starts[0] == first


def _first_row(sequence: Tensor, draft: Draft) -> Tensor:
    """Return the row that the first step reads; zeros if there is no step."""
    assert draft.length is not None
    first = sub(draft.length, 1) if draft.reverse else 0
    count = minimum(draft.length, 1)
    rest = sequence.type.shape[1:]
    starts, steps = (first, *(0 for _ in rest)), (1,) * sequence.ndim
    return Sum(Slice(sequence, starts, steps, (count, *rest)), (0,))

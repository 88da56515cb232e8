"""What makes loops fast: less in a step, and less often.

    h = tanh(h @ w + x @ (u * 2))        in each of t steps

    xu = (x.reshape(t * b, k) @ (u * 2)).reshape(t, b, n)       once
    h = tanh(h @ w + xu)                                         in each step

A loop is taken apart (``loop_drafts.py``): its body mentions the tensors around it directly.  Rules
change it, and it is put together again, by which what no longer depends on the step is computed
outside.  Rules know what reads a loop, which those of ``rewrite/`` do not: they are a pass.

Bodies inside of bodies come first, so that what they give up can go further out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from agnesi.core import source
from agnesi.graph.body import Body, Part, Several, close, in_bodies
from agnesi.graph.graph import rebuild, remake, size_of, toposort
from agnesi.graph.leaves import Constant, scalar_constant
from agnesi.ops.branch import Branch
from agnesi.ops.families import Elementwise
from agnesi.ops.loop import Loop
from agnesi.ops.movement import BroadcastTo, ExpandDims
from agnesi.rules.batch_loops import lift_products_of_rows, lift_results, lift_sums
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.loop_drafts import finish, joined
from agnesi.rules.loop_rows import (
    Around,
    add_before_first_step,
    drop_known_rows,
    keep_last_alone,
    read_states,
    reads_last,
    sink_into_steps,
)
from agnesi.rules.merge_loops import (
    drop_constant_carries,
    groups_of_loops,
    merge_equal_carries,
    merge_equal_rows,
)
from agnesi.rules.part_loops import parted
from agnesi.rules.prune_loops import prune

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace
    from agnesi.rules.loop_drafts import Draft


def loops(outputs: Sequence[Tensor], trace: Trace) -> list[Tensor]:
    """Return the outputs with less work in the loops and branches they depend on."""
    if not any(isinstance(node, Several) for node in toposort(outputs)):
        return list(outputs)
    new = _loops(outputs, trace, {})
    if any(a is not b for a, b in zip(new, outputs, strict=True)):
        new = _pruned(_canonical(new, trace))
    return new


def _loops(outputs: Sequence[Tensor], trace: Trace, known: _Known) -> list[Tensor]:
    # What nobody reads goes from the outside in, what does not change from the inside out.
    inside = in_bodies(prune(outputs), lambda inner: _loops(inner, trace, known))
    if not any(isinstance(node, Several) for node in toposort(inside)):
        return inside
    return prune(_Walk(prune(inside), trace, known).run())


def _pruned(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Return the outputs pruned, from the outside in and once more outside."""
    return prune(in_bodies(prune(outputs), _pruned))


def _canonical(outputs: Sequence[Tensor], trace: Trace) -> list[Tensor]:
    new = canonicalize(outputs, trace)
    return in_bodies(new, lambda inner: _canonical(inner, trace))


# What loops become: what tells the number of steps, None for the loop as it was; and all results.
_Changed: TypeAlias = "tuple[Tensor | None, list[Tensor]]"
# By the loops, and by which of their results the last row alone is read.  Two bodies that share a
# loop, such as those of a gradient with checkpoints, still share it afterwards.
_Known: TypeAlias = "dict[tuple[object, ...], _Changed]"


class _Walk:
    """One walk over a graph, each loop changed once what it needs is new."""

    def __init__(self, outputs: Sequence[Tensor], trace: Trace, known: _Known) -> None:
        self.outputs = outputs
        self.known = known
        self.trace = trace
        self.new: dict[Tensor, Tensor] = {}
        order = toposort(outputs)
        self.groups = groups_of_loops(order)
        readers: dict[Tensor, list[Tensor]] = {}
        for node in order:
            for d in set(node.dependencies):
                readers.setdefault(d, []).append(node)
        self.around = Around(readers, set(outputs), self.new)

    def run(self) -> list[Tensor]:
        """Return the outputs."""
        stack = list(self.outputs)[::-1]
        while stack:
            node = stack[-1]
            if node in self.new:
                stack.pop()
                continue
            waits = [d for d in self._needs(node) if d not in self.new]
            if waits:
                stack.extend(reversed(waits))
                continue
            stack.pop()
            with source.standing_for(node):
                self._visit(node)
        return [self.new[output] for output in self.outputs]

    def _needs(self, node: Tensor) -> Sequence[Tensor]:
        """Return what has to be new before a node: for a loop, what its whole group needs."""
        group = self.groups.get(node)
        if group is None:
            return node.dependencies
        return [d for loop in group for d in loop.dependencies]

    def _visit(self, node: Tensor) -> None:
        if isinstance(node, Loop):
            group = self.groups.get(node, [node])
            made = [loop for old in group if isinstance(loop := remake(old, self.new), Loop)]
            kept = [part for loop in made for part in loop.parts()]
            count, results = self._changed(group, made)
            if any(a is not b for a, b in zip(kept, results, strict=True)):
                if self.trace.permits():
                    self.trace.count("merge_loops" if len(made) > 1 else "change_loop")
                else:
                    count, results = None, kept
            self._put(group, count, results)
        elif isinstance(node, Branch):
            made = remake(node, self.new)
            assert isinstance(made, Branch)
            made = _closed_again(made)
            self.new[node] = made
            for place, result in enumerate(changed_branch(made)):
                self.new[Part(node, place)] = result
        else:
            self.new[node] = remake(node, self.new)

    def _changed(self, group: Sequence[Loop], made: Sequence[Loop]) -> _Changed:
        """Return what loops become: the same loops in the same place become the same."""
        lasts = [reads_last(part, self.around) for loop in group for part in loop.parts()]
        if any(isinstance(s, Elementwise | BroadcastTo) for m in made for s in m.sequences):
            return changed_loop(group, made, self.around)
        key = (*made, *lasts)
        if key not in self.known:
            self.known[key] = changed_loop(group, made, self.around)
        return self.known[key]

    def _put(self, group: Sequence[Loop], count: Tensor | None, results: Sequence[Tensor]) -> None:
        rest = iter(results)
        for loop in group:
            self.new[loop] = remake(loop, self.new) if count is None else count
            for place in range(len(loop.part_types)):
                self.new[Part(loop, place)] = next(rest)


def changed_loop(group: Sequence[Loop], made: Sequence[Loop], around: Around) -> _Changed:
    """Return what several loops that are merged, or one, become.

    Args:
        group: the loops, in the graph before the change.
        made: they, on operands that are new.
        around: the graph before the change.

    Returns:
        What tells the number of steps, None for the loop as it was; and all results.
    """
    draft = joined(made)
    merge_equal_rows(draft)
    sink_into_steps(draft, group, around)
    add_before_first_step(draft)
    merge_equal_carries(draft)
    drop_constant_carries(draft)
    read_states(draft)
    inlined = _inlined(draft)
    if inlined is not None:
        return None, inlined
    keep_last_alone(draft, [part for loop in group for part in loop.parts()], around)
    drop_known_rows(draft)
    in_parts = parted(draft)
    if in_parts is not None:
        return None, in_parts
    lift_products_of_rows(draft)
    lift_sums(draft)
    drop_constant_carries(draft)
    lift_results(draft)
    return finish(draft, made[0] if len(made) == 1 else None)


def _inlined(draft: Draft) -> list[Tensor] | None:
    """Return the results of a loop that is known to take no step, or one."""
    if draft.conditions or draft.length not in (0, 1):
        return None
    stand_ins = [*draft.finals, *draft.stacks.values()]
    if draft.length == 0:
        rows: list[Tensor] = [
            BroadcastTo(scalar_constant(0, leaf.dtype), leaf.type.shape) for leaf in stand_ins
        ]
        values = [*draft.inits, *rows[len(draft.inits) :]]
    else:
        given: dict[Tensor, Tensor] = {draft.number: scalar_constant(0, draft.number.dtype)}
        given |= dict(zip(draft.carries, draft.inits, strict=True))
        for leaf, sequence in zip(draft.rows, draft.sequences, strict=True):
            given[leaf] = sequence[0]
        values = draft.rebuilt([*draft.nexts, *draft.stacks], given)
        first = len(draft.inits)
        values[first:] = [ExpandDims(value, (0,)) for value in values[first:]]
    return draft.resolved(dict(zip(stand_ins, values, strict=True)))


def changed_branch(branch: Branch) -> list[Tensor]:
    """Return the results of a branch: those of one known, and what is the same in all, outside."""
    taken = size_of(branch.index)
    parts = branch.parts()
    opened = [
        rebuild(body.outputs, dict(zip(body.inputs, branch.captured, strict=True)))
        for body in _possible(branch)
    ]
    if isinstance(taken, int):
        return opened[0]
    return [
        alike[0] if all(value is alike[0] for value in alike) else part
        for part, alike in zip(parts, zip(*opened, strict=True), strict=True)
    ]


def _closed_again(branch: Branch) -> Branch:
    """Return a branch that captures the numbers that sizes inside have come to mention.

    A size that was a symbol when the branch was made may have become one that is computed.
    """
    inputs = branch.branches[0].inputs
    columns = [
        rebuild(body.outputs, dict(zip(body.inputs, inputs, strict=True)))
        for body in branch.branches
    ]
    outputs = [output for column in columns for output in column]
    own: set[Tensor] = set(inputs)
    foreign = False
    for node in toposort(outputs, set(inputs)):
        hidden = node.dependencies[len(node.operands) :]
        foreign |= any(d not in own and not isinstance(d, Constant) for d in hidden)
        if any(d in own for d in node.dependencies):
            own.add(node)
    if not foreign:
        return branch
    closed = close(list(inputs), outputs)
    bodies = closed.parts(*map(len, columns))
    return Branch(branch.index, bodies, (*branch.captured, *closed.captured))


def _possible(branch: Branch) -> tuple[Body, ...]:
    """Return the bodies that may be taken."""
    taken = size_of(branch.index)
    if not isinstance(taken, int):
        return branch.branches
    return (branch.branches[min(max(taken, 0), len(branch.branches) - 1)],)

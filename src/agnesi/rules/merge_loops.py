"""Loops that walk together, and carried values that are the same, are one.

    h = scan(step, 0, x)            the loop of a result
    h, saved = scan(step', 0, x)    the same steps, with more kept for the gradient

are one loop beside each other at first, with every carried value twice.  Values that start alike
are taken to be the same until a step makes different ones of them; where the assumption holds,
it is true.  So equal steps are found equal however they are written.

Loops of one length and direction are merged where neither needs the other, and where it pays: they
turn out to carry the same values, or they read the same sequence and hold no matrix products, whose
factors would drive each other out of the nearest cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.ops.linear import MatMul
from agnesi.ops.loop import Loop
from agnesi.rules.loop_drafts import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Tensor
    from agnesi.rules.loop_drafts import Draft

# Assumptions about equal values are corrected so often before they are given up.
_ROUNDS = 6
# So many groups of loops are tried for each loop.
_TRIED = 8


def groups_of_loops(order: Sequence[Tensor]) -> dict[Tensor, list[Loop]]:
    """Return, for each loop that is to be merged, all of its group."""
    loops = [node for node in order if isinstance(node, Loop)]
    if len(loops) < 2:
        return {}
    before = _needed_loops(order, loops)
    groups: list[list[int]] = []
    # Groups by what they read, so that each loop looks at few of them.
    reading: dict[tuple[object, ...], list[list[int]]] = {}
    for k, loop in enumerate(loops):
        home: list[int] | None = None
        keys = _marks(loop)
        near = {g[0]: g for key in keys for g in reading.get(key, [])[: -_TRIED - 1 : -1]}
        for group in list(near.values())[:_TRIED]:
            whole = sum(1 << member for member in group)
            reached = before[group[0]]
            if before[k] & whole or reached >> k & 1:
                continue
            if _pays([*(loops[member] for member in group), loop]):
                group.append(k)
                _merge_needs(before, group, reached | before[k])
                home = group
                break
        if home is None:
            home = [k]
            groups.append(home)
        for key in keys:
            known = reading.setdefault(key, [])
            if not known or known[-1] is not home:
                known.append(home)
    found: dict[Tensor, list[Loop]] = {}
    for group in groups:
        if len(group) > 1:
            members = [loops[k] for k in group]
            found.update(dict.fromkeys(members, members))
    return found


def _needed_loops(order: Sequence[Tensor], loops: Sequence[Loop]) -> list[int]:
    """Return for each loop, as bits, the loops that have to run before it."""
    place = {loop: k for k, loop in enumerate(loops)}
    needs: dict[Tensor, int] = {}
    before: list[int] = [0] * len(loops)
    for node in order:
        mask = 0
        for d in node.dependencies:
            mask |= needs[d]
        if isinstance(node, Loop):
            before[place[node]] = mask
            mask |= 1 << place[node]
        needs[node] = mask
    return before


def _merge_needs(before: list[int], group: Sequence[int], mask: int) -> None:
    """Note that loops run together: whatever needs one of them needs all, and all before them."""
    whole = sum(1 << member for member in group)
    for k, needs in enumerate(before):
        if k in group:
            before[k] = mask
        elif needs & whole:
            before[k] |= mask | whole


def _marks(loop: Loop) -> list[tuple[object, ...]]:
    """Return what loops that may be merged have in common: steps, and what they read."""
    if not loop.inits:
        return []
    kind = loop.length, loop.reverse, loop.condition is None
    # Steps that read sequences are seldom the same on others; zeros to begin with say nothing.
    read = dict.fromkeys(loop.sequences or loop.inits)
    return [(*kind, tensor) for tensor in read]


def _takes_same_steps(a: Loop, b: Loop) -> bool:
    """Whether two loops are seen at once to differ in what they collect alone."""
    pairs = (
        (a.body.inputs, b.body.inputs),
        (a.inits, b.inits),
        (a.sequences, b.sequences),
        (a.captured, b.captured),
        (a.nexts, b.nexts),
    )
    equal = all(
        len(p) == len(q) and all(x is y for x, y in zip(p, q, strict=True)) for p, q in pairs
    )
    return equal and bool(a.inits) and a.condition is b.condition


def _pays(loops: Sequence[Loop]) -> bool:
    """Whether loops become less work by being merged; not so if they may end differently."""
    if len(loops) == 2 and _takes_same_steps(*loops):
        return True
    draft = joined(loops)
    count = len(draft.carries)
    merge_equal_rows(draft)
    merge_equal_carries(draft)
    if len(set(draft.conditions)) > 1:
        return False
    if len(draft.carries) < count:
        return True
    return not any(isinstance(node, MatMul | Loop) for node in draft.inner())


def merge_equal_rows(draft: Draft) -> None:
    """Rows of one sequence are one."""
    first: dict[tuple[object, ...], Tensor] = {}
    replaced: dict[Tensor, Tensor] = {}
    gone: list[int] = []
    for k, (leaf, sequence) in enumerate(zip(draft.rows, draft.sequences, strict=True)):
        known = first.setdefault((sequence, leaf.type), leaf)
        if known is not leaf:
            replaced[leaf] = known
            gone.append(k)
    draft.substitute(replaced)
    if gone:
        draft.drop_rows(gone)


def merge_equal_carries(draft: Draft) -> None:
    """What is carried twice is carried once: values that start alike and go on alike.

    Of several conditions the equal ones become one, too.
    """
    classes = [(init, leaf.type) for init, leaf in zip(draft.inits, draft.carries, strict=True)]
    kept = _first_of_each(draft, classes)
    for _ in range(_ROUNDS):
        pairs = zip(draft.carries, kept, strict=True)
        same: dict[Tensor, Tensor] = {leaf: first for leaf, first in pairs if first is not leaf}
        if not same:
            break
        nexts = draft.rebuilt(draft.nexts, same)
        refined = _first_of_each(draft, list(zip(kept, nexts, strict=True)))
        # Not `==`, which compares tensors element by element.
        if all(a is b for a, b in zip(refined, kept, strict=True)):
            _unite(draft, same)
            break
        kept = refined
    if len(draft.conditions) > 1:
        draft.conditions = list(dict.fromkeys(draft.conditions))


def _first_of_each(draft: Draft, classes: Sequence[object]) -> list[Tensor]:
    """Return for each carried value the first one of its class."""
    first: dict[object, Tensor] = {}
    pairs = zip(classes, draft.carries, strict=True)
    return [first.setdefault(kind, leaf) for kind, leaf in pairs]


def _unite(draft: Draft, same: dict[Tensor, Tensor]) -> None:
    final: dict[Tensor, Tensor] = dict(zip(draft.carries, draft.finals, strict=True))
    gone = [k for k, leaf in enumerate(draft.carries) if leaf in same]
    for k in gone:
        kept = same[draft.carries[k]]
        draft.meanings[draft.finals[k]] = final[kept]
    draft.substitute(same)
    draft.drop_carries(gone)


def drop_constant_carries(draft: Draft) -> None:
    """What is carried on as it is, or as it was in the first step, does not change: no carry."""
    while True:
        same: dict[Tensor, Tensor] = {}
        gone: list[int] = []
        for k, (leaf, init) in enumerate(zip(draft.carries, draft.inits, strict=True)):
            after = draft.nexts[k]
            if leaf.type is init.type and (after is leaf or after is init):
                same[leaf] = init
                gone.append(k)
                draft.meanings[draft.finals[k]] = init
        if not gone:
            return
        draft.substitute(same)
        draft.drop_carries(gone)

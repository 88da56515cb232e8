"""A long loop of which the last state alone is wanted: products of its rows are made part by part.

    last = scan(step, h, x)[0]       x: f32[10000, 8, 128], whose rows are multiplied by u

    a loop over 156 segments of 64 steps: 64 rows of x @ u at once, then a loop over them; the rest

Made for all steps at once the products would be the only thing whose size is that of the whole
sequence, and would go out to far memory and back.  Where states are collected they are as large,
and the loop stays whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.record import replace
from agnesi.graph.body import close
from agnesi.graph.leaves import new_input
from agnesi.graph.types import TensorType
from agnesi.ops.loop import Loop
from agnesi.ops.movement import Reshape
from agnesi.ops.slicing import Slice
from agnesi.rules.batch_loops import lift_products_of_rows, sizes_of_products
from agnesi.rules.loop_drafts import finish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.leaves import Input
    from agnesi.graph.tensor import Tensor
    from agnesi.rules.loop_drafts import Draft

# Bytes of products that are made at once: more than _FAR are parted, into parts of _NEAR.
_FAR, _NEAR = 1 << 22, 1 << 20
# Steps of a part: as many as make a product fast, few enough to be near.
_FEWEST, _MOST = 8, 256


def parted(draft: Draft) -> list[Tensor] | None:
    """Return the results of a loop in parts; None where it is better left whole."""
    steps = _steps_of_part(draft)
    if steps is None:
        return None
    assert isinstance(draft.length, int)
    count, rest = divmod(draft.length, steps)
    state = list(draft.inits)
    if draft.reverse and rest:
        state = _rest(draft, state, count * steps, rest)
    state = _segments(draft, state, count, steps)
    if not draft.reverse and rest:
        state = _rest(draft, state, count * steps, rest)
    finals: list[Tensor] = list(draft.finals)
    return draft.resolved(dict(zip(finals, state, strict=True)))


def _steps_of_part(draft: Draft) -> int | None:
    """Return how many steps a part has, if the loop is to be parted."""
    if draft.conditions or draft.stacks or not isinstance(draft.length, int):
        return None
    sizes = sizes_of_products(draft)
    if not sizes or any(d is draft.number for n in draft.inner() for d in n.dependencies):
        return None
    if any(sequence.type.shape[0] != draft.length for sequence in draft.sequences):
        return None
    each = sum(sizes) * max(leaf.dtype.bytes for leaf in draft.rows)
    steps = min(max(_NEAR // each, _FEWEST), _MOST)
    return steps if draft.length * each > _FAR and 2 * steps <= draft.length else None


def _segments(draft: Draft, state: list[Tensor], count: int, steps: int) -> list[Tensor]:
    """Return what is carried out of the loop over segments."""
    number = new_input("segment", draft.number.type)
    carries = [new_input(leaf.name, leaf.type) for leaf in draft.carries]
    rows: list[Input] = []
    sequences: list[Tensor] = []
    for leaf, whole in zip(draft.rows, draft.sequences, strict=True):
        shape = (steps, *leaf.type.shape)
        rows.append(new_input(leaf.name, TensorType(leaf.dtype, shape)))
        sequences.append(Reshape(_part(whole, 0, count * steps), (count, *shape)))
    given: list[Tensor] = list(carries)
    inner = _loop(draft, given, list(rows), steps)
    closed = close([number, *carries, *rows], inner, around=draft.around, through=True)
    loop = Loop(
        count,
        draft.reverse,
        None,
        closed.body,
        tuple(state),
        tuple(sequences),
        closed.captured,
    )
    return list(loop.parts())


def _rest(draft: Draft, state: list[Tensor], first: int, count: int) -> list[Tensor]:
    """Return what is carried out of the steps that make no segment."""
    return _loop(draft, state, [_part(s, first, count) for s in draft.sequences], count)


def _part(sequence: Tensor, first: int, count: int) -> Tensor:
    shape = sequence.type.shape
    if count == shape[0]:
        return sequence
    zeros = (0,) * (sequence.ndim - 1)
    return Slice(sequence, (first, *zeros), (1,) * sequence.ndim, (count, *shape[1:]))


def _loop(
    draft: Draft, inits: Sequence[Tensor], sequences: Sequence[Tensor], length: int
) -> list[Tensor]:
    """Return what is carried out of some steps, their products of rows made before them."""
    finals = [new_input(leaf.name, leaf.type) for leaf in draft.finals]
    part = replace(
        draft,
        length=length,
        carries=list(draft.carries),
        inits=list(inits),
        nexts=list(draft.nexts),
        rows=list(draft.rows),
        sequences=list(sequences),
        conditions=[],
        finals=finals,
        stacks={},
        results=list(finals),
        meanings={},
        around={*draft.around, *inits, *sequences},
        changed=True,
    )
    lift_products_of_rows(part)
    return finish(part, None)[1]

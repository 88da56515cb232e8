"""Movements of movements become one movement, or none.

before: transpose(transpose(x, [1, 2, 0]), [2, 0, 1])
after:  x
with:   x: f32[2, 3, 4]

before: reshape(reshape(x, [2, 6]), [3, 4])
after:  reshape(x, [3, 4])
with:   x: f32[12]

A node that checks something in a call is left alone: what it checks would be lost.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from agnesi.dims.dim import add, mul, sub
from agnesi.dims.simplify import at_least, is_nonnegative
from agnesi.ops.arithmetic import Add
from agnesi.ops.families import Movement
from agnesi.ops.joining import Concatenate
from agnesi.ops.movement import (
    BroadcastTo,
    ExpandDims,
    Flip,
    Reshape,
    Squeeze,
    Transpose,
    broadcast,
    restore_axes,
)
from agnesi.ops.slicing import Place, Replace, Slice
from agnesi.rewrite.rule import rewrite

if TYPE_CHECKING:
    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Tensor

# More terms of one sum are not looked at.
_TERMS = 32


@rewrite(Movement, Reshape)
def merge_into_broadcast(node: Movement | Reshape) -> Tensor | None:
    """Any movement of one repeated scalar is the scalar repeated."""
    if not isinstance(node, BroadcastTo) and not node.requirements():
        match node.operands[0]:
            case BroadcastTo(x) if not x.ndim:
                return broadcast(x, node.type.shape)
            case _:
                pass
    return None


@rewrite(BroadcastTo)
def merge_broadcasts(node: BroadcastTo) -> Tensor | None:
    """Repeating twice is repeating once; axes of size 1 in front come by themselves."""
    if node.requirements():
        return None
    match node.x:
        case x if x.type.shape == node.type.shape:
            return x
        case BroadcastTo(x) if not node.x.requirements():
            return broadcast(x, node.type.shape)
        case ExpandDims(x, axes):
            front = 0
            while front in axes:
                front += 1
            if not front:
                return None
            rest = tuple(k - front for k in axes if k >= front)
            return broadcast(restore_axes(x, rest), node.type.shape)
        case _:
            return None


@rewrite(Transpose)
def merge_transposes(node: Transpose) -> Tensor | None:
    """Reordering twice is reordering once; keeping the order is nothing."""
    if node.order == tuple(range(node.ndim)):
        return node.x
    match node.x:
        case Transpose(x, order):
            return Transpose(x, tuple(order[k] for k in node.order))
        case _:
            return None


@rewrite(ExpandDims)
def merge_expand_dims(node: ExpandDims) -> Tensor | None:
    """New axes of size 1 beside new axes, or in the place of dropped ones."""
    match node.x:
        case _ if not node.axes:
            return node.x
        case ExpandDims(x, inner):
            old = [k for k in range(node.ndim) if k not in node.axes]
            axes = sorted((*node.axes, *(old[k] for k in inner)))
            return ExpandDims(x, tuple(axes))
        case Squeeze(x) if x.type.shape == node.type.shape:
            return x
        case Reshape(x) if not node.x.requirements():
            return Reshape(x, node.type.shape)
        case _:
            return None


@rewrite(Squeeze)
def merge_squeezes(node: Squeeze) -> Tensor | None:
    """Dropped axes beside dropped axes; a new axis that is dropped again."""
    match node.x:
        case _ if not node.axes:
            return node.x
        case Squeeze(x, inner):
            kept = [k for k in range(x.ndim) if k not in inner]
            axes = sorted((*inner, *(kept[k] for k in node.axes)))
            return Squeeze(x, tuple(axes))
        case ExpandDims(x, inner):
            return _squeeze_expanded(node, x, inner)
        case Reshape(x) if not node.x.requirements():
            return Reshape(x, node.type.shape)
        case _:
            return None


def _squeeze_expanded(node: Squeeze, x: Tensor, added: tuple[int, ...]) -> Tensor:
    """Return ``squeeze(expand_dims(x, added))`` with the axes that cancel taken out."""
    old = [k for k in range(node.x.ndim) if k not in added]
    dropped = tuple(old.index(k) for k in node.axes if k not in added)
    kept = [k for k in range(node.x.ndim) if k not in node.axes]
    remain = tuple(kept.index(k) for k in added if k not in node.axes)
    return restore_axes(Squeeze(x, dropped) if dropped else x, remain)


@rewrite(Reshape)
def merge_reshapes(node: Reshape) -> Tensor | None:
    """Only the last shape counts; one that differs by axes of size 1 needs no arithmetic."""
    inner = node.x
    if inner.type.shape == node.type.shape:
        return inner
    if isinstance(inner, Reshape | ExpandDims | Squeeze) and not inner.requirements():
        return Reshape(inner.x, node.type.shape)
    return _without_ones(node)


def _without_ones(node: Reshape) -> Tensor | None:
    old, new = node.x.type.shape, node.type.shape
    if [s for s in old if s != 1] != [s for s in new if s != 1]:
        return None
    dropped = tuple(k for k, s in enumerate(old) if s == 1)
    added = tuple(k for k, s in enumerate(new) if s == 1)
    return restore_axes(Squeeze(node.x, dropped) if dropped else node.x, added)


@rewrite(Flip)
def merge_flips(node: Flip) -> Tensor | None:
    """Reversing twice is nothing, and so is reversing one element."""
    long = tuple(k for k in node.axes if node.type.shape[k] != 1)
    if len(long) < len(node.axes):
        return Flip(node.x, long) if long else node.x
    match node.x:
        case Flip(x, inner):
            axes = tuple(sorted(set(long) ^ set(inner)))
            return Flip(x, axes) if axes else x
        case _:
            return None


def _whole(starts: Shape, steps: tuple[int, ...]) -> bool:
    return all(s == 0 for s in starts) and all(s == 1 for s in steps)


@rewrite(Slice)
def merge_slices(node: Slice) -> Tensor | None:
    """A slice of a slice is a slice; the whole is nothing."""
    if type(node) is not Slice:
        return None  # it checks an index in each call
    x = node.x
    if _whole(node.starts, node.steps) and x.type.shape == node.type.shape:
        return x
    if type(x) is Slice:
        starts = tuple(
            add(first, mul(second, step))
            for first, second, step in zip(x.starts, node.starts, x.steps, strict=True)
        )
        steps = tuple(a * b for a, b in zip(x.steps, node.steps, strict=True))
        return Slice(x.x, starts, steps, node.extents)
    if type(x) is Place and (x.starts, x.steps) == (node.starts, node.steps):
        return x.x if x.x.type.shape == node.type.shape else None
    return None


@rewrite(Slice)
def cut_place(node: Slice) -> Tensor | None:
    """Of what is put among zeros, only what is looked at is put there.

    before: slice(place(x, [2, 3], [1, 2], [9, 9]), [1, 2], [1, 1], [4, 7])
    after:  place(slice(x, [0, 0], [1, 1], [3, 3]), [1, 1], [1, 2], [4, 7])
    with:   x: f32[5, 3]
    """
    place = node.x
    if type(node) is not Slice or type(place) is not Place or any(s != 1 for s in node.steps):
        return None
    starts: list[Size] = []
    cuts: list[tuple[Size, Size]] = []
    for axis, size in enumerate(place.x.type.shape):
        begin, step = sub(place.starts[axis], node.starts[axis]), place.steps[axis]
        cut = _seen(begin, step, size, node.extents[axis])
        if cut is None:
            return None
        starts.append(add(begin, mul(cut[0], step)))
        cuts.append(cut)
    sizes = tuple(size for _, size in cuts)
    part = Slice(place.x, tuple(first for first, _ in cuts), (1,) * node.ndim, sizes)
    return Place(part, tuple(starts), place.steps, node.extents)


def _seen(begin: Size, step: int, size: Size, extent: Size) -> tuple[Size, Size] | None:
    """Return the first and the number of elements at ``begin + step*k`` that are in an extent."""
    if step < 0:
        return None
    first: Size = 0
    if not at_least(begin, 0):
        if step != 1 or not at_least(0, begin):
            return None
        first = mul(begin, -1)
    end = add(begin, mul(step, add(size, -1)), 1)
    if not at_least(extent, end):
        if step != 1 or not at_least(end, extent):
            return None
        size = sub(extent, begin)
    rest = sub(size, first)
    return (first, rest) if is_nonnegative(rest) else None


@rewrite(Place)
def merge_places(node: Place) -> Tensor | None:
    """What is put among zeros twice is put there once.

    before: place(place(x, [1], [2], [9]), [3], [1], [20])
    after:  place(x, [4], [2], [20])
    with:   x: f32[4]
    """
    inner = node.x
    if type(inner) is not Place:
        return None
    triples = zip(node.starts, inner.starts, node.steps, strict=True)
    starts = tuple(add(outer, mul(start, step)) for outer, start, step in triples)
    steps = tuple(a * b for a, b in zip(node.steps, inner.steps, strict=True))
    return Place(inner.x, starts, steps, node.target)


@rewrite(Place)
def drop_place(node: Place) -> Tensor | None:
    """Everything put into its own place is nothing."""
    if _whole(node.starts, node.steps) and node.x.type.shape == node.type.shape:
        return node.x
    return None


@rewrite(Replace)
def drop_replaced(node: Replace) -> Tensor | None:
    """What replaces everything is all there is.

    before: replace(x, y, [0, 0], [1, 1], [])
    after:  y
    with:   x: f32[2, 3], y: f32[2, 3]
    """
    if _whole(node.starts, node.steps) and node.x.type.shape == node.y.type.shape:
        return node.y
    return None


@rewrite(Add)
def join_places(node: Add) -> Tensor | None:
    """Arrays put beside each other, each with zeros around it, are one array.

    before: add(place(x, [0, 2], [1, 1], [3, 6]), place(y, [0, 0], [1, 1], [3, 6]))
    after:  concatenate([y, x], 1)
    with:   x: f32[3, 4], y: f32[3, 2]
    """
    if not any(type(operand) is Place for operand in node.operands):
        return None
    terms = _terms(node)
    # What begins where, by axis; of two at one place the second is left.
    begins: dict[tuple[int, Size], Place] = {}
    for term in terms:
        axis = _only_axis(term)
        if axis is not None and isinstance(term, Place):
            begins.setdefault((axis, term.starts[axis]), term)
    follows = {k: (k[0], add(k[1], place.x.type.shape[k[0]])) for k, place in begins.items()}
    ends = set(follows.values())
    for first in begins:
        run = [first]
        while (after := follows[run[-1]]) in begins and after not in run:
            run.append(after)
        if first not in ends and len(run) > 1:
            joined = _joined([begins[k] for k in run], first[0])
            used = {begins[k] for k in run}
            rest = [term for term in terms if term not in used]
            return reduce(Add, [*rest, joined])
    return None


def _terms(node: Add) -> list[Tensor]:
    """Return the terms of a sum of sums; of a long one the first few."""
    terms: list[Tensor] = [node]
    while len(terms) < _TERMS:
        k = next((k for k, term in enumerate(terms) if isinstance(term, Add)), None)
        if k is None:
            break
        terms[k : k + 1] = terms[k].operands
    return terms


def _only_axis(x: Tensor) -> int | None:
    """Return the axis along which an array is put among zeros, where there is only one."""
    if type(x) is not Place or any(step != 1 for step in x.steps):
        return None
    sizes = zip(x.x.type.shape, x.type.shape, strict=True)
    axes = [k for k, (own, whole) in enumerate(sizes) if own != whole]
    others = (start for k, start in enumerate(x.starts) if k not in axes)
    return axes[0] if len(axes) == 1 and all(start == 0 for start in others) else None


def _joined(places: list[Place], axis: int) -> Tensor:
    parts: list[Tensor] = []
    for place in places:
        x = place.x
        nested = isinstance(x, Concatenate) and x.axis == axis and not x.requirements()
        parts += x.operands if nested else [x]
    whole = Concatenate(tuple(parts), axis)
    if whole.type.shape == places[0].type.shape:
        return whole
    return places[0].replace(x=whole)


MERGE = (
    join_places,
    merge_into_broadcast,
    merge_broadcasts,
    merge_transposes,
    merge_expand_dims,
    merge_squeezes,
    merge_reshapes,
    merge_flips,
    merge_slices,
    cut_place,
    merge_places,
    drop_place,
    drop_replaced,
)

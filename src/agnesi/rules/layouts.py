"""Transpositions around convolutions move towards the results, where they cancel.

    NCHW -> NHWC, conv, NHWC -> NCHW, + bias, relu, max_pool, NCHW -> NHWC, conv, NHWC -> NCHW
    NCHW -> NHWC, conv, + bias, relu, max_pool, conv, NHWC -> NCHW

A convolution has channels last, users have them first, so that there is a transposition of what it
takes and one of what it gives.  What lies between is the same for axes in another order: it is
computed channels last, and its result transposed instead, up to what needs the user's order (an
output of the program, a reshape).  The same holds for gradients.

What is cut off from a convolution is not computed: the gradient of padding cuts what the gradient
of the convolution behind it gives.

This is one walk from the operands to the results, so that nothing moves back; and a pass, not rules
of ``rewrite/``, because which transpositions are worth moving depends on where they come from.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from agnesi.core import source
from agnesi.dims.dim import add, mul, sub
from agnesi.graph.graph import remake, toposort, with_operands
from agnesi.ops.conv import Conv, ConvWeights, span
from agnesi.ops.families import Elementwise
from agnesi.ops.joining import Concatenate
from agnesi.ops.movement import BroadcastTo, ExpandDims, Flip, Nonempty, Squeeze, Transpose
from agnesi.ops.padding import Extend
from agnesi.ops.pooling import Windows
from agnesi.ops.reductions import All, Any_, Max, Min, Prod, Sum
from agnesi.ops.resampling import Resample, ResampleBack
from agnesi.ops.slicing import Indexed, Place, Replace, Slice
from agnesi.rules.canonicalize import canonicalize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor
    from agnesi.rewrite.trace import Trace

Order: TypeAlias = tuple[int, ...]

# Ops of operands of one number of axes, which do the same to axes in another order when what they
# say of axes is reordered too.
_SAME = (
    BroadcastTo,
    Slice,
    Indexed,
    Place,
    Replace,
    Flip,
    Extend,
    Concatenate,
    Nonempty,
    Resample,
    ResampleBack,
)
_REDUCTIONS = (Sum, Prod, Max, Min, Any_, All)
# Attributes that name axes; tuples under other names have an item for each axis.
_AXES = ("axis", "axes", "indexed")
_PER_AXIS = ("starts", "steps", "extents", "target", "windows", "dilations")


def lay_out(outputs: Iterable[Tensor], trace: Trace) -> list[Tensor]:
    """Return the outputs with what lies around convolutions computed channels last."""
    outputs = list(outputs)
    order = toposort(outputs)
    if not any(isinstance(node, Conv | ConvWeights | Windows) for node in order):
        return outputs
    readers = Counter(d for node in order for d in set(node.dependencies))
    walk = _Walk(trace, {n for n, count in readers.items() if count == 1} - set(outputs))
    for node in order:
        with source.standing_for(node):
            walk.visit(node)
    new = [walk.new[output] for output in outputs]
    return canonicalize(new, trace) if walk.moved else outputs


def channels_first(ndim: int) -> Order:
    """Return the order that makes ``[n, channels, *space]`` of ``[n, *space, channels]``."""
    return (0, ndim - 1, *range(1, ndim - 1))


class _Walk:
    """One walk over a graph, operands first.

    Attributes:
        alone: nodes that one other reads.
        new: what each node became.
        moved: whether a transposition has passed a node.
        inside: of transpositions on the way, what they transpose, and how.
    """

    def __init__(self, trace: Trace, alone: set[Tensor]) -> None:
        self.trace = trace
        self.alone = alone
        self.new: dict[Tensor, Tensor] = {}
        self.moved = False
        self.inside: dict[Tensor, tuple[Tensor, Order]] = {}

    def visit(self, old: Tensor) -> None:
        """Make a node anew, behind the transposition of its operands where it can be."""
        node = remake(old, self.new)
        if type(node) is Slice and type(node.x) is Conv and old.operands[0] in self.alone:
            node = self._cut(node, node.x)
        self.new[old] = node
        if isinstance(node, Transpose):
            self.new[old] = self._transposed(node)
            return
        order = next((self.inside[o][1] for o in node.operands if o in self.inside), None)
        if order is None:
            return
        if isinstance(node, _REDUCTIONS) and type(node) in _REDUCTIONS:
            self._reduce(old, node, order)
        elif self._passes(node):
            operands = [self._under(o, order) for o in node.operands]
            self._put(old, with_operands(node, operands, _reordered(node, order)), order)

    def _cut(self, node: Slice, conv: Conv) -> Tensor:
        """Return a convolution of what the part of it that is taken depends on."""
        channels = conv.type.shape[-1]
        whole = (node.starts[-1], node.extents[-1]) == (0, channels)
        if not whole or any(step != 1 for step in node.steps) or not self.trace.permits():
            return node
        starts: list[Size] = []
        extents: list[Size] = []
        for k, stride in enumerate(conv.strides):
            reach = span(conv.taps[k], conv.dilations[k])
            starts.append(mul(node.starts[k + 1], stride))
            extents.append(add(mul(sub(node.extents[k + 1], 1), stride), reach))
        shape = (node.extents[0], *extents, conv.x.type.shape[-1])
        part = Slice(conv.x, (node.starts[0], *starts, 0), node.steps, shape)
        self.trace.count("cut_convolution")
        self.moved = True
        return conv.replace(x=part)

    def _passes(self, node: Tensor) -> bool:
        """Whether a node does the same to axes in another order."""
        if any(o.ndim != node.ndim for o in node.operands):
            return False
        return isinstance(node, Elementwise) or type(node) in _SAME or isinstance(node, Windows)

    def _put(self, old: Tensor, inner: Tensor, order: Order) -> None:
        if not self.trace.permits():
            return
        self.trace.count("lay_out")
        self.moved = True
        outer = Transpose(inner, order)
        self.new[old] = outer
        self.inside[outer] = inner, order

    def _transposed(self, node: Transpose) -> Tensor:
        """Return a transposition as one of what is inside; one that begins is remembered."""
        inner, order = node.x, node.order
        if inner in self.inside:
            inner, first = self.inside[inner]
            order = tuple(first[k] for k in order)
        if order == tuple(range(node.ndim)):
            return inner
        outer = Transpose(inner, order)
        if node.ndim > 2 and order == channels_first(node.ndim):
            self.inside[outer] = inner, order
        return outer

    def _reduce(self, old: Tensor, node: Any, order: Order) -> None:
        """Reduce over the same axes, wherever they are."""
        inner = self._under(node.x, order)
        axes: Order = node.axes
        result = type(node)(inner, tuple(sorted(order[k] for k in axes)))
        kept = [order[k] for k in range(node.x.ndim) if k not in axes]
        rest = tuple(sorted(kept).index(k) for k in kept)
        if rest == tuple(range(len(rest))):
            self.new[old] = result
            self.moved = True
        else:
            self._put(old, result, rest)

    def _under(self, x: Tensor, order: Order) -> Tensor:
        """Return what has to be transposed in this order to give ``x``."""
        free = self._free(x, order)
        return Transpose(x, _inverse(order)) if free is None else free

    def _free(self, x: Tensor, order: Order) -> Tensor | None:
        """Return what ``_under`` does where nothing has to be moved for that, else None."""
        if x in self.inside and self.inside[x][1] == order:
            return self.inside[x][0]
        back = _inverse(order)
        long = [k for k in back if x.type.shape[k] != 1]
        match x:
            case _ if long == sorted(long):
                return _moved_ones(x, back)
            case BroadcastTo(inner, target):
                shape = tuple(target[k] for k in back)
                if not inner.ndim:
                    return BroadcastTo(inner, shape)
                missing = tuple(range(x.ndim - inner.ndim))
                whole = ExpandDims(inner, missing) if missing else inner
                return BroadcastTo(self._under(whole, order), shape)
            case ExpandDims(inner, axes):
                # The axes of what is inside, in their new order, and where the new ones are.
                own = [k for k in range(x.ndim) if k not in axes]
                kept = [own.index(k) for k in back if k not in axes]
                moved = inner if kept == sorted(kept) else Transpose(inner, tuple(kept))
                return ExpandDims(moved, tuple(p for p, k in enumerate(back) if k in axes))
            case Slice() | Place() if type(x) in _SAME:
                inner = self._free(x.x, order)
                return None if inner is None else with_operands(x, (inner,), _reordered(x, order))
            case _:
                return None


def _moved_ones(x: Tensor, order: Order) -> Tensor:
    """Return a transposition that only moves axes of size 1."""
    ones = tuple(k for k, size in enumerate(x.type.shape) if size == 1)
    short = Squeeze(x, ones) if ones else x
    added = tuple(p for p, k in enumerate(order) if k in ones)
    return ExpandDims(short, added) if added else short


def _inverse(order: Order) -> Order:
    return tuple(order.index(k) for k in range(len(order)))


def _reordered(node: Tensor, order: Order) -> tuple[Any, ...]:
    """Return the fields of a node for operands that are transposed in this order afterwards."""
    back = _inverse(order)
    changed: list[Any] = []
    for name, arg in zip(node.fields, node.args, strict=True):
        if name in _AXES:
            named = [arg] if isinstance(arg, int) else arg
            axes = sorted(order[k] for k in named)
            changed.append(axes[0] if isinstance(arg, int) else tuple(axes))
        elif name in _PER_AXIS:
            changed.append(tuple(arg[k] for k in back))
        else:
            changed.append(arg)
    return tuple(changed)

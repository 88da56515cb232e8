"""Convolutions that are something simpler.

before: conv(x, w, [1, 1], [1, 1], 1)
after:  reshape(mat_mul(reshape(x, [n*h*w, 8]), reshape(w, [8, 4])), [n, h, w, 4])
with:   x: f32[n, h, w, 8], w: f32[1, 1, 8, 4]
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from agnesi.dims.dim import mul
from agnesi.dims.simplify import ceildiv
from agnesi.ops.conv import Conv, ConvWeights, conv_as_product, weights_as_product
from agnesi.ops.joining import Concatenate
from agnesi.ops.movement import ExpandDims, Reshape
from agnesi.ops.slicing import Place, Slice
from agnesi.rewrite.rule import rewrite
from agnesi.rules.tensors import filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor


@rewrite(Conv)
def convolve_by_product(node: Conv) -> Tensor | None:
    """A kernel of one tap, and one at a single place, multiply matrices."""
    return None if node.requirements() else conv_as_product(node)


@rewrite(ConvWeights)
def correlate_by_product(node: ConvWeights) -> Tensor | None:
    """So do they in the gradient by the kernel."""
    return None if node.requirements() else weights_as_product(node)


@rewrite(Conv)
def convolve_in_phases(node: Conv) -> Tensor | None:
    """Numbers that lie apart, as in gradients of strides, meet only each so many taps.

    Results whose places have the same remainder by a stride of 2 meet every second tap, always the
    same ones: they are a convolution of the numbers themselves with these taps.
    """
    apart = node.x
    if type(apart) is not Place or node.requirements():
        return None
    steps, shape = apart.steps[1:-1], apart.x.type.shape
    phases = math.prod(steps)
    sizes = (*apart.starts[1:-1], *shape[1:-1], *node.type.shape[1:-1], *node.taps)
    inside = (apart.starts[0], apart.starts[-1]) == (0, 0) and shape[-1] == node.x.type.shape[-1]
    plain = all(n == 1 for n in (*node.strides, *node.dilations, apart.steps[0], apart.steps[-1]))
    known = all(isinstance(size, int) for size in sizes)
    if not (inside and plain and known and min(steps) > 0 and 1 < phases <= _MOST_PHASES):
        return None
    count = [ceildiv(size, step) for size, step in zip(node.type.shape[1:-1], steps, strict=True)]
    parts = [_phase(node, apart, count, place) for place in itertools.product(*map(range, steps))]
    together = _interleaved(parts, steps)
    n, *_, channels = node.type.shape
    whole = Reshape(
        together, (n, *(mul(c, s) for c, s in zip(count, steps, strict=True)), channels)
    )
    return Slice(whole, (0,) * node.ndim, (1,) * node.ndim, node.type.shape)


# Taps of a stride of 4 in two dimensions are taken apart.
_MOST_PHASES = 16


def _phase(node: Conv, apart: Place, count: Sequence[Size], place: tuple[int, ...]) -> Tensor:
    """Return the results whose places have these remainders."""
    n, *_, channels = node.type.shape
    x, w = apart.x, node.w
    firsts: list[int] = []
    taps: list[int] = []
    starts: list[int] = []
    lengths: list[int] = []
    for k, remainder in enumerate(place):
        start, step, own = apart.starts[k + 1], apart.steps[k + 1], node.taps[k]
        assert isinstance(start, int) and isinstance(own, int)
        ahead, first = divmod(start - remainder, step)
        firsts.append(first)
        taps.append(max(0, -((first - own) // step)))
        # Place 0 meets the number at -ahead first.
        starts.append(-ahead)
        lengths.append(_int(count[k]) + taps[k] - 1)
    if 0 in taps:
        return filled(0, node.dtype, (n, *count, channels))
    kernel = Slice(w, (*firsts, 0, 0), (*apart.steps[1:-1], 1, 1), (*taps, *w.type.shape[-2:]))
    return node.replace(x=_part(x, starts, lengths), w=kernel)


def _part(x: Tensor, starts: Sequence[int], lengths: Sequence[int]) -> Tensor:
    """Return so many elements of each axis of space, zeros where there are none."""
    n, *space, channels = x.type.shape
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    before = [max(0, -start) for start in starts]
    target = [max(_int(s), e) + b for s, e, b in zip(space, ends, before, strict=True)]
    whole = Place(x, (0, *before, 0), (1,) * x.ndim, (n, *target, channels))
    first = [start + b for start, b in zip(starts, before, strict=True)]
    return Slice(whole, (0, *first, 0), (1,) * x.ndim, (n, *lengths, channels))


def _interleaved(parts: Sequence[Tensor], steps: Sequence[int]) -> Tensor:
    """Return ``[n, q, s, r, t, channels]`` of ``s*t`` arrays ``[n, q, r, channels]``."""
    several = [ExpandDims(p, tuple(range(2, 2 * len(steps) + 1, 2))) for p in parts]
    for k in range(len(steps) - 1, -1, -1):
        step = steps[k]
        groups = [several[i : i + step] for i in range(0, len(several), step)]
        several = [Concatenate(tuple(g), 2 * k + 2) if step > 1 else g[0] for g in groups]
    return several[0]


def _int(size: Size) -> int:
    assert isinstance(size, int)
    return size


CONVOLUTIONS = (convolve_by_product, correlate_by_product, convolve_in_phases)

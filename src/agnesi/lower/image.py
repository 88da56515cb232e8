"""What convolutions share: where images, kernels and places lie, and stretches of axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from agnesi.core.record import record
from agnesi.dims.dim import Size, add, fresh_index, mul, sub
from agnesi.dims.simplify import ceildiv, minimum
from agnesi.loops.nodes import For, Statement
from agnesi.lower.products import same_memory
from agnesi.ops.conv import Conv, ConvWeights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agnesi.core.machine import Machine
    from agnesi.graph.tensor import Tensor
    from agnesi.loops.nodes import Buffer
    from agnesi.lower.fuse import Group


@record(frozen=True)
class Axis:
    """An axis of space.

    Attributes:
        size: of the image.
        out: places.
        taps: of the kernel.
        stride: how far apart places are, in elements of the buffer.
        dilation: how far apart taps are.
        tap: how far apart the rows of taps are in the kernel.
    """

    size: Size
    out: Size
    taps: int
    stride: Size
    dilation: Size
    tap: int


Body: TypeAlias = "Callable[[Size, Size], list[Statement]]"


def spans(size: Size, most: int, body: Body) -> list[Statement]:
    """Return statements for stretches of an axis: as many of a known length as there can be.

    Args:
        size: of the axis.
        most: how long a stretch is.
        body: statements for the stretch from a place on, of some length.
    """
    if isinstance(size, int) and size <= most:
        return body(0, size)
    if not isinstance(size, int):
        number = fresh_index("part", ceildiv(size, most))
        start = mul(number, most)
        return [For(number, tuple(body(start, minimum(most, sub(size, start)))))]
    number, rest = fresh_index("part", size // most), size % most
    whole: list[Statement] = [For(number, tuple(body(mul(number, most), most)))]
    return whole + (body(size - rest, rest) if rest else [])


class Convolution:
    """What both kinds share: where things lie.

    Attributes:
        axes: of space, but those of one element and one tap.
    """

    def __init__(
        self,
        group: Group,
        buffers: Mapping[Tensor, Buffer],
        targets: Mapping[Tensor, Sequence[Buffer]],
        machine: Machine,
        scratch: dict[Buffer, Size],
    ) -> None:
        node = group.nodes[0]
        assert isinstance(node, Conv | ConvWeights)
        self.node, self.group, self.buffers, self.targets = node, group, buffers, targets
        self.scratch = scratch
        self.private: dict[Buffer, int] = {}
        self.image = buffers[same_memory(node.x)]
        self.high, self.wide = machine.tile(node.dtype)
        shape, taps = node.x.type.shape, node.taps
        out = node.type.shape[1:-1] if isinstance(node, Conv) else node.ct.type.shape[1:-1]
        *_, self.channels, self.columns = self.kernel_shape()
        self.groups = self.known(node.groups)
        self.results = self.columns // self.groups
        self.all_channels = self.channels * self.groups
        self.examples = shape[0]
        axes: list[Axis] = []
        step: Size = self.all_channels
        tap = self.channels
        for k in reversed(range(len(taps))):
            size, count = shape[k + 1], self.known(taps[k])
            strides = mul(step, node.strides[k]), mul(step, node.dilations[k])
            axis = Axis(size, out[k], count, *strides, tap)
            axes.insert(0, axis)
            step, tap = mul(step, size), tap * count
        self.each, self.taps = step, tap // self.channels
        self.all_axes = axes
        # Axes of one place and one tap are no axes; of the others the last one is in rows.
        self.axes = [a for a in axes if (a.size, a.taps) != (1, 1)] or axes[-1:]
        self.last = self.axes[-1]
        self.folds = self.last.dilation == self.channels or self.last.taps == 1
        self.outer = self.axes[:-1]

    def kernel_shape(self) -> tuple[int, ...]:
        """Return the shape of the kernel."""
        node = self.node
        shape = node.w.type.shape if isinstance(node, Conv) else node.type.shape
        return tuple(map(self.known, shape))

    @staticmethod
    def known(size: Size) -> int:
        """Return a size that is known."""
        assert isinstance(size, int)
        return size

    def place(self, offset: Size, example: Size, where: Sequence[Size]) -> Size:
        """Return where in the image the taps of a place begin."""
        moved = [mul(o, axis.stride) for o, axis in zip(where, self.axes, strict=True)]
        return add(offset, mul(example, self.each), *moved)

    def in_groups(self, body: Callable[[Size], list[Statement]]) -> list[Statement]:
        """Return statements for each group."""
        if self.groups == 1:
            return body(0)
        group = fresh_index("group", self.groups)
        return [For(group, tuple(body(group)))]

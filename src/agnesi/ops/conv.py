"""Convolutions of networks, with channels last: sums over windows of all channels of a group.

``Conv`` and ``ConvWeights`` are closed under differentiation: the gradients of either are
convolutions again, of the cotangent put among zeros (``Place``).  Padding is done before, by
``Place`` too.  Functions with other layouts, paddings and names are in ``agnesi.nn``.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import F64, FLOATS
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Shape, Size, add, fresh_index, mul, product, sub
from agnesi.dims.simplify import at_least, floordiv
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType, shape_text
from agnesi.loops.nodes import Assign, Load, Read, Statement, Store, fresh_local, literal
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Sample
from agnesi.ops.movement import Flip, Reshape, Transpose, moveaxis, ravel
from agnesi.ops.nests import loop_indices, nest, parallel
from agnesi.ops.slicing import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__: list[str] = []


def span(taps: Size, dilation: int) -> Size:
    """Return how many elements the taps of one axis reach over."""
    return add(mul(dilation, sub(taps, 1)), 1)


def places(space: Size, taps: Size, stride: int, dilation: int) -> Size:
    """Return at how many places, a stride apart, the taps fit into the elements of one axis."""
    return add(floordiv(sub(space, span(taps, dilation)), stride), 1)


def _windows(
    x: Array,
    out: Sequence[int],
    taps: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[tuple[tuple[int, ...], Array]]:
    """Return each tap with the elements of ``x`` that it meets, one for each place."""
    found: list[tuple[tuple[int, ...], Array]] = []
    for tap in itertools.product(*map(range, taps)):
        cuts = [
            slice(t * d, t * d + s * (o - 1) + 1, s) if o else slice(0, 0)
            for t, o, s, d in zip(tap, out, strides, dilations, strict=True)
        ]
        found.append((tap, x[(slice(None), *cuts)]))
    return found


def _conv(
    x: Array, w: Array, strides: tuple[int, ...], dilations: tuple[int, ...], groups: int = 1
) -> Array:
    taps, (channels, results) = w.shape[:-2], (w.shape[-2], w.shape[-1] // groups)
    sizes = zip(x.shape[1:-1], taps, strides, dilations, strict=True)
    out = [_known(places(*each)) for each in sizes]
    kind = np.float64 if x.dtype.itemsize < 8 else x.dtype
    result = np.zeros((len(x), *out, groups, results), kind)
    for tap, part in _windows(x, out, taps, strides, dilations):
        for g in range(groups):
            columns = w[tap][:, g * results : (g + 1) * results].astype(kind)
            result[..., g, :] += part[..., g * channels : (g + 1) * channels].astype(kind) @ columns
    return result.reshape(len(x), *out, groups * results)


def _conv_weights(  # noqa: PLR0917 - the fields of the node
    x: Array,
    ct: Array,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    groups: int,
    taps: tuple[int, ...],
) -> Array:
    channels, results = x.shape[-1] // groups, ct.shape[-1] // groups
    kind = np.float64 if x.dtype.itemsize < 8 else x.dtype
    result = np.zeros((*taps, channels, groups, results), kind)
    for tap, part in _windows(x, ct.shape[1:-1], taps, strides, dilations):
        for g in range(groups):
            rows = part[..., g * channels : (g + 1) * channels].astype(kind)
            others = ct[..., g * results : (g + 1) * results].astype(kind)
            result[tap][:, g] += np.einsum("ik,ij->kj", *(_flat(a) for a in (rows, others)))
    return result.reshape(*taps, channels, groups * results)


def _flat(rows: Array) -> Array:
    return rows.reshape(math.prod(rows.shape[:-1]), rows.shape[-1])


def _known(size: Size) -> int:
    assert isinstance(size, int)
    return size


class Conv(LoopOp):
    """Cross-correlation of arrays, channels last, with a kernel, without padding.

    ``y[n, *o, g*K+k] = sum(x[n, *(o*stride + t*dilation), g*C+c] * w[*t, c, g*K+k])``, over taps
    ``t`` and channels ``c`` of the group.

    Attributes:
        x: ``[n, *space, G*C]``.
        w: ``[*taps, C, G*K]``.
        strides: how far apart places are, for each axis of space.
        dilations: how far apart taps are.
        groups: ``G``; a number, or symbolic where ``vectorize`` made a group of each example.
    """

    x: Tensor
    w: Tensor
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: Size

    public = "conv"
    dtypes = FLOATS
    multilinear = True
    domain = (Domain(),)
    tolerance = 64.0
    reference = staticmethod(_conv)
    samples = (
        Sample(((2, 7, 6, 3), (3, 2, 3, 4)), ((1, 1), (1, 1), 1)),
        Sample(((2, 8, 9, 2), (3, 2, 2, 3)), ((2, 3), (1, 2), 1)),
        Sample(((1, 6, 5, 6), (2, 3, 2, 9)), ((1, 2), (2, 1), 3)),
        Sample(((3, 11, 2), (4, 2, 5)), ((3,), (2,), 1)),
        Sample(((1, 4, 5, 3, 2), (2, 3, 1, 1, 4)), ((1, 2, 1), (1, 1, 1), 2)),
        Sample(((2, 5, 4), (3, 1, 4)), ((1,), (1,), 4)),
        Sample(((0, 5, 2), (3, 2, 2)), ((1,), (1,), 1)),
        Sample(((2, 5, 0), (3, 0, 2)), ((1,), (1,), 1)),
        Sample(((1, 9, 1, 8), (5, 1, 8, 17)), ((1, 1), (1, 1), 1)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; the functions of users are in ``agnesi.nn``."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """``[n, *places, G*K]``."""
        if self.x.dtype is not self.w.dtype or not (
            self.x.ndim == self.w.ndim == len(self.strides) + 2 == len(self.dilations) + 2
        ):
            raise CompilerBug(f"Conv: {self.x.type} and {self.w.type} do not fit")
        (n, *space, _), (*taps, _, results) = self.x.type.shape, self.w.type.shape
        out = map(places, space, taps, self.strides, self.dilations)
        return TensorType(self.x.dtype, (n, *out, results))

    @property
    def taps(self) -> Shape:
        """The sizes of the axes of taps."""
        return self.w.type.shape[:-2]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """A convolution of the cotangent, apart as places are, with turned taps; a correlation."""
        kind = self.strides, self.dilations, self.groups
        by_x = back(ct, self.w, self.space, *kind)
        return by_x, ConvWeights(self.x, ct, *kind, self.taps)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """More examples; more results of each group, or more groups, where kernels are batched."""
        x, w = operands
        kind = self.strides, self.dilations
        if not batched[1]:
            rows = Reshape(x, (mul(size, x.type.shape[1]), *x.type.shape[2:]))
            result = Conv(rows, w, *kind, self.groups)
            return Reshape(result, (size, x.type.shape[1], *result.type.shape[1:]))
        results = floordiv(w.type.shape[-1], self.groups)
        if batched[0]:
            groups = mul(size, self.groups)
            several = Conv(_last(x, size, 1), _last(w, size, 1), *kind, groups)
            return _first(several, size, 1, w.type.shape[-1])
        several = Conv(x, _last(w, size, self.groups), *kind, self.groups)
        return _first(several, size, self.groups, results)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Place by place: a row of results for each element that the taps meet."""
        *_, channels, columns = self.w.type.shape
        results = floordiv(columns, self.groups)
        outer = loop_indices(self.type.shape[:-1])
        where, loop = parallel(outer)
        n, *out = (where[i] for i in outer)
        every = fresh_index("z", columns)
        clear = nest([every], at.store((n, *out, every), literal(0, self.dtype)))
        group, taps = fresh_index("g", self.groups), loop_indices(self.taps)
        c, k = fresh_index("c", channels), fresh_index("k", results)
        met = _met(out, taps, self.strides, self.dilations)
        value = fresh_local("value", self.dtype)
        here = add(mul(group, results), k)
        product_ = Read(value) * at.read(1, (*taps, c, here))
        row = nest([k], at.store((n, *out, here), at.load((n, *out, here)) + product_))
        element = Assign(value, at.read(0, (n, *met, add(mul(group, channels), c))))
        return loop([*clear, *nest([group, *taps, c], [element, *row])])

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        x, w = operands
        result = _conv(x, w, self.strides, self.dilations, sizes(self.groups))
        return result.astype(self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """Channels meet those of the kernel, which has the same number of results in each group."""
        (*_, given), (*_, channels, columns) = self.x.type.shape, self.w.type.shape
        needs = [*_fits(self.space, self.taps, self.dilations, f"{self.x.type}, {self.w.type}")]
        if given != mul(self.groups, channels):
            words = (
                f"channels of {self.x.type}, against {self.groups} groups of those of {self.w.type}"
            )
            needs.append(Requirement("equal", given, mul(self.groups, channels), words))
        return (*needs, *_in_groups(columns, self.groups, f"results of the kernel {self.w.type}"))

    @property
    def space(self) -> Shape:
        """The sizes of the axes that taps move along."""
        return self.x.type.shape[1:-1]


class ConvWeights(LoopOp):
    """The gradient of ``Conv`` by its kernel.

    ``y[*t, c, g*K+k] = sum(x[n, *(o*stride + t*dilation), g*C+c] * ct[n, *o, g*K+k])``, over
    examples ``n`` and places ``o``.

    Attributes:
        x: ``[n, *space, G*C]``.
        ct: ``[n, *places, G*K]``.
        strides: how far apart places are, for each axis of space.
        dilations: how far apart taps are.
        groups: ``G``, as in ``Conv``.
        taps: the sizes of the kernel's axes.
    """

    x: Tensor
    ct: Tensor
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: Size
    taps: Shape

    public = "conv_weights"
    dtypes = FLOATS
    multilinear = True
    domain = (Domain(),)
    tolerance = 64.0
    reference = staticmethod(_conv_weights)
    samples = (
        Sample(((2, 7, 6, 3), (2, 5, 5, 4)), ((1, 1), (1, 1), 1, (3, 2))),
        Sample(((2, 8, 9, 2), (2, 3, 3, 3)), ((2, 3), (1, 2), 1, (3, 2))),
        Sample(((1, 6, 5, 6), (1, 4, 2, 9)), ((1, 2), (2, 1), 3, (2, 3))),
        Sample(((3, 11, 2), (3, 2, 5)), ((3,), (2,), 1, (4,))),
        Sample(((1, 4, 5, 3, 2), (1, 3, 2, 3, 4)), ((1, 2, 1), (1, 1, 1), 2, (2, 3, 1))),
        Sample(((0, 5, 2), (0, 3, 2)), ((1,), (1,), 1, (3,))),
        Sample(((2, 5, 4), (2, 3, 4)), ((1,), (1,), 4, (3,))),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; the functions of users are in ``agnesi.nn``."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """``[*taps, C, G*K]``."""
        if self.x.dtype is not self.ct.dtype or not (
            self.x.ndim == self.ct.ndim == len(self.taps) + 2 == len(self.strides) + 2
        ):
            raise CompilerBug(f"ConvWeights: {self.x.type} and {self.ct.type} do not fit")
        channels = floordiv(self.x.type.shape[-1], self.groups)
        return TensorType(self.x.dtype, (*self.taps, channels, self.ct.type.shape[-1]))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Both are what ``Conv`` makes of the cotangent, a kernel."""
        kind = self.strides, self.dilations, self.groups
        return back(self.ct, ct, self.space, *kind), Conv(self.x, ct, *kind)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """More channels, more results of each group, or more groups."""
        x, ct = operands
        kind = self.strides, self.dilations
        if all(batched):
            groups = mul(size, self.groups)
            several = ConvWeights(_last(x, size, 1), _last(ct, size, 1), *kind, groups, self.taps)
            return _first(several, size, 1, ct.type.shape[-1])
        if batched[1]:
            results = floordiv(ct.type.shape[-1], self.groups)
            wide = _last(ct, size, self.groups)
            several = ConvWeights(x, wide, *kind, self.groups, self.taps)
            return _first(several, size, self.groups, results)
        several = ConvWeights(_last(x, size, self.groups), ct, *kind, self.groups, self.taps)
        *taps, channels, columns = several.type.shape
        apart = Reshape(several, (*taps, size, floordiv(channels, size), columns))
        return moveaxis(apart, len(taps), 0)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """A row of the result at a time, in float64."""
        *_, channels, columns = self.type.shape
        results = floordiv(columns, self.groups)
        group, c = fresh_index("g", self.groups), fresh_index("c", channels)
        outer = [*loop_indices(self.taps), c, group]
        where, loop = parallel(outer)
        *taps, channel, own = (where[i] for i in outer)
        total = at.scratch("total", F64, product(self.type.shape))
        first = mul(own, results)

        def place(k: Size) -> Size:
            return ravel((*taps, channel, add(first, k)), self.type.shape)

        inner = loop_indices(self.ct.type.shape[:-1])
        n, *out = inner
        met = _met(out, taps, self.strides, self.dilations)
        value = fresh_local("value", F64)
        a, b, c = (fresh_index("k", results) for _ in range(3))
        clear = nest([a], [Store(total, place(a), literal(0, F64))])
        other = at.read(1, (n, *out, add(first, b))).cast(F64)
        row = nest([b], [Store(total, place(b), Load(total, place(b)) + Read(value) * other)])
        element = at.read(0, (n, *met, add(mul(own, channels), channel)))
        rows = nest(inner, [Assign(value, element.cast(F64)), *row])
        done = Load(total, place(c)).cast(self.dtype)
        keep = nest([c], at.store((*taps, channel, add(first, c)), done))
        return loop([*clear, *rows, *keep])

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        known = tuple(map(sizes, self.taps))
        x, ct = operands
        kind = self.strides, self.dilations, sizes(self.groups)
        return _conv_weights(x, ct, *kind, known).astype(self.dtype.numpy)

    def requirements(self) -> tuple[Requirement, ...]:
        """There is a cotangent for each place, and channels are in groups."""
        shape = self.ct.type.shape
        needs = [
            *_fits(
                self.space,
                self.taps,
                self.dilations,
                f"{self.x.type}, taps {shape_text(self.taps)}",
            )
        ]
        if self.x.type.shape[0] != shape[0]:
            words = f"examples of {self.x.type}, against {self.ct.type}"
            needs.append(Requirement("equal", self.x.type.shape[0], shape[0], words))
        out = map(places, self.space, self.taps, self.strides, self.dilations)
        for own, wanted in zip(shape[1:-1], out, strict=True):
            if own != wanted:
                taps = shape_text(self.taps)
                words = f"places of taps {taps} in {self.x.type}, against {self.ct.type}"
                needs.append(Requirement("equal", wanted, own, words))
        pairs = ((self.x, "channels"), (self.ct, "results"))
        for tensor, what in pairs:
            needs += _in_groups(tensor.type.shape[-1], self.groups, f"{what} of {tensor.type}")
        return tuple(needs)

    @property
    def space(self) -> Shape:
        """The sizes of the axes that taps move along."""
        return self.x.type.shape[1:-1]


def _met(
    out: Sequence[Size], taps: Sequence[Size], strides: Sequence[int], dilations: Sequence[int]
) -> list[Size]:
    """Return the index into space that a tap meets at a place."""
    pairs = zip(out, taps, strides, dilations, strict=True)
    return [add(mul(o, s), mul(t, d)) for o, t, s, d in pairs]


def back(  # noqa: PLR0917 - the fields of the node
    ct: Tensor,
    w: Tensor,
    space: Shape,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    groups: Size,
) -> Tensor:
    """Return the gradient of ``sum(ct * Conv(x, w, strides, dilations, groups))`` by ``x``.

    Args:
        ct: ``[n, *places, G*K]``.
        w: ``[*taps, C, G*K]``.
        space: the sizes of space of ``x``.
        strides: of the convolution.
        dilations: of the convolution.
        groups: of the convolution.
    """
    n, *_, results = ct.type.shape
    reach = [sub(span(t, d), 1) for t, d in zip(w.type.shape[:-2], dilations, strict=True)]
    target = [add(size, more) for size, more in zip(space, reach, strict=True)]
    apart = Place(ct, (0, *reach, 0), (1, *strides, 1), (n, *target, results))
    return Conv(apart, turned(w, groups), (1,) * len(reach), dilations, groups)


def turned(w: Tensor, groups: Size) -> Tensor:
    """Return ``[*taps, K, G*C]`` of ``[*taps, C, G*K]``: taps from the last to the first."""
    *taps, channels, columns = w.type.shape
    axes = tuple(k for k, size in enumerate(taps) if size != 1)
    flipped = Flip(w, axes) if axes else w
    count = len(taps)
    if groups == 1:
        return Transpose(flipped, (*range(count), count + 1, count))
    results = floordiv(columns, groups)
    apart = Reshape(flipped, (*taps, channels, groups, results))
    back = Transpose(apart, (*range(count), count + 2, count + 1, count))
    return Reshape(back, (*taps, results, mul(groups, channels)))


def _last(x: Tensor, size: Size, groups: Size) -> Tensor:
    """Return ``[..., G*size*k]`` of ``[size, ..., G*k]``: the axis in front in each group."""
    *rest, last = x.type.shape[1:]
    apart = Reshape(x, (size, *rest, groups, floordiv(last, groups)))
    return Reshape(moveaxis(apart, 0, -2), (*rest, mul(last, size)))


def _first(x: Tensor, size: Size, groups: Size, each: Size) -> Tensor:
    """Return ``[size, ..., G*k]`` of ``[..., G*size*k]``, where ``k`` is ``each``."""
    *rest, _ = x.type.shape
    apart = moveaxis(Reshape(x, (*rest, groups, size, each)), -2, 0)
    return Reshape(apart, (size, *rest, mul(groups, each)))


def _fits(space: Shape, taps: Shape, dilations: tuple[int, ...], words: str) -> list[Requirement]:
    needs: list[Requirement] = []
    for axis, (own, count, dilation) in enumerate(zip(space, taps, dilations, strict=True)):
        reach = span(count, dilation)
        if not at_least(own, reach):
            place = f"elements under the kernel along axis {axis} of space, of {words}"
            needs.append(Requirement("at_most", reach, own, place))
    return needs


def _in_groups(size: Size, groups: Size, words: str) -> list[Requirement]:
    known = isinstance(size, int) and isinstance(groups, int) and size % groups == 0
    if known or groups == 1 or mul(floordiv(size, groups), groups) == size:
        return []
    return [Requirement("divides", size, groups, f"{words}, in groups")]


OPS: tuple[type[Op], ...] = (Conv, ConvWeights)

"""Convolutions of networks, with channels last: sums over windows of all channels of a group.

``Conv`` and ``ConvWeights`` are closed under differentiation: the gradients of either are
convolutions again, of the cotangent put among zeros (``Place``).  Padding is done before, by
``Place`` too.  Functions with other layouts, paddings and names are in ``agnesi.nn``.
"""

from __future__ import annotations

import itertools
import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import F32, F64, FLOATS
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import Shape, Size, add, divide_exactly, fresh_index, mul, product, sub
from agnesi.dims.simplify import at_least, floordiv
from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType, shape_text
from agnesi.loops.nodes import Assign, Load, Read, Statement, Store, fresh_local, literal
from agnesi.ops.arithmetic import Add
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Sample
from agnesi.ops.joining import Concatenate
from agnesi.ops.linear import MatMul
from agnesi.ops.movement import (
    ExpandDims,
    Flip,
    Reshape,
    Squeeze,
    Transpose,
    broadcast,
    moveaxis,
    ravel,
)
from agnesi.ops.nests import loop_indices, nest, parallel
from agnesi.ops.reductions import Sum
from agnesi.ops.slicing import Place, Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

    def decompose(self) -> Tensor | None:
        """Return a sum over taps of what they meet, where each channel is by itself."""
        small = _by_itself(self, self.taps, *self.w.type.shape[-2:])
        if small is None:
            return None
        kind, out = (self.strides, self.dilations, self.groups), self.type.shape[1:-1]
        channels, results = small
        if results > 1:
            parts = _parts(self.w, self.groups, results)
            return _side_by_side([Conv(self.x, w, *kind) for w in parts])
        if channels > 1:
            pairs = enumerate(_parts(self.x, self.groups, channels))
            return reduce(Add, [Conv(x, _channel(self.w, c), *kind) for c, x in pairs])
        terms: list[Tensor] = []
        for tap in _each(self.taps):
            met = _met_by(self.x, tap, out, self.strides, self.dilations)
            shape = (*(1 for _ in tap), 1, self.groups)
            one = Slice(self.w, (*tap, 0, 0), (1,) * self.w.ndim, shape)
            row = Squeeze(one, tuple(range(len(tap) + 1)))
            terms.append(met * broadcast(row, met.type.shape))
        return reduce(Add, terms)

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

    def decompose(self) -> Tensor | None:
        """Return a sum over examples and places for each tap, where each channel is by itself."""
        small = _by_itself(self, self.taps, *self.type.shape[-2:])
        if small is None:
            return None
        kind, out = (self.strides, self.dilations, self.groups), self.ct.type.shape[1:-1]
        channels, results = small
        if results > 1:
            parts = _parts(self.ct, self.groups, results)
            return _side_by_side([ConvWeights(self.x, ct, *kind, self.taps) for ct in parts])
        if channels > 1:
            parts = _parts(self.x, self.groups, channels)
            each = tuple(ConvWeights(x, self.ct, *kind, self.taps) for x in parts)
            return Concatenate(each, self.ndim - 2)
        rows: list[Tensor] = []
        for tap in _each(self.taps):
            products = _met_by(self.x, tap, out, self.strides, self.dilations) * self.ct
            rows.append(ExpandDims(Sum(products, tuple(range(products.ndim - 1))), (0,)))
        return Reshape(Concatenate(tuple(rows), 0), self.type.shape)

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
    *taps, channels, _ = w.type.shape
    ones = (1,) * len(strides)
    if _single(taps):
        # What lies between places gets nothing, which need not be multiplied.
        each = convolve(ct, turned(w, groups), ones, ones, groups)
        target = (n, *space, mul(groups, channels))
        return Place(each, (0,) * ct.ndim, (1, *strides, 1), target)
    reach = [sub(span(t, d), 1) for t, d in zip(taps, dilations, strict=True)]
    padded = [add(size, more) for size, more in zip(space, reach, strict=True)]
    apart = Place(ct, (0, *reach, 0), (1, *strides, 1), (n, *padded, results))
    return convolve(apart, turned(w, groups), ones, dilations, groups)


def convolve(
    x: Tensor,
    w: Tensor,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    groups: Size,
) -> Tensor:
    """Return ``Conv`` of these fields, or the product that it is, whose gradients are products."""
    node = Conv(x, w, strides, dilations, groups)
    product_ = None if node.requirements() else conv_as_product(node)
    return node if product_ is None else product_


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


def conv_as_product(node: Conv) -> Tensor | None:
    """Return a convolution as a product of matrices, where there is one tap or one place."""
    *taps, channels, columns = node.w.type.shape
    if node.groups != 1:
        return None
    if _single(taps):
        if _passes_by(node, channels, columns):
            return None
        rows = _rows(_at_places(node.x, node.type.shape[1:-1], node.strides))
    elif _whole(node, node.type.shape[1:-1]):
        rows = Reshape(node.x, (node.x.type.shape[0], product(node.x.type.shape[1:])))
    else:
        return None
    w = Reshape(node.w, (mul(product(taps), channels), columns))
    return Reshape(MatMul(rows, w), node.type.shape)


def weights_as_product(node: ConvWeights) -> Tensor | None:
    """Return the gradient by a kernel as a product, where there is one tap or one place."""
    out = node.ct.type.shape[1:-1]
    if node.groups != 1:
        return None
    if _single(node.taps):
        rows = _rows(_at_places(node.x, out, node.strides))
    elif _whole(node, out):
        rows = Reshape(node.x, (node.x.type.shape[0], product(node.x.type.shape[1:])))
    else:
        return None
    return Reshape(MatMul(Transpose(rows, (1, 0)), _rows(node.ct)), node.type.shape)


# Taps that are written out where each channel is by itself; products for each tap that are.
_MOST_TAPS, _MOST_PRODUCTS = 64, 4


def _by_itself(
    node: Conv | ConvWeights, taps: Shape, channels: Size, columns: Size
) -> tuple[int, int] | None:
    """Return the channels and the results of a group where they are few, else None."""
    known = all(isinstance(count, int) for count in taps)
    if not known or node.groups == 1 or node.requirements():
        return None
    results, rest = divide_exactly(columns, node.groups)
    if rest != 0 or not isinstance(results, int) or not isinstance(channels, int):
        return None
    few = 0 < results * channels <= _MOST_PRODUCTS
    return (channels, results) if few and product(taps) in range(1, _MOST_TAPS + 1) else None


def _channel(w: Tensor, channel: int) -> Tensor:
    """Return the kernel of one channel of each group."""
    shape = (*w.type.shape[:-2], 1, w.type.shape[-1])
    return Slice(w, (*(0 for _ in w.type.shape[:-2]), channel, 0), (1,) * w.ndim, shape)


def _each(taps: Shape) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, map(_known, taps)))


def _parts(x: Tensor, groups: Size, several: int) -> list[Tensor]:
    """Return ``[..., G]`` for each of the results of ``[..., G*several]``."""
    *rest, _ = x.type.shape
    apart = Reshape(x, (*rest, groups, several))
    steps, shape = (1,) * apart.ndim, (*rest, groups, 1)
    cuts = [Slice(apart, (*(0 for _ in rest), 0, k), steps, shape) for k in range(several)]
    return [Squeeze(cut, (apart.ndim - 1,)) for cut in cuts]


def _side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Return ``[..., G*several]`` of several ``[..., G]``: the results of each channel together."""
    *rest, groups = parts[0].type.shape
    together = Concatenate(tuple(ExpandDims(p, (p.ndim,)) for p in parts), len(rest) + 1)
    return Reshape(together, (*rest, mul(groups, len(parts))))


def _met_by(
    x: Tensor,
    tap: Sequence[int],
    out: Shape,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> Tensor:
    """Return the elements that a tap meets, one for each place."""
    n, *_, channels = x.type.shape
    starts = [t * d for t, d in zip(tap, dilations, strict=True)]
    return Slice(x, (0, *starts, 0), (1, *strides, 1), (n, *out, channels))


# Products of as many steps as these are a library's; of a kernel of at most so many bytes it is
# slower than blocks of a convolution, by 1.1 to 1.5 (2 cores, 2026-11-29).
_STEPS, _KERNEL = 1 << 29, 1 << 18


def _passes_by(node: Conv, channels: Size, columns: Size) -> bool:
    """Whether a kernel of one tap is small, and much passes by it."""
    steps, kernel = mul(product(node.type.shape), channels), mul(channels, columns)
    if not isinstance(steps, int) or not isinstance(kernel, int):
        return False
    return node.dtype is F32 and steps >= _STEPS and kernel * node.dtype.bytes <= _KERNEL


def _single(taps: Sequence[Size]) -> bool:
    return all(count == 1 for count in taps)


def _whole(node: Conv | ConvWeights, out: Sequence[Size]) -> bool:
    """Whether the kernel lies on all of the elements at its only place."""
    pairs = zip(node.taps, node.dilations, strict=True)
    dense = all(count == 1 or dilation == 1 for count, dilation in pairs)
    return dense and _single(out) and node.taps == node.space


def _at_places(x: Tensor, out: Shape, strides: tuple[int, ...]) -> Tensor:
    """Return the elements that a kernel of one tap meets."""
    if all(stride == 1 for stride in strides):
        return x
    n, *_, channels = x.type.shape
    return Slice(x, (0,) * x.ndim, (1, *strides, 1), (n, *out, channels))


def _rows(x: Tensor) -> Tensor:
    return Reshape(x, (product(x.type.shape[:-1]), x.type.shape[-1]))


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
        # A single tap fits as often as there are elements, also none.
        if reach != 1 and not at_least(own, reach):
            place = (
                f"the kernel reaches over {{a}} elements of axis {axis} of space, "
                f"which has {{b}} with its padding: {words}"
            )
            needs.append(Requirement("at_most", reach, own, place))
    return needs


def _in_groups(size: Size, groups: Size, words: str) -> list[Requirement]:
    known = isinstance(size, int) and isinstance(groups, int) and size % groups == 0
    if known or groups == 1 or mul(floordiv(size, groups), groups) == size:
        return []
    return [Requirement("divides", size, groups, f"{words}, in groups")]


OPS: tuple[type[Op], ...] = (Conv, ConvWeights)

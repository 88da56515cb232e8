"""An axis with another number of elements: the nearest one, or between the two nearest."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from agnesi.core.dtypes import FLOATS
from agnesi.dims.dim import add, mul, sub
from agnesi.dims.simplify import at_least, floordiv, maximum, minimum, mod
from agnesi.graph.tensor import Requirement
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import index_scalar, literal
from agnesi.ops.families import LoopOp, Op, Sample, keep
from agnesi.ops.nests import loop_indices, nest, parallel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Array, Reader, Sizes, Tensor
    from agnesi.loops.nodes import Scalar, Statement
    from agnesi.ops.families import LeadingRule, Memory

# Which element of ``n`` the element ``i`` of ``m`` is:
#   nearest   floor(i * n / m), as PyTorch's "nearest" and Theano's and Lasagne's repetition
#   linear    between two, elements being cells of equal width: (i + 1/2) * n / m - 1/2
#   corners   between two, the first and the last ones lying on each other: i * (n - 1) / (m - 1)
Rule: TypeAlias = Literal["nearest", "linear", "corners"]

_LEADING: Mapping[str, LeadingRule] = MappingProxyType({"extent": keep})


def _source(rule: Rule, i: Size, n: Size, m: Size) -> tuple[Size, Size, Size]:
    """Return the element before, how many parts of the way to the next one, and of how many."""
    if rule == "nearest":
        return floordiv(mul(i, n), m), 0, 1
    if rule == "corners":
        way, parts = mul(i, sub(n, 1)), maximum(1, sub(m, 1))
    else:
        way, parts = maximum(0, sub(mul(add(mul(2, i), 1), n), m)), mul(2, m)
    return floordiv(way, parts), mod(way, parts), parts


def _matrix(rule: Rule, n: int, m: int) -> Array:
    """Return what each element of the result takes of each element: ``[m, n]``."""
    result = np.zeros((m, n))
    for i in range(m):
        before, rest, parts = (int(str(s)) for s in _source(rule, i, n, m))
        result[i, min(before, n - 1)] += 1 - rest / parts
        result[i, min(before + 1, n - 1)] += rest / parts
    return result


def _resample(x: Array, axis: int, extent: int, rule: Rule) -> Array:
    matrix = _matrix(rule, x.shape[axis], extent)
    wide = np.moveaxis(x.astype(np.float64), axis, -1) @ matrix.T
    return np.moveaxis(wide, -1, axis).astype(x.dtype)


def _resample_back(ct: Array, axis: int, extent: int, rule: Rule) -> Array:
    matrix = _matrix(rule, extent, ct.shape[axis])
    wide = np.moveaxis(ct.astype(np.float64), axis, -1) @ matrix
    return np.moveaxis(wide, -1, axis).astype(ct.dtype)


class Resampling(Op):
    """What resampling and its transpose share.

    Attributes:
        axis: which changes its size.
        extent: its new size.
        rule: what is taken.
    """

    x: Tensor
    axis: int
    extent: Size
    rule: Rule

    dtypes = FLOATS
    linear = True
    tolerance = 64.0
    leading = _LEADING

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; ``agnesi.nn.resampling`` has the public functions."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """The axis gets another size."""
        return TensorType(self.x.dtype, _resized(self.x.type.shape, self.axis, self.extent))

    def weights(self, rest: Size, parts: Size) -> tuple[Scalar, Scalar]:
        """Return the shares of the element before and of the next."""
        share = index_scalar(rest).cast(self.dtype) / index_scalar(parts).cast(self.dtype)
        return literal(1, self.dtype) - share, share

    def requirements(self) -> tuple[Requirement, ...]:
        """An element to take, where any are asked for."""
        own = self.x.type.shape[self.axis]
        if at_least(own, 1):
            return ()
        words = f"elements to resample axis {self.axis} of {self.x.type}"
        return (Requirement("at_most", minimum(1, self.extent), own, words),)


class Resample(Resampling):
    """Each element is the nearest one, or lies on the line between the two nearest."""

    public = "resample"
    reference = staticmethod(_resample)
    samples = (
        Sample(((4,),), (0, 8, "nearest")),
        Sample(((2, 5),), (1, 3, "nearest")),
        Sample(((2, 4),), (1, 8, "linear")),
        Sample(((5, 3),), (0, 4, "linear")),
        Sample(((2, 4, 2),), (1, 7, "corners")),
        Sample(((3, 2),), (0, 1, "corners")),
        Sample(((1, 2),), (0, 3, "linear")),
    )

    @property
    def rereads(self) -> bool:
        """Elements are read several times."""
        return True

    def element(self, index: Shape, read: Reader) -> Scalar:
        """One or two elements."""
        n = self.x.type.shape[self.axis]
        before, rest, parts = _source(self.rule, index[self.axis], n, self.extent)
        low = read(0, _resized(index, self.axis, minimum(sub(n, 1), before)))
        if self.rule == "nearest":
            return low
        high = read(0, _resized(index, self.axis, minimum(sub(n, 1), add(before, 1))))
        share, other = self.weights(rest, parts)
        return low * share + high * other

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Give each element back what was taken of it."""
        return (ResampleBack(ct, self.axis, self.x.type.shape[self.axis], self.rule),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """As a product with a matrix."""
        return _resample(operands[0], self.axis, sizes(self.extent), self.rule)


class ResampleBack(Resampling, LoopOp):
    """Sums of what was taken of each element: ``Resample`` transposed."""

    public = "resample_back"
    streams = (0,)
    reference = staticmethod(_resample_back)
    samples = (
        Sample(((8,),), (0, 4, "nearest")),
        Sample(((2, 3),), (1, 5, "nearest")),
        Sample(((2, 8),), (1, 4, "linear")),
        Sample(((4, 3),), (0, 5, "linear")),
        Sample(((2, 7, 2),), (1, 4, "corners")),
        Sample(((1, 2),), (0, 3, "corners")),
    )

    def loops(self, at: Memory) -> Sequence[Statement]:
        """One pass over what comes; what stands before the axis is independent."""
        shape = self.x.type.shape
        *outer, here = loop_indices(shape[: self.axis + 1])
        where, loop = parallel(outer)
        front = tuple(where.get(i, i) for i in outer)
        zeros = loop_indices((self.extent, *shape[self.axis + 1 :]))
        clear = nest(zeros, at.store((*front, *zeros), literal(0, self.dtype)))
        before, rest, parts = _source(self.rule, here, self.extent, shape[self.axis])
        shares = dict(zip((before, add(before, 1)), self.weights(rest, parts), strict=True))
        if self.rule == "nearest":
            shares = {before: literal(1, self.dtype)}
        body: list[Statement] = []
        for element, share in shares.items():
            inner = loop_indices(shape[self.axis + 1 :])
            place = (*front, minimum(sub(self.extent, 1), element), *inner)
            value = at.read(0, (*front, here, *inner))
            body += nest(inner, at.store(place, at.load(place) + value * share))
        return loop((*clear, *nest([here], body)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Take as before."""
        return (Resample(ct, self.axis, self.x.type.shape[self.axis], self.rule),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """As a product with a matrix."""
        return _resample_back(operands[0], self.axis, sizes(self.extent), self.rule)


def _resized(shape: Shape, axis: int, extent: Size) -> Shape:
    return (*shape[:axis], extent, *shape[axis + 1 :])


OPS: tuple[type[Op], ...] = (Resample, ResampleBack)

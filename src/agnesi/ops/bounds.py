"""Integers that a call has to find within bounds, before anything is read or written at them.

What a call has to look at is one number: the index that lies farthest out.  As unsigned numbers
negative ones are beyond any size, so that the greatest of all is it, and one reduction finds it.
Indices that are seen to be good, such as ``arange`` and ``argmax``, need no check; those of a
constant array are compared with the size when the call begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import I64, INTEGERS, U64, DType
from agnesi.core.errors import GraphIndexError, GraphTypeError
from agnesi.dims.dim import Size, add, mul, sub
from agnesi.dims.simplify import at_least, is_nonnegative, maximum, minimum
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import Constant, constant
from agnesi.graph.tensor import Array, Requirement, Sizes, SizeValue, Tensor, scalar_of
from agnesi.ops.arithmetic import Add, Multiply
from agnesi.ops.choice import where
from agnesi.ops.families import Domain, Elementwise, Op, Reject, Sample
from agnesi.ops.movement import BroadcastTo
from agnesi.ops.reductions import Top

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.types import TensorType
    from agnesi.loops.nodes import Scalar


def _same(x: Array, limit: int) -> Array:
    return x.astype(np.int64)


class Checked(Elementwise):
    """Integers of which a call has found something to be true; to kernels they are themselves."""

    x: Tensor

    reference = staticmethod(_same)
    dtypes = INTEGERS
    domain = (Domain(0, 4),)
    samples = (Sample(((5,),), (5,)), Sample(((),), (5,)), Sample(((2, 0),), (5,)))
    differentiable = False
    rebuilds_sizes = True

    @classmethod
    def all_rejects(cls) -> tuple[Reject, ...]:
        """What is not an integer."""
        return (Reject(("f32[2]",), "not defined for f32", (5,)),)

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def result_dtype(self, operand: DType) -> DType:
        """The operand's."""
        return operand

    def scalar(self, *operands: Scalar) -> Scalar:
        """The integer itself."""
        return operands[0]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The integers themselves."""
        return operands[0]


class WithinBounds(Checked):
    """Integers that a call has found to lie between 0 and a limit.

    Attributes:
        ends: those that lie farthest out.
        limit: all are less.
        words: what they are.
        wraps: whether they may have counted from the end before.
    """

    ends: tuple[Size, ...]
    limit: Size
    words: str
    wraps: bool

    public = "within_bounds"

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The farthest of all examples is checked."""
        (x,) = operands
        return self.replace(x=x, ends=(_farthest(x),) if self.ends else ())

    def index_limit(self) -> Size | None:
        """What they are less than."""
        return self.limit

    def requirements(self) -> tuple[Requirement, ...]:
        """The ends lie within the limit, if there are any integers."""
        count = self.x.type.size
        limit = maximum(self.limit, sub(1, minimum(1, count)))
        return tuple(
            Requirement("index", end, limit, self.words, wrapped=self.wraps) for end in self.ends
        )


def within_bounds(
    x: Tensor, limit: Size, words: str = "integers", *, wraps: bool = False
) -> Tensor:
    """Return integers, as i64, that each call checks to lie in ``0 <= x < limit``.

    Args:
        x: integers.
        limit: what they are less than.
        words: what they are, for the error.
        wraps: accept those of ``-limit`` to -1 and add the limit to them.

    Raises:
        GraphTypeError: they are no integers, or a constant one is known to be out of bounds.
    """
    if not x.dtype.is_integer:
        raise GraphTypeError(f"within_bounds: is not defined for {x.dtype}")
    if isinstance(x, Constant):
        return _constant_within(x, limit, words, wraps)
    index, most = x.astype(I64), limit_of(x)
    if most is not None and at_least(limit, most):
        return index
    if wraps and most is None:
        index = where(index < 0, index + scalar_of(limit), index)
    return WithinBounds(index, (_farthest(index),), limit, words, wraps)


def _farthest(index: Tensor) -> Size:
    """Return the integer that lies farthest out, if any lies out; negative ones are far beyond."""
    if not index.ndim:
        return size_of(index)
    return size_of(Top(index.astype(U64), tuple(range(index.ndim))).astype(I64))


def _constant_within(x: Constant, limit: Size, words: str, wraps: bool) -> Tensor:
    """Return constant indices: they wrap now, and their ends are known."""
    value = x.value.astype(np.int64)
    if not value.size:
        return constant(value)
    low, high = int(value.min()), int(value.max())
    if isinstance(limit, int):
        for end in (low, high):
            if not (-limit if wraps else 0) <= end < limit:
                raise GraphIndexError(f"index {end} is out of bounds for size {limit}: {words}")
        return constant(np.where(value < 0, value + limit, value))
    index: Tensor = constant(value)
    ends: list[Size] = []
    if low < 0:
        ends.append(add(limit, low) if wraps else low)
        index = where(index < 0, index + scalar_of(limit), index)
    if high >= 0:
        ends.append(high)
    return WithinBounds(index, tuple(ends), limit, words, wraps)


def known_within(x: Tensor, limit: Size) -> Tensor:
    """Return integers that are known to lie in ``0 <= x < limit``, with that written to them."""
    return WithinBounds(x, (), limit, "integers", False)


def inside_if_any(x: Tensor, limit: Size, words: str) -> Tensor:
    """Return integers that lie in ``0 <= x < limit`` unless that is 0, which a call checks."""
    return WithinBounds(x, () if at_least(limit, 1) else (0,), limit, words, False)


def limit_of(x: Tensor) -> Size | None:
    """Return a number that all elements are seen to be less than and not negative, if there is."""
    match x:
        case Constant():
            value = x.value
            seen = x.dtype.is_integer and value.size and value.min() >= 0
            return int(value.max()) + 1 if seen else None
        case SizeValue(extent):
            return add(extent, 1) if is_nonnegative(extent) else None
        case Add(a, b) | Multiply(a, b) if x.dtype is I64:
            first, number = limit_of(a), _number(b)
            if first is None or number is None or not is_nonnegative(number):
                return None
            return add(first, number) if isinstance(x, Add) else add(mul(sub(first, 1), number), 1)
        case Op():
            return x.index_limit()
        case _:
            return None


def _number(x: Tensor) -> Size | None:
    """Return the number or size that a tensor is everywhere."""
    while isinstance(x, BroadcastTo):
        x = x.x
    match x:
        case Constant() if not x.ndim:
            return int(x.value)
        case SizeValue(extent):
            return extent
        case _:
            return None


class Agreeing(Checked):
    """Integers of which a call has found that sizes or numbers, in pairs, are equal.

    Attributes:
        first: numbers.
        second: what each of them is equal to.
        limit: the integers are less, and not negative.
        words: what has to be equal.
    """

    first: tuple[Size, ...]
    second: tuple[Size, ...]
    limit: Size
    words: str

    public = "agreeing"
    folds = False

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Of numbers that are equal."""
        x, limit = operands
        return cls(x, (limit,), (limit,), limit, "equal")

    def infer(self) -> TensorType:
        """The operand's type."""
        if not self.x.dtype.is_integer:
            raise GraphTypeError(f"agreeing: is not defined for {self.x.dtype}")
        return self.x.type

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """What has to be equal is the same for all examples."""
        (x,) = operands
        return self.replace(x=x)

    def index_limit(self) -> Size | None:
        """What they are less than."""
        return self.limit

    def requirements(self) -> tuple[Requirement, ...]:
        """What has to be equal."""
        pairs = zip(self.first, self.second, strict=True)
        return tuple(Requirement("equal", a, b, self.words) for a, b in pairs)


def agreeing(x: Tensor, limit: Size, pairs: Sequence[tuple[Size, Size]], words: str) -> Tensor:
    """Return integers ``0 <= x < limit``, for which a call checks that pairs of sizes are equal.

    Args:
        x: integers.
        limit: what they are less than, if the sizes are equal.
        pairs: of sizes.
        words: what they are, for the error.

    Raises:
        GraphTypeError: two are known to differ.
    """
    if any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs):
        raise GraphTypeError(f"sizes {[f'{a}, {b}' for a, b in pairs]} differ: {words}")
    unknown = [(a, b) for a, b in pairs if a != b]
    if not unknown:
        return known_within(x, limit)
    first, second = zip(*unknown, strict=True)
    return Agreeing(x, first, second, limit, words)


OPS: tuple[type[Op], ...] = (WithinBounds, Agreeing)

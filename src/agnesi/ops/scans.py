"""Running sums, products and extremes along an axis, and the linear recurrence behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agnesi.core.dtypes import COMPLEX, F32, F64, FLOATS, I64, INEXACT, U64, DType, floating
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Index, Shape, add, fresh_index, mul, product, sub
from agnesi.dims.simplify import ceildiv, floordiv, minimum, mod
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    For,
    Guard,
    Load,
    ParallelFor,
    Read,
    Scalar,
    Statement,
    Store,
    apply,
    fresh_local,
    index_scalar,
    literal,
    select,
)
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import NUMBERS
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import complex as complex_
from agnesi.ops.complex_parts import imag, real
from agnesi.ops.creation import Arange, full
from agnesi.ops.elementary import exp
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Reject, Sample, same_shapes
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import as_axis, as_tensor, operand_lines
from agnesi.ops.movement import flip, ravel, unravel
from agnesi.ops.nests import loop_indices, nest, parallel
from agnesi.ops.slicing import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor, TensorLike
    from agnesi.graph.types import TensorType

# Rows that are scanned at once; what long rows are cut into; columns that are.
_TOGETHER, _CHUNK, _COLUMNS = 4, 4096, 4096

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "logcumsumexp",
]


class Cumulative(LoopOp):
    """Elements combined with all before them along an axis."""

    x: Tensor
    axis: int

    streams = (0,)
    dtypes = NUMBERS
    combine: ClassVar[Prim]
    samples = (
        Sample(((5,),)),
        Sample(((2, 3),), (0,)),
        Sample(((2, 3),), (-1,)),
        Sample(((3, 0, 2),), (1,)),
        Sample(((2, 4, 3),), (1,)),
        Sample(((1,),)),
    )
    rejects = (
        Reject(("f32[]",), "no axis", (0,)),
        Reject(("f32[2]",), "no axis 1", (1,)),
    )

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """One pass: variables along the last axis, the row before along another."""
        if self.axis < self.ndim - 1 or self.dtype.is_complex:
            return self._down_columns(at)
        count, n = product(self.type.shape[:-1]), self.type.shape[-1]
        short = isinstance(n, int) and n < _TOGETHER * _CHUNK
        # What is added up in chunks is not to overflow where the whole does not.
        safe = self._kind is not self.dtype or not self.dtype.is_inexact
        if isinstance(count, int) and count < _TOGETHER and not short and safe:
            return self._in_chunks(at, count)
        return self._along_rows(at)

    @property
    def _kind(self) -> DType:
        """The dtype that elements are combined in."""
        return F64 if self.dtype is F32 and self.combine is Prim.ADD else self.dtype

    def _unit(self) -> Scalar:
        """Return what changes nothing."""
        if self.combine in (Prim.MAX, Prim.MIN):
            return extreme(self._kind, lowest=self.combine is Prim.MAX)
        return literal(1 if self.combine is Prim.MUL else 0, self._kind)

    def _along_rows(self, at: Memory) -> Sequence[Statement]:
        """Several rows at once: an addition waits for the one before."""
        shape = self.type.shape
        count, unit = product(shape[:-1]), self._unit()

        def rows(first: Size, several: int) -> list[Statement]:
            index = fresh_index("j", shape[-1])
            places = [(*unravel(add(first, k), shape[:-1]), index) for k in range(several)]
            return self._scan(at, [(unit, place) for place in places], index)

        result: list[Statement] = []
        group = fresh_index("i", floordiv(count, _TOGETHER))
        if group.extent != 0:
            result.append(ParallelFor(group, tuple(rows(mul(group, _TOGETHER), _TOGETHER))))
        rest = mod(count, _TOGETHER)
        if rest == 1:
            result += rows(add(count, -1), 1)
        elif rest != 0:
            row = fresh_index("i", rest)
            result.append(For(row, tuple(rows(add(mul(group.extent, _TOGETHER), row), 1))))
        return result

    def _scan(
        self, at: Memory, lines: Sequence[tuple[Scalar, Shape]], index: Index
    ) -> list[Statement]:
        """Return the loop that combines along several lines, from a first value of each on."""
        totals = [fresh_local("total", self._kind) for _ in lines]
        body: list[Statement] = []
        for total, (_, place) in zip(totals, lines, strict=True):
            body.append(Accumulate(total, self.combine, at.read(0, place).cast(self._kind)))
            body += at.store(place, Read(total).cast(self.dtype))
        begin = [Assign(total, start) for total, (start, _) in zip(totals, lines, strict=True)]
        return [*begin, For(index, tuple(body))]

    def _in_chunks(self, at: Memory, count: int) -> Sequence[Statement]:
        """A few long rows: what chunks come to, what comes before each, and several at once."""
        shape = self.type.shape
        n, kind = shape[-1], self._kind
        full = floordiv(n, _CHUNK)
        width = add(full, 1)
        before = at.scratch("before", kind, mul(count, width))

        def place(row: Size, chunk: Size, index: Index) -> Shape:
            return (*unravel(row, shape[:-1]), add(mul(chunk, _CHUNK), index))

        row, chunk = fresh_index("i", count), fresh_index("c", full)
        where, loop = parallel([row, chunk])
        inside, whole = fresh_index("j", _CHUNK), fresh_local("whole", kind)
        here = where[row], where[chunk]
        value = at.read(0, place(*here, inside)).cast(kind)
        sums = loop(
            [
                Assign(whole, self._unit()),
                For(inside, (Accumulate(whole, self.combine, value),)),
                Store(before, add(mul(here[0], width), here[1]), Read(whole)),
            ]
        )
        line, step = fresh_index("i", count), fresh_index("c", full)
        so_far, own = fresh_local("so_far", kind), fresh_local("own", kind)
        slot = add(mul(line, width), step)
        one = (
            Assign(own, Load(before, slot)),
            Store(before, slot, Read(so_far)),
            Accumulate(so_far, self.combine, Read(own)),
        )
        last = Store(before, add(mul(line, width), full), Read(so_far))
        prefix = For(line, (Assign(so_far, self._unit()), For(step, one), last))

        def scan(row: Size, chunks: Sequence[Size], size: Size) -> list[Statement]:
            index = fresh_index("j", size)
            starts = [Load(before, add(mul(row, width), c)) for c in chunks]
            places = [place(row, c, index) for c in chunks]
            return self._scan(at, list(zip(starts, places, strict=True)), index)

        again, group = fresh_index("i", count), fresh_index("g", floordiv(full, _TOGETHER))
        where, loop = parallel([again, group])
        first = mul(where[group], _TOGETHER)
        chunks = [add(first, k) for k in range(_TOGETHER)]
        several = loop(scan(where[again], chunks, _CHUNK))
        done = mul(group.extent, _TOGETHER)
        other, rest = fresh_index("i", count), fresh_index("c", sub(ceildiv(n, _CHUNK), done))
        left = add(done, rest)
        size = minimum(_CHUNK, sub(n, mul(left, _CHUNK)))
        return [*sums, prefix, *several, *nest([other, rest], scan(other, [left], size))]

    def _down_columns(self, at: Memory) -> Sequence[Statement]:
        """Row by row, a block of columns after the other."""
        shape, axis = self.type.shape, self.axis
        outer, here = loop_indices(shape[:axis]), fresh_index("r", shape[axis])
        width = product(shape[axis + 1 :])
        tile = fresh_index("t", ceildiv(width, _COLUMNS))
        where, loop = parallel([*outer, *([] if tile.extent == 1 else [tile])])
        start = 0 if tile.extent == 1 else mul(where[tile], _COLUMNS)
        column = fresh_index("j", minimum(_COLUMNS, sub(width, start)))
        ahead = tuple(where[i] for i in outer)
        beside = unravel(add(start, column), shape[axis + 1 :])
        place, before = (*ahead, here, *beside), (*ahead, add(here, -1), *beside)
        value = at.read(0, place)
        first = index_scalar(here).equals(0)
        so_far = Guard(first, value, apply(self.combine, at.load(before), value))
        return loop(nest([here, column], at.store(place, so_far)))

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        with np.errstate(all="ignore"):
            return type(self).reference(operands[0], axis=self.axis).astype(self.dtype.numpy)


def extreme(dtype: DType, *, lowest: bool) -> Scalar:
    """Return the lowest, or highest, number of a dtype."""
    if dtype.is_float:
        return literal(-np.inf if lowest else np.inf, dtype)
    limits = np.iinfo(dtype.numpy)
    return literal(int(limits.min if lowest else limits.max), dtype)


class Cumsum(Cumulative):
    """Sums of the elements up to each along an axis."""

    public = "cumsum"
    combine = Prim.ADD
    reference = staticmethod(np.cumsum)
    tolerance = 32.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Sums from each element on."""
        return (backwards(lambda t: Cumsum(t, self.axis), self.axis, ct),)


class Cumprod(Cumulative):
    """Products of the elements up to each along an axis."""

    public = "cumprod"
    dtypes = (*NUMBERS, *COMPLEX)
    combine = Prim.MUL
    reference = staticmethod(np.cumprod)
    tolerance = 16.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``prod(x[:i]) * (ct[i] + x[i+1] * (ct[i+1] + ...))``, which 0 does no harm to."""
        after = recurrence_after(self.x, ct, self.axis)
        return (shift(self, self.axis, 1) * after,)


class Running(Cumulative):
    """What running extremes share."""

    def better(self, x: Tensor, y: Tensor) -> Tensor:
        """Return whether ``x`` takes the place of ``y``."""
        raise NotImplementedError

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Each element gets what came while it was the extreme; the first of equals is."""
        before = shift(self, self.axis, 0)
        rank = along(self.x, self.axis)
        leads = (rank == 0) | self.better(self.x, before) | (self.x != self.x)
        stays = (~leads).astype(self.dtype)
        return (leads.astype(self.dtype) * recurrence_after(stays, ct, self.axis),)


def _cummax(x: Array, axis: int = 0) -> Array:
    return np.maximum.accumulate(x, axis)


def _cummin(x: Array, axis: int = 0) -> Array:
    return np.minimum.accumulate(x, axis)


class Cummax(Running):
    """Largest of the elements up to each along an axis; NaN stays."""

    public = "cummax"
    combine = Prim.MAX
    reference = staticmethod(_cummax)

    def better(self, x: Tensor, y: Tensor) -> Tensor:
        """Whether ``x`` takes the place of ``y``."""
        return x > y


class Cummin(Running):
    """Smallest of the elements up to each along an axis; NaN stays."""

    public = "cummin"
    combine = Prim.MIN
    reference = staticmethod(_cummin)

    def better(self, x: Tensor, y: Tensor) -> Tensor:
        """Whether ``x`` takes the place of ``y``."""
        return x < y


def _recurrence(a: Array, b: Array, axis: int = -1) -> Array:
    result = np.zeros_like(b)
    rows, steps, news = (np.moveaxis(t, axis, 0) for t in (a, b, result))
    state = np.zeros_like(steps[0]) if len(steps) else None
    for k in range(len(steps)):
        state = steps[k] + rows[k] * state
        news[k] = state
    return result


class Recurrence(LoopOp):
    """``s[i] = b[i] + a[i] * s[i-1]`` along an axis, from 0 on."""

    a: Tensor
    b: Tensor
    axis: int

    public = "recurrence"
    streams = (0, 1)
    dtypes = INEXACT
    reference = staticmethod(_recurrence)
    tolerance = 64.0
    samples = (
        Sample(((5,), (5,)), (0,)),
        Sample(((2, 3), (2, 3)), (0,)),
        Sample(((2, 3), (2, 3)), (1,)),
        Sample(((2, 0), (2, 0)), (1,)),
    )

    def infer(self) -> TensorType:
        """The type of ``b``."""
        return self.b.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """One pass."""
        indices = loop_indices(self.type.shape)
        here = indices[self.axis]
        a, b = at.read(0, tuple(indices)), at.read(1, tuple(indices))
        before = tuple(add(i, -1) if i is here else i for i in indices)
        first = index_scalar(here).equals(0)
        sofar = Guard(first, b, b + a * at.load(before))
        return nest(indices, at.store(tuple(indices), sofar))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """A recurrence that runs backwards."""
        after = recurrence_after(self.a, ct, self.axis)
        return after * shift(self, self.axis, 0), after

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Step by step."""
        with np.errstate(all="ignore"):
            return _recurrence(operands[0], operands[1], self.axis)

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes that are not seen to be equal have to be."""
        return same_shapes(self.operands, self.type.shape)


def recurrence(a: Tensor, b: Tensor, axis: int) -> Tensor:
    """Return ``s`` with ``s[i] = b[i] + a[i] * s[i-1]`` along an axis, from 0 on."""
    return Recurrence(a, b, axis)


def recurrence_after(a: Tensor, b: Tensor, axis: int) -> Tensor:
    """Return ``s`` with ``s[i] = b[i] + a[i+1] * s[i+1]`` along an axis, from the end on."""
    flipped = shift(flip_axis(a, axis), axis, 0)
    return flip_axis(Recurrence(flipped, flip_axis(b, axis), axis), axis)


def backwards(function: Callable[[Tensor], Tensor], axis: int, x: Tensor) -> Tensor:
    """Apply a function along an axis from the end on."""
    return flip_axis(function(flip_axis(x, axis)), axis)


def flip_axis(x: Tensor, axis: int) -> Tensor:
    """Return ``x`` with an axis reversed."""
    return flip(x, axis)


def along(x: Tensor, axis: int) -> Tensor:
    """Return the index along an axis at each element."""
    return Arange(x.type.shape, axis)


def shift(x: Tensor, axis: int, fill: int) -> Tensor:
    """Return elements moved one on along an axis; the first is a number."""
    ones = (1,) * x.ndim
    starts = tuple(int(k == axis) for k in range(x.ndim))
    kept = x[(*(slice(None),) * axis, slice(0, -1))]
    placed = Place(kept, starts, ones, x.type.shape)
    return where(along(x, axis) == 0, fill, placed) if fill else placed


def _logcumsumexp(x: Array, axis: int | None = None) -> Array:
    return np.logaddexp.accumulate(x if axis is not None else np.ravel(x), axis or 0)


class LogCumSumExp(LoopOp):
    """``log(cumsum(exp(x)))`` along an axis, without overflow.

    It keeps the largest element so far and the sum of ``exp`` of the others less that one, so that
    errors do not grow from step to step as those of repeated ``logaddexp`` do.
    """

    x: Tensor
    axis: int

    public = "logcumsumexp"
    streams = (0,)
    dtypes = FLOATS
    domain = (Domain(-30, 30, special=(-np.inf,)),)
    reference = staticmethod(_logcumsumexp)
    tolerance = 16.0
    samples = (*Cumulative.samples, Sample(((2, 3),)))
    rejects = (Reject(("f32[2]",), "no axis 1", (1,)), Reject(("f32[]",), "no axis 0", (0,)))

    def infer(self) -> TensorType:
        """The operand's type."""
        return self.x.type

    def loops(self, at: Memory) -> Sequence[Statement]:
        """One pass, with the largest and the sum of each line in scratch memory."""
        shape = self.x.type.shape
        indices = loop_indices(shape)
        here = indices[self.axis]
        beside = tuple(indices[self.axis + 1 :])
        size, place = product(shape[self.axis + 1 :]), ravel(beside, shape[self.axis + 1 :])
        # Sums are added up in float64: a long scan of float32 loses nothing.
        kinds = (self.dtype, F64)
        tops, sums = (at.scratch(n, k, size) for n, k in zip(("top", "sum"), kinds, strict=True))
        first = index_scalar(here).equals(0)
        value = at.read(0, tuple(indices))
        before, so_far = fresh_local("before", self.dtype), fresh_local("so_far", F64)
        top, total = fresh_local("top", self.dtype), fresh_local("total", F64)
        away = select(abs(Read(top)) < np.inf, Read(top), 0.0)
        body = (
            Assign(before, Guard(first, literal(-np.inf, self.dtype), Load(tops, place))),
            Assign(so_far, Guard(first, literal(0.0, F64), Load(sums, place))),
            Assign(top, apply(Prim.MAX, Read(before), value)),
            Assign(
                total,
                Read(so_far) * apply(Prim.EXP, Read(before) - away).cast(F64)
                + apply(Prim.EXP, value - away).cast(F64),
            ),
            Store(tops, place, Read(top)),
            Store(sums, place, Read(total)),
            *at.store(tuple(indices), apply(Prim.LOG, Read(total)).cast(self.dtype) + away),
        )
        return nest(indices, body)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``exp(x - y) * h`` with ``h[i] = ct[i] + exp(y[i] - y[i+1]) * h[i+1]``."""
        before = shift(self, self.axis, 0)
        factor = exp(where(self == before, 0.0, before - self))
        return (
            exp(where(self.x == self, 0.0, self.x - self))
            * recurrence_after(where(along(self.x, self.axis) == 0, 0.0, factor), ct, self.axis),
        )

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Step by step, in a wider float."""
        wide = operands[0].astype(np.longdouble)
        with np.errstate(all="ignore"):
            return _logcumsumexp(wide, self.axis).astype(self.dtype.numpy)


def logcumsumexp(x: TensorLike, /, axis: int | None = None) -> Tensor:
    """Return ``log(cumsum(exp(x)))`` along an axis, without overflow.

    Args:
        x: array; integers are converted to floats.
        axis: along which; all elements in C order by default.

    Raises:
        GraphTypeError: there is no such axis.

    >>> ag.logcumsumexp(ag.constant([1e3, 1e3])).eval()
    array([1000.    , 1000.693...], dtype=float32)
    """
    tensor = as_tensor(x)
    tensor = tensor.astype(floating(tensor.dtype))
    if axis is None:
        tensor, axis = tensor.flatten(), 0
    return LogCumSumExp(tensor, as_axis("logcumsumexp", axis, tensor.ndim, tensor))


def _scan(op: type[Cumulative], x: TensorLike, axis: int | None, dtype: Any) -> Tensor:
    tensor = as_tensor(x)
    name = op.public
    if dtype is not None:
        tensor = tensor.astype(dtype)
    elif op.combine in (Prim.ADD, Prim.MUL) and not tensor.dtype.is_inexact:
        # NumPy adds small integers up in the widest of their kind.
        tensor = tensor.astype(U64 if tensor.dtype.is_unsigned else I64)
    if axis is None:
        tensor, axis = tensor.flatten(), 0
    if tensor.dtype.is_complex and op is Cumsum:
        parts = (_scan(op, part, axis, None) for part in (real(tensor), imag(tensor)))
        return complex_(*parts)
    if tensor.dtype not in op.dtypes:
        raise GraphTypeError(
            f"{name}: is not defined for {tensor.dtype}\n{operand_lines(('x',), (tensor,))}"
        )
    return op(tensor, as_axis(name, axis, tensor.ndim, tensor))


def cumsum(x: TensorLike, /, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return running sums along an axis, as ``numpy.cumsum``.

    Args:
        x: array; bool and small integers are summed as 64-bit integers.
        axis: along which; all elements in C order by default.
        dtype: to convert to first.

    Raises:
        GraphTypeError: there is no such axis, or the dtype is bool.

    >>> ag.cumsum(ag.constant([1, 2, 3])).eval()
    array([1, 3, 6])
    """
    return _scan(Cumsum, x, axis, dtype)


def cumprod(x: TensorLike, /, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return running products along an axis, as ``numpy.cumprod``; arguments as ``cumsum``'s.

    >>> ag.cumprod(ag.constant([1, 2, 3])).eval()
    array([1, 2, 6])
    """
    return _scan(Cumprod, x, axis, dtype)


def cummax(x: TensorLike, /, axis: int | None = None) -> Tensor:
    """Return the largest of the elements up to each along an axis; arguments as ``cumsum``'s.

    >>> ag.cummax(ag.constant([1, 3, 2])).eval()
    array([1, 3, 3])
    """
    return _scan(Cummax, x, axis, None)


def cummin(x: TensorLike, /, axis: int | None = None) -> Tensor:
    """Return the smallest of the elements up to each along an axis; arguments as ``cumsum``'s."""
    return _scan(Cummin, x, axis, None)


def _cumulative(
    op: type[Cumulative], x: TensorLike, axis: int | None, dtype: Any, initial: bool
) -> Tensor:
    given = as_tensor(x)
    if axis is None and given.ndim != 1:
        raise GraphTypeError(
            f"cumulative_{'sum' if op is Cumsum else 'prod'}: name the axis, unless of a vector\n"
            f"{operand_lines(('x',), (given,))}\n  or flatten it first: x.ravel()"
        )
    result = _scan(op, given, axis, dtype)
    if not initial:
        return result
    place = as_axis(op.public, 0 if axis is None else axis, result.ndim)
    shape = tuple(1 if k == place else s for k, s in enumerate(result.shape))
    start = full(shape, 0 if op is Cumsum else 1, result.dtype)
    return concatenate([start, result], place)


def cumulative_sum(
    x: TensorLike,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Tensor:
    """Return running sums; with ``include_initial`` a 0 comes first.  The array API's ``cumsum``.

    Raises:
        GraphTypeError: no axis is named, and there is not just one.

    >>> ag.cumulative_sum(ag.constant([1, 2, 3]), include_initial=True).eval()
    array([0, 1, 3, 6])
    """
    return _cumulative(Cumsum, x, axis, dtype, include_initial)


def cumulative_prod(
    x: TensorLike,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Tensor:
    """Return running products; with ``include_initial`` a 1 comes first."""
    return _cumulative(Cumprod, x, axis, dtype, include_initial)


OPS: tuple[type[Op], ...] = (
    Cumsum,
    Cumprod,
    Cummax,
    Cummin,
    LogCumSumExp,
    Recurrence,
)

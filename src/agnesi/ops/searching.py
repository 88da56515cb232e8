"""Finding values in sorted arrays, and counting and collecting distinct ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from agnesi.core.dtypes import BOOL, F64, I64, U64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Size, add
from agnesi.dims.simplify import maximum
from agnesi.graph.graph import size_of
from agnesi.graph.tensor import Requirement, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import (
    Assign,
    Read,
    Statement,
    While,
    fresh_local,
    index_of,
    index_scalar,
    literal,
    select,
)
from agnesi.ops.arithmetic import NUMBERS
from agnesi.ops.bounds import within_bounds
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange, full, ones_like
from agnesi.ops.families import (
    Domain,
    LoopOp,
    Memory,
    Op,
    Sample,
    all_in_front,
)
from agnesi.ops.gathering import Gather, Scatter
from agnesi.ops.iteration import reduce
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import (
    as_axis,
    as_size,
    as_tensor,
    cast,
    common_dtype,
    is_integer,
    lift_all,
    operand_lines,
)
from agnesi.ops.movement import broadcast, moveaxis, reshape, transpose
from agnesi.ops.nests import loop_indices, nest
from agnesi.ops.nonzero import positions
from agnesi.ops.reductions import Top
from agnesi.ops.reductions import any as some
from agnesi.ops.reductions import sum as total
from agnesi.ops.scans import cumsum
from agnesi.ops.sorting import ArgSort, precedes
from agnesi.ops.taking import take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Sizes

__all__ = [
    "bincount",
    "digitize",
    "histogram",
    "intersect1d",
    "isin",
    "searchsorted",
    "setdiff1d",
    "setxor1d",
    "union1d",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]

Side: TypeAlias = Literal["left", "right"]


def _searchsorted(a: Array, v: Array, right: bool) -> Array:
    result = np.zeros(v.shape, np.int64)
    for row in np.ndindex(a.shape[:-1]):
        result[row] = np.searchsorted(a[row], v[row], "right" if right else "left")
    return result


class SearchSorted(LoopOp):
    """Where values belong in a sorted array, along its last axis; its other axes are theirs too."""

    a: Tensor
    v: Tensor
    right: bool

    public = "searchsorted"
    reference = staticmethod(_searchsorted)
    streams = (1,)
    dtypes = (*NUMBERS, BOOL)
    # Arrays of one value are sorted.
    domain = (Domain(1, 1), Domain(0, 2))
    differentiable = False
    samples = (
        Sample(((5,), (4,)), (False,)),
        Sample(((7,), (2, 3)), (True,)),
        Sample(((0,), (3,)), (False,)),
        Sample(((3,), ()), (True,)),
        Sample(((2, 4), (2, 3)), (False,)),
        Sample(((3,), (0,)), (True,)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node, which has rows besides what the public function has."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """A position for each value."""
        return TensorType(I64, self.v.type.shape)

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Halve the interval until it is empty."""
        indices = loop_indices(self.v.type.shape)
        rows, count = tuple(indices[: self.a.ndim - 1]), self.a.type.shape[-1]
        low, high = fresh_local("low", I64), fresh_local("high", I64)
        middle, value = fresh_local("middle", I64), fresh_local("value", self.v.dtype)
        here = at.read(0, (*rows, index_of(Read(middle))))
        beyond = ~precedes(Read(value), here) if self.right else precedes(here, Read(value))
        halve = (
            Assign(middle, (Read(low) + Read(high)) >> literal(1, I64)),
            Assign(high, select(beyond, Read(high), Read(middle))),
            Assign(low, select(beyond, Read(middle) + 1, Read(low))),
        )
        body = (
            Assign(value, at.read(1, tuple(indices))),
            Assign(low, literal(0, I64)),
            Assign(high, index_scalar(count)),
            While(Read(low) < Read(high), halve),
            *at.store(tuple(indices), Read(low)),
        )
        return nest(indices, body)

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """Rows in front; one sorted array for all examples needs none."""
        a, v = operands
        if self.a.ndim == 1 and not batched[0]:
            return SearchSorted(a, v, self.right)
        a, v = all_in_front(operands, batched, size)
        return SearchSorted(a, v, self.right)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own, row by row."""
        return _searchsorted(operands[0], operands[1], self.right)

    def requirements(self) -> tuple[Requirement, ...]:
        """The rows are the same."""
        rows = self.a.ndim - 1
        pairs = zip(self.a.type.shape[:rows], self.v.type.shape[:rows], strict=True)
        words = f"rows of {self.a.type} against {self.v.type}"
        return tuple(Requirement("equal", a, b, words) for a, b in pairs if a != b)


def searchsorted(
    a: TensorLike, v: TensorLike, /, side: Side = "left", sorter: TensorLike | None = None
) -> Tensor:
    """Return where values would have to be inserted to keep an array sorted.

    As ``numpy.searchsorted``.

    Args:
        a: sorted vector; NaN comes last.
        v: values of any shape.
        side: ``"left"``, before equal elements, or ``"right"``, after them.
        sorter: integers that sort ``a``, as ``argsort`` gives them, where it is not sorted.

    Returns:
        i64 of the shape of ``v``, from 0 to ``len(a)``.

    Raises:
        GraphTypeError: ``a`` is no vector, or there is no such side.

    >>> ag.searchsorted(ag.constant([1, 3, 5]), ag.constant([0, 3, 9])).eval()
    array([0, 1, 3])
    """
    if side not in ("left", "right"):
        raise GraphTypeError(f'searchsorted: side is "left" or "right", but this is {side!r}')
    given = lift_all("searchsorted", (a, v))
    dtype = common_dtype(given)
    first, values = (cast(t, dtype) for t in given)
    if first.ndim != 1:
        raise GraphTypeError(
            f"searchsorted: a is a vector\n{operand_lines(('a', 'v'), (first, values))}"
        )
    if sorter is not None:
        first = take(first, sorter)
    return SearchSorted(first, values, side == "right")


def digitize(x: TensorLike, bins: TensorLike, /, right: bool = False) -> Tensor:
    """Return the number of the bin that each value falls into, as ``numpy.digitize``.

    Args:
        x: values of any shape.
        bins: edges that rise or fall; that they do is not checked.
        right: whether bins hold their right edge instead of their left.

    >>> ag.digitize(ag.constant([0.5, 1.0, 9.0]), ag.constant([0.0, 1.0, 2.0])).eval()
    array([1, 2, 3])
    """
    edges = as_tensor(bins)
    if edges.ndim != 1:
        raise GraphTypeError(f"digitize: bins are a vector\n{operand_lines(('bins',), (edges,))}")
    side: Side = "left" if right else "right"
    rising = searchsorted(edges, x, side)
    falling = scalar_of(edges.type.shape[0]) - searchsorted(edges[::-1], x, side)
    return where(some(edges[:1] > edges[-1:]), falling, rising)


def bincount(
    x: TensorLike, /, weights: TensorLike | None = None, minlength: int | Tensor = 0
) -> Tensor:
    """Return how often each integer occurs, as ``numpy.bincount``.

    Args:
        x: vector of integers that are not negative.
        weights: what each of them counts, added up as float64.
        minlength: least number of counts; more if an integer is greater, which only a call knows.

    Raises:
        GraphTypeError: ``x`` is no vector of integers, or weights do not fit.
        IndexOutOfBounds: in a call, a negative integer.

    >>> ag.bincount(ag.constant([0, 2, 2])).eval()
    array([1, 0, 2])
    """
    tensor = as_tensor(x)
    if tensor.ndim != 1 or not (tensor.dtype.is_integer or tensor.dtype is BOOL):
        raise GraphTypeError(
            f"bincount: takes a vector of integers\n{operand_lines(('x',), (tensor,))}"
        )
    wide = tensor.astype(I64)
    most = size_of(Top((wide + 1).astype(U64), (0,)).astype(I64))
    length = maximum(as_size(minlength, "bincount"), maximum(0, most))
    index = within_bounds(wide, length, f"integers to count, {tensor.type}")
    values = ones_like(wide) if weights is None else cast(as_tensor(weights), F64)
    if values.ndim != 1:
        raise GraphTypeError(
            "bincount: weights are as many as integers\n"
            f"{operand_lines(('x', 'weights'), (tensor, values))}"
        )
    return _added_up(index, values, length)


def _added_up(index: Tensor, values: Tensor, length: Size) -> Tensor:
    zeros = full((scalar_of(length),), 0, values.dtype)
    return Scatter(zeros, (index,), values, (0,), 0, "add")


def histogram(
    x: TensorLike,
    /,
    bins: int | TensorLike = 10,
    range: tuple[TensorLike, TensorLike] | None = None,
    density: bool = False,
    weights: TensorLike | None = None,
) -> tuple[Tensor, Tensor]:
    """Return how many values fall into each bin, and the edges of the bins.

    As ``numpy.histogram``.

    Args:
        x: values, taken together.
        bins: number of bins of equal width, or their edges in rising order.
        range: the first and the last edge, where ``bins`` is a number; by default the least and
            greatest value.
        density: divide by the number of values and the widths, so that the integral is 1.
        weights: what each value counts.

    >>> counts, edges = ag.histogram(ag.constant([0.0, 0.2, 1.0]), bins=2)
    >>> counts.eval()
    array([2, 1])
    """
    flat = reshape(as_tensor(x), -1)
    flat = flat if flat.dtype.is_float else flat.astype(F64)
    edges = _edges(flat, int(bins), range) if is_integer(bins) else as_tensor(bins)
    if edges.ndim != 1:
        raise GraphTypeError(
            "histogram: bins is an integer known when the graph is built, or a vector of edges\n"
            f"{operand_lines(('x', 'bins'), (flat, edges))}"
        )
    last = edges.type.shape[0]
    count = add(last, -1)
    found = searchsorted(edges, flat, "right") - 1
    end = edges[-1]
    found = where(flat == end, scalar_of(add(count, -1)), found)
    inside = (flat >= edges[0]) & (flat <= end)
    one = ones_like(flat, I64) if weights is None else reshape(as_tensor(weights), -1)
    worth = where(inside, one, 0)
    index = within_bounds(where(inside, found, 0), count, "bins")
    counts = _added_up(index, worth, count)
    if not density:
        return counts, edges
    widths = edges[1:] - edges[:-1]
    return counts / widths / total(counts), edges


def _edges(x: Tensor, bins: int, ends: tuple[TensorLike, TensorLike] | None) -> Tensor:
    if bins < 1:
        raise GraphTypeError(f"histogram: the number of bins is at least 1, but this is {bins}")
    given: Any = ends
    known = ends is not None and not any(isinstance(e, Tensor) for e in ends)
    if known and np.any(np.greater(given[0], given[1])):
        raise GraphTypeError(f"histogram: the range has to rise, but this is {ends}")
    low, high = (as_tensor(e) for e in ends) if ends is not None else (x.min(), x.max())
    low, high = low.astype(x.dtype), high.astype(x.dtype)
    flat = low == high
    low, high = where(flat, low - 0.5, low), where(flat, high + 0.5, high)
    steps = Arange((bins + 1,), 0).astype(x.dtype)
    return where(steps == bins, high, low + steps * ((high - low) / bins))


# -- distinct values ---------------------------------------------------------------------------


class _Runs(NamedTuple):
    """The elements of an array in order, and where runs of equal ones begin."""

    order: Tensor
    values: Tensor
    begins: Tensor
    starts: Tensor


def _runs(x: Tensor, *, equal_nan: bool) -> _Runs:
    flat = reshape(x, -1)
    order = ArgSort(flat, 0, False)
    values = Gather(flat, (order,), (0,), 0)
    differs = values[1:] != values[:-1]
    if equal_nan and x.dtype.is_float:
        differs = differs & ~((values[1:] != values[1:]) & (values[:-1] != values[:-1]))
    begins = concatenate([ones_like(values[:1], BOOL), differs])
    starts = positions(begins)
    return _Runs(order, values, broadcast(begins, values.type.shape), starts)


def _inverse(runs: _Runs, x: Tensor) -> Tensor:
    number = cumsum(runs.begins) - 1
    placed = Scatter(full(number.shape, 0, I64), (runs.order,), number, (0,), 0, "set")
    return reshape(placed, x.shape)


def _counts(runs: _Runs) -> Tensor:
    end = reshape(as_tensor(scalar_of(runs.values.type.size)), 1)
    return concatenate([runs.starts[1:], end])[: runs.starts.shape[0]] - runs.starts


def _values_of(runs: _Runs) -> Tensor:
    return Gather(runs.values, (runs.starts,), (0,), 0)


def unique(
    x: TensorLike,
    /,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """Return the distinct elements in order, as ``numpy.unique``.

    Args:
        x: array; taken as flat where no axis is named.
        return_index: return besides, where each of them occurs first.
        return_inverse: return besides, for each element of ``x`` which of them it is.
        return_counts: return besides, how often each of them occurs.
        axis: return the distinct slices along an axis, in the order of their elements.
        equal_nan: count NaN as one value; of slices each NaN is a value of its own.

    Returns:
        The values, or a tuple of these and what else is asked for; only a call knows how many.

    >>> ag.unique(ag.constant([3, 1, 3])).eval()
    array([1, 3])
    """
    tensor = as_tensor(x)
    if axis is not None:
        return _unique_slices(tensor, axis, return_index, return_inverse, return_counts)
    runs = _runs(tensor, equal_nan=equal_nan)
    found = [_values_of(runs)]
    if return_index:
        found.append(Gather(runs.order, (runs.starts,), (0,), 0))
    if return_inverse:
        found.append(_inverse(runs, tensor))
    if return_counts:
        found.append(_counts(runs))
    return tuple(found) if len(found) > 1 else found[0]


def _unique_slices(x: Tensor, axis: int, index: bool, inverse: bool, counts: bool) -> Any:
    """Return the distinct slices along an axis, and what else is asked for."""
    along = as_axis("unique", axis, x.ndim, x)
    rows = moveaxis(x, along, 0)
    flat = reshape(rows, (rows.shape[0], -1))
    # Sorted by the last element first: what sorts later keeps the order of what is equal.
    order = reduce(
        lambda order, column: take(order, ArgSort(take(column, order), 0, False)),
        transpose(flat),
        Arange((flat.type.shape[0],), 0),
        reverse=True,
    )
    values = take(flat, order, 0)
    differs = some(values[1:] != values[:-1], 1)
    begins = concatenate([ones_like(order[:1], BOOL), differs])
    starts = positions(begins)
    runs = _Runs(order, order, broadcast(begins, order.type.shape), starts)
    first = take(order, starts)
    found = [moveaxis(take(rows, first, 0), 0, along)]
    if index:
        found.append(first)
    if inverse:
        found.append(_inverse(runs, order))
    if counts:
        found.append(_counts(runs))
    return tuple(found) if len(found) > 1 else found[0]


class _All(NamedTuple):
    """What ``unique_all`` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class _Counts(NamedTuple):
    """What ``unique_counts`` returns."""

    values: Tensor
    counts: Tensor


class _Inverse(NamedTuple):
    """What ``unique_inverse`` returns."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: TensorLike, /) -> _All:
    """Return the distinct elements, where each occurs first, which each is, and how often.

    The array API's: each NaN is a value of its own.
    """
    return _All(*unique(x, True, True, True, equal_nan=False))


def unique_counts(x: TensorLike, /) -> _Counts:
    """Return the distinct elements and how often each occurs; see :func:`unique_all`."""
    return _Counts(*unique(x, return_counts=True, equal_nan=False))


def unique_inverse(x: TensorLike, /) -> _Inverse:
    """Return the distinct elements and which of them each element is; see :func:`unique_all`."""
    return _Inverse(*unique(x, return_inverse=True, equal_nan=False))


def unique_values(x: TensorLike, /) -> Tensor:
    """Return the distinct elements; see :func:`unique_all`.

    >>> ag.unique_values(ag.constant([2, 1, 2])).eval()
    array([1, 2])
    """
    return unique(x, equal_nan=False)


def isin(x: TensorLike, test: TensorLike, /, *, invert: bool = False) -> Tensor:
    """Return whether each element is among others, as ``numpy.isin``.

    Args:
        x: array of any shape.
        test: the others, taken as flat.
        invert: return whether it is not.

    >>> ag.isin(ag.constant([1, 2, 3]), [3, 1]).eval()
    array([ True, False,  True])
    """
    given = lift_all(
        "isin", (x, as_tensor(np.zeros(0)) if isinstance(test, list) and not test else test)
    )
    dtype = common_dtype(given)
    tensor, others = (cast(t, dtype) for t in given)
    flat = reshape(others, -1)
    order = ArgSort(flat, 0, False)
    ordered = Gather(flat, (order,), (0,), 0)
    place = SearchSorted(ordered, tensor, False)
    padded = concatenate([ordered, full((1,), 0, dtype)])
    here = take(padded, place)
    found = (here == tensor) & (place < scalar_of(flat.type.size))
    return ~found if invert else found


def union1d(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the distinct elements of both arrays, in order, as ``numpy.union1d``."""
    return unique(concatenate([x, y], None))


def intersect1d(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the distinct elements that are in both arrays, in order, as ``numpy.intersect1d``."""
    values = unique(x)
    return values[isin(values, y)]


def setdiff1d(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the distinct elements that are not in the other array, as ``numpy.setdiff1d``."""
    values = unique(x)
    return values[isin(values, y, invert=True)]


def setxor1d(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the distinct elements that are in one array only, in order, as ``numpy.setxor1d``."""
    return unique(concatenate([setdiff1d(x, y), setdiff1d(y, x)]))


def repeat_each(x: Tensor, counts: Tensor, axis: int) -> Tensor:
    """Return slices along an axis, each as often as an array of counts says."""
    wide = counts.astype(I64)
    words = f"counts of repetitions {counts.type}"
    good = within_bounds(wide, 2**62, words)
    ends = cumsum(good)
    number = SearchSorted(ends, Arange((size_of(total(good)),), 0), True)
    return Gather(x, (number,), (axis,), axis)


OPS: tuple[type[Op], ...] = (SearchSorted,)

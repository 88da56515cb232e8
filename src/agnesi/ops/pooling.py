"""Windows that slide over an array: what a pooling layer takes of each, and where it goes back.

All ops say the same of windows, for *every* axis of ``x``, as XLA's ``reduce_window`` does: window
``o`` along an axis covers the elements ``start + step*o + dilation*k`` for ``k < window``.  A start
below 0 is padding; what lies outside of ``x`` does not take part.  An axis that is not pooled has
window 1, step 1, start 0.  So a transposition commutes with each op by permuting what it says of
axes, as long as the axes with windows larger than 1 keep their order (ties and codes depend on it).

=================  ============================================================================
MaxPool, SumPool   the largest element, the sum of the elements of each window
FirstInWindow      the *code* of the largest element: its number in the window, in C order
AllInWindow        the codes of all elements that are as large as it, as bits
PlaceChosen        each window's number at the elements that a code or bits choose, added up
TakeChosen         the elements that a code or bits choose, added up: the transpose
SpreadWindows      each window's number at all of its elements, added up: ``SumPool`` transposed
=================  ============================================================================

A gradient reads one byte of each window (its code) and not the array that was pooled.
"""

from __future__ import annotations

import itertools
import math
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np

from agnesi.core.dtypes import BOOL, I32, REALS, U8, U32, U64, DType, as_dtype
from agnesi.dims.dim import add, mul, sub
from agnesi.dims.simplify import at_least, floordiv, maximum, minimum, mod
from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Guard, Scalar, apply, index_scalar, literal, select
from agnesi.loops.prims import Prim
from agnesi.ops.families import Domain, Op, Sample, same_shapes
from agnesi.ops.movement import ravel
from agnesi.ops.reductions import lowest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agnesi.dims.dim import Shape, Size
    from agnesi.ops.families import LeadingRule

Ties: TypeAlias = Literal["first", "all"]

NUMBERS = tuple(d for d in REALS if d is not BOOL)

_Geometry: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]"

# So many elements a window may have whose ties are bits.
MOST_BITS = 64

_ONES_IN_FRONT: LeadingRule = lambda value, _: (1, *value)  # noqa: E731


def _sizes(shape: Shape, sizes: Sizes) -> tuple[int, ...]:
    return tuple(map(sizes, shape))


class Windows(Op):
    """What ops about windows share.

    Attributes:
        x: the array that they slide over, or numbers of the windows.
        windows: the size along each axis.
        starts: the first element of the first window; below 0 in the padding.
        steps: from window to window.
        dilations: from element to element of a window.
    """

    x: Tensor
    windows: tuple[int, ...]
    starts: Shape
    steps: tuple[int, ...]
    dilations: tuple[int, ...]

    leading = MappingProxyType({"windows": _ONES_IN_FRONT, "dilations": _ONES_IN_FRONT})
    domain: ClassVar[tuple[Domain, ...]] = (Domain(),)

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; ``agnesi.nn.pooling`` has the public functions."""
        tensors = [o for o in operands if isinstance(o, Tensor)]
        others = [o for o in operands if not isinstance(o, Tensor)]
        return cls(tensors[0], *others[:4], *tensors[1:], *others[4:])

    @property
    def array(self) -> Shape:
        """The shape of what the windows slide over."""
        raise NotImplementedError

    @property
    def count(self) -> Shape:
        """How many windows there are along each axis."""
        raise NotImplementedError

    @property
    def geometry(self) -> tuple[tuple[int, ...], Shape, tuple[int, ...], tuple[int, ...]]:
        """The windows, starts, steps and dilations."""
        return self.windows, self.starts, self.steps, self.dilations

    def known(self, sizes: Sizes) -> _Geometry:
        """Return the same as numbers."""
        return self.windows, _sizes(self.starts, sizes), self.steps, self.dilations

    @property
    def overlaps(self) -> bool:
        """Whether an element may be in several windows."""
        triples = zip(self.windows, self.steps, self.dilations, strict=True)
        return any((w - 1) * d + 1 > s for w, s, d in triples)

    @property
    def rereads(self) -> bool:
        """Whether elements of what is pooled may be read several times."""
        return self.overlaps

    def offsets(self) -> Iterator[tuple[int, ...]]:
        """Yield the index within a window of each of its elements, in C order."""
        return itertools.product(*map(range, self.windows))

    def elements(self, index: Shape, unit: Scalar, read: Callable[[Shape], Scalar]) -> list[Scalar]:
        """Return the elements of the window at an index, in C order; outside of the array a unit.

        Along the last axis, whose loop is the innermost one, a choice is made by a guard: the
        turns at the ends are taken apart from the others.  Along others what is read lies inside
        anyway, and it is chosen afterwards, without a branch.
        """
        found: list[Scalar] = []
        for offset in self.offsets():
            rows = zip(self.starts, self.steps, self.dilations, index, offset, strict=True)
            places = [add(start, mul(step, o), d * k) for start, step, d, o, k in rows]
            found.append(self.inside(places, unit, read))
        return found

    def inside(
        self, places: Sequence[Size], unit: Scalar, read: Callable[[Shape], Scalar]
    ) -> Scalar:
        """Return the element at a place, a unit if that is outside of the array."""
        clamped: list[Size] = []
        soft = hard = literal(True, BOOL)
        for axis, (place, size) in enumerate(zip(places, self.array, strict=True)):
            test, near = _within(place, size)
            if axis == len(self.windows) - 1:
                hard, near = test, place
            else:
                soft = _both(soft, test)
            clamped.append(near)
        return _chosen(soft, hard, read(tuple(clamped)), unit)

    def holders(self, index: Shape, read: Callable[[Shape, Shape], Scalar], unit: Scalar) -> Scalar:
        """Return the sum of something of each window that holds the element at an index.

        Args:
            index: of the element.
            read: returns a number of a window, given its index and the element's index in it.
            unit: 0.
        """
        sides = [list(self._holders_along(axis, i)) for axis, i in enumerate(index)]
        terms: list[Scalar] = []
        for parts in itertools.product(*sides):
            soft = reduce(_both, (test for *_, test, _ in parts))
            value = read(tuple(part[0] for part in parts), tuple(part[1] for part in parts))
            terms.append(_chosen(soft, parts[-1][3], value, unit))
        return reduce(lambda a, b: a + b, terms) if terms else unit

    def _holders_along(self, axis: int, i: Size) -> Iterator[tuple[Size, Size, Scalar, Scalar]]:
        """Yield what windows may hold an element: index, number in it, two tests that it does."""
        window, step, dilation = self.windows[axis], self.steps[axis], self.dilations[axis]
        true = literal(True, BOOL)
        offset = sub(i, self.starts[axis])
        newest, rest = floordiv(offset, step), mod(offset, step)
        last = axis == len(self.windows) - 1
        for j in range(-(-((window - 1) * dilation + 1) // step)):
            ahead = add(rest, step * j)
            number = floordiv(ahead, dilation)
            held = true
            if not at_least(window - 1, number):
                held = index_scalar(number) < window
            if dilation > 1:
                held = _both(held, index_scalar(mod(ahead, dilation)).equals(0))
            place = sub(newest, j)
            test, clamped = _within(place, self.count[axis])
            test = _both(test, held)
            yield (place, number, true, test) if last else (clamped, number, test, true)

    def requirements(self) -> tuple[Requirement, ...]:
        """Something to read along each axis; shapes that are not seen to be equal have to be."""
        needs: list[Requirement] = []
        for axis, (size, count) in enumerate(zip(self.array, self.count, strict=True)):
            if self.windows[axis] == 1 and self.steps[axis] == 1 and self.starts[axis] == 0:
                continue
            for extent, words in ((size, "elements"), (count, "windows")):
                if not at_least(extent, 1):
                    words = f"{words} along axis {axis} of what is pooled"
                    if extent is count:
                        words = f"windows of {self.windows[axis]} fit {words.partition(' ')[2]}"
                    needs.append(Requirement("at_most", 1, extent, words))
        return tuple(needs)


def _within(place: Size, size: Size) -> tuple[Scalar, Size]:
    """Return whether a place is within an axis, and a place that is."""
    test: Scalar = literal(True, BOOL)
    if not at_least(place, 0):
        test = index_scalar(place) >= 0
        place, before = maximum(0, place), place
    else:
        before = place
    if not at_least(sub(size, 1), before):
        test = _both(test, index_scalar(before) < index_scalar(size))
        place = minimum(sub(size, 1), place)
    return test, place


def _both(a: Scalar, b: Scalar) -> Scalar:
    true = literal(True, BOOL)
    return b if a is true else a if b is true else a & b


def _chosen(soft: Scalar, hard: Scalar, value: Scalar, otherwise: Scalar) -> Scalar:
    true = literal(True, BOOL)
    if soft is not true:
        value = select(soft, value, otherwise)
    return value if hard is true else Guard(hard, value, otherwise)


class _Pool(Windows):
    """One number of each window."""

    extents: Shape

    expensive = True

    def infer(self) -> TensorType:
        """An element for each window."""
        return TensorType(self.x.dtype, self.extents)

    @property
    def array(self) -> Shape:
        """The shape of ``x``."""
        return self.x.type.shape

    @property
    def count(self) -> Shape:
        """As many as the result has elements."""
        return self.extents

    def unit_value(self) -> Any:
        """What an element outside of ``x`` counts as."""
        return 0

    def values(self, index: Shape, read: Reader) -> list[Scalar]:
        """Return the elements of the window at an index."""
        unit = literal(self.unit_value(), self.x.dtype)
        return self.elements(index, unit, lambda place: read(0, place))


def _whole(shape: Sequence[int], geometry: _Geometry, count: Sequence[int]) -> Any:
    """Return the shape of the array with all padding, and the slice of it that is the array."""
    rows = zip(shape, *geometry, count, strict=True)
    sizes: list[int] = []
    inside: list[slice] = []
    for size, window, start, step, dilation, windows in rows:
        before = max(0, -start)
        end = start + step * max(0, windows - 1) + (window - 1) * dilation + 1
        sizes.append(before + max(size, end))
        inside.append(slice(before, before + size))
    return tuple(sizes), tuple(inside)


def _slices(geometry: _Geometry, count: Sequence[int]) -> Iterator[Any]:
    """Yield, for each element of a window in C order, where all windows have it."""
    windows, starts, steps, dilations = geometry
    for offset in itertools.product(*map(range, windows)):
        rows = zip(offset, starts, steps, dilations, count, strict=True)
        places = [(max(0, start) + d * k, step, n) for k, start, step, d, n in rows]
        yield tuple(slice(p, p + step * (n - 1) + 1 if n else p, step) for p, step, n in places)


def _parts(x: Array, fill: Any, geometry: _Geometry, count: Sequence[int]) -> list[Array]:
    """Return, for each element of a window in C order, the array of what all windows have there."""
    sizes, inside = _whole(x.shape, geometry, count)
    whole = np.full(sizes, fill, x.dtype)
    whole[inside] = x
    return [whole[part] for part in _slices(geometry, count)]


def _spread(
    numbers: Sequence[Array], geometry: _Geometry, count: Sequence[int], target: Sequence[int]
) -> Array:
    """Return the sum of what the windows have at each of their elements."""
    sizes, inside = _whole(target, geometry, count)
    whole = np.zeros(sizes, numbers[0].dtype)
    for number, part in zip(numbers, _slices(geometry, count), strict=True):
        whole[part] += number
    return whole[inside]


def _lowest(x: Array) -> Any:
    return lowest(as_dtype(x.dtype))


def _max_pool(x: Array, *rest: Any) -> Array:
    *geometry, extents, _ = rest
    return reduce(np.maximum, _parts(x, _lowest(x), tuple(geometry), extents))


def _sum_pool(x: Array, *rest: Any) -> Array:
    *geometry, extents = rest
    return reduce(np.add, _parts(x, 0, tuple(geometry), extents))


def _first_in_window(x: Array, *rest: Any) -> Array:
    *geometry, extents = rest
    parts = _parts(x, _lowest(x), tuple(geometry), extents)
    return np.argmax(np.stack(parts), axis=0).astype(code_dtype(geometry[0]).numpy)


def _all_in_window(x: Array, y: Array, *rest: Any) -> Array:
    *geometry, extents = rest
    parts = _parts(x, _lowest(x), tuple(geometry), extents)
    kind = bits_dtype(geometry[0]).numpy
    bits = [(part == y).astype(kind) << np.array(k, kind) for k, part in enumerate(parts)]
    return reduce(np.bitwise_or, bits)


def _are_chosen(chosen: Array, windows: tuple[int, ...], ties: Ties) -> list[Array]:
    codes = range(math.prod(windows))
    if ties == "first":
        return [chosen == code for code in codes]
    return [(chosen >> np.array(code, chosen.dtype)) & 1 != 0 for code in codes]


def _place_chosen(ct: Array, chosen: Array, *rest: Any) -> Array:
    *geometry, target, ties = rest
    tests = _are_chosen(chosen, geometry[0], ties)
    zero = ct.dtype.type(0)
    numbers = [np.where(test, ct, zero) for test in tests]
    return _spread(numbers, tuple(geometry), ct.shape, target)


def _take_chosen(x: Array, chosen: Array, *rest: Any) -> Array:
    *geometry, ties = rest
    tests = _are_chosen(chosen, geometry[0], ties)
    zero = x.dtype.type(0)
    parts = _parts(x, 0, tuple(geometry), chosen.shape)
    taken = [np.where(test, part, zero) for test, part in zip(tests, parts, strict=True)]
    return reduce(np.add, taken)


def _spread_windows(ct: Array, *rest: Any) -> Array:
    *geometry, target = rest
    return _spread([ct] * math.prod(geometry[0]), tuple(geometry), ct.shape, target)


def code_dtype(windows: tuple[int, ...]) -> DType:
    """Return the dtype of an element's number in a window."""
    return U8 if math.prod(windows) <= 256 else I32


def bits_dtype(windows: tuple[int, ...]) -> DType:
    """Return the dtype that has a bit for each element of a window."""
    return U32 if math.prod(windows) <= 32 else U64


# Windows, starts, steps and dilations that say different things: plain ones, some that overlap or
# leave gaps, padding on one side or both, windows that reach beyond the end, no axis left out.
_PLAIN = ((1, 2), (0, 0), (1, 2), (1, 1))
_OVERLAP = ((3, 2), (-1, 0), (2, 1), (1, 1))
_APART = ((2, 1), (1, 0), (3, 1), (1, 1))
_WIDE = ((2, 3), (-2, -1), (1, 2), (2, 1))
_CHANNELS_LAST = ((1, 2, 2, 1), (0, 0, 0, 0), (1, 2, 2, 1), (1, 1, 1, 1))
_SHAPES: tuple[tuple[tuple[int, ...], Any, tuple[int, ...]], ...] = (
    ((2, 4), _PLAIN, (2, 2)),
    ((2, 5), _PLAIN, (2, 3)),
    ((5, 3), _OVERLAP, (3, 2)),
    ((6, 2), _APART, (2, 2)),
    ((4, 5), _WIDE, (5, 3)),
    ((1, 4, 5, 2), _CHANNELS_LAST, (1, 2, 2, 2)),
)


class MaxPool(_Pool):
    """The largest element of each window; NaN if there is one.

    Attributes:
        ties: which of several elements as large a derivative goes to: the first, as in PyTorch, XLA
            and cuDNN, or all of them, each in full, as in Theano.
    """

    ties: Ties

    public = "max_pool"
    dtypes = NUMBERS
    reference = staticmethod(_max_pool)
    samples = tuple(
        Sample((shape,), (*geometry, extents, ties))
        for shape, geometry, extents in _SHAPES
        for ties in ("first", "all")
    )

    def unit_value(self) -> Any:
        """The least value of the dtype."""
        return lowest(self.x.dtype)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """One comparison after the other."""
        return reduce(lambda a, b: apply(Prim.MAX, a, b), self.values(index, read))

    @property
    def chosen(self) -> Tensor:
        """The codes of the elements that a derivative goes to."""
        if self.ties == "first":
            return FirstInWindow(self.x, *self.geometry, self.extents)
        return AllInWindow(self.x, *self.geometry, self, self.extents)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the elements chosen."""
        return (PlaceChosen(ct, *self.geometry, self.chosen, self.x.type.shape, self.ties),)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """That of the element chosen; the sum of those of several."""
        (tangent,) = tangents
        if tangent is None:
            return None
        return TakeChosen(tangent, *self.geometry, self.chosen, self.ties)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _max_pool(*operands, *self.known(sizes), _sizes(self.extents, sizes), self.ties)


class SumPool(_Pool):
    """The sum of each window."""

    public = "sum_pool"
    linear = True
    dtypes = NUMBERS
    reference = staticmethod(_sum_pool)
    samples = tuple(Sample((shape,), (*geometry, extents)) for shape, geometry, extents in _SHAPES)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """One addition after the other."""
        return reduce(lambda a, b: a + b, self.values(index, read))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To each element of the window."""
        return (SpreadWindows(ct, *self.geometry, self.x.type.shape),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _sum_pool(*operands, *self.known(sizes), _sizes(self.extents, sizes))


class FirstInWindow(_Pool):
    """The code of the first largest element of each window; of the first NaN if there is one."""

    public = "first_in_window"
    dtypes = NUMBERS
    differentiable = False
    undefined = MappingProxyType({"x": "it is a position, and jumps from one to the other"})
    reference = staticmethod(_first_in_window)
    samples = SumPool.samples

    def infer(self) -> TensorType:
        """As many bytes as are needed."""
        return TensorType(code_dtype(self.windows), self.extents)

    def unit_value(self) -> Any:
        """The least value of the dtype."""
        return lowest(self.x.dtype)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Compare with the largest so far."""
        best, *others = self.values(index, read)
        chosen = literal(0, self.dtype)
        for code, value in enumerate(others, 1):
            better = value > best
            if value.dtype.is_float:
                # True where the value is NaN and there was none before.
                better = ~(value <= best) & best.equals(best)
            chosen = select(better, literal(code, self.dtype), chosen)
            best = apply(Prim.MAX, best, value)
        return chosen

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _first_in_window(*operands, *self.known(sizes), _sizes(self.extents, sizes))


class AllInWindow(Windows):
    """A bit for each element of a window that equals the window's number ``y``."""

    y: Tensor
    extents: Shape

    public = "all_in_window"
    expensive = True
    dtypes = NUMBERS
    differentiable = False
    undefined = MappingProxyType(dict.fromkeys("xy", "it is made of positions, which jump"))
    reference = staticmethod(_all_in_window)
    samples = tuple(
        Sample((shape, extents), (*geometry, extents)) for shape, geometry, extents in _SHAPES
    )

    def infer(self) -> TensorType:
        """An unsigned integer with enough bits."""
        return TensorType(bits_dtype(self.windows), self.extents)

    @property
    def array(self) -> Shape:
        """The shape of ``x``."""
        return self.x.type.shape

    @property
    def count(self) -> Shape:
        """As many as the result has elements."""
        return self.extents

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Compare each with ``y``."""
        unit = literal(lowest(self.x.dtype), self.x.dtype)
        top, zero = read(1, index), literal(0, self.dtype)
        values = self.elements(index, unit, lambda place: read(0, place))
        bits = (
            select(value.equals(top), literal(1 << code, self.dtype), zero)
            for code, value in enumerate(values)
        )
        return reduce(lambda a, b: a | b, bits)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None

    def requirements(self) -> tuple[Requirement, ...]:
        """A number for each window."""
        return *super().requirements(), *same_shapes((self.y,), self.extents)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _all_in_window(*operands, *self.known(sizes), _sizes(self.extents, sizes))


def _is_chosen(chosen: Scalar, code: Scalar, ties: Ties) -> Scalar:
    """Return whether an element with this number is one of those chosen."""
    if ties == "first":
        return chosen.equals(code)
    return ((chosen >> code) & 1).differs(0)


class PlaceChosen(Windows):
    """Each window's number at the elements that it chose, added up; 0 elsewhere."""

    chosen: Tensor
    target: Shape
    ties: Ties

    public = "place_chosen"
    linear = True
    dtypes = NUMBERS
    domain = (Domain(), Domain(0, 3, dtypes=(U8, U32)))
    reference = staticmethod(_place_chosen)
    samples = tuple(
        Sample((extents, extents), (*geometry, shape, "first"))
        for shape, geometry, extents in _SHAPES
    )

    def infer(self) -> TensorType:
        """The shape asked for."""
        return TensorType(self.x.dtype, self.target)

    @property
    def array(self) -> Shape:
        """The shape of the result."""
        return self.target

    @property
    def count(self) -> Shape:
        """As many as there are numbers."""
        return self.x.type.shape

    @property
    def rereads(self) -> bool:
        """A window's number is read for each of its elements."""
        return True

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The sum over the windows that may have chosen it."""
        zero, kind = literal(0, self.dtype), self.chosen.dtype

        def number(window: Shape, within: Shape) -> Scalar:
            code = index_scalar(ravel(within, self.windows)).cast(kind)
            chosen = _is_chosen(read(1, window), code, self.ties)
            return select(chosen, read(0, window), zero)

        return self.holders(index, number, zero)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What stands at the elements chosen."""
        return TakeChosen(ct, *self.geometry, self.chosen, self.ties), None

    def requirements(self) -> tuple[Requirement, ...]:
        """A number and a choice for each window."""
        return *super().requirements(), *same_shapes((self.chosen,), self.x.type.shape)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _place_chosen(*operands, *self.known(sizes), _sizes(self.target, sizes), self.ties)


class TakeChosen(Windows):
    """The sum of the elements that each window chose."""

    chosen: Tensor
    ties: Ties

    public = "take_chosen"
    linear = True
    expensive = True
    dtypes = NUMBERS
    domain = PlaceChosen.domain
    reference = staticmethod(_take_chosen)
    samples = tuple(
        Sample((shape, extents), (*geometry, "first")) for shape, geometry, extents in _SHAPES
    )

    def infer(self) -> TensorType:
        """An element for each window."""
        return TensorType(self.x.dtype, self.chosen.type.shape)

    @property
    def array(self) -> Shape:
        """The shape of ``x``."""
        return self.x.type.shape

    @property
    def count(self) -> Shape:
        """As many as there are choices."""
        return self.chosen.type.shape

    def element(self, index: Shape, read: Reader) -> Scalar:
        """Look through the window."""
        zero, kind = literal(0, self.dtype), self.chosen.dtype
        values = self.elements(index, zero, lambda place: read(0, place))
        chosen, total = read(1, index), zero
        for code, value in enumerate(values):
            test = _is_chosen(chosen, literal(code, kind), self.ties)
            part = total if self.ties == "first" else zero
            value = select(test, value, part)
            total = value if self.ties == "first" else total + value
        return total

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Back to the elements chosen."""
        shape = self.x.type.shape
        return PlaceChosen(ct, *self.geometry, self.chosen, shape, self.ties), None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _take_chosen(*operands, *self.known(sizes), self.ties)


class SpreadWindows(Windows):
    """Each window's number at all of its elements, added up; 0 elsewhere."""

    target: Shape

    public = "spread_windows"
    linear = True
    dtypes = NUMBERS
    reference = staticmethod(_spread_windows)
    samples = tuple(Sample((extents,), (*geometry, shape)) for shape, geometry, extents in _SHAPES)

    def infer(self) -> TensorType:
        """The shape asked for."""
        return TensorType(self.x.dtype, self.target)

    @property
    def array(self) -> Shape:
        """The shape of the result."""
        return self.target

    @property
    def count(self) -> Shape:
        """As many as there are numbers."""
        return self.x.type.shape

    @property
    def rereads(self) -> bool:
        """A window's number is read for each of its elements."""
        return True

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The sum over the windows that hold it."""
        return self.holders(index, lambda window, _: read(0, window), literal(0, self.dtype))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The sum of each window."""
        return (SumPool(ct, *self.geometry, self.x.type.shape),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference."""
        return _spread_windows(*operands, *self.known(sizes), _sizes(self.target, sizes))


OPS: tuple[type[Op], ...] = (
    MaxPool,
    SumPool,
    FirstInWindow,
    AllInWindow,
    PlaceChosen,
    TakeChosen,
    SpreadWindows,
)

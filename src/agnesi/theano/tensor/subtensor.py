"""Parts of arrays: reading, setting and adding to them.

``x[2, i:]`` is ``Subtensor{int64, int64:}(x, 2, i)``: the op says which brackets there are, its
inputs what stands in them. Arrays in brackets are inputs of :class:`AdvancedSubtensor`; a vector
alone is :class:`AdvancedSubtensor1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import SizeValue
from agnesi.ops.indexing import select
from agnesi.ops.slicing import Replace
from agnesi.theano.gof.graph import Apply, Variable
from agnesi.theano.gof.native import NativeOp, computed_as, native_apply
from agnesi.theano.gof.type import PureType
from agnesi.theano.scalar.basic import Scalar, ScalarConstant, as_scalar, get_scalar_type, int64
from agnesi.theano.tensor.casting import INTS, UINTS
from agnesi.theano.tensor.elemwise import DimShuffle
from agnesi.theano.tensor.shapes import element_tensors, one_size, stacked, whole
from agnesi.theano.tensor.type import TensorType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_INTEGERS = (*INTS, *UINTS)


class AdvancedIndexingError(TypeError):
    """A key that needs arrays of integers."""


class AdvancedBooleanIndexingError(TypeError):
    """A key that needs arrays of bools."""


# -- what stands in brackets ---------------------------------------------------------------------


def make_constant(args: Any) -> tuple[Any, ...]:
    """Return what stands in brackets with Python's integers as constants."""

    def known(a: Any) -> Any:
        if isinstance(a, slice):
            return slice(known(a.start), known(a.stop), known(a.step))
        if isinstance(a, np.ndarray) and not a.ndim and a.dtype.kind in "iu":
            a = a[()]
        if isinstance(a, int | np.integer) and not isinstance(a, bool):
            return ScalarConstant(int64, a)
        return a

    return tuple(map(known, args))


def get_idx_list(inputs: Any, idx_list: Any, get_count: bool = False) -> Any:
    """Return the brackets with inputs in the places of types.

    Args:
        inputs: of an application: the array, then what stands in the brackets.
        idx_list: the op's brackets.
        get_count: return how many inputs stand in them instead.
    """
    rest = iter(list(inputs)[1:])
    used = [0]

    def filled(entry: Any) -> Any:
        if isinstance(entry, PureType):
            used[0] += 1
            return next(rest)
        if isinstance(entry, slice):
            return slice(filled(entry.start), filled(entry.stop), filled(entry.step))
        return entry

    found = tuple(map(filled, idx_list))
    return used[0] if get_count else found


def get_canonical_form_slice(theslice: Any, length: Any) -> tuple[Any, int | Any]:
    """Return a slice, or index, without negative numbers, and in which direction it goes.

    Args:
        theslice: a slice or an index, of numbers or scalars.
        length: of what it is taken from.

    Returns:
        A slice with ``0 <= start <= stop <= length`` and a positive step, and 1, or -1 if its
        elements come in reverse; or an index that is not negative, and 1.
    """
    from agnesi.theano.tensor.basic import extract_constant
    from agnesi.theano.tensor.elementary import abs_, lt, maximum, minimum, sgn, switch

    length = extract_constant(length)

    def choose(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, bool | np.bool_):
            return a if condition else b
        return switch(condition, a, b)

    def least(a: Any, b: Any) -> Any:
        return minimum(a, b) if isinstance(a, Variable) or isinstance(b, Variable) else min(a, b)

    def most(a: Any, b: Any) -> Any:
        return maximum(a, b) if isinstance(a, Variable) or isinstance(b, Variable) else max(a, b)

    def below(a: Any, b: Any) -> Any:
        return lt(a, b) if isinstance(a, Variable) or isinstance(b, Variable) else bool(a < b)

    def from_front(n: Any) -> Any:
        return choose(below(n, 0), n + length, n)

    if not isinstance(theslice, slice):
        return from_front(extract_constant(theslice)), 1
    start, stop, step = (
        None if part is None else extract_constant(part)
        for part in (theslice.start, theslice.stop, theslice.step)
    )
    step = 1 if step is None else step
    backwards = below(step, 0)
    low, high = choose(backwards, -1, 0), choose(backwards, length - 1, length)
    first = (
        choose(backwards, length - 1, 0)
        if start is None
        else least(most(from_front(start), low), high)
    )
    last = (
        choose(backwards, -1, length) if stop is None else least(most(from_front(stop), low), high)
    )
    stride = abs_(step) if isinstance(step, Variable) else abs(step)
    count = most((choose(backwards, first - last, last - first) + stride - 1) // stride, 0)
    bottom = choose(backwards, first - (count - 1) * stride, first)
    top = choose(backwards, first + 1, last)
    bottom, top = most(least(bottom, top), 0), most(top, 0)
    direction = sgn(step) if isinstance(step, Variable) else (1 if step > 0 else -1)
    return slice(bottom, most(top, bottom), stride), direction


def check_and_reject_bool(args_el: Any) -> None:
    """Raise for bools in brackets.

    Raises:
        TypeError: there are some.
    """
    if isinstance(args_el, bool | np.bool_) or getattr(args_el, "dtype", None) == "bool":
        raise TypeError(
            "AdvancedSubtensor does not support boolean masks for indexing. Use "
            "AdvancedBooleanSubtensor instead. "
        )
    if isinstance(args_el, list | tuple):
        for each in args_el:
            check_and_reject_bool(each)


def adv_index_broadcastable_pattern(a: Any, idx: Any) -> tuple[bool, ...]:
    """Return which axes of ``a[idx]`` repeat."""
    return type_of(a.tensor[tuple(map(index_of, map(as_index_variable, idx)))]).broadcastable


def check_advanced_indexing_dimensions(input: Any, idx_list: Any) -> None:
    """Raise for masks of another shape than what they are taken from.

    Raises:
        IndexError: a mask's size differs.
    """
    seen = 0
    for index in idx_list:
        if index is None:
            continue
        if not (isinstance(index, np.ndarray) and index.dtype == "bool"):
            seen += 1
            continue
        for k in range(index.ndim):
            if index.shape[k] != input.shape[seen + k]:
                raise IndexError(
                    f"boolean index did not match indexed array along dimension {seen + k}; "
                    f"dimension is {input.shape[seen + k]} but corresponding boolean dimension is "
                    f"{index.shape[k]}"
                )
        seen += index.ndim


def as_index_variable(idx: Any) -> Any:
    """Return what stands in brackets as a variable.

    Raises:
        TypeError: it is no index.
    """
    from agnesi.theano.tensor.basic import as_tensor_variable
    from agnesi.theano.tensor.type_other import NoneConst, NoneTypeT, SliceType, make_slice

    if idx is None:
        return NoneConst.clone()
    if isinstance(idx, slice):
        return make_slice(idx)
    if isinstance(idx, Variable) and isinstance(idx.type, SliceType | NoneTypeT):
        return idx
    idx = as_tensor_variable(idx)
    if idx.type.dtype not in (*_INTEGERS, "bool"):
        raise TypeError("index must be integers or a boolean mask")
    return idx


def index_of(variable: Any) -> Any:
    """Return what of an index agnesi takes: a tensor, a number, None, or a slice of these."""
    from agnesi.theano.tensor.type_other import NoneTypeT, SliceType, bounds_of

    if isinstance(variable.type, NoneTypeT):
        return None
    if isinstance(variable.type, SliceType):
        bounds = bounds_of(variable)
        if bounds is None:
            raise NotImplementedError(
                "a slice that is given to a function is read together with other slices alone"
            )
        parts = (bounds.start, bounds.stop, bounds.step)
        return slice(*(index_of(p) if isinstance(p, Variable) else p for p in parts))
    tensor = variable.tensor
    if tensor.ndim == 0 and tensor.dtype.is_integer:
        data = getattr(variable, "data", None)
        return whole(tensor) if data is None else int(data)
    return tensor


def _opened(item: Any) -> Any:
    """Return a slice, or None, for a variable that is known to be one."""
    from agnesi.theano.tensor.type_other import NoneTypeT, SliceType, bounds_of

    if isinstance(item, Variable) and isinstance(item.type, NoneTypeT):
        return None
    if isinstance(item, Variable) and isinstance(item.type, SliceType):
        bounds = bounds_of(item)
        return item if bounds is None else bounds
    return item


def _sliced(x: Any, items: list[Any]) -> Any:
    """Return a part of an array at slices that are given when a function is called."""
    from agnesi.theano.tensor.type_other import Sliced, SliceType

    for item in items:
        if not (isinstance(item, Variable) and isinstance(item.type, SliceType)):
            raise TypeError(
                f"beside slices that are given to the function an index has no {item!r}: read twice"
            )
    return Sliced(tuple(range(len(items))))(x, *items)


# -- numbers and slices in brackets --------------------------------------------------------------


class _Bracketed(NativeOp):
    """An op with brackets of numbers and slices.

    Attributes:
        idx_list: for each axis a scalar type, or a slice of them.
    """

    idx_list: tuple[Any, ...]

    def numbers(self, x: Any, inputs: Sequence[Any]) -> list[Any]:
        """Return what stands in the brackets as scalars.

        Raises:
            IndexError: there are too many, or too few.
            TypeError: one is of another type.
        """
        given = [Subtensor.my_as_scalar(a) for a in inputs]
        if len(self.idx_list) > x.type.ndim:
            raise IndexError("too many indices for array")
        wanted = Subtensor.collapse(self.idx_list, lambda entry: isinstance(entry, PureType))
        if len(given) != len(wanted):
            raise IndexError(
                "Not enough inputs to fill in the Subtensor template.", given, self.idx_list
            )
        for v, kind in zip(given, wanted, strict=True):
            if v.type != kind:
                raise TypeError(
                    f"Wrong type for Subtensor template. Expected {v.type}, got {kind}."
                )
        return given

    def key(self, scalars: Sequence[ag.Tensor]) -> tuple[Any, ...]:
        """Return the brackets with scalars of agnesi's in them."""

        def number(t: Any) -> Any:
            if isinstance(t, slice):
                return slice(number(t.start), number(t.stop), number(t.step))
            if t is None:
                return None
            at = whole(t)
            return int(at.number) if isinstance(at, ConstantTensor) else at  # type: ignore[arg-type]

        return tuple(map(number, get_idx_list((None, *scalars), self.idx_list)))

    def shown(self) -> str:
        """Return the brackets as text."""
        return ", ".join(
            Subtensor.str_from_slice(e) if isinstance(e, slice) else str(e) for e in self.idx_list
        )

    def _frozen(self) -> tuple[Any, ...]:
        return tuple(
            (e.start, e.stop, e.step) if isinstance(e, slice) else e for e in self.idx_list
        )


class Subtensor(_Bracketed):
    """A part that numbers and slices say."""

    e_invalid = (
        "The index list is longer (size %d) than the number of dimensions of the tensor(namely "
        "%d). You are asking for a dimension of the tensor that does not exist! You might need to "
        "use dimshuffle to add extra dimension to your tensor."
    )
    e_indextype = "Invalid index type or slice for Subtensor"
    view_map: ClassVar[dict[int, list[int]]] = {0: [0]}
    __props__ = ("idx_list",)

    def __init__(self, idx_list: Any) -> None:
        self.idx_list = tuple(map(self.convert, idx_list))

    @staticmethod
    def collapse(idxs: Any, cond: Callable[[Any], bool]) -> list[Any]:
        """Return in one row what of the brackets a condition holds for."""
        found: list[Any] = []

        def look(entry: Any) -> None:
            if cond(entry):
                found.append(entry)
            elif isinstance(entry, slice):
                for part in (entry.start, entry.stop, entry.step):
                    look(part)

        for each in idxs:
            look(each)
        return found

    @staticmethod
    def convert(entry: Any, slice_ok: bool = True) -> Any:
        """Return what stands in brackets as a type, or a slice of types.

        Raises:
            TypeError: it is a float, or a Python number.
            AdvancedIndexingError: it is an array.
            AdvancedBooleanIndexingError: it is an array of bools.
        """
        if isinstance(entry, slice) and slice_ok:
            parts = (entry.start, entry.stop, entry.step)
            return slice(*(None if p is None else Subtensor.convert(p, False) for p in parts))
        kind: Any = entry.type if isinstance(entry, Variable) else entry
        dtype = getattr(kind, "dtype", None)
        if isinstance(kind, Scalar | TensorType) or isinstance(entry, np.ndarray):
            if dtype == "bool":
                raise AdvancedBooleanIndexingError(Subtensor.e_indextype, entry)
            if kind.ndim == 0 and dtype not in _INTEGERS:
                raise TypeError("Expected an integer")
            if kind.ndim == 0 and not isinstance(entry, np.ndarray):
                return get_scalar_type(str(dtype))
        if isinstance(entry, int | np.integer):
            raise TypeError("Python scalar in idx_list.Please report this error to theano-dev.")
        raise AdvancedIndexingError(Subtensor.e_indextype, entry)

    @staticmethod
    def my_as_scalar(a: Any) -> Any:
        """Return an index as a scalar."""
        return as_scalar(a)

    @staticmethod
    def str_from_slice(entry: slice) -> str:
        """Return a slice as text."""
        parts = (entry.start, entry.stop, entry.step)
        return ":".join("" if p is None else str(p) for p in parts)

    def get_constant_idx(
        self,
        inputs: Any,
        allow_partial: bool = False,
        only_process_constants: bool = False,
        elemwise: bool = True,
    ) -> list[Any]:
        """Return the brackets with known numbers.

        Args:
            inputs: of an application.
            allow_partial: whether what is not known stays a variable.
            only_process_constants: nothing: numbers are read off.
            elemwise: nothing: numbers are read off.

        Raises:
            NotScalarConstantError: one is not known.
        """
        del only_process_constants, elemwise
        from agnesi.theano.tensor.basic import NotScalarConstantError, get_scalar_constant_value

        def known(v: Any) -> Any:
            if v is None:
                return None
            if isinstance(v, slice):
                return slice(known(v.start), known(v.stop), known(v.step))
            try:
                return get_scalar_constant_value(v)
            except NotScalarConstantError:
                if allow_partial:
                    return v
                raise

        return list(map(known, get_idx_list(inputs, self.idx_list)))

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array and the scalars."""
        (x,) = super().given(inputs[0])
        return [x, *self.numbers(x, inputs[1:])]

    def build(self, *tensors: Any) -> Any:
        """A part of agnesi's; of vectors that are put together of scalars, these."""
        x, *scalars = tensors
        key = self.key(scalars)
        if x.ndim == 1 and len(key) == 1:
            found = _of_elements(x, key[0])
            if found is not None:
                return found
        return _read(x, key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Subtensor) and self._frozen() == other._frozen()

    def __hash__(self) -> int:
        return hash((Subtensor, self._frozen()))

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.shown()}}}"

    __repr__ = __str__


def _of_elements(x: ag.Tensor, key: Any) -> Any:
    """Return an element, or some, of a vector that was put together of scalars."""
    if isinstance(x, ConstantTensor):
        return None
    if isinstance(key, slice):
        if any(isinstance(p, ag.Tensor) for p in (key.start, key.stop, key.step)):
            return None
    elif isinstance(key, ag.Tensor):
        return None
    elements = element_tensors(x)
    if elements is None:
        return None
    if isinstance(key, slice):
        return stacked(elements[key], x.dtype.numpy.name)
    if not -len(elements) <= key < len(elements):
        raise IndexError(f"index {key} of a vector of {len(elements)}")
    return elements[key]


class IncSubtensor(_Bracketed):
    """An array with a part set, or added to.

    Attributes:
        inplace: whether a program would write over the array; agnesi decides itself.
        set_instead_of_inc: whether the part is set.
    """

    __props__ = ("idx_list", "inplace", "set_instead_of_inc")

    def __init__(
        self,
        idx_list: Any,
        inplace: bool = False,
        set_instead_of_inc: bool = False,
        destroyhandler_tolerate_aliased: Any = None,
    ) -> None:
        self.idx_list = tuple(map(Subtensor.convert, idx_list))
        self.inplace, self.set_instead_of_inc = inplace, set_instead_of_inc
        self.destroyhandler_tolerate_aliased = list(destroyhandler_tolerate_aliased or [])

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array, what is put there, and the scalars.

        Raises:
            ValueError: what is put there has more axes than the array.
        """
        x, y = super().given(*inputs[:2])
        if y.type.ndim > x.type.ndim:
            raise ValueError(
                f"Trying to increment a {x.ndim}-dimensional subtensor with a {y.ndim}-dimensional "
                "value."
            )
        return [x, y, *self.numbers(x, inputs[2:])]

    def build(self, *tensors: Any) -> Any:
        """A part of agnesi's, set or added to."""
        x, y, *scalars = tensors
        return _written(x, self.key(scalars), y, sets=self.set_instead_of_inc)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array of the type of the first."""
        return [given[0].type.Variable(given[0].type, tensor=tensors[0])]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, IncSubtensor)
            and self._frozen() == other._frozen()
            and self.inplace == other.inplace
            and self.set_instead_of_inc == other.set_instead_of_inc
        )

    def __hash__(self) -> int:
        return hash((IncSubtensor, self._frozen(), self.inplace, self.set_instead_of_inc))

    def __str__(self) -> str:
        how = ("Inplace" if self.inplace else "") + ("Set" if self.set_instead_of_inc else "Inc")
        return f"{type(self).__name__}{{{how};{self.shown()}}}"

    __repr__ = __str__


def _written(x: ag.Tensor, key: Any, y: ag.Tensor, *, sets: bool) -> ag.Tensor:
    fits = np.can_cast(y.dtype.numpy, x.dtype.numpy, "same_kind")
    if not fits and (y.dtype.is_complex or not sets):
        how = "set" if sets else "increment"
        raise TypeError(f"cannot {how} a part of {x.dtype.numpy} by values of {y.dtype.numpy}")
    wide, steps = _with_whole_axes(x, key)
    if steps:
        part = _written_at_steps(x[wide], steps, y, sets=sets)
        return x.at[wide].set(part)
    at, y = x.at[key], ag.astype(y, x.dtype)
    if not sets:
        return at.add(y)
    # Where an index recurs Theano's gradients count each of its values.
    made = at.set(y, unique_indices=True)
    if made.type.shape != x.type.shape or not _takes_all(x, key):
        return made
    # Nothing is left of the array, but it is connected: its gradient is 0.
    return Replace(x, made, (0,) * x.ndim, (1,) * x.ndim, ())


def _takes_all(x: ag.Tensor, key: Any) -> bool:
    items: Any = key if isinstance(key, tuple) else (key,)
    if any(isinstance(item, ag.Tensor) and item.ndim for item in items):
        return False
    chosen = select(x, key)
    return not chosen.indices and chosen.window.is_whole(x)


# Slices whose step only a call tells are vectors of positions; agnesi's own have known steps.


def _read(x: ag.Tensor, key: tuple[Any, ...]) -> ag.Tensor:
    wide, steps = _with_whole_axes(x, key)
    made = x[wide]
    for axis, positions in steps:
        made = ag.take(made, positions, axis)
    return made


def positions_of(every: ag.Tensor, part: slice) -> ag.Tensor:
    """Return what a slice, whose step may be a tensor, takes of the positions of an axis."""
    return _read(every, (part,))


def _with_whole_axes(x: ag.Tensor, key: Any) -> tuple[Any, list[tuple[int, ag.Tensor]]]:
    """Return a key with whole axes for slices of unknown steps, and the positions they take."""
    if not isinstance(key, tuple) or not any(
        isinstance(k, slice) and isinstance(k.step, ag.Tensor) for k in key
    ):
        return key, []
    wide: list[Any] = []
    steps: list[tuple[int, ag.Tensor]] = []
    axis = 0
    for place, item in enumerate(key):
        if isinstance(item, slice) and isinstance(item.step, ag.Tensor):
            steps.append((axis, _positions(item, x.shape[place])))
            item = slice(None)
        wide.append(item)
        axis += isinstance(item, slice)
    return tuple(wide), steps


def _positions(part: slice, size: Any) -> ag.Tensor:
    """Return the positions that a slice takes of an axis.

    A call raises ``ShapeError``, which is a ``ValueError``, where the step is 0.
    """
    step = ag.astype(part.step, "i64")
    once = ag.arange(_count(ag.where(step == 0, 0, 1)))
    step = step + ag.astype(ag.sum(ag.specify_shape(once, (1,))), "i64")
    size = ag.astype(size, "i64") if isinstance(size, ag.Tensor) else ag.constant(np.int64(size))
    up = step > 0

    def bound(given: Any, default: ag.Tensor) -> ag.Tensor:
        if given is None:
            return default
        given = ag.astype(given, "i64") if isinstance(given, ag.Tensor) else given
        given = ag.where(ag.less(given, 0), given + size, given)
        least, most = ag.where(up, 0, -1), ag.where(up, size, size - 1)
        return ag.minimum(ag.maximum(given, least), most)

    start = bound(part.start, ag.where(up, 0, size - 1))
    stop = bound(part.stop, ag.where(up, size, -1))
    count = ag.maximum(-ag.floor_divide(start - stop, step), 0)
    return start + step * ag.arange(_count(count))


def _count(number: ag.Tensor) -> Any:
    found = one_size(number)
    return found if isinstance(found, int) else SizeValue(found)


def _written_at_steps(
    part: ag.Tensor, steps: list[tuple[int, ag.Tensor]], y: ag.Tensor, *, sets: bool
) -> ag.Tensor:
    (axis, positions), *rest = steps
    key = (*(slice(None),) * axis, positions)
    if not rest:
        return _written(part, key, y, sets=sets)
    inner = _written_at_steps(ag.take(part, positions, axis), rest, y, sets=sets)
    return part.at[key].set(inner)


# -- arrays in brackets --------------------------------------------------------------------------


class AdvancedSubtensor1(NativeOp):
    """Rows that a vector of integers says."""

    __props__ = ()

    def __init__(self, sparse_grad: bool = False) -> None:
        self.sparse_grad = sparse_grad

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array and the vector.

        Raises:
            TypeError: the second is no vector of integers, or the first has no axes.
        """
        return _rows(super().given(*inputs), 1)

    def build(self, *tensors: Any) -> Any:
        """Rows of agnesi's."""
        x, rows = tensors
        return x[rows]

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return rows."""
        x, rows = (v.type for v in given)
        kind = x.clone(broadcastable=(rows.broadcastable[0], *x.broadcastable[1:]))
        return [kind.Variable(kind, tensor=tensors[0])]


def _rows(given: list[Any], place: int) -> list[Any]:
    x, rows = given[0].type, given[place].type
    if rows.dtype not in _INTEGERS:
        raise TypeError("index must be integers")
    if rows.ndim != 1:
        raise TypeError("index must be vector")
    if x.ndim == 0:
        raise TypeError("cannot index into a scalar")
    return given


class AdvancedIncSubtensor1(NativeOp):
    """An array with rows that a vector of integers says set, or added to.

    Attributes:
        inplace: whether a program would write over the array; agnesi decides itself.
        set_instead_of_inc: whether rows are set.
    """

    __props__ = ("inplace", "set_instead_of_inc")

    def __init__(self, inplace: bool = False, set_instead_of_inc: bool = False) -> None:
        self.inplace, self.set_instead_of_inc = bool(inplace), bool(set_instead_of_inc)

    def clone_inplace(self) -> AdvancedIncSubtensor1:
        """Return the op that would write over the array."""
        return type(self)(inplace=True, set_instead_of_inc=self.set_instead_of_inc)

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array, what is put there, and the vector.

        Raises:
            TypeError: one does not fit the others.
        """
        given = _rows(super().given(*inputs), 2)
        x, y, _ = (v.type for v in given)
        if y.ndim > x.ndim:
            how = "set" if self.set_instead_of_inc else "increment"
            raise TypeError(f"cannot {how} x subtensor with ndim={x.ndim} by y with ndim={y.ndim}")
        return given

    def build(self, *tensors: Any) -> Any:
        """Rows of agnesi's, set or added to."""
        x, y, rows = tensors
        return _written(x, rows, y, sets=self.set_instead_of_inc)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array of the type of the first."""
        return [given[0].type.Variable(given[0].type, tensor=tensors[0])]

    def __str__(self) -> str:
        place = "inplace" if self.inplace else "no_inplace"
        return f"{type(self).__name__}{{{place},{'set' if self.set_instead_of_inc else 'inc'}}}"

    __repr__ = __str__


class _OfIndices(NativeOp):
    """An op whose last inputs stand in brackets: arrays, numbers, slices and None.

    Attributes:
        before: how many inputs there are before them.
    """

    before = 1

    def given(self, *inputs: Any) -> list[Any]:
        """Return arrays, and what stands in brackets as variables."""
        arrays = super().given(*inputs[: self.before])
        return [*arrays, *map(as_index_variable, inputs[self.before :])]

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application."""
        given = self.given(*inputs)
        arrays, key = given[: self.before], tuple(map(index_of, given[self.before :]))
        made = self.part([v.tensor for v in arrays], key)
        return native_apply(self, given, self.outputs_for(given, [made]))

    def build(self, *tensors: Any) -> Any:
        """Where all inputs are arrays."""
        key = tuple(whole(t) if not t.ndim else t for t in tensors[self.before :])
        return self.part(list(tensors[: self.before]), key)

    def part(self, arrays: list[ag.Tensor], key: tuple[Any, ...]) -> ag.Tensor:
        """Return what is read, or the array with it written."""
        raise NotImplementedError


class BaseAdvancedSubtensor(_OfIndices):
    """A part that arrays say."""

    __props__ = ()

    def part(self, arrays: list[ag.Tensor], key: tuple[Any, ...]) -> ag.Tensor:
        """A part of agnesi's."""
        return arrays[0][key]


class AdvancedSubtensor(BaseAdvancedSubtensor):
    """A part that arrays of integers say."""

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array and what stands in brackets.

        Raises:
            TypeError: bools stand there.
        """
        check_and_reject_bool(list(inputs[1:]))
        return super().given(*inputs)


class AdvancedBooleanSubtensor(BaseAdvancedSubtensor):
    """A part that arrays of bools say."""


class BaseAdvancedIncSubtensor(_OfIndices):
    """An array with a part that arrays say set, or added to.

    Attributes:
        inplace: False.
        set_instead_of_inc: whether the part is set.
    """

    __props__ = ("inplace", "set_instead_of_inc")
    before = 2

    def __init__(self, inplace: bool = False, set_instead_of_inc: bool = False) -> None:
        self.inplace, self.set_instead_of_inc = inplace, set_instead_of_inc
        if inplace:
            raise NotImplementedError("In place computation is not implemented")

    def part(self, arrays: list[ag.Tensor], key: tuple[Any, ...]) -> ag.Tensor:
        """A part of agnesi's, set or added to."""
        x, y = arrays
        return _written(x, key, y, sets=self.set_instead_of_inc)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array of the type of the first."""
        return [given[0].type.Variable(given[0].type, tensor=tensors[0])]

    def __str__(self) -> str:
        sets = f" set_instead_of_inc={self.set_instead_of_inc}"
        return f"{type(self).__name__}{{inplace={self.inplace}, {sets}}}"

    __repr__ = __str__


class AdvancedIncSubtensor(BaseAdvancedIncSubtensor):
    """An array with a part that arrays of integers say set, or added to."""

    def given(self, *inputs: Any) -> list[Any]:
        """Return arrays, and what stands in brackets.

        Raises:
            TypeError: bools stand there.
        """
        check_and_reject_bool(list(inputs[2:]))
        return super().given(*inputs)


class AdvancedBooleanIncSubtensor(BaseAdvancedIncSubtensor):
    """An array with a part that arrays of bools say set, or added to."""


advanced_subtensor1 = AdvancedSubtensor1()
advanced_inc_subtensor1 = AdvancedIncSubtensor1()
advanced_set_subtensor1 = AdvancedIncSubtensor1(set_instead_of_inc=True)
advanced_subtensor = AdvancedSubtensor()
advanced_inc_subtensor = AdvancedIncSubtensor()
advanced_set_subtensor = AdvancedIncSubtensor(set_instead_of_inc=True)
advanced_boolean_subtensor = AdvancedBooleanSubtensor()
advanced_boolean_inc_subtensor = AdvancedBooleanIncSubtensor()
advanced_boolean_set_subtensor = AdvancedBooleanIncSubtensor(set_instead_of_inc=True)


# -- brackets ------------------------------------------------------------------------------------


def subtensor(x: Any, args: Any) -> Any:
    """Return ``x[args]``."""
    items = _items(x, args)
    if any(isinstance(item, Variable) and item.type.is_object for item in items):
        return _sliced(x, items)
    kinds = [_kind(item) for item in items]
    if "bool" in kinds:
        return advanced_boolean_subtensor(x, *items)
    arrays = [k for k, kind in enumerate(kinds) if kind == "array"]
    if not arrays:
        return _basic(x, items)
    if len(arrays) == 1 and _alone(items, arrays[0]):
        return take(x, items[arrays[0]], arrays[0])
    return advanced_subtensor(x, *items)


def _items(x: Any, args: Any) -> list[Any]:
    """Return what stands in brackets, an ellipsis written out.

    Raises:
        IndexError: there is too much of it.
        TypeError: it is no index.
    """
    if isinstance(args, list) and any(isinstance(a, slice) for a in args):
        args = tuple(args)
    elif not isinstance(args, tuple):
        args = (args,)
    items = [_item(a) for a in args]
    count = sum(_axes_of(a) for a in items)
    if count > x.ndim:
        raise IndexError("too many indices for array")
    dots = [k for k, a in enumerate(items) if a is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single Ellipsis (`...`)")
    if dots:
        items[dots[0] : dots[0] + 1] = [slice(None)] * (x.ndim - count)
    return list(make_constant(items))


def _item(a: Any) -> Any:
    a = _opened(a)
    if isinstance(a, slice):
        return slice(*(_item(p) for p in (a.start, a.stop, a.step)))
    if _has_python_bool(a):
        raise TypeError(
            "TensorType does not support Python bools for indexing, such as tensor[[True, False]]. "
            "To use a boolean mask, convert the mask to a NumPy array first, e.g., "
            "tensor[numpy.array([True, False])]."
        )
    if isinstance(a, list | tuple) and not a:
        return np.zeros(0, np.int64)
    if isinstance(a, np.ndarray) and not a.size and a.dtype.kind == "f":
        return a.astype(np.int64)
    return a


def _has_python_bool(a: Any) -> bool:
    if isinstance(a, bool | np.bool_):
        return True
    return isinstance(a, list | tuple) and any(map(_has_python_bool, a))


def _axes_of(item: Any) -> int:
    """Return how many axes an item takes."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if str(getattr(item, "dtype", "")) == "bool" else 1


def _kind(item: Any) -> str:
    if item is None:
        return "new"
    try:
        Subtensor.convert(item)
    except AdvancedBooleanIndexingError:
        return "bool"
    except AdvancedIndexingError:
        return "array"
    return "basic"


def _is_full(item: Any) -> bool:
    return isinstance(item, slice) and (item.start, item.stop, item.step) == (None, None, None)


def _alone(items: list[Any], place: int) -> bool:
    rest = [item for k, item in enumerate(items) if k != place]
    return all(map(_is_full, rest))


def _rest(x: Any, named: int) -> list[int]:
    """Return the axes that a key with new axes keeps without naming them.

    Theano drops unnamed axes of length one beside a new one: `column[:, None]` is a column.
    Programs count on it; where it refuses (another axis is unnamed), all stay as in NumPy.
    """
    rest = range(named, x.ndim)
    return [] if all(x.broadcastable[k] for k in rest) else list(rest)


def _basic(x: Any, items: list[Any]) -> Any:
    if any(item is None for item in items):
        order: list[Any] = []
        for item in items:
            order.append("x" if item is None else sum(o != "x" for o in order))
        order += _rest(x, sum(o != "x" for o in order))
        x = x.dimshuffle(order)
        items = [slice(None) if item is None else item for item in items]
        if all(map(_is_full, items)):
            return x
    numbers = Subtensor.collapse(items, lambda entry: isinstance(entry, Variable))
    return Subtensor(items)(x, *numbers)


def take(a: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Any:
    """Return elements at integers along an axis, or of all in one row.

    Args:
        a: array.
        indices: integers of any shape.
        axis: along which; None for all elements in one row.
        mode: ``"raise"``, ``"wrap"`` or ``"clip"``: what becomes of integers outside.
    """
    from agnesi.theano.tensor.basic import as_tensor_variable, concatenate
    from agnesi.theano.tensor.elementary import clip

    a, indices = as_tensor_variable(a), as_tensor_variable(indices)
    axis = None if axis is None else int(axis) % a.ndim
    if indices.ndim == 1:
        length = a.size if axis is None else a.shape[axis]
        if mode == "clip":
            indices = clip(indices, 0, length - 1)
        elif mode == "wrap":
            indices = indices % length
        if axis is None:
            return advanced_subtensor1(a.flatten(), indices)
        if axis == 0:
            return advanced_subtensor1(a, indices)
        order = list(range(a.ndim))
        order[0], order[axis] = axis, 0
        return advanced_subtensor1(a.dimshuffle(order), indices).dimshuffle(order)
    rows = take(a, indices.flatten(), axis, mode)
    if axis is None:
        return rows.reshape(indices.shape, indices.ndim)
    parts = [a.shape[:axis]] if axis else []
    shape = concatenate([*parts, indices.shape, a.shape[axis + 1 :]])
    made = rows.reshape(shape, a.ndim + indices.ndim - 1)
    if mode != "raise" or not indices.ndim:
        return made
    return computed_as(made, a.tensor[(*[slice(None)] * axis, indices.tensor)])


def set_subtensor(
    x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False
) -> Any:
    """Return an array with a part set: of ``x[key]`` and ``y``, ``x`` with ``x[key] = y``."""
    return inc_subtensor(x, y, inplace, True, tolerate_inplace_aliasing)


def inc_subtensor(
    x: Any,
    y: Any,
    inplace: bool = False,
    set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Any:
    """Return an array with ``y`` added to a part: ``x`` with ``x[key] += y``.

    Indices that come more than once add up.

    Args:
        x: a part of an array.
        y: what is added.
        inplace: whether the array may be written over, which agnesi decides itself.
        set_instead_of_inc: whether the part is set instead.
        tolerate_inplace_aliasing: nothing: arrays never share memory.

    Raises:
        TypeError: ``x`` is no part of an array, or ``y`` does not fit it.
    """
    from agnesi.theano.tensor.basic import addbroadcast, alloc, as_tensor_variable
    from agnesi.theano.tensor.native_ops import Reshape

    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if y.ndim > x.ndim:
        raise TypeError(
            f"Trying to increment a {x.ndim}-dimensional subtensor with a {y.ndim}-dimensional "
            "value."
        )
    more = x.ndim - y.ndim
    for axis in range(y.ndim):
        if x.broadcastable[axis + more] and not y.broadcastable[axis]:
            y = addbroadcast(y, axis)
    if x.owner is None:
        raise TypeError("x must be the result of a subtensor operation")
    op, (base, *rest) = x.owner.op, x.owner.inputs
    if isinstance(op, Subtensor):
        aliased = [[0, 1]] if tolerate_inplace_aliasing else []
        made = IncSubtensor(op.idx_list, inplace, set_instead_of_inc, aliased)
        return made(base, y, *rest)
    for read, write in _WRITES.items():
        if isinstance(op, read):
            return write(inplace, set_instead_of_inc=set_instead_of_inc)(base, y, *rest)
    options = (inplace, set_instead_of_inc, tolerate_inplace_aliasing)
    if isinstance(op, DimShuffle):
        order: list[Any] = ["x"] * base.ndim
        for place, axis in enumerate(op.new_order):
            if axis != "x" and place >= more:
                order[axis] = place - more
        made = inc_subtensor(base, y.dimshuffle(order), *options).dimshuffle(op.new_order)
        return _written_where_it_lies(made, x.owner, y, set_instead_of_inc)
    if isinstance(op, Reshape):
        flat = y
        if y.ndim:
            full = alloc(y, *(x.shape[k] for k in range(x.ndim)))
            flat = full.reshape(base.shape, base.ndim)
        made = inc_subtensor(base, flat, *options)
        return _rows_written(made, x, y, set_instead_of_inc)
    raise TypeError("x must be the result of a subtensor operation")


def _written_where_it_lies(made: Any, owner: Apply, y: Any, sets: bool) -> Any:
    """Return an array with columns written, which are written without moving axes about."""
    inner = owner.inputs[0].owner
    if inner is None or not isinstance(inner.op, AdvancedSubtensor1):
        return made
    rows, source = inner.inputs[1], inner.inputs[0].owner
    if source is None or source.op != owner.op:
        return made
    base, axis = source.inputs[0].tensor, owner.op.new_order.index(0)
    key = (*[slice(None)] * axis, rows.tensor)
    return computed_as(made, _written(base, key, y.tensor, sets=sets))


def _rows_written(made: Any, x: Any, y: Any, sets: bool) -> Any:
    """Return an array with rows of an array of integers written, which is not made flat."""
    inner = x.owner.inputs[0].owner
    if not isinstance(inner.op, AdvancedSubtensor1) or inner.inputs[1].owner is None:
        return made
    base, (rows, *_) = inner.inputs[0], inner.inputs[1].owner.inputs
    if rows.type.dtype not in _INTEGERS or rows.ndim + base.ndim - 1 != x.ndim:
        return made
    if inner.inputs[1].owner.op != x.owner.op.__class__(1):
        return made
    return computed_as(made, _written(base.tensor, rows.tensor, y.tensor, sets=sets))


_WRITES: dict[Any, Any] = {
    AdvancedSubtensor1: AdvancedIncSubtensor1,
    AdvancedSubtensor: AdvancedIncSubtensor,
    AdvancedBooleanSubtensor: AdvancedBooleanIncSubtensor,
}

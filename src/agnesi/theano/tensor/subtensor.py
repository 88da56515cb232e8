"""Parts of arrays: reading, setting and adding to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.theano.gof.graph import Constant, Variable
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.shapes import elements_of, make_vector, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Slot:
    """The place of a variable in a key."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"#{self.number}"


class AdvancedIndexingError(TypeError):
    """A key that needs integers or bools in arrays."""


class BaseSubtensor(FunctionOp):
    """A part of an array.

    Attributes:
        key: what stands in the brackets, with variables taken out.
    """

    def __init__(self, name: str, key: Any) -> None:
        self.key = key
        super().__init__(name, self._build)
        self.props = {"key": key}
        self.idx_list = key if isinstance(key, tuple) else (key,)

    def _build(self, x: ag.Tensor, *rest: ag.Tensor) -> ag.Tensor:
        return x[_filled(self.key, rest)]


class Subtensor(BaseSubtensor):
    """A part that numbers and slices say."""


class AdvancedSubtensor(BaseSubtensor):
    """A part that arrays of integers say."""


class AdvancedSubtensor1(BaseSubtensor):
    """Rows that a vector of integers says."""


class IncSubtensor(FunctionOp):
    """An array with a part set, or added to."""

    def __init__(self, name: str, key: Any, *, sets: bool) -> None:
        self.key, self.set_instead_of_inc = key, sets
        super().__init__(name, self._build)
        self.props = {"key": key, "set": sets}

    def _build(self, x: ag.Tensor, y: ag.Tensor, *rest: ag.Tensor) -> ag.Tensor:
        at = x.at[_filled(self.key, rest)]
        y = ag.astype(y, x.dtype)
        return at.set(y) if self.set_instead_of_inc else at.add(y)


class AdvancedIncSubtensor(IncSubtensor):
    """The same where arrays of integers say the part."""


class AdvancedIncSubtensor1(IncSubtensor):
    """The same where a vector of integers says rows."""


def _filled(key: Any, tensors: Sequence[ag.Tensor]) -> Any:
    """Return a key with tensors in the places of variables."""
    if isinstance(key, _Slot):
        found = tensors[key.number]
        return whole(found) if not found.ndim and found.dtype.is_integer else found
    if isinstance(key, tuple):
        return tuple(_filled(k, tensors) for k in key)
    if isinstance(key, slice):
        return slice(*(_filled(k, tensors) for k in (key.start, key.stop, key.step)))
    return key


def _taken_apart(key: Any, found: list[Any]) -> Any:
    """Return a key with variables taken out, which are noted."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    if isinstance(key, Variable):
        if getattr(key, "tensor", None) is None:
            return getattr(key, "data", None)
        constant = getattr(key, "data", None)
        if (
            constant is not None
            and np.ndim(constant) == 0
            and np.asarray(constant).dtype.kind in "iu"
        ):
            return int(constant)
        found.append(key)
        return _Slot(len(found) - 1)
    if isinstance(key, tuple):
        return tuple(_taken_apart(k, found) for k in key)
    if isinstance(key, slice):
        parts = [_bound(part, found) for part in (key.start, key.stop, key.step)]
        return slice(*parts)
    if isinstance(key, list | np.ndarray):
        if isinstance(key, list) and any(isinstance(k, Variable) for k in key):
            return _taken_apart(as_tensor_variable(key), found)
        array = np.asarray(key)
        if not array.size and isinstance(key, list):
            array = array.astype(np.int64)
        if array.ndim == 0 and array.dtype.kind in "iu":
            return int(array)
        if array.dtype.kind not in "iub":
            raise TypeError("Expected an integer or bool array as an index", key)
        return array
    if key is None or key is Ellipsis or isinstance(key, bool | np.bool_):
        if isinstance(key, bool | np.bool_):
            raise TypeError("Boolean scalars are no indices: use np.array or a variable.")
        return key
    if isinstance(key, int | np.integer):
        return int(key)
    raise TypeError(
        f"Expected an integer, slice, None, Ellipsis, array or variable as an index, not {key!r}"
    )


def _bound(part: Any, found: list[Any]) -> Any:
    if part is None:
        return None
    if isinstance(part, Variable):
        if part.tensor is None:
            return None
        if part.ndim or part.dtype not in _INTEGERS:
            raise TypeError(f"Expected an integer scalar as the bound of a slice, not {part.type}")
    elif isinstance(part, float | np.floating) or np.ndim(part):
        raise TypeError(f"Expected an integer as the bound of a slice, not {part!r}")
    return _taken_apart(part, found)


_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _kind(key: Any, found: Sequence[Any]) -> str:
    """Return whether a key is basic, a vector of integers alone, or another one."""
    items = key if isinstance(key, tuple) else (key,)
    advanced = [
        k
        for k in items
        if isinstance(k, np.ndarray) or (isinstance(k, _Slot) and _is_array(found[k.number]))
    ]
    if not advanced:
        return "basic"
    if len(items) == 1:
        only = advanced[0]
        one = only if isinstance(only, np.ndarray) else found[only.number]
        if one.ndim == 1 and str(one.dtype) != "bool":
            return "vector"
    return "other"


def _is_array(variable: Any) -> bool:
    return variable.ndim > 0 or variable.dtype == "bool"


_READ: dict[str, Callable[[Any], BaseSubtensor]] = {
    "basic": lambda key: Subtensor("Subtensor", key),
    "vector": lambda key: AdvancedSubtensor1("AdvancedSubtensor1", key),
    "other": lambda key: AdvancedSubtensor("AdvancedSubtensor", key),
}
_WRITE: dict[str, tuple[type[IncSubtensor], str]] = {
    "basic": (IncSubtensor, "IncSubtensor"),
    "vector": (AdvancedIncSubtensor1, "AdvancedIncSubtensor1"),
    "other": (AdvancedIncSubtensor, "AdvancedIncSubtensor"),
}


def subtensor(x: Any, args: Any) -> Any:
    """Return a part of an array."""
    args, unknown = _opened(args)
    if unknown:
        return _sliced(x, args, unknown)
    known = elements_of(x) if x.ndim == 1 and "elements" in x.__dict__ else None
    if known is not None:
        part = _of_elements(known, args)
        if part is not None:
            return part
    if isinstance(args, list) and any(isinstance(a, slice) for a in args):
        # As NumPy once did: a list with slices is a key of several axes.
        args = tuple(args)
    found: list[Any] = []
    key = _taken_apart(args, found)
    for variable in found:
        if variable.dtype not in (*_INTEGERS, "bool"):
            raise TypeError(
                f"Expected an integer or bool as an index, not {variable} of {variable.type}"
            )
    items = key if isinstance(key, tuple) else (key,)
    if sum(_axes(k, found) for k in items) > x.ndim:
        raise IndexError("too many indices for array")
    return _READ[_kind(key, found)](key)(x, *found)


def _opened(key: Any) -> tuple[Any, list[Any]]:
    """Return a key with slices and Nones in the places of variables, and the slices not known."""
    if not any(isinstance(k, Variable) and k.type.is_object for k in _items(key)):
        return key, []
    from agnesi.theano.tensor.type_other import bounds_of

    parts = [
        bounds_of(k) if isinstance(k, Variable) and k.type.is_object else k for k in _items(key)
    ]
    unknown = [k for k, p in zip(_items(key), parts, strict=True) if p is None and not _is_none(k)]
    if unknown:
        return key, unknown
    return (tuple(parts) if isinstance(key, tuple) else parts[0]), []


def _items(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _is_none(key: Any) -> bool:
    return key is None or (isinstance(key, Constant) and key.data is None)


def _sliced(x: Any, key: Any, unknown: list[Any]) -> Any:
    """Return a part of an array at slices that are given when a function is called."""
    from agnesi.theano.tensor.type_other import Sliced, SliceType

    for item in _items(key):
        if not (isinstance(item, Variable) and isinstance(item.type, SliceType)):
            raise TypeError(
                f"beside slices that are given to the function an index has no {item!r}: read twice"
            )
    if len(unknown) > x.ndim:
        raise IndexError("too many indices for array")
    return Sliced(tuple(range(len(unknown))))(x, *_items(key))


def _axes(item: Any, found: Sequence[Any]) -> int:
    """Return how many axes an item of a key takes."""
    if item is None or item is Ellipsis:
        return 0
    array = found[item.number] if isinstance(item, _Slot) else item
    return array.ndim if str(getattr(array, "dtype", "")) == "bool" else 1


def _of_elements(known: tuple[Any, ...], args: Any) -> Any:
    """Return an element, or some, of a vector whose elements are known one by one."""
    if isinstance(args, tuple) and len(args) == 1:
        args = args[0]
    if isinstance(args, Variable) and hasattr(args, "data") and not args.ndim:
        args = int(args.data)
    if isinstance(args, int | np.integer) and not isinstance(args, bool):
        if not -len(known) <= args < len(known):
            raise IndexError(f"index {args} of a vector of {len(known)}")
        return known[int(args)]
    if isinstance(args, slice) and all(
        part is None or isinstance(part, int | np.integer)
        for part in (args.start, args.stop, args.step)
    ):
        return make_vector(known[args])
    return None


def set_subtensor(
    x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False
) -> Any:
    """Return an array with a part set: of ``x[key]`` and ``y``, ``x`` with ``x[key] = y``."""
    return inc_subtensor(
        x,
        y,
        inplace=inplace,
        set_instead_of_inc=True,
        tolerate_inplace_aliasing=tolerate_inplace_aliasing,
    )


def inc_subtensor(
    x: Any,
    y: Any,
    inplace: bool = False,
    set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Any:
    """Return an array with ``y`` added to a part: ``x`` with ``x[key] += y``.

    Indices that come more than once add up.

    Raises:
        TypeError: ``x`` is no part of an array, or ``y`` does not fit it.
    """
    from agnesi.theano.tensor.basic import as_tensor_variable
    from agnesi.theano.tensor.elemwise import DimShuffle

    del inplace, tolerate_inplace_aliasing
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if y.ndim > x.ndim:
        raise TypeError(
            f"Trying to increment a {x.ndim}-dimensional subtensor with a {y.ndim}-dimensional "
            "value."
        )
    owner = x.owner
    if owner is None:
        raise TypeError("x must be the result of a subtensor operation")
    if isinstance(owner.op, BaseSubtensor):
        key, base, rest = owner.op.key, owner.inputs[0], owner.inputs[1:]
        make, name = _WRITE[_kind(key, rest)]
        return make(name, key, sets=set_instead_of_inc)(base, y, *rest)
    if isinstance(owner.op, DimShuffle) and not owner.op.drop:
        return _below_dimshuffle(owner, y, set_instead_of_inc)
    if str(owner.op).startswith("Reshape"):
        base = owner.inputs[0]
        return inc_subtensor(
            base,
            y.reshape(base.shape, ndim=base.ndim) if y.ndim else y,
            set_instead_of_inc=set_instead_of_inc,
        )
    raise TypeError("x must be the result of a subtensor operation")


def _below_dimshuffle(owner: Any, y: Any, sets: bool) -> Any:
    order = owner.op.new_order
    full = (
        y if y.ndim == len(order) else y.dimshuffle(*["x"] * (len(order) - y.ndim), *range(y.ndim))
    )
    back = [order.index(axis) for axis in range(owner.inputs[0].ndim)]
    moved = (
        full.dimshuffle(*back)
        if all(full.broadcastable[k] for k, o in enumerate(order) if o == "x")
        else full[tuple(0 if o == "x" else slice(None) for o in order)]
    )
    return inc_subtensor(owner.inputs[0], moved, set_instead_of_inc=sets)


def advanced_subtensor1(x: Any, ilist: Any) -> Any:
    """Return rows."""
    return subtensor(x, ilist)


def advanced_inc_subtensor1(x: Any, y: Any, ilist: Any) -> Any:
    """Return an array with ``y`` added to rows."""
    return inc_subtensor(subtensor(x, ilist), y)


def advanced_set_subtensor1(x: Any, y: Any, ilist: Any) -> Any:
    """Return an array with rows set."""
    return set_subtensor(subtensor(x, ilist), y)


def take(a: Any, indices: Any, axis: int | None = None, mode: Any = "raise") -> Any:
    """Return elements at integers along an axis, or of all in one row."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    a, indices = as_tensor_variable(a), as_tensor_variable(indices)
    build: Any = lambda t, i: ag.take(t, i, axis, mode=mode)  # noqa: E731
    return FunctionOp("Take", build, axis=axis, mode=mode)(a, indices)

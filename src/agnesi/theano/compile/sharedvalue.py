"""Shared variables: values that live between calls, of any size, or any Python object.

A variable of arrays has open sizes in expressions, as Theano's has: its value may be replaced by
one of another shape.  A compiled function takes the sizes that the value has as known, and is
compiled once more if they change (:class:`agnesi.theano.compile.function_module.Function`).
"""

from __future__ import annotations

import copy
import importlib
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary

import numpy as np

from agnesi.compile.shared import Cell, Shared
from agnesi.core.dtypes import as_dtype
from agnesi.dims.dim import renewed_symbol
from agnesi.graph.leaves import fresh_uid, own_sizes
from agnesi.graph.types import TensorType as Kind
from agnesi.theano.gof import objects
from agnesi.theano.gof.graph import Variable, scratchpad
from agnesi.theano.gof.type import generic
from agnesi.theano.tensor.type import TensorType
from agnesi.theano.tensor.var import _tensor_py_operators

if TYPE_CHECKING:
    from collections.abc import Callable

# Of the numbers that stand for objects.
_NUMBERS = TensorType(objects.DTYPE, ())
_of_tensor: WeakValueDictionary[int, SharedVariable] = WeakValueDictionary()


def variable_of(tensor: Any) -> SharedVariable | None:
    """Return the shared variable that a leaf of agnesi belongs to."""
    found = _of_tensor.get(id(tensor))
    return found if found is not None and found.tensor is tensor else None


class Container:
    """Where a variable keeps its value: ``container.value``, or ``container.storage[0]``.

    Attributes:
        type: what may be kept.
        storage: a list with the value, which functions may share.
        name: of the variable.
        readonly: whether the value may not be set.
        strict: whether values have to be of the very type.
        allow_downcast: whether they may lose precision.
    """

    def __init__(
        self,
        r: Any,
        storage: list[Any],
        readonly: bool = False,
        strict: bool = False,
        allow_downcast: Any = None,
        name: str | None = None,
    ) -> None:
        given: Any = storage
        if not isinstance(given, list) or not given:
            raise TypeError("storage must be a list of length at least one")
        variable = isinstance(r, Variable)
        self.type = r.type if variable else r
        self.name = r.name if name is None and variable else name
        self.storage, self.readonly = storage, readonly
        self.strict, self.allow_downcast = strict, allow_downcast

    @property
    def value(self) -> Any:
        """The value."""
        return self.storage[0]

    @value.setter
    def value(self, value: Any) -> None:
        if self.readonly:
            raise Exception(f"Cannot set readonly storage: {self.name}")
        if value is not None:
            value = self.type.filter(value, self.strict, self.allow_downcast)
        self.storage[0] = value

    data = value

    def __str__(self) -> str:
        return f"<{self.storage[0]}>"

    def __repr__(self) -> str:
        return f"<{self.storage[0]!r}>"


class _Cell(list[Any]):
    """A list with the value of a shared variable."""

    def __init__(self, variable: Any) -> None:
        super().__init__([None])
        self.variable = variable

    def __getitem__(self, place: Any) -> Any:
        return [self.variable.get_value(borrow=True)][place]

    def __setitem__(self, place: Any, value: Any) -> None:
        self.variable.set_value(value, borrow=True)

    def __iter__(self) -> Any:
        return iter([self[0]])

    def __reduce__(self) -> Any:
        return _Cell, (self.variable,)


class SharedContainer(Container):
    """Where a shared variable keeps its value."""

    def __init__(self, variable: Any) -> None:
        super().__init__(variable, _Cell(variable), False, variable.strict, variable.allow_downcast)
        self.variable = variable

    def __reduce__(self) -> Any:
        return _container_of, (self.variable,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self.variable, memo).container


def _container_of(variable: Any) -> Container:
    return variable.container


class SharedVariable(Variable):
    """A variable with a value, which functions read and update.

    Attributes:
        default_update: what functions that use it update it to, unless they say otherwise.
        container: where the value is.
    """

    def __init__(
        self,
        name: str | None,
        type: Any,
        value: Any,
        strict: bool,
        allow_downcast: Any = None,
        container: Any = None,
    ) -> None:
        self.strict, self.allow_downcast = strict, allow_downcast
        self.users: WeakSet[Any] = WeakSet()
        self._default_update: Any = None
        held = container.value if container is not None else value
        super().__init__(type, None, None, name, self._make(type, held, name))
        self.container = SharedContainer(self)
        if self.tensor is not None:
            _of_tensor[id(self.tensor)] = self

    def _make(self, kind: Any, value: Any, name: str | None) -> Any:
        """Return the leaf of agnesi that holds the value, or the number that stands for it."""
        if kind.is_object:
            self.kept = objects.Kept(value)
            self.known = {}
            return _leaf(_NUMBERS, np.asarray(self.kept.number, np.int64), name)
        array = kind.filter(value, self.strict, self.allow_downcast)
        self.known = {}
        return _leaf(kind, array, name)

    @property
    def default_update(self) -> Any:
        """What functions update it to by themselves; None for nothing."""
        return self._default_update

    @default_update.setter
    def default_update(self, value: Any) -> None:
        self._default_update = None if value is None else self.filter_update(value)

    @default_update.deleter
    def default_update(self) -> None:
        self._default_update = None

    def filter_update(self, update: Any) -> Any:
        """Return an update as a variable of this one's type."""
        if not isinstance(update, Variable):
            update = self.type.Constant(type=self.type, data=update)
        if update.type != self.type:
            made = self.type.convert_variable(update)
            same = (
                made is None
                and isinstance(update.type, TensorType)
                and isinstance(self.type, TensorType)
                and update.type.dtype == self.type.dtype
                and update.type.ndim == self.type.ndim
            )
            if same:
                return update
            if made is None:
                raise TypeError(
                    "An update must have the same type as the original shared variable "
                    f"(shared_var={self}, shared_var.type={self.type}, update_val={update}, "
                    f"update_val.type={update.type}). If the difference is related to the "
                    "broadcast pattern, you can call the tensor.unbroadcast(var, "
                    "axis_to_unbroadcast[, ...]) function to remove broadcastable dimensions."
                )
            return made
        return update

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """Return the value: a copy, unless it is borrowed."""
        del return_internal_type
        if self.type.is_object:
            return self.kept.value if borrow else copy.deepcopy(self.kept.value)
        return self.tensor.get_value(borrow=borrow)

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the value, also by one of another shape.

        Raises:
            TypeError: it has another dtype or number of axes; the old one is kept.
        """
        if self.type.is_object:
            value = self.type.filter(new_value, self.strict, self.allow_downcast)
            self.kept.value = value if borrow else copy.deepcopy(value)
            return
        array = self.type.filter(new_value, self.strict, self.allow_downcast)
        before = self.tensor.cell.array.shape
        self.tensor.set_value(array, borrow=borrow and array is new_value)
        if array.shape != before:
            self.users_but(None)

    def take_over(self) -> None:
        """Keep the object whose number a call has put here."""
        cell = self.tensor.cell
        if int(cell.array) != self.kept.number:
            self.kept.value = objects.object_of(cell.array)
            cell.array = np.asarray(self.kept.number, np.int64)

    # The variable of which it is a part, for a part of a sparse matrix.
    belongs_to: Any = None

    def tensor_updates(self, update: Any) -> list[tuple[Any, Any]]:
        """Return the leaf of agnesi, and what it becomes for a new value; nothing for no array."""
        return [] if self.tensor is None else [(self.tensor, update.tensor)]

    def users_but(self, one: Any) -> None:
        """Tell the functions that use it, but for one, that its shape has changed."""
        for user in list(self.users):
            if user is not one:
                user.sizes_changed()

    value = property(
        lambda self: self.get_value(), lambda self, value: self.set_value(value), doc="The value."
    )

    def specialised(self) -> Any:
        """Return a leaf of agnesi with the same memory whose sizes are known."""
        cell: Cell = self.tensor.cell
        shape = cell.array.shape
        if shape not in self.known:
            kind = Kind(self.tensor.dtype, shape)
            self.known[shape] = Shared(self.tensor.label, kind, fresh_uid(), cell)
        return self.known[shape]

    def zero(self, borrow: bool = False) -> None:
        """Set all elements to 0."""
        self.set_value(0 * self.get_value(borrow=True), borrow=borrow)

    def clone(self) -> SharedVariable:
        """Return another variable for the same value."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.tag = copy.copy(self.tag)
        return made

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for gone in ("users", "known", "kept", "container"):
            state.pop(gone, None)
        if self.type.is_object:
            state["_value"] = self.get_value(borrow=True)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("container"), Container):
            self._restore_from_theano(state)
            return
        value = state.pop("_value", None)
        self.__dict__.update(state)
        self.users, self.known = WeakSet(), {}
        self.container = SharedContainer(self)
        if self.type.is_object:
            made = self._make(self.type, value, self._name)
            self.tensor.set_value(made.get_value())
        # The leaf that expressions in the file are made of too.
        own_sizes(self.tensor)
        _of_tensor[id(self.tensor)] = self

    def _restore_from_theano(self, state: dict[str, Any]) -> None:
        """Become what Theano itself has pickled: its container has the value."""
        held, kind = state["container"], state["type"]
        if isinstance(kind, TensorType):
            kind = TensorType(kind.dtype, tuple(kind.broadcastable))
        name = state.get("name")
        SharedVariable.__init__(
            self, name, kind, held.storage[0], bool(held.strict), held.allow_downcast
        )
        self.tag = state["tag"]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made = type(self)(
            self.name, self.type, copy.deepcopy(self.get_value(borrow=True), memo), self.strict
        )
        memo[id(self)] = made
        made.tag = copy.deepcopy(self.tag, memo)
        return made

    __hash__ = object.__hash__


def _leaf(kind: TensorType, array: Any, name: str | None) -> Shared:
    sizes = tuple(
        1 if one else renewed_symbol(f"{name or 'shared'}.{axis}")
        for axis, one in enumerate(kind.broadcastable)
    )
    fresh = np.array(array, order="C")
    made = Shared(name, Kind(as_dtype(kind.dtype), sizes), fresh_uid(), Cell(fresh))
    own_sizes(made)
    return made


class TensorSharedVariable(_tensor_py_operators, SharedVariable):
    """A shared array."""

    __hash__ = object.__hash__


class ScalarSharedVariable(TensorSharedVariable):
    """A shared number."""

    __hash__ = object.__hash__


# -- shared() ------------------------------------------------------------------------------------


def tensor_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: Any = None,
    borrow: bool = False,
    broadcastable: Any = None,
    target: str = "cpu",
) -> TensorSharedVariable:
    """Return the shared variable of an array."""
    del borrow
    if target not in ("cpu", None):
        raise TypeError("not for cpu")
    if not isinstance(value, np.ndarray):
        raise TypeError
    if value.dtype.kind not in "biufc":
        raise TypeError(f"an array of {value.dtype}")
    pattern = (False,) * value.ndim if broadcastable is None else broadcastable
    return TensorSharedVariable(
        name, TensorType(value.dtype.name, pattern), np.array(value), strict, allow_downcast
    )


def scalar_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: Any = None,
    borrow: bool = False,
    target: str = "cpu",
) -> ScalarSharedVariable:
    """Return the shared variable of a number: of Python's own in 64 bits."""
    del borrow
    if target not in ("cpu", None):
        raise TypeError("not for cpu")
    if not isinstance(value, np.number | np.bool_ | float | int | complex):
        raise TypeError
    dtype = getattr(value, "dtype", None) or np.asarray(value).dtype
    array = np.asarray(value, dtype)
    return ScalarSharedVariable(name, TensorType(str(dtype), ()), array, strict, allow_downcast)


def generic_constructor(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: Any = None
) -> SharedVariable:
    """Return the shared variable of any object."""
    return SharedVariable(name, generic, value, strict, allow_downcast)


def shared_constructor(ctor: Callable[..., Any], remove: bool = False) -> Callable[..., Any]:
    """Have ``shared`` try another constructor first."""
    if remove:
        shared.constructors.remove(ctor)  # type: ignore[attr-defined]
    else:
        shared.constructors.append(ctor)  # type: ignore[attr-defined]
    return ctor


def shared(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: Any = None,
    **kwargs: Any,
) -> Any:
    """Return a shared variable with an initial value.

    Args:
        value: an array or number; any other object is held as it is.
        name: of the variable.
        strict: whether later values have to be of the very type.
        allow_downcast: whether later values may lose precision.
        **kwargs: ``borrow``, ``broadcastable``, ``target``.

    Raises:
        TypeError: the value is a symbolic variable.
    """
    if isinstance(value, Variable):
        raise TypeError(
            "Shared variable constructor needs numeric values and not symbolic variables."
        )
    if hasattr(value, "getnnz"):
        # Matrices of SciPy have a constructor, which comes with what is imported here.
        importlib.import_module("agnesi.theano.sparse")
    for ctor in reversed(shared.constructors):  # type: ignore[attr-defined]
        try:
            made = ctor(value, name=name, strict=strict, allow_downcast=allow_downcast, **kwargs)
        except TypeError:
            continue
        made.tag = scratchpad()
        return made
    raise TypeError(
        "No suitable SharedVariable constructor could be found. Are you sure all kwargs are "
        f"supported? value={value!r}, parameters={kwargs}"
    )


shared.constructors = [  # type: ignore[attr-defined]
    lambda value, name, strict, allow_downcast, borrow=False: generic_constructor(
        value, name, strict, allow_downcast
    ),
    scalar_constructor,
    tensor_constructor,
]

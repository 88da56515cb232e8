"""Shared variables: values that live between calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from agnesi.core.dtypes import (
    DEFAULT_COMPLEX,
    DEFAULT_FLOAT,
    DEFAULT_INTEGER,
    DType,
    as_dtype,
    is_numeric,
)
from agnesi.core.errors import CallError, FunctionError
from agnesi.dims.dim import Size, fresh_symbol
from agnesi.graph.graph import rebuild
from agnesi.graph.leaves import Leaf, fresh_uid, own_sizes
from agnesi.graph.tensor import Array, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.runtime.memory import copied
from agnesi.runtime.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cell:
    """Holds the array of a shared variable where generated code finds it.

    The only element of an object array is the array itself: its address never changes, what it
    points to may.
    """

    def __init__(self, array: Array) -> None:
        self.slot = np.empty(1, dtype=object)
        self.slot[0] = array
        self.turn = Turn()

    @property
    def array(self) -> Array:
        """The present array."""
        return self.slot[0]

    @array.setter
    def array(self, value: Array) -> None:
        self.slot[0] = value

    @property
    def address(self) -> int:
        """Of the pointer to the array."""
        return self.slot.ctypes.data

    def copied(self) -> Array:
        """Return a copy of the array, as it is between two calls."""
        with self.turn.held(written=False):
            return copied(self.array, self.array.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return Cell, (self.copied(),)


# Where a variable keeps its default update.
_DEFAULT = "_default_update"


class Shared(Leaf):
    """A symbolic variable with a value that functions read and update.

    Made by :func:`shared`.  Its value is a NumPy array in C order, of the dtype and shape of its
    type.

    Attributes:
        default_update: the value that a function which uses the variable gives it when it is
            called, unless its own ``updates`` name the variable or ``no_default_updates`` excludes
            it; None for none.  It can be set.
    """

    label: str | None
    declared: TensorType
    uid: int
    cell: Cell

    def infer(self) -> TensorType:
        """The declared type."""
        return self.declared

    @property
    def name(self) -> str | None:
        """The name the user gave."""
        return self.label

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The present value."""
        return self.cell.array

    @property
    def default_update(self) -> Tensor | None:
        """What functions update the variable to by themselves."""
        return self.__dict__.get(_DEFAULT)

    def set_default_update(self, value: Any) -> None:
        """Set what functions update the variable to by themselves; None for nothing.

        ``variable.default_update = value`` does the same.

        Raises:
            FunctionError: no expression; its type is checked where a function is compiled.

        >>> calls = ag.shared(0, "calls")
        >>> calls.set_default_update(calls + 1)
        >>> f = ag.function([], calls * 10)
        >>> f(), f(), calls.get_value()
        (array(0), array(10), array(2))
        """
        if value is not None and not isinstance(value, Tensor):
            raise FunctionError(
                f"default_update: of {self!r} is an expression of its type, not {value!r}"
            )
        self.__dict__[_DEFAULT] = value

    def __setattr__(self, name: str, value: object) -> None:
        if name == "default_update":
            self.set_default_update(value)
        else:
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.default_update is None:
            return type(self), self.args
        return type(self), self.args, {_DEFAULT: self.default_update}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def get_value(self, borrow: bool = False) -> Array:
        """Return the value.

        Args:
            borrow: give the array itself rather than a copy; functions go on changing it.
        """
        if not borrow:
            return self.cell.copied()
        with self.cell.turn.held(written=False):
            return self.cell.array

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Replace the value.

        Args:
            value: an array of the variable's type.
            borrow: use the array itself, where it is in C order and writable, rather than a copy;
                functions then change it in place.  No other shared variable may hold it too:
                each counts on memory of its own.

        Raises:
            CallError: the value has another dtype, rank or size; the old one is kept.
        """
        fresh = _fitting(value, self.declared, self, borrow)
        with self.cell.turn.held(written=True):
            self.cell.array = fresh

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = type(self)(self.label, self.declared, fresh_uid(), Cell(self.cell.copied()))
        memo[id(self)] = copied
        if self.default_update is not None:
            copied.set_default_update(rebuild([self.default_update], {self: copied})[0])
        return copied


def _fitting(value: Any, declared: TensorType, variable: Tensor, borrow: bool) -> Array:
    array = np.asarray(value)
    weak = not isinstance(value, np.ndarray | np.generic)
    wanted = declared.dtype.numpy
    fits = (
        array.ndim == declared.ndim
        and all(
            not isinstance(s, int) or s == n
            for s, n in zip(declared.shape, array.shape, strict=True)
        )
        and np.can_cast(array.dtype, wanted, "same_kind" if weak else "safe")
    )
    if not fits:
        raise CallError(
            f"set_value: {variable!r} cannot hold {array.dtype.name}{list(array.shape)}\n"
            f"  it holds {declared}; convert the array, or make another shared variable"
            "\n  (sizes that change: ag.shared(value, shape=(None, 784)))"
        )
    return owned(array, declared.dtype, copy=not borrow)


def owned(array: Array, dtype: DType, *, copy: bool) -> Array:
    """Return a writable, aligned array in C order; the given one itself if asked and possible."""
    usable = (
        type(array) is np.ndarray
        and array.dtype == dtype.numpy
        and array.flags.c_contiguous
        and array.flags.writeable
        and array.flags.aligned
    )
    if usable and not copy:
        return array
    return copied(array, dtype.numpy)


def shared(
    value: Any,
    name: str | None = None,
    *,
    dtype: Any = None,
    shape: Sequence[int | None] | None = None,
    borrow: bool = False,
) -> Shared:
    """Return a shared variable with an initial value.

    Args:
        value: array, list or number.  Python floats become float32, integers int64.
        name: shown in messages and printed graphs.
        dtype: element type; the value's own by default.
        shape: None for each size that may change; by default the sizes are those of the value,
            and are constants in compiled code.
        borrow: hold the array itself rather than a copy.

    Raises:
        FunctionError: the value is not an array of numbers or bools, or contradicts the shape.

    >>> count = ag.shared(0, "count")
    >>> step = ag.function([], count, updates=[(count, count + 1)])
    >>> step(), step(), count.get_value()
    (array(0), array(1), array(2))
    """
    if isinstance(value, Tensor):
        raise FunctionError(f"shared: the value is an array, but this is the symbolic {value!r}")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise FunctionError(f"shared: the value {value!r} is not an array: {error}") from error
    if not is_numeric(array.dtype):
        raise FunctionError(
            f"shared: a value of type {type(value).__name__} ({array.dtype}) is not an array "
            "of numbers or bools"
        )
    kind = as_dtype(dtype if dtype is not None else _default(value, array))
    sizes: list[Size] = list(array.shape)
    if shape is not None:
        if len(shape) != array.ndim or any(
            s is not None and s != n for s, n in zip(shape, array.shape, strict=True)
        ):
            raise FunctionError(f"shared: a value of shape {array.shape} contradicts shape={shape}")
        sizes = [
            fresh_symbol(f"{name or 'shared'}.{k}") if s is None else s for k, s in enumerate(shape)
        ]
    own = owned(array, kind, copy=not borrow)
    made = Shared(name, TensorType(kind, tuple(sizes)), fresh_uid(), Cell(own))
    own_sizes(made)
    return made


def _default(value: Any, array: Array) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return array.dtype
    return {"c": DEFAULT_COMPLEX, "f": DEFAULT_FLOAT, "i": DEFAULT_INTEGER}.get(
        array.dtype.kind, array.dtype
    )

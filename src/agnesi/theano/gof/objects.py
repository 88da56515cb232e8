"""Python objects in compiled functions: native code hands on numbers that stand for them.

What is no array - a list of arrays, a slice, any object - is a number to native code, a scalar of
int64.  Python ops in its midst look up what their operands' numbers stand for, and put what they
make under new ones; the order in which things are computed follows from the numbers alone.  What
is made in a call is forgotten when the call is over and its results are looked up.

before: f(["a", b])        what the program says
below:  native(7)          7 stands for the list; an op gives 8, say, and an array
after:  objects 7 and 8 are gone, the array stays
"""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary, finalize

import numpy as np

from agnesi.core.dtypes import as_dtype
from agnesi.graph.leaves import Constant, new_input
from agnesi.graph.types import TensorType

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

DTYPE = "int64"
# Numbers differ between processes, so that one of another process is told as such.
_numbers = itertools.count(int.from_bytes(os.urandom(4), "little") << 28)
_objects: dict[int, Any] = {}
# What stands for equal plain values, while somebody holds it.
_constants: WeakValueDictionary[Any, Kept] = WeakValueDictionary()


class ObjectConstant(Constant):
    """A constant that stands for an object; pickled, it takes the object along."""

    def __reduce__(self) -> tuple[Any, ...]:
        return constant_tensor, (object_of(self.value),)


class _Calls(threading.local):
    """The calls that this thread is in: what each has made."""

    def __init__(self) -> None:
        self.stack: list[Call] = []


_calls = _Calls()


class Call:
    """A call of a function: what is made in it is forgotten at its end."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def __enter__(self) -> Call:
        _calls.stack.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _calls.stack.pop()
        for number in self.made:
            del _objects[number]


def present_call() -> Call | None:
    """Return the call that this thread is in."""
    return _calls.stack[-1] if _calls.stack else None


def number_of(value: Any) -> int:
    """Return a new number for an object: until the present call ends, or for good without one."""
    number = next(_numbers)
    _objects[number] = value
    call = present_call()
    if call is not None:
        call.made.append(number)
    return number


class Kept:
    """An object that is kept under a number as long as somebody holds this.

    Attributes:
        number: stands for the object.
    """

    def __init__(self, value: Any) -> None:
        self.number = next(_numbers)
        _objects[self.number] = value
        finalize(self, _objects.pop, self.number, None)

    @property
    def value(self) -> Any:
        """The object."""
        return _objects[self.number]

    @value.setter
    def value(self, value: Any) -> None:
        _objects[self.number] = value


def object_of(number: Any) -> Any:
    """Return the object that a number stands for.

    Raises:
        RuntimeError: it stands for none: it was made by another process, or by a call that is over.
    """
    try:
        return _objects[int(number)]
    except KeyError:
        raise RuntimeError(
            "a Python object of a compiled function is gone: it belongs to another process, or to "
            "a call that is over"
        ) from None


def encoded(value: Any) -> Any:
    """Return what native code is given for an object."""
    return np.asarray(number_of(value), np.int64)


def input_tensor(name: str | None) -> Tensor:
    """Return an input of agnesi that stands for an object."""
    return new_input(name, TensorType(as_dtype(DTYPE), ()))


def constant_tensor(value: Any) -> Tensor:
    """Return a constant of agnesi that stands for an object: the same for equal plain values."""
    key = _key(value)
    kept = Kept(value) if key is None else _constants.get(key) or Kept(value)
    if key is not None:
        _constants[key] = kept
    data = np.asarray(kept.number, np.int64).tobytes()
    made = ObjectConstant(data, TensorType(as_dtype(DTYPE), ()))
    made.__dict__["kept"] = kept
    return made


def _key(value: Any) -> Any:
    """Return what is equal for equal values that never change; None for others."""
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return ("slice", parts) if all(p is None or type(p) is int for p in parts) else None
    if value is None or isinstance(value, str | bytes | int | float):
        return type(value), value
    return None

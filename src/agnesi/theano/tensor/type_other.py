"""Slices and None as variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.gof.type import Generic, Type
from agnesi.theano.gradient import DisconnectedType
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import as_tensor_variable


def as_int_none_variable(x: Any) -> Any:
    """Return a bound of a slice as a variable: an integer, or :data:`NoneConst`.

    Raises:
        TypeError: it is neither.
    """
    if x is None or NoneConst.equals(x):
        return NoneConst
    found = as_tensor_variable(x, ndim=0)
    if np.dtype(found.dtype).kind not in "iu":
        raise TypeError("index must be integers")
    return found


class MakeSlice(Op):
    """Makes a slice of its bounds, each an integer or None."""

    __props__ = ()

    def make_node(self, slc: Any, stop: Any = None, step: Any = None) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application to a slice, or to three bounds."""
        bounds = [slc, stop, step]
        if isinstance(slc, slice):
            if stop is not None or step is not None:
                raise AssertionError("make_slice takes a slice, or three bounds")
            bounds = [slc.start, slc.stop, slc.step]
        return Apply(self, [as_int_none_variable(b) for b in bounds], [slicetype()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Make it."""
        del node, params
        output_storage[0][0] = slice(*(None if b is None else int(b) for b in inputs))

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Slices have no gradient."""
        del output_grads
        return [DisconnectedType()() for _ in inputs]


class SliceType(Type):
    """Python's slices."""

    def filter(self, x: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the slice.

        Raises:
            TypeError: it is none.
        """
        del strict, allow_downcast
        if not isinstance(x, slice):
            raise TypeError("Expected a slice!")
        return x

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(SliceType)

    def __str__(self) -> str:
        return "slice"

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """Whether they are one slice."""
        return isinstance(a, slice) and a is b


class SliceConstant(Constant):
    """A slice that is known."""

    def __init__(self, type: Any, data: slice, name: str | None = None) -> None:
        bounds = (data.start, data.stop, data.step)
        plain = (int(b) if isinstance(b, np.ndarray | np.integer) else b for b in bounds)
        super().__init__(type, slice(*plain), name)

    def signature(self) -> tuple[Any, ...]:
        """Return what is equal for equal slices."""
        return SliceConstant, self.data.start, self.data.stop, self.data.step

    def __str__(self) -> str:
        bounds = f"{self.data.start}, {self.data.stop}, {self.data.step}"
        return f"{type(self).__name__}{{{bounds}}}"


class NoneTypeT(Generic):
    """Nothing but None."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> None:
        """Return None.

        Raises:
            TypeError: it is something.
        """
        del strict, allow_downcast
        if data is not None:
            raise TypeError("Expected None!")

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """Nothing shares no memory."""
        del a, b
        return False


def bounds_of(variable: Any) -> slice | None:
    """Return a slice of variables for one that is known or made here; None for another one."""
    if isinstance(variable, Constant):
        return variable.data
    owner = variable.owner
    if owner is None or not isinstance(owner.op, MakeSlice):
        return None
    return slice(*(None if NoneConst.equals(b) else b for b in owner.inputs))


class Sliced(Op):
    """Reads an array at slices that are given when a function is called, in Python."""

    __props__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def make_node(self, x: Any, *slices: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application: the key has numbers in the places of slices."""
        return Apply(self, [x, *slices], [x.type.clone(broadcastable=(False,) * x.ndim)()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Read."""
        del node, params
        x, *slices = inputs
        output_storage[0][0] = x[tuple(slices[k] for k in self.key)]

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Not there: the slice is known to Python alone."""
        raise NotImplementedError(
            "the gradient through an index that is a slice given to the function: give its bounds "
            "as integers instead"
        )


make_slice, slicetype = MakeSlice(), SliceType()
SliceType.Constant = SliceConstant
none_type_t = NoneTypeT()
NoneConst: Any = Constant(none_type_t, None, name="NoneConst")
__all__ = ["MakeSlice", "NoneConst", "NoneTypeT", "SliceConstant", "SliceType", "Variable"]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

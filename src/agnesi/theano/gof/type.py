"""What a variable can hold: the base of all types, and the type of any Python object."""

from __future__ import annotations

from typing import Any

from agnesi.theano.gof import objects
from agnesi.theano.gof.graph import Constant, Variable
from agnesi.theano.missing import submodule


class PureType:
    """What a variable can hold, and how a value is made fit.

    Attributes:
        is_object: whether values are Python objects, for which native code has numbers.
        encoded: whether native code has something else than the values.
        members: of how many arrays native code makes a value; 0 for one that is an array itself.
    """

    Variable: Any = Variable
    Constant: Any = Constant
    ndim: Any = None
    is_object = True
    encoded = True
    members = 0

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """Return a value of this type made of some data.

        Raises:
            TypeError: the data do not fit.
        """
        raise NotImplementedError(f"{type(self).__name__}.filter")

    def filter_variable(self, other: Any, allow_convert: bool = True) -> Any:
        """Return a variable of this type for a variable, or for data.

        Raises:
            TypeError: it has another type.
        """
        if not isinstance(other, Variable):
            other = self.Constant(type=self, data=other)
        if other.type != self:
            made = self.convert_variable(other) if allow_convert else None
            if made is None:
                raise TypeError(
                    f"Cannot convert Type {other.type} (of Variable {other}) into Type {self}. "
                    f"You can try to manually convert {other} into a {self}."
                )
            return made
        return other

    def convert_variable(self, var: Any) -> Any:
        """Return a variable as one of this type; None where that cannot be."""
        return var if var.type == self else None

    def is_valid_value(self, a: Any) -> bool:
        """Whether a value is of this type as it is."""
        try:
            self.filter(a, strict=True)
        except (TypeError, ValueError):
            return False
        return True

    def value_validity_msg(self, a: Any) -> str:
        """Return what is wrong with a value."""
        try:
            self.filter(a, strict=True)
        except (TypeError, ValueError) as error:
            return str(error)
        return "value is valid"

    def make_variable(self, name: str | None = None) -> Any:
        """Return a new variable of this type."""
        return self.Variable(self, name=name)

    def make_constant(self, value: Any, name: str | None = None) -> Any:
        """Return a constant of this type."""
        return self.Constant(type=self, data=value, name=name)

    def __call__(self, name: str | None = None) -> Any:
        return self.make_variable(name)

    def new_tensor(self, name: str | None) -> Any:
        """Return a fresh input of agnesi; None for what has no value."""
        return objects.input_tensor(name)

    def constant_tensor(self, data: Any) -> Any:
        """Return a constant of agnesi; None for what has no value."""
        return objects.constant_tensor(data)

    def native_kind(self) -> tuple[str, tuple[bool, ...]]:
        """Return the dtype and the broadcast pattern of what native code has."""
        return objects.DTYPE, ()

    def encode(self, value: Any) -> Any:
        """Return what native code is given for a value."""
        return objects.encoded(value)

    def decode(self, array: Any) -> Any:
        """Return the value for what native code has."""
        return objects.object_of(array)

    def values_eq(self, a: Any, b: Any, *_: Any, **__: Any) -> bool:
        """Whether two values are equal."""
        return a == b

    def values_eq_approx(self, a: Any, b: Any, *_: Any, **__: Any) -> bool:
        """Whether two values are nearly equal."""
        return self.values_eq(a, b)

    def clone(self, *_: Any, **__: Any) -> Any:
        """Return the type: it does not change."""
        return self


class Type(PureType):
    """Base of the types that programs write."""


class CLinkerType(Type):
    """Base of types with C code, which is not used here."""


class SingletonType(Type):
    """A type of which there is one."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return type(self).__name__


class Generic(SingletonType):
    """Any Python object."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """Return the object."""
        del strict, allow_downcast
        return data

    def is_valid_value(self, a: Any) -> bool:
        """Any object is."""
        del a
        return True


generic = Generic()


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""What is done with lists: Python code in the midst of a function.

Lists have no fixed length and are no arrays, so these ops run in Python; what they read out of a
list goes on in native code.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.op import Op
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import type as types
from agnesi.theano.tensor.type_other import SliceType
from agnesi.theano.typed_list.type import TypedListType


class _typed_list_py_operators:
    """What all lists can be asked for."""

    type: Any

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, index)

    def __len__(self) -> Any:
        return length(self)

    def append(self, toAppend: Any) -> Any:
        """The list with an element more at its end."""
        return append(self, toAppend)

    def extend(self, toAppend: Any) -> Any:
        """The list with those of another one behind it."""
        return extend(self, toAppend)

    def insert(self, index: Any, toInsert: Any) -> Any:
        """The list with an element more at a place."""
        return insert(self, index, toInsert)

    def remove(self, toRemove: Any) -> Any:
        """The list without the first element that is equal to one."""
        return remove(self, toRemove)

    def reverse(self) -> Any:
        """The list from its end to its beginning."""
        return reverse(self)

    def count(self, elem: Any) -> Any:
        """How many elements are equal to one."""
        return count(self, elem)

    def ind(self, elem: Any) -> Any:
        """Where the first element is that is equal to one."""
        return index_(self, elem)

    ttype = property(lambda self: self.type.ttype, doc="The type of elements.")
    dtype = property(lambda self: self.type.ttype.dtype, doc="The dtype of elements.")
    ndim = property(lambda self: self.type.ttype.ndim + 1, doc="Axes of elements, and one.")


class TypedListVariable(_typed_list_py_operators, Variable):
    """A symbolic list."""

    __hash__ = object.__hash__


class TypedListConstant(_typed_list_py_operators, Constant):
    """A list that is known."""

    __hash__ = object.__hash__


TypedListType.Variable = TypedListVariable
TypedListType.Constant = TypedListConstant


class _ListOp(Op):
    """An op of a list: ``compute`` is given the values and returns the result."""

    __props__: Any = ()

    def __str__(self) -> str:
        return type(self).__name__

    def compute(self, node: Apply, *values: Any) -> Any:
        """Return the result."""
        raise NotImplementedError

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Compute."""
        del params
        output_storage[0][0] = self.compute(node, *inputs)


class _Changed(_ListOp):
    """An op that gives a changed list; the one that it is given stays as it is.

    Attributes:
        inplace: Theano's: whether the op may write over its list, which it never does here.
    """

    __props__ = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def compute(self, node: Apply, *values: Any) -> Any:
        """Return a changed copy."""
        made = list(values[0])
        self.change(node, made, *values[1:])
        return made

    def change(self, node: Apply, items: list[Any], *values: Any) -> None:
        """Change the copy."""
        raise NotImplementedError


def _check(what: str, x: Any, element: Any = None, *, whole: bool = False) -> None:
    """Raise unless there are a list and what fits into it."""
    if not isinstance(x.type, TypedListType):
        raise AssertionError(f"{what}: a typed list is wanted, not {x.type}")
    wanted = x.type if whole else x.type.ttype
    if element is not None and element.type != wanted:
        raise AssertionError(f"{what}: {wanted} is wanted, not {element.type}")


def _place(index: Any) -> Any:
    """Return a place in a list as a variable of int64."""
    if not isinstance(index, Variable):
        return tensor.constant(index, ndim=0, dtype="int64")
    if index.type != types.TensorType("int64", ()):
        raise AssertionError(f"a place in a list is a scalar of int64, not {index.type}")
    return index


class GetItem(_ListOp):
    """Reads an element, or with a slice a part of a list."""

    def make_node(self, x: Any, index: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("getitem", x)
        if isinstance(index, slice):
            index = SliceType().make_constant(index)
        if not isinstance(index, Variable):
            index = _place(index)
        if isinstance(index.type, SliceType):
            return Apply(self, [x, index], [x.type()])
        if not isinstance(index.type, types.TensorType) or index.ndim:
            raise TypeError("Expected scalar or slice as index.")
        return Apply(self, [x, _place(index)], [x.type.ttype()])

    def compute(self, node: Apply, *values: Any) -> Any:
        """Read."""
        items, index = values
        return items[index if isinstance(index, slice) else int(index)]


class Append(_Changed):
    """Puts an element behind a list."""

    def make_node(self, x: Any, toAppend: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("append", x, toAppend)
        return Apply(self, [x, toAppend], [x.type()])

    def change(self, node: Apply, items: list[Any], *values: Any) -> None:
        """Append."""
        items.append(copy.deepcopy(values[0]))


class Extend(_Changed):
    """Puts the elements of a list behind another one."""

    def make_node(self, x: Any, toAppend: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("extend", x, toAppend, whole=True)
        return Apply(self, [x, toAppend], [x.type()])

    def change(self, node: Apply, items: list[Any], *values: Any) -> None:
        """Extend."""
        items += copy.deepcopy(values[0])


class Insert(_Changed):
    """Puts an element at a place of a list."""

    def make_node(self, x: Any, index: Any, toInsert: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("insert", x, toInsert)
        return Apply(self, [x, _place(index), toInsert], [x.type()])

    def change(self, node: Apply, items: list[Any], *values: Any) -> None:
        """Insert."""
        items.insert(int(values[0]), copy.deepcopy(values[1]))


class Remove(_Changed):
    """Takes the first element out that is equal to one, if there is one."""

    def make_node(self, x: Any, toRemove: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("remove", x, toRemove)
        return Apply(self, [x, toRemove], [x.type()])

    def change(self, node: Apply, items: list[Any], *values: Any) -> None:
        """Remove."""
        found = _places(node, items, values[0])
        if found:
            del items[found[0]]


class Reverse(_Changed):
    """Turns a list around."""

    def make_node(self, x: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("reverse", x)
        return Apply(self, [x], [x.type()])

    def change(self, node: Apply, items: list[Any], *values: Any) -> None:
        """Reverse."""
        items.reverse()


def _places(node: Apply, items: list[Any], element: Any) -> list[int]:
    """Return where elements are that are equal to one."""
    equal = node.inputs[0].type.ttype.values_eq
    return [k for k, item in enumerate(items) if equal(item, element)]


class Index(_ListOp):
    """Says where the first element is that is equal to one; a float, as Theano has it."""

    def make_node(self, x: Any, elem: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("index", x, elem)
        return Apply(self, [x, elem], [tensor.scalar()])

    def compute(self, node: Apply, *values: Any) -> Any:
        """Look."""
        found = _places(node, *values)
        if not found:
            raise ValueError(f"{values[1]!r} is not in the list")
        return np.asarray(found[0], config.floatX)


class Count(_ListOp):
    """Says how many elements are equal to one; a float, as Theano has it."""

    def make_node(self, x: Any, elem: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("count", x, elem)
        return Apply(self, [x, elem], [tensor.scalar()])

    def compute(self, node: Apply, *values: Any) -> Any:
        """Count."""
        return np.asarray(len(_places(node, *values)), config.floatX)


class Length(_ListOp):
    """Says how many elements there are."""

    def make_node(self, x: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application."""
        _check("length", x)
        return Apply(self, [x], [tensor.scalar(dtype="int64")])

    def compute(self, node: Apply, *values: Any) -> Any:
        """Count."""
        return np.asarray(len(values[0]), "int64")


class MakeList(_ListOp):
    """Makes a list of elements of one type."""

    def make_node(self, *a: Any) -> Apply:
        """Return the application to a list, or tuple, of elements."""
        items = a[0] if len(a) == 1 and isinstance(a[0], list | tuple) else a
        found = [v if isinstance(v, Variable) else tensor.as_tensor_variable(v) for v in items]
        if not found:
            raise AssertionError("make_list: an element says what the list is of; there is none")
        if any(v.type != found[0].type for v in found):
            raise TypeError("MakeList need all input variable to be of the same type.")
        return Apply(self, found, [TypedListType(found[0].type)()])

    def compute(self, node: Apply, *values: Any) -> Any:
        """Make it."""
        return [copy.deepcopy(v) for v in values]


getitem, append, extend, insert = GetItem(), Append(), Extend(), Insert()
remove, reverse, index_, count = Remove(), Reverse(), Index(), Count()
length, make_list = Length(), MakeList()
__all__ = [
    "Append", "Count", "Extend", "GetItem", "Index", "Insert", "Length", "MakeList", "Remove",
    "Reverse", "TypedListConstant", "TypedListVariable", "append", "count", "extend", "getitem",
    "index_", "insert", "length", "make_list", "remove", "reverse",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

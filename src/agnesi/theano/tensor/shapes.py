"""Sizes as variables: ``x.shape``, and shapes that programs give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import SizeValue
from agnesi.ops.arithmetic import Add, FloorDivide, Multiply, Subtract
from agnesi.ops.choice import Cast
from agnesi.ops.joining import Concatenate
from agnesi.ops.movement import BroadcastTo, ExpandDims
from agnesi.theano.gof.graph import Constant, Variable, stands_for
from agnesi.theano.gof.native import NativeOp
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.type import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size


class Shape(NativeOp):
    """The shape of an array."""

    __props__ = ()

    def build(self, *tensors: Any) -> Any:
        """The sizes put together."""
        return stacked([SizeValue(s) for s in tensors[0].type.shape])

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return a vector, which does not repeat."""
        del given
        return [_VECTOR.Variable(_VECTOR, tensor=tensors[0])]


class Shape_i(NativeOp):
    """The size of an axis.

    Attributes:
        i: the axis.
    """

    __props__ = ("i",)

    def __init__(self, i: Any) -> None:
        self.i = int(np.asarray(i))

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array.

        Raises:
            TypeError: it does not have the axis.
        """
        given = super().given(*inputs)
        if given[0].type.ndim <= self.i:
            raise TypeError("x has too few dimensions for Shape_i", (given[0], self.i))
        return given

    def build(self, *tensors: Any) -> Any:
        """The size."""
        return SizeValue(tensors[0].type.shape[self.i])

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return a number."""
        del given
        return [_NUMBER.Variable(_NUMBER, tensor=tensors[0])]

    def __str__(self) -> str:
        return f"Shape_i{{{self.i}}}"

    __repr__ = __str__


class MakeVector(NativeOp):
    """Scalars as a vector, whose elements are still known one by one.

    Attributes:
        dtype: of the elements.
    """

    __props__ = ("dtype",)

    def __init__(self, dtype: str = "int64") -> None:
        self.dtype = dtype

    def given(self, *inputs: Any) -> list[Any]:
        """Return the scalars, in the dtype.

        Raises:
            TypeError: one is no scalar, or of a larger dtype.
        """
        given = super().given(*inputs)
        if any(v.type.ndim for v in given):
            raise TypeError("MakeVector: scalars are put together", [v.type for v in given])
        if all(v.type.dtype == self.dtype for v in given):
            return given
        if any(upcast(v.type.dtype, self.dtype) != self.dtype for v in given):
            raise TypeError(
                f"MakeVector.make_node expected inputs upcastable to {self.dtype}. got "
                f"{[v.type for v in given]}"
            )
        return [v.astype(self.dtype) for v in given]

    def build(self, *tensors: Any) -> Any:
        """The scalars put together."""
        return stacked(tensors, self.dtype)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return a vector, which does not repeat even if it has one element."""
        del given
        kind = kind_of(self.dtype, (False,))
        return [kind.Variable(kind, tensor=tensors[0])]


_NUMBER, _VECTOR = kind_of("int64", ()), kind_of("int64", (False,))
_shape = Shape()
_by_axis: dict[int, Shape_i] = {}


def shape_i_op(i: int) -> Shape_i:
    """Return the op of the size of an axis."""
    if i not in _by_axis:
        _by_axis[i] = Shape_i(i)
    return _by_axis[i]


def size_variable(x: Any, axis: int) -> Any:
    """Return the size of an axis as an int64 scalar."""
    return shape_i_op(axis)(x)


def shape_tuple(x: Any) -> tuple[Any, ...]:
    """Return the sizes of all axes as int64 scalars."""
    return tuple(size_variable(x, axis) for axis in range(x.type.ndim or 0))


def shape(x: Any) -> Any:
    """Return the shape as a vector of int64, which does not compute the array."""
    return _shape(x)


def make_vector(elements: Sequence[Any]) -> Any:
    """Return scalars as a vector, whose elements are still known one by one."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    scalars = [as_tensor_variable(e) for e in elements]
    dtype = upcast(*(s.dtype for s in scalars)) if scalars else "int64"
    return MakeVector(dtype)(*scalars)


def stacked(scalars: Sequence[ag.Tensor], dtype: str = "int64") -> ag.Tensor:
    """Return scalars of agnesi as a vector."""
    if not scalars:
        return ag.constant(np.zeros(0, dtype))
    return ag.stack([ag.astype(s, dtype) for s in scalars])


# Functions of integers whose elements are those functions of the elements.
_OF_EACH: dict[type[Any], Any] = {
    Add: ag.add,
    Subtract: ag.subtract,
    Multiply: ag.multiply,
    FloorDivide: ag.floor_divide,
}


def element_tensors(t: ag.Tensor) -> tuple[ag.Tensor, ...] | None:
    """Return the scalars that a vector is made of, if it was put together of scalars."""
    length = t.type.shape[0]
    if isinstance(t, ConstantTensor):
        return tuple(ag.constant(n) for n in t.value)
    if isinstance(t, Concatenate):
        parts: list[ag.Tensor] = []
        for part in t.parts:
            found = element_tensors(part)
            if found is None:
                return None
            parts += found
        return tuple(parts)
    if isinstance(t, ExpandDims):
        return (t.x,) if t.x.ndim == 0 else None
    if isinstance(t, Cast):
        found = element_tensors(t.x)
        return None if found is None else tuple(ag.astype(e, t.dtype) for e in found)
    if isinstance(t, BroadcastTo) and isinstance(length, int):
        if t.x.ndim == 0:
            return (t.x,) * length
        found = element_tensors(t.x) if t.x.type.shape[0] == 1 else None
        return None if found is None else found * length
    function = _OF_EACH.get(type(t))
    if function is None:
        return None
    operands = [element_tensors(o) for o in t.operands]
    if any(o is None for o in operands):
        return None
    return tuple(_of_sizes(function, each) for each in zip(*operands, strict=True))  # type: ignore[arg-type]


def _of_sizes(function: Any, operands: Sequence[Any]) -> Any:
    """Return a function of scalars; of sizes and numbers a size."""
    if any(isinstance(o, SizeValue) for o in operands):
        operands = [int(o.value) if isinstance(o, ConstantTensor) else o for o in operands]
    return function(*operands)


def elements_of(vector: Any) -> tuple[Any, ...] | None:
    """Return the scalars that a vector was put together of; None if it was not."""
    if isinstance(vector, Constant) and vector.ndim == 1:
        return tuple(int(n) for n in vector.data)
    found = element_tensors(vector.tensor) if vector.ndim == 1 else None
    return None if found is None else tuple(map(stands_for, found))


def sizes(given: Any, ndim: int | None = None) -> tuple[Size, ...]:
    """Return a shape that a program gave as sizes of agnesi.

    Args:
        given: a number or scalar, a list of them, or a vector.
        ndim: how many sizes there are, where a vector does not tell.

    Raises:
        ValueError: how many sizes a vector has is not known.
    """
    return tuple(one_size(s) for s in size_list(given, ndim))


def size_list(given: Any, ndim: int | None = None) -> list[Any]:
    """Return a shape that a program gave as a list of numbers and scalars."""
    if isinstance(given, Variable):
        if given.ndim == 0:
            return [given]
        known = elements_of(given)
        if known is not None:
            return list(known)
        length = given.tensor.type.shape[0]
        count = length if isinstance(length, int) else ndim
        if count is None:
            raise ValueError(f"The shape {given} is a vector whose length is not known: give ndim=")
        vector: Any = given
        if not isinstance(length, int):
            # A vector of another length is an error in the call.
            kind = given.type
            vector = kind.Variable(kind, tensor=ag.specify_shape(given.tensor, (count,)))
        return [vector[k] for k in range(count)]
    if isinstance(given, np.ndarray):
        return [int(n) for n in np.atleast_1d(given)]
    if isinstance(given, list | tuple):
        return list(given)
    return [given]


def one_size(given: Any) -> Size:
    """Return a number or scalar that a program gave as a size of agnesi."""
    if isinstance(given, Variable):
        return size_of(whole(given.tensor))
    if isinstance(given, ag.Tensor):
        return size_of(whole(given))
    number = np.asarray(given)
    if number.ndim or number.dtype.kind not in "iub":
        raise TypeError(f"Shapes are integers, not {given!r}")
    return int(number)


def whole(tensor: ag.Tensor) -> ag.Tensor:
    """Return an integer scalar as one that is the size it came from, if it came from one."""
    at = tensor
    while True:
        if isinstance(at, SizeValue | ConstantTensor):
            return at
        if type(at).__name__ == "Cast" and at.dtype.is_integer:
            at = at.operands[0]
            continue
        return at if at.dtype.name == "I64" else ag.astype(at, "i64")


def sizes_in(vector: ag.Tensor, count: int) -> list[Size]:
    """Return the elements of a vector as sizes; those that were put into it are still known."""
    while type(vector).__name__ == "Cast":
        vector = vector.operands[0]
    if isinstance(vector, ConstantTensor) and vector.type.shape == (count,):
        return [int(n) for n in vector.value]
    parts = vector.operands if type(vector).__name__ == "Concatenate" else ()
    if len(parts) == count and all(type(p).__name__ == "ExpandDims" for p in parts):
        return [one_size(p.operands[0]) for p in parts]
    return [one_size(vector[k]) for k in range(count)]

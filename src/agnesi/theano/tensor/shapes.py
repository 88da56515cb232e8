"""Sizes as variables: ``x.shape``, and shapes that programs give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import SizeValue
from agnesi.theano.gof.graph import Constant, Variable
from agnesi.theano.tensor.applying import FunctionOp, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size


def size_variable(x: Any, axis: int) -> Any:
    """Return the size of an axis as an int64 scalar."""
    return apply("Shape_i", lambda t: SizeValue(t.type.shape[axis]), [x], i=axis)


def shape_tuple(x: Any) -> tuple[Any, ...]:
    """Return the sizes of all axes as int64 scalars."""
    return tuple(size_variable(x, axis) for axis in range(x.type.ndim or 0))


def shape(x: Any) -> Any:
    """Return the shape as a vector of int64, which does not compute the array."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    x = as_tensor_variable(x)
    return _Vector.of(
        apply("Shape", lambda t: _stacked([SizeValue(s) for s in t.type.shape]), [x]),
        shape_tuple(x),
    )


def make_vector(elements: Sequence[Any]) -> Any:
    """Return scalars as a vector, whose elements are still known one by one."""
    from agnesi.theano.tensor.basic import as_tensor_variable
    from agnesi.theano.tensor.casting import upcast

    scalars = [as_tensor_variable(e) for e in elements]
    dtype = upcast(*(s.dtype for s in scalars)) if scalars else "int64"
    scalars = [s.astype(dtype) for s in scalars]
    made = FunctionOp("MakeVector", lambda *ts: _stacked(ts, dtype), dtype=dtype)(*scalars)
    return _Vector.of(made, tuple(scalars))


def _stacked(scalars: Sequence[ag.Tensor], dtype: str = "int64") -> ag.Tensor:
    if not scalars:
        return ag.constant(np.zeros(0, dtype))
    return ag.stack([ag.astype(s, dtype) for s in scalars])


class _Vector:
    """Notes the elements of vectors that were put together of scalars."""

    @staticmethod
    def of(vector: Any, elements: tuple[Any, ...]) -> Any:
        vector.__dict__["elements"] = elements
        return vector


def elements_of(vector: Any) -> tuple[Any, ...] | None:
    """Return the scalars that a vector was put together of; None if it was not."""
    if isinstance(vector, Constant) and vector.ndim == 1:
        return tuple(int(n) for n in vector.data)
    return vector.__dict__.get("elements")


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
            vector = apply("SpecifyShape", lambda t: ag.specify_shape(t, (count,)), [given])
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

"""Classes of ops that make, join, shape and multiply arrays, under the names that Theano gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi.ops.reductions import MaxOfAll
from agnesi.theano import scalar
from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.native import NativeOp
from agnesi.theano.scalar.basic import Scalar, number
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.elemwise import CAReduce
from agnesi.theano.tensor.type import TensorType, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def of_type(kind: TensorType, tensor: Any, name: str | None = None) -> Any:
    """Return a variable of a type for a tensor."""
    return kind.Variable(kind, name=name, tensor=tensor)


class TensorFromScalar(NativeOp):
    """A number as an array without axes."""

    __props__ = ()

    def convert(self, *inputs: Any) -> list[Any]:
        """Return the number."""
        (s,) = inputs
        if not isinstance(s.type, Scalar):
            raise AssertionError(f"tensor_from_scalar: {s} is of {s.type}, no Scalar")
        return [s]

    def build(self, *tensors: Any) -> Any:
        """The same."""
        return tensors[0]

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array."""
        return [of_type(kind_of(given[0].type.dtype, ()), tensors[0])]


class ScalarFromTensor(NativeOp):
    """An array without axes as a number."""

    __props__ = ()

    def convert(self, *inputs: Any) -> list[Any]:
        """Return the array."""
        (t,) = inputs
        if not isinstance(t.type, TensorType) or t.type.ndim:
            raise AssertionError(f"scalar_from_tensor: {t} is of {t.type}, no array without axes")
        return [t]

    def build(self, *tensors: Any) -> Any:
        """The same."""
        return tensors[0]

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return a number."""
        del given
        return [number(tensors[0])]


tensor_from_scalar, scalar_from_tensor = TensorFromScalar(), ScalarFromTensor()


class Dot(NativeOp):
    """The product of matrices and vectors."""

    __props__ = ()

    def convert(self, *inputs: Any) -> list[Any]:
        """Return two matrices or vectors.

        Raises:
            TypeError: there are not two, or they have other numbers of axes.
        """
        if len(inputs) != 2:
            raise TypeError(f"theano.tensor.Dot: 2 arguments required, {len(inputs)} given ")
        given = super().convert(*inputs)
        for place, v in enumerate(given):
            if v.type.ndim not in (1, 2):
                raise TypeError(
                    f"theano.tensor.Dot: input {place} (0-indexed) must have ndim of 1 or 2, "
                    f"{v.type.ndim} given. Consider calling theano.tensor.dot instead."
                )
        return given

    def build(self, *tensors: Any) -> Any:
        """A product of agnesi's."""
        a, b = tensors
        dtype = upcast(a.dtype.numpy.name, b.dtype.numpy.name)
        return ag.dot(ag.astype(a, dtype), ag.astype(b, dtype))

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return the product, which repeats where its factors do."""
        a, b = (v.type for v in given)
        pattern = a.broadcastable[:-1] + (b.broadcastable[-1:] if b.ndim == 2 else ())
        return [of_type(kind_of(upcast(a.dtype, b.dtype), pattern), tensors[0])]

    def __str__(self) -> str:
        return "dot"

    __repr__ = __str__


# -- extremes and means --------------------------------------------------------------------------


def _position(t: Any, axes: Sequence[int]) -> Any:
    """Return where the largest elements over axes are, in one row."""
    # In Theano the gradient by what a place was looked for in is 0.
    t = ag.stop_gradient(t)
    if not t.ndim:
        return ag.constant(np.int64(0))
    if len(axes) == 1:
        return ag.astype(ag.argmax(t, axes[0]), "i64")
    rest = [a for a in range(t.ndim) if a not in axes]
    moved = ag.transpose(t, [*rest, *axes])
    return ag.astype(ag.argmax(ag.reshape(moved, (*moved.shape[: len(rest)], -1)), -1), "i64")


class MaxAndArgmax(NativeOp):
    """The largest elements over axes, and where they are."""

    __props__ = ("axis",)
    nin, nout = 2, 2
    E_axis = "invalid axis"

    def __init__(self, axis: Any) -> None:
        if not isinstance(axis, list):
            raise AssertionError("MaxAndArgmax: axis is a list")
        self.axis = tuple(axis)

    def build(self, *tensors: Any) -> Any:
        """An extreme and a position of agnesi's."""
        (t,) = tensors
        return [MaxOfAll(t, self.axis) if self.axis else t, _position(t, self.axis)]

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return both."""
        own = given[0].type
        pattern = tuple(one for k, one in enumerate(own.broadcastable) if k not in self.axis)
        return [
            of_type(kind_of(own.dtype, pattern), tensors[0], "max"),
            of_type(kind_of("int64", pattern), tensors[1], "argmax"),
        ]


class Argmax(NativeOp):
    """Where the largest elements over axes are."""

    __props__ = ("axis",)
    nin = 2
    E_axis = "invalid axis"

    def __init__(self, axis: Any) -> None:
        self.axis = None if axis is None else tuple(axis)

    def convert(self, *inputs: Any) -> list[Any]:
        """Return the array."""
        return super().convert(inputs[0])

    def build(self, *tensors: Any) -> Any:
        """A position of agnesi's."""
        (t,) = tensors
        return _position(t, tuple(range(t.ndim)) if self.axis is None else self.axis)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return the places."""
        gone = range(given[0].type.ndim) if self.axis is None else self.axis
        pattern = [one for k, one in enumerate(given[0].type.broadcastable) if k not in gone]
        return [of_type(kind_of("int64", tuple(pattern)), tensors[0], "argmax")]


class Mean(CAReduce):
    """The mean over one axis, or all, in float64: ``mean(x, op=True)``."""

    __props__: ClassVar[Any] = ("scalar_op", "axis")

    def __init__(self, axis: Any = None) -> None:
        super().__init__(scalar.add, axis)
        if self.axis is not None and len(self.axis) != 1:
            raise AssertionError("Mean: one axis, or all")

    def _output_dtype(self, input_dtype: str) -> str:
        del input_dtype
        return "float64"

    def _inner_dtype(self, input_dtype: str) -> str:
        del input_dtype
        return "float64"

    def _function(self, dtype: str) -> Any:
        del dtype
        return ag.mean

    def __str__(self) -> str:
        return "Mean" if self.axis is None else f"Mean{{{', '.join(map(str, self.axis))}}}"

    __repr__ = __str__


def applied_with(op: NativeOp, *inputs: Any) -> Apply:
    """Return the application of an op to variables as they are."""
    return op.applied(list(inputs), [v.tensor for v in inputs])

"""Classes of ops that make, join, shape and multiply arrays, under the names that Theano gives."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import SizeValue
from agnesi.ops.lift import broadcast_shape
from agnesi.ops.movement import broadcast
from agnesi.ops.reductions import MaxOfAll
from agnesi.theano import scalar
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.native import NativeOp
from agnesi.theano.scalar.basic import Scalar, number
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.casting import DISCRETE, INTS, UINTS, upcast
from agnesi.theano.tensor.elemwise import CAReduce
from agnesi.theano.tensor.type import TensorType, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def of_type(kind: TensorType, tensor: Any, name: str | None = None) -> Any:
    """Return a variable of a type for a tensor."""
    return kind.Variable(kind, name=name, tensor=tensor)


def _never_repeats(tensors: Sequence[Any]) -> list[Any]:
    """Return variables for results whose axes do not repeat, even where they are known to be 1."""
    return [of_type(kind_of(t.dtype.numpy.name, (False,) * t.ndim), t) for t in tensors]


class TensorFromScalar(NativeOp):
    """A number as an array without axes."""

    __props__ = ()

    def given(self, *inputs: Any) -> list[Any]:
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

    def given(self, *inputs: Any) -> list[Any]:
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

    def given(self, *inputs: Any) -> list[Any]:
        """Return two matrices or vectors.

        Raises:
            TypeError: there are not two, or they have other numbers of axes.
        """
        if len(inputs) != 2:
            raise TypeError(f"theano.tensor.Dot: 2 arguments required, {len(inputs)} given ")
        given = super().given(*inputs)
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

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array."""
        return super().given(inputs[0])

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


# -- making --------------------------------------------------------------------------------------


def _sizes(tensors: Sequence[Any]) -> list[Any]:
    return [as_size(t) for t in tensors]


def as_size(t: Any) -> Any:
    """Return an integer scalar of agnesi as a number or a size."""
    found = shapes.one_size(t)
    return found if isinstance(found, int) else SizeValue(found)


def sizes_in(vector: Any, count: int) -> list[Any]:
    """Return the elements of a vector of agnesi as numbers or sizes."""
    found = shapes.element_tensors(vector)
    if found is None:
        if not isinstance(vector.type.shape[0], int):
            # A vector of another length is an error in the call.
            vector = ag.specify_shape(vector, (count,))
        found = tuple(vector[k] for k in range(count))
    if len(found) != count:
        raise ValueError(f"{count} sizes are needed, not {len(found)}")
    return _sizes(found)


def alloc_validate_shape(shape: Any) -> tuple[list[Any], list[bool]]:
    """Return sizes as variables, and which of them are known to be 1.

    Raises:
        TypeError: one is no integer scalar.
    """
    from agnesi.theano.tensor.basic import (
        NotScalarConstantError,
        as_tensor_variable,
        get_scalar_constant_value,
    )

    sizes = [as_tensor_variable(s, ndim=0) for s in shape]
    pattern: list[bool] = []
    for k, s in enumerate(sizes):
        if s.type.dtype not in DISCRETE or s.type.dtype == "bool":
            raise TypeError(
                f"Shape arguments to Alloc must be integers, but argument {k} is not for apply "
                f"node: {s}"
            )
        try:
            pattern.append(bool(get_scalar_constant_value(s) == 1))
        except NotScalarConstantError:
            pattern.append(False)
    return sizes, pattern


class Alloc(NativeOp):
    """An array of a shape that repeats a value: ``alloc(value, *shape)``."""

    __props__ = ()

    def validate_shape(self, shape: Any) -> tuple[list[Any], list[bool]]:
        """Return sizes as variables, and which of them are known to be 1."""
        return alloc_validate_shape(shape)

    def given(self, *inputs: Any) -> list[Any]:
        """Return the value and sizes.

        Raises:
            TypeError: the value has more axes than there are sizes.
        """
        (value,) = super().given(inputs[0])
        sizes = alloc_validate_shape(inputs[1:])[0]
        if value.type.ndim > len(sizes):
            raise TypeError(
                "The Alloc value to use has more dimensions than the specified dimensions",
                value.ndim,
                len(sizes),
            )
        return [value, *sizes]

    def build(self, *tensors: Any) -> Any:
        """The value repeated."""
        value, *sizes = tensors
        return ag.broadcast_to(value, _sizes(sizes))


class AllocEmpty(NativeOp):
    """An array of a shape that nobody has filled; zeros here.

    Attributes:
        dtype: of the elements.
    """

    __props__ = ("dtype",)

    def __init__(self, dtype: Any) -> None:
        if not isinstance(dtype, str):
            raise AssertionError(f"AllocEmpty: the dtype is a string, not {dtype!r}")
        self.dtype = dtype.lower()

    def given(self, *inputs: Any) -> list[Any]:
        """Return sizes."""
        return alloc_validate_shape(inputs)[0]

    def build(self, *tensors: Any) -> Any:
        """Zeros."""
        return ag.broadcast_to(ag.constant(np.zeros((), self.dtype)), _sizes(tensors))


def _counted(size: Any) -> Any:
    return ag.arange(as_size(size))


class Eye(NativeOp):
    """Ones on a diagonal, zeros elsewhere: ``Eye(dtype)(rows, columns, k)``.

    Attributes:
        dtype: of the elements.
    """

    __props__ = ("dtype",)

    def __init__(self, dtype: Any = None) -> None:
        self.dtype = config.floatX if dtype is None else dtype

    def _compared(self, tensors: Sequence[Any], function: Any) -> Any:
        rows, columns, k = tensors
        i, j = ag.expand_dims(_counted(rows), 1), ag.expand_dims(_counted(columns), 0)
        return ag.astype(function(i + ag.astype(k, "i64"), j), self.dtype)

    def build(self, *tensors: Any) -> Any:
        """Whether row and column are as far apart as the offset says."""
        return self._compared(tensors, ag.equal)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return a matrix, whose axes do not repeat."""
        del given
        return _never_repeats(tensors)


class Tri(Eye):
    """Ones at and below a diagonal: ``Tri(dtype)(rows, columns, k)``."""

    def build(self, *tensors: Any) -> Any:
        """Whether the column is no farther than the row."""
        return self._compared(tensors, ag.greater_equal)


class ARange(NativeOp):
    """Numbers at even distances: ``ARange(dtype)(start, stop, step)``.

    Attributes:
        dtype: of the elements.
    """

    __props__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def given(self, *inputs: Any) -> list[Any]:
        """Return three scalars."""
        given = super().given(*inputs)
        if any(v.type.ndim for v in given):
            raise AssertionError("ARange: start, stop and step are scalars")
        return given

    def build(self, *tensors: Any) -> Any:
        """A range of agnesi's, of sizes where all are integers."""
        if all(t.dtype.is_integer or t.dtype.is_bool for t in tensors):
            return ag.astype(ag.arange(*_sizes(tensors)), self.dtype)
        return ag.astype(ag.arange(*(ag.astype(t, self.dtype) for t in tensors)), self.dtype)


# -- putting together and taking apart -----------------------------------------------------------


def _axis(tensor: Any, ndim: int) -> int | None:
    """Return a known axis; None where it is not known."""
    at = shapes.whole(tensor)
    if not isinstance(at, ConstantTensor):
        return None
    axis = int(at.number)  # type: ignore[arg-type]
    if axis < -ndim:
        raise IndexError(f"Join axis {axis} out of bounds [0, {ndim})")
    if axis >= ndim:
        raise ValueError('Join argument "axis" is out of range (given input dimensions)')
    return axis % ndim


def _of_same_type(variable: Any, made: Any) -> Any:
    """Return what was made as of a variable's type, with its axes that repeat."""
    from agnesi.theano.tensor.basic import addbroadcast

    axes = [k for k, (a, b) in enumerate(_patterns(variable, made)) if a and not b]
    return addbroadcast(made, *axes) if axes else made


def _patterns(*variables: Any) -> Any:
    return zip(*(v.type.broadcastable for v in variables), strict=True)


class Join(NativeOp):
    """Arrays along an axis, one behind the other: ``Join()(axis, *arrays)``.

    An axis that only a call tells makes it Python code, without a gradient.

    Attributes:
        view: nothing: results never share memory.
    """

    __props__ = ("view",)

    def __init__(self, view: int = -1) -> None:
        self.view = view

    def given(self, *inputs: Any) -> list[Any]:
        """Return the axis and arrays.

        Raises:
            ValueError: there are none.
            TypeError: they have other numbers of axes.
        """
        if len(inputs) < 2:
            raise ValueError("Cannot join an empty list of tensors")
        axis, *arrays = super().given(*inputs)
        ndim = arrays[0].type.ndim
        if not all(v.type.ndim for v in arrays):
            raise TypeError(
                "Join cannot handle arguments of dimension 0. For joining scalar values, see @stack"
            )
        if any(v.type.ndim != ndim for v in arrays):
            raise TypeError("Join() can only join tensors with the same number of dimensions.")
        if axis.type.dtype not in DISCRETE or axis.type.ndim:
            raise TypeError("Axis could not be cast to an integer type", axis, axis.type)
        return [axis, *arrays]

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application."""
        given = self.given(*inputs)
        ndim = given[1].type.ndim
        if _axis(given[0].tensor, ndim) is None:
            dtype = upcast(*(v.type.dtype for v in given[1:]))
            return Apply(self, given, [kind_of(dtype, (False,) * ndim)()])
        return self.applied(given, [v.tensor for v in given])

    def runs_in_python(self, node: Apply) -> bool:
        """Whether the axis is not known."""
        return _axis(node.inputs[0].tensor, node.inputs[1].type.ndim) is None

    def build(self, *tensors: Any) -> Any:
        """A concatenation of agnesi's."""
        axis, *parts = tensors
        dtype = upcast(*(t.dtype.numpy.name for t in parts))
        if len(parts) == 1:
            return parts[0]
        return ag.concatenate([ag.astype(t, dtype) for t in parts], _axis(axis, parts[0].ndim) or 0)

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Concatenate."""
        del params
        axis, *arrays = inputs
        made = np.concatenate([np.asarray(a) for a in arrays], int(axis))
        output_storage[0][0] = made.astype(node.outputs[0].type.dtype)

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Parts along the axis, be it known or not."""
        axis, *arrays = inputs
        if _axis(axis.tensor, arrays[0].type.ndim) is not None:
            return super().grad(inputs, output_grads)
        from agnesi.theano.gradient import grad_undefined
        from agnesi.theano.tensor.basic import stack

        sizes = stack([x.shape[axis] for x in arrays])
        parts = Split(len(arrays))(output_grads[0], axis, sizes)
        parts = parts if isinstance(parts, list) else [parts]
        undefined = grad_undefined(self, 0, axis, "an axis is an integer")
        return [undefined, *map(_of_same_type, arrays, parts)]

    def __str__(self) -> str:
        return "Join" if self.view == -1 else f"Join{{view={self.view}}}"

    __repr__ = __str__


class Split(NativeOp):
    """Parts of an array along an axis: ``Split(2)(x, axis, sizes)``.

    Attributes:
        len_splits: how many parts.
    """

    __props__ = ("len_splits",)

    def __init__(self, len_splits: int) -> None:
        self.len_splits = self.nout = int(len_splits)

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array, the axis, and sizes.

        Raises:
            TypeError: axis and sizes are no integers.
        """
        x, axis, sizes = super().given(*inputs)
        if sizes.type.dtype not in DISCRETE or sizes.type.ndim != 1:
            raise TypeError("splits must have type tensor.lvector", sizes.type)
        if axis.type.dtype not in DISCRETE or axis.type.ndim:
            raise TypeError("axis must have type lscalar", axis.type)
        return [x, axis, sizes]

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application."""
        given = self.given(*inputs)
        x, axis, _ = given
        if _axis(axis.tensor, x.type.ndim) is None:
            kind = kind_of(x.type.dtype, (False,) * x.type.ndim)
            return Apply(self, given, [kind() for _ in range(self.len_splits)])
        return self.applied(given, [v.tensor for v in given])

    def runs_in_python(self, node: Apply) -> bool:
        """Whether the axis is not known."""
        return _axis(node.inputs[1].tensor, node.inputs[0].type.ndim) is None

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Take apart.

        Raises:
            ValueError: sizes are not of as many parts, negative, or do not add up.
        """
        del node, params
        x, axis, sizes = np.asarray(inputs[0]), int(inputs[1]), np.asarray(inputs[2])
        if len(sizes) != self.len_splits:
            raise ValueError(f"Split: {len(sizes)} sizes for {self.len_splits} parts")
        if (sizes < 0).any() or sizes.sum() != x.shape[axis]:
            raise ValueError(f"Split: sizes {sizes.tolist()} of an axis of {x.shape[axis]}")
        parts = np.split(x, np.cumsum(sizes)[:-1], axis)
        for cell, part in zip(output_storage, parts, strict=True):
            cell[0] = part.copy()

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Parts put together along the axis, be it known or not."""
        x, axis, sizes = inputs
        if _axis(axis.tensor, x.type.ndim) is not None:
            return super().grad(inputs, output_grads)
        from agnesi.theano.gradient import DisconnectedType, grad_undefined

        made = self(x, axis, sizes)
        made = made if isinstance(made, list) else [made]
        parts = [
            out.zeros_like() if isinstance(ct.type, DisconnectedType) else ct
            for ct, out in zip(output_grads, made, strict=True)
        ]
        undefined = grad_undefined(self, 1, axis, "an axis is an integer")
        return [_of_same_type(x, Join()(axis, *parts)), undefined, DisconnectedType()()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """All but the sizes are connected."""
        del node
        count = self.len_splits
        return [[True] * count, [True] * count, [False] * count]

    def build(self, *tensors: Any) -> Any:
        """Slices of agnesi's, of an array whose size is their sum."""
        x, axis_tensor, vector = tensors
        axis = _axis(axis_tensor, x.ndim)
        assert axis is not None
        sizes = sizes_in(vector, self.len_splits)
        if any(isinstance(size, int) and size < 0 for size in sizes):
            raise ValueError("Split sizes cannot be negative")
        ends = list(itertools.accumulate(sizes))
        whole = list(x.shape)
        whole[axis] = ends[-1]
        x = ag.specify_shape(x, whole)
        parts: list[Any] = []
        for size, start, end in zip(sizes, [0, *ends[:-1]], ends, strict=True):
            key: list[Any] = [slice(None)] * x.ndim
            key[axis] = slice(start, end)
            shape: list[Any] = list(x.shape)
            shape[axis] = size
            # A negative size is an error in the call.
            parts.append(ag.specify_shape(x[tuple(key)], shape))
        return parts

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return parts of the array's type."""
        return [of_type(given[0].type, t) for t in tensors]

    def __str__(self) -> str:
        return f"Split{{{self.len_splits}}}"

    __repr__ = __str__


class Reshape(NativeOp):
    """The same elements in another shape; one size may be -1: ``Reshape(2)(x, shape)``.

    Attributes:
        ndim: how many axes.
    """

    __props__ = ("ndim",)
    view_map: ClassVar[dict[int, list[int]]] = {0: [0]}

    def __init__(self, ndim: int, name: str | None = None) -> None:
        if name is not None:
            raise AssertionError("name attribute for Reshape has been deprecated")
        if ndim < 0:
            raise ValueError("The output dimensions after reshape must be 0 or greater")
        self.ndim = int(ndim)

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array and the shape.

        Raises:
            TypeError: sizes are no integers.
        """
        from agnesi.theano.tensor.basic import as_tensor_variable

        (x,) = super().given(inputs[0])
        shape = as_tensor_variable(inputs[1], ndim=1)
        known = getattr(shape, "data", None)
        if shape.type.dtype not in (*INTS, *UINTS) and (known is None or known.size):
            raise TypeError("Shape must be integers", shape, shape.dtype)
        return [x, shape]

    def build(self, *tensors: Any) -> Any:
        """A reshape of agnesi's."""
        x, shape = tensors
        return ag.reshape(x, tuple(sizes_in(shape, self.ndim)))

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array that repeats where the shape says 1, and not where it says -1."""
        (made,) = tensors
        pattern = [
            (size.extent if isinstance(size, SizeValue) else size) == 1
            for size in sizes_in(given[1].tensor, self.ndim)
        ]
        return [of_type(kind_of(made.dtype.numpy.name, tuple(pattern)), made)]

    def __str__(self) -> str:
        return f"Reshape{{{self.ndim}}}"

    __repr__ = __str__


class Flatten(NativeOp):
    """The last axes as one.

    Attributes:
        outdim: how many axes there are then.
    """

    __props__ = ("outdim",)

    def __init__(self, outdim: int = 1) -> None:
        warnings.warn(
            "Flatten class is deprecated, please use flatten method instead.",
            DeprecationWarning,
            stacklevel=4,
        )
        self.outdim = int(outdim)

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array.

        Raises:
            ValueError: it has fewer axes.
        """
        (x,) = super().given(*inputs)
        if self.outdim < 1 or (x.type.ndim and self.outdim > x.type.ndim):
            raise ValueError(
                f"invalid output ndimensions ({self.outdim}) for tensor of rank {x.type.ndim}"
            )
        return [x]

    def build(self, *tensors: Any) -> Any:
        """A reshape of agnesi's."""
        (x,) = tensors
        return ag.reshape(x, (*x.shape[: self.outdim - 1], -1))

    def __str__(self) -> str:
        return f"Flatten{{{self.outdim}}}"

    __repr__ = __str__


class Tile(NativeOp):
    """An array repeated along its axes: ``Tile(ndim)(x, repetitions)``.

    Attributes:
        ndim: how many axes.
    """

    __props__ = ("ndim",)

    def __init__(self, ndim: int) -> None:
        self.ndim = ndim

    def build(self, *tensors: Any) -> Any:
        """A repetition of agnesi's."""
        x, repetitions = tensors
        return ag.tile(x, tuple(sizes_in(repetitions, self.ndim)))

    def __str__(self) -> str:
        return f"Tile{{ndim={self.ndim}}}"

    __repr__ = __str__


# -- diagonals -----------------------------------------------------------------------------------


class ExtractDiag(NativeOp):
    """A diagonal of two axes, as a new last axis.

    Attributes:
        offset: above the main diagonal.
        axis1: the rows.
        axis2: the columns.
        view: nothing: results never share memory.
    """

    __props__ = ("offset", "axis1", "axis2", "view")

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1, view: bool = False) -> None:
        self.offset, self.axis1, self.axis2, self.view = offset, axis1, axis2, view

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array.

        Raises:
            ValueError: it has fewer than two axes.
        """
        (x,) = super().given(*inputs)
        if x.type.ndim < 2:
            raise ValueError("ExtractDiag needs an input with 2 or more dimensions", x)
        return [x]

    def build(self, *tensors: Any) -> Any:
        """A diagonal of agnesi's."""
        return ag.diagonal(tensors[0], self.offset, self.axis1, self.axis2)

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array, whose axes do not repeat."""
        del given
        return _never_repeats(tensors)


class AllocDiag(NativeOp):
    """The last axis as the diagonal of two new axes.

    Attributes:
        offset: above the main diagonal.
        axis1: the rows.
        axis2: the columns.
    """

    __props__ = ("offset", "axis1", "axis2")

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> None:
        self.offset, self.axis1, self.axis2 = offset, axis1, axis2

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array.

        Raises:
            ValueError: it has no axes.
        """
        (x,) = super().given(*inputs)
        if x.type.ndim < 1:
            raise ValueError("AllocDiag needs an input with 1 or more dimensions", x.type)
        return [x]

    def build(self, *tensors: Any) -> Any:
        """A diagonal among zeros."""
        (x,) = tensors
        if x.ndim == 1:
            made = ag.diag(x, self.offset)
            return made if self.axis1 < self.axis2 else ag.transpose(made)
        length = x.shape[-1]
        size = length + abs(self.offset)
        zeros = ag.broadcast_to(
            ag.constant(np.zeros((), x.dtype.numpy)), (*x.shape[:-1], size, size)
        )
        where = ag.arange(length)
        key = (Ellipsis, where + max(-self.offset, 0), where + max(self.offset, 0))
        low, high = sorted((self.axis1, self.axis2))
        made = zeros.at[key].set(x)
        if self.axis1 > self.axis2:
            made = ag.swapaxes(made, -1, -2)
        return ag.moveaxis(made, (-2, -1), (low, high))

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array, whose axes do not repeat."""
        del given
        return _never_repeats(tensors)


# -- others --------------------------------------------------------------------------------------


class Choose(NativeOp):
    """Elements of arrays that integers name: ``Choose(mode)(a, choices)``.

    Attributes:
        mode: ``"raise"``, ``"wrap"`` or ``"clip"``: what becomes of integers outside.
    """

    __props__ = ("mode",)

    def __init__(self, mode: str) -> None:
        if mode not in ("raise", "wrap", "clip"):
            raise AssertionError(f"Choose: the mode is raise, wrap or clip, not {mode!r}")
        self.mode: Any = mode

    def given(self, *inputs: Any) -> list[Any]:
        """Return the integers and the arrays.

        Raises:
            TypeError: they are no integers.
        """
        a, *choices = inputs
        if len(choices) == 1 and isinstance(choices[0], list | tuple):
            choices = list(choices[0])
            if len(choices) == 1:
                choices *= 2
        given = super().given(a, *choices)
        if given[0].type.dtype not in DISCRETE:
            raise TypeError(
                f"choose first argument must have an [u]int* dtype. Got {given[0].dtype}."
            )
        return given

    def build(self, *tensors: Any) -> Any:
        """A choice of agnesi's."""
        a, *choices = tensors
        if len(choices) == 1 and not isinstance(choices[0].type.shape[0], int):
            return self._of_rows(a, choices[0])
        return ag.choose(a, choices[0] if len(choices) == 1 else choices, mode=self.mode)

    def _of_rows(self, a: Any, rows: Any) -> Any:
        """Choose among the rows of an array, of which it is not known how many there are."""
        count = rows.shape[0]
        a = ag.astype(a, "i64")
        if self.mode == "wrap":
            a = ag.remainder(a, count)
        elif self.mode == "clip":
            a = ag.maximum(ag.minimum(a, count - 1), 0)
        missing = a.ndim - (rows.ndim - 1)
        if missing > 0:
            rows = ag.expand_dims(rows, tuple(range(1, missing + 1)))
        elif missing < 0:
            a = ag.expand_dims(a, tuple(range(-missing)))
        return ag.squeeze(ag.take_along_axis(rows, ag.expand_dims(a, 0), 0), 0)


class Default(NativeOp):
    """An array, in whose place another one may be."""

    __props__ = ()

    def given(self, *inputs: Any) -> list[Any]:
        """Return both.

        Raises:
            TypeError: they are of different types.
        """
        x, other = super().given(*inputs)
        if x.type != other.type:
            raise TypeError("Both default() arguments must have same type", x, other)
        return [x, other]

    def build(self, *tensors: Any) -> Any:
        """The first: an array is never None."""
        return tensors[0]

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        x, other = inputs
        return other if x is None else super().__call__(x, other, **named)


class Nonzero(NativeOp):
    """The indices of elements that are not 0, a row for each axis."""

    __props__ = ()

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array.

        Raises:
            ValueError: it has no axes.
        """
        (a,) = super().given(*inputs)
        if not a.type.ndim:
            raise ValueError("Nonzero only supports non-scalar arrays.")
        return [a]

    def build(self, *tensors: Any) -> Any:
        """Rows of agnesi's indices."""
        return ag.stack([ag.astype(t, "i64") for t in ag.nonzero(tensors[0])])


class PermuteRowElements(NativeOp):
    """Rows with their elements in the order of permutations: ``(x, order, inverse)``."""

    __props__ = ()

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array, the orders, and whether they are undone."""
        from agnesi.theano.tensor.basic import shape_padleft

        x, order, inverse = inputs
        inverse = int(inverse) if isinstance(inverse, bool) else inverse
        x, order, inverse = super().given(x, order, inverse)
        if order.type.dtype not in (*INTS, *UINTS):
            raise AssertionError("PermuteRowElements: orders are integers")
        ndim = max(x.type.ndim, order.type.ndim)
        return [
            *(
                v if v.type.ndim == ndim else shape_padleft(v, ndim - v.type.ndim)
                for v in (x, order)
            ),
            inverse,
        ]

    def build(self, *tensors: Any) -> Any:
        """A gather of agnesi's along the last axis."""
        x, order, inverse = tensors
        order = ag.astype(order, "i64")
        at = shapes.whole(inverse)
        if isinstance(at, ConstantTensor):
            order = ag.argsort(order, -1) if at.number else order
        else:
            order = ag.where(
                ag.not_equal(inverse, 0), ag.astype(ag.argsort(order, -1), "i64"), order
            )
        shape = broadcast_shape("permute_row_elements", ("x", "y"), (x, order))
        return ag.take_along_axis(broadcast(x, shape), broadcast(order, shape), -1)


class ViewOp(NativeOp):
    """Gives what it is given; programs make ops with other gradients of it, by saying ``grad``."""

    __props__ = ()
    view_map: ClassVar[dict[int, list[int]]] = {0: [0]}

    def given(self, *inputs: Any) -> list[Any]:
        """Return the variable."""
        (x,) = inputs
        return super().given(x)

    def build(self, *tensors: Any) -> Any:
        """The same."""
        return tensors[0]

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return a variable of the same type."""
        return [of_type(given[0].type, tensors[0])]


class OutputGuard(ViewOp):
    """Gives what it is given; it holds an output apart from an input."""

    destroy_map: ClassVar[dict[int, list[int]]] = {0: [0]}


class DeepCopyOp(ViewOp):
    """Gives a copy."""


class Rebroadcast(NativeOp):
    """Says of axes whether they repeat: ``Rebroadcast((0, True))(x)``.

    Attributes:
        axis: whether an axis repeats, by its number.
    """

    def __init__(self, *axis: Any) -> None:
        pairs = sorted((int(k), bool(one)) for k, one in axis)
        self.axis = dict(pairs)
        for k, one in axis:
            if not isinstance(k, int | np.integer):
                raise TypeError(f"Rebroadcast needs integer axes. Got {k}")
            if not isinstance(one, bool | np.bool_):
                raise TypeError(f"Rebroadcast needs bool for new broadcast pattern. Got {one}")

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array.

        Raises:
            ValueError: it does not have an axis.
        """
        (x,) = super().given(*inputs)
        if self.axis and x.type.ndim <= max(self.axis):
            raise ValueError("Trying to rebroadcast non-existent dimension")
        return [x]

    def build(self, *tensors: Any) -> Any:
        """An array whose sizes are said."""
        (t,) = tensors
        return ag.specify_shape(t, [1 if self.axis.get(k) else s for k, s in enumerate(t.shape)])

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return an array of the type that the program said."""
        kind = given[0].type
        pattern: Any = tuple(self.axis.get(k, one) for k, one in enumerate(kind.broadcastable))
        return [of_type(kind_of(kind.dtype, pattern), tensors[0])]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rebroadcast) and self.axis == other.axis

    def __hash__(self) -> int:
        return hash((Rebroadcast, frozenset(self.axis.items())))

    def __str__(self) -> str:
        if not self.axis:
            return "Rebroadcast{}"
        shown = [
            {True: "1", False: "0", None: "?"}[self.axis.get(k)] for k in range(max(self.axis) + 1)
        ]
        return f"Rebroadcast{{{','.join(shown)}}}"

    __repr__ = __str__


class SpecifyShape(NativeOp):
    """An array whose sizes are known, and checked in a call: ``SpecifyShape()(x, shape)``."""

    __props__ = ()

    def given(self, *inputs: Any) -> list[Any]:
        """Return the array and the shape.

        Raises:
            TypeError: sizes are no integers.
        """
        x, shape = super().given(*inputs)
        if shape.type.ndim == 0:
            shape = shape.dimshuffle("x")
        if shape.type.ndim != 1 or shape.type.dtype not in (*INTS, *UINTS):
            raise AssertionError(
                f"SpecifyShape: the shape is a vector of integers, not {shape.type}"
            )
        return [x, shape]

    def build(self, *tensors: Any) -> Any:
        """An array whose sizes are said."""
        x, shape = tensors
        return ag.specify_shape(x, sizes_in(shape, x.ndim))

"""Scalar functions repeated over arrays, axes moved about, and reductions over axes."""

from __future__ import annotations

import copy as _copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi.ops.reductions import MaxOfAll, MinOfAll
from agnesi.theano import scalar
from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.native import NativeOp, native_apply, says_itself
from agnesi.theano.gof.op import OpenMPOp
from agnesi.theano.gof.utils import MethodNotDefined
from agnesi.theano.missing import submodule
from agnesi.theano.scalar.basic import get_scalar_type
from agnesi.theano.tensor.casting import COMPLEXES, CONTINUOUS, DISCRETE, upcast
from agnesi.theano.tensor.type import kind_of, type_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Pattern(dict[int, int]):
    """Which output is written over which input: a dict that does not change, and hashes."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class Elemwise(NativeOp, OpenMPOp):
    """A scalar op repeated over arrays, whose axes of size 1 repeat.

    Attributes:
        scalar_op: the op of ``theano.scalar``.
        inplace_pattern: which output a program would have written over which input; agnesi decides
            itself what is written over.
        name: what is shown in its place.
        nfunc_spec: the name of NumPy's function, with its numbers of inputs and outputs.
    """

    __props__ = ("scalar_op", "inplace_pattern")

    def __init__(
        self,
        scalar_op: Any,
        inplace_pattern: Any = None,
        name: str | None = None,
        nfunc_spec: Any = None,
        openmp: Any = None,
    ) -> None:
        self.scalar_op, self.name, self.openmp = scalar_op, name, openmp
        self.inplace_pattern = _Pattern(inplace_pattern or {})
        self.destroy_map = {o: [i] for o, i in self.inplace_pattern.items()}
        self.nfunc_spec = (
            getattr(scalar_op, "nfunc_spec", None) if nfunc_spec is None else nfunc_spec
        )
        self.nin, self.nout = scalar_op.nin, scalar_op.nout
        self.is_native: bool = scalar_op.is_native
        if name is not None:
            self.__name__ = name.removeprefix("Elemwise{").split(",")[0].rstrip("}")

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application; axes are put in front of operands with fewer.

        Raises:
            TypeError: how many operands there are, or their dtypes.
            ValueError: what is written over is smaller than the result.
        """
        given = self.given(*inputs)
        if self.nin >= 0 and len(given) != self.nin:
            raise TypeError(
                f"Wrong number of inputs for {self.scalar_op}.make_node (got {len(given)}"
                f"({tuple(given)}), expected {self.nin})"
            )
        if not given:
            raise TypeError(f"{self}: takes one input at least")
        ndim = max(v.type.ndim for v in given)
        padded = [v if v.type.ndim == ndim else _padded(v, ndim) for v in given]
        kinds = self.scalar_op.output_types([get_scalar_type(v.type.dtype) for v in padded])
        pattern = tuple(map(all, zip(*(v.type.broadcastable for v in padded), strict=True)))
        self._check_in_place(padded, pattern, kinds)
        types = [kind_of(k.dtype, pattern) for k in kinds]
        if not self.is_native or says_itself(self, "perform"):
            return Apply(self, padded, [t() for t in types])
        return self.applied(padded, [v.tensor for v in given], types)

    def applied(self, given: Any, tensors: Any, types: Any = None) -> Apply:
        """Return the application to variables, computed from these tensors."""
        pairs = zip(types, self._results(tensors), strict=True)
        return native_apply(self, given, [t.Variable(t, tensor=made) for t, made in pairs])

    def runs_in_python(self, node: Apply) -> bool:
        """Whether the scalar op is Python code."""
        return not self.is_native or super().runs_in_python(node)

    def _check_in_place(self, given: Any, pattern: Any, kinds: Any) -> None:
        for output, place in self.inplace_pattern.items():
            over = given[place].type
            if any(a and not b for a, b in zip(over.broadcastable, pattern, strict=True)):
                raise ValueError(
                    "Operation cannot be done inplace on an input with broadcasted dimensions."
                )
            if over.dtype != kinds[output].dtype:
                raise TypeError(
                    "Cannot do an inplace operation on incompatible data types.",
                    ([v.type.dtype for v in given], [k.dtype for k in kinds], self.inplace_pattern),
                )

    def build(self, *tensors: Any) -> Any:
        """The scalar op's function, on arrays."""
        return self.scalar_op.build(*tensors)

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Compute: by agnesi, or number by number in Python where the scalar op says so."""
        if self.is_native:
            super().perform(node, inputs, output_storage, params)
            return
        found = _each(self.scalar_op, inputs)
        for cell, array, output in zip(output_storage, found, node.outputs, strict=True):
            cell[0] = np.asarray(array, output.type.dtype)

    def infer_shape(self, node: Apply, shapes: Any) -> list[Any]:
        """Sizes of operands that do not repeat."""
        found: list[Any] = []
        for axis, repeats in enumerate(node.outputs[0].type.broadcastable):
            size: Any = 1
            if not repeats:
                places = (k for k, v in enumerate(node.inputs) if not v.type.broadcastable[axis])
                size = shapes[next(places)][axis]
            found.append(size)
        return [tuple(found)] * len(node.outputs)

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
        """Ask the scalar op, with arrays in the places of numbers."""
        if self.is_native:
            return self.grad(inputs, output_grads)
        del outputs
        return _asked(self.scalar_op, inputs, output_grads)

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        if self.inplace_pattern:
            return f"Elemwise{{{self.scalar_op}}}{sorted(self.inplace_pattern.items())}"
        return f"Elemwise{{{self.scalar_op}}}"

    __repr__ = __str__


def _padded(variable: Any, ndim: int) -> Any:
    own = variable.type.ndim
    order = ["x"] * (ndim - own) + list(range(own))
    return DimShuffle(variable.type.broadcastable, order)(variable)


def _each(op: Any, arrays: Sequence[Any]) -> list[Any]:
    """Return what a scalar op of Python gives for each element, as arrays of its results."""
    if not arrays:
        raise MethodNotDefined("perform", type(op), type(op).__name__)
    function = np.frompyfunc(op.impl, len(arrays), op.nout)
    shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    if 0 in shape:
        return [np.zeros(shape)] * op.nout
    made = function(*arrays)
    return list(made) if op.nout > 1 else [made]


def on_tensors(op: Any, tensors: Sequence[Any]) -> list[Any]:
    """Return the tensors that a scalar op of Python makes of arrays."""
    node = Elemwise(op).make_node(*(kind.Variable(kind, tensor=t) for kind, t in _typed(tensors)))
    return [v.tensor for v in node.outputs]


def _typed(tensors: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(type_of(t), t) for t in tensors]


def _asked(op: Any, inputs: Sequence[Any], output_grads: Sequence[Any]) -> list[Any]:
    """Return the gradients that a scalar op of Python says, as arrays of the inputs' shapes."""
    from agnesi.theano.tensor.basic import patternbroadcast

    def stand_in(v: Any) -> Any:
        kind = getattr(v.type, "dtype", None)
        return (
            v
            if kind is None
            else get_scalar_type(kind).Variable(get_scalar_type(kind), tensor=v.tensor)
        )

    numbers = [stand_in(v) for v in inputs]
    outputs = op.make_node(*numbers).outputs
    terms = op.L_op(numbers, outputs, [stand_in(g) for g in output_grads])
    found: list[Any] = []
    for term, x in zip(terms, inputs, strict=True):
        if term is None or getattr(term, "tensor", None) is None:
            found.append(term)
            continue
        full = ag.astype(scalar.basic.like(outputs[0].tensor, term.tensor), _float_of(term.tensor))
        axes = [
            k
            for k, (mine, own) in enumerate(zip(x.tensor.type.shape, full.type.shape, strict=True))
            if mine == 1 and own != 1
        ]
        made = ag.sum(full, tuple(axes), keepdims=True) if axes else full
        kind = type_of(made)
        variable = kind.Variable(kind, tensor=made)
        found.append(patternbroadcast(variable, x.type.broadcastable))
    return found


def _float_of(tensor: Any) -> str:
    name = tensor.dtype.numpy.name
    return name if name in CONTINUOUS else "float64"


class DimShuffle(NativeOp):
    """Axes in another order; ``"x"`` is a new one, what is left out has size 1.

    Attributes:
        input_broadcastable: of the operand.
        new_order: an axis of the operand, or ``"x"``, for each of the result.
        drop: axes of the operand that go.
        augment: axes of the result that are new.
        shuffle: axes of the operand that stay, in their order.
    """

    __props__ = ("input_broadcastable", "new_order", "inplace")
    view_map: ClassVar[dict[int, list[int]]] = {0: [0]}

    def __init__(self, input_broadcastable: Any, new_order: Any, inplace: bool = True) -> None:
        if inplace is not True:
            raise ValueError(
                "DimShuffle is inplace by default and hence the inplace for DimShuffle must be true"
            )
        self.inplace = inplace
        self.input_broadcastable = tuple(input_broadcastable)
        count = len(self.input_broadcastable)
        kept: list[int] = []
        order: list[Any] = []
        for place, axis in enumerate(new_order):
            if axis == "x":
                order.append("x")
                continue
            if not isinstance(axis, int | np.integer):
                raise TypeError(
                    f"DimShuffle indices must be python ints. Got: '{axis}' of type '{type(axis)}'."
                )
            if not 0 <= axis < count:
                raise ValueError(
                    f"new_order[{place}] is {axis}, but the input only has {count} axes."
                )
            if axis in kept:
                raise ValueError(
                    "The same input dimension may not appear twice in the list of output "
                    "dimensions",
                    new_order,
                )
            kept.append(int(axis))
            order.append(int(axis))
        self.new_order = tuple(order)
        self.drop = [axis for axis in range(count) if axis not in kept]
        for axis in self.drop:
            if not self.input_broadcastable[axis]:
                raise ValueError(
                    "You cannot drop a non-broadcastable dimension.",
                    (self.input_broadcastable, new_order),
                )
        self.shuffle = kept
        self.augment = [k for k, axis in enumerate(order) if axis == "x"]

    @property
    def transposition(self) -> list[int]:
        """The operand's axes: those that stay, then those that go."""
        return self.shuffle + self.drop

    def given(self, *inputs: Any) -> list[Any]:
        """Return the operand.

        Raises:
            TypeError: it has other axes than the op was made for.
        """
        (x,) = super().given(*inputs)
        own = x.type.broadcastable
        if len(own) != len(self.input_broadcastable):
            raise TypeError(
                "The number of dimensions of the input is incorrect for this op. Expected "
                f"{self.input_broadcastable}, got {own}."
            )
        if any(
            wanted and not has for wanted, has in zip(self.input_broadcastable, own, strict=True)
        ):
            raise TypeError(
                "The broadcastable pattern of the input is incorrect for this op. Expected "
                f"{self.input_broadcastable}, got {own}."
            )
        return [x]

    def build(self, *tensors: Any) -> Any:
        """Squeeze, transpose, expand."""
        (x,) = tensors
        if self.drop:
            x = ag.squeeze(x, tuple(self.drop))
        left = sorted(self.shuffle)
        if self.shuffle != left:
            x = ag.transpose(x, [left.index(o) for o in self.shuffle])
        return ag.expand_dims(x, tuple(self.augment)) if self.augment else x

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return the result, which repeats where the operand says so."""
        own = given[0].type
        pattern = tuple(True if o == "x" else own.broadcastable[o] for o in self.new_order)
        kind = kind_of(own.dtype, pattern)
        return [kind.Variable(kind, tensor=tensors[0])]

    def __str__(self) -> str:
        return f"InplaceDimShuffle{{{','.join(map(str, self.new_order))}}}"

    __repr__ = __str__


# -- reductions ----------------------------------------------------------------------------------

# What agnesi reduces natively, by the class of the scalar op.
_NATIVE: dict[Any, Any] = {
    scalar.basic.Add: ag.sum,
    scalar.basic.Mul: ag.prod,
    scalar.basic.Maximum: MaxOfAll,
    scalar.basic.Minimum: MinOfAll,
}
_OF_BOOLS: dict[Any, Any] = {scalar.basic.AND: ag.all, scalar.basic.OR: ag.any}


class CAReduce(NativeOp):
    """A reduction over axes by a scalar op whose operands may change places.

    Sums, products and extremes are native, and so are AND and OR of bools; others are Python code
    that a compiled function calls in its midst.

    Attributes:
        scalar_op: the op of two numbers.
        axis: a tuple of axes; None for all.
    """

    __props__ = ("scalar_op", "axis")

    def __init__(self, scalar_op: Any, axis: Any = None) -> None:
        if scalar_op.nin not in (-1, 2) or scalar_op.nout != 1:
            raise NotImplementedError(
                "CAReduce only supports binary functions with a single output."
            )
        self.scalar_op = scalar_op
        self.axis = _axes(axis)

    def _output_dtype(self, input_dtype: str) -> str:
        return input_dtype

    def _inner_dtype(self, input_dtype: str) -> str:
        """Return the dtype that is reduced in."""
        return input_dtype

    def make_node(self, input: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application.

        Raises:
            ValueError: the operand does not have these axes.
        """
        (x,) = self.given(input)
        ndim = x.type.ndim
        for axis in self.axis or ():
            if not -ndim <= axis < ndim:
                raise ValueError(f"Not enough dimensions on {x} to reduce on axis {axis}")
        op = self
        if self.axis is not None and any(axis < 0 for axis in self.axis):
            op = _copy.copy(self)
            op.axis = tuple(axis % ndim for axis in self.axis)
        gone = range(ndim) if op.axis is None else op.axis
        pattern = [one for k, one in enumerate(x.type.broadcastable) if k not in gone]
        kind = kind_of(op._output_dtype(x.type.dtype), tuple(pattern))
        if op._function(x.type.dtype) is None or says_itself(op, "perform"):
            return Apply(op, [x], [kind()])
        (made,) = op._results([x.tensor])
        return native_apply(op, [x], [kind.Variable(kind, tensor=made)])

    def runs_in_python(self, node: Apply) -> bool:
        """Whether there is no reduction of agnesi's."""
        return self._function(node.inputs[0].type.dtype) is None or super().runs_in_python(node)

    def _function(self, dtype: str) -> Any:
        kind = type(self.scalar_op)
        if dtype in COMPLEXES and kind in (scalar.basic.Maximum, scalar.basic.Minimum):
            return None
        if kind in _OF_BOOLS and dtype == "bool":
            return _OF_BOOLS[kind]
        return _NATIVE.get(kind)

    def build(self, *tensors: Any) -> Any:
        """A reduction of agnesi's."""
        (t,) = tensors
        dtype = t.dtype.numpy.name
        axes = tuple(range(t.ndim)) if self.axis is None else self.axis
        result = self._output_dtype(dtype)
        if not axes:
            return ag.astype(t, result)
        inner = self._inner_dtype(dtype)
        return ag.astype(self._function(dtype)(ag.astype(t, inner), axes), result)

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Compute: natively, or two by two in Python."""
        if self._function(node.inputs[0].type.dtype) is not None:
            super().perform(node, inputs, output_storage, params)
            return
        array = np.asarray(inputs[0])
        ufuncs: dict[Any, Any] = {
            scalar.basic.AND: np.bitwise_and,
            scalar.basic.OR: np.bitwise_or,
            scalar.basic.XOR: np.bitwise_xor,
            scalar.basic.Maximum: np.maximum,
            scalar.basic.Minimum: np.minimum,
        }
        ufunc = ufuncs.get(type(self.scalar_op)) or np.frompyfunc(self.scalar_op.impl, 2, 1)
        axes = range(array.ndim) if self.axis is None else self.axis
        for axis in sorted(axes, reverse=True):
            if array.shape[axis]:
                array = np.asarray(ufunc.reduce(array, axis))
                continue
            if not hasattr(self.scalar_op, "identity"):
                raise ValueError(
                    f"Input ({array}) has zero-size on axis {axis}, but self.scalar_op "
                    f"({self.scalar_op}) has no attribute 'identity'"
                )
            left = [n for k, n in enumerate(array.shape) if k != axis]
            array = np.full(left, self.scalar_op.identity)
        output_storage[0][0] = np.asarray(array).astype(node.outputs[0].type.dtype)

    def infer_shape(self, node: Apply, shapes: Any) -> list[Any]:
        """The sizes of the axes that stay."""
        del node
        if self.axis is None:
            return [()]
        return [tuple(s for k, s in enumerate(shapes[0]) if k not in self.axis)]

    def __str__(self) -> str:
        if self.axis is None:
            return f"Reduce{{{self.scalar_op}}}"
        return f"Reduce{{{self.scalar_op}}}{{{', '.join(map(str, self.axis))}}}"

    __repr__ = __str__


def _axes(axis: Any) -> tuple[int, ...] | None:
    """Return axes as a program gives them as a tuple; None for all."""
    if axis is None:
        return None
    if isinstance(axis, int | np.integer) or (isinstance(axis, np.ndarray) and not axis.ndim):
        return (int(axis),)
    return tuple(sorted({int(a) for a in axis}))


class _OfTruth(CAReduce):
    """Whether all elements are true, or any."""

    __props__ = ("axis",)

    def _output_dtype(self, input_dtype: str) -> str:
        del input_dtype
        return "bool"

    def given(self, *inputs: Any) -> list[Any]:
        """Return the operand as bools."""
        from agnesi.theano.tensor.elementary import neq

        (x,) = super().given(*inputs)
        return [x if x.type.dtype == "bool" else neq(x, 0)]

    def __str__(self) -> str:
        shown = type(self).__name__
        return shown if self.axis is None else f"{shown}{{{', '.join(map(str, self.axis))}}}"

    __repr__ = __str__


class All(_OfTruth):
    """Whether all elements over axes are true."""

    def __init__(self, axis: Any = None) -> None:
        super().__init__(scalar.and_, axis)


class Any_(_OfTruth):
    """Whether any element over axes is true."""

    def __init__(self, axis: Any = None) -> None:
        super().__init__(scalar.or_, axis)


Any_.__name__ = Any_.__qualname__ = "Any"

_WIDE = {"bool": "int64", "int8": "int64", "int16": "int64", "int32": "int64"}
_WIDE |= {"uint8": "uint64", "uint16": "uint64", "uint32": "uint64"}
_WIDER = {**_WIDE, "float16": "float32", "float32": "float64", "complex64": "complex128"}


class CAReduceDtype(CAReduce):
    """A reduction whose result's dtype, and that of its totals, may be said.

    Attributes:
        dtype: of the result; None for that of the operand, 64 bits for integers.
        acc_dtype: of totals; None for a wide one.
    """

    __props__ = ("scalar_op", "axis", "dtype", "acc_dtype")

    def __init__(
        self, scalar_op: Any, axis: Any = None, dtype: Any = None, acc_dtype: Any = None
    ) -> None:
        super().__init__(scalar_op, axis)
        self.dtype, self.acc_dtype = dtype, acc_dtype
        # Whether totals of a dtype were asked for, not worked out.
        self.asked = acc_dtype is not None

    def _output_dtype(self, input_dtype: str) -> str:
        return _WIDE.get(input_dtype, input_dtype) if self.dtype is None else self.dtype

    def _acc_dtype(self, input_dtype: str) -> str:
        given = self.acc_dtype
        if given is None:
            return _WIDER.get(input_dtype, input_dtype)
        if given in CONTINUOUS and input_dtype in DISCRETE:
            return given
        wide = upcast(input_dtype, given)
        if given != wide:
            raise TypeError(
                f"Cannot build {self} node with input dtype {input_dtype} and acc_dtype {given}, "
                "as precision would be lost. To correct this error, you can:\n"
                "  - not specify acc_dtype, or\n"
                f"  - use an acc_dtype at least as precise as {wide}.\n"
                '  - specify "dtype" instead of "acc_dtype", so the reduction will be precise, but '
                'the result will be casted into "dtype" at the end.\n'
                "If you are expecting the precision loss, you can use "
                f'tensor.cast(..., dtype="{given}"), on your input.'
            )
        return given

    def _inner_dtype(self, input_dtype: str) -> str:
        result = self._output_dtype(input_dtype)
        # float32 is summed in blocks, their totals in float64: it is not made wider before, unless
        # a program asks for it.
        wide = self._acc_dtype(input_dtype)
        asked = self.asked and wide != result
        return wide if asked or upcast(input_dtype, result) != result else result

    def make_node(self, input: Any) -> Apply:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the application, whose op says which dtypes it came to."""
        (x,) = self.given(input)
        return CAReduce.make_node(self.resolved(x.type.dtype), x)

    def resolved(self, input_dtype: str) -> Any:
        """Return the op that says which dtypes it comes to for an operand's."""
        dtype, acc_dtype = self._output_dtype(input_dtype), self._acc_dtype(input_dtype)
        if dtype == self.dtype and acc_dtype == self.acc_dtype:
            return self
        op = _copy.copy(self)
        op.dtype, op.acc_dtype = dtype, acc_dtype
        return op

    def __str__(self) -> str:
        name = type(self).__name__
        if name == "CAReduceDtype":
            name = f"ReduceDtype{{{self.scalar_op}}}"
        axis = "" if self.axis is None else f"axis=[{', '.join(map(str, self.axis))}], "
        return f"{name}{{{axis}acc_dtype={self.acc_dtype}}}"

    __repr__ = __str__


class Sum(CAReduceDtype):
    """The sum over axes."""

    __props__ = ("axis", "dtype", "acc_dtype")

    def __init__(self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        super().__init__(scalar.add, axis, dtype, acc_dtype)


class Prod(CAReduceDtype):
    """The product over axes.

    Attributes:
        no_zeros_in_input: whether a program knows that there are none; gradients are right anyway.
    """

    __props__ = ("axis", "dtype", "acc_dtype")

    def __init__(
        self,
        axis: Any = None,
        dtype: Any = None,
        acc_dtype: Any = None,
        no_zeros_in_input: bool = False,
    ) -> None:
        super().__init__(scalar.mul, axis, dtype, acc_dtype)
        self.no_zeros_in_input = no_zeros_in_input

    __str__ = __repr__ = NativeOp.__str__


class MulWithoutZeros(scalar.basic.BinaryScalarOp):
    """The product of two numbers, of which zeros do not count."""

    identity = 1.0
    commutative, associative = True, True

    def impl(self, *inputs: Any) -> Any:
        """The other one, where one is 0."""
        x, y = inputs
        if x == 0:
            return y
        return x if y == 0 else x * y


mul_without_zeros = MulWithoutZeros(scalar.basic.upcast_out, name="mul_without_zeros")


def _prod_without_zeros(t: ag.Tensor, axes: Any) -> ag.Tensor:
    # As in Theano it has no gradient.
    kept = ag.where(ag.equal(t, 0), ag.ones_like(t), t)
    return ag.prod(ag.undefined_gradient(kept) if t.dtype.is_inexact else kept, axes)


class ProdWithoutZeros(CAReduceDtype):
    """The product over axes of what is not 0."""

    __props__ = ("axis", "dtype", "acc_dtype")

    def __init__(self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        super().__init__(mul_without_zeros, axis, dtype, acc_dtype)

    __str__ = __repr__ = NativeOp.__str__

    def _function(self, dtype: str) -> Any:
        del dtype
        return _prod_without_zeros


def is_complex(dtype: str) -> bool:
    """Whether a dtype is one of complex numbers."""
    return dtype in COMPLEXES


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)


# The name that programs know; annotations above mean typing's.
globals()["Any"] = Any_

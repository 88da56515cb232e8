"""Functions of one number: what ``Elemwise`` repeats, and variables that are one number.

A scalar op says of which types its result is (``output_types``) and what agnesi computes
(``build``), from tensors of any shape that broadcast: so the same op serves scalars and arrays.
An op that a program writes says ``impl`` instead, a Python function of numbers, which a compiled
function calls for each element, in its midst.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi import special
from agnesi.core.dtypes import as_dtype
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import SizeValue
from agnesi.graph.types import TensorType as Kind
from agnesi.ops.lift import broadcast_shape
from agnesi.ops.lift import cast as cast_number
from agnesi.ops.movement import broadcast
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply, Constant, Variable, clone, copied, io_toposort
from agnesi.theano.gof.native import NativeOp, native_apply, says_itself
from agnesi.theano.gof.type import Type
from agnesi.theano.gof.utils import MethodNotDefined
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import casting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

upcast = casting.upcast


class ComplexError(NotImplementedError):
    """Complex numbers are not ordered, and have no remainders."""


class IntegerDivisionError(Exception):
    """Integers are divided, which ``config.int_division`` forbids."""


# -- types and variables -------------------------------------------------------------------------


class Scalar(Type):
    """One number of a dtype.

    Attributes:
        dtype: element type, ``"float32"``.
    """

    ndim = 0
    broadcastable: ClassVar[tuple[()]] = ()
    is_object = False
    encoded = True

    def __init__(self, dtype: Any) -> None:
        self.dtype = config.floatX if dtype == "floatX" else str(np.dtype(dtype))
        as_dtype(self.dtype)

    @property
    def numpy_dtype(self) -> Any:
        """NumPy's dtype."""
        return np.dtype(self.dtype)

    def filter(
        self, data: Any, strict: builtins.bool = False, allow_downcast: builtins.bool | None = None
    ) -> Any:
        """Return a number of this type.

        Raises:
            TypeError: the number is no such one.
        """
        kind = self.numpy_dtype.type
        if strict and not isinstance(data, kind):
            raise TypeError(f"{self} expected a {kind}, got {data} of type {type(data)}", data)
        try:
            converted = kind(data)
            fits = (
                allow_downcast
                or (allow_downcast is None and type(data) is float and self.dtype == config.floatX)
                or data == converted
            )
        except Exception as error:
            raise TypeError(
                f"Could not convert {type(data)} (value={data}) to {self.dtype}"
            ) from error
        if not fits:
            raise TypeError(
                f"Value cannot accurately be converted to dtype ({self.dtype}) and allow_downcast "
                "is not True"
            )
        return converted

    def new_tensor(self, name: str | None) -> ag.Tensor:
        """Return a fresh input of agnesi."""
        return new_input(name, Kind(as_dtype(self.dtype), ()))

    def constant_tensor(self, data: Any) -> ag.Tensor:
        """Return a constant of agnesi."""
        return ConstantTensor(np.asarray(data).tobytes(), Kind(as_dtype(self.dtype), ()))

    def native_kind(self) -> tuple[str, tuple[builtins.bool, ...]]:
        """Return the dtype and the broadcast pattern: there are no axes."""
        return self.dtype, ()

    def encode(self, value: Any) -> Any:
        """Return the number as an array."""
        return np.asarray(value, self.dtype)

    def decode(self, array: Any) -> Any:
        """Return the number in an array."""
        return np.asarray(array)[()]

    def values_eq_approx(self, a: Any, b: Any, tolerance: float = 1e-4) -> builtins.bool:
        """Whether two numbers are nearly equal."""
        return builtins.bool(a == b or abs(a - b) <= (abs(a) + abs(b)) * tolerance)

    def dtype_specs(self) -> tuple[Any, str, str]:
        """Return NumPy's class, the name of the C type, and NumPy's name in C."""
        return self.numpy_dtype.type, f"npy_{self.dtype}", f"NPY_{self.dtype.upper()}"

    @staticmethod
    def upcast(*types: Any) -> str:
        """Return the dtype of arithmetic on these types."""
        return upcast(*(t.dtype for t in types))

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> builtins.bool:
        """Numbers share no memory."""
        del a, b
        return False

    def make_variable(self, name: str | None = None) -> Any:
        """Return a new variable of this type."""
        return ScalarVariable(self, name=name)

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, Scalar) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash((Scalar, self.dtype))

    def __str__(self) -> str:
        return str(self.dtype)

    def __repr__(self) -> str:
        return f"Scalar({self.dtype})"


_types: dict[str, Scalar] = {}


def get_scalar_type(dtype: str) -> Scalar:
    """Return the type of numbers of a dtype."""
    found = _types.get(dtype)
    if found is None:
        found = _types[dtype] = Scalar(dtype)
    return found


bool = get_scalar_type("bool")
int8, int16, int32, int64 = (get_scalar_type(f"int{n}") for n in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (get_scalar_type(f"uint{n}") for n in (8, 16, 32, 64))
float16, float32, float64 = (get_scalar_type(f"float{n}") for n in (16, 32, 64))
complex64, complex128 = get_scalar_type("complex64"), get_scalar_type("complex128")
int_types = int8, int16, int32, int64
uint_types = uint8, uint16, uint32, uint64
float_types = float16, float32, float64
complex_types = complex64, complex128
integer_types = int_types + uint_types
discrete_types = (bool, *integer_types)
continuous_types = float_types + complex_types
all_types = discrete_types + continuous_types


class _scalar_py_operators:
    """Operators of variables that are one number."""

    ndim = 0
    type: Any
    broadcastable: ClassVar[tuple[()]] = ()

    @property
    def dtype(self) -> str:
        """Element type."""
        return self.type.dtype

    def zeros_like(self, dtype: Any = None) -> Any:
        """Zero, of a dtype."""
        return second(self, constant(0, dtype=dtype or self.type.dtype))

    def ones_like(self, dtype: Any = None) -> Any:
        """One, of a dtype."""
        return second(self, constant(1, dtype=dtype or self.type.dtype))

    def astype(self, dtype: Any) -> Any:
        """The same number in another dtype."""
        return cast(self, dtype)

    def __abs__(self) -> Any:
        return abs_(self)

    def __neg__(self) -> Any:
        return neg(self)

    def __invert__(self) -> Any:
        return invert(self)

    def __truediv__(self, other: Any) -> Any:
        return div_proxy(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return div_proxy(other, self)

    def __mod__(self, other: Any) -> Any:
        return mod_check(self, other)

    def __rmod__(self, other: Any) -> Any:
        return mod_check(other, self)


def _operator(name: str) -> Any:
    return lambda self, other: globals()[name](self, other)


def _reflected(name: str) -> Any:
    return lambda self, other: globals()[name](other, self)


for _word, _name in {
    "and": "and_", "or": "or_", "xor": "xor", "add": "add", "sub": "sub", "mul": "mul",
    "floordiv": "int_div", "pow": "pow",
}.items():  # fmt: skip
    setattr(_scalar_py_operators, f"__{_word}__", _operator(_name))
    setattr(_scalar_py_operators, f"__r{_word}__", _reflected(_name))
for _word in ("lt", "le", "gt", "ge"):
    setattr(_scalar_py_operators, f"__{_word}__", _operator(_word))


class ScalarVariable(_scalar_py_operators, Variable):
    """A symbolic number."""

    __hash__ = object.__hash__


class ScalarConstant(_scalar_py_operators, Constant):
    """A known number."""

    __hash__ = object.__hash__


Scalar.Variable, Scalar.Constant = ScalarVariable, ScalarConstant


def constant(x: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Return a known number, of the smallest dtype that holds it unless one is given.

    Raises:
        TypeError: it is no number.
    """
    array = casting.as_array(x, dtype)
    if array.ndim or array.dtype.kind not in "biufc":
        raise TypeError(f"Cannot convert {x!r} to Scalar", type(x))
    return ScalarConstant(get_scalar_type(array.dtype.name), array[()], name)


def convert(x: Any, dtype: Any = None) -> Any:
    """Return a number, list or array as an array of the dtype that Theano gives it."""
    return casting.as_array(x, dtype)


def as_scalar(x: Any, name: str | None = None) -> Any:
    """Return a variable that is one number: itself, or a Python number as a constant.

    Raises:
        TypeError: an array with axes, or no number.
    """
    del name
    if isinstance(x, Apply):
        if len(x.outputs) != 1:
            raise ValueError(
                "It is ambiguous which output of a multi-output Op has to be fetched.", x
            )
        x = x.outputs[0]
    if isinstance(x, Variable):
        if isinstance(x.type, Scalar):
            return x
        if getattr(x.type, "ndim", None) == 0:
            from agnesi.theano.tensor.basic import scalar_from_tensor

            return scalar_from_tensor(x)
        raise TypeError("Variable type field must be a Scalar.", x, x.type)
    try:
        return constant(x)
    except TypeError as error:
        raise TypeError(f"Cannot convert {x} to Scalar", type(x)) from error


def as_common_dtype(*variables: Any) -> Any:
    """Return variables in the dtype of arithmetic on them."""
    dtype = upcast(*(v.dtype for v in variables))
    return (v.astype(dtype) for v in variables)


def _several(kind: Scalar) -> Any:
    def make(names: Any) -> Any:
        return kind(names) if len(names) == 1 else [kind(name) for name in names]

    return make


ints, floats = _several(int64), _several(float64)
complexs = complexs128 = _several(complex128)
complexs64 = _several(complex64)


# -- which types results have --------------------------------------------------------------------


def upcast_out(*types: Any) -> tuple[Any, ...]:
    """The type of arithmetic on the operands."""
    return (get_scalar_type(Scalar.upcast(*types)),)


def upcast_out_nobool(*types: Any) -> tuple[Any, ...]:
    """The same; not of bools alone."""
    found = upcast_out(*types)
    if found[0] == bool:
        raise TypeError("bool output not supported")
    return found


def upcast_out_min8(*types: Any) -> tuple[Any, ...]:
    """The same; of bools alone int8."""
    found = upcast_out(*types)
    return (int8,) if found[0] == bool else found


def upcast_out_no_complex(*types: Any) -> tuple[Any, ...]:
    """The same; not of complex numbers."""
    if any(t in complex_types for t in types):
        raise TypeError("complex type are not supported")
    return upcast_out(*types)


def upgrade_to_float(*types: Any) -> tuple[Any, ...]:
    """A float type: of integers float32 where that holds them, else float64."""
    return (get_scalar_type(upcast(*(casting.to_float(t.dtype) for t in types))),)


def upgrade_to_float64(*types: Any) -> tuple[Any, ...]:
    """Always float64."""
    del types
    return (float64,)


def upgrade_to_float_no_complex(*types: Any) -> tuple[Any, ...]:
    """A float type; not of complex numbers."""
    if any(t in complex_types for t in types):
        raise TypeError("complex argument not supported")
    return upgrade_to_float(*types)


def same_out(type: Any) -> tuple[Any, ...]:
    """The operand's type."""
    return (type,)


def same_out_nobool(type: Any) -> tuple[Any, ...]:
    """The operand's type; not of bools."""
    if type == bool:
        raise TypeError("bool input not supported")
    return (type,)


def same_out_min8(type: Any) -> tuple[Any, ...]:
    """The operand's type; of bools int8."""
    return (int8,) if type == bool else (type,)


def same_out_float_only(type: Any) -> tuple[Any, ...]:
    """The operand's type, a float."""
    if type not in float_types:
        raise TypeError("only float type are supported")
    return (type,)


def same_out_nocomplex(type: Any) -> tuple[Any, ...]:
    """The operand's type; not of complex numbers."""
    if type in complex_types:
        raise TypeError("complex argument not supported")
    return (type,)


def int_out(*types: Any) -> tuple[Any, ...]:
    """Always int64."""
    del types
    return (int64,)


def float_out(*types: Any) -> tuple[Any, ...]:
    """Always float64."""
    del types
    return (float64,)


def int_out_nocomplex(*types: Any) -> tuple[Any, ...]:
    """Always int64; not of complex numbers."""
    if any(t in complex_types for t in types):
        raise TypeError("complex argument not supported")
    return (int64,)


def float_out_nocomplex(*types: Any) -> tuple[Any, ...]:
    """Always float64; not of complex numbers."""
    if any(t in complex_types for t in types):
        raise TypeError("complex argument not supported")
    return (float64,)


def real_out(type: Any) -> tuple[Any, ...]:
    """The type of real parts."""
    return ({"complex64": float32, "complex128": float64}.get(type.dtype, type),)


class transfer_type:
    """The types of operands, by their places; None: that of arithmetic on all."""

    __props__ = ("transfer",)

    def __init__(self, *transfer: Any) -> None:
        self.transfer = transfer

    def __call__(self, *types: Any) -> list[Any]:
        return [
            upcast_out(*types)[0] if i is None else get_scalar_type(i) if isinstance(i, str)
            else types[i]
            for i in self.transfer
        ]  # fmt: skip

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, transfer_type) and self.transfer == other.transfer

    def __hash__(self) -> int:
        return hash((transfer_type, self.transfer))

    def __str__(self) -> str:
        return f"transfer_type{{{self.transfer}}}"


class specific_out:
    """These types, whatever the operands are."""

    __props__ = ("spec",)

    def __init__(self, *spec: Any) -> None:
        self.spec = spec

    def __call__(self, *types: Any) -> tuple[Any, ...]:
        del types
        return self.spec

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, specific_out) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash((specific_out, self.spec))


class unary_out_lookup:
    """Types of results by types of operands, from a dict."""

    def __init__(self, type_table: dict[Any, Any]) -> None:
        self.tbl = type_table

    def __call__(self, *types: Any) -> Any:
        key = types[0] if len(types) == 1 else types
        if key not in self.tbl:
            raise TypeError(key)
        found = self.tbl[key]
        return found if isinstance(key, tuple) else [found]

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, unary_out_lookup) and self.tbl == other.tbl

    def __hash__(self) -> int:
        return hash(unary_out_lookup)


# -- ops -----------------------------------------------------------------------------------------


class ScalarOp(NativeOp):
    """A function of numbers; base of those that programs write, with ``impl`` and ``grad``.

    Attributes:
        nin: how many numbers; -1 for any.
        nout: how many results.
    """

    nin = -1
    nout = 1
    name: Any = None
    output_types_preference: Any

    def __init__(self, output_types_preference: Any = None, name: str | None = None) -> None:
        self.name = name
        if output_types_preference is not None:
            if not callable(output_types_preference):
                raise TypeError(
                    "Expected a callable for the 'output_types_preference' argument to "
                    f"{type(self)}. (got: {output_types_preference})"
                )
            self.output_types_preference = output_types_preference

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """Return the types of the results, given those of the operands.

        Raises:
            TypeError: there is no such function.
        """
        rule = getattr(self, "output_types_preference", None)
        if rule is None:
            raise NotImplementedError(f"Cannot calculate the output types for {self}")
        found = rule(*types)
        if not isinstance(found, list | tuple) or any(not isinstance(t, Type) for t in found):
            raise TypeError(
                "output_types_preference should return a list or a tuple of types", rule, found
            )
        if len(found) != self.nout:
            raise TypeError(
                f"Not the right number of outputs types produced for {self}. Expected {self.nout}, "
                f"got {len(found)}."
            )
        return found

    @property
    def is_native(self) -> builtins.bool:
        """Whether agnesi computes it; else Python code does, number by number."""
        return type(self).build is not NativeOp.build and not says_itself(self, "impl", "perform")

    def given(self, *inputs: Any) -> list[Any]:
        """Return what was given as numbers.

        Raises:
            TypeError: how many are given.
        """
        if self.nin >= 0 and len(inputs) != self.nin:
            raise TypeError(
                f"Wrong number of inputs for {self}.make_node (got {len(inputs)}({inputs}), "
                f"expected {self.nin})"
            )
        return [as_scalar(x) for x in inputs]

    def applied(self, given: Sequence[Any], tensors: Sequence[Any]) -> Apply:
        """Return the application to numbers, or to arrays in their places."""
        if self.is_native:
            return super().applied(given, tensors)
        kinds = self.output_types([v.type for v in given])
        if all(t.ndim == 0 for t in tensors):
            return Apply(self, given, [kind() for kind in kinds])
        from agnesi.theano.tensor.elemwise import on_tensors

        made = on_tensors(self, tensors)
        outputs = [ScalarVariable(k, tensor=t) for k, t in zip(kinds, made, strict=True)]
        return native_apply(self, given, outputs)

    def runs_in_python(self, node: Apply) -> builtins.bool:
        """Whether it is Python code."""
        del node
        return not self.is_native

    def outputs_for(self, given: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
        """Return numbers."""
        del given
        return [number(t) for t in tensors]

    def build(self, *tensors: Any) -> Any:
        """Return what agnesi computes, element by element."""
        kinds = self.output_types([get_scalar_type(t.dtype.numpy.name) for t in tensors])
        return self.of_tensors(tensors, kinds[0].dtype)

    def of_tensors(self, tensors: Sequence[Any], dtype: str) -> Any:
        """Return what agnesi computes, of a dtype."""
        raise NotImplementedError(f"{type(self).__name__}: no function of agnesi's")

    def impl(self, *inputs: Any) -> Any:
        """Return the function of numbers."""
        raise MethodNotDefined("impl", type(self), type(self).__name__)

    def perform(self, node: Apply, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Compute results from numbers."""
        del node, params
        found = self.impl(*inputs)
        results = [found] if self.nout == 1 else list(found)
        for cell, result in zip(output_storage, results, strict=True):
            cell[0] = result

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """Return the gradients by the numbers."""
        if self.is_native:
            return super().grad(inputs, output_grads)
        raise MethodNotDefined("grad", type(self), type(self).__name__)

    def __eq__(self, other: object) -> builtins.bool:
        return type(self) is type(other) and getattr(
            self, "output_types_preference", None
        ) == getattr(other, "output_types_preference", None)

    def __hash__(self) -> int:
        return hash((type(self), getattr(self, "output_types_preference", 0)))

    def __str__(self) -> str:
        if self.name:
            return self.name
        shown = [
            (k, v)
            for k, v in self.__dict__.items()
            if k not in ("name", "bool", "output_types_preference")
        ]
        if shown:
            return f"{type(self).__name__}{{{', '.join(f'{k}={v}' for k, v in shown)}}}"
        return type(self).__name__

    __repr__ = __str__


# The base says build() for its subclasses; none of a program's says it.
_GENERIC = ScalarOp.build
del ScalarOp.build


class UnaryScalarOp(ScalarOp):
    """A function of one number."""

    nin = 1


class BinaryScalarOp(ScalarOp):
    """A function of two numbers."""

    nin = 2
    commutative: ClassVar[Any] = None
    associative: ClassVar[Any] = None


class LogicalComparison(BinaryScalarOp):
    """A comparison of two numbers: a bool."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.bool = True

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """A bool."""
        del types
        return [bool]


class FixedLogicalComparison(UnaryScalarOp):
    """A test of one number: a bool."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.bool = True

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """A bool."""
        del types
        return [bool]


class UnaryBitOp(UnaryScalarOp):
    """A function of the bits of an integer."""

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """The operand's type."""
        for t in types:
            if t not in discrete_types:
                raise TypeError(f"input to a BitOp must be an integer or bool, not {t}")
        return upcast_out(*types)


class BinaryBitOp(BinaryScalarOp):
    """A function of the bits of two integers."""

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """That of arithmetic on the operands, integers or both bools."""
        a, b = types
        if a == bool and b == bool:
            return [bool]
        for t in types:
            if t not in integer_types:
                raise TypeError(f"inputs to a BitOp must be integers, or all bools, not {t}")
        return upcast_out(*types)


def number(tensor: ag.Tensor) -> Any:
    """Return a variable for a tensor that stands in for a number."""
    kind = get_scalar_type(tensor.dtype.numpy.name)
    if isinstance(tensor, ConstantTensor) and not tensor.ndim:
        return ScalarConstant(kind, tensor.value[()])
    return ScalarVariable(kind, tensor=tensor)


def in_dtype(t: ag.Tensor, dtype: str, together: Sequence[ag.Tensor]) -> Any:
    """Return an operand in a dtype; numbers beside sizes as numbers, so that sizes stay sizes."""
    if dtype == "int64" and any(isinstance(o, SizeValue) for o in together):
        if isinstance(t, SizeValue):
            return t
        if isinstance(t, ConstantTensor) and not t.ndim:
            return int(t.number)  # type: ignore[arg-type]
    # A known number becomes another one, not a cast of one.
    return cast_number(t, as_dtype(dtype)) if isinstance(t, ConstantTensor) else ag.astype(t, dtype)


class _InResult(ScalarOp):
    """Operands are brought to the result's dtype."""

    function: ClassVar[Callable[..., Any]]
    build = _GENERIC

    def of_tensors(self, tensors: Sequence[Any], dtype: str) -> Any:
        """The function of operands in the result's dtype."""
        made = type(self).function(*(in_dtype(t, dtype, tensors) for t in tensors))
        if isinstance(made, SizeValue) and dtype == "int64":
            return made
        return ag.astype(made, dtype)


class _Folded(_InResult):
    """Of any number of operands, two at a time."""

    def of_tensors(self, tensors: Sequence[Any], dtype: str) -> Any:
        """One operand after the other."""
        total = tensors[0]
        if len(tensors) == 1:
            return ag.astype(total, dtype)
        for other in tensors[1:]:
            total = super().of_tensors((total, other), dtype)
        return total


class _InCommon(ScalarOp):
    """Operands are brought to their common dtype; the result has its own."""

    function: ClassVar[Callable[..., Any]]
    build = _GENERIC

    def of_tensors(self, tensors: Sequence[Any], dtype: str) -> Any:
        """The function of operands in their common dtype."""
        inside = upcast(*(t.dtype.numpy.name for t in tensors))
        return ag.astype(
            type(self).function(*(in_dtype(t, inside, tensors) for t in tensors)), dtype
        )


class _AsGiven(ScalarOp):
    """Operands are taken as they are."""

    function: ClassVar[Callable[..., Any]]
    build = _GENERIC

    def of_tensors(self, tensors: Sequence[Any], dtype: str) -> Any:
        """The function of operands as they are."""
        return ag.astype(type(self).function(*tensors), dtype)


def _impl(function: Any) -> Any:
    def impl(self: Any, *inputs: Any) -> Any:
        arrays = [np.asarray(x) if hasattr(x, "dtype") else casting.as_array(x) for x in inputs]
        made = self.build(*(ag.constant(a) for a in arrays))
        return made.eval()[()]

    return impl


def _define(
    name: str,
    class_name: str,
    function: Any,
    rule: Any,
    *bases: type,
    label: str | None = "",
    **extra: Any,
) -> Any:
    """Make the class of a scalar op, put it here under its name, and return its only instance."""
    members = {
        "__module__": __name__,
        "__doc__": f"The function {name} of numbers.",
        "function": staticmethod(function),
        "impl": _impl(function),
        "build": _GENERIC,
        **extra,
    }
    kind: Any = type(class_name, bases, members)
    globals()[class_name] = kind
    return kind(rule, name=name if label == "" else label)


def _unary(
    name: str, class_name: str, function: Any, rule: Any = upgrade_to_float, **more: Any
) -> Any:
    return _define(name, class_name, function, rule, _InResult, UnaryScalarOp, **more)


def _binary(name: str, class_name: str, function: Any, rule: Any = upcast_out, **more: Any) -> Any:
    return _define(name, class_name, function, rule, _InResult, BinaryScalarOp, **more)


def _compared(name: str, class_name: str, function: Any, **more: Any) -> Any:
    return _define(
        name, class_name, function, None, _InCommon, LogicalComparison, label=None, **more
    )


_SWAPS: dict[str, Any] = {"commutative": True, "associative": False}
_BOTH: dict[str, Any] = {"commutative": True, "associative": True}

lt, gt = _compared("lt", "LT", ag.less), _compared("gt", "GT", ag.greater)
le, ge = _compared("le", "LE", ag.less_equal), _compared("ge", "GE", ag.greater_equal)
eq = _compared("eq", "EQ", ag.equal, **_SWAPS)
neq = _compared("neq", "NEQ", ag.not_equal, **_SWAPS)


def _test(name: str, class_name: str, function: Any) -> Any:
    return _define(name, class_name, function, None, _AsGiven, FixedLogicalComparison, label=None)


isnan, isinf = _test("isnan", "IsNan", ag.isnan), _test("isinf", "IsInf", ag.isinf)


class InRange(LogicalComparison):
    """Whether a number lies between two others."""

    nin = 3

    def __init__(self, openlow: builtins.bool, openhi: builtins.bool) -> None:
        super().__init__()
        self.openlow, self.openhi = openlow, openhi

    def build(self, *tensors: Any) -> Any:
        """Two comparisons."""
        x, low, high = (
            ag.astype(t, upcast(*(o.dtype.numpy.name for o in tensors))) for t in tensors
        )
        above = ag.greater(x, low) if self.openlow else ag.greater_equal(x, low)
        below = ag.less(x, high) if self.openhi else ag.less_equal(x, high)
        return ag.logical_and(above, below)

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, InRange) and (self.openlow, self.openhi) == (
            other.openlow,
            other.openhi,
        )

    def __hash__(self) -> int:
        return hash((InRange, self.openlow, self.openhi))


inopenrange, inclosedrange = InRange(True, True), InRange(False, False)


class Switch(ScalarOp):
    """One of two numbers, by a condition."""

    nin = 3

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """That of arithmetic on the two."""
        _, a, b = types
        return upcast_out(a, b)

    def build(self, *tensors: Any) -> Any:
        """A choice."""
        c, a, b = tensors
        dtype = upcast(a.dtype.numpy.name, b.dtype.numpy.name)
        return ag.where(ag.astype(c, "bool"), ag.astype(a, dtype), ag.astype(b, dtype))

    impl = _impl(None)


switch = Switch()

or_ = _define(
    "or_", "OR", ag.bitwise_or, None, _InResult, BinaryBitOp, label=None, identity=0, **_BOTH
)
xor = _define(
    "xor", "XOR", ag.bitwise_xor, None, _InResult, BinaryBitOp, label=None, identity=0, **_BOTH
)
and_ = _define(
    "and_", "AND", ag.bitwise_and, None, _InResult, BinaryBitOp, label=None, identity=-1, **_BOTH
)
invert = _define("invert", "Invert", ag.bitwise_invert, None, _InResult, UnaryBitOp, label=None)


def _chosen(whole: Any, better: Any) -> Any:
    """Return an extreme of two whose gradient goes to the first where both are equal."""

    def function(x: Any, y: Any) -> Any:
        if not isinstance(x, ag.Tensor) or not x.dtype.is_float:
            return whole(x, y)
        if _is_number(x):
            return ag.where(ag.logical_or(better(x, y), ag.equal(x, y)), x, y)
        second = better(y, x)
        return ag.where(second if _is_number(y) else ag.logical_or(second, ag.isnan(y)), y, x)

    return function


def _is_number(t: Any) -> builtins.bool:
    """Whether a tensor is known, and nowhere NaN."""
    return isinstance(t, ConstantTensor) and not np.isnan(t.value).any()


maximum = _binary("maximum", "Maximum", _chosen(ag.maximum, ag.greater), **_BOTH)
minimum = _binary("minimum", "Minimum", _chosen(ag.minimum, ag.less), **_BOTH)
add = _define("add", "Add", ag.add, upcast_out, _Folded, identity=0, **_BOTH)
mul = _define("mul", "Mul", ag.multiply, upcast_out, _Folded, identity=1, **_BOTH)
sub = _binary("sub", "Sub", ag.subtract, upcast_out_nobool)


class TrueDiv(_InResult, BinaryScalarOp):
    """A quotient; of integers floatX."""

    function = staticmethod(ag.divide)
    build = _GENERIC
    impl = _impl(None)

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """FloatX of integers, else that of arithmetic on them."""
        if all(t in discrete_types for t in types):
            return [get_scalar_type(config.floatX)]
        return super().output_types(types)


true_div = TrueDiv(upcast_out, name="true_div")


class IntDiv(_InResult, BinaryScalarOp):
    """A quotient rounded down."""

    function = staticmethod(ag.floor_divide)
    build = _GENERIC
    impl = _impl(None)
    complex_error: ClassVar[Exception] = ComplexError(
        "Theano does not support integer division (//) on complex numbers, since numpy "
        "deprecated it."
    )


int_div = floor_div = IntDiv(upcast_out, name="int_div")


class Mod(_InResult, BinaryScalarOp):
    """The remainder of a quotient rounded down."""

    function = staticmethod(ag.remainder)
    build = _GENERIC
    impl = _impl(None)
    complex_error: ClassVar[Exception] = ComplexError(
        "Theano does not support the mod operator (%) on complex numbers, since numpy "
        "deprecated it."
    )


mod = Mod(upcast_out, name="mod")
pow = _binary("pow", "Pow", ag.power, upcast_out_min8)


def int_or_true_div(x_discrete: builtins.bool, y_discrete: builtins.bool) -> Any:
    """Return the op of ``/`` between numbers that are integers or not.

    Raises:
        IntegerDivisionError: both are integers, and settings forbid that.
    """
    if not (x_discrete and y_discrete):
        return true_div
    how = config.int_division
    if how == "raise":
        raise IntegerDivisionError(
            "With `config.int_division` set to 'raise', dividing two integer types with '/' is "
            "forbidden to avoid confusion between integer and floating point divisions. Please use "
            "// for integer division, or if you want a float result either cast one of the "
            "arguments to a float or directly call `x.__truediv__(y)`."
        )
    if how == "int":
        import warnings

        warnings.warn(
            "Division of two integer types with x / y is deprecated, please use x // y for an "
            "integer division.",
            DeprecationWarning,
            stacklevel=4,
        )
        return int_div
    return true_div


def div_proxy(x: Any, y: Any) -> Any:
    """Return the quotient that ``/`` gives."""
    x, y = as_scalar(x), as_scalar(y)
    return int_or_true_div(x.type in discrete_types, y.type in discrete_types)(x, y)


def mod_check(x: Any, y: Any) -> Any:
    """Return the remainder, of real numbers."""
    x, y = as_scalar(x), as_scalar(y)
    if x.type in complex_types or y.type in complex_types:
        raise Mod.complex_error
    return mod(x, y)


def _clipped(x: Any, low: Any, high: Any) -> Any:
    if not isinstance(x, ag.Tensor) or not x.dtype.is_float:
        return ag.minimum(ag.maximum(x, low), high)
    # At an end the gradient goes to the number itself.
    return ag.where(ag.less(x, low), low, ag.where(ag.greater(x, high), high, x))


clip = _define("clip", "Clip", _clipped, upcast_out_no_complex, _InResult, nin=3)


class Second(BinaryScalarOp):
    """The second number, in the place of the first."""

    def build(self, *tensors: Any) -> Any:
        """The second, repeated over the shape of both."""
        model, value = tensors
        return like(model, value)

    impl = _impl(None)


def like(model: Any, value: Any) -> Any:
    """Return a tensor repeated over the shape that it has together with another one."""
    own, shape = value.type.shape, model.type.shape
    if len(own) > len(shape) or any(s != 1 for s in own):
        shape = broadcast_shape("fill", ("a", "b"), (model, value))
    return broadcast(value, shape)


second = Second(transfer_type(1), name="second")
identity = _define("identity", "Identity", lambda x: x, same_out, _AsGiven, UnaryScalarOp)


_THROUGH = {"int8": "i32", "int16": "i32", "uint8": "i32", "uint16": "i32", "uint32": "i64"}


class Cast(_AsGiven, UnaryScalarOp):
    """The same number in another dtype.

    Attributes:
        o_type: the type of the result.
    """

    function = staticmethod(lambda x: x)
    build = _GENERIC
    impl = _impl(None)

    def of_tensors(self, tensors: Sequence[Any], dtype: str) -> Any:
        """The number; what is too large for a few bits loses the others, as in C."""
        (x,) = tensors
        through = _THROUGH.get(dtype)
        return ag.astype(ag.astype(x, through) if through and x.dtype.is_float else x, dtype)

    def __init__(self, o_type: Any, name: str | None = None) -> None:
        if not isinstance(o_type, Scalar):
            raise TypeError(o_type)
        super().__init__(specific_out(o_type), name=name)
        self.o_type = o_type
        self.ctor = o_type.numpy_dtype.type

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.o_type.dtype}}}"

    __repr__ = __str__


_cast_mapping = {t.dtype: Cast(t, name=f"convert_to_{t.dtype}") for t in all_types}
for _dtype, _made in _cast_mapping.items():
    globals()[f"convert_to_{_dtype}"] = _made


def cast(x: Any, dtype: Any) -> Any:
    """Return the same number in another dtype.

    Raises:
        TypeError: from complex numbers to real ones.
    """
    dtype = config.floatX if dtype == "floatX" else str(np.dtype(dtype))
    x = as_scalar(x)
    if x.type.dtype == dtype:
        return x
    if x.type.dtype.startswith("complex") and not dtype.startswith("complex"):
        raise TypeError(
            "Casting from complex to real is ambiguous: consider real(), imag(), angle() or abs()"
        )
    return _cast_mapping[dtype](x)


class Abs(_AsGiven, UnaryScalarOp):
    """The absolute value; of complex numbers a real one."""

    function = staticmethod(ag.absolute)
    build = _GENERIC
    impl = _impl(None)

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """The real type."""
        return real_out(types[0])


abs_ = Abs(same_out)


def _sign_out(x: Any) -> tuple[Any, ...]:
    if x == bool:
        raise TypeError(x)
    return same_out_nocomplex(x)


sgn = _unary("sgn", "Sgn", ag.sign, None, output_types_preference=staticmethod(_sign_out))
ceil = _unary("ceil", "Ceil", ag.ceil, upgrade_to_float_no_complex)
floor = _unary("floor", "Floor", ag.floor, upgrade_to_float_no_complex)
trunc = _unary("trunc", "Trunc", ag.trunc, upgrade_to_float_no_complex)
round_half_to_even = _unary(
    "round_half_to_even", "RoundHalfToEven", ag.round, same_out_float_only, label=None
)
round_half_away_from_zero = _unary(
    "round_half_away_from_zero",
    "RoundHalfAwayFromZero",
    ag.round_half_away_from_zero,
    same_out_float_only,
    label=None,
)
neg = _unary("neg", "Neg", ag.negative, same_out_nobool)
inv = _unary("inv", "Inv", lambda x: 1 / x)
log, log2 = _unary("log", "Log", ag.log), _unary("log2", "Log2", ag.log2)
log10, log1p = _unary("log10", "Log10", ag.log10), _unary("log1p", "Log1p", ag.log1p)
exp, exp2 = _unary("exp", "Exp", ag.exp), _unary("exp2", "Exp2", ag.exp2)
expm1 = _unary("expm1", "Expm1", ag.expm1)
sqr = _unary("sqr", "Sqr", lambda x: x if x.dtype.is_bool else ag.square(x), same_out)
sqrt = _unary("sqrt", "Sqrt", ag.sqrt)
deg2rad, rad2deg = (
    _unary("deg2rad", "Deg2Rad", ag.deg2rad),
    _unary("rad2deg", "Rad2Deg", ag.rad2deg),
)
cos, arccos = _unary("cos", "Cos", ag.cos), _unary("arccos", "ArcCos", ag.arccos)
sin, arcsin = _unary("sin", "Sin", ag.sin), _unary("arcsin", "ArcSin", ag.arcsin)
tan, arctan = _unary("tan", "Tan", ag.tan), _unary("arctan", "ArcTan", ag.arctan)
arctan2 = _binary("arctan2", "ArcTan2", ag.arctan2, upgrade_to_float)
cosh, arccosh = _unary("cosh", "Cosh", ag.cosh), _unary("arccosh", "ArcCosh", ag.arccosh)
sinh, arcsinh = _unary("sinh", "Sinh", ag.sinh), _unary("arcsinh", "ArcSinh", ag.arcsinh)
tanh, arctanh = _unary("tanh", "Tanh", ag.tanh), _unary("arctanh", "ArcTanh", ag.arctanh)
real = _define("real", "Real", ag.real, real_out, _AsGiven, UnaryScalarOp)
imag = _define("imag", "Imag", ag.imag, real_out, _AsGiven, UnaryScalarOp)
angle = _define("angle", "Angle", ag.angle, specific_out(float64), _AsGiven, UnaryScalarOp)
conj = _unary("conj", "Conj", ag.conj, same_out_min8)


def _complex_out(x: Any, y: Any) -> list[Any]:
    for t in (x, y):
        if t in complex_types:
            raise TypeError(t)
    wide = Scalar.upcast(x, y) in ("float64", "int64", "uint64", "int32", "uint32")
    return [complex128 if wide else complex64]


def _as_parts(function: Any) -> Any:
    """Return a function of real numbers of the precision that its complex result has."""

    def of_parts(self: Any, tensors: Sequence[Any], dtype: str) -> Any:
        part = {"complex64": "float32", "complex128": "float64"}[dtype]
        return ag.astype(function(*(ag.astype(t, part) for t in tensors)), dtype)

    return of_parts


complex = _binary(
    "complex",
    "Complex",
    ag.complex,
    None,
    output_types_preference=staticmethod(_complex_out),
    of_tensors=_as_parts(ag.complex),
)
complex_from_polar = _binary(
    "complex_from_polar",
    "ComplexFromPolar",
    ag.complex_from_polar,
    None,
    output_types_preference=staticmethod(_complex_out),
    of_tensors=_as_parts(ag.complex_from_polar),
)

# -- special functions ---------------------------------------------------------------------------

erf = _unary("erf", "Erf", special.erf)
erfc = _unary("erfc", "Erfc", special.erfc, upgrade_to_float_no_complex)
erfcx = _unary("erfcx", "Erfcx", special.erfcx, upgrade_to_float_no_complex)
erfinv = _unary("erfinv", "Erfinv", special.erfinv, upgrade_to_float_no_complex)
erfcinv = _unary("erfcinv", "Erfcinv", special.erfcinv, upgrade_to_float_no_complex)
gamma, gammaln = (
    _unary("gamma", "Gamma", special.gamma),
    _unary("gammaln", "GammaLn", special.gammaln),
)
psi, tri_gamma = (
    _unary("psi", "Psi", special.psi),
    _unary("tri_gamma", "TriGamma", special.trigamma),
)
chi2sf = _binary("chi2sf", "Chi2SF", special.chi2sf, upgrade_to_float64)
gammainc = _binary("gammainc", "GammaInc", special.gammainc, upgrade_to_float)
gammaincc = _binary("gammaincc", "GammaIncC", special.gammaincc, upgrade_to_float)
gammau = _binary(
    "gammau", "GammaU", lambda k, x: special.gammaincc(k, x) * special.gamma(k), upgrade_to_float
)
gammal = _binary(
    "gammal", "GammaL", lambda k, x: special.gammainc(k, x) * special.gamma(k), upgrade_to_float
)
j0, j1 = _unary("j0", "J0", special.j0), _unary("j1", "J1", special.j1)
i0, i1 = _unary("i0", "I0", special.i0), _unary("i1", "I1", special.i1)
jv, iv = (
    _binary("jv", "Jv", special.jv, upgrade_to_float),
    _binary("iv", "Iv", special.iv, upgrade_to_float),
)

# Of theano.tensor.nnet.sigm, theano.tensor.xlogx and their like.
scalar_sigmoid = _unary("scalar_sigmoid", "ScalarSigmoid", ag.sigmoid, upgrade_to_float)
scalar_softplus = _unary("scalar_softplus", "ScalarSoftplus", ag.softplus, upgrade_to_float)
ultra_fast_scalar_sigmoid = _unary(
    "ultra_fast_scalar_sigmoid", "UltraFastScalarSigmoid", ag.ultra_fast_sigmoid, upgrade_to_float
)
scalar_xlogx = _unary("scalar_xlogx", "XlogX", lambda x: special.xlogy(x, x), upgrade_to_float)
scalar_xlogy0 = _binary("scalar_xlogy0", "XlogY0", special.xlogy, upgrade_to_float)


# -- graphs of scalar ops as one op --------------------------------------------------------------


def _without_composites(outputs: Any) -> list[Any]:
    """Return outputs, the only one's own composite opened, as Theano does."""
    owner = outputs[0].owner if len(outputs) == 1 else None
    if owner is None or not isinstance(owner.op, Composite):
        return list(outputs)
    op = owner.op
    inside = op.outputs[outputs[0].index]
    return copied([inside], dict(zip(op.inputs, owner.inputs, strict=True)))[0]


class Composite(ScalarOp):
    """A graph of scalar ops as one.

    Attributes:
        inputs: the variables that its operands take the place of.
        outputs: the variables that are its results.
    """

    init_param = ("inputs", "outputs")

    def __init__(self, inputs: Any, outputs: Any) -> None:
        super().__init__()
        for i in inputs:
            if any(i is o for o in outputs):
                raise AssertionError("Composite: an input is no output; use identity")
        self.inputs, self.outputs = clone(list(inputs), _without_composites(outputs))
        for node in io_toposort(self.inputs, self.outputs):
            if not isinstance(node.op, ScalarOp):
                raise ValueError(
                    "The fgraph to Composite must be exclusively composed of ScalarOp instances."
                )
        self.inputs_type = tuple(v.type for v in self.inputs)
        self.outputs_type = tuple(v.type for v in self.outputs)
        self.nin, self.nout = len(self.inputs), len(self.outputs)

    @property
    def fgraph(self) -> Any:
        """The graph."""
        from agnesi.theano.gof.fg import FunctionGraph

        return FunctionGraph(*clone(self.inputs, self.outputs), clone=False)

    @property
    def is_native(self) -> builtins.bool:
        """Whether agnesi computes all of it."""
        nodes = io_toposort(self.inputs, self.outputs)
        return type(self) is Composite and all(node.op.is_native for node in nodes)

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """Those of the graph; of operands of other types, what they make of it."""
        if tuple(types) != self.inputs_type:
            raise TypeError(
                f"Wrong types for Composite. Expected {self.inputs_type}, got {tuple(types)}."
            )
        return self.outputs_type

    def build(self, *tensors: Any) -> Any:
        """The graph, on other operands."""
        made = self._values(lambda op, given: op.build(*given), tensors)
        return made[0] if self.nout == 1 else made

    def impl(self, *inputs: Any) -> Any:
        """The graph, on numbers."""
        found = self._values(lambda op, given: op.impl(*given), inputs)
        return found[0] if self.nout == 1 else found

    def _values(self, function: Any, operands: Sequence[Any]) -> list[Any]:
        native = operands and isinstance(operands[0], ag.Tensor)
        known: dict[Any, Any] = dict(zip(self.inputs, operands, strict=True))

        def value(v: Any) -> Any:
            if v in known:
                return known[v]
            return v.tensor if native else v.data

        for node in io_toposort(self.inputs, self.outputs):
            made = function(node.op, [value(v) for v in node.inputs])
            several = made if node.op.nout > 1 else [made]
            known.update(zip(node.outputs, several, strict=True))
        return [value(v) for v in self.outputs]

    def __str__(self) -> str:
        if self.name is None:
            from agnesi.theano.printing import pp

            for k, v in enumerate(self.inputs):
                v.name = f"i{k}"
            for v in self.outputs:
                v.name = None
            shown = ", ".join(pp(v) for v in self.outputs)
            for k, v in enumerate(self.outputs):
                v.name = f"o{k}"
            self.name = f"Composite{{{shown}}}"
        return self.name

    __repr__ = __str__

    def _key(self) -> tuple[Any, ...]:
        known: dict[Any, Any] = {v: k for k, v in enumerate(self.inputs)}
        steps: list[Any] = []
        for node in io_toposort(self.inputs, self.outputs):
            steps.append((node.op, *(known.get(v, v) for v in map(_signed, node.inputs))))
            known.update((v, (len(steps), k)) for k, v in enumerate(node.outputs))
        return self.inputs_type, tuple(steps), tuple(known.get(v) for v in self.outputs)

    def __eq__(self, other: object) -> builtins.bool:
        return self is other or (isinstance(other, Composite) and self._key() == other._key())

    def __hash__(self) -> int:
        return hash((Composite, self.inputs_type, self.outputs_type))


def _signed(v: Any) -> Any:
    return v.signature() if isinstance(v, Constant) else v


_names: dict[Any, str] = {}


def name_of(op: Any) -> str | None:
    """Return the name under which an op is here; None for one of a program's."""
    if not _names:
        for name, each in globals().items():
            if isinstance(each, ScalarOp):
                _names.setdefault(each, name)
    return _names.get(op)


_NOT_OURS = "annotations builtins TYPE_CHECKING Any ClassVar np ag special casting config Callable"
__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    n for n in globals() if not n.startswith("_") and n not in _NOT_OURS.split()
]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Making arrays, putting them together, reducing them: ``theano.tensor``'s functions."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import Leaf
from agnesi.graph.tensor import SizeValue
from agnesi.ops.families import HostOp
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.native import computed_as
from agnesi.theano.missing import submodule
from agnesi.theano.scalar import basic as scalar_basic
from agnesi.theano.scalar.basic import Scalar
from agnesi.theano.tensor import elementary as of_element
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.applying import apply, fresh
from agnesi.theano.tensor.casting import ALL, DISCRETE, FLOATS, as_array, upcast
from agnesi.theano.tensor.elementary import eq, fill, mul, switch
from agnesi.theano.tensor.elemwise import All, Any_, DimShuffle, Prod, Sum
from agnesi.theano.tensor.native_ops import Alloc as Alloc
from agnesi.theano.tensor.native_ops import AllocDiag as AllocDiag
from agnesi.theano.tensor.native_ops import AllocEmpty as AllocEmpty
from agnesi.theano.tensor.native_ops import ARange as ARange
from agnesi.theano.tensor.native_ops import Argmax as Argmax
from agnesi.theano.tensor.native_ops import Choose as Choose
from agnesi.theano.tensor.native_ops import Default as Default
from agnesi.theano.tensor.native_ops import Dot as Dot
from agnesi.theano.tensor.native_ops import ExtractDiag as ExtractDiag
from agnesi.theano.tensor.native_ops import Eye as Eye
from agnesi.theano.tensor.native_ops import Flatten as Flatten
from agnesi.theano.tensor.native_ops import Join as Join
from agnesi.theano.tensor.native_ops import MaxAndArgmax as MaxAndArgmax
from agnesi.theano.tensor.native_ops import Mean as Mean
from agnesi.theano.tensor.native_ops import Nonzero as Nonzero
from agnesi.theano.tensor.native_ops import PermuteRowElements as PermuteRowElements
from agnesi.theano.tensor.native_ops import Rebroadcast as Rebroadcast
from agnesi.theano.tensor.native_ops import Reshape as Reshape
from agnesi.theano.tensor.native_ops import ScalarFromTensor as ScalarFromTensor
from agnesi.theano.tensor.native_ops import SpecifyShape as SpecifyShape
from agnesi.theano.tensor.native_ops import Split as Split
from agnesi.theano.tensor.native_ops import TensorFromScalar as TensorFromScalar
from agnesi.theano.tensor.native_ops import Tile as Tile
from agnesi.theano.tensor.native_ops import Tri as Tri
from agnesi.theano.tensor.native_ops import alloc_validate_shape as alloc_validate_shape
from agnesi.theano.tensor.native_ops import scalar_from_tensor as scalar_from_tensor
from agnesi.theano.tensor.native_ops import tensor_from_scalar as tensor_from_scalar
from agnesi.theano.tensor.type import TensorType
from agnesi.theano.tensor.var import AsTensorError, TensorConstant

if TYPE_CHECKING:
    from collections.abc import Sequence

python_all, python_any, python_max, python_min = (
    builtins.all,
    builtins.any,
    builtins.max,
    builtins.min,
)


class ShapeError(Exception):
    """A shape cannot be computed."""


class NotScalarConstantError(Exception):
    """A variable is no known number."""


class EmptyConstantError(NotScalarConstantError):
    """A constant has no elements."""


# -- constants -----------------------------------------------------------------------------------


def constant(x: Any, name: str | None = None, ndim: int | None = None, dtype: Any = None) -> Any:
    """Return a variable with a known value.

    Args:
        x: number, list or array.
        name: of the variable.
        ndim: how many axes there are to be; axes of size 1 are put in front.
        dtype: element type; by default the smallest that holds a Python number.

    Raises:
        TypeError: the value is no array of numbers.
    """
    array = as_array(x, dtype)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"Could not convert {x!r} to TensorType", type(x))
    if ndim is not None:
        if array.ndim > ndim:
            raise ValueError(f"ndim of array is {array.ndim}, more than {ndim}")
        array = array.reshape((1,) * (ndim - array.ndim) + array.shape)
    kind = TensorType(array.dtype.name, [d == 1 for d in array.shape])
    return TensorConstant(kind, np.array(array), name)


def as_tensor_variable(x: Any, name: str | None = None, ndim: int | None = None) -> Any:
    """Return a variable: itself, or a number, list or array as a constant.

    Raises:
        AsTensorError: what was given is no array.
    """
    if hasattr(x, "_as_TensorVariable"):
        return x._as_TensorVariable()
    if isinstance(x, Apply):
        if len(x.outputs) != 1:
            raise ValueError(
                "It is ambiguous which output of a multi-output Op has to be fetched.", x
            )
        x = x.outputs[0]
    if isinstance(x, Variable):
        if isinstance(x.type, Scalar):
            x = tensor_from_scalar(x)
        if x.tensor is None or not isinstance(x.type, TensorType):
            raise AsTensorError("Variable type field must be a TensorType.", x, x.type)
        if ndim is None or x.ndim == ndim:
            return x
        if x.ndim > ndim:
            if not python_all(x.broadcastable[: x.ndim - ndim]):
                raise ValueError(f"TensorType could not be cast to have {ndim} dimensions", x.type)
            return x.dimshuffle(*range(x.ndim - ndim, x.ndim))
        return shape_padleft(x, n_ones=ndim - x.ndim)
    if isinstance(x, ag.Tensor):
        return fresh(x, name)
    if isinstance(x, list | tuple) and python_any(_holds_variable(item) for item in x):
        return _of_list(x)
    if isinstance(x, bool):
        raise AsTensorError(
            "Cannot cast True or False as a tensor variable. Please use 1 or 0. This error might "
            "be caused by using the == operator on Variables. v == w does not do what you think it "
            "does, use theano.tensor.eq(v, w) instead."
        )
    try:
        return constant(x, name=name, ndim=ndim)
    except (TypeError, ValueError) as error:
        shown = repr(x)
        if len(shown) > 1000:
            shown = shown[:1000] + "..."
        raise AsTensorError(f"Cannot convert {shown} to TensorType", type(x)) from error


as_tensor = as_tensor_variable


def _holds_variable(x: Any) -> bool:
    return isinstance(x, Variable | ag.Tensor | Apply) or (
        isinstance(x, list | tuple) and python_any(map(_holds_variable, x))
    )


def _of_list(x: Any) -> Any:
    try:
        items = [as_tensor_variable(item) for item in x]
        if python_all(item.ndim == 0 for item in items):
            return shapes.make_vector(items)
        return stack(items)
    except (TypeError, ValueError) as error:
        raise AsTensorError(f"Cannot convert {x} to TensorType", type(x)) from error


def get_scalar_constant_value(
    v: Any, elemwise: bool = True, only_process_constants: bool = False, max_recur: int = 10
) -> Any:
    """Return the number that a variable is known to be.

    Args:
        v: variable or number.
        elemwise: whether to compute functions of known numbers.
        only_process_constants: whether to look at nothing but constants.
        max_recur: how far to look; agnesi needs no limit.

    Raises:
        NotScalarConstantError: it is not known.
        EmptyConstantError: it has no elements.
    """
    del max_recur
    if isinstance(v, int | float | np.integer | np.floating):
        return np.asarray(v)
    if isinstance(v, np.ndarray):
        if v.ndim:
            raise NotScalarConstantError(v)
        return v
    if isinstance(v, Constant):
        return _only(np.asarray(v.data))
    tensor = getattr(v, "tensor", None)
    if tensor is None or only_process_constants:
        raise NotScalarConstantError(v)
    found = known_number(tensor)
    if found is not None:
        return np.asarray(found, tensor.dtype.numpy)
    computed = _computed(tensor) if elemwise else None
    if computed is None:
        raise NotScalarConstantError(v)
    return _only(computed)


_FEW = 64


def _computed(tensor: ag.Tensor) -> Any:
    """Return a few numbers that are computed of constants alone; None for others."""
    if not python_all(isinstance(s, int) for s in tensor.type.shape):
        return None
    nodes = toposort([tensor])
    for node in nodes:
        known = isinstance(node, ConstantTensor) or not isinstance(node, Leaf | HostOp)
        sizes = (*node.sizes_mentioned(), *node.type.shape)
        small = python_all(isinstance(s, int) for s in sizes)
        size = node.type.size
        if not known or not small or not isinstance(size, int) or size > _FEW:
            return None
    return interpret([tensor], {})[0]


def _only(array: Any) -> Any:
    if not array.size:
        raise EmptyConstantError
    if (array == array.flat[0]).all():
        return np.asarray(array.flat[0])
    raise NotScalarConstantError


def known_number(tensor: ag.Tensor) -> Any:
    """Return the number that each element of a tensor is known to be; None if it is not."""
    at = tensor
    while True:
        if isinstance(at, SizeValue):
            return at.extent if isinstance(at.extent, int) else None
        if isinstance(at, ConstantTensor):
            value = at.value
            if not value.size or not (value == value.flat[0]).all():
                return None
            return value.flat[0]
        if type(at).__name__ in (
            "Cast",
            "BroadcastTo",
            "ExpandDims",
            "Squeeze",
            "Reshape",
            "Transpose",
        ):
            at = at.operands[0]
            continue
        return None


def extract_constant(x: Any, elemwise: bool = True, only_process_constants: bool = False) -> Any:
    """Return a number if the variable is known to be one, else the variable."""
    del elemwise, only_process_constants
    try:
        return get_scalar_constant_value(x)
    except NotScalarConstantError:
        return x


def get_vector_length_or_none(v: Any) -> int | None:
    """Return the length of a vector; None if it is not known."""
    v = as_tensor_variable(v)
    if v.ndim != 1:
        return None
    known = shapes.elements_of(v)
    if known is not None:
        return len(known)
    length = v.tensor.type.shape[0]
    return length if isinstance(length, int) else None


def get_vector_length(v: Any) -> int:
    """Return the length of a vector.

    Raises:
        TypeError: it is no vector.
        ValueError: its length is not known.
    """
    v = as_tensor_variable(v)
    if v.ndim != 1:
        raise TypeError("argument must be symbolic vector, got '%s'" % v)  # noqa: UP031
    found = get_vector_length_or_none(v)
    if found is None:
        raise ValueError(f"length not known: {v}")
    return found


# -- kinds of variables ----------------------------------------------------------------------------

_PATTERNS: dict[str, tuple[bool, ...]] = {
    "scalar": (),
    "vector": (False,),
    "row": (True, False),
    "col": (False, True),
    "matrix": (False, False),
    **{f"tensor{n}": (False,) * n for n in range(3, 8)},
}
_PREFIXES = {
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}
for _prefix, _dtype in _PREFIXES.items():
    for _rank, _pattern in _PATTERNS.items():
        globals()[_prefix + _rank] = TensorType(_dtype, _pattern)


def _constructor(rank: str, pattern: tuple[bool, ...]) -> Any:
    def make(name: Any = None, dtype: Any = None) -> Any:
        if dtype is None:
            dtype = config.floatX
        return TensorType(dtype, pattern)(name)

    make.__name__ = rank
    make.__doc__ = f"Return a new {rank}: its name first, then its dtype, floatX by default."
    return make


def _several(single: Any) -> Any:
    def make(*names: Any, **named: Any) -> Any:
        if len(names) == 1:
            (given,) = names
            if isinstance(given, int):
                return [single(**named) for _ in range(given)]
            if len(given) == 1:
                return single(name=given, **named)
            # The letters of a text, or the items of a list.
            names = tuple(given)
        return [single(name=name, **named) for name in names]

    make.__doc__ = "Return new variables, by their names or by how many."
    return make


for _rank, _pattern in _PATTERNS.items():
    _plural = "matrices" if _rank == "matrix" else f"{_rank}s"
    globals()[_rank] = _constructor(_rank, _pattern)
    globals()[_plural] = _several(globals()[_rank])
    for _prefix in _PREFIXES:
        globals()[_prefix + _plural] = _several(globals()[_prefix + _rank])


def tensor(*args: Any, **named: Any) -> Any:
    """Return a new variable of a dtype with axes: ``tensor(dtype=..., broadcastable=...)``."""
    name = named.pop("name", None)
    return TensorType(*args, **named)(name=name)


def Tensor(*inputs: Any, **named: Any) -> Any:
    """Return a type: an old name of ``TensorType``."""
    return TensorType(*inputs, **named)


# -- casts ---------------------------------------------------------------------------------------


def cast(x: Any, dtype: Any) -> Any:
    """Return the same values in another dtype.

    Raises:
        TypeError: from complex numbers to real ones.
    """
    dtype = config.floatX if dtype == "floatX" else str(np.dtype(dtype))
    x = as_tensor_variable(x)
    if x.dtype == dtype:
        return x
    if x.dtype.startswith("complex") and not dtype.startswith("complex"):
        raise TypeError("Casting from complex to real is ambiguous: consider real(), imag(), abs()")
    return of_element.cast_op(dtype)(x)


for _dtype in ALL:
    globals()[f"_convert_to_{_dtype}"] = of_element.cast_op(_dtype)


# -- axes ----------------------------------------------------------------------------------------


def shape_padleft(t: Any, n_ones: int = 1) -> Any:
    """Return an array with axes of size 1 in front."""
    t = as_tensor_variable(t)
    order = ["x"] * n_ones + list(range(t.ndim))
    return DimShuffle(t.broadcastable, order)(t)


def shape_padright(t: Any, n_ones: int = 1) -> Any:
    """Return an array with axes of size 1 behind."""
    t = as_tensor_variable(t)
    return DimShuffle(t.broadcastable, list(range(t.ndim)) + ["x"] * n_ones)(t)


def shape_padaxis(t: Any, axis: int) -> Any:
    """Return an array with a new axis of size 1."""
    t = as_tensor_variable(t)
    ndim = t.ndim + 1
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds [-{ndim}, {ndim})")
    order: list[Any] = list(range(t.ndim))
    order.insert(axis % ndim, "x")
    return DimShuffle(t.broadcastable, order)(t)


def transpose(x: Any, axes: Any = None) -> Any:
    """Return axes in another order, reversed by default."""
    x = as_tensor_variable(x)
    order = list(range(x.ndim - 1, -1, -1)) if axes is None else [_from_front(a, x) for a in axes]
    made = DimShuffle(x.broadcastable, order)(x)
    if x.name and made.name is None:
        made.name = f"{x.name}.T"
    return made


def _from_front(axis: Any, x: Any) -> Any:
    return axis + x.ndim if axis < 0 else axis


def swapaxes(y: Any, axis1: int, axis2: int) -> Any:
    """Return two axes exchanged."""
    y = as_tensor_variable(y)
    order = list(range(y.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return y.dimshuffle(order)


def flatten(x: Any, ndim: int | None = None, outdim: int | None = None) -> Any:
    """Return the last axes as one, so that there are ``ndim``."""
    ndim = (1 if outdim is None else outdim) if ndim is None else ndim
    x = as_tensor_variable(x)
    if ndim < 1 or (ndim > 1 and ndim > x.ndim):
        raise ValueError(f"ndim {ndim} out of bound [1, {x.ndim + 1})")
    sizes = [*(x.shape[k] for k in range(ndim - 1)), -1] if ndim > 1 else (-1,)
    made = x.reshape(sizes)
    one = python_all(x.broadcastable[ndim - 1 :])
    pattern = x.broadcastable[: ndim - 1] + (one,)
    axes = [k for k, b in enumerate(pattern) if b]
    return addbroadcast(made, *axes)


def is_flat(var: Any, ndim: int | None = None, outdim: int | None = None) -> bool:
    """Whether a variable has so many axes."""
    return var.ndim == (outdim or ndim or 1)


def reshape(x: Any, newshape: Any, ndim: int | None = None) -> Any:
    """Return the same elements in another shape; one size may be -1.

    Args:
        x: array.
        newshape: a vector of integers, or a list of numbers and scalars.
        ndim: how many axes, where a vector does not tell.

    Raises:
        ValueError: the number of axes is not known.
        TypeError: the shape is no vector.
    """
    if ndim is None:
        newshape = as_tensor_variable(newshape)
        if newshape.ndim != 1:
            raise TypeError(
                "New shape in reshape must be a vector or a list/tuple of scalar. Got "
                f"{newshape} after conversion to a vector."
            )
        ndim = get_vector_length_or_none(newshape)
        if ndim is None:
            raise ValueError(
                f"The length of the provided shape ({newshape}) cannot be automatically "
                "determined, so Theano is not able to know what the number of dimensions of the "
                "reshaped variable will be. You can provide the 'ndim' keyword argument to "
                "'reshape' to avoid this problem."
            )
    return Reshape(ndim)(x, newshape)


def addbroadcast(x: Any, *axes: int) -> Any:
    """Return an array whose axes are known to have size 1, so that they repeat."""
    return _rebroadcast(x, axes, repeats=True)


def unbroadcast(x: Any, *axes: int) -> Any:
    """Return an array whose axes do not repeat, even if their size is 1."""
    return _rebroadcast(x, axes, repeats=False)


def _rebroadcast(x: Any, axes: Sequence[int], *, repeats: bool) -> Any:
    x = as_tensor_variable(x)
    if axes and python_max(axes) >= x.ndim:
        raise ValueError("Trying to unbroadcast or broadcast a non-existing dimension")
    changed = [k for k in axes if x.broadcastable[k] != repeats]
    return Rebroadcast(*((k, repeats) for k in changed))(x) if changed else x


def patternbroadcast(x: Any, broadcastable: Sequence[bool], _: Any = None) -> Any:
    """Return an array of which it is said which axes have size 1 and repeat."""
    x = as_tensor_variable(x)
    pattern = tuple(bool(b) for b in broadcastable)
    if pattern == x.broadcastable:
        return x
    return Rebroadcast(*enumerate(pattern))(x)


def specify_shape(x: Any, shape: Any) -> Any:
    """Return an array whose sizes are known, and checked in a call."""
    return SpecifyShape()(x, shape)


# -- making --------------------------------------------------------------------------------------


alloc = Alloc()


def _shape_items(shape: Any) -> list[Any]:
    return shapes.size_list(shape)


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Return an array of zeros, floatX by default."""
    dtype = config.floatX if dtype is None else dtype
    return alloc(constant(0, dtype=dtype), *_shape_items(shape))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Return an array of ones, floatX by default."""
    dtype = config.floatX if dtype is None else dtype
    return alloc(constant(1, dtype=dtype), *_shape_items(shape))


def zeros_like(model: Any, dtype: Any = None, opt: bool = False) -> Any:
    """Return zeros of a variable's shape."""
    del opt
    model = as_tensor_variable(model)
    return fill(model, constant(0, dtype=dtype or model.dtype))


def ones_like(model: Any, dtype: Any = None, opt: bool = False) -> Any:
    """Return ones of a variable's shape."""
    del opt
    model = as_tensor_variable(model)
    return fill(model, constant(1, dtype=dtype or model.dtype))


def eye(n: Any, m: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """Return ones on a diagonal, zeros elsewhere."""
    return Eye(config.floatX if dtype is None else dtype)(
        n := as_tensor_variable(n), n if m is None else m, k
    )


def identity_like(x: Any) -> Any:
    """Return ones on the diagonal, of a matrix's shape and dtype."""
    x = as_tensor_variable(x)
    return eye(x.shape[0], x.shape[1], k=0, dtype=x.dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """Return numbers at even distances."""
    if stop is None:
        start, stop = 0, start
    start, stop, step = (as_tensor_variable(x) for x in (start, stop, step))
    if dtype is None:
        dtype = upcast(start.dtype, stop.dtype, step.dtype)
        if dtype in DISCRETE:
            dtype = "int64"
        elif config.cast_policy == "numpy+floatX" and config.floatX == "float32":
            dtype = "float32"

    return ARange(dtype)(start, stop, step)


def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """Return ones at and below a diagonal."""
    return Tri(config.floatX if dtype is None else dtype)(
        N := as_tensor_variable(N), N if M is None else M, k
    )


def tril(m: Any, k: int = 0) -> Any:
    """Return a matrix with zeros above a diagonal."""
    m = as_tensor_variable(m)
    return m * tri(m.shape[0], m.shape[1], k=k, dtype=m.dtype)


def triu(m: Any, k: int = 0) -> Any:
    """Return a matrix with zeros below a diagonal."""
    m = as_tensor_variable(m)
    return m * (1 - tri(m.shape[0], m.shape[1], k=k - 1, dtype=m.dtype)).astype(m.dtype)


def diag(v: Any, k: int = 0) -> Any:
    """Return a vector as a diagonal, or the diagonal of a matrix."""
    v = as_tensor_variable(v)
    if v.ndim == 1:
        return AllocDiag(k)(v)
    if v.ndim < 1:
        raise ValueError("Input must has v.ndim >= 1.")
    return diagonal(v, offset=k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return a diagonal of two axes, as a new last axis."""
    return ExtractDiag(offset, axis1, axis2)(a)


class _Grid:
    """``mgrid`` and ``ogrid``: brackets with slices."""

    def __init__(self, *, sparse: bool) -> None:
        self.sparse = sparse

    def __getitem__(self, key: Any) -> list[Any]:
        slices = key if isinstance(key, tuple) else (key,)
        steps = [
            arange(s.start if s.start is not None else 0, s.stop, 1 if s.step is None else s.step)
            for s in slices
        ]
        shown = [
            v.dimshuffle(*["x"] * k, 0, *["x"] * (len(steps) - k - 1)) for k, v in enumerate(steps)
        ]
        if self.sparse:
            return shown
        whole = shown[0]
        for other in shown[1:]:
            whole = whole + zeros_like(other)
        return [v + zeros_like(whole) for v in shown]


mgrid, ogrid = _Grid(sparse=False), _Grid(sparse=True)


# -- putting together ------------------------------------------------------------------------------


join_ = Join()


def join(axis: Any, *tensors_list: Any) -> Any:
    """Return arrays along an axis, one behind the other."""
    if len(tensors_list) == 1:
        return as_tensor_variable(tensors_list[0])
    return join_(axis, *tensors_list)


def concatenate(tensor_list: Any, axis: Any = 0) -> Any:
    """Return a list of arrays along an axis, one behind the other."""
    if not isinstance(tensor_list, list | tuple):
        raise TypeError(
            "The 'tensors' argument must be either a tuple or a list, make sure you did not forget "
            "() or [] around arguments of concatenate.",
            tensor_list,
        )
    return join(axis, *tensor_list)


concat = concatenate


def stack(*tensors: Any, **named: Any) -> Any:
    """Return arrays along a new axis: ``stack([a, b], axis=0)``, or the old ``stack(a, b)``."""
    axis = named.pop("axis", 0)
    items = named.pop("tensors", None)
    if items is None:
        if tensors and isinstance(tensors[0], list | tuple):
            items = tensors[0]
            axis = tensors[1] if len(tensors) > 1 else axis
        else:
            items = tensors
    if not items:
        raise Exception("theano.tensor.stack(tensors, axis) must have at least one parameter")
    given = [as_tensor_variable(t) for t in items]
    if python_all(t.ndim == 0 for t in given):
        return shapes.make_vector(given)
    ndim = given[0].ndim + 1
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds [-{ndim}, {ndim})")
    return join(axis % ndim, *(shape_padaxis(t, axis % ndim) for t in given))


def stacklists(arg: Any) -> Any:
    """Return nested lists of variables as one array."""
    if isinstance(arg, list | tuple):
        return stack([stacklists(item) for item in arg])
    return as_tensor_variable(arg)


def horizontal_stack(*args: Any) -> Any:
    """Return matrices side by side."""
    return concatenate(_matrices(args), axis=1)


def vertical_stack(*args: Any) -> Any:
    """Return matrices one below the other."""
    return concatenate(_matrices(args), axis=0)


def _matrices(args: Any) -> list[Any]:
    given = [as_tensor_variable(a) for a in args]
    if len(given) < 2 or python_any(v.ndim != 2 for v in given):
        raise AssertionError("two matrices or more are put together", given)
    return given


def split(x: Any, splits_size: Any, n_splits: int, axis: Any = 0) -> Any:
    """Return parts of an array along an axis, of these sizes."""
    return Split(n_splits)(x, axis, splits_size)


def tile(x: Any, reps: Any, ndim: int | None = None) -> Any:
    """Return an array repeated along its axes.

    Args:
        x: array.
        reps: how often along each axis: a number, or a list, or a vector with ``ndim``.
        ndim: how many axes the result has.

    Raises:
        ValueError: ``reps`` are no integers, or do not fit the axes.
    """
    x = as_tensor_variable(x)
    if ndim is not None and ndim < x.ndim:
        raise ValueError("ndim should be equal or larger than x.ndim")
    items = _repetitions(reps, ndim)
    count = ndim or python_max(len(items), x.ndim)
    items = [1] * (count - len(items)) + items
    given = [as_tensor_variable(r) for r in items]

    def build(t: ag.Tensor, *reps: ag.Tensor) -> ag.Tensor:
        wanted = [shapes.one_size(r) for r in reps]
        return ag.tile(t, tuple(w if isinstance(w, int) else SizeValue(w) for w in wanted))

    return apply("Tile", build, [x, *given])


def _repetitions(reps: Any, ndim: int | None) -> list[Any]:
    """Return how often an array is to be repeated, as a list of numbers and scalars."""
    if isinstance(reps, list | tuple):
        if ndim is not None and len(reps) > ndim:
            raise ValueError("len(reps) should be equal or less than ndim")
        for r in reps:
            whole = isinstance(r, int | np.integer)
            if not whole and not (isinstance(r, Variable) and r.type.dtype in DISCRETE):
                raise ValueError("elements of reps must be scalars of integer dtype")
        return list(reps)
    vector = as_tensor_variable(reps)
    if vector.dtype not in DISCRETE:
        raise ValueError("elements of reps must be integer dtype")
    if vector.ndim == 0:
        return [reps]
    if vector.ndim > 1:
        raise ValueError("the dimension of reps should not exceed 1")
    if ndim is None:
        raise ValueError("if reps is tensor.vector, you should specify the ndim")
    return shapes.size_list(vector, ndim)


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Return an array with its elements moved on along an axis, round and round."""
    x, shift = as_tensor_variable(x), as_tensor_variable(shift)
    if axis is not None and not -x.ndim <= axis < x.ndim:
        raise IndexError("too many indices for array")
    made = apply("Roll", lambda t, s: ag.roll(t, shapes.whole(s), axis), [x, shift], axis=axis)
    # Without an axis it is the array in one row that moves, and gets its shape back.
    moved = (0,) if x.ndim == 1 else () if axis is None else (axis % x.ndim,)
    pattern = [one and k not in moved for k, one in enumerate(x.broadcastable)]
    made.type = TensorType(x.dtype, pattern)
    return made


# -- reductions ------------------------------------------------------------------------------------


def check_and_normalize_axes(x: Any, axis: Any) -> list[int]:
    """Return axes as a program gives them as a sorted list, none where there are all.

    Raises:
        TypeError: they are no integers.
        ValueError: there are no such axes.
    """
    x = as_tensor_variable(x)
    if axis is None:
        return []
    if isinstance(axis, Variable):
        if axis.tensor is None and getattr(axis, "data", 0) is None:
            return []
        if not isinstance(axis, Constant):
            raise TypeError(f"Computation needs a constant axis. Got {axis}")
        axis = np.asarray(axis.data)
    if isinstance(axis, int | np.integer) or (isinstance(axis, np.ndarray) and not axis.ndim):
        axis = [axis]
    if not isinstance(axis, tuple | list | np.ndarray):
        raise TypeError(
            f"Axis must be an integer, tuple, list of integers or a TensorVariable. Got {axis}"
        )
    found: set[int] = set()
    for each in axis:
        number = int(np.asarray(getattr(each, "data", each)))
        if not isinstance(each, Variable) and number != each:
            raise TypeError(f"Axis must be an integer, not {each!r}")
        if not -x.ndim <= number < x.ndim:
            raise ValueError(
                f"Computation needs a valid axis number for {x.ndim}-D tensor. Got {number}"
            )
        found.add(number % x.ndim)
    return sorted(found)


def _plain_axis(axis: Any) -> Any:
    """Return an axis, or axes, as numbers: constants may be given."""
    if isinstance(axis, Constant):
        return _plain_axis(np.asarray(axis.data)) if axis.data is not None else None
    if isinstance(axis, list | tuple):
        return [_plain_axis(a) for a in axis]
    return axis


def _dtype_name(dtype: Any) -> Any:
    return config.floatX if dtype == "floatX" else None if dtype is None else str(np.dtype(dtype))


def sum(
    input: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
) -> Any:
    """Return the sum over axes; of integers as int64."""
    axis = _plain_axis(axis)
    made = Sum(axis, _dtype_name(dtype), _dtype_name(acc_dtype))(input)
    return makeKeepDims(input, made, axis) if keepdims else made


def prod(
    input: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    acc_dtype: Any = None,
    no_zeros_in_input: bool = False,
) -> Any:
    """Return the product over axes; of integers as int64."""
    axis = _plain_axis(axis)
    made = Prod(axis, _dtype_name(dtype), _dtype_name(acc_dtype), no_zeros_in_input)(input)
    return makeKeepDims(input, made, axis) if keepdims else made


def mean(
    input: Any,
    axis: Any = None,
    dtype: Any = None,
    op: bool = False,
    keepdims: bool = False,
    acc_dtype: Any = None,
) -> Any:
    """Return the mean over axes; of integers as float64.

    Raises:
        NotImplementedError: ``op=True`` with another dtype than float64.
    """
    x = as_tensor_variable(input)
    axis, dtype, acc_dtype = _plain_axis(axis), _dtype_name(dtype), _dtype_name(acc_dtype)
    if op:
        for what, given in (("dtype", dtype), ("acc_dtype", acc_dtype)):
            if given not in (None, "float64"):
                raise NotImplementedError(
                    f"The Mean op does not support the {what} argument, and will always use "
                    f"float64. If you want to specify {what}, call tensor.mean(..., op=False).",
                    given,
                )
        made = Mean(axis)(x)
        return makeKeepDims(x, made, axis) if keepdims else made
    # Totals of halves are too large for halves.
    wide = "float32" if dtype is None and x.dtype == "float16" else dtype
    made = sum(x, axis, wide, keepdims, acc_dtype)
    counted = "float32" if made.dtype in ("float16", "float32", "complex64") else "float64"
    counts = cast(shapes.shape(x), counted)
    axes = check_and_normalize_axes(x, axis) if axis is not None else list(range(x.ndim))
    for each in axes:
        made = of_element.true_div(made, counts[each])
    if made.dtype in DISCRETE:
        made = cast(made, counted)
    if dtype == "float16" or (dtype is None and x.dtype == "float16"):
        made = cast(made, "float16")
    made.name = "mean"
    return made


def var(
    input: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
) -> Any:
    """Return the variance over axes."""
    if isinstance(ddof, bool):
        raise ValueError(
            "Parameter keepdims is now at index 3: (input, axis=None, ddof=0, keepdims=False, "
            "corrected=False)"
        )
    x = as_tensor_variable(input)
    axis = _plain_axis(axis)
    axes = check_and_normalize_axes(x, axis) if axis is not None else list(range(x.ndim))
    centred = x - mean(x, axes, keepdims=True)
    squares = centred ** constant(2, dtype=centred.dtype)

    def over_count(total: Any, *factors: Any) -> Any:
        for each in axes:
            divisor = factors[0][each]
            for factor in factors[1:]:
                divisor = divisor * factor[each]
            total = of_element.true_div(total, divisor)
        return total

    if ddof == 0:
        found = mean(squares, axes, keepdims=keepdims)
    else:
        found = over_count(sum(squares, axes, keepdims=keepdims), shapes.shape(x) - ddof)
    if corrected and ddof == 0:
        found = found - mean(centred, axes, keepdims=keepdims) ** 2
    elif corrected:
        error = sum(centred, axes, keepdims=keepdims) ** 2
        found = found - over_count(error, shapes.shape(x) - ddof, shapes.shape(x))
    found.name = "var"
    return found


def std(
    input: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
) -> Any:
    """Return the standard deviation over axes."""
    made = of_element.sqrt(var(input, axis, ddof, keepdims, corrected))
    made.name = "std"
    return made


def max_and_argmax(a: Any, axis: Any = None, keepdims: bool = False) -> list[Any]:
    """Return the largest elements over axes, and where they are."""
    a = as_tensor_variable(a)
    axes = check_and_normalize_axes(a, axis) or list(range(a.ndim))
    made = MaxAndArgmax(axes)(a)
    return [makeKeepDims(a, m, axes) for m in made] if keepdims else made


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest elements over axes."""
    return max_and_argmax(x, axis, keepdims)[0]


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return where the largest elements over axes are: the first places, as int64."""
    return max_and_argmax(x, axis, keepdims)[1]


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the smallest elements over axes."""
    x = as_tensor_variable(x)
    if x.dtype == "bool":
        return ~max(~x, axis, keepdims)
    if x.dtype.startswith("uint"):
        top = np.array(np.iinfo(x.dtype).max, x.dtype)
        return top - max(top - x, axis, keepdims)
    if x.dtype.startswith("complex"):
        raise NotImplementedError("theano.tensor.min: complex numbers have no order")
    return -max(-x, axis, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return where the smallest elements over axes are: the first places, as int64."""
    x = as_tensor_variable(x)
    if x.dtype == "bool":
        return argmax(~x, axis, keepdims)
    if x.dtype.startswith("uint"):
        return argmax(np.array(np.iinfo(x.dtype).max, x.dtype) - x, axis, keepdims)
    if x.dtype.startswith("complex"):
        raise NotImplementedError("theano.tensor.argmin: complex numbers have no order")
    return argmax(-x, axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements are true, over axes."""
    axis = _plain_axis(axis)
    made = All(axis)(x)
    return makeKeepDims(x, made, axis) if keepdims else made


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any element is true, over axes."""
    axis = _plain_axis(axis)
    made = Any_(axis)(x)
    return makeKeepDims(x, made, axis) if keepdims else made


def ptp(a: Any, axis: Any = None) -> Any:
    """Return the largest less the smallest element."""
    a = as_tensor_variable(a)
    return max(a, axis) - min(a, axis)


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """Return the covariance matrix of variables, a row each.

    Args:
        m: matrix.
        y: more variables.
        rowvar: False for variables in columns.
        bias: divide by the number of observations, not by one less.
        ddof: divide by the number of observations less this.
        fweights: not in Theano.
        aweights: not in Theano.

    Raises:
        NotImplementedError: weights are given.
    """
    if fweights is not None or aweights is not None:
        raise NotImplementedError("fweights and aweights are not implemented")
    x = as_tensor_variable(m)
    x = x if rowvar else x.T
    if y is not None:
        other = as_tensor_variable(y)
        x = concatenate((x, other if rowvar else other.T), axis=0)
    less = ddof if ddof is not None else int(not bias)
    centred = x - mean(x, axis=1, keepdims=True)
    return (dot(centred, centred.T) * (constant(1) / (x.shape[1] - less))).squeeze()


def makeKeepDims(x: Any, y: Any, axis: Any) -> Any:
    """Return a reduced array with the axes that went as axes of size 1."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    gone = range(x.ndim) if axis is None else check_and_normalize_axes(x, axis)
    order: list[Any] = []
    at = 0
    for k in range(x.ndim):
        if k in gone:
            order.append("x")
        else:
            order.append(at)
            at += 1
    return DimShuffle(y.broadcastable, order)(y)


# -- products --------------------------------------------------------------------------------------


_dot = Dot()


def dot(a: Any, b: Any) -> Any:
    """Return the product of matrices and vectors; with a number, element by element.

    Of higher ranks: the sum over the last axis of the first and the last but one of the second.
    """
    if hasattr(a, "__dot__") or hasattr(b, "__dot__"):
        return a.__dot__(b) if hasattr(a, "__dot__") else b.__rdot__(a)
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.ndim == 0 or b.ndim == 0:
        return mul(a, b)
    if a.ndim > 2 or b.ndim > 2:
        return tensordot(a, b, [[a.ndim - 1], [python_max(0, b.ndim - 2)]])
    return _dot(a, b)


def outer(x: Any, y: Any) -> Any:
    """Return the products of all elements of two vectors."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.ndim != 1:
        x = x.flatten()
    if y.ndim != 1:
        y = y.flatten()
    return dot(x.dimshuffle(0, "x"), y.dimshuffle("x", 0))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return sums of products over axes, as ``numpy.tensordot``."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    dtype = upcast(a.dtype, b.dtype)
    if np.isscalar(axes):
        over: Any = int(axes)  # type: ignore[arg-type]
    elif len(axes) != 2:
        raise ValueError(f"Axes should be an integer or a list/tuple of len 2, not {axes}")
    else:
        over = tuple(tuple(int(n) for n in np.atleast_1d(each)) for each in (axes[0], axes[1]))

    def build(x: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
        return ag.tensordot(ag.astype(x, dtype), ag.astype(y, dtype), over)

    return apply("TensorDot", build, [a, b], axes=over)


def batched_dot(a: Any, b: Any) -> Any:
    """Return the product of the arrays at each place of the first axis."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.ndim == 0 or b.ndim == 0:
        raise TypeError("a and b must have at least one dimension")
    if a.ndim == 1:
        return a.dimshuffle(0, *["x"] * (b.ndim - 1)) * b
    if b.ndim == 1:
        return a * b.dimshuffle(0, *["x"] * (a.ndim - 1))
    if a.ndim > 3 or b.ndim > 3:
        return batched_tensordot(a, b, [[a.ndim - 1], [python_max(1, b.ndim - 2)]])
    dtype = upcast(a.dtype, b.dtype)

    def build(x: ag.Tensor, y: ag.Tensor) -> ag.Tensor:
        x, y = ag.astype(x, dtype), ag.astype(y, dtype)
        left = ag.expand_dims(x, 1) if x.ndim == 2 else x
        right = ag.expand_dims(y, 2) if y.ndim == 2 else y
        made = ag.matmul(left, right)
        gone = tuple(k for k, t in ((1, x), (2, y)) if t.ndim == 2)
        return ag.squeeze(made, gone) if gone else made

    return apply("BatchedDot", build, [a, b])


def batched_tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Return ``tensordot`` of the arrays at each place of the first axis."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    dtype = upcast(x.dtype, y.dtype)
    if np.isscalar(axes):
        count = int(axes)  # type: ignore[arg-type]
        over = (
            tuple(range(x.ndim - count, x.ndim)),
            tuple(range(1, count + 1)),
        )
    else:
        over = tuple(tuple(int(n) for n in np.atleast_1d(each)) for each in axes)

    def build(a: ag.Tensor, b: ag.Tensor) -> ag.Tensor:
        letters = iter("abcdefghijklmnopqrstuvwxy")
        left = ["z", *(next(letters) for _ in range(a.ndim - 1))]
        right = ["z", *(next(letters) for _ in range(b.ndim - 1))]
        for i, j in zip(*over, strict=True):
            right[j] = left[i]
        kept = [c for k, c in enumerate(left) if k not in over[0]]
        kept += [c for k, c in enumerate(right) if k and k not in over[1]]
        spec = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
        return ag.einsum(spec, ag.astype(a, dtype), ag.astype(b, dtype))

    return apply("BatchedTensorDot", build, [x, y], axes=over)


# -- others ----------------------------------------------------------------------------------------


def minimum_of(lengths: Sequence[Any]) -> Any:
    """Return the least of some sizes, which is a size."""
    if len(lengths) == 1:
        return lengths[0]

    def build(*ts: ag.Tensor) -> ag.Tensor:
        from agnesi.dims.simplify import minimum

        least = shapes.one_size(ts[0])
        for t in ts[1:]:
            other = shapes.one_size(t)
            least = least if least is other else minimum(least, other)
        return SizeValue(least)

    return apply("Minimum", build, lengths)


def ceil_intdiv(a: Any, b: Any) -> Any:
    """Return a quotient of integers, rounded up."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    return of_element.int_div(a, b) + switch(eq(a % b, 0), 0, 1).astype("int8")


def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the quotient rounded down and the remainder."""
    return of_element.int_div(x, y), of_element.mod_check(x, y)


def tensor_copy(x: Any) -> Any:
    """Return a copy: an expression of its own that is the same."""
    return apply("Copy", lambda t: t, [x])


identity = tensor_copy


def transfer(x: Any, target: Any = None) -> Any:
    """Return a variable on a device: the processor, or one that a program has registered.

    Raises:
        ValueError: no other device is known.
    """
    if target in (None, "cpu"):
        return as_tensor_variable(x)
    for function in _transfers:
        found = function(x, target)
        if found is not None:
            return found
    raise ValueError(f"Can't transfer to target {target}: agnesi.theano runs on the CPU")


_transfers: list[Any] = []


def register_transfer(fn: Any) -> None:
    """Have ``transfer`` ask a function: of a variable and a target it gives a variable, or None."""
    _transfers.append(fn)


default = setdefault = Default()


def isclose(
    a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """Whether elements are nearly equal."""
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    close = of_element.le(abs(a - b), atol + rtol * abs(b))
    a_nan, b_nan = of_element.isnan(a), of_element.isnan(b)
    a_inf, b_inf = of_element.isinf(a), of_element.isinf(b)
    strange = (a_nan | b_nan) | (a_inf | b_inf)
    same_sign = eq(a_inf * of_element.sgn(a), b_inf * of_element.sgn(b))
    found = (close & ~strange) | ((a_inf & b_inf) & same_sign)
    return found | (a_nan & b_nan) if equal_nan else found


def allclose(
    a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    """Whether all elements are nearly equal."""
    return all(isclose(a, b, rtol, atol, equal_nan))


def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    """Return elements of arrays that integers name."""
    if out is not None:
        raise AssertionError("theano.tensor.choose: out= is not there, as in Theano")
    return Choose(mode)(a, choices)


_nonzero = Nonzero()


def nonzero(a: Any, return_matrix: bool = False) -> Any:
    """Return the indices of elements that are not 0: a vector for each axis, or a matrix."""
    a = as_tensor_variable(a)
    matrix = _nonzero(a)
    if return_matrix:
        return matrix
    rows = [ag.astype(t, "i64") for t in ag.nonzero(a.tensor)]
    return tuple(computed_as(matrix[k], row) for k, row in enumerate(rows))


def flatnonzero(a: Any) -> Any:
    """Return where the elements in one row are not 0."""
    a = as_tensor_variable(a)
    if not a.ndim:
        raise ValueError("Nonzero only supports non-scalar arrays.")
    return nonzero(a.flatten())[0]


def nonzero_values(a: Any) -> Any:
    """Return the elements that are not 0."""
    a = as_tensor_variable(a)
    return a.flatten()[flatnonzero(a)]


_permute_row_elements = PermuteRowElements()


def permute_row_elements(x: Any, y: Any, inverse: Any = 0) -> Any:
    """Return rows with their elements in the order of the second operand's rows."""
    return _permute_row_elements(x, y, inverse)


def inverse_permutation(perm: Any) -> Any:
    """Return the permutation that undoes one."""
    perm = as_tensor_variable(perm)
    return permute_row_elements(arange(perm.shape[-1], dtype=perm.dtype), perm, inverse=True)


def load(path: str, dtype: Any, broadcastable: Any, mmap_mode: Any = None) -> Any:
    """Return an array that is read from a ``.npy`` file when a function is called."""
    from agnesi.theano.compile.ops import FromFunctionOp

    kind = TensorType(dtype, broadcastable)
    return FromFunctionOp(lambda: np.load(path, mmap_mode=mmap_mode), [], [kind], None)()


def numpy_scalar(data: Any) -> Any:
    """Return the only element of an array.

    Raises:
        NotScalarConstantError: there are others.
    """
    array = np.asarray(data)
    if array.size != 1:
        raise NotScalarConstantError
    return array.reshape(())[()]


all_dtypes, float_dtypes, discrete_dtypes = ALL, FLOATS, DISCRETE
int_dtypes = ("int8", "int16", "int32", "int64")
uint_dtypes = ("uint8", "uint16", "uint32", "uint64")
integer_dtypes = int_dtypes + uint_dtypes
complex_dtypes = ("complex64", "complex128")
continuous_dtypes = (*FLOATS, *complex_dtypes)

# -- how near is equal -----------------------------------------------------------------------------

# By config.tensor.cmp_sloppy.  Programs set these for comparisons of their own.
_sloppy = config.tensor.cmp_sloppy
float16_atol, float16_rtol = ((1e-3, 1e-3), (5e-3, 1e-2), (1e-2, 5e-2))[_sloppy]
float32_atol, float32_rtol = ((1e-5, 1e-5), (1e-4, 1e-3), (5e-4, 1e-3))[_sloppy]
float64_atol, float64_rtol = ((1e-8, 1e-5), (1e-3, 1e-4), (1e-3, 1e-4))[_sloppy]


def _get_atol_rtol(a: Any, b: Any) -> tuple[float, float]:
    """Return how far apart equal arrays may be: by the less precise of them."""
    dtypes = {str(a.dtype), str(b.dtype)}
    if "float16" in dtypes:
        return float16_atol, float16_rtol
    if dtypes & {"float32", "complex64"}:
        return float32_atol, float32_rtol
    return float64_atol, float64_rtol


def _allclose(  # pyright: ignore[reportUnusedFunction]
    a: Any, b: Any, rtol: float | None = None, atol: float | None = None
) -> bool:
    """Whether two arrays are nearly equal, as their dtypes want it."""
    a, b = np.asarray(a), np.asarray(b)
    usual_atol, usual_rtol = _get_atol_rtol(a, b)
    return bool(
        np.allclose(
            a,
            b,
            atol=usual_atol if atol is None else atol,
            rtol=usual_rtol if rtol is None else rtol,
        )
    )


int_types = int_scalar_types = tuple(globals()[f"{k}scalar"] for k in "bwil")
float_types = float_scalar_types = tuple(globals()[f"{k}scalar"] for k in "fd")
complex_types = complex_scalar_types = tuple(globals()[f"{k}scalar"] for k in "cz")
int_vector_types = tuple(globals()[f"{k}vector"] for k in "bwil")
float_vector_types = tuple(globals()[f"{k}vector"] for k in "fd")
complex_vector_types = tuple(globals()[f"{k}vector"] for k in "cz")
int_matrix_types = tuple(globals()[f"{k}matrix"] for k in "bwil")
float_matrix_types = tuple(globals()[f"{k}matrix"] for k in "fd")
complex_matrix_types = tuple(globals()[f"{k}matrix"] for k in "cz")
int32, int32_t = scalar_basic.int32, scalar_basic.int32
# Constants are not kept here: equal ones are one tensor of agnesi's anyway.
constant_cache: dict[Any, Any] = {}
get_scalar_constant_value_elemwises = (
    scalar_basic.Cast,
    scalar_basic.Switch,
    scalar_basic.NEQ,
    scalar_basic.EQ,
    scalar_basic.LT,
    scalar_basic.GT,
    scalar_basic.LE,
    scalar_basic.GE,
    scalar_basic.Sub,
    scalar_basic.Add,
    scalar_basic.Mod,
    scalar_basic.Mul,
    scalar_basic.IntDiv,
    scalar_basic.TrueDiv,
    scalar_basic.Minimum,
    scalar_basic.Maximum,
)


def constructor(f: Any) -> Any:
    """Return the function: it marks what makes variables."""
    return f


def check_equal_numpy(x: Any, y: Any) -> bool:
    """Whether two values are equal, arrays nearly."""
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return x.dtype == y.dtype and x.shape == y.shape and bool(np.all(np.abs(x - y) < 1e-10))
    if isinstance(x, np.random.RandomState) and isinstance(y, np.random.RandomState):
        pairs = zip(x.get_state(), y.get_state(), strict=True)  # type: ignore[arg-type]
        return python_all(bool(np.all(a == b)) for a, b in pairs)
    return bool(x == y)


def __getattr__(name: str) -> Any:
    found = of_element.__dict__.get(name)
    if found is None or name.startswith("_"):
        found = _moved().get(name)
    return submodule(__name__, name) if found is None else found


def _moved() -> dict[str, Any]:
    """Return what programs look for here because older versions had it here, or imported it."""
    from agnesi.theano import gof, tensor

    package = vars(tensor)
    names = (
        "AdvancedIncSubtensor1 AdvancedSubtensor1 CAReduce DimShuffle Elemwise IncSubtensor "
        "Subtensor TensorVariable inc_subtensor set_subtensor _tensor_py_operators"
    )
    return {n: package[n] for n in names.split() if n in package} | {"hashtype": gof.utils.hashtype}

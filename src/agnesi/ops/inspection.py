"""What is known of an array without computing it: shape, size, dtype, limits of dtypes."""

from __future__ import annotations

from typing import Any, Literal

import ml_dtypes
import numpy as np

from agnesi.core.dtypes import DType, as_dtype, promote
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.tensor import Axes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import shape_text
from agnesi.ops.lift import (
    Number,
    as_axes,
    as_items,
    as_shape,
    as_tensor,
    broadcast_sizes,
    common_dtype,
    is_number,
    lift,
)

__all__ = [
    "broadcast_shapes",
    "can_cast",
    "finfo",
    "iinfo",
    "isdtype",
    "ndim",
    "promote_types",
    "result_type",
    "shape",
    "size",
]


def shape(x: TensorLike, /) -> tuple[int | Tensor, ...]:
    """Return the sizes of the axes, an int where known, else a symbolic integer."""
    return as_tensor(x).shape


def ndim(x: TensorLike, /) -> int:
    """Return the number of axes."""
    return as_tensor(x).ndim


def size(x: TensorLike, /, axis: Axes = None) -> int | Tensor:
    """Return the number of elements, in all or along axes.

    Raises:
        GraphTypeError: there is no such axis.

    >>> ag.size(ag.zeros((2, 3))), ag.size(ag.zeros((2, 3)), 1)
    (6, 3)
    """
    tensor = as_tensor(x)
    axes = as_axes("size", axis, tensor.ndim, tensor)
    return scalar_of(product(tensor.type.shape[k] for k in axes))


def broadcast_shapes(*shapes: Any) -> tuple[int | Tensor, ...]:
    """Return the shape that shapes broadcast to, as ``numpy.broadcast_shapes``.

    Args:
        *shapes: each a size or a tuple of sizes, ints or symbolic integers.

    Raises:
        GraphTypeError: the shapes do not broadcast.

    >>> ag.broadcast_shapes((3, 1), (2,))
    (3, 2)
    """
    given = [as_shape("broadcast_shapes", s) for s in shapes]
    common = broadcast_sizes([(), *given])
    if common is None:
        shown = " and ".join(map(shape_text, given))
        raise GraphTypeError(f"broadcast_shapes: shapes {shown} do not broadcast")
    return tuple(map(scalar_of, common))


def result_type(*arrays_and_dtypes: Any) -> DType:
    """Return the dtype of an operation on these arrays, dtypes and Python numbers.

    Args:
        *arrays_and_dtypes: arrays, dtypes (or their names) and Python numbers, which are weak.

    Raises:
        GraphTypeError: nothing given, or something that has no dtype.

    >>> ag.result_type(ag.zeros(2), "f64"), ag.result_type("i8", 3)
    (f64, i8)
    """
    if not arrays_and_dtypes:
        raise GraphTypeError("result_type: takes at least one array or dtype")
    return common_dtype([_typed(value) for value in arrays_and_dtypes])


def _typed(value: Any) -> Tensor | Number:
    if isinstance(value, DType | str | np.dtype | type):
        return as_tensor(np.zeros((), as_dtype(value).numpy))
    return lift(value)


def promote_types(type1: Any, type2: Any) -> DType:
    """Return the smallest dtype that holds both, as ``numpy.promote_types``."""
    return promote(as_dtype(type1), as_dtype(type2))


def can_cast(
    from_: Any, to: Any, casting: Literal["no", "equiv", "safe", "same_kind", "unsafe"] = "safe"
) -> bool:
    """Return whether a dtype, or an array's dtype, converts to another under a rule of NumPy's.

    Args:
        from_: dtype or array.
        to: dtype.
        casting: "no", "equiv", "safe", "same_kind" or "unsafe".

    Raises:
        GraphTypeError: a Python number, whose dtype depends on its partners.

    >>> ag.can_cast("i32", "f64"), ag.can_cast("f64", "f32")
    (True, False)
    """
    if is_number(from_):
        raise GraphTypeError(
            f"can_cast: the Python number {from_!r} has no dtype of its own\n"
            "  ag.result_type(dtype, number) tells what the two give"
        )
    source = from_.dtype if isinstance(from_, Tensor) else as_dtype(getattr(from_, "dtype", from_))
    return bool(np.can_cast(source.numpy, as_dtype(to).numpy, casting))


def isdtype(dtype: Any, kind: Any) -> bool:
    """Return whether a dtype is of a kind, as the array API standard's ``isdtype``.

    Args:
        dtype: the dtype.
        kind: a dtype, one of "bool", "signed integer", "unsigned integer", "integral",
            "real floating", "complex floating" and "numeric", or a tuple of these.

    Raises:
        GraphTypeError: no such kind.

    >>> ag.isdtype("f32", "real floating"), ag.isdtype(ag.int8, ("bool", "integral"))
    (True, True)
    """
    given = as_dtype(dtype)
    return any(_is_kind(given, k) for k in as_items(kind))


def _is_kind(dtype: DType, kind: Any) -> bool:
    letters = _KINDS.get(kind) if isinstance(kind, str) else None
    if letters is not None:
        # bfloat16 is a kind of its own to NumPy.
        letter = "f" if dtype.is_float else dtype.numpy.kind
        return letter in letters
    return dtype is as_dtype(kind)


_KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "c",
    "numeric": "iufc",
}


def finfo(dtype: Any, /) -> Any:
    """Return the limits of a float dtype, or of an array's: ``eps``, ``max``, ``tiny`` ...

    Raises:
        GraphTypeError: not a float dtype.

    >>> float(ag.finfo("f32").eps)
    1.1920928955078125e-07
    """
    kind = _dtype_of(dtype)
    if kind is DType.BF16:
        limits: Any = ml_dtypes.finfo
        return limits(kind.numpy)
    if kind.is_bool or kind.is_integer:
        raise GraphTypeError(f"finfo: {kind} is not a float dtype; see ag.iinfo")
    return np.finfo(kind.numpy)


def iinfo(dtype: Any, /) -> Any:
    """Return the limits of an integer dtype, or of an array's: ``min``, ``max``, ``bits``.

    Raises:
        GraphTypeError: not an integer dtype.

    >>> ag.iinfo("i8").max
    127
    """
    kind = _dtype_of(dtype)
    if not kind.is_integer:
        raise GraphTypeError(f"iinfo: {kind} is not an integer dtype; see ag.finfo")
    return np.iinfo(kind.numpy)


def _dtype_of(value: Any) -> DType:
    return value.dtype if isinstance(value, Tensor) else as_dtype(getattr(value, "dtype", value))

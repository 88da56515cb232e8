"""Element types and NumPy 2's promotion rules.

A Python scalar is *weak*: it takes the other operand's dtype where its kind fits (NEP 50).
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from agnesi.core.errors import GraphTypeError

_NUMPY_NAMES = {
    "bool": "bool",
    **{f"i{b}": f"int{b}" for b in (8, 16, 32, 64)},
    **{f"u{b}": f"uint{b}" for b in (8, 16, 32, 64)},
    "f32": "float32",
    "f64": "float64",
}


class DType(Enum):
    """An element type; the value is the short name used in types and IR text."""

    BOOL = "bool"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    F32 = "f32"
    F64 = "f64"

    numpy: np.dtype[Any]
    is_bool: bool
    is_signed: bool
    is_unsigned: bool
    is_integer: bool
    is_float: bool
    bytes: int
    bits: int

    def __init__(self, short: str) -> None:
        self.numpy = np.dtype(_NUMPY_NAMES[short])
        self.is_bool = short == "bool"
        self.is_signed = short[0] == "i"
        self.is_unsigned = short[0] == "u"
        self.is_integer = self.is_signed or self.is_unsigned
        self.is_float = short[0] == "f"
        self.bytes = self.numpy.itemsize
        self.bits = 8 * self.bytes

    def __repr__(self) -> str:
        return self.value

    __str__ = __repr__
    # Enum's own hash is a Python call; members are singletons, so that identity serves.
    __hash__ = object.__hash__


BOOL, I8, I16, I32, I64 = DType.BOOL, DType.I8, DType.I16, DType.I32, DType.I64
U8, U16, U32, U64 = DType.U8, DType.U16, DType.U32, DType.U64
F32, F64 = DType.F32, DType.F64

ALL = tuple(DType)
FLOATS = (F32, F64)
INTEGERS = tuple(d for d in DType if d.is_integer)
DEFAULT_FLOAT = F32
DEFAULT_INTEGER = I64

_BY_NUMPY = {d.numpy: d for d in DType}
_BY_NAME = {d.value: d for d in DType}

DTypeLike: TypeAlias = "DType | str | np.dtype[Any] | type[Any]"


def as_dtype(what: Any) -> DType:
    """Return the DType that a name (``"f32"``, ``"float32"``), NumPy dtype or Python type means.

    Raises:
        GraphTypeError: there is no such element type here.
    """
    if isinstance(what, DType):
        return what
    if isinstance(what, str) and what in _BY_NAME:
        return _BY_NAME[what]
    try:
        found = _BY_NUMPY.get(np.dtype(what).newbyteorder("="))
    except TypeError:
        found = None
    if found is None:
        names = ", ".join(f"{d.value} ({d.numpy.name})" for d in DType)
        raise GraphTypeError(f"dtype: {what!r} is not an element type of agnesi\n  known: {names}")
    return found


@cache
def promote(*dtypes: DType) -> DType:
    """Return NumPy's result dtype of an operation on these dtypes."""
    return _BY_NUMPY[np.result_type(*(d.numpy for d in dtypes))]


def weak(value: bool | int | float, partners: tuple[DType, ...]) -> DType:
    """Return the dtype a Python scalar takes beside operands of these dtypes (NEP 50).

    Raises:
        GraphTypeError: an integer that does not fit the integer dtype it would take.
    """
    if not partners:
        return default_of(value)
    result = _BY_NUMPY[np.result_type(*(d.numpy for d in partners), type(value)(0))]
    if isinstance(value, int):
        require_fits(value, result)
    return result


def require_fits(value: int, dtype: DType) -> None:
    """Check that an integer can be held.

    Raises:
        GraphTypeError: an integer that does not fit an integer dtype.
    """
    if not dtype.is_integer:
        return
    limits = np.iinfo(dtype.numpy)
    if not limits.min <= value <= limits.max:
        raise GraphTypeError(
            f"the integer {value} does not fit {dtype}, the dtype it takes here\n"
            f"  {dtype} holds {limits.min} to {limits.max}; cast the other operand first, "
            f'for example x.astype("i64")'
        )


def default_of(value: bool | int | float) -> DType:
    """Return the dtype of a Python scalar that stands alone."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return DEFAULT_INTEGER if -(2**63) <= value < 2**63 else U64
    return DEFAULT_FLOAT


@cache
def floating(dtype: DType) -> DType:
    """Return the dtype of a floating function such as ``exp`` on this dtype.

    Note: NumPy gives float16 for 8-bit integers and bool; agnesi has no float16 yet, so float32.
    """
    if dtype.is_float:
        return dtype
    return F32 if dtype.bits <= 16 else F64

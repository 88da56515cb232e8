"""Element types and NumPy 2's promotion rules.

A Python scalar is *weak*: it takes the other operand's dtype where its kind fits (NEP 50).
The halves, f16 and bf16, are what arrays hold: arithmetic on them is done in f32 and rounded.
A complex number is two floats of its ``real`` dtype side by side.

Note: NumPy promotes bf16 (of ml_dtypes) with few others; here it stays bf16 beside bools, integers
and Python numbers, and is f32 beside f16.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from agnesi.core.errors import GraphTypeError

_NUMPY_NAMES = {
    "bool": "bool",
    **{f"i{b}": f"int{b}" for b in (8, 16, 32, 64)},
    **{f"u{b}": f"uint{b}" for b in (8, 16, 32, 64)},
    "f16": "float16",
    "bf16": ml_dtypes.bfloat16,
    "f32": "float32",
    "f64": "float64",
    "c64": "complex64",
    "c128": "complex128",
}
_COMPONENTS = {"c64": "f32", "c128": "f64"}


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
    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"
    C64 = "c64"
    C128 = "c128"

    numpy: np.dtype[Any]
    dtype: np.dtype[Any]
    is_bool: bool
    is_signed: bool
    is_unsigned: bool
    is_integer: bool
    is_float: bool
    is_half: bool
    is_complex: bool
    is_inexact: bool
    bytes: int
    bits: int

    def __init__(self, short: str) -> None:
        self.numpy = np.dtype(_NUMPY_NAMES[short])
        # NumPy asks for this name, so that np.zeros(3, x.dtype) works.
        self.dtype = self.numpy
        self.is_bool = short == "bool"
        self.is_signed = short[0] == "i"
        self.is_unsigned = short[0] == "u"
        self.is_integer = self.is_signed or self.is_unsigned
        self.is_half = short in ("f16", "bf16")
        self.is_float = short[0] == "f" or self.is_half
        self.is_complex = short[0] == "c"
        self.is_inexact = self.is_float or self.is_complex
        self.bytes = self.numpy.itemsize
        self.bits = 8 * self.bytes

    @property
    def real(self) -> DType:
        """The dtype of a complex number's two parts; other dtypes are their own."""
        return DType(_COMPONENTS.get(self.value, self.value))

    @property
    def arithmetic(self) -> DType:
        """The dtype that arithmetic on this one is done in."""
        return DType.F32 if self.is_half else self

    def __repr__(self) -> str:
        return self.value

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Whether this is the same dtype; NumPy's dtypes, types and names compare too."""
        if isinstance(other, DType):
            return self is other
        if isinstance(other, np.dtype | type | str):
            return _found(other) is self
        return NotImplemented

    # Enum's own hash is a Python call; members are singletons, so that identity serves.  As with
    # NumPy's dtypes, names and types that compare equal have hashes of their own.
    __hash__ = object.__hash__


BOOL, I8, I16, I32, I64 = DType.BOOL, DType.I8, DType.I16, DType.I32, DType.I64
U8, U16, U32, U64 = DType.U8, DType.U16, DType.U32, DType.U64
F16, BF16, F32, F64 = DType.F16, DType.BF16, DType.F32, DType.F64
C64, C128 = DType.C64, DType.C128

ALL = tuple(DType)
# What has an order: everything but complex numbers.
REALS = tuple(d for d in DType if not d.is_complex)
FLOATS = tuple(d for d in DType if d.is_float)
# The floats that a machine computes with.
WIDE_FLOATS = (F32, F64)
HALVES = (F16, BF16)
COMPLEX = (C64, C128)
INEXACT = (*FLOATS, *COMPLEX)
INTEGERS = tuple(d for d in DType if d.is_integer)
DEFAULT_FLOAT = F32
DEFAULT_COMPLEX = C64
DEFAULT_INTEGER = I64

_BY_NUMPY = {d.numpy: d for d in DType}
_BY_NAME = {d.value: d for d in DType}


def _found(what: Any) -> DType | None:
    if isinstance(what, str) and what in _BY_NAME:
        return _BY_NAME[what]
    try:
        return _BY_NUMPY.get(np.dtype(what).newbyteorder("="))
    except (TypeError, ValueError):  # ValueError: it has a ``dtype``, which is none of NumPy's
        return None


DTypeLike: TypeAlias = "DType | str | np.dtype[Any] | type[Any]"


def as_dtype(what: Any) -> DType:
    """Return the DType that a name (``"f32"``, ``"float32"``), NumPy dtype or Python type means.

    Raises:
        GraphTypeError: there is no such element type here.
    """
    found = what if isinstance(what, DType) else _found(what)
    if found is None:
        names = ", ".join(f"{d.value} ({d.numpy.name})" for d in DType)
        raise GraphTypeError(f"dtype: {what!r} is not an element type of agnesi\n  known: {names}")
    return found


@cache
def promote(*dtypes: DType) -> DType:
    """Return NumPy's result dtype of an operation on these dtypes."""
    kinds = set(dtypes)
    if BF16 in kinds:
        others = {d for d in kinds if not (d.is_integer or d.is_bool or d is BF16)}
        return promote(F32, *others) if others else BF16
    return _BY_NUMPY[np.result_type(*(d.numpy for d in kinds))]


def weak(value: bool | int | float | complex, partners: tuple[DType, ...]) -> DType:
    """Return the dtype a Python scalar takes beside operands of these dtypes (NEP 50).

    Raises:
        GraphTypeError: an integer that does not fit the integer dtype it would take.
    """
    if not partners:
        return default_of(value)
    common = promote(*partners)
    if common is BF16:
        return C64 if isinstance(value, complex) else BF16
    result = _BY_NUMPY[np.result_type(common.numpy, type(value)(0))]
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


def default_of(value: bool | int | float | complex) -> DType:
    """Return the dtype of a Python scalar that stands alone."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return DEFAULT_INTEGER if -(2**63) <= value < 2**63 else U64
    return DEFAULT_COMPLEX if isinstance(value, complex) else DEFAULT_FLOAT


@cache
def floating(dtype: DType) -> DType:
    """Return the dtype of a floating function such as ``exp`` on this dtype, as NumPy has it."""
    if dtype.is_inexact:
        return dtype
    if dtype.bits <= 8:
        return F16
    return F32 if dtype.bits <= 16 else F64


@cache
def complex_of(dtype: DType) -> DType:
    """Return the complex dtype whose parts hold this dtype."""
    return promote(dtype, C64)


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether a NumPy array of this dtype can be an array here: bools and numbers."""
    return dtype.kind in "biufc" or dtype == BF16.numpy


def finfo(dtype: DType) -> Any:
    """Return the limits of a float dtype, as ``numpy.finfo``."""
    limits: Any = ml_dtypes.finfo
    return limits(dtype.numpy)


def keeps_values(old: DType, new: DType) -> bool:
    """Whether every value of one dtype is a value of the other."""
    if old is BOOL or old is new:
        return True
    if new is BOOL or (old.is_complex and not new.is_complex):
        return False
    old, new = old.real, new.real
    if old.is_float:
        if not new.is_float:
            return False
        a, b = finfo(old), finfo(new)
        return a.nmant <= b.nmant and a.maxexp <= b.maxexp and a.minexp >= b.minexp
    if new.is_float:
        exact = old.bits - old.is_signed <= finfo(new).nmant + 1
        return exact and old.bits - old.is_signed <= finfo(new).maxexp
    if old.is_signed and new.is_unsigned:
        return False
    return new.bits - new.is_signed >= old.bits - old.is_signed

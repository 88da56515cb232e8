"""Names of element types and numbers, as NumPy and the array API standard have them."""

from __future__ import annotations

import math

from agnesi.core.dtypes import DType

bool = DType.BOOL
int8 = DType.I8
int16 = DType.I16
int32 = DType.I32
int64 = DType.I64
uint8 = DType.U8
uint16 = DType.U16
uint32 = DType.U32
uint64 = DType.U64
float16 = DType.F16
bfloat16 = DType.BF16
float32 = DType.F32
float64 = DType.F64
complex64 = DType.C64
complex128 = DType.C128

e = math.e
inf = math.inf
nan = math.nan
newaxis = None
pi = math.pi

__all__ = [
    "bfloat16",
    "bool",
    "complex64",
    "complex128",
    "e",
    "float16",
    "float32",
    "float64",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "nan",
    "newaxis",
    "pi",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

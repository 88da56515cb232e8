"""Which dtypes numbers and results have: Theano's rules, not NumPy 2's.

A Python number takes the smallest dtype that holds it (``1`` int8, ``0.5`` float32, ``0.1``
float64 unless floatX is float32), and takes part in promotion like an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano.configparser import config

INTS = ("int8", "int16", "int32", "int64")
UINTS = ("uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
COMPLEXES = ("complex64", "complex128")
DISCRETE = ("bool", *INTS, *UINTS)
CONTINUOUS = (*FLOATS, *COMPLEXES)
ALL = (*DISCRETE, *CONTINUOUS)


def upcast(*dtypes: str) -> str:
    """Return the dtype of arithmetic on these dtypes."""
    found = np.result_type(*map(np.dtype, dtypes)).name
    keeps = config.cast_policy == "numpy+floatX"
    if keeps and found == "float64" and "float64" not in dtypes and config.floatX != "float64":
        return config.floatX
    return found


def to_float(dtype: str) -> str:
    """Return the dtype of functions such as ``exp``."""
    if dtype in CONTINUOUS:
        return dtype
    return "float32" if np.dtype(dtype).itemsize <= 2 else "float64"


def as_array(x: Any, dtype: Any = None) -> Any:
    """Return a Python number, list or array as an array of the dtype that Theano gives it."""
    if dtype is not None:
        return np.asarray(x, np.dtype(config.floatX if dtype == "floatX" else dtype))
    if isinstance(x, np.ndarray | np.generic):
        return np.asarray(x)
    if isinstance(x, int):  # True and False too
        return np.asarray(x, _of_integer(x))
    if isinstance(x, float):
        return np.asarray(x, _of_float(x))
    array = np.asarray(x)
    if not array.size and not hasattr(x, "dtype"):
        return array.astype(config.floatX)
    return array


def _of_integer(x: int) -> str:
    if config.cast_policy == "numpy+floatX":
        return "int64" if -(2**63) <= x < 2**63 else "uint64"
    for dtype in INTS:
        limits = np.iinfo(dtype)
        if limits.min <= x <= limits.max:
            return dtype
    return "uint64"


def _of_float(x: float) -> str:
    if config.cast_policy == "numpy+floatX" or config.floatX == "float32":
        return config.floatX
    with np.errstate(over="ignore"):
        return "float32" if float(np.float32(x)) == x else "float64"

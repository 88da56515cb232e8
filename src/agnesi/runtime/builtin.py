"""A CPython builtin function around machine code."""

from __future__ import annotations

import ctypes
from typing import Any, TypeAlias

import numpy as np

Words: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

_FASTCALL_WITH_KEYWORDS = 0x0080 | 0x0002


def make_builtin(name: str, address: int, words: Words, *kept: Any) -> Any:
    """Return a builtin function that runs the code at an address.

    Args:
        name: its ``__name__``.
        address: of a C function ``PyObject *(self, args, nargs, kwnames)``.
        words: becomes ``self``.
        *kept: whatever the code needs to stay alive.
    """
    text = np.frombuffer(name.encode() + b"\0", np.uint8).copy()
    # A PyMethodDef.  A builtin reads it until its last moment, also while the garbage collector
    # takes apart what a cycle held.  So it lives in arrays in a tuple, which the collector leaves
    # whole until the builtin lets go; a ctypes structure or an object with a dict it would empty.
    method = np.array([text.ctypes.data, address, _FASTCALL_WITH_KEYWORDS, 0], np.int64)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.py_object]
    # The slot of `__module__` holds what has to stay alive.
    return new(method.ctypes.data, words, (method, text, *kept))

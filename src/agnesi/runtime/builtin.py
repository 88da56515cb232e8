"""A CPython builtin function around machine code."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_FASTCALL_WITH_KEYWORDS = 0x0080 | 0x0002


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Holder:
    """Keeps alive what a builtin's code needs; the builtin's ``__module__`` slot owns it."""

    def __init__(self, *kept: Any) -> None:
        self.kept = kept


class Allocation:
    """Frees, when it goes itself, the memory whose address is a word of an array.

    Native code allocates it with malloc, and may put a larger one in its place.
    """

    def __init__(self, words: np.ndarray[Any, np.dtype[np.int64]], index: int) -> None:
        self.words, self.index = words, index
        self.free = ctypes.CDLL(None).free
        self.free.argtypes, self.free.restype = [ctypes.c_void_p], None

    def __del__(self) -> None:
        self.free(int(self.words[self.index]))


def make_builtin(name: str, address: int, words: Any, *kept: Any) -> Any:
    """Return a builtin function that runs the code at an address.

    Args:
        name: its ``__name__``.
        address: of a C function ``PyObject *(self, args, nargs, kwnames)``.
        words: becomes ``self``.
        *kept: whatever the code needs to stay alive.
    """
    method = _MethodDef(name.encode(), address, _FASTCALL_WITH_KEYWORDS, None)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.py_object]
    return new(ctypes.byref(method), words, Holder(method, *kept))

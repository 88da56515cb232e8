"""Addresses of the C functions that generated code calls, by name."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from llvmlite import binding as llvm

from agnesi.core.dtypes import ALL
from agnesi.core.errors import CompilerBug
from agnesi.loops.interpret import ADDRESSES

_PYTHON = (
    "PyLong_FromLongLong",
    "PyLong_AsLongLongAndOverflow",
    "PyObject_CallFunctionObjArgs",
    "PyObject_Vectorcall",
    "PyList_New",
    "PyList_SetItem",
    "PyDict_New",
    "PyDict_SetItem",
    "Py_DecRef",
    "Py_IncRef",
    "PyCapsule_New",
    "PyErr_Fetch",
    "PyErr_Restore",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyThread_allocate_lock",
    "PyThread_acquire_lock",
    "PyThread_release_lock",
    "PyTraceMalloc_Track",
)
_LIBC = ("malloc", "free", "memcpy", "memset", "memmove", "nanosleep", "clock_gettime")
# What only some systems have.
_SYSTEM = ("mmap", "munmap", "madvise")
# Places in NumPy's table of C functions, part of its stable interface.
_NUMPY = {"PyArray_New": 93, "PyDataMem_SetHandler": 304, "PyDataMem_GetHandler": 305}


def blas_path() -> Path:
    """Return the file of the OpenBLAS library."""
    spec = find_spec("scipy_openblas32")
    if spec is None or spec.origin is None:
        raise CompilerBug("scipy-openblas32 is missing\n  install it: pip install scipy-openblas32")
    folder = Path(spec.origin).parent / "lib"
    found = sorted(folder.glob("*scipy_openblas*"))
    library = [f for f in found if f.suffix in (".so", ".dylib", ".dll")]
    if not library:
        raise CompilerBug(
            f"no BLAS library in {folder}, only {[f.name for f in found]}\n"
            "  reinstall it: pip install --force-reinstall scipy-openblas32"
        )
    return library[0]


@cache
def blas() -> ctypes.CDLL:
    """Return the OpenBLAS library, loaded once."""
    return ctypes.CDLL(str(blas_path()))


def _address(library: ctypes.CDLL, name: str) -> int:
    address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
    if address is None:
        raise CompilerBug(f"{name} has no address")
    return address


def numpy_function(name: str) -> int:
    """Return the address of a function of NumPy's C interface."""
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = pointer(capsule, None)
    return ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))[_NUMPY[name]] or 0


def need_gil(flags: str) -> None:
    """Refuse a build of Python without the GIL, by its ABI's flags: objects lie otherwise there.

    Raises:
        RuntimeError: it is one.
    """
    if "t" in flags:
        raise RuntimeError(
            "agnesi does not run on free-threaded Python yet\n"
            "  use a build with the GIL: python3.13 rather than python3.13t"
        )


@cache
def provide() -> None:
    """Tell LLVM where everything is; done once."""
    need_gil(sys.abiflags)
    llvm.add_symbol("_Py_NoneStruct", id(None))
    llvm.add_symbol("numpy_PyArray_Type", id(np.ndarray))
    for kind in (float, int, bool):
        llvm.add_symbol(f"python_{kind.__name__}", id(kind))
    llvm.add_symbol("python_True", id(True))
    for dtype in ALL:
        llvm.add_symbol(f"numpy_{dtype}_scalar", id(dtype.numpy.type))
    for name in _NUMPY:
        llvm.add_symbol(f"numpy_{name}", numpy_function(name))
    for name in _PYTHON:
        llvm.add_symbol(name, _address(ctypes.pythonapi, name))
    libc = ctypes.CDLL(None)
    for name in (*_LIBC, *(n for n in _SYSTEM if hasattr(libc, n))):
        llvm.add_symbol(name, _address(libc, name))
    ADDRESSES.append(library_address)


@cache
def provide_blas() -> None:
    """Let LLVM find OpenBLAS and LAPACK, some thousand names, once a program mentions one.

    Loading it starts threads, which look for work for a while where LLVM could compile.
    """
    blas()
    llvm.load_library_permanently(str(blas_path()))


def libc_address(name: str) -> int:
    """Return the address of a function of the C library."""
    return _address(ctypes.CDLL(None), name)


def library_address(name: str) -> int:
    """Return the address of a function of OpenBLAS or LAPACK."""
    return _address(blas(), name)

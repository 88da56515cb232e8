"""What the machine is: its processor, its BLAS library, the folder for compiled kernels."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import llvmlite.binding as llvm

from agnesi.runtime import symbols

VECTOR_FEATURES = (
    "sse4.2",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512vnni",
    "avx512bf16",
    "avx512fp16",
    "amx-tile",
    "neon",
    "dotprod",
    "fullfp16",
    "sve",
    "sve2",
)
_THREADING = {0: "one thread", 1: "own threads", 2: "OpenMP"}


@dataclass(frozen=True)
class Blas:
    """The OpenBLAS library that agnesi calls.

    Attributes:
        path: the library's file.
        config: OpenBLAS's own words on its version and build.
        core: the processor whose kernels it chose.
        threads: how many threads it uses at most.
        threading: what those threads are, in words.
    """

    path: Path
    config: str
    core: str
    threads: int
    threading: str


def cpu_name() -> str:
    """The processor's name as its maker prints it, else what LLVM calls it."""
    if sys.platform == "darwin":
        name = _output("sysctl", "-n", "machdep.cpu.brand_string")
    elif sys.platform == "linux":
        name = _model_name(Path("/proc/cpuinfo"))
    else:
        name = platform.processor()
    return name or llvm.get_host_cpu_name()


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _model_name(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")


def cores() -> int:
    """Processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def vector_features() -> tuple[str, ...]:
    """Vector instruction sets of this processor, as LLVM names them, oldest first."""
    present = llvm.get_host_cpu_features()
    return tuple(feature for feature in VECTOR_FEATURES if present.get(feature))


def blas() -> Blas:
    """The OpenBLAS that compiled functions call, asked through ctypes.

    Raises:
        CompilerBug: the wheel ``scipy-openblas32`` has no library.
        OSError: the library does not load.
        AttributeError: the library lacks a function it should export.
    """
    library = symbols.blas()
    return Blas(
        path=symbols.blas_path(),
        config=_words(library, "config"),
        core=_words(library, "corename"),
        threads=int(library.scipy_openblas_get_num_threads()),
        threading=_THREADING.get(int(library.scipy_openblas_get_parallel()), "unknown threads"),
    )


def _words(library: ctypes.CDLL, name: str) -> str:
    ask = library[f"scipy_openblas_get_{name}"]
    ask.restype = ctypes.c_char_p
    answer: bytes = ask()
    return answer.decode(errors="replace")

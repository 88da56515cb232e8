"""The machine that was measured: what it is, and what it can do at most.

The limits (bandwidth of memory and caches, fused multiply-adds a second) are measured with loops of
our own in LLVM, with vectors as wide as the machine has; they are what rows are held against.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numpy as np

import agnesi as ag
from agnesi.cli import machine
from agnesi.runtime.machine import load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1 << 20
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def unpin() -> None:
    """Take away the settings by which some environments slow down every OpenBLAS, and say so."""
    for name in PINS:
        if name in os.environ:
            print(f"{name}={os.environ.pop(name)} is not used: it would slow down OpenBLAS")


def commit() -> str:
    """Return the commit of this checkout, with a + where files have changed; empty if none."""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def describe(threads: tuple[int, ...], *, realtime: bool = False) -> dict[str, Any]:
    """Return what the machine is, and its limits for each number of threads."""
    return {
        "cpu": machine.cpu_name(),
        "architecture": llvm.get_host_cpu_name(),
        "vectors": list(machine.vector_features()),
        "cores": machine.cores(),
        "caches": caches(),
        "memory_GB": memory(),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "agnesi": ag.__version__,
        "openblas": machine.blas().config,
        "limits": {str(n): limits_alone(n, realtime=realtime) for n in threads},
    }


def slug(described: dict[str, Any]) -> str:
    """Return a file's name for a machine."""
    words = f"{described['cpu']} {described['architecture']} {described['cores']}-cores".lower()
    return "-".join("".join(c if c.isalnum() else " " for c in words).split())


def caches() -> dict[str, int]:
    """Return the bytes of the caches that the first core sees, where the system says."""
    found: dict[str, int] = {}
    for entry in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (entry / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            scale = {"K": 1 << 10, "M": MEGABYTE}.get(size[-1], 1)
            found[f"L{level}"] = int(size.rstrip("KM")) * scale
    return found


def memory() -> float:
    """Return the machine's memory in gigabytes, 0 where the system does not say."""
    if not hasattr(os, "sysconf"):
        return 0.0
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)


def beyond_caches() -> int:
    """Return the bytes of an array that no cache holds."""
    return max(64 * MEGABYTE, 2 * max(caches().values(), default=0))


# -- limits --------------------------------------------------------------------------------------


def limits_alone(threads: int, *, realtime: bool = False) -> dict[str, float]:
    """Return the limits as a fresh process on so many cores finds them."""
    command = [sys.executable, "-m", "bench.machine", str(threads), str(int(realtime))]
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=within(threads),
    )
    return json.loads(done.stdout)


def vector_width() -> int:
    """Return how many float32 the widest vector holds."""
    features = machine.vector_features()
    return 16 if "avx512f" in features else 8 if "avx" in features else 4


def fma_text() -> str:
    """Return a function of chains of fused multiply-adds, as many as registers allow."""
    width = vector_width()
    chains = 12 if width == 8 else 20
    kind = f"<{width} x float>"
    phis = [
        f"  %a{k} = phi {kind} [ zeroinitializer, %entry ], [ %b{k}, %loop ]" for k in range(chains)
    ]
    fmas = [
        f"  %b{k} = call {kind} @llvm.fma.v{width}f32({kind} %a{k}, {kind} %x, {kind} %y)"
        for k in range(chains)
    ]
    sums = [f"  %s1 = fadd {kind} %b0, %b1"]
    sums += [f"  %s{k} = fadd {kind} %s{k - 1}, %b{k}" for k in range(2, chains)]
    lines = [
        f"declare {kind} @llvm.fma.v{width}f32({kind}, {kind}, {kind})",
        "define void @once(ptr %out, ptr %in, ptr %unused, i64 %n) ATTRIBUTES {",
        "entry:",
        f"  %x = load {kind}, ptr %in, align 4",
        f"  %place = getelementptr {kind}, ptr %in, i64 1",
        f"  %y = load {kind}, ptr %place, align 4",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
        *phis,
        *fmas,
        "  %next = add i64 %i, 1",
        "  %more = icmp ult i64 %next, %n",
        "  br i1 %more, label %loop, label %done",
        "done:",
        *sums,
        f"  store {kind} %s{chains - 1}, ptr %out, align 4",
        "  ret void",
        "}",
    ]
    return "\n".join(lines)


TRIAD = """
define void @once(ptr noalias %out, ptr noalias %in, ptr noalias %other, i64 %n) ATTRIBUTES {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %p = getelementptr float, ptr %in, i64 %i
  %q = getelementptr float, ptr %other, i64 %i
  %r = getelementptr float, ptr %out, i64 %i
  %x = load float, ptr %p, align 4
  %y = load float, ptr %q, align 4
  %z = fmul float %x, 3.0
  %sum = fadd float %z, %y
  store float %sum, ptr %r, align 4
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}"""

READ = """
define void @once(ptr noalias %out, ptr noalias %in, ptr noalias %other, i64 %n) ATTRIBUTES {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %s = phi float [ 0.0, %entry ], [ %t, %loop ]
  %p = getelementptr float, ptr %in, i64 %i
  %x = load float, ptr %p, align 4
  %t = fadd reassoc float %s, %x
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  store float %t, ptr %out, align 4
  ret void
}"""


# Within a cache one pass takes a microsecond: passes are repeated in native code.
REPEAT = """
define void @call(ptr %out, ptr %in, ptr %other, i64 %n, i64 %times) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @once(ptr %out, ptr %in, ptr %other, i64 %n)
  call void asm sideeffect "", "~{memory}"()
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %times
  br i1 %more, label %loop, label %done
done:
  ret void
}"""


class Loop:
    """A native function of three arrays and a count, called on several threads at once."""

    def __init__(self, text: str) -> None:
        width = f'noinline "prefer-vector-width"="{32 * vector_width()}"'
        self.loaded = load(text.replace("ATTRIBUTES", width) + REPEAT)
        pointers, counts = [ctypes.c_void_p] * 3, [ctypes.c_int64] * 2
        self.call = ctypes.CFUNCTYPE(None, *pointers, *counts)(self.loaded.address)

    def best(self, arrays: list[Any], count: int, calls: int, seconds: float) -> float:
        """Return the least seconds of some passes on each thread; ``arrays``: three for each."""
        pointers = [[a.ctypes.data for a in mine] for mine in arrays]
        times: list[float] = []
        with ThreadPoolExecutor(len(arrays)) as pool:
            end = perf_counter() + seconds
            while len(times) < 3 or perf_counter() < end:
                start = perf_counter()
                list(pool.map(lambda three: self.call(*three, count, calls), pointers))
                times.append(perf_counter() - start)
        return min(times)


def limits(
    threads: int, seconds: float, *, far: int = 64 * MEGABYTE, rounds: int = 1_000_000
) -> dict[str, float]:
    """Return what so many threads can do at most.

    ``fma_f32_GFLOPs``: of float32 fused multiply-adds in registers; ``read_GBps`` and
    ``triad_GBps`` (two read, one written): of memory, ``..._L2`` and ``..._L3`` of the caches.
    ``far`` is the size of each of a thread's three arrays that stand for memory.
    """
    found: dict[str, float] = {}
    chains = 12 if vector_width() == 8 else 20
    registers = [[np.ones(64, np.float32) for _ in range(3)] for _ in range(threads)]
    least = Loop(fma_text()).best(registers, rounds, 1, seconds)
    found["fma_f32_GFLOPs"] = 2 * threads * rounds * chains * vector_width() / least / 1e9
    sizes = caches()
    places = {"": far}
    if "L2" in sizes:
        places["_L2"] = sizes["L2"] // 8
    if "L3" in sizes:
        places["_L3"] = sizes["L3"] // (8 * threads)
    for place, size in places.items():
        count, calls = size // 4, max(1, far // size)
        arrays = [[np.ones(count, np.float32) for _ in range(3)] for _ in range(threads)]
        for name, text, moved in (("read", READ, 1), ("triad", TRIAD, 3)):
            least = Loop(text).best(arrays, count, calls, seconds)
            found[f"{name}{place}_GBps"] = 4 * moved * threads * count * calls / least / 1e9
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def thread_counts() -> tuple[int, ...]:
    """Return the numbers of threads to measure with: every core of this process, and one."""
    return tuple(sorted({1, machine.cores()}, reverse=True))


def within(threads: int, *, first: bool = False) -> Callable[[], None] | None:
    """Return what keeps a new process on so many cores, before others if ``first``."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    mine = sorted(os.sched_getaffinity(0))[-threads:]

    def begin() -> None:
        os.sched_setaffinity(0, mine)
        if first:
            os.setpriority(os.PRIO_PROCESS, 0, -20)

    return begin


def main() -> None:
    """Print the limits: ``machine THREADS REALTIME``."""
    threads, realtime = sys.argv[1:]
    if realtime == "1":
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
    print(json.dumps(limits(int(threads), 0.3, far=beyond_caches())))


if __name__ == "__main__":
    main()

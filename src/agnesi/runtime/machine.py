"""LLVM as a library: optimise a module's text, make it machine code, load it."""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Literal

from llvmlite import binding as llvm

from agnesi.core.errors import CompilerBug
from agnesi.core.machine import AVX2, AVX512, NEON, PLAIN, Machine
from agnesi.runtime import threads
from agnesi.runtime.allocator import EXPORTED, allocator, start_allocator
from agnesi.runtime.pool import C_FUNCTIONS, POOL_FUNCTIONS, THREADS, pool_text
from agnesi.runtime.support import SUPPORT
from agnesi.runtime.symbols import libc_address, provide

Level = Literal[0, 1, 2, 3]

_lock = threading.RLock()


@dataclass
class Loaded:
    """Machine code in memory; it lives as long as this object.

    Attributes:
        engine: LLVM's owner of the code.
        address: of ``@call``.
        seconds: spent by stage.
        assembly: text, where asked for.
        optimised: LLVM IR after optimisation, where asked for.
    """

    engine: llvm.ExecutionEngine
    address: int
    seconds: dict[str, float]
    assembly: str = ""
    optimised: str = ""


@cache
def target() -> llvm.Target:
    """Return the machine's target, initialised once."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple())


@cache
def cpu_features() -> str:
    """Return the features of this CPU, as LLVM writes them."""
    return llvm.get_host_cpu_features().flatten()


def has_wide_vectors() -> bool:
    """Whether the CPU has AVX-512 with which a whole loop pays."""
    return "+avx512f" in cpu_features().split(",")


@cache
def this_machine() -> Machine:
    """Return what code generation has to know of this CPU."""
    features = cpu_features().split(",")
    if all(f"+avx512{part}" in features for part in ("f", "bw", "dq", "vl")):
        return AVX512
    if "+avx2" in features and "+fma" in features:
        return AVX2
    return NEON if "+neon" in features else PLAIN


def kernel_attributes() -> str:
    """Return function attributes that suit this machine."""
    return '"prefer-vector-width"="512"' if has_wide_vectors() else ""


def new_machine(level: Level) -> llvm.TargetMachine:
    """Return a code generator for this CPU."""
    return target().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=cpu_features(), opt=level, jit=True
    )


def optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine, level: Level) -> None:
    """Run LLVM's passes over a module."""
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = level > 1
    options.slp_vectorization = False
    options.loop_unrolling = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def load(text: str, *, level: Level = 3, keep_text: bool = False) -> Loaded:
    """Compile a module's text and load it.

    Raises:
        CompilerBug: LLVM refuses the text.
    """
    with _lock:
        provide()
        support()
        if "@agnesi_parallel(" in text or "@agnesi_gang(" in text:
            load_pool()
        return _load(text, level, keep_text, "call")


def _load(text: str, level: Level, keep_text: bool, name: str) -> Loaded:
    seconds: dict[str, float] = {}
    start = perf_counter()
    machine = new_machine(level)
    try:
        module = llvm.parse_assembly(text)
        module.triple = llvm.get_process_triple()
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        raise CompilerBug(f"LLVM refuses generated code: {error}\n{text}") from error
    seconds["parse"] = perf_counter() - start
    start = perf_counter()
    optimise(module, machine, level)
    seconds["optimise"] = perf_counter() - start
    assembly = machine.emit_assembly(module) if keep_text else ""
    optimised = str(module) if keep_text else ""
    start = perf_counter()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    seconds["emit"] = perf_counter() - start
    return Loaded(engine, engine.get_function_address(name), seconds, assembly, optimised)


@cache
def load_pool() -> Loaded:
    """Compile the thread pool, once in a process, and let it know how many threads it may use."""
    with _lock:
        for name in C_FUNCTIONS:
            llvm.add_symbol(name, libc_address(name))
        loaded = _load(pool_text(), 0, False, "agnesi_pool_reset")
        engine = loaded.engine
        for name in POOL_FUNCTIONS:
            llvm.add_symbol(name, engine.get_function_address(name))
        place = engine.get_global_value_address(THREADS)
        llvm.add_symbol(THREADS, place)
        number = ctypes.c_int64.from_address(place)
        threads.listen(lambda n: setattr(number, "value", n))
        os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(loaded.address))
        # Workers wait in this code until the process ends: it is never unloaded.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
        return loaded


@cache
def support() -> dict[str, int]:
    """Compile what every program may call, once in a process; the addresses by name."""
    with _lock:
        provide()
        # The allocator is straight code: LLVM's passes would take longer than they ever gain.
        found = _resident(allocator(), 0, EXPORTED)
        start_allocator(found)
        return found | _resident(SUPPORT, 2, ("agnesi_contiguous",))


def _resident(text: str, level: Level, names: tuple[str, ...]) -> dict[str, int]:
    """Load functions for other modules to call, for as long as the process lives."""
    loaded = _load(text, level, False, names[0])
    found = {name: loaded.engine.get_function_address(name) for name in names}
    for name, address in found.items():
        llvm.add_symbol(name, address)
    # Arrays hold memory of the allocator and may outlive everything: its code stays.
    loaded.engine.detach()
    return found

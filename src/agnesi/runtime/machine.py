"""LLVM as a library: parts of a program become objects, or come from the cache; loads them.

An object holds no addresses, so that it is the same in every process.  Parts are compiled side by
side on the cores there are.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import llvmlite
from llvmlite import binding as llvm

from agnesi._version import __version__
from agnesi.codegen.llvm.parts import Part
from agnesi.core.errors import CompilerBug
from agnesi.core.machine import AVX2, AVX512, NEON, PLAIN, Machine
from agnesi.core.record import field, record, replace
from agnesi.runtime import threads
from agnesi.runtime.allocator import EXPORTED, allocator, start_allocator
from agnesi.runtime.arguments import ARRANGE, SCALARS
from agnesi.runtime.cache import cache as disk
from agnesi.runtime.cache import key_of
from agnesi.runtime.gil import TURNS
from agnesi.runtime.pool import C_FUNCTIONS, POOL_FUNCTIONS, THREADS, pool_text
from agnesi.runtime.support import SUPPORT
from agnesi.runtime.symbols import blas, libc_address, provide, provide_blas

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Level = Literal[0, 1, 2, 3]

# Part of the key of what is kept on disk: to be raised when `optimise` changes what it does.
_EDITION = 2

# Characters of a large program's callable.
_LONG_TEXT = 30_000

_lock = threading.RLock()


@record()
class Loaded:
    """Machine code in memory; it lives as long as this object.

    Attributes:
        engine: LLVM's owner of the code.
        address: of the function asked for.
        seconds: by stage; those of parts that were compiled side by side are added up.
        parts: how many there are.
        kept: how many of them were on disk.
    """

    engine: llvm.ExecutionEngine
    address: int
    seconds: dict[str, float]
    parts: int
    kept: int


@record(frozen=True)
class Recipe:
    """How a part is compiled.

    Attributes:
        passes: LLVM's level of optimisation.
        code: its level of effort in choosing instructions.
        vectorise: whether loops may become loops over vectors.
    """

    passes: Level
    code: Level
    vectorise: bool


Job: TypeAlias = "tuple[Part, Recipe]"


class Made(NamedTuple):
    """An object, and whether it was on disk."""

    data: bytes
    kept: bool


# Objects that are about to be loaded.
_ahead: dict[Job, Made] = {}


@record()
class _Seconds:
    """Adds up seconds by stage, for several threads."""

    by_stage: dict[str, float] = field(default_factory=dict[str, float])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, stage: str, start: float) -> float:
        """Add the time since ``start``; return what time it is."""
        now = perf_counter()
        with self.lock:
            self.by_stage[stage] = self.by_stage.get(stage, 0.0) + now - start
        return now


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
        return replace(AVX512, halves="+f16c" in features)
    if "+avx2" in features and "+fma" in features:
        return replace(AVX2, halves="+f16c" in features)
    return NEON if "+neon" in features else PLAIN


def kernel_attributes() -> str:
    """Return function attributes that suit this machine."""
    return '"prefer-vector-width"="512"' if has_wide_vectors() else ""


def new_machine(level: Level) -> llvm.TargetMachine:
    """Return a code generator for this CPU."""
    return target().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=cpu_features(), opt=level, jit=True
    )


def load(parts: Sequence[Part] | str, *, level: Level = 3, name: str = "call") -> Loaded:
    """Compile what is not in the cache, and load it all.

    Args:
        parts: of a program, or the text of a module.
        level: of LLVM's effort.
        name: of the function whose address is wanted.

    Raises:
        CompilerBug: LLVM refuses the text.
    """
    parts = [Part(name, (), parts)] if isinstance(parts, str) else parts
    jobs = [(part, recipe(part, level)) for part in parts]
    of_pool = ("@agnesi_parallel(", "@agnesi_gang(", "@agnesi_leave(")
    parallel = any(name in part.text for part in parts for name in of_pool)
    calls_blas = any("@scipy_" in p.text for p in parts)
    seconds = _Seconds()
    with _lock:
        start = perf_counter()
        provide()
        seconds.add("start", start)
        first = [] if support.cache_info().currsize else [job for job, _ in _residents()]
        if (parallel or calls_blas) and not load_pool.cache_info().currsize:
            first.append(_pool())
        # What the process lacks is compiled along with the program, on the same cores.
        made = _objects([*first, *jobs], seconds)
        _ahead.update(zip(first, made, strict=False))
        support()
        if parallel:
            load_pool()
        if calls_blas:
            blas_on_pool()
        return _linked(made[len(first) :], seconds, name)


def assembly(parts: Sequence[Part], *, level: Level = 3) -> str:
    """Return machine code as text: compiled now, whatever is in the cache."""
    texts: list[str] = []
    for part in parts:
        how = recipe(part, level)
        machine = new_machine(how.code)
        module = _parsed(part, machine)
        optimise(module, machine, how)
        texts.append(machine.emit_assembly(module))
    return "\n".join(texts)


def recipe(part: Part, level: Level) -> Recipe:
    """Return how a part is compiled at a level of effort.

    LLVM's passes beyond its first level were measured to gain nothing here, neither on loops that
    it makes vectors of nor on vectors that are written out (``docs/speed.md``).
    """
    code: Level = level if level < 2 else 2 if level > 2 else 1
    if part.work == "loops":
        return Recipe(min(level, 1), code, vectorise=level > 1)  # type: ignore[arg-type]
    if part.work == "calls":
        # The callable of a large program takes little of its time, but much of LLVM's.
        code = 0 if len(part.text) > _LONG_TEXT else min(code, 1)  # type: ignore[assignment]
    return Recipe(0, code, vectorise=False)


def optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine, how: Recipe) -> None:
    """Run LLVM's passes over a module."""
    options = llvm.create_pipeline_tuning_options(speed_level=how.passes)
    options.loop_vectorization = how.vectorise
    options.slp_vectorization = False
    options.loop_unrolling = True
    builder = llvm.create_pass_builder(machine, options)
    _run(builder.getModulePassManager(), module, builder)


def _load(job: Job, name: str) -> Loaded:
    """Load a module that is not part of a program."""
    seconds = _Seconds()
    made = _ahead.pop(job, None) or _objects([job], seconds)[0]
    return _linked([made], seconds, name)


def _linked(made: Sequence[Made], seconds: _Seconds, name: str) -> Loaded:
    """Load objects."""
    start = perf_counter()
    # An engine wants a module, but none that has anything in it.
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), new_machine(0))
    for each in made:
        engine.add_object_file(llvm.ObjectFileRef.from_data(each.data))
    engine.finalize_object()
    address = engine.get_function_address(name)
    seconds.add("load", start)
    kept = sum(each.kept for each in made)
    return Loaded(engine, address, seconds.by_stage, len(made), kept)


def _objects(jobs: Sequence[Job], seconds: _Seconds) -> list[Made]:
    """Return the object of each part, from the disk or made now."""
    start = perf_counter()
    store = disk()
    keys = [_key(*job) for job in jobs] if store else []
    found = [store.get(key) for key in keys] if store else [None] * len(jobs)
    seconds.add("look up", start)
    made = [Made(data or b"", data is not None) for data in found]

    def make(k: int) -> None:
        data = _compiled(*jobs[k], seconds)
        made[k] = Made(data, False)
        if store:
            start = perf_counter()
            store.put(keys[k], data)
            seconds.add("keep", start)

    start = perf_counter()
    missing = [k for k, each in enumerate(made) if not each.kept]
    # The longest first, so that no core is left with one at the end.
    _side_by_side(make, sorted(missing, key=lambda k: -_work(*jobs[k])))
    if missing:
        seconds.add("llvm", start)
    return made


def _work(part: Part, how: Recipe) -> float:
    """Return about how long a part takes to compile, in some unit."""
    return len(part.text) * (1 + 2 * how.passes + how.code)


def _side_by_side(do: Callable[[int], None], work: list[int]) -> None:
    """Do all of the work on the cores there are; raise the first exception that comes up."""
    work.reverse()
    failed: list[BaseException] = []

    def run() -> None:
        while not failed:
            try:
                item = work.pop()
            except IndexError:
                return
            try:
                do(item)
            except BaseException as error:
                failed.append(error)

    count = min(len(work), threads.get_threads())
    others = [threading.Thread(target=run) for _ in range(count - 1)]
    for thread in others:
        thread.start()
    run()
    for thread in others:
        thread.join()
    if failed:
        raise failed[0]


def _compiled(part: Part, how: Recipe, seconds: _Seconds) -> bytes:
    """Return a part's object."""
    start = perf_counter()
    machine = new_machine(how.code)
    module = _parsed(part, machine)
    start = seconds.add("parse", start)
    optimise(module, machine, how)
    start = seconds.add("optimise", start)
    data = _emitted(module, machine)
    seconds.add("emit", start)
    return data


def _parsed(part: Part, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    try:
        # A context for each module: LLVM lets threads work on different contexts.
        module = llvm.parse_assembly(part.text, llvm.create_context())
        module.triple = llvm.get_process_triple()
        module.data_layout = str(machine.target_data)
        module.verify()
    except RuntimeError as error:
        raise CompilerBug(f"LLVM refuses generated code: {error}\n{part.text}") from error
    return module


def _key(part: Part, how: Recipe) -> bytes:
    """Return the key of a part's object: all that it depends on."""
    return key_of(_surroundings(), repr(how), part.text)


@cache
def _surroundings() -> str:
    """Return what every object depends on besides its text."""
    return "\n".join(
        [
            f"agnesi {__version__} {_EDITION}",
            f"llvmlite {llvmlite.__version__} {llvm.llvm_version_info}",
            f"{llvm.get_process_triple()} {sys.byteorder} {sys.maxsize}",
            llvm.get_host_cpu_name(),
            cpu_features(),
            # What it may call.
            *(part.text for (part, _), _ in _residents()),
            pool_text(),
        ]
    )


# -- LLVM without llvmlite's lock ------------------------------------------------------------------

# llvmlite lets one thread at a time into LLVM.  The two calls that take long work on one context
# alone, so that threads may be in them side by side.


@cache
def _library() -> ctypes.CDLL:
    """Return llvmlite's library, the same that it has loaded, without its lock."""
    given = llvm.ffi.lib
    library = ctypes.CDLL(given._name, handle=given._handle)
    library.LLVMPY_RunNewModulePassManager.restype = None
    library.LLVMPY_TargetMachineEmitToMemory.restype = ctypes.c_void_p
    library.LLVMPY_GetBufferStart.argtypes = [ctypes.c_void_p]
    library.LLVMPY_GetBufferStart.restype = ctypes.c_void_p
    library.LLVMPY_GetBufferSize.argtypes = [ctypes.c_void_p]
    library.LLVMPY_GetBufferSize.restype = ctypes.c_size_t
    library.LLVMPY_DisposeMemoryBuffer.argtypes = [ctypes.c_void_p]
    return library


def _run(passes: llvm.ModulePassManager, module: llvm.ModuleRef, builder: llvm.PassBuilder) -> None:
    """Do what ``passes.run`` does."""
    _library().LLVMPY_RunNewModulePassManager(passes, module, builder)


def _emitted(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> bytes:
    """Do what ``machine.emit_object`` does."""
    library, wrong = _library(), ctypes.c_char_p()
    made = library.LLVMPY_TargetMachineEmitToMemory(machine, module, 1, ctypes.byref(wrong))
    if not made:
        raise CompilerBug(f"LLVM makes no object: {(wrong.value or b'').decode()}")
    try:
        start, size = library.LLVMPY_GetBufferStart(made), library.LLVMPY_GetBufferSize(made)
        return ctypes.string_at(start, size)
    finally:
        library.LLVMPY_DisposeMemoryBuffer(made)


@cache
def load_pool() -> Loaded:
    """Compile the thread pool, once in a process, and let it know how many threads it may use."""
    with _lock:
        for name in C_FUNCTIONS:
            llvm.add_symbol(name, libc_address(name))
        loaded = _load(_pool(), "agnesi_pool_reset")
        engine = loaded.engine
        for name in POOL_FUNCTIONS:
            llvm.add_symbol(name, engine.get_function_address(name))
        place = engine.get_global_value_address(THREADS)
        llvm.add_symbol(THREADS, place)
        number = ctypes.c_int64.from_address(place)
        threads.listen(lambda n: setattr(number, "value", n))
        os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(loaded.address))
        # Workers wait in this code until the process ends: it is never unloaded.
        engine.detach()
        return loaded


@cache
def blas_on_pool() -> None:
    """Let OpenBLAS run its jobs on our pool, with as many threads: it needs none of its own."""
    load_pool()
    provide_blas()
    library = blas()
    install = library.scipy_openblas_set_threads_callback_function
    install.argtypes, install.restype = [ctypes.c_void_p], None
    install(llvm.address_of_symbol("agnesi_blas_jobs"))
    setter = ctypes.cast(library.scipy_openblas_set_num_threads, ctypes.c_void_p).value
    # Keeps the GIL, under which the pool counts who computes.
    kind = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
    tell = kind(llvm.address_of_symbol("agnesi_blas_threads") or 0)
    threads.listen(lambda number: tell(setter, number))


@cache
def _pool() -> Job:
    return Part("agnesi_pool_reset", (), pool_text(), work="calls"), Recipe(0, 0, vectorise=False)


@cache
def _residents() -> tuple[tuple[Job, tuple[str, ...]], ...]:
    """Return what every program may call, and the names that it defines."""
    # Straight code: LLVM's passes would take longer than they ever gain.
    straight, loops = Recipe(0, 0, vectorise=False), Recipe(0, 2, vectorise=False)
    modules = (
        (allocator() + SCALARS + ARRANGE, straight, (*EXPORTED, "agnesi_scalar", "agnesi_arrange")),
        (SUPPORT + TURNS, loops, ("agnesi_contiguous", "agnesi_claim", "agnesi_end")),
    )
    return tuple(
        ((Part(names[0], (), text, work="calls"), how), names) for text, how, names in modules
    )


@cache
def support() -> dict[str, int]:
    """Load what every program may call, once in a process; the addresses by name."""
    with _lock:
        provide()
        found: dict[str, int] = {}
        missing = [job for job, _ in _residents() if job not in _ahead]
        _ahead.update(zip(missing, _objects(missing, _Seconds()), strict=True))
        for job, names in _residents():
            engine = _load(job, names[0]).engine
            for name in names:
                found[name] = engine.get_function_address(name)
                llvm.add_symbol(name, found[name])
            # Arrays hold memory of the allocator and may outlive everything: its code stays.
            engine.detach()
        start_allocator(found)
        return found

"""The settings there are: each is honoured, or says in one line why it means nothing here."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from agnesi.theano import configparser as c
from agnesi.theano.configparser import (
    BoolParam,
    ConfigParam,
    EnumStr,
    FloatParam,
    IntParam,
    StrParam,
    config,
)

_NO_C = "there is no C compiler; machine code is made by LLVM and kept where AGNESI_CACHE says"
_NO_GPU = "there is no GPU here"
_SAFE = "arguments and sizes are always checked, in native code"
_NO_BUG = "the bug that it tells of was never here"
_OWN = "agnesi fuses, orders and reuses memory in its own way"
_MEMORY = "scratch memory is shared by all functions; ag.release_memory() gives it back"

_ERRORS = ("warn", "raise", "call", "print", "log")
_COMPLAINTS = ("ignore", "warn", "raise", "pdb")
_TESTS = ("off", "ignore", "warn", "raise", "pdb")
_ALGORITHMS = (
    *("fft", "fft_tiling", "winograd", "winograd_non_fused"),
    *("guess_once", "guess_on_shape_change", "time_once", "time_on_shape_change"),
)
_MODES = ("Mode", "DebugMode", "FAST_RUN", "NanGuardMode", "FAST_COMPILE", "DEBUG_MODE")
_MEMORIES = (
    *("initial", "previous", "c_contiguous", "f_contiguous", "strided", "wrong_size"),
    *("ALL", ""),
)


def _mode(val: Any) -> Any:
    if (isinstance(val, str) and val in _MODES) or hasattr(val, "provided_optimizer"):
        return val
    raise ValueError(f"Expected one of {_MODES} or an instance of Mode, not {val!r}.")


def _memories(val: str) -> bool:
    return all(part in _MEMORIES for part in val.split(":"))


# Devices that were asked for and are not there.
_absent: list[str] = []


def _device(val: Any) -> str:
    """Return the processor: another device is not there, which is said.

    Programs ask ``config.device.startswith("gpu")`` for what they import.
    """
    if str(val) not in ("cpu", "", "None"):
        warnings.warn(
            f"THEANO_FLAGS: device={val} is not there: agnesi.theano runs on the CPU", stacklevel=2
        )
        _absent.append(str(val))
    return "cpu"


# Name, setting, what it does, and why it does nothing here.
_SETTINGS: tuple[tuple[str, ConfigParam, str, str], ...] = (
    ("floatX", EnumStr("float64", "float32", "float16"), "dtype of variables and casts", ""),
    ("warn_float64", EnumStr(*_COMPLAINTS), "what to do where a float64 is made", ""),
    ("pickle_test_value", BoolParam(True), "whether test values are pickled too", ""),
    ("cast_policy", EnumStr("custom", "numpy+floatX"), "dtypes of Python's numbers", ""),
    ("int_division", EnumStr("int", "raise", "floatX"), "what `/` of integers is", ""),
    ("deterministic", EnumStr("default", "more"), "results are the same in any case", ""),
    ("device", ConfigParam("cpu", _device, allow_override=False), "the processor", ""),
    ("init_gpu_device", StrParam("", allow_override=False), "a GPU", _NO_GPU),
    ("force_device", BoolParam(False, allow_override=False), "raise if it is not there", ""),
    ("conv.assert_shape", BoolParam(False), "check given shapes of convolutions", ""),
    ("print_global_stats", BoolParam(False), "print times of all functions at the end", ""),
    ("contexts", StrParam("", allow_override=False), "names of GPUs", _NO_GPU),
    ("print_active_device", BoolParam(True, allow_override=False), "print the GPU", _NO_GPU),
    ("gpuarray.sync", BoolParam(False, allow_override=False), "wait for the GPU", _NO_GPU),
    ("gpuarray.preallocate", FloatParam(0.0, allow_override=False), "memory of GPUs", _NO_GPU),
    ("gpuarray.sched", EnumStr("default", "multi", "single"), "threads of GPUs", _NO_GPU),
    ("gpuarray.single_stream", BoolParam(True), "streams of GPUs", _NO_GPU),
    ("cuda.root", StrParam(""), "where CUDA is", _NO_GPU),
    ("cuda.enabled", BoolParam(True), "whether CUDA is used", _NO_GPU),
    ("cuda.include_path", StrParam(""), "headers of CUDA", _NO_GPU),
    ("dnn.conv.workmem", StrParam(""), "an old name", _NO_GPU),
    ("dnn.conv.workmem_bwd", StrParam(""), "an old name", _NO_GPU),
    ("dnn.conv.algo_bwd", StrParam(""), "an old name", _NO_GPU),
    (
        "dnn.conv.algo_fwd",
        EnumStr("small", "none", "large", *_ALGORITHMS),
        "cuDNN's convolutions",
        _NO_GPU,
    ),
    (
        "dnn.conv.algo_bwd_data",
        EnumStr("none", "deterministic", *_ALGORITHMS),
        "cuDNN's convolutions",
        _NO_GPU,
    ),
    (
        "dnn.conv.algo_bwd_filter",
        EnumStr("none", "deterministic", "small", *_ALGORITHMS),
        "cuDNN's convolutions",
        _NO_GPU,
    ),
    (
        "dnn.conv.precision",
        EnumStr("as_input_f32", "as_input", "float16", "float32", "float64"),
        "precision of cuDNN's convolutions",
        _NO_GPU,
    ),
    ("dnn.base_path", StrParam(""), "where cuDNN is", _NO_GPU),
    ("dnn.include_path", StrParam(""), "headers of cuDNN", _NO_GPU),
    ("dnn.library_path", StrParam(""), "cuDNN's library", _NO_GPU),
    ("dnn.bin_path", StrParam(""), "cuDNN's library", _NO_GPU),
    ("dnn.enabled", EnumStr("auto", "True", "False", "no_check"), "cuDNN", _NO_GPU),
    ("magma.include_path", StrParam(""), "headers of MAGMA", _NO_GPU),
    ("magma.library_path", StrParam(""), "MAGMA's library", _NO_GPU),
    ("magma.enabled", BoolParam(False), "MAGMA", _NO_GPU),
    ("assert_no_cpu_op", EnumStr(*_COMPLAINTS), "complain of ops on the processor", _NO_GPU),
    ("mode", ConfigParam("Mode", _mode), "how functions are compiled and checked", ""),
    ("cxx", StrParam(""), "the C++ compiler: none", _NO_C),
    (
        "linker",
        EnumStr(
            *("cvm", "c|py", "py", "c", "c|py_nogc", "vm", "vm_nogc", "cvm_nogc"),
        ),
        "how functions are run",
        "functions are run in one way: native code",
    ),
    ("allow_gc", BoolParam(True), "give memory back between calls", _MEMORY),
    (
        "optimizer",
        EnumStr("o4", "o3", "o2", "o1", "unsafe", "fast_run", "fast_compile", "merge", "None"),
        "which of a program's own rewrites are used",
        "",
    ),
    ("optimizer_verbose", BoolParam(False), "print rewrites", ""),
    ("on_opt_error", EnumStr("warn", "raise", "pdb", "ignore"), "rewrites that fail", ""),
    ("nocleanup", BoolParam(False), "keep files of C code", _NO_C),
    ("on_unused_input", EnumStr("raise", "warn", "ignore"), "inputs nothing depends on", ""),
    ("tensor.cmp_sloppy", IntParam(0, lambda i: i in (0, 1, 2)), "how near is equal", ""),
    ("tensor.local_elemwise_fusion", BoolParam(True), "loops over elements as one", _OWN),
    ("gpu.local_elemwise_fusion", BoolParam(True), "loops over elements as one", _NO_GPU),
    ("lib.amdlibm", BoolParam(False), "AMD's functions", "agnesi has functions of its own"),
    ("lib.cnmem", FloatParam(0.0, allow_override=False), "memory of GPUs", _NO_GPU),
    ("nvcc.fastmath", BoolParam(False), "a compiler's flag", _NO_GPU),
    ("nvcc.flags", StrParam(""), "a compiler's flags", _NO_GPU),
    ("nvcc.compiler_bindir", StrParam(""), "a compiler", _NO_GPU),
    ("gpuelemwise.sync", BoolParam(True), "wait for the GPU", _NO_GPU),
    ("enable_initial_driver_test", BoolParam(True, allow_override=False), "try CUDA", _NO_GPU),
    ("traceback.limit", IntParam(8), "lines of the program that a variable remembers", ""),
    ("traceback.compile_limit", IntParam(0), "lines that rewrites add to them", ""),
    ("experimental.unpickle_gpu_on_cpu", BoolParam(False), "arrays of GPUs", _NO_GPU),
    ("numpy.seterr_all", EnumStr("ignore", *_ERRORS, "None", allow_override=False), "NumPy's", ""),
    ("numpy.seterr_divide", EnumStr("None", "ignore", *_ERRORS, allow_override=False), "", ""),
    ("numpy.seterr_over", EnumStr("None", "ignore", *_ERRORS, allow_override=False), "", ""),
    ("numpy.seterr_under", EnumStr("None", "ignore", *_ERRORS, allow_override=False), "", ""),
    ("numpy.seterr_invalid", EnumStr("None", "ignore", *_ERRORS, allow_override=False), "", ""),
    (
        "warn.ignore_bug_before",
        EnumStr(
            *("0.9", "None", "all", "0.3", "0.4", "0.4.1", "0.5", "0.6", "0.7", "0.8", "0.8.1"),
            *("0.8.2", "0.10", "1.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5"),
            allow_override=False,
        ),
        "bugs of old versions that are not told of",
        "no bug of Theano's is told of",
    ),
    *(
        (f"warn.{name}", BoolParam(name == "inc_subtensor1_opt"), "tell of an old bug", _NO_BUG)
        for name in (
            *("argmax_pushdown_bug", "gpusum_01_011_0111_bug", "sum_sum_bug"),
            *("sum_div_dimshuffle_bug", "subtensor_merge_bug", "gpu_set_subtensor1", "vm_gc_bug"),
            *("signal_conv2d_interface", "reduce_join", "inc_set_subtensor1", "round"),
            *("inc_subtensor1_opt", "identify_1pexp_bug"),
        )
    ),
    ("compute_test_value", EnumStr(*_TESTS), "compute with tag.test_value while building", ""),
    ("print_test_value", BoolParam(False), "show variables with their test values", ""),
    (
        "compute_test_value_opt",
        EnumStr(*_TESTS),
        "compute test values of rewritten graphs",
        "agnesi's own rewrites are checked by AGNESI_VERIFY; DebugMode compares values",
    ),
    ("unpickle_function", BoolParam(True), "functions in pickles; None instead if not", ""),
    (
        "reoptimize_unpickled_function",
        BoolParam(False),
        "compile unpickled functions anew",
        "functions are always compiled when they are unpickled",
    ),
    ("exception_verbosity", EnumStr("low", "high"), "how much errors in calls tell", ""),
    ("openmp", BoolParam(False), "use several threads: always; OMP_NUM_THREADS says how many", ""),
    ("openmp_elemwise_minsize", IntParam(200000), "elements for threads", "agnesi measures work"),
    ("check_input", BoolParam(True), "check arguments of C code", _SAFE),
    ("cache_optimizations", BoolParam(False), "keep rewritten graphs", "machine code is kept"),
    ("unittests.rseed", StrParam("666"), "seed of tests; `random` for another each time", ""),
    ("NanGuardMode.nan_is_error", BoolParam(True), "look for NaN", ""),
    ("NanGuardMode.inf_is_error", BoolParam(True), "look for infinity", ""),
    ("NanGuardMode.big_is_error", BoolParam(True), "look for numbers beyond 1e10", ""),
    ("NanGuardMode.action", EnumStr("raise", "warn", "pdb"), "what to do where one is", ""),
    ("optimizer_excluding", StrParam("", allow_override=False), "rewrites to leave out", ""),
    ("optimizer_including", StrParam("", allow_override=False), "rewrites to use as well", ""),
    ("optimizer_requiring", StrParam("", allow_override=False), "rewrites to use alone", ""),
    ("DebugMode.patience", IntParam(10, lambda i: i > 0), "how often to rewrite a graph", ""),
    ("DebugMode.check_c", BoolParam(False), "check C code", _NO_C),
    ("DebugMode.check_py", BoolParam(True), "check Python code of ops", ""),
    ("DebugMode.check_finite", BoolParam(True), "complain of NaN and infinity", ""),
    (
        "DebugMode.check_strides",
        IntParam(0, lambda i: i in (0, 1, 2)),
        "compare strides of C code and Python code",
        _NO_C,
    ),
    ("DebugMode.warn_input_not_reused", BoolParam(True), "views that are none", ""),
    (
        "DebugMode.check_preallocated_output",
        StrParam("", _memories),
        "kinds of memory that ops are offered, with `:` between",
        "",
    ),
    (
        "DebugMode.check_preallocated_output_ndim",
        IntParam(4, lambda i: i > 0),
        "axes whose strides are varied",
        "strided memory has steps of two, backwards, along all axes",
    ),
    ("profiling.time_thunks", BoolParam(True), "measure each step", ""),
    ("profiling.n_apply", IntParam(20, lambda i: i >= 0), "steps to print", ""),
    ("profiling.n_ops", IntParam(20, lambda i: i >= 0), "ops to print", ""),
    ("profiling.output_line_width", IntParam(512, lambda i: i > 0), "width of lines", ""),
    ("profiling.min_memory_size", IntParam(1024, lambda i: i >= 0), "bytes worth printing", ""),
    (
        "profiling.min_peak_memory",
        BoolParam(False),
        "search for the order with the least memory",
        "agnesi orders steps so that memory is reused",
    ),
    ("profiling.destination", StrParam("stderr"), "where profiles are printed: a file", ""),
    ("profiling.debugprint", BoolParam(False), "print the graph too", ""),
    ("profiling.ignore_first_call", BoolParam(False), "do not measure the first call", ""),
    ("optdb.position_cutoff", FloatParam(np.inf), "rewrites up to this place are used", ""),
    ("optdb.max_use_ratio", FloatParam(8.0), "how often a rewrite is used, by nodes", ""),
    ("gcc.cxxflags", StrParam(""), "flags of the C++ compiler", _NO_C),
    ("cmodule.warn_no_version", BoolParam(False), "C code without version", _NO_C),
    ("cmodule.remove_gxx_opt", BoolParam(False), "flags of the C++ compiler", _NO_C),
    ("cmodule.compilation_warning", BoolParam(False), "the C++ compiler's warnings", _NO_C),
    ("cmodule.preload_cache", BoolParam(False, allow_override=False), "C code", _NO_C),
    ("cmodule.age_thresh_use", IntParam(2073600, allow_override=False), "C code", _NO_C),
    ("cmodule.mac_framework_link", BoolParam(False), "C code", _NO_C),
    ("cmodule.debug", BoolParam(False), "C code", _NO_C),
    ("blas.ldflags", StrParam(""), "how to link a BLAS", "agnesi brings OpenBLAS with it"),
    ("blas.check_openmp", BoolParam(True), "look at the BLAS", "agnesi brings OpenBLAS with it"),
    ("metaopt.verbose", IntParam(0), "tell of tries", "agnesi chooses by sizes, and tries nothing"),
    ("metaopt.optimizer_excluding", StrParam(""), "tries", "agnesi chooses by sizes"),
    ("metaopt.optimizer_including", StrParam(""), "tries", "agnesi chooses by sizes"),
    ("profile", BoolParam(False), "measure all functions; print at the end", ""),
    ("profile_optimizer", BoolParam(False), "measure passes of the compiler too", ""),
    ("profile_memory", BoolParam(False), "tell of memory too", ""),
    ("vm.lazy", ConfigParam("None"), "compute branches of ifelse alone", "they always are"),
    ("on_shape_error", EnumStr("warn", "raise"), "errors of infer_shape", _SAFE),
    ("tensor.insert_inplace_optimizer_validate_nb", IntParam(-1), "checks in rewrites", _OWN),
    ("experimental.local_alloc_elemwise", BoolParam(True), "an old rewrite", _OWN),
    ("experimental.local_alloc_elemwise_assert", BoolParam(True), "checks of a rewrite", _SAFE),
    ("scan.allow_gc", BoolParam(False), "give memory back between steps", _MEMORY),
    ("scan.allow_output_prealloc", BoolParam(True), "write results in place", "always"),
    ("scan.debug", BoolParam(False), "print what scan does", "f.explain() shows loops"),
    ("compile.wait", IntParam(5, lambda i: i > 0, allow_override=False), "locks", _NO_C),
    ("compile.timeout", IntParam(120, lambda i: i >= 0, allow_override=False), "locks", _NO_C),
    ("cycle_detection", EnumStr("regular", "fast"), "how cycles are looked for", _OWN),
    ("check_stack_trace", EnumStr("off", "log", "warn", "raise"), "rewrites without traces", ""),
    ("compiledir_format", StrParam("", allow_override=False), "folder of C code", _NO_C),
    (
        "base_compiledir",
        StrParam(lambda: str(Path.home() / ".theano"), allow_override=False),
        "folder of C code",
        _NO_C,
    ),
    (
        "compiledir",
        StrParam(lambda: _compiledir(), allow_override=False),
        "folder of C code",
        _NO_C,
    ),
    ("gpuarray.cache_path", StrParam("", allow_override=False), "code for GPUs", _NO_GPU),
    ("ctc.root", StrParam("", allow_override=False), "a library of CTC", "agnesi has a CTC"),
)


def _compiledir() -> str:
    """Return the folder, which programs expect to be there: it is made when they ask for it."""
    folder = Path(config.base_compiledir) / "agnesi"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def local_bitwidth() -> int:
    """Return the bits of an address."""
    return 8 * np.dtype(np.intp).itemsize


def python_int_bitwidth() -> int:
    """Return the bits of an integer of Python's as an array holds it."""
    return 8 * np.asarray(1).dtype.itemsize


def _add() -> None:
    for name, param, doc, why_not in _SETTINGS:
        param.why_not = why_not
        c.AddConfigVar(name, doc, param)


def _errors() -> None:
    """Have NumPy say of overflows what settings want: nothing, unless they are set."""
    kinds = ("all", "divide", "over", "under", "invalid")
    said = {kind: getattr(config.numpy, f"seterr_{kind}") for kind in kinds}
    np.seterr(**{kind: None if how == "None" else how for kind, how in said.items()})


def _finish() -> None:
    """Complain of flags that are no settings, and of a device that has to be there."""
    for name in list(c.THEANO_FLAGS_DICT):
        warnings.warn(f"Theano does not recognise this flag: {name}", stacklevel=2)
    if config.force_device and _absent:
        raise RuntimeError(
            f"theano.config.force_device: the device {_absent[-1]} is not there; agnesi.theano "
            "runs on the CPU"
        )


_add()
_errors()
_finish()

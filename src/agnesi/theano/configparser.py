"""Settings: ``THEANO_FLAGS``, ``.theanorc`` and ``theano.config``.

Settings that mean something here are honoured; the others are kept, so that programs may read back
what they set, and do nothing.  Start at :class:`Config`.
"""

from __future__ import annotations

import configparser
import functools
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Settings that change what is computed or said, with their defaults and values.
_CHOICES: dict[str, tuple[str, ...]] = {
    "floatX": ("float64", "float32", "float16"),
    "cast_policy": ("custom", "numpy+floatX"),
    "int_division": ("int", "raise", "floatX"),
    "compute_test_value": ("off", "ignore", "warn", "raise", "pdb"),
    "on_unused_input": ("raise", "warn", "ignore"),
    "exception_verbosity": ("low", "high"),
    "warn_float64": ("ignore", "warn", "raise", "pdb"),
}
# Settings that programs read although they mean nothing here.
_KEPT: dict[str, Any] = {
    "device": "cpu",
    "init_gpu_device": "",
    "force_device": False,
    "mode": "Mode",
    "linker": "cvm",
    "optimizer": "fast_run",
    "optimizer_including": "",
    "optimizer_excluding": "",
    "optimizer_verbose": False,
    "allow_gc": True,
    "openmp": False,
    "profile": False,
    "profile_memory": False,
    "profile_optimizer": False,
    "print_active_device": True,
    "enable_initial_driver_test": True,
    "reoptimize_unpickled_function": False,
    "unpickle_function": True,
    "print_test_value": False,
    "print_global_stats": False,
    "pickle_test_value": True,
    "cxx": "",
    "compiledir": "",
    "base_compiledir": "",
    "lib.cnmem": 0.0,
    "lib.amdlibm": False,
    "gpuarray.preallocate": 0.0,
    "gpuarray.sync": False,
    "dnn.enabled": "auto",
    "dnn.conv.algo_fwd": "small",
    "dnn.conv.algo_bwd": "none",
    "dnn.conv.algo_bwd_filter": "none",
    "dnn.conv.algo_bwd_data": "none",
    "blas.ldflags": "",
    "gcc.cxxflags": "",
    "nvcc.fastmath": False,
    "scan.allow_gc": False,
    "scan.allow_output_prealloc": True,
    "traceback.limit": 8,
    "numpy.seterr_all": "ignore",
    "unittests.rseed": "666",
    "DebugMode.check_c": False,
    "DebugMode.check_py": True,
    "NanGuardMode.nan_is_error": True,
    "NanGuardMode.inf_is_error": True,
    "NanGuardMode.big_is_error": True,
    "NanGuardMode.action": "raise",
    "warn.round": False,
    "warn.sum_div_dimshuffle_bug": False,
    "warn.subtensor_merge_bug": False,
    "warn.inc_set_subtensor1": False,
    "warn.ignore_bug_before": "0.9",
    "tensor.cmp_sloppy": 0,
    "tensor.local_elemwise_fusion": True,
    "experimental.unpickle_gpu_on_cpu": False,
    "experimental.local_alloc_elemwise": False,
}


class _Section:
    """Settings with a dot in their names: ``config.blas.ldflags``."""

    def __init__(self, config: Config, prefix: str) -> None:
        self.__dict__["_config"], self.__dict__["_prefix"] = config, prefix

    def __getattr__(self, name: str) -> Any:
        return self._config._read(f"{self._prefix}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        self._config._write(f"{self._prefix}.{name}", value)


class Config:
    """What ``theano.config`` is: settings as attributes."""

    def __init__(self) -> None:
        values = {name: choices[0] for name, choices in _CHOICES.items()}
        self.__dict__["_values"] = {**_KEPT, **values}
        self.__dict__["_sections"] = {}

    def _read(self, name: str) -> Any:
        if name not in self._values:
            raise AttributeError(f"theano.config has no setting {name!r}")
        return self._values[name]

    def _write(self, name: str, value: Any) -> None:
        choices = _CHOICES.get(name)
        if choices is not None and value not in choices:
            raise ValueError(f"theano.config.{name} is one of {choices}, not {value!r}")
        # As in Theano, a name that is not known is kept in silence.
        self._values[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._values:
            return self._values[name]
        if any(known.startswith(f"{name}.") for known in self._values):
            return self._sections.setdefault(name, _Section(self, name))
        return self._read(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._write(name, value)

    def change_flags(self, *args: Any, **flags: Any) -> change_flags:
        """Return a context, and decorator, in which settings are others."""
        return change_flags(*args, **flags)

    def __str__(self) -> str:
        return "\n".join(f"{name} ({value!r})" for name, value in sorted(self._values.items()))


config = Config()


class change_flags:
    """A context, and decorator, in which settings are others: ``with change_flags(floatX=...)``."""

    def __init__(self, args: Any = (), **flags: Any) -> None:
        self.flags = {**dict(args), **flags}
        self.old: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self.old.append({name: config._read(name) for name in self.flags})
        for name, value in self.flags.items():
            config._write(name, value)

    def __exit__(self, *_: object) -> None:
        for name, value in self.old.pop().items():
            config._write(name, value)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, running with the settings."""

        @functools.wraps(function)
        def changed(*args: Any, **named: Any) -> Any:
            with self:
                return function(*args, **named)

        return changed


def _told() -> Iterator[tuple[str, str]]:
    """Yield the settings of files, then of the environment."""
    files = os.environ.get("THEANORC", "~/.theanorc").split(os.pathsep)
    for path in (Path(name).expanduser() for name in files if name):
        if not path.is_file():
            continue
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        parser.read(path)
        for section in parser.sections():
            prefix = "" if section == "global" else f"{section}."
            yield from ((f"{prefix}{name}", value) for name, value in parser.items(section))
    for flag in os.environ.get("THEANO_FLAGS", "").split(","):
        name, found, value = flag.partition("=")
        if found:
            yield name.strip(), value.strip()


def _like(old: Any, text: str) -> Any:
    """Return a setting's text as a value of the kind it had."""
    if isinstance(old, bool):
        return text.lower() in ("true", "1", "yes", "on")
    if isinstance(old, int | float):
        return type(old)(float(text))
    return text


def read_settings() -> None:
    """Take over what files and the environment say."""
    for name, text in _told():
        if name == "force_device" or name in _KEPT or name in _CHOICES:
            config._write(name, _like(config._read(name), text))
        else:
            config._write(name, text)
            warnings.warn(f"THEANO_FLAGS: {name}={text} means nothing to agnesi", stacklevel=2)
    if str(config.device) not in ("cpu", ""):
        warnings.warn(
            f"THEANO_FLAGS: device={config.device} is not there: agnesi.theano runs on the CPU",
            stacklevel=2,
        )


read_settings()


def AddConfigVar(name: str, doc: str, configparam: Any, root: Any = config, **_: Any) -> None:
    """Make a setting known."""
    del doc, root
    config._values.setdefault(name, getattr(configparam, "default", configparam))


class _Param:
    """A setting's default and what it may be."""

    def __init__(self, default: Any = None, *_: Any, **__: Any) -> None:
        self.default = default


StrParam = IntParam = FloatParam = BoolParam = EnumStr = ConfigParam = _Param

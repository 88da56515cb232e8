"""Modes: how a function is compiled and checked.

There is one way to compile here; what is left of modes are those that check values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.theano.configparser import config

if TYPE_CHECKING:
    from collections.abc import Callable


class Mode:
    """How a function is compiled; linkers and optimisers are kept and mean nothing.

    Attributes:
        watched: what is called in the place of native code, of a function; None for native code.
        needs_native: whether what is watched needs native code too.
    """

    watched: Any = None
    needs_native = False

    def __init__(self, linker: Any = None, optimizer: Any = "default", **_: Any) -> None:
        self.linker, self.provided_optimizer = linker, optimizer
        self.optimizer = optimizer

    def including(self, *tags: str) -> Mode:
        """Return the mode: agnesi chooses its rewrites."""
        del tags
        return self

    excluding = requiring = including

    def clone(self, link_kwargs: Any = None, optimizer: str = "", **named: Any) -> Mode:
        """Return a mode like this one."""
        del link_kwargs, named
        return type(self)(self.linker, optimizer or self.optimizer)

    def register(self, *_: Any) -> Mode:
        """Return the mode."""
        return self

    def __str__(self) -> str:
        return f"{type(self).__name__}(linker = {self.linker}, optimizer = {self.optimizer})"


FAST_RUN, FAST_COMPILE, JAX = Mode("cvm", "fast_run"), Mode("vm", "fast_compile"), Mode("cvm")
predefined_modes: dict[str, Any] = {
    "FAST_COMPILE": FAST_COMPILE,
    "FAST_RUN": FAST_RUN,
    "Mode": FAST_RUN,
    "ProfileMode": FAST_RUN,
}
# Modes that are made anew whenever they are asked for; put there by their modules.
makers: dict[str, Callable[[], Mode]] = {}
predefined_linkers: dict[str | None, Any] = dict.fromkeys(
    ["py", "c", "c|py", "c|py_nogc", "vm", "cvm", "vm_nogc", "cvm_nogc", None]
)
predefined_optimizers: dict[str | None, Any] = dict.fromkeys(
    ["None", "merge", "o4", "o3", "o2", "o1", "fast_run", "fast_compile", "stabilize", None]
)


def get_mode(orig_string: Any) -> Any:
    """Return a mode by its name; the one that settings say by default."""
    name = config.mode if orig_string is None else orig_string
    if not isinstance(name, str):
        return name
    if name in predefined_modes:
        return predefined_modes[name]
    if name in makers:
        return makers[name]()
    raise Exception(f"No predefined mode exist for string: {name}")


def get_default_mode() -> Any:
    """Return the mode that settings say."""
    return get_mode(None)


def register_mode(name: str, mode: Any) -> None:
    """Give a mode a name."""
    if name in predefined_modes:
        raise ValueError(f"Mode name already taken: {name}")
    predefined_modes[name] = mode


def register_linker(name: str, linker: Any) -> None:
    """Give a linker a name; it means nothing here."""
    predefined_linkers[name] = linker


def register_optimizer(name: str, opt: Any) -> None:
    """Give an optimiser a name; it means nothing here."""
    predefined_optimizers[name] = opt

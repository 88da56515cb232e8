"""Linkers: names of ways to run a graph, of which there is one here."""

from __future__ import annotations

from typing import Any

from agnesi.theano.missing import submodule


class Linker:
    """The name of a way to run a graph.

    Attributes:
        name: what it is called in ``predefined_linkers``.
        allow_gc: kept; memory is planned when a function is compiled.
    """

    name = "py"

    def __init__(self, name: str | None = None, allow_gc: bool | None = None, **_: Any) -> None:
        if name is not None:
            self.name = name
        self.allow_gc = allow_gc

    def clone(self, allow_gc: bool | None = None, **_: Any) -> Linker:
        """Return one like it."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        if allow_gc is not None:
            made.allow_gc = allow_gc
        return made

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    __repr__ = __str__


class LocalLinker(Linker):
    """Base of linkers that run one application after the other."""


class PerformLinker(LocalLinker):
    """The linker that runs ops' Python code in Theano; native code here."""

    def __init__(self, allow_gc: bool | None = None, schedule: Any = None) -> None:
        del schedule
        super().__init__("py", allow_gc)


def __getattr__(name: str) -> Any:
    if name == "Container":
        from agnesi.theano.compile.sharedvalue import Container

        return Container
    if name == "raise_with_op":
        from agnesi.theano.compile.errors import raise_with_op

        return raise_with_op
    return submodule(__name__, name)

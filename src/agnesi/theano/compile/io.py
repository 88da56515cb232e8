"""Inputs and outputs of functions with settings of their own."""

from __future__ import annotations

import warnings
from typing import Any

from agnesi.theano.compile.sharedvalue import Container
from agnesi.theano.gof.graph import Variable


class SymbolicInput:
    """An input of a function.

    Attributes:
        variable: which.
        name: its keyword.
        update: what its stored value becomes in a call.
        mutable: whether a call may write over what is given; it never does.
        strict: take arrays of the very type alone.
        allow_downcast: whether values may lose precision.
    """

    def __init__(
        self,
        variable: Any,
        name: str | None = None,
        update: Any = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool = False,
    ) -> None:
        if not isinstance(variable, Variable):
            raise TypeError(f"An input is a Variable, not {variable!r}")
        self.variable = variable
        self.name = variable.name if autoname and name is None else name
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError("name must be a string!", self.name)
        self.update = update
        mutable = update is not None if mutable is None else mutable
        if update is not None and not variable.type == update.type:
            raise TypeError("Variable.type of update does not match that of the variable", update)
        self.mutable, self.strict, self.allow_downcast = mutable, strict, allow_downcast
        self.implicit = implicit

    def __str__(self) -> str:
        if self.update is not None:
            return f"In({self.variable} -> {self.update})"
        return f"In({self.variable})"

    __repr__ = __str__


class In(SymbolicInput):
    """An input of a function, with a default value.

    Nothing is ever written into arguments, nor kept of them: ``mutable`` and ``borrow`` permit what
    is not done.

    Attributes:
        value: default; None for none; the container of another function's input to share it.
        implicit: whether calls may not give it; by default if its value is a container.
        borrow: nothing here.
        shared: nothing here.
    """

    def __init__(
        self,
        variable: Any,
        name: str | None = None,
        value: Any = None,
        update: Any = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: Any = None,
        borrow: bool | None = None,
        shared: bool = False,
    ) -> None:
        mutable = update is not None if mutable is None else mutable
        borrow = mutable if borrow is None else borrow
        if mutable and not borrow:
            raise AssertionError(
                f"Symbolic input for variable {variable} (name={name}) has flags mutable=True, "
                "borrow=False: what may be overwritten may be borrowed."
            )
        kept = isinstance(value, Container) or hasattr(value, "container")
        implicit = kept if implicit is None else implicit
        super().__init__(
            variable, name, update, mutable, strict, allow_downcast, autoname, bool(implicit)
        )
        self.value, self.borrow, self.shared = value, borrow, shared


class SymbolicOutput:
    """An output of a function.

    Attributes:
        variable: which.
        borrow: nothing here: results never share memory with anything.
    """

    def __init__(self, variable: Any, borrow: bool = False) -> None:
        self.variable, self.borrow = variable, borrow

    def __str__(self) -> str:
        return f"Out({self.variable},{self.borrow})"

    __repr__ = __str__


Out = SymbolicOutput


def Param(
    variable: Any,
    default: Any = None,
    name: str | None = None,
    mutable: bool = False,
    strict: bool = False,
    allow_downcast: bool | None = None,
    implicit: Any = None,
    borrow: bool | None = None,
) -> In:
    """Return an input: an old name of ``In``."""
    warnings.warn(
        "The Param class is deprecated. Replace Param(default=N) with theano.In(value=N)",
        stacklevel=2,
    )
    return In(
        variable,
        name=name,
        value=default,
        mutable=mutable,
        strict=strict,
        allow_downcast=allow_downcast,
        implicit=implicit,
        borrow=borrow,
    )

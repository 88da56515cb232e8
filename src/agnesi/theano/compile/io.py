"""Inputs and outputs of functions with settings of their own."""

from __future__ import annotations

import warnings
from typing import Any

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

    Attributes:
        value: default; None for none.
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
        super().__init__(
            variable, name, update, mutable, strict, allow_downcast, autoname, bool(implicit)
        )
        self.value, self.borrow, self.shared = value, borrow, shared


class SymbolicOutput:
    """An output of a function."""

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

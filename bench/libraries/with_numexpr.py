"""numexpr: element-wise rows, as the strings it takes."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.libraries import Missing, Program, Side

if TYPE_CHECKING:
    from bench.rows import Arrays, Row

numexpr: Any = import_module("numexpr")


class Text:
    """An expression as text; numbers get names, so that float32 stays float32."""

    def __init__(self, text: str, names: dict[str, Any], dtype: Any) -> None:
        self.text, self.names, self.dtype = text, names, dtype

    def of(self, other: Any) -> str:
        """Return the text of an operand."""
        if isinstance(other, Text):
            return other.text
        name = f"c{len(self.names)}"
        self.names[name] = self.dtype(other)
        return name

    def made(self, text: str) -> Text:
        """Return another expression with the same names."""
        return Text(text, self.names, self.dtype)

    def __add__(self, other: Any) -> Text:
        return self.made(f"({self.text}+{self.of(other)})")

    def __mul__(self, other: Any) -> Text:
        return self.made(f"({self.text}*{self.of(other)})")

    def __truediv__(self, other: Any) -> Text:
        return self.made(f"({self.text}/{self.of(other)})")

    def __neg__(self) -> Text:
        return self.made(f"(-{self.text})")

    __rmul__ = __mul__


def named(name: str) -> Any:
    """Return a function of an expression."""
    return lambda x: x.made(f"{name}({x.text})")


FUNCTIONS = SimpleNamespace(
    **{name: named(name) for name in ("exp", "log", "sin", "tanh", "log1p", "abs")}
)


class Library(Side):
    """numexpr."""

    m = FUNCTIONS

    def __init__(self, threads: int, option: str) -> None:
        super().__init__(threads, option)
        numexpr.set_num_threads(threads)

    def version(self) -> str:
        """Return name and version."""
        return f"numexpr {numexpr.__version__}"

    def pure(self, row: Row, arrays: Arrays) -> Program:
        """Return a program that computes results."""
        if row.group not in {"calls", "element-wise"}:
            raise Missing
        (x,) = arrays.values()
        names: dict[str, Any] = {"x": x}
        text = row.expression(self.m, Text("x", names, x.dtype.type)).text
        return Program(
            lambda names: numexpr.evaluate(text, local_dict=names),
            (names,),
            lambda got: [np.asarray(got)],
        )

"""Writing procedures in Python.

A procedure is described by a function that is given a :class:`Code`, which collects statements,
and a scalar for each parameter; it returns the result::

    @double
    def harmonic(code: Code, n: Scalar) -> Scalar:
        total = code.variable("total", literal(0.0, F64))
        with code.repeat(n > 0.0):
            code.set(total, total + 1.0 / n)
            code.set(n, n - 1.0)
        return total

``harmonic(x)`` is then a call of it: for an f32, of one that computes in f64 and rounds.  A
variable stands for the value that it has where an expression is evaluated; ``let`` keeps a value.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agnesi.core.dtypes import F64, DType
from agnesi.core.errors import CompilerBug
from agnesi.loops.nodes import (
    Assign,
    Call,
    Guard,
    If,
    Local,
    Number,
    Procedure,
    Read,
    Scalar,
    Statement,
    While,
    fresh_local,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Code:
    """The statements of a procedure, as far as they are written."""

    def __init__(self) -> None:
        self.blocks: list[list[Statement]] = [[]]

    def variable(self, name: str, value: Scalar) -> Scalar:
        """Begin a variable; the scalar is its value wherever that is evaluated."""
        local = fresh_local(name, value.dtype)
        self.blocks[-1].append(Assign(local, value))
        return Read(local)

    def let(self, name: str, value: Scalar) -> Scalar:
        """Give the present value of an expression a name; it is computed here, once."""
        return self.variable(name, value)

    def set(self, variable: Scalar, value: Scalar | Number) -> None:
        """Give a variable, or a parameter, a new value."""
        if not isinstance(variable, Read):
            raise CompilerBug(f"{variable!r} is no variable")
        self.blocks[-1].append(Assign(variable.local, variable.like(value)))

    @contextmanager
    def when(self, condition: Scalar) -> Generator[None]:
        """Do what is written inside if the condition holds."""
        self.blocks.append([])
        yield
        self.blocks[-2].append(If(condition, tuple(self.blocks.pop())))

    @contextmanager
    def repeat(self, condition: Scalar) -> Generator[None]:
        """Do what is written inside as long as the condition holds."""
        self.blocks.append([])
        yield
        self.blocks[-2].append(While(condition, tuple(self.blocks.pop())))


def choose(condition: Scalar, yes: Scalar | Number, no: Scalar | Number) -> Scalar:
    """Return one of two values; only that is computed."""
    if isinstance(yes, Scalar):
        return Guard(condition, yes, yes.like(no))
    if isinstance(no, Scalar):
        return Guard(condition, no.like(yes), no)
    raise CompilerBug("choose: one of the values has to be a scalar with a dtype")


class Routine:
    """A procedure for each float dtype, written when it is first called.

    The one for f64 is what the function describes; the others convert, call it and round.
    """

    def __init__(self, describe: Callable[..., Scalar]) -> None:
        self.describe = describe
        self.name = describe.__name__.strip("_")
        self.__doc__ = describe.__doc__
        self.made: dict[DType, Procedure] = {}

    def __call__(self, *operands: Scalar) -> Scalar:
        """Call it with operands of one dtype."""
        kind = operands[0].dtype
        if kind not in self.made:
            self.made[kind] = self._in_f64() if kind is F64 else self._rounded(kind)
        return Call(self.made[kind], operands)

    def _parameters(self, kind: DType) -> tuple[Local, ...]:
        _, *names = inspect.signature(self.describe).parameters
        return tuple(fresh_local(name, kind) for name in names)

    def _in_f64(self) -> Procedure:
        parameters, code = self._parameters(F64), Code()
        result = self.describe(code, *(Read(p) for p in parameters))
        (body,) = code.blocks
        return Procedure(f"{self.name}_f64", parameters, tuple(body), result)

    def _rounded(self, kind: DType) -> Procedure:
        parameters = self._parameters(kind)
        result = self(*(Read(p).cast(F64) for p in parameters)).cast(kind)
        return Procedure(f"{self.name}_{kind}", parameters, (), result)


def double(describe: Callable[..., Scalar]) -> Routine:
    """Make a routine of a function that describes it in f64."""
    return Routine(describe)

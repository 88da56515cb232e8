"""The slow way into a compiled function: keywords, defaults, and arrays that need converting.

Generated code takes the fast way itself; it comes here for everything else, and for every error.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.codegen.llvm import layout as at
from agnesi.core.dtypes import is_numeric
from agnesi.core.errors import (
    CallError,
    CompilerBug,
    IndexOutOfBounds,
    LinAlgError,
    ShapeError,
)
from agnesi.core.record import record
from agnesi.graph.tensor import Tensor
from agnesi.graph.text import op_name
from agnesi.lower.program import Require, SizeCheck
from agnesi.ops.families import Elementwise
from agnesi.ops.movement import BroadcastTo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.leaves import Leaf
    from agnesi.graph.tensor import Array
    from agnesi.graph.types import TensorType


@record(frozen=True)
class Parameter:
    """One input of a function.

    Attributes:
        leaf: the graph's input.
        name: keyword, if it has one.
        default: value if none is given; ``required`` tells whether there is one.
    """

    leaf: Leaf
    name: str | None
    default: Any = None
    required: bool = True


class Binder:
    """Brings the arguments of a call into the form that generated code takes.

    Attributes:
        before: is given positional and keyword arguments first; it returns an array for each input.
    """

    before: Callable[[tuple[Any, ...], dict[str, Any]], Sequence[Any]] | None = None

    def __init__(self, function: str, parameters: Sequence[Parameter]) -> None:
        self.function = function
        self.parameters = tuple(parameters)
        self.by_name = {p.name: k for k, p in enumerate(parameters) if p.name}

    def __call__(self, *args: Any, **named: Any) -> tuple[Array, ...]:
        """Return one array for each input.

        Raises:
            CallError: arguments that are missing, too many, or do not fit.
        """
        if self.before is not None:
            args, named = tuple(self.before(args, named)), {}
        whole = not named and len(args) == len(self.parameters)
        given = args if whole else self.arrange(args, named)
        return tuple([self.convert(p, v) for p, v in zip(self.parameters, given, strict=True)])

    def ready(self) -> tuple[Array, list[Any]]:
        """Return what generated code needs to arrange arguments itself, and what it points to.

        The array has a row for each input: addresses of its keyword and of its default, 0 for none.
        """
        keywords = [sys.intern(p.name) if p.name else None for p in self.parameters]
        defaults = [None if p.required else self.convert(p, p.default) for p in self.parameters]
        rows = [
            [0 if thing is None else id(thing) for thing in pair]
            for pair in zip(keywords, defaults, strict=True)
        ]
        return np.array(rows, np.int64).reshape(-1, 2), [*keywords, *defaults]

    def signature(self) -> str:
        """Return the call as text: ``step(x: f32[n], rate: f32[] = 0.1)``."""
        parts = [
            f"{self.label(p)}: {p.leaf.type}{'' if p.required else f' = {p.default!r}'}"
            for p in self.parameters
        ]
        return f"{self.function}({', '.join(parts)})"

    def label(self, parameter: Parameter) -> str:
        """Return the name of a parameter, or its position."""
        position = next(k for k, p in enumerate(self.parameters) if p is parameter)
        return parameter.name or f"input {position}"

    def arrange(self, args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """Put positional and keyword arguments in order, with defaults."""
        if len(args) > len(self.parameters):
            raise CallError(
                f"{self.function}: takes {len(self.parameters)} arguments, "
                f"but was given {len(args)}\n  {self.signature()}"
            )
        missing = object()
        given: list[Any] = [*args, *[missing] * (len(self.parameters) - len(args))]
        for name, value in named.items():
            position = self.by_name.get(name)
            if position is None:
                known = ", ".join(self.by_name) or "none"
                raise CallError(
                    f"{self.function}: has no input named {name!r}; its names are {known}\n"
                    f"  {self.signature()}"
                )
            if given[position] is not missing:
                raise CallError(
                    f"{self.function}: was given {name!r} twice, by position and by keyword\n"
                    f"  {self.signature()}"
                )
            given[position] = value
        absent = [
            p for p, v in zip(self.parameters, given, strict=True) if v is missing and p.required
        ]
        if absent:
            names = ", ".join(self.label(p) for p in absent)
            raise CallError(f"{self.function}: was not given {names}\n  {self.signature()}")
        return [
            p.default if v is missing else v for p, v in zip(self.parameters, given, strict=True)
        ]

    def convert(self, parameter: Parameter, value: Any) -> Array:
        """Return the array of one argument, converted only where nothing can be lost."""
        declared = parameter.leaf.type
        if isinstance(value, Tensor):
            raise self.misfit(
                parameter, f"the symbolic {value!r}", "give an array, not an expression"
            )
        try:
            array = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise self.misfit(parameter, f"{type(value).__name__} {value!r}", str(error)) from error
        if not is_numeric(array.dtype):
            what = f"{type(value).__name__} ({array.dtype})"
            raise self.misfit(parameter, what, "give numbers or bools")
        trouble = self.trouble(declared, array)
        if trouble:
            raise self.misfit(parameter, described(array), trouble)
        return self.cast(parameter, value, array)

    def trouble(self, declared: TensorType, array: Array) -> str:
        """Return what is to be done about an array whatever its dtype, empty if nothing is."""
        if not array.dtype.isnative:
            return 'convert it: x.astype(x.dtype.newbyteorder("="))'
        if array.ndim != declared.ndim:
            return f"it has {array.ndim} axes where {declared.ndim} are declared"
        for axis, (size, actual) in enumerate(zip(declared.shape, array.shape, strict=True)):
            if isinstance(size, int) and size != actual:
                return f"axis {axis} has size {actual} where {size} is declared"
        return ""

    def cast(self, parameter: Parameter, value: Any, array: Array) -> Array:
        """Return the array in the declared dtype, if that loses nothing."""
        wanted = parameter.leaf.dtype.numpy
        if array.dtype == wanted and type(array) is np.ndarray:
            return array
        if np.can_cast(array.dtype, wanted, "safe"):
            return np.array(array, dtype=wanted)
        weak = not isinstance(value, np.ndarray | np.generic)
        if weak and not array.size:
            # An empty list has no dtype.
            return np.array(array, dtype=wanted)
        if weak and np.can_cast(array.dtype, wanted, "same_kind"):
            with np.errstate(over="ignore"):
                made = np.array(array, dtype=wanted)
            if array.dtype.kind == "f" or np.array_equal(made, array):
                return made
        if weak and array.dtype.kind == "i" and wanted.kind in "uf":
            with np.errstate(over="ignore"):
                made = np.array(array, dtype=wanted)
            if wanted.kind == "f" or np.array_equal(made, array):
                return made
        advice = f'convert it: np.asarray(x, "{wanted.name}"), or declare the input with that dtype'
        raise self.misfit(parameter, described(array), advice)

    def misfit(self, parameter: Parameter, given: str, advice: str) -> CallError:
        """Return the error of an argument that does not fit."""
        made = f"   from {parameter.leaf.source}" if parameter.leaf.source else ""
        return CallError(
            f"{self.function}: {self.label(parameter)} takes {parameter.leaf.type}, "
            f"but was given {given}\n"
            f"  {self.label(parameter)}: {parameter.leaf.type}{made}\n  {advice}"
        )


def described(array: Array) -> str:
    """Return an array's dtype and shape as text."""
    swapped = "" if array.dtype.isnative else " with its bytes swapped"
    return f"{array.dtype.name}{list(array.shape)}{swapped}"


class Failure:
    """Raises the exception behind a code that generated code reports.

    Attributes:
        explain: is shown an error, and the arguments of the call, before it is raised.
    """

    explain: Callable[[Exception, list[Any]], None] | None = None

    def __init__(
        self,
        function: str,
        size_checks: Sequence[SizeCheck],
        requirements: Sequence[Require],
        count: int = 0,
    ) -> None:
        self.function = function
        self.count = count
        self.size_checks = tuple(size_checks)
        self.requirements = tuple(requirements)

    def __call__(self, code: int, a: int, b: int, given: int = 0) -> None:
        """Raise it.

        Args:
            code: what has failed.
            a: a number that belongs to it.
            b: another one.
            given: where the arguments are, the addresses of objects; 0 where they are not known.

        Raises:
            MemoryError: no memory for a temporary.
            ShapeError: sizes that disagree.
            IndexOutOfBounds: an index outside its axis.
            LinAlgError: a matrix that is singular, or not positive definite.
        """
        error = self.error(code, a, b)
        if self.explain is not None and given:
            objects = (ctypes.py_object * self.count).from_address(given)
            self.explain(error, [objects[k] for k in range(self.count)])
        raise error

    def error(self, code: int, a: int, b: int) -> Exception:
        """Return the exception of a code."""
        if code == at.OUT_OF_MEMORY:
            return MemoryError(f"{self.function}: no memory for an array that it computes")
        if code == at.TOO_LARGE:
            return ShapeError(
                f"{self.function}: a matrix has {a} rows or columns, BLAS takes up to 2147483647"
            )
        if code >= at.REQUIREMENT:
            return failure(self.function, self.requirements[code - at.REQUIREMENT], a, b)
        if at.SIZES <= code < at.SIZES + len(self.size_checks):
            return failure(self.function, self.size_checks[code - at.SIZES], a, b)
        return CompilerBug(f"{self.function}: unknown failure {code} ({a}, {b})")


def failure(function: str, what: Require | SizeCheck, a: int, b: int) -> CallError:
    """Return the error of a requirement, or of a size, that does not hold."""
    if isinstance(what, SizeCheck):
        return size_error(function, what, a, b)
    return requirement_error(function, what, a, b)


def size_error(function: str, check: SizeCheck, actual: int, expected: int) -> ShapeError:
    """Return the error of an argument whose size contradicts another's."""
    leaf = check.leaf
    made = f"   from {leaf.source}" if leaf.source else ""
    return ShapeError(
        f"{function}: axis {check.axis} of {leaf.name or 'an input'} has size {actual}, "
        f"but {check.expected} is {expected} in another argument\n"
        f"  {leaf.name or 'input'}: {leaf.type}{made}\n"
        f"  arguments that share the size {check.expected} have to agree"
    )


def requirement_error(function: str, step: Require, a: int, b: int) -> CallError:
    """Return the error of a requirement that does not hold."""
    need, node = step.need, step.node
    where = f"\n  from {node.source}" if node.source else ""
    operands = "".join(f"\n  {_role(node, o)}: {o.type}{_made(o)}" for o in node.operands)
    if need.kind == "index":
        lowest = -b if need.wrapped else 0
        return IndexOutOfBounds(
            f"{function}: index {need.index_given(a, b)} is out of bounds for size {b}: "
            f"{need.words}{where}{operands}\n  an index lies in {lowest} to {b - 1}"
        )
    if need.kind == "sound":
        return LinAlgError(
            f'{function}: {need.words}{where}{operands}\n  for NaN instead: on_error="nan"'
        )
    if need.kind == "at_most" and not a:
        text = f"{op_name(node)}: a size cannot be negative, but {need.words} is {b}"
        return ShapeError(f"{function}: {text}{where}{operands}")
    if need.kind == "at_most" and isinstance(need.b, int) and "{a}" not in need.words:
        return ShapeError(f"{function}: {op_name(node)}: the {need.words}: {a}{where}{operands}")
    if need.kind == "at_most":
        words = need.said(a, b) if "{a}" in need.words else f"no {need.words}"
        return ShapeError(f"{function}: {op_name(node)}: {words}{where}{operands}")
    differ = f"sizes {a} and {b} differ: {need.words}{where}{operands}"
    if isinstance(node, BroadcastTo) and node.x.ndim == node.ndim and 1 not in node.x.type.shape:
        # Nothing is repeated: what a graph takes to be equal is checked.
        return ShapeError(
            f"{function}: {differ}\n  here they have to be equal: sequences of one loop have as "
            "many rows each; what a step carries on, or branches return, keeps its shape"
        )
    advice = (
        "\n  a size that is not known when the graph is built never broadcasts: "
        "declare it as 1 where it is"
    )
    broadcasts = isinstance(node, Elementwise | BroadcastTo)
    return ShapeError(f"{function}: {op_name(node)}: {differ}{advice if broadcasts else ''}")


def _role(node: Tensor, operand: Tensor) -> str:
    for name, value in zip(node.fields, node.args, strict=True):
        if value is operand:
            return name
    return "operand"


def _made(operand: Tensor) -> str:
    named = f"   named {operand.name}" if operand.name else ""
    return named + (f"   from {operand.source}" if operand.source else "")

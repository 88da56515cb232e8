"""How identities over tensors are written: the kinds of pattern variables, the conditions.

==========  ================================================
Number      any integer or float
Float       any float
Inexact     any float or complex number
Complex     any complex number
Integer     any integer
Signed      any signed integer
Bool        bool
Tensor      anything
==========  ================================================
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, C128, COMPLEX, F64, FLOATS, I64, INEXACT, INTEGERS, DType
from agnesi.dims.dim import Shape, named_symbol
from agnesi.graph.leaves import Constant, new_input, scalar_constant
from agnesi.graph.tensor import Tensor
from agnesi.graph.text import op_name
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import Absolute
from agnesi.ops.elementary import Erfc, Exp, Exp2, Sigmoid, Softplus
from agnesi.ops.families import Elementwise, Movement
from agnesi.ops.movement import Reshape
from agnesi.ops.powers import Square
from agnesi.ops.probability import Softmax
from agnesi.rewrite.pattern import Condition, Identities, Pairs, fast, stable
from agnesi.rules.tensors import filled, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agnesi.core.term import Term

Number: TypeAlias = Tensor
Float: TypeAlias = Tensor
Inexact: TypeAlias = Tensor
Complex: TypeAlias = Tensor
Integer: TypeAlias = Tensor
Signed: TypeAlias = Tensor
Bool: TypeAlias = Tensor

_KINDS = {
    "Number": frozenset((*INTEGERS, *FLOATS)),
    "Float": frozenset(FLOATS),
    "Inexact": frozenset(INEXACT),
    "Complex": frozenset(COMPLEX),
    "Integer": frozenset(INTEGERS),
    "Signed": frozenset(d for d in INTEGERS if d.is_signed),
    "Bool": frozenset((BOOL,)),
    "Tensor": frozenset(ALL),
}
# What a variable of each kind is while the pattern is built.  A pattern's numbers are kept in
# double precision and take the variables' dtype when the rule fires.
_SAMPLES = {"Bool": BOOL, "Integer": I64, "Signed": I64, "Complex": C128}
_SIGNS = {
    "Add": "+",
    "Subtract": "-",
    "Multiply": "*",
    "Divide": "/",
    "Power": "**",
    "Less": "<",
    "LessEqual": "<=",
    "Greater": ">",
    "GreaterEqual": ">=",
    "Equal": "==",
    "NotEqual": "!=",
    "BitwiseAnd": "&",
    "BitwiseOr": "|",
    "BitwiseXor": "^",
}


def admitted(kind: str) -> frozenset[DType]:
    """Return the dtypes that a variable of this kind stands for."""
    return _KINDS[kind]


class _TensorNotation:
    """Patterns over tensors: element-wise ops of variables and numbers."""

    def variable(self, name: str, kind: str) -> Tensor:
        """A vector, so that numbers beside it are repeated as they are in graphs."""
        dtype = _SAMPLES.get(kind, F64)
        return new_input(name, TensorType(dtype, (named_symbol("pattern"),)))

    def lift(self, value: object, like: Term) -> Term:
        """A number takes the type of the left side."""
        if isinstance(value, Tensor):
            return value
        assert isinstance(like, Tensor)
        assert isinstance(value, bool | int | float)
        return filled(value, like.dtype, like.type.shape)

    def literals(self, pattern: Term) -> frozenset[Term] | None:
        """The number in every dtype that has it."""
        return _literals(pattern)

    def group(self, pattern: Term) -> object:
        """The sample dtype."""
        assert isinstance(pattern, Tensor)
        return pattern.dtype

    def admits(self, kind: str) -> frozenset[Any]:
        """The dtypes of a kind."""
        return admitted(kind)

    def commutative(self, head: type[Term]) -> bool:
        """As the op says."""
        return issubclass(head, Elementwise) and head.commutative

    def spelled(self, pattern: Term, names: Mapping[Term, str]) -> str:
        """As one writes it."""
        return _spelled(pattern, names)

    @property
    def helpers(self) -> Mapping[str, Callable[..., Any]]:
        """See ``Notation``."""
        return {"literal": literal, "kind": _kind, "shape": _shape, "fill": _fill}


@cache
def _literals(pattern: Term) -> frozenset[Term] | None:
    found = literal(pattern) if isinstance(pattern, Tensor) else None
    if found is None:
        return None
    if found.dtype is BOOL:
        # A choice between 1.0 and 0.0 is not its condition.
        return frozenset({found})
    value = found.number
    if isinstance(value, complex):
        value = value.real
    return frozenset(scalar_constant(value, d) for d in ALL if _holds(d, value))


def _holds(dtype: DType, value: bool | int | float | complex) -> bool:
    if dtype.is_inexact:
        return True
    if isinstance(value, complex) or not math.isfinite(value) or value != int(value):
        return False
    if dtype is BOOL:
        return value in (0, 1)
    limits = np.iinfo(dtype.numpy)
    return limits.min <= value <= limits.max


def _kind(x: Tensor) -> DType:
    return x.type.dtype


def _shape(x: Tensor) -> Shape:
    return x.type.shape


def _fill(number: Tensor, like: Tensor, root: Tensor) -> Tensor:
    found = literal(number)
    assert found is not None
    return filled(found.number, like.dtype, root.type.shape)


def _spelled(pattern: Term, names: Mapping[Term, str], inside: bool = False) -> str:
    if pattern in names:
        return names[pattern]
    assert isinstance(pattern, Tensor)
    number = literal(pattern)
    if number is not None:
        value = number.number
        if number.dtype is BOOL:
            return str(value)
        return f"{value.real if value.imag == 0 else value:g}"
    parts = [a for a in pattern.args if isinstance(a, Tensor)]
    kind = type(pattern).__name__
    if kind in _SIGNS:
        text = f" {_SIGNS[kind]} ".join(_spelled(p, names, True) for p in parts)
        return f"({text})" if inside else text
    if kind == "Negative":
        return f"-{_spelled(parts[0], names, True)}"
    shown = [*(_spelled(p, names) for p in parts)]
    shown += [str(a) for a in pattern.args if not isinstance(a, Tensor)]
    return f"{op_name(pattern)}({', '.join(shown)})"


_NOTATION = _TensorNotation()


def identities(function: Callable[..., Pairs]) -> Identities:
    """Make rules of a function that returns pairs of equal expressions of its parameters."""
    return Identities(function, _NOTATION)


# -- conditions ---------------------------------------------------------------------------------


def constant(*parts: Tensor) -> Condition:
    """Ask for numbers, each the same at every index."""
    return Condition("constant", _all_literal, parts, lambda x: filled(3, x.dtype, x.type.shape))


def _all_literal(*parts: Tensor) -> bool:
    return all(literal(part) is not None for part in parts)


def positive(*parts: Tensor) -> Condition:
    """Ask for values whose sign bit is seen to be clear: never negative, never -0.0; NaN may be."""
    return Condition("positive", _all_positive, parts, _exp)


def _exp(x: Tensor) -> Tensor:
    return Exp(x)


def _all_positive(*parts: Tensor) -> bool:
    return all(is_positive(part) for part in parts)


_POSITIVE = (Exp, Exp2, Square, Absolute, Sigmoid, Softplus, Erfc, Softmax)


def is_positive(x: Tensor) -> bool:
    """Whether a float's sign bit is seen to be clear at every index (or the value is NaN)."""
    while isinstance(x, Movement | Reshape):
        x = x.operands[0]
    if isinstance(x, _POSITIVE):
        return x.dtype.is_float
    if isinstance(x, Constant) and x.dtype.is_float and len(x.data) <= 4096:
        return not bool(np.signbit(x.value).any())
    return False


__all__ = [
    "Bool",
    "Complex",
    "Float",
    "Inexact",
    "Integer",
    "Number",
    "Pairs",
    "Signed",
    "admitted",
    "constant",
    "fast",
    "identities",
    "is_positive",
    "positive",
    "stable",
]

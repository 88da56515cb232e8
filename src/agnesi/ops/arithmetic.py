"""Arithmetic, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import BOOL, FLOATS, INTEGERS
from agnesi.dims import dim, simplify
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.ops.choice import where
from agnesi.ops.families import ANY, IEEE, Domain, Elementwise, Op
from agnesi.ops.functions import binary, unary
from agnesi.ops.lift import as_tensor
from agnesi.ops.rounding import round as nearest

if TYPE_CHECKING:
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = [
    "abs",
    "absolute",
    "add",
    "clip",
    "copysign",
    "divide",
    "floor_divide",
    "fmod",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "positive",
    "remainder",
    "sign",
    "subtract",
]

NUMBERS = (*INTEGERS, *FLOATS)
_DIVISOR = Domain(special=IEEE, avoid=(0.0,))


class Add(Elementwise):
    """Sum of two arrays; logical or on bool."""

    x: Tensor
    y: Tensor

    public = "add"
    commutative = True
    reference = np.add
    size_rule = staticmethod(dim.add)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One addition."""
        x, y = operands
        return x | y if x.dtype is BOOL else x + y

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent for both."""
        return ct, ct


class Subtract(Elementwise):
    """Difference of two arrays."""

    x: Tensor
    y: Tensor

    public = "subtract"
    reference = np.subtract
    size_rule = staticmethod(dim.sub)
    dtypes = NUMBERS
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One subtraction."""
        return operands[0] - operands[1]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent and its negative."""
        return ct, -ct


class Multiply(Elementwise):
    """Product of two arrays, element by element; logical and on bool."""

    x: Tensor
    y: Tensor

    public = "multiply"
    commutative = True
    reference = np.multiply
    size_rule = staticmethod(dim.mul)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One multiplication."""
        x, y = operands
        return x & y if x.dtype is BOOL else x * y

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The product rule."""
        return ct * self.y, ct * self.x


class Divide(Elementwise):
    """Quotient of two arrays, in floating point; integers are divided as float64."""

    x: Tensor
    y: Tensor

    public = "divide"
    dtype_rule = "quotient"
    dtypes = FLOATS
    reference = np.divide
    domain = (ANY, _DIVISOR)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One division."""
        return operands[0] / operands[1]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The quotient rule."""
        return ct / self.y, -(ct * self / self.y)


def _with_positive_divisor(rule: Any) -> Any:
    def function(a: Size, b: Size) -> Size | None:
        return rule(a, b) if simplify.at_least(b, 1) else None

    return staticmethod(function)


class FloorDivide(Elementwise):
    """Quotient rounded down; an integer divided by 0 gives 0."""

    x: Tensor
    y: Tensor

    public = "floor_divide"
    reference = np.floor_divide
    size_rule = _with_positive_divisor(simplify.floordiv)
    dtypes = NUMBERS
    domain = (ANY, _DIVISOR)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """Integers at once; floats from the exact remainder, in NumPy's steps."""
        x, y = operands
        if not x.dtype.is_float:
            return apply(Prim.FLOORDIV, x, y)
        rest = apply(Prim.FMOD, x, y)
        inexact = (x - rest) / y
        inexact = select(_moves(rest, y), inexact - 1.0, inexact)
        down = apply(Prim.FLOOR, inexact)
        down = select((inexact - down) > 0.5, down + 1.0, down)
        whole = select(inexact.equals(0.0), apply(Prim.COPYSIGN, x.like(0.0), x / y), down)
        return select(y.equals(0.0), x / y, whole)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere."""
        return None, None


def _moves(rest: Scalar, y: Scalar) -> Scalar:
    """Whether C's remainder has the other sign than the divisor."""
    return rest.differs(0.0) & ((y < 0.0) ^ (rest < 0.0))


class Remainder(Elementwise):
    """Remainder with the sign of the divisor; an integer modulo 0 is 0."""

    x: Tensor
    y: Tensor

    public = "remainder"
    reference = np.remainder
    size_rule = _with_positive_divisor(simplify.mod)
    dtypes = NUMBERS
    domain = (ANY, Domain(0.5, 3, IEEE, avoid=(0.0,)))

    def scalar(self, *operands: Scalar) -> Scalar:
        """Integers at once; floats from C's remainder, in NumPy's steps."""
        x, y = operands
        if not x.dtype.is_float:
            return apply(Prim.MOD, x, y)
        rest = apply(Prim.FMOD, x, y)
        signed = select(rest.equals(0.0), apply(Prim.COPYSIGN, x.like(0.0), y), rest)
        return select(_moves(rest, y), rest + y, signed)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The quotient is flat, so ``x - y*floor(x/y)`` is linear in both."""
        return ct, -ct * floor_divide(self.x, self.y)


class Fmod(Elementwise):
    """C's remainder, with the sign of the dividend; an integer modulo 0 is 0."""

    x: Tensor
    y: Tensor

    public = "fmod"
    reference = np.fmod
    dtypes = NUMBERS
    domain = (ANY, Domain(0.5, 3, IEEE, avoid=(0.0,)))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive for floats; for integers, from the remainder with the divisor's sign."""
        x, y = operands
        if x.dtype.is_float:
            return apply(Prim.FMOD, x, y)
        rest = apply(Prim.MOD, x, y)
        if x.dtype.is_unsigned:
            return rest
        return select(rest.differs(0) & ((x < 0) ^ (y < 0)), rest - y, rest)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The quotient is flat, so ``x - y*trunc(x/y)`` is linear in both."""
        return ct, -ct * nearest((self.x - self) / self.y)


class Minimum(Elementwise):
    """The smaller of two, NaN if either is; logical and on bool.

    >>> ag.minimum(ag.constant([1.0, 5.0]), 3).eval()
    array([1., 3.], dtype=float32)
    """

    x: Tensor
    y: Tensor

    public = "minimum"
    commutative = True
    reference = np.minimum
    size_rule = staticmethod(simplify.minimum)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        x, y = operands
        return x & y if x.dtype is BOOL else apply(Prim.MIN, x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the smaller; shared equally where equal."""
        return _shared(ct, self.x < self.y, self.x > self.y)


class Maximum(Elementwise):
    """The larger of two, NaN if either is; logical or on bool."""

    x: Tensor
    y: Tensor

    public = "maximum"
    commutative = True
    reference = np.maximum
    size_rule = staticmethod(simplify.maximum)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        x, y = operands
        return x | y if x.dtype is BOOL else apply(Prim.MAX, x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the larger; shared equally where equal."""
        return _shared(ct, self.x > self.y, self.x < self.y)


def _shared(ct: Tensor, wins: Tensor, loses: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cotangents of a choice between two: half each where they are equal."""
    half = ct * 0.5
    return (
        where(wins, ct, where(loses, 0.0, half)),
        where(loses, ct, where(wins, 0.0, half)),
    )


class Negative(Elementwise):
    """``-x``; unsigned integers wrap."""

    x: Tensor

    public = "negative"
    reference = np.negative
    size_rule = staticmethod(dim.neg)
    dtypes = NUMBERS
    domain = (ANY,)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return -operands[0]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The negative."""
        return (-ct,)


class Absolute(Elementwise):
    """Absolute value; its derivative at 0 is taken as 0."""

    x: Tensor

    public = "absolute"
    reference = np.absolute
    domain = (Domain(special=IEEE, avoid=(0.0,)),)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive; what has no sign is itself."""
        (x,) = operands
        return apply(Prim.ABS, x) if x.dtype.is_signed or x.dtype.is_float else x

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The sign."""
        return (ct * sign(self.x),)


class Sign(Elementwise):
    """-1, 0 or 1; NaN stays NaN."""

    x: Tensor

    public = "sign"
    reference = np.sign
    dtypes = NUMBERS
    domain = (Domain(special=IEEE, avoid=(0.0,)),)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """Two comparisons."""
        (x,) = operands
        up = select(x > 0, x.like(1), 0)
        signed = up if x.dtype.is_unsigned else select(x < 0, x.like(-1), up)
        return select(x.equals(x), signed, x) if x.dtype.is_float else signed

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere."""
        return (None,)


class Copysign(Elementwise):
    """The absolute value of ``x`` with the sign of ``y``."""

    x: Tensor
    y: Tensor

    public = "copysign"
    dtype_rule = "floating"
    dtypes = FLOATS
    reference = np.copysign
    domain = (_DIVISOR, _DIVISOR)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(Prim.COPYSIGN, *operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """1 or -1 by whether the signs agree."""
        return ct * sign(self.x) * copysign(1.0, self.y), None


add = binary(Add)
subtract = binary(Subtract)
multiply = binary(Multiply)
divide = binary(Divide)
floor_divide = binary(FloorDivide)
remainder = binary(Remainder)
fmod = binary(Fmod)
minimum = binary(Minimum)
maximum = binary(Maximum)
negative = unary(Negative)
absolute = unary(Absolute)
sign = unary(Sign)
copysign = binary(Copysign)
abs = absolute
mod = remainder


def positive(x: TensorLike, /) -> Tensor:
    """Return the array itself, as ``+x``."""
    return as_tensor(x)


def clip(
    x: TensorLike,
    /,
    min: TensorLike | None = None,
    max: TensorLike | None = None,
) -> Tensor:
    """Limit values to an interval, as ``numpy.clip``.

    Args:
        x: array.
        min: least value; None for no limit.
        max: greatest value; None for no limit.

    >>> ag.clip(ag.constant([-1.0, 0.5, 2.0]), 0, 1).eval()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    result = as_tensor(x)
    if min is not None:
        result = maximum(result, min)
    return result if max is None else minimum(result, max)


OPS: tuple[type[Op], ...] = (
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Fmod,
    Minimum,
    Maximum,
    Negative,
    Absolute,
    Sign,
    Copysign,
)

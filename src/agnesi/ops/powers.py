"""Powers and roots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import FLOATS, INTEGERS
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import divide
from agnesi.ops.choice import where
from agnesi.ops.elementary import log
from agnesi.ops.families import ANY, IEEE, Domain, Elementwise, Floating, Op
from agnesi.ops.functions import binary, unary
from agnesi.ops.movement import uniform_value

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = ["cbrt", "pow", "power", "reciprocal", "sqrt", "square"]

_NUMBERS = (*INTEGERS, *FLOATS)


def _power(x: Array, y: Array) -> Array:
    """NumPy's power, also for negative powers of integers."""
    x, y = np.broadcast_arrays(x, y)
    if np.result_type(x, y).kind != "i":
        return np.power(x, y)
    positive = np.power(x, np.maximum(y, 0))
    odd = np.where(y % 2 == 0, 1, x)
    return np.where(y < 0, np.where(np.abs(x) == 1, odd, 0), positive).astype(positive.dtype)


class Power(Elementwise):
    """``x**y``; an integer to a negative power is 0, or ±1 for ±1 (NumPy raises an error)."""

    x: Tensor
    y: Tensor

    public = "power"
    expensive = True
    dtypes = _NUMBERS
    reference = staticmethod(_power)
    domain = (Domain(0.1, 3, IEEE), Domain(special=IEEE))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive for floats, repeated squaring for integers."""
        x, y = operands
        return apply(Prim.POW, x, y) if x.dtype.is_float else _integer_power(x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``y*x**(y-1)``, and ``x**y*log(x)`` where x is positive, else 0."""
        known = uniform_value(self.y)
        if known is not None:
            return (None if known == 0 else ct * known * power(self.x, known - 1)), None
        # 0**0 is constant in x, but 0 * 0**-1 would be NaN.
        less = where((self.x == 0) & (self.y == 0), 1, self.y - 1)
        return ct * self.y * power(self.x, less), ct * self * log(where(self.x > 0, self.x, 1))


def _integer_power(x: Scalar, y: Scalar) -> Scalar:
    result: Scalar = x.like(1)
    base, exponent = x, y
    for _ in range(x.dtype.bits - x.dtype.is_signed):
        result = select((exponent & 1).differs(0), result * base, result)
        base, exponent = base * base, exponent >> 1
    if not x.dtype.is_signed:
        return result
    # Of a negative exponent only the last bit counts.
    odd = select((y & 1).differs(0), x, 1)
    return select(y < 0, select(x.equals(1) | x.equals(-1), odd, 0), result)


class Square(Elementwise):
    """``x*x``."""

    x: Tensor

    public = "square"
    reference = np.square
    dtypes = _NUMBERS
    domain = (ANY,)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One multiplication."""
        return operands[0] * operands[0]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``2x``."""
        return (ct * self.x * 2,)


class Sqrt(Floating):
    """Square root."""

    public = "sqrt"
    prim = Prim.SQRT
    reference = np.sqrt
    domain = (Domain(0.05, 20, IEEE),)
    expensive = False

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (2*sqrt(x))``."""
        return (ct * 0.5 / self,)


class Cbrt(Floating):
    """Cube root."""

    public = "cbrt"
    prim = Prim.CBRT
    reference = np.cbrt
    domain = (Domain(-20, 20, IEEE, avoid=(0.0,)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (3*cbrt(x)**2)``."""
        return (ct / (square(self) * 3),)


power = binary(Power)
square = unary(Square)
sqrt = unary(Sqrt)
cbrt = unary(Cbrt)
pow = power


def reciprocal(x: TensorLike, /) -> Tensor:
    """Return ``1 / x``, in floating point.

    Note: integers give floats, where ``numpy.reciprocal`` truncates them to 0.

    >>> ag.reciprocal(ag.constant([4.0])).eval()
    array([0.25], dtype=float32)
    """
    return divide(1, x)


OPS: tuple[type[Op], ...] = (Power, Square, Sqrt, Cbrt)

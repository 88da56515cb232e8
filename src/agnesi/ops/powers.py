"""Powers and roots."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import F32, F64, FLOATS, INEXACT, INTEGERS, promote
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import divide
from agnesi.ops.choice import where
from agnesi.ops.elementary import log
from agnesi.ops.families import ANY, IEEE, Domain, Elementwise, Floating, Op
from agnesi.ops.functions import binary, unary
from agnesi.ops.lift import cast, common_dtype, lift_all
from agnesi.ops.movement import uniform_value

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = ["cbrt", "float_power", "hypot", "pow", "power", "reciprocal", "sqrt", "square"]

_SIDE = Domain(special=(*IEEE, 3.0, -4.0, 1e-30, 2e-30, 3e38, -2e38), avoid=(0.0,))
_NUMBERS = (*INTEGERS, *INEXACT)


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
        return apply(Prim.POW, x, y) if x.dtype.is_inexact else _integer_power(x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``y*x**(y-1)``, and ``x**y*log(x)`` where x is positive, else 0."""
        known = uniform_value(self.y)
        if known is not None:
            return (None if known == 0 else ct * known * power(self.x, known - 1)), None
        # 0**0 is constant in x, but 0 * 0**-1 would be NaN.
        less = where((self.x == 0) & (self.y == 0), 1, self.y - 1)
        # A complex number has a logarithm unless it is 0.
        has_log = self.x != 0 if self.x.dtype.is_complex else self.x > 0
        return ct * self.y * power(self.x, less), ct * self * log(where(has_log, self.x, 1))


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
    dtypes = INEXACT
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


class Hypot(Elementwise):
    """``sqrt(x**2 + y**2)`` without overflow; infinite if either is.  Its gradient at 0 is 0."""

    x: Tensor
    y: Tensor

    public = "hypot"
    dtype_rule = "floating"
    dtypes = FLOATS
    commutative = True
    reference = np.hypot
    domain = (_SIDE, _SIDE)

    def scalar(self, *operands: Scalar) -> Scalar:
        """In a wider float, or scaled by a power of two to where squares are normal numbers."""
        x, y = map(abs, operands)
        if x.dtype is F32:
            a, b = x.cast(F64), y.cast(F64)
            root = apply(Prim.SQRT, a * a + b * b).cast(F32)
        else:
            top = apply(Prim.MAX, x, y)
            large, small = top > 2.0**511, top < 2.0**-459
            scale = select(large, 2.0**-600, select(small, top.like(2.0**600), 1.0))
            back = select(large, 2.0**600, select(small, top.like(2.0**-600), 1.0))
            a, b = x * scale, y * scale
            root = apply(Prim.SQRT, apply(Prim.FMA, a, a, b * b)) * back
        return select(x.equals(inf) | y.equals(inf), inf, root)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``x / hypot(x, y)``."""
        scale = ct / where(self == 0, 1, self)
        return scale * self.x, scale * self.y


power = binary(Power)
hypot = binary(Hypot)
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


def float_power(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return ``x**y`` in float64 (or complex128) whatever the dtypes, as ``numpy.float_power``.

    >>> ag.float_power(ag.constant([2, 4]), -1).eval()
    array([0.5 , 0.25])
    """
    given = lift_all("float_power", (x, y))
    kind = promote(F64, common_dtype(given))
    return power(*(cast(value, kind) for value in given))


OPS: tuple[type[Op], ...] = (Power, Square, Sqrt, Cbrt, Hypot)

"""Trigonometric and hyperbolic functions and their inverses, in radians."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import FLOATS, INEXACT
from agnesi.graph.tensor import Tensor
from agnesi.loops.nodes import Scalar, apply
from agnesi.loops.prims import Prim
from agnesi.ops.choice import where
from agnesi.ops.families import IEEE, Domain, Elementwise, Floating, Op
from agnesi.ops.functions import as_float, binary, unary
from agnesi.ops.lift import lift
from agnesi.ops.powers import sqrt, square

if TYPE_CHECKING:
    from agnesi.graph.tensor import TensorLike

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]


class Sin(Floating):
    """Sine."""

    public = "sin"
    prim = Prim.SIN
    dtypes = INEXACT
    reference = np.sin
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``cos(x)``."""
        return (ct * cos(self.x),)


class Cos(Floating):
    """Cosine."""

    public = "cos"
    prim = Prim.COS
    dtypes = INEXACT
    reference = np.cos
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-sin(x)``."""
        return (-ct * sin(self.x),)


class Tan(Floating):
    """Tangent."""

    public = "tan"
    prim = Prim.TAN
    dtypes = INEXACT
    reference = np.tan
    domain = (Domain(-1.4, 1.4, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 + tan(x)**2``."""
        return (ct * (square(self) + 1),)


class Arcsin(Floating):
    """Inverse sine."""

    public = "arcsin"
    prim = Prim.ASIN
    dtypes = INEXACT
    reference = np.arcsin
    domain = (Domain(-0.95, 0.95, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / sqrt(1 - x**2)``."""
        return (ct / sqrt(1 - square(self.x)),)


class Arccos(Floating):
    """Inverse cosine."""

    public = "arccos"
    prim = Prim.ACOS
    dtypes = INEXACT
    reference = np.arccos
    domain = (Domain(-0.95, 0.95, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-1 / sqrt(1 - x**2)``."""
        return (-ct / sqrt(1 - square(self.x)),)


class Arctan(Floating):
    """Inverse tangent."""

    public = "arctan"
    prim = Prim.ATAN
    dtypes = INEXACT
    reference = np.arctan
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (1 + x**2)``."""
        return (ct / (square(self.x) + 1),)


class Arctan2(Elementwise):
    """Angle of the point ``(y, x)``, with the sign of ``y``."""

    y: Tensor
    x: Tensor

    public = "arctan2"
    dtype_rule = "floating"
    dtypes = FLOATS
    expensive = True
    reference = np.arctan2
    domain = (Domain(special=IEEE, avoid=(0.0,)), Domain(special=IEEE, avoid=(0.0,)))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(Prim.ATAN2, *operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of the angle."""
        scale = ct / (square(self.x) + square(self.y))
        return scale * self.x, -scale * self.y


class Sinh(Floating):
    """Hyperbolic sine."""

    public = "sinh"
    prim = Prim.SINH
    dtypes = INEXACT
    reference = np.sinh
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``cosh(x)``."""
        return (ct * cosh(self.x),)


class Cosh(Floating):
    """Hyperbolic cosine."""

    public = "cosh"
    prim = Prim.COSH
    dtypes = INEXACT
    reference = np.cosh
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``sinh(x)``."""
        return (ct * sinh(self.x),)


class Tanh(Floating):
    """Hyperbolic tangent."""

    public = "tanh"
    prim = Prim.TANH
    dtypes = INEXACT
    reference = np.tanh
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 - tanh(x)**2``."""
        return (ct * (1 - square(self)),)


class Arcsinh(Floating):
    """Inverse hyperbolic sine."""

    public = "arcsinh"
    prim = Prim.ASINH
    dtypes = INEXACT
    reference = np.arcsinh
    domain = (Domain(-10, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / sqrt(x**2 + 1)``."""
        return (ct / sqrt(square(self.x) + 1),)


class Arccosh(Floating):
    """Inverse hyperbolic cosine."""

    public = "arccosh"
    prim = Prim.ACOSH
    dtypes = INEXACT
    reference = np.arccosh
    domain = (Domain(1.05, 10, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / sqrt(x**2 - 1)``."""
        return (ct / sqrt(square(self.x) - 1),)


class Arctanh(Floating):
    """Inverse hyperbolic tangent."""

    public = "arctanh"
    prim = Prim.ATANH
    dtypes = INEXACT
    reference = np.arctanh
    domain = (Domain(-0.95, 0.95, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (1 - x**2)``."""
        return (ct / (1 - square(self.x)),)


sin = unary(Sin)
cos = unary(Cos)
tan = unary(Tan)
arcsin = unary(Arcsin)
arccos = unary(Arccos)
arctan = unary(Arctan)
arctan2 = binary(Arctan2)
sinh = unary(Sinh)
cosh = unary(Cosh)
tanh = unary(Tanh)
arcsinh = unary(Arcsinh)
arccosh = unary(Arccosh)
arctanh = unary(Arctanh)
acos, asin, atan, atan2 = arccos, arcsin, arctan, arctan2
acosh, asinh, atanh = arccosh, arcsinh, arctanh


def sinc(x: TensorLike, /) -> Tensor:
    """Return ``sin(pi*x) / (pi*x)``, 1 at 0, as ``numpy.sinc``; all derivatives hold there too.

    >>> ag.sinc(ag.constant([0.0, 0.5])).eval()
    array([1. , 0.63661975], dtype=float32)
    """
    lifted = lift(x)
    # Integers are multiplied by pi first, which is not the dtype of their sine.
    whole = isinstance(lifted, Tensor) and not lifted.dtype.is_inexact
    number = as_float(lifted * 1.0 if whole else lifted)
    near = abs(number) < 0.25
    # Each arm is given what it is good for, so that the other has no NaN in its derivative.
    far = where(near, 1, number) * math.pi
    return where(near, _even_series(where(near, number, 0) * math.pi), sin(far) / far)


def _even_series(x: Tensor) -> Tensor:
    """Return the power series of ``sin(x) / x``, exact to f64 and its derivatives below 0.8."""
    z = square(x)
    total = z / math.factorial(23)
    for k in reversed(range(1, 11)):
        total = (total * -1 + 1 / math.factorial(2 * k + 1)) * z
    return 1 - total


OPS: tuple[type[Op], ...] = (
    Sin,
    Cos,
    Tan,
    Arcsin,
    Arccos,
    Arctan,
    Arctan2,
    Sinh,
    Cosh,
    Tanh,
    Arcsinh,
    Arccosh,
    Arctanh,
)

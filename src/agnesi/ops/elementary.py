"""Exponentials and logarithms, and what is made of them: each one scalar primitive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from agnesi.loops.prims import Prim
from agnesi.ops.choice import where
from agnesi.ops.families import IEEE, Domain, Floating, Op
from agnesi.ops.functions import unary
from agnesi.ops.lift import as_tensor

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = [
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "relu",
    "sigmoid",
    "softplus",
]


def _sigmoid(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0)


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _erfc(x: Array) -> Array:
    return np.vectorize(math.erfc, otypes=[np.float64])(x)


class Exp(Floating):
    """Exponential, ``e**x``."""

    public = "exp"
    prim = Prim.EXP
    reference = np.exp
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``exp(x)``."""
        return (ct * self,)


class Exp2(Floating):
    """``2**x``."""

    public = "exp2"
    prim = Prim.EXP2
    reference = np.exp2
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``2**x * log(2)``."""
        return (ct * self * math.log(2),)


class Expm1(Floating):
    """``e**x - 1``, accurate near 0."""

    public = "expm1"
    prim = Prim.EXPM1
    reference = np.expm1
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``exp(x)``."""
        return (ct * (self + 1),)


class Log(Floating):
    """Natural logarithm."""

    public = "log"
    prim = Prim.LOG
    reference = np.log
    domain = (Domain(0.05, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / x``."""
        return (ct / self.x,)


class Log2(Floating):
    """Logarithm to base 2."""

    public = "log2"
    prim = Prim.LOG2
    reference = np.log2
    domain = (Domain(0.05, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (x*log(2))``."""
        return (ct / (self.x * math.log(2)),)


class Log10(Floating):
    """Logarithm to base 10."""

    public = "log10"
    prim = Prim.LOG10
    reference = np.log10
    domain = (Domain(0.05, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (x*log(10))``."""
        return (ct / (self.x * math.log(10)),)


class Log1p(Floating):
    """``log(1 + x)``, accurate near 0."""

    public = "log1p"
    prim = Prim.LOG1P
    reference = np.log1p
    domain = (Domain(-0.9, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (1 + x)``."""
        return (ct / (self.x + 1),)


class Sigmoid(Floating):
    """Logistic function, ``1 / (1 + exp(-x))``, without overflow."""

    public = "sigmoid"
    prim = Prim.SIGMOID
    reference = staticmethod(_sigmoid)
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``s(x) * s(-x)``."""
        return (ct * self * sigmoid(-self.x),)


class Softplus(Floating):
    """``log(1 + exp(x))``, without overflow."""

    public = "softplus"
    prim = Prim.SOFTPLUS
    reference = staticmethod(_softplus)
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The logistic function."""
        return (ct * sigmoid(self.x),)


class Erf(Floating):
    """Error function."""

    public = "erf"
    prim = Prim.ERF
    reference = staticmethod(_erf)
    domain = (Domain(-4, 4, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``2/sqrt(pi) * exp(-x**2)``."""
        return (ct * exp(-(self.x * self.x)) * (2 / math.sqrt(math.pi)),)


class Erfc(Floating):
    """Complementary error function, ``1 - erf(x)``, accurate for large x."""

    public = "erfc"
    prim = Prim.ERFC
    reference = staticmethod(_erfc)
    domain = (Domain(-4, 4, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-2/sqrt(pi) * exp(-x**2)``."""
        return (-ct * exp(-(self.x * self.x)) * (2 / math.sqrt(math.pi)),)


exp = unary(Exp)
exp2 = unary(Exp2)
expm1 = unary(Expm1)
log = unary(Log)
log2 = unary(Log2)
log10 = unary(Log10)
log1p = unary(Log1p)
sigmoid = unary(Sigmoid)
softplus = unary(Softplus)
erf = unary(Erf)
erfc = unary(Erfc)


def relu(x: TensorLike, /) -> Tensor:
    """Rectifier, ``max(x, 0)``; its derivative at 0 is taken as 0.

    >>> ag.relu(ag.constant([-1.0, 2.0])).eval()
    array([0., 2.], dtype=float32)
    """
    tensor = as_tensor(x)
    return where(tensor <= 0, 0, tensor)


OPS: tuple[type[Op], ...] = (
    Exp,
    Exp2,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sigmoid,
    Softplus,
    Erf,
    Erfc,
)

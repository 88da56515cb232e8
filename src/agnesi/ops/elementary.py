"""Exponentials and logarithms, and what is made of them: each one scalar primitive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from agnesi.core.dtypes import BOOL, FLOATS, INEXACT, REALS
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.ops.choice import where
from agnesi.ops.comparison import isnan
from agnesi.ops.families import IEEE, Domain, Elementwise, Floating, Op
from agnesi.ops.functions import as_float, binary, unary
from agnesi.ops.lift import as_tensor, is_number

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = [
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "logaddexp",
    "logaddexp2",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "swish",
    "ultra_fast_sigmoid",
]


def _relu(x: Array) -> Array:
    return np.where(x <= 0, np.zeros((), x.dtype), x)


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
    dtypes = INEXACT
    reference = np.exp
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``exp(x)``."""
        return (ct * self,)


class Exp2(Floating):
    """``2**x``."""

    public = "exp2"
    prim = Prim.EXP2
    dtypes = INEXACT
    reference = np.exp2
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``2**x * log(2)``."""
        return (ct * self * math.log(2),)


class Expm1(Floating):
    """``e**x - 1``, accurate near 0."""

    public = "expm1"
    prim = Prim.EXPM1
    dtypes = INEXACT
    reference = np.expm1
    domain = (Domain(-20, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``exp(x)``."""
        return (ct * (self + 1),)


class Log(Floating):
    """Natural logarithm."""

    public = "log"
    prim = Prim.LOG
    dtypes = INEXACT
    reference = np.log
    domain = (Domain(0.05, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / x``."""
        return (ct / self.x,)


class Log2(Floating):
    """Logarithm to base 2."""

    public = "log2"
    prim = Prim.LOG2
    dtypes = INEXACT
    reference = np.log2
    domain = (Domain(0.05, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (x*log(2))``."""
        return (ct / (self.x * math.log(2)),)


class Log10(Floating):
    """Logarithm to base 10."""

    public = "log10"
    prim = Prim.LOG10
    dtypes = INEXACT
    reference = np.log10
    domain = (Domain(0.05, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (x*log(10))``."""
        return (ct / (self.x * math.log(10)),)


class Log1p(Floating):
    """``log(1 + x)``, accurate near 0."""

    public = "log1p"
    prim = Prim.LOG1P
    dtypes = INEXACT
    reference = np.log1p
    domain = (Domain(-0.9, 20, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (1 + x)``."""
        return (ct / (self.x + 1),)


class Sigmoid(Floating):
    """Logistic function, ``1 / (1 + exp(-x))``, without overflow."""

    public = "sigmoid"
    prim = Prim.SIGMOID
    dtypes = INEXACT
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


# Where the two cancel, the digits of the result are those of the larger one.
_TERM = Domain(0, 20, (*IEEE, -20.0, 700.0))


class Logaddexp(Elementwise):
    """``log(exp(x) + exp(y))``, without overflow."""

    x: Tensor
    y: Tensor

    public = "logaddexp"
    dtype_rule = "floating"
    dtypes = FLOATS
    commutative = True
    expensive = True
    reference = np.logaddexp
    domain = (_TERM, _TERM)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The larger, and what the other adds; equal infinities have no difference."""
        x, y = operands
        total = apply(Prim.MAX, x, y) + apply(Prim.SOFTPLUS, -abs(x - y))
        return select(x.equals(y), x + math.log(2), total)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The share of each exponential."""
        difference = _difference(self.x, self.y)
        return ct * sigmoid(difference), ct * sigmoid(-difference)


class Logaddexp2(Elementwise):
    """``log2(2**x + 2**y)``, without overflow."""

    x: Tensor
    y: Tensor

    public = "logaddexp2"
    dtype_rule = "floating"
    dtypes = FLOATS
    commutative = True
    expensive = True
    reference = np.logaddexp2
    domain = (_TERM, _TERM)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The larger, and what the other adds; equal infinities have no difference."""
        x, y = operands
        added = apply(Prim.LOG1P, apply(Prim.EXP2, -abs(x - y))) * (1 / math.log(2))
        return select(x.equals(y), x + 1.0, apply(Prim.MAX, x, y) + added)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The share of each power."""
        difference = _difference(self.x, self.y) * math.log(2)
        return ct * sigmoid(difference), ct * sigmoid(-difference)


def _difference(x: Tensor, y: Tensor) -> Tensor:
    """Return ``x - y``, 0 for equal infinities."""
    difference = x - y
    return where((x == y) & isnan(difference), 0.0, difference)


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
logaddexp = binary(Logaddexp)
logaddexp2 = binary(Logaddexp2)


class Relu(Elementwise):
    """Rectifier, ``max(x, 0)``; its derivative at 0 is 0."""

    x: Tensor

    public = "relu"
    dtypes = tuple(d for d in REALS if d is not BOOL)
    reference = staticmethod(_relu)
    domain = (Domain(special=IEEE, avoid=(0.0,)),)

    def scalar(self, *operands: Scalar) -> Scalar:
        """A comparison; NaN stays NaN."""
        (x,) = operands
        return select(x <= 0, x.like(0), x)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Where the result is not 0, so that ``x`` need not be kept."""
        return (where(self <= 0, 0, ct),)


rectified = unary(Relu)


def relu(x: TensorLike, /, alpha: TensorLike = 0) -> Tensor:
    """Rectifier, ``max(x, 0)``; with ``alpha`` it is ``alpha*x`` below 0.

    Its derivative at 0 is taken as ``alpha``.

    Args:
        x: array.
        alpha: slope below 0, a number or an array that broadcasts with ``x``.

    >>> ag.relu(ag.constant([-1.0, 2.0])).eval()
    array([0., 2.], dtype=float32)
    """
    if is_number(alpha) and alpha == 0:
        return rectified(x)
    tensor = as_tensor(x)
    return where(tensor <= 0, tensor * alpha, tensor)


def leaky_relu(x: TensorLike, /, alpha: TensorLike = 0.01) -> Tensor:
    """Rectifier with a slope below 0, ``x`` or ``alpha*x``."""
    return relu(x, alpha)


def elu(x: TensorLike, /, alpha: TensorLike = 1.0) -> Tensor:
    """Exponential linear unit: ``x``, below 0 ``alpha * (exp(x) - 1)``.

    >>> ag.elu(ag.constant([-1.0, 2.0])).eval()
    array([-0.63212055, 2. ], dtype=float32)
    """
    number = as_float(x)
    # The arm that is not taken must not overflow, or its derivative times 0 would be NaN.
    return where(number > 0, number, alpha * expm1(where(number > 0, 0, number)))


def selu(x: TensorLike, /) -> Tensor:
    """Self-normalising exponential linear unit (Klambauer et al., 2017)."""
    return elu(x, _SELU_ALPHA) * _SELU_SCALE


_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def softsign(x: TensorLike, /) -> Tensor:
    """``x / (1 + abs(x))``."""
    number = as_float(x)
    return number / (1 + abs(number))


def silu(x: TensorLike, /) -> Tensor:
    """``x * sigmoid(x)``, also called swish.

    >>> ag.silu(ag.constant([0.0, 1.0])).eval()
    array([0. , 0.7310586], dtype=float32)
    """
    number = as_float(x)
    return number * sigmoid(number)


swish = silu


def gelu(x: TensorLike, /, approximate: bool = False) -> Tensor:
    """Gaussian error linear unit, ``x`` times the normal distribution function of ``x``.

    Args:
        x: array.
        approximate: use ``0.5*x*(1 + tanh(sqrt(2/pi) * (x + 0.044715*x**3)))``.

    >>> ag.gelu(ag.constant([0.0, 1.0])).eval()
    array([0. , 0.8413447], dtype=float32)
    """
    number = as_float(x)
    if approximate:
        inner = number * (1 + 0.044715 * number * number) * math.sqrt(2 / math.pi)
        # 1 + tanh(z) is 2*sigmoid(2z), which keeps its digits where z is negative.
        return number * sigmoid(2 * inner)
    return number * erfc(number * -math.sqrt(0.5)) * 0.5


def log_sigmoid(x: TensorLike, /) -> Tensor:
    """``log(sigmoid(x))``, without overflow."""
    return -softplus(-as_float(x))


def hard_sigmoid(x: TensorLike, /, slope: float = 0.2) -> Tensor:
    """``slope*x + 0.5`` within 0 and 1; flat beyond.

    Args:
        x: array.
        slope: 0.2 is that of Theano and Keras 2, 1/6 that of PyTorch, JAX and Keras 3.

    >>> ag.hard_sigmoid(ag.constant([-3.0, 1.0])).eval()
    array([0. , 0.7], dtype=float32)
    """
    line = as_float(x) * slope + 0.5
    return where(line <= 0, 0, where(line >= 1, 1, line))


def ultra_fast_sigmoid(x: TensorLike, /) -> Tensor:
    """The logistic function by three pieces of a hyperbola and lines, as Theano has it.

    It is up to 0.025 off, and its slope has steps.  :func:`agnesi.sigmoid` is as fast here.
    """
    number = as_float(x)
    half = abs(number) * 0.5
    bend = 1.5 * half / (1 + half)
    line = 0.935409070603099 + 0.0458812946797165 * (half - 1.7)
    shape = where(half < 1.7, bend, where(half < 3, line, 0.99505475368673))
    return 0.5 * (where(number >= 0, shape, -shape) + 1)


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
    Logaddexp,
    Logaddexp2,
    Relu,
)

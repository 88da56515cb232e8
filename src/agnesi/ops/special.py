"""Special functions: the families of gamma, of the error function, and of Bessel.

All are computed natively: see ``loops/special``, and ``docs/math-accuracy.md`` for their errors.
Users find them in ``ag.special``.  What they are held against is SciPy, which is needed for
nothing else.
"""

from __future__ import annotations

import importlib
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agnesi.core.dtypes import FLOATS, I32
from agnesi.core.errors import CallError
from agnesi.loops.nodes import Scalar, apply, select
from agnesi.loops.prims import Prim
from agnesi.loops.special import bessel, incomplete, logistic, normal
from agnesi.loops.special import gamma as gammas
from agnesi.ops.arithmetic import absolute, multiply, sign
from agnesi.ops.choice import where
from agnesi.ops.elementary import exp, log, log1p, softplus
from agnesi.ops.families import ANY, IEEE, Domain, Elementwise, Op
from agnesi.ops.functions import binary, prepare, unary
from agnesi.ops.lift import as_tensor
from agnesi.ops.powers import power

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Array, Sizes, Tensor, TensorLike
    from agnesi.loops.procedures import Routine

__all__ = ["i0"]

_ROOT_PI = math.sqrt(math.pi)
_ROOT_2PI = math.sqrt(2 * math.pi)


def _scipy(name: str) -> Callable[..., Array]:
    """Return SciPy's function of that name, in float64."""

    def reference(*operands: Array) -> Array:
        function = getattr(importlib.import_module("scipy.special"), name)
        return np.asarray(function(*(np.asarray(o, np.float64) for o in operands)))

    return reference


def _with_limit(name: str, limit: Callable[[Array], Array]) -> Callable[..., Array]:
    """Return SciPy's function of that name, with its limits where SciPy has none."""
    function = _scipy(name)

    def reference(x: Array) -> Array:
        return np.where(np.isinf(x), limit(x), function(x))

    return reference


class Special(Elementwise):
    """A function that a routine computes; integers are converted.

    Attributes:
        routine: the native code.
    """

    dtype_rule = "floating"
    dtypes = FLOATS
    expensive = True
    tolerance = 8.0
    routine: ClassVar[Routine]

    def scalar(self, *operands: Scalar) -> Scalar:
        """A call of the routine."""
        return type(self).routine(*operands)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Call SciPy."""
        try:
            return super().numpy(operands, sizes)
        except ModuleNotFoundError as missing:
            raise CallError(
                f"{self.public}: only SciPy computes it without native code, "
                "and SciPy is not installed; pip install scipy"
            ) from missing


# -- the error function and the normal distribution ---------------------------------------------


# An odd function of -0.0 is -0.0 here; in SciPy, not always.
_NO_MINUS_0 = tuple(value for value in IEEE if math.copysign(1, value) > 0 or value)


class Erfinv(Special):
    """Inverse of the error function."""

    x: Tensor

    public = "erfinv"
    routine = normal.erfinv
    reference = staticmethod(_scipy("erfinv"))
    domain = (Domain(-0.95, 0.95, _NO_MINUS_0),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``sqrt(pi)/2 * exp(y**2)``."""
        return (ct * exp(self * self) * (_ROOT_PI / 2),)


def _erfcinv(x: Array) -> Array:
    # Of 1, 0 and not -0.
    return _scipy("erfcinv")(x) + 0.0


class Erfcinv(Special):
    """Inverse of the complementary error function."""

    x: Tensor

    public = "erfcinv"
    routine = normal.erfcinv
    reference = staticmethod(_erfcinv)
    domain = (Domain(0.05, 1.95, (*IEEE, 2.0, 1e-30)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-sqrt(pi)/2 * exp(y**2)``."""
        return (ct * exp(self * self) * (-_ROOT_PI / 2),)


class Erfcx(Special):
    """Scaled complementary error function, ``exp(x**2) * erfc(x)``, for where ``erfc`` fades."""

    x: Tensor

    public = "erfcx"
    routine = normal.erfcx
    reference = staticmethod(_scipy("erfcx"))
    domain = (Domain(-3, 30, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``2*x*erfcx(x) - 2/sqrt(pi)``."""
        return (ct * (2 * self.x * self - 2 / _ROOT_PI),)


class Ndtr(Special):
    """Distribution function of the standard normal distribution."""

    x: Tensor

    public = "ndtr"
    routine = normal.ndtr
    reference = staticmethod(_scipy("ndtr"))
    domain = (Domain(-4, 4, IEEE),)
    tolerance = 24.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The density."""
        return (ct * exp(self.x * self.x * -0.5) * (1 / _ROOT_2PI),)


class LogNdtr(Special):
    """Logarithm of the distribution function of the standard normal distribution."""

    x: Tensor

    public = "log_ndtr"
    routine = normal.log_ndtr
    reference = staticmethod(_scipy("log_ndtr"))
    domain = (Domain(-30, 5, IEEE),)
    tolerance = 16.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The density over the distribution function."""
        return (ct * math.sqrt(2 / math.pi) / erfcx(self.x * -math.sqrt(0.5)),)


class Ndtri(Special):
    """Quantile of the standard normal distribution, the inverse of ``ndtr``."""

    x: Tensor

    public = "ndtri"
    routine = normal.ndtri
    reference = staticmethod(_scipy("ndtri"))
    domain = (Domain(0.02, 0.98, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """1 over the density."""
        return (ct * exp(self * self * 0.5) * _ROOT_2PI,)


# -- gamma ---------------------------------------------------------------------------------------


class Gamma(Special):
    """Gamma function: ``(x-1)!`` of an integer."""

    x: Tensor

    public = "gamma"
    routine = gammas.gamma
    reference = staticmethod(_scipy("gamma"))
    domain = (Domain(0.3, 6, (*IEEE, 0.5, 30.0, -1.5, -2.5)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``gamma(x) * digamma(x)``."""
        return (ct * self * digamma(self.x),)


class LogGamma(Special):
    """Logarithm of the absolute value of the gamma function."""

    x: Tensor

    public = "gammaln"
    routine = gammas.lgamma
    reference = staticmethod(_with_limit("gammaln", np.abs))
    domain = (Domain(0.3, 20, (*IEEE, 2.0, 1e10, -1.5)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``digamma(x)``."""
        return (ct * digamma(self.x),)


class Digamma(Special):
    """Derivative of the logarithm of the gamma function."""

    x: Tensor

    public = "digamma"
    routine = gammas.digamma
    reference = staticmethod(_scipy("digamma"))
    domain = (Domain(0.3, 20, (*IEEE, 2.0, 1e10, -1.25)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``trigamma(x)``."""
        return (ct * trigamma(self.x),)


def _trigamma(x: Array) -> Array:
    return _scipy("polygamma")(np.ones_like(x), x)


class Trigamma(Special):
    """Second derivative of the logarithm of the gamma function."""

    x: Tensor

    public = "trigamma"
    routine = gammas.trigamma
    reference = staticmethod(_trigamma)
    domain = (Domain(0.3, 20, (0.0, 1.0, 2.0, math.inf, math.nan)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``polygamma(2, x)``."""
        return (ct * polygamma(2, self.x),)


_BY_ORDER = MappingProxyType({"n": "it is defined for integer orders only"})


class Polygamma(Special):
    """Derivative of order n, an integer, of ``digamma``; NaN for other orders."""

    n: Tensor
    x: Tensor

    public = "polygamma"
    routine = gammas.polygamma
    reference = staticmethod(_scipy("polygamma"))
    domain = (Domain(0, 6, (0.0, 1.0, 2.0), dtypes=(I32,)), Domain(0.3, 20, (1.0, 2.0, math.inf)))
    undefined = _BY_ORDER

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The next order."""
        return None, ct * polygamma(self.n + 1, self.x)


class Zeta(Special):
    """Zeta function of Hurwitz: the sum of ``(q + k)**-s`` over ``k = 0, 1, 2, ...``, for s > 1."""

    s: Tensor
    q: Tensor

    public = "zeta"
    routine = gammas.zeta
    reference = staticmethod(_scipy("zeta"))
    domain = (Domain(1.2, 6, (2.0, 3.0, 0.5)), Domain(0.3, 20, (1.0, 0.5, -2.0, -0.0)))
    undefined = MappingProxyType({"s": "agnesi has no derivative of zeta by its exponent"})

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-s * zeta(s+1, q)``."""
        return None, ct * -self.s * zeta(self.s + 1, self.q)


class Beta(Special):
    """Beta function, ``gamma(a) * gamma(b) / gamma(a + b)``."""

    a: Tensor
    b: Tensor

    public = "beta"
    routine = gammas.beta
    commutative = True
    reference = staticmethod(_scipy("beta"))
    domain = (Domain(0.3, 6, (1.0, 0.5, 30.0)), Domain(0.3, 6, (1.0, 0.5, 20.0)))
    tolerance = 32.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``beta * (digamma(a) - digamma(a + b))``, and with b."""
        both = digamma(self.a + self.b)
        return tuple(ct * self * (digamma(x) - both) for x in (self.a, self.b))


class LogBeta(Special):
    """Logarithm of the absolute value of the beta function."""

    a: Tensor
    b: Tensor

    public = "betaln"
    routine = gammas.betaln
    commutative = True
    reference = staticmethod(_scipy("betaln"))
    # Away from where the logarithm is 0.
    domain = (Domain(2, 6, (2.0, 0.5, 30.0)), Domain(1.5, 6, (2.0, 0.25, 20.0)))
    tolerance = 64.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``digamma(a) - digamma(a + b)``, and with b."""
        both = digamma(self.a + self.b)
        return tuple(ct * (digamma(x) - both) for x in (self.a, self.b))


class BetaInc(Special):
    """Regularised incomplete beta function, the distribution function of the beta distribution."""

    a: Tensor
    b: Tensor
    x: Tensor

    public = "betainc"
    routine = incomplete.betainc
    reference = staticmethod(_scipy("betainc"))
    domain = (
        Domain(0.3, 6, (1.0, 0.5, 30.0)),
        Domain(0.3, 6, (1.0, 0.5, 20.0)),
        Domain(0.05, 0.95, (0.0, 1.0, 0.5)),
    )
    undefined = MappingProxyType(
        dict.fromkeys("ab", "agnesi has no derivative of betainc by its parameters")
    )
    tolerance = 64.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The density."""
        a, b, x = self.a, self.b, self.x
        density = power(x, a - 1) * power(1 - x, b - 1) / beta(a, b)
        return None, None, ct * density


def _density(a: Tensor, x: Tensor) -> Tensor:
    """Return the density of the gamma distribution."""
    return exp((a - 1) * log(x) - x - gammaln(a))


_INCOMPLETE = (
    Domain(0.3, 9, (0.0, 0.5, 1.0, 40.0, math.inf)),
    Domain(0.3, 12, (0.0, 0.25, 1.0, 35.0, math.inf)),
)


class GammaInc(Special):
    """Regularised lower incomplete gamma function: the integral of the gamma distribution up to x.

    Its derivatives by a are exact series; by a it can be differentiated once.
    """

    a: Tensor
    x: Tensor

    public = "gammainc"
    routine = incomplete.gammainc
    reference = staticmethod(_scipy("gammainc"))
    domain = _INCOMPLETE
    tolerance = 300.0  # SciPy's error
    orders = 1

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """By a another series; the density."""
        return ct * gammainc_slope(self.a, self.x), ct * _density(self.a, self.x)


class GammaIncC(Special):
    """Regularised upper incomplete gamma function, ``1 - gammainc(a, x)`` without loss."""

    a: Tensor
    x: Tensor

    public = "gammaincc"
    routine = incomplete.gammaincc
    reference = staticmethod(_scipy("gammaincc"))
    domain = _INCOMPLETE
    tolerance = 300.0  # SciPy's error
    orders = 1

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """What ``gammainc`` has, negative."""
        return -ct * gammainc_slope(self.a, self.x), -ct * _density(self.a, self.x)


def _slope(a: Array, x: Array) -> Array:
    """Return the derivative of SciPy's gammainc by a, by differences: good to 1e-9."""
    function, a, x = _scipy("gammainc"), np.asarray(a, np.float64), np.asarray(x, np.float64)

    def slope(step: Array) -> Array:
        return (function(a + step, x) - function(a - step, x)) / (2 * step)

    step = 1e-3 * np.maximum(a, 1e-2)
    thirds = [slope(step / 2**k) for k in range(3)]
    once = [(4 * thirds[k + 1] - thirds[k]) / 3 for k in range(2)]
    return (16 * once[1] - once[0]) / 15


class GammaIncSlope(Special):
    """Derivative of ``gammainc(a, x)`` by a."""

    a: Tensor
    x: Tensor

    public = "gammainc_slope"
    routine = incomplete.gammainc_slope
    reference = staticmethod(_slope)
    domain = (Domain(0.5, 9), Domain(0.5, 12))
    undefined = MappingProxyType({"a": "gammainc can be differentiated by a only once"})
    tolerance = 1e9  # of the differences

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The derivative of the density."""
        return None, ct * _density(self.a, self.x) * (log(self.x) - digamma(self.a))


# -- Bessel --------------------------------------------------------------------------------------


def _over_x(value: Tensor, x: Tensor) -> Tensor:
    """Return ``value / x``, and 1/2 at 0, of a Bessel function of order 1."""
    return where(x == 0, 0.5, value / where(x == 0, 1, x))


_WAVES = (0.0, -0.0, 1.0, 30.0, math.inf, math.nan)


class BesselJ0(Special):
    """Bessel function of the first kind of order 0."""

    x: Tensor

    public = "j0"
    routine = bessel.j0
    reference = staticmethod(_with_limit("j0", np.zeros_like))
    domain = (Domain(-2, 12, _WAVES),)
    tolerance = 400.0  # near its zeros

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-j1(x)``."""
        return (-ct * j1(self.x),)


class BesselJ1(Special):
    """Bessel function of the first kind of order 1."""

    x: Tensor

    public = "j1"
    routine = bessel.j1
    reference = staticmethod(_with_limit("j1", np.zeros_like))
    domain = (Domain(-2, 12, _WAVES),)
    tolerance = 400.0  # near its zeros

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``j0(x) - j1(x)/x``."""
        return (ct * (j0(self.x) - _over_x(self, self.x)),)


_GROWING = (*IEEE, 30.0, 1000.0, -1000.0)


class BesselI0(Special):
    """Modified Bessel function of the first kind of order 0."""

    x: Tensor

    public = "i0"
    routine = bessel.i0
    reference = staticmethod(_with_limit("i0", np.abs))
    domain = (Domain(-4, 12, _GROWING),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``i1(x)``."""
        return (ct * i1(self.x),)


class BesselI1(Special):
    """Modified Bessel function of the first kind of order 1."""

    x: Tensor

    public = "i1"
    routine = bessel.i1
    reference = staticmethod(_with_limit("i1", np.positive))
    domain = (Domain(-4, 12, (*_NO_MINUS_0, 30.0, 1000.0, -1000.0)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``i0(x) - i1(x)/x``."""
        return (ct * (i0(self.x) - _over_x(self, self.x)),)


class BesselI0E(Special):
    """Modified Bessel function of order 0, times ``exp(-abs(x))``."""

    x: Tensor

    public = "i0e"
    routine = bessel.i0e
    reference = staticmethod(_scipy("i0e"))
    domain = (Domain(-4, 12, (*IEEE, 30.0), avoid=(0.0,)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``i1e(x) - sign(x)*i0e(x)``."""
        return (ct * (i1e(self.x) - sign(self.x) * self),)


class BesselI1E(Special):
    """Modified Bessel function of order 1, times ``exp(-abs(x))``."""

    x: Tensor

    public = "i1e"
    routine = bessel.i1e
    reference = staticmethod(_scipy("i1e"))
    domain = (Domain(-4, 12, (*_NO_MINUS_0, 30.0), avoid=(0.0,)),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``i0e(x) - i1e(x)/x - sign(x)*i1e(x)``."""
        whole = i0e(self.x) - _over_x(self, self.x) - sign(self.x) * self
        return (ct * whole,)


_OF_ORDER = MappingProxyType({"v": "agnesi has no derivatives of Bessel functions by their order"})
_ORDERS = Domain(-4, 12, (0.0, 1.0, 2.5, -1.0, 30.0))


class BesselJ(Special):
    """Bessel function of the first kind of a real order; NaN for fractional orders of x < 0."""

    v: Tensor
    x: Tensor

    public = "jv"
    routine = bessel.jv
    reference = staticmethod(_scipy("jv"))
    domain = (_ORDERS, Domain(0.3, 30, (0.0, 1.0, 20.0, -3.0)))
    undefined = _OF_ORDER
    tolerance = 2000.0  # near its zeros

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Half the difference of the orders beside."""
        return None, ct * 0.5 * (jv(self.v - 1, self.x) - jv(self.v + 1, self.x))


class BesselI(Special):
    """Modified Bessel function of a real order; NaN for fractional orders of x < 0."""

    v: Tensor
    x: Tensor

    public = "iv"
    routine = bessel.iv
    reference = staticmethod(_scipy("iv"))
    domain = (_ORDERS, Domain(0.3, 8, (0.0, 1.0, 20.0, -3.0)))
    undefined = _OF_ORDER
    tolerance = 100.0

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Half the sum of the orders beside."""
        return None, ct * 0.5 * (iv(self.v - 1, self.x) + iv(self.v + 1, self.x))


# -- logarithms, with the limit at 0 -------------------------------------------------------------


class Logit(Special):
    """``log(x / (1 - x))``, the inverse of the logistic function."""

    x: Tensor

    public = "logit"
    routine = logistic.logit
    reference = staticmethod(_scipy("logit"))
    domain = (Domain(0.05, 0.95, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``1 / (x*(1-x))``."""
        return (ct / (self.x * (1 - self.x)),)


class ExpRel(Special):
    """``(exp(x) - 1) / x``, 1 at 0."""

    x: Tensor

    public = "exprel"
    routine = logistic.exprel
    reference = staticmethod(_scipy("exprel"))
    domain = (Domain(-3, 5, IEEE),)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``(exp(x) - exprel(x)) / x``, as a series near 0."""
        near = absolute(self.x) < 0.5
        x = where(near, self.x, 0)
        series = as_tensor(0.0).astype(self.dtype)
        for k in reversed(range(16)):
            series = series * x + (k + 1) / math.factorial(k + 2)
        return (ct * where(near, series, (exp(self.x) - self) / where(near, 1, self.x)),)


def _defined(value: Scalar, x: Scalar, otherwise: Scalar | float) -> Scalar:
    """Return the value for a positive x, 0 at 0, something else below, NaN for NaN."""
    return select(x > 0.0, value, select(x.equals(0.0), 0.0, select(x < 0.0, otherwise, x)))


class XLogY(Special):
    """``x * log(y)``, and 0 where x is 0, unless y is NaN."""

    x: Tensor
    y: Tensor

    public = "xlogy"
    reference = staticmethod(_scipy("xlogy"))
    domain = (ANY, Domain(0.1, 5, IEEE))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The product, but where x is 0."""
        x, y = operands
        zero = x.equals(0.0) & y.equals(y)
        return select(zero, 0.0, x * apply(Prim.LOG, y))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``log(y)`` and ``x / y``, which is 0 with the value where x is 0."""
        return ct * log(self.y), where(self.x == 0, 0, ct * self.x / self.y)


class XLog1PY(Special):
    """``x * log1p(y)``, and 0 where x is 0, unless y is NaN."""

    x: Tensor
    y: Tensor

    public = "xlog1py"
    reference = staticmethod(_scipy("xlog1py"))
    domain = (ANY, Domain(-0.9, 5, IEEE))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The product, but where x is 0."""
        x, y = operands
        zero = x.equals(0.0) & y.equals(y)
        return select(zero, 0.0, x * apply(Prim.LOG1P, y))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``log1p(y)`` and ``x / (1 + y)``, which is 0 with the value where x is 0."""
        return ct * log1p(self.y), where(self.x == 0, 0, ct * self.x / (self.y + 1))


class Entr(Special):
    """Elements of an entropy: ``-x*log(x)``, 0 at 0, and ``-inf`` below."""

    x: Tensor

    public = "entr"
    reference = staticmethod(_scipy("entr"))
    domain = (Domain(0.1, 5, IEEE),)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The product, but where x is not positive."""
        (x,) = operands
        return _defined(-(x * apply(Prim.LOG, x)), x, -math.inf)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``-log(x) - 1``."""
        return (-ct * (log(self.x) + 1),)


class RelEntr(Special):
    """Elements of a relative entropy: ``x*log(x/y)``, 0 where x is 0, ``inf`` outside."""

    x: Tensor
    y: Tensor

    public = "rel_entr"
    reference = staticmethod(_scipy("rel_entr"))
    domain = (Domain(0.1, 5, IEEE), Domain(0.1, 5, IEEE))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The product, but where x or y is not positive."""
        x, y = operands
        near = abs(x - y) < y * 0.5
        ratio = select(near, apply(Prim.LOG1P, (x - y) / y), _log_ratio(x, y))
        return _inside(x, y, x * ratio, x.like(0.0))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``log(x/y) + 1`` and ``-x/y``, which is 0 with the value where x is 0."""
        slope = where(self.x == 0, 0, -ct * self.x / self.y)
        return ct * (log(self.x / self.y) + 1), slope


class KlDiv(Special):
    """Elements of a divergence of Kullback and Leibler: ``x*log(x/y) - x + y``."""

    x: Tensor
    y: Tensor

    public = "kl_div"
    reference = staticmethod(_scipy("kl_div"))
    # Not where both are near to each other, for there SciPy's is inexact.
    domain = (Domain(0.1, 2, IEEE), Domain(3, 5, IEEE))

    def scalar(self, *operands: Scalar) -> Scalar:
        """That, but where x or y is not positive."""
        x, y = operands
        near = 0.0 - x * incomplete.log1pmx((y - x) / x)
        far = x * _log_ratio(x, y) - x + y
        return _inside(x, y, select((y > x * 0.25) & (y < x * 4.0), near, far), y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``log(x/y)`` and ``1 - x/y``."""
        return ct * log(self.x / self.y), ct * (1 - self.x / self.y)


def _log_ratio(x: Scalar, y: Scalar) -> Scalar:
    """Return ``log(x / y)``, also where the quotient leaves the range of numbers."""
    ratio = x / y
    apart = apply(Prim.LOG, x) - apply(Prim.LOG, y)
    return select((ratio > 1e-30) & (ratio < 1e30), apply(Prim.LOG, ratio), apart)


def _inside(x: Scalar, y: Scalar, value: Scalar, at_zero: Scalar) -> Scalar:
    """Return a value for positive x and y, another where x is 0 and y is not negative, else inf."""
    edge = select(x.equals(0.0) & (y >= 0.0), at_zero, math.inf)
    defined = select((x > 0.0) & (y > 0.0), value, edge)
    return select(x.equals(x) & y.equals(y), defined, math.nan)


erfinv = unary(Erfinv)
erfcinv = unary(Erfcinv)
erfcx = unary(Erfcx)
ndtr = unary(Ndtr)
log_ndtr = unary(LogNdtr)
ndtri = unary(Ndtri)
gamma = unary(Gamma)
gammaln = unary(LogGamma)
digamma = unary(Digamma)
trigamma = unary(Trigamma)
polygamma = binary(Polygamma)
zeta = binary(Zeta)
beta = binary(Beta)
betaln = binary(LogBeta)
gammainc = binary(GammaInc)
gammaincc = binary(GammaIncC)
gammainc_slope = binary(GammaIncSlope)
j0 = unary(BesselJ0)
j1 = unary(BesselJ1)
i0 = unary(BesselI0)
i1 = unary(BesselI1)
i0e = unary(BesselI0E)
i1e = unary(BesselI1E)
jv = binary(BesselJ)
iv = binary(BesselI)
logit = unary(Logit)
exprel = unary(ExpRel)
xlogy = binary(XLogY)
xlog1py = binary(XLog1PY)
entr = unary(Entr)
rel_entr = binary(RelEntr)
kl_div = binary(KlDiv)


def betainc(a: TensorLike, b: TensorLike, x: TensorLike, /) -> Tensor:
    """Regularised incomplete beta function, the distribution function of the beta distribution.

    Args:
        a: first parameter, positive.
        b: second parameter, positive.
        x: from 0 to 1.

    Raises:
        GraphTypeError: shapes that do not broadcast.

    >>> ag.special.betainc(2.0, 3.0, ag.constant([0.25, 0.5])).eval()
    array([0.26171875, 0.6875    ], dtype=float32)
    """
    return BetaInc(*prepare(BetaInc, [a, b, x]))


def log_expit(x: TensorLike, /) -> Tensor:
    """Logarithm of the logistic function, without overflow.

    >>> ag.special.log_expit(ag.constant([0.0, -1000.0])).eval()
    array([-6.931472e-01, -1.000000e+03], dtype=float32)
    """
    return -softplus(-as_tensor(x))


def chi2sf(x: TensorLike, k: TensorLike, /) -> Tensor:
    """Survival function of the chi-squared distribution: the chance of a value above x.

    Args:
        x: values.
        k: degrees of freedom.

    >>> ag.special.chi2sf(ag.constant([0.0, 1.0]), 1).eval()
    array([1.       , 0.3173105], dtype=float32)
    """
    return gammaincc(multiply(k, 0.5), multiply(x, 0.5))


OPS: tuple[type[Op], ...] = (
    Erfinv,
    Erfcinv,
    Erfcx,
    Ndtr,
    LogNdtr,
    Ndtri,
    Gamma,
    LogGamma,
    Digamma,
    Trigamma,
    Polygamma,
    Zeta,
    Beta,
    LogBeta,
    BetaInc,
    GammaInc,
    GammaIncC,
    GammaIncSlope,
    BesselJ0,
    BesselJ1,
    BesselI0,
    BesselI1,
    BesselI0E,
    BesselI1E,
    BesselJ,
    BesselI,
    Logit,
    ExpRel,
    XLogY,
    XLog1PY,
    Entr,
    RelEntr,
    KlDiv,
)

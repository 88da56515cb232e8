"""The functions of each element: what ``T.exp`` and its like are."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi import special
from agnesi.theano.configparser import config
from agnesi.theano.tensor.casting import DISCRETE, upcast
from agnesi.theano.tensor.elemwise import RULES, Elemwise

# Rules of dtypes that a function of its own needs.
RULES["eighth"] = lambda d: (upcast(*d, "int8"),) * 2
RULES["bits"] = lambda d: (upcast(*d),) * 2


def _same(d: tuple[str, ...]) -> tuple[str, str]:
    return d[0], d[0]


RULES["same"] = _same


def _one(name: str, function: Any, rule: str = "float") -> Elemwise:
    return Elemwise(name, function, rule, 1)


def _two(name: str, function: Any, rule: str = "upcast", nin: int | None = 2) -> Elemwise:
    return Elemwise(name, function, rule, nin)


exp, exp2, expm1 = _one("exp", ag.exp), _one("exp2", ag.exp2), _one("expm1", ag.expm1)
log, log2, log10 = _one("log", ag.log), _one("log2", ag.log2), _one("log10", ag.log10)
log1p, sqrt = _one("log1p", ag.log1p), _one("sqrt", ag.sqrt)
sin, cos, tan = _one("sin", ag.sin), _one("cos", ag.cos), _one("tan", ag.tan)
arcsin, arccos, arctan = (
    _one("arcsin", ag.arcsin),
    _one("arccos", ag.arccos),
    _one("arctan", ag.arctan),
)
sinh, cosh, tanh = _one("sinh", ag.sinh), _one("cosh", ag.cosh), _one("tanh", ag.tanh)
arcsinh, arccosh, arctanh = (
    _one("arcsinh", ag.arcsinh),
    _one("arccosh", ag.arccosh),
    _one("arctanh", ag.arctanh),
)
arctan2 = _two("arctan2", ag.arctan2, "float")
deg2rad, rad2deg = _one("deg2rad", ag.deg2rad), _one("rad2deg", ag.rad2deg)
erf, erfc, erfcx = (
    _one("erf", special.erf),
    _one("erfc", special.erfc),
    _one("erfcx", special.erfcx),
)
erfinv, erfcinv = _one("erfinv", special.erfinv), _one("erfcinv", special.erfcinv)
gamma, gammaln = _one("gamma", special.gamma), _one("gammaln", special.gammaln)
psi, tri_gamma = _one("psi", special.psi), _one("tri_gamma", special.trigamma)
chi2sf = _two("chi2sf", special.chi2sf, "float")
gammainc = _two("gammainc", special.gammainc, "float")
gammaincc = _two("gammaincc", special.gammaincc, "float")
gammau = _two("gammau", lambda k, x: special.gammaincc(k, x) * special.gamma(k), "float")
gammal = _two("gammal", lambda k, x: special.gammainc(k, x) * special.gamma(k), "float")
j0, j1 = _one("j0", special.j0), _one("j1", special.j1)
i0, i1 = _one("i0", special.i0), _one("i1", special.i1)
jv, iv = _two("jv", special.jv, "float"), _two("iv", special.iv, "float")

add = _two("add", ag.add, nin=None)
mul = _two("mul", ag.multiply, nin=None)
sub = _two("sub", ag.subtract)
true_div = _two("true_div", ag.divide, "divide")
int_div = floor_div = _two("int_div", ag.floor_divide)
mod = _two("mod", ag.remainder)
pow = _two("pow", lambda a, b: _power(a, b), "eighth")
maximum = _two("maximum", ag.maximum, nin=None)
minimum = _two("minimum", ag.minimum, nin=None)
neg = _one("neg", ag.negative, "same")
inv = _one("inv", lambda x: 1 / x, "float")
sqr = _one("sqr", ag.square, "same")
sgn = _one("sgn", ag.sign, "same")
abs_ = _one("abs", ag.absolute, "real")
ceil, floor, trunc = (
    _one("ceil", ag.ceil, "same"),
    _one("floor", ag.floor, "same"),
    _one("trunc", ag.trunc, "same"),
)
round_half_to_even = _one("round_half_to_even", ag.round, "same")
round_half_away_from_zero = _one("round_half_away_from_zero", ag.round_half_away_from_zero, "same")

lt, le = _two("lt", ag.less, "compare"), _two("le", ag.less_equal, "compare")
gt, ge = _two("gt", ag.greater, "compare"), _two("ge", ag.greater_equal, "compare")
eq, neq = _two("eq", ag.equal, "compare"), _two("neq", ag.not_equal, "compare")
isnan_, isinf_ = _one("isnan", ag.isnan, "test"), _one("isinf", ag.isinf, "test")
and_ = bitwise_and = _two("and_", ag.bitwise_and, "bits")
or_ = bitwise_or = _two("or_", ag.bitwise_or, "bits")
xor = bitwise_xor = _two("xor", ag.bitwise_xor, "bits")
invert = bitwise_not = _one("invert", ag.bitwise_invert, "same")

real, imag = _one("real", ag.real, "real"), _one("imag", ag.imag, "real")
conj = _one("conj", ag.conj, "same")
angle = _one("angle", ag.angle, "float")
complex = _two("complex", ag.complex, "complex")
complex_from_polar = _two("complex_from_polar", ag.complex_from_polar, "complex")
RULES["complex"] = lambda d: (
    (found := "float64" if upcast(*d, "float32") == "float64" else "float32"),
    {"float32": "complex64", "float64": "complex128"}[found],
)
RULES["choice"] = lambda d: (upcast(*d[1:]),) * 2


class _Switch(Elemwise):
    """``where``, of which the condition keeps its dtype."""

    def _build(self, *tensors: ag.Tensor) -> ag.Tensor:
        c, a, b = tensors
        dtype = upcast(a.dtype.numpy.name, b.dtype.numpy.name)
        return ag.where(ag.astype(c, "bool"), ag.astype(a, dtype), ag.astype(b, dtype))


switch = _Switch("switch", ag.where, "choice", 3)
clip_ = Elemwise("clip", lambda x, low, high: ag.minimum(ag.maximum(x, low), high), "upcast", 3)
second_ = Elemwise("second", lambda a, b: b + ag.zeros_like(a), "upcast", 2)


def _power(a: Any, b: Any) -> Any:
    return ag.power(a, b)


def largest(*args: Any) -> Any:
    """Return the largest of several, element by element."""
    return maximum(*args)


def smallest(*args: Any) -> Any:
    """Return the smallest of several, element by element."""
    return minimum(*args)


def isnan(a: Any) -> Any:
    """Whether elements are no numbers."""
    return isnan_(a)


def isinf(a: Any) -> Any:
    """Whether elements are infinite."""
    return isinf_(a)


def div_proxy(x: Any, y: Any) -> Any:
    """Return the quotient that Python 2's ``/`` gives: of integers rounded down."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.dtype in DISCRETE and y.dtype in DISCRETE and config.int_division == "int":
        return int_div(x, y)
    return true_div(x, y)


def iround(a: Any, mode: Any = None) -> Any:
    """Return the nearest whole numbers as int64."""
    return round(a, mode).astype("int64")


def round(a: Any, mode: Any = None) -> Any:
    """Return the nearest whole numbers; halves go to the even one, unless the mode says other."""
    if mode in (None, "half_to_even"):
        return round_half_to_even(a)
    if mode == "half_away_from_zero":
        return round_half_away_from_zero(a)
    raise Exception(f"round mode {mode} is not implemented.")


square, power, where = sqr, pow, switch
sigmoid = _one("sigmoid", ag.sigmoid)
softplus = _one("softplus", ag.softplus)
ultra_fast_sigmoid = _one("ultra_fast_sigmoid", ag.ultra_fast_sigmoid)
cast_ops: dict[str, Elemwise] = {}


def cast_op(dtype: str) -> Elemwise:
    """Return the op that converts to a dtype."""
    if dtype not in cast_ops:
        RULES[f"to {dtype}"] = lambda d: (d[0], dtype)
        cast_ops[dtype] = _one(f"Cast{{{dtype}}}", lambda x: ag.astype(x, dtype), f"to {dtype}")
    return cast_ops[dtype]

"""The functions of each element: what ``T.exp`` and its like are."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano import scalar as _scalar
from agnesi.theano.scalar.basic import int_or_true_div
from agnesi.theano.tensor.casting import DISCRETE
from agnesi.theano.tensor.elemwise import Elemwise


def _elemwise(name: str) -> Elemwise:
    return Elemwise(getattr(_scalar, name), name=f"Elemwise{{{name},no_inplace}}")


exp, exp2, expm1 = _elemwise("exp"), _elemwise("exp2"), _elemwise("expm1")
log, log2, log10 = _elemwise("log"), _elemwise("log2"), _elemwise("log10")
log1p, sqrt = _elemwise("log1p"), _elemwise("sqrt")
sin, cos, tan = _elemwise("sin"), _elemwise("cos"), _elemwise("tan")
arcsin, arccos, arctan = _elemwise("arcsin"), _elemwise("arccos"), _elemwise("arctan")
sinh, cosh, tanh = _elemwise("sinh"), _elemwise("cosh"), _elemwise("tanh")
arcsinh, arccosh, arctanh = _elemwise("arcsinh"), _elemwise("arccosh"), _elemwise("arctanh")
arctan2 = _elemwise("arctan2")
deg2rad, rad2deg = _elemwise("deg2rad"), _elemwise("rad2deg")
erf, erfc, erfcx = _elemwise("erf"), _elemwise("erfc"), _elemwise("erfcx")
erfinv, erfcinv = _elemwise("erfinv"), _elemwise("erfcinv")
gamma, gammaln = _elemwise("gamma"), _elemwise("gammaln")
psi, tri_gamma = _elemwise("psi"), _elemwise("tri_gamma")
chi2sf, gammainc, gammaincc = _elemwise("chi2sf"), _elemwise("gammainc"), _elemwise("gammaincc")
gammau, gammal = _elemwise("gammau"), _elemwise("gammal")
j0, j1, i0, i1 = _elemwise("j0"), _elemwise("j1"), _elemwise("i0"), _elemwise("i1")
jv, iv = _elemwise("jv"), _elemwise("iv")

add, mul, sub = _elemwise("add"), _elemwise("mul"), _elemwise("sub")
true_div, int_div, mod = _elemwise("true_div"), _elemwise("int_div"), _elemwise("mod")
floor_div = int_div
pow = power = _elemwise("pow")
maximum, minimum = _elemwise("maximum"), _elemwise("minimum")
neg, inv, sgn = _elemwise("neg"), _elemwise("inv"), _elemwise("sgn")
sqr = square = _elemwise("sqr")
abs_ = _elemwise("abs_")
ceil, floor, trunc = _elemwise("ceil"), _elemwise("floor"), _elemwise("trunc")
round_half_to_even = _elemwise("round_half_to_even")
round_half_away_from_zero = _elemwise("round_half_away_from_zero")

lt, le, gt, ge = _elemwise("lt"), _elemwise("le"), _elemwise("gt"), _elemwise("ge")
eq, neq = _elemwise("eq"), _elemwise("neq")
isnan_, isinf_ = _elemwise("isnan"), _elemwise("isinf")
and_ = bitwise_and = _elemwise("and_")
or_ = bitwise_or = _elemwise("or_")
xor = bitwise_xor = _elemwise("xor")
invert = bitwise_not = _elemwise("invert")

real, imag, conj, angle = (
    _elemwise("real"),
    _elemwise("imag"),
    _elemwise("conj"),
    _elemwise("angle"),
)
complex, complex_from_polar = _elemwise("complex"), _elemwise("complex_from_polar")
switch = where = _elemwise("switch")
clip = clip_ = _elemwise("clip")
second = fill = _elemwise("second")

sigmoid = Elemwise(_scalar.scalar_sigmoid, name="sigmoid")
softplus = Elemwise(_scalar.scalar_softplus, name="softplus")
ultra_fast_sigmoid = Elemwise(_scalar.ultra_fast_scalar_sigmoid, name="ultra_fast_sigmoid")
_identity = Elemwise(_scalar.identity, name="identity")

cast_ops: dict[str, Elemwise] = {
    dtype: Elemwise(op) for dtype, op in _scalar.basic._cast_mapping.items()
}


def cast_op(dtype: str) -> Elemwise:
    """Return the op that converts to a dtype."""
    return cast_ops[dtype]


def largest(*args: Any) -> Any:
    """Return the largest of several, element by element."""
    from agnesi.theano.tensor.basic import max, stack

    if len(args) == 2:
        a, b = args
        return switch(gt(a, b), a, b)
    return max(stack(args), axis=0)


def smallest(*args: Any) -> Any:
    """Return the smallest of several, element by element."""
    from agnesi.theano.tensor.basic import min, stack

    if len(args) == 2:
        a, b = args
        return switch(lt(a, b), a, b)
    return min(stack(args), axis=0)


def isnan(a: Any) -> Any:
    """Whether elements are no numbers."""
    return _unless_discrete(isnan_, a)


def isinf(a: Any) -> Any:
    """Whether elements are infinite."""
    return _unless_discrete(isinf_, a)


def _unless_discrete(test: Elemwise, a: Any) -> Any:
    from agnesi.theano.tensor.basic import alloc, as_tensor_variable

    a = as_tensor_variable(a)
    if a.dtype in DISCRETE:
        return alloc(np.asarray(False), *(a.shape[k] for k in range(a.ndim)))
    return test(a)


def div_proxy(x: Any, y: Any) -> Any:
    """Return the quotient that ``/`` gives; of integers it depends on ``config.int_division``."""
    from agnesi.theano.tensor.basic import as_tensor_variable

    x, y = as_tensor_variable(x), as_tensor_variable(y)
    chosen = int_or_true_div(x.dtype in DISCRETE, y.dtype in DISCRETE)
    return (int_div if chosen == _scalar.int_div else true_div)(x, y)


def mod_check(x: Any, y: Any) -> Any:
    """Return the remainder, of real numbers.

    Raises:
        ComplexError: they are complex.
    """
    from agnesi.theano.tensor.basic import as_tensor_variable

    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.dtype.startswith("complex") or y.dtype.startswith("complex"):
        raise _scalar.Mod.complex_error
    return mod(x, y)


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

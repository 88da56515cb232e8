"""What primitives do to complex numbers, as formulas over their parts.

Each formula takes pairs and gives a pair (``abs`` and comparisons: one scalar).  They avoid
overflow in between, and cancellation where the result has digits to lose; branch cuts and the sign
of a zero part are C's.  Sources: Smith's division; W. Kahan, "Branch cuts for complex elementary
functions", for roots, inverse functions and ``tanh``.  Start reading at ``FORMULAS``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64
from agnesi.loops.nodes import (
    Complex,
    Scalar,
    apply,
    imaginary_part,
    real_part,
    select,
)
from agnesi.loops.prims import Prim

if TYPE_CHECKING:
    from collections.abc import Callable

_INF = math.inf
# exp(x) is finite up to here, and so are twice as large ones of another factor.
_EXP_LIMIT = {F32: 80.0, F64: 700.0}
# tanh(x) is 1 to the last bit beyond.
_TANH_IS_ONE = {F32: 10.0, F64: 20.0}


def pair(re: Scalar, im: Scalar, like: Scalar) -> Complex:
    """Return the complex number of these parts, of another's dtype."""
    return Complex(re, im, like.dtype)


def _split(z: Scalar) -> tuple[Scalar, Scalar]:
    return real_part(z), imaginary_part(z)


def _choose(condition: Scalar, yes: Scalar, no: Scalar) -> Scalar:
    return select(condition, yes, no)


def _is_infinite(x: Scalar) -> Scalar:
    return abs(x).equals(_INF)


def _unary(prim: Prim) -> Callable[[Scalar], Scalar]:
    def function(x: Scalar) -> Scalar:
        return apply(prim, x)

    return function


_exp, _expm1, _log, _log1p = map(_unary, (Prim.EXP, Prim.EXPM1, Prim.LOG, Prim.LOG1P))
_sin, _cos, _tan = map(_unary, (Prim.SIN, Prim.COS, Prim.TAN))
_sinh, _cosh, _tanh, _asinh = map(_unary, (Prim.SINH, Prim.COSH, Prim.TANH, Prim.ASINH))
_root = _unary(Prim.SQRT)


def _atan2(y: Scalar, x: Scalar) -> Scalar:
    return apply(Prim.ATAN2, y, x)


def _copysign(x: Scalar, sign: Scalar) -> Scalar:
    return apply(Prim.COPYSIGN, x, sign)


# -- arithmetic ---------------------------------------------------------------------------------


def _add(x: Scalar, y: Scalar) -> Scalar:
    (a, b), (c, d) = _split(x), _split(y)
    return pair(a + c, b + d, x)


def _sub(x: Scalar, y: Scalar) -> Scalar:
    (a, b), (c, d) = _split(x), _split(y)
    return pair(a - c, b - d, x)


def _mul(x: Scalar, y: Scalar) -> Scalar:
    (a, b), (c, d) = _split(x), _split(y)
    return pair(a * c - b * d, a * d + b * c, x)


def _neg(x: Scalar) -> Scalar:
    a, b = _split(x)
    return pair(-a, -b, x)


def _div(x: Scalar, y: Scalar) -> Scalar:
    """Smith's division, as NumPy has it: the smaller part of the divisor over the larger."""
    (a, b), (c, d) = _split(x), _split(y)
    turned = abs(c) < abs(d)
    large, small = select(turned, d, c), select(turned, c, d)
    first, second = select(turned, b, a), select(turned, a, b)
    ratio = small / large
    scale = 1.0 / (large + small * ratio)
    re = (first + second * ratio) * scale
    im = (second - first * ratio) * scale
    zero = c.equals(0.0) & d.equals(0.0)
    return _choose(zero, pair(a / abs(c), b / abs(c), x), pair(re, select(turned, -im, im), x))


def _abs(x: Scalar) -> Scalar:
    """The hypotenuse, without overflow in between; infinite if a part is."""
    a, b = _split(x)
    if a.dtype is F32:
        wide_a, wide_b = a.cast(F64), b.cast(F64)
        size = _root(wide_a * wide_a + wide_b * wide_b).cast(F32)
    else:
        large, small = apply(Prim.MAX, abs(a), abs(b)), apply(Prim.MIN, abs(a), abs(b))
        ratio = select(large.equals(0.0), 0.0, small / large)
        size = large * _root(1.0 + ratio * ratio)
    return select(_is_infinite(a) | _is_infinite(b), _INF, size)


def _eq(x: Scalar, y: Scalar) -> Scalar:
    (a, b), (c, d) = _split(x), _split(y)
    return a.equals(c) & b.equals(d)


def _ne(x: Scalar, y: Scalar) -> Scalar:
    (a, b), (c, d) = _split(x), _split(y)
    return a.differs(c) | b.differs(d)


def _sqrt(x: Scalar) -> Scalar:
    """The root with a part that is not negative; scaled so that nothing over- or underflows."""
    a, b = _split(x)
    large = (abs(a) > 1.0) | (abs(b) > 1.0)
    scale, back = select(large, a.like(0.25), 4.0), select(large, a.like(2.0), 0.5)
    scaled = pair(a * scale, b * scale, x)
    half = _root((abs(real_part(scaled)) + _abs(scaled)) * 0.5) * back
    other = select(half.equals(0.0), b, b / (half + half))
    forwards = pair(half, other, x)
    backwards = pair(abs(other), _copysign(half, b), x)
    plain = _choose(a >= 0.0, forwards, _choose(a < 0.0, backwards, forwards))
    return _choose(_is_infinite(b), pair(abs(b), b, x), plain)


# -- exponentials and logarithms ------------------------------------------------------------------


def exp(x: Scalar) -> Scalar:
    """Return ``e**x``, finite where the product with sine or cosine is."""
    a, b = _split(x)
    limit = _EXP_LIMIT[a.dtype]
    huge = a > limit
    size = _exp(select(huge, a - limit, a))
    rest = select(huge, a.like(math.exp(limit)), 1.0)
    im = select(b.equals(0.0), b, (size * _sin(b)) * rest)
    re = (size * _cos(b)) * rest
    nothing = a.equals(-_INF)
    return pair(select(nothing, 0.0, re), select(nothing, 0.0, im), x)


def expm1(x: Scalar) -> Scalar:
    """Return ``e**x - 1``, accurate near 0."""
    a, b = _split(x)
    half = _sin(b * 0.5)
    return pair(_expm1(a) * _cos(b) - 2.0 * (half * half), imaginary_part(exp(x)), x)


def _log_of_size(a: Scalar, b: Scalar) -> Scalar:
    """Return the logarithm of the absolute value; near 1 from its distance to 1."""
    large, small = apply(Prim.MAX, abs(a), abs(b)), apply(Prim.MIN, abs(a), abs(b))
    near = (large > 0.5) & (large < 2.0)
    ratio = select(large.equals(0.0) | large.equals(_INF), 0.0, small / large)
    rest = select(near, (large - 1.0) * (large + 1.0) + small * small, ratio * ratio)
    return select(near, 0.0, _log(large)) + 0.5 * _log1p(rest)


def log(x: Scalar) -> Scalar:
    """Return the logarithm with an imaginary part from -pi to pi."""
    a, b = _split(x)
    return pair(_log_of_size(a, b), _atan2(b, a), x)


def log1p(x: Scalar) -> Scalar:
    """Return ``log(1 + x)``, accurate near 0."""
    a, b = _split(x)
    near = (abs(a) < 0.5) & (abs(b) < 0.5)
    close = 0.5 * _log1p(a * (2.0 + a) + b * b)
    return pair(select(near, close, _log_of_size(1.0 + a, b)), _atan2(b, 1.0 + a), x)


def _scaled(function: Callable[[Scalar], Scalar], factor: float) -> Callable[[Scalar], Scalar]:
    def after(x: Scalar) -> Scalar:
        a, b = _split(function(x))
        return pair(a * factor, b * factor, x)

    return after


def exp2(x: Scalar) -> Scalar:
    """Return ``2**x``."""
    a, b = _split(x)
    size = apply(Prim.EXP2, a)
    angle = b * math.log(2)
    return pair(size * _cos(angle), select(b.equals(0.0), b, size * _sin(angle)), x)


def power(x: Scalar, y: Scalar) -> Scalar:
    """Return ``exp(y * log(x))``; ``0**y`` is 0 for positive ``y`` and ``x**0`` is 1."""
    (a, b), (c, d) = _split(x), _split(y)
    general = exp(_mul(y, log(x)))
    zero = a.equals(0.0) & b.equals(0.0) & (c > 0.0)
    one = c.equals(0.0) & d.equals(0.0)
    return _choose(one, x.like(1), _choose(zero, x.like(0), general))


def sigmoid(x: Scalar) -> Scalar:
    """Return ``1 / (1 + e**-x)`` by the exponential that is at most 1."""
    right = real_part(x) >= 0.0
    small = exp(_choose(right, _neg(x), x))
    return _div(_choose(right, x.like(1), small), _add(x.like(1), small))


# -- trigonometric and hyperbolic -----------------------------------------------------------------


def sinh(x: Scalar) -> Scalar:
    """Return the hyperbolic sine."""
    a, b = _split(x)
    im = select(b.equals(0.0), b, _cosh(a) * _sin(b))
    return pair(select(a.equals(0.0), a, _sinh(a) * _cos(b)), im, x)


def cosh(x: Scalar) -> Scalar:
    """Return the hyperbolic cosine."""
    a, b = _split(x)
    flat = a.equals(0.0) | b.equals(0.0)
    return pair(_cosh(a) * _cos(b), select(flat, a * b, _sinh(a) * _sin(b)), x)


def tanh(x: Scalar) -> Scalar:
    """Return the hyperbolic tangent."""
    a, b = _split(x)
    limit = _TANH_IS_ONE[a.dtype]
    far = abs(a) > limit
    within = select(far, _copysign(a.like(limit), a), a)
    tangent, sine = _tan(b), _sinh(within)
    beta = 1.0 + tangent * tangent
    below = 1.0 + beta * (sine * sine)
    re = beta * _root(1.0 + sine * sine) * sine / below
    fading = 4.0 * (_sin(b) * _cos(b)) * _exp(-2.0 * abs(a))
    im = select(far, fading, tangent / below)
    return pair(select(far, _copysign(a.like(1.0), a), re), im, x)


def _turned(function: Callable[[Scalar], Scalar]) -> Callable[[Scalar], Scalar]:
    """Return ``-i * function(i * x)``: of ``sinh`` that is ``sin``."""

    def turned(x: Scalar) -> Scalar:
        a, b = _split(x)
        re, im = _split(function(pair(-b, a, x)))
        return pair(im, -re, x)

    return turned


def cos(x: Scalar) -> Scalar:
    """Return the cosine, ``cosh(i * x)``."""
    a, b = _split(x)
    return cosh(pair(-b, a, x))


def _roots(x: Scalar) -> tuple[tuple[Scalar, Scalar], tuple[Scalar, Scalar]]:
    """Return the roots of ``1 - x`` and ``1 + x``."""
    a, b = _split(x)
    return _split(_sqrt(pair(1.0 - a, -b, x))), _split(_sqrt(pair(1.0 + a, b, x)))


def asin(x: Scalar) -> Scalar:
    """Return the inverse sine."""
    (p, q), (r, s) = _roots(x)
    return pair(_atan2(real_part(x), p * r - q * s), _asinh(p * s - q * r), x)


def acos(x: Scalar) -> Scalar:
    """Return the inverse cosine."""
    (p, q), (r, s) = _roots(x)
    return pair(2.0 * _atan2(p, r), _asinh(r * q - s * p), x)


def acosh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic cosine."""
    a, b = _split(x)
    p, q = _split(_sqrt(pair(a - 1.0, b, x)))
    r, s = _split(_sqrt(pair(a + 1.0, b, x)))
    return pair(_asinh(p * r + q * s), 2.0 * _atan2(q, r), x)


def atanh(x: Scalar) -> Scalar:
    """Return the inverse hyperbolic tangent."""
    a, b = _split(x)
    size = abs(a)
    less = 1.0 - size
    re = 0.25 * _log1p(4.0 * size / (less * less + b * b))
    im = 0.5 * _atan2(b + b, less * (1.0 + size) - b * b)
    return pair(_copysign(re, a), im, x)


FORMULAS: dict[Prim, Callable[..., Scalar]] = {
    Prim.ADD: _add,
    Prim.SUB: _sub,
    Prim.MUL: _mul,
    Prim.DIV: _div,
    Prim.NEG: _neg,
    Prim.ABS: _abs,
    Prim.EQ: _eq,
    Prim.NE: _ne,
    Prim.SQRT: _sqrt,
    Prim.EXP: exp,
    Prim.EXP2: exp2,
    Prim.EXPM1: expm1,
    Prim.LOG: log,
    Prim.LOG2: _scaled(log, 1 / math.log(2)),
    Prim.LOG10: _scaled(log, 1 / math.log(10)),
    Prim.LOG1P: log1p,
    Prim.POW: power,
    Prim.SIGMOID: sigmoid,
    Prim.SIN: _turned(sinh),
    Prim.COS: cos,
    Prim.TAN: _turned(tanh),
    Prim.SINH: sinh,
    Prim.COSH: cosh,
    Prim.TANH: tanh,
    Prim.ASIN: asin,
    Prim.ACOS: acos,
    Prim.ATAN: _turned(atanh),
    Prim.ASINH: _turned(asin),
    Prim.ACOSH: acosh,
    Prim.ATANH: atanh,
}

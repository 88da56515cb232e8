"""sin, cos and tan.

The argument is reduced with pi in several parts and fused steps: with ``n`` the nearest integer
to ``x / pi``, the first ``x - n * pi_1`` is exact, and each further part adds 53 bits.  f32
reduces in f64, which has two parts; f64 has three.  This is exact enough for ``|x| < 2**45``.
Beyond, results stay in range but mean nothing: that of a larger f32 changes sign millions of
times between one number and the next.

``sin(x) = sin((-1)**n (x - n pi))`` has one odd polynomial for half a turn (errors 2^-27.3 and
2^-61.9); ``cos`` is that of ``x - (n + 1/2) pi``.  ``tan`` reduces by pi / 2; its polynomial
(errors 2^-25.7 and 2^-56.2) or the negative reciprocal is taken by the parity of ``n``.
"""

from __future__ import annotations

from agnesi.core.dtypes import F32, F64, I64, DType
from agnesi.loops.math.bits import LAYOUTS, at_most, copysign
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# pi in three parts, none negative, so that -0.0 stays itself
_PI = (3.141592653589793, 1.224646799147353e-16, 2.1657133478438278e-32)
_PER_PI = 0.3183098861837907
_MAGIC = LAYOUTS[F64].magic

# sin(t) = t + t**3 * P(t**2) for |t| <= pi / 2
_SIN = {
    F32: (
        -0.16666659712791443,
        0.008333069272339344,
        -0.00019809776858892292,
        2.6060954496642807e-06,
    ),
    F64: (
        -0.16666666666666666,
        0.008333333333333215,
        -0.00019841269841218165,
        2.7557319213008837e-06,
        -2.5052107091138855e-08,
        1.6058954629456242e-10,
        -7.643585517082264e-13,
        2.733925493981566e-15,
        -1.140695963108789e-18,
    ),
}

# tan(t) = t + t**3 * P(t**2) for |t| <= pi / 4
_TAN = {
    F32: (
        0.33333155512809753,
        0.13338835537433624,
        0.053408198058605194,
        0.024441419169306755,
        0.003101412672549486,
        0.009396582841873169,
    ),
    F64: (
        0.33333333333332776,
        0.13333333333414832,
        0.05396825392656468,
        0.021869489611544356,
        0.008863219127503767,
        0.003592289418829534,
        0.0014547558483030886,
        0.0005950738781600341,
        0.0002223522970515825,
        0.00013658320820528853,
        -2.6468621374688036e-05,
        8.95290510283494e-05,
        -4.491842244039208e-05,
        2.087342554320079e-05,
    ),
}


def sin(x: Scalar) -> Scalar:
    """Return the sine."""
    wide = x.cast(F64)
    shifted = fma(wide, _PER_PI, _MAGIC)
    return _sine(_subtract(wide, shifted - _MAGIC, 1.0, x.dtype), shifted, x.dtype)


def cos(x: Scalar) -> Scalar:
    """Return the cosine."""
    wide = x.cast(F64)
    # The magic number is odd here, for cos(x) = -(-1)**n sin(x - (n + 1/2) pi).
    shifted = fma(wide, _PER_PI, -0.5) + (_MAGIC + 1.0)
    turns = (shifted - (_MAGIC + 1.0)) + 0.5
    return _sine(_subtract(wide, turns, 1.0, x.dtype), shifted, x.dtype)


def _sine(t: Scalar, count: Scalar, dtype: DType) -> Scalar:
    """Return the sine of ``t`` within half a turn, negated where the last bit of ``count`` is 1."""
    t = (t.bitcast(I64) ^ (count.bitcast(I64) << 63)).bitcast(F64).cast(dtype)
    size = at_most(abs(t), 1.6)
    square = size * size
    value = fma(size * square, horner(square, _SIN[dtype]), size)
    return copysign(at_most(value, 1.0), t)


def tan(x: Scalar) -> Scalar:
    """Return the tangent."""
    wide = x.cast(F64)
    shifted = fma(wide, 2 * _PER_PI, _MAGIC)
    t = _subtract(wide, shifted - _MAGIC, 0.5, x.dtype).cast(x.dtype)
    size = at_most(abs(t), 0.8)
    square = size * size
    value = copysign(fma(size * square, horner(square, _TAN[x.dtype]), size), t)
    odd = (shifted.bitcast(I64) & 1).differs(0)
    return select(odd, -1.0, value) / select(odd, value, 1.0)


def _subtract(x: Scalar, count: Scalar, unit: float, dtype: DType) -> Scalar:
    """Return ``x - count * unit * pi``."""
    for part in _PI[: 2 if dtype is F32 else 3]:
        x = fma(count, -unit * part, x)
    return x

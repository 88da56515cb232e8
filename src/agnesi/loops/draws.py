"""Numbers of a distribution from the words of a block: uniform and normal.

A uniform f32 is a word's first 24 bits, a uniform f64 the first 53 of two words: ``k * 2**-24`` and
``k * 2**-53``, from 0 up to but without 1, each as likely as the next.

Normal numbers come in pairs, by Box and Muller: a radius ``sqrt(-2 log(u))`` and an angle.  ``u``
is a number between 0 and 1 that is exact near 0 *and* near 1: a bit says from which end it is
counted, and the other 31 bits (f64: 62) how far, as a float.  So an f32 goes out to 6.76 (what lies
beyond is drawn once in 7e10 times), an f64 to 9.42, and both are as fine near 0.  The angle has 32
bits (f64: 63): one exchanges sine and cosine, one is the cosine's sign, the others are an angle of
up to an eighth of a turn to either side, of which both are short polynomials.
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

from agnesi.core.dtypes import F32, F64, I32, I64, DType
from agnesi.dims.simplify import floordiv, mod
from agnesi.loops.math.logarithm import log_of_parts, split
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, apply, index_scalar, select
from agnesi.loops.philox import pick
from agnesi.loops.prims import Prim

if TYPE_CHECKING:
    from agnesi.dims.dim import Size
    from agnesi.loops.philox import Words

# Results of a block.
PER_BLOCK = {F32: 4, F64: 2}

_SIGN = 1 << 31
_REST = _SIGN - 1

# sin(t) = t + t**3 * P(t**2), cos(t) = 1 - t**2 / 2 + t**4 * P(t**2) for |t| <= pi / 4, with errors
# of 2^-27.9 and 2^-33 in f32, 2^-57.9 and 2^-63.9 in f64
_SIN = {
    F32: (
        -0.16666655242443085,
        0.008332189172506332,
        -0.00019518287444952875,
    ),
    F64: (
        -0.1666666666666663,
        0.00833333333332184,
        -0.00019841269829358574,
        2.7557313538624407e-06,
        -2.5050734425717765e-08,
        1.5895436531411345e-10,
    ),
}
_COS = {
    F32: (
        0.04166664555668831,
        -0.0013887309469282627,
        2.4432327336398885e-05,
    ),
    F64: (
        0.041666666666666595,
        -0.001388888888887334,
        2.4801587288999738e-05,
        -2.7557314216142906e-07,
        2.087570525011792e-09,
        -1.1358740633605455e-11,
    ),
}


def uniform(words: Words, which: Size, dtype: DType) -> Scalar:
    """Return one of the uniform numbers of a block, ``0 <= u < 1``."""
    if dtype is F32:
        return _small(pick(which, words) >> 8, F32) * 2.0**-24
    high, low = pick(which, words[::2]), pick(which, words[1::2])
    return fma(_small(high >> 5, F64), 2.0**-27, _small(low >> 6, F64) * 2.0**-53)


def exponential(words: Words, which: Size, dtype: DType) -> Scalar:
    """Return one of the numbers of a block that are exponentially distributed."""
    if dtype is F32:
        return -_log_of_uniform((pick(which, words),), F32)
    return -_log_of_uniform((pick(which, words[::2]), pick(which, words[1::2])), F64)


def laplace(words: Words, which: Size, dtype: DType) -> Scalar:
    """Return one of the numbers of a block whose absolute values are exponentially distributed."""
    own = pick(which, words if dtype is F32 else words[1::2])
    rest = (own,) if dtype is F32 else (pick(which, words[::2]), own)
    size = -_log_of_uniform(rest, dtype, spare=True)
    return select((own & 1).differs(0), -size, size)


def normal_and_uniform(words: Words) -> tuple[Scalar, Scalar]:
    """Return a normal f64, whose angle has 32 bits, and a number between 0 and 1 of 32 bits."""
    first, second, turn, last = words
    z = _from_pair((first, second), (turn,), 0, F64)
    return z, (last.cast(I64).cast(F64) + 0.5) * 2.0**-32


def between_0_and_1(words: Words) -> tuple[Scalar, Scalar]:
    """Return two f64 between 0 and 1, of 53 bits and never one of them."""
    first, second = (uniform(words, which, F64) + 2.0**-54 for which in range(2))
    return first, second


def normal(words: Words, which: Size, dtype: DType) -> Scalar:
    """Return one of the normal numbers of a block."""
    a, b, c, d = words
    if dtype is F32:
        pair = floordiv(which, 2)
        far, turn = (pick(pair, (a, c)),), (pick(pair, (b, d)),)
    else:
        far, turn = (a, b), (c, d)
    return _from_pair(far, turn, mod(which, 2), dtype)


def _from_pair(
    far: tuple[Scalar, ...], turn: tuple[Scalar, ...], which: Size, dtype: DType
) -> Scalar:
    radius = apply(Prim.SQRT, _log_of_uniform(far, dtype) * -2.0)
    angle = _eighth(turn, dtype)
    square = angle * angle
    sine = fma(angle * square, horner(square, _SIN[dtype]), angle)
    cosine = fma(square * square, horner(square, _COS[dtype]), fma(square, -0.5, 1.0))
    negative, exchanged = ((turn[0] & bit).differs(0) for bit in (_SIGN, _SIGN >> 1))
    cosine = select(negative, -cosine, cosine)
    first = exchanged if which == 0 else ~exchanged
    if not isinstance(which, int):
        first = exchanged.differs(index_scalar(which).equals(1))
    return radius * select(first, sine, cosine)


def _small(word: Scalar, dtype: DType) -> Scalar:
    """Return a word below 2**31 as a float: that is how machines convert."""
    return word.cast(I32).cast(dtype)


def _log_of_uniform(words: tuple[Scalar, ...], dtype: DType, *, spare: bool = False) -> Scalar:
    """Return the logarithm of a number between 0 and 1, of which neither is reached.

    The lowest bit of the last word does not matter to an f64, nor to an f32 if it is to spare.
    """
    from_above = (words[0] & _SIGN).differs(0)
    if dtype is F32 and spare:
        distance = _small((words[0] & _REST) | 1, F32) * 2.0**-32
    elif dtype is F32:
        distance = (_small(words[0] & _REST, dtype) + 0.5) * 2.0**-32
    else:
        part = _small(words[1] >> 1, dtype) + 0.5
        distance = fma(part, 2.0**-63, _small(words[0] & _REST, dtype) * 2.0**-32)
    k, r = split(select(from_above, 1.0 - distance, distance))
    # Near 1 the distance is the exact difference.
    return log_of_parts(k, select(k.equals(0.0), -distance, r))


def _eighth(words: tuple[Scalar, ...], dtype: DType) -> Scalar:
    """Return an angle between -pi/4 and pi/4 from all but two bits."""
    steps = (words[0] << 2) & ((1 << 32) - 1)
    if len(words) == 1:
        return (steps | 2).cast(I32).cast(dtype) * (pi / 4 * 2.0**-31)
    part = _small(words[1] >> 1, F64) + 0.5
    return fma(part, 2.0**-29, steps.cast(I32).cast(F64)) * (pi / 4 * 2.0**-31)

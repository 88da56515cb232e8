"""asin, acos, atan and atan2.

``asin`` has an odd polynomial up to 1/2 (errors 2^-27.6 and 2^-55.9); above,
``asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2))``.  ``acos`` uses the same pieces.

``atan`` has an odd polynomial on [0, 1] (errors 2^-25.8 and 2^-57.6), the reciprocal above
1.  ``atan2`` divides the smaller of its arguments' sizes by the larger; the octant decides the
rest.
"""

from __future__ import annotations

from math import inf

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.bits import at_least, copysign, layout, sqrt
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# asin(t) = t + t**3 * P(t**2) for |t| <= 1/2
_ASIN = {
    F32: (
        0.16666752099990845,
        0.074953094124794,
        0.04546914994716644,
        0.02418476715683937,
        0.042158350348472595,
    ),
    F64: (
        0.1666666666666541,
        0.07500000000336624,
        0.04464285682858607,
        0.03038195912796544,
        0.022371758239792393,
        0.017359702199822972,
        0.013885258579244601,
        0.012169071298444748,
        0.00652854254148539,
        0.019526801430408785,
        -0.016222070435076247,
        0.031910839036381325,
    ),
}

# atan(t) = t + t**3 * P(t**2) for |t| <= 1
_ATAN = {
    F32: (
        -0.33333152532577515,
        0.19993767142295837,
        -0.14211001992225647,
        0.1066577136516571,
        -0.0755167230963707,
        0.04320496320724487,
        -0.016363386064767838,
        0.0029194823000580072,
    ),
    F64: (
        -0.3333333333333307,
        0.19999999999951756,
        -0.14285714282588657,
        0.11111111007361225,
        -0.09090907008162999,
        0.07692279893358797,
        -0.06666404460945956,
        0.0588053003922291,
        -0.052535278447513475,
        0.047223520977588265,
        -0.042192537113910994,
        0.036643373510999076,
        -0.02990609702638571,
        0.02198752016125774,
        -0.01390300492471825,
        0.007198193434443735,
        -0.0028857703262430943,
        0.0008316170602832561,
        -0.0001522237325219771,
        1.3231275529676954e-05,
    ),
}

# pi in two parts
_PI = {
    F32: (3.1415927410125732, -8.742277657347586e-08),
    F64: (3.141592653589793, 1.2246467991473532e-16),
}
_SMALLEST = {F32: 2.0**-149, F64: 2.0**-1074}


def asin(x: Scalar) -> Scalar:
    """Return the inverse sine."""
    size = abs(x)
    angle, large = _arcsine(size)
    high, low = _PI[x.dtype]
    return copysign(select(large, (high / 2 - (angle + angle)) + low / 2, angle), x)


def acos(x: Scalar) -> Scalar:
    """Return the inverse cosine."""
    size = abs(x)
    angle, large = _arcsine(size)
    high, low = _PI[x.dtype]
    # Of a large x, 2 angle or pi - 2 angle; of a small one, pi/2 - angle with the sign of x.
    positive = x > 0.0
    turn = select(large, select(positive, x.like(0.0), high), high / 2)
    rest = select(large, select(positive, x.like(0.0), low), low / 2)
    angle = select(large, angle + angle, angle)
    return turn - (select(large.differs(positive), angle, -angle) - rest)


def _arcsine(size: Scalar) -> tuple[Scalar, Scalar]:
    """Return the inverse sine of ``size`` or, beyond 1/2, half the inverse cosine; and which."""
    large = size > 0.5
    square = select(large, fma(size, -0.5, 0.5), size * size)
    root = select(large, sqrt(square), size)
    return fma(root * square, horner(square, _ASIN[size.dtype]), root), large


def atan(x: Scalar) -> Scalar:
    """Return the inverse tangent."""
    size = abs(x)
    steep = size > 1.0
    ratio = select(steep, -1.0, size) / select(steep, size, 1.0)
    high, low = _PI[x.dtype]
    angle = _arctangent(ratio)
    turned = high / 2 + (angle + low / 2)
    return copysign(select(steep, turned, angle), x)


def atan2(y: Scalar, x: Scalar) -> Scalar:
    """Return the angle of the point ``(x, y)``."""
    rise, run = abs(y), abs(x)
    steep = rise > run
    small, large = select(steep, run, rise), select(steep, rise, run)
    ratio = small / at_least(large, _SMALLEST[x.dtype])
    ratio = select(small.equals(inf) & large.equals(inf), 1.0, ratio)
    high, low = _PI[x.dtype]
    angle = _arctangent(ratio)
    # From the x axis, from the y axis, and from the negative x axis.
    angle = select(steep, (high / 2 - angle) + low / 2, angle)
    negative = x.bitcast(layout(x).signed) < 0
    angle = select(negative, (high - angle) + low, angle)
    return copysign(angle, y)


def _arctangent(ratio: Scalar) -> Scalar:
    """Return the inverse tangent of a number from -1 to 1."""
    square = ratio * ratio
    return fma(ratio * square, horner(square, _ATAN[ratio.dtype]), ratio)

"""sigmoid and softplus.

Both rest on ``e = exp(-|x|)``, which never overflows.  ``sigmoid(x)`` is ``1 / (1 + e)`` or, for a
negative ``x``, ``e / (1 + e)``, so that it fades away gradually.  ``softplus(x) = log(1 + exp(x))``
is ``max(x, 0) + log(1 + e)``; as ``e`` is in [0, 1], a polynomial serves for its logarithm
(errors 2^-27.5 and 2^-56.6).
"""

from __future__ import annotations

from agnesi.core.dtypes import F32, F64
from agnesi.loops.math.exponential import exp_of_negative
from agnesi.loops.math.polynomial import fma, horner
from agnesi.loops.nodes import Scalar, select

# log(1 + t) = t + t**2 * P(t) for t in [0, 1]
_LOG1P = {
    F32: (
        -0.4999993145465851,
        0.33330464363098145,
        -0.24958018958568573,
        0.19692102074623108,
        -0.15344882011413574,
        0.10661135613918304,
        -0.057457368820905685,
        0.02008635364472866,
        -0.0032905021216720343,
    ),
    F64: (
        -0.4999999999999946,
        0.33333333333235254,
        -0.24999999993685876,
        0.1999999979154504,
        -0.1666666250182097,
        0.1428565893085991,
        -0.12499479856802337,
        0.11107507309174025,
        -0.09981020297039345,
        0.09013170676246797,
        -0.08081253709579556,
        0.0703562449373266,
        -0.057503277429036805,
        0.04230161978614581,
        -0.02674533682135374,
        0.013839532181166894,
        -0.005543579581279614,
        0.0015959027296200228,
        -0.0002917953417526356,
        2.533327777396794e-05,
    ),
}


def sigmoid(x: Scalar) -> Scalar:
    """Return ``1 / (1 + exp(-x))``."""
    e = exp_of_negative(-abs(x))
    return select(x < 0.0, e, 1.0) / (e + 1.0)


def softplus(x: Scalar) -> Scalar:
    """Return ``log(1 + exp(x))``."""
    e = exp_of_negative(-abs(x))
    return select(x > 0.0, x, 0.0) + fma(e * e, horner(e, _LOG1P[x.dtype]), e)

"""The inverse of the logistic function, and ``(exp(x) - 1) / x``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.loops.nodes import apply, select
from agnesi.loops.prims import Prim
from agnesi.loops.procedures import double
from agnesi.loops.special import primitives as p

if TYPE_CHECKING:
    from agnesi.loops.nodes import Scalar
    from agnesi.loops.procedures import Code


@double
def logit(code: Code, x: Scalar) -> Scalar:
    """``log(x / (1 - x))``."""
    rest = 1.0 - x
    near = p.log1p((x + x - 1.0) / rest)
    return select((x > 0.3) & (x < 0.65), near, p.log(x / rest))


@double
def exprel(code: Code, x: Scalar) -> Scalar:
    """``(exp(x) - 1) / x``."""
    half = p.exp(x * 0.5)
    # The exponential overflows before the quotient.
    late = select(x.equals(p.INF), x, half * (half / x))
    plain = apply(Prim.EXPM1, x) / x
    return select(x.equals(0.0), 1.0, select(x > 700.0, late, plain))

"""Polynomials and the fused multiply-add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.loops.nodes import apply
from agnesi.loops.prims import Prim

if TYPE_CHECKING:
    from agnesi.loops.nodes import Number, Scalar

Coefficients = tuple[float, ...]


def fma(a: Scalar, b: Scalar | Number, c: Scalar | Number) -> Scalar:
    """Return ``a * b + c`` with one rounding."""
    return apply(Prim.FMA, a, a.like(b), a.like(c))


def horner(t: Scalar, coefficients: Coefficients) -> Scalar:
    """Return ``c[0] + c[1] * t + c[2] * t**2 + ...``.

    Horner's scheme has the fewest operations.  Its chain of dependent operations does not matter
    in a loop, where many iterations are in flight.
    """
    *rest, first = coefficients
    value: Scalar = t.like(first)
    for coefficient in reversed(rest):
        value = fma(t, value, coefficient)
    return value

"""Functions given by a polynomial on each of a row of intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agnesi.loops.math.polynomial import horner
from agnesi.loops.procedures import choose

if TYPE_CHECKING:
    from agnesi.loops.nodes import Scalar


class Piece(NamedTuple):
    """A polynomial in powers of the distance from the middle of an interval."""

    low: float
    high: float
    coefficients: tuple[float, ...]


def evaluate(x: Scalar, pieces: tuple[Piece, ...]) -> Scalar:
    """Return the value; outside of all intervals, the nearest polynomial goes on."""
    *rest, last = pieces
    value = _polynomial(x, last)
    for piece in reversed(rest):
        value = choose(x < piece.high, _polynomial(x, piece), value)
    return value


def _polynomial(x: Scalar, piece: Piece) -> Scalar:
    return horner(x - (piece.low + piece.high) / 2, piece.coefficients)

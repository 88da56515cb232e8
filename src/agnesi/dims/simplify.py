"""Quotients, remainders, minima and maxima of sizes, simplified by what is known of their range.

A size is never negative, a loop index lies between 0 and its extent less one.  That is enough to
see that ``(i*28 + j) // 28`` is ``i`` inside a loop over ``j < 28``.
"""

from __future__ import annotations

import threading
from functools import reduce
from typing import TYPE_CHECKING

from agnesi.dims.dim import (
    Dim,
    FloorDiv,
    Index,
    Max,
    Min,
    Mod,
    Poly,
    Size,
    Symbol,
    Terms,
    add,
    divide_exactly,
    from_terms,
    mul,
    sub,
    terms_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# An unknown end of an interval is None.
Bounds = tuple[int | None, int | None]


def bounds(size: Size) -> Bounds:
    """Return the lowest and highest number that the size can be, as far as is known."""
    if isinstance(size, int):
        return size, size
    # Remembered at the size, as it may be met many times within another one.
    known: Bounds | None = size.__dict__.get("bounds")
    if known is None:
        known = size.__dict__["bounds"] = _bounds(size)
    return known


def _bounds(size: Dim) -> Bounds:
    match size:
        case Symbol():
            return 0, None
        case Index(extent=extent):
            high = bounds(extent)[1]
            return 0, None if high is None else max(0, high - 1)
        case Poly(monomials):
            low: int | None = 0
            high = 0
            for monomial, factor in monomials:
                span = reduce(_multiply, (bounds(atom) for atom in monomial), (factor, factor))
                low = None if low is None or span[0] is None else low + span[0]
                high = None if high is None or span[1] is None else high + span[1]
            return low, high
        case FloorDiv(a, b):
            low, high = bounds(a)
            least = bounds(b)[0]
            if isinstance(b, int):
                return None if low is None else low // b, None if high is None else high // b
            if least is not None and least >= 1 and low is not None and low >= 0:
                return 0, high
            # A divisor that may be 0 counts as 1: the kernel's guard sees to it.
            return (0 if low is not None and low >= 0 else None), None
        case Mod(a, b):
            low, high = bounds(a)
            most = bounds(b)[1]
            top = None if most is None else max(0, most - 1)
            if low is not None and low >= 0 and high is not None:
                top = high if top is None else min(top, high)
            return 0, top
        case Min(a, b):
            (la, ha), (lb, hb) = bounds(a), bounds(b)
            high = ha if hb is None else hb if ha is None else min(ha, hb)
            return (None if la is None or lb is None else min(la, lb)), high
        case Max(a, b):
            (la, ha), (lb, hb) = bounds(a), bounds(b)
            low = la if lb is None else lb if la is None else max(la, lb)
            return low, (None if ha is None or hb is None else max(ha, hb))
        case _:
            return None, None


def _multiply(a: Bounds, b: Bounds) -> Bounds:
    if a == (0, 0) or b == (0, 0):
        return 0, 0
    if None not in a and None not in b:
        corners = [x * y for x in a for y in b if x is not None and y is not None]
        return min(corners), max(corners)
    (la, ha), (lb, hb) = a, b
    if la is not None and la >= 0 and lb is not None and lb >= 0:
        return la * lb, None if ha is None or hb is None else ha * hb
    if la is not None and la == ha:
        if la > 0:
            return None if lb is None else la * lb, None if hb is None else la * hb
        return None if hb is None else la * hb, None if lb is None else la * lb
    if lb is not None and lb == hb:
        return _multiply(b, a)
    if la is not None and la >= 0 and hb is not None and hb <= 0:
        return None, la * hb
    if ha is not None and ha <= 0 and lb is not None and lb >= 0:
        return None, ha * lb
    return None, None


def is_nonnegative(size: Size) -> bool:
    """Whether the size is provably at least 0, wherever its loop indices range."""
    if isinstance(size, int):
        return size >= 0
    # Remembered at the size itself, so that a size nobody holds any more is forgotten.
    known: bool | None = size.__dict__.get("is_nonnegative")
    return _decide(size) if known is None else known


class _Effort(threading.local):
    """How many more sizes one proof may look at; None outside a proof."""

    left: int | None = None


_effort = _Effort()
# Nested minima and maxima have more cases than anyone can wait for.
_MOST = 500


def _decide(size: Dim) -> bool:
    """Look for a proof; give up after a while."""
    outermost = _effort.left is None
    _effort.left = _MOST if _effort.left is None else _effort.left - 1
    if _effort.left <= 0:
        return False
    try:
        found = _is_nonnegative(size)
        if found or _effort.left > 0:
            size.__dict__["is_nonnegative"] = found
        return found
    finally:
        if outermost:
            _effort.left = None


def _is_nonnegative(size: Dim) -> bool:
    low = bounds(size)[0]
    if low is not None and low >= 0:
        return True
    # Put each loop index at the end of its range where the size is least.
    for atom in size.atoms:
        if isinstance(atom, Index):
            slope: Terms = {}
            rest: Terms = {}
            for monomial, factor in terms_of(size).items():
                if monomial.count(atom) == 1 and not any(
                    atom in a.atoms for a in monomial if a is not atom
                ):
                    cut = list(monomial)
                    cut.remove(atom)
                    slope[tuple(cut)] = factor
                elif any(atom in a.atoms for a in monomial):
                    return False
                else:
                    rest[monomial] = factor
            if not slope:
                continue
            steepness = from_terms(slope)
            if is_nonnegative(steepness):
                return is_nonnegative(from_terms(rest))
            if is_nonnegative(mul(steepness, -1)):
                last = mul(steepness, sub(atom.extent, 1))
                return is_nonnegative(add(from_terms(rest), last))
            return False
    for monomial, factor in terms_of(size).items():
        for atom in monomial:
            if len(monomial) > 1:
                continue
            others = sub(size, mul(factor, atom))
            if isinstance(atom, FloorDiv) and isinstance(atom.b, int):
                # (a - b + 1) / b <= a // b <= a / b, and all is an integer.
                end = atom.a if factor < 0 else add(atom.a, 1 - atom.b)
                if is_nonnegative(add(mul(others, atom.b), mul(end, factor), atom.b - 1)):
                    return True
            if not isinstance(atom, Max | Min):
                continue
            either = (is_nonnegative(add(others, mul(factor, s))) for s in (atom.a, atom.b))
            # max(a, b) is at least each of them, min(a, b) one of them.
            if any(either) if isinstance(atom, Max) == (factor > 0) else all(either):
                return True
    return False


def at_least(a: Size, b: Size) -> bool:
    """Whether ``a >= b`` is provable."""
    return is_nonnegative(sub(a, b))


def floordiv(a: Size, b: Size) -> Size:
    """Return ``a // b``; the divisor is positive.

    Raises:
        ZeroDivisionError: the divisor is the number 0.
    """
    if isinstance(b, int):
        if b == 0:
            raise ZeroDivisionError("a size was divided by 0")
        if isinstance(a, int):
            return a // b
        if b == 1:
            return a
    whole, rest = divide_exactly(a, b)
    if rest == 0 or (is_nonnegative(rest) and at_least(sub(b, 1), rest)):
        return whole
    if isinstance(rest, FloorDiv) and isinstance(b, int) and isinstance(rest.b, int):
        return add(whole, floordiv(rest.a, rest.b * b))
    return add(whole, FloorDiv(rest, b))


def mod(a: Size, b: Size) -> Size:
    """Return ``a % b``; the divisor is positive.

    Raises:
        ZeroDivisionError: the divisor is the number 0.
    """
    if isinstance(b, int):
        if b == 0:
            raise ZeroDivisionError("a size was divided by 0")
        if isinstance(a, int):
            return a % b
        if b == 1:
            return 0
    _, rest = divide_exactly(a, b)
    if rest == 0 or (is_nonnegative(rest) and at_least(sub(b, 1), rest)):
        return rest
    return Mod(rest, b)


def minimum(a: Size, b: Size) -> Size:
    """Return the smaller."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    if at_least(b, a):
        return a
    if at_least(a, b):
        return b
    return Min(*_in_order(a, b))


def maximum(a: Size, b: Size) -> Size:
    """Return the larger."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    if at_least(a, b):
        return a
    if at_least(b, a):
        return b
    return Max(*_in_order(a, b))


def _in_order(a: Size, b: Size) -> tuple[Size, Size]:
    def key(size: Size) -> tuple[int, str, int]:
        return (0, "", size) if isinstance(size, int) else size.key

    return (a, b) if key(a) <= key(b) else (b, a)


def ceildiv(a: Size, b: Size) -> Size:
    """Return ``a / b`` rounded up."""
    return floordiv(add(a, b, -1), b)


def linear_in(size: Size, index: Index) -> tuple[Size, Size] | None:
    """Return ``slope`` and ``rest`` of ``slope*index + rest``; None if the size is not so."""
    slope: Terms = {}
    rest: Terms = {}
    for monomial, factor in terms_of(size).items():
        if not any(index in atom.atoms for atom in monomial):
            rest[monomial] = factor
            continue
        others = tuple(a for a in monomial if a is not index)
        if len(others) != len(monomial) - 1 or any(index in a.atoms for a in others):
            return None
        slope[others] = factor
    return from_terms(slope), from_terms(rest)


def substitute(size: Size, replace: Callable[[Dim], Size | None]) -> Size:
    """Return the size with parts replaced, outermost first; ``None`` keeps and looks inside."""
    return _substituted(size, replace, {})


def _substituted(size: Size, replace: Callable[[Dim], Size | None], known: dict[Dim, Size]) -> Size:
    if isinstance(size, int):
        return size
    if size not in known:
        new = replace(size)
        known[size] = _inside(size, replace, known) if new is None else new
    return known[size]


def _inside(size: Dim, replace: Callable[[Dim], Size | None], known: dict[Dim, Size]) -> Size:
    def part(size: Size) -> Size:
        return _substituted(size, replace, known)

    match size:
        case Poly(monomials):
            parts = [
                reduce(mul, (part(a) for a in monomial), factor) for monomial, factor in monomials
            ]
            return add(*parts)
        case FloorDiv(a, b):
            return floordiv(part(a), part(b))
        case Mod(a, b):
            return mod(part(a), part(b))
        case Min(a, b):
            return minimum(part(a), part(b))
        case Max(a, b):
            return maximum(part(a), part(b))
        case _:
            return size


__all__ = [
    "at_least",
    "bounds",
    "ceildiv",
    "floordiv",
    "is_nonnegative",
    "linear_in",
    "maximum",
    "minimum",
    "mod",
    "substitute",
]

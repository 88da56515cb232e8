"""The algebra of sizes against Python's own integers, over random expressions and small numbers."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agnesi as ag
from agnesi.dims.dim import (
    Dim,
    Size,
    Value,
    add,
    divide_exactly,
    evaluate,
    fresh_index,
    fresh_symbol,
    mul,
    named_symbol,
    neg,
    product,
    sub,
    value_of,
)
from agnesi.dims.simplify import (
    at_least,
    bounds,
    ceildiv,
    floordiv,
    is_nonnegative,
    maximum,
    minimum,
    mod,
    substitute,
)

if TYPE_CHECKING:
    from collections.abc import Callable

N, M = fresh_symbol("n"), fresh_symbol("m")
I = fresh_index("i", N)
J = fresh_index("j", 4)
# A value may be negative, unlike a size.
V = value_of(ag.scalar("v", dtype="i64"))


@dataclass(frozen=True)
class Pair:
    """The same expression twice: in normal form, and as a function of the numbers of atoms."""

    size: Size
    plain: Callable[[dict[Dim, int]], int]
    text: str

    def __repr__(self) -> str:
        return self.text


ATOMS = [Pair(a, lambda known, a=a: known[a], str(a)) for a in (N, M, I, J, V)]
NUMBERS = st.integers(-7, 9).map(lambda c: Pair(c, lambda known: c, str(c)))


def _both(
    op: Callable[..., Size], plain: Callable[[int, int], int], sign: str
) -> Callable[..., Pair]:
    def combine(a: Pair, b: Pair) -> Pair:
        return Pair(
            op(a.size, b.size),
            lambda known: plain(a.plain(known), b.plain(known)),
            f"({a} {sign} {b})",
        )

    return combine


SUM = _both(add, lambda a, b: a + b, "+")
OPERATIONS = (
    SUM,
    _both(sub, lambda a, b: a - b, "-"),
    _both(mul, lambda a, b: a * b, "*"),
    _both(minimum, min, "min"),
    _both(maximum, max, "max"),
)
DIVISIONS = (
    _both(floordiv, lambda a, b: a // b, "//"),
    _both(mod, lambda a, b: a % b, "%"),
    _both(ceildiv, lambda a, b: -(-a // b), "/^"),
)
# m is never 0 below, so that it may divide.
DIVISORS = st.one_of(
    st.integers(1, 6).map(lambda c: Pair(c, lambda known: c, str(c))),
    st.sampled_from(
        [ATOMS[1], SUM(ATOMS[0], Pair(1, lambda known: 1, "1"))]
        + [Pair(mul(c, M), lambda known, c=c: c * known[M], f"{c}*m") for c in (2, 3)]
    ),
)


def _extend(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return st.one_of(
        st.builds(lambda op, a, b: op(a, b), st.sampled_from(OPERATIONS), inner, inner),
        st.builds(lambda op, a, b: op(a, b), st.sampled_from(DIVISIONS), inner, DIVISORS),
    )


PAIRS = st.recursive(st.one_of(st.sampled_from(ATOMS), NUMBERS), _extend, max_leaves=8)


def _numbers() -> list[dict[Dim, int]]:
    """Numbers for the atoms; an index stays within its extent."""
    return [
        {N: n, M: m, I: i, J: j, V: v}
        for n, m, v in itertools.product((1, 2, 5), (1, 3, 4), (-3, 0, 2))
        for i in {0, n - 1}
        for j in (0, 3)
    ]


KNOWN = _numbers()


@given(PAIRS)
def test_normal_form_has_the_value(pair: Pair):
    for known in KNOWN:
        assert evaluate(pair.size, known) == pair.plain(known)


@given(PAIRS)
def test_bounds_hold(pair: Pair):
    low, high = bounds(pair.size)
    safe = is_nonnegative(pair.size)
    for known in KNOWN:
        value = pair.plain(known)
        assert low is None or low <= value
        assert high is None or value <= high
        assert value >= 0 or not safe


@given(PAIRS)
def test_numbers_put_in_give_the_number(pair: Pair):
    for known in KNOWN[::5]:
        assert substitute(pair.size, known.get) == pair.plain(known)


@given(PAIRS, PAIRS)
def test_sizes_put_in_give_the_same(pair: Pair, other: Pair):
    put = substitute(pair.size, {V: other.size}.get)  # pyright: ignore[reportArgumentType]
    for known in KNOWN[::3]:
        inner = {**known, V: other.plain(known)}
        assert evaluate(put, known) == pair.plain(inner)


@given(PAIRS, PAIRS, PAIRS)
def test_equal_polynomials_are_one_object(a: Pair, b: Pair, c: Pair):
    x, y, z = a.size, b.size, c.size
    assert _same(add(x, y), add(y, x))
    assert _same(mul(x, y), mul(y, x))
    assert _same(add(x, y, neg(y)), x)
    assert _same(sub(x, y), neg(sub(y, x)))
    assert _same(mul(mul(x, y), z), mul(x, mul(y, z)))
    assert sub(x, x) == 0
    assert _same(minimum(x, y), minimum(y, x))


@given(PAIRS, PAIRS)
def test_division_with_rest(a: Pair, b: Pair):
    quotient, rest = divide_exactly(a.size, b.size)
    assert _same(add(mul(quotient, b.size), rest), a.size)


@given(PAIRS)
def test_pickles_to_itself(pair: Pair):
    assert _same(pickle.loads(pickle.dumps(pair.size)), pair.size)


def _same(a: Size, b: Size) -> bool:
    return a == b if isinstance(a, int) else a is b


def test_what_a_kernel_needs_is_seen():
    flat = add(mul(I, 28), J)
    assert floordiv(flat, 28) is I
    assert mod(flat, 28) is J
    assert floordiv(add(mul(I, N), I), N) is I
    assert floordiv(mul(N, M), N) is M
    assert mod(mul(N, M), N) == 0
    assert floordiv(floordiv(V, 2), 3) is floordiv(V, 6)
    whole = add(mul(floordiv(V, 4), 4), mod(V, 4))
    assert whole is V
    assert at_least(N, I) and at_least(sub(N, 1), I)
    assert minimum(I, N) is I
    assert maximum(0, N) is N
    assert maximum(0, sub(N, I)) is sub(N, I)
    assert ceildiv(mul(N, 4), 4) is N
    assert is_nonnegative(sub(N, minimum(3, N)))
    assert is_nonnegative(sub(maximum(N, M), M))


@pytest.mark.parametrize("operation", [floordiv, mod])
def test_division_by_the_number_0_is_an_error(operation: Callable[..., Size]):
    with pytest.raises(ZeroDivisionError):
        operation(N, 0)


def test_a_divisor_that_turns_out_to_be_0_counts_as_1():
    assert evaluate(floordiv(V, N), {V: 7, N: 0}) == 7
    assert evaluate(mod(V, N), {V: 7, N: 0}) == 0


def test_names_are_sizes():
    assert named_symbol("batch") is named_symbol("batch")
    assert fresh_symbol("batch") is not fresh_symbol("batch")
    assert fresh_symbol("batch") is not named_symbol("batch")
    assert product([]) == 1 and product([N, 2, M]) is mul(mul(M, N), 2)


def test_values_are_of_their_scalar():
    scalar = ag.scalar("k", dtype="i64")
    assert value_of(scalar) is Value(scalar)
    assert add(value_of(scalar), 1).values == (scalar,)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(KeyError):
        evaluate(add(value_of(scalar), N), {N: 1})


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (add(mul(N, 4), J, -1), "j + 4*n - 1"),
        (sub(3, N), "-n + 3"),
        (floordiv(add(N, 1), 2), "((n + 1) // 2)"),
        (mod(N, add(M, 1)), "(n % (m + 1))"),
        (minimum(N, 8), "min(8, n)"),
        (mul(N, N), "n*n"),
    ],
    ids=str,
)
def test_text(size: Dim, text: str):
    assert str(size) == text


def test_each_part_is_replaced_once():
    asked: list[Dim] = []
    size: Size = fresh_symbol("n")
    for _ in range(6):
        size = add(minimum(2, size), maximum(0, sub(size, 2)))
    assert substitute(size, asked.append) is size
    assert len(asked) == len(set(asked))

"""Sizes: normal form, simplification and proofs, held against plain integer arithmetic."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnesi.dims.dim import (
    Dim,
    Index,
    Size,
    add,
    evaluate,
    fresh_index,
    fresh_symbol,
    mul,
    named_symbol,
    neg,
    sub,
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

N, M = named_symbol("n"), named_symbol("m")
I, J = fresh_index("i", N), fresh_index("j", 5)

TWO: dict[str, tuple[Callable[[Size, Size], Size], Callable[[int, int], int]]] = {
    "add": (add, lambda a, b: a + b),
    "sub": (sub, lambda a, b: a - b),
    "mul": (mul, lambda a, b: a * b),
    "min": (minimum, min),
    "max": (maximum, max),
}
BY: dict[str, tuple[Callable[[Size, Size], Size], Callable[[int, int], int]]] = {
    "floordiv": (floordiv, lambda a, b: a // b),
    "mod": (mod, lambda a, b: a % b),
    "ceildiv": (ceildiv, lambda a, b: -(-a // b)),
}
# A tree of operations, evaluated both ways.
leaves = st.one_of(st.integers(-6, 6), st.sampled_from([N, M, I, J]))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(sorted(TWO)), inner, inner),
        st.tuples(st.sampled_from(sorted(BY)), inner, st.sampled_from([1, 2, 3, 5, 28, "n"])),
    ),
    max_leaves=8,
)


def simplified(tree: object) -> Size:
    match tree:
        case (str() as op, a, b):
            right = N if b == "n" else simplified(b)
            return (TWO | BY)[op][0](simplified(a), right)
        case int() | Dim():
            return tree
        case _:
            raise AssertionError(tree)


def plain(tree: object, known: dict[Dim, int]) -> int:
    match tree:
        case (str() as op, a, b):
            right = known[N] if b == "n" else plain(b, known)
            return (TWO | BY)[op][1](plain(a, known), right)
        case int():
            return tree
        case Dim():
            return known[tree]
        case _:
            raise AssertionError(tree)


def assignments() -> list[dict[Dim, int]]:
    return [
        {N: n, M: m, I: i, J: j}
        for n, m in itertools.product((1, 2, 7), (0, 1, 3))
        for i in {0, n - 1}
        for j in (0, 4)
    ]


@given(trees)
def test_simplifying_keeps_the_number(tree: object):
    size = simplified(tree)
    for known in assignments():
        assert evaluate(size, known) == plain(tree, known), (tree, size, known)


@given(trees, trees)
def test_what_is_proved_is_true(a: object, b: object):
    x, y = simplified(a), simplified(b)
    low, high = bounds(x)
    proved = at_least(x, y)
    for known in assignments():
        number = evaluate(x, known)
        assert low is None or number >= low
        assert high is None or number <= high
        assert not proved or number >= evaluate(y, known)


@given(trees)
def test_substituting_then_evaluating_is_evaluating(tree: object):
    size = simplified(tree)
    for n in (1, 4):
        fixed = substitute(size, lambda d, n=n: n if d is N else None)
        rest: dict[Dim, int] = {M: 2, I: 0, J: 3}
        # An index keeps its own extent: only sizes of its range are tried.
        assert evaluate(fixed, {**rest, N: n}) == evaluate(size, {**rest, N: n})


def test_equal_polynomials_are_one_object():
    assert add(N, M) is add(M, N)
    assert mul(add(N, 1), add(N, -1)) is sub(mul(N, N), 1)
    assert sub(add(N, M), M) is N
    assert sub(N, N) == 0
    assert neg(neg(N)) is N
    assert fresh_symbol("n") is not fresh_symbol("n")
    assert named_symbol("n") is N


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (add(mul(4, N), M, -1), "m + 4*n - 1"),
        (floordiv(add(N, 3), 4), "((n + 3) // 4)"),
        (mod(N, 2), "(n % 2)"),
        (mul(N, M), "m*n"),
    ],
)
def test_sizes_print(size: Size, text: str):
    shown = str(size)
    assert sorted(shown) == sorted(text)


def test_indices_of_a_matrix_come_apart_again():
    i, j = fresh_index("i", N), fresh_index("j", M)
    flat = add(mul(i, M), j)
    assert floordiv(flat, M) is i
    assert mod(flat, M) is j
    k = fresh_index("k", mul(N, 28))
    assert add(mul(floordiv(k, 28), 28), mod(k, 28)) is k


def test_ranges_of_indices_are_known():
    i: Index = fresh_index("i", N)
    assert is_nonnegative(sub(sub(N, 1), i))
    assert not is_nonnegative(sub(sub(N, 2), i))
    assert minimum(N, add(N, 3)) is N
    assert maximum(0, N) is N


def test_dividing_by_zero_is_an_error():
    for divide in (floordiv, mod):
        with pytest.raises(ZeroDivisionError):
            divide(N, 0)

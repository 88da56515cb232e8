"""Counts and choices: their distributions, what they refuse, and their derivatives."""

from __future__ import annotations

import inspect
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

import agnesi as ag
from agnesi.testing import interpreted, looped, native

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array

KEY = ag.input("key", "u32[2]")
GIVEN = np.array([99, 3], np.uint32)
N = 30_000


def fit(values: Array, law: Any) -> float:
    """Return how likely counts are as far from a distribution as these, by chi-squared."""
    low, high = int(law.ppf(1e-3)), int(law.ppf(1 - 1e-3))
    parts = min(60, high - low + 2)
    inner = np.unique(np.floor(np.linspace(low, high, parts)))
    edges = np.array([-np.inf, *inner, np.inf])
    expected = np.diff(law.cdf(edges)) * values.size
    found, _ = np.histogram(values, np.array([-np.inf, *(inner + 0.5), np.inf]))
    few = expected < 5
    found = np.append(found[~few], found[few].sum())
    expected = np.append(expected[~few], expected[few].sum())
    some = expected > 0
    assert (found[~some] == 0).all()
    if some.sum() < 2:
        return 1.0
    return float(stats.chisquare(found[some], expected[some], sum_check=False).pvalue)


COUNTS: dict[str, tuple[Any, Any]] = {
    **{
        f"poisson of {lam:g}": (
            lambda k, lam=lam: ag.random.poisson(k, lam, (N,)),
            stats.poisson(lam),
        )
        for lam in (0.0, 0.4, 4.0, 9.99, 10.0, 60.0, 1e5, 1e10)
    },
    **{
        f"binomial of {n} and {p:g}": (
            lambda k, n=n, p=p: ag.random.binomial(k, n, p, (N,)),
            stats.binom(n, p),
        )
        for n, p in (
            (0, 0.5),
            (1, 0.3),
            (12, 0.9),
            (19, 0.5),
            (25, 0.5),
            (300, 0.97),
            (10**6, 1e-6),
            (10**9, 0.4),
            (7, 0.0),
            (7, 1.0),
        )
    },
    "bernoulli": (lambda k: ag.random.bernoulli(k, 0.3, (N,), dtype="i64"), stats.bernoulli(0.3)),
    "dice": (lambda k: ag.random.integers(k, 1, 7, (N,)), stats.randint(1, 7)),
    "small dice": (
        lambda k: ag.random.integers(k, -3, 100, (N,), dtype="i8"),
        stats.randint(-3, 100),
    ),
    "categorical": (
        lambda k: ag.random.categorical(k, np.log([0.1, 0.2, 0.7]), (N,)),
        stats.rv_discrete(values=(range(3), [0.1, 0.2, 0.7])),
    ),
    "weighted choice": (
        lambda k: ag.random.choice(k, 3, (N,), p=[1, 2, 7]),
        stats.rv_discrete(values=(range(3), [0.1, 0.2, 0.7])),
    ),
    "choice": (lambda k: ag.random.choice(k, 5, (N,)), stats.randint(0, 5)),
}


@pytest.fixture(scope="module", name="drawn")
def _drawn() -> dict[str, Array]:
    """Draw all of them in one function: compiling is what takes time."""
    f = ag.function([KEY], {name: draw(KEY) for name, (draw, _) in COUNTS.items()})
    return f(GIVEN)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_pass_chi_squared(name: str, drawn: dict[str, Array]):
    law, values = COUNTS[name][1], drawn[name].astype(np.float64)
    assert fit(values, law) > 1e-3
    spread = law.std()
    assert abs(values.mean() - law.mean()) <= 4.5 * spread / np.sqrt(N)
    assert abs(values.var() - law.var()) <= 0.06 * law.var()


def test_a_wrong_distribution_does_not_pass(drawn: dict[str, Array]):
    assert fit(drawn["poisson of 60"].astype(np.float64), stats.poisson(60.5)) < 1e-6
    assert fit(drawn["binomial of 25 and 0.5"].astype(np.float64), stats.binom(26, 0.49)) < 1e-6


def test_integers_reach_both_ends_of_every_dtype():
    ranges = {
        "i8": (-128, 128),
        "u8": (0, 256),
        "i32": (-(2**31), 2**31),
        "i64": (-(2**63), 2**63),
        "u64": (0, 2**64),
    }
    f = ag.function(
        [KEY], {d: ag.random.integers(KEY, a, b, (N,), dtype=d) for d, (a, b) in ranges.items()}
    )
    for dtype, values in f(GIVEN).items():
        low, high = ranges[dtype]
        assert values.dtype == np.dtype(dtype.replace("i", "int").replace("u", "uint"))
        share = (values.astype(np.float64) - low) / (high - low)
        assert share.min() < 0.01
        assert share.max() > 0.99
        assert stats.kstest(share, stats.uniform().cdf).pvalue > 1e-3 or high - low < 1000


def test_integers_take_symbolic_bounds_that_broadcast():
    low, high = ag.input("low", "i64[n, 1]"), ag.input("high", "i32[3]")
    f = ag.function([KEY, low, high], ag.random.integers(KEY, low, high))
    found = f(GIVEN, [[0], [5]], [1, 6, 5])
    assert found[0, 0] == 0
    assert found[1].tolist() == [-1, 5, -1]
    assert 0 <= found[0, 1] < 6
    wide = ag.function([KEY, low], ag.random.integers(KEY, low, 2**62))
    assert wide(GIVEN, [[2**62 - 1]]) == [[2**62 - 1]]


def test_how_many_outcomes_there_are_may_be_known_in_a_call():
    key = ag.random.key(3)
    p, n = ag.input("p", "f64[q]"), ag.input("n", "i64[]")
    f = ag.function([p, n], ag.random.multinomial(key, n, p, (n, 3)))
    weights = [0.2, 0.5, 0.3, 1.0]
    known = ag.random.multinomial(key, 5, weights, (5, 3)).eval()
    np.testing.assert_array_equal(f(weights, 5), known)
    np.testing.assert_array_equal(f([0.0, 0.0], 5), np.full((5, 3, 2), -1))


def test_a_multinomial_count_is_a_binomial_one():
    f = ag.function(
        [KEY],
        [
            ag.random.multinomial(KEY, 20, [0.1, 0.2, 0.7, 0.0], (N // 10,)),
            ag.random.multinomial(KEY, [[3], [0]], [[1, 1], [1, 3]]),
        ],
    )
    counts, small = f(GIVEN)
    assert (counts.sum(1) == 20).all()
    assert (counts[:, 3] == 0).all()
    for column, p in enumerate((0.1, 0.2, 0.7)):
        assert fit(counts[:, column].astype(np.float64), stats.binom(20, p)) > 1e-3
    assert abs(np.corrcoef(counts[:, 0], counts[:, 1])[0, 1] + np.sqrt(0.1 * 0.2 / 0.72)) < 0.07
    assert small.shape == (2, 2, 2)
    assert small.sum(-1).tolist() == [[3, 3], [0, 0]]


def test_interpreters_draw_the_same_counts():
    keys, n = ag.input("keys", "u32[m, 2]"), ag.input("n", "i64[m, 5]")
    outputs = [
        ag.vectorize(lambda k, c: ag.random.binomial(k, c, 0.4))(keys, n),
        ag.vectorize(lambda k, c: ag.random.poisson(k, c / 2))(keys, n),
        ag.vectorize(lambda k, c: ag.random.multinomial(k, c, [0.5, 0.2, 0.3]))(keys, n),
        ag.vectorize(lambda k, c: ag.random.bernoulli(k, c / 100))(keys, n),
        ag.vectorize(lambda k, c: ag.random.integers(k, c, dtype="i32"))(keys, n),
        ag.vectorize(lambda k: ag.random.categorical(k, [0.0, 1.0], (30,)))(keys),
        ag.vectorize(lambda k: ag.random.permutation(k, 70))(keys),
    ]
    given = [
        np.array([[1, 2], [3, 4]], np.uint32),
        np.array([[1, 5, 30, 100, 2], [40, 41, 7, 3, 90]]),
    ]
    machine = native([keys, n], outputs)(given)
    for evaluator in (looped, interpreted):
        for one, other in zip(machine, evaluator([keys, n], outputs)(given), strict=True):
            assert (one == other).all()


def test_permutations_are_equally_likely():
    count = 6000
    keys = ag.random.split(ag.random.key(3), count)
    f = ag.function([], ag.vectorize(lambda k: ag.random.permutation(k, 4))(keys))
    found, times = np.unique(f(), axis=0, return_counts=True)
    assert found.tolist() == sorted(map(list, permutations(range(4))))
    assert stats.chisquare(times).pvalue > 1e-3


def test_permutations_of_arrays_move_slices():
    x, n = ag.input("x", "f32[n, 3]"), ag.input("count", "i64[]")
    f = ag.function(
        [KEY, x, n],
        [
            ag.random.permutation(KEY, x),
            ag.random.permutation(KEY, x, axis=1),
            ag.random.permutation(KEY, n),
            ag.random.permutation(KEY, x.shape[0]),
        ],
    )
    given = np.arange(300, dtype=np.float32).reshape(100, 3)
    rows, columns, numbers, order = f(GIVEN, given, 1000)
    assert (rows == given[order]).all()
    assert (np.sort(columns, 1) == given).all()
    assert (np.sort(numbers) == np.arange(1000)).all()
    assert (numbers != np.arange(1000)).any()


def test_choices_without_replacement_are_different_ones():
    f = ag.function(
        [KEY],
        [
            ag.random.choice(KEY, 50, (7, 7), replace=False),
            ag.random.choice(KEY, 10, (9,), replace=False, p=[0, *range(1, 10)]),
            ag.random.choice(KEY, np.arange(12.0).reshape(3, 4), (5,), axis=1),
        ],
    )
    some, weighted, columns = f(GIVEN)
    assert len(np.unique(some)) == 49
    assert sorted(weighted) == list(range(1, 10))
    assert columns.shape == (3, 5)
    # The first of weighted ones is chosen by weight.
    keys = ag.random.split(ag.random.key(5), 4000)
    draw = ag.vectorize(lambda k: ag.random.choice(k, 3, (2,), replace=False, p=[1, 2, 7]))
    pairs = ag.function([], draw(keys))()
    law = stats.rv_discrete(values=(range(3), [0.1, 0.2, 0.7]))
    assert fit(pairs[:, 0].astype(np.float64), law) > 1e-3
    second = (pairs == [2, 0]).all(1).mean()
    assert second == pytest.approx(0.7 / 3, abs=0.025)


def test_choices_that_only_a_call_can_refuse():
    n, p = ag.input("n", "i64[]"), ag.input("p", "f64[3]")
    f = ag.function([KEY, n], ag.random.choice(KEY, n, (4,), replace=False))
    assert len(f(GIVEN, 4)) == 4
    with pytest.raises(ag.IndexOutOfBounds):
        f(GIVEN, 3)
    g = ag.function([KEY, p], [ag.random.multinomial(KEY, 3, p), ag.random.binomial(KEY, 3, p)])
    counts, single = g(GIVEN, [1.0, -1.0, 2.0])
    assert counts[1:].tolist() == [-1, -1]
    assert single[1:].tolist() == [-1, -1]
    assert (g(GIVEN, [0.0, 0.0, 0.0])[0] == -1).all()
    lam = ag.input("lam", "f64[4]")
    h = ag.function([KEY, lam], ag.random.poisson(KEY, lam))
    assert h(GIVEN, [-1.0, np.nan, np.inf, 0.0]).tolist() == [-1, -1, -1, 0]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: ag.random.integers(KEY, 3, 3), "none from 3"),
        (lambda: ag.random.integers(KEY, 0.5), "bounds are integers"),
        (lambda: ag.random.integers(KEY, 0, 300, dtype="u8"), "bounds are integers of u8"),
        (lambda: ag.random.integers(KEY, 3, dtype="f32"), "the dtype is an integer"),
        (lambda: ag.random.integers(KEY, ag.vector("x")), "bounds are integers"),
        (lambda: ag.random.multinomial(KEY, -1, [1.0]), "number of trials"),
        (lambda: ag.random.multinomial(KEY, 1, [-1.0, 2.0]), "weights"),
        (lambda: ag.random.multinomial(KEY, 1, 0.5), "weights"),
        (lambda: ag.random.choice(KEY, 3, (4,), replace=False), "cannot be chosen of 3"),
        (lambda: ag.random.choice(KEY, 3, (4,), p=[1, 2]), "choice"),
        (lambda: ag.random.choice(KEY, 0, (4,)), "nothing to choose from"),
        (lambda: ag.random.choice(KEY, -2, (4,)), "negative"),
        (lambda: ag.random.choice(KEY, 2.5, (4,)), "a size is an integer"),
        (lambda: ag.random.permutation(KEY, -1), "negative"),
        (lambda: ag.random.permutation(KEY, ag.matrix("x"), 2), "no axis 2"),
        (lambda: ag.random.categorical(KEY, 0.5), "no axes"),
        (lambda: ag.random.bernoulli(KEY, [0.5, 1.5]), "between 0 and 1"),
    ],
)
def test_what_is_known_to_be_bad_is_refused(draw: Any, words: str):
    with pytest.raises(ag.GraphTypeError, match=words):
        draw()


def test_counts_have_no_derivatives():
    p = ag.input("p", "f64[]")
    for draw in (
        ag.random.binomial(KEY, 5, p, (3,), dtype="f64"),
        ag.random.poisson(KEY, p, (3,), dtype="f64"),
        ag.random.bernoulli(KEY, p, (3,), dtype="f64"),
    ):
        with pytest.raises(ag.GradientError, match="little by little"):
            ag.grad(draw.sum(), p)
    weighted = ag.random.bernoulli(KEY, 0.5, (3,)) * p
    f = ag.function([KEY, p], [weighted.sum(), ag.grad(weighted.sum(), p)])
    total, slope = f(GIVEN, 2.0)
    assert total == 2 * slope


def test_a_stream_draws_them_too():
    stream = ag.random.Stream(1)
    names = {
        "integers": (6,),
        "bernoulli": (0.5,),
        "binomial": (5, 0.5),
        "poisson": (3.0,),
        "permutation": (20,),
        "choice": (5,),
        "multinomial": (4, [0.5, 0.5]),
        "categorical": ([0.0, 0.0],),
        "gamma": (2.0,),
        "beta": (1.0, 1.0),
        "dirichlet": ([1.0, 1.0],),
    }
    draws = {name: getattr(stream, name)(*given) for name, given in names.items()}
    f = ag.function([], draws)
    calls = [f() for _ in range(12)]
    for name in names:
        assert len({str(call[name]) for call in calls}) > 1, name


def test_methods_of_a_stream_are_the_functions_without_their_key():
    for name in ag.random.__all__:
        function, method = getattr(ag.random, name), getattr(ag.random.Stream, name, None)
        if name in ("Stream", "key", "split", "fold_in"):
            continue
        assert method is not None, name
        first, *own = inspect.signature(method).parameters.values()
        assert first.name == "self"
        key, *others = inspect.signature(function).parameters.values()
        assert key.name == "key"
        assert [p.name for p in own] == [p.name for p in others]
        assert method.__doc__ and "key:" not in method.__doc__ and ">>>" not in method.__doc__

"""Sorting, searching, counting, taking and quantiles against NumPy, in every evaluator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import BOOL, REALS
from agnesi.graph.leaves import new_input
from agnesi.testing import check_gradient, interpreted, looped, native
from agnesi.testing.cases import type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Array

RANDOM = np.random.default_rng(5)
V = RANDOM.integers(-4, 5, 11).astype(np.float64)
W = np.array([2.0, np.nan, -1.0, np.inf, np.nan, -np.inf, 0.5, -0.0, 0.0])
X = RANDOM.normal(size=(3, 5, 4))
N = RANDOM.integers(0, 6, 9)
S = np.sort(RANDOM.normal(size=7))
EMPTY = np.zeros(0)
B = RANDOM.integers(0, 2, (3, 5)) == 1
I = RANDOM.integers(-5, 5, (3, 2, 4))
NAN = np.where(RANDOM.random((4, 6)) < 0.3, np.nan, RANDOM.normal(size=(4, 6)))
NAN[2] = np.nan
METHODS: list[Any] = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]
Q = np.array([0.0, 0.1, 0.25, 0.5, 0.77, 1.0])
JS = RANDOM.integers(0, 3, (5, 4))


WRONG: Any = "best"


def _flip_argsort(x: Array) -> Array:
    return len(x) - 1 - np.argsort(x[::-1], kind="stable")[::-1]


def _put(x: Array, *args: Any, **named: Any) -> Array:
    result = x.copy()
    np.put(result, *args, **named)
    return result


def _place(x: Array, mask: Array, values: Array) -> Array:
    result = x.copy()
    np.place(result, mask, values)
    return result


def _putmask(x: Array, mask: Array, values: Array) -> Array:
    result = x.copy()
    np.putmask(result, mask, values)
    return result


def _put_along(x: Array, i: Array, v: Any, axis: int | None) -> Array:
    result = x.copy()
    np.put_along_axis(result, i, v, axis)
    return result


def _sorted_argsort(x: Array, axis: int = -1) -> Array:
    return np.argsort(x, axis, kind="stable")


Row = tuple[str, "Callable[..., Any]", "Callable[..., Any]", tuple[Any, ...]]
SORTING: list[Row] = [
    ("sort", ag.sort, np.sort, (X,)),
    ("sort 0", lambda x: ag.sort(x, 0), lambda x: np.sort(x, 0), (X,)),
    ("sort None", lambda x: ag.sort(x, None), lambda x: np.sort(x, None), (X,)),
    ("sort nan", ag.sort, np.sort, (W,)),
    ("sort empty", ag.sort, np.sort, (EMPTY,)),
    ("sort bool", ag.sort, np.sort, (B,)),
    ("sort down", lambda x: ag.sort(x, descending=True), lambda x: np.sort(x)[::-1], (W,)),
    ("argsort", ag.argsort, _sorted_argsort, (V,)),
    ("argsort nan", ag.argsort, _sorted_argsort, (W,)),
    ("argsort 1", lambda x: ag.argsort(x, 1), lambda x: _sorted_argsort(x, 1), (X,)),
    ("argsort down", lambda x: ag.argsort(x, descending=True), _flip_argsort, (V,)),
    ("argsort long", ag.argsort, _sorted_argsort, (RANDOM.integers(0, 50, 300),)),
    ("topk", lambda x: ag.topk(x, 3), lambda x: (np.sort(x)[::-1][:3], _flip_argsort(x)[:3]), (V,)),
    (
        "topk least",
        lambda x: ag.topk(x, 2, 1, largest=False)[0],
        lambda x: np.sort(x, 1)[:, :2],
        (X,),
    ),
    (
        "lexsort",
        lambda a, b: ag.lexsort([a, b]),
        lambda a, b: np.lexsort([a, b]),
        (V, V[::-1] // 2),
    ),
    ("partition", lambda x: ag.partition(x, 4)[4], lambda x: np.partition(x, 4)[4], (V,)),
    (
        "argpartition",
        lambda x: x[ag.argpartition(x, 4)[4]],
        lambda x: x[np.argpartition(x, 4)[4]],
        (V,),
    ),
]
TAKING: list[Row] = [
    ("take", lambda x, i: ag.take(x, i), np.take, (X, I)),
    ("take 1", lambda x, i: ag.take(x, i, 1), lambda x, i: np.take(x, i, 1), (X, I)),
    (
        "take wrap",
        lambda x, i: ag.take(x, i * 7, 0, mode="wrap"),
        lambda x, i: np.take(x, i * 7, 0, mode="wrap"),
        (X, I),
    ),
    (
        "take clip",
        lambda x, i: ag.take(x, i * 7, 0, mode="clip"),
        lambda x, i: np.take(x, i * 7, 0, mode="clip"),
        (X, I),
    ),
    (
        "along",
        lambda x, i: ag.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i, 1),
        (X, I),
    ),
    (
        "along None",
        lambda x, i: ag.take_along_axis(x, i, None),
        lambda x, i: np.take_along_axis(x, i, None),
        (X, N),
    ),
    (
        "along broadcast",
        lambda x, i: ag.take_along_axis(x, i, 1),
        lambda x, i: np.take_along_axis(x, i, 1),
        (X, I[:1]),
    ),
    (
        "put along",
        lambda x, i: ag.put_along_axis(x, i, 7.0, 1),
        lambda x, i: _put_along(x, i, 7.0, 1),
        (X, I),
    ),
    (
        "put along None",
        lambda x, i: ag.put_along_axis(x, i, i + 0.5, None),
        lambda x, i: _put_along(x, i, i + 0.5, None),
        (X, N),
    ),
    ("put", lambda x, i: ag.put(x, i, [1, 2]), lambda x, i: _put(x, i, [1, 2]), (X, N)),
    (
        "put clip",
        lambda x, i: ag.put(x, i * 50, -1, mode="clip"),
        lambda x, i: _put(x, i * 50, -1, mode="clip"),
        (X, N),
    ),
    ("place", ag.place, _place, (X[..., 0], B, np.array([9.0, 8.0]))),
    ("putmask", ag.putmask, _putmask, (X[..., 0], B, np.array([9.0, 8.0]))),
    ("choose", lambda i, x: ag.choose(i, list(x)), lambda i, x: np.choose(i, list(x)), (JS, X)),
    (
        "choose wrap",
        lambda i, x: ag.choose(i * 2 - 3, list(x), mode="wrap"),
        lambda i, x: np.choose(i * 2 - 3, list(x), mode="wrap"),
        (JS, X),
    ),
    (
        "compress",
        lambda m, x: ag.compress(m, x, 0),
        lambda m, x: np.compress(m, x, 0),
        (B[:, 0], X),
    ),
    ("compress flat", ag.compress, np.compress, (B[0], X)),
    ("extract", ag.extract, np.extract, (B, X[..., 0])),
    ("one_hot", lambda i: ag.one_hot(i, 5), lambda i: np.eye(5, dtype="f4")[i], (JS,)),
    (
        "unravel",
        lambda i: ag.unravel_index(i, (2, 3, 4)),
        lambda i: np.unravel_index(i, (2, 3, 4)),
        (N,),
    ),
    (
        "ravel",
        lambda i, j: ag.ravel_multi_index((i, j), (6, 7)),
        lambda i, j: np.ravel_multi_index((i, j), (6, 7)),
        (N, N[::-1]),
    ),
    (
        "ravel clip",
        lambda i, j: ag.ravel_multi_index((i, j), (2, 3), mode="clip"),
        lambda i, j: np.ravel_multi_index((i, j), (2, 3), mode="clip"),
        (N, N[::-1]),
    ),
    ("where", lambda m: ag.where(m), np.where, (B,)),
]
SEARCHING: list[Row] = [
    ("searchsorted", ag.searchsorted, np.searchsorted, (S, X)),
    (
        "searchsorted right",
        lambda a, v: ag.searchsorted(a, v, "right"),
        lambda a, v: np.searchsorted(a, v, "right"),
        (np.sort(V), V),
    ),
    (
        "searchsorted sorter",
        lambda a, v: ag.searchsorted(a, v, sorter=ag.argsort(a)),
        lambda a, v: np.searchsorted(a, v, sorter=np.argsort(a)),
        (V, V[:4] + 0.5),
    ),
    ("searchsorted nan", ag.searchsorted, np.searchsorted, (np.sort(W), W)),
    ("searchsorted empty", ag.searchsorted, np.searchsorted, (EMPTY, V)),
    ("digitize", ag.digitize, np.digitize, (X, S)),
    ("digitize down", ag.digitize, np.digitize, (X, S[::-1])),
    (
        "digitize right",
        lambda x, b: ag.digitize(x, b, right=True),
        lambda x, b: np.digitize(x, b, right=True),
        (S, S[::-1]),
    ),
    ("bincount", ag.bincount, np.bincount, (N,)),
    ("bincount empty", ag.bincount, np.bincount, (N[:0],)),
    (
        "bincount weights",
        lambda x, w: ag.bincount(x, w, minlength=9),
        lambda x, w: np.bincount(x, w, minlength=9),
        (N, RANDOM.normal(size=9)),
    ),
    ("histogram", lambda x: ag.histogram(x, 4), lambda x: np.histogram(x, 4), (X,)),
    ("histogram edges", ag.histogram, np.histogram, (X, S)),
    (
        "histogram range",
        lambda x: ag.histogram(x, 3, (-1.0, 1.0), density=True),
        lambda x: np.histogram(x, 3, (-1.0, 1.0), density=True),
        (X,),
    ),
    ("histogram one", lambda x: ag.histogram(x, 3), lambda x: np.histogram(x, 3), (np.ones(4),)),
    (
        "unique",
        lambda x: ag.unique(x, True, True, True),
        lambda x: np.unique(x, True, True, True),
        (V,),
    ),
    ("unique nan", lambda x: ag.unique(x, True), lambda x: np.unique(x, True), (W,)),
    ("unique 2d", lambda x: ag.unique(x, False, True), lambda x: np.unique(x, False, True), (JS,)),
    ("unique empty", ag.unique, np.unique, (EMPTY,)),
    ("unique_all", ag.unique_all, np.unique_all, (W,)),
    ("unique_counts", ag.unique_counts, np.unique_counts, (JS,)),
    ("unique_inverse", ag.unique_inverse, np.unique_inverse, (JS,)),
    ("unique_values", ag.unique_values, lambda x: np.sort(np.unique_values(x)), (JS,)),
    ("repeat", ag.repeat, np.repeat, (V, RANDOM.integers(0, 4, 11))),
    (
        "repeat 1",
        lambda x, n: ag.repeat(x, n, 1),
        lambda x, n: np.repeat(x, n, 1),
        (X, np.array([2, 0, 1, 0, 3])),
    ),
    (
        "repeat one",
        lambda x, n: ag.repeat(x, n, 0),
        lambda x, n: np.repeat(x, n, 0),
        (X, N[:1] * 0 + 2),
    ),
    ("isin", ag.isin, np.isin, (JS, N[:2])),
    (
        "isin invert",
        lambda x, y: ag.isin(x, y, invert=True),
        lambda x, y: np.isin(x, y, invert=True),
        (V, S),
    ),
    ("isin empty", ag.isin, np.isin, (V, EMPTY)),
    ("union", ag.union1d, np.union1d, (V, N.astype(float))),
    ("intersect", ag.intersect1d, np.intersect1d, (V, N.astype(float))),
    ("setdiff", ag.setdiff1d, np.setdiff1d, (V, N.astype(float))),
    ("setxor", ag.setxor1d, np.setxor1d, (V, N.astype(float))),
]
QUANTILES: list[Row] = [
    ("median", ag.median, np.median, (X,)),
    ("median even", lambda x: ag.median(x, 2), lambda x: np.median(x, 2), (X,)),
    (
        "median axes",
        lambda x: ag.median(x, (0, 2), keepdims=True),
        lambda x: np.median(x, (0, 2), keepdims=True),
        (X,),
    ),
    ("median int", ag.median, np.median, (N,)),
    ("median nan", lambda x: ag.median(x, 1), lambda x: np.median(x, 1), (NAN,)),
    ("nanmedian", lambda x: ag.nanmedian(x, 1), lambda x: np.nanmedian(x, 1), (NAN,)),
    ("nanmedian all", ag.nanmedian, np.nanmedian, (NAN,)),
    *(
        (
            f"quantile {m}",
            lambda x, m=m: ag.quantile(x, Q, 1, method=m),
            lambda x, m=m: np.quantile(x, Q, 1, method=m),
            (X,),
        )
        for m in METHODS
    ),
    *(
        (
            f"nanquantile {m}",
            lambda x, m=m: ag.nanquantile(x, Q, 0, method=m, keepdims=True),
            lambda x, m=m: np.nanquantile(x, Q, 0, method=m, keepdims=True),
            (NAN,),
        )
        for m in METHODS[4:7]
    ),
    ("percentile", lambda x: ag.percentile(x, 30), lambda x: np.percentile(x, 30), (X,)),
    (
        "nanpercentile",
        lambda x: ag.nanpercentile(x, [5, 95], 1),
        lambda x: np.nanpercentile(x, [5, 95], 1),
        (NAN,),
    ),
    ("quantile of a symbolic q", ag.quantile, np.quantile, (V, Q)),
    (
        "quantile inf",
        lambda x: ag.quantile(x, 0.75),
        lambda x: np.quantile(x, 0.75),
        (np.array([1, 2, np.inf]),),
    ),
    ("trapezoid", ag.trapezoid, np.trapezoid, (X,)),
    (
        "trapezoid x",
        lambda y, x: ag.trapezoid(y, x, axis=1),
        lambda y, x: np.trapezoid(y, x, axis=1),
        (X, S[:5]),
    ),
]
TABLES = {"sorting": SORTING, "taking": TAKING, "searching": SEARCHING, "quantiles": QUANTILES}


@pytest.mark.parametrize("evaluator", [interpreted, looped, native])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_are_numpys(table: str, evaluator: Any):
    """All functions of a table in one program, with sizes that are not known."""
    inputs: list[Any] = []
    arrays: list[Array] = []
    outputs: list[Any] = []
    expected: list[tuple[str, Array]] = []
    for name, function, reference, given in TABLES[table]:
        # An axis that is taken apart has to have a known size; so has one of size 1.
        symbolic = "choose" not in name
        own = [new_input(None, type_of(a, "x" if symbolic else None)) for a in given]
        inputs += own
        arrays += given
        found, wanted = function(*own), reference(*given)
        several = isinstance(found, tuple)
        outputs += found if several else (found,)
        expected += [(name, np.asarray(w)) for w in (wanted if several else (wanted,))]
    results = evaluator(inputs, outputs)(arrays)
    assert len(results) == len(expected)
    for actual, (name, wanted) in zip(results, expected, strict=True):
        assert actual.shape == wanted.shape, name
        if wanted.dtype.kind in "biu":
            assert actual.dtype == wanted.dtype, name
            np.testing.assert_array_equal(actual, wanted, err_msg=name)
        else:
            np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("dtype", [d for d in REALS if d.numpy.kind in "biuf"], ids=str)
def test_sorting_keeps_equal_elements_in_order(dtype: Any):
    values = np.random.default_rng(0).integers(0, 2 if dtype is BOOL else 7, (2, 70))
    array = values.astype(dtype.numpy)
    x = new_input("x", type_of(array, "x"))
    found = native([x], [ag.argsort(x), ag.sort(x), ag.argsort(x, 0, descending=True)])([array])
    np.testing.assert_array_equal(found[0], np.argsort(array, kind="stable"))
    np.testing.assert_array_equal(found[1], np.sort(array))
    np.testing.assert_array_equal(found[2], 1 - np.argsort(array[::-1], 0, kind="stable")[::-1])


SMOOTH: dict[str, tuple[Callable[..., Any], tuple[Array, ...]]] = {
    "sort": (ag.sort, (X,)),
    "topk": (lambda x: ag.topk(x, 2, 1)[0], (X,)),
    "median": (lambda x: ag.median(x, 1), (X,)),
    "quantile": (lambda x: ag.quantile(x, Q, 2), (X,)),
    "nanmedian": (lambda x: ag.nanmedian(x, 0), (X,)),
    "partition": (lambda x: ag.partition(x, 1), (X,)),
    "take": (lambda x: ag.take(x, [0, 0, 2], 1, mode="clip") ** 2, (X,)),
    "take_along_axis": (lambda x: ag.take_along_axis(x, I, 1) ** 2, (X,)),
    "put_along_axis": (lambda x, y: ag.put_along_axis(x, I, y, 1) ** 2, (X, X[:, :2])),
    "choose": (lambda x: ag.choose(JS, list(x)) ** 2, (X,)),
    "place": (lambda x, y: ag.place(x, B, y) ** 2, (X[..., 0], S)),
    "bincount": (lambda w: ag.bincount(N, w, minlength=6)[:6] ** 2, (RANDOM.normal(size=9),)),
    "trapezoid": (ag.trapezoid, (X, S[:4])),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients(name: str):
    function, arrays = SMOOTH[name]
    check_gradient(
        lambda *xs: function(*xs).sum() if name == "bincount" else function(*xs),
        *arrays,
        evaluator=interpreted,
    )


def test_bad_calls_say_why():
    x, n = ag.input("x", "f32[3, 4]"), ag.input("n", "i64[5]")
    for call, words in (
        (lambda: ag.take(x, [4], 0), "out of bounds for size 3"),
        (lambda: ag.take(x, n, 0, mode=WRONG), "mode is"),
        (lambda: ag.take(x, x), "indices are integers"),
        (lambda: ag.take_along_axis(x, n, 0), "as many axes"),
        (lambda: ag.searchsorted(x, n), "a is a vector"),
        (lambda: ag.searchsorted(n, n, side=WRONG), "side is"),
        (lambda: ag.topk(x, 9), "9 elements of 4"),
        (lambda: ag.quantile(x, 1.5), "between 0 and 1"),
        (lambda: ag.quantile(x, 0.5, method=WRONG), "no method"),
        (lambda: ag.median(ag.input("z", "f32[0]")), "no elements"),
        (lambda: ag.bincount(x), "vector of integers"),
        (lambda: ag.nonzero(ag.scalar("s")), "a scalar has no indices"),
        (lambda: ag.compress(x, x), "condition is a vector"),
        (lambda: ag.partition(x, 7), "kth 7 is out of bounds"),
        (lambda: ag.histogram(n, ag.scalar("s")), "bins is an integer known"),
        (lambda: ag.lexsort([x, n]), "the keys have one shape"),
        (lambda: ag.lexsort([]), "at least one key"),
    ):
        with pytest.raises(ag.GraphTypeError, match=words):
            call()


def test_bad_numbers_in_a_call():
    n, x = ag.vector("n", dtype="i64"), ag.vector("x")
    with pytest.raises(ag.IndexOutOfBounds, match="index -2 is"):
        ag.function([n], ag.bincount(n))(np.array([1, -2]))
    with pytest.raises(ag.IndexOutOfBounds, match="index -3 is"):
        ag.function([x, n], ag.repeat(x, n))(np.zeros(2, np.float32), np.array([1, -3]))
    with pytest.raises(ag.IndexOutOfBounds, match="index -1 is"):
        ag.function([n], ag.bincount(n))(np.array([-1]))
    with pytest.raises(ag.IndexOutOfBounds, match="elements to choose from"):
        ag.function([x], ag.median(x))(np.zeros(0, np.float32))
    with pytest.raises(ag.IndexOutOfBounds):
        ag.function([x, n], ag.take(x, n, mode="clip"))(np.zeros(0, np.float32), np.array([0]))
    empty = ag.function([x, n], ag.take(x, n, mode="wrap"))(
        np.zeros(0, np.float32), np.zeros(0, np.int64)
    )
    assert empty.shape == (0,)
    with pytest.raises(ag.IndexOutOfBounds, match="index 6 is"):
        ag.function([n], ag.unravel_index(n, (2, 3))[0])(np.array([0, 6]))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_distinct_slices_are_numpys(axis: int):
    """``unique`` along an axis, with all that may be asked for; none of nothing."""
    given = np.random.default_rng(3).integers(0, 2, (7, 3, 2))
    x = ag.input("x", "i64[n, m, k]")
    f = ag.function([x], list(ag.unique(x, True, True, True, axis=axis)))
    for found, expected in zip(f(given), np.unique(given, True, True, True, axis), strict=True):
        np.testing.assert_array_equal(found, expected.reshape(found.shape))
    assert f(np.zeros((0, 0, 0), np.int64))[0].shape == (0, 0, 0)


def test_more_than_there_are():
    """``topk`` of more elements than a call has is an error, not fewer."""
    x, k = ag.input("x", "f32[n]"), ag.input("k", "i64[]")
    f = ag.function([x, k], ag.topk(x, k))
    assert f(np.ones(3, np.float32), 3)[0].shape == (3,)
    with pytest.raises(ag.ShapeError):
        f(np.ones(3, np.float32), 4)

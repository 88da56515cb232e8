"""Reductions, statistics and scans against NumPy: axes, dtypes, masks, what is empty, errors."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import agnesi as ag
from agnesi.testing import assert_close, check_gradient, interpreted, looped, native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.testing import Evaluator

NAN, INF = float("nan"), float("inf")
EVALUATORS = (interpreted, native, looped)
evaluators = pytest.mark.parametrize("evaluate", EVALUATORS, ids=lambda e: e.__name__)


def numpys(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return what NumPy says, without its warnings of empty and unknown."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **named)


def compare(
    evaluate: Evaluator,
    arrays: Sequence[np.ndarray],
    calls: Sequence[tuple[Callable[..., Any], Callable[..., Any]]],
    ulps: float = 16,
    scale: float = 4.0,
) -> None:
    """Hold expressions against NumPy's values, all in one compiled function.

    Args:
        evaluate: how numbers are got.
        arrays: of the inputs.
        calls: pairs of ours and NumPy's, each a function of all inputs.
        ulps: largest error, in units in the last place of the value or of ``scale``.
        scale: the magnitude of the elements.
    """
    names = ("n", "m", "k", "l")
    leaves = [
        ag.input(
            f"x{i}",
            f"{ag.constant(a).dtype}[{', '.join(f'{names[d]}{i}' for d in range(a.ndim))}]",
        )
        for i, a in enumerate(arrays)
    ]
    ours = [mine(*leaves) for mine, _ in calls]
    found = evaluate(leaves, ours)(arrays)
    for k, ((_, theirs), actual) in enumerate(zip(calls, found, strict=True)):
        expected = np.asarray(numpys(theirs, *arrays))
        assert actual.dtype == expected.dtype, (k, actual.dtype, expected.dtype)
        assert_close(actual, expected, ulps, scale=scale, what=f"call {k}, {evaluate}")


AXES = (None, 0, 1, -1, (0, 2), (1, 2), (-1, 0), (0, 1, 2), ())
RNG = np.random.default_rng(5)
CUBE = RNG.uniform(-3, 3, (2, 3, 4))
HOLES = np.where(RNG.random((2, 3, 4)) < 0.3, NAN, CUBE)
MASK = RNG.random((2, 3, 4)) < 0.6
KINDS = ("bool", "i8", "u8", "i32", "u64", "f32", "f64")
SMALL = RNG.integers(0, 3, (2, 3, 4))


def numpy_dtype(name: str) -> np.dtype[Any]:
    return ag.constant(np.zeros(1)).astype(name).dtype.numpy


PLAIN = [
    "sum",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "mean",
    "var",
    "std",
    "ptp",
    "amax",
    "amin",
    "count_nonzero",
]
NANS = ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]


@pytest.mark.parametrize("name", [*PLAIN, *NANS])
@pytest.mark.parametrize("evaluate", (interpreted, native), ids=lambda e: e.__name__)
def test_any_axes(name: str, evaluate: Evaluator):
    mine, theirs = getattr(ag, name), getattr(np, name)
    calls: list[Any] = []
    for axis in AXES if name in PLAIN[:7] else AXES[::2]:
        if axis == () and name in ("nanmax", "nanmin", "nanvar", "nanstd", "nanmean", "ptp"):
            continue  # NumPy itself cannot, or warns.
        for keepdims in (False, True):
            named = {"axis": axis, "keepdims": keepdims}
            calls.append(
                (lambda x, n=named: mine(x, **n), lambda x, n=named: theirs(x, **n))  # pyright: ignore[reportUnknownLambdaType]
            )
    compare(evaluate, [HOLES if name in NANS else CUBE], calls)


@pytest.mark.parametrize("kind", KINDS)
def test_dtypes(kind: str):
    array = SMALL.astype(numpy_dtype(kind))
    names = [*PLAIN, *NANS, "cumsum", "cumprod", "nancumsum", "nancumprod", "average", "diff"]
    if kind == "bool":  # NumPy has no difference of bools.
        names.remove("ptp")
    calls: list[Any] = []
    for name in names:
        mine, theirs = getattr(ag, name), getattr(np, name)
        for axis in (1,) if name[-3:] in ("var", "std", "iff") else (1, None):
            calls.append(
                (lambda x, f=mine, a=axis: f(x, axis=a), lambda x, f=theirs, a=axis: f(x, axis=a))
            )  # pyright: ignore[reportUnknownLambdaType]
    for evaluate in (interpreted, native):
        compare(evaluate, [array], calls)


@pytest.mark.parametrize("kind", ["bool", "i16", "i64", "f32", "f64"])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "nansum", "nancumprod"])
def test_dtype_asked_for(name: str, kind: str):
    if kind == "bool" and name.endswith(("cumsum", "cumprod")):
        with pytest.raises(ag.GraphTypeError, match="not defined for bool"):
            getattr(ag, name)(ag.vector("x"), dtype=kind)
        return
    want = numpy_dtype(kind)
    mine, theirs = getattr(ag, name), getattr(np, name)
    for array in (SMALL, SMALL.astype(np.float32)):
        calls = [(lambda x: mine(x, 1, kind), lambda x: theirs(x, 1, want))]
        compare(native, [array], calls)


MASKED = ("sum", "prod", "any", "all", "mean", "var", "std")


@evaluators
def test_masks(evaluate: Evaluator):
    calls: list[Any] = []
    for name in (*MASKED, *NANS):
        mine, theirs = getattr(ag, name), getattr(np, name)
        first = {"initial": 0.5} if name in ("nanmax", "nanmin") else {}
        for axis in (None, (0, 2)):
            calls.append(
                (
                    lambda x, w, f=mine, a=axis, i=first: f(x, axis=a, where=w, **i),  # pyright: ignore[reportUnknownLambdaType]
                    lambda x, w, f=theirs, a=axis, i=first: f(x, axis=a, where=w, **i),  # pyright: ignore[reportUnknownLambdaType]
                )
            )
    compare(evaluate, [CUBE, MASK], calls)
    if evaluate is interpreted:
        compare(evaluate, [CUBE.astype(np.float32), MASK], calls)


@evaluators
def test_a_mask_broadcasts(evaluate: Evaluator):
    row = np.array([True, False, True, True])
    compare(
        evaluate,
        [CUBE],
        [
            (lambda x: ag.sum(x, 1, where=row), lambda x: np.sum(x, 1, where=row)),
            (lambda x: ag.mean(x, 2, where=row), lambda x: np.mean(x, 2, where=row)),
            (
                lambda x: ag.max(x, (0, 1), where=row, initial=-1),
                lambda x: np.max(x, (0, 1), where=row, initial=-1),
            ),
        ],
    )


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
@pytest.mark.parametrize("kind", ["i8", "u16", "i64", "f32", "f64"])
def test_initial_values(name: str, kind: str):
    array = SMALL.astype(numpy_dtype(kind))
    mine, theirs = getattr(ag, name), getattr(np, name)
    calls: list[Any] = []
    for axis in (None, 0, (0, 2)):
        for named in ({"initial": 2}, {"initial": 1, "where": MASK}, {"initial": array[0, 0, 0]}):
            calls.append(
                (
                    lambda x, a=axis, n=named: mine(x, a, **n),
                    lambda x, a=axis, n=named: theirs(x, a, **n),
                )  # pyright: ignore[reportUnknownLambdaType]
            )
    for evaluate in (interpreted, native):
        compare(evaluate, [array], calls)


@evaluators
def test_what_is_empty(evaluate: Evaluator):
    empty = np.zeros((3, 0), np.float32)
    first = {"initial": 1.5}
    calls: list[Any] = []
    for name in (*MASKED, "nansum", "nanprod", "nanmean", "nanvar", "count_nonzero"):
        mine, theirs = getattr(ag, name), getattr(np, name)
        for axis in (None, 0, 1):
            calls.append(
                (lambda x, f=mine, a=axis: f(x, axis=a), lambda x, f=theirs, a=axis: f(x, axis=a))
            )  # pyright: ignore[reportUnknownLambdaType]
    for name in ("max", "min", "nanmax", "nanmin"):
        mine, theirs = getattr(ag, name), getattr(np, name)
        calls.append(
            (lambda x, f=mine: f(x, axis=1, **first), lambda x, f=theirs: f(x, axis=1, **first))
        )  # pyright: ignore[reportUnknownLambdaType]
    for name in ("cumsum", "cumprod", "nancumsum", "diff"):
        mine, theirs = getattr(ag, name), getattr(np, name)
        calls.append((lambda x, f=mine: f(x, axis=1), lambda x, f=theirs: f(x, axis=1)))  # pyright: ignore[reportUnknownLambdaType]
        calls.append((lambda x, f=mine: f(x, axis=0), lambda x, f=theirs: f(x, axis=0)))  # pyright: ignore[reportUnknownLambdaType]
    compare(evaluate, [empty], calls)
    for name in ("ptp", "nanmax", "nanmin", "nanargmax", "max_and_argmax"):
        with pytest.raises(ag.GraphTypeError, match="no elements"):
            getattr(ag, name)(ag.input("x", "f32[3, 0]"), axis=1)


@evaluators
def test_where_all_is_nan(evaluate: Evaluator):
    lines = np.array([[NAN, NAN], [1.0, NAN], [-INF, NAN], [INF, 2.0]])
    calls = [
        (lambda x, n=n: getattr(ag, n)(x, axis=1), lambda x, n=n: getattr(np, n)(x, axis=1))  # pyright: ignore[reportUnknownLambdaType]
        for n in ("nanmax", "nanmin", "nanmean", "nansum", "nanprod", "nanvar")
    ]
    compare(evaluate, [lines], calls)
    x = ag.matrix("x", dtype="f64")
    places = evaluate([x], [ag.nanargmax(x, 1), ag.nanargmin(x, 1, keepdims=True)])([lines])
    assert places[0].tolist() == [-1, 0, 0, 0]
    assert places[1].tolist() == [[-1], [0], [0], [1]]


def test_positions_but_for_nan():
    some = np.where(np.isnan(HOLES[..., :1]), 0.25, HOLES[..., :1])
    array = np.concatenate([HOLES[..., 1:], some], 2)
    calls: list[Any] = []
    for name in ("nanargmax", "nanargmin"):
        mine, theirs = getattr(ag, name), getattr(np, name)
        for axis in (None, 2, -1):
            calls.append(
                (lambda x, f=mine, a=axis: f(x, axis=a), lambda x, f=theirs, a=axis: f(x, axis=a))
            )  # pyright: ignore[reportUnknownLambdaType]
    for evaluate in EVALUATORS:
        compare(evaluate, [array], calls)
    top, place = ag.max_and_argmax(ag.constant(CUBE), 1)
    assert_close(top.eval(), CUBE.max(1))
    assert (place.eval() == CUBE.argmax(1)).all()


@pytest.mark.parametrize(
    "named", [{"ddof": 1}, {"ddof": 0.5}, {"ddof": 3}, {"correction": 2}], ids=str
)
@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
def test_degrees_of_freedom(name: str, named: dict[str, float]):
    mine, theirs = getattr(ag, name), getattr(np, name)
    calls = [
        (lambda x, a=a: mine(x, a, **named), lambda x, a=a: theirs(x, a, **named))
        for a in (0, 1, 2)
    ]
    calls += [
        (lambda x: mine(x, 1, where=MASK, **named), lambda x: theirs(x, 1, where=MASK, **named))
    ]
    for evaluate in (interpreted, native):
        compare(evaluate, [HOLES if name[0] == "n" else CUBE], calls)


def test_a_mean_that_is_known():
    calls = [
        (
            lambda x: ag.var(x, 1, mean=ag.mean(x, 1, keepdims=True)),
            lambda x: np.var(x, 1, mean=np.mean(x, 1, keepdims=True)),
        ),
        (
            lambda x: ag.std(x, mean=0.5, ddof=1),
            lambda x: np.std(x, mean=np.full((1, 1, 1), 0.5), ddof=1),
        ),
    ]
    for evaluate in (interpreted, native):
        compare(evaluate, [CUBE], calls)


COMPLEX = CUBE + 1j * CUBE[::-1, ::-1]


@evaluators
def test_complex_numbers_and_halves(evaluate: Evaluator):
    gaps = np.where(np.isnan(HOLES), NAN, COMPLEX)
    names = ["sum", "prod", "mean", "var", "std", "cumsum", "cumprod", "average", "count_nonzero"]
    for array, chosen in ((COMPLEX, names), (gaps, NANS[:2] + NANS[4:])):
        calls: list[Any] = [
            (lambda x, n=n: getattr(ag, n)(x, axis=1), lambda x, n=n: getattr(np, n)(x, axis=1))  # pyright: ignore[reportUnknownLambdaType]
            for n in chosen
        ]
        compare(evaluate, [array], calls, 64)
    compare(evaluate, [COMPLEX[0]], [(ag.cov, np.cov), (ag.corrcoef, np.corrcoef)], 64)
    calls = [
        (lambda x, n=n: getattr(ag, n)(x, axis=1), lambda x, n=n: getattr(np, n)(x, axis=1))  # pyright: ignore[reportUnknownLambdaType]
        for n in ["mean", "var", "std", "max", "min", "ptp", "nanmax", "nanvar"]
    ]
    compare(evaluate, [CUBE.astype(np.float16)], calls, 2)
    with pytest.raises(ag.GraphTypeError, match="not defined for c128"):
        ag.cummax(COMPLEX)


# -- averages, covariance ---------------------------------------------------------------------

WEIGHTS = RNG.uniform(0.1, 2, (2, 3, 4))
AVERAGES: list[dict[str, Any]] = [
    {},
    {"axis": 1},
    {"weights": WEIGHTS},
    {"weights": WEIGHTS, "axis": (0, 2)},
    {"weights": WEIGHTS[0, 0], "axis": 2},
    {"weights": WEIGHTS[0, 0], "axis": -1, "keepdims": True},
    {"weights": WEIGHTS[:, 0].T, "axis": (2, 0)},
    {"weights": np.array([1, 2]), "axis": 0},
    {"weights": WEIGHTS[0, 0].astype(np.float32), "axis": 2},
]


@pytest.mark.parametrize("named", AVERAGES, ids=lambda n: "-".join(n))
@pytest.mark.parametrize("kind", ["f32", "f64", "i32", "i8"])
def test_average(named: dict[str, Any], kind: str):
    array = (CUBE * 4).astype(numpy_dtype(kind))
    calls = [(lambda x: ag.average(x, **named), lambda x: np.average(x, **named))]
    calls += [
        (
            lambda x, k=k: ag.average(x, returned=True, **named)[k],
            lambda x, k=k: np.average(x, returned=True, **named)[k],
        )
        for k in (0, 1)
    ]
    for evaluate in (interpreted, native):
        compare(evaluate, [array], calls, scale=12.0)


MATRIX = RNG.uniform(-2, 2, (3, 7))
COVARIANCES: list[dict[str, Any]] = [
    {},
    {"bias": True},
    {"ddof": 2},
    {"rowvar": False},
    {"y": MATRIX[:2] ** 2},
    {"fweights": np.array([1, 2, 1, 0, 3, 1, 1])},
    {"aweights": np.array([1, 0.5, 1, 0.25, 3, 1, 1])},
    {"fweights": np.arange(1, 8), "aweights": np.linspace(0.5, 2, 7), "ddof": 0},
    {"dtype": np.float32},
]


@pytest.mark.parametrize("named", COVARIANCES, ids=lambda n: "-".join(n) or "plain")
def test_covariance(named: dict[str, Any]):
    for evaluate in EVALUATORS:
        compare(
            evaluate, [MATRIX], [(lambda m: ag.cov(m, **named), lambda m: np.cov(m, **named))], 64
        )
    for array in (MATRIX[0], MATRIX.astype(np.float32), (MATRIX * 9).astype(np.int64)):
        if array.ndim == 2 or not set(named) & {"y", "rowvar"}:
            compare(
                native,
                [array],
                [(lambda m: ag.cov(m, **named), lambda m: np.cov(m, **named))],
                64,
                200.0,
            )


@pytest.mark.parametrize("named", [{}, {"rowvar": False}, {"y": MATRIX**2}], ids=str)
def test_correlation(named: dict[str, Any]):
    for evaluate in EVALUATORS:
        compare(
            evaluate,
            [MATRIX],
            [(lambda m: ag.corrcoef(m, **named), lambda m: np.corrcoef(m, **named))],
            64,
        )
    assert ag.corrcoef(ag.constant(MATRIX[0])).eval() == 1


# -- differences ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bool", "u8", "i32", "f32"])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_diff(kind: str, n: int):
    array = SMALL.astype(numpy_dtype(kind))
    calls = [(lambda x, a=a: ag.diff(x, n, a), lambda x, a=a: np.diff(x, n, a)) for a in (0, 1, -1)]  # pyright: ignore[reportUnknownLambdaType]
    for evaluate in (interpreted, native):
        compare(evaluate, [array], calls)


@evaluators
def test_diff_with_ends(evaluate: Evaluator):
    calls: list[Any] = [
        (lambda x: ag.diff(x, prepend=0), lambda x: np.diff(x, prepend=np.float64(0))),
        (lambda x: ag.diff(x, 2, 1, append=1.5), lambda x: np.diff(x, 2, 1, append=1.5)),
        (
            lambda x: ag.diff(x, axis=0, prepend=CUBE[:1], append=CUBE[1:]),
            lambda x: np.diff(x, axis=0, prepend=CUBE[:1], append=CUBE[1:]),
        ),
        (ag.ediff1d, np.ediff1d),
        (
            lambda x: ag.ediff1d(x, to_end=[1, 2], to_begin=7),
            lambda x: np.ediff1d(x, to_end=np.array([1.0, 2]), to_begin=np.float64(7)),
        ),
    ]
    compare(evaluate, [CUBE], calls)


@pytest.mark.parametrize("kind", ["i8", "i64", "f32", "f64"])
def test_unwrap(kind: str):
    # Steps of half a period too, both ways, which keep their direction.
    array = np.array([[0, 2, 5, 1, 3, 0], [9, -4, 2, 0, -2, 7]]).astype(numpy_dtype(kind))
    options: list[dict[str, Any]] = [
        {},
        {"period": 4},
        {"period": 5, "axis": 0},
        {"period": 4.0, "discont": 3.5, "axis": -2},
    ]
    calls: list[Any] = [
        (lambda x, o=o: ag.unwrap(x, **o), lambda x, o=o: np.unwrap(x, **o))  # pyright: ignore[reportUnknownLambdaType]
        for o in options
    ]
    for evaluate in (interpreted, native):
        compare(evaluate, [array], calls, scale=40.0)
        compare(evaluate, [array[:, :0]], calls)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("kind", ["f32", "f64", "i32"])
def test_gradient_of_samples(order: Any, kind: str):
    array = (RNG.uniform(-9, 9, (5, 4))).astype(numpy_dtype(kind))
    calls: list[Any] = [
        (
            lambda x, a=a, k=k: ag.gradient(x, axis=a, edge_order=order)[k],  # pyright: ignore[reportUnknownLambdaType]
            lambda x, a=a, k=k: np.gradient(x, axis=a, edge_order=order)[k],  # pyright: ignore[reportUnknownLambdaType]
        )
        for a in (None, (0, 1), (1, 0))
        for k in (0, 1)
    ]
    calls += [
        (
            lambda x: ag.gradient(x, 0.5, axis=1, edge_order=order),
            lambda x: np.gradient(x, 0.5, axis=1, edge_order=order),
        ),
        (
            lambda x: ag.gradient(x, 0.5, 3, edge_order=order)[1],
            lambda x: np.gradient(x, 0.5, 3, edge_order=order)[1],
        ),
    ]
    for evaluate in (interpreted, native):
        compare(evaluate, [array], calls, scale=18.0)
    x = ag.matrix("x")
    assert ag.gradient(x, axis=0).type is x.type  # type: ignore[union-attr]


# -- scans ------------------------------------------------------------------------------------


def _logcumsumexp(x: np.ndarray, axis: int | None = None) -> np.ndarray:
    flat = x.astype(np.longdouble) if axis is not None else x.ravel().astype(np.longdouble)
    return np.logaddexp.accumulate(flat, axis or 0).astype(x.dtype)


@pytest.mark.parametrize("kind", ["f32", "f64"])
@evaluators
def test_scans(evaluate: Evaluator, kind: str):
    cube, holes = CUBE.astype(numpy_dtype(kind)), HOLES.astype(numpy_dtype(kind))
    for array, names in ((cube, ("cumsum", "cumprod")), (holes, ("nancumsum", "nancumprod"))):
        calls: list[Any] = [
            (lambda x, n=n, a=a: getattr(ag, n)(x, a), lambda x, n=n, a=a: getattr(np, n)(x, a))  # pyright: ignore[reportUnknownLambdaType]
            for n in names
            for a in (None, 0, 1, -1)
        ]
        compare(evaluate, [array], calls)
    calls = [
        (lambda x, a=a: ag.logcumsumexp(x, a), lambda x, a=a: _logcumsumexp(x, a))  # pyright: ignore[reportUnknownLambdaType]
        for a in (None, 0, 1, -1)
    ]
    compare(evaluate, [cube], calls)


@evaluators
def test_logarithms_of_extremes(evaluate: Evaluator):
    line = np.array([-INF, -INF, 800.0, -900.0, 801.0, INF, 3.0, NAN, 1.0], np.float32)
    compare(evaluate, [line], [(ag.logcumsumexp, _logcumsumexp)], scale=900.0)
    factors = np.array([0.0, 2.0, -0.5, 1.0])
    x = np.array([1e6, 1000.0, 1000.5, -INF])
    compare(
        evaluate,
        [x, factors],
        [
            (
                lambda x, b: ag.logsumexp(x, b=b),
                lambda x, b: scipy.special.logsumexp(x, b=b),
            ),
            (
                lambda x, b: ag.logsumexp(x, 0, b=b, keepdims=True),
                lambda x, b: scipy.special.logsumexp(x, 0, b=b, keepdims=True),
            ),
        ],
        scale=1e3,
    )
    assert np.isnan(ag.logsumexp(ag.constant([1.0, 2.0]), b=[1.0, -1.0]).eval())
    assert ag.logsumexp(ag.constant([1.0, 2.0]), b=0.0).eval() == -INF


def test_a_long_scan_of_logarithms_is_accurate():
    line = RNG.uniform(-5, 5, 100_000).astype(np.float32)
    exact = np.logaddexp.accumulate(line.astype(np.longdouble))
    x = ag.vector("x")
    found = ag.function([x], ag.logcumsumexp(x))(line)
    assert np.abs(found - exact).max() < 4 * np.spacing(np.float32(16))


def test_cumulative_needs_its_axis():
    for function in (ag.cumulative_sum, ag.cumulative_prod):
        with pytest.raises(ag.GraphTypeError, match="name the axis"):
            function(ag.matrix("x"))


# -- gradients --------------------------------------------------------------------------------

FIRST = np.arange(3)[:, None] < 2
SMOOTH: dict[str, Callable[[ag.Tensor], Any]] = {
    "var": lambda x: ag.var(x, 1, ddof=1),
    "var of all": ag.var,
    "std": lambda x: ag.std(x, 0, keepdims=True),
    "masked var": lambda x: ag.var(x, 1, where=MASK | FIRST),
    "masked mean": lambda x: ag.mean(x, 1, where=MASK | FIRST),
    "known mean": lambda x: ag.var(x, mean=0.5),
    "ptp": lambda x: ag.ptp(x, (0, 1)),
    "average": lambda x: ag.average(x, 1, weights=WEIGHTS),
    "weights": lambda w: ag.average(ag.constant(WEIGHTS), 1, weights=ag.square(w) + 1),
    "cov": lambda x: ag.cov(x[0], aweights=[1, 2, 0.5, 1]),
    "corrcoef": lambda x: ag.corrcoef(x[0]) * np.triu(np.ones((3, 3)), 1),
    "diff": lambda x: ag.diff(x, 2, 2, prepend=0, append=x[..., :1]),
    "ediff1d": lambda x: ag.ediff1d(ag.square(x)),
    "unwrap": lambda x: ag.square(ag.unwrap(x, period=1.5)),
    "gradient": lambda x: ag.gradient(ag.square(x), 0.5, axis=1, edge_order=2),
    "masked sum": lambda x: ag.sum(ag.square(x), 1, where=MASK, initial=2),
    "masked prod": lambda x: ag.prod(x, 2, where=MASK),
    "masked max": lambda x: ag.max(x, 2, where=MASK, initial=-5),
    "masked min": lambda x: ag.square(ag.min(x, (0, 2), initial=0)),
    "logsumexp": lambda x: ag.logsumexp(x, 1, b=WEIGHTS),
    "logsumexp of factors": lambda b: ag.logsumexp(CUBE, 2, b=ag.square(b) + 0.1),
    "logcumsumexp": lambda x: ag.logcumsumexp(x * 3, 1),
    "logcumsumexp along the last": lambda x: ag.logcumsumexp(x * 3, -1),
    "cumsum of all": lambda x: ag.square(x.cumsum()),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients(name: str):
    check_gradient(SMOOTH[name], CUBE, evaluator=interpreted)
    check_gradient(SMOOTH[name], CUBE)


NAN_GRADIENTS = {
    "nansum": lambda x: ag.square(ag.nansum(x, 1)),
    "nanprod": lambda x: ag.nanprod(x, 2),
    "nanmax": lambda x: ag.nanmax(x, (0, 2)),
    "nanmin": lambda x: ag.nanmin(x, 1),
    "nanmean": lambda x: ag.square(ag.nanmean(x, 1)),
    "nanvar": lambda x: ag.nanvar(x),
    "nancumsum": lambda x: ag.square(ag.nancumsum(x, 1)),
}


@pytest.mark.parametrize("name", NAN_GRADIENTS)
def test_no_gradient_flows_into_nan_or_out_of_it(name: str):
    """The gradient at what is known is that of the expression with NaN held; at NaN it is 0."""
    known = ~np.isnan(HOLES)
    check_gradient(lambda x: NAN_GRADIENTS[name](ag.where(known, x, NAN)), CUBE)
    x = ag.tensor3("x", dtype="f64")
    slope = ag.grad(NAN_GRADIENTS[name](x).sum(), x).eval({x: HOLES})
    assert np.isfinite(slope[known]).all()
    assert (slope[~known] == 0).all()


def test_gradient_of_no_variance():
    x = ag.vector("x", dtype="f64")
    equal = np.full(5, 0.1)
    for expression in (x.var(), ag.var(x, where=np.arange(5) < 3), ag.nanvar(x)):
        assert np.abs(ag.grad(expression, x).eval({x: equal})).max() < 1e-16
    assert np.isnan(ag.grad(x.std(), x).eval({x: np.ones(5)})).all()


def test_ties_share_the_gradient():
    x = ag.matrix("x", dtype="f64")
    ties = np.array([[2.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    third = 1 / 3
    for expression in (x.max(1), x.max(1, initial=-1), ag.nanmax(x, 1), -ag.min(-x, 1)):
        slope = ag.grad(expression.sum(), x).eval({x: ties})
        assert_close(slope, np.array([[0.5, 0, 0.5], [third, third, third]]))


# -- accuracy ---------------------------------------------------------------------------------

FAR = 1e4 + RNG.uniform(-0.01, 0.01, (40, 5000))


@pytest.mark.parametrize("axis", [0, 1, None, (0,), (0, 1)], ids=str)
@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_variance_of_small_deviations_from_a_large_mean(axis: Any, kind: str):
    array = FAR.astype(numpy_dtype(kind))
    wide = array.astype(np.longdouble)
    x = ag.input("x", f"{kind}[n, m]")
    eps = float(np.finfo(array.dtype).eps)
    found = ag.function([x], [ag.var(x, axis), ag.std(x, axis, ddof=1), ag.nanvar(x, axis)])(array)
    for actual, exact in zip(
        found, (wide.var(axis), wide.std(axis, ddof=1), wide.var(axis)), strict=True
    ):
        assert np.max(np.abs(actual / exact - 1)) < 16 * eps


# -- shapes, methods, errors ------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_shapes_and_axes(data: st.DataObject):
    shape = data.draw(st.lists(st.integers(0, 4), min_size=0, max_size=4), "shape")
    axes = data.draw(
        st.none() | st.sets(st.integers(0, max(len(shape) - 1, 0)), max_size=len(shape)), "axes"
    )
    signs = data.draw(st.lists(st.booleans(), min_size=4, max_size=4), "from the end")
    axis = axes if axes is None else tuple(a - len(shape) * signs[a] for a in axes)
    keepdims = data.draw(st.booleans(), "keepdims")
    array = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    mask = np.random.default_rng(1).random(shape) < 0.7
    leaves = [ag.input("x", f"f64{list(shape)}"), ag.input("w", f"bool{list(shape)}")]
    x, w = leaves
    for name in ("sum", "prod", "any", "all", "mean", "var", "max"):
        named: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        if name == "max":
            named["initial"] = 0.0
        mine, theirs = getattr(ag, name), getattr(np, name)
        expressions = [mine(x, **named), mine(x, where=w, **named)]
        found = interpreted(leaves, expressions)([array, mask])
        wanted = [
            numpys(theirs, array, **named),
            numpys(theirs, array, where=mask, **named),
        ]
        for expression, actual, expected in zip(expressions, found, wanted, strict=True):
            assert expression.type.shape == np.shape(expected)
            assert_close(actual, np.asarray(expected), 32, scale=2.0, what=name)


def test_methods_are_the_functions():
    x = ag.matrix("x")
    named = {"keepdims": True}
    for name in [
        "sum",
        "prod",
        "max",
        "min",
        "mean",
        "var",
        "std",
        "any",
        "all",
        "ptp",
        "argmax",
        "argmin",
    ]:
        assert getattr(x, name)(1, **named) is getattr(ag, name)(x, 1, **named)
    for name in ["sum", "prod", "mean", "var", "std"]:
        assert getattr(x, name)(dtype="f64") is getattr(ag, name)(x, dtype="f64")
    assert x.var(ddof=1) is ag.var(x, correction=1)
    assert x.cumsum(0, "f64") is ag.cumsum(x, 0, "f64")
    assert x.cumprod() is ag.cumprod(x)
    assert x.sum(1, where=x > 0, initial=1) is ag.sum(x, 1, where=x > 0, initial=1)
    assert ag.amax is ag.max and ag.amin is ag.min


@pytest.mark.parametrize("name", [*PLAIN[:9], "ptp", *NANS, "logsumexp"])
def test_a_shape_computes_nothing(name: str):
    x = ag.matrix("x")
    y = getattr(ag, name)(ag.exp(x), axis=0, keepdims=True)
    f = ag.function([x], [y.shape[1] * 2, y.size, y.shape[1] - x.shape[1]])
    assert [int(v) for v in f(np.ones((2, 3), np.float32))] == [6, 3, 0]
    assert all(set(kernel.buffers) == kernel.written for kernel in f.kernels)


X, V = ag.input("x", "f32[2, 3]"), ag.input("v", "f32[m]")
BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "mask": (lambda: ag.sum(X, where=np.ones(2, bool)), "cannot be broadcast"),
    "mask of max": (lambda: ag.max(X, where=X > 0), "needs initial="),
    "mask of min": (lambda: ag.nanmin(X, where=X > 0), "needs initial="),
    "initial array": (lambda: ag.sum(X, initial=[1.0, 2.0]), "is a scalar"),
    "initial float": (lambda: ag.max(X.astype("i32"), initial=1.5), "scalar that i32 holds"),
    "mean dtype": (lambda: ag.mean(X, dtype="i32"), "average is a float"),
    "var dtype": (lambda: ag.nanvar(X, dtype="i32"), "average is a float"),
    "std both": (lambda: ag.std(X, ddof=1, correction=1), "two names"),
    "weights": (lambda: ag.average(X, 0, weights=[1.0, 2.0, 3.0, 4.0]), "cannot be broadcast"),
    "weights rank": (lambda: ag.average(X, weights=[1.0, 2.0]), "shape of x"),
    "cov axes": (lambda: ag.cov(ag.tensor3("t")), "two axes"),
    "fweights": (lambda: ag.cov(X, fweights=[0.5, 1, 1]), "integers"),
    "aweights": (lambda: ag.cov(X, aweights=X), "for each observation"),
    "diff n": (lambda: ag.diff(X, -1), "at least 0"),
    "diff axis": (lambda: ag.diff(X, axis=2), "no axis 2"),
    "diff scalar": (lambda: ag.diff(ag.scalar("s")), "no axis"),
    "diff part": (lambda: ag.diff(X, axis=0, append=np.ones((1, 4))), "sizes of axis 1"),
    "gradient size": (lambda: ag.gradient(X, edge_order=2), "3 samples"),
    "gradient order": (lambda: ag.gradient(X, edge_order=3), "edge_order"),
    "gradient steps": (lambda: ag.gradient(X, 1, 2, 3), "spacings"),
    "gradient places": (lambda: ag.gradient(V, np.arange(3.0)), "spacings"),
    "b": (lambda: ag.logsumexp(X, b=np.ones(2)), "cannot be broadcast"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_calls(name: str):
    call, words = BAD[name]
    with pytest.raises(ag.GraphTypeError) as caught:
        call()
    assert words in str(caught.value)


def test_too_few_samples_are_found_in_the_call():
    x = ag.vector("x")
    f = ag.function([x], ag.gradient(x))
    assert f([1.0, 3.0]).tolist() == [2, 2]
    with pytest.raises(ag.IndexOutOfBounds):
        f([1.0])


PATTERNS: list[tuple[tuple[int, ...], Any]] = [
    ((100_000, 3), 0),
    ((100_000, 3), None),
    ((100_000, 3), 1),
    ((20_000, 16), 0),
    ((300, 300), 0),
    ((300, 300), 1),
    ((40, 300, 30), 1),
    ((5000, 4, 5), (0, 2)),
    ((50, 8, 20, 20), (0, 2, 3)),
    ((50, 8, 20, 20), None),
    ((10, 3000), 0),
    ((70_001,), None),
]


@pytest.mark.parametrize("known", [True, False], ids=["known sizes", "unknown sizes"])
@pytest.mark.parametrize(("shape", "axis"), PATTERNS, ids=str)
def test_sums_are_as_accurate_as_pairwise_ones(shape: tuple[int, ...], axis: Any, known: bool):
    """Sums, means and variances of float32 over any axes; also of what does not lie in a row."""
    array = np.random.default_rng(9).random(shape, dtype=np.float32) + np.float32(0.1)
    sizes = map(str, shape) if known else (f"n{k}" for k in range(len(shape)))
    x = ag.input("x", f"f32[{', '.join(sizes)}]")
    row = np.linspace(0.5, 2, shape[-1], dtype=np.float32)
    found = ag.function([x], [x.sum(axis), x.mean(axis), x.var(axis), (x * row).sum(axis)])(array)
    wide = array.astype(np.float64)
    count = array.size / found[0].size
    # The bound of pairwise summation in blocks of 128, for terms of one sign.
    bound = np.finfo(np.float32).eps / 2 * (np.log2(max(count / 128, 1)) + 8)
    exact = (wide.sum(axis), wide.mean(axis), wide.var(axis), (array * row).sum(axis, np.float64))
    for actual, wanted in zip(found, exact, strict=True):
        assert np.max(np.abs(actual / wanted - 1)) <= bound

"""Linear algebra beyond what the ops derive: residuals, errors, gradients, unknown sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.linalg

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.testing import check_gradient, interpreted, looped, native

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Array, Tensor
    from agnesi.testing import Evaluator

RANDOM = np.random.default_rng(20)
WAYS = [interpreted, looped, native]
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def square(*shape: int) -> Array:
    """Return random matrices that are far from singular."""
    return RANDOM.uniform(-1, 1, shape) + 3 * np.eye(shape[-1])


def positive(*shape: int) -> Array:
    """Return random symmetric positive definite matrices."""
    x = square(*shape)
    return x @ np.swapaxes(x, -1, -2)


def run(
    function: Callable[..., Any], *arrays: Any, way: Evaluator = native, symbolic: bool = False
) -> list[Array]:
    """Return the results of a function of symbolic variables."""
    given = [np.asarray(a) for a in arrays]
    inputs = [variable(f"x{k}", a, symbolic=symbolic) for k, a in enumerate(given)]
    made = function(*inputs)
    return way(inputs, list(made) if isinstance(made, tuple | list) else [made])(given)


def variable(name: str, array: Array, *, symbolic: bool) -> Tensor:
    """Return an input for an array."""
    sizes = [f"{name}_{k}" if symbolic and s != 1 else str(s) for k, s in enumerate(array.shape)]
    return ag.input(name, f"{array.dtype.name}[{', '.join(sizes)}]")


SINGULAR = np.array([[[2.0, 1.0], [1.0, 3.0]], [[1.0, 2.0], [2.0, 4.0]]])
FAILURES: list[tuple[Callable[..., Tensor], str]] = [
    (lambda x, **how: ag.linalg.inv(x, **how), "inv: a matrix is singular"),
    (lambda x, **how: ag.linalg.solve(x, x, **how), "solve: a matrix is singular"),
    (
        lambda x, **how: ag.linalg.solve_triangular(x - 1, x, **how),
        "solve_triangular: a matrix is singular",
    ),
    (
        lambda x, **how: ag.linalg.cholesky(x - ag.constant([[0.0, 0.0], [0.0, 1.0]]), **how),
        "cholesky: a matrix is not positive definite",
    ),
]
failures = pytest.mark.parametrize(
    ("function", "words"), FAILURES, ids=lambda v: v.split(":")[0] if isinstance(v, str) else ""
)


@ways
@failures
def test_a_matrix_that_will_not_do_is_an_error(
    way: Evaluator, function: Callable[..., Tensor], words: str
):
    x = ag.input("x", "f64[k, n, n]")
    compiled = way([x], [function(x)])
    with pytest.raises(ag.LinAlgError, match=words):
        compiled([SINGULAR])
    assert np.isfinite(compiled([np.array([9 * np.eye(2)] * 3)])[0][0, 0, 0])


@failures
def test_the_error_is_numpys_and_says_what_to_do(function: Callable[..., Tensor], words: str):
    x = ag.input("x", "f64[k, n, n]")
    f = ag.function([x], function(x))
    for kind in (np.linalg.LinAlgError, ValueError):
        with pytest.raises(kind) as caught:
            f(SINGULAR)
        assert words in str(caught.value)
        assert 'on_error="nan"' in str(caught.value)
        assert "x: f64[" in str(caught.value)


@ways
@failures
def test_nan_where_asked(way: Evaluator, function: Callable[..., Tensor], words: str):
    x = ag.input("x", "f64[k, n, n]")
    (result,) = way([x], [function(x, on_error="nan")])([SINGULAR])
    bad = [np.isnan(matrix).any() for matrix in result]
    assert bad[1]
    if "triangular" not in words:
        assert not bad[0]


@pytest.mark.parametrize("how", ["native", "graph", "loops"])
def test_nothing_is_written_where_a_matrix_fails(how: str):
    x, state = ag.input("x", "f64[2, 2]"), ag.shared(np.zeros((2, 2)))
    with setting(interpret="" if how == "native" else how):
        f = ag.function([x], None, updates=[(state, state + ag.linalg.inv(x))])
        with pytest.raises(ag.LinAlgError):
            f(SINGULAR[1])
        np.testing.assert_array_equal(state.get_value(), np.zeros((2, 2)))
        f(np.eye(2))
    np.testing.assert_array_equal(state.get_value(), np.eye(2))


def test_a_gradient_checks_what_the_value_does():
    x = ag.input("x", "f64[n, n]")
    for value in (ag.linalg.cholesky(x), ag.linalg.inv(x)):
        f = ag.function([x], ag.grad(value.sum(), x))
        with pytest.raises(ag.LinAlgError):
            f(SINGULAR[1] - [[0, 0], [0, 1]] if "Chol" in repr(value.operands) else SINGULAR[1])


def test_nan_goes_through_what_numpy_lets_it_through():
    x = square(3, 3)
    x[1, 2] = np.nan
    for name in ("inv", "det"):
        assert np.isnan(run(getattr(ag.linalg, name), x)[0]).all()
    with pytest.raises(ag.LinAlgError):
        run(ag.linalg.cholesky, x.T)


def test_a_shape_that_is_not_square_is_seen_in_a_call():
    x = ag.input("x", "f64[n, m]")
    for function in (ag.linalg.inv, ag.linalg.det, ag.linalg.cholesky):
        f = ag.function([x], function(x))
        with pytest.raises(ag.ShapeError, match="differ"):
            f(np.ones((2, 3)))


def test_integers_become_floats():
    whole = np.array([[2, 1], [1, 3]])
    for kind, expected in ((np.int64, "f64"), (np.int8, "f32"), (np.float32, "f32")):
        made = ag.linalg.inv(ag.constant(whole.astype(kind)))
        assert str(made.dtype) == expected
        np.testing.assert_allclose(made.eval(), np.linalg.inv(whole), rtol=1e-6)


# -- values --------------------------------------------------------------------------------------


def _numpy_slogdet(x: Array) -> tuple[Array, Array]:
    sign, logabsdet = np.linalg.slogdet(x)
    return sign, logabsdet


VALUES: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Array, ...]]] = [
    ("cholesky upper", lambda x: ag.linalg.cholesky(x, upper=True),
     lambda x: np.linalg.cholesky(x, upper=True), (positive(2, 4, 4),)),
    ("cholesky reads one triangle", lambda x: ag.linalg.cholesky(ag.where(
        ag.arange(4)[:, None] >= ag.arange(4), x, np.nan)), np.linalg.cholesky,
     (positive(2, 4, 4),)),
    ("inv", ag.linalg.inv, np.linalg.inv, (square(2, 3, 5, 5),)),
    ("det of permuted", ag.linalg.det, np.linalg.det, (square(3, 6, 6)[:, ::-1],)),
    ("slogdet", ag.linalg.slogdet, _numpy_slogdet, (square(4, 5, 5)[:, [1, 0, 2, 4, 3]],)),
    ("slogdet singular", ag.linalg.slogdet, _numpy_slogdet, (SINGULAR,)),
    ("slogdet empty", ag.linalg.slogdet, _numpy_slogdet, (np.zeros((2, 0, 0)),)),
    ("solve large", ag.linalg.solve, np.linalg.solve, (square(150, 150), square(150, 150))),
    ("solve stacks", ag.linalg.solve, np.linalg.solve, (square(2, 1, 3, 3), square(4, 3, 3))),
    ("lu", ag.linalg.lu, scipy.linalg.lu, (square(5, 5)[::-1],)),
    ("lu tall", ag.linalg.lu, scipy.linalg.lu, (RANDOM.normal(size=(6, 4)),)),
    ("lu wide", ag.linalg.lu, scipy.linalg.lu, (RANDOM.normal(size=(4, 6)),)),
    ("lu stacks", ag.linalg.lu, scipy.linalg.lu, (RANDOM.normal(size=(2, 3, 4, 4)),)),
    ("lu_factor", ag.linalg.lu_factor, scipy.linalg.lu_factor, (RANDOM.normal(size=(5, 5)),)),
    ("cho_solve", lambda a, b: ag.linalg.cho_solve((ag.linalg.cholesky(a), True), b),
     np.linalg.solve, (positive(4, 4), square(4, 4))),
    ("cho_solve upper",
     lambda a, b: ag.linalg.cho_solve((ag.linalg.cholesky(a, upper=True), False), b),
     np.linalg.solve, (positive(4, 4), square(4, 4))),
]  # fmt: skip


@pytest.mark.parametrize("symbolic", [False, True], ids=["known sizes", "unknown sizes"])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("case", VALUES, ids=lambda case: case[0])
def test_values_are_numpys(case: Any, kind: Any, symbolic: bool):
    _, ours, numpys, arrays = case
    arrays = tuple(a.astype(kind) for a in arrays)
    with np.errstate(all="ignore"):
        expected = numpys(*arrays)
    expected = list(expected) if isinstance(expected, tuple) else [expected]
    tolerance = 1e-9 if kind is np.float64 else 2e-3
    for way in (native, interpreted):
        found = run(ours, *arrays, way=way, symbolic=symbolic)
        assert len(found) == len(expected)
        for actual, wanted in zip(found, expected, strict=True):
            assert actual.dtype == wanted.dtype
            assert actual.shape == wanted.shape
            np.testing.assert_allclose(actual, wanted, rtol=tolerance, atol=tolerance)


# -- gradients -----------------------------------------------------------------------------------

GRADIENTS: list[tuple[str, Callable[..., Tensor], tuple[Array, ...]]] = [
    ("lu", lambda x: ag.concatenate(list(ag.linalg.lu(x)[1:]), -1), (square(2, 4, 4)[:, ::-1],)),
    ("slogdet", lambda x: ag.linalg.slogdet(x).logabsdet, (square(2, 3, 3),)),
    ("inv", ag.linalg.inv, (square(2, 3, 3),)),
    ("cholesky upper", lambda x: ag.linalg.cholesky(x, upper=True), (positive(3, 3),)),
    ("one factorisation", lambda a, b: ag.linalg.solve(a, b) * ag.linalg.det(a),
     (square(3, 3), square(3, 3))),
]  # fmt: skip


@pytest.mark.parametrize("case", GRADIENTS, ids=lambda case: case[0])
def test_gradients(case: Any):
    _, function, arrays = case
    check_gradient(function, *arrays)


def test_value_and_gradient_share_one_factorisation():
    a, b = ag.input("a", "f64[n, n]"), ag.input("b", "f64[n]")
    loss = (ag.linalg.solve(a, b) ** 2).sum() + ag.linalg.slogdet(a).logabsdet
    f = ag.function([a, b], [loss, *ag.grad(loss, [a, b])])
    assert sum("factors" in kernel.name for kernel in f.kernels) == 1

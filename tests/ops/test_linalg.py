"""Linear algebra beyond what the ops derive: residuals, errors, gradients, unknown sizes."""

from __future__ import annotations

from functools import partial
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
def test_complex_matrices_fail_as_real_ones_do(way: Evaluator):
    x = ag.input("x", "c128[n, n]")
    bad, good = np.array([[1, 2j], [-2j, 1]]), np.array([[3, 2j], [-2j, 3]])
    compiled = way([x], [ag.linalg.cholesky(x)])
    with pytest.raises(ag.LinAlgError, match="not positive definite"):
        compiled([bad])
    np.testing.assert_allclose(compiled([good])[0], np.linalg.cholesky(good), atol=1e-12)
    (marked,) = way([x], [ag.linalg.cholesky(x, on_error="nan")])([bad])
    assert np.isnan(marked.real).all()


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
    ("eigh upper", lambda x: ag.linalg.eigh(x, "U").eigenvalues,
     lambda x: np.linalg.eigh(x, "U").eigenvalues, (square(2, 4, 4),)),
    ("eigvalsh", ag.linalg.eigvalsh, np.linalg.eigvalsh, (positive(2, 4, 4),)),
    ("eigvalsh upper", lambda x: ag.linalg.eigvalsh(x, "U"),
     lambda x: np.linalg.eigvalsh(x, "U"), (square(4, 4),)),
    ("svd values", lambda x: ag.linalg.svd(x, compute_uv=False),
     lambda x: np.linalg.svd(x, compute_uv=False), (RANDOM.normal(size=(2, 3, 5)),)),
    ("qr", ag.linalg.qr, lambda x: tuple(np.linalg.qr(x)), (square(2, 4, 4),)),
    ("qr tall", ag.linalg.qr, lambda x: tuple(np.linalg.qr(x)), (RANDOM.normal(size=(5, 3)),)),
    ("qr wide", ag.linalg.qr, lambda x: tuple(np.linalg.qr(x)), (RANDOM.normal(size=(3, 5)),)),
    ("qr r", lambda x: ag.linalg.qr(x, "r"), lambda x: np.linalg.qr(x, "r"), (square(4, 4),)),
    ("qr raw", lambda x: ag.linalg.qr(x, "raw"),
     lambda x: tuple(np.linalg.qr(x, "raw")), (RANDOM.normal(size=(5, 3)),)),
    ("qr complete", lambda x: ag.linalg.qr(x, "complete"),
     lambda x: tuple(np.linalg.qr(x, "complete")), (RANDOM.normal(size=(5, 3)),)),
    ("pinv", ag.linalg.pinv, np.linalg.pinv, (RANDOM.normal(size=(2, 5, 3)),)),
    ("pinv of low rank", lambda x, y: ag.linalg.pinv(x @ y, 1e-4),
     lambda x, y: np.linalg.pinv(x @ y, 1e-4), (square(4, 4)[:, :2], square(4, 4)[:2])),
    ("pinv hermitian", lambda x: ag.linalg.pinv(x, hermitian=True), np.linalg.pinv,
     (positive(2, 4, 4),)),
    ("matrix_rank", lambda x: ag.linalg.matrix_rank(x[..., :2] @ x[..., :2, :]),
     lambda x: np.linalg.matrix_rank(x[..., :2] @ x[..., :2, :]), (square(3, 4, 4),)),
    ("matrix_rank tol", lambda x: ag.linalg.matrix_rank(x, 2.5),
     lambda x: np.linalg.matrix_rank(x, 2.5), (square(3, 4, 4),)),
    ("matrix_rank vector", ag.linalg.matrix_rank, np.linalg.matrix_rank, (np.zeros(3),)),
    ("expm", ag.linalg.expm, scipy.linalg.expm, (RANDOM.normal(size=(2, 4, 4)),)),
    ("expm large", ag.linalg.expm, scipy.linalg.expm, (RANDOM.normal(size=(6, 6)) * 3,)),
    ("expm zero", ag.linalg.expm, scipy.linalg.expm, (np.zeros((3, 3)),)),
    ("matrix_power", lambda x: ag.linalg.matrix_power(x, 5),
     lambda x: np.linalg.matrix_power(x, 5), (square(2, 3, 3) / 3,)),
    ("matrix_power 0", lambda x: ag.linalg.matrix_power(x, 0),
     lambda x: np.linalg.matrix_power(x, 0), (square(2, 3, 3),)),
    ("matrix_power negative", lambda x: ag.linalg.matrix_power(x, -3),
     lambda x: np.linalg.matrix_power(x, -3), (square(2, 3, 3),)),
    ("cond", ag.linalg.cond, np.linalg.cond, (RANDOM.normal(size=(2, 4, 3)),)),
    ("cond 1", lambda x: ag.linalg.cond(x, 1), lambda x: np.linalg.cond(x, 1), (square(3, 3),)),
    ("cond fro", lambda x: ag.linalg.cond(x, "fro"), lambda x: np.linalg.cond(x, "fro"),
     (square(2, 3, 3),)),
    ("cond -2", lambda x: ag.linalg.cond(x, -2), lambda x: np.linalg.cond(x, -2),
     (square(2, 3, 3),)),
    ("cond singular", lambda x: ag.linalg.cond(x, np.inf), lambda x: np.linalg.cond(x, np.inf),
     (np.zeros((2, 2)),)),
    ("tensorsolve", ag.linalg.tensorsolve, np.linalg.tensorsolve,
     (square(6, 6).reshape(2, 3, 6), RANDOM.normal(size=(2, 3)))),
    ("tensorinv", ag.linalg.tensorinv, np.linalg.tensorinv, (square(6, 6).reshape(2, 3, 6),)),
    ("block_diag", ag.linalg.block_diag, scipy.linalg.block_diag,
     (square(2, 2), RANDOM.normal(size=(1, 3)), square(3, 3))),
    ("multi_dot", lambda *x: ag.linalg.multi_dot(x), lambda *x: np.linalg.multi_dot(x),
     (RANDOM.normal(size=7), RANDOM.normal(size=(7, 2)), RANDOM.normal(size=(2, 5)))),
    ("diagonal", lambda x: ag.linalg.diagonal(x, offset=1),
     lambda x: np.linalg.diagonal(x, offset=1), (RANDOM.normal(size=(2, 3, 4)),)),
    ("diagonal below", lambda x: ag.linalg.diagonal(x, offset=-2),
     lambda x: np.linalg.diagonal(x, offset=-2), (RANDOM.normal(size=(4, 3)),)),
    ("trace", lambda x: ag.linalg.trace(x, offset=1), lambda x: np.linalg.trace(x, offset=1),
     (RANDOM.normal(size=(2, 3, 4)),)),
    ("outer", ag.linalg.outer, np.linalg.outer, (RANDOM.normal(size=3), RANDOM.normal(size=4))),
]  # fmt: skip


def _norms() -> list[tuple[str, Any, Any, tuple[Array, ...]]]:
    x, v, m = (RANDOM.normal(size=s) for s in ((2, 3, 4), (5,), (3, 4)))
    calls: list[tuple[Array, dict[str, Any]]] = [(x, {}), (v, {}), (m, {})]
    calls += [(v, {"ord": p}) for p in (0, 1, 2, 3, 0.5, -1, np.inf, -np.inf)]
    calls += [(x, {"ord": p, "axis": 1}) for p in (0, 1, 2, 3, np.inf, -np.inf)]
    for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        calls += [(m, {"ord": p}), (x, {"ord": p, "axis": (2, 0)})]
        calls.append((x, {"ord": p, "axis": (0, 1), "keepdims": True}))
    calls += [(x, {"axis": -1, "keepdims": True}), (x, {"keepdims": True}), (x, {"axis": (1, 0)})]

    def make(name: str, named: dict[str, Any], array: Array) -> tuple[str, Any, Any, Any]:
        ours, numpys = getattr(ag.linalg, name), getattr(np.linalg, name)
        title = f"{name} {array.shape} {named}"
        return title, lambda t: ours(t, **named), lambda t: numpys(t, **named), (array,)

    made = [make("norm", named, array) for array, named in calls]
    for named in ({}, {"axis": (0, 2)}, {"axis": 1, "ord": 3}, {"axis": 1, "keepdims": True}):
        made.append(make("vector_norm", named, x))
    for named in ({}, {"ord": "nuc"}, {"ord": 1, "keepdims": True}):
        made.append(make("matrix_norm", named, x))
    return made


NORMS = _norms()


@pytest.mark.parametrize("symbolic", [False, True], ids=["known sizes", "unknown sizes"])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("case", [*VALUES, *NORMS], ids=lambda case: case[0])
def test_values_are_numpys(case: Any, kind: Any, symbolic: bool):
    _, ours, numpys, arrays = case
    arrays = tuple(a.astype(kind) for a in arrays)
    with np.errstate(all="ignore"):
        expected = numpys(*arrays)
    expected = list(map(np.asarray, expected if isinstance(expected, tuple) else [expected]))
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
    ("eigh", lambda x: ag.linalg.eigh(x).eigenvectors ** 2, (positive(3, 3),)),
    ("eigh upper", lambda x: ag.linalg.eigh(x, "U").eigenvalues, (positive(3, 3),)),
    ("svd tall", lambda x: (ag.linalg.svd(x, full_matrices=False).U ** 2), (square(4, 4)[:, :3],)),
    ("svd wide", lambda x: (ag.linalg.svd(x, full_matrices=False).Vh ** 2), (square(4, 4)[:3],)),
    ("svd of a product", lambda x: _product(ag.linalg.svd(x, full_matrices=False)),
     (square(3, 3),)),
    ("qr tall", lambda x: ag.linalg.qr(x).Q, (square(4, 4)[:, :2],)),
    ("qr wide", lambda x: ag.concatenate(list(ag.linalg.qr(x)), -1), (square(4, 4)[:2],)),
    ("pinv", ag.linalg.pinv, (square(4, 4)[:, :2],)),
    ("pinv of equal values", ag.linalg.pinv, (np.eye(3),)),
    ("pinv hermitian", lambda x: ag.linalg.pinv((x + x.mT) / 2, hermitian=True),
     (positive(3, 3),)),
    ("lstsq", lambda a, b: ag.linalg.lstsq(a, b).x, (square(4, 4)[:, :2], square(4, 4))),
    ("expm", ag.linalg.expm, (square(3, 3),)),
    ("matrix_power", lambda x: ag.linalg.matrix_power(x, -2), (square(3, 3),)),
    ("norm nuc", lambda x: ag.linalg.norm(x, "nuc"), (square(3, 3),)),
    ("norm 2", lambda x: ag.linalg.norm(x, 2), (square(3, 3),)),
    ("norm 3", lambda x: ag.linalg.norm(x, 3, axis=0), (square(3, 3),)),
    ("cond", ag.linalg.cond, (square(3, 3),)),
    ("one factorisation", lambda a, b: ag.linalg.solve(a, b) * ag.linalg.det(a),
     (square(3, 3), square(3, 3))),
]  # fmt: skip


@pytest.mark.parametrize("case", GRADIENTS, ids=lambda case: case[0])
def test_gradients(case: Any):
    _, function, arrays = case
    check_gradient(function, *arrays)


def _product(parts: Any) -> Tensor:
    u, values, vh = parts
    return (u * values[..., None, :]) @ vh


def any_matrices(shape: tuple[int, ...], kind: str) -> Array:
    """Return random matrices of a dtype."""
    array = RANDOM.normal(size=shape)
    both = array + 1j * RANDOM.normal(size=shape) if kind[0] == "c" else array
    return both.astype(kind)


def adjoint(x: Array) -> Array:
    """Return the conjugate of the transposed matrices."""
    return np.conj(np.swapaxes(x, -1, -2))


@pytest.mark.parametrize("kind", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 3, 3), (1, 1), (0, 3), (120, 90)])
def test_decompositions_multiply_back(shape: tuple[int, ...], kind: str):
    array = any_matrices(shape, kind)
    near = 1e-10 if kind in ("float64", "complex128") else 4e-4
    x = ag.input("x", f"{kind}[{', '.join('kmn'[-len(shape) :])}]")
    m, n = shape[-2:]
    for full in (True, False):
        u, s, vh = ag.function([x], list(ag.linalg.svd(x, full)))(array)
        k = min(m, n)
        assert u.shape[-1] == (m if full else k)
        assert vh.shape[-2] == (n if full else k)
        assert u.dtype == vh.dtype == array.dtype
        assert s.dtype == array.real.dtype
        np.testing.assert_allclose(s, np.linalg.svdvals(array), atol=near)
        back = (u[..., :k] * s[..., None, :]) @ vh[..., :k, :]
        np.testing.assert_allclose(back, array, atol=near)
        assert_orthonormal(u, near)
        assert_orthonormal(adjoint(vh), near)
        assert (np.diff(s, axis=-1) <= 0).all()
    for mode in ("reduced", "complete"):
        q, r = ag.function([x], list(ag.linalg.qr(x, mode)))(array)
        np.testing.assert_allclose(q @ r, array, atol=near)
        assert q.shape[-1] == (m if mode == "complete" else k)
        assert_orthonormal(q, near)
        np.testing.assert_array_equal(np.tril(r, -1), np.zeros_like(r))
    if m == n:
        both = array + adjoint(array)
        for uplo, given in (("L", np.tril(both)), ("U", np.triu(both))):
            parts = [*ag.linalg.eigh(x, uplo), ag.linalg.eigvalsh(x, uplo)]
            w, v, alone = ag.function([x], parts)(given)
            assert w.dtype == alone.dtype == array.real.dtype
            np.testing.assert_allclose(both @ v, v * w[..., None, :], atol=10 * near)
            np.testing.assert_allclose(w, alone, atol=10 * near)
            assert_orthonormal(v, near)
        p, l, u = ag.function([x], list(ag.linalg.lu(x)))(array)
        np.testing.assert_allclose(p @ l @ u, array, atol=near)


def assert_orthonormal(columns: Array, near: float) -> None:
    """Check that columns have length 1 and are at right angles."""
    products = adjoint(columns) @ columns
    np.testing.assert_allclose(
        products, np.broadcast_to(np.eye(columns.shape[-1]), products.shape), atol=near
    )


def test_lstsq_is_numpys():
    for a, b in (
        (RANDOM.normal(size=(6, 3)), RANDOM.normal(size=6)),
        (RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(6, 2))),
        (RANDOM.normal(size=(3, 5)), RANDOM.normal(size=3)),
    ):
        x, residuals, rank, values = run(ag.linalg.lstsq, a, b, symbolic=True)
        wanted = np.linalg.lstsq(a, b)
        np.testing.assert_allclose(x, wanted[0], atol=1e-12)
        np.testing.assert_allclose(residuals, wanted[1] if len(wanted[1]) else 0, atol=1e-12)
        assert rank == wanted[2]
        np.testing.assert_allclose(values, wanted[3])


def _sorted(values: Array) -> Array:
    return np.sort_complex(np.round(values, 9))


@pytest.mark.parametrize("kind", ["float64", "complex128", "float32"])
@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3), (1, 1), (0, 0), (30, 30)])
def test_eigenvectors_are_stretched(shape: tuple[int, ...], kind: str):
    array = RANDOM.normal(size=shape).astype(kind)
    if kind[0] == "c":
        array = array + 1j * RANDOM.normal(size=shape)
    near = 1e-10 if kind != "float32" else 2e-4
    x = ag.input("x", f"{kind}[{', '.join('kmn'[-len(shape) :])}]")
    w, v, alone = ag.function([x], [*ag.linalg.eig(x), ag.linalg.eigvals(x)])(array)
    assert w.dtype == v.dtype == np.result_type(array, np.complex64)
    np.testing.assert_allclose(array @ v, v * w[..., None, :], atol=near * 10)
    np.testing.assert_allclose(np.linalg.norm(v, axis=-2), np.ones(w.shape), atol=near)
    if kind != "float32":
        np.testing.assert_allclose(_sorted(w), _sorted(np.linalg.eigvals(array)), atol=near)
        np.testing.assert_allclose(_sorted(w), _sorted(alone), atol=near)


def hermitian(x: Any) -> Any:
    """Return a matrix times its adjoint, arrays' or tensors', which is positive definite."""
    return x @ x.mT.conj()


def _away(x: Tensor) -> Tensor:
    """Return numbers without the factor of absolute value 1 that a vector leaves open."""
    return abs(x) ** 2


# Arguments are a square matrix and another.
COMPLEXES: list[tuple[str, Callable[..., Any], Callable[..., Any]]] = [
    ("solve", ag.linalg.solve, np.linalg.solve),
    ("inv", lambda x, _: ag.linalg.inv(x), lambda x, _: np.linalg.inv(x)),
    ("det", lambda x, _: ag.linalg.det(x), lambda x, _: np.linalg.det(x)),
    ("slogdet sign", lambda x, _: ag.linalg.slogdet(x).sign,
     lambda x, _: np.linalg.slogdet(x).sign),
    ("slogdet", lambda x, _: ag.linalg.slogdet(x).logabsdet,
     lambda x, _: np.linalg.slogdet(x).logabsdet),
    ("cholesky", lambda x, _: ag.linalg.cholesky(hermitian(x)),
     lambda x, _: np.linalg.cholesky(hermitian(x))),
    ("cholesky of a triangle", lambda x, _: ag.linalg.cholesky(ag.tril(x) + 2 * ag.eye(3)),
     lambda x, _: np.linalg.cholesky(x + 2 * np.eye(3))),
    ("cholesky upper", lambda x, _: ag.linalg.cholesky(ag.triu(x) + 2 * ag.eye(3), upper=True),
     lambda x, _: np.linalg.cholesky(x + 2 * np.eye(3), upper=True)),
    ("cho_solve", lambda a, b: ag.linalg.cho_solve((ag.linalg.cholesky(hermitian(a)), True), b),
     lambda a, b: np.linalg.solve(hermitian(a), b)),
    ("cho_solve upper",
     lambda a, b: ag.linalg.cho_solve((ag.linalg.cholesky(hermitian(a), upper=True), False), b),
     lambda a, b: np.linalg.solve(hermitian(a), b)),
    ("eigvalsh", lambda x, _: ag.linalg.eigvalsh(x), lambda x, _: np.linalg.eigvalsh(x)),
    ("eigvalsh upper", lambda x, _: ag.linalg.eigvalsh(x, "U"),
     lambda x, _: np.linalg.eigvalsh(x, "U")),
    ("eigh", lambda x, _: _away(ag.linalg.eigh(x).eigenvectors),
     lambda x, _: abs(np.linalg.eigh(x).eigenvectors) ** 2),
    ("eigh upper", lambda x, b: _away(b @ ag.linalg.eigh(x, "U").eigenvectors),
     lambda x, b: abs(b @ np.linalg.eigh(x, "U").eigenvectors) ** 2),
    ("exponential by eigh", lambda x, b: _function(b @ b.mT.conj() / 9, ag.linalg.eigh, ag.exp),
     lambda x, b: scipy.linalg.expm(hermitian(b) / 9)),
    ("svdvals", lambda x, _: ag.linalg.svdvals(x), lambda x, _: np.linalg.svdvals(x)),
    ("svd", lambda x, b: _away(b @ ag.linalg.svd(x).U),
     lambda x, b: abs(b @ np.linalg.svd(x).U) ** 2),
    ("svd right", lambda x, b: _away(ag.linalg.svd(x).Vh @ b),
     lambda x, b: abs(np.linalg.svd(x).Vh @ b) ** 2),
    ("svd tall", lambda x, b: _away(b @ ag.linalg.svd(x[:, :2], False).U),
     lambda x, b: abs(b @ np.linalg.svd(x[:, :2], False).U) ** 2),
    ("svd wide", lambda x, b: _away(ag.linalg.svd(x[:2], False).Vh @ b),
     lambda x, b: abs(np.linalg.svd(x[:2], False).Vh @ b) ** 2),
    ("polar", lambda x, _: ag.linalg.svd(x).U @ ag.linalg.svd(x).Vh,
     lambda x, _: scipy.linalg.polar(x)[0]),
    ("qr", lambda x, _: ag.concatenate(list(ag.linalg.qr(x)), -1),
     lambda x, _: np.concatenate(list(np.linalg.qr(x)), -1)),
    ("qr tall", lambda x, _: ag.linalg.qr(x[:, :2]).Q, lambda x, _: np.linalg.qr(x[:, :2]).Q),
    ("qr wide", lambda x, b: ag.concatenate([b[:2, :2] @ q for q in ag.linalg.qr(x[:2])], -1),
     lambda x, b: np.concatenate([b[:2, :2] @ q for q in np.linalg.qr(x[:2])], -1)),
    ("r", lambda x, _: ag.linalg.qr(x, "r"), lambda x, _: np.linalg.qr(x, "r")),
    ("pinv", lambda x, _: ag.linalg.pinv(x), lambda x, _: np.linalg.pinv(x)),
    ("pinv tall", lambda x, _: ag.linalg.pinv(x[:, :2]), lambda x, _: np.linalg.pinv(x[:, :2])),
    ("pinv wide", lambda x, _: ag.linalg.pinv(x[:2]), lambda x, _: np.linalg.pinv(x[:2])),
    ("pinv hermitian", lambda x, _: ag.linalg.pinv(x + x.mT.conj(), hermitian=True),
     lambda x, _: np.linalg.pinv(x + x.mT.conj(), hermitian=True)),
    ("lstsq", lambda a, b: ag.linalg.lstsq(a[:, :2], b).x,
     lambda a, b: np.linalg.lstsq(a[:, :2], b)[0]),
    ("residuals", lambda a, b: ag.linalg.lstsq(a[:, :2], b).residuals,
     lambda a, b: np.linalg.lstsq(a[:, :2], b)[1]),
    ("expm", lambda x, _: ag.linalg.expm(x), lambda x, _: scipy.linalg.expm(x)),
    ("cond", lambda x, _: ag.linalg.cond(x), lambda x, _: np.linalg.cond(x)),
    ("cond 1", lambda x, _: ag.linalg.cond(x, 1), lambda x, _: np.linalg.cond(x, 1)),
    ("cond nuc", lambda x, _: ag.linalg.cond(x, "nuc"), lambda x, _: np.linalg.cond(x, "nuc")),
    ("norm along an axis", lambda x, _: ag.linalg.norm(x, 2, axis=1),
     lambda x, _: np.linalg.norm(x, 2, axis=1)),
    ("norm 2", lambda x, _: ag.linalg.norm(x, 2), lambda x, _: np.linalg.norm(x, 2)),
    ("norm nuc", lambda x, _: ag.linalg.norm(x, "nuc"), lambda x, _: np.linalg.norm(x, "nuc")),
    ("matrix_power", lambda x, _: ag.linalg.matrix_power(x, -2),
     lambda x, _: np.linalg.matrix_power(x, -2)),
    ("lu", lambda x, _: ag.linalg.lu(x).u, lambda x, _: scipy.linalg.lu(x)[2]),
    ("solve_triangular", lambda a, b: ag.linalg.solve_triangular(a, b, "T", True),
     lambda a, b: scipy.linalg.solve_triangular(a, b, "T", True)),
    ("solve_triangular conjugate", lambda a, b: ag.linalg.solve_triangular(a, b, "C", True),
     lambda a, b: scipy.linalg.solve_triangular(a, b, "C", True)),
    ("norm", lambda x, _: ag.linalg.norm(x), lambda x, _: np.linalg.norm(x)),
    ("norm 1", lambda x, _: ag.linalg.norm(x, 1), lambda x, _: np.linalg.norm(x, 1)),
    ("vector_norm", lambda x, _: ag.linalg.vector_norm(x, axis=0, ord=3),
     lambda x, _: np.linalg.vector_norm(x, axis=0, ord=3)),
]  # fmt: skip


def _function(x: Tensor, eigh: Callable[..., Any], function: Callable[..., Tensor]) -> Tensor:
    values, vectors = eigh(x)
    return (vectors * function(values)) @ vectors.mT.conj()


@pytest.mark.parametrize("case", COMPLEXES, ids=lambda case: case[0])
def test_complex_matrices(case: Any):
    _, ours, numpys = case
    random = np.random.default_rng(7)
    a, b = (
        random.uniform(-1, 1, (3, 3)) + 1j * random.uniform(-1, 1, (3, 3)) + np.diag([3, 4, 5])
        for _ in range(2)
    )
    for way in (native, interpreted):
        inputs = [ag.input("a", "c128[n, n]"), ag.input("b", "c128[n, m]")]
        (found,) = way(inputs, [ours(*inputs)])([a, b])
        np.testing.assert_allclose(found, numpys(a, b), atol=1e-10)
    check_gradient(ours, a, b)


def test_eigenvalues_have_gradients():
    # Of real matrices whose eigenvalues are complex.
    x = np.array([[0.2, -2.0, 0.1], [1.5, 0.1, 0.3], [0.2, 0.1, 4.0]])
    check_gradient(lambda t: ag.real(ag.linalg.eigvals(t) ** 3).sum(), x)
    check_gradient(lambda t: abs(ag.linalg.eig(t).eigenvectors), x)


@pytest.mark.parametrize("name", ["lstsq", "matrix_rank"])
def test_ranks_of_complex_matrices(name: str):
    random = np.random.default_rng(3)
    for m, n in ((6, 3), (3, 5)):
        a, b = (random.normal(size=(m, k)) + 1j * random.normal(size=(m, k)) for k in (n, 2))
        a[:, 1] = a[:, 0] * 2j
        if name == "matrix_rank":
            (rank,) = run(ag.linalg.matrix_rank, a, symbolic=True)
            assert rank == np.linalg.matrix_rank(a) == (2 if m == 6 else 3)
            continue
        x, residuals, rank, values = run(ag.linalg.lstsq, a, b, symbolic=True)
        wanted = np.linalg.lstsq(a, b)
        np.testing.assert_allclose(x, wanted[0], atol=1e-12)
        np.testing.assert_allclose(residuals, np.sum(abs(b - a @ x) ** 2, 0), atol=1e-12)
        assert residuals.dtype == values.dtype == np.float64
        assert rank == wanted[2]
        np.testing.assert_allclose(values, wanted[3], atol=1e-12)


def test_what_has_no_derivative_says_so():
    x = ag.input("x", "f64[4, 3]")
    for part in (ag.linalg.svd(x).U, ag.linalg.qr(x, "complete")[0]):
        with pytest.raises(ag.GradientError, match="not unique"):
            ag.grad(part.sum(), x)
    with pytest.raises(ag.GradientError, match="not square"):
        ag.grad(ag.linalg.lu(x).u.sum(), x)


@pytest.mark.parametrize("kind", ["float64", "complex128"])
def test_nan_does_not_converge(kind: str):
    x = np.full((3, 3), np.nan, kind)
    for name in ("svd", "svdvals", "eigh", "eigvalsh", "pinv", "eig", "eigvals"):
        function = getattr(ag.linalg, name)
        with pytest.raises(ag.LinAlgError, match=f"{name}: .*did not converge"):
            run(function, x)
        parts = run(partial(function, on_error="nan"), x)
        assert all(np.isnan(part).all() for part in parts)


def test_expm_of_what_is_not_finite_and_of_what_is_huge():
    (made,) = run(ag.linalg.expm, np.array([[[np.inf, 0], [0, 1]], [[0, 1], [0, 0]]]))
    assert not np.isfinite(made[0]).all()
    np.testing.assert_allclose(made[1], [[1, 1], [0, 1]], rtol=1e-12)
    huge = np.diag([-1e4, 0.0])
    np.testing.assert_allclose(run(ag.linalg.expm, huge)[0], np.diag([0.0, 1.0]), atol=1e-12)


BAD_CALLS: list[tuple[Callable[[Tensor], Any], str]] = [
    (lambda x: ag.linalg.qr(x, "full"), 'mode is "reduced"'),
    (lambda x: ag.linalg.qr(x[0]), "takes matrices"),
    (lambda x: ag.linalg.svd(x[0]), "takes matrices"),
    (lambda x: ag.linalg.matrix_power(x, 2), "square matrices"),
    (lambda x: ag.linalg.matrix_power(x[:, :2], 0.5), "a known integer"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda x: ag.linalg.norm(x, "max"), 'is "fro", "nuc"'),
    (lambda x: ag.linalg.norm(x, 3), 'is "fro", "nuc"'),
    (lambda x: ag.linalg.norm(x[0], "fro"), "is a number"),
    (lambda x: ag.linalg.norm(x, axis=5), "no axis 5"),
    (lambda x: ag.linalg.norm(x, axis=(0, 0)), "twice"),
    (lambda x: ag.linalg.lstsq(x, x.T), "rows of a and b differ"),
    (lambda x: ag.linalg.lstsq(x[None], x), "takes a matrix"),
    (lambda x: ag.linalg.tensorsolve(x, x[0]), "no square matrix"),
    (lambda x: ag.linalg.tensorinv(x, 0), "positive integer"),
    (lambda x: ag.linalg.tensorinv(x, 1), "no square matrix"),
    (lambda x: ag.linalg.block_diag(), "at least one array"),
    (lambda x: ag.linalg.multi_dot([x]), "at least two"),
    (lambda x: ag.linalg.multi_dot([x, x]), "sizes 3 and 2"),
    (lambda x: ag.linalg.outer(x, x), "takes two vectors"),
    (lambda x: ag.linalg.cond(x, 1), "square matrices"),
    (lambda x: ag.linalg.pinv(x, hermitian=True), "square matrices"),
    (lambda x: ag.linalg.inv(x > 0), "square matrices"),
]


@pytest.mark.parametrize("case", BAD_CALLS, ids=lambda case: case[1])
def test_bad_calls_say_what_is_wrong(case: Any):
    call, words = case
    with pytest.raises(ag.GraphTypeError) as caught:
        call(ag.input("x", "f32[2, 3]"))
    assert words in str(caught.value)


def test_value_and_gradient_share_one_factorisation():
    a, b = ag.input("a", "f64[n, n]"), ag.input("b", "f64[n]")
    loss = (ag.linalg.solve(a, b) ** 2).sum() + ag.linalg.slogdet(a).logabsdet
    f = ag.function([a, b], [loss, *ag.grad(loss, [a, b])])
    assert sum("factors" in kernel.name for kernel in f.kernels) == 1

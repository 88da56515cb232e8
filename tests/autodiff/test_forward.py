"""Forward mode, Hessian-vector products, Jacobians and Hessians: by hand and by differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import Evaluator, interpreted, native

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Array

both = pytest.mark.parametrize("evaluator", [interpreted, native])
random = np.random.default_rng(0)


def numeric_jacobian(value: Callable[[Array], Array], at: Array) -> Array:
    """Central differences, ``value(at).shape + at.shape``."""
    step = 1e-5
    columns = []
    for index in np.ndindex(at.shape):
        unit = np.zeros(at.shape)
        unit[index] = step
        columns.append((value(at + unit) - value(at - unit)) / (2 * step))
    out = value(at).shape
    return np.stack(columns, -1).reshape(out + at.shape) if columns else np.zeros(out + at.shape)


FUNCTIONS: dict[str, tuple[Callable[[ag.Tensor], ag.Tensor], Array]] = {
    "elementwise": (lambda x: ag.exp(x) * ag.sin(x), random.normal(size=4)),
    "matrix": (lambda x: ag.tanh(x @ x.T), random.normal(size=(2, 3))),
    "reduction": (lambda x: x.prod(0) + x.max(0) ** 2, random.normal(size=(3, 2))),
    "softmax": (ag.softmax, random.normal(size=(2, 3))),
    "logsumexp": (lambda x: ag.logsumexp(x, 0) ** 2, random.normal(size=(2, 3))),
    "slices": (lambda x: x[1:] * x[:-1] + x[::2][0], random.normal(size=5)),
    "reshape": (lambda x: (x.reshape(3, 2) @ x.reshape(2, 3))[0], random.normal(size=6)),
    "scalar": (lambda x: (x**3).sum(), random.normal(size=3)),
    "of a scalar": (lambda x: x ** ag.constant([1.0, 2.0, 3.0]), np.array(1.5)),
    "labels": (lambda x: ag.cross_entropy(x, np.array([2, 0])), random.normal(size=(2, 3))),
    "empty": (lambda x: x[:0] * 2, random.normal(size=3)),
    "where": (lambda x: ag.where(x > 0, x**2, -x), random.normal(size=4)),
}


@both
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("symbolic", [False, True])
def test_jacobians(name: str, symbolic: bool, evaluator: Evaluator):
    function, at = FUNCTIONS[name]
    sizes = ", ".join("?" if symbolic else str(s) for s in at.shape)
    if symbolic and name == "reshape":
        function = lambda x: (x.reshape(3, -1) @ x.reshape(-1, 3))[0]  # noqa: E731
    x = ag.input("x", f"f64[{sizes}]")
    y = function(x)
    run = evaluator([x], [y, ag.jacobian(y, x), ag.jacobian(y, x, mode="forward")])
    expected = numeric_jacobian(lambda v: interpreted([x], [y])([v])[0], at)
    _, rows, columns = run([at])
    np.testing.assert_allclose(rows, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(columns, expected, rtol=1e-6, atol=1e-8)


@both
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "empty"])
def test_hessians(name: str, evaluator: Evaluator):
    function, at = FUNCTIONS[name]
    x = ag.input("x", f"f64[{', '.join(map(str, at.shape))}]")
    v = ag.input("v", x.type.__repr__())
    y = function(x)
    cost = (y * ag.constant(np.linspace(0.5, 1.5, _count(y)).reshape(at_shape(y)))).sum()
    slope = ag.grad(cost, x)
    run = evaluator([x, v], [ag.hessian(cost, x), ag.hvp(cost, x, v)])
    expected = numeric_jacobian(lambda p: interpreted([x], [slope])([p])[0], at)
    along = np.cos(np.arange(at.size)).reshape(at.shape)
    whole, product = run([at, along])
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        product, np.tensordot(expected, along, axes=at.ndim), rtol=1e-5, atol=1e-7
    )


def at_shape(y: ag.Tensor) -> tuple[int, ...]:
    return tuple(size for size in y.shape if isinstance(size, int))


def _count(y: ag.Tensor) -> int:
    assert isinstance(y.size, int)
    return y.size


def test_jacobians_by_hand():
    x, w = ag.input("x", "f64[n]"), ag.input("w", "f64[m, n]")
    a, b = random.normal(size=4), random.normal(size=(3, 4))
    slope = 1 - np.tanh(b @ a) ** 2
    by_w = np.einsum("i,ij,k->ijk", slope, np.eye(3), a)
    for mode in ("reverse", "forward"):
        found = ag.function([x, w], ag.jacobian(ag.tanh(w @ x), [x, w], mode=mode))(a, b)
        np.testing.assert_allclose(found[0], slope[:, None] * b, atol=1e-12)
        np.testing.assert_allclose(found[1], by_w, atol=1e-12)


def test_blocks_of_a_hessian():
    x, y = ag.input("x", "f64[2]"), ag.input("y", "f64[3]")
    cost = (x**2).sum() * (y**3).sum()
    a, b = np.array([1.0, 2.0]), np.array([0.5, -1.0, 2.0])
    blocks = ag.hessian(cost, [x, y])
    found = ag.function([x, y], [blocks[i][j] for i in (0, 1) for j in (0, 1)])(a, b)
    np.testing.assert_allclose(found[0], 2 * np.eye(2) * (b**3).sum())
    np.testing.assert_allclose(found[1], np.outer(2 * a, 3 * b**2))
    np.testing.assert_allclose(found[2], np.outer(3 * b**2, 2 * a))
    np.testing.assert_allclose(found[3], np.diag(6 * b) * (a**2).sum())


def test_no_loop_over_rows():
    counts = []
    for n in (3, 300):
        x = ag.input("x", f"f64[{n}]")
        counts.append(len(ag.jacobian(ag.sin(x) * x.sum(), x).text().splitlines()))
    assert counts[0] == counts[1]


@both
def test_hessian_vector_products(evaluator: Evaluator):
    x, w = ag.input("x", "f64[n, 3]"), ag.input("w", "f64[3, 2]")
    v, u = ag.input("v", "f64[n, 3]"), ag.input("u", "f64[3, 2]")
    cost = ag.logsumexp(ag.tanh(x @ w), 1).sum()
    found = ag.hvp(cost, [x, w], [v, u])
    slope = (ag.grad(cost, x) * v).sum() + (ag.grad(cost, w) * u).sum()
    expected = ag.grad(slope, [x, w])
    arrays = [random.normal(size=s) for s in ((4, 3), (3, 2), (4, 3), (3, 2))]
    a, b, c, d = evaluator([x, w, v, u], [*found, *expected])(arrays)
    np.testing.assert_allclose(a, c, atol=1e-12)
    np.testing.assert_allclose(b, d, atol=1e-12)


def test_forward_mode_of_several():
    x, y = ag.scalar("x", dtype="f64"), ag.vector("y", dtype="f64")
    outs = [x * y, (y**2).sum(), x]
    found = ag.jvp(outs, [x, y], [1.0, ag.ones(3, "f64")])
    run = interpreted([x, y], found)
    a, b, c = run([np.array(2.0), np.array([1.0, 2.0, 3.0])])
    assert a.tolist() == [3, 4, 5]
    assert b == 12
    assert c == 1
    assert [f.type for f in found] == [o.type for o in outs]


def test_forward_mode_alone_has_the_right_types():
    x = ag.vector("x")
    only = ag.jvp([ag.floor(x), x.astype("f64"), x * 2], x, [1.0])
    assert [t.dtype for t in only] == [ag.constant(1.0).dtype, ag.constant(0.5, "f64").dtype] + [
        x.dtype
    ]
    assert [v.tolist() for v in interpreted([x], only)([np.ones(1, np.float32)])] == [[0], [1], [2]]


def test_intermediate_variables():
    x = ag.vector("x", dtype="f64")
    h = x * 2
    y = h**2 + x
    assert interpreted([x], [ag.jvp(y, h, np.ones(2))])([np.array([1.0, 2])])[0].tolist() == [4, 8]
    assert interpreted([x], [ag.vjp(y, h, np.ones(2))])([np.array([1.0, 2])])[0].tolist() == [4, 8]


def test_a_long_chain_does_not_recurse_and_stays_linear():
    x = ag.vector("x", dtype="f64")
    y = x
    for _ in range(400):
        y = ag.softmax(y, 0) * 1.5 + x.max()
    tangent = ag.jvp(y, x, np.ones(2))
    assert len(tangent.text().splitlines()) < 400 * 40
    assert np.isfinite(interpreted([x], [tangent])([np.array([0.5, 1.0])])[0]).all()


BAD: list[tuple[str, Callable[[], Any]]] = []


def bad(words: str) -> Callable[[Callable[[], Any]], None]:
    def note(call: Callable[[], Any]) -> None:
        BAD.append((words, call))

    return note


x, y, k = ag.input("x", "f32[3]"), ag.input("y", "f32[2]"), ag.input("k", "i64[3]")
bad("jvp: the output")(lambda: ag.jvp(x * 2, y, [1.0, 1.0]))
bad("does not fit")(lambda: ag.jvp(x * 2, x, [1.0, 1.0]))
bad("a tangent for each of 2")(lambda: ag.jvp(x * y.sum(), [x, y], [x]))
bad("not floating-point")(lambda: ag.jvp(x * k, k, k))
bad("must be floating-point")(lambda: ag.jvp(k, x, x))
bad("jacobian: takes one expression")(lambda: ag.jacobian([x, y], x))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
bad("jacobian: mode")(lambda: ag.jacobian(x, x, mode="up"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
bad("not floating-point")(lambda: ag.jacobian(x * k, k))
bad("vjp: the output")(lambda: ag.jacobian(x, y))
bad("cost must be a scalar")(lambda: ag.hessian(x, x))
bad("a vector for each of 1")(lambda: ag.hvp(x.sum(), [x], x))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
bad("no derivative")(lambda: ag.jvp(ag.undefined_gradient(x), x, x))


@pytest.mark.parametrize(("words", "call"), BAD, ids=[words for words, _ in BAD])
def test_bad_calls(words: str, call: Callable[[], Any]):
    with pytest.raises(ag.GradientError) as caught:
        call()
    assert words in str(caught.value)

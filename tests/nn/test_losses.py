"""Losses against their formulas in NumPy, at their edges, and their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.special as sc

import agnesi as ag
from agnesi.testing import check_gradient

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(2, 5, 4)) * 2
P, Q = sc.softmax(RNG.normal(size=(2, 5, 4)), -1)
BITS = RNG.integers(0, 2, (5, 4))
SIGNS = 2 * BITS - 1
LABELS = np.array([0, 3, 1, 2, 3])
COUNTS = RNG.poisson(2, (5, 4)).astype(np.float64)
ROWS = np.arange(5)


def others(x: Array) -> Array:
    """Scores of all classes but the label's."""
    return np.array([np.delete(row, label) for row, label in zip(x, LABELS, strict=True)])


def norm(x: Array) -> Array:
    return np.sqrt((x**2).sum(-1))


# A loss, what it is given, and its formula.
LOSSES: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (ag.nn.squared_error, (X, Y), (X - Y) ** 2),
    (ag.nn.absolute_error, (X, 1.5), abs(X - 1.5)),
    (ag.nn.huber, (X, Y), sc.huber(1, X - Y)),
    (lambda x, y: ag.nn.huber(x, y, 0.3), (X, Y), sc.huber(0.3, X - Y)),
    (lambda x, y: ag.nn.smooth_l1(x, y, 0.5), (X, Y), sc.huber(0.5, X - Y) / 0.5),
    (ag.nn.log_cosh, (X, Y), np.log(np.cosh(X - Y))),
    (ag.nn.binary_cross_entropy, (P, BITS), -np.log(np.where(BITS, P, 1 - P))),
    (ag.nn.binary_cross_entropy, (P, Q), -Q * np.log(P) - (1 - Q) * np.log1p(-P)),
    (
        ag.nn.binary_cross_entropy_with_logits,
        (X, Q),
        -Q * sc.log_expit(X) - (1 - Q) * sc.log_expit(-X),
    ),
    (
        lambda x, y: ag.nn.binary_cross_entropy_with_logits(
            x, y, positive_weight=np.array([1.0, 2, 3, 4])
        ),
        (X, BITS > 0),
        -np.where(BITS, sc.log_expit(X) * [1, 2, 3, 4], sc.log_expit(-X)),
    ),
    (ag.nn.hinge, (X, SIGNS), np.maximum(1 - SIGNS * X, 0)),
    (
        lambda x, y: ag.nn.hinge(x, y, 0.5, squared=True),
        (X, SIGNS),
        np.maximum(0.5 - SIGNS * X, 0) ** 2,
    ),
    (
        ag.nn.multiclass_hinge,
        (X, LABELS),
        np.maximum(1 + others(X).max(1) - X[ROWS, LABELS], 0),
    ),
    (
        lambda x, y: ag.nn.multiclass_hinge(x, y, 0.7, kind="weston_watkins", squared=True),
        (X, LABELS),
        (np.maximum(0.7 + others(X) - X[ROWS, LABELS, None], 0) ** 2).sum(1),
    ),
    (ag.nn.kl_divergence, (P, Q), (P * np.log(P / Q)).sum(-1)),
    (lambda p, q: ag.nn.kl_divergence(p, q, 0), (P, Q), (P * np.log(P / Q)).sum(0)),
    (
        lambda x, y: ag.nn.kl_divergence(x, y, logits=True),
        (X, Y),
        (sc.softmax(X, -1) * (sc.log_softmax(X, -1) - sc.log_softmax(Y, -1))).sum(-1),
    ),
    (ag.nn.gaussian_kl, (X, Y), 0.5 * (np.exp(Y) + X**2 - 1 - Y).sum(-1)),
    (ag.nn.cosine_similarity, (X, Y), (X * Y).sum(-1) / norm(X) / norm(Y)),
    (ag.nn.triplet, (X, Y, P), np.maximum(norm(X - Y) - norm(X - P) + 1, 0)),
    (
        lambda a, p, n: ag.nn.triplet(a, p, n, 0.5, squared=True),
        (X, Y, P),
        np.maximum(norm(X - Y) ** 2 - norm(X - P) ** 2 + 0.5, 0),
    ),
    (ag.nn.poisson_nll, (X, COUNTS), np.exp(X) - COUNTS * X),
    (
        lambda x, y: ag.nn.poisson_nll(x, y, log_input=False, full=True),
        (P, COUNTS),
        P - COUNTS * np.log(P) + sc.gammaln(COUNTS + 1),
    ),
    (ag.nn.gaussian_nll, (X, Y, P), 0.5 * (np.log(P) + (X - Y) ** 2 / P)),
    (
        lambda x, y: ag.nn.gaussian_nll(x, y, 2.0, full=True),
        (X, Y),
        0.5 * (np.log(2 * np.pi * 2) + (X - Y) ** 2 / 2),
    ),
    (ag.nn.cross_entropy, (X, LABELS), -sc.log_softmax(X, -1)[ROWS, LABELS]),
    (ag.nn.cross_entropy, (X, P), -(P * sc.log_softmax(X, -1)).sum(-1)),
]


def symbols(arrays: Any) -> list[Any]:
    kinds = {"f": "f64", "i": "i64", "b": "bool"}
    return [
        ag.input(f"a{k}", f"{kinds[a.dtype.kind]}[{', '.join('nmk'[: a.ndim])}]")
        if isinstance(a, np.ndarray)
        else a
        for k, a in enumerate(arrays)
    ]


@pytest.mark.parametrize("k", range(len(LOSSES)))
def test_values_and_derivatives(k: int):
    loss, arrays, expected = LOSSES[k]
    given = symbols(arrays)
    numbers = [a for a in arrays if isinstance(a, np.ndarray)]
    inputs = [a for a in given if isinstance(a, ag.Tensor)]
    got = ag.function(inputs, loss(*given))(*numbers)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    rest = arrays[len(numbers) :]
    check_gradient(lambda *a: loss(*a, *rest), *numbers, order=1, tolerance=1e-6, forward=False)


def test_reductions_and_dtypes():
    x, y = ag.input("x", "f32[n, m]"), ag.input("y", "f32[n, m]")
    results = [ag.nn.huber(x, y, reduction=how) for how in ("none", "mean", "sum")]
    results += [ag.nn.poisson_nll(x, y), ag.nn.log_cosh(x, y), ag.nn.gaussian_nll(x, y, 0.5)]
    assert {str(r.dtype) for r in results} == {"f32"}
    assert ag.nn.hinge(x, ag.input("t", "i64[n, m]")).dtype is x.dtype
    none, mean, total, *_ = ag.function([x, y], results)(X.astype("f4"), Y.astype("f4"))
    np.testing.assert_allclose([mean, total], [none.mean(), none.sum()], rtol=1e-6)
    with pytest.raises(ag.GraphTypeError, match="huber: reduction is 'none', 'mean' or 'sum'"):
        ag.nn.huber(x, y, reduction="average")  # pyright: ignore[reportArgumentType]


class TestCrossEntropy:
    logs = sc.log_softmax(X, -1)

    def test_axis(self):
        images = RNG.normal(size=(2, 3, 4, 5))
        labels = RNG.integers(0, 3, (2, 4, 5))
        x = ag.input("x", "f64[n, c, h, w]")
        y = ag.input("y", "i64[n, h, w]")
        p = ag.input("p", "f64[n, c, h, w]")
        got = ag.function(
            [x, y, p], [ag.cross_entropy(x, y, axis=1), ag.cross_entropy(x, p, axis=1)]
        )(images, labels, sc.softmax(images, 1))
        logs = sc.log_softmax(images, 1)
        expected = -np.take_along_axis(logs, labels[:, None], 1)[:, 0]
        np.testing.assert_allclose(got[0], expected)
        np.testing.assert_allclose(got[1], -(np.exp(logs) * logs).sum(1))

    @pytest.mark.parametrize("smoothing", [0.0, 0.2])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("ignored", [None, 3, -100])
    def test_settings(self, smoothing: float, weighted: bool, ignored: int | None):
        """As PyTorch has them: by the weight of each label, those that are ignored left out."""
        w = np.array([0.5, 1.0, 2.0, 3.0]) if weighted else np.ones(4)
        labels = np.where(LABELS == 3, ignored, LABELS) if ignored == -100 else LABELS
        counts = labels != ignored
        safe = np.where(counts, labels, 0)
        spread = -(self.logs * w).sum(-1) / 4
        losses = -(1 - smoothing) * self.logs[ROWS, safe] * w[safe] + smoothing * spread
        losses = np.where(counts, losses, 0)
        x, y = symbols([X, labels])
        made = [
            ag.cross_entropy(
                x,
                y,
                reduction=how,
                weights=w if weighted else None,
                label_smoothing=smoothing,
                ignore_index=ignored,
            )
            for how in ("none", "mean", "sum")
        ]
        got = ag.function([x, y], [*made, ag.grad(made[1], x)])(X, labels)
        np.testing.assert_allclose(got[0], losses)
        np.testing.assert_allclose(got[1], losses.sum() / w[safe][counts].sum())
        np.testing.assert_allclose(got[2], losses.sum())
        assert not got[3][~counts].any() and got[3][counts].all()

    def test_smoothed_probabilities_are_smoothed_labels(self):
        w = np.array([0.5, 1.0, 2.0, 3.0])
        hot = np.eye(4)[LABELS]
        args: dict[str, Any] = {"weights": w, "label_smoothing": 0.1}
        np.testing.assert_allclose(
            ag.cross_entropy(X, hot, **args).eval(), ag.cross_entropy(X, LABELS, **args).eval()
        )

    def test_labels_that_are_no_classes(self):
        x, y = symbols([X, LABELS])
        f = ag.function([x, y], ag.cross_entropy(x, y, ignore_index=-1, weights=np.ones(4)))
        assert f(X, np.array([-1, 0, 1, 2, 3]))[0] == 0
        hinge = ag.function([x, y], ag.nn.multiclass_hinge(x, y))
        for bad in (4, -2):
            for function in (f, hinge):
                with pytest.raises(ag.IndexOutOfBounds, match=rf"{bad}"):
                    function(X, np.array([bad, 0, 1, 2, 3]))

    def test_settings_that_make_no_sense(self):
        x, y = symbols([X, LABELS])
        with pytest.raises(ag.GraphTypeError, match="label_smoothing is at least 0"):
            ag.cross_entropy(x, y, label_smoothing=1.0)
        with pytest.raises(ag.GraphTypeError, match="one number for each class"):
            ag.cross_entropy(x, y, weights=np.ones((4, 1)))
        with pytest.raises(ag.GraphTypeError, match="ignore_index is for integer labels"):
            ag.cross_entropy(x, x, ignore_index=0)
        with pytest.raises(ag.GraphTypeError, match="no axis 2"):
            ag.cross_entropy(x, y, axis=2)


def values_and_slopes(loss: ag.Tensor, *inputs: ag.Tensor) -> Any:
    return ag.function(list(inputs), [loss, ag.grad(loss.sum(), inputs[0])])


def test_certain_probabilities_have_no_nan():
    p, t = ag.input("p", "f64[n]"), ag.input("t", "f64[n]")
    value, slope = values_and_slopes(ag.nn.binary_cross_entropy(p, t), p, t)(
        np.array([0.0, 1, 0, 1]), np.array([0.0, 1, 1, 0])
    )
    np.testing.assert_array_equal(value, [0, 0, np.inf, np.inf])
    np.testing.assert_array_equal(slope, [1, -1, -np.inf, np.inf])


def test_probabilities_of_logits_do_not_overflow():
    x, t = ag.vector("x"), ag.vector("t")
    value, slope = values_and_slopes(ag.nn.binary_cross_entropy(ag.sigmoid(x), t), x, t)(
        np.array([-200.0, 200, -200, 200], "f4"), np.array([0.0, 1, 1, 0], "f4")
    )
    np.testing.assert_array_equal(value, [0, 0, 200, 200])
    np.testing.assert_array_equal(slope, [0, 0, -1, 1])


def test_far_and_near_differences():
    x = ag.vector("x")
    given = np.array([-1e4, -1e-5, 0, 1e-5, 1e4], np.float32)
    for loss, far in ((ag.nn.log_cosh(x, 0.0), 1e4 - np.log(2)), (ag.nn.huber(x, 0.0), 1e4 - 0.5)):
        value, slope = values_and_slopes(loss, x)(given)
        np.testing.assert_allclose(value, [far, 5e-11, 0, 5e-11, far], rtol=1e-6)
        np.testing.assert_allclose(slope, np.clip(given, -1, 1), rtol=1e-6)


def test_what_is_the_same_or_nothing_has_finite_slopes():
    x, y = ag.input("x", "f64[n, m]"), ag.input("y", "f64[n, m]")
    zeros = np.zeros((2, 3))
    for loss in (ag.nn.cosine_similarity(x, y), ag.nn.triplet(x, y, y)):
        value, slope = values_and_slopes(loss, x, y)(zeros, zeros)
        assert np.isfinite(value).all() and not slope.any()
    p, q = np.array([[0.0, 1]]), np.array([[0.5, 0.5]])
    value, slope = values_and_slopes(ag.nn.kl_divergence(y, x), x, y)(q, p)
    np.testing.assert_allclose(value, [np.log(2)])
    np.testing.assert_allclose(slope, [[0, -2]])
    logits = np.array([[-np.inf, 0, 1]])
    got = ag.nn.kl_divergence(logits, logits, logits=True).eval()
    np.testing.assert_array_equal(got, [0])


def test_shapes_that_numpy_would_broadcast_are_refused():
    x, column = ag.input("x", "f32[n, m]"), ag.input("column", "f32[k, 1]")
    flat = ag.input("flat", "f32[n]")
    for loss in (ag.nn.squared_error, ag.nn.binary_cross_entropy, ag.nn.hinge, ag.nn.huber):
        with pytest.raises(ag.GraphTypeError, match="do not have the same shape"):
            loss(column, flat)
    f = ag.function([x, column], ag.nn.squared_error(x, column))
    assert f(np.ones((2, 1), "f4"), np.ones((2, 1), "f4")).shape == (2, 1)
    with pytest.raises(ag.ShapeError):
        f(np.ones((2, 3), "f4"), np.ones((2, 1), "f4"))
    with pytest.raises(ag.GraphTypeError, match="targets are -1 and 1"):
        ag.nn.hinge(x, x > 0)
    with pytest.raises(ag.GraphTypeError, match="kind is"):
        ag.nn.multiclass_hinge(x, ag.input("l", "i64[n]"), kind="all")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ag.GraphTypeError, match="delta is above 0"):
        ag.nn.huber(x, 0.0, 0.0)

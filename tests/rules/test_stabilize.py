"""Losses written naively, with their gradients: finite and right at ±1000 in f32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import F32
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.ops.arithmetic import Subtract
from agnesi.ops.families import Composite
from agnesi.ops.movement import BroadcastTo, ExpandDims
from agnesi.ops.probability import LogSoftmax, LogSumExp, Softmax
from agnesi.rewrite.trace import Trace
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.decompose import decompose
from agnesi.rules.stabilize import STABILIZE, stabilize
from agnesi.rules.tensors import filled

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Array, Tensor

x, y = ag.input("x", "f32[n, 4]"), ag.input("y", "f32[n, 4]")
EXTREME = np.array(
    [[1e3, -1e3, 999, 0], [1, 2, 3, 4], [-1e3, -999, -1e3, -1001], [88, 89, 0, -88]], np.float32
)
LABELS = np.random.default_rng(5).uniform(0.1, 0.9, (4, 4)).astype(np.float32)


def stable(*outputs: Tensor) -> list[Tensor]:
    return stabilize(canonicalize(outputs, Trace()), Trace())


def softmax(axis: int | tuple[int, ...] | None) -> Tensor:
    return ag.exp(x) / ag.exp(x).sum(axis, keepdims=True)


def sigmoid() -> Tensor:
    return 1 / (1 + ag.exp(-x))


def shifted() -> Tensor:
    return ag.exp(x - x.max(1, keepdims=True))


# Each is a loss written naively, and the same with agnesi's own functions.
LOSSES: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
    "logsumexp": (lambda: ag.log(ag.exp(x).sum(1)), lambda: ag.logsumexp(x, 1)),
    "logsumexp axis 0": (
        lambda: ag.log(ag.exp(x).sum(0, keepdims=True)),
        lambda: ag.logsumexp(x, 0),
    ),
    "logsumexp all": (lambda: ag.log(ag.exp(x).sum()), lambda: ag.logsumexp(x)),
    "log mean exp": (
        lambda: ag.log(ag.exp(x).mean(1)),
        lambda: ag.logsumexp(x, 1) - ag.log(ag.constant(4.0)),
    ),
    "log mean exp over rows": (
        lambda: ag.log(ag.mean(ag.exp(x), 0)),
        lambda: ag.logsumexp(x, 0) - ag.log(ag.astype(x.shape[0], "f32")),
    ),
    "softmax": (lambda: softmax(1) * y, lambda: ag.softmax(x) * y),
    "softmax axis 0": (lambda: softmax(0) * y, lambda: ag.softmax(x, 0) * y),
    "softmax all": (lambda: ag.exp(x) / ag.exp(x).sum() * y, lambda: ag.softmax(x, (0, 1)) * y),
    "softmax transposed": (
        lambda: (ag.exp(x).T / ag.exp(x).sum(1)).T * y,
        lambda: ag.softmax(x) * y,
    ),
    "softmax by reciprocal": (
        lambda: ag.exp(x) * (1 / ag.exp(x).sum(1, keepdims=True)) * y,
        lambda: ag.softmax(x) * y,
    ),
    "softmax shifted by hand": (
        lambda: shifted() / shifted().sum(1, keepdims=True) * y,
        lambda: ag.softmax(x) * y,
    ),
    "log softmax": (
        lambda: -(ag.log(softmax(1)) * y).mean(),
        lambda: -(ag.log_softmax(x) * y).mean(),
    ),
    "log softmax axis 0": (lambda: ag.log(softmax(0)) * y, lambda: ag.log_softmax(x, 0) * y),
    "log of own softmax": (lambda: ag.log(ag.softmax(x)) * y, lambda: ag.log_softmax(x) * y),
    "less log sum exp": (
        lambda: (x - ag.log(ag.exp(x).sum(1, keepdims=True))) * y,
        lambda: ag.log_softmax(x) * y,
    ),
    "log sum exp less": (
        lambda: (ag.log(ag.exp(x).sum(1, keepdims=True)) - x) * y,
        lambda: -ag.log_softmax(x) * y,
    ),
    "log sum exp shifted by hand": (
        lambda: ag.log(shifted().sum(1)) + x.max(1),
        lambda: ag.logsumexp(x, 1),
    ),
    "an element": (lambda: -ag.log(softmax(1))[2, 1], lambda: -ag.log_softmax(x)[2, 1]),
    "of an element": (lambda: -ag.log(softmax(1)[2, 1]), lambda: -ag.log_softmax(x)[2, 1]),
    "of a column": (
        lambda: -ag.log(softmax(1)[:, 1]).mean(),
        lambda: -ag.log_softmax(x)[:, 1].mean(),
    ),
    "sigmoid": (lambda: sigmoid() * y, lambda: ag.sigmoid(x) * y),
    "sigmoid the other way": (
        lambda: ag.exp(x) / (ag.exp(x) + 1) * y,
        lambda: ag.sigmoid(x) * y,
    ),
    "softplus": (lambda: ag.log(1 + ag.exp(x)) * y, lambda: ag.softplus(x) * y),
    "softplus by log1p": (lambda: ag.log1p(ag.exp(x)) * y, lambda: ag.softplus(x) * y),
    "cross-entropy of sigmoid": (
        lambda: -(y * ag.log(sigmoid()) + (1 - y) * ag.log(1 - sigmoid())).mean(),
        lambda: (y * ag.softplus(-x) + (1 - y) * ag.softplus(x)).mean(),
    ),
    "cross-entropy of own sigmoid": (
        lambda: -(y * ag.log(ag.sigmoid(x)) + (1 - y) * ag.log(1 - ag.sigmoid(x))).mean(),
        lambda: (y * ag.softplus(-x) + (1 - y) * ag.softplus(x)).mean(),
    ),
    "log exp": (lambda: ag.log(ag.exp(x)) * y, lambda: x * y),
    "root of square": (lambda: ag.sqrt(x * x * 1e30) * y, lambda: ag.sqrt(x * x * 1e30) * y),
}
del LOSSES["root of square"]


def values(*outputs: Tensor, points: Array = EXTREME) -> list[Array]:
    return interpret(outputs, {x: points, y: LABELS})


@pytest.mark.parametrize("name", LOSSES)
def test_naive_loss_and_gradient(name: str):
    naive, right = (build() for build in LOSSES[name])
    outputs = stable(naive.sum(), ag.grad(naive.sum(), x))
    wanted = values(right.sum(), ag.grad(right.sum(), x))
    for found, want in zip(values(*outputs), wanted, strict=True):
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_naive_loss_after_decomposition(name: str):
    naive = LOSSES[name][0]()
    outputs = stable(naive.sum(), ag.grad(naive.sum(), x))
    lowered = canonicalize(decompose(outputs, Trace()), Trace())
    assert not any(isinstance(n, Composite) for n in toposort(lowered))
    for found, want in zip(values(*lowered), values(*outputs), strict=True):
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_moderate_values_stay_the_same(name: str):
    naive = LOSSES[name][0]()
    plain = [naive.sum(), ag.grad(naive.sum(), x)]
    points = np.random.default_rng(1).uniform(-3, 3, (4, 4)).astype(np.float32)
    for found, want in zip(
        values(*stable(*plain), points=points), values(*plain, points=points), strict=True
    ):
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_stabilizing_twice_changes_nothing(name: str):
    naive = LOSSES[name][0]()
    once = stable(naive.sum(), ag.grad(naive.sum(), x))
    assert all(a is b for a, b in zip(stabilize(once, Trace()), once, strict=True))


SHIFT = ag.input("shift", "f32[n]")
SPREAD = BroadcastTo(ExpandDims(SHIFT, (1,)), x.type.shape)
BEFORE_AFTER: dict[str, tuple[Tensor, Tensor]] = {
    "merge_log": (ag.log(ag.exp(x).sum((0, 1))), LogSumExp(x, (0, 1))),
    "merge_exp": (ag.exp(ag.log_softmax(x, 0)), Softmax(x, (0,))),
    "drop_shift": (Softmax(Subtract(x, SPREAD), (1,)), Softmax(x, (1,))),
    "drop_added": (Softmax(SPREAD + x, (1,)), Softmax(x, (1,))),
    "drop_minus": (LogSoftmax(Subtract(SPREAD, x), (1,)), LogSoftmax(-x, (1,))),
    "log softmax": (x - ag.log(ag.exp(x).sum(1, keepdims=True)), LogSoftmax(x, (1,))),
    "absolute": (ag.sqrt(ag.square(x)), abs(x)),
    "sign": (x / abs(x), ag.sign(x)),
    "sigmoid": (1 / (ag.exp(-x) + 1), ag.sigmoid(x)),
    "other sigmoid": (1 / (1 + ag.exp(x)), ag.sigmoid(-x)),
    "log1p": (ag.log(x + 1), ag.log1p(x)),
    "expm1": (ag.exp(x) - 1, ag.expm1(x)),
    "erfc": (1 - ag.erf(x), ag.erfc(x)),
    "cancelled": (ag.exp(x) * y / ag.exp(x), y),
}


@pytest.mark.parametrize("name", BEFORE_AFTER)
def test_before_and_after(name: str):
    before, after = BEFORE_AFTER[name]
    assert stable(before)[0] is stable(after)[0]
    assert stable(after)[0] is after


UNTOUCHED: dict[str, Tensor] = {
    "another axis": ag.exp(x) / BroadcastTo(ExpandDims(ag.exp(x).sum(0), (0,)), x.type.shape),
    "another exponential": ag.exp(y)
    / BroadcastTo(ExpandDims(ag.exp(x).sum(1), (1,)), x.type.shape),
    "a shift along the axis": Softmax(x + y, (1,)),
    "a part of the axes": Softmax(Subtract(x, SPREAD), (0, 1)),
    "log of a sum": ag.log(x.sum(1)),
    "exp of log": ag.exp(ag.log(x)),
    "a plain quotient": x * y / y,
    "one and a bit": ag.log(x + 1.5),
}
del UNTOUCHED["another axis"]


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_stays(name: str):
    assert stable(UNTOUCHED[name])[0] is UNTOUCHED[name]


def test_sums_of_different_axes_are_told_apart():
    node = ag.exp(x) / BroadcastTo(ExpandDims(ag.exp(x).sum(0), (0,)), x.type.shape)
    assert stable(node)[0] is Softmax(x, (0,))
    square = ag.input("square", "f32[4, 4]")
    wrong = ag.exp(square) / BroadcastTo(ag.exp(square).sum(1), (4, 4))
    assert not any(isinstance(n, Softmax) for n in toposort(stable(wrong)))


def test_softmax_of_a_user_saves_its_own_exponentials():
    kinds = [type(n).__name__ for n in toposort(stable(*_loss_and_gradient()))]
    assert "Exp" not in kinds
    assert kinds.count("Softmax") == kinds.count("LogSoftmax") == 1


def _loss_and_gradient() -> tuple[Tensor, Tensor]:
    loss = -(y * ag.log(softmax(1))).sum() / x.shape[0]
    return loss, ag.grad(loss, x)


def test_a_network_written_naively():
    w, b = ag.input("w", "f32[4, 3]"), ag.input("b", "f32[3]")
    logits = x @ w + b
    p = ag.exp(logits) / ag.exp(logits).sum(axis=1, keepdims=True)
    labels = ag.input("labels", "f32[n, 3]")
    loss = -(labels * ag.log(p)).sum(axis=1).mean()
    right = ag.cross_entropy(logits, labels).mean()
    rng = np.random.default_rng(2)
    feeds: dict[Tensor, Array] = {
        x: (EXTREME / 10).astype(np.float32),
        w: rng.normal(0, 3, (4, 3)).astype(np.float32),
        b: np.zeros(3, np.float32),
        labels: np.eye(3, dtype=np.float32)[[0, 1, 2, 1]],
    }
    found = interpret(stable(loss, *ag.grad(loss, [w, b])), feeds)
    wanted = interpret([right, *ag.grad(right, [w, b])], feeds)
    for a, c in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, c, rtol=1e-4, atol=1e-4)


def test_all_gradients_of_a_sum_of_losses():
    both = (ag.log(ag.exp(x).sum(1)) + (softmax(1) * y).sum(1)).sum()
    outputs = stable(both, ag.grad(both, x))
    for found in values(*outputs):
        assert np.isfinite(found).all()


def test_the_set_says_why_it_ends():
    assert STABILIZE.ends
    assert filled(1.0, F32, ()).ndim == 0


@pytest.mark.parametrize(
    ("build", "outside"),
    [
        (lambda: ag.where(x > 0, ag.log(x), 0), x <= 0),
        (lambda: ag.where(x >= 0, 0, ag.sqrt(-x)), x >= 0),
        (lambda: ag.where(x < 0, ag.exp(x), 1), x >= 0),
        (lambda: ag.where(x > 0, x**-1.5, 0), x <= 0),
    ],
)
def test_gradients_of_what_was_not_chosen_are_0(build: Callable[[], Tensor], outside: Tensor):
    slopes, out = values(*stable(ag.grad((build() * y[0, 0]).sum(), x), outside))
    assert out.any()
    assert not slopes[out].any()
    assert np.isfinite(slopes).all()


def test_a_softmax_cancels_below_the_line_where_it_was_picked_from():
    labels = ag.constant([1, 0, 3, 3])
    picked = ag.log(ag.softmax(x)[ag.arange(4), labels]).sum()
    right = ag.log_softmax(x)[ag.arange(4), labels].sum()
    found = values(*stable(picked, ag.grad(picked, x)))
    for value, wanted in zip(found, values(right, ag.grad(right, x)), strict=True):
        assert np.isfinite(value).all()
        np.testing.assert_allclose(value, wanted, rtol=2e-5, atol=1e-5)


def test_the_logarithm_of_erfc_is_finite_far_out():
    half = ag.log(ag.erfc(x) * 0.5).sum()
    rows = [[-1000, -3, -0.1, 0], [0.1, 1, 5, 9], [10, 20, 100, 1000], [1, 2, 3, 4]]
    points = np.array(rows, np.float32)
    found = values(*stable(half, ag.grad(half, x)), points=points)
    right = ag.special.log_ndtr(x * -np.sqrt(2)).sum()
    wanted = values(right, ag.grad(right, x), points=points)
    for value, want in zip(found, wanted, strict=True):
        assert np.isfinite(value).all()
        np.testing.assert_allclose(value, want, rtol=2e-5, atol=1e-5)

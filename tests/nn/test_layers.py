"""Recurrent layers against loops in NumPy; sequences of different lengths against each alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pytest

import agnesi as ag
from agnesi import nn
from agnesi.testing import check_gradient
from agnesi.testing.evaluators import interpreted, native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Array = np.ndarray[Any, Any]

K, N = 3, 4
T, B = 5, 2


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def rnn_step(weights: Sequence[Array], state: list[Array], x: Array) -> list[Array]:
    w, u, b = weights
    return [np.tanh(x @ w + state[0] @ u + b)]


def irnn_step(weights: Sequence[Array], state: list[Array], x: Array) -> list[Array]:
    w, u, b = weights
    return [np.maximum(x @ w + state[0] @ u + b, 0)]


def lstm_step(weights: Sequence[Array], state: list[Array], x: Array) -> list[Array]:
    (w, u, b), (h, c) = weights, state
    pre = [x @ w[:, p] + h @ u[:, p] + b[p] for p in np.arange(4 * N).reshape(4, N)]
    c = sigmoid(pre[1]) * c + sigmoid(pre[0]) * np.tanh(pre[2])
    return [sigmoid(pre[3]) * np.tanh(c), c]


def gru_step(weights: Sequence[Array], state: list[Array], x: Array) -> list[Array]:
    (w, u, v, b), (h,) = weights, state
    z = sigmoid(x @ w[:, :N] + h @ u[:, :N] + b[:N])
    r = sigmoid(x @ w[:, N : 2 * N] + h @ u[:, N:] + b[N : 2 * N])
    candidate = np.tanh(x @ w[:, 2 * N :] + (r * h) @ v + b[2 * N :])
    return [z * h + (1 - z) * candidate]


class Kind(NamedTuple):
    """A layer, its reference, the shapes of its weights, and what makes tuples of them."""

    layer: Callable[..., Any]
    step: Callable[..., list[Array]]
    shapes: tuple[tuple[int, ...], ...]
    weights: Callable[..., Any]
    state: Callable[..., Any]


def one(h: Any) -> Any:
    return h


SIMPLE = ((K, N), (N, N), (N,))
KINDS = {
    "rnn": Kind(nn.rnn, rnn_step, SIMPLE, nn.RnnWeights, one),
    "irnn": Kind(partial(nn.rnn, activation=ag.relu), irnn_step, SIMPLE, nn.RnnWeights, one),
    "lstm": Kind(
        nn.lstm, lstm_step, ((K, 4 * N), (N, 4 * N), (4 * N,)), nn.LstmWeights, nn.LstmState
    ),
    "gru": Kind(nn.gru, gru_step, ((K, 3 * N), (N, 2 * N), (N, N), (3 * N,)), nn.GruWeights, one),
}
PARTS = {"rnn": 1, "irnn": 1, "lstm": 2, "gru": 1}


def weights_of(kind: Kind, seed: int = 0) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [0.6 * rng.normal(size=shape) for shape in kind.shapes]


def states_of(name: str, seed: int = 1) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [0.6 * rng.normal(size=(B, N)) for _ in range(PARTS[name])]


def xs(seed: int = 2) -> Array:
    return np.random.default_rng(seed).normal(size=(T, B, K))


def reference(
    kind: Kind,
    weights: Sequence[Array],
    state: list[Array],
    x: Array,
    lengths: Sequence[int] | None = None,
    reverse: bool = False,
) -> tuple[Array, list[Array]]:
    """Each example alone, its own steps only."""
    ends = lengths if lengths is not None else [len(x)] * x.shape[1]
    outputs = np.zeros((*x.shape[:2], N))
    last = [part.copy() for part in state]
    for e, end in enumerate(ends):
        own = [part[e] for part in state]
        for t in reversed(range(end)) if reverse else range(end):
            own = kind.step(weights, own, x[t, e])
            outputs[t, e] = own[0]
        for part, row in zip(last, own, strict=True):
            part[e] = row
    return outputs, last


def flat(state: Any) -> list[ag.Tensor]:
    return [state] if isinstance(state, ag.Tensor) else [p for part in state for p in flat(part)]


def symbols(arrays: Sequence[Array]) -> list[ag.Tensor]:
    return [ag.input(f"a{k}", f"f64[{', '.join('?' * a.ndim)}]") for k, a in enumerate(arrays)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, (5, 2), (0, 4)])
@pytest.mark.parametrize("name", KINDS)
def test_reference(name: str, lengths: tuple[int, ...] | None, reverse: bool):
    kind, x = KINDS[name], xs()
    weights, states = weights_of(kind), states_of(name)
    expected, last = reference(kind, weights, states, x, lengths, reverse)
    w, s = [ag.constant(a) for a in weights], [ag.constant(a) for a in states]
    given = ag.input("x", "f64[time, batch, 3]")
    # What stands after the end of a sequence is not looked at.
    spoilt = x.copy()
    for e, end in enumerate(lengths or ()):
        spoilt[end:, e] = np.nan
    y, state = kind.layer(
        given,
        kind.weights(*w),
        kind.state(*s),
        lengths=None if lengths is None else ag.constant(np.array(lengths)),
        reverse=reverse,
    )
    got, *parts = interpreted([given], [y, *flat(state)])([spoilt])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    for part, row in zip(parts, last, strict=True):
        np.testing.assert_allclose(part, row, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", KINDS)
def test_native(name: str):
    """All of it at once: a batch in front, a mask, the state after the end."""
    kind, x = KINDS[name], xs()
    weights = weights_of(kind)
    zeros = [np.zeros((B, N)) for _ in range(PARTS[name])]
    expected, last = reference(kind, weights, zeros, x, (3, 5))
    given = [ag.input("x", "f64[batch, time, 3]"), ag.input("mask", "bool[batch, time]")]
    shared = kind.weights(*(ag.shared(a) for a in weights))
    y, state = kind.layer(given[0], shared, mask=given[1], batch_major=True)
    mask = np.arange(T) < np.array([[3], [5]])
    got, *parts = native(given, [y, *flat(state)])([np.ascontiguousarray(x.swapaxes(0, 1)), mask])
    np.testing.assert_allclose(got, expected.swapaxes(0, 1), rtol=1e-12, atol=1e-14)
    for part, row in zip(parts, last, strict=True):
        np.testing.assert_allclose(part, row, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients(name: str, masked: bool):
    kind = KINDS[name]
    arrays = [xs(), *weights_of(kind), *states_of(name)]
    count = len(kind.shapes)

    def outputs(x: ag.Tensor, *rest: ag.Tensor) -> ag.Tensor:
        y, state = kind.layer(
            x,
            kind.weights(*rest[:count]),
            kind.state(*rest[count:]),
            lengths=ag.constant(np.array([2, 5])) if masked else None,
        )
        return ag.concatenate([y.ravel(), *(part.ravel() for part in flat(state))])

    check_gradient(outputs, *arrays, order=1 if masked else 2, evaluator=interpreted)


@pytest.mark.parametrize(("name", "reverse"), [("lstm", False), ("gru", True)])
def test_gradients_in_native_code(name: str, reverse: bool):
    kind = KINDS[name]
    arrays = [xs(), *weights_of(kind), *states_of(name)]
    given, count = symbols(arrays), 1 + len(kind.shapes)
    y, state = kind.layer(
        given[0],
        kind.weights(*given[1:count]),
        kind.state(*given[count:]),
        lengths=ag.constant(np.array([2, 5])),
        reverse=reverse,
    )
    cost = (y * y).sum() + sum((part**3).sum() for part in flat(state))
    slopes = ag.grad(cost, given)
    for got, expected in zip(
        native(given, slopes)(arrays), interpreted(given, slopes)(arrays), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def test_nothing_after_the_end_gets_into_gradients():
    kind = KINDS["gru"]
    arrays = [xs(), *weights_of(kind)]
    given = symbols(arrays)
    y, _ = nn.gru(given[0], nn.GruWeights(*given[1:]), lengths=ag.constant(np.array([2, 5])))
    slopes = interpreted(given, ag.grad((y * y).sum(), given))
    expected = slopes(arrays)
    assert not expected[0][2:, 0].any()
    arrays[0][2:, 0] = np.nan
    for got, wanted in zip(slopes(arrays), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_one_sequence_alone_and_a_state_for_all():
    kind = KINDS["lstm"]
    weights, state = weights_of(kind), [row[0] for row in states_of("lstm")]
    given = ag.input("x", "f64[time, batch, 3]")
    alone = ag.input("alone", "f64[time, 3]")
    tuples = kind.weights(*map(ag.constant, weights)), nn.LstmState(*map(ag.constant, state))
    many, one = nn.lstm(given, *tuples)[0], nn.lstm(alone, *tuples)[0]
    x = xs()
    got, got_alone = interpreted([given, alone], [many, one])([x, x[:, 1]])
    expected, _ = reference(kind, weights, [np.stack([part] * B) for part in state], x)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    np.testing.assert_allclose(got_alone, expected[:, 1], rtol=1e-12)


def test_towers_in_both_directions():
    """Two layers of two directions: the second reads what both of the first gave."""
    kind, x, lengths = KINDS["gru"], xs(), (5, 3)
    rng = np.random.default_rng(5)
    arrays = [
        [[0.5 * rng.normal(size=(k, 3 * N)), *weights_of(kind, seed)[1:]] for seed in seeds]
        for k, seeds in ((K, (3, 4)), (2 * N, (5, 6)))
    ]

    def weights_in(w: Sequence[Array]) -> nn.GruWeights[ag.Tensor]:
        return nn.GruWeights(*(ag.constant(a) for a in w))

    given = ag.input("x", "f64[time, batch, 3]")
    layer = nn.stacked(nn.bidirectional(nn.gru))
    y, states = layer(
        given,
        [(weights_in(pair[0]), weights_in(pair[1])) for pair in arrays],
        lengths=ag.constant(np.array(lengths)),
    )
    got, *parts = interpreted([given], [y, *flat(states)])([x])
    expected, last = x, []
    zeros = [np.zeros((B, N))]
    for pair in arrays:
        both = [
            reference(kind, w, zeros, expected, lengths, reverse)
            for w, reverse in zip(pair, (False, True), strict=True)
        ]
        expected = np.concatenate([outputs for outputs, _ in both], axis=-1)
        last += [part for _, state in both for part in state]
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    for part, row in zip(parts, last, strict=True):
        np.testing.assert_allclose(part, row, rtol=1e-12, atol=1e-14)


def test_a_cell_of_ones_own():
    """States of any nesting are held where a sequence has ended."""
    x = ag.input("x", "f64[time, batch, 1]")
    lengths = ag.input("lengths", "i64[batch]")

    def cell(state: Any, row: ag.Tensor) -> Any:
        return {"sum": state["sum"] + row, "steps": [state["steps"][0] + 1]}, state["sum"]

    first = {"sum": ag.zeros((x.shape[1], 1), "f8"), "steps": [ag.zeros((x.shape[1],), "i8")]}
    y, state = nn.recur(cell, x, cast("Any", first), lengths=lengths)
    got, total, steps = interpreted([x, lengths], [y, state["sum"], state["steps"][0]])(
        [np.ones((4, 2, 1)), np.array([3, 0])]
    )
    np.testing.assert_array_equal(got[:, 0, 0], [0, 1, 2, 0])
    np.testing.assert_array_equal(total[:, 0], [3, 0])
    np.testing.assert_array_equal(steps, [3, 0])


def test_what_does_not_fit():
    weights = nn.lstm_weights(np.random.default_rng(0), K, N)
    x = ag.input("x", "f32[time, batch, 3]")
    with pytest.raises(ag.GraphTypeError, match=r"sequences are \[time, batch, k\]"):
        nn.lstm(ag.vector("v"), weights)
    mask, lengths = ag.input("mask", "bool[time, batch]"), ag.input("lengths", "i64[batch]")
    with pytest.raises(ag.GraphTypeError, match="Give one of them"):
        nn.lstm(x, weights, mask=mask, lengths=lengths)
    with pytest.raises(ag.GraphTypeError, match="a mask is bool"):
        nn.lstm(x, weights, mask=x)
    with pytest.raises(ag.GraphTypeError, match="lengths are integers"):
        nn.lstm(x, weights, lengths=mask)
    with pytest.raises(ag.GraphTypeError, match="2 states for the weights of 1 layer"):
        nn.stacked(nn.rnn)(
            x, [nn.rnn_weights(np.random.default_rng(0), K, N)], [ag.zeros((N,)), ag.zeros((N,))]
        )
    with pytest.raises(ag.GraphTypeError):
        nn.lstm(ag.input("x", "f32[time, batch, 7]"), weights)

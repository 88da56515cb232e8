"""Random small graphs: the interpreter says the same with the rules and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, given, settings

import agnesi as ag
from agnesi.core import knobs
from agnesi.graph.interpret import interpret
from agnesi.rewrite.trace import Trace
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.decompose import decompose
from agnesi.rules.stabilize import stabilize

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Tensor

SHAPE = (3, 4)
X, Y = ag.input("x", "f64[n, 4]"), ag.input("y", "f64[n, 4]")
Z, S = ag.input("z", "f64[4]"), ag.input("s", "f64[]")
INPUTS = (X, Y, Z, S)
NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0)

UNARY: tuple[Callable[[Any], Any], ...] = (
    lambda a: -a,
    lambda a: abs(a),
    lambda a: a.T if a.type.shape == (4, 4) else a * 1,
    lambda a: a**2,
    lambda a: a**1,
    lambda a: a**0,
    lambda a: a / 4,
    lambda a: ag.sign(a),
    lambda a: ag.floor(a),
    lambda a: ag.where(a > 0, a, 0.0),
    lambda a: ag.where(~(a > 0), a, -a),
    lambda a: ag.exp(a),
    lambda a: a.astype("f32").astype("f64"),
    lambda a: ag.expand_dims(a, 0).sum(0),
    lambda a: ag.flip(ag.flip(a)),
    lambda a: ag.reshape(ag.reshape(a, -1), a.shape) if a.ndim else a,
    lambda a: ag.broadcast_to(a.sum(), a.shape) if a.ndim else a,
    lambda a: ag.broadcast_to(a.max(0, keepdims=True), a.shape) if a.ndim else a,
    lambda a: a[::-1][::-1] if a.ndim else a,
    lambda a: a - a[0] if a.ndim else a,
)
SMOOTH: tuple[Callable[[Any], Any], ...] = (
    lambda a: ag.log(1 + ag.exp(a)),
    lambda a: 1 / (1 + ag.exp(-a)),
    lambda a: ag.exp(a) - 1,
    lambda a: ag.sqrt(a * a),
    lambda a: ag.exp(a) / ag.exp(a).sum(),
    lambda a: ag.log(ag.exp(a).sum(-1, keepdims=True)) - a if a.ndim else a,
    lambda a: ag.log(ag.exp(a) / ag.exp(a).sum(0, keepdims=True)) if a.ndim else a,
    lambda a: ag.tanh(a) * 2,
    lambda a: -a,
    lambda a: a * 0.5,
    lambda a: ag.softmax(a) if a.ndim else a,
    lambda a: a.T.T,
)
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: -a * -b,
    lambda a, b: ag.maximum(a, b),
    lambda a, b: ag.where(a < b, a, b),
)


def graphs(unary: Any, depth: int) -> st.SearchStrategy[Tensor]:
    """Return a strategy of expressions over the inputs."""
    leaves = st.one_of(
        st.sampled_from(INPUTS), st.sampled_from(NUMBERS).map(lambda k: ag.constant(k, "f64"))
    )

    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(
            st.builds(lambda f, a: f(a), st.sampled_from(unary), inner),
            st.builds(lambda f, a, b: f(a, b), st.sampled_from(BINARY), inner, inner),
        )

    return st.recursive(leaves, grow, max_leaves=depth)


def feeds(seed: int, special: bool) -> dict[Tensor, Any]:
    rng = np.random.default_rng(seed)
    made: dict[Tensor, Any] = {}
    for leaf, shape in zip(INPUTS, (SHAPE, SHAPE, SHAPE[1:], ()), strict=True):
        values = rng.uniform(-2, 2, shape)
        if special:
            odd = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0], shape)
            values = np.where(rng.uniform(size=shape) < 0.4, odd, values)
        made[leaf] = np.asarray(values)
    return made


COMMON = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@COMMON
@given(graphs(UNARY, 8), st.integers(0, 99))
def test_canonicalize_keeps_values(node: Tensor, seed: int):
    with knobs.setting(verify=2):
        new = canonicalize([node], Trace())
    assert canonicalize(new, Trace())[0] is new[0]
    assert new[0].type.dtype is node.type.dtype
    values = feeds(seed, special=True)
    with np.errstate(all="ignore"):
        before, after = interpret([node], values)[0], interpret(new, values)[0]
    np.testing.assert_allclose(before, after, rtol=1e-9, atol=1e-9)


@COMMON
@given(graphs(SMOOTH, 5), st.integers(0, 99))
def test_stable_graphs_and_their_gradients_keep_values(node: Tensor, seed: int):
    cost = node.sum()
    outputs = [node, *ag.grad(cost, [X, Z], disconnected="zero")]
    with knobs.setting(verify=2):
        new = stabilize(canonicalize(outputs, Trace()), Trace())
        assert all(a is b for a, b in zip(stabilize(new, Trace()), new, strict=True))
        new = canonicalize(decompose(new, Trace()), Trace())
    values = feeds(seed, special=False)
    with np.errstate(all="ignore"):
        before, after = interpret(outputs, values), interpret(new, values)
    for old, now in zip(before, after, strict=True):
        known = np.isfinite(old)
        np.testing.assert_allclose(old[known], now[known], rtol=1e-6, atol=1e-8)

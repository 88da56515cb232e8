"""Composite ops: what is left after decomposition, and that it means the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.core import knobs
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.ops.families import Composite
from agnesi.ops.linear import MatMul
from agnesi.rewrite.trace import Trace
from agnesi.rules.decompose import decompose

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

x = ag.input("x", "f32[n, 4]")
labels = ag.input("labels", "i64[n]")
ints, others = ag.input("ints", "i32[2, 3]"), ag.input("others", "i32[3, 4]")
bools, more = ag.input("bools", "bool[5, 2, 3]"), ag.input("more", "bool[5, 3, 4]")

NODES: dict[str, Tensor] = {
    "softmax": ag.softmax(x),
    "softmax of all": ag.softmax(x, (0, 1)),
    "log_softmax": ag.log_softmax(x, 0),
    "logsumexp": ag.logsumexp(x, 1),
    "cross_entropy": ag.cross_entropy(x, labels),
    "gradient": ag.grad(ag.cross_entropy(x, labels).mean(), x),
    "nested": ag.softmax(ag.log_softmax(x) * 2),
    "integers": ints @ others,
    "bools": bools @ more,
}
FEEDS = {
    "x": np.random.default_rng(0).normal(0, 30, (5, 4)).astype(np.float32),
    "labels": np.array([0, 3, 2, 1, 0]),
    "ints": np.random.default_rng(1).integers(-(2**30), 2**30, (2, 3)).astype(np.int32),
    "others": np.random.default_rng(2).integers(-9, 9, (3, 4)).astype(np.int32),
    "bools": np.random.default_rng(3).uniform(size=(5, 2, 3)) < 0.5,
    "more": np.random.default_rng(4).uniform(size=(5, 3, 4)) < 0.5,
}


@pytest.mark.parametrize("name", NODES)
def test_decomposed(name: str):
    node = NODES[name]
    with knobs.setting(verify=2):
        (new,) = decompose([node], Trace())
    kinds = toposort([new])
    assert not any(isinstance(n, Composite) for n in kinds)
    assert not any(isinstance(n, MatMul) and not n.dtype.is_float for n in kinds)
    assert new.type is node.type
    assert decompose([new], Trace())[0] is new
    feeds = {n: FEEDS[n.name] for n in toposort([node]) if n.name}
    found, want = interpret([new], feeds)[0], interpret([node], feeds)[0]
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def test_what_is_not_composite_stays():
    node = ag.exp(x) @ x.T
    assert decompose([node], Trace())[0] is node


def test_bisection_leaves_out_nothing_that_is_needed():
    with knobs.setting(bisect=0):
        assert not isinstance(decompose([ag.softmax(x)], Trace())[0], Composite)

"""Convolutions that are something simpler, as the graph shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.compile.pipeline import Log, run_graph_passes
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.ops.conv import Conv, ConvWeights
from agnesi.ops.linear import MatMul
from agnesi.ops.slicing import Place
from agnesi.rewrite.trace import Trace
from agnesi.rules.canonicalize import canonicalize

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor


def kinds(*outputs: Tensor) -> list[type[Tensor]]:
    nodes = toposort(run_graph_passes(list(outputs), Log()))
    return [type(n) for n in nodes if isinstance(n, Conv | ConvWeights | MatMul)]


@pytest.mark.parametrize("stride", [1, 2])
def test_one_tap_is_a_product(stride: int):
    x, w = ag.input("x", "f32[n, 8, 9, 6]"), ag.input("w", "f32[1, 1, 6, 4]")
    y = ag.nn.conv2d(x, w, layout="NHWC", stride=stride)
    assert kinds(y, *ag.grad((y * y).sum(), [x, w])) == [MatMul, MatMul, MatMul]


def test_a_small_kernel_that_much_passes_by_is_none():
    x, w = ag.input("x", "f32[64, 64, 64, 64]"), ag.input("w", "f32[1, 1, 64, 64]")
    assert kinds(ag.nn.conv2d(x, w, layout="NHWC")) == [Conv]


def test_a_kernel_on_everything_is_a_product():
    x, w = ag.input("x", "f32[n, 3, 5, 4]"), ag.input("w", "f32[7, 3, 5, 4]")
    y = ag.nn.conv2d(x, w)
    assert kinds(y, *ag.grad((y * y).sum(), [x, w])) == [MatMul, MatMul, MatMul]


def test_channels_by_themselves_are_sums():
    x, w = ag.input("x", "f32[n, 8, 9, 6]"), ag.input("w", "f32[3, 3, 6, 2]")
    y = ag.nn.depthwise_conv2d(x, w, layout="NHWC")
    assert kinds(y, *ag.grad((y * y).sum(), [x, w])) == []


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("stride", "padding"), [(2, 0), (2, 1), (3, 2), (4, 1)])
def test_gradients_of_strides_meet_no_zeros(taps: int, stride: int, padding: int):
    x, w = ag.input("x", "f64[2, 9, 11, 3]"), ag.input("w", f"f64[{taps}, {taps}, 3, 2]")
    y = ag.nn.conv2d(x, w, stride=(stride, 2), padding=padding, layout="NHWC")
    gradient = ag.grad((y**3).sum(), x)
    (plain,) = canonicalize([gradient], Trace())
    for node in toposort([plain]):
        if isinstance(node, Conv) and isinstance(node.x, Place):
            assert set(node.x.steps) == {1}
    rng = np.random.default_rng(taps)
    given: dict[Tensor, np.ndarray] = {
        x: rng.standard_normal((2, 9, 11, 3)),
        w: rng.standard_normal((taps, taps, 3, 2)),
    }
    own, wanted = (interpret([g], given)[0] for g in (plain, gradient))
    np.testing.assert_allclose(own, wanted, rtol=1e-10, atol=1e-10)

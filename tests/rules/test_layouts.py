"""What lies between convolutions is computed channels last, whatever layout users have."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.compile.pipeline import Log, run_graph_passes
from agnesi.graph.graph import toposort
from agnesi.graph.interpret import interpret
from agnesi.ops.conv import Conv
from agnesi.ops.movement import Transpose
from agnesi.ops.slicing import Place
from agnesi.rewrite.trace import Trace
from agnesi.rules.canonicalize import canonicalize
from agnesi.rules.decompose import decompose
from agnesi.rules.layouts import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.tensor import Tensor

RANDOM = np.random.default_rng(3)


def weights(*shapes: tuple[int, ...]) -> list[Any]:
    return [ag.shared(0.2 * RANDOM.standard_normal(s).astype("f4"), name="w") for s in shapes]


_TURNS = ((0, 2, 3, 1), (0, 3, 1, 2))


def turned(outputs: list[Tensor]) -> list[Transpose]:
    """Return transpositions of activations that a program is left with."""
    nodes = toposort(run_graph_passes(outputs, Log()))
    return [n for n in nodes if isinstance(n, Transpose) and n.ndim == 4 and n.order in _TURNS]


def step(cost: Tensor, parameters: list[Any]) -> list[Tensor]:
    gradients = ag.grad(cost, parameters)
    return [cost, *(p - 0.1 * g for p, g in zip(parameters, gradients, strict=True))]


def lenet(x: Tensor, w: list[Any], y: Tensor) -> Tensor:
    h = ag.nn.max_pool2d(ag.tanh(ag.nn.conv2d(x, w[0], w[1])), 2)
    h = ag.nn.max_pool2d(ag.tanh(ag.nn.conv2d(h, w[2], w[3], padding="same")), 2)
    h = h.reshape(h.shape[0], -1) @ w[4] + w[5]
    return ag.cross_entropy(h, y).mean()


def test_of_lenet_input_and_flattening_are_left():
    w = weights((6, 1, 5, 5), (6,), (8, 6, 3, 3), (8,), (8 * 16, 10), (10,))
    x, y = ag.input("x", "f32[n, 1, 20, 20]"), ag.input("y", "i32[n]")
    left = turned(step(lenet(x, w, y), w))
    # The input, what is flattened, and the gradient of that.
    assert [n.order for n in left] == [(0, 2, 3, 1), (0, 3, 1, 2), (0, 2, 3, 1)]
    assert left[0].x is x


def block(h: Tensor, w: Any, scale: Any, shift: Any) -> Tensor:
    """A convolution, batch norm of its own statistics, the larger of it and 0."""
    h = ag.nn.conv2d(h, w, padding=1)
    mean = h.mean((0, 2, 3), keepdims=True)
    variance = ((h - mean) ** 2).mean((0, 2, 3), keepdims=True)
    h = (h - mean) / ag.sqrt(variance + 1e-3) * scale[:, None, None] + shift[:, None, None]
    return ag.relu(h)


def residual(x: Tensor, w: list[Any], y: Tensor) -> Tensor:
    """Blocks with something added, pooling, and means over space at the end."""
    h = block(x, *w[:3])
    h = h + block(h, *w[3:6])
    h = ag.nn.avg_pool2d(h, 2)
    h = ag.concatenate([h, block(h, *w[6:9])], 1)[:, 1:]
    return ag.cross_entropy(h.mean((2, 3)), y).mean()


def residual_weights() -> list[Any]:
    shapes = [(6, 3, 3, 3), *[(6, 6, 3, 3)] * 2]
    return weights(*itertools.chain(*((s, (6,), (6,)) for s in shapes)))


def test_of_a_residual_net_with_batch_norm_the_input_is_left():
    w = residual_weights()
    x, y = ag.input("x", "f32[4, 3, 8, 8]"), ag.input("y", "i32[4]")
    left = turned(step(residual(x, w, y), w))
    assert [n.x for n in left] == [x]


def test_results_are_those_of_channels_last():
    """The same net written for pictures with channels last needs no pass, and gives the same."""
    w = residual_weights()
    x, y = RANDOM.standard_normal((4, 3, 8, 8)).astype("f4"), np.array([3, 1, 0, 2], "i4")
    sx, sy = ag.input("x", "f32[n, 3, 8, 8]"), ag.input("y", "i32[n]")
    outputs = step(residual(sx, w, sy), w)
    values = ag.function([sx, sy], outputs)(x, y)
    given: dict[Tensor, Any] = {sx: x, sy: y, **{p: p.get_value() for p in w}}
    for own, wanted in zip(values, interpret(outputs, given), strict=True):
        np.testing.assert_allclose(own, wanted, rtol=2e-4, atol=2e-5)


# What may stand between convolutions: arrays [n, c, h, w] to arrays of the same axes.
BETWEEN: list[Callable[[Any, np.random.Generator], Any]] = [
    lambda h, _: ag.relu(h),
    lambda h, _: h * ag.constant(RANDOM.standard_normal(h.type.shape[1:]), "f64"),
    lambda h, _: h + ag.constant(RANDOM.standard_normal((h.type.shape[1], 1, 1)), "f64"),
    lambda h, _: h + ag.constant(RANDOM.standard_normal(h.type.shape[-1]), "f64"),
    lambda h, _: h - h.mean((0, 2, 3), keepdims=True),
    lambda h, _: h - h.max((2, 3), keepdims=True),
    lambda h, _: h / (1 + (h**2).sum(1, keepdims=True)),
    lambda h, _: ag.softmax(h, 1),
    lambda h, _: ag.where(h > 0, h, h.sum((0, 1))),
    lambda h, _: h[:, :, 1:, ::2],
    lambda h, _: h[:, ::-1],
    lambda h, _: ag.flip(h, (2,)),
    lambda h, _: ag.pad(h, ((0, 0), (0, 0), (1, 2), (2, 0))),
    lambda h, _: ag.pad(h, ((0, 0), (0, 0), (1, 1), (1, 0)), "reflect"),
    lambda h, _: ag.concatenate([h, h * 2], 1),
    lambda h, _: ag.concatenate([h, ag.ones_like(h)], 2),
    lambda h, _: h.at[:, 0].set(1.0),
    lambda h, _: ag.nn.max_pool2d(h, 2, 1, "same"),
    lambda h, _: ag.nn.avg_pool2d(h, (2, 1), 1, "same"),
    lambda h, _: ag.nn.max_pool2d(h, 3, 2, 1),
    lambda h, _: ag.nn.avg_pool2d(h, 2, 2, 1, count_include_pad=False, ignore_border=False),
    lambda h, _: ag.nn.upsample2d(h, (2, 1)),
    lambda h, _: ag.nn.resize2d(h, (4, 3)),
    lambda h, _: ag.nn.batch_norm(h, ag.nn.global_avg_pool(h)[0]).output,
    lambda h, _: ag.nn.local_response_norm(h, 3),
    lambda h, _: ag.moveaxis(ag.nn.extract_patches(h, 2, 1, "same").sum((4, 5)), -1, 1),
    lambda h, _: ag.transpose(h, (0, 1, 3, 2)),
    lambda h, _: ag.transpose(h, (1, 0, 2, 3)),
    lambda h, _: h.reshape(h.type.shape[0], -1, 1, h.type.shape[3]),
    lambda h, _: h + h.sum(1)[:, None],
    lambda h, _: ag.cumsum(h, 2),
    lambda h, random: _convolved(h, random),
]


def _convolved(h: Any, random: np.random.Generator) -> Tensor:
    kernel = random.standard_normal((3, h.type.shape[1], 2, 1))
    return ag.nn.conv2d(h, kernel, padding=1)


@pytest.mark.parametrize("seed", range(40))
def test_random_nets(seed: int):
    """A graph after the pass computes what it did before."""
    random = np.random.default_rng(seed)
    x = ag.input("x", "f64[2, 3, 5, 4]")
    chosen = [BETWEEN[int(k)] for k in random.integers(len(BETWEEN), size=5)]
    h = reduce(lambda h, each: each(h, random), chosen, _convolved(x, random))
    h = _convolved(h, random)
    outputs = [h, ag.grad((h**2).sum(), x, disconnected="zero")]
    value = random.standard_normal((2, 3, 5, 4))
    plain = canonicalize(decompose(canonicalize(outputs, Trace()), Trace()), Trace())
    trace = Trace()
    new = lay_out(plain, trace)
    assert trace.firings["lay_out"]
    wanted = interpret(outputs, {x: value})
    for own, other in zip(interpret(new, {x: value}), wanted, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-9)


def test_what_padding_cuts_off_is_not_computed():
    x, w = ag.input("x", "f32[n, 8, 8, 4]"), ag.input("w", "f32[3, 3, 4, 4]")
    y = ag.nn.conv2d(x, w, padding="same", layout="NHWC")
    (gradient,) = run_graph_passes([ag.grad((y * y).sum(), x)], Log())
    assert isinstance(gradient, Conv)
    assert isinstance(gradient.x, Place)
    assert gradient.x.starts == (0, 1, 1, 0)
    # Of a convolution that others read as well nothing is computed twice.
    nodes = toposort(run_graph_passes([y[:, 1:], y[:, :-1]], Log()))
    assert sum(isinstance(n, Conv) for n in nodes) == 1


def test_programs_without_convolutions_are_left_alone():
    x = ag.input("x", "f32[2, 3, 4, 5]")
    outputs = [ag.relu(ag.transpose(x, (0, 3, 1, 2))).sum((0, 2))]
    assert lay_out(outputs, Trace()) == outputs

"""Normalisation against NumPy, gradients against slopes, running values, bad calls."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import check_gradient

Array = np.ndarray[Any, Any]


def normal(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    wide = x.astype(np.float64)
    centred = wide - wide.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + epsilon)


CASES: list[Any] = [
    ((5, 3), {}, (0,), (3,)),
    ((4, 3, 7), {}, (0, 2), (3,)),
    ((4, 3, 6, 5), {}, (0, 2, 3), (3,)),
    ((4, 6, 5, 3), {"layout": "NHWC"}, (0, 1, 2), (3,)),
    ((4, 3, 2), {"axes": "per-activation"}, (0,), (3, 2)),
    ((4, 3, 2), {"axes": (1,)}, (1,), (4, 2)),
    ((40, 3, 33, 31), {}, (0, 2, 3), (3,)),
    ((40, 33, 31, 3), {"layout": "NHWC"}, (0, 1, 2), (3,)),
    ((6, 20, 11, 13), {}, (0, 2, 3), (20,)),
]


@pytest.mark.parametrize(("shape", "named", "axes", "kept"), CASES, ids=str)
@pytest.mark.parametrize("symbolic", [False, True])
def test_batch_norm_and_its_gradients(shape: Any, named: Any, axes: Any, kept: Any, symbolic: bool):
    random = np.random.default_rng(0)
    x = (random.normal(size=shape) * 2 + 100).astype(np.float32)
    gamma, beta = (random.normal(size=kept).astype(np.float32) for _ in range(2))
    ct = random.normal(size=shape).astype(np.float32)
    kind = "f32[" + ", ".join("?" if symbolic else str(s) for s in shape) + "]"
    leaves = [ag.input("x", kind), *(ag.input(n, f"f32{list(kept)}") for n in ("gamma", "beta"))]
    weights = ag.input("ct", kind)
    norm = ag.nn.batch_norm(*leaves, **named)
    gradients = ag.grad((norm.output * weights).sum(), leaves)
    f = ag.function([*leaves, weights], [norm.output, norm.mean, norm.variance, *gradients])
    y, mean, variance, dx, dgamma, dbeta = f(x, gamma, beta, ct)
    n = normal(x, axes, 1e-5)
    scale, shift = (np.expand_dims(a, axes) for a in (gamma, beta))
    np.testing.assert_allclose(y, n * scale + shift, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(mean, x.mean(axes, dtype="f8"), rtol=1e-6)
    np.testing.assert_allclose(variance, x.var(axes, dtype="f8"), rtol=1e-4)
    np.testing.assert_allclose(dgamma, (ct * n).sum(axes), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(dbeta, ct.sum(axes, dtype="f8"), rtol=1e-4, atol=1e-4)
    scaled = ct * scale
    rest = scaled - scaled.mean(axes, keepdims=True) - n * (scaled * n).mean(axes, keepdims=True)
    wanted = rest / np.sqrt(np.expand_dims(x.var(axes, dtype="f8"), axes) + 1e-5)
    np.testing.assert_allclose(dx, wanted, rtol=2e-3, atol=2e-4)


def test_second_derivatives_of_batch_norm():
    random = np.random.default_rng(1)
    x, gamma, beta = random.normal(size=(3, 2, 3)), random.normal(size=2), random.normal(size=2)

    def f(x: ag.Tensor, gamma: ag.Tensor, beta: ag.Tensor) -> ag.Tensor:
        return ag.nn.batch_norm(x, gamma, beta).output

    check_gradient(f, x, gamma, beta, order=2)


@pytest.mark.parametrize("ones", [False, True])
def test_running_values_follow_and_serve_inference(ones: bool):
    random = np.random.default_rng(2)
    kept = (1, 3, 1, 1) if ones else (3,)
    mean = ag.shared(np.zeros(kept, np.float32))
    variance = ag.shared(np.ones(kept, np.float32))
    x = ag.input("x", "f32[n, 3, 4, 5]")
    norm = ag.nn.batch_norm(x, None, None, mean, variance, momentum=0.25)
    step = ag.function([x], norm.output, updates=norm.updates)
    m, v = np.zeros(3), np.ones(3)
    batch = np.zeros((0, 3, 4, 5), np.float32)
    for _ in range(3):
        batch = (random.normal(size=(2, 3, 4, 5)) * 3 + 1).astype(np.float32)
        np.testing.assert_allclose(step(batch), normal(batch, (0, 2, 3), 1e-5), atol=1e-5)
        m = 0.75 * m + 0.25 * batch.mean((0, 2, 3), dtype="f8")
        v = 0.75 * v + 0.25 * batch.var((0, 2, 3), dtype="f8", ddof=1)
    np.testing.assert_allclose(mean.get_value().ravel(), m, rtol=1e-5)
    np.testing.assert_allclose(variance.get_value().ravel(), v, rtol=1e-5)
    y = ag.nn.batch_norm_inference(x, mean, variance, gamma=[1.0, 2.0, 3.0], beta=0.5)
    wanted = (batch - m[:, None, None]) / np.sqrt(v[:, None, None] + 1e-5)
    wanted = wanted * np.array([1, 2, 3])[:, None, None] + 0.5
    np.testing.assert_allclose(y.eval({x: batch}), wanted, rtol=1e-4, atol=1e-5)


def test_halves_are_normalised_in_float32():
    x = (np.arange(24).reshape(4, 6) * 100).astype(np.float16)
    y = ag.nn.batch_norm(ag.constant(x)).output
    assert y.dtype is ag.constant(x).dtype
    np.testing.assert_allclose(y.eval(), normal(x, (0,), 1e-5), rtol=2e-3)


@pytest.mark.parametrize(
    ("build", "axes", "shape"),
    [
        (lambda x, g, b: ag.nn.layer_norm(x, g, b), (2,), (7,)),
        (lambda x, g, b: ag.nn.layer_norm(x, g, b, axes=(1, 2)), (1, 2), (6, 7)),
        (lambda x, g, b: ag.nn.instance_norm(x, g, b), (2,), (6,)),
        (lambda x, g, b: ag.nn.instance_norm(x, g, b, layout="NWC"), (1,), (7,)),
    ],
)
def test_norms_of_examples(build: Any, axes: Any, shape: Any):
    random = np.random.default_rng(3)
    x = random.normal(size=(3, 6, 7))
    g, b = random.normal(size=shape), random.normal(size=shape)
    by_channel = [np.expand_dims(a, -1) if shape == (6,) else a for a in (g, b)]
    wanted = normal(x, axes, 1e-5) * by_channel[0] + by_channel[1]
    inputs = [ag.input(n, f"f64{list(a.shape)}") for n, a in (("x", x), ("g", g), ("b", b))]
    np.testing.assert_allclose(ag.function(inputs, build(*inputs))(x, g, b), wanted, rtol=1e-9)
    check_gradient(build, x[:1], g, b, order=1)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_group_norm(layout: str):
    random = np.random.default_rng(4)
    x = random.normal(size=(2, 6, 4, 3))
    g, b = random.normal(size=6), random.normal(size=6)
    apart = normal(x.reshape(2, 2, 3, 4, 3), (2, 3, 4), 1e-5).reshape(x.shape)
    wanted = apart * g[:, None, None] + b[:, None, None]
    given = x if layout == "NCHW" else np.moveaxis(x, 1, -1).copy()
    leaf = ag.input("x", "f64[n" + "".join(f", {s}" for s in given.shape[1:]) + "]")
    y = ag.nn.group_norm(leaf, 2, g, b, layout=layout).eval({leaf: given})
    np.testing.assert_allclose(y if layout == "NCHW" else np.moveaxis(y, -1, 1), wanted, rtol=1e-9)


@pytest.mark.parametrize("size", [1, 3, 4, 5])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_local_response_norm(size: int, layout: str):
    random = np.random.default_rng(5)
    x = random.normal(size=(2, 7, 3, 4))
    wanted = np.empty_like(x)
    for c in range(7):
        around = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        wanted[:, c] = x[:, c] / (1.5 + 0.1 * (around**2).sum(1)) ** 0.75
    given = x if layout == "NCHW" else np.moveaxis(x, 1, -1).copy()

    def f(x: ag.Tensor) -> ag.Tensor:
        return ag.nn.local_response_norm(x, size, 0.1, 0.75, 1.5, layout=layout)

    leaf = ag.input("x", "f64[?, ?, ?, ?]")
    y = ag.function([leaf], f(leaf))(given)
    np.testing.assert_allclose(y if layout == "NCHW" else np.moveaxis(y, -1, 1), wanted, rtol=1e-9)
    if size == 3:
        check_gradient(f, given[:1, :3, :2], order=2)


def test_weights_have_the_norms_asked_for():
    random = np.random.default_rng(6)
    v, g = random.normal(size=(5, 3)), random.uniform(1, 2, 3)
    w = ag.nn.weight_norm(ag.constant(v), ag.constant(g)).eval()
    np.testing.assert_allclose(np.linalg.norm(w, axis=0), g)
    np.testing.assert_allclose(w / v, np.broadcast_to(w[0] / v[0], v.shape))
    check_gradient(ag.nn.weight_norm, v, g, order=1)


X = ag.input("x", "f32[2, 6, 5, 5]")


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("'spatial', 'per-activation'", lambda: ag.nn.batch_norm(X, axes=cast("Any", "channel"))),
        ("no axis 4", lambda: ag.nn.batch_norm(X, axes=(4,))),
        ("average over", lambda: ag.nn.batch_norm(X, axes=())),
        (r"not averaged over, \[6\]", lambda: ag.nn.batch_norm(X, ag.ones(5))),
        ("or neither", lambda: ag.nn.batch_norm(X, running_mean=ag.shared(np.zeros(6)))),
        ("epsilon is a number", lambda: ag.nn.batch_norm(X, epsilon=-1)),
        ("layout names each axis", lambda: ag.nn.batch_norm(X, layout="NC")),
        ("layout names each axis", lambda: ag.nn.batch_norm(X, layout="NHWX")),
        ("not defined for c64", lambda: ag.nn.layer_norm(ag.input("z", "c64[3]"))),
        ("number for each channel", lambda: ag.nn.instance_norm(X, ag.ones(5))),
        ("no multiple of 4", lambda: ag.nn.group_norm(X, 4)),
        ("groups are a positive", lambda: ag.nn.group_norm(X, 0)),
        ("size is a positive", lambda: ag.nn.local_response_norm(X, 0)),
        ("batch, channels", lambda: ag.nn.batch_norm(ag.vector("v"))),
    ],
)  # fmt: skip
def test_bad_calls(words: str, call: Any):
    with pytest.raises(ag.GraphTypeError, match=words):
        call()

"""Large graphs: compilation is linear, and no recursion limits it."""

from __future__ import annotations

import numpy as np

import agnesi as ag


def test_a_chain_of_thousands_of_ops():
    x = ag.input("x", "f32[n]")
    y = x
    for k in range(2000):
        y = ag.maximum(y, 0.1) if k % 2 else y * 1.001 + 0.001
    f = ag.function([x], y)
    given = np.array([0.5, 2.0], np.float32)
    expected = given.astype(np.float64)
    for _ in range(1000):
        expected = np.maximum(expected * 1.001 + 0.001, 0.1)
    np.testing.assert_allclose(f(given), expected, rtol=1e-3)


def test_equal_kernels_are_one_function():
    layers = 40
    x = ag.input("x", "f32[n, 8]")
    rng = np.random.default_rng(0)
    weights = [ag.shared(rng.normal(0, 0.3, (8, 8)).astype(np.float32)) for _ in range(layers)]
    y = x
    for w in weights:
        y = ag.tanh(y @ w)
    cost = ag.mean(y**2)
    grads = ag.grad(cost, weights)
    f = ag.function([x], cost, updates=[(w, w - g) for w, g in zip(weights, grads, strict=True)])
    functions = f.llvm.count("define void")
    assert len(f.kernels) > 2 * layers
    assert functions < 15
    f(rng.normal(size=(3, 8)).astype(np.float32))
    assert all(np.isfinite(w.get_value()).all() for w in weights)

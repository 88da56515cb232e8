"""Initial weights: what their papers say of them."""

from __future__ import annotations

import numpy as np

from agnesi import nn

RNG = np.random.default_rng(0)


def test_glorot_keeps_within_its_bounds():
    weights = nn.glorot(RNG, 300, 200)
    assert weights.dtype == np.float32
    reach = np.sqrt(6 / 500)
    assert 0.999 * reach < abs(weights).max() <= np.float32(reach)
    np.testing.assert_allclose(weights.std(), np.sqrt(2 / 500), rtol=0.01)


def test_orthogonal_matrices_differ_and_have_both_signs():
    matrices = [nn.orthogonal(RNG, 2, np.float64) for _ in range(400)]
    for q in matrices:
        np.testing.assert_allclose(q @ q.T, np.eye(2), atol=1e-14)
    # Uniformly distributed: the first column points anywhere, half of the determinants are -1.
    assert abs(np.mean([q[:, 0] for q in matrices])) < 0.1
    assert 0.4 < np.mean([np.linalg.det(q) > 0 for q in matrices]) < 0.6


def test_weights_of_layers():
    lstm = nn.lstm_weights(RNG, 3, 4, dtype="f8", name="a")
    assert [part.name for part in lstm] == ["a_w", "a_u", "a_b"]
    assert [str(part.type) for part in lstm] == ["f64[3, 16]", "f64[4, 16]", "f64[16]"]
    np.testing.assert_array_equal(lstm.b.get_value().reshape(4, 4)[:, 0], [0, 1, 0, 0])
    for block in np.split(lstm.u.get_value(), 4, axis=1):
        np.testing.assert_allclose(block @ block.T, np.eye(4), atol=1e-13)
    gru = nn.gru_weights(RNG, 3, 4)
    assert [part.get_value().shape for part in gru] == [(3, 12), (4, 8), (4, 4), (12,)]
    irnn = nn.irnn_weights(RNG, 300, 40, scale=0.5)
    np.testing.assert_array_equal(irnn.u.get_value(), 0.5 * np.eye(40))
    np.testing.assert_allclose(irnn.w.get_value().std(), 0.001, rtol=0.05)
    assert not irnn.b.get_value().any()

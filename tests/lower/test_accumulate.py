"""Sums of products are added up by BLAS where they go."""

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core import knobs
from agnesi.lower.program import Copy, MultiplyMatrices, RunKernel

random = np.random.default_rng(0)


def normal(*shape: int, dtype: Any = np.float32) -> Any:
    return random.standard_normal(shape).astype(dtype)


def steps(f: Any) -> list[str]:
    return [str(s).split("   ")[0] for s in str(f.explain()).splitlines() if "blas" in s]


@pytest.fixture(params=["", "loops"], autouse=True)
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(knobs.INTERPRET.variable, request.param)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_of_descent_adds_to_the_weights(dtype: Any) -> None:
    a, b, c = normal(5, 4, dtype=dtype), normal(5, 3, dtype=dtype), normal(4, 3, dtype=dtype)
    w = ag.shared(c, name="w")
    x, d = (ag.matrix(n, dtype=np.dtype(dtype).name) for n in "xd")
    f = ag.function([x, d], updates=[(w, w - 0.5 * (x.T @ d))])
    assert [type(s) for s in f.program.steps if isinstance(s, RunKernel | Copy)] == []
    f(a, b)
    np.testing.assert_allclose(w.get_value(), c - 0.5 * (a.T @ b), rtol=1e-5)


def test_a_rate_that_is_an_input_and_a_weight_that_decays() -> None:
    a, b, c = normal(5, 4), normal(5, 3), normal(4, 3)
    w = ag.shared(c)
    x, d, rate, keep = ag.matrix("x"), ag.matrix("d"), ag.scalar("rate"), ag.scalar("keep")
    f = ag.function([x, d, rate, keep], updates=[(w, keep * w - rate * (x.T @ d) / 4)])
    assert not any(isinstance(s, RunKernel | Copy) for s in f.program.steps)
    f(a, b, 0.3, 0.9)
    expected = np.float32(0.9) * c - np.float32(0.3) * (a.T @ b) / 4
    np.testing.assert_allclose(w.get_value(), expected, rtol=1e-4, atol=1e-6)


def test_tied_weights_take_both_gradients_one_transposed() -> None:
    a, b, c = normal(5, 4), normal(5, 3), normal(4, 3)
    w = ag.shared(c, name="w")
    x, d = ag.matrix("x"), ag.matrix("d")
    f = ag.function([x, d], updates=[(w, w - ((d.T @ x).T + x.T @ (x @ w)))])
    assert sum(isinstance(s, MultiplyMatrices) for s in f.program.steps) == 3
    assert not any(isinstance(s, RunKernel | Copy) for s in f.program.steps)
    f(a, b)
    np.testing.assert_allclose(w.get_value(), c - (a.T @ b + a.T @ (a @ c)), rtol=1e-4, atol=1e-5)


def test_what_is_made_of_the_old_value_does_not_see_the_new() -> None:
    c = normal(3, 3)
    w = ag.shared(c)
    f = ag.function([], w @ w, updates=[(w, w - w @ w)])
    np.testing.assert_allclose(f(), c @ c, rtol=1e-5)
    np.testing.assert_allclose(w.get_value(), c - c @ c, rtol=1e-4, atol=1e-5)
    again = w.get_value()
    np.testing.assert_allclose(f(), again @ again, rtol=1e-5)


def test_a_new_value_that_is_returned_as_well() -> None:
    a, b, c = normal(5, 4), normal(5, 3), normal(4, 3)
    w = ag.shared(c)
    x, d = ag.matrix("x"), ag.matrix("d")
    new = w + x.T @ d
    f = ag.function([x, d], [new, w], updates=[(w, new)])
    returned, old = f(a, b)
    np.testing.assert_allclose(returned, c + a.T @ b, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(old, c)
    np.testing.assert_array_equal(w.get_value(), returned)


def test_two_products_need_no_memory_between_them() -> None:
    a, b, u, v = normal(5, 4), normal(5, 3), normal(4, 6), normal(3, 6)
    x, h = ag.matrix("x"), ag.matrix("h")
    f = ag.function([x, h], ag.tanh(x @ ag.shared(u, name="u") + h @ ag.shared(v, name="v")))
    kinds = [type(s) for s in f.program.steps if isinstance(s, MultiplyMatrices | RunKernel)]
    assert kinds == [MultiplyMatrices, MultiplyMatrices, RunKernel]
    np.testing.assert_allclose(f(a, b), np.tanh(a @ u + b @ v), rtol=1e-4, atol=1e-6)


def test_a_product_that_is_read_twice_is_kept() -> None:
    a, b, c = normal(5, 4), normal(5, 3), normal(4, 3)
    w = ag.shared(c)
    x, d = ag.matrix("x"), ag.matrix("d")
    g = x.T @ d
    f = ag.function([x, d], g.sum(), updates=[(w, w - g)])
    np.testing.assert_allclose(f(a, b), (a.T @ b).sum(), rtol=1e-4)
    np.testing.assert_allclose(w.get_value(), c - a.T @ b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("k", [0, 1])
def test_no_examples_change_nothing(k: int) -> None:
    c = normal(4, 3)
    w = ag.shared(c)
    x, d = ag.matrix("x"), ag.matrix("d")
    f = ag.function([x, d], updates=[(w, 2 * w - x.T @ d)])
    f(np.ones((k, 4), np.float32), np.ones((k, 3), np.float32))
    np.testing.assert_allclose(w.get_value(), 2 * c - k, rtol=1e-5)


def test_stacks_of_products() -> None:
    a, b, c = normal(2, 5, 4), normal(2, 5, 3), normal(2, 4, 3)
    w = ag.shared(c)
    x, d = ag.tensor3("x"), ag.tensor3("d")
    f = ag.function([x, d], updates=[(w, w - x.mT @ d)])
    f(a, b)
    np.testing.assert_allclose(w.get_value(), c - a.swapaxes(1, 2) @ b, rtol=1e-4, atol=1e-6)


def test_a_scaled_base_that_is_read_elsewhere() -> None:
    a, c = normal(3, 3), normal(3, 3)
    w = ag.shared(c)
    x = ag.matrix("x")
    twice = 2 * w
    f = ag.function([x], twice @ x, updates=[(w, twice - x.T @ x)])
    np.testing.assert_allclose(f(a), 2 * c @ a, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(w.get_value(), 2 * c - a.T @ a, rtol=1e-4, atol=1e-5)

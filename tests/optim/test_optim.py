"""Optimisers against the same formulas in NumPy, over several steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, Any]

SHAPES = ((), (3,), (2, 4))
STEPS = 4


def cost(parameters: list[Any]) -> Any:
    """Has the gradient ``p**3 + (k + 1) * p``."""
    return sum((p**4 / 4 + (k + 1) * p**2 / 2).sum() for k, p in enumerate(parameters))


def slopes(parameters: list[Array]) -> list[Array]:
    return [p**3 + (k + 1) * p for k, p in enumerate(parameters)]


def starts() -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) for shape in SHAPES]


def run(optimiser: Callable[..., Any]) -> list[Array]:
    parameters = [ag.shared(p, f"p{k}") for k, p in enumerate(starts())]
    gradients = ag.grad(cost(parameters), parameters)
    step = ag.function([], [], updates=optimiser(gradients, parameters))
    for _ in range(STEPS):
        step()
    return [p.get_value() for p in parameters]


class Reference:
    """One parameter, and what is remembered beside it."""

    def __init__(self, p: Array) -> None:
        self.p = p
        self.first, self.second = np.zeros_like(p), np.zeros_like(p)

    def sgd(self, g: Array, t: int) -> None:
        self.p = self.p - 0.1 * g

    def momentum(self, g: Array, t: int) -> None:
        self.first = 0.8 * self.first - 0.1 * g
        self.p = self.p + self.first

    def nesterov(self, g: Array, t: int) -> None:
        """The gradient is taken where the speed leads; ``p`` here is that place (Bengio, eq. 7)."""
        before = self.first
        self.first = 0.8 * before - 0.1 * g
        self.p = self.p - 0.8 * before + 1.8 * self.first

    def rmsprop(self, g: Array, t: int) -> None:
        self.second = 0.95 * self.second + 0.05 * g**2
        self.p = self.p - 0.1 * g / (np.sqrt(self.second) + 1e-6)

    def adam(self, g: Array, t: int) -> None:
        self.first = 0.85 * self.first + 0.15 * g
        self.second = 0.99 * self.second + 0.01 * g**2
        mean, square = self.first / (1 - 0.85**t), self.second / (1 - 0.99**t)
        self.p = self.p - 0.1 * mean / (np.sqrt(square) + 1e-7)


@pytest.mark.parametrize(
    ("name", "optimiser"),
    [
        ("sgd", lambda g, p: ag.optim.sgd(g, p, 0.1)),
        ("momentum", lambda g, p: ag.optim.momentum(g, p, 0.1, 0.8)),
        ("nesterov", lambda g, p: ag.optim.momentum(g, p, 0.1, 0.8, nesterov=True)),
        ("rmsprop", lambda g, p: ag.optim.rmsprop(g, p, 0.1, 0.95, 1e-6)),
        ("adam", lambda g, p: ag.optim.adam(g, p, 0.1, (0.85, 0.99), 1e-7)),
    ],
)
def test_steps(name: str, optimiser: Callable[..., Any]):
    references = [Reference(p) for p in starts()]
    for t in range(1, STEPS + 1):
        for reference, g in zip(references, slopes([r.p for r in references]), strict=True):
            getattr(reference, name)(g, t)
    for got, reference in zip(run(optimiser), references, strict=True):
        np.testing.assert_allclose(got, reference.p, rtol=1e-12)


def test_rate_as_an_input_and_float32():
    w = ag.shared(np.ones(2, np.float32), "w")
    rate = ag.scalar("rate")
    step = ag.function([rate], [], updates=ag.optim.adam(ag.grad((w * w).sum(), [w]), [w], rate))
    step(np.float32(0.5))
    np.testing.assert_allclose(w.get_value(), 0.5, rtol=1e-5)
    step(np.float32(0.0))
    np.testing.assert_allclose(w.get_value(), 0.5, rtol=1e-5)


def test_clipping():
    gradients = [np.array([3.0, 0.0]), np.array([[0.0], [4.0]]), np.array(12.0)]
    limit = ag.scalar("limit", dtype="f64")
    symbols = [ag.constant(g) for g in gradients]
    f = ag.function(
        [limit], [ag.optim.global_norm(symbols), *ag.optim.clip_by_global_norm(symbols, limit)]
    )
    for most in (6.5, 13.0, 20.0):
        norm, *clipped = f(most)
        assert norm == 13
        for got, g in zip(clipped, gradients, strict=True):
            np.testing.assert_allclose(got, g * min(1, most / 13), rtol=1e-15)


def test_what_does_not_fit():
    w, x = ag.shared(np.ones(2), "w"), ag.vector("x", dtype="f64")
    with pytest.raises(ag.FunctionError, match="sgd: 1 gradients for 2 parameters"):
        ag.optim.sgd([w], [w, w], 0.1)
    with pytest.raises(ag.FunctionError, match=r"adam: .*x.* is no shared variable"):
        ag.optim.adam([w], [x])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ag.FunctionError, match="global_norm: no gradients"):
        ag.optim.clip_by_global_norm([], 1.0)

"""Loops and branches made by chance: derivatives by differences, and what passes make of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.compile.pipeline import Log, run_graph_passes
from agnesi.graph.interpret import interpret
from agnesi.testing.evaluators import looped

if TYPE_CHECKING:
    from agnesi.graph.tensor import Tensor

# Inner loops and branches go no deeper.
DEEP = 2


class Maker:
    """Makes vectors of 3 numbers from others."""

    def __init__(self, seed: int, w: Tensor) -> None:
        self.random = random.Random(seed)
        self.w = w
        # Whether derivatives are cut somewhere, so that differences are something else.
        self.cuts = False

    def vector(self, chance: random.Random, pool: list[Any], depth: int) -> Any:
        a, b = chance.choice(pool), chance.choice(pool)
        flat: list[Any] = [
            lambda: ag.tanh(a @ self.w),
            lambda: a * b,
            lambda: a + b,
            lambda: ag.sin(a),
            lambda: ag.special.expit(a) * b,
            lambda: a - b.sum() * 0.1,
            lambda: ag.where(a > 0, a, b),
            lambda: a[::-1],
            lambda: ag.concatenate([a[1:], b[:1]]),
            lambda: ag.exp(-a * a),
        ]
        deep: list[Any] = [
            lambda: ag.cond(
                a.sum() > 0,
                lambda: self.vector(chance, pool, depth + 1),
                lambda: self.vector(chance, pool, depth + 1),
            ),
            lambda: self.loop(chance, pool, ag.stack([a, b, a * 0.5]), depth + 1),
        ]
        return chance.choice([*flat, *deep] if depth < DEEP else flat)()

    def loop(self, chance: random.Random, pool: list[Any], xs: Any, depth: int) -> Any:
        inits = [chance.choice(pool) for _ in range(chance.randrange(1, 4))]
        collected, seed = chance.randrange(3), chance.randrange(10**9)
        how: dict[str, Any] = {"reverse": chance.random() < 0.3}
        kind = chance.random()
        if kind < 0.3:
            how["checkpoint"] = chance.choice([1, 2, True])
        elif kind < 0.4:
            how["truncate"], self.cuts = 2, True
        if kind > 0.2 and not self.cuts and chance.random() < 0.25:
            how["until"] = lambda c: c[1][0].sum() > 1.5

        def step(carry: Any, row: Any) -> Any:
            # A step is called more than once, and has to do the same.
            again = random.Random(seed)
            count, carries = carry
            own = [*pool, *carries, row]
            for _ in range(again.randrange(1, 5)):
                own.append(self.vector(again, own, depth))
            news = [ag.tanh(again.choice(own[-4:]) + again.choice(own) * 0.1) for _ in carries]
            return (count + 1, news), [again.choice(own) for _ in range(collected)]

        (_, last), ys = ag.scan(step, (0, inits), xs, **how)
        total = chance.choice(last)
        for y in ys:
            total = total + y.sum(0) * 0.3
        return total


@pytest.mark.parametrize("seed", range(16))
def test_derivatives_and_passes(seed: int) -> None:
    x, w, v = ag.input("x", "f64[t, 3]"), ag.input("w", "f64[3, 3]"), ag.input("v", "f64[3]")
    maker = Maker(seed, w)
    result = maker.loop(maker.random, [v, v * 0.5], x, 0)
    cost = (result * result).sum()
    first = ag.grad(cost, [x, w, v], disconnected="zero")
    squares: Any = sum(((g * g).sum() for g in first), ag.constant(np.float64(0)))
    second = ag.grad(squares, [x, w, v], disconnected="zero")
    outputs = [cost, squares, *first, *second]
    numbers = np.random.default_rng(seed)
    arrays = [numbers.normal(size=shape) * 0.7 for shape in ((4, 3), (3, 3), (3,))]
    directions = [numbers.normal(size=a.shape) for a in arrays]

    def at(step: float) -> Any:
        moved = [a + step * d for a, d in zip(arrays, directions, strict=True)]
        return interpret([cost, squares], dict(zip((x, w, v), moved, strict=True)))

    given: Any = dict(zip((x, w, v), arrays, strict=True))
    found = interpret(outputs, given)
    if not maker.cuts:
        for k, (ahead, behind) in enumerate(zip(at(1e-6), at(-1e-6), strict=True)):
            slopes = found[2 + 3 * k : 5 + 3 * k]
            along = sum((s * d).sum() for s, d in zip(slopes, directions, strict=True))
            np.testing.assert_allclose(along, (ahead - behind) / 2e-6, rtol=1e-4, atol=1e-4)
    rewritten = interpret(run_graph_passes(outputs, Log()), given)
    lowered = looped([x, w, v], outputs)(arrays) if seed % 4 == 0 else found
    for a, b, c in zip(found, rewritten, lowered, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(a, c, rtol=1e-7, atol=1e-9)

"""Products of few elements and long sums, cut along the depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.loops.nodes import ParallelFor
from agnesi.lower.contract import chunks
from agnesi.lower.program import RunKernel

random = np.random.default_rng(0)


def normal(*shape: int, dtype: Any = np.float32) -> Any:
    return random.standard_normal(shape).astype(dtype)


def is_cut(f: Any) -> bool:
    """Whether the only step is a kernel of chunks."""
    (step,) = f.program.steps
    assert isinstance(step, RunKernel)
    first = step.kernel.body[0]
    return isinstance(first, ParallelFor) and first.index.name == "chunk"


def close(found: Any, wanted: Any, depth: int) -> None:
    tolerance = (1e-14 if found.dtype == np.float64 else 1e-6) * (depth**0.5 + 10)
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 5), (10, 16), (28, 32), (1, 40), (7, 1)])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_known_depths(m: int, n: int, dtype: str) -> None:
    kind = np.dtype("float32" if dtype == "f32" else "float64")
    k = 30_000
    x, w = ag.input("x", f"{dtype}[{m}, {k}]"), ag.input("w", f"{dtype}[{k}, {n}]")
    u = ag.input("u", f"{dtype}[{k}, {m}]")
    a, b = normal(m, k, dtype=kind), normal(k, n, dtype=kind)
    exact = a.astype(float) @ b
    turned = np.ascontiguousarray(a.T)
    cases: list[Any] = [(u, turned, u.T @ w, exact), (x, a, ag.tanh(x @ w) * 2, np.tanh(exact) * 2)]
    with setting(interpret="loops"):
        for given, array, output, wanted in cases:
            f = ag.function([given, w], output)
            found: Any = f(array, b)
            close(found, wanted, 5 * k)
            assert m * n == 1 or is_cut(f)
    if dtype == "f32" and m * n in (7, 15, 40):
        f = ag.function([x, u, w], [ag.tanh(x @ w) * 2, u.T @ w, (x * 2 + x * x) @ w])
        square = (2 * a + a * a).astype(float) @ b
        right = (np.tanh(exact) * 2, exact, square)
        for one, wanted in zip(f(a, turned, b), right, strict=True):
            close(one, wanted, 5 * k)


def test_unknown_depths() -> None:
    x, d = ag.input("x", "f32[k, 10]"), ag.input("d", "f32[k, 7]")
    w = ag.shared(normal(10, 7))
    f = ag.function([x, d], x.T @ d, updates=[(w, w - np.float32(0.1) * (x.T @ d))])
    assert is_cut(f)
    for k in (0, 1, 511, 1264, 1300, 50_000):
        a, b, before = normal(k, 10), normal(k, 7), w.get_value()
        exact = a.T.astype(float) @ b
        close(f(a, b), exact, k)
        close(w.get_value(), before - 0.1 * exact, k)


def test_results_do_not_depend_on_threads() -> None:
    x, d = ag.input("x", "f32[k, 10]"), ag.input("d", "f32[k, 7]")
    f = ag.function([x, d], x.T @ d)
    a, b = normal(60_000, 10), normal(60_000, 7)
    threads = ag.get_threads()
    found: list[Any] = []
    for number in (1, 2, 3):
        ag.set_threads(number)
        found.append(f(a, b))
    ag.set_threads(threads)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_what_is_cut() -> None:
    assert chunks(1, 10, 16, 60_000, 1) is not None
    assert chunks(1, 100, 200, 60_000, 14) is not None
    # Short, many blocks already, many elements, a stack, unknown sizes of the result.
    for case in (
        (1, 10, 16, 1000, 1),
        (1, 784, 10, 60_000, 14),
        (1, 300, 200, 60_000, 1),
        (8, 10, 16, 60_000, 8),
    ):
        assert chunks(*case) is None
    m = ag.input("x", "f32[m]").type.shape[0]
    assert chunks(1, m, 16, 60_000, 1) is None

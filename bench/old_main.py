"""What ``make bench`` measures: agnesi beside NumPy, in one run, as ratios.

Each figure is the best of several repeats of both sides taken in turn, since these machines are
shared and noisy; the ratio is what counts.  One thread throughout, but for BLAS.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Callable


def best(function: Callable[[], object], seconds: float = 0.05) -> float:
    """Return the seconds of one call: the mean over a short while."""
    count, start = 0, perf_counter()
    while perf_counter() - start < seconds:
        function()
        count += 1
    start = perf_counter()
    for _ in range(count):
        function()
    return (perf_counter() - start) / count


def compare(
    name: str, ours: Callable[[], object], theirs: Callable[[], object], repeats: int = 7
) -> None:
    """Measure two functions in turn and print a row."""
    pairs = [(best(ours), best(theirs)) for _ in range(repeats)]
    a, b = min(p[0] for p in pairs), min(p[1] for p in pairs)
    ratio = median(p[1] / p[0] for p in pairs)
    print(f"{name:<44}{a * 1e6:12.2f} us{b * 1e6:12.2f} us{ratio:8.2f} x")


def small_call() -> None:
    """``x + 1`` on 10 elements: what a call costs."""
    x = ag.vector("x")
    f = ag.function([x], x + 1)
    a = np.arange(10, dtype=np.float32)
    compare("x + 1, 10 float32", lambda: f(a), lambda: a + 1)


def chain() -> None:
    """A fused chain of elementary functions."""
    x, a, b = ag.vector("x"), ag.scalar("a"), ag.scalar("b")
    y = ag.exp(-x * x / 2) * ag.tanh(a * x + b) + ag.log1p(abs(x))
    f = ag.function([x, a, b], y)
    random = np.random.default_rng(0)
    points = random.standard_normal(100_000).astype(np.float32)
    one, two = np.float32(1.5), np.float32(0.3)
    first, second = np.array(one), np.array(two)

    def in_numpy() -> object:
        return np.exp(-points * points / 2) * np.tanh(one * points + two) + np.log1p(np.abs(points))

    name = "exp(-x*x/2)*tanh(a*x+b)+log1p(abs(x)), 1e5"
    compare(name, lambda: f(points, first, second), in_numpy)


def elementary() -> None:
    """Elementary functions alone."""
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        points = random.uniform(0.1, 3, 100_000).astype(dtype)
        for name in ("exp", "log", "sin", "tanh"):
            x = ag.vector("x", dtype=dtype)
            f = ag.function([x], getattr(ag, name)(x))
            theirs = getattr(np, name)
            label = f"{name}, 1e5 {np.dtype(dtype).name}"
            compare(label, lambda f=f, p=points: f(p), lambda g=theirs, p=points: g(p))


def reductions() -> None:
    """Sums over each axis, and a softmax."""
    random = np.random.default_rng(0)
    table = random.standard_normal((1000, 1000)).astype(np.float32)
    x = ag.matrix("x")
    for axis in (None, 0, 1):
        f = ag.function([x], x.sum(axis))
        label = f"sum over axis {axis}, 1000 x 1000"
        compare(label, lambda f=f: f(table), lambda a=axis: table.sum(a))
    f = ag.function([x], ag.softmax(x))

    def softmax() -> object:
        e = np.exp(table - table.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    compare("softmax, 1000 x 1000", lambda: f(table), softmax)


def training_step() -> None:
    """The MNIST step: compile time, and a step beside the same in NumPy."""
    random = np.random.default_rng(0)

    def weights(rows: int, columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return (random.standard_normal((rows, columns)) * 0.05).astype(np.float32)

    values = [
        weights(784, 500),
        np.zeros(500, np.float32),
        weights(500, 10),
        np.zeros(10, np.float32),
    ]
    parameters = [ag.shared(v) for v in values]
    speeds = [ag.shared(np.zeros_like(v)) for v in values]
    x, y = ag.input("x", "f32[batch, 784]"), ag.input("y", "i64[batch]")
    w1, b1, w2, b2 = parameters
    logits = ag.relu(x @ w1 + b1) @ w2 + b2
    loss = ag.cross_entropy(logits, y).mean()
    updates: list[tuple[ag.Shared, ag.Tensor]] = []
    for p, v, g in zip(parameters, speeds, ag.grad(loss, list(parameters)), strict=True):
        speed = 0.9 * v - 0.01 * g
        updates += [(v, speed), (p, p + speed)]
    step = ag.function([x, y], loss, updates=updates, name="step")
    print(f"{'MNIST training step compiles in':<44}{step.compile_seconds:12.3f} s")
    images = random.random((100, 784), np.float32)
    labels = random.integers(0, 10, 100)
    mine = [v.copy() for v in values]
    moving = [np.zeros_like(v) for v in values]

    def in_numpy() -> None:
        a, p, b, q = mine
        z = images @ a + p
        h = np.maximum(z, 0)
        o = h @ b + q
        e = np.exp(o - o.max(1, keepdims=True))
        d = e / e.sum(1, keepdims=True)
        d[np.arange(100), labels] -= 1
        d /= 100
        back = d @ b.T * (z > 0)
        for value, speed, g in zip(
            mine, moving, (images.T @ back, back.sum(0), h.T @ d, d.sum(0)), strict=True
        ):
            speed *= np.float32(0.9)
            speed -= np.float32(0.01) * g
            value += speed

    compare("MNIST training step, 784-500-10, batch 100", lambda: step(images, labels), in_numpy)


def import_time() -> None:
    """Seconds of ``import agnesi`` in a fresh process, byte code cached."""
    code = "from time import perf_counter as t; s = t(); import agnesi; print(t() - s)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(7)
    ]
    print(f"{'import agnesi':<44}{min(times):12.3f} s best, {median(times):.3f} s median of 7")


def main() -> None:
    """Measure everything."""
    import_time()
    print(f"{'':<44}{'agnesi':>15}{'NumPy':>15}{'faster':>10}")
    for part in (small_call, chain, elementary, reductions, training_step):
        part()


if __name__ == "__main__":
    main()

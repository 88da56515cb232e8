"""OpenBLAS on our pool: right under load, from many threads, beside loops, and after a fork."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag

if TYPE_CHECKING:
    from collections.abc import Generator

RANDOM = np.random.default_rng(3)
A, B = RANDOM.standard_normal((300, 500)), RANDOM.standard_normal((500, 400))


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    before = ag.get_threads()
    yield
    ag.set_threads(before)


def product_and_loop() -> Any:
    """Return a function of a product that BLAS computes, of sizes unknown, and a long loop."""
    x, y = ag.input("x", "f64[m, k]"), ag.input("y", "f64[k, n]")
    f = ag.function([x, y], [x @ y, ag.linalg.solve(x @ x.T, x), ag.exp(x)])
    assert "scipy_cblas_dgemm" in f.llvm
    return f


def good(f: Any) -> bool:
    c, solved, e = f(A, B)
    return (
        np.allclose(c, A @ B)
        and np.allclose(A @ A.T @ solved, A, atol=1e-6)
        and np.allclose(e, np.exp(A))
    )


def test_any_number_of_threads():
    f = product_and_loop()
    for number in (1, 2, 4, 3, 1, 2):
        ag.set_threads(number)
        assert good(f)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux tells of threads")
def test_blas_uses_the_threads_of_the_pool():
    f = product_and_loop()
    ag.set_threads(2)
    assert good(f)

    def seconds() -> dict[str, int]:
        tasks = Path("/proc/self/task").iterdir()
        texts = {task.name: (task / "stat").read_text() for task in tasks}
        return {t: sum(map(int, s.rpartition(")")[2].split()[11:13])) for t, s in texts.items()}

    x = ag.input("x", "f64[m, m]")
    square = ag.function([x], x @ x)
    big = RANDOM.standard_normal((900, 900))
    square(big)
    # NumPy's own BLAS, which ``good`` has called, lets its threads spin for a while.
    time.sleep(0.5)
    before = seconds()
    for _ in range(30):
        square(big)
    busy = [t for t, now in seconds().items() if now - before.get(t, 0) > 3]
    assert len(busy) <= 2


def test_from_many_threads_while_the_number_changes():
    functions = [product_and_loop() for _ in range(2)]
    bad: list[int] = []

    def work(k: int) -> None:
        for _ in range(6):
            if not good(functions[k % 2]):
                bad.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for each in workers:
        each.start()
    for k in range(40):
        ag.set_threads(1 + k % 3)
    for each in workers:
        each.join()
    assert not bad


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_in_the_child_of_a_fork():
    f = product_and_loop()
    ag.set_threads(3)
    assert good(f)
    child = os.fork()
    if child == 0:
        os._exit(0 if good(f) else 1)
    assert os.waitpid(child, 0)[1] == 0

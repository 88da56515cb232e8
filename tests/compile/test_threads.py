"""Functions called from many Python threads at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.runtime.symbols import need_gil

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    before = ag.get_threads()
    yield
    ag.set_threads(before)


def together(*work: Callable[[], Any]) -> list[Any]:
    """Run functions in threads of their own, at the same time; return their results."""
    results: list[Any] = [None] * len(work)
    start = threading.Barrier(len(work))

    def run(k: int) -> None:
        start.wait()
        try:
            results[k] = work[k]()
        except BaseException as error:
            results[k] = error

    threads = [threading.Thread(target=run, args=(k,)) for k in range(len(work))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for found in results:
        if isinstance(found, BaseException):
            raise found
    return results


def slow(x: Any) -> Any:
    """Return something that takes a while for each element."""
    for _ in range(3):
        x = ag.sin(x) + ag.exp(-x * x)
    return x


def test_one_function_has_memory_of_its_own_in_each_call():
    x = ag.input("x", "f64[n, n]")
    f = ag.function([x], [slow(x @ x).sum(1), (x @ x).max()])
    given = [np.random.default_rng(k).standard_normal((150, 150)) / 12 for k in range(6)]
    expected = [f(a) for a in given]

    def work(k: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(25):
                for found, wanted in zip(f(given[k]), expected[k], strict=True):
                    np.testing.assert_array_equal(found, wanted)

        return run

    together(*(work(k) for k in range(6)))


def much_at_once() -> tuple[ag.Function, Any]:
    x = ag.input("x", "f64[n]")
    return ag.function([x], slow(slow(x))), np.linspace(0, 1, 3_000_000)


def many_turns() -> tuple[ag.Function, Any]:
    k = ag.input("k", "i64[]")
    count = ag.while_loop(lambda c: c < k, lambda c: c + 1, ag.constant(0))
    return ag.function([k], count), 30_000_000


@pytest.mark.parametrize("make", [much_at_once, many_turns])
def test_other_threads_run_meanwhile(make: Callable[[], tuple[ag.Function, Any]]):
    f, big = make()
    counted, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            counted[0] += 1
            time.sleep(0)

    other = threading.Thread(target=count)
    ag.set_threads(1)
    other.start()
    # No switch of threads happens unless one is let run.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)
    try:
        before = counted[0]
        f(big)
        during = counted[0] - before
    finally:
        done.set()
        sys.setswitchinterval(interval)
        other.join()
    assert during > 10


def counters(n: int, shape: Any = None) -> tuple[Any, Any, Any]:
    """Return two variables and functions that add 1 to both, and that read both."""
    kinds: dict[str, Any] = {} if shape is None else {"shape": shape}
    a, b = ag.shared(np.zeros(n), "a", **kinds), ag.shared(np.zeros(n), "b", **kinds)
    # Several kernels, so that a call can be seen in the middle.
    step = ag.function([], [a.sum()], updates=[(a, a + 1), (b, slow(b) * 0 + a + 1)])
    read = ag.function([], [a.min(), a.max(), b.min(), b.max()])
    return (a, b), step, read


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("n", "shape"), [(3, None), (40_000, None), (40_000, (None,))], ids=str)
def test_updates_happen_one_after_the_other(n: int, shape: Any, threads: int):
    ag.set_threads(threads)
    (a, b), step, read = counters(n, shape)
    seen: list[float] = []

    def steps() -> None:
        for _ in range(30):
            seen.append(float(step()[0]) / n)

    def reads() -> None:
        for _ in range(60):
            low, high, low_b, high_b = read()
            assert low == high == low_b == high_b

    def values() -> None:
        for _ in range(60):
            value = a.get_value()
            assert (value == value[0]).all()

    together(steps, steps, steps, reads, reads, values)
    # Each call saw another number of calls before it.
    assert sorted(seen) == list(range(90))
    assert (a.get_value() == 90).all() and (b.get_value() == 90).all()


def test_set_value_takes_turns():
    n = 40_000
    a = ag.shared(np.zeros(n))
    step = ag.function([], updates=[(a, slow(a) * 0 + a + 1)])

    def sets() -> None:
        for k in range(50):
            a.set_value(np.full(n, 1000.0 * k), borrow=True)

    def steps() -> None:
        for _ in range(100):
            step()

    def looks() -> None:
        for _ in range(100):
            value = a.get_value()
            assert (value == value[0]).all()

    together(sets, steps, steps, looks)
    assert 49_000 <= a.get_value()[0] <= 49_200


def test_interpreted_functions_take_turns_too():
    a = ag.shared(np.zeros(20))
    native = ag.function([], updates=[(a, a + 1)])
    with setting(interpret="loops"):
        slow_one = ag.function([], updates=[(a, a + 1)])
    together(
        *[lambda: [native() for _ in range(200)]] * 2,
        *[lambda: [slow_one() for _ in range(20)]] * 2,
    )
    assert (a.get_value() == 440).all()


def test_errors_let_go_of_everything():
    n = 30_000
    a = ag.shared(np.zeros(n))
    x, k = ag.input("x", "f64[n]"), ag.input("k", "i64[]")
    big = slow(x)
    # The position is known, and out of bounds, only after the GIL was given away.
    row = big[(big.sum() * 0).astype("i64") + k]
    f = ag.function([x, k], row, updates=[(a, a + big)])
    given = np.zeros(n)

    def work() -> int:
        failed = 0
        for turn in range(20):
            try:
                f(given, n + 5 if turn % 2 else 3)
            except IndexError:
                failed += 1
        return failed

    assert together(*[work] * 4) == [10] * 4
    expected = a.get_value() / 40
    a.set_value(np.zeros(n))
    f(given, 0)
    np.testing.assert_allclose(a.get_value(), expected)


def test_set_threads_while_functions_run():
    x = ag.input("x", "f64[n]")
    f = ag.function([x], slow(x))
    given = np.linspace(0, 1, 200_000)
    expected = f(given)

    def work() -> None:
        for _ in range(20):
            np.testing.assert_array_equal(f(given), expected)

    def change() -> None:
        for k in range(100):
            ag.set_threads(1 + k % 4)
            time.sleep(0.001)

    together(work, work, change)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_fork_in_the_middle():
    ag.set_threads(2)
    (a, _), step, read = counters(60_000)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            step()

    other = threading.Thread(target=busy)
    other.start()
    try:
        for _ in range(6):
            time.sleep(0.003)
            child = os.fork()
            if child == 0:
                a.set_value(np.full(60_000, 5.0))
                step()
                os._exit(0 if read()[0] == 6 else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        other.join()


def test_the_process_ends_while_a_call_runs():
    code = (
        "import agnesi as ag, numpy as np, threading, time\n"
        "x = ag.vector('x'); f = ag.function([x], ag.exp(ag.sin(x)))\n"
        "big = np.zeros(3_000_000, np.float32)\n"
        "def busy():\n"
        "    while True: f(big)\n"
        "for _ in range(3): threading.Thread(target=busy, daemon=True).start()\n"
        "time.sleep(0.2); print('end')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


def test_python_without_gil_is_refused():
    need_gil(sys.abiflags)
    with pytest.raises(RuntimeError, match="free-threaded"):
        need_gil("td")

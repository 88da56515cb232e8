"""The thread pool: every part once, whoever calls, however many threads there are."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.runtime import threads
from agnesi.runtime.machine import Loaded, load
from agnesi.runtime.threads import _by_environment, _quota

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from agnesi.graph.tensor import Array

# A part adds 1 to its own word.  `inside` does so 3 times for each part, from within a job.
# `meet` is a part that goes on only when all have come.
TEXT = """
declare void @agnesi_parallel(ptr, ptr, i64)
declare i32 @agnesi_gang(ptr, ptr, i64)
declare i1 @agnesi_awake()
declare i32 @sched_yield()

define internal void @count(ptr %words, i64 %part, i64 %parts) {
  %place = getelementptr i64, ptr %words, i64 %part
  %old = load i64, ptr %place
  %new = add i64 %old, 1
  store i64 %new, ptr %place
  ret void
}
define internal void @inside(ptr %words, i64 %part, i64 %parts) {
  %first = mul i64 %part, 3
  %place = getelementptr i64, ptr %words, i64 %first
  call void @agnesi_parallel(ptr @count, ptr %place, i64 3)
  ret void
}
define internal void @meet(ptr %words, i64 %part, i64 %parts) {
entry:
  %come = atomicrmw add ptr %words, i64 1 seq_cst
  br label %look
look:
  %here = load atomic i64, ptr %words seq_cst, align 8
  %all = icmp sge i64 %here, %parts
  br i1 %all, label %out, label %wait
wait:
  call i32 @sched_yield()
  br label %look
out:
  call void @next(ptr %words, i64 %part)
  ret void
}
define internal void @next(ptr %words, i64 %part) {
  %own = add i64 %part, 1
  call void @count(ptr %words, i64 %own, i64 0)
  ret void
}
define i64 @call(i64 %which, ptr %words, i64 %parts) {
  switch i64 %which, label %parallel [ i64 1, label %nested  i64 2, label %gang
    i64 3, label %ask ]
ask:
  %awake = call i1 @agnesi_awake()
  %answer = zext i1 %awake to i64
  ret i64 %answer
parallel:
  call void @agnesi_parallel(ptr @count, ptr %words, i64 %parts)
  ret i64 1
nested:
  call void @agnesi_parallel(ptr @inside, ptr %words, i64 %parts)
  ret i64 1
gang:
  %done = call i32 @agnesi_gang(ptr @meet, ptr %words, i64 %parts)
  %wide = zext i32 %done to i64
  ret i64 %wide
}
"""
COUNT, NESTED, GANG, ASK = range(4)


@cache
def loaded() -> tuple[Loaded, Any]:
    made = load(TEXT)
    kinds = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64]
    # ctypes lets other Python threads run meanwhile.
    return made, ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(made.address)


def run(which: int, words: Array, parts: int) -> int:
    return int(loaded()[1](which, words.ctypes.data, parts))


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    before = ag.get_threads()
    yield
    ag.set_threads(before)


@pytest.mark.parametrize("number", [1, 2, 3, 8])
@pytest.mark.parametrize("parts", [0, 1, 2, 3, 7, 100])
def test_each_part_runs_once(number: int, parts: int):
    ag.set_threads(number)
    words = np.zeros(101, np.int64)
    for _ in range(50):
        run(COUNT, words, parts)
    assert (words[:parts] == 50).all() and (words[parts:] == 0).all()


def test_workers_that_slept_wake():
    ag.set_threads(3)
    words = np.zeros(4, np.int64)
    for _ in range(5):
        time.sleep(0.01)
        run(COUNT, words, 4)
    assert (words == 5).all()


def test_small_jobs_wake_nobody_unless_they_follow_each_other_closely():
    words = np.zeros(2, np.int64)
    ag.set_threads(2)
    run(COUNT, words, 2)
    time.sleep(0.05)
    for _ in range(20):
        time.sleep(0.001)
        assert run(ASK, words, 0) == 0
    # While the machine is busy the answers may be further apart than what is close.
    assert any(run(ASK, words, 0) for _ in range(100_000))


def test_a_job_inside_of_a_job():
    ag.set_threads(4)
    words = np.zeros(24, np.int64)
    for _ in range(200):
        run(NESTED, words, 8)
    assert (words == 200).all()


def test_the_lanes_of_a_gang_run_at_the_same_time():
    for number in (1, 2, 5):
        for _ in range(20):
            words = np.zeros(6, np.int64)
            assert run(GANG, words, number) == 1
            assert words[0] == number and (words[1 : number + 1] == 1).all()


def test_a_gang_is_refused_where_there_cannot_be_as_many_threads():
    words = np.zeros(1, np.int64)
    assert run(GANG, words, threads.MOST_THREADS + 1) == 0 and words[0] == 0
    assert run(GANG, words, 1) == 1


def test_many_python_threads_and_a_number_that_changes():
    counts = [np.zeros(16, np.int64) for _ in range(8)]
    gangs: list[int] = []
    bad: list[str] = []

    def work(words: Array) -> None:
        for k in range(300):
            run(COUNT, words, 16)
            if k % 10 == 0:
                meeting = np.zeros(4, np.int64)
                gangs.append(run(GANG, meeting, 3))
                if list(meeting) != [3, 1, 1, 1]:
                    bad.append(str(meeting))

    workers = [threading.Thread(target=work, args=(c,)) for c in counts]
    for each in workers:
        each.start()
    for k in range(200):
        ag.set_threads(1 + k % 6)
        time.sleep(0.0005)
    for each in workers:
        each.join()
    assert all((c == 300).all() for c in counts)
    assert not bad and gangs == [1] * 240


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_child_starts_workers_of_its_own():
    ag.set_threads(3)
    words = np.zeros(4, np.int64)
    run(GANG, words, 3)
    stop = threading.Event()

    def busy() -> None:
        own = np.zeros(3000, np.int64)
        while not stop.is_set():
            run(COUNT, own, 3000)

    # The pool is in use, mostly, at the moment of the fork.
    other = threading.Thread(target=busy)
    other.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                fresh = np.zeros(4, np.int64)
                good = run(GANG, fresh, 3) == 1 and list(fresh) == [3, 1, 1, 1]
                run(COUNT, fresh, 4)
                os._exit(0 if good and list(fresh) == [4, 2, 2, 2] else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        other.join()
    run(COUNT, words, 4)


def test_the_process_ends_while_workers_wait():
    code = (
        "import agnesi as ag, numpy as np, threading, tests.runtime.test_pool as t\n"
        "ag.set_threads(4); words = np.zeros(5, np.int64); t.run(t.GANG, words, 4)\n"
        "busy = lambda: [t.run(t.COUNT, np.zeros(9999, np.int64), 9999) for _ in range(10**9)]\n"
        "threading.Thread(target=busy, daemon=True).start()\n"
        "print(words.sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "8"), done.stderr


def in_a_process(**environment: str) -> str:
    """Return the number of threads of a fresh process."""
    names = ("AGNESI_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    known = {k: v for k, v in os.environ.items() if k not in names}
    done = subprocess.run(
        [sys.executable, "-c", "from agnesi.runtime.threads import *; print(get_threads())"],
        check=False, capture_output=True, text=True, env={**known, **environment}, timeout=60,
    )  # fmt: skip
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_environment():
    assert in_a_process() == str(threads.available())
    assert in_a_process(AGNESI_THREADS="7", OMP_NUM_THREADS="3") == "7"
    assert in_a_process(OMP_NUM_THREADS="3,1", OPENBLAS_NUM_THREADS="5") == "3"
    assert in_a_process(OPENBLAS_NUM_THREADS="5") == "5"
    assert in_a_process(OMP_NUM_THREADS="many") == str(threads.available())
    assert "AGNESI_THREADS is 0" in in_a_process(AGNESI_THREADS="0")
    with setting(threads=300), pytest.raises(ValueError, match="1 to 256"):
        _by_environment()


@pytest.mark.parametrize("number", [0, -1, 257, 1.0, "2", True, None])
def test_set_threads_refuses(number: Any):
    before = ag.get_threads()
    with pytest.raises(ValueError, match="set_threads takes a number from 1 to 256"):
        ag.set_threads(number)
    assert ag.get_threads() == before


def test_quota_of_control_groups(tmp_path: Path):
    membership = tmp_path / "cgroup"
    inner = tmp_path / "root" / "a" / "b"
    inner.mkdir(parents=True)

    def quota() -> int | None:
        return _quota(str(tmp_path / "root"), str(membership))

    assert quota() is None
    membership.write_text("0::/a/b\n")
    assert quota() is None
    (inner / "cpu.max").write_text("max 100000\n")
    assert quota() is None
    (inner.parent / "cpu.max").write_text("250000 100000\n")
    assert quota() == 3
    (inner / "cpu.max").write_text("50000 100000\n")
    assert quota() == 1
    old = tmp_path / "root" / "cpu,cpuacct" / "c"
    old.mkdir(parents=True)
    membership.write_text("4:cpu,cpuacct:/c\n3:memory:/c\n")
    (old / "cpu.cfs_quota_us").write_text("-1\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert quota() is None
    (old / "cpu.cfs_quota_us").write_text("400000\n")
    assert quota() == 4

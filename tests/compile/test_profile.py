"""Profiles: what each step of a function's calls has taken."""

from __future__ import annotations

import pickle
import threading
from time import perf_counter

import numpy as np
import pytest

import agnesi as ag
from agnesi.core import knobs
from agnesi.runtime.peak import Peak, peak


def chain(profile: bool = True) -> ag.Function:
    x, w = ag.input("x", "f32[n, 20]"), ag.shared(np.ones((20, 30), np.float32), name="w")
    y = ag.exp(x @ w)
    return ag.function([x], y.sum(axis=0), updates=[(w, w * 2)], name="chain", profile=profile)


def test_a_function_is_not_measured_unless_asked():
    f = chain(profile=False)
    assert f.profile is None
    text = str(f.llvm)
    assert "agnesi_now" not in text
    assert "atomicrmw" not in text
    emitted = f.emitted
    assert emitted is not None
    assert emitted.layout.words == emitted.layout.first_meter


def test_measuring_changes_no_kernel():
    off, on = chain(profile=False), chain()
    assert off.emitted is not None
    assert on.emitted is not None
    kernels = [{p.text for p in f.emitted.parts if p.name != "call"} for f in (off, on)]  # type: ignore[union-attr]
    assert kernels[0] == kernels[1]


def test_calls_time_bytes_and_operations_add_up():
    f = chain()
    a = np.zeros((7, 20), np.float32)
    start = perf_counter()
    for _ in range(3):
        f(a)
    f(np.zeros((5, 20), np.float32))
    spent = perf_counter() - start
    p = f.profile
    assert p is not None
    assert p.calls == 4
    assert 0 < p.seconds < spent
    steps = p.steps
    assert all(s.calls == 4 and s.seconds > 0 and s.own == s.seconds for s in steps)
    assert sum(s.own for s in steps) + p.rest == pytest.approx(p.seconds)
    assert sum(s.share for s in steps) <= 1
    product = next(s for s in steps if "mat_mul" in s.ops)
    # A multiply and an add for each of 20 * 30 weights, and exp, which counts as 10.
    assert product.flops in (26 * 2 * 600, 26 * (2 * 600 + 10 * 30))
    rows = 26 * 20 + 26 * 30 + 4 * 600
    assert product.bytes == 4 * rows
    assert any("test_profile.py:" in line for line in product.lines)


def test_the_table():
    f = chain()
    assert str(f.profile) == "chain: 0 calls"
    f(np.zeros((7, 20), np.float32))
    text = str(f.profile)
    assert text == repr(f.profile)
    for words in ("chain: 1 call,", "GFLOP/s", "of peak", "mat_mul", "test_profile.py:", "results"):
        assert words in text, words


def test_reset_begins_anew():
    f = chain()
    f(np.zeros((7, 20), np.float32))
    assert f.profile is not None
    f.profile.reset()
    assert f.profile.calls == 0
    assert f.profile.seconds == 0
    assert all(s.calls == 0 for s in f.profile.steps)


def test_calls_that_fail_are_not_counted():
    f = chain()
    with pytest.raises(Exception, match="20"):
        f(np.zeros((7, 21), np.float32))
    assert f.profile is not None
    assert f.profile.calls == 0


def test_steps_of_loops_are_inside_of_them():
    xs = ag.input("xs", "f64[t, 4]")

    def body(s, x):
        s = ag.linalg.solve(ag.eye(4, dtype="f64") * 3, s + x)
        return s, s

    _, out = ag.scan(body, ag.zeros(4, dtype="f64"), xs)
    f = ag.function([xs], out, name="steps", profile=True)
    f(np.ones((9, 4)))
    assert f.profile is not None
    steps = f.profile.steps
    loop = next(s for s in steps if s.name == "loop")
    inside = [s for s in steps if s.depth == loop.depth + 1]
    assert loop.calls == 1
    assert inside
    assert {s.calls for s in inside} <= {9, 1}
    assert any(s.calls == 9 for s in inside)
    assert loop.seconds >= loop.own + sum(s.seconds for s in inside if s.calls == 9) * 0.5


def test_the_branch_that_is_taken_is_counted():
    c, x = ag.input("c", "bool[]"), ag.input("x", "f32[n]")
    y = ag.cond(c, lambda: ag.sort(x), lambda: ag.cumsum(x * 2))
    f = ag.function([c, x], y, profile=True)
    f(True, np.ones(5, np.float32))
    f(True, np.ones(5, np.float32))
    assert f.profile is not None
    inside = [s for s in f.profile.steps if s.depth]
    assert sorted({s.calls for s in inside}) == [0, 2]


def test_calls_in_several_threads_are_all_counted():
    f = chain()
    a = np.zeros((4000, 20), np.float32)

    def work():
        for _ in range(20):
            f(a)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert f.profile is not None
    assert f.profile.calls == 60
    assert all(s.calls == 60 for s in f.profile.steps)


def test_copies_and_unpickled_functions_have_profiles_of_their_own():
    f = chain()
    g, h = f.copy(), pickle.loads(pickle.dumps(f))
    a = np.zeros((7, 20), np.float32)
    g(a), h(a), h(a)
    assert [k.profile.calls for k in (f, g, h) if k.profile is not None] == [0, 1, 2]


def test_interpreters_measure_nothing():
    with knobs.setting(interpret="loops"):
        assert chain().profile is None


def test_the_best_of_the_machine():
    best = peak()
    assert isinstance(best, Peak)
    assert best.flops > 1e9
    assert best.bandwidth > 1e8
    assert peak() is best

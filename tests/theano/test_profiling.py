"""Profiles of functions: what is counted, and what is printed."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.compile import profiling
from agnesi.theano.compile.monitormode import MonitorMode
from agnesi.theano.compile.profiling import ProfileStats, ScanProfileStats


def product(**named):  # noqa: ANN003
    x, w = T.fmatrix("x"), theano.shared(np.ones((20, 30), "float32"), "w")
    y = T.tanh(T.dot(x, w))
    return theano.function([x], y.sum(), updates=[(w, w * np.float32(0.5))], **named)


A = np.ones((7, 20), "float32")


def text_of(stats, **named):  # noqa: ANN003
    out = StringIO()
    stats.summary(out, **named)
    return out.getvalue()


def test_a_profile_counts_calls_steps_and_compiling():
    f = product(profile=True, name="product")
    p = f.profile
    assert isinstance(p, ProfileStats)
    assert f.maker.profile is p
    assert p.message == "product"
    assert (p.fct_callcount, p.fct_call_time, p.vm_call_time) == (0, 0, 0)
    assert p.compile_time == pytest.approx(p.optimizer_time + p.linker_time)
    assert p.optimizer_time > 0
    for _ in range(3):
        f(A)
    assert p.fct_callcount == 3
    assert p.fct_call_time > p.vm_call_time > sum(p.apply_time.values()) > 0
    assert set(p.apply_callcount.values()) == {3}
    assert all(p.apply_cimpl.values())
    ops = {name for node in p.apply_time for name in node.op.ops}
    assert any("dot" in name.lower() for name in ops)
    assert any("tanh" in name for name in ops)
    assert sum(p.class_time().values()) == pytest.approx(sum(p.apply_time.values()))
    assert sum(p.op_time().values()) == pytest.approx(sum(p.apply_time.values()))
    assert sum(p.class_nodes().values()) == len(p.apply_time)
    assert sum(p.op_callcount().values()) == sum(p.apply_callcount.values())
    assert set(p.op_impl().values()) == set(p.class_impl().values()) == {"C "}
    assert p.compute_total_times() == p.apply_time
    p.reset()
    assert (p.fct_callcount, sum(p.apply_time.values())) == (0, 0)


def test_what_is_printed():
    f = product(profile="my title")
    assert "Time in 0 calls" in text_of(f.profile)
    f(A)
    text = text_of(f.profile)
    for words in (
        "Function profiling\n==================\n  Message: my title",
        "Time in 1 calls to Function.__call__",
        "Time in thunks",
        "Theano Optimizer time",
        "Class\n---\n<% time> <sum %> <apply time>",
        "agnesi.theano.compile.profiling.Kernel",
        "Ops\n---",
        "Apply\n------",
        "test_profiling.py:",
        "remaining 0 Apply instances",
    ):
        assert words in text, words
    assert "remaining 0" not in text_of(f.profile, n_ops_to_print=0, n_apply_to_print=0)
    with theano.change_flags(
        {"profile_memory": True, "profile_optimizer": True, "profiling.debugprint": True}
    ):
        text = text_of(f.profile)
    for words in ("Memory Profile", "scratch memory", "canonicalize", "w [id"):
        assert words in text, words


def test_who_asks_for_a_profile():
    assert product().profile is None
    assert product(profile=False).profile is None
    with theano.change_flags(profile=True):
        assert product().profile is not None
        assert product(profile=False).profile is None
    mine = ProfileStats(atexit_print=False, message="both")
    f, g = product(profile=mine), product(profile=mine)
    f(A), g(A), g(A)
    assert mine.fct_callcount == 3
    assert sorted(set(mine.apply_callcount.values())) == [1, 2]
    assert f.copy().profile is None
    assert f.copy(profile=True).profile is not mine
    profiling._atexit_print_list.clear()


def test_functions_that_are_compiled_again_go_on_counting():
    w = theano.shared(np.ones(3), "w")
    f = theano.function([], w.sum(), profile=ProfileStats(False))
    assert f() == 3
    w.set_value(np.ones(5))
    assert f() == 5
    assert f.profile.fct_callcount == 2


def test_steps_need_not_be_measured_and_the_first_call_may_be_left_out():
    f = product(profile=ProfileStats(False, flag_time_thunks=False))
    f(A)
    assert f.profile.fct_callcount == 1
    assert not f.profile.apply_time
    assert "hint" in text_of(f.profile)
    with theano.change_flags({"profiling.ignore_first_call": True}):
        g = product(profile=ProfileStats(False))
    g(A), g(A)
    assert g.profile.fct_callcount == 1
    assert set(g.profile.apply_callcount.values()) == {1}


def test_host_code_loops_and_objects_are_kinds_of_steps():
    @theano.compile.as_op([T.dvector], [T.dvector], infer_shape=lambda node, shapes: shapes)
    def double(x):
        return x * 2

    x = T.dvector("x")
    f = theano.function([x], T.exp(double(x)), profile=ProfileStats(False))
    f([1.0, 2.0])
    assert "Py" in f.profile.class_impl().values()
    assert any(isinstance(n.op, profiling.Host) for n in f.profile.apply_time)
    assert "FromFunctionOp{double}" in text_of(f.profile)


def test_functions_run_step_by_step_have_profiles_by_application():
    x = T.dvector("x")
    y = T.exp(x)
    f = theano.function([x], y.sum(), mode=MonitorMode(), profile=ProfileStats(False))
    f([1.0]), f([2.0])
    assert y.owner in f.profile.apply_time
    assert f.profile.apply_callcount[y.owner] == 2
    assert f.profile.op_impl()[y.owner.op] == "Py"
    totals = f.profile.compute_total_times()
    assert max(totals.values()) == pytest.approx(sum(f.profile.apply_time.values()))


def test_printers_of_programs(monkeypatch):
    monkeypatch.setattr(profiling, "_profiler_printers", [])

    @theano.compile.register_profiler_printer
    def mine(message, compile_time, call_time, apply_time, apply_cimpl, output_size, file=None):
        print("mine:", message, len(apply_time) == len(apply_cimpl), file=file)

    f = product(profile=ProfileStats(False, message="m"))
    f(A)
    assert "mine: m True" in text_of(f.profile)
    assert ScanProfileStats(False, name="loop").name == "loop"


PROGRAM = """
import agnesi.theano as theano, agnesi.theano.tensor as T
x = T.dvector("x")
f = theano.function([x], T.exp(x).sum(), name="one")
g = theano.function([x], T.tanh(x).sum(), name="two")
f([1.0]), f([2.0]), g([1.0])
"""


def test_profiles_are_printed_at_the_end(tmp_path):
    target = tmp_path / "profile.txt"
    for where in ("stderr", "stdout", str(target)):
        flags = f"profile=True,print_global_stats=True,profiling.destination={where}"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "THEANO_FLAGS": flags},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        text = {"stderr": done.stderr, "stdout": done.stdout}.get(where)
        text = target.read_text() if text is None else text
        assert "Message: one" in text
        assert "Message: two" in text
        assert "Sum of all(2) printed profiles" in text
        assert "Time in 3 calls to Function.__call__" in text
        assert "Global stats:  Time elapsed since Theano import" in text


def test_global_stats(capsys):
    with theano.change_flags({"profiling.destination": "stdout", "print_global_stats": True}):
        f = product()
        before = profiling.total_fct_exec_time
        f(A)
        assert profiling.total_fct_exec_time > before
        theano.compile.profiling.print_global_stats()
    assert "Time spent in Theano functions" in capsys.readouterr().out
    profiling._atexit_print_list.clear()

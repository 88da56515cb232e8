"""Modes that look on while a function runs, and breakpoints."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.compile import MonitorMode
from agnesi.theano.compile.monitormode import detect_nan
from agnesi.theano.compile.nanguardmode import (
    NanGuardMode,
    contains_inf,
    contains_nan,
    flatten,
)
from agnesi.theano.ifelse import ifelse
from agnesi.theano.tensor.shared_randomstreams import RandomStreams
from agnesi.theano.tests.breakpoint import PdbBreakpoint
from agnesi.theano.typed_list import TypedListType, append

# -- MonitorMode -----------------------------------------------------------------------------------


def test_monitors_see_each_application_with_values():
    x = T.dvector("x")
    seen = []

    def before(i, node, fn):
        assert fn.outputs[0][0] is None
        seen.append((i, str(node.op), [np.array(cell[0]) for cell in fn.inputs]))

    def after(i, node, fn):
        seen[-1] += ([np.array(cell[0]) for cell in fn.outputs],)
        assert node.nout == len(fn.outputs)

    f = theano.function([x], (x + 1).sum(), mode=MonitorMode(before, after))
    assert f([1.0, 2.0]) == 5
    assert [n for n, *_ in seen] == list(range(len(seen)))
    assert "add" in str(seen[-2][1])
    np.testing.assert_array_equal(seen[-2][3][0], [2, 3])
    np.testing.assert_array_equal(seen[-1][2][0], [2, 3])
    assert seen[-1][3] == [5]


def test_a_monitor_may_change_what_is_computed_with():
    x = T.dvector("x")

    def before(i, node, fn):
        if "Sum" in str(node.op):
            fn.inputs[0][0] = np.array([10.0, 20.0])

    f = theano.function([x], T.sqr(x).sum() + 1, mode=MonitorMode(pre_func=before))
    assert f([1.0, 2.0]) == 31


def test_the_first_nan_is_printed(capsys):
    x = T.dscalar("x")
    f = theano.function([x], [T.log(x) * x], mode=MonitorMode(post_func=detect_nan))
    f(1.0)
    assert capsys.readouterr().out == ""
    f(0.0)
    said = capsys.readouterr().out
    assert said.startswith("*** NaN detected ***\nElemwise{mul")
    assert "Inputs : [array(-inf), array(0.)]" in said
    assert "Outputs: [array(nan)]" in said


def watched(inputs, outputs):
    """Return the function, native and step by step, and what happened in the latter."""
    names = []
    mode = MonitorMode(post_func=lambda i, node, fn: names.append(str(node.op)))
    native = theano.function(inputs, outputs)
    return native, theano.function(inputs, outputs, mode=mode), names


def test_updates_givens_and_forms():
    x, y = T.dvector("x"), T.dscalar("y")
    w = theano.shared(np.arange(3.0), "w")
    mode = MonitorMode()
    f = theano.function(
        [x], {"a": x * y, "b": w.sum()}, givens={y: w[1] + 1}, updates=[(w, w + x)], mode=mode
    )
    first = f([1.0, 1.0, 1.0])
    np.testing.assert_array_equal(first["a"], [2, 2, 2])
    assert first["b"] == 3
    np.testing.assert_array_equal(w.get_value(), [1, 2, 3])
    assert f([0.0, 0.0, 0.0])["b"] == 6
    with pytest.raises(TypeError):
        f(np.ones((2, 2)))


def test_inputs_that_are_computed_and_stored_values():
    x = T.dvector("x")
    y = T.exp(x)
    state = T.dscalar("state")
    f = theano.function(
        [y, theano.In(state, value=1.0, update=state * 2)], y.sum() + state, mode=MonitorMode()
    )
    assert [float(f([1.0, 2.0])), float(f([1.0, 2.0])), float(f[state])] == [4, 5, 4]


def test_the_branch_that_is_not_chosen_is_not_computed():
    c, x = T.dscalar("c"), T.dvector("x")
    native, f, names = watched([c, x], ifelse(c > 0, T.exp(x).sum(), T.tanh(x).mean()))
    for chosen, there, gone in ((1.0, "exp", "tanh"), (-1.0, "tanh", "exp")):
        names.clear()
        np.testing.assert_allclose(f(chosen, [1.0, 2.0]), native(chosen, [1.0, 2.0]))
        assert any(there in n for n in names)
        assert not any(gone in n for n in names)


def test_scans_gradients_and_random_numbers_agree_with_native_code():
    x = T.dmatrix("x")
    w = theano.shared(np.random.default_rng(0).normal(size=(3, 3)), "w")
    h, _ = theano.scan(lambda row, s: T.tanh(T.dot(s, w) + row), x, T.zeros(3, "float64"))
    cost = h[-1].sum() + T.sqr(h).mean()
    native, f, names = watched([x], [cost, T.grad(cost, w)])
    a = np.random.default_rng(1).normal(size=(5, 3))
    for one, other in zip(native(a), f(a), strict=True):
        np.testing.assert_allclose(one, other)
    assert names
    draws = []
    for mode in (None, MonitorMode()):
        rng = RandomStreams(7)
        g = theano.function([], rng.normal((4,)), mode=mode)
        draws.append([g(), g()])
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0][0] != draws[0][1]).all()


def test_updates_may_change_shapes():
    w = theano.shared(np.ones(2), "w")
    f = theano.function([], w.sum(), updates=[(w, T.concatenate([w, w]))], mode=MonitorMode())
    g = theano.function([], w * 2)
    assert [float(f()), float(f())] == [2, 4]
    assert g().shape == (8,)


def test_a_monitor_has_its_own_linker():
    with pytest.raises(Exception, match="own linker"):
        MonitorMode(linker="cvm")


# -- NanGuardMode ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "bad"),
    [((True, False, False), "nan"), ((False, True, False), "inf"), ((False, False, True), 1e11)],
)
def test_each_flag_looks_for_its_own(flags, bad):
    x = T.dvector("x")
    f = theano.function([x], x + 1, mode=NanGuardMode(*flags))
    values = {"nan": np.nan, "inf": np.inf, 1e11: 1e11}
    for name, value in values.items():
        # An infinity is large too.
        found = name == bad or (bad == 1e11 and name == "inf")
        if found:
            with pytest.raises(AssertionError, match="detected"):
                f([1.0, value])
        else:
            f([1.0, value])


def test_it_says_where():
    x = T.dvector("x")
    f = theano.function([x], T.log(x).sum(), mode=NanGuardMode(True, True, True))
    assert f([1.0]) == 0
    with pytest.raises(AssertionError) as caught:
        f([-1.0, 1.0])
    text = str(caught.value)
    assert text.startswith("NaN detected\nNanGuardMode found an error in the output of a node")
    assert "Elemwise{log" in text
    with pytest.raises(AssertionError, match="NaN detected\nNanGuardMode found an error in an in"):
        f([np.nan])
    with pytest.raises(AssertionError, match="Inf detected\nBig value detected"):
        f([np.inf])


def test_what_is_marked_is_not_looked_at():
    x = T.dvector("x")
    y = T.log(x)
    y.tag.nan_guard_mode_check = False
    f = theano.function([x], T.switch(T.isnan(y), 0.0, y), mode=NanGuardMode(True, True, True))
    np.testing.assert_array_equal(f([-1.0, 1.0]), [0, 0])


def test_what_is_done_about_it(caplog, capsys, monkeypatch):
    x = T.dvector("x")
    f = theano.function([x], x * 2, mode="NanGuardMode")
    with theano.change_flags({"NanGuardMode.action": "warn"}):
        with caplog.at_level(logging.ERROR):
            assert np.isnan(f([np.nan])).all()
        assert "NaN detected" in caplog.text
    monkeypatch.setattr(sys, "breakpointhook", lambda: print("stopped"))
    with theano.change_flags({"NanGuardMode.action": "pdb"}):
        f([np.nan])
    assert "stopped" in capsys.readouterr().out
    with pytest.raises(AssertionError):
        NanGuardMode(False, False, False)
    with theano.change_flags({"NanGuardMode.nan_is_error": False}):
        assert NanGuardMode().nan_is_error is False


def test_modes_by_name_and_setting():
    x = T.dvector("x")
    with theano.change_flags(mode="NanGuardMode"):
        f = theano.function([x], x * 2)
    with pytest.raises(AssertionError):
        f([np.nan])
    kept = NanGuardMode(True, False, False).clone()
    assert (kept.nan_is_error, kept.inf_is_error, kept.big_is_error) == (True, False, False)


def test_helpers_of_the_guard():
    assert contains_nan(np.array([1, np.nan]))
    assert not contains_nan(np.array([1, 2]))
    assert not contains_nan(np.zeros(0))
    assert not contains_nan(None)
    assert contains_inf(np.array([np.nan, -np.inf]))
    assert not contains_inf(np.random.RandomState(1))
    assert not contains_inf(slice(3))
    assert flatten([1, (2, [3]), "x"]) == [1, 2, 3, "x"]


# -- breakpoints -----------------------------------------------------------------------------------


def test_a_breakpoint_hands_on_and_stops_where_its_condition_holds(monkeypatch, capsys):
    x, y = T.dvector("x"), T.dscalar("y")
    stops = []

    def set_trace():
        frame = sys._getframe(1)
        stops.append([np.array(a) for a in frame.f_locals["monitored"]])
        frame.f_locals["monitored"][1] = np.array(100.0)

    fake = SimpleNamespace(set_trace=set_trace)
    monkeypatch.setattr("agnesi.theano.tests.breakpoint._debugger", lambda: fake)
    a, b = PdbBreakpoint("too large")(x.sum() > 10, x, y)
    f = theano.function([x, y], [a * 2, b + 1])
    assert f([1.0, 2.0], 3.0)[1] == 4
    assert not stops
    for _ in range(2):
        first, second = f([10.0, 2.0], 3.0)
        np.testing.assert_array_equal(first, [20, 4])
        assert second == 101
    assert len(stops) == 2
    np.testing.assert_array_equal(stops[0][0], [10, 2])
    assert "too large" in capsys.readouterr().out
    np.testing.assert_array_equal(T.grad((a * b).sum(), x).eval({x: [1.0, 2.0], y: 3.0}), [3, 3])
    assert a.owner.op.connection_pattern(a.owner) == [[False, False], [True, False], [False, True]]


def test_values_that_are_no_arrays():
    lists, x = TypedListType(T.dvector)(), T.dvector("x")
    seen = []
    mode = MonitorMode(pre_func=lambda i, node, fn: seen.append([c[0] for c in fn.inputs]))
    for kind in (mode, "DEBUG_MODE"):
        f = theano.function([lists, x], append(lists, x), mode=kind)
        made = f([np.zeros(1)], [1.0, 2.0])
        assert [a.tolist() for a in made] == [[0.0], [1.0, 2.0]]
    assert isinstance(seen[0][0], list)
    seen.clear()
    g = theano.function([], RandomStreams(7).uniform((2,)), mode=mode)
    assert (g() != g()).all()
    assert any(isinstance(given[0], np.random.RandomState) for given in seen)
    first, second = (
        theano.function([], RandomStreams(7).uniform((2,)), mode=m) for m in (None, "DEBUG_MODE")
    )
    np.testing.assert_array_equal([first(), first()], [second(), second()])

"""Functions copied, pickled and on other variables."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import agnesi as ag


def counter() -> tuple[ag.Function, ag.Shared]:
    x, state = ag.input("x", "f64[n]"), ag.shared(np.zeros(2), "state")
    return ag.function([x], {"sum": x.sum() + state}, updates=[(state, state + 1)]), state


def test_a_pickled_function_goes_on_with_a_state_of_its_own():
    f, state = counter()
    f(np.ones(3))
    g = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(g(np.ones(3))["sum"], [4, 4])
    np.testing.assert_array_equal(g(x=np.ones(3))["sum"], [5, 5])
    np.testing.assert_array_equal(state.get_value(), [1, 1])


def test_a_deep_copy_has_a_state_of_its_own():
    f, state = counter()
    g = copy.deepcopy(f)
    g(np.ones(3))
    np.testing.assert_array_equal(g(np.ones(3))["sum"], [4, 4])
    np.testing.assert_array_equal(state.get_value(), [0, 0])
    np.testing.assert_array_equal(f(np.ones(1))["sum"], [1, 1])


def test_a_copy_shares_swaps_and_leaves_updates_out():
    f, state = counter()
    other = ag.shared(np.full(2, 10.0))
    g, h = f.copy(swap={state: other}, name="g"), f.copy(delete_updates=True)
    assert g.name == "g"
    g(np.ones(1))
    np.testing.assert_array_equal(other.get_value(), [11, 11])
    np.testing.assert_array_equal(state.get_value(), [0, 0])
    f(np.ones(1))
    np.testing.assert_array_equal(h(np.zeros(1))["sum"], [1, 1])
    np.testing.assert_array_equal(h(np.zeros(1))["sum"], [1, 1])
    with pytest.raises(ag.FunctionError, match="cannot be swapped"):
        f.copy(swap={state: ag.shared(np.zeros(3))})
    with pytest.raises(ag.FunctionError, match="cannot be swapped"):
        f.copy(swap={other: state})


def test_clone_replace_is_givens_as_an_expression():
    x, y = ag.input("x", "f32[n]"), ag.input("y", "f32[m]")
    twice, total = ag.clone_replace([x * 2, x.sum()], {x: y + 1})
    f = ag.function([y], [twice, total])
    np.testing.assert_array_equal(f(np.ones(3, np.float32))[0], [4, 4, 4])
    with pytest.raises(ag.FunctionError, match="clone_replace"):
        ag.clone_replace(x, {x: ag.input("z", "f32[n, n]")})

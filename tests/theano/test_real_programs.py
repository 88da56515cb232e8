"""What real programs, run under the alias, have asked for that nothing else tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi.theano.tensor as T

if TYPE_CHECKING:
    from collections.abc import Iterator
from agnesi import theano


def test_a_module_has_itself_as_a_name():
    # PyMC3: from theano import theano, tensor as tt
    from agnesi.theano import theano as again

    assert again is theano


def test_a_list_with_slices_is_a_key_of_several_axes():
    # Keras 1, reverse(): slices = [slice(None)] * x.ndim; slices[1] = slice(None, None, -1)
    x = T.tensor3()
    value = np.arange(24.0).reshape(2, 3, 4)
    key = [slice(None), slice(None, None, -1), slice(None)]
    np.testing.assert_array_equal(x[key].eval({x: value}), value[:, ::-1])
    np.testing.assert_array_equal(x[[slice(1, None), 2]].eval({x: value}), value[1:, 2])


@pytest.fixture
def test_values() -> Iterator[None]:
    with theano.change_flags(compute_test_value="raise"):
        yield


def given(variable, value):
    variable.tag.test_value = value
    return variable


@pytest.mark.usefixtures("test_values")
def test_gradients_and_what_is_made_of_them_have_test_values():
    # PyMC3 runs with compute_test_value="raise", and flattens gradients.
    x = given(T.dvector("x"), np.array([1.0, 2.0, 3.0]))
    slope = T.grad(T.sum(x**3), x)
    np.testing.assert_array_equal(slope.tag.test_value, [3.0, 12.0, 27.0])
    np.testing.assert_array_equal(T.flatten(slope * 2).tag.test_value, [6.0, 24.0, 54.0])


@pytest.mark.usefixtures("test_values")
def test_what_stands_for_rows_in_a_scan_has_test_values():
    x = given(T.dmatrix("x"), np.arange(6.0).reshape(3, 2))
    rows = []

    def step(row, before, state):
        rows.append((row.tag.test_value, before.tag.test_value))
        return state + row

    sums, _ = theano.scan(step, [{"input": x, "taps": [0, -1]}], [T.zeros(2)])
    np.testing.assert_array_equal(rows[0][0], [2.0, 3.0])
    np.testing.assert_array_equal(rows[0][1], [0.0, 1.0])
    np.testing.assert_array_equal(sums.tag.test_value, [[2.0, 3.0], [6.0, 8.0]])


@pytest.mark.usefixtures("test_values")
def test_a_size_is_enough_for_a_test_value():
    x = given(T.dvector("x"), np.zeros(4))
    np.testing.assert_array_equal(T.arange(x.shape[0]).tag.test_value, np.arange(4))
    slopes, _ = theano.scan(lambda k, v: T.grad(v[k] ** 2, v), [T.arange(x.shape[0])], [], [x])
    assert slopes.tag.test_value.shape == (4, 4)
    n = given(T.lscalar("n"), 3)
    np.testing.assert_array_equal((T.arange(1, n + 2) * x[: n + 1]).tag.test_value, np.zeros(4))


@pytest.mark.usefixtures("test_values")
def test_a_missing_test_value_is_an_error():
    with pytest.raises(ValueError, match=r"input x .* missing default value"):
        T.dvector("x") + 1


def test_a_constant_gradient_leads_to_what_it_is_by():
    # PyMC3 looks for the inputs of gradients.
    k, x = T.lscalar("k"), T.dvector("x")
    assert k in theano.gof.graph.inputs([T.grad(T.switch(k, 0.3, 0.7), k)])
    assert x in theano.gof.graph.inputs([T.grad(3 * x.sum(), x)])


@pytest.mark.parametrize("axis", [None, -1, 0])
def test_shares_add_up_to_exactly_one(axis):
    # PyMC3's Multinomial: all(eq(sum(p, axis=-1), 1)), where p is divided by its sum.
    x = T.dmatrix("x")
    shares = x / x.sum(axis=axis, keepdims=True)
    value = np.random.RandomState(0).rand(500, 6)
    assert (shares.sum(axis=axis).eval({x: value}) == 1).all()
    assert np.isnan(shares.sum(axis=axis).eval({x: 0 * value})).all()

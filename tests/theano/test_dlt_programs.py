"""What public Theano programs showed: numbers and types from Theano 1.0.5."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano


def test_a_new_axis_takes_the_place_of_unnamed_axes_of_length_one():
    c = T.col("c")
    key = c[:, None]
    assert key.ndim == 2 and key.broadcastable == (False, True)
    given = np.array([[1.0], [2.0], [3.0]], dtype=c.dtype)
    np.testing.assert_array_equal(theano.function([c], key)(given), given)
    np.testing.assert_array_equal(theano.function([c], c[1:, None])(given), given[1:])
    first = c[0, None]
    assert first.broadcastable == (True,)
    np.testing.assert_array_equal(theano.function([c], first)(given), given[0])


@pytest.mark.parametrize("named", [":, None, :", "..., None"])
def test_named_axes_of_length_one_stay(named):
    c = T.col("c")
    keys = {":, None, :": c[:, None, :], "..., None": c[..., None]}
    assert keys[named].broadcastable == (False, True, True)


def test_unnamed_axes_that_are_no_ones_stay_as_in_numpy():
    m = T.matrix("m")
    given = np.arange(6, dtype=m.dtype).reshape(2, 3)
    np.testing.assert_array_equal(theano.function([m], m[:, None])(given), given[:, None])
    np.testing.assert_array_equal(theano.function([m], m[None])(given), given[None])


def test_one_step_of_a_masked_recurrence_has_the_axes_of_the_loop():
    # The mask of a sampler that takes one step at a time is a matrix of ones (n, 1).
    h, before = T.matrix("h"), T.matrix("before")
    mask = T.alloc(1.0, h.shape[0], 1)
    state = mask[:, None] * h + (1.0 - mask)[:, None] * before
    assert state.ndim == 2
    ones, zeros = np.ones((2, 3), h.dtype), np.zeros((2, 3), h.dtype)
    np.testing.assert_array_equal(theano.function([h, before], state)(ones, zeros), ones)
    assert T.nnet.softmax(state).ndim == 2

"""Values, dtypes and errors of theano.tensor; the figures are those of Theano 1.0.5."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_of_two_that_are_equal_the_first_has_the_gradient(name):
    x, y = T.dvectors("x", "y")
    a, b = T.grad(getattr(T, name)(x, y).sum(), [x, y])
    f = theano.function([x, y], [a, b])
    np.testing.assert_array_equal(f([1.0, 1.0], [1.0, 1.0]), [[1, 1], [0, 0]])


def test_rectifiers_at_zero():
    x = T.dvector("x")
    costs = [T.maximum(x, 0), T.maximum(0, x), T.nnet.relu(x), T.switch(x > 0, x, 0)]
    slopes = [float(T.grad(c.sum(), x).eval({x: np.zeros(1)})[0]) for c in costs]
    assert slopes == [1.0, 0.0, 0.5, 0.0]


def test_ends_of_clip_have_the_gradient():
    x = T.dvector("x")
    slope = T.grad(T.clip(x, 0, 1).sum(), x)
    np.testing.assert_array_equal(slope.eval({x: [-1.0, 0.0, 0.5, 1.0, 2.0]}), [0, 1, 1, 1, 0])


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_extremes_of_two_hand_on_what_is_no_number(name):
    x, y = T.dvectors("x", "y")
    f = theano.function([x, y], getattr(T, name)(x, y))
    assert np.isnan(f([np.nan, 1.0, np.nan], [1.0, np.nan, np.nan])).all()
    assert np.isnan(getattr(T, name)(x, 0.0).eval({x: [np.nan]})).all()
    assert np.isnan(getattr(T, name)(0.0, x).eval({x: [np.nan]})).all()


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_every_largest_element_has_the_whole_gradient(axis):
    x = T.dmatrix("x")
    for function in (T.max, T.min):
        slope = T.grad(function(x, axis=axis).sum(), x)
        np.testing.assert_array_equal(slope.eval({x: np.ones((2, 3))}), np.ones((2, 3)))


@pytest.mark.parametrize("index", [3, -4, [0, 3]])
def test_an_index_beyond_a_shared_value_is_an_error(index):
    x = theano.shared(np.arange(3.0))
    for expression in (x[index], T.set_subtensor(x[index], 0.0)):
        f = theano.function([], expression)
        with pytest.raises(IndexError):
            f()
    f = theano.function([], x[index])
    x.set_value(np.arange(9.0))
    np.testing.assert_array_equal(f(), np.arange(9.0)[index])


def test_placeholders_whose_sizes_do_not_fit_yet():
    data, weights = theano.shared(np.zeros((1, 1))), theano.shared(np.ones((3, 2)))
    f = theano.function([], T.dot(data, weights))
    with pytest.raises(ValueError):
        f()
    data.set_value(np.ones((4, 3)))
    np.testing.assert_array_equal(f(), np.full((4, 2), 3.0))
    data.set_value(np.ones((4, 2)))
    with pytest.raises(ValueError):
        f()


def test_costs_of_integers_have_zeros_as_gradients():
    x = T.dvector("x")
    np.testing.assert_array_equal(T.grad(T.isnan(x).sum(), x).eval({x: [1.0]}), [0.0])

"""What a program would have got another number for than from Theano 1.0.5; numbers are its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano

X, Y, G = np.arange(4.0) + 1, np.arange(5.0) * 10 + 3, np.array([1.0, 10, 100, 1000])
PLACES = np.array([0, 2, 2, 0, 1])


def gradients(write: Any, *values: Any) -> list[Any]:
    """Return what a write gives, and the gradients by its operands of its product with G."""
    given = [T.TensorType("float64", [False] * np.ndim(v))() for v in values]
    made = write(*given)
    cost = (made * G[: made.ndim and 4]).sum()
    return [np.asarray(r) for r in theano.function(given, [made, *T.grad(cost, given)])(*values)]


def test_gradients_of_written_values_count_each_where_a_place_recurs():
    made, by_x, by_y = gradients(lambda x, y: T.set_subtensor(x[PLACES], y), X, Y)
    assert made.tolist() == [33, 43, 23, 4]
    assert by_x.tolist() == [0, 0, 0, 1000]
    assert by_y.tolist() == [1, 100, 100, 1, 10]


def test_gradients_of_a_number_written_to_places_that_recur():
    _, by_x, by_y = gradients(lambda x, y: T.set_subtensor(x[PLACES], y), X, 7.0)
    assert by_x.tolist() == [0, 0, 0, 1000]
    assert by_y == 212


def test_gradients_of_columns_and_elements_written_to_places_that_recur():
    m, n = np.arange(12.0).reshape(3, 4), np.arange(9.0).reshape(3, 3)
    _, by_m, by_n = gradients(lambda x, y: T.set_subtensor(x[:, [1, 2, 2]], y), m, n)
    assert by_m.tolist() == [[1, 0, 0, 1000]] * 3
    assert by_n.tolist() == [[10, 100, 100]] * 3
    _, _, by_y = gradients(lambda x, y: T.set_subtensor(x[[0, 1, 1], [1, 2, 2]], y), m, X[:3])
    assert by_y.tolist() == [10, 100, 100]


def test_second_derivatives_by_what_is_written_where_a_place_recurs():
    x, y = T.dvectors("x", "y")
    first = T.grad((T.set_subtensor(x[PLACES], y**2) ** 2).sum(), y)
    f = theano.function([x, y], [first, T.grad(first.sum(), y)])
    one, two = f(X, Y)
    assert one.tolist() == [13068, 27508, 48668, 143748, 318028]
    assert two.tolist() == [5220, 5860, 8740, 13860, 22188]


@pytest.mark.parametrize("value", [Y[:4], 7.0])
@pytest.mark.parametrize("key", [np.s_[:], np.s_[...], np.s_[0:]])
def test_what_is_written_over_as_a_whole_stays_connected(key, value):
    made, by_x, by_y = gradients(lambda x, y: T.set_subtensor(x[key], y), X, value)
    assert made.tolist() == (value + np.zeros(4)).tolist()
    assert by_x.tolist() == [0, 0, 0, 0]
    assert by_y.tolist() == (G.tolist() if np.ndim(value) else G.sum())

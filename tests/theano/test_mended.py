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


# -- far out -------------------------------------------------------------------------------------

FAR = [-1000.0, -300, -110, -90, -1, 0, 1, 30, 90, 110, 300, 1000]


def far_out(build: Any, dtype: str) -> list[np.ndarray]:
    """Return the values far out of a function, and its slopes."""
    x = T.vector("x", dtype)
    made = build(x)
    f = theano.function([x], [made, T.grad(made.sum(), x)])
    return f(np.array(FAR, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_of_a_logistic_function_by_hand(dtype):
    made, slopes = far_out(lambda x: 1 / (1 + T.exp(-x)), dtype)
    wanted, slopes_wanted = far_out(T.nnet.sigmoid, dtype)
    np.testing.assert_allclose(made, wanted, rtol=1e-5, atol=1e-37)
    np.testing.assert_allclose(slopes, slopes_wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_logarithm_of_erfc_far_out(dtype):
    made, slopes = far_out(lambda x: T.log(T.erfc(x)), dtype)
    np.testing.assert_allclose(made[-5:], [-903.974, -8105.07, -12105.3, -90006.3, -1000007], 1e-5)
    np.testing.assert_allclose(slopes[-5:], [-60.0333, -180.011, -220.009, -600.003, -2000], 1e-5)
    np.testing.assert_allclose(made[:4], np.log(2), 1e-6)
    assert not slopes[:4].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_of_what_was_not_chosen_are_0(dtype):
    chosen = np.array(FAR) > 0
    for build, slope in (
        (lambda x: T.switch(x > 0, T.log(x), 0), lambda x: 1 / x),
        (lambda x: T.switch(x > 0, T.sqrt(x), 0), lambda x: 0.5 / np.sqrt(x)),
        (lambda x: T.switch(x <= 0, 0, x**-0.5), lambda x: -0.5 * x**-1.5),
    ):
        made, slopes = far_out(build, dtype)
        assert not made[~chosen].any()
        assert not slopes[~chosen].any()
        np.testing.assert_allclose(slopes[chosen], slope(np.array(FAR)[chosen]), 1e-5)
    made, slopes = far_out(lambda x: T.switch(x > 0, x, T.exp(x) - 1), dtype)
    np.testing.assert_allclose(made, np.where(chosen, FAR, np.expm1(np.minimum(FAR, 0))), 1e-5)
    np.testing.assert_allclose(slopes, np.exp(np.minimum(FAR, 0)), 1e-5, 1e-37)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_of_a_logistic_function_that_chooses_what_does_not_overflow(dtype):
    def build(x: Any) -> Any:
        return T.switch(x >= 0, 1 / (1 + T.exp(-x)), T.exp(x) / (1 + T.exp(x)))

    made, slopes = far_out(build, dtype)
    wanted, slopes_wanted = far_out(T.nnet.sigmoid, dtype)
    np.testing.assert_allclose(made, wanted, 1e-5, 1e-37)
    np.testing.assert_allclose(slopes, slopes_wanted, 1e-5, 1e-7)


LOGITS = [[0, 1000, -1000], [500, 0, -300], [1, 2, 3], [-1000, -1000, 1000], [-90, 30, 110]]
CLASSES = [0, 1, 2, 2, 0]
SURPRISE = [1000, 500, 0.407606, 0, 200]
SLOPES = [[-1, 1, 0], [1, -1, 0], [0.0900306, 0.244728, -0.334759], [0, 0, 0], [-1, 0, 1]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropies_far_out(dtype):
    m, w = T.matrix("m", dtype), T.lvector("w")
    p = T.nnet.softmax(m)
    for cost in (
        -T.log(p[T.arange(w.shape[0]), w]),
        -T.log(p)[T.arange(w.shape[0]), w],
        T.nnet.categorical_crossentropy(p, w),
        T.nnet.categorical_crossentropy(p, T.extra_ops.to_one_hot(w, 3, dtype)),
    ):
        f = theano.function([m, w], [cost, T.grad(cost.sum(), m)])
        made, slopes = f(np.array(LOGITS, dtype), CLASSES)
        np.testing.assert_allclose(made, SURPRISE, 1e-5)
        np.testing.assert_allclose(slopes, SLOPES, 1e-5, 1e-30)


# -- errors of calls -----------------------------------------------------------------------------


def test_a_shape_that_is_not_as_specified_is_a_failed_assertion():
    x, n = T.dvector("x"), T.lscalar("n")
    for given, shape, values in (([x], (3,), (Y,)), ([x, n], (n,), (Y, 4))):
        f = theano.function(given, T.specify_shape(x, shape) * 2)
        with pytest.raises(AssertionError, match="SpecifyShape") as failed:
            f(*values)
        assert isinstance(failed.value, ValueError)


def test_sizes_that_a_constant_tells_are_checked_as_errors_of_values():
    x = T.dmatrix("x")
    f = theano.function([x], T.exp(x) * np.ones(3))
    assert f(np.zeros((2, 3))).shape == (2, 3)
    with pytest.raises(ValueError, match="Apply node"):
        f(np.zeros((2, 4)))


# -- axes that a call tells ----------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradients_of_what_is_joined_along_an_axis_that_a_call_tells(axis):
    at, m, n = T.lscalar("at"), T.dmatrix("m"), T.dmatrix("n")
    made = T.join(at, m, n, m)
    f = theano.function([at, m, n], [made, *T.grad((made**3).sum(), [m, n])])
    a, b = np.arange(4.0).reshape(2, 2), np.arange(4.0).reshape(2, 2) - 7
    whole, by_m, by_n = f(axis, a, b)
    np.testing.assert_array_equal(whole, np.concatenate([a, b, a], axis))
    np.testing.assert_array_equal(by_m, 6 * a**2)
    np.testing.assert_array_equal(by_n, 3 * b**2)


def test_what_is_taken_apart_along_an_axis_that_a_call_tells():
    at, m = T.lscalar("at"), T.dmatrix("m")
    first, second = T.split(m, [1, 2], 2, at)
    by_m = T.grad((second**2).sum(), m)
    f = theano.function([at, m], [first, second, by_m])
    a = np.arange(9.0).reshape(3, 3) + 1
    for axis in (0, 1):
        parts = f(axis, a)
        for part, wanted in zip(parts, np.split(a, [1], axis), strict=False):
            np.testing.assert_array_equal(part, wanted)
        wanted = 2 * a
        wanted[(slice(None),) * axis + (0,)] = 0
        np.testing.assert_array_equal(parts[2], wanted)
    with pytest.raises(ValueError, match="Split"):
        f(1, a[:, :2])

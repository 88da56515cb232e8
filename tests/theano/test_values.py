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


# -- parts of arrays -----------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 2, -1, -2, 3, 10, -10])
def test_steps_that_a_call_says(step):
    x, k = T.dvector("x"), T.lscalar("k")
    a = np.arange(7.0)
    f = theano.function([x, k], [x[::k], x[5:1:k], x[-4::k]])
    for found, expected in zip(f(a, step), [a[::step], a[5:1:step], a[-4::step]], strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError):
        f(a, 0)


def test_steps_that_a_call_says_are_written_at():
    x, k = T.dmatrix("x"), T.lscalar("k")
    a = np.arange(12.0).reshape(3, 4)
    part = x[::k, ::k]
    f = theano.function(
        [x, k],
        [T.set_subtensor(part, 0), T.inc_subtensor(part, part), T.grad((part**2).sum(), x)],
    )
    for step in (1, 2, -1, -2):
        key = np.s_[::step, ::step]
        expected = [a.copy(), a.copy(), np.zeros_like(a)]
        expected[0][key], expected[2][key] = 0, 2 * a[key]
        expected[1][key] *= 2
        for found, wanted in zip(f(a, step), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_an_increment_that_does_not_fit_the_dtype():
    x = T.lvector("x")
    with pytest.raises(TypeError):
        T.inc_subtensor(x[0], 2.5)
    np.testing.assert_array_equal(T.set_subtensor(x[0], 2.5).eval({x: [0, 1]}), [2, 1])


# -- dtypes and numbers --------------------------------------------------------------------------


def test_casts_to_few_bits_keep_the_low_bits():
    x = T.dvector("x")
    values = [-1.5, -0.2, 300.0, 1e5, -1e6]
    expected = {
        "int8": [-1, 0, 44, -96, -64],
        "uint8": [255, 0, 44, 160, 192],
        "int16": [-1, 0, 300, -31072, -16960],
        "uint32": [4294967295, 0, 300, 100000, 4293967296],
    }
    for dtype, numbers in expected.items():
        np.testing.assert_array_equal(T.cast(x, dtype).eval({x: values}), numbers)


def test_dtypes_of_constants():
    given = [1, 300, 70000, 2**40, 1.5, 0.1, np.nan, np.inf, True, 1j]
    expected = [
        "int8",
        "int16",
        "int32",
        "int64",
        "float32",
        "float64",
        "float64",
        "float32",
        "int8",
        "complex128",
    ]
    assert [T.constant(c).dtype for c in given] == expected


def test_numbers_that_are_known():
    known = T.get_scalar_constant_value
    assert known(T.constant(2) + 1) == 3
    assert known(T.constant([1, 2, 3])[1]) == 2
    assert known(T.switch(1, 2, 3)) == 2
    assert known(T.alloc(1.5, 3)) == 1.5
    assert known(T.drow("x").shape[0]) == 1
    for unknown in (T.dscalar("x"), T.dmatrix("x").shape[0], T.constant([1, 2])):
        with pytest.raises(T.basic.NotScalarConstantError):
            known(unknown)
    with pytest.raises(T.basic.NotScalarConstantError):
        known(T.constant(2) + 1, only_process_constants=True)


def test_patterns_of_shapes():
    x, v, row = T.dscalar("x"), T.dvector("v"), T.drow("row")
    assert T.reshape(x, (1, -1)).broadcastable == (True, False)
    assert T.reshape(v, T.lvector("s"), ndim=2).broadcastable == (False, False)
    assert row.reshape(row.shape).broadcastable == (True, False)
    assert T.stack([x]).broadcastable == (False,)
    assert T.eye(1).broadcastable == (False, False)
    assert T.roll(row, 1, axis=0).broadcastable == (False, False)
    assert T.diag(T.constant([1.0])).broadcastable == (False, False)


def test_covariances():
    x = T.dmatrix("x")
    a = np.arange(6.0).reshape(2, 3) ** 2
    np.testing.assert_allclose(T.cov(x).eval({x: a}), np.cov(a))
    np.testing.assert_allclose(T.cov(x, rowvar=False).eval({x: a}), np.cov(a, rowvar=False))
    np.testing.assert_allclose(T.cov(x, x, bias=True).eval({x: a}), np.cov(a, a, bias=True))
    with pytest.raises(NotImplementedError):
        T.cov(x, fweights=1)


def test_choices_from_rows_of_a_matrix():
    i, x = T.lvector("i"), T.dmatrix("x")
    a = np.arange(6.0).reshape(2, 3)
    for mode in ("raise", "wrap", "clip"):
        n = np.array([1, 0, 1]) if mode == "raise" else np.array([4, 3, -1])
        found = T.choose(i, x, mode=mode).eval({i: n, x: a})
        np.testing.assert_array_equal(found, np.choose(n, a, mode=mode))
    with pytest.raises(IndexError):
        T.choose(i, x).eval({i: [2, 0, 0], x: a})


def test_repetitions_are_checked():
    x = T.dmatrix("x")
    for reps, ndim in ((2.5, None), ((2, 2), 1), (T.constant([1, 2]), None), ((2, 2.0), None)):
        with pytest.raises(ValueError):
            T.tile(x, reps, ndim=ndim)
    tiled = T.tile(x, T.lvector("r"), ndim=2)
    assert tiled.ndim == 2


# -- arguments -----------------------------------------------------------------------------------


def test_arguments_that_hold_what_the_input_can_hold():
    cases = [
        (T.iscalar, np.int64(3), 3),
        (T.iscalar, 3.0, 3),
        (T.iscalar, np.float64(3.0), 3),
        (T.bscalar, np.int32(-3), -3),
        (T.fscalar, np.float64(0.5), 0.5),
        (T.fscalar, np.int64(7), 7.0),
        (T.ivector, [1.0, 2.0], [1, 2]),
        (T.ivector, np.array([1, 2], ">i4"), [1, 2]),
        (T.dvector, np.array([1, 2], "uint8"), [1.0, 2.0]),
    ]
    for kind, given, expected in cases:
        x = kind("x")
        found = theano.function([x], x)(given)
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found, expected)


def test_arguments_that_would_lose_something():
    cases = [
        (T.iscalar, 3.5),
        (T.iscalar, np.int64(2**40)),
        (T.iscalar, np.array(3)),
        (T.fscalar, np.float64(0.1)),
        (T.fvector, np.array([0.5])),
        (T.ivector, [1.5]),
        (T.dscalar, 1j),
    ]
    for kind, given in cases:
        x = kind("x")
        f = theano.function([x], x)
        with pytest.raises(TypeError):
            f(given)
    x = T.iscalar("x")
    assert theano.function([x], x, allow_input_downcast=True)(3.7) == 3


# -- stability -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["library", "by hand", "exponential"])
def test_cross_entropies_of_sigmoids_far_out(dtype, form):
    u, t = T.vector("u", dtype), T.vector("t", dtype)
    z = 1 / (1 + T.exp(-u)) if form == "exponential" else T.nnet.sigmoid(u)
    if form == "library":
        cost = T.nnet.binary_crossentropy(z, t)
    else:
        cost = -(t * T.log(z) + (1 - t) * T.log(1 - z))
    f = theano.function([u, t], [cost.sum(), T.grad(cost.sum(), u)])
    far = np.array([-2000, -800, -100, -20, -5, 0, 5, 20, 100, 800, 2000], dtype)
    targets = np.linspace(0, 1, 11).astype(dtype)
    value, slope = f(far, targets)
    sigmoid = 1 / (1 + np.exp(-np.clip(far.astype("float64"), -700, 700)))
    np.testing.assert_allclose(slope, sigmoid - targets, atol=1e-6)
    wanted = np.logaddexp(0, -far.astype("float64")) + (1 - targets) * far
    np.testing.assert_allclose(value, wanted.sum(), rtol=1e-6)


def test_sizes_that_have_to_be_equal_are_one_size():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = theano.function([x, y], T.tanh(x - y).sum())
    assert str(f.fn.explain()).count("kernel k") == 1
    for a, b in (((2, 3), (2, 4)), ((2, 3), (3, 3)), ((1, 3), (2, 3))):
        with pytest.raises(ValueError):
            f(np.zeros(a), np.zeros(b))


def test_batches_of_products_that_do_not_fit_yet():
    a, b = theano.shared(np.ones((2, 3, 4))), theano.shared(np.ones((2, 5, 4)))
    f = theano.function([], T.batched_dot(a, b))
    with pytest.raises(ValueError):
        f()
    b.set_value(np.ones((2, 4, 5)))
    assert f().shape == (2, 3, 5)

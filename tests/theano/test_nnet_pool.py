"""Pooling: all modes, windows that are computed, derivatives, ops by name."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.tensor.signal import pool
from agnesi.theano.tests import unittest_tools as utt

RNG = np.random.RandomState(0)
X = RNG.rand(2, 2, 7, 6)
x, g = T.dtensor4("x"), T.dtensor4("g")
MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")
CASES = [
    ((2, 3), True, None, (0, 0)),
    ((3, 2), False, (2, 1), (0, 0)),
    ((3, 3), True, (2, 2), (1, 2)),
    ((2, 2), False, (3, 3), (0, 0)),
]


def plain(array, ws, ignore_border, stride, pad, mode):
    """Take windows one by one."""
    stride = stride or ws
    shape = pool.Pool.out_shape(array.shape, ws, ignore_border, stride, pad)
    made = np.zeros(shape)
    inside = np.pad(np.ones(array.shape), ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    whole = np.pad(array, ((0, 0), (0, 0), (pad[0],) * 2, (pad[1],) * 2))
    for i, j in np.ndindex(*shape[2:]):
        key = (..., slice(i * stride[0], i * stride[0] + ws[0]),
               slice(j * stride[1], j * stride[1] + ws[1]))  # fmt: skip
        window, held = whole[key], inside[key]
        total = window.sum((2, 3))
        made[..., i, j] = {
            "max": np.where(held > 0, window, -np.inf).max((2, 3)),
            "sum": total,
            "average_inc_pad": total / held[0, 0].size,
            "average_exc_pad": total / held.sum((2, 3)),
        }[mode]
    return made


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
def test_pooling(case, mode):
    """Known windows, computed ones, gradients, their gradients, derivatives along directions."""
    ws, ignore_border, stride, pad = case
    made = pool.pool_2d(x, ws, ignore_border, stride, pad, mode)
    w, s, p = T.lvector(), T.lvector(), T.lvector()
    computed = pool.pool_2d(x, w, ignore_border, s, p, mode)
    outputs = []
    for y in (made, computed):
        slope = T.grad((y**2).sum(), x)
        outputs += [y, slope, T.grad((slope**2).sum(), x), T.Rop(y, x, T.cos(x))]
    found = theano.function([x, w, s, p], outputs)(X, ws, stride or ws, pad)
    np.testing.assert_allclose(found[0], plain(X, ws, ignore_border, stride, pad, mode))
    for one, other in zip(found[:4], found[4:], strict=True):
        np.testing.assert_allclose(one, other)
    utt.verify_grad(
        lambda a: pool.pool_2d(a, ws, ignore_border, stride, pad, mode), [X[:1, :1]], rng=RNG
    )


@pytest.mark.parametrize("mode", MODES)
def test_volumes(mode):
    """Three axes; also of an array that has no others."""
    v = T.dtensor3()
    made = theano.function([v], pool.pool_3d(v, (2, 2, 2), True, mode=mode))(X[0, :, :6])
    window = X[0, :, :6].reshape(1, 2, 3, 2, 3, 2).transpose(0, 2, 4, 1, 3, 5).reshape(1, 3, 3, 8)
    function = {"max": np.max, "sum": np.sum}.get(mode, np.mean)
    np.testing.assert_allclose(made, function(window, -1))


def test_ties():
    """A gradient goes to all of several maxima, as a derivative comes from all."""
    flat, top = np.zeros((1, 1, 2, 2)), np.full((1, 1, 1, 1), 3.0)
    pooled = pool.Pool(True)(x, (2, 2))
    outputs = [
        pool.MaxPoolGrad(True)(x, pooled, g, (2, 2)),
        pool.DownsampleFactorMaxGradGrad(True)(x, pooled, x + 1, (2, 2)),
        pool.MaxPoolRop(True)(x, x + 1, (2, 2)),
        pool.AveragePoolGrad(True, "sum")(x, g, (2, 2)),
    ]
    found = theano.function([x, g], outputs)(flat, top)
    np.testing.assert_array_equal(found[0], np.full_like(flat, 3.0))
    assert [v.item() for v in found[1:3]] == [4.0, 1.0]
    np.testing.assert_array_equal(found[3], found[0])
    same = theano.function([x], pool.max_pool_2d_same_size(x, (2, 3)))(X)
    assert np.count_nonzero(same) == 2 * 2 * 3 * 2 and same.max() == X[..., :6, :].max()


def test_shapes_and_names():
    """Shapes of numbers and of variables; settings of the op."""
    assert pool.Pool.out_shape((3, 2, 9, 10), (3, 4), False, (2, 3)) == [3, 2, 4, 3]
    n = T.lscalar()
    assert pool.Pool.out_shape((3, 2, n, 10), (2, 2), True)[2].eval({n: 9}) == 4
    op = pool.pool_2d(x, (2, 2), True, mode="max_deterministic").owner.op
    assert op == pool.Pool(True) and op.mode == "max" and op != pool.Pool(True, "sum")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: pool.pool_2d(x, (2, 2), False, pad=(1, 1)), NotImplementedError),
        (lambda: pool.pool_2d(x, (2, 2), True, pad=(2, 2)), NotImplementedError),
        (lambda: pool.pool_2d(x, (2, 2), True, mode="median"), ValueError),
        (lambda: pool.pool_2d(T.dvector(), (2, 2), True), NotImplementedError),
        (lambda: pool.pool_2d(x, None, True), ValueError),
        (lambda: pool.pool_2d(x, (2, 2), True, ds=(2, 2)), ValueError),
        (lambda: pool.pool_2d(x, (2.0, 2.0), True), TypeError),
    ],
)
def test_errors(call, error):
    """What cannot be raises, as in Theano."""
    with pytest.raises(error):
        call()


def test_warnings():
    """Old names, and a border about which nothing is said."""
    with pytest.warns(UserWarning, match="DEPRECATION"):
        pool.pool_2d(x, ds=(2, 2), ignore_border=True)
    with pytest.warns(UserWarning, match="ignore_border"):
        pool.pool_2d(x, (2, 2))

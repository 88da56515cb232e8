"""Soft maxima, cross-entropies, batch normalisation, patches, blocks and old convolutions."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.tensor import nnet
from agnesi.theano.tensor.nnet import blocksparse, bn, conv, ctc, neighbours
from agnesi.theano.tensor.signal import conv as signal_conv
from agnesi.theano.tests import unittest_tools as utt

RNG = np.random.RandomState(0)
X, Y, B = RNG.randn(4, 3), np.array([0, 2, 1, 1]), RNG.randn(3)
x, v, y, d4 = T.dmatrix("x"), T.dvector("v"), T.lvector("y"), T.dtensor4()


def softmax(z):
    """Each row's exponentials over their sum."""
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_activations():
    """Theano's values at chosen points, those of approximations too."""
    points = np.array([[-4.0, -2.5, -1.5, 0.0, 0.1, 1.5, 2.5, 4.0]])
    found = theano.function([x], [nnet.ultra_fast_sigmoid(x), nnet.hard_sigmoid(x)])(points)
    np.testing.assert_allclose(found[1], np.clip(0.2 * points + 0.5, 0, 1))
    np.testing.assert_allclose(found[0], 1 / (1 + np.exp(-points)), atol=0.02)
    grads = [T.grad(f(x).sum(), x) for f in (nnet.relu, nnet.elu, nnet.softsign)]
    assert [g.item() for g in theano.function([x], grads)([[0.0]])] == [0.5, 1.0, 1.0]


def test_soft_maxima():
    """Values, gradients, ops, and what warns."""
    weights = RNG.rand(4, 3)
    outputs = [
        nnet.softmax(x),
        nnet.logsoftmax(x),
        nnet.softmax_with_bias(x, v),
        nnet.softmax_grad(weights, nnet.softmax(x)),
        T.grad((nnet.softmax(x) * weights).sum(), x),
    ]
    found = theano.function([x, v], outputs)(X, B)
    expected = [softmax(X), np.log(softmax(X)), softmax(X + B)]
    for one, other in zip(found, expected, strict=False):
        np.testing.assert_allclose(one, other)
    np.testing.assert_allclose(found[3], found[4])
    assert isinstance(outputs[0].owner.op, nnet.Softmax)
    with pytest.warns(UserWarning, match="vector"):
        assert nnet.softmax(v).ndim == 2
    for bad in (T.dtensor3(), T.lmatrix()):
        with pytest.raises(ValueError):
            nnet.softmax(bad)


def test_cross_entropies():
    """Of classes and of distributions; with their gradients by ops."""
    nll, sm, am = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, v, y)
    top = T.dvector()
    outputs = [nll, sm, am, T.grad((nll * top).sum(), x)]
    outputs.append(nnet.crossentropy_softmax_1hot_with_bias_dx(top, sm, y))
    outputs.append(nnet.categorical_crossentropy(nnet.softmax(x + v), y))
    p = T.dmatrix()
    outputs += [
        T.grad((nnet.crossentropy_categorical_1hot(p, y) * top).sum(), p),
        nnet.crossentropy_categorical_1hot_grad(top, p, y),
    ]
    found = theano.function([x, v, y, top, p], outputs)(X, B, Y, RNG.rand(4), RNG.rand(4, 3))
    expected = softmax(X + B)
    np.testing.assert_allclose(found[0], -np.log(expected[np.arange(4), Y]))
    np.testing.assert_allclose(found[1], expected)
    np.testing.assert_array_equal(found[2], expected.argmax(1))
    np.testing.assert_allclose(found[3], found[4])
    np.testing.assert_allclose(found[5], found[0])
    np.testing.assert_allclose(found[6], found[7])
    largest = nnet.crossentropy_softmax_max_and_argmax_1hot(x, y)[2]
    np.testing.assert_allclose(theano.function([x], largest, givens={y: Y})(X), softmax(X).max(1))
    for bad in (-1, 3):
        with pytest.raises(IndexError, match="classes"):
            theano.function([x, v, y], nll)(X, B, [0, 1, 2, bad])
    with pytest.raises(TypeError):
        nnet.crossentropy_categorical_1hot(v, y)
    with pytest.raises(ValueError):
        nnet.crossentropy_softmax_argmax_1hot_with_bias(x, v, v)


def test_binary_cross_entropy_of_large_numbers():
    """Sound, with the sigmoid's gradient also at 0."""
    z, t = T.dvector(), T.dvector()
    cost = nnet.sigmoid_binary_crossentropy(z, t)
    f = theano.function([z, t], [cost, T.grad(cost.sum(), z)])
    value, slope = f([1000.0, -1000.0, 0.0], [1.0, 1.0, 0.25])
    np.testing.assert_allclose(value, [0.0, 1000.0, np.log(2)])
    np.testing.assert_allclose(slope, [0.0, -1.0, 0.25])


def test_columns_in_front_and_confusion():
    """Prepended columns; how often which class was taken for which."""
    outputs = [nnet.prepend_0_to_each_row(x), nnet.prepend_1_to_each_row(x)]
    outputs.append(nnet.prepend_scalar_to_each_row(v[0], x))
    for number, found in zip((0, 1, B[0]), theano.function([x, v], outputs)(X, B), strict=True):
        np.testing.assert_allclose(found, np.c_[np.full(4, number), X])
    with pytest.raises(TypeError):
        nnet.prepend_0_to_each_row(v)
    a, p = T.lvector(), T.lvector()
    matrix, order = theano.function([a, p], nnet.confusion_matrix(a, p))([0, 2, 2], [0, 2, 4])
    np.testing.assert_array_equal(matrix, [[1, 0, 0], [0, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(order, [0, 2, 4])


@pytest.mark.parametrize("axes", ["per-activation", "spatial", (1,), (0, 1, 2, 3)])
@pytest.mark.parametrize("whole", [True, False])
def test_batch_normalisation(axes, whole):
    """All forms of axes and parameters; running averages; gradients."""
    given = RNG.randn(5, 3, 4, 2)
    over = {"per-activation": (0,), "spatial": (0, 2, 3)}.get(axes, axes)
    own = [n for k, n in enumerate(given.shape) if k not in over]
    shape = [1 if k in over else n for k, n in enumerate(given.shape)] if whole else own
    kind = T.TensorType("float64", (False,) * len(shape))
    parameters = [kind() for _ in range(4)]
    values = [np.asarray(RNG.rand(*shape) + 1) for _ in parameters]
    g, b, m, s = parameters
    results = bn.batch_normalization_train(d4, g, b, axes, 1e-3, 0.2, m, s)
    test = bn.batch_normalization_test(d4, g, b, m, s, axes, 1e-3)
    f = theano.function([d4, *parameters], [*results, test])
    out, mean, invstd, new_mean, new_var, tested = f(given, *values)
    kept = [1 if k in over else n for k, n in enumerate(given.shape)]
    wide = [p.reshape(kept) for p in values]
    mu, var = given.mean(over, keepdims=True), given.var(over, keepdims=True)
    np.testing.assert_allclose(out, (given - mu) / np.sqrt(var + 1e-3) * wide[0] + wide[1])
    np.testing.assert_allclose(mean, mu.reshape(shape))
    np.testing.assert_allclose(invstd, (1 / np.sqrt(var + 1e-3)).reshape(shape))
    np.testing.assert_allclose(new_mean, (0.8 * wide[2] + 0.2 * mu).reshape(shape))
    count = given.size / var.size
    np.testing.assert_allclose(
        new_var, (0.8 * wide[3] + 0.2 * var * count / (count - 1)).reshape(shape)
    )
    normal = (given - wide[2]) / np.sqrt(wide[3] + 1e-3)
    np.testing.assert_allclose(tested, normal * wide[0] + wide[1])
    utt.verify_grad(
        lambda a, p, q: bn.batch_normalization_train(a, p, q, axes)[0],
        [given, *values[:2]],
        rng=RNG,
    )


def test_batch_normalisation_errors():
    """What cannot be raises."""
    for bad in (
        lambda: bn.batch_normalization_train(d4, v, v, "everywhere"),
        lambda: bn.batch_normalization_train(d4, v, v, "per-activation"),
        lambda: bn.batch_normalization_train(d4, v, v, "spatial", 1e-7),
        lambda: bn.batch_normalization_train(d4, v, v, "spatial", running_mean=v),
        lambda: bn.batch_normalization_test(d4, v, v, x, x, "spatial"),
    ):
        with pytest.raises(ValueError):
            bad()


def test_patches():
    """Modes by hand; back again; gradients."""
    images = np.arange(24.0).reshape(1, 1, 4, 6)
    rows = theano.function([d4], neighbours.images2neibs(d4, (2, 3)))(images)
    np.testing.assert_array_equal(rows[1], [3, 4, 5, 9, 10, 11])
    back = theano.function([x], neighbours.neibs2images(x, (2, 3), images.shape))(rows)
    np.testing.assert_array_equal(back, images)
    centred = theano.function([d4], neighbours.images2neibs(d4, (3, 3), (1, 1), "wrap_centered"))
    np.testing.assert_array_equal(centred(images)[0], [23, 18, 19, 5, 0, 1, 11, 6, 7])
    half = theano.function([d4], neighbours.images2neibs(d4, (3, 3), (1, 1), "half"))(images)
    np.testing.assert_array_equal(half[0], [0, 0, 0, 0, 0, 1, 0, 6, 7])
    for mode in ("valid", "ignore_borders", "half", "full"):
        op = neighbours.Images2Neibs(mode)
        utt.verify_grad(lambda a, op=op: op(a, (3, 3), (1, 1)), [images], rng=RNG)
    with pytest.raises(TypeError):
        theano.function([d4], neighbours.images2neibs(d4, (3, 4)))(images)
    with pytest.raises(NotImplementedError):
        neighbours.neibs2images(x, (2, 2), (1, 1, 4, 4), "half")


def test_blocks():
    """Products of chosen blocks are those of the blocks."""
    W, h, b = RNG.rand(5, 6, 2, 3), RNG.rand(2, 3, 2), RNG.rand(6, 3)
    i, o = RNG.randint(0, 5, (2, 3)), RNG.randint(0, 6, (2, 4))
    tw, th, tb, ti, to = T.dtensor4(), T.dtensor3(), T.dmatrix(), T.lmatrix(), T.lmatrix()
    made = blocksparse.sparse_block_dot(tw, th, ti, tb, to)
    found = theano.function([tw, th, ti, tb, to], made)(W, h, i, b, o)
    expected = b[o] + np.einsum("bis,bijst->bjt", h, W[i[:, :, None], o[:, None]])
    np.testing.assert_allclose(found, expected)
    utt.verify_grad(
        lambda a, c, e: blocksparse.sparse_block_dot(a, c, T.constant(i), e, T.constant(o)),
        [W, h, b],
        rng=RNG,
    )
    with pytest.raises(TypeError):
        blocksparse.sparse_block_gemv(x, tw, th, ti, to)


def test_two_level_soft_maximum():
    """Probabilities of targets are those among the probabilities of all."""
    shapes = ((3, 4), (4,), (4, 3, 3), (4, 3))
    given = [theano.shared(RNG.rand(*s)) for s in shapes]
    every = nnet.h_softmax(x, 4, 10, 4, 3, *given)
    own = nnet.h_softmax(x, 4, 10, 4, 3, *given, y)
    a, b = theano.function([x, y], [every, own])(X, [0, 9, 4, 5])
    np.testing.assert_allclose(b, a[np.arange(4), [0, 9, 4, 5]])


def test_ctc():
    """Loss and gradient, checked operands."""
    a, labels, n = T.ftensor3(), T.imatrix(), T.ivector()
    cost = ctc.ctc(a, labels, n)
    op = cost.owner.op
    assert isinstance(op, ctc.ConnectionistTemporalClassification) and cost.owner.nout == 2
    f = theano.function([a, labels, n], [cost, cost.owner.outputs[1], T.grad(cost.sum(), a)])
    found = f(np.zeros((2, 1, 3), "f"), np.array([[1, -1]], "i"), np.array([2], "i"))
    np.testing.assert_allclose(found[0], [-np.log(3 / 9)], rtol=1e-6)
    np.testing.assert_allclose(found[1], found[2])
    with pytest.raises(TypeError):
        ctc.ctc(T.dtensor3(), labels, n)
    with pytest.raises(ValueError):
        ctc.ctc(T.fmatrix(), labels, n)


def test_old_convolutions():
    """ConvOp with zeros between elements; images without channels."""
    w = T.dtensor4()
    images, filters = RNG.rand(2, 3, 7, 6), RNG.rand(4, 3, 3, 2)
    with pytest.warns(UserWarning, match="deprecated"):
        old = conv.conv2d(d4, w, (2, 3, 7, 6), (4, 3, 3, 2), "full", (2, 1))
    new = nnet.conv2d(d4, w, border_mode="full", subsample=(2, 1))
    wide = conv.ConvOp((3, 7, 6), (3, 2), 4, 2, 1, 1, kshp_logical=(6, 4))(d4, w)
    apart = nnet.conv2d(d4, w, filter_dilation=(2, 2))
    found = theano.function([d4, w], [old, new, wide, apart])(images, filters)
    np.testing.assert_allclose(found[0], found[1])
    # The last zeros of the filter reach beyond its last element.
    np.testing.assert_allclose(found[2], found[3][:, :, 1:, 1:])
    m, t = T.dmatrix(), T.dtensor3()
    made = theano.function([m, t], signal_conv.conv2d(m, t))(images[0, 0], filters[0])
    np.testing.assert_allclose(made, nnet.conv2d(images[:1, :1], filters[0][:, None]).eval()[0])
    with pytest.raises(NotImplementedError):
        conv.ConvOp()(d4, T.ftensor4())

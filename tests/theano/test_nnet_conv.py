"""Convolutions: Theano's conventions against a plain sum in NumPy, gradients, shapes, errors."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.tensor import nnet
from agnesi.theano.tensor.nnet import abstract_conv, conv3d2d, corr, corr3d
from agnesi.theano.tests import unittest_tools as utt

RNG = np.random.RandomState(0)
X = RNG.rand(2, 4, 6, 7)
x, w, t, v5 = T.dtensor4("x"), T.dtensor4("w"), T.dtensor4("t"), T.dtensor5("v")
w6 = T.TensorType("float64", (False,) * 6)("w6")


def plain(images, filters, pads, steps, dilation, groups, flip):
    """Sum up; filters of one place, or of each place."""
    images = np.pad(images, ((0, 0), (0, 0), *pads))
    taps = filters.shape[-2:]
    reach = [(k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True)]
    sizes = [(n - r) // s + 1 for n, r, s in zip(images.shape[2:], reach, steps, strict=True)]
    made = np.zeros((len(images), len(filters), *sizes))
    if flip:
        filters = filters[..., ::-1, ::-1]
    channels, per = filters.shape[-3], len(filters) // groups
    for f, i, j in np.ndindex(len(filters), *sizes):
        rows = slice(i * steps[0], i * steps[0] + reach[0], dilation[0])
        columns = slice(j * steps[1], j * steps[1] + reach[1], dilation[1])
        part = slice(f // per * channels, (f // per + 1) * channels)
        own = filters[f, i, j] if filters.ndim == 6 else filters[f]
        made[:, f, i, j] = (images[:, part, rows, columns] * own).sum((1, 2, 3))
    return made


CASES = [
    ("valid", (1, 1), (1, 1), 1, True),
    ("full", (2, 1), (1, 1), 2, False),
    ("half", (1, 2), (1, 1), 1, True),
    (1, (1, 1), (2, 1), 4, False),
    (((1, 2), (0, 1)), (2, 2), (1, 2), 2, True),
]


@pytest.mark.parametrize("unshared", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_conv2d_and_its_gradients(case, unshared):
    """Values are sums; the ops of gradients are the gradients, and have gradients."""
    border, steps, dilation, groups, flip = case
    reach = [2 * dilation[0] + 1, dilation[1] + 1]
    given = (border,) * 2 if isinstance(border, int) else border
    pads = abstract_conv.border_mode_to_pad(given, 2, reach)
    filters = RNG.rand(8, 4 // groups, 3, 2)
    expected = plain(X, filters, pads, steps, dilation, groups, flip)
    if unshared:
        filters = RNG.rand(8, *expected.shape[2:], 4 // groups, 3, 2)
        expected = plain(X, filters, pads, steps, dilation, groups, flip)
    named = {
        "border_mode": border,
        "subsample": steps,
        "filter_dilation": dilation,
        "num_groups": groups,
        "filter_flip": flip,
        "unshared": unshared,
    }
    k = w6 if unshared else w
    made = nnet.conv2d(x, k, **named)
    first = (None,) * (4 if unshared else 2)
    ops = [
        abstract_conv.conv2d_grad_wrt_inputs(t, k, (None, None, *X.shape[2:]), **named),
        abstract_conv.conv2d_grad_wrt_weights(x, t, (*first, 3, 2), **named),
    ]
    grads = T.grad((made * t).sum(), [x, k])
    second = T.grad((ops[0] ** 2).sum() + (ops[1] ** 2).sum(), [x, k, t])
    top = RNG.rand(*expected.shape)
    f = theano.function([x, k, t], [made, *ops, *grads, *second])
    found = f(X, filters, top)
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_allclose(found[1], found[3])
    np.testing.assert_allclose(found[2], found[4])
    assert [v.shape for v in found[5:]] == [X.shape, filters.shape, top.shape]


def test_hints_of_sizes():
    """Sizes that a program gives are checked, but how many examples there are."""
    made = nnet.conv2d(x, w, (7, 4, 6, 7), (8, 4, 3, 2))
    assert theano.function([x, w], made)(X, RNG.rand(8, 4, 3, 2)).shape == (2, 8, 4, 6)
    with pytest.raises(ValueError):
        theano.function([x, w], made)(X, RNG.rand(8, 4, 2, 2))


def test_conv3d():
    """Against sums over the third axis."""
    v, k = T.dtensor5(), T.dtensor5()
    volumes, filters = RNG.rand(1, 2, 3, 5, 4), RNG.rand(2, 2, 2, 3, 2)
    made = nnet.conv3d(v, k, border_mode=(0, 1, 0), filter_flip=False)
    expected = sum(
        plain(volumes[:, :, d : d + 2].reshape(1, -1, 5, 4), filters.reshape(2, 4, 3, 2),
              ((1, 1), (0, 0)), (1, 1), (1, 1), 1, False)[:, :, None]
        * np.eye(2)[d][None, None, :, None, None]
        for d in range(2)
    )  # fmt: skip
    np.testing.assert_allclose(theano.function([v, k], made)(volumes, filters), expected)
    utt.verify_grad(lambda a, b: nnet.conv3d(a, b, border_mode="half"), [volumes, filters], rng=RNG)


def test_separable_and_causal():
    """A convolution of each channel, one that mixes them; one that sees no later element."""
    depthwise, pointwise = RNG.rand(8, 1, 2, 2), RNG.rand(3, 8, 1, 1)
    made = theano.function([x], nnet.separable_conv2d(x, depthwise, pointwise, 4))(X)
    inner = plain(X, depthwise, ((0, 0), (0, 0)), (1, 1), (1, 1), 4, True)
    np.testing.assert_allclose(made, np.einsum("nchw,fc->nfhw", inner, pointwise[..., 0, 0]))
    v = T.dtensor5()
    space = abstract_conv.separable_conv3d(v, depthwise[..., None], pointwise[..., None], 4)
    np.testing.assert_allclose(theano.function([v], space)(X[..., None])[..., 0], made)
    c = T.dtensor3()
    sequences, filters = RNG.rand(2, 4, 9), RNG.rand(3, 4, 2)
    causal = abstract_conv.causal_conv1d(c, filters, (3, 4, 2), filter_dilation=2)
    expected = plain(
        sequences[..., None], filters[..., None], ((2, 0), (0, 0)), (1, 1), (2, 1), 1, True
    )
    np.testing.assert_allclose(theano.function([c], causal)(sequences), expected[..., 0])


def test_correlation_ops():
    """Ops by name: filters are not flipped, sizes are told where they can be."""
    filters = RNG.rand(8, 2, 3, 2)
    op = corr.CorrMM((1, 0), num_groups=2)
    expected = plain(X, filters, ((1, 1), (0, 0)), (1, 1), (1, 1), 2, False)
    top = RNG.rand(*expected.shape)
    by_weights = corr.CorrMM_gradWeights((1, 0), num_groups=2)(x, t)
    by_inputs = corr.CorrMM_gradInputs((1, 0), num_groups=2)(w, t)
    grads = T.grad((op(x, w) * t).sum(), [w, x])
    found = theano.function([x, w, t], [op(x, w), by_weights, by_inputs, *grads])(X, filters, top)
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_allclose(found[1], found[3])
    np.testing.assert_allclose(found[2], found[4])
    with pytest.raises(ValueError):
        corr.CorrMM_gradWeights("half")(x, t)
    with pytest.raises(TypeError):
        corr3d.Corr3dMM()(x, w)
    assert op == corr.CorrMM((1, 0), num_groups=2) != corr.CorrMM()


def test_op_classes():
    """What was applied is seen, with its settings."""
    made = nnet.conv2d(x, w, border_mode=(0, 0), subsample=(2, 1))
    op = made.owner.op
    assert isinstance(op, abstract_conv.AbstractConv2d)
    assert (op.border_mode, op.subsample, op.imshp) == ("valid", (2, 1), (None,) * 4)
    assert op == abstract_conv.AbstractConv2d(subsample=(2, 1))


def test_shapes():
    """What is known of shapes; None for what is not."""
    a = abstract_conv
    assert a.get_conv_output_shape((3, 2, 12, 9), (4, 2, 5, 6), "half", (1, 2)) == (3, 4, 12, 5)
    assert a.get_conv_output_shape((3, 2, None, 9), (4, 2, 5, 6), (1, 2), (1, 1))[2:] == (None, 8)
    found = a.get_conv_gradweights_shape(
        (3, 4, 12, 9), (3, 4, 8, 4), "valid", (1, 1), None, 2, True
    )
    assert found == (2, 8, 4, 4, 5, 6)
    assert a.get_conv_gradinputs_shape((4, 2, 5, 6), (3, 4, 8, 4), "full", (2, 1)) == (
        3,
        2,
        None,
        -1,
    )
    assert a.assert_conv_shape((0, 1, 2, 3)) == (0, 1, 2, 3)
    for bad in ((0, -1, 2, 3), (0, 1, 0, 3)):
        with pytest.raises(ValueError):
            a.assert_conv_shape(bad)


@pytest.mark.parametrize("one_axis", [True, False])
def test_upsampling(one_axis):
    """Linear interpolation with borders repeated; the values of Theano 1.0.5."""
    made = abstract_conv.bilinear_upsampling(x, 2, use_1D_kernel=one_axis)
    ramp = np.arange(4.0).reshape(1, 1, 1, 4)
    found = theano.function([x], made)(ramp)
    row = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    np.testing.assert_allclose(found, np.broadcast_to(row, (1, 1, 2, 8)))
    part = abstract_conv.bilinear_upsampling(x, frac_ratio=(1, 2), use_1D_kernel=False)
    assert theano.function([x], part)(X).shape == (2, 4, 3, 4)
    with pytest.raises(ValueError):
        abstract_conv.bilinear_upsampling(x, frac_ratio=(1, 2))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: nnet.conv2d(x, w, border_mode="same"), ValueError),
        (lambda: nnet.conv2d(x, w, border_mode=-1), ValueError),
        (lambda: nnet.conv2d(x, w6), TypeError),
        (lambda: nnet.conv2d(x, w, unshared=True), TypeError),
        (lambda: nnet.conv2d(x, w, num_groups=0), ValueError),
        (lambda: nnet.conv2d(x, w, subsample=(1,)), ValueError),
        (lambda: nnet.conv2d(x, w, (None, T.lscalar(), 1, 1)), ValueError),
        (lambda: nnet.conv2d(x, w, imshp_logical=1), ValueError),
        (lambda: nnet.conv3d(v5, v5, border_mode=((1, 2), 0, 0)), NotImplementedError),
        (
            lambda: conv3d2d.conv3d(v5, v5, border_mode=("valid", "full", "half")),
            NotImplementedError,
        ),
    ],
)
def test_errors(call, error):
    """What cannot be raises, as in Theano."""
    with pytest.raises(error):
        call()


def test_old_keywords_warn():
    """They are ignored, and say so."""
    with pytest.warns(UserWarning, match="image_shape"):
        nnet.conv2d(x, w, image_shape=(2, 4, 6, 7))
    with pytest.warns(UserWarning, match="unroll_batch"):
        nnet.conv2d(x, w, unroll_batch=3)


def test_films():
    """The old path of three dimensions: time before channels; and stripes along diagonals."""
    k = T.dtensor5()
    films, filters = RNG.rand(1, 4, 2, 5, 5), RNG.rand(3, 2, 2, 3, 3)
    old = conv3d2d.conv3d(v5, k, border_mode=("valid", "full", "full"))
    new = nnet.conv3d(
        v5.dimshuffle(0, 2, 1, 3, 4), k.dimshuffle(0, 2, 1, 3, 4), border_mode=(0, 2, 2)
    )
    found = theano.function([v5, k], [old, new.dimshuffle(0, 2, 1, 3, 4)])(films, filters)
    np.testing.assert_allclose(*found)
    u = np.arange(24.0).reshape(6, 4)
    m = T.dmatrix()
    stripe = theano.function([m], conv3d2d.diagonal_subtensor(m, 0, 1))(u)
    np.testing.assert_array_equal(stripe, conv3d2d.get_diagonal_subtensor_view(u, 0, 1))
    utt.verify_grad(lambda a: conv3d2d.diagonal_subtensor(a, 0, 1), [u], rng=RNG)
    more = theano.function([m], conv3d2d.inc_diagonal_subtensor(m, 0, 1, stripe))(0 * u)
    np.testing.assert_array_equal(conv3d2d.get_diagonal_subtensor_view(more, 0, 1), stripe)

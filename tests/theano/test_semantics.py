"""Semantics that programs rely on: dtypes, broadcasting, shapes, shared variables, graphs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.configparser import change_flags
from agnesi.theano.gof.fg import MissingInputError


@pytest.mark.parametrize(
    ("made", "dtype"),
    [
        (lambda: T.constant(1), "int8"),
        (lambda: T.constant(300), "int16"),
        (lambda: T.constant(1.5), "float32"),
        (lambda: T.constant(0.1), "float64"),
        (lambda: T.ivector() / T.ivector(), "float64"),
        (lambda: T.ivector() * T.fvector(), "float64"),
        (lambda: T.bvector() * T.fvector(), "float32"),
        (lambda: T.fvector() * 2, "float32"),
        (lambda: T.fvector() + 0.5, "float32"),
        (lambda: T.gt(T.fvector(), 0), "bool"),
        (lambda: T.mean(T.neq(T.ivector(), 0)), "float64"),
        (lambda: T.switch(T.gt(T.fvector(), 0), 1, 0), "int8"),
        (lambda: T.fvector() * (T.fvector() > 0), "float32"),
        (lambda: T.sum(T.bvector()), "int64"),
        (lambda: T.sum(T.fvector()), "float32"),
        (lambda: T.mean(T.lvector()), "float64"),
        (lambda: T.argmax(T.fvector()), "int64"),
        (lambda: T.exp(T.bvector()), "float32"),
        (lambda: T.exp(T.ivector()), "float64"),
        (lambda: T.ivector() // 2, "int32"),
        (lambda: T.arange(3), "int64"),
        (lambda: T.zeros((2, 3)), "float64"),
        (lambda: T.fvector() ** 2, "float32"),
        (lambda: T.fmatrix().shape, "int64"),
    ],
)
def test_dtypes(made, dtype):
    assert made().dtype == dtype


def test_float_x():
    with change_flags(floatX="float32"):
        assert T.matrix().dtype == "float32"
        assert (T.matrix() * 0.1).dtype == "float32"
        assert (T.ivector() / 2).dtype == "float32"
        assert theano.shared(1.5).dtype == "float64"
    assert theano.config.floatX == "float64"
    with pytest.raises(ValueError, match="floatX"):
        theano.config.floatX = "float31"


def test_broadcast_patterns():
    row, matrix = T.row("r"), T.matrix("m")
    f = theano.function([row, matrix], row + matrix)
    assert f(np.ones((1, 3)), np.ones((2, 3))).shape == (2, 3)
    a, b = T.matrices("a", "b")
    g = theano.function([a, b], a + b)
    with pytest.raises((ValueError, TypeError)):
        g(np.ones((1, 3)), np.ones((2, 3)))
    h = theano.function([a, b], T.addbroadcast(a, 0) + b)
    assert h(np.ones((1, 3)), np.ones((2, 3))).shape == (2, 3)
    with pytest.raises(ValueError, match="drop"):
        a.dimshuffle(0)
    assert a.dimshuffle("x", 1, 0).broadcastable == (True, False, False)
    with pytest.raises((TypeError, ValueError)):
        f(np.ones((2, 3)), np.ones((2, 3)))


def test_truth_length_and_iteration():
    x, v = T.matrix(), T.vector()
    with pytest.raises(TypeError):
        bool(x > 0)
    with pytest.raises(TypeError):
        len(x)
    with pytest.raises(TypeError):
        iter(x)
    with pytest.raises(ValueError, match="length not known"):
        iter(v)
    assert len(list(T.stack([v[0], v[1]]))) == 2
    assert (x == T.matrix()) is False and (x == x) is True
    with pytest.raises(TypeError, match="True or False"):
        T.as_tensor_variable(x == v)


def test_shapes_are_symbolic_and_reshape_takes_them():
    x = T.tensor3("x")
    y = x.reshape((x.shape[0] * x.shape[1], x.shape[2]))
    z = y.flatten(2).dimshuffle(1, 0)
    f = theano.function([x], [y, z, x.shape, T.prod(x.shape), x.size])
    got = f(np.arange(24.0).reshape(2, 3, 4))
    assert [np.shape(g) for g in got[:2]] == [(6, 4), (4, 6)]
    assert got[2].tolist() == [2, 3, 4] and got[3] == got[4] == 24
    shape = T.lvector("shape")
    with pytest.raises(ValueError, match="ndim"):
        x.reshape(shape)
    g = theano.function([x, shape], x.reshape(shape, ndim=2))
    assert g(np.zeros((2, 3, 4)), [8, 3]).shape == (8, 3)


def test_indexing_and_setting_parts():
    x, i = T.matrix("x"), T.iscalar("i")
    rows = T.ivector("rows")
    value = np.arange(12.0).reshape(3, 4)
    f = theano.function(
        [x, i, rows],
        [x[i], x[:, -1], x[::2, None], x[rows], x[rows, rows], x[i:, 1:3], x[..., 0]],
    )
    got = f(value, 1, [0, 2])
    for a, b in zip(
        got,
        [
            value[1],
            value[:, -1],
            value[::2, None],
            value[[0, 2]],
            value[[0, 2], [0, 2]],
            value[1:, 1:3],
            value[..., 0],
        ],
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    g = theano.function(
        [x, i, rows],
        [
            T.set_subtensor(x[i], 0),
            T.inc_subtensor(x[rows], 1),
            T.set_subtensor(x[:, i], x[:, i] * 2),
            T.inc_subtensor(x[i:, 0], 5),
        ],
    )
    a, b, c, d = g(value, 1, [2, 2])
    assert (a[1] == 0).all() and (b[2] == value[2] + 2).all()
    assert (c[:, 1] == value[:, 1] * 2).all() and (d[1:, 0] == value[1:, 0] + 5).all()
    masked = theano.function([x], T.set_subtensor(x[(x > 5).nonzero()], 0))
    assert masked(value).max() == 5
    with pytest.raises(TypeError, match="subtensor"):
        T.set_subtensor(x, 0)


def test_shared_variables():
    assert theano.shared(5).dtype == "int64" and theano.shared(1.5).dtype == "float64"
    listed = theano.shared([1, 2])
    assert not isinstance(listed.type, T.TensorType) and listed.get_value() == [1, 2]
    assert theano.shared(np.float32).get_value() is np.float32
    w = theano.shared(np.ones((1, 3), "float32"), name="w", borrow=True)
    assert w.broadcastable == (False, False) and str(w) == "w"
    assert theano.shared(np.ones((1, 3)), broadcastable=(True, False)).broadcastable == (
        True,
        False,
    )
    with pytest.raises(TypeError):
        w.set_value(np.ones(3, "float32"))
    value = w.get_value()
    value[:] = 7
    assert (w.get_value() == 1).all()
    with pytest.raises(TypeError):
        theano.shared(T.matrix())
    again = pickle.loads(pickle.dumps(w))
    again.set_value(np.zeros((1, 3), "float32"))
    assert (w.get_value() == 1).all()


def test_a_shared_variable_may_change_its_shape():
    s = theano.shared(np.ones((3, 2)))
    total = theano.function([], [s.sum(axis=0), s.shape[0]])
    grow = theano.function([], [], updates=[(s, T.concatenate([s, s]))])
    assert total()[1] == 3
    s.set_value(np.ones((5, 2)))
    assert total()[0].tolist() == [5, 5]
    grow()
    assert s.get_value().shape == (10, 2)
    assert total()[1] == 10


def test_inputs_that_are_computed_unused_twice_or_missing():
    x = T.dvector("x")
    h = x * 2
    f = theano.function([h], h + 1)
    assert f([1.0]).tolist() == [2]
    y = T.dvector("y")
    with pytest.raises(theano.compile.UnusedInputError):
        theano.function([x, y], x)
    assert theano.function([x, y], x, on_unused_input="ignore")([1.0], [2.0]) == [1]
    with pytest.raises(theano.compile.UnusedInputError, match="twice"):
        theano.function([x, x], x)
    with pytest.raises(MissingInputError):
        theano.function([], x)
    with pytest.raises(TypeError, match="update target"):
        theano.function([x], x, updates=[(x, x)])


def test_arguments():
    x = T.fvector("x")
    f = theano.function([x], x * 2)
    assert f([1.5]).dtype == np.float32
    with pytest.raises(TypeError):
        f(np.ones(2))
    g = theano.function([x], x * 2, allow_input_downcast=True)
    assert g(np.ones(2)).dtype == np.float32
    s = T.fscalar()
    # A number that loses precision goes into float32 only where that is floatX.
    assert theano.function([s], s)(0.5) == np.float32(0.5)
    with pytest.raises(TypeError):
        theano.function([s], s)(0.1)
    assert theano.function([x], {"b": x, "a": x * 2})([1.0])["a"] == 2
    assert theano.function([], [])() == []
    assert theano.function([x], None, on_unused_input="ignore")([1.0]) == []


def test_graphs_are_walked_and_cloned():
    x, w = T.matrix("x"), theano.shared(np.ones((2, 2)), name="w")
    h = T.tanh(T.dot(x, w))
    h.name = "h"
    h.tag.role = "hidden"
    cost = (h**2).sum()
    assert set(theano.gof.graph.inputs([cost])) >= {x, w}
    assert h in theano.gof.graph.ancestors([cost])
    assert h.owner.inputs[0].owner.inputs[0] is x
    assert h.owner.op == T.tanh
    z = T.matrix("z")
    copy = theano.clone(cost, replace={x: z + 1})
    inner = [v for v in theano.gof.graph.ancestors([copy]) if v.name == "h"]
    assert len(inner) == 1 and inner[0].tag.role == "hidden" and inner[0] is not h
    assert theano.function([z], copy)(np.zeros((1, 2))) == theano.function([x], cost)(
        np.ones((1, 2))
    )
    assert theano.function([x], cost, givens={h: x * 0})(np.ones((1, 2))) == 0
    # A gradient is a graph too.
    g = T.grad(cost, w)
    assert x in theano.gof.graph.inputs([g])
    swapped = theano.clone(g, replace=[(x, z)])
    np.testing.assert_allclose(
        theano.function([z], swapped)(np.ones((3, 2))), theano.function([x], g)(np.ones((3, 2)))
    )
    assert theano.gof.graph.is_same_graph(x * 2, x * 2)
    order = theano.gof.graph.io_toposort([x], [cost])
    assert order[-1] is cost.owner


def test_functions_are_looked_at():
    x = T.vector("x")
    f = theano.function([x], T.exp(x), name="f")
    assert [str(n.op) for n in f.maker.fgraph.toposort()] == ["Elemwise{exp,no_inplace}"]
    assert f.maker.inputs[0].variable is x and f.name == "f"


def test_gradients_that_programs_change():
    x = T.dvector("x")
    f = lambda y: theano.function([x], T.grad(y.sum(), x, disconnected_inputs="ignore"))([2.0, 3.0])  # noqa: E731
    g = theano.gradient
    assert f(x * g.consider_constant(x)).tolist() == [2, 3]
    assert f(g.grad_clip(x, -1, 1) * 5).tolist() == [1, 1]
    assert f(g.grad_scale(x, -2)).tolist() == [-2, -2]
    assert f(g.disconnected_grad(x)).tolist() == [0, 0]
    assert T.grad((x**2).sum(), [x], consider_constant=[x], disconnected_inputs="ignore")[0].eval(
        {x: [1.0, 2.0]}
    ).tolist() == [2, 4]
    y = x**2
    known = T.grad(None, x, known_grads={y: T.ones_like(y) * 3})
    assert known.eval({x: [1.0, 2.0]}).tolist() == [6, 12]


def test_soft_maxima_and_cross_entropies():
    x, y = T.matrix("x"), T.ivector("y")
    with pytest.raises(ValueError, match="1-d or 2-d"):
        T.nnet.softmax(T.tensor3())
    p = T.nnet.softmax(x)
    f = theano.function(
        [x, y],
        [
            p,
            T.nnet.categorical_crossentropy(p, y),
            -T.log(p)[T.arange(y.shape[0]), y],
            T.nnet.binary_crossentropy(T.nnet.sigmoid(x), 1),
            T.nnet.relu(x, 0.1),
        ],
    )
    value = np.array([[1.0, 2, -800], [0, 1000, 3]])
    got = f(value, [1, 0])
    np.testing.assert_allclose(got[0].sum(1), 1)
    np.testing.assert_allclose(got[1], got[2])
    assert got[1][1] == 1000
    assert np.isfinite(got[3]).all()
    np.testing.assert_allclose(got[4], np.where(value > 0, value, 0.1 * value))


@pytest.mark.filterwarnings("ignore:theano.tensor.nnet.conv.conv2d is deprecated")
def test_convolution_pooling_and_old_names():
    from agnesi.theano.tensor.nnet.conv import conv2d as old
    from agnesi.theano.tensor.signal import downsample, pool

    rng = np.random.RandomState(0)
    images, filters = rng.randn(2, 3, 9, 8), rng.randn(4, 3, 3, 2)
    x, w = T.tensor4("x"), T.tensor4("w")
    from scipy.signal import convolve

    made = T.nnet.conv2d(x, w)
    f = theano.function(
        [x, w],
        [
            made,
            old(x, w),
            T.nnet.conv2d(x, w, border_mode="half", subsample=(2, 2)),
            downsample.max_pool_2d(x, (2, 3)),
            pool.pool_2d(x, (2, 2), ignore_border=True, mode="average_exc_pad"),
        ],
    )
    out, same, half, pooled, averaged = f(images, filters)
    expected = np.array(
        [[sum(convolve(i[c], k[c], "valid") for c in range(3)) for k in filters] for i in images]
    )
    np.testing.assert_allclose(out, expected)
    np.testing.assert_allclose(same, expected)
    assert half.shape == T.nnet.abstract_conv.get_conv_output_shape(
        images.shape, filters.shape, "half", (2, 2)
    )
    assert pooled.shape == (2, 3, 5, 3) and averaged.shape == (2, 3, 4, 4)
    assert pool.Pool.out_shape((9, 8), (2, 3), ignore_border=False) == [5, 3]
    top = rng.randn(*expected.shape)
    t = T.tensor4()
    grads = theano.function(
        [x, w, t],
        [
            *T.grad((made * t).sum(), [x, w]),
            T.nnet.conv2d_grad_wrt_inputs(t, w, (2, 3, 9, 8)),
            T.nnet.abstract_conv.conv2d_grad_wrt_weights(x, t, (4, 3, 3, 2)),
        ],
    )
    by_x, by_w, direct_x, direct_w = grads(images, filters, top)
    np.testing.assert_allclose(by_x, direct_x)
    np.testing.assert_allclose(by_w, direct_w)


def test_settings(monkeypatch):
    assert theano.config.device.startswith("cpu")
    theano.config.something_unknown = 3
    assert theano.config.something_unknown == 3
    assert theano.config.blas.ldflags == ""
    assert theano.config.warn.round is False


def test_modules_below_are_found_without_imports():
    assert theano.sandbox.rng_mrg.MRG_RandomStreams is not None
    assert theano.tensor.nnet.neighbours.images2neibs is not None
    assert not hasattr(theano, "no_such_module")


def test_batch_normalisation_has_the_axes_of_its_parameters():
    x, gamma, beta = T.matrix("x"), T.vector("gamma"), T.vector("beta")
    mean, var = theano.shared(np.zeros(3)), theano.shared(np.ones(3))
    out, m, invstd, new_mean, new_var = T.nnet.bn.batch_normalization_train(
        x, gamma, beta, running_mean=mean, running_var=var
    )
    assert [v.ndim for v in (m, invstd, new_mean, new_var)] == [1, 1, 1, 1]
    f = theano.function([x, gamma, beta], [out, m], updates=[(mean, new_mean), (var, new_var)])
    value = np.random.RandomState(0).randn(50, 3)
    got, _ = f(value, np.ones(3), np.zeros(3))
    np.testing.assert_allclose(got.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(mean.get_value(), 0.1 * value.mean(0))
    np.testing.assert_allclose(var.get_value(), 0.9 + 0.1 * value.var(0, ddof=1))


def test_letters_and_lists_name_several_variables():
    assert [v.name for v in T.matrices("pt")] == ["p", "t"]
    assert [v.name for v in T.vectors(["a", "bc"])] == ["a", "bc"]
    assert T.scalars("x").name == "x" and len(T.scalars(3)) == 3

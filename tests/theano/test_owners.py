"""What ``owner`` shows: Theano's ops, also of what gradients have made."""

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.gof.graph import Apply, io_toposort


def again(outputs):
    """Return outputs built anew, op by op, of the same given variables."""
    became = {}
    for node in io_toposort([], outputs):
        assert isinstance(node, Apply)
        made = node.op.make_node(*(became.get(v, v) for v in node.inputs))
        for old, new in zip(node.outputs, made.outputs, strict=True):
            assert new.type.ndim == old.type.ndim, (node, old.type, new.type)
            assert new.type.dtype == old.type.dtype, (node, old.type, new.type)
            became[old] = new
    return [became.get(v, v) for v in outputs]


x, y = T.dmatrices("x", "y")
v, f = T.dvector("v"), T.fmatrix("f")
i, k = T.lvector("i"), T.iscalar("k")
X = np.arange(12.0).reshape(3, 4) / 7 + 0.1
Y = np.cos(np.arange(12.0)).reshape(3, 4) + 1.5
VALUES = {
    x: X,
    y: Y,
    v: np.array([0.5, 1.5, -2.0, 0.25]),
    f: X.astype("float32"),
    i: np.array([2, 0, 2]),
    k: np.int32(1),
}
EXPRESSIONS = {
    "affine": lambda: T.tanh(T.dot(x, y.T) + v[:3]),
    "softmax": lambda: T.nnet.softmax(x * v),
    "picked": lambda: -T.mean(T.log(T.nnet.softmax(x))[T.arange(3), i]),
    "rows": lambda: x[i] * 2 + y[i],
    "columns": lambda: x[:, i] * y[:, i],
    "parts": lambda: x[1:, ::2] + y[:2, 1::2],
    "reversed": lambda: x[::-1] * y[:, ::-1],
    "element": lambda: x[k, 2] * y[0],
    "written": lambda: T.set_subtensor(x[1:], y[:2] * 2) ** 2,
    "added": lambda: T.inc_subtensor(x[i], y) * y,
    "masked": lambda: T.switch(x > 0.5, x, y) + T.maximum(x, y) - T.minimum(x, 1.0),
    "moments": lambda: (x - x.mean(axis=0)) / T.sqrt(x.var(axis=0) + 1e-3),
    "norms": lambda: x.norm(2, axis=1) + abs(y).sum(axis=1),
    "extremes": lambda: x.max(axis=1) * y.min(axis=1) + T.argmax(x, axis=1),
    "joined": lambda: T.concatenate([x, y], axis=1)[:, 2:6],
    "stacked": lambda: T.stack([x, y])[0] * T.stack([x.sum(), y.prod()])[1],
    "reshaped": lambda: x.reshape((2, 6)).flatten() * y.flatten(),
    "moved": lambda: x.dimshuffle(1, "x", 0) * y.dimshuffle(1, "x", 0),
    "filled": lambda: T.zeros_like(x) + T.ones((3, 4)) * y + T.alloc(v, 3, 4),
    "powers": lambda: x**y + T.sqr(x) / y + x**3,
    "special": lambda: (
        T.erf(x) + T.gammaln(y) + T.log1p(x) + T.nnet.softplus(y) + T.nnet.relu(y - 1)
    ),
    "rounded": lambda: T.round(x * 3) + T.floor(y) + T.cast(x, "int32"),
    "floats": lambda: (f * 2).sum(axis=0) + T.cast(x, "float32")[0],
    "batched": lambda: T.batched_dot(x.dimshuffle(0, 1, "x"), y.dimshuffle(0, "x", 1)),
    "counted": lambda: x / x.shape[0] + T.cast(x.shape[1] * 2 - 1, "float64"),
    "held": lambda: theano.gradient.grad_clip(x, -0.1, 0.1) * theano.gradient.disconnected_grad(y),
    "diagonal": lambda: T.diag(T.dot(x, y.T)) + T.diag(v).sum(),
    "running": lambda: T.cumsum(x, axis=1) + T.sort(y, axis=0),
    "powers of a matrix": lambda: theano.scan(
        lambda s, a: T.tanh(T.dot(s, a)), outputs_info=x, non_sequences=T.dot(y.T, y), n_steps=3
    )[0][-1],
    "repeated": lambda: T.tile(x, (2, 1))[1:4] + T.repeat(y, 2, axis=0)[:3],
}


def given_values(outputs):
    leaves = theano.gof.graph.inputs(outputs)
    given = [n for n in VALUES if n in leaves]
    return given, [VALUES[n] for n in given]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_ops_applied_again_give_the_same(name):
    made = EXPRESSIONS[name]()
    cost = T.sum(T.cast(made, "float64") ** 2)
    floats = [n for n in (x, y, v, f) if n in theano.gof.graph.ancestors([cost])]
    outputs = [made, *T.grad(cost, floats, disconnected_inputs="ignore")]
    given, values = given_values(outputs)
    expected = theano.function(given, outputs, on_unused_input="ignore")(*values)
    found = theano.function(given, again(outputs), on_unused_input="ignore")(*values)
    for a, b in zip(expected, found, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-9 if a.dtype == np.float64 else 1e-5, atol=1e-12)


def test_graphs_of_functions_mention_variables_whose_sizes_alone_are_read():
    s = theano.shared(np.ones((2, 3)))
    f = theano.function([], s[[0, 0]].shape[1] * 2)
    assert f() == 6
    names = [str(n.op) for n in f.maker.fgraph.toposort()]
    assert names[0] == "AdvancedSubtensor1" and names[-1] == "Elemwise{mul,no_inplace}"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: T.dot(x, y), "dot"),
        (lambda: x.sum(axis=[0, 1], dtype="float32"), "Sum{axis=[0, 1], acc_dtype=float64}"),
        (lambda: x.dimshuffle(1, "x", 0), "InplaceDimShuffle{1,x,0}"),
        (lambda: x[1:, k], "Subtensor{int64::, int32}"),
        (lambda: T.set_subtensor(x[k], 0), "IncSubtensor{Set;int32}"),
        (lambda: x[i], "AdvancedSubtensor1"),
        (lambda: T.inc_subtensor(x[i], 0), "AdvancedIncSubtensor1{no_inplace,inc}"),
        (lambda: x[i, i], "AdvancedSubtensor"),
        (lambda: x[x > 0], "AdvancedBooleanSubtensor"),
        (lambda: x.reshape((4, 3)), "Reshape{2}"),
        (lambda: T.join(0, x, y), "Join"),
        (lambda: T.split(x, [1, 2], 2)[0], "Split{2}"),
        (lambda: T.stack([k, k]), "MakeVector{dtype='int32'}"),
        (lambda: T.eye(3), "Eye{dtype='float64'}"),
        (lambda: T.arange(k), "ARange{dtype='int64'}"),
        (lambda: T.alloc(v, 3, 4), "Alloc"),
        (lambda: x.max(axis=1), "MaxAndArgmax{axis=(1,)}"),
        (lambda: T.any(x), "Any"),
        (lambda: T.addbroadcast(x, 1), "Rebroadcast{?,1}"),
        (lambda: T.diag(x), "ExtractDiag{offset=0, axis1=0, axis2=1, view=False}"),
        (lambda: T.cast(x, "int8"), "Elemwise{Cast{int8}}"),
        (lambda: T.nnet.sigmoid(x), "sigmoid"),
        (lambda: x.shape, "Shape"),
        (lambda: theano.gradient.disconnected_grad(x), "DisconnectedGrad"),
    ],
)
def test_names_of_ops(make, text):
    assert str(make().owner.op) == text


def test_ops_are_built_and_applied_as_in_theano():
    ops = T.basic
    made = {
        "join": ops.Join()(1, x, y),
        "reshape": ops.Reshape(1)(x, [-1]),
        "sum": T.elemwise.Sum(axis=0)(x),
        "all": T.elemwise.All()(x > -1),
        "shuffle": T.elemwise.DimShuffle((False, False), (1, 0))(x),
        "rebroadcast": T.Rebroadcast((1, False))(x),
        "split": ops.Split(2)(v, 0, [1, 3])[1],
        "subtensor": T.Subtensor([slice(theano.scalar.int64, None, None)])(v, k.astype("int64")),
        "take": T.AdvancedSubtensor1()(x, i),
        "flat": ops.ExtractDiag(1)(x),
        "diag": ops.AllocDiag(-1)(v),
        "choose": ops.Choose("wrap")(i, [i, i * 2]),
        "eye": ops.Eye("int8")(2, 3, 1),
        "permuted": ops.PermuteRowElements()(v, [2, 0, 1, 3], 0),
        "shape": theano.compile.ops.Shape_i(1)(x),
        "specified": theano.compile.ops.SpecifyShape()(x, (3, 4)),
    }
    found = theano.function([x, y, v, i, k], list(made.values()))(X, Y, *map(VALUES.get, (v, i, k)))
    V, I = VALUES[v], VALUES[i]
    expected = [
        np.concatenate([X, Y], 1), X.ravel(), X.sum(0), True, X.T, X, V[1:], V[1:], X[I],
        np.diagonal(X, 1), np.diag(V, -1), np.choose(I, [I, I * 2], mode="wrap"),
        np.eye(2, 3, 1, "int8"), V[[2, 0, 1, 3]], 4, X,
    ]  # fmt: skip
    for name, a, b in zip(made, found, expected, strict=True):
        np.testing.assert_array_equal(a, b, name)
        assert a.dtype == np.asarray(b).dtype


def test_gradients_repeat_where_their_variables_do():
    for a in (T.dvector("a"), T.drow("a"), T.dcol("a"), T.dmatrix("a")):
        for b in (T.dcol("b"), T.dmatrix("b")):
            g = T.grad(T.dot(a, b).sum(), [a, b])
            assert [v.broadcastable for v in g] == [a.broadcastable, b.broadcastable]


def test_splits_and_places_that_are_refused():
    with pytest.raises(ValueError, match="negative"):
        T.split(v, [5, -1], 2)
    with pytest.raises(ValueError, match="non-scalar"):
        T.flatnonzero(T.dscalar())
    with pytest.raises(ValueError, match="len 2"):
        T.tensordot(x, y, (0, 1, 2))

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

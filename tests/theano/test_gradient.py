"""Gradients: what is connected, integers, ops that say what they do not have, overrides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.graph.graph import toposort
from agnesi.theano.gof.null_type import NullType


def test_what_is_connected_without_a_slope_has_a_gradient_of_0():
    x = T.dvector("x")
    for cost in (T.gt(x, 0).sum() * 1.0, T.cast(x, "int32").sum() * 2.0, T.argmax(x) * 1.0):
        assert T.grad(cost, x).eval({x: [1.0, -2.0]}).tolist() == [0, 0]


@pytest.mark.parametrize(
    "cost",
    [
        lambda x: x.shape[0] * 1.0,
        lambda x: T.arange(5.0)[T.cast(x[0], "int64")],
        lambda x: theano.gradient.disconnected_grad(x).sum(),
    ],
)
def test_sizes_and_places_are_not_connected(cost):
    x = T.dvector("x")
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(cost(x), x)


def test_integers_count_as_real_numbers():
    n, w = T.imatrix("n"), T.dmatrix("w")
    cost = T.nnet.sigmoid(T.dot(n, w)).sum()
    m = T.dmatrix("m")
    same = T.nnet.sigmoid(T.dot(m, w)).sum()
    f = theano.function([n, w], T.grad(cost, n))
    g = theano.function([m, w], T.grad(same, m))
    a, b = np.array([[1, -2], [0, 3]]), np.array([[0.1, 0.2], [0.3, -0.4]])
    assert np.allclose(f(a.astype("int32"), b), g(a.astype(float), b))
    k = T.iscalar("k")
    assert T.grad(k, k).eval({k: 12}) == 1
    # What gives integers of integers has no slope, in Theano.
    assert T.grad(k * k + 3 * k, k).eval({k: 4}) == 0
    assert T.grad(T.cast(k, "float64") ** 2 + k * k, k).eval({k: 4}) == 8


class Half(theano.Op):
    """Of two results, only the first depends on the operand."""

    __props__ = ()

    def make_node(self, x):
        return theano.Apply(self, [x], [x.type(), T.dscalar()])

    def connection_pattern(self, node):
        return [[True, False]]

    def grad(self, inputs, output_grads):
        return [inputs[0].zeros_like() + 0.5]


class Undefined(theano.Op):
    """Has no gradient by its second operand."""

    __props__ = ()

    def make_node(self, f, g):
        return theano.Apply(self, [f, g], [T.dscalar()])

    def grad(self, inputs, output_grads):
        return [inputs[0].zeros_like() + 2, NullType("on purpose")()]


def test_connection_patterns_keep_what_is_undefined_away():
    x = T.dvector()
    f, g = Half()(x)
    cost = Undefined()(f, g)
    assert T.grad(cost, x).eval({x: [1.0, 2.0]}).tolist() == [0.5, 0.5]
    with pytest.raises(theano.gradient.NullTypeGradError, match="on purpose"):
        T.grad(cost, g)
    assert isinstance(T.grad(cost, g, null_gradients="return").type, NullType)


def test_ops_applied_by_make_node():
    x = T.dvector()
    y = Half().make_node(x).outputs[0]
    assert T.grad(y.sum(), x).eval({x: [1.0]}).tolist() == [0.5]


def test_gradients_of_graphs_that_programs_override():
    x, w, b = T.dvectors("x", "w", "b")
    g = theano.gradient

    def first(inputs, grads):
        return grads[0] * inputs[1] * 2

    op = theano.OpFromGraph([x, w, b], [x * w + b], grad_overrides=[first, "default", NullType()()])
    cost = op(x, w, b).sum()
    dx, dw, db = T.grad(cost, [x, w, b], null_gradients="return")
    assert isinstance(db.type, NullType)
    f = theano.function([x, w], [dx, dw])
    assert [v.tolist() for v in f([1.0, 2.0], [3.0, 4.0])] == [[6, 8], [1, 2]]
    held = theano.OpFromGraph([x, w], [x * w], grad_overrides=[first, g.disconnected_type()])
    with pytest.raises(g.DisconnectedInputError):
        T.grad(held(x, w).sum(), w)
    y, dy = T.dvectors("y", "dy")
    slope = theano.OpFromGraph([x, y, dy], [2 * y * (1 - y) * dy])
    sigmoid = theano.OpFromGraph([x], [1 / (1 + T.exp(-x))], lop_overrides=slope)
    assert T.grad(sigmoid(x).sum(), x).eval({x: [0.0]}).tolist() == [0.5]
    u, v = T.dvectors("u", "v")
    forward = theano.OpFromGraph(
        [x, w], [x * w], rop_overrides=lambda i, e: [e[0] * i[1] * 2 + i[0] * e[1] * 3]
    )
    change = theano.function([x, w, u, v], T.Rop(forward(x, w), [x, w], [u, v]))
    assert change([1.0], [2.0], [5.0], [7.0]).tolist() == [41]
    assert op.connection_pattern(None) == [[True], [True], [True]]


def test_an_op_that_returns_none_for_a_gradient_is_told_so():
    class Nothing(theano.Op):
        __props__ = ()

        def make_node(self, x):
            return theano.Apply(self, [x], [x.type()])

        def grad(self, inputs, output_grads):
            return [None]

    x = T.dscalar()
    with pytest.raises(TypeError, match="returned None"):
        T.grad(Nothing()(x), x)


def test_many_gradients_take_few_walks(monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []

    def counted(*args: Any) -> Any:
        nodes = toposort(*args)
        seen.append(len(nodes))
        return nodes

    monkeypatch.setattr(theano.gradient, "toposort", counted)
    y, weights = T.dvector("x"), [theano.shared(np.ones(3)) for _ in range(50)]
    for w in weights:
        y = T.tanh(y * w)
    slopes = T.grad(y.sum(), weights)
    assert sum(seen) <= 2 * len(toposort([g.tensor for g in slopes]))


def test_gradients_of_an_op_with_two_results():
    class Both(theano.Op):
        __props__ = ()

        def make_node(self, x):
            return theano.Apply(self, [x], [x.type(), x.type()])

        def perform(self, node, inputs, outputs):
            outputs[0][0], outputs[1][0] = inputs[0] * 2, inputs[0] * 3

        def grad(self, inputs, output_grads):
            return [2 * output_grads[0] + 3 * output_grads[1]]

    x = T.dvector()
    a, b = Both()(x)
    assert T.grad((a + b * b).sum(), x).eval({x: [1.0, 2.0]}).tolist() == [20, 38]

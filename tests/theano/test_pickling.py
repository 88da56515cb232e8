"""Graphs and functions in files: every kind of op comes back and computes the same."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.shared_randomstreams import RandomStreams

x = T.dmatrix("x")
EXPRESSIONS = [
    T.tanh(x) * 2,
    x.reshape((3, 2)),
    T.dot(x, theano.shared(np.ones((3, 2)), "w")).sum(axis=1),
    T.nnet.softmax(x),
    x[0:2, ::-1],
    T.alloc(0.0, x.shape[0]),
    theano.scan(lambda row: row.sum(), sequences=x)[0],
    T.grad((x**2).sum(), x),
    T.concatenate([x, x]),
    T.nnet.conv2d(x.dimshuffle("x", "x", 0, 1), T.ones((1, 1, 1, 1))),
    T.switch(x > 0, x, 0),
    T.set_subtensor(x[0], 0),
    theano.ifelse.ifelse(x[0, 0] > 0, x, x * 2),
    RandomStreams(1).normal((2,)),
]


@pytest.mark.parametrize("made", EXPRESSIONS, ids=str)
def test_functions_and_graphs_come_back(made):
    f = theano.function([x], made, on_unused_input="ignore")
    given = np.eye(3)[:2]
    again = pickle.loads(pickle.dumps(f))
    assert np.allclose(f(given), again(given))
    own, back = pickle.loads(pickle.dumps([x, made]))
    g = theano.function([own], back, on_unused_input="ignore")
    if not isinstance(made.owner.op, theano.tensor.raw_random.RandomFunction):
        assert np.allclose(g(given), f(given))
    node = back.owner
    applied = node.op.make_node(*node.inputs).outputs[made.index]
    h = theano.function([own], applied, on_unused_input="ignore")
    assert h(given).shape == f(given).shape


def test_ops_of_other_settings_are_others():
    def op(power):
        return FunctionOp("Power", lambda t: t**power)

    assert op(2) == op(2)
    assert op(2) != op(3)


def test_shared_variables_of_expressions_come_back_as_theirs():
    w = theano.shared(np.eye(3), "w")
    own, again, back = pickle.loads(pickle.dumps([x, w, T.dot(x, w)]))
    f = theano.function([own], back, updates=[(again, again * 2)])
    given = np.ones((2, 3))
    assert f.get_shared() == [again]
    assert np.allclose(f(given), 1) and np.allclose(f(given), 2)
    again.set_value(np.zeros((3, 5)))
    assert np.array_equal(f(given), np.zeros((2, 5)))
    assert np.array_equal(w.get_value(), np.eye(3))
    assert len(f.maker.fgraph.inputs) == 2


def test_what_comes_out_of_files_is_other_variables_with_sizes_of_their_own():
    w = theano.shared(np.ones((2, 3)), "w")
    one, two = (pickle.loads(pickle.dumps(w)) for _ in range(2))
    two.set_value(np.ones((4, 5)))
    f = theano.function([], [w.sum(), one.sum(), two.sum(), one.shape, two.shape])
    assert [v.tolist() for v in f()] == [6, 6, 20, [2, 3], [4, 5]]
    assert theano.function([], two.shape)().tolist() == [4, 5]
    y = T.dmatrix("y")
    first, second = (pickle.loads(pickle.dumps(y)) for _ in range(2))
    g = theano.function([y, first, second], [y.sum(), first.sum(), second.shape])
    found = g(np.ones((1, 2)), np.ones((3, 4)), np.ones((5, 6)))
    assert [v.tolist() for v in found] == [2, 12, [5, 6]]

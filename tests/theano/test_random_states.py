"""States of NumPy's generator as inputs and results, sizes that are checked, what is borrowed."""

from __future__ import annotations

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.tensor import raw_random
from agnesi.theano.tensor.shared_randomstreams import RandomStreams


def test_states_as_inputs_and_results():
    state = raw_random.random_state_type()
    after, numbers = raw_random.uniform(state, (2, 3))
    draw = theano.function([state], [after, numbers])
    own, numpys = np.random.RandomState(7), np.random.RandomState(7)
    for _ in range(2):
        own, drawn = draw(own)
        assert isinstance(own, np.random.RandomState)
        assert drawn.tolist() == numpys.uniform(size=(2, 3)).tolist()


def test_a_size_of_another_length_is_an_error():
    size = T.lvector()
    f = theano.function([size], RandomStreams(3).uniform(size=size, ndim=2))
    assert f([2, 3]).shape == (2, 3)
    for wrong in ([4], [4, 3, 4, 5]):
        with pytest.raises(ValueError):
            f(wrong)
    g = theano.function([size], T.zeros(6).reshape(size, ndim=2))
    with pytest.raises(ValueError):
        g([1, 2, 3])


def test_a_size_may_come_from_a_parameter():
    pvals = T.dtensor3()
    drawn = RandomStreams(3).multinomial(n=9, pvals=pvals, size=(1, -1))
    assert drawn.broadcastable == (True, False, False)
    f = theano.function([pvals], drawn)
    found = f([[[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]])
    assert found.shape == (1, 3, 2) and (found.sum(axis=2) == 9).all()


def test_the_borrowed_state_is_one_object():
    stream = RandomStreams(234)
    f = theano.function([], stream.uniform((2,)))
    state = stream.state_updates[0][0]
    lent = state.get_value(borrow=True)
    f()
    assert state.get_value(borrow=True) is lent
    assert state.container.storage[0] is lent
    lent.seed(89234)
    state.set_value(lent, borrow=True)
    assert f().tolist() == np.random.RandomState(89234).uniform(size=2).tolist()
    assert state.get_value() is not lent


@pytest.mark.parametrize("draw", ["binomial", "normal", "uniform"])
def test_draws_have_no_gradient(draw):
    x = T.dvector("x")
    named = {"binomial": {"p": x}, "normal": {"avg": x}, "uniform": {"low": x, "high": 9.0}}[draw]
    cost = getattr(RandomStreams(1), draw)(size=(2,), **named).sum() * 1.0
    with pytest.raises(theano.gradient.NullTypeGradError):
        T.grad(cost, x)
    assert T.grad(theano.gradient.disconnected_grad(cost) + x.sum(), x).eval({x: [1.0]}) == 1

"""What scan does with the forms that programs give it.

Theano 1.0.5 documents them; where it stops at its own rules (a number of Python as first state
of floats), agnesi goes on.
"""

from __future__ import annotations

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.gof.fg import MissingInputError
from agnesi.theano.scan_module import until
from agnesi.theano.tensor.shared_randomstreams import RandomStreams


def test_what_is_given_as_it_is_is_drawn_once():
    x = T.dmatrix("x")
    drawn = RandomStreams(123).binomial(size=x.shape, p=x)
    inside, updates = theano.scan(lambda a: a, non_sequences=drawn, n_steps=2)
    f = theano.function([x], [drawn, inside], updates=updates)
    given = np.full((3, 3), 0.5)
    first, second = f(given), f(given)
    for outer, rows in (first, second):
        assert (rows[0] == outer).all() and (rows[1] == outer).all()
    assert (first[0] != second[0]).any()


def test_numbers_begin_what_becomes_floats():
    seq = T.dvector("seq")
    sums, _ = theano.scan(lambda row, prev: prev + row, sequences=seq, outputs_info=0)
    assert sums.dtype == "float64"
    assert theano.function([seq], sums)([1.5, 2.0, 3.0]).tolist() == [1.5, 3.5, 6.5]


@pytest.mark.parametrize("info", [[], None, [None]])
def test_no_information_about_outputs(info):
    f = theano.function([], theano.scan(lambda: T.constant(2.0), [], info, [], n_steps=3)[0])
    assert f().tolist() == [2, 2, 2]


def test_outputs_have_the_shape_of_the_first_step():
    a, b = T.lscalar("a"), T.lscalar("b")

    def step(x, y):
        return x + 1, y - 1, T.zeros((x + y,))

    made, _ = theano.scan(step, outputs_info=[a, b, None], n_steps=4)
    f = theano.function([a, b], made[2])
    assert f(2, 3).shape == (4, 5)
    grows, _ = theano.scan(lambda x: (x + 1, T.zeros((x,))), outputs_info=[a, None], n_steps=4)
    with pytest.raises(ValueError):
        theano.function([a], grows[1])(2)


def test_truncated_gradients_of_loops_that_end_by_themselves():
    x, end = T.dvector("x"), T.dscalar("end")
    squares, _ = theano.scan(
        lambda v, e: (v * v, until(v > e)), sequences=x, non_sequences=end, truncate_gradient=3
    )
    f = theano.function([x, end], [squares, T.grad(squares.sum(), x)])
    values, gradient = f(np.arange(15.0), 5.0)
    assert values.tolist() == [0, 1, 4, 9, 16, 25, 36]
    assert gradient.tolist() == [0, 0, 0, 0, 8, 10, 12] + [0] * 8


def test_what_a_loop_does_not_hand_on_is_not_connected():
    x0, y0, z0 = T.dvectors("x0", "y0", "z0")
    (x, y, _z), _ = theano.scan(
        lambda x, y, z: (x**2, y, x + 1), outputs_info=[x0, y0, z0], n_steps=3
    )
    cost = (x + y).sum()
    assert T.grad(cost, y0).eval({x0: [1.0], y0: [2.0], z0: [3.0]}).tolist() == [3]
    with pytest.raises(theano.gradient.DisconnectedInputError):
        T.grad(x.sum(), y0)


def test_draws_inside_have_no_gradient():
    p = T.dvector("p")
    stream = RandomStreams(5)
    made, _ = theano.scan(
        lambda p: stream.binomial(size=(2,), p=p) * 1.0, non_sequences=p, n_steps=2
    )
    with pytest.raises(theano.gradient.NullTypeGradError):
        T.grad(made.sum(), p)
    held, _ = theano.scan(
        lambda p: p * theano.gradient.disconnected_grad(stream.binomial(size=(2,), p=p)),
        non_sequences=p,
        n_steps=2,
    )
    T.grad(held.sum(), p)


@pytest.mark.parametrize("taps", [[0], [-1, -1]])
def test_taps_that_cannot_be(taps):
    x, y = T.dvectors("x", "y")
    with pytest.raises(ValueError, match="tap"):
        theano.scan(lambda x, y: [x], x, {"initial": y, "taps": taps})


def test_strict_steps_use_what_they_are_given():
    w, x0 = theano.shared(np.eye(2)), T.dvector("x0")
    with pytest.raises(MissingInputError):
        theano.scan(lambda x: T.dot(x, w), outputs_info=x0, n_steps=2, strict=True)


def test_test_values_inside():
    with theano.configparser.change_flags(compute_test_value="raise"):
        a, k = T.dvector("a"), T.iscalar("k")
        a.tag.test_value, k.tag.test_value = np.arange(3.0), 3
        powers, _ = theano.scan(
            lambda prior, a: prior * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k
        )
        assert powers[-1].tag.test_value.tolist() == [0, 1, 8]
        with pytest.raises(ValueError):
            theano.scan(
                lambda prior, a: T.dot(prior, a),
                outputs_info=T.ones((2, 2)),
                non_sequences=a,
                n_steps=k,
            )


def test_copies_share_nothing_that_is_given_if_asked():
    x, y, new = T.dvectors("x", "y", "new")
    z = theano.shared(0.25)
    made = theano.clone(z * (x + y) ** 2, replace=[(y, new)], share_inputs=False)
    found = theano.gof.graph.inputs([made])
    assert not any(v in found for v in (x, y, new, z))

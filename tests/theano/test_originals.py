"""Small programs in the shape of what researchers' own Theano programs do."""

from __future__ import annotations

import numpy as np

import agnesi.theano.tensor as T
from agnesi import theano


def test_an_op_from_a_graph_may_begin_at_values_in_its_middle_and_stand_in_a_scan():
    # Gated autoencoders: the ops' inputs are cuts of the layer's own input.
    whole = T.dmatrix("whole")
    left, right = whole[:, :2], whole[:, 2:]
    w = theano.shared(np.array([[1.0, 2.0], [3.0, 4.0]]), name="w")
    joined = theano.OpFromGraph([left, right], [T.dot(left * right, w)])
    frames = T.dtensor3("frames")
    out, _ = theano.scan(
        lambda frame, before: joined(frame, before),
        sequences=frames,
        outputs_info=T.ones_like(frames[0]),
    )
    value = np.arange(12.0).reshape(3, 2, 2) / 10
    slope = T.grad(out[-1].sum(), w)
    got, found = theano.function([frames], [out, slope])(value)

    def run(matrix):
        state = np.ones((2, 2))
        states = []
        for frame in value:
            state = (frame * state) @ matrix
            states.append(state)
        return np.array(states)

    np.testing.assert_allclose(got, run(w.get_value()))
    step = 1e-6
    for at in np.ndindex(2, 2):
        off = np.zeros((2, 2))
        off[at] = step
        numeric = (run(w.get_value() + off)[-1] - run(w.get_value() - off)[-1]).sum() / (2 * step)
        np.testing.assert_allclose(found[at], numeric, rtol=1e-6)


def test_a_sample_in_the_middle_of_a_model_is_an_input_of_its_decoder():
    # Variational autoencoders: function([z], reconstruction) of the z that was drawn.
    x = T.dmatrix("x")
    z = x * 2 + T.shared_randomstreams.RandomStreams(seed=42).normal(x.shape)
    decode = theano.function([z], T.exp(z).sum(axis=1))
    np.testing.assert_allclose(decode(np.zeros((3, 2))), [2.0, 2.0, 2.0])

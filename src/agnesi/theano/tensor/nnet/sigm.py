"""Sigmoids, under the path that old programs import."""

from agnesi.theano.tensor.elementary import sigmoid as sigmoid
from agnesi.theano.tensor.elementary import softplus as softplus
from agnesi.theano.tensor.elementary import ultra_fast_sigmoid as ultra_fast_sigmoid
from agnesi.theano.tensor.nnet.basic import hard_sigmoid as hard_sigmoid
from agnesi.theano.tensor.nnet.basic import sigmoid_inplace as sigmoid_inplace


class ScalarSigmoid:
    """The op of the sigmoid of a number."""

"""Sigmoids, under the path that old programs import."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.scalar.basic import scalar_sigmoid as scalar_sigmoid
from agnesi.theano.scalar.basic import scalar_softplus as scalar_softplus
from agnesi.theano.scalar.basic import ultra_fast_scalar_sigmoid as ultra_fast_scalar_sigmoid
from agnesi.theano.tensor.elementary import sigmoid as sigmoid
from agnesi.theano.tensor.elementary import softplus as softplus
from agnesi.theano.tensor.elementary import ultra_fast_sigmoid as ultra_fast_sigmoid
from agnesi.theano.tensor.nnet.basic import hard_sigmoid as hard_sigmoid
from agnesi.theano.tensor.nnet.basic import sigmoid_inplace as sigmoid_inplace

# The classes of the functions of one element.
ScalarSigmoid: Any = type(scalar_sigmoid)
ScalarSoftplus: Any = type(scalar_softplus)
UltraFastScalarSigmoid: Any = type(ultra_fast_scalar_sigmoid)
ultra_fast_sigmoid_inplace = ultra_fast_sigmoid


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

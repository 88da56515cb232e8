"""Neural networks."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.tensor.nnet import abstract_conv as abstract_conv
from agnesi.theano.tensor.nnet import bn as bn
from agnesi.theano.tensor.nnet import nnet as nnet
from agnesi.theano.tensor.nnet.abstract_conv import conv2d_grad_wrt_inputs as conv2d_grad_wrt_inputs
from agnesi.theano.tensor.nnet.abstract_conv import (
    conv2d_grad_wrt_weights as conv2d_grad_wrt_weights,
)
from agnesi.theano.tensor.nnet.abstract_conv import conv3d as conv3d
from agnesi.theano.tensor.nnet.abstract_conv import separable_conv2d as separable_conv2d
from agnesi.theano.tensor.nnet.basic import *
from agnesi.theano.tensor.nnet.bn import batch_normalization as batch_normalization
from agnesi.theano.tensor.nnet.conv import ConvOp as ConvOp
from agnesi.theano.tensor.nnet.interface import conv2d as conv2d
from agnesi.theano.tensor.nnet.interface import conv2d_transpose as conv2d_transpose

abstract_conv2d = abstract_conv.conv2d


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

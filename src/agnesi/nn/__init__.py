"""Functions of networks, written with public functions and ops as any user could.

Weights are plain tuples of tensors and layers are functions of them: there is nothing to register
and nothing that is hidden.  Recurrent networks start at :mod:`agnesi.nn.cells`, one step each;
:mod:`agnesi.nn.layers` runs them over sequences.  Convolutions are in :mod:`agnesi.nn.convolution`.
"""

from agnesi.nn.cells import (
    GruWeights,
    LstmState,
    LstmWeights,
    RnnWeights,
    gru_cell,
    gru_weights,
    irnn_weights,
    lstm_cell,
    lstm_weights,
    rnn_cell,
    rnn_weights,
)
from agnesi.nn.convolution import (
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_output_shape,
    depthwise_conv2d,
    separable_conv2d,
)
from agnesi.nn.initial import gaussian, glorot, orthogonal
from agnesi.nn.layers import bidirectional, gru, lstm, recur, rnn, stacked
from agnesi.nn.transposed import (
    conv_input_gradient,
    conv_transpose,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    conv_transpose_output_shape,
    conv_weight_gradient,
)

__all__ = [
    "GruWeights",
    "LstmState",
    "LstmWeights",
    "RnnWeights",
    "bidirectional",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_input_gradient",
    "conv_output_shape",
    "conv_transpose",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "conv_transpose_output_shape",
    "conv_weight_gradient",
    "depthwise_conv2d",
    "gaussian",
    "glorot",
    "gru",
    "gru_cell",
    "gru_weights",
    "irnn_weights",
    "lstm",
    "lstm_cell",
    "lstm_weights",
    "orthogonal",
    "recur",
    "rnn",
    "rnn_cell",
    "rnn_weights",
    "separable_conv2d",
    "stacked",
]

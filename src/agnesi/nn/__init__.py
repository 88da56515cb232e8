"""Recurrent networks, written with :func:`agnesi.scan` and public functions as any user could.

Weights are plain tuples of tensors and layers are functions of them: there is nothing to register
and nothing that is hidden.  Start at :mod:`agnesi.nn.cells`, one step each; :mod:`agnesi.nn.layers`
runs them over sequences.
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
from agnesi.nn.initial import gaussian, glorot, orthogonal
from agnesi.nn.layers import bidirectional, gru, lstm, recur, rnn, stacked

__all__ = [
    "GruWeights",
    "LstmState",
    "LstmWeights",
    "RnnWeights",
    "bidirectional",
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
    "stacked",
]

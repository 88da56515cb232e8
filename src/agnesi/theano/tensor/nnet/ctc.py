"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import agnesi as ag
from agnesi.theano.tensor.applying import apply

ctc_present = ctc_available = lambda: True


def ctc(activations: Any, labels: Any, input_lengths: Any) -> Any:
    """Return the loss of each sequence of a batch; class 0 is the blank.

    Args:
        activations: ``[time, batch, classes]``, before the soft maximum.
        labels: ``[batch, most]`` int32; what is negative is padding.
        input_lengths: how many steps each sequence has.
    """

    def build(a: ag.Tensor, y: ag.Tensor, n: ag.Tensor) -> ag.Tensor:
        lengths = ag.sum(ag.astype(y >= 0, "i64"), 1)
        return ag.nn.ctc_loss(
            a, ag.maximum(ag.astype(y, "i64"), 0), ag.astype(n, "i64"), lengths, reduction="none"
        )

    return apply("ConnectionistTemporalClassification", build, [activations, labels, input_lengths])

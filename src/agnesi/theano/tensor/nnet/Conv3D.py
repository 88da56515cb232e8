"""The convolution of volumes ``[n, rows, columns, time, channels]`` of early programs."""

from __future__ import annotations

from typing import Any

from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.nnet import abstract_conv


def conv3D(V: Any, W: Any, b: Any, d: Any) -> Any:
    """Return the correlation of volumes with filters, a bias added, at places ``d`` apart."""
    v, w, bias = as_tensor_variable(V), as_tensor_variable(W), as_tensor_variable(b)
    steps = tuple(int(n) for n in getattr(d, "data", d))
    made = abstract_conv.conv3d(
        v.dimshuffle(0, 4, 1, 2, 3), w.dimshuffle(0, 4, 1, 2, 3), subsample=steps, filter_flip=False
    )
    return made.dimshuffle(0, 2, 3, 4, 1) + bias

"""More functions of arrays, under the path that programs import."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.tensor.basic import bartlett as bartlett
from agnesi.theano.tensor.basic import bincount as bincount
from agnesi.theano.tensor.basic import compress as compress
from agnesi.theano.tensor.basic import cumprod as cumprod
from agnesi.theano.tensor.basic import cumsum as cumsum
from agnesi.theano.tensor.basic import diff as diff
from agnesi.theano.tensor.basic import fill_diagonal as fill_diagonal
from agnesi.theano.tensor.basic import fill_diagonal_offset as fill_diagonal_offset
from agnesi.theano.tensor.basic import ravel_multi_index as ravel_multi_index
from agnesi.theano.tensor.basic import repeat as repeat
from agnesi.theano.tensor.basic import searchsorted as searchsorted
from agnesi.theano.tensor.basic import squeeze as squeeze
from agnesi.theano.tensor.basic import to_one_hot as to_one_hot
from agnesi.theano.tensor.basic import unravel_index as unravel_index


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

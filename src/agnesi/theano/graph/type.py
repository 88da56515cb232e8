"""Types."""

from typing import Any

from agnesi.theano.gof.type import Generic as Generic
from agnesi.theano.gof.type import Type as Type
from agnesi.theano.gof.type import generic as generic
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

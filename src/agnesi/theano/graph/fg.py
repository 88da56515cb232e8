"""Graphs of functions."""

from typing import Any

from agnesi.theano.gof.fg import FunctionGraph as FunctionGraph
from agnesi.theano.gof.fg import MissingInputError as MissingInputError
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

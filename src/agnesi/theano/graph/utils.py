"""Odds and ends of graphs."""

from typing import Any

from agnesi.theano.gof.utils import MethodNotDefined as MethodNotDefined
from agnesi.theano.gof.utils import TestValueError as TestValueError
from agnesi.theano.gof.utils import scratchpad as scratchpad
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Functions of one number, as ``Elemwise`` takes them, and variables that are one number."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.scalar import basic as basic
from agnesi.theano.scalar import basic_scipy as basic_scipy
from agnesi.theano.scalar.basic import *


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Ops."""

from typing import Any

from agnesi.theano.gof.op import COp as COp
from agnesi.theano.gof.op import Op as Op
from agnesi.theano.gof.op import get_test_value as get_test_value
from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""The op of loops, under the path where programs look for it."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.scan_module.scan import Scan as Scan


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

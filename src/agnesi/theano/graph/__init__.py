"""Graphs, under the paths of the versions after Theano 1.0.5."""

from typing import Any

from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

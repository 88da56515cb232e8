"""What Theano had on trial."""

from typing import Any

from agnesi.theano.missing import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Lists of arrays as variables: of any length, each element of one type."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.typed_list.basic import *
from agnesi.theano.typed_list.type import TypedListType as TypedListType


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

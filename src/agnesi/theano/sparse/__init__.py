"""Sparse matrices: they are not there yet, and say so."""

from typing import Any

from agnesi.theano.gof.graph import Variable
from agnesi.theano.gof.type import Type
from agnesi.theano.missing import missing, submodule

enable_sparse = False


class SparseType(Type):
    """The type of sparse matrices; there are none yet."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise missing(__name__, "SparseType")


class SparseVariable(Variable):
    """A sparse matrix; there are none yet."""


SparseConstant = SparseVariable


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

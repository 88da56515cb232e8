"""Sparse matrices, as SciPy stores them."""

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.sparse.basic import *
from agnesi.theano.sparse.basic import _is_dense as _is_dense
from agnesi.theano.sparse.basic import _is_dense_variable as _is_dense_variable
from agnesi.theano.sparse.basic import _is_sparse_variable as _is_sparse_variable
from agnesi.theano.sparse.sharedvar import sparse_constructor as shared
from agnesi.theano.sparse.type import SparseType as SparseType
from agnesi.theano.sparse.type import _is_sparse as _is_sparse

enable_sparse = True


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)


__all__ = ["SparseType", "enable_sparse", "shared"]

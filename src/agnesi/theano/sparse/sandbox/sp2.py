"""Random sparse matrices, drawn by NumPy's global generator: Python code in a function.

As in Theano, a second call with the same arguments draws other numbers.
"""

# Each op says by names what it takes.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano.gof.graph import Apply
from agnesi.theano.gof.op import Op
from agnesi.theano.gradient import disconnected_type, grad_undefined
from agnesi.theano.missing import submodule
from agnesi.theano.sparse.basic import *
from agnesi.theano.sparse.basic import (
    Remove0,
    as_sparse_variable,
    discrete_dtypes,
    float_dtypes,
    remove0,
    sparse_formats,
)
from agnesi.theano.sparse.type import SparseType, scipy_sparse
from agnesi.theano.tensor.basic import as_tensor_variable

EliminateZeros = Remove0
eliminate_zeros = remove0


class _Random(Op):
    """An op whose results are drawn, so that they have no gradient."""

    __props__: Any = ()

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """There is none."""
        del output_grads
        why = f"No gradient exists for class {type(self).__name__}"
        return [grad_undefined(self, k, x, why) for k, x in enumerate(inputs)]


class Poisson(_Random):
    """Numbers drawn from Poisson distributions, whose means a sparse matrix stores."""

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = as_sparse_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Draw."""
        del node, params
        (x,) = inputs
        drawn = x.copy()
        drawn.data = np.asarray(np.random.poisson(drawn.data), dtype=x.dtype)
        drawn.eliminate_zeros()
        output_storage[0][0] = drawn


poisson = Poisson()


class Binomial(_Random):
    """A sparse matrix of numbers of successes: of ``n`` trials that succeed with chance ``p``."""

    __props__ = ("format", "dtype")

    def __init__(self, format: str, dtype: str) -> None:
        self.format, self.dtype = format, dtype

    def make_node(self, n: Any, p: Any, shape: Any) -> Apply:
        """Return the application."""
        n, p, shape = (as_tensor_variable(v) for v in (n, p, shape))
        if n.dtype not in discrete_dtypes or shape.dtype not in discrete_dtypes:
            raise AssertionError("n and shape are integers")
        if p.dtype not in float_dtypes:
            raise AssertionError("p is a float")
        return Apply(self, [n, p, shape], [SparseType(dtype=self.dtype, format=self.format)()])

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Draw."""
        del node, params
        n, p, shape = inputs
        made = getattr(scipy_sparse, f"{self.format}_matrix")
        drawn = np.random.binomial(n, p, size=tuple(int(s) for s in shape))
        output_storage[0][0] = made(drawn, dtype=self.dtype)

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """The shape has no gradient."""
        del node
        return [[True], [True], [False]]

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        """There is none."""
        return [*super().grad(inputs[:2], output_grads), disconnected_type]


csr_fbinomial = Binomial("csr", "float32")
csc_fbinomial = Binomial("csc", "float32")
csr_dbinomial = Binomial("csr", "float64")
csc_dbinomial = Binomial("csc", "float64")


class Multinomial(_Random):
    """Counts drawn for each row of a matrix, which stores chances that add up to 1; by rows."""

    def make_node(self, n: Any, p: Any) -> Apply:
        """Return the application."""
        n, p = as_tensor_variable(n), as_sparse_variable(p)
        if p.format not in sparse_formats:
            raise AssertionError(f"a matrix of format {p.format}")
        return Apply(self, [n, p], [p.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any, params: Any = None) -> None:
        """Draw."""
        del node, params
        n, p = inputs
        if p.format != "csr":
            raise NotImplementedError("multinomial: the matrix is stored by rows")
        if n.ndim == 1 and n.shape[0] != p.shape[0]:
            raise ValueError(
                "The number of element of n must be the same as the number of row of p."
            )
        drawn = p.copy()
        for row, (begin, end) in enumerate(zip(p.indptr, p.indptr[1:], strict=False)):
            trials = n if n.ndim == 0 else n[row]
            drawn.data[begin:end] = np.random.multinomial(trials, p.data[begin:end])
        output_storage[0][0] = drawn


multinomial = Multinomial()


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""The type of sparse matrices: compressed by columns or by rows, as SciPy's are.

A variable stands for one tensor of agnesi, a whole matrix of which it is known what is stored
(``agnesi/ops/sparse.py``).  Values are taken apart where a function begins, into elements, indices,
starts of lines and an array without elements that has the shape; and put together where it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as _scipy

import agnesi as ag
from agnesi.core.dtypes import U8, as_dtype
from agnesi.dims.dim import renewed_symbol
from agnesi.graph.leaves import Constant, renewed_input
from agnesi.graph.types import TensorType as Kind
from agnesi.ops.arithmetic import Add
from agnesi.ops.gradients import Marker
from agnesi.ops.sparse import compressed, parts, sparse_form
from agnesi.theano.gof.type import Type
from agnesi.theano.tensor.type import TensorType

# Its types say less than what it does.
scipy_sparse: Any = _scipy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Tensor
    from agnesi.ops.compressed import FromCompressed


def _is_sparse(x: Any) -> bool:
    """Return whether a value is a sparse matrix of SciPy.

    Raises:
        NotImplementedError: it is no array at all.
    """
    if not isinstance(x, scipy_sparse.spmatrix | np.ndarray | tuple | list):
        raise NotImplementedError(
            "this function should only be called on sparse.scipy.sparse.spmatrix or "
            "numpy.ndarray, not,",
            x,
        )
    return isinstance(x, scipy_sparse.spmatrix)


class WholeGradient(Marker):
    """A matrix, the gradient by which is an array where it is a sparse one."""

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent, marked."""
        return (WholeGradient(ct),)


def _is_whole(tensor: Tensor) -> bool:
    """Return whether a gradient is an array: it is marked so, or a part of its sum is."""
    if isinstance(tensor, Add):
        return any(map(_is_whole, tensor.operands))
    return isinstance(tensor, WholeGradient)


class SparseType(Type):
    """Sparse matrices of a dtype, stored in one way.

    Attributes:
        format: ``"csr"``, by rows; ``"csc"``, by columns; ``"bsr"``, which functions take and give,
            and compute by rows.
        dtype: element type, ``"float32"``.
    """

    format_cls: ClassVar[dict[str, Any]] = {
        "csr": scipy_sparse.csr_matrix,
        "csc": scipy_sparse.csc_matrix,
        "bsr": scipy_sparse.bsr_matrix,
    }
    dtype_set: ClassVar[set[str]] = {
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float32", "float64", "complex64", "complex128"),
    }
    ndim: Any = 2
    is_object = False
    encoded = False
    members = 4
    Variable: Any = None  # put there by basic.py
    Constant: Any = None

    def __init__(self, format: Any, dtype: Any) -> None:
        dtype = str(np.dtype(dtype)) if not isinstance(dtype, str) else dtype
        if dtype not in self.dtype_set:
            raise NotImplementedError(f'unsupported dtype "{dtype}" not in list', self.dtype_set)
        if not isinstance(format, str):
            raise AssertionError(f"a format is a str, not {format!r}")
        if format not in self.format_cls:
            raise NotImplementedError(
                f'unsupported format "{format}" not in list', list(self.format_cls)
            )
        self.dtype, self.format = dtype, format

    @property
    def broadcastable(self) -> tuple[bool, bool]:
        """No axis repeats."""
        return False, False

    # -- values --------------------------------------------------------------------------------

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """Return a matrix of this type made of some data.

        Raises:
            TypeError: ``strict``, and it is of another type.
            NotImplementedError: it has another dtype.
        """
        made = self.format_cls[self.format]
        if isinstance(data, made) and data.dtype == self.dtype:
            return data
        if strict:
            raise TypeError(
                f"{data} is not sparse, or not the right dtype (is {getattr(data, 'dtype', None)}, "
                f"expected {self.dtype})"
            )
        if allow_downcast:
            return made(data, dtype=self.dtype)
        found = made(data)
        if str(found.dtype) != self.dtype:
            raise NotImplementedError(f"Expected {self.dtype} dtype but got {found.dtype}")
        return found

    def spread(self, value: Any) -> list[Any]:
        """Return the arrays that a matrix is made of, as functions take them."""
        value = value.tocsr() if self.format == "bsr" else value
        count = int(value.indptr[-1])
        return [
            np.asarray(value.data[:count]),
            np.asarray(value.indices[:count], np.int32),
            np.asarray(value.indptr, np.int32),
            np.empty((*value.shape, 0), np.uint8),
        ]

    def gathered(self, arrays: Sequence[Any]) -> Any:
        """Return the matrix of arrays that a function gave."""
        data, indices, starts, shape = arrays
        made = scipy_sparse.csc_matrix if self.by_column else scipy_sparse.csr_matrix
        found = made((data, indices, starts), shape=tuple(int(s) for s in shape), copy=False)
        return found.tobsr() if self.format == "bsr" else found

    # -- tensors -------------------------------------------------------------------------------

    @property
    def by_column(self) -> bool:
        """Whether matrices are stored by columns."""
        return self.format == "csc"

    def new_tensor(self, name: str | None) -> Any:
        """Return a fresh matrix, of inputs of agnesi."""
        title = name or "sparse"
        count, begins, rows, columns = (
            renewed_symbol(f"{title}.{what}") for what in ("stored", "starts", "0", "1")
        )
        return self.of_leaves(
            [
                renewed_input(name, Kind(as_dtype(self.dtype), (count,))),
                renewed_input(None, Kind(as_dtype("i32"), (count,))),
                renewed_input(None, Kind(as_dtype("i32"), (begins,))),
                renewed_input(None, Kind(U8, (rows, columns, 0))),
            ]
        )

    def of_leaves(self, leaves: Sequence[Any]) -> FromCompressed:
        """Return the matrix of elements, indices, starts, and an array that has its shape."""
        data, indices, starts, shape = leaves
        rows, columns, _ = shape.type.shape
        made = compressed(data, indices, starts, rows, columns, by_column=self.by_column)
        made.__dict__["leaves"] = tuple(leaves)
        return made

    def constant_tensor(self, data: Any) -> Any:
        """Return a constant matrix of agnesi."""
        *arrays, shape = self.spread(data)
        held = [
            Constant(np.ascontiguousarray(a).tobytes(), Kind(as_dtype(a.dtype), a.shape))
            for a in arrays
        ]
        rows, columns, _ = shape.shape
        return compressed(*held, rows, columns, by_column=self.by_column)  # type: ignore[misc]

    @staticmethod
    def leaves_of(tensor: Any) -> tuple[Any, ...]:
        """Return the leaves that a fresh matrix is made of."""
        return tensor.__dict__["leaves"]

    @staticmethod
    def results_of(tensor: Any) -> list[Any]:
        """Return what a function has to compute of a matrix: elements, indices, starts, shape."""
        data, indices, starts = parts(tensor)
        sizes = [ag.constant(s) if isinstance(s, int) else s for s in tensor.shape]
        shape = ag.stack([ag.astype(s, "int64") for s in sizes])
        return [data, ag.astype(indices, "int32"), ag.astype(starts, "int32"), shape]

    def gradient(self, tensor: Any) -> Any:
        """Return a variable of this type for a gradient; an array where Theano gives one."""
        if _is_whole(tensor):
            kind = TensorType(tensor.dtype.numpy.name, (False, False))
            return kind.Variable(kind, tensor=tensor)
        made = sparse_form(tensor, by_column=self.by_column)
        kind = SparseType(self.format, made.dtype.numpy.name)
        return kind.Variable(kind, tensor=made)

    # -- relations -----------------------------------------------------------------------------

    def make_variable(self, name: str | None = None) -> Any:
        """Return a new variable of this type."""
        return self.Variable(self, name=name)

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """Return whether two matrices, or a matrix and an array, may share memory."""

        def arrays(x: Any) -> list[Any]:
            return [x.data, x.indices, x.indptr] if _is_sparse(x) else [x]

        return any(np.may_share_memory(p, q) for p in arrays(a) for q in arrays(b))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SparseType)
            and other.dtype == self.dtype
            and other.format == self.format
        )

    def __hash__(self) -> int:
        return hash(self.dtype) ^ hash(self.format)

    def __str__(self) -> str:
        return f"Sparse[{self.dtype}, {self.format}]"

    __repr__ = __str__

    def values_eq_approx(self, a: Any, b: Any, eps: float = 1e-6) -> bool:
        """Return whether all elements of two matrices are nearly equal."""
        if not scipy_sparse.issparse(a) or not scipy_sparse.issparse(b):
            return False
        difference = abs(a - b)
        return difference.nnz == 0 or bool(difference.data.max() < eps)

    def values_eq(self, a: Any, b: Any) -> bool:
        """Return whether all elements of two matrices are equal."""
        both = scipy_sparse.issparse(a) and scipy_sparse.issparse(b)
        return both and abs(a - b).sum() == 0.0

    def is_valid_value(self, a: Any) -> bool:
        """Return whether a value is a sparse matrix stored this way."""
        return scipy_sparse.issparse(a) and a.format == self.format

    def get_shape_info(self, obj: Any) -> Any:
        """Return the shape of a matrix, and how many numbers it stores."""
        obj = self.filter(obj)
        return obj.shape, obj.data.size, obj.indices.size, obj.indptr.size, obj.nnz

    def get_size(self, shape_info: Any) -> int:
        """Return the bytes of a matrix."""
        numbers = (shape_info[2] + shape_info[3]) * np.dtype("int32").itemsize
        return shape_info[1] * np.dtype(self.dtype).itemsize + numbers

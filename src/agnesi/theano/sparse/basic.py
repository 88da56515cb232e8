"""Functions of sparse matrices, with Theano's types and gradients.

before: structured_dot(x, w)                        what the program says
below:  CompressedDot(stored parts of x, w)         agnesi's nodes, which native code computes

Structured functions, and their gradients, are about what is stored; the others are about whole
matrices, of which no more is computed than what is asked for.
"""

# Each op says by names what it takes.
# pyright: reportIncompatibleMethodOverride=false, reportUnusedFunction=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.dims.dim import add as add_sizes
from agnesi.dims.dim import sub as sub_sizes
from agnesi.graph.graph import size_of
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import scalar_of
from agnesi.ops import sparse as matrices
from agnesi.ops.bounds import agreeing, known_within
from agnesi.ops.compressed import FromCompressed, LineNumbers, SampledDot, StoredAt
from agnesi.theano import tensor
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply, Constant, Variable
from agnesi.theano.gof.op import PureOp
from agnesi.theano.sparse.type import SparseType, WholeGradient, scipy_sparse
from agnesi.theano.sparse.type import _is_sparse as _is_sparse
from agnesi.theano.tensor.applying import fresh
from agnesi.theano.tensor.casting import COMPLEXES, FLOATS, INTS, UINTS, upcast
from agnesi.theano.tensor.subtensor import positions_of
from agnesi.theano.tensor.type import TensorType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.dims.dim import Size

sparse_formats = ["csc", "csr"]
_mtypes = [scipy_sparse.csc_matrix, scipy_sparse.csr_matrix]
_mtype_to_str = {scipy_sparse.csc_matrix: "csc", scipy_sparse.csr_matrix: "csr"}

all_dtypes = SparseType.dtype_set
complex_dtypes = [d for d in all_dtypes if d in COMPLEXES]
float_dtypes = [d for d in all_dtypes if d in FLOATS]
int_dtypes = [d for d in all_dtypes if d in INTS]
uint_dtypes = [d for d in all_dtypes if d in UINTS]
integer_dtypes = int_dtypes + uint_dtypes
continuous_dtypes = complex_dtypes + float_dtypes
discrete_dtypes = int_dtypes + uint_dtypes


# -- variables -------------------------------------------------------------------------------------


def _is_sparse_variable(x: Any) -> bool:
    """Return whether a variable is a sparse matrix."""
    if not isinstance(x, Variable):
        raise NotImplementedError("this function should only be called on *variables*, not", x)
    return isinstance(x.type, SparseType)


def _is_dense_variable(x: Any) -> bool:
    """Return whether a variable is an array."""
    if not isinstance(x, Variable):
        raise NotImplementedError("this function should only be called on *variables*, not", x)
    return isinstance(x.type, TensorType)


def _is_dense(x: Any) -> bool:
    """Return whether a value is an array, and no sparse matrix."""
    if not isinstance(x, scipy_sparse.spmatrix | np.ndarray):
        raise NotImplementedError("this function should only be called on matrices, not", x)
    return isinstance(x, np.ndarray)


def as_sparse_variable(x: Any, name: str | None = None) -> Any:
    """Return a variable for a sparse matrix: itself, or a constant.

    Raises:
        TypeError: it is no sparse matrix.
    """
    if isinstance(x, Apply):
        if len(x.outputs) != 1:
            raise ValueError(
                "It is ambiguous which output of a multi-output Op has to be fetched.", x
            )
        x = x.outputs[0]
    if isinstance(x, Variable):
        if not isinstance(x.type, SparseType):
            raise TypeError("Variable type field must be a SparseType.", x, x.type)
        return x
    try:
        return constant(x, name=name)
    except TypeError:
        raise TypeError(f"Cannot convert {x} to SparseType", type(x)) from None


as_sparse = as_sparse_variable


def as_sparse_or_tensor_variable(x: Any, name: str | None = None) -> Any:
    """Return a variable for a sparse matrix, or for anything that is an array."""
    try:
        return as_sparse_variable(x, name)
    except (ValueError, TypeError):
        return tensor.as_tensor_variable(x, name)


def constant(x: Any, name: str | None = None) -> Any:
    """Return a constant for a sparse matrix of SciPy."""
    if not isinstance(x, scipy_sparse.spmatrix):
        raise TypeError("sparse.constant must be called on a scipy.sparse.spmatrix")
    try:
        kind = SparseType(format=x.format, dtype=x.dtype)
    except NotImplementedError:
        raise TypeError(f"Could not convert {x} to SparseType", type(x)) from None
    return SparseConstant(kind, x.copy(), name=name)


class _sparse_py_operators:
    """Operators and methods of sparse matrices."""

    type: Any

    T = property(lambda self: transpose(self), doc="The transposed matrix, stored the other way.")
    dtype = property(lambda self: self.type.dtype)
    format = property(lambda self: self.type.format)
    ndim = property(lambda self: self.type.ndim)
    shape = property(lambda self: tensor.shape(dense_from_sparse(self)))
    size = property(lambda self: csm_data(self).size, doc="How many elements are stored.")
    __array_priority__ = 1000

    def astype(self, dtype: Any) -> Any:
        """Return the matrix in another dtype."""
        return cast(self, dtype)

    def toarray(self) -> Any:
        """Return the whole matrix."""
        return dense_from_sparse(self)

    def zeros_like(self, dtype: Any = None) -> Any:
        """Return a matrix of the same shape that stores nothing."""
        zeros = sp_zeros_like(self)
        return zeros if dtype is None else cast(zeros, dtype)

    def __neg__(self) -> Any:
        return neg(self)

    def __add__(self, other: Any) -> Any:
        return add(self, other)

    def __radd__(self, other: Any) -> Any:
        return add(other, self)

    def __sub__(self, other: Any) -> Any:
        return sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return mul(other, self)

    def __lt__(self, other: Any) -> Any:
        return lt(self, other)

    def __le__(self, other: Any) -> Any:
        return le(self, other)

    def __gt__(self, other: Any) -> Any:
        return gt(self, other)

    def __ge__(self, other: Any) -> Any:
        return ge(self, other)

    def __dot__(self, other: Any) -> Any:
        return structured_dot(self, other)

    def __rdot__(self, other: Any) -> Any:
        return structured_dot(other, self)

    def __getitem__(self, args: Any) -> Any:
        keys = args if isinstance(args, tuple) else (args,)
        if isinstance(keys[0], list):
            if len(keys) == 2:
                return get_item_2lists(self, keys[0], keys[1])
            return get_item_list(self, keys[0])
        if len(keys) == 2 and all(map(_is_number, keys)):
            return get_item_scalar(self, keys)
        return get_item_2d(self, keys)


def _is_number(key: Any) -> bool:
    return bool(np.isscalar(key)) or getattr(key, "type", None) == tensor.iscalar


class SparseVariable(_sparse_py_operators, Variable):
    """A symbolic sparse matrix."""

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.format},{self.dtype}}}"

    def __repr__(self, firstPass: bool = True) -> str:
        del firstPass
        return str(self)

    __hash__ = object.__hash__


class SparseConstantSignature(tuple[Any, ...]):
    """What equal constants have in common: their type and their matrix."""

    def __eq__(self, other: object) -> bool:
        (a, b), (x, y) = self, other  # type: ignore[misc]
        return bool(
            a == x
            and b.dtype == y.dtype
            and type(b) is type(y)
            and b.shape == y.shape
            and abs(b - y).sum() <= 1e-6 * b.nnz
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        kind, value = self
        return hash(type(self)) ^ hash(kind) ^ hash(type(value))

    def theano_hash(self) -> str:
        """Return a hash of the numbers."""
        from agnesi.theano.sparse.utils import hash_from_sparse

        return hash_from_sparse(self[1])


class SparseConstant(_sparse_py_operators, Constant):
    """A sparse matrix whose value is known."""

    def signature(self) -> Any:
        """Return what is equal for equal constants."""
        return SparseConstantSignature((self.type, self.data))

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}{{{self.format},{self.dtype},shape={self.data.shape},"
            f"nnz={self.data.nnz}}}"
        )

    def __repr__(self, firstPass: bool = True) -> str:
        del firstPass
        return str(self)

    __hash__ = object.__hash__


SparseType.Variable = SparseVariable
SparseType.Constant = SparseConstant


def matrix(format: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Return a new sparse matrix, of floatX by default."""
    return SparseType(format=format, dtype=config.floatX if dtype is None else dtype)(name)


def csc_matrix(name: str | None = None, dtype: Any = None) -> Any:
    """Return a new matrix stored by columns."""
    return matrix("csc", name, dtype)


def csr_matrix(name: str | None = None, dtype: Any = None) -> Any:
    """Return a new matrix stored by rows."""
    return matrix("csr", name, dtype)


def bsr_matrix(name: str | None = None, dtype: Any = None) -> Any:
    """Return a new matrix stored by blocks, which only products take."""
    return matrix("bsr", name, dtype)


csc_dmatrix = SparseType(format="csc", dtype="float64")
csr_dmatrix = SparseType(format="csr", dtype="float64")
bsr_dmatrix = SparseType(format="bsr", dtype="float64")
csc_fmatrix = SparseType(format="csc", dtype="float32")
csr_fmatrix = SparseType(format="csr", dtype="float32")
bsr_fmatrix = SparseType(format="bsr", dtype="float32")


# -- how ops are made ------------------------------------------------------------------------------


class _SparseOp(PureOp):
    """An op of sparse matrices, or that gives one, which agnesi's nodes compute."""

    __props__: Any = ()

    def applied(self, inputs: Sequence[Any], *made: Any, format: str | None = None) -> Apply:
        """Return the application whose outputs are these tensors; sparse ones, of a format."""
        if format is None:
            outputs = [fresh(t) for t in made]
        else:
            outputs = [_variable(t, format) for t in made]
        node = Apply(self, inputs, outputs)
        node.built = True  # type: ignore[attr-defined]
        return node


def _variable(made: Any, format: str) -> Any:
    kind = SparseType(format=format, dtype=made.dtype.numpy.name)
    return SparseVariable(kind, tensor=made)


def _whole(made: Any) -> Any:
    """Return a variable that is an array for a matrix of agnesi."""
    kind = TensorType(made.dtype.numpy.name, (False, False))
    return kind.Variable(kind, tensor=made)


def _sparse(x: Any) -> Any:
    """Return a sparse variable that something can be computed of."""
    x = as_sparse_variable(x)
    if x.format not in sparse_formats:
        raise AssertionError(f"{x}: of a matrix of format {x.format} nothing can be computed")
    return x


def _either(x: Any) -> Any:
    """Return a sparse variable for a sparse matrix, and an array for anything else."""
    if hasattr(x, "getnnz") or (isinstance(x, Variable) and _is_sparse_variable(x)):
        return as_sparse_variable(x)
    return tensor.as_tensor_variable(x)


def _cast(made: Any, dtype: str) -> Any:
    """Return a matrix in another dtype; what is stored stays known."""
    if made.dtype.numpy.name == dtype:
        return made
    if matrices.stored(made) is None:
        return ag.astype(made, dtype)
    data = ag.astype(matrices.part(made, matrices.DATA), dtype)
    return matrices.AsStored(matrices.with_data(made, data), ag.astype(made, dtype))


def _data(made: Any) -> Any:
    return matrices.part(made, matrices.DATA)


def _positions(made: Any) -> tuple[Any, Any]:
    """Return the rows and columns of what a matrix stores."""
    own = _stored(made)
    _, indices, starts = matrices.parts(made)
    line = LineNumbers(starts, indices.type.shape[0])
    return (indices, line) if own.by_column else (line, indices)


def _stored(made: Any) -> FromCompressed:
    found = matrices.stored(made)
    if found is None:
        raise AssertionError(f"{made!r} is not stored as a sparse matrix")
    return found


def _structured(made: Any) -> Any:
    """Return the same matrix, whose gradient is that by what is stored."""
    return matrices.with_data(made, _data(made))


# -- parts -----------------------------------------------------------------------------------------


class CSMProperties(_SparseOp):
    """Elements, indices, starts and shape of a sparse matrix."""

    def __init__(self, kmap: Any = None) -> None:
        if kmap is not None:
            raise Exception("Do not use kmap, it is removed")

    def make_node(self, csm: Any) -> Apply:
        """Return the application."""
        csm = _sparse(csm)
        data, indices, starts = matrices.parts(csm.tensor)
        shape = ag.stack([ag.astype(_scalar(s), "int32") for s in csm.tensor.type.shape])
        integers = [ag.astype(t, "int32") for t in (indices, starts)]
        outputs = [_vector(t) for t in (data, *integers, shape)]
        node = Apply(self, [csm], outputs)
        node.built = True  # type: ignore[attr-defined]
        return node


def _scalar(size: Size) -> Any:
    found = scalar_of(size)
    return ag.constant(found) if isinstance(found, int) else found


def _vector(made: Any) -> Any:
    kind = TensorType(made.dtype.numpy.name, (False,))
    return kind.Variable(kind, tensor=made)


csm_properties = CSMProperties()


def csm_data(csm: Any) -> Any:
    """Return the elements that a matrix stores."""
    return csm_properties(csm)[0]


def csm_indices(csm: Any) -> Any:
    """Return the places of stored elements within their lines."""
    return csm_properties(csm)[1]


def csm_indptr(csm: Any) -> Any:
    """Return where lines begin among stored elements, and the end."""
    return csm_properties(csm)[2]


def csm_shape(csm: Any) -> Any:
    """Return the shape as a vector of int32."""
    return csm_properties(csm)[3]


class CSM(_SparseOp):
    """A matrix of elements, indices, starts and a shape.

    Its gradient by the elements is a vector.
    """

    __props__ = ("format",)

    def __init__(self, format: str, kmap: Any = None) -> None:
        if format not in sparse_formats:
            raise ValueError("format must be one of: 'csr', 'csc'", format)
        if kmap is not None:
            raise Exception("Do not use kmap, it is removed")
        self.format = format

    def make_node(self, data: Any, indices: Any, indptr: Any, shape: Any) -> Apply:
        """Return the application."""
        data = tensor.as_tensor_variable(data)
        if data.ndim != 1:
            raise TypeError("data argument must be a vector", data.type, data.type.ndim)
        integers = [_integers(x) for x in (indices, indptr, shape)]
        for found in integers:
            if found.ndim != 1 or found.dtype not in discrete_dtypes:
                raise TypeError("indices, indptr and shape must be vectors of integers", found)
        made = self._built(data.tensor, *integers)
        return self.applied([data, *integers], made, format=self.format)

    def _built(self, data: Any, indices: Any, indptr: Any, shape: Any) -> Any:
        source = _source_of([indices, indptr], (1, 2))
        if source is not None and source.format == self.format:
            own = source.tensor
            if _source_of([shape], (3,)) is source:
                return matrices.with_data(own, data)
        rows, columns = _sizes_of(shape)
        by_column = self.format == "csc"
        return matrices.compressed(
            data, indices.tensor, indptr.tensor, rows, columns, by_column=by_column
        )


def _integers(x: Any) -> Any:
    if not isinstance(x, Variable):
        given = np.asarray(x)
        x = given.astype("int32")
        if not np.array_equal(given, x):
            raise AssertionError(f"{given} are no integers of 32 bits")
    return tensor.as_tensor_variable(x)


def _source_of(variables: Sequence[Any], places: Sequence[int]) -> Any:
    """Return the matrix whose properties some variables are; None if they are not."""
    found: set[Any] = set()
    for variable, place in zip(variables, places, strict=True):
        owner = variable._owner
        if owner is None or not isinstance(owner.op, CSMProperties) or variable.index != place:
            return None
        found.add(owner.inputs[0])
    return found.pop() if len(found) == 1 else None


def _sizes_of(shape: Any) -> list[Size]:
    source = _source_of([shape], (3,))
    if source is not None:
        return list(source.tensor.type.shape)
    if isinstance(shape.tensor, ConstantTensor):
        if shape.tensor.value.shape != (2,):
            raise ValueError("Shape should be an array of length 2")
        return [int(s) for s in shape.tensor.value]
    return [size_of(ag.astype(shape[k].tensor, "int64")) for k in range(2)]


CSC = CSM("csc")
CSR = CSM("csr")


class CSMGrad(_SparseOp):
    """The gradient by the elements of a matrix, from one that is stored otherwise."""

    def __init__(self, kmap: Any = None) -> None:
        if kmap is not None:
            raise Exception("Do not use kmap, it is removed")

    def make_node(self, *inputs: Any) -> Apply:
        """Return the application to the properties of both matrices."""
        given = [tensor.as_tensor_variable(x) for x in inputs]
        _, indices, starts, shape, data, own_indices, own_starts, _ = (v.tensor for v in given)
        sizes = [size_of(ag.astype(shape[k], "int64")) for k in range(2)]
        lines = sub_sizes(starts.type.shape[0], 1)
        # Nothing says which way the matrix is stored; a line is no longer than both sizes.
        width = sizes[0] if sizes[0] == sizes[1] else add_sizes(*sizes)
        makes: Callable[..., Any] = lambda d, i, s: matrices.compressed(  # noqa: E731
            d, i, s, lines, width, by_column=False
        )
        own = makes(data, own_indices, own_starts)
        where = makes(ag.zeros(indices.shape, data.dtype), indices, starts)
        found = StoredAt(own.data, own.indices, own.starts, where.indices, where.starts, width)
        return self.applied(given, found)


csm_grad = CSMGrad


def sp_ones_like(x: Any) -> Any:
    """Return a matrix of ones that is stored at the same places."""
    data, indices, indptr, shape = csm_properties(x)
    return CSM(format=x.format)(tensor.ones_like(data), indices, indptr, shape)


def sp_zeros_like(x: Any) -> Any:
    """Return a matrix of the same shape that stores nothing."""
    _, _, indptr, shape = csm_properties(x)
    return CSM(format=x.format)(
        data=np.array([], dtype=x.type.dtype),
        indices=np.array([], dtype="int32"),
        indptr=tensor.zeros_like(indptr),
        shape=shape,
    )


# -- conversions -----------------------------------------------------------------------------------


class Cast(_SparseOp):
    """The matrix in another dtype."""

    __props__ = ("out_type",)

    def __init__(self, out_type: str) -> None:
        self.out_type = out_type

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        return self.applied([x], _cast(x.tensor, self.out_type), format=x.format)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.out_type})"


bcast = Cast("int8")
wcast = Cast("int16")
icast = Cast("int32")
lcast = Cast("int64")
fcast = Cast("float32")
dcast = Cast("float64")
ccast = Cast("complex64")
zcast = Cast("complex128")


def cast(variable: Any, dtype: Any) -> Any:
    """Return a matrix in another dtype."""
    return Cast(dtype)(variable)


class DenseFromSparse(_SparseOp):
    """The whole matrix; its gradient is by what is stored, or by all elements."""

    def __init__(self, structured: bool = True) -> None:
        self.sparse_grad = structured

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        made = _structured(x.tensor) if self.sparse_grad else x.tensor
        node = Apply(self, [x], [_whole(made)])
        node.built = True  # type: ignore[attr-defined]
        return node

    def __str__(self) -> str:
        return f"{type(self).__name__}{{structured_grad={self.sparse_grad}}}"


dense_from_sparse = DenseFromSparse()


class SparseFromDense(_SparseOp):
    """An array as a sparse matrix, which stores what is not 0."""

    __props__ = ("format",)

    def __init__(self, format: str) -> None:
        self.format = format

    def make_node(self, x: Any) -> Apply:
        """Return the application; fewer axes than two get others in front."""
        x = tensor.as_tensor_variable(x)
        if x.ndim > 2:
            raise TypeError(
                "Theano does not have sparse tensor types with more than 2 dimensions, but "
                f"{x}.ndim = {x.ndim}"
            )
        if x.ndim < 2:
            x = tensor.shape_padleft(x, 2 - x.ndim)
        made = matrices.from_whole(x.tensor, by_column=self.format == "csc")
        return self.applied([x], made, format=self.format)

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.format}}}"


csr_from_dense = SparseFromDense("csr")
csc_from_dense = SparseFromDense("csc")


class Transpose(_SparseOp):
    """The transposed matrix, stored the other way."""

    format_map = {"csr": "csc", "csc": "csr"}  # noqa: RUF012

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        made = matrices.transposed(x.tensor)
        return self.applied([x], made, format=self.format_map[x.format])

    def __str__(self) -> str:
        return "SparseTranspose"


transpose = Transpose()


class Neg(_SparseOp):
    """The matrix times -1."""

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        negative = matrices.with_data(x.tensor, -_data(x.tensor))
        made = matrices.AsStored(negative, -x.tensor)
        return self.applied([x], made, format=x.format)

    def __str__(self) -> str:
        return "SparseNeg"


neg = Neg()


class EnsureSortedIndices(_SparseOp):
    """The matrix with the elements of each line in order."""

    __props__ = ("inplace",)

    def __init__(self, inplace: bool) -> None:
        self.inplace = inplace

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        made = matrices.AsStored(matrices.in_order(x.tensor), x.tensor)
        return self.applied([x], made, format=x.format)

    def __str__(self) -> str:
        how = "inplace" if self.inplace else "no_inplace"
        return f"{type(self).__name__}{{{how}}}"


ensure_sorted_indices = EnsureSortedIndices(inplace=False)


class Remove0(_SparseOp):
    """The matrix without the zeros that it stores."""

    __props__ = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        made = matrices.AsStored(matrices.without_zeros(x.tensor), x.tensor)
        return self.applied([x], made, format=x.format)

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{'inplace' if self.inplace else ''}}}"


remove0 = Remove0()


def clean(x: Any) -> Any:
    """Return a matrix that stores no zeros, with the elements of each line in order."""
    return ensure_sorted_indices(remove0(x))


# -- scaling and sums ------------------------------------------------------------------------------


class ColScaleCSC(_SparseOp):
    """Each column times a number; stored by columns."""

    def make_node(self, x: Any, s: Any) -> Apply:
        """Return the application."""
        x, s = _sparse(x), tensor.as_tensor_variable(s)
        if x.format != "csc":
            raise ValueError("x was not a csc matrix")
        return self.applied([x, s], _scaled(x.tensor, s.tensor, 1), format=x.format)


class RowScaleCSC(_SparseOp):
    """Each row times a number."""

    def make_node(self, x: Any, s: Any) -> Apply:
        """Return the application."""
        x, s = _sparse(x), tensor.as_tensor_variable(s)
        return self.applied([x, s], _scaled(x.tensor, s.tensor, 0), format=x.format)


def _scaled(x: Any, s: Any, axis: int | None) -> Any:
    """Return a matrix whose rows, columns, or elements all alike are multiplied by numbers."""
    dtype = upcast(x.dtype.numpy.name, s.dtype.numpy.name)
    x, s = _cast(x, dtype), ag.astype(s, dtype)
    each = s if axis is None else _numbers(s, x, axis)
    made = matrices.with_data(x, _data(x) * each)
    return matrices.AsStored(made, matrices.Scaled(x, s, axis))


def _numbers(s: Any, x: Any, axis: int) -> Any:
    """Return the number of a vector for the row or column of each stored element."""
    own, size = s.type.shape[0], x.type.shape[axis]
    words = f"numbers, and the size of axis {axis}, are as many"
    return ag.take(s, agreeing(_positions(x)[axis], own, [(own, size)], words), axis=0)


def col_scale(x: Any, s: Any) -> Any:
    """Return a matrix with each column multiplied by a number of a vector."""
    if x.format == "csc":
        return ColScaleCSC()(x, s)
    if x.format == "csr":
        return RowScaleCSC()(x.T, s).T
    raise NotImplementedError


def row_scale(x: Any, s: Any) -> Any:
    """Return a matrix with each row multiplied by a number of a vector."""
    return col_scale(x.T, s).T


class SpSum(_SparseOp):
    """The sum of all elements, or along an axis, as an array.

    The gradient is by what is stored, or by all elements.
    """

    __props__ = ("axis",)

    def __init__(self, axis: Any = None, sparse_grad: bool = True) -> None:
        if axis not in (None, 0, 1):
            raise ValueError("Illegal value for self.axis.")
        self.axis, self.structured = axis, sparse_grad

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        made = matrices.total(x.tensor, self.axis)
        if not self.structured:
            whole = ag.sum(x.tensor, axis=self.axis, dtype=x.dtype)
            made = matrices.AsStored(made, whole)
        kind = TensorType(x.dtype, () if self.axis is None else (False,))
        node = Apply(self, [x], [kind.Variable(kind, tensor=made)])
        node.built = True  # type: ignore[attr-defined]
        return node

    def __str__(self) -> str:
        return f"{type(self).__name__}{{axis={self.axis}}}"


def sp_sum(x: Any, axis: Any = None, sparse_grad: bool = False) -> Any:
    """Return the sum of a matrix, along an axis or of all elements, as an array.

    Args:
        x: sparse matrix.
        axis: None, 0 or 1.
        sparse_grad: whether the gradient is by what is stored only.
    """
    return SpSum(axis, sparse_grad)(x)


class Diag(_SparseOp):
    """The diagonal of a square matrix, as a vector."""

    def make_node(self, x: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        return self.applied([x], matrices.diagonal(x.tensor))


diag = Diag()


class SquareDiagonal(_SparseOp):
    """A square matrix with a vector on its diagonal."""

    def make_node(self, diag: Any) -> Apply:
        """Return the application."""
        diag = tensor.as_tensor_variable(diag)
        if diag.ndim != 1:
            raise TypeError("data argument must be a vector", diag.type)
        (count,) = diag.tensor.type.shape
        steps = ag.arange(scalar_of(add_sizes(count, 1)))
        made = FromCompressed(
            diag.tensor,
            known_within(ag.arange(scalar_of(count)), count),
            known_within(steps, add_sizes(count, 1)),
            count,
            count,
            True,
        )
        return self.applied([diag], made, format="csc")


square_diagonal = SquareDiagonal()


# -- sums and products of elements -----------------------------------------------------------------


class AddSS(_SparseOp):
    """The sum of two sparse matrices."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), _sparse(y)
        a, b = _alike(x, y)
        return self.applied([x, y], matrices.plus(a, b), format=x.format)


def _alike(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the tensors of two variables in their common dtype."""
    dtype = upcast(x.dtype, y.dtype)
    return _cast(x.tensor, dtype), _cast(y.tensor, dtype)


add_s_s = AddSS()


class AddSSData(_SparseOp):
    """The sum of two matrices that are stored at the same places."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), _sparse(y)
        if x.type != y.type:
            raise NotImplementedError("add_s_s_data: matrices of one dtype and format")
        made = matrices.with_data(x.tensor, _data(x.tensor) + _data(y.tensor))
        return self.applied([x, y], made, format=x.format)


add_s_s_data = AddSSData()


class AddSD(_SparseOp):
    """The sum of a sparse matrix and an array, which is an array."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), tensor.as_tensor_variable(y)
        if y.ndim != 2:
            raise AssertionError("a sparse matrix and an array of two axes are added")
        a, b = _alike(x, y)
        return self.applied([x, y], _structured(a) + b)


add_s_d = AddSD()


class StructuredAddSV(_SparseOp):
    """A vector added to each row of a matrix, where elements are stored."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), tensor.as_tensor_variable(y)
        if y.ndim != 1:
            raise AssertionError("y is a vector")
        if x.dtype != y.dtype:
            raise NotImplementedError(f"structured_add_s_v of {x.dtype} and {y.dtype}")
        each = _numbers(y.tensor, x.tensor, 1)
        made = matrices.with_data(x.tensor, _data(x.tensor) + each)
        return self.applied([x, y], made, format=x.format)


structured_add_s_v = StructuredAddSV()


def add(x: Any, y: Any) -> Any:
    """Return the sum of two matrices, of which at least one is sparse."""
    return _by_kind(x, y, add_s_s, add_s_d, lambda a, b: add_s_d(b, a))


def sub(x: Any, y: Any) -> Any:
    """Return the difference of two matrices, of which at least one is sparse."""
    return add(x, -_either(y))


def _by_kind(x: Any, y: Any, ss: Any, sd: Any, ds: Any) -> Any:
    """Call one of three functions, by which operand is sparse."""
    x, y = _either(x), _either(y)
    sparse = _is_sparse_variable(x), _is_sparse_variable(y)
    if not any(sparse):
        raise AssertionError(f"none of {x} and {y} is sparse")
    return (ss if all(sparse) else sd if sparse[0] else ds)(x, y)


class MulSS(_SparseOp):
    """The product, element by element, of two sparse matrices."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), _sparse(y)
        a, b = _alike(x, y)
        return self.applied([x, y], matrices.times(a, b), format=x.format)


mul_s_s = MulSS()


class MulSD(_SparseOp):
    """The product, element by element, of a sparse matrix and an array or a number."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), tensor.as_tensor_variable(y)
        if y.ndim not in (0, 2):
            raise AssertionError("a sparse matrix is multiplied by a number, or by a matrix")
        a, b = _alike(x, y)
        if not y.ndim:
            made = _scaled(a, b, None)
        else:
            data = _data(a) * matrices.elements(ag.broadcast_to(b, a.shape), a)
            made = matrices.AsStored(matrices.with_data(a, data), a * b)
        return self.applied([x, y], made, format=x.format)


mul_s_d = MulSD()


class MulSV(_SparseOp):
    """A matrix with each column multiplied by a number of a vector."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), tensor.as_tensor_variable(y)
        if y.ndim != 1:
            raise AssertionError("y is a vector")
        if x.dtype != y.dtype:
            raise NotImplementedError(
                f"MulSV not implemented for differing dtypes. Got {x.dtype} and {y.dtype}."
            )
        return self.applied([x, y], _scaled(x.tensor, y.tensor, 1), format=x.format)


mul_s_v = MulSV()


def mul(x: Any, y: Any) -> Any:
    """Return the product, element by element, of two matrices; at least one is sparse."""
    return _by_kind(x, y, mul_s_s, mul_s_d, lambda a, b: mul_s_d(b, a))


# -- comparisons -----------------------------------------------------------------------------------


class _ComparisonSS(_SparseOp):
    """Two sparse matrices compared: a sparse matrix of uint8."""

    compare: Any

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), _sparse(y)
        if x.format != y.format:
            raise NotImplementedError("comparisons are of matrices of one format")
        a, b = _alike(x, y)
        whole = ag.astype(type(self).compare(a, b), "uint8")
        made = matrices.from_whole(whole, by_column=x.format == "csc")
        return self.applied([x, y], made, format=x.format)


class _ComparisonSD(_SparseOp):
    """A sparse matrix and an array compared: an array of uint8."""

    compare: Any

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _sparse(x), tensor.as_tensor_variable(y)
        if y.ndim != 2:
            raise AssertionError("a sparse matrix is compared with an array of two axes")
        a, b = _alike(x, y)
        return self.applied([x, y], ag.astype(type(self).compare(a, b), "uint8"))


class EqualSS(_ComparisonSS):
    """Whether elements are equal."""

    compare = staticmethod(ag.equal)


class EqualSD(_ComparisonSD):
    """Whether elements are equal."""

    compare = staticmethod(ag.equal)


class NotEqualSS(_ComparisonSS):
    """Whether elements differ."""

    compare = staticmethod(ag.not_equal)


class NotEqualSD(_ComparisonSD):
    """Whether elements differ."""

    compare = staticmethod(ag.not_equal)


class LessThanSS(_ComparisonSS):
    """Whether elements are less."""

    compare = staticmethod(ag.less)


class LessThanSD(_ComparisonSD):
    """Whether elements are less."""

    compare = staticmethod(ag.less)


class GreaterThanSS(_ComparisonSS):
    """Whether elements are greater."""

    compare = staticmethod(ag.greater)


class GreaterThanSD(_ComparisonSD):
    """Whether elements are greater."""

    compare = staticmethod(ag.greater)


class LessEqualSS(_ComparisonSS):
    """Whether elements are less or equal."""

    compare = staticmethod(ag.less_equal)


class LessEqualSD(_ComparisonSD):
    """Whether elements are less or equal."""

    compare = staticmethod(ag.less_equal)


class GreaterEqualSS(_ComparisonSS):
    """Whether elements are greater or equal."""

    compare = staticmethod(ag.greater_equal)


class GreaterEqualSD(_ComparisonSD):
    """Whether elements are greater or equal."""

    compare = staticmethod(ag.greater_equal)


equal_s_s, equal_s_d = EqualSS(), EqualSD()
not_equal_s_s, not_equal_s_d = NotEqualSS(), NotEqualSD()
less_than_s_s, less_than_s_d = LessThanSS(), LessThanSD()
greater_than_s_s, greater_than_s_d = GreaterThanSS(), GreaterThanSD()
less_equal_s_s, less_equal_s_d = LessEqualSS(), LessEqualSD()
greater_equal_s_s, greater_equal_s_d = GreaterEqualSS(), GreaterEqualSD()


def _comparison(ss: Any, sd: Any, ds: Any, doc: str) -> Any:
    def helper(x: Any, y: Any) -> Any:
        return _by_kind(x, y, ss, sd, lambda a, b: ds(b, a))

    helper.__doc__ = doc
    return helper


eq = _comparison(equal_s_s, equal_s_d, equal_s_d, "Return whether elements are equal.")
neq = _comparison(not_equal_s_s, not_equal_s_d, not_equal_s_d, "Return whether elements differ.")
lt = _comparison(less_than_s_s, less_than_s_d, greater_than_s_d, "Return whether x < y.")
gt = _comparison(greater_than_s_s, greater_than_s_d, less_than_s_d, "Return whether x > y.")
le = _comparison(less_equal_s_s, less_equal_s_d, greater_equal_s_d, "Return whether x <= y.")
ge = _comparison(greater_equal_s_s, greater_equal_s_d, less_equal_s_d, "Return whether x >= y.")


# -- joining ---------------------------------------------------------------------------------------


class HStack(_SparseOp):
    """Matrices side by side."""

    __props__ = ("format", "dtype")
    axis = 1

    def __init__(self, format: str | None = None, dtype: Any = None) -> None:
        if dtype is None:
            raise ValueError("The output dtype must be specified.")
        self.format, self.dtype = format or "csc", dtype

    def make_node(self, *mat: Any) -> Apply:
        """Return the application."""
        if not mat:
            raise ValueError("Cannot join an empty list of sparses.")
        given = [_sparse(x) for x in mat]
        made = matrices.joined([_cast(x.tensor, self.dtype) for x in given], self.axis)
        made = matrices.by(made, column=self.format == "csc")
        return self.applied(given, made, format=self.format)

    def __str__(self) -> str:
        return f"{type(self).__name__}({self.format},{self.dtype})"


class VStack(HStack):
    """Matrices one below the other."""

    axis = 0


def hstack(blocks: Any, format: str | None = None, dtype: Any = None) -> Any:
    """Return sparse matrices side by side.

    Args:
        blocks: the matrices.
        format: of the result; ``"csc"`` by default.
        dtype: of the result; by default what holds them all.
    """
    blocks = [as_sparse_variable(b) for b in blocks]
    return HStack(format=format, dtype=dtype or upcast(*(b.dtype for b in blocks)))(*blocks)


def vstack(blocks: Any, format: str | None = None, dtype: Any = None) -> Any:
    """Return sparse matrices one below the other; see :func:`hstack`."""
    blocks = [as_sparse_variable(b) for b in blocks]
    return VStack(format=format, dtype=dtype or upcast(*(b.dtype for b in blocks)))(*blocks)


# -- functions of what is stored -------------------------------------------------------------------


def structured_monoid(tensor_op: Any) -> Any:
    """Return a decorator: a function of arrays becomes one of what sparse matrices store."""

    def decorator(f: Any) -> Any:
        def wrapper(*args: Any) -> Any:
            x = _sparse(args[0])
            others = [tensor.as_tensor_variable(a) for a in args[1:]]
            data, indices, starts, shape = csm_properties(x)
            return CSM(x.format)(tensor_op(data, *others), indices, starts, shape)

        scalar_op = getattr(tensor_op, "scalar_op", None)
        wrapper.__name__ = f.__name__ if scalar_op is None else str(scalar_op)
        wrapper.__doc__ = f.__doc__
        return wrapper

    return decorator


def _function_of_stored(name: str, function: Any, doc: str) -> Any:
    made = structured_monoid(function)(lambda *_: None)
    made.__name__, made.__doc__ = name, f"Return {doc}, of what is stored."
    return made


structured_sigmoid = _function_of_stored("structured_sigmoid", tensor.nnet.sigmoid, "the sigmoid")
structured_exp = _function_of_stored("structured_exp", tensor.exp, "the exponential")
structured_log = _function_of_stored("structured_log", tensor.log, "the logarithm")
structured_pow = _function_of_stored("structured_pow", tensor.pow, "a power")
structured_minimum = _function_of_stored("structured_minimum", tensor.minimum, "the lesser")
structured_maximum = _function_of_stored("structured_maximum", tensor.maximum, "the greater")
structured_add = _function_of_stored("structured_add", tensor.add, "the sum with a number")
sin = _function_of_stored("sin", tensor.sin, "the sine")
tan = _function_of_stored("tan", tensor.tan, "the tangent")
arcsin = _function_of_stored("arcsin", tensor.arcsin, "the inverse sine")
arctan = _function_of_stored("arctan", tensor.arctan, "the inverse tangent")
sinh = _function_of_stored("sinh", tensor.sinh, "the hyperbolic sine")
arcsinh = _function_of_stored("arcsinh", tensor.arcsinh, "the inverse hyperbolic sine")
tanh = _function_of_stored("tanh", tensor.tanh, "the hyperbolic tangent")
arctanh = _function_of_stored("arctanh", tensor.arctanh, "the inverse hyperbolic tangent")
rint = _function_of_stored("rint", tensor.round_half_to_even, "the nearest integer")
sgn = _function_of_stored("sgn", tensor.sgn, "the sign")
ceil = _function_of_stored("ceil", tensor.ceil, "the next integer above")
floor = _function_of_stored("floor", tensor.floor, "the next integer below")
log1p = _function_of_stored("log1p", tensor.log1p, "the logarithm of 1 + x")
expm1 = _function_of_stored("expm1", tensor.expm1, "the exponential less 1")
deg2rad = _function_of_stored("deg2rad", tensor.deg2rad, "radians")
rad2deg = _function_of_stored("rad2deg", tensor.rad2deg, "degrees")
trunc = _function_of_stored("trunc", tensor.trunc, "the integer towards 0")
sqr = _function_of_stored("sqr", tensor.sqr, "the square")
sqrt = _function_of_stored("sqrt", tensor.sqrt, "the root")
conj = _function_of_stored("conj", tensor.conj, "the conjugate")


# -- products of matrices --------------------------------------------------------------------------


class TrueDot(_SparseOp):
    """The product of a sparse matrix and a matrix, as a sparse one, with the whole gradient."""

    def __init__(self, grad_preserves_dense: bool = True) -> None:
        self.grad_preserves_dense = grad_preserves_dense

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        if x.dtype != y.dtype:
            raise NotImplementedError("true_dot of different dtypes")
        if not _is_sparse_variable(x):
            raise TypeError(x)
        if x.format not in sparse_formats:
            raise NotImplementedError(f"true_dot of a matrix of format {x.format}")
        if _is_sparse_variable(y):
            made = matrices.sparse_product(x.tensor, y.tensor)
        else:
            whole = matrices.SparseDot(x.tensor, y.tensor)
            made = matrices.from_whole(whole, by_column=x.format == "csc")
        return self.applied([x, y], made, format=x.format)


def true_dot(x: Any, y: Any, grad_preserves_dense: bool = True) -> Any:
    """Return the product of two matrices, of which at least one is sparse, as a sparse matrix.

    Args:
        x: a matrix.
        y: a matrix.
        grad_preserves_dense: nothing here: the gradient by an array is an array.
    """
    x, y = _either(x), _either(y)
    if _is_sparse_variable(x):
        return TrueDot(grad_preserves_dense)(x, y)
    if not _is_sparse_variable(y):
        raise TypeError("true_dot requires at least one sparse argument")
    return transpose(TrueDot(grad_preserves_dense)(y.T, x.T))


class StructuredDot(_SparseOp):
    """The product of a sparse matrix and a matrix; the gradient is by what is stored."""

    def make_node(self, a: Any, b: Any) -> Apply:
        """Return the application."""
        a = as_sparse_variable(a)
        b = _either(b)
        if b.ndim != 2:
            raise NotImplementedError("non-matrix b")
        x, y = _alike(a, b)
        if _is_sparse_variable(b):
            made = matrices.sparse_product(_structured(x), y)
            return self.applied([a, b], made, format=a.format)
        return self.applied([a, b], matrices.product(x, y))


_structured_dot = StructuredDot()


def structured_dot(x: Any, y: Any) -> Any:
    """Return the product of two matrices, of which at least one is sparse.

    The gradient by a sparse matrix is by what is stored.  Of two sparse matrices the product is
    sparse, else it is an array.
    """
    x, y = _either(x), _either(y)
    if _is_sparse_variable(x):
        return _structured_dot(x, y)
    if not _is_sparse_variable(y):
        raise TypeError("structured_dot requires at least one sparse argument")
    return _structured_dot(y.T, x.T).T


class StructuredDotGradCSC(_SparseOp):
    """Products of rows at the places that a matrix stores by columns."""

    def make_node(self, a_indices: Any, a_indptr: Any, b: Any, g_ab: Any) -> Apply:
        """Return the application."""
        return _sampled(self, a_indices, a_indptr, b, g_ab, by_column=True)


class StructuredDotGradCSR(_SparseOp):
    """Products of rows at the places that a matrix stores by rows."""

    def make_node(self, a_indices: Any, a_indptr: Any, b: Any, g_ab: Any) -> Apply:
        """Return the application."""
        return _sampled(self, a_indices, a_indptr, b, g_ab, by_column=False)


def _sampled(op: Any, indices: Any, starts: Any, b: Any, g: Any, *, by_column: bool) -> Apply:
    given = [tensor.as_tensor_variable(indices), tensor.as_tensor_variable(starts)]
    given += [_either(b), _either(g)]
    dtype = g.dtype if by_column else b.dtype
    y, ct = (ag.astype(v.tensor, dtype) for v in given[2:])
    by_line, by_index = (y, ct) if by_column else (ct, y)
    width, count = by_index.type.shape[0], given[0].tensor.type.shape[0]
    structure = matrices.stored_structure(given[0].tensor, given[1].tensor, width, count)
    return op.applied(given, SampledDot(by_line, by_index, *structure))


sdg_csc, sdg_csr = StructuredDotGradCSC(), StructuredDotGradCSR()


def structured_dot_grad(sparse_A: Any, dense_B: Any, ga: Any) -> Any:
    """Return the gradient of :func:`structured_dot` by its sparse matrix."""
    if sparse_A.format not in sparse_formats:
        raise NotImplementedError
    made, op = (CSC, sdg_csc) if sparse_A.format == "csc" else (CSR, sdg_csr)
    _, indices, starts, shape = csm_properties(sparse_A)
    return made(op(indices, starts, dense_B, ga), indices, starts, shape)


class SamplingDot(_SparseOp):
    """``p * dot(x, y.T)``, computed where ``p`` stores elements."""

    def make_node(self, x: Any, y: Any, p: Any) -> Apply:
        """Return the application."""
        x, y, p = tensor.as_tensor_variable(x), tensor.as_tensor_variable(y), _sparse(p)
        dtype = upcast(x.dtype, y.dtype, p.dtype)
        a, b = (ag.astype(v.tensor, dtype) for v in (x, y))
        by_line, by_index = (b, a) if p.format == "csc" else (a, b)
        data, indices, starts = matrices.parts(p.tensor)
        shapes = zip(p.tensor.type.shape, (a.type.shape[0], b.type.shape[0]), strict=True)
        words = "rows and columns of p are as many as rows of x and y"
        indices = agreeing(indices, by_index.type.shape[0], list(shapes), words)
        held = ag.astype(ag.undefined_gradient(data), dtype)
        found = ag.astype(held * SampledDot(by_line, by_index, indices, starts), p.dtype)
        made = matrices.with_data(p.tensor, found)
        return self.applied([x, y, p], made, format=p.format)


sampling_dot = SamplingDot()


class Dot(_SparseOp):
    """The product of two matrices, or a matrix and a vector, as an array."""

    def make_node(self, x: Any, y: Any) -> Apply:
        """Return the application."""
        x, y = _either(x), _either(y)
        if not _is_sparse_variable(x) and not _is_sparse_variable(y):
            raise TypeError(
                "Sparse dot product should have at least one sparse variable as inputs, but the "
                f"inputs are {x} ({x.type}) and {y} ({y.type})."
            )
        for place, variable in enumerate((x, y)):
            if variable.ndim not in (1, 2):
                raise TypeError(
                    f"theano.sparse.Dot: input {place} (0-indexed) must have ndim of 1 or 2, "
                    f"{variable.ndim} given."
                )
        return self.applied([x, y], _product(*map(WholeGradient, _alike(x, y))))

    def __str__(self) -> str:
        return "SparseDot"


def _product(x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return _product(x[None, :], y)[0]
    if y.ndim == 1:
        return _product(x, y[:, None])[:, 0]
    if matrices.stored(x) is not None:
        return matrices.SparseDot(x, y)
    turned = matrices.SparseDot(matrices.transposed(y), ag.transpose(x, (1, 0)))
    return ag.transpose(turned, (1, 0))


_dot = Dot()


def dot(x: Any, y: Any) -> Any:
    """Return the product of two matrices, of which at least one is sparse, as an array."""
    x = as_sparse_variable(x) if hasattr(x, "getnnz") else x
    y = as_sparse_variable(y) if hasattr(y, "getnnz") else y
    if not _is_sparse_variable(x) and not _is_sparse_variable(y):
        raise TypeError("sparse.dot requires at least one sparse argument")
    return _dot(x, y)


class Usmm(_SparseOp):
    """``alpha * dot(x, y) + z``, as an array."""

    def make_node(self, alpha: Any, x: Any, y: Any, z: Any) -> Apply:
        """Return the application."""
        if not _is_sparse_variable(x) and not _is_sparse_variable(y):
            raise TypeError(x)
        alpha, z = tensor.as_tensor_variable(alpha), tensor.as_tensor_variable(z)
        if z.ndim != 2:
            raise AssertionError("z is a matrix")
        if not all(alpha.broadcastable):
            raise AssertionError("alpha is a number")
        dtype = upcast(alpha.dtype, x.dtype, y.dtype, z.dtype)
        factor, more = (ag.astype(v.tensor, dtype) for v in (alpha, z))
        a, b = (_cast(v.tensor, dtype) for v in (x, y))
        return self.applied([alpha, x, y, z], factor * _product(a, b) + more)

    def __str__(self) -> str:
        return "Usmm{no_inplace}"


usmm = Usmm()


# -- elements and slices ---------------------------------------------------------------------------


def _index(x: Any) -> Any:
    found = tensor.as_tensor_variable(x)
    if found.dtype not in integer_dtypes:
        raise AssertionError(f"an index is an integer, not {found.dtype}")
    return found


class GetItemList(_SparseOp):
    """Rows of a matrix."""

    def make_node(self, x: Any, index: Any) -> Apply:
        """Return the application."""
        x, index = _sparse(x), _index(index)
        if index.ndim != 1:
            raise AssertionError("rows are picked by a vector")
        made = matrices.rows_of(x.tensor, index.tensor)
        return self.applied([x, index], made, format=x.format)


get_item_list = GetItemList()


class GetItemListGrad(_SparseOp):
    """A matrix that is 0 but for some rows."""

    def make_node(self, x: Any, index: Any, gz: Any) -> Apply:
        """Return the application."""
        x, index, gz = _sparse(x), _index(index), _sparse(gz)
        zeros = ag.zeros(x.tensor.shape, x.dtype)
        whole = zeros.at[index.tensor].set(ag.astype(gz.tensor, x.dtype))
        made = matrices.from_whole(whole, by_column=x.format == "csc")
        return self.applied([x, index, gz], made, format=x.format)


get_item_list_grad = GetItemListGrad()


class GetItem2Lists(_SparseOp):
    """Elements of a matrix, by their rows and columns, as a vector of floatX."""

    def make_node(self, x: Any, ind1: Any, ind2: Any) -> Apply:
        """Return the application."""
        x, ind1, ind2 = _sparse(x), _index(ind1), _index(ind2)
        made = matrices.lookup(x.tensor, ind1.tensor, ind2.tensor)
        return self.applied([x, ind1, ind2], ag.astype(made, config.floatX))


get_item_2lists = GetItem2Lists()


class GetItem2ListsGrad(_SparseOp):
    """A matrix that is 0 but for some elements."""

    def make_node(self, x: Any, ind1: Any, ind2: Any, gz: Any) -> Apply:
        """Return the application."""
        x, ind1, ind2 = _sparse(x), _index(ind1), _index(ind2)
        gz = tensor.as_tensor_variable(gz)
        zeros = ag.zeros(x.tensor.shape, x.dtype)
        whole = zeros.at[ind1.tensor, ind2.tensor].set(ag.astype(gz.tensor, x.dtype))
        made = matrices.from_whole(whole, by_column=x.format == "csc")
        return self.applied([x, ind1, ind2, gz], made, format=x.format)


get_item_2lists_grad = GetItem2ListsGrad()


def _bound(end: Any) -> Any:
    """Return a bound of a slice as agnesi takes it: as a number, if it is known."""
    return None if end is None else int(end.data) if isinstance(end, Constant) else end.tensor


class GetItem2d(_SparseOp):
    """A part of a matrix, cut out by slices."""

    def make_node(self, x: Any, index: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        if len(index) not in (1, 2):
            raise AssertionError("a matrix has two axes")
        bounds: list[Any] = []
        numbers: list[Any] = [None, None]
        for axis, key in enumerate(index):
            ends = self._ends(key)
            bounds += [e for e in ends if e is not None]
            if any(e is not None for e in ends):
                every = ag.arange(scalar_of(x.tensor.type.shape[axis]))
                numbers[axis] = positions_of(every, slice(*map(_bound, ends)))
        made = matrices.picked(x.tensor, *numbers)
        return self.applied([x, *bounds], made, format=x.format)

    @staticmethod
    def _ends(key: Any) -> list[Any]:
        if not isinstance(key, slice):
            if np.isscalar(key) or getattr(key, "ndim", -1) == 0:
                raise NotImplementedError(
                    "Theano has no sparse vector. Use X[a:b, c:d], X[a:b, c:c+1] or X[a:b] instead."
                )
            raise ValueError(
                "Advanced indexing is not implemented for sparse matrices. Argument not "
                f"supported: {key}"
            )
        found: list[Any] = []
        for what in ("start", "stop", "step"):
            end = getattr(key, what)
            if end is not None:
                end = tensor.as_tensor_variable(end)
                if end.ndim or end.dtype not in tensor.discrete_dtypes:
                    raise ValueError(
                        f"Impossible to index into a sparse matrix with slice where {what}={end}",
                        end.ndim,
                        end.dtype,
                    )
            found.append(end)
        return found


get_item_2d = GetItem2d()


class GetItemScalar(_SparseOp):
    """One element of a matrix."""

    def make_node(self, x: Any, index: Any) -> Apply:
        """Return the application."""
        x = _sparse(x)
        if len(index) != 2:
            raise AssertionError("a matrix has two axes")
        if any(isinstance(k, slice) for k in index):
            raise Exception("GetItemScalar called with a slice as index!")
        keys = [tensor.as_tensor_variable(k) for k in index]
        if any(k.ndim for k in keys):
            raise NotImplementedError("an element is picked by two numbers")
        made = matrices.lookup(x.tensor, *(ag.reshape(k.tensor, 1) for k in keys))
        return self.applied([x, *keys], ag.reshape(made, ()))


get_item_scalar = GetItemScalar()


class ConstructSparseFromList(_SparseOp):
    """A matrix of the shape of another one that is 0 but for some rows; stored by columns."""

    def make_node(self, x: Any, values: Any, ilist: Any) -> Apply:
        """Return the application."""
        x, values, ilist = (tensor.as_tensor_variable(v) for v in (x, values, ilist))
        if ilist.dtype not in integer_dtypes:
            raise TypeError("index must be integers")
        if ilist.ndim != 1:
            raise TypeError("index must be vector")
        if x.ndim != 2:
            raise TypeError(f"cannot create a sparse matrix with {x.ndim} dimensions")
        if values.ndim != 2:
            raise TypeError(f"cannot create a sparse matrix from values with {values.ndim} ndim")
        rows, columns = values.tensor.type.shape
        turned = ag.transpose(ag.astype(values.tensor, x.dtype), (1, 0))
        shape = tuple(map(scalar_of, (columns, rows)))
        places = ag.reshape(ag.broadcast_to(ag.astype(ilist.tensor, "int64"), shape), -1)
        starts = ag.arange(scalar_of(add_sizes(columns, 1))) * scalar_of(rows)
        data = ag.reshape(turned, -1)
        made = matrices.compressed(data, places, starts, *x.tensor.type.shape, by_column=True)
        inputs = [tensor.shape(x), values, ilist]
        return self.applied(inputs, made, format="csc")


construct_sparse_from_list = ConstructSparseFromList()

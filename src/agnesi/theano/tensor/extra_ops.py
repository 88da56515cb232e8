"""More functions of arrays."""

from __future__ import annotations

import warnings
from typing import Any

import agnesi as ag
from agnesi.theano.configparser import config
from agnesi.theano.missing import submodule
from agnesi.theano.tensor import basic, shapes
from agnesi.theano.tensor.casting import DISCRETE, upcast
from agnesi.theano.tensor.elementary import ge, maximum
from agnesi.theano.tensor.native_op import NativeOp
from agnesi.theano.tensor.opt import Assert
from agnesi.theano.tensor.subtensor import inc_subtensor, set_subtensor

as_tensor_variable = basic.as_tensor_variable
_INTEGERS = ("int8", "int16", "int32", "int64")


class CpuContiguous(NativeOp):
    """An array in C order, which all arrays of agnesi are."""

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """The array."""
        return ag.positive(x)


cpu_contiguous = CpuContiguous()


class SearchsortedOp(NativeOp):
    """Where values belong in a sorted vector.

    Attributes:
        side: ``"left"``, before equal elements, or ``"right"``, after them.
    """

    __props__ = ("side",)

    def __init__(self, side: str = "left") -> None:
        if side not in ("left", "right"):
            raise ValueError(f"'{side}' is an invalid value for keyword 'side'")
        self.side = side

    def convert(self, x: Any, v: Any, sorter: Any = None) -> list[Any]:
        """A vector, values, and maybe the order in which the vector is sorted."""
        x, v = as_tensor_variable(x, ndim=1), as_tensor_variable(v)
        if sorter is None:
            return [x, v]
        sorter = as_tensor_variable(sorter, ndim=1)
        if sorter.dtype not in _INTEGERS:
            raise TypeError("sorter must be an integer vector", sorter.type)
        return [x, v, sorter]

    def build(self, x: ag.Tensor, v: ag.Tensor, *sorter: ag.Tensor) -> ag.Tensor:
        """In int64."""
        side: Any = self.side
        return ag.searchsorted(x, v, side, *sorter)


def searchsorted(x: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Return where values belong in a sorted vector, as ``numpy.searchsorted``."""
    return SearchsortedOp(side)(x, v, sorter)


class CumOp(NativeOp):
    """Running sums or products.

    Attributes:
        axis: along which; None for all elements in one row.
        mode: ``"add"`` or ``"mul"``.
    """

    __props__ = ("axis", "mode")

    def __init__(self, axis: Any = None, mode: str = "add") -> None:
        if mode not in ("add", "mul"):
            raise ValueError(f'{type(self).__name__}: Unknown mode "{mode}"')
        self.axis, self.mode = axis, mode

    def convert(self, x: Any) -> list[Any]:
        """An array that has the axis."""
        x = as_tensor_variable(x)
        if self.axis is not None and not -x.ndim <= self.axis < x.ndim:
            raise ValueError(f"axis(={self.axis}) out of bounds")
        return [x]

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """In the dtype of the array."""
        running = ag.cumsum if self.mode == "add" else ag.cumprod
        return ag.astype(running(x, self.axis), x.dtype)

    def __str__(self) -> str:
        return f"{self.name}{{{self.axis}, {self.mode}}}"


def CumsumOp(axis: Any = None) -> CumOp:
    """Return the op of running sums: an old name."""
    return CumOp(axis, "add")


def CumprodOp(axis: Any = None) -> CumOp:
    """Return the op of running products: an old name."""
    return CumOp(axis, "mul")


def cumsum(x: Any, axis: Any = None) -> Any:
    """Return running sums along an axis, or of all elements in one row."""
    return CumOp(axis, "add")(x)


def cumprod(x: Any, axis: Any = None) -> Any:
    """Return running products along an axis, or of all elements in one row."""
    return CumOp(axis, "mul")(x)


class DiffOp(NativeOp):
    """Differences of neighbours.

    Attributes:
        n: how often they are taken.
        axis: along which.
    """

    __props__ = ("n", "axis")

    def __init__(self, n: int = 1, axis: int = -1) -> None:
        self.n, self.axis = n, axis

    def build(self, x: ag.Tensor) -> ag.Tensor:
        """In the dtype of the array."""
        return ag.diff(x, self.n, self.axis)


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """Return differences of neighbours along an axis, taken ``n`` times."""
    return DiffOp(n, axis)(x)


def bincount(
    x: Any, weights: Any = None, minlength: Any = None, assert_nonneg: bool = False
) -> Any:
    """Return how often each integer comes, in the dtype of the integers or of the weights.

    Args:
        x: vector of integers that are not negative.
        weights: what each of them counts.
        minlength: least number of counts.
        assert_nonneg: whether a negative integer is an ``AssertionError``.

    Raises:
        TypeError: ``x`` is no vector of integers.
    """
    x = as_tensor_variable(x)
    if x.ndim != 1:
        raise TypeError("Inputs must be of dimension 1.")
    if x.dtype not in DISCRETE:
        raise TypeError(f"bincount: integers are counted, not {x.type}")
    if assert_nonneg:
        x = Assert("Input to bincount has negative values!")(x, basic.all(ge(x, 0)))
    count = basic.cast(x.max() + 1, "int64")
    if minlength is not None:
        count = maximum(count, minlength)
    weights = None if weights is None else as_tensor_variable(weights)
    zeros = basic.zeros([count], dtype=x.dtype if weights is None else weights.dtype)
    one = basic.constant(1, dtype=zeros.dtype)
    return inc_subtensor(zeros[x], one if weights is None else weights)


def squeeze(x: Any) -> Any:
    """Return an array without the axes that are known to have size 1."""
    x = as_tensor_variable(x)
    return x.dimshuffle([k for k, one in enumerate(x.broadcastable) if not one])


def compress(condition: Any, x: Any, axis: Any = None) -> Any:
    """Return slices along an axis for which a condition holds; of all elements if it is None."""
    return as_tensor_variable(x).take(basic.flatnonzero(condition), axis=axis)


class RepeatOp(NativeOp):
    """Elements repeated.

    Attributes:
        axis: along which; None for all elements in one row.
    """

    __props__ = ("axis",)

    def __init__(self, axis: Any = None) -> None:
        self.axis = axis

    def convert(self, x: Any, repeats: Any) -> list[Any]:
        """An array; a number, or one for each element."""
        x, repeats = as_tensor_variable(x), as_tensor_variable(repeats)
        if repeats.dtype not in DISCRETE:
            raise TypeError("repeats.dtype must be an integer.")
        if repeats.dtype == "uint64":
            raise TypeError(
                "dtypes ('uint64',) are not supported by numpy.repeat for the 'repeats' parameter",
                repeats.dtype,
            )
        return [x, repeats]

    def build(self, x: ag.Tensor, repeats: ag.Tensor) -> ag.Tensor:
        """As ``numpy.repeat``."""
        if repeats.ndim:
            return ag.repeat(x, repeats, self.axis)
        size = shapes.one_size(repeats)
        return ag.repeat(x, size if isinstance(size, int) else shapes.SizeValue(size), self.axis)


def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Return elements repeated along an axis, or all in one row.

    Args:
        x: array.
        repeats: how often; or a vector with a number for each element.
        axis: along which.

    Raises:
        ValueError: numbers with more than one axis, or no such axis.
        TypeError: the numbers are no integers.
    """
    x, repeats = as_tensor_variable(x), as_tensor_variable(repeats)
    if repeats.ndim > 1:
        raise ValueError("The dimension of repeats should not exceed 1.")
    if repeats.ndim == 1 and repeats.broadcastable[0]:
        repeats = repeats[0]
    if repeats.ndim == 0 and x.dtype == "uint64":
        raise TypeError("theano.tensor.repeat don't support dtype uint64")
    if axis is not None and axis >= x.ndim:
        raise ValueError("Axis should not exceed x.ndim-1.")
    return RepeatOp(axis)(x, repeats)


class Bartlett(NativeOp):
    """The triangular window of so many points."""

    def convert(self, M: Any) -> list[Any]:
        """An integer."""
        M = as_tensor_variable(M)
        if M.ndim != 0:
            raise TypeError(f"{self.name} only works on scalar input")
        if M.dtype not in DISCRETE:
            raise TypeError(f"{self.name} only works on integer input")
        return [M]

    def build(self, M: ag.Tensor) -> ag.Tensor:
        """In float64."""
        return ag.bartlett(shapes.whole(M))


bartlett_ = Bartlett()


def bartlett(M: Any) -> Any:
    """Return the triangular window of so many points."""
    return bartlett_(M)


class FillDiagonal(NativeOp):
    """An array with its diagonal set to a number."""

    def convert(self, a: Any, val: Any) -> list[Any]:
        """An array of two or more axes, and a scalar that its dtype holds."""
        a, val = as_tensor_variable(a), as_tensor_variable(val)
        if a.ndim < 2:
            raise TypeError(f"{self.name}: first parameter must have at least two dimensions")
        return [a, _held(self.name, a, val)]

    def build(self, a: ag.Tensor, val: ag.Tensor) -> ag.Tensor:
        """A diagonal that ends is not begun anew."""
        return ag.fill_diagonal(a, val)


def _held(what: str, a: Any, val: Any) -> Any:
    if val.ndim != 0:
        raise TypeError(f"{what}: second parameter must be a scalar")
    if upcast(a.dtype, val.dtype) != a.dtype:
        raise TypeError(f"{what}: type of second parameter must be the same as the first's")
    return basic.cast(val, a.dtype)


fill_diagonal_ = FillDiagonal()


def fill_diagonal(a: Any, val: Any) -> Any:
    """Return an array with its diagonal set to a number."""
    return fill_diagonal_(a, val)


class FillDiagonalOffset(NativeOp):
    """A matrix with a diagonal set to a number."""

    def convert(self, a: Any, val: Any, offset: Any) -> list[Any]:
        """A matrix, a scalar that its dtype holds, and an integer."""
        a, val, offset = (as_tensor_variable(v) for v in (a, val, offset))
        if a.ndim != 2:
            raise TypeError(f"{self.name}: first parameter must have exactly two dimensions")
        if offset.ndim != 0:
            raise TypeError(f"{self.name}: third parameter must be a scalar")
        if offset.dtype not in DISCRETE:
            raise TypeError(f"{self.name}: type of third parameter must be as integer")
        return [a, _held(self.name, a, val), offset]

    def build(self, a: ag.Tensor, val: ag.Tensor, offset: ag.Tensor) -> ag.Tensor:
        """The offset is positive above the main diagonal."""
        return ag.fill_diagonal_offset(a, val, shapes.whole(offset))


fill_diagonal_offset_ = FillDiagonalOffset()


def fill_diagonal_offset(a: Any, val: Any, offset: Any) -> Any:
    """Return a matrix with the diagonal ``offset`` above the main one set to a number."""
    return fill_diagonal_offset_(a, val, offset)


def to_one_hot(y: Any, nb_class: Any, dtype: Any = None) -> Any:
    """Return a row for each integer, 1 at that place and 0 elsewhere."""
    dtype = config.floatX if dtype is None else dtype
    y = as_tensor_variable(y)
    made = basic.zeros((y.shape[0], nb_class), dtype=dtype)
    rows = basic.arange(y.shape[0])
    return set_subtensor(made[rows, y], basic.constant(1, dtype=dtype))


class Unique(NativeOp):
    """The distinct elements, or slices along an axis, in order.

    Attributes:
        return_index: whether it is returned where each occurs first.
        return_inverse: whether it is returned which of them each element is.
        return_counts: whether it is returned how often each occurs.
        axis: of the slices; None for elements.
    """

    __props__ = ("return_index", "return_inverse", "return_counts", "axis")

    def __init__(
        self,
        return_index: bool = False,
        return_inverse: bool = False,
        return_counts: bool = False,
        axis: Any = None,
    ) -> None:
        self.return_index, self.return_inverse = return_index, return_inverse
        self.return_counts, self.axis = return_counts, axis
        self.nout = 1 + sum(map(bool, (return_index, return_inverse, return_counts)))

    def convert(self, x: Any) -> list[Any]:
        """An array that has the axis."""
        x = as_tensor_variable(x)
        if self.axis is not None and not -x.ndim <= self.axis < x.ndim:
            raise RuntimeError(f"Unique axis `{self.axis}` is outside of input ndim = {x.ndim}.")
        return [x]

    def build(self, x: ag.Tensor) -> Any:
        """As NumPy's before version 2: what each element is, is a vector."""
        wanted = (self.return_index, self.return_inverse, self.return_counts)
        found = ag.unique(x, *map(bool, wanted), axis=self.axis)
        if self.nout == 1:
            return found
        parts = list(found)
        if self.return_inverse:
            place = 1 + int(bool(self.return_index))
            parts[place] = ag.reshape(parts[place], -1)
        return parts


class UnravelIndex(NativeOp):
    """Places in a row as indices of each axis of a shape.

    Attributes:
        ndim: how many axes there are.
        order: ``"C"``; ``"F"`` means nothing, as in Theano 1.0.5, and warns.
    """

    __props__ = ("ndim", "order")

    def __init__(self, ndim: Any, order: str = "C") -> None:
        if order not in ("C", "F"):
            raise AssertionError(f"order must be 'C' or 'F', not {order!r}")
        if order == "F":
            warnings.warn(
                'unravel_index: order="F" means nothing, as in Theano 1.0.5: places are counted '
                'in order "C"',
                stacklevel=3,
            )
        if not isinstance(ndim, int) or ndim < 1:
            raise ValueError("ndim must be an integer greater than 0")
        self.ndim, self.order, self.nout = ndim, order, ndim

    def convert(self, indices: Any, dims: Any) -> list[Any]:
        """Integers, and a vector of them."""
        return [_index(indices), _shape(dims)]

    def build(self, indices: ag.Tensor, dims: ag.Tensor) -> list[ag.Tensor]:
        """An array for each axis."""
        sizes = shapes.sizes_in(dims, self.ndim)
        wanted = tuple(n if isinstance(n, int) else shapes.SizeValue(n) for n in sizes)
        return [ag.astype(part, "i64") for part in ag.unravel_index(indices, wanted)]


def _index(i: Any) -> Any:
    i = as_tensor_variable(i)
    if i.dtype not in _INTEGERS:
        raise TypeError(f"'{i.dtype}' object cannot be interpreted as an index")
    return i


def _shape(dims: Any) -> Any:
    dims = _index(dims)
    if dims.ndim != 1:
        raise TypeError("dims must be a 1D array")
    return dims


def unravel_index(indices: Any, dims: Any, order: str = "C", ndim: int | None = None) -> Any:
    """Return places in a row as indices of each axis of a shape.

    Args:
        indices: places.
        dims: the shape.
        order: ``"C"``, the last axis first; ``"F"`` means nothing, as in Theano 1.0.5, and warns.
        ndim: how many axes there are, where ``dims`` does not tell.

    Raises:
        ValueError: how many axes there are is not known.
    """
    if ndim is None:
        try:
            ndim = basic.get_vector_length(as_tensor_variable(dims))
        except ValueError:
            raise ValueError(
                f"The length of the provided dimension list ({dims}) cannot be automatically "
                "determined, so the number of dimensions of the unraveled index is not known. "
                "Give ndim= to unravel_index."
            ) from None
    return tuple(UnravelIndex(ndim, order)(indices, dims, return_list=True))


class RavelMultiIndex(NativeOp):
    """Indices of each axis of a shape as places in a row.

    Attributes:
        mode: of indices that are not within the shape: ``"raise"``, ``"wrap"`` or ``"clip"``.
        order: ``"C"`` or ``"F"``.
    """

    __props__ = ("mode", "order")

    def __init__(self, mode: str = "raise", order: str = "C") -> None:
        if mode not in ("raise", "wrap", "clip"):
            raise AssertionError(f"mode must be 'raise', 'wrap' or 'clip', not {mode!r}")
        if order not in ("C", "F"):
            raise AssertionError(f"order must be 'C' or 'F', not {order!r}")
        self.mode, self.order = mode, order

    def convert(self, *inp: Any) -> list[Any]:
        """Integers of each axis, and the shape."""
        return [*(_index(i) for i in inp[:-1]), _shape(inp[-1])]

    def build(self, *ts: ag.Tensor) -> ag.Tensor:
        """In int64."""
        parts = ts[:-1]
        sizes = shapes.sizes_in(ts[-1], len(parts))
        wanted = tuple(n if isinstance(n, int) else shapes.SizeValue(n) for n in sizes)
        if self.order == "F":
            parts, wanted = parts[::-1], wanted[::-1]
        mode: Any = self.mode
        return ag.astype(ag.ravel_multi_index(parts, wanted, mode=mode), "i64")


def ravel_multi_index(multi_index: Any, dims: Any, mode: str = "raise", order: str = "C") -> Any:
    """Return indices of each axis of a shape as places in a row.

    Args:
        multi_index: a tuple or list of indices, one for each axis.
        dims: the shape.
        mode: of indices that are not within the shape: ``"raise"``, ``"wrap"`` or ``"clip"``.
        order: ``"C"``, the last axis first, or ``"F"``, the first one first.

    Raises:
        TypeError: the indices are no tuple or list.
    """
    if not isinstance(multi_index, tuple | list):
        raise TypeError("multi_index must be a tuple or a list.")
    return RavelMultiIndex(mode, order)(*multi_index, dims)


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Variables that are arrays: their operators and methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Constant, Variable
from agnesi.theano.tensor.type import TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator


def _t() -> Any:
    from agnesi.theano import tensor

    return tensor


class AsTensorError(TypeError):
    """What was given cannot be made a variable."""


class _tensor_py_operators:
    """Operators and methods that all arrays have.

    ``==`` and ``!=`` compare identities, as Theano has them: ``T.eq`` compares elements.
    """

    type: Any
    tag: Any

    # -- arithmetic ----------------------------------------------------------------------------

    def __abs__(self) -> Any:
        return _t().abs_(self)

    def __neg__(self) -> Any:
        return _t().neg(self)

    def __pos__(self) -> Any:
        return self

    def __lt__(self, other: Any) -> Any:
        return _compared("lt", self, other)

    def __le__(self, other: Any) -> Any:
        return _compared("le", self, other)

    def __gt__(self, other: Any) -> Any:
        return _compared("gt", self, other)

    def __ge__(self, other: Any) -> Any:
        return _compared("ge", self, other)

    def __bool__(self) -> bool:
        # Comparisons have no truth; others, as in Theano, are true, for `if x:` in programs.
        if self.__dict__.get("is_comparison"):
            raise TypeError(
                "Variables do not support boolean operations. This can happen if you do a logical "
                "operation (<, <=, >, <=, ==, !=) between numpy arrays and variables, or use "
                "`if`, `and`, `or` with a symbolic comparison: use theano.tensor.switch."
            )
        return True

    def __invert__(self) -> Any:
        return _t().invert(self)

    def __and__(self, other: Any) -> Any:
        return _t().and_(self, other)

    def __or__(self, other: Any) -> Any:
        return _t().or_(self, other)

    def __xor__(self, other: Any) -> Any:
        return _t().xor(self, other)

    def __rand__(self, other: Any) -> Any:
        return _t().and_(other, self)

    def __ror__(self, other: Any) -> Any:
        return _t().or_(other, self)

    def __rxor__(self, other: Any) -> Any:
        return _t().xor(other, self)

    def __add__(self, other: Any) -> Any:
        return _binary("add", self, other)

    def __sub__(self, other: Any) -> Any:
        return _binary("sub", self, other)

    def __mul__(self, other: Any) -> Any:
        return _binary("mul", self, other)

    def __div__(self, other: Any) -> Any:
        return _binary("true_div", self, other)

    __truediv__ = __div__

    def __floordiv__(self, other: Any) -> Any:
        return _binary("floor_div", self, other)

    def __pow__(self, other: Any) -> Any:
        return _binary("pow", self, other)

    def __mod__(self, other: Any) -> Any:
        return _binary("mod_check", self, other)

    def __divmod__(self, other: Any) -> Any:
        return _t().divmod(self, other)

    def __matmul__(self, other: Any) -> Any:
        return _t().dot(self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary("add", other, self)

    def __rsub__(self, other: Any) -> Any:
        return _binary("sub", other, self)

    def __rmul__(self, other: Any) -> Any:
        return _binary("mul", other, self)

    def __rdiv__(self, other: Any) -> Any:
        return _binary("true_div", other, self)

    __rtruediv__ = __rdiv__

    def __rfloordiv__(self, other: Any) -> Any:
        return _binary("floor_div", other, self)

    def __rmod__(self, other: Any) -> Any:
        return _binary("mod_check", other, self)

    def __rdivmod__(self, other: Any) -> Any:
        return _t().divmod(other, self)

    def __rpow__(self, other: Any) -> Any:
        return _binary("pow", other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return _t().dot(other, self)

    def __ceil__(self) -> Any:
        return _t().ceil(self)

    def __floor__(self) -> Any:
        return _t().floor(self)

    def __trunc__(self) -> Any:
        return _t().trunc(self)

    def transfer(self, target: Any) -> Any:
        """Return the variable on a device: the processor."""
        return _t().transfer(self, target)

    # -- shape ---------------------------------------------------------------------------------

    @property
    def shape(self) -> Any:
        """The shape, a vector of int64."""
        return _t().shape(self)

    @property
    def size(self) -> Any:
        """The number of elements."""
        if self.ndim == 0:
            return _t().constant(1, dtype="int64")
        return _t().prod(self.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.type.ndim

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each axis whether its size is 1, so that it repeats."""
        return self.type.broadcastable

    @property
    def dtype(self) -> str:
        """Element type."""
        return self.type.dtype

    @property
    def T(self) -> Any:
        """All axes reversed."""
        return _t().transpose(self)

    def reshape(self, shape: Any, ndim: int | None = None) -> Any:
        """The same elements in another shape."""
        given: Any = ndim
        if given is not None and not isinstance(given, int | np.integer):
            raise ValueError(f"Expected ndim to be an integer, is {type(given)}")
        return _t().reshape(self, shape, ndim=ndim)

    def dimshuffle(self, *pattern: Any) -> Any:
        """Axes in another order; ``"x"`` is a new one."""
        if len(pattern) == 1 and isinstance(pattern[0], list | tuple):
            pattern = tuple(pattern[0])
        return _t().DimShuffle(self.type.broadcastable, pattern)(self)

    def flatten(self, ndim: int = 1) -> Any:
        """The last axes as one, so that there are ``ndim``."""
        return _t().flatten(self, ndim)

    def ravel(self) -> Any:
        """All elements along one axis."""
        return _t().flatten(self)

    def transpose(self, *axes: Any) -> Any:
        """Axes in another order."""
        if not axes:
            return _t().transpose(self)
        if len(axes) == 1 and isinstance(axes[0], list | tuple | np.ndarray):
            axes = tuple(axes[0])
        return _t().transpose(self, axes)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return _t().swapaxes(self, axis1, axis2)

    def squeeze(self) -> Any:
        """Without axes of size 1."""
        return _t().squeeze(self)

    # -- reading -------------------------------------------------------------------------------

    def __getitem__(self, args: Any) -> Any:
        from agnesi.theano.tensor.subtensor import subtensor

        return subtensor(self, args)

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
        """Elements at integers along an axis."""
        return _t().take(self, indices, axis, mode)

    def __iter__(self) -> Iterator[Any]:
        length = _t().get_vector_length_or_none(self) if self.ndim else None
        if length is None:
            if self.ndim == 1:
                raise ValueError(f"length not known: {self}")
            raise TypeError(
                "TensorType does not support iteration. Maybe you are using builtin.sum instead of "
                "theano.tensor.sum? (Maybe .max?)"
            )
        return (self[k] for k in range(length))

    def __len__(self) -> int:
        raise TypeError(f"object of type '{type(self).__name__}' has no len(): use x.shape[0]")

    def __contains__(self, item: Any) -> Any:
        raise TypeError(f"in: what {self} contains is not known; use T.any(T.eq(x, item))")

    # -- functions -----------------------------------------------------------------------------

    def copy(self, name: str | None = None) -> Any:
        """A copy."""
        made = _t().tensor_copy(self)
        made.name = name
        return made

    def astype(self, dtype: Any) -> Any:
        """The same values in another dtype."""
        return _t().cast(self, dtype)

    def norm(self, L: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The L-norm over axes."""
        if L == 0:
            raise NotImplementedError("Optimization of this op in Theano is not implemented: L=0")
        if np.isinf(L):
            raise NotImplementedError("norm with L=inf: use abs(x).max()")
        t = _t()
        made = t.pow(t.pow(t.abs_(self), L).sum(axis=axis), 1.0 / L)
        return t.makeKeepDims(self, made, axis) if keepdims else made

    def get_scalar_constant_value(self) -> Any:
        """The value, where it is a known number."""
        return _t().get_scalar_constant_value(self)

    def zeros_like(self, dtype: Any = None) -> Any:
        """Zeros of the same shape."""
        return _t().zeros_like(self, dtype=dtype)

    def ones_like(self, dtype: Any = None) -> Any:
        """Ones of the same shape."""
        return _t().ones_like(self, dtype=dtype)

    def sort(self, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
        """The elements in order."""
        return _t().sort(self, axis, kind, order)

    def argsort(self, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
        """Positions of the elements in order."""
        return _t().argsort(self, axis, kind, order)

    def clip(self, a_min: Any, a_max: Any) -> Any:
        """Values limited to an interval."""
        return _t().clip(self, a_min, a_max)

    def conj(self) -> Any:
        """Complex conjugates."""
        return _t().conj(self)

    conjugate = conj

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Elements repeated."""
        return _t().repeat(self, repeats, axis)

    def round(self, mode: Any = None) -> Any:
        """Nearest whole numbers."""
        return _t().round(self, mode)

    def trace(self) -> Any:
        """Sum of the diagonal."""
        return _t().nlinalg.trace(self)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """A diagonal."""
        return _t().diagonal(self, offset, axis1, axis2)

    def nonzero(self, return_matrix: bool = False) -> Any:
        """Indices of the elements that are not 0."""
        return _t().nonzero(self, return_matrix=return_matrix)

    def nonzero_values(self) -> Any:
        """The elements that are not 0."""
        return _t().nonzero_values(self)

    def cumsum(self, axis: Any = None) -> Any:
        """Running sums."""
        return _t().cumsum(self, axis)

    def cumprod(self, axis: Any = None) -> Any:
        """Running products."""
        return _t().cumprod(self, axis)

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Any:
        """Where values belong in this sorted vector."""
        return _t().searchsorted(self, v, side, sorter)

    def choose(self, a: Any, choices: Any = None, out: Any = None, mode: str = "raise") -> Any:
        """Elements of arrays that these integers name."""
        if choices is None:
            a, choices = self, a
        return _t().choose(a, choices, out, mode)

    def compress(self, a: Any, axis: Any = None) -> Any:
        """Slices for which a condition holds."""
        return _t().compress(self, a, axis)

    def fill(self, value: Any) -> Any:
        """A value in each place."""
        return _t().fill(self, value)

    def dot(self, right: Any) -> Any:
        """Matrix product."""
        return _t().dot(self, right)

    def sum(
        self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
    ) -> Any:
        """Sum over axes."""
        return _t().sum(self, axis, dtype, keepdims, acc_dtype)

    def prod(
        self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
    ) -> Any:
        """Product over axes."""
        return _t().prod(self, axis, dtype, keepdims, acc_dtype)

    def mean(
        self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None
    ) -> Any:
        """Mean over axes."""
        return _t().mean(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def var(
        self, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
    ) -> Any:
        """Variance over axes."""
        return _t().var(self, axis, ddof, keepdims, corrected)

    def std(
        self, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False
    ) -> Any:
        """Standard deviation over axes."""
        return _t().std(self, axis, ddof, keepdims, corrected)


for _name in ("all", "any", "max", "min", "argmax", "argmin", "ptp"):

    def _over_axes(self: Any, axis: Any = None, keepdims: bool = False, _name: str = _name) -> Any:
        if _name == "ptp":
            return _t().ptp(self, axis)
        return getattr(_t(), _name)(self, axis=axis, keepdims=keepdims)

    setattr(_tensor_py_operators, _name, _over_axes)

for _name in [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "ceil",
    "cos",
    "cosh",
    "deg2rad",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "log",
    "log10",
    "log1p",
    "log2",
    "rad2deg",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
]:

    def _of_element(self: Any, _name: str = _name) -> Any:
        return getattr(_t(), _name)(self)

    setattr(_tensor_py_operators, _name, _of_element)

for _name in ("real", "imag"):
    setattr(
        _tensor_py_operators, _name, property(lambda self, _name=_name: getattr(_t(), _name)(self))
    )


def _binary(name: str, a: Any, b: Any) -> Any:
    try:
        return getattr(_t(), name)(a, b)
    except (NotImplementedError, AsTensorError):
        return NotImplemented


def _compared(name: str, a: Any, b: Any) -> Any:
    made = getattr(_t(), name)(a, b)
    made.__dict__["is_comparison"] = True
    return made


class TensorVariable(_tensor_py_operators, Variable):
    """A symbolic array."""

    def __init__(
        self,
        type: Any,
        owner: Any = None,
        index: Any = None,
        name: str | None = None,
        tensor: Any = None,
    ) -> None:
        super().__init__(type, owner, index, name, tensor)
        if config.warn_float64 != "ignore" and type.dtype == "float64":
            message = (
                "You are creating a TensorVariable with float64 dtype. You requested an action via "
                "the Theano flag warn_float64={ignore,warn,raise,pdb}."
            )
            if config.warn_float64 == "warn":
                import warnings

                warnings.warn(message, stacklevel=3)
            elif config.warn_float64 == "raise":
                raise Exception(message)

    __hash__ = object.__hash__


class TensorConstantSignature(tuple[Any, Any]):
    """A type and an array: equal where both are, of which NaN is equal to itself."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorConstantSignature):
            return False
        (kind, data), (other_kind, other_data) = self, other
        return bool(
            kind == other_kind
            and data.shape == other_data.shape
            and np.array_equal(data, other_data, equal_nan=data.dtype.kind in "fc")
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        kind, data = self
        return hash((TensorConstantSignature, kind, data.shape, str(data)))


class TensorConstant(_tensor_py_operators, Constant):
    """An array whose value is known."""

    __hash__ = object.__hash__

    def signature(self) -> Any:
        """Return what is equal for equal constants."""
        return TensorConstantSignature((self.type, np.asarray(self.data)))

    def equals(self, other: Any) -> bool:
        """Whether another constant, or a number or array, is equal."""
        if isinstance(other, np.ndarray | int | float):
            other = _t().constant(other)
        return isinstance(other, TensorConstant) and self.signature() == other.signature()

    def __str__(self) -> str:
        text = str(self.data)
        if self.ndim and self.data.size and (self.data == self.data.flat[0]).all():
            text = f"{self.data.shape} of {self.data.flat[0]}"
        return f"TensorConstant{{{text if len(text) <= 20 else f'{text[:10]}..{text[-10:]}'}}}"


TensorType.Variable = TensorVariable
TensorType.Constant = TensorConstant

"""Types of arrays: a dtype, and which axes have size 1 and so repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import as_dtype
from agnesi.dims.dim import renewed_symbol
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.leaves import renewed_input
from agnesi.graph.types import TensorType as Kind
from agnesi.theano.configparser import config
from agnesi.theano.gof.type import Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import agnesi as ag

_RANKS = {0: "scalar", 1: "vector", 2: "matrix"}


class TensorType(Type):
    """Arrays of a dtype and a number of axes.

    Attributes:
        dtype: element type, ``"float32"``.
        broadcastable: for each axis whether its size is 1, so that it repeats.
    """

    Variable: Any = None  # put there by tensor/var.py
    Constant: Any = None
    context_name = "cpu"
    is_object = False
    encoded = False
    # Whether `filter` refuses NaN and infinity.
    filter_checks_isfinite = False

    def __init__(
        self,
        dtype: Any,
        broadcastable: Sequence[Any],
        name: str | None = None,
        sparse_grad: bool = False,
    ) -> None:
        self.dtype = config.floatX if dtype == "floatX" else str(np.dtype(dtype))
        as_dtype(self.dtype)
        self.broadcastable = tuple(bool(b) for b in broadcastable)
        self.name, self.sparse_grad = name, sparse_grad

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.broadcastable)

    @property
    def numpy_dtype(self) -> Any:
        """NumPy's dtype."""
        return np.dtype(self.dtype)

    def clone(self, dtype: Any = None, broadcastable: Any = None) -> TensorType:
        """Return a type with another dtype or other axes."""
        return TensorType(
            self.dtype if dtype is None else dtype,
            self.broadcastable if broadcastable is None else broadcastable,
            self.name,
            self.sparse_grad,
        )

    def new_tensor(self, name: str | None) -> ag.Tensor:
        """Return a fresh input of agnesi."""
        shape = tuple(
            1 if one else renewed_symbol(f"{name or 'x'}.{axis}")
            for axis, one in enumerate(self.broadcastable)
        )
        return renewed_input(name, Kind(as_dtype(self.dtype), shape))

    def constant_tensor(self, data: Any) -> ag.Tensor:
        """Return a constant of agnesi."""
        array = np.ascontiguousarray(data)
        return ConstantTensor(array.tobytes(), Kind(as_dtype(self.dtype), np.shape(data)))

    def native_kind(self) -> tuple[str, tuple[bool, ...]]:
        """Return the dtype and the broadcast pattern."""
        return self.dtype, self.broadcastable

    def encode(self, value: Any) -> Any:
        """Return the array itself."""
        return value

    def decode(self, array: Any) -> Any:
        """Return the array itself."""
        return array

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """Return an array of this type made of some data.

        Args:
            data: array, list or number.
            strict: take nothing but an array of this very type.
            allow_downcast: whether values may lose precision; None: Python floats may, to floatX.

        Raises:
            TypeError: the data do not fit.
        """
        from agnesi.theano.gof.graph import Variable

        if isinstance(data, Variable):
            raise TypeError(
                "Expected an array-like object, but found a Variable: maybe you are trying to call "
                "a function on a (possibly shared) variable instead of a numeric array?"
            )
        wanted = self.numpy_dtype
        if strict or (isinstance(data, np.ndarray) and data.dtype == wanted):
            if not isinstance(data, np.ndarray | np.generic):
                raise TypeError(f"{self} expected a ndarray object.", data, type(data))
            if data.dtype != wanted:
                raise TypeError(
                    f"{self} expected a ndarray object with dtype = {self.dtype} "
                    f"(got {data.dtype})."
                )
            array = np.asarray(data)
        else:
            array = self._converted(data, wanted, allow_downcast)
        if array.ndim != self.ndim:
            raise TypeError(
                f"Wrong number of dimensions: expected {self.ndim}, got {array.ndim} with shape "
                f"{array.shape}."
            )
        for axis, one in enumerate(self.broadcastable):
            if one and array.shape[axis] != 1:
                raise TypeError(
                    "Non-unit value on shape on a broadcastable dimension.",
                    array.shape,
                    self.broadcastable,
                )
        if self.filter_checks_isfinite and not np.isfinite(array).all():
            raise ValueError("non-finite elements not allowed")
        return array

    def _converted(self, data: Any, wanted: Any, allow_downcast: bool | None) -> Any:
        up = np.asarray(data)
        if up.dtype.kind == "c" and wanted.kind != "c":
            raise TypeError(f"{self} cannot store the complex value {data!r}")
        if allow_downcast:
            return up.astype(wanted)
        if isinstance(data, np.ndarray):
            if np.can_cast(up.dtype, wanted, "safe"):
                return up.astype(wanted)
            raise TypeError(
                f"{self} cannot store a value of dtype {up.dtype} without risking loss of "
                "precision. If you do not mind this loss, you can: 1) explicitly cast your data to "
                f'{self.dtype}, or 2) set "allow_input_downcast=True" when calling "function". '
                f"Value: {data!r}"
            )
        if allow_downcast is None and type(data) is float and self.dtype == config.floatX:
            return np.asarray(data, wanted)
        converted = up.astype(wanted)
        if not up.size or np.can_cast(up.dtype, wanted, "safe") or _same(up, converted):
            return converted
        raise TypeError(
            f"{self} cannot store accurately value {data!r}, it would be represented as "
            f"{converted!r}. If you do not mind this precision loss, you can: 1) explicitly "
            f"convert your data to a numpy array of dtype {self.dtype}, or 2) set "
            '"allow_input_downcast=True" when calling "function".'
        )

    def convert_variable(self, var: Any) -> Any:
        """Return a variable that has this dtype with these axes; None where that cannot be."""
        kind = var.type
        if not isinstance(kind, TensorType) or kind.dtype != self.dtype or kind.ndim != self.ndim:
            return None
        if kind.broadcastable == self.broadcastable:
            return var
        if any(a and not b for a, b in zip(self.broadcastable, kind.broadcastable, strict=True)):
            return None
        from agnesi.theano.tensor.basic import patternbroadcast

        return patternbroadcast(var, self.broadcastable)

    def in_same_class(self, otype: Any) -> bool:
        """Whether the other type has this dtype and these axes."""
        return (
            isinstance(otype, TensorType)
            and otype.dtype == self.dtype
            and otype.broadcastable == self.broadcastable
        )

    def is_super(self, otype: Any) -> bool:
        """Whether all values of the other type are of this one."""
        return (
            isinstance(otype, TensorType)
            and otype.dtype == self.dtype
            and otype.ndim == self.ndim
            and all(
                o or not s for s, o in zip(self.broadcastable, otype.broadcastable, strict=True)
            )
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and self.in_same_class(other)

    def __hash__(self) -> int:
        return hash((TensorType, self.dtype, self.broadcastable))

    @staticmethod
    def values_eq(  # pyright: ignore[reportIncompatibleMethodOverride]
        a: Any, b: Any, force_same_dtype: bool = True
    ) -> bool:
        """Whether two arrays are equal; NaN is equal to itself."""
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or (force_same_dtype and a.dtype != b.dtype):
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))

    @staticmethod
    def values_eq_approx(  # pyright: ignore[reportIncompatibleMethodOverride]
        a: Any,
        b: Any,
        allow_remove_inf: bool = False,
        allow_remove_nan: bool = False,
        rtol: float | None = None,
        atol: float | None = None,
    ) -> bool:
        """Whether two arrays are nearly equal, see :func:`values_eq_approx`."""
        return values_eq_approx(a, b, allow_remove_inf, allow_remove_nan, rtol, atol)

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """Whether two arrays may share memory."""
        return bool(np.may_share_memory(a, b))

    def value_zeros(self, shape: Any) -> Any:
        """Return an array of zeros of this dtype."""
        return np.zeros(shape, self.numpy_dtype)

    def get_shape_info(self, obj: Any) -> Any:
        """Return the shape of an array."""
        return obj.shape

    def get_size(self, shape_info: Any) -> Any:
        """Return the bytes of an array of a shape."""
        return int(np.prod(shape_info)) * self.numpy_dtype.itemsize

    def __str__(self) -> str:
        if self.name:
            return self.name
        named: dict[tuple[bool, ...], str] = {
            (): "scalar",
            (False,): "vector",
            (False, True): "col",
            (True, False): "row",
            (False, False): "matrix",
        }
        pattern = named.get(self.broadcastable)
        if pattern is not None:
            return f"TensorType({self.dtype}, {pattern})"
        axes = self.broadcastable
        shown = f"{len(axes)}D" if not any(axes) else str(axes)
        return f"TensorType({self.dtype}, {shown})"

    __repr__ = __str__


def _same(a: Any, b: Any) -> bool:
    """Whether a conversion has kept all values."""
    if a.dtype.kind in "fc":
        return bool(np.array_equal(a, b.astype(a.dtype), equal_nan=True))
    return bool(np.array_equal(a, b)) and not (b.dtype.kind == "u" and bool(np.any(a < 0)))


_kinds: dict[tuple[str, tuple[bool, ...]], TensorType] = {}


def kind_of(dtype: str, pattern: tuple[bool, ...]) -> TensorType:
    """Return the type of arrays of a dtype with axes of which it is said which repeat."""
    found = _kinds.get((dtype, pattern))
    if found is None:
        found = _kinds[dtype, pattern] = TensorType(dtype, pattern)
    return found


def type_of(tensor: ag.Tensor) -> TensorType:
    """Return the type of what a tensor of agnesi computes."""
    return kind_of(tensor.dtype.numpy.name, tuple(s == 1 for s in tensor.type.shape))


def values_eq_approx(
    a: Any,
    b: Any,
    allow_remove_inf: bool = False,
    allow_remove_nan: bool = False,
    rtol: float | None = None,
    atol: float | None = None,
) -> bool:
    """Whether two arrays are nearly equal; NaN is equal to itself.

    Args:
        a: an array.
        b: another one.
        allow_remove_inf: whether the second may be anything where the first is infinite.
        allow_remove_nan: whether it may be anything where the first is NaN.
        rtol: how far apart they may be, in proportion; by default as ``tensor.basic`` says for
            their dtype.
        atol: and by itself.
    """
    from agnesi.theano.tensor.basic import _get_atol_rtol

    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    usual_atol, usual_rtol = _get_atol_rtol(a, b)
    near = np.isclose(
        a,
        b,
        usual_rtol if rtol is None else rtol,
        usual_atol if atol is None else atol,
        equal_nan=True,
    )
    if allow_remove_inf:
        near |= np.isinf(a)
    if allow_remove_nan:
        near |= np.isnan(a)
    return bool(near.all())


def values_eq_approx_remove_inf(a: Any, b: Any) -> bool:
    """Whether two arrays are nearly equal where the first is not infinite."""
    return values_eq_approx(a, b, allow_remove_inf=True)


def values_eq_approx_remove_nan(a: Any, b: Any) -> bool:
    """Whether two arrays are nearly equal where the first is not NaN."""
    return values_eq_approx(a, b, allow_remove_nan=True)


def values_eq_approx_remove_inf_nan(a: Any, b: Any) -> bool:
    """Whether two arrays are nearly equal where the first is finite."""
    return values_eq_approx(a, b, allow_remove_inf=True, allow_remove_nan=True)


def values_eq_approx_always_true(a: Any, b: Any) -> bool:
    """Any two values are equal enough."""
    del a, b
    return True

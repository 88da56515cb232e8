"""Leaves of a graph: inputs and constants."""

from __future__ import annotations

import itertools
import os
import textwrap
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from agnesi.core.dtypes import DType, as_dtype, default_of, is_numeric, require_fits
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.dims.dim import Symbol
from agnesi.graph.tensor import Array, Reader, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Scalar, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape

# Identities differ between processes too, so that a pickled graph keeps its inputs apart.
_uids = itertools.count(int.from_bytes(os.urandom(4), "little") << 28)


def fresh_uid() -> int:
    """Return a number that no other leaf has."""
    return next(_uids)


class Leaf(Tensor):
    """A tensor that is not computed: it has no operands."""

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No operands."""
        return ()


class Input(Leaf):
    """A tensor whose value is given when the function is called."""

    label: str | None
    declared: TensorType
    uid: int

    def infer(self) -> TensorType:
        """The declared type."""
        return self.declared

    @property
    def name(self) -> str | None:
        """The name the user gave."""
        return self.label

    def __reduce__(self) -> tuple[Any, ...]:
        if _RENEWED in self.__dict__:
            return renewed_input, (self.label, self.declared)
        return super().__reduce__()

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Never asked: the interpreter is given the value."""
        raise CompilerBug(f"{self!r} has no value")


def new_input(label: str | None, declared: TensorType) -> Input:
    """Return an input that is no other."""
    return Input(label, declared, fresh_uid())


# Marks inputs that are others when they come out of a file.
_RENEWED = "renewed"


def renewed_input(label: str | None, declared: TensorType) -> Input:
    """Return an input that is no other, and out of a file none of this process."""
    leaf = new_input(label, declared)
    leaf.__dict__[_RENEWED] = True
    return leaf


_OWNER = "owner"


def own_sizes(leaf: Leaf) -> None:
    """Remember at the leaf's symbolic sizes that its value tells them.

    A function may mention them without using the value.
    """
    for size in leaf.type.shape:
        if isinstance(size, Symbol):
            size.__dict__.setdefault(_OWNER, leaf)


def owner_of(size: Symbol) -> Leaf | None:
    """Return the leaf that tells a size without being an input of the function."""
    return size.__dict__.get(_OWNER)


class Constant(Leaf):
    """A fixed array, held as its bytes in C order."""

    data: bytes
    declared: TensorType

    def infer(self) -> TensorType:
        """The declared type."""
        return self.declared

    @cached_property
    def value(self) -> Array:
        """The array, read-only."""
        shape = tuple(int(str(size)) for size in self.declared.shape)
        return np.frombuffer(self.data, self.declared.dtype.numpy).reshape(shape)

    @property
    def number(self) -> bool | int | float | complex:
        """The value of a scalar constant."""
        return self.value.item()

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The array itself."""
        return self.value

    def element(self, index: Shape, read: Reader) -> Scalar:
        """A scalar constant is a literal in the code."""
        return literal(self.number, self.dtype)


def constant(value: Any, dtype: Any = None) -> Constant:
    """Return a constant tensor.

    Args:
        value: a Python number, a (nested) list, or an array.
        dtype: element type; by default the array's own, float32 for Python floats, complex64 for
            Python complex numbers, int64 for Python integers, bool for Python bools.

    Raises:
        GraphTypeError: the value is not an array of numbers or bools, or an integer does not
            fit the dtype.

    >>> ag.constant([1.0, 2.0]).type
    f32[2]
    """
    given: Array = _as_array(value)
    if dtype is not None:
        kind = as_dtype(dtype)
    elif isinstance(value, np.ndarray | np.generic) or given.dtype.kind in "uV":
        kind = as_dtype(given.dtype)
    else:
        kind = default_of({"c": 0j, "f": 0.0, "i": 0, "b": False}[given.dtype.kind])
    if given.dtype.kind in "iu" and not isinstance(value, np.ndarray) and given.size:
        for number in (given.min(), given.max()):
            require_fits(int(number), kind)
    if given.dtype.kind == "c" and not kind.is_complex:
        raise GraphTypeError(
            f"constant: complex numbers are no {kind}\n  take their real parts first: x.real"
        )
    with np.errstate(all="ignore"):
        fixed = np.ascontiguousarray(given.astype(kind.numpy))
    return Constant(fixed.tobytes(), TensorType(kind, given.shape))


def _as_array(value: Any) -> Array:
    hint = "give numbers, nested lists of numbers of equal lengths, or a NumPy array"
    if _holds_tensor(value):
        raise GraphTypeError(
            "constant: a list with symbolic variables in it is not an array\n"
            "  join variables with ag.stack or ag.concatenate"
        )
    shown = textwrap.shorten(repr(value), 60)
    try:
        array: Array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise GraphTypeError(f"constant: {shown} is not an array\n  {error}\n  {hint}") from error
    if not is_numeric(array.dtype):
        raise GraphTypeError(
            f"constant: {shown} ({type(value).__name__}) is not an array of numbers or bools\n"
            f"  {hint}"
        )
    return array


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(_holds_tensor(item) for item in cast("Sequence[Any]", value))
    return isinstance(value, Tensor)


def scalar_constant(value: bool | int | float | complex, dtype: DType) -> Constant:
    """Return a rank-0 constant of this dtype.

    Raises:
        GraphTypeError: an integer that does not fit the dtype.
    """
    if isinstance(value, int):
        require_fits(value, dtype)
    with np.errstate(all="ignore"):
        return Constant(np.asarray(value).astype(dtype.numpy).tobytes(), TensorType(dtype, ()))

"""Leaves of a graph: inputs and constants."""

from __future__ import annotations

import itertools
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import DType, as_dtype, default_of
from agnesi.core.errors import CompilerBug, GraphTypeError
from agnesi.graph.tensor import Array, Reader, Sizes, Tensor
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Scalar, literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Shape

# Identities differ between processes too, so that a pickled graph keeps its inputs apart.
_uids = itertools.count(secrets.randbits(32) << 28)


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

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Never asked: the interpreter is given the value."""
        raise CompilerBug(f"{self!r} has no value")


def new_input(label: str | None, declared: TensorType) -> Input:
    """Return an input that is no other."""
    return Input(label, declared, fresh_uid())


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
    def number(self) -> bool | int | float:
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
        dtype: element type; by default the array's own, float32 for Python floats, int64 for
            Python integers, bool for Python bools.

    Raises:
        GraphTypeError: the value is not an array of numbers or bools.

    >>> ag.constant([1.0, 2.0]).type
    f32[2]
    """
    if isinstance(value, np.ndarray | np.generic):
        array: Array = np.asarray(value)
        kind = as_dtype(array.dtype if dtype is None else dtype)
    else:
        try:
            array = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise GraphTypeError(f"constant: {value!r} is not an array\n  {error}") from error
        if array.dtype == object:
            raise GraphTypeError(
                f"constant: a value of type {type(value).__name__} is not an array of numbers: {value!r}\n"
                "  give numbers, nested lists of numbers of equal lengths, or a NumPy array"
            )
        kind = as_dtype(_list_dtype(array) if dtype is None else dtype)
    fixed = np.ascontiguousarray(array.astype(kind.numpy))
    return Constant(fixed.tobytes(), TensorType(kind, array.shape))


def _list_dtype(array: Array) -> DType:
    if array.dtype.kind in "fiub":
        kind = {"f": 0.0, "i": 0, "u": 0, "b": False}[array.dtype.kind]
        return as_dtype(array.dtype) if array.dtype.kind == "u" else default_of(kind)
    return as_dtype(array.dtype)


def scalar_constant(value: bool | int | float, dtype: DType) -> Constant:
    """Return a rank-0 constant of this dtype."""
    return Constant(np.asarray(value).astype(dtype.numpy).tobytes(), TensorType(dtype, ()))

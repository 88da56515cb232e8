"""Sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnesi as ag
from agnesi.theano.tensor import basic, shapes
from agnesi.theano.tensor.casting import DISCRETE
from agnesi.theano.tensor.native_op import NativeOp

if TYPE_CHECKING:
    from collections.abc import Callable

as_tensor_variable = basic.as_tensor_variable
_KINDS = ("quicksort", "mergesort", "heapsort", "stable")


def _along(t: ag.Tensor, axis: ag.Tensor, function: Callable[..., ag.Tensor]) -> ag.Tensor:
    """Return what a function makes along an axis that may be computed."""
    number = basic.known_number(axis)
    if number is not None:
        if number != int(number):
            raise ValueError("sort axis must be an integer or None")
        return function(t, int(number))
    # Only a call knows the axis: it takes one of all.
    every = ag.stack([function(t, k) for k in range(t.ndim)])
    return ag.take(every, ag.astype(axis, "i64"), 0)


class _Ordering(NativeOp):
    """What sorts along an axis.

    Attributes:
        kind: the way of sorting; ``"quicksort"``, ``"mergesort"``, ``"heapsort"`` and
            ``"stable"`` give the same here, where all sorting is stable.
        order: names of fields, which arrays do not have: None or none.
    """

    __props__ = ("kind", "order")

    def __init__(self, kind: str, order: Any = None) -> None:
        if kind not in _KINDS:
            raise ValueError(f"sort kind must be one of {', '.join(_KINDS)}, not {kind!r}")
        if order:
            raise ValueError("The order argument is not supported: arrays have no fields")
        self.kind, self.order = kind, order

    def convert(self, input: Any, axis: Any = -1) -> list[Any]:
        """An array, and the axis; None takes all elements in one row."""
        x = as_tensor_variable(input)
        if axis is None:
            x, axis = x.flatten(), 0
        return [x, as_tensor_variable(axis)]

    def __str__(self) -> str:
        return f"{self.name}{{{self.kind}, {self.order}}}"


class SortOp(_Ordering):
    """Elements in order along an axis."""

    def build(self, t: ag.Tensor, axis: ag.Tensor) -> ag.Tensor:
        """Rising."""
        return _along(t, axis, ag.sort)


class ArgSortOp(_Ordering):
    """Positions of elements in order along an axis."""

    def build(self, t: ag.Tensor, axis: ag.Tensor) -> ag.Tensor:
        """In int64."""
        return ag.astype(_along(t, axis, ag.argsort), "i64")


def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """Return elements in order along an axis; of all in one row if it is None."""
    return SortOp(kind, order)(a, axis)


def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
    """Return positions of elements in order along an axis; of all in one row if it is None."""
    return ArgSortOp(kind, order)(a, axis)


class TopKOp(NativeOp):
    """The largest elements along an axis, and where they are; both in falling order.

    Attributes:
        axis: along which.
        sorted: False; Theano has no other.
        return_values: whether the elements are returned.
        return_indices: whether their positions are.
        idx_dtype: that of positions.
    """

    __props__ = ("axis", "sorted", "return_values", "return_indices", "idx_dtype")

    def __init__(
        self,
        axis: Any = -1,
        sorted: bool = True,
        idx_dtype: str = "int64",
        return_values: bool = True,
        return_indices: bool = True,
    ) -> None:
        if not isinstance(axis, int):
            raise TypeError(f'"axis" parameter must be integer, got "{type(axis)}"')
        if idx_dtype not in DISCRETE or idx_dtype == "bool":
            raise TypeError(f'"idx_dtype" parameter must be an integer dtype, got "{idx_dtype}"')
        if not (return_values or return_indices):
            raise ValueError("Neither return_values nor return_indices is True, this isn't allowed")
        self.axis, self.sorted, self.idx_dtype = axis, sorted, idx_dtype
        self.return_values, self.return_indices = return_values, return_indices
        self.nout = int(return_values) + int(return_indices)

    def convert(self, inp: Any, kth: Any) -> list[Any]:
        """An array, and how many."""
        x, k = as_tensor_variable(inp), as_tensor_variable(kth)
        if not x.ndim:
            raise ValueError("Cannot take scalar as input")
        if not -x.ndim <= self.axis < x.ndim:
            raise IndexError(
                f'"axis" parameter out of range, expected integer within [{-x.ndim}, {x.ndim - 1}]'
            )
        if k.ndim:
            raise ValueError(f"{k} is expected to be 0d tensor, got {k.ndim}")
        if basic.known_number(k.tensor) == 0:
            raise ValueError("topk: kth cannot be zero")
        return [x, k]

    def build(self, x: ag.Tensor, kth: ag.Tensor) -> Any:
        """The smallest where the number is negative."""
        number = basic.known_number(kth)
        if number is not None:
            values, where = ag.topk(x, abs(int(number)), self.axis, largest=bool(number > 0))
        else:
            values, where = self._of_computed(x, shapes.whole(kth))
        found: list[ag.Tensor] = [values] if self.return_values else []
        return [*found, ag.astype(where, self.idx_dtype)] if self.return_indices else found

    def _of_computed(self, x: ag.Tensor, kth: ag.Tensor) -> tuple[ag.Tensor, ag.Tensor]:
        order = ag.where(
            kth > 0,
            ag.argsort(x, self.axis, descending=True),
            ag.argsort(x, self.axis),
        )
        key: list[Any] = [slice(None)] * x.ndim
        count = shapes.SizeValue(shapes.one_size(ag.abs(kth)))
        key[self.axis] = slice(0, count)
        wanted: list[Any] = [None] * x.ndim
        wanted[self.axis] = count
        where = ag.specify_shape(order[tuple(key)], wanted)
        return ag.take_along_axis(x, where, self.axis), where

    def __str__(self) -> str:
        return f"TopKOp{{axis={self.axis}, sorted={self.sorted}}}"


def topk(x: Any, kth: Any, axis: Any = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """Return the largest elements along an axis; the smallest where ``kth`` is negative.

    They are in order, the largest (smallest) first; of all elements in one row where ``axis`` is
    None.
    """
    return topk_and_argtopk(x, kth, axis, sorted, idx_dtype)[0]


def argtopk(x: Any, kth: Any, axis: Any = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """Return where the largest elements along an axis are; see :func:`topk`."""
    return topk_and_argtopk(x, kth, axis, sorted, idx_dtype)[1]


def topk_and_argtopk(
    x: Any, kth: Any, axis: Any = -1, sorted: bool = True, idx_dtype: str = "int64"
) -> Any:
    """Return the largest elements along an axis, and where they are; see :func:`topk`."""
    if axis is None:
        x, axis = as_tensor_variable(x).flatten(), 0
    return TopKOp(axis=axis, sorted=sorted, idx_dtype=idx_dtype)(x, kth)

"""The type of lists."""

from __future__ import annotations

from typing import Any

from agnesi.theano.gof.type import Type
from agnesi.theano.missing import submodule


class TypedListType(Type):
    """Lists whose elements are all of one type.

    Attributes:
        ttype: the type of elements.
    """

    def __init__(self, ttype: Any, depth: int = 0) -> None:
        """Make the type.

        Args:
            ttype: the type of elements; another list's for lists of lists.
            depth: how many more lists there are around each element.

        Raises:
            ValueError: the depth is negative.
            TypeError: no type was given.
        """
        if depth < 0:
            raise ValueError("Please specify a depth superior or equal to 0")
        if not isinstance(ttype, Type):
            raise TypeError("Expected a Theano Type")
        self.ttype: Any = ttype if depth == 0 else TypedListType(ttype, depth - 1)

    def filter(self, x: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return a list of elements made fit.

        Args:
            x: a list, or with ``strict=False`` anything that gives elements.
            strict: take nothing but a list of fitting elements, and leave them as they are.
            allow_downcast: whether elements may lose precision.

        Raises:
            TypeError: it is no list, or an element does not fit.
        """
        if strict:
            if not isinstance(x, list):
                raise TypeError("Expected a python list")
            if all(self.ttype.is_valid_value(y) for y in x):
                return x
            raise TypeError(f"Expected all elements to be {self.ttype}")
        return [self.ttype.filter(y, False, allow_downcast) for y in x]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.ttype == other.ttype  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((TypedListType, self.ttype))

    def __str__(self) -> str:
        return f"TypedList <{self.ttype}>"

    def get_depth(self) -> int:
        """Return how many lists are around the elements, but for this one."""
        return self.ttype.get_depth() + 1 if isinstance(self.ttype, TypedListType) else 0

    def values_eq(self, a: Any, b: Any) -> bool:
        """Whether two lists have equal elements."""
        return len(a) == len(b) and all(map(self.ttype.values_eq, a, b))

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        """Whether two lists have nearly equal elements."""
        return len(a) == len(b) and all(map(self.ttype.values_eq_approx, a, b))

    def may_share_memory(self, a: Any, b: Any) -> bool:
        """Whether lists, or a list and an element, share memory."""
        if a is b:
            return True
        first, second = (x if isinstance(x, list) else [x] for x in (a, b))
        return any(self.ttype.may_share_memory(x, y) for x in first for y in second)

    dtype = property(lambda self: self.ttype, doc="The type of elements.")
    ndim = property(lambda self: self.ttype.ndim + 1, doc="Axes of elements, and one.")


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Sets that keep the order in which elements came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import Any


class OrderedSet(MutableSet[Any]):
    """A set that keeps the order in which elements came.

    Raises:
        TypeError: it is made of a set, which has no order.
    """

    def __init__(self, iterable: Iterable[Any] | None = None) -> None:
        self._items: dict[Any, None] = {}
        self.update(iterable or ())

    def add(self, value: Any) -> None:
        """Add an element; one that is there stays where it is."""
        self._items.setdefault(value)

    def discard(self, value: Any) -> None:
        """Take an element out, if it is there."""
        self._items.pop(value, None)

    def update(self, iterable: Iterable[Any]) -> None:
        """Add elements."""
        if isinstance(iterable, set | frozenset):
            raise TypeError(
                "Get an iterable with a deterministic order: an OrderedSet, a list or a tuple"
            )
        for value in iterable:
            self.add(value)

    def union(self, other: Iterable[Any]) -> OrderedSet:
        """Return the elements of both."""
        made = self.copy()
        made.update(other)
        return made

    def intersection_update(self, iterable: Iterable[Any]) -> None:
        """Keep the elements that are among others too."""
        kept = list(iterable)
        self._items = {value: None for value in self._items if value in kept}

    def difference_update(self, iterable: Iterable[Any]) -> None:
        """Take elements out."""
        for value in iterable:
            self.discard(value)

    def copy(self) -> OrderedSet:
        """Return a set of the same elements."""
        return OrderedSet(self._items)

    def pop(self, last: bool = True) -> Any:
        """Take out the element that came last, or first."""
        if not self._items:
            raise KeyError("set is empty")
        value = next(reversed(self._items)) if last else next(iter(self._items))
        del self._items[value]
        return value

    def __contains__(self, value: object) -> bool:
        return value in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OrderedSet):
            return list(self) == list(other)
        if isinstance(other, set):
            raise TypeError("Cannot compare an OrderedSet with a set: an order is missing")
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{type(self).__name__}({list(self)})"

    __repr__ = __str__

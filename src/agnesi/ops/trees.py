"""Nested tuples, lists and dictionaries of arrays: taken apart, and put together again.

A tree is a leaf, None (which has no leaves), a tuple, a named tuple, a list, a dictionary, or a
dataclass, of trees.  Whatever else there is, is a leaf.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

from agnesi.core.errors import GraphTypeError
from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@record(frozen=True)
class Tree:
    """The shape of a tree, without its leaves.

    Attributes:
        kind: the class of the container; None for a leaf, NoneType for None.
        keys: what its parts are called: numbers, keys, names of fields.
        parts: the trees of its parts.
        path: how a part of the whole tree is spelled, such as ``[0]['h']``.
    """

    kind: type[Any] | None
    keys: tuple[Any, ...]
    parts: tuple[Tree, ...]
    path: str

    def paths(self) -> list[str]:
        """Return where each leaf is, in order."""
        if self.kind is None:
            return [self.path]
        return [path for part in self.parts for path in part.paths()]

    def leaves(self, op: str, role: str, value: Any) -> list[Any]:
        """Return the leaves of another tree of this shape.

        Args:
            op: the public function, for the message.
            role: what the tree is.
            value: the tree.

        Raises:
            GraphTypeError: it has another shape.
        """
        if self.kind is None:
            if _kind(value) is not None:
                raise GraphTypeError(self._differs(op, role, value))
            return [value]
        if _kind(value) is not self.kind or set(_keys(value)) != set(self.keys):
            raise GraphTypeError(self._differs(op, role, value))
        found = dict(zip(_keys(value), _parts(value), strict=True))
        return [
            leaf
            for key, part in zip(self.keys, self.parts, strict=True)
            for leaf in part.leaves(op, role, found[key])
        ]

    def build(self, leaves: Iterable[Any]) -> Any:
        """Return the tree with these leaves."""
        return self._build(iter(leaves))

    def _build(self, leaves: Iterator[Any]) -> Any:
        if self.kind is None:
            return next(leaves)
        parts = [part._build(leaves) for part in self.parts]
        if self.kind is type(None):
            return None
        if self.kind is dict:
            return dict(zip(self.keys, parts, strict=True))
        if dataclasses.is_dataclass(self.kind):
            return self.kind(**dict(zip(self.keys, parts, strict=True)))
        return self.kind(*parts) if hasattr(self.kind, "_fields") else self.kind(parts)

    def _differs(self, op: str, role: str, value: Any) -> str:
        where = f"{role}{self.path}"
        return (
            f"{op}: {where} is {_described(value)}, where it was {self._own()} before\n"
            "  nested tuples, lists and dictionaries have to keep their shape, their lengths and "
            "their keys"
        )

    def _own(self) -> str:
        return "an array" if self.kind is None else _named(self.kind, self.keys)


def flatten(value: Any, path: str = "") -> tuple[list[Any], Tree]:
    """Return the leaves of a tree, and its shape.

    >>> leaves, tree = flatten({"a": 1, "b": (2, None)})
    >>> leaves, tree.build(leaves)
    ([1, 2], {'a': 1, 'b': (2, None)})
    """
    kind = _kind(value)
    if kind is None:
        return [value], Tree(None, (), (), path)
    keys = _keys(value)
    leaves: list[Any] = []
    parts: list[Tree] = []
    for key, part in zip(keys, _parts(value), strict=True):
        step = f".{key}" if dataclasses.is_dataclass(kind) else f"[{key!r}]"
        more, tree = flatten(part, path + step)
        leaves += more
        parts.append(tree)
    return leaves, Tree(kind, keys, tuple(parts), path)


def _kind(value: Any) -> type[Any] | None:
    """Return the class of a container, None for a leaf."""
    kind = cast("type[Any]", type(value))
    if value is None or kind in (tuple, list, dict):
        return kind
    if hasattr(kind, "_fields") and hasattr(kind, "__getnewargs__"):
        return kind  # a named tuple
    return kind if hasattr(kind, "__dataclass_fields__") else None


def _keys(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    if isinstance(value, dict):
        return tuple(cast("dict[Any, Any]", value))
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value) if field.init)
    return tuple(range(len(value)))


def _parts(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, dict):
        return list(cast("dict[Any, Any]", value).values())
    if dataclasses.is_dataclass(value):
        return [getattr(value, name) for name in _keys(value)]
    return list(value)


def _described(value: Any) -> str:
    kind = _kind(value)
    return "an array" if kind is None else _named(kind, _keys(value))


def _named(kind: type[Any], keys: tuple[Any, ...]) -> str:
    if kind is type(None):
        return "None"
    if kind is dict:
        return f"a dict of {list(keys)}"
    return f"a {kind.__name__} of {len(keys)}"

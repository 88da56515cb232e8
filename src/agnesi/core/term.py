"""The one kind of tree: an immutable, interned, typed node.

Dims, tensors and loops are three languages over :class:`Term`.  A subclass declares its fields
as annotations; building the same class with the same fields twice gives the same object, so that
equality is identity, common sub-expressions cannot exist twice, and terms are dictionary keys.

Hash and equality are those of ``object``: by identity, which interning makes the same thing.

Fields hold terms, tuples of terms, or plain hashable values.  Start reading at ``Term.__new__``.
"""

from __future__ import annotations

import threading
from inspect import get_annotations
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, dataclass_transform
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterator

# The living nodes by the hash of what they are made of.  Only a node holds its fields: a field that
# leads back to its node - the Python op of a program, say - goes with it.
_table: dict[int, tuple[_Reference, ...]] = {}
_lock = threading.RLock()


class _Derived:
    """Marks an annotation that is not a field but computed from the fields by ``setup``."""


_DERIVED = _Derived()


def derived(*, init: Literal[False] = False) -> Any:
    """Declare an attribute that ``setup`` computes; it is not a field."""
    return _DERIVED


@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(derived,))
class Term:
    """An immutable node whose identity is its content."""

    fields: ClassVar[tuple[str, ...]] = ()
    args: tuple[Any, ...] = derived()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = [
            name
            for name, kind in get_annotations(cls).items()
            if not str(kind).startswith("ClassVar")
            and not isinstance(cls.__dict__.get(name), _Derived)
        ]
        for name in [n for n, value in cls.__dict__.items() if isinstance(value, _Derived)]:
            delattr(cls, name)
        if own:
            cls.fields = cls.fields + tuple(own)
            cls.__match_args__ = cls.fields
            first = len(cls.fields) - len(own)
            for position, name in enumerate(own, first):
                setattr(cls, name, _Field(position))

    def __new__(cls, *args: Any, **named: Any) -> Self:
        """Return the one node of this class with these fields."""
        if named or len(args) != len(cls.fields):
            args = _bind(cls, args, named)
        key = hash((cls, args))
        known = _known(key, cls, args)
        if known is not None:
            return known  # type: ignore[return-value]
        node = object.__new__(cls)
        object.__setattr__(node, "args", args)
        node.setup()
        with _lock:
            known = _known(key, cls, args)
            if known is not None:
                return known  # type: ignore[return-value]
            made = _Reference(node, _forget)
            made.key = key
            _table[key] = (*_table.get(key, ()), made)
        return node

    def setup(self) -> None:
        """Compute what is derived from the fields; runs once, before the node is seen."""

    def derive(self, **values: Any) -> None:
        """Store derived attributes; only ``setup`` calls this."""
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable; build another with replace()")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        inside = ", ".join(f"{n}={v!r}" for n, v in zip(self.fields, self.args, strict=True))
        return f"{type(self).__name__}({inside})"

    def replace(self, **changes: Any) -> Self:
        """Return this node with some fields changed."""
        return type(self)(*(changes.get(n, v) for n, v in zip(self.fields, self.args, strict=True)))

    @property
    def children(self) -> tuple[Term, ...]:
        """Terms among the fields, in order, also those inside tuples."""
        return tuple(_terms(self.args))


class _Reference(ref[Term]):
    """A weak reference to a node, which knows where it stands in the table."""

    __slots__ = ("key",)
    key: int


def _known(key: int, cls: type[Term], args: tuple[Any, ...]) -> Term | None:
    """Return the living node of a class with these fields, if there is one."""
    for reference in _table.get(key, ()):
        node = reference()
        if node is not None and type(node) is cls and node.args == args:
            return node
    return None


def _forget(gone: _Reference) -> None:
    """Take a node that has died out of the table."""
    with _lock:
        left = tuple(r for r in _table.get(gone.key, ()) if r() is not None)
        if left:
            _table[gone.key] = left
        else:
            _table.pop(gone.key, None)


class _Field:
    """Reads one position of ``args``: a field is stored once."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position

    def __get__(self, node: Term | None, owner: type) -> Any:
        return self if node is None else node.args[self.position]


def _terms(values: tuple[Any, ...]) -> Iterator[Term]:
    for value in values:
        if isinstance(value, Term):
            yield value
        elif isinstance(value, tuple):
            yield from _terms(value)  # type: ignore[arg-type]


def _bind(cls: type[Term], args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    names = cls.fields
    if len(args) + len(named) != len(names) or not set(named) <= set(names[len(args) :]):
        given = [*names[: len(args)], *named]
        raise TypeError(f"{cls.__name__} takes the fields {list(names)}, but was given {given}")
    return args + tuple(named[name] for name in names[len(args) :])

"""Data classes that are quick to define.

``dataclasses.dataclass`` writes and compiles up to six functions for each class, whenever a
process starts.  Here all classes share them, but for ``__init__``, which is written when it is
first called.  Everything else is as there: fields, defaults, inheritance, ``replace``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["field", "record", "replace"]

T = TypeVar("T")


@dataclass_transform(field_specifiers=(field,))
def record(*, frozen: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a data class of a class.

    Args:
        frozen: instances do not change, and have a hash.
    """

    def made(cls: type[T]) -> type[T]:
        own = set(vars(cls))
        bare: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
        fields = dataclasses.fields(bare)
        compared = [each.name for each in fields if each.compare]
        # What instances are compared by: a tuple, or the value of the only field.
        bare._compared = attrgetter(*compared) if compared else type
        bare.__init__ = _first_init(bare, fields, frozen)
        for name in _FROZEN if frozen else _OPEN:
            if name not in own:
                setattr(bare, name, _Shared.__dict__[name])
        if not frozen and "__hash__" not in own:
            bare.__hash__ = None
        return bare

    return made


def replace(given: T, **changes: Any) -> T:
    """Return a record with some fields changed."""
    return dataclasses.replace(given, **changes)  # type: ignore[type-var]


class _Shared:
    """What all records do in the same way."""

    _compared: Callable[[Any], Any]
    __dataclass_fields__: dict[str, dataclasses.Field[Any]]

    def __repr__(self) -> str:
        shown = [f.name for f in self.__dataclass_fields__.values() if f.repr]
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({inside})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared(self) == self._compared(other)

    def __hash__(self) -> int:
        return hash(self._compared(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


_FROZEN = ("__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__")
_OPEN = ("__repr__", "__eq__")


def _first_init(cls: Any, fields: tuple[Any, ...], frozen: bool) -> Callable[..., None]:
    """Return what takes the place of ``__init__`` until that is needed."""

    def __init__(self: Any, *args: Any, **named: Any) -> None:
        cls.__init__ = _init(cls, fields, frozen)
        cls.__init__(self, *args, **named)

    return __init__


def _init(cls: Any, fields: tuple[Any, ...], frozen: bool) -> Callable[..., None]:
    """Return the ``__init__`` of a class: a line for each field."""
    space: dict[str, Any] = {"put": object.__setattr__, "missing": MISSING}
    given, lines = ["self"], list[str]()
    for each in fields:
        name = value = each.name
        default = ""
        if each.default_factory is not MISSING:
            space[f"make_{name}"] = each.default_factory
            default, value = "=missing", f"make_{name}() if {name} is missing else {name}"
        elif each.default is not MISSING:
            space[f"default_{name}"] = each.default
            default = f"=default_{name}"
        given.append(name + default)
        lines.append(f"put(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    text = f"def __init__({', '.join(given)}):\n    " + "\n    ".join(lines or ["pass"])
    exec(compile(text, f"<{cls.__qualname__}>", "exec"), space)
    return space["__init__"]

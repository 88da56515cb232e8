"""The type of a gradient that is not defined."""

from __future__ import annotations

from typing import Any

from agnesi.theano.gof.type import PureType


class NullType(PureType):
    """The type of a gradient that is not defined.

    Attributes:
        why_null: the reason.
    """

    def __init__(self, why_null: str = "(no explanation given)") -> None:
        self.why_null = why_null

    def new_tensor(self, name: str | None) -> None:
        """There are no values."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """There are no values."""
        raise ValueError("NullType has no values")

    def filter_variable(self, other: Any, allow_convert: bool = True) -> Any:
        """There are no variables of other types."""
        raise ValueError("NullType has no values")

    def may_share_memory(self, *_: Any) -> bool:
        """There is no memory."""
        return False

    def values_eq(self, a: Any, b: Any) -> bool:
        """There are no values."""
        raise ValueError("NullType has no values to compare")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NullType)

    def __hash__(self) -> int:
        return hash(NullType)

    def __str__(self) -> str:
        return "NullType"


null_type = NullType()

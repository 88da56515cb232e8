"""The type of a tensor: a dtype and a shape, written ``f32[batch, 784]``."""

from __future__ import annotations

import re

from agnesi.core.dtypes import DType, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.core.term import Term
from agnesi.dims.dim import Shape, Size, fresh_symbol, named_symbol, product


class TensorType(Term):
    """What is known of a tensor before it is computed."""

    dtype: DType
    shape: Shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> Size:
        """The number of elements."""
        return product(self.shape)

    def __repr__(self) -> str:
        return f"{self.dtype}{shape_text(self.shape)}"

    __str__ = __repr__


def shape_text(shape: Shape) -> str:
    """Return the shape as in a type: ``[batch, 784]``."""
    return "[" + ", ".join(map(str, shape)) + "]"


_TYPE = re.compile(r"\s*([A-Za-z]\w*)\s*(?:\[(.*)\])?\s*", re.DOTALL)


def parse_type(text: str, owner: str) -> TensorType:
    """Return the type that a text such as ``"f32[batch, 784]"`` describes.

    A name is a size; the same name is the same size in every input.  ``?`` (or ``_``) is a size
    of its own.  Without brackets it is a scalar.

    Raises:
        GraphTypeError: the text is not a type.
    """
    match = _TYPE.fullmatch(text)
    if match is None:
        raise GraphTypeError(
            f'input: {text!r} is not a type\n  write for example "f32[batch, 784]" or "i64[]"'
        )
    inside = (match[2] or "").strip()
    parts = [part.strip() for part in inside.split(",")] if inside else []
    if parts and not parts[-1]:
        parts.pop()
    shape = tuple(_parse_size(part, f"{owner}.{axis}", text) for axis, part in enumerate(parts))
    return TensorType(as_dtype(match[1]), shape)


def _parse_size(part: str, fresh: str, text: str) -> Size:
    if part.isdigit():
        return int(part)
    if part in ("?", "_"):
        return fresh_symbol(fresh)
    if part.isidentifier():
        return named_symbol(part)
    raise GraphTypeError(
        f"input: {part!r} in the type {text!r} is not a size\n"
        f"  a size is a number (784), a name (batch), or ? for one that is not known"
    )

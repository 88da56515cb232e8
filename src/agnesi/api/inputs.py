"""Symbolic inputs."""

from __future__ import annotations

from typing import Any

from agnesi.core.dtypes import DEFAULT_FLOAT, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import fresh_symbol
from agnesi.graph.leaves import Input, new_input
from agnesi.graph.types import TensorType, parse_type


def input(name: str, type: str, /) -> Input:
    """Return a symbolic input.

    Args:
        name: the name in messages and printed graphs, and the keyword in calls.
        type: dtype and shape, such as ``"f32[batch, 784]"``.  A size is a number, a name (the
            same name is the same size in every input), or ``?`` for one that is not known.

    Raises:
        GraphTypeError: the text is not a type.

    >>> ag.input("x", "f32[batch, 784]").type
    f32[batch, 784]
    """
    given: Any = type
    if not isinstance(given, str):
        raise GraphTypeError(
            f'input: a type is a text such as "f32[batch, 784]", but this is {given!r}'
        )
    return new_input(_checked_name(name), parse_type(type, name))


def _checked_name(name: Any) -> Any:
    if name is None or isinstance(name, str):
        return name
    raise GraphTypeError(f"input: a name is a text, but this is {name!r}")


def _of_rank(
    ndim: int, name: str | None, dtype: Any, sizes: tuple[int | None, ...] | None
) -> Input:
    known = sizes or (None,) * ndim
    shape = tuple(
        fresh_symbol(f"{name or 'x'}.{axis}") if size is None else size
        for axis, size in enumerate(known)
    )
    return new_input(_checked_name(name), TensorType(as_dtype(dtype), shape))


def scalar(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return a scalar input, float32 unless another dtype is given."""
    return _of_rank(0, name, dtype, None)


def vector(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return an input of one axis whose size is not known."""
    return _of_rank(1, name, dtype, None)


def row(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return a matrix input with one row, which broadcasts: ``[1, ?]``."""
    return _of_rank(2, name, dtype, (1, None))


def col(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return a matrix input with one column, which broadcasts: ``[?, 1]``."""
    return _of_rank(2, name, dtype, (None, 1))


def matrix(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return an input of two axes whose sizes are not known.

    >>> ag.matrix("x", dtype="f64").type
    f64[x.0, x.1]
    """
    return _of_rank(2, name, dtype, None)


def tensor3(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return an input of three axes whose sizes are not known."""
    return _of_rank(3, name, dtype, None)


def tensor4(name: str | None = None, *, dtype: Any = DEFAULT_FLOAT) -> Input:
    """Return an input of four axes whose sizes are not known."""
    return _of_rank(4, name, dtype, None)

"""Loops whose bodies are being built: what differs from step to step has to know of them."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from agnesi.graph.tensor import Tensor

_indices: ContextVar[tuple[Tensor, ...]] = ContextVar("loops being traced", default=())


@contextmanager
def inside_loop(index: Tensor) -> Generator[None]:
    """Say that what is built here is the body of a loop.

    Args:
        index: an integer scalar that is another one in each step.
    """
    token = _indices.set((*_indices.get(), index))
    try:
        yield
    finally:
        _indices.reset(token)


def loop_indices() -> tuple[Tensor, ...]:
    """Return the indices of the loops around what is being built, the outermost first."""
    return _indices.get()

"""Whether two values may share memory."""

from typing import Any

import numpy as np


def may_share_memory(a: Any, b: Any, raise_other_type: bool = True) -> bool:
    """Whether two arrays, or sparse matrices, may share memory; other objects do not.

    Args:
        a: array.
        b: array.
        raise_other_type: whether what is no array is an error.

    Raises:
        TypeError: what was given is no array.
    """
    first, second = _arrays(a), _arrays(b)
    if first and second:
        return any(np.may_share_memory(x, y) for x in first for y in second)
    if raise_other_type:
        raise TypeError("may_share_memory: both have to be arrays", type(a), type(b))
    return False


def _arrays(x: Any) -> list[Any]:
    """Return the arrays that something is made of: one of its own, or those of a sparse matrix."""
    if isinstance(x, np.ndarray):
        return [x]
    parts = [getattr(x, name, None) for name in ("data", "indices", "indptr")]
    return parts if all(isinstance(part, np.ndarray) for part in parts) else []

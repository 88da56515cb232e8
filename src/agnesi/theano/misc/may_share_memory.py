"""Whether two values may share memory."""

from typing import Any

import numpy as np


def may_share_memory(a: Any, b: Any, raise_other_type: bool = True) -> bool:
    """Whether two arrays may share memory; other objects do not.

    Args:
        a: array.
        b: array.
        raise_other_type: whether what is no array is an error.

    Raises:
        TypeError: what was given is no array.
    """
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(np.may_share_memory(a, b))
    if raise_other_type:
        raise TypeError("may_share_memory: both have to be arrays", type(a), type(b))
    return False

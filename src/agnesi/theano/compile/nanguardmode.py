"""Modes that look for NaN, infinity and huge numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from agnesi.theano.compile.mode import NanGuard


class NanGuardMode(NanGuard):
    """Checks each result for NaN and infinity, and names the node that gave the first."""

    def __init__(
        self,
        nan_is_error: Any = None,
        inf_is_error: Any = None,
        big_is_error: Any = None,
        optimizer: Any = "default",
        linker: Any = None,
    ) -> None:
        super().__init__(linker, optimizer)
        self.nan_is_error, self.inf_is_error = nan_is_error, inf_is_error
        self.big_is_error = big_is_error
        # Both are looked for together, or neither is.
        self.checks_nan = not (nan_is_error is False and inf_is_error is False)


def contains_nan(arr: Any, node: Any = None, var: Any = None) -> bool:
    """Whether an array has a NaN."""
    del node, var
    array = np.asarray(arr)
    return array.dtype.kind in "fc" and bool(np.isnan(array).any())


def contains_inf(arr: Any, node: Any = None, var: Any = None) -> bool:
    """Whether an array has an infinity."""
    del node, var
    array = np.asarray(arr)
    return array.dtype.kind in "fc" and bool(np.isinf(array).any())

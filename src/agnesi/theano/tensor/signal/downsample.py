"""The old pooling: ``theano.tensor.signal.downsample``."""

from __future__ import annotations

from typing import Any

from agnesi.theano.tensor.signal.pool import Pool, max_pool_2d_same_size, pool_2d

DownsampleFactorMax = Pool


def max_pool_2d(
    input: Any,
    ds: Any,
    ignore_border: Any = False,
    st: Any = None,
    padding: Any = (0, 0),
    mode: str = "max",
) -> Any:
    """Return images with the largest element of each window; windows at the border are kept."""
    return pool_2d(input, ds, ignore_border or False, st, padding, mode)


__all__ = ["DownsampleFactorMax", "max_pool_2d", "max_pool_2d_same_size"]

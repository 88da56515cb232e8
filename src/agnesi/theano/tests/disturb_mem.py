"""Memory laid out by chance, for tests that look for what depends on addresses."""

from __future__ import annotations

from datetime import datetime

_kept: list[list[int]] = []


def disturb_mem() -> None:
    """Allocate objects whose number depends on the time, and keep them until the next call."""
    moment = datetime.now().microsecond
    _kept[:] = [[0] * (moment // 1000) for _ in range(moment % 1000)]

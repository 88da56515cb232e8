"""Locks around compiling, as programs take them.

Theano shares a folder of compiled code between processes.  agnesi locks its own cache itself, so
these take nothing and wait for nobody.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator


def get_lock(lock_dir: Any = None, **kw: Any) -> None:
    """Take nothing: there is no folder to lock."""
    del lock_dir, kw


def release_lock() -> None:
    """Give nothing back."""


@contextmanager
def lock_ctx(lock_dir: Any = None, keep_lock: bool = False, **kw: Any) -> Generator[None]:
    """Run a block with nothing taken."""
    del keep_lock
    get_lock(lock_dir, **kw)
    yield
    release_lock()

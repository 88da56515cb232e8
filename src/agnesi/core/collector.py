"""Python's collector of cycles, kept from looking at what is only being made.

Importing and compiling make many objects, hardly any of them in cycles that nobody holds; looking
for such takes a tenth of the time (``docs/speed.md``).
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def paused() -> Generator[None]:
    """Collect no cycles inside the block; leave the collector as it was found."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def importing() -> Generator[None]:
    """Collect no cycles while modules are imported, nor look at all that they made right behind.

    What was made counts as old afterwards: it is looked at when everything is.
    """
    with paused():
        yield
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()

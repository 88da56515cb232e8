"""Machine code itself is tested as users get it: vectors, and all of LLVM's effort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agnesi.core import knobs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def effort() -> Iterator[None]:
    """Compile with more effort than other tests do."""
    with knobs.setting(optimise=3):
        yield

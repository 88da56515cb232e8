"""Kernels of float32 are tested as users get them: vectors, and all of LLVM's effort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agnesi.core import knobs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def effort(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compile with full effort where one dtype of several is float32."""
    full = "f32" in request.node.name
    with knobs.setting(optimise=3 if full else knobs.OPTIMISE.number):
        yield

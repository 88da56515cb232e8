"""What doctests find without importing it; and no cache of compiled kernels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import agnesi as ag

# Every test compiles what it runs: a change to what LLVM is asked to do has to show, and no test
# may depend on what another one left behind.  tests/runtime/test_cache.py has folders of its own.
os.environ["AGNESI_CACHE"] = "0"


@pytest.fixture(autouse=True)
def _names_of_doctests(doctest_namespace: dict[str, Any]) -> None:  # pyright: ignore[reportUnusedFunction]
    doctest_namespace.update(ag=ag, np=np)

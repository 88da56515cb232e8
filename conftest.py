"""What doctests find without importing it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag


@pytest.fixture(autouse=True)
def _names_of_doctests(doctest_namespace: dict[str, Any]) -> None:  # pyright: ignore[reportUnusedFunction]
    doctest_namespace.update(ag=ag, np=np)

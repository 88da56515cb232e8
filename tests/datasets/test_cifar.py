"""CIFAR-10 and CIFAR-100: the official versions made small, mosaics, and spoilt files."""

from __future__ import annotations

import io
import pickle
import sys
import tarfile
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agnesi.datasets import DatasetCorrupt, DatasetMissing, load_cifar10, load_cifar100
from agnesi.datasets import cifar as cifar_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 3
TEN = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
HUNDRED = ("train", "test")


def batch(name: str, kinds: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Images [n, rows, columns, 3] and labels, made of a file's name."""
    rng = np.random.default_rng(list(name.encode()))
    images = rng.integers(0, 256, (COUNT, 32, 32, 3)).astype(np.uint8)
    most = (10,) if kinds == 1 else (20, 100)
    return images, [rng.integers(0, each, COUNT).astype(np.uint8) for each in most]


def planes(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2).reshape(COUNT, -1)


def binary(name: str, kinds: int = 1) -> bytes:
    images, labels = batch(name, kinds)
    return np.column_stack([*labels, planes(images)]).tobytes()


class Python2(pickle._Pickler):
    """Writes what Python 2 wrote, and NumPy 1: byte strings, arrays under their old name."""

    write: Callable[[bytes], object]
    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # pyright: ignore

    def save_bytes(self, text: bytes) -> None:
        self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)

    def save_str(self, text: str) -> None:
        self.save_bytes(text.encode())

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if getattr(obj, "__name__", "") == "_reconstruct":
            self.write(b"cnumpy.core.multiarray\n_reconstruct\n")
        else:
            super().save_global(obj, name)  # pyright: ignore

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str
    dispatch[type(lambda: 0)] = save_global
    dispatch[type(len)] = save_global


def pickled(name: str, kinds: int = 1, pickler: Any = Python2, **changes: Any) -> bytes:
    images, labels = batch(name, kinds)
    names = ["labels"] if kinds == 1 else ["coarse_labels", "fine_labels"]
    content = {"batch_label": "one", "data": planes(images), "filenames": ["a.png"] * COUNT}
    content |= {key: each.tolist() for key, each in zip(names, labels, strict=True)}
    file = io.BytesIO()
    pickler(file, 2).dump({key.encode(): value for key, value in (content | changes).items()})
    return file.getvalue()


GOOD = pickled("good")


def plain(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def in_folder(folder: Path, files: dict[str, bytes]) -> None:
    binary = next(iter(files)).endswith(".bin")
    name = f"cifar-10-batches-{'bin' if binary else 'py'}"
    if len(files) == 2:
        name = f"cifar-100-{'binary' if binary else 'python'}"
    plain(folder / name, files)


def archive(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    version = "binary" if next(iter(files)).endswith(".bin") else "python"
    number = 100 if len(files) == 2 else 10
    with tarfile.open(folder / f"cifar-{number}-{version}.tar.gz", "w:gz") as tar:
        for name, content in {"readme.html": b"", **files}.items():
            member = tarfile.TarInfo(f"cifar-{number}-batches/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_ten(folder: Path, version: str, how: Callable[..., None] = plain) -> Path:
    ending, make = (".bin", binary) if version == "binary" else ("", pickled)
    how(folder, {name + ending: make(name) for name in TEN})
    return folder


@pytest.mark.parametrize("version", ["binary", "Python"])
@pytest.mark.parametrize("how", [plain, in_folder, archive])
@pytest.mark.parametrize("below", ["", "cifar10"])
def test_cifar10(tmp_path: Path, version: str, how: Callable[..., None], below: str):
    write_ten(tmp_path / "data" / below, version, how)
    data = load_cifar10(tmp_path / "data")
    batches = [batch(name) for name in TEN]
    expected = [np.concatenate([images for images, _ in batches[:5]]), batches[5][0]]
    for got, images in zip((data.train_images, data.test_images), expected, strict=True):
        assert got.dtype == np.uint8 and got.flags.c_contiguous and got.flags.writeable
        np.testing.assert_array_equal(got, images)
    labels = np.concatenate([each[0] for _, each in batches])
    np.testing.assert_array_equal(np.append(data.train_labels, data.test_labels), labels)
    assert data.train_labels.dtype == np.uint8
    assert data.classes[3] == "cat" and len(data.classes) == 10
    assert f"the {version} version" in data.source and str(tmp_path) in data.source


@pytest.mark.parametrize("version", ["binary", "Python"])
@pytest.mark.parametrize("how", [plain, in_folder, archive])
def test_cifar100(tmp_path: Path, version: str, how: Callable[..., None]):
    ending, make = (".bin", binary) if version == "binary" else ("", pickled)
    how(tmp_path / "cifar100", {name + ending: make(name, kinds=2) for name in HUNDRED})
    data = load_cifar100(tmp_path)
    for part in HUNDRED:
        images, (coarse, fine) = batch(part, kinds=2)
        np.testing.assert_array_equal(getattr(data, f"{part}_images"), images)
        np.testing.assert_array_equal(getattr(data, f"{part}_labels"), fine)
        np.testing.assert_array_equal(getattr(data, f"{part}_coarse"), coarse)
    assert len(data.classes) == 100 and list(data.classes) == sorted(data.classes)
    assert len(data.coarse_classes) == 20
    assert data.classes[0] == "apple" and data.coarse_classes[0] == "aquatic_mammals"


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_of_python_3(tmp_path: Path, protocol: int):
    write_ten(tmp_path / "d", "Python")
    images, labels = batch("test_batch")
    content = {b"data": planes(images).copy("F"), b"labels": labels[0].tolist()}
    (tmp_path / "d" / "test_batch").write_bytes(pickle.dumps(content, protocol))
    if protocol == 5:  # NumPy 2 names another function in it
        with pytest.raises(DatasetCorrupt, match="_frombuffer"):
            load_cifar10(tmp_path / "d")
    else:
        np.testing.assert_array_equal(load_cifar10(tmp_path / "d").test_images, images)


@given(data=st.data())
def test_spoilt_pickles_are_told(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    """Whatever their bytes, they are read or refused: NumPy is not asked to unpickle."""
    content = bytearray(GOOD)
    head = len(content) - COUNT * 3072 if data.draw(st.booleans()) else len(content)
    for place in data.draw(st.lists(st.integers(0, head - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "spoilt"
    try:
        images, (labels,) = cifar_module._pickled(cifar_module._TEN, bytes(content), path)
    except DatasetCorrupt:
        return
    assert images.shape[1:] == (32, 32, 3) and labels.max() < 10


class Trap:
    def __reduce__(self) -> Any:
        import os

        return os.mkdir, ("trapped",)


def test_pickles_call_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write_ten(tmp_path / "d", "Python")
    content = pickled("test_batch", pickler=pickle._Pickler, extra=Trap())
    (tmp_path / "d" / "test_batch").write_bytes(content)
    with pytest.raises(DatasetCorrupt, match=r"it names (posix|nt)\.mkdir, which no array needs"):
        load_cifar10(tmp_path / "d")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("test_batch.bin", binary("x")[:-1], "records are 3,073 bytes each, but it has 9,218"),
        ("test_batch.bin", b"", "it has 0 bytes"),
        ("data_batch_2.bin", b"\x0a" + binary("x")[1:], "labels must be 0 to 9"),
        ("test_batch", pickled("x")[:-200], "is cut short"),
        ("test_batch", b"no pickle", "is cut short"),
        ("test_batch", pickle.dumps([1]), "TypeError"),
        ("test_batch", pickled("x", labels=[1, 2]), "2 labels for 3 images"),
        ("test_batch", pickled("x", labels=[1, 2, 10]), "label 10 at position 2"),
        ("test_batch", pickled("x", labels=[1, 2, -1]), "no list of numbers"),
        ("test_batch", pickled("x", labels="abc"), "is no file of CIFAR-10"),
        ("test_batch", pickled("x", data=np.zeros((3, 7), np.uint8)), r"shape \(3, 7\)"),
        ("data_batch_1", pickled("train", kinds=2), "KeyError: b'labels'"),
    ],
)
def test_spoilt_files(tmp_path: Path, name: str, content: bytes, says: str):
    write_ten(tmp_path / "d", "binary" if name.endswith(".bin") else "Python")
    (tmp_path / "d" / name).write_bytes(content)
    with pytest.raises(DatasetCorrupt, match=says) as caught:
        load_cifar10(tmp_path / "d")
    assert str(tmp_path / "d" / name) in str(caught.value)


def test_spoilt_archives(tmp_path: Path):
    write_ten(tmp_path / "cut", "binary", archive)
    path = tmp_path / "cut" / "cifar-10-binary.tar.gz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatasetCorrupt, match=r"cifar-10-binary\.tar\.gz cannot be read"):
        load_cifar10(tmp_path / "cut")
    path.write_bytes(b"no archive")
    with pytest.raises(DatasetCorrupt, match="cannot be read"):
        load_cifar10(tmp_path / "cut")
    archive(tmp_path / "lacks", {f"{name}.bin": binary(name) for name in TEN[:4]})
    with pytest.raises(DatasetCorrupt, match=r"lacks data_batch_5\.bin, test_batch\.bin"):
        load_cifar10(tmp_path / "lacks")


def test_a_folder_of_another_data_set(tmp_path: Path):
    plain(tmp_path / "c", {name: binary(name, kinds=2) for name in ("train.bin", "test.bin")})
    with pytest.raises(DatasetMissing, match=r"lacks data_batch_1\.bin.* and 2 more"):
        load_cifar10(tmp_path / "c")
    write_ten(tmp_path / "d", "binary")
    (tmp_path / "d" / "data_batch_3.bin").unlink()
    with pytest.raises(DatasetMissing, match=r"d: lacks data_batch_3\.bin \(the binary version\)"):
        load_cifar10(tmp_path / "d")


# ------------------------------------------------------------------------------------- mosaics
@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar_module, "_TILES", (2, 3))


def mosaic(path: Path) -> np.ndarray:
    rng = np.random.default_rng(list(path.name.encode()))
    tiles = rng.integers(0, 256, (6, 32, 32, 3)).astype(np.uint8)
    picture = tiles.reshape(2, 3, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(64, 96, 3)
    Image.fromarray(picture).save(path, lossless=True)
    return tiles


def write_mosaics(folder: Path, train: str, test: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, labels in (("train", train), ("test", test)):
        lines = "".join(f"{label} image_{k}.png\n" for k, label in enumerate(labels))
        (folder / f"{part}_labels.txt").write_text(lines)


@pytest.mark.usefixtures("small_tiles")
def test_mosaics(tmp_path: Path):
    """The third picture for training is not there, the second for testing is half empty."""
    write_mosaics(tmp_path, train="012345678901234567012345", test="987654321")
    train = [mosaic(tmp_path / f"train_{k:02}.webp") for k in (0, 1, 3)]
    test = [mosaic(tmp_path / f"test_{k:02}.webp") for k in (0, 1)]
    data = load_cifar10(tmp_path)
    np.testing.assert_array_equal(data.train_images, np.concatenate(train))
    np.testing.assert_array_equal(data.test_images, np.concatenate(test)[:9])
    assert "".join(map(str, data.train_labels)) == "012345678901012345"
    assert "".join(map(str, data.test_labels)) == "987654321"
    assert "18 of the 50,000 training images, 9 test images" in data.source


@pytest.mark.usefixtures("small_tiles")
def test_spoilt_mosaics(tmp_path: Path):
    write_mosaics(tmp_path, train="012345", test="01234x")
    for part in ("train", "test"):
        mosaic(tmp_path / f"{part}_00.webp")
    with pytest.raises(DatasetCorrupt, match="does not begin with a class"):
        load_cifar10(tmp_path)
    write_mosaics(tmp_path, train="", test="012345")
    with pytest.raises(DatasetCorrupt, match="0 labels for 6 images"):
        load_cifar10(tmp_path)
    write_mosaics(tmp_path, train="012345", test="012345")
    Image.new("RGB", (96, 32)).save(tmp_path / "train_00.webp")
    with pytest.raises(DatasetCorrupt, match="has 32 x 96 pixels, but must have 64 x 96"):
        load_cifar10(tmp_path)
    (tmp_path / "train_00.webp").write_bytes(b"no picture")
    with pytest.raises(DatasetCorrupt, match="is no picture, or cut short"):
        load_cifar10(tmp_path)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_mosaics(tmp_path, train="0", test="0")
    for part in ("train", "test"):
        (tmp_path / f"{part}_00.webp").touch()
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DatasetMissing, match=r'pip install "agnesi\[papers\]"'):
        load_cifar10(tmp_path)


def test_real_mosaics(real: Callable[[str], Path], tmp_path: Path):
    """Some of the real pictures: training images 0 to 999 and 19,000 to 19,999."""
    for name in ("train_00.webp", "train_19.webp", "test_00.webp"):
        (tmp_path / name).symlink_to(real("cifar10") / name)
    for part in ("train", "test"):
        (tmp_path / f"{part}_labels.txt").symlink_to(real("cifar10") / f"{part}_labels.txt")
    data = load_cifar10(tmp_path)
    assert data.train_images.shape == (2000, 32, 32, 3)
    assert data.train_labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    lines = (tmp_path / "train_labels.txt").read_text().splitlines()
    assert data.train_labels[1000:].tolist() == [int(line[0]) for line in lines[19_000:20_000]]
    assert np.bincount(data.test_labels).tolist() == [100] * 10
    # The first image, a frog: what the official pickle of the first batch begins with.
    assert data.train_images[0, 0, :3].tolist() == [[59, 62, 63], [43, 46, 45], [50, 48, 43]]

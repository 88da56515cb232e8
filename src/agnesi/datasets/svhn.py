"""Street View House Numbers: digits cut from photographs of houses.

Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng: Reading digits in natural images with
unsupervised feature learning.  NIPS workshop on deep learning (2011).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.dataset import Dataset, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt
from agnesi.datasets.images import LabelledImages, check_labels
from agnesi.datasets.matlab import read_mat

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Folder, Paths

    Bytes = NDArray[np.uint8]

SIDE = 32
CLASSES = 10

_TEN = 10  # the label that the files give the digit 0


def load_svhn(folder: Folder = None, *, download: bool = False) -> LabelledImages:
    """SVHN: 73,257 digits in colour for training, 26,032 for testing, uint8[n, 32, 32, 3].

    A folder, or its subfolder ``svhn``, holds the two files of cropped digits,
    ``train_32x32.mat`` and ``test_32x32.mat``.  The digit 0, which they call 10, is class 0.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: a file is not what it should be.
    """
    return SVHN.load(folder, download=download)


def load_svhn_extra(folder: Folder = None, *, download: bool = False) -> LabelledImages:
    """SVHN with 531,131 further, easier digits for training: ``extra_32x32.mat``.

    They come after those of :func:`load_svhn`, whose two files are needed too; all lie in one
    folder.  It takes 4 GB of memory.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: a file is not what it should be.
    """
    return SVHN_EXTRA.load(folder, download=download)


def _read(paths: Paths, where: str) -> LabelledImages:
    (train_path,), (test_path,), *extra_paths = paths
    train, test = _digits(train_path), _digits(test_path)
    for (path,) in extra_paths:
        more = _digits(path)
        train = np.concatenate([train[0], more[0]]), np.concatenate([train[1], more[1]])
    return LabelledImages(*train, *test, tuple("0123456789"), f"SVHN, {where}")


def _digits(path: Path) -> tuple[Bytes, Bytes]:
    """Images and labels of one file: ``X`` is [rows, columns, colours, n]."""
    pixels, numbers = read_mat("load_svhn", path, "X", "y")
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[:3] != (SIDE, SIDE, 3):
        raise DatasetCorrupt(
            f"load_svhn: X must be uint8[{SIDE}, {SIDE}, 3, n]\n"
            f"  {path}: {pixels.dtype}{list(pixels.shape)}\n"
            "  Take the files of cropped digits, format 2."
        )
    labels = numbers.reshape(-1)
    labels = np.where(labels == _TEN, 0, np.where(labels == 0, 255, labels)).astype(np.uint8)
    check_labels("load_svhn", pixels.T, labels, CLASSES, path)
    return np.ascontiguousarray(pixels.transpose(3, 0, 1, 2)), labels


_HOME = "http://ufldl.stanford.edu/housenumbers/"
_NAMES = ("train_32x32.mat", "test_32x32.mat", "extra_32x32.mat")
_DOWNLOADS = tuple(
    Download(name, (_HOME + name,), f"sha256:{digits}", size)
    for name, (digits, size) in zip(
        _NAMES,
        (
            ("435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182_040_794),
            ("cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64_275_384),
            ("a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3", 1_329_278_602),
        ),
        strict=True,
    )
)
_TERMS = "for non-commercial use only"

SVHN = Dataset(
    "svhn",
    "SVHN",
    "digits of house numbers, 73,257 + 26,032, 32 x 32 colour, 10 classes",
    _TERMS,
    _HOME,
    (Layout("the files of cropped digits", tuple((name,) for name in _NAMES[:2]), _read),),
    _DOWNLOADS[:2],
)

SVHN_EXTRA = Dataset(
    "svhn_extra",
    "SVHN with extra digits",
    "the same with 531,131 more for training",
    _TERMS,
    _HOME,
    (Layout("the files of cropped digits", tuple((name,) for name in _NAMES), _read),),
    _DOWNLOADS,
    folders=("svhn",),
    target="svhn",
)

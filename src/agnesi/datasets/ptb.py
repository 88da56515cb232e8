"""The Penn Treebank as language models use it: T. Mikolov's files, a million words of newspaper.

M. P. Marcus, B. Santorini, M. A. Marcinkiewicz: Building a large annotated corpus of English: the
Penn Treebank.  Computational Linguistics 19 (1993), 313-330.

T. Mikolov, M. Karafiát, L. Burget, J. Černocký, S. Khudanpur: Recurrent neural network based
language model.  Interspeech (2010).
"""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.text import Corpus, decoded, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = ("train", "valid", "test")
_FILES = tuple(f"ptb.{part}.txt" for part in _PARTS)
_ARCHIVES = ("ptb.zip", "simple-examples.tgz")
_HOME = "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz"


def load_ptb(folder: Path | None = None) -> Corpus:
    """Penn Treebank from ``folder``, else from ``$AGNESI_DATA``.

    A folder, or its subfolder ``ptb``, ``data`` or ``simple-examples/data``, holds the three files
    ``ptb.train.txt``, ``ptb.valid.txt`` and ``ptb.test.txt``, or an archive of them, ``ptb.zip`` or
    ``simple-examples.tgz``.  Each line is a sentence; the spaces around it are taken off, which
    leaves 5,017,482, 393,042 and 442,423 characters, 50 different ones, as character models have
    them, and 929,589, 73,760 and 82,430 words, 10,000 different ones, as
    :func:`agnesi.datasets.words` counts.

    Raises:
        DatasetMissing: no folder is named, or it lacks a file.
        DatasetCorrupt: an archive or a file is not what it should be.
    """
    if folder is not None:
        folder = folder.expanduser()
        return _from_folders(_below(folder), f"in {folder}")
    named = os.environ.get("AGNESI_DATA")
    if named:
        return _from_folders(_below(Path(named).expanduser()), f"where AGNESI_DATA={named} points")
    raise DatasetMissing(
        "load_ptb: no folder was named, and AGNESI_DATA is not set\n" + _where_to_get_it()
    )


def _below(folder: Path) -> tuple[Path, ...]:
    return folder / "ptb", folder, folder / "data", folder / "simple-examples" / "data"


def _where_to_get_it() -> str:
    return (
        f"  Name a folder with {', '.join(_FILES)},\n  or with the archive that has them: {_HOME}"
    )


def _from_folders(folders: Sequence[Path], where: str) -> Corpus:
    """The corpus of the first folder that has all of it."""
    tried: list[str] = []
    for folder in folders:
        lacking = [name for name in _FILES if not (folder / name).is_file()]
        if not lacking:
            texts = [read_text("load_ptb", folder / name) for name in _FILES]
            return _corpus(texts, folder, f"Penn Treebank, the files in {folder}")
        for name in _ARCHIVES:
            path = folder / name
            if path.is_file():
                return _corpus(_from_archive(path), path, f"Penn Treebank, {path}")
        state = f"lacks {', '.join(lacking)}" if folder.is_dir() else "no such folder"
        tried.append(f"{folder}: {state}")
    raise DatasetMissing(
        f"load_ptb: the three files were not found {where}\n"
        + "".join(f"  tried {line}\n" for line in tried)
        + _where_to_get_it()
    )


def _from_archive(path: Path) -> list[str]:
    """The three texts in an archive, whatever folder they are in there."""
    try:
        members = _tar(path) if path.suffix == ".tgz" else _zip(path)
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DatasetCorrupt(
            f"load_ptb: {path} cannot be read: {error}\n  Replace it by a whole one: {_HOME}"
        ) from error
    lacking = [name for name in _FILES if name not in members]
    if lacking:
        raise DatasetCorrupt(
            f"load_ptb: {path} lacks {', '.join(lacking)}\n  Replace it by a whole one: {_HOME}"
        )
    return [decoded("load_ptb", f"{name} in {path}", members[name]) for name in _FILES]


def _zip(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        names = {name.rpartition("/")[2]: name for name in archive.namelist()}
        return {name: archive.read(names[name]) for name in _FILES if name in names}


def _tar(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            content = archive.extractfile(member) if name in _FILES else None
            if content is not None:
                found[name] = content.read()
    return found


def _corpus(texts: Sequence[str], where: Path, source: str) -> Corpus:
    """Sentences without the spaces around them."""
    trimmed = ["".join(f"{line.strip()}\n" for line in text.splitlines()) for text in texts]
    for name, text in zip(_FILES, trimmed, strict=True):
        if not text.strip():
            raise DatasetCorrupt(
                f"load_ptb: {name} in {where} is empty\n  Replace it by a whole one: {_HOME}"
            )
    train, valid, test = trimmed
    return Corpus(train, valid, test, source)

"""Files inside archives: zip, and tar with any compression."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_members(what: str, path: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Contents of files in an archive, by their names in it, sorted.

    Whether it is zip or tar is read from the file.  Nothing is written anywhere.  What Macs add
    under ``__MACOSX`` is left out.

    Args:
        what: who asks, for messages.
        path: of the archive.
        wanted: says of a name, such as ``folder/file.bin``, whether it is read.

    Raises:
        DatasetMissing: the archive is not there or may not be read.
        DatasetCorrupt: it is no archive, or cut short.
    """
    try:
        found = _zip(path, wanted) if zipfile.is_zipfile(path) else _tar(path, wanted)
    except FileNotFoundError as error:
        raise DatasetMissing(f"{what}: {path} is not there") from error
    except (
        EOFError,
        NotImplementedError,
        OSError,
        RuntimeError,
        lzma.LZMAError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DatasetCorrupt(
            f"{what}: {path} cannot be read: {error}\n  Replace it by a complete copy."
        ) from error
    return {name: found[name] for name in sorted(found)}


def _zip(path: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        names = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX/")
        ]
        return {name: archive.read(name) for name in names if wanted(name)}


def _tar(path: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            file = archive.extractfile(member) if member.isfile() and wanted(name) else None
            if file is not None:
                found[name] = file.read()
    return found

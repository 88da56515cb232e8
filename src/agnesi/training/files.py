"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TypeAlias

PathLike: TypeAlias = str | os.PathLike[str]


def write_atomically(path: PathLike, content: bytes, *, durable: bool = False) -> None:
    """Put ``content`` at ``path``; who reads meanwhile sees the old file or the new, never half.

    The folder is made where it is missing.

    Args:
        path: of the file.
        content: all of it.
        durable: return only when it is on the disk, so that a machine that loses its power has
            it, too.

    Raises:
        OSError: the folder or the file cannot be written; what was at ``path`` is still there.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "runs" / "note.txt"
    ...     write_atomically(path, b"versiera")
    ...     path.read_bytes(), [found.name for found in path.parent.iterdir()]
    (b'versiera', ['note.txt'])
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
        if durable:
            _sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(folder: Path) -> None:
    """See that files can be written into a folder, which is made where it is missing.

    Raises:
        OSError: they cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed while they wrote have left in a folder."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)

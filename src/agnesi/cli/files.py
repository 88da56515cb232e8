"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``; who reads meanwhile sees the old file or the new, never half.

    The folder is made where it is missing.

    Raises:
        OSError: the folder or the file cannot be written; what was at ``path`` is still there.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "runs" / "note.txt"
    ...     write_atomically(path, b"versiera")
    ...     path.read_bytes(), [found.name for found in path.parent.iterdir()]
    (b'versiera', ['note.txt'])
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

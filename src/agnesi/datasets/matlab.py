"""Arrays in MATLAB's files, by SciPy, which is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def read_mat(what: str, path: Path, *names: str) -> tuple[NDArray[Any], ...]:
    """Arrays of numbers of a ``.mat`` file, by their names.

    Args:
        what: who asks, for messages.
        path: of the file, of a version before 7.3.
        names: of the arrays.

    Raises:
        DatasetMissing: the file is not there, or SciPy is not installed.
        DatasetCorrupt: it is no such file, is cut short, or lacks an array.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise DatasetMissing(
            f"{what}: {path.name} is read with SciPy, not installed here\n"
            '  pip install "agnesi[papers]"'
        ) from error
    try:
        found: dict[str, Any] = loadmat(path, variable_names=list(names))
    except FileNotFoundError as error:
        raise DatasetMissing(f"{what}: {path} is not there") from error
    except Exception as error:  # a file cut short or made up fails in any way it likes
        raise _corrupt(what, path, f"{type(error).__name__}: {error}") from error
    for name in names:
        if name not in found:
            raise _corrupt(what, path, f"it has no array {name}")
        if np.asarray(found[name]).dtype.kind not in "uif":
            raise _corrupt(what, path, f"{name} is no array of numbers")
    return tuple(found[name] for name in names)


def _corrupt(what: str, path: Path, reason: str) -> DatasetCorrupt:
    return DatasetCorrupt(
        f"{what}: {path} cannot be read: {reason}\n  Replace it by a complete copy."
    )

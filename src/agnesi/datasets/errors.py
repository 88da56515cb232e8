"""What goes wrong with data.

DatasetError
├── DatasetMissing (FileNotFoundError)  the files, or the package that ships them, are not there
└── DatasetCorrupt (ValueError)         a file is there but does not hold what it should
"""

from __future__ import annotations

from agnesi.core.errors import AgnesiError


class DatasetError(AgnesiError):
    """A data set cannot be had; the message says why and what to do."""


class DatasetMissing(DatasetError, FileNotFoundError):
    """The files of a data set, or the package that ships them, are not there."""


class DatasetCorrupt(DatasetError, ValueError):
    """A file of a data set does not hold what its format and its siblings say."""

"""What can go wrong while a paper is reproduced."""

from __future__ import annotations

from agnesi.core.errors import AgnesiError


class PaperError(AgnesiError):
    """A paper's experiments cannot be run as they were asked for."""


class UnknownPaper(PaperError, LookupError):
    """There is no paper of this name."""


class NotBuilt(PaperError):
    """The paper is listed, but its system is not there yet."""


class FolderTaken(PaperError, OSError):
    """The folder for results holds another run, or cannot be written."""

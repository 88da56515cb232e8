"""What can go wrong while something is trained."""

from __future__ import annotations

from agnesi.core.errors import AgnesiError


class TrainingError(AgnesiError, ValueError):
    """What was asked of the training kit cannot be done."""


class Diverged(TrainingError):
    """The loss stopped being a number."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be used."""


class CheckpointCorrupt(CheckpointError):
    """A file is no whole checkpoint: cut off, changed, or something else."""


class CheckpointMismatch(CheckpointError):
    """A checkpoint is whole, but of another program or of another run."""


class MetricsUnwritable(TrainingError, OSError):
    """Measurements cannot be written: the disk is full, or the folder cannot be written."""


class CheckpointUnwritable(CheckpointError, OSError):
    """A checkpoint cannot be written: the disk is full, or the folder cannot be written."""

"""RIFF, the container of WAV and AVI files: whether a file is as long as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.datasets.errors import DatasetCorrupt

if TYPE_CHECKING:
    from pathlib import Path

_UNKNOWN = (0, 0xFFFFFFFF)  # what is written while the end is not known yet


def check_riff(what: str, shown: Path | str, start: bytes, length: int) -> None:
    """A RIFF file must be as long as its first eight bytes say; files of other kinds pass.

    soundfile and ffmpeg read what there is of a file, and do not say that the rest is missing.

    Args:
        what: who asks, for messages.
        shown: the file's name, for messages.
        start: its first bytes, eight at least.
        length: of the file, in bytes.

    Raises:
        DatasetCorrupt: the file is cut short.
    """
    if start[:4] != b"RIFF" or len(start) < 8:
        return
    size = int.from_bytes(start[4:8], "little")
    if size not in _UNKNOWN and length < 8 + size:
        raise DatasetCorrupt(
            f"{what}: {shown} is cut short\n"
            f"  its header says {8 + size:,} bytes, there are {length:,}\n"
            "  Replace it by a complete copy."
        )

"""Recorded sound as arrays, by soundfile, which is imported only here."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.riff import check_riff

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SPHERE = b"NIST_1A"
_FIELD = re.compile(r"^(\w+) -[a-z]\d* (.*)$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording.

    Attributes:
        samples: float32[n], or float32[n, channels] where there are several, from -1 to 1.
        rate: samples a second.
    """

    samples: NDArray[np.float32]
    rate: int


def load_sound(path: Path | str) -> Sound:
    """A recording from a file: WAV, NIST SPHERE, FLAC, Ogg, MP3 or what else soundfile reads.

    Raises:
        DatasetMissing: the file is not there, or soundfile is not installed.
        DatasetCorrupt: it is no sound, is cut short, or is a SPHERE file compressed by shorten.
    """
    return read_sound("load_sound", Path(path).expanduser())


def read_sound(what: str, source: Path | bytes, name: str = "") -> Sound:
    """A recording from a file, or from its bytes.

    Args:
        what: who asks, for messages.
        source: path of a file, or its bytes.
        name: of the file, where ``source`` is bytes.

    Raises:
        DatasetMissing: the file is not there, or soundfile is not installed.
        DatasetCorrupt: it is no sound, is cut short, or is a SPHERE file compressed by shorten.
    """
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: its library, libsndfile, is not there
        raise DatasetMissing(
            f"{what}: sound is read with soundfile, not installed here\n"
            '  pip install "agnesi[papers]"'
        ) from error

    shown = source if isinstance(source, Path) else name
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise DatasetMissing(f"{what}: {shown} cannot be read: {error.strerror}") from error
    check_riff(what, shown, content, len(content))
    promised = _sphere_samples(what, shown, content)
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise DatasetCorrupt(
            f"{what}: {shown} is no sound: {getattr(error, 'error_string', error)}\n"
            "  Replace it by a complete copy, or convert it to WAV."
        ) from error
    if promised is not None and len(samples) != promised:
        raise DatasetCorrupt(
            f"{what}: {shown} is cut short\n"
            f"  its header says {promised:,} samples, there are {len(samples):,}\n"
            "  Replace it by a complete copy."
        )
    return Sound(samples, rate)


def _sphere_samples(what: str, shown: Path | str, content: bytes) -> int | None:
    """Number of samples that the header of a SPHERE file promises; None for other files.

    The header is text: the length of the header on its second line, then a field a line.
    """
    if not content.startswith(_SPHERE):
        return None
    length = content[8:16].strip()
    header = content[: int(length) if length.isdigit() else 1024]
    fields = dict(_FIELD.findall(header.decode("latin1")))
    coding = fields.get("sample_coding", "pcm")
    if "shorten" in coding:
        raise DatasetCorrupt(
            f"{what}: {shown} is compressed: its header says {coding}\n"
            "  Unpack it with NIST's w_decode or LDC's sph2pipe: sph2pipe -f wav in.wav out.wav"
        )
    try:
        return int(fields["sample_count"])
    except (KeyError, ValueError):
        return None

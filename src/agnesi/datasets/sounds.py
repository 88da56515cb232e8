"""A folder of recordings, each with a class; EMO-DB, the Berlin database of emotional speech.

F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier, B. Weiss: A database of German emotional
speech.  Interspeech (2005).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Folder, Layout
from agnesi.datasets.errors import DatasetCorrupt
from agnesi.datasets.folders import classes_of, files_below, folder_of
from agnesi.datasets.sound import read_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Paths

_KINDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
_EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
# Speaker, text, emotion, version.
_EMODB = re.compile(r"(\d\d)[ab]\d\d([WLEAFTN])[a-z]?")


@dataclass(frozen=True, eq=False)
class LabelledSounds:
    """Recordings and what they are.

    Attributes:
        sounds: float32[samples] each, or float32[samples, channels], from -1 to 1.
        rate: samples a second.
        labels: int64[n], the class of each.
        classes: their names, sorted.
        names: of the files, relative to the folder.
        source: where they were read, in words.
    """

    sounds: tuple[NDArray[np.float32], ...]
    rate: int
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    source: str


def load_sounds(
    folder: Path | str, label: Callable[[PurePosixPath], str | None] | None = None
) -> LabelledSounds:
    """Recordings anywhere below a folder, in the order of their names, with their classes.

    Args:
        folder: with the recordings.
        label: gives the class of a recording by its path relative to the folder, None to leave it
            out; left to itself that is the name of the folder that it is in.

    Raises:
        DatasetMissing: there is no such folder, or no recording in it, or soundfile is missing.
        DatasetCorrupt: a file is no sound or cut short, or rates differ.
    """
    top = Path(folder).expanduser()
    paths = files_below("load_sounds", top, _KINDS, "recordings")
    inside = [(PurePosixPath(path.relative_to(top).as_posix()), path) for path in paths]
    return _labelled("load_sounds", top, inside, label or folder_of(top), str(top))


def load_emodb(folder: Folder = None) -> LabelledSounds:
    """EMO-DB, ten actors who speak German sentences with seven emotions.

    A folder, or its subfolder ``emodb`` or ``wav``, holds the 535 files ``03a01Fa.wav`` and so on,
    or the archive ``download.zip`` of them (or another ``emodb*.zip``).  A name starts with the
    number of the actor, which experiments keep apart: ``[name[:2] for name in emodb.names]``.

    Raises:
        DatasetMissing: no folder is named, or it lacks the files, or soundfile is missing.
        DatasetCorrupt: a file is no sound, or cut short.
    """
    return EMODB.load(folder)


def _labelled(
    what: str,
    top: Path,
    files: Iterable[tuple[PurePosixPath, Path | bytes]],
    label: Callable[[PurePosixPath], str | None],
    where: str,
) -> LabelledSounds:
    pairs = [(label(name), name, file) for name, file in files]
    labels, classes = classes_of(what, top, [kind for kind, _, _ in pairs])
    kept = [(name, file) for kind, name, file in pairs if kind is not None]
    sounds = [read_sound(what, file, f"{name} in {top}") for name, file in kept]
    for (name, _), sound in zip(kept, sounds, strict=True):
        if sound.rate != sounds[0].rate:
            raise DatasetCorrupt(
                f"{what}: recordings must have one rate\n"
                f"  {kept[0][0]}: {sounds[0].rate:,} samples/s\n"
                f"  {name}: {sound.rate:,} samples/s\n"
                "  Convert them, or leave some out with label=."
            )
    return LabelledSounds(
        tuple(sound.samples for sound in sounds),
        sounds[0].rate,
        labels,
        classes,
        tuple(str(name) for name, _ in kept),
        f"{where}: {len(kept):,} recordings",
    )


def _emotion(path: PurePosixPath) -> str | None:
    match = _EMODB.fullmatch(path.stem)
    return _EMOTIONS[match[2]] if match else None


def _from_files(paths: Paths, where: str) -> LabelledSounds:
    (files,) = paths
    inside = [(PurePosixPath(path.name), path) for path in files]
    return _labelled("load_emodb", files[0].parent, inside, _emotion, f"EMO-DB, {where}")


def _from_archive(paths: Paths, where: str) -> LabelledSounds:
    ((path,),) = paths
    members = read_members("load_emodb", path, lambda name: name.lower().endswith(".wav"))
    inside = [(PurePosixPath(PurePosixPath(name).name), file) for name, file in members.items()]
    return _labelled("load_emodb", path, inside, _emotion, f"EMO-DB, {where}")


_NAMES = "[01][0-9][ab][0-9][0-9][WLEAFTN]*.wav"

EMODB = Dataset(
    name="emodb",
    title="EMO-DB",
    what="German sentences spoken with seven emotions by ten actors, 535 recordings",
    terms="free to use, with the paper cited",
    home="http://emodb.bilderbar.info",
    folders=("wav", "emodb/wav"),
    layouts=(
        Layout("the recordings", ((_NAMES,),), _from_files),
        Layout("an archive", (("download.zip", "emodb*.zip"),), _from_archive),
    ),
    by_hand="Get http://emodb.bilderbar.info/download/download.zip (40 MB),\n"
    "and put it, or what is in it, into a folder that you name.",
)

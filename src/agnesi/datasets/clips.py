"""A folder of films, each with a class: HMDB51, UCF101 and whatever is laid out like them.

H. Kuehne, H. Jhuang, E. Garrote, T. Poggio, T. Serre: HMDB: a large video database for human motion
recognition.  ICCV (2011).

K. Soomro, A. R. Zamir, M. Shah: UCF101: a dataset of 101 human actions classes from videos in the
wild.  arXiv:1212.0402 (2012).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agnesi.datasets.folders import classes_of, files_below, folder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_KINDS = (".avi", ".mp4", ".mpg", ".mpeg", ".mov", ".mkv", ".webm")
_UCF = re.compile(r"v_(\w+)_g\d+_c\d+")
# The title, what is done, what is seen of the body, camera, people, from where, quality, number.
_HMDB = re.compile(
    r".+?_(brush_hair|climb_stairs|draw_sword|fall_floor|flic_flac|kick_ball|ride_bike|ride_horse"
    r"|shake_hands|shoot_ball|shoot_bow|shoot_gun|swing_baseball|sword_exercise|[a-z]+)"
    r"_[fuhl]_(?:cm|nm)_np\d_(?:fr|ba|le|ri)_(?:bad|med|goo)_\d+"
)


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """Films and what they show; :func:`agnesi.datasets.load_clip` reads one.

    Attributes:
        paths: of the films.
        labels: int64[n], the class of each.
        classes: their names, sorted.
        source: where the films are, in words.
    """

    paths: tuple[Path, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    source: str


def find_clips(
    folder: Path | str, label: Callable[[PurePosixPath], str | None] | None = None
) -> LabelledClips:
    """Films anywhere below a folder, in the order of their names, with their classes.

    Args:
        folder: with the films.
        label: gives the class of a film by its path relative to the folder, None to leave it out;
            left to itself that is :func:`action_of` its name, else the name of its folder.

    Raises:
        DatasetMissing: there is no such folder, or no film in it.
    """
    top = Path(folder).expanduser()
    paths = files_below("find_clips", top, _KINDS, "films")
    by_folder = folder_of(top)

    def action(path: PurePosixPath) -> str | None:
        return action_of(path.name) or by_folder(path)

    inside = [PurePosixPath(path.relative_to(top).as_posix()) for path in paths]
    names = [(label or action)(path) for path in inside]
    kept = [path for path, name in zip(paths, names, strict=True) if name is not None]
    labels, classes = classes_of("find_clips", top, names)
    return LabelledClips(tuple(kept), labels, classes, f"{len(kept):,} films in {top}")


def action_of(name: str) -> str | None:
    """The action that a film's name tells as in HMDB51 and UCF101, None for other names.

    >>> action_of("TrumanShow_wave_f_nm_np1_fr_med_26.avi")
    'wave'
    >>> action_of("v_SoccerJuggling_g23_c01.avi")
    'SoccerJuggling'
    """
    stem = name.rpartition(".")[0]
    match = _UCF.fullmatch(stem) or _HMDB.fullmatch(stem)
    return match[1] if match else None

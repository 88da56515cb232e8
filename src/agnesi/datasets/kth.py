"""KTH: 25 people who do six actions in four settings, filmed in grey at 160 x 120 pixels.

C. Schuldt, I. Laptev, B. Caputo: Recognizing human actions: a local SVM approach.  ICPR (2004).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agnesi.datasets.dataset import Dataset, Folder, Layout
from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.text import read_text
from agnesi.datasets.video import Clip, read_clip

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from agnesi.datasets.dataset import Paths

ACTIONS = ("boxing", "handclapping", "handwaving", "jogging", "running", "walking")
"""The classes of KTH; action ``ACTIONS[k]`` is class ``k``."""

_TRAIN = (11, 12, 13, 14, 15, 16, 17, 18)
_VALID = (1, 4, 19, 20, 21, 23, 24, 25)
_TEST = (2, 3, 5, 6, 7, 8, 9, 10, 22)
_LISTED = re.compile(
    rf"(person(\d\d)_({'|'.join(ACTIONS)})_d([1-4]))\s+(\*missing\*|frames\s+(.*))"
)
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")
# The film that the makers give out ends at frame 305, inside its fourth sequence.
_BROKEN = ("person01_boxing_d4", 246)
_WHAT = "load_kth"


@dataclass(frozen=True)
class KthSequence:
    """Someone does something once, in a part of a film.

    Attributes:
        person: 1 to 25.
        action: one of :data:`agnesi.datasets.kth.ACTIONS`.
        setting: 1 outdoors, 2 with changes of scale, 3 in other clothes, 4 indoors.
        path: of the film.
        start: its first frame, counted from 0.
        stop: the frame after its last.
    """

    person: int
    action: str
    setting: int
    path: Path
    start: int
    stop: int

    @property
    def label(self) -> int:
        """The class of the action, 0 to 5."""
        return ACTIONS.index(self.action)

    def clip(self, *, size: tuple[int, int] | None = None, step: int = 1) -> Clip:
        """Its frames in grey, uint8[n, height, width]; read at each call.

        Args:
            size: height and width that frames are scaled to; None for 120 x 160.
            step: takes every so manieth frame.

        Raises:
            DatasetMissing: the film is gone, or PyAV is not installed.
            DatasetCorrupt: it is no film, or ends before the sequence does.
        """
        return read_clip(
            _WHAT, self.path, grey=True, size=size, start=self.start, stop=self.stop, step=step
        )


@dataclass(frozen=True, eq=False)
class Kth:
    """The sequences of KTH; ``train``, ``valid`` and ``test`` are the makers' parts, by person.

    Attributes:
        sequences: all there are, in the order of the makers' list.
        source: where they are, in words.
    """

    sequences: tuple[KthSequence, ...]
    source: str

    @property
    def train(self) -> tuple[KthSequence, ...]:
        """Of persons 11 to 18."""
        return self._of(_TRAIN)

    @property
    def valid(self) -> tuple[KthSequence, ...]:
        """Of persons 1, 4, 19 to 21 and 23 to 25."""
        return self._of(_VALID)

    @property
    def test(self) -> tuple[KthSequence, ...]:
        """Of persons 2, 3, 5 to 10 and 22."""
        return self._of(_TEST)

    def _of(self, persons: Container[int]) -> tuple[KthSequence, ...]:
        return tuple(each for each in self.sequences if each.person in persons)


def load_kth(folder: Folder = None) -> Kth:
    """KTH from ``folder``, else from ``$AGNESI_DATA``; films are read when they are asked for.

    A folder, or its subfolder ``kth``, holds the makers' list of sequences, ``00sequences.txt``,
    and films named ``person01_boxing_d1_uncomp.avi``, beside it or in folders.  Actions of which
    there is no film are left out; of the others there must be all.  Left out as well is the fourth
    sequence of ``person01_boxing_d4``, a film that the makers give out cut short: 2,390 of the
    2,391 sequences are left.

    Raises:
        DatasetMissing: no folder is named, or it lacks the list, or films.
        DatasetCorrupt: a line of the list is not as it should be.
    """
    return KTH.load(folder)


def _from_files(paths: Paths, where: str) -> Kth:
    (listed,), films = paths
    there = {path.name.removesuffix("_uncomp.avi"): path for path in films}
    actions = {name.split("_")[1] for name in there}
    found: list[KthSequence] = []
    lacking: list[str] = []
    for number, line in enumerate(read_text(_WHAT, listed).splitlines(), 1):
        match = _LISTED.fullmatch(line.strip())
        if match is None:
            if re.match(r"\s*person\d\d_", line):
                raise _strange(listed, number, line)
            continue
        name, person, action, setting, _, ranges = match.groups()
        if ranges is None or action not in actions:
            continue
        path = there.get(name)
        if path is None:
            lacking.append(f"{name}_uncomp.avi")
            continue
        for start, stop in _ranges(listed, number, line, ranges):
            if (name, start) != _BROKEN:
                found.append(KthSequence(int(person), action, int(setting), path, start - 1, stop))
    if lacking:
        raise DatasetMissing(
            f"{_WHAT}: {listed.parent} lacks {len(lacking):,} films, first {lacking[0]}\n"
            f"  {listed} lists them, and there are others of the same actions\n"
            "  Unpack the makers' archives there, or leave out whole actions."
        )
    if not found:
        raise DatasetCorrupt(
            f"{_WHAT}: {listed} lists no sequence of the {len(films):,} films\n"
            "  Put the makers' list there."
        )
    return Kth(tuple(found), f"KTH, {len(found):,} sequences of {len(actions)} actions, {where}")


def _ranges(listed: Path, number: int, line: str, ranges: str) -> list[tuple[int, int]]:
    """First and last frames, counted from 1, as the list has them, with commas between them."""
    found: list[tuple[int, int]] = []
    for part in ranges.strip().rstrip(",").split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise _strange(listed, number, line)
        found.append((int(match[1]), int(match[2])))
    return found


def _strange(listed: Path, number: int, line: str) -> DatasetCorrupt:
    return DatasetCorrupt(
        f"{_WHAT}: line {number} of {listed} is {line.strip()!r}\n"
        "  expected: person01_boxing_d1 frames 1-95, 96-185, and so on, or *missing*\n"
        "  Put the makers' list there."
    )


_FILM = "person[0-2][0-9]_*_d[1-4]_uncomp.avi"
_HOME = "https://www.csc.kth.se/cvap/actions"

KTH = Dataset(
    name="kth",
    title="KTH actions",
    what="25 people who box, clap, wave, jog, run and walk, 2,391 sequences of film",
    terms="no licence stated: for research, with the paper cited",
    home=f"{_HOME}/",
    folders=("KTH",),
    layouts=(
        Layout(
            "the list of sequences and the films",
            (("00sequences.txt",), (_FILM, f"*/{_FILM}")),
            _from_files,
        ),
    ),
    by_hand=f"Get {_HOME}/00sequences.txt\n"
    f"and {_HOME}/boxing.zip, and so on for {', '.join(ACTIONS[1:])};\n"
    "unpack them into a folder that you name.",
)

"""Sequences of the Object Tracking Benchmark: frames, and the box around what is followed.

Y. Wu, J. Lim, M.-H. Yang: Object tracking benchmark.  IEEE Transactions on Pattern Analysis and
Machine Intelligence 37 (2015), 1834-1848.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing
from agnesi.datasets.folders import files_below
from agnesi.datasets.pillow import read_picture
from agnesi.datasets.text import read_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BOXES = "groundtruth_rect.txt"


@dataclass(frozen=True, eq=False)
class TrackedSequence:
    """Frames, and where the target is in each.

    Attributes:
        frames: uint8[n, height, width, 3], or uint8[n, height, width] in grey.
        boxes: float32[n, 4]: left, top, width and height in pixels, where pixel ``k`` goes from
            ``k`` to ``k + 1`` (the files count pixels from 1).
        source: where they were read, in words.
    """

    frames: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    source: str


def load_tracking(
    folder: Path | str, *, grey: bool = False, first: int = 1, target: int | None = None
) -> TrackedSequence:
    """A sequence as the benchmark ships it: pictures in ``img``, boxes in ``groundtruth_rect.txt``.

    Args:
        folder: of the sequence.
        grey: whether brightness alone is kept.
        first: number of the picture that the first box belongs to, counted from 1; pictures before
            it are left out, and so are those after the last box where ``first`` is not 1 (in David
            the boxes begin at 300).
        target: number of the target, where a sequence has several (Jogging has two, whose boxes are
            in ``groundtruth_rect.1.txt`` and ``groundtruth_rect.2.txt``).

    Raises:
        DatasetMissing: the folder lacks pictures or boxes, or pillow is not installed.
        DatasetCorrupt: a file is no picture, pictures differ in size, a line is no box, or boxes
            are not as many as pictures.
        DatasetError: ``first`` is not positive.
    """
    top = Path(folder).expanduser()
    if first < 1:
        raise DatasetError(f"load_tracking: first must be positive, but is {first}")
    path = top / (_BOXES if target is None else f"groundtruth_rect.{target}.txt")
    if not path.is_file():
        there = ", ".join(sorted(found.name for found in top.glob("groundtruth_rect*"))) or "none"
        raise DatasetMissing(
            f"load_tracking: {top} lacks {path.name}\n"
            f"  files with boxes there: {there}\n"
            "  Name the folder of one sequence."
        )
    boxes = _boxes(path)
    pictures = files_below("load_tracking", top / "img", (".jpg", ".png"), "pictures")[first - 1 :]
    if first > 1:
        pictures = pictures[: len(boxes)]
    if len(pictures) != len(boxes):
        raise DatasetCorrupt(
            f"load_tracking: there must be one box for each picture\n"
            f"  {path}: {len(boxes):,} boxes\n"
            f"  {top / 'img'}: {len(pictures):,} pictures from number {first:,} on\n"
            "  Put the whole sequence there, or say with first= where its boxes begin."
        )
    frames = [read_picture("load_tracking", file, "L" if grey else "RGB") for file in pictures]
    for file, frame in zip(pictures, frames, strict=True):
        if frame.shape != frames[0].shape:
            raise DatasetCorrupt(
                f"load_tracking: pictures must have one size\n"
                f"  {pictures[0]}: {frames[0].shape}\n"
                f"  {file}: {frame.shape}\n"
                "  Put the pictures of one sequence there."
            )
    return TrackedSequence(
        np.stack(frames), boxes, f"{top.absolute().name}, {len(frames):,} pictures in {top}"
    )


def _boxes(path: Path) -> NDArray[np.float32]:
    """Lines of four numbers with commas, tabs or blanks between them."""
    boxes: list[list[float]] = []
    for number, line in enumerate(read_text("load_tracking", path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            left, top, width, height = map(float, re.split(r"[,\s]+", line.strip()))
        except ValueError as error:
            raise DatasetCorrupt(
                f"load_tracking: line {number} of {path} is {line!r}\n"
                "  expected: left, top, width, height\n"
                "  Put the file of the benchmark there."
            ) from error
        boxes.append([left - 1, top - 1, width, height])
    return np.array(boxes, np.float32).reshape(-1, 4)

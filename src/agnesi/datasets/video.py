"""Clips as arrays of frames, by PyAV, which is imported only here; and blocks of space and time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing
from agnesi.datasets.riff import check_riff

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    Frames = NDArray[np.uint8]

# Containers promise a number of frames, but may count some that are not shown: a clip that has
# fewer than this part of them is cut short.
_LEAST = 0.9


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames of a film.

    Attributes:
        frames: uint8[n, height, width, 3] (red, green, blue), or uint8[n, height, width] in grey.
        rate: frames a second.
    """

    frames: Frames
    rate: float


def load_clip(
    path: Path | str,
    *,
    grey: bool = False,
    size: tuple[int, int] | None = None,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
) -> Clip:
    """Frames of a film in any format that PyAV reads.

    That a film is cut short is noticed where its container says how many frames or bytes there
    are, as AVI and MP4 do.

    Args:
        path: of the file.
        grey: whether brightness alone is kept.
        size: height and width that frames are scaled to; None for those that they have.
        start: the first frame, counted from 0.
        stop: the frame after the last; None for all.
        step: takes every so manieth frame.

    Raises:
        DatasetMissing: the file is not there, or PyAV is not installed.
        DatasetCorrupt: it is no film, is cut short, or ends before the frames that are asked for.
        DatasetError: a number makes no sense.
    """
    return read_clip(
        "load_clip", Path(path), grey=grey, size=size, start=start, stop=stop, step=step
    )


def read_clip(
    what: str,
    path: Path,
    *,
    grey: bool = False,
    size: tuple[int, int] | None = None,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
) -> Clip:
    """As :func:`load_clip`, with ``what`` saying who asks."""
    if start < 0 or step < 1 or (stop is not None and stop <= start) or min(size or (1, 1)) < 1:
        raise DatasetError(
            f"{what}: frames {start} to {stop} in steps of {step}, scaled to {size}\n"
            "  start >= 0, stop > start, step >= 1, and a size is positive."
        )
    form = "gray" if grey else "rgb24"
    found: list[Frames] = []
    count = 0
    with _opened(what, path) as (container, stream):
        for count, frame in enumerate(container.decode(stream), 1):
            if count > start and (count - 1 - start) % step == 0:
                size = size or (frame.height, frame.width)
                scaled = frame.reformat(height=size[0], width=size[1], format=form)
                found.append(scaled.to_ndarray())
            if count == stop:
                break
        promised, rate = stream.frames, float(stream.average_rate or 0)
    least = max(start + 1, int(_LEAST * promised)) if stop is None else stop
    if count < least:
        raise DatasetCorrupt(
            f"{what}: {path} ends too soon\n"
            f"  asked: {least:,} frames at least"
            f"{f' (its header promises {promised:,})' if promised else ''}\n"
            f"  given: {count:,}\n"
            "  Replace it by a complete copy, or ask for fewer frames."
        )
    return Clip(np.stack(found), rate)


@contextmanager
def _opened(what: str, path: Path) -> Generator[tuple[Any, Any]]:
    """The container and its first video stream; what goes wrong with them as our errors."""
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        raise DatasetMissing(
            f'{what}: films are read with PyAV, not installed here\n  pip install "agnesi[papers]"'
        ) from error
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            start = file.read(8)
        length = path.stat().st_size
    except OSError as error:
        raise DatasetMissing(f"{what}: {path} cannot be read: {error.strerror}") from error
    check_riff(what, path, start, length)
    try:
        # Text tags may be in any encoding, and nobody reads them.
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.video:
                raise DatasetCorrupt(f"{what}: {path} has no pictures\n  Name a film.")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    except FFmpegError as error:
        raise DatasetCorrupt(
            f"{what}: {path} is no film, or cut short: {error.strerror}\n"
            "  Replace it by a complete copy."
        ) from error


def video_patches(
    clips: Sequence[Path | str | Frames],
    count: int,
    rng: np.random.Generator | int,
    *,
    frames: int = 10,
    size: int = 16,
    grey: bool = True,
) -> NDArray[np.uint8]:
    """Blocks of space and time, cut at random places out of films.

    Each clip gives as many, or one more; a clip is read once, and only one is in memory at a time.

    Args:
        clips: paths of films, or their frames, uint8[n, height, width] or [n, height, width, 3].
        count: of blocks.
        rng: a generator, or a seed.
        frames: of a block.
        size: height and width of a block.
        grey: whether films are read in grey; clips given as frames stay as they are.

    Returns:
        uint8[count, frames, size, size], with 3 behind in colour; in random order.

    Raises:
        DatasetMissing: a file is not there, or PyAV is not installed.
        DatasetCorrupt: a file is no film, or cut short.
        DatasetError: a clip is smaller than a block, some are grey and some are not, or a number
            is not positive.

    >>> film = np.arange(20 * 32 * 40, dtype=np.uint32).reshape(20, 32, 40).astype(np.uint8)
    >>> video_patches([film], 6, rng=0).shape
    (6, 10, 16, 16)
    """
    if min(count, frames, size) < 1 or not clips:
        raise DatasetError(
            f"video_patches: {count} blocks of {frames} frames, {size} x {size}, of {len(clips)} "
            "clips\n  Each must be positive."
        )
    draw = np.random.default_rng(rng)
    found: list[Frames] = []
    for number, share in enumerate(np.bincount(np.arange(count) % len(clips))):
        clip = clips[number]
        name = f"clip {number}" if isinstance(clip, np.ndarray) else str(clip)
        if not isinstance(clip, np.ndarray):
            clip = read_clip("video_patches", Path(clip), grey=grey).frames
        if (
            clip.ndim not in (3, 4)
            or min(clip.shape[0] - frames, *(n - size for n in clip.shape[1:3])) < 0
        ):
            raise DatasetError(
                f"video_patches: {name} has shape {clip.shape}, too small for a block of "
                f"{frames} frames, {size} x {size}\n"
                "  Leave it out, or ask for smaller blocks."
            )
        if found and clip.shape[3:] != found[0].shape[4:]:
            raise DatasetError(
                f"video_patches: {name} is in colour and others are grey, or the other way round"
            )
        found.append(_blocks(draw, clip, int(share), frames, size))
    blocks = np.concatenate(found)
    draw.shuffle(blocks)
    return blocks


def _blocks(draw: np.random.Generator, clip: Frames, count: int, frames: int, size: int) -> Frames:
    corners = [
        draw.integers(whole - part + 1, size=count)
        for whole, part in zip(clip.shape, (frames, size, size), strict=False)
    ]
    views = np.lib.stride_tricks.sliding_window_view(clip, (frames, size, size), axis=(0, 1, 2))
    chosen = views[corners[0], corners[1], corners[2]]
    # Windows come last: behind the colours, if there are any.
    return np.moveaxis(chosen, 1, -1) if clip.ndim == 4 else chosen

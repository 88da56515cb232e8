"""Digits, or whatever images, that move in a larger frame and bounce off its borders.

N. Srivastava, E. Mansimov, R. Salakhutdinov: Unsupervised learning of video representations using
LSTMs.  ICML (2015); with a wandering digit to be tracked: S. Ebrahimi Kahou, V. Michalski,
R. Memisevic: RATM: recurrent attentive tracking model.  arXiv:1510.08660 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.datasets.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Images = NDArray[Any]


@dataclass(frozen=True, eq=False)
class MovingDigits:
    """Films of digits, and where the digits are.

    Attributes:
        frames: [sequences, steps, height, width], of the dtype of the images.
        boxes: float32[sequences, steps, digits, 4]: left, top, width and height of each image in
            pixels, where pixel ``k`` goes from ``k`` to ``k + 1``.
        labels: int64[sequences, digits].
    """

    frames: Images
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def moving_digits(
    images: Images,
    labels: NDArray[Any],
    sequences: int,
    steps: int,
    rng: np.random.Generator | int,
    *,
    height: int = 100,
    width: int = 100,
    digits: int = 1,
    speed: float = 15.0,
    wander: float = 0.1,
    clutter: int = 0,
    clutter_size: int = 8,
) -> MovingDigits:
    """Films of images drawn at random, each of which moves and bounces off the borders.

    In each step a velocity becomes ``(1 - wander) * velocity + wander * push``, where the push is
    uniform in ``[-speed, speed]`` in both directions; with ``wander=0`` a digit goes straight, at
    ``speed``.  Where images overlap, the brighter pixel is seen.  The defaults are RATM's.

    Args:
        images: [n, h, w], such as those of :func:`agnesi.datasets.load_mnist`, dark outside.
        labels: int[n], what they show.
        sequences: films.
        steps: frames of each film.
        rng: a generator, or a seed.
        height: of a frame.
        width: of a frame.
        digits: in each film; the first may be what is looked for, the others distract.
        speed: pixels a step.
        wander: 0 to 1, how much of each velocity is new.
        clutter: pieces of other images that lie in each film without moving.
        clutter_size: their width and height.

    Raises:
        DatasetError: images are not ``[n, h, w]`` with a label each, do not fit into the frame, or
            a number makes no sense.

    >>> squares = np.full((2, 4, 4), 255, np.uint8)
    >>> film = moving_digits(squares, np.array([3, 5]), 2, 6, rng=0, height=20, width=30)
    >>> film.frames.shape, film.boxes[0, 0, 0, 2:], film.labels.shape
    ((2, 6, 20, 30), array([4., 4.], dtype=float32), (2, 1))
    """
    _check(images, labels, height, width)
    if min(sequences, steps, digits) < 1 or not 0 <= speed < np.inf or not 0 <= wander <= 1:
        raise DatasetError(
            f"moving_digits: {sequences} sequences, {steps} steps, {digits} digits, "
            f"speed {speed}, wander {wander}\n"
            "  Counts are positive, the speed is not negative, wander is 0 to 1."
        )
    draw = np.random.default_rng(rng)
    size = np.array(images.shape[1:])
    chosen = draw.integers(len(images), size=(sequences, digits))
    room = np.array([height, width]) - size
    track = _track(draw, (sequences, steps, digits), room, speed, wander)
    frames = np.zeros((sequences, steps, height, width), images.dtype)
    if clutter:
        _strew(draw, frames, images, clutter, clutter_size)
    film, step = np.ogrid[:sequences, :steps]
    for digit in range(digits):
        _draw(frames, film, step, track[:, :, digit], images[chosen[:, digit], None])
    places = np.concatenate([track[..., ::-1], np.broadcast_to(size[::-1], track.shape)], axis=-1)
    return MovingDigits(frames, places.astype(np.float32), labels[chosen].astype(np.int64))


def _check(images: Images, labels: NDArray[Any], height: int, width: int) -> None:
    if images.ndim != 3 or not images.size or labels.shape != images.shape[:1]:
        raise DatasetError(
            f"moving_digits: images of shape {images.shape}, labels of shape {labels.shape}\n"
            "  Give images [n, h, w] and a label for each."
        )
    if images.shape[1] > height or images.shape[2] > width:
        raise DatasetError(
            f"moving_digits: images of {images.shape[1]} x {images.shape[2]} pixels do not fit "
            f"into frames of {height} x {width}\n"
            "  Make the frames larger."
        )


def _track(
    draw: np.random.Generator,
    shape: tuple[int, int, int],
    room: NDArray[Any],
    speed: float,
    wander: float,
) -> NDArray[np.int64]:
    """Top and left of each digit at each step, int64[sequences, steps, digits, 2]."""
    sequences, steps, digits = shape
    each = (sequences, digits, 2)
    place = draw.uniform(0, 1, each) * room
    if wander:
        velocity = draw.uniform(-speed, speed, each)
    else:
        angle = draw.uniform(0, 2 * np.pi, each[:2])
        velocity = speed * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    track = np.empty((sequences, steps, digits, 2), np.int64)
    for step in range(steps):
        track[:, step] = np.rint(place)
        if wander:
            velocity = (1 - wander) * velocity + wander * draw.uniform(-speed, speed, each)
        # What goes on behind a border is seen in it as in a mirror.
        turn = (place + velocity) % np.maximum(2 * room, 1)
        place = np.where(turn > room, 2 * room - turn, turn) * (room > 0)
        velocity = np.where(turn > room, -velocity, velocity)
    return track


def _strew(
    draw: np.random.Generator, frames: Images, images: Images, pieces: int, size: int
) -> None:
    """Put pieces of images, the same in all steps, at random places."""
    height, width = frames.shape[2:]
    film, step = np.ogrid[: len(frames), :1]
    if pieces < 0 or not 1 <= size <= min(images.shape[1:]):
        raise DatasetError(
            f"moving_digits: {pieces} pieces of clutter, {size} pixels wide, of images of "
            f"{images.shape[1]} x {images.shape[2]}\n"
            "  A piece is at least a pixel and at most an image."
        )
    still = np.zeros_like(frames[:, :1])
    for _ in range(pieces):
        chosen = draw.integers(len(images), size=len(frames))
        corner = draw.integers(np.array(images.shape[1:]) - size + 1, size=(len(frames), 2))
        rows, columns = _square(corner[:, 0], corner[:, 1], size, size)
        piece = images[chosen[:, None, None], rows, columns]
        place = draw.integers(np.array([height, width]) - size + 1, size=(len(frames), 2))
        _draw(still, film, step, place[:, None], piece[:, None])
    frames[:] = still


def _draw(frames: Images, film: Images, step: Images, corner: NDArray[Any], images: Images) -> None:
    """Brighten frames where images lie: [sequences, steps, h, w] with corners [..., 2]."""
    rows, columns = _square(corner[..., 0], corner[..., 1], *images.shape[-2:])
    at = (film[..., None, None], step[..., None, None], rows, columns)
    frames[at] = np.maximum(frames[at], images)


def _square(
    top: NDArray[Any], left: NDArray[Any], height: int, width: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and columns of rectangles with the given corners."""
    return top[..., None, None] + np.arange(height)[:, None], left[..., None, None] + np.arange(
        width
    )

"""Balls that bounce in a box: as many sequences as wanted, the same for the same seed.

I. Sutskever, G. Hinton, G. Taylor: The recurrent temporal restricted Boltzmann machine.  NIPS 21
(2008), 1601-1608; one ball to be tracked: S. Ebrahimi Kahou, V. Michalski, R. Memisevic: RATM:
recurrent attentive tracking model.  arXiv:1510.08660 (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agnesi.datasets.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_TRIES = 1_000


@dataclass(frozen=True, eq=False)
class Balls:
    """Films of balls, and where the balls are.

    Attributes:
        frames: float32[sequences, steps, side, side], from 0 to 1 in the middle of a ball.
        boxes: float32[sequences, steps, balls, 4]: left, top, width and height of each ball in
            pixels, where pixel ``k`` goes from ``k`` to ``k + 1``.
    """

    frames: NDArray[np.float32]
    boxes: NDArray[np.float32]


def bouncing_balls(
    sequences: int,
    steps: int,
    rng: np.random.Generator | int,
    *,
    side: int = 30,
    balls: int = 3,
    radius: float = 3.6,
    speed: float = 1.5,
) -> Balls:
    """Films of balls of the same mass and size, which bounce off the walls and each other.

    Collisions are elastic and computed at the moment when they happen, so that balls neither
    overlap nor gain or lose energy.  A ball at distance ``d`` from the centre of a pixel gives it
    ``exp(-(d / radius)**8)``; what balls give adds up, to at most 1.  The defaults are those of the
    paper, a box ten units wide and balls of radius 1.2, seen at 30 x 30 pixels.

    Args:
        sequences: films.
        steps: frames of each film.
        rng: a generator, or a seed.
        side: width and height of a frame.
        balls: in each film.
        radius: of a ball, in pixels.
        speed: with which each ball starts, in pixels a step.

    Raises:
        DatasetError: the balls do not fit into the box, or a number is not positive.

    >>> film = bouncing_balls(2, 5, rng=0, side=20, balls=1, radius=2, speed=1)
    >>> film.frames.shape, film.boxes.shape
    ((2, 5, 20, 20), (2, 5, 1, 4))
    """
    if min(sequences, steps, side, balls) < 1 or not radius > 0 or not 0 <= speed < np.inf:
        raise DatasetError(
            f"bouncing_balls: {sequences} sequences, {steps} steps, side {side}, {balls} balls, "
            f"radius {radius}, speed {speed}\n"
            "  Each must be positive."
        )
    draw = np.random.default_rng(rng)
    places = _places(draw, sequences, balls, side, radius)
    angles = draw.uniform(0, 2 * np.pi, (sequences, balls))
    velocities = speed * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    track = np.empty((sequences, steps, balls, 2))
    for step in range(steps):
        track[:, step] = places
        if step + 1 < steps:
            _advance(places, velocities, side, radius)
    boxes = np.concatenate([track - radius, np.full_like(track, 2 * radius)], axis=-1)
    return Balls(_drawn(track, side, radius), boxes.astype(np.float32))


def _places(
    draw: np.random.Generator, sequences: int, balls: int, side: int, radius: float
) -> Array:
    """Centres of balls that do not overlap, in each sequence."""
    places = np.empty((sequences, balls, 2))
    open_ones = np.arange(sequences)
    for _ in range(_TRIES if side > 2 * radius else 0):
        places[open_ones] = draw.uniform(radius, side - radius, (len(open_ones), balls, 2))
        gaps = _gaps(places[open_ones])
        open_ones = open_ones[(gaps < 4 * radius * radius).any(axis=(1, 2))]
        if not len(open_ones):
            return places
    raise DatasetError(
        f"bouncing_balls: {balls} balls of radius {radius} do not fit into "
        f"{side} x {side} pixels\n"
        f"  In {_TRIES:,} tries they overlapped: ask for fewer or smaller balls, or a larger side."
    )


def _gaps(places: Array) -> Array:
    """Squared distances of the centres of each two balls, infinite from a ball to itself."""
    apart = places[:, :, None] - places[:, None]
    gaps = (apart**2).sum(-1)
    gaps[:, np.arange(places.shape[1]), np.arange(places.shape[1])] = np.inf
    return gaps


def _advance(places: Array, velocities: Array, side: int, radius: float) -> None:
    """Move balls on by one step, from collision to collision, in all sequences at once.

    Between collisions balls go straight, so that the time of the next one is the root of a
    quadratic equation.  Each round takes a sequence to its next collision, or to the end.
    """
    count = places.shape[1]
    first, second = np.triu_indices(count, 1)
    left = np.ones(len(places))
    while len(going := np.flatnonzero(left > 0)):
        x, v = places[going], velocities[going]
        to_walls = _times_to_walls(x, v, side, radius)
        d, w = x[:, first] - x[:, second], v[:, first] - v[:, second]
        to_balls = _times_to_balls(d, w, 2 * radius)
        walls = to_walls.reshape(len(going), -1).min(1)
        pairs = to_balls.min(1, initial=np.inf)
        time = np.minimum(np.minimum(walls, pairs), left[going])
        x += v * time[:, None, None]
        v[(to_walls <= time[:, None, None]) & (walls < left[going])[:, None, None]] *= -1
        # One pair at a time; another that touches at the same moment has no time left to wait.
        hit = np.flatnonzero((pairs <= time) & (pairs < left[going]) & (pairs < walls))
        if len(hit):
            pair = to_balls[hit].argmin(1)
            i, j = first[pair], second[pair]
            normal = x[hit, i] - x[hit, j]
            normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
            # Equal masses exchange what they have of their velocities along the line between them.
            push = ((v[hit, i] - v[hit, j]) * normal).sum(-1, keepdims=True) * normal
            v[hit, i] -= push
            v[hit, j] += push
        places[going], velocities[going] = x, v
        left[going] -= time


def _times_to_walls(x: Array, v: Array, side: int, radius: float) -> Array:
    """How long each coordinate takes to the wall that it goes to."""
    wall = np.where(v > 0, side - radius, radius)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(v == 0, np.inf, np.maximum((wall - x) / v, 0.0))


def _times_to_balls(d: Array, w: Array, reach: float) -> Array:
    """How long pairs take until they touch: ``|d + t w| = reach``; infinite if they never do."""
    approach = (d * w).sum(-1)
    speed = (w * w).sum(-1)
    root = approach**2 - speed * ((d * d).sum(-1) - reach * reach)
    meet = (approach < 0) & (root > 0)
    time = (-approach - np.sqrt(np.where(meet, root, 0.0))) / np.where(meet, speed, 1.0)
    return np.where(meet, np.maximum(time, 0.0), np.inf)


def _drawn(track: Array, side: int, radius: float) -> NDArray[np.float32]:
    """Frames of balls at the places of a track, [sequences, steps, balls, 2]."""
    pixels = np.arange(side) + 0.5
    squares = (((pixels - track[..., None]) / radius) ** 2).astype(np.float32)
    frames = np.zeros((*track.shape[:2], side, side), np.float32)
    for film, places in zip(frames, squares, strict=True):
        for ball in range(track.shape[2]):
            power = places[:, ball, 0, None, :] + places[:, ball, 1, :, None]
            np.minimum(power, 4, out=power)  # exp(-4**4) is 0 in float32
            power *= power
            power *= power
            film += np.exp(-power)
    return np.minimum(frames, 1, out=frames)

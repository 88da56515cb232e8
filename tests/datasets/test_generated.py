"""Data that is made: balls in a box, digits in a frame, points near curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnesi.datasets import DatasetError, bouncing_balls, manifold, moving_digits
from agnesi.datasets.balls import _advance


def centres(boxes):
    return boxes[..., :2].astype(np.float64) + boxes[..., 2:] / 2


# ------------------------------------------------------------------------------------------ balls


def test_one_ball_goes_straight_between_mirrors():
    film = bouncing_balls(20, 60, rng=3, side=20, balls=1, radius=2, speed=1)
    x = centres(film.boxes)[:, :, 0]
    # Unfolded at the walls, 2 and 18, the way is a line.
    rng = np.random.default_rng(3)
    start = rng.uniform(2, 18, (20, 1, 2))[:, 0]
    angle = rng.uniform(0, 2 * np.pi, (20, 1))[:, 0]
    way = np.stack([np.cos(angle), np.sin(angle)], -1)
    line = start[:, None] + np.arange(60)[:, None] * way[:, None]
    folded = np.abs((line - 2) % 32 - 16)
    np.testing.assert_allclose(x, 18 - folded, atol=1e-5)


@given(
    balls=st.integers(1, 4),
    radius=st.floats(0.5, 3),
    speed=st.floats(0, 5),
    seed=st.integers(0, 2**31),
)
def test_balls_stay_in_the_box_and_apart(balls: int, radius: float, speed: float, seed: int):
    film = bouncing_balls(3, 20, seed, side=24, balls=balls, radius=radius, speed=speed)
    x = centres(film.boxes)
    assert (x > radius - 1e-4).all() and (x < 24 - radius + 1e-4).all()
    for i in range(balls):
        for j in range(i):
            assert (np.linalg.norm(x[:, :, i] - x[:, :, j], axis=-1) > 2 * radius - 1e-4).all()
    assert film.frames.shape == (3, 20, 24, 24)
    assert film.frames.min() >= 0 and film.frames.max() <= 1


def test_collisions_keep_energy_and_momentum():
    rng = np.random.default_rng(0)
    places = np.array([[[5.0, 5], [20, 5], [5, 20], [20, 20]]] * 50)
    velocities = rng.standard_normal((50, 4, 2)) * 3
    energy = (velocities**2).sum((1, 2))
    before = velocities.copy()
    for _ in range(30):
        _advance(places, velocities, 26, 2.5)
    np.testing.assert_allclose((velocities**2).sum((1, 2)), energy, rtol=1e-9)
    assert (np.abs(velocities - before).max((1, 2)) > 0.1).all()
    # Far from walls momentum stays too.
    places = np.array([[[50.0, 50], [56, 50.5]]])
    velocities = np.array([[[2.0, 0.3], [-1, 0]]])
    _advance(places, velocities, 100, 2.5)
    np.testing.assert_allclose(velocities.sum(1), [[1.0, 0.3]], atol=1e-12)
    assert velocities[0, 0, 0] < velocities[0, 1, 0]


def test_head_on_collision():
    places = np.array([[[10.0, 15], [20, 15]]])
    velocities = np.array([[[3.0, 0], [-1.0, 0]]])
    _advance(places, velocities, 30, 4.0)  # they touch after half a step, at 11.5 and 19.5
    np.testing.assert_allclose(places, [[[11.0, 15], [21.0, 15]]], atol=1e-12)
    np.testing.assert_allclose(velocities, [[[-1.0, 0], [3.0, 0]]], atol=1e-12)


def test_corner_collision():
    places, velocities = np.array([[[5.0, 5.0]]]), np.array([[[-4.0, -4.0]]])
    _advance(places, velocities, 30, 3.0)
    np.testing.assert_allclose(places, [[[5.0, 5.0]]])
    np.testing.assert_allclose(velocities, [[[4.0, 4.0]]])


def test_pixels_of_a_ball():
    film = bouncing_balls(2, 3, rng=1, side=12, balls=2, radius=2, speed=1)
    x = centres(film.boxes)
    for s, t, row, column in np.ndindex(2, 3, 12, 12):
        d = np.hypot(column + 0.5 - x[s, t, :, 0], row + 0.5 - x[s, t, :, 1])
        expected = min(1, np.exp(-((d / 2) ** 8)).sum())
        assert film.frames[s, t, row, column] == pytest.approx(expected, abs=2e-5)


# ----------------------------------------------------------------------------------------- digits


def images(count: int = 6, height: int = 5, width: int = 4):
    rng = np.random.default_rng(0)
    return rng.integers(1, 256, (count, height, width)).astype(np.uint8), np.arange(count)


@given(
    height=st.integers(5, 20),
    width=st.integers(4, 20),
    speed=st.floats(0, 50),
    wander=st.sampled_from([0.0, 0.1, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_one_digit_lies_where_its_box_says(height, width, speed, wander, seed):
    pictures, labels = images()
    film = moving_digits(
        pictures,
        labels,
        3,
        8,
        seed,
        height=height,
        width=width,
        speed=speed,
        wander=wander,
    )
    for s, t in np.ndindex(3, 8):
        left, top, w, h = film.boxes[s, t, 0].astype(int)
        expected = np.zeros((height, width), np.uint8)
        expected[top : top + h, left : left + w] = pictures[film.labels[s, 0]]
        np.testing.assert_array_equal(film.frames[s, t], expected)


def test_straight_digits_have_the_speed():
    pictures, labels = images()
    film = moving_digits(pictures, labels, 50, 2, 0, speed=3, wander=0)
    step = film.boxes[:, 1, 0, :2] - film.boxes[:, 0, 0, :2]
    inside = (film.boxes[:, 0, 0, :2] > 4).all(-1) & (film.boxes[:, 0, 0, :2] < 90).all(-1)
    assert inside.sum() > 20
    assert np.abs(np.linalg.norm(step[inside], axis=-1) - 3).max() < 1.5  # rounded to pixels


def test_several_digits_and_clutter():
    pictures, labels = images()
    plain = moving_digits(pictures, labels, 2, 5, 7, height=30, width=40, digits=2)
    strewn = moving_digits(
        pictures, labels, 2, 5, 7, height=30, width=40, digits=2, clutter=3, clutter_size=3
    )
    np.testing.assert_array_equal(plain.boxes, strewn.boxes)
    np.testing.assert_array_equal(plain.labels, strewn.labels)
    more = strewn.frames.astype(int) - plain.frames
    assert (more >= 0).all()
    lit = (more > 0).any((2, 3)).all()
    assert lit
    assert ((strewn.frames > 0).sum((2, 3)) <= 2 * 20 + 3 * 9).all()
    # Clutter does not move: what it lights where no digit ever is, is lit in all steps.
    free = np.asarray(~(plain.frames > 0).any(1))
    still = strewn.frames[np.broadcast_to(free[:, None], strewn.frames.shape)]
    assert still.any()
    for s in range(2):
        assert (strewn.frames[s][:, free[s]] == strewn.frames[s, 0][free[s]]).all()


def test_digits_and_balls_are_the_same_for_a_seed():
    pictures, labels = images()
    one, two, other = (
        moving_digits(pictures, labels, 2, 4, seed, clutter=2, clutter_size=2)
        for seed in (5, np.random.default_rng(5), 6)
    )
    np.testing.assert_array_equal(one.frames, two.frames)
    assert (one.frames != other.frames).any()
    one, two, other = (bouncing_balls(2, 4, seed) for seed in (5, np.random.default_rng(5), 6))
    np.testing.assert_array_equal(one.frames, two.frames)
    assert (one.frames != other.frames).any()


# ----------------------------------------------------------------------------------------- curves


def test_points_lie_on_their_curves():
    line = manifold("line", 11, 0)
    np.testing.assert_allclose(line.points[:, 0], line.points[:, 1])
    np.testing.assert_allclose(line.points[:, 0], line.parameter - 0.5, atol=1e-7)
    circle = manifold("circle", 50, 0)
    np.testing.assert_allclose(np.linalg.norm(circle.points, axis=1), 0.4, rtol=1e-6)
    spiral = manifold("spiral", 50, 0)
    radius = np.linalg.norm(spiral.points, axis=1)
    np.testing.assert_allclose(radius, 0.1 + 0.45 * spiral.parameter, rtol=1e-5)
    moons = manifold("moons", 51, 0)
    assert (moons.labels == np.repeat([0, 1], [26, 25])).all()
    for moon, middle in ((0, (-0.175, -0.0875)), (1, (0.175, 0.0875))):
        away = np.linalg.norm(moons.points[moons.labels == moon] - middle, axis=1)
        np.testing.assert_allclose(away, 0.35, rtol=1e-5)
    for found in (line, circle, spiral, moons):
        assert np.abs(found.points).max() <= 0.6
        assert found.points.dtype == np.float32


def test_noise_of_points():
    calm, noisy = manifold("spiral", 4_000, 1), manifold("spiral", 4_000, 1, noise=0.05)
    off = noisy.points - calm.points
    np.testing.assert_allclose(off.std(0), 0.05, rtol=0.05)
    np.testing.assert_array_equal(noisy.points, manifold("spiral", 4_000, 1, noise=0.05).points)


# -------------------------------------------------------------------------------------- bad calls


def digits_with(**changes: Any):
    pictures, labels = images()
    asked: dict[str, Any] = {
        "images": pictures,
        "labels": labels,
        "sequences": 1,
        "steps": 1,
        "rng": 0,
    }
    return moving_digits(**(asked | changes))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bouncing_balls(0, 5, 0), "must be positive"),
        (lambda: bouncing_balls(1, 5, 0, radius=0), "must be positive"),
        (lambda: bouncing_balls(1, 5, 0, speed=np.inf), "must be positive"),
        (lambda: bouncing_balls(1, 5, 0, side=7), "do not fit into 7 x 7"),
        (lambda: bouncing_balls(1, 5, 0, side=12, balls=9), "fewer or smaller balls"),
        (lambda: digits_with(labels=np.arange(3)), "a label for each"),
        (lambda: digits_with(images=np.zeros((0, 2, 2)), labels=np.arange(0)), "a label for each"),
        (lambda: digits_with(height=4), "5 x 4 pixels do not fit into frames of 4 x 100"),
        (lambda: digits_with(steps=0), "Counts are positive"),
        (lambda: digits_with(wander=1.5), "wander is 0 to 1"),
        (lambda: digits_with(clutter=1, clutter_size=5), "at most an image"),
        (lambda: digits_with(clutter=-1), "pieces of clutter"),
        (
            lambda: manifold("torus", 5, 0),  # pyright: ignore[reportArgumentType]
            "'torus' is no curve",
        ),
        (lambda: manifold("line", 0, 0), "At least one"),
        (lambda: manifold("line", 5, 0, noise=-1), "not negative"),
    ],
)
def test_bad_calls(call, words: str):
    with pytest.raises(DatasetError, match=words):
        call()

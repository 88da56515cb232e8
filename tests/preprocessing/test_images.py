"""Patches and pictures: against scikit-learn, Pillow and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agnesi.preprocessing import (
    PreprocessingError,
    as_floats,
    centre_crop,
    channels_first,
    dense_patches,
    equalise,
    grey,
    random_crop,
    random_flip,
    random_patches,
    random_shift,
    resize,
)


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


# ------------------------------------------------------------------------------------- patches
@pytest.mark.parametrize("channels", [(), (3,)])
def test_dense_patches_like_sklearn(channels: tuple[int, ...]):
    sklearn: Any = pytest.importorskip("sklearn.feature_extraction.image")

    images = pixels(2, 7, 9, *channels)
    got = dense_patches(images, (3, 4))
    assert got.shape == (2, 5, 6, 3, 4, *channels)
    for image, patches in zip(images, got, strict=True):
        expected = sklearn.extract_patches_2d(image, (3, 4))
        np.testing.assert_array_equal(patches.reshape(expected.shape), expected)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_dense_patches(rows: int, columns: int, down: int, right: int, colour: bool):
    images = pixels(2, 6, 7, *([2] if colour else []))
    if columns > 7:
        return
    got = dense_patches(images, (rows, columns), (down, right))
    tops, lefts = range(0, 7 - rows, down), range(0, 8 - columns, right)
    assert got.shape[1:3] == (len(tops), len(lefts))
    for i, y in enumerate(tops):
        for j, x in enumerate(lefts):
            np.testing.assert_array_equal(got[:, i, j], images[:, y : y + rows, x : x + columns])
    assert not got.flags.writeable


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("several_sizes", [False, True])
def test_random_patches(channels: tuple[int, ...], several_sizes: bool):
    """Each comes from an image; places and images are all about as likely."""
    images = np.arange(3 * 4 * 5).reshape(3, 4, 5) * np.ones((*channels, 1, 1, 1), int)
    images = np.moveaxis(images, 0, -1) if channels else images
    given: Any = [*images, images[0][1:]] if several_sizes else images
    count = 6000
    got = random_patches(given, (2, 3), count, rng=1)
    assert got.shape == (count, 2, 3, *channels) and got.dtype == images.dtype
    corners = got.reshape(count, 2, 3, -1)[:, 0, 0, 0]
    np.testing.assert_array_equal(
        got.reshape(count, 2, 3, -1)[..., 0] - corners[:, None, None],
        np.broadcast_to([[0, 1, 2], [5, 6, 7]], (count, 2, 3)),
    )
    places, times = np.unique(corners, return_counts=True)
    allowed = [20 * n + 5 * y + x for n in range(3) for y in range(3) for x in range(3)]
    assert places.tolist() == allowed
    if not several_sizes:
        assert times.min() > 150 and times.max() < 300
    again = random_patches(given, (2, 3), count, np.random.default_rng(1))
    np.testing.assert_array_equal(got, again)
    assert np.any(got != random_patches(given, (2, 3), count, rng=2))


# -------------------------------------------------------------------------------------- images
def test_layouts():
    assert as_floats(pixels(2, 3)).dtype == np.float32
    np.testing.assert_allclose(as_floats([[0, 255]]), [[0, 1]])
    images = pixels(2, 4, 5, 3)
    first = channels_first(images)
    assert first.flags.c_contiguous and first.dtype == np.uint8
    np.testing.assert_array_equal(first[:, 1], images[..., 1])
    np.testing.assert_array_equal(channels_first(images[..., 0])[:, 0], images[..., 0])


def test_grey_like_pillow():
    images = pixels(3, 6, 5, 3)
    expected = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])
    assert np.abs(grey(images).astype(int) - expected).max() <= 1
    assert grey(images.astype("f8")).dtype == np.float64


@pytest.mark.parametrize("size", [(3, 4), (8, 8), (20, 30), (1, 1), (5, 40), (16, 12)])
def test_resize_like_pillow(size: tuple[int, int]):
    """Pillow computes floats in double precision, bytes with rounded weights."""
    images = pixels(2, 16, 12)
    way = Image.Resampling.BILINEAR
    expected = [
        np.asarray(Image.fromarray(image.astype("f4")).resize((size[1], size[0]), way))
        for image in images
    ]
    got = resize(images.astype("f4"), size)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-3)
    colour = np.repeat(images[..., None], 3, axis=3)
    in_bytes = resize(colour, size)
    assert in_bytes.dtype == np.uint8 and in_bytes.shape == (2, *size, 3)
    theirs = np.asarray(Image.fromarray(colour[0]).resize((size[1], size[0]), way))
    assert np.abs(in_bytes[0].astype(int) - theirs).max() <= 1
    np.testing.assert_allclose(resize(np.full((1, 16, 12), 7.0), size), 7)


def test_equalise():
    images = (pixels(3, 20, 20) // 8 + 50).astype(np.uint8)
    for image, got in zip(images, equalise(images), strict=True):
        below = np.array([(image <= shade).sum() for shade in range(256)])
        first = (image == image.min()).sum()
        expected = np.round((below[image] - first) / (image.size - first) * 255)
        np.testing.assert_array_equal(got, expected)
        assert got.min() == 0 and got.max() == 255
    assert not equalise(np.full((1, 2, 2), 9, np.uint8)).any()
    assert equalise(np.zeros((1, 0, 4), np.uint8)).shape == (1, 0, 4)


# ------------------------------------------------------------------------------ augmentation
AXES = {
    "grey": ((200, 6, 5), (1, 2)),
    "last": ((200, 6, 5, 2), (1, 2)),
    "first": ((200, 2, 6, 5), (2, 3)),
}


def one_image(layout: str) -> tuple[np.ndarray, tuple[int, int]]:
    """200 times the same image, whose pixels all differ, from 1."""
    shape, axes = AXES[layout]
    return np.broadcast_to(np.arange(1, 1 + np.prod(shape[1:])).reshape(shape[1:]), shape), axes


@pytest.mark.parametrize("layout", AXES)
def test_random_crop(layout: str):
    images, axes = one_image(layout)
    got = random_crop(images, (4, 3), rng=0, axes=axes)
    planes = np.moveaxis(got, axes, (1, 2))
    source = np.moveaxis(images[0], [a - 1 for a in axes], (0, 1))
    assert got.dtype == images.dtype and planes.shape[1:3] == (4, 3) and got.flags.c_contiguous
    seen = set[tuple[int, int]]()
    for plane in planes:
        y, x = np.argwhere((source == plane[0, 0]).reshape(6, 5, -1).all(axis=2))[0]
        np.testing.assert_array_equal(plane, source[y : y + 4, x : x + 3])
        seen.add((int(y), int(x)))
    assert seen == {(y, x) for y in range(3) for x in range(3)}


@pytest.mark.parametrize("layout", AXES)
def test_random_shift(layout: str):
    """Every shift by at most a pixel occurs, with zeros where nothing was."""
    images, axes = one_image(layout)
    got = random_shift(images, 1, rng=0, axes=axes)
    assert got.shape == images.shape
    seen = set[tuple[int, int]]()
    for image in got:
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                moved = np.roll(images[0], (dy, dx), [a - 1 for a in axes]).copy()
                planes = np.moveaxis(moved, [a - 1 for a in axes], (0, 1))
                planes[: max(dy, 0)] = planes[:, : max(dx, 0)] = 0
                planes[6 + min(dy, 0) :] = planes[:, 5 + min(dx, 0) :] = 0
                if np.array_equal(moved, image):
                    seen.add((dy, dx))
    assert len(seen) == 9


@pytest.mark.parametrize("layout", AXES)
def test_random_flip(layout: str):
    images, axes = one_image(layout)
    got = random_flip(images, rng=0, axis=axes[1])
    turned = np.flip(images[0], axes[1] - 1)
    is_turned = [np.array_equal(image, turned) for image in got]
    is_same = [np.array_equal(image, images[0]) for image in got]
    assert all(a != b for a, b in zip(is_turned, is_same, strict=True))
    assert 70 < sum(is_turned) < 130
    np.testing.assert_array_equal(random_flip(images, rng=0, chance=0), images)
    always = random_flip(images, rng=0, chance=1, axis=axes[1])
    np.testing.assert_array_equal(always, np.flip(images, axes[1]))


def test_seeds_and_generators():
    images = pixels(50, 8, 8)
    for change in (lambda rng: random_crop(images, 5, rng), lambda rng: random_flip(images, rng)):
        np.testing.assert_array_equal(change(3), change(np.random.default_rng(3)))
        assert np.any(change(3) != change(4))
        rng = np.random.default_rng(3)
        assert np.any(change(rng) != change(rng))


def test_centre_crop():
    images = pixels(2, 7, 6, 3)
    np.testing.assert_array_equal(centre_crop(images, (3, 4)), images[:, 2:5, 1:5])
    np.testing.assert_array_equal(
        centre_crop(channels_first(images), 5, axes=(2, 3)), channels_first(images)[:, :, 1:6, 0:5]
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: random_patches(pixels(2, 4, 4), 5, 1, 0), "5 x 5 does not fit image 0"),
        (lambda: random_patches([pixels(4, 4), pixels(4, 4, 3)], 2, 1, 0), "as many channels"),
        (lambda: random_patches([], 2, 1, 0), "1 patches of 0 images"),
        (lambda: random_patches(pixels(4, 4), 2, 1, 0), "images must be"),
        (lambda: random_patches(pixels(1, 4, 4), 2, -1, 0), "at least no patch"),
        (lambda: dense_patches(pixels(1, 4, 4), (5, 1)), "does not fit images of 4 x 4"),
        (lambda: dense_patches(pixels(1, 4, 4), 2, 0), "stride must be at least 1"),
        (lambda: dense_patches(pixels(4, 4), 2), r"A single image is images\[None\]"),
        (lambda: channels_first(pixels(4)), "images must be"),
        (lambda: grey(pixels(1, 4, 4)), r"\[n, rows, columns, 3\]"),
        (lambda: equalise(pixels(1, 4, 4).astype("f4")), r"but are float32\[1, 4, 4\]"),
        (lambda: resize(pixels(1, 4, 4), 0), "size must be at least 1"),
        (lambda: resize(pixels(1, 0, 4), 1), "have no pixels"),
        (lambda: random_crop(pixels(1, 4, 4), 7, 0, padding=1), "7 x 7 do not fit images of 6 x 6"),
        (lambda: random_crop(pixels(1, 4, 4), 3, 0, axes=(2, 3)), r"axes \(2, 3\) are no rows"),
        (lambda: centre_crop(pixels(1, 4, 4), 5), "do not fit"),
        (lambda: random_shift(pixels(1, 4, 4), -1, 0), "most must be at least 0"),
        (lambda: random_flip(pixels(1, 4, 4), 0, chance=2), "a chance is from 0 to 1"),
        (lambda: random_flip(pixels(1, 4, 4), 0, axis=3), "axis must be 1 to 2"),
    ],
)
def test_what_cannot_be(call, says: str):
    with pytest.raises(PreprocessingError, match=says):
        call()

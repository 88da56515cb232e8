"""Resizing, grids and patches, against NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import check_gradient

Array = np.ndarray[Any, Any]


def resized(x: Array, size: int, axis: int, mode: str, corners: bool) -> Array:
    n, i = x.shape[axis], np.arange(size)
    if mode == "nearest":
        return np.take(x, i * n // size, axis)
    at = i * (n - 1) / max(1, size - 1) if corners else (i + 0.5) * n / size - 0.5
    return np.apply_along_axis(lambda row: np.interp(at, np.arange(n), row), axis, x)


@pytest.mark.parametrize(
    ("mode", "corners"), [("nearest", False), ("bilinear", False), ("bilinear", True)]
)
@pytest.mark.parametrize("sizes", [(8, 10), (3, 11), (1, 5)], ids=str)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_resized_images(mode: Any, corners: bool, sizes: Any, layout: str):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3))
    axes = (2, 3) if layout == "NCHW" else (1, 2)
    wanted = x
    for axis, size in zip(axes, sizes, strict=True):
        wanted = resized(wanted, size, axis, mode, corners)

    def f(x: ag.Tensor) -> ag.Tensor:
        return ag.nn.resize2d(x, sizes, mode, align_corners=corners, layout=layout)

    leaf = ag.input("x", "f64[?, ?, ?, ?]")
    result = ag.function([leaf], f(leaf))(x)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)
    if sizes != (1, 5):
        check_gradient(f, x[:1, :3, :4], order=1)


@pytest.mark.parametrize("factor", [2, (3, 1)])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_images_some_times_as_large(factor: Any, mode: Any):
    x = np.random.default_rng(1).normal(size=(1, 2, 3, 4))
    leaf = ag.input("x", "f64[n, c, h, w]")
    factors = (factor, factor) if isinstance(factor, int) else factor
    wanted = x
    for axis, times in zip((2, 3), factors, strict=True):
        wanted = resized(wanted, x.shape[axis] * times, axis, mode, False)
    y = ag.nn.upsample2d(leaf, factor, mode)
    np.testing.assert_allclose(ag.function([leaf], y)(x), wanted, rtol=1e-12, atol=1e-12)
    check_gradient(lambda x: ag.nn.upsample2d(x, factor, mode), x, order=2)


def sampled(x: Array, grid: Array, border: bool, corners: bool) -> Array:
    n, c, height, width = x.shape
    result = np.zeros((n, c, *grid.shape[1:3]))
    for b, i, j in np.ndindex(grid.shape[:3]):
        place: list[float] = []
        for k, size in ((1, height), (0, width)):
            v = grid[b, i, j, k]
            v = (v + 1) / 2 * (size - 1) if corners else ((v + 1) * size - 1) / 2
            place.append(min(max(v, 0), size - 1) if border else v)
        low = [math.floor(v) for v in place]
        for di, dj in np.ndindex(2, 2):
            a, e = low[0] + di, low[1] + dj
            if 0 <= a < height and 0 <= e < width:
                share = (1 - abs(place[0] - a)) * (1 - abs(place[1] - e))
                result[b, :, i, j] += share * x[b, :, a, e]
    return result


@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_images_looked_up_at_a_grid(padding: Any, corners: bool, layout: str):
    random = np.random.default_rng(2)
    x, grid = random.normal(size=(2, 3, 5, 4)), random.uniform(-1.5, 1.5, (2, 4, 3, 2))
    grid[0, 0, 0] = (-1, 1)
    wanted = sampled(x, grid, padding == "border", corners)
    given = x if layout == "NCHW" else np.moveaxis(x, 1, -1).copy()

    def f(x: ag.Tensor, grid: ag.Tensor) -> ag.Tensor:
        return ag.nn.grid_sample(x, grid, padding=padding, align_corners=corners, layout=layout)

    leaves = [ag.input("x", "f64[?, ?, ?, ?]"), ag.input("grid", "f64[?, ?, ?, 2]")]
    result = ag.function(leaves, f(*leaves))(given, grid)
    found = result if layout == "NCHW" else np.moveaxis(result, -1, 1)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    if corners is (layout == "NHWC"):
        check_gradient(f, given[:1, :2, :2, :2], random.uniform(-0.9, 0.9, (1, 1, 2, 2)), order=1)


def test_places_that_are_no_numbers_or_far_away_are_outside():
    x = ag.constant(np.ones((1, 1, 3, 3), np.float32))
    far = [[np.nan, 0], [np.inf, 0], [0, -np.inf], [1e30, 1e30], [0, 0]]
    grid = np.array([[far]], np.float32)
    assert ag.nn.grid_sample(x, grid).eval().tolist() == [[[[0, 0, 0, 0, 1]]]]


@pytest.mark.parametrize("corners", [False, True])
def test_affine_grids_give_the_image_back_and_turn_it(corners: bool):
    random = np.random.default_rng(3)
    x = random.normal(size=(2, 3, 4, 4))
    still = np.array([[[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [-1, 0, 0]]], float)
    theta, image = ag.input("theta", "f64[n, 2, 3]"), ag.input("x", "f64[n, c, h, w]")
    grid = ag.nn.affine_grid(theta, image.shape[2:], align_corners=corners)
    y = ag.nn.grid_sample(image, grid, align_corners=corners)
    result = ag.function([theta, image], y)(still, x)
    np.testing.assert_allclose(result[0], x[0], atol=1e-12)
    np.testing.assert_allclose(result[1], np.rot90(x[1], axes=(2, 1)), atol=1e-12)
    tilted = random.normal(size=(1, 2, 3)) * 0.3
    check_gradient(lambda t: ag.nn.affine_grid(t, (2, 3), align_corners=corners), tilted, order=1)


def neibs(x: Array, shape: Any, step: Any, mode: str) -> Array:
    before = {"half": [s // 2 for s in shape], "full": [s - 1 for s in shape]}.get(mode, [0, 0])
    if mode == "wrap_centered":
        before = [s // 2 for s in shape]
        x = np.pad(x, [(0, 0), (0, 0), *((b, b) for b in before)], "wrap")
    else:
        x = np.pad(x, [(0, 0), (0, 0), *((b, b) for b in before)])
    windows = np.lib.stride_tricks.sliding_window_view(x, shape, (2, 3))
    return windows[:, :, :: step[0], :: step[1]].reshape(-1, shape[0] * shape[1])


@pytest.mark.parametrize(
    ("mode", "shape", "step", "size"),
    [
        ("valid", (2, 3), (2, 3), (4, 6)),
        ("valid", (3, 2), (1, 2), (5, 6)),
        ("ignore_borders", (2, 3), (2, 3), (5, 7)),
        ("half", (3, 3), (2, 1), (5, 4)),
        ("full", (2, 2), (1, 1), (3, 4)),
        ("wrap_centered", (3, 5), (1, 2), (4, 6)),
        ("wrap_centered", (3, 3), (2, 2), (5, 7)),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_patches_are_rows(mode: Any, shape: Any, step: Any, size: Any, known: bool):
    x = np.random.default_rng(4).normal(size=(2, 3, *size))
    leaf = ag.input("x", f"f64{list(x.shape)}" if known else "f64[?, ?, ?, ?]")
    f = ag.function([leaf], ag.nn.images2neibs(leaf, shape, step, mode))
    np.testing.assert_array_equal(f(x), neibs(x, shape, step, mode))
    if known:
        check_gradient(lambda x: ag.nn.images2neibs(x, shape, step, mode), x[:1, :1], order=1)


def test_images_of_patches():
    x = np.random.default_rng(5).normal(size=(2, 3, 4, 6))
    rows = ag.input("rows", "f64[?, ?]")
    patches = neibs(x, (2, 3), (2, 3), "valid")
    again = ag.nn.neibs2images(rows, (2, 3), x.shape)
    np.testing.assert_array_equal(ag.function([rows], again)(patches), x)
    larger = ag.nn.neibs2images(rows, (2, 3), (2, 3, 5, 7), "ignore_borders")
    wanted = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))
    np.testing.assert_array_equal(ag.function([rows], larger)(patches), wanted)
    check_gradient(lambda p: ag.nn.neibs2images(p, (2, 3), (1, 1, 4, 6)), patches[:4], order=1)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_patches_with_their_places(layout: str):
    x = np.random.default_rng(6).normal(size=(2, 3, 7, 6))
    given = x if layout == "NCHW" else np.moveaxis(x, 1, -1).copy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), (2, 3))[:, :, ::2, ::3]
    order = (0, 2, 3, 1, 4, 5) if layout == "NCHW" else (0, 2, 3, 4, 5, 1)

    def f(x: ag.Tensor) -> ag.Tensor:
        return ag.nn.extract_patches(x, (3, 2), (2, 3), ((1, 1), (0, 2)), layout=layout)

    leaf = ag.input("x", "f64[?, ?, ?, ?]")
    np.testing.assert_array_equal(ag.function([leaf], f(leaf))(given), windows.transpose(order))
    check_gradient(f, given[:1], order=1)
    many = ag.vectorize(lambda image: f(image[None])[0])(leaf)
    np.testing.assert_array_equal(ag.function([leaf], many)(given), windows.transpose(order))


X = ag.input("x", "f32[2, 6, 5, 5]")


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("'nearest' or 'bilinear'", lambda: ag.nn.resize2d(X, 3, "cubic")),  # type: ignore[arg-type]
        ("only the second", lambda: ag.nn.resize2d(X, 3, "nearest", align_corners=True)),
        ("sizes are positive", lambda: ag.nn.resize2d(X, (3, 0))),
        ("positive integers", lambda: ag.nn.upsample2d(X, 0)),
        ("2 rows and 3 columns", lambda: ag.nn.affine_grid(ag.zeros((1, 3, 2)), (2, 2))),
        ("height and width", lambda: ag.nn.affine_grid(ag.zeros((1, 2, 3)), (2,))),
        (r"\[batch, height, width, 2\]", lambda: ag.nn.grid_sample(X, ag.zeros((2, 3, 3)))),
        ("grid for each image", lambda: ag.nn.grid_sample(X, ag.zeros((3, 3, 3, 2)))),
        ("'zeros' or 'border'", lambda: ag.nn.grid_sample(X, ag.zeros((2, 3, 3, 2)), padding="x")),  # type: ignore[arg-type]
        ("leave 1 elements over", lambda: ag.nn.images2neibs(X, 2)),
        ("odd sizes", lambda: ag.nn.images2neibs(X, 2, mode="wrap_centered")),
        ("mode is one of", lambda: ag.nn.images2neibs(X, 2, mode="same")),  # type: ignore[arg-type]
        ("leave 1 elements over", lambda: ag.nn.neibs2images(ag.zeros((4, 4)), 2, (1, 1, 5, 4))),
        ("takes a matrix", lambda: ag.nn.neibs2images(X, 2, (1, 1, 4, 4))),
        ("does not fit", lambda: ag.nn.extract_patches(X, 6)),
    ],
)
def test_bad_calls(words: str, call: Any):
    with pytest.raises(ag.GraphTypeError, match=words):
        call()


def test_patches_that_do_not_fit_in_a_call():
    leaf = ag.input("x", "f32[?, ?, ?, ?]")
    f = ag.function([leaf], ag.nn.images2neibs(leaf, 2))
    with pytest.raises(ag.ShapeError, match="leave over along axis 3"):
        f(np.zeros((1, 1, 4, 5), np.float32))

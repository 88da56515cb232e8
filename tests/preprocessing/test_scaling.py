"""Scaling and whitening against scikit-learn, SciPy and the formulas; values of scikit-learn stand
here too, so that the comparison does not go away where it is not installed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

import agnesi as ag
from agnesi.preprocessing import (
    PreprocessingError,
    Standardization,
    deviations,
    global_contrast,
    local_contrast,
    normalise_cases,
    pca,
    zca,
)
from agnesi.preprocessing import whitening as whitening_module

SMALL = np.array([[1.0, 2, 0], [3, 1, 0], [2, 5, 0], [0, 4, 0]])


def mixed(n: int = 400, k: int = 12, seed: int = 0, dtype: str = "f8") -> np.ndarray:
    """Correlated features with means that are not 0."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)) * np.linspace(0.1, 3, k) @ rng.normal(size=(k, k))
    return (x + rng.normal(size=k) * 5).astype(dtype)


# ----------------------------------------------------------------------------- standardization
def test_standardization_of_known_values():
    """sklearn.preprocessing.StandardScaler 1.9.1; its scale of a constant feature is 1 too."""
    made = Standardization.of(SMALL)
    np.testing.assert_allclose(made.mean, [1.5, 3, 0])
    np.testing.assert_allclose(made.deviation, [1.118033988749895, 1.5811388300841898, 1])
    np.testing.assert_allclose(made.apply(SMALL)[0], [-0.4472135954999579, -0.6324555320336759, 0])


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
def test_standardization_like_sklearn(dtype: str):
    sklearn: Any = pytest.importorskip("sklearn.preprocessing")

    x = mixed(dtype=dtype) if dtype != "u1" else np.abs(mixed()).astype(np.uint8)
    scaler = sklearn.StandardScaler().fit(x.astype(np.float64))
    made = Standardization.of(x)
    expected = np.float64 if dtype == "f8" else np.float32
    assert made.mean.dtype == made.deviation.dtype == made.apply(x).dtype == expected
    tolerance = 1e-12 if dtype == "f8" else 1e-4
    np.testing.assert_allclose(made.apply(x), scaler.transform(x), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(made.undo(made.apply(x)), x, rtol=tolerance, atol=tolerance)


def test_standardization_of_features_that_do_not_vary():
    x = np.full((1000, 2), 0.1, np.float32)
    x[:, 1] += np.linspace(0, 1e-3, 1000, dtype="f4")
    applied = Standardization.of(x).apply(x)
    assert np.abs(applied[:, 0]).max() < 1e-6
    assert applied[:, 1].std() == pytest.approx(1, rel=1e-3)
    offset = Standardization.of(SMALL, offset=1)
    np.testing.assert_allclose(offset.deviation, SMALL.std(axis=0) + [1, 1, 2])


# ---------------------------------------------------------------------------------- each case
def test_cases():
    x = mixed(n=7)
    centred = x - x.mean(axis=1, keepdims=True)
    deviation = x.std(axis=1, keepdims=True)
    np.testing.assert_allclose(deviations(x), deviation[:, 0])
    np.testing.assert_allclose(normalise_cases(x), centred / deviation)
    coates = normalise_cases(x, variance_offset=10)
    np.testing.assert_allclose(coates, centred / np.sqrt(x.var(axis=1, keepdims=True) + 10))
    other = normalise_cases(x, deviation_offset=0.1 * deviation.mean())
    np.testing.assert_allclose(other, centred / (deviation + 0.1 * deviation.mean()))


def pylearn2_global_contrast(x, scale=1.0, use_std=False, sqrt_bias=0.0, min_divisor=1e-8):
    """The formula of Pylearn2's ``global_contrast_normalize``."""
    x = x - x.mean(axis=1)[:, None]
    inside = x.var(axis=1, ddof=1) if use_std else (x**2).sum(axis=1)
    normalizers = np.sqrt(sqrt_bias + inside) / scale
    normalizers[normalizers < min_divisor] = 1
    return x / normalizers[:, None]


@pytest.mark.parametrize("by", ["norm", "deviation"])
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (55, 0), (1, 10)])
def test_global_contrast(by, scale: float, offset: float):
    x = mixed(n=9)
    x[4] = 3  # a case without contrast
    expected = pylearn2_global_contrast(x, scale, by == "deviation", offset)
    np.testing.assert_allclose(global_contrast(x, scale=scale, offset=offset, by=by), expected)
    assert not np.any(global_contrast(x)[4])
    single = global_contrast(x.astype("f4"), scale=scale, offset=offset, by=by)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-4 * scale)


# --------------------------------------------------------------------------- local contrast
def gaussian(size: int, deviation: float) -> np.ndarray:
    place = np.arange(size) - size // 2
    window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * deviation**2))
    return window / window.sum()


def jarrett(image: np.ndarray, window: np.ndarray, least: float) -> np.ndarray:
    """Equations of the paper for one image, [rows, columns, channels], with zeros around it."""
    channels = image.shape[2]

    def around(x):
        sums = [scipy.signal.convolve2d(x[..., k], window, "same") for k in range(x.shape[2])]
        return (sum(sums) / channels)[..., None]

    centred = image - around(image)
    spread = np.sqrt(around(centred**2))
    return centred / np.maximum(np.maximum(spread, spread.mean()), least)


@pytest.mark.parametrize(("size", "deviation"), [(9, None), (7, 2.0), (3, 0.7), (1, 1.0)])
def test_local_contrast_with_zeros_around(size: int, deviation: float | None):
    images = np.random.default_rng(0).uniform(0, 255, (3, 13, 11, 3))
    window = gaussian(size, deviation or size / 4)
    settings: Any = {"size": size, "deviation": deviation, "edges": "zero"}
    expected = np.stack([jarrett(image, window, 1e-4) for image in images])
    got = local_contrast(images, across_channels=True, **settings)
    np.testing.assert_allclose(got, expected, atol=1e-10)
    apart = np.concatenate([jarrett(images[0][..., [k]], window, 1e-4) for k in range(3)], axis=2)
    np.testing.assert_allclose(local_contrast(images, **settings)[0], apart, atol=1e-10)
    grey = local_contrast(images[..., 1], **settings)
    np.testing.assert_allclose(grey[0], apart[..., 1], atol=1e-10)


def test_local_contrast_at_edges():
    """Weights inside the image are normalised again, as a sum of ones shows."""
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 9))
    window = gaussian(5, 1.25)
    weight = scipy.signal.convolve2d(np.ones((8, 9)), window, "same")
    for image, got in zip(images, local_contrast(images, size=5), strict=True):
        centred = image - scipy.signal.convolve2d(image, window, "same") / weight
        spread = np.sqrt(scipy.signal.convolve2d(centred**2, window, "same") / weight)
        np.testing.assert_allclose(got, centred / np.maximum(spread, spread.mean()), atol=1e-10)


def test_local_contrast_of_bytes_in_blocks():
    images = np.random.default_rng(0).integers(0, 256, (300, 6, 6), np.uint8)
    got = local_contrast(images, size=3)
    assert got.dtype == np.float32 and got.shape == images.shape
    np.testing.assert_allclose(
        got[299:], local_contrast(images[299:].astype("f8"), size=3), atol=1e-4
    )
    assert not np.any(local_contrast(np.zeros((1, 6, 6)), size=3))


# -------------------------------------------------------------------------------- whitening
def test_pca_of_known_values():
    """sklearn.decomposition.PCA(whiten=True) 1.9.1, up to the signs of components."""
    made = pca(SMALL)
    np.testing.assert_allclose(made.variances, [3.80170828, 1.19829172], atol=1e-8)
    expected = [
        [-0.35568407, -0.80111268],
        [-1.25521373, 0.46596291],
        [0.82013725, 1.18858771],
        [0.79076054, -0.85343793],
    ]
    got = made.apply(SMALL)
    np.testing.assert_allclose(np.abs(got), np.abs(expected), atol=1e-7)
    assert made.matrix.shape == (3, 2) and made.kept == pytest.approx(1)


@pytest.mark.parametrize("whiten", [True, False])
@pytest.mark.parametrize("choice", [None, 5, 0.8])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_pca_like_sklearn(whiten: bool, choice, dtype: str):
    sklearn: Any = pytest.importorskip("sklearn.decomposition")

    x = mixed(dtype=dtype)
    theirs = sklearn.PCA(n_components=choice, whiten=whiten, svd_solver="full").fit(x.astype("f8"))
    named = {int: "components", float: "variance"}
    ours = pca(x, whiten=whiten, **({} if choice is None else {named[type(choice)]: choice}))
    assert ours.matrix.dtype == dtype
    assert ours.matrix.shape == (12, theirs.n_components_)
    tolerance = 1e-9 if dtype == "f8" else 2e-3
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_, rtol=1e-5)
    assert ours.kept == pytest.approx(theirs.explained_variance_ratio_.sum(), rel=1e-6)
    expected = theirs.transform(x.astype("f8"))
    signs = np.sign((ours.apply(x) * expected).sum(axis=0))
    np.testing.assert_allclose(ours.apply(x) * signs, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        ours.undo(ours.apply(x)), theirs.inverse_transform(expected), rtol=tolerance, atol=tolerance
    )


@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 5), st.sampled_from([0.0, 0.3]))
def test_whitening(n: int, k: int, seed: int, epsilon: float):
    """Covariance becomes the identity on what varies; with epsilon less than that."""
    x = mixed(n, k, seed)
    for made in (pca(x, epsilon=epsilon), zca(x, epsilon=epsilon)):
        z = made.apply(x)
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)
        values = np.sort(np.linalg.eigvalsh(np.cov(z.T).reshape(z.shape[1], -1)))[::-1]
        expected = made.variances / (made.variances + epsilon)
        np.testing.assert_allclose(values[: len(expected)], np.sort(expected)[::-1], atol=1e-6)
        np.testing.assert_allclose(made.undo(z), x, atol=1e-6)


def test_zca_is_the_inverse_root_of_the_covariance():
    x = mixed()
    np.testing.assert_allclose(
        zca(x, epsilon=0.1).matrix,
        np.linalg.inv(np.real(scipy_root(np.cov(x.T) + 0.1 * np.eye(12)))),
        atol=1e-8,
    )
    part = zca(x, components=4)
    assert np.linalg.matrix_rank(part.matrix) == 4 and part.kept < 1
    assert part.variances.shape == (4,)


def scipy_root(matrix: np.ndarray) -> np.ndarray:
    import scipy.linalg

    return scipy.linalg.sqrtm(matrix)


def test_components_point_one_way():
    x = mixed()
    for matrix in (pca(x).matrix, pca(x[::-1]).matrix):
        assert (np.take_along_axis(matrix, np.abs(matrix).argmax(axis=0)[None], axis=0) > 0).all()
    np.testing.assert_allclose(pca(x).matrix, pca(x[::-1]).matrix, atol=1e-8)


def test_fewer_cases_than_features():
    x = mixed(n=5)
    made = pca(x)
    assert made.matrix.shape == (12, 4)
    np.testing.assert_allclose(np.cov(made.apply(x).T), np.eye(4), atol=1e-8)


@pytest.mark.parametrize("features", [4, 30, 108])
def test_rounding_is_no_component(features: int):
    """Cases whose mean was subtracted vary in one direction less, and in that by rounding alone."""
    x = np.random.default_rng(0).normal(100, 50, (2_000, features)).astype(np.float32)
    assert pca(normalise_cases(x)).matrix.shape == (features, features - 1)
    assert pca(x).matrix.shape == (features, features)


def test_many_cases_go_in_blocks(monkeypatch: pytest.MonkeyPatch):
    x = mixed(n=101)
    whole = pca(x).matrix
    monkeypatch.setattr(whitening_module, "_ROWS", 10)
    np.testing.assert_allclose(pca(x).matrix, whole, rtol=1e-8)


def test_in_a_compiled_function():
    x = mixed(dtype="f4")
    whitening, scaling = pca(x, components=5), Standardization.of(x)
    v = ag.input("v", "f32[n, 12]")
    f = ag.function([v], [whitening.apply(v), whitening.undo(whitening.apply(v)), scaling.apply(v)])
    there, back, scaled = f(x)
    np.testing.assert_allclose(there, whitening.apply(x), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(back, whitening.undo(whitening.apply(x)), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(scaled, scaling.apply(x), rtol=1e-4, atol=1e-4)
    assert scaling.undo(v).type == v.type


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pca(np.zeros(3)), r"the array has shape \(3,\)\n  Give x\.reshape"),
        (lambda: zca(np.zeros((2, 3, 3))), "rows of a matrix"),
        (lambda: pca(np.zeros((1, 3))), "at least 2 cases"),
        (lambda: Standardization.of(np.zeros((0, 3))), "at least 1 cases"),
        (lambda: pca(np.ones((4, 3))), "all cases are the same"),
        (lambda: pca([[0.0, math.nan], [1, 2]]), "feature 1 is not finite"),
        (lambda: pca(SMALL, components=0), "components must be at least 1"),
        (lambda: pca(SMALL, variance=1.5), "a fraction, above 0 and at most 1, but is 1.5"),
        (lambda: zca(SMALL, epsilon=-1), "epsilon must be at least 0"),
        (lambda: pca(SMALL).apply(np.zeros((2, 4))), r"takes \[\.\.\., 3\], but the array has"),
        (lambda: pca(SMALL).undo(np.zeros((2, 3))), r"takes \[\.\.\., 2\]"),
        (lambda: normalise_cases(SMALL, variance_offset=-1), "offsets must be at least 0"),
        (lambda: local_contrast(np.zeros((2, 4))), "images must be"),
        (lambda: local_contrast(np.zeros((1, 4, 4)), size=4), "size must be odd"),
    ],
)
def test_what_cannot_be(call, says: str):
    with pytest.raises(PreprocessingError, match=says):
        call()

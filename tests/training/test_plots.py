"""Pictures: what they show is drawn where it belongs, and what cannot be drawn is an error."""

from __future__ import annotations

import io

import numpy as np
import pytest

from agnesi.training import TrainingError, plots

PIL = pytest.importorskip("PIL.Image")


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(PIL.open(io.BytesIO(png)).convert("RGB")) / 255


def share(png: bytes, red: float, green: float, blue: float) -> float:
    """The fraction of a picture that has a colour, more or less."""
    return float((np.abs(pixels(png) - [red, green, blue]).max(axis=-1) < 0.1).mean())


def test_filters_are_red_and_blue_around_nothing():
    weights = np.zeros((2, 4, 4))
    weights[0], weights[1] = 0.5, -3.0
    picture = plots.filters(weights)
    assert share(picture, 0.4, 0.0, 0.12) > 0.1  # each by its own largest weight
    assert share(picture, 0.02, 0.19, 0.38) > 0.1
    right, left = plots.filters(weights, columns=2), plots.filters(weights, columns=1)
    assert pixels(right).shape[1] > pixels(right).shape[0] < pixels(left).shape[0]


@pytest.mark.parametrize("channels_first", [True, False])
def test_filters_in_colour(channels_first: bool):
    weights = np.zeros((1, 5, 5, 3))
    weights[..., 1] = 2.0
    picture = plots.filters(np.moveaxis(weights, -1, 1) if channels_first else weights)
    assert share(picture, 0.5, 1.0, 0.5) > 0.3


def test_images_of_integers_and_floats_are_the_same():
    shown = np.random.default_rng(0).integers(0, 256, (3, 6, 6)).astype(np.uint8)
    assert plots.images(shown) == plots.images(shown / 255)
    assert plots.images(shown) == plots.images(shown[:, None] / 255)
    whole = np.concatenate([shown, shown])
    assert plots.reconstructions(shown, shown) == plots.images(whole, columns=3)


def test_confusion_has_a_colour_only_where_something_was_wrong():
    right, wrong = np.diag([5, 5, 5]), np.diag([5, 5, 5])
    wrong[0, 2] = 4
    assert share(plots.confusion(right), 0.85, 0.28, 0.0) == 0
    assert share(plots.confusion(wrong), 0.85, 0.28, 0.0) > 0.02
    with pytest.raises(TrainingError, match=r"shape \[3, 3\], 2 names"):
        plots.confusion(right, ["cat", "dog"])


def test_curves_of_one_row_and_of_none():
    rows = [{"epoch": 1, "train_loss": 0.0}]
    assert plots.learning_curves(rows, ["train_loss"], log=False).startswith(b"\x89PNG")
    with pytest.raises(TrainingError, match=r"valid_loss is in no row\n  there are epoch"):
        plots.learning_curves(rows, ["valid_loss"])
    with pytest.raises(TrainingError, match="nothing to draw"):
        plots.curves()


def test_rows_that_lack_a_measurement_are_left_out():
    rows = [{"step": k, "loss": k, **({"valid_loss": k} if k % 2 else {})} for k in range(1, 6)]
    assert plots.learning_curves(rows, ["loss", "valid_loss"], x="step").startswith(b"\x89PNG")


def test_histogram_leaves_out_what_is_no_number():
    values = np.array([1.0, 2.0, 3.0])
    spoilt = np.array([1.0, np.nan, 2.0, np.inf, 3.0])
    assert plots.histogram(values) == plots.histogram(spoilt)
    with pytest.raises(TrainingError, match="no numbers in before"):
        plots.histogram({"before": np.array([np.nan]), "after": values})


def test_shapes_that_are_no_pictures():
    for shape in ((3, 3), (2, 5, 5, 4), (0, 3, 3)):
        with pytest.raises(TrainingError, match="pictures of the shape"):
            plots.images(np.zeros(shape))
    with pytest.raises(TrainingError, match="as many of the same shape"):
        plots.reconstructions(np.zeros((2, 3, 3)), np.zeros((3, 3, 3)))

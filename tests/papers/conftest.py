"""Few small images, and a recipe of seconds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agnesi.datasets import LabelledImages
from agnesi.papers.zae import recipes

if TYPE_CHECKING:
    from agnesi.papers.zae.recipes import Recipe


def made_images(train: int = 300, test: int = 100, side: int = 12) -> LabelledImages:
    """Stripes: which way they go and how wide they are tells the class; phase and noise do not."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, train + test)
    rows, columns = np.mgrid[:side, :side]
    along = np.where((labels % 2 == 0)[:, None, None], rows, columns)
    width = np.where(labels < 2, 1.0, 2.0)[:, None, None]
    waves = np.sin(along / width + rng.uniform(0, 6.3, train + test)[:, None, None])
    colour = rng.uniform(0.3, 1, (train + test, 1, 1, 3))
    noisy = 0.5 + 0.35 * waves[..., None] * colour + rng.normal(0, 0.08, (*waves.shape, 3))
    images = (255 * noisy.clip(0, 1)).astype(np.uint8)
    names = ("lying", "standing", "lying and wide", "standing and wide")
    numbers = labels.astype(np.uint8)
    return LabelledImages(
        images[:train], numbers[:train], images[train:], numbers[train:], names, "made stripes"
    )


@pytest.fixture(scope="session")
def stripes() -> LabelledImages:
    return made_images()


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    quick = recipes.QUICK
    few = ("trec", "sparse", "denoising")
    patches = dataclasses.replace(
        quick.patches,
        side=6,
        images=100,
        per_image=5,
        test=100,
        hidden=20,
        epochs=2,
        models=tuple(model for model in quick.patches.models if model.key in few),
    )
    wholes = tuple(
        dataclasses.replace(
            whole,
            dimensions=size,
            hidden=30,
            epochs=3,
            models=tuple(m for m in whole.models if m.key in ("trec", "sparse", "sparser")),
        )
        for whole, size in zip((quick.wholes[0], quick.wholes[-1]), (10, 40), strict=True)
    )
    return dataclasses.replace(
        quick, patches=patches, wholes=wholes, held_back=60, classifier_epochs=3
    )

"""What decides a run: sizes, rates, strengths.  How ours were chosen is in ``docs/papers.md``."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Model:
    """An autoencoder to be trained.

    Attributes:
        kind: one of :data:`agnesi.papers.zae.autoencoders.KINDS`.
        rate: learning rate.
        strength: of its penalty, or the probability that an input is hidden.
        name: that tells it from others of its kind; the kind's by default.
    """

    kind: str
    rate: float
    strength: float = 0.0
    name: str = ""

    @property
    def key(self) -> str:
        """Its name."""
        return self.name or self.kind


@dataclass(frozen=True)
class Patches:
    """Autoencoders on small patches: their filters, their biases.

    Attributes:
        side: of a patch, in pixels.
        images: the first so many training images are cut up.
        per_image: patches of each, on average.
        test: patches of test images, for measuring.
        variance: that the principal components kept have.
        hidden: units.
        scale: of the patches that are the first weights.
        batch: patches in a minibatch.
        epochs: times over the patches.
        warm: epochs in which the rate rises.
        models: that are trained.
    """

    side: int
    images: int
    per_image: int
    test: int
    variance: float
    hidden: int
    scale: float
    batch: int
    epochs: int
    warm: float
    models: tuple[Model, ...]


@dataclass(frozen=True)
class Whole:
    """Autoencoders on whole images, and a linear classifier on their features.

    Attributes:
        name: short.
        dimensions: principal components, whitened; None for the pixels, globally standardised.
        hidden: units.
        epochs: times over the images.
        models: that are trained.
        falls: whether the rate falls to zero.
        warm: epochs in which the rate rises.
    """

    name: str
    dimensions: int | None
    hidden: int
    epochs: int
    models: tuple[Model, ...]
    falls: bool = True
    warm: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """A whole run.

    Attributes:
        patches: the experiment on patches.
        wholes: the experiments on whole images, in the order of their dimensions.
        train: training images at most.
        held_back: of these, for the choice of the classifier's weight decay.
        decays: weight decays of the classifier to choose from.
        classifier_epochs: of its training.
        batch: images in a minibatch.
    """

    patches: Patches
    wholes: tuple[Whole, ...]
    train: int = 50_000
    held_back: int = 2_000
    decays: tuple[float, ...] = (0.01, 0.03, 0.1)
    classifier_epochs: int = 20
    batch: int = 100


_PATCH_MODELS = (
    Model("trec", 0.01),
    Model("tlin", 0.01),
    Model("relu", 0.01),
    Model("sparse", 0.01, 0.5),
    Model("denoising", 0.01, 0.5),
    Model("sigmoid", 0.01),
    Model("contractive", 0.03, 1.0),
)
# 1,000 hidden units; of each model the best of a grid of rates and strengths (docs/papers.md).
_LOW = (
    Model("trec", 0.005),
    Model("tlin", 0.005),
    Model("relu", 0.001),
    Model("sparse", 0.002, 0.1),
    Model("denoising", 0.002, 0.25),
    Model("contractive", 0.03, 3.0),
)
_MIDDLE = (
    Model("trec", 0.01),
    Model("tlin", 0.01),
    Model("relu", 0.001),
    Model("sparse", 0.005, 0.2),
    Model("denoising", 0.002, 0.75),
    Model("contractive", 0.03, 3.0),
)
# L1 as strong as makes it as sparse as TRec, so that their errors can be compared.
_HIGH = (*_MIDDLE, Model("sparse", 0.002, 1.0, name="sparser"))


def _slower(models: tuple[Model, ...], times: float) -> tuple[Model, ...]:
    """The same at lower rates, for more hidden units."""
    return tuple(replace(model, rate=model.rate / times) for model in models)


QUICK = Recipe(
    patches=Patches(
        side=10,
        images=1_000,
        per_image=100,
        test=10_000,
        variance=0.9,
        hidden=255,
        scale=0.1,
        batch=100,
        epochs=20,
        warm=0.3,
        models=_PATCH_MODELS,
    ),
    wholes=(
        Whole("100 dimensions", 100, 1000, 12, _LOW),
        Whole("200 dimensions", 200, 1000, 12, _MIDDLE),
        Whole("300 dimensions", 300, 1000, 12, _HIGH),
    ),
)

# Patches, and whole images as pixels: what the authors' code has (github memisevic/zae,
# zae_on_cifarpatches.py; hantek/zmlp, expr_cifar10_zae_reproduce.py).  Settings of other
# autoencoders, and all between, are ours.
FULL = Recipe(
    patches=Patches(
        side=10,
        images=1_000,
        per_image=400,
        test=10_000,
        variance=0.9,
        hidden=255,
        scale=0.1,
        batch=100,
        epochs=100,
        warm=3.0,
        models=_PATCH_MODELS,
    ),
    wholes=(
        Whole("100 dimensions", 100, 4000, 100, _slower(_LOW, 4)),
        Whole("300 dimensions", 300, 4000, 100, _slower(_HIGH, 4)),
        Whole("1,000 dimensions", 1000, 4000, 100, _slower(_HIGH, 8)),
        Whole(
            "pixels",
            None,
            4000,
            1500,
            (Model("trec", 2e-5), Model("tlin", 2e-5), Model("relu", 2e-5)),
            falls=False,
        ),
    ),
    held_back=5_000,
    classifier_epochs=100,
)

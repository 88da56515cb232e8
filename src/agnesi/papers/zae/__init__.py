"""Zero-bias autoencoders: units that a threshold selects, in the place of a learnt bias.

K. Konda, R. Memisevic, D. Krueger: Zero-bias autoencoders and the benefits of co-adapting features.
ICLR (2015, workshop), arXiv 1402.3337.

:mod:`agnesi.papers.zae.autoencoders` has the models, :mod:`agnesi.papers.zae.experiments` what is
done with them, :mod:`agnesi.papers.zae.outcome` what of it the paper claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.datasets import load_cifar10, load_fashion_mnist, load_mnist
from agnesi.papers.zae.experiments import (
    WholeImages,
    cell_name,
    folder_of,
    on_inputs,
    on_patches,
    on_whole_images,
    prepare_patches,
)
from agnesi.papers.zae.outcome import Results, findings
from agnesi.papers.zae.recipes import FULL, QUICK

if TYPE_CHECKING:
    from agnesi.datasets import LabelledImages
    from agnesi.papers.findings import Findings
    from agnesi.papers.notebook import Notebook
    from agnesi.papers.paper import Request
    from agnesi.papers.zae.recipes import Recipe

_LOADERS = {"cifar10": load_cifar10, "mnist": load_mnist, "fashion_mnist": load_fashion_mnist}


def run(request: Request, notebook: Notebook) -> Findings:
    """Do the experiments.

    Raises:
        DatasetError: the images are not there.
        Diverged: a loss was no number.
        Interrupted: by Ctrl-C.
    """
    images = _LOADERS[request.dataset or "cifar10"](request.data)
    recipe = QUICK if request.quick else FULL
    return experiments(images, recipe, request, notebook)


def experiments(
    images: LabelledImages, recipe: Recipe, request: Request, notebook: Notebook
) -> Findings:
    """Do a recipe's experiments on some images."""
    count = min(len(images.train_images), recipe.train)
    notebook.say(images.source)
    notebook.plan(_costs(images, recipe, request.seeds, count))
    results = Results(recipe, request.seeds)
    patches = prepare_patches(images, recipe.patches)
    for seed in request.seeds:
        for model in recipe.patches.models:
            results.add(
                "patches", model, on_patches(notebook, recipe.patches, model, seed, patches)
            )
    del patches
    most = max(whole.dimensions or 0 for whole in recipe.wholes)
    whole_images = WholeImages(images, recipe.train, most)
    for whole in recipe.wholes:
        data = whole_images.prepare(whole.dimensions)
        results.inputs[whole.name] = on_inputs(notebook, recipe, whole, data)
        for seed in request.seeds:
            for model in whole.models:
                done: dict[str, Any] = on_whole_images(
                    notebook, recipe, whole, model, seed, data=data
                )
                results.add(whole.name, model, done)
    return findings(results, images, request, notebook)


def _costs(
    images: LabelledImages, recipe: Recipe, seeds: tuple[int, ...], count: int
) -> dict[str, float]:
    """What each cell costs: multiplications of its matrix products, and a share for the rest."""
    costs: dict[str, float] = {}
    patches, pixels = recipe.patches, images.train_images[0].size
    shown = patches.images * patches.per_image * patches.epochs
    inner = 0.15 * patches.side**2 * (pixels // images.train_images[0].shape[0] ** 2)
    small = shown * (5 * inner * patches.hidden + 60_000)
    for seed in seeds:
        for model in patches.models:
            costs[cell_name("patches", model, seed)] = small
    for whole in recipe.wholes:
        inputs = whole.dimensions or pixels
        classes = len(images.classes) * len(recipe.decays)
        classified = recipe.classifier_epochs * count * (4 * classes * whole.hidden + 20_000)
        costs[f"{folder_of(whole.name)}/inputs"] = classified
        trained = whole.epochs * count * 5 * inputs * whole.hidden
        for seed in seeds:
            for model in whole.models:
                costs[cell_name(whole.name, model, seed)] = trained + classified
    return costs

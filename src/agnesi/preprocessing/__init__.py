"""What is done to data before a network sees it.

Cases are the rows of a matrix, images are [n, rows, columns] or [n, rows, columns, channels].  What
learns from data is a record with ``apply``, which takes arrays, or tensors of a compiled function.
Sound: :mod:`agnesi.preprocessing.audio`.

>>> import numpy as np
>>> patches = random_patches(np.random.default_rng(0).random((9, 16, 16)), 6, count=500, rng=0)
>>> x = normalise_cases(patches.reshape(500, -1), variance_offset=0.01)
>>> whitening = pca(x, variance=0.9)
>>> whitening.apply(x).shape[1] < 36
True
"""

from agnesi.preprocessing import audio
from agnesi.preprocessing.errors import PreprocessingError
from agnesi.preprocessing.images import (
    as_floats,
    centre_crop,
    channels_first,
    equalise,
    grey,
    random_crop,
    random_flip,
    random_shift,
    resize,
)
from agnesi.preprocessing.patches import dense_patches, random_patches
from agnesi.preprocessing.scaling import (
    Standardization,
    deviations,
    global_contrast,
    local_contrast,
    normalise_cases,
)
from agnesi.preprocessing.sequences import pad_sequences
from agnesi.preprocessing.whitening import Projection, pca, zca

__all__ = [
    "PreprocessingError",
    "Projection",
    "Standardization",
    "as_floats",
    "audio",
    "centre_crop",
    "channels_first",
    "dense_patches",
    "deviations",
    "equalise",
    "global_contrast",
    "grey",
    "local_contrast",
    "normalise_cases",
    "pad_sequences",
    "pca",
    "random_crop",
    "random_flip",
    "random_patches",
    "random_shift",
    "resize",
    "zca",
]

"""Real data for the demo, the examples and the papers.

A loader reads the folder that the caller or ``$AGNESI_DATA`` names, what was downloaded before, or
what an installed package ships; it downloads only where it is told to.  ``agnesi data`` lists the
data sets.  Start at :mod:`agnesi.datasets.dataset`; texts and what makes numbers of them are in
:mod:`agnesi.datasets.text`.
"""

from agnesi.datasets.balls import Balls, bouncing_balls
from agnesi.datasets.catalogue import DATASETS
from agnesi.datasets.cifar import Cifar100, load_cifar10, load_cifar100
from agnesi.datasets.dataset import Dataset, Found, Layout, Package
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing
from agnesi.datasets.idx import read_idx
from agnesi.datasets.images import Images, LabelledImages
from agnesi.datasets.manifolds import Manifold, manifold
from agnesi.datasets.mnist import load_fashion_mnist, load_mnist
from agnesi.datasets.moving import MovingDigits, moving_digits
from agnesi.datasets.ptb import load_ptb
from agnesi.datasets.text import Corpus, Streams, Vocabulary, load_text, words

__all__ = [
    "DATASETS",
    "Balls",
    "Cifar100",
    "Corpus",
    "Dataset",
    "DatasetCorrupt",
    "DatasetError",
    "DatasetMissing",
    "Download",
    "Found",
    "Images",
    "LabelledImages",
    "Layout",
    "Manifold",
    "MovingDigits",
    "Package",
    "Streams",
    "Vocabulary",
    "bouncing_balls",
    "load_cifar10",
    "load_cifar100",
    "load_fashion_mnist",
    "load_mnist",
    "load_ptb",
    "load_text",
    "manifold",
    "moving_digits",
    "read_idx",
    "words",
]

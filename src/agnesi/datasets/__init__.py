"""Real data for the demo, the examples and the papers, read from where it already is.

Nothing is fetched: a loader reads the folder that the caller or ``$AGNESI_DATA`` names, else what
an installed package ships.  Start at :mod:`agnesi.datasets.mnist`; texts and what makes numbers of
them are in :mod:`agnesi.datasets.text`.
"""

from agnesi.datasets.balls import Balls, bouncing_balls
from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing
from agnesi.datasets.idx import read_idx
from agnesi.datasets.manifolds import Manifold, manifold
from agnesi.datasets.mnist import Mnist, load_mnist
from agnesi.datasets.moving import MovingDigits, moving_digits
from agnesi.datasets.ptb import load_ptb
from agnesi.datasets.text import Corpus, Streams, Vocabulary, load_text, words

__all__ = [
    "Balls",
    "Corpus",
    "DatasetCorrupt",
    "DatasetError",
    "DatasetMissing",
    "Manifold",
    "Mnist",
    "MovingDigits",
    "Streams",
    "Vocabulary",
    "bouncing_balls",
    "load_mnist",
    "load_ptb",
    "load_text",
    "manifold",
    "moving_digits",
    "read_idx",
    "words",
]

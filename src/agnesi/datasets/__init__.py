"""Real data for the demo, the examples and the papers, read from where it already is.

Nothing is fetched: a loader reads the folder that the caller or ``$AGNESI_DATA`` names, else what
an installed package ships.  Start at :mod:`agnesi.datasets.mnist`.
"""

from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing
from agnesi.datasets.idx import read_idx
from agnesi.datasets.mnist import Mnist, load_mnist

__all__ = [
    "DatasetCorrupt",
    "DatasetError",
    "DatasetMissing",
    "Mnist",
    "load_mnist",
    "read_idx",
]

"""All data sets, for ``agnesi data``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.datasets.chars74k import CHARS74K
from agnesi.datasets.cifar import CIFAR10, CIFAR100
from agnesi.datasets.faces import FER2013, FREY
from agnesi.datasets.kth import KTH
from agnesi.datasets.mnist import FASHION_MNIST, MNIST
from agnesi.datasets.photographs import BSDS500
from agnesi.datasets.ptb import PTB
from agnesi.datasets.sounds import EMODB
from agnesi.datasets.svhn import SVHN, SVHN_EXTRA
from agnesi.datasets.text8 import TEXT8
from agnesi.datasets.timit import TIMIT

if TYPE_CHECKING:
    from agnesi.datasets.dataset import Dataset

DATASETS: tuple[Dataset[Any], ...] = (
    MNIST,
    FASHION_MNIST,
    CIFAR10,
    CIFAR100,
    SVHN,
    SVHN_EXTRA,
    CHARS74K,
    FREY,
    FER2013,
    BSDS500,
    PTB,
    TEXT8,
    TIMIT,
    EMODB,
    KTH,
)

"""All data sets, for ``agnesi data``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agnesi.datasets.cifar import CIFAR10, CIFAR100
from agnesi.datasets.mnist import FASHION_MNIST, MNIST

if TYPE_CHECKING:
    from agnesi.datasets.dataset import Dataset

DATASETS: tuple[Dataset[Any], ...] = (MNIST, FASHION_MNIST, CIFAR10, CIFAR100)

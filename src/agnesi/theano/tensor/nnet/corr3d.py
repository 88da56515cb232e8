"""Correlations of volumes as ops of their own."""

from __future__ import annotations

from typing import Any

from agnesi.theano.missing import submodule
from agnesi.theano.tensor.nnet.corr import BaseCorr, ByInputs, ByWeights, Forward


class BaseCorr3dMM(BaseCorr):
    """What correlations of volumes have in common."""

    __props__ = ("border_mode", "subsample", "filter_dilation", "num_groups")

    def __init__(
        self,
        border_mode: Any = "valid",
        subsample: Any = (1, 1, 1),
        filter_dilation: Any = (1, 1, 1),
        openmp: Any = None,
        num_groups: int = 1,
    ) -> None:
        super().__init__(3, border_mode, subsample, filter_dilation, num_groups, False, openmp)


class Corr3dMM(Forward, BaseCorr3dMM):
    """The correlation of volumes with filters."""


class Corr3dMM_gradWeights(ByWeights, BaseCorr3dMM):
    """The gradient of a correlation of volumes by the filters."""


class Corr3dMM_gradInputs(ByInputs, BaseCorr3dMM):
    """The gradient of a correlation by the volumes."""


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Names that two or more of 59 public code bases use (names.txt): there, or known not to be."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

NAMES = (Path(__file__).parent / "names.txt").read_text().split()
# Why they are not there is in docs/from-theano.md.
ABSENT = {
    "theano.gof.OpWiseCLinker",
    "theano.sandbox.rng_mrg.GPU_mrg_uniform",
    "theano.misc.pycuda_utils.to_gpuarray",
}


def found(name: str) -> Any:
    parts = f"agnesi.{name}".split(".")
    for end in range(len(parts), 1, -1):
        try:
            here: Any = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            here = getattr(here, part)
        return here
    raise AssertionError(name)


def test_names_are_there():
    missing = set[str]()
    for name in NAMES:
        try:
            found(name)
        except AttributeError:
            missing.add(name)
    assert missing == ABSENT


def test_what_is_not_there_says_so():
    from agnesi.theano import sparse, tensor

    with pytest.raises(NotImplementedError, match=r"theano\.sparse\.sgd_matrix"):
        sparse.sgd_matrix()
    with pytest.raises(NotImplementedError, match=r"theano\.tensor\.frobnicate"):
        tensor.frobnicate
    assert not hasattr(tensor, "frobnicate")

"""Names that two or more of 59 public code bases use (names.txt): there, or known not to be."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agnesi import theano

from . import uses

# What Theano 1.0.5 gives for one use of each name (uses.py wrote it).
GIVEN: dict[str, Any] = json.loads((Path(__file__).parent / "uses.json").read_text())
# Names that Theano 1.0.5 has no longer, with what their uses give.
EARLIER: dict[str, Any] = {
    "theano.tensor.signal.downsample.max_pool_2d": GIVEN["theano.tensor.signal.pool.pool_2d"],
    "theano.compat.python2x.OrderedDict": {"value": ["b", "a"]},
}
# Whose uses are elsewhere: pictures (test_printing.py), an op that Theano 1.0.5 dropped.
ELSEWHERE = {"theano.printing.pydotprint", "theano.tensor.nnet.Conv3D.conv3D"}
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


def test_every_name_has_a_use():
    told = {*GIVEN, *EARLIER, *ELSEWHERE, *ABSENT}
    assert set(NAMES) <= told


@pytest.mark.filterwarnings("ignore:.*(is deprecated|means nothing to agnesi)")
@pytest.mark.parametrize("name", [n for n in uses.USES if n in GIVEN or n in EARLIER])
def test_uses_give_what_theano_gives(name, monkeypatch):
    monkeypatch.setattr(uses, "_prefix", "agnesi.")
    expected = GIVEN.get(name) or EARLIER[name]
    found = uses.told(theano, uses.USES[name])
    assert {k: v for k, v in found.items() if k != "value"} == {
        k: v for k, v in expected.items() if k != "value"
    }
    if found.get("dtype", "").startswith("float"):
        np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-6, atol=1e-7)
    else:
        assert found["value"] == expected["value"]

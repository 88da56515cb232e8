"""A bounded part of the fuzzing: native code, the loop interpreter and NumPy agree."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fuzz.graphs import random_program
from tests.fuzz.run import check


@pytest.mark.parametrize("seed", range(0, 160, 4))
def test_random_graphs_agree(seed: int):
    compared = 0
    for own in range(seed, seed + 4):
        program = random_program(np.random.default_rng(own), 12)
        compared += check(program, own, loops=own % 4 == 0, plain=own % 4 == 2)
    assert compared > 0

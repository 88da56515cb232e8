"""Every row computes the same in every library, on a few elements."""

from __future__ import annotations

import re
from importlib.util import find_spec

import numpy as np
import pytest

from agnesi.core import knobs
from bench import libraries
from bench.rows import ROWS, Row

# Rows that differ from another one in their sizes alone.
SAME = r"chain.*1e[57]|g30\.f32.*|gemm\.(?!64$).*|gemv.2048|logreg.b600|mlp.b500"
DIFFERENT = [row for row in ROWS if not re.fullmatch(SAME, row.name)]
OTHERS = [n for n, e in libraries.LIBRARIES.items() if n != "numpy" and find_spec(e.module)]


def outputs(library: str, row: Row) -> list[np.ndarray]:
    program = libraries.side(library, 1).build(row, row.make())
    return program.outputs(program.call(*program.given))


@pytest.mark.parametrize("library", OTHERS)
@pytest.mark.parametrize("row", DIFFERENT, ids=lambda row: row.name)
def test_libraries_agree(row: Row, library: str):
    row = row.tiny()
    with knobs.setting(optimise=0):
        try:
            got = outputs(library, row)
        except libraries.Missing:
            pytest.skip("not in this library")
    expected = outputs("numpy", row)
    assert len(got) == len(expected)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=2e-4, atol=2e-6)

"""Largest and smallest elements: NaN wherever it stands, whatever its sign."""

from __future__ import annotations

import numpy as np
import pytest

import agnesi as ag


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("columns", [1, 7, 16, 67, 300])
def test_nan_is_the_extreme(kind: str, axis: int | None, columns: int):
    x = ag.input("x", f"{kind}[n, m]")
    f = ag.function([x], [x.max(axis), x.min(axis)])
    rng = np.random.default_rng(columns)
    values = rng.standard_normal((9, columns)).astype(kind.replace("f", "float"))
    places = [(0, 0), (1, columns // 2), (2, columns - 1)]
    for k in range(4):
        for sign in (1, -1):
            changed = values.copy()
            for row, column in places[:k]:
                changed[row, column] = np.copysign(np.nan, sign)
            changed[3] = -np.inf
            changed[4] = np.inf
            for found, reference in zip(f(changed), (np.max, np.min), strict=True):
                np.testing.assert_array_equal(found, reference(changed, axis))

"""The comparison itself: what it lets pass and what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from agnesi.core.dtypes import ALL
from agnesi.ops import OPS
from agnesi.ops.elementary import Exp
from agnesi.ops.reductions import Sum
from agnesi.testing import assert_close, cases_of
from agnesi.testing.compare import ulp_error

NAN, INF = np.nan, np.inf


def test_errors_are_counted_in_units_in_the_last_place():
    one = np.ones(1, np.float32)
    near = np.nextafter(one, 2, dtype=np.float32)
    assert ulp_error(near, one).tolist() == [1]
    assert ulp_error(near, one, scale=4.0).tolist() == [0.25]
    special = np.array([NAN, INF, -INF, 0.0])
    assert ulp_error(special, special).tolist() == [0, 0, 0, 0]
    assert ulp_error(special, special[::-1]).tolist() == [INF] * 4
    assert ulp_error(np.array([1, 2]), np.array([1, 3])).tolist() == [0, INF]


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (np.zeros(2), np.zeros(2, np.float32), "float64.2. instead of float32.2."),
        (np.zeros(2), np.zeros(3), "float64.2. instead of float64.3."),
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), r"at \[1\] it is .*2.0.* instead of .*2.5"),
        (np.array([NAN]), np.array([1.0]), "inf units"),
        (np.array([True]), np.array([False]), "1 of 1 elements"),
    ],
)
def test_differences_are_shown(actual: np.ndarray, expected: np.ndarray, words: str):
    with pytest.raises(AssertionError, match=words):
        assert_close(actual, expected)


def test_zeros_differ_only_when_asked():
    assert_close(np.array([0.0]), np.array([-0.0]))
    with pytest.raises(AssertionError):
        assert_close(np.array([0.0]), np.array([-0.0]), signed_zero=True)
    assert_close(np.array([NAN]), -np.array([NAN]), signed_zero=True)


def test_cases_are_the_same_each_time():
    for op in (Exp, Sum):
        for a, b in zip(cases_of(op), cases_of(op), strict=True):
            assert str(a) == str(b)
            assert all(
                np.array_equal(p, q, equal_nan=p.dtype.kind in "fcV")
                for p, q in zip(a.arrays, b.arrays, strict=True)
            )


def test_cases_go_through_samples_and_dtypes():
    for op in OPS:
        cases = cases_of(op)
        assert {c.sample.shapes for c in cases} >= {s.shapes for s in op.all_samples()}
        if op is Sum:
            assert len({c.arrays[0].dtype for c in cases}) == len(ALL)


def test_layouts_hold_the_same_numbers():
    for case in cases_of(Sum):
        for _, arrays in case.strided():
            assert all((a == b).all() for a, b in zip(arrays, case.arrays, strict=True))
            assert all(a.shape == b.shape for a, b in zip(arrays, case.arrays, strict=True))

"""Sequences of different lengths as one array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnesi.preprocessing import PreprocessingError, pad_sequences


@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    features=st.sampled_from([(), (3,), (2, 2)]),
    more=st.integers(0, 3),
)
def test_every_sequence_is_where_it_should_be(lengths: list[int], features, more: int):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, *features)).astype(np.float32) for n in lengths]
    longest = max(lengths) + more
    found, counts = pad_sequences(arrays, fill=-9, length=longest)
    assert found.shape == (longest, len(lengths), *features) and found.dtype == np.float32
    assert found.flags.c_contiguous
    assert counts.tolist() == lengths
    for k, array in enumerate(arrays):
        np.testing.assert_array_equal(found[: len(array), k], array)
        assert (found[len(array) :, k] == -9).all()
    turned, _ = pad_sequences(arrays, fill=-9, length=longest, batch_axis=0)
    np.testing.assert_array_equal(turned.swapaxes(0, 1), found)


def test_dtype_holds_all():
    found, _ = pad_sequences([np.zeros(2, np.int8), np.zeros(1, np.float32)])
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("sequences", "options", "words"),
    [
        ([], {}, "shapes none"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], {}, r"\(2, 3\), \(2, 4\)"),
        ([np.zeros(2), np.zeros((2, 4))], {}, "agree"),
        ([np.float32(2)], {}, r"shapes \(\)"),
        ([np.zeros(2)], {"batch_axis": 2}, "batch_axis 0 or 1"),
        ([np.zeros(2), np.zeros(5)], {"length": 4}, "sequence 1 has 5 steps, length is 4"),
    ],
)
def test_bad_calls(sequences, options, words: str):
    with pytest.raises(PreprocessingError, match=words):
        pad_sequences(sequences, **options)

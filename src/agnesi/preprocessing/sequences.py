"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray


def pad_sequences(
    sequences: Iterable[ArrayLike],
    *,
    batch_axis: int = 1,
    fill: float = 0,
    length: int | None = None,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Sequences side by side, filled up to the longest, and how long each is.

    Args:
        sequences: arrays [time, ...] that agree in all axes but the first.
        batch_axis: 1 for [time, batch, ...], as recurrent layers and :func:`agnesi.nn.ctc_loss`
            take sequences; 0 for [batch, time, ...], as the latter takes labels.
        fill: what stands behind the end of the shorter ones.
        length: of the result, where it shall not depend on the longest of this minibatch.

    Returns:
        The array, of the dtype that holds all, and int64[batch].

    Raises:
        PreprocessingError: there are none, they do not agree, or one is longer than ``length``.

    >>> padded, lengths = pad_sequences([[5, 3], [7]], batch_axis=0, fill=-1)
    >>> padded, lengths
    (array([[ 5,  3],
           [ 7, -1]]), array([2, 1]))
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) != 1 or not all(array.ndim for array in arrays) or batch_axis not in {0, 1}:
        given = ", ".join(map(str, sorted({array.shape for array in arrays})[:4])) or "none"
        raise PreprocessingError(
            f"pad_sequences: sequences of shapes {given}, batch_axis {batch_axis}\n"
            "  Give arrays [time, ...] that agree in all axes but the first, and batch_axis 0 or 1."
        )
    lengths = np.array([len(array) for array in arrays], np.int64)
    steps = int(lengths.max()) if length is None else length
    if lengths.max() > steps:
        raise PreprocessingError(
            f"pad_sequences: sequence {int(lengths.argmax())} has {int(lengths.max()):,} steps, "
            f"length is {steps:,}\n"
            "  Make length larger, or cut the sequence."
        )
    result = np.full((len(arrays), steps, *shapes.pop()), fill, np.result_type(*arrays))
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return (result if batch_axis == 0 else np.ascontiguousarray(result.swapaxes(0, 1))), lengths

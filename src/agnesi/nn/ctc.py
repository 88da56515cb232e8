"""Connectionist temporal classification: labels without saying when they come.

A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber: Connectionist temporal classification: labelling
unsegmented sequence data with recurrent neural networks.  ICML (2006).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from agnesi.core.errors import FunctionError, GraphTypeError
from agnesi.dims.dim import add
from agnesi.ops.bounds import within_bounds
from agnesi.ops.choice import where
from agnesi.ops.creation import full, zeros
from agnesi.ops.elementary import logaddexp
from agnesi.ops.functions import as_float
from agnesi.ops.iteration import scan
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import as_tensor, operand_lines, unify
from agnesi.ops.probability import log_softmax, reduced
from agnesi.ops.ranges import arange
from agnesi.ops.reductions import argmax
from agnesi.ops.scans import cumsum
from agnesi.ops.taking import put_along_axis, take_along_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Tensor, TensorLike
    from agnesi.ops.probability import ReductionName

_NONE = -math.inf


def ctc_loss(
    logits: TensorLike,
    labels: TensorLike,
    input_lengths: TensorLike | None = None,
    label_lengths: TensorLike | None = None,
    blank: int = 0,
    *,
    reduction: ReductionName = "none",
    zero_infinity: bool = False,
) -> Tensor:
    """Return the negative log-probability of label sequences, summed over all their alignments.

    An alignment says a class in each step; labels are what is left of it when repetitions are taken
    together, and blanks are then left out.  Graves and others (2006), equations 6 to 8, in
    logarithms, so that nothing underflows, however long sequences are.

    Args:
        logits: ``[time, batch, classes]``, unnormalised log-probabilities (of log-probabilities,
            the log-softmax is themselves).
        labels: integers ``[batch, max_label]`` in ``0 <= label < classes``, none of them the blank;
            what is beyond a sequence's end is not looked at.
        input_lengths: ``[batch]``, how many steps of each example count; None for all.
        label_lengths: ``[batch]``, how many labels of each example count; None for all.
        blank: the class that stands for no label; -1 is the last.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        zero_infinity: count 0 for examples that have no alignment, as when there are more labels
            than steps.

    Returns:
        A loss for each example: infinite where there is no alignment, with a gradient of 0.

    Raises:
        GraphTypeError: shapes or dtypes that do not fit.
        IndexOutOfBounds: in a call, a label that is no class or is the blank, or a length beyond
            the array.

    >>> logits = ag.zeros((3, 1, 2))  # three steps, a blank and one label, equally likely
    >>> loss = ag.nn.ctc_loss(logits, [[1]])  # 6 of the 8 alignments: not 000, and not 101
    >>> round(float(ag.exp(-loss).eval()[0] * 8), 4)
    6.0
    """
    x, empty = _steps("ctc_loss", logits, blank)
    y = as_tensor(labels)
    fits = y.ndim == 2 and unify(y.type.shape[0], x.type.shape[1]) is not None
    if not fits or not y.dtype.is_integer:
        raise GraphTypeError(
            "ctc_loss: labels are integers [batch, max_label]\n"
            f"{operand_lines(('logits', 'labels'), (x, y))}"
        )
    inputs = _lengths("ctc_loss", "input_lengths", x, 0, input_lengths)
    counts = _lengths("ctc_loss", "label_lengths", y, 1, label_lengths)
    steps, batch, _ = x.shape
    most = y.shape[1]
    place = arange(most)
    real = place < counts[:, None]
    # What is no label of its sequence reads the blank, and nothing reads it.
    said = where(real, where(y == empty, -1, y), empty)
    said = within_bounds(said, x.type.shape[2], "labels, of which none is the blank,")
    logs = log_softmax(x)
    saying = take_along_axis(logs, said[None], 2)
    silent = logs[:, :, empty, None]
    # From a label to the next without a blank, unless they are the same.
    previous = concatenate([full((batch, 1), 0, said.dtype), said], axis=1)[:, :-1]
    skips = said != previous
    goes = arange(steps)[:, None, None] < inputs[:, None]

    none = full((batch, 1), _NONE, x.dtype)

    def step(state: tuple[Tensor, Tensor], now: tuple[Tensor, ...]) -> tuple[Any, None]:
        # How likely it is to be between labels, and to be at one; at none before the first.
        between, at = state
        rest, label, go = now
        silence = logaddexp(between, at) + rest
        come = logaddexp(between[:, :-1], where(skips, at[:, :-1], _NONE))
        spoken = concatenate([none, logaddexp(at[:, 1:], come) + label], axis=1)
        return (where(go, silence, between), where(go, spoken, at)), None

    # Before the first step, nothing has been said.
    column = arange(most + 1)
    nothing = full((batch, most + 1), _NONE, x.dtype)
    begin = where(column == 0, zeros(nothing.shape, x.dtype), _NONE)
    (between, at), _ = scan(step, (begin, nothing), (silent, saying, goes))
    last = column == counts[:, None]
    ended, spoken = (where(last, state, 0).sum(1) for state in (between, at))
    total = logaddexp(ended, spoken)
    loss = where(total > _NONE, -total, 0.0 if zero_infinity else math.inf)
    return reduced("ctc_loss", loss, reduction)


def ctc_greedy_decode(
    logits: TensorLike, input_lengths: TensorLike | None = None, blank: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the labels of the likeliest alignment: the best class of each step, taken together.

    Graves and others (2006), section 3.2, "best path decoding".

    Args:
        logits: ``[time, batch, classes]``.
        input_lengths: ``[batch]``, how many steps of each example count; None for all.
        blank: the class that stands for no label; -1 is the last.

    Returns:
        Labels ``[batch, time]``, integers, -1 behind their end, and how many they are, ``[batch]``.

    Raises:
        GraphTypeError: shapes or dtypes that do not fit.
        IndexOutOfBounds: in a call, a length beyond the array.

    >>> logits = ag.one_hot(ag.constant([[0, 2, 2, 0, 2, 1]]), 3).swapaxes(0, 1)
    >>> labels, lengths = ag.nn.ctc_greedy_decode(logits)
    >>> labels.eval(), lengths.eval()
    (array([[ 2,  2,  1, -1, -1, -1]]), array([3]))
    """
    x, empty = _steps("ctc_greedy_decode", logits, blank)
    steps, batch, _ = x.shape
    best = argmax(x, axis=2).swapaxes(0, 1)
    before = concatenate([full((batch, 1), -1, best.dtype), best], axis=1)[:, :-1]
    inputs = _lengths("ctc_greedy_decode", "input_lengths", x, 0, input_lengths)
    heard = (best != empty) & (best != before) & (arange(steps) < inputs[:, None])
    # What is not heard is put behind the end, and cut off.
    place = where(heard, cumsum(heard.astype("i64"), axis=1) - 1, steps)
    room = full((batch, steps + 1), -1, best.dtype)
    labels = put_along_axis(room, place, best, axis=1)[:, :-1]
    return labels, heard.sum(1)


def edit_distance(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Return how many insertions, deletions and substitutions make one sequence of another.

    V. I. Levenshtein: Binary codes capable of correcting deletions, insertions and reversals.
    Soviet Physics Doklady 10 (1966), 707-710.  This runs in Python, on sequences of anything.

    >>> ag.nn.edit_distance("kitten", "sitting")
    3
    """
    row = list(range(len(second) + 1))
    for k, a in enumerate(first, 1):
        diagonal, row[0] = row[0], k
        for j, b in enumerate(second, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def label_error_rate(
    hypotheses: Sequence[Sequence[Any]], references: Sequence[Sequence[Any]]
) -> float:
    """Return the edit distances of all sequences together, over the number of all true labels.

    Graves and others (2006), equation 1.

    Args:
        hypotheses: sequences of labels that were found.
        references: the true ones.

    Raises:
        FunctionError: there are not as many, or no true labels at all.

    >>> ag.nn.label_error_rate([[1, 2], [3]], [[1, 2, 2], [3]])
    0.25
    """
    total = sum(map(len, references))
    if len(hypotheses) != len(references) or not total:
        raise FunctionError(
            f"label_error_rate: {len(hypotheses)} sequences for {len(references)} true ones, "
            f"which have {total} labels"
        )
    pairs = zip(hypotheses, references, strict=True)
    return sum(edit_distance(found, true) for found, true in pairs) / total


def _steps(what: str, logits: TensorLike, blank: int) -> tuple[Tensor, Any]:
    """Logits, in a dtype that sums may be made in, and the class of the blank."""
    x = as_float(logits)
    if x.ndim != 3:
        raise GraphTypeError(
            f"{what}: logits are [time, batch, classes]\n{operand_lines(('logits',), (x,))}"
        )
    classes = x.type.shape[2]
    if isinstance(classes, int) and not -classes <= blank < classes:
        raise GraphTypeError(
            f"{what}: the blank is one of the {classes} classes, but this is {blank!r}\n"
            f"{operand_lines(('logits',), (x,))}"
        )
    return x.astype(x.dtype.arithmetic), blank if blank >= 0 else x.shape[2] + blank


def _lengths(what: str, name: str, of: Tensor, axis: int, given: TensorLike | None) -> Tensor:
    """How much of an axis of each example counts, checked to be within it."""
    batch = of.type.shape[1 - axis]
    if given is None:
        return full((of.shape[1 - axis],), of.shape[axis], "i64")
    lengths = as_tensor(given)
    fits = lengths.ndim == 1 and unify(lengths.type.shape[0], batch) is not None
    if not fits or not lengths.dtype.is_integer:
        raise GraphTypeError(
            f"{what}: {name} are integers, one for each example\n"
            f"{operand_lines(('array', name), (of, lengths))}"
        )
    return within_bounds(lengths, add(of.type.shape[axis], 1), name)

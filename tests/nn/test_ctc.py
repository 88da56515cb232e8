"""CTC against the sum over all alignments, and against values of Graves' own implementation."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.special as sc

import agnesi as ag
from agnesi.testing import check_gradient

Array = np.ndarray[Any, Any]

# Probabilities, labels, log-probabilities and gradients by logits, the blank last, as TensorFlow's
# tests have them (tensorflow/python/kernel_tests/nn_ops/ctc_loss_op_test.py, testBasic), which says
# that they are from Alex Graves' implementation.
GRAVES = [
    (
        [0, 1, 2, 1, 0],
        -3.34211,
        [
            [0.633766, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553],
            [0.111121, 0.588392, 0.278779, 0.0055756, 0.00569609, 0.010436],
            [0.0357786, 0.633813, 0.321418, 0.00249248, 0.00272882, 0.0037688],
            [0.0663296, 0.643849, 0.280111, 0.00283995, 0.0035545, 0.00331533],
            [0.458235, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107],
        ],
        [
            [-0.366234, 0.221185, 0.0917319, 0.0129757, 0.0142857, 0.0260553],
            [0.111121, -0.411608, 0.278779, 0.0055756, 0.00569609, 0.010436],
            [0.0357786, 0.633813, -0.678582, 0.00249248, 0.00272882, 0.0037688],
            [0.0663296, -0.356151, 0.280111, 0.00283995, 0.0035545, 0.00331533],
            [-0.541765, 0.396634, 0.123377, 0.00648837, 0.00903441, 0.00623107],
        ],
    ),
    (
        [0, 1, 1, 0],
        -5.42262,
        [
            [0.30176, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508],
            [0.24082, 0.397533, 0.0557226, 0.0546814, 0.0557528, 0.19549],
            [0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, 0.202456],
            [0.280884, 0.429522, 0.0326593, 0.0339046, 0.0326856, 0.190345],
            [0.423286, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046],
        ],
        [
            [-0.69824, 0.28562, 0.0831517, 0.0862751, 0.0816851, 0.161508],
            [0.24082, -0.602467, 0.0557226, 0.0546814, 0.0557528, 0.19549],
            [0.230246, 0.450868, 0.0389607, 0.038309, 0.0391602, -0.797544],
            [0.280884, -0.570478, 0.0326593, 0.0339046, 0.0326856, 0.190345],
            [-0.576714, 0.315517, 0.0338439, 0.0393744, 0.0339315, 0.154046],
        ],
    ),
]


def spoken(path: Any, blank: int) -> tuple[int, ...]:
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def by_hand(logits: Array, labels: Array, blank: int) -> tuple[float, Array]:
    """The loss and its gradient, from the probabilities of all alignments."""
    steps, classes = logits.shape
    p = sc.softmax(logits, -1)
    hits, total = np.zeros_like(p), 0.0
    for path in itertools.product(range(classes), repeat=steps):
        if spoken(path, blank) == tuple(labels):
            share = p[np.arange(steps), path].prod()
            total += share
            hits[np.arange(steps), path] += share
    if not total:
        return np.inf, np.zeros_like(p)
    return -np.log(total), p - hits / total


X = ag.input("x", "f64[t, b, c]")
Y = ag.input("y", "i64[b, l]")
INPUTS, COUNTS = ag.input("inputs", "i64[b]"), ag.input("counts", "i64[b]")


def compiled(blank: int, **named: Any) -> ag.Function:
    loss = ag.nn.ctc_loss(X, Y, INPUTS, COUNTS, blank, **named)
    return ag.function([X, Y, INPUTS, COUNTS], [loss, ag.grad(loss.sum(), X)])


# Labels of each example and how many steps it has; some have no alignment, some no labels.
EXAMPLES = [
    ([1, 2], 5),
    ([1, 1], 5),
    ([2], 1),
    ([], 3),
    ([1, 1, 1], 4),
    ([2, 1, 2], 3),
    ([2, 1], 1),
    ([], 0),
    ([1], 0),
    ([1, 2, 1], 5),
]


@pytest.mark.parametrize("blank", [0, 1, -1])
def test_all_alignments(blank: int):
    classes, steps, most = 3, 5, 3
    logits = np.random.default_rng(0).normal(size=(steps, len(EXAMPLES), classes)) * 2
    empty = blank % classes
    # Labels 1 and 2 become those that are not the blank; what is behind their end is anything.
    names = [-9, *(k for k in range(classes) if k != empty)]
    labels = np.full((len(EXAMPLES), most), -77)
    for row, (said, _) in zip(labels, EXAMPLES, strict=True):
        row[: len(said)] = [names[k] for k in said]
    inputs = np.array([length for _, length in EXAMPLES])
    counts = np.array([len(said) for said, _ in EXAMPLES])
    loss, slope = compiled(blank)(logits, labels, inputs, counts)
    for k, (said, length) in enumerate(EXAMPLES):
        expected, gradient = by_hand(logits[:length, k], labels[k, : len(said)], empty)
        np.testing.assert_allclose(loss[k], expected, rtol=1e-10, err_msg=f"{k}")
        np.testing.assert_allclose(slope[:length, k], gradient, atol=1e-12, err_msg=f"{k}")
        assert not slope[length:, k].any()
    assert np.isinf(loss).sum() == 3


def test_infinity_as_zero():
    labels, lengths = np.array([[1, 2], [1, 1]]), np.array([2, 2])
    logits = np.random.default_rng(0).normal(size=(2, 2, 3))
    loss, slope = compiled(0, zero_infinity=True)(logits, labels, lengths, lengths)
    expected, gradient = by_hand(logits[:, 0], labels[0], 0)
    np.testing.assert_allclose(loss, [expected, 0])
    np.testing.assert_allclose(slope, np.stack([gradient, 0 * gradient], 1), atol=1e-12)


def test_values_of_graves():
    logits = np.log(np.array([p for _, _, p, _ in GRAVES])).swapaxes(0, 1)
    labels = np.array([[0, 1, 2, 1, 0], [0, 1, 1, 0, 5]])
    loss, slope = compiled(5)(logits, labels, np.array([5, 5]), np.array([5, 4]))
    np.testing.assert_allclose(loss, [-value for _, value, _, _ in GRAVES], rtol=1e-5)
    np.testing.assert_allclose(slope.swapaxes(0, 1), [g for *_, g in GRAVES], atol=2e-6)


def test_derivatives():
    logits = np.random.default_rng(1).normal(size=(4, 2, 3))
    labels = np.array([[1, 1], [2, 1]])
    check_gradient(lambda x: ag.nn.ctc_loss(x, labels), logits, tolerance=1e-5)


def test_long_sequences_and_certainty_have_no_nan():
    """A thousand steps in float32, and classes that cannot be."""
    rng = np.random.default_rng(2)
    x = ag.tensor3("x")
    labels = rng.integers(1, 5, (2, 300))
    loss = ag.nn.ctc_loss(x, labels, zero_infinity=True)
    f = ag.function([x], [loss, ag.grad(loss.sum(), x)])
    logits = (rng.normal(size=(1000, 2, 5)) * 20).astype(np.float32)
    precise = ag.function([X], ag.nn.ctc_loss(X, labels))(logits.astype(np.float64))
    value, slope = f(logits)
    np.testing.assert_allclose(value, precise, rtol=1e-5)
    assert np.isfinite(slope).all() and abs(slope.sum(-1)).max() < 1e-3
    # Each step is certain; the second example says something else.
    path = np.repeat(np.concatenate([[0], *([k, 0] for k in labels[0])]), 2)[:1000]
    certain = np.where(np.arange(5) == path[:, None], 0, -np.inf).astype(np.float32)
    short = ag.nn.ctc_loss(x, labels, None, np.array([250, 5]))
    g = ag.function([x], [short, ag.grad(short.sum(), x)])
    value, slope = g(np.stack([certain, certain], 1))
    np.testing.assert_array_equal(value, [0, np.inf])
    assert not slope.any()


def test_reductions_and_halves():
    logits = np.random.default_rng(3).normal(size=(4, 2, 3))
    labels = [[1], [2]]
    none, mean, total = (
        ag.nn.ctc_loss(logits, labels, reduction=how).eval() for how in ("none", "mean", "sum")
    )
    np.testing.assert_allclose([mean, total], [none.mean(), none.sum()])
    half = ag.nn.ctc_loss(logits.astype(np.float16), labels)
    assert str(half.dtype) == "f32"
    np.testing.assert_allclose(half.eval(), none, rtol=5e-3)


def test_what_a_call_finds():
    f = compiled(0)
    logits, labels = np.zeros((4, 2, 3)), np.array([[1, 2], [2, 1]])
    full, two = np.array([4, 4]), np.array([2, 2])
    for bad in (0, 3, -1):
        with pytest.raises(ag.IndexOutOfBounds, match="labels, of which none is the blank"):
            f(logits, np.array([[1, 2], [bad, 1]]), full, two)
    with pytest.raises(ag.IndexOutOfBounds, match="input_lengths"):
        f(logits, labels, np.array([4, 5]), two)
    with pytest.raises(ag.IndexOutOfBounds, match="label_lengths"):
        f(logits, labels, full, np.array([2, -1]))


def test_what_does_not_fit():
    with pytest.raises(ag.GraphTypeError, match=r"logits are \[time, batch, classes\]"):
        ag.nn.ctc_loss(ag.matrix("x"), Y)
    with pytest.raises(ag.GraphTypeError, match=r"labels are integers \[batch, max_label\]"):
        ag.nn.ctc_loss(X, X)
    with pytest.raises(ag.GraphTypeError, match="input_lengths are integers, one for each"):
        ag.nn.ctc_loss(X, Y, ag.vector("n"))
    with pytest.raises(ag.GraphTypeError, match="the blank is one of the 3 classes"):
        ag.nn.ctc_loss(ag.zeros((4, 2, 3)), Y, blank=3)


def test_greedy_decoding():
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(7, 20, 3))
    inputs = rng.integers(0, 8, 20)
    labels, lengths = ag.function([X, INPUTS], ag.nn.ctc_greedy_decode(X, INPUTS, -1))(
        logits, inputs
    )
    assert labels.shape == (20, 7)
    for k, length in enumerate(inputs):
        expected = spoken(logits[:length, k].argmax(-1), 2)
        assert tuple(labels[k, : lengths[k]]) == expected
        assert (labels[k, lengths[k] :] == -1).all()


def test_edit_distances():
    pairs = {
        ("", ""): 0,
        ("a", ""): 1,
        ("", "abc"): 3,
        ("abc", "abc"): 0,
        ("intention", "execution"): 5,
    }
    for (a, b), distance in pairs.items():
        assert ag.nn.edit_distance(a, b) == ag.nn.edit_distance(b, a) == distance
    assert ag.nn.label_error_rate(["intention", "x"], ["execution", "y"]) == 0.6
    with pytest.raises(ag.FunctionError, match="1 sequences for 2 true ones"):
        ag.nn.label_error_rate(["a"], ["a", "b"])

"""Sorting, counting, running sums and the like, against NumPy, with Theano's conventions."""

import itertools

import numpy as np
import pytest

import agnesi.theano.tensor as T
from agnesi import theano
from agnesi.theano.tensor import extra_ops
from agnesi.theano.tensor.sort import SortOp
from agnesi.theano.tests import unittest_tools as utt

RNG = np.random.RandomState(0)
A = RNG.rand(4, 5)
X, V, M, I, K = T.dmatrix(), T.dvector(), T.lmatrix(), T.lvector(), T.iscalar()


def value(output):
    """Compute a variable of the matrix."""
    return theano.function([X], output)(A)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_sorting(axis):
    """Along an axis, or of all elements; also along one that only a call knows."""
    np.testing.assert_array_equal(value(T.sort(X, axis)), np.sort(A, axis))
    np.testing.assert_array_equal(value(T.argsort(X, axis)), np.argsort(A, axis))
    utt.verify_grad(lambda x: T.sort(x, axis), [A], rng=RNG)
    if axis is not None:
        f = theano.function([X, K], [T.sort(X, K), T.argsort(X, K)])
        np.testing.assert_array_equal(f(A, axis)[0], np.sort(A, axis))
        np.testing.assert_array_equal(f(A, axis)[1], np.argsort(A, axis))


def test_sorting_errors():
    """What cannot be sorted by raises."""
    with pytest.raises(ValueError):
        T.sort(X, kind="bogosort")
    with pytest.raises(ValueError):
        T.sort(X, order=["field"])
    with pytest.raises(ValueError):
        T.sort(X, 1.5)


def test_topk():
    """The largest, the smallest; how many may be computed."""
    ordered = np.sort(A, 1)
    np.testing.assert_array_equal(value(T.topk(X, 2)), ordered[:, :-3:-1])
    np.testing.assert_array_equal(value(T.topk(X, -2, sorted=False)), ordered[:, :2])
    indices = value(T.argtopk(X, 3, axis=None, sorted=False, idx_dtype="int32"))
    assert indices.dtype == "int32"
    np.testing.assert_array_equal(A.ravel()[indices], np.sort(A.ravel())[:-4:-1])
    f = theano.function([X, K], T.topk(X, K))
    np.testing.assert_array_equal(f(A, -2), ordered[:, :2])
    np.testing.assert_array_equal(f(A, 2), ordered[:, :-3:-1])
    with pytest.raises(ValueError):
        T.topk(X, 0)
    with pytest.raises(IndexError):
        T.topk(X, 1, axis=2)
    with pytest.raises(ValueError):
        f(A, 6)


@pytest.mark.parametrize("mode", ["add", "mul"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running(axis, mode):
    """Sums and products, in the dtype of the array."""
    op = extra_ops.CumOp(axis, mode)
    expected = (np.cumsum if mode == "add" else np.cumprod)(A, axis)
    np.testing.assert_allclose(value(op(X)), expected)
    utt.verify_grad(op, [A], rng=RNG)
    assert op(T.bmatrix()).dtype == "int8"
    assert str(op) == f"CumOp{{{axis}, {mode}}}" and op == extra_ops.CumOp(axis, mode)
    with pytest.raises(ValueError):
        extra_ops.CumOp(2)(X)


def test_counting():
    """Counts have the dtype of the integers, or of the weights."""
    given = np.array([3, 1, 3])
    found = theano.function(
        [I, V], [T.bincount(I), T.bincount(I, V, minlength=6), T.bincount(I, assert_nonneg=True)]
    )(given, [0.5, 2.0, 1.0])
    np.testing.assert_array_equal(found[0], [0, 1, 0, 2])
    np.testing.assert_array_equal(found[1], [0, 2, 0, 1.5, 0, 0])
    for kind in ("int8", "uint8", "uint32"):
        assert T.bincount(T.vector(dtype=kind)).dtype == kind
    with pytest.raises(AssertionError, match="negative"):
        theano.function([I], T.bincount(I, assert_nonneg=True))([-1])
    with pytest.raises(TypeError):
        T.bincount(M)


def test_repeat():
    """A number, or one for each element; what does not fit raises."""
    for axis in (None, 0, 1):
        np.testing.assert_array_equal(value(T.repeat(X, 2, axis)), A.repeat(2, axis))
    f = theano.function([X, I], T.repeat(X, I, 0))
    np.testing.assert_array_equal(f(A, [1, 0, 2, 3]), A.repeat([1, 0, 2, 3], 0))
    assert isinstance(T.repeat(X, I, 0).owner.op, extra_ops.RepeatOp)
    for repeats, error in ((M, ValueError), (V, TypeError)):
        with pytest.raises(error):
            T.repeat(X, repeats, 0)


@pytest.mark.parametrize("flags", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_unique(flags, axis):
    """Elements and slices, with all that may be asked for."""
    given = RNG.randint(0, 2, (6, 2))
    found = theano.function([M], extra_ops.Unique(*flags, axis=axis)(M))(given)
    expected = np.unique(given, *flags, axis=axis)
    for one, other in zip(
        found if any(flags) else [found], expected if any(flags) else [expected], strict=True
    ):
        np.testing.assert_array_equal(one, other.reshape(one.shape))


def test_places():
    """Places in a row and indices of axes; order F of unravel_index means nothing."""
    i = np.array([0, 7, 11])
    f = theano.function([I], T.unravel_index(I, (3, 4)))
    np.testing.assert_array_equal(f(i), np.unravel_index(i, (3, 4)))
    with pytest.warns(UserWarning, match="order"):
        T.unravel_index(I, (3, 4), order="F")
    for mode, order in itertools.product(("wrap", "clip"), "CF"):
        made = T.ravel_multi_index((I, I), (3, 4), mode, order)
        expected = np.ravel_multi_index((i, i), (3, 4), mode=mode, order=order)
        np.testing.assert_array_equal(theano.function([I], made)(i), expected)
    with pytest.raises(ValueError):
        T.unravel_index(7, I)


def test_diagonals():
    """Filled where no diagonal begins anew; gradients by both operands."""
    q = T.dscalar()
    tall = np.zeros((5, 2))
    f = theano.function([X, q], T.fill_diagonal(X, q))
    assert f(tall, 3.0).sum() == 6.0
    g = theano.function([X, q, K], T.fill_diagonal_offset(X, q, K))
    np.testing.assert_array_equal(g(np.zeros((3, 3)), 3.0, -1), 3 * np.eye(3, k=-1))
    utt.verify_grad(lambda x, v: T.fill_diagonal_offset(x, v, 1), [A, np.array(2.0)], rng=RNG)
    for a, v in ((V, 1.0), (X, V), (M, 1.5)):
        with pytest.raises(TypeError):
            T.fill_diagonal(a, v)


def test_the_rest():
    """Differences, searching, windows, choosing, covariances, one-hot rows."""
    np.testing.assert_allclose(value(extra_ops.diff(X, 2, 0)), np.diff(A, 2, 0))
    f = theano.function([V, X], extra_ops.searchsorted(V, X, "right"))
    np.testing.assert_array_equal(f([0.2, 0.5], A), np.searchsorted([0.2, 0.5], A, side="right"))
    np.testing.assert_allclose(theano.function([K], T.bartlett(K))(5), np.bartlett(5))
    g = theano.function([I, X], extra_ops.compress(I, X, axis=0))
    np.testing.assert_array_equal(g([1, 0, 0, 1], A), A[[0, 3]])
    assert g([], A).shape == (0, 5)
    np.testing.assert_allclose(value(T.cov(X)), np.cov(A))
    np.testing.assert_allclose(value(T.cov(X, rowvar=False, bias=True)), np.cov(A.T, bias=True))
    hot = theano.function([I], extra_ops.to_one_hot(I, 3, dtype="int8"))([2, 0])
    np.testing.assert_array_equal(hot, [[0, 0, 1], [1, 0, 0]])
    assert SortOp("mergesort", []) != SortOp("quicksort", [])

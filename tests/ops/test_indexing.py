"""Indices that are arrays, and writing at them, against NumPy; random keys; errors in a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.graph.leaves import new_input
from agnesi.testing import check_gradient, interpreted, looped, native
from agnesi.testing.cases import type_of

if TYPE_CHECKING:
    from agnesi.graph.tensor import Array, Tensor


def _given(array: Array, *, symbolic: bool) -> Tensor:
    return new_input(None, type_of(array, "x" if symbolic else None))


def _lifted(key: Any, inputs: list[Tensor], arrays: list[Array]) -> Any:
    """Return the key with inputs in place of its arrays."""
    if isinstance(key, tuple):
        return tuple(_lifted(k, inputs, arrays) for k in key)
    if isinstance(key, np.ndarray):
        inputs.append(_given(key, symbolic=False))
        arrays.append(key)
        return inputs[-1]
    return key


@st.composite
def shapes_and_keys(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """Shapes, and keys that NumPy takes for them."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    spread = draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    items: list[Any] = []
    axis = 0
    while axis < len(shape) and draw(st.integers(0, 9)):
        size = shape[axis]
        kind = draw(st.sampled_from(["slice", "int", "array", "array", "mask", "none", "mask2"]))
        if kind == "none":
            items.append(None)
            continue
        if kind == "slice":
            bound = st.none() | st.integers(-5, 5)
            items.append(slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, -1]))))
        elif kind == "int":
            items.append(draw(st.integers(-size, size - 1)))
        elif kind == "array":
            own = tuple(draw(st.sampled_from([s, 1])) for s in spread)
            count = int(np.prod(own))
            numbers = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
            items.append(np.array(numbers, np.int64).reshape(own))
        else:
            covers = 2 if kind == "mask2" and axis + 1 < len(shape) else 1
            own = shape[axis : axis + covers]
            count = int(np.prod(own))
            flags = draw(st.lists(st.booleans(), min_size=count, max_size=count))
            items.append(np.array(flags).reshape(own))
            axis += covers - 1
        axis += 1
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), Ellipsis)
    return shape, tuple(items)


def _numpys(array: Array, key: Any) -> Array | None:
    masks = [k for k in key if isinstance(k, np.ndarray) and k.dtype == bool]
    if any(m.sum() == 1 for m in masks) and sum(isinstance(k, np.ndarray) for k in key) > 1:
        return None  # a size that only a call knows does not broadcast
    try:
        return array[key]
    except IndexError:
        return None  # masks and arrays that do not broadcast together


@settings(max_examples=150, deadline=None)
@given(shapes_and_keys(), st.booleans(), st.booleans())
def test_random_keys_are_numpys(
    drawn: tuple[tuple[int, ...], tuple[Any, ...]], symbolic: bool, constant: bool
):
    shape, key = drawn
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    expected = _numpys(array, key)
    if expected is None:
        return
    x = _given(array, symbolic=symbolic)
    inputs, arrays = [x], [array]
    result = x[key if constant else _lifted(key, inputs, arrays)]
    (found,) = interpreted(inputs, [result])(arrays)
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape


_AT: dict[str, np.ufunc] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
}


def _written(array: Array, key: Any, how: str, y: Array) -> Array:
    result = array.copy()
    if how == "set":
        result[key] = y
    else:
        _AT[how].at(result, key, y)
    return result


@settings(max_examples=100, deadline=None)
@given(shapes_and_keys(), st.sampled_from(["set", *_AT]), st.booleans())
def test_writing_at_random_keys_is_numpys(
    drawn: tuple[tuple[int, ...], tuple[Any, ...]], how: str, whole: bool
):
    shape, key = drawn
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    taken = _numpys(array, key)
    if taken is None:
        return
    y = np.random.default_rng(0).integers(-9, 9, taken.shape if whole else ()).astype(np.float64)
    expected = _written(array, key, how, y)
    for symbolic in (False, True):
        x, v = _given(array, symbolic=symbolic), new_input("y", type_of(y))
        inputs, arrays = [x, v], [array, y]
        update = x.at[_lifted(key, inputs, arrays)]
        (found,) = interpreted(inputs, [getattr(update, how)(v)])(arrays)
        np.testing.assert_array_equal(found, expected)


I, J = np.array([[2], [0]]), np.array([1, -1, 0])
M = np.array([True, False, True])
KEYS = (
    (I,),
    (slice(None), -I // 2),
    (I, J),
    (I, slice(1, None), J),
    (slice(None, None, -1), J, None, 1),
    (0, slice(None), J),
    (..., J),
    (None, J, ..., None),
    (M,),
    (slice(None), M[:2], 1),
    (np.arange(6).reshape(3, 2) % 2 == 0,),
    (M, J[:2]),
    (np.zeros(0, np.int64),),
    (np.zeros(3, bool),),
)
ids = [str(k).replace("\n", "") for k in KEYS]


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_keys_in_every_evaluator(key: Any):
    array = np.random.default_rng(1).normal(size=(3, 2, 4))
    expected = array[key]
    for evaluator in (interpreted, looped, native):
        x = _given(array, symbolic=evaluator is not interpreted)
        inputs, arrays = [x], [array]
        key_ = _lifted(key, inputs, arrays)
        found, doubled = evaluator(inputs, [x[key_], (x * 2)[key_] + 1])(arrays)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(doubled, expected * 2 + 1)


@pytest.mark.parametrize("key", KEYS, ids=ids)
@pytest.mark.parametrize("how", ["set", "add", "multiply", "max"])
def test_writing_in_every_evaluator(key: Any, how: str):
    array = np.random.default_rng(1).normal(size=(3, 2, 4))
    y = np.random.default_rng(2).normal(size=array[key].shape)
    expected = _written(array, key, how, y)
    for evaluator in (looped, native):
        x, v = _given(array, symbolic=True), new_input("y", type_of(y))
        inputs, arrays = [x, v], [array, y]
        update = x.at[_lifted(key, inputs, arrays)]
        (found,) = evaluator(inputs, [getattr(update, how)(v)])(arrays)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_gradients_of_reading(key: Any):
    array = np.random.default_rng(1).normal(size=(3, 2, 4))
    if array[key].size:
        weights = np.random.default_rng(2).normal(size=array[key].shape)
        # Random weights do not fit a size that only a call knows: a sum does.
        check_gradient(
            lambda x: ag.sum(x[key] ** 2 * weights), array, evaluator=interpreted, tolerance=1e-6
        )


@pytest.mark.parametrize("key", KEYS[:10], ids=ids[:10])
@pytest.mark.parametrize("how", ["set", "add", "subtract", "multiply", "max", "min"])
def test_gradients_of_writing(key: Any, how: str):
    array = np.random.default_rng(1).normal(size=(3, 2, 4))
    y = np.random.default_rng(3).normal(size=array[key].shape)
    check_gradient(lambda x, v: getattr(x.at[key], how)(v), array, y, evaluator=interpreted)


@pytest.mark.parametrize("key", [1, np.s_[1:], np.array([0, 0, 2]), M], ids=str)
def test_division_powers_and_functions(key: Any):
    array = np.array([1.5, 2.0, 3.0])
    x = _given(array, symbolic=True)
    outputs = [
        x.at[key].divide(2.0),
        x.at[key].power(2.0),
        x.at[key].apply(ag.exp),
        x.at[key].get(),
    ]
    found = native([x], outputs)([array])
    divided, powered, applied = array.copy(), array.copy(), array.copy()
    np.divide.at(divided, key, 2.0)
    np.power.at(powered, key, 2.0)
    applied[key] = np.exp(applied[key])
    for actual, expected in zip(found, (divided, powered, applied, array[key]), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-14)


def test_writing_into_bools_and_integers():
    flags, numbers = ag.constant([True, False, False]), ag.constant(np.arange(3, dtype=np.int8))
    where = ag.constant([0, 1, 1])
    assert flags.at[where].set(False).eval().tolist() == [False, False, False]
    assert flags.at[where].add(ag.constant([False, True, False])).eval().tolist() == [1, 1, 0]
    assert flags.at[where].multiply(ag.constant([True, True, False])).eval().tolist() == [1, 0, 0]
    assert flags.at[1:].max(True).eval().tolist() == [True, True, True]
    assert flags.at[:1].min(False).eval().tolist() == [False, False, False]
    assert numbers.at[where].add(1).eval().tolist() == [1, 3, 2]
    assert numbers.at[where].add(1).dtype is numbers.dtype


def test_the_last_of_equal_indices_sets():
    x = ag.vector("x", dtype="f64")
    y, i = ag.vector("y", dtype="f64"), ag.vector("i", dtype="i64")
    f = ag.function([x, y, i], x.at[i].set(y))
    result = f(np.zeros(4), np.arange(1.0, 6.0), np.array([2, 0, 2, -1, 0]))
    np.testing.assert_array_equal(result, [5, 0, 3, 4])


OUT = [(np.array([0, 3]), 3), (np.array([-4]), -4), (np.array([[1], [2**40]]), 2**40)]


@pytest.mark.parametrize(("index", "worst"), OUT)
@pytest.mark.parametrize("mode", [None, "loops", "graph"])
def test_out_of_bounds_says_which_and_changes_nothing(index: Array, worst: int, mode: str | None):
    i = new_input("i", type_of(index, "i"))
    table, count = ag.shared(np.arange(3.0), name="table"), ag.shared(np.zeros(()))
    updates = [(count, count + 1), (table, table.at[i].add(1.0))]
    with setting(interpret=mode) if mode else setting():
        f = ag.function([i], table[i].sum(), updates=updates)
        with pytest.raises(ag.IndexOutOfBounds) as caught:
            f(index)
        assert f"index {worst} is out of bounds for size 3" in str(caught.value)
        assert "test_indexing.py" in str(caught.value)
        np.testing.assert_array_equal(table.get_value(), np.arange(3.0))
        assert count.get_value() == 0
        f(np.array(0).reshape((1,) * index.ndim))
        np.testing.assert_array_equal(table.get_value(), [1, 1, 2])


def test_a_constant_index_out_of_bounds_is_an_error_of_the_expression():
    x = ag.input("x", "f32[3, n]")
    for bad in ([0, 3], [-4], np.array([7])):
        with pytest.raises(ag.GraphTypeError, match="out of bounds for size 3"):
            x[bad]
    later = x[:, [0, 5]]
    with pytest.raises(ag.IndexOutOfBounds, match="index 5 is out of bounds for size 2"):
        ag.function([x], later)(np.zeros((3, 2), np.float32))
    assert x[:, []].eval({x: np.zeros((3, 0), np.float32)}).shape == (3, 0)


def test_good_indices_need_no_check():
    x, m = ag.input("x", "f32[5, n]"), ag.vector("m", dtype="bool")
    for index in (ag.arange(5), ag.argmax(x, 0), ag.arange(1, 5, 2), [0, -1], ag.arange(4)[::-1]):
        f = ag.function([x], x[index])
        assert "require" not in f.explain(), index
    v = ag.input("v", "f32[5]")
    masked = ag.function([m, v], v[m])
    assert "require index" not in masked.explain()


@pytest.mark.parametrize("dtype", ["u8", "u16", "u32", "u64", "i8", "i32"])
def test_indices_of_any_integer_dtype(dtype: str):
    x, i = ag.input("x", "f32[200]"), ag.vector("i", dtype=dtype)
    f = ag.function([x, i], x[i])
    array = np.arange(200, dtype=np.float32)
    assert f(array, np.array([3, 100], i.dtype.numpy)).tolist() == [3, 100]
    if dtype != "i8":
        with pytest.raises(ag.IndexOutOfBounds, match="index 200 is"):
            f(array, np.array([3, 200], i.dtype.numpy))


def test_bad_keys_are_refused():
    x = ag.input("x", "f32[3, 4]")
    for key, words in (
        ((np.array([0.5]),), "but this is f64[1]"),
        ((np.array([0, 1]), np.array([0, 1, 2])), "do not broadcast"),
        ((M, M), "does not fit"),
        ((np.ones((3, 4, 1), bool),), "too many indices"),
        ((True, 0), "stands alone"),
    ):
        with pytest.raises(ag.GraphTypeError, match=words.replace("[", r"\[")):
            x[key]
    with pytest.raises(ag.GraphTypeError, match="change the kind"):
        ag.input("k", "i32[3]").at[0].set(0.5)
    with pytest.raises(ag.GraphTypeError, match="cannot be broadcast"):
        x.at[0].set(np.zeros(3))
    with pytest.raises(ag.GraphTypeError, match="divide gives floats"):
        ag.input("k", "i32[3]").at[0].divide(2)


def test_a_mask_of_the_wrong_size_is_found_in_a_call():
    x, m = ag.vector("x"), ag.vector("m", dtype="bool")
    f = ag.function([x, m], x[m])
    assert f(np.arange(3, dtype=np.float32), M).tolist() == [0, 2]
    with pytest.raises(ag.ShapeError):
        f(np.zeros(4, np.float32), M)


def test_scalar_masks_and_lists_of_symbolic_integers():
    x, i = ag.vector("x"), ag.scalar("i", dtype="i64")
    array = np.arange(3, dtype=np.float32)
    assert x[True].eval({x: array}).shape == (1, 3)
    assert x[i > 1].eval({x: array, i: 0}).shape == (0, 3)
    assert x[[i, i + 1]].eval({x: array, i: 1}).tolist() == [1, 2]


def test_what_is_dear_is_computed_once_before_it_is_read_often():
    x, i = ag.input("x", "f32[10]"), ag.input("i", "i64[1000]")
    assert len(ag.function([x, i], ag.exp(x)[i]).kernels) > len(ag.function([x, i], x[i]).kernels)
    few = ag.input("few", "i64[3]")
    same = len(ag.function([x, few], x[few]).kernels)
    assert len(ag.function([x, few], ag.exp(x)[few]).kernels) == same


@pytest.mark.parametrize("mode", [None, "loops", "graph"])
def test_nonzero_is_numpys(mode: str | None):
    array = np.array([[0, 2, 0], [1, 0, 3]])
    x = ag.matrix("x", dtype="i64")
    with setting(interpret=mode) if mode else setting():
        f = ag.function([x], [*ag.nonzero(x), ag.flatnonzero(x), ag.argwhere(x)])
        for case in (array, np.zeros((2, 3), int), np.ones((0, 3), int)):
            expected = [*np.nonzero(case), np.flatnonzero(case), np.argwhere(case)]
            for found, wanted in zip(f(case), expected, strict=True):
                np.testing.assert_array_equal(found, wanted)
    fixed = ag.nonzero(x, size=4)
    assert [n.eval({x: array}).tolist() for n in fixed] == [[0, 1, 1, 0], [1, 0, 2, 0]]


def test_a_step_along_the_gradient_of_rows_changes_the_table_in_place():
    ids, wanted = ag.vector("ids", dtype="i64"), ag.matrix("wanted", dtype="f64")
    start = np.random.default_rng(0).normal(size=(5, 2))
    table = ag.shared(start, name="table")
    slope = ag.grad(((table[ids] - wanted) ** 2).sum(), table)
    target = np.ones((3, 2))
    for step, update in enumerate((table - 0.1 * slope, table + slope * -0.1, -slope + table)):
        f = ag.function([ids, wanted], None, updates=[(table, update)])
        assert "copy" not in f.explain(), step
        table.set_value(start)
        f(np.array([1, 1, 4]), target)
        dense = np.zeros((5, 2))
        np.add.at(dense, [1, 1, 4], 2 * (start[[1, 1, 4]] - target))
        rate = 1.0 if step == 2 else 0.1
        np.testing.assert_allclose(table.get_value(), start - rate * dense, rtol=1e-14)
    # A number that is not finite reaches every element.
    g = ag.function([ids, wanted], slope * np.inf)
    with np.errstate(invalid="ignore"):
        assert np.isnan(g(np.array([0]), target[:1])[1:]).all()


def test_an_update_at_indices_is_made_in_place():
    ids, rows = ag.vector("ids", dtype="i64"), ag.matrix("rows", dtype="f64")
    table = ag.shared(np.zeros((5, 2)), name="table")
    f = ag.function([ids, rows], None, updates=[(table, table.at[ids].add(rows))])
    assert "copy" not in f.explain()
    f(np.array([1, 1, 4]), np.ones((3, 2)))
    np.testing.assert_array_equal(table.get_value(), [[0, 0], [2, 2], [0, 0], [0, 0], [1, 1]])
    # What is written reads the table besides: the old values are still needed.
    g = ag.function([ids], None, updates=[(table, table.at[ids].add(table[ids + 1]))])
    before = table.get_value()
    g(np.array([0, 1, 3]))
    expected = before.copy()
    np.add.at(expected, [0, 1, 3], before[[1, 2, 4]])
    np.testing.assert_array_equal(table.get_value(), expected)


def test_indices_that_are_said_to_be_unique_have_a_gradient_without_a_search():
    x, y = ag.vector("x"), ag.vector("y")
    weights = ag.constant(np.array([1, 10, 100], np.float32))
    for key, places in (([2, 0], [100, 1]), ([1, 1], [10, 10])):
        made = x.at[key].set(y, unique_indices=True)
        by_x, by_y = ag.grad(ag.sum(made * weights), [x, y])
        f = ag.function([x, y], [made, by_x, by_y])
        given, values = np.array([1, 2, 3], np.float32), np.array([7, 8], np.float32)
        written = given.copy()
        written[key] = values
        left = np.array([1, 10, 100], np.float32)
        left[key] = 0
        for got, wanted in zip(f(given, values), (written, left, places), strict=True):
            np.testing.assert_array_equal(got, wanted)

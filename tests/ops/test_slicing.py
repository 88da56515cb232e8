"""Indexing against NumPy: bounds known and symbolic, steps of both signs, out of range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agnesi as ag
from agnesi.dims.dim import Symbol
from agnesi.graph.tensor import SizeValue
from agnesi.ops.slicing import Indexed, Slice
from agnesi.testing import check_gradient, interpreted

BOUND = st.none() | st.integers(-9, 9)
STEP = st.none() | st.integers(-4, 4).filter(bool)


def _value(expression: ag.Tensor, inputs: list[ag.Tensor], *arrays: Any) -> np.ndarray:
    return interpreted(inputs, [expression])([np.asarray(a) for a in arrays])[0]


@given(BOUND, BOUND, STEP, st.integers(0, 7))
def test_slices_are_pythons(start: int | None, stop: int | None, step: int | None, size: int):
    array, key = np.arange(size, dtype=np.float32), slice(start, stop, step)
    known, unknown = ag.input("x", f"f32[{size}]"), ag.vector("x")
    assert known[key].type.shape == array[key].shape
    for x in (known, unknown):
        assert (_value(x[key], [x], array) == array[key]).all()


@given(st.integers(-9, 9), st.integers(-9, 9), STEP, st.integers(0, 7))
def test_bounds_may_be_symbolic(start: int, stop: int, step: int | None, size: int):
    array = np.arange(size, dtype=np.float32)
    x = ag.vector("x")
    a, b = ag.scalar("a", dtype="i64"), ag.scalar("b", dtype="i32")
    expected = array[slice(start, stop, step)]
    found = _value(x[a:b:step], [x, a, b], array, np.int64(start), np.int32(stop))
    assert (found == expected).all() and found.shape == expected.shape
    half = _value(x[a::step], [x, a], array, np.int64(start))
    assert (half == array[start::step]).all()
    other = _value(x[:b:step], [x, b], array, np.int32(stop))
    assert (other == array[:stop:step]).all()


@given(st.integers(-3, 3), st.integers(0, 6), st.integers(0, 6))
def test_bounds_may_be_sizes(shift: int, size: int, other: int):
    x, y = ag.vector("x"), ag.vector("y")
    array, second = np.arange(size, dtype=np.float32), np.zeros(other, np.float32)
    n = y.shape[0]
    for key, bounds in (
        (x[n + shift :], (other + shift, None)),
        (x[: n + shift], (None, other + shift)),
        (x[n // 2 : 2 * n], (other // 2, 2 * other)),
    ):
        found = _value(key, [x, y], array, second)
        assert (found == array[slice(*bounds)]).all()
        assert found.shape == array[slice(*bounds)].shape


KEYS = (
    np.s_[1],
    np.s_[-1],
    np.s_[:, 2],
    np.s_[..., 0],
    np.s_[1, ..., -2],
    np.s_[None],
    np.s_[None, 1, None, ::2],
    np.s_[:, None, ..., 1, None],
    np.s_[0, 1, 2],
    np.s_[::-1, 1:, -3::2],
    np.s_[2:1],
    np.s_[..., None],
    np.s_[...],
    np.s_[np.int64(1), np.int8(0)],
)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_keys_are_numpys(key: Any):
    array = np.arange(24, dtype=np.float64).reshape(2, 3, 4)
    for x in (ag.input("x", "f64[2, 3, 4]"), ag.tensor3("x", dtype="f64")):
        found = _value(x[key], [x], array)
        assert found.shape == array[key].shape and (found == array[key]).all()
    check_gradient(lambda t: t[key] ** 2, array, evaluator=interpreted)


@pytest.mark.parametrize("index", range(-4, 4))
def test_symbolic_index(index: int):
    x, i = ag.vector("x"), ag.scalar("i", dtype="i64")
    array = np.arange(4, dtype=np.float32)
    assert _value(x[i], [x, i], array, index) == array[index]
    assert ag.function([x, i], x[i])(array, index) == array[index]
    assert _value(x[i + 0], [x, i], array, index) == array[index]


@pytest.mark.parametrize("index", [-5, 4, 99, -99])
def test_index_out_of_bounds_in_a_call(index: int):
    x, i = ag.vector("x"), ag.scalar("i", dtype="i64")
    with pytest.raises(ag.IndexOutOfBounds, match="out of bounds"):
        _value(x[i], [x, i], np.zeros(4, np.float32), index)
    with pytest.raises(ag.IndexOutOfBounds):
        ag.function([x, i], x[i])(np.zeros(4, np.float32), index)
    with pytest.raises(ag.IndexOutOfBounds):
        _value(x[7], [x], np.zeros(4, np.float32))
    with pytest.raises(IndexError):
        _value(x[-5], [x], np.zeros(4, np.float32))


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_neighbours_are_seen_to_have_one_size(size: int):
    x = ag.vector("x")
    rises = x[1:] - x[:-1]
    assert not rises.requirements()
    array = np.arange(size, dtype=np.float32) ** 2
    assert (_value(rises, [x], array) == np.diff(array)).all()
    inner = x[1:-1]
    assert not (x[2:] + x[:-2] - 2 * inner).requirements()


def test_the_last_element_is_found_by_its_size():
    x = ag.vector("x")
    last = x[x.shape[0] - 1]
    assert _value(last, [x], np.arange(3, dtype=np.float32)) == 2
    with pytest.raises(ag.IndexOutOfBounds):
        _value(last, [x], np.zeros(0, np.float32))


def test_what_takes_everything_is_the_array_itself():
    x = ag.matrix("x")
    assert x[...] is x and x[:] is x and x[:, :] is x and x[0:, ::1] is x
    known = ag.input("y", "f32[3]")
    assert known[:3] is known and known[0:99] is known


def test_known_indices_need_no_check():
    assert type(ag.input("x", "f32[3]")[2].operands[0]) is Slice
    node = ag.vector("x")[2].operands[0]
    assert isinstance(node, Indexed)
    assert [need.kind for need in node.requirements()] == ["index"]


def test_rows_of_a_known_number_can_be_iterated():
    x = ag.input("x", "f32[2, 3]")
    first, second = x
    assert first is x[0] and second is x[1]


def test_sizes_of_slices_are_simple():
    x = ag.vector("x")
    (n,) = x.type.shape
    assert isinstance(n, Symbol)
    assert str(x[1:].type) == "f32[max(0, x.0 - 1)]"
    assert str(x[:3].type) == "f32[min(3, x.0)]"
    assert str(x[::2].type) == "f32[((x.0 + 1) // 2)]"
    assert x[::-1].type.shape == (n,)
    size = x[1:].shape[0]
    assert isinstance(size, SizeValue)

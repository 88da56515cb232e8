"""Reshaping, broadcasting and reordering of axes, over random shapes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agnesi as ag
from agnesi.dims.dim import Shape, evaluate, fresh_index, fresh_symbol, mul
from agnesi.ops.lift import broadcast_sizes
from agnesi.ops.movement import ravel, uniform_value, unravel
from agnesi.testing import interpreted

SIZES = st.sampled_from((0, 1, 2, 3, 5, 7))
SHAPES = st.lists(SIZES, max_size=4).map(tuple)


def _value(expression: ag.Tensor, inputs: list[ag.Tensor], *arrays: Any) -> np.ndarray:
    return interpreted(inputs, [expression])([np.asarray(a) for a in arrays])[0]


def _symbolic(array: np.ndarray) -> ag.Tensor:
    sizes = ", ".join("1" if s == 1 else "?" for s in array.shape)
    return ag.input("x", f"f32[{sizes}]")


def _ramp(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.float32).reshape(shape)


@given(st.lists(st.sampled_from((1, 2, 3, 5)), max_size=4), st.data())
def test_reshape_is_numpys(sizes: list[int], data: st.DataObject):
    array = _ramp(tuple(sizes))
    target = list(data.draw(st.permutations(sizes)))
    if len(target) > 1 and data.draw(st.booleans()):
        target[0:2] = [target[0] * target[1]]
    if target and data.draw(st.booleans()):
        target[data.draw(st.integers(0, len(target) - 1))] = -1
    for x in (ag.input("x", f"f32{list(array.shape)}"), _symbolic(array)):
        result = x.reshape(tuple(target))
        found = _value(result, [x], array)
        assert found.shape == array.reshape(target).shape
        assert (found == array.reshape(target)).all()


@given(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=4))
def test_unravel_undoes_ravel(sizes: list[int]):
    shape: Shape = tuple(sizes)
    for index in itertools.islice(np.ndindex(*sizes), 40):
        flat = ravel(index, shape)
        assert flat == np.ravel_multi_index(index, tuple(sizes))
        assert unravel(flat, shape) == index


def test_unravel_undoes_ravel_in_symbols():
    n, m = fresh_symbol("n"), fresh_symbol("m")
    for shape in ((n, m), (n, 28, 28), (m, n, 4), (1, n, 1)):
        index = tuple(fresh_index(f"i{k}", s) if s != 1 else 0 for k, s in enumerate(shape))
        assert unravel(ravel(index, shape), shape) == index
    i = fresh_index("i", mul(n, 784))
    assert [str(part) for part in unravel(i, (n, 784))] == ["(i // 784)", "(i % 784)"]
    assert evaluate(unravel(i, (n, 784))[0], {i: 785}) == 1


@given(SHAPES, SHAPES)
def test_shapes_broadcast_as_numpys(a: tuple[int, ...], b: tuple[int, ...]):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        expected = None
    assert broadcast_sizes([a, b]) == expected
    x, y = ag.input("x", f"f32{list(a)}"), ag.input("y", f"f32{list(b)}")
    if expected is None:
        with pytest.raises(ag.GraphTypeError, match="do not broadcast"):
            x + y
        return
    assert (x + y).type.shape == expected
    first, second = _ramp(a), -_ramp(b)
    for p, q in ((x, y), (_symbolic(first), _symbolic(second))):
        assert (_value(p + q, [p, q], first, second) == first + second).all()


@given(SHAPES, SHAPES)
def test_broadcast_to_is_numpys(a: tuple[int, ...], b: tuple[int, ...]):
    try:
        expected = np.broadcast_to(_ramp(a), b)
    except ValueError:
        with pytest.raises(ag.GraphTypeError, match="cannot be broadcast"):
            ag.broadcast_to(ag.input("x", f"f32{list(a)}"), b)
        return
    x = _symbolic(_ramp(a))
    assert (_value(ag.broadcast_to(x, b), [x], _ramp(a)) == expected).all()


def test_unknown_sizes_do_not_broadcast():
    x, y = ag.vector("x"), ag.vector("y")
    total = x + y
    assert [need.kind for need in total.requirements()] == ["equal"]
    with pytest.raises(ag.ShapeError, match="differ"):
        _value(total, [x, y], np.zeros(3, np.float32), np.zeros(1, np.float32))
    with pytest.raises(ag.ShapeError):
        ag.function([x, y], total)(np.zeros(3, np.float32), np.zeros(1, np.float32))


def test_the_known_size_wins():
    x, y = ag.vector("x"), ag.input("y", "f32[5]")
    assert (x + y).type.shape == (5,) and (y + x).type.shape == (5,)
    assert ag.concatenate([ag.matrix("m"), ag.input("k", "f32[2, 3]")]).type.shape[1] == 3


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_transpose_in_every_order(order: tuple[int, ...]):
    x, array = ag.tensor3("x"), _ramp((2, 3, 4))
    for result in (
        x.transpose(order),
        x.transpose(*order),
        ag.permute_dims(x, order),
        ag.transpose(x, [k - 3 for k in order]),
    ):
        assert (_value(result, [x], array) == array.transpose(order)).all()


def test_axes_change_places():
    x, array = ag.tensor3("x"), _ramp((2, 3, 4))
    for ours, numpys in (
        (x.T, array.T),
        (x.mT, array.mT),
        (ag.matrix_transpose(x), array.mT),
        (ag.swapaxes(x, 0, -1), array.swapaxes(0, -1)),
        (ag.moveaxis(x, 0, -1), np.moveaxis(array, 0, -1)),
        (ag.moveaxis(x, (0, 1), (2, 0)), np.moveaxis(array, (0, 1), (2, 0))),
        (ag.moveaxis(x, [-1, 0], [0, 1]), np.moveaxis(array, [-1, 0], [0, 1])),
        (ag.flip(x, (0, 2)), np.flip(array, (0, 2))),
        (x.flatten(), array.flatten()),
        (x.ravel(), array.ravel()),
        (ag.expand_dims(x, (0, -1)), np.expand_dims(array, (0, -1))),
        (x[:, None].squeeze(), array),
    ):
        assert (_value(ours, [x], array) == numpys).all()


def test_what_changes_nothing_is_the_array_itself():
    x = ag.tensor3("x")
    assert x.transpose(0, 1, 2) is x
    assert x.reshape(x.shape) is x
    assert ag.broadcast_to(x, x.shape) is x
    assert ag.expand_dims(x, ()) is x
    assert x.squeeze() is x
    assert ag.flip(x, ()) is x
    assert ag.swapaxes(x, 1, 1) is x
    assert x.astype("f32") is x
    assert ag.positive(x) is x


def test_shapes_may_hold_symbols():
    x, array = ag.matrix("x"), _ramp((4, 6))
    n, m = x.shape
    for target, expected in (
        ((m, n), (6, 4)),
        ((n * m,), (24,)),
        ((n, m // 2, 2), (4, 3, 2)),
        ((n // 2, -1), (2, 12)),
        ((-1, m), (4, 6)),
        ((2 * n, -1), (8, 3)),
    ):
        result = x.reshape(target)
        assert (_value(result, [x], array) == array.reshape(expected)).all()
        native = ag.function([x], result)(array)
        assert native.shape == expected and (native == array.reshape(expected)).all()
    with pytest.raises(ag.ShapeError):
        _value(x.reshape((n, 5)), [x], array)
    with pytest.raises(ag.ShapeError):
        _value(x.reshape((-1, 5)), [x], array)


def test_a_shape_keeps_being_symbolic_integers():
    x = ag.tensor3("x").reshape((-1, 12))
    rows, columns = x.shape
    assert isinstance(rows, ag.Tensor) and columns == 12
    assert isinstance(ag.broadcast_to(1.0, (rows, 2)).shape[0], ag.Tensor)


def test_numbers_are_seen_through_broadcasts():
    x = ag.vector("x")
    assert uniform_value((x * 3).operands[1]) == 3
    assert uniform_value(x) is None

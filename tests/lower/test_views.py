"""Sequences that are parts of other arrays: their rows are read where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting
from agnesi.lower.program import RunKernel
from agnesi.lower.views import rows_of
from agnesi.testing.evaluators import looped, native

X = ag.input("x", "f32[t, 4]")
VIEWS: dict[str, Any] = {
    "all": lambda x: x,
    "later": lambda x: x[2:],
    "earlier": lambda x: x[:-2],
    "backwards": lambda x: x[::-1],
    "backwards from the third": lambda x: x[2:][::-1],
    "third from the end backwards": lambda x: x[:-2][::-1],
    "every other": lambda x: x[1::2],
    "every other backwards": lambda x: x[::-2][1:],
    "pairs": lambda x: x[1:7].reshape(3, 2, 4),
    "pairs, backwards": lambda x: x[1:7].reshape(3, 2, 4)[::-1],
    "a row": lambda x: x[1:3].reshape(8),
}


def total(sequence: Any, reverse: bool) -> Any:
    start = ag.zeros(sequence.shape[1:])
    return ag.scan(lambda c, r: (c * 2 + r, None), start, sequence, reverse=reverse)[0]


@pytest.mark.parametrize("name", VIEWS)
def test_rows_are_read_where_they_lie(name: str) -> None:
    sequence = VIEWS[name](X)
    assert rows_of(sequence).base is X
    array = np.arange(36, dtype="f4").reshape(9, 4)
    run = looped([X], [total(sequence, False), total(sequence, True)])
    for found, step in zip(run([array]), (1, -1), strict=True):
        expected: Any = np.float32(0)
        for row in VIEWS[name](array)[::step]:
            expected = expected * 2 + row
        np.testing.assert_array_equal(found, expected)


def test_native_code_reads_them_too() -> None:
    sequences = [VIEWS[name](X) for name in VIEWS]
    outputs = [total(s, k % 2 == 0) for k, s in enumerate(sequences)]
    function = ag.function([X], outputs)
    # No array of rows is made.
    assert "f32[t" not in function.explain().split("buffers")[1].replace("f32[t, 4]", "", 1)
    array = np.arange(36, dtype="f4").reshape(9, 4)
    for a, b in zip(native([X], outputs)([array]), looped([X], outputs)([array]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_columns_are_copied() -> None:
    assert rows_of(X[:, 1:]).base is not X
    assert rows_of(X.T).base is not X
    # What is read in another way too has memory.
    part = X[1:].reshape(-1)
    found = looped([X], [total(part, False), part])([np.ones((3, 4), "f4")])
    np.testing.assert_array_equal(found[1], np.ones(8))
    assert found[0] == 2**8 - 1


def test_checkpoints_need_a_quarter_of_the_memory() -> None:
    x = ag.input("x", "f32[t, 8, 16]")
    w = ag.shared(np.eye(16, dtype="f4"))

    def scratch(**how: Any) -> int:
        last, _ = ag.scan(lambda h, r: (ag.tanh(h @ w + r), None), ag.zeros((8, 16)), x, **how)
        function = ag.function([x], ag.grad(last.sum(), w))
        ag.release_memory()
        before = ag.memory_info().scratch
        function(np.zeros((1000, 8, 16), "f4"))
        return ag.memory_info().scratch - before

    whole = scratch()
    assert whole > 1000 * 8 * 16 * 4
    assert scratch(checkpoint=32) * 4 <= whole


def test_an_output_that_is_a_view_is_written_where_it_belongs() -> None:
    x, w = ag.input("x", "f32[4, 9, 30]"), ag.input("w", "f32[30, 20]")
    y = ag.tanh(x.reshape(36, 30) @ w)
    outputs = [y.reshape(4, 9, 20), y, y.reshape(-1)]
    random = np.random.default_rng(0)
    arrays = [random.normal(size=s).astype("f4") for s in ((4, 9, 30), (30, 20))]
    found = looped([x, w], outputs)(arrays)
    for array, output in zip(found, outputs, strict=True):
        assert array.shape == output.type.shape
        np.testing.assert_allclose(array.reshape(36, 20), found[1])
    with setting(interpret="loops"):
        function = ag.function([x, w], outputs[0])
    (step,) = function.program.steps
    assert isinstance(step, RunKernel)
    # What a function keeps is another array than what it gives.
    s = ag.shared(np.ones((2, 3), "f4"))
    update = ag.function([], [s.reshape(6), (s * 2).reshape(3, 2)], updates={s: s * 2})
    update()
    for array, expected in zip(update(), (2, 4), strict=True):
        np.testing.assert_array_equal(array.reshape(-1), np.full(6, expected))
    np.testing.assert_array_equal(s.get_value(), np.full((2, 3), 4))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_joined_arrays_are_written_part_by_part(axis: int) -> None:
    shapes = [[3, 4, 5], [3, 4, 5], [3, 4, 5]]
    for k, shape in enumerate(shapes):
        shape[axis] = (2, 1, 6)[k]
    inputs = [ag.input(f"x{k}", f"f32{shape}") for k, shape in enumerate(shapes)]
    random = np.random.default_rng(axis)
    arrays = [random.normal(size=shape).astype("f4") for shape in shapes]
    # A sum of arrays among zeros is how a gradient puts slices together.
    whole: Any = ag.concatenate(inputs, axis)
    sizes = np.cumsum([0, 2, 1, 6])
    key = [slice(None)] * 3
    cost: Any = 0.0
    for k in (2, 0, 1):
        key[axis] = slice(int(sizes[k]), int(sizes[k + 1]))
        cost = cost + (inputs[k] * whole[tuple(key)] ** 2).sum()
    outputs = [whole, ag.grad(cost, whole)]
    for run in (looped, native):
        found = run(inputs, outputs)(arrays)
        expected = np.concatenate(arrays, axis)
        np.testing.assert_array_equal(found[0], expected)
        np.testing.assert_allclose(found[1], 2 * expected * expected, rtol=1e-6)
    with setting(interpret="loops"):
        steps = ag.function(inputs, outputs[1]).program.steps
    assert all("place" not in s.kernel.name for s in steps if isinstance(s, RunKernel))

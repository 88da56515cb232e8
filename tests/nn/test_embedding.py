"""Rows of tables: values, gradients, and steps that touch no other rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import check_gradient

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(9, 4))
WORDS = np.array([[2, 5, 2], [0, 8, 5]])


def test_values_and_padding():
    np.testing.assert_array_equal(ag.nn.embedding(TABLE, WORDS).eval(), TABLE[WORDS])
    padded = ag.nn.embedding(TABLE, WORDS, padding_idx=2).eval()
    np.testing.assert_array_equal(padded, np.where((WORDS == 2)[..., None], 0, TABLE[WORDS]))
    deep = RNG.normal(size=(9, 2, 3))
    np.testing.assert_array_equal(ag.nn.embedding(deep, 4, padding_idx=4).eval(), np.zeros((2, 3)))
    assert ag.nn.embedding(TABLE.astype("f2"), WORDS).eval().dtype == np.float16


@pytest.mark.parametrize("padding", [None, 5])
def test_gradients(padding: int | None):
    check_gradient(lambda t, i: ag.tanh(ag.nn.embedding(t, i, padding)), TABLE, WORDS)


RATES: dict[str, Any] = {
    "number": lambda: 0.1,
    "input": lambda: ag.scalar("rate", dtype="f64"),
    "schedule": lambda: ag.optim.constant_rate(ag.optim.step_counter(), 0.1, dtype="f64"),
}


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("kind", RATES)
def test_a_step_touches_the_rows_looked_up_alone(kind: str, divided: bool):
    start = RNG.normal(size=(777, 4))
    table, rate = ag.shared(start, "table"), RATES[kind]()
    words, scale = ag.input("words", "i64[n]"), ag.scalar("scale", dtype="f64")
    loss = (ag.nn.embedding(table, words, padding_idx=3) ** 2).sum()
    (slope,) = ag.grad(loss, [table])
    slope = slope / scale if divided else slope * scale
    inputs = [words, scale, *([rate] if kind == "input" else [])]
    step = ag.function(inputs, loss, updates=ag.optim.sgd([slope], [table], rate))
    named = [line for line in step.explain().splitlines() if "[777, 4]" in line]
    assert len([line for line in named if "shared" in line]) == 1
    assert not [line for line in named if "arena" in line or "copy" in line]
    memory = table.get_value(borrow=True)
    expected = start.copy()
    for _ in range(2):
        given = RNG.integers(0, 50, 40)
        dense = np.zeros_like(start)
        np.add.at(dense, given, 2 * expected[given] * (given != 3)[:, None])
        expected -= 0.1 * (dense / 0.5 if divided else dense * 0.5)
        step(given, 0.5, *([0.1] if kind == "input" else []))
    np.testing.assert_allclose(table.get_value(), expected, rtol=1e-12)
    assert table.get_value(borrow=True) is memory


def test_what_a_call_finds():
    table, words = ag.matrix("table", dtype="f64"), ag.input("words", "i64[n]")
    f = ag.function([table, words], ag.nn.embedding(table, words))
    for bad in (9, -1):
        with pytest.raises(ag.IndexOutOfBounds, match="rows of the table"):
            f(TABLE, np.array([0, bad]))
    with pytest.raises(ag.GraphTypeError, match="found by integers"):
        ag.nn.embedding(table, ag.vector("x"))

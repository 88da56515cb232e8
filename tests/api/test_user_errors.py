"""What users do wrong, and that the message says what was asked, what was given, what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.knobs import setting

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = re.escape("test_user_errors.py:")
X = np.arange(6, dtype=np.float32).reshape(2, 3)


def message(kind: type[Exception], call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def test_gradient_of_a_vector():
    x = ag.matrix("x")
    text = message(ag.GradientError, lambda: ag.grad(x * 2, x))
    assert "cost must be a scalar, but is f32[x.0, x.1]" in text
    assert "cost.mean()" in text
    assert re.search(HERE, text)


def test_gradient_of_what_does_not_reach_the_cost():
    x, y = ag.matrix("x"), ag.vector("y")
    text = message(ag.GradientError, lambda: ag.grad((x * 2).sum(), y))
    assert "does not depend on <y: f32[y.0]>" in text
    assert 'disconnected="zero"' in text
    zero = ag.function([y], ag.grad((x * 2).sum(), y, disconnected="zero"))
    assert zero([1, 2]).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", ["i64", "bool"])
def test_gradient_of_integers(dtype: str):
    x = ag.vector("x", dtype=dtype)
    assert "not floating-point" in message(ag.GradientError, lambda: ag.grad(ag.mean(x), x))


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda x: bool(x > 0), "ag.where"),
        (lambda x: len(x), "x.shape[0]"),
        (lambda x: float(x.sum()), ".eval("),
        (lambda x: int(x.sum()), ".eval("),
        (lambda x: list(x), "whole-array"),
        (lambda x: 1.0 in x, "ag.any"),
        (lambda x: np.asarray(x), ".eval("),
        (lambda x: range(x.shape[0]), ".eval("),
    ],
)
def test_a_symbol_is_no_value(use: Callable[[ag.Tensor], object], words: str):
    text = message(ag.SymbolicError, lambda: use(ag.vector("x")))
    assert words in text
    assert re.search(HERE, text)


def test_inputs_unused_missing_twice():
    x, y = ag.vector("x"), ag.vector("y")
    text = message(ag.FunctionError, lambda: ag.function([x, y], x + 1))
    assert "nothing depends on the input <y: f32[y.0]>" in text
    assert "on_unused_input='ignore'" in text
    with pytest.warns(UserWarning, match="nothing depends on"):
        ag.function([x, y], x + 1, on_unused_input="warn")
    assert ag.function([x, y], x + 1, on_unused_input="ignore")([1], [2]).tolist() == [2]
    text = message(ag.FunctionError, lambda: ag.function([x], x + y))
    assert "depend on <y: f32[y.0]>, which is not among the inputs" in text
    assert re.search("used at " + HERE, text)
    assert "given twice" in message(ag.FunctionError, lambda: ag.function([x, x], x))
    other = ag.vector("x")
    assert "keywords" in message(ag.FunctionError, lambda: ag.function([x, other], x + other))


def test_inputs_that_cannot_be():
    x, s = ag.vector("x"), ag.shared(1.0, "s")
    assert "givens" in message(ag.FunctionError, lambda: ag.function([s], s * 2))
    assert "constant" in message(ag.FunctionError, lambda: ag.function([ag.constant(1)], x))
    assert "list" in message(ag.FunctionError, lambda: ag.function(x, x))  # type: ignore[arg-type]
    assert "symbolic" in message(ag.FunctionError, lambda: ag.function([3], x))  # type: ignore[list-item]


def test_updates_that_cannot_be():
    x, s = ag.matrix("x"), ag.shared(np.zeros((2, 3), np.float32), "s")
    text = message(ag.FunctionError, lambda: ag.function([x], x, updates=[(x, x)]))  # type: ignore[list-item]
    assert "only a shared variable can be updated" in text
    text = message(ag.FunctionError, lambda: ag.function([x], x, updates={s: x.astype("f64")}))
    assert "update of <s: f32[2, 3]> by f64[x.0, x.1]" in text
    assert 'value.astype("f32")' in text
    text = message(ag.FunctionError, lambda: ag.function([x], x, updates={s: x.sum(0)}))
    assert "variable's shape" in text
    text = message(ag.FunctionError, lambda: ag.function([x], x, updates=[(s, x), (s, x)]))
    assert "updated twice" in text


def test_givens_that_cannot_be():
    x, y = ag.vector("x"), ag.matrix("y")
    assert "givens" in message(ag.FunctionError, lambda: ag.function([y], x, givens={x: y}))
    assert "replaced by givens" in message(
        ag.FunctionError, lambda: ag.function([x], x * 2, givens={x: x + 1})
    )


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (X.astype(np.float64), "was given float64[2, 3]"),
        (X[0], "it has 1 axes where 2 are declared"),
        (X[:, :2], "axis 1 has size 2 where 3 is declared"),
        (X.astype(">f4"), "bytes swapped"),
        (X.astype(np.complex64), "complex64"),
        (X.astype(np.int64), 'np.asarray(x, "float32")'),
        ("text", "give numbers"),
        (None, "give numbers"),
        ([[1, 2, 3], [4]], "x takes f32[n, 3]"),
    ],
)
def test_arguments_that_do_not_fit(argument: object, words: str):
    x = ag.input("x", "f32[n, 3]")
    f = ag.function([x], x * 2, name="double")
    text = message(ag.CallError, lambda: f(argument))
    assert text.startswith("double: x takes f32[n, 3]")
    assert words in text
    assert re.search(HERE, text)


def test_calls_with_too_many_too_few_unknown():
    x, y = ag.vector("x"), ag.vector("y")
    f = ag.function([x, y], x + y, name="f")
    assert "takes 2 arguments, but was given 3" in message(ag.CallError, lambda: f([1], [1], [1]))
    assert "was not given y" in message(ag.CallError, lambda: f([1]))
    assert "no input named 'z'; its names are x, y" in message(ag.CallError, lambda: f([1], z=[1]))
    assert "'x' twice" in message(ag.CallError, lambda: f([1], x=[1]))


def test_sizes_that_disagree_leave_everything_as_it_was():
    x, y = ag.input("x", "f32[n, 3]"), ag.input("y", "f32[n]")
    s = ag.shared(np.zeros(3, np.float32), "s")
    f = ag.function([x, y], y.sum(), updates={s: s + x.sum(0)}, name="f")
    text = message(ag.ShapeError, lambda: f(X, np.zeros(5, np.float32)))
    assert "axis 0 of y has size 5, but n is 2 in another argument" in text
    assert s.get_value().tolist() == [0, 0, 0]
    f(X, np.zeros(2, np.float32))
    assert s.get_value().tolist() == [3, 5, 7]


@pytest.mark.parametrize("how", ["", "loops", "graph"])
def test_an_update_that_does_not_fit_leaves_everything_as_it_was(how: str):
    x = ag.input("x", "f32[n]")
    first, second = ag.shared(np.ones(4, np.float32)), ag.shared(np.ones(3, np.float32))
    with setting(interpret=how):
        f = ag.function([x], x.sum(), updates=[(first, first + 1), (second, x * 2)])
    with pytest.raises(ag.ShapeError, match="update of"):
        f(np.ones(2, np.float32))
    np.testing.assert_array_equal(first.get_value(), np.ones(4))
    np.testing.assert_array_equal(second.get_value(), np.ones(3))
    f(np.ones(3, np.float32))
    np.testing.assert_array_equal(second.get_value(), np.full(3, 2))


def test_unknown_sizes_that_turn_out_to_differ():
    x, y = ag.matrix("x"), ag.vector("y")
    f = ag.function([x, y], x + y, name="f")
    text = message(ag.ShapeError, lambda: f(X, np.zeros(2, np.float32)))
    assert "sizes 2 and 3 differ" in text
    assert "never broadcasts" in text
    assert re.search(HERE + r"\d+  f = ag.function\(\[x, y\], x \+ y", text)


@pytest.mark.parametrize("index", [2, -3, 1000])
def test_an_index_out_of_bounds(index: int):
    x, i = ag.matrix("x"), ag.scalar("i", dtype="i64")
    s = ag.shared(0, "s")
    f = ag.function([x, i], x[i], updates={s: s + 1}, name="pick")
    assert f(X, -1).tolist() == f(X, 1).tolist() == [3, 4, 5]
    text = message(ag.IndexOutOfBounds, lambda: f(X, index))
    assert f"pick: index {index} is out of bounds for size 2" in text
    assert "an index lies in -2 to 1" in text
    assert re.search(HERE, text)
    assert int(s.get_value()) == 2
    assert isinstance(pytest.raises(IndexError, f, X, index).value, ag.AgnesiError)


def test_a_label_out_of_bounds_is_found_before_anything_is_written():
    x, y = ag.input("x", "f32[n, 3]"), ag.input("y", "i64[n]")
    w = ag.shared(np.ones((3, 3), np.float32), "w")
    loss = ag.cross_entropy(x @ w, y).mean()
    f = ag.function([x, y], loss, updates={w: w - ag.grad(loss, w)}, name="f")
    before = w.get_value()
    for labels in ([0, 3], [-1, 0]):
        text = message(ag.IndexOutOfBounds, lambda l=labels: f(X, l))
        assert "out of bounds for size 3" in text
    np.testing.assert_array_equal(w.get_value(), before)
    f(X, [0, 2])
    assert not np.array_equal(w.get_value(), before)


def test_types_that_are_none():
    assert '"f32[batch, 784]"' in message(ag.GraphTypeError, lambda: ag.input("x", "f32[3"))
    assert "known:" in message(ag.GraphTypeError, lambda: ag.input("x", "f128[3]"))
    assert "is not a size" in message(ag.GraphTypeError, lambda: ag.input("x", "f32[-3]"))
    for none in (ag.scalar("s"), np.ones(3)):
        text = message(ag.GraphTypeError, lambda none=none: ag.asarray(1.0, none))
        assert "is not an element type" in text


def test_values_that_a_shared_variable_cannot_hold():
    s = ag.shared(np.ones((2, 3), np.float32), "s")
    text = message(ag.CallError, lambda: s.set_value(np.zeros(3)))
    assert "cannot hold float64[3]" in text
    assert s.get_value().sum() == 6
    assert "not an array" in message(ag.FunctionError, lambda: ag.shared("text"))

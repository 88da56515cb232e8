"""Sizes that the program tells become constants, and are still checked with its words."""

import numpy as np
import pytest

import agnesi as ag
from agnesi.core import knobs


def dense():
    x = ag.matrix("x")
    w = ag.shared(np.ones((4, 3), np.float32), name="w")
    return ag.function([x], ag.tanh(x @ w))


def test_a_size_that_a_shared_variable_tells_is_a_constant() -> None:
    f = dense()
    assert "k=4" in str(f.explain())
    np.testing.assert_allclose(f(np.ones((2, 4), np.float32)), np.tanh(np.full((2, 3), 4.0)))


@pytest.mark.parametrize("how", ["", "loops"])
def test_another_size_fails_with_the_words_of_the_node(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(knobs.INTERPRET.variable, how)
    f = dense()
    with pytest.raises(ag.ShapeError, match=r"mat_mul: sizes 5 and 4 differ") as error:
        f(np.ones((2, 5), np.float32))
    assert "test_told.py" in str(error.value)


def test_one_size_of_two_inputs_is_told_for_both() -> None:
    x, y = ag.input("x", "f32[n]"), ag.input("y", "f32[n]")
    f = ag.function([x, y], (x + ag.constant(np.arange(3, dtype=np.float32))) * y)
    ones = np.ones(3, np.float32)
    np.testing.assert_array_equal(f(ones, 2 * ones), [2, 4, 6])
    for a, b in ((3, 4), (4, 3), (4, 4)):
        with pytest.raises(ag.ShapeError):
            f(np.ones(a, np.float32), np.ones(b, np.float32))


def test_needs_that_contradict_each_other_fail_in_each_call() -> None:
    x = ag.vector("x")
    three, four = (ag.constant(np.ones(n, np.float32)) for n in (3, 4))
    f = ag.function([x], [x + three, x * four])
    for n in (3, 4):
        with pytest.raises(ag.ShapeError, match="differ"):
            f(np.ones(n, np.float32))


def test_a_size_of_one_is_not_repeated() -> None:
    x = ag.vector("x")
    f = ag.function([x], x + ag.constant(np.ones((1,), np.float32)))
    assert f(np.ones(1, np.float32)).shape == (1,)


def test_arguments_that_need_converting_are_checked_too() -> None:
    f = dense()
    np.testing.assert_allclose(f([[1, 1, 1, 1]]), np.tanh(np.full((1, 3), 4.0)))
    with pytest.raises(ag.ShapeError, match="sizes 2 and 4 differ"):
        f([[1, 1]])

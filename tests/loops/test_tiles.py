"""Arrays read across memory, a tile at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag

RANDOM = np.random.default_rng(5)


def drawn(*shape: int, dtype: str = "f4") -> Any:
    return RANDOM.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((640, 512), (1, 0)),
        ((613, 45), (1, 0)),
        ((45, 613), (1, 0)),
        ((3, 40, 521), (0, 2, 1)),
        ((3, 3, 24, 90), (3, 2, 0, 1)),
        ((90, 24, 3, 3), (2, 3, 1, 0)),
        ((600, 8), (1, 0)),
    ],
)
def test_transposed(shape: tuple[int, ...], order: tuple[int, ...], dtype: str):
    value = (100 * drawn(*shape)).astype(dtype)
    x = ag.input("x", f"{value.dtype.kind}{8 * value.dtype.itemsize}{list(shape)}")
    f = ag.function([x], ag.transpose(x, order) + 1)
    np.testing.assert_array_equal(f(value), value.transpose(order) + 1)


def test_several_with_what_reads_them():
    a, b = drawn(530, 77), drawn(530, 77)
    x, y, z = ag.input("x", "f32[530, 77]"), ag.input("y", "f32[530, 77]"), ag.input("z", "f32[77]")
    f = ag.function([x, y, z], ag.exp(x.T) * y.T - z[:, None])
    assert "tile1" in str(f.explain())
    c = drawn(77)
    np.testing.assert_allclose(f(a, b, c), np.exp(a.T) * b.T - c[:, None], rtol=1e-5, atol=1e-6)


def test_any_number_of_examples():
    x = ag.input("x", "f32[n, 600, 33]")
    f = ag.function([x], x.swapaxes(1, 2) * 2)
    assert "tile0" in str(f.explain())
    for n in (0, 1, 3):
        value = drawn(n, 600, 33)
        np.testing.assert_array_equal(f(value), value.swapaxes(1, 2) * 2)


def test_an_update_in_place():
    w = ag.shared(drawn(64, 600), "w")
    g = ag.input("g", "f32[600, 64]")
    before, change = w.get_value().copy(), drawn(600, 64)
    f = ag.function([g], updates=[(w, w - 0.5 * g.T)])
    assert "tile0" in str(f.explain())
    f(change)
    np.testing.assert_allclose(w.get_value(), before - 0.5 * change.T, rtol=1e-6)


def test_what_may_lie_outside_is_not_read():
    """A load behind a choice stays where it is."""
    x = ag.input("x", "f32[40, 600]")
    f = ag.function([x], ag.pad(x.T, ((3, 5), (2, 7))))
    value = drawn(40, 600)
    np.testing.assert_array_equal(f(value), np.pad(value.T, ((3, 5), (2, 7))))


def test_of_itself_an_array_is_read_before_it_changes():
    w = ag.shared(drawn(600, 600), "w")
    before = w.get_value().copy()
    f = ag.function([], updates=[(w, w + w.T)])
    f()
    np.testing.assert_allclose(w.get_value(), before + before.T, rtol=1e-6)

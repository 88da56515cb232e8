"""Loops over what is joined or padded become loops over its pieces."""

from __future__ import annotations

import numpy as np

import agnesi as ag
from agnesi.loops.nodes import Guard
from agnesi.loops.text import kernel_text
from agnesi.loops.traverse import scalars_in, walk_scalars, walk_statements
from agnesi.loops.verify import verify_kernel


def guards(f: ag.Function) -> int:
    """Return how many choices the kernels of a function make."""
    scalars = [s for k in f.kernels for each in walk_statements(k.body) for s in scalars_in(each)]
    return sum(isinstance(s, Guard) for s in walk_scalars(scalars))


def test_what_is_joined_is_written_piece_by_piece() -> None:
    a, b = ag.input("a", "f32[n, 20]"), ag.input("b", "f32[n, 13]")
    f = ag.function([a, b], ag.concatenate([a, b * 2], axis=1) + 1, name="f")
    (kernel,) = f.kernels
    assert (
        kernel_text(kernel).partition("\n")[2]
        == """\
  parallel for i < n:
    for j < 20:
      out0[33*i + j] = a[20*i + j] + 1.0
    for j < 13:
      out0[33*i + j + 20] = (b[13*i + j] * 2.0) + 1.0"""
    )
    verify_kernel(kernel)
    x, y = (np.random.default_rng(0).normal(size=(3, n)).astype("f4") for n in (20, 13))
    np.testing.assert_array_equal(f(x, y), np.concatenate([x, y * 2], 1) + 1)


def test_what_is_padded_and_added_up() -> None:
    x = ag.input("x", "f32[2, 32]")
    half = x[:, :16]
    f = ag.function([x], ag.pad(half, ((0, 0), (5, 11))) + ag.pad(x[:, 20:], ((0, 0), (20, 0))))
    assert not guards(f)
    value = np.random.default_rng(0).normal(size=(2, 32)).astype("f4")
    left, right = np.zeros((2, 32), "f4"), np.zeros((2, 32), "f4")
    left[:, 5:21], right[:, 20:] = value[:, :16], value[:, 20:]
    np.testing.assert_array_equal(f(value), left + right)


def test_what_a_call_alone_can_tell_stays_a_choice() -> None:
    a, b = ag.input("a", "f32[n]"), ag.input("b", "f32[m]")
    f = ag.function([a, b], ag.concatenate([a, b]) * 2)
    assert guards(f)
    np.testing.assert_array_equal(f(np.ones(2, "f4"), np.zeros(3, "f4")), [2, 2, 0, 0, 0])

"""Loops that read at quotients of their index have a statement for each remainder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.loops.nodes import Guard
from agnesi.loops.text import kernel_text
from agnesi.loops.traverse import scalars_in, walk_scalars, walk_statements
from agnesi.loops.verify import verify_kernel
from agnesi.testing import looped


def test_what_is_repeated_is_written_side_by_side() -> None:
    x = ag.input("x", "f32[n, 9]")
    f = ag.function([x], ag.repeat(x, 2, 1)[:, :17] + 1, name="f")
    (kernel,) = f.kernels
    assert (
        kernel_text(kernel).partition("\n")[2]
        == """\
  parallel for i < n:
    for j < 8:
      v0 = x[9*i + j] + 1.0
      out0[17*i + 2*j] = v0
      out0[17*i + 2*j + 1] = v0
    out0[17*i + 16] = x[9*i + 8] + 1.0"""
    )
    verify_kernel(kernel)
    value = np.random.default_rng(0).normal(size=(3, 9)).astype("f4")
    np.testing.assert_array_equal(f(value), np.repeat(value, 2, 1)[:, :17] + 1)


def test_a_gradient_of_maxima_makes_no_choice_in_its_loops() -> None:
    x = ag.input("x", "f32[2, 3, 40, 41]")
    f = ag.function([x], ag.grad((ag.nn.max_pool2d(x, 3, 2) ** 2).sum(), x))
    for kernel in f.kernels:
        verify_kernel(kernel)
        scalars = [s for each in walk_statements(kernel.body) for s in scalars_in(each)]
        assert not any(isinstance(s, Guard) for s in walk_scalars(scalars))


@pytest.mark.parametrize("size", [8, 9, 13, 15, 40, 41])
@pytest.mark.parametrize(("window", "step", "pad"), [(2, 2, 0), (3, 2, 1), (3, 3, 0), (5, 3, 2)])
def test_gradients_of_maxima_of_any_size(size: int, window: int, step: int, pad: int) -> None:
    x = ag.input("x", f"f32[2, {size}]")
    y = ag.nn.pool(x, window, step, pad, axes=1)
    weights = np.arange(1.0, 1 + 2 * int(y.shape[1])).reshape(2, -1).astype("f4")
    gradient = ag.grad((y * weights).sum(), x)
    value = np.random.default_rng(size).normal(size=(2, size)).astype("f4")
    wanted = np.zeros_like(value)
    for i, o in np.ndindex(weights.shape):
        first = max(0, o * step - pad)
        part = value[i, first : o * step - pad + window]
        wanted[i, first + part.argmax()] += weights[i, o]
    run: Any = ag.function([x], gradient)
    np.testing.assert_array_equal(run(value), wanted)
    np.testing.assert_array_equal(looped([x], [gradient])([value])[0], wanted)

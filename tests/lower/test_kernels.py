"""Kernels as text: what is fused, in which loops, over which memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.loops.text import kernel_text
from agnesi.lower.program import Copy, MultiplyMatrices, RunBranch, RunKernel, Space
from agnesi.lower.reductions import SUM_BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable


def bodies(inputs: list[str], build: Callable[..., Any]) -> list[str]:
    """Return the loops of each kernel, without its first line."""
    symbols = [ag.input(name, kind) for name, kind in (text.split(": ") for text in inputs)]
    f = ag.function(symbols, build(*symbols), on_unused_input="ignore")
    return ["\n".join(kernel_text(k).splitlines()[1:]) for k in f.kernels]


CASES = {
    "a chain is one loop": (
        ["x: f32[n, m]"],
        lambda x: ag.exp(x) * 2 + x,
        ["  for ij < m*n:\n    out0[ij] = (exp(x[ij]) * 2.0) + x[ij]"],
    ),
    "a row is read for each row": (
        ["x: f32[n, m]", "y: f32[m]"],
        lambda x, y: x + y,
        ["  for i < n:\n    for j < m:\n      out0[i*m + j] = x[i*m + j] + y[j]"],
    ),
    "movement is an index": (
        ["x: f32[4, 6]"],
        lambda x: x.T[::2, ::-1] * 2,
        ["  for i < 3:\n    for j < 4:\n      out0[4*i + j] = x[2*i - 6*j + 18] * 2.0"],
    ),
    "a short sum has one variable": (
        ["x: f32[n, 10]"],
        lambda x: (x * x).sum(1),
        [
            "  for i < n:\n    acc = 0.0\n    for j < 10:\n"
            "      acc += square(x[10*i + j])\n    out0[i] = acc"
        ],
    ),
    "a sum over an axis before goes row by row into wide totals": (
        ["x: f32[2, 24, 3000]"],
        lambda x: (ag.exp(ag.sin(x) * x * 2) / (x + 2) + ag.sqrt(x) * 5 + x).sum(1),
        [
            "  parallel for i < 2:\n    for j < 3000:\n      total[j] = 0.0\n"
            "    for r < 24:\n      for j < 3000:\n"
            "        total[j] = total[j] + f64(((exp((sin(x[72000*i + j + 3000*r])"
            " * x[72000*i + j + 3000*r]) * 2.0) / (x[72000*i + j + 3000*r] + 2.0))"
            " + (sqrt(x[72000*i + j + 3000*r]) * 5.0)) + x[72000*i + j + 3000*r])\n"
            "    for j < 3000:\n      out0[3000*i + j] = f32(total[j])"
        ],
    ),
    "cheap rows are taken several at once": (
        ["x: f32[18, 3000]"],
        lambda x: x.sum(0),
        [
            "  for j < 3000:\n    total[j] = 0.0\n  for r < 2:\n    for j < 3000:\n"
            "      total[j] = total[j] + f64(((x[j + 24000*r] + x[j + 24000*r + 3000])"
            " + (x[j + 24000*r + 6000] + x[j + 24000*r + 9000]))"
            " + ((x[j + 24000*r + 12000] + x[j + 24000*r + 15000])"
            " + (x[j + 24000*r + 18000] + x[j + 24000*r + 21000])))\n"
            "  for r < 1:\n    for j < 3000:\n"
            "      total[j] = total[j] + f64(x[j + 6000*r + 48000] + x[j + 6000*r + 51000])\n"
            "  for j < 3000:\n    out0[j] = f32(total[j])"
        ],
    ),
    "few rows are summed in registers": (
        ["x: f32[3, m]"],
        lambda x: x.sum(0),
        ["  for j < m:\n    out0[j] = (x[j] + x[j + m]) + x[j + 2*m]"],
    ),
    "a sum over all axes is one of chunks": (
        ["x: f32[n, 3]"],
        lambda x: x.sum(),
        [
            "  parallel for c < max(1, ((3*n + 32767) // 32768)):\n    total = 0.0\n"
            "    for block < ((min(32768, -32768*c + 3*n) + 127) // 128):\n      part = 0.0\n"
            "      for j < min(128, -128*block + min(32768, -32768*c + 3*n)):\n"
            "        part += x[32768*c + j + 128*block]\n      total += f64(part)\n"
            "    partial[c] = total\n"
            "  total1 = 0.0\n"
            "  for block < ((max(1, ((3*n + 32767) // 32768)) + 127) // 128):\n"
            "    part1 = 0.0\n"
            "    for c < min(128, -128*block + max(1, ((3*n + 32767) // 32768))):\n"
            "      part1 += partial[c + 128*block]\n    total1 += part1\n  out0[0] = f32(total1)"
        ],
    ),
    "a shorter sum over all axes is one loop over blocks": (
        ["x: f32[500, 3]"],
        lambda x: x.sum(),
        [
            "  total = 0.0\n  for block < 12:\n    part = 0.0\n"
            "    for j < min(128, -128*block + 1500):\n      part += x[j + 128*block]\n"
            "    total += f64(part)\n  out0[0] = f32(total)"
        ],
    ),
    "the position of the largest": (
        ["x: i32[n, 5]"],
        lambda x: x.argmax(1),
        [
            "  parallel for i < n:\n"
            "    best = -2147483648\n"
            "    begin = 0\n"
            "    most = -2147483648\n"
            "    for j < 5:\n"
            "      most max= x[5*i + j]\n"
            "    v0 = most > best\n"
            "    begin = select(v0, 0, begin)\n"
            "    best = select(v0, most, best)\n"
            "    position = 256\n"
            "    for k < 5:\n"
            "      position min= select(x[5*i + k + begin] == best, i32(k), 256)\n"
            "    out0[i] = begin + i64(position)"
        ],
    ),
    "joining is done part by part": (
        ["x: f32[3]", "y: f32[n]"],
        lambda x, y: ag.concatenate([x, y]),
        ["  for i < 3:\n    out0[i] = x[i]\n  for i < n:\n    out0[i + 3] = y[i]"],
    ),
    "what reads joined arrays chooses": (
        ["x: f32[3]", "y: f32[n]"],
        lambda x, y: -ag.concatenate([x, y]),
        ["  for i < n + 3:\n    out0[i] = -(x[i] if (i < 3) else y[i - 3])"],
    ),
}


def normal(text: str) -> str:
    """Return the text with what may be spelled one way or another put one way.

    Which loops are parallel is for other tests.
    """
    text = text.replace("parallel for", "for")
    return re.sub(r"square\((\S+\[[^]]*\])\)", r"\1 * \1", text).replace("(i)", "i")


@pytest.mark.parametrize("name", CASES)
def test_loops(name: str):
    inputs, build, expected = CASES[name]
    assert [normal(b) for b in bodies(inputs, build)] == [normal(e) for e in expected]


def test_a_reshape_of_memory_is_no_kernel_of_its_own():
    assert len(bodies(["x: f32[n, 28, 28]"], lambda x: ag.exp(x.reshape(-1, 784)))) == 1


def test_long_sums_go_in_blocks():
    (body,) = bodies(["x: f32[n]"], lambda x: x.sum())
    assert str(SUM_BLOCK) in body
    assert "f64(part)" in body


def test_softmax_reads_in_four_kernels_at_most():
    assert len(bodies(["x: f32[n, m]"], lambda x: ag.softmax(x))) <= 4


def test_transposes_go_to_blas_as_flags():
    x, w = ag.input("x", "f32[n, 4]"), ag.input("w", "f32[m, 4]")
    f = ag.function([x, w], x @ w.T)
    (branch,) = f.program.steps
    assert isinstance(branch, RunBranch)
    (step,) = branch.parts[1]
    assert isinstance(step, MultiplyMatrices)
    assert (step.transpose_a, step.transpose_b) == (False, True)


def test_temporaries_share_memory():
    x = ag.input("x", "f32[n, n]")
    y = x
    for _ in range(6):
        y = ag.tanh(y @ x)
    f = ag.function([x], y)
    assert len(f.program.slots) <= 2


def test_a_swap_of_shared_variables_copies_what_it_has_to():
    a, b = (ag.shared(np.full(3, v, np.float32), n) for v, n in ((1, "a"), (2, "b")))
    f = ag.function([], [], updates=[(a, b), (b, a)])
    assert any(isinstance(s, Copy) for s in f.program.steps)
    for _ in range(3):
        f()
    assert a.get_value().tolist() == [2] * 3
    assert b.get_value().tolist() == [1] * 3


def test_an_old_value_that_is_still_needed_is_not_overwritten():
    s = ag.shared(np.arange(4, dtype=np.float32), "s")
    f = ag.function([], [s.sum(), s[::-1] * 1], updates=[(s, s[::-1] + 1)])
    total, reverse = f()
    assert total == 6
    assert reverse.tolist() == [3, 2, 1, 0]
    assert s.get_value().tolist() == [4, 3, 2, 1]


def test_sizes_that_depend_on_values_get_their_memory_late():
    x, k = ag.input("x", "f32[n]"), ag.input("k", "i64[m]")
    part = x[: k.sum()]
    f = ag.function([x, k], (ag.exp(part) @ ag.reshape(part, (-1, 1)), part * 2))
    spaces = {s.space for s in f.program.storage.values()}
    assert Space.LATE in spaces or Space.OUTPUT in spaces
    values = np.array([1, 2, 3, 4], np.float32)
    product, double = f(values, [1, 1])
    assert double.tolist() == [2, 4]
    np.testing.assert_allclose(product, [np.e + 2 * np.e**2], rtol=1e-6)


def test_large_float_sums_are_as_good_as_pairwise():
    values = np.random.default_rng(0).random(10_000_000, np.float32)
    x = ag.vector("x")
    exact = values.astype(np.float64).sum()
    assert abs(float(ag.function([x], x.sum())(values)) - exact) / exact < 1e-7


def test_kernels_are_kept_apart_by_shape():
    x, y = ag.vector("x"), ag.vector("y")
    f = ag.function([x, y], [x * 2, y * 2])
    assert len([s for s in f.program.steps if isinstance(s, RunKernel)]) == 2


def test_one_value_for_two_shared_variables():
    a, b = (ag.shared(np.full(3, v, np.float32), n) for v, n in ((1, "a"), (2, "b")))
    new = a * 10 + b
    ag.function([], [], updates=[(a, new), (b, new)])()
    assert a.get_value().tolist() == b.get_value().tolist() == [12] * 3


def test_a_stack_of_transposed_matrices_reshaped_is_no_transposed_matrix():
    x, w = ag.input("x", "f32[2, 3, 4]"), ag.input("w", "f32[3, 5]")
    a = np.random.default_rng(0).random((2, 3, 4), np.float32)
    b = np.random.default_rng(1).random((3, 5), np.float32)
    found = ag.function([x, w], x.mT.reshape(8, 3) @ w)(a, b)
    np.testing.assert_allclose(found, a.swapaxes(1, 2).reshape(8, 3) @ b, rtol=1e-6)


def test_what_one_kernel_alone_reads_has_no_memory():
    x, w = ag.input("x", "f32[n, 40]"), ag.input("w", "f32[40, 64]")
    plain, behind = ag.tanh(x), ag.tanh(x @ w)
    f = ag.function([x, w], [plain * 2, plain + 1, behind * 2, behind + 1])
    assert not [s for s in f.program.storage.values() if s.space is Space.ARENA]
    rng = np.random.default_rng(0)
    a, b = rng.random((7, 40), np.float32), rng.random((40, 64), np.float32)
    expected = [np.tanh(a) * 2, np.tanh(a) + 1, np.tanh(a @ b) * 2, np.tanh(a @ b) + 1]
    for got, value in zip(f(a, b), expected, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-5)

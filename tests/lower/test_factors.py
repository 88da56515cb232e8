"""Factors of products that are read through views, or computed while they are packed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import BF16, F16
from agnesi.core.knobs import setting
from agnesi.core.machine import AVX512, PLAIN, Machine
from agnesi.loops.nodes import MOST_PRIVATE, Contract
from agnesi.loops.traverse import walk_statements
from agnesi.lower.contract import cut_made
from agnesi.lower.lower import lower
from agnesi.lower.program import MultiplyMatrices, RunKernel, Space

random = np.random.default_rng(0)


def normal(*shape: int, dtype: Any = np.float32) -> Any:
    return random.standard_normal(shape).astype(dtype)


def is_alone(f: Any) -> bool:
    """Whether one kernel does it all, without memory besides."""
    (step,) = f.program.steps
    arena = [s for s in f.program.storage.values() if s.space is Space.ARENA]
    return isinstance(step, RunKernel) and not arena


def products(f: Any) -> list[Contract]:
    kernels = [step.kernel for step in f.program.steps if isinstance(step, RunKernel)]
    return [s for k in kernels for s in walk_statements(k.body) if isinstance(s, Contract)]


def check(inputs: Any, output: Any, arrays: Any, wanted: Any, how: str = "loops") -> Any:
    """Compile, for the kernel interpreter by default; compare; return the function."""
    with setting(interpret=how):
        f = ag.function(inputs, output)
        found: Any = f(*arrays)
    assert found.dtype == output.dtype.numpy
    tolerance = {2: 2e-2, 4: 2e-4, 8: 1e-11}[found.itemsize]
    np.testing.assert_allclose(found.astype(float), wanted, rtol=tolerance, atol=tolerance)
    return f


# Expressions of a matrix and of a second one, a row and a column beside it; all work in NumPy, too.
CHEAP: dict[str, Any] = {
    "product": lambda x, y, r, c: x * y,
    "scaled rows": lambda x, y, r, c: x * c,
    "shifted columns": lambda x, y, r, c: x - r,
    "backwards": lambda x, y, r, c: x[::-1, ::-1],
    "of another's columns": lambda x, y, r, c: x * y[:, ::-1],
    "every second": lambda x, y, r, c: (x + y)[::2],
}
NATIVE = {"product", "every second"}


@pytest.mark.parametrize("name", CHEAP)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_computed_factors_have_no_memory(name: str, dtype: str) -> None:
    kind = np.dtype("float32" if dtype == "f32" else "float64")
    a, b, r, c = (normal(*s, dtype=kind) for s in ((20, 30), (20, 30), (30,), (20, 1)))
    left = CHEAP[name](a, b, r, c)
    p, q = normal(30, 40, dtype=kind), normal(11, left.shape[0], dtype=kind)
    x, y, row, column, u, v = (
        ag.input(n, f"{dtype}{list(array.shape)}")
        for n, array in zip("xyrcuv", (a, b, r, c, p, q), strict=True)
    )
    made = CHEAP[name](x, y, row, column)
    how = "" if name in NATIVE and dtype == "f32" else "loops"
    inputs, arrays = [x, y, row, column], [a, b, r, c]
    exact = left.astype(float)
    with setting(interpret=how):
        for output, wanted, more in (
            (made @ u, exact @ p, (u, p)),
            (ag.tanh(v @ made) * 2, np.tanh(q.astype(float) @ exact) * 2, (v, q)),
            (u.T @ made.T, p.T.astype(float) @ exact.T, (u, p)),
            (made @ made.T, exact @ exact.T, None),
        ):
            given = inputs if more is None else [*inputs, more[0]]
            f = ag.function(given, output, on_unused_input="ignore")
            found: Any = f(*arrays, *(() if more is None else more[1:]))
            tolerance = 3e-4 if dtype == "f32" else 1e-12
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
            assert is_alone(f), f.explain()


VIEWS: dict[str, Any] = {
    "slices": ("[40, 50]", lambda x: x[3:23, 7:37]),
    "transposed slices": ("[40, 50]", lambda x: x.T[3:23, 7:37]),
    "one of a stack": ("[3, 20, 30]", lambda x: x[1]),
    "rows apart": ("[20, 3, 30]", lambda x: x[:, 1]),
    "every third row": ("[60, 30]", lambda x: x[::3]),
    "axes in between": ("[20, 5, 6]", lambda x: x.reshape((20, 30))),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_read_where_they_lie(name: str) -> None:
    shape, view = VIEWS[name]
    x, w = ag.input("x", f"f32{shape}"), ag.input("w", "f32[30, 33]")
    a, b = normal(*(int(s) for s in shape.strip("[]").split(","))), normal(30, 33)
    wanted = np.asarray(view(a)).astype(float) @ b
    f = check([x, w], view(x) @ w, (a, b), wanted)
    assert is_alone(f) and not any(k.private for k in f.kernels)


def test_heads_of_attention_are_read_where_they_lie() -> None:
    q, k = ag.input("q", "f32[b, 5, 2, 6]"), ag.input("k", "f32[b, 7, 2, 6]")
    scores = ag.transpose(q, (0, 2, 1, 3)) @ ag.transpose(k, (0, 2, 3, 1))
    a, b = normal(3, 5, 2, 6), normal(3, 7, 2, 6)
    wanted = np.einsum("bshd,bthd->bhst", a.astype(float), b)
    for how in ("", "loops"):
        assert is_alone(check([q, k], scores, (a, b), wanted, how))


def test_one_matrix_for_a_whole_stack_is_not_copied() -> None:
    x, w = ag.input("x", "f32[4, 9, 30]"), ag.input("w", "f32[30, 20]")
    a, b = normal(4, 9, 30), normal(30, 20)
    assert is_alone(check([x, w], x @ w, (a, b), a.astype(float) @ b))


@pytest.mark.parametrize(("m", "k"), [(0, 5), (1, 0), (3, 1), (5, 256), (60, 257), (2, 700)])
def test_unknown_sizes_in_pieces(m: int, k: int) -> None:
    x, y, w = ag.input("x", "f32[m, k]"), ag.input("y", "f32[m, k]"), ag.input("w", "f32[k, 10]")
    a, b, c = normal(m, k), normal(m, k), normal(k, 10)
    wanted = (a * b).astype(float) @ c
    assert is_alone(check([x, y, w], (x + y - y) * y @ w, (a, b, c), wanted))


def test_rows_that_a_table_names() -> None:
    x, i, w = ag.input("x", "f32[50, 30]"), ag.input("i", "i64[20]"), ag.input("w", "f32[30, 8]")
    a, b, rows = normal(50, 30), normal(30, 8), random.integers(0, 50, 20)
    wanted = a[rows].astype(float) @ b
    for how in ("", "loops"):
        f = check([x, i, w], x[i] @ w, (a, rows, b), wanted, how)
        assert products(f)


@pytest.mark.parametrize("name", ["f16", "bf16"])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(9, 60, 20), (1, 60, 20), (9, 60, 1), (9, 300, 2), (20, 5, 600)]
)
def test_halves_are_made_wider_block_by_block(name: str, m: int, k: int, n: int) -> None:
    kind = (F16 if name == "f16" else BF16).numpy
    x, w = ag.input("x", f"{name}[{m}, {k}]"), ag.input("w", f"{name}[{k}, {n}]")
    a, b = normal(m, k).astype(kind), (normal(k, n) / k).astype(kind)
    wanted = a.astype(float) @ b.astype(float)
    assert is_alone(check([x, w], x @ w, (a, b), wanted))
    u = ag.input("u", f"{name}[{k}, {m}]")
    assert is_alone(check([u, w], u.T @ w, (np.ascontiguousarray(a.T), b), wanted))
    z = ag.input("z", f"f32[{k}, {n}]")
    assert is_alone(check([x, z], x @ z, (a, b.astype(np.float32)), wanted))


def test_halves_natively_of_any_sizes() -> None:
    for name, kind in (("f16", F16.numpy), ("bf16", BF16.numpy)):
        x, w, v = (
            ag.input("x", f"{name}[m, k]"),
            ag.input("w", f"{name}[k, n]"),
            ag.input("v", f"{name}[k]"),
        )
        f = ag.function([x, w, v], [ag.maximum(x @ w, 0), x @ v, v @ w])
        assert not any(isinstance(s, MultiplyMatrices) for s in f.program.steps)
        for m, k, n in ((1, 1, 1), (70, 300, 33), (3, 600, 700), (0, 3, 2)):
            a, b, c = (normal(*s).astype(kind) / (k + 1) for s in ((m, k), (k, n), (k,)))
            a, b, c = (array.astype(kind) for array in (a, b, c))
            e, g, h = (array.astype(float) for array in (a, b, c))
            step = 2.0**-10 if name == "f16" else 2.0**-7
            right = (np.maximum(e @ g, 0), e @ h, h @ g)
            for found, wanted in zip(f(a, b, c), right, strict=True):
                np.testing.assert_allclose(found.astype(float), wanted, rtol=step, atol=step / 100)


def test_between_two_products_halves_are_kept_as_halves() -> None:
    x, w, v = ag.input("x", "f16[9, 30]"), ag.input("w", "f16[30, 40]"), ag.input("v", "f16[40, 8]")
    h = ag.tanh(x @ w)
    a, b, c = (normal(*s).astype(np.float16) for s in ((9, 30), (30, 40), (40, 8)))
    wanted = np.tanh(a.astype(float) @ b.astype(float)) @ c.astype(float)
    f = check([x, w, v], h @ v, (a, b, c), wanted)
    assert [s.dtype for s in f.program.storage.values() if s.space is Space.ARENA] == [F16]


def test_what_a_kernel_can_end_with_is_stored_by_it() -> None:
    x, w, v = ag.input("x", "f32[9, 30]"), ag.input("w", "f32[30, 40]"), ag.input("v", "f32[40, 8]")
    f = ag.function([x, w, v], ag.maximum(x @ w, 0) @ v)
    first, second = products(f)
    assert len(f.program.steps) == 2 and not f.kernels[1].private
    assert first.target.buffer is not second.a.buffer


def test_what_is_dear_is_computed_once() -> None:
    x, w = ag.input("x", "f32[20, 30]"), ag.input("w", "f32[30, 40]")
    f = ag.function([x, w], ag.tanh(x) @ w)
    assert len(f.program.steps) == 2
    y = ag.maximum(ag.absolute(x) * x + 2, x)
    g = ag.function([x, w], [y @ w, y.sum(1), ag.exp(y)])
    assert not any(k.private for k in g.kernels if "mat_mul" in k.name)


def test_a_weight_that_a_computed_factor_reads_is_not_written_over() -> None:
    c = normal(30, 30)
    w = ag.shared(c)
    x = ag.input("x", "f32[30, 30]")
    a = normal(30, 30)
    f = ag.function([x], [], updates=[(w, w - np.float32(0.1) * ((w * x) @ x))])
    f(a)
    np.testing.assert_allclose(w.get_value(), c - 0.1 * ((c * a) @ a), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("made", [(True, False), (False, True), (True, True)])
def test_blocks_of_computed_factors_fit(made: tuple[bool, bool]) -> None:
    for m, n, k in ((128, 500, 784), (2000, 3000, 700), (60, 10, 784), (5, 900, 30)):
        blocks = cut_made(1, m, n, k, (14, 32), made=made)
        assert blocks.high <= 168 and blocks.columns <= 512
        tasks = -(-m // blocks.high) * -(-n // blocks.columns)
        assert tasks >= min(8, m * n * k // 400_000)


@pytest.mark.parametrize("machine", [AVX512, PLAIN])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_what_blocks_pack_fits_a_stack(machine: Machine, dtype: str) -> None:
    for m, k, n in (
        (2000, 1024, 16),
        (2000, 1025, 10),
        (60, 383, 2000),
        (1, 5000, 900),
        (900, 7, 1),
    ):
        x, y = ag.input("x", f"{dtype}[{m}, {k}]"), ag.input("y", f"{dtype}[{k}, {n}]")
        program = lower("f", [x, y], [(x * x) @ (y * y)], [], machine)
        kernels = [step.kernel for step in program.steps if isinstance(step, RunKernel)]
        rooms = [sum(count * b.element.bytes for b, count in kernel.private) for kernel in kernels]
        assert kernels and max(rooms) <= MOST_PRIVATE


def test_a_factor_that_a_loop_reads_too_has_memory() -> None:
    # A product may compute part of a matrix as it packs it; a loop reads it where it lies.
    w, rows, start = normal(5, 8), normal(7, 3, 4), normal(3, 4)
    part = ag.shared(w)[1:, 2:6]
    h, xs = ag.input("h", "f32[3, 4]"), ag.input("xs", "f32[7, 3, 4]")
    last, _ = ag.scan(lambda c, row: (ag.tanh(c @ part + row), None), h, xs)
    wanted = start
    for row in rows:
        wanted = np.tanh(wanted @ w[1:, 2:6] + row)
    found = ag.function([h, xs], last + h @ part)(start, rows)
    np.testing.assert_allclose(found, wanted + start @ w[1:, 2:6], rtol=1e-5, atol=1e-6)

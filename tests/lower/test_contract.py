"""Matrix products in generated code: every size, what is fused behind them, updates in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import BF16, F16
from agnesi.dims.dim import Dim, Symbol, evaluate, named_symbol
from agnesi.loops.nodes import Contract, ParallelFor
from agnesi.loops.traverse import walk_statements
from agnesi.lower.contract import cut, cut_thin
from agnesi.lower.interpret import interpret_program
from agnesi.lower.program import (
    Copy,
    MultiplyMatrices,
    RunBranch,
    RunKernel,
    Space,
    walk_steps,
)

random = np.random.default_rng(0)


def normal(*shape: int, dtype: Any = np.float32) -> Any:
    return random.standard_normal(shape).astype(dtype)


def contracts(f: Any) -> list[Contract]:
    return [
        s
        for step in walk_steps(f.program.steps)
        if isinstance(step, RunKernel)
        for s in walk_statements(step.kernel.body)
        if isinstance(s, Contract)
    ]


def run(f: Any, *arrays: Any) -> list[Any]:
    """Call it; the kernel interpreter has to agree."""
    shareds: list[Any] = [s.get_value() for s in f.program.shareds]
    expected, changed = interpret_program(f.program, arrays, shareds)
    found: list[Any] = f(*arrays)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        # Sums that differ in their last bits are halves that differ in one.
        step = {2: 1e-2, 4: 2e-4, 8: 1e-11}[x.itemsize]
        np.testing.assert_allclose(x.astype(float), y.astype(float), rtol=step, atol=step)
    for position, value in changed.items():
        own: Any = f.program.shareds[position]
        np.testing.assert_allclose(own.get_value(), value, rtol=2e-4, atol=2e-4)
    return found


def close(found: Any, wanted: Any, depth: int) -> None:
    exact = found.dtype == np.float64
    tolerance = (1e-14 if exact else 1e-6) * (depth + 10)
    np.testing.assert_allclose(found.astype(float), wanted, rtol=tolerance, atol=tolerance)


SIZES = (1, 2, 3, 13, 14, 15, 31, 32, 33, 100)


@pytest.mark.parametrize("n", [4, 10, 16, 17, 32, 33, 100, 300])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_any_rows_and_depth(n: int, transposed: bool, dtype: str) -> None:
    kind = np.dtype("float32" if dtype == "f32" else "float64")
    x = ag.input("x", f"{dtype}[k, m]" if transposed else f"{dtype}[m, k]")
    y = ag.input("y", f"{dtype}[k, {n}]")
    f = ag.function([x, y], [(x.T if transposed else x) @ y])
    assert len(contracts(f)) == 1
    for m in (0, *SIZES, 230):
        for k in (0, 1, SIZES[m % len(SIZES)], 530 if m == 15 else 7):
            a, b = normal(m, k, dtype=kind), normal(k, n, dtype=kind)
            (found,) = f(np.ascontiguousarray(a.T) if transposed else a, b)
            close(found, a.astype(float) @ b.astype(float), k)


@pytest.mark.parametrize("m", [2, 15, 64, 333])
@pytest.mark.parametrize("n", [4, 31, 70, 600])
def test_known_sizes(m: int, n: int) -> None:
    k = 41
    x, y = ag.input("x", f"f32[{m}, {k}]"), ag.input("y", f"f32[{k}, {n}]")
    f = ag.function([x, y], [x @ y])
    a, b = normal(m, k), normal(k, n)
    found = f(a, b) if m * n > 20_000 else run(f, a, b)
    close(found[0], a.astype(float) @ b, k)
    assert len(contracts(f)) == 1 and not f.program.slots


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_transposed_second_factors(dtype: str) -> None:
    kind = np.dtype("float32" if dtype == "f32" else "float64")
    x, y, z = (
        ag.input("x", f"{dtype}[m, k]"),
        ag.input("y", f"{dtype}[70, k]"),
        ag.input("z", dtype),
    )
    f = ag.function([x, y, z], [ag.tanh(x @ y.T * z)])
    g = ag.function([x, y], [x.T.T @ y.T, (x.T).T @ y.T + 1])
    assert len(contracts(f)) == 1
    for m, k in ((1, 1), (2, 40), (14, 7), (33, 600)):
        a, b = normal(m, k, dtype=kind), normal(70, k, dtype=kind)
        scale = np.asarray(0.1, kind)
        product = a.astype(float) @ b.T
        close(run(f, a, b, scale)[0], np.tanh(product * 0.1), k)
        close(g(a, b)[0], product, k)


def test_stacks() -> None:
    x, y = ag.input("x", "f32[b, 3, 20, 17]"), ag.input("y", "f32[b, 3, 17, 40]")
    f = ag.function([x, y], [x @ y, ag.tanh(x.swapaxes(-1, -2).swapaxes(-1, -2) @ y) * 2])
    assert contracts(f)
    for b in (0, 1, 4):
        p, q = normal(b, 3, 20, 17), normal(b, 3, 17, 40)
        first, second = run(f, p, q)
        close(first, p.astype(float) @ q, 17)
        close(second, np.tanh(p.astype(float) @ q) * 2, 17)


@pytest.mark.parametrize("sizes", ["t, b", "3, 5"])
def test_a_stack_that_meets_one_matrix_is_one_product(sizes: str) -> None:
    """Its blocks go from one matrix of the stack to the next; what reads it finds its places."""
    x, y, r = (
        ag.input("x", f"f32[{sizes}, 9]"),
        ag.input("y", "f32[9, 20]"),
        ag.input("r", f"f32[{sizes}, 20]"),
    )
    steps = ag.arange(x.shape[0]).astype("f4").reshape(x.shape[0], 1, 1)
    f = ag.function([x, y, r], [ag.tanh(x @ y + r) * steps, x[:, 0] @ y])
    (one, _) = contracts(f)
    assert one.rows == 15 or "b*t" in str(one.rows)
    a, b, c = normal(3, 5, 9), normal(9, 20), normal(3, 5, 20)
    found = run(f, a, b, c)
    wanted = np.tanh(a.astype(float) @ b + c) * np.arange(3).reshape(3, 1, 1)
    close(found[0], wanted, 9)
    close(found[1], a[:, 0].astype(float) @ b, 9)


def test_the_gradient_of_a_matrix_that_a_stack_meets_is_one_product() -> None:
    x, w, ct = (
        ag.input("x", "f32[t, b, 9]"),
        ag.input("w", "f32[9, 20]"),
        ag.input("ct", "f32[t, b, 20]"),
    )
    f = ag.function([x, w, ct], ag.grad((x @ w * ct).sum(), [w, x]))
    assert len(contracts(f)) == 2
    a, b, c = normal(7, 5, 9), normal(9, 20), normal(7, 5, 20)
    slopes = run(f, a, b, c)
    close(slopes[0], np.einsum("tbk,tbn->kn", a.astype(float), c), 35)
    close(slopes[1], c.astype(float) @ b.T, 20)


def test_large_products_are_cut_into_independent_blocks() -> None:
    x, y = ag.input("x", "f32[300, 64]"), ag.input("y", "f32[64, 500]")
    f = ag.function([x, y], [x @ y])
    (kernel,) = f.kernels
    assert isinstance(kernel.body[0], ParallelFor) and kernel.body[0].index.extent == 16
    a, b = normal(300, 64), normal(64, 500)
    close(f(a, b)[0], a.astype(float) @ b, 64)
    small = ag.function([x, y], [x[:8] @ y[:, :40]])
    assert not any(isinstance(s, ParallelFor) for s in small.kernels[-1].body)


@pytest.mark.parametrize(("m", "n", "k"), [(128, 500, 784), (60, 500, 784), (784, 500, 60)])
def test_blocks_are_whole_tiles_or_near(m: int, n: int, k: int) -> None:
    blocks = cut(1, m, n, k, (14, 32))
    assert isinstance(blocks.rows, int)
    assert blocks.columns % 32 == 0 and (blocks.rows % 4 == 0 or blocks.rows % 14 == 0)
    assert 4 <= -(-m // blocks.rows) * -(-n // blocks.columns) <= 20
    packed = cut(1, m, n, k, (14, 32), packs=True)
    assert isinstance(packed.rows, int)
    assert packed.rows >= min(m, 168 - 14) or packed.columns == 64


def test_bias_and_activation_need_no_memory_for_the_product() -> None:
    x, w, b = ag.input("x", "f32[n, 30]"), ag.input("w", "f32[30, 50]"), ag.input("b", "f32[50]")
    f = ag.function([x, w, b], [ag.tanh(x @ w + b)])
    assert len(f.program.steps) == 1 and not f.program.slots
    p, q, r = normal(45, 30), normal(30, 50), normal(50)
    close(run(f, p, q, r)[0], np.tanh(p.astype(float) @ q + r), 30)


def test_a_product_that_is_wanted_too_is_kept() -> None:
    x, w, b = ag.input("x", "f32[9, 30]"), ag.input("w", "f32[30, 50]"), ag.input("b", "f32[50]")
    z = x @ w
    h = ag.maximum(z + b, 0)
    f = ag.function([x, w, b], [h, z, z.sum(), z])
    p, q, r = normal(9, 30), normal(30, 50), normal(50)
    found = run(f, p, q, r)
    product = p.astype(float) @ q
    wanted = [np.maximum(product + r, 0), product, product.sum(), product]
    for x_, y_ in zip(found, wanted, strict=True):
        close(x_, y_, 300)


def test_what_reads_elements_elsewhere_stays_apart() -> None:
    x, w = ag.input("x", "f32[20, 30]"), ag.input("w", "f32[30, 20]")
    z = x @ w
    f = ag.function(
        [x, w], [z + z.T, ag.exp(-(z[::-1] ** 2)), ag.tanh(z - z.max(1, keepdims=True))]
    )
    p, q = normal(20, 30), normal(30, 20)
    y = p.astype(float) @ q
    wanted = [y + y.T, np.exp(-(y[::-1] ** 2)), np.tanh(y - y.max(1, keepdims=True))]
    for found, right in zip(run(f, p, q), wanted, strict=True):
        close(found, right, 300)


def test_two_products_and_a_chain_between() -> None:
    x, w, v = (ag.input(n, "f32[16, 16]") for n in "xwv")
    z = x @ w
    u = ag.tanh(z) @ v
    f = ag.function([x, w, v], [z * u + ag.tanh(u)])
    p, q, r = normal(16, 16), normal(16, 16), normal(16, 16)
    y = p.astype(float) @ q
    t = np.tanh(y) @ r
    close(run(f, p, q, r)[0], y * t + np.tanh(t), 300)


def test_a_step_of_descent_is_one_kernel_that_writes_over_the_weights() -> None:
    c = normal(40, 30)
    w = ag.shared(c)
    x, d = ag.input("x", "f32[n, 40]"), ag.input("d", "f32[n, 30]")
    f = ag.function([x, d], [], updates=[(w, w - np.float32(0.1) * (x.T @ d))])
    assert len(f.program.steps) == 1 and not f.program.slots
    a, b = normal(25, 40), normal(25, 30)
    run(f, a, b)
    close(w.get_value(), c - 0.1 * (a.astype(float).T @ b), 25)


@pytest.mark.parametrize("size", [30, 300])
def test_a_weight_that_its_own_product_reads_is_written_over_once_it_is_there(size: int) -> None:
    c = normal(size, size)
    w = ag.shared(c)
    x = ag.input("x", f"f32[{size}, {size}]")
    a = normal(size, size)
    exact = a.astype(float)
    for y, wanted in ((x @ w, exact @ c), (w @ x, c @ exact), (w.T @ x, c.T @ exact)):
        w.set_value(c)
        f = ag.function([x], [], updates=[(w, w - np.float32(0.1) * y)])
        # Several blocks all read the old one.
        assert any(isinstance(s, Copy) for s in f.program.steps) is (size == 300)
        f(a)
        close(w.get_value(), c - 0.1 * wanted, size)


def test_products_of_one_shape_are_each_used_where_they_are_computed() -> None:
    x, d, e = (ag.input(n, "f32[?, 40]") for n in "xde")
    weights = [ag.shared(normal(40, 40)) for _ in range(3)]
    speed = ag.shared(normal(40, 40))
    a, b, c = x.T @ d, x.T @ e, d.T @ e
    faster = 0.9 * speed + b
    values = [weights[0] - a, weights[1] - faster, weights[2] - c]
    f = ag.function([x, d, e], [], updates=[*zip(weights, values, strict=True), (speed, faster)])
    assert len(f.kernels) == len(contracts(f)) == 3 and not f.program.slots
    old = [w.get_value() for w in (*weights, speed)]
    p, q, r = normal(7, 40), normal(7, 40), normal(7, 40)
    run(f, p, q, r)
    fast = 0.9 * old[3] + p.astype(float).T @ r
    wanted = [old[0] - p.T @ q, old[1] - fast, old[2] - q.T @ r, fast]
    for w, right in zip((*weights, speed), wanted, strict=True):
        close(w.get_value(), right, 40)


@pytest.mark.parametrize("n", [500, 512, 1000, 320, 90])
@pytest.mark.parametrize("m", [60, 128, 500])
def test_two_threads_have_as_much_to_do(m: int, n: int) -> None:
    blocks = cut(1, m, n, 784, (14, 32), packs=n == 512)
    assert isinstance(blocks.rows, int)
    high, wide = -(-m // blocks.rows), -(-n // blocks.columns)
    panels = -(-n // 32)
    # No worse than one and a half block for the thread that has more.
    assert -(-high * wide // 2) * (blocks.columns // 32) <= high * panels / 2 * 1.13 + 0.5


@pytest.mark.parametrize("n", [60, None])
def test_a_step_of_few_columns_goes_in_even_blocks(n: int | None) -> None:
    c = normal(784, 10)
    w = ag.shared(c)
    size = n or "n"
    x, d = ag.input("x", f"f32[{size}, 784]"), ag.input("d", f"f32[{size}, 10]")
    f = ag.function([x, d], [x @ w], updates=[(w, w - np.float32(0.1) * (x.T @ d))])
    # Each half of the depth is a task of its own; what adds them up is another loop.
    halves = [k for k in f.kernels if len(k.body) == 2]
    products = [s for k in halves for s in walk_statements(k.body) if isinstance(s, Contract)]
    assert [product.depth for product in products] == [392]
    ag.set_threads(2)
    for rows in (n,) if n else (0, 1, 51, 60, 300):
        w.set_value(c)
        a, b = normal(rows, 784), normal(rows, 10)
        (found,) = run(f, a, b)
        close(found, a.astype(float) @ c, 784)
        close(w.get_value(), c - 0.1 * (a.astype(float).T @ b), rows)
    for m, k in ((784, 60), (784, 6000), (10_000, 60)):
        blocks = cut_thin(m, 10, k, 16, 400)
        assert isinstance(blocks.rows, int) and blocks.rows % 16 == 0 and blocks.rows <= 400
        assert -(-m // blocks.rows) % 2 == 0 or (m, k) != (784, 60)
    rows = named_symbol("m")
    for m in (1, 26, 60, 300, 10_000):
        high = evaluate(cut_thin(rows, 10, 784, 1, 409).rows, {rows: m})
        assert high == cut_thin(m, 10, 784, 1, 409).rows
        assert 26 <= high <= 128 and (m < 52 or -(-m // high) % 2 == 0)


def test_halves_are_added_up_as_float32() -> None:
    for name, kind in (("f16", F16.numpy), ("bf16", BF16.numpy)):
        x, w = ag.input("x", f"{name}[9, 60]"), ag.input("w", f"{name}[60, 20]")
        f = ag.function([x, w], [ag.maximum(x @ w, 0)])
        assert len(contracts(f)) == 1
        a, b = normal(9, 60).astype(kind), normal(60, 20).astype(kind)
        (found,) = run(f, a, b)
        wanted = np.maximum(a.astype(float) @ b.astype(float), 0)
        step = 2.0**-11 if name == "f16" else 2.0**-8
        np.testing.assert_allclose(found.astype(float), wanted, rtol=2 * step, atol=2 * step)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_products_of_a_vector(dtype: str) -> None:
    kind = np.dtype("float32" if dtype == "f32" else "float64")
    for m, k in ((2, 3), (1, 100), (7, 16), (40, 33), (300, 1), (130, 100), (21, 0)):
        x, v, u = (
            ag.input(n, f"{dtype}{s}") for n, s in zip("xvu", ([m, k], [k], [m]), strict=True)
        )
        b = ag.input("b", f"{dtype}[{m}]")
        results = [x @ v, x.T @ u, u @ x, v @ x.T, ag.tanh(x @ v + b), ag.tanh(u @ x) * v]
        f = ag.function([x, v, u, b], results)
        a, p, q, r = (normal(*s, dtype=kind) for s in ((m, k), (k,), (m,), (m,)))
        e, g, h = a.astype(float), p.astype(float), q.astype(float)
        right = [e @ g, h @ e, h @ e, e @ g, np.tanh(e @ g + r), np.tanh(h @ e) * g]
        for found, wanted in zip(run(f, a, p, q, r), right, strict=True):
            close(found, wanted, k + m)
    x, v = ag.input("x", f"{dtype}[n, 20]"), ag.input("v", f"{dtype}[20]")
    f = ag.function([x, v], [ag.exp(-(x @ v)), v @ x.T])
    assert contracts(f)
    for n in (0, 1, 9, 200):
        a, p = normal(n, 20, dtype=kind), normal(20, dtype=kind)
        found = run(f, a, p)
        close(found[0], np.exp(-(a.astype(float) @ p)), 3000)
        close(found[1], a.astype(float) @ p, 20)


def test_libraries_do_the_rest() -> None:
    kinds = {
        "c64[8, 8]": "c64[8, 8]",
        "f32[8, 8]": "f32[8, 2]",
        "f64[8, 8]": "f64[8, 256]",
        "f32[4096, 512]": "f32[512, 512]",
    }
    for left, right in kinds.items():
        x, y = ag.input("x", left), ag.input("y", right)
        f = ag.function([x, y], x @ y)
        assert [type(s) for s in f.program.steps if not isinstance(s, RunKernel)] == [
            MultiplyMatrices
        ]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_unknown_columns_go_where_their_size_is_computed_faster(dtype: str) -> None:
    kind = np.dtype("float32" if dtype == "f32" else "float64")
    x, w = ag.input("x", f"{dtype}[m, k]"), ag.input("w", f"{dtype}[k, n]")
    b = ag.input("b", f"{dtype}[n]")
    f = ag.function([x, w, b], [ag.tanh(x @ w + b), w.T @ x.T])
    branches = [s for s in f.program.steps if isinstance(s, RunBranch)]
    assert len(branches) == 2 and len(contracts(f)) == 2
    taken: set[int] = set()
    for m, k, n in ((3, 4, 2), (0, 3, 9), (5, 0, 9), (33, 700, 17), (20, 400, 49), (2, 1100, 1000)):
        p, q, r = normal(m, k, dtype=kind), normal(k, n, dtype=kind), normal(n, dtype=kind)
        product = p.astype(float) @ q
        found = run(f, p, q, r)
        close(found[0], np.tanh(product + r), k)
        close(found[1], product.T, k)
        numbers = {"m": m, "k": k, "n": n}
        index = branches[0].index
        assert isinstance(index, Dim)
        sizes: dict[Dim, int] = {a: numbers[str(a)] for a in index.atoms if isinstance(a, Symbol)}
        taken.add(min(evaluate(index, sizes), 1))
    assert taken == {0, 1}


def test_a_weight_of_unknown_sizes_is_changed_either_way() -> None:
    w = ag.shared(normal(30, 30), shape=(None, None))
    x, d = ag.input("x", "f32[b, m]"), ag.input("d", "f32[b, n]")
    f = ag.function([x, d], [], updates=[(w, w * 2 - np.float32(0.1) * (x.T @ d))])
    for b, m, n in ((5, 30, 30), (200, 60, 70)):
        a, e, c = normal(b, m), normal(b, n), normal(m, n)
        w.set_value(c)
        f(a, e)
        close(w.get_value(), 2 * c - 0.1 * (a.T.astype(float) @ e), 20)


def test_no_buffer_of_the_arena_holds_what_one_block_keeps() -> None:
    x, w = ag.input("x", "f32[40, 900]"), ag.input("w", "f32[900, 70]")
    f = ag.function([x, w], [ag.exp(-ag.absolute(x @ w))])
    assert not [s for s in f.program.storage.values() if s.space is Space.ARENA]
    a, b = normal(40, 900), normal(900, 70)
    close(run(f, a, b)[0], np.exp(-np.abs(a.astype(float) @ b)), 900)


@pytest.mark.parametrize("n", [32, 70, 128])
@pytest.mark.parametrize(("m", "turned"), [(1030, False), (8200, True)])
def test_many_rows_share_a_packed_factor(m: int, n: int, turned: bool) -> None:
    x = ag.input("x", f"f32[{m}, 20]")
    w = ag.input("w", f"f32[{n}, 20]" if turned else f"f32[20, {n}]")
    f = ag.function([x, w], ag.maximum(x @ (w.T if turned else w), 0))
    (step,) = f.program.steps
    assert isinstance(step, RunKernel)
    assert sum(isinstance(s, ParallelFor) for s in step.kernel.body) == 2
    a, b = normal(m, 20), normal(20, n)
    close(f(a, np.ascontiguousarray(b.T) if turned else b), np.maximum(a @ b, 0), 20)


@pytest.mark.parametrize(("m", "n"), [(130, 64), (33, 200)])
def test_long_sums_of_what_stays_near_are_cut_along_the_depth(m: int, n: int) -> None:
    x, y = ag.input("x", f"f32[9000, {m}]"), ag.input("y", f"f32[9000, {n}]")
    f = ag.function([x, y], x.T @ y + 1)
    (step,) = f.program.steps
    assert isinstance(step, RunKernel)
    (product,) = contracts(f)
    assert product.target.buffer.name == "totals"
    a, b = normal(9000, m), normal(9000, n)
    close(f(a, b), a.T.astype(float) @ b + 1, 300)


def test_narrow_products_of_any_length_are_computed_here() -> None:
    for shapes in (((300_000, 30), (30, 64)), ((64, 300_000), (300_000, 64))):
        x, y = (ag.input(n, f"f32{[*s]}") for n, s in zip("xy", shapes, strict=True))
        f = ag.function([x, y], x @ y)
        assert all(isinstance(s, RunKernel) for s in f.program.steps)

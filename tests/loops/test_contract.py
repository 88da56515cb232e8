"""Blocks of matrix products: verified, printed, interpreted, compiled, for every machine."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agnesi.codegen.llvm.emit import emit_kernel
from agnesi.codegen.llvm.entry import block_parts
from agnesi.codegen.llvm.parts import Part
from agnesi.codegen.llvm.tile import block_of
from agnesi.core.dtypes import F32, F64, I64, DType
from agnesi.core.errors import CompilerBug
from agnesi.core.machine import AVX2, AVX512, NEON, PLAIN, Machine
from agnesi.dims.dim import Dim, mul, named_symbol
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import Around, Contract, Kernel, Matrix, fresh_buffer
from agnesi.loops.passes.collapse import collapse
from agnesi.loops.passes.expand_math import expand_math
from agnesi.loops.text import kernel_text
from agnesi.loops.verify import verify_kernel
from agnesi.lower.kernels import close_kernel
from agnesi.runtime.machine import load, this_machine

M, N, K = (named_symbol(name) for name in "mnk")
EDGES = (0, 1, 2, 3, 4, 13, 14, 15, 31, 32, 33, 100)


def product_kernel(
    dtype: DType = F32,
    *,
    transposed: bool = False,
    turned: bool = False,
    adds: bool = False,
    columns: Any = N,
    depth: Any = K,
) -> Kernel:
    """``c = a @ b``, all of it; ``turned`` where the columns of ``b`` follow each other."""
    a, b, c = (fresh_buffer(name, dtype) for name in "abc")
    left = Matrix(a, 0, 1, M) if transposed else Matrix(a, 0, depth, 1)
    right = Matrix(b, 0, 1, depth) if turned else Matrix(b, 0, columns, 1)
    whole = Contract(Matrix(c, 0, columns, 1), left, right, M, columns, depth, adds, ())
    return close_kernel("product", (whole,))


def compiled(kernel: Kernel, machine: Machine) -> Any:
    """Return machine code, called with arrays for the buffers and numbers for the sizes."""
    verify_kernel(kernel, native=True)
    text, needs = emit_kernel(kernel, machine)
    text = text.replace("define internal", "define").replace(f"@{kernel.name}(", "@call(")
    ends = ("attributes #0 = { nounwind noinline }",)
    loaded = load(
        [Part("call", tuple(needs), text, ends), *block_parts(kernel, [*needs], ends, machine)]
    )
    kinds = [ctypes.c_void_p] * len(kernel.buffers) + [ctypes.c_int64] * len(kernel.sizes)
    run: Any = ctypes.CFUNCTYPE(None, *kinds)(loaded.address)

    def call(arrays: dict[str, Any], sizes: dict[Any, int]) -> None:
        memory = [arrays[b.name].ctypes.data for b in kernel.buffers]
        run(*memory, *(sizes[s] for s in kernel.sizes))
        assert loaded.address

    return call


def arrays_for(m: int, n: int, k: int, kernel: Kernel, transposed: bool) -> dict[str, Any]:
    kind = kernel.buffers[0].element.numpy
    r = np.random.default_rng(m * 10007 + n * 101 + k)
    a, b, c = r.normal(size=(m, k)), r.normal(size=(k, n)), r.normal(size=(m, n))
    arrays = {"a": a.T if transposed else a, "b": b, "c": c}
    # Whatever is written behind the end shows in the guard.
    return {name: np.append(x, 7.0).astype(kind) for name, x in arrays.items()}


def expected(arrays: dict[str, Any], m: int, n: int, k: int, transposed: bool, adds: bool) -> Any:
    a, b, c = (arrays[name][:-1].astype(float) for name in "abc")
    a = a.reshape(k, m).T if transposed else a.reshape(m, k)
    return a @ b.reshape(k, n) + (c.reshape(m, n) if adds else 0)


MACHINES = {"this": this_machine(), "avx2": AVX2, "neon": NEON, "plain": PLAIN}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("adds", [False, True])
def test_every_edge(machine: str, dtype: DType, transposed: bool, adds: bool):
    kernel = product_kernel(dtype, transposed=transposed, adds=adds)
    run = compiled(kernel, MACHINES[machine])
    for m, n in ((m, n) for m in EDGES for n in EDGES):
        k = EDGES[(m + 3 * n) % len(EDGES)]
        arrays = arrays_for(m, n, k, kernel, transposed)
        wanted = expected(arrays, m, n, k, transposed, adds)
        run(arrays, {M: m, N: n, K: k})
        tolerance = 1e-5 if dtype is F32 else 1e-13
        np.testing.assert_allclose(
            arrays["c"][:-1].reshape(m, n), wanted, rtol=0, atol=tolerance * max(k, 1)
        )
        assert arrays["c"][-1] == 7


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
def test_what_is_transposed_is_packed(machine: str, dtype: DType):
    kernel = product_kernel(dtype, turned=True)
    run = compiled(kernel, MACHINES[machine])
    for m, n in ((m, n) for m in (1, 15) for n in EDGES):
        for k in (0, 1, 7, 16, 33, 513):
            arrays = arrays_for(m, n, k, kernel, transposed=False)
            wanted = expected(arrays, m, n, k, transposed=False, adds=False)
            arrays["b"] = np.append(arrays["b"][:-1].reshape(k, n).T.copy(), 7).astype(dtype.numpy)
            run(arrays, {M: m, N: n, K: k})
            tolerance = 1e-5 if dtype is F32 else 1e-13
            found = arrays["c"][:-1].reshape(m, n)
            np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * max(k, 1))
            assert arrays["c"][-1] == 7


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("turned", [False, True])
def test_rows_in_each_others_way_are_packed(machine: str, turned: bool):
    n, k = 512, 1024
    kernel = product_kernel(turned=turned, columns=n, depth=k)
    run = compiled(kernel, MACHINES[machine])
    for m in (1, 6, 14, 19):
        arrays = arrays_for(m, n, k, kernel, transposed=False)
        wanted = expected(arrays, m, n, k, transposed=False, adds=False)
        if turned:
            arrays["b"] = np.append(arrays["b"][:-1].reshape(k, n).T, np.float32(7))
        run(arrays, {M: m})
        np.testing.assert_allclose(arrays["c"][:-1].reshape(m, n), wanted, atol=1e-3)
        assert arrays["c"][-1] == 7


@pytest.mark.parametrize("columns", [1, 7, 10, 16])
def test_narrow_products(columns: int):
    kernel = product_kernel(columns=columns)
    run = compiled(kernel, this_machine())
    for m, k in ((1, 1), (14, 600), (37, 1100)):
        arrays = arrays_for(m, columns, k, kernel, transposed=False)
        wanted = expected(arrays, m, columns, k, transposed=False, adds=False)
        run(arrays, {M: m, K: k})
        np.testing.assert_allclose(arrays["c"][:-1].reshape(m, columns), wanted, atol=2e-4)
        assert arrays["c"][-1] == 7


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("form", ["transposed", "packed", "turned"])
@pytest.mark.parametrize(("dtype", "columns"), [(F32, 10), (F32, 3), (F32, 21), (F64, 5)])
def test_few_columns(machine: str, form: str, dtype: DType, columns: int):
    """Those that leave vectors idle are computed with the long side in lanes, on most machines."""
    turned, transposed = form == "turned", form == "transposed"
    depths: tuple[Any, ...] = (K,) if transposed else (256, 1101)
    for depth in depths:
        kernel = product_kernel(
            dtype, transposed=transposed, turned=turned, adds=columns == 10, columns=columns,
            depth=depth,
        )  # fmt: skip
        run = compiled(kernel, MACHINES[machine])
        for m in (0, 1, 2, 9, 16, 31, 53):
            for k in (0, 1, 37, 600) if transposed else (depth,):
                arrays = arrays_for(m, columns, k, kernel, transposed)
                wanted = expected(arrays, m, columns, k, transposed, columns == 10)
                if turned:
                    b = arrays["b"][:-1].reshape(k, columns).T
                    arrays["b"] = np.append(b, 7).astype(dtype.numpy)
                run(arrays, {M: m, K: k})
                found = arrays["c"][:-1].reshape(m, columns)
                tolerance = 1e-5 if dtype is F32 else 1e-13
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * max(k, 1))
                assert arrays["c"][-1] == 7


def test_which_columns_are_few():
    few = {AVX512: (2, 4, 10, 12, 17, 25), AVX2: (2, 5, 10, 12), NEON: (2, 3, 5, 6)}
    others = {AVX512: (1, 13, 16, 26, 32, 100), AVX2: (1, 7, 8, 13, 16, 17), NEON: (1, 4, 7, 9)}
    for machine, numbers in few.items():
        assert all(machine.is_thin(F32, n) for n in numbers)
        assert not any(machine.is_thin(F32, n) for n in others[machine])
    product = product_kernel(columns=10, depth=784).body[0]
    assert isinstance(product, Contract)
    assert block_of(product, AVX512).thin == 10
    # Lanes of short sums are not worth adding up.
    assert not block_of(product.replace(depth=64), AVX512).thin


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("adds", [False, True])
def test_interpreter_agrees(transposed: bool, adds: bool):
    kernel = product_kernel(F64, transposed=transposed, adds=adds)
    run = compiled(kernel, this_machine())
    for m, n, k in ((3, 5, 7), (0, 4, 2), (4, 0, 2), (4, 3, 0), (15, 17, 33)):
        first = arrays_for(m, n, k, kernel, transposed)
        second = {name: array.copy() for name, array in first.items()}
        sizes: dict[Dim, int] = {M: m, N: n, K: k}
        run(first, sizes)
        memory = {b: second[b.name] for b in kernel.buffers}
        interpret(kernel, memory, dict(sizes))
        np.testing.assert_allclose(first["c"], second["c"], rtol=1e-13, atol=1e-13)


def test_text_and_passes():
    kernel = product_kernel(adds=True)
    line = "  c[0 + m:n + n:1] += a[0 + m:k + k:1] @ b[0 + k:n + n:1]"
    assert kernel_text(kernel).splitlines()[1] == line
    for change in (collapse, expand_math):
        assert change(kernel).body == kernel.body


def test_verifier_knows_what_fits():
    kernel = product_kernel()
    whole = kernel.body[0]
    assert isinstance(whole, Contract)
    other = Matrix(fresh_buffer("a", F64), 0, K, 1)
    wrong = {
        "which is not noted as written": replace(kernel, written=frozenset()),
        "stored to itself": close_kernel("k", (whole.replace(a=whole.target),)),
        "follow each other": close_kernel("k", (whole.replace(a=whole.a.replace(column=2)),)),
        "is f64, not f32": close_kernel("k", (whole.replace(a=other),)),
        "cannot multiply into": product_kernel(I64),
    }
    for message, bad in wrong.items():
        with pytest.raises(CompilerBug, match=message):
            verify_kernel(bad)
    with pytest.raises(CompilerBug, match="of 0 elements"):
        full = close_kernel("k", (whole.replace(rows=2, columns=2, depth=2),))
        verify_kernel(full, {full.buffers[0]: 0})


def test_the_interpreter_sees_what_lies_outside():
    kernel = product_kernel(F64)
    memory = {b: np.zeros(5) for b in kernel.buffers}
    with pytest.raises(CompilerBug, match="of 5 elements"):
        interpret(kernel, memory, {M: 3, N: 3, K: 1})


@pytest.mark.parametrize("machine", [AVX512, AVX2, NEON, PLAIN])
def test_tiles_fit_the_registers(machine: Machine):
    for dtype in (F32, F64):
        rows, columns = machine.tile(dtype)
        vectors = columns // machine.lanes(dtype)
        assert rows * vectors + vectors + 1 <= machine.registers
    assert AVX512.tile(F32) == (14, 32) and AVX2.tile(F64) == (6, 8) and NEON.tile(F32) == (14, 8)


def around_kernel(
    dtype: DType, rows: Any, columns: Any, *, turned: bool = False, adds: bool = False
) -> Kernel:
    """``c = sum of a[3 t + 5 s] @ b[t + 2 s]``, over ``t < M`` and ``s < 2``."""
    a, b, c = (fresh_buffer(name, dtype) for name in "abc")
    left = Matrix(a, 1, 1, 4) if turned else Matrix(a, 1, 4, 1)
    turns = (Around(2, 5, mul(2, columns)), Around(M, 3, columns))
    whole = Contract(
        Matrix(c, 0, columns, 1), left, Matrix(b, 0, columns, 1), rows, columns, K, adds, turns
    )
    return close_kernel("product", (whole,))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize(("turned", "adds"), [(False, False), (True, True)])
def test_loops_around_the_depth(machine: str, dtype: DType, turned: bool, adds: bool):
    for rows, columns in ((N, 40), (27, N), (1, 5), (29, 16)):
        kernel = around_kernel(dtype, rows, columns, turned=turned, adds=adds)
        run = compiled(kernel, MACHINES[machine])
        for m, n, k in ((3, 31, 4), (0, 9, 2), (2, 15, 0), (1, 4, 7)):
            down, across = (x if isinstance(x, int) else n for x in (rows, columns))
            r = np.random.default_rng(m + n + k)
            at = 4 * max(down, k) + max(down, k) + 3 * m + 16
            sizes = {"a": at, "b": (k + m + 4) * across, "c": down * across}
            arrays = {name: r.normal(size=size).astype(dtype.numpy) for name, size in sizes.items()}
            known: dict[Dim, int] = {M: m, N: n, K: k}
            sizes_given = {s: known[s] for s in kernel.sizes}
            other = {name: x.copy() for name, x in arrays.items()}
            interpret(kernel, {b: other[b.name] for b in kernel.buffers}, sizes_given)
            total = arrays["c"].reshape(down, across).astype(float) * adds
            steps = (1, 4) if turned else (4, 1)
            for s in range(2):
                for t in range(m):
                    place = 1 + 5 * s + 3 * t
                    i, j = np.arange(down)[:, None], np.arange(k)
                    x = arrays["a"].astype(float)[place + steps[0] * i + steps[1] * j]
                    first = (2 * s + t) * across
                    y = arrays["b"].astype(float)[first : first + k * across]
                    total += x @ y.reshape(k, across)
            run(arrays, sizes_given)
            tolerance = 1e-4 if dtype is F32 else 1e-12
            for found in (arrays["c"], other["c"]):
                np.testing.assert_allclose(
                    found.reshape(down, across), total, rtol=0, atol=tolerance
                )


def test_loops_around_are_shown_and_checked():
    kernel = around_kernel(F32, 3, 4)
    assert "2 times [+ 5] @ [+ 8], m times [+ 3] @ [+ 4]" in kernel_text(kernel)
    product = kernel.body[0]
    assert isinstance(product, Contract)
    wrong = product.replace(b=product.b.replace(row=1, column=4))
    with pytest.raises(CompilerBug, match="reads rows, not columns"):
        verify_kernel(close_kernel("wrong", (wrong,)), native=True)

"""Loops of independent iterations and private memory: verified, printed, interpreted, compiled."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agnesi.codegen.llvm.emit import emit_kernel
from agnesi.core.dtypes import F32, F64, I64
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import add, fresh_index, mul, named_symbol
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import (
    MOST_PRIVATE,
    Assign,
    For,
    Foreign,
    If,
    Kernel,
    Load,
    ParallelFor,
    Read,
    Statement,
    Store,
    While,
    fresh_buffer,
    fresh_local,
    index_scalar,
    literal,
)
from agnesi.loops.passes.collapse import collapse
from agnesi.loops.passes.expand_math import expand_math
from agnesi.loops.text import kernel_text
from agnesi.loops.verify import verify_kernel
from agnesi.lower.kernels import close_kernel
from agnesi.runtime.machine import load

N = named_symbol("n")
X, OUT, TILE = fresh_buffer("x", F64), fresh_buffer("out", F64), fresh_buffer("tile", F64)
I, J, K = fresh_index("i", N), fresh_index("j", 4), fresh_index("k", 4)


def reversed_rows() -> Kernel:
    """Rows of 4, each reversed by way of private memory."""
    fill = For(J, (Store(TILE, J, Load(X, add(mul(4, I), J)) * 2.0),))
    value = Load(TILE, add(3, mul(-1, K)))
    turn = For(K, (Store(OUT, add(mul(4, I), K), value),))
    return close_kernel("turn", (ParallelFor(I, (fill, turn)),), {TILE: 4})


def test_text_and_what_the_kernel_is_given():
    kernel = reversed_rows()
    assert set(kernel.buffers) == {X, OUT} and kernel.written == {OUT}
    assert kernel_text(kernel) == (
        "kernel turn(x: f64, *out: f64; n; own tile: f64[4])\n"
        "  parallel for i < n:\n"
        "    for j < 4:\n"
        "      tile[j] = x[4*i + j] * 2.0\n"
        "    for k < 4:\n"
        "      out[4*i + k] = tile[-k + 3]"
    )


@pytest.mark.parametrize("change", [collapse, expand_math])
def test_passes_keep_what_is_parallel_and_private(change: Any):
    kernel = change(reversed_rows())
    assert isinstance(kernel.body[0], ParallelFor) and kernel.private == ((TILE, 4),)
    inner = For(J, (Store(OUT, add(mul(4, I), J), Load(X, add(mul(4, I), J))),))
    alone = change(close_kernel("k", (ParallelFor(I, (inner,)),)))
    assert alone.body[0] == ParallelFor(I, (inner,))


def test_interpreter_and_machine_code_agree():
    kernel = reversed_rows()
    verify_kernel(kernel, native=True)
    x, found = np.arange(28.0), np.zeros(28)
    interpret(kernel, {X: x, OUT: found}, {N: 7})
    expected = 2 * x.reshape(7, 4)[:, ::-1].ravel()
    np.testing.assert_array_equal(found, expected)

    text, needs = emit_kernel(kernel)
    text = text.replace("define internal", "define").replace("@turn", "@call")
    loaded = load("\n".join([*needs, text, "attributes #0 = { nounwind }"]))
    compiled = np.zeros(28)
    memory = {X: x.ctypes.data, OUT: compiled.ctypes.data}
    kinds = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    run: Any = ctypes.CFUNCTYPE(None, *kinds)(loaded.address)
    run(*(memory[b] for b in kernel.buffers), 7)
    np.testing.assert_array_equal(compiled, expected)


SUM = fresh_local("sum", F64)


def refused() -> dict[str, Kernel]:
    """Return kernels that are wrong, by a word of the error."""
    body = (Store(OUT, I, Load(X, I)),)
    good = close_kernel("bad", (ParallelFor(I, body),))

    def kernel(*statements: Statement) -> Kernel:
        return close_kernel("bad", statements, {TILE: 4})

    whole = For(fresh_index("w", 4), (ParallelFor(I, body),))
    start = Assign(SUM, literal(0.0, F64))
    return {
        "inside of something": kernel(whole),
        "reads sum before it is assigned": kernel(
            start, ParallelFor(I, (Store(OUT, I, Read(SUM)),))
        ),
        "assigns what is outside": kernel(start, ParallelFor(I, (start, *body))),
        "reads tile before": kernel(ParallelFor(I, (Store(OUT, I, Load(TILE, 0)),))),
        "reads tile before it is stored to": kernel(
            Store(TILE, 0, literal(1.0, F64)), ParallelFor(I, (Store(OUT, I, Load(TILE, 0)),))
        ),
        "calls scipy_cblas_dgemm in a parallel": kernel(
            ParallelFor(I, (Foreign("scipy_cblas_dgemm", (), None), *body))
        ),
        "of 4 elements": kernel(Store(TILE, 4, literal(1.0, F64))),
        "private buffers of": replace(good, private=((TILE, MOST_PRIVATE),)),
        "given twice": replace(good, private=((X, 4),)),
    }


@pytest.mark.parametrize("words", refused())
def test_what_the_verifier_refuses(words: str):
    with pytest.raises(CompilerBug, match=words):
        verify_kernel(refused()[words])


def test_what_a_loop_stores_is_there_in_its_next_turn():
    first, again = fresh_index("r", 4), fresh_local("again", I64)
    condition = index_scalar(first) > 0
    body = (If(condition, (Store(OUT, first, Load(TILE, 0)),)), Store(TILE, 0, Load(X, first)))
    verify_kernel(close_kernel("k", (For(first, body),), {TILE: 4}))
    loop = While(Read(again) > 0, (*body[1:], Assign(again, Read(again) - 1)))
    verify_kernel(
        close_kernel("k", (Assign(again, literal(2, I64)), For(first, (loop,))), {TILE: 4})
    )


def shared_work(store_at: int, load_at: int) -> Kernel:
    """One iteration stores next to, or loads next to, its own place."""
    value = Load(OUT, add(I, load_at)) + Load(X, 0)
    return close_kernel("k", (ParallelFor(I, (Store(OUT, add(I, store_at), value),)),))


@pytest.mark.parametrize(("store_at", "load_at"), [(0, 0), (0, 1), (1, 0)])
def test_interpreter_finds_iterations_that_depend_on_each_other(store_at: int, load_at: int):
    memory = {X: np.ones(1), OUT: np.zeros(8)}
    kernel = shared_work(store_at, load_at)
    if store_at == load_at:
        interpret(kernel, memory, {N: 7})
        return
    with pytest.raises(CompilerBug, match="as another iteration does"):
        interpret(kernel, memory, {N: 7})


def test_interpreter_finds_what_several_read_and_one_stores():
    at_nought = index_scalar(I).equals(0)
    store = If(at_nought, (Store(OUT, 0, Load(OUT, 0) + 1.0),))
    kernel = close_kernel("k", (ParallelFor(I, (Store(OUT, add(I, 1), Load(OUT, 0)), store)),))
    with pytest.raises(CompilerBug, match="as another iteration does"):
        interpret(kernel, {OUT: np.zeros(8)}, {N: 7})


def test_private_memory_is_new_in_each_iteration():
    tile = fresh_buffer("tile", F32)
    out = fresh_buffer("out", F32)
    first = index_scalar(I).equals(6)
    body = (If(first, (Store(tile, 0, literal(1.0, F32)),)), Store(out, I, Load(tile, 0)))
    kernel = close_kernel("k", (ParallelFor(I, body),), {tile: 1})
    found = np.zeros(7, np.float32)
    interpret(kernel, {out: found}, {N: 7})
    assert found[6] == 1 and np.isnan(found[:6]).all()

"""Loops in masked vectors compute what their kernels say, and touch nothing beside it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from agnesi.codegen.llvm.emit import emit_kernel, kernel_code
from agnesi.codegen.llvm.lanes import can_be_written_out
from agnesi.codegen.llvm.vectors import VectorShape, sum_shape, vector_shape, with_metadata
from agnesi.core.dtypes import BOOL, F16, F32, F64, I32, I64, U8, DType
from agnesi.core.machine import AVX2, AVX512
from agnesi.dims.dim import Size, add, fresh_index, mul, named_symbol
from agnesi.dims.simplify import floordiv, mod
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    For,
    FromIndex,
    Guard,
    Kernel,
    Load,
    Read,
    Scalar,
    Statement,
    Store,
    apply,
    fresh_buffer,
    fresh_local,
    index_scalar,
    literal,
    select,
)
from agnesi.loops.passes.expand_math import expand_math
from agnesi.loops.prims import Prim
from agnesi.loops.verify import verify_kernel
from agnesi.runtime.machine import kernel_attributes, load

Array = np.ndarray[Any, np.dtype[Any]]
N = named_symbol("n")
PAD = 130  # elements on both sides of what a kernel may touch


def run_both(kernel: Kernel, dtypes: list[DType], sizes: dict[Any, int], lengths: list[int]):
    """Run a kernel natively, inside of larger arrays, and by the interpreter; compare all bytes."""
    verify_kernel(kernel)
    text, needs = emit_kernel(kernel, AVX512)
    names = [f"ptr %a{k}" for k in range(len(kernel.buffers))]
    given = [f"ptr %a{k}" for k in range(len(kernel.buffers))]
    given += [f"i64 {sizes[s]}" for s in kernel.sizes]
    call = "\n".join(
        [
            f"define void @call({', '.join(names)}) {{",
            f"  call void @{kernel.name}({', '.join(given)})",
            "  ret void",
            "}",
        ]
    )
    attributes = f"attributes #0 = {{ nounwind noinline {kernel_attributes()} }}"
    loaded = load(with_metadata("\n".join([*needs, text, call, attributes])))
    rng = np.random.default_rng(7)
    native, plain = [], []
    for dtype, length in zip(dtypes, lengths, strict=True):
        values = rng.integers(1, 120, length + 2 * PAD)
        array = (values / 16 if dtype.is_float else values % 2 if dtype is BOOL else values).astype(
            dtype.numpy
        )
        native.append(array)
        plain.append(array.copy())
    pointers = [a.ctypes.data + PAD * a.itemsize for a in native]
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers))(loaded.address)
    function(*pointers)
    inner = [a[PAD : PAD + length] for a, length in zip(plain, lengths, strict=True)]
    interpret(kernel, dict(zip(kernel.buffers, inner, strict=True)), sizes)
    for mine, theirs in zip(native, plain, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def kernel_of(body: list[Statement], buffers: list[Any], sizes: tuple[Any, ...] = (N,)) -> Kernel:
    written = frozenset(b for b in buffers if b.name.startswith("out"))
    return expand_math(Kernel("k", tuple(buffers), sizes, tuple(body), written))


LENGTHS = [0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 200, 255, 257, 1000]


@pytest.mark.parametrize("dtype", [F32, F64, I32, I64, U8], ids=str)
def test_any_length(dtype: DType):
    for n in LENGTHS:
        i = fresh_index("i", N)
        out, x = fresh_buffer("out", dtype), fresh_buffer("x", dtype)
        value = Load(x, i) * Load(x, i) + 3
        kernel = kernel_of([For(i, (Store(out, i, value),))], [out, x])
        run_both(kernel, [dtype, dtype], {N: n}, [n, n])


@pytest.mark.parametrize("known", [False, True])
def test_several_stores_of_several_dtypes(known: bool):
    for n in (1, 9, 40, 64, 100, 331):
        i = fresh_index("i", n if known else N)
        a, b, c = fresh_buffer("out", F64), fresh_buffer("outb", BOOL), fresh_buffer("outc", F32)
        x, h, one = fresh_buffer("x", F32), fresh_buffer("h", F16), fresh_buffer("one", F32)
        v = Load(x, i)
        scale = Load(one, 0)
        body = (
            Store(a, i, v.cast(F64) + Load(h, i).cast(F64)),
            Store(b, i, v > 3.0),
            Store(c, i, select(v > 3.0, v * scale, -v)),
        )
        sizes = () if known else (N,)
        kernel = kernel_of([For(i, body)], [a, b, c, x, h, one], sizes)
        run_both(kernel, [F64, BOOL, F32, F32, F16, F32], {N: n}, [n, n, n, n, n, 1])


@pytest.mark.parametrize("dtype", [F32, F64, I32, U8], ids=str)
@pytest.mark.parametrize("known", [False, True])
def test_bodies_of_many_stores_gather(dtype: DType, known: bool):
    for n in (0, 1, 16, 31, 32, 70):
        i = fresh_index("i", n if known else N)
        out, x, y = (fresh_buffer(name, dtype) for name in ("out", "x", "y"))
        body = tuple(
            Store(
                out,
                add(mul(k, i.extent), i),
                Load(x, add(mul(9, i), k)) + Load(y, add(mul(-3, i), 250)),
            )
            for k in range(9)
        )
        loop = For(i, body)
        assert vector_shape(loop, AVX512) is not None
        assert can_be_written_out(loop)
        assert vector_shape(For(i, body[:3]), AVX512) is None
        kernel = kernel_of([loop], [out, x, y], () if known else (N,))
        run_both(kernel, [dtype] * 3, {N: n}, [630, 640, 260])


def test_stores_of_many_that_meet():
    i = fresh_index("i", 32)
    out, x = fresh_buffer("out", F32), fresh_buffer("x", F32)
    for apart, fine in ((32, True), (31, False), (0, True)):
        body = tuple(Store(out, add(apart * k, i), Load(x, i) * k) for k in range(9))
        assert can_be_written_out(For(i, body)) is fine
        run_both(kernel_of([For(i, body)], [out, x], ()), [F32, F32], {}, [300, 32])


@pytest.mark.parametrize("n", [0, 3, 16, 40])
def test_one_question_for_all_turns(n: int):
    """Such as whether a row lies in the padding: nothing outside of the other is read."""
    r, c = fresh_index("r", 5), fresh_index("c", N)
    out, x = fresh_buffer("out", F32), fresh_buffer("x", F32)
    row = add(r, -1)
    inside = apply(Prim.AND, index_scalar(row) >= 0, index_scalar(row) < 3)
    value = Guard(inside, Load(x, add(mul(row, N), c)), literal(0.5, F32))
    loop = For(c, (Store(out, add(mul(r, N), c), value),))
    kernel = kernel_of([For(r, (loop,))], [out, x])
    assert kernel_code(kernel, AVX512).work == "vectors"
    run_both(kernel, [F32, F32], {N: n}, [5 * n, 3 * n])
    # What is stored changes the answer.
    value = Guard(Load(out, 1) > 2.0, literal(0, F32), Load(x, c))
    kernel = kernel_of([For(c, (Store(out, c, value),))], [out, x])
    run_both(kernel, [F32, F32], {N: n}, [n + 2, n])


def test_rows():
    """An inner loop over rows that are not as long as vectors, at offsets that are not either."""
    m = named_symbol("m")
    for rows, columns in ((3, 17), (5, 64), (2, 100), (4, 1), (3, 0), (0, 5)):
        r = fresh_index("r", N)
        c = fresh_index("c", m)
        out, x, bias = fresh_buffer("out", F32), fresh_buffer("x", F32), fresh_buffer("b", F32)
        place: Size = add(mul(r, m), c)
        value = Load(x, place) + Load(bias, r)
        kernel = kernel_of([For(r, (For(c, (Store(out, place, value),)),))], [out, x, bias], (N, m))
        lengths = [rows * columns, rows * columns, rows]
        run_both(kernel, [F32, F32, F32], {N: rows, m: columns}, lengths)


def test_a_long_chain_in_several_copies():
    i = fresh_index("i", N)
    out, x = fresh_buffer("out", F32), fresh_buffer("x", F32)
    value: Scalar = Load(x, i)
    for k in range(6):
        value = apply(Prim.TANH, value * (0.7 + k / 8) + 0.25)
    kernel = kernel_of([For(i, (Store(out, i, value),))], [out, x])
    (loop,) = kernel.body
    assert isinstance(loop, For)
    shape = vector_shape(loop, AVX512)
    assert shape is not None
    assert shape.lanes == 16
    assert shape.copies >= 4
    for n in (5, 100, 1000):
        run_both(kernel, [F32, F32], {N: n}, [n, n])


def test_what_runs_in_vectors_here():
    i = fresh_index("i", N)
    out, x = fresh_buffer("out", F64), fresh_buffer("x", F32)
    v = Load(x, i)
    simple = For(i, (Store(out, i, v.cast(F64)),))
    assert vector_shape(simple, AVX512) == VectorShape(8, 1)
    assert vector_shape(simple, AVX2) is None
    far = For(i, (Store(out, i, Load(x, mul(2, i)).cast(F64)),))
    back = For(i, (Store(out, mul(-1, i), v.cast(F64)),))
    branch = For(i, (Store(out, i, Guard(v > 0.0, v, -v).cast(F64)),))
    total = fresh_local("t", F32)
    sums = For(i, (Accumulate(total, Prim.ADD, v),))
    for loop in (far, back, branch, sums, For(i, (simple,)), For(i, (Assign(total, v),))):
        assert vector_shape(loop, AVX512) is None
    held = For(i, (Store(out, i, Read(total).cast(F64)),))
    assert vector_shape(held, AVX512) is not None


def test_short_sums_run_in_vectors():
    """What has few turns would be unrolled before anything is made a vector."""
    x, total, other = fresh_buffer("x", F32), fresh_local("t", F32), fresh_local("u", F64)

    def sum_of(count: Size, step: int = 1) -> For:
        i = fresh_index("i", count)
        return For(i, (Accumulate(total, Prim.ADD, Load(x, add(3, mul(step, i)))),))

    assert sum_shape(sum_of(64), AVX512) == VectorShape(16, 4)
    assert sum_shape(sum_of(48), AVX512) == VectorShape(16, 1)
    assert sum_shape(sum_of(300), AVX512) == VectorShape(16, 4)
    assert sum_shape(sum_of(64), AVX2) == VectorShape(8, 4)
    for loop in (sum_of(10), sum_of(N), sum_of(5000), sum_of(64, 2)):
        assert sum_shape(loop, AVX512) is None
    i = fresh_index("i", 64)
    wide = For(i, (Accumulate(other, Prim.ADD, Load(x, i).cast(F64)),))
    assert sum_shape(wide, AVX512) == VectorShape(8, 4)
    out = fresh_buffer("out", F32)
    kernel = kernel_of(
        [Assign(total, literal(0, F32)), sum_of(64), Store(out, 0, Read(total))], [out, x]
    )
    text = with_metadata(emit_kernel(kernel, AVX512)[0])
    assert text.count("unroll.disable") == 1


def test_what_a_loop_reads_of_what_it_writes():
    i = fresh_index("i", N)
    out, x = fresh_buffer("out", F32), fresh_buffer("x", F32)
    here, ahead, behind = Load(out, i), Load(out, add(i, 3)), Load(out, add(i, -1))
    in_place = For(i, (Store(out, i, here * 2 + Load(x, i)), Store(out, i, here + here)))
    forward = For(i, (Store(out, i, ahead + Load(x, 0)),))
    for loop in (in_place, forward):
        assert can_be_written_out(loop)
        for n in (3, 16, 50):
            run_both(kernel_of([loop], [out, x]), [F32, F32], {N: n}, [n + 3, n])
    # The next turn reads what this one writes; another one would write between.
    assert not can_be_written_out(For(i, (Store(out, i, behind),)))
    assert not can_be_written_out(For(i, (Store(out, i, here), Store(out, add(i, 1), here))))
    assert not can_be_written_out(For(i, (Store(out, i, Load(x, i)), Store(x, i, ahead))))


def test_numbers_of_elements():
    """Integers that depend on the index, also by quotients, and on what is known outside."""
    i = fresh_index("i", N)
    out, count, large = fresh_buffer("out", I64), fresh_buffer("n", I64), fresh_buffer("outl", I32)
    size: Size = add(mul(3, i), floordiv(i, 7), mul(-2, mod(i, 4)), N)
    value = FromIndex(size) + Load(count, 0)
    body = (Store(out, i, value), Store(large, i, select(value > 9, value, -value).cast(I32)))
    kernel = kernel_of([For(i, body)], [out, large, count])
    assert "<8 x i64>" in emit_kernel(kernel, AVX512)[0]
    for n in (5, 8, 61):
        run_both(kernel, [I64, I32, I64], {N: n}, [n, n, 1])


def test_vectors_need_no_passes_of_llvm():
    i, r = fresh_index("i", N), fresh_index("r", 5)
    out, x, total = fresh_buffer("out", F32), fresh_buffer("x", F32), fresh_local("t", F32)
    rows = For(r, (For(i, (Store(out, add(i, mul(r, N)), Load(x, i)),)),))
    assert kernel_code(kernel_of([rows], [out, x]), AVX512).work == "vectors"
    assert kernel_code(kernel_of([rows], [out, x]), AVX2).work == "loops"
    sums = [Assign(total, literal(0, F32)), For(i, (Accumulate(total, Prim.ADD, Load(x, i)),))]
    kernel = kernel_of([*sums, Store(out, 0, Read(total))], [out, x])
    assert kernel_code(kernel, AVX512).work == "loops"

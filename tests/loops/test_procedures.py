"""Procedures: written, printed, verified, interpreted, and as machine code."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from agnesi.codegen.llvm.emit import emit_kernel
from agnesi.core.dtypes import F32, F64, DType
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import fresh_index, named_symbol
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import (
    Assign,
    Call,
    For,
    Foreign,
    Kernel,
    Load,
    Procedure,
    Read,
    Scalar,
    Store,
    apply,
    fresh_buffer,
    fresh_local,
    literal,
)
from agnesi.loops.passes.expand_math import expand_math
from agnesi.loops.prims import Prim
from agnesi.loops.procedures import Code, choose, double
from agnesi.loops.text import kernel_text, procedure_text
from agnesi.loops.verify import verify_kernel
from agnesi.runtime.machine import load

N = named_symbol("n")
I = fresh_index("i", N)
VALUES = np.array([0.0, 1.0, 2.0, 5.5, 30.0])


@double
def harmonic(code: Code, n: Scalar) -> Scalar:
    total = code.variable("total", literal(0.0, F64))
    with code.repeat(n > 0.0):
        code.set(total, total + 1.0 / n)
        code.set(n, n - 1.0)
    return total


@double
def near(code: Code, n: Scalar) -> Scalar:
    """Its error, and 0 for large numbers: calls another procedure and a function."""
    found = code.variable("found", n.like(0.0))
    with code.when(n < 10.0):
        code.set(found, harmonic(n) - apply(Prim.LOG, n + 1.0))
    return choose(found > 0.0, found, 0.0)


def exact(n: float) -> float:
    terms = [1 / (n - k) for k in range(int(np.ceil(n)))]
    return sum(terms) - np.log(n + 1) if n < 10 else 0.0


def kernel_for(dtype: DType) -> Kernel:
    x, out = fresh_buffer("x", dtype), fresh_buffer("out", dtype)
    body = (For(I, (Store(out, I, near(Load(x, I))),)),)
    return Kernel("k", (out, x), (N,), body, frozenset({out}))


@pytest.mark.parametrize("dtype", [F32, F64])
def test_interpreter_and_machine_code_agree(dtype: DType):
    kernel = kernel_for(dtype)
    verify_kernel(kernel)
    expected = np.array([exact(v) for v in VALUES])
    out, x = np.zeros(VALUES.size, dtype.numpy), VALUES.astype(dtype.numpy)
    interpret(kernel, dict(zip(kernel.buffers, (out, x), strict=True)), {N: x.size})
    np.testing.assert_allclose(out, expected, rtol=1e-6 if dtype is F32 else 1e-14)

    expanded = expand_math(kernel)
    verify_kernel(expanded, native=True)
    text, needs = emit_kernel(expanded)
    assert sum("define internal" in t for t in needs) == (2 if dtype is F64 else 3)
    text = text.replace("define internal", "define").replace("@k", "@call")
    loaded = load("\n".join([*needs, text, "attributes #0 = { nounwind }"]))
    compiled = np.zeros_like(out)
    pointer: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    pointer(loaded.address)(compiled.ctypes.data, x.ctypes.data, x.size)
    np.testing.assert_allclose(compiled, out, rtol=1e-6 if dtype is F32 else 1e-14)


def test_text():
    kernel = kernel_for(F64)
    assert kernel_text(kernel).endswith("out[i] = near_f64(x[i])")
    statement = kernel.body[0]
    assert isinstance(statement, For) and isinstance(statement.body[0], Store)
    call = statement.body[0].value
    assert isinstance(call, Call)
    assert procedure_text(call.procedure) == (
        "procedure near_f64(n: f64)\n"
        "  found = 0.0\n"
        "  if n < 10.0:\n"
        "    found = harmonic_f64(n) - log(n + 1.0)\n"
        "  return found if (found > 0.0) else 0.0"
    )


def test_what_a_procedure_may_not_do():
    x, y = fresh_local("x", F64), fresh_local("y", F64)
    memory = fresh_buffer("memory", F64)
    bad = {
        "reads y before": Procedure("bad", (x,), (), Read(y)),
        "loads from memory": Procedure("bad", (x,), (), Load(memory, 0)),
        "calls a C function": Procedure("bad", (x,), (Foreign("f", (), None),), Read(x)),
        "the value of y is f32": Procedure("bad", (x,), (Assign(y, literal(1.0, F32)),), Read(y)),
    }
    for words, procedure in bad.items():
        value = Call(procedure, (literal(1.0, F64),))
        out = fresh_buffer("out", F64)
        kernel = Kernel("k", (out,), (), (Store(out, 0, value),), frozenset({out}))
        with pytest.raises(CompilerBug, match=words):
            verify_kernel(kernel)
    with pytest.raises(CompilerBug, match="takes"):
        Call(next(iter(bad.values())), (literal(1.0, F32),))

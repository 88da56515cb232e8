"""Every primitive as machine code gives, to the last bit, what the interpreter gives."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
import pytest

from agnesi.codegen.llvm.emit import emit_kernel
from agnesi.core.dtypes import (
    BOOL,
    F32,
    F64,
    I64,
    INTEGERS,
    REALS,
    WIDE_FLOATS,
    DType,
    finfo,
)
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import fresh_index, named_symbol
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import (
    Buffer,
    For,
    Kernel,
    Load,
    Scalar,
    Store,
    apply,
    fresh_buffer,
    index_scalar,
    select,
)
from agnesi.loops.passes.expand_math import expand_math
from agnesi.loops.prims import COMPARISONS, MATH, NATIVE, Prim
from agnesi.loops.verify import verify_kernel
from agnesi.runtime.machine import Loaded, load

Array = np.ndarray[Any, np.dtype[Any]]

ONE = (Prim.NEG, Prim.ABS, Prim.NOT, Prim.SQRT, Prim.FLOOR, Prim.CEIL, Prim.TRUNC, Prim.RINT)
NUMBERS = (Prim.ADD, Prim.SUB, Prim.MUL)
OF_FLOATS = {Prim.DIV, Prim.SQRT, Prim.FLOOR, Prim.CEIL, Prim.TRUNC, Prim.RINT, Prim.COPYSIGN}
OF_INTEGERS = {Prim.FLOORDIV, Prim.MOD, Prim.SHL, Prim.SHR}
OF_BITS = {Prim.AND, Prim.OR, Prim.XOR, Prim.NOT}
N = named_symbol("n")


def dtypes_of(prim: Prim) -> tuple[DType, ...]:
    if prim in OF_FLOATS or prim in MATH:
        return WIDE_FLOATS
    if prim in OF_INTEGERS:
        return INTEGERS
    if prim in OF_BITS:
        return (BOOL, *INTEGERS)
    if prim in COMPARISONS or prim in (Prim.MIN, Prim.MAX):
        return (BOOL, *INTEGERS, *WIDE_FLOATS)
    return (*INTEGERS, *WIDE_FLOATS)


def interesting(dtype: DType) -> Array:
    """Return values at which something happens."""
    if dtype is BOOL:
        return np.array([False, True])
    if dtype.is_integer:
        limits = np.iinfo(dtype.numpy)
        near = [0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 100, limits.max, limits.max - 1, limits.min]
        if dtype.is_signed:
            near += [-1, -2, -7, -8, -100, limits.min + 1]
        return np.array([n for n in near if limits.min <= n <= limits.max], dtype.numpy)
    limits = finfo(dtype)
    sizes = [0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 127.5, 255.7, 32768.0, 2.0**31, 2.0**63, 2.0**64, 1e30]
    sizes += [float(limits.tiny), float(limits.smallest_subnormal), float(limits.max), np.inf]
    sizes += [float(limits.eps), 1 + float(limits.eps), 1 / 3, 1e-3, 0.1]
    if dtype is F64:
        # Numbers that lie at, or a hair from, the middle of two halves and of two floats.
        sizes += [1 + 2.0**-11, 1 + 2.0**-11 + 2.0**-40, 1 + 3 * 2.0**-11 - 2.0**-40, 65519.999999]
        sizes += [1 + 2.0**-24, 1 + 3 * 2.0**-24, 2.0**-25, 2.0**-25 + 2.0**-60, 65520.0, 2.0**-133]
    with np.errstate(over="ignore"):
        return np.array([*sizes, *(-s for s in sizes), np.nan], dtype.numpy)


def kernel_of(name: str, value: Scalar, loads: list[Buffer]) -> Kernel:
    """Return ``for i < n: out[i] = value`` with loads at ``I``."""
    out = fresh_buffer("out", value.dtype)
    body = (For(I, (Store(out, I, value),)),)
    return Kernel(name, (out, *loads), (N,), body, frozenset({out}))


I = fresh_index("i", N)


@cache
def cases() -> dict[str, tuple[Kernel, tuple[DType, ...]]]:
    """Return a kernel for each primitive and dtype, and the dtypes of its buffers."""
    found: dict[str, tuple[Kernel, tuple[DType, ...]]] = {}

    def add(name: str, kinds: tuple[DType, ...], value: Any) -> None:
        buffers = [fresh_buffer("xyz"[k], kind) for k, kind in enumerate(kinds)]
        scalar = value(*(Load(b, I) for b in buffers))
        kernel = expand_math(kernel_of(name, scalar, buffers))
        verify_kernel(kernel, native=True)
        found[name] = kernel, (scalar.dtype, *kinds)

    for prim in Prim:
        if prim in (Prim.SELECT, Prim.CAST, Prim.BITCAST, Prim.FMA):
            continue
        two = prim not in ONE and (prim in NATIVE or prim in (Prim.POW, Prim.ATAN2, Prim.FMOD))
        for dtype in dtypes_of(prim):
            kinds = (dtype,) * (1 + two)
            add(f"{prim.value}_{dtype}", kinds, lambda *x, p=prim: apply(p, *x))
    for dtype in WIDE_FLOATS:
        add(f"fma_{dtype}", (dtype,) * 3, lambda *x: apply(Prim.FMA, *x))
    for a in REALS:
        add(f"select_{a}", (BOOL, a, a), select)
        for b in REALS:
            if a is not b:
                add(f"cast_{a}_{b}", (a,), lambda x, b=b: x.cast(b))
                if a.bits == b.bits and BOOL not in (a, b):
                    add(f"bitcast_{a}_{b}", (a,), lambda x, b=b: x.bitcast(b))
    add("index", (I64,), lambda x: x + index_scalar(I))
    return found


@cache
def native() -> Loaded:
    """Compile all of them in one module."""
    declared: dict[str, None] = {}
    texts: list[str] = []
    for kernel, _ in cases().values():
        text, needs = emit_kernel(kernel)
        texts.append(text.replace("define internal", "define", 1))
        declared.update(needs)
    entry = "define void @call() {\n  ret void\n}"
    attributes = "attributes #0 = { nounwind noinline }"
    return load("\n\n".join([*declared, *texts, entry, attributes]), level=2)


def run_native(kernel: Kernel, arrays: list[Array], n: int) -> None:
    address = native().engine.get_function_address(kernel.name)
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arrays), ctypes.c_int64)(address)
    function(*(a.ctypes.data for a in arrays), n)


@pytest.mark.parametrize("name", cases())
def test_native_code_is_what_its_kernel_says(name: str):
    kernel, (result, *kinds) = cases()[name]
    values = [interesting(k) for k in kinds]
    if len(kinds) == 3 and kinds[0].is_float:
        # Triples whose product and sum round, and nearly cancel, more often than not.
        random = np.random.default_rng(3)
        a, b = (random.standard_normal(400).astype(kinds[0].numpy) for _ in range(2))
        few = values[0][::3]
        grid = [g.ravel() for g in np.meshgrid(few, few, few)]
        with np.errstate(all="ignore"):
            extra = [a, b, -(a * b) * random.choice([1, 1, 1e-9, 1e9], 400).astype(a.dtype)]
        arrays = [np.concatenate(pair) for pair in zip(grid, extra, strict=True)]
    else:
        arrays = [g.ravel() for g in np.meshgrid(*values)]
    n = arrays[0].size
    arrays = [np.ascontiguousarray(a) for a in arrays]
    found, wanted = np.zeros(n, result.numpy), np.zeros(n, result.numpy)
    run_native(kernel, [found, *arrays], n)
    interpret(kernel, dict(zip(kernel.buffers, [wanted, *arrays], strict=True)), {N: n})
    with np.errstate(invalid="ignore"):
        same = found == wanted
        if result.is_float:
            same = (same & (np.signbit(found) == np.signbit(wanted))) | (
                np.isnan(found) & np.isnan(wanted)
            )
    wrong = np.flatnonzero(~same)[:5]
    report = [([a[k] for a in arrays], found[k], wanted[k]) for k in wrong]
    assert not report, report


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("prim", [Prim.FLOORDIV, Prim.MOD])
def test_quotients_beside_integers(prim: Prim, dtype: DType):
    """Of numbers that are just above and just below multiples of the divisor."""
    kernel, _ = cases()[f"{prim.value}_{dtype}"]
    limits = np.iinfo(dtype.numpy)
    random = np.random.default_rng(5)
    shifts = random.integers(0, dtype.bits - 1, 3000).astype(dtype.numpy)
    b = random.integers(1, limits.max, 3000, dtype.numpy) >> shifts
    b = np.maximum(b, 1).astype(dtype.numpy)
    a = random.integers(0, limits.max, 3000, dtype.numpy) // b * b
    a = np.concatenate([a, a + 1, np.maximum(a, 1) - 1]).astype(dtype.numpy)
    b = np.concatenate([b, b, b])
    if dtype.is_signed:
        a, b = a * random.choice([-1, 1], a.size), b * random.choice([-1, 1], b.size)
    a, b = a.astype(dtype.numpy), b.astype(dtype.numpy)
    found = np.zeros_like(a)
    run_native(kernel, [found, a, b], a.size)
    wanted = np.floor_divide(a, b) if prim is Prim.FLOORDIV else np.mod(a, b)
    np.testing.assert_array_equal(found, wanted)


def test_the_math_of_kernels_agrees_with_numpy():
    """What is expanded, interpreted, is near NumPy's function of a wider dtype."""
    for prim in (Prim.EXP, Prim.TANH, Prim.SIGMOID, Prim.ERF, Prim.SOFTPLUS, Prim.CBRT):
        for dtype in (F32, F64):
            kernel, _ = cases()[f"{prim.value}_{dtype}"]
            x = np.linspace(-3, 3, 31).astype(dtype.numpy)
            expanded, plain = np.zeros_like(x), np.zeros_like(x)
            out, operand = kernel.buffers
            interpret(kernel, {out: expanded, operand: x}, {N: 31})
            direct = kernel_of("plain", apply(prim, Load(operand, I)), [operand])
            interpret(direct, {direct.buffers[0]: plain, operand: x}, {N: 31})
            np.testing.assert_array_max_ulp(expanded, plain, 4)


def test_what_is_not_native_has_no_spelling():
    x = fresh_buffer("x", F32)
    with pytest.raises(CompilerBug, match="loops/math"):
        emit_kernel(kernel_of("k", apply(Prim.EXP, Load(x, I)), [x]))

"""The expansion of elementary functions, evaluated by NumPy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

from agnesi.core.dtypes import F32, F64, I64, WIDE_FLOATS, DType
from agnesi.core.errors import CompilerBug
from agnesi.dims.dim import add, fresh_index, fresh_symbol, named_symbol, value_of
from agnesi.loops.interpret import interpret
from agnesi.loops.math.expand import expand, expand_scalar
from agnesi.loops.nodes import (
    Apply,
    Call,
    For,
    Guard,
    Kernel,
    Literal,
    Load,
    Procedure,
    Scalar,
    Store,
    apply,
    fresh_buffer,
    literal,
)
from agnesi.loops.prims import MATH, NATIVE, Prim
from agnesi.loops.traverse import children_of, walk_scalars

mp: Any = importlib.import_module("mpmath")
Array = np.ndarray[Any, np.dtype[Any]]
Domain = Callable[[DType, np.random.Generator], tuple[Array, ...]]

BINARY = {Prim.POW, Prim.ATAN2, Prim.FMOD}
PRIMS = [p for p in Prim if p in MATH]
EVERY = pytest.mark.parametrize(
    ("prim", "dtype"), [pytest.param(p, d, id=f"{p.value}-{d}") for p in PRIMS for d in WIDE_FLOATS]
)


# ------------------------------------------------------------------- evaluation by NumPy


def fma_f32(a: Array, b: Array, c: Array) -> Array:
    """One rounding: the product is exact in f64, and the sum is rounded to odd there."""
    product, addend = a.astype(np.float64) * b, c.astype(np.float64)
    total = product + addend
    part = total - product
    lost = (product - (total - part)) + (addend - part)
    even = (total.view(np.int64) & 1) == 0
    inexact = (lost != 0) & np.isfinite(total) & even
    total = np.where(inexact, np.nextafter(total, np.where(lost > 0, np.inf, -np.inf)), total)
    return total.astype(np.float32)


def fma_f64(a: Array, b: Array, c: Array) -> Array:
    """One rounding nearly always: the product's and the sum's errors are added last."""
    exponents = np.frexp(a)[1], np.frexp(b)[1]
    fine = (np.abs(exponents[0]) < 900) & (np.abs(exponents[1]) < 900)
    fine &= exponents[0] + exponents[1] > -900
    product = a * b
    high_a, high_b = _upper(a), _upper(b)
    low_a, low_b = a - high_a, b - high_b
    error = ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b
    total = product + c
    part = total - product
    lost = (product - (total - part)) + (c - part)
    rest = lost + error
    fine &= np.isfinite(rest) & (rest != 0)
    return np.where(fine, total + rest, total)


def _upper(x: Array) -> Array:
    return (x.view(np.int64) & ~((1 << 27) - 1)).view(np.float64)


NUMPY: dict[Prim, Callable[..., Any]] = {
    Prim.ADD: np.add,
    Prim.SUB: np.subtract,
    Prim.MUL: np.multiply,
    Prim.DIV: np.divide,
    Prim.NEG: np.negative,
    Prim.ABS: np.abs,
    Prim.EQ: np.equal,
    Prim.NE: np.not_equal,
    Prim.LT: np.less,
    Prim.LE: np.less_equal,
    Prim.GT: np.greater,
    Prim.GE: np.greater_equal,
    Prim.AND: np.bitwise_and,
    Prim.OR: np.bitwise_or,
    Prim.XOR: np.bitwise_xor,
    Prim.NOT: np.invert,
    Prim.SHL: np.left_shift,
    Prim.SHR: np.right_shift,
    Prim.SELECT: np.where,
    Prim.SQRT: np.sqrt,
    Prim.RINT: np.rint,
    Prim.TRUNC: np.trunc,
    Prim.MIN: np.minimum,
    Prim.MAX: np.maximum,
    Prim.COPYSIGN: np.copysign,
}


def evaluate(root: Scalar, given: dict[Scalar, Array]) -> Array:
    values = dict(given)
    stack = [root]
    with np.errstate(all="ignore"):
        while stack:
            scalar = stack[-1]
            needed = needed_by(scalar)
            waiting = [c for c in needed if c not in values]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if scalar not in values:
                values[scalar] = compute(scalar, [values[c] for c in needed])
    return values[root]


def needed_by(scalar: Scalar) -> tuple[Scalar, ...]:
    """Return what is computed for every element; a guarded call is made where it is asked for."""
    if isinstance(scalar, Guard):
        assert isinstance(scalar.value, Call)
        return (scalar.condition, scalar.otherwise, *scalar.value.operands)
    return children_of(scalar)


def call(procedure: Procedure, operands: list[Array]) -> Array:
    """Run a procedure on each element by the interpreter of kernels."""
    size, count = named_symbol("n"), operands[0].size
    index = fresh_index("i", size)
    buffers = tuple(fresh_buffer("x", p.element) for p in procedure.parameters)
    value = Call(procedure, tuple(Load(b, index) for b in buffers))
    out = fresh_buffer("out", value.dtype)
    body = (For(index, (Store(out, index, value),)),)
    kernel = Kernel("k", (out, *buffers), (size,), body, frozenset({out}))
    result = np.zeros(count, value.dtype.numpy)
    interpret(kernel, dict(zip(kernel.buffers, (result, *operands), strict=True)), {size: count})
    return result


def compute(scalar: Scalar, operands: list[Array]) -> Array:
    match scalar:
        case Literal(bits, to):
            return np.array([bits], f"u{max(to.bytes, 1)}").view(to.numpy)
        case Apply(Prim.FMA, _, to):
            wide = np.broadcast_arrays(*operands)
            wide = [np.ascontiguousarray(o) for o in wide]
            return fma_f32(*wide) if to is F32 else fma_f64(*wide)
        case Apply(Prim.CAST, _, to):
            return operands[0].astype(to.numpy)
        case Apply(Prim.BITCAST, _, to):
            return operands[0].view(to.numpy)
        case Apply(prim, _, to):
            result = NUMPY[prim](*operands)
            assert result.dtype == to.numpy, scalar
            return result
        case Guard(_, Call(procedure, _)):
            condition, otherwise, *given = np.broadcast_arrays(*operands)
            result = otherwise.copy()
            result[condition] = call(procedure, [g[condition] for g in given])
            return result
        case _:
            raise AssertionError(scalar)


def run(prim: Prim, dtype: DType, *arguments: Any) -> Array:
    loads = [Load(fresh_buffer("x", dtype), 0) for _ in arguments]
    values = [np.atleast_1d(np.asarray(a, dtype.numpy)) for a in arguments]
    given: dict[Scalar, Array] = dict(zip(loads, values, strict=True))
    return evaluate(expand(prim, tuple(loads)), given)


# ----------------------------------------------------------------------------- accuracy


def either_sign(low: float, high: float, count: int = 150) -> Domain:
    """Draw sizes evenly over exponents."""

    def draw(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
        size = np.exp2(rng.uniform(low, high, count))
        return ((size * rng.choice([-1.0, 1.0], count)).astype(dtype.numpy),)

    return draw


def within(low: float, high: float, count: int = 150) -> Domain:
    def draw(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
        return (rng.uniform(low, high, count).astype(dtype.numpy),)

    return draw


def all_positive(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    low, high = (-149, 127.9) if dtype is F32 else (-1074, 1023.9)
    return (np.exp2(rng.uniform(low, high, 200)).astype(dtype.numpy),)


def whole_exp(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    low, high = (-103.9, 88.7) if dtype is F32 else (-745, 709.7)
    return (rng.uniform(low, high, 200).astype(dtype.numpy),)


def whole_sinh(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    high = 89.4 if dtype is F32 else 710.4
    return (rng.uniform(-high, high, 200).astype(dtype.numpy),)


def tail_of_erfc(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    return (rng.uniform(-3, 10 if dtype is F32 else 26.5, 200).astype(dtype.numpy),)


def near_multiples(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    return ((rng.integers(-(2**20), 2**20, 200) * (np.pi / 2)).astype(dtype.numpy),)


def powers(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    """Draw pairs whose powers spread over the whole range."""
    low, high = (-149, 127.9) if dtype is F32 else (-1074, 1023.9)
    x = np.concatenate([np.exp2(rng.uniform(-100, 100, 100)), rng.uniform(0.9, 1.1, 100)])
    x = x.astype(dtype.numpy)
    y = rng.uniform(low, high, 200) / np.log2(x.astype(np.float64))
    return x, y.astype(dtype.numpy)


def pairs(dtype: DType, rng: np.random.Generator) -> tuple[Array, ...]:
    return (*either_sign(-30, 30)(dtype, rng), *either_sign(-30, 30)(dtype, rng))


SMALL = either_sign(-100, 1)
# Domains, the largest error in units of the last place for f32 and f64.
ACCURACY: dict[Prim, tuple[float, float, tuple[Domain, ...]]] = {
    Prim.EXP: (1.5, 1.5, (whole_exp, SMALL)),
    Prim.EXP2: (1.5, 1.5, (whole_exp, SMALL)),
    Prim.EXPM1: (1.5, 1.5, (whole_exp, SMALL)),
    Prim.LOG: (1.5, 1.5, (all_positive, within(0.5, 2))),
    Prim.LOG2: (1.5, 1.5, (all_positive, within(0.5, 2))),
    Prim.LOG10: (1.5, 1.5, (all_positive, within(0.5, 2))),
    Prim.LOG1P: (1.5, 1.5, (all_positive, within(-1, 2), SMALL)),
    Prim.SIN: (2.0, 2.0, (either_sign(-30, 29), near_multiples, within(-4, 4))),
    Prim.COS: (2.0, 2.0, (either_sign(-30, 29), near_multiples, within(-4, 4))),
    Prim.TAN: (2.5, 2.5, (either_sign(-30, 29), near_multiples, within(-4, 4))),
    Prim.ASIN: (2.5, 2.5, (within(-1, 1), either_sign(-30, 0))),
    Prim.ACOS: (2.5, 2.5, (within(-1, 1), either_sign(-30, 0))),
    Prim.ATAN: (2.0, 2.0, (within(-3, 3), either_sign(-100, 100))),
    Prim.ATAN2: (2.0, 2.0, (pairs,)),
    Prim.SINH: (2.5, 2.5, (whole_sinh, within(-2, 2), SMALL)),
    Prim.COSH: (2.5, 2.5, (whole_sinh, within(-2, 2))),
    Prim.TANH: (1.6, 1.6, (within(-10, 10), within(-1, 1), SMALL)),
    Prim.ASINH: (2.5, 2.5, (either_sign(-100, 100), within(-2, 2))),
    Prim.ACOSH: (2.5, 2.5, (within(1, 1.5), within(1, 1000))),
    Prim.ATANH: (2.5, 2.5, (within(-1, 1), either_sign(-100, 0))),
    Prim.SIGMOID: (2.5, 2.5, (within(-100, 20), within(-4, 4))),
    Prim.SOFTPLUS: (2.0, 2.0, (within(-100, 20), within(-4, 4))),
    Prim.ERF: (1.6, 1.6, (within(-6, 6), within(-1.5, 1.5), SMALL)),
    Prim.ERFC: (4.0, 4.0, (tail_of_erfc, within(-1, 1))),
    Prim.POW: (1.0, 1.2, (powers,)),
    Prim.CBRT: (1.0, 1.0, (all_positive, either_sign(-3, 3))),
    Prim.FMOD: (0.0, 0.0, (pairs,)),
}


def exact_value(prim: Prim, x: Any, y: Any = None) -> Any:
    match prim:
        case Prim.EXP2:
            return mp.mpf(2) ** x
        case Prim.LOG2:
            return mp.log(x) / mp.log(2)
        case Prim.SIGMOID:
            return 1 / (1 + mp.exp(-x))
        case Prim.SOFTPLUS:
            return mp.log1p(mp.exp(x))
        case Prim.POW:
            return x**y
        case Prim.CBRT:
            return mp.sign(x) * mp.cbrt(abs(x))
        case Prim.FMOD:
            return mp.sign(x) * mp.fmod(abs(x), abs(y))
        case Prim.ATAN2:
            return mp.atan2(x, y)
        case _:
            return getattr(mp, prim.value)(x)


def errors_in_ulps(got: Array, prim: Prim, dtype: DType, arguments: tuple[Array, ...]) -> Array:
    """Return distances from the exact values, in spacings of the dtype there."""
    precision, lowest = (24, -149) if dtype is F32 else (53, -1074)
    result: list[float] = []
    with mp.workdps(60):
        for value, *x in zip(got, *arguments, strict=True):
            wanted = exact_value(prim, *(mp.mpf(float(a)) for a in x))
            exponent = mp.frexp(abs(wanted))[1] - precision if wanted else lowest
            spacing = mp.ldexp(1, max(exponent, lowest))
            result.append(float(abs(mp.mpf(float(value)) - wanted) / spacing))
    return np.array(result)


@EVERY
def test_accuracy(prim: Prim, dtype: DType):
    *bounds, domains = ACCURACY[prim]
    rng = np.random.default_rng(20260101)
    for domain in domains:
        arguments = domain(dtype, rng)
        errors = errors_in_ulps(run(prim, dtype, *arguments), prim, dtype, arguments)
        worst = int(np.argmax(errors))
        assert errors[worst] <= bounds[WIDE_FLOATS.index(dtype)], [
            float(a[worst]) for a in arguments
        ]


# ------------------------------------------------------------------------ special values


def sigmoid(x: Array) -> Array:
    """SciPy's own for f32 loses subnormal results."""
    return scipy.special.expit(x.astype(np.float64)).astype(x.dtype)


def softplus(x: Array) -> Array:
    return np.logaddexp(x, np.zeros_like(x))


REFERENCE: dict[Prim, Callable[..., Any]] = {
    Prim.ASIN: np.arcsin,
    Prim.ACOS: np.arccos,
    Prim.ATAN: np.arctan,
    Prim.ATAN2: np.arctan2,
    Prim.ASINH: np.arcsinh,
    Prim.ACOSH: np.arccosh,
    Prim.ATANH: np.arctanh,
    Prim.POW: np.power,
    Prim.SIGMOID: sigmoid,
    Prim.SOFTPLUS: softplus,
    Prim.ERF: scipy.special.erf,
    Prim.ERFC: scipy.special.erfc,
}
# Large arguments of sin, cos and tan are left out: see trigonometric.py.
PERIODIC = {Prim.SIN, Prim.COS, Prim.TAN}


def special_values(prim: Prim, dtype: DType) -> tuple[Array, ...]:
    limits = np.finfo(dtype.numpy)
    sizes = [0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 100.0, float(limits.tiny)]
    sizes += [float(limits.smallest_subnormal), np.inf]
    if prim not in PERIODIC:
        sizes += [1e30, float(limits.max)]
    if prim is Prim.FMOD and dtype is F64:
        sizes = [s for s in sizes if s == 0 or 1e-9 < s < 1e60 or s == np.inf]
    values = np.array([*sizes, *(-s for s in sizes), np.nan], dtype.numpy)
    if prim in BINARY:
        x, y = np.meshgrid(values, values)
        return x.ravel(), y.ravel()
    return (values,)


@EVERY
def test_special_values(prim: Prim, dtype: DType):
    arguments = special_values(prim, dtype)
    reference = REFERENCE.get(prim) or getattr(np, prim.value)
    with np.errstate(all="ignore"):
        wanted = reference(*arguments)
        got = run(prim, dtype, *arguments)
        same = (got == wanted) & (np.signbit(got) == np.signbit(wanted))
        same |= np.isnan(got) & np.isnan(wanted)
        close = np.isfinite(wanted) & (wanted != 0)
        close &= np.abs(got - wanted) <= 4 * np.spacing(np.abs(wanted))
    wrong = np.flatnonzero(~(same | close))
    report = [(*(float(a[i]) for a in arguments), got[i], wanted[i]) for i in wrong]
    assert not report


def test_signs_of_zero_stay():
    odd = [p for p in PRIMS if p.value in {"sin", "tan", "asin", "atan", "sinh", "tanh", "asinh"}]
    odd += [Prim.ATANH, Prim.EXPM1, Prim.LOG1P, Prim.ERF, Prim.CBRT]
    for prim in odd:
        for dtype in WIDE_FLOATS:
            zeros = run(prim, dtype, [0.0, -0.0])
            assert (zeros == 0).all()
            assert np.signbit(zeros).tolist() == [False, True], prim


def test_exp_overflows_and_fades_where_it_should():
    largest, smallest = np.float32(88.72283), np.float32(-103.27893)
    values = [largest, np.nextafter(largest, np.float32(99)), smallest, -103.98, -87.5]
    got = run(Prim.EXP, F32, values)
    assert got[0] > 3.4e38
    assert got[1] == np.inf
    assert got[2] == np.float32(1e-45)
    assert got[3] == 0
    assert got[4] == pytest.approx(np.exp(-87.5), rel=1e-6)  # pyright: ignore[reportUnknownMemberType]


def test_exact_results():
    integers = np.arange(-149, 128)
    assert (run(Prim.EXP2, F32, integers) == np.exp2(integers, dtype=np.float64)).all()
    integers = np.arange(-1074, 1024)
    assert (run(Prim.LOG2, F64, np.exp2(integers, dtype=np.float64)) == integers).all()
    cubes = np.arange(1, 100) ** 3
    for dtype in WIDE_FLOATS:
        assert (run(Prim.CBRT, dtype, cubes) == np.arange(1, 100)).all()
        assert (run(Prim.POW, dtype, np.arange(1, 100), 2.0) == np.arange(1, 100) ** 2).all()


def test_sin_stays_within_one():
    near = np.pi / 2 + np.linspace(-1e-3, 1e-3, 20001)
    for dtype in WIDE_FLOATS:
        assert run(Prim.SIN, dtype, near).max() <= 1
        assert run(Prim.COS, dtype, near - np.pi / 2).max() <= 1


def test_trigonometric_functions_of_huge_numbers_stay_bounded():
    huge = np.array([1e15, 3e20, 1e38])
    for dtype in WIDE_FLOATS:
        for prim in (Prim.SIN, Prim.COS):
            assert (np.abs(run(prim, dtype, huge)) <= 1).all()
        assert np.isfinite(run(Prim.TAN, dtype, huge)).all()


def test_fmod_of_any_two_f32():
    rng = np.random.default_rng(1)
    x, y = np.exp2(rng.uniform(-149, 127.9, (2, 2000))).astype(np.float32)
    assert (run(Prim.FMOD, F32, x, y) == np.fmod(x, y)).all()


@pytest.mark.parametrize("ratio", [(-20, 49), (49, 55), (40, 800)])
def test_fmod_of_f64_whatever_the_quotient(ratio: tuple[int, int]):
    rng = np.random.default_rng(1)
    # The ends of the range are left to machine code: the sum above is not exact there.
    y = np.exp2(rng.uniform(-400, 0, 300))
    x = y * np.exp2(rng.uniform(*ratio, 300))
    assert (run(Prim.FMOD, F64, x, y) == np.fmod(x, y)).all()


# ------------------------------------------------------------------------ form and walks


@EVERY
def test_every_function_becomes_native(prim: Prim, dtype: DType):
    loads = [Load(fresh_buffer("x", dtype), 0) for _ in range(2 if prim in BINARY else 1)]
    expanded = expand(prim, tuple(loads))
    assert expanded.dtype is dtype
    for scalar in walk_scalars([expanded]):
        # A remainder of a large quotient takes a loop.
        assert not isinstance(scalar, Guard) or (prim, dtype) == (Prim.FMOD, F64)
        if isinstance(scalar, Apply):
            assert scalar.prim in NATIVE
            # Conversions between float and integer keep loops from being vectorised.
            if scalar.prim is Prim.CAST:
                assert scalar.operands[0].dtype.is_float
                assert scalar.dtype.is_float


def test_natives_and_integers_are_refused():
    x = literal(1.0, F32)
    with pytest.raises(CompilerBug, match="native"):
        expand(Prim.ADD, (x, x))
    with pytest.raises(CompilerBug, match="dtypes"):
        expand(Prim.EXP, (literal(1, I64),))


def unary(prim: Prim, x: Scalar) -> Scalar:
    return apply(prim, x)


def prims_of(root: Scalar) -> set[Prim]:
    return {s.prim for s in walk_scalars([root]) if isinstance(s, Apply)}


def test_expand_scalar_reaches_everything():
    x = Load(fresh_buffer("x", F32), 0)
    inner = unary(Prim.LOG, x)
    root = Guard(x > 0.0, unary(Prim.EXP, inner), unary(Prim.SIN, inner)) + inner
    expanded = expand_scalar(root)
    assert prims_of(expanded) <= NATIVE
    assert any(isinstance(s, Guard) for s in walk_scalars([expanded]))
    assert expand_scalar(expanded) is expanded


def test_expand_scalar_reaches_values_in_offsets():
    position = unary(Prim.EXP, literal(1.0, F32)).cast(I64)
    load = Load(fresh_buffer("x", F32), add(fresh_symbol("n"), value_of(position)))
    expanded = expand_scalar(load)
    assert isinstance(expanded, Load)
    assert not isinstance(expanded.offset, int)
    (term,) = expanded.offset.values
    assert isinstance(term, Scalar)
    assert prims_of(term) <= NATIVE


def test_expand_scalar_keeps_what_has_no_function():
    x = Load(fresh_buffer("x", F64), fresh_symbol("n"))
    root = x * 2.0 + 1.0
    assert expand_scalar(root) is root


def test_expand_scalar_of_a_deep_expression():
    x: Scalar = Load(fresh_buffer("x", F32), 0)
    for _ in range(3000):
        x = unary(Prim.EXP2, x) + 1.0
    assert prims_of(expand_scalar(x)) <= NATIVE

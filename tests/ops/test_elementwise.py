"""Element-wise functions that are not one op each, and what the derived tests cannot reach."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import BF16, REALS, DType
from agnesi.graph.leaves import new_input
from agnesi.testing import assert_close, check_gradient, interpreted
from agnesi.testing.cases import type_of
from agnesi.testing.evaluators import looped, native

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.graph.leaves import Input

Array = np.ndarray[Any, np.dtype[Any]]

NAN, INF = float("nan"), float("inf")
SHAPES = ((), (5,), (0,), (2, 3), (3, 0, 2))
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3e5, -3e5, INF, -INF, NAN])

NUMPYS = [d for d in REALS if d is not BF16]
WHOLE = "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"


def _numpys(function: Callable[..., Any], arrays: tuple[Array, ...]) -> list[Array]:
    """Return NumPy's results."""
    return [np.asarray(r) for r in _results(function(*arrays))]


def _results(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _check(
    ours: Callable[..., Any],
    numpys: Callable[..., Any],
    cases: list[tuple[Array, ...]],
    tolerance: float = 4.0,
    scale: float = 0.0,
) -> None:
    """Hold a function against NumPy's on several groups of arrays, compiled together."""
    inputs: list[list[Input]] = []
    outputs: list[ag.Tensor] = []
    expected: list[Array] = []
    for arrays in cases:
        leaves = [new_input(None, type_of(array, "n")) for array in arrays]
        inputs.append(leaves)
        outputs.extend(_results(ours(*leaves)))
        with np.errstate(all="ignore"):
            expected.extend(_numpys(numpys, arrays))
    flat = [array for arrays in cases for array in arrays]
    for evaluate in (interpreted, native):
        found = evaluate([leaf for leaves in inputs for leaf in leaves], outputs)(flat)
        for k, (actual, wanted) in enumerate(zip(found, expected, strict=True)):
            what = f"{evaluate.__name__}, result {k}"
            assert_close(actual, wanted, tolerance, scale=scale, what=what, signed_zero=True)


def _floats(low: float = -3, high: float = 3) -> list[tuple[Array, ...]]:
    random = np.random.default_rng(1)
    cases: list[tuple[Array, ...]] = [
        (np.asarray(random.uniform(low, high, shape), kind),)
        for shape in SHAPES
        for kind in (np.float32, np.float64)
    ]
    with np.errstate(all="ignore"):
        return [*cases, (SPECIAL,), (SPECIAL.astype(np.float32),)]


def _integers() -> list[tuple[Array, ...]]:
    found: list[tuple[Array, ...]] = []
    for name in WHOLE:
        kind = DType(name).numpy
        ends = np.iinfo(kind)
        found.append((np.array([0, 1, 5, 15, 25, 99, ends.min, ends.max], kind),))
    return found


# Name: NumPy's function, and whether it takes integers and bools.
UNARY: dict[str, tuple[Callable[..., Any], bool]] = {
    "rint": (np.rint, True),
    "fix": (np.trunc, True),
    "around": (np.round, False),
    "fabs": (np.fabs, True),
    "deg2rad": (np.deg2rad, True),
    "radians": (np.radians, True),
    "rad2deg": (np.rad2deg, True),
    "degrees": (np.degrees, True),
    "modf": (np.modf, True),
    "frexp": (np.frexp, True),
    "isposinf": (np.isposinf, True),
    "isneginf": (np.isneginf, True),
    "nan_to_num": (np.nan_to_num, True),
    "bitwise_not": (np.bitwise_not, True),
    "invert": (np.invert, True),
}


@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("bitwise_not", "invert")])
def test_functions_of_floats(name: str):
    _check(getattr(ag, name), UNARY[name][0], _floats())


@pytest.mark.parametrize("name", [n for n, (_, whole) in UNARY.items() if whole])
def test_functions_of_integers_and_bools(name: str):
    bools = (np.array([True, False]),)
    _check(getattr(ag, name), UNARY[name][0], [*_integers(), bools])


@pytest.mark.parametrize("decimals", [0, 1, 2, 5, -1, -2])
def test_round_to_decimals(decimals: int):
    cases = [*_floats(-2000, 2000), (np.array([1.25, 1.35, 2.675, -0.5, 0.05, 15, 25]),)]
    _check(lambda x: ag.round(x, decimals), lambda x: np.round(x, decimals), cases)
    whole = [(np.array([0, 5, 15, 25, 49, 50, 51, 99], DType(n).numpy),) for n in WHOLE]
    _check(lambda x: ag.round(x, decimals), lambda x: np.round(x, decimals), whole)


@pytest.mark.parametrize("decimals", [1.5, 400, ag.constant(1)])
def test_round_says_what_decimals_are(decimals: Any):
    with pytest.raises(ag.GraphTypeError, match="decimals is a known integer"):
        ag.round(ag.vector(), decimals)


PAIRS = [
    (np.array(7.0), np.array(-2.0)),
    (np.array([[7.0], [-7.0]], np.float32), np.array([2.0, -2.0, 0.0, INF], np.float32)),
    (np.array([[0.0], [-0.0], [INF], [-INF], [NAN], [5.0]]), np.array([0.0, -0.0, INF, NAN, 2])),
    (np.zeros((0, 3)), np.ones(3)),
    (np.array([[7], [-7], [0]]), np.array([2, -2, 0, 5])),
    (np.array([[200], [7], [0]], np.uint8), np.array([2, 0, 5], np.uint8)),
    (np.array([-128, -128, 127], np.int8), np.array([-1, 0, -1], np.int8)),
    (np.array([7, -7], np.int32), np.array([2.0, -2.0], np.float32)),
]
WHOLE_PAIRS = [pair for pair in PAIRS if all(a.dtype.kind in "iu" for a in pair)]
BINARY = {
    "divmod": (np.divmod, PAIRS),
    "true_divide": (np.true_divide, PAIRS),
    "float_power": (np.float_power, PAIRS),
    "floor_divide": (np.floor_divide, PAIRS),
    "mod": (np.mod, PAIRS),
    "left_shift": (np.left_shift, WHOLE_PAIRS[1:2]),
    "right_shift": (np.right_shift, WHOLE_PAIRS[1:2]),
    "heaviside": (np.heaviside, PAIRS),
    "hypot": (np.hypot, PAIRS),
    "logaddexp": (np.logaddexp, PAIRS),
    "logaddexp2": (np.logaddexp2, PAIRS),
    "fmax": (np.fmax, PAIRS[:2] + PAIRS[3:]),
    "fmin": (np.fmin, PAIRS[:2] + PAIRS[3:]),
    "gcd": (np.gcd, WHOLE_PAIRS),
    "lcm": (np.lcm, WHOLE_PAIRS),
    "copysign": (np.copysign, PAIRS),
    "nextafter": (np.nextafter, PAIRS),
    "logical_and": (np.logical_and, PAIRS),
    "logical_or": (np.logical_or, PAIRS),
    "logical_xor": (np.logical_xor, PAIRS),
    "isclose": (np.isclose, PAIRS),
}


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two(name: str):
    numpys, pairs = BINARY[name]
    _check(getattr(ag, name), numpys, list(pairs))


def _random_bits(kind: Any, count: int) -> Array:
    word = np.uint32 if kind is np.float32 else np.uint64
    ends = np.iinfo(word)
    return np.random.default_rng(2).integers(0, ends.max, count, word, endpoint=True).view(kind)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["frexp", "modf", "spacing", "signbit"])
def test_any_bits_of_floats(name: str, kind: Any):
    bits = _random_bits(kind, 20_000)
    with np.errstate(all="ignore"):
        small = np.ldexp(_random_bits(kind, 2_000), -np.finfo(kind).maxexp * 2 + 40)
    _check(getattr(ag, name), getattr(np, name), [(bits,), (small,)], 0)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_neighbours_of_any_floats(kind: Any):
    x, y = _random_bits(kind, 20_000), _random_bits(kind, 20_000)[::-1].copy()
    _check(ag.nextafter, np.nextafter, [(x, y)], 0)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_powers_of_two_are_rounded_once(kind: Any):
    random = np.random.default_rng(3)
    x = _random_bits(kind, 20_000)
    exponents = random.integers(-2200, 2200, x.size)
    near = random.integers(-1100, -900, x.size)
    # From every number into the subnormal ones, where the last bits are rounded away.
    with np.errstate(all="ignore"):
        down = (np.finfo(kind).minexp - np.frexp(x)[1] - random.integers(-2, 54, x.size)).astype(
            np.int32
        )
    far = np.array([2**62, -(2**62), 2**31, -(2**31)])
    cases: list[tuple[Array, ...]] = [(x, exponents), (x, near), (x, down), (x[:4], far)]
    with np.errstate(all="ignore"):
        _check(ag.ldexp, np.ldexp, cases, 0)


def test_quotients_of_any_size_are_rounded_down():
    random = np.random.default_rng(6)
    cases: list[tuple[Array, ...]] = []
    for kind, most in ((np.float32, 127), (np.float64, 1023)):
        signs = random.choice([-1.0, 1.0], (2, 4000))
        x, y = (signs * np.exp2(random.uniform(-most, most, (2, 4000)))).astype(kind)
        whole = (signs * random.integers(1, 10**6, (2, 4000))).astype(kind)
        x[:1000] = _random_bits(kind, 1000)
        y[:1000] = _random_bits(kind, 2000)[1000:]
        y[1000:1100] = np.finfo(kind).smallest_subnormal * random.integers(1, 99, 100)
        limits = np.finfo(kind).max, INF, -INF, 1.0
        cases += [
            (x, y),
            (whole[0], whole[1]),
            (np.array([limits], kind).T, np.array(limits, kind)),
        ]
    _check(ag.floor_divide, np.floor_divide, cases, 1)
    _check(ag.fmod, np.fmod, cases, 0)
    # NumPy's own rounds once more where the signs differ, as ours does.
    _check(ag.remainder, np.remainder, cases, 0)


def test_ldexp_takes_what_numpy_takes():
    for x in NUMPYS:
        for exponent in NUMPYS:
            given = np.ones(2, x.numpy), np.ones(2, exponent.numpy)
            try:
                expected = np.ldexp(*given).dtype
            except TypeError:
                with pytest.raises(ag.GraphTypeError, match="an exponent is an integer"):
                    ag.ldexp(*given)
            else:
                assert ag.ldexp(*given).dtype.numpy == expected, (x, exponent)
    with pytest.raises(ag.GraphTypeError, match="an exponent is an integer"):
        ag.ldexp(ag.vector(), 1.5)
    assert ag.ldexp(3, 2).eval() == 12


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_hypot_neither_overflows_nor_underflows(kind: Any):
    limits = np.finfo(kind)
    sides = np.array(
        [limits.max / 2, limits.max, limits.tiny, limits.smallest_subnormal, 3 * limits.tiny, 1, 0],
        kind,
    )
    x, y = np.meshgrid(sides, sides)
    wide = np.longdouble if kind is np.float64 else np.float64
    _check(ag.hypot, lambda a, b: np.hypot(a.astype(wide), b.astype(wide)).astype(kind), [(x, y)])


def test_divisors_of_any_integers():
    pairs: dict[str, tuple[Array, ...]] = {}
    alone: dict[str, tuple[Array, ...]] = {}
    random = np.random.default_rng(4)
    for name in WHOLE:
        kind = DType(name).numpy
        ends = np.iinfo(kind)
        x, y = random.integers(ends.min, ends.max, (2, 3000), kind, endpoint=True)
        common = random.integers(1, 12, 3000).astype(kind)
        x = np.concatenate([x, x // 99 * common])
        y = np.concatenate([y, y // 99 * common])
        pairs[name], alone[name] = (x, y), (x,)
    _check(ag.gcd, np.gcd, list(pairs.values()), 0)
    _check(ag.lcm, np.lcm, [pairs["i8"], pairs["u16"], pairs["i64"]], 0)
    _check(ag.bitwise_count, np.bitwise_count, list(alone.values()), 0)


def test_divisors_of_neighbouring_fibonacci_numbers():
    numbers = [1, 2]
    while numbers[-1] + numbers[-2] < 2**64:
        numbers.append(numbers[-1] + numbers[-2])
    x, y = np.array(numbers[1:], np.uint64), np.array(numbers[:-1], np.uint64)
    ends = np.array([2**64 - 1, 2**63, 2**64 - 2, 2**63], np.uint64)
    _check(ag.gcd, np.gcd, [(x, y), (ends, ends[::-1].copy())], 0)


def _second(function: Callable[..., Any], y: Any) -> Callable[..., Any]:
    return lambda x: function(x, y)


COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]


@pytest.mark.parametrize("name", COMPARISONS)
def test_unsigned_and_signed_integers_are_compared_exactly(name: str):
    large = np.array([0, 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)
    signed = np.array([[-1], [0], [1], [2**53 + 1], [2**63 - 1], [-(2**63)]])
    cases: list[tuple[Array, ...]] = [
        (large, signed),
        (signed, large),
        (large, signed[:3].astype(np.int8)),
        (np.array([[-5], [5]], np.int16), large),
        (large[:0], signed[:1]),
    ]
    ours, numpys = getattr(ag, name), getattr(np, name)
    _check(ours, numpys, cases)
    for number in (-1, 0, 2**63, 2**64 - 1):
        _check(partial(ours, number), partial(numpys, number), [(large,)])
        _check(_second(ours, number), _second(numpys, number), [(large,)])
    floats = np.array([0.5, 2.0**53, -1.0, 2.0**63])
    _check(ours, numpys, [(large[:4], floats)])


def test_comparing_shapes_that_do_not_fit_names_the_function():
    with pytest.raises(ag.GraphTypeError, match="less: shapes") as caught:
        ag.less(ag.input("a", "u64[2]"), ag.input("b", "i8[3]"))
    assert "named a" in str(caught.value)


@pytest.mark.parametrize("equal_nan", [False, True])
def test_isclose(equal_nan: bool):
    x = np.array([1.0, 1.00001, 1.0001, INF, INF, NAN, NAN, 0.0, 1e-9, -1e-7])
    y = np.array([1.0, 1.0, 1.0, INF, -INF, NAN, 0.0, -0.0, 0.0, 0.0])
    named: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-7, "equal_nan": equal_nan}
    cases: list[tuple[Array, ...]] = [(x, y), (x.reshape(-1, 1), y), (x[:0], y[:0])]
    _check(lambda a, b: ag.isclose(a, b, **named), lambda a, b: np.isclose(a, b, **named), cases)
    _check(lambda a, b: ag.allclose(a, b, **named), lambda a, b: np.allclose(a, b, **named), cases)
    assert ag.allclose(ag.constant([1, 2]), [1, 2]).eval()
    limits = np.array([-128, 127], np.int8), np.array([127, -128], np.int8)
    _check(ag.isclose, np.isclose, [limits])


def test_numbers_in_place_of_nan():
    named: dict[str, Any] = {"nan": 7.0, "posinf": 8, "neginf": -9}
    _check(lambda x: ag.nan_to_num(x, **named), lambda x: np.nan_to_num(x, **named), _floats())
    x = ag.vector("x", dtype="f64")
    slope = ag.grad(ag.nan_to_num(x).sum(), x)
    assert slope.eval({x: [1.0, NAN, INF, -INF]}).tolist() == [1, 0, 0, 0]


def test_clip_by_any_names_of_limits():
    x = ag.vector("x")
    for named in ({"min": 0, "max": 1}, {"a_min": 0, "a_max": 1}, {"min": 0, "a_max": 1}):
        assert ag.clip(x, **named) is ag.clip(x, 0, 1)
    assert ag.clip(x) is x
    assert x.clip(0, 1) is ag.clip(x, 0, 1)
    assert x.round(2) is ag.round(x, 2)
    with pytest.raises(ag.GraphTypeError, match="two names of the same limit"):
        ag.clip(x, 0, a_min=0)


def test_clip_of_integers():
    x = np.array([0, 5, 200, 255], np.uint8)
    for low, high in ((-5, 300), (5, 300), (0, 100), (None, 100), (255, None), (-(10**30), 6)):
        limits = {"min": low, "max": high}
        _check(partial(ag.clip, **limits), partial(np.clip, **limits), [(x,)])
    for limit in (300, -1):
        with pytest.raises(ag.GraphTypeError, match="does not fit u8"):
            ag.clip(ag.vector(dtype="u8"), *((limit, None) if limit > 0 else (None, limit)))
    with pytest.raises(OverflowError):
        np.clip(x, 300, None)


def test_clip_by_arrays():
    x = np.array([[-2.0, 0.5, NAN, 7.0], [-INF, INF, 1.0, 3.0]], np.float32)
    low, high = np.array([[0.0], [2.0]], np.float32), np.array([1.0, 1.0, 1.0, NAN], np.float32)
    _check(ag.clip, np.clip, [(x, low, high)])


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _log_sigmoid(x: Array) -> Array:
    return -np.logaddexp(0, -x)


def _silu(x: Array) -> Array:
    return x * np.exp(_log_sigmoid(x))


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _fast(x: Array) -> Array:
    size = np.abs(x) / 2
    shape = np.select(
        [size < 1.7, size < 3],
        [1.5 * size / (1 + size), 0.935409070603099 + 0.0458812946797165 * (size - 1.7)],
        0.99505475368673,
    )
    return (np.copysign(shape, x) + 1) / 2


ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (ag.relu, lambda x: np.maximum(x, 0)),
    "relu with a slope": (lambda x: ag.relu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "relu with slopes": (
        lambda x: ag.relu(x, ag.constant(np.float64(2))),
        lambda x: np.where(x > 0, x, 2 * x),
    ),
    "leaky_relu": (ag.leaky_relu, lambda x: np.where(x > 0, x, 0.01 * x)),
    "elu": (ag.elu, _elu),
    "elu with a scale": (lambda x: ag.elu(x, 0.5), lambda x: _elu(x, 0.5)),
    "selu": (ag.selu, lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772)),
    "softsign": (ag.softsign, lambda x: x / (1 + np.abs(x))),
    "silu": (ag.silu, _silu),
    "swish": (ag.swish, _silu),
    "gelu": (ag.gelu, lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2),
    "gelu by tanh": (
        lambda x: ag.gelu(x, approximate=True),
        lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    ),
    "log_sigmoid": (ag.log_sigmoid, _log_sigmoid),
    "hard_sigmoid": (ag.hard_sigmoid, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    "ultra_fast_sigmoid": (ag.ultra_fast_sigmoid, _fast),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str):
    ours, formula = ACTIVATIONS[name]
    random = np.random.default_rng(5)
    for kind in ("f32", "f64"):
        x = ag.input("x", f"{kind}[n, m]")
        y = ours(x)
        for shape in ((3, 40), (0, 4)):
            array = random.uniform(-8, 8, shape).astype(x.dtype.numpy)
            expected = np.asarray(formula(array.astype(np.float64)))
            for evaluate in (interpreted, looped, native):
                found = evaluate([x], [y])([array])[0]
                assert found.shape == shape
                limit = 2e-6 if found.dtype == np.float32 else 4e-15
                assert (np.abs(found - expected) <= limit * np.maximum(1, abs(expected))).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_of_activations(name: str):
    points = np.array([-7.9, -5.1, -2.7, -1.3, -0.4, 0.2, 0.9, 2.1, 4.3, 7.7])
    check_gradient(ACTIVATIONS[name][0], points)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_far_out_have_finite_slopes(name: str):
    x = ag.vector("x")
    run = ag.function([x], [ACTIVATIONS[name][0](x), ag.grad(ACTIVATIONS[name][0](x).sum(), x)])
    values, slopes = run(np.array([-1000.0, -100.0, 0.0, 100.0, 1000.0], np.float32))
    assert np.isfinite(values).all(), values
    assert np.isfinite(slopes).all(), slopes


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_take_integers(name: str):
    found = ACTIVATIONS[name][0](ag.constant([-2, 0, 3]))
    expected = ACTIVATIONS[name][1](np.array([-2.0, 0.0, 3.0]))
    np.testing.assert_allclose(found.eval(), expected, rtol=1e-6, atol=1e-12)


def test_gelu_keeps_its_digits_where_it_is_small():
    x = np.array([-5.0, -10.0, -20.0])
    expected = [x[k] * math.erfc(-x[k] / math.sqrt(2)) / 2 for k in range(3)]
    np.testing.assert_allclose(ag.gelu(ag.constant(x)).eval(), expected, rtol=1e-13)


SMOOTH: dict[str, tuple[Callable[..., Any], list[Array]]] = {
    "modf": (lambda x: ag.modf(x)[0], [np.array([0.4, -2.6, 5.5])]),
    "frexp": (lambda x: ag.frexp(x)[0], [np.array([0.3, -2.6, 5.5])]),
    "deg2rad": (ag.deg2rad, [np.array([10.0, -20.0])]),
    "fabs": (ag.fabs, [np.array([1.0, -2.0])]),
    "float_power": (ag.float_power, [np.array([1.5, 2.5]), np.array([0.5, -2.5])]),
    "divmod": (lambda x, y: ag.divmod(x, y)[1], [np.array([7.3, -7.3]), np.array([2.0, 3.0])]),
    "clip": (lambda x: ag.clip(x, -1, 1), [np.array([-2.0, 0.5, 2.0])]),
    "ties": (ag.logaddexp, [np.array([1.0, 2.0]), np.array([1.0, 2.0])]),
    "sinc": (ag.sinc, [np.array([-2.3, -0.31, -0.2, -1e-3, 0.0, 1e-5, 0.1, 0.249, 0.251, 1.0])]),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes(name: str):
    function, arrays = SMOOTH[name]
    check_gradient(function, *arrays)


def test_slopes_at_corners():
    x, y = ag.scalar("x", dtype="f64"), ag.scalar("y", dtype="f64")
    cases: list[tuple[ag.Tensor, tuple[float, float], tuple[float, float]]] = [
        (ag.hypot(x, y), (0, 0), (0, 0)),
        (ag.fmax(x, y), (1, NAN), (1, 0)),
        (ag.fmax(x, y), (NAN, 1), (0, 1)),
        (ag.fmin(x, y), (2, 2), (0.5, 0.5)),
        (ag.fmin(x, y), (1, 2), (1, 0)),
        (ag.logaddexp(x, y), (-INF, -INF), (0.5, 0.5)),
        (ag.logaddexp(x, y), (INF, 1), (1, 0)),
        (ag.logaddexp2(x, y), (3, 3), (0.5, 0.5)),
        (ag.heaviside(x, y), (0, 4), (0, 1)),
        (ag.heaviside(x, y), (2, 4), (0, 0)),
        (ag.relu(x, y), (0, 4), (4, 0)),
        (ag.clip(x, 0, y), (0, 1), (0.5, 0)),
    ]
    for expression, point, expected in cases:
        slopes = ag.grad(expression, [x, y], disconnected="zero")
        found = ag.function([x, y], slopes, on_unused_input="ignore")(*map(np.float64, point))
        assert [float(s) for s in found] == list(expected), (expression.text(), found)


def test_select():
    x = np.array([[1.0, 5.0, 9.0, NAN]])
    low = np.array([[2.0], [6.0]], np.float32)

    def ours(x: Any, low: Any, lib: Any = ag) -> Any:
        return lib.select([x < low, x > 4, low > 3], [x, low, -1], 7)

    _check(ours, partial(ours, lib=np), [(x, low), (x[:, :0], low)])
    assert ag.select([ag.vector() > 0], [1]).dtype.value == "i64"
    check_gradient(lambda x: ag.select([x < 0, x < 1], [x, x * x], 3 * x), np.array([-1, 0.5, 2.0]))
    for conditions, choices in (([], []), ([True], [1, 2])):
        with pytest.raises(ag.GraphTypeError, match="one choice for each condition"):
            ag.select(conditions, choices)


def test_sinc():
    x = np.array(
        [0.0, 1e-30, 1e-8, 0.1, 0.2499, 0.25, 0.2501, 0.5, 1.0, 1.5, -2.25, 40.5, INF, NAN]
    )
    _check(ag.sinc, np.sinc, [(x,), (x.astype(np.float32),)], scale=0.05)
    _check(ag.sinc, np.sinc, [(np.arange(3),)], scale=0.05)
    for dtype in ("int8", "uint16", "bool"):
        _check(ag.sinc, np.sinc, [(np.arange(2).astype(dtype),)], scale=0.05)
    assert ag.sinc(2).dtype is ag.sinc(ag.vector().shape[0]).dtype is ag.float32


def test_piecewise():
    def other(x: Any, lib: Any = ag) -> Any:
        return lib.piecewise(x, [x < 0], [0.1, lambda v: v + 0.5])

    def nothing(x: Any, lib: Any = ag) -> Any:
        return lib.piecewise(x, [x < 0], [7])

    x = np.array([-2.0, -0.5, 0.0, 1.5, NAN])
    arrays = [(x,), (x.astype(np.float32),), (np.arange(-2, 3),), (x[:0],)]
    _check(other, partial(other, lib=np), arrays)
    _check(nothing, partial(nothing, lib=np), arrays)
    _check(
        lambda x: ag.piecewise(x, [x < 0, x > -1], [ag.negative, ag.square]),
        lambda x: np.piecewise(x, [x < 0, x > -1], [np.negative, np.square]),
        arrays,
    )
    check_gradient(other, x[:2])
    found = ag.piecewise(ag.constant([1.0, -2.0]), True, [lambda v, a, k: a * v + k], 3, k=1)
    assert found.eval().tolist() == [4, -5]
    with pytest.raises(ag.GraphTypeError, match="one function for each condition"):
        ag.piecewise(x, [x > 0, x < 0], [1])


def test_python_numbers_alone_are_float32():
    assert ag.deg2rad(180).dtype.value == "f32"
    assert ag.rint(2.5).eval() == 2
    assert ag.hypot(3, 4).dtype.value == "f32"
    assert ag.float_power(2, 0.5).dtype.value == "f64"
    assert ag.frexp(8)[1].eval() == 4

"""Result dtypes are NumPy 2's, for every pair of dtypes and beside every kind of Python number."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import ALL, BF16, BOOL, C64, C128, F16, F32, F64, I32, I64, INTEGERS, DType

PUBLIC = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "fmod",
    "power",
    "minimum",
    "maximum",
    "arctan2",
    "copysign",
    "equal",
    "less",
    "bitwise_and",
    "bitwise_xor",
    "bitwise_left_shift",
    "logical_and",
    "logaddexp",
    "logaddexp2",
    "hypot",
    "nextafter",
    "heaviside",
    "fmax",
    "fmin",
    "gcd",
    "lcm",
    "float_power",
    "isclose",
]
# NumPy itself promotes bf16 with few others.
NUMPYS = [d for d in ALL if d is not BF16]
# NumPy orders complex numbers by their real parts.
ORDERED = {"minimum", "maximum", "fmin", "fmax", "less", "max", "min", "argmax"}
# NumPy has int8 for these; arithmetic on bools is a mistake oftener than not.
NO_BOOLS = {"floor_divide", "remainder", "fmod", "power"}
NO_BOOL_SHIFTS = {"bitwise_left_shift"}


def _numpys(name: str, *values: object) -> np.dtype | None:
    """Return NumPy's result dtype, None where it raises."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            kind = getattr(np, name)(*values).dtype
        except TypeError:
            return None
    return kind


def _ours(name: str, *values: object) -> np.dtype | None:
    try:
        return getattr(ag, name)(*values).dtype.numpy
    except ag.GraphTypeError as error:
        assert "not defined for" in str(error)
        return None


def _ones(dtype: DType) -> np.ndarray:
    return np.ones(2, dtype.numpy)


@pytest.mark.parametrize("name", PUBLIC)
def test_pairs_of_dtypes(name: str):
    for a in NUMPYS:
        for b in NUMPYS:
            expected = _numpys(name, _ones(a), _ones(b))
            if a is b is BOOL and name in NO_BOOLS | NO_BOOL_SHIFTS:
                expected = None
            if name in ORDERED and (a.is_complex or b.is_complex):
                expected = None
            ours = _ours(name, ag.vector(dtype=a), ag.vector(dtype=b))
            assert ours == expected, (a, b)


@pytest.mark.parametrize("weak", [True, 3, 2.5, 1 + 2j])
@pytest.mark.parametrize("name", PUBLIC)
def test_python_numbers_are_weak(name: str, weak: complex):
    for a in NUMPYS:
        for swap in (False, True):
            values = (weak, _ones(a)) if swap else (_ones(a), weak)
            expected = _numpys(name, *values)
            if a is BOOL and weak is True and name in NO_BOOLS | NO_BOOL_SHIFTS:
                expected = None
            if name in ORDERED and (a.is_complex or isinstance(weak, complex)):
                expected = None
            x = ag.vector(dtype=a)
            assert _ours(name, *((weak, x) if swap else (x, weak))) == expected, (a, swap)


@pytest.mark.parametrize("dtype", NUMPYS)
def test_numpys_scalars_are_not_weak(dtype: DType):
    x = ag.vector(dtype="f32")
    assert (x + dtype.numpy.type(1)).dtype.numpy == np.result_type(np.float32, dtype.numpy)
    assert (dtype.numpy.type(1) + x).dtype.numpy == np.result_type(np.float32, dtype.numpy)
    assert (x + np.ones(1, dtype.numpy)).dtype.numpy == np.result_type(np.float32, dtype.numpy)


def test_choices_promote_their_values():
    c = ag.vector(dtype="bool")
    for a in NUMPYS:
        for b in NUMPYS:
            chosen = ag.where(c, ag.vector(dtype=a), ag.vector(dtype=b))
            assert chosen.dtype.numpy == np.result_type(a.numpy, b.numpy)
        for weak in (True, 3, 2.5):
            expected = np.where([True], _ones(a)[:1], weak).dtype
            assert ag.where(c, ag.vector(dtype=a), weak).dtype.numpy == expected
    assert ag.where(c, 1, 0).dtype is I64
    assert ag.where(c, 1.0, 0).dtype is F32
    assert ag.where(c, True, False).dtype is BOOL


@pytest.mark.parametrize("name", ["concatenate", "stack"])
def test_joins_promote(name: str):
    for a in NUMPYS:
        for b in NUMPYS:
            joined = getattr(ag, name)([ag.vector(dtype=a), ag.vector(dtype=b)])
            assert joined.dtype.numpy == np.result_type(a.numpy, b.numpy)


@pytest.mark.parametrize("name", ["matmul", "dot"])
def test_products_promote(name: str):
    for a in NUMPYS:
        for b in NUMPYS:
            product = getattr(ag, name)(ag.matrix(dtype=a), ag.matrix(dtype=b))
            assert product.dtype.numpy == np.result_type(a.numpy, b.numpy)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all", "argmax", "mean"])
def test_reductions(name: str):
    for a in NUMPYS:
        if a.is_complex and name in ORDERED:
            with pytest.raises(ag.GraphTypeError, match="not defined for c"):
                getattr(ag.vector(dtype=a), name)()
            continue
        expected = getattr(np, name)(_ones(a)).dtype
        assert getattr(ag.vector(dtype=a), name)().dtype.numpy == expected


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "log1p", "tanh", "floor", "absolute"])
def test_functions(name: str):
    for a in NUMPYS:
        assert _ours(name, ag.vector(dtype=a)) == _numpys(name, _ones(a)), a


def test_python_numbers_alone_take_the_defaults():
    assert ag.add(1, 2).dtype is I64
    assert ag.add(1, 2.0).dtype is F32
    assert ag.add(True, 2**63).dtype.numpy == np.uint64
    assert ag.divide(1, 2).dtype is F32
    assert ag.exp(ag.constant(1)).dtype is F64
    assert ag.constant(1.0).dtype is F32
    assert ag.constant([1, 2]).dtype is I64
    assert ag.constant(np.arange(3) > 1).dtype is BOOL


@pytest.mark.parametrize("value", [300, -1, 2**70])
def test_an_integer_that_does_not_fit_is_an_error(value: int):
    x = ag.vector(dtype="u8")
    with pytest.raises(ag.GraphTypeError, match="does not fit u8"):
        x + value
    with pytest.raises(ag.GraphTypeError, match="does not fit u8"):
        ag.full_like(x, value)


@pytest.mark.parametrize("value", [300, -1, 255])
def test_an_integer_that_does_not_fit_is_compared(value: int):
    x = np.array([0, 1, 255], np.uint8)
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        assert (getattr(ag, name)(x, value).eval() == getattr(np, name)(x, value)).all()
        assert (getattr(ag, name)(value, x).eval() == getattr(np, name)(value, x)).all()


def test_casts_between_all_dtypes():
    for a in NUMPYS:
        for b in NUMPYS:
            values = np.array([0, 1, 2, 100]).astype(a.numpy)
            if not (a.is_unsigned or a.is_bool or b.is_unsigned):
                values = np.append(values, -values)
            if a.is_inexact:
                values = np.append(values, values[1] / 2)
            result = ag.constant(values).astype(b).eval()
            assert result.dtype == b.numpy
            wanted = (np.real(values) if a.is_complex and not b.is_complex else values).astype(
                b.numpy
            )
            assert (result == wanted).all(), (a, b)


def test_bfloat16_stays_itself_beside_what_is_no_other_float():
    x = ag.vector(dtype="bf16")
    for other in (BOOL, *INTEGERS, BF16):
        assert (x + ag.vector(dtype=other)).dtype is BF16
        assert (ag.vector(dtype=other) * x).dtype is BF16
    for number in (True, 3, 2.5):
        assert (x + number).dtype is BF16
        assert (number / x).dtype is BF16
    pairs = {F16: F32, F32: F32, F64: F64, C64: C64, C128: C128}
    for other, common in pairs.items():
        assert (x + ag.vector(dtype=other)).dtype is common
        assert ag.where(ag.vector(dtype="bool"), ag.vector(dtype=other), x).dtype is common
    assert (x * 1j).dtype is C64
    assert (x == x).dtype is BOOL
    for name in ("exp", "sqrt", "floor", "sum", "max", "mean"):
        assert getattr(ag, name)(x).dtype is BF16
    assert (ag.vector(dtype="f16") + ag.vector(dtype="i32")).dtype is F64


def test_complex_numbers_alone_are_complex64():
    assert ag.constant(1j).dtype is C64
    assert ag.constant([1j, 2]).dtype is C64
    assert ag.constant(np.array([1j])).dtype is C128
    assert ag.add(1, 2j).dtype is C64
    assert (ag.vector(dtype="f32") * 1j).dtype is C64
    assert (ag.vector(dtype="i32") * 1j).dtype is C128
    assert ag.shared(1j).dtype is C64
    assert ag.complex(ag.vector(dtype=I32), 0).dtype is C128
    with pytest.raises(ag.GraphTypeError, match="complex numbers are no f32"):
        ag.constant(1j, "f32")

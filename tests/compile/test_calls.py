"""Ways to call a function: what native code takes itself is what the host code would make of it."""

from __future__ import annotations

import gc
import itertools
import sys
from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.compile.binder import Binder
from agnesi.core.dtypes import ALL, DType
from agnesi.core.errors import CallError

NUMBERS: list[Any] = [
    True, False, 0, 1, -1, 127, 128, -128, -129, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31),
    -(2**31) - 1, 2**32 - 1, 2**32, 2**24 + 1, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**63,
    2**64 - 1, 2**64, 10**30, 0.0, -0.0, 1.5, 0.1, -3e38, 3.4028236e38, 1e300, -1e300, 1e-45,
    5e-324, float("inf"), float("-inf"), float("nan"), 1 + 2j,
]  # fmt: skip


class Integer(int):
    """A class of its own."""


class Float(float):
    """A class of its own."""


def scalars() -> list[Any]:
    """Return what a user might pass for a number."""
    same = [d.numpy.type(3) for d in ALL] + [np.longlong(3), np.ulonglong(3), np.datetime64(3, "s")]
    edges = [np.float32(0.1), np.float64(0.1), np.int64(-(2**63)), np.uint64(2**64 - 1)]
    arrays = [np.array(v) for v in same[:6]] + [np.array(0.1, ">f4"), np.array([1.0])]
    others = [Integer(3), Float(1.5), "3", None, [2], [[2]]]
    return [*NUMBERS, *same, *edges, *arrays, *others]


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_numbers_become_what_the_host_makes_of_them(dtype: DType):
    x = ag.scalar("x", dtype=str(dtype))
    f = ag.function([x], ag.stack([x, x]), name="f")
    binder = f.request.binder
    taken = 0
    for value in scalars():
        try:
            want = np.asarray(binder(value)[0])
        except CallError as error:
            with pytest.raises(CallError) as caught:
                f(value)
            assert str(caught.value) == str(error)
            continue
        got = f(value)
        assert got.dtype == dtype.numpy
        assert got.tobytes() == want.tobytes() * 2, value
        taken += 1
    assert taken > 3


def test_which_numbers_need_no_host_code(monkeypatch: pytest.MonkeyPatch):
    functions: dict[str, Any] = {}
    for name in ("f32", "f64", "i64", "i8", "u8", "u64", "bool", "c128", "f16"):
        x = ag.scalar("x", dtype=name)
        functions[name] = ag.function([x], ag.stack([x, x]))
    asked: list[Any] = []

    def refuse(self: Binder, *args: Any, **named: Any) -> Any:
        asked.append(args)
        raise CallError("asked")

    monkeypatch.setattr(Binder, "__call__", refuse)
    native = {
        "f32": [1, -5, 2**40, 0.1, 1e300, np.float32(1), np.array(1, np.float32)],
        "f64": [1, 0.1, np.float64(1)],
        "i64": [1, -(2**63), np.int64(1)],
        "i8": [1, -128, 127, np.int8(1)],
        "u8": [0, 255, np.uint8(1)],
        "u64": [0, 2**63 - 1, np.uint64(2**64 - 1)],
        "bool": [True, False, np.True_],
        "c128": [np.complex128(1j)],
        "f16": [np.float16(1)],
    }
    for name, values in native.items():
        for value in values:
            functions[name](value)
    assert not asked
    host = {
        "f32": [2**70, np.float64(1), Float(1), True],
        "i64": [1.0, 2**63, np.int32(1)],
        "i8": [128, -129],
        "u8": [-1, 256],
        "u64": [-1, 2**63],
        "bool": [1],
        "c128": [1.0],
        "f16": [1.0],
    }
    for name, values in host.items():
        for value in values:
            with pytest.raises(CallError, match="asked"):
                functions[name](value)
    assert len(asked) == sum(len(v) for v in host.values())


def three() -> tuple[Any, Any]:
    """Return a function of three inputs, two of them with defaults, and what it computes."""
    a, b, c = ag.scalar("a"), ag.vector("b"), ag.scalar("c")
    f = ag.function(
        [a, ag.In(b, value=np.array([1, 2], np.float32)), ag.In(c, value=10, name="k")],
        a * 100 + b + c,
    )

    def g(a: Any, b: Any = (1.0, 2.0), k: Any = 10) -> Any:
        return np.float32(a) * 100 + np.array(b, np.float32) + np.float32(k)

    return f, g


def test_positions_keywords_and_defaults():
    f, g = three()
    given = {"a": 3.0, "b": np.array([5, 6], np.float32), "k": 7.0}
    for count in range(4):
        for names in itertools.chain.from_iterable(
            itertools.permutations(given, n) for n in range(4)
        ):
            args = list(given.values())[:count]
            named = {n: given[n] for n in names}
            try:
                want = g(*args, **named)
            except TypeError:
                with pytest.raises(CallError):
                    f(*args, **named)
                continue
            np.testing.assert_array_equal(f(*args, **named), want)


def test_positions_keywords_and_defaults_need_no_host_code(monkeypatch: pytest.MonkeyPatch):
    f, _ = three()

    def refuse(self: Binder, *args: Any, **named: Any) -> Any:
        raise CallError("asked")

    monkeypatch.setattr(Binder, "__call__", refuse)
    gc.collect()
    b = np.array([5, 6], np.float32)
    assert f(1).tolist() == [111, 112]
    assert f(a=1).tolist() == [111, 112]
    assert f(1, k=0).tolist() == [101, 102]
    assert f(k=0, b=b, a=1).tolist() == [105, 106]
    assert f(1, b).tolist() == [115, 116]
    for wrong in ({"z": 1}, {"a": 1}):
        with pytest.raises(CallError, match="asked"):
            f(1, **wrong)
    with pytest.raises(CallError, match="asked"):
        f()
    with pytest.raises(CallError, match="asked"):
        f(1, b, 2, 3)


def test_a_keyword_with_the_same_letters_elsewhere():
    a_long_name_of_an_input = ag.scalar("a_long_name_of_an_input")
    f = ag.function([a_long_name_of_an_input], a_long_name_of_an_input + 1)
    key = "".join(["a_long_name", "_of_an_input"])
    assert key is not sys.intern(key)
    assert f(**{key: 1.0}) == 2


def test_defaults_live_as_long_as_the_function():
    x, rate = ag.vector("x"), ag.scalar("rate")
    f = ag.function([x, ag.In(rate, value=0.5)], x * rate)
    call = f.native
    del f, x, rate
    gc.collect()
    for _ in range(100):
        np.testing.assert_array_equal(call(np.ones(3, np.float32)), np.full(3, 0.5, np.float32))


def test_a_scalar_and_an_array_that_needs_converting():
    """The whole call goes through the host, and the scalar is taken again."""
    x, rate = ag.vector("x"), ag.scalar("rate")
    f = ag.function([rate, x], x * rate)
    np.testing.assert_array_equal(f(2.0, [1, 2, 3]), np.array([2, 4, 6], np.float32))
    np.testing.assert_array_equal(f(x=[1, 2, 3], rate=2), np.array([2, 4, 6], np.float32))

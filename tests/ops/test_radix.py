"""Long lines are sorted by digits: as NumPy's stable sort, whatever the numbers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.testing import looped, native

if TYPE_CHECKING:
    from agnesi.testing import Evaluator

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = {"f32": "f4", "f64": "f8", "f16": "f2", "i64": "i8", "i16": "i2", "u8": "u1", "bool": "?"}
SHAPES: list[tuple[tuple[int, ...], int]] = [((200,), 0), ((3, 70), 1), ((66, 2), 0), ((64,), 0)]


def numbers(kind: str, shape: tuple[int, ...]) -> Array:
    """Return numbers many of which are equal, with special ones."""
    rng = np.random.default_rng(len(shape))
    values = np.round(rng.standard_normal(shape) * 20)
    if kind == "bool":
        return values > 5
    if kind[0] == "u":
        return np.abs(values).astype(DTYPES[kind])
    array = values.astype(DTYPES[kind])
    if kind[0] == "f":
        special = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, np.finfo(array.dtype).tiny]
        array.flat[: 4 * len(special) : 2] = special * 2
    else:
        limits = np.iinfo(array.dtype)
        array.flat[:4] = [limits.max, limits.min, limits.min, limits.max]
    return array


@pytest.mark.parametrize("evaluate", (native, looped), ids=lambda e: e.__name__)
@pytest.mark.parametrize("kind", DTYPES)
def test_as_numpys(kind: str, evaluate: Evaluator):
    for shape, axis in SHAPES if evaluate is native else SHAPES[1:2]:
        a = numbers(kind, shape)
        last = shape[axis] - 1
        falling = last - np.flip(np.argsort(np.flip(a, axis), axis, kind="stable"), axis)
        wanted = [np.argsort(a, axis, kind="stable"), falling, np.sort(a, axis)]
        for sizes in (shape, [f"n{k}" for k in range(len(shape))]):
            x = ag.input("x", f"{kind}[{', '.join(map(str, sizes))}]")
            built = [
                ag.argsort(x, axis),
                ag.argsort(x, axis, descending=True),
                ag.sort(x, axis),
            ]
            for found, expected in zip(evaluate([x], built)([a]), wanted, strict=True):
                np.testing.assert_array_equal(found, expected)


def test_many_numbers():
    a = np.random.default_rng(0).standard_normal(100_000)
    x = ag.input("x", "f64[n]")
    f = ag.function([x], [ag.sort(x), ag.topk(x, 5)[0], ag.sort((x * 100).astype("i64"))])
    rising, top, integers = f(a)
    np.testing.assert_array_equal(rising, np.sort(a))
    np.testing.assert_array_equal(top, np.sort(a)[:-6:-1])
    np.testing.assert_array_equal(integers, np.sort((a * 100).astype("i8")))

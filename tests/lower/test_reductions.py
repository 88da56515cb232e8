"""Reductions as loop nests: the same over any axes, however rows and columns are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.loops.nodes import ParallelFor
from agnesi.loops.traverse import walk_statements
from agnesi.lower import columns, positions, reductions
from agnesi.ops import scans
from agnesi.testing import looped, native

if TYPE_CHECKING:
    from agnesi.testing import Evaluator

evaluators = pytest.mark.parametrize("evaluate", (native, looped), ids=lambda e: e.__name__)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut small arrays as large ones are cut."""
    monkeypatch.setattr(columns, "BLOCK", 8)
    monkeypatch.setattr(columns, "_FEW", 2)
    monkeypatch.setattr(columns, "_BLOCKS", 3)
    monkeypatch.setattr(columns, "_CHUNK_ROWS", 8)
    monkeypatch.setattr(columns, "_NARROW", 8)
    monkeypatch.setattr(columns, "CHUNK", 32)
    monkeypatch.setattr(reductions, "SUM_BLOCK", 8)
    monkeypatch.setattr(reductions, "CHUNK", 16)
    monkeypatch.setattr(reductions, "_CHUNK_ROWS", 2)


PATTERNS: list[tuple[tuple[int, ...], Any]] = [
    ((37, 3), 0),
    ((21, 7), 0),
    ((9, 20), 0),
    ((40, 33), 0),
    ((5, 11, 6), 1),
    ((3, 9, 19), 1),
    ((4, 6, 5), (0, 1)),
    ((6, 5, 3), (0, 2)),
    ((3, 4, 5, 6), (0, 2)),
    ((3, 4, 5, 6), (1, 3)),
    ((2, 3, 4, 17), (0, 3)),
    ((2, 17, 3, 2), (1,)),
    ((3, 40), 1),
    ((50,), 0),
    ((4, 5, 6), (0, 1, 2)),
    ((0, 3), 0),
    ((3, 0), 0),
    ((3, 0), 1),
    ((1, 9, 1), 1),
]


def typed(name: str, kind: str, shape: tuple[int, ...], known: bool) -> Any:
    """Return an input of a shape, with its sizes known or not."""
    sizes = map(str, shape) if known else (f"n{k}" for k in range(len(shape)))
    return ag.input(name, f"{kind}[{', '.join(sizes)}]")


def some(shape: tuple[int, ...], kind: str, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return numbers of a dtype."""
    rng = np.random.default_rng(seed)
    if kind == "bool":
        return rng.random(shape) < 0.1
    if kind == "i32":
        return rng.integers(-9, 9, shape, np.int32)
    values = rng.standard_normal(shape)
    if kind == "c64":
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(np.dtype({"f32": "f4", "f64": "f8", "f16": "f2", "c64": "c8"}[kind]))


def close(found: Any, wanted: Any, error: float = 3e-5) -> None:
    """Check values, and their dtype."""
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=error, atol=error)


@evaluators
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(("shape", "axis"), PATTERNS, ids=str)
def test_any_axes(shape: tuple[int, ...], axis: Any, known: bool, evaluate: Evaluator):
    x, a = typed("x", "f32", shape, known), some(shape, "f32")
    row = np.linspace(0.5, 2, shape[-1], dtype=np.float32)
    built = [x.sum(axis), (x * row).sum(axis)]
    wanted = [a.sum(axis), (a * row).sum(axis)]
    if 0 not in shape:
        built.append(x.max(axis))
        wanted.append(a.max(axis))
    for found, expected in zip(evaluate([x], built)([a]), wanted, strict=True):
        close(found, expected)


@evaluators
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["bool", "i32", "f16", "f64", "c64"])
@pytest.mark.parametrize(("shape", "axis"), PATTERNS[::3], ids=str)
def test_dtypes(shape: tuple[int, ...], axis: Any, kind: str, evaluate: Evaluator):
    x, a = typed("x", kind, shape, known=len(shape) != 2), some(shape, kind)
    names = ["any", "all", "sum"] if kind == "bool" else ["sum", "prod"]
    names += ["max", "min"] if 0 not in shape and kind not in ("bool", "c64") else []
    found = evaluate([x], [getattr(ag, name)(x, axis) for name in names])([a])
    for name, actual in zip(names, found, strict=True):
        close(actual, getattr(np, name)(a, axis), 2e-3 if kind == "f16" else 3e-5)


@evaluators
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("shape", "axis"), PATTERNS[:12:3], ids=str)
def test_special_values(shape: tuple[int, ...], axis: Any, special: float, evaluate: Evaluator):
    x, a = typed("x", "f32", shape, known=False), some(shape, "f32")
    a.flat[a.size // 2] = special
    names = ["sum", "max", "min"]
    for name, found in zip(
        names, evaluate([x], [getattr(ag, n)(x, axis) for n in names])([a]), strict=True
    ):
        close(found, getattr(np, name)(a, axis))


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((3000, 70), 0), ((40_000, 3), 0), ((100, 5000), 0), ((7, 300, 64), 1), ((4, 17, 20_000), 1)],
    ids=str,
)
def test_large_ones(shape: tuple[int, ...], axis: Any, known: bool):
    x, a = typed("x", "f32", shape, known), some(shape, "f32")
    found = ag.function([x], [x.sum(axis), x.max(axis), x.mean(axis)])(a)
    wide = a.astype(np.float64)
    np.testing.assert_allclose(found[0], wide.sum(axis), rtol=1e-6, atol=1e-6 * shape[axis] ** 0.5)
    np.testing.assert_array_equal(found[1], a.max(axis))
    np.testing.assert_allclose(found[2], wide.mean(axis), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "axis"),
    [
        ("f32[n, m]", 0),
        ("f32[100000, 3]", 0),
        ("f32[n, 50000]", 0),
        ("f32[n, m, k]", 1),
    ],
)
def test_there_is_something_to_do_at_once(kind: str, axis: int):
    x = ag.input("x", kind)
    (kernel,) = ag.function([x], x.sum(axis)).kernels
    assert any(isinstance(s, ParallelFor) for s in walk_statements(kernel.body))


POSITIONS: list[tuple[tuple[int, ...], int]] = [
    ((5, 3), 1),
    ((4, 16), 1),
    ((3, 37), 1),
    ((70,), 0),
    ((9, 23), 0),
    ((3, 7, 5), 1),
    ((2, 3, 1), 2),
    ((1, 2, 3, 19), -1),
    ((3, 4, 5), 0),
    ((0, 3), 1),
]


@evaluators
@pytest.mark.parametrize("kind", ["f32", "f64", "i32", "bool", "f16"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_positions(kind: str, known: bool, evaluate: Evaluator, monkeypatch: pytest.MonkeyPatch):
    """Of equal elements the first counts, and of NaN."""
    monkeypatch.setattr(positions, "BLOCK", 8)
    monkeypatch.setattr(positions, "COLUMNS", 16)
    for shape, axis in POSITIONS:
        x = typed("x", kind, shape, known)
        function = evaluate([x], [x.argmax(axis), x.argmin(axis)])
        for case in range(4 if kind[0] == "f" else 2):
            a = some(shape, kind, case)
            if kind[0] == "f" and a.size:
                a = np.round(a)
                a.flat[:: [7, 1, 3, 2][case]] = [np.nan, np.inf, -np.inf, -0.0][case]
                if case == 0:
                    a.flat[0] = -np.inf
            for found, name in zip(function([a]), ("argmax", "argmin"), strict=True):
                np.testing.assert_array_equal(found, getattr(np, name)(a, axis), f"{shape} {name}")


def test_positions_in_long_rows():
    x, a = ag.input("x", "f32[n, m]"), some((6, 2000), "f32")
    f = ag.function([x], [x.argmax(1), x.argmin(0)])
    for k in range(6):
        a[k, [3, 255, 256, 1023, 1743, 1999][k]] = np.nan if k % 2 else 9
    a[4, 1800] = np.nan
    a[5, :] = -np.inf
    for found, wanted in zip(f(a), (a.argmax(1), a.argmin(0)), strict=True):
        np.testing.assert_array_equal(found, wanted)


SCANS: list[tuple[tuple[int, ...], int]] = [
    ((5, 3), 1),
    ((9, 20), 1),
    ((8, 7), 0),
    ((70,), 0),
    ((2, 45), 1),
    ((3, 3, 11), 2),
    ((2, 3, 19), 1),
    ((1, 33), 0),
    ((0, 3), 0),
    ((3, 0), 1),
    ((4, 1), 1),
]


@evaluators
@pytest.mark.parametrize("kind", ["f32", "f64", "i32", "c64"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_scans(kind: str, known: bool, evaluate: Evaluator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scans, "_CHUNK", 4)
    monkeypatch.setattr(scans, "_COLUMNS", 8)
    for shape, axis in SCANS:
        x, a = typed("x", kind, shape, known), some(shape, kind)
        names = ["cumsum", "cumprod", "cummax", "cummin"][: 2 if kind == "c64" else 4]
        built = [getattr(ag, name)(x, axis) for name in names]
        for name, found in zip(names, evaluate([x], built)([a]), strict=True):
            extreme = {"cummax": np.maximum, "cummin": np.minimum}.get(name)
            wanted = extreme.accumulate(a, axis) if extreme else getattr(np, name)(a, axis)
            np.testing.assert_allclose(found, wanted, 1e-5, 1e-5, err_msg=f"{shape} {axis} {name}")


def test_scans_of_long_rows():
    x, rows = ag.vector("x"), ag.input("rows", "f32[n, m]")
    a = np.random.default_rng(0).random(50_001, dtype=np.float32)
    f = ag.function([x, rows], [ag.cumsum(x), ag.cumsum(rows, 1), ag.cummax(x), ag.cumsum(rows, 0)])
    table = a[:50_000].reshape(10, 5000)
    found = f(a, table)
    np.testing.assert_allclose(found[0], a.astype("f8").cumsum(), rtol=1e-7)
    np.testing.assert_allclose(found[1], table.astype("f8").cumsum(1), rtol=1e-7)
    np.testing.assert_array_equal(found[2], np.maximum.accumulate(a))
    np.testing.assert_allclose(found[3], table.astype("f8").cumsum(0), rtol=1e-6)
    a[[3000, 20_000]] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(f(a, table)[0], a.astype("f8").cumsum(), rtol=1e-7)


@pytest.mark.parametrize("reduce", ["prod", "sum", "max"])
def test_few_rows_beside_axes_that_do_not_follow_each_other(reduce: str):
    a, b = ag.input("a", "f32[7, 5]"), ag.input("b", "f32[7, 7]")
    values = [
        np.random.default_rng(k).normal(size=s).astype("f4") for k, s in enumerate(((7, 5), (7, 7)))
    ]
    f = ag.function([a, b], getattr(a - ag.expand_dims(b, 2), reduce)(0))
    want = getattr(values[0] - values[1][:, :, None], reduce)(0)
    np.testing.assert_allclose(f(*values), want, rtol=1e-5, atol=1e-5)

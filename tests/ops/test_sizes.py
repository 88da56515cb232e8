"""Sizes as integers: arithmetic stays in the algebra of sizes, and weak."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import F32, F64, I8, I64, finfo
from agnesi.dims.dim import evaluate
from agnesi.graph.tensor import SizeValue
from agnesi.testing import interpreted, looped, native

X = ag.matrix("x")
N, M = X.shape
ARRAY = np.zeros((7, 3), np.float32)
KNOWN = dict(zip(X.type.shape, ARRAY.shape, strict=True))

EXPRESSIONS = [
    (N * 2 + 1, 15),
    (2 * N - M, 11),
    (N // 2, 3),
    (N % 4, 3),
    (-N, -7),
    (10 - N, 3),
    (ag.minimum(N, 3), 3),
    (ag.maximum(N, M), 7),
    (ag.minimum(5, N + M), 5),
    ((N + M) // 2 * 2, 10),
    (N * M, 21),
    (N - N, 0),
    (N + np.int64(1), 8),
    (X.size, 21),
]


@pytest.mark.parametrize(("size", "value"), EXPRESSIONS, ids=lambda v: None)
def test_sizes_fold(size: Any, value: int):
    assert isinstance(size, SizeValue)
    assert evaluate(size.extent, KNOWN) == value  # pyright: ignore[reportArgumentType]
    assert interpreted([X], [size])([ARRAY])[0] == value


def test_sizes_are_outputs():
    run = ag.function([X], [size for size, _ in EXPRESSIONS])
    found = run(ARRAY)
    assert [int(v) for v in found] == [value for _, value in EXPRESSIONS]
    assert {v.dtype for v in found} == {np.dtype(np.int64)}


def test_equal_sizes_are_one_object():
    assert N + M is M + N
    assert 2 * N is N + N
    assert (N + 1) * 2 - 2 is N * 2


@pytest.mark.parametrize(
    ("what", "value"),
    [
        (N // -2, -4),
        (N // ag.constant(2), 3),
        (N % -4, -1),
        (N / 2, 3.5),
        (N / M, 7 / 3),
        (N**2, 49),
        (abs(-N), 7),
        (N * 1.5, 10.5),
        (N * True, 7),
        (ag.sqrt(N * N), 7.0),
    ],
    ids=lambda v: None,
)
def test_the_rest_is_element_wise(what: ag.Tensor, value: float):
    assert not isinstance(what, SizeValue)
    np.testing.assert_allclose(interpreted([X], [what])([ARRAY])[0], value, rtol=1e-6)
    np.testing.assert_allclose(ag.function([X], what)(ARRAY), value, rtol=1e-6)


def test_a_divisor_that_may_be_0_does_not_fold():
    assert not isinstance(N // M, SizeValue)
    assert isinstance(N // (M + 1), SizeValue)
    empty = np.zeros((7, 0), np.float32)
    assert interpreted([X], [N // M])([empty])[0] == 0  # pyright: ignore[reportArgumentType]


def test_sizes_are_weak():
    assert (X / N).dtype is F32
    assert (N * X).dtype is F32
    assert (ag.vector(dtype="f64") * N).dtype is F64
    assert (ag.vector(dtype="i8") + N).dtype is I8
    assert (ag.vector(dtype="i8") + (N - N)).dtype is I8
    assert (N / M).dtype is F64  # pyright: ignore[reportAttributeAccessIssue]
    assert (1 / N).dtype is F64  # pyright: ignore[reportAttributeAccessIssue]
    assert ag.exp(N).dtype is F64
    assert (X * ag.exp(N)).dtype is F32
    assert (N + ag.constant(1)).dtype is I64
    assert (N * ag.vector(dtype="bool")).dtype is I64


def test_sizes_compare_and_choose():
    run = ag.function(
        [X],
        [N == 7, N > M, N < 0, ag.where(N > 5, N, 0), ag.where(N > M, X.sum(), 1.0), N - N],
    )
    found = run(ARRAY + 1)
    assert [v.item() for v in found] == [True, True, False, 7, 21.0, 0]


def test_sizes_make_shapes_and_slices():
    assert str(X.reshape((M, N)).type) == "f32[x.1, x.0]"
    assert str(ag.zeros((N + 1, 2)).type) == "f32[x.0 + 1, 2]"
    assert str(X[: N // 2].type) == "f32[(x.0 // 2), x.1]"
    assert ag.ones(N - N).type.shape == (0,)
    assert ag.arange(N).type.shape == X.type.shape[:1]
    run = ag.function([X], [X[: N // 2], X[N // 2 :], ag.arange(M, N), ag.full((M, 2), N)])
    first, second, ramp, filled = run(ARRAY)
    assert first.shape == (3, 3) and second.shape == (4, 3)
    assert ramp.tolist() == [3, 4, 5, 6]
    assert filled.tolist() == [[7, 7]] * 3


def test_a_known_size_is_an_int():
    x = ag.input("x", "f32[4, n]")
    assert x.shape[0] == 4 and isinstance(x.shape[0], int)
    assert len(x) == 4
    assert ag.input("y", "f32[4, 2]").size == 8


def test_a_size_does_not_compute_its_tensor():
    x = ag.matrix("x")
    size = ag.exp(x @ x.T).shape[0]
    assert size is x.shape[0]
    assert not size.operands  # pyright: ignore[reportAttributeAccessIssue]


def test_size_of_a_scalars_value():
    n = ag.scalar("n", dtype="i64")
    ramp = ag.arange(n) * 2
    assert ag.function([n], ramp)(3).tolist() == [0, 2, 4]
    assert ag.function([n], ag.zeros((n, 2)).shape[0] + 1)(3) == 4
    assert interpreted([n], [ramp])([np.asarray(4)])[0].tolist() == [0, 2, 4, 6]


# Operands whose sizes are not known to fit: what reads past an end without a check of the call.
_A, _I, _B = ag.input("a", "f32[n, m]"), ag.input("i", "i64[k, j]"), ag.input("b", "f32[k, j]")
_V, _W = ag.input("v", "f32[n]"), ag.input("w", "f32[k]")
_PADDINGS = ("edge", "linear_ramp", "maximum", "mean", "median", "minimum")
MISFITS: list[tuple[str, ag.Tensor, Any, Any]] = [
    ("take", ag.take_along_axis(_A, _I, axis=1), (2, 3), (4, 3)),
    ("take in front", ag.take_along_axis(_A, _I, axis=0), (2, 3), (2, 4)),
    ("put", ag.put_along_axis(_A, _I, _B, axis=1), (2, 3), (4, 3)),
    ("lexsort", ag.lexsort([_A, _B]), (2, 3), (2, 2)),
    ("lexsort of fewer", ag.lexsort([_A, _B]), (4, 3), (2, 3)),
    *((mode, ag.pad(_V, 2, mode), (0,), (0,)) for mode in _PADDINGS),
    *((f"convolve {m}", ag.convolve(_V, _W, m), (3,), (0,)) for m in ("full", "same", "valid")),
    *((f"correlate {m}", ag.correlate(_V, _W, m), (0,), (2,)) for m in ("full", "same", "valid")),
]


@pytest.mark.parametrize("evaluate", [native, looped, interpreted])
@pytest.mark.parametrize(
    ("expression", "first", "second"),
    [row[1:] for row in MISFITS],
    ids=[row[0] for row in MISFITS],
)
def test_unknown_sizes_that_do_not_fit_are_refused(
    evaluate: Any, expression: ag.Tensor, first: Any, second: Any
):
    inputs = [_A, _I, _B] if len(first) == 2 else [_V, _W]
    run = evaluate(inputs, [expression])
    dtypes = (np.float32, np.int64, np.float32) if len(first) == 2 else (np.float32,) * 2
    shapes = (first, second, second)
    with pytest.raises(ag.ShapeError, match=r"differ|elements"):
        run([np.zeros(s, d) for s, d in zip(shapes, dtypes, strict=False)])
    fitting = [np.ones((3,) * len(first), d) for d in dtypes]
    run(fitting)


@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
def test_floats_of_sizes_are_weak_and_exact(dtype: str):
    """``1 / n`` is as exact as float64, and takes the dtype of its partner."""
    x = ag.input("x", f"{dtype}[n]")
    n = x.shape[0]
    ones = np.ones(7, x.dtype.numpy)
    for factor, wanted in (
        (1 / n, 1 / 7),
        (ag.sqrt(n), math.sqrt(7)),
        (n**-0.5, 7**-0.5),
        (n * 0.3, 7 * 0.3),
        (ag.exp(-(1 / n)) + 2.0, math.exp(-1 / 7) + 2),
        (ag.maximum(n / 3, 0.5), 7 / 3),
    ):
        assert (x * factor).dtype is x.dtype
        near = 4 * float(finfo(x.dtype).eps)
        np.testing.assert_allclose((x * factor).eval({x: ones}), ones * wanted, rtol=near)
        slope = ag.grad((x * factor).sum(), x)
        np.testing.assert_allclose(slope.eval({x: ones}), ones * wanted, rtol=near)
    assert ag.asarray(1 / n).eval({x: ones}) == 1 / 7
    integers = ag.input("i", "i32[m]")
    assert (integers * (1 / integers.shape[0])).dtype is F64

"""float16 and bfloat16: stored as such, computed in float32, rounded once for each op."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import as_dtype, finfo
from agnesi.core.knobs import setting

KINDS = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
kinds = pytest.mark.parametrize("kind", KINDS, ids=["f16", "bf16"])


def _same_bits(found: np.ndarray, wanted: np.ndarray) -> bool:
    assert found.dtype == wanted.dtype
    nan = np.isnan(found.astype(np.float32)) & np.isnan(wanted.astype(np.float32))
    return bool((nan | (found.view(np.uint16) == wanted.view(np.uint16))).all())


@kinds
def test_every_half_is_converted_exactly_and_back(kind: np.dtype):
    halves = np.arange(65536, dtype=np.uint16).view(kind)
    x = ag.vector("x", dtype=kind)
    up = ag.function([x], [x.astype("f32"), x.astype("f64"), x != 0])
    single, double, nonzero = up(halves)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(single, halves.astype(np.float32))
        np.testing.assert_array_equal(double, halves.astype(np.float64))
        np.testing.assert_array_equal(nonzero, halves.astype(np.float32) != 0)
    y = ag.vector("y")
    assert _same_bits(ag.function([y], y.astype(kind))(single), halves)


@kinds
def test_floats_round_to_the_nearest_half_ties_to_even(kind: np.dtype):
    halves = np.arange(65536, dtype=np.uint16).view(kind).astype(np.float32)
    finite = np.sort(halves[np.isfinite(halves)])
    middle = (finite[1:].astype(np.float64) + finite[:-1]) / 2
    singles = middle.astype(np.float32)
    near = [singles, np.nextafter(singles, np.float32(np.inf)), np.nextafter(singles, -singles)]
    noise = np.random.default_rng(1).integers(0, 2**32, 20000, np.uint32).view(np.float32)
    values = np.concatenate([*near, noise])
    y, z = ag.vector("y"), ag.vector("z", dtype="f64")
    with np.errstate(all="ignore"):
        assert _same_bits(ag.function([y], y.astype(kind))(values), values.astype(kind))
        # A hair from the middle, which float32 does not see.
        doubles = np.concatenate([middle, middle * (1 + 1e-12), middle * (1 - 1e-12)])
        assert _same_bits(ag.function([z], z.astype(kind))(doubles), doubles.astype(kind))


@kinds
@pytest.mark.parametrize("way", ["", "loops", "graph"])
def test_each_op_rounds(kind: np.dtype, way: str):
    values = np.random.default_rng(2).normal(size=(3, 7)).astype(kind)
    wide = values.astype(np.float32)
    with setting(interpret=way):
        x = ag.matrix("x", dtype=kind)
        f = ag.function(
            [x], [x * x + x, x.sum(1), x @ x.T, ag.softmax(x), -x[::-1], x.max(), x / 3]
        )
    squares = (wide * wide).astype(kind).astype(np.float32)
    powers = np.exp(wide - wide.max(1, keepdims=True))
    wanted = [
        squares + wide,
        wide.sum(1),
        wide @ wide.T,
        powers / powers.sum(1, keepdims=True),
        -wide[::-1],
        wide.max(),
        wide / np.float32(3),
    ]
    for k, (found, exact) in enumerate(zip(f(values), wanted, strict=True)):
        assert found.dtype == kind
        close = (
            np.abs(found.astype(np.float32) - exact)
            <= np.abs(exact) * float(finfo(as_dtype(kind)).eps) * (0 if k in (4, 5) else 0.51)
            + 1e-6
        )
        assert close.all(), k


@kinds
def test_sums_are_kept_in_float32(kind: np.dtype):
    ones = np.ones(70000, kind)
    x = ag.vector("x", dtype=kind)
    total, mean = ag.function([x], [(x / 1024).sum(), x.mean()])(ones)
    assert float(total) == pytest.approx(70000 / 1024, rel=float(finfo(as_dtype(kind)).eps))
    assert float(mean) == 1


@kinds
def test_gradients_and_updates(kind: np.dtype):
    w = ag.shared(np.array([1.0, -2.0], kind))
    cost = ((w - ag.constant(np.array([3.0, 0.5], kind))) ** 2).sum()
    assert cost.dtype.numpy == kind
    step = ag.function([], cost, updates=[(w, w - 0.25 * ag.grad(cost, w))])
    for _ in range(20):
        step()
    assert w.get_value().dtype == kind
    np.testing.assert_allclose(w.get_value().astype(np.float32), [3.0, 0.5], atol=0.02)


@kinds
def test_arguments_and_constants(kind: np.dtype):
    x = ag.vector("x", dtype=kind)
    f = ag.function([x], x * ag.constant(np.array([0.5, 2], kind)))
    found = f(np.array([1, 3], kind))
    assert found.dtype == kind
    assert found.tolist() == [0.5, 6]
    assert f([1.0, 3.0]).tolist() == [0.5, 6]
    with pytest.raises(ag.CallError, match=as_dtype(kind).value):
        f(np.ones(2, np.float64))
    strided = np.arange(4).astype(kind)[::-2]
    assert f(strided).tolist() == [1.5, 2]

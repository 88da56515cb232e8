"""Making, joining, cutting and moving arrays, against NumPy: one table, each line one call.

A line is a function of a module and arrays, called with NumPy and with agnesi; then the shapes of
the arrays.  Sizes are once known and once symbolic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import DType
from agnesi.graph.leaves import new_input
from agnesi.testing import assert_close, check_gradient, interpreted
from agnesi.testing.cases import type_of
from agnesi.testing.evaluators import native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.tensor import Tensor

Call = Any

JOINING: list[tuple[Call, tuple[tuple[int, ...], ...]]] = [
    (lambda m, x, y: m.concatenate([x, y], 0), ((2, 3), (1, 3))),
    (lambda m, x, y: m.concat((x, y), axis=-1), ((2, 3), (2, 0))),
    (lambda m, x, y: m.concatenate([x, y], axis=None), ((2, 3), (4,))),
    (lambda m, x, y: m.stack([x, y]), ((2, 3), (2, 3))),
    (lambda m, x, y: m.stack([x, y, x], axis=-1), ((2, 3), (2, 3))),
    (lambda m, x: m.stack([x, x], 1), ((0, 2),)),
    (lambda m, x, y: m.vstack([x, y]), ((3,), (2, 3))),
    (lambda m, x, y: m.vstack((x, y)), ((), ())),
    (lambda m, x, y: m.hstack([x, y]), ((2, 3), (2, 1))),
    (lambda m, x, y: m.hstack([x, y]), ((2,), ())),
    (lambda m, x, y: m.dstack([x, y]), ((2, 3), (2, 3))),
    (lambda m, x, y: m.dstack([x, y]), ((3,), (1, 3, 2))),
    (lambda m, x, y: m.column_stack([x, y]), ((3,), (3, 2))),
    (lambda m, x, y: m.column_stack([x, y, x]), ((3,), (3,))),
    (lambda m, x, y: m.block([[x, x], [y, y]]), ((2, 3), (1, 3))),
    (lambda m, x, y: m.block([x, y]), ((2,), (3,))),
    (lambda m, x, y: m.block([[x], [y]]), ((3,), (2, 3))),
    (lambda m, x: m.block(x), ((2, 3),)),
    (lambda m, x: m.block([[[x, x]]]), ((),)),
    (lambda m, x, y: m.append(x, y), ((2, 3), (4,))),
    (lambda m, x, y: m.append(x, y, axis=1), ((2, 3), (2, 1))),
]

CUTTING: list[tuple[Call, tuple[tuple[int, ...], ...]]] = [
    (lambda m, x: m.split(x, 3), ((6,),)),
    (lambda m, x: m.split(x, 2, axis=1), ((3, 4),)),
    (lambda m, x: m.split(x, 1, axis=-1), ((3, 4),)),
    (lambda m, x: m.split(x, [2, 3, 9]), ((6,),)),
    (lambda m, x: m.split(x, (-4, 1), axis=1), ((2, 5),)),
    (lambda m, x: m.split(x, np.array([1, 4])), ((5, 2),)),
    (lambda m, x: m.split(x, 4), ((0,),)),
    (lambda m, x: m.array_split(x, 4), ((6,),)),
    (lambda m, x: m.array_split(x, 3, axis=1), ((2, 8),)),
    (lambda m, x: m.array_split(x, 4), ((3,),)),
    (lambda m, x: m.array_split(x, [1, 2]), ((6,),)),
    (lambda m, x: m.hsplit(x, 2), ((2, 4),)),
    (lambda m, x: m.hsplit(x, [1]), ((4,),)),
    (lambda m, x: m.vsplit(x, 2), ((2, 4),)),
    (lambda m, x: m.dsplit(x, [1, 3]), ((2, 1, 4),)),
]

MOVING: list[tuple[Call, tuple[tuple[int, ...], ...]]] = [
    (lambda m, x: m.tile(x, 3), ((2, 3),)),
    (lambda m, x: m.tile(x, (2, 1, 2)), ((2, 3),)),
    (lambda m, x: m.tile(x, (2,)), ((),)),
    (lambda m, x: m.tile(x, (0, 2)), ((3,),)),
    (lambda m, x: m.tile(x, (2, 2)), ((0, 3),)),
    (lambda m, x: m.tile(x, (2, 3)), ((1, 2),)),
    (lambda m, x: m.repeat(x, 2), ((2, 3),)),
    (lambda m, x: x.repeat(3, 1), ((2, 3),)),
    (lambda m, x: m.repeat(x, repeats=0, axis=0), ((2, 3),)),
    (lambda m, x: m.resize(x, (2, 4)), ((3,),)),
    (lambda m, x: m.resize(x, (2, 2)), ((3, 3),)),
    (lambda m, x: m.resize(x, (3, 2)), ((2, 3),)),
    (lambda m, x: m.resize(x, 7), ((2,),)),
    (lambda m, x: m.resize(x, (0, 2)), ((2,),)),
    (lambda m, x: m.roll(x, 2), ((2, 3),)),
    (lambda m, x: m.roll(x, -1, axis=1), ((2, 3),)),
    (lambda m, x: m.roll(x, (1, -5), axis=(0, 1)), ((2, 3),)),
    (lambda m, x: m.roll(x, (1, 2), axis=(1, 1)), ((2, 3),)),
    (lambda m, x: m.roll(x, 3, axis=(0, 2)), ((2, 3, 4),)),
    (lambda m, x: m.roll(m.roll(x, 3, 1), -1, 1), ((2, 5),)),
    (lambda m, x: m.roll(x, 3), ((0,),)),
    (lambda m, x: m.rollaxis(x, 2), ((2, 3, 4),)),
    (lambda m, x: m.rollaxis(x, 0, 2), ((2, 3, 4),)),
    (lambda m, x: m.rollaxis(x, 0, 3), ((2, 3, 4),)),
    (lambda m, x: m.rollaxis(x, -1, -2), ((2, 3, 4),)),
    *((lambda m, x, k=k: m.rot90(x, k), ((2, 3),)) for k in range(-1, 5)),
    (lambda m, x: m.rot90(x, 1, axes=(2, 0)), ((2, 3, 4),)),
    (lambda m, x: m.fliplr(x), ((2, 3),)),
    (lambda m, x: m.flipud(x), ((2, 3),)),
    (lambda m, x: m.flip(x, axis=-1), ((2, 3),)),
    (lambda m, x: m.ravel(x), ((2, 3),)),
    (lambda m, x: x.ravel(), ((2, 3),)),
    (lambda m, x: x.flatten(), ((2, 3),)),
    (lambda m, x: x.swapaxes(0, -1), ((2, 3, 4),)),
    (lambda m, x: m.copy(x).copy(), ((2, 3),)),
    (lambda m, x: m.broadcast_arrays(x, x[0]), ((2, 3),)),
    (lambda m, x, y: m.broadcast_arrays(x, y), ((2, 1), (3,))),
    (lambda m, x, y: m.broadcast_arrays(x, y), ((), (3,))),
    (lambda m, x: m.atleast_1d(x), ((),)),
    (lambda m, x: m.atleast_2d(x), ((3,),)),
    (lambda m, x, y: m.atleast_2d(x, y), ((3,), (2, 3, 1))),
    *((lambda m, x: m.atleast_3d(x), (s,)) for s in ((), (3,), (2, 3), (2, 3, 4))),
    (lambda m, x: m.permute_dims(x, (1, 0)), ((2, 3),)),
    (lambda m, x: m.matrix_transpose(x), ((2, 3, 4),)),
    (lambda m, x: m.moveaxis(x, 0, -1), ((2, 3, 4),)),
    (lambda m, x: m.delete(x, 1), ((5,),)),
    (lambda m, x: m.delete(x, -1, axis=1), ((2, 3),)),
    (lambda m, x: m.delete(x, slice(1, 3), axis=0), ((4, 2),)),
    (lambda m, x: m.delete(x, slice(2, None)), ((4,),)),
    (lambda m, x: m.delete(x, slice(3, 1)), ((4,),)),
    (lambda m, x: m.delete(x, slice(3, 1, -1)), ((5,),)),
    (lambda m, x: m.insert(x, 1, 7), ((4,),)),
    (lambda m, x: m.insert(x, -1, 7, axis=1), ((2, 3),)),
    (lambda m, x: m.insert(x, 2, 7, axis=0), ((2, 3),)),
    (lambda m, x, y: m.insert(x, 1, y, axis=0), ((2, 3), (3,))),
    (lambda m, x, y: m.insert(x, 1, y, axis=1), ((2, 3), (2,))),
    (lambda m, x, y: m.insert(x, 1, y, axis=1), ((2, 3), (4, 2))),
    (lambda m, x, y: m.insert(x, 0, y), ((2, 3), (2,))),
]

# Lists and steps need known sizes.
KNOWN: list[tuple[Call, tuple[tuple[int, ...], ...]]] = [
    (lambda m, x: x[m.ix_([1, 0, 1], [2], (0, 0))], ((2, 3, 1),)),
    (lambda m, x, y: x[m.ix_(m.isfinite(y) & (m.arange(4) != 1), m.arange(2))], ((4, 3), (4,))),
    (lambda m, x, y: m.ix_(x, y), ((3,), (2,))),
    (lambda m, x: m.unstack(x), ((2, 3),)),
    (lambda m, x: m.unstack(x, axis=-1), ((2, 3),)),
    (lambda m, x: m.delete(x, [0, 2, -1]), ((5,),)),
    (lambda m, x: m.delete(x, [0, 2, 2], axis=1), ((2, 3),)),
    (lambda m, x: m.delete(x, []), ((3,),)),
    (lambda m, x: m.delete(x, [0, 1]), ((2,),)),
    (lambda m, x: m.delete(x, slice(None, None, 2)), ((5,),)),
    (lambda m, x: m.delete(x, slice(4, None, -2)), ((5,),)),
    (lambda m, x: m.insert(x, [1, 3], 7), ((4,),)),
    (lambda m, x: m.insert(x, [3, 1, 1], [5, 6, 7]), ((4,),)),
    (lambda m, x, y: m.insert(x, [1], y, axis=1), ((2, 3), (2, 2))),
    (lambda m, x, y: m.insert(x, [2, 0], y, axis=1), ((2, 3), (2, 2))),
    (lambda m, x, y: m.insert(x, slice(0, 4, 2), y), ((4,), (2,))),
]

TRIANGLES: list[tuple[Call, tuple[tuple[int, ...], ...]]] = [
    *((lambda m, x, k=k: m.tril(x, k), ((3, 4),)) for k in (-5, -1, 0, 1, 7)),
    *((lambda m, x, k=k: m.triu(x, k), ((4, 3),)) for k in (-5, -1, 0, 1, 7)),
    (lambda m, x: m.tril(x), ((2, 3, 3),)),
    (lambda m, x: m.triu(x, k=1), ((2, 0, 3),)),
    (lambda m, x: m.tril(x), ((3,),)),
    *((lambda m, x, k=k: m.diag(x, k), ((3,),)) for k in (-2, 0, 1)),
    *((lambda m, x, k=k: m.diag(x, k), ((3, 4),)) for k in (-2, 0, 1, 5)),
    (lambda m, x: m.diag(x, 1), ((0,),)),
    (lambda m, x: m.diagflat(x, k=-1), ((2, 2),)),
    (lambda m, x: m.diagonal(x, 1), ((3, 4),)),
    (lambda m, x: x.diagonal(-1, 2, 0), ((3, 2, 4),)),
    (lambda m, x: m.diagonal(x, axis1=1, axis2=2), ((3, 2, 4),)),
    (lambda m, x: m.vander(x), ((3,),)),
    (lambda m, x: m.vander(x, 4, increasing=True), ((3,),)),
    (lambda m, x: m.vander(x, 1), ((3,),)),
    (lambda m, x: m.vander(x, 0), ((3,),)),
    (lambda m, x, y: m.meshgrid(x, y), ((3,), (2,))),
    (lambda m, x, y: m.meshgrid(x, y, indexing="ij"), ((3,), (2,))),
    (lambda m, x, y: m.meshgrid(x, y, x, sparse=True), ((3,), (2,))),
    (lambda m, x, y: m.meshgrid(x, y, x), ((3,), (0,))),
    (lambda m, x: x.trace(), ((3, 4),)),
    (lambda m, x: x.trace(1, 2, 0), ((3, 2, 4),)),
    (lambda m, x: m.meshgrid(x), ((3,),)),
    (lambda m, x, y: m.meshgrid(x, y), ((), (2,))),
    (lambda m, x: m.zeros_like(x), ((3, 2),)),
    (lambda m, x: m.ones_like(x, shape=(2,)), ((3, 2),)),
    (lambda m, x: m.full_like(x, 3, dtype="int32"), ((3, 2),)),
    (lambda m, x: m.full_like(x, 2, shape=(4, 1)), ((3, 2),)),
]

TABLE = [*JOINING, *CUTTING, *MOVING, *TRIANGLES]


def _flat(result: Any) -> list[Any]:
    if isinstance(result, tuple | list):
        return [part for item in result for part in _flat(item)]
    return [result]


def _arrays(shapes: Sequence[tuple[int, ...]], dtype: Any, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [np.asarray(random.uniform(-4, 4, s)).astype(dtype) for s in shapes]


def _compare(lines: Sequence[Any], dtype: Any, evaluate: Any, symbolic: bool) -> None:
    inputs: list[Any] = []
    given: list[np.ndarray] = []
    outputs: list[Tensor] = []
    expected: list[tuple[str, np.ndarray]] = []
    for place, (call, shapes) in enumerate(lines):
        arrays = _arrays(shapes, dtype)
        leaves = [
            new_input(None, type_of(a, "xyz"[k] if symbolic else None))
            for k, a in enumerate(arrays)
        ]
        ours, numpys = _flat(call(ag, *leaves)), _flat(call(np, *arrays))
        assert len(ours) == len(numpys), place
        inputs += leaves
        given += arrays
        outputs += ours
        expected += [(f"line {place}, {[a.shape for a in arrays]}", np.asarray(n)) for n in numpys]
    found = evaluate(inputs, outputs)(given)
    for actual, (what, wanted) in zip(found, expected, strict=True):
        assert_close(actual, wanted, 2, what=f"{what}, {dtype}")


@pytest.mark.parametrize(
    ("evaluate", "symbolic"),
    [(interpreted, False), (interpreted, True), (native, True)],
    ids=["known", "symbolic", "native"],
)
@pytest.mark.parametrize("table", ["JOINING", "CUTTING", "MOVING", "TRIANGLES"])
def test_values_are_numpys(table: str, evaluate: Any, symbolic: bool):
    _compare(globals()[table], np.float32, evaluate, symbolic)


@pytest.mark.parametrize("evaluate", [interpreted, native], ids=lambda e: e.__name__)
def test_what_needs_known_sizes(evaluate: Any):
    _compare(KNOWN, np.float64, evaluate, False)


@pytest.mark.parametrize("dtype", [d.numpy for d in DType], ids=str)
def test_dtypes_are_numpys(dtype: Any):
    # A Vandermonde matrix: NumPy multiplies no bools, and knows no bfloat16 beside integers.
    lines = [line for line in (*TABLE, *KNOWN) if not (dtype.kind in "bV" and line in TRIANGLES)]
    _compare(lines, dtype, interpreted, False)


@pytest.mark.parametrize("line", range(len(TABLE)))
def test_gradients(line: int):
    call, shapes = TABLE[line]
    arrays = _arrays(shapes, np.float64, 1)

    def total(*inputs: Tensor) -> Tensor:
        parts = [p for p in _flat(call(ag, *inputs)) if p.dtype is DType.F64]
        flat = ag.concatenate([ag.constant(np.zeros(1)), *parts], None)
        return flat * flat * ag.arange(1.0, flat.size + 0.5, dtype="f64")

    if all(a.size for a in arrays):
        check_gradient(total, *arrays, order=1, evaluator=interpreted)


MADE: list[Call] = [
    lambda m, d: m.arange(5, dtype=d),
    lambda m, d: m.arange(1, 8, 2, dtype=d),
    lambda m, d: m.arange(7, 0, -3, dtype=d),
    lambda m, d: m.zeros((2, 3), dtype=d),
    lambda m, d: m.ones(3, dtype=d),
    lambda m, d: m.full((2, 0), 1, dtype=d),
    lambda m, d: m.full((2, 2), 3, d),
    lambda m, d: m.eye(3, dtype=d),
    lambda m, d: m.eye(2, 4, 1, dtype=d),
    lambda m, d: m.eye(4, 2, k=-1, dtype=d),
    lambda m, d: m.identity(2, dtype=d),
    lambda m, d: m.tri(3, dtype=d),
    lambda m, d: m.tri(3, 4, 1, dtype=d),
    lambda m, d: m.tri(3, 2, k=-1, dtype=d),
    lambda m, d: m.eye(0, dtype=d),
    lambda m, d: m.linspace(0, 10, 5, dtype=d),
    lambda m, d: m.linspace(9, 1, 4, endpoint=False, dtype=d),
    lambda m, d: m.linspace(2.5, 5, 1, dtype=d),
    lambda m, d: m.linspace(0, 5, 0, dtype=d),
    lambda m, d: m.linspace(0, [4, 8], 3, axis=-1, dtype=d),
    lambda m, d: m.linspace([0.5, 1], [4, 8], 3, dtype=d),
    lambda m, d: m.indices((2, 3), dtype=d),
    lambda m, d: m.indices((2, 3), dtype=d, sparse=True),
    lambda m, d: m.indices((2, 0), dtype=d),
    lambda m, d: m.asarray([[1, 2], [3, 4]], dtype=d),
    lambda m, d: m.array([1, 0], dtype=d),
]


def test_made_arrays_are_numpys():
    for dtype in DType:
        if dtype is DType.BOOL:
            continue
        ours = [part for call in MADE for part in _flat(call(ag, dtype.numpy))]
        numpys = [part for call in MADE for part in _flat(call(np, dtype.numpy))]
        for evaluate in (interpreted, native) if dtype.is_float else (interpreted,):
            for actual, wanted in zip(evaluate([], ours)([]), numpys, strict=True):
                assert_close(actual, np.asarray(wanted), 2)


FLOATS: list[Call] = [
    lambda m: m.arange(0.0, 1.0, 0.1),
    lambda m: m.arange(0.5, 5),
    lambda m: m.arange(3.2),
    lambda m: m.arange(1.0, 0.0, -0.3),
    lambda m: m.arange(1.0, 0.0),
    lambda m: m.arange(-2.5, 2.5, 0.5),
    lambda m: m.linspace(0, 1),
    lambda m: m.linspace(-1, 1, 7),
    lambda m: m.linspace(-1, 1, 7, retstep=True),
    lambda m: m.linspace(2.0, 3.0, 5, endpoint=False),
    lambda m: m.logspace(0, 3, 7),
    lambda m: m.logspace(1, 3, 4, base=2),
    lambda m: m.logspace(1, 3, 4, endpoint=False, base=2.5),
    lambda m: m.geomspace(1, 1000, 7),
    lambda m: m.geomspace(-1, -1000, 4),
    lambda m: m.geomspace(1000, 1, 3),
    lambda m: m.geomspace(2, 32, 4, endpoint=False),
    lambda m: m.geomspace(2, 32, 1),
]


@pytest.mark.parametrize("evaluate", [interpreted, native], ids=lambda e: e.__name__)
def test_floats_are_numpys_in_float32(evaluate: Any):
    ours = [part for call in FLOATS for part in _flat(call(ag))]
    numpys = [part for call in FLOATS for part in _flat(call(np))]
    for place, (actual, wanted) in enumerate(zip(evaluate([], ours)([]), numpys, strict=True)):
        exact = np.asarray(wanted).astype(np.float32)
        scale = float(np.abs(exact).max(initial=0))
        assert_close(actual, exact, 2, scale=scale, what=f"line {place}")


def test_dtypes_of_ranges():
    assert ag.arange(3).dtype is ag.int64
    assert ag.arange(3.0).dtype is ag.float32
    assert ag.arange(0, 1, 0.5).dtype is ag.float32
    assert ag.arange(ag.scalar("x", dtype="f64")).dtype is ag.float64
    assert ag.arange(np.float64(3)).dtype is ag.float64
    assert ag.arange(0.5, 3, dtype="i32").eval().tolist() == [0, 1, 2]
    assert ag.linspace(0, 1).dtype is ag.float32
    assert ag.linspace(ag.scalar("x", dtype="f64"), 1).dtype is ag.float64
    assert ag.linspace(ag.constant([1, 2]), 1).dtype is ag.float64
    assert ag.zeros(2).dtype is ag.float32 and ag.zeros(2, None).dtype is ag.float32
    assert ag.empty((2, 3)).type.shape == (2, 3)
    assert ag.empty_like(ag.zeros(2, "i8"), shape=3).type == ag.zeros(3, "i8").type


RAMPS = [(0.0, 1.0, 0.1), (0.0, 1.0, 0.25), (5.0, 1.0, -0.5), (1.0, 1.0, 1.0), (1.0, 0.0, 1.0)]


@pytest.mark.parametrize("evaluate", [interpreted, native], ids=lambda e: e.__name__)
def test_symbolic_ranges(evaluate: Any):
    a, b, c = (ag.scalar(n, dtype="f64") for n in "abc")
    run = evaluate([a, b, c], [ag.arange(a, b, c), ag.arange(b), ag.linspace(a, b, 5)])
    for given in RAMPS:
        found = run([np.float64(v) for v in given])
        assert_close(found[0], np.arange(*given), 2, scale=5)
        assert_close(found[1], np.arange(given[1]), 2)
        assert_close(found[2], np.linspace(*given[:2], 5), 2)
    i, j, k = (ag.scalar(n, dtype="i64") for n in "ijk")
    run = evaluate(
        [i, j, k], [ag.arange(i, j, k), ag.arange(i, j), ag.linspace(0, 1, j), ag.eye(j, k=i)]
    )
    for whole in ((0, 7, 2), (7, 0, -3), (3, 3, 1), (-4, 9, 4), (2, 5, -1), (0, 1, 1)):
        found = run([np.asarray(v) for v in whole])
        assert_close(found[0], np.arange(*whole))
        assert_close(found[1], np.arange(whole[0], whole[1]))
        assert_close(found[2], np.linspace(0, 1, whole[1]).astype(np.float32), 2, scale=1)
        assert_close(found[3], np.eye(whole[1], k=whole[0], dtype=np.float32))


@pytest.mark.parametrize("evaluate", [interpreted, native], ids=lambda e: e.__name__)
def test_symbolic_numbers(evaluate: Any):
    x, k = ag.input("x", "f32[n, m]"), ag.scalar("k", dtype="i64")
    calls: list[Callable[[Any, Any, Any], Any]] = [
        lambda m, x, k: m.tril(x, k),
        lambda m, x, k: m.triu(x, k),
        lambda m, x, k: m.diagonal(x, k),
        lambda m, x, k: m.diag(x[0], k),
        lambda m, x, k: m.roll(x, k, 1),
        lambda m, x, k: m.roll(x, (k, -k), (0, 1)),
        lambda m, x, k: m.roll(x, k),
        lambda m, x, k: m.delete(x, k, 1),
        lambda m, x, k: m.insert(x, k, 7, 1),
        lambda m, x, k: m.split(x, [k], 1),
    ]
    array = _arrays([(3, 4)], np.float32)[0]
    outputs = [_flat(call(ag, x, k)) for call in calls]
    run = evaluate([x, k], [o for group in outputs for o in group])
    for number in (-2, -1, 0, 1, 3):
        numpys = [n for call in calls for n in _flat(call(np, array, number))]
        for place, (actual, wanted) in enumerate(
            zip(run([array, np.asarray(number)]), numpys, strict=True)
        ):
            assert_close(actual, np.asarray(wanted), what=f"output {place} of {number}")
    for bad in (4, -5):
        for name in ("delete", "insert"):
            extra = (7, 1) if name == "insert" else (1,)
            run = evaluate([x, k], [getattr(ag, name)(x, k, *extra)])
            if name == "insert" and bad == 4:
                continue
            with pytest.raises((ag.IndexOutOfBounds, ag.ShapeError)):
                run([array, np.asarray(bad)])


@pytest.mark.parametrize("evaluate", [interpreted, native], ids=lambda e: e.__name__)
def test_symbolic_counts(evaluate: Any):
    x, k = ag.input("x", "f32[n, m]"), ag.scalar("k", dtype="i64")
    array = _arrays([(3, 2)], np.float32)[0]
    calls: list[Callable[[Any, Any, Any], Any]] = [
        lambda m, x, k: m.repeat(x, k, 1),
        lambda m, x, k: m.tile(x, (k, 2)),
        lambda m, x, k: m.resize(x, (k, 3)),
        lambda m, x, k: m.pad(x, k),
        lambda m, x, k: m.pad(x, ((k, 0), (1, k)), constant_values=5),
        lambda m, x, k: m.pad(x, k, "edge"),
        lambda m, x, k: m.pad(x, ((0, k), (k, 1)), "reflect"),
        lambda m, x, k: m.pad(x, k, "symmetric", reflect_type="odd"),
        lambda m, x, k: m.pad(x, (k, 1), "wrap"),
        lambda m, x, k: m.pad(x, k, "linear_ramp", end_values=2),
        lambda m, x, k: m.pad(x, k, "mean"),
        lambda m, x, k: m.vander(x[0], k),
        lambda m, x, k: m.full((k, 2), 1.5, "float32"),
        lambda m, x, k: m.tri(k, 3, dtype="float32"),
    ]
    run = evaluate([x, k], [call(ag, x, k) for call in calls])
    for number in (0, 1, 2, 5):
        found = run([array, np.asarray(number)])
        for place, (call, actual) in enumerate(zip(calls, found, strict=True)):
            expected = np.asarray(call(np, array, number))
            assert_close(actual, expected, 8, scale=4, what=f"call {place} of {number}")
    for name, extra in (("repeat", (0,)), ("tile", ()), ("pad", ()), ("pad", ("wrap",))):
        run = evaluate([x, k], [getattr(ag, name)(x, k, *extra)])
        with pytest.raises(ag.ShapeError):
            run([array, np.asarray(-1)])


def test_sizes_that_are_not_seen_to_be_1_do_not_broadcast():
    x, y = ag.input("x", "f32[n]"), ag.input("y", "f32[k]")
    run = native([x, y], ag.broadcast_arrays(x, y))
    assert len(run([np.zeros(2, np.float32)] * 2)) == 2
    with pytest.raises(ag.ShapeError):
        run([np.zeros(2, np.float32), np.zeros(1, np.float32)])


def test_equal_parts_are_required():
    x = ag.input("x", "f32[n]")
    run = native([x], ag.split(x, 3))
    assert [len(part) for part in run([np.zeros(6, np.float32)])] == [2, 2, 2]
    with pytest.raises(ag.ShapeError):
        run([np.zeros(7, np.float32)])


# -- filling diagonals ----------------------------------------------------------------------------


def _filled(x: np.ndarray, value: Any, wrap: bool = False) -> np.ndarray:
    result = x.copy()
    np.fill_diagonal(result, value, wrap)
    return result


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (5, 2), (7, 2), (3, 3, 3), (0, 2), (1, 1)])
def test_fill_diagonal(shape: tuple[int, ...]):
    array = _arrays([shape], np.float64)[0]
    vector = np.arange(1.0, min(shape) + 1)
    for symbolic in (False, True):
        x = new_input("x", type_of(array, "x" if symbolic else None))
        v = new_input("v", type_of(vector, "v" if symbolic else None))
        outputs = [ag.fill_diagonal(x, 5), ag.fill_diagonal(x, 5, wrap=True)]
        expected = [_filled(array, 5), _filled(array, 5, True)]
        if min(shape) > 0:
            outputs.append(ag.fill_diagonal(x, v))
            expected.append(_filled(array, vector))
        for evaluate in (interpreted, native):
            for actual, wanted in zip(
                evaluate([x, v], outputs)([array, vector]), expected, strict=True
            ):
                assert_close(actual, wanted)
    if min(shape) > 0:
        check_gradient(ag.fill_diagonal, array, vector, order=1)


@pytest.mark.parametrize("offset", [-6, -2, -1, 0, 1, 3])
def test_fill_diagonal_offset(offset: int):
    for shape in ((3, 4), (4, 3), (3, 3)):
        array = _arrays([shape], np.float64)[0]
        length = len(np.diagonal(array, offset))
        vector = np.arange(1.0, length + 1)
        expected = array.copy()
        rows = np.arange(length) + max(0, -offset)
        expected[rows, rows + offset] = vector
        x, v = new_input("x", type_of(array, "x")), new_input("v", type_of(vector))
        k = ag.scalar("k", dtype="i64")
        outputs = [ag.fill_diagonal_offset(x, v, offset), ag.fill_diagonal_offset(x, 2, k)]
        if length == 1:
            continue
        for evaluate in (interpreted, native):
            found = evaluate([x, v, k], outputs)([array, vector, np.asarray(offset)])
            assert_close(found[0], expected)
            expected_scalar = array.copy()
            expected_scalar[rows, rows + offset] = 2
            assert_close(found[1], expected_scalar)


def test_indices_of_triangles():
    for name in ("tril_indices", "triu_indices"):
        for args in ((3,), (3, 1), (4, -1, 2), (2, 0, 5)):
            ours, numpys = getattr(ag, name)(*args), getattr(np, name)(*args)
            for a, b in zip(ours, numpys, strict=True):
                assert_close(a.eval(), b)
        square = np.ones((3, 4))
        ours, numpys = (getattr(m, f"{name}_from") for m in (ag, np))
        for k in (-1, 0, 2):
            for a, b in zip(ours(square, k), numpys(square, k), strict=True):
                assert_close(a.eval(), b)
    x = ag.input("x", "f32[n, n]")
    found = [a.eval({x: np.zeros((3, 3), np.float32)}) for a in ag.diag_indices(x.shape[0])]
    assert [f.tolist() for f in found] == [[0, 1, 2]] * 2


# -- padding --------------------------------------------------------------------------------------

PADS: list[tuple[str, dict[str, Any]]] = [
    ("constant", {}),
    ("constant", {"constant_values": 3}),
    ("constant", {"constant_values": ((1, 2), (3, 4))}),
    ("constant", {"constant_values": (-1, 2)}),
    ("edge", {}),
    ("empty", {}),
    ("linear_ramp", {}),
    ("linear_ramp", {"end_values": (7, -3)}),
    ("linear_ramp", {"end_values": ((7, -3), (1, 0))}),
    ("maximum", {}),
    ("maximum", {"stat_length": 2}),
    ("minimum", {"stat_length": ((1, 2), (9, 3))}),
    ("minimum", {}),
    ("mean", {}),
    ("median", {}),
    ("median", {"stat_length": (2, 3)}),
    ("mean", {"stat_length": (2, 3)}),
    ("reflect", {}),
    ("reflect", {"reflect_type": "odd"}),
    ("symmetric", {}),
    ("symmetric", {"reflect_type": "odd"}),
    ("wrap", {}),
]
WIDTHS = (1, (2, 3), ((1, 0), (0, 2)), ((2,), (1,)), ((9, 7), (5, 11)), {-1: (1, 2)}, {0: 3}, 0)


def _padded(mode: str, x: np.ndarray, width: Any, options: dict[str, Any]) -> np.ndarray:
    if mode == "empty":
        return np.pad(x, width)
    return np.pad(x, width, mode, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize(("mode", "options"), PADS, ids=lambda v: str(v))
def test_pad_is_numpys(mode: str, options: dict[str, Any]):
    calls: list[tuple[tuple[int, ...], Any, Any, bool]] = [
        (shape, np.float64, width, symbolic)
        for shape in ((3, 4), (1, 2), (2, 1), (4, 3))
        for width in WIDTHS
        for symbolic in (False, True)
    ]
    calls += [((3, 4), dtype, (2, 3), True) for dtype in (np.float32, np.int64, np.uint8)]
    _compare_pads(mode, options, calls, interpreted)
    # Compiling takes its time: one call of each kind.
    last = [((3, 4), np.float64, width, True) for width in (*WIDTHS[4:6], 2)]
    _compare_pads(mode, options, [*calls[-3:-1], *last, calls[0]], native)


def _compare_pads(mode: str, options: dict[str, Any], calls: Sequence[Any], evaluate: Any) -> None:
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    arrays: list[np.ndarray] = []
    expected: list[np.ndarray] = []
    chosen = [c for c in calls if c[1] != np.uint8 or not ("-" in str(options) or "ramp" in mode)]
    for shape, dtype, width, symbolic in chosen:
        arrays.append(np.abs(_arrays([shape], np.float64)[0] * 10).astype(dtype))
        inputs.append(new_input(None, type_of(arrays[-1], "x" if symbolic else None)))
        outputs.append(ag.pad(inputs[-1], width, mode, **options))
        expected.append(_padded(mode, arrays[-1], width, options))
    found = evaluate(inputs, outputs)(arrays)
    for actual, wanted, call in zip(found, expected, chosen, strict=True):
        scale = float(np.abs(wanted.astype(np.float64)).max(initial=0)) * 4
        assert_close(actual, wanted, 4, scale=scale, what=str(call))


@pytest.mark.parametrize(("mode", "options"), PADS, ids=lambda v: str(v))
@pytest.mark.parametrize("width", [(2, 1), ((0, 3), (9, 8))], ids=str)
def test_gradient_of_pad(mode: str, options: dict[str, Any], width: Any):
    array = _arrays([(3, 4)], np.float64)[0]
    run = native if width == (2, 1) and not options else interpreted
    check_gradient(
        lambda x: ag.square(ag.pad(x, width, mode, **options)), array, order=2, evaluator=run
    )


def test_pad_of_nothing():
    x = ag.input("x", "f32[n]")
    empty = np.zeros(0, np.float32)
    assert ag.pad(x, 2).eval({x: empty}).tolist() == [0] * 4
    for mode in ("edge", "wrap", "reflect", "symmetric"):
        with pytest.raises(ag.ShapeError, match="elements to continue"):
            ag.pad(x, 2, mode).eval({x: empty})


def test_pad_takes_symbolic_values():
    x, c = ag.input("x", "f32[n]"), ag.scalar("c")
    result = ag.pad(x, 1, constant_values=(c, 2 * c))
    found = result.eval({x: np.ones(2, np.float32), c: 3.0})
    assert found.tolist() == [3, 1, 1, 6]
    assert [float(g) for g in [ag.grad(result.sum(), c).eval({x: [1.0], c: 3.0})]] == [3]


# -- it fuses -------------------------------------------------------------------------------------

FUSED: list[Callable[[Tensor], Tensor]] = [
    lambda x: ag.tril(x * 2) + 1,
    lambda x: ag.roll(x * 2, 1, 0) + 1,
    lambda x: ag.pad(x * 2, 1) + 1,
    lambda x: ag.pad(x * 2, 1, "reflect") + 1,
    lambda x: ag.tile(x * 2, (2, 2)) + 1,
    lambda x: ag.repeat(x * 2, 2, 0) + 1,
    lambda x: ag.diag(ag.diagonal(x * 2)) + 1,
    lambda x: ag.concatenate([x, x * 2, ag.eye(x.shape[0], x.shape[1])]) + 1,
    lambda x: ag.fill_diagonal(x * 2, 3) + 1,
    lambda x: ag.rot90(x * 2) + ag.arange(x.shape[0]),
    lambda x: ag.insert(x * 2, 1, 5.0, 0) + 1,
    lambda x: ag.delete(x * 2, 1, 0) + 1,
]


@pytest.mark.parametrize("place", range(len(FUSED)))
def test_is_one_kernel(place: int):
    x = ag.input("x", "f32[n, m]")
    f = ag.function([x], FUSED[place](x))
    text = str(f.explain())
    assert "kernel k0" in text and "kernel k1" not in text


# -- what is known without computing --------------------------------------------------------------


def test_shapes_and_sizes():
    x = ag.input("x", "f32[n, 3]")
    assert ag.shape(x) == x.shape and ag.ndim(x) == 2
    assert ag.size(x) is x.size and ag.size(x, 1) == 3 and ag.size(x, (0, 1)) is x.size
    assert ag.size(ag.zeros((2, 3))) == 6 and ag.shape([[1, 2]]) == (1, 2)
    assert x.itemsize == 4 and x[0].nbytes == 12 and ag.zeros(3, "f64").nbytes == 24
    assert ag.broadcast_shapes((3, 1), (1, 4), 1) == (3, 4) and ag.broadcast_shapes() == ()
    assert ag.broadcast_shapes(x.shape, (1, 3))[0] is x.shape[0]
    with pytest.raises(ag.GraphTypeError, match="do not broadcast"):
        ag.broadcast_shapes((2,), (3,))


def test_questions_about_dtypes():
    # NumPy promotes bfloat16 with few others, and counts it among no kind.
    numpys = [d for d in DType if d is not DType.BF16]
    for a in numpys:
        for b in numpys:
            ours = ag.promote_types(a, b)
            assert ours.numpy == np.promote_types(a.numpy, b.numpy)
            assert ag.result_type(a, ag.zeros(2, b)) is ours
            for casting in ("no", "equiv", "safe", "same_kind", "unsafe"):
                assert ag.can_cast(a, b, casting) == np.can_cast(a.numpy, b.numpy, casting)
        for kind in (
            "bool",
            "signed integer",
            "unsigned integer",
            "integral",
            "real floating",
            "complex floating",
            "numeric",
        ):
            assert ag.isdtype(a, kind) == np.isdtype(a.numpy, kind)
        assert ag.isdtype(a, a) and ag.isdtype(a.numpy, ("bool", "numeric"))
    assert ag.isdtype("bf16", "real floating") and ag.finfo("bf16").bits == 16
    assert ag.finfo("c64").dtype == np.float32
    assert ag.result_type("f32", 1.5) is ag.float32 and ag.result_type(1, 2.0) is ag.float32
    assert ag.finfo(ag.float64).max == np.finfo(np.float64).max
    assert ag.finfo(ag.zeros(2)).bits == 32
    assert (ag.iinfo("u8").min, ag.iinfo(np.zeros(2, np.int16)).max) == (0, 32767)


def test_dtypes_are_known_to_numpy():
    for dtype in DType:
        assert np.zeros(2, dtype).dtype == np.dtype(dtype) == dtype.numpy
        assert dtype == dtype.numpy == dtype
        assert dtype == dtype.numpy.type and dtype == dtype.value
        assert [d for d in DType if d == dtype.numpy] == [dtype]
    x = ag.vector("x")
    assert x.dtype == "float32" and x.dtype != "float64" and np.dtype("float32") == x.dtype
    assert x.dtype not in (np.float64, "no dtype", object, 4)
    assert np.issubdtype(x.dtype, np.floating)
    assert (ag.float64, ag.bool) == (float, bool)


def test_names_of_dtypes_and_numbers():
    for name in ("bool", "int8", "int64", "uint16", "float16", "float32", "complex64"):
        assert getattr(ag, name).numpy == np.dtype(name)
        assert ag.zeros(1, getattr(ag, name)).eval().dtype == np.dtype(name)
    assert (ag.pi, ag.e, ag.inf, ag.newaxis) == (np.pi, np.e, np.inf, None)
    assert ag.nan != ag.nan
    assert ag.zeros((2, 3))[:, ag.newaxis].type.shape == (2, 1, 3)


def test_lists_of_variables():
    a, b = ag.scalar("a"), ag.vector("b")
    assert ag.asarray([[a, 1], [2, a]]).type.shape == (2, 2)
    assert ag.asarray([a, 1.0], dtype="f64").dtype is ag.float64
    assert ag.asarray(a) is a and ag.asarray(b, copy=True) is b
    with pytest.raises(ag.GraphTypeError, match="same shape"):
        ag.asarray([a, b])


def test_copies_are_the_tensor():
    x = ag.vector("x")
    assert x.copy() is x and ag.copy(x) is x and x.astype("f32", copy=False) is x
    assert ag.astype(x, "f64", copy=False).dtype is ag.float64
    assert ag.roll(x, 0) is x and ag.tile(x, 1) is x and ag.repeat(x, 1, 0) is x


X = ag.input("x", "f32[3, 4]")
N = ag.input("m", "f32[n]")
# Calls that a type checker would refuse.
LOOSE: Any = ag
REJECTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: LOOSE.arange(0, 1, 0), "not 0"),
    (lambda: LOOSE.arange(0, 1, 0.0), "not 0"),
    (lambda: LOOSE.linspace(0, 1, -1), "negative"),
    (lambda: LOOSE.linspace(0, 1, 2.5), "integer"),
    (lambda: LOOSE.linspace(X, LOOSE.zeros(3)), "do not broadcast"),
    (lambda: LOOSE.geomspace(0, 1), "one sign"),
    (lambda: LOOSE.geomspace(-1, 1), "one sign"),
    (lambda: LOOSE.eye(-1), "negative"),
    (lambda: LOOSE.eye(2.5), "integer"),
    (lambda: LOOSE.tril(1.0), "at least two axes"),
    (lambda: LOOSE.tril(X, 0.5), "integer"),
    (lambda: LOOSE.diag(LOOSE.zeros((2, 2, 2))), "vector or a matrix"),
    (lambda: LOOSE.fill_diagonal(N, 1), "at least two axes"),
    (lambda: LOOSE.fill_diagonal(LOOSE.zeros((2, 3, 2)), 1), "one size"),
    (lambda: LOOSE.fill_diagonal(X, [1.0, 2.0]), "do not fill"),
    (lambda: LOOSE.fill_diagonal(X, X), "scalar or a vector"),
    (lambda: LOOSE.fill_diagonal(X, [1.0, 2.0, 3.0], wrap=True), "wrap"),
    (lambda: LOOSE.fill_diagonal_offset(N, 1, 0), "takes a matrix"),
    (lambda: LOOSE.tril_indices(N.shape[0]), "mask"),
    (lambda: LOOSE.vander(X), "takes a vector"),
    (lambda: LOOSE.meshgrid(N, indexing="yx"), "'xy' or 'ij'"),
    (lambda: LOOSE.meshgrid(X), "takes vectors"),
    (lambda: LOOSE.stack([X, N]), "same shape"),
    (lambda: LOOSE.stack([LOOSE.zeros(2), LOOSE.zeros(3)]), "same shape"),
    (lambda: LOOSE.vstack([LOOSE.zeros(2), LOOSE.zeros(3)]), "vstack: sizes of axis 1 differ"),
    (lambda: LOOSE.hstack([]), "at least one"),
    (lambda: LOOSE.block([X, [X]]), "different depths"),
    (lambda: LOOSE.block([(X, X)]), "tuple"),
    (lambda: LOOSE.block([]), "empty list"),
    (lambda: LOOSE.ix_(X), "takes vectors"),
    (lambda: LOOSE.tril_indices_from(N), "takes a matrix"),
    (lambda: LOOSE.triu_indices_from(N[:, None]), "has to be known"),
    (lambda: LOOSE.unwrap(N, period="4"), "real number"),
    (lambda: LOOSE.unwrap(N, axis=1), "no axis 1"),
    (lambda: LOOSE.append(X, N, 0), "same number of axes"),
    (lambda: LOOSE.split(X, 2), "do not fall into 2 equal"),
    (lambda: LOOSE.split(X, 0), "at least 1"),
    (lambda: LOOSE.split(X, N.shape[0]), "known integer"),
    (lambda: LOOSE.split(X, [0.5]), "integer"),
    (lambda: LOOSE.hsplit(1.0, 2), "at least 1 axes"),
    (lambda: LOOSE.vsplit(N, 2), "at least 2 axes"),
    (lambda: LOOSE.unstack(N), "has to be known"),
    (lambda: LOOSE.tile(X, -1), "negative"),
    (lambda: LOOSE.tile(X, 0.5), "integer"),
    (lambda: LOOSE.rot90(X, axes=(0, 0)), "two different axes"),
    (lambda: LOOSE.rot90(N), "no axis 1"),
    (lambda: LOOSE.rollaxis(X, 2), "no axis 2"),
    (lambda: LOOSE.fliplr(N), "no axis 1"),
    (lambda: LOOSE.pad(X, ((1, 2, 3), (1, 2, 3))), "pair"),
    (lambda: LOOSE.pad(X, 1, "middle"), "not a mode"),
    (lambda: LOOSE.pad(X, 1, "reflect", reflect_type="strange"), "even"),
    (lambda: LOOSE.pad(X, 1, "mean", stat_length=0), "at least 1"),
    (lambda: LOOSE.pad(X, {2: 1}), "no axis 2"),
    (lambda: LOOSE.delete(X, 3, 0), "out of bounds"),
    (lambda: LOOSE.delete(N, [1]), "known"),
    (lambda: LOOSE.delete(X, [5], 0), "out of bounds"),
    (lambda: LOOSE.insert(X, 4, 1, 0), "out of bounds"),
    (lambda: LOOSE.insert(X, 0, LOOSE.zeros(2), 0), "cannot be broadcast"),
    (lambda: LOOSE.insert(N, [1, 2], 0), "known"),
    (lambda: LOOSE.resize(X, (-1, 2)), "negative"),
    (lambda: LOOSE.reshape(N, (0, -1)), "do not fill"),
    (lambda: LOOSE.reshape(LOOSE.zeros(0), (0, -1)), "do not fill"),
    (lambda: LOOSE.choose([0, 1], []), "at least one array to choose from"),
    (lambda: LOOSE.histogram(N, 3, range=(1, 0)), "has to rise"),
    (lambda: LOOSE.broadcast_arrays(X, LOOSE.zeros(3)), "do not broadcast"),
    (lambda: LOOSE.can_cast(1, "f32"), "no dtype of its own"),
    (lambda: LOOSE.isdtype("f32", "floating"), "not an element type"),
    (lambda: LOOSE.finfo("i32"), "iinfo"),
    (lambda: LOOSE.iinfo("f32"), "finfo"),
    (lambda: LOOSE.result_type(), "at least one"),
]


@pytest.mark.parametrize("place", range(len(REJECTS)))
def test_rejects(place: int):
    call, words = REJECTS[place]
    with pytest.raises(ag.GraphTypeError, match=words):
        call()

"""Which loops are found to be parallel, and what comes of them on several threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import F64, I64
from agnesi.core.knobs import setting
from agnesi.dims.dim import add, fresh_index, mul, named_symbol
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    For,
    Foreign,
    If,
    Load,
    ParallelFor,
    Pass,
    Read,
    Statement,
    Store,
    fresh_buffer,
    fresh_local,
    index_of,
    index_scalar,
    literal,
)
from agnesi.loops.passes.parallelise import parallelise
from agnesi.loops.prims import Prim
from agnesi.loops.text import kernel_text
from agnesi.loops.work import work
from agnesi.lower.kernels import close_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    before = ag.get_threads()
    yield
    ag.set_threads(before)


N, M = named_symbol("n"), named_symbol("m")
I, J = fresh_index("i", N), fresh_index("j", M)
X, OUT, PLACES = fresh_buffer("x", F64), fresh_buffer("out", F64), fresh_buffer("places", I64)
SUM = fresh_local("sum", F64)
VALUE = Load(X, I)
ROW = add(mul(I, M), J)


def bodies() -> dict[str, tuple[bool, tuple[Statement, ...]]]:
    """Return the body of a loop over i, and whether its iterations are independent."""
    zero = Assign(SUM, literal(0.0, F64))
    row = (zero, For(J, (Accumulate(SUM, Prim.ADD, Load(X, ROW)),)), Store(OUT, I, Read(SUM)))
    dynamic = index_of(Load(PLACES, I))
    positive = index_scalar(I) > 2
    return {
        "each its element": (True, (Store(OUT, I, VALUE),)),
        "in place": (True, (Store(X, I, VALUE * 2.0),)),
        "rows": (True, (For(J, (Store(OUT, ROW, Load(X, ROW)),)),)),
        "a sum for each": (True, row),
        "pairs": (True, (Store(OUT, mul(2, I), VALUE), Store(OUT, add(mul(2, I), 1), VALUE))),
        "what is gathered": (True, (Store(OUT, I, Load(X, dynamic)),)),
        "the same element": (False, (Store(OUT, 0, VALUE),)),
        "the one before": (False, (Store(OUT, I, Load(OUT, add(I, -1))),)),
        "the one after": (False, (Store(OUT, I, Load(OUT, add(I, 1))),)),
        "longer than the stride": (
            False, (Store(OUT, mul(2, I), VALUE), Store(OUT, add(mul(2, I), 2), VALUE))
        ),
        "two strides": (False, (Store(OUT, mul(2, I), VALUE), Store(OUT, mul(3, I), VALUE))),
        "rows that overlap": (False, (For(J, (Store(OUT, add(I, J), VALUE),)),)),
        "backwards": (False, (Store(OUT, add(mul(-1, I), N), VALUE),)),
        "scattered": (False, (Store(OUT, dynamic, VALUE),)),
        "a running sum": (False, (Accumulate(SUM, Prim.ADD, VALUE), Store(OUT, I, Read(SUM)))),
        "assigned perhaps": (False, (If(positive, (zero,)), Store(OUT, I, Read(SUM)))),
        "C code": (False, (Foreign("abs", (Pass(index_scalar(I)),), None), Store(OUT, I, VALUE))),
    }  # fmt: skip


@pytest.mark.parametrize("name", bodies())
def test_which_loops_are_parallel(name: str):
    expected, body = bodies()[name]
    start = Assign(SUM, literal(0.0, F64))
    around = (start,) if name == "a running sum" else ()
    kernel = parallelise(close_kernel("k", (*around, For(I, body))))
    assert isinstance(kernel.body[-1], ParallelFor) is expected, kernel_text(kernel)


def test_a_variable_that_is_read_after_the_loop():
    body = (Assign(SUM, VALUE), Store(OUT, I, Read(SUM)))
    kernel = close_kernel("k", (For(I, body), Store(X, 0, Read(SUM))))
    assert parallelise(kernel) is kernel


def test_private_memory_stays_the_kernels():
    own = fresh_buffer("own", F64)
    ten, again = fresh_index("i", 10), fresh_index("j", 10)
    fill = For(ten, (Store(own, ten, Load(X, ten)),))
    kernel = close_kernel(
        "k", (fill, For(again, (Store(OUT, again, Load(own, again)),))), {own: 10}
    )
    assert parallelise(kernel) is kernel


def test_one_turn_is_not_parallel():
    one = fresh_index("i", 1)
    kernel = close_kernel("k", (For(one, (Store(OUT, one, Load(X, one)),)),))
    assert parallelise(kernel) is kernel


def test_work_counts_turns():
    short, blocks = fresh_index("i", 10), fresh_index("b", 8)
    once = work([Store(OUT, 0, Load(X, 0))])
    assert work([For(short, (Store(OUT, short, Load(X, short)),))]) == mul(10, once)
    within = fresh_index("w", add(N, mul(-100, blocks)))
    least = work([For(blocks, (For(within, (Store(OUT, within, literal(1.0, F64)),)),))])
    assert not isinstance(least, int) and N in least.atoms and blocks not in least.atoms


RANDOM = np.random.default_rng(5)
CASES: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], Any], tuple[int, ...]]] = {
    "elements": ("f32[n]", lambda x: ag.exp(x) * x, lambda x: np.exp(x) * x, (300_001,)),
    "known elements": ("f64[300001]", lambda x: x * x + 1, lambda x: x * x + 1, (300_001,)),
    "rows": ("f64[n, m]", lambda x: ag.softmax(x, axis=1),
             lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True), (301, 2003)),
    "turned": ("f32[n, m]", lambda x: x.T * 2, lambda x: x.T * 2, (700, 803)),
    "few rows": ("f64[n, m]", lambda x: x.sum(1), lambda x: x.sum(1), (3, 300_000)),
    "scans": ("f64[n, m]", lambda x: ag.cumsum(x, axis=1), lambda x: x.cumsum(1), (501, 999)),
    "complex": ("c64[n]", lambda x: x * x, lambda x: x * x, (200_003,)),
    "bytes": ("u8[n]", lambda x: x + x, lambda x: x + x, (2_000_001,)),
    "fewer than none": ("f64[n]", lambda x: x[3:] * 2, lambda x: x[3:] * 2, (1,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_results_do_not_depend_on_threads(name: str):
    kind, build, expected, shape = CASES[name]
    x = ag.input("x", kind)
    with setting(optimise=2):
        f = ag.function([x], build(x))
    dtype = x.dtype.numpy
    given = (RANDOM.random(shape) * 9).astype(dtype)
    if x.dtype.is_complex:
        given = given + 1j * given[::-1]
    results: list[Any] = []
    for number in (1, 2, 3, 7):
        ag.set_threads(number)
        results += [f(given) for _ in range(3)]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(results[0], expected(given), rtol=2e-5)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_what_is_known_to_be_small_has_no_parallel_version():
    x, y, z = ag.input("x", "f32[1000]"), ag.input("y", "f32[n]"), ag.input("z", "f32[9999999]")
    assert ".part" not in ag.function([x], ag.exp(x)).llvm
    for each in (y, z):
        assert ".part0" in ag.function([each], ag.exp(each)).llvm


def test_equal_kernels_are_compiled_once():
    x, y = ag.input("x", "f32[n]"), ag.input("y", "f32[m]")
    text = ag.function([x, y], [ag.exp(x), ag.exp(y)]).llvm
    assert text.count("define void @exp_") == 1 and text.count("define internal void @exp_") == 2
    f = ag.function([x, y], [ag.exp(x), ag.exp(y)])
    ag.set_threads(2)
    given = np.linspace(-1, 1, 10**5, dtype=np.float32), np.full(10**5 + 1, 2, np.float32)
    for found, value in zip(f(*given), given, strict=True):
        np.testing.assert_allclose(found, np.exp(value), rtol=1e-6)


def test_updates_in_place():
    w = ag.shared(np.zeros((400, 700)))
    g = ag.input("g", "f64[400, 700]")
    step = ag.function([g], updates=[(w, w + g * g)])
    value = RANDOM.random((400, 700))
    ag.set_threads(3)
    for _ in range(5):
        step(value)
    np.testing.assert_allclose(w.get_value(), 5 * value * value)

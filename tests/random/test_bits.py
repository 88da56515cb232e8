"""Random bits: Random123's answers, the definition of a draw, and who computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import agnesi as ag
from agnesi.core.dtypes import U32, U64
from agnesi.core.knobs import setting
from agnesi.dims.dim import fresh_index, mul, named_symbol
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import For, Kernel, Load, Statement, Store, fresh_buffer
from agnesi.loops.passes.strips import strips
from agnesi.loops.philox import philox, place
from agnesi.loops.traverse import walk_statements
from agnesi.lower.kernels import close_kernel
from agnesi.ops.random import philox_words
from agnesi.testing import interpreted, looped, native

if TYPE_CHECKING:
    from collections.abc import Generator

    from agnesi.graph.tensor import Array, Tensor
    from agnesi.testing import Evaluator

# Counter, key and words, from the known answers of Random123 for philox4x32-10.
ANSWERS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
answers = pytest.mark.parametrize(("counter", "key", "words"), ANSWERS)


@pytest.fixture(autouse=True)
def _restored() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    before = ag.get_threads()
    yield
    ag.set_threads(before)


@answers
def test_blocks_are_those_of_random123(
    counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
):
    given, out = fresh_buffer("given", U64), fresh_buffer("out", U64)
    loaded = [Load(given, k) for k in range(6)]
    made = philox((loaded[0], loaded[1], loaded[2], loaded[3]), (loaded[4], loaded[5]))
    kernel = close_kernel("philox", tuple(Store(out, k, word) for k, word in enumerate(made)))
    result = np.zeros(4, np.uint64)
    interpret(kernel, {given: np.array([*counter, *key], np.uint64), out: result}, {})
    assert tuple(map(int, result)) == words
    assert tuple(map(int, philox_words(counter, key))) == words


def test_a_block_begins_the_draw_of_a_key():
    (_, key, words) = ANSWERS[0]
    for evaluator in (native, looped, interpreted):
        variable = ag.input("key", "u32[2]")
        run = evaluator([variable], [ag.random.bits(variable, (64,))])
        (found,) = run([np.array(key, np.uint32)])
        assert tuple(map(int, found[::16])) == words


def test_where_an_element_finds_its_bits():
    places = [place(e, 4) for e in range(200)]
    assert places[:3] == [(0, 0), (1, 0), (2, 0)]
    assert places[16] == (0, 1)
    assert places[63] == (15, 3)
    assert places[64] == (16, 0)
    assert len(set(places)) == 200
    assert [place(e, 2) for e in (0, 15, 16, 31, 32)] == [(0, 0), (15, 0), (0, 1), (15, 1), (16, 0)]


DRAWS = ("bits", "uniform", "normal", "exponential")


def drawn(name: str, key: Tensor, shape: tuple[int, ...]) -> list[Tensor]:
    """Return a draw in the dtypes it has."""
    kinds = ("u32", "u64") if name == "bits" else ("f32", "f64")
    return [getattr(ag.random, name)(key, shape, dtype=kind) for kind in kinds]


@pytest.mark.parametrize("name", DRAWS)
def test_elements_are_counted_in_c_order_whatever_the_shape(name: str):
    key = ag.input("key", "u32[2]")
    shapes = [(300,), (10, 30), (5, 2, 30), (1000,)]
    f = ag.function([key], [d for shape in shapes for d in drawn(name, key, shape)])
    found = f(np.array([3, 4], np.uint32))
    for narrow, wide in zip(found[::2], found[1::2], strict=True):
        for flat, first in ((narrow.ravel(), found[0]), (wide.ravel(), found[1])):
            count = min(flat.size, 300)
            assert (flat[:count] == first[:count]).all()


@pytest.mark.parametrize("name", DRAWS)
def test_kernels_interpreted_give_the_same_bits_as_machine_code(name: str):
    key = ag.input("key", "u32[2]")
    given = [np.array([11, 12], np.uint32)]
    outputs = drawn(name, key, (150,))
    for one, other in zip(
        native([key], outputs)(given), looped([key], outputs)(given), strict=True
    ):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", [*DRAWS, "gamma"])
def test_threads_do_not_change_a_bit(name: str):
    key = ag.input("key", "u32[2]")
    if name == "gamma":
        draws = [ag.random.gamma(key, ag.linspace(0.1, 2.0, 50_001), dtype="f64")]
    else:
        draws = drawn(name, key, (700_001,))
    with setting(optimise=3):
        f = ag.function([key], draws)
    given = np.array([5, 6], np.uint32)
    found: list[list[Array]] = []
    for threads in (1, 2, 3):
        ag.set_threads(threads)
        found.append(f(given))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


# Rows that begin in the middle of a strip, and rows that are strips.
@pytest.mark.parametrize("columns", [70, 64])
def test_whoever_reads_a_draw_sees_the_same_numbers(columns: int):
    key, bias = ag.input("key", "u32[2]"), ag.input("bias", f"f64[{columns}]")
    z = ag.random.normal(key, (90, columns), dtype="f64")
    readers = [z, z + bias, z.sum(1), z.max(0), z[::7, 3:], z.T @ z, ag.softmax(z), z.reshape(-1)]
    given = [np.array([8, 9], np.uint32), np.linspace(-1, 1, columns)]
    alone = [native([key, bias], [r])(given)[0] for r in readers[:3]]
    base = alone[0]
    expected = [
        base,
        base + given[1],
        base.sum(1),
        base.max(0),
        base[::7, 3:],
        base.T @ base,
        np.exp(base) / np.exp(base).sum(1, keepdims=True),
        base.reshape(-1),
    ]
    together = native([key, bias], readers)(given)
    for one, wanted in zip([*together, *alone], [*expected, *expected], strict=False):
        np.testing.assert_allclose(one, wanted, rtol=1e-12, atol=1e-12)


def test_draws_have_nothing_in_common():
    key = ag.random.key(1)
    keys = [key, *(ag.random.split(key, 3)[k] for k in range(3))]
    keys += [ag.random.fold_in(key, k) for k in range(3)]
    keys += [ag.random.key(2), ag.random.key(1 << 32)]
    rows = ag.stack([ag.random.normal(k, (4000,), dtype="f64") for k in keys]).eval()
    correlations = np.corrcoef(rows) - np.eye(len(keys))
    assert np.abs(correlations).max() < 5 / np.sqrt(4000)
    for lag in (1, 2, 4, 15, 16, 17, 32, 48, 64):
        own = np.corrcoef(rows[0][lag:], rows[0][:-lag])[0, 1]
        assert abs(own) < 4.5 / np.sqrt(4000), lag


def test_each_word_of_a_block_is_computed_once_for_four_elements():
    key = ag.input("key", "u32[2]")
    f = ag.function([key], ag.random.uniform(key, (2, 500)))
    (kernel,) = f.kernels
    strip, rest = (s for s in kernel.body if isinstance(s, For))
    assert (strip.index.extent, rest.index.extent) == (15, 40)
    (lanes,) = strip.body
    assert isinstance(lanes, For)
    assert lanes.index.extent == 16
    assert len(lanes.body) == 4


def test_a_draw_whose_rows_do_not_fit_strips_is_computed_before():
    key = ag.input("key", "u32[2]")
    kernels: list[int] = []
    for shape in ((40, 100), (40, 128), (1, 100)):
        z, bias = ag.random.normal(key, shape), ag.input("bias", f"f32[{shape[1]}]")
        spread = ag.function([key, bias], z + bias)
        kernels.append(len(spread.kernels))
        assert all(_has_strips(kernel) for kernel in spread.kernels[:1])
        flat = ag.function([key], ag.exp(z) * 2 + z)
        assert len(flat.kernels) == 1
    assert kernels == [2, 1, 1]


def _has_strips(kernel: Kernel) -> bool:
    return any(
        isinstance(s, For) and s.index.extent == 16 and len(s.body) == 4
        for s in walk_statements(kernel.body)
    )


def test_strips_are_found_among_sums():
    key = ag.input("key", "u32[2]")
    z = ag.random.uniform(key, (50, 128), dtype="f64")
    f = ag.function([key], [z.sum(1), z - z.mean(1, keepdims=True)])
    given = np.array([1, 1], np.uint32)
    sums, centred = f(given)
    values = ag.random.uniform(given, (50, 128), dtype="f64").eval()
    np.testing.assert_allclose(sums, values.sum(1), rtol=1e-14)
    np.testing.assert_allclose(centred, values - values.mean(1, keepdims=True), atol=1e-14)


def test_strips_are_left_alone_where_order_matters():
    n = named_symbol("n")
    i = fresh_index("i", n)
    x, out = fresh_buffer("x", U32), fresh_buffer("out", U32)
    _, which = place(i, 4)
    value = Load(x, which)
    independent: tuple[Statement, ...] = (For(i, (Store(out, i, value),)),)
    dependent: tuple[Statement, ...] = (For(i, (Store(out, mul(i, 0), value),)),)
    assert sum(isinstance(s, For) for s in walk_statements(strips(_kernel(independent)).body)) == 3
    assert strips(_kernel(dependent)).body == dependent


def _kernel(body: tuple[Statement, ...]) -> Kernel:
    return close_kernel("k", body)


def test_a_key_that_is_computed_is_computed_once():
    key = ag.input("key", "u32[2]")
    own = ag.random.fold_in(ag.random.fold_in(key, 3), 4)
    f = ag.function([key], ag.random.normal(own, (500,)))
    keys, numbers = f.kernels
    assert keys.written & set(numbers.buffers)


def test_known_keys_give_the_same_bits_as_others():
    key, given = ag.input("key", "u32[2]"), np.array([3, 4], np.uint32)
    (one,) = native([key], [ag.random.normal(key, (90,))])([given])
    (other,) = native([], [ag.random.normal(given, (90,))])([])
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("evaluator", [native, interpreted])
def test_keys_of_a_vectorized_draw_each_count_from_0(evaluator: Evaluator):
    keys = ag.input("keys", "u32[n, 2]")
    rows = ag.vectorize(lambda k: ag.random.normal(k, (3, 50)))(keys)
    assert str(rows.type) == "f32[n, 3, 50]"
    given = np.array([[1, 0], [2, 0], [2, 7]], np.uint32)
    (found,) = evaluator([keys], [rows])([given])
    one = ag.input("one", "u32[2]")
    single = evaluator([one], [ag.random.normal(one, (3, 50))])
    for row, key in zip(found, given, strict=True):
        np.testing.assert_allclose(row, single([key])[0], rtol=1e-6)

"""Memory of large results: kept when they go, given to the next, given back when asked."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import agnesi as ag
from agnesi.runtime import allocator, groups, machine, memory
from agnesi.runtime.machine import support

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

LARGE = 2**19


@pytest.fixture(autouse=True)
def clean() -> Generator[None]:
    """Begin with nothing idle."""
    gc.collect()
    ag.release_memory()
    yield
    ag.set_idle_memory(None)


def add_one(dtype: str = "f32", rank: int = 1) -> Any:
    sizes = ", ".join(f"n{k}" for k in range(rank))
    x = ag.input("x", f"{dtype}[{sizes}]")
    return ag.function([x], x + 1)


def address(array: Any) -> int:
    return array.__array_interface__["data"][0]


def test_a_result_takes_the_memory_of_one_that_is_gone():
    f = add_one()
    x = np.arange(LARGE, dtype=np.float32)
    first = f(x)
    place = address(first)
    assert place % 64 == 0
    assert first.flags.owndata and first.flags.writeable and first.flags.c_contiguous
    second = f(x)
    assert address(second) != place
    np.testing.assert_array_equal(first, x + 1)
    del first
    third = f(2 * x)
    assert address(third) == place
    np.testing.assert_array_equal(second, x + 1)
    np.testing.assert_array_equal(third, 2 * x + 1)


def test_small_results_are_numpys_own():
    f = add_one()
    before = ag.memory_info()
    kept = [f(np.zeros(n, np.float32)) for n in (0, 1, 10, 2**14 - 1)]
    assert ag.memory_info() == before
    names = [np._core.multiarray.get_handler_name(a) for a in kept]  # type: ignore[attr-defined]
    assert names == ["default_allocator"] * 4
    large = f(np.zeros(2**14, np.float32))
    assert np._core.multiarray.get_handler_name(large) == "agnesi"  # type: ignore[attr-defined]
    assert ag.memory_info().buffers == before.buffers + 1


@pytest.mark.parametrize("rank", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["f32", "f64", "c128", "i8"])
def test_every_shape_and_dtype(dtype: str, rank: int):
    f = add_one(dtype, rank)
    kind = {"f32": "f4", "f64": "f8", "c128": "c16", "i8": "i1"}[dtype]
    x = np.ones((2**17 // 3 ** (rank - 1), *[3] * (rank - 1)), kind)
    y = f(x)
    assert np._core.multiarray.get_handler_name(y) == "agnesi"  # type: ignore[attr-defined]
    assert y.dtype == x.dtype and y.shape == x.shape
    assert y.strides == x.strides and y.flags == (x + 1).flags
    np.testing.assert_array_equal(y, x + 1)


def test_a_view_keeps_the_buffer_alive():
    f = add_one()
    x = np.zeros(LARGE, np.float32)
    view = f(x)[10:20]
    others = [f(x + k) for k in range(4)]
    np.testing.assert_array_equal(view, np.ones(10, np.float32))
    in_use = ag.memory_info().buffers
    del view
    assert ag.memory_info().buffers == in_use - 1
    assert len(others) == 4


def test_resize():
    y = add_one()(np.arange(LARGE, dtype=np.float32))
    want = np.arange(LARGE, dtype=np.float32) + 1
    y.resize(3 * LARGE, refcheck=False)
    np.testing.assert_array_equal(y[:LARGE], want)
    assert not y[LARGE:].any()
    for size in (LARGE - 5, 1000, 7, 0):
        y.resize(size, refcheck=False)
        np.testing.assert_array_equal(y, want[:size])
    y.resize(LARGE, refcheck=False)
    assert y.size == LARGE and not y.any()
    assert np._core.multiarray.get_handler_name(y) == "agnesi"  # type: ignore[attr-defined]


def test_a_block_that_changes_its_size_keeps_what_is_in_it():
    give, take = handler("free"), handler("malloc")
    again = handler("realloc")
    place = take(None, 100)
    for size in (1000, 70_000, 3_000_000, 2_900_000, 80_000, 200, 50):
        ctypes.memset(place, 0x5A, 50)
        place = again(None, place, size)
        assert place % 64 == 0
        assert ctypes.string_at(place, 50) == b"\x5a" * 50
        ctypes.memset(place, 1, size)
    give(None, place, 50)
    clear = handler("calloc")
    for count, each in ((10, 3), (70_000, 3), (1_000_000, 4)):
        for _ in range(2):
            place = clear(None, count, each)
            assert ctypes.string_at(place, count * each) == bytes(count * each)
            ctypes.memset(place, 1, count * each)
            give(None, place, count * each)
    assert clear(None, 2**40, 2**40) is None
    assert take(None, 2**60) is None


def handler(name: str) -> Callable[..., Any]:
    """Return a function of the structure that NumPy is given."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    place = pointer(memory._capsule(), b"mem_handler")
    table = ctypes.cast((place or 0) + 128, ctypes.POINTER(ctypes.c_void_p))
    word, size = ctypes.c_void_p, ctypes.c_size_t
    kinds: dict[str, tuple[int, Any, list[Any]]] = {
        "malloc": (1, word, [word, size]),
        "calloc": (2, word, [word, size, size]),
        "realloc": (3, word, [word, word, size]),
        "free": (4, None, [word, word, size]),
    }
    index, result, arguments = kinds[name]
    return ctypes.CFUNCTYPE(result, *arguments)(table[index] or 0)


def test_pickle_and_copy():
    y = add_one()(np.arange(LARGE, dtype=np.float32))
    for protocol in (2, 5):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(y, protocol)), y)
    z = y.copy()
    w = np.empty_like(y)
    np.copyto(w, y)
    np.copyto(y, 0)
    assert not y.any()
    np.testing.assert_array_equal(z, w)


def test_arrays_outlive_the_function():
    f = add_one()
    x = np.arange(LARGE, dtype=np.float32)
    y = f(x)
    del f
    gc.collect()
    np.testing.assert_array_equal(y, x + 1)
    before = ag.memory_info()
    del y
    assert ag.memory_info().idle - before.idle == before.arrays - ag.memory_info().arrays > 0


def run(script: str) -> str:
    """Run a program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "import numpy as np, agnesi as ag\n" + script],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_arrays_outlive_the_interpreter():
    # Held by a cycle, by a module, by a builtin's module and by a thread that is never joined.
    out = run("""
import atexit, builtins, sys, threading
x = ag.vector("x")
s = ag.shared(np.zeros(2**18, np.float32))
f = ag.function([x], [x + 1, x.sum() * s], updates=[(s, s + 1)])
class Holder:
    def __del__(self):
        print(int(self.array[3]))
cycle = Holder()
cycle.array, cycle.me = f(np.full(2**18, 4, np.float32))[0], cycle
builtins.kept = f(np.ones(2**18, np.float32))
sys.kept = np.asarray(builtins.kept[0])[5:]
thread = threading.Thread(target=lambda y=f(np.ones(2**20, np.float32)[:2**18]): None, daemon=True)
thread.start()
atexit.register(lambda: print(ag.memory_info().buffers > 2))
""")
    assert sorted(out.split()) == ["5", "True"]


def test_many_threads():
    f = add_one()
    wrong: list[Any] = []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        held: list[tuple[int, Any]] = []
        for k in range(60):
            size = int(random.integers(2**14, 2**18))
            held.append((k, f(np.full(size, k, np.float32))))
            if len(held) > 4:
                number, array = held.pop(int(random.integers(0, 4)))
                if not (array == number + 1).all():
                    wrong.append((seed, number))
            if k % 20 == 19:
                ag.release_memory()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    gc.collect()
    assert ag.memory_info().idle <= ag.memory_info().limit


# Takes and gives blocks of sizes that change; each carries its owner's stamp at both ends while it
# is held.  Returns how many stamps another owner wrote over.
HAMMER = """
declare ptr @agnesi_take(i64, i64)
declare void @agnesi_give(ptr)
define i64 @hammer(i64 %stamp, i64 %rounds) {
entry:
  %held = alloca ptr, i64 4
  %ends = alloca ptr, i64 4
  call void @llvm.memset.p0.i64(ptr %held, i8 0, i64 32, i1 false)
  br label %loop
loop:
  %k = phi i64 [ 0, %entry ], [ %k.next, %next ]
  %seed = phi i64 [ %stamp, %entry ], [ %seed.next, %next ]
  %wrong = phi i64 [ 0, %entry ], [ %wrong.next, %next ]
  %slot = and i64 %k, 3
  %held.place = getelementptr ptr, ptr %held, i64 %slot
  %end.place = getelementptr ptr, ptr %ends, i64 %slot
  %old = load ptr, ptr %held.place
  %none = icmp eq ptr %old, null
  br i1 %none, label %take, label %check
check:
  %first = load volatile i64, ptr %old
  %old.end = load ptr, ptr %end.place
  %last = load volatile i64, ptr %old.end
  %first.bad = icmp ne i64 %first, %stamp
  %last.bad = icmp ne i64 %last, %stamp
  %bad = or i1 %first.bad, %last.bad
  %more = zext i1 %bad to i64
  call void @agnesi_give(ptr %old)
  br label %take
take:
  %found = phi i64 [ 0, %loop ], [ %more, %check ]
  %wrong.next = add i64 %wrong, %found
  %seed.mul = mul i64 %seed, 6364136223846793005
  %seed.next = add i64 %seed.mul, 1442695040888963407
  %high = lshr i64 %seed.next, 46
  %size = add i64 %high, 66000
  %made = call ptr @agnesi_take(i64 %size, i64 0)
  %rest = and i64 %size, -8
  %end = add i64 %rest, -8
  %made.end = getelementptr i8, ptr %made, i64 %end
  store volatile i64 %stamp, ptr %made
  store volatile i64 %stamp, ptr %made.end
  store ptr %made, ptr %held.place
  store ptr %made.end, ptr %end.place
  br label %next
next:
  %k.next = add i64 %k, 1
  %done = icmp eq i64 %k.next, %rounds
  br i1 %done, label %out, label %loop
out:
  br label %drop
drop:
  %d = phi i64 [ 0, %out ], [ %d.next, %drop ]
  %d.place = getelementptr ptr, ptr %held, i64 %d
  %d.block = load ptr, ptr %d.place
  call void @agnesi_give(ptr %d.block)
  %d.next = add i64 %d, 1
  %d.done = icmp eq i64 %d.next, 4
  br i1 %d.done, label %end.label, label %drop
end.label:
  ret i64 %wrong.next
}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def test_many_threads_without_the_gil():
    support()
    loaded = machine.load(HAMMER, level=1, name="hammer")
    hammer = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(loaded.address)
    before = ag.memory_info()
    wrong: list[int] = []
    threads = [
        threading.Thread(target=lambda k=k: wrong.append(hammer(k + 1, 100_000))) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(20):
        ag.release_memory()
    for thread in threads:
        thread.join()
    assert wrong == [0, 0, 0, 0]
    after = ag.memory_info()
    assert (after.arrays, after.buffers) == (before.arrays, before.buffers)
    assert after.idle > 0 and after.idle_buffers > 0
    ag.release_memory()
    assert ag.memory_info().idle == ag.memory_info().idle_buffers == 0


def test_the_oldest_go_first():
    take, give = handler("malloc"), handler("free")
    ag.set_idle_memory(3 << 20)
    sizes = [900_000, 700_000, 800_000]
    places = [take(None, s) for s in sizes]
    for place, size in zip(places, sizes, strict=True):
        give(None, place, size)
    assert ag.memory_info().idle_buffers == 3
    more = take(None, 1_000_000)
    give(None, more, 1_000_000)
    # The first had to go, the others are still there.
    assert ag.memory_info().idle_buffers == 3
    again = [take(None, s) for s in sizes[1:]]
    assert again == places[1:]
    for place, size in zip(again, sizes[1:], strict=True):
        give(None, place, size)
    # What is larger than all that may be idle goes at once, and drives nothing else out.
    huge = take(None, 5 << 20)
    give(None, huge, 5 << 20)
    assert ag.memory_info().idle_buffers == 3
    assert ag.memory_info().idle <= 3 << 20
    ag.set_idle_memory(1 << 20)
    assert ag.memory_info().idle <= 1 << 20
    ag.set_idle_memory(0)
    assert ag.memory_info().idle == 0
    f = add_one()
    y = f(np.zeros(LARGE, np.float32))
    del y
    assert ag.memory_info().idle == 0
    with pytest.raises(ValueError, match="not -1"):
        ag.set_idle_memory(-1)


def test_sizes_that_change_do_not_pile_up():
    take, give = handler("malloc"), handler("free")
    for k in range(60):
        # Growing sizes: no idle buffer is ever large enough for the next.
        place = take(None, 100_000 * (k + 1))
        give(None, place, 0)
    piled = ag.memory_info().idle_buffers
    assert piled > 20
    for _ in range(300):
        give(None, take(None, 70_000), 0)
    assert ag.memory_info().idle_buffers == 1


def test_a_size_near_by_is_served():
    take, give = handler("malloc"), handler("free")
    place = take(None, 1_000_000)
    give(None, place, 0)
    other = take(None, 900_000)
    assert other == place
    give(None, other, 0)
    # Not one that would lose half of it.
    other = take(None, 500_000)
    assert other != place
    give(None, other, 0)


def test_slabs():
    take, give = handler("malloc"), handler("free")
    sizes = [70_000, 1_000_000, 5_000_000, 100_000] * 10
    places = [take(None, size) for size in sizes]
    spans = sorted((p, p + s) for p, s in zip(places, sizes, strict=True))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    for number, (place, size) in enumerate(zip(places, sizes, strict=True)):
        ctypes.memset(place, number, size)
    for number, (place, size) in enumerate(zip(places, sizes, strict=True)):
        assert ctypes.string_at(place, size) == bytes([number]) * size
    # One after the other, in any order, with memory given back in between.
    order = np.random.default_rng(0).permutation(len(places)).tolist()
    for count, which in enumerate(order):
        give(None, places[which], sizes[which])
        if count % 7 == 0:
            ag.release_memory()
        for other in order[count + 1 :: 5]:
            end = ctypes.string_at(places[other] + sizes[other] - 100, 100)
            assert end == bytes([other]) * 100
    # Without idle memory the slab is cut anew, from its beginning.
    ag.set_idle_memory(0)
    first = take(None, 300_000)
    give(None, first, 0)
    for _ in range(5):
        place = take(None, 300_000)
        assert place == first
        give(None, place, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells")
def test_what_is_released_is_the_systems():
    """Also the pages of a slab in which a buffer is still in use."""
    out = run("""
import ctypes
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
x = ag.vector("x")
f = ag.function([x], x + 1)
for size in (300_000, 1_000_000, 20_000_000):
    a = np.ones(size // 4, np.float32)
    f(a[:2])
    before = resident()
    results = [f(a) for k in range(60_000_000 // size)]
    grown = resident() - before
    held = results[len(results) // 2]
    results = None
    kept = resident() - before
    ag.release_memory()
    left = resident() - before
    print(grown > 55_000_000, kept > 55_000_000, left < size + 5_000_000, (held == 2).all())
    held = None
""")
    assert out.split() == ["True"] * 12


def test_info_counts():
    f = add_one("f64")
    base = ag.memory_info()
    y = f(np.zeros(1_000_000))
    info = ag.memory_info()
    assert 8_000_000 <= info.arrays - base.arrays <= 9_100_000
    assert info.buffers == base.buffers + 1
    assert info.peak >= info.arrays + info.scratch + info.idle
    del y
    after = ag.memory_info()
    assert after.arrays == base.arrays and after.peak == info.peak
    assert ag.release_memory() >= 8_000_000
    assert ag.memory_info().peak < info.peak


def test_scratch_is_counted_and_released():
    x = ag.matrix("x")
    # The product and what goes into it are neither returned nor kept.
    f = ag.function([x], ag.dot(ag.tanh(x), ag.exp(x)).sum())
    value = np.random.default_rng(0).normal(size=(500, 500)).astype(np.float32)
    base = ag.memory_info().scratch
    want = (np.tanh(value) @ np.exp(value)).sum()
    np.testing.assert_allclose(f(value), want, rtol=1e-4)
    assert ag.memory_info().scratch - base >= 2_000_000
    assert ag.release_memory() >= 2_000_000
    assert ag.memory_info().scratch <= base
    np.testing.assert_allclose(f(value), want, rtol=1e-4)
    assert ag.memory_info().scratch - base >= 2_000_000
    del f
    gc.collect()
    assert ag.memory_info().scratch <= base


def test_release_while_functions_run():
    x = ag.matrix("x")
    released: list[int] = []
    value = np.ones((150, 150), np.float32)
    f = ag.function([x], ag.dot(ag.tanh(x), ag.exp(x)).sum())
    want = (np.tanh(value) @ np.exp(value)).sum()
    stop = threading.Event()

    def release() -> None:
        while not stop.is_set():
            released.append(ag.release_memory())

    thread = threading.Thread(target=release)
    thread.start()
    try:
        for turn in range(3000):
            if turn >= 15 and any(released):
                break
            np.testing.assert_allclose(f(value), want, rtol=1e-4)
            # A list is converted in Python: there the other thread has its chance.
            np.testing.assert_allclose(f(value.tolist()), want, rtol=1e-4)
    finally:
        stop.set()
        thread.join()
    assert any(released)


def test_a_busy_function_keeps_its_scratch():
    release = ctypes.PYFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 3)(
        support()["agnesi_arena_release"]
    )
    words = np.zeros(3, np.int64)
    words[0] = handler("malloc")(None, 100_000)
    words[1] = 100_000
    words[2] = 1
    start = words.ctypes.data
    assert release(start, start + 8, start + 16) == 0
    assert words[1] == 100_000
    words[2] = 0
    assert release(start, start + 8, start + 16) == 100_000
    assert words.tolist() == [0, 0, 0]


def test_huge_sizes_fail_clearly():
    n = ag.scalar("n", dtype="i64")
    s = ag.shared(np.arange(3.0), "s")
    f = ag.function([n], ag.zeros(n) + 1, updates=[(s, s + 1)])
    square = ag.function([n], ag.zeros((n, n)) + 1, updates=[(s, s + 1)])
    for size in (2**44, 2**50, 2**60, 2**61, 2**62, 2**63 - 1):
        for each in (f, square):
            with pytest.raises(MemoryError, match=r"no memory|Unable to allocate"):
                each(size)
            np.testing.assert_array_equal(s.get_value(), np.arange(3.0))
    assert f(3).tolist() == [1, 1, 1]
    np.testing.assert_array_equal(s.get_value(), np.arange(3.0) + 1)
    # Scratch memory that cannot be had.
    g = ag.function([n], ag.cumsum(ag.ones(n))[-1], updates=[(s, s + 1)])
    with pytest.raises(MemoryError, match="no memory"):
        g(2**46)
    np.testing.assert_array_equal(s.get_value(), np.arange(3.0) + 1)


def test_idle_memory_goes_before_a_request_fails():
    """Under a limit of the system a request makes others' idle memory go."""
    out = run("""
import resource
x = ag.vector("x")
f = ag.function([x], x + 1)
a = np.ones(25_000_000, np.float32)
y = f(a[:2**24])
del y
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000, resource.RLIM_INFINITY))
assert ag.memory_info().idle >= 2**26
y = f(a)
print(ag.memory_info().idle, int(y[-1]))
try:
    f(a)
except MemoryError as error:
    print(error)
""") if sys.platform == "linux" else "0 2\nUnable to allocate"  # fmt: skip
    first, second = out.splitlines()
    assert first == "0 2"
    assert "Unable to allocate" in second


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_while_other_threads_allocate():
    out = run("""
import os, threading, warnings
warnings.simplefilter("ignore")
x = ag.vector("x")
f = ag.function([x], x + 1)
a = np.arange(2**18, dtype=np.float32)
before = f(a)
stop = threading.Event()
def work():
    while not stop.is_set():
        f(a)
thread = threading.Thread(target=work)
thread.start()
good = 0
for k in range(20):
    child = os.fork()
    if child == 0:
        y = f(a + k)
        fine = (y == a + k + 1).all() and (before == a + 1).all()
        ag.release_memory()
        fine = fine and ag.memory_info().idle == 0 and (f(a) == a + 1).all()
        os._exit(0 if fine else 1)
    good += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
thread.join()
print(good)
""")
    assert out.strip() == "20"


def test_shared_variables_use_it():
    value = np.random.default_rng(0).normal(size=LARGE).astype(np.float32)
    base = ag.memory_info().buffers
    s = ag.shared(value)
    assert ag.memory_info().buffers == base + 1
    copy = s.get_value()
    assert ag.memory_info().buffers == base + 2
    np.testing.assert_array_equal(copy, value)
    s.set_value(value[::-1])
    np.testing.assert_array_equal(s.get_value(borrow=True), value[::-1])
    t = ag.shared(value, shape=(None,))
    grow = ag.function([], [], updates=[(t, ag.concatenate([t, t]))])
    grow()
    np.testing.assert_array_equal(t.get_value(), np.concatenate([value, value]))


def test_numpys_own_arrays_stay_its_own():
    """The handler is NumPy's again after each call, also after one that failed."""
    f = add_one()
    usual = np._core.multiarray.get_handler_name()  # type: ignore[attr-defined]
    f(np.zeros(LARGE, np.float32))
    assert np._core.multiarray.get_handler_name() == usual  # type: ignore[attr-defined]
    n = ag.scalar("n", dtype="i64")
    with pytest.raises(MemoryError):
        ag.function([n], ag.zeros(n) + 1)(2**50)
    assert np._core.multiarray.get_handler_name() == usual  # type: ignore[attr-defined]
    ag.shared(np.zeros(LARGE)).get_value()
    assert np._core.multiarray.get_handler_name() == usual  # type: ignore[attr-defined]


def test_where_numpys_arrays_look_otherwise():
    """Then results are made by NumPy's public means alone; the same results, from our memory."""
    out = run("""
from agnesi.runtime import allocator
assert "i64 88" in allocator._HANDLER
allocator._HANDLER = allocator._HANDLER.replace("i64 88", "i64 80")
x = ag.vector("x")
f = ag.function([x], x + 1)
a = np.arange(2**18, dtype=np.float32)
y = f(a)
place = y.ctypes.data
print(np._core.multiarray.get_handler_name(y), (y == a + 1).all(), y.flags.owndata)
del y
print(f(a).ctypes.data == place, np._core.multiarray.get_handler_name())
""")
    assert out.splitlines() == ["agnesi True True", "True default_allocator"]


def test_tracemalloc_sees_results():
    f = add_one()
    x = np.zeros(LARGE, np.float32)
    f(x)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        y = f(x)
        assert tracemalloc.get_traced_memory()[0] - before >= 4 * LARGE
        del y
        assert tracemalloc.get_traced_memory()[0] - before < LARGE
    finally:
        tracemalloc.stop()


def test_strided_inputs_and_updates_of_one_array():
    x = ag.matrix("x")
    f = ag.function([x], x + 1)
    base = ag.memory_info()
    value = np.arange(1000 * 500, dtype=np.float32).reshape(1000, 500)
    y = f(value.T)
    np.testing.assert_array_equal(y, value.T + 1)
    # The copy in C order went back.
    assert ag.memory_info().scratch == base.scratch


def test_the_knob(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGNESI_IDLE_MEMORY", "7")
    ag.set_idle_memory(None)
    assert ag.memory_info().limit == 7 << 20
    monkeypatch.delenv("AGNESI_IDLE_MEMORY")
    ag.set_idle_memory(None)
    assert 0 < ag.memory_info().limit <= 1 << 30


def test_control_groups_limit_memory(tmp_path: Path):
    root, membership = tmp_path / "root", tmp_path / "membership"

    def limit() -> int | None:
        return groups.memory(str(root), str(membership))

    assert limit() is None
    inner = root / "outer" / "inner"
    inner.mkdir(parents=True)
    membership.write_text("0::/outer/inner\n")
    assert limit() is None
    (inner / "memory.max").write_text("max\n")
    assert limit() is None
    (root / "outer" / "memory.max").write_text("1000000\n")
    assert limit() == 1_000_000
    (inner / "memory.max").write_text("2000\n")
    assert limit() == 2000
    old = root / "memory" / "job"
    old.mkdir(parents=True)
    (old / "memory.limit_in_bytes").write_text("1000\n")
    membership.write_text("3:memory:/job\n0::/outer/inner\n")
    assert limit() == 1000


def test_the_usual_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AGNESI_IDLE_MEMORY", raising=False)
    monkeypatch.setattr(groups, "memory", lambda: 400_000_000)
    assert allocator.usual_limit() == 100_000_000
    monkeypatch.setattr(groups, "memory", lambda: None)
    assert 100_000_000 < allocator.usual_limit() <= 1 << 30


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux tells")
def test_a_chain_takes_the_memory_of_its_result_and_nothing_else():
    out = run("""
def number(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) * 1024
x = ag.vector("x")
f = ag.function([x], ag.exp(-x * x / 2) * ag.tanh(1.3 * x + 0.2) + ag.log1p(ag.abs(x)))
a = np.linspace(-3, 3, 10_000_000).astype(np.float32)
f(a[:1000])
open("/proc/self/clear_refs", "w").write("5")
before = number("VmRSS")
for k in range(5):
    y = None
    y = f(a)
print((number("VmHWM") - before) / y.nbytes)
for k in range(5):
    # One result is there while the next is computed.
    y = f(a)
print((number("VmHWM") - before) / y.nbytes)
""")
    first, second = map(float, out.split())
    assert 0.9 < first < 1.1
    assert 1.8 < second < 2.2

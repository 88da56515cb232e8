"""Minibatches: each example once, exact places, threads that end, clear errors."""

from __future__ import annotations

import threading
import traceback
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agnesi.training import Minibatches, TrainingError, check_labels, prefetched

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def threads() -> int:
    return sum(thread.name == "agnesi prefetch" for thread in threading.enumerate())


@given(
    examples=st.integers(1, 40),
    size=st.integers(1, 12),
    drop=st.booleans(),
    shuffle=st.booleans(),
    prefetch=st.integers(0, 3),
    epoch=st.integers(0, 3),
)
def test_each_example_once(
    examples: int, size: int, drop: bool, shuffle: bool, prefetch: int, epoch: int
):
    numbers = np.arange(examples)
    squares = (numbers**2).astype(np.float32)
    if drop and examples < size:
        with pytest.raises(TrainingError, match="no whole minibatch"):
            Minibatches((numbers, squares), size, drop_last=True)
        return
    batches = Minibatches(
        (numbers, squares), size, seed=3, shuffle=shuffle, drop_last=drop, prefetch=prefetch
    )
    found = list(batches.epoch(epoch))
    assert len(found) == len(batches) == (examples // size if drop else -(-examples // size))
    assert all(len(x) == size for x, _ in found[:-1])
    order = np.concatenate([x for x, _ in found])
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), order**2)
    if drop:
        assert len(order) == len(found) * size and len(set(order)) == len(order)
    else:
        assert sorted(order) == list(numbers)
    if not shuffle:
        assert list(order) == list(numbers[: len(order)])


@pytest.mark.parametrize("prefetch", [0, 2])
def test_every_place_can_be_gone_on_from(prefetch: int):
    """Random numbers of transforms included, however far a thread had run ahead."""

    def noisy(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        return x + rng.standard_normal(x.shape), y

    arrays = np.zeros((23, 2)), np.arange(23)
    batches = Minibatches(arrays, 4, seed=7, transform=noisy, prefetch=prefetch)
    whole = list(batches.epoch(2))
    for start in range(len(batches) + 1):
        rest = list(batches.epoch(2, start))
        assert len(rest) == len(batches) - start
        for (x, y), (again, labels) in zip(whole[start:], rest, strict=True):
            np.testing.assert_array_equal(x, again)
            np.testing.assert_array_equal(y, labels)
    assert not np.array_equal(whole[0][0], whole[1][0])
    assert not np.array_equal(whole[0][0], next(batches.epoch(1))[0])


def test_seeds_and_epochs_have_orders_of_their_own():
    def order(seed: int, epoch: int) -> list[int]:
        batches = Minibatches(np.arange(50), 50, seed=seed)
        return next(batches.epoch(epoch))[0].tolist()

    orders = [order(seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(a != b for k, a in enumerate(orders) for b in orders[:k])
    assert order(1, 1) == orders[-1]


def test_memory_mapped_arrays(tmp_path: Path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(12, dtype=np.float32).reshape(6, 2))
    for shuffle in (True, False):
        batches = Minibatches(np.load(path, mmap_mode="r"), 4, shuffle=shuffle)
        found = [x for (x,) in batches.epoch(0)]
        assert all(type(x) is np.ndarray for x in found)
        assert sorted(np.concatenate(found)[:, 0].tolist()) == [0, 2, 4, 6, 8, 10]


def test_loaded_examples_and_their_own_random_numbers():
    def load(chosen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return chosen, rng.integers(0, 1000, len(chosen))

    batches = Minibatches.loaded(load, examples=10, size=4, seed=1)
    whole = list(batches.epoch(0))
    assert sorted(np.concatenate([x for x, _ in whole]).tolist()) == list(range(10))
    np.testing.assert_array_equal(next(batches.epoch(0, 1))[1], whole[1][1])


def test_an_error_in_the_thread_is_raised_in_the_loop():
    def load(chosen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray]:
        if 6 in chosen:
            raise OSError("the disk has gone")
        return (chosen,)

    batches = Minibatches.loaded(load, examples=10, size=3, shuffle=False)
    seen = []
    with pytest.raises(OSError, match="the disk has gone") as caught:
        for (x,) in batches.epoch(4):
            seen.append(x.tolist())
    assert seen == [[0, 1, 2], [3, 4, 5]]
    text = "".join(traceback.format_exception(caught.value))
    assert 'raise OSError("the disk has gone")' in text
    assert "making minibatch 3 of epoch 5" in text
    assert not threads()


def test_the_thread_ends_with_the_loop():
    closed = []

    def numbers() -> Generator[int, None, None]:
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    with closing(prefetched(numbers(), depth=3)) as items:
        assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
        assert threads() == 1
    assert not threads()
    assert closed == ["agnesi prefetch"]


def test_no_more_than_the_depth_is_made():
    made = []

    def numbers() -> Generator[int, None, None]:
        for k in range(100):
            made.append(k)
            yield k

    with closing(prefetched(numbers(), depth=2)) as items:
        for k in range(50):
            assert next(items) == k
            assert len(made) <= k + 3


def test_bad_data_is_an_error_before_anything_starts():
    with pytest.raises(TrainingError, match="empty"):
        Minibatches(np.zeros((0, 3)), 4)
    with pytest.raises(TrainingError, match=r"not equally long\n  array 0: \[5, 2\]\n.*\[4\]"):
        Minibatches((np.zeros((5, 2)), np.zeros(4)), 4)
    with pytest.raises(TrainingError, match="not equally long"):
        Minibatches((np.array(3.0),), 4)
    with pytest.raises(TrainingError, match="no arrays"):
        Minibatches((), 4)
    for size, seed, prefetch in ((0, 0, 0), (1, -1, 0), (1, 0, -1)):
        with pytest.raises(TrainingError, match="Give an integer from"):
            Minibatches(np.zeros(3), size, seed=seed, prefetch=prefetch)
    wrong = Minibatches(np.zeros(3), 2, transform=lambda rng, x: x)
    with pytest.raises(TrainingError, match="transform has returned ndarray"):
        next(wrong.epoch(0))


def test_labels_that_do_not_fit():
    check_labels(np.array([0, 9]), 10)
    with pytest.raises(TrainingError, match=r"labels are 0 to 10.*10 outputs(.|\n)*position 2"):
        check_labels(np.array([0, 9, 10]), 10)
    with pytest.raises(TrainingError, match="test labels are -1 to 9"):
        check_labels(np.array([[9, -1]]), 10, "test labels")
    with pytest.raises(TrainingError, match=r"float64\[2\]"):
        check_labels(np.zeros(2), 10)
    with pytest.raises(TrainingError, match="no labels"):
        check_labels(np.zeros(0, np.int64), 10)

"""Minibatches of arrays, or of whatever a function loads.

The minibatches of an epoch depend on the seed, the number of the epoch and their place in it, and
on nothing else: no generator is carried along.  So a run goes on exactly where it was from two
numbers, however far a thread had run ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.training.errors import TrainingError
from agnesi.training.prefetch import prefetched

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Batch = tuple[Array, ...]
    Load = Callable[[NDArray[np.int64], np.random.Generator], Sequence[Array]]
    Transform = Callable[..., Sequence[Array]]


class Minibatches:
    """Minibatches of arrays that belong together, in a new random order in each epoch.

    ``epoch(k)`` gives those of epoch ``k``; ``epoch(k, start=n)`` leaves out the first ``n``, and
    the others are the same to the last bit.

    Attributes:
        examples: how many there are.
        size: examples of a minibatch.
        seed: of the order and of what transforms draw.
        shuffle: whether each epoch has a random order of its own.
        drop_last: whether a last minibatch of fewer examples is left out.
        prefetch: minibatches that a thread makes ahead; 0 for no thread.

    >>> images, labels = np.zeros((10, 784), np.float32), np.arange(10)
    >>> batches = Minibatches((images, labels), size=4, seed=1)
    >>> [len(y) for x, y in batches.epoch(0)], len(batches)
    ([4, 4, 2], 3)
    >>> order = [np.concatenate([y for _, y in batches.epoch(k)]) for k in (0, 1, 0)]
    >>> bool((order[0] == order[1]).all()), bool((order[0] == order[2]).all())
    (False, True)
    """

    def __init__(
        self,
        arrays: Array | Sequence[Array],
        size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        transform: Transform | None = None,
        prefetch: int = 2,
    ) -> None:
        """Take arrays whose first axes count examples.

        Args:
            arrays: of equal lengths; memory-mapped ones are read as they are needed.
            size: examples of a minibatch.
            seed: an integer from 0 on.
            shuffle: give each epoch a random order of its own.
            drop_last: leave out a last minibatch of fewer examples.
            transform: ``(rng, *arrays)`` to a tuple of arrays: changes a minibatch, which it has
                for itself if ``shuffle``, by random numbers of ``rng``, which is the minibatch's.
            prefetch: minibatches that a thread makes ahead; 0 for no thread.

        Raises:
            TrainingError: there are no examples, or arrays of different lengths, or no minibatch.
        """
        held = [arrays] if isinstance(arrays, np.ndarray) else list(arrays)
        held = [array if hasattr(array, "shape") else np.asarray(array) for array in held]
        self._arrays: list[Array] | None = held
        self._transform = transform
        self._load: Load | None = None
        options = {"seed": seed, "prefetch": prefetch}
        self._set(_common_length(held), size, shuffle=shuffle, drop_last=drop_last, **options)

    @classmethod
    def in_order(cls, arrays: Array | Sequence[Array], size: int) -> Minibatches:
        """Return minibatches of arrays in their own order, without a thread: to measure by.

        Args:
            arrays: of equal lengths.
            size: examples of a minibatch; the last may have fewer.

        Raises:
            TrainingError: there are no examples, or arrays of different lengths.
        """
        return cls(arrays, size, shuffle=False, prefetch=0)

    @classmethod
    def loaded(
        cls,
        load: Load,
        examples: int,
        size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        prefetch: int = 2,
    ) -> Minibatches:
        """Return minibatches of examples that a function loads or makes.

        Args:
            load: numbers of examples, i64[n], and a generator of random numbers, to a tuple of
                arrays.  The generator is the minibatch's own; with numbers from elsewhere a run
                that is resumed is not the one that was never stopped.
            examples: how many there are.
            size: examples of a minibatch.
            seed: as for arrays, like what follows.
            shuffle: give each epoch a random order of its own.
            drop_last: leave out a last minibatch of fewer examples.
            prefetch: minibatches that a thread makes ahead.

        Raises:
            TrainingError: there are no examples, or no minibatch.

        >>> def squares(chosen, rng):
        ...     return chosen, chosen**2
        >>> batches = Minibatches.loaded(squares, examples=5, size=3, shuffle=False)
        >>> [y.tolist() for _, y in batches.epoch(0)]
        [[0, 1, 4], [9, 16]]
        """
        made = cls.__new__(cls)
        made._arrays, made._transform, made._load = None, None, load
        options = {"seed": seed, "prefetch": prefetch}
        made._set(examples, size, shuffle=shuffle, drop_last=drop_last, **options)
        return made

    def _set(
        self, examples: int, size: int, *, seed: int, shuffle: bool, drop_last: bool, prefetch: int
    ) -> None:
        for name, value, least in (("size", size, 1), ("seed", seed, 0), ("prefetch", prefetch, 0)):
            if value < least:
                raise TrainingError(
                    f"Minibatches: {name} is {value}\n  Give an integer from {least} on."
                )
        if examples < 1:
            raise TrainingError(
                "Minibatches: the data set is empty\n  Give arrays of at least one example."
            )
        if drop_last and examples < size:
            raise TrainingError(
                f"Minibatches: {examples:,} examples make no whole minibatch of {size:,}\n"
                "  Make them smaller, or keep the last one: drop_last=False."
            )
        self.examples, self.size, self.seed = examples, size, seed
        self.shuffle, self.drop_last, self.prefetch = shuffle, drop_last, prefetch

    def __len__(self) -> int:
        """Minibatches of an epoch."""
        return self.examples // self.size if self.drop_last else -(-self.examples // self.size)

    def __repr__(self) -> str:
        return f"<{len(self):,} minibatches of {self.size:,} of {self.examples:,} examples>"

    def settings(self) -> dict[str, int]:
        """Return what an epoch's minibatches depend on, besides the data."""
        names = ("examples", "size", "seed", "shuffle", "drop_last")
        return {name: int(getattr(self, name)) for name in names}

    def epoch(self, number: int, start: int = 0) -> Generator[Batch, None, None]:
        """Return the minibatches of an epoch, tuples of arrays.

        Close the generator where it is left before its end (or let ``contextlib.closing`` do it):
        then its thread has ended.

        Args:
            number: of the epoch, from 0.
            start: minibatches that are left out.
        """
        made = self._made(number, start)
        return prefetched(made, self.prefetch) if self.prefetch else made

    def _made(self, number: int, start: int) -> Generator[Batch, None, None]:
        order = self._rng(number, 0).permutation(self.examples) if self.shuffle else None
        for place in range(start, len(self)):
            first = place * self.size
            last = min(first + self.size, self.examples)
            chosen = slice(first, last) if order is None else order[first:last]
            try:
                yield self._minibatch(chosen, self._rng(number, place + 1))
            except Exception as error:
                error.add_note(f"making minibatch {place + 1} of epoch {number + 1}")
                raise

    def _rng(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def _minibatch(self, chosen: slice | NDArray[np.int64], rng: np.random.Generator) -> Batch:
        if self._arrays is not None:
            batch: Sequence[Array] = [np.asarray(array[chosen]) for array in self._arrays]
            if self._transform is None:
                return tuple(batch)
            what, batch = "transform", self._transform(rng, *batch)
        else:
            assert self._load is not None
            if isinstance(chosen, slice):
                chosen = np.arange(chosen.start, chosen.stop, dtype=np.int64)
            what, batch = "load", self._load(chosen, rng)
        if not isinstance(batch, tuple | list):
            raise TrainingError(
                f"Minibatches: {what} has returned {type(batch).__name__}\n"
                "  It returns a tuple of arrays, the arguments of the step."
            )
        return tuple(batch)


def _common_length(arrays: Sequence[Array]) -> int:
    """Number of examples.

    Raises:
        TrainingError: there are no arrays, or they do not agree.
    """
    if not arrays:
        raise TrainingError("Minibatches: no arrays\n  Give at least one.")
    shapes = [tuple(array.shape) for array in arrays]
    lengths = {shape[0] if shape else None for shape in shapes}
    if len(lengths) != 1 or None in lengths:
        listed = "".join(f"  array {k}: {list(shape)}\n" for k, shape in enumerate(shapes))
        raise TrainingError(
            "Minibatches: the arrays are not equally long\n"
            f"{listed}  Their first axes count the same examples."
        )
    return shapes[0][0]


def split(examples: int, held: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of examples to learn from, and of some held back at random, both sorted.

    Args:
        examples: how many there are.
        held: how many are held back, for validation or testing.
        seed: of the choice.

    Raises:
        TrainingError: none is left on one side.

    >>> split(6, held=2, seed=2)
    (array([0, 2, 3, 5]), array([1, 4]))
    """
    if not 0 < held < examples:
        raise TrainingError(
            f"split: {held:,} of {examples:,} examples held back\n  Leave some on both sides."
        )
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,))).permutation(
        examples
    )
    return np.sort(order[held:]), np.sort(order[:held])

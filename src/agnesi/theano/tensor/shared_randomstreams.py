"""``RandomStreams``: the very numbers that NumPy's ``RandomState`` gives for a seed."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from agnesi.theano.compile.sharedvalue import SharedVariable, shared_constructor
from agnesi.theano.compile.sharedvalue import shared as make_shared
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import raw_random
from agnesi.theano.tensor.raw_random import RandomStateType, pack, random_state_type, unpack


class RandomStateSharedVariable(SharedVariable):
    """A shared state of NumPy's generator."""

    @property
    def live(self) -> Any:
        """The state as one object: what is borrowed is this, whatever functions do to it."""
        kept = self.__dict__.get("_live")
        words = self.tensor.get_value(borrow=True)
        if kept is None:
            kept = self.__dict__["_live"] = unpack(words)
        elif not np.array_equal(self.__dict__["_seen"], words):
            # A function has drawn since.
            kept.set_state(unpack(words).get_state())
        self.__dict__["_seen"] = np.array(words)
        return kept

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """Return the ``RandomState``, or a copy of it.

        What a program draws from a borrowed one counts for functions once it is set again.
        """
        del return_internal_type
        return self.live if borrow else copy.deepcopy(self.live)

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the state."""
        words = self.type.filter(new_value)
        self.tensor.set_value(words)
        if isinstance(new_value, np.random.RandomState):
            self.holds(new_value if borrow else copy.deepcopy(new_value))

    def holds(self, state: Any) -> None:
        """Take an object as the one that is lent."""
        self.__dict__["_live"], self.__dict__["_seen"] = state, pack(state)

    __hash__ = object.__hash__


@shared_constructor
def randomstate_constructor(
    value: Any,
    name: Any = None,
    strict: bool = False,
    allow_downcast: Any = None,
    borrow: bool = False,
) -> RandomStateSharedVariable:
    """Return the shared variable of a ``RandomState``."""
    if not isinstance(value, np.random.RandomState):
        raise TypeError
    if not borrow:
        value = copy.deepcopy(value)
    made = RandomStateSharedVariable(name, random_state_type, value, strict, allow_downcast)
    made.holds(value)
    return made


class RandomStreamsBase:
    """Methods that draw."""

    def gen(self, op: Any, *args: Any, **named: Any) -> Any:
        """Draw with a function of a state."""
        raise NotImplementedError

    def binomial(
        self,
        size: Any = None,
        n: Any = 1,
        p: Any = 0.5,
        ndim: Any = None,
        dtype: Any = "int64",
        prob: Any = None,
    ) -> Any:
        """How many of ``n`` tries succeed."""
        if prob is not None:
            p = prob
        return self.gen(raw_random.binomial, size, n, p, ndim=ndim, dtype=dtype)

    def uniform(
        self, size: Any = None, low: Any = 0.0, high: Any = 1.0, ndim: Any = None, dtype: Any = None
    ) -> Any:
        """Numbers between ``low`` and ``high``."""
        return self.gen(raw_random.uniform, size, low, high, ndim=ndim, dtype=dtype)

    def normal(
        self, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: Any = None, dtype: Any = None
    ) -> Any:
        """Normal numbers."""
        return self.gen(raw_random.normal, size, avg, std, ndim=ndim, dtype=dtype)

    def poisson(
        self, size: Any = None, lam: Any = None, ndim: Any = None, dtype: Any = "int64"
    ) -> Any:
        """Poisson numbers."""
        return self.gen(
            raw_random.poisson, size, 1.0 if lam is None else lam, ndim=ndim, dtype=dtype
        )

    def random_integers(
        self, size: Any = None, low: Any = 0, high: Any = 1, ndim: Any = None, dtype: Any = "int64"
    ) -> Any:
        """Integers from ``low`` to ``high``, both included."""
        return self.gen(raw_random.random_integers, size, low, high, ndim=ndim, dtype=dtype)

    def choice(
        self,
        size: Any = None,
        a: Any = 2,
        replace: bool = True,
        p: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
    ) -> Any:
        """Elements of a vector."""
        return self.gen(raw_random.choice, size, a, replace, p, ndim=ndim, dtype=dtype)

    def permutation(
        self, size: Any = None, n: Any = 1, ndim: Any = None, dtype: Any = "int64"
    ) -> Any:
        """The numbers below ``n`` in a random order."""
        return self.gen(raw_random.permutation, size, n, ndim=ndim, dtype=dtype)

    def multinomial(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = (0.5, 0.5),
        ndim: Any = None,
        dtype: Any = "int64",
    ) -> Any:
        """How many of ``n`` tries fall into which class."""
        return self.gen(raw_random.multinomial, size, n, pvals, ndim=ndim, dtype=dtype)

    def shuffle_row_elements(self, input: Any) -> Any:
        """Rows with their elements in a random order."""
        input = tensor.as_tensor_variable(input)
        perm = self.permutation(size=input.shape[:-1], n=input.shape[-1], ndim=input.ndim - 1)
        return tensor.permute_row_elements(input, perm)


class RandomStreams(RandomStreamsBase):
    """Draws with states of their own, all made of one seed.

    Attributes:
        default_instance_seed: the seed.
        state_updates: pairs of each draw's state and its new value.
        gen_seedgen: gives each draw its seed.
    """

    def __init__(self, seed: Any = None) -> None:
        self.state_updates: list[tuple[Any, Any]] = []
        self.default_instance_seed = seed
        self.gen_seedgen = np.random.RandomState(seed)

    def updates(self) -> list[tuple[Any, Any]]:
        """Return pairs of each draw's state and its new value."""
        return list(self.state_updates)

    def seed(self, seed: Any = None) -> None:
        """Seed all states again."""
        seed = self.default_instance_seed if seed is None else seed
        seedgen = np.random.RandomState(seed)
        for old_r, _ in self.state_updates:
            old_r.set_value(np.random.RandomState(int(seedgen.randint(2**30))))

    def __getitem__(self, item: Any) -> Any:
        for old_r, new_r in self.state_updates:
            if item is old_r or item is new_r:
                return old_r.get_value(borrow=False)
        raise KeyError(item)

    def __setitem__(self, item: Any, val: Any) -> None:
        if not isinstance(val, np.random.RandomState):
            raise TypeError(val)
        for old_r, new_r in self.state_updates:
            if item is old_r or item is new_r:
                old_r.set_value(val)
                return
        raise KeyError(item)

    def gen(self, op: Any, *args: Any, **named: Any) -> Any:
        """Draw with a function of a state; functions draw anew in each call."""
        state = make_shared(np.random.RandomState(int(self.gen_seedgen.randint(2**30))))
        state.tag.is_rng = True
        new_r, out = op(state, *args, **named)
        out.rng, out.update = state, (state, new_r)
        self.state_updates.append(out.update)
        state.default_update = new_r
        return out


__all__ = ["RandomStateSharedVariable", "RandomStateType", "RandomStreams", "RandomStreamsBase"]

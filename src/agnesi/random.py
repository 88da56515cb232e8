"""Random numbers: streams, and pure functions of keys.

A :class:`Stream` is what most programs want: each call of a compiled function gets new numbers.

>>> stream = ag.random.Stream(seed=1)
>>> f = ag.function([], stream.normal((3,)))
>>> bool((f() != f()).all())
True

The same functions with a key are pure: the same key, the same numbers.

>>> first, second = ag.random.split(ag.random.key(1))
>>> noise = ag.random.normal(first, (3,))
"""

from __future__ import annotations

import functools
import inspect
import secrets
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import numpy as np

from agnesi.compile.shared import shared as _shared
from agnesi.core.errors import CallError, FunctionError
from agnesi.graph.tracing import loop_indices as _loop_indices
from agnesi.ops import random as _random
from agnesi.ops.lift import is_integer as _is_integer
from agnesi.ops.random import bits, exponential, fold_in, key, normal, split, uniform
from agnesi.ops.random_continuous import (
    beta,
    dirichlet,
    gamma,
    gumbel,
    laplace,
    loggamma,
    truncated_normal,
)
from agnesi.ops.random_discrete import (
    bernoulli,
    binomial,
    categorical,
    choice,
    integers,
    multinomial,
    permutation,
    poisson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.compile.shared import Shared
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = [
    "Stream",
    "bernoulli",
    "beta",
    "binomial",
    "bits",
    "categorical",
    "choice",
    "dirichlet",
    "exponential",
    "fold_in",
    "gamma",
    "gumbel",
    "integers",
    "key",
    "laplace",
    "loggamma",
    "multinomial",
    "normal",
    "permutation",
    "poisson",
    "split",
    "truncated_normal",
    "uniform",
]

_P = ParamSpec("_P")


def _method(
    draw: Callable[Concatenate[TensorLike, _P], Tensor],
) -> Callable[Concatenate[Stream, _P], Tensor]:
    """Return a function of a key as a method of a stream, which brings the key."""

    def method(self: Stream, /, *args: _P.args, **named: _P.kwargs) -> Tensor:
        return draw(self.next_key(), *args, **named)

    functools.update_wrapper(method, draw)
    vars(method).pop("__wrapped__")
    own, (_, *others) = inspect.signature(method), inspect.signature(draw).parameters.values()
    me = next(iter(own.parameters.values()))
    vars(method)["__signature__"] = inspect.signature(draw).replace(parameters=[me, *others])
    # Examples have a key.
    said, *_ = (draw.__doc__ or "").split(">>>")
    method.__doc__ = "\n".join(x for x in said.splitlines() if not x.strip().startswith("key: "))
    return method


class Stream:
    """A source of random numbers that are new in each call of a compiled function.

    A draw is a variable: used twice it is the same numbers, two draws are different ones.  The
    stream holds a key and a counter in shared variables; a function that uses one of its draws
    counts the counter up when it is called, unless it is told not to (``no_default_updates`` of
    :func:`agnesi.function`).

    The key of draw number ``d`` of the stream is made of the stream's key, the counter and ``d``;
    inside a loop, of the loop's index, too.  So a program that makes the same draws in the same
    order, and calls its functions in the same order, gets the same numbers.

    Its methods are the functions of ``ag.random`` without the key.

    Attributes:
        key: shared variable, ``u32[2]``.
        count: shared variable, ``i64[]``: how many calls there were.

    >>> stream = ag.random.Stream(seed=1)
    >>> u = stream.uniform((2,))
    >>> f = ag.function([], [u, u, stream.uniform((2,))])
    >>> a, b, c = f()
    >>> bool((a == b).all()), bool((a == c).any())
    (True, False)
    """

    def __init__(self, seed: int | None = None, name: str = "random") -> None:
        """Begin a stream.

        Args:
            seed: an integer from 0 up to 2**64 - 1; None takes one from the system.
            name: of the shared variables.

        Raises:
            FunctionError: the seed is none.
        """
        self.key: Shared = _shared(_words(seed), f"{name}.key")
        self.count: Shared = _shared(np.int64(0), f"{name}.count")
        self.count.set_default_update(self.count + 1)
        self.draws = 0

    def __repr__(self) -> str:
        return f"<random stream: {self.draws} draws, {self.count.get_value()} calls>"

    def next_key(self) -> Tensor:
        """Return a key of its own for another draw: another one in each call of a function."""
        made = _random.stream_key(self.key, self.count, self.draws)
        self.draws += 1
        for index in _loop_indices():
            made = fold_in(made, index)
        return made

    def seed(self, seed: int | None = None) -> None:
        """Begin anew, also in functions that are compiled already.

        Args:
            seed: as when the stream was made.
        """
        self.key.set_value(_words(seed))
        self.count.set_value(np.int64(0))

    def get_state(self) -> dict[str, Any]:
        """Return what :meth:`set_state` takes, to go on from here: integers, ready for JSON."""
        first, second = map(int, self.key.get_value())
        return {"key": [first, second], "count": int(self.count.get_value())}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from where a state was got; the program has to make its draws in the same order.

        Raises:
            CallError: this is no state.
        """
        try:
            words = np.array(state["key"], np.uint32)
            count = np.int64(state["count"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CallError(f"set_state: {state!r} is no state of a stream: {error}") from error
        if words.shape != (2,):
            raise CallError(f"set_state: a key has two words, not {state['key']!r}")
        self.key.set_value(words)
        self.count.set_value(count)

    def updates(self) -> list[tuple[Shared, Tensor]]:
        """Return what functions do to the counter by themselves, for one that was told not to."""
        return [(self.count, self.count + 1)]

    bits = _method(bits)
    uniform = _method(uniform)
    normal = _method(normal)
    exponential = _method(exponential)
    laplace = _method(laplace)
    gumbel = _method(gumbel)
    truncated_normal = _method(truncated_normal)
    gamma = _method(gamma)
    loggamma = _method(loggamma)
    beta = _method(beta)
    dirichlet = _method(dirichlet)
    bernoulli = _method(bernoulli)
    integers = _method(integers)
    binomial = _method(binomial)
    poisson = _method(poisson)
    multinomial = _method(multinomial)
    categorical = _method(categorical)
    choice = _method(choice)
    permutation = _method(permutation)


def _words(seed: int | None) -> np.ndarray[Any, Any]:
    if seed is None:
        seed = secrets.randbits(64)
    if not _is_integer(seed) or not 0 <= seed < 2**64:
        raise FunctionError(
            f"Stream: a seed is an integer from 0 to 2**64 - 1, but this is {seed!r}"
        )
    return np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint32)

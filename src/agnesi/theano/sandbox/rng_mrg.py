"""``MRG_RandomStreams``: L'Ecuyer's MRG31k3p, in native code.

P. L'Ecuyer, R. Touzin: Fast combined multiple recursive generators with multipliers of the form
a = +-2^q +-2^r.  Winter Simulation Conference (2000), 683-689.  A draw takes its numbers from many
streams in turn: number ``i`` is the next one of stream ``i % nstreams``.  Streams begin 2^72 steps
apart, draws 2^134.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import agnesi as ag
from agnesi.dims.dim import mul as times
from agnesi.dims.simplify import ceildiv
from agnesi.graph.tensor import SizeValue
from agnesi.theano.compile.sharedvalue import shared
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Variable
from agnesi.theano.gradient import undefined_grad
from agnesi.theano.missing import submodule
from agnesi.theano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform
from agnesi.theano.tensor import basic as tensor
from agnesi.theano.tensor import shapes
from agnesi.theano.tensor.applying import FunctionOp
from agnesi.theano.tensor.casting import upcast
from agnesi.theano.tensor.elementary import cos, lt, sin
from agnesi.theano.tensor.elementary import log as log_
from agnesi.theano.tensor.elementary import sqrt as sqrt_

if TYPE_CHECKING:
    from collections.abc import Sequence

M1, M2 = 2147483647, 2147462579
NORM = 4.656612873077392578125e-10
_MULT2 = 21069
_STREAMS = 60 * 256

# One step as matrices; powers of them go far.
_A1 = ((0, 1 << 22, (1 << 7) + 1), (1, 0, 0), (0, 1, 0))
_A2 = ((1 << 15, 0, (1 << 15) + 1), (1, 0, 0), (0, 1, 0))


def _product(a: Any, b: Any, m: int) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(sum(a[i][k] * b[k][j] for k in range(3)) % m for j in range(3)) for i in range(3)
    )


def _doubled(a: Any, times_: int, m: int) -> Any:
    """Return a matrix to the power of ``2**times_``."""
    for _ in range(times_):
        a = _product(a, a, m)
    return a


A1p72, A2p72 = _doubled(_A1, 72, M1), _doubled(_A2, 72, M2)
A1p134, A2p134 = _doubled(_A1, 134, M1), _doubled(_A2, 134, M2)


def matVecModM(A: Any, s: Any, m: int) -> Any:
    """Return the product of a matrix and a vector, modulo m."""
    return np.array(
        [sum(int(a) * int(b) for a, b in zip(row, s, strict=True)) % m for row in A], np.int32
    )


def multMatVect(v: Any, A: Any, m1: int, B: Any, m2: int) -> Any:
    """Return both halves of a state times their matrices."""
    return np.concatenate([matVecModM(A, v[:3], m1), matVecModM(B, v[3:], m2)])


def ff_2p134(rstate: Any) -> Any:
    """Return the state 2**134 steps on."""
    return multMatVect(rstate, A1p134, M1, A2p134, M2)


def ff_2p72(rstate: Any) -> Any:
    """Return the state 2**72 steps on."""
    return multMatVect(rstate, A1p72, M1, A2p72, M2)


def mrg_next_value(rstate: Sequence[Any], new_rstate: Any) -> float:
    """Compute one step of one stream, in Python; return its number."""
    x11, x12, x13, x21, x22, x23 = (int(x) for x in rstate)
    y1 = ((x12 & 511) << 22) + (x12 >> 9) + ((x13 & 16777215) << 7) + (x13 >> 24)
    y1 = y1 - M1 if y1 >= M1 else y1
    y1 += x13
    y1 = y1 - M1 if y1 >= M1 else y1
    y2 = ((x21 & 65535) << 15) + _MULT2 * (x21 >> 16)
    y2 = y2 - M2 if y2 >= M2 else y2
    y3 = ((x23 & 65535) << 15) + _MULT2 * (x23 >> 16)
    y3 = y3 - M2 if y3 >= M2 else y3
    y3 += x23
    y3 = y3 - M2 if y3 >= M2 else y3
    y3 += y2
    y3 = y3 - M2 if y3 >= M2 else y3
    new_rstate[...] = [y1, x11, x12, y3, x21, x22]
    return (y1 - y3 + (M1 if y1 <= y3 else 0)) * NORM


def _below(y: ag.Tensor, m: int) -> ag.Tensor:
    return ag.where(y >= m, y - m, y)


def _step(state: Sequence[ag.Tensor]) -> tuple[ag.Tensor, ...]:
    """Return the next states of all streams, six vectors of int64."""
    x11, x12, x13, x21, x22, x23 = state
    y1 = (x12 & 511) * (1 << 22) + (x12 >> 9) + (x13 & 16777215) * (1 << 7) + (x13 >> 24)
    y1 = _below(_below(y1, M1) + x13, M1)
    y2 = _below((x21 & 65535) * (1 << 15) + _MULT2 * (x21 >> 16), M2)
    y3 = _below((x23 & 65535) * (1 << 15) + _MULT2 * (x23 >> 16), M2)
    y3 = _below(_below(y3 + x23, M2) + y2, M2)
    return y1, x11, x12, y3, x21, x22


def _drawn(rstate: ag.Tensor, count: Any, dtype: str) -> tuple[ag.Tensor, ag.Tensor]:
    """Return the new states of streams and so many numbers, drawn from them in turn."""
    streams = rstate.type.shape[0]
    rounds = ceildiv(count, streams)
    first = tuple(ag.astype(rstate[:, k], "i64") for k in range(6))

    def step(carry: Any, _: Any) -> Any:
        (now, _before), new = carry, _step(carry[0])
        x11, x21 = new[0], new[3]
        number = ag.where(x11 <= x21, x11 - x21 + M1, x11 - x21)
        norm = np.float32(NORM) if dtype == "float32" else np.float64(NORM)
        return (new, now), ag.astype(number, dtype) * ag.constant(norm)

    length = rounds if isinstance(rounds, int) else SizeValue(rounds)
    (last, before), numbers = ag.scan(step, (first, first), length=length)
    flat = ag.reshape(numbers, -1)
    total = times(rounds, streams)
    same = isinstance(total, int) and total == count
    shown = flat if same else flat[: count if isinstance(count, int) else SizeValue(count)]
    left = ag.arange(streams if isinstance(streams, int) else SizeValue(streams)) + (
        _scalar(rounds) - 1
    ) * _scalar(streams)
    stepped = left < _scalar(count)
    news = [ag.where(stepped, a, b) for a, b in zip(last, before, strict=True)]
    return ag.astype(ag.stack(news, 1), "i32"), shown


def _scalar(size: Any) -> Any:
    return size if isinstance(size, int) else SizeValue(size)


def guess_n_streams(size: Any, warn: bool = False) -> int:
    """Return a good number of streams for a size."""
    if isinstance(size, tuple | list) and all(isinstance(i, int | np.integer) for i in size):
        r = 1
        for s in size:
            r *= int(s)
        if r > 6:
            r = r // 6
        return max(min(r, _STREAMS), 1)
    if warn:
        warnings.warn(
            f"MRG_RandomStreams Can't determine #streams from size ({size}), guessing 60*256",
            stacklevel=3,
        )
    return _STREAMS


class mrg_uniform(FunctionOp):
    """The op that draws numbers between 0 and 1 from streams.

    Attributes:
        output_type: type of the numbers.
        inplace: whether states are written over, which agnesi decides itself.
    """

    output_type: Any = None
    inplace = False

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.output_type},no_inplace}}"


class MRG_RandomStreams:
    """Draws with streams of their own.

    Attributes:
        rstate: where the next draw's streams begin.
        state_updates: for each draw its states, their new value, size and number of streams.
    """

    def __init__(self, seed: Any = 12345, use_cuda: Any = None) -> None:
        del use_cuda
        self.state_updates: list[tuple[Any, ...]] = []
        self.default_instance_seed = seed
        self.set_rstate(seed)

    def set_rstate(self, seed: Any) -> None:
        """Set where the next draw's streams begin: a number, or six."""
        if isinstance(seed, int | np.integer):
            if seed == 0:
                raise ValueError("seed should not be 0", seed)
            if seed >= M2:
                raise ValueError(f"seed should be less than {M2}", seed)
            self.rstate = np.asarray([seed] * 6, np.int32)
        elif len(seed) == 6:
            if seed[0] == 0 and seed[1] == 0 and seed[2] == 0:
                raise ValueError("The first 3 values of seed should not be all 0", seed)
            if seed[3] == 0 and seed[4] == 0 and seed[5] == 0:
                raise ValueError("The last 3 values of seed should not be all 0", seed)
            if any(s >= M1 for s in seed[:3]):
                raise ValueError(f"The first 3 values of seed should be less than {M1}", seed)
            if any(s >= M2 for s in seed[3:]):
                raise ValueError(f"The last 3 values of seed should be less than {M2}", seed)
            self.rstate = np.asarray(seed, np.int32)
        else:
            raise TypeError("seed should be 1 integer or 6 integers")

    def seed(self, seed: Any = None) -> None:
        """Have all draws begin again, with a seed."""
        self.set_rstate(self.default_instance_seed if seed is None else seed)
        for old_r, _, size, nstreams in self.state_updates:
            count = self.n_streams(size) if nstreams is None else nstreams
            old_r.set_value(self.get_substream_rstates(count, "float32"))

    def inc_rstate(self) -> None:
        """Go on to where the next draw's streams begin."""
        self.rstate = ff_2p134(self.rstate)

    def get_substream_rstates(
        self, n_streams: int, dtype: Any = None, inc_rstate: bool = True
    ) -> Any:
        """Return the states of so many streams, ``[n_streams, 6]`` int32."""
        del dtype
        if n_streams < 1:
            raise ValueError(f"n_streams is positive, not {n_streams}")
        rows = np.empty((n_streams, 6), np.int32)
        rows[0] = self.rstate
        # Rows k..2k are rows 0..k so many streams on: all at once, by powers of the matrices.
        done = 1
        a1, a2 = A1p72, A2p72
        while done < n_streams:
            more = min(done, n_streams - done)
            rows[done : done + more, :3] = _times(rows[:more, :3], a1, M1)
            rows[done : done + more, 3:] = _times(rows[:more, 3:], a2, M2)
            done += more
            a1, a2 = _product(a1, a1, M1), _product(a2, a2, M2)
        if inc_rstate:
            self.inc_rstate()
        return rows

    def n_streams(self, size: Any) -> int:
        """Return a good number of streams for a size."""
        return guess_n_streams(size)

    def updates(self) -> list[tuple[Any, Any]]:
        """Return pairs of each draw's states and their new value."""
        return [(old_r, new_r) for old_r, new_r, _, _ in self.state_updates]

    def uniform(
        self,
        size: Any,
        low: Any = 0.0,
        high: Any = 1.0,
        ndim: Any = None,
        dtype: Any = None,
        nstreams: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return numbers between ``low`` and ``high``.

        Args:
            size: a tuple of numbers and scalars, or a vector.
            low: least.
            high: greatest.
            ndim: how many sizes there are, where a vector does not tell.
            dtype: of the result; floatX by default.
            nstreams: how many streams the numbers come from.
            **kwargs: nothing.
        """
        del kwargs
        low, high = tensor.as_tensor_variable(low), tensor.as_tensor_variable(high)
        if dtype is None:
            dtype = upcast(config.floatX, low.dtype, high.dtype)
        dtype = config.floatX if dtype == "floatX" else str(np.dtype(dtype))
        low, high = undefined_grad(low.astype(dtype)), undefined_grad(high.astype(dtype))
        items = _items(size, ndim)
        known = tuple(items) if all(isinstance(i, int | np.integer) for i in items) else size
        count = self.n_streams(known) if nstreams is None else nstreams
        states = shared(self.get_substream_rstates(count, dtype))
        given = [tensor.as_tensor_variable(i) for i in items if isinstance(i, Variable)]

        def build(rstate: ag.Tensor, *sizes: ag.Tensor) -> list[ag.Tensor]:
            rest = iter(sizes)
            wanted = [
                shapes.one_size(next(rest)) if isinstance(i, Variable) else int(i) for i in items
            ]
            total: Any = 1
            for w in wanted:
                total = times(total, w)
            inside = "float32" if dtype in ("float32", "float16") else "float64"
            new, flat = _drawn(rstate, total, inside)
            shaped = ag.reshape(flat, tuple(_scalar(w) for w in wanted))
            return [new, ag.astype(shaped, dtype)]

        op = mrg_uniform("mrg_uniform", build, 2)
        new_r, u = op(states, *given, return_list=True)
        op.output_type = u.type
        u.rng, u.update = states, (states, new_r)
        states.default_update = new_r
        states.tag.is_rng = True
        self.state_updates.append((states, new_r, known, nstreams))
        result = u * (high - low) + low
        result.rng, result.update = u.rng, u.update
        return result

    def binomial(
        self,
        size: Any = None,
        n: Any = 1,
        p: Any = 0.5,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return how many of ``n`` tries succeed."""
        del kwargs
        p = undefined_grad(tensor.as_tensor_variable(p))
        if n == 1:
            if p.dtype == "float32" and config.floatX == "float32":
                x = self.uniform(size=size, dtype="float32", nstreams=nstreams, ndim=ndim)
            else:
                x = self.uniform(size=size, nstreams=nstreams, ndim=ndim)
            return lt(x, p).astype(dtype)
        count = int(tensor.get_scalar_constant_value(n))
        items = _items(size, ndim)
        many = self.uniform(size=(count, *items), nstreams=nstreams)
        return lt(many, p).astype(dtype).sum(axis=0, dtype=dtype)

    def multinomial(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return how many of ``n`` tries fall into which class, for each row of ``pvals``."""
        del kwargs, size, ndim
        if pvals is None:
            raise TypeError("You have to specify pvals")
        pvals = undefined_grad(tensor.as_tensor_variable(pvals))
        if pvals.ndim != 2:
            raise NotImplementedError(
                "MRG_RandomStreams.multinomial only implemented for pvals.ndim = 2"
            )
        unis = self.uniform(size=(pvals.shape[0] * n,), nstreams=nstreams)
        return MultinomialFromUniform(dtype)(pvals, unis, n)

    def choice(
        self,
        size: Any = 1,
        a: Any = None,
        replace: bool = True,
        p: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return numbers of classes drawn without putting back, for each row of ``p``."""
        del kwargs, ndim
        if replace:
            raise NotImplementedError(
                "MRG_RandomStreams.choice only works without replacement for now."
            )
        if a is not None:
            raise TypeError("For now, a has to be None in MRG_RandomStreams.choice.")
        if p is None:
            raise TypeError("For now, p has to be specified in MRG_RandomStreams.choice.")
        if p.ndim != 2:
            raise NotImplementedError("MRG_RandomStreams.choice is only implemented for p.ndim = 2")
        p = undefined_grad(tensor.as_tensor_variable(p))
        unis = self.uniform(size=(p.shape[0] * size,), nstreams=nstreams)
        return ChoiceFromUniform(dtype)(p, unis, size)

    def multinomial_wo_replacement(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return ``choice(replace=False)``, under its old name."""
        del size, ndim, kwargs
        return self.choice(size=n, replace=False, p=pvals, dtype=dtype, nstreams=nstreams)

    def normal(
        self,
        size: Any,
        avg: Any = 0.0,
        std: Any = 1.0,
        ndim: Any = None,
        dtype: Any = None,
        nstreams: Any = None,
        truncate: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Return normal numbers, two of each two uniform ones."""
        del kwargs
        avg, std = tensor.as_tensor_variable(avg), tensor.as_tensor_variable(std)
        if dtype is None:
            dtype = upcast(config.floatX, avg.dtype, std.dtype)
        dtype = config.floatX if dtype == "floatX" else str(np.dtype(dtype))
        avg, std = undefined_grad(avg.astype(dtype)), undefined_grad(std.astype(dtype))
        items = _items(size, ndim)
        if all(isinstance(i, int | np.integer) for i in items):
            count: Any = int(np.prod(items, dtype=np.int64)) if items else 1
            even = count + count % 2
            half = even // 2
        else:
            count = 1
            for i in items:
                count = count * i
            even = count + count % 2
            half = even // 2
        uniforms = self.uniform(size=(even,), dtype=dtype, nstreams=nstreams)
        u1, u2 = uniforms[:half], uniforms[half:]
        if truncate:
            # Both coordinates of a point are within two standard deviations.
            low = np.asarray(np.exp(-2.0), dtype)
            u1 = low + u1 * (np.asarray(1, dtype) - low)
        radius = sqrt_(-2.0 * log_(u1)).astype(dtype)
        turn = np.asarray(2.0 * np.pi, dtype) * u2
        both = tensor.join(0, radius * cos(turn), radius * sin(turn))
        samples = both[:count]
        shaped = samples.reshape(tuple(items), ndim=len(items)) if items else samples[0]
        result = (shaped * std + avg).astype(dtype)
        result.rng, result.update = uniforms.rng, uniforms.update
        return result

    def truncated_normal(
        self,
        size: Any,
        avg: Any = 0.0,
        std: Any = 1.0,
        ndim: Any = None,
        dtype: Any = None,
        nstreams: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return normal numbers within two standard deviations."""
        std = std / tensor.constant(0.87962566103423978)
        return self.normal(size, avg, std, ndim, dtype, nstreams, truncate=True, **kwargs)


def _times(rows: Any, a: Any, m: int) -> Any:
    """Return rows times the transposed matrix, modulo m, exactly."""
    wide, matrix = rows.astype(np.uint64), np.array(a, np.uint64)
    total = np.zeros_like(wide)
    for k in range(3):
        total = (total + wide[:, k : k + 1] * matrix[:, k][None, :] % np.uint64(m)) % np.uint64(m)
    return total.astype(np.int32)


def _items(size: Any, ndim: Any) -> list[Any]:
    if isinstance(size, tuple | list):
        items = list(size)
    elif isinstance(size, Variable):
        items = shapes.size_list(size, ndim)
    elif isinstance(size, int | np.integer):
        items = [int(size)]
    else:
        raise TypeError(
            "size must be a tuple of int or a Theano variable with 1 dimension, got "
            f"{size!r} of type {type(size)}."
        )
    for item in items:
        if isinstance(item, int | np.integer) and item <= 0:
            raise ValueError("The specified size contains a dimension with value <= 0", size)
    return [int(i.data) if isinstance(i, Variable) and hasattr(i, "data") else i for i in items]


MRG_RandomStream = MRG_RandomStreams


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

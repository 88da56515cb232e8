"""Distributions over integers, and what is chosen by chance.

Counts have no derivatives by their parameters: to ask for one is an error.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import (
    BOOL,
    DEFAULT_INTEGER,
    F32,
    F64,
    I64,
    U32,
    U64,
    as_dtype,
)
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.leaves import Constant
from agnesi.graph.tensor import Tensor, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops import samplers
from agnesi.loops.nodes import (
    Assign,
    For,
    Read,
    apply,
    fresh_local,
    index_scalar,
    select,
)
from agnesi.loops.philox import MASK, block, pick, place
from agnesi.loops.prims import Prim
from agnesi.ops.choice import astype, where
from agnesi.ops.creation import Arange
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Reject, Sample, same_shapes
from agnesi.ops.lift import (
    as_axis,
    as_items,
    as_shape,
    as_tensor,
    broadcast_sizes,
    cast,
    is_integer,
    is_number,
    lift_all,
    operand_lines,
)
from agnesi.ops.movement import flip, moveaxis, ravel, repeat, reshape
from agnesi.ops.nests import loop_indices, parallel
from agnesi.ops.random import (
    KEYS,
    NO_KEY,
    Bits,
    Request,
    UnitExponential,
    UnitUniform,
    as_key,
    not_negative,
    philox_words,
)
from agnesi.ops.random_continuous import Sampled, gumbel, sampled, sampled_at
from agnesi.ops.reductions import argmax
from agnesi.ops.scans import cumsum
from agnesi.ops.searching import searchsorted
from agnesi.ops.sorting import ArgSort
from agnesi.ops.taking import take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, TensorLike
    from agnesi.loops.nodes import Scalar, Statement
    from agnesi.loops.philox import Words

__all__: list[str] = []

_STEPS = (
    "a count does not change little by little: weigh with the logarithm of its probability, "
    "or differentiate what it is on average"
)


def probability(x: Any) -> Any:
    """Whether a parameter is a probability."""
    return (x >= 0) & (x <= 1)


# -- one decision, one integer -------------------------------------------------------------------


class _OfBits(Op):
    """Elements that compare or scale the bits of a block with a parameter.

    Attributes:
        per_block: how many elements a block has.
    """

    drawn_by: Tensor

    differentiable = False
    expensive = True
    wholes = (0,)
    in_strips = True
    folds = False
    dtypes = (U32,)

    @property
    def _per_block(self) -> int:
        raise NotImplementedError

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The element's share of a block, and its parameter."""
        count = self.drawn_by.ndim - 1
        around, inside = index[:count], index[count:]
        key = (read(0, (*around, 0)).cast(U64), read(0, (*around, 1)).cast(U64))
        number, which = place(ravel(inside, self.type.shape[count:]), self._per_block)
        words = block(index_scalar(number).cast(U64), key)
        return self.decide(words, which, read(1, index))

    def decide(self, words: Words, which: Size, parameter: Scalar) -> Scalar:
        """Return the element."""
        raise NotImplementedError

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Decisions have no derivatives."""
        return None, None


def _blocks(key: Array, shape: tuple[int, ...], per_block: int) -> tuple[list[Array], Array]:
    """Return words and places for elements of a shape, with those of several keys in front."""
    size = math.prod(shape[key.ndim - 1 :])
    e = np.arange(size, dtype=np.uint64)
    number = e // np.uint64(16 * per_block) * np.uint64(16) + e % np.uint64(16)
    zero = np.zeros_like(e)
    counter = (number & np.uint64(MASK), number >> np.uint64(32), zero, zero)
    words = philox_words(counter, (key[..., 0, None], key[..., 1, None]))
    which = (e // np.uint64(16) % np.uint64(per_block)).astype(np.int64)
    return [w.reshape(shape) for w in words], np.broadcast_to(
        which, (*key.shape[:-1], size)
    ).reshape(shape)


def _bernoulli(key: Array, p: Array | float = 0.5, shape: Any = None) -> Array:
    size = np.shape(p) if shape is None else shape
    words, which = _blocks(key, tuple(size), 4)
    bound = np.rint(np.broadcast_to(np.asarray(p, np.float64), size) * 2.0**32)
    return np.choose(which, words).astype(np.float64) < bound


class BernoulliDraw(_OfBits):
    """Whether something happens that has a probability, known to 2**-32."""

    chance: Tensor
    to: DType

    public = "bernoulli"
    reference = staticmethod(_bernoulli)
    domain = (KEYS, Domain(0, 1, dtypes=(F32, F64)))
    undefined = MappingProxyType({"chance": _STEPS})
    samples = (
        Sample(((2,), (5,))),
        Sample(((2,), (3, 67))),
        Sample(((2,), ())),
        Sample(((2,),), (0.25, (2, 100))),
    )
    rejects = (
        *NO_KEY[:1],
        Reject(("u32[2]",), "between 0 and 1", (1.5,)),
        Reject(("u32[2]", "f32[3]"), "bernoulli", ((4,),)),
    )

    @property
    def _per_block(self) -> int:
        return 4

    def infer(self) -> TensorType:
        """A truth, or 0 or 1, for each probability."""
        return TensorType(self.to, self.chance.type.shape)

    def decide(self, words: Words, which: Size, parameter: Scalar) -> Scalar:
        """Whether a word is less than the probability's share of all words."""
        bound = apply(Prim.RINT, parameter * 2.0**32).cast(I64)
        return (pick(which, words).bitcast(I64) < bound).cast(self.to)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The same bits in NumPy."""
        return _bernoulli(*operands).astype(self.to.numpy)


def bernoulli(
    key: TensorLike, p: TensorLike = 0.5, /, shape: Any = None, *, dtype: Any = BOOL
) -> Tensor:
    """Return for each element whether something of a probability happens.

    Probabilities count to 2**-32.

    Args:
        key: ``u32[2]``.
        p: probability, which broadcasts to the shape; where a call finds it below 0, or NaN,
            nothing happens, above 1, everything.
        shape: of the result; by default that of ``p``.  Sizes may be symbolic.
        dtype: of the result, bool by default.  A float has no derivative by ``p``, which is an
            error; bools and integers cut derivatives.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or a probability that is none or does
            not broadcast.

    >>> mask = ag.random.bernoulli(ag.random.key(1), 0.9, (1000,)).eval()
    >>> bool(850 < mask.sum() < 950)
    True
    """
    asked = Request("bernoulli", key, shape, F64, ("p",), p)
    asked.known(0, probability, "is between 0 and 1")
    kind = as_dtype(dtype)
    made = BernoulliDraw(asked.key, asked.spread(0, F64), kind.arithmetic)
    return astype(made, kind)


def _below(key: Array, span: Array, wide: bool) -> Array:
    words, which = _blocks(key, span.shape, 1 if wide else 2)
    if not wide:
        words = [np.choose(which, words[::2]), np.choose(which, words[1::2])]
    total = np.zeros(span.shape, object)
    for k, word in enumerate(words):
        total = total + np.asarray(word.astype(object) * 2 ** (32 * k), object)
    scaled = np.asarray(total * span.astype(object) // 2 ** (32 * len(words)), object)
    return scaled.astype(np.uint64)


class BelowDraw(_OfBits):
    """Integers from 0 up to but without a span: that share of 128 bits, or of 64."""

    span: Tensor
    wide: bool

    public = "integers"
    reference = staticmethod(_below)
    domain = (KEYS, Domain(1, 2**31, dtypes=(U64,)))
    samples = (
        Sample(((2,), (5,)), (True,)),
        Sample(((2,), (3, 67)), (False,)),
        Sample(((2,), (70,)), (True,)),
        Sample(((2,), ()), (False,)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node, which has a span where the public function has bounds."""
        return cls(*operands)

    @property
    def _per_block(self) -> int:
        return 1 if self.wide else 2

    def infer(self) -> TensorType:
        """An integer for each span."""
        return TensorType(U64, self.span.type.shape)

    def decide(self, words: Words, which: Size, parameter: Scalar) -> Scalar:
        """The product of the span and all bits, without so many bits."""
        if not self.wide:
            # The span is at most 2**32.
            first, second = pick(which, words[::2]), pick(which, words[1::2])
            return (second * parameter + (first * parameter >> 32)) >> 32
        a, top = _scaled(words, parameter & MASK)
        b, more = _scaled(words, parameter >> 32)
        carry = (a[1] + b[0]) >> 32
        for k in (2, 3):
            carry = (a[k] + b[k - 1] + carry) >> 32
        last = top + b[3] + carry
        return (last & MASK) | (more + (last >> 32)) << 32

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Python's integers."""
        return _below(operands[0], operands[1], self.wide)


def _scaled(words: Words, factor: Scalar) -> tuple[list[Scalar], Scalar]:
    """Return the words of a product, and the one beyond."""
    found: list[Scalar] = []
    carry: Scalar = factor.like(0)
    for word in words:
        whole = word * factor + carry
        found.append(whole & MASK)
        carry = whole >> 32
    return found, carry


def integers(
    key: TensorLike,
    low: int | TensorLike,
    high: int | TensorLike | None = None,
    /,
    shape: Any = None,
    *,
    dtype: Any = DEFAULT_INTEGER,
) -> Tensor:
    """Return integers from ``low`` up to but without ``high``, equally likely.

    Of 64-bit dtypes, each is as likely as the next to 2**-64, of others to 2**-32.

    Args:
        key: ``u32[2]``.
        low: least integer, which broadcasts to the shape; alone it is ``high``, and the least is 0.
        high: where to end.  Where a call finds none in between, the result is -1.
        shape: of the result; by default that of the bounds together.  Sizes may be symbolic.
        dtype: an integer dtype.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, bounds that are no integers, have
            none between them, do not fit the dtype or do not broadcast.

    >>> dice = ag.random.integers(ag.random.key(1), 1, 7, (1000,)).eval()
    >>> int(dice.min()), int(dice.max())
    (1, 6)
    """
    kind = as_dtype(dtype)
    if not kind.is_integer:
        raise GraphTypeError(f"integers: the dtype is an integer, but this is {kind}")
    drawn_by = as_key("integers", key)
    given = lift_all("integers", (0, low) if high is None else (low, high))
    limits = np.iinfo(kind.numpy)
    for name, bound, most in zip(("low", "high"), given, (limits.max, limits.max + 1), strict=True):
        whole = is_integer(bound) if is_number(bound) else _is_integral(bound)
        if not whole or (is_integer(bound) and not limits.min <= bound <= most):
            raise GraphTypeError(
                f"integers: bounds are integers of {kind}\n{operand_lines((name,), (bound,))}"
            )
    first, last = given
    if is_integer(first) and is_integer(last) and first >= last:
        raise GraphTypeError(f"integers: there is none from {first} up to but without {last}")
    shapes = [b.type.shape for b in given if isinstance(b, Tensor)]
    target = _target("integers", shape, shapes, ("low", "high"), given)
    # Wrapping around, the difference is right for every dtype.
    begin, end = (repeat("integers", _wrapped(b), target) for b in given)
    if is_integer(first) and is_integer(last) and last - first == 2**64:
        return astype(Bits(drawn_by, target, U64), kind)
    number = BelowDraw(drawn_by, end - begin, kind.bits == 64)
    result = astype(begin + number, kind)
    if is_integer(first) and is_integer(last):
        return result
    compared = U64 if kind is U64 else I64
    return where(
        astype(end, compared) > astype(begin, compared), result, cast(_NONE[kind is U64], kind)
    )


_NONE = (-1, 2**64 - 1)


def _is_integral(bound: Any) -> bool:
    return isinstance(bound, Tensor) and bound.dtype.is_integer


def _wrapped(bound: Any) -> Tensor:
    """Return a bound as a u64 that wraps around."""
    if is_integer(bound):
        return cast(int(bound) & (2**64 - 1), U64)
    return astype(bound, U64)


def _target(
    op: str, shape: Any, shapes: Sequence[Shape], names: Sequence[str], given: Sequence[Any]
) -> Shape:
    """Return the shape asked for, or that of the parameters together."""
    if shape is not None:
        return as_shape(op, shape)
    found = broadcast_sizes(shapes) if shapes else ()
    if found is None:
        raise GraphTypeError(f"{op}: parameters do not broadcast\n{operand_lines(names, given)}")
    return found


# -- counts --------------------------------------------------------------------------------------


def _poissons(key: Array, rate: Array, shape: Any = None) -> Array:
    size = np.shape(rate) if shape is None else shape
    found = sampled(samplers.poisson, key, np.broadcast_to(np.asarray(rate, np.float64), size))
    return found.astype(np.int64)


class PoissonDraw(Sampled):
    """Counts of the Poisson distribution, as floats."""

    rate: Tensor

    public = "poisson"
    sampler = samplers.poisson
    reference = staticmethod(_poissons)
    differentiable = False
    dtypes = (F32, F64)
    domain = (KEYS, Domain(0, 30, dtypes=(F64, F32)))
    samples = (
        Sample(((2,), (6,))),
        Sample(((2,), (2, 3))),
        Sample(((2,), ())),
        Sample(((2,), (3,)), ((2, 3),)),
    )
    rejects = (
        Reject(("f32[2]",), "a key is", (2.0,)),
        Reject(("u32[2]",), "lam is at least 0", (-1.0,)),
    )
    undefined = MappingProxyType({"rate": _STEPS})

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Counts have none."""
        return None, None


def poisson(
    key: TensorLike, lam: TensorLike = 1.0, /, shape: Any = None, *, dtype: Any = DEFAULT_INTEGER
) -> Tensor:
    """Return counts of a Poisson distribution.

    Args:
        key: ``u32[2]``.
        lam: mean, which broadcasts to the shape; where a call finds it negative, NaN or from 2**53
            on, the result is -1.
        shape: of the result; by default that of ``lam``.  Sizes may be symbolic.
        dtype: of the result.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or a mean that is negative or does
            not broadcast.

    >>> counts = ag.random.poisson(ag.random.key(1), 4.0, (1000,)).eval()
    >>> bool(3.7 < counts.mean() < 4.3)
    True
    """
    asked = Request("poisson", key, shape, F64, ("lam",), lam)
    asked.known(0, not_negative, "is at least 0")
    return astype(PoissonDraw(asked.key, asked.spread(0, F64)), as_dtype(dtype))


def _binomials(key: Array, n: Array, p: Array, shape: Any = None) -> Array:
    size = np.broadcast_shapes(np.shape(n), np.shape(p)) if shape is None else shape
    given = (np.broadcast_to(np.asarray(x, np.float64), size) for x in (n, p))
    return sampled(samplers.binomial, key, *given).astype(np.int64)


class BinomialDraw(Sampled):
    """Counts of the binomial distribution, as floats."""

    trials: Tensor
    chance: Tensor

    public = "binomial"
    sampler = samplers.binomial
    reference = staticmethod(_binomials)
    differentiable = False
    dtypes = (F32, F64)
    domain = (KEYS, Domain(0, 60, dtypes=(I64,)), Domain(0, 1, dtypes=(F64, F32)))
    samples = (
        Sample(((2,), (6,), (6,))),
        Sample(((2,), (), (2, 3))),
        Sample(((2,), (), ())),
        Sample(((2,), (3,), ()), ((2, 3),)),
    )
    rejects = (
        Reject(("f32[2]",), "a key is", (2, 0.5)),
        Reject(("u32[2]",), "n is a number of trials", (-1, 0.5)),
        Reject(("u32[2]",), "n is a number of trials", (1.5, 0.5)),
        Reject(("u32[2]",), "p is between 0 and 1", (1, 1.5)),
    )
    undefined = MappingProxyType({"trials": _STEPS, "chance": _STEPS})

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Counts have none."""
        return None, None, None


def _is_count(x: Any) -> Any:
    return (x >= 0) & (x == np.floor(x)) & (x <= samplers.MOST)


def binomial(
    key: TensorLike,
    n: int | TensorLike,
    p: TensorLike,
    /,
    shape: Any = None,
    *,
    dtype: Any = DEFAULT_INTEGER,
) -> Tensor:
    """Return how many of ``n`` trials succeed.

    Args:
        key: ``u32[2]``.
        n: number of trials up to 2**53, which broadcasts to the shape; where a call finds it to be
            none, the result is -1.
        p: probability of each; where a call finds it to be none, the result is -1.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        dtype: of the result.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or parameters that are no number of
            trials, no probability, or do not broadcast.

    >>> heads = ag.random.binomial(ag.random.key(1), 100, 0.5, (1000,)).eval()
    >>> bool(49 < heads.mean() < 51)
    True
    """
    asked = Request("binomial", key, shape, F64, ("n", "p"), n, p)
    asked.known(0, _is_count, "is a number of trials")
    asked.known(1, probability, "is between 0 and 1")
    made = BinomialDraw(asked.key, asked.spread(0, F64), asked.spread(1, F64))
    return astype(made, as_dtype(dtype))


def _multinomials(key: Array, trials: Array, chances: Array) -> Array:
    keys = key.reshape(-1, 2)
    columns = chances.shape[-1]
    left = np.array(trials, np.float64).reshape(len(keys), -1)
    given = np.asarray(chances, np.float64).reshape(*left.shape, columns)
    result: Array = np.zeros(given.shape)
    rows = np.arange(left.shape[1], dtype=np.uint64) * np.uint64(columns)
    for k, own in enumerate(keys):
        for column in range(columns):
            numbers = rows + np.uint64(column)
            count = sampled_at(samplers.binomial, own, numbers, left[k], given[k, :, column])
            result[k, :, column] = count
            left[k] = np.where(count < 0, -1.0, left[k] - count)
    return np.asarray(result.reshape(chances.shape))


class MultinomialDraw(LoopOp):
    """How many of some trials come out how, one outcome after the other.

    Attributes:
        trials: how many.
        chances: along the last axis: of each outcome, if none before it came out.
    """

    drawn_by: Tensor
    trials: Tensor
    chances: Tensor

    public = "multinomial"
    reference = staticmethod(_multinomials)
    streams = (1, 2)
    folds = False
    differentiable = False
    dtypes = (F64,)
    domain = (KEYS, Domain(7, 7, dtypes=(F64,)), Domain(0, 1, dtypes=(F64,)))
    samples = (Sample(((2,), (), (3,))), Sample(((2,), (2,), (2, 4))))
    undefined = MappingProxyType({"trials": _STEPS, "chances": _STEPS})

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node, whose chances are not those of the public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """A count for each chance."""
        return TensorType(F64, self.chances.type.shape)

    def requirements(self) -> tuple[Requirement, ...]:
        """A number of trials for each vector of chances."""
        return same_shapes((self.trials,), self.type.shape[:-1])

    def loops(self, at: Memory) -> Sequence[Statement]:
        """What is left after each outcome goes on to the next."""
        *outer, column = loop_indices(self.type.shape)
        found, around = parallel(outer)
        where_ = tuple(found[i] for i in outer)
        count = self.drawn_by.ndim - 1
        key = tuple(at.read(0, (*where_[:count], k)).cast(U64) for k in range(2))
        shape = self.type.shape[count:]
        number = index_scalar(ravel((*where_[count:], column), shape)).cast(U64)
        left, some = fresh_local("left", F64), fresh_local("count", F64)
        chance = at.read(2, (*where_, column))
        drawn = samplers.binomial((key[0], key[1]), number, Read(left), chance)
        body = (
            Assign(some, drawn),
            *at.store((*where_, column), Read(some)),
            Assign(left, select(Read(some) < 0.0, -1.0, Read(left) - Read(some))),
        )
        return around([Assign(left, at.read(1, where_)), For(column, body)])

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Counts have none."""
        return None, None, None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The same draws, outcome by outcome."""
        return _multinomials(operands[0], operands[1], operands[2])


def multinomial(
    key: TensorLike,
    n: int | TensorLike,
    p: TensorLike,
    /,
    shape: Any = None,
    *,
    dtype: Any = DEFAULT_INTEGER,
) -> Tensor:
    """Return how often each outcome occurs in ``n`` trials.

    Args:
        key: ``u32[2]``.
        n: number of trials, which broadcasts to the shape.
        p: weights of the outcomes along the last axis, which need not add up to 1.  Where a call
            finds one negative, or all 0, counts are -1.
        shape: of the result without its last axis; by default that of ``n`` and of ``p`` without
            its last axis together.  Sizes may be symbolic.
        dtype: of the result.

    Returns:
        Counts, with the outcomes along the last axis.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or parameters that are no number of
            trials, no weights, or do not broadcast.

    >>> ag.random.multinomial(ag.random.key(1), 10, [0.2, 0.3, 0.5], (4,)).eval().sum(1)
    array([10, 10, 10, 10])
    """
    trials, weights = _outcomes("multinomial", n, p)
    shapes = [trials.type.shape, weights.type.shape[:-1]]
    target = _target("multinomial", shape, shapes, ("n", "p"), (trials, weights))
    drawn_by = as_key("multinomial", key)
    columns = weights.type.shape[-1]
    spread = repeat("multinomial", weights, (*target, columns))
    tail = flip(cumsum(flip(spread, -1), -1), -1)
    some = spread.sum(-1, keepdims=True) > 0
    chance = where(tail > 0, spread / tail, where(some, 0.0, math.nan))
    made = MultinomialDraw(drawn_by, repeat("multinomial", trials, target), chance)
    return astype(made, as_dtype(dtype))


def _outcomes(op: str, n: Any, p: Any) -> tuple[Tensor, Tensor]:
    """Return a number of trials and weights in f64."""
    given, weights = as_tensor(n), _weights(op, p)
    known = given.value if isinstance(given, Constant) else None
    if given.dtype.is_complex or (known is not None and not np.all(_is_count(known))):
        raise GraphTypeError(
            f"{op}: n is a number of trials\n{operand_lines(('n', 'p'), (given, weights))}"
        )
    return cast(given, F64), weights


def _weights(op: str, p: Any) -> Tensor:
    """Return weights along the last axis in f64."""
    weights = as_tensor(p)
    known = weights.value if isinstance(weights, Constant) else None
    bad = known is not None and not (np.all(known >= 0) and np.all(known.sum(-1) > 0))
    if not weights.ndim or weights.dtype.is_complex or weights.type.shape[-1] == 0 or bad:
        raise GraphTypeError(
            f"{op}: p are weights along the last axis, none negative and not all 0\n"
            f"{operand_lines(('p',), (weights,))}"
        )
    return cast(weights, F64)


# -- choices -------------------------------------------------------------------------------------


def categorical(
    key: TensorLike, logits: TensorLike, /, shape: Any = None, *, axis: int = -1
) -> Tensor:
    """Return the numbers of outcomes, given the logarithms of their weights.

    The largest sum of a logarithm and a Gumbel number is taken.

    Args:
        key: ``u32[2]``.
        logits: logarithms of the weights, along an axis; weights need not add up to 1.
        shape: of the result; by default that of the logits without the axis, whose other axes
            broadcast to it.  Sizes may be symbolic.
        axis: of the logits, along which the outcomes lie.

    Raises:
        GraphTypeError: no key, a shape or axis that is none, or logits that do not broadcast.

    >>> ag.random.categorical(ag.random.key(1), [0.0, 100.0], (3,)).eval()
    array([1, 1, 1])
    """
    own = as_tensor(logits)
    along = as_axis("categorical", axis, own.ndim, own)
    last = moveaxis(own, along, -1)
    whole = None if shape is None else (*as_items(shape), last.shape[-1])
    asked = Request("categorical", key, whole, None, ("logits",), last)
    noise = gumbel(asked.key, tuple(map(scalar_of, asked.target)), dtype=asked.wide)
    return argmax(asked.spread(0, asked.wide) + noise, -1)


def permutation(key: TensorLike, x: int | TensorLike, /, axis: int = 0) -> Tensor:
    """Return the integers below ``x``, or the slices of an array, in any order.

    By sorting 64 random bits for each.

    Args:
        key: ``u32[2]``.
        x: how many integers, an int or a symbolic integer; or an array.
        axis: of the array, along which it is divided.

    Raises:
        GraphTypeError: no key, a negative or broken number, or no such axis.

    >>> sorted(ag.random.permutation(ag.random.key(1), 4).eval().tolist())
    [0, 1, 2, 3]
    """
    drawn_by = as_key("permutation", key)
    if is_integer(x) or (isinstance(x, Tensor) and not x.ndim) or is_number(x):
        (size,) = as_shape("permutation", x)
        return _order(drawn_by, size)
    tensor = as_tensor(x)
    along = as_axis("permutation", axis, tensor.ndim, tensor)
    return take(tensor, _order(drawn_by, tensor.type.shape[along]), along)


def _order(key: Tensor, size: Size) -> Tensor:
    return ArgSort(Bits(key, (size,), U64), 0, False)


def choice(
    key: TensorLike,
    a: int | TensorLike,
    /,
    shape: Any = (),
    *,
    replace: bool = True,
    p: TensorLike | None = None,
    axis: int = 0,
) -> Tensor:
    """Return integers below ``a``, or slices of an array, chosen by chance.

    Args:
        key: ``u32[2]``.
        a: how many integers, an int or a symbolic integer; or an array.
        shape: how many are chosen, which takes the place of the axis.  Sizes may be symbolic.
        replace: whether one may be chosen more than once.
        p: weights, a vector that need not add up to 1; by default all are equally likely.  One
            that has weight 0 is not chosen while there are others.
        axis: of the array, along which it is divided.

    Raises:
        GraphTypeError: no key, a negative or broken number, no such axis, weights that are none or
            not as many, more to be chosen than there are.
        IndexOutOfBounds: in a call, more to be chosen than there are, or weights that are none.

    >>> bool(ag.random.choice(ag.random.key(1), 3, (100,), p=[0, 1, 1]).eval().min() == 1)
    True
    """
    drawn_by = as_key("choice", key)
    array: Tensor | None = None
    if is_integer(a) or (isinstance(a, Tensor) and not a.ndim) or is_number(a):
        (size,) = as_shape("choice", a)
    else:
        array = as_tensor(a)
        axis = as_axis("choice", axis, array.ndim, array)
        size = array.type.shape[axis]
    target = as_shape("choice", shape)
    weights = None
    if p is not None:
        weights = repeat("choice", _weights("choice", p), (size,))
    chooses = _with_replacement if replace else _without_replacement
    index = chooses(drawn_by, size, target, weights)
    return index if array is None else take(array, index, axis)


def _with_replacement(key: Tensor, size: Size, target: Shape, weights: Tensor | None) -> Tensor:
    shape = tuple(map(scalar_of, target))
    if weights is None:
        if size == 0:
            raise GraphTypeError("choice: there is nothing to choose from")
        return integers(key, 0, scalar_of(size), shape)
    sums = cumsum(weights, 0)
    u = UnitUniform(key, target, F64) * sums[-1]
    return searchsorted(sums, u, "right")


def _without_replacement(key: Tensor, size: Size, target: Shape, weights: Tensor | None) -> Tensor:
    count = product(target)
    if isinstance(size, int) and isinstance(count, int) and count > size:
        raise GraphTypeError(f"choice: {count} cannot be chosen of {size} without replacement")
    if weights is None:
        order = _order(key, size)
    else:
        # Each waits for a time that is exponentially distributed; the first ones are chosen.
        waits = UnitExponential(key, (size,), F64) / weights
        order = ArgSort(waits, 0, False)
    first = order if count == size else take(order, Arange((count,), 0))
    return reshape(first, tuple(map(scalar_of, target)))


OPS: tuple[type[Op], ...] = (
    BernoulliDraw,
    BelowDraw,
    PoissonDraw,
    BinomialDraw,
    MultinomialDraw,
)

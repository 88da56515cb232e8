"""Random numbers: keys, and the uniform, normal and exponential numbers others are made of.

A draw is a pure function of its key and shape: element ``e``, counted in C order, takes its bits
from the block that ``loops/philox.py`` says.  Whoever reads an element computes it, so that a draw
needs no memory and its numbers do not depend on threads, or on what else is computed.

Users find these functions in ``ag.random``, beside streams that bring keys of their own.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agnesi.core.dtypes import DEFAULT_FLOAT, F32, FLOATS, U32, U64, as_dtype, promote
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.leaves import Constant, constant
from agnesi.graph.tensor import Tensor, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops import draws
from agnesi.loops.nodes import index_scalar
from agnesi.loops.philox import (
    LANES,
    MASK,
    MULTIPLIERS,
    ROUNDS,
    WEYL,
    block,
    derived_key,
    pick,
    place,
)
from agnesi.ops.choice import astype, where
from agnesi.ops.creation import Arange
from agnesi.ops.families import Domain, Op, Reject, Sample, keep
from agnesi.ops.joining import stack
from agnesi.ops.lift import (
    as_shape,
    as_tensor,
    broadcast_sizes,
    cast,
    is_integer,
    is_number,
    lift_all,
    operand_lines,
    strong_dtypes,
)
from agnesi.ops.movement import broadcast, ravel, repeat, reshape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Array, Reader, Sizes, TensorLike
    from agnesi.loops.nodes import Scalar
    from agnesi.loops.philox import Words
    from agnesi.ops.families import LeadingRule
    from agnesi.ops.lift import Number

__all__: list[str] = []

# What keys are derived for, each for numbers of its own: draws of streams have the numbers from 0
# on; functions that draw more than once have the last.
_STREAMS, _FOLDED, _SPLIT, _PARTS = 0, 2**32 - 3, 2**32 - 2, 2**32 - 1

KEYS = Domain(0, 2**31, dtypes=(U32,))
NO_KEY = (
    Reject(("f32[2]",), "a key is", ((3,),)),
    Reject(("u32[3]",), "a key is", ((3,),)),
    Reject(("u32[2, 2]",), "ag.vectorize", ((3,),)),
)


# -- the bits in NumPy ---------------------------------------------------------------------------


def philox_words(counter: Sequence[Any], key: Sequence[Any]) -> tuple[Array, ...]:
    """Return the four words of blocks: what native code is held against."""
    a, b, c, d = (np.asarray(word, np.uint64) for word in counter)
    first, second = (np.asarray(word, np.uint64) for word in key)
    mask, shift = np.uint64(MASK), np.uint64(32)
    with np.errstate(over="ignore"):
        for turn in range(ROUNDS):
            if turn:
                first = first + np.uint64(WEYL[0]) & mask
                second = second + np.uint64(WEYL[1]) & mask
            x, y = a * np.uint64(MULTIPLIERS[0]), c * np.uint64(MULTIPLIERS[1])
            a, b, c, d = (y >> shift) ^ b ^ first, y & mask, (x >> shift) ^ d ^ second, x & mask
    return a, b, c, d


def _halves(number: Array) -> tuple[Array, Array]:
    wide = number.astype(np.uint64)
    return wide & np.uint64(MASK), wide >> np.uint64(32)


def _words_of(key: Array, count: int, per_block: int) -> tuple[tuple[Array, ...], Array]:
    """Return the words of the blocks of elements, and which result of it each element takes."""
    e = np.arange(count, dtype=np.uint64)
    number = e // (LANES * per_block) * LANES + e % LANES
    first, second = (key[..., k, None] for k in range(2))
    zero = np.zeros_like(e)
    words = philox_words((*_halves(number), zero, zero), (first, second))
    return words, (e // LANES % per_block).astype(np.int64)


def _picked(values: Sequence[Array], which: Array) -> Array:
    return np.choose(which, list(values))


def _two(low: Array, high: Array) -> Array:
    return high << np.uint64(32) | low


def _unit(words: Sequence[Array], which: Array, dtype: DType) -> Array:
    if dtype is F32:
        return (_picked(words, which) >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    high, low = _picked(words[::2], which), _picked(words[1::2], which)
    whole = (high >> np.uint64(5) << np.uint64(26)) + (low >> np.uint64(6))
    return whole.astype(np.float64) * 2.0**-53


def _minus_log(words: Sequence[Array], dtype: DType) -> Array:
    """Return ``-log(u)`` in long double, from 32 or 64 bits."""
    sign, rest = np.uint64(1 << 31), np.uint64((1 << 31) - 1)
    distance = (words[0] & rest).astype(np.longdouble)
    if dtype is F32:
        distance += 0.5
    else:
        distance += ((words[1] >> np.uint64(1)).astype(np.longdouble) + 0.5) * 2.0**-31
    distance *= 2.0**-32
    return -np.where(words[0] & sign, np.log1p(-distance), np.log(distance))


def _exponentials(words: Sequence[Array], which: Array, dtype: DType) -> Array:
    if dtype is F32:
        return _minus_log((_picked(words, which),), dtype)
    return _minus_log((_picked(words[::2], which), _picked(words[1::2], which)), dtype)


def _normals(words: Sequence[Array], which: Array, dtype: DType) -> Array:
    if dtype is F32:
        pair = which // 2
        far, turn = _picked(words[::2], pair), _picked(words[1::2], pair)
        radius = np.sqrt(2 * _minus_log((far,), dtype))
        steps = (turn << np.uint64(2) & np.uint64(MASK)).astype(np.uint32).view(np.int32)
        angle = (steps | 2).astype(np.longdouble)
    else:
        radius = np.sqrt(2 * _minus_log(words[:2], dtype))
        turn = words[2]
        steps = (turn << np.uint64(2) & np.uint64(MASK)).astype(np.uint32).view(np.int32)
        part = (words[3] >> np.uint64(1)).astype(np.longdouble) + 0.5
        angle = steps.astype(np.longdouble) + part * 2.0**-29
    angle *= np.longdouble(math.pi) / 2**33
    cosine = np.where(turn >> np.uint64(31), -np.cos(angle), np.cos(angle))
    exchanged = (turn >> np.uint64(30) & np.uint64(1)).astype(np.int64)
    return radius * np.where(exchanged ^ which & 1, np.sin(angle), cosine)


# -- keys ----------------------------------------------------------------------------------------


def _derived_keys(key: Array, data: Array, purpose: int) -> Array:
    first, second = (key[..., k] for k in range(2))
    counter = (*_halves(np.asarray(data)), np.uint64(purpose), np.uint64(1))
    return np.stack(philox_words(counter, (first, second))[:2], -1).astype(np.uint32)


def _folded_keys(key: Array, data: Any) -> Array:
    return _derived_keys(key, np.asarray(data).astype(np.uint64), _FOLDED)


class DerivedKey(Op):
    """Keys made of other keys, each with a number."""

    source_key: Tensor
    data: Tensor
    purpose: int

    public = "fold_in"
    reference = staticmethod(_folded_keys)
    differentiable = False
    dtypes = (U32,)
    domain = (KEYS, Domain(0, 2**31, dtypes=(U64, as_dtype("i32"), as_dtype("i64"))))
    samples = (Sample(((2,), ())), Sample(((2,), (5,))), Sample(((2,),), (7,)))
    rejects = (
        Reject(("f32[2]",), "a key is", (1,)),
        Reject(("u32[2]", "f32[]"), "integer"),
        Reject(("u32[2]",), "integer", (0.5,)),
        Reject(("u32[2, 2]",), "ag.vectorize", (1,)),
    )
    leading: ClassVar[Mapping[str, LeadingRule]] = MappingProxyType({"purpose": keep})

    def infer(self) -> TensorType:
        """A key for each number."""
        return TensorType(U32, self.source_key.type.shape)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """One of the words of a key."""
        *around, word = index
        key = (read(0, (*around, 0)).cast(U64), read(0, (*around, 1)).cast(U64))
        first, second = derived_key(key, read(1, tuple(around)), self.purpose)
        return pick(word, (first, second)).cast(U32)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Integers have no derivatives."""
        return None, None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The bits in NumPy."""
        return _derived_keys(operands[0], operands[1], self.purpose)


def as_key(op: str, key: Any) -> Tensor:
    """Return a key as a tensor.

    Raises:
        GraphTypeError: it is none.
    """
    tensor = as_tensor(key)
    shape = tensor.type.shape
    if tensor.dtype is U32 and len(shape) == 1 and (shape[0] == 2 or not isinstance(shape[0], int)):
        return repeat(op, tensor, (2,))
    several = tensor.dtype is U32 and len(shape) > 1 and shape[-1] == 2
    advice = (
        "these are several keys: map a function of one over them with ag.vectorize"
        if several
        else "make one with ag.random.key(seed), others of it with split and fold_in"
    )
    raise GraphTypeError(
        f"{op}: a key is u32[2], but this is {tensor.type}\n"
        f"{operand_lines(('key',), (tensor,))}\n  {advice}"
    )


def key(seed: int | Tensor | np.integer[Any], /) -> Tensor:
    """Return the key of a seed: two words, for any of the functions that draw.

    Different seeds have nothing to do with each other.

    Args:
        seed: an integer from 0 up to 2**64 - 1, or a symbolic integer.

    Raises:
        GraphTypeError: the seed is no integer, or is out of range.

    >>> ag.random.key(7).eval()
    array([7, 0], dtype=uint32)
    """
    if isinstance(seed, Tensor):
        if seed.ndim or not seed.dtype.is_integer:
            raise GraphTypeError(
                "key: a seed is an integer scalar\n" + operand_lines(("seed",), (seed,))
            )
        wide = astype(seed, U64)
        return astype(stack([wide & MASK, wide >> 32]), U32)
    if not is_integer(seed):
        raise GraphTypeError(
            f"key: a seed is an integer, but this is {seed!r} ({type(seed).__name__})"
        )
    if not 0 <= seed < 2**64:
        raise GraphTypeError(f"key: a seed lies between 0 and 2**64 - 1, but this is {seed}")
    return constant(np.array([int(seed) & MASK, int(seed) >> 32], np.uint32))


def derive(key: Tensor, data: Tensor, purpose: int) -> Tensor:
    """Return keys of the shape of the data, derived of one."""
    return DerivedKey(broadcast(key, (*data.type.shape, 2)), astype(data, U64), purpose)


def stream_key(key: Tensor, count: Tensor, number: int) -> Tensor:
    """Return the key of a stream's draw.

    Args:
        key: of the stream.
        count: how often functions that draw were called.
        number: which of the stream's draws it is.
    """
    return derive(key, count, _STREAMS + number)


def parts_of(key: Tensor, count: int) -> list[Tensor]:
    """Return keys for several draws that are one to the user."""
    return [derive(key, constant(np.uint64(k)), _PARTS) for k in range(count)]


def fold_in(key: TensorLike, data: int | TensorLike, /) -> Tensor:
    """Return a key made of a key and a number: another one for each number.

    Args:
        key: ``u32[2]``.
        data: an integer, of which 64 bits count; of several, there is a key for each.

    Returns:
        A key; ``u32[..., 2]`` of several integers.

    Raises:
        GraphTypeError: no key, or no integer.

    >>> key = ag.random.key(0)
    >>> epochs = [ag.random.fold_in(key, epoch) for epoch in range(3)]
    """
    tensor = as_key("fold_in", key)
    if is_integer(data):
        return derive(tensor, constant(np.uint64(int(data) & (2**64 - 1))), _FOLDED)
    numbers = as_tensor(data)
    if not numbers.dtype.is_integer:
        raise GraphTypeError(
            "fold_in: data is an integer\n" + operand_lines(("key", "data"), (tensor, numbers))
        )
    return derive(tensor, numbers, _FOLDED)


def split(key: TensorLike, num: int | Tensor | tuple[int | Tensor, ...] = 2, /) -> Tensor:
    """Return several keys made of one, which is not to be used besides.

    Args:
        key: ``u32[2]``.
        num: how many, or a shape.

    Returns:
        ``u32[num, 2]``: ``first, second = ag.random.split(key)``.

    >>> ag.random.split(ag.random.key(0), 3).type
    u32[3, 2]
    """
    shape = as_shape("split", num)
    numbers = reshape(Arange((product(shape),), 0), tuple(map(scalar_of, shape)))
    return derive(as_key("split", key), numbers, _SPLIT)


# -- numbers -------------------------------------------------------------------------------------


class Draw(Op):
    """Random numbers of a shape from a key.

    Under ``vectorize`` there are several keys, and elements are counted for each from 0.

    Attributes:
        per_block: how many elements a block has, by dtype.
    """

    drawn_by: Tensor
    target: Shape
    to: DType

    differentiable = False
    expensive = True
    wholes = (0,)
    in_strips = True
    folds = False  # the same bits whether or not the key is known
    dtypes = (U32,)
    domain = (KEYS,)
    per_block: ClassVar[Mapping[DType, int]] = MappingProxyType(draws.PER_BLOCK)

    def infer(self) -> TensorType:
        """The shape asked for, for each key."""
        return TensorType(self.to, (*self.drawn_by.type.shape[:-1], *self.target))

    def batch(self, operands: tuple[Tensor, ...], batched: tuple[bool, ...], size: Size) -> Tensor:
        """The same draw for each key."""
        return type(self)(operands[0], self.target, self.to)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Integers have no derivatives."""
        return (None,)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """The element's share of a block."""
        count = len(index) - len(self.target)
        around, inside = index[:count], index[count:]
        key = (read(0, (*around, 0)).cast(U64), read(0, (*around, 1)).cast(U64))
        number, which = place(ravel(inside, self.target), self.per_block[self.to])
        words = block(index_scalar(number).cast(U64), key)
        return self.share(words, which)

    def share(self, words: Words, which: Size) -> Scalar:
        """Return one of the results of a block."""
        raise NotImplementedError

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The same bits in NumPy."""
        return type(self).in_numpy(operands[0], tuple(map(sizes, self.target)), self.to)

    @classmethod
    def in_numpy(cls, key: Array, shape: tuple[int, ...], dtype: DType) -> Array:
        """Return the draw as NumPy computes it."""
        words, which = _words_of(key, math.prod(shape), cls.per_block[dtype])
        values = cls.shares(words, which, dtype)
        return values.astype(dtype.numpy).reshape((*key.shape[:-1], *shape))

    @staticmethod
    def shares(words: Sequence[Array], which: Array, dtype: DType) -> Array:
        """Return the results of blocks."""
        raise NotImplementedError


def reference_of(draw: Callable[[], type[Draw]], default: DType = F32) -> Callable[..., Array]:
    """Return the public function's reference, for calls without parameters."""

    def reference(key: Array, shape: Any = (), dtype: Any = None) -> Array:
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = default if dtype is None else as_dtype(dtype)
        made = draw().in_numpy(key, sizes, kind.arithmetic)
        return made.astype(kind.numpy)

    return reference


SHAPES = (
    Sample(((2,),), ((5,),)),
    Sample(((2,),), ((3, 67),)),
    Sample(((2,),)),
    Sample(((2,),), (200,), {"dtype": "f64"}),
    Sample(((2,),), ((0, 3),)),
    Sample(((2,),), ((2, 3, 64),), {"dtype": "f64"}),
    Sample(((2,),), ((4,),), {"dtype": "f16"}),
)
NO_SHAPE = (
    Reject(("u32[2]",), "negative", ((-1,),)),
    Reject(("u32[2]",), "a size is an integer", ((0.5,),)),
    Reject(("u32[2]",), "is a float", (), {"dtype": "i32"}),
)


class Bits(Draw):
    """Words of 32 or 64 bits that are all random."""

    public = "bits"
    reference = staticmethod(reference_of(lambda: Bits, U32))
    samples = (
        Sample(((2,),), ((5,),)),
        Sample(((2,),), ((3, 67),)),
        Sample(((2,),), ((40,),), {"dtype": "u64"}),
    )
    rejects = (*NO_KEY, Reject(("u32[2]",), "u32 or u64", (), {"dtype": "i32"}))
    per_block: ClassVar[Mapping[DType, int]] = MappingProxyType({U32: 4, U64: 2})

    def share(self, words: Words, which: Size) -> Scalar:
        """One word, or two."""
        if self.to is U32:
            return pick(which, words).cast(U32)
        low, high = pick(which, words[::2]), pick(which, words[1::2])
        return low | high << 32

    @staticmethod
    def shares(words: Sequence[Array], which: Array, dtype: DType) -> Array:
        """One word, or two."""
        if dtype is U32:
            return _picked(words, which)
        return _two(_picked(words[::2], which), _picked(words[1::2], which))


class UnitUniform(Draw):
    """Numbers from 0 up to but without 1, equally likely."""

    public = "uniform"
    reference = staticmethod(reference_of(lambda: UnitUniform))
    samples = SHAPES
    rejects = (*NO_KEY, *NO_SHAPE)

    def share(self, words: Words, which: Size) -> Scalar:
        """The first bits of one word, or of two."""
        return draws.uniform(words, which, self.to)

    shares = staticmethod(_unit)


class UnitNormal(Draw):
    """Numbers of the standard normal distribution."""

    public = "normal"
    reference = staticmethod(reference_of(lambda: UnitNormal))
    tolerance = 8.0
    samples = SHAPES
    rejects = (
        *NO_KEY,
        *NO_SHAPE,
        Reject(("u32[2]",), "scale is at least 0", ((3,), 0.0, -1.0)),
    )

    def share(self, words: Words, which: Size) -> Scalar:
        """One of a pair, by Box and Muller."""
        return draws.normal(words, which, self.to)

    shares = staticmethod(_normals)


class UnitExponential(Draw):
    """Numbers of the exponential distribution of mean 1."""

    public = "exponential"
    reference = staticmethod(reference_of(lambda: UnitExponential))
    samples = SHAPES
    rejects = (*NO_KEY, *NO_SHAPE, Reject(("u32[2]",), "scale is at least 0", ((3,), -1.0)))

    def share(self, words: Words, which: Size) -> Scalar:
        """Minus the logarithm of a uniform number."""
        return draws.exponential(words, which, self.to)

    shares = staticmethod(_exponentials)


# -- what users call -----------------------------------------------------------------------------


class Request:
    """What was asked of a sampler: key, shape, dtype and parameters that fit each other.

    Attributes:
        key: ``u32[2]``.
        target: the shape of the result.
        kind: its dtype.
        wide: the dtype that numbers are drawn in, and parameters have.
        parameters: numbers as they are, tensors in the shape of the result.
    """

    def __init__(
        self, op: str, key: Any, shape: Any, dtype: Any, names: Sequence[str], *given: Any
    ) -> None:
        """Check and convert.

        Raises:
            GraphTypeError: something that is not what it should be, or does not broadcast.
        """
        self.op, self.names = op, names
        self.key = as_key(op, key)
        lifted = lift_all(op, given)
        self.kind = _float_kind(op, dtype, lifted)
        self.wide = self.kind.arithmetic
        tensors = [value for value in lifted if isinstance(value, Tensor)]
        self.target = self._target(shape, tensors)
        self.parameters: list[Tensor | Number] = [self._fitting(value) for value in lifted]

    def _target(self, shape: Any, tensors: Sequence[Tensor]) -> Shape:
        if shape is not None:
            return as_shape(self.op, shape)
        found = broadcast_sizes([t.type.shape for t in tensors]) if tensors else ()
        if found is None:
            raise GraphTypeError(
                f"{self.op}: parameters do not broadcast\n{operand_lines(self.names, tensors)}"
            )
        return found

    def _fitting(self, value: Tensor | Number) -> Tensor | Number:
        if is_number(value):
            if isinstance(value, complex):
                raise GraphTypeError(f"{self.op}: a parameter is a real number, not {value!r}")
            return value
        if value.dtype.is_complex:
            raise GraphTypeError(
                f"{self.op}: parameters are real\n{operand_lines(('parameter',), (value,))}"
            )
        own = cast(value, self.wide)
        return own if not own.ndim and self.target else repeat(self.op, own, self.target)

    def known(self, place: int, holds: Callable[[Any], Any], words: str) -> bool:
        """Whether a parameter is known.

        Raises:
            GraphTypeError: it is, and is bad.
        """
        value = self.parameters[place]
        known = value.value if isinstance(value, Constant) else value
        if isinstance(known, Tensor):
            return False
        if not np.all(holds(np.asarray(known))):
            raise GraphTypeError(
                f"{self.op}: {self.names[place]} {words}\n"
                f"{operand_lines((self.names[place],), (value,))}"
            )
        return True

    def require(self, place: int, holds: Callable[[Any], Any], words: str) -> Tensor | Number:
        """Return a parameter; an error where it is known to be bad, NaN where a call finds it.

        Args:
            place: of the parameter.
            holds: whether a number, or each element, is good.
            words: what it has to be.
        """
        value = self.parameters[place]
        if self.known(place, holds, words):
            return value
        return where(holds(value), value, math.nan)

    def draw(self, unit: type[Draw]) -> Tensor:
        """Return numbers without parameters."""
        return unit(self.key, self.target, self.wide)

    def spread(self, place: int, dtype: DType) -> Tensor:
        """Return a parameter as an array of the result's shape, in a dtype."""
        return broadcast(cast(self.parameters[place], dtype), self.target)

    def done(self, value: Tensor) -> Tensor:
        """Return the result in its dtype."""
        return astype(broadcast(value, self.target), self.kind)


def _float_kind(op: str, dtype: Any, values: Sequence[Tensor | Number]) -> DType:
    if dtype is not None:
        kind = as_dtype(dtype)
    else:
        floats = [d for d in strong_dtypes(values) if d.is_float]
        kind = promote(*floats) if floats else DEFAULT_FLOAT
    if kind not in FLOATS:
        raise GraphTypeError(f"{op}: the dtype is a float, but this is {kind}")
    return kind


def _is(value: Tensor | Number, number: float) -> bool:
    return is_number(value) and value == number


def moved(value: Tensor, loc: Tensor | Number, scale: Tensor | Number) -> Tensor:
    """Return ``loc + scale * value``."""
    spread = value if _is(scale, 1) else value * scale
    return spread if _is(loc, 0) else spread + loc


def not_negative(x: Any) -> Any:
    """Whether a parameter is at least 0."""
    return x >= 0


def bits(key: TensorLike, /, shape: Any = (), dtype: Any = U32) -> Tensor:
    """Return random words of which each bit is 0 or 1, equally likely.

    Args:
        key: ``u32[2]``.
        shape: of the result; sizes may be symbolic.
        dtype: uint32 or uint64.

    Raises:
        GraphTypeError: no key, shape or such dtype.
    """
    kind = as_dtype(dtype)
    if kind not in (U32, U64):
        raise GraphTypeError(f"bits: the dtype is u32 or u64, but this is {kind}")
    return Bits(as_key("bits", key), as_shape("bits", shape), kind)


def uniform(
    key: TensorLike,
    /,
    shape: Any = None,
    low: TensorLike = 0.0,
    high: TensorLike = 1.0,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return numbers from ``low`` up to but without ``high``, equally likely.

    Of 0 and 1, a float32 is one of the 2**24 multiples of 2**-24, a float64 of the 2**53 multiples
    of 2**-53.  Between other bounds, rounding may give ``high`` itself.

    Args:
        key: ``u32[2]``.
        shape: of the result; by default that of the bounds together.  Sizes may be symbolic.
        low: lower bound, which broadcasts to the shape.
        high: upper bound.
        dtype: a float; by default that of the bounds, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or bounds that do not broadcast.

    >>> u = ag.random.uniform(ag.random.key(1), (2, 3), -1.0, 1.0)
    >>> u.type
    f32[2, 3]
    """
    asked = Request("uniform", key, shape, dtype, ("low", "high"), low, high)
    first, last = asked.parameters
    return asked.done(moved(asked.draw(UnitUniform), first, _span(first, last)))


def _span(low: Tensor | Number, high: Tensor | Number) -> Tensor | Number:
    return high if _is(low, 0) else high - low  # type: ignore[operator]


def normal(
    key: TensorLike,
    /,
    shape: Any = None,
    loc: TensorLike = 0.0,
    scale: TensorLike = 1.0,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return numbers of a normal distribution.

    They are ``loc + scale * z``, which is how they are differentiated.

    Args:
        key: ``u32[2]``.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        loc: mean, which broadcasts to the shape.
        scale: standard deviation; where a call finds it negative, the result is NaN.
        dtype: a float; by default that of the parameters, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, a negative scale, or parameters that
            do not broadcast.

    >>> z = ag.random.normal(ag.random.key(1), (1000,), 5.0, 2.0).eval()
    >>> bool(4.5 < z.mean() < 5.5), bool(1.8 < z.std() < 2.2)
    (True, True)
    """
    asked = Request("normal", key, shape, dtype, ("loc", "scale"), loc, scale)
    spread = asked.require(1, not_negative, "is at least 0")
    return asked.done(moved(asked.draw(UnitNormal), asked.parameters[0], spread))


def exponential(
    key: TensorLike, /, shape: Any = None, scale: TensorLike = 1.0, *, dtype: Any = None
) -> Tensor:
    """Return numbers of an exponential distribution, which are never 0.

    Args:
        key: ``u32[2]``.
        shape: of the result; by default that of the scale.  Sizes may be symbolic.
        scale: mean, which broadcasts to the shape; where a call finds it negative, the result is
            NaN.
        dtype: a float; by default that of the scale, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, a negative scale, or one that does
            not broadcast.
    """
    asked = Request("exponential", key, shape, dtype, ("scale",), scale)
    mean = asked.require(0, not_negative, "is at least 0")
    return asked.done(moved(asked.draw(UnitExponential), 0, mean))


OPS: tuple[type[Op], ...] = (DerivedKey, Bits, UnitUniform, UnitNormal, UnitExponential)

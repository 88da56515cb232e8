"""Distributions over real numbers that are made of others, or drawn until something fits.

What has a formula of uniform, normal or exponential numbers is differentiated as that formula.  A
gamma number has none: its derivative by the shape is that of the distribution, ``-dF/da / f``, with
which the number keeps its quantile (Figurnov et al., "Implicit reparameterization gradients",
2018).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from agnesi.core.dtypes import BOOL, F32, F64, U32, U64
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import add, fresh_index, mul, product, sub
from agnesi.dims.simplify import ceildiv, minimum
from agnesi.graph.types import TensorType
from agnesi.loops import draws, samplers
from agnesi.loops.interpret import interpret
from agnesi.loops.nodes import (
    Accumulate,
    Assign,
    For,
    If,
    Kernel,
    Load,
    Read,
    Store,
    fresh_buffer,
    fresh_local,
    index_scalar,
    literal,
    select,
)
from agnesi.loops.prims import Prim
from agnesi.ops.arithmetic import clip
from agnesi.ops.choice import where
from agnesi.ops.elementary import exp, log, sigmoid
from agnesi.ops.families import Domain, LoopOp, Memory, Op, Reject, Sample, same_shapes
from agnesi.ops.lift import as_items, as_tensor, cast, operand_lines
from agnesi.ops.movement import ravel, unravel
from agnesi.ops.nests import loop_indices, parallel
from agnesi.ops.probability import softmax
from agnesi.ops.random import (
    KEYS,
    NO_KEY,
    NO_SHAPE,
    SHAPES,
    Draw,
    Request,
    UnitExponential,
    UnitUniform,
    moved,
    not_negative,
    parts_of,
    reference_of,
)
from agnesi.ops.special import digamma, gammainc_slope, gammaln, ndtr, ndtri

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Shape, Size
    from agnesi.graph.tensor import Array, Reader, Requirement, Sizes, Tensor, TensorLike
    from agnesi.loops.nodes import Scalar, Statement
    from agnesi.loops.philox import Words
    from agnesi.loops.samplers import Sampler

__all__: list[str] = []


# -- formulas ------------------------------------------------------------------------------------


class UnitLaplace(Draw):
    """Numbers of the Laplace distribution of scale 1."""

    public = "laplace"
    reference = staticmethod(reference_of(lambda: UnitLaplace))
    samples = SHAPES
    rejects = (
        *NO_KEY,
        *NO_SHAPE,
        Reject(("u32[2]",), "scale is at least 0", ((3,), 0.0, -1.0)),
    )

    def share(self, words: Words, which: Size) -> Scalar:
        """An exponential number with a sign."""
        return draws.laplace(words, which, self.to)

    @staticmethod
    def shares(words: Sequence[Array], which: Array, dtype: DType) -> Array:
        """An exponential number with a sign."""
        own = np.choose(which, list(words if dtype is F32 else words[1::2]))
        high, rest = own, np.uint64((1 << 31) - 1)
        if dtype is F32:
            distance = ((own & rest) | np.uint64(1)).astype(np.longdouble)
        else:
            high = np.choose(which, list(words[::2]))
            distance = (high & rest).astype(np.longdouble)
            distance += ((own >> np.uint64(1)).astype(np.longdouble) + 0.5) * 2.0**-31
        distance *= 2.0**-32
        size = -np.where(high >> np.uint64(31), np.log1p(-distance), np.log(distance))
        return np.where(own & np.uint64(1), -size, size)


def laplace(
    key: TensorLike,
    /,
    shape: Any = None,
    loc: TensorLike = 0.0,
    scale: TensorLike = 1.0,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return numbers of a Laplace distribution, ``exp(-abs(x - loc) / scale) / (2 * scale)``.

    Args:
        key: ``u32[2]``.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        loc: mean, which broadcasts to the shape.
        scale: mean distance from it; where a call finds it negative, the result is NaN.
        dtype: a float; by default that of the parameters, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, a negative scale, or parameters that
            do not broadcast.
    """
    asked = Request("laplace", key, shape, dtype, ("loc", "scale"), loc, scale)
    spread = asked.require(1, not_negative, "is at least 0")
    return asked.done(moved(asked.draw(UnitLaplace), asked.parameters[0], spread))


def gumbel(
    key: TensorLike,
    /,
    shape: Any = None,
    loc: TensorLike = 0.0,
    scale: TensorLike = 1.0,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return numbers of a Gumbel distribution, of which ``exp(-exp(-(x - loc) / scale))`` are less.

    Args:
        key: ``u32[2]``.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        loc: mode, which broadcasts to the shape.
        scale: where a call finds it negative, the result is NaN.
        dtype: a float; by default that of the parameters, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, a negative scale, or parameters that
            do not broadcast.
    """
    asked = Request("gumbel", key, shape, dtype, ("loc", "scale"), loc, scale)
    spread = asked.require(1, not_negative, "is at least 0")
    return asked.done(moved(-log(asked.draw(UnitExponential)), asked.parameters[0], spread))


def truncated_normal(
    key: TensorLike,
    lower: TensorLike,
    upper: TensorLike,
    /,
    shape: Any = None,
    *,
    loc: TensorLike = 0.0,
    scale: TensorLike = 1.0,
    dtype: Any = None,
) -> Tensor:
    """Return numbers of a normal distribution between two bounds.

    By the inverse of the distribution function, in float64, from the end of which the bounds are
    nearer; it has derivatives by all parameters.  Bounds that both lie more than 37 standard
    deviations beyond the mean give the nearer bound.

    Args:
        key: ``u32[2]``.
        lower: least number, which broadcasts to the shape; may be -inf.
        upper: greatest number; may be inf.  Where a call finds it below ``lower``, the result is
            NaN.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        loc: mean of the whole distribution.
        scale: its standard deviation; where a call finds it negative, the result is NaN.
        dtype: a float; by default that of the parameters, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, a negative scale, or parameters that
            do not broadcast.

    >>> key = ag.random.key(1)
    >>> x = ag.random.truncated_normal(key, -1.0, 2.0, (1000,)).eval()
    >>> bool(-1 <= x.min() < -0.9), bool(1.8 < x.max() <= 2)
    (True, True)
    """
    names = ("lower", "upper", "loc", "scale")
    asked = Request("truncated_normal", key, shape, dtype, names, lower, upper, loc, scale)
    low, high, middle, spread = (cast(p, F64) for p in asked.parameters)
    asked.require(3, not_negative, "is at least 0")
    a, b = (low - middle) / spread, (high - middle) / spread
    # Near the lower end of the distribution its function is exact.
    turned = a + b > 0
    first, last = where(turned, -b, a), where(turned, -a, b)
    u = UnitUniform(asked.key, asked.target, F64) + 2.0**-54
    below = ndtr(first)
    z = ndtri(below + u * (ndtr(last) - below))
    z = clip(z, first, last)
    x = clip(middle + where(turned, -z, z) * spread, low, high)
    return asked.done(where((high >= low) & (spread >= 0), x, math.nan))


# -- procedures ----------------------------------------------------------------------------------


class Sampled(Op):
    """Numbers that a procedure draws, each for parameters of its own; computed in f64.

    Fields: the key, then the parameters, f64 and all of the shape of the result.  With several keys
    elements are counted for each of them.

    Attributes:
        sampler: the procedure.
    """

    drawn_by: Tensor

    expensive = True
    wholes = (0,)
    folds = False
    dtypes = (F64, F32)
    sampler: ClassVar[Sampler]

    def infer(self) -> TensorType:
        """The shape of the parameters."""
        return TensorType(F64, self.operands[1].type.shape)

    def requirements(self) -> tuple[Requirement, ...]:
        """Sizes of the parameters that are not seen to be equal have to be."""
        return same_shapes(self.operands[1:], self.type.shape)

    def element(self, index: Shape, read: Reader) -> Scalar:
        """A call of the procedure."""
        count = self.drawn_by.ndim - 1
        around, inside = index[:count], index[count:]
        key = (read(0, (*around, 0)).cast(U64), read(0, (*around, 1)).cast(U64))
        number = index_scalar(ravel(inside, self.type.shape[count:])).cast(U64)
        parameters = (read(k, index) for k in range(1, len(self.operands)))
        return type(self).sampler(key, number, *parameters)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The procedure, element by element."""
        return sampled(type(self).sampler, *operands)


def sampled(sampler: Sampler, key: Array, *parameters: Array) -> Array:
    """Return what a procedure draws, as the interpreter of kernels does."""
    shape = parameters[0].shape
    keys = key.reshape(-1, 2)
    size = math.prod(shape[key.ndim - 1 :])
    rows = [np.asarray(p, np.float64).reshape(len(keys), size) for p in parameters]
    numbers = np.arange(size, dtype=np.uint64)
    found = [sampled_at(sampler, own, numbers, *(r[k] for r in rows)) for k, own in enumerate(keys)]
    return np.stack(found).reshape(shape)


def sampled_at(sampler: Sampler, key: Array, numbers: Array, *parameters: Array) -> Array:
    """Return what a procedure draws for elements of these numbers, and their parameters."""
    result = np.zeros(numbers.size)
    words, elements = fresh_buffer("key", U32), fresh_buffer("elements", U64)
    given = [fresh_buffer(f"p{k}", F64) for k in range(len(parameters))]
    out, i = fresh_buffer("out", F64), fresh_index("i", numbers.size)
    pair = (Load(words, 0).cast(U64), Load(words, 1).cast(U64))
    value = sampler(pair, Load(elements, i), *(Load(b, i) for b in given))
    body = (For(i, (Store(out, i, value),)),)
    kernel = Kernel("sampled", (words, elements, *given, out), (), body, frozenset({out}))
    memory = dict(zip(given, map(np.ascontiguousarray, parameters), strict=True))
    interpret(kernel, {words: key, elements: numbers, **memory, out: result}, {})
    return result


def _log_gammas(key: Array, a: Array, shape: Any = None) -> Array:
    size = np.shape(a) if shape is None else shape
    return sampled(samplers.log_gamma, key, np.broadcast_to(np.asarray(a, np.float64), size))


# Elements that are tried at once.
_TOGETHER = 256


class _Lane(NamedTuple):
    """One element of those that are drawn together.

    Attributes:
        number: of the element, u64.
        blocks: of it.
        parameters: of it.
        here: what was stored for it.
        put: stores for it.
    """

    number: Scalar
    blocks: samplers.Blocks
    parameters: tuple[Scalar, ...]
    here: Scalar
    put: Callable[[Scalar], tuple[Statement, ...]]


class _Lanes:
    """Elements that are drawn together: loops over them."""

    def __init__(self, node: Sampled, at: Memory, before: Shape, first: Size, size: Size) -> None:
        self.node, self.at, self.before, self.first, self.size = node, at, before, first, size
        a, b = (at.read(0, (*before, k)).cast(U64) for k in range(2))
        self.key = (a, b)

    def each(self, body: Callable[[_Lane], tuple[Statement, ...]]) -> For:
        """Return a loop over the elements."""
        node, at = self.node, self.at
        lane = fresh_index("l", minimum(_TOGETHER, sub(self.size, self.first)))
        element = add(self.first, lane)
        index = (*self.before, *unravel(element, node.type.shape[len(self.before) :]))
        number = index_scalar(element).cast(U64)
        parameters = tuple(at.read(k, index) for k in range(1, len(node.operands)))
        blocks = samplers.Blocks(self.key, number)

        def put(value: Scalar) -> tuple[Statement, ...]:
            return at.store(index, value)

        return For(lane, body(_Lane(number, blocks, parameters, at.load(index), put)))

    def any(self, holds: Callable[[_Lane], Scalar]) -> tuple[tuple[Statement, ...], Scalar]:
        """Return statements that find whether something holds for one, and what they find."""
        found = fresh_local("some", BOOL)
        loop = self.each(lambda lane: (Accumulate(found, Prim.OR, holds(lane)),))
        return (Assign(found, literal(False, BOOL)), loop), Read(found)


class LogGammaDraw(Sampled, LoopOp):
    """Logarithms of numbers of the gamma distribution of scale 1.

    The first attempt, which is mostly accepted, is made for vectors of elements; what is left then
    is drawn one by one.
    """

    alpha: Tensor

    streams = (1,)
    public = "loggamma"
    sampler = samplers.log_gamma
    reference = staticmethod(_log_gammas)
    domain = (KEYS, Domain(0.3, 6, dtypes=(F64, F32)))
    samples = (
        Sample(((2,), (5,))),
        Sample(((2,), (2, 3))),
        Sample(((2,), ())),
        Sample(((2,), (3,)), ((2, 3),)),
    )
    rejects = (
        Reject(("f32[2]",), "a key is", (2.0,)),
        Reject(("u32[2]",), "a is at least 0", (-1.0,)),
        Reject(("u32[2]", "f32[3]"), "loggamma", ((4,),)),
        Reject(("u32[2]", "c64[3]"), "parameters are real"),
    )
    orders = 1
    of_distribution = True

    def loops(self, at: Memory) -> Sequence[Statement]:
        """Try a few hundred elements at once; then go through those that did not fit."""
        count = self.drawn_by.ndim - 1
        size = product(self.type.shape[count:])
        outer = loop_indices(self.type.shape[:count])
        chunk = fresh_index("c", ceildiv(size, _TOGETHER))
        found, around = parallel([*outer, chunk])
        before = tuple(found[i] for i in outer)
        lanes = _Lanes(self, at, before, mul(found[chunk], _TOGETHER), size)

        def attempt(lane: _Lane) -> tuple[Statement, ...]:
            fits, value = samplers.first_log_gamma(lane.blocks(0), *lane.parameters)
            return lane.put(select(fits, value, math.nan))

        def less(lane: _Lane) -> tuple[Statement, ...]:
            (alpha,) = lane.parameters
            change = samplers.less_log_gamma(lane.blocks, alpha)
            return lane.put(select(alpha < 1.0, lane.here - change, lane.here))

        def rest(lane: _Lane) -> tuple[Statement, ...]:
            drawn = samplers.log_gamma(lanes.key, lane.number, *lane.parameters)
            return (If(lane.here.differs(lane.here), lane.put(drawn)),)

        asks, some = lanes.any(lambda lane: lane.parameters[0] < 1.0)
        below = If(some, (lanes.each(less),))
        return around([lanes.each(attempt), *asks, below, lanes.each(rest)])

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """That of the distribution; near 0, where ``F`` is ``x**a / gamma(a + 1)``, of that."""
        a = self.alpha
        x = exp(self)
        tiny = x < 1e-12
        safe = where(tiny, 1.0, x)
        ordinary = -gammainc_slope(a, safe) / exp(a * log(safe) - safe - gammaln(a))
        return None, ct * where(tiny, (digamma(a + 1) - self) / a, ordinary)


def _drawn(asked: Request, key: Tensor, place: int) -> Tensor:
    """Return logarithms of gamma numbers, whose shape is a parameter."""
    asked.require(place, not_negative, "is at least 0")
    return LogGammaDraw(key, asked.spread(place, F64))


def loggamma(key: TensorLike, a: TensorLike, /, shape: Any = None, *, dtype: Any = None) -> Tensor:
    """Return logarithms of numbers of a gamma distribution, also where these are too small.

    Args:
        key: ``u32[2]``.
        a: shape of the distribution, which broadcasts to the shape of the result; where a call
            finds it negative, the result is NaN.
        shape: of the result; by default that of ``a``.  Sizes may be symbolic.
        dtype: a float; by default that of ``a``, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or a parameter that is negative or
            does not broadcast.
    """
    asked = Request("loggamma", key, shape, dtype, ("a",), a)
    return asked.done(_drawn(asked, asked.key, 0))


def gamma(
    key: TensorLike,
    a: TensorLike,
    /,
    shape: Any = None,
    scale: TensorLike = 1.0,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return numbers of a gamma distribution, of the density ``x**(a-1) * exp(-x/scale)``.

    The derivative by ``a`` is that of the distribution: the number moves such that its quantile
    stays.

    Args:
        key: ``u32[2]``.
        a: shape of the distribution, which broadcasts to the shape of the result; where a call
            finds it negative, the result is NaN.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        scale: what numbers are multiplied by; where a call finds it negative, the result is NaN.
        dtype: a float; by default that of the parameters, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or parameters that are negative or
            do not broadcast.

    >>> x = ag.random.gamma(ag.random.key(1), 3.0, (1000,)).eval()
    >>> bool(2.7 < x.mean() < 3.3)
    True
    """
    asked = Request("gamma", key, shape, dtype, ("a", "scale"), a, scale)
    spread = asked.require(1, not_negative, "is at least 0")
    return asked.done(moved(exp(_drawn(asked, asked.key, 0)), 0, cast(spread, F64)))


def beta(
    key: TensorLike,
    a: TensorLike,
    b: TensorLike,
    /,
    shape: Any = None,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return numbers of a beta distribution, of the density ``x**(a-1) * (1-x)**(b-1)``.

    Args:
        key: ``u32[2]``.
        a: first parameter, which broadcasts to the shape; where a call finds it negative, the
            result is NaN.
        b: second parameter.
        shape: of the result; by default that of the parameters together.  Sizes may be symbolic.
        dtype: a float; by default that of the parameters, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, or parameters that are negative or
            do not broadcast.
    """
    asked = Request("beta", key, shape, dtype, ("a", "b"), a, b)
    first, second = parts_of(asked.key, 2)
    return asked.done(sigmoid(_drawn(asked, first, 0) - _drawn(asked, second, 1)))


def dirichlet(
    key: TensorLike, alpha: TensorLike, /, shape: Any = None, *, dtype: Any = None
) -> Tensor:
    """Return vectors of positive numbers that add up to 1, of a Dirichlet distribution.

    Args:
        key: ``u32[2]``.
        alpha: parameters along the last axis; where a call finds one negative, vectors are NaN.
        shape: of the result without its last axis; by default that of ``alpha``.  The other axes
            of ``alpha`` broadcast to it.  Sizes may be symbolic.
        dtype: a float; by default that of ``alpha``, float32 for Python's numbers.

    Raises:
        GraphTypeError: no key, a shape or dtype that is none, parameters that are negative, have
            no axis, or do not broadcast.

    >>> ag.random.dirichlet(ag.random.key(1), [1.0, 2.0, 3.0], (10,)).type
    f32[10, 3]
    """
    own = as_tensor(alpha)
    if not own.ndim:
        raise GraphTypeError(
            "dirichlet: parameters are a vector, or vectors along the last axis\n"
            + operand_lines(("alpha",), (own,))
        )
    whole = None if shape is None else (*as_items(shape), own.shape[-1])
    asked = Request("dirichlet", key, whole, dtype, ("alpha",), own)
    return asked.done(softmax(_drawn(asked, asked.key, 0), -1))


OPS: tuple[type[Op], ...] = (UnitLaplace, LogGammaDraw)

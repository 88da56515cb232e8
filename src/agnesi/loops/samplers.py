"""Numbers that are drawn until something fits: gamma, binomial and Poisson, as procedures.

Each element has blocks of its own: the number of the block is that of the element, and the third
word of the counter counts attempts.  All is computed in f64.  The distributions are the exact ones:
what is compared for acceptance are densities, not approximations of them.
"""

from __future__ import annotations

import inspect
from math import log, pi
from typing import TYPE_CHECKING

from agnesi.core.dtypes import BOOL, F64, U64
from agnesi.loops.draws import between_0_and_1, exponential, normal_and_uniform
from agnesi.loops.nodes import Call, Procedure, Read, Scalar, fresh_local, literal, select
from agnesi.loops.philox import block
from agnesi.loops.procedures import Code, choose
from agnesi.loops.special import primitives as p
from agnesi.loops.special.gamma import lgamma, stirling
from agnesi.loops.special.primitives import NAN

if TYPE_CHECKING:
    from collections.abc import Callable

    from agnesi.loops.philox import Words

_HALF_LOG_2PI = log(2 * pi) / 2
# Below this mean, numbers are counted up to; from it on, they are drawn and rejected.
_FEW = 10.0
# Counts that f64 does not tell apart any more are none.
MOST = 2.0**53
# The attempt whose block is for something else; so many attempts no element ever makes.
_BESIDES = 1 << 31


class Blocks:
    """The blocks of one element."""

    def __init__(self, key: tuple[Scalar, Scalar], element: Scalar) -> None:
        self.key, self.element = key, element

    def __call__(self, attempt: Scalar | int) -> Words:
        """Return the words of an attempt."""
        return block(self.element, self.key, attempt)


class Sampler:
    """A procedure of a key, an element's number and parameters, written when it is first called."""

    def __init__(self, describe: Callable[..., Scalar]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__
        self.made: Procedure | None = None

    def __call__(self, key: tuple[Scalar, Scalar], element: Scalar, *parameters: Scalar) -> Scalar:
        """Call it; parameters are f64."""
        if self.made is None:
            _, _, *names = inspect.signature(self.describe).parameters
            first = [fresh_local(name, U64) for name in ("key0", "key1", "element")]
            own = [fresh_local(name, F64) for name in names]
            a, b, number = map(Read, first)
            code = Code()
            result = self.describe(code, Blocks((a, b), number), *map(Read, own))
            (body,) = code.blocks
            name = f"draw_{self.describe.__name__}"
            self.made = Procedure(name, (*first, *own), tuple(body), result)
        return Call(self.made, (*key, element, *parameters))


@Sampler
def log_gamma(code: Code, blocks: Blocks, alpha: Scalar) -> Scalar:
    """The logarithm of a number of the gamma distribution of scale 1; NaN where alpha is negative.

    Marsaglia and Tsang's method ("A simple method for generating gamma variables", 2000).
    """
    result = code.variable("result", select(alpha >= 0.0, p.log(alpha), NAN))
    small = code.let("small", alpha < 1.0)
    d = code.let("d", select(small, alpha + 1.0, alpha) - 1 / 3)
    c = code.let("c", 1 / 3 / p.sqrt(d))
    attempt = code.variable("attempt", literal(0, U64))
    going = code.variable("going", (alpha > 0.0) & (alpha < 1e300))
    with code.repeat(going):
        z, u = normal_and_uniform(blocks(attempt))
        z, u = code.let("z", z), code.let("u", u)
        y = code.let("y", z * c)
        square = code.let("square", z * z)
        never = y <= -1.0
        surely = (u < 1.0 - square * square * 0.0331) & ~never
        # v = (1 + y)**3, and 1 - v + log(v), without loss where y is small
        height = 3.0 * (p.log1p(y) - y) - y * y * (y + 3.0)
        exactly = p.log(u) < square * 0.5 + d * height
        with code.when(_fits(surely, never, exactly)):
            code.set(result, p.log(d) + 3.0 * p.log1p(y))
            code.set(going, False)
        code.set(attempt, attempt + 1)
    with code.when(small & (alpha > 0.0)):
        code.set(result, result - less_log_gamma(blocks, alpha))
    return result


def _fits(surely: Scalar, never: Scalar, exactly: Scalar) -> Scalar:
    """Whether an attempt is accepted: what is dear to compute is asked last."""
    return choose(surely, literal(True, BOOL), choose(never, literal(False, BOOL), exactly))


def first_log_gamma(words: Words, alpha: Scalar) -> tuple[Scalar, Scalar]:
    """Return whether the first attempt of ``log_gamma`` is accepted, and what it then gives.

    Without branches, so that vectors of elements can be tried at once; what is less for an alpha
    below 1 is for ``less_log_gamma`` to say.
    """
    d = select(alpha < 1.0, alpha + 1.0, alpha) - 1 / 3
    z, u = normal_and_uniform(words)
    y = z * (1 / 3 / p.sqrt(d))
    square = z * z
    surely = u < 1.0 - square * square * 0.0331
    height = 3.0 * (p.log1p(y) - y) - y * y * (y + 3.0)
    exactly = p.log(u) < square * 0.5 + d * height
    fits = (surely | exactly) & (y > -1.0) & (alpha > 0.0) & (alpha < 1e300)
    return fits, p.log(d) + 3.0 * p.log1p(y)


def less_log_gamma(blocks: Blocks, alpha: Scalar) -> Scalar:
    """Return what is subtracted where alpha is below 1."""
    return exponential(blocks(_BESIDES), 0, F64) / alpha


def _surprise(k: Scalar, mean: Scalar) -> Scalar:
    """Return ``k log(k / mean) + mean - k``, also where both are large and near each other."""
    far = (k - mean) / mean
    return mean * ((far + 1.0) * p.log1p(far) - far)


def _rest(k: Scalar) -> Scalar:
    """Return ``log(k!) - (k log(k) - k)``, for k from 1 on."""
    large = 0.5 * p.log(k) + _HALF_LOG_2PI + stirling(k)
    return choose(k >= 10.0, large, lgamma(k + 1.0) - (k * p.log(k) - k))


def _log_poisson(k: Scalar, mean: Scalar) -> Scalar:
    """Return the logarithm of the probability of a count."""
    return choose(k > 0.5, -_surprise(k, mean) - _rest(k), -mean)


def _log_binomial(k: Scalar, n: Scalar, chance: Scalar) -> Scalar:
    """Return the logarithm of the probability of a count, but for what is the same for all."""
    ends = k < 0.5
    head = choose(ends, n * chance, _surprise(k, n * chance) + _rest(k))
    left, mean = n - k, n * (1.0 - chance)
    tail = choose(left < 0.5, mean, _surprise(left, mean) + _rest(left))
    return -head - tail


@Sampler
def poisson(code: Code, blocks: Blocks, mean: Scalar) -> Scalar:
    """A count of the Poisson distribution; -1 where there is none of this mean.

    From 10 on, Hoermann's PTRS ("The transformed rejection method for generating Poisson random
    variables", 1993); below, by inversion.
    """
    result = code.variable("result", mean.like(-1.0))
    attempt = code.variable("attempt", literal(0, U64))
    with code.when((mean >= 0.0) & (mean < _FEW)):
        u, _ = between_0_and_1(blocks(attempt))
        left, chance = code.variable("left", u), code.variable("chance", p.exp(-mean))
        code.set(result, 0.0)
        with code.repeat((left > chance) & (chance > 1e-20)):
            code.set(left, left - chance)
            code.set(result, result + 1.0)
            code.set(chance, chance * (mean / result))
    b = code.let("b", 0.931 + 2.53 * p.sqrt(mean))
    a = code.let("a", b * 0.02483 - 0.059)
    going = code.variable("going", (mean >= _FEW) & (mean < MOST))
    with code.repeat(going):
        first, second = between_0_and_1(blocks(attempt))
        u, v = code.let("u", first - 0.5), code.let("v", second)
        us = code.let("us", 0.5 - abs(u))
        k = code.let("k", p.floor((2.0 * a / us + b) * u + (mean + 0.43)))
        surely = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2.0))
        never = (k < 0.0) | ((us < 0.013) & (v > us))
        height = p.log(v) + p.log(1.1239 + 1.1328 / (b - 3.4)) - p.log(a / (us * us) + b)
        exactly = height <= _log_poisson(k, mean)
        with code.when(_fits(surely, never, exactly)):
            code.set(result, k)
            code.set(going, False)
        code.set(attempt, attempt + 1)
    return result


@Sampler
def binomial(code: Code, blocks: Blocks, n: Scalar, chance: Scalar) -> Scalar:
    """A count of the binomial distribution; -1 where there is none of these parameters.

    From a mean of 10 on, Hoermann's BTRS ("The generation of binomial random variates", 1993);
    below, by inversion.
    """
    turned = code.let("turned", chance > 0.5)
    part = code.let("part", select(turned, 1.0 - chance, chance))
    mean = code.let("mean", n * part)
    valid = (part >= 0.0) & (n >= 0.0) & (n <= MOST) & p.is_whole(n)
    good = code.let("good", valid)
    result = code.variable("result", n.like(-1.0))
    attempt = code.variable("attempt", literal(0, U64))
    odds = code.let("odds", part / (1.0 - part))
    with code.when(good & (mean < _FEW)):
        u, _ = between_0_and_1(blocks(attempt))
        left, share = code.variable("left", u), code.variable("share", p.exp(n * p.log1p(-part)))
        code.set(result, 0.0)
        with code.repeat((left > share) & (share > 1e-20)):
            code.set(left, left - share)
            code.set(result, result + 1.0)
            code.set(share, share * ((n + 1.0 - result) / result * odds))
    width = code.let("width", p.sqrt(mean * (1.0 - part)))
    b = code.let("b", 1.15 + 2.53 * width)
    a = code.let("a", b * 0.0248 - 0.0873 + part * 0.01)
    going = code.variable("going", good & (mean >= _FEW))
    most = code.variable("most", mean)
    with code.when(going):
        code.set(most, _log_binomial(p.floor((n + 1.0) * part), n, part))
    with code.repeat(going):
        first, second = between_0_and_1(blocks(attempt))
        u, v = code.let("u", first - 0.5), code.let("v", second)
        us = code.let("us", 0.5 - abs(u))
        k = code.let("k", p.floor((2.0 * a / us + b) * u + (mean + 0.5)))
        surely = (us >= 0.07) & (v <= 0.92 - 4.2 / b)
        never = (k < 0.0) | (k > n)
        height = v * (2.83 + 5.1 / b) * width / (a / (us * us) + b)
        exactly = p.log(height) <= _log_binomial(k, n, part) - most
        with code.when(_fits(surely, never, exactly)):
            code.set(result, k)
            code.set(going, False)
        code.set(attempt, attempt + 1)
    return select(turned & good, n - result, result)

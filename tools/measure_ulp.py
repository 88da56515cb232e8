"""Measure the error of every elementary function and write ``docs/math-accuracy.md``.

The functions are compiled by agnesi, so that what is measured is what users get.  The exact
values come from NumPy in f64 for f32 and in the 80-bit floats of x86 for f64 (one bit in two
thousand of an ulp); the error functions, which NumPy does not have, from SciPy and mpmath.

    python tools/measure_ulp.py            # all, writes the table
    python tools/measure_ulp.py exp pow    # some, prints their rows
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special

import agnesi as ag

mp: Any = importlib.import_module("mpmath")  # it has no types

Array = np.ndarray[Any, np.dtype[Any]]
Draw = Callable[["Kind", int], Array]
COUNT = 500_000
SLOW_COUNT = 10_000
SPECIAL = "## Special functions"  # a section that another tool writes
PAGE = Path(__file__).parents[1] / "docs" / "math-accuracy.md"
RANDOM = np.random.default_rng(1748)
HEAD = """\
# Accuracy of elementary functions

`python tools/measure_ulp.py` writes this page: it compiles each function with agnesi and compares
it with exact values. An ulp is the distance between neighbouring numbers of the dtype at the exact
result; a correctly rounded result is at most 0.5 away. "All sizes" means that exponents are drawn
evenly over the whole range, subnormal numbers included. Special values (zeros, infinities, NaN)
are C's and NumPy's; the tests compare them.

Bounds:

- `sin`, `cos` and `tan` hold for arguments below 2^45 (3.5e13) in both dtypes. Beyond, results
  stay in range but mean nothing.
- `fmod` is exact for any two numbers.

| function | dtype | sampled | samples | max ulp | at | mean ulp |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Kind:
    """A dtype, and the limits of its range."""

    name: str
    numpy: np.dtype[Any]
    wide: np.dtype[Any]
    exact_bits: int
    lowest: int  # exponents of the smallest and largest numbers
    highest: int
    exp_low: float  # where exp fades away and overflows
    exp_high: float


F32 = Kind("f32", np.dtype("f4"), np.dtype("f8"), 24, -149, 128, -104.0, 88.7)
F64 = Kind("f64", np.dtype("f8"), np.dtype(np.longdouble), 53, -1074, 1024, -745.2, 709.7)


@dataclass(frozen=True)
class Subject:
    """A function, its exact values, and where to sample it, in words and as draws of arguments."""

    name: str
    compiled: Callable[..., Any]
    exact: Callable[..., Array]
    sampled: str
    draws: tuple[tuple[Draw, ...], ...]
    exact_f64: Callable[..., Array] | None = None  # where it is slow


def sizes(low: float, high: float, *, signed: bool = True) -> Draw:
    """Draw exponents evenly."""

    def draw(kind: Kind, count: int) -> Array:
        bottom, top = max(low, kind.lowest), min(high, kind.highest - 1e-3)
        size = np.exp2(RANDOM.uniform(bottom, top, count).astype(kind.wide)).astype(kind.numpy)
        return size * RANDOM.choice([-1, 1], count).astype(kind.numpy) if signed else size

    return draw


def between(low: float, high: float) -> Draw:
    """Draw evenly."""
    return lambda kind, count: RANDOM.uniform(low, high, count).astype(kind.numpy)


def around(centre: float, low: float = -60.0, high: float = -2.0) -> Draw:
    """Draw ever closer to a point."""
    nearby = sizes(low, high)
    return lambda kind, count: (centre + nearby(kind, count)).astype(kind.numpy)


def exponents(scale: float = 1.0) -> Draw:
    """Draw where exp neither vanishes nor overflows."""

    def draw(kind: Kind, count: int) -> Array:
        ends = kind.exp_low * scale, kind.exp_high * scale
        return RANDOM.uniform(*ends, count).astype(kind.numpy)

    return draw


def hyperbolic(kind: Kind, count: int) -> Array:
    """Draw where sinh does not overflow."""
    return RANDOM.uniform(-kind.exp_high, kind.exp_high, count).astype(kind.numpy)


def multiples_of_half_pi(kind: Kind, count: int) -> Array:
    """Draw the numbers nearest to multiples of pi / 2."""
    return (RANDOM.integers(-(2**28), 2**28, count) * (np.pi / 2)).astype(kind.numpy)


def fading(kind: Kind, count: int) -> Array:
    """Draw where erfc is neither 2 nor 0."""
    return RANDOM.uniform(-4, 10.0 if kind is F32 else 26.5, count).astype(kind.numpy)


def for_power(kind: Kind, count: int) -> tuple[Array, Array]:
    """Draw pairs whose powers spread over the whole range."""
    third = count // 3
    x = np.concatenate(
        [
            sizes(-2000, 2000, signed=False)(kind, third),
            between(0.5, 2.0)(kind, third),
            around(1.0, -kind.exact_bits, -3)(kind, third),
        ]
    )
    x = np.where(x == 1, kind.numpy.type(1.5), x)
    power = RANDOM.uniform(kind.lowest, kind.highest - 1e-2, x.size)
    return x, (power / np.log2(x.astype(kind.wide))).astype(kind.numpy)


def sigmoid(x: Array) -> Array:
    """Return the exact sigmoid."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def softplus(x: Array) -> Array:
    """Return the exact softplus."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def by_mpmath(name: str) -> Callable[..., Array]:
    """Return a function of mpmath on arrays of 80-bit floats."""
    function = getattr(mp, name)

    def exact(x: Array) -> Array:
        texts = [mp.nstr(function(mp.mpf(float(value))), 25) for value in x]
        return np.array([np.longdouble(text) for text in texts])

    return exact


TINY, ALL = sizes(-1074, 1), sizes(-1074, 1024)
POSITIVE = sizes(-1074, 1024, signed=False)
NEAR_ONE = around(1.0)
LOGARITHM = ((POSITIVE,), (between(0.4, 2.5),), (NEAR_ONE,))
TRIGONOMETRIC = (
    (sizes(-1074, 45),),
    (multiples_of_half_pi,),
    (between(-7, 7),),
    (between(-1e5, 1e5),),
    (between(-1e9, 1e9),),
)
ANGLES = "all sizes up to 2^45, multiples of pi/2, [-1e9, 1e9]"
UNIT = ((between(-1, 1),), (TINY,), (NEAR_ONE,))
EXPONENTIAL = ((exponents(),), (TINY,), (between(-2, 2),))


def subjects() -> Iterable[Subject]:
    """Yield what is measured."""
    a: Any = ag
    exponential = "whole range, all sizes below 2, [-2, 2]"
    yield Subject("exp", a.exp, np.exp, exponential, EXPONENTIAL)
    base2 = ((exponents(1.4427),), *EXPONENTIAL[1:])
    yield Subject("exp2", a.exp2, np.exp2, exponential, base2)
    yield Subject("expm1", a.expm1, np.expm1, exponential, EXPONENTIAL)
    text = "all sizes, [0.4, 2.5], near 1"
    yield Subject("log", a.log, np.log, text, LOGARITHM)
    yield Subject("log2", a.log2, np.log2, text, LOGARITHM)
    yield Subject("log10", a.log10, np.log10, text, LOGARITHM)
    shifted = ((POSITIVE,), (TINY,), (between(-1, 2.5),), (around(-1.0),))
    yield Subject("log1p", a.log1p, np.log1p, "all sizes, [-1, 2.5], near -1", shifted)
    yield Subject("sin", a.sin, np.sin, ANGLES, TRIGONOMETRIC)
    yield Subject("cos", a.cos, np.cos, ANGLES, TRIGONOMETRIC)
    yield Subject("tan", a.tan, np.tan, ANGLES, TRIGONOMETRIC)
    text = "[-1, 1], all sizes, near 1"
    yield Subject("arcsin", a.arcsin, np.arcsin, text, UNIT)
    yield Subject("arccos", a.arccos, np.arccos, text, UNIT)
    whole = ((ALL,), (between(-3, 3),))
    yield Subject("arctan", a.arctan, np.arctan, "all sizes, [-3, 3]", whole)
    plane = ((ALL, ALL), (between(-2, 2), between(-2, 2)))
    yield Subject("arctan2", a.arctan2, np.arctan2, "all sizes, [-2, 2]", plane)
    both = ((hyperbolic,), *EXPONENTIAL[1:])
    yield Subject("sinh", a.sinh, np.sinh, exponential, both)
    yield Subject("cosh", a.cosh, np.cosh, exponential, both)
    bounded = ((TINY,), (between(-2, 2),), (between(-20, 20),))
    yield Subject("tanh", a.tanh, np.tanh, "all sizes below 2, [-20, 20]", bounded)
    yield Subject("arcsinh", a.arcsinh, np.arcsinh, "all sizes, [-3, 3]", whole)
    above = ((sizes(0, 1024, signed=False),), (between(1, 2),))
    yield Subject("arccosh", a.arccosh, np.arccosh, "all sizes from 1, [1, 2]", above)
    yield Subject("arctanh", a.arctanh, np.arctanh, text, UNIT)
    text = "where not 0 or 1, all sizes below 2, [-4, 4]"
    curve = ((exponents(),), (between(-20, 40),), (TINY,), (between(-4, 4),))
    yield Subject("sigmoid", a.sigmoid, sigmoid, text, curve)
    yield Subject("softplus", a.softplus, softplus, text, curve)
    erf, erfc = scipy.special.erf, scipy.special.erfc
    bell = ((TINY,), (between(-1.5, 1.5),), (between(-6, 6),))
    text = "all sizes below 2, [-6, 6]"
    yield Subject("erf", a.erf, erf, text, bell, by_mpmath("erf"))
    tail = ((fading,), (between(-1, 1),))
    yield Subject("erfc", a.erfc, erfc, "where not 0 or 2, [-1, 1]", tail, by_mpmath("erfc"))
    text = "bases of all sizes, [0.5, 2], near 1; results of all sizes"
    yield Subject("power", a.power, np.power, text, ())
    yield Subject("cbrt", a.cbrt, np.cbrt, "all sizes, [-3, 3]", whole)
    moderate = sizes(-100, 100)
    text = "sizes from 2^-100 to 2^100"
    yield Subject("fmod", a.fmod, np.fmod, text, ((moderate, moderate),))


def in_ulps(got: Array, exact: Array, kind: Kind, least: Array | None = None) -> Array:
    """Return distances from exact values; rightly infinite and NaN count nothing.

    Units are those of ``least`` where that is larger.
    """
    _, exponent = np.frexp(exact if least is None else np.maximum(np.abs(exact), least))
    spacing = np.ldexp(exact.dtype.type(1), np.maximum(exponent - kind.exact_bits, kind.lowest))
    with np.errstate(all="ignore"):
        errors = np.abs(got.astype(exact.dtype) - exact) / spacing
        limit = np.ldexp(exact.dtype.type(1), kind.highest - 1)
        beyond = np.isinf(got) & (np.abs(exact) >= 2 * limit * (1 - 2.0**-kind.exact_bits))
    errors[beyond | (np.isnan(got) & np.isnan(exact))] = 0
    return np.where(np.isnan(errors), np.inf, errors)


def measure(subject: Subject, kind: Kind) -> str:
    """Return the row of one function and dtype."""
    slow = kind is F64 and subject.exact_f64 is not None
    count = SLOW_COUNT if slow else COUNT
    exact = subject.exact_f64 if slow and subject.exact_f64 else subject.exact
    drawn = [tuple(draw(kind, count) for draw in draws) for draws in subject.draws]
    drawn = drawn or [for_power(kind, 3 * count)]
    inputs = [ag.input(f"x{i}", f"{kind.name}[n]") for i in range(len(drawn[0]))]
    function: Any = ag.function(inputs, subject.compiled(*inputs))
    worst, where, total, samples = -1.0, "", 0.0, 0
    for arguments in drawn:
        with np.errstate(all="ignore"):
            wanted = exact(*(x.astype(kind.wide) for x in arguments))
        errors = in_ulps(function(*arguments), wanted, kind)
        place = int(np.argmax(errors))
        if errors[place] > worst:
            worst = float(errors[place])
            where = ", ".join(f"{float(x[place]):.9g}" for x in arguments)
        total += float(errors.sum())
        samples += errors.size
    where = "–" if worst == 0 else where
    mean = total / samples
    return (
        f"| `{subject.name}` | {kind.name} | {subject.sampled} | {samples:,} "
        f"| {worst:.2f} | {where} | {mean:.3f} |"
    )


def main(names: list[str]) -> None:
    """Measure the named functions, or all."""
    if np.finfo(np.longdouble).nmant < 63:
        sys.exit("measure_ulp: needs the 80-bit floats of x86 (np.longdouble) for exact values")
    mp.mp.dps = 30
    rows: list[str] = []
    for subject in subjects():
        if names and subject.name not in names:
            continue
        for kind in (F32, F64):
            rows.append(measure(subject, kind))
            print(rows[-1], flush=True)
    if not names:
        PAGE.parent.mkdir(exist_ok=True)
        _, *section = PAGE.read_text(encoding="utf-8").partition(SPECIAL)
        text = HEAD + "\n".join(rows) + "\n"
        PAGE.write_text(text + ("\n" + "".join(section) if section[0] else ""), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

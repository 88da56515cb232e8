"""Run one random program in several ways and compare: rules on and off, loops, NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import agnesi as ag
from agnesi.core import knobs
from agnesi.core.dtypes import as_dtype, finfo
from agnesi.graph.interpret import interpret
from tests.fuzz.graphs import Program, random_arrays

REFUSED = (ag.ShapeError, ag.IndexOutOfBounds, np.linalg.LinAlgError)


def check(program: Program, seed: int, *, loops: bool = True, plain: bool = False) -> bool:
    """Compare native code and the loop interpreter with the unrewritten graph in NumPy.

    Args:
        program: what to run.
        seed: of the values.
        loops: whether to run the loop interpreter as well.
        plain: whether to run native code without rules as well.

    Returns:
        Whether there was anything to compare: False where a call is refused, by all alike.

    Raises:
        AssertionError: they differ.
    """
    arrays = random_arrays(program, np.random.default_rng(seed))
    try:
        inputs, outputs = program.build()
    except ag.GraphTypeError:
        # Sizes that are not known may be told by two users of a value to be two numbers: then
        # there is no gradient, but neither is there a call that is not refused.
        if not refuses(program, arrays):
            raise
        return False
    refused, finite = None, [True]

    def seen(node: ag.Tensor, result: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        finite[0] &= result.dtype.kind not in "fc" or bool(np.isfinite(result).all())
        return result

    try:
        with np.errstate(all="ignore"):
            expected = interpret(outputs, dict(zip(inputs, arrays, strict=True)), seen)
            scales = [spread(outputs, inputs, arrays, k) for k in range(2)]
    except REFUSED as error:
        refused, expected, scales = type(error), [], []
    ways = ["native", *(["loops"] if loops else []), *(["plain"] if plain else [])]
    for way in ways:
        interpreter, rules = "loops" if way == "loops" else "", 0 if way == "plain" else -1
        with knobs.setting(interpret=interpreter, bisect=rules, verify=1, optimise=3):
            f = ag.function(inputs, outputs, on_unused_input="ignore", name="fuzzed")
        try:
            found = f(*arrays)
        except REFUSED:
            # Rules may drop what would have been refused, but may not refuse anything new.
            assert refused is not None, f"{way} refuses what NumPy computes\n{program.script(seed)}"
            continue
        naive = any("ag.log(" in step or "ag.exp(" in step for step in program.steps)
        if refused is None and (finite[0] or not naive):
            # What overflows as it is written, and so in NumPy, may be finite after the rules.
            for k, (actual, wanted) in enumerate(zip(found, expected, strict=True)):
                same(actual, wanted, [s[k] for s in scales], f"{way}, output {k}", program, seed)
    return refused is None


def refuses(program: Program, arrays: list[Any]) -> bool:
    """Whether a program without its gradient refuses to be called."""
    inputs, outputs = replace(program, wrt=[]).build()
    try:
        with np.errstate(all="ignore"):
            interpret(outputs, dict(zip(inputs, arrays, strict=True)))
    except REFUSED:
        return True
    return False


def _eps(x: np.ndarray[Any, Any]) -> float:
    kind = as_dtype(x.dtype)
    return float(finfo(kind.real).eps) if kind.is_inexact else 0.0


def spread(
    outputs: list[ag.Tensor], inputs: list[ag.Tensor], arrays: list[Any], seed: int
) -> list[np.ndarray[Any, Any]]:
    """Return the outputs with rounding errors added to inputs and results of nodes on the way.

    How far they move tells how well posed they are.
    """
    random = np.random.default_rng(seed)

    def shaken(x: np.ndarray[Any, Any], units: float) -> np.ndarray[Any, Any]:
        kind = as_dtype(x.dtype)
        if not kind.is_inexact or not x.size:
            return x
        wide = x.astype(kind.arithmetic.numpy)
        return (wide * (1 + random.uniform(-units, units, x.shape))).astype(x.dtype)

    def seen(node: ag.Tensor, result: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return shaken(result, _eps(result)) if node.operands else result

    moved = [shaken(a, 8 * max(_eps(a), float(np.finfo(np.float32).eps))) for a in arrays]
    return interpret(outputs, dict(zip(inputs, moved, strict=True)), seen)


def same(
    actual: np.ndarray[Any, Any],
    wanted: np.ndarray[Any, Any],
    moved: list[np.ndarray[Any, Any]],
    what: str,
    program: Program,
    seed: int,
) -> None:
    """Compare two arrays, as closely as the problem is posed."""
    tail = f"{what}: {actual!r} instead of {wanted!r}\n{program.script(seed)}"
    assert actual.dtype == wanted.dtype, tail
    assert actual.shape == wanted.shape, tail
    if not actual.size:
        return
    with np.errstate(all="ignore"):
        kind = np.complex128 if actual.dtype.kind == "c" else np.float64
        wide = [np.asarray(a).astype(kind) for a in (actual, wanted, *moved)]
        got, reference, *others = wide
        slack = sum(np.abs(o - reference) for o in others)
        shaky = np.zeros(reference.shape, bool)
        for other in others:
            shaky |= np.isfinite(other) != np.isfinite(reference)
        # Nothing but rounding errors, such as a slope of cbrt where its argument cancels to 0.
        shaky |= slack > 0.3 * np.abs(reference)
        size = np.abs(np.where(np.isfinite(reference), reference, 0)).max()
        near = max(1e-4, 8 * _eps(actual))
        close = np.abs(got - reference) <= near * (np.abs(reference) + (1 + size) / 10) + 50 * slack
        equal = (got == reference) | (np.isnan(got) & np.isnan(reference))
        if actual.dtype.kind not in "fcV":
            # Integers behind a comparison or a floor of floats move by whole numbers.
            unstable = any(not np.array_equal(o, reference) for o in others)
            close = np.full(reference.shape, unstable)
    assert bool(np.all(close | equal | shaky)), tail

"""Derivatives held against differences of the function itself."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.autodiff.forward import jvp
from agnesi.autodiff.reverse import grad
from agnesi.core.dtypes import as_dtype
from agnesi.graph.leaves import constant, new_input
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import add
from agnesi.ops.complex_parts import conj, real
from agnesi.ops.reductions import sum as total
from agnesi.testing.evaluators import Evaluator, native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from agnesi.graph.leaves import Input
    from agnesi.graph.tensor import Array, Tensor

# Two steps of central differences, of which the error in step**2 is taken out: what is left is
# near 1e-11 for a function whose derivatives are near 1.
_STEP = 2e-4
# How many elements a message looks at, each at the price of four evaluations.
_LOOKED_AT = 64


def check_gradient(
    function: Callable[..., Tensor],
    *arrays: ArrayLike,
    order: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
    forward: bool = True,
    evaluator: Evaluator = native,
) -> None:
    """Raise unless the derivatives of a function agree with central differences.

    The function is made a scalar by random weights and differentiated along a random direction, in
    float64, in reverse and in forward mode; for the second order that derivative is differentiated
    once more, and so on.

    Args:
        function: takes symbolic variables and returns one.
        *arrays: the point; arrays of floats and complex numbers are differentiated, all together
            (complex ones along both parts), others are held.
        order: how many times to differentiate.
        tolerance: largest error, relative to the derivative or to 1.
        seed: of the weights and directions.
        forward: whether to check forward mode too.
        evaluator: how numbers are got.

    Raises:
        AssertionError: a derivative is wrong; the message says in which mode, and which elements
            of which argument are to blame.

    >>> from agnesi.testing import check_gradient
    >>> check_gradient(lambda x, y: ag.exp(x) * y, np.array([0.5, 1.0]), np.array([2.0, 3.0]))
    """
    random = np.random.default_rng(seed)
    points = [_precise(np.asarray(a)) for a in arrays]
    inputs = [_input_like(point, place) for place, point in enumerate(points)]
    moving = [place for place, variable in enumerate(inputs) if variable.dtype.is_inexact]
    variables = [inputs[k] for k in moving]
    directions = [_direction(random, points, moving) for _ in range(order)]
    # The function, its derivative in reverse mode, the derivative of that, and so on.
    derivatives = [_weighted(function(*inputs), random)]
    # Each of those in forward mode.
    ahead: list[Tensor] = []
    for direction in directions:
        along = [constant(direction[k]) for k in moving]
        if forward:
            ahead.append(jvp(derivatives[-1], variables, along, disconnected="zero"))
        slopes = grad(derivatives[-1], variables, disconnected="zero")
        parts = [total(real(conj(s) * d)) for s, d in zip(slopes, along, strict=True)]
        derivatives.append(reduce(add, parts, constant(np.float64(0))))
    run = evaluator(inputs, [*derivatives, *ahead])
    here = run(points)
    for times, direction in enumerate(directions, 1):
        numeric = _difference(lambda at, k=times: float(run(at)[k - 1]), points, direction)
        modes = {"reverse": here[times]}
        if forward:
            modes["forward"] = here[order + times]
        for mode, value in modes.items():
            analytic = float(value)
            error = abs(analytic - numeric) / max(1.0, abs(numeric), abs(analytic))
            if not error <= tolerance:
                raise AssertionError(
                    f"derivative {times} along a random direction is {analytic!r} in {mode} mode, "
                    f"but central differences give {numeric!r} (seed {seed})\n"
                    f"relative difference: {error:.3g} (allowed: {tolerance:g})"
                    + _blame(
                        derivatives[times - 1],
                        inputs,
                        points,
                        tolerance=tolerance,
                        evaluator=evaluator,
                    )
                )


def _precise(array: Array) -> Array:
    """Return floats and complex numbers in double precision, others as they are."""
    kind = as_dtype(array.dtype)
    if not kind.is_inexact:
        return array
    return array.astype(np.complex128 if kind.is_complex else np.float64)


def _input_like(array: Array, place: int) -> Input:
    return new_input(f"x{place}", TensorType(as_dtype(array.dtype), array.shape))


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(random.standard_normal(size=shape, dtype=np.float64))


def _direction(
    random: np.random.Generator, points: Sequence[Array], moving: Sequence[int]
) -> list[Array]:
    def along(point: Array) -> Array:
        step = _normal(random, point.shape)
        if point.dtype.kind != "c":
            return step
        return step + 1j * _normal(random, point.shape)

    return [along(p) if k in moving else np.zeros(p.shape) for k, p in enumerate(points)]


def _weighted(result: Tensor, random: np.random.Generator) -> Tensor:
    shape = tuple(size if isinstance(size, int) else 1 for size in result.type.shape)
    weights = random.uniform(0.5, 1.5, shape)
    if result.dtype.is_complex:
        return total(real(result * constant(weights + 1j * random.uniform(0.5, 1.5, shape))))
    return total(result * constant(weights))


def _difference(
    value: Callable[[Sequence[Array]], float], points: Sequence[Array], direction: Sequence[Array]
) -> float:
    def slope(step: float) -> float:
        ahead, behind = (
            [p + sign * step * d if p.dtype.kind in "fc" else p for p, d in _pairs]
            for sign in (1, -1)
        )
        return (value(ahead) - value(behind)) / (2 * step)

    _pairs = list(zip(points, direction, strict=True))
    return (4 * slope(_STEP / 2) - slope(_STEP)) / 3


def _blame(
    cost: Tensor,
    inputs: Sequence[Tensor],
    points: Sequence[Array],
    *,
    tolerance: float,
    evaluator: Evaluator,
) -> str:
    """Return lines that show the elements of the gradient in reverse mode that are wrong."""
    moving = [place for place, variable in enumerate(inputs) if variable.dtype.is_inexact]
    slopes = grad(cost, [inputs[k] for k in moving], disconnected="zero")
    run = evaluator(inputs, [cost, *slopes])
    found = run(points)[1:]
    lines: list[str] = []
    left = _LOOKED_AT
    for place, actual in zip(moving, found, strict=True):
        count = min(left, actual.size)
        left -= count
        wrong: list[tuple[float, list[int], Any, Any]] = []
        for index in [np.unravel_index(k, actual.shape) for k in range(count)]:
            numeric: Any = 0
            for part in (1, 1j) if actual.dtype.kind == "c" else (1,):
                unit = [np.zeros(p.shape, p.dtype) for p in points]
                unit[place][index] = part
                numeric += part * _difference(lambda at: float(run(at)[0]), points, unit)
            error = abs(actual[index] - numeric)
            if not error / max(1.0, abs(numeric)) <= tolerance:
                found_here = actual[index].item()
                wrong.append((float(error), list(map(int, index)), found_here, numeric))
        if wrong:
            worst = max(wrong, key=lambda w: (np.isnan(w[0]), w[0]))
            lines.append(
                f"argument {place}, {actual.dtype}{list(actual.shape)}: mismatched elements: "
                f"{len(wrong)} of the first {count}\n"
                f"  max absolute difference: {worst[0]:.3g}, at {worst[1]}\n"
                f"  ACTUAL: {worst[2]!r}\n  DESIRED: {worst[3]!r}"
            )
    return "".join(f"\n{line}" for line in lines)

"""Gradients held against differences of the function itself."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from agnesi.autodiff.reverse import grad
from agnesi.core.dtypes import F64, as_dtype
from agnesi.graph.leaves import constant, new_input
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import add
from agnesi.ops.reductions import sum as total
from agnesi.testing.evaluators import Evaluator, native

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.graph.leaves import Input
    from agnesi.graph.tensor import Array, Tensor

# Two steps of central differences, of which the error in step**2 is taken out: what is left is
# near 1e-11 for a function whose derivatives are near 1.
_STEP = 2e-4


def check_gradient(
    function: Callable[..., Tensor],
    *arrays: Array,
    order: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
    evaluator: Evaluator = native,
) -> None:
    """Raise unless the gradient of a function agrees with central differences.

    The function is made a scalar by random weights and differentiated along a random direction, in
    float64; for the second order that derivative is differentiated once more, and so on.

    Args:
        function: takes symbolic variables and returns one.
        *arrays: the point; float arrays are differentiated, others are held.
        order: how many times to differentiate.
        tolerance: largest error, relative to the derivative or to 1.
        seed: of the weights and directions.
        evaluator: how numbers are got.

    Raises:
        AssertionError: a derivative is wrong.

    >>> from agnesi.testing import check_gradient
    >>> check_gradient(lambda x: ag.exp(x) * x, np.array([0.5, 1.0, 2.0]))
    """
    random = np.random.default_rng(seed)
    points = [
        np.asarray(a, np.float64 if np.asarray(a).dtype.kind == "f" else None) for a in arrays
    ]
    inputs = [_input_like(point, place) for place, point in enumerate(points)]
    moving = [place for place, variable in enumerate(inputs) if variable.dtype is F64]
    directions = [_direction(random, points, moving) for _ in range(order)]
    derivatives = [_weighted(function(*inputs), random)]
    for direction in directions:
        slopes = grad(derivatives[-1], [inputs[k] for k in moving], disconnected="zero")
        parts = [total(s * constant(direction[k])) for s, k in zip(slopes, moving, strict=True)]
        derivatives.append(reduce(add, parts, constant(np.float64(0))))
    run = evaluator(inputs, derivatives)
    here = run(points)
    for times, direction in enumerate(directions, 1):
        numeric = _difference(lambda at, k=times: float(run(at)[k - 1]), points, direction)
        analytic = float(here[times])
        error = abs(analytic - numeric) / max(1.0, abs(numeric), abs(analytic))
        if not error <= tolerance:
            raise AssertionError(
                f"derivative {times} along a random direction is {analytic!r}, "
                f"but central differences give {numeric!r} (seed {seed})"
            )


def _input_like(array: Array, place: int) -> Input:
    return new_input(f"x{place}", TensorType(as_dtype(array.dtype), array.shape))


def _direction(
    random: np.random.Generator, points: Sequence[Array], moving: Sequence[int]
) -> list[Array]:
    return [
        random.standard_normal(p.shape) if k in moving else np.zeros(p.shape)
        for k, p in enumerate(points)
    ]


def _weighted(result: Tensor, random: np.random.Generator) -> Tensor:
    shape = tuple(size if isinstance(size, int) else 1 for size in result.type.shape)
    return total(result * constant(random.uniform(0.5, 1.5, shape)))


def _difference(
    value: Callable[[Sequence[Array]], float], points: Sequence[Array], direction: Sequence[Array]
) -> float:
    def slope(step: float) -> float:
        ahead, behind = (
            [p + sign * step * d if p.dtype == np.float64 else p for p, d in _pairs]
            for sign in (1, -1)
        )
        return (value(ahead) - value(behind)) / (2 * step)

    _pairs = list(zip(points, direction, strict=True))
    return (4 * slope(_STEP / 2) - slope(_STEP)) / 3

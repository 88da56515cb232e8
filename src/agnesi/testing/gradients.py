"""Gradients held against differences of the function itself."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

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
        *arrays: the point; arrays of floats and complex numbers are differentiated (these along
            both parts), others are held.
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
    points = [_precise(np.asarray(a)) for a in arrays]
    inputs = [_input_like(point, place) for place, point in enumerate(points)]
    moving = [place for place, variable in enumerate(inputs) if variable.dtype.is_inexact]
    directions = [_direction(random, points, moving) for _ in range(order)]
    derivatives = [_weighted(function(*inputs), random)]
    for direction in directions:
        slopes = grad(derivatives[-1], [inputs[k] for k in moving], disconnected="zero")
        parts = [
            total(real(conj(s) * constant(direction[k])))
            for s, k in zip(slopes, moving, strict=True)
        ]
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

"""Normalisation: arrays with mean 0 and variance 1 over some axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import F32, F64
from agnesi.ops.families import Composite, Domain, Op, Sample, same_shapes, without_axes
from agnesi.ops.movement import restore_axes
from agnesi.ops.powers import sqrt
from agnesi.ops.reductions import Sum, count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Requirement, Sizes, Tensor


def moments(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the mean over axes, and the mean of the squared deviations from it.

    The second is of centred values, so that nothing is lost where the mean is large.
    """
    share = _share(x, axes)
    mean = Sum(x, axes) * share
    centred = x - restore_axes(mean, axes)
    return mean, Sum(centred * centred, axes) * share


def _share(x: Tensor, axes: tuple[int, ...]) -> float | Tensor:
    """Return 1 by the number of elements along axes: products take less than quotients."""
    count = count_of(x, axes)
    return 1 / max(count, 1) if isinstance(count, int) else 1 / count


def _normalized(
    x: Array, gamma: Array, beta: Array, axes: tuple[int, ...], epsilon: float
) -> Array:
    wide = x.astype(np.longdouble)
    centred = wide - wide.mean(axes, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axes, keepdims=True) + epsilon)
    scale, shift = (np.expand_dims(a.astype(np.longdouble), axes) for a in (gamma, beta))
    return (centred / deviation * scale + shift).astype(x.dtype)


class Normalize(Composite):
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, mean and variance over axes.

    ``gamma`` and ``beta`` have the sizes of the other axes.
    """

    x: Tensor
    gamma: Tensor
    beta: Tensor
    axes: tuple[int, ...]
    epsilon: float

    public = "normalize"
    dtypes = (F32, F64)
    domain = (Domain(),)
    tolerance = 64.0
    reference = staticmethod(_normalized)
    samples = (
        Sample(((3, 4), (4,), (4,)), ((0,), 1e-5)),
        Sample(((2, 3, 4), (3,), (3,)), ((0, 2), 1e-5)),
        Sample(((2, 3, 4), (4,), (4,)), ((0, 1), 0.1)),
        Sample(((3, 5), (3,), (3,)), ((1,), 1e-5)),
        Sample(((67,), (), ()), ((0,), 1e-3)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; ``agnesi.nn.normalization`` has the public functions."""
        return cls(*operands)

    @property
    def scaled(self) -> tuple[Tensor, Tensor]:
        """The centred values, and 1 by the standard deviation."""
        mean, variance = moments(self.x, self.axes)
        return self.x - restore_axes(mean, self.axes), 1 / sqrt(variance + self.epsilon)

    def decompose(self) -> Tensor:
        """One product and one sum for each element."""
        centred, inverse = self.scaled
        scale = restore_axes(self.gamma * inverse, self.axes)
        return centred * scale + restore_axes(self.beta, self.axes)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """With two sums, which are the gradients of ``gamma`` and ``beta`` too."""
        axes, share = self.axes, _share(self.x, self.axes)
        centred, inverse = self.scaled
        normal = centred * restore_axes(inverse, axes)
        total, along = Sum(ct, axes), Sum(ct * normal, axes)
        rest = ct - restore_axes(total * share, axes) - normal * restore_axes(along * share, axes)
        return restore_axes(self.gamma * inverse, axes) * rest, along, total

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """The reference, in long double."""
        x, gamma, beta = operands
        return _normalized(x, gamma, beta, self.axes, self.epsilon)

    def requirements(self) -> tuple[Requirement, ...]:
        """A number for each element of the other axes."""
        return same_shapes((self.gamma, self.beta), without_axes(self.x.type.shape, self.axes))


OPS: tuple[type[Op], ...] = (Normalize,)

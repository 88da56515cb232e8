"""Gradients that are kept from being too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agnesi.core.errors import FunctionError
from agnesi.ops.arithmetic import maximum, minimum
from agnesi.ops.powers import sqrt
from agnesi.optim.rules import wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Tensor


def global_norm(gradients: Sequence[Tensor]) -> Tensor:
    """Return the Euclidean norm of all gradients together, a scalar.

    Raises:
        FunctionError: there are none.

    >>> float(ag.optim.global_norm([ag.constant([3.0]), ag.constant([[4.0]])]).eval())
    5.0
    """
    if not gradients:
        raise FunctionError("global_norm: no gradients\n  Give at least one.")
    exact = [gradient.astype(wide(gradient.dtype)) for gradient in gradients]
    squares = [(gradient * gradient).sum() for gradient in exact]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return sqrt(total)


def clip_by_global_norm(gradients: Sequence[Tensor], most: float | Tensor) -> list[Tensor]:
    """Return gradients, all made shorter by the same factor where their norm exceeds a limit.

    R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks.
    ICML (2013), algorithm 1.

    Args:
        gradients: of any shapes.
        most: the largest norm of all of them together.

    Raises:
        FunctionError: there are none, or the limit is not above 0.

    >>> clipped = ag.optim.clip_by_global_norm([ag.constant([3.0]), ag.constant([4.0])], most=1.0)
    >>> [float(gradient.eval()[0]) for gradient in clipped]
    [0.6000..., 0.8000...]
    """
    if isinstance(most, float | int) and not most > 0:
        raise FunctionError(f"clip_by_global_norm: the largest norm is above 0, but is {most!r}")
    factor = most / maximum(global_norm(gradients), most)
    return [(gradient * factor).astype(gradient.dtype) for gradient in gradients]


def clip_by_norm(gradients: Sequence[Tensor], most: float | Tensor) -> list[Tensor]:
    """Return gradients, each made shorter by itself where its own norm exceeds a limit.

    Args:
        gradients: of any shapes.
        most: the largest Euclidean norm of one of them.

    Raises:
        FunctionError: the limit is not above 0.

    >>> clipped = ag.optim.clip_by_norm([ag.constant([3.0, 4.0]), ag.constant([0.5])], most=1.0)
    >>> [gradient.eval() for gradient in clipped]
    [array([0.6, 0.8], dtype=float32), array([0.5], dtype=float32)]
    """
    if isinstance(most, float | int) and not most > 0:
        raise FunctionError(f"clip_by_norm: the largest norm is above 0, but is {most!r}")
    return [clip_by_global_norm([gradient], most)[0] for gradient in gradients]


def clip_by_value(
    gradients: Sequence[Tensor], low: float | Tensor, high: float | Tensor
) -> list[Tensor]:
    """Return gradients whose elements lie in an interval.

    T. Mikolov: Statistical language models based on neural networks.  PhD thesis, Brno University
    of Technology (2012), section 3.2.2.

    Args:
        gradients: of any shapes.
        low: the least value.
        high: the greatest value.

    Raises:
        FunctionError: the least is above the greatest.

    >>> ag.optim.clip_by_value([ag.constant([-3.0, 0.5])], -1.0, 1.0)[0].eval()
    array([-1. , 0.5], dtype=float32)
    """
    if isinstance(low, float | int) and isinstance(high, float | int) and low > high:
        raise FunctionError(f"clip_by_value: nothing lies between {low!r} and {high!r}")
    return [minimum(maximum(gradient, low), high) for gradient in gradients]

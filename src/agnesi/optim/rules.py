"""What optimisers have in common: what they are given, and what they remember beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.compile.shared import Shared, shared
from agnesi.core.dtypes import DType
from agnesi.core.errors import FunctionError
from agnesi.graph.tensor import Tensor
from agnesi.ops.lift import as_tensor, operand_lines, unify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Updates = list[tuple[Shared, Tensor]]
    Rate = float | Tensor


def pairs(
    what: str, gradients: Sequence[Tensor], parameters: Sequence[Shared], *, widen: bool = True
) -> list[tuple[Tensor, Shared]]:
    """Return gradients with their parameters, by default as float32 where they are less exact.

    Squares of float16 overflow above 255 and are 0 below 2e-4, as is ``epsilon``.

    Raises:
        FunctionError: they are not as many, something is no shared variable of floats or is there
            twice, or a gradient has another shape than its parameter, which would broadcast.
    """
    gradients, parameters = list(gradients), list(parameters)
    if len(gradients) != len(parameters):
        raise FunctionError(
            f"{what}: {len(gradients)} gradients for {len(parameters)} parameters\n"
            "  Give one for each: ag.grad(loss, parameters)."
        )
    for k, (gradient, parameter) in enumerate(zip(gradients, parameters, strict=True)):
        check_parameter(what, parameter)
        if any(parameter is other for other in parameters[:k]):
            raise FunctionError(
                f"{what}: {parameter!r} is there twice\n"
                "  Give each parameter once, and the sum of its gradients."
            )
        own, wanted = as_tensor(gradient).type.shape, parameter.type.shape
        if len(own) != len(wanted) or None in map(unify, own, wanted):
            raise FunctionError(
                f"{what}: gradient {k} does not have the shape of its parameter\n"
                f"{operand_lines(('gradient', 'parameter'), (as_tensor(gradient), parameter))}\n"
                "  Give both in the same order: ag.grad(loss, parameters)."
            )
    if widen:
        gradients = [as_tensor(g).astype(wide(as_tensor(g).dtype)) for g in gradients]
    return list(zip(gradients, parameters, strict=True))


def wide(dtype: DType) -> DType:
    """Return the dtype that is computed and remembered in: float32 for halves."""
    return DType.F32 if dtype.is_half else dtype


def check_parameter(what: str, parameter: object) -> None:
    """Refuse what cannot be learnt.

    Raises:
        FunctionError: it is no shared variable, or holds no floats.
    """
    if not isinstance(parameter, Shared):
        raise FunctionError(
            f"{what}: {parameter!r} is no shared variable, and cannot be updated\n"
            "  Keep what is learnt in shared variables: shared(value)."
        )
    if not parameter.dtype.is_float:
        raise FunctionError(
            f"{what}: {parameter!r} holds {parameter.dtype}, which small steps cannot change\n"
            "  Keep floats in it: shared(value, dtype='f32')."
        )


def scalar_of(what: str, rate: Rate, dtype: DType, name: str = "rate") -> Rate:
    """Return a rate that leaves the dtype of what it scales as it is.

    Raises:
        FunctionError: it is no scalar.
    """
    if not isinstance(rate, Tensor):
        if np.ndim(rate):
            raise FunctionError(f"{what}: {name} is a number or a scalar, and this is {rate!r}")
        return rate
    if rate.ndim:
        raise FunctionError(
            f"{what}: {name} is a number or a scalar, and this is {rate!r}, {rate.type}"
        )
    return rate.astype(dtype)


def beside(parameter: Shared, what: str) -> Shared:
    """Return a shared variable of zeros, of a parameter's type, or float32 beside halves."""
    zeros = np.zeros_like(parameter.get_value(borrow=True), wide(parameter.dtype).numpy)
    return _sized(parameter, zeros, f"{what}_{parameter.name or 'p'}")


def like(parameter: Shared, name: str) -> Shared:
    """Return a shared variable of a parameter's type, with a copy of its value."""
    return _sized(parameter, parameter.get_value(borrow=True), name)


def _sized(parameter: Shared, value: Any, name: str) -> Shared:
    sizes = [size if isinstance(size, int) else None for size in parameter.declared.shape]
    return shared(value, name, shape=sizes)


def counted(name: str) -> tuple[Shared, Tensor]:
    """Return a shared variable that begins at 0, and the number of the step it is in, from 1."""
    count = shared(np.zeros((), np.int64), name)
    return count, count + 1


def mapped(
    what: str,
    updates: Updates,
    parameters: Sequence[Shared],
    change: Callable[[Shared, Tensor], Tensor],
) -> Updates:
    """Return updates with those of some parameters changed.

    Args:
        what: the public function.
        updates: of an optimiser.
        parameters: those to be changed.
        change: from a parameter and its new value to another new value.

    Raises:
        FunctionError: a parameter has no update.
    """
    chosen = set(parameters)
    updated = {variable for variable, _ in updates}
    for parameter in parameters:
        if parameter not in updated:
            raise FunctionError(
                f"{what}: {parameter!r} has no update\n"
                "  Give the updates of an optimiser, and parameters that it steps."
            )
    return [(v, change(v, new) if v in chosen else new) for v, new in updates]

"""Reverse mode: walk back from the cost, asking each node for the cotangents of its operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast, overload

from agnesi.core import source
from agnesi.core.errors import GradientError
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import scalar_constant
from agnesi.graph.tensor import SURFACE, Tensor


@overload
def grad(cost: Tensor, wrt: Tensor, *, disconnected: Literal["raise", "zero"] = ...) -> Tensor: ...
@overload
def grad(
    cost: Tensor, wrt: Sequence[Tensor], *, disconnected: Literal["raise", "zero"] = ...
) -> list[Tensor]: ...
def grad(
    cost: Tensor,
    wrt: Tensor | Sequence[Tensor],
    *,
    disconnected: Literal["raise", "zero"] = "raise",
) -> Tensor | list[Tensor]:
    """Return the gradient of a scalar cost with respect to variables.

    Args:
        cost: floating-point scalar, shape ``[]``.
        wrt: a variable, or a list of them; any variable that the cost depends on, also an
            intermediate one.
        disconnected: what to do about a variable that the cost does not depend on: ``"raise"``
            an error, or give ``"zero"``.

    Returns:
        The gradient, of the shape and dtype of the variable; a list of them for a list.

    Raises:
        GradientError: the cost is not a floating-point scalar, a variable is not floating-point,
            or the cost does not depend on it.

    >>> x = ag.scalar("x")
    >>> ag.grad(1 / (1 + x**2), x).eval({x: 1.0})
    array(-0.5, dtype=float32)
    """
    targets = _targets(wrt)
    _check(cost, targets)
    order = toposort([cost])
    carries = _carriers(order, targets)
    reached = set(order)
    for target in targets:
        if target not in reached and disconnected == "raise":
            raise GradientError(
                f"grad: the cost {cost!r} does not depend on {target!r}\n"
                f"{_where('cost', cost)}{_where('wrt', target)}"
                '  leave it out of wrt, or ask for zeros: grad(..., disconnected="zero")'
            )
    cotangents: dict[Tensor, Tensor] = {cost: _filled(cost, 1)}
    for node in reversed(order):
        ct = cotangents.get(node)
        if ct is None or not any(o in carries for o in node.operands):
            continue
        with source.standing_for(node):
            for operand, part in zip(node.operands, node.vjp(ct), strict=True):
                if part is None or operand not in carries:
                    continue
                sofar = cotangents.get(operand)
                cotangents[operand] = part if sofar is None else sofar + part
    grads = [cotangents[t] if t in cotangents else _filled(t, 0) for t in targets]
    return grads[0] if isinstance(wrt, Tensor) else grads


def _carriers(order: list[Tensor], targets: list[Tensor]) -> set[Tensor]:
    """Return the floating-point nodes through which the cost depends on a target."""
    carries = set(targets)
    for node in order:
        if node.dtype.is_float and any(o in carries for o in node.operands):
            carries.add(node)
    return carries


def _filled(like: Tensor, value: int) -> Tensor:
    return SURFACE["broadcast_to"](scalar_constant(value, like.dtype), like.shape)


def _targets(wrt: Any) -> list[Tensor]:
    targets = list(cast("Sequence[Any]", wrt)) if isinstance(wrt, Sequence) else [wrt]
    for target in targets:
        if not isinstance(target, Tensor):
            raise GradientError(
                f"grad: wrt is a symbolic variable or a list of them, but holds {target!r}"
            )
    return targets


def _check(cost: Any, targets: list[Tensor]) -> None:
    if not isinstance(cost, Tensor):
        raise GradientError(f"grad: the cost is a symbolic scalar, but this is {cost!r}")
    if cost.ndim:
        raise GradientError(
            f"grad: cost must be a scalar, but is {cost.type}\n{_where('cost', cost)}"
            "  take a mean or sum first: grad(cost.mean(), wrt)"
        )
    if not cost.dtype.is_float:
        raise GradientError(
            f"grad: cost must be floating-point, but is {cost.type}\n{_where('cost', cost)}"
            '  convert it first: cost.astype("f32")'
        )
    for target in targets:
        if not target.dtype.is_float:
            raise GradientError(
                f"grad: {target!r} is not floating-point, so that there is no derivative\n"
                f"{_where('wrt', target)}"
                "  differentiate with respect to a float variable"
            )


def _where(role: str, tensor: Tensor) -> str:
    return f"  {role}: {tensor!r}   from {tensor.source}\n" if tensor.source else ""

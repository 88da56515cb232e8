"""Jacobians and Hessians: every row (or column) at once, along an axis of examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from agnesi.autodiff.forward import pushed
from agnesi.autodiff.reverse import Disconnected, as_outputs, as_targets, grad, vjp
from agnesi.batching.graph import batch_graph
from agnesi.core.errors import GradientError
from agnesi.dims.dim import Size, product
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import SURFACE, Tensor, scalar_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Mode: TypeAlias = Literal["reverse", "forward"]


@overload
def jacobian(
    output: Tensor, wrt: Tensor, *, mode: Mode = ..., disconnected: Disconnected = ...
) -> Tensor: ...
@overload
def jacobian(
    output: Tensor, wrt: Sequence[Tensor], *, mode: Mode = ..., disconnected: Disconnected = ...
) -> list[Tensor]: ...
def jacobian(
    output: Tensor,
    wrt: Tensor | Sequence[Tensor],
    *,
    mode: Mode = "reverse",
    disconnected: Disconnected = "raise",
) -> Tensor | list[Tensor]:
    """Return the derivative of each element of an expression by each element of a variable.

    There is no loop over rows in the result: each op works on all of them at once.

    Args:
        output: floating-point expression of any shape.
        wrt: a variable, or a list of them.
        mode: ``"reverse"``, which is the cheaper one where the output has fewer elements than the
            variables, or ``"forward"``.
        disconnected: see :func:`agnesi.grad`.

    Returns:
        An array of shape ``output.shape + variable.shape``, of the variable's dtype in reverse and
        the output's in forward mode; a list of them for a list.

    Raises:
        GradientError: see :func:`agnesi.grad`.

    >>> x = ag.vector("x")
    >>> ag.jacobian(x**2, x).eval({x: [1.0, 2.0]})
    array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    given: Any = output
    if not isinstance(given, Tensor):
        raise GradientError(
            f"jacobian: takes one expression, but this is {given!r}\n"
            "  for several call it for each, or join them with ag.concatenate"
        )
    as_outputs("jacobian", output)
    targets = as_targets("jacobian", wrt)
    if mode not in ("reverse", "forward"):
        raise GradientError(f'jacobian: mode is "reverse" or "forward", not {mode!r}')
    rows = _by_rows if mode == "reverse" else _by_columns
    found = rows(output, targets, disconnected)
    return found[0] if isinstance(wrt, Tensor) else found


@overload
def hessian(cost: Tensor, wrt: Tensor, *, disconnected: Disconnected = ...) -> Tensor: ...
@overload
def hessian(
    cost: Tensor, wrt: Sequence[Tensor], *, disconnected: Disconnected = ...
) -> list[list[Tensor]]: ...
def hessian(
    cost: Tensor, wrt: Tensor | Sequence[Tensor], *, disconnected: Disconnected = "raise"
) -> Tensor | list[list[Tensor]]:
    """Return the second derivatives of a scalar cost.

    For a product of the Hessian and vectors there is :func:`agnesi.hvp`, which is much cheaper.

    Args:
        cost: floating-point scalar.
        wrt: a variable, or a list of them.
        disconnected: see :func:`agnesi.grad`.

    Returns:
        An array of shape ``variable.shape + variable.shape``.  For a list of variables a list of
        lists: at ``[i][j]`` the derivatives by variable ``i`` and variable ``j``.

    Raises:
        GradientError: see :func:`agnesi.grad`.

    >>> x = ag.vector("x")
    >>> ag.hessian(x[0] * x[1] ** 2, x).eval({x: [1.0, 2.0]})
    array([[0., 4.],
           [4., 2.]], dtype=float32)
    """
    targets = as_targets("hessian", wrt)
    grads = grad(cost, targets, disconnected=disconnected)
    found = [_by_columns(g, targets, "zero") for g in grads]
    return found[0][0] if isinstance(wrt, Tensor) else found


def _by_rows(output: Tensor, targets: list[Tensor], disconnected: Disconnected) -> list[Tensor]:
    """Reverse mode, for one element of the output in each row."""
    ct = new_input("ct", output.type)
    parts = vjp(output, targets, ct, disconnected=disconnected)
    size = product(output.type.shape)
    rows = batch_graph(parts, {ct: _basis(output, size)}, size)
    return [
        SURFACE["reshape"](row, (*output.shape, *target.shape))
        for row, target in zip(rows, targets, strict=True)
    ]


def _by_columns(output: Tensor, targets: list[Tensor], disconnected: Disconnected) -> list[Tensor]:
    """Forward mode, for one element of a variable in each column."""
    found: list[Tensor] = []
    for target in targets:
        tangent = new_input("tangent", target.type)
        (along,) = pushed("jacobian", [output], {target: tangent}, disconnected)
        size = product(target.type.shape)
        (columns,) = batch_graph([along], {tangent: _basis(target, size)}, size)
        last = SURFACE["transpose"](columns, (*range(1, columns.ndim), 0))
        found.append(SURFACE["reshape"](last, (*output.shape, *target.shape)))
    return found


def _basis(like: Tensor, size: Size) -> Tensor:
    """Return, for each element of a tensor, a tensor that is 1 there and 0 elsewhere."""
    count = SURFACE["arange"](scalar_of(size))
    unit: Any = (count[:, None] == count[None, :]).astype(like.dtype)
    return SURFACE["reshape"](unit, (scalar_of(size), *like.shape))

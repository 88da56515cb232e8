"""Forward mode: carry tangents from the variables up, asking each node for that of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from agnesi.autodiff.reverse import (
    Disconnected,
    as_outputs,
    as_targets,
    filled,
    grad,
    is_continuous,
    not_connected,
    pair,
    pull,
    undefined_text,
    where,
)
from agnesi.core import source
from agnesi.core.errors import GradientError
from agnesi.graph.body import Part, Several
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import new_input
from agnesi.graph.tensor import Tensor, TensorLike

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@overload
def jvp(
    outputs: Tensor,
    wrt: Tensor | Sequence[Tensor],
    tangents: TensorLike | Sequence[TensorLike],
    *,
    disconnected: Disconnected = ...,
) -> Tensor: ...
@overload
def jvp(
    outputs: Sequence[Tensor],
    wrt: Tensor | Sequence[Tensor],
    tangents: TensorLike | Sequence[TensorLike],
    *,
    disconnected: Disconnected = ...,
) -> list[Tensor]: ...
def jvp(
    outputs: Tensor | Sequence[Tensor],
    wrt: Tensor | Sequence[Tensor],
    tangents: TensorLike | Sequence[TensorLike],
    *,
    disconnected: Disconnected = "raise",
) -> Tensor | list[Tensor]:
    """Return the product of the Jacobian and tangents: forward mode.

    Args:
        outputs: an expression of any shape, or a list of them.
        wrt: a variable, or a list of them.
        tangents: for each variable an array of its shape (or that broadcasts to it).
        disconnected: what to do about a variable that no output depends on: ``"raise"`` an
            error, ``"warn"``, or count it as ``"zero"``.

    Returns:
        For each output the derivative along the tangents, of the output's type.

    Raises:
        GradientError: an output or a variable is not floating-point, a tangent does not fit, or
            there is no derivative.

    >>> x = ag.vector("x")
    >>> ag.jvp(x**2, x, [1.0, 10.0]).eval({x: [3.0, 4.0]})
    array([ 6., 80.], dtype=float32)
    """
    roots = as_outputs("jvp", outputs)
    targets = as_targets("jvp", wrt)
    given = dict(pair("jvp", "tangent", wrt, targets, tangents))
    results = pushed("jvp", roots, given, disconnected)
    return results[0] if isinstance(outputs, Tensor) else results


@overload
def hvp(
    cost: Tensor, wrt: Tensor, vectors: TensorLike, *, disconnected: Disconnected = ...
) -> Tensor: ...
@overload
def hvp(
    cost: Tensor,
    wrt: Sequence[Tensor],
    vectors: Sequence[TensorLike],
    *,
    disconnected: Disconnected = ...,
) -> list[Tensor]: ...
def hvp(
    cost: Tensor,
    wrt: Tensor | Sequence[Tensor],
    vectors: TensorLike | Sequence[TensorLike],
    *,
    disconnected: Disconnected = "raise",
) -> Tensor | list[Tensor]:
    """Return the product of the Hessian of a scalar cost and vectors, without the Hessian.

    Args:
        cost: floating-point scalar.
        wrt: a variable, or a list of them.
        vectors: for each variable an array of its shape (or that broadcasts to it).
        disconnected: see :func:`agnesi.grad`.

    Returns:
        For each variable the derivative of its gradient along the vectors, of the variable's type.

    Raises:
        GradientError: see :func:`agnesi.grad` and :func:`jvp`.

    >>> x = ag.vector("x")
    >>> ag.hvp((x**3).sum(), x, [1.0, 10.0]).eval({x: [1.0, 2.0]})
    array([  6., 120.], dtype=float32)
    """
    targets = as_targets("hvp", wrt)
    given = dict(pair("hvp", "vector", wrt, targets, vectors))
    grads = grad(cost, targets, disconnected=disconnected)
    results = pushed("hvp", grads, given, "zero")
    return results[0] if isinstance(wrt, Tensor) else results


def pushed(
    asked: str, roots: Sequence[Tensor], tangents: Mapping[Tensor, Tensor], disconnected: Any
) -> list[Tensor]:
    """Return the derivatives as the user gets them."""
    order = toposort(roots)
    below = set(roots)
    for node in reversed(order):
        if node in below and not node.disconnects:
            below.update(node.operands)
    for target in tangents:
        if target not in below:
            not_connected(asked, roots, target, disconnected)
    found = push(roots, tangents, asked=asked)
    return [filled(r, 0) if t is None else t for r, t in zip(roots, found, strict=True)]


def push(
    outputs: Iterable[Tensor],
    tangents: Mapping[Tensor, Tensor],
    *,
    stop: Iterable[Tensor] = (),
    asked: str = "jvp",
) -> list[Tensor | None]:
    """Walk up from variables with tangents to the outputs.

    Args:
        outputs: whose tangents are wanted.
        tangents: of the variables.
        stop: nodes that are constant, unless they have a tangent.
        asked: by which function, for messages.

    Returns:
        The tangent of each output; None where it is 0.

    Raises:
        GradientError: a node has no derivative by an operand that varies.
    """
    outputs = list(outputs)
    found: dict[Tensor, Tensor] = dict(tangents)
    ends = set(stop)
    depends: set[Tensor] = set(tangents)
    for node in toposort(outputs, ends):
        if node in found or node in ends or node.cuts_gradients:
            continue
        if not any(o in depends for o in node.operands):
            continue
        depends.add(node)
        if isinstance(node, Several):
            own = tuple(found.get(o) for o in node.operands)
            if any(t is not None for t in own):
                with source.standing_for(node):
                    tangents_of = node.jvp_parts(own)
                pairs = zip(node.parts(), tangents_of, strict=True)
                found.update((part, t) for part, t in pairs if t is not None)
                depends.update(found)
            continue
        if not is_continuous(node) or isinstance(node, Part):
            continue
        for place, operand in enumerate(node.operands):
            reason = node.no_derivative(place) if operand in depends else None
            if reason is not None:
                target = next(iter(tangents))
                raise GradientError(undefined_text(asked, target, node, place, reason))
        own = tuple(found.get(o) for o in node.operands)
        if all(t is None for t in own):
            continue
        with source.standing_for(node):
            tangent = node.jvp(own)
        if tangent is not None:
            found[node] = tangent
    return [found.get(o) for o in outputs]


def transposed(node: Tensor, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
    """Return the tangent of a node's result, from its gradient alone.

    ``vjp`` is linear in the cotangent: the transpose of that linear map is found by reverse mode.

    Raises:
        GradientError: it is not linear.
    """
    ct = new_input("ct", node.type)
    seeds = [
        (part, tangent)
        for part, tangent in zip(node.vjp(ct), tangents, strict=True)
        if part is not None and tangent is not None
    ]
    constants = {node, *node.operands}
    result = pull(seeds, [ct], constants=constants).cotangents.get(ct)
    ends = constants | {tangent for _, tangent in seeds}
    if result is not None and any(below is ct for below in toposort([result], ends)):
        raise GradientError(
            f"jvp: the gradient of {node!r} is not linear in the cotangent, so that forward mode "
            f"cannot be had from it\n{where('it', node)}  use reverse mode: ag.grad, ag.vjp"
        )
    return result

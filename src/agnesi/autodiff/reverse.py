"""Reverse mode: walk back from the roots, asking each node for the cotangents of its operands.

Inside, a cotangent is what the chain rule multiplies: an op ``f`` gives ``ct * f'(x)``.  Results
leave in one place, :func:`_gradients`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, overload

from agnesi.core import source
from agnesi.core.errors import GradientError, GraphTypeError
from agnesi.core.record import field, record
from agnesi.graph.body import Part, Several
from agnesi.graph.graph import toposort
from agnesi.graph.leaves import constant, scalar_constant
from agnesi.graph.tensor import SURFACE, Tensor, TensorLike

if TYPE_CHECKING:
    from collections.abc import Iterable

Disconnected: TypeAlias = Literal["raise", "warn", "zero"]
Undefined: TypeAlias = Literal["raise", "nan"]


@overload
def grad(
    cost: Tensor | Sequence[Tensor] | None,
    wrt: Tensor,
    *,
    known: Mapping[Tensor, TensorLike] | None = ...,
    consider_constant: Tensor | Sequence[Tensor] = ...,
    disconnected: Disconnected = ...,
    undefined: Undefined = ...,
) -> Tensor: ...
@overload
def grad(
    cost: Tensor | Sequence[Tensor] | None,
    wrt: Sequence[Tensor],
    *,
    known: Mapping[Tensor, TensorLike] | None = ...,
    consider_constant: Tensor | Sequence[Tensor] = ...,
    disconnected: Disconnected = ...,
    undefined: Undefined = ...,
) -> list[Tensor]: ...
def grad(
    cost: Tensor | Sequence[Tensor] | None,
    wrt: Tensor | Sequence[Tensor],
    *,
    known: Mapping[Tensor, TensorLike] | None = None,
    consider_constant: Tensor | Sequence[Tensor] = (),
    disconnected: Disconnected = "raise",
    undefined: Undefined = "raise",
) -> Tensor | list[Tensor]:
    """Return the gradient of a scalar cost with respect to variables.

    Args:
        cost: real floating-point scalar, shape ``[]``; a list of them counts as their sum; None
            where ``known`` says it all.
        wrt: a variable, or a list of them; any variable that the cost depends on, also an
            intermediate one.
        known: cotangents (the gradients of the cost) of some variables, where they are known
            otherwise; what lies above those variables is not looked at.
        consider_constant: a variable, or a list of them, through which no gradient flows.
        disconnected: what to do about a variable that the cost does not depend on: ``"raise"``
            an error, ``"warn"`` and give zeros, or give ``"zero"``.
        undefined: what to do where the cost depends on a variable in a way that has no
            derivative: ``"raise"`` an error, or give ``"nan"``.

    Returns:
        The gradient, of the shape and dtype of the variable; a list of them for a list.  With
        respect to a complex variable ``z = x + iy`` it is ``dcost/dx + i * dcost/dy``.

    Raises:
        GradientError: the cost is not a floating-point scalar, a variable is not floating-point,
            the cost does not depend on it, or has no derivative by it.

    >>> x = ag.scalar("x")
    >>> ag.grad(1 / (1 + x**2), x).eval({x: 1.0})
    array(-0.5, dtype=float32)
    >>> y = x**2
    >>> ag.grad(None, x, known={y: 10.0}).eval({x: 3.0})
    array(60., dtype=float32)
    """
    roots = _costs(cost)
    targets = as_targets("grad", wrt)
    fixed = _known("grad", known or {})
    if not roots and not fixed:
        raise GradientError("grad: there is neither a cost nor a known gradient to start from")
    seeds = [(root, filled(root, 1)) for root in roots]
    constants = as_variables("grad", "consider_constant", consider_constant)
    pulled = pull(seeds, targets, known=fixed, constants=constants)
    grads = _gradients(
        "grad", roots, targets, pulled, disconnected=disconnected, undefined=undefined
    )
    return grads[0] if isinstance(wrt, Tensor) else grads


@overload
def vjp(
    outputs: Tensor | Sequence[Tensor],
    wrt: Tensor,
    cotangents: TensorLike | Sequence[TensorLike],
    *,
    consider_constant: Tensor | Sequence[Tensor] = ...,
    disconnected: Disconnected = ...,
    undefined: Undefined = ...,
) -> Tensor: ...
@overload
def vjp(
    outputs: Tensor | Sequence[Tensor],
    wrt: Sequence[Tensor],
    cotangents: TensorLike | Sequence[TensorLike],
    *,
    consider_constant: Tensor | Sequence[Tensor] = ...,
    disconnected: Disconnected = ...,
    undefined: Undefined = ...,
) -> list[Tensor]: ...
def vjp(
    outputs: Tensor | Sequence[Tensor],
    wrt: Tensor | Sequence[Tensor],
    cotangents: TensorLike | Sequence[TensorLike],
    *,
    consider_constant: Tensor | Sequence[Tensor] = (),
    disconnected: Disconnected = "raise",
    undefined: Undefined = "raise",
) -> Tensor | list[Tensor]:
    """Return the product of cotangents and the Jacobian: reverse mode.

    Args:
        outputs: an expression of any shape, or a list of them.
        wrt: a variable, or a list of them.
        cotangents: for each output an array of its shape (or that broadcasts to it).
        consider_constant: see :func:`grad`.
        disconnected: see :func:`grad`.
        undefined: see :func:`grad`.

    Returns:
        For each variable ``sum(cotangent * d output / d variable)`` over all elements of all
        outputs, of the variable's type; of complex variables no conjugate is taken.

    Raises:
        GradientError: see :func:`grad`; or a cotangent does not fit its output.

    >>> x = ag.vector("x")
    >>> ag.vjp(x**2, x, [1.0, 10.0]).eval({x: [3.0, 4.0]})
    array([ 6., 80.], dtype=float32)
    """
    targets = as_targets("vjp", wrt)
    roots = as_outputs("vjp", outputs)
    seeds = pair("vjp", "cotangent", outputs, roots, cotangents)
    constants = as_variables("vjp", "consider_constant", consider_constant)
    pulled = pull(seeds, targets, constants=constants)
    grads = _gradients(
        "vjp", roots, targets, pulled, disconnected=disconnected, undefined=undefined
    )
    return grads[0] if isinstance(wrt, Tensor) else grads


def value_and_grad(
    cost: Tensor, wrt: Tensor | Sequence[Tensor], **options: Any
) -> tuple[Tensor, Any]:
    """Return a cost and its gradient: ``(cost, grad(cost, wrt, **options))``.

    >>> x = ag.scalar("x")
    >>> f = ag.function([x], ag.value_and_grad(x**2, x))
    >>> f(3.0)
    [array(9., dtype=float32), array(6., dtype=float32)]
    """
    return cost, grad(cost, wrt, **options)


def subgraph_grad(
    wrt: Tensor | Sequence[Tensor],
    end: Tensor | Sequence[Tensor],
    start: Mapping[Tensor, TensorLike] | None = None,
    cost: Tensor | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Differentiate one part of a graph at a time: backpropagation from ``start`` to ``end``.

    Args:
        wrt: variables between ``start`` and ``end``, such as the weights of one layer.
        end: variables at which to stop, such as the input of the layer.
        start: gradients of the variables at which to begin, from the part above.
        cost: a scalar cost, for the topmost part.

    Returns:
        The gradients with respect to ``wrt``, and those with respect to ``end``, which are the
        ``start`` of the part below.

    Raises:
        GradientError: see :func:`grad`.

    >>> x, w = ag.scalar("x"), ag.scalar("w")
    >>> h = x * w
    >>> _, at_h = ag.subgraph_grad([], [h], cost=h**2)
    >>> (gw,), _ = ag.subgraph_grad([w], [x], start={h: at_h[0]})
    >>> gw.eval({x: 2.0, w: 3.0})
    array(24., dtype=float32)
    """
    inner = as_targets("subgraph_grad", wrt)
    ends = as_targets("subgraph_grad", end)
    grads = grad(cost, [*inner, *ends], known=start, consider_constant=ends)
    return grads[: len(inner)], grads[len(inner) :]


# -- the walk ------------------------------------------------------------------------------------


@record()
class Pulled:
    """What a walk back found.

    Attributes:
        cotangents: of the nodes on the way, where they are not 0.
        reached: every node that the roots depend on.
        undefined: nodes by which there is no derivative: the node that has none, which of its
            operands is meant, and why.
    """

    cotangents: dict[Tensor, Tensor] = field(default_factory=dict["Tensor", "Tensor"])
    reached: set[Tensor] = field(default_factory=set["Tensor"])
    undefined: dict[Tensor, tuple[Tensor, int, str]] = field(
        default_factory=dict["Tensor", "tuple[Tensor, int, str]"]
    )


def pull(
    seeds: Iterable[tuple[Tensor, Tensor]],
    targets: Sequence[Tensor],
    *,
    known: Mapping[Tensor, Tensor] | None = None,
    constants: Iterable[Tensor] = (),
) -> Pulled:
    """Walk back from roots to targets.

    Args:
        seeds: roots with their cotangents, which are added up where a root comes twice, or is
            reached from another.
        targets: whose cotangents are wanted.
        known: nodes with their whole cotangents, to which nothing is added.
        constants: nodes below which the walk does not go.
    """
    fixed = known or {}
    stop = set(constants)
    seeds = list(seeds)
    order = toposort([*(root for root, _ in seeds), *fixed], stop)
    depends = _dependent(order, targets, stop)
    pulled = Pulled(dict(fixed), {*fixed, *(root for root, _ in seeds)})
    for root, ct in seeds:
        _accumulate(pulled, fixed, root, ct)
    for node in reversed(order):
        if node not in pulled.reached or node in stop or node.disconnects:
            continue
        pulled.reached.update(node.operands)
        if node.cuts_gradients or not any(o in depends for o in node.operands):
            continue
        if node in pulled.undefined:
            for operand in node.operands:
                # Floats are undefined for the sake of floats; integers for that of anything.
                passes = is_continuous(operand) or not is_continuous(node)
                if passes and operand in depends:
                    pulled.undefined.setdefault(operand, pulled.undefined[node])
        parts = _asked(node, pulled, depends)
        if parts is None:
            continue
        with source.standing_for(node):
            for place, (operand, part) in enumerate(zip(node.operands, parts, strict=True)):
                if operand not in depends:
                    continue
                reason = node.no_derivative(place)
                if reason is not None:
                    pulled.undefined.setdefault(operand, (node, place, reason))
                elif part is not None and is_continuous(operand):
                    _accumulate(pulled, fixed, operand, part)
    return pulled


def _asked(node: Tensor, pulled: Pulled, depends: set[Tensor]) -> tuple[Tensor | None, ...] | None:
    """Return the cotangents of a node's operands; None where those of its results are all 0."""
    if isinstance(node, Part):
        # The node whose result it is asks for the cotangents of all of them.
        return None
    if isinstance(node, Several):
        cts = tuple(map(pulled.cotangents.get, node.parts()))
        if all(ct is None for ct in cts):
            return None
        with source.standing_for(node):
            return node.vjp_parts(cts, tuple(o in depends for o in node.operands))
    ct = pulled.cotangents.get(node)
    if ct is None:
        return None
    with source.standing_for(node):
        return node.vjp(ct)


def _accumulate(pulled: Pulled, fixed: Mapping[Tensor, Tensor], node: Tensor, part: Tensor) -> None:
    if node not in fixed:
        sofar = pulled.cotangents.get(node)
        pulled.cotangents[node] = part if sofar is None else sofar + part


def _dependent(order: list[Tensor], targets: Iterable[Tensor], stop: set[Tensor]) -> set[Tensor]:
    """Return the nodes that depend on a target."""
    depends = set(targets)
    for node in order:
        if not (node in stop or node.cuts_gradients) and any(o in depends for o in node.operands):
            depends.add(node)
    return depends


def is_continuous(tensor: Tensor) -> bool:
    """Whether the tensor's dtype is one that derivatives are about."""
    return tensor.dtype.is_inexact


def filled(like: Tensor, value: float) -> Tensor:
    """Return a tensor of the same type with one value everywhere."""
    return SURFACE["broadcast_to"](scalar_constant(value, like.dtype), like.shape)


def _gradients(
    asked: str,
    roots: Sequence[Tensor],
    targets: Iterable[Tensor],
    pulled: Pulled,
    *,
    disconnected: Disconnected,
    undefined: Undefined,
) -> list[Tensor]:
    """Return the derivatives by the targets as the user gets them."""
    grads: list[Tensor] = []
    for target in targets:
        ct = pulled.cotangents.get(target)
        if target in pulled.undefined:
            if undefined != "nan":
                raise GradientError(undefined_text(asked, target, *pulled.undefined[target]))
            ct = filled(target, float("nan"))
        elif target not in pulled.reached:
            not_connected(asked, roots, target, disconnected)
        if ct is None:
            ct = filled(target, 0)
        grads.append(conjugate(ct) if asked == "grad" else ct)
    return grads


def conjugate(x: Tensor) -> Tensor:
    """Return the complex conjugate: between cotangents and what ``grad`` gives.

    The cotangent of a complex tensor is such that a change ``dz`` changes a real cost by the real
    part of ``ct * dz``; a gradient points uphill, ``dcost/dx + i * dcost/dy``.
    """
    return SURFACE["conj"](x) if x.dtype.is_complex else x


def not_connected(asked: str, roots: Sequence[Tensor], target: Tensor, disconnected: str) -> None:
    """Raise, warn or say nothing about a variable that is not depended on."""
    role = "cost" if asked == "grad" else "output"
    what = f"the {role} {roots[0]!r} does" if len(roots) == 1 else f"the {role}s do"
    made = where(role, roots[0]) if len(roots) == 1 else ""
    text = (
        f"{asked}: {what} not depend on {target!r}\n{made}{where('wrt', target)}"
        f'  leave it out of wrt, or ask for zeros: {asked}(..., disconnected="zero")'
    )
    if disconnected == "raise":
        raise GradientError(text)
    if disconnected == "warn":
        warnings.warn(text, stacklevel=4)
    elif disconnected != "zero":
        raise GradientError(
            f'{asked}: disconnected is "raise", "warn" or "zero", not {disconnected!r}'
        )


def undefined_text(asked: str, target: Tensor, node: Tensor, place: int, reason: str) -> str:
    """Return the message about a derivative that is not there."""
    name = getattr(node, "public", "") or type(node).__name__
    made = f"   from {node.source}" if node.source else ""
    return (
        f"{asked}: there is no derivative by {target!r}: {name} has none by its operand "
        f"{node.operand_names[place]}\n  {name}: {node!r}{made}\n"
        f"{where('wrt', target)}  {reason}\n"
        "  hold that operand constant with ag.stop_gradient(...), or leave the variable out of wrt"
    )


# -- arguments -----------------------------------------------------------------------------------


def as_variables(asked: str, role: str, given: Any) -> list[Tensor]:
    """Return one variable, or several, as a list.

    Raises:
        GradientError: something else.
    """
    variables: list[Any] = [given]
    if isinstance(given, Sequence) and not isinstance(given, str):
        variables = list(cast("Sequence[Any]", given))
    for variable in variables:
        if not isinstance(variable, Tensor):
            raise GradientError(
                f"{asked}: {role} is a symbolic variable or a list of them, but holds {variable!r}"
            )
    return variables


def as_targets(asked: str, wrt: Any) -> list[Tensor]:
    """Return the variables to differentiate by.

    Raises:
        GradientError: what is no variable, or not floating-point.
    """
    targets = as_variables(asked, "wrt", wrt)
    for target in targets:
        if not is_continuous(target):
            raise GradientError(
                f"{asked}: {target!r} is not floating-point, so that there is no derivative\n"
                f"{where('wrt', target)}"
                "  differentiate with respect to a float variable: where this one is an index or "
                "a count, leave it out of wrt; else declare it as a float, or convert it, "
                'y = x.astype("f32"), and differentiate by y'
            )
    return targets


def as_outputs(asked: str, outputs: Any) -> list[Tensor]:
    """Return the expressions to be differentiated.

    Raises:
        GradientError: what is no expression, or not floating-point.
    """
    roots = as_variables(asked, "what is differentiated", outputs)
    for root in roots:
        if not is_continuous(root):
            raise GradientError(
                f"{asked}: what is differentiated must be floating-point, but is {root.type}\n"
                f'{where("output", root)}  convert it first: y.astype("f32")'
            )
    return roots


def _costs(cost: Any) -> list[Tensor]:
    if cost is None:
        return []
    if not isinstance(cost, Tensor | list | tuple):
        raise GradientError(f"grad: the cost is a symbolic scalar, but this is {cost!r}")
    roots = as_variables("grad", "cost", cost)
    for root in roots:
        if root.ndim:
            raise GradientError(
                f"grad: cost must be a scalar, but is {root.type}\n{where('cost', root)}"
                "  take a mean or sum first: grad(cost.mean(), wrt); for the derivative of each "
                "element there is ag.jacobian"
            )
        if root.dtype.is_complex:
            raise GradientError(
                f"grad: cost must be real, but is {root.type}\n{where('cost', root)}"
                "  take its absolute value or a part of it: abs(cost), cost.real"
            )
        if not is_continuous(root):
            raise GradientError(
                f"grad: cost must be floating-point, but is {root.type}\n{where('cost', root)}"
                '  convert it first: cost.astype("f32")'
            )
    return roots


def _known(asked: str, known: Any) -> dict[Tensor, Tensor]:
    if not isinstance(known, Mapping):
        raise GradientError(
            f"{asked}: known is a dictionary from variables to their gradients, not {known!r}"
        )
    given = cast("Mapping[Any, Any]", known)
    keys = as_outputs(asked, list(given))
    return {key: conjugate(fit(asked, "known gradient", key, given[key])) for key in keys}


def pair(
    asked: str, role: str, given: Any, tensors: Sequence[Tensor], values: Any
) -> list[tuple[Tensor, Tensor]]:
    """Return each tensor with the value of its type that a user gave for it.

    Raises:
        GradientError: not as many values, or one that does not fit.
    """
    items = [values] if isinstance(given, Tensor) else values
    if not isinstance(items, list | tuple) or len(cast("Sequence[Any]", items)) != len(tensors):
        raise GradientError(
            f"{asked}: takes a {role} for each of {len(tensors)} variables, but these are {items!r}"
        )
    return [
        (t, fit(asked, role, t, v))
        for t, v in zip(tensors, cast("Sequence[Any]", items), strict=True)
    ]


def fit(asked: str, role: str, like: Tensor, value: Any, *, repeat: bool = True) -> Tensor:
    """Return a value a user gave as a tensor of a variable's type.

    Args:
        asked: by which function.
        role: what the value is.
        like: the variable.
        value: the value.
        repeat: whether it may be broadcast.

    Raises:
        GradientError: it does not fit.
    """
    try:
        tensor: Tensor = value if isinstance(value, Tensor) else constant(value, like.dtype)
        if tensor.dtype is not like.dtype:
            tensor = SURFACE["astype"](tensor, like.dtype)
        shape = like.type.shape
        if tensor.type.shape == shape:
            return tensor
        pairs = zip(tensor.type.shape, shape, strict=False)
        if not repeat and (tensor.ndim != like.ndim or any(a == 1 != b for a, b in pairs)):
            raise GraphTypeError("sum over the axes along which the variable was repeated")
        return SURFACE["broadcast_to"](tensor, like.shape)
    except GraphTypeError as error:
        shown = str(value.type) if isinstance(value, Tensor) else repr(value)
        raise GradientError(
            f"{asked}: the {role} {shown} does not fit {like!r}\n{where('variable', like)}"
            f"  it has to have the shape of the variable\n  {error}"
        ) from error


def where(role: str, tensor: Tensor) -> str:
    """Return a line that shows a tensor and the user's line that made it."""
    return f"  {role}: {tensor!r}   from {tensor.source}\n" if tensor.source else ""

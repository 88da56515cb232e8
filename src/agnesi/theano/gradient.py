"""Derivatives: ``grad`` and what is built of it, and what changes gradients."""

from __future__ import annotations

import operator
import warnings
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi.autodiff.forward import push
from agnesi.autodiff.reverse import conjugate, filled, pull, undefined_text
from agnesi.graph.body import Part
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Constant, Leaf
from agnesi.ops.choice import Cast
from agnesi.ops.gathering import Gather, Scatter
from agnesi.ops.gradients import UndefinedGradient
from agnesi.ops.loop import Loop
from agnesi.ops.probability import CrossEntropy
from agnesi.theano.configparser import config
from agnesi.theano.gof.graph import Apply, Variable, copied, stands_for
from agnesi.theano.gof.null_type import NullType
from agnesi.theano.gof.op import Op, Performed, add_test_value
from agnesi.theano.gof.type import PureType
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.applying import fresh
from agnesi.theano.tensor.basic import as_tensor_variable, patternbroadcast
from agnesi.theano.tensor.casting import DISCRETE
from agnesi.theano.tensor.elementary import fill
from agnesi.theano.tensor.native_ops import ViewOp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class DisconnectedInputError(ValueError):
    """A cost does not depend on a variable."""


class NullTypeGradError(TypeError):
    """A gradient is not defined."""


class DisconnectedType(PureType):
    """The type of the gradient by what a cost does not depend on."""

    def new_tensor(self, name: str | None) -> None:
        """There are no values."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """There are no values."""
        raise AssertionError("DisconnectedType has no values")

    def fiter_variable(self, other: Any) -> Any:
        """There are no variables of other types."""
        raise AssertionError("DisconnectedType has no values")

    def may_share_memory(self, *_: Any) -> bool:
        """There is no memory."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DisconnectedType)

    def __hash__(self) -> int:
        return hash(DisconnectedType)

    def __str__(self) -> str:
        return "DisconnectedType"


disconnected_type = DisconnectedType()


def format_as(use_list: bool, use_tuple: bool, outputs: Any) -> Any:
    """Return outputs as a list, a tuple, or the only one."""
    if use_list and use_tuple:
        raise AssertionError("Both flags cannot be simultaneously True")
    if use_list or use_tuple:
        items = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        return items if use_list else tuple(items)
    if isinstance(outputs, list | tuple):
        if len(outputs) != 1:
            raise AssertionError("Wrong arguments. Expected a one element list")
        return outputs[0]
    return outputs


def grad(
    cost: Any,
    wrt: Any,
    consider_constant: Any = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Any = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """Return the gradient of a cost by variables.

    Args:
        cost: a scalar of floats; None where ``known_grads`` says it all.
        wrt: a variable, or a list or tuple of them; any that the cost depends on.
        consider_constant: variables through which no gradient flows.
        disconnected_inputs: ``"raise"``, ``"warn"`` or ``"ignore"`` for a variable that the cost
            does not depend on, whose gradient is 0.
        add_names: whether gradients get names of the form ``(dcost/dx)``.
        known_grads: gradients of the cost by some variables, where they are known otherwise.
        return_disconnected: ``"zero"``, ``"None"`` or ``"disconnected"``: what a variable gets that
            the cost does not depend on.
        null_gradients: ``"raise"`` or ``"return"`` for gradients that are not defined.

    Raises:
        TypeError: the cost is no scalar, or of integers.
        DisconnectedInputError: the cost does not depend on a variable.
    """
    use_list, use_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    targets = list(wrt) if use_list or use_tuple else [wrt]
    if cost is None and not known_grads:
        raise ValueError("cost and known_grads can't both be None.")
    for each in targets:
        if not isinstance(each, Variable):
            raise TypeError(f"Expected Variable, got {each} of type {type(each)}")
    if cost is not None:
        if isinstance(getattr(cost, "type", None), NullType):
            raise ValueError(
                f"Can't differentiate a NaN cost. cost is NaN because {cost.type.why_null}"
            )
        cost = as_tensor_variable(cost)
        if cost.ndim:
            raise TypeError("cost must be a scalar.")
    constants = consider_constant or []
    if isinstance(constants, Variable):
        constants = [constants]
    if not isinstance(constants, list | tuple | set):
        raise TypeError(f"consider_constant must be an iterable of variables, not {constants!r}")
    asked = _Asked(cost, dict(known_grads or {}), list(constants), targets)
    results: list[Any] = []
    for each in targets:
        result = asked.result(each, disconnected_inputs, return_disconnected, null_gradients)
        if result is not None:
            # As in Theano, a gradient counts as depending on whatever its cost depends on.
            result.__dict__["leans_on"] = [*([] if cost is None else [cost]), *(known_grads or {})]
        if add_names and result is not None and getattr(result, "name", None) is None:
            cost_name = getattr(cost, "name", None)
            if cost_name and each.name:
                result.name = f"(d{cost_name}/d{each.name})"
        if isinstance(result, Variable) and result.tensor is not None:
            add_test_value(result)
        results.append(result)
    return format_as(use_list, use_tuple, results)


class _Asked:
    """What is asked of :func:`grad`, and the walk back that answers it."""

    def __init__(
        self, cost: Any, known: dict[Any, Any], constants: list[Any], targets: list[Any]
    ) -> None:
        self.nulls = {k: v.type for k, v in known.items() if _has_type(v, NullType)}
        cut = {k for k, v in known.items() if _has_type(v, DisconnectedType)}
        told = {
            k.tensor: _known_gradient(k, v)
            for k, v in known.items()
            if k not in self.nulls and k not in cut
        }
        if any(cost is v for v in self.nulls):
            raise NullTypeGradError(
                f"tensor.grad: the gradient of the cost is undefined: {self.nulls[cost].why_null}"
            )
        tensors: list[Any] = [v.tensor for v in targets]
        held: list[Any] = [v.tensor for v in constants]
        root = None if cost is None or any(cost is v for v in cut) else cost.tensor
        # What is held constant may be asked for itself: it stands for its own value then.
        asked = set(tensors)
        swaps = {t: ag.stop_gradient(t) for t in dict.fromkeys(held) if t in asked}
        if swaps:
            roots = rebuild([*([] if root is None else [root]), *told], swaps)
            fresh_known = roots if root is None else roots[1:]
            root = None if root is None else roots[0]
            told = dict(zip(fresh_known, told.values(), strict=True))
            tensors = [swaps.get(t, t) for t in tensors]
            held = [swaps.get(t, t) for t in held]
        self.tensors = dict(zip(targets, tensors, strict=True))
        inner = set(swaps.values())
        self.reached = reached(root, told, [t for t in held if t not in inner])
        for node in self.reached:
            if isinstance(node, Performed):
                node.call_.used.add(node.number)
        self.undefined = _undefined(self.reached)
        self.casts = _casts([root, *told], tensors)
        asked = [c for t in tensors for c in self.casts.get(t, [t])]
        moving = [t for t in asked if t in self.reached and t.dtype.is_inexact]
        seeds = [(root, filled(root, 1))] if root is not None and root.dtype.is_inexact else []
        self.pulled = pull(seeds, moving, known=told, constants=held) if seeds or told else None
        grads = [self._gradient(t) for t in moving]
        self.grads = dict(zip(moving, _with_sizes_of(told, grads), strict=True))
        for t, casts in self.casts.items():
            parts = [self.grads[c] for c in casts if c in self.grads]
            if t in told:
                self.grads[t] = told[t]
            elif t is root:
                self.grads[t] = filled(ag.astype(t, config.floatX), 1)
            elif parts:
                self.grads[t] = reduce(operator.add, parts)
        self.constant = _constant(self.grads.values())

    def _gradient(self, t: Any) -> Any:
        ct = None if self.pulled is None else self.pulled.cotangents.get(t)
        return filled(t, 0) if ct is None else conjugate(ct)

    def result(self, each: Any, disconnected: str, returned: str, null: str) -> Any:
        """Return the gradient by one variable, in the form that is asked for."""
        t: Any = self.tensors[each]
        if t not in self.reached:
            message = (
                "grad method was asked to compute the gradient with respect to a variable that is "
                f"not part of the computational graph of the cost, or is used only by a "
                f"non-differentiable operator: {each}"
            )
            if disconnected == "raise":
                raise DisconnectedInputError(message)
            if disconnected == "warn":
                warnings.warn(message, stacklevel=3)
            elif disconnected != "ignore":
                raise ValueError(
                    "Invalid value for keyword 'disconnected_inputs', valid values are 'ignore', "
                    "'warn' and 'raise'."
                )
            if returned.lower() == "zero":
                return _zeros(each)
            if returned.lower() == "none":
                return None
            if returned.lower() != "disconnected":
                raise ValueError(
                    "Invalid value for keyword 'return_disconnected', valid values are 'zero', "
                    "'None' and 'Disconnected'."
                )
            return DisconnectedType()()
        why = self.undefined.get(t)
        undefined = None if self.pulled is None else self.pulled.undefined.get(t)
        if undefined is not None:
            why = undefined_text("grad", t, *undefined)
        if why is not None:
            if null == "raise":
                raise NullTypeGradError(f"tensor.grad encountered a NaN. {why}")
            if null != "return":
                raise ValueError(
                    "Invalid value for keyword 'null_gradients', valid values are 'raise' and "
                    "'return'."
                )
            return NullType(why)()
        if t not in self.grads:
            return _zeros(each)
        found = self.grads[t]
        of_kind = getattr(each.type, "gradient", None)
        if of_kind is not None:
            return of_kind(found)
        if found in self.constant:
            # A graph that programs walk over leads to what it is a gradient by, as in Theano.
            return fill(each, fresh(found))
        made = stands_for(found) if isinstance(found, Leaf) else fresh(found)
        # Axes repeat where those of the variable do, whatever the gradient itself tells.
        return patternbroadcast(made, each.type.broadcastable)


def _has_type(value: Any, kind: type) -> bool:
    return isinstance(getattr(value, "type", None), kind)


def _casts(roots: Sequence[Any], targets: Sequence[Any]) -> dict[Any, list[Any]]:
    """Return the floats that integer targets become where floats are computed of them.

    As in Theano, the gradient by an integer is that by the same real number, as far as it is read
    by what gives floats; what gives integers of integers has a gradient of 0.
    """
    found: dict[Any, list[Any]] = {t: [] for t in targets if not t.dtype.is_inexact}
    if found:
        for node in toposort([r for r in roots if r is not None]):
            if isinstance(node, Cast) and node.dtype.is_inexact and node.x in found:
                found[node.x].append(node)
    return found


def _known_gradient(variable: Any, value: Any) -> Any:
    """Return a known gradient as a tensor of its variable's kind."""
    t = value.tensor if hasattr(value, "toarray") else as_tensor_variable(value).tensor
    if t.ndim < variable.ndim:
        t = ag.broadcast_to(t, variable.tensor.shape)
    if variable.tensor.dtype.is_inexact and t.dtype is not variable.tensor.dtype:
        t = ag.astype(t, variable.tensor.dtype)
    return t


def _constant(tensors: Iterable[ag.Tensor]) -> set[ag.Tensor]:
    """Return the tensors, and those below them, that depend on nothing but sizes."""
    found: set[ag.Tensor] = set()
    for node in toposort(tensors):
        given = isinstance(node, Leaf) and not isinstance(node, Constant)
        if not given and found.issuperset(node.dependencies):
            found.add(node)
    return found


def _zeros(variable: Any) -> Any:
    dtype = config.floatX if variable.dtype in DISCRETE else variable.dtype
    return variable.zeros_like(dtype=dtype)


def _with_sizes_of(known: Any, grads: list[Any]) -> list[Any]:
    """Return gradients whose sizes are told by known gradients, where nothing else tells them.

    That of ``dot(x, W)`` by ``W`` does not depend on ``W``, but its shape is that of ``W``.
    """
    sizes: dict[Any, Any] = {}
    for node, ct in (known or {}).items():
        for old, new in zip(node.type.shape, ct.type.shape, strict=True):
            if not isinstance(old, int) and old is not new:
                sizes[old] = new
    if not sizes:
        return grads
    found: list[Any] = []
    for g in grads:
        leaves = [n for n in toposort([g]) if isinstance(n, Leaf) and not isinstance(n, Constant)]
        told = {s for leaf in leaves for s in leaf.type.shape}
        missing = {old: new for old, new in sizes.items() if old not in told}
        found.append(rebuild([g], {}, missing)[0] if missing else g)
    return found


def reached(cost: Any, known: Any = (), constants: Sequence[Any] = ()) -> set[Any]:
    """Return the tensors that a cost depends on in Theano's sense.

    By whatever a value depends on, be its derivative 0; but not by sizes, and not by the places
    that an index says.
    """
    barred = set(constants)
    seen: set[Any] = set()
    stack = [t for t in (cost, *known) if t is not None]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in barred or node.disconnects:
            continue
        if isinstance(node, Gather | Scatter):
            skipped = node.indices
            stack += [o for o in node.operands if not any(o is i for i in skipped)]
        elif isinstance(node, CrossEntropy):
            stack.append(node.logits)
        elif isinstance(node, Part):
            stack += _below(node)[0]
        elif hasattr(node, "connected"):
            stack += node.connected()
        else:
            stack += node.operands
    return seen


def _below(part: Part) -> tuple[Sequence[Any], set[Any]]:
    """Return the operands that a result of a loop depends on, and what it does inside the loop."""
    loop = part.of
    if not isinstance(loop, Loop):
        return loop.operands, set()
    inner: set[Any] = set()
    used: set[int] = set()
    wanted = [part.place]
    while wanted:
        place = wanted.pop()
        if place in used:
            continue
        used.add(place)
        inner |= reached(loop.body.outputs[place])
        wanted += [k for k, leaf in enumerate(loop.carries) if leaf in inner]
    leaves = (*loop.carries, *loop.rows, *loop.stand_ins)
    outside = (*loop.inits, *loop.sequences, *loop.captured)
    pairs = zip(leaves, outside, strict=True)
    return [o for k, (leaf, o) in enumerate(pairs) if leaf in inner or k == part.place], inner


def _undefined(seen: set[Any]) -> dict[Any, str]:
    """Return the tensors by which there is no gradient, as what they lead to was marked so.

    In Theano that holds whatever the slopes on the way are, be they 0.
    """
    marks: list[tuple[Any, str]] = []
    for node in seen:
        if isinstance(node, UndefinedGradient):
            marks.append((node, "it leads to undefined_grad()"))
        elif isinstance(node, Performed) and getattr(node.call_.op, "gradient_is_undefined", False):
            marks.append((node, f"No gradient defined through {node.call_.op}"))
    found: dict[Any, str] = {}
    for mark, why in marks:
        for node in reached(None, mark.operands):
            found.setdefault(node, why)
    for part in seen:
        if not (isinstance(part, Part) and isinstance(part.of, Loop)):
            continue
        inner = _undefined(_below(part)[1])
        loop = part.of
        leaves = (*loop.carries, *loop.rows, *loop.stand_ins)
        for leaf, operand in zip(
            leaves, (*loop.inits, *loop.sequences, *loop.captured), strict=True
        ):
            if leaf in inner:
                for node in reached(None, [operand]):
                    found.setdefault(node, inner[leaf])
    return found


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Any = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """Return the product of a row vector and the Jacobian: ``eval_points * df/dwrt``."""
    outputs = list(f) if isinstance(f, list | tuple) else [f]
    points = list(eval_points) if isinstance(eval_points, list | tuple) else [eval_points]
    use_list, use_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    targets = list(wrt) if use_list or use_tuple else [wrt]
    made = grad(
        None,
        targets,
        consider_constant=consider_constant,
        known_grads=dict(zip(map(as_tensor_variable, outputs), points, strict=True)),
        disconnected_inputs=disconnected_inputs,
    )
    return format_as(use_list, use_tuple, made)


def Rop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    disconnected_outputs: str = "raise",
    return_disconnected: str = "zero",
) -> Any:
    """Return the product of the Jacobian and a vector: ``df/dwrt * eval_points``.

    Args:
        f: a variable, or a list or tuple of them.
        wrt: a variable, or a list of them.
        eval_points: the vector: for each of ``wrt`` a variable of its shape.
        disconnected_outputs: ``"raise"``, ``"warn"`` or ``"ignore"`` for an output that does not
            depend on ``wrt`` by derivatives.
        return_disconnected: ``"zero"``, ``"None"`` or ``"disconnected"``: what comes for it.

    Raises:
        DisconnectedInputError: an output does not depend on ``wrt``.
        ValueError: points do not fit variables.
    """
    use_list, use_tuple = isinstance(f, list), isinstance(f, tuple)
    outputs = [as_tensor_variable(o) for o in (f if use_list or use_tuple else [f])]
    targets = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    points = list(eval_points) if isinstance(eval_points, list | tuple) else [eval_points]
    points = [as_tensor_variable(p) for p in points]
    if len(targets) != len(points):
        raise ValueError(f"Rop: {len(targets)} variables, but {len(points)} eval_points")
    for place, (each, point) in enumerate(zip(targets, points, strict=True)):
        if each.ndim != point.ndim:
            raise ValueError(
                f"Element {place} of wrt/eval_point have mismatched dimensionality: {each.ndim} "
                f"versus {point.ndim}"
            )
    changes = {
        v.tensor: ag.astype(p.tensor, v.tensor.dtype) for p, v in zip(points, targets, strict=True)
    }
    made: list[Any] = []
    for output, change in zip(outputs, push([o.tensor for o in outputs], changes), strict=True):
        if change is not None:
            made.append(fresh(change))
            made[-1].__dict__["leans_on"] = [output, *targets, *points]
            continue
        message = (
            "Rop method was asked to compute the gradient with respect to a variable that is not "
            "part of the computational graph of variables in wrt, or is used only by a "
            f"non-differentiable operator: {output}"
        )
        moving = output.tensor.dtype.is_inexact
        if disconnected_outputs == "raise" and not (moving and _has_slope(output, changes)):
            raise DisconnectedInputError(message)
        if disconnected_outputs == "warn":
            warnings.warn(message, stacklevel=2)
        elif disconnected_outputs not in ("raise", "ignore"):
            raise ValueError(
                "Invalid value for keyword 'disconnected_outputs', valid values are 'ignore', "
                "'warn' and 'raise'."
            )
        made.append(_stand_in(output, return_disconnected))
    return format_as(use_list, use_tuple, made)


def _has_slope(output: Any, changes: Any) -> bool:
    """Whether an output depends on what changes by functions that have a derivative, be it 0."""
    seen = reached(output.tensor)
    for other in output.__dict__.get("leans_on", ()):
        seen |= reached(other.tensor)
    asked = any(isinstance(n, Performed) and not set(reached(n)).isdisjoint(changes) for n in seen)
    return not asked and any(t in seen for t in changes)


def _stand_in(output: Any, returned: str) -> Any:
    if returned.lower() == "zero":
        return _zeros(output)
    if returned.lower() == "none":
        return None
    if returned.lower() == "disconnected":
        return DisconnectedType()()
    raise ValueError(
        "Invalid value for keyword 'return_disconnected', valid values are 'zero', 'None' and "
        "'Disconnected'."
    )


def jacobian(
    expression: Any, wrt: Any, consider_constant: Any = None, disconnected_inputs: str = "raise"
) -> Any:
    """Return the derivative of each element of a vector by each element of variables."""
    expression = as_tensor_variable(expression)
    if expression.ndim > 1:
        raise ValueError(
            "tensor.jacobian expects a 1 dimensional variable as `expression`. If not use flatten "
            "to make it a vector"
        )
    use_list, use_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    targets = list(wrt) if use_list or use_tuple else [wrt]
    if expression.ndim == 0:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    made = ag.jacobian(
        _held(expression.tensor, consider_constant),
        [v.tensor for v in targets],
        disconnected="raise" if disconnected_inputs == "raise" else "zero",
    )
    return format_as(use_list, use_tuple, [fresh(t) for t in made])


def _held(tensor: Any, constants: Any) -> Any:
    if not constants:
        return tensor
    items = [constants] if isinstance(constants, Variable) else list(constants)
    return rebuild([tensor], {v.tensor: ag.stop_gradient(v.tensor) for v in items})[0]


def hessian(
    cost: Any, wrt: Any, consider_constant: Any = None, disconnected_inputs: str = "raise"
) -> Any:
    """Return the second derivatives of a cost by vectors, a matrix for each."""
    cost = as_tensor_variable(cost)
    if cost.ndim:
        raise ValueError("tensor.hessian expects a 0 dimensional variable as `cost`")
    use_list, use_tuple = isinstance(wrt, list), isinstance(wrt, tuple)
    targets = list(wrt) if use_list or use_tuple else [wrt]
    results: list[Any] = []
    for each in targets:
        if each.ndim != 1:
            raise ValueError("tensor.hessian expects a (list of) 1 dimensional variable as `wrt`")
        first = grad(cost, each, consider_constant, disconnected_inputs)
        results.append(jacobian(first, each, disconnected_inputs="ignore"))
    return format_as(use_list, use_tuple, results)


def subgraph_grad(
    wrt: Sequence[Any],
    end: Sequence[Any],
    start: Any = None,
    cost: Any = None,
    details: bool = False,
) -> Any:
    """Return gradients by ``wrt`` and by ``end``, from known ones of ``start`` or from a cost."""
    if details:
        raise NotImplementedError("theano.subgraph_grad(details=True): ask grad() for each part")
    given = dict(start or {})
    params = list(wrt)
    grads_end = grad(
        cost,
        [*params, *end],
        known_grads=given or None,
        disconnected_inputs="ignore",
        consider_constant=list(end),
    )
    return grads_end[: len(params)], grads_end[len(params) :]


# -- what changes gradients ------------------------------------------------------------------------


class ConsiderConstant(ViewOp):
    """The variable itself, by which gradients are 0."""

    def build(self, *tensors: Any) -> Any:
        """The same, where gradients stop."""
        return ag.stop_gradient(tensors[0])


class ZeroGrad(ConsiderConstant):
    """The variable itself, by which gradients are 0."""


class DisconnectedGrad(ViewOp):
    """The variable itself, with which costs are not connected."""

    def build(self, *tensors: Any) -> Any:
        """The same, behind which nothing is connected."""
        return ag.disconnect_gradient(tensors[0])

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """Nothing is connected."""
        del node
        return [[False]]


class UndefinedGrad(ViewOp):
    """The variable itself, by which gradients are not defined."""

    def build(self, *tensors: Any) -> Any:
        """The same, by which there is no gradient."""
        return ag.undefined_gradient(tensors[0])


class GradClip(ViewOp):
    """The variable itself; the gradient that flows back is limited to an interval.

    Attributes:
        clip_lower_bound: least value.
        clip_upper_bound: greatest value.
    """

    __props__ = ("clip_lower_bound", "clip_upper_bound")

    def __init__(self, clip_lower_bound: Any, clip_upper_bound: Any) -> None:
        self.clip_lower_bound, self.clip_upper_bound = clip_lower_bound, clip_upper_bound
        if not clip_upper_bound >= clip_lower_bound:
            raise ValueError("`clip_upper_bound` should be >= `clip_lower_bound`")

    def build(self, *tensors: Any) -> Any:
        """The same, with limits for gradients."""
        return ag.clip_gradient(
            tensors[0], float(self.clip_lower_bound), float(self.clip_upper_bound)
        )

    def __str__(self) -> str:
        return "GradClip"

    __repr__ = __str__


class GradScale(ViewOp):
    """The variable itself; the gradient that flows back is multiplied.

    Attributes:
        multiplier: by what.
    """

    __props__ = ("multiplier",)

    def __init__(self, multiplier: Any) -> None:
        self.multiplier = multiplier

    def build(self, *tensors: Any) -> Any:
        """The same, with a factor for gradients."""
        return ag.scale_gradient(tensors[0], float(self.multiplier))

    def __str__(self) -> str:
        return "GradScale"

    __repr__ = __str__


consider_constant_, zero_grad_ = ConsiderConstant(), ZeroGrad()
disconnected_grad_, undefined_grad_ = DisconnectedGrad(), UndefinedGrad()


def consider_constant(x: Any) -> Any:
    """Return the variable itself, by which gradients are 0."""
    return consider_constant_(x)


def zero_grad(x: Any) -> Any:
    """Return the variable itself, by which gradients are 0."""
    return zero_grad_(x)


def disconnected_grad(x: Any) -> Any:
    """Return the variable itself, with which costs are not connected."""
    return disconnected_grad_(x)


def undefined_grad(x: Any) -> Any:
    """Return the variable itself, by which gradients are not defined."""
    return undefined_grad_(x)


def grad_clip(x: Any, lower_bound: Any, upper_bound: Any) -> Any:
    """Return the variable itself; the gradient that flows back is limited to an interval."""
    return GradClip(lower_bound, upper_bound)(x)


def grad_scale(x: Any, multiplier: Any) -> Any:
    """Return the variable itself; the gradient that flows back is multiplied."""
    return GradScale(multiplier)(x)


def grad_undefined(op: Any, x_pos: int, x: Any, comment: str = "") -> Any:
    """Return what an op gives where its gradient is not defined."""
    del x
    why = f"{op}, {x_pos}: the gradient is undefined: {comment}"
    return NullType(why)()


def grad_not_implemented(op: Any, x_pos: int, x: Any, comment: str = "") -> Any:
    """Return what an op gives where its gradient is not written."""
    del x
    return NullType(f"{op}, {x_pos}: the gradient is not implemented: {comment}")()


# -- ops of programs -------------------------------------------------------------------------------


def gradients_of_op(node: Any, ct: Any) -> tuple[Any, ...]:
    """Return the gradients by the operands of a program's op, which is asked."""
    application: Apply = node.call_.node
    inputs = [_as(t, v) for t, v in zip(node.xs, application.inputs, strict=True)]
    outputs = [
        v if hasattr(node, "tensor") else _as(node if k == node.number else _sibling(node, k, v), v)
        for k, v in enumerate(application.outputs)
    ]
    upper: list[Any] = [
        _of_kind(application.outputs[k], ct) if k == node.number else _unasked(node, k, v)
        for k, v in enumerate(application.outputs)
    ]
    return _tensors(node, node.call_.op, node.call_.op.L_op(inputs, outputs, upper))


def _unasked(node: Any, number: int, variable: Any) -> Any:
    """Return the gradient by another result of an op than the one that is asked about.

    Results are asked about one by one, and what comes is added up: then the gradients of the others
    are 0.  A result that the cost does not depend on has none.
    """
    used = number in node.call_.used and variable.dtype not in DISCRETE
    return variable.zeros_like() if used else DisconnectedType()()


def _sibling(node: Any, number: int, variable: Any) -> Any:
    """Return another result of the same call."""
    kind = variable.tensor.type
    return type(node)(node.xs, node.call_, number, kind.dtype, kind.shape)


def _as(tensor: Any, variable: Any) -> Any:
    """Return a variable for a tensor: the program's own, if it is that one's."""
    if variable.tensor is tensor:
        return variable
    return _of_kind(variable, tensor) if hasattr(variable.type, "gradient") else stands_for(tensor)


def _of_kind(variable: Any, tensor: Any) -> Any:
    """Return a new variable for a tensor, a sparse matrix if another variable is one."""
    made = getattr(variable.type, "gradient", None)
    return fresh(tensor) if made is None else made(tensor)


def _tensors(node: Any, op: Any, given: Any) -> tuple[Any, ...]:
    """Return what an op gave as gradients by its inputs; what is undefined is noted at the node."""
    if not isinstance(given, list | tuple):
        raise TypeError(
            f"{op}.grad returned {type(given)}, where a list or tuple of variables is needed"
        )
    if len(given) != len(node.xs):
        raise ValueError(
            f"{op} returned the wrong number of gradient terms: {len(given)} for "
            f"{len(node.xs)} inputs"
        )
    found: list[Any] = []
    nulls: dict[int, str] = {}
    for place, (term, x) in enumerate(zip(given, node.xs, strict=True)):
        kind = getattr(term, "type", None)
        if term is None:
            raise TypeError(
                f"{op}.grad returned None for the gradient of input {place}: give zeros_like() of "
                "the input, theano.gradient.disconnected_type(), or grad_undefined()"
            )
        if isinstance(kind, NullType):
            nulls[place] = kind.why_null
        if isinstance(kind, NullType | DisconnectedType) or not x.dtype.is_inexact:
            found.append(None)
        else:
            tensor = term.tensor if getattr(kind, "members", 0) else as_tensor_variable(term).tensor
            found.append(ag.astype(tensor, x.dtype))
    node.__dict__["nulls"] = nulls
    return tuple(found)


def change_of_op(node: Any, tangents: tuple[Any, ...]) -> Any:
    """Return the change of a result of a program's op, which is asked."""
    from agnesi.autodiff.forward import transposed

    op = node.call_.op
    if type(op).R_op is Op.R_op:
        return transposed(node, tangents)
    application: Apply = node.call_.node
    inputs = [_as(t, v) for t, v in zip(node.xs, application.inputs, strict=True)]
    points = [None if t is None else fresh(t) for t in tangents]
    made = op.R_op(inputs, points)
    found = made[node.number]
    return None if found is None else ag.astype(found.tensor, node.dtype)


def gradients_through(op: Any, inputs: Sequence[Any], output_grads: Sequence[Any]) -> list[Any]:
    """Return the gradients by the inputs of a native op, given those by its outputs."""
    stand_ins = [v.type() for v in inputs]
    outputs = op.make_node(*stand_ins).outputs
    known = {
        o: g
        for o, g in zip(outputs, output_grads, strict=True)
        if g is not None and getattr(g, "tensor", None) is not None
    }
    if not known:
        return [DisconnectedType()() for _ in inputs]
    terms = grad(
        None,
        stand_ins,
        known_grads=known,
        disconnected_inputs="ignore",
        return_disconnected="disconnected",
        null_gradients="return",
    )
    return _in_place_of(stand_ins, inputs, terms)


def change_through(op: Any, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
    """Return the changes of the outputs of a native op, given those of its inputs."""
    stand_ins = [v.type() for v in inputs]
    outputs = op.make_node(*stand_ins).outputs
    pairs = [(v, p) for v, p in zip(stand_ins, eval_points, strict=True) if p is not None]
    if not pairs:
        return [None] * len(outputs)
    made = Rop(list(outputs), [v for v, _ in pairs], [p for _, p in pairs])
    return _in_place_of(stand_ins, inputs, made)


def _in_place_of(
    stand_ins: Sequence[Any], inputs: Sequence[Any], terms: Sequence[Any]
) -> list[Any]:
    """Return terms with inputs in the places of what stood in for them."""
    made = [t for t in terms if t.tensor is not None]
    changed = dict(zip(stand_ins, inputs, strict=True))
    news = iter(copied(made, changed)[0])
    return [t if t.tensor is None else next(news) for t in terms]


def asked_gradient(op: Any, tensors: Sequence[Any], ct: Any) -> tuple[Any, ...]:
    """Return the gradients that the ``grad`` of a program's subclass of a native op says."""
    inputs = [stands_for(t) for t in tensors]
    outputs = op.outputs_for(inputs, [op.build(*tensors)])
    terms = op.L_op(inputs, outputs, [fresh(ct)])
    if not isinstance(terms, list | tuple) or len(terms) != len(tensors):
        raise ValueError(f"{op}.grad: one gradient for each of {len(tensors)} inputs is needed")
    found: list[Any] = []
    for term, t in zip(terms, tensors, strict=True):
        kind = getattr(term, "type", None)
        if isinstance(kind, NullType):
            raise NullTypeGradError(f"tensor.grad encountered a NaN. {kind.why_null}")
        if term is None or isinstance(kind, DisconnectedType) or not t.dtype.is_inexact:
            found.append(None)
        else:
            found.append(ag.astype(as_tensor_variable(term).tensor, t.dtype))
    return tuple(found)


# -- numerical checks ------------------------------------------------------------------------------


class GradientError(Exception):
    """A gradient differs from the one that differences give."""

    def __init__(
        self, arg: int, err_pos: Any, abs_err: Any, rel_err: Any, abs_tol: Any, rel_tol: Any
    ) -> None:
        super().__init__(arg, err_pos, abs_err, rel_err, abs_tol, rel_tol)
        self.arg, self.err_pos = arg, err_pos
        self.abs_err, self.rel_err, self.abs_tol, self.rel_tol = abs_err, rel_err, abs_tol, rel_tol


class numeric_grad:
    """The gradient that differences give: ``numeric_grad(f, pt).gf``."""

    type_eps: ClassVar[dict[str, float]] = {"float64": 1e-7, "float32": 3e-4, "float16": 1e-1}

    def __init__(
        self, f: Callable[..., Any], pt: Any, eps: Any = None, out_type: Any = None
    ) -> None:
        del out_type
        self.packed = isinstance(pt, list | tuple)
        points = [np.array(p, order="C") for p in (pt if self.packed else [pt])]
        value = np.asarray(f(*points))
        step = eps or max(self.type_eps[p.dtype.name] for p in points)
        self.gf: Any = []
        for point in points:
            gradient = np.zeros_like(point)
            flat, out = point.reshape(-1), gradient.reshape(-1)
            for k in range(flat.size):
                old = flat[k]
                flat[k] = old + step
                out[k] = (np.asarray(f(*points)) - value) / step
                flat[k] = old
            self.gf.append(gradient)
        if not self.packed:
            self.gf = self.gf[0]

    @staticmethod
    def abs_rel_err(a: Any, b: Any) -> tuple[Any, Any]:
        """Return absolute and relative errors."""
        error = np.abs(a - b)
        return error, error / np.maximum(np.abs(a) + np.abs(b), 1e-8)


def verify_grad(
    fun: Callable[..., Any],
    pt: Sequence[Any],
    n_tests: int = 2,
    rng: Any = None,
    eps: Any = None,
    out_type: Any = None,
    abs_tol: Any = None,
    rel_tol: Any = None,
    mode: Any = None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Hold a function's gradient against differences, along random projections.

    Args:
        fun: makes a variable of variables.
        pt: arrays for them.
        n_tests: how many projections.
        rng: NumPy's ``RandomState``, which they are drawn from.
        eps: the step of differences.
        out_type: means nothing.
        abs_tol: how far both may be apart.
        rel_tol: how far they may be apart, relatively.
        mode: of the functions that are compiled.
        cast_to_output_type: whether projections have the dtype of the result; else float64.
        no_debug_ref: means nothing.

    Raises:
        GradientError: they differ.
    """
    from agnesi.theano.compile.function_module import function
    from agnesi.theano.compile.sharedvalue import shared
    from agnesi.theano.tensor.type import TensorType

    del no_debug_ref, out_type
    if not isinstance(pt, list | tuple):
        raise TypeError("pt must be a list/tuple of arrays")
    points = [np.array(p, order="C") for p in pt]
    if rng is None:
        raise TypeError(
            "rng should be a valid instance of numpy.random.RandomState. You may want to use "
            "theano.tests.unittest_tools.verify_grad instead of theano.gradient.verify_grad."
        )
    close = {"float16": 5e-2, "float32": 1e-2, "float64": 1e-4}
    worst = max((p.dtype.name for p in points), key=lambda d: close[d])
    absolute, relative = abs_tol or close[worst], rel_tol or close[worst]
    inputs = [
        TensorType(p.dtype, [n == 1 for n in p.shape])(f"input {k}") for k, p in enumerate(points)
    ]
    output = fun(*inputs)
    value = function(inputs, output, mode=mode, on_unused_input="ignore")
    shape = value(*points).shape
    kind = output.dtype if cast_to_output_type else "float64"
    weights = shared(np.zeros(shape, kind))
    cost = (weights * output).sum()
    projected = function(inputs, cost, mode=mode, on_unused_input="ignore")
    gradients = grad(cost, inputs, disconnected_inputs="ignore")
    slope = function(inputs, gradients, mode=mode, on_unused_input="ignore")
    for _ in range(n_tests):
        weights.set_value(np.asarray(rng.rand(*shape) + 0.5, kind))
        expected = numeric_grad(lambda *ps: projected(*ps), points, eps).gf
        for k, (a, b) in enumerate(zip(slope(*points), expected, strict=True)):
            abs_err, rel_err = numeric_grad.abs_rel_err(np.asarray(a), b)
            bad = (abs_err > absolute) & (rel_err > relative)
            if bad.any():
                place = int(np.argmax(np.where(bad, abs_err, 0)))
                raise GradientError(
                    k, place, abs_err.flat[place], rel_err.flat[place], absolute, relative
                )


# As programs catch it: ``except verify_grad.E_grad``.
verify_grad.E_grad = GradientError  # type: ignore[attr-defined]


def mode_not_slow(mode: Any) -> Any:
    """Return a mode that does not check what it computes."""
    from agnesi.theano.compile.mode import FAST_RUN, get_mode

    name = type(get_mode(mode)).__name__
    return FAST_RUN if mode == "FAST_COMPILE" or name == "DebugMode" else mode


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

"""Derivatives: ``grad`` and what is built of it, and what changes gradients."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import agnesi as ag
from agnesi.core.errors import GradientError as AgnesiGradientError
from agnesi.graph.body import Part, Several
from agnesi.graph.graph import rebuild, toposort
from agnesi.graph.leaves import Constant, Leaf
from agnesi.theano.gof.graph import Apply, Variable, _wrap, stands_for
from agnesi.theano.gof.type import PureType
from agnesi.theano.missing import submodule
from agnesi.theano.tensor.applying import apply, fresh
from agnesi.theano.tensor.basic import as_tensor_variable
from agnesi.theano.tensor.casting import DISCRETE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class DisconnectedInputError(ValueError):
    """A cost does not depend on a variable."""


class NullTypeGradError(TypeError):
    """A gradient is not defined."""


class DisconnectedType(PureType):
    """The type of the gradient by what a cost does not depend on."""

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


class NullType(PureType):
    """The type of a gradient that is not defined."""

    def __init__(self, why_null: str = "(no explanation given)") -> None:
        self.why_null = why_null

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NullType)

    def __hash__(self) -> int:
        return hash(NullType)

    def __str__(self) -> str:
        return "NullType"


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
    tensor: Any = None
    if cost is not None:
        cost = as_tensor_variable(cost)
        if cost.ndim:
            raise TypeError("cost must be a scalar.")
        if cost.dtype in DISCRETE:
            raise TypeError(f"A cost of {cost.dtype} has no gradient: it is no float")
        tensor = cost.tensor
    known = {k.tensor: as_tensor_variable(v).tensor for k, v in (known_grads or {}).items()}
    constants = consider_constant or []
    if isinstance(constants, Variable):
        constants = [constants]
    reached = _reached(tensor, known, [c.tensor for c in constants])
    found: list[Any] = []
    for each in targets:
        connected = each.tensor in reached
        if not connected:
            message = (
                "grad method was asked to compute the gradient with respect to a variable that is "
                f"not part of the computational graph of the cost, or is used only by a "
                f"non-differentiable operator: {each}"
            )
            if disconnected_inputs == "raise":
                raise DisconnectedInputError(message)
            if disconnected_inputs == "warn":
                warnings.warn(message, stacklevel=2)
            elif disconnected_inputs != "ignore":
                raise ValueError(
                    "Invalid value for keyword 'disconnected_inputs', valid values are 'ignore', "
                    "'warn' and 'raise'."
                )
        found.append(each if connected else None)
    asked = [v for v in targets if v.tensor in reached and v.dtype not in DISCRETE]
    made = _pulled(tensor, asked, known, [c.tensor for c in constants], null_gradients)
    results: list[Any] = []
    rest = dict(zip(asked, made, strict=True))
    for each, connected in zip(targets, found, strict=True):
        if each in rest:
            result = rest[each]
        elif connected is None and return_disconnected == "None":
            result = None
        elif connected is None and return_disconnected.lower() == "disconnected":
            result = DisconnectedType()()
        else:
            result = _zeros(each)
        if result is not None and cost is not None:
            # As in Theano, a gradient counts as depending on whatever its cost depends on.
            result.__dict__["of_cost"] = cost
        if add_names and result is not None and getattr(result, "name", None) is None:
            cost_name = getattr(cost, "name", None)
            if cost_name and each.name:
                result.name = f"(d{cost_name}/d{each.name})"
        results.append(result)
    return format_as(use_list, use_tuple, results)


def _zeros(variable: Any) -> Any:
    from agnesi.theano.configparser import config

    dtype = config.floatX if variable.dtype in DISCRETE else variable.dtype
    return variable.zeros_like(dtype=dtype)


def _pulled(tensor: Any, asked: list[Any], known: Any, constants: Any, null: str) -> list[Any]:
    if not asked:
        return []
    undefined = "raise" if null == "raise" else "nan"
    try:
        grads = ag.grad(
            tensor,
            [v.tensor for v in asked],
            known=known or None,
            consider_constant=constants,
            disconnected="zero",
            undefined=undefined,
        )
    except AgnesiGradientError as error:
        if "no derivative" in str(error) or "undefined" in str(error):
            raise NullTypeGradError(str(error)) from error
        raise
    return [fresh(g) for g in _with_sizes_of(known, grads)]


def _with_sizes_of(known: Any, grads: list[Any]) -> list[Any]:
    """Return gradients whose sizes are told by known gradients, where nothing else tells them.

    That of ``dot(x, W)`` by ``W`` does not depend on ``W``, but its shape is that of ``W``.
    """
    sizes: dict[Any, Any] = {}
    for node, ct in (known or {}).items():
        for old, new in zip(node.type.shape, ct.type.shape, strict=True):
            if not isinstance(old, int) and old is not new:
                sizes[old] = new
    found: list[Any] = []
    for g in grads:
        leaves = [n for n in toposort([g]) if isinstance(n, Leaf) and not isinstance(n, Constant)]
        told = {s for leaf in leaves for s in leaf.type.shape}
        missing = {old: new for old, new in sizes.items() if old not in told}
        found.append(rebuild([g], {}, missing)[0] if missing else g)
    return found


def _reached(cost: Any, known: Any, constants: Sequence[Any]) -> set[Any]:
    """Return the tensors that a cost depends on by derivatives."""
    barred = set(constants)
    seen: set[Any] = set()
    stack = [t for t in (cost, *known) if t is not None]
    while stack:
        node = stack.pop()
        if node in seen or node in barred:
            continue
        seen.add(node)
        if node.cuts_gradients or node.disconnects:
            continue
        if isinstance(node, Part):
            stack.append(node.of)
        elif node.dtype.is_inexact or isinstance(node, Several):
            stack += [o for o in node.operands if o.dtype.is_inexact or isinstance(o, Several)]
    return seen


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
    """Return the product of the Jacobian and a vector: ``df/dwrt * eval_points``."""
    del disconnected_outputs, return_disconnected
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
    made = ag.jvp(
        [o.tensor for o in outputs],
        [v.tensor for v in targets],
        [ag.astype(p.tensor, v.tensor.dtype) for p, v in zip(points, targets, strict=True)],
        disconnected="zero",
    )
    return format_as(use_list, use_tuple, [fresh(t) for t in made])


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


def consider_constant(x: Any) -> Any:
    """Return the variable itself, by which gradients are 0."""
    return apply("ConsiderConstant", ag.stop_gradient, [x])


def zero_grad(x: Any) -> Any:
    """Return the variable itself, by which gradients are 0."""
    return apply("ZeroGrad", ag.stop_gradient, [x])


def disconnected_grad(x: Any) -> Any:
    """Return the variable itself, with which costs are not connected."""
    return apply("DisconnectedGrad", ag.disconnect_gradient, [x])


def undefined_grad(x: Any) -> Any:
    """Return the variable itself, by which gradients are not defined."""
    return apply("UndefinedGrad", ag.undefined_gradient, [x])


def grad_clip(x: Any, lower_bound: Any, upper_bound: Any) -> Any:
    """Return the variable itself; the gradient that flows back is limited to an interval."""
    build: Any = lambda t: ag.clip_gradient(t, float(lower_bound), float(upper_bound))  # noqa: E731
    return apply("GradClip", build, [x])


def grad_scale(x: Any, multiplier: Any) -> Any:
    """Return the variable itself; the gradient that flows back is multiplied."""
    return apply("GradScale", lambda t: ag.scale_gradient(t, float(multiplier)), [x])


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
        _as(node if k == node.number else _sibling(node, k, v), v)
        for k, v in enumerate(application.outputs)
    ]
    upper: list[Any] = [
        fresh(ct) if k == node.number else DisconnectedType()()
        for k in range(len(application.outputs))
    ]
    return _tensors(node.call_.op, node.call_.op.L_op(inputs, outputs, upper), node.xs)


def _sibling(node: Any, number: int, variable: Any) -> Any:
    """Return another result of the same call."""
    kind = variable.tensor.type
    return type(node)(node.xs, node.call_, number, kind.dtype, kind.shape)


def _as(tensor: Any, variable: Any) -> Any:
    """Return a variable for a tensor: the program's own, if it is that one's."""
    return variable if variable.tensor is tensor else stands_for(tensor)


def _tensors(op: Any, given: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
    items = list(given) if isinstance(given, list | tuple) else [given]
    if len(items) != len(xs):
        raise ValueError(f"{op}.grad returned the wrong number of gradient terms")
    found: list[Any] = []
    for term, x in zip(items, xs, strict=True):
        if term is None or isinstance(getattr(term, "type", None), DisconnectedType):
            found.append(None)
        elif isinstance(term.type, NullType):
            raise NullTypeGradError(f"tensor.grad encountered a NaN. {term.type.why_null}")
        elif not x.dtype.is_inexact:
            found.append(None)
        else:
            found.append(ag.astype(as_tensor_variable(term).tensor, x.dtype))
    return tuple(found)


def change_of_op(node: Any, tangents: tuple[Any, ...]) -> Any:
    """Return the change of a result of a program's op, which is asked."""
    from agnesi.autodiff.forward import transposed
    from agnesi.theano.gof.op import Op

    op = node.call_.op
    if type(op).R_op is Op.R_op:
        return transposed(node, tangents)
    application: Apply = node.call_.node
    inputs = [_as(t, v) for t, v in zip(node.xs, application.inputs, strict=True)]
    points = [None if t is None else fresh(t) for t in tangents]
    made = op.R_op(inputs, points)
    found = made[node.number]
    return None if found is None else ag.astype(found.tensor, node.dtype)


def with_gradient(op: Any, x: Any) -> Any:
    """Return a variable itself, with the gradient that an op's ``grad`` says."""
    x = as_tensor_variable(x)

    def back(ct: ag.Tensor, t: ag.Tensor) -> Any:
        (term,) = op.grad((stands_for(t),), (fresh(ct),))
        return as_tensor_variable(term).tensor

    build: Any = lambda t: ag.custom_gradient(lambda a: a + 0, lambda ct, a: back(ct, a))(t)  # noqa: E731
    made = apply(str(op), build, [x])
    made.owner.op.of = op
    return made


def overridden(op: Any, inputs: Sequence[Any], outputs: list[Any], rule: Any) -> list[Any]:
    """Return outputs of a graph with a gradient that a program says."""
    if len(outputs) != 1 or not callable(rule):
        raise NotImplementedError(
            f"{op}: gradients of its own are there for one output and one function"
        )

    def forward(*ts: ag.Tensor) -> ag.Tensor:
        swaps = dict(zip((v.tensor for v in inputs), ts, strict=True))
        return rebuild([outputs[0].tensor], swaps)[0]

    def back(ct: ag.Tensor, *ts: ag.Tensor) -> Any:
        given = [_wrap[0](t) for t in ts]
        if op.lop_overrides != "default":
            terms: Any = rule(given, [fresh(forward(*ts))], [fresh(ct)])
        else:
            terms = rule(given, [fresh(ct)])
        return tuple(as_tensor_variable(t).tensor for t in terms)

    made = ag.custom_gradient(forward, back)(*(v.tensor for v in inputs))
    return [fresh(made)]


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
        points = [np.array(p) for p in (pt if self.packed else [pt])]
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

    Raises:
        GradientError: they differ.
    """
    from agnesi.theano.compile.function_module import function
    from agnesi.theano.compile.sharedvalue import shared
    from agnesi.theano.tensor.type import TensorType

    del cast_to_output_type, no_debug_ref, out_type
    if not isinstance(pt, list | tuple):
        raise TypeError("pt must be a list/tuple of arrays")
    points = [np.array(p) for p in pt]
    if rng is None:
        raise TypeError(
            "rng should be a valid instance of numpy.random.RandomState. You may want to use "
            "theano.tests.unittest_tools.verify_grad instead of theano.gradient.verify_grad."
        )
    close = {"float16": 5e-2, "float32": 1e-2, "float64": 1e-4}
    worst = max((p.dtype.name for p in points), key=lambda d: close[d])
    absolute, relative = abs_tol or close[worst], rel_tol or close[worst]
    inputs = [TensorType(p.dtype, (False,) * p.ndim)(f"input {k}") for k, p in enumerate(points)]
    output = fun(*inputs)
    value = function(inputs, output, mode=mode, on_unused_input="ignore")
    shape = value(*points).shape
    weights = shared(np.zeros(shape, output.dtype))
    cost = (weights * output).sum()
    projected = function(inputs, cost, mode=mode, on_unused_input="ignore")
    gradients = grad(cost, inputs, disconnected_inputs="ignore")
    slope = function(inputs, gradients, mode=mode, on_unused_input="ignore")
    for _ in range(n_tests):
        weights.set_value(np.asarray(rng.rand(*shape) + 0.5, output.dtype))
        expected = numeric_grad(lambda *ps: projected(*ps), points, eps).gf
        for k, (a, b) in enumerate(zip(slope(*points), expected, strict=True)):
            abs_err, rel_err = numeric_grad.abs_rel_err(np.asarray(a), b)
            bad = (abs_err > absolute) & (rel_err > relative)
            if bad.any():
                place = int(np.argmax(np.where(bad, abs_err, 0)))
                raise GradientError(
                    k, place, abs_err.flat[place], rel_err.flat[place], absolute, relative
                )


def __getattr__(name: str) -> Any:
    return submodule(__name__, name)

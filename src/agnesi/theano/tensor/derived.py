"""What gradients and clones have made, read as Theano's ops: a table from agnesi's nodes.

A variable that no program applied an op for has an owner all the same; it is made when a program
asks for it, one node at a time.

below:   Multiply(BroadcastTo(c), Exp(x))
derived: Elemwise{mul}(DimShuffle{x,x}(c), Elemwise{exp}(x))

What Theano has no op for keeps the name of agnesi's node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import agnesi as ag
from agnesi.dims.dim import (
    FloorDiv,
    Max,
    Min,
    Mod,
    Poly,
    Symbol,
    Value,
    add,
    from_monomial,
    sub,
    terms_of,
)
from agnesi.dims.dim import mul as times
from agnesi.dims.simplify import maximum
from agnesi.graph.body import Part
from agnesi.graph.graph import rebuild, with_operands
from agnesi.graph.leaves import Constant as ConstantTensor
from agnesi.graph.tensor import SizeFloat, SizeValue
from agnesi.ops import arithmetic as a
from agnesi.ops import (
    choice,
    comparison,
    complex_parts,
    elementary,
    gradients,
    linear,
    logic,
    movement,
    powers,
    reductions,
    rounding,
    slicing,
    special,
    trigonometric,
)
from agnesi.ops.bounds import WithinBounds
from agnesi.ops.families import Elementwise
from agnesi.ops.gathering import Gather, Scatter
from agnesi.ops.joining import Concatenate
from agnesi.ops.lift import broadcast_sizes
from agnesi.ops.movement import broadcast
from agnesi.theano import gradient
from agnesi.theano import scalar as s
from agnesi.theano.gof.graph import (
    Apply,
    _derivers,
    _sized,
    new_sizes,
    scratchpad,
    stands_for,
    without_tensors,
)
from agnesi.theano.gof.native import NativeOp
from agnesi.theano.gof.op import Performed
from agnesi.theano.scalar.basic import ScalarOp, get_scalar_type
from agnesi.theano.tensor import native_ops, shapes
from agnesi.theano.tensor.basic import constant
from agnesi.theano.tensor.elementary import cast_op
from agnesi.theano.tensor.elemwise import (
    All,
    Any_,
    CAReduce,
    DimShuffle,
    Elemwise,
    Prod,
    Sum,
)
from agnesi.theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
    as_index_variable,
    make_constant,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # An op, and variables that it is applied to.
    Reading = tuple[Any, list[Any]]

_RULES: dict[type[Any], Callable[[Any], Reading | None]] = {}


def _rule(*kinds: type[Any]) -> Any:
    """Return a decorator that puts a function into the table."""

    def put(function: Any) -> Any:
        for kind in kinds:
            _RULES[kind] = function
        return function

    return put


# -- sizes ---------------------------------------------------------------------------------------


def size(extent: Any) -> Any:
    """Return a size of agnesi as a variable."""
    if isinstance(extent, int):
        return constant(extent, dtype="int64")
    return stands_for(SizeValue(extent))


@_rule(SizeValue)
def _of_size(t: Any) -> Reading | None:
    extent = t.extent
    if isinstance(extent, int):
        return cast_op("int64"), [constant(extent, dtype="int64")]
    if isinstance(extent, Symbol):
        leaf = _sized.get(id(extent))
        if leaf is None:
            return None
        axis = next(k for k, each in enumerate(leaf.type.shape) if each is extent)
        return shapes.shape_i_op(axis), [stands_for(leaf)]
    if isinstance(extent, Value):
        term: Any = extent.term
        return cast_op("int64"), [stands_for(term)]
    if isinstance(extent, Poly):
        terms = terms_of(extent)
        parts = [times(from_monomial(atoms), count) for atoms, count in terms.items()]
        if len(parts) > 1:
            return Elemwise(s.add), [size(add(p)) for p in parts]
        ((atoms, count),) = terms.items()
        factors: list[Any] = [*atoms] if count == 1 else [count, *atoms]
        return Elemwise(s.mul), [size(f) for f in factors]
    ops = {FloorDiv: s.int_div, Mod: s.mod, Min: s.minimum, Max: s.maximum}
    op = ops.get(type(extent))
    return None if op is None else (Elemwise(op), [size(part) for part in extent.args])


@_rule(SizeFloat)
def _of_float(t: Any) -> Reading:
    return cast_op("float64"), [size(t.extent)]


# -- functions of elements -----------------------------------------------------------------------

_NAMES: dict[type[Any], str] = {
    a.Add: "add", a.Subtract: "sub", a.Multiply: "mul", a.Divide: "true_div",
    a.FloorDivide: "int_div", a.Remainder: "mod", a.Minimum: "minimum", a.Maximum: "maximum",
    a.Negative: "neg", a.Absolute: "abs_", a.Sign: "sgn",
    choice.Where: "switch",
    comparison.Equal: "eq", comparison.NotEqual: "neq", comparison.Less: "lt",
    comparison.LessEqual: "le", comparison.Greater: "gt", comparison.GreaterEqual: "ge",
    complex_parts.Real: "real", complex_parts.Imag: "imag", complex_parts.Conjugate: "conj",
    complex_parts.MakeComplex: "complex",
    elementary.Exp: "exp", elementary.Exp2: "exp2", elementary.Expm1: "expm1",
    elementary.Log: "log", elementary.Log2: "log2", elementary.Log10: "log10",
    elementary.Log1p: "log1p", elementary.Sigmoid: "scalar_sigmoid",
    elementary.Softplus: "scalar_softplus", elementary.Erf: "erf", elementary.Erfc: "erfc",
    logic.BitwiseAnd: "and_", logic.BitwiseOr: "or_", logic.BitwiseXor: "xor",
    logic.BitwiseInvert: "invert",
    powers.Sqrt: "sqrt", powers.Power: "pow", powers.Square: "sqr",
    rounding.Floor: "floor", rounding.Ceil: "ceil", rounding.Trunc: "trunc",
    rounding.Round: "round_half_to_even",
    rounding.RoundHalfAwayFromZero: "round_half_away_from_zero",
    special.Erfinv: "erfinv", special.Erfcinv: "erfcinv", special.Erfcx: "erfcx",
    special.Gamma: "gamma", special.LogGamma: "gammaln", special.Digamma: "psi",
    special.Trigamma: "tri_gamma", special.GammaInc: "gammainc", special.GammaIncC: "gammaincc",
    special.BesselJ0: "j0", special.BesselJ1: "j1", special.BesselI0: "i0",
    special.BesselI1: "i1", special.BesselJ: "jv", special.BesselI: "iv",
    trigonometric.Arctan2: "arctan2",
    trigonometric.Sin: "sin", trigonometric.Cos: "cos", trigonometric.Tan: "tan",
    trigonometric.Arcsin: "arcsin", trigonometric.Arccos: "arccos",
    trigonometric.Arctan: "arctan", trigonometric.Sinh: "sinh", trigonometric.Cosh: "cosh",
    trigonometric.Tanh: "tanh", trigonometric.Arcsinh: "arcsinh",
    trigonometric.Arccosh: "arccosh", trigonometric.Arctanh: "arctanh",
}  # fmt: skip


class NodeOp(ScalarOp):
    """A function of numbers that Theano has not: that of a node of agnesi.

    Attributes:
        node: one such node.
    """

    def __init__(self, node: Any) -> None:
        super().__init__(name=type(node).__name__.lower())
        self.node = node
        self.nin = len(node.operands)
        rest = tuple(arg for arg in node.args if not isinstance(arg, ag.Tensor))
        self.settings = (type(node), *rest)

    def output_types(self, types: Sequence[Any]) -> Sequence[Any]:
        """That of the node."""
        del types
        return [get_scalar_type(self.node.dtype.numpy.name)]

    def build(self, *tensors: Any) -> Any:
        """The node on other operands, which are repeated to one shape."""
        shape = broadcast_sizes([t.type.shape for t in tensors])
        if shape is None:
            raise ValueError(f"{self}: shapes do not fit")
        return with_operands(self.node, [broadcast(t, shape) for t in tensors])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeOp) and self.settings == other.settings

    def __hash__(self) -> int:
        return hash(self.settings)


def _elementwise(t: Any) -> Reading | None:
    name = _NAMES.get(type(t))
    if isinstance(t, logic.LogicalNot) and t.x.dtype.is_bool:
        name = "invert"
    if name is not None:
        op: Any = getattr(s, name)
    elif isinstance(t, choice.Cast):
        op = cast_op(t.dtype.numpy.name).scalar_op
    else:
        op = NodeOp(t)
    if op.nin >= 0 and op.nin != len(t.operands):
        return None
    return Elemwise(op), _repeated(t.operands, t.type.shape)


def _repeated(operands: Sequence[Any], shape: Any) -> list[Any]:
    """Return operands of one shape as variables, without those repetitions that types tell."""
    lean = [_lean(o) for o in operands]
    for place in range(len(lean)):
        if broadcast_sizes([o.type.shape for o in lean]) == shape:
            break
        lean[place] = operands[place]
    return [_padded(o, len(shape)) for o in lean]


def _lean(t: Any) -> Any:
    while isinstance(t, movement.BroadcastTo):
        t = t.x
    return t


def _padded(t: Any, ndim: int) -> Any:
    variable = stands_for(t)
    if t.ndim == ndim:
        return variable
    order = ["x"] * (ndim - t.ndim) + list(range(t.ndim))
    return DimShuffle(variable.type.broadcastable, order)(variable)


# -- axes ----------------------------------------------------------------------------------------


@_rule(movement.Transpose, movement.ExpandDims, movement.Squeeze)
def _moved(t: Any) -> Reading:
    if isinstance(t, movement.Squeeze) and isinstance(t.x, slicing.Slice):
        items = _key(t.x, t.x.x.type.shape, t.x.extents, t.axes)
        if items:
            return Subtensor(items), [stands_for(t.x.x), *_numbers(items)]
    order = _order(t)
    base = stands_for(t.x)
    return DimShuffle(base.type.broadcastable, order), [base]


def _order(t: Any) -> list[Any]:
    if isinstance(t, movement.Transpose):
        return list(t.order)
    if isinstance(t, movement.Squeeze):
        return [k for k in range(t.x.ndim) if k not in t.axes]
    rest = iter(range(t.x.ndim))
    return ["x" if k in t.axes else next(rest) for k in range(t.ndim)]


@_rule(movement.BroadcastTo)
def _allocated(t: Any) -> Reading:
    return native_ops.Alloc(), [stands_for(_lean(t)), *map(size, t.type.shape)]


@_rule(movement.Reshape)
def _reshaped(t: Any) -> Reading:
    return native_ops.Reshape(t.ndim), [stands_for(t.x), shapes.make_vector(_all(t.type.shape))]


def _all(shape: Any) -> Any:
    return [size(each) for each in shape]


@_rule(Concatenate)
def _joined(t: Any) -> Reading:
    elements = shapes.element_tensors(t) if t.ndim == 1 else None
    if elements is not None:
        return shapes.MakeVector(t.dtype.numpy.name), [stands_for(e) for e in elements]
    return native_ops.Join(), [constant(t.axis), *map(stands_for, t.parts)]


# -- products and reductions ---------------------------------------------------------------------


@_rule(linear.MatMul)
def _product(t: Any) -> Reading | None:
    if t.x.ndim != 2 or t.y.ndim != 2:
        return None
    return native_ops.Dot(), [stands_for(t.x), stands_for(t.y)]


_REDUCTIONS: dict[type[Any], Any] = {
    reductions.Max: lambda axes, _: CAReduce(s.maximum, axes),
    reductions.Min: lambda axes, _: CAReduce(s.minimum, axes),
    reductions.MaxOfAll: lambda axes, _: CAReduce(s.maximum, axes),
    reductions.MinOfAll: lambda axes, _: CAReduce(s.minimum, axes),
    reductions.Any_: lambda axes, _: Any_(axes),
    reductions.All: lambda axes, _: All(axes),
}


@_rule(*_REDUCTIONS)
def _reduced(t: Any) -> Reading | None:
    if isinstance(t, reductions.Any_ | reductions.All) and not t.x.dtype.is_bool:
        return None
    return _REDUCTIONS[type(t)](t.axes, None), [stands_for(t.x)]


@_rule(reductions.Sum, reductions.Prod)
def _totalled(t: Any) -> Reading:
    kind = Sum if isinstance(t, reductions.Sum) else Prod
    base = stands_for(t.x)
    return kind(t.axes, t.dtype.numpy.name).resolved(base.type.dtype), [base]


@_rule(reductions.ArgMax)
def _place_of_largest(t: Any) -> Reading | None:
    if t.dtype.numpy.name != "int64":
        return None
    return native_ops.Argmax((t.axis,)), [stands_for(t.x)]


# -- parts ---------------------------------------------------------------------------------------


def _key(t: Any, whole: Any, counts: Any, single: Sequence[int] = ()) -> list[Any]:
    """Return what stands in brackets: elements ``start + step*k`` for ``k < count``.

    Args:
        t: the node, with starts and steps.
        whole: sizes of what is read.
        counts: how many elements.
        single: axes of one element, which is an index.
    """
    items: list[Any] = []
    rows = zip(t.starts, t.steps, counts, whole, strict=True)
    for axis, (start, step, count, extent) in enumerate(rows):
        if axis in single:
            items.append(_bound(start))
            continue
        if start == 0 and step == 1 and count is extent:
            items.append(slice(None))
            continue
        if step == 1 and count is maximum(sub(extent, start), 0):
            items.append(slice(_bound(start), None))
            continue
        end = add(start, times(count, step))
        if step > 0:
            items.append(slice(_bound(start), _bound(end), None if step == 1 else step))
        elif isinstance(start, int) and isinstance(count, int) and start + step * count < 0:
            items.append(slice(start, None, step))
        elif step == -1 and count is add(start, 1):
            items.append(slice(_bound(start), None, step))
        else:
            return []
    while items and items[-1] == slice(None):
        items.pop()
    return list(make_constant(items))


def _bound(extent: Any) -> Any:
    return extent if isinstance(extent, int) else size(extent)


def _numbers(items: Sequence[Any]) -> list[Any]:
    found = Subtensor.collapse(items, lambda entry: hasattr(entry, "type"))
    return [Subtensor.my_as_scalar(v) for v in found]


@_rule(slicing.Slice)
def _sliced(t: Any) -> Reading | None:
    items = _key(t, t.x.type.shape, t.extents)
    return (Subtensor(items), [stands_for(t.x), *_numbers(items)]) if items else None


@_rule(movement.Flip)
def _flipped(t: Any) -> Reading:
    items = [slice(None, None, -1) if k in t.axes else slice(None) for k in range(max(t.axes) + 1)]
    known = make_constant(items)
    return Subtensor(known), [stands_for(t.x), *_numbers(known)]


@_rule(slicing.Place)
def _placed(t: Any) -> Reading | None:
    single = t.x.axes if isinstance(t.x, movement.ExpandDims) else ()
    items = _key(t, t.target, t.x.type.shape, single)
    if not items:
        return None
    part = t.x.x if single else t.x
    zeros = native_ops.Alloc()(constant(0, dtype=t.dtype.numpy.name), *_all(t.target))
    return IncSubtensor(items), [zeros, stands_for(part), *_numbers(items)]


@_rule(slicing.Replace)
def _replaced(t: Any) -> Reading | None:
    single = t.y.axes if isinstance(t.y, movement.ExpandDims) else ()
    items = _key(t, t.x.type.shape, t.y.type.shape, single)
    if not items:
        return None
    part = t.y.x if single else t.y
    op = IncSubtensor(items, set_instead_of_inc=True)
    return op, [stands_for(t.x), stands_for(part), *_numbers(items)]


def _brackets(t: Any) -> list[Any] | None:
    """Return what stands in brackets for a gather or scatter; None where NumPy means another."""
    axes = t.axes
    if list(axes) != list(range(axes[0], axes[0] + len(axes))) or t.place != axes[0]:
        return None
    given = dict(zip(axes, (stands_for(_unchecked(i)) for i in t.indices), strict=True))
    return [given.get(k, slice(None)) for k in range(axes[-1] + 1)]


def _unchecked(index: Any) -> Any:
    """Return an index as a program gave it: reading checks it again."""
    while isinstance(index, WithinBounds):
        index = index.x
    return index


@_rule(Gather)
def _gathered(t: Any) -> Reading | None:
    items = _brackets(t)
    if items is None:
        return None
    if len(items) == 1 and items[0].type.ndim == 1:
        return AdvancedSubtensor1(), [stands_for(t.x), items[0]]
    return AdvancedSubtensor(), [stands_for(t.x), *map(as_index_variable, items)]


@_rule(Scatter)
def _scattered(t: Any) -> Reading | None:
    items = _brackets(t)
    if items is None or t.how not in ("add", "set", "set_once"):
        return None
    given, sets = [stands_for(t.x), stands_for(t.y)], t.how != "add"
    if len(items) == 1 and items[0].type.ndim == 1:
        return AdvancedIncSubtensor1(set_instead_of_inc=sets), [*given, items[0]]
    op = AdvancedIncSubtensor(set_instead_of_inc=sets)
    return op, [*given, *map(as_index_variable, items)]


# -- others --------------------------------------------------------------------------------------

_MARKERS: dict[type[Any], Any] = {
    gradients.StopGradient: lambda t: gradient.consider_constant_,
    gradients.DisconnectGradient: lambda t: gradient.disconnected_grad_,
    gradients.UndefinedGradient: lambda t: gradient.undefined_grad_,
    gradients.ScaleGradient: lambda t: gradient.GradScale(t.factor),
    gradients.ClipGradient: lambda t: gradient.GradClip(t.low, t.high),
}


@_rule(*_MARKERS)
def _marked(t: Any) -> Reading:
    return _MARKERS[type(t)](t), [stands_for(t.x)]


class AgnesiOp(NativeOp):
    """A node of agnesi that Theano has no op for.

    Attributes:
        node: one such node.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        self.name = type(node).__name__

    def build(self, *tensors: Any) -> Any:
        """The node on other operands, whose sizes it names."""
        return self._on(tensors)

    def _on(self, tensors: Sequence[Any]) -> Any:
        made = with_operands(self.node, tensors)
        sizes = new_sizes(self.node.operands, tensors)
        return rebuild([made], {t: t for t in tensors}, sizes)[0] if sizes else made

    def _settings(self) -> tuple[Any, ...]:
        return type(self.node), without_tensors(self.node.args)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AgnesiOp) and self._settings() == other._settings()

    def __hash__(self) -> int:
        return hash(self._settings())

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


class LoopOp(AgnesiOp):
    """A loop or a branch of agnesi, with several results."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        self.nout = len(node.part_types)

    def build(self, *tensors: Any) -> Any:
        """The results of the loop on other operands."""
        parts = list(self._on(tensors).parts())
        return parts if self.nout > 1 else parts[0]


def _several(op: Any, inputs: list[Any], outputs: list[Any]) -> Apply:
    node = Apply.__new__(Apply)
    node.op, node.tag, node.inputs, node.outputs = op, scratchpad(), inputs, outputs
    node.built = True  # type: ignore[attr-defined]
    for index, output in enumerate(outputs):
        output._owner, output.index = node, index
    return node


def owner_of(variable: Any) -> Apply | None:
    """Return the application that a variable's tensor is, for variables that no program made."""
    t = variable.tensor
    if isinstance(t, ConstantTensor):
        return None
    if isinstance(t, Part):
        made = [variable if p is t else stands_for(p) for p in t.of.parts()]
        outputs = [v if v._owner is None else native_ops.of_type(v.type, v.tensor) for v in made]
        return _several(LoopOp(t.of), [stands_for(o) for o in t.of.operands], outputs)
    if isinstance(t, Performed):
        before = t.call_.node.outputs
        outputs = [
            variable if k == t.number else native_ops.of_type(v.type, gradient._sibling(t, k, v))
            for k, v in enumerate(before)
        ]
        return _several(t.call_.op, [stands_for(x) for x in t.xs], outputs)
    rule = _RULES.get(type(t))
    if rule is None and isinstance(t, Elementwise):
        rule = _elementwise
    reading = None if rule is None else rule(t)
    if reading is None:
        if not t.operands:
            return None
        reading = AgnesiOp(t), [stands_for(o) for o in t.operands]
    op, inputs = reading
    return _several(op, inputs, [variable])


_derivers.append(owner_of)

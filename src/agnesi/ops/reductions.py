"""Reductions: elements along axes combined into one."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, F64, I64, INEXACT, U64, DType, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.dims.simplify import at_least
from agnesi.graph.tensor import Array, Axes, Requirement, Sizes, Tensor, TensorLike, scalar_of
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Scalar, literal
from agnesi.loops.prims import Prim
from agnesi.ops.choice import where
from agnesi.ops.creation import Arange
from agnesi.ops.families import ANY, Composite, Domain, Op, Reduction, Reject, Sample, without_axes
from agnesi.ops.functions import as_bool, reducer, spread_back
from agnesi.ops.lift import as_axes, as_tensor, operand_lines
from agnesi.ops.movement import reshape, restore_axes, transpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size

__all__ = ["all", "any", "argmax", "argmin", "max", "mean", "min", "prod", "sum"]

_SAMPLES = (
    Sample(((3, 4),)),
    Sample(((3, 4),), (0,)),
    Sample(((2, 3, 4),), ((0, 2),)),
    Sample(((2, 3, 4),), (1,), {"keepdims": True}),
    Sample(((5,),), (-1,)),
    Sample(((2, 3),), ((),)),
    Sample(((),)),
    Sample(((1, 1),), (0,)),
)
_LONG = (Sample(((301, 7),), (0,)), Sample(((2, 1511),), (1,)))
_EMPTY = (Sample(((0, 3),), (0,)), Sample(((3, 0),), (1,)), Sample(((0,),)))
_REJECTS = (
    Reject(("f32[2, 3]",), "no axis 2", (2,)),
    Reject(("f32[2, 3]",), "twice", ((0, 0),)),
)
_TRUTH = Domain(-0.4, 1.4)


class Sum(Reduction):
    """Sum over axes; bool and small integers are summed as 64-bit integers, as NumPy does.

    >>> ag.sum(ag.constant([[1, 2], [3, 4]]), axis=0).eval()
    array([4, 6])
    """

    public = "sum"
    linear = True
    dtypes = ALL
    combine = Prim.ADD
    reference = np.sum
    samples = (*_SAMPLES, *_LONG, *_EMPTY)
    rejects = _REJECTS

    def unit(self) -> Scalar:
        """0."""
        return literal(0, self.dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent for every element."""
        return (spread_back(self, ct),)


class Prod(Reduction):
    """Product over axes; bool and small integers are multiplied as 64-bit integers."""

    public = "prod"
    dtypes = ALL
    combine = Prim.MUL
    reference = np.prod
    domain = (Domain(special=(0.0,)),)
    samples = (*_SAMPLES, *_EMPTY)
    rejects = _REJECTS
    tolerance = 16.0

    def unit(self) -> Scalar:
        """1."""
        return literal(1, self.dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The product of the others."""
        return (spread_back(self, ct) * ProdOthers(self.x, self.axes),)


def _prod_others(x: Array, axes: tuple[int, ...]) -> Array:
    result = np.empty_like(x)
    for index in np.ndindex(x.shape):
        line = tuple(slice(None) if k in axes else i for k, i in enumerate(index))
        others = x.copy()
        others[index] = 1
        result[index] = others[line].prod()
    return result


class ProdOthers(Composite):
    """For each element the product of the others along the axes, in linear time.

    The derivative of a product.  Written as ``prod(x) / x`` it would be wrong where an element is
    0, and written with a case for that it would have a wrong derivative of its own there.
    """

    x: Tensor
    axes: tuple[int, ...]

    public = "prod_others"
    reference = staticmethod(_prod_others)
    dtypes = INEXACT
    domain = (Domain(special=(0.0,)),)
    samples = (
        Sample(((4,),), ((0,),)),
        Sample(((3, 4),), ((1,),)),
        Sample(((2, 2, 3),), ((0, 2),)),
    )
    tolerance = 16.0

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def decompose(self) -> Tensor:
        """The product of all by the element; with zeros around, 0 or the product of the rest."""
        zero = self.x == 0
        rest = where(zero, 1, self.x)
        every = prod(rest, self.axes, keepdims=True)
        zeros = sum(zero, self.axes, keepdims=True)
        return where(zero, where(zeros == 1, every, 0), where(zeros == 0, every / rest, 0))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``sum over i of ct[i] * (product of all but i and j)``, from all but i in a row each."""
        kept = tuple(k for k in range(self.ndim) if k not in self.axes)
        order = kept + self.axes
        inverse = tuple(order.index(k) for k in range(self.ndim))
        moved = transpose(self.x, order)
        lines = (*moved.shape[: len(kept)], -1)
        line = reshape(moved, lines)
        weights = reshape(transpose(ct, order), lines)
        n, last = line.type.shape[-1], len(kept)
        same = Arange((n, n), 0) == Arange((n, n), 1)
        others = ProdOthers(where(same, 1, restore_axes(line, (last,))), (last + 1,))
        terms = where(same, 0, others) * restore_axes(weights, (last + 1,))
        return (transpose(reshape(terms.sum(last), moved.shape), inverse),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Element by element."""
        return _prod_others(operands[0], self.axes)


class Extreme(Reduction):
    """What maximum and minimum share."""

    samples = _SAMPLES
    rejects = (*_REJECTS, Reject(("f32[0]",), "no elements"))
    domain = (ANY,)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the elements that are extreme, in equal shares."""
        chosen = self.x == spread_back(self, self)
        count = sum(chosen.astype(self.dtype), self.axes)
        return (where(chosen, spread_back(self, ct / count), 0),)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The mean of the tangents of the elements that are extreme; 0 if there are none."""
        (tangent,) = tangents
        if tangent is None:
            return None
        chosen = self.x == spread_back(self, self)
        count = sum(chosen.astype(self.dtype), self.axes)
        return sum(where(chosen, tangent, 0), self.axes) / where(count == 0, 1, count)

    def requirements(self) -> tuple[Requirement, ...]:
        """At least one element to choose from."""
        return needs_elements(self.x, self.axes)


def _top(x: Array, axis: tuple[int, ...]) -> Array:
    least = -np.inf if x.dtype.kind == "f" else lowest(as_dtype(x.dtype))
    return np.asarray(np.max(x, axis=axis, initial=least))


class Max(Extreme):
    """Largest element over axes; NaN if there is one."""

    public = "max"
    combine = Prim.MAX
    reference = np.max

    def unit(self) -> Scalar:
        """The least value of the dtype."""
        return literal(lowest(self.dtype), self.dtype)


class Min(Extreme):
    """Smallest element over axes; NaN if there is one."""

    public = "min"
    combine = Prim.MIN
    reference = np.min

    def unit(self) -> Scalar:
        """The greatest value of the dtype."""
        return literal(highest(self.dtype), self.dtype)


class Top(Extreme):
    """Largest element over axes, or the least value of the dtype where there are no elements."""

    public = "top"
    combine = Prim.MAX
    reference = staticmethod(_top)
    samples = (Sample(((3, 4),), ((1,),)), Sample(((3, 0),), ((1,),)), Sample(((2, 3),), ((0, 1),)))
    rejects = ()

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def unit(self) -> Scalar:
        """The least value of the dtype."""
        return literal(lowest(self.dtype), self.dtype)

    def requirements(self) -> tuple[Requirement, ...]:
        """None."""
        return ()


def lowest(dtype: DType) -> bool | int | float:
    """Return the least value of a dtype."""
    if dtype is BOOL:
        return False
    return -math.inf if dtype.is_float else int(np.iinfo(dtype.numpy).min)


def highest(dtype: DType) -> bool | int | float:
    """Return the greatest value of a dtype."""
    if dtype is BOOL:
        return True
    return math.inf if dtype.is_float else int(np.iinfo(dtype.numpy).max)


def needs_elements(x: Tensor, axes: tuple[int, ...]) -> tuple[Requirement, ...]:
    """Return the requirement that these axes hold at least one element."""
    count = product(x.type.shape[k] for k in axes)
    if at_least(count, 1):
        return ()
    return (Requirement("at_most", 1, count, f"elements to choose from in {x.type}, axes {axes}"),)


class Any_(Reduction):
    """Whether any element is true, over axes."""

    public = "any"
    combine = Prim.OR
    reference = np.any
    differentiable = False
    samples = (*_SAMPLES, *_EMPTY)
    rejects = _REJECTS
    domain = (_TRUTH,)

    def unit(self) -> Scalar:
        """False."""
        return literal(False, BOOL)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class All(Reduction):
    """Whether all elements are true, over axes."""

    public = "all"
    combine = Prim.AND
    reference = np.all
    differentiable = False
    samples = (*_SAMPLES, *_EMPTY)
    rejects = _REJECTS
    domain = (_TRUTH,)

    def unit(self) -> Scalar:
        """True."""
        return literal(True, BOOL)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class ArgExtreme(Op):
    """Position of the first extreme element along one axis; the first NaN if there is one.

    Attributes:
        better: the comparison by which an element replaces the one chosen so far.
    """

    x: Tensor
    axis: int

    differentiable = False
    undefined = MappingProxyType({"x": "it is a position, and jumps from one to the other"})
    samples = (
        Sample(((3, 4),)),
        Sample(((3, 4),), (0,)),
        Sample(((2, 3, 4),), (-1,), {"keepdims": True}),
        Sample(((2, 3, 4),), (1,)),
        Sample(((7,),), (0,)),
        Sample(((0, 3),), (1,)),
        Sample(((3, 4),), (), {"keepdims": True}),
        Sample(((),)),
    )
    rejects = (*_REJECTS[:1], Reject(("f32[0]",), "no elements"))
    domain = (ANY,)
    better: ClassVar[Prim]

    def infer(self) -> TensorType:
        """i64 without the axis."""
        return TensorType(I64, without_axes(self.x.type.shape, (self.axis,)))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's own."""
        return np.asarray(type(self).reference(operands[0], axis=self.axis), dtype=np.int64)

    def requirements(self) -> tuple[Requirement, ...]:
        """At least one element to choose from."""
        return needs_elements(self.x, (self.axis,))

    def index_limit(self) -> Size | None:
        """The size of the axis."""
        return self.x.type.shape[self.axis]


class ArgMax(ArgExtreme):
    """Position of the first largest element."""

    public = "argmax"
    better = Prim.GT
    reference = np.argmax


class ArgMin(ArgExtreme):
    """Position of the first smallest element."""

    public = "argmin"
    better = Prim.LT
    reference = np.argmin


def _arg(op: type[ArgExtreme], x: TensorLike, axis: Axes, keepdims: bool) -> Tensor:
    tensor = as_tensor(x)
    axes = as_axes(op.public, axis, tensor.ndim, tensor)
    _some_elements(op.public, tensor, axes)
    kept = tuple(k for k in range(tensor.ndim) if k not in axes)
    if len(axes) == 1:
        result = op(tensor, axes[0])
    else:
        moved = transpose(tensor, kept + axes)
        count = scalar_of(product(tensor.type.shape[k] for k in axes))
        result = op(reshape(moved, (*moved.shape[: len(kept)], count)), len(kept))
    return restore_axes(result, axes) if keepdims else result


def argmax(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the position of the first largest element, as ``numpy.argmax``.

    Args:
        x: array of any dtype.
        axis: one axis; None (or several) counts through those axes in C order.
        keepdims: keep the axes with size 1.

    Raises:
        GraphTypeError: no such axis, or it is known to be empty.

    >>> ag.argmax(ag.constant([[1, 5, 2], [7, 0, 7]]), axis=1).eval()
    array([1, 0])
    """
    return _arg(ArgMax, x, axis, keepdims)


def argmin(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the position of the first smallest element, as ``numpy.argmin``.

    Args and errors are those of :func:`argmax`.
    """
    return _arg(ArgMin, x, axis, keepdims)


def _some_elements(op: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if product(x.type.shape[k] for k in axes) == 0:
        raise GraphTypeError(
            f"{op}: there are no elements to choose from along axes {axes}\n"
            f"{operand_lines(('x',), (x,))}"
        )


def _summable(x: Tensor) -> Tensor:
    if x.dtype.is_inexact:
        return x
    return x.astype(U64 if x.dtype.is_unsigned else I64)


def _same(x: Tensor) -> Tensor:
    return x


sum = reducer(Sum, _summable)
prod = reducer(Prod, _summable)
max = reducer(Max, _same, _some_elements)
min = reducer(Min, _same, _some_elements)
any = reducer(Any_, as_bool)
all = reducer(All, as_bool)


def mean(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the arithmetic mean over axes; integers are averaged as float64, as NumPy does.

    Args:
        x: array.
        axis: axis or axes; all by default.
        keepdims: keep the axes with size 1.

    >>> ag.mean(ag.constant([1.0, 2.0, 6.0])).eval()
    array(3., dtype=float32)
    """
    tensor = as_tensor(x)
    kind = tensor.dtype if tensor.dtype.is_inexact else F64
    # A sum of halves may be larger than they hold.
    tensor = tensor.astype(kind.arithmetic)
    axes = as_axes("mean", axis, tensor.ndim, tensor)
    count = scalar_of(product(tensor.type.shape[k] for k in axes))
    return (sum(tensor, axis, keepdims=keepdims) / count).astype(kind)


OPS: tuple[type[Op], ...] = (Sum, Prod, ProdOthers, Max, Min, Top, Any_, All, ArgMax, ArgMin)

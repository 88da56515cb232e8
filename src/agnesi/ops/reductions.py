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
from agnesi.ops.arithmetic import maximum, minimum
from agnesi.ops.choice import where as where_
from agnesi.ops.creation import Arange
from agnesi.ops.families import ANY, Composite, Domain, Op, Reduction, Reject, Sample, without_axes
from agnesi.ops.functions import as_bool, spread_back
from agnesi.ops.lift import as_axes, as_tensor, cast, common_dtype, lift, operand_lines
from agnesi.ops.movement import repeat, reshape, restore_axes, transpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.dims.dim import Size
    from agnesi.ops.lift import Number

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "max",
    "max_and_argmax",
    "mean",
    "min",
    "prod",
    "ptp",
    "sum",
]

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
        rest = where_(zero, 1, self.x)
        every = prod(rest, self.axes, keepdims=True)
        zeros = sum(zero, self.axes, keepdims=True)
        return where_(zero, where_(zeros == 1, every, 0), where_(zeros == 0, every / rest, 0))

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
        others = ProdOthers(where_(same, 1, restore_axes(line, (last,))), (last + 1,))
        terms = where_(same, 0, others) * restore_axes(weights, (last + 1,))
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
        return (where_(chosen, spread_back(self, ct / count), 0),)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The mean of the tangents of the elements that are extreme; 0 if there are none."""
        (tangent,) = tangents
        if tangent is None:
            return None
        chosen = self.x == spread_back(self, self)
        count = sum(chosen.astype(self.dtype), self.axes)
        return sum(where_(chosen, tangent, 0), self.axes) / where_(count == 0, 1, count)

    def requirements(self) -> tuple[Requirement, ...]:
        """At least one element to choose from."""
        return needs_elements(self.x, self.axes)


def _top(x: Array, axis: tuple[int, ...]) -> Array:
    least = -np.inf if x.dtype.kind == "f" else lowest(as_dtype(x.dtype))
    return np.asarray(np.max(x, axis=axis, initial=least))


def _bottom(x: Array, axis: tuple[int, ...]) -> Array:
    greatest = np.inf if x.dtype.kind == "f" else highest(as_dtype(x.dtype))
    return np.asarray(np.min(x, axis=axis, initial=greatest))


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


class ExtremeOfAll(Composite):
    """An extreme whose gradient goes whole to each element that is extreme, not in shares."""

    x: Tensor
    axes: tuple[int, ...]

    extreme: ClassVar[type[Extreme]]

    domain = (ANY,)
    samples = (
        Sample(((3, 4),), ((1,),)),
        Sample(((2, 3, 4),), ((0, 2),)),
        Sample(((5,),), ((0,),)),
    )

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def infer(self) -> TensorType:
        """The axes disappear."""
        return TensorType(self.x.dtype, without_axes(self.x.type.shape, self.axes))

    def decompose(self) -> Tensor:
        """The extreme."""
        return type(self).extreme(self.x, self.axes)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The whole of it to each element that is extreme."""
        chosen = self.x == restore_axes(self, self.axes)
        return (where_(chosen, restore_axes(ct, self.axes), 0),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """Call the NumPy reference."""
        return np.asarray(type(self).reference(operands[0], axis=self.axes))


class MaxOfAll(ExtremeOfAll):
    """Largest element over axes, whose gradient goes whole to each element as large."""

    public = "max_of_all"
    extreme = Max
    reference = np.max


class MinOfAll(ExtremeOfAll):
    """Smallest element over axes, whose gradient goes whole to each element as small."""

    public = "min_of_all"
    extreme = Min
    reference = np.min


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


class Bottom(Extreme):
    """Smallest element over axes, or the greatest value of the dtype where there are none."""

    public = "bottom"
    combine = Prim.MIN
    reference = staticmethod(_bottom)
    samples = Top.samples
    rejects = ()

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Make the node; it has no public function."""
        return cls(*operands)

    def unit(self) -> Scalar:
        """The greatest value of the dtype."""
        return literal(highest(self.dtype), self.dtype)

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


def max_and_argmax(
    x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the largest element and its position: :func:`max` and :func:`argmax`.

    Raises:
        GraphTypeError: no such axis, or it is known to be empty.

    >>> top, place = ag.max_and_argmax(ag.constant([3, 9, 4]))
    >>> top.eval(), place.eval()
    (array(9), array(1))
    """
    return max(x, axis, keepdims=keepdims), argmax(x, axis, keepdims=keepdims)


def _some_elements(op: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if product(x.type.shape[k] for k in axes) == 0:
        raise GraphTypeError(
            f"{op}: there are no elements to choose from along axes {axes}\n"
            f"{operand_lines(('x',), (x,))}"
        )


def to_summed(x: TensorLike, dtype: Any = None) -> Tensor:
    """Return ``x`` in the dtype it is summed in: the one asked for, else as NumPy chooses."""
    tensor = as_tensor(x)
    if dtype is not None:
        return tensor.astype(dtype)
    if tensor.dtype.is_inexact:
        return tensor
    return tensor.astype(U64 if tensor.dtype.is_unsigned else I64)


def to_averaged(op: str, x: TensorLike, dtype: Any = None) -> Tensor:
    """Return ``x`` in the dtype it is averaged in: the one asked for, float64 for integers.

    Raises:
        GraphTypeError: the dtype asked for is not one of floats.
    """
    tensor = as_tensor(x)
    if dtype is None:
        return tensor if tensor.dtype.is_inexact else tensor.astype(F64)
    if not as_dtype(dtype).is_inexact:
        raise GraphTypeError(
            f"{op}: an average is a float, but dtype={as_dtype(dtype)}\n"
            f"{operand_lines(('x',), (tensor,))}\n  convert the result with .astype(...)"
        )
    return tensor.astype(dtype)


def as_mask(op: str, mask: TensorLike, x: Tensor) -> Tensor | None:
    """Return which elements of ``x`` count, a bool of its shape; None for all.

    Raises:
        GraphTypeError: the mask does not broadcast to the shape of ``x``.
    """
    return None if mask is True else repeat(f"{op}: where", as_bool(mask), x.type.shape)


def masked(x: Tensor, mask: Tensor | None, fill: Number) -> Tensor:
    """Return ``x`` with a number where the mask does not hold."""
    return x if mask is None else where_(mask, x, fill)


def as_initial(op: str, value: TensorLike, dtype: DType) -> Tensor:
    """Return the value that a reduction starts from, a scalar of the result's dtype.

    Raises:
        GraphTypeError: it is not a scalar, or a float for integers.
    """
    lifted = lift(value)
    kind = common_dtype([lifted])
    if (isinstance(lifted, Tensor) and lifted.ndim) or (kind.is_float and not dtype.is_float):
        raise GraphTypeError(
            f"{op}: initial= is a scalar that {dtype} holds\n"
            f"{operand_lines(('initial',), (lifted,))}"
        )
    return cast(lifted, dtype)


def reduced(op: type[Reduction], name: str, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """Return a reduction of ``x`` over axes, for the public function of this name."""
    axes = as_axes(name, axis, x.ndim, x)
    result: Tensor = op(x, axes) if axes else x
    return restore_axes(result, axes) if keepdims else result


def count_of(x: Tensor, axes: tuple[int, ...]) -> int | Tensor:
    """Return the number of elements along axes."""
    return scalar_of(product(x.type.shape[k] for k in axes))


def sum(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the sum over axes, as ``numpy.sum``.

    Sums of floats are added up in blocks, in a wider type: they are at least as accurate as
    pairwise summation, whatever the axes.

    Args:
        x: array; bool and small integers are summed as 64-bit integers.
        axis: axis or axes; all by default.
        dtype: to convert the elements to first.
        keepdims: keep the axes with size 1.
        initial: scalar that is added.
        where: which elements count; it broadcasts to the shape of ``x``.

    Raises:
        GraphTypeError: no such axis, or an axis is named twice.

    >>> ag.sum(ag.constant([[1, 2], [3, 4]]), axis=0).eval()
    array([4, 6])
    >>> ag.sum(ag.constant([1.0, 2.0]), initial=10, where=[True, False]).eval()
    array(11., dtype=float32)
    """
    tensor = to_summed(x, dtype)
    tensor = masked(tensor, as_mask("sum", where, tensor), 0)
    if tensor.dtype is BOOL:
        # In bool, 1 + 1 is 1, as NumPy has it.
        return any(tensor if initial is None else tensor | initial, axis, keepdims=keepdims)
    result = reduced(Sum, "sum", tensor, axis, keepdims)
    return result if initial is None else result + as_initial("sum", initial, tensor.dtype)


def prod(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the product over axes, as ``numpy.prod``; its gradient is exact where there are zeros.

    Arguments and errors are those of :func:`sum`; ``initial`` is multiplied in.

    >>> ag.prod(ag.constant([[1, 2], [3, 4]]), axis=1).eval()
    array([ 2, 12])
    """
    tensor = to_summed(x, dtype)
    tensor = masked(tensor, as_mask("prod", where, tensor), 1)
    if tensor.dtype is BOOL:
        return all(tensor if initial is None else tensor & initial, axis, keepdims=keepdims)
    result = reduced(Prod, "prod", tensor, axis, keepdims)
    return result if initial is None else result * as_initial("prod", initial, tensor.dtype)


def max(
    x: TensorLike,
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the largest element over axes, as ``numpy.max``; NaN if there is one.

    The gradient goes to the largest elements, in equal shares where there are several.

    Args:
        x: array.
        axis: axis or axes; all by default.
        keepdims: keep the axes with size 1.
        initial: the result is at least this, also where there are no elements.
        where: which elements count; needs ``initial``.

    Raises:
        GraphTypeError: no such axis, no elements and no ``initial``, or ``where`` without it.

    >>> ag.max(ag.constant([[1, 5], [4, 2]]), axis=1).eval()
    array([5, 4])
    """
    tensor = as_tensor(x)
    if initial is None:
        return _extreme(Max, tensor, axis, keepdims, where)
    least = masked(tensor, as_mask("max", where, tensor), lowest(tensor.dtype))
    result = reduced(Top, "max", least, axis, keepdims)
    return maximum(result, as_initial("max", initial, tensor.dtype))


def min(
    x: TensorLike,
    /,
    axis: Axes = None,
    *,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """Return the smallest element over axes, as ``numpy.min``; NaN if there is one.

    Arguments, errors and gradient are as those of :func:`max`.

    >>> ag.min(ag.constant([[1, 5], [4, 2]]), axis=1).eval()
    array([1, 2])
    """
    tensor = as_tensor(x)
    if initial is None:
        return _extreme(Min, tensor, axis, keepdims, where)
    greatest = masked(tensor, as_mask("min", where, tensor), highest(tensor.dtype))
    result = reduced(Bottom, "min", greatest, axis, keepdims)
    return minimum(result, as_initial("min", initial, tensor.dtype))


def _extreme(op: type[Extreme], x: Tensor, axis: Axes, keepdims: bool, mask: TensorLike) -> Tensor:
    name = op.public
    if mask is not True:
        raise GraphTypeError(
            f"{name}: where= needs initial=, the result where no element counts\n"
            f"{operand_lines(('x',), (x,))}"
        )
    _some_elements(name, x, as_axes(name, axis, x.ndim, x))
    return reduced(op, name, x, axis, keepdims)


amax, amin = max, min


def ptp(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return the largest less the smallest element over axes, as ``numpy.ptp``.

    Raises:
        GraphTypeError: no such axis, or it is known to be empty.

    >>> ag.ptp(ag.constant([3, 9, 4])).eval()
    array(6)
    """
    tensor = as_tensor(x)
    return max(tensor, axis, keepdims=keepdims) - min(tensor, axis, keepdims=keepdims)


def any(
    x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False, where: TensorLike = True
) -> Tensor:
    """Return whether any element is true, over axes, as ``numpy.any``; no gradient.

    Args:
        x: array; numbers count as true where they are not 0.
        axis: axis or axes; all by default.
        keepdims: keep the axes with size 1.
        where: which elements count.

    >>> ag.any(ag.constant([[0, 2], [0, 0]]), axis=1).eval()
    array([ True, False])
    """
    tensor = as_bool(x)
    tensor = masked(tensor, as_mask("any", where, tensor), False)
    return reduced(Any_, "any", tensor, axis, keepdims)


def all(
    x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False, where: TensorLike = True
) -> Tensor:
    """Return whether all elements are true, over axes, as ``numpy.all``; arguments as ``any``'s.

    >>> ag.all(ag.constant([[1, 2], [0, 3]]), axis=1).eval()
    array([ True, False])
    """
    tensor = as_bool(x)
    tensor = masked(tensor, as_mask("all", where, tensor), True)
    return reduced(All, "all", tensor, axis, keepdims)


def count_nonzero(x: TensorLike, /, axis: Axes = None, *, keepdims: bool = False) -> Tensor:
    """Return how many elements are not 0, over axes, as ``numpy.count_nonzero``.

    >>> ag.count_nonzero(ag.constant([[0, 2], [3, 3]]), axis=1).eval()
    array([1, 2])
    """
    return sum(as_bool(x), axis, keepdims=keepdims)


def mean(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    where: TensorLike = True,
) -> Tensor:
    """Return the arithmetic mean over axes, as ``numpy.mean``; NaN where there are no elements.

    Args:
        x: array; integers are averaged as float64.
        axis: axis or axes; all by default.
        dtype: of floats, to convert the elements to first.
        keepdims: keep the axes with size 1.
        where: which elements count; it broadcasts to the shape of ``x``.

    Raises:
        GraphTypeError: no such axis, or a dtype that is not one of floats.

    >>> ag.mean(ag.constant([1.0, 2.0, 6.0])).eval()
    array(3., dtype=float32)
    """
    tensor = to_averaged("mean", x, dtype)
    kind = tensor.dtype
    # A sum of halves may be larger than they hold.
    tensor = tensor.astype(kind.arithmetic)
    mask = as_mask("mean", where, tensor)
    total = reduced(Sum, "mean", masked(tensor, mask, 0), axis, keepdims)
    if mask is None:
        count = count_of(tensor, as_axes("mean", axis, tensor.ndim, tensor))
    else:
        count = sum(mask, axis, keepdims=keepdims).astype(tensor.dtype)
    return (total / count).astype(kind)


OPS: tuple[type[Op], ...] = (
    Sum,
    Prod,
    ProdOthers,
    Max,
    Min,
    Top,
    Bottom,
    MaxOfAll,
    MinOfAll,
    Any_,
    All,
    ArgMax,
    ArgMin,
)

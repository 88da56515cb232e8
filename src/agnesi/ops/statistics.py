"""Variance, weighted averages, covariance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import F32, F64, FLOATS, as_dtype, promote
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import product
from agnesi.graph.tensor import SizeValue, Tensor, TensorLike
from agnesi.graph.types import TensorType
from agnesi.ops.arithmetic import clip, maximum
from agnesi.ops.choice import where as where_
from agnesi.ops.complex_parts import conj, imag, real
from agnesi.ops.creation import Arange
from agnesi.ops.families import Composite, Op, Reject, Sample, without_axes
from agnesi.ops.joining import concatenate
from agnesi.ops.lift import as_axes, as_tensor, operand_lines
from agnesi.ops.linear import matmul
from agnesi.ops.movement import broadcast, expand_dims, repeat, restore_axes, squeeze, transpose
from agnesi.ops.powers import sqrt
from agnesi.ops.reductions import as_mask, count_of, masked, mean, to_averaged
from agnesi.ops.reductions import sum as total_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agnesi.core.dtypes import DType
    from agnesi.graph.tensor import Array, Axes, Sizes

__all__ = ["average", "corrcoef", "cov", "std", "var"]


def _var(x: Array, axes: tuple[int, ...], correction: float) -> Array:
    wide = x.astype(np.longdouble)
    count = np.prod([x.shape[k] for k in axes], dtype=np.int64)
    with np.errstate(all="ignore"):
        centre = wide.sum(axes, keepdims=True) / np.longdouble(count)
        return np.asarray(
            ((wide - centre) ** 2).sum(axes) / np.longdouble(max(count - correction, 0))
        )


class Var(Composite):
    """Variance over axes: the mean of squared deviations, divided by ``count - correction``.

    The mean of float32 is kept as float64, and what rounding leaves of a float64 mean is taken out
    again, so that the deviations are exact to their own last place, however large the mean is.
    """

    x: Tensor
    axes: tuple[int, ...]
    correction: float

    public = "var"
    reference = np.var
    dtypes = FLOATS
    tolerance = 16.0
    samples = (
        Sample(((3, 4),)),
        Sample(((3, 4),), (0,)),
        Sample(((2, 3, 4),), ((0, 2),), {"ddof": 1}),
        Sample(((2, 3, 4),), (1,), {"keepdims": True}),
        Sample(((5,),), (-1,), {"correction": 1.5}),
        Sample(((1511, 3),), (0,)),
        Sample(((2, 0, 3),), (2,)),
    )
    rejects = (
        Reject(("f32[2, 3]",), "no axis 2", (2,)),
        Reject(("f32[2, 3]",), "twice", ((0, 0),)),
        Reject(("f32[2, 3]",), "correction", (), {"ddof": 1, "correction": 1}),
        Reject(("f32[2, 3]",), "average is a float", (None, "i32")),
    )

    def infer(self) -> TensorType:
        """The axes disappear."""
        return TensorType(self.x.dtype, without_axes(self.x.type.shape, self.axes))

    def decompose(self) -> Tensor:
        """``(sum(d*d) - sum(d)**2 / count) / (count - correction)`` of the deviations ``d``."""
        d = deviations(self.x, self.axes)
        squares = total_of(d * d, self.axes)
        if self.dtype is F64:
            left = total_of(d, self.axes)
            squares = squares - left * left / count_of(self.x, self.axes)
        return squares / self.divisor()

    def divisor(self) -> float | Tensor:
        """Return ``count - correction``, at least 0."""
        count = product(self.x.type.shape[k] for k in self.axes)
        if isinstance(count, int):
            return float(max(count - self.correction, 0))
        return maximum(SizeValue(count).astype(self.dtype) - self.correction, 0)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """``2 * d / (count - correction)``: 0 where all elements are equal."""
        scale = restore_axes(ct * 2 / self.divisor(), self.axes)
        return (scale * deviations(self.x, self.axes),)

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """In long double."""
        return _var(operands[0], self.axes, self.correction).astype(self.dtype.numpy)


def deviations(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return the elements less their mean over axes."""
    wide = x.astype(F64) if x.dtype is F32 else x
    centre = total_of(wide, axes, keepdims=True) / count_of(x, axes)
    return (wide - centre).astype(x.dtype)


def of_parts(
    function: Callable[..., Tensor], x: Tensor, axis: Axes, centre: Any, **named: Any
) -> Tensor:
    """Return a variance of halves, computed in float32, or of complex numbers: of their parts."""
    if x.dtype.is_half:
        return function(x.astype(x.dtype.arithmetic), axis, mean=centre, **named).astype(x.dtype)
    centres = (None, None) if centre is None else (real(centre), imag(centre))
    parts = zip((real(x), imag(x)), centres, strict=True)
    first, second = (function(part, axis, mean=own, **named) for part, own in parts)
    return first + second


def correction_of(op: str, x: Tensor, ddof: float, correction: float | None) -> float:
    """Return the correction that a user asked for, under either name.

    Raises:
        GraphTypeError: under both.
    """
    if correction is None:
        return float(ddof)
    if ddof != 0:
        raise GraphTypeError(
            f"{op}: ddof={ddof} and correction={correction} are two names of one thing\n"
            f"{operand_lines(('x',), (x,))}\n  give one of them"
        )
    return float(correction)


def scatter(
    op: str,
    x: Tensor,
    axis: Axes,
    *,
    keepdims: bool,
    mask: Tensor | None,
    centre: TensorLike | None,
) -> tuple[Tensor, Tensor]:
    """Return the sum of squared deviations of chosen elements, and how many there are."""
    axes = as_axes(op, axis, x.ndim, x)
    count = count_of(x, axes) if mask is None else total_of(mask, axes, keepdims=keepdims)
    number = as_tensor(count).astype(x.dtype)
    if centre is None:
        wide = x.astype(F64) if x.dtype is F32 else x
        middle = mean(wide, axes, keepdims=True, where=True if mask is None else mask)
    else:
        wide, middle = x, as_tensor(centre)
    d = masked((wide - middle).astype(x.dtype), mask, 0)
    squares = total_of(d * d, axes, keepdims=keepdims)
    if x.dtype is F64 and centre is None:
        left = total_of(d, axes, keepdims=keepdims)
        squares = squares - left * left / number
    return squares, number


def var(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: TensorLike = True,
    mean: TensorLike | None = None,
) -> Tensor:
    """Return the variance over axes, as ``numpy.var``.

    It is computed in two passes, so that it is accurate also where the mean is much larger than
    the deviations.  Its gradient is 0 where all elements are equal.

    Args:
        x: array; integers count as float64.
        axis: axis or axes; all by default.
        dtype: of floats, to convert the elements to first.
        ddof: squares are divided by the number of elements less this.
        correction: the array API's name of ``ddof``.
        keepdims: keep the axes with size 1.
        where: which elements count; it broadcasts to the shape of ``x``.
        mean: the mean, if it is known, with its axes kept.

    Raises:
        GraphTypeError: no such axis, both ``ddof`` and ``correction``, or a dtype not of floats.

    >>> ag.var(ag.constant([1.0, 2.0, 3.0])).eval()
    array(0.6666667, dtype=float32)
    """
    tensor = to_averaged("var", x, dtype)
    less = correction_of("var", tensor, ddof, correction)
    if tensor.dtype.is_half or tensor.dtype.is_complex:
        named = {"correction": less, "keepdims": keepdims, "where": where}
        return of_parts(var, tensor, axis, mean, **named)
    mask = as_mask("var", where, tensor)
    if mask is None and mean is None:
        axes = as_axes("var", axis, tensor.ndim, tensor)
        result: Tensor = Var(tensor, axes, less)
        return restore_axes(result, axes) if keepdims else result
    squares, count = scatter("var", tensor, axis, keepdims=keepdims, mask=mask, centre=mean)
    return squares / maximum(count - less, 0)


def std(
    x: TensorLike,
    /,
    axis: Axes = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: TensorLike = True,
    mean: TensorLike | None = None,
) -> Tensor:
    """Return the standard deviation over axes, the root of :func:`var`, as ``numpy.std``.

    Note: where all elements are equal it has a corner and no derivative: its gradient is NaN there.
    Add a small number inside, ``ag.sqrt(x.var() + 1e-6)``, where that can happen.

    Arguments and errors are those of :func:`var`.

    >>> ag.std(ag.constant([1.0, 3.0]), ddof=1).eval()
    array(1.4142135, dtype=float32)
    """
    return sqrt(
        var(
            x,
            axis,
            dtype,
            ddof=ddof,
            correction=correction,
            keepdims=keepdims,
            where=where,
            mean=mean,
        )
    )


def average(
    x: TensorLike,
    /,
    axis: Axes = None,
    weights: TensorLike | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """Return the weighted average over axes, as ``numpy.average``.

    Args:
        x: array.
        axis: axis or axes; all by default.
        weights: of the shape of ``x``, or of the sizes of the axes; equal ones by default.
        returned: whether to return the sum of the weights too.
        keepdims: keep the axes with size 1.

    Returns:
        The average; with ``returned`` a pair of it and the sum of weights, of the same shape.

    Raises:
        GraphTypeError: weights that do not fit.

    >>> ag.average(ag.constant([1.0, 2.0]), weights=[3, 1]).eval()
    array(1.25)
    """
    tensor = as_tensor(x)
    axes = as_axes("average", axis, tensor.ndim, tensor)
    if weights is None:
        result = mean(tensor, axes, keepdims=keepdims)
        total = as_tensor(count_of(tensor, axes)).astype(result.dtype)
    else:
        spread = _weights(tensor, axis, axes, as_tensor(weights))
        given = tensor.dtype if tensor.dtype.is_inexact else F64
        kind = promote(given, spread.dtype)
        tensor, spread = tensor.astype(kind), spread.astype(kind)
        total = total_of(spread, axes, keepdims=keepdims)
        result = total_of(tensor * spread, axes, keepdims=keepdims) / total
    return (result, broadcast(total, result.type.shape)) if returned else result


def _weights(x: Tensor, axis: Axes, axes: tuple[int, ...], weights: Tensor) -> Tensor:
    """Return the weights spread over the shape of ``x``."""
    if weights.ndim == x.ndim:
        spread = weights
    elif axis is not None and weights.ndim == len(axes):
        given = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
        order = tuple(given.index(a) for a in axes)
        others = tuple(k for k in range(x.ndim) if k not in axes)
        spread = expand_dims(transpose(weights, order), others) if others else weights
    else:
        raise GraphTypeError(
            "average: weights have the shape of x, or the sizes of the axes that are named\n"
            f"{operand_lines(('x', 'weights'), (x, weights))}"
        )
    return repeat("average: weights", spread, x.type.shape)


def cov(  # noqa: PLR0917
    m: TensorLike,
    y: TensorLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: TensorLike | None = None,
    aweights: TensorLike | None = None,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return the covariance matrix of variables, as ``numpy.cov``.

    Args:
        m: a variable in each row, an observation in each column; a vector is one variable.
        y: more variables, laid out as ``m``.
        rowvar: False for variables in columns.
        bias: divide by the number of observations, not by one less.
        ddof: divide by the number of observations less this.
        fweights: how often each observation counts, integers.
        aweights: how much each observation counts.
        dtype: of floats, to compute in; by default at least float64, as in NumPy.

    Raises:
        GraphTypeError: more than two axes, or weights that do not fit.

    >>> ag.cov(ag.constant([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).eval()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    x = _variables(m, rowvar, dtype)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar, dtype).astype(x.dtype)], 0)
    weights = _observation_weights(x, fweights, aweights)
    less = ddof if ddof is not None else float(not bias)
    count: Any = x.shape[1]
    if weights is None:
        centre = mean(x, 1, keepdims=True)
        divisor = count - less
    else:
        total = weights.sum()
        centre = total_of(x * weights, 1, keepdims=True) / total
        divisor = total - less
        if aweights is not None and less != 0:
            share = (weights * as_tensor(aweights).astype(x.dtype.real)).sum() / total
            divisor = total - less * share
    d = x - centre
    result = matmul(d, conj(transpose(d if weights is None else d * weights)))
    result = result / maximum(as_tensor(divisor).astype(x.dtype.real), 0)
    return squeeze(result) if result.type.shape == (1, 1) else result


def _variables(m: TensorLike, rowvar: bool, dtype: Any) -> Tensor:
    """Return a matrix with a variable in each row."""
    tensor = as_tensor(m)
    if tensor.ndim > 2:
        raise GraphTypeError(f"cov: at most two axes\n{operand_lines(('m',), (tensor,))}")
    kind: DType = promote(tensor.dtype, F64) if dtype is None else as_dtype(dtype)
    tensor = to_averaged("cov", tensor, kind)
    if tensor.ndim < 2:
        return tensor.reshape(1, -1)
    return tensor if rowvar else transpose(tensor)


def _observation_weights(
    x: Tensor, fweights: TensorLike | None, aweights: TensorLike | None
) -> Tensor | None:
    """Return the product of both kinds of weights."""
    result: Tensor | None = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        weights = as_tensor(given)
        if weights.ndim != 1 or (name == "fweights" and not weights.dtype.is_integer):
            kind = "integers, one" if name == "fweights" else "numbers, one"
            raise GraphTypeError(
                f"cov: {name} are {kind} for each observation\n"
                f"{operand_lines(('m', name), (x, weights))}"
            )
        weights = weights.astype(x.dtype.real)
        result = weights if result is None else result * weights
    return result


def corrcoef(
    x: TensorLike, y: TensorLike | None = None, rowvar: bool = True, *, dtype: Any = None
) -> Tensor:
    """Return the matrix of correlation coefficients, as ``numpy.corrcoef``; arguments as ``cov``'s.

    >>> ag.corrcoef(ag.constant([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]])).eval()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    same = Arange(c.type.shape, 0) == Arange(c.type.shape, 1)
    scale = sqrt(real(total_of(where_(same, c, 0), 1)))
    result = c / expand_dims(scale, 1) / scale
    return result if result.dtype.is_complex else clip(result, -1, 1)


OPS: tuple[type[Op], ...] = (Var,)

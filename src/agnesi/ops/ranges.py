"""Numbers in regular order: spaced evenly or geometrically, powers, grids of indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from agnesi.core.dtypes import (
    BOOL,
    DEFAULT_FLOAT,
    DEFAULT_INTEGER,
    F64,
    DType,
    as_dtype,
    floating,
    promote,
)
from agnesi.core.errors import GraphTypeError
from agnesi.dims.dim import Size, sub
from agnesi.dims.simplify import maximum
from agnesi.graph.tensor import Tensor, TensorLike, scalar_of
from agnesi.ops.arithmetic import absolute, sign
from agnesi.ops.choice import astype, where
from agnesi.ops.creation import Arange, arange, ones_like, zeros
from agnesi.ops.elementary import exp, log
from agnesi.ops.joining import stack
from agnesi.ops.lift import (
    as_shape,
    as_tensor,
    cast,
    common_dtype,
    is_number,
    lift_all,
    operand_lines,
)
from agnesi.ops.movement import broadcast, expand_dims, moveaxis, reshape
from agnesi.ops.nonzero import nonzero
from agnesi.ops.powers import power
from agnesi.ops.rounding import floor
from agnesi.ops.shaping import broadcast_arrays, ravel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.ops.lift import Number

__all__ = ["geomspace", "indices", "ix_", "linspace", "logspace", "meshgrid", "vander"]

_MANY = 64


def linspace(  # noqa: PLR0917 - NumPy's arguments
    start: TensorLike,
    stop: TensorLike,
    num: int | Tensor = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return evenly spaced numbers over an interval, as ``numpy.linspace``.

    Args:
        start: first number; arrays broadcast with ``stop`` and give one row each.
        stop: last number, or where to end without ``endpoint``.
        num: how many, an int or a symbolic integer.
        endpoint: whether ``stop`` is the last number.
        retstep: return the distance between neighbours too.
        dtype: element type; by default the floats' own, float32 for Python numbers.
        axis: where the new axis stands in the result.

    Returns:
        The numbers, or a pair of them and their distance.

    Raises:
        GraphTypeError: ``num`` is not an integer or is negative.

    >>> ag.linspace(0, 1, 5).eval()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    kind, exact, low, high = _interval("linspace", start, stop, dtype)
    count = _how_many("linspace", num)
    line, step = _line(low, high, count, endpoint)
    whole = kind.is_integer
    result = moveaxis((floor(line) if whole else line).astype(kind), 0, axis)
    return (result, step.astype(exact)) if retstep else result


def _interval(
    op: str, start: TensorLike, stop: TensorLike, dtype: Any
) -> tuple[DType, DType, Tensor, Tensor]:
    """Return the dtype of the result, the floats' own, and the two ends to be computed with.

    Python numbers are computed with in double precision: it costs little and is as exact as NumPy.
    """
    given = lift_all(op, (start, stop))
    exact = _float_of(given)
    wide = F64 if all(is_number(v) for v in given) else exact
    low, high = broadcast_arrays(*(cast(v, wide) for v in given))
    return exact if dtype is None else as_dtype(dtype), exact, low, high


def _float_of(given: Sequence[Tensor | Number]) -> DType:
    if not any(isinstance(v, Tensor) for v in given):
        return DEFAULT_FLOAT
    return common_dtype([*given, 0.0], floating)


def _how_many(op: str, num: Any) -> Size:
    return as_shape(op, num if isinstance(num, tuple | list) else (num,))[0]


def _line(low: Tensor, high: Tensor, count: Size, endpoint: bool) -> tuple[Tensor, Tensor]:
    """Return the numbers along a new first axis, and their distance."""
    last = sub(count, 1)
    parts = as_tensor(scalar_of(maximum(1, last) if endpoint else maximum(1, count)))
    step = (high - low) / parts.astype(low.dtype)
    place = Arange((count, *low.type.shape), 0)
    line = place.astype(low.dtype) * step + low
    if endpoint:
        line = where(place == parts, high, line)
    return line, step


def logspace(  # noqa: PLR0917 - NumPy's arguments
    start: TensorLike,
    stop: TensorLike,
    num: int | Tensor = 50,
    endpoint: bool = True,
    base: TensorLike = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Return numbers spaced evenly on a log scale, from ``base**start`` to ``base**stop``.

    Arguments are those of :func:`linspace`, and the base of the powers.

    Raises:
        GraphTypeError: ``num`` is not an integer or is negative.

    >>> ag.logspace(0, 2, 3).eval()
    array([  1.,  10., 100.], dtype=float32)
    """
    given = lift_all("logspace", (start, stop, base))
    exact = _float_of(given)
    wide = F64 if all(is_number(v) for v in given) else exact
    low, high, root = broadcast_arrays(*(cast(v, wide) for v in given))
    line, _ = _line(low, high, _how_many("logspace", num), endpoint)
    result = power(root, line).astype(exact if dtype is None else as_dtype(dtype))
    return moveaxis(result, 0, axis)


def geomspace(  # noqa: PLR0917 - NumPy's arguments
    start: TensorLike,
    stop: TensorLike,
    num: int | Tensor = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Return numbers of which each is the same multiple of the one before.

    As ``numpy.geomspace`` for real numbers; ends of different signs give NaN, as does 0.

    Arguments are those of :func:`linspace`.

    Raises:
        GraphTypeError: an end is known to be 0, the signs are known to differ, or ``num`` is not
            an integer or is negative.

    >>> ag.geomspace(1, 1000, 4).eval()
    array([   1.,   10.,  100., 1000.], dtype=float32)
    """
    if isinstance(start, int | float) and isinstance(stop, int | float) and not start * stop > 0:
        raise GraphTypeError(
            f"geomspace: the ends have to be of one sign and not 0, but they are {start} and {stop}"
        )
    kind, exact, low, high = _interval("geomspace", start, stop, dtype)
    # Doubles, since an error of a logarithm is a relative error of the number.
    a, b = low.astype(F64), high.astype(F64)
    signs = where(a * b > 0, sign(a), float("nan"))
    count = _how_many("geomspace", num)
    logs, _ = _line(log(absolute(a)), log(absolute(b)), count, endpoint)
    place = Arange(logs.type.shape, 0)
    inner = where(place == 0, a, exp(logs) * signs)
    if endpoint:
        ends = (place == scalar_of(sub(count, 1))) & (place > 0)
        inner = where(ends, b, inner)
    result = inner.astype(exact if dtype is None else kind)
    return moveaxis(result, 0, axis)


def vander(x: TensorLike, /, n: int | Tensor | None = None, increasing: bool = False) -> Tensor:
    """Return a Vandermonde matrix: powers of a vector's elements, as ``numpy.vander``.

    Args:
        x: vector.
        n: number of columns, as many as rows by default.
        increasing: begin with the power 0 instead of ending with it.

    Returns:
        Matrix of the dtype that NumPy promotes that of ``x`` and int64 to: float64 for floats.

    Raises:
        GraphTypeError: ``x`` is no vector, or ``n`` is negative or not an integer.

    >>> ag.vander(ag.constant([2, 3]), 3).eval()
    array([[4, 2, 1],
           [9, 3, 1]])
    """
    tensor = as_tensor(x)
    if tensor.ndim != 1:
        raise GraphTypeError(f"vander: takes a vector\n{operand_lines(('x',), (tensor,))}")
    tensor = tensor.astype(promote(tensor.dtype, DEFAULT_INTEGER))
    count = tensor.type.shape[0] if n is None else _how_many("vander", n)
    if isinstance(count, int) and 0 < count <= _MANY:
        columns = [ones_like(tensor)]
        for _ in range(count - 1):
            columns.append(columns[-1] * tensor if len(columns) > 1 else tensor)
        return stack(columns if increasing else columns[::-1], 1)
    exponent = Arange((tensor.type.shape[0], count), 1)
    if not increasing:
        exponent = scalar_of(sub(count, 1)) - exponent
    # The power 0 is a constant, also for its derivative.
    bases = where(exponent == 0, 1, expand_dims(tensor, 1))
    return power(bases, exponent.astype(tensor.dtype))


def ix_(*args: TensorLike) -> tuple[Tensor, ...]:
    """Return indices of the rows and columns (and so on) that vectors name, as ``numpy.ix_``.

    Args:
        *args: for each axis a vector of integers; or of bools, for the places where it is true.

    Returns:
        For each vector its integers along an axis of their own, with size 1 along the others.

    Raises:
        GraphTypeError: an argument that is not a vector.

    >>> x = ag.arange(6).reshape(2, 3)
    >>> x[ag.ix_([1, 0], [0, 2])].eval()
    array([[3, 5],
           [0, 2]])
    """
    vectors = [as_tensor(a) for a in args]
    for place, vector in enumerate(vectors):
        if vector.ndim != 1:
            raise GraphTypeError(
                f"ix_: this takes vectors\n{operand_lines((f'args[{place}]',), (vector,))}"
            )
    indices = [nonzero(v)[0] if v.dtype is BOOL else v for v in vectors]
    return meshgrid(*indices, indexing="ij", sparse=True)


def meshgrid(
    *xi: TensorLike,
    copy: bool = True,
    sparse: bool = False,
    indexing: Literal["xy", "ij"] = "xy",
) -> tuple[Tensor, ...]:
    """Return arrays of coordinates from vectors of coordinates, as ``numpy.meshgrid``.

    Args:
        *xi: vectors (or scalars), one for each axis.
        copy: changes nothing, since an array never changes.
        sparse: give each result size 1 along the axes of the others.
        indexing: "xy" exchanges the first two axes, "ij" does not.

    Raises:
        GraphTypeError: an array of more than one axis, or another indexing.

    >>> [g.type for g in ag.meshgrid(ag.zeros(2), ag.zeros(3))]
    [f32[3, 2], f32[3, 2]]
    """
    if indexing not in ("xy", "ij"):
        raise GraphTypeError(f"meshgrid: indexing is 'xy' or 'ij', but this is {indexing!r}")
    vectors = [ravel(x) for x in xi]
    for k, x in enumerate(xi):
        tensor = as_tensor(x)
        if tensor.ndim > 1:
            raise GraphTypeError(
                f"meshgrid: takes vectors\n{operand_lines((f'xi[{k}]',), (tensor,))}"
            )
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = 1, 0
    lines = [
        reshape(v, tuple(-1 if axis == place else 1 for axis in range(len(vectors))))
        for v, place in zip(vectors, places, strict=True)
    ]
    if sparse or not lines:
        return tuple(lines)
    shape = tuple(vectors[places[k]].type.shape[0] for k in range(len(vectors)))
    return tuple(broadcast(line, shape) for line in lines)


def indices(dimensions: Any, dtype: Any = DEFAULT_INTEGER, sparse: bool = False) -> Any:
    """Return the index of every element of an array of this shape, as ``numpy.indices``.

    Args:
        dimensions: the shape, each size an int or a symbolic integer.
        dtype: element type.
        sparse: return a tuple of arrays, each with size 1 along the axes of the others.

    Raises:
        GraphTypeError: a size that is not an integer, or is negative.

    >>> ag.indices((2, 2)).eval()
    array([[[0, 0],
            [1, 1]],
           [[0, 1],
            [0, 1]]])
    """
    shape = as_shape("indices", dimensions)
    if sparse:
        lines = [arange(scalar_of(s), dtype=dtype) for s in shape]
        return meshgrid(*lines, sparse=True, indexing="ij")
    if not shape:
        return zeros((0,), dtype)
    return stack([astype(Arange(shape, axis), dtype) for axis in range(len(shape))])

"""Choosing between values, and converting them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, DType, as_dtype
from agnesi.core.errors import GraphTypeError
from agnesi.graph.tensor import SURFACE
from agnesi.graph.types import TensorType
from agnesi.loops.nodes import Scalar
from agnesi.loops.nodes import select as choose
from agnesi.ops.families import ANY, Domain, Elementwise, Op, Reject, Sample
from agnesi.ops.functions import as_bool
from agnesi.ops.lift import as_tensor, broadcast_shape, cast, common_dtype, lift, lift_all
from agnesi.ops.movement import broadcast, repeat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agnesi.graph.tensor import Array, Sizes, Tensor, TensorLike

__all__ = ["astype", "piecewise", "select", "where"]


class Where(Elementwise):
    """``x`` where the condition holds, else ``y``."""

    condition: Tensor
    x: Tensor
    y: Tensor

    public = "where"
    dtypes = ALL
    keeps_halves = True
    reference = np.where
    domain = (Domain(dtypes=(BOOL,)), ANY, ANY)

    def infer(self) -> TensorType:
        """The dtype of the two values."""
        return TensorType(self.x.dtype, self.common_shape())

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return choose(*operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the one chosen."""
        return None, where(self.condition, ct, 0.0), where(self.condition, 0.0, ct)


@overload
def where(condition: TensorLike, x: TensorLike, y: TensorLike, /) -> Tensor: ...
@overload
def where(condition: TensorLike, /) -> tuple[Tensor, ...]: ...
def where(
    condition: TensorLike, x: TensorLike | None = None, y: TensorLike | None = None, /
) -> Tensor | tuple[Tensor, ...]:
    """Choose between two arrays, element by element, as ``numpy.where``.

    With a condition alone it is :func:`nonzero`: the indices where the condition holds.

    Args:
        condition: bool array; numbers count as true where they are not 0.
        x: values where it holds.
        y: values where it does not.

    Raises:
        GraphTypeError: the shapes do not broadcast.

    >>> x = ag.vector("x")
    >>> ag.where(x > 0, x, 0).eval({x: [1.0, -1.0]})
    array([1., 0.], dtype=float32)
    """
    if x is None and y is None:
        return SURFACE["nonzero"](condition)
    given = lift_all("where", (condition, x, y))
    dtype = common_dtype(given[1:])
    operands = [as_bool(given[0]), *(cast(v, dtype) for v in given[1:])]
    shape = broadcast_shape("where", Where.fields, operands, given)
    return Where(*(broadcast(o, shape) for o in operands))


def _converted(x: Array, dtype: Any) -> Array:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        return np.asarray(x).astype(as_dtype(dtype).numpy)


class Cast(Elementwise):
    """The same values in another dtype; floats truncate to integers, to bool they are ``x != 0``.

    Of a complex number a real dtype takes the real part.

    Note: a float that the integer dtype does not hold gives a number that differs between machines,
    as in NumPy.
    """

    x: Tensor
    to: DType

    public = "astype"
    linear = True
    dtypes = ALL
    keeps_halves = True
    reference = staticmethod(_converted)
    samples = tuple(
        Sample((shape,), (dtype,))
        for shape, dtype in (
            ((3,), "f64"),
            ((), "f32"),
            ((2, 5), "i64"),
            ((7,), "i8"),
            ((0, 2), "u16"),
            ((2, 3), "bool"),
            ((9,), "f16"),
            ((9,), "bf16"),
            ((2, 3), "c64"),
            ((4,), "c128"),
        )
    )
    rejects = (Reject(("f32[2]",), "not an element type", ("text",)),)

    def result_dtype(self, operand: DType) -> DType:
        """The dtype asked for."""
        return self.to

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive; to bool it is a comparison with 0."""
        (x,) = operands
        if self.to is BOOL and x.dtype is not BOOL:
            return x.cast(x.dtype.arithmetic).differs(0)
        return x.cast(self.to)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Cast back; of a number that was real, the real part.  Integers have no gradient."""
        smooth = self.x.dtype.is_inexact and self.to.is_inexact
        return (astype(ct, self.x.dtype) if smooth else None,)

    def jvp(self, tangents: tuple[Tensor | None, ...]) -> Tensor | None:
        """The tangent in the other dtype, between floats and complex numbers."""
        (tangent,) = tangents
        return None if tangent is None or not self.to.is_inexact else astype(tangent, self.to)

    def no_derivative(self, place: int) -> str | None:
        """That of the positions an integer comes from, which is 0 only where nobody asks."""
        below = self.x
        while self.to.is_inexact and below.dtype.is_integer and len(below.operands) == 1:
            reason = below.no_derivative(0)
            if reason is not None:
                return reason
            (below,) = below.operands
        return None

    def numpy(self, operands: Sequence[Array], sizes: Sizes) -> Array:
        """NumPy's astype."""
        return _converted(operands[0], self.to)


def astype(x: TensorLike, dtype: Any, /, *, copy: bool = True) -> Tensor:
    """Return the same values in another dtype, as NumPy's ``astype``.

    Args:
        x: array.
        dtype: element type.
        copy: changes nothing, since an array never changes.

    Raises:
        GraphTypeError: there is no such dtype.

    >>> ag.astype(ag.constant([1.7, -1.7]), "i32").eval()
    array([ 1, -1], dtype=int32)
    """
    tensor, kind = as_tensor(x), as_dtype(dtype)
    return tensor if tensor.dtype is kind else Cast(tensor, kind)


def select(
    conditions: Sequence[TensorLike], choices: Sequence[TensorLike], /, default: TensorLike = 0
) -> Tensor:
    """Choose by the first condition that holds, element by element, as ``numpy.select``.

    Args:
        conditions: bool arrays; numbers count as true where they are not 0.
        choices: for each condition the values where it is the first to hold.
        default: the values where none holds.

    Raises:
        GraphTypeError: not one choice for each condition, or shapes that do not broadcast.

    >>> x = ag.constant([1, 5, 9])
    >>> ag.select([x < 3, x < 6], [x, -x], 0).eval()
    array([ 1, -5,  0])
    """
    if len(conditions) != len(choices) or not conditions:
        raise GraphTypeError(
            f"select: there are {len(conditions)} conditions and {len(choices)} choices\n"
            "  give one choice for each condition, at least one"
        )
    given = lift_all("select", (*choices, default))
    dtype = common_dtype(given)
    result = cast(given[-1], dtype)
    for condition, choice in reversed(list(zip(conditions, given[:-1], strict=True))):
        result = where(condition, cast(choice, dtype), result)
    return result


def piecewise(
    x: TensorLike,
    conditions: TensorLike | Sequence[TensorLike],
    functions: Sequence[Any],
    /,
    *args: Any,
    **kw: Any,
) -> Tensor:
    """Apply functions to the parts of an array where conditions hold, as ``numpy.piecewise``.

    Every function is computed of the whole array, and of its values those are taken whose
    condition holds; so a function has to have finite derivatives outside its part too.

    Args:
        x: array.
        conditions: bool arrays of its shape, or one of them; where several hold the last counts.
        functions: for each condition a function, or a number; one more is for where none holds,
            which is 0 without it.
        *args: further arguments of the functions.
        **kw: further arguments by keyword.

    Returns:
        Array of the shape and dtype of ``x``.

    Raises:
        GraphTypeError: numbers of conditions and functions that do not fit.

    >>> x = ag.constant([-2.0, 3.0])
    >>> ag.piecewise(x, [x < 0], [lambda v: -v, ag.square]).eval()
    array([2., 9.], dtype=float32)
    """
    tensor = as_tensor(x)
    given: list[Any] = list(conditions) if isinstance(conditions, list | tuple) else [conditions]
    if len(functions) - len(given) not in (0, 1) or not given:
        raise GraphTypeError(
            f"piecewise: there are {len(given)} conditions and {len(functions)} functions\n"
            "  give one function for each condition, and one more for where none holds"
        )
    values = [f(tensor, *args, **kw) if callable(f) else f for f in (*functions, 0)]
    parts = [
        repeat("piecewise", cast(lift(v), tensor.dtype), tensor.type.shape)
        for v in values[: len(given) + 1]
    ]
    result = parts.pop()
    for condition, part in zip(given, parts, strict=True):
        result = where(condition, part, result)
    return result


OPS: tuple[type[Op], ...] = (Where, Cast)

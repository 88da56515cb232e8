"""Arithmetic, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import ALL, BOOL, COMPLEX, F64, FLOATS, INEXACT, INTEGERS
from agnesi.core.errors import GraphTypeError
from agnesi.dims import dim, simplify
from agnesi.loops.math.remainder import short_division
from agnesi.loops.nodes import Complex, Scalar, apply, parts_of, select
from agnesi.loops.prims import Prim
from agnesi.ops.choice import where
from agnesi.ops.complex_parts import conj
from agnesi.ops.families import ANY, IEEE, Domain, Elementwise, Op
from agnesi.ops.functions import as_float, binary, unary
from agnesi.ops.lift import as_tensor, is_number
from agnesi.ops.rounding import round as nearest

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.dims.dim import Size
    from agnesi.graph.tensor import Tensor, TensorLike

__all__ = [
    "abs",
    "absolute",
    "add",
    "clip",
    "copysign",
    "deg2rad",
    "degrees",
    "divide",
    "divmod",
    "fabs",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "heaviside",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "positive",
    "rad2deg",
    "radians",
    "remainder",
    "sign",
    "subtract",
    "true_divide",
]

# What has arithmetic, and that of it which has an order.
NUMBERS = (*INTEGERS, *FLOATS)
ALL_NUMBERS = (*NUMBERS, *COMPLEX)
_DIVISOR = Domain(special=IEEE, avoid=(0.0,))


class Add(Elementwise):
    """Sum of two arrays; logical or on bool."""

    x: Tensor
    y: Tensor

    public = "add"
    dtypes = ALL
    commutative = True
    reference = np.add
    size_rule = staticmethod(dim.add)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One addition."""
        x, y = operands
        return x | y if x.dtype is BOOL else x + y

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent for both."""
        return ct, ct


class Subtract(Elementwise):
    """Difference of two arrays."""

    x: Tensor
    y: Tensor

    public = "subtract"
    reference = np.subtract
    size_rule = staticmethod(dim.sub)
    dtypes = ALL_NUMBERS
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One subtraction."""
        return operands[0] - operands[1]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The cotangent and its negative."""
        return ct, -ct


class Multiply(Elementwise):
    """Product of two arrays, element by element; logical and on bool."""

    x: Tensor
    y: Tensor

    public = "multiply"
    dtypes = ALL
    commutative = True
    reference = np.multiply
    size_rule = staticmethod(dim.mul)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One multiplication."""
        x, y = operands
        return x & y if x.dtype is BOOL else x * y

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The product rule."""
        return ct * self.y, ct * self.x


class Divide(Elementwise):
    """Quotient of two arrays, in floating point; integers are divided as float64."""

    x: Tensor
    y: Tensor

    public = "divide"
    dtype_rule = "quotient"
    dtypes = INEXACT
    reference = np.divide
    domain = (ANY, _DIVISOR)

    def scalar(self, *operands: Scalar) -> Scalar:
        """One division."""
        return operands[0] / operands[1]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The quotient rule."""
        return ct / self.y, -(ct * self / self.y)


def _with_positive_divisor(rule: Any) -> Any:
    def function(a: Size, b: Size) -> Size | None:
        return rule(a, b) if simplify.at_least(b, 1) else None

    return staticmethod(function)


class FloorDivide(Elementwise):
    """Quotient rounded down; an integer divided by 0 gives 0."""

    x: Tensor
    y: Tensor

    public = "floor_divide"
    reference = np.floor_divide
    size_rule = _with_positive_divisor(simplify.floordiv)
    dtypes = NUMBERS
    domain = (ANY, _DIVISOR)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """Integers at once; floats from the exact remainder, in NumPy's steps."""
        x, y = operands
        if not x.dtype.is_float:
            return apply(Prim.FLOORDIV, x, y)
        quotient = x / y
        rest = _short_rest(x, y, quotient) if x.dtype is F64 else apply(Prim.FMOD, x, y)
        inexact = (x - rest) / y
        inexact = select(_moves(rest, y), inexact - 1.0, inexact)
        down = apply(Prim.FLOOR, inexact)
        down = select((inexact - down) > 0.5, down + 1.0, down)
        whole = select(inexact.equals(0.0), apply(Prim.COPYSIGN, x.like(0.0), quotient), down)
        return select(y.equals(0.0), quotient, whole)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere."""
        return None, None


def _short_rest(x: Scalar, y: Scalar, quotient: Scalar) -> Scalar:
    """Return C's remainder where it changes the quotient, which else is a whole number anyway."""
    length, size, times = (apply(Prim.ABS, value) for value in (x, y, quotient))
    whole = (times >= 2.0**53) & (length < math.inf)
    rest = select(whole, 0.0, short_division(length, size, times))
    return apply(Prim.COPYSIGN, rest, x)


def _moves(rest: Scalar, y: Scalar) -> Scalar:
    """Whether C's remainder has the other sign than the divisor."""
    return rest.differs(0.0) & ((y < 0.0) ^ (rest < 0.0))


class Remainder(Elementwise):
    """Remainder with the sign of the divisor; an integer modulo 0 is 0."""

    x: Tensor
    y: Tensor

    public = "remainder"
    reference = np.remainder
    size_rule = _with_positive_divisor(simplify.mod)
    dtypes = NUMBERS
    domain = (ANY, Domain(0.5, 3, IEEE, avoid=(0.0,)))

    def scalar(self, *operands: Scalar) -> Scalar:
        """Integers at once; floats from C's remainder, in NumPy's steps."""
        x, y = operands
        if not x.dtype.is_float:
            return apply(Prim.MOD, x, y)
        rest = apply(Prim.FMOD, x, y)
        signed = select(rest.equals(0.0), apply(Prim.COPYSIGN, x.like(0.0), y), rest)
        return select(_moves(rest, y), rest + y, signed)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The quotient is flat, so ``x - y*floor(x/y)`` is linear in both."""
        return ct, -ct * floor_divide(self.x, self.y)


class Fmod(Elementwise):
    """C's remainder, with the sign of the dividend; an integer modulo 0 is 0."""

    x: Tensor
    y: Tensor

    public = "fmod"
    reference = np.fmod
    dtypes = NUMBERS
    domain = (ANY, Domain(0.5, 3, IEEE, avoid=(0.0,)))

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive for floats; for integers, from the remainder with the divisor's sign."""
        x, y = operands
        if x.dtype.is_float:
            return apply(Prim.FMOD, x, y)
        rest = apply(Prim.MOD, x, y)
        if x.dtype.is_unsigned:
            return rest
        return select(rest.differs(0) & ((x < 0) ^ (y < 0)), rest - y, rest)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The quotient is flat, so ``x - y*trunc(x/y)`` is linear in both."""
        return ct, -ct * nearest((self.x - self) / self.y)


class Minimum(Elementwise):
    """The smaller of two, NaN if either is; logical and on bool.

    >>> ag.minimum(ag.constant([1.0, 5.0]), 3).eval()
    array([1., 3.], dtype=float32)
    """

    x: Tensor
    y: Tensor

    public = "minimum"
    commutative = True
    reference = np.minimum
    signed_zero = False
    size_rule = staticmethod(simplify.minimum)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        x, y = operands
        return x & y if x.dtype is BOOL else apply(Prim.MIN, x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the smaller; shared equally where equal."""
        return _shared(ct, self.x < self.y, self.x > self.y)


class Maximum(Elementwise):
    """The larger of two, NaN if either is; logical or on bool."""

    x: Tensor
    y: Tensor

    public = "maximum"
    commutative = True
    reference = np.maximum
    signed_zero = False
    size_rule = staticmethod(simplify.maximum)
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        x, y = operands
        return x | y if x.dtype is BOOL else apply(Prim.MAX, x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the larger; shared equally where equal."""
        return _shared(ct, self.x > self.y, self.x < self.y)


class Fmin(Elementwise):
    """The smaller of two; a number rather than NaN, where one of them is NaN."""

    x: Tensor
    y: Tensor

    public = "fmin"
    reference = np.fmin
    signed_zero = False
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive where both are numbers."""
        x, y = operands
        return x & y if x.dtype is BOOL else _numbers_first(Prim.MIN, x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the one that is taken; shared equally where equal."""
        x, y = self.x, self.y
        return _shared(ct, (x < y) | _is_nan(y), (x > y) | _is_nan(x))


class Fmax(Elementwise):
    """The larger of two; a number rather than NaN, where one of them is NaN.

    >>> ag.fmax(ag.constant([1.0, np.nan]), 0).eval()
    array([1., 0.], dtype=float32)
    """

    x: Tensor
    y: Tensor

    public = "fmax"
    reference = np.fmax
    signed_zero = False
    domain = (ANY, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive where both are numbers."""
        x, y = operands
        return x | y if x.dtype is BOOL else _numbers_first(Prim.MAX, x, y)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """To the one that is taken; shared equally where equal."""
        x, y = self.x, self.y
        return _shared(ct, (x > y) | _is_nan(y), (x < y) | _is_nan(x))


def _numbers_first(prim: Prim, x: Scalar, y: Scalar) -> Scalar:
    both = apply(prim, x, y)
    if not x.dtype.is_float:
        return both
    return select(x.equals(x), select(y.equals(y), both, x), y)


def _is_nan(x: Tensor) -> Tensor:
    return x != x  # noqa: PLR0124 - an expression


def _shared(ct: Tensor, wins: Tensor, loses: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cotangents of a choice between two: half each where they are equal."""
    half = ct * 0.5
    return (
        where(wins, ct, where(loses, 0.0, half)),
        where(loses, ct, where(wins, 0.0, half)),
    )


class Negative(Elementwise):
    """``-x``; unsigned integers wrap."""

    x: Tensor

    public = "negative"
    reference = np.negative
    size_rule = staticmethod(dim.neg)
    dtypes = ALL_NUMBERS
    domain = (ANY,)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return -operands[0]

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The negative."""
        return (-ct,)


class Absolute(Elementwise):
    """Absolute value, real also of a complex number; its derivative at 0 is taken as 0."""

    x: Tensor

    public = "absolute"
    dtypes = ALL
    reference = np.absolute
    domain = (Domain(special=IEEE, avoid=(0.0,)),)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive; what has no sign is itself."""
        (x,) = operands
        return apply(Prim.ABS, x) if x.dtype.is_signed or x.dtype.is_inexact else x

    def result_dtype(self, operand: DType) -> DType:
        """The dtype of the parts of a complex number."""
        return operand.real

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The sign; the conjugate of a complex number's."""
        return (ct * conj(sign(self.x)),)


class Sign(Elementwise):
    """-1, 0 or 1; NaN stays NaN.  Of a complex number, ``x / abs(x)``."""

    x: Tensor

    public = "sign"
    reference = np.sign
    dtypes = ALL_NUMBERS
    domain = (Domain(special=IEEE, avoid=(0.0,)),)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """Two comparisons; of a complex number a quotient."""
        (x,) = operands
        if x.dtype.is_complex:
            size = apply(Prim.ABS, x)
            re, im = (part / size for part in parts_of(x))
            return select(size.equals(0.0), x, Complex(re, im, x.dtype))
        up = select(x > 0, x.like(1), 0)
        signed = up if x.dtype.is_unsigned else select(x < 0, x.like(-1), up)
        return select(x.equals(x), signed, x) if x.dtype.is_float else signed

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere; a complex sign turns with its number."""
        if not self.x.dtype.is_complex:
            return (None,)
        size = absolute(self.x)
        along = (self * ct).real * conj(self)
        return ((ct - along) / where(size == 0, 1, size),)


class Copysign(Elementwise):
    """The absolute value of ``x`` with the sign of ``y``."""

    x: Tensor
    y: Tensor

    public = "copysign"
    dtype_rule = "floating"
    dtypes = FLOATS
    reference = np.copysign
    domain = (_DIVISOR, _DIVISOR)

    def scalar(self, *operands: Scalar) -> Scalar:
        """The primitive."""
        return apply(Prim.COPYSIGN, *operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """1 or -1 by whether the signs agree."""
        return ct * sign(self.x) * copysign(1.0, self.y), None


class Heaviside(Elementwise):
    """The step function: 0 for negative ``x``, 1 for positive, ``y`` for 0."""

    x: Tensor
    y: Tensor

    public = "heaviside"
    dtype_rule = "floating"
    dtypes = FLOATS
    reference = np.heaviside
    domain = (_DIVISOR, ANY)

    def scalar(self, *operands: Scalar) -> Scalar:
        """Three comparisons; NaN stays NaN."""
        x, y = operands
        step = select(x > 0.0, x.like(1.0), select(x < 0.0, x.like(0.0), y))
        return select(x.equals(x), step, x)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat in ``x`` nearly everywhere; in ``y`` where it is taken."""
        return None, where(self.x == 0, ct, 0.0)


add = binary(Add)
subtract = binary(Subtract)
multiply = binary(Multiply)
divide = binary(Divide)
floor_divide = binary(FloorDivide)
remainder = binary(Remainder)
fmod = binary(Fmod)
minimum = binary(Minimum)
maximum = binary(Maximum)
fmin = binary(Fmin)
fmax = binary(Fmax)
heaviside = binary(Heaviside)
negative = unary(Negative)
absolute = unary(Absolute)
sign = unary(Sign)
copysign = binary(Copysign)
abs = absolute
mod = remainder
true_divide = divide


def positive(x: TensorLike, /) -> Tensor:
    """Return the array itself, as ``+x``."""
    return as_tensor(x)


def divmod(x: TensorLike, y: TensorLike, /) -> tuple[Tensor, Tensor]:
    """Return ``floor_divide(x, y)`` and ``remainder(x, y)``, as ``numpy.divmod``.

    >>> quotient, rest = ag.divmod(ag.constant([7, -7]), 2)
    >>> quotient.eval(), rest.eval()
    (array([ 3, -4]), array([1, 1]))
    """
    return floor_divide(x, y), remainder(x, y)


def fabs(x: TensorLike, /) -> Tensor:
    """Return the absolute value as a float; integers are converted."""
    return absolute(as_float(x))


def deg2rad(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, given in degrees.

    >>> ag.deg2rad(ag.constant([180.0])).eval()
    array([3.1415927], dtype=float32)
    """
    return as_float(x) * (math.pi / 180)


def rad2deg(x: TensorLike, /) -> Tensor:
    """Return the angle in degrees, given in radians."""
    return as_float(x) * (180 / math.pi)


radians, degrees = deg2rad, rad2deg


def clip(
    x: TensorLike,
    /,
    min: TensorLike | None = None,
    max: TensorLike | None = None,
    *,
    a_min: TensorLike | None = None,
    a_max: TensorLike | None = None,
) -> Tensor:
    """Limit values to an interval, as ``numpy.clip``: ``minimum(maximum(x, min), max)``.

    NaN stays NaN.  At an end of the interval the derivative is shared, as that of ``maximum`` is.

    Args:
        x: array.
        min: least value; None for no limit.
        max: greatest value; None for no limit.  Where it is below ``min``, it is the result.
        a_min: NumPy's older name for ``min``.
        a_max: NumPy's older name for ``max``.

    Raises:
        GraphTypeError: both names of a limit are given, or shapes that do not broadcast.

    >>> ag.clip(ag.constant([-1.0, 0.5, 2.0]), 0, 1).eval()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    result = as_tensor(x)
    low, high = _limit("min", min, a_min), _limit("max", max, a_max)
    if low is not None and not _is_beyond(low, result, greater=False):
        result = maximum(result, low)
    if high is None or _is_beyond(high, result, greater=True):
        return result
    return minimum(result, high)


def _limit(name: str, given: TensorLike | None, older: TensorLike | None) -> TensorLike | None:
    if given is not None and older is not None:
        raise GraphTypeError(
            f"clip: {name} and a_{name} are two names of the same limit, but both are given"
        )
    return older if given is None else given


def _is_beyond(limit: TensorLike, x: Tensor, *, greater: bool) -> bool:
    """Whether no value of an integer dtype is limited by this Python integer."""
    if not x.dtype.is_integer or not is_number(limit) or not isinstance(limit, int):
        return False
    ends = np.iinfo(x.dtype.numpy)
    return limit >= ends.max if greater else limit <= ends.min


OPS: tuple[type[Op], ...] = (
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Fmod,
    Minimum,
    Maximum,
    Fmin,
    Fmax,
    Heaviside,
    Negative,
    Absolute,
    Sign,
    Copysign,
)

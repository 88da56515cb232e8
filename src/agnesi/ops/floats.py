"""Floats taken apart and put together: signs, exponents, whole parts, neighbours."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from agnesi.core.dtypes import BOOL, F16, F32, FLOATS, I16, I32, I64, U64, as_dtype, floating
from agnesi.core.errors import GraphTypeError
from agnesi.graph.types import TensorType
from agnesi.loops.math.bits import LAYOUTS, copysign, exponent_of, layout, scaled
from agnesi.loops.nodes import Scalar, apply, literal, select
from agnesi.loops.prims import Prim
from agnesi.ops.families import IEEE, Domain, Elementwise, Op, Reject
from agnesi.ops.functions import as_float, binary, unary
from agnesi.ops.lift import broadcast_shape, cast, is_number, lift, operand_lines
from agnesi.ops.movement import broadcast
from agnesi.ops.rounding import trunc

if TYPE_CHECKING:
    from agnesi.core.dtypes import DType
    from agnesi.graph.tensor import Array, Tensor, TensorLike

__all__ = ["frexp", "ldexp", "modf", "nextafter", "signbit", "spacing"]

# The ends of the range of f32, which are numbers like others in f64.
_TINY = LAYOUTS[F32].tiny
_SPECIAL = (*IEEE, 2.0**-149, -3 * 2.0**-149, _TINY, 0.75 * _TINY, LAYOUTS[F32].huge)
_BITS = Domain(special=_SPECIAL)


class Signbit(Elementwise):
    """Whether each number is negative; -0.0 is."""

    x: Tensor

    public = "signbit"
    reference = np.signbit
    domain = (_BITS,)
    differentiable = False

    def result_dtype(self, operand: DType) -> DType:
        """Bool."""
        return BOOL

    def scalar(self, *operands: Scalar) -> Scalar:
        """The first bit of a float; what has no sign is never negative."""
        (x,) = operands
        if x.dtype.is_float:
            return x.bitcast(layout(x).signed) < 0
        return x < 0 if x.dtype.is_signed else literal(False, BOOL)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return (None,)


class Nextafter(Elementwise):
    """The float next to ``x`` in the direction of ``y``."""

    x: Tensor
    y: Tensor

    public = "nextafter"
    keeps_halves = True
    dtype_rule = "floating"
    dtypes = FLOATS
    exact = True
    reference = np.nextafter
    domain = (_BITS, _BITS)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """The neighbour away from 0 has the next larger bits."""
        x, y = operands
        a, b = _wide(x), _wide(y)
        word = x.bitcast(_word_of(x.dtype))
        away = (a < b) ^ (a < 0.0)
        moved = (word + select(away, word.like(1), -1)).bitcast(x.dtype)
        sign = y.bitcast(word.dtype) & (-1 << (x.dtype.bits - 1))
        moved = select(a.equals(0.0), (sign | 1).bitcast(x.dtype), moved)
        # Of two zeros it is the second, as C has it; NumPy's float16 has the first.
        moved = select(a.equals(b), x if x.dtype is F16 else y, moved)
        return select(a.equals(a) & b.equals(b), moved, (a + b).cast(x.dtype))

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """No gradient."""
        return None, None


def _wide(x: Scalar) -> Scalar:
    """Return a float in the dtype that arithmetic on it is done in."""
    return x.cast(x.dtype.arithmetic)


def _word_of(dtype: DType) -> DType:
    """Return the signed integer that has the bits of a float."""
    return {16: I16, 32: I32, 64: I64}[dtype.bits]


def _spacing(x: Array) -> Array:
    """NumPy's spacing; that of float16 has no sign, and half the size below a power of two."""
    kind = as_dtype(x.dtype) if x.dtype.kind in "fV" else floating(as_dtype(x.dtype))
    size = np.abs(x.astype(kind.numpy))
    gap = np.nextafter(size, np.array(np.inf, kind.numpy)) - size
    return np.where(np.isinf(size), np.array(np.nan, kind.numpy), np.where(x < 0, -gap, gap))


class Spacing(Elementwise):
    """Distance to the next float away from 0, with the sign of ``x``; NaN for infinity."""

    x: Tensor

    public = "spacing"
    keeps_halves = True
    dtype_rule = "floating"
    dtypes = FLOATS
    exact = True
    reference = staticmethod(_spacing)
    domain = (_BITS,)
    differentiable = False

    def scalar(self, *operands: Scalar) -> Scalar:
        """The difference to the next larger bits."""
        (x,) = operands
        wide = _wide(x)
        size = x.bitcast(_word_of(x.dtype)) & ((1 << (x.dtype.bits - 1)) - 1)
        gap = _wide((size + 1).bitcast(x.dtype)) - _wide(size.bitcast(x.dtype))
        signed = select(wide < 0.0, -gap, gap)
        return select(wide.equals(wide), signed, wide).cast(x.dtype)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere."""
        return (None,)


class Ldexp(Elementwise):
    """``x * 2**exponent``, rounded once, for an integer exponent."""

    x: Tensor
    exponent: Tensor

    public = "ldexp"
    dtype_rule = "floating"
    dtypes = FLOATS
    exact = True
    reference = np.ldexp
    domain = (
        _BITS,
        Domain(
            -9, 9, (0, 1, -1, 24, -24, -150, 276, -300, 1100, -1100, 2**31 - 1), dtypes=(I32, I64)
        ),
    )
    rejects = (
        Reject(("f32[2]", "i32[3]"), "do not broadcast"),
        Reject(("f32[2]", "f32[2]"), "an exponent is an integer"),
        Reject(("f32[2]", "u64[2]"), "an exponent is an integer"),
    )

    @classmethod
    def all_rejects(cls) -> tuple[Reject, ...]:
        """The op's own: its operands differ in dtype."""
        return cls.rejects

    def infer(self) -> TensorType:
        """The dtype of ``x``."""
        return TensorType(self.x.dtype, self.common_shape())

    def scalar(self, *operands: Scalar) -> Scalar:
        """Products with powers of two."""
        return scaled(*operands)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The same power of two."""
        return Ldexp(ct, self.exponent), None


def _exponent_of(x: Array) -> Any:
    return np.frexp(x)[1]


class FrexpExponent(Elementwise):
    """The exponent of :func:`agnesi.frexp`."""

    x: Tensor

    public = "frexp"
    dtype_rule = "floating"
    dtypes = FLOATS
    exact = True
    reference = staticmethod(_exponent_of)
    domain = (_BITS,)
    differentiable = False

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Return the second result."""
        return frexp(*operands)[1]

    def result_dtype(self, operand: DType) -> DType:
        """32 bits, as in NumPy."""
        return I32

    def scalar(self, *operands: Scalar) -> Scalar:
        """The exponent field."""
        return exponent_of(operands[0]).cast(I32)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """Flat nearly everywhere."""
        return (None,)


def _fraction_of(x: Array) -> Any:
    return np.modf(x)[0]


class ModfFraction(Elementwise):
    """The fractional part of :func:`agnesi.modf`, with the sign of ``x``."""

    x: Tensor

    public = "modf"
    dtype_rule = "floating"
    dtypes = FLOATS
    exact = True
    reference = staticmethod(_fraction_of)
    domain = (Domain(special=(*_SPECIAL, 2.5, -2.5), avoid=tuple(map(float, range(-3, 4)))),)

    @classmethod
    def call(cls, *operands: Any, **named: Any) -> Tensor:
        """Return the first result."""
        return modf(*operands)[0]

    def scalar(self, *operands: Scalar) -> Scalar:
        """What is left of the whole part, nothing of an infinite one."""
        (x,) = operands
        rest = x - apply(Prim.TRUNC, x)
        return copysign(select(abs(x).equals(inf), 0.0, rest), x)

    def vjp(self, ct: Tensor) -> tuple[Tensor | None, ...]:
        """The whole part is flat."""
        return (ct,)


signbit = unary(Signbit)
nextafter = binary(Nextafter)
spacing = unary(Spacing)


def ldexp(x: TensorLike, exponent: TensorLike, /) -> Tensor:
    """Return ``x * 2**exponent``, rounded once, as ``numpy.ldexp``.

    Args:
        x: numbers; integers are converted to floats.
        exponent: integers of any size but u64; they broadcast with ``x``.

    Raises:
        GraphTypeError: an exponent that is no integer, or shapes that do not broadcast.

    >>> ag.ldexp(ag.constant([0.5, 3.0]), ag.constant([4, -1])).eval()
    array([8. , 1.5], dtype=float32)
    """
    number, power = as_float(x), lift(exponent)
    kind = I64 if is_number(power) else power.dtype
    if not (kind is BOOL or kind.is_integer) or kind is U64 or isinstance(power, float):
        raise GraphTypeError(
            "ldexp: an exponent is an integer, of at most 64 bits with its sign\n"
            f"{operand_lines(Ldexp.fields, (number, power))}\n"
            '  convert it with .astype("i64"), or multiply by ag.exp2(exponent)'
        )
    short = kind.bits <= 16 or kind is I32
    operands = [number, cast(power, I32 if short else I64)]
    shape = broadcast_shape("ldexp", Ldexp.fields, operands, (number, power))
    return Ldexp(*(broadcast(o, shape) for o in operands))


def frexp(x: TensorLike, /) -> tuple[Tensor, Tensor]:
    """Split numbers into a fraction and a power of two, as ``numpy.frexp``.

    Returns:
        ``(mantissa, exponent)`` with ``x == mantissa * 2**exponent`` and a mantissa of absolute
        value from 0.5 up to (not including) 1; the exponents are i32.  0, infinities and NaN have
        the exponent 0.

    >>> mantissa, exponent = ag.frexp(ag.constant([8.0, -0.75]))
    >>> mantissa.eval(), exponent.eval()
    (array([ 0.5 , -0.75], dtype=float32), array([4, 0], dtype=int32))
    """
    number = as_float(x)
    exponent = FrexpExponent(number)
    return Ldexp(number, -exponent), exponent


def modf(x: TensorLike, /) -> tuple[Tensor, Tensor]:
    """Split numbers into their fractional and whole parts, both with the sign of ``x``.

    >>> fraction, whole = ag.modf(ag.constant([2.5, -0.25]))
    >>> fraction.eval(), whole.eval()
    (array([ 0.5 , -0.25], dtype=float32), array([ 2., -0.], dtype=float32))
    """
    number = as_float(x)
    return ModfFraction(number), trunc(number)


OPS: tuple[type[Op], ...] = (Signbit, Nextafter, Spacing, Ldexp, FrexpExponent, ModfFraction)
